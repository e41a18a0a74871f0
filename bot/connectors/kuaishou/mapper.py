"""What Kuaishou pushes, as messages. Pure.

A push: `{message_id, event: LIVE_INTERACTION_DATA, app_id, timestamp (ms), data: {unique_message_id, author_open_id,
room_code, push_type: liveComment|giftSend|liveLike, payload: [{content, userInfo: {userId, userName, headUrl}}]}}`
(直播弹幕玩法, 推送数据).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.connectors.kuaishou.codec import HIDDEN, LONGEST_NAME, LONGEST_TEXT, Frame, read_comments
from bot.errors import BadInput
from bot.model import Message

EVENT, COMMENT = "LIVE_INTERACTION_DATA", "liveComment"
MOST_COMMENTS = 500
LONGEST_ID = 200
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One comment of a push."""

    id: str
    user: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Push:
    """`room`: "" where it is not said; `at`: Unix seconds by the platform's clock, None where it is not said."""

    room: str
    at: float | None
    said: tuple[Said, ...]


def read_push(body: bytes) -> Push:
    """Gifts, likes and the platform's own tests say nothing. Raises `BadInput`."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput("the body is no JSON") from None
    if not isinstance(given, dict):
        raise BadInput("the body is no JSON object")
    data = given.get("data")
    if isinstance(data, str):
        data = _inner(data)
    data = data if isinstance(data, dict) else {}
    is_comment = given.get("event") == EVENT and data.get("push_type") == COMMENT
    said = tuple(_said(data)) if is_comment else ()
    return Push(_text(data.get("room_code"), LONGEST_ID), _at(given.get("timestamp")), said)


def push_messages(push: Push, source: str, session: str, at: float) -> list[Message]:
    return [_message(source, session, one.id, one.user, one.name, one.text, at) for one in push.said]


def feed_messages(frame: Frame, stream: str, source: str, session: str, now: float, sane: float) -> list[Message]:
    """Of a push of the web feed. `sane`: seconds that its times may be from `now`. Raises `BadFrame`."""
    messages = []
    for comment in read_comments(frame.payload):
        if comment.show == HIDDEN or not comment.text:
            continue
        stamp = comment.time or frame.at
        told = "\n".join((comment.user, comment.text, str(stamp)))
        id = comment.id or hashlib.sha256(told.encode()).hexdigest()[:24]
        at = stamp / 1000 if abs(stamp / 1000 - now) < sane else now
        external_id = f"{stream}:{id}"
        user = comment.user or external_id
        messages.append(_message(source, session, external_id, user, comment.name, comment.text, at))
    return messages


def _message(source: str, session: str, id: str, user: str, name: str, text: str, at: float) -> Message:
    return Message(
        session=session, source=source, external_id=id, author=user, author_name=name, text=text, at=at, address=None
    )


def _said(data: Json) -> Iterator[Said]:
    id, payload = _text(data.get("unique_message_id"), LONGEST_ID), data.get("payload")
    if not id or not isinstance(payload, list):
        return
    for number, item in enumerate(payload[:MOST_COMMENTS]):
        if not isinstance(item, dict):
            continue
        text, user = _text(item.get("content"), LONGEST_TEXT), item.get("userInfo")
        user = user if isinstance(user, dict) else {}
        if text:
            # A push may hold several comments, and only the push has an id.
            own = f"{id}#{number}" if number else id
            name = _text(user.get("userName"), LONGEST_NAME)
            yield Said(own, _text(user.get("userId"), LONGEST_ID) or own, name, text)


def _inner(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _at(value: Any) -> float | None:
    """Unix seconds of milliseconds."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value / 1000 if whole and 0 < value < 100_000_000_000_000 else None


def _text(value: Any, longest: int) -> str:
    """Also of numbers. Half surrogate pairs, which JSON may carry, become the replacement character."""
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and abs(value) > 10**30):
        return ""
    text = str(value).replace("\0", "")[:longest].strip()
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
