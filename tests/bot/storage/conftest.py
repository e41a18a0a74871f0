"""The stores that the contract is held against. A second adapter adds a line to `STORES` and nothing else."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.ports import Store
from bot.storage import connection as sqlite
from bot.storage import postgres_connection
from bot.storage.postgres import open_postgres
from bot.storage.sqlite import open_store
from tests.bot.storage import postgres

Open = Callable[[], Awaitable[Store]]


class Ground(Protocol):
    """Where one store lies that can be opened again and again."""

    def open(self) -> Awaitable[Store]: ...

    def crash(self) -> None:
        """The program that has it open dies where it stands: the next to open it finds what is there now."""
        ...

    def foreign(self, sql: str) -> list[Any]:
        """What another program gets that runs a statement, first column by first column. Raises `StoreError`."""
        ...


class SqliteGround:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Awaitable[Store]:
        return open_store(self.folder / "hall.db")

    def foreign(self, sql: str) -> list[Any]:
        db = sqlite.connect(self.folder / "hall.db")
        try:
            return [row[0] for row in db.execute(sql).fetchall()]
        except sqlite.Failure as error:
            raise sqlite.explained(error) from error
        finally:
            db.conn.close()

    def crash(self) -> None:
        left, self.folder = self.folder, self.folder.with_name(self.folder.name + "-")
        shutil.copytree(left, self.folder)


class PostgresGround:
    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> Awaitable[Store]:
        return open_postgres(self.url)

    def foreign(self, sql: str) -> list[Any]:
        db = postgres_connection.connect(self.url)
        try:
            return [row[0] for row in db.execute(sql)]
        except postgres_connection.Failure as error:
            raise postgres_connection.explained(error) from error
        finally:
            db.close()

    def crash(self) -> None:
        postgres.cut(self.url)


@contextmanager
def _on_postgres(_: Path) -> Iterator[Ground]:
    with postgres.database() as url:
        yield PostgresGround(url)


STORES: dict[str, Callable[[Path], AbstractContextManager[Ground]]] = {
    "sqlite": lambda folder: nullcontext(SqliteGround(folder)),
    "postgres": _on_postgres,
}
"""For an empty folder, the ground of a store."""


@pytest.fixture(params=STORES)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    with STORES[request.param](tmp_path) as ground:
        yield ground


@pytest.fixture
def opening(ground: Ground) -> Open:
    return ground.open


@pytest.fixture
async def store(opening: Open) -> AsyncIterator[Store]:
    opened = await opening()
    yield opened
    await opened.close()
