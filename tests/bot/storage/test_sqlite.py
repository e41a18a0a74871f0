"""What holds for the SQLite store beyond the contract: one owner, one file, its settings and its schema."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.errors import StoreBusy, StoreError
from bot.storage import migrations
from bot.storage.connection import connect
from bot.storage.sqlite import open_store
from bot.storage.writer import Writer
from tests.bot.storage.acts import ask
from tests.bot.values import message


async def test_a_second_store_on_the_same_file_is_refused(tmp_path: Path) -> None:
    """Also under another name of the file; after `close` it is free."""
    store = await open_store(tmp_path / "hall.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "hall.db")
    for name in ("hall.db", "link.db"):
        with pytest.raises(StoreBusy, match=f"open in another floormic.*{os.getpid()}"):
            await open_store(tmp_path / name)
    await store.close()
    await (await open_store(tmp_path / "hall.db")).close()


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """It is told which process has the database, and the first one goes on."""
    store = await open_store(tmp_path / "hall.db")
    code = "import asyncio, sys; from bot.storage.sqlite import open_store; asyncio.run(open_store(sys.argv[1]))"
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "hall.db"), stderr=asyncio.subprocess.PIPE
    )
    _, said = await second.communicate()
    assert second.returncode == 1
    assert f"StoreBusy: {tmp_path}/hall.db is open in another floormic (process {os.getpid()})" in said.decode()
    assert await store.receive([message(1)]) == 1
    await store.close()


async def test_the_connection_is_set_for_power_cuts(tmp_path: Path) -> None:
    """WAL with an fsync at each commit, foreign keys, no memory map; readers cannot write."""
    await (await open_store(tmp_path / "hall.db")).close()
    db = connect(tmp_path / "hall.db")
    names = ("journal_mode", "synchronous", "foreign_keys", "mmap_size")
    assert [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names] == ["wal", 2, 1, 0]
    reading = connect(tmp_path / "hall.db", reading=True)
    with pytest.raises(Exception, match="readonly"):
        reading.execute("DELETE FROM messages")
    reading.conn.close()
    db.conn.close()


async def test_a_passing_store_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ ":memory:" is a file of its own each time, removed at the end."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one, two = await open_store(":memory:"), await open_store(":memory:")
    await one.receive([message(1)])
    assert await two.pending("talk", 1) == []
    await one.close()
    await two.close()
    await two.close()
    assert os.listdir(tmp_path) == []


async def test_a_new_folder_is_made_for_the_database(tmp_path: Path) -> None:
    """A path in the configuration need not exist."""
    await (await open_store(tmp_path / "a" / "b" / "hall.db")).close()
    assert (tmp_path / "a" / "b" / "hall.db").exists()


@pytest.mark.parametrize("content", [b"these are my notes, no database\n" * 40, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """It is refused with a clear word and keeps every byte."""
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"no SQLite database|damaged"):
        await open_store(file)
    assert file.read_bytes() == content


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """And so is a path below a file."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "hall.db"):
        with pytest.raises(StoreError):
            await open_store(path)


async def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    """Rather than written to by a program that does not know its rules; and the lock is given back."""
    await (await open_store(tmp_path / "hall.db")).close()
    db = connect(tmp_path / "hall.db")
    db.table("_sqlite_migrations").insert({"migration_set": "floormic", "name": "9999_future", "applied_at": "later"})
    db.conn.close()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"newer floormic.*9999_future"):
            await open_store(tmp_path / "hall.db")


async def test_a_failed_migration_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step and its record are one transaction."""

    def breaking(db: object) -> None:
        step(db)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    first, *_ = migrations.steps._migrations
    step = first.fn
    monkeypatch.setattr(first, "fn", breaking)
    monkeypatch.setattr("bot.storage.sqlite.migrate", migrations.migrate)
    with pytest.raises(RuntimeError):
        await open_store(tmp_path / "hall.db")
    monkeypatch.undo()
    store = await open_store(tmp_path / "hall.db")
    assert await store.receive([message(1)]) == 1
    await store.close()


async def test_closing_leaves_one_file_to_copy(tmp_path: Path) -> None:
    """After `close` the log is folded into the database."""
    store = await open_store(tmp_path / "hall.db")
    await ask(store, "q1")
    await store.questions("talk")
    await store.close()
    assert sorted(os.listdir(tmp_path)) == ["hall.db", "hall.db.lock"]


async def test_readers_do_not_wait_for_the_writer(tmp_path: Path) -> None:
    """A long write holds up no reading, which sees what was committed before."""
    store = await open_store(tmp_path / "hall.db")
    await store.receive([message(1)])
    go = asyncio.Event()
    loop = asyncio.get_running_loop()
    writer: Writer = store._writer
    holding = asyncio.create_task(writer.write(lambda db: asyncio.run_coroutine_threadsafe(go.wait(), loop).result(10)))
    writing = asyncio.create_task(store.receive([message(2)]))
    assert len(await asyncio.wait_for(store.pending("talk", 9), 5)) == 1
    go.set()
    await holding
    assert await writing == 1
    assert len(await store.pending("talk", 9)) == 2
    await store.close()
