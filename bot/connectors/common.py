"""What several connectors need of Python rather than of their chat: libraries, clocks, texts, and tasks."""

import asyncio
import importlib
from collections.abc import Coroutine, Iterable
from typing import Any

from bot.errors import SettingsError

DAY = 86400.0

CANCEL_AGAIN = 2.0
"""Seconds after which what was cancelled and goes on is cancelled again: before Python 3.12 a library's
`asyncio.wait_for` may lose a cancellation that comes at the moment in which what it waits for is done."""


def load(module: str, extra: str) -> Any:
    """A library that only those need who use the chat. Raises `SettingsError` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise SettingsError(
            [f"{extra}: the library for this chat is not installed. Run: pip install 'floormic[{extra}]'"]
        ) from None


def clean(text: str) -> str:
    """Half surrogate pairs, which JSON can carry and UTF-8 cannot, become the replacement character; zeros go."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "")


def sane(at: float, now: float) -> float:
    """The platform's time, unless it is more than a day off (or no number): then its clock is wrong."""
    return at if abs(at - now) < DAY else now


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, and end as it did; of several that end at once, as the first of them."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task in done:
                task.result()
    finally:
        await until_all_end(tasks)


async def until_all_end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel them, and those again that lost it, until all have ended, however they do."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)
        for task in ended:
            if not task.cancelled():
                task.exception()  # looked at, or the log complains of it
