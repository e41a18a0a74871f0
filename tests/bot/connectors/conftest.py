"""A Bot API server for each test, and a connector that listens to it."""

from collections.abc import AsyncIterator

import pytest

from tests.fake_telegram import FakeTelegram


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    """Whatever a test is about, the bot makes no wrong request and keeps every wait it was told."""
    async with FakeTelegram() as fake:
        yield fake
    assert fake.faults == []
    assert fake.violations == []
