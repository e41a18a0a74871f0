"""Which question of the queue a new message repeats, if any.

`Groups.decide` only decides; `add` and `move` keep what was decided, by the machine or by people. A decision
depends on what was added before, in that order, and on nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from knowledge.calibration import GroupingJudge, Judge
from knowledge.neighbours import DIGITS, Neighbours
from knowledge.wording import kinds

NEAREST = 24
"""Messages whose groups are looked at: deep enough that a frequent question does not hide the others."""

RECALLED = 50
"""Members of a group that its mean is taken over: its first ones, so that a flood does not cost."""

CLOSEST = 4
"""Members of a group that are compared one by one."""

Profile = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A message's vector to how near each part of the course is: shape (parts,), at most of unit length (`Answering`)."""


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
    kinds: frozenset[str]
    source: str | None
    vector: NDArray[np.float32]
    profile: NDArray[np.float32]


@dataclass(slots=True)
class _Group:
    keys: dict[int, None] = field(default_factory=dict)  # a set that keeps the order of arrival
    sources: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a message and a group have in common. Cosines are half of the greatest and half of the mean over the
    members; the others are 0 or 1.

    `course` is the cosine of profiles: people who need the same part of the course ask the same, though they share no
    word. `kinds`: both ask where, when, how much …
    """

    cosine: float
    course: float
    kinds: float
    same_source: float
    other_source: float

    def features(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in FEATURES}


FEATURES = tuple(field.name for field in fields(Likeness))


class Groups:
    """The questions of one session as their wordings. Not for several threads at once.

    `judge` is the calibration for the encoder of the vectors. With a `profile` the course helps to tell questions
    apart; without one only the words do. Raises `CalibrationError` where the judge weighs other features than
    `Likeness`.
    """

    def __init__(self, dimension: int, judge: GroupingJudge, profile: Profile | None = None) -> None:
        for each in (judge.words, judge.course):
            each.logistic.over(FEATURES, "grouping")
        self._judges = judge
        self._neighbours = Neighbours(dimension)
        self._members: dict[int, _Member] = {}
        self._groups: dict[str, _Group] = {}
        self._by_source: dict[str, dict[str, None]] = {}
        self._profile = profile

    def anchor(self, profile: Profile | None) -> None:
        """The course changed: compare everything, what is there too, by the new one from now on."""
        self._profile = profile
        for member in self._members.values():
            member.profile = self._profiled(member.vector)

    def __len__(self) -> int:
        return len(self._groups)

    def decide(self, text: str, vector: NDArray[np.float32], source: str | None) -> Grouped:
        """Join, found, or found and suggest. `source`: what of the course this message matches strongly."""
        logistic = self._judge().logistic
        judged = [(logistic.probability(x.features()), name) for name, x in self.likenesses(text, vector, source)]
        if not judged:
            return Grouped(None, None, None, "the first of its kind")
        (score, name) = max(judged, key=lambda pair: pair[0])
        judge = self._judge()
        if score >= judge.join:
            return Grouped(name, score, None, f"asks the same ({score:.2f})")
        if score >= judge.suggest:
            return Grouped(None, score, name, f"may ask the same ({score:.2f})")
        return Grouped(None, score, None, f"nothing that asks the same ({score:.2f})")

    def likenesses(self, text: str, vector: NDArray[np.float32], source: str | None) -> list[tuple[str, Likeness]]:
        """The groups that a message may join, and what it has in common with each."""
        new = _Member("", kinds(text), source, vector, self._profiled(vector))
        return [(name, self._likeness(new, name, keys)) for name, keys in self._candidates(vector, source)]

    def add(self, key: int, group: str, text: str, vector: NDArray[np.float32], source: str | None) -> None:
        """Keep a message, by a key that is new, as a wording of `group`; the group is made when it is new."""
        if key in self._members:
            raise ValueError(f"message {key} is there already")
        self._neighbours.add(key, vector)
        self._members[key] = _Member(group, kinds(text), source, vector, self._profiled(vector))
        self._enter(key, group)

    def move(self, key: int, group: str) -> None:
        """A person says that this message is a wording of `group`. Raises `KeyError` for an unknown message."""
        self._leave(key)
        self._members[key].group = group
        self._enter(key, group)

    def _enter(self, key: int, name: str) -> None:
        member = self._members[key]
        group = self._groups.setdefault(name, _Group())
        group.keys[key] = None
        if member.source:
            group.sources[member.source] += 1
            self._by_source.setdefault(member.source, {})[name] = None

    def _leave(self, key: int) -> None:
        member = self._members[key]
        group = self._groups[member.group]
        del group.keys[key]
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

    def _likeness(self, new: _Member, name: str, keys: list[int]) -> Likeness:
        group = self._groups[name]
        closest = [self._members[key] for key in keys[:CLOSEST]]
        members = (
            closest if len(closest) == len(group.keys) else [self._members[k] for k in list(group.keys)[:RECALLED]]
        )
        nearest = max(closest, key=lambda member: float(new.vector @ member.vector))
        return Likeness(
            cosine=_half([float(new.vector @ m.vector) for m in (nearest, *members)]),
            course=_half([float(new.profile @ m.profile) for m in (nearest, *members)]),
            kinds=float(bool(new.kinds & nearest.kinds)),
            same_source=float(new.source is not None and new.source in group.sources),
            other_source=float(new.source is not None and bool(group.sources) and new.source not in group.sources),
        )

    def _judge(self) -> Judge:
        return self._judges.course if self._profile else self._judges.words

    def _profiled(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._profile(vector) if self._profile else np.zeros(1, dtype=np.float32)


def _half(cosines: list[float]) -> float:
    """Half of the greatest and half of the mean; the first one is only there for the greatest."""
    rest = cosines[1:]
    return round((max(cosines) + sum(rest) / len(rest)) / 2, DIGITS)
