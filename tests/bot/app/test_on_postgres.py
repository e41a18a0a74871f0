"""Commands that look at an installation whose database is PostgreSQL, and those that are for files alone."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.app.doctor import examine
from bot.app.keeping import back_up, place_of, restore
from bot.app.listening import listen
from bot.app.source_status import installation, standing
from bot.connectors.intake import IntakeOptions
from bot.errors import BadInput, StoreBusy
from bot.model import SourceHealth, SourceState
from bot.settings import Settings
from bot.storage.postgres import open_postgres
from tests.bot.storage import postgres


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def config(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """It names a variable, as one would that holds a password."""
    file = tmp_path / "floormic.toml"
    file.write_text('database_env = "HALL"\n[discord]\nsession = "talk"\ntoken_env = "NOT_SET"\n')
    monkeypatch.setenv("HALL", url)
    return file


def test_a_backup_says_what_to_use_instead(config: Path, tmp_path: Path) -> None:
    """In both directions; nothing is written."""
    with pytest.raises(BadInput, match="pg_dump"):
        back_up(place_of(config))
    archive = tmp_path / "backup.tar.gz"
    archive.write_bytes(b"")
    with pytest.raises(BadInput, match="pg_restore"):
        restore(archive, config, replace=False, now=0.0)
    assert not (tmp_path / "backups").exists()


def test_sources_are_read_from_the_database(config: Path, url: str) -> None:
    """As from a file, while the program runs."""

    async def keep() -> None:
        store = await open_postgres(url)
        await store.keep_sources([SourceHealth("discord", SourceState.CONNECTED, 1.0, time.time())])
        found = await asyncio.to_thread(standing, installation(config), time.time())
        assert found.running
        assert [source.source for source in found.sources] == ["discord"]
        await store.close()

    asyncio.run(keep())


@pytest.mark.parametrize("founded", [True, False])
def test_the_doctor_asks_postgresql(config: Path, monkeypatch: pytest.MonkeyPatch, founded: bool) -> None:
    """Whether it answers and of which schema it is; an empty one is none yet."""
    with postgres.database("template0") as empty:
        if not founded:
            monkeypatch.setenv("HALL", empty)
        found = {one.check: one.what for one in examine(config, limit=20).groups["Data"]}
    assert found["database"] == "PostgreSQL answers"
    assert ("schema" in found) == founded
    assert "pg_dump" in found["backups"]


def test_the_doctor_says_why_postgresql_does_not_answer(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, without the password."""
    monkeypatch.setenv("HALL", "postgresql://ann:s3cret@127.0.0.1:1/hall")
    (found,) = [one for one in examine(config, limit=20).groups["Data"] if one.check == "database"]
    assert "127.0.0.1" in found.what
    assert "s3cret" not in found.what


async def test_a_source_that_another_process_listens_to_is_not_listened_to(tmp_path: Path, url: str) -> None:
    """Its lease says so."""
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO leases VALUES ('connector:mail', 'x', '', clock_timestamp() + interval '6 s')")
    source = IntakeOptions(name="mail", session="talk", secret="x" * 32)
    settings = Settings(data=tmp_path, database=url, sources=(source,))
    with pytest.raises(StoreBusy, match="another floormic listens to mail"):
        await listen(settings, "mail", lambda *_: None)
