from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.storage.sqlite import SqliteStore
from tests.bot.web.browsing import Crowd, open_browser, open_crowd
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


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, browser: Browser) -> AsyncIterator[Crowd]:
    """Whoever uses it also promises that no page complained: no script error, no policy violation."""
    async with open_crowd(tmp_path, browser=browser) as opened:
        yield opened
        assert opened.wrongs == []
