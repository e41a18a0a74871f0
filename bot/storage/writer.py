"""One thread that writes, many callers that wait together for one commit (group commit).

Every call is a function of the database. The thread takes all that wait, runs each in its own savepoint of one
transaction, commits once, and only then tells the callers. A commit costs one fsync however many calls it carries.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from bot.errors import StoreError
from bot.storage import connection as sqlite
from bot.storage.turns import HOUSE, RowOf, Turn

T = TypeVar("T")

BATCH = 256
"""Calls in one transaction at most."""

WAITING = 2048
"""Calls that wait for the thread at most; further callers wait before they are let in."""


AGAIN = 3
"""Times that a transaction is tried in which another process was in the way."""


@dataclass(slots=True)
class Call:
    """One write: what to run, whose turn it is and what it changes (see `turns`), and what became of it."""

    work: Callable[[Any], Any]
    turn: Turn | RowOf
    kind: str
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = field(default=None)
    alone: bool = False


Committed = Callable[[int, float, Exception | None], None]
"""Hears of each transaction in the writing thread: calls in it, seconds that it took, why it failed. Must not raise."""


class _Lost(Exception):
    """An error ended the whole transaction, not only its own savepoint; its cause says which."""


class _Spoilt(Exception):
    """A call failed that had no savepoint."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Ways(Protocol):
    """How a database begins and ends a transaction, and what its errors mean."""

    hopeful: bool
    """Whether the calls run without savepoints at first, since these take time; where one fails, all run anew with
    them."""

    def begin(self, db: Any, calls: Sequence[Call]) -> Any:
        """Begin a transaction for these calls. What it returns is handed to `commit`."""
        ...

    def commit(self, db: Any, calls: Sequence[Call], begun: Any) -> None: ...

    def explained(self, error: Exception) -> Exception:
        """What to raise instead."""
        ...

    def stands_still(self, error: Exception) -> bool:
        """Whether whoever waits behind would only wait as long for this same (explained) error."""
        ...

    def may_go_again(self, error: Exception) -> bool:
        """Whether the same transaction may well go through now."""
        ...


class SqliteWays:
    """The file is held alone, so a transaction begins at once and nothing is in its way."""

    hopeful = False

    def begin(self, db: Any, calls: Sequence[Call]) -> None:
        db.conn.execute("BEGIN IMMEDIATE")

    def commit(self, db: Any, calls: Sequence[Call], begun: None) -> None:
        db.conn.execute("COMMIT")

    def explained(self, error: Exception) -> Exception:
        return sqlite.explained(error)

    def stands_still(self, error: Exception) -> bool:
        return sqlite.is_locked(error)

    def may_go_again(self, error: Exception) -> bool:
        return False


