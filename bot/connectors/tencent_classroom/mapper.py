"""What the classroom and the meeting tell us, to what it means here. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.connectors.commands import Command, understood
from bot.connectors.common import clean
from bot.model import Address, Message

LONGEST_TEXT = 10_000
MOST = 1000
"""Items of one answer that are looked at."""

KEPT = 8 * 86400.0
"""Seconds. The classroom keeps messages for seven days; one that seems older has a time that makes no sense."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A text that stood in the classroom. `seq` grows within a room; `at` is Unix seconds."""

    seq: int
    account: str
    text: str
    at: float


def heard(page: Iterable[Any], now: float) -> Iterator[Heard]:
    """One for each message of a page, also for those without a text: their numbers count. What is no message is
    skipped."""
    for _, item in zip(range(MOST), page, strict=False):
        if isinstance(item, dict) and _is_number(item.get("Seq")) and isinstance(item.get("FromAccount"), str):
            yield Heard(item["Seq"], clean(item["FromAccount"])[:200], _text(item.get("MessageBody")), _at(item, now))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _text(body: object) -> str:
    """The texts of a message; pictures and what applications send are left out."""
    parts = [item for item in body[:MOST] if isinstance(item, dict)] if isinstance(body, list) else []
    texts = [p["TextMessage"] for p in parts if p.get("MessageType") == 0 and isinstance(p.get("TextMessage"), str)]
    return clean("\n".join(texts)).strip()[:LONGEST_TEXT]


def _at(item: dict[str, Any], now: float) -> float:
    """The document does not say whether it is seconds or milliseconds."""
    stamp = item.get("Timestamp")
    if not _is_number(stamp) or stamp is None:
        return now
    at = stamp / 1000 if stamp > 100_000_000_000 else float(stamp)
    return at if now - KEPT < at < now + 86400 else now


def message(said: Heard, source: str, session: str, room: int, nickname: str) -> Message | Command | None:
    """`explicit` where it begins with /ask or @nickname, which are taken away; None where nothing else was said."""
    mentioned = bool(nickname) and said.text.startswith(f"@{nickname}")
    return understood(
        Message(
            session=session,
            source=source,
            external_id=f"{room}:{said.seq}",
            author=said.account,
            author_name="",  # the classroom tells accounts, no names
            text=said.text.removeprefix(f"@{nickname}") if mentioned else said.text,
            at=said.at,
            address=Address(source, str(room), str(said.seq), said.account, private=False),
            explicit=mentioned,
        )
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """A meeting that ended: its id, the number that people type, and which of a series it was ("" none)."""

    id: str
    number: str
    sub: str


class Unreadable(ValueError):
    """A webhook's data that is no event."""


def opened(data: str) -> bytes:
    """What base64 stands for; the platform leaves the padding out. Raises `Unreadable`."""
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable from None


def ended(data: str) -> list[Ended]:
    """The meetings that an event says have ended (document 1095/51619); none for other events. Raises `Unreadable`."""
    try:
        event = json.loads(opened(data))
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(event, dict):
        raise Unreadable
    payload = event.get("payload")
    parts = payload if isinstance(payload, list) else [payload]
    infos = [part["meeting_info"] for part in parts[:MOST] if isinstance(part, dict) and "meeting_info" in part]
    return [
        Ended(_digits(info.get("meeting_id")), _digits(info.get("meeting_code")), _digits(info.get("sub_meeting_id")))
        for info in infos
        if event.get("event") == "meeting.end" and isinstance(info, dict) and _digits(info.get("meeting_id"))
    ]


def _digits(value: object) -> str:
    """Only what may become a part of an address."""
    return value if isinstance(value, str) and re.fullmatch(r"[0-9]{1,32}", value) else ""
