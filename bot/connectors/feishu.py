"""Feishu (Lark) through lark-oapi: its long connection tells what is said, its client says answers.

The library blocks, so each call and the connection run in threads. It acknowledges an event when its handler returned;
ours waits until the main loop has stored it. It keeps one event loop for the whole program, so one app can listen.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Coroutine
from typing import Any, ClassVar

from pydantic import Field, SecretStr, StrictBool

from bot.connectors.commands import Command, press, press_id, receive, understood
from bot.connectors.common import clean, load, sane
from bot.errors import ConnectorError, Refused, StoreError, TryLater
from bot.kinds import Kind, Surroundings
from bot.model import Abilities, Address, Delivery, Message, Person, Unit
from bot.options import SourceOptions, Url, secret
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

ABILITIES = Abilities(
    reply=True,
    private=True,
    once=True,
    edit=True,
    buttons=True,
    length=9000,
    unit=Unit.BYTES,
    rate=40.0,
    chat_rate=1.0,
    group_rate=0.9,
)
"""A card may have 30 KB, in which a character of ours may take three bytes more; 5 messages a second in a chat."""

CALL_SECONDS = 15.0
STORE_SECONDS = 30.0
CLOSE_SECONDS = 5.0
LOOK_EVERY = 0.02
EXCEEDED = 1000040350
RATE_CODES = {99991400, 230020, 11232, 11233, 11247}
GONE_CODES = {230011, 230031, 230050, 230110}
BUSY_CODES = {99991663, 99991664, 99991661, 1000040343, 230049, 2200, 1}
BAD_KEY = "Feishu: the app is not let in. Copy App ID and App Secret again: open.feishu.cn/app, your app, Credentials."
LOST = "Feishu: the connection was lost"
UNREACHABLE = "Feishu: it cannot be reached. Is the network all right?"
UNREADABLE = "Feishu: the answer cannot be read. Is base_url right?"
TOO_MANY = "Feishu: too many connections of this app are open. Stop the other programs that use it."
ONLY_ONE = "Feishu: a program can listen with one Feishu app only, for its library allows no more."
AT = re.compile(r"@_(?:user_\d+|all)")

_threads: dict[str, threading.Thread] = {}
"""The last thread of each source."""


class Feishu:
    """One app that listens for one session in every chat it was added to. Raises `SettingsError`."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        app_id: str,
        app_secret: str,
        session: str,
        *,
        now: Now = time.time,
        base_url: str = "https://open.feishu.cn",
        every_message: bool = True,
        language: str = "zh",
    ) -> None:
        self._lib = load("lark_oapi", "feishu")
        self._ws = load("lark_oapi.ws.client", "feishu")
        self.name = name
        self._app, self._base_url = (app_id, app_secret), base_url.rstrip("/")
        self._session, self._now = session, now
        self._every_message, self._language = every_message, language
        builder = self._lib.Client.builder().app_id(app_id).app_secret(app_secret).domain(self._base_url)
        self._client = builder.timeout(CALL_SECONDS).log_level(self._lib.LogLevel.CRITICAL).build()
        self._me = ""

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost. Raises `Refused` for wrong keys."""
        self._me = await self._who()
        for name, thread in _threads.items():
            if thread.is_alive():
                raise (
                    ConnectorError("Feishu: the last connection still ends") if name == self.name else Refused(ONLY_ONE)
                )
        line = Line(self._ws, asyncio.get_running_loop())
        try:
            _threads[self.name] = line.open(self._app, self._base_url, self._handlers(floor, line))
            await line.until_connected()
            floor.connected()
            await line.until_lost()
        finally:
            await asyncio.shield(line.close())  # the supervisor cancels twice

    async def introduce(self) -> str:
        """Which app the keys are for. Raises as `run` does."""
        bot = await self._ask("GET", "/open-apis/bot/v3/info")
        return clean(f"Feishu knows the app as {bot.get('bot', {}).get('app_name', '')}.")

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def send(self, delivery: Delivery) -> str:
        """Say it as a card, which can be edited any number of times; Feishu's id of the message."""
        address, content = delivery.address, json.dumps(card(delivery), ensure_ascii=False)
        if delivery.sent_id:
            with contextlib.suppress(Gone):
                await self._ask("PATCH", f"/open-apis/im/v1/messages/{_id(delivery.sent_id)}", {"content": content})
                return delivery.sent_id
        # The same within an hour is said once.
        uuid = hashlib.sha256(f"{delivery.key}\n{delivery.text}".encode()).hexdigest()[:50]
        body = {"msg_type": "interactive", "content": content, "uuid": uuid}
        if address.message:
            with contextlib.suppress(Gone):
                path = f"/open-apis/im/v1/messages/{_id(address.message)}/reply"
                return _message_id(await self._ask("POST", path, body))
        path = "/open-apis/im/v1/messages?receive_id_type=chat_id"
        return _message_id(await self._ask("POST", path, body | {"receive_id": address.chat}))

    async def close(self) -> None:
        """Nothing stays open."""

    async def _who(self) -> str:
        answer = await self._ask("GET", "/open-apis/bot/v3/info", starting=True)
        bot = answer.get("bot")
        if not isinstance(bot, dict) or not bot.get("open_id"):
            raise ConnectorError(UNREADABLE)
        return str(bot["open_id"])

    def _handlers(self, floor: Floor, line: "Line") -> Any:
        """What the library calls in its thread. What they raise makes Feishu send the event again."""

        def said(event: Any) -> None:
            message = self._tolerantly(lambda: self._message(event))
            if message:
                line.on_main(receive(floor, [message], None, self._session, self._language, ABILITIES))

        def pressed(event: Any) -> Any:
            text = self._tolerantly(lambda: line.on_main(self._press(floor, event)))
            toast = {"toast": {"type": "info", "content": text}} if text else {}
            return load("lark_oapi.event.callback.model.p2_card_action_trigger", "feishu").P2CardActionTriggerResponse(
                toast
            )

        builder = self._lib.EventDispatcherHandler.builder("", "", self._lib.LogLevel.CRITICAL)
        return builder.register_p2_im_message_receive_v1(said).register_p2_card_action_trigger(pressed).build()

    def _tolerantly(self, work: Any) -> Any:
        """None for an event that cannot be read: sent again it would be no better."""
        try:
            return work()
        except (StoreError, TimeoutError):
            raise
        except Exception as error:
            log.warning("%s: skipped an event that cannot be read (%s)", self.name, type(error).__name__)
            return None

    async def _press(self, floor: Floor, event: Any) -> str | None:
        person = Person(self.name, str(event.event.operator.open_id))
        return await press(floor, self._session, event.event.action.value.get("press"), person, self._language)

    def _message(self, event: Any) -> Message | Command | None:
        sender, said = event.event.sender, event.event.message
        if sender.sender_type != "user" or not sender.sender_id.open_id or not said.message_id:
            return None
        mentions = {m.key: m for m in said.mentions or [] if m.key}
        me = {key for key, m in mentions.items() if m.id and m.id.open_id == self._me}
        names = {key: " " if key in me else f"@{m.name or ''}" for key, m in mentions.items()} | {"@_all": "@all"}
        content = words(said.message_type, said.content)
        private = said.chat_type == "p2p"
        author = str(sender.sender_id.open_id)
        message = Message(
            session=self._session,
            source=self.name,
            external_id=str(said.message_id),
            author=author,
            author_name="",  # the event has none, and asking for it needs a right of its own
            text=clean(AT.sub(lambda found: names.get(found[0], found[0]), content)),
            at=sane(float(said.create_time or 0) / 1000, self._now()),
            address=Address(self.name, str(said.chat_id), str(said.message_id), author, private),
            explicit=private or bool(me),
        )
        return understood(message, self._every_message)

    async def _ask(self, method: str, path: str, body: Any = None, starting: bool = False) -> dict[str, Any]:
        """Feishu's answer, or its errors in the program's own words."""
        builder = self._lib.BaseRequest.builder().http_method(getattr(self._lib.HttpMethod, method)).uri(path)
        request = builder.token_types({self._lib.AccessTokenType.TENANT}).body(body).build()
        try:
            answer = await asyncio.to_thread(self._client.request, request)
            data = json.loads(answer.raw.content)
        except OSError:  # requests' own errors are of this kind
            raise ConnectorError(UNREACHABLE) from None
        except Exception as error:
            # The library knows of no token; whatever else an answer makes of it cannot be read.
            if type(error).__name__ == "ObtainAccessTokenException":
                raise Refused(BAD_KEY) if starting else ConnectorError(BAD_KEY) from None
            raise ConnectorError(UNREADABLE) from None
        if not isinstance(data, dict) or not isinstance(data.get("code"), int):
            raise ConnectorError(UNREADABLE)
        if data["code"] != 0:
            raise _refusal(data["code"], answer.raw.headers)
        return data


