"""What may be a survey, how it may change, and how its items stand."""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.errors import BadInput, NotAllowed
from bot.model import PollKind, PollState, PollStatus, Results, SurveyState
from bot.polling import checked as checked_poll
from bot.polling.rules import tidy

MOST_ITEMS = 10
LONGEST_TITLE = 200
LONGEST_ANSWER = 1000
"""Characters of a text that answers an item."""
MOST_DAYS = 30
MOST_REMINDERS = 2
DAY = 86_400.0

KINDS = frozenset({PollKind.SCALE, PollKind.SINGLE, PollKind.MULTIPLE, PollKind.OPEN})
ASKED = ("kind", "options", "most", "low", "high")
"""What of an item must stay once somebody answered it: its wording may be mended, what the numbers mean may not."""

_MARK = "s"
"""The ids of items begin with it, those of polls do not."""


def is_item(poll: str) -> bool:
    """Whether an id names an item of a survey, and not a poll."""
    return poll.startswith(_MARK)


def fresh_id() -> str:
    return f"{_MARK}{secrets.token_hex(6)}"


DEFAULT = {
    "zh": (
        "今天的讲座怎么样？",
        PollState("", "", PollKind.SCALE, "今天的讲座怎么样？", low=1, high=5, ends=("不太好", "很好")),
        PollState("", "", PollKind.OPEN, "接下来想听什么？"),
        PollState("", "", PollKind.OPEN, "这次缺了什么，哪里可以更好？"),
    ),
    "en": (
        "How was the talk?",
        PollState("", "", PollKind.SCALE, "How was it?", low=1, high=5, ends=("not good", "very good")),
        PollState("", "", PollKind.OPEN, "What should come next?"),
        PollState("", "", PollKind.OPEN, "What was missing, or could be better?"),
    ),
}
"""Title and items of a questionnaire that is ready to use."""


def default(session: str, language: str) -> SurveyState:
    """A draft that is ready to use, in the language of the talk."""
    title, *items = DEFAULT["zh" if language == "zh" else "en"]
    return checked(SurveyState(session, str(title), tuple(item for item in items if isinstance(item, PollState))))


def like(survey: SurveyState, session: str) -> SurveyState:
    """A draft of another session that asks the same. Its items are others: what was answered stays where it was."""
    items = tuple(replace(item, id="") for item in survey.items)
    return checked(SurveyState(session, survey.title, items, survey.days, survey.reminders))


def checked(survey: SurveyState) -> SurveyState:
    """The survey as it is kept: tidy texts, an id for each item. Raises `BadInput`."""
    title = tidy(survey.title)
    if not title or len(title) > LONGEST_TITLE:
        raise BadInput(f"a survey has a title of 1 to {LONGEST_TITLE} characters, this has {len(title):,}")
    if not 1 <= len(survey.items) <= MOST_ITEMS:
        raise BadInput(f"a survey asks 1 to {MOST_ITEMS} things, this {len(survey.items):,}")
    if not 1 <= survey.days <= MOST_DAYS:
        raise BadInput(f"a survey stays open for 1 to {MOST_DAYS} days, not {survey.days:,}")
    if not 0 <= survey.reminders <= MOST_REMINDERS:
        raise BadInput(f"people are reminded at most {MOST_REMINDERS} times, not {survey.reminders:,}")
    items = tuple(_checked_item(item, survey.session) for item in survey.items)
    if len({item.id for item in items}) < len(items):
        raise BadInput("an item of the survey is there twice")
    return replace(survey, title=title, items=items)


def _checked_item(item: PollState, session: str) -> PollState:
    if item.kind not in KINDS:
        raise BadInput("a survey asks for a rating, a choice or a text")
    plain = PollState(item.id or fresh_id(), session, item.kind, item.title, results=Results.STAFF)
    asks = {name: getattr(item, name) for name in ("options", "most", "low", "high", "ends")}
    return checked_poll(replace(plain, **asks))


def edited(before: SurveyState, wish: SurveyState, answered: Collection[str]) -> SurveyState:
    """The survey as it stands, asking what is wished; `answered` are the ids of items that somebody answered. An item
    of the wish that the survey does not know is a new one.

    Raises `BadInput`, and `NotAllowed` where an answered item would be gone or ask something else.
    """
    known = {item.id: item for item in before.items}
    items = tuple(replace(item, id=item.id if item.id in known else "") for item in wish.items)
    after = checked(replace(before, title=wish.title, items=items, days=wish.days, reminders=wish.reminders))
    stays = {item.id for item in after.items}
    for item in lost(before, after):
        if item.id in answered and item.id not in stays:
            raise NotAllowed(f"people answered “{item.title}” already; it cannot be removed")
        if item.id in answered:
            raise NotAllowed(f"people answered “{item.title}” already; ask something else as a new item")
    return _closing(after)


def lost(before: SurveyState, after: SurveyState | None) -> list[PollState]:
    """The items whose answers would mean nothing any more: they are gone, or ask something else."""
    now = {item.id: item for item in after.items} if after else {}
    return [
        item
        for item in before.items
        if item.id not in now or any(getattr(now[item.id], name) != getattr(item, name) for name in ASKED)
    ]


def _closing(survey: SurveyState) -> SurveyState:
    """An open one closes as many days after it was opened as it says now."""
    if survey.status is not PollStatus.OPEN:
        return survey
    return replace(survey, closes_at=survey.opened_at + survey.days * DAY)


def opened(survey: SurveyState, now: float) -> SurveyState:
    return replace(survey, status=PollStatus.OPEN, opened_at=now, closes_at=now + survey.days * DAY)


def asked(survey: SurveyState) -> tuple[PollState, ...]:
    """Its items as polls that stand as the survey stands."""
    return tuple(
        replace(
            item,
            session=survey.session,
            status=survey.status,
            round=int(survey.opened_at > 0),
            opened_at=survey.opened_at,
        )
        for item in survey.items
    )


def first_asked(survey: SurveyState) -> PollState | None:
    """The item that chats are asked: its first rating, else its first choice; None where it asks for texts alone."""
    items = asked(survey)
    ratings = (item for item in items if item.kind is PollKind.SCALE)
    return next(ratings, None) or next((item for item in items if item.kind is not PollKind.OPEN), None)


def next_open(survey: SurveyState, answers: Mapping[str, Sequence[str]]) -> PollState | None:
    """What somebody is asked next where they are asked one after the other: the item that chats are asked first."""
    first = first_asked(survey)
    order = sorted(asked(survey), key=lambda item: first is None or item.id != first.id)
    return next((item for item in order if not answers.get(item.id)), None)


def tag(survey: SurveyState | None) -> str:
    """Another one for each other wording: whoever changes a survey says which one they saw."""
    return hashlib.blake2b(repr(survey).encode(), digest_size=8).hexdigest()
