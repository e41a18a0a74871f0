"""One process on SQLite against one, two and four on PostgreSQL: `python -m tests.measure.scale --out FILE`.

All in one run, so that the figures can be read as ratios: what is accepted a second, how many halls with five messages
a second each are served, how many pages may watch one hall (both with a p99 of at most 500 ms from sending to the
bytes), and what each costs of the processor. Then the parts for themselves, from which `tests.measure.capacity`
reckons, and what NOTIFY costs the commits of the database. Clients, database and programs share the machine.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.installation import Installation, connections, cpu, encoder, memory, pid_of, postgres, written
from tests.measure.loading import Loaded, Meter, count_accepted, meter, p, requests, step, texts
from tests.torture._postgres import Postgres

PACE = 5.0
"""Messages a second of a hall."""

MOST = 500.0
"""Milliseconds that the p99 may be."""

HALLS = 32
"""Halls that an installation knows, most of them silent."""

LISTENERS = 32
"""Processes that listen when it is counted what that costs the database."""

APART = ("pipeline", "encoder", "outbox", "connectors", "postgres")
"""Parts of which there is one when they are measured for themselves."""

ACCEPTING = 8
"""Halls that take part when it is counted how much is accepted."""


@dataclass(frozen=True, slots=True)
class Kind:
    """So many processes, each of which does everything."""

    name: str
    processes: int
    on_postgres: bool


KINDS = (
    Kind("one on SQLite", 1, False),
    Kind("one on PostgreSQL", 1, True),
    Kind("two on PostgreSQL", 2, True),
    Kind("four on PostgreSQL", 4, True),
)


@dataclass(slots=True)
class Found:
    """Of one kind. Seconds of processor are those of all programs, the encoder and the database."""

    name: str
    accepted: float = 0.0
    busy_a_message: float = 0.0
    halls: int = 0
    halls_p99: float = 0.0
    busy_a_hall: float = 0.0
    watchers: int = 0
    watchers_p99: float = 0.0
    busy_a_watcher: float = 0.0
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wish:
    """How long to look. `settles`: seconds after which what a process does at its start is over. `halls`, `watchers`:
    numbers to try, in turn, until one is too many."""

    messages: int
    seconds: float
    settles: float
    halls: Sequence[int]
    watchers: Sequence[int]


LONG = Wish(3_000, 8.0, 10.0, (1, 2, 4, 6, 8, 12, 16, 24, 32), (1_000, 3_000, 6_000, 9_000, 12_000, 16_000))
SHORT = Wish(300, 3.0, 2.0, (1, 2), (100, 200))


@contextlib.asynccontextmanager
async def running(
    kind: Kind, server: Postgres, *, light: bool, halls: int = HALLS
) -> AsyncIterator[tuple[Installation, Meter]]:
    """Fresh, with the light encoder or the bundled one: on SQLite in the program itself, else as a service."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        async with contextlib.AsyncExitStack() as stack:
            more: dict[str, int] = {}
            model = "bundled"
            if light or kind.on_postgres:
                service = await stack.enter_async_context(encoder(folder, light=light))
                more["encoder"], model = service.pid, f"unix:{folder / 'encoder.sock'}"
            url = await asyncio.to_thread(fresh, server) if kind.on_postgres else ""
            if url:
                more["postgres"] = pid_of(server)
            inst = Installation(folder, halls=halls, database=url, model=model)
            for number in range(kind.processes):
                inst.add(f"all{number}")
            stack.push_async_callback(inst.stop)
            await inst.start()
            if kind.processes > 1:
                await inst.shared_out(kind.processes, kind.processes)
            yield inst, meter(inst, more)


def fresh(server: Postgres) -> str:
    """The address of an empty database."""
    with contextlib.suppress(psycopg.Error):
        server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hall'", database="postgres")
    server.ask("DROP DATABASE hall WITH (FORCE)", database="postgres")
    server.ask("CREATE DATABASE hall OWNER hall", database="postgres")
    server.ask("CREATE EXTENSION vector")
    return server.url()


async def count(kind: Kind, server: Postgres, wish: Wish) -> Found:
    found = Found(kind.name)
    async with running(kind, server, light=True) as (inst, counting):
        await _accept(inst, counting, wish, found)
        await _watchers(inst, counting, wish, found)
    async with running(kind, server, light=False) as (inst, counting):
        await _halls(inst, counting, wish, found)
    return found