class Gone(Refused):
    """There is no such message any more."""


class Line:
    """The long connection, in a thread with a loop of its own."""

    def __init__(self, ws: Any, main: asyncio.AbstractEventLoop) -> None:
        self._ws, self._main = ws, main
        self._loop = asyncio.new_event_loop()
        self._ended: asyncio.Future[None] = main.create_future()
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self._stood = False

    def open(self, app: tuple[str, str], base_url: str, handlers: Any) -> threading.Thread:
        self._thread = threading.Thread(target=self._work, args=(app, base_url, handlers), daemon=True, name="feishu")
        self._thread.start()
        return self._thread

    def on_main(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Called in the thread: do it in the main loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._main).result(STORE_SECONDS)

    async def until_connected(self) -> None:
        """The library tells nobody, so it is looked at."""
        began = self._main.time()
        while not self._alive():
            await asyncio.wait([self._ended], timeout=LOOK_EVERY)
            if self._ended.done():
                self._ended.result()
            if self._main.time() - began > CALL_SECONDS:
                raise ConnectorError(UNREACHABLE)

    async def until_lost(self) -> None:
        self._stood = True
        await self._ended

    async def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread:
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
        if self._ended.done():
            self._ended.exception()

    def _alive(self) -> bool:
        return getattr(self._client, "_conn", None) is not None

    def _work(self, app: tuple[str, str], base_url: str, handlers: Any) -> None:
        """The thread. Ends when the loop is stopped or the first connection cannot be had."""
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda *_: None)  # the library leaves failed tasks behind
        self._ws.loop = self._loop
        try:
            self._client = self._ws.Client(*app, event_handler=handlers, domain=base_url)
            self._client.on_reconnecting = self._broken
            self._ws.logger.setLevel(logging.CRITICAL)  # else it logs the ticket and what people wrote
            self._client.start()
        except Exception as error:
            self._tell(_of_handshake(self._ws, error))
        finally:
            self._clear()

    def _broken(self) -> None:
        """The library would try for ever; the supervisor does that, and knows since when."""
        self._tell(ConnectorError(LOST if self._stood else UNREACHABLE))
        self._loop.stop()

    def _tell(self, error: ConnectorError) -> None:
        def tell() -> None:
            if not self._ended.done():
                self._ended.set_exception(error)

        with contextlib.suppress(RuntimeError):
            self._main.call_soon_threadsafe(tell)

    def _clear(self) -> None:
        with contextlib.suppress(Exception):
            self._loop.run_until_complete(asyncio.wait_for(self._client._disconnect(), 2.0))
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()


