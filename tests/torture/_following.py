"""Those who follow an installation of several processes from outside: event streams that come again, whoever listens
to what is notified, and the clocks that say how long nothing went on."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import psycopg

from tests.torture._people import API
from tests.torture._postgres import Postgres

AGAIN = 0.5
"""Seconds until a stream that broke is asked for again, as the page does that lost its process."""

LINE = 2**22
"""Bytes that one line of an event may have."""

LOOK = 0.1
"""Seconds between two looks into the database."""

CHANNEL = "floormic"


class Stream:
    """A viewer's event stream, resumed by `Last-Event-ID`, and the queue as it was told: what is new laid over what
    was there. `backwards`: events that were not newer than the one before; `away`: the longest that it was gone."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.queue: dict[str, Any] = {}
        self.last = self.came_again = self.backwards = self.events = 0
        self.away = 0.0
        self._gone_at: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(self._url, timeout=aiohttp.ClientTimeout(total=None, connect=2)) as browser:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    await self._listen(browser)
                if self._gone_at is None:
                    self._gone_at = time.monotonic()
                await asyncio.sleep(AGAIN)

    async def _listen(self, browser: aiohttp.ClientSession) -> None:
        headers = {"Last-Event-ID": str(self.last)} if self.last else {}
        async with browser.get(f"{API}/events", headers=headers, read_bufsize=LINE) as reply:
            reply.raise_for_status()
            first, event, id = True, "", 0
            async for line in reply.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "id":
                    id = int(value)
                elif name == "data" and event == "questions":
                    self._told(id, json.loads(value), first)
                    first = False

    def _told(self, id: int, told: dict[str, Any], first: bool) -> None:
        if self._gone_at is not None:
            self.came_again += 1
            self.away = max(self.away, time.monotonic() - self._gone_at)
            self._gone_at = None
        self.events += 1
        self.backwards += id < self.last or (id == self.last and not first)  # the first tells in any case
        self.last = id
        for question in told["questions"]:
            if "status" in question:
                self.queue[question["id"]] = question
            else:  # gone
                self.queue.pop(question["id"], None)


async def whole_queue(url: str) -> dict[str, Any]:
    """What one who comes now is told."""
    async with aiohttp.ClientSession(url) as browser, browser.get(f"{API}/questions") as reply:
        reply.raise_for_status()
        return {question["id"]: question for question in (await reply.json())["questions"]}


def differences(known: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """What of a queue that a stream put together is not as one who comes now is told, a line for each question."""
    lines = []
    for id in sorted(known.keys() | told.keys()):
        one, other = known.get(id), told.get(id)
        if one is None or other is None:
            lines.append(f"{id} at {(one or other)['revision']} is {'not known' if one is None else 'known, and gone'}")
        elif one != other:
            fields = {name: (one.get(name), other[name]) for name in other if one.get(name) != other[name]}
            lines.append(f"{id} is known and told otherwise: {fields}")
    return lines


class Notices:
    """Hears what is notified, over a connection that nothing disturbs but the end of PostgreSQL. `gaps`: numbers of a
    session that were not the next one. What was told while nobody could listen is no gap."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._numbers: dict[str, int] = {}
        self.heard = self.gaps = 0

    async def run(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                await self._listen()
            self._numbers.clear()
            await asyncio.sleep(LOOK)

    async def _listen(self) -> None:
        url = self._postgres.url(user="postgres")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, application_name="torture") as db:
            await db.execute(f"LISTEN {CHANNEL}")
            async for notice in db.notifies():
                session, number, _ = json.loads(notice.payload)
                self.gaps += number != self._numbers.get(session, number - 1) + 1
                self._numbers[session] = number
                self.heard += 1


class Pauses:
    """The longest that something which should go on all the time did not. `count`: how often it did up to now;
    `over`: it need not any more."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._known, self._since = 0, time.monotonic()
        self.longest = 0.0
        self.over = False

    def look(self) -> None:
        if self.over:
            return
        now, count = time.monotonic(), self._count()
        self.longest = max(self.longest, now - self._since)
        if count != self._known:
            self._known, self._since = count, now

    def forgive(self) -> None:
        """What was up to now does not count."""
        self._since, self.longest = time.monotonic(), 0.0


class Progress:
    """How far what arrived is understood, as the database says. `placed`, `waiting`: at the last look; a look that
    cannot be had says nothing."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.placed = self.waiting = 0

    async def run(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                await self._follow()
            await asyncio.sleep(LOOK)

    async def _follow(self) -> None:
        url = self._postgres.url(user="postgres")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, application_name="torture") as db:
            while True:
                found = await db.execute("SELECT placed, count(*) FROM messages GROUP BY placed")
                counts = dict(await found.fetchall())
                self.waiting, self.placed = counts.get(0, 0), counts.get(1, 0)
                await asyncio.sleep(LOOK)
