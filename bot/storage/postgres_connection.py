"""PostgreSQL as the functions of SQL see it, and what went wrong with it in words."""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import psycopg
from psycopg import errors, pq
from psycopg.abc import PQGen
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.rows import RowMaker
from psycopg.sql import Literal
from psycopg.types.numeric import Int8Dumper, NumericBinaryLoader
from psycopg.types.string import StrDumper

from bot.errors import BadInput, FloormicError, StoreError
from bot.storage.postgres_address import parts, refusal

Failure = psycopg.Error

LONGEST_CONNECT = 10
"""Seconds to wait for a server to answer at all."""

GRACE = 1.0
"""Seconds after which a statement is given up that the server should have given up itself."""

MANY = 500
"""Rows that are sent at once, and have to be written within the patience."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|::|\?(\d*)|:([a-z_]\w*)")


class Row(tuple[Any, ...]):
    """Values by number and by name; of two columns of one name the first counts."""

    __slots__ = ()
    places: Mapping[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.places[key] if isinstance(key, str) else key)

    def keys(self) -> Iterable[str]:
        return self.places.keys()


@lru_cache(maxsize=1024)
def _kind(names: tuple[str, ...]) -> type[Row]:
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    return type("Row", (Row,), {"__slots__": (), "places": {name: places[name] for name in names}})


def _row_factory(cursor: psycopg.Cursor[Any]) -> RowMaker[Row]:
    return _kind(tuple(column.name for column in cursor.description or ()))


@lru_cache(maxsize=1024)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...] | None]:
    """A statement with PostgreSQL's own placeholders, and the names of its parameters (None: they have none)."""
    names: list[str] = []
    count = 0

    def number(found: re.Match[str]) -> str:
        nonlocal count
        place, name = found.groups()
        if name:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if place is None:  # a text, or a cast
            return found.group()
        count += not place
        return f"${place or count}"

    return _PLACEHOLDER.sub(number, sql).encode(), tuple(names) or None


def storable(value: Any) -> Any:
    """As a column can hold it: a text without NUL and half surrogate pairs, also where JSON has them escaped; a switch
    as a number."""
    if isinstance(value, str):
        if type(value) is not str:
            value = str.__str__(value)
        if _UNSTORABLE.search(value):
            whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            value = whole.replace("\x00", "\ufffd")
        if value[:1] in ("{", "[") and "\\u0000" in value:
            value = _ESCAPED_NUL.sub("\\1\ufffd", value)
        return value
    return int(value) if isinstance(value, bool) else value


