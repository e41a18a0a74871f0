"""All that an installation holds, from one database into another, and looked at on both sides before it counts.

What is copied follows from the schema, so that a table that comes later is not forgotten. Rows come in the order of
their key, a batch at a time, and are hashed in a form that does not depend on the database.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

from bot.errors import StoreError
from bot.storage.connection import SqliteDatabase
from bot.storage.postgres_connection import PostgresDatabase, storable

BATCH = 1000
"""Rows."""

Told = Callable[[int, int], None]
"""How many rows are done, of how many (never 0); each is copied and then looked at."""

MACHINERY = frozenset({"turns", "leases", "fences", "installation", "floormic_migrations", "_sqlite_migrations"})
"""Tables that say how a database is run and nothing of the hall: they are not moved. The queue of deferred work has a
schema of its own, and what is due is found anew in the hall's tables."""


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` begin with rowid where PostgreSQL has a column for SQLite's order of insertion. Rows are sorted by
    `key`. `numbered`: the column that gets the next number by itself, "" for none; `lasting`: none of them comes twice,
    whatever was deleted."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    numbered: str
    lasting: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one table: its rows, their hash, and the next number (None where nothing is numbered for ever)."""

    rows: int
    hash: str
    next: int | None


@dataclass(frozen=True, slots=True)
class Moved:
    """`mended`: texts of which something cannot be kept in the target and stands there as U+FFFD."""

    tables: Mapping[str, Seen]
    mended: int

    @property
    def rows(self) -> int:
        return sum(seen.rows for seen in self.tables.values())


Side = SqliteDatabase | PostgresDatabase


def is_machinery(table: str) -> bool:
    return table in MACHINERY or table.startswith("sqlite_")


def tables(one: Side, other: Side) -> list[Table]:
    """What is moved between a SQLite and a PostgreSQL, what others name first. Raises `StoreError` where they are not
    alike."""
    lite, post = (one, other) if isinstance(one, SqliteDatabase) else (other, one)
    assert isinstance(lite, SqliteDatabase)
    assert isinstance(post, PostgresDatabase)
    here, there = _columns(lite), _columns(post)
    numbered = _identities(post)
    unlike = sorted(here.keys() ^ there.keys()) or sorted(
        name for name in here if here[name] != there[name] - {"rowid"}
    )
    if unlike:
        raise StoreError(f"the two databases are not of one schema (table {unlike[0]}); this is a fault in floormic")
    lasting = set(_lasting(lite))
    found = []
    for name in _sorted(lite, sorted(here)):
        columns = [*(["rowid"] if "rowid" in there[name] else []), *_lite_columns(lite, name)]
        key = _key(lite, name) or columns
        found.append(Table(name, tuple(columns), tuple(key), numbered.get(name, ""), name in lasting))
    return found


def occupied(db: Side) -> str:
    """A table of the hall that holds something, "" for none."""
    names = sorted(_columns(db))
    return next((name for name in names if db.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()), "")  # noqa: S608 (ours)


def transfer(source: Side, target: Side, told: Told = lambda done, of: None) -> Moved:
    """Copy all, set what is numbered next, and compare what stands in the target with what was read. Both sides are in
    a transaction of the caller's. Raises `StoreError` where they differ."""
    plan = tables(source, target)
    of = max(1, 2 * sum(_count(source, table) for table in plan))
    into_post = isinstance(target, PostgresDatabase)
    seen: dict[str, Seen] = {}
    done = mended = 0
    for table in plan:
        digest, count = hashlib.sha256(), 0
        for rows in _batches(source, table):
            if into_post:
                rows, wrong = _mended(rows)
                mended += wrong
            _insert(target, table, rows)
            _feed(digest, rows)
            count += len(rows)
            told(done := done + len(rows), of)
        following = _next(source, table)
        _go_on(target, table, following)
        seen[table.name] = Seen(count, digest.hexdigest(), following if table.lasting else None)
    for table in plan:
        found = look(target, table, partial(_told_after, told, done, of))
        done += found.rows
        if found != seen[table.name]:
            raise StoreError(
                f"the table {table.name} is not the same in the target ({found.rows} of {seen[table.name].rows} rows); "
                "nothing was moved"
            )
    return Moved(seen, mended)


def _told_after(told: Told, before: int, of: int, rows: int) -> None:
    told(min(before + rows, of), of)


def look(db: Side, table: Table, told: Callable[[int], None] = lambda rows: None) -> Seen:
    """Read a whole table."""
    digest, count = hashlib.sha256(), 0
    for rows in _batches(db, table):
        _feed(digest, rows)
        count += len(rows)
        told(count)
    return Seen(count, digest.hexdigest(), _next(db, table) if table.lasting else None)


def _batches(db: Side, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in the order of the key, each batch found from the last key of the one before."""
    columns, key = _listed(table.columns), _listed(table.key)
    places = [table.columns.index(name) for name in table.key]
    select = f"SELECT {columns} FROM {table.name}"  # noqa: S608 (names of ours)
    rest = f"ORDER BY {key} LIMIT {BATCH}"
    rows = [tuple(row) for row in db.execute(f"{select} {rest}")]
    after = f"{select} WHERE ({key}) > ({', '.join('?' * len(places))}) {rest}"
    while rows:
        yield rows
        if len(rows) < BATCH:
            return
        rows = [tuple(row) for row in db.execute(after, [rows[-1][place] for place in places])]


def _insert(db: Side, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(table.columns))
    db.executemany(f"INSERT INTO {table.name} ({_listed(table.columns)}) VALUES ({marks})", rows)  # noqa: S608


def _mended(rows: Sequence[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], int]:
    """Rows as PostgreSQL can hold them, and how many texts of them it cannot hold as they are."""
    kept = [tuple(map(storable, row)) for row in rows]
    return kept, sum(a != b for old, new in zip(rows, kept, strict=True) for a, b in zip(old, new, strict=True))


def _feed(digest: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    """Each value with its kind and length, so that no two rows of values read the same."""
    for row in rows:
        for value in row:
            if value is None:
                digest.update(b"-")
            elif isinstance(value, int):
                digest.update(b"i%d," % value)
            elif isinstance(value, float):
                digest.update(f"f{value + 0.0!r},".encode())  # SQLite keeps no negative zero
            else:
                data = value.encode() if isinstance(value, str) else bytes(value)
                digest.update(b"%s%d:%s" % (b"s" if isinstance(value, str) else b"b", len(data), data))
        digest.update(b"\n")


def _count(db: Side, table: Table) -> int:
    return int(db.execute(f"SELECT COUNT(*) FROM {table.name}").fetchone()[0])  # noqa: S608 (a name of ours)


def _next(db: Side, table: Table) -> int:
    """The number that the next row gets; it is greater than all that were ever given, as far as that is known."""
    column = table.numbered
    if not column:
        return 0
    greatest = db.execute(f"SELECT MAX({column}) FROM {table.name}").fetchone()[0] or 0  # noqa: S608
    given = 0
    if isinstance(db, PostgresDatabase):
        name, step = db.execute(
            """
            SELECT pg_get_serial_sequence(?, ?)::text AS name, seqincrement AS step FROM pg_sequence
            WHERE seqrelid = pg_get_serial_sequence(?, ?)::regclass
            """,
            (table.name, column) * 2,
        ).fetchone()
        last, called = db.execute(f"SELECT last_value, is_called FROM {name}").fetchone()  # noqa: S608
        given = last + step - 1 if called else last - 1
    elif table.lasting:
        row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
        given = row[0] if row else 0
    return int(max(greatest, given)) + 1


def _go_on(db: Side, table: Table, number: int) -> None:
    """Let the next row get this number, at the end of the transaction and not before."""
    if isinstance(db, PostgresDatabase):
        if table.numbered:
            db.execute(f"ALTER TABLE {table.name} ALTER COLUMN {table.numbered} RESTART WITH {number}")
    elif table.lasting and number > 1:
        db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, number - 1))


def _listed(columns: Sequence[str]) -> str:
    """Quoted, for some are words of SQL; but for rowid, which SQLite has without a column."""
    return ", ".join(name if name == "rowid" else f'"{name}"' for name in columns)


def _columns(db: Side) -> dict[str, set[str]]:
    return {name: columns for name, columns in db.columns().items() if not is_machinery(name)}


def _identities(post: PostgresDatabase) -> dict[str, str]:
    rows = post.execute(
        """
        SELECT table_name::text AS name, column_name::text AS numbered FROM information_schema.columns
        WHERE table_schema = current_schema() AND is_identity = 'YES'
        """
    )
    return {row["name"]: row["numbered"] for row in rows}


def _lite_columns(lite: SqliteDatabase, table: str) -> list[str]:
    return [row["name"] for row in lite.execute(f"PRAGMA table_info({table})")]


def _key(lite: SqliteDatabase, table: str) -> list[str]:
    rows = [row for row in lite.execute(f"PRAGMA table_info({table})") if row["pk"]]
    return [row["name"] for row in sorted(rows, key=lambda row: row["pk"])]


def _lasting(lite: SqliteDatabase) -> Iterator[str]:
    for row in lite.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
        if "AUTOINCREMENT" in row["sql"]:
            yield row["name"]


def _sorted(lite: SqliteDatabase, names: Sequence[str]) -> list[str]:
    """Tables whose rows others name come before those; one that names itself does so in the order of its key."""
    named = {
        name: {row["table"] for row in lite.execute(f"PRAGMA foreign_key_list({name})")} - {name} for name in names
    }
    return list(TopologicalSorter(named).static_order())
