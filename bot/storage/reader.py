"""Reading beside the writer: a few threads, each call on its own read-only snapshot of the database."""

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlite_utils import Database

from bot.errors import StoreError
from bot.storage.connection import Failure, explained

T = TypeVar("T")

THREADS = 2
WAITING = 256
"""Calls that wait for a thread at most; further callers wait before they are let in."""


class Reader:
    """Owns the reading connections. `open` makes one."""

    def __init__(self, open: Callable[[], Database]) -> None:
        self._open = open
        self._idle: queue.SimpleQueue[Database | None] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._idle.put(None)  # opened at first use
        self._threads = ThreadPoolExecutor(THREADS, "floormic-reader")
        self._room = asyncio.Semaphore(WAITING)
        self._closed = False

    async def read(self, work: Callable[[Database], T]) -> T:
        """Run `work` on what is committed now. Raises what `work` raised, or `StoreError`."""
        async with self._room:
            if self._closed:
                raise StoreError("the store is closed")
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._on_snapshot, work)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        for _ in range(THREADS):
            db = self._idle.get()
            if db is not None:
                db.conn.close()

    def _on_snapshot(self, work: Callable[[Database], T]) -> T:
        db = self._idle.get()
        try:
            db = db or self._open()
            db.conn.execute("BEGIN")
            try:
                return work(db)
            finally:
                if db.conn.in_transaction:
                    db.conn.execute("ROLLBACK")
        except (Failure, OverflowError) as error:
            if db is not None:
                db.conn.close()
            db = None  # a connection that failed once is not used again
            raise explained(error) from error
        finally:
            self._idle.put(db)