async def _accept(inst: Installation, counting: Meter, wish: Wish, found: Found) -> None:
    halls = range(ACCEPTING)
    ports = [web.port for web in inst.webs]
    await count_accepted(ports, await asyncio.to_thread(requests, "warm", 100, halls, texts()))
    await inst.placed(100)
    counting.read()
    said = await asyncio.to_thread(requests, "count", wish.messages, halls, texts())
    found.accepted = await count_accepted(ports, said)
    await inst.placed(100 + wish.messages)
    found.busy_a_message = sum(counting.read().values()) / wish.messages
    _say(
        f"{found.name}: {found.accepted:,.0f} accepted a second, {1e3 * found.busy_a_message:.2f} ms of processor each"
    )


async def _halls(inst: Installation, counting: Meter, wish: Wish, found: Found) -> None:
    cookie = await inst.cookie()
    await step(inst, "warm", range(4), PACE, 2.0, counting, cookie=cookie)
    for number in wish.halls:
        took = await step(inst, f"halls{number}", range(number), PACE, wish.seconds, counting, cookie=cookie)
        p99 = p(took.boards, 99)
        _told(found, f"{number} halls", took, p99)
        if p99 > MOST or took.refused or took.late > 2.0:
            break
        found.halls, found.halls_p99, found.busy_a_hall = number, p99, took.cores / number


async def _watchers(inst: Installation, counting: Meter, wish: Wish, found: Found) -> None:
    cookie = await inst.cookie()
    alone = await step(inst, "alone", [0], PACE, wish.seconds, counting, cookie=cookie)
    for number in wish.watchers:
        try:
            took = await step(inst, f"w{number}", [0], PACE, wish.seconds, counting, viewers=number, cookie=cookie)
        except (RuntimeError, TimeoutError, OSError) as error:
            _say(f"{found.name}: {number:,} watchers: {error}")
            break
        p99 = p(took.viewers, 99)
        _told(found, f"{number:,} watchers", took, p99)
        if p99 > MOST or took.lost:
            break
        found.watchers, found.watchers_p99 = number, p99
        found.busy_a_watcher = (took.cores - alone.cores) / number


def _told(found: Found, what: str, took: Loaded, p99: float) -> None:
    some = took.viewers or took.boards
    text = (
        f"{what}: p50 {p(some, 50):.0f} ms, p99 {p99:.0f} ms, {took.cores:.2f} cores, {took.shown} of {took.messages} "
        f"messages shown, {took.refused} refused, {took.lost} streams lost"
    )
    found.steps.append(text)
    _say(f"{found.name}: {text}")


# The parts for themselves


async def parts(server: Postgres, wish: Wish) -> dict[str, float]:
    """What one message, one hall and one watcher cost each part, in seconds of processor, and what they write and send.

    Messages are posted to `web0`, boards and viewers watch at `web1`, and `web2` only hears what the others write.
    """
    seconds = wish.seconds
    few = await _idle(server, 1, wish)
    async with _split(server, HALLS + 1) as (inst, counting):
        await asyncio.sleep(wish.settles)
        counting.read()
        silent = await asyncio.to_thread(written, server)
        await asyncio.sleep(seconds)
        silent_after = await asyncio.to_thread(written, server)
        many = {name: busy / seconds for name, busy in counting.read().items()}
        cookie = await inst.cookie()
        webs = [web.port for web in inst.webs]
        where: dict[str, Any] = {"cookie": cookie, "posted": webs[:1], "watched": webs[1:2]}
        await step(inst, "warm", range(4), PACE, 2.0, counting, **where)
        before = await asyncio.to_thread(written, server)
        quiet = await step(inst, "said", range(4), 1.0, 2 * seconds, counting, viewers=1, **where)
        after = await asyncio.to_thread(written, server)
        alone = await step(inst, "alone", [0], PACE, seconds, counting, **where)
        viewers = wish.watchers[0]
        memory_before = memory(inst.processes["web1"].pid)
        full = await step(inst, "full", [0], PACE, seconds, counting, viewers=viewers, **where)
        held = await asyncio.to_thread(connections, server)
        joining = await _joining(inst, counting, viewers, webs[1])
        memory_after = joining.pop("memory")
    said = {name: busy / quiet.seconds - many[name] for name, busy in quiet.busy.items()}
    rate = quiet.messages / quiet.seconds
    found = {f"{name}.message": max(0.0, said[name]) / rate for name in APART}
    found["web.accept"] = max(0.0, said["web0"] - said["web2"]) / rate
    found["web.notice"] = max(0.0, said["web2"]) / rate
    found["web.board"] = max(0.0, said["web1"] - said["web2"]) / rate
    found["processes"] = len(inst.processes)
    for name in ("web2", *APART):
        found[f"{name.rstrip('2')}.hall"] = max(0.0, many[name] - few[name]) / HALLS
        found[f"{name.rstrip('2')}.idle"] = max(0.0, few[name] - found[f"{name.rstrip('2')}.hall"])
    events = full.told / viewers / full.said
    more = full.busy["web1"] / full.said - alone.busy["web1"] / alone.said
    found["web.event"] = max(0.0, more) / (viewers * events)
    found["events"] = quiet.told / quiet.messages
    found["bytes.event"] = full.came / max(1, full.told)
    found["web.join"] = joining["web1"] / viewers
    found["memory.watcher"] = max(0.0, memory_after - memory_before) / viewers
    found["wal.message"] = (after[0] - before[0]) / quiet.messages
    found["commits.idle"] = (silent_after[1] - silent[1]) / seconds
    found["commits.message"] = max(0.0, after[1] - before[1] - found["commits.idle"] * quiet.seconds) / quiet.messages
    found["connections"] = held
    found["p50.board"], found["p99.board"] = p(quiet.boards, 50), p(quiet.boards, 99)
    return found


