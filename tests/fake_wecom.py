"""WeCom as its documents describe it (101463, 101031, 101032, 101138): the WebSocket of AI bots, the addresses for
answers, calls to a callback address. It notes in `faults` what it would not have taken, and can misbehave.

What it sends and takes is checked by WeCom's own SDKs for Python and Node.
"""

import asyncio
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from types import TracebackType
from typing import Any, ClassVar

import aiohttp
from aiohttp import web
from markdown_it import MarkdownIt

from bot.connectors.wecom import WeCom, WeComCallback
from bot.connectors.wecom.crypto import Seal
from bot.ports import HookReply, HookRequest
from tests.bot.connectors.contract import Line, Rig
from tests.bot.connectors.listening import posted
from tests.waiting import until

Json = dict[str, Any]

BOT, SECRET = "aibTEST", "bot-secret-of-wecom"
TOKEN, AES_KEY = "callback-token-of-wecom", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
GROUP = "wrGROUP"

WRONG_SECRET = (853000, "invalid bot_id or secret")
INVALID_REQ_ID = (846605, "invalid req_id")
EXPIRED_STREAM = (846608, "stream message update expired")
NOT_SUBSCRIBED = (846609, "aibot websocket not subscribed")
QUOTA = (45009, "api freq out of limit")
BAD_CARD = (42045, "Template_Card.card_action missing or invalid")
BAD_BODY = (40008, "invalid message type")

FIVE_SECONDS, SIX_MINUTES, A_DAY, AN_HOUR = 5.0, 360.0, 86400.0, 3600.0
LONGEST = 20_480
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@dataclass(frozen=True)
class Call:
    """A frame or an answer that came from the bot, and the chat it goes to."""

    cmd: str
    req_id: str
    body: Json
    chat: str = ""


@dataclass
class Told:
    """A callback that was sent: what may be answered to it, and until when."""

    cmd: str
    chat: str
    at: float
    task: str = ""
    used: bool = False


Mood = Callable[["FakeWeCom", web.WebSocketResponse, Call], Awaitable[bool]]
"""Whether the call is then done as usual."""


def refuse(code: int, message: str = "refused") -> Mood:
    async def mood(wecom: "FakeWeCom", socket: web.WebSocketResponse, call: Call) -> bool:
        await wecom.answer(socket, call, (code, message))
        return False

    return mood


def silent() -> Mood:
    """Not done, and no answer."""

    async def mood(wecom: "FakeWeCom", socket: web.WebSocketResponse, call: Call) -> bool:
        return False

    return mood


def done_in_silence() -> Mood:
    """Done, but the answer never comes."""

    async def mood(wecom: "FakeWeCom", socket: web.WebSocketResponse, call: Call) -> bool:
        wecom.do(call)
        return False

    return mood


def drop() -> Mood:
    """Not done; the connection breaks."""

    async def mood(wecom: "FakeWeCom", socket: web.WebSocketResponse, call: Call) -> bool:
        await wecom.cut_off(socket)
        return False

    return mood


