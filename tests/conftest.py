"""For all tests."""

import gc
import os
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

from bot.storage import migrations
from bot.storage.connection import SqliteDatabase, connect
from bot.web.words import read_words

# Several tests run at the same time: threads of one model that wait for each other would keep the others from running.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a test promises is held by what it finds, not by how fast a shared machine is just now.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first: begun last, they alone would be waited for."""
    first = ["test_learning.py", "test_short.py"]
    items.sort(key=lambda item: first.index(item.path.name) if item.path.name in first else len(first))


def pytest_collection_finish() -> None:
    """What was imported stays: to look through it again and again costs each test a little."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new file of a store is a copy of one that went through all migrations, which take sixty milliseconds each time,
    and the words of the pages are read once. Programs that tests start, and the tests of the migrations, do all of it.
    """
    made = connect(tmp_path_factory.mktemp("made") / "empty.sqlite3")
    migrations.migrate(made)

    def migrate(db: SqliteDatabase) -> None:
        if not db.table_names():
            made.conn.backup(db.conn)
        migrations.migrate(db)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.storage.sqlite.migrate", migrate)
        patch.setattr("bot.web.rendering.read_words", cache(read_words))
        yield
    made.conn.close()
