"""What comes in over HTTP, checked and cleaned."""

import re
import unicodedata
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.accounts import LONGEST_NAME as LONGEST_ACCOUNT_NAME
from bot.accounts import may_be_called, name_key
from bot.errors import BadInput
from bot.web.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, normal
from bot.web.problems import problem_in
from bot.web.schemas import LONGEST_MESSAGE, LONGEST_NAME
from bot.web.site import CALLER
from bot.web.texts import say

B = TypeVar("B", bound=BaseModel)

LARGEST_REVISION = 2**53  # what a browser counts exactly
# Direction overrides and isolates can make a text read as another one on the board.
JOINERS = "\u200c\u200d"  # some scripts and emoji are written with them
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
        lang = request[CALLER].lang
        raise BadInput(say(lang, "bad_field", field=name, problem=problem_in(first, lang)), name) from error


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


def read_account_name(name: str, lang: str, given: str = "") -> str:
    """The name of somebody who signs in, on one line. Raises `BadInput` for one that is too long, cannot be seen, or
    means something here, unless it is the one they were given."""
    name = " ".join(clean(name).split())
    if not name_key(name):
        raise BadInput(say(lang, "name_empty"))
    if len(name) > LONGEST_ACCOUNT_NAME:
        raise BadInput(say(lang, "name_long", most=LONGEST_ACCOUNT_NAME, length=f"{len(name):,}"))
    if name != given and not may_be_called(name):
        raise BadInput(say(lang, "name_kept"))
    return "".join(c for c in name if unicodedata.category(c) != "Cf" or c in JOINERS)


def read_password(password: str, name: str, lang: str) -> None:
    """Raises `BadInput` with what a password that one chooses must be like."""
    length = len(normal(password))
    if length < SHORTEST_PASSWORD:
        raise BadInput(say(lang, "password_short", least=SHORTEST_PASSWORD, length=length))
    if length > LONGEST_PASSWORD:
        raise BadInput(say(lang, "password_long", most=LONGEST_PASSWORD, length=f"{length:,}"))
    if name_key(password) == name_key(name):
        raise BadInput(say(lang, "password_name"))


def clean(text: str) -> str:
    """Without control characters other than line breaks and tabs, and without marks that steer its direction."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    kept = (c for c in STEERING.sub("", lines) if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def read_since(request: web.Request, *, last_event_id: bool = False) -> int:
    """The revision a client knows; a stream's own reconnection (Last-Event-ID) counts more than its address."""
    sent = request.headers.get("Last-Event-ID", "") if last_event_id else ""
    return min(_number(request, "since", sent or request.query.get("since", "0")), LARGEST_REVISION)


def read_numbers(request: web.Request, field: str) -> list[int]:
    """All values of a query parameter that may be given more than once. Raises `BadInput`."""
    return [_number(request, field, value) for value in request.query.getall(field, [])]


def _number(request: web.Request, field: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 16:
        raise BadInput(say(request[CALLER].lang, "bad_field", field=field, problem="0, 1, 2, …"))
    return int(value)
