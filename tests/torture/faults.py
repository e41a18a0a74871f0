"""An installation of several processes on PostgreSQL, and everything that may happen to its parts while it is used."""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg

from tests.torture._cluster import TAKEOVER, Cluster, Load, Member, cluster, under_load
from tests.torture._hall import TALK
from tests.torture._postgres import NAME, Postgres
from tests.torture.scenario import Run, scenario

BEFORE = 3.0
"""Seconds of use before something happens, and between two things that do."""

FENCED = f"session {TALK}: another process follows it now"
"""What a pipeline says whose write was refused since its lease is another one's."""


def _pause(run: Run) -> float:
    return BEFORE + run.dice.uniform(0.0, 1.0)


async def _end(load: Load) -> None:
    await load.finish()
    await load.report()


@scenario("owner-killed", seconds=240, daily=False)
async def owner_killed(run: Run) -> None:
    """The process that understands a session is killed (-9) under load: another one goes on within 10 s, and nothing is
    lost, doubled or grouped otherwise than in a plain replay."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took = []
        for _ in range(1 if run.short else 6):
            owner = await made.owner()
            await owner.program.end()
            took.append(await load.goes_on())
            run.say(f"{owner.name} was killed; others went on after {took[-1]:.1f} s")
            await owner.program.start()
            await asyncio.sleep(_pause(run))
        await _end(load)
        run.figure("until another process went on, most", max(took), "s", most=TAKEOVER, timing=True)


@scenario("web-process-killed", seconds=180, daily=False)
async def web_process_killed(run: Run) -> None:
    """A web process is killed (-9) under load: its streams come again at the other one, with what they missed."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took = []
        for number in range(2 if run.short else 8):
            web = made.webs[number % 2]
            await web.program.end()
            took.append(await load.goes_on())
            await asyncio.sleep(_pause(run))
            await web.program.start()
            await web.program.ready()
        await _end(load)
        run.figure("until something was accepted and placed, most", max(took), "s", most=TAKEOVER, timing=True)


@scenario("database-killed", seconds=240, daily=False)
async def database_killed(run: Run) -> None:
    """All of PostgreSQL is killed (-9, or an immediate shutdown) under load and started again: everything goes on by
    itself."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took = []
        for number in range(1 if run.short else 6):
            await made.postgres.end((signal.SIGKILL, signal.SIGQUIT)[number % 2])
            await asyncio.sleep(run.dice.uniform(0.0, 3.0))
            await made.postgres.start()
            await made.postgres.ready()
            took.append(await load.goes_on())
            run.say(f"PostgreSQL was there again; everything went on after {took[-1]:.1f} s")
            await asyncio.sleep(_pause(run))
        await _end(load)
        run.figure("from its return until everything went on, most", max(took), "s", most=TAKEOVER, timing=True)


async def _stopped(run: Run, load: Load, *, in_transaction: bool = False) -> float:
    """The owner stands still (SIGSTOP) for longer than its lease, and wakes up; seconds until another went on."""
    made, seconds = load.cluster, 10.0 if run.short else 30.0
    owner = await made.owner()
    if in_transaction:
        await _stop_in_transaction(made, owner)
    else:
        owner.signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        took = await load.goes_on()
        other = await made.owner()
        run.say(f"{owner.name} stood still; {other.name} went on after {took:.1f} s")
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    finally:
        owner.signal(signal.SIGCONT)
    await asyncio.sleep(2 * _pause(run))
    return took


async def _stop_in_transaction(made: Cluster, owner: Member) -> None:
    """Stop it where it holds locks: its writing connection waits for the next statement of a transaction."""
    with made.postgres.connect() as db:
        for _ in range(1000):
            owner.signal(signal.SIGSTOP)
            await asyncio.sleep(0.01)
            held = db.execute(_HELD, (owner.way.ports,)).fetchone()
            if held and held[0]:
                return
            owner.signal(signal.SIGCONT)
            await asyncio.sleep(0.01)
    raise RuntimeError(f"{owner.name} was never seen in a transaction")


_HELD = """
    SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN pg_class ON pg_class.oid = relation
    WHERE client_port = ANY(%s) AND state = 'idle in transaction' AND relname = 'turns' AND mode = 'RowExclusiveLock'
