"""Our own Bot API server: enough of it to try the connector, and able to misbehave.

What it sends and what it is asked is checked against aiogram's types, which others wrote from the same documents.
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors.telegram import Telegram
from bot.ports import HookReply, HookRequest
from tests.bot.connectors.contract import Line, Rig
from tests.waiting import until

TOKEN = "123456:TEST-token"
Json = dict[str, Any]

ME: Json = {
    "id": 999,
    "is_bot": True,
    "first_name": "Floormic",
    "username": "floormic_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
ANN: Json = {"id": 11, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "language_code": "en"}
BOB: Json = {"id": 12, "is_bot": False, "first_name": "Bob"}
OTHER_BOT: Json = {"id": 13, "is_bot": True, "first_name": "Weather", "username": "weather_bot"}
GROUP: Json = {"id": -1001, "type": "supergroup", "title": "Lecture"}
FORUM: Json = {"id": -1002, "type": "supergroup", "title": "Forum", "is_forum": True}

KNOWN = {
    "getMe",
    "getUpdates",
    "sendMessage",
    "editMessageText",
    "answerCallbackQuery",
    "setWebhook",
    "deleteWebhook",
}
JSON_FIELDS = {"reply_markup", "reply_parameters", "link_preview_options", "allowed_updates", "entities"}
SAYING = {"sendMessage", "editMessageText"}


def _check(kind: str, found: Json) -> None:
    """Raises `ValueError` where this is none."""
    from aiogram import types  # takes seconds, which most who import this module do not need

    getattr(types, kind).model_validate(found)


def private(user: Json) -> Json:
    return {"id": user["id"], "type": "private", "first_name": user["first_name"]}


@dataclass(frozen=True)
class Call:
    """A request that the bot made."""

    method: str
    params: Json
    at: float

    @property
    def text(self) -> str:
        return str(self.params["text"])

    @property
    def buttons(self) -> list[Json]:
        rows = self.params.get("reply_markup", {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]


class Failure(Exception):
    """What Telegram answers with `ok: false`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters

    def response(self) -> web.Response:
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return web.json_response(body, status=self.code)


Do = Callable[[], Awaitable[web.Response]]
Mood = Callable[[web.Request, Do], Awaitable[web.StreamResponse]]


def broken(status: int = 502) -> Mood:
    """Not done, and an answer that is no JSON, as from a proxy."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.Response(status=status, text="<html>Bad Gateway</html>", content_type="text/html")

    return mood


def hang(seconds: float) -> Mood:
    """Not done, and no answer for a long time."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response(status=504)

    return mood


