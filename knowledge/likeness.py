"""What a message has in common with earlier ones: the features that the judgement of `grouping` weighs.

A new feature is a field of `Likeness`, filled in `likeness`, and a line of words in `reasons`; what it is about, if
anything, stands in `about`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
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
class Likeness:
    """What a message and wordings that belong together have in common. Cosines are half of the greatest and half of the
    mean over the wordings; the others are 0 or 1.

    `course` is the cosine of profiles: people who need the same part of the course ask the same, though they share no
    word. `kinds`: both ask where, when, how much … `ahead`: the greatest cosine over that of any other wordings, or
    over what is usual without being the same (`Judge.unrelated`), within ±`FAR`. `above`: by how many standard
    deviations `cosine` lies above what the message has in common with all questions of the session (`Usual`): where
    everybody speaks of one thing, or in one language, all are near. 0 with a course, which takes that out of the
    vectors. `size`: the logarithm of how many wordings there are, for among many one is near to anything.
    """

    cosine: float
    ahead: float
    above: float
    size: float
    course: float
    kinds: float
    same_source: float
    other_source: float

    def features(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in FEATURES}


FEATURES = tuple(field.name for field in fields(Likeness))


FAR = 0.3
"""Of two cosines; what is further apart is as good as alone."""

NARROW = 0.01
"""A standard deviation that no cosines go below: a hall of one question says nothing of others."""


def likeness(
    new: Member,
    nearest: Member,
    members: Sequence[Member],
    sources: Collection[str],
    *,
    seen: Seen | None = None,
    ahead: float = 0.0,
    size: int = 1,
) -> Likeness:
    """`members` are the wordings, one at least, `nearest` the nearest of them, `sources` what they match, `seen`
    what `Usual` says of the message where there is no course, `size` how many wordings there are in all."""
    cosine = _half([nearness(new, m, seen) for m in (nearest, *members)])
    mean, spread = seen.usual if seen else (cosine, 1.0)
    return Likeness(
        cosine=cosine,
        ahead=round(min(max(ahead, -FAR), FAR), DIGITS),
        above=round((cosine - mean) / max(spread, NARROW), DIGITS),
        size=round(math.log(size), DIGITS),
        course=_half([float(new.profile @ m.profile) for m in (nearest, *members)]),
        kinds=float(bool(new.kinds & nearest.kinds)),
        same_source=float(new.source is not None and new.source in sources),
        other_source=float(new.source is not None and bool(sources) and new.source not in sources),
    )


def nearness(new: Member, other: Member, seen: Seen | None) -> float:
    """The cosine by which two messages are compared; `seen`: the new one where there is no course."""
    return seen.cosine(other.raw) if seen else float(new.vector @ other.vector)


def about(new: Member, nearest: Member, size: int) -> Mapping[str, str]:
    """By feature, what it is about, for those whose number says nothing to people."""
    found = {"size": str(size)}
    if shared := sorted(new.kinds & nearest.kinds):
        found["kinds"] = shared[0]
    if new.source:
        found["same_source"] = found["other_source"] = new.source
    return found


def _half(cosines: list[float]) -> float:
    """Half of the greatest and half of the mean; the first one is only there for the greatest."""
    rest = cosines[1:]
    return round((max(cosines) + sum(rest) / len(rest)) / 2, DIGITS)
