import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.evaluation.reliability import BINS, in_bins, reliability

SAID = st.lists(st.tuples(st.booleans(), st.integers(0, 20).map(lambda n: n / 20)), min_size=1, max_size=40)


def values(true: list[bool], probabilities: list[float]) -> dict[str, float | None]:
    return {name: one.value for name, one in reliability(true, probabilities, range(len(true))).items()}


def test_known_values() -> None:
    """Both figures and the points of the picture are those that are worked out by hand."""
    true, said = [False] * 5 + [True, True, True, False], [0.2] * 5 + [0.9] * 4
    told = values(true, said)
    assert told["Brier score"] == pytest.approx((5 * 0.2**2 + 3 * 0.1**2 + 0.9**2) / 9)
    assert told["calibration error"] == pytest.approx((5 * 0.2 + 4 * (0.9 - 3 / 4)) / 9)
    assert in_bins(true, said) == (pytest.approx((0.2, 0.0)), pytest.approx((0.9, 0.75)))


def test_a_bin_holds_a_tenth_of_the_messages() -> None:
    """A few probabilities in the middle have no bins of their own, and each bin is weighed by its messages."""
    said = [n / 1000 for n in range(45)] + [1 - n / 1000 for n in range(45)] + [0.4, 0.5, 0.6] + [0.0] * 7
    assert len(in_bins([False] * len(said), said)) == BINS
    assert values([True] * 10, [0.1 * n for n in range(10)])["calibration error"] == pytest.approx(0.55)


@settings(deadline=None)
@given(SAID)
def test_it_agrees_with_scikit_learn(items: list[tuple[bool, float]]) -> None:
    """The Brier score and the points of the picture are those of a library that many use."""
    from sklearn.calibration import calibration_curve  # seconds of every worker, of which one needs it
    from sklearn.metrics import brier_score_loss

    true, said = [t for t, _ in items], [p for _, p in items]
    share, mean = calibration_curve(np.array(true, dtype=int), said, n_bins=BINS, strategy="quantile", pos_label=1)
    assert np.array(in_bins(true, said)) == pytest.approx(np.stack([mean, share], axis=1))
    expected = brier_score_loss(np.array(true, dtype=int), said, pos_label=1)
    assert values(true, said)["Brier score"] == pytest.approx(expected)


def test_who_is_right_about_himself_is_off_by_chance_only() -> None:
    """Of probabilities that are right the error is near what chance makes of it, of too sure ones far above."""
    drawn = np.random.default_rng(7)
    chance = drawn.beta(0.4, 0.4, 600)
    true = (drawn.random(600) < chance).tolist()
    honest, sure = values(true, chance.tolist()), values(true, np.where(chance > 0.5, 0.99, 0.01).tolist())
    assert honest["calibration error"] is not None
    assert honest["calibration error by chance"] is not None
    assert sure["calibration error"] is not None
    assert sure["calibration error by chance"] is not None
    assert honest["calibration error"] < 1.5 * honest["calibration error by chance"]
    assert sure["calibration error"] > 5 * sure["calibration error by chance"]


def test_nothing_said_is_no_figure() -> None:
    """Without a probability there is neither a figure nor a point."""
    assert set(values([], []).values()) == {None}
    assert in_bins([], []) == ()