@contextlib.asynccontextmanager
async def _split(server: Postgres, halls: int) -> AsyncIterator[tuple[Installation, Meter]]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        async with encoder(folder, light=False) as service:
            url = await asyncio.to_thread(fresh, server)
            inst = Installation(folder, halls=halls, database=url, model=f"unix:{folder / 'encoder.sock'}")
            for number in range(3):
                inst.add(f"web{number}", "web")
            for role in ("pipeline", "connectors", "outbox"):
                inst.add(role, role)
            try:
                await inst.start()
                yield inst, meter(inst, {"encoder": service.pid, "postgres": pid_of(server)})
            finally:
                await inst.stop()


async def _idle(server: Postgres, halls: int, wish: Wish) -> Mapping[str, float]:
    """Processors in use by part where nothing is said."""
    async with _split(server, halls) as (inst, counting):
        await step(inst, "once", [0], 1.0, 1.0, counting, cookie=await inst.cookie())
        await asyncio.sleep(wish.settles)
        counting.read()
        await asyncio.sleep(wish.seconds)
        return {name: busy / wish.seconds for name, busy in counting.read().items()}


async def _joining(inst: Installation, counting: Meter, viewers: int, port: int) -> dict[str, float]:
    """What it costs that so many come in, and the memory of the process then."""
    from tests.installation import hall
    from tests.measure.crowd import Crowd, Place

    crowd = Crowd([Place(port, hall(0), viewers=viewers)])
    try:
        counting.read()
        await crowd.join()
        return counting.read() | {"memory": memory(inst.processes["web1"].pid)}
    finally:
        crowd.leave()


# Commits


async def commits(server: Postgres, seconds: int) -> dict[str, float]:
    """Commits a second of one small write each, by pgbench: one writer, sixteen, sixteen that notify, the same with
    listeners, and sixteen that leave it to others to notify for them; and seconds of the database's processor for each
    notice that a listener hears."""
    await asyncio.to_thread(fresh, server)
    server.ask("CREATE TABLE written (session int PRIMARY KEY, number bigint)")
    server.ask("INSERT INTO written SELECT n, 0 FROM generate_series(1, 1000) AS n")
    write = "UPDATE written SET number = number + 1 WHERE session = :s;"
    notify = "SELECT pg_notify('floormic', 'hall' || :s || ' 1 arrived');"
    found, costs = {}, {}
    for name, clients, script, listening in (
        ("commits.one", 1, write, 0),
        ("commits.sixteen", 16, write, 0),
        ("commits.notifying", 16, f"{write}\n{notify}", 0),
        ("commits.heard", 16, f"{write}\n{notify}", LISTENERS),
    ):
        with contextlib.ExitStack() as stack:
            for _ in range(listening):
                stack.enter_context(server.connect()).execute("LISTEN floormic")
            before = cpu(pid_of(server))
            rate = await asyncio.to_thread(_pgbench, server, clients, script, seconds)
            found[name], costs[name] = rate, (cpu(pid_of(server)) - before) / (rate * seconds)
        _say(f"{name}: {rate:,.0f} a second, {1e6 * costs[name]:.0f} µs of processor each")
    with _notices_apart(server):
        found["commits.apart"] = await asyncio.to_thread(_pgbench, server, 16, write, seconds)
    _say(f"commits.apart: {found['commits.apart']:,.0f} a second")
    found["postgres.notice"] = max(0.0, costs["commits.heard"] - costs["commits.notifying"]) / LISTENERS
    return found


