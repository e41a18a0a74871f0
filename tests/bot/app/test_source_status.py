"""How the sources are, read from outside of the program."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.source_status import Standing, installation, standing, told
from bot.errors import SettingsError, StoreError
from bot.model import Abilities, Message, Outage, SourceHealth, SourceState
from bot.storage.sqlite import open_store
from bot.supervisor import Supervisor
from tests.bot.chats import Chat
from tests.fake_floor import FakeFloor

NOW = 1_800_000_000.0
CONFIG = """
[telegram]
token_env = "NOT_SET_IN_THIS_TERMINAL"

[[intake]]
name = "hall-chat"
secret_env = "NOT_SET_EITHER"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "floormic.toml"
    file.write_text(CONFIG)
    return file


async def keep(config: Path, *healths: SourceHealth, outages: tuple[Outage, ...] = (), heard: int = 0) -> None:
    store = await open_store(installation(config).database)
    await store.keep_sources(healths, outages)
    await store.receive([Message("talk", "telegram", f"m{n}", "u", "U", "hello", NOW - 100) for n in range(heard)])
    await store.close()


def health(
    source: str, state: SourceState = SourceState.CONNECTED, beat: float = NOW - 2, **more: object
) -> SourceHealth:
    return SourceHealth(source, state, NOW - 3600, beat, **more)  # type: ignore[arg-type]


def lines(found: Standing) -> str:
    return "\n".join(told(found, NOW))


def test_it_is_read_while_the_program_holds_the_database(config: Path) -> None:
    """Neither the lock nor a secret that is not set in this terminal stands in the way."""

    async def watched() -> Standing:
        store = await open_store(installation(config).database)
        supervisor = Supervisor(FakeFloor(), store, [Chat("telegram", abilities=Abilities(reply=True))])
        task = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(10):
            while [r.health.state for r in await supervisor.reports()] != [SourceState.CONNECTED]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        found = await asyncio.to_thread(standing, installation(config), time.time())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.close()
        return found

    found = asyncio.run(watched())
    assert found.running
    [source] = found.sources
    assert (source.source, source.kind, source.session, source.state) == ("telegram", "telegram", "talk", "connected")
    assert found.unseen == ["hall-chat"]
    assert found.well


async def test_it_says_for_each_source_how_it_is(config: Path) -> None:
    """State, messages, reconnects, what was missed and what was fetched later, what was sent, the trouble."""
    await keep(
        config,
        health("telegram", connects=3, chat_minute=4, chat_limits=(20, 1000), chat_hour=60),
        health("hall-chat", SourceState.REFUSED, trouble="the key is wrong\x1b[31m; get\na new one"),
        outages=(
            Outage("telegram", NOW - 900, NOW - 700, "cut"),
            Outage("telegram", NOW - 600, NOW - 540, "cut", filled=True),
            Outage("hall-chat", NOW - 3600, None, "the key is wrong"),
        ),
        heard=7,
    )
    found = standing(installation(config), NOW)
    text = lines(found)
    assert "Floormic is running; its last sign of life came 2 s ago." in text
    assert "● telegram: connected since" in text
    assert "(1 h 0 min)" in text
    assert "messages    7, the last at" in text
    assert "reconnects  2" in text
    assert "missed      3 min 20 s in the last 24 h; 1 min more were fetched later" in text
    assert "sending     4 of 20 a minute and 60 of 1000 an hour in the busiest chat" in text
    assert "✕ hall-chat (intake): refused and left alone since" in text
    assert "trouble     the key is wrong[31m; get a new one" in text
    assert "sending     cannot reply" in text
    assert not found.well


async def test_after_the_program_stopped_it_says_how_it_was(config: Path) -> None:
    """A beat older than some seconds means that it does not run; time that passed since is no time that was missed."""
    beat = NOW - 21
    await keep(
        config, health("telegram", SourceState.LOST, beat), outages=(Outage("telegram", beat - 60, None, "cut"),)
    )
    found = standing(installation(config), NOW)
    assert not found.running
    assert found.sources[0].missed == 60.0
    assert "Floormic is not running: its last sign of life came 21 s ago" in lines(found)
    assert not found.well


@pytest.mark.parametrize(("since", "well"), [(NOW - 20, True), (NOW - 60, False)])
async def test_one_that_takes_long_to_connect_is_not_well(config: Path, since: float, well: bool) -> None:
    """A listener that was never started leaves its source connecting for ever; somebody should see to that."""
    await keep(config, replace(health("telegram", SourceState.STARTING), since=since))
    assert standing(installation(config), NOW).well is well


async def test_what_is_no_longer_configured_is_named_and_no_more(config: Path) -> None:
    """An old source does not stand among those of today."""
    await keep(config, health("telegram"), health("old-chat", SourceState.LOST, NOW - 86400))
    found = standing(installation(config), NOW)
    assert [source.source for source in found.sources] == ["telegram"]
    assert "No longer configured: old-chat" in lines(found)
    assert found.well


def test_before_the_first_run_it_says_so(config: Path) -> None:
    """No database is made only to look into it."""
    found = standing(installation(config), NOW)
    assert found.unseen == ["telegram", "hall-chat"]
    assert "has not run with these sources yet" in lines(found)
    assert not installation(config).database.exists()


def test_without_a_source_it_says_how_to_get_one(tmp_path: Path) -> None:
    """A configuration without chats is no failure."""
    (tmp_path / "floormic.toml").write_text("")
    found = standing(installation(tmp_path / "floormic.toml"), NOW)
    assert "floormic connect --list" in lines(found)
    assert found.well


def test_the_data_folder_is_that_of_the_configuration(tmp_path: Path) -> None:
    """Relative to the file, as for the program."""
    (tmp_path / "floormic.toml").write_text('data = "kept"\n')
    assert installation(tmp_path / "floormic.toml").database == tmp_path / "kept/floormic.sqlite3"


def test_what_cannot_be_read_is_said(config: Path) -> None:
    """A file that is no TOML, a database that is none and one of an older version: each a line of its own."""
    database = installation(config).database
    database.parent.mkdir()
    database.write_text("this is no database, whatever its name says " * 20)
    with pytest.raises(StoreError, match="no SQLite database"):
        standing(installation(config), NOW)
    database.write_bytes(b"")
    with pytest.raises(StoreError, match="older version"):
        standing(installation(config), NOW)
    config.write_text("[telegram\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        installation(config)