class _VectorDumper(Dumper):
    """Bytes of float32 as pgvector's type takes them: two 16-bit numbers, of which the first is how many."""

    format = pq.Format.BINARY

    def dump(self, obj: bytes) -> Buffer:
        return struct.pack(">HH", len(obj) // 4, 0) + np.frombuffer(obj, "<f4").astype(">f4").tobytes()


class _VectorLoader(Loader):
    format = pq.Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return np.frombuffer(bytes(data)[4:], ">f4").astype("<f4").tobytes()


class _SumLoader(NumericBinaryLoader):
    """A sum of whole numbers comes as one of any length."""

    def load(self, data: Buffer) -> Any:
        return int(super().load(data))


class PostgresConnection(psycopg.Connection[Row]):
    """Gives up waiting for a server of which nothing is heard any more, rather than that its thread hangs."""

    patience: float | None = None

    def wait(self, gen: PQGen[Any], *args: Any, **more: Any) -> Any:
        if self.patience is not None:
            more["timeout"] = self.patience + GRACE
        try:
            return super().wait(gen, *args, **more)
        except errors._WaitTimeout as error:
            self.pgconn.finish()
            raise errors.ConnectionTimeout(f"no answer for {self.patience:.0f} s") from error


class PostgresDatabase:
    """Implements `database.Database`. Outside of a transaction until `BEGIN` is executed."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection
        self._cursor = psycopg.RawCursor(connection, row_factory=_row_factory)

    @property
    def conn(self) -> "PostgresDatabase":
        return self

    @property
    def in_transaction(self) -> bool:
        """Raises where the connection is gone."""
        status = self.connection.info.transaction_status
        if status == pq.TransactionStatus.UNKNOWN:
            raise errors.OperationalError("the connection is lost")
        return status != pq.TransactionStatus.IDLE

    def execute(self, sql: str, parameters: Any = ()) -> "_Found":
        statement, names = _numbered(sql)
        given = [parameters[name] for name in names] if names is not None else parameters
        cursor = self._cursor
        cursor.execute(statement, [storable(value) for value in given], binary=True)
        return _Found(cursor.rowcount, cursor.fetchall() if cursor.description else [])

    def executemany(self, sql: str, parameters: Iterable[Any]) -> None:
        statement, names = _numbered(sql)
        rows = [
            [storable(value) for value in ([each[name] for name in names] if names is not None else each)]
            for each in parameters
        ]
        for begin in range(0, len(rows), MANY):
            self._cursor.executemany(statement, rows[begin : begin + MANY])

    def script(self, sql: str) -> "_Found":
        """Several statements without parameters, sent at once; what the last one that brings rows brought."""
        cursor = self._cursor
        cursor.execute(sql.encode(), prepare=False)
        found = _Found(0, [])
        while True:
            if cursor.description:
                found = _Found(cursor.rowcount, cursor.fetchall())
            if not cursor.nextset():
                return found

    def quoted(self, text: str) -> str:
        """A text as it may stand in a `script`."""
        return Literal(storable(text)).as_string(self.connection)

    def columns(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        ):
            found.setdefault(row["table_name"], set()).add(row["column_name"])
        return found

    def close(self) -> None:
        self.connection.close()


class _Found:
    """The rows of one statement, fetched; another one may run while they are walked through."""

    __slots__ = ("_rows", "_walk", "rowcount")

    def __init__(self, rowcount: int, rows: list[Row]) -> None:
        self.rowcount = rowcount
        self._rows = rows
        self._walk = iter(rows)

    def fetchone(self) -> Any:
        return next(self._walk, None)

    def fetchall(self) -> list[Row]:
        return list(self._walk)

    def __iter__(self) -> Iterator[Row]:
        return self._walk


def parameters(url: str, patience: float) -> dict[str, Any]:
    """What psycopg connects with. Raises `StoreError` for an address that is none."""
    given = parts(url)
    wait = int(patience * 1000)  # milliseconds
    limits = {
        "lock_timeout": wait,
        "statement_timeout": wait + int(GRACE * 500),  # later, so that who waits for a lock is told so
        # A process that was stopped in the middle of a transaction must not hold its locks for ever.
        "idle_in_transaction_session_timeout": wait,
    }
    timeouts = "".join(f" -c {name}={limit}" for name, limit in limits.items())
    return {
        "connect_timeout": min(max(2, int(patience)), LONGEST_CONNECT),
        "application_name": "floormic",
        "tcp_user_timeout": int(patience * 1000),
        "keepalives_idle": max(1, int(patience)),
        "keepalives_interval": 1,
        "keepalives_count": 3,
        **given,
        "options": f"{given.get('options') or ''}{timeouts}".strip(),
    }


class Unreachable(StoreError):
    """There is no connection to be had."""


def connect(url: str, *, patience: float = 5.0) -> PostgresDatabase:
    """A connection of our own. `patience` is how many seconds one statement may take, or wait for a lock.

    Raises `StoreError`, which says what part of the address to look at, and holds no password.
    """
    try:
        connection = PostgresConnection.connect(**parameters(url, patience), autocommit=True)
    except psycopg.Error as error:
        raise Unreachable(str(refusal(error, url))) from error
    connection.patience = patience
    return PostgresDatabase(prepare(connection))


def prepare(connection: psycopg.Connection[Any]) -> psycopg.Connection[Row]:
    """Values as our columns have them: whole numbers of 64 bits, and vectors where the database has them."""
    adapters = connection.adapters
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_dumper(str, StrDumper)
    adapters.register_loader("numeric", _SumLoader)
    found = connection.execute("SELECT to_regtype('vector')::oid::int").fetchone()
    if found and found[0]:
        adapters.register_dumper(bytes, type("_Vector", (_VectorDumper,), {"oid": found[0]}))
        adapters.register_loader(found[0], _VectorLoader)
    return connection


_HINTS: Mapping[type[psycopg.Error], str] = {
    errors.DiskFull: "the database's disk is full; free some space and it goes on by itself",
    errors.TooManyConnections: "PostgreSQL has no connection left; raise its max_connections or run fewer processes",
    errors.LockNotAvailable: "another program holds a lock on it; close that program",
    errors.QueryCanceled: "it took too long; look at the database's load",
    errors.InvalidPassword: "the user or the password is wrong; look at database in the configuration",
    errors.InvalidCatalogName: "there is no database of that name; create it: createdb NAME",
    errors.InsufficientPrivilege: "the database's user may not do this; let the user own the database",
    errors.ReadOnlySqlTransaction: "this PostgreSQL only reads (a replica?); name the one that writes",
    errors.AdminShutdown: "PostgreSQL is stopping",
    errors.CannotConnectNow: "PostgreSQL is starting or stopping",
}


def explained(error: Exception) -> Exception:
    """What to raise instead of an error of the driver: a `StoreError` with a clear text; others stay themselves."""
    if isinstance(error, FloormicError):
        return error
    if isinstance(error, errors.NumericValueOutOfRange | OverflowError):
        return BadInput("a number is too large to be kept")
    if not isinstance(error, psycopg.Error):
        return error
    hint = next((text for kind, text in _HINTS.items() if isinstance(error, kind)), "")
    text = (error.diag.message_primary or str(error)).strip().splitlines()
    said = StoreError(f"the database could not do it ({text[-1] if text else type(error).__name__})" + (
        f": {hint}" if hint else ""
    ))  # fmt: skip
    said.__cause__ = error
    return said


def is_gone(error: Exception) -> bool:
    """Whether this is `explained` of a database that does not answer, or whose lock another holds for too long. Not of
    a connection that was lost: another one may well be had."""
    return isinstance(error, Unreachable) or isinstance(
        error.__cause__, errors.LockNotAvailable | errors.ConnectionTimeout
    )


def may_go_again(error: Exception) -> bool:
    """Whether a transaction failed only since another one was in its way."""
    return isinstance(error, errors.DeadlockDetected | errors.SerializationFailure)
