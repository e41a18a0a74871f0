"""What several connectors need of Python rather than of their chat: libraries, clocks, texts, and tasks."""

import asyncio
import importlib
from collections.abc import Coroutine
from typing import Any

from bot.errors import SettingsError

DAY = 86400.0


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
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
