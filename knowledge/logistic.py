"""Logistic regression over named features: the value, and how it is fitted."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
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

    def odds(self, features: Mapping[str, float]) -> float:
        return self.bias + sum(weight * features[name] for name, weight in self.weights.items())

    def probability(self, features: Mapping[str, float]) -> float:
        """Rounded, so that the last bits of a float decide nothing."""
        return chance(self.odds(features))

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


def chance_among(odds: float, others: Iterable[float]) -> float:
    """The probability of these log odds where it is this one, one of the others or none, rounded: the conditional logit
    of McFadden (1974), with "none" at 0."""
    every = [0.0, odds, *others]
    highest = max(every)
    return round(math.exp(odds - highest) / sum(math.exp(one - highest) for one in every), DIGITS)


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
    return _named(names, rows, fit(rows, true, fine=fine))


def fit_choice(
    names: Sequence[str], rows: NDArray[np.float64], true: NDArray[np.float64], of: Sequence[int]
) -> Logistic:
    """The same for `chance_among`: of the rows that belong to one choice, which follow each other, one is true or none.
    `of`: how many rows each choice has, none of them 0."""
    design = np.column_stack([rows, np.ones(len(rows))])
    ridge = np.append(np.full(rows.shape[1], FINE), 1e-6)
    starts = np.cumsum([0, *of])[:-1]
    each = np.repeat(np.arange(len(starts)), of)

    def told(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """The probability of each row, and how badly all of them fit."""
        odds = design @ weights
        highest = np.maximum(np.maximum.reduceat(odds, starts), 0.0)
        shares = np.exp(odds - highest[each])
        every = np.exp(-highest) + np.add.reduceat(shares, starts)
        loss = (np.log(every) + highest).sum() - true @ odds + ridge @ weights**2 / 2
        return shares / every[each], float(loss)

    weights = np.zeros(design.shape[1])
    chances, loss = told(weights) if len(rows) else (weights[:0], 0.0)
    for _ in range(50 if len(rows) else 0):
        means = np.add.reduceat(design * chances[:, None], starts, axis=0)
        bend = (design.T * chances) @ design - means.T @ means + np.diag(ridge)
        step = np.linalg.solve(bend, design.T @ (chances - true) + ridge * weights)
        while (nearer := told(weights - step))[1] > loss and np.abs(step).max() >= 1e-8:
            step /= 2  # too far: it is no parabola
        if np.abs(step).max() < 1e-8:
            break
        weights, (chances, loss) = weights - step, nearer
    return _named(names, rows, weights)


def _named(names: Sequence[str], rows: NDArray[np.float64], weights: NDArray[np.float64]) -> Logistic:
    typical = rows.mean(axis=0) if len(rows) else np.zeros(len(names))
    return Logistic(
        round(float(weights[-1]), DIGITS),
        {name: round(float(weight), DIGITS) for name, weight in zip(names, weights[:-1], strict=True)},
        {name: round(float(mean), DIGITS) for name, mean in zip(names, typical, strict=True)},
    )
