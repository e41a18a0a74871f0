"""Every scenario holds in its short form, and every negative control fails as it must."""

import shutil

import pytest

from tests.torture.__main__ import play
from tests.torture.scenario import Scenario, scenarios


@pytest.mark.parametrize("found", scenarios(), ids=lambda found: found.name)
def test_holds_in_its_short_form(found: Scenario) -> None:
    """Nothing is lost, doubled or refused wrongly; a control with its protection taken away is caught."""
    if found.needs and shutil.which(found.needs) is None:
        pytest.skip(f"{found.needs} is not installed")
    outcome = play(found, short=True)
    assert not outcome.broke, outcome.broke
    assert outcome.passed(short=True), [figure for figure in outcome.figures if not figure.holds]
