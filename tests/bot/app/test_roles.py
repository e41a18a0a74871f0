"""Several processes on one PostgreSQL: each does what its roles say, and another one goes on where one ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from bot.cli import floormic
from bot.errors import SettingsError
from tests.bot.app.many import Process, process, watching
from tests.bot.storage import postgres
from tests.waiting import until

TAKEN_OVER = 10.0
"""Seconds until another process does what a dead one did."""


@pytest.fixture
def url() -> AsyncIterator[str]:
    with postgres.database() as made:
        yield made


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as db:
        return db.execute(sql).fetchall()


def owner(url: str, name: str) -> str:
    found = rows(url, f"SELECT owner FROM leases WHERE name = '{name}' AND until > clock_timestamp()")
    return str(found[0][0]) if found else ""


def placed(url: str) -> list[str]:
    """The messages that were placed, in order of arrival; twice where they were placed twice."""
    found = rows(url, "SELECT m.text FROM messages m JOIN placements p ON p.message = m.id ORDER BY m.id")
    return [text for (text,) in found]


async def several(stack: AsyncExitStack, folder: Path, url: str, *roles: str, **more: Any) -> list[Process]:
    """One process a role, started at the same time."""
    starting = [stack.enter_async_context(process(folder, url, *role.split("+"), **more)) for role in roles]
    return list(await asyncio.gather(*starting))


async def test_a_message_goes_through_three_processes(tmp_path: Path, url: str) -> None:
    """What is asked at one web process is placed by the pipeline's process, and told by another web process."""
    async with AsyncExitStack() as stack:
        one, two, _ = await several(stack, tmp_path, url, "web", "web", "pipeline")
        async with watching(two.url) as watcher:
            assert await one.ask("Is there a recording?") == 202
            await until(lambda: "Is there a recording?" in watcher.titles.values())
        assert await one.titles() == await two.titles() == ["Is there a recording?"]


async def test_a_killed_pipeline_is_replaced_within_ten_seconds(tmp_path: Path, url: str) -> None:
    """What is asked when the owner of a session is killed is placed by another process, once."""
    async with AsyncExitStack() as stack:
        web, first, second = await several(stack, tmp_path, url, "web", "pipeline", "pipeline")
        await web.ask("First?")
        await until(lambda: placed(url) == ["First?"])
        before = owner(url, "pipeline:talk")
        dies, lives = (first, second) if "session talk:" in "\n".join(first.log) else (second, first)
        dies.kill()
        began = time.monotonic()
        await web.ask("Second?")
        await until(lambda: placed(url) == ["First?", "Second?"], TAKEN_OVER)
        assert time.monotonic() - began < TAKEN_OVER
        assert owner(url, "pipeline:talk") not in {"", before}
        assert lives.process.returncode is None


async def test_a_paused_owner_writes_nothing_when_it_wakes(tmp_path: Path, url: str) -> None:
    """A process that was stopped for ten seconds finds another one at its session, and stands by."""
    async with AsyncExitStack() as stack:
        web, first, second = await several(stack, tmp_path, url, "web", "pipeline", "pipeline")
        await web.ask("Before?")
        await until(lambda: placed(url) == ["Before?"])
        sleeps, other = (first, second) if "session talk:" in "\n".join(first.log) else (second, first)
        sleeps.pause()
        try:
            await web.ask("Meanwhile?")
            await asyncio.sleep(10.0)
            assert placed(url) == ["Before?", "Meanwhile?"]
            now = owner(url, "pipeline:talk")
        finally:
            sleeps.go_on()
        await asyncio.gather(*(web.ask(f"After {n}?") for n in range(5)))
        await until(lambda: len(placed(url)) == 7)
        await asyncio.sleep(2.0)
        assert owner(url, "pipeline:talk") == now
        assert len(placed(url)) == 7
        assert any("is given up" in line for line in sleeps.log)
        other.kill()  # and it is there when it is needed
        await web.ask("Last?")
        await until(lambda: len(placed(url)) == 8, TAKEN_OVER)


async def test_a_stop_hands_over_at_once(tmp_path: Path, url: str) -> None:
    """A process that is asked to stop lets go, so that another one goes on within three seconds."""
    async with AsyncExitStack() as stack:
        web, first, second = await several(stack, tmp_path, url, "web", "pipeline", "pipeline")
        await until(lambda: owner(url, "pipeline:talk"))
        stops = first if "session talk:" in "\n".join(first.log) else second
        await stops.stop()
        began = time.monotonic()
        await web.ask("Now?")
        await until(lambda: placed(url) == ["Now?"])
        assert time.monotonic() - began < 3.0


@pytest.mark.thorough
async def test_sessions_are_shared_by_those_who_follow_them(tmp_path: Path, url: str) -> None:
    """Of six sessions two processes follow three each; one that comes later gets two of them."""
    held = (
        "SELECT owner, count(*) FROM leases WHERE name LIKE 'pipeline:%' AND until > clock_timestamp() GROUP BY owner"
    )

    def shares() -> list[int]:
        return sorted(count for _, count in rows(url, held))

    async with AsyncExitStack() as stack:
        await several(stack, tmp_path, url, "pipeline", "pipeline", sessions=6)
        await until(lambda: shares() == [3, 3], 20)
        await several(stack, tmp_path, url, "pipeline", sessions=6)
        await until(lambda: shares() == [2, 2, 2], 20)


async def test_a_stream_goes_on_at_another_process(tmp_path: Path, url: str) -> None:
    """Who lost the stream of one web process and comes with its last id to another one is told what is newer, once."""
    async with AsyncExitStack() as stack:
        one, two, _ = await several(stack, tmp_path, url, "web", "web", "pipeline")
        async with watching(one.url) as before:
            await one.ask("One?")
            await until(lambda: "One?" in before.titles.values())
        await two.ask("Two?")
        await until(lambda: placed(url) == ["One?", "Two?"])
        one.kill()
        async with watching(two.url, since=before.last) as after:
            await until(lambda: "Two?" in after.titles.values())
            await two.ask("Three?")
            await until(lambda: "Three?" in after.titles.values())
        assert not before.titles.keys() & after.titles.keys()
        told = [id for _, ids in after.told for id in ids]
        assert sorted(told) == sorted(after.titles)
        assert sorted(after.titles.values()) == ["Three?", "Two?"]


@pytest.mark.thorough
async def test_a_listener_that_is_cut_off_misses_nothing(tmp_path: Path, url: str) -> None:
    """What is written while a web process cannot hear of it is told all the same, about a second later at most."""
    async with AsyncExitStack() as stack:
        one, two, _ = await several(stack, tmp_path, url, "web", "web", "pipeline")
        async with watching(two.url) as watcher:
            for n in range(3):
                rows(
                    url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%notices'"
                )
                await one.ask(f"Number {n}?")
                await until(lambda: f"Number {n}?" in placed(url))  # noqa: B023
                began = time.monotonic()
                await until(lambda: f"Number {n}?" in watcher.titles.values())  # noqa: B023
                assert time.monotonic() - began < 1.5


def test_on_a_file_there_is_one_process(tmp_path: Path) -> None:
    """Some of the roles on a database that is a file are refused in one line that says what to do."""
    (tmp_path / "floormic.toml").write_text(f'data = "{tmp_path}"', encoding="utf-8")
    said = CliRunner().invoke(floormic, ["run", "--config", str(tmp_path / "floormic.toml"), "--role", "web"])
    assert isinstance(said.exception, SettingsError)
    assert str(said.exception).startswith("--role: one process owns a database that is a file; set `database`")
