"""What may be said of counts: more, less, or nothing, where chance could have made the difference."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

SURE = 0.05
"""Share of what is said that chance may have made."""

ENOUGH = 5
"""People in a topic, here and there together, from which on it is looked at; over a whole series twice as many."""

RUN = 4
"""Evenings from which on one may speak of a run."""

Change = Literal[-1, 0, 1]
"""1: more than chance would bring, -1: less, 0: nothing that can be said."""

Counts = NDArray[np.int64]


def changes(asked: Counts, people: Counts) -> Counts:
    """Of each topic and evening, against all evenings before; shape (topics, evenings), as `asked`. `people`:
    (evenings,)."""
    before = np.cumsum(asked, axis=1) - asked
    told = np.zeros_like(asked)
    for at in range(1, len(people)):
        told[:, at] = _against(asked[:, at], people[at], before[:, at], people[:at].sum())
    return told


def leaning(asked: Counts, people: Counts) -> Counts:
    """Of each topic and chat, against all the other chats; shape (topics, chats), as `asked`. `people`: (chats,)."""
    told = np.zeros_like(asked)
    for at in range(len(people)):
        others = asked.sum(axis=1) - asked[:, at]
        told[:, at] = _against(asked[:, at], people[at], others, people.sum() - people[at])
    return told


def _against(here: Counts, people: int, there: Counts, others: int) -> Counts:
    """Whether more of `people` than of `others` asked, by topic: Fisher's exact test with both tails, the smaller one
    doubled, over the topics where there is enough to look at."""
    from scipy import stats  # type: ignore[import-untyped]  # slow to import

    both, total = here + there, people + others
    looked = (both >= ENOUGH) & (people > 0) & (others > 0)
    more = stats.hypergeom.sf(here - 1, total, both, people)
    less = stats.hypergeom.cdf(here, total, both, people)
    return _told(np.minimum(1.0, 2 * np.minimum(more, less)), np.where(more < less, 1, -1), looked)


def runs(asked: Counts, people: Counts) -> Counts:
    """Of each topic, over the series: Cochran and Armitage's test on the order of the evenings; shape (topics,)."""
    from scipy import stats  # slow to import

    evenings, total = len(people), people.sum()
    if evenings < RUN or not total:
        return np.zeros(len(asked), dtype=np.int64)
    at = np.arange(evenings) - (people * np.arange(evenings)).sum() / total
    share = asked.sum(axis=1) / total
    spread = share * (1 - share) * (people * at**2).sum()
    z = (asked @ at) / np.sqrt(np.maximum(spread, 1e-12))
    return _told(2 * stats.norm.sf(np.abs(z)), np.sign(z).astype(np.int64), asked.sum(axis=1) >= 2 * ENOUGH)


def _told(p: NDArray[np.float64], way: Counts, looked: NDArray[np.bool_]) -> Counts:
    """The way where it is sure enough, as many as were looked at together."""
    from scipy import stats  # slow to import

    told = np.zeros(len(p), dtype=np.int64)
    if looked.any():
        sure = stats.false_discovery_control(p[looked]) <= SURE
        told[looked] = np.where(sure, way[looked], 0)
    return told


def change_of(number: int) -> Change:
    return 1 if number > 0 else -1 if number < 0 else 0
