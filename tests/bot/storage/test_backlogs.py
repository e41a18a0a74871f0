"""What waits in the store, and whether it can be written."""

from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.model import Address, Delivery, Placed, Placement
from bot.storage.connection import connect
from bot.storage.sqlite import SqliteStore, open_store
from tests.bot.values import message


async def test_what_waits_is_counted(store: SqliteStore) -> None:
    """Messages without a place with the time of the oldest, and by source what may be said now and what may not yet."""
    assert (await store.backlog(100.0)).inbox == 0
    await store.receive([message(1), message(2), message(3)])
    waiting = await store.pending("talk", 10)
    await store.place("talk", [Placed(Placement(waiting[0].id, False, 0.0))])
    told = [Delivery(f"k{at}", "talk", Address("intake", "c"), "x", not_before=at) for at in (0.0, 50.0, 200.0)]
    await store.deliver([*told, Delivery("t", "talk", Address("telegram", "c"), "x", state="failed")])
    found = await store.backlog(100.0)
    assert (found.inbox, found.since) == (2, waiting[1].at)
    assert found.outbox == {"intake": (2, 1)}


async def test_a_probe_is_written_and_changes_nothing(tmp_path: Path) -> None:
    """The log of the database grows by it, what stands in the database does not change."""
    path = tmp_path / "hall.db"
    store = await open_store(path)
    await store.receive([message(1)])
    before = path.with_name("hall.db-wal").stat().st_size
    await store.probe()
    assert path.with_name("hall.db-wal").stat().st_size > before
    assert len(await store.pending("talk", 10)) == 1
    await store.close()


async def test_a_probe_fails_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Locked by another program, it says so; each transaction is told with its outcome, in order."""
    told: list[tuple[int, bool]] = []
    store = await open_store(
        tmp_path / "hall.db", patience=0.05, committed=lambda calls, seconds, error: told.append((calls, error is None))
    )
    await store.probe()
    other = connect(tmp_path / "hall.db")
    other.conn.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        await store.probe()
    other.conn.execute("ROLLBACK")
    other.conn.close()
    await store.probe()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.probe()
    assert told == [(1, True), (1, False), (1, True)]
