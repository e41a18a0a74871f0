"""What a survey brought, as plain values for the page, the API and the report."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.model import Poll, PollKind, PollState, PollText, Session, SurveyState, Turnout
from bot.polling import key
from bot.polling.rules import CHOICE

SURE = 0.95
"""How sure an interval is: so often it would hold the mean of all who might have answered."""


@dataclass(frozen=True, slots=True)
class Rating:
    """`n` people rated: the mean, how spread they are (standard deviation; 0 for one) and the interval of the mean,
    None where one alone rated."""

    n: int
    mean: float
    spread: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that say the same, by how many people: the one that most wrote, and all of them, the most frequent
    first."""

    title: str
    people: int
    wordings: tuple[PollText, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What one item brought. `labels` and `counts` are the bars of a choice or a scale, `rating` is that of a scale,
    `groups` are those of a text."""

    id: str
    kind: PollKind
    title: str
    people: int
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    rating: Rating | None = None
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Evening:
    """How one evening of the series was rated."""

    session: str
    title: str
    at: float | None
    rating: Rating


@dataclass(frozen=True, slots=True)
class Trend:
    """The same rating over the evenings of a series, the earliest first; `low` and `high` are the ends of its scale."""

    item: str
    title: str
    low: int
    high: int
    evenings: tuple[Evening, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """All that a survey brought: `people` answered something. `chats` by how many took part."""

    title: str
    people: int
    chats: tuple[Turnout, ...]
    items: tuple[Item, ...]
    trends: tuple[Trend, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """An evening before, with what its survey's items brought."""

    session: Session
    results: tuple[Poll, ...]


def feedback(
    survey: SurveyState,
    results: Sequence[Poll],
    turnout: tuple[int, Sequence[Turnout]],
    groups: Mapping[str, Sequence[int]] | None = None,
    here: Session | None = None,
    earlier: Sequence[Earlier] = (),
) -> Feedback:
    """`results` are those of its items; `turnout` how many people answered, in all and by chat. `groups` says for each
    item with texts the number of the group of each of them (without: every text by itself). With `here`, the session,
    the ratings are compared with those of the `earlier` evenings, in order of time."""
    groups = groups or {}
    return Feedback(
        title=survey.title,
        people=turnout[0],
        chats=tuple(sorted(turnout[1], key=lambda chat: (-chat.took_part, -chat.others, chat.source))),
        items=tuple(_item(result, groups.get(result.state.id)) for result in results),
        trends=_trends(results, here, earlier) if here else (),
    )


def _item(result: Poll, groups: Sequence[int] | None) -> Item:
    state = result.state
    numbers = _numbers(state)
    return Item(
        id=state.id,
        kind=state.kind,
        title=state.title,
        people=result.people,
        labels=state.options if state.kind in CHOICE else tuple(map(str, numbers)),
        counts=tuple(result.counts.get(number, 0) for number in numbers),
        rating=rating(result),
        groups=_groups(result.texts, groups) if state.kind is PollKind.OPEN else (),
    )


def _numbers(state: PollState) -> range:
    if state.kind in CHOICE:
        return range(1, len(state.options) + 1)
    return range(state.low, state.high + 1) if state.kind is PollKind.SCALE else range(0)


def _groups(texts: Sequence[PollText], groups: Sequence[int] | None) -> tuple[Group, ...]:
    """The one that most people say comes first; of equals the one that was there first."""
    found: dict[int, list[PollText]] = {}
    for number, text in zip(groups or range(len(texts)), texts, strict=True):
        found.setdefault(number, []).append(text)
    made = [Group(own[0].text, sum(text.people for text in own), tuple(own)) for own in found.values()]
    return tuple(sorted(made, key=lambda group: -group.people))


def rating(result: Poll) -> Rating | None:
    """That of a scale; None for another kind, and where nobody rated.

    The interval is Student's, for few rate and nobody knows how spread all are; it ends where the scale ends.
    """
    state, n = result.state, sum(result.counts.values())
    if state.kind is not PollKind.SCALE or not n:
        return None
    mean = sum(number * people for number, people in result.counts.items()) / n
    if n == 1:
        return Rating(n, mean, 0.0, None, None)
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # slow to import

    squares = sum(people * (number - mean) ** 2 for number, people in result.counts.items())
    spread = math.sqrt(squares / (n - 1))
    reach = float(stdtrit(n - 1, (1 + SURE) / 2)) * spread / math.sqrt(n)
    return Rating(n, mean, spread, max(float(state.low), mean - reach), min(float(state.high), mean + reach))


def _trends(results: Sequence[Poll], here: Session, earlier: Sequence[Earlier]) -> tuple[Trend, ...]:
    """Of each rating that an earlier evening asked for as well, in the same words on the same scale."""
    found = []
    for result in results:
        state = result.state
        alike = [(other.session, one) for other in earlier for one in other.results if _same_question(one.state, state)]
        evenings = tuple(
            Evening(session.id, session.title, session.starts_at, rated)
            for session, one in (*alike, (here, result))
            if (rated := rating(one))
        )
        if state.kind is PollKind.SCALE and alike and evenings:
            found.append(Trend(state.id, state.title, state.low, state.high, evenings))
    return tuple(found)


def _same_question(one: PollState, other: PollState) -> bool:
    asks = [(key(state.title), state.kind, state.low, state.high) for state in (one, other)]
    return asks[0] == asks[1]
