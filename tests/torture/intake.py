"""How much comes in: the signed intake over real HTTP and real FULL commits, alone and beside understanding."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.torture._posting import Load, Result, line, post, signed
from tests.torture._serving import Server, serving
from tests.torture.scenario import Run, scenario

CONNECTIONS = 32
RATE = 2_000
LOBBIES = 4
"""Signed intakes that share the load, as many chats do."""


def told(n: int) -> str:
    """Chatter and askings as a talk has them, of which some ask the same."""
    return f"Is part {n % 400} of the talk recorded?" if n % 3 else f"Thanks for number {n}"


def singles(count: int, what: str) -> list[bytes]:
    return [
        signed(line(f"{what}-{n}", f"u{n % 500}", told(n)), "lobby" if n % LOBBIES == 0 else f"lobby{n % LOBBIES + 1}")
        for n in range(count)
    ]


def lists(count: int, size: int, what: str) -> list[bytes]:
    bodies = [
        [json.loads(line(f"{what}-{n}-{k}", f"u{k}", told(n * size + k))) for k in range(size)] for n in range(count)
    ]
    return [
        signed(json.dumps(body).encode(), "lobby" if n % LOBBIES == 0 else f"lobby{n % LOBBIES + 1}")
        for n, body in enumerate(bodies)
    ]


def kept(database: Path, like: str = "%") -> set[str]:
    """Ids of the messages that are on the disk."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return {id for (id,) in db.execute("SELECT external_id FROM messages WHERE external_id LIKE ?", (like,))}


def placed(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM messages WHERE placed = 1").fetchone()[0])


async def _steady(run: Run, server: Server, seconds: float, rate: int, what: str) -> Result:
    """Single messages at a steady rate; tells what it cost."""
    count = int(rate * seconds)
    requests = singles(count, what)
    cpu, before = server.cpu(), placed(server.database)
    result = await post(
        Load(server.port, requests, CONNECTIONS, [n / rate for n in range(count)], until=4 * seconds + 10)
    )
    run.say(
        f"{what}: {rate} a second for {seconds:g} s, p50 {result.p(50):.1f} ms, p99 {result.p(99):.1f} ms, "
        f"{(server.cpu() - cpu) / count * 1000:.2f} s of processor per 1,000, "
        f"{placed(server.database) - before:,} placed meanwhile"
    )
    return result


@scenario("intake", seconds=45)
async def intake(run: Run) -> None:
    """Two thousand signed messages a second are on the disk within 50 ms of their sending, while the pipeline places
    what it can; beside it the same with the bundled model, and lists."""
    seconds, rate = (1.0, 200) if run.short else (5.0, RATE)
    async with serving(run.folder / "light", lobbies=LOBBIES) as server:
        # What the first requests cost once (imports, the first commit) is not what the rest costs.
        await post(Load(server.port, singles(100, "warm"), CONNECTIONS))
        steady = await _steady(run, server, seconds, rate, "steady")
        _judge(run, server, steady, "single messages", rate)
        peak = await post(Load(server.port, singles(int(seconds * rate), "peak"), CONNECTIONS, until=30))
        run.figure("accepted a second, one after the other on 32 connections", len(peak.accepted) / peak.seconds, "/s")
        await _listed(run, server)
    if not run.short:
        await _beside_the_model(run, seconds)


def _judge(run: Run, server: Server, result: Result, what: str, rate: int) -> None:
    accepted = result.accepted
    run.figure(f"{what}: not accepted", len(result.status) - len(accepted), most=0)
    lost = {f"steady-{n}" for n in accepted} - kept(server.database, "steady-%")
    run.figure(f"{what}: accepted and not on the disk", len(lost), most=0)
    run.figure(f"{what}: accepted a second", len(accepted) / result.seconds, "/s", least=0.98 * rate, timing=True)
    run.figure(f"{what}: p99 from when it was due", result.p(99), "ms", most=50, timing=True)


async def _listed(run: Run, server: Server) -> None:
    count, size = (5, 20) if run.short else (100, 50)
    cpu = server.cpu()
    result = await post(Load(server.port, lists(count, size, "list"), 8, until=30))
    accepted = len(result.accepted) * size
    run.figure("lists of 50: accepted a second", accepted / result.seconds, "/s", least=RATE, timing=True)
    run.figure("lists of 50: p99 of a list", result.p(99), "ms")
    run.figure("lists of 50: processor per 1,000 messages", (server.cpu() - cpu) / accepted * 1000, "s")
    run.figure("lists of 50: accepted and not on the disk", accepted - len(kept(server.database, "list-%")), most=0)


async def _beside_the_model(run: Run, seconds: float) -> None:
    async with serving(run.folder / "bundled", bundled=True, lobbies=LOBBIES) as server:
        await post(Load(server.port, singles(100, "warm"), CONNECTIONS))
        result = await _steady(run, server, seconds, RATE, "steady")
        run.figure("beside the bundled model: accepted a second", len(result.accepted) / result.seconds, "/s")
        run.figure("beside the bundled model: p99 from when it was due", result.p(99), "ms")
        lost = {f"steady-{n}" for n in result.accepted} - kept(server.database, "steady-%")
        run.figure("beside the bundled model: accepted and not on the disk", len(lost), most=0)
