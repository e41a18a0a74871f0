"""One way to open the database file, to hold it alone, and to say in words what went wrong with it."""

import fcntl
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # documented: the driver it found best

from bot.errors import BadInput, FloormicError, StoreBusy, StoreError

log = logging.getLogger(__name__)

SOUND = (3, 51, 3)
"""The first SQLite without the WAL-reset bug, which can lose committed rows under concurrent checkpoints."""

Failure = sqlite3.Error
sqlite_version: str = sqlite3.sqlite_version

_LONE = re.compile("[\ud800-\udfff]")


class Connection(sqlite3.Connection):
    """A connection that takes any text: half a surrogate pair, which no UTF-8 can hold, becomes U+FFFD."""

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except UnicodeEncodeError:
            return super().execute(sql, _storable(parameters))

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        return super().executemany(sql, [_storable(each) for each in parameters])


class SqliteDatabase(Database):
    """Implements `database.Database`."""

    def executemany(self, sql: str, parameters: Iterable[Any]) -> object:
        return self.conn.executemany(sql, parameters)

    def columns(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self.execute(
            """
            SELECT m.name AS tbl, c.name AS col FROM sqlite_master m, pragma_table_info(m.name) c
            WHERE m.type = 'table'
            """
        ):
            found.setdefault(row["tbl"], set()).add(row["col"])
        return found


def _storable(parameters: Any) -> Any:
    if isinstance(parameters, Mapping):
        return {name: _text(value) for name, value in parameters.items()}
    if isinstance(parameters, Sequence):
        return [_text(value) for value in parameters]
    return parameters


def _text(value: Any) -> Any:
    if isinstance(value, str) and _LONE.search(value):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def claim(path: Path) -> int:
    """Hold a database alone: a locked file beside it; the descriptor to close in the end. Raises `StoreBusy`.

    The kernel drops the lock with the process, however it dies, so nothing stays stuck. The file itself stays: were it
    removed, two processes could each lock a file of that name.
    """
    beside = path.with_name(path.name + ".lock")
    try:
        held = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write beside the database {path}: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(held, 20).decode("ascii", "replace").strip()
        os.close(held)
        raise StoreBusy(
            f"{path} is open in another floormic (process {owner or 'unknown'}); stop that one or use another database"
        ) from error
    with suppress(OSError):  # the number is only for the message above; a full disk must not keep us from starting
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
    return held


def connect(path: Path, *, patience: float = 5.0, reading: bool = False, durable: bool = True) -> SqliteDatabase:
    """Open the file. `patience` is how many seconds to wait for a lock that another program holds.

    `reading` opens it read-only. Not `durable` leaves out the fsync, for data that need not outlive the process.
    """
    uri = f"{path.absolute().as_uri()}?mode={'ro' if reading else 'rwc'}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False, factory=Connection
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA mmap_size = 0")  # an I/O error on a map is a SIGBUS, not an exception
        connection.execute("PRAGMA foreign_keys = ON")
        if reading:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
            connection.execute("PRAGMA journal_size_limit = 67108864")  # bytes
            connection.execute("PRAGMA secure_delete = ON")  # what is deleted is not left in the file
        return SqliteDatabase(connection, recursive_triggers=False, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


def warn_if_unsound() -> None:
    """Say in the log that this SQLite has a known bug; it is rare with one writer, so not a reason to refuse."""
    if sqlite3.sqlite_version_info < SOUND:
        log.warning(
            "SQLite %s can lose committed rows in rare cases (WAL-reset bug); install pysqlite3 or SQLite %s",
            sqlite3.sqlite_version,
            ".".join(map(str, SOUND)),
        )


_HINTS = {
    "SQLITE_FULL": "the disk is full; free some space and it goes on by itself",
    "SQLITE_IOERR": "the disk does not read or write; look at the disk, the file's limits and the system's log",
    "SQLITE_BUSY": "another program has the database locked; close that program",
    "SQLITE_LOCKED": "another program has the database locked; close that program",
    "SQLITE_READONLY": "the file or its folder may not be written; look at their permissions",
    "SQLITE_CANTOPEN": "the file cannot be opened; look at its folder and permissions",
    "SQLITE_CORRUPT": "the file is damaged; stop and restore a copy",
    "SQLITE_NOTADB": "the file is no SQLite database; use another name",
}


def explained(error: Exception) -> Exception:
    """What to raise instead of an error of the driver: a `StoreError` with a clear text; others stay themselves."""
    if isinstance(error, FloormicError):
        return error
    if isinstance(error, OverflowError):
        return BadInput("a number is too large to be kept")
    if not isinstance(error, sqlite3.Error):
        return error
    name = getattr(error, "sqlite_errorname", "")
    hint = next((text for prefix, text in _HINTS.items() if name.startswith(prefix)), "")
    said = StoreError(f"the database could not do it ({error})" + (f": {hint}" if hint else ""))
    said.__cause__ = error
    return said


def is_locked(error: Exception) -> bool:
    """Whether this is `explained` of a lock that another program held for too long."""
    name = str(getattr(error.__cause__, "sqlite_errorname", ""))
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
