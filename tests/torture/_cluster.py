"""An installation of several processes on PostgreSQL: web processes behind one door, workers, and what uses them."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bot.storage.postgres import open_postgres
from tests.fake_telegram import FakeTelegram
from tests.torture._following import Notices, Pauses, Progress, Stream, differences, whole_queue
from tests.torture._hall import TALK, Program, free_port, light
from tests.torture._people import Crowd, intake_source, telegram_source
from tests.torture._postgres import Postgres
from tests.torture._proxy import Proxy
from tests.torture._reckoning import Found, compared, report_chat
from tests.torture._replay import grouped_otherwise, standing_otherwise
from tests.torture.scenario import Run

STARTS = 90.0
"""Seconds that something may take which must happen, on a machine that does much else."""

WEB = ("web",)
WORKER = ("pipeline", "connectors", "outbox")

TAKEOVER = 10.0
"""Seconds in which another process has to go on with what a dead one did."""

TOLD = 2.5
"""Seconds after which every stream knows what was written; what was notified to nobody is looked for each second."""

PACE = (0.1, 0.3)
"""Seconds between two things that one of the crowd does: with three senders and six viewers about 20 messages a
second."""


@dataclass
class Member:
    """One process, called `name`, with its own way to the database."""

    name: str
    program: Program
    way: Proxy

    @property
    def alive(self) -> bool:
        return not self.program.gone

    def signal(self, number: signal.Signals) -> None:
        assert self.program.process
        self.program.process.send_signal(number)


@dataclass
class Cluster:
    """`door`: where clients come in, led to a web process that answers. `how`: more for each worker's command."""

    run: Run
    postgres: Postgres
    telegram: FakeTelegram
    door: Proxy
    webs: list[Member] = field(default_factory=list)
    workers: list[Member] = field(default_factory=list)
    how: Sequence[str] = ()
    _turn: int = 0

    @property
    def members(self) -> list[Member]:
        return [*self.webs, *self.workers]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    def answering(self) -> Sequence[int]:
        """The ports of the web processes, each time another one first."""
        self._turn += 1
        first = self._turn % len(self.webs)
        return [member.program.port for member in [*self.webs[first:], *self.webs[:first]]]

    async def add(self, stack: AsyncExitStack, name: str, roles: Sequence[str]) -> None:
        way = await stack.enter_async_context(Proxy(lambda: [self.postgres.port]))
        how = [word for role in roles for word in ("--role", role)] + ["--called", name]
        program = light(
            self.run.folder / name,
            free_port(),
            intake_source() + telegram_source(self.telegram),
            *how,
            *(() if roles == WEB else self.how),
            settings=f'database = "{self.postgres.url(way.port)}"\ndata = "{self.run.folder / "data"}"\n',
            pages=f'public_url = "{self.url}"\n',
        )
        (self.webs if roles == WEB else self.workers).append(Member(name, program, way))

    async def start(self) -> None:
        """All of them at once, on a database that is empty yet."""
        for member in self.members:
            await member.program.start()
        for member in self.webs:
            await member.program.ready(STARTS)
        await self.owner()

    async def owner(self, lease: str = f"pipeline:{TALK}") -> Member:
        """Whoever has it, once somebody has."""
        end = time.monotonic() + STARTS
        while time.monotonic() < end:
            owner = self.holder(lease)
            if found := next((one for one in self.members if owner.partition("-")[0] == one.name), None):
                return found
            for member in self.members:
                if not member.alive:
                    raise RuntimeError(f"{member.name} ended:\n{member.program.said()[-3000:]}")
            await asyncio.sleep(0.1)
        raise RuntimeError(f"nobody took {lease}:\n{self.workers[0].program.said()[-3000:]}")

    def holder(self, lease: str = f"pipeline:{TALK}") -> str:
        """The name by which the process that has it calls itself; "" for nobody."""
        rows = self.postgres.ask(
            "SELECT owner FROM leases WHERE name = %s AND until > clock_timestamp()", (lease,)
        )  # fmt: skip
        return str(rows[0][0]) if rows else ""

    def other_web(self, than: Member) -> Member:
        return next(member for member in self.webs if member is not than)

    def faults(self) -> list[str]:
        return [f"{member.name}: {line}" for member in self.members for line in member.program.faults()]

    def said(self, words: str) -> int:
        """In how many lines of all logs."""
        return sum(words in line for member in self.members for line in member.program.said().splitlines())

    async def kill(self) -> None:
        for member in self.members:
            member.program.kill()
        for member in self.members:
            if member.program.process:
                await member.program.dead()


