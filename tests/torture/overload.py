"""Three times as much as the signed intake takes: what is taken is kept, what is not is refused at once."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.torture._posting import Load, Result, percentile, post
from tests.torture._serving import Server, serving
from tests.torture.intake import CONNECTIONS, LOBBIES, singles, told
from tests.torture.scenario import Run, scenario

MOST_MEMORY = 200.0
"""MB that the program may grow by in all: what it keeps of some ten thousand messages, and a bounded queue."""


def ledger(database: Path, what: str) -> set[str]:
    """What is on the disk, as `entry` says it."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT external_id, text FROM messages WHERE external_id LIKE ?", (f"{what}-%",))
        return {hashlib.sha256(f"{id} {text}".encode()).hexdigest() for id, text in rows}


def entry(what: str, n: int) -> str:
    return hashlib.sha256(f"{what}-{n} {told(n)}".encode()).hexdigest()


@scenario("overload", seconds=50)
async def overload(run: Run) -> None:
    """Three times the capacity measured in the same run: at least 80 % of the peak gets through, every refusal says
    when to come again, nothing that was accepted is lost, memory is bounded, and it is as before at once afterwards."""
    seconds, connections = (1.0, 700) if run.short else (6.0, 1500)
    async with serving(run.folder, lobbies=LOBBIES) as server:
        await post(Load(server.port, singles(100, "warm"), CONNECTIONS))
        count = 400 if run.short else 10_000
        peaks = await post(Load(server.port, singles(count, "peak"), 2 * CONNECTIONS, until=20))
        peak = len(peaks.accepted) / peaks.seconds
        before = server.memory()
        run.say(f"peak {peak:,.0f} a second")
        flood = await _flood(server, peak, seconds, connections)
        after = await _afterwards(server, peak / 2, seconds / 3)
        _judge(run, server, flood, peak, seconds)
        run.figure("memory it grew by", server.memory() - before, "MB", most=MOST_MEMORY)
        run.figure("a second later: not accepted at half the peak", len(after.status) - len(after.accepted), most=0)
        run.figure("a second later: p99 at half the peak", after.p(99), "ms", most=250, timing=True)


async def _flood(server: Server, peak: float, seconds: float, connections: int) -> Result:
    count = int(3 * peak * seconds)
    requests = singles(count, "flood")
    due = [n / (3 * peak) for n in range(count)]
    return await post(Load(server.port, requests, connections, due, again=True, until=seconds))


async def _afterwards(server: Server, rate: float, seconds: float) -> Result:
    await asyncio.sleep(1.0)
    count = int(rate * seconds)
    due = [n / rate for n in range(count)]
    return await post(Load(server.port, singles(count, "after"), CONNECTIONS, due, until=20))


def _judge(run: Run, server: Server, flood: Result, peak: float, seconds: float) -> None:
    goodput = flood.within(seconds / 3, seconds) / (seconds * 2 / 3)
    run.figure("goodput at three times the peak, of the peak", 100 * goodput / peak, "%", least=80, timing=True)
    run.figure("accepted in all", len(flood.accepted))
    run.figure("refused", len(flood.refused))
    run.figure("refused without Retry-After", flood.told[0], most=0)
    if flood.refused:
        run.figure("p99 of a refusal", 1000 * percentile(flood.refused, 99), "ms", most=500, timing=True)
    others = sum(status not in (200, 429, 503) for status in flood.status.values()) - flood.broken
    run.figure("answered otherwise", others, most=0)
    run.figure("connections that broke", flood.broken, most=0)
    lost = {entry("flood", n) for n in flood.accepted} - ledger(server.database, "flood")
    run.figure("accepted and not on the disk as it was sent", len(lost), most=0)
