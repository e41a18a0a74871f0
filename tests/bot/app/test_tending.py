"""Work that goes on for as long as the program runs."""

import logging

import pytest

from bot.app.tending import keep_alive
from bot.errors import Fenced, StoreError


class Work:
    """Fails in these ways, one after the other, and then ends."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def __call__(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


async def test_a_store_that_is_away_is_one_line_and_a_fault_of_ours_is_told_whole(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either way it is begun again until it ends by itself."""
    monkeypatch.setattr("bot.app.tending.backoff", lambda *_: 0.0)
    work = Work(StoreError("the database is away"), ValueError("of ours"))
    with caplog.at_level(logging.WARNING):
        await keep_alive("clock", work)
    away, ours = caplog.records
    assert "the database is away" in away.message
    assert away.exc_info is None
    assert ours.exc_info
    assert not work.errors


async def test_what_another_process_does_is_left_to_it() -> None:
    """Nothing is begun again under a lease that is lost."""
    work = Work(Fenced("another process does it now"), ValueError("never reached"))
    with pytest.raises(Fenced):
        await keep_alive("clock", work)
    assert len(work.errors) == 1
