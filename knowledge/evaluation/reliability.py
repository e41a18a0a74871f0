"""How far a probability can be taken at its word: of what is held to be so at .8, is it so in eight of ten?

Two figures say it. The Brier score (1950) is the mean square between a probability and what was so: lower is better,
and it counts as well how much the probabilities tell apart. The calibration error (Guo et al. 2017) is what lies
between the mean probability and the share that was so, over bins, weighed by their messages.

The bins hold about as many messages each: their error is less biased than that of bins of equal width (Roelofs et al.
2022), most of which are nearly empty where most messages are clear. Equal probabilities stay in one bin.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.evaluation.metrics import RANKING_DRAWS, SEED, Array, Figure, Sums, ratio

BINS = 10


def reliability(true: Sequence[bool], probabilities: Sequence[float], units: Sequence[Hashable]) -> dict[str, Figure]:
    """The Brier score with its interval, and the calibration error with what chance alone would make of it if every
    probability were right and no message hung together with another. The error has no interval: the draws of a
    bootstrap are further off than the messages themselves, so that its percentiles lie too high.
    """
    t, p = np.asarray(true, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    brier = Sums(np.stack([(p - t) ** 2, np.ones(len(p))], axis=1), lambda s: {"Brier score": _mean(s)}).figures(units)
    if not len(p):
        return {**brier, "calibration error": Figure(None), "calibration error by chance": Figure(None)}
    bins, chance = _bins(p), np.random.default_rng(SEED)
    drawn = [_error(p - (chance.random(len(p)) < p), bins) for _ in range(RANKING_DRAWS)]
    return {
        **brier,
        "calibration error": Figure(_error(p - t, bins)),
        "calibration error by chance": Figure(float(np.mean(drawn))),
    }


def in_bins(true: Sequence[bool], probabilities: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The mean probability of each bin and the share that was so, from left to right."""
    t, p = np.asarray(true, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    bins = _bins(p) if len(p) else np.zeros(0, dtype=np.intp)
    return tuple((float(p[bins == one].mean()), float(t[bins == one].mean())) for one in np.unique(bins))


def _bins(probabilities: Array) -> NDArray[np.intp]:
    """The bin of each."""
    ends = np.quantile(probabilities, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(ends, probabilities)


def _error(off: Array, bins: NDArray[np.intp]) -> float:
    """`off`: by how much each probability is above what was so."""
    return float(np.abs(np.bincount(bins, weights=off)).sum() / len(off))


def _mean(sums: Array) -> Array:
    return ratio(sums[..., 0], sums[..., 1])
