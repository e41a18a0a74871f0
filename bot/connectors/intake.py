"""The signed intake: any program that holds the secret may hand over the lines of a chat, and take the answers.

POST to `/in/<name>` with the header `X-Floormic-Timestamp` (Unix seconds) and `X-Floormic-Signature`, which is
"sha256=" and the hex HMAC-SHA256 of the timestamp, "." and the raw body. The body is one message or a list of them:
`{"id", "user", "name", "text", "at", "chat"}`; `name`, `at` and `chat` may be left out. What is said to them is posted
to `reply_url`, signed in the same way. docs/intake.md is the contract.
"""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Annotated, ClassVar

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from bot.connectors.commands import Texts, receive, understood
from bot.errors import ConnectorError, Crowded, Refused, SettingsError, StoreError, TryLater
from bot.kinds import Kind, Surroundings
from bot.model import Abilities, Address, Delivery, Message, Unit
from bot.options import SourceOptions, Url, secret
from bot.ports import Floor, HookReply, HookRequest, Now

WINDOW = 300.0
"""Seconds that a signature is good for, both ways: clocks differ. Within it the messages' ids stop a replay."""

LONGEST_BODY = 256 * 1024
SHORTEST_SECRET = 16
FORBIDDEN = HookReply(403, b'{"error": "forbidden", "code": "not_allowed"}')
PROBLEMS = 10
"""So many mistakes are named at once."""

CALL_SECONDS = 20.0
LONGEST_BUSY = 60
"""Seconds that the other program is asked to wait at most where it brings too much."""

LONGEST_WAIT = 3600.0
"""Seconds. Whoever is told to wait longer asks again."""

GONE = {403, 404, 410}
BUSY = {429, 503}

Id = Annotated[str, Field(min_length=1, max_length=200)]


class Line(BaseModel):
    """A message as it comes. `at` is Unix seconds; ids may be numbers. `chat` is the group it was said in; "" where
    only the user reads the answer."""

    model_config = ConfigDict(coerce_numbers_to_str=True, extra="ignore", frozen=True)

    id: Id
    user: Id
    text: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(max_length=200)] = ""
    # The upper bound is there to catch milliseconds.
    at: Annotated[float, Field(ge=0, lt=100_000_000_000, allow_inf_nan=False)] | None = None
    chat: Annotated[str, Field(max_length=200)] = ""


SILENT = Abilities(reply=False)
REPLYING = Abilities(reply=True, private=True, once=True, length=4096, unit=Unit.CHARACTERS)
OWN: Texts = {
    "zh": {"group": "群里：/ask 您的问题。", "how": "群里用这些词要带 /。"},
    "en": {"group": "In a group: /ask your question.", "how": "In a group these words need the /."},
}
"""Nobody can be mentioned through it."""

LINES = TypeAdapter(list[Line])


class IntakeOptions(SourceOptions):
    kind: ClassVar[str] = "intake"
    about: ClassVar[str] = "A signed way in for any other chat: `POST /in/NAME`."

    secret: SecretStr = secret("The secret that the other program signs with, at least 16 characters.", made_here=True)
    reply_url: Url = Field(
        default="", description="Where answers are posted, signed with the same secret. Without it: on the page only."
    )


