"""Copies of the database: taken beside the program that writes, looked at before they are trusted, moved elsewhere.

A copy is one state of the database, the one that stood when it began. In WAL mode a reader holds no lock that the
writer wants, so accepting goes on; what is written meanwhile stays in the log until the copy is done.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # documented: the driver it found best

from bot.errors import StoreError
from bot.storage.connection import Failure, SqliteDatabase, connect, explained
from bot.storage.migrations import steps

PAGES = 256
"""Pages of one step (1 MiB): between two steps others get at the disk, and progress is told."""

Told = Callable[[int, int], None]
"""How much is done, of how much."""

PASSING = frozenset({"logins", "sqlite_sequence", "_sqlite_migrations"})
"""Tables that may lose or get rows by the database being opened alone."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What a database holds: the names of the steps that made its `schema`, and the rows of each table."""

    schema: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def newer(self) -> list[str]:
        """Steps that this program does not know: a newer one wrote it."""
        return sorted(set(self.schema) - {step.name for step in steps._migrations})


def copy(source: Path, target: Path, told: Told = lambda done, of: None) -> None:
    """Copy a database, whoever writes to it meanwhile, into a file that is not there yet.

    Raises `StoreError`; what was written of the copy is left to the caller.
    """
    try:
        reading = connect(source, reading=True)
    except Failure as error:
        raise explained(error) from error
    try:
        writing = sqlite3.connect(target, isolation_level=None)
        try:
            writing.execute("PRAGMA journal_mode = OFF")  # a copy that breaks off is thrown away
            writing.execute("PRAGMA synchronous = OFF")  # the caller has it on the disk once, at the end
            # A read transaction of our own: without it each step would see a newer state and begin anew.
            reading.conn.execute("BEGIN")
            reading.conn.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            reading.conn.backup(writing, pages=PAGES, progress=lambda _, left, of: told(of - left, of))
        finally:
            writing.close()
    except Failure as error:
        raise explained(error) from error
    finally:
        reading.conn.close()


@contextmanager
def still(file: Path) -> Iterator[SqliteDatabase]:
    """A database that nobody writes to, read without a trace beside it. Its log is not looked at."""
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        yield SqliteDatabase(connection, execute_plugins=False)
    finally:
        connection.close()


def inspect(file: Path) -> Inside:
    """Look through a whole copy that nobody writes to. Raises `StoreError` where it is damaged."""
    try:
        with still(file) as db:
            if wrong := damage(db):
                raise StoreError(f"{file}: the database is damaged ({wrong})")
            return inside(db)
    except Failure as error:
        raise explained(error) from error


def damage(db: Database) -> str:
    """The first thing that SQLite finds wrong with it, or with what rows name each other; "" for none."""
    said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    if said != "ok":
        return said.splitlines()[0]
    broken = db.execute("PRAGMA foreign_key_check").fetchone()
    return "" if broken is None else f"a row of {broken[0]} names one of {broken[2]} that is not there"


def inside(db: Database) -> Inside:
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    counts = {name: int(db.execute(f"SELECT COUNT(*) FROM [{name}]").fetchone()[0]) for name in names}  # noqa: S608
    return Inside(tuple(step.name for step in steps.applied(db)), counts)


def fewer(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Tables of which `after` has not as many rows as `before`; what the newest schema has not is none of them."""
    return sorted(
        name for name, count in before.items() if name not in PASSING and name in after and after[name] != count
    )


def rebase(file: Path, moves: Sequence[tuple[Path, Path]]) -> None:
    """Let what names a path below an old folder name it below the new one: the courses of sessions, what the
    configuration last said of them, and both in the ledger, so that undo finds what it compares."""
    moves = [(old, new) for old, new in moves if old != new]
    if not moves:
        return
    try:
        db = connect(file)
        try:
            with db.atomic():
                for table, column, key in (
                    ("sessions", "course", "id"),
                    ("sessions", "configured", "id"),
                    ("actions", "change", "id"),
                ):
                    _rebase(db, table, column, key, moves)
        finally:
            db.conn.close()
    except Failure as error:
        raise explained(error) from error


def _rebase(db: Database, table: str, column: str, key: str, moves: Sequence[tuple[Path, Path]]) -> None:
    with suppress(Failure):  # an older schema has no such column, and nothing in it
        for row in db.execute(f"SELECT {key} AS id, {column} AS said FROM {table}").fetchall():  # noqa: S608
            said = str(row["said"] or "")
            now = moved(said, moves) if column == "course" else _moved_json(said, moves)
            if now != said:
                db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (now, row["id"]))  # noqa: S608


def moved(path: str, moves: Sequence[tuple[Path, Path]]) -> str:
    """A path as it is after the moves; the first that it lies below counts."""
    for old, new in moves:
        if path == str(old) or path.startswith(f"{old}/"):
            return f"{new}{path[len(str(old)) :]}"
    return path


def _moved_json(text: str, moves: Sequence[tuple[Path, Path]]) -> str:
    if not text or not any(str(old) in text for old, _ in moves):
        return text
    try:
        return json.dumps(_walk(json.loads(text), moves), ensure_ascii=False)
    except ValueError:
        return text


def _walk(value: Any, moves: Sequence[tuple[Path, Path]]) -> Any:
    if isinstance(value, dict):
        return {key: _walk(one, moves) for key, one in value.items()}
    if isinstance(value, list):
        return [_walk(one, moves) for one in value]
    return moved(value, moves) if isinstance(value, str) else value