@dataclass
class Load:
    """A crowd, two streams, and the clocks beside a cluster. `begin`, misfortune, `finish`, `report`."""

    cluster: Cluster
    crowd: Crowd
    streams: list[Stream]
    notices: Notices
    progress: Progress
    accepting: Pauses
    placing: Pauses
    newest: int = 0
    behind: list[int] = field(default_factory=list)
    """Those of the streams that did not know the newest revision in time, before anybody else asked for it."""

    async def begin(self, seconds: float) -> None:
        """Until everybody is at work, and for so long."""
        run = self.cluster.run
        await self.crowd.accepted()
        await self.crowd.sign_in(await self.cluster.webs[0].program.link())
        await self.crowd.run(senders=3, viewers=6, moderators=1)
        ledger = self.crowd.ledger
        await self.until(lambda: ledger.acts and ledger.votes and self.progress.placed)
        run.say(f"everybody is at work; {len(ledger.messages)} messages were accepted")
        await asyncio.sleep(seconds)
        self.accepting.forgive()
        self.placing.forgive()

    async def until(self, condition: Callable[[], object], seconds: float = STARTS) -> float:
        """Seconds until it holds; raises `TimeoutError`."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def goes_on(self) -> float:
        """Seconds until something is accepted and something is placed that was not before this call."""
        accepted, placed = len(self.crowd.ledger.messages), self.progress.placed
        return await self.until(
            lambda: len(self.crowd.ledger.messages) > accepted + 5 and self.progress.placed > placed + 5
        )

    async def finish(self) -> None:
        """Everybody ends what they began, everything is understood and said."""
        self.accepting.over = self.placing.over = True
        await self.crowd.close()
        ask = self.cluster.postgres.ask
        unsaid = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending')"
        waiting = "SELECT count(*) FROM messages WHERE placed = 0"
        await self.until(lambda: not ask(waiting)[0][0] and not ask(unsaid)[0][0])
        await asyncio.sleep(TOLD)
        self.newest = ask("SELECT max(revision) FROM questions")[0][0]
        self.behind = [stream.last for stream in self.streams if stream.last < self.newest]

    async def report(self) -> None:
        run, cluster, ledger = self.cluster.run, self.cluster, self.crowd.ledger
        found = Found()
        with cluster.postgres.connect() as db:
            found += compared(lambda sql: db.execute(sql.encode()).fetchall(), ledger)
            run.figure("acknowledged messages", len(ledger.messages), least=1)
            run.figure("acknowledged votes", len(ledger.votes), least=1)
            run.figure("acknowledged acts", len(ledger.acts), least=1)
            run.figure("acknowledged, but not there", found.lost, most=0)
            run.figure("there twice", found.doubled, most=0)
            report_chat(run, lambda sql: db.execute(sql.encode()).fetchall(), cluster.telegram)
        store = await open_postgres(cluster.postgres.url())
        try:
            folder = run.folder / "replay"
            run.figure(
                "messages grouped otherwise than in a plain replay", await grouped_otherwise(folder, store), most=0
            )
            run.figure("questions that do not stand as the ledger says", await standing_otherwise(store), most=0)
        finally:
            await store.close()
        await self._report_streams()
        faults = cluster.faults()
        run.figure("faults in the programs' logs", len(faults), most=0)
        for fault in faults[:5]:
            run.say(fault)
        run.figure("longest that nothing was accepted", self.accepting.longest, "s")
        run.figure("longest that nothing was placed", self.placing.longest, "s")

    async def _report_streams(self) -> None:
        run = self.cluster.run
        told = [await whole_queue(member.program.url) for member in self.cluster.webs if member.alive]
        run.figure("web processes that show something else", sum(one != told[0] for one in told), most=0)
        run.figure(f"streams behind {TOLD:g} s after the last write", len(self.behind), most=0)
        for last in self.behind:
            run.say(f"one knew revision {last} of {self.newest}")
        others = [differences(stream.queue, told[0]) for stream in self.streams]
        run.figure("streams that know something else in the end", sum(map(bool, others)), most=0)
        for other in others:
            for difference in other[:5]:
                run.say(difference)
        run.figure("events of streams out of order", sum(stream.backwards for stream in self.streams), most=0)
        run.figure("times that streams came again", sum(stream.came_again for stream in self.streams))
        run.figure("longest that a stream was away", max(stream.away for stream in self.streams), "s")
        run.figure("notices heard", self.notices.heard, least=1)
        run.figure("numbers left out or out of order in them", self.notices.gaps, most=0)


@asynccontextmanager
async def cluster(run: Run, *how: str, webs: int = 2, workers: int = 2) -> AsyncIterator[Cluster]:
    """Started and ready; killed in the end. `how`: more for each worker's command."""
    async with AsyncExitStack() as stack:
        postgres = Postgres(run.folder / "postgres")
        await postgres.found()
        stack.push_async_callback(postgres.end)
        telegram = await stack.enter_async_context(FakeTelegram())
        made: list[Cluster] = []
        door = await stack.enter_async_context(Proxy(lambda: made[0].answering()))
        made.append(Cluster(run, postgres, telegram, door, how=how))
        for number in range(webs):
            await made[0].add(stack, f"web{number + 1}", WEB)
        for number in range(workers):
            await made[0].add(stack, f"worker{number + 1}", WORKER)
        try:
            await made[0].start()
            yield made[0]
        finally:
            await made[0].kill()


@asynccontextmanager
async def under_load(made: Cluster, seconds: float) -> AsyncIterator[Load]:
    """People at work, for so long before the block begins."""
    run = made.run
    async with Crowd(made.url, made.telegram, random.Random(run.dice.random()), PACE) as crowd:
        progress, notices = Progress(made.postgres), Notices(made.postgres)
        streams = [Stream(made.url) for _ in range(2)]
        accepting = Pauses(lambda: len(crowd.ledger.messages))
        placing = Pauses(lambda: progress.placed)

        async def look() -> None:
            while True:
                accepting.look()
                placing.look()
                await asyncio.sleep(0.02)

        beside = [asyncio.ensure_future(work) for work in (progress.run(), notices.run(), look())]
        beside += [asyncio.ensure_future(stream.run()) for stream in streams]
        try:
            load = Load(made, crowd, streams, notices, progress, accepting, placing)
            await load.begin(seconds)
            yield load
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
