"""Logistic regression over named features: the value, and how it is fitted."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.neighbours import DIGITS

FINE = 1.0
"""Strength of the ridge (the inverse of scikit-learn's C)."""


class CalibrationError(ValueError):
    """A calibration cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """`weights` and `typical` (the mean over what it was fitted on) by feature name."""

    bias: float
    weights: Mapping[str, float]
    typical: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """Rounded, so that the last bits of a float decide nothing."""
        return chance(self.bias + sum(weight * features[name] for name, weight in self.weights.items()))

    def over(self, names: Collection[str], what: str) -> "Logistic":
        """Itself, with the weights in the order of `names`. Raises `CalibrationError` where it is over others."""
        if missing := [name for name in names if name not in self.weights]:
            raise CalibrationError(f"the calibration of {what} has no weight for {', '.join(missing)}; {AGAIN}")
        if unknown := [name for name in self.weights if name not in names]:
            raise CalibrationError(
                f"the calibration of {what} has a weight for the unknown {', '.join(unknown)}; {AGAIN}"
            )
        return Logistic(self.bias, {name: self.weights[name] for name in names}, self.typical)


AGAIN = "it was made by another version of Floormic: run `floormic calibrate`"


def chance(odds: float) -> float:
    """The probability of these log odds, rounded."""
    return round(0.5 * (1 + math.tanh(odds / 2)), DIGITS)  # as 1 / (1 + e^-odds), which overflows


def fit(
    features: NDArray[np.float64],
    true: NDArray[np.float64],
    counts: NDArray[np.float64] | None = None,
    fine: float = FINE,
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Newton's method: `features` of shape (n, d), `true` and how much each row `counts` of shape (n,); the weights of
    shape (d + 1,), the bias last, which the ridge does not fine. `start`: weights that are near, to save steps.
    """
    counts = np.ones(len(features)) if counts is None else counts
    design = np.column_stack([features, np.ones(len(features))])
    ridge = np.full(design.shape[1], fine)
    ridge[-1] = 1e-6
    weights = np.zeros(design.shape[1]) if start is None else start.copy()
    for _ in range(30):
        told = 0.5 * (1 + np.tanh(design @ weights / 2))
        slope = design.T @ (counts * (told - true)) + ridge * weights
        bend = (design.T * (counts * told * (1 - told))) @ design + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def fit_named(
    names: Sequence[str], rows: NDArray[np.float64], true: NDArray[np.float64], fine: float = FINE
) -> Logistic:
    """A regression over features in the order of `names`; `rows` of shape (n, len(names)), `true` of shape (n,)."""
    weights = fit(rows, true, fine=fine)
    typical = rows.mean(axis=0) if len(rows) else np.zeros(len(names))
    return Logistic(
        round(float(weights[-1]), DIGITS),
        {name: round(float(weight), DIGITS) for name, weight in zip(names, weights[:-1], strict=True)},
        {name: round(float(mean), DIGITS) for name, mean in zip(names, typical, strict=True)},
    )
