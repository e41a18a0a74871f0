"""The store on SQLite: one file, one process, one thread that writes; what was written survives a power cut."""

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from bot.errors import StoreError
from bot.ports import Now
from bot.storage import backlogs, forgetting, logins
from bot.storage import deliveries as said
from bot.storage.connection import SqliteDatabase, claim, connect, explained, warn_if_unsound
from bot.storage.migrations import migrate
from bot.storage.reader import Reader
from bot.storage.store import SharedStore
from bot.storage.writer import Committed, Writer

LONGEST_READING = 600.0
"""Seconds that a backup may take until whoever had somebody forgotten is told that it is in the way."""


async def open_store(
    path: Path | str, *, now: Now = time.time, patience: float = 5.0, committed: Committed = lambda *_: None
) -> "SqliteStore":
    """Open a database, founding it where there is none; ":memory:" is one that is gone after `close` (for tests).

    `patience`: seconds to wait for a lock of a foreign program before a call fails. Raises `StoreBusy` where another
    floormic has it open, `StoreError` where the file cannot be used. `committed` hears of each transaction.
    """
    return await asyncio.to_thread(SqliteStore, path, now, patience, committed)


class SqliteStore(SharedStore):
    """Implements `bot.ports.Store`. Writes share commits (see `writer`), reads run beside them (see `reader`)."""

    def __init__(
        self, path: Path | str, now: Now = time.time, patience: float = 5.0, committed: Committed = lambda *_: None
    ) -> None:
        """Blocks; call `open_store` instead."""
        warn_if_unsound()
        passing = str(path) == ":memory:"
        self._folder = tempfile.mkdtemp(prefix="floormic-") if passing else None
        file = Path(self._folder, "passing.db") if self._folder else Path(path).resolve()
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = claim(file)
        except OSError as error:
            raise StoreError(f"cannot make the folder of the database {file}: {error.strerror}") from error
        try:
            writer = Writer(partial(_prepared, file, now, patience, durable=not passing), committed)
        except BaseException as error:
            os.close(self._held)
            if isinstance(error, Exception):
                raise explained(error) from error
            raise
        super().__init__(writer, Reader(partial(connect, file, patience=patience, reading=True)))

    async def _let_go(self) -> None:
        os.close(self._held)
        if self._folder:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _written(self) -> float:
        return self._writer.batches

    async def probe(self) -> None:
        await self._writer.write(backlogs.probe)

    async def _wipe(self) -> None:
        """A backup that is being taken reads what was there before; the log is cut once it is done."""
        if await self._writer.write(forgetting.wipe, alone=True):
            return
        until = time.monotonic() + LONGEST_READING
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            if await self._writer.write(forgetting.cut_log, alone=True):
                return
        raise StoreError(
            "it is forgotten, but another program still reads the database as it was; close that program, then start "
            "floormic anew"
        )


def _prepared(file: Path, now: Now, patience: float, durable: bool) -> SqliteDatabase:
    """The writing connection, with the newest schema, and tidy."""
    db = connect(file, patience=patience, durable=durable)
    try:
        migrate(db)
        with db.atomic():
            said.wait_again(db)
            logins.forget_expired(db, now())
    except BaseException:
        with suppress(Exception):
            db.conn.close()
        raise
    return db
