"""Waiting for PostgreSQL no longer than one wants to, whatever the network does."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_ending: set["asyncio.Future[None]"] = set()
"""The event loop itself remembers no task."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What it brings. Raises `TimeoutError` at once when the time is over: the driver would ask the server to end the
    statement, and wait for that."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        _leave(_end(task))
        raise TimeoutError("no answer")
    return task.result()


def part(connection: Connection) -> None:
    """Close a connection once nothing waits for it any more; nobody has to wait for that."""
    _leave(_close(connection))


def _leave(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    _ending.add(task)
    task.add_done_callback(_ending.discard)


async def _end(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    await asyncio.wait({task})


async def _close(connection: Connection) -> None:
    with suppress(Exception):
        async with connection.lock:  # its number must not be another one's while somebody waits for it
            await connection.close()
