"""What the functions of SQL ask of a database; SQLite's connection and PostgreSQL's both give it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

Row = Any
"""One row: its values by name, by number, and one after the other; `dict(row)` names them."""


@lru_cache(maxsize=64)
def _upsert(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    """Columns are quoted, for `by` and the like are words of SQL."""
    columns, values = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in key)
    return f"INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"  # noqa: S608


def upsert(db: "Database", table: str, key: tuple[str, ...], row: Mapping[str, Any]) -> None:
    """Insert a row, by the names of its columns, or write it over the one that has the same key."""
    db.execute(_upsert(table, key, tuple(row)), row)


class Found(Protocol):
    """What a statement brought."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Row: ...

    def fetchall(self) -> list[Row]: ...

    def __iter__(self) -> Iterator[Row]: ...


class Database(Protocol):
    """One connection inside a transaction.

    A statement is written so that both databases understand it; `?`, `?1` and `:name` stand for its parameters. A
    vector is bytes, little-endian float32. Where both would order text by another rule, the columns are compared byte
    by byte.
    """

    def execute(self, sql: str, parameters: Any = ()) -> Found: ...

    def executemany(self, sql: str, parameters: Iterable[Any]) -> object: ...

    def columns(self) -> dict[str, set[str]]:
        """The columns of each table."""
        ...
