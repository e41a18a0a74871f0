import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.logistic import CalibrationError, Logistic, chance, chance_among, fit_choice, fit_named

NAMES = ("near", "far")


def test_a_fit_finds_what_made_the_data() -> None:
    """Labels drawn from known weights give those weights back, by name."""
    dice = np.random.default_rng(1)
    rows = dice.normal(size=(20_000, 2))
    true = (dice.random(20_000) < 1 / (1 + np.exp(-(rows @ [2.0, -1.0] + 0.5)))).astype(float)
    found = fit_named(NAMES, rows, true)
    assert [found.bias, *found.weights.values()] == pytest.approx([0.5, 2.0, -1.0], abs=0.1)
    assert found.typical["near"] == pytest.approx(rows[:, 0].mean(), abs=1e-3)


def test_what_separates_perfectly_stays_finite() -> None:
    """The ridge holds weights back where nothing in the data does."""
    found = fit_named(("x",), np.array([[0.0], [1.0]] * 20), np.array([0.0, 1.0] * 20))
    assert 1 < found.weights["x"] < 20


def test_features_are_told_apart_by_name() -> None:
    """Their order does not matter, a missing weight and an unknown one are named."""
    logistic = Logistic(0.0, {"far": -1.0, "near": 1.0}, {})
    assert logistic.over(NAMES, "x").probability({"near": 2.0, "far": 1.0}) == chance(1.0)
    with pytest.raises(CalibrationError, match="no weight for nearer"):
        logistic.over((*NAMES, "nearer"), "grouping")
    with pytest.raises(CalibrationError, match="the unknown far"):
        logistic.over(("near",), "grouping")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_odds_have_a_chance(odds: float) -> None:
    """However large the odds are, the probability lies in 0..1 and grows with them."""
    assert 0 <= chance(odds) <= 1
    assert chance(odds) <= chance(odds + 1)


def test_a_fit_of_choices_finds_what_made_the_data() -> None:
    """Of one to five each, or none, chosen by known weights: those weights come back, however far off they are."""
    dice = np.random.default_rng(2)
    of = dice.integers(1, 6, size=8_000)
    rows = dice.normal(size=(of.sum(), 2)) * [1.0, 10.0]
    odds = rows @ [3.0, -0.5] - 1.0
    true = np.zeros(len(rows))
    for start, count in zip(np.cumsum([0, *of])[:-1], of, strict=True):
        chosen = np.argmax([*(odds[start : start + count] + dice.gumbel(size=count)), dice.gumbel()])
        if chosen < count:
            true[start + chosen] = 1.0
    found = fit_choice(NAMES, rows, true, of.tolist())
    assert [found.bias, *found.weights.values()] == pytest.approx([-1.0, 3.0, -0.5], abs=0.15)
    assert fit_choice(NAMES, rows[:0], true[:0], []).weights == {"near": 0.0, "far": 0.0}


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=6))
def test_chances_of_a_choice_leave_one_for_none(every: list[float]) -> None:
    """Together they are at most 1; alone the chance is that of the odds; the greatest odds have the greatest."""
    chances = [chance_among(one, every[:at] + every[at + 1 :]) for at, one in enumerate(every)]
    assert sum(chances) <= 1 + 1e-4 * len(every)
    assert max(chances) == chances[every.index(max(every))]
    assert chance_among(every[0], []) == pytest.approx(chance(every[0]), abs=2e-4)