class Intake:
    """Takes messages for one session under the name `name`, and posts what is said to them to `reply_url`. Without one
    it cannot reply: the answers stand on the page.

    Raises `SettingsError` for a secret shorter than 16 characters.
    """

    def __init__(
        self, name: str, secret: str, session: str, now: Now, reply_url: str = "", language: str = "zh"
    ) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise SettingsError([f"intake {name!r}: its secret needs at least {SHORTEST_SECRET} characters."])
        self.name = name
        self.abilities = REPLYING if reply_url else SILENT
        self._secret, self._session, self._now = secret.encode(), session, now
        self._reply_url, self._language = reply_url, language
        self._floor: Floor | None = None
        self._client: aiohttp.ClientSession | None = None

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
            new = await self._receive(self._floor, lines)
        except Crowded as error:
            return _busy("too much at once; nothing was taken", min(error.seconds, LONGEST_BUSY))
        except StoreError:
            return _busy("cannot be stored now; nothing was taken")
        return HookReply(200, json.dumps({"accepted": len(lines), "new": new}).encode())

    async def send(self, delivery: Delivery) -> str:
        """Post it; the idempotency key it was posted with. Redirects are not followed, the answer's body is not read.

        The organiser chose the address, and nothing from a chat changes it.
        """
        if not self._reply_url:
            raise Refused(f"{self.name} cannot be replied to")
        body = answer_body(delivery)
        # The same text again is a repetition; a corrected one must not be taken for it.
        once = hashlib.sha256(f"{delivery.key}\n{delivery.text}".encode("utf-8", "surrogatepass")).hexdigest()
        headers = {"Content-Type": "application/json", "Idempotency-Key": once, **self._signed(body)}
        try:
            async with self._calls().post(self._reply_url, data=body, headers=headers, allow_redirects=False) as reply:
                raise_for(reply.status, reply.headers.get("Retry-After", ""), self._now())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Without the error's text: it quotes the address, which may be known to nobody else.
            raise ConnectorError(
                f"reply_url could not be reached ({type(error).__name__}). Is the other program running?"
            ) from None
        return once

    async def close(self) -> None:
        if self._client:
            await self._client.close()

    def _calls(self) -> aiohttp.ClientSession:
        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
            self._client = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._client

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self._now()))
        return {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(self._secret, stamp, body)}

    def _genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        stamp = headers.get("x-floormic-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(self._now() - int(stamp)) > WINDOW:
            return False
        given = headers.get("x-floormic-signature", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, signature(self._secret, stamp, body).encode())

    async def _receive(self, floor: Floor, lines: list[Line]) -> int:
        messages = [self._message(line) for line in lines]
        if not self._reply_url:
            return await floor.receive(messages)
        heard = [one for message in messages if (one := understood(message))]
        return await receive(floor, heard, None, self._session, self._language, self.abilities, OWN)

    def _message(self, line: Line) -> Message:
        return Message(
            session=self._session,
            source=self.name,
            external_id=line.id,
            author=line.user,
            author_name=line.name,
            text=line.text,
            at=self._now() if line.at is None else line.at,
            address=self._address(line) if self._reply_url else None,
        )

    def _address(self, line: Line) -> Address:
        # A user and a group may have the same id.
        chat = f"group:{line.chat}" if line.chat else f"user:{line.user}"
        return Address(self.name, chat, line.id, line.user, private=not line.chat)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What the header `X-Floormic-Signature` has to say."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def answer_body(delivery: Delivery) -> bytes:
    """`{"key", "kind", "id", "user", "chat", "text"}`: to which message of whom this is said (docs/intake.md). What
    answers no message, such as a poll, names the person of a private chat by the chat alone."""
    to = delivery.address
    _, _, id = to.chat.partition(":")
    answer = {
        "key": delivery.key,
        "kind": delivery.key.partition(":")[0],
        "id": to.message,
        "user": to.user or (id if to.private else ""),
        "chat": "" if to.private else id,
        "text": delivery.text,
    }
    return json.dumps(answer).encode()


def raise_for(status: int, retry_after: str, now: float) -> None:
    """Nothing for 2xx; else what an answer's status means for the outbox."""
    if 200 <= status < 300:
        return
    if status in GONE:
        raise Refused(f"the other program does not take this answer (HTTP {status})")
    if status in BUSY and (seconds := wait_of(retry_after, now)):
        raise TryLater(seconds)
    if 300 <= status < 400:
        raise ConnectorError(f"reply_url redirects (HTTP {status}). Set it to the address that takes the answers.")
    raise ConnectorError(f"reply_url answered with HTTP {status}. See the other program's log.")


def wait_of(retry_after: str, now: float) -> float:
    """Seconds from 1 to an hour that `Retry-After` asks for (a number or a date); 0 where it does not say."""
    try:
        at = None if retry_after.isdecimal() else parsedate_to_datetime(retry_after).timestamp()
        seconds = float(retry_after) if at is None else at - now
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 1.0), LONGEST_WAIT)


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


def _busy(text: str, seconds: int = 5) -> HookReply:
    answer = _problem(503, text, "busy")
    return HookReply(answer.status, answer.body, headers=(("Retry-After", str(seconds)),))


def make(options: IntakeOptions, around: Surroundings) -> Intake:
    return Intake(
        options.name, options.secret.get_secret_value(), options.session, around.now, options.reply_url, around.language
    )


async def try_out(options: IntakeOptions, around: Surroundings) -> str:
    """Posts an answer of the kind "test" where there is a `reply_url`."""
    to = f"The other program posts signed messages to {around.public_url or 'http://127.0.0.1:8080'}/in/{options.name}"
    if not options.reply_url:
        return f"{to}; there is nothing to try."
    intake = make(options, around)
    try:
        await intake.send(Delivery("test:", options.session, Address(options.name, "user:"), ""))
    finally:
        await intake.close()
    return f"reply_url took a signed test answer. {to}."


KIND = Kind(
    options=IntakeOptions,
    titles={"zh": "签名接口", "en": "Signed intake"},
    guide={
        "zh": "1. 生成一个密钥（例如 openssl rand -hex 32），两边各存一份。\n"
        "2. 让对方程序把消息签名后 POST 到 /in/名称（见 docs/intake.md）。\n"
        "3. 想把回答送回那个聊天：让对方程序提供一个接收地址，填为 reply_url。",
        "en": "1. Make a secret (such as by openssl rand -hex 32) and give it to both programs.\n"
        "2. Let the other one post signed messages to /in/NAME (see docs/intake.md).\n"
        "3. To have the answers in that chat: let it take them at an address, and name that as reply_url.",
    },
    abilities=REPLYING,
    make=make,
    try_out=try_out,
    called=True,
)
