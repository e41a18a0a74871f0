"""Commands that look at an installation whose database is PostgreSQL, and those that are for files alone."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.app.keeping import back_up, place_of, restore
from bot.app.listening import listen
from bot.app.source_status import installation, standing
from bot.connectors.intake import IntakeOptions
from bot.errors import BadInput, SettingsError, StoreBusy
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


def test_without_its_variable_nothing_takes_a_former_file_for_the_database(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that a clock starts without the variable would copy what was moved away months ago."""
    monkeypatch.delenv("HALL")
    for look in (place_of, installation):
        with pytest.raises(SettingsError, match="the environment variable HALL is not set"):
            look(config)


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


async def test_a_source_that_another_process_listens_to_is_not_listened_to(tmp_path: Path, url: str) -> None:
    """Its lease says so."""
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO leases VALUES ('connector:mail', 'x', '', clock_timestamp() + interval '6 s')")
    source = IntakeOptions(name="mail", session="talk", secret="x" * 32)
    settings = Settings(data=tmp_path, database=url, sources=(source,))
    with pytest.raises(StoreBusy, match="another floormic listens to mail"):
        await listen(settings, "mail", lambda *_: None)
