"""The way to the Bot API: python-telegram-bot's `Bot` with requests of our own. Network only.

Its `Updater` is not used: it confirms updates that it holds in memory only, so that a crash loses them.
"""

import json
import logging
import warnings
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram import Bot, Update
from telegram.error import RetryAfter, TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

log = logging.getLogger(__name__)

POLL_SECONDS = 50
"""How long Telegram holds a getUpdates that has nothing to give; it allows 50."""

CALL_SECONDS = 20.0
"""How long an answer may take. Longer than the library's 5 s, because a call given up on may have been done."""

_status: ContextVar[int] = ContextVar("status", default=0)


class CutShort(TelegramError):
    """An answer that is no whole JSON."""


class Calls(HTTPXRequest):
    """Requests that never log an answer: it holds what people wrote."""

    def __init__(self, connections: int) -> None:
        super().__init__(
            connection_pool_size=connections,
            read_timeout=CALL_SECONDS,
            connect_timeout=10.0,
            pool_timeout=CALL_SECONDS,
            httpx_kwargs={"event_hooks": {"response": [_note_status]}},
        )

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            raise CutShort("the answer is no whole JSON") from None
        if not isinstance(answer, dict):
            raise CutShort("the answer is no JSON object")
        if _status.get() == 200 and "result" not in answer:
            raise CutShort("the answer has no result")
        return answer


class Polls(Calls):
    """Requests for updates. One update that the library cannot read must not hold up all later ones for ever, so it is
    emptied and skipped; its id still counts."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = Calls.parse_json_payload(payload)
        result = answer.get("result", [])
        if not isinstance(result, list):
            raise CutShort("the updates are no list")
        return {**answer, "result": [_readable(one) for one in result if _numbered(one)]}


def read_update(raw: dict[str, Any]) -> Update | None:
    """None where the library cannot make sense of it."""
    try:
        return Update.de_json(raw)
    except Exception as error:  # whatever a malformed update makes of the library
        log.warning("skipped an update that cannot be read (%s)", type(error).__name__)
        return None


def _numbered(raw: Any) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("update_id"), int)


def _readable(raw: dict[str, Any]) -> dict[str, Any]:
    return raw if read_update(raw) else {"update_id": raw["update_id"]}


async def _note_status(response: Any) -> None:
    _status.set(response.status_code)


@dataclass(frozen=True, slots=True)
class Client:
    """A bot and its two pools of connections."""

    bot: Bot
    calls: Calls
    polls: Polls

    async def close(self) -> None:
        await self.calls.shutdown()
        await self.polls.shutdown()


def open_client(token: str, base_url: str, base_file_url: str) -> Client:
    # httpx logs each address, and the address holds the token.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # The library warns of its coming change of type whenever it makes this error itself.
    warnings.filterwarnings("ignore", message=".*retry_after", category=PTBDeprecationWarning)
    calls, polls = Calls(connections=32), Polls(connections=2)
    bot = Bot(token=token, base_url=base_url, base_file_url=base_file_url, request=calls, get_updates_request=polls)
    return Client(bot, calls, polls)


def forget_status() -> None:
    """Call before a request whose outcome `was_done` shall tell."""
    _status.set(0)


def was_done() -> bool:
    """After an error: Telegram said 200 and only the rest of its answer got lost, so asking again would do it twice."""
    return _status.get() == 200


def wait_of(error: RetryAfter) -> float:
    """Seconds. The library is about to change the type; both are taken."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def brief(error: BaseException) -> str:
    """An error's text for a log or a person: one line, short, and never that of a rejected token, which quotes it."""
    return " ".join(f"{error}".split())[:200] or type(error).__name__
