"""Leases in PostgreSQL: who holds what (`leases`), and the number that every write under a lease checks (`fences`).

Two tables, so that a renewal never waits for a write: a write under a lease locks its fence (FOR SHARE) until it is
committed, and only who takes the lease over changes that number, and waits for it.

All times are the database's, so the processes' clocks may differ.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from bot.errors import StoreError
from bot.ports import Holder
from bot.storage.database import Database
from bot.storage.postgres_waiting import Connection, part, within

T = TypeVar("T")

VALID = 6.0
"""Seconds."""

CALL = 1.5
"""Seconds that one call may take: a lease must survive several that are lost."""

SCHEMA = """
    CREATE TABLE leases (name text PRIMARY KEY, owner text NOT NULL, at text NOT NULL, until timestamptz NOT NULL);
    CREATE TABLE fences (name text PRIMARY KEY, token bigint NOT NULL);
"""

# Not durable: after a crash of the database a renewal that is gone only lets a lease run out sooner, and a number that
# is gone was never seen by a write that is there.
OPTIONS = "-c synchronous_commit=off -c lock_timeout=1200 -c idle_in_transaction_session_timeout=3000"


class PostgresLeases:
    """Implements `bot.ports.Leases` over a connection of its own, so that nothing else holds up a renewal. `at` is told
    to other processes, see `Holder`. `valid` in seconds."""

    def __init__(self, url: str, at: str = "", valid: float = VALID) -> None:
        self.owner = secrets.token_hex(8)
        self.at, self.valid = at, valid
        self.tokens: dict[str, int] = {}
        """The number of each lease that is ours: what a write under it has to find in its fence."""
        self._url = make_conninfo(url, connect_timeout=2, application_name="floormic leases", options=OPTIONS)
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def renew(self, names: Collection[str], kinds: Collection[str] = ()) -> frozenset[str]:
        ready = [f"ready:{kind}:{self.owner}" for kind in kinds]

        async def work(db: Connection) -> frozenset[str]:
            found = await db.execute(_RENEW, (self.valid, list(names), self.owner))
            ours = frozenset(name for (name,) in await found.fetchall())
            await db.execute(_READY, (self.owner, self.at, self.valid, ready))
            return ours

        ours = await self._call(work)
        for name in set(names) - ours:
            self.tokens.pop(name, None)
        return ours

    async def take(self, name: str) -> bool:
        async def work(db: Connection) -> int | None:
            async with db.transaction():
                taken = await db.execute(_TAKE, (name, self.owner, self.at, self.valid))
                if await taken.fetchone() is None:
                    return None
                row = await (await db.execute(_BUMP, (name,))).fetchone()
                # Where that had to wait for a write of the former owner, time has passed.
                await db.execute(_RENEW, (self.valid, [name], self.owner))
                return int(row[0]) if row else None

        token = await self._call(work)
        if token is None:
            return False
        self.tokens[name] = token
        return True

    async def let_go(self, names: Collection[str] = (), kinds: Collection[str] = ()) -> None:
        for name in names:
            self.tokens.pop(name, None)
        gone = [*names, *(f"ready:{kind}:{self.owner}" for kind in kinds)]

        async def work(db: Connection) -> None:
            await db.execute("DELETE FROM leases WHERE name = ANY(%s) AND owner = %s", (gone, self.owner))

        await self._call(work)

    async def standing(self) -> Mapping[str, Holder]:
        async def work(db: Connection) -> Mapping[str, Holder]:
            found = await db.execute("SELECT name, owner, at FROM leases WHERE until > clock_timestamp()")
            return {name: Holder(owner, at) for name, owner, at in await found.fetchall()}

        return await self._call(work)

    async def close(self) -> None:
        if self._connection:
            part(self._connection)
            self._connection = None

    async def _call(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._turn:
            try:
                return await within(CALL if self._connection else 2 * CALL, self._try(work))
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self.close()
                raise StoreError(f"the database could not do it ({_brief(error)})") from error

    async def _try(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        return await work(self._connection)


def _brief(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


_RENEW = """
    UPDATE leases SET until = clock_timestamp() + make_interval(secs => %s) WHERE name = ANY(%s) AND owner = %s
    RETURNING name
"""

_READY = """
    WITH gone AS (DELETE FROM leases WHERE name LIKE 'ready:%%' AND until < clock_timestamp() - interval '1 minute')
    INSERT INTO leases (name, owner, at, until)
    SELECT name, %s, %s, clock_timestamp() + make_interval(secs => %s) FROM unnest(%s::text[]) AS name
    ON CONFLICT (name) DO UPDATE SET until = excluded.until, at = excluded.at
"""

_TAKE = """
    INSERT INTO leases (name, owner, at, until)
    VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s))
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, at = excluded.at, until = excluded.until
    WHERE leases.until < clock_timestamp() OR leases.owner = excluded.owner
    RETURNING name
"""

_BUMP = """
    INSERT INTO fences (name, token) VALUES (%s, 1)
    ON CONFLICT (name) DO UPDATE SET token = fences.token + 1 RETURNING token
"""

FENCE = "SELECT 1 FROM fences WHERE name = %s AND token = %s FOR SHARE"
"""Finds a row where a write under this name and number may go on; it holds until the end of its transaction."""


def is_held(db: Database, name: str) -> bool:
    """Whether some process has it now."""
    found = db.execute("SELECT 1 FROM leases WHERE name = ? AND until > clock_timestamp()", (name,))
    return found.fetchone() is not None
