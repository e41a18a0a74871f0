"""A client that costs little beside what it loads: raw sockets, requests prepared and signed ahead, in its own process.

What is measured begins when a request was due, not when a connection was free for it: a server that stalls is not
spared the requests that it kept from being sent.
"""

import asyncio
import hashlib
import hmac
import json
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

SECRET = "only-for-this-measuring-run-0123"
RETRY = b"retry-after:"


@dataclass(slots=True)
class Load:
    """What is to be sent. `due`: seconds after the beginning (none: as fast as it goes); `patience`: seconds until a
    request that was not answered counts as lost. `again`: what is refused is sent again after the time that it was
    told, as docs/intake.md asks."""

    port: int
    requests: Sequence[bytes]
    connections: int
    due: Sequence[float] = ()
    patience: float = 30.0
    again: bool = False
    until: float = 60.0


@dataclass(slots=True)
class Result:
    """By the number of each request: its `status` (0: no answer) and `took` seconds from when it was due. `refused`:
    seconds that each refusal took from when it was sent, `told`: what `Retry-After` said there (0: nothing)."""

    began: float = 0.0
    ended: float = 0.0
    status: dict[int, int] = field(default_factory=dict)
    took: dict[int, float] = field(default_factory=dict)
    at: dict[int, float] = field(default_factory=dict)
    refused: list[float] = field(default_factory=list)
    told: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def accepted(self) -> list[int]:
        return [n for n, status in self.status.items() if 200 <= status < 300]

    def within(self, first: float, last: float) -> int:
        """How many were accepted between these seconds after the beginning."""
        return sum(first <= self.at[n] < last for n in self.accepted)

    def p(self, percent: float) -> float:
        """Of the accepted ones, milliseconds that so many percent took at most."""
        return percentile([self.took[n] for n in self.accepted], percent) * 1000


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def signed(body: bytes, name: str = "lobby", headers: str = "") -> bytes:
    """A whole request to the signed intake."""
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /in/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
        f"X-Floormic-Timestamp: {stamp}\r\nX-Floormic-Signature: sha256={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def asked(session: str, text: str, headers: str = "") -> bytes:
    """A whole request of somebody who asks on the page."""
    body = json.dumps({"text": text}).encode()
    head = (
        f"POST /api/v1/sessions/{session}/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Sec-Fetch-Site: same-origin\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def line(id: str, user: str, text: str) -> bytes:
    return json.dumps({"id": id, "user": user, "name": f"Name of {user}", "text": text}).encode()


async def post(load: Load) -> Result:
    """Send it from a process of its own."""
    return await asyncio.to_thread(_apart, load)


def _apart(load: Load) -> Result:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(load, theirs))
    process.start()
    theirs.close()
    try:
        result: Result = ours.recv()
    finally:
        process.join()
    return result


def _work(load: Load, pipe: "multiprocessing.connection.Connection") -> None:
    pipe.send(asyncio.run(Poster(load).run()))


class _Wire(asyncio.Protocol):
    """One keep-alive connection with one request on its way at most."""

    def __init__(self, answered: Callable[["_Wire", int, int], None], lost: Callable[["_Wire"], None]) -> None:
        self._answered, self._lost = answered, lost
        self._buffer = b""
        self.number: int | None = None
        self.sent = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, number: int, request: bytes, now: float) -> None:
        self.number, self.sent = number, now
        assert self.transport is not None
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        length = int(lowered.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        wait = int(lowered.partition(RETRY)[2].partition(b"\r\n")[0] or 0) if RETRY in lowered else 0
        self._answered(self, int(head[9:12]), wait)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost(self)


class Poster:
    def __init__(self, load: Load) -> None:
        self._load, self._result = load, Result()
        self._waiting: deque[int] = deque()
        self._due: dict[int, float] = {}
        self._idle: list[_Wire] = []
        self._open = 0
        self._left = len(load.requests)
        self._over = asyncio.Event()
        self._connecting: set[asyncio.Future[None]] = set()

    async def run(self) -> Result:
        loop, load, result = asyncio.get_running_loop(), self._load, self._result
        await asyncio.gather(*(self._connect() for _ in range(load.connections)))
        began = result.began = loop.time()
        offering = asyncio.ensure_future(self._offer(began))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), load.until)
        result.ended = loop.time()
        offering.cancel()
        return result

    async def _offer(self, began: float) -> None:
        loop = asyncio.get_running_loop()
        if not self._load.due:
            self._due = dict.fromkeys(range(len(self._load.requests)), began)
            self._waiting.extend(self._due)
            self._pump()
            return
        for number, due in enumerate(self._load.due):
            if (ahead := began + due - loop.time()) > 0:
                self._pump()
                await asyncio.sleep(ahead)
            self._due[number] = began + due
            self._waiting.append(number)
        self._pump()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(100):
            try:
                _, wire = await loop.create_connection(
                    lambda: _Wire(self._answered, self._lost), "127.0.0.1", self._load.port
                )
            except OSError:
                await asyncio.sleep(0.05)
                continue
            self._open += 1
            self._idle.append(wire)
            self._pump()
            return

    def _pump(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._waiting and self._idle and self._result.began:
            number, wire = self._waiting.popleft(), self._idle.pop()
            due = now if not self._load.due else self._due[number]
            self._due[number] = due
            wire.send(number, self._load.requests[number], now)

    def _answered(self, wire: _Wire, status: int, wait: int) -> None:
        loop, result = asyncio.get_running_loop(), self._result
        now, number = loop.time(), wire.number
        wire.number = None
        self._idle.append(wire)
        if number is None:
            return
        refused = status in (429, 503)
        if refused:
            result.refused.append(now - wire.sent)
            result.told[wait] += 1
        result.status[number] = status
        result.took[number] = now - self._due[number]
        result.at[number] = now - result.began
        if refused and self._load.again:
            loop.call_later(wait, self._again, number)
        else:
            self._done()
        self._pump()

    def _again(self, number: int) -> None:
        self._waiting.append(number)
        self._pump()

    def _lost(self, wire: _Wire) -> None:
        self._open -= 1
        if wire in self._idle:
            self._idle.remove(wire)
        if wire.number is not None:
            self._result.broken += 1
            self._result.status[wire.number] = 0
            self._result.took[wire.number] = asyncio.get_running_loop().time() - self._due[wire.number]
            self._result.at[wire.number] = asyncio.get_running_loop().time() - self._result.began
            self._done()
        if not self._over.is_set():
            self._connecting.add(task := asyncio.ensure_future(self._connect()))
            task.add_done_callback(self._connecting.discard)

    def _done(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._over.set()