def cut_json() -> Mood:
    """Done, but the answer is half a JSON."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        answer = await do()
        body = bytes(answer.body or b"")  # type: ignore[arg-type]
        return web.Response(body=body[: len(body) // 2], status=answer.status, content_type="application/json")

    return mood


def cut_off() -> Mood:
    """Done, but the connection breaks in the middle of the answer."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        whole = await do()
        body = bytes(whole.body or b"")  # type: ignore[arg-type]
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        answer = web.StreamResponse(status=whole.status, headers=headers)
        await answer.prepare(request)
        await answer.write(body[: len(body) // 2])
        if request.transport:
            request.transport.close()
        return answer

    return mood


def raw(body: bytes) -> Mood:
    """Not done, and an answer of these bytes."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return mood


def drop() -> Mood:
    """Not done, and the connection breaks."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        if request.transport:
            request.transport.close()
        return web.Response()

    return mood


def mute(seconds: float) -> Mood:
    """Done, but no answer for a long time."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        answer = await do()
        await asyncio.sleep(seconds)
        return answer

    return mood


def refuse(code: int, description: str, **parameters: int) -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return Failure(code, description, **parameters).response()

    return mood


class FakeTelegram:
    """`says`, `presses` and `edits` are what people do; `calls` is what the bot did.

    `will(method, *moods)` makes the next calls misbehave. `flood(seconds)` answers the next message with a 429, and
    whatever is sent to that chat (`everywhere`: to any) before its time is over is noted in `violations`.
    With `messy`, every getUpdates repeats what was confirmed before and shuffles the order. Each answer takes `delay`
    seconds more; its clock is `ahead` of ours by so many.
    """

    def __init__(self) -> None:
        _check("User", ME)  # takes its seconds here, and none within a request
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.faults: list[str] = []
        self.messages: dict[tuple[int, int], Json] = {}
        self.blocked: set[int] = set()
        self.migrated: dict[int, int] = {}
        self.webhook: Json | None = None
        self.messy = False
        self.delay = self.ahead = 0.0
        self._chats: set[int] = set()
        self._updates: list[Json] = []
        self._all: list[Json] = []
        self._queries: set[str] = set()
        self._moods: dict[str, deque[Mood]] = defaultdict(deque)
        self._floods: dict[int | None, float] = {}
        self._coming: deque[tuple[float, bool]] = deque()
        self._ids = {"update": 500, "message": 100, "query": 0}
        self._news = asyncio.Event()
        self._poll: asyncio.Task[Any] | None = None
        self._port = 0

    async def __aenter__(self) -> "FakeTelegram":
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._news.set()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/bot"

    # What people do

    def says(self, text: str, user: Json = ANN, chat: Json = GROUP, **fields: Any) -> Json:
        return self.arrives(self._message(user, chat, text=text, entities=entities_of(text), **fields))

    def arrives(self, message: Json) -> Json:
        self._queue({"message": message})
        return message

    def edits(self, message: Json, text: str) -> None:
        self._queue({"edited_message": {**message, "text": text, "edit_date": int(time.time())}})

    def presses(self, data: str, message: Json, user: Json = ANN) -> str:
        self._ids["query"] += 1
        query = str(self._ids["query"])
        self._queries.add(query)
        pressed = {"id": query, "from": user, "chat_instance": "7", "data": data, "message": message}
        self._queue({"callback_query": pressed})
        return query

    def expire_queries(self) -> None:
        self._queries.clear()

    def queue_raw(self, update: Json) -> None:
        """An update that no type checks."""
        self._ids["update"] += 1
        self._add({**update, "update_id": self._ids["update"]})

    def message(self, user: Json = ANN, chat: Json = GROUP, **content: Any) -> Json:
        return self._message(user, chat, **content)

    # How it misbehaves

    def will(self, method: str, *moods: Mood) -> None:
        self._moods[method].extend(moods)

    def flood(self, seconds: float, everywhere: bool = False) -> None:
        self._coming.append((seconds, everywhere))

    def clears_up(self) -> None:
        """Nothing of what was still to go wrong does."""
        self._moods.clear()
        self._coming.clear()

    # What is asked of it afterwards

    def said(self, method: str = "sendMessage") -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def texts(self, chat: int) -> list[str]:
        """What stands in a chat from the bot, after all edits."""
        return [m["text"] for (c, _), m in self.messages.items() if c == chat and m["from"]["id"] == ME["id"]]

    @property
    def arrived(self) -> Sequence[Json]:
        """Every update there ever was."""
        return self._all

    def unconfirmed(self) -> int:
        return len(self._updates)

    def confirmed(self) -> list[Json]:
        """The updates that the bot said it has; Telegram never sends them again."""
        waiting = {update["update_id"] for update in self._updates}
        return [update for update in self._all if update["update_id"] not in waiting]

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, why=lambda: f"calls: {self.calls}")

    # The server

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        await asyncio.sleep(self.delay)
        if request.match_info["token"] != TOKEN:
            return Failure(401, "Unauthorized").response()
        try:
            params = decoded({k: str(v) for k, v in (await request.post()).items()})
        except ConnectionError:  # the program died in the middle of its request
            return web.Response()
        self._check_request(method, params)
        self.calls.append(Call(method, params, time.monotonic()))

        async def do() -> web.Response:
            try:
                result = await getattr(self, f"_do_{method}")(params)
            except Failure as failure:
                return failure.response()
            return web.json_response({"ok": True, "result": result})

        moods = self._moods[method]
        return await (moods.popleft()(request, do) if moods else do())

    def _check_request(self, method: str, params: Json) -> None:
        """A wrong request is a fault of the bot; noted, because an error in here would look like a bad network."""
        if method not in KNOWN:
            self.faults.append(f"unknown method {method}")
            return
        from aiogram import methods

        kind = getattr(methods, method[0].upper() + method[1:])
        unknown = params.keys() - kind.model_fields.keys()
        if unknown:
            self.faults.append(f"{method}: unknown parameters {unknown}")
        try:
            kind.model_validate(params)
        except ValueError as error:
            self.faults.append(f"{method}: {error}")

    async def _do_getMe(self, params: Json) -> Json:
        _check("User", ME)
        return ME

    async def _do_getUpdates(self, params: Json) -> list[Json]:
        if self.webhook:
            raise Failure(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._poll and not self._poll.done():
            self._poll.cancel()
        wait = self._poll = asyncio.ensure_future(self._wait_for_news(params))
        try:
            await wait
        except asyncio.CancelledError:
            if wait.cancelled():
                raise Failure(409, "Conflict: terminated by other getUpdates request") from None
            raise
        return self._batch(int(params.get("limit", 100)))

    async def _wait_for_news(self, params: Json) -> None:
        if offset := int(params.get("offset", 0)):
            self._updates = [u for u in self._updates if u["update_id"] >= offset]
        deadline = time.monotonic() + min(float(params.get("timeout", 0)), 30.0)
        while not self._updates and (left := deadline - time.monotonic()) > 0:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()

    def _batch(self, limit: int) -> list[Json]:
        if not self.messy:
            return self._updates[:limit]
        # Everything twice, backwards, with the three before it once more.
        first = self._updates[0]["update_id"] if self._updates else 0
        earlier = [u for u in self._all if u["update_id"] < first][-3:]
        return [*earlier, *reversed(self._updates), *self._updates]

    async def _do_sendMessage(self, params: Json) -> Json:
        chat = self._may_say(params)
        reply = params.get("reply_parameters")
        replied = self.messages.get((chat, reply["message_id"])) if reply else None
        if reply and not replied and not reply.get("allow_sending_without_reply"):
            raise Failure(400, "Bad Request: message to be replied not found")
        extra: Json = {"reply_to_message": shallow(replied)} if replied else {}
        if thread := params.get("message_thread_id"):
            extra |= {"message_thread_id": int(thread), "is_topic_message": True}
        if markup := params.get("reply_markup"):
            extra["reply_markup"] = markup
        kind = {"id": chat, "type": "supergroup", "title": "Lecture"} if chat < 0 else private({**ANN, "id": chat})
        return self._message(ME, kind, text=params["text"], **extra)

    async def _do_editMessageText(self, params: Json) -> Json:
        chat = self._may_say(params)
        message = self.messages.get((chat, int(params["message_id"])))
        if message is None:
            raise Failure(400, "Bad Request: message to edit not found")
        same = message["text"] == params["text"] and message.get("reply_markup") == params.get("reply_markup")
        if same:
            raise Failure(400, "Bad Request: message is not modified: specified new message content is the same")
        message.pop("reply_markup", None)
        message |= {"text": params["text"], "edit_date": int(time.time())}
        if markup := params.get("reply_markup"):
            message["reply_markup"] = markup
        _check("Message", message)
        return message

    async def _do_answerCallbackQuery(self, params: Json) -> bool:
        if params["callback_query_id"] not in self._queries:
            raise Failure(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self._queries.remove(params["callback_query_id"])
        return True

    async def _do_setWebhook(self, params: Json) -> bool:
        self.webhook = params
        return True

    async def _do_deleteWebhook(self, params: Json) -> bool:
        self.webhook = None
        return True

    def _may_say(self, params: Json) -> int:
        chat, text, now = int(params["chat_id"]), params["text"], time.monotonic()
        if self._coming:
            seconds, everywhere = self._coming.popleft()
            self._floods[None if everywhere else chat] = now + seconds
            raise Failure(429, f"Too Many Requests: retry after {seconds:g}", retry_after=int(seconds))
        if (left := max(self._floods.get(chat, 0.0), self._floods.get(None, 0.0)) - now) > 0:
            self.violations.append(f"sent to {chat} {left:.2f} s too early")
            raise Failure(429, "Too Many Requests: retry after 1", retry_after=1)
        if chat in self.migrated:
            raise Failure(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.migrated[chat],
            )
        if chat in self.blocked:
            raise Failure(403, "Forbidden: bot was blocked by the user")
        if chat not in self._chats:
            raise Failure(400, "Bad Request: chat not found")
        if not text.strip():
            raise Failure(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) > 2 * 4096:
            raise Failure(400, "Bad Request: message is too long")
        for row in params.get("reply_markup", {}).get("inline_keyboard", []):
            if any(not 1 <= len(button["callback_data"].encode()) <= 64 for button in row):
                raise Failure(400, "Bad Request: BUTTON_DATA_INVALID")
        return chat

    def knows(self, chat: int) -> None:
        self._chats.add(chat)

    def _message(self, user: Json, chat: Json, **content: Any) -> Json:
        self._ids["message"] += 1
        self._chats.add(chat["id"])
        message: Json = {
            "message_id": self._ids["message"],
            "from": user,
            "chat": chat,
            "date": int(time.time() + self.ahead),
            **{key: value for key, value in content.items() if value not in (None, [])},
        }
        _check("Message", message)
        self.messages[chat["id"], message["message_id"]] = message
        return message

    def _queue(self, update: Json) -> None:
        self._ids["update"] += 1
        update = {"update_id": self._ids["update"], **update}
        _check("Update", update)
        self._add(update)

    def _add(self, update: Json) -> None:
        self._all.append(update)
        self._updates.append(update)
        self._news.set()


def decoded(params: dict[str, str]) -> Json:
    """Telegram's parameters come as a form, the structured ones as JSON in it."""
    return {key: json.loads(value) if key in JSON_FIELDS else value for key, value in params.items()}


def shallow(message: Json) -> Json:
    return {key: value for key, value in message.items() if key != "reply_to_message"}


def entities_of(text: str) -> list[Json]:
    """Commands at the start and mentions, in UTF-16 units as Telegram counts them."""
    found: list[Json] = []
    at = 0
    for word in text.split(" "):
        length = len(word.encode("utf-16-le", "surrogatepass")) // 2
        if word.startswith("/") and not at:
            found.append({"type": "bot_command", "offset": at, "length": length})
        elif word.startswith("@") and length > 1:
            found.append({"type": "mention", "offset": at, "length": length})
        at += length + 1
    return found


class TelegramRig(Rig):
    """A group that hears every line, by polling."""

    kind = "telegram"
    way = "polling"
    cannot: ClassVar = {
        "oversized": "an answer comes from the server at base_url, which is trusted, and the library reads it whole"
    }
    secrets = (TOKEN,)
    states = ("greeting", "listening")
    hostile = (
        b'{"ok": false}',
        b'{"ok": false, "error_code": "x", "description": 7, "parameters": []}',
        b'{"ok": true, "result": {"update_id": 1}}',
        b'{"ok": true, "result": [{"update_id": 1, "message": {"chat": 5}}, {"update_id": "2"}, null, [[]]]}',
    )

    def __init__(self) -> None:
        self.server = FakeTelegram()
        self._people: dict[str, Json] = {}
        self._lines: dict[str, Json] = {}

    async def __aenter__(self) -> "TelegramRig":
        await self.server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)
        assert not self.server.faults

    def connector(self) -> Telegram:
        base = self.server.base_url
        return Telegram("telegram", TOKEN, "talk", base_url=base, base_file_url=base, every_message=True)

    async def say(self, line: Line) -> None:
        await self.deliver(self._written(line))

    async def say_again(self, id: str) -> None:
        await self.deliver(self._lines[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for message in reversed([self._written(line) for line in lines]):
            await self.deliver(message)

    async def cut(self, line: Line) -> None:
        await self._next_polls(cut_json())
        self.server.will("getUpdates", cut_off())
        await self.say(line)

    async def feed(self, payload: bytes) -> None:
        await self._next_polls(raw(payload))

    async def disconnect(self, state: str) -> None:
        if state == "greeting":
            self.server.will("getMe", drop())
        await self._next_polls(drop())

    def slow(self, seconds: float) -> None:
        self.server.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.server.ahead = seconds

    async def echo_own(self, text: str) -> None:
        await self.deliver(self.server.message(ME, text=text))

    def refuse_send(self) -> None:
        self.server.will("sendMessage", refuse(403, "Forbidden: bot was kicked from the supergroup chat"))

    def limit_send(self, seconds: float) -> None:
        self.server.flood(seconds)

    def time_out_after_send(self) -> None:
        self.server.will("sendMessage", mute(5))

    def sent(self) -> list[str]:
        assert not self.server.violations
        return self.server.texts(GROUP["id"])

    async def deliver(self, message: Json) -> None:
        self.server.arrives(message)

    def _written(self, line: Line) -> Json:
        person = {"id": 100 + len(self._people), "is_bot": False, "first_name": line.user}
        user = self._people.setdefault(line.user, person)
        return self._lines.setdefault(line.id, self.server.message(user, text=line.text))

    async def _next_polls(self, mood: Mood) -> None:
        """Until a poll behaved so; the one that waits is given an edited message, which nobody listens to."""
        self.server.will("getUpdates", mood)
        self.server.edits(self.server.message(text="x"), "y")
        await self.server.until(lambda: not self.server._moods["getUpdates"])


class TelegramHookRig(TelegramRig):
    """The same by webhook: Telegram repeats what is not answered with 200."""

    way = "webhook"
    states = ("greeting",)
    hostile = (b'{"update_id": 1, "message": {"chat": 5}}', b'{"update_id": "x"}', b'{"message": {}}')

    def connector(self) -> Telegram:
        base = self.server.base_url
        self._made = Telegram(
            "telegram",
            TOKEN,
            "talk",
            base_url=base,
            base_file_url=base,
            mode="webhook",
            public_url="http://127.0.0.1:1",
            secret="known-to-both",
            every_message=True,
        )
        return self._made

    async def deliver(self, message: Json) -> None:
        update = {"update_id": 1, "message": message}
        _check("Update", update)
        while (await self._post(json.dumps(update).encode())).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def cut(self, line: Line) -> None:
        body = json.dumps({"update_id": 1, "message": self._written(line)}).encode()
        await self._post(body[: len(body) // 2])
        await self.say_again(line.id)

    async def feed(self, payload: bytes) -> None:
        assert (await self._post(payload)).status in (200, 400)

    async def disconnect(self, state: str) -> None:
        self.server.will("getMe", drop())

    async def _post(self, body: bytes) -> HookReply:
        await asyncio.sleep(self.server.delay)
        headers = {"x-telegram-bot-api-secret-token": "known-to-both"}
        return await self._made.hook(HookRequest("POST", {}, headers, body))
