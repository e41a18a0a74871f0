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
from tests.torture._hall import TALK, Program, free_port, light
from tests.torture._people import API, intake_source
from tests.torture.scenario import Run

T = TypeVar("T")

QUESTIONS = 100
SPARE = 500  # files of ours that are no watcher
LONGEST = 60.0  # seconds that something may take which must happen
AT_ONCE = 200  # watchers that are on their way at a time
SIP = 1024  # bytes a second that a slow one reads
HEAD_ENDS = b"\r\n\r\n"
QUESTIONS_CAME = b"event: questions\nid: "


class Watcher(asyncio.Protocol):
    """One event stream, after the page where `page` says so: which revision was there when.

    `kind`: "" reads, "deaf" never does, "slow" reads `SIP` bytes a second. `status`: of the first answer that was not
    200, else 200 once the first view is there, which is when `joined` is done. `first`: bytes of that view. `retry`:
    milliseconds after which it may come back.
    """

    def __init__(self, host: str, *, page: bool = False, kind: str = "", last: int = 0) -> None:
        self.host, self.kind, self.last, self.page = host, kind, last, page
        self.cookie = ""
        self.seen: list[tuple[int, float]] = []
        self.status = self.retry = self.first = 0
        self.lost_at = 0.0
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._come = b""
        self._need = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self.page:
            self._listen()
            return
        transport.write(
            f"GET /s/{TALK} HTTP/1.1\r\nHost: {self.host}\r\nAccept: text/html\r\nAccept-Language: en\r\n"
            "Accept-Encoding: gzip, deflate, br\r\n\r\n".encode()
        )

    def _listen(self) -> None:
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        last = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        self.transport.write(
            f"GET {API}/events?since=0 HTTP/1.1\r\nHost: {self.host}\r\nAccept: text/event-stream\r\n"
            f"{cookie}{last}\r\n".encode()
        )
        self.page, self._come = False, b""
        if self.kind == "deaf":
            self.transport.pause_reading()
            self._there(200)

    def data_received(self, data: bytes) -> None:
        if self.joined.done():
            self._told(data)
            return
        self._come += data
        head, ended, body = self._come.partition(HEAD_ENDS)
        if not ended:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._there(int(head.split(b" ", 2)[1]))
            self.transport.abort()
        elif self.page:
            self._paged(head.decode("latin-1"), len(body))
        else:
            self._begun(body)

    def _paged(self, head: str, come: int) -> None:
        """The page comes in; then the stream is asked for on the same connection, as its script does."""
        if not self._need:
            fields = [line.partition(": ") for line in head.split("\r\n")]
            self._need = next(int(value) for name, _, value in fields if name.lower() == "content-length")
            self.cookie = next(value.partition(";")[0] for name, _, value in fields if name.lower() == "set-cookie")
        if come >= self._need:
            self._listen()

    def _begun(self, body: bytes) -> None:
        """The first view comes in: a chunk that says when to come back, and one with all there is."""
        place = 0
        for _ in range(2):
            size, ended, _ = body[place : place + 20].partition(b"\r\n")
            place += len(size) + 2 + int(size or b"0", 16) + 2
            if not ended or len(body) < place:
                return
        self.retry = int(body.partition(b"retry: ")[2].partition(b"\n")[0])
        self.first, self._come = len(body), b""
        self._there(200)
        self._told(body)

    def _there(self, status: int) -> None:
        self.status = status
        if not self.joined.done():
            self.joined.set_result(None)

    def _told(self, data: bytes) -> None:
        if self.kind == "slow":
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(len(data) / SIP, self._go_on)
        place = data.rfind(QUESTIONS_CAME)
        if place >= 0 and (end := data.find(b"\n", place + len(QUESTIONS_CAME))) >= 0:
            self.last = int(data[place + len(QUESTIONS_CAME) : end])
            self.seen.append((self.last, time.time()))

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost_at = time.time()
        self._there(self.status)


async def connect(port: int, watcher: Watcher, host: str = "") -> None:
    """Until it has its first view, or is refused (`status`). `host`: the address of ours that it comes from. Raises
    `OSError` where nobody listens."""
    local = (host, 0) if host else None
    await asyncio.get_running_loop().create_connection(lambda: watcher, "127.0.0.1", port, local_addr=local)
    await watcher.joined


async def join(port: int, kinds: Sequence[str], *, page: bool = False, host: str = "") -> list[Watcher]:
    """One watcher for each kind, `AT_ONCE` of them on their way at a time."""
    watchers = [Watcher(f"127.0.0.1:{port}", page=page, kind=kind) for kind in kinds]
    await connect_all(port, watchers, host)
    return watchers


async def connect_all(port: int, watchers: Sequence[Watcher], host: str = "") -> None:
    """Who has nothing after a long time has no status either."""
    left = iter(watchers)

    async def some() -> None:
        for watcher in left:
            await connect(port, watcher, host)

    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(some() for _ in range(AT_ONCE)))


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
