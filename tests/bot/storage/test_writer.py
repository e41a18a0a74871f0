"""Group commit: who shares a commit, and what one call's misfortune does to the others."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.errors import BadInput, NotFound, StoreError
from bot.storage.connection import connect
from bot.storage.writer import BATCH, WAITING, Writer


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    db = connect(tmp_path / "t.db")
    db.executescript("CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE rows (n REFERENCES parents (id));")
    db.conn.close()
    writer = Writer(lambda: connect(tmp_path / "t.db"))
    yield writer
    await writer.close()


def adding(n: int | None) -> Callable[[Database], None]:
    def add(db: Database) -> None:
        db.execute("INSERT INTO parents VALUES (?)", (n,))

    return add


def kept(db: Database) -> list[int]:
    return [row["id"] for row in db.execute("SELECT id FROM parents ORDER BY id")]


async def together(writer: Writer, *calls: Callable[[Database], object]) -> list[object]:
    """Put the calls into one batch: the thread is kept busy until all of them wait."""
    taken, go = threading.Event(), threading.Event()

    def hold(db: Database) -> None:
        taken.set()
        go.wait(10)

    holding = asyncio.create_task(writer.write(hold))
    await asyncio.to_thread(taken.wait, 10)
    waiting = [asyncio.create_task(writer.write(call)) for call in calls]
    await asyncio.sleep(0)  # each task puts its call
    go.set()
    await holding
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_calls_that_wait_share_one_commit(writer: Writer, tmp_path: Path) -> None:
    """A hundred waiting calls see each other's rows before anything of them is committed."""
    beside = connect(tmp_path / "t.db", reading=True)

    def counting(db: Database) -> tuple[int, int]:
        adding(None)(db)
        return len(kept(db)), len(kept(beside))

    found = await together(writer, *[counting] * 100)
    assert found == [(n, 0) for n in range(1, 101)]
    assert len(kept(beside)) == 100
    beside.conn.close()


async def test_a_call_that_fails_takes_only_its_own_writes_with_it(writer: Writer) -> None:
    """The others of the batch are committed; the caller gets the very error, the driver's ones in words."""

    def refusing(db: Database) -> None:
        adding(7)(db)
        raise NotFound("nothing there")

    def too_large(db: Database) -> None:
        adding(2**70)(db)

    one, refused, doubled, large, two = await together(writer, adding(1), refusing, adding(1), too_large, adding(2))
    assert (one, two) == (None, None)
    assert isinstance(refused, NotFound)
    assert isinstance(doubled, StoreError)
    assert isinstance(large, BadInput)
    assert await writer.write(kept) == [1, 2]


async def test_nobody_is_told_of_success_when_the_commit_fails(writer: Writer) -> None:
    """Every call of the batch gets `StoreError`, none of their rows is there, and the next call goes on."""

    def breaking_the_commit(db: Database) -> None:
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute("INSERT INTO rows VALUES (99)")

    found = await together(writer, adding(1), breaking_the_commit, adding(2))
    assert [type(each) for each in found] == [StoreError] * 3
    assert await writer.write(kept) == []
    await writer.write(adding(3))
    assert await writer.write(kept) == [3]


async def test_an_error_that_ends_the_transaction_is_told_to_all(writer: Writer) -> None:
    """SQLite rolls everything back by itself on some errors; then no call of the batch was written."""

    def losing_all(db: Database) -> None:
        db.conn.execute("ROLLBACK")
        db.execute("SELECT no such thing")

    found = await together(writer, adding(1), losing_all, adding(2))
    assert [type(each) for each in found] == [StoreError] * 3
    await writer.write(adding(3))
    assert await writer.write(kept) == [3]


async def test_a_connection_that_broke_is_replaced(writer: Writer) -> None:
    """The batch fails, the next one has a new connection."""
    found = await together(writer, adding(1), lambda db: db.conn.close())
    assert [type(each) for each in found] == [StoreError] * 2
    await writer.write(adding(2))
    assert await writer.write(kept) == [2]


async def test_whoever_waits_behind_a_lock_is_told_with_the_first(tmp_path: Path) -> None:
    """While another program holds the database our patience is spent once, however many batches wait; after that all is
    well."""
    begun: list[str] = []

    def open_patiently() -> Database:
        db = connect(tmp_path / "t.db", patience=0.5)
        db.conn.set_trace_callback(begun.append)
        return db

    writer, other = Writer(open_patiently), connect(tmp_path / "t.db")
    await writer.write(lambda db: db.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)"))
    begun.clear()
    other.execute("BEGIN EXCLUSIVE")
    found = await asyncio.gather(*(writer.write(adding(n)) for n in range(3 * BATCH)), return_exceptions=True)
    assert {str(error) for error in found} == {str(found[0])}
    assert "another program has the database locked" in str(found[0])
    assert begun.count("BEGIN IMMEDIATE") == 1
    other.execute("ROLLBACK")
    other.conn.close()
    await writer.write(adding(1))
    assert await writer.write(kept) == [1]
    await writer.close()


async def test_cancelled_callers_break_nothing(writer: Writer) -> None:
    """The thread serves the others, and a cancelled caller gives its place back."""
    for _ in range(2):
        calls = [asyncio.create_task(writer.write(adding(None))) for _ in range(WAITING)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(r, asyncio.CancelledError) for r in results[::2])
        assert set(results[1::2]) == {None}
    calls = [asyncio.create_task(writer.write(adding(None))) for _ in range(WAITING)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert len(await asyncio.wait_for(writer.write(kept), 60)) >= WAITING  # every place is free again


async def test_more_callers_than_places_are_all_served(writer: Writer) -> None:
    """Those beyond the bound wait before they are let in."""
    await asyncio.gather(*(writer.write(adding(None)) for _ in range(2 * WAITING + 10)))
    assert len(await writer.write(kept)) == 2 * WAITING + 10


async def test_closing_finishes_what_waits_and_refuses_what_comes(writer: Writer, tmp_path: Path) -> None:
    """Nothing that was let in is dropped."""
    calls = [asyncio.create_task(writer.write(adding(n))) for n in range(1, 51)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*calls) == [None] * 50
    with pytest.raises(StoreError, match="closed"):
        await writer.write(kept)
    beside = connect(tmp_path / "t.db", reading=True)
    assert len(kept(beside)) == 50
    beside.conn.close()
