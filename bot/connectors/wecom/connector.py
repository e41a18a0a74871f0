"""The WeCom connector over the bot's WebSocket, which needs no public address."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from bot.backoff import backoff
from bot.connectors.commands import Command, help_text, receive
from bot.connectors.common import until_all_end, until_one_ends
from bot.connectors.hooks import FORBIDDEN
from bot.connectors.wecom.cards import Card, VoteCard
from bot.connectors.wecom.client import PATIENCE, Client, Denied, NoAnswer
from bot.connectors.wecom.frames import EVENT, MESSAGE, PING, RESPOND, SEND, SUBSCRIBE, UPDATE, WELCOME, Frame, Json
from bot.connectors.wecom.mapper import Entered, Press, Reader, ThrownOut, destination
from bot.connectors.wecom.pressing import pressed
from bot.connectors.wecom.saying import ABILITIES, CARD_FAULTS, QUOTA, QUOTA_WAIT, Remembered, Saying, meaning, saying
from bot.connectors.wecom.words import OWN
from bot.errors import ConnectorError, Refused, StoreError, TryLater
from bot.model import Delivery, Message
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

SOCKET = "wss://openws.work.weixin.qq.com"
PING_EVERY = 30.0
MISSED_PINGS = 2

REPLY_WITHIN = 300.0
"""Seconds. WeCom takes a stream for 6 minutes after the message; later and after a reconnect an answer is pushed."""

REPLY_GONE = (846605, 846608)
"""The message can be replied to no more: its req_id is not known, its stream has expired."""

NOT_SUBSCRIBED = 846609

WRONG_KEYS = (40001, 93019, 853000)
WAITING, AT_ONCE, ASIDE = 1000, 100, 200

BAD_KEYS = (
    "WeCom does not accept the bot's id and secret. Copy both again from the bot's page in WeCom (API mode, long "
    "connection) and start the program anew."
)
THROWN_OUT = (
    "WeCom: another program has connected as this bot, and WeCom allows a bot one connection. Stop the other one or "
    "give this program a bot of its own, then start this one anew."
)


@dataclass(frozen=True, slots=True)
class Heard:
    """Something to be kept, with the req_id under which WeCom takes an answer to it."""

    what: Message | Command | Press
    req_id: str


class WeCom:
    """One AI bot that listens for one session. `bot_name`: what it is called in WeCom, "" for not known."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        bot_id: str,
        secret: str,
        session: str,
        *,
        now: Now = time.time,
        socket_url: str = SOCKET,
        bot_name: str = "",
        language: str = "zh",
        ping_every: float = PING_EVERY,
        patience: float = PATIENCE,
        quota_wait: float = QUOTA_WAIT,
    ) -> None:
        self.name = name
        self._keys: Json = {"bot_id": bot_id, "secret": secret}
        self._session, self._language, self._now = session, language, now
        self._ping_every, self._quota_wait = ping_every, quota_wait
        self._client = Client(socket_url, patience=patience)
        self._reader = Reader(name, session, now, bot_name)
        self._heard: asyncio.Queue[Heard] = asyncio.Queue(WAITING)
        self._in_hand: list[Heard] = []
        self._replies: Remembered[tuple[str, float]] = Remembered()
        self._cards: Remembered[Card | VoteCard] = Remembered()
        self._aside: set[asyncio.Task[None]] = set()

    async def run(self, floor: Floor) -> None:
        self._replies.clear()  # WeCom knows them on the connection alone that brought them
        await self._client.connect()
        try:
            await until_one_ends(self._listen(), self._stay(floor), self._work(floor))
        finally:
            await self._client.disconnect()

    async def introduce(self) -> str:
        """Whether WeCom takes the keys. Raises as `run` does."""
        await self._client.connect()
        try:
            await until_one_ends(self._listen(), self._subscribe())
        finally:
            await self._client.disconnect()
        return (
            "WeCom accepts the bot. It allows one connection: if Floormic was listening with this bot already, "
            "start it anew."
        )

    async def hook(self, request: HookRequest) -> HookReply:
        return FORBIDDEN

    async def send(self, delivery: Delivery) -> str:
        try:
            chat, kind = destination(delivery.address.chat)
        except ValueError:
            raise Refused(f"{delivery.address.chat!r} is no WeCom chat") from None
        said = saying(delivery, self._language)
        if said.card:
            self._cards.keep(said.card.task, said.card)
        try:
            if not await self._reply(delivery, said):
                await self._push(said, {"chatid": chat, "chat_type": kind})
        except Denied as error:
            if error.code in CARD_FAULTS and delivery.buttons:
                log.warning("%s: WeCom takes no card (%s); the text goes without buttons", self.name, error.code)
                return await self.send(replace(delivery, buttons=()))
            if error.code == NOT_SUBSCRIBED:
                await self._client.disconnect()
            raise meaning(error, delivery.address.chat, self._quota_wait) from None
        return said.stream

    async def close(self) -> None:
        await until_all_end(self._aside)
        await self._client.close()

    async def _listen(self) -> None:
        """Until the connection ends, which raises."""
        async for frame in self._client.frames():
            if frame.cmd not in (MESSAGE, EVENT):
                continue
            match self._reader.read(frame.body):
                case ThrownOut():
                    raise Refused(THROWN_OUT)
                case Entered():
                    self._do_aside(self._welcome(frame))
                case Press() as press:
                    await self._heard.put(Heard(press, frame.req_id))
                case Message() | Command() as said:
                    self._replies.keep(said.external_id, (frame.req_id, self._now()))
                    await self._heard.put(Heard(said, frame.req_id))

    async def _stay(self, floor: Floor) -> None:
        """Subscribe and keep the connection alive. What was said while we were away, WeCom does not give."""
        await self._subscribe()
        floor.connected()
        missed = 0
        while missed < MISSED_PINGS:
            await asyncio.sleep(self._ping_every)
            try:
                await self._client.ask(PING)
                missed = 0
            except NoAnswer:
                missed += 1
        raise ConnectorError("WeCom: the connection answers no more; it is made anew by itself.")

    async def _subscribe(self) -> None:
        try:
            await self._client.ask(SUBSCRIBE, self._keys)
        except Denied as error:
            if error.code == QUOTA:
                raise TryLater(self._quota_wait) from None
            about_keys = any(word in error.errmsg.lower() for word in ("secret", "bot_id", "botid"))
            if error.code in WRONG_KEYS or about_keys:
                raise Refused(BAD_KEYS) from None
            raise

    async def _work(self, floor: Floor) -> None:
        """Keep what was heard. WeCom sends nothing twice, so what is in hand outlives the connection."""
        while True:
            if not self._in_hand:
                self._in_hand.append(await self._heard.get())
            while self._heard.qsize() and len(self._in_hand) < AT_ONCE:
                self._in_hand.append(self._heard.get_nowait())
            try:
                await self._keep(floor, self._in_hand)
            except Exception:
                self._in_hand.clear()  # what breaks this program must not break it again and again
                raise
            self._in_hand.clear()

    async def _keep(self, floor: Floor, heard: list[Heard]) -> None:
        for one in heard:
            if isinstance(one.what, Press):
                await self._press(floor, one.what, one.req_id)
        failures = 0
        while True:
            try:
                return await self._receive(floor, heard)
            except StoreError as error:
                failures += 1
                log.warning("%s: what was said cannot be kept (%s); trying again", self.name, error)
                await asyncio.sleep(backoff(failures, longest=5.0, first=0.2))

    async def _receive(self, floor: Floor, heard: list[Heard]) -> None:
        said = [h.what for h in heard if not isinstance(h.what, Press)]
        if said:
            await receive(floor, said, None, self._session, self._language, ABILITIES, OWN)

    async def _press(self, floor: Floor, press: Press, req_id: str) -> None:
        try:
            card = await pressed(press, floor, self._session, self._language, self._cards.get(press.task))
        except StoreError as error:
            # The card stays as it is, and who pressed can press again.
            log.warning("%s: a pressed button could not be counted (%s)", self.name, error)
            return
        self._do_aside(self._courtesy(UPDATE, update_body(press, card), req_id))

    async def _welcome(self, frame: Frame) -> None:
        text = {"content": help_text(self._language, ABILITIES, OWN)}
        await self._courtesy(WELCOME, {"msgtype": "text", "text": text}, frame.req_id)

    async def _courtesy(self, cmd: str, body: Json, req_id: str) -> None:
        """WeCom takes these within 5 s only; nothing is lost without them."""
        try:
            await self._client.ask(cmd, body, req_id)
        except ConnectorError as error:
            log.info("%s: %s was not taken: %s", self.name, cmd, error)

    async def _reply(self, delivery: Delivery, said: Saying) -> bool:
        """Answer the message itself; False where its time is over. Each is answered so once, what follows is pushed."""
        message = delivery.address.message
        req_id, at = self._replies.get(message) or ("", 0.0)
        if not req_id or self._now() - at > REPLY_WITHIN:
            return False
        try:
            await self._client.ask(RESPOND, said.reply(), req_id)
        except Denied as error:
            if error.code not in REPLY_GONE:
                raise
            self._replies.forget(message)
            return False
        self._replies.forget(message)
        return True

    async def _push(self, said: Saying, to: Json) -> None:
        first, *more = said.messages()
        await self._client.ask(SEND, {**to, **first})
        for message in more:
            # The text has arrived: to fail now would say it twice.
            await self._courtesy(SEND, {**to, **message}, "")

    def _do_aside(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._aside) >= ASIDE:
            work.close()
            return
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


def update_body(press: Press, card: Card | VoteCard) -> Json:
    """In a group the card changes for who pressed alone: the others may still want to."""
    only = {"userids": [press.person.id]} if press.group else {}
    return {"response_type": "update_template_card", **only, "template_card": card.body()}
