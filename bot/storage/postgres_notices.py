"""What other processes wrote to PostgreSQL: NOTIFY says so at once, and a look every second finds what was not heard.

Each transaction that writes to a session counts its row in `turns` up by one and notifies, as JSON, [session, number,
kinds] (session "": what belongs to none). So a number that was left out, or a higher one at the look, means that a
notice was missed: then everything of that session may be another one.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bot.errors import StoreError
from bot.ports import EVERYTHING, Told
from bot.storage.postgres_waiting import Connection, part, within

log = logging.getLogger(__name__)

CHANNEL = "floormic"

SAID = "floormic_said"
"""Where processes tell each other what is kept nowhere: a JSON list of who says it, of what, and that."""

LONGEST = 7500
"""Bytes; PostgreSQL takes no 8,000."""

WAITING = 100
"""Things to be said that wait for the database; further ones are dropped."""

LOOK = 1.0
"""Seconds between two looks, and so the longest time by which something that was not heard comes late."""

SETTLE = 0.1
"""Seconds in which a notice comes after the commit that the look has seen."""

CALL = 2.0
"""Seconds without an answer after which the connection is made anew."""

RETRY = 0.2
LONGEST_RETRY = 1.0
"""Seconds between two tries to connect, at first and at most."""

OPTIONS = "-c idle_session_timeout=0 -c statement_timeout=5000"


class PostgresNotices:
    """Implements `bot.ports.Notices` over a connection of its own. `ours` are the backends (by their process ids) over
    which this process writes: it knows what it wrote. Once they are others it may not: where the connection was lost in
    a commit, what was written is in nobody's memory."""

    def __init__(self, url: str, ours: Callable[[], Collection[int]] = frozenset) -> None:
        self._url = make_conninfo(url, connect_timeout=2, application_name="floormic notices", options=OPTIONS)
        self._ours = ours
        self._were_ours = frozenset(ours())
        self._name = secrets.token_hex(8)
        self._told: list[Told] = []
        self._hearers: dict[str, Callable[[Mapping[str, Any]], None]] = {}
        self._sayings: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._known: dict[str, int] | None = None
        self._connection: Connection | None = None

    def subscribe(self, told: Told) -> None:
        self._told.append(told)

    def say(self, topic: str, data: Mapping[str, Any]) -> None:
        said = json.dumps([self._name, topic, data])
        if len(said.encode()) > LONGEST or self._sayings.full():
            log.debug("something said of %s is dropped", topic)
            return
        self._sayings.put_nowait(said)

    def hear(self, topic: str, heard: Callable[[Mapping[str, Any]], None]) -> None:
        self._hearers[topic] = heard

    async def begin(self) -> None:
        try:
            await self._connect()
            await self._look()
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise StoreError(f"the database cannot be listened to ({_brief(error)})") from error

    async def run(self) -> None:
        saying = asyncio.ensure_future(self._speak())
        try:
            await self._listen()
        finally:
            saying.cancel()
            await asyncio.wait({saying})

    async def _speak(self) -> None:
        """Over a connection of its own, since the other one listens all the time."""
        connection: Connection | None = None
        try:
            while True:
                said = await self._sayings.get()
                try:
                    if connection is None:
                        connection = await within(2 * CALL, psycopg.AsyncConnection.connect(self._url, autocommit=True))
                    await within(CALL, connection.execute("SELECT pg_notify(%s, %s)", (SAID, said)))
                except (psycopg.Error, OSError, TimeoutError):
                    if connection is not None:
                        part(connection)
                    connection = None
        finally:
            if connection is not None:
                part(connection)

    async def _listen(self) -> None:
        wait, lost = RETRY, False
        try:
            while True:
                try:
                    if self._connection is None:
                        await self._connect()
                    await self._look()
                    wait = RETRY
                    if lost:
                        log.info("what other processes write is heard again")
                        lost = False
                    await self._hear(LOOK - SETTLE)
                except (psycopg.Error, OSError, TimeoutError) as error:
                    if not lost:
                        log.warning("what other processes write is not heard now (%s); trying again", _brief(error))
                        lost = True
                    self.close()
                    await asyncio.sleep(wait)
                    wait = min(2 * wait, LONGEST_RETRY)
        finally:
            self.close()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            part(connection)

    async def _connect(self) -> None:
        self._connection = await within(2 * CALL, psycopg.AsyncConnection.connect(self._url, autocommit=True))
        await within(CALL, self._connection.execute(f"LISTEN {CHANNEL}"))
        await within(CALL, self._connection.execute(f"LISTEN {SAID}"))

    async def _look(self) -> None:
        """Find what was not heard."""
        if self._connection is None:
            return
        numbers = await within(CALL, self._numbers(self._connection))
        if self._known is None:
            self._known = numbers
            return
        await self._hear(SETTLE)  # what was committed just before the look is still on its way
        ours, were_ours = frozenset(self._ours()), self._were_ours
        self._were_ours = ours
        for session, number in numbers.items():
            if number > self._known.get(session, 0) or not were_ours <= ours:
                self._known[session] = max(number, self._known.get(session, 0))
                self._tell(session, EVERYTHING)

    async def _numbers(self, connection: Connection) -> dict[str, int]:
        found = await connection.execute("SELECT session, number FROM turns")
        return dict(await found.fetchall())

    async def _hear(self, seconds: float) -> None:
        if self._connection is None:
            return
        async for notice in self._connection.notifies(timeout=seconds):
            if notice.channel == SAID:
                who, topic, data = json.loads(notice.payload)
                if who != self._name and topic in self._hearers:
                    self._hearers[topic](data)
                continue
            session, number, kinds = json.loads(notice.payload)
            self._heard(session, number, frozenset(kinds), notice.pid in self._ours())

    def _heard(self, session: str, number: int, kinds: frozenset[str], ours: bool) -> None:
        known = self._known if self._known is not None else {}
        before = known.get(session, 0)
        if number <= before:
            return
        known[session] = number
        if number > before + 1:
            self._tell(session, EVERYTHING)
        elif not ours:
            self._tell(session, kinds)

    def _tell(self, session: str, kinds: frozenset[str]) -> None:
        for told in self._told:
            try:
                told(session, kinds)
            except Exception:  # a fault in one listener stops no other
                log.exception("what was written elsewhere could not be followed")


def _brief(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
