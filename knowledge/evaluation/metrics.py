"""The figures of quality, and how sure they are.

Most figures are quotients of sums over the items, so each is kept as what every item adds (`Sums`): the figure follows
from the totals, and a bootstrap only weighs the items anew. Average precision and the area under ROC are made from
sorted scores (`Ranking`). Both give a `Figure`: the value and its 95 % interval.

The bootstrap draws units with replacement (Efron, 1979; percentiles): whole groups of messages that one answer
satisfies, since what is right for one wording tends to be right for the next. A pair of two groups counts half for
each.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SUM_DRAWS = 1000
RANKING_DRAWS = 200
"""Fewer, because each draw goes over all pairs."""

SEED = 20261125


@dataclass(frozen=True, slots=True)
class Figure:
    """A share in 0..1, or a count or rate where `unit` says so. `low` and `high`: 95 % interval, of speed the least and
    the most of several rounds; None where there is none. `value` None: there was nothing to measure it on.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""


Figures = Mapping[str, Figure]


def middle(rounds: Sequence[Figure]) -> Figure:
    """The median of what was measured several times, with the least and the most."""
    values = [one.value for one in rounds if one.value is not None]
    return Figure(statistics.median(values), min(values), max(values), rounds[0].unit)


@dataclass(frozen=True, slots=True)
class Sums:
    """`parts`, shape (items, columns): what each item adds; `of` makes figures of totals, shape (…, columns) to (…)."""

    parts: Array
    of: Callable[[Array], dict[str, Array]]

    def values(self) -> dict[str, float]:
        """The figures alone; not a number where there is nothing to divide by."""
        return {name: float(value) for name, value in self.of(self.parts.sum(axis=0)).items()}

    def figures(self, units: Sequence[Hashable]) -> dict[str, Figure]:
        """With intervals over `units`, one an item."""
        at, count = _positions(units)
        added = np.zeros((count, self.parts.shape[1]))
        np.add.at(added, at, self.parts)
        drawn = self.of(_draws(count, SUM_DRAWS) @ added)
        return {name: _figure(value, drawn[name]) for name, value in self.values().items()}


def found(true: Sequence[bool], told: Sequence[bool]) -> Sums:
    """Precision, recall and F1 of yes-or-no decisions."""
    t, f = np.asarray(true, dtype=np.float64), np.asarray(told, dtype=np.float64)
    return Sums(np.stack([t * f, f, t], axis=1), _precision_recall)


def pairs(true: Sequence[Hashable], told: Sequence[Hashable]) -> Sums:
    """Precision, recall and F1 over the pairs of items that are put together."""
    both, in_true, in_told = _sizes(true, told)
    return Sums((np.stack([both, in_told, in_true], axis=1) - 1) / 2, _precision_recall)


def b_cubed(true: Sequence[Hashable], told: Sequence[Hashable]) -> Sums:
    """Precision, recall and F1 as each item sees its own group (Bagga and Baldwin, 1998)."""
    both, in_true, in_told = _sizes(true, told)
    return Sums(np.stack([both / in_told, both / in_true, np.ones(len(both))], axis=1), _b_cubed)


def _sizes(true: Sequence[Hashable], told: Sequence[Hashable]) -> tuple[Array, Array, Array]:
    """For each item the size of what it shares with its true and its told group, of its true and of its told group."""
    both, in_true, in_told = Counter(zip(true, told, strict=True)), Counter(true), Counter(told)
    return (
        np.array([both[pair] for pair in zip(true, told, strict=True)], dtype=np.float64),
        np.array([in_true[t] for t in true], dtype=np.float64),
        np.array([in_told[t] for t in told], dtype=np.float64),
    )


def _precision_recall(sums: Array) -> dict[str, Array]:
    both, told, true = np.moveaxis(sums, -1, 0)
    return {"precision": ratio(both, told), "recall": ratio(both, true), "F1": ratio(2 * both, told + true)}


