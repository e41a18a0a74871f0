"""What a message has in common with earlier ones: the features that the judgement of `grouping` weighs.

A new feature is a field of `Likeness`, filled in `likeness`, and a line of words in `reasons`; what it is about, if
anything, stands in `about`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from knowledge.corrections import Place
from knowledge.neighbours import DIGITS
from knowledge.usual import Seen


@dataclass(slots=True)
class Member:
    """One message as it is compared. `text` is its normal form, `source` what of the course it matches strongly;
    `raw` the encoder's vector, `vector` what of it is compared (`Anchor.centred`), `profile` how near each part of the
    course is, `near` how near the precedents of earlier sessions.
    """

    text: str
    kinds: frozenset[str]
    source: str | None
    vector: NDArray[np.float32]
    profile: NDArray[np.float32]
    raw: NDArray[np.float32]
    near: dict[Place, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mean:
    """What wordings that belong together are on the whole. `vector` and `profile` are of unit length (or zero), `raw`
    is the mean of the encoder's vectors, `kinds` all that any of them asks for."""

    vector: NDArray[np.float32]
    profile: NDArray[np.float32]
    raw: NDArray[np.float32]
    kinds: frozenset[str]

    @classmethod
    def of(cls, members: Sequence[Member]) -> "Mean":
        """Of one at least."""
        return cls(
            unit(np.stack([member.vector for member in members]).sum(axis=0)),
            unit(np.stack([member.profile for member in members]).sum(axis=0)),
            np.stack([member.raw for member in members]).mean(axis=0),
            frozenset().union(*(member.kinds for member in members)),
        )


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a message and wordings that belong together have in common. All is compared with their mean.

    `ahead`: the cosine over that of any other wordings, or over what is usual without being the same
    (`Judge.unrelated`), within ±`FAR`. `above`: by how many standard deviations `cosine` lies above what the message
    has in common with all questions of the session (`Usual`): where everybody speaks of one thing, or in one language,
    all are near. 0 with a course, which takes that out of the vectors. `course`: people who need the same sentence of
    the course ask the same, though they share no word; the cosine of profiles, less than nothing where the message
    surely belongs to the course and elsewhere there (`ELSEWHERE`). `kinds`: 1 where both ask where, when, how much …,
    -1 where they ask for different ones of these.
    """

    cosine: float
    ahead: float
    above: float
    course: float
    kinds: float

    def features(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in FEATURES}


FEATURES = tuple(field.name for field in fields(Likeness))


FAR = 0.3
"""Of two cosines; what is further apart is as good as alone."""

NARROW = 0.01
"""A standard deviation that no cosines go below: a hall of one question says nothing of others."""


ELSEWHERE = 0.6
"""Share of the length of a message's profile that its cosine to wordings about something else falls short of."""


def likeness(new: Member, mean: Mean, *, seen: Seen | None = None, ahead: float = 0.0) -> Likeness:
    """`seen`: what `Usual` says of the message where there is no course."""
    cosine = round(nearness(new, mean, seen), DIGITS)
    usual, spread = seen.usual if seen else (cosine, 1.0)
    profile = new.profile
    return Likeness(
        cosine=cosine,
        ahead=round(min(max(ahead, -FAR), FAR), DIGITS),
        above=round((cosine - usual) / max(spread, NARROW), DIGITS),
        course=round(float(profile @ mean.profile) - ELSEWHERE * math.sqrt(float(profile @ profile)), DIGITS),
        kinds=float(bool(new.kinds & mean.kinds)) * 2 - 1 if new.kinds and mean.kinds else 0.0,
    )


def nearness(new: Member, mean: Mean, seen: Seen | None) -> float:
    """The cosine by which a message is compared; `seen`: it, where there is no course."""
    return seen.cosine(mean.raw) if seen else float(new.vector @ mean.vector)


def about(new: Member, mean: Mean) -> Mapping[str, str]:
    """By feature, what it is about, for those whose number says nothing to people."""
    shared = sorted(new.kinds & mean.kinds)
    return {"kinds": shared[0]} if shared else {}


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(math.sqrt(float(vector @ vector)), 1e-9), dtype=np.float32)
