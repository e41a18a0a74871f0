from collections.abc import AsyncIterator

import pytest

from bot.storage.sqlite import SqliteStore
from tests.bot.web.hall import Hall, open_hall


@pytest.fixture
async def hall(store: SqliteStore) -> AsyncIterator[Hall]:
    async with open_hall(store) as opened:
        yield opened
