"""One writer for all streams of a session that hear the same: what is new is made once and written to each.

With a task for each of thousands of streams, waking them all costs more than what they say. A stream that does not read
is passed over until it does, and skips to the newest then; one that does not read for too long is dropped.
"""

import asyncio
import logging
from dataclasses import dataclass, replace

from bot.live import Feed
from bot.model import Session
from bot.web.limits import Limits
from bot.web.queue_json import WHOLE, QueueJson
from bot.web.schemas import SessionNow
from bot.web.sessions import TOPIC

log = logging.getLogger(__name__)

BUFFER = 16 * 1024  # bytes that may wait for one client in this process
LOOK = 0.1  # seconds until those who did not read are looked at again
BREATH = 200  # streams that are written to before others get a turn


@dataclass(eq=False, slots=True)
class Stream:
    """One client's stream: what it knows (`since`, `told`, and how its session was set then) and how it reads:
    `waiting` bytes of what was written have not left. `chunked`: as HTTP/1.1 has it, 1.0 has not. `over` is done once
    nothing more can be written."""

    transport: asyncio.Transport
    chunked: bool
    session: Session
    since: int
    told: int
    over: asyncio.Future[None]
    written_at: float = 0.0
    behind_since: float | None = None
    waiting: int = 0

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


@dataclass(frozen=True, slots=True)
class News:
    """What a stream is told, and what it knows then."""

    data: bytes
    since: int
    told: int
    session: Session

    @classmethod
    def of(
        cls, feed: Feed, payloads: QueueJson, staff: bool, since: int, told: int, session: Session, first: bool = False
    ) -> "News":
        """All that is newer; with `first` the questions in any case."""
        view, number, topics = feed.view, feed.number, feed.told(told, staff)
        after = _set_now(session, dict(topics).get(TOPIC))
        if after != session and not first:  # other questions are to be seen
            since = WHOLE
        parts = []
        if first or view.revision > since:
            data = payloads.payload(view, after, since, staff)
            parts.append(b"event: questions\nid: %d\ndata: %s\n\n" % (view.revision, data))
        parts += [b"event: %s\ndata: %s\n\n" % (name.encode(), data) for name, data in topics]
        return cls(b"".join(parts), view.revision, number, after)


def _set_now(session: Session, told: bytes | None) -> Session:
    if told is None:
        return session
    now = SessionNow.model_validate_json(told)
    return replace(session, review=now.review, ledger=now.ledger)


HEARTBEAT = b": still here\n\n"


def chunk(data: bytes) -> bytes:
    """One chunk of HTTP's chunked coding, in which aiohttp began the response."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Broadcast:
    """The streams of one session that are staff's, or those that are not. `run` writes to them while there is one."""

    def __init__(self, feed: Feed, payloads: QueueJson, staff: bool, limits: Limits) -> None:
        self._feed, self._payloads, self._staff, self._limits = feed, payloads, staff, limits
        # Thousands of viewers are told a few times a second, or nobody would be told in time; what comes in between
        # comes together.
        self._pause = 0.0 if staff else limits.viewer_pause
        self._streams: dict[Stream, None] = {}
        self._behind: set[Stream] = set()
        self._revision, self._number = feed.view.revision, feed.number
        self._turned = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._beat = self._loop.time() + limits.heartbeat

    def join(self, stream: Stream) -> None:
        """It was told what its `since` and `told` say."""
        stream.written_at = self._loop.time()
        self._streams[stream] = None
        if (stream.since, stream.told) != (self._revision, self._number):
            self._fall_behind(stream)
            self._turned.set()

    def leave(self, stream: Stream) -> None:
        self._streams.pop(stream, None)
        self._behind.discard(stream)
        if not self._streams:
            self._turned.set()

    def end(self) -> None:
        """End every stream; their browsers come again."""
        for stream in list(self._streams):
            stream.end()

    async def run(self) -> None:
        again = self._loop.time() + self._pause  # from then on they may be told something new
        while self._streams:
            await asyncio.sleep(again - self._loop.time())
            await self._news()
            again = self._loop.time() + self._pause
            if self._feed.view.revision > self._revision or self._feed.number > self._number:
                self._revision, self._number = self._feed.view.revision, self._feed.number
                await self._tell(list(self._streams))
            elif self._behind:
                await self._tell(list(self._behind))
            if self._loop.time() >= self._beat:
                await self._heartbeat()

    async def _news(self) -> None:
        """Until there is something to do."""
        until = min(self._beat, self._loop.time() + LOOK) if self._behind else self._beat
        turned = asyncio.ensure_future(self._feed.turned(self._revision, self._number))
        joined = asyncio.ensure_future(self._turned.wait())
        try:
            await asyncio.wait((turned, joined), timeout=until - self._loop.time(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            turned.cancel()
            joined.cancel()
        self._turned.clear()

    async def _tell(self, streams: list[Stream]) -> None:
        made: dict[tuple[int, int, Session], tuple[News, bytes]] = {}
        for place, stream in enumerate(streams):
            if place % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            if not self._reads(stream):
                continue
            known = (stream.since, stream.told, stream.session)
            if known not in made or self._older(made[known][0]):
                news = News.of(self._feed, self._payloads, self._staff, *known)
                made[known] = news, chunk(news.data)
            news, data = made[known]
            if news.data:  # a topic may have news for staff alone
                self._write(stream, data if stream.chunked else news.data)
            stream.since, stream.told, stream.session = news.since, news.told, news.session

    def _older(self, news: News) -> bool:
        """Something came while others were told: whoever comes next is told that too."""
        return (news.since, news.told) != (self._feed.view.revision, self._feed.number)

    def _reads(self, stream: Stream) -> bool:
        """Can it be told something now?"""
        if stream.transport.is_closing():
            stream.end()
            return False
        before, stream.waiting = stream.waiting, stream.transport.get_write_buffer_size()
        if stream.waiting > BUFFER:
            if stream.waiting < before:  # slow, but it reads
                stream.behind_since = None
            self._fall_behind(stream)
            return False
        stream.behind_since = None
        self._behind.discard(stream)
        return True

    def _fall_behind(self, stream: Stream) -> None:
        now = self._loop.time()
        self._behind.add(stream)
        if stream.behind_since is None:
            stream.behind_since = now
        elif now - stream.behind_since > self._limits.write_timeout:
            log.info("a watcher of %s did not read for too long and was dropped", stream.session.id)
            stream.transport.abort()
            stream.end()

    def _write(self, stream: Stream, data: bytes) -> None:
        stream.transport.write(data)
        stream.written_at = self._loop.time()

    async def _heartbeat(self) -> None:
        """To those who were told nothing for long: what stands between us would close a silent connection, and this is
        how it is found that somebody left."""
        now = self._loop.time()
        for place, stream in enumerate(list(self._streams)):
            if place % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            if now - stream.written_at >= self._limits.heartbeat and self._reads(stream):
                self._write(stream, chunk(HEARTBEAT) if stream.chunked else HEARTBEAT)
        self._beat = now + self._limits.heartbeat / 3
