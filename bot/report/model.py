"""The values a report is made of. Times are Unix seconds, lengths of time seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bot.model import COURSE, Answer, Mood, PollKind, Session, Status
from bot.queueing import OPEN


@dataclass(frozen=True, slots=True)
class Headline:
    """The session in figures.

    `asked` counts messages that ask something, `groups` the different questions in them; every group is one of
    answered by the course, answered by a person, open, or dismissed. `unread` messages were not yet looked at.
    """

    messages: int
    people: int
    asked: int
    askers: int
    groups: int
    by_course: int
    by_people: int
    open: int
    dismissed: int
    chats: int
    unread: int = 0

    @property
    def answered(self) -> int:
        return self.by_course + self.by_people

    @property
    def share(self) -> float | None:
        """Of the questions that were not dismissed, the part that was answered; None without such a question."""
        return self.answered / wanted if (wanted := self.groups - self.dismissed) else None


@dataclass(frozen=True, slots=True)
class Missed:
    """How long a source did not hear its chat during the session, and how often; what was fetched later is not missed.
    Without `known` nobody watched it from the beginning, so it may be more."""

    source: str
    seconds: float
    times: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat's share: messages, distinct people, messages that ask, groups somebody there asked, and those of them
    that were answered. `missed`: None where it is no source that is watched."""

    source: str
    messages: int
    people: int
    asked: int
    groups: int
    answered: int = 0
    missed: Missed | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One question with its demand. `people` = the askers of all `chats` + `votes`.

    `wordings` are the different ways it was asked, the first ones. `first_by` is the first asker's name ("" if none
    was given). `reach`: to how many of its askers the answer came.
    """

    id: str
    title: str
    status: Status
    people: int
    askers: int
    votes: int
    messages: int
    chats: tuple[tuple[str, int], ...]
    first_at: float
    last_at: float
    first_by: str = ""
    answer: Answer | None = None
    reason: str = ""
    labels: tuple[str, ...] = ()
    wordings: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def answered(self) -> bool:
        return self.status is Status.ANSWERED and self.answer is not None

    @property
    def by_course(self) -> bool:
        return self.answered and self.answer is not None and self.answer.by == COURSE

    @property
    def waited(self) -> float | None:
        """From the first asking to the answer that stands; None where it has none."""
        return max(0.0, self.answer.at - self.first_at) if self.answered and self.answer else None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Counts in steps of `step` seconds from `start` on: all messages, and those that ask. Both have one length."""

    start: float
    step: float
    messages: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()


UNTIL = (60.0, 300.0, 900.0, 3600.0, 86_400.0)
"""Where one class of waits ends and the next begins; the last class has no end."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long questions waited for their answer, in rising order: those that the course answered, and people."""

    course: tuple[float, ...] = ()
    people: tuple[float, ...] = ()

    @property
    def all(self) -> tuple[float, ...]:
        return tuple(sorted((*self.course, *self.people)))

    @property
    def median(self) -> float | None:
        return median(self.all) if self.all else None

    @property
    def classes(self) -> tuple[tuple[int, int], ...]:
        """How many of the course's and of people's answers came within each class of `UNTIL`, and later."""
        edges = (-1.0, *UNTIL, float("inf"))
        return tuple(
            (sum(low < s <= high for s in self.course), sum(low < s <= high for s in self.people))
            for low, high in pairwise(edges)
        )


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions of one label or topic, the people behind them, and how many are answered."""

    name: str
    questions: int
    people: int
    answered: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What was said to one thing that was asked of everybody: in a poll, or in a questionnaire.

    `people` said something. `bars` are options or the numbers of a scale, each with its people; `mean` that of a scale,
    `ends` the words at its ends; `texts` words or texts, the most frequent first.
    """

    title: str
    kind: PollKind
    people: int
    bars: tuple[tuple[str, int], ...] = ()
    mean: float | None = None
    ends: tuple[str, str] = ("", "")
    texts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a questionnaire brought: `n` filled it in, of `asked` who were asked (None: not known), by chat where that
    is known as (source, n, asked)."""

    title: str
    n: int
    asked: int | None = None
    items: tuple[Tally, ...] = ()
    chats: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Moods:
    """The pulse in steps of `step` seconds from `start` on: how many people said what, each mood with one length."""

    start: float
    step: float
    counts: Mapping[Mood, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Audience:
    """Who came again. `new` and `returning` are humans whose chat keeps their id from one evening to the next, by
    whether they said something on one of the `earlier` evenings of the series; `unknown` are all others."""

    new: int = 0
    returning: int = 0
    unknown: int = 0
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """To how many of those who asked what was answered the answer came: `told` in their chat; to be read on the `page`
    where they asked; `underway`; `failed`; `silent`: their chat cannot be told, it stands on the page all the same."""

    told: int = 0
    page: int = 0
    underway: int = 0
    failed: int = 0
    silent: int = 0

    @property
    def askers(self) -> int:
        return self.told + self.page + self.underway + self.failed + self.silent


@dataclass(frozen=True, slots=True)
class Report:
    """A session's report. `lines` holds every question in order of demand; `gaps` the ids of what was asked by many
    and answered neither by the course nor by a person. Without `named` it names nobody."""

    session: Session
    made_at: float
    headline: Headline
    lines: tuple[Line, ...]
    chats: tuple[Chat, ...]
    timeline: Timeline
    gaps: tuple[str, ...]
    topics: tuple[Topic, ...] = ()
    polls: tuple[Tally, ...] = ()
    moods: Moods | None = None
    feedback: tuple[Feedback, ...] = ()
    audience: Audience = Audience()
    reach: Reach = Reach()
    missed: tuple[Missed, ...] = ()
    named: bool = True

    @property
    def answered(self) -> dict[str, list[Line]]:
        """What was answered, by whom: whoever answered most comes first."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            if line.answered and line.answer:
                found.setdefault(line.answer.by, []).append(line)
        return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))

    @property
    def waits(self) -> Waits:
        waited = sorted((line.waited, line.by_course) for line in self.lines if line.waited is not None)
        return Waits(
            tuple(seconds for seconds, by_course in waited if by_course),
            tuple(seconds for seconds, by_course in waited if not by_course),
        )

    @property
    def left(self) -> list[Line]:
        return [line for line in self.lines if line.open]

    @property
    def dismissed(self) -> list[Line]:
        return [line for line in self.lines if line.status is Status.DISMISSED]

    @property
    def gap_lines(self) -> list[Line]:
        gaps = set(self.gaps)
        return [line for line in self.lines if line.id in gaps]

    @property
    def slowest(self) -> list[Line]:
        """What waited longest for its answer, the longest first."""
        return sorted((line for line in self.lines if line.answered), key=lambda line: -(line.waited or 0.0))