def words(kind: Any, content: Any) -> str:
    """What a message of this type says (https://open.feishu.cn/document/server-docs/im-v1/message-content); "" for
    what is no text. Raises `ValueError`, `RecursionError`, `TypeError`."""
    if kind not in ("text", "post"):
        return ""
    data = json.loads(content)
    if kind == "text":
        return str(data.get("text") or "")
    lines = [str(data.get("title") or "")]
    lines += ["".join(piece(part) for part in line) for line in data.get("content") or []]
    return "\n".join(line for line in lines if line)


def piece(part: dict[str, Any]) -> str:
    """A part of a line of a `post`; a mention is the key under which the event explains it."""
    return str(part.get("user_id" if part.get("tag") == "at" else "text") or "")


def card(delivery: Delivery) -> dict[str, Any]:
    """Plain text and buttons, the same for all and to be edited."""
    elements: list[dict[str, Any]] = [{"tag": "div", "text": {"tag": "plain_text", "content": delivery.text}}]
    actions = [
        {"tag": "button", "text": {"tag": "plain_text", "content": b.label}, "value": {"press": press_id(b)}}
        for b in delivery.buttons[:20]
    ]
    if actions:
        elements.append({"tag": "action", "actions": actions})
    return {"config": {"update_multi": True, "wide_screen_mode": True}, "elements": elements}


