"""One who watches, as a raw connection, as cheap as Python has it, and what it was told when."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from tests.torture._hall import TALK

LONGEST = 60.0  # seconds that something may take which must happen
AT_ONCE = 200  # watchers that are on their way at a time
SIP = 1024  # bytes a second that a slow one reads
HEAD_ENDS = b"\r\n\r\n"
QUESTIONS_CAME = b"event: questions\nid: "


class Watcher(asyncio.Protocol):
    """One event stream of a session, after the page where `page` says so: which revision was there when.

    `kind`: "" reads, "deaf" never does, "slow" reads `SIP` bytes a second. `status`: of the first answer that was not
    200, else 200 once the first view is there, which is when `joined` is done. `first`: bytes of that view. `retry`:
    milliseconds after which it may come back.
    """

    def __init__(self, host: str, *, page: bool = False, kind: str = "", last: int = 0, session: str = TALK) -> None:
        self.host, self.kind, self.last, self.page = host, kind, last, page
        self.session = session
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
            f"GET /s/{self.session} HTTP/1.1\r\nHost: {self.host}\r\nAccept: text/html\r\nAccept-Language: en\r\n"
            "Accept-Encoding: gzip, deflate, br\r\n\r\n".encode()
        )

    def _listen(self) -> None:
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        last = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        self.transport.write(
            f"GET /api/v1/sessions/{self.session}/events?since=0 HTTP/1.1\r\nHost: {self.host}\r\n"
            f"Accept: text/event-stream\r\n{cookie}{last}\r\n".encode()
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


async def connect_all(port: int, watchers: Sequence[Watcher], host: str = "") -> None:
    """Who has nothing after a long time has no status either."""
    left = iter(watchers)

    async def some() -> None:
        for watcher in left:
            await connect(port, watcher, host)

    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(some() for _ in range(AT_ONCE)))
