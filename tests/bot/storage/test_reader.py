"""Reading beside the writer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.errors import StoreError
from bot.storage.connection import connect
from bot.storage.reader import THREADS, Reader


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    db = connect(tmp_path / "t.db")
    db.execute("CREATE TABLE rows (n)")
    db.conn.close()
    reader = Reader(lambda: connect(tmp_path / "t.db", reading=True))
    yield reader
    await reader.close()


def count(db: Database) -> int:
    return int(db.execute("SELECT COUNT(*) FROM rows").fetchone()[0])


async def test_a_reading_sees_one_moment(reader: Reader, tmp_path: Path) -> None:
    """What is committed during a call shows only in the next one."""
    writing = connect(tmp_path / "t.db")

    def twice(db: Database) -> tuple[int, int]:
        before = count(db)
        writing.execute("INSERT INTO rows VALUES (1)")
        return before, count(db)

    assert await reader.read(twice) == (0, 0)
    assert await reader.read(count) == 1
    writing.conn.close()


async def test_a_connection_that_broke_is_replaced(reader: Reader) -> None:
    """However often it happens, the next call works."""
    for _ in range(2 * THREADS):
        with pytest.raises(StoreError):
            await reader.read(lambda db: db.conn.close() or count(db))
    assert [await reader.read(count) for _ in range(2 * THREADS)] == [0] * 2 * THREADS


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """And told again, rather than that it hangs for want of a connection."""
    reader = Reader(lambda: connect(tmp_path / "nowhere" / "t.db", reading=True))
    for _ in range(2 * THREADS):
        with pytest.raises(StoreError, match="cannot be opened"):
            await reader.read(count)
    await reader.close()
    with pytest.raises(StoreError, match="closed"):
        await reader.read(count)