def _id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", text):
        raise Refused("this is no Feishu message")
    return text


def _message_id(answer: dict[str, Any]) -> str:
    data = answer.get("data")
    return str(data.get("message_id") or "") if isinstance(data, dict) else ""


def _refusal(code: int, headers: Any) -> ConnectorError:
    if code in RATE_CODES:
        wait = str(headers.get("x-ogw-ratelimit-reset", ""))
        return TryLater(float(wait) if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", wait) else 2.0)
    if code in GONE_CODES:
        return Gone(f"Feishu: the message is gone ({code})")
    if code in BUSY_CODES:
        return ConnectorError(f"Feishu has trouble ({code})")
    return Refused(
        f"Feishu does not take this ({code}). Is the bot in the chat, and has the app the rights of the guide?"
    )


def _of_handshake(ws: Any, error: Exception) -> ConnectorError:
    if isinstance(error, ws.ClientException):
        return ConnectorError(TOO_MANY) if error.code == EXCEEDED else Refused(BAD_KEY)
    return ConnectorError(UNREACHABLE)


class FeishuOptions(SourceOptions):
    kind: ClassVar[str] = "feishu"
    about: ClassVar[str] = "A Feishu or Lark app. Needs `pip install 'floormic[feishu]'`."

    app_id: str = Field(default="", description="App ID, cli_….")
    app_secret: SecretStr = secret("App Secret.", variable="FLOORMIC_FEISHU_APP_SECRET")
    every_message: StrictBool = Field(
        default=True, description="Look for questions in every message, not only in `/ask` and mentions."
    )
    base_url: Url = Field(
        default="https://open.feishu.cn", description="Address of the API; `https://open.larksuite.com` for Lark."
    )

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        return [] if self.app_id else [("app_id", "is missing; open.feishu.cn/app shows it: your app, Credentials")]


def make(options: FeishuOptions, around: Surroundings) -> Feishu:
    return Feishu(
        options.name,
        options.app_id,
        options.app_secret.get_secret_value(),
        options.session,
        now=around.now,
        base_url=options.base_url,
        every_message=options.every_message,
        language=around.language,
    )


async def try_out(options: FeishuOptions, around: Surroundings) -> str:
    return await make(options, around).introduce()


KIND = Kind(
    options=FeishuOptions,
    titles={"zh": "飞书", "en": "Feishu / Lark"},
    guide={
        "zh": """1. 打开 open.feishu.cn/app，创建企业自建应用；在“凭证与基础信息”里复制 App ID 和 App Secret。
2. “添加应用能力”：添加“机器人”。
3. “权限管理”：开通 im:message、im:message:send_as_bot、im:message.p2p_msg:readonly、im:message.group_at_msg:readonly；
   想听到群里的每条消息，再开通 im:message.group_msg。
4. 先启动本程序，再到“事件与回调”：两处的订阅方式都选“使用长连接”，事件添加 im.message.receive_v1，
   回调添加 card.action.trigger。
5. “版本管理与发布”：发布一个版本，然后在群设置里把机器人加进群。""",
        "en": """1. Open open.feishu.cn/app (Lark: open.larksuite.com/app), create a custom app, and copy App ID and App
   Secret from Credentials.
2. Add features: Bot.
3. Permissions: im:message, im:message:send_as_bot, im:message.p2p_msg:readonly, im:message.group_at_msg:readonly; to
   hear every message of a group also im:message.group_msg.
4. Start this program first; then under Events & Callbacks choose "long connection" for both, add the event
   im.message.receive_v1 and the callback card.action.trigger.
5. Publish a version, and add the bot to the group in the group's settings.""",
    },
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    extra="feishu",
)
