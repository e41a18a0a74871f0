"""Server-sent events: every watcher gets what changed since the revision it knows, as fast as it reads."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import HttpVersion11, web

from bot.accounts import role_of
from bot.errors import StoreError
from bot.live import Feed
from bot.web.broadcast import BUFFER, Broadcast, News, Stream, chunk
from bot.web.limits import Seats
from bot.web.reading import read_since
from bot.web.routes import API, AS, Parameter, Route
from bot.web.site import CALLER, Caller, NoSeat, Site

log = logging.getLogger(__name__)

RETRY = 1000  # milliseconds at least until a browser connects again
SPREAD = 3500, 1000
"""Milliseconds within which viewers and staff come back after all lost their streams at once. With `RETRY` less than
five seconds: nobody hears nothing for longer while one of several processes is restarted."""

GOODBYE = 0.5  # seconds that streams have to end in order when the program stops
BEGUN = 64  # first views that are remembered: many come with the same at the same time


class Events:
    """Open streams over a `Site`; ended when the program stops."""

    def __init__(self, site: Site, streaming: Callable[[bool, int], None] = lambda *_: None) -> None:
        """`streaming` hears of each stream that begins (1) and ends (-1), and whether it is staff's."""
        self._site = site
        self._streaming = streaming
        self._open: set[asyncio.Task[object]] = set()
        self._broadcasts: dict[tuple[str, bool], Broadcast] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._seats = Seats(site.limits.streams, site.limits.streams_of_address)
        self._begun: dict[tuple[object, ...], tuple[News, bytes]] = {}

    def routes(self) -> list[Route]:
        since = Parameter("since", "the revision you know", {"type": "integer", "minimum": 0, "default": 0})
        last = Parameter("Last-Event-ID", "the same, as browsers send it", {"type": "string"}, "header")
        return [
            Route(
                "GET",
                API + "/sessions/{session}/events",
                "viewer",
                self.events,
                'Server-sent events: "questions" with the JSON of GET questions, its revision as the id; and a '
                "topic by its name, whole, at the start and whenever it changed",
                reply="text/event-stream",
                parameters=[since, last, AS],
                stream=True,
            )
        ]

    async def close(self, app: web.Application) -> None:
        """End every stream: first in order, then those that do not read. Browsers come again, each at another time."""
        tasks = [*self._open, *self._running]
        for broadcast in self._broadcasts.values():
            broadcast.end()
        if tasks:
            await asyncio.wait(tasks, timeout=GOODBYE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def events(self, request: web.Request) -> web.StreamResponse:
        since = read_since(request, last_event_id=True)
        caller = request[CALLER]
        # X-Accel-Buffering: nginx would otherwise hold events back.
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        with self._seat(caller):
            await self._stream(request, response, since)
        return response

    @contextmanager
    def _seat(self, caller: Caller) -> Iterator[None]:
        """Staff always get in, viewers as long as there is room. Raises `NoSeat`."""
        if caller.role != "viewer":
            yield
        elif not self._seats.take(caller.place):
            raise NoSeat(caller.lang)
        else:
            try:
                yield
            finally:
                self._seats.give(caller.place)

    async def _stream(self, request: web.Request, response: web.StreamResponse, since: int) -> None:
        caller = request[CALLER]
        task = cast("asyncio.Task[object]", asyncio.current_task())  # a handler always runs in one
        async with self._site.live.watch(caller.here.id) as feed:
            self._open.add(task)
            self._streaming(caller.staff, 1)
            try:
                await response.prepare(request)  # here too a client may have left
                if (transport := request.transport) is not None:
                    transport.set_write_buffer_limits(high=BUFFER)
                    over = asyncio.get_running_loop().create_future()
                    stream = Stream(transport, request.version >= HttpVersion11, caller.here, since, 0, over)
                    await self._begin(caller, feed, response, stream)
                    await self._listen(caller, feed, stream)
            except (ConnectionError, StoreError) as error:
                log.debug("a stream of %s ended: %s", caller.here.id, error)
            except Exception:  # too late for an error response: the stream has begun
                log.exception("a stream of %s broke", caller.here.id)
            finally:
                self._open.discard(task)
                self._streaming(caller.staff, -1)

    async def _begin(self, caller: Caller, feed: Feed, response: web.StreamResponse, stream: Stream) -> None:
        """Send the head and what there is; does not wait until it is read, as nothing later does."""
        await response.write(b"retry: %d\n" % (RETRY + secrets.randbelow(SPREAD[caller.role != "viewer"])))
        since = stream.since if stream.since <= feed.view.revision else 0  # a revision of another database
        news, data = self._first(caller, feed, since)
        stream.transport.write(data if stream.chunked else news.data)
        stream.since, stream.told, stream.session = news.since, news.told, news.session

    def _first(self, caller: Caller, feed: Feed, since: int) -> tuple[News, bytes]:
        """Also as a chunk."""
        key = (caller.here, caller.staff, since, feed.view.revision, feed.number)
        if key not in self._begun:
            if len(self._begun) >= BEGUN:
                self._begun.clear()
            news = News.of(feed, self._site.queue_json, caller.staff, since, 0, caller.here, first=True)
            self._begun[key] = news, chunk(news.data)
        return self._begun[key]

    async def _listen(self, caller: Caller, feed: Feed, stream: Stream) -> None:
        """Until the client left, or lost the role the stream began with. Another one, greater or less, sees something
        else."""
        broadcast = self._broadcast(caller, feed)
        broadcast.join(stream)
        try:
            if caller.login is None:
                await stream.over
            while not stream.over.done() and await self._still_signed_in(caller):
                await asyncio.wait((stream.over,), timeout=self._site.limits.login_check)
        finally:
            broadcast.leave(stream)

    async def _still_signed_in(self, caller: Caller) -> bool:
        login = await self._site.sign_in.login(caller.login_token, using=False)
        role = role_of(login.grants, caller.here.id, self._site.now()) if login else ""
        return role == caller.role

    def _broadcast(self, caller: Caller, feed: Feed) -> Broadcast:
        """That of this audience; begun by its first stream, over with its last."""
        audience = caller.here.id, caller.staff
        if audience not in self._broadcasts:
            broadcast = Broadcast(feed, self._site.queue_json, caller.staff, self._site.limits)
            self._broadcasts[audience] = broadcast
            task = asyncio.create_task(self._run(audience, broadcast))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return self._broadcasts[audience]

    async def _run(self, audience: tuple[str, bool], broadcast: Broadcast) -> None:
        try:
            await broadcast.run()
        except Exception:
            log.exception("the streams of %s broke", audience[0])
        finally:
            del self._broadcasts[audience]
            broadcast.end()
