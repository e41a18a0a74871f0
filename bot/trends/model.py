"""What is found about a series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.model import Person, Question, Recurrence, Remembered, Session, Status
from bot.trends.sober import Change
from knowledge.topics import Topic


@dataclass(frozen=True, slots=True)
class Evening:
    """What the store kept of one session; `headings` names parts of its course by their source."""

    session: Session
    questions: Sequence[Question]
    remembered: Sequence[Remembered]
    headings: Mapping[str, str]
    recurrences: Sequence[Recurrence] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One question of the series. `evening` and `topic` (None: none) are positions. `issue` is the same number for all
    that ask the same; `again`: it was asked on an earlier evening. `persons` asked it, `people` voted for it too."""

    question: Question
    evening: int
    persons: frozenset[Person]
    vector: NDArray[np.float32]
    topic: int | None
    same: str
    again: bool

    @property
    def answered(self) -> bool:
        return self.question.status is Status.ANSWERED


@dataclass(frozen=True, slots=True)
class Cell:
    """A topic on an evening: its questions, who asked one of them, their share of all who asked, how many of the
    questions were asked before and how many are answered; `change` against all evenings before."""

    questions: int
    people: int
    share: float
    again: int
    answered: int
    change: Change = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A topic over the series: one cell an evening; `example` is its most central question. `run` is its change over
    the whole series, `first` and `last` its share in the first and second half of it. `chats`: who asked, by source;
    `leaning` are the sources where it is asked more, or less, than in the others."""

    topic: Topic
    example: Question
    cells: tuple[Cell, ...]
    people: int
    run: Change
    first: float
    last: float
    chats: Mapping[str, int]
    leaning: Mapping[str, Change]


@dataclass(frozen=True, slots=True)
class Gap:
    """What was asked and nobody answered, the course neither: the question with most people, and all that ask the same,
    in order of the evenings. `suggested`: the course has something that a person did not yet look at."""

    question: Question
    points: tuple[Point, ...]
    people: int
    topic: int | None
    suggested: bool

    @property
    def evenings(self) -> list[int]:
        """Positions of the evenings on which it was asked."""
        return sorted({point.evening for point in self.points})


@dataclass(frozen=True, slots=True)
class Trends:
    """`people` asked on each evening. `rows` with most people first, and `Point.topic` is a position there; `gaps` by
    demand. `places` on a map (0..1, 0..1), one a point; None for those that it does not show."""

    series: str
    evenings: tuple[Session, ...]
    people: tuple[int, ...]
    points: tuple[Point, ...]
    rows: tuple[Row, ...]
    gaps: tuple[Gap, ...]
    places: tuple[tuple[float, float] | None, ...]

    @property
    def askers(self) -> int:
        """How many different people asked in the series."""
        return len({person for point in self.points for person in point.persons})

    @property
    def last(self) -> int:
        """The last evening on which somebody asked; -1 where nobody did."""
        return max((at for at, people in enumerate(self.people) if people), default=-1)
