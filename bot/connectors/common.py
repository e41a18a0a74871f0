"""What the connectors for chats with buttons have in common, and those that speak through a library of the platform."""

import asyncio
import importlib
import re
from collections.abc import Coroutine
from typing import Any

from bot.errors import FloormicError, SettingsError, StoreError
from bot.model import Button, Person
from bot.ports import Floor

ASK = re.compile(r"/ask(?![A-Za-z0-9_])\s*(.*)", re.DOTALL | re.IGNORECASE)
PRESS = re.compile(r"(vote|not_answered):(.{1,80})", re.DOTALL)
DAY = 86400.0

WORDS = {
    "zh": {
        "vote": "已计入，共 {people} 人想知道",
        "not_answered": "已转入提问队列，会请讲者或专家来回答",
        "gone": "这个问题已经不在队列里了",
    },
    "en": {
        "vote": "Counted: {people} want to know",
        "not_answered": "It goes to the queue; the speaker or an expert will be asked",
        "gone": "This question is no longer in the queue",
    },
}


def load(module: str, extra: str) -> Any:
    """A library that only those need who use the chat. Raises `SettingsError` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise SettingsError(
            [f"{extra}: the library for this chat is not installed. Run: pip install 'floormic[{extra}]'"]
        ) from None


def asked(text: str) -> tuple[str, bool]:
    """The text without /ask, and whether it began with it."""
    found = ASK.match(text.strip())
    return (found[1].strip(), True) if found else (text.strip(), False)


def clean(text: str) -> str:
    """Half surrogate pairs, which JSON can carry and UTF-8 cannot, become the replacement character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "")


def sane(at: float, now: float) -> float:
    """The platform's time, unless it is more than a day off (or no number): then its clock is wrong."""
    return at if abs(at - now) < DAY else now


def press_id(button: Button) -> str:
    """What a button carries."""
    return f"{button.act}:{button.question}"


async def press(floor: Floor, session: str, id: Any, person: Person, language: str) -> str | None:
    """Count a pressed button; what to tell the one who pressed it, None where it is no button of ours.

    Raises `StoreError`: then it is not counted.
    """
    pressed = PRESS.fullmatch(id) if isinstance(id, str) else None
    if pressed is None:
        return None
    say = WORDS["zh" if language == "zh" else "en"]
    try:
        question = await (floor.vote if pressed[1] == "vote" else floor.not_answered)(session, pressed[2], person)
    except StoreError:
        raise
    except FloormicError:
        return say["gone"]
    return say[pressed[1]].format(people=question.people)


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, and end as it did."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
