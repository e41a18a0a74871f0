"""Bilibili's events to what they mean here. Decides; calls nothing.

Comments (弹幕) and paid ones (醒目留言) are messages. Pictures (dm_type 1) say nothing, and comments that are mirrored
from another room (DM_MIRROR) have neither an author nor a place here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.connectors.common import clean
from bot.model import Message
from bot.ports import Now

COMMENTS = ("LIVE_OPEN_PLATFORM_DM", "OPEN_LIVEROOM_DM")
PAID = ("LIVE_OPEN_PLATFORM_SUPER_CHAT", "OPEN_LIVEROOM_SUPER_CHAT")
PICTURE = 1
LONGEST_TEXT, LONGEST_NAME, LONGEST_ID = 4000, 100, 200
EARLIEST, LATEST = 86400.0, 600.0
"""A comment's time is believed from so many seconds ago until so many ahead."""

UNNAMEABLE = re.compile(r"[\s@:,，：]")


class Happening(Enum):
    """What happens to the session and not to the queue."""

    OVER = "over"
    LIVE = "live"
    OFF = "off"


HAPPENINGS = {
    "LIVE_OPEN_PLATFORM_INTERACTION_END": Happening.OVER,
    "OPEN_LIVEROOM_INTERACTION_END": Happening.OVER,
    "LIVE_OPEN_PLATFORM_LIVE_START": Happening.LIVE,
    "OPEN_LIVEROOM_LIVE_START": Happening.LIVE,
    "LIVE_OPEN_PLATFORM_LIVE_END": Happening.OFF,
    "OPEN_LIVEROOM_LIVE_END": Happening.OFF,
}


class Unreadable(ValueError):
    """An event that should be a comment and is none; the text names the part and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events of the platform's session `opened` for one source. `host`, `host_id`: name and id of the
    broadcaster, "" where they are not known."""

    name: str
    session: str
    now: Now
    opened: str = ""
    host: str = ""
    host_id: str = ""

    def read(self, event: object) -> Message | Happening | None:
        """None for what means nothing here. Raises `Unreadable`."""
        if not isinstance(event, dict) or not isinstance(event.get("cmd"), str):
            return None
        command, data = event["cmd"], event.get("data")
        if not isinstance(data, dict):
            data = {}
        if command in COMMENTS:
            return self._comment(data)
        if command in PAID:
            return self._message(f"sc:{_id(data, 'message_id')}", _text(data, "message"), data)
        happening = HAPPENINGS.get(command)
        # An app may have several sessions in a room, and each hears of the others.
        if happening is Happening.OVER and data.get("game_id", self.opened) != self.opened:
            return None
        return happening

    def _comment(self, data: Mapping[str, Any]) -> Message | None:
        if data.get("dm_type") == PICTURE:
            return None
        return self._message(_id(data, "msg_id"), self._addressed(_text(data, "msg"), data), data)

    def _addressed(self, text: str, data: Mapping[str, Any]) -> str:
        """Bilibili keeps apart whom a comment replies to; the text says it as in other chats. Who replies to the
        broadcaster speaks to the stage, as everybody does."""
        name, to = data.get("reply_uname"), data.get("reply_open_id")
        if not isinstance(name, str) or not (short := UNNAMEABLE.sub("", clean(name))[:24]):
            return text
        to_host = (to == self.host_id) if to and self.host_id else (name == self.host)
        return text if to_host or text.startswith("@") else f"@{short} {text}"

    def _message(self, external_id: str, text: str, data: Mapping[str, Any]) -> Message | None:
        if not text.strip():
            return None
        name = data.get("uname")
        return Message(
            session=self.session,
            source=self.name,
            external_id=external_id,
            author=_id(data, "open_id"),
            author_name=clean(name)[:LONGEST_NAME] if isinstance(name, str) else "",
            text=text[:LONGEST_TEXT],
            at=self._time(data.get("timestamp")),
        )

    def _time(self, given: object) -> float:
        now = self.now()
        if isinstance(given, int | float) and now - EARLIEST <= given <= now + LATEST:
            return float(given)
        return now


def _id(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    text = clean(str(found)) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not 0 < len(text) <= LONGEST_ID:
        raise Unreadable(f"{key} is no id")
    return text


def _text(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    if not isinstance(found, str):
        raise Unreadable(f"{key} is no text")
    return clean(found)
