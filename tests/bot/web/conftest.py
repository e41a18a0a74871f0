from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.storage.sqlite import SqliteStore
from tests.bot.web.browsing import open_browser
from tests.bot.web.hall import Hall, open_hall


@pytest.fixture
async def hall(store: SqliteStore) -> AsyncIterator[Hall]:
    async with open_hall(store) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a file: each makes profiles of its own."""
    async with open_browser() as opened:
        yield opened
