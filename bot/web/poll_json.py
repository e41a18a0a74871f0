"""The JSON of polls and of the pulse, for viewers and for staff. What a viewer may not see is not in theirs."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from bot.model import Mood, Poll, PollKind, PollState, PollStatus, Results
from bot.polling import marks, results_visible
from bot.polling.rules import CHOICE
from bot.web.schemas import LATEST, Body, Feeling, Reply

LONGEST = 10_000
"""Characters of a field, before the rules say what is wrong with it."""

PULSE_MINUTES = 15

Kind = Literal["single", "multiple", "scale", "words", "open"]
Shows = Literal["live", "closed", "staff"]
Line = Annotated[str, Field(max_length=LONGEST)]
PollId = Annotated[str, Field(min_length=1, max_length=100)]


class PollBody(Body):
    """A poll as it is wished. `options` for a choice; `most`: options or words a vote may have; `low`, `high` and their
    words `ends` for a scale. `results`: when viewers see the result: live, once it is closed, or never (staff)."""

    kind: Kind
    title: Line
    options: Annotated[tuple[Line, ...], Field(max_length=2000)] = ()
    most: Annotated[int, Field(ge=0, le=1000)] = 1
    low: Annotated[int, Field(ge=-1000, le=1000)] = 1
    high: Annotated[int, Field(ge=-1000, le=1000)] = 5
    ends: tuple[Line, Line] = ("", "")
    results: Shows = "live"

    def wish(self) -> PollState:
        return PollState(
            id="",
            session="",
            kind=PollKind(self.kind),
            title=self.title,
            options=self.options,
            most=self.most,
            low=self.low,
            high=self.high,
            ends=self.ends,
            results=Results(self.results),
        )


class PollEditBody(PollBody):
    """`seen`: what it asked when you looked at it; where it asks otherwise by now, and not the same as this, 409."""

    seen: PollBody | None = None


class PollActBody(Body):
    """`mute` and `unmute` name the `key` of a word or text. What arrives after `by` is not done."""

    do: Literal["start", "close", "show", "hide", "mute", "unmute"]
    key: Line = ""
    by: float | None = LATEST


class PollVoteBody(Body):
    """Numbers of options from 1 (or on the scale), words, or one text."""

    choices: Annotated[list[Line], Field(min_length=1, max_length=100)]


class PollCopyBody(Body):
    """`session` is where they are; without `polls` all of them."""

    session: Annotated[str, Field(min_length=1, max_length=200)]
    polls: Annotated[tuple[PollId, ...], Field(max_length=200)] = ()


class PulseBody(Body):
    mood: Feeling


class PulseSwitchBody(Body):
    on: bool


class PollTextOut(Reply):
    """A word or text, by how many it was said. `key` is its normal form."""

    key: str
    text: str
    people: int
    muted: bool = False


class PollResultOut(Reply):
    """`counts`: people for each option, or for each number of a scale from its low end; `mean` that of a scale."""

    counts: list[int]
    mean: float | None
    texts: list[PollTextOut]


class PollOut(Reply):
    """`marks`: what each option is called by in chats. `people` voted; `result` is null where it may not be seen."""

    id: str
    kind: Kind
    title: str
    options: list[str]
    marks: list[str]
    most: int
    low: int
    high: int
    ends: tuple[str, str]
    results: Shows
    status: Literal["draft", "open", "closed"]
    shown: bool
    round: int
    opened_at: float
    people: int
    result: PollResultOut | None


class PollsOut(Reply):
    polls: list[PollOut]


class MyPollsOut(PollsOut):
    """`mine`: what the caller voted, by poll."""

    mine: dict[str, list[str]]


class MinuteOut(Reply):
    """`minute` since the epoch; people by mood."""

    minute: int
    moods: dict[Feeling, int]


class PulseOut(Reply):
    """Whether viewers are asked how they feel; to staff also what they said in the last minutes."""

    on: bool
    minutes: list[MinuteOut] | None = None


def poll_out(poll: Poll, staff: bool) -> PollOut:
    state = poll.state
    return PollOut(
        id=state.id,
        kind=state.kind.value,
        title=state.title,
        options=list(state.options),
        marks=list(marks(state)),
        most=state.most,
        low=state.low,
        high=state.high,
        ends=state.ends,
        results=state.results.value,
        status=state.status.value,
        shown=state.shown,
        round=state.round,
        opened_at=state.opened_at,
        people=poll.people,
        result=_result(poll, staff) if staff or results_visible(state) else None,
    )


def _result(poll: Poll, staff: bool) -> PollResultOut:
    state = poll.state
    numbers: Sequence[int] = ()
    if state.kind in CHOICE:
        numbers = range(1, len(state.options) + 1)
    elif state.kind is PollKind.SCALE:
        numbers = range(state.low, state.high + 1)
    muted = set(state.muted)
    total = sum(poll.counts.values())
    return PollResultOut(
        counts=[poll.counts.get(n, 0) for n in numbers],
        mean=sum(n * people for n, people in poll.counts.items()) / total
        if state.kind is PollKind.SCALE and total
        else None,
        texts=[
            PollTextOut(key=one.key, text=one.text, people=one.people, muted=one.key in muted)
            for one in poll.texts
            if staff or one.key not in muted
        ],
    )


def polls_out(polls: Sequence[Poll], staff: bool) -> PollsOut:
    """Viewers see no drafts."""
    seen = (poll for poll in polls if staff or poll.state.status is not PollStatus.DRAFT)
    return PollsOut(polls=[poll_out(poll, staff) for poll in seen])


def pulse_out(on: bool, counted: Sequence[tuple[int, str, int]]) -> PulseOut:
    minutes: dict[int, dict[Feeling, int]] = {}
    for minute, mood, people in counted:
        minutes.setdefault(minute, {})[Mood(mood).value] = people
    return PulseOut(on=on, minutes=[MinuteOut(minute=minute, moods=moods) for minute, moods in minutes.items()])
