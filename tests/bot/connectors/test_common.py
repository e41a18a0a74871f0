"""What several connectors need of Python."""

import asyncio
import logging

import pytest

from bot.connectors import common
from bot.connectors.common import until_one_ends


async def swallows(cancellations: list[str]) -> None:
    """Loses the first cancellation, as `asyncio.wait_for` may before Python 3.12."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancellations.append("lost")
    try:
        await asyncio.Event().wait()
    finally:
        cancellations.append("ended")


async def fails() -> None:
    await asyncio.sleep(0)
    raise OSError("the disk is full")


async def fails_when_cancelled() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ValueError("closed")


@pytest.mark.parametrize("ends", ["one fails", "it is cancelled"])
async def test_what_loses_a_cancellation_ends_all_the_same(
    ends: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A connector would else seem connected, and keep nothing that it hears. The log has no errors of it."""
    monkeypatch.setattr(common, "CANCEL_AGAIN", 0.02)
    cancellations: list[str] = []
    works = [swallows(cancellations), fails_when_cancelled()]
    run = asyncio.create_task(until_one_ends(*works, *([fails()] if ends == "one fails" else [])))
    await asyncio.sleep(0.01)
    if ends == "it is cancelled":
        run.cancel()
    await asyncio.wait([run], timeout=5)
    assert run.done()
    assert cancellations == ["lost", "ended"]
    if ends == "one fails":
        assert isinstance(run.exception(), OSError)
    else:
        assert run.cancelled()
    del run
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