@contextlib.contextmanager
def _notices_apart(server: Postgres) -> Iterator[None]:
    """Two connections that do nothing but notify, a hundred times a second, and do not wait for the disk."""
    environ = {**os.environ, "PGOPTIONS": "-c synchronous_commit=off"}
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("SELECT pg_notify('floormic', 'hall1 1 arrived hall2 1 placed');\n")
        file.flush()
        program = [server._program.with_name("pgbench"), "-n", "-c", "2", "-R", "100", "-T", "600", "-f", file.name]
        process = subprocess.Popen(
            [*program, server.url(user="postgres")], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _pgbench(server: Postgres, clients: int, script: str, seconds: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(f"\\set s random(1, 1000)\nBEGIN;\n{script}\nCOMMIT;\n")
        file.flush()
        program = [server._program.with_name("pgbench"), "-n", "-c", str(clients), "-T", str(seconds), "-f", file.name]
        done = subprocess.run([*program, server.url(user="postgres")], capture_output=True, text=True, check=True)
    (tps,) = re.findall(r"tps = ([\d.]+)", done.stdout)
    return float(tps)


def _say(text: str) -> None:
    print(text, flush=True)


def table(kinds: Sequence[Found]) -> str:
    """Markdown; the first kind is what the others are set against."""

    def row(what: str, value: Callable[[Found], float], form: str, unit: str = "") -> str:
        first = value(kinds[0])
        cells = []
        for one in kinds:
            ratio = f" ({value(one) / first:.2f})" if first and one is not kinds[0] else ""
            cells.append(f"{format(value(one), form)}{unit}{ratio}")
        return f"| {what} | " + " | ".join(cells) + " |"

    return "\n".join(
        [
            "| | " + " | ".join(one.name for one in kinds) + " |",
            "|---" * (len(kinds) + 1) + "|",
            row("messages accepted a second", lambda one: one.accepted, ",.0f"),
            row("processor for a message, accepted and placed", lambda one: 1e3 * one.busy_a_message, ".2f", " ms"),
            row("halls at 5 messages a second", lambda one: one.halls, "d"),
            row("p99 to the board with so many", lambda one: one.halls_p99, ".0f", " ms"),
            row("of a core for each hall", lambda one: 100 * one.busy_a_hall, ".1f", " %"),
            row("watchers of one hall", lambda one: one.watchers, ",d"),
            row("p99 with so many", lambda one: one.watchers_p99, ".0f", " ms"),
            row("of a core for 1,000 watchers", lambda one: 1e5 * one.busy_a_watcher, ".1f", " %"),
        ]
    )


async def main(wish: Wish, out: Path, names: Sequence[str] | None) -> None:
    found: list[Found] = []
    async with postgres() as server:
        rates = await commits(server, 2 if wish is SHORT else 5)
        wanted = [kind for kind in KINDS if names is None or any(name in kind.name for name in names)]
        for kind in wanted:
            found.append(await count(kind, server, wish))  # noqa: PERF401 (an await)
        units = {} if names else await parts(server, wish)
    machine = {"cores": os.cpu_count()}
    made = {"machine": machine, "kinds": [asdict(one) for one in found], "units": units, "commits": rates}
    await asyncio.to_thread(out.write_text, json.dumps(made, indent=1) + "\n", encoding="utf-8")
    if found:
        print(table(found))
    for name, value in sorted(units.items()):
        print(f"{name:<20} {value:.6g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON with the figures, for tests.measure.capacity")
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    parser.add_argument("--only", nargs="*", help="only kinds with these words in their names; none: only the parts")
    chosen = parser.parse_args()
    asyncio.run(main(SHORT if chosen.short else LONG, chosen.out, chosen.only))
