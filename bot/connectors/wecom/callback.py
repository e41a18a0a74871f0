"""The WeCom connector where WeCom calls us, for those who have a public address (documents 101033, 101031, 101138).

A message can be answered twice: once within the call that brought it, and once more within an hour, at an address of
its own. Most acknowledgements are ready within the call, so the address is left for the answer.
"""

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.connectors.commands import Command, help_text, receive
from bot.connectors.hooks import BUSY, FORBIDDEN
from bot.connectors.wecom.cards import Card, VoteCard
from bot.connectors.wecom.client import PATIENCE, Client, Denied
from bot.connectors.wecom.connector import update_body
from bot.connectors.wecom.crypto import BadSeal, Seal
from bot.connectors.wecom.frames import BadFrame, Json, read_object
from bot.connectors.wecom.mapper import Entered, Press, Reader
from bot.connectors.wecom.pressing import pressed
from bot.connectors.wecom.saying import ABILITIES, QUOTA_WAIT, Remembered, Saying, meaning, saying
from bot.connectors.wecom.words import OWN
from bot.errors import Refused, StoreError
from bot.model import Delivery, Message
from bot.ports import Floor, HookReply, HookRequest, Now
from bot.replies import worth_repeating

log = logging.getLogger(__name__)

API = "https://qyapi.weixin.qq.com"
WINDOW = 300.0
"""Seconds that a signature is good for, both ways: clocks differ. Within it the messages' ids stop a replay."""

ANSWER_WITHIN = 3.0
"""Seconds. WeCom waits 5 for the answer to a call."""

SYSTEM_BUSY = -1
URL_GOOD_FOR = 3600.0
LONGEST_BODY = 256 * 1024
LONGEST_URL = 2048
EMPTY = HookReply(200, b"", "text/plain")
BAD_INPUT = HookReply(400, b'{"error": "no message", "code": "bad_input"}')

CLOCK_OFF = (
    "WeCom: a call was turned away, for its time is {minutes:.0f} minutes off this machine's clock. Set the clock."
)
WRONG_KEY = (
    "WeCom: a call carries the right token but cannot be opened. Copy the EncodingAESKey again from the bot's page."
)
TOO_LATE = (
    "WeCom takes by callback one answer within the call and one within the hour after it; none is left for this one."
)


class Forged(Exception):
    """The request is not WeCom's, or cannot be shown to be."""


@dataclass(slots=True)
class Opening:
    """An address that takes one message to a chat until `until`. `tried`: what it may have taken already."""

    url: str
    chat: str
    until: float
    tried: str = ""