class FakeWeCom:
    """`says`, `enters` and `presses` are what people do; `calls` is what the bot did, `shown` what stands in the chats.

    `will(cmd, *moods)` makes the next calls misbehave, `greet(mood)` the next connections. `now` may be moved.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.faults: list[str] = []
        self.shown: dict[str, dict[str, Json]] = defaultdict(dict)
        self.cards: dict[str, Json] = {}
        self.subscribed: web.WebSocketResponse | None = None
        self.spoke: set[str] = set()
        self.left: set[str] = set()
        self.handshakes: deque[Callable[[web.Request], Awaitable[web.StreamResponse]]] = deque()
        self.delay = 0.0
        self.skew = 0.0
        self.now: Callable[[], float] = time.time
        self.posts: deque[Callable[[web.Request], Awaitable[web.StreamResponse]]] = deque()
        self._moods: dict[str, deque[Mood]] = defaultdict(deque)
        self._told: dict[str, Told] = {}
        self._said: dict[str, Json] = {}
        self._urls: dict[str, Told] = {}
        self._times: dict[str, deque[float]] = defaultdict(deque)
        self._count = 0
        self._port = 0

    async def __aenter__(self) -> "FakeWeCom":
        app = web.Application()
        app.router.add_get("/", self._serve)
        app.router.add_post("/cgi-bin/aibot/response", self._response)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.subscribed:
            await self.cut_off(self.subscribed)
        await self._runner.cleanup()

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # What people do

    def body(self, user: str, group: str = "", **content: Any) -> Json:
        """A callback's body, with an id of its own."""
        where = {"chatid": group, "chattype": "group"} if group else {"chattype": "single"}
        who = {"from": {"userid": user}}
        return {"msgid": self._id("msg"), "aibotid": BOT, **where, **who, "create_time": self._time(), **content}

    def text(self, text: str, user: str = "ann", group: str = "", **more: Any) -> Json:
        return self.body(user, group, msgtype="text", text={"content": text}, **more)

    async def says(self, text: str, user: str = "ann", group: str = "", **more: Any) -> Json:
        body = self.text(text, user, group, **more)
        await self.arrives(body)
        return body

    async def arrives(self, body: Json, cmd: str = "aibot_msg_callback") -> str:
        """Send a callback to the bot, once it listens; its req_id."""
        chat = chat_of(body)
        self.spoke.add(chat)
        self._said[body.get("msgid", "")] = body
        while True:
            socket = await self.listening()
            await asyncio.sleep(self.delay)
            req_id = self._id("req")
            self._told[req_id] = Told(cmd, chat, self.now(), task=task_of(body))
            try:
                await socket.send_str(json.dumps({"cmd": cmd, "headers": {"req_id": req_id}, "body": body}))
                return req_id
            except ConnectionError:
                self.subscribed = None  # it was just going

    async def again(self, body: Json) -> None:
        """WeCom delivers the same once more."""
        await self.arrives(body)

    def event(self, kind: str, user: str = "ann", group: str = "", **content: Any) -> Json:
        named = {kind: content} if content else {}
        return self.body(user, group, msgtype="event", event={"eventtype": kind, **named})

    async def enters(self, user: str = "ann") -> str:
        return await self.arrives(self.event("enter_chat", user), "aibot_event_callback")

    def press(self, card: Json, label: str, user: str = "ann", group: str = "") -> Json:
        key = next(button["key"] for button in card["button_list"] if button["text"] == label)
        pressed = {"card_type": card["card_type"], "event_key": key, "task_id": card["task_id"]}
        return self.event("template_card_event", user, group, **pressed)

    def vote(self, card: Json, *choices: str, user: str = "ann", group: str = "") -> Json:
        """Somebody ticks these choices of a poll's card, by their words, and sends them."""
        options = {option["text"]: option["id"] for option in card["checkbox"]["option_list"]}
        key = card["checkbox"]["question_key"]
        ticked = {"question_key": key, "option_ids": {"option_id": [options[choice] for choice in choices]}}
        pressed = {
            "card_type": card["card_type"],
            "event_key": card["submit_button"]["key"],
            "task_id": card["task_id"],
        }
        return self.event("template_card_event", user, group, **pressed, selected_items={"selected_item": [ticked]})

    async def votes(self, card: Json, *choices: str, user: str = "ann", group: str = "") -> str:
        return await self.arrives(self.vote(card, *choices, user=user, group=group), "aibot_event_callback")

    async def presses(self, card: Json, label: str, user: str = "ann", group: str = "") -> str:
        return await self.arrives(self.press(card, label, user, group), "aibot_event_callback")

    async def listening(self) -> web.WebSocketResponse:
        """The connection, once the bot has subscribed."""
        await self.until(lambda: self.subscribed and not self.subscribed.closed)
        assert self.subscribed
        return self.subscribed

    # How it misbehaves

    def will(self, cmd: str, *moods: Mood) -> None:
        self._moods[cmd].extend(moods)

    async def feed(self, frame: bytes | str) -> None:
        socket = await self.listening()
        await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))

    async def cut_off(self, socket: web.WebSocketResponse) -> None:
        """The connection breaks without a word."""
        if socket is self.subscribed:
            self.subscribed = None
        if socket._req and socket._req.transport:
            socket._req.transport.abort()

    async def answer(self, socket: web.WebSocketResponse, call: Call, error: tuple[int, str] = (0, "ok")) -> None:
        await asyncio.sleep(self.delay)
        with suppress(ConnectionError):
            await socket.send_str(
                json.dumps({"headers": {"req_id": call.req_id}, "errcode": error[0], "errmsg": error[1]})
            )

    # What is asked of it afterwards

    def told(self, *cmds: str) -> list[Call]:
        return [call for call in self.calls if call.cmd in cmds]

    def texts(self, chat: str = "") -> list[str]:
        """What people read of the bot, in one chat or in all, without the markup."""
        shown = [message for c, messages in self.shown.items() if chat in ("", c) for message in messages.values()]
        return [read(message) for message in shown]

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, why=lambda: f"calls: {self.calls}; faults: {self.faults}")

    # The WebSocket

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if self.handshakes:
            return await self.handshakes.popleft()(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                self.faults.append(f"a frame of type {message.type.name}")
                continue
            await self._take(socket, json.loads(message.data))
        if self.subscribed is socket:
            self.subscribed = None
        return socket

    async def _take(self, socket: web.WebSocketResponse, frame: Json) -> None:
        cmd, req_id, body = frame["cmd"], frame["headers"]["req_id"], frame.get("body") or {}
        told = self._told.get(req_id)
        call = Call(cmd, req_id, body, told.chat if told else body.get("chatid", ""))
        self.calls.append(call)
        if self._moods[cmd] and not await self._moods[cmd].popleft()(self, socket, call):
            return
        if cmd == "aibot_subscribe":
            await self._subscribe(socket, call)
            return
        error = NOT_SUBSCRIBED if socket is not self.subscribed else self.do(call)
        await self.answer(socket, call, error)

    async def _subscribe(self, socket: web.WebSocketResponse, call: Call) -> None:
        if call.body != {"bot_id": BOT, "secret": SECRET}:
            await self.answer(socket, call, WRONG_SECRET)
            return
        older, self.subscribed = self.subscribed, None
        if older and not older.closed:
            event = {"eventtype": "disconnected_event"}
            body = {**self.body("", msgtype="event", event=event), "errmsg": "New connection established"}
            frame = {"cmd": "aibot_event_callback", "headers": {"req_id": self._id("req")}, "body": body}
            with suppress(ConnectionError):
                await older.send_str(json.dumps(frame))
                await older.close()
        await self.answer(socket, call)
        self.subscribed = socket

    def do(self, call: Call) -> tuple[int, str]:
        """What WeCom does with a command; an error code and its name."""
        match call.cmd:
            case "ping":
                return 0, "ok"
            case "aibot_respond_msg":
                return self._respond(call)
            case "aibot_respond_welcome_msg" | "aibot_respond_update_msg":
                return self._respond_once(call)
            case "aibot_send_msg":
                return self._push(call)
        self.faults.append(f"unknown command {call.cmd}")
        return BAD_BODY

    def _respond(self, call: Call) -> tuple[int, str]:
        told = self._told.get(call.req_id)
        if told is None or told.cmd != "aibot_msg_callback" or self.now() - told.at > A_DAY:
            return INVALID_REQ_ID
        if call.body.get("msgtype") != "template_card" and self.now() - told.at > SIX_MINUTES:
            return EXPIRED_STREAM
        if error := self._message(call.body, "stream", "template_card", "stream_with_template_card"):
            return error
        return self._show(told.chat, call.body["stream"]["id"] if "stream" in call.body else call.req_id, call.body)

    def _respond_once(self, call: Call) -> tuple[int, str]:
        told, update = self._told.get(call.req_id), call.cmd == "aibot_respond_update_msg"
        if told is None or told.cmd != "aibot_event_callback" or told.used or self.now() - told.at > FIVE_SECONDS:
            return INVALID_REQ_ID
        if error := self._update(call.body, told) if update else self._message(call.body, "text", "template_card"):
            return error
        told.used = True
        if not update:
            self.shown[told.chat][call.req_id] = call.body
        return 0, "ok"

    def _push(self, call: Call) -> tuple[int, str]:
        chat, kind = call.body.get("chatid", ""), call.body.get("chat_type", 0)
        # Without a kind WeCom looks for a person first, as for 1, and then for a group.
        known = [c for k, c in ((1, f"single:{chat}"), (2, f"group:{chat}")) if kind in (0, k) and c in self.spoke]
        if f"group:{chat}" in self.left:
            return 93008, "not in group"
        if not known:
            return (93006, "invalid chatid") if chat.startswith("unknown") else (93001, "push not allowed")
        if error := self._message(call.body, "markdown", "template_card"):
            return error
        return self._show(known[0], call.req_id, call.body)

    def _show(self, chat: str, id: str, body: Json) -> tuple[int, str]:
        now, times = self.now(), self._times[chat]
        if id not in self.shown[chat]:
            if sum(at > now - 60 for at in times) >= 30 or sum(at > now - AN_HOUR for at in times) >= 1000:
                return QUOTA
            times.append(now)
        if card := body.get("template_card"):
            if card["task_id"] in self.cards:
                self.faults.append("a task_id was used twice")
                return BAD_CARD
            self.cards[card["task_id"]] = card
        self.shown[chat][id] = body
        return 0, "ok"

    def _message(self, body: Json, *types: str) -> tuple[int, str] | None:
        """What is wrong with a message."""
        kind = body.get("msgtype")
        if kind not in types:
            return self._fault(BAD_BODY, f"{kind} where {types} may stand")
        if kind in ("stream", "stream_with_template_card"):
            stream = body["stream"]
            if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", stream["id"]) or type(stream["finish"]) is not bool:
                return self._fault(BAD_BODY, "a stream without an id or a word on its end")
        text = text_of(body)
        if text is not None and not 0 < len(text.encode()) <= LONGEST:
            return self._fault(BAD_BODY, f"a text of {len(text.encode())} bytes")
        return self._card(body["template_card"]) if kind in ("template_card", "stream_with_template_card") else None

    def _update(self, body: Json, told: Told) -> tuple[int, str] | None:
        if body.get("response_type") != "update_template_card" or body["template_card"].get("task_id") != told.task:
            return self._fault(BAD_BODY, "no update of the card that was pressed")
        if ("userids" in body) != told.chat.startswith("group:"):
            return self._fault(BAD_BODY, "userids count in groups, and without them the card changes for all")
        return self._card(body["template_card"])

    def _card(self, card: Json) -> tuple[int, str] | None:
        if card.get("card_type") == "vote_interaction":
            return self._vote_card(card)
        buttons = card.get("button_list", [])
        keys = [button.get("key", "") for button in buttons]
        wrong = (
            card.get("card_type") != "button_interaction"
            or not card.get("main_title", {}).get("title")
            or not re.fullmatch(r"[0-9A-Za-z_\-@]{1,128}", card.get("task_id", ""))
            or not 1 <= len(buttons) <= 6
            or len(set(keys)) != len(keys)
            or any(not 0 < len(key.encode()) <= 1024 for key in keys)
            or any(not button.get("text") or button.get("style") not in (1, 2, 3, 4) for button in buttons)
        )
        return self._fault(BAD_CARD, f"a card that is none: {card}") if wrong else None

    def _vote_card(self, card: Json) -> tuple[int, str] | None:
        """As document 101032 and the official SDK's types have it."""
        box, button = card.get("checkbox", {}), card.get("submit_button", {})
        options = box.get("option_list", [])
        wrong = (
            not card.get("main_title", {}).get("title")
            or not re.fullmatch(r"[0-9A-Za-z_\-@]{1,128}", card.get("task_id", ""))
            or not 1 <= len(options) <= 20
            or len({option["id"] for option in options}) != len(options)
            or any(not 0 < len(option["id"].encode()) <= 128 or not option["text"] for option in options)
            or box.get("mode") not in (0, 1)
            or not 0 < len(box.get("question_key", "").encode()) <= 1024
            or not button.get("text")
            or not 0 < len(button.get("key", "").encode()) <= 1024
        )
        return self._fault(BAD_CARD, f"a card that is none: {card}") if wrong else None

    def _fault(self, error: tuple[int, str], why: str) -> tuple[int, str]:
        self.faults.append(why)
        return error

    # The addresses for answers

    def response_url(self, chat: str) -> str:
        code = self._id("code")
        self._urls[code] = Told("response_url", chat, self.now())
        return f"{self.base_url}/cgi-bin/aibot/response?response_code={code}"

    async def _response(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if self.posts:
            return await self.posts.popleft()(request)
        return web.json_response(
            dict(zip(("errcode", "errmsg"), self.respond(request, await request.json()), strict=True))
        )

    def respond(self, request: web.Request, body: Json) -> tuple[int, str]:
        told = self._urls.get(request.query.get("response_code", ""))
        self.calls.append(Call("response_url", "", body, told.chat if told else ""))
        if told is None or told.used or self.now() - told.at > AN_HOUR:
            return 60140, "invalid response_code"
        if told.chat.startswith("group:") and body.get("msgtype") == "template_card":
            return self._fault(BAD_BODY, "a card to a group by response_url")
        if error := self._message(body, "markdown", "template_card"):
            return error
        told.used = True
        return self._show(told.chat, self._id("posted"), body)

    def passive(self, chat: str, body: Json) -> None:
        """What went back within a call."""
        self.calls.append(Call("passive", "", body, chat))
        if "response_type" in body:
            self._card(body["template_card"])
        elif not self._message(body, "text", "stream", "template_card", "stream_with_template_card"):
            self._show(chat, self._id("passive"), body)

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}"

    def _time(self) -> int:
        return int(self.now() + self.skew)


def chat_of(body: Json) -> str:
    if body.get("chattype") == "group":
        return f"group:{body.get('chatid')}"
    return f"single:{body.get('from', {}).get('userid')}"


def task_of(body: Json) -> str:
    return str(body.get("event", {}).get("template_card_event", {}).get("task_id", ""))


def text_of(body: Json) -> str | None:
    for kind in ("stream", "markdown", "text"):
        if kind in body:
            return str(body[kind]["content"])
    return None


def read(body: Json) -> str:
    """A message as people read it."""
    if body["msgtype"] == "text":
        return str(body["text"]["content"])
    text = text_of(body)
    if text is None:
        return str(body["template_card"].get("sub_title_text", ""))
    return rendered(text)


def rendered(markdown: str) -> str:
    """Markdown as text; every element other than lines and paragraphs stays visible as a tag."""
    html = MARKDOWN.render(markdown).strip()
    html = re.sub(r"</p>\n<p>", "\n\n", re.sub(r"<br />\n", "\n", html))
    return unescape(re.sub(r"^<p>|</p>$", "", html))


@dataclass
class Caller:
    """WeCom calling a callback address: `hook` is how, `clock_off` by how much its clock is ahead."""

    wecom: FakeWeCom
    hook: Callable[[HookRequest], Awaitable[HookReply]]
    seal: Seal = field(default_factory=lambda: Seal(TOKEN, AES_KEY))
    clock_off: float = 0.0
    nonces: int = 0

    def request(self, method: str, sealed: str, body: bytes = b"", **query: str) -> HookRequest:
        self.nonces += 1
        timestamp, nonce = str(int(self.wecom.now() + self.clock_off)), f"nonce{self.nonces}"
        signed = {
            "msg_signature": self.seal.signature(timestamp, nonce, sealed),
            "timestamp": timestamp,
            "nonce": nonce,
        }
        return posted({"Content-Type": "application/json"}, body, method, **signed, **query)

    async def checks(self, echo: str = "echo-of-wecom") -> HookReply:
        sealed = self.seal.close(echo.encode())
        return await self.hook(self.request("GET", sealed, echostr=sealed))

    async def calls(self, body: Json) -> HookReply:
        return await self.calls_with(json.dumps(body).encode(), chat_of(body))

    async def calls_with(self, plain: bytes, chat: str = "single:ann") -> HookReply:
        sealed = self.seal.close(plain)
        await asyncio.sleep(self.wecom.delay)
        self.wecom.spoke.add(chat)
        request = self.request("POST", sealed, json.dumps({"encrypt": sealed}).encode())
        reply = await self.hook(request)
        if reply.status == 200 and reply.body:
            self.wecom.passive(chat, self.opened(reply, request))
        return reply

    def opened(self, reply: HookReply, request: HookRequest) -> Json:
        """The answer that went back, checked as WeCom would."""
        answer = json.loads(reply.body)
        timestamp, nonce, sealed = str(answer["timestamp"]), answer["nonce"], answer["encrypt"]
        assert nonce == request.query["nonce"]
        assert self.seal.signed(answer["msgsignature"], timestamp, nonce, sealed)
        body: Json = json.loads(self.seal.open(sealed))
        return body


SHORT = {"language": "en", "quota_wait": 1.0}


class WeComRig(Rig):
    """The bot's WebSocket."""

    kind = "wecom"
    way = "socket"
    keeps = False
    secrets: ClassVar[Sequence[str]] = (SECRET,)
    states: ClassVar[Sequence[str]] = ("connecting", "subscribing", "listening", "pinging")
    hostile: ClassVar[Sequence[bytes]] = (
        b'{"cmd": "aibot_msg_callback", "headers": {"req_id": "r"}, "body": {"msgtype": "text"}}',
        b'{"cmd": "aibot_msg_callback", "headers": [], "body": {"msgid": 1, "msgtype": "mixed", "mixed": 3}}',
        b'{"cmd": "aibot_event_callback", "headers": {"req_id": 4}, "body": {"msgtype": "event", "event": [1]}}',
        b'{"cmd": "aibot_event_callback", "headers": {"req_id": "r"}, "body": {"msgtype": "event", '
        b'"from": {"userid": "u"}, "event": {"eventtype": "template_card_event", '
        b'"template_card_event": {"event_key": "x:\\ud800"}}}}',
        b'{"headers": {"req_id": "nobody asked"}, "errcode": 0}',
        b'{"headers": {"req_id": {}}, "errcode": "0"}',
    )
    cannot: ClassVar[dict[str, str]] = {"echo_own": "WeCom shows a bot nothing that the bot itself said"}

    def __init__(self) -> None:
        self.wecom = FakeWeCom()
        self._bodies: dict[str, Json] = {}

    async def __aenter__(self) -> "WeComRig":
        await self.wecom.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.wecom.__aexit__(kind, error, trace)
        if error is None:
            assert self.wecom.faults == []

    def connector(self) -> WeCom:
        options: Json = {**SHORT, "socket_url": self.wecom.socket_url, "ping_every": 0.2, "patience": 3.0}
        return WeCom("wecom", BOT, SECRET, "talk", **options)

    def _body(self, line: Line) -> Json:
        body = self._bodies[line.id] = self.wecom.text(line.text, line.user)
        return body

    async def say(self, line: Line) -> None:
        await self.wecom.arrives(self._body(line))

    async def say_again(self, id: str) -> None:
        await self.wecom.arrives(self._bodies[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for body in reversed([self._body(line) for line in lines]):
            await self.wecom.arrives(body)

    async def cut(self, line: Line) -> None:
        frame = {"cmd": "aibot_msg_callback", "headers": {"req_id": "cut"}, "body": self._body(line)}
        await self.wecom.feed(json.dumps(frame)[:-20])

    async def oversized(self) -> None:
        frame = {"cmd": "aibot_msg_callback", "headers": {"req_id": "big"}, "body": self.wecom.text("x" * 2_000_000)}
        socket = await self.wecom.listening()
        await self.wecom.feed(json.dumps(frame))
        await self.wecom.until(lambda: self.wecom.subscribed is not socket)

    async def feed(self, payload: bytes) -> None:
        await self.wecom.feed(payload)

    async def disconnect(self, state: str) -> None:
        if state == "listening":
            await self.wecom.cut_off(await self.wecom.listening())
            return
        if state == "connecting":

            async def broken(request: web.Request) -> web.StreamResponse:
                return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")

            self.wecom.handshakes.append(broken)
        else:
            self.wecom.will({"subscribing": "aibot_subscribe", "pinging": "ping"}[state], drop())
        if state != "pinging" and self.wecom.subscribed:
            await self.wecom.cut_off(self.wecom.subscribed)

    def slow(self, seconds: float) -> None:
        self.wecom.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.wecom.skew = seconds

    def refuse_send(self) -> None:
        self.wecom.will("aibot_respond_msg", refuse(93008, "not in group"))

    def limit_send(self, seconds: float) -> None:
        self.wecom.will("aibot_respond_msg", refuse(*QUOTA))

    def time_out_after_send(self) -> None:
        self.wecom.will("aibot_respond_msg", done_in_silence())

    def sent(self) -> list[str]:
        return self.wecom.texts()


class WeComCallbackRig(Rig):
    """WeCom calls us."""

    kind = "wecom"
    way = "callback"
    keeps = False
    secrets: ClassVar[Sequence[str]] = (TOKEN, AES_KEY)
    hostile: ClassVar[Sequence[bytes]] = (
        b'{"msgid": "m", "msgtype": "text", "from": {"userid": "u"}, "text": [], "response_url": 7}',
        b'{"msgid": "m", "msgtype": "stream", "from": {"userid": "u"}, "stream": {"id": "s"}}',
        b'{"msgtype": "event", "from": {"userid": "u"}, "event": {"eventtype": "template_card_event"}}',
    )
    cannot: ClassVar[dict[str, str]] = {
        "disconnect": "WeCom makes each call on a connection of its own",
        "echo_own": "WeCom shows a bot nothing that the bot itself said",
        "oversized": "the web server in front takes no such body",
    }

    def __init__(self) -> None:
        self.wecom = FakeWeCom()
        self._bodies: dict[str, Json] = {}
        self._under_way: set[asyncio.Task[HookReply]] = set()
        self._made: WeComCallback | None = None

    async def __aenter__(self) -> "WeComCallbackRig":
        await self.wecom.__aenter__()
        self._caller = Caller(self.wecom, self._hook)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()
        await self.wecom.__aexit__(kind, error, trace)
        if error is None:
            assert self.wecom.faults == []

    def connector(self) -> WeComCallback:
        options: Json = {**SHORT, "base_url": self.wecom.base_url}
        self._made = WeComCallback("wecom", TOKEN, AES_KEY, "talk", **options)
        return self._made

    async def _hook(self, request: HookRequest) -> HookReply:
        assert self._made
        return await self._made.hook(request)

    def _hang_up(self) -> None:
        """WeCom waits no longer for the answers to its calls."""
        for call in self._under_way:
            call.cancel()

    async def _call(self, plain: bytes, chat: str = "single:ann") -> None:
        """Until it is taken or surely turned away; the answer may come later."""
        while True:
            call = asyncio.create_task(self._caller.calls_with(plain, chat))
            self._under_way.add(call)
            call.add_done_callback(self._under_way.discard)
            done, _ = await asyncio.wait([call], timeout=0.3 + self.wecom.delay)
            if not done or call.cancelled() or call.result().status not in (403, 503):
                return
            await asyncio.sleep(0.02)

    def _body(self, line: Line) -> Json:
        chat = f"single:{line.user}"
        body = self.wecom.text(line.text, line.user, response_url=self.wecom.response_url(chat))
        self._bodies[line.id] = body
        return body

    async def say(self, line: Line) -> None:
        await self._call(json.dumps(self._body(line)).encode(), f"single:{line.user}")

    async def say_again(self, id: str) -> None:
        await self._call(json.dumps(self._bodies[id]).encode())

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for body in reversed([self._body(line) for line in lines]):
            await self._call(json.dumps(body).encode())

    async def cut(self, line: Line) -> None:
        await self._call(json.dumps(self._body(line)).encode()[:-20])

    async def feed(self, payload: bytes) -> None:
        await self._call(payload)

    def slow(self, seconds: float) -> None:
        self.wecom.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self._caller.clock_off = seconds
        self.wecom.skew = seconds

    def _next_post(self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._hang_up()
        self.wecom.posts.append(answer)

    def refuse_send(self) -> None:
        async def refused(request: web.Request) -> web.StreamResponse:
            return web.json_response({"errcode": 93008, "errmsg": "not in group"})

        self._next_post(refused)

    def limit_send(self, seconds: float) -> None:
        async def limited(request: web.Request) -> web.StreamResponse:
            return web.json_response({"errcode": 45009, "errmsg": "api freq out of limit"})

        self._next_post(limited)

    def time_out_after_send(self) -> None:
        async def hung(request: web.Request) -> web.StreamResponse:
            self.wecom.respond(request, await request.json())
            await asyncio.sleep(30)
            return web.Response()

        self._next_post(hung)

    def sent(self) -> list[str]:
        return self.wecom.texts()
