"""The values a report is made of. Times are Unix seconds."""

from dataclasses import dataclass

from bot.model import (
    Answer,
    Session,
    Status,
)
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


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat's share: messages, distinct people, messages that ask, and groups somebody there asked."""

    source: str
    messages: int
    people: int
    asked: int
    groups: int


@dataclass(frozen=True, slots=True)
class Line:
    """One question with its demand. `people` = the askers of all `chats` + `votes`.

    `wordings` are the different ways it was asked, the first ones. `first_by` is the first asker's name ("" if none
    was given).
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


@dataclass(frozen=True, slots=True)
class Timeline:
    """Counts in steps of `step` seconds from `start` on: all messages, and those that ask. Both have one length."""

    start: float
    step: float
    messages: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A session's report. `lines` holds every question in order of demand; `gaps` the ids of what was asked by many
    and answered neither by the course nor by a person."""

    session: Session
    made_at: float
    headline: Headline
    lines: tuple[Line, ...]
    chats: tuple[Chat, ...]
    timeline: Timeline
    gaps: tuple[str, ...]

    @property
    def answered(self) -> dict[str, list[Line]]:
        """What was answered, by whom: whoever answered most comes first."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            if line.answered and line.answer:
                found.setdefault(line.answer.by, []).append(line)
        return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))

    @property
    def left(self) -> list[Line]:
        return [line for line in self.lines if line.open]

    @property
    def dismissed(self) -> list[Line]:
        return [line for line in self.lines if line.status is Status.DISMISSED]

    @property
    def gap_lines(self) -> list[Line]:
        return [line for line in self.lines if line.id in self.gaps]
