"""What a listener posts, read. Pure: bytes to comments.

There is no documented interface for comments of WeChat Channels. The shapes below are those of the console's own
requests (`mmfinderassistant-bin/live/msg`) and of the listeners that forward them:

- forwarded: `{host_info, live_info: {live_id}, events: [{decoded_type, msg_id, seq, content, nickname, sec_openid,
  decoded_openid?, msg_time}]}`, also as the value of `decoded_data`;
- the console's answer, old: `{errCode, data: {liveInfo: {liveId}, msgList: [{type, clientMsgId, seq, content, nickname,
  username, isSelf}], appMsgList}}`;
- the console's answer, new: `{errCode, data: {respJsonStr}}`, a string with the same in snake case;
- our own listener: `{listener, live_id, answer}`, with the console's answer as it came.

`type` 1 is a comment, 10005 somebody who entered; gifts and likes stand in the `appMsgList`.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.errors import BadInput

LONGEST_BODY = 256 * 1024
LONGEST_INFLATED = 4 * 1024 * 1024
MOST_EVENTS = 5000
LONGEST_TEXT = 2000
LONGEST_NAME = 200
LONGEST_ID = 200
COMMENT = 1
GZIP = b"\x1f\x8b"
LISTS = ("msgList", "msg_list", "appMsgList", "app_msg_list")

Json = dict[str, Any]


class TooLong(BadInput):
    """More than is read at once."""


@dataclass(frozen=True, slots=True)
class Comment:
    """`id` is unique over all broadcasts, `user` within one; `at` in Unix seconds (None: not said)."""

    id: str
    user: str
    name: str
    text: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """One body. `beats`: from our own listener, which speaks up even when nothing was said. `error`: the console's
    errCode, 0 where it got an answer."""

    comments: tuple[Comment, ...] = ()
    beats: bool = False
    error: int = 0


def read(body: bytes) -> Forwarded:
    """Raises `BadInput` for what is none of the shapes above, `TooLong` for too much of it."""
    if len(body) > LONGEST_BODY:
        raise TooLong(f"the body is longer than {LONGEST_BODY // 1024} KiB; send it with gzip")
    given = _object(inflated(body) if body.startswith(GZIP) else body)
    given = _dict(given.get("decoded_data")) or given
    if isinstance(given.get("events"), list):
        live = _text(_dict(given.get("live_info")).get("live_id"), LONGEST_ID)
        return Forwarded(_comments(live, given["events"], _forwarded))
    ours = isinstance(given.get("answer"), dict)
    answer = given["answer"] if ours else given
    live = _text(given.get("live_id"), LONGEST_ID) if ours else ""
    error = _whole(answer.get("errCode"))
    if error:
        return Forwarded(beats=ours, error=error)
    return Forwarded(_answered(live, answer), beats=ours)


def inflated(body: bytes) -> bytes:
    """Of gzip. Raises `BadInput`; never makes more than `LONGEST_INFLATED` bytes."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(body, LONGEST_INFLATED + 1)
    except zlib.error:
        raise BadInput("the body begins like gzip and is none") from None
    if len(plain) > LONGEST_INFLATED:
        raise TooLong(f"the body is longer than {LONGEST_INFLATED // 1024 // 1024} MiB unpacked")
    if not unpacking.eof:
        raise BadInput("the gzip body is cut off")
    return plain


def _answered(live: str, answer: Json) -> tuple[Comment, ...]:
    data = _dict(answer.get("data"))
    if isinstance(data.get("respJsonStr"), str):
        data = _object(data["respJsonStr"])
    if not any(name in data for name in LISTS):
        raise BadInput("neither events nor a message list is in it; the console's answers may have changed")
    info = _dict(data.get("liveInfo")) or _dict(data.get("live_info"))
    live = live or _text(info.get("liveId") or info.get("live_id"), LONGEST_ID)
    items = data.get("msgList") or data.get("msg_list") or []
    return _comments(live, items if isinstance(items, list) else [], _raw)


def _comments(live: str, items: list[Any], one: Any) -> tuple[Comment, ...]:
    if len(items) > MOST_EVENTS:
        raise TooLong(f"more than {MOST_EVENTS} events at once")
    return tuple(_made(live, items, one))


def _made(live: str, items: list[Any], one: Any) -> Iterator[Comment]:
    for item in items:
        found = one(item) if isinstance(item, dict) and not _own(item) else None
        if found is None:
            continue
        key, user, name, text, at = found
        if text and key:
            # Numbers begin anew with each broadcast. Where nobody says which one it is, the sender's id tells them
            # apart, for that one is new each time as well.
            place = live or hashlib.sha256(f"{user}\n{text}".encode()).hexdigest()[:16]
            yield Comment(f"{place}:{key}", user or f"{place}:{key}", name, text, at)


Found = tuple[str, str, str, str, float | None]


def _forwarded(event: Json) -> Found | None:
    kind = event.get("decoded_type")
    if kind != "comment" and not (kind is None and _whole(event.get("msg_sub_type")) == COMMENT):
        return None
    key = event.get("msg_id") or event.get("seq")
    user = event.get("decoded_openid") or event.get("sec_openid")
    return _found(key, user, event, _seconds(event.get("msg_time")))


def _raw(item: Json) -> Found | None:
    if _whole(item.get("type")) != COMMENT:
        return None
    key = item.get("clientMsgId") or item.get("client_msg_id") or item.get("seq")
    return _found(key, item.get("username"), item, None)


def _found(key: Any, user: Any, item: Json, at: float | None) -> Found:
    name, text = _text(item.get("nickname"), LONGEST_NAME), _text(item.get("content"), LONGEST_TEXT)
    return _text(key, LONGEST_ID), _text(user, LONGEST_ID), name, text, at


def _own(item: Json) -> bool:
    """What the broadcaster says is not asked by the audience."""
    return bool(item.get("isSelf") or item.get("is_self"))


def _object(text: bytes | str) -> Json:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("the body is no JSON") from None
    if not isinstance(given, dict):
        raise BadInput("the body is no JSON object")
    return given


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int:
    """A whole number, which may come as its digits; 0 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _seconds(value: Any) -> float | None:
    """Unix seconds of what is given in milliseconds, or by some in seconds."""
    stamp = _whole(value)
    if not 0 < stamp < 100_000_000_000_000:
        return None
    return stamp / 1000 if stamp > 100_000_000_000 else float(stamp)


def _text(value: Any, longest: int) -> str:
    """Also of numbers. Half surrogate pairs, which JSON may carry, become the replacement character."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int) and abs(value) > 10**30:
        return ""
    text = str(value).replace("\0", "")[:longest].strip()
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
