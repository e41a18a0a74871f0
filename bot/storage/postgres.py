"""The store on PostgreSQL: any number of processes, whose writes to one session follow each other.

Each process writes over one connection in one thread, many calls in one commit (see `writer`), and reads over a pool.
A transaction first locks the rows in `turns` of the sessions that it writes to, in the order of their names, and counts
them up; so the numbers of a session have no gap and are committed in their order. The same transaction tells the others
(`CHANNEL`) what it changed.
"""

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import psycopg_pool
from psycopg import errors

from bot.errors import Fenced, StoreBusy, StoreError
from bot.ports import Now
from bot.storage import deliveries as said
from bot.storage import logins, turns
from bot.storage.postgres_address import shown
from bot.storage.postgres_admission import OPEN, ahead, check_clock, enter, refuse_foreign
from bot.storage.postgres_connection import (
    Failure,
    PostgresConnection,
    PostgresDatabase,
    connect,
    explained,
    is_gone,
    may_go_again,
    parameters,
    prepare,
    storable,
)
from bot.storage.postgres_migrations import migrate
from bot.storage.store import SharedStore
from bot.storage.turns import RowOf, Turn
from bot.storage.writer import Call, Committed, Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

CHANNEL = "floormic"
"""Where each commit is told: a JSON list of the session ("": of none), its number, and what kinds of things."""

READERS = 4
"""Connections that read, and threads for them."""

WAITING = 256
"""Readings that wait for a thread at most; further callers wait before they are let in."""

STALE = 1.0
"""Seconds after which the list of sessions is read again though nothing was heard of another process."""

MIGRATING = 600.0
"""Seconds that a step of the schema may take, and that other processes wait for it at their start."""

LONGEST_VACUUM = 600.0
"""Seconds."""

KNOWN = 10_000
"""Questions and polls of which the session is remembered."""

COUNTED = frozenset({20, 200, 2000})
"""After so many transactions the tables that grow are counted. The server does it within a minute or so; until then it
plans for tables that are nearly empty, and messages were accepted at a quarter of the rate."""

CLOCK = 3600.0
"""Seconds between two looks at whether our clock is still that of the database."""

HALL = 0x68616C6C
"""Advisory lock: held shared by each write to some sessions, and alone by one that may touch all."""


async def open_postgres(
    url: str,
    *,
    mark: str = "",
    now: Now = time.time,
    patience: float = 5.0,
    committed: Committed = lambda *_: None,
    alone: bool = False,
) -> "PostgresStore":
    """Open the database at postgresql://…, founding the tables where there are none.

    `mark`: that of the installation (see `postgres_admission`); "" does not ask whose the database is. `patience`:
    seconds that one statement may take, or wait for a lock or a connection, before a call fails. Raises `StoreError`
    where it cannot be reached or used, belongs to another installation or has another time. `committed` hears of each
    transaction. `alone`: raises `StoreBusy` where another process has it open, and keeps others out.

    Where a connection is lost while it commits, a call's `StoreError` says that nobody knows whether it was written.
    """
    return await asyncio.to_thread(PostgresStore, url, mark, now, patience, committed, alone)