def _b_cubed(sums: Array) -> dict[str, Array]:
    precision, recall = ratio(sums[..., 0], sums[..., 2]), ratio(sums[..., 1], sums[..., 2])
    return {"precision": precision, "recall": recall, "F1": ratio(2 * precision * recall, precision + recall)}


def ratio(part: Array, whole: Array) -> Array:
    """Not a number where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items by score, highest first, `true` or not; `ends` are the last items of each run of equal scores."""

    true: NDArray[np.bool_]
    order: NDArray[np.intp]
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, true: Sequence[bool] | NDArray[np.bool_], scores: Sequence[float] | NDArray[np.float64]) -> "Ranking":
        values = np.asarray(scores, dtype=np.float64)
        order = np.argsort(-values, kind="stable")
        ends = np.flatnonzero(np.diff(values[order], append=-np.inf))
        return cls(np.asarray(true, dtype=bool)[order], order, ends)

    def average_precision(self, weights: Array | None = None) -> float:
        """Mean of the precision at each true item; of equal scores all count at once. NaN where none is true."""
        hits, seen = self._runs(weights)
        return (
            float((np.diff(hits, prepend=0.0) * hits / np.maximum(seen, 1e-12)).sum() / hits[-1])
            if hits[-1]
            else np.nan
        )

    def area_under_roc(self, weights: Array | None = None) -> float:
        """The chance that a true item has a higher score than a false one; ties count half. NaN where a kind is
        missing.
        """
        hits, seen = self._runs(weights)
        misses = seen - hits
        if not hits[-1] or not misses[-1]:
            return np.nan
        above = hits - np.diff(hits, prepend=0.0) / 2
        return float((np.diff(misses, prepend=0.0) * above).sum() / (hits[-1] * misses[-1]))

    def _runs(self, weights: Array | None) -> tuple[Array, Array]:
        """Weight of the true items, and of all, up to the end of each run."""
        if not len(self.order):
            return np.zeros(1), np.zeros(1)
        heavy = np.ones(len(self.order)) if weights is None else weights[self.order]
        return np.cumsum(heavy * self.true)[self.ends], np.cumsum(heavy)[self.ends]


Units = Sequence[Hashable] | NDArray[np.int32]
"""One an item, by name; or by number from 0 on, which takes less for many."""


def average_precision(ranking: Ranking, *units: Units) -> Figure:
    """With its interval. An item of two units (a pair of messages) names both, and counts once where they are one."""
    return _ranked(ranking.average_precision, units)


def area_under_roc(ranking: Ranking, *units: Units) -> Figure:
    """With its interval, as `average_precision`."""
    return _ranked(ranking.area_under_roc, units)


def _ranked(measure: Callable[[Array | None], float], units: Sequence[Units]) -> Figure:
    rows, count = _rows(units)
    same = rows[0] == rows[-1]
    drawn = [measure(np.where(same, draw[rows[0]], draw[rows].prod(axis=0))) for draw in _draws(count, RANKING_DRAWS)]
    return _figure(measure(None), np.array(drawn))


def _rows(units: Sequence[Units]) -> tuple[NDArray[np.integer], int]:
    """Numbers of shape (units of an item, items), and how many units there are."""
    if numbers := [one for one in units if isinstance(one, np.ndarray)]:
        rows = np.stack(numbers)
        return rows, int(rows.max(initial=-1)) + 1
    at, count = _positions([unit for one in units for unit in one])
    return at.reshape(len(units), -1), count


def _positions(units: Sequence[Hashable]) -> tuple[NDArray[np.intp], int]:
    names = {unit: at for at, unit in enumerate(dict.fromkeys(units))}
    return np.array([names[unit] for unit in units], dtype=np.intp), len(names)


def _draws(count: int, times: int) -> Array:
    """How often each unit was drawn: shape (times, count)."""
    if not count:
        return np.zeros((times, 0))
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), size=times).astype(np.float64)


def _figure(value: float, drawn: Array) -> Figure:
    if np.isnan(value):
        return Figure(None)
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Figure(value)
    low, high = np.quantile(known, [0.025, 0.975])
    return Figure(value, float(low), float(high))
