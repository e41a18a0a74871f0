"""The program is killed again and again, at any moment, while a whole hall uses it."""

import asyncio
import random
import signal
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.fake_telegram import FakeTelegram
from tests.torture._hall import Program, as_users_start_it, free_port, light
from tests.torture._people import Crowd, Ledger, intake_source, telegram_source
from tests.torture._reckoning import Found, compared, report_chat
from tests.torture.scenario import Run, scenario

WORK = 50
"""Acknowledgements at most, after the program is ready, until it is killed."""

LOADING = 3.0
"""Seconds at most, after the program is ready, until it is killed while its model loads."""

LONGEST = 90.0
"""Seconds that something may take which must happen."""

CHECK_EVERY = 10
"""Rounds between two looks into the file."""


def compared_file(db: sqlite3.Connection, ledger: Ledger) -> Found:
    """Also with what SQLite complains of."""
    found = compared(db.execute, ledger)
    complaints = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found.unsound = len(complaints) + len(db.execute("PRAGMA foreign_key_check").fetchall())
    return found


class Loop:
    """Rounds of start, load and kill; in the end everything is let finish and counted."""

    senders = 4

    def __init__(self, run: Run, program: Program, telegram: FakeTelegram, crowd: Crowd) -> None:
        self.run, self.program, self.telegram, self.crowd = run, program, telegram, crowd
        self.ready: list[float] = []
        self.found = Found()
        self.rounds = 0
        self._signed_in = False

    async def killed_in_the_start(self) -> None:
        await self.program.start()
        usual = statistics.median(self.ready or [1.0])
        await self._kill(self.run.dice.uniform(0.0, usual))

    async def killed_under_load(self) -> None:
        await self.begin()
        await self._acknowledged(self.run.dice.randint(1, WORK))
        await self._kill()

    async def killed_while_loading(self) -> None:
        await self.begin()
        await self._kill(self.run.dice.uniform(0.0, LOADING))

    async def killed_while_placing(self) -> None:
        """After the model was loaded and messages are understood."""
        await self.begin()
        before = self._placed()
        await self.until(lambda: self._placed() > before)
        await self._acknowledged(self.run.dice.randint(1, WORK))
        await self._kill()

    async def _acknowledged(self, more: int) -> None:
        """Until so many more were; a moment after it, for the next ones to be under way."""
        before = self.crowd.ledger.acknowledged
        await self.until(lambda: self.crowd.ledger.acknowledged >= before + more)
        await asyncio.sleep(self.run.dice.uniform(0.0, 0.02))

    async def begin(self) -> None:
        """Start it and wait until it is ready: the pages answer and the intake takes a message."""
        began = time.monotonic()
        await self.program.start()
        await self.program.ready()
        await self.crowd.accepted()
        self.ready.append(time.monotonic() - began)
        if not self._signed_in:
            self._signed_in = True
            await self.crowd.sign_in(await self.program.link())
            await self.crowd.run(self.senders)

    async def _kill(self, seconds: float = 0.0) -> None:
        await asyncio.sleep(seconds)
        await self.program.end()
        self.rounds += 1
        if self.rounds % CHECK_EVERY == 0:
            self.crowd.confirm()
            self.check()
            self.run.say(
                f"{self.rounds} kills, {self.crowd.ledger.acknowledged:,} acknowledged, {self.found.lost} lost, "
                f"ready again after {self.ready[-1]:.2f} s"
            )

    def check(self) -> None:
        db = self.program.copy(self.run.folder / "copy")
        self.found += compared_file(db, self.crowd.ledger)
        db.close()

    def _placed(self) -> int:
        return self.program.asked("SELECT count(*) FROM messages WHERE placed = 1")

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LONGEST):
            while not condition():  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.01)

    async def finish(self) -> None:
        """Everybody ends what they began, everything is understood and said, and the program is stopped."""
        await self.begin()
        await self.until(lambda: self.crowd.ledger.acts and self.crowd.ledger.votes)
        await self.crowd.close()
        waiting = "SELECT count(*) FROM messages WHERE placed = 0"
        unsaid = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending')"
        await self.until(lambda: not self.program.asked(waiting) and not self.program.asked(unsaid))
        await self.program.end(signal.SIGTERM)
        self.check()

    def report(self) -> None:
        run, ledger = self.run, self.crowd.ledger
        run.figure("rounds", self.rounds)
        run.figure("acknowledged messages", len(ledger.messages), least=1)
        run.figure("acknowledged votes", len(ledger.votes), least=1)
        run.figure("acknowledged acts", len(ledger.acts), least=1)
        run.figure("acknowledged, but not there", self.found.lost, most=0)
        run.figure("there twice", self.found.doubled, most=0)
        run.figure("complaints of integrity_check and foreign_key_check", self.found.unsound, most=0)
        run.figure("faults in the program's log", len(self.program.faults()), most=0)
        for fault in self.program.faults()[:3]:
            run.say(fault)
        db = sqlite3.connect(self.program.database)
        report_chat(run, db.execute, self.telegram)
        db.close()
        run.figure("ready again, median", statistics.median(self.ready), "s", most=2, timing=True)
        run.figure("ready again, most", max(self.ready), "s", most=2, timing=True)


@asynccontextmanager
async def _loop(run: Run, make: Callable[..., Program], *how: str) -> AsyncIterator[Loop]:
    async with FakeTelegram() as telegram:
        program = make(run.folder / "hall", free_port(), intake_source() + telegram_source(telegram), *how)
        try:
            async with Crowd(program.url, telegram, random.Random(run.dice.random())) as crowd:
                yield Loop(run, program, telegram, crowd)
        finally:
            if not program.gone:
                await program.end()


async def _kill_mostly_under_load(loop: Loop, rounds: int) -> None:
    """One round in eight ends in the start."""
    for number in range(rounds):
        if number % 8 == 2:
            await loop.killed_in_the_start()
        else:
            await loop.killed_under_load()


@scenario("crash", seconds=170)
async def crash(run: Run) -> None:
    """Killed 88 times under the load of intake, viewers, moderators and Telegram, with an encoder that needs no
    loading: nothing acknowledged is lost, nothing is there twice, and it is ready again within 2 s."""
    async with _loop(run, light) as loop:
        await _kill_mostly_under_load(loop, 4 if run.short else 88)
        await loop.finish()
        loop.report()


@scenario("crash-as-users-start-it", seconds=120, daily=False)
async def crash_as_users_start_it(run: Run) -> None:
    """`floormic run` with its model, killed 12 times in the start, while the model loads and while messages are placed:
    the same."""
    async with _loop(run, as_users_start_it) as loop:
        loop.senders = 1  # what comes while the model loads has to be understood afterwards
        await loop.killed_while_loading()
        for _ in range(0 if run.short else 4):
            await loop.killed_in_the_start()
            await loop.killed_while_loading()
        for _ in range(0 if run.short else 3):
            await loop.killed_while_placing()
        await loop.finish()
        loop.report()


@scenario("crash-acknowledged-early", seconds=60, control=True, daily=False)
async def crash_acknowledged_early(run: Run) -> None:
    """What came is acknowledged (2xx, offset) before the inbox is committed: the crash loop finds what is lost."""
    async with _loop(run, light, "--early") as loop:
        for _ in range(2 if run.short else 10):
            await loop.killed_under_load()
        loop.check()
        run.figure("acknowledged, but not there", loop.found.lost, most=0)
