"""The stores that the contract is held against. A second adapter adds a line to `STORES` and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.ports import Store
from bot.storage.sqlite import open_store

Open = Callable[[], Awaitable[Store]]


def sqlite(folder: Path) -> Open:
    return lambda: open_store(folder / "hall.db")


STORES: dict[str, Callable[[Path], Open]] = {"sqlite": sqlite}
"""For a folder, a way to open the same store again and again."""


@pytest.fixture(params=STORES)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return STORES[request.param](tmp_path)


@pytest.fixture
async def store(opening: Open) -> AsyncIterator[Store]:
    opened = await opening()
    yield opened
    await opened.close()