class WeComCallback:
    """One AI bot that listens for one session at `/in/<name>`. Raises `ValueError` for a key that is none.

    `base_url` is where the addresses for answers lie; others are not followed.
    """

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        token: str,
        encoding_aes_key: str,
        session: str,
        *,
        now: Now = time.time,
        base_url: str = API,
        bot_name: str = "",
        language: str = "zh",
        answer_within: float = ANSWER_WITHIN,
        patience: float = PATIENCE,
        quota_wait: float = QUOTA_WAIT,
    ) -> None:
        self.name = name
        self._seal = Seal(token, encoding_aes_key)
        self._session, self._language, self._now = session, language, now
        self._base_url, self._answer_within = f"{base_url.rstrip('/')}/", answer_within
        self._quota_wait = quota_wait
        self._client = Client(patience=patience)
        self._reader = Reader(name, session, now, bot_name)
        self._floor: Floor | None = None
        self._calls: dict[str, asyncio.Future[Saying]] = {}
        self._answered: Remembered[Json] = Remembered()
        self._openings: Remembered[Opening] = Remembered()
        self._cards: Remembered[Card | VoteCard] = Remembered()

    async def run(self, floor: Floor) -> None:
        self._floor = floor
        floor.connected()
        await asyncio.Event().wait()

    async def hook(self, request: HookRequest) -> HookReply:
        """200 once what was said is stored, with an answer where there is one; 503 where it is not stored."""
        if len(request.body) > LONGEST_BODY:
            return FORBIDDEN
        try:
            if request.method == "GET":
                return HookReply(200, self._opened(request.query, request.query.get("echostr", "")), "text/plain")
            sealed = read_object(request.body).get("encrypt")
            opened = self._opened(request.query, sealed if isinstance(sealed, str) else "")
        except (Forged, BadFrame):  # what cannot be read proves nothing either
            return FORBIDDEN
        try:
            message = read_object(opened)
        except BadFrame:
            return BAD_INPUT
        if self._floor is None:
            return BUSY
        try:
            answer = await self._take(self._floor, message)
        except StoreError:
            return BUSY
        return EMPTY if answer is None else self._sealed(answer, request.query.get("nonce", ""))

    async def send(self, delivery: Delivery) -> str:
        said = saying(delivery, self._language)
        if said.card:
            self._cards.keep(said.card.task, said.card)
        call = self._calls.get(delivery.address.message)
        if call and not call.done():
            call.set_result(said)
            return said.stream
        # An acknowledgement that comes late must not use up the only way that is left for the answer.
        opening = self._opening(delivery) if worth_repeating(delivery) else None
        if opening is None:
            raise Refused(TOO_LATE)
        message, where = opening
        if not delivery.address.private:
            said = saying(replace(delivery, buttons=()), self._language)  # cards go this way to private chats only
        tried, where.tried = where.tried, delivery.key
        try:
            await self._client.post(where.url, said.messages()[0])
        except Denied as error:
            where.tried = ""
            meant = meaning(error, delivery.address.chat, self._quota_wait)
            if meant is not error or error.code == SYSTEM_BUSY:
                raise meant from None
            # The address is used up, or its time is over. Was it tried before without an answer, then that was heard.
            self._openings.forget(message)
            if tried != delivery.key:
                raise
        self._openings.forget(message)
        return said.stream

    async def close(self) -> None:
        await self._client.close()

    async def _take(self, floor: Floor, body: Json) -> Json | None:
        """Keep it; the answer that goes back with the call."""
        match self._reader.read(body):
            case Entered():
                return {"msgtype": "text", "text": {"content": help_text(self._language, ABILITIES, OWN)}}
            case Press() as press:
                card = await pressed(press, floor, self._session, self._language, self._cards.get(press.task))
                return update_body(press, card)
            case Message() | Command() as said:
                return await self._answer(floor, said, body)
        return None

    async def _answer(self, floor: Floor, said: Message | Command, body: Json) -> Json | None:
        id = said.external_id
        self._remember_url(said, body.get("response_url"))
        call = self._calls[id] = asyncio.get_running_loop().create_future()
        try:
            await receive(floor, [said], None, self._session, self._language, ABILITIES, OWN)
            if self._answered.get(id) is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._answer_within):
                        self._answered.keep(id, (await call).reply())
        finally:
            if self._calls.get(id) is call:
                del self._calls[id]
        # WeCom repeats a call whose answer it did not get: it gets the same again.
        return self._answered.get(id)

    def _remember_url(self, said: Message | Command, url: object) -> None:
        # What came sealed is WeCom's own word; the check keeps a stolen key from making us call anything else.
        if (
            said.address is None
            or not isinstance(url, str)
            or len(url) > LONGEST_URL
            or self._openings.get(said.external_id)
        ):
            return
        if url.startswith(self._base_url):
            until = self._now() + URL_GOOD_FOR
            self._openings.keep(said.external_id, Opening(url, said.address.chat, until))

    def _opening(self, delivery: Delivery) -> tuple[str, Opening] | None:
        """The way that the message itself brought, else one that another message of the same chat left."""
        own = self._openings.get(delivery.address.message)
        ways = [(delivery.address.message, own)] if own else []
        ways += [(id, o) for id, o in self._openings.newest() if o.chat == delivery.address.chat]
        return next(((id, o) for id, o in ways if o.until > self._now()), None)

    def _opened(self, query: Mapping[str, str], sealed: str) -> bytes:
        """What the request holds. Raises `Forged`."""
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not self._seal.signed(query.get("msg_signature", ""), timestamp, nonce, sealed):
            raise Forged
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            raise Forged
        off = abs(self._now() - int(timestamp))
        if off > WINDOW:
            self._notice(CLOCK_OFF.format(minutes=off / 60))
            raise Forged
        try:
            return self._seal.open(sealed)
        except BadSeal:
            self._notice(WRONG_KEY)
            raise Forged from None

    def _sealed(self, answer: Json, nonce: str) -> HookReply:
        timestamp = int(self._now())
        sealed = self._seal.close(json.dumps(answer).encode())
        body = {
            "encrypt": sealed,
            "msgsignature": self._seal.signature(str(timestamp), nonce, sealed),
            "timestamp": timestamp,
            "nonce": nonce,
        }
        return HookReply(200, json.dumps(body).encode())

    def _notice(self, text: str) -> None:
        if self._floor is not None:
            self._floor.notice(text)
