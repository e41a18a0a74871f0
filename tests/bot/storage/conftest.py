"""The stores that the contract is held against. A second adapter adds a line to `STORES` and nothing else."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import pytest

from bot.ports import Store
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


class SqliteGround:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Awaitable[Store]:
        return open_store(self.folder / "hall.db")

    def crash(self) -> None:
        left, self.folder = self.folder, self.folder.with_name(self.folder.name + "-")
        shutil.copytree(left, self.folder)


class PostgresGround:
    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> Awaitable[Store]:
        return open_postgres(self.url)

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
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    with STORES[request.param](tmp_path) as ground:
        yield ground.open


@pytest.fixture
async def store(opening: Open) -> AsyncIterator[Store]:
    opened = await opening()
    yield opened
    await opened.close()
