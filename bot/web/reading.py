"""What comes in over HTTP, checked and cleaned."""

import re
import unicodedata
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.errors import BadInput
from bot.web.schemas import LONGEST_MESSAGE, LONGEST_NAME
from bot.web.site import CALLER
from bot.web.texts import say

B = TypeVar("B", bound=BaseModel)

LARGEST_REVISION = 2**53  # what a browser counts exactly
# Direction overrides and isolates can make a text read as another one on the board.
STEERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


async def read_body(request: web.Request, model: type[B]) -> B:
    """The JSON body as `model`. Raises `BadInput` naming the field, or aiohttp's 413 and 415."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    raw = await request.read()
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "JSON"
        lang, problem = request[CALLER].lang, first["msg"]
        if first["type"] == "string_too_long":
            problem = say(lang, "field_too_long", most=first["ctx"]["max_length"])
        raise BadInput(say(lang, "bad_field", field=name, problem=problem), name) from error


def read_text(text: str, lang: str) -> str:
    """A question as it may be stored: raw, but without control characters. Raises `BadInput` with what to do."""
    text = clean(text)
    if not text:
        raise BadInput(say(lang, "empty"))
    if len(text) > LONGEST_MESSAGE:
        raise BadInput(say(lang, "too_long", most=f"{LONGEST_MESSAGE:,}", length=f"{len(text):,}"))
    return text


def read_name(name: str) -> str:
    """A name on one line, cut where it is too long."""
    return " ".join(clean(name).split())[:LONGEST_NAME]


def clean(text: str) -> str:
    """Without control characters other than line breaks and tabs, and without marks that steer its direction."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    kept = (c for c in STEERING.sub("", lines) if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def read_since(request: web.Request, *, last_event_id: bool = False) -> int:
    """The revision a client knows; a stream's own reconnection (Last-Event-ID) counts more than its address."""
    sent = request.headers.get("Last-Event-ID", "") if last_event_id else ""
    value = sent or request.query.get("since", "0")
    if not (value.isascii() and value.isdigit()) or len(value) > 16:
        raise BadInput(say(request[CALLER].lang, "bad_field", field="since", problem="0, 1, 2, …"))
    return min(int(value), LARGEST_REVISION)
