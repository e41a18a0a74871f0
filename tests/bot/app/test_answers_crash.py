"""Answers that are under way while the program dies."""

from collections import Counter
from pathlib import Path

import pytest

from tests.measure.answers import KEYED, crash


@pytest.mark.parametrize(
    ("askers", "kills"),
    [
        pytest.param(20, 4, id="80 answers"),
        pytest.param(125, 15, id="500 answers", marks=pytest.mark.thorough),
    ],
)
async def test_each_asker_hears_the_answer_once_however_often_the_program_dies(
    tmp_path: Path, askers: int, kills: int
) -> None:
    """Killed at random moments in the middle of sending over four chats, and started again until it is done: nobody is
    left out, nobody hears it twice."""
    found, hit = await crash(KEYED, askers, kills, seed=askers, folder=tmp_path, fast=True)
    assert hit > 0
    assert found == {name: Counter({1: askers}) for name in KEYED}