class Writer:
    """Owns the writing connection. `open` makes one; it is called again where a connection cannot be used any more."""

    def __init__(
        self, open: Callable[[], Any], committed: Committed = lambda *_: None, ways: Ways | None = None
    ) -> None:
        self._open = open
        self._committed = committed
        self._ways = ways or SqliteWays()
        self._db: Any = open()
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()  # bounded by _room
        self._room = asyncio.Semaphore(WAITING)
        self._closed = False
        self.batches = 0
        """How many were written, or tried, up to now: while it stays the same, so does what stands in the file."""
        self._thread = threading.Thread(target=self._run, name="floormic-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Calls that wait for the thread now."""
        return self._calls.qsize()

    async def write(
        self, work: Callable[[Any], T], *, turn: Turn | RowOf = HOUSE, kind: str = "", alone: bool = False
    ) -> T:
        """Run `work` in the writing thread; returns once it is on the disk. `alone`: outside of any transaction.

        Raises what `work` raised, or `StoreError`; then nothing of it was written. A caller that is cancelled does not
        know whether it was written.
        """
        await self._room.acquire()
        if self._closed:
            self._room.release()
            raise StoreError("the store is closed")
        loop = asyncio.get_running_loop()
        call = Call(work, turn, kind, loop, loop.create_future(), alone=alone)
        self._calls.put(call)
        result: T = await call.future
        return result

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        if not self._closed:
            self._closed = True
            self._calls.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while batch := self._next_batch():
            together = [call for call in batch if not call.alone]
            if together:
                self._transact(together)
            for call in batch:
                if call.alone:
                    self._alone(call)
            if batch[0].error is not None and self._ways.stands_still(batch[0].error):
                self._give_up_with(batch)
            self.batches += 1  # before anybody hears that it is written
            _tell(batch, self._room)
        if self._db is not None:
            self._db.conn.close()

    def _next_batch(self) -> list[Call]:
        """All that wait, at least one; empty at the end."""
        batch: list[Call] = []
        call = self._calls.get()
        while call is not None:
            batch.append(call)
            if len(batch) == BATCH or self._calls.empty():
                return batch
            call = self._calls.get()
        if batch:
            self._calls.put(None)  # the end stays for the next turn
        return batch

    def _give_up_with(self, batch: list[Call]) -> None:
        """Another program holds the database for longer than we are patient. Who waits behind has waited as long, and
        must not be kept for our patience once more, batch after batch."""
        while not self._calls.empty():
            call = self._calls.get()
            if call is None:
                self._calls.put(None)  # the end stays for the next turn
                return
            call.error = batch[0].error
            batch.append(call)

    def _alone(self, call: Call) -> None:
        try:
            db = self._db = self._db or self._open()
            call.result = call.work(db)
        except Exception as error:
            call.error = self._ways.explained(error)
            self._recover()

    def _transact(self, batch: list[Call]) -> None:
        began = time.perf_counter()
        failure, left = self._try(batch, self._ways.hopeful), AGAIN - 1
        if isinstance(failure, _Spoilt) and len(batch) > 1:
            failure = self._try(batch, hopeful=False)
        while failure is not None and left and self._ways.may_go_again(failure):
            failure, left = self._try(batch, hopeful=False), left - 1
        if isinstance(failure, _Spoilt):  # the one call there is, by itself
            batch[0].error, failure = self._ways.explained(failure.error), None
        explained = None if failure is None else self._ways.explained(failure)
        if explained is not None:
            for call in batch:
                call.error = explained
        self._committed(len(batch), time.perf_counter() - began, explained)

    def _try(self, batch: list[Call], hopeful: bool) -> Exception | None:
        """Run the calls in one transaction; what ended it, if anything did."""
        try:
            db = self._db = self._db or self._open()
            begun = self._ways.begin(db, batch)
            for call in batch:
                self._attempt(db, call, hopeful)
            self._ways.commit(db, batch, begun)
        except Exception as error:
            self._recover()
            cause = error.__cause__ if isinstance(error, _Lost) else error
            return cause if isinstance(cause, Exception) else error
        return None

    def _attempt(self, db: Any, call: Call, hopeful: bool) -> None:
        """Run one call so that its failure touches no other; a `hopeful` one raises `_Spoilt` instead. Raises `_Lost`
        where it took the transaction with it."""
        call.error = None
        if not hopeful:
            db.conn.execute("SAVEPOINT call")
        try:
            call.result = call.work(db)
        except Exception as error:
            if not db.conn.in_transaction or self._ways.may_go_again(error):
                raise _Lost from error
            if hopeful:
                raise _Spoilt(error) from error
            db.conn.execute("ROLLBACK TO call")
            call.error = self._ways.explained(error)
        if not hopeful:
            db.conn.execute("RELEASE call")

    def _recover(self) -> None:
        """Leave no half transaction behind; give the connection up where even that fails."""
        db = self._db
        try:
            if db is not None and db.conn.in_transaction:
                db.conn.execute("ROLLBACK")
        except Exception:  # of whichever driver
            self._db = None
            if db is not None:
                db.conn.close()


def _tell(batch: list[Call], room: asyncio.Semaphore) -> None:
    """Wake the callers of a batch, one wake-up for each event loop (there is one)."""
    try:
        batch[0].loop.call_soon_threadsafe(_settle, batch, room)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _settle(batch: list[Call], room: asyncio.Semaphore) -> None:
    for call in batch:
        room.release()
        if call.future.done():  # the caller was cancelled
            continue
        if call.error is not None:
            call.future.set_exception(call.error)
        else:
            call.future.set_result(call.result)
