import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.evaluation.metrics import Ranking, area_under_roc, average_precision, b_cubed, found, pairs

GROUPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1))
def test_the_truth_itself_scores_one(groups: list[int]) -> None:
    """Who groups as the labels do is perfect, under any names."""
    renamed = [f"q{g}" for g in groups]
    assert b_cubed(groups, renamed).values()["F1"] == pytest.approx(1)
    f1 = pairs(groups, renamed).values()["F1"]
    assert f1 == 1 if len(set(groups)) < len(groups) else np.isnan(f1)


@settings(deadline=None)
@given(GROUPS)
def test_pairs_are_counted_as_pairs(items: list[tuple[int, int]]) -> None:
    """What the items add up to is what counting every pair gives."""
    true, told = [t for t, _ in items], [f for _, f in items]
    every = [(a, b) for a in range(len(items)) for b in range(a)]
    both = sum(true[a] == true[b] and told[a] == told[b] for a, b in every)
    assert pairs(true, told).parts.sum(axis=0) == pytest.approx(
        [both, sum(told[a] == told[b] for a, b in every), sum(true[a] == true[b] for a, b in every)]
    )


def test_known_values() -> None:
    """The metrics agree with what is worked out by hand."""
    assert found([True, True, False], [True, False, True]).values() == {"precision": 0.5, "recall": 0.5, "F1": 0.5}
    assert pairs("aab", "xyy").values() == {"precision": 0, "recall": 0, "F1": 0}
    assert b_cubed("aab", "xyy").values()["precision"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert Ranking.of([True, False, True], [0.9, 0.8, 0.7]).average_precision() == pytest.approx((1 + 2 / 3) / 2)
    assert Ranking.of([True, False, True, False], [0.9, 0.8, 0.7, 0.1]).area_under_roc() == pytest.approx(3 / 4)


def test_equal_scores_are_neither_luck_nor_loss() -> None:
    """A score that says nothing has the share of true items as precision and an area of one half."""
    ranking = Ranking.of([True, False, False, True], [0.5] * 4)
    assert ranking.average_precision() == pytest.approx(0.5)
    assert ranking.area_under_roc() == pytest.approx(0.5)


def test_what_cannot_be_measured_is_no_zero() -> None:
    """Without anything to divide by there is no figure, rather than a bad one."""
    assert found([True], [False]).figures(["a"])["precision"].value is None
    assert average_precision(Ranking.of([False], [0.3]), ["a"]).value is None
    assert area_under_roc(Ranking.of([], []), []).value is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=20))
def test_weights_count_as_copies(items: list[tuple[bool, int]]) -> None:
    """An item that a bootstrap draws twice weighs as two items do."""
    true, scores = [t for t, _ in items], [float(s) for _, s in items]
    weights = [1 + at % 3 for at in range(len(items))]
    copied = [at for at, times in enumerate(weights) for _ in range(times)]
    weighed = Ranking.of(true, scores)
    copies = Ranking.of([true[at] for at in copied], [scores[at] for at in copied])
    as_weights = np.array(weights, dtype=np.float64)
    assert weighed.average_precision(as_weights) == pytest.approx(copies.average_precision(), nan_ok=True)
    assert weighed.area_under_roc(as_weights) == pytest.approx(copies.area_under_roc(), nan_ok=True)


def test_intervals_hold_the_value_and_stay_the_same() -> None:
    """The interval has the figure inside, is the same in every run, and is wider where messages hang together."""
    true = [n % 3 > 0 for n in range(120)]
    told = [n % 3 > 0 if n // 12 % 2 else True for n in range(120)]
    alone, together = found(true, told).figures(range(120)), found(true, told).figures([n // 12 for n in range(120)])
    assert alone == found(true, told).figures(range(120))
    for figure in (alone["precision"], together["precision"]):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.value is not None
        assert figure.low < figure.value < figure.high
    narrow, wide = ((f["precision"].high or 0) - (f["precision"].low or 0) for f in (alone, together))
    assert wide > narrow
    scores = [float(t) + n % 7 / 3 for n, t in enumerate(true)]
    ranked = average_precision(Ranking.of(true, scores), range(120))
    assert ranked.value is not None
    assert ranked.low is not None
    assert ranked.low < ranked.value
    certain = found([True] * 5, [True] * 5).figures(range(5))["F1"]
    assert (certain.low, certain.high) == (1, 1)
