"""Every scenario holds in its short form, and every negative control fails as it must."""

import pytest

from tests.torture.__main__ import play
from tests.torture.scenario import Scenario, scenarios


@pytest.mark.parametrize(
    "found",
    [pytest.param(found, id=found.name, marks=() if found.daily else pytest.mark.thorough) for found in scenarios()],
)
def test_holds_in_its_short_form(found: Scenario) -> None:
    """Nothing is lost, doubled or refused wrongly; a control with its protection taken away is caught."""
    outcome = play(found, short=True)
    if outcome.left_out:
        pytest.skip(outcome.left_out)
    assert not outcome.broke, outcome.broke
    assert outcome.passed(short=True), [figure for figure in outcome.figures if not figure.holds]
