"""A crowd that watches: many raw connections, as cheap as Python has them, and what they were told when."""

import asyncio
import os
import resource
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp

from bot.web.open_files import most_streams_of_address, open_files
from tests.torture._hall import Program, free_port, light
from tests.torture._people import API, intake_source
from tests.torture._streams import LONGEST, Watcher, connect_all
from tests.torture.scenario import Run

T = TypeVar("T")

QUESTIONS = 100
SPARE = 500  # files of ours that are no watcher


async def join(port: int, kinds: Sequence[str], *, page: bool = False, host: str = "") -> list[Watcher]:
    """One watcher for each kind, `AT_ONCE` of them on their way at a time."""
    watchers = [Watcher(f"127.0.0.1:{port}", page=page, kind=kind) for kind in kinds]
    await connect_all(port, watchers, host)
    return watchers


def leave(watchers: Sequence[Watcher]) -> None:
    for watcher in watchers:
        watcher.transport.abort()


def as_many(run: Run, wanted: int) -> int:
    """So many watchers, or as many as may be open here and may come from one address; says so."""
    most = min(most_streams_of_address(), open_files() - SPARE)
    if most < wanted:
        run.say(f"{most:,} watchers instead of {wanted:,}: {open_files():,} open files are allowed here")
    return min(most, wanted)


@dataclass
class Hall:
    """A running program with a queue, and what it used. `link`: signs an organiser in, once."""

    program: Program
    people: aiohttp.ClientSession
    link: str

    @property
    def port(self) -> int:
        return self.program.port

    @property
    def busy(self) -> float:
        """Seconds of processor time that the program used up to now."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """Bytes that it holds."""
        return int(self._proc("statm").split()[1]) * resource.getpagesize()

    def _proc(self, name: str) -> str:
        assert self.program.process
        return Path(f"/proc/{self.program.process.pid}/{name}").read_text(encoding="ascii")

    async def ask(self, text: str) -> None:
        """Somebody new asks on the page."""
        async with self.people.post(f"{API}/messages", json={"text": text}) as reply:
            reply.raise_for_status()

    async def questions(self) -> list[str]:
        async with self.people.get(f"{API}/questions") as reply:
            return [question["id"] for question in (await reply.json())["questions"]]

    async def votes(self, rate: float, seconds: float) -> list[tuple[int, float]]:
        """Somebody new votes, again and again; the revision after each vote, and when it was sent."""
        questions, began = await self.questions(), time.time()

        async def vote(number: int) -> tuple[int, float]:
            await asyncio.sleep(began + number / rate - time.time())
            sent = time.time()
            async with self.people.put(f"{API}/questions/{questions[number % len(questions)]}/vote") as reply:
                reply.raise_for_status()
                return (await reply.json())["revision"], sent

        return list(await asyncio.gather(*(vote(number) for number in range(round(rate * seconds)))))


@asynccontextmanager
async def hall(run: Run, *, files: int = 0, length: int = 30) -> AsyncIterator[Hall]:
    """A program whose queue has questions of this length (characters). `files`: so many it may open (0: as many as the
    system lets it)."""
    program = light(run.folder / "hall", free_port(), intake_source())
    if files:
        program.command = ["sh", "-c", f'ulimit -n {files} && exec "$0" "$@"', *program.command]
    await program.start()
    await program.ready()
    browser = aiohttp.ClientSession(program.url, cookie_jar=aiohttp.DummyCookieJar(), headers={"Origin": program.url})
    async with browser as people:
        link = await until(lambda: program.said().partition("(works once): ")[2].partition("\n")[0])
        opened = Hall(program, people, link.removeprefix(program.url))
        texts = [f"Why is number {number} so large? ".ljust(length, "?") for number in range(QUESTIONS)]
        await asyncio.gather(*map(opened.ask, texts))
        async with asyncio.timeout(LONGEST):
            while len(await opened.questions()) < QUESTIONS:  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.05)
        yield opened
    program.kill()
    await program.dead()


async def until(look: Callable[[], T]) -> T:
    """What `look` finds, once it finds something."""
    async with asyncio.timeout(LONGEST):
        while not (found := look()):  # noqa: ASYNC110 (a look)
            await asyncio.sleep(0.02)
    return found


async def told(watchers: Sequence[Watcher], revision: int) -> int:
    """How many of them know this revision, after they had time for it."""
    with suppress(TimeoutError):
        await until(lambda: all(watcher.last >= revision or watcher.lost_at for watcher in watchers))
    return sum(watcher.last >= revision for watcher in watchers)


def delays(watchers: Sequence[Watcher], votes: Sequence[tuple[int, float]]) -> list[float]:
    """Seconds from the sending of each vote to the bytes that brought it, for each watcher."""
    found = []
    for watcher in watchers:
        place, seen = 0, watcher.seen
        for revision, at in sorted(votes):
            while place < len(seen) and seen[place][0] < revision:
                place += 1
            if place < len(seen):
                found.append(seen[place][1] - at)
    return found


def p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]
