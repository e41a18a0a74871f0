"""What may be a poll and what may be a vote in it."""

import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.errors import BadInput
from bot.model import PollKind, PollState, PollStatus, Results
from knowledge.text import normalise

MOST_OPTIONS = 20
MOST_WORDS = 5
LOWEST, HIGHEST = 0, 10
LONGEST_TITLE = 300
LONGEST_OPTION = 100
LONGEST_END = 40
LONGEST_WORD = 30
LONGEST_TEXT = 300
"""Characters."""

CHOICE = frozenset({PollKind.SINGLE, PollKind.MULTIPLE})
FREE = frozenset({PollKind.WORDS, PollKind.OPEN})
AROUND = " \t.,;:!~…。，、；：！～\"'“”‘’「」『』()（）[]【】<>《》"
"""What may stand around a word and says nothing."""

JOINER = "\u200d"  # parts of one emoji


def key(text: str) -> str:
    """By which words and texts are counted: the same for the same in another script, case or width."""
    plain = normalise(text).strip(AROUND)
    return plain or unicodedata.normalize("NFKC", text).casefold().strip()


def tidy(text: str) -> str:
    """On one line, without what is not seen or turns the text around it."""
    kept = (c if not c.isspace() else " " for c in text if _seen(c))
    return " ".join("".join(kept).split())


def _seen(character: str) -> bool:
    return character.isspace() or character == JOINER or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}


def marks(state: PollState) -> tuple[str, ...]:
    """What each option is called by: its number; its letter where options are numbers themselves, for "2" must not
    mean two things; nothing where they are letters as well."""
    if not _named_by(state, str.isdecimal):
        return tuple(str(n) for n in range(1, len(state.options) + 1))
    if not _named_by(state, _is_letter):
        return tuple(string.ascii_uppercase[: len(state.options)])
    return ("",) * len(state.options)


def choices(state: PollState) -> list[tuple[str, str]]:
    """What may be pressed or ticked, as (choice, label); nothing for words and texts."""
    if state.kind is PollKind.SCALE:
        return [(str(n), str(n)) for n in range(state.low, state.high + 1)]
    named = zip(marks(state), state.options, strict=True)
    return [(str(n), f"{mark}. {option}" if mark else option) for n, (mark, option) in enumerate(named, 1)]


def numbers_free(state: PollState) -> bool:
    """Whether a number says which option, and is none of them."""
    return not _named_by(state, str.isdecimal)


def letters_free(state: PollState) -> bool:
    return not _named_by(state, _is_letter)


def _named_by(state: PollState, what: Callable[[str], bool]) -> bool:
    return any(what(key(option)) for option in state.options)


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text in string.ascii_lowercase


def results_visible(state: PollState) -> bool:
    """Whether viewers see the result now."""
    return state.results is Results.LIVE or (
        state.results is Results.CLOSED and state.status is PollStatus.CLOSED and state.round > 0
    )


def asks_alike(one: PollState, other: PollState) -> bool:
    """Whether a vote in one would mean the same in the other; their titles and who sees the result do not matter."""
    fields = ("kind", "options", "most", "low", "high", "ends")
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def checked(state: PollState) -> PollState:
    """The poll as it is kept: texts tidy, and nothing that its kind has no use for. Raises `BadInput`."""
    title = tidy(state.title)
    if not title or len(title) > LONGEST_TITLE:
        raise BadInput(f"a poll asks something in 1 to {LONGEST_TITLE} characters, this has {len(title):,}")
    state = replace(state, title=title)
    if state.kind in CHOICE:
        return _checked_choice(state)
    state = replace(state, options=())
    if state.kind is PollKind.SCALE:
        return _checked_scale(state)
    plain = replace(state, low=1, high=5, ends=("", ""))
    if state.kind is PollKind.OPEN:
        return replace(plain, most=1)
    if not 1 <= state.most <= MOST_WORDS:
        raise BadInput(f"a word cloud takes 1 to {MOST_WORDS} words a person, not {state.most:,}")
    return plain


def _checked_choice(state: PollState) -> PollState:
    options = tuple(text for option in state.options if (text := tidy(option)))
    if not 2 <= len(options) <= MOST_OPTIONS:
        raise BadInput(f"a choice needs 2 to {MOST_OPTIONS} options, this has {len(options):,}")
    if long := next((option for option in options if len(option) > LONGEST_OPTION), None):
        raise BadInput(f"an option has at most {LONGEST_OPTION} characters, “{long[:20]}…” has {len(long):,}")
    known: dict[str, str] = {}
    for option in options:
        if key(option) in known:
            raise BadInput(f"two options are the same: “{known[key(option)][:40]}” and “{option[:40]}”; remove one")
        known[key(option)] = option
    most = 1 if state.kind is PollKind.SINGLE else state.most
    if not 1 <= most <= len(options):
        raise BadInput(f"at most {most:,} options can be chosen of {len(options)}; give a number from 1 to that")
    return replace(state, options=options, most=most, low=1, high=5, ends=("", ""))


def _checked_scale(state: PollState) -> PollState:
    if not LOWEST <= state.low < state.high <= HIGHEST:
        raise BadInput(f"a scale lies within {LOWEST} and {HIGHEST} and goes up, not {state.low} to {state.high}")
    low, high = (tidy(word) for word in state.ends)
    if max(len(low), len(high)) > LONGEST_END:
        raise BadInput(f"the words at the ends of a scale have at most {LONGEST_END} characters")
    return replace(state, most=1, ends=(low, high))


def pressed(state: PollState, before: Sequence[str], choice: str) -> tuple[str, ...]:
    """What somebody has chosen who chose `before` and pressed the button of one choice: a second choice takes the place
    of the first, or comes to it where several are asked for. "" takes all of it back."""
    several = state.kind is PollKind.MULTIPLE and choice
    return tuple(dict.fromkeys((*before, choice))) if several else (choice,) if choice else ()


def checked_choices(state: PollState, choices: Sequence[str], longest: int = LONGEST_TEXT) -> tuple[str, ...]:
    """What somebody chose, as it is kept; a text has at most `longest` characters. Raises `BadInput`."""
    if state.kind in FREE:
        return _checked_texts(state, choices, LONGEST_WORD if state.kind is PollKind.WORDS else longest)
    low, high = (1, len(state.options)) if state.kind in CHOICE else (state.low, state.high)
    numbers = sorted({_number(choice, low, high) for choice in choices})
    if not 1 <= len(numbers) <= state.most:
        raise BadInput(f"choose 1 to {state.most}, not {len(numbers)}" if state.most > 1 else "choose exactly one")
    return tuple(str(number) for number in numbers)


def _number(choice: str, low: int, high: int) -> int:
    if choice.isascii() and choice.isdecimal() and len(choice) <= 2 and low <= int(choice) <= high:
        return int(choice)
    raise BadInput(f"choose a number from {low} to {high}, not “{choice[:20]}”")


def _checked_texts(state: PollState, choices: Sequence[str], longest: int) -> tuple[str, ...]:
    texts = {key(text): text for choice in reversed(choices) if (text := tidy(choice))}
    found = tuple(reversed(texts.values()))
    if not 1 <= len(found) <= state.most:
        raise BadInput(f"write 1 to {state.most} words, not {len(found)}" if found else "write something first")
    if long := next((text for text in found if len(text) > longest), None):
        raise BadInput(f"at most {longest} characters, yours has {len(long):,}; make it shorter")
    return found
