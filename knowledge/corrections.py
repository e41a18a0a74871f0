"""What people said about which wordings ask the same, as precedents for the messages that come after.

A person's words have no weights to be fitted. Who says that A and B are the same says that whatever asks what A asks,
with probability p, asks what B asks with at least p; who says that they are not, that it asks what B asks with at most
1 - p. So a message that is far from both is left alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.neighbours import Neighbours

NEAR = 0.25
"""The probability below which a precedent changes no decision: nothing so doubtful is joined or proposed."""

KEPT = 12
"""Wordings of a place that later sessions know: its first ones."""

LOOKED_AT = 12
"""Precedents of earlier sessions that a message is compared with: the nearest."""

Apart = Mapping[str, Collection[str]]
"""Which groups a person keeps apart from which, both ways."""


class Place(NamedTuple):
    """Where wordings count now, and the group that the machine had `first` put them in: another one where people merged
    or moved. The machine's judgement is about the wordings of one place; what people said joins places.
    """

    group: str
    first: str

    @property
    def told(self) -> bool:
        """A person put them there."""
        return self.group != self.first


Near = Mapping[Place, float]
"""With which probability something asks what the wordings of a place ask."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A message of an earlier session, in its place there."""

    place: Place
    text: str
    vector: NDArray[np.float32]


class Precedents:
    """What people corrected in earlier sessions: wordings of places that they joined or kept apart."""

    def __init__(self, wordings: Sequence[Wording] = (), apart: Apart | None = None) -> None:
        self.apart: Apart = apart or {}
        self.wordings = tuple(wordings)
        self._neighbours = Neighbours(len(wordings[0].vector)) if wordings else None
        if self._neighbours is not None:
            self._neighbours.add_all(np.arange(len(wordings)), np.stack([one.vector for one in wordings]))

    def nearest(self, vector: NDArray[np.float32]) -> list[int]:
        """Positions of the nearest wordings, nearest first."""
        if self._neighbours is None:
            return []
        found: list[int] = self._neighbours.nearest(vector[None], LOOKED_AT)[0][0].tolist()
        return found


def corrected(wordings: Iterable[Wording], apart: Apart) -> Precedents:
    """What of a session, or of several, later ones should know. `wordings` in order of arrival."""
    places: dict[Place, dict[str, Wording]] = {}
    for one in wordings:
        kept = places.setdefault(one.place, {})
        if len(kept) < KEPT:
            kept.setdefault(one.text, one)
    told = {place.group for place in places if place.told} | set(apart)
    return Precedents([one for place, kept in places.items() if place.group in told for one in kept.values()], apart)


def support(new: Near, held: Near) -> float:
    """The probability that follows from what people joined: `new` is near to one place of a group, `held`, that of the
    group to join, to another place of the same."""
    pairs = ((place, other) for place in new for other in held if place.group == other.group and place != other)
    return max((new[place] * held[other] for place, other in pairs), default=0.0)


def limit(new: Mapping[str, float], held: Mapping[str, float], apart: Apart) -> float:
    """The highest probability that people leave, by groups: `new` is on the side of one, `held` on that of another
    which they keep apart from it. Who is as near to both is on no side.
    """
    least = 1.0
    for one in new.keys() & apart.keys():
        p = new[one]
        for other in apart[one]:
            if p > new.get(other, 0.0) and held.get(other, 0.0) > held.get(one, 0.0):
                least = min(least, 1 - p * held[other])
    return least


def by_group(near: Near) -> dict[str, float]:
    """The nearest place of each group."""
    found: dict[str, float] = {}
    for place, p in near.items():
        found[place.group] = max(p, found.get(place.group, p))
    return found
