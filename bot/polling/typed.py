"""Is a message in a chat a vote? Only where it is nothing else: a question must never be swallowed.

A choice is said by a number, a letter or the option's own words and nothing beside ("1", "①", "选A", "B."); several
with something between them ("1 3", "A、C"). A scale takes a number. Words and texts need a sign in front of them, for
anything could be one: "词 可靠 快", "#可靠", "答：…", "word: reliable", "answer: …".
"""

import re
import string
import unicodedata
from collections.abc import Sequence

from bot.errors import BadInput
from bot.model import Mood, PollKind, PollState
from bot.polling.rules import checked_choices, key, letters_free, numbers_free, tidy
from knowledge.text import addressed, normalise

LONGEST = 400
"""Characters. What is longer is no vote."""

JOINED = 6
"""Options up to which letters may stand together ("AC"): with more of them they make words."""

_LEAD = re.compile(
    r"(?:我(?:要|想)?\s*)?(?:选择?项?|投票?(?:给)?|(?:我的)?答案是?)\s*[:：]?\s*"
    r"|(?:i\s+(?:choose|pick|vote(?:\s+for)?)|(?:my\s+)?(?:choice|vote|answer)(?:\s+is|\s+for)?|option)(?:\s*:\s*|\s+)"
)
_BETWEEN = re.compile(r"\s*[,、;&]\s*|\s+(?:and)\s+|\s*[和与跟及]\s*|\s+")
_COMMAS = re.compile(r"\s*[,、;]\s*")
_SCALE = re.compile(
    r"(?:我?(?:选择?|打|给|评)\s*|i\s+(?:give|rate|say)\s+)?(\d{1,2})(?:\s*(?:分|星|points?|stars?)|\s*/\s*(\d{1,2}))?"
)
_WORDS = re.compile(r"(?:词云|詞雲|关键词|關鍵詞|词|詞)(?:\s*:\s*|\s+)(.+)|words?\s*:\s*(.+)", re.IGNORECASE)
_HASHES = re.compile(r"(?:#[^#\s]+#?\s*)+")
_TEXT = re.compile(r"(?:回答|答案|答)\s*:\s*(.+)|(?:answer|ans)\s*:\s*(.+)", re.IGNORECASE)
_TEXT_SPACED = re.compile(r"(?:回答|答)\s+(.+)")


def typed_vote(text: str, polls: Sequence[PollState]) -> tuple[PollState, tuple[str, ...]] | None:
    """The poll that a message votes in and what it chooses; None for a message that is no vote.

    `polls` are those that are open. Of several that could be meant it is the one that was opened last.
    """
    if len(text) > LONGEST or addressed(text):
        return None
    for poll in sorted(polls, key=lambda poll: poll.opened_at, reverse=True):
        if found := _READERS[poll.kind](text, poll):
            try:
                return poll, checked_choices(poll, found)
            except BadInput:
                continue
    return None


def _choice(text: str, poll: PollState) -> list[str]:
    """Numbers of options, as texts."""
    own = {key(option): str(n) for n, option in enumerate(poll.options, 1)}
    if key(text) in own and _asks(text) <= _asks(poll.options[int(own[key(text)]) - 1]):
        return [own[key(text)]]
    said = normalise(text)
    if _asks(said):
        return []
    rest = said[found.end() :] if (found := _LEAD.match(said)) else said
    if key(rest) in own:
        return [own[key(rest)]]
    bare = key(rest)
    if letters := _together(text, said != rest, bare, poll):
        return letters
    for pattern in (_COMMAS, _BETWEEN):
        parts = [part for part in pattern.split(bare) if part]
        numbers = [own.get(part) or _by_mark(part, poll) for part in parts]
        if numbers and all(numbers):
            return [number for number in numbers if number]
    return []


def _by_mark(part: str, poll: PollState) -> str | None:
    """The number of the option that a number or a letter names."""
    part = part.strip(" .)）")
    if re.fullmatch(r"[1-9]\d?", part) and part.isascii() and numbers_free(poll):
        return part if int(part) <= len(poll.options) else None
    if len(part) == 1 and letters_free(poll):
        place = string.ascii_lowercase.find(part) + 1
        return str(place) if 1 <= place <= len(poll.options) else None
    return None


def _together(text: str, led: bool, bare: str, poll: PollState) -> list[str]:
    """ "AC": several letters in order. In capitals or behind "选", lest it be a word."""
    capitals = unicodedata.normalize("NFKC", text).strip().isupper()
    together = poll.kind is PollKind.MULTIPLE and len(poll.options) <= JOINED and letters_free(poll)
    if (
        not together
        or not (capitals or led)
        or not re.fullmatch(r"[a-t]{2,6}", bare)
        or list(bare) != sorted(set(bare))
    ):
        return []
    numbers = [_by_mark(letter, poll) for letter in bare]
    return [number for number in numbers if number] if all(numbers) else []


def _scale(text: str, poll: PollState) -> list[str]:
    said = normalise(text)
    found = _SCALE.fullmatch(key(said))
    if _asks(said) or found is None or (found[2] and int(found[2]) != poll.high):
        return []
    return [str(int(found[1]))]


def _words(text: str, poll: PollState) -> list[str]:
    said = _plain(text)
    if _asks(said):
        return []
    if _HASHES.fullmatch(said):
        return said.replace("#", " ").split()[: poll.most]
    found = _WORDS.fullmatch(said)
    if found is None:
        return []
    listed = found[1] or found[2]
    parts = re.split(r"\s*[,、;，；]\s*", listed) if re.search("[,、;，；]", listed) else listed.split()
    return [part for part in parts if part][: poll.most]


def _text(text: str, poll: PollState) -> list[str]:
    said = _plain(text)
    found = _TEXT.fullmatch(said) or (None if _asks(said) else _TEXT_SPACED.fullmatch(said))
    return [next(group for group in found.groups() if group)] if found else []


_READERS = {
    PollKind.SINGLE: _choice,
    PollKind.MULTIPLE: _choice,
    PollKind.SCALE: _scale,
    PollKind.WORDS: _words,
    PollKind.OPEN: _text,
}


def _plain(text: str) -> str:
    return tidy(text).replace("：", ":").replace("＃", "#")


def _asks(text: str) -> bool:
    return "?" in text or "？" in text


MOODS = {
    Mood.FAST: ("太快了", "太快", "讲太快了", "讲得太快了", "讲的太快了", "有点快", "慢一点", "慢点", "慢点讲",
                "too fast", "slow down", "slower", "slower please", "please slow down"),
    Mood.SLOW: ("太慢了", "太慢", "讲太慢了", "讲得太慢了", "讲的太慢了", "有点慢", "快一点", "快点", "快点讲",
                "too slow", "speed up", "faster", "faster please", "please speed up"),
    Mood.LOST: ("没听懂", "听不懂", "没听懂了", "没懂", "没跟上", "跟不上", "跟不上了", "听不明白", "没明白",
                "lost me", "you lost me", "i'm lost", "im lost", "i am lost", "i'm confused", "i don't get it"),
    Mood.GREAT: ("讲得好", "讲的好", "讲得真好", "讲得很好", "讲得太好了", "great", "great talk", "well explained"),
}  # fmt: skip
"""The phrases that say a mood, and nothing else."""

_MOOD = {key(phrase): mood for mood, phrases in MOODS.items() for phrase in phrases}


def typed_mood(text: str) -> Mood | None:
    """How somebody says they feel about the talk; None for a message that is not one of those phrases."""
    if len(text) > LONGEST or addressed(text) or _asks(text):
        return None
    return _MOOD.get(key(text.replace("’", "'")))
