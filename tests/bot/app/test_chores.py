"""What comes round by itself, with several processes of the program."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.model import Session, SurveyWhen
from bot.storage.postgres import open_postgres
from bot.storage.postgres_deferred_schema import NAME
from bot.surveying.times import AFTER_END
from tests.bot.app.many import process
from tests.bot.storage import postgres
from tests.waiting import until

LATE = 60.0
"""Seconds by which what is due may be done late."""


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as made:
        yield made


def rows(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as db:
        return db.execute(sql.encode(), values).fetchall()


@pytest.mark.thorough  # a minute: until the queue of a killed process is found
async def test_two_processes_do_what_is_due_once_and_one_of_them_is_enough(tmp_path: Path, url: str) -> None:
    """Of twelve evenings that end, each survey opens once, at most a minute late, though one of the two processes is
    killed meanwhile; who sets an evening makes them look within seconds."""
    over = [
        Session(f"talk{n}", "A talk", language="en", survey=SurveyWhen.AT_END, ended_at=time.time() - AFTER_END)
        for n in range(2, 14)
    ]
    opened = "SELECT session FROM actions WHERE what = 'survey_open'"
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(process(tmp_path, url, "outbox"))
        await stack.enter_async_context(process(tmp_path, url, "outbox"))
        store = await open_postgres(url)
        woken = f"SELECT 1 FROM {NAME}.procrastinate_jobs WHERE task_name = 'rounds' AND args->>'timestamp' = '0'"
        await until(
            lambda: bool(rows(url, f"SELECT 1 FROM {NAME}.procrastinate_jobs WHERE status = 'succeeded'")), LATE
        )
        await store.save_session(replace(over[0], ended_at=None))
        await until(lambda: bool(rows(url, woken)), 5)
        for session in over:
            await store.save_session(session)
        first.kill()
        await until(lambda: len(rows(url, opened)) >= 12, LATE)
        await asyncio.sleep(1)
        await store.close()
    assert Counter(rows(url, opened)) == Counter({(session.id,): 1 for session in over})
    failed = rows(url, f"SELECT task_name FROM {NAME}.procrastinate_jobs WHERE status = 'failed' AND attempts > 0")
    assert failed == []


async def test_only_the_outbox_has_to_do_with_it(tmp_path: Path, url: str) -> None:
    """A process without the outbox queues and does none of it."""
    async with process(tmp_path, url, "web", "pipeline", "connectors") as one:
        await one.ask("Is there a recording?")
        await asyncio.sleep(3)
    assert rows(url, f"SELECT 1 FROM {NAME}.procrastinate_jobs") == []
