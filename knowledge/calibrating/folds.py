"""Leaving out one talk at a time."""

from collections.abc import Sequence

import numpy as np

from knowledge.calibrating.hearing import Bools, Floats
from knowledge.logistic import Logistic, fit_named
from knowledge.neighbours import DIGITS


def left_out(names: Sequence[str], rows: Sequence[Floats], true: Sequence[Bools]) -> tuple[Logistic, list[Logistic]]:
    """A regression over all talks, and for each talk one over all the others; `rows` and `true` are of each talk."""

    def over(without: int | None) -> Logistic:
        at = [k for k in range(len(rows)) if k != without]
        return fit_named(names, np.concatenate([rows[k] for k in at]), np.concatenate([true[k] for k in at]) * 1.0)

    return over(None), [over(k) for k in range(len(rows))]


def probabilities(logistic: Logistic, rows: Floats) -> Floats:
    """Of each row, rounded as `Logistic.probability` does it."""
    return chances(logistic.bias + rows @ np.array(list(logistic.weights.values())))


def chances(odds: Floats) -> Floats:
    return np.asarray((0.5 * (1 + np.tanh(odds / 2))).round(DIGITS), dtype=np.float64)
