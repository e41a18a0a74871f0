"""The signed intake: any program that holds the secret may hand over the lines of a chat.

POST to `/in/<name>` with the header `X-Floormic-Timestamp` (Unix seconds) and `X-Floormic-Signature`, which is
"sha256=" and the hex HMAC-SHA256 of the timestamp, "." and the raw body. The body is one message or a list of them:
`{"id", "user", "name", "text", "at"}`; `name` and `at` may be left out.
"""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from bot.errors import Refused, SettingsError, StoreError
from bot.kinds import Kind, Surroundings
from bot.model import Abilities, Delivery, Message
from bot.options import SourceOptions, secret
from bot.ports import Floor, HookReply, HookRequest, Now

WINDOW = 300.0
"""Seconds that a signature is good for, both ways: clocks differ. Within it the messages' ids stop a replay."""

LONGEST_BODY = 256 * 1024
SHORTEST_SECRET = 16
FORBIDDEN = HookReply(403, b'{"error": "forbidden", "code": "not_allowed"}')
PROBLEMS = 10
"""So many mistakes are named at once."""

Id = Annotated[str, Field(min_length=1, max_length=200)]


class Line(BaseModel):
    """A message as it comes. `at` is Unix seconds; ids may be numbers."""

    model_config = ConfigDict(coerce_numbers_to_str=True, extra="ignore", frozen=True)

    id: Id
    user: Id
    text: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(max_length=200)] = ""
    # The upper bound is there to catch milliseconds.
    at: Annotated[float, Field(ge=0, lt=100_000_000_000, allow_inf_nan=False)] | None = None


ABILITIES = Abilities(reply=False)
LINES = TypeAdapter(list[Line])


class IntakeOptions(SourceOptions):
    kind: ClassVar[str] = "intake"
    about: ClassVar[str] = "A signed way in for any other chat: `POST /in/NAME`."

    secret: SecretStr = secret("The secret that the other program signs with, at least 16 characters.", made_here=True)


class Intake:
    """Takes messages for one session under the name `name`. It cannot reply: the answers stand on the page.

    Raises `SettingsError` for a secret shorter than 16 characters.
    """

    abilities = ABILITIES

    def __init__(self, name: str, secret: str, session: str, now: Now) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise SettingsError([f"intake {name!r}: its secret needs at least {SHORTEST_SECRET} characters."])
        self.name = name
        self._secret, self._session, self._now = secret.encode(), session, now
        self._floor: Floor | None = None

    async def run(self, floor: Floor) -> None:
        self._floor = floor
        floor.connected()
        await asyncio.Event().wait()

    async def hook(self, request: HookRequest) -> HookReply:
        """200 with the counts once all is stored; 400 names every mistake and nothing was taken."""
        body = request.body
        if len(body) > LONGEST_BODY:
            return _problem(413, f"the body is longer than {LONGEST_BODY // 1024} KiB", "bad_input")
        if request.method != "POST" or not self._genuine(request.headers, body):
            return FORBIDDEN
        try:
            lines = read_lines(body)
        except ValidationError as error:
            return _problem(400, describe(error), "bad_input")
        if self._floor is None:
            return _busy("not ready yet")
        try:
            new = await self._floor.receive([self._message(line) for line in lines])
        except StoreError:
            return _busy("cannot be stored now; nothing was taken")
        return HookReply(200, json.dumps({"accepted": len(lines), "new": new}).encode())

    async def send(self, delivery: Delivery) -> str:
        raise Refused(f"{self.name} cannot be replied to")

    async def close(self) -> None:
        """Nothing to close."""

    def _genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        stamp = headers.get("x-floormic-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(self._now() - int(stamp)) > WINDOW:
            return False
        given = headers.get("x-floormic-signature", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, signature(self._secret, stamp, body).encode())

    def _message(self, line: Line) -> Message:
        return Message(
            session=self._session,
            source=self.name,
            external_id=line.id,
            author=line.user,
            author_name=line.name,
            text=line.text,
            at=self._now() if line.at is None else line.at,
        )


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What the header `X-Floormic-Signature` has to say."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_lines(body: bytes) -> list[Line]:
    """One message or a list of them. Raises `ValidationError`, which knows each mistake's position."""
    text = body.strip()
    return LINES.validate_json(b"[" + text + b"]" if text.startswith(b"{") else text)


def describe(error: ValidationError) -> str:
    """Each mistake with its place ("2.text: …", counted from 0), without quoting what was sent."""
    problems = error.errors(include_url=False, include_input=False)
    lines = [f"{'.'.join(map(str, p['loc'])) or 'body'}: {p['msg']}" for p in problems[:PROBLEMS]]
    more = len(problems) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _problem(status: int, text: str, code: str) -> HookReply:
    return HookReply(status, json.dumps({"error": text, "code": code}, ensure_ascii=False).encode())


def _busy(text: str) -> HookReply:
    answer = _problem(503, text, "busy")
    return HookReply(answer.status, answer.body, headers=(("Retry-After", "5"),))


def make(options: IntakeOptions, around: Surroundings) -> Intake:
    return Intake(options.name, options.secret.get_secret_value(), options.session, now=around.now)


async def try_out(options: IntakeOptions, around: Surroundings) -> str:
    address = f"{around.public_url or 'http://127.0.0.1:8080'}/in/{options.name}"
    return f"Nothing to try: the other program posts signed messages to {address}."


KIND = Kind(
    options=IntakeOptions,
    titles={"zh": "签名接口", "en": "Signed intake"},
    guide={
        "zh": "1. 生成一个密钥，两边各存一份。\n2. 让对方程序把消息签名后 POST 到 /in/名称（见 docs/intake.md）。",
        "en": "1. Make a secret and give it to both programs.\n2. Let the other one post signed messages to /in/NAME "
        "(see docs/intake.md).",
    },
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    called=True,
)