"""


async def _owner_stopped(run: Run, *how: str) -> None:
    async with cluster(run, *how) as made, under_load(made, _pause(run)) as load:
        # An act on a question that it does not know would make a pipeline read everything anew.
        load.crowd.moderating = "--careless" not in how
        took = [await _stopped(run, load)]
        if not run.short and "--careless" not in how:  # one that never noticed cannot take it over again
            took.append(await _stopped(run, load))
            took.append(await _stopped(run, load, in_transaction=True))
        await _end(load)
        run.figure("until another process went on, most", max(took), "s", most=TAKEOVER, timing=True)
        refused = made.said(FENCED)
        run.figure("lines that say that the fence held", refused, least=1 if "--careless" in how else None)


@scenario("owner-stopped", seconds=240, daily=False)
async def owner_stopped(run: Run) -> None:
    """The process that understands a session stands still (SIGSTOP) for longer than its lease: another one takes over,
    and when the first wakes up, nothing that it writes is there."""
    await _owner_stopped(run)


@scenario("owner-stopped-careless", seconds=240, daily=False)
async def owner_stopped_careless(run: Run) -> None:
    """The same with workers that never look at the clock, and go on as if their lease were still theirs: what they
    write is refused."""
    await _owner_stopped(run, "--careless")


@scenario("owner-stopped-unfenced", seconds=240, control=True, daily=False)
async def owner_stopped_unfenced(run: Run) -> None:
    """The same, and no write looks whether its lease stands: two processes group the same session, and it shows."""
    await _owner_stopped(run, "--careless", "--unfenced")


@scenario("owner-stopped-in-a-transaction", seconds=120, daily=False)
async def owner_stopped_in_a_transaction(run: Run) -> None:
    """It stands still in the middle of a transaction, with the session locked: the database ends that, and another
    process goes on within 10 s."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took = await _stopped(run, load, in_transaction=True)
        await _end(load)
        run.figure("until another process went on", took, "s", most=TAKEOVER, timing=True)


@scenario("connections-exhausted", seconds=180, daily=False)
async def connections_exhausted(run: Run) -> None:
    """Other clients take every connection that PostgreSQL has left, and then the program loses its own: everything goes
    on by itself once there are some again."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took = []
        for _ in range(1 if run.short else 4):
            others = _take_all(made.postgres)
            run.say(f"others took {len(others)} connections, all there were")
            await load.goes_on()  # with those that it has
            for member in made.members:
                member.way.cut()
            others += await _take_all_for(made.postgres, 5.0 if run.short else 10.0)
            for connection in others:
                connection.close()
            took.append(await load.goes_on())
            run.say(f"there are connections again; everything went on after {took[-1]:.1f} s")
            await asyncio.sleep(_pause(run))
        await _end(load)
        run.figure("from there until everything went on, most", max(took), "s", most=TAKEOVER, timing=True)


Connections = list[psycopg.Connection[Any]]


def _take_all(postgres: Postgres) -> Connections:
    taken: Connections = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(postgres.connect(user=NAME))
    return taken


async def _take_all_for(postgres: Postgres, seconds: float) -> Connections:
    """Whatever becomes free is taken at once."""
    taken, end = list[psycopg.Connection[Any]](), time.monotonic() + seconds
    while time.monotonic() < end:
        taken += _take_all(postgres)
        await asyncio.sleep(0.02)
    return taken


@scenario("database-far-away", seconds=180, daily=False)
async def database_far_away(run: Run) -> None:
    """Between the processes and PostgreSQL everything takes 100 ms more, connections are cut every few seconds, and
    nothing at all comes through for 5 s: little is accepted meanwhile, and nothing of it is lost or doubled."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took, accepted = [], 0
        for _ in range(1 if run.short else 3):
            before = len(load.crowd.ledger.messages)
            _set_delay(made.members, 0.05)  # each way
            for _ in range(2 if run.short else 5):
                await asyncio.sleep(run.dice.uniform(2.0, 4.0))
                for member in made.members:
                    member.way.cut()
            accepted += len(load.crowd.ledger.messages) - before
            _set_delay(made.members, 0.0)
            await load.goes_on()
            await _black_hole(made.members)
            took.append(await load.goes_on())
            run.say(f"after 5 s of silence everything went on within {took[-1]:.1f} s")
            await asyncio.sleep(_pause(run))
        await _end(load)
        run.figure("accepted while it was far away", accepted)
        run.figure("from its end until everything went on, most", max(took), "s", most=TAKEOVER, timing=True)


def _set_delay(members: Sequence[Member], seconds: float) -> None:
    for member in members:
        member.way.delay = seconds


async def _black_hole(members: Sequence[Member], seconds: float = 5.0) -> None:
    for member in members:
        member.way.swallow()
    await asyncio.sleep(seconds)
    for member in members:
        member.way.spit()


@scenario("owner-cut-off", seconds=180, daily=False)
async def owner_cut_off(run: Run) -> None:
    """Only the process that understands a session hears nothing of PostgreSQL for 12 s, and what it sent arrives
    afterwards: another one goes on within 10 s, and the late writes are not there."""
    async with cluster(run) as made, under_load(made, _pause(run)) as load:
        took = []
        for _ in range(1 if run.short else 4):
            owner = await made.owner()
            silence = asyncio.ensure_future(_black_hole([owner], 12.0))
            took.append(await load.goes_on())
            run.say(f"{owner.name} heard nothing; others went on after {took[-1]:.1f} s")
            await silence
            await asyncio.sleep(_pause(run))
        await _end(load)
        run.figure("until another process went on, most", max(took), "s", most=TAKEOVER, timing=True)