class PostgresStore(SharedStore):
    """Implements `bot.ports.Store`."""

    def __init__(
        self,
        url: str,
        mark: str = "",
        now: Now = time.time,
        patience: float = 5.0,
        committed: Committed = lambda *_: None,
        alone: bool = False,
    ) -> None:
        """Blocks; call `open_postgres` instead."""
        self.url = url
        self.tokens: Mapping[str, int] | None = None
        """By the name of each lease that this process holds its number; None: it owns everything."""
        self.backends: frozenset[int] = frozenset()
        """The process, on the server's side, over which this store writes; none once it is not known what that one
        wrote."""
        self._heard = 0
        try:
            first = [_prepared(url, mark, patience, now, alone)]

            def connected() -> PostgresDatabase:
                db = first.pop() if first else _joined(connect(url, patience=patience), alone)
                self.backends = frozenset({db.connection.info.backend_pid})
                return db

            writer = Writer(connected, committed, _Ways(self._parted))
        except Failure as error:
            raise explained(error) from None
        super().__init__(writer, _Reader(url, patience))

    def _parted(self) -> None:
        self.backends = frozenset()

    async def _let_go(self) -> None:
        return

    def written_elsewhere(self) -> None:
        """Another process wrote: what is kept of the database in memory is read anew."""
        self._heard += 1

    def _written(self) -> float:
        return hash((self._writer.batches, self._heard, time.monotonic() // STALE))

    async def watch_clock(self) -> None:
        """Say when our clock leaves that of the database, as at the start, until cancelled."""
        while True:
            await asyncio.sleep(CLOCK)
            try:
                check_clock(await self._read(ahead))
            except StoreError as error:  # too far off for a start; whoever is at work goes on
                log.warning("%s", error)

    async def probe(self) -> None:
        await self._write(turns.HOUSE, "", lambda db: None)

    async def _wipe(self) -> None:
        """Dead rows go from the tables; what is left in free space and in the log is the server's to overwrite."""

        def vacuum() -> None:
            db = connect(self.url, patience=LONGEST_VACUUM)
            try:
                db.execute("VACUUM")
            except Failure as error:
                raise explained(error) from error
            finally:
                db.close()

        await asyncio.to_thread(vacuum)

    def _owning(self, name: str, work: Callable[..., T]) -> Callable[..., T]:
        if self.tokens is None:
            return work
        token = self.tokens.get(name)  # as it is now: what waits to be written must not profit from a later one

        def fenced(db: PostgresDatabase, *arguments: object) -> T:
            _check(db, name, token)
            return work(db, *arguments)

        return fenced


def _check(db: PostgresDatabase, name: str, token: int | None) -> None:
    """Nobody can take the lease over until this transaction is done."""
    found = db.execute("SELECT 1 FROM fences WHERE name = ? AND token = ? FOR SHARE", (name, token or 0))
    if found.fetchone() is None:
        raise Fenced(f"another process does {name} now")


def _joined(db: PostgresDatabase, alone: bool) -> PostgresDatabase:
    """A connection that shows that the store is open. Raises `StoreBusy`."""
    try:
        if not alone:  # whoever just starts has it alone for a moment
            db.execute("SELECT pg_advisory_lock_shared(?)", (OPEN,))
        elif not db.execute("SELECT pg_try_advisory_lock(?) AS ours", (OPEN,)).fetchone()["ours"]:
            raise StoreBusy("the database is open in another floormic; stop it first")
    except errors.LockNotAvailable as error:
        db.close()
        raise StoreBusy("another floormic has the database alone; wait until it is done") from error
    except BaseException:
        db.close()
        raise
    return db


def _prepared(url: str, mark: str, patience: float, now: Now, alone: bool) -> PostgresDatabase:
    """The writing connection, with the newest schema, and tidy where no other process has it open."""
    with closing(connect(url, patience=MIGRATING)) as db:  # one of its own: another one knows what a step brought
        check_clock(ahead(db))
        if mark:
            refuse_foreign(db, mark)
        migrate(db)
        if mark:
            enter(db, mark)
    db = connect(url, patience=patience)
    try:
        if db.execute("SELECT pg_try_advisory_lock(?) AS ours", (OPEN,)).fetchone()["ours"]:
            db.script("BEGIN")
            said.wait_again(db)
            logins.forget_expired(db, now())
            db.script("COMMIT")
            if alone:
                return db
            db.execute("SELECT pg_advisory_lock_shared(?), pg_advisory_unlock(?)", (OPEN, OPEN))
            return db
        return _joined(db, alone)
    except BaseException:
        db.close()
        raise


class _Ways:
    """Implements `writer.Ways`. Whatever goes to the server is a way there and back, so a transaction begins in one and
    ends in one. `parted` hears that a connection was lost with which something may have been written."""

    hopeful = True

    def __init__(self, parted: Callable[[], None]) -> None:
        self._parted = parted
        self._known: dict[RowOf, str] = {}
        """The sessions of rows, which never change."""
        self._begun = 0

    def begin(self, db: PostgresDatabase, calls: Sequence[Call]) -> Mapping[str, int]:
        """The number of each session whose turn it is. Its row stays locked until the end."""
        self._begun += 1
        if self._begun in COUNTED:
            db.script("ANALYZE (SKIP_LOCKED) messages, placements, questions")
        sessions = {session for call in calls for session in self._sessions(db, call.turn) or ()}
        everywhere = any(call.turn is turns.EVERYWHERE for call in calls)
        lock = "pg_advisory_xact_lock" if everywhere else "pg_advisory_xact_lock_shared"
        rows = ", ".join(f"({db.quoted(session)}, 1)" for session in sorted(sessions or {turns.HOUSE}))
        found = db.script(
            f"""
            BEGIN ISOLATION LEVEL READ COMMITTED;
            SELECT {lock}({HALL});
            INSERT INTO turns VALUES {rows}
            ON CONFLICT (session) DO UPDATE SET number = turns.number + 1 RETURNING session, number
            """  # noqa: S608 (quoted)
        )
        numbers = {row["session"]: row["number"] for row in found}
        if everywhere:
            others = db.execute(_OTHERS, (json.dumps(list(numbers)),))
            numbers |= {row["session"]: row["number"] for row in others}
        return numbers

    def commit(self, db: PostgresDatabase, calls: Sequence[Call], begun: Mapping[str, int]) -> None:
        """Tell the others, who hear it once it is committed."""
        kinds: dict[str, set[str]] = defaultdict(set)
        for call in calls:
            if call.error is None:
                sessions = self._sessions(db, call.turn)
                for session in begun if sessions is None else sessions:
                    kinds[session].update(call.kind.split())
        if kinds.keys() - begun.keys():  # a row that was not there when its session was asked for, and then was
            raise errors.SerializationFailure("the turn was another session's")
        told = [json.dumps([session, number, sorted(kinds[session])]) for session, number in begun.items()]
        notices = ", ".join(f"pg_notify('{CHANNEL}', {db.quoted(one)})" for one in told)
        try:
            db.script(f"SELECT {notices}; COMMIT")
        except Failure as error:
            if not db.connection.closed:
                raise
            self._parted()
            raise StoreError(
                "the connection to the database was lost while this was committed; whether it was written is not known"
            ) from error

    def _sessions(self, db: PostgresDatabase, turn: Turn | RowOf) -> frozenset[str] | None:
        if isinstance(turn, tuple):
            if turn not in self._known:
                found = turns.of(db, turn)
                if not found or turns.HOUSE in found:  # not there yet
                    return found
                if len(self._known) >= KNOWN:
                    self._known.clear()
                (self._known[turn],) = found
            return frozenset({self._known[turn]})
        sessions = turns.of(db, turn)
        return None if sessions is None else frozenset(map(storable, sessions))

    def explained(self, error: Exception) -> Exception:
        return explained(error)

    def stands_still(self, error: Exception) -> bool:
        return is_gone(error)

    def may_go_again(self, error: Exception) -> bool:
        return may_go_again(error)


_OTHERS = """
    UPDATE turns SET number = number + 1 WHERE session NOT IN (SELECT value FROM json_each(?))
    RETURNING session, number
"""


class _Reader:
    """Reads over a pool, in threads; each call on its own state of the database."""

    def __init__(self, url: str, patience: float) -> None:
        self._shown = shown(url)
        self._patience = patience
        self._pool: psycopg_pool.ConnectionPool[Any] = psycopg_pool.ConnectionPool(
            connection_class=PostgresConnection,
            kwargs={**parameters(url, patience), "autocommit": True},
            configure=partial(_ready, patience),
            min_size=1,
            max_size=READERS,
            timeout=patience,
            reconnect_timeout=patience,
            open=True,
            name="floormic-readers",
        )
        self._threads = ThreadPoolExecutor(READERS, "floormic-reader")
        self._room = asyncio.Semaphore(WAITING)
        self._closed = False

    async def read(self, work: Callable[[PostgresDatabase], T]) -> T:
        """Run `work` on what is committed now. Raises what `work` raised, or `StoreError`, also where no connection was
        free for the patience."""
        until = time.monotonic() + self._patience
        async with self._room:
            if self._closed:
                raise StoreError("the store is closed")
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, until)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._pool.close, self._patience)

    def _read(self, work: Callable[[PostgresDatabase], T], until: float) -> T:
        while (left := until - time.monotonic()) > 0:
            try:
                with self._pool.connection(left) as connection:
                    try:
                        return _on_snapshot(PostgresDatabase(connection), work)
                    except Failure:
                        if not connection.broken:
                            raise
                        # Cut while it was idle, as all are once the server was down; reading again does no harm.
            except psycopg_pool.PoolTimeout:
                break
            except (Failure, OverflowError) as error:
                raise explained(error) from error
        raise StoreError(f"the database {self._shown} does not answer, or is too busy to be read")


def _on_snapshot(db: PostgresDatabase, work: Callable[[PostgresDatabase], T]) -> T:
    db.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        return work(db)
    finally:
        if not db.connection.broken:
            db.script("ROLLBACK")


def _ready(patience: float, connection: PostgresConnection) -> None:
    connection.patience = patience
    prepare(connection)
