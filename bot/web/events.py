"""Server-sent events: every watcher gets what changed since the revision it knows, as fast as it reads."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import cast

from aiohttp import web

from bot.accounts import role_of
from bot.errors import StoreError
from bot.live import Feed
from bot.web.queue_json import WHOLE
from bot.web.reading import read_since
from bot.web.routes import API, AS, Parameter, Route
from bot.web.schemas import SessionNow
from bot.web.sessions import TOPIC
from bot.web.site import CALLER, Caller, Site

log = logging.getLogger(__name__)

RETRY = 2000  # milliseconds until a browser connects again
BUFFER = 16 * 1024  # bytes that may wait for one client in this process
HEARTBEAT = b": still here\n\n"


class Events:
    """Open streams over a `Site`; ended when the program stops."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._open: set[asyncio.Task[object]] = set()

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
        """End every stream."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def events(self, request: web.Request) -> web.StreamResponse:
        since = read_since(request, last_event_id=True)
        caller = request[CALLER]
        task = cast("asyncio.Task[object]", asyncio.current_task())  # a handler always runs in one
        # X-Accel-Buffering: nginx would otherwise hold events back.
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        async with self._site.live.watch(caller.here.id) as feed:
            self._open.add(task)
            try:
                await response.prepare(request)  # here too a client may have left
                if request.transport is not None:
                    request.transport.set_write_buffer_limits(high=BUFFER)
                await _Stream(self._site, caller, feed, response).run(since)
            except TimeoutError:
                log.info("a watcher of %s did not read for too long and was dropped", caller.here.id)
                if request.transport is not None:
                    request.transport.abort()
            except (ConnectionError, StoreError) as error:
                log.debug("a stream of %s ended: %s", caller.here.id, error)
            except Exception:  # too late for an error response: the stream has begun
                log.exception("a stream of %s broke", caller.here.id)
            finally:
                self._open.discard(task)
        return response


class _Stream:
    """One client's stream. Raises `TimeoutError` where it does not read, `ConnectionError` where it left."""

    def __init__(self, site: Site, caller: Caller, feed: Feed, response: web.StreamResponse) -> None:
        self._site = site
        self._caller = caller
        self._session = caller.here
        self._feed = feed
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._pause = 0.0 if caller.staff else site.limits.viewer_pause
        self._again = 0.0  # loop time from which on it may be told something new

    async def run(self, since: int) -> None:
        limits = self._site.limits
        since = since if since <= self._feed.view.revision else 0  # a revision of another database
        since, told = await self._send_news(since, 0, b"retry: %d\n" % RETRY)
        beat = self._loop.time() + limits.heartbeat
        check = self._loop.time() + limits.login_check
        while True:
            if await self._changed(since, told, until=min(beat, check) if self._caller.login else beat):
                since, told = await self._send_news(since, told)
                beat = self._loop.time() + limits.heartbeat
            if self._loop.time() >= beat:
                await self._write(HEARTBEAT)
                beat = self._loop.time() + limits.heartbeat
            if self._caller.login and self._loop.time() >= check:
                if not await self._still_signed_in():
                    return
                check = self._loop.time() + limits.login_check

    async def _changed(self, since: int, told: int, until: float) -> bool:
        """Whether there is something new. Thousands of viewers are told a few times a second, or nobody would be told
        in time; what comes in between comes together."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await asyncio.sleep(self._again - self._loop.time())
                await self._feed.turned(since, told)
                return True
        return False

    async def _still_signed_in(self) -> bool:
        """With the role the stream began with? Another one, greater or less, sees something else."""
        login = await self._site.sign_in.login(self._caller.login_token, using=False)
        role = role_of(login.grants, self._caller.here.id, self._site.now()) if login else ""
        return role == self._caller.role

    async def _send_news(self, since: int, told: int, head: bytes = b"") -> tuple[int, int]:
        """Send all that is newer; the revision and the number of the topics that the client knows then."""
        view, number, topics = self._feed.view, self._feed.number, self._feed.told(told, self._caller.staff)
        parts = [head]
        if self._set_otherwise(dict(topics).get(TOPIC)) and not head:
            since = WHOLE
        if head or view.revision > since:
            data = self._site.queue_json.payload(view, self._session, since, self._caller.staff)
            parts.append(b"event: questions\nid: %d\ndata: %s\n\n" % (view.revision, data))
        parts += [b"event: %s\ndata: %s\n\n" % (name.encode(), data) for name, data in topics]
        if news := b"".join(parts):  # a topic may have news for staff alone
            await self._write(news)
        self._again = self._loop.time() + self._pause
        return view.revision, number

    def _set_otherwise(self, told: bytes | None) -> bool:
        """Whether other questions are to be seen since the session is set as told."""
        if told is None:
            return False
        now, before = SessionNow.model_validate_json(told), self._session
        self._session = replace(before, review=now.review, ledger=now.ledger)
        return self._session != before

    async def _write(self, data: bytes) -> None:
        async with asyncio.timeout(self._site.limits.write_timeout):
            await self._response.write(data)
