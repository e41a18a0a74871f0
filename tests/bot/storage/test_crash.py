"""What was acknowledged survives the death of the process and the misfortunes of the disk."""

import asyncio
import random
import signal
import sys
from pathlib import Path

from bot.storage.connection import connect
from bot.storage.sqlite import open_store

ROUNDS = 4

RECEIVING = """
import asyncio, itertools, sys
from bot.model import Cursor
from bot.storage.sqlite import open_store
from tests.bot.storage.acts import VECTOR
from tests.bot.values import message, state
from bot.model import Placed, Placement

async def receive(store, numbers):
    for n in numbers:
        await store.receive([message(n)], Cursor("telegram", str(n)))
        print("message", n, flush=True)

async def place(store):
    while True:
        for one in await store.pending("talk", 8):
            id = f"q{one.id}"
            await store.place("talk", [Placed(Placement(one.id, True, 0.9, id), VECTOR, state(id))])
            print("question", id, flush=True)
        await asyncio.sleep(0)

async def main():
    store = await open_store(sys.argv[1])
    numbers = itertools.count(int(sys.argv[2]))
    await asyncio.gather(place(store), *(receive(store, numbers) for _ in range(16)))

asyncio.run(main())
"""


async def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Killed at random moments under load: every acknowledged message and question is there, none doubled, the file is
    sound, and the next process is let in at once."""
    path, acknowledged = tmp_path / "hall.db", []
    for turn in range(ROUNDS):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RECEIVING, path, str(turn * 1_000_000), stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout
        acknowledged.append(await child.stdout.readline())
        asyncio.get_running_loop().call_later(random.uniform(0.01, 0.3), child.send_signal, signal.SIGKILL)
        acknowledged += [line async for line in child.stdout if line.endswith(b"\n")]
        assert await child.wait() == -signal.SIGKILL
        await _check(path, acknowledged)
    assert len(acknowledged) > 50 * ROUNDS


async def _check(path: Path, acknowledged: list[bytes]) -> None:
    store = await open_store(path)
    lines = await store.placements("talk")
    questions = {f"question {q.id}" for q in await store.questions("talk")}
    remembered = await store.remembered("talk")
    await store.close()
    messages = [f"message {m.external_id[1:]}" for m, _ in lines]
    assert len(messages) == len(set(messages))
    assert {line.decode().strip() for line in acknowledged} <= questions.union(messages)
    assert len(remembered) == len(questions) == sum(placement is not None for _, placement in lines)
    db = connect(path)
    assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
    assert list(db.execute("PRAGMA foreign_key_check")) == []
    db.conn.close()


FULL = """
import asyncio, resource, sys
from bot.errors import StoreError
from bot.storage.sqlite import open_store
from tests.bot.values import message

async def main():
    store = await open_store(sys.argv[1])
    await store.receive([message(0)])
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    failed = 0
    for n in range(1, 40):
        try:
            await store.receive([message(n, "x" * 20_000)])
            print("kept", n)
        except StoreError as error:
            failed += 1
            said = str(error)
    assert failed, "the limit never bit"
    assert "disk" in said, said
    print("pending", len(await store.pending("talk", 99)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await store.receive([message(100, "y" * 20_000)])
    print("kept", 100)
    await store.close()

asyncio.run(main())
"""


async def test_a_full_disk_refuses_and_then_goes_on(tmp_path: Path) -> None:
    """Where the file cannot grow the caller gets `StoreError`, reading goes on, nothing kept is lost, nothing refused
    is there, and with room again the same process writes again."""
    path = tmp_path / "hall.db"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", FULL, path, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert child.returncode == 0
    lines = said.decode().split("\n")
    kept = {f"m{line.split()[1]}" for line in lines if line.startswith("kept")} | {"m0"}
    assert f"pending {len(kept) - 1}" in lines
    store = await open_store(path)
    assert {m.external_id for m in await store.pending("talk", 99)} == kept
    await store.close()
