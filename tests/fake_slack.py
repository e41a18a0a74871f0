"""Our own Slack: Web API and Socket Mode, enough of both to try the connector, and able to misbehave. slack-sdk and
slack-bolt, which others wrote, are the clients that speak to it.
"""

import asyncio
import html
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors import slack
from bot.connectors.slack import Slack
from tests.bot.connectors.contract import Line, Rig

TOKEN, APP_TOKEN = "xoxb-fake-bot-token", "xapp-fake-app-token"
Json = dict[str, Any]
ME, CHANNEL, DIRECT = "U0BOT", "C1", "D1"
PEOPLE = {"U11": "Ann", "U12": "Bob"}


class FakeSlack:
    """`says` and `presses` are what people do; `calls` is what the bot asked, `messages` what it said, by timestamp.

    What is not acknowledged within `patience` seconds, or was not sent to anybody, comes again. `answers` are given to
    the next calls of a method instead of the usual ones.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.messages: dict[str, str] = {}
        self.metadata: dict[str, tuple[Json, Json]] = {}
        self.answers: dict[str, list[web.StreamResponse]] = {}
        self.unacknowledged: dict[str, Json] = {}
        self.break_when: set[str] = set()
        self.patience = 0.3
        self.hang = False
        self.delay = 0.0
        self.ahead = 0.0
        self.connected = asyncio.Event()
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._number = 0
        self._repeating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "FakeSlack":
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._serve_call)
        app.router.add_get("/link", self._serve_link)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{self._port}/api/"
        self._repeating = asyncio.create_task(self._repeat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._repeating:
            self._repeating.cancel()
        await self.drop()
        await self._runner.cleanup()

    # What people do

    async def says(self, text: str, user: str = "U11", direct: bool = False, **fields: Any) -> Json:
        event = self.event(text, user, direct, **fields)
        await self.happens(event)
        return event

    def event(self, text: str, user: str, direct: bool = False, **fields: Any) -> Json:
        place = {"channel": DIRECT, "channel_type": "im"} if direct else {"channel": CHANNEL, "channel_type": "channel"}
        return {"type": "message", "user": user, "text": text, "ts": self.stamp(), **place, **fields}

    def stamp(self) -> str:
        self._number += 1
        return f"{int(time.time() + self.ahead)}.{self._number:06d}"

    async def happens(self, event: Json) -> str:
        payload = {"token": "x", "team_id": "T1", "api_app_id": "A1", "event": event, "type": "event_callback"}
        payload |= {"event_id": f"Ev{self._number}", "event_time": int(time.time()), "authorizations": []}
        return await self.envelope("events_api", payload)

    async def presses(self, value: str, user: str = "U11") -> str:
        action = {"type": "button", "action_id": "0", "block_id": "b", "value": value, "action_ts": "1"}
        person = {"id": user, "name": PEOPLE[user].lower(), "team_id": "T1"}
        payload = {
            "type": "block_actions",
            "user": person,
            "actions": [action],
            "channel": {"id": CHANNEL},
            "token": "x",
        }
        return await self.envelope("interactive", payload | {"team": {"id": "T1"}, "api_app_id": "A1"})

    async def envelope(self, kind: str, payload: Json) -> str:
        self._number += 1
        id = f"e{self._number}"
        self.unacknowledged[id] = {
            "envelope_id": id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": False,
        }
        await self.sends(json.dumps(self.unacknowledged[id]))
        return id

    # How it misbehaves

    async def sends(self, text: str) -> None:
        await asyncio.sleep(self.delay)
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.send_str(text)

    def sends_raw(self, payload: bytes, share: float = 1.0) -> None:
        """A text frame of these bytes, whatever they are; less than all of it where `share` is less than 1."""
        frame = b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload
        for request in self._sockets.values():
            if request.transport:
                request.transport.write(frame[: round(len(frame) * share)])

    async def drop(self) -> None:
        """Every connection breaks."""
        self.connected.clear()
        for request in list(self._sockets.values()):
            if request.transport:
                request.transport.close()
        await asyncio.sleep(0)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self.patience)
            for envelope in list(self.unacknowledged.values()):
                await self.sends(json.dumps(envelope | {"retry_attempt": 1, "retry_reason": "timeout"}))

    # The server

    async def _serve_link(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        if "hello" in self.break_when:
            self.break_when.remove("hello")
            await self._break(request)
            return socket
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        self._sockets[socket] = request
        self.connected.set()
        if "listening" in self.break_when:
            self.break_when.remove("listening")
            await self.drop()
        for envelope in list(self.unacknowledged.values()):
            await socket.send_json(envelope)
        async for message in socket:
            self.unacknowledged.pop(message.json()["envelope_id"], None)
        self._sockets.pop(socket, None)
        if not self._sockets:
            self.connected.clear()
        return socket

    async def _break(self, request: web.Request) -> None:
        if request.transport:
            request.transport.close()

    async def _serve_call(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        method = request.match_info["method"]
        body: Json = (
            await request.json()
            if request.content_type == "application/json"
            else {**request.query, **await request.post()}
        )
        self.calls.append((method, body))
        if answers := self.answers.get(method):
            return answers.pop(0)
        wanted = APP_TOKEN if method == "apps.connections.open" else TOKEN
        if request.headers.get("Authorization") != f"Bearer {wanted}":
            return refusal("invalid_auth")
        return await getattr(self, f"_do_{method.replace('.', '_')}")(body)

    async def _do_auth_test(self, body: Json) -> web.StreamResponse:
        return ok(user_id=ME, user="floormic", team="Uni", team_id="T1", bot_id="B1", url="https://uni.slack.com/")

    async def _do_apps_connections_open(self, body: Json) -> web.StreamResponse:
        return ok(url=f"ws://127.0.0.1:{self._port}/link?ticket=t")

    async def _do_users_info(self, body: Json) -> web.StreamResponse:
        name = PEOPLE.get(body["user"], "")
        return ok(user={"id": body["user"], "name": name.lower(), "profile": {"display_name": name}})

    async def _do_chat_postMessage(self, body: Json) -> web.StreamResponse:
        stamp = self.stamp()
        self.messages[stamp] = body["text"]
        metadata = body.get("metadata") or "{}"
        self.metadata[stamp] = (body, json.loads(metadata) if isinstance(metadata, str) else metadata)
        if self.hang:
            self.hang = False
            await asyncio.sleep(30)
        return ok(ts=stamp, channel=body["channel"])

    async def _do_conversations_history(self, body: Json) -> web.StreamResponse:
        """The newest first, those in threads left out; what an app noted on its messages where that is asked for."""
        return ok(messages=self._said(body, lambda post: not post.get("thread_ts"))[::-1])

    async def _do_conversations_replies(self, body: Json) -> web.StreamResponse:
        return ok(messages=self._said(body, lambda post: post.get("thread_ts") == body["ts"]))

    def _said(self, body: Json, wanted: Callable[[Json], bool]) -> list[Json]:
        noted = str(body.get("include_all_metadata", "0")).lower() in ("1", "true")
        return [
            {"ts": stamp, "text": post["text"], "bot_id": "B1", **({"metadata": noticed} if noted else {})}
            for stamp, (post, noticed) in self.metadata.items()
            if post["channel"] == body["channel"] and wanted(post) and float(stamp) >= float(body.get("oldest") or 0)
        ]

    async def _do_chat_update(self, body: Json) -> web.StreamResponse:
        if body["ts"] not in self.messages:
            return refusal("message_not_found")
        self.messages[body["ts"]] = body["text"]
        return ok(ts=body["ts"], channel=body["channel"])

    async def _do_chat_postEphemeral(self, body: Json) -> web.StreamResponse:
        return ok(message_ts=self.stamp())


def ok(**fields: Any) -> web.Response:
    return web.json_response({"ok": True, **fields})


def refusal(error: str, status: int = 200, **headers: str) -> web.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"ok": False, "error": error}, status=status, headers=names)


class SlackRig(Rig):
    """The fake behind the contract's levers."""

    kind = "slack"
    cannot: ClassVar[Mapping[str, str]] = {}
    secrets = (TOKEN, APP_TOKEN)
    states = ("hello", "listening")
    hostile = (
        b'{"envelope_id": "x1", "type": "events_api", "payload": {"event": 7}}',
        b'{"envelope_id": "x2", "type": "events_api", "payload": {"event": {"type": "message", "user": "U11"}}}',
        b'{"envelope_id": "x3", "type": "interactive", "payload": {"type": "block_actions", "actions": []}}',
        b'{"envelope_id": ["x4"], "type": "events_api", "payload": "text"}',
    )

    def __init__(self) -> None:
        self.fake = FakeSlack()
        self._said: dict[str, Json] = {}

    async def __aenter__(self) -> "SlackRig":
        self._grace, slack.GRACE = slack.GRACE, 0.15
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        slack.GRACE = self._grace
        await self.fake.__aexit__(kind, error, trace)

    def connector(self) -> Slack:
        return Slack("slack", TOKEN, APP_TOKEN, "talk", base_url=self.fake.base_url)

    def _event(self, line: Line) -> Json:
        return self._said.setdefault(line.id, self.fake.event(html.escape(line.text, quote=False), f"U{line.user}"))

    async def say(self, line: Line) -> None:
        await self.fake.happens(self._event(line))

    async def say_again(self, id: str) -> None:
        await self.fake.happens(self._said[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for event in [self._event(line) for line in lines][::-1]:
            await self.fake.happens(event)

    async def cut(self, line: Line) -> None:
        await self.fake.connected.wait()
        envelope = {"envelope_id": "cut", "type": "events_api", "payload": {"event": self._event(line)}}
        self.fake.unacknowledged["cut"] = envelope
        self.fake.sends_raw(json.dumps(envelope).encode(), share=0.5)
        await self.fake.drop()

    async def oversized(self) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(b'{"envelope_id": "' + b"x" * 5_000_000 + b'"}')

    async def feed(self, payload: bytes) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(payload)
        self.fake.sends_raw(b'{"envelope_id": "f", "type": "events_api", "payload": {"event": ' + payload + b"}}")

    async def disconnect(self, state: str) -> None:
        if state == "hello" or not self.fake.connected.is_set():
            self.fake.break_when.add(state)
        await self.fake.drop()

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.fake.ahead = seconds

    async def echo_own(self, text: str) -> None:
        await self.fake.says(text, ME)

    def refuse_send(self) -> None:
        self.fake.answers["chat.postMessage"] = [refusal("not_in_channel")]

    def limit_send(self, seconds: float) -> None:
        self.fake.answers["chat.postMessage"] = [refusal("ratelimited", 429, Retry_After=f"{seconds:g}")]

    def time_out_after_send(self) -> None:
        self.fake.hang = True

    def sent(self) -> list[str]:
        return [html.unescape(text) for text in self.fake.messages.values()]
