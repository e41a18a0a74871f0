"""What a bench found, ready for the table and the page."""

from dataclasses import dataclass
from typing import Literal

from knowledge.evaluation.metrics import Figure
from knowledge.reasons import Reason

FLOORMIC = "floormic"
ALL_LABELS = "floormic, all labels"
BY_ITSELF = "each judgement by itself"


@dataclass(frozen=True, slots=True)
class Column:
    """One method's figures by name."""

    method: str
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Block:
    """One judgement on one set of data, every method beside the others. `size` says on how much."""

    data: str
    judgement: str
    size: str
    columns: tuple[Column, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in 0..1 from left to right; `mark` is where the program itself stands."""

    name: str
    points: tuple[tuple[float, float], ...]
    mark: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """`kind` names the axes: coverage and precision of answers, threshold and figures, probability and share that was
    so, topics and figures."""

    kind: Literal["answers", "grouping", "reliability", "learning"]
    data: str
    curves: tuple[Curve, ...]


MistakeKind = Literal[
    "asking: wrongly found", "asking: missed", "grouping: wrongly joined", "grouping: missed",
    "answers: wrongly sent", "answers: missed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mistake:
    """`other`: what it was put to, or should have been."""

    text: str
    other: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The worst of one kind, of `total`."""

    data: str
    kind: MistakeKind
    worst: tuple[Mistake, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured on some data."""

    blocks: tuple[Block, ...] = ()
    pictures: tuple[Picture, ...] = ()
    mistakes: tuple[Mistakes, ...] = ()
