from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.sqlite import SqliteStore, open_store
from tests.bot.values import TALK


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A real store with one session, "talk"."""
    opened = await open_store(tmp_path / "talk.sqlite3")
    await opened.save_session(TALK)
    yield opened
    await opened.close()
