"""The program on a disk that is watched: what it asked of the kernel under load, and what a power cut would leave."""

import random
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.storage.connection import connect
from tests.fake_telegram import FakeTelegram
from tests.torture import _strace
from tests.torture._audience import MARK, Audience, intake_sources, marks_in
from tests.torture._hall import Program, free_port, light
from tests.torture._people import telegram_source
from tests.torture._platter import Platter
from tests.torture._traces import Verdict, acknowledgements, judged
from tests.torture.scenario import Run

FETCHED = 20.0
"""Seconds within which Telegram's lines must be fetched and confirmed."""

SABOTAGED = """
import runpy
from tests.torture import _sabotage
_sabotage.{0}()
runpy.run_module("tests.torture._hall", run_name="__main__")
"""
"""What the child runs where something that protects is taken out of the program."""


@asynccontextmanager
async def watched(run: Run, sabotage: str = "") -> AsyncIterator[tuple[Program, Audience]]:
    """The running program, until the block ends, with those who talk to it. `sabotage`: one of `_sabotage`."""
    async with FakeTelegram() as telegram:
        program = light(run.folder / "hall", free_port(), intake_sources() + telegram_source(telegram))
        if sabotage:
            program.command = [sys.executable, "-c", SABOTAGED.format(sabotage), "--light"]
        try:
            await program.start()
            await program.ready()
            yield program, Audience(program, telegram)
        finally:
            if not program.gone:
                program.kill()
                await program.dead()


async def recorded(run: Run, sabotage: str = "") -> "Recording":
    """The program under load, with everything that it asked of the kernel meanwhile."""
    _strace.require()
    async with watched(run, sabotage) as (program, audience):
        async with _strace.traced(program, run.folder / "trace.txt") as trace:
            for _ in range(4 if run.short else 10):
                said = audience.chat(10)
                await audience.say(60 if run.short else 150)
                if await audience.until_confirmed(said, FETCHED) >= FETCHED:
                    raise RuntimeError(f"Telegram's lines were not fetched: {program.said()[-2000:]}")
        return Recording(program, trace, audience.updates())


class Recording:
    """What was recorded: the calls and whom they told what."""

    def __init__(self, program: Program, trace: _strace.Trace, updates: dict[int, str]) -> None:
        self._before, self._program = trace.before, program
        self.made = list(trace.calls())
        self.told = list(acknowledgements(self.made, MARK, updates))

    @property
    def failed(self) -> int:
        """Calls that failed because they were to."""
        return sum(call.injected for call in self.made)

    def verdict(self) -> Verdict:
        return judged(self.made, self.told, MARK, f"{self._program.database}-wal")

    def cuts(self, count: int, dice: random.Random, folder: Path) -> tuple[int, int]:
        """(lost, damaged): acknowledged messages that are missing after so many power cuts at random, databases that
        are not sound."""
        folder.mkdir()
        platter, left = Platter(str(self._program.database.parent), self._before), deque(self.made)
        lost = damaged = 0
        first, last = self.told[0].began, self.told[-1].began
        for moment in sorted(dice.sample(range(first, last), count)):
            while left and left[0].ended <= moment:
                platter.do(left.popleft())
            missing, sound = _found(platter.cut(dice), self._told_by(moment), folder)
            lost, damaged = lost + missing, damaged + (not sound)
        return lost, damaged

    def _told_by(self, moment: int) -> set[str]:
        return {mark for each in self.told if each.began <= moment for mark in each.marks}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a database holds. `texts` of all messages, as often as they are there; `sound`: SQLite finds no fault."""

    texts: list[str]
    sound: bool


def kept(database: Path) -> Kept:
    """Opened as the program opens it after a crash, so that its log is read too."""
    db = connect(database)
    try:
        texts = [row["text"] for row in db.execute("SELECT text FROM messages")]
        checked = [row[0] for row in db.execute("PRAGMA integrity_check")]
        return Kept(texts, checked == ["ok"] and not list(db.execute("PRAGMA foreign_key_check")))
    finally:
        db.conn.close()


def _found(files: dict[str, bytes], acknowledged: set[str], folder: Path) -> tuple[int, bool]:
    for old in folder.iterdir():
        old.unlink()
    for path, held in files.items():
        (folder / Path(path).name).write_bytes(held)
    found = kept(folder / "floormic.sqlite3")
    return len(acknowledged - marks_in(found.texts).keys()), found.sound
