"""Frames of the bot's WebSocket: one JSON object each, `{cmd, headers: {req_id}, body}`; an answer has no `cmd` but an
`errcode`. Source: developer.work.weixin.qq.com/document/path/101463."""

import json
from dataclasses import dataclass
from typing import Any

from bot.connectors.common import clean

Json = dict[str, Any]

SUBSCRIBE = "aibot_subscribe"
PING = "ping"
MESSAGE = "aibot_msg_callback"
EVENT = "aibot_event_callback"
RESPOND = "aibot_respond_msg"
WELCOME = "aibot_respond_welcome_msg"
UPDATE = "aibot_respond_update_msg"
SEND = "aibot_send_msg"

LONGEST_ID = 256


class BadFrame(ValueError):
    """What came is no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`errcode` is None where the frame is no answer."""

    cmd: str
    req_id: str
    body: Json
    errcode: int | None = None
    errmsg: str = ""


def read_frame(data: str | bytes) -> Frame:
    """Raises `BadFrame`."""
    raw = read_object(data)
    headers, body = raw.get("headers"), raw.get("body")
    errcode, errmsg = raw.get("errcode"), raw.get("errmsg")
    return Frame(
        cmd=identifier(raw.get("cmd")),
        req_id=identifier(headers.get("req_id")) if isinstance(headers, dict) else "",
        body=body if isinstance(body, dict) else {},
        errcode=errcode if isinstance(errcode, int) and not isinstance(errcode, bool) else None,
        errmsg=errmsg if isinstance(errmsg, str) else "",
    )


def write_frame(cmd: str, req_id: str, body: Json | None = None) -> str:
    frame: Json = {"cmd": cmd, "headers": {"req_id": req_id}}
    return json.dumps(frame if body is None else {**frame, "body": body})


def read_object(data: str | bytes) -> Json:
    """Raises `BadFrame` for what is no JSON object."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise BadFrame("no JSON") from None
    if not isinstance(raw, dict):
        raise BadFrame("no JSON object")
    return raw


def identifier(value: Any) -> str:
    """An id as it came, "" for what cannot be one."""
    return clean(value) if isinstance(value, str) and len(value) <= LONGEST_ID else ""
