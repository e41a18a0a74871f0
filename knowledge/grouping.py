"""Which question of the queue a new message repeats, if any.

`Groups.decide` only decides; `add`, `move` and `fold` keep what was decided, by the machine or by people. A decision
depends on what was added before, in that order, and on nothing else.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from knowledge.neighbours import DIGITS, Neighbours
from knowledge.wording import Sketch, overlap, sketch

NEAREST = 24
"""Messages whose groups are looked at: deep enough that a frequent question does not hide the others."""

CLOSEST = 4
"""Members of a group whose wording is compared letter by letter."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """`group` is the one to join (None: found a new one). `similarity` is the judged one, 0..1, to the best group there
    was (None: there was none). `suggested` is a group that may be the same but was not sure enough to join.
    """

    group: str | None
    similarity: float | None
    suggested: str | None
    reason: str


@dataclass(slots=True)
class _Member:
    group: str
    sketch: Sketch
    source: str | None
    vector: NDArray[np.float32]


@dataclass(slots=True)
class _Group:
    sum: NDArray[np.float32]
    keys: dict[int, None] = field(default_factory=dict)  # a set that keeps the order of arrival
    sources: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two askings have in common: the features of the judge. All but `cosine` and `pieces` are 0 or 1."""

    cosine: float
    pieces: float
    same_source: float
    other_source: float
    other_numbers: float
    other_negation: float
    other_kinds: float
    same_kinds: float


class Groups:
    """The questions of one session as their wordings. Not for several threads at once."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._neighbours = Neighbours(dimension)
        self._members: dict[int, _Member] = {}
        self._groups: dict[str, _Group] = {}
        self._by_source: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def decide(self, text: str, vector: NDArray[np.float32], source: str | None) -> Grouped:
        """Join, found, or found and suggest. `source`: what of the course this message matches strongly."""
        words = sketch(text)
        judged = [
            (self._judge(words, vector, source, name, keys), name) for name, keys in self._candidates(vector, source)
        ]
        if not judged:
            return Grouped(None, None, None, "the first of its kind")
        (score, name) = max(judged, key=lambda pair: pair[0])
        if score >= JOIN:
            return Grouped(name, score, None, f"asks the same ({score:.2f})")
        if score >= SUGGEST:
            return Grouped(None, score, name, f"may ask the same ({score:.2f})")
        return Grouped(None, score, None, f"nothing that asks the same ({score:.2f})")

    def add(self, key: int, group: str, text: str, vector: NDArray[np.float32], source: str | None) -> None:
        """Keep a message, by a key that is new, as a wording of `group`; the group is made when it is new."""
        if key in self._members:
            raise ValueError(f"message {key} is there already")
        self._neighbours.add(key, vector)
        self._members[key] = _Member(group, sketch(text), source, vector)
        self._enter(key, group)

    def move(self, key: int, group: str) -> None:
        """A person says that this message is a wording of `group`. Raises `KeyError` for an unknown message."""
        self._leave(key)
        self._members[key].group = group
        self._enter(key, group)

    def fold(self, loser: str, winner: str) -> None:
        """A person says that both are one question: all of `loser` becomes `winner`. An unknown loser is nothing."""
        if loser != winner and loser in self._groups:
            for key in list(self._groups[loser].keys):
                self.move(key, winner)

    def _enter(self, key: int, name: str) -> None:
        member = self._members[key]
        group = self._groups.setdefault(name, _Group(np.zeros(self._dimension, dtype=np.float32)))
        group.keys[key] = None
        group.sum = group.sum + member.vector
        if member.source:
            group.sources[member.source] += 1
            self._by_source.setdefault(member.source, {})[name] = None

    def _leave(self, key: int) -> None:
        member = self._members[key]
        group = self._groups[member.group]
        del group.keys[key]
        group.sum = group.sum - member.vector
        if member.source:
            group.sources[member.source] -= 1
            if not group.sources[member.source]:
                del group.sources[member.source]
                del self._by_source[member.source][member.group]
        if not group.keys:
            del self._groups[member.group]

    def _candidates(self, vector: NDArray[np.float32], source: str | None) -> Iterable[tuple[str, list[int]]]:
        """Groups of the nearest messages with those messages, then groups that match the same course source."""
        found: dict[str, list[int]] = {}
        for key in self._neighbours.nearest(vector[None], NEAREST)[0][0].tolist():
            found.setdefault(self._members[key].group, []).append(key)
        for name in self._by_source.get(source, {}) if source else ():
            found.setdefault(name, list(self._groups[name].keys)[:CLOSEST])
        return found.items()

    def _judge(
        self, words: Sketch, vector: NDArray[np.float32], source: str | None, name: str, keys: list[int]
    ) -> float:
        group = self._groups[name]
        members = [self._members[key] for key in keys[:CLOSEST]]
        greatest = max(float(vector @ member.vector) for member in members)
        mean = float(vector @ group.sum) / len(group.keys)
        likest = max(members, key=lambda member: overlap(words.pieces, member.sketch.pieces))
        return probability(likeness(round((greatest + mean) / 2, DIGITS), words, likest.sketch, source, group.sources))


def likeness(cosine: float, one: Sketch, other: Sketch, source: str | None, sources: Counter[str]) -> Likeness:
    return Likeness(
        cosine=cosine,
        pieces=overlap(one.pieces, other.pieces),
        same_source=float(source is not None and source in sources),
        other_source=float(source is not None and bool(sources) and source not in sources),
        other_numbers=float(bool(one.numbers and other.numbers) and not one.numbers & other.numbers),
        other_negation=float(one.negated != other.negated),
        other_kinds=float(bool(one.kinds and other.kinds) and not one.kinds & other.kinds),
        same_kinds=float(bool(one.kinds & other.kinds)),
    )


def probability(like: Likeness) -> float:
    """The judge: a logistic regression of few coefficients; rounded, so that last bits of a float decide nothing."""
    total = BIAS + sum(weight * getattr(like, name) for name, weight in WEIGHTS.items())
    return round(1 / (1 + math.exp(-total)), DIGITS)


BIAS = -34.5
WEIGHTS = {
    "cosine": 36.0,
    "pieces": 1.5,
    "same_source": 1.5,
    "other_source": -1.5,
    "other_numbers": -1.0,
    "other_negation": -0.5,
    "other_kinds": -0.5,
    "same_kinds": 0.5,
}
JOIN = 0.5
SUGGEST = 0.3
