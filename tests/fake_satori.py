"""Our own Satori server: enough of it to try the connector, and able to misbehave. `satori-python-client` checks it."""

import asyncio
import html
import json
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors.satori import Satori
from tests.bot.connectors.contract import Line, Rig

TOKEN = "token-of-the-satori-server"
Json = dict[str, Any]

ME: Json = {"id": "bot-1", "name": "Floormic", "is_bot": True}
ANN: Json = {"id": "11", "name": "Ann"}
BOB: Json = {"id": "12", "name": "Bob", "nick": "Bobby"}
GROUP: Json = {"id": "g/1", "type": 0, "name": "Lecture"}
PRIVATE: Json = {"id": "p-11", "type": 1}
LOGIN: Json = {"sn": 1, "adapter": "fake", "platform": "discord", "status": 1, "user": ME, "features": []}
EVENT, PING, PONG, IDENTIFY, READY = range(5)


def login_of() -> Json:
    return json.loads(json.dumps(LOGIN))


class FakeSatori:
    """`says` and `presses` are what people do; `calls` is what the bot asked of the HTTP API, `messages` what stands in
    the chats from the bot. It keeps its events and gives them to whoever comes with the number of an earlier one.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json, Mapping[str, str]]] = []
        self.messages: dict[str, str] = {}
        self.identified: list[Json] = []
        self.events: list[Json] = []
        self.answers: list[web.StreamResponse | None] = []
        self.logins: list[Json] = [login_of()]
        self.handshake: web.Response | None = None
        self.greeting: Json | str | None = None
        self.break_before_ready = self.break_when_ready = False
        self.hang = False
        self.delay = 0.0
        self.ahead = 0.0
        self.pings = 0
        self.connected = asyncio.Event()
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._next = 0
        self._sn = 100

    async def __aenter__(self) -> "FakeSatori":
        app = web.Application()
        app.router.add_get("/satori/v1/events", self._serve_events)
        app.router.add_post("/satori/v1/{method}", self._serve_call)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/satori"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drop()
        await self._runner.cleanup()

    # What people do

    async def says(self, content: str, user: Json = ANN, channel: Json = GROUP, id: str = "", **fields: Any) -> Json:
        self._next += 1
        message = {"id": id or f"m{self._next}", "content": content}
        body = {"type": "message-created", "user": user, "channel": channel, "message": message, **fields}
        return await self.happens(body)

    async def presses(self, button: str, user: Json = ANN, channel: Json = GROUP) -> Json:
        return await self.happens(
            {"type": "interaction/button", "user": user, "channel": channel, "button": {"id": button}}
        )

    async def happens(self, body: Json) -> Json:
        """An event, numbered and kept."""
        self._sn += 1
        event = {"sn": self._sn, "timestamp": round((time.time() + self.ahead) * 1000), "login": login_of(), **body}
        self.events.append(event)
        await self.sends(event)
        return event

    # How it misbehaves

    async def sends(self, event: Json) -> None:
        await self.sends_text(json.dumps({"op": EVENT, "body": event}))

    async def sends_text(self, text: str) -> None:
        await asyncio.sleep(self.delay)
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.send_str(text)

    def sends_raw(self, payload: bytes, share: float = 1.0) -> None:
        """A text frame of these bytes, whatever they are; less than all of it where `share` is less than 1."""
        size = len(payload)
        head = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 2**16 else b""
        frame = b"\x81" + (head or b"\x7f" + struct.pack(">Q", size)) + payload
        for request in self._sockets.values():
            if request.transport:
                request.transport.write(frame[: round(len(frame) * share)])

    async def drop(self) -> None:
        """Every connection breaks."""
        for request in list(self._sockets.values()):
            if request.transport:
                request.transport.close()
        self.connected.clear()
        await asyncio.sleep(0)

    # The server

    async def _serve_events(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if self.handshake is not None:
            return self.handshake
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        frame = await socket.receive_json()
        assert frame["op"] == IDENTIFY
        self.identified.append(frame["body"])
        if self.break_before_ready:
            self.break_before_ready = False
            request.transport.close()
            return socket
        if frame["body"].get("token") != TOKEN:
            await socket.close(code=4004, message=b"invalid token")
            return socket
        if isinstance(self.greeting, str):
            await socket.send_str(self.greeting)
        else:
            await socket.send_json(self.greeting or {"op": READY, "body": {"logins": self.logins, "proxy_urls": []}})
        after = frame["body"].get("sn")
        for event in [e for e in self.events if after is not None and e["sn"] > after]:
            await socket.send_json({"op": EVENT, "body": event})
        self._sockets[socket] = request
        self.connected.set()
        if self.break_when_ready:
            self.break_when_ready = False
            await self.drop()
        try:
            async for message in socket:
                if message.json()["op"] == PING and not self.hang:
                    self.pings += 1
                    await socket.send_json({"op": PONG})
        finally:
            del self._sockets[socket]
        return socket

    async def _serve_call(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        method, body = request.match_info["method"], await request.json()
        self.calls.append((method, body, request.headers))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        if request.headers.get("Satori-Platform") != "discord" or request.headers.get("Satori-User-ID") != ME["id"]:
            return web.Response(status=404)
        if self.answers and (answer := self.answers.pop(0)):
            return answer
        if method == "message.create":
            id = f"s{len(self.messages) + 1}"
            self.messages[id] = body["content"]
        elif method == "message.update" and body["message_id"] in self.messages:
            self.messages[body["message_id"]] = body["content"]
            return web.json_response({})
        else:
            return web.Response(status=404)
        if self.hang:
            self.hang = False
            await asyncio.sleep(30)
        return web.json_response([{"id": id, "content": body["content"]}])


class SatoriRig(Rig):
    """The fake behind the contract's levers."""

    kind = "satori"
    cannot: ClassVar[Mapping[str, str]] = {}
    secrets = (TOKEN,)
    states = ("before ready", "listening")
    hostile = (
        b'{"op": 0, "body": {"type": "message-created", "message": {"id": {}, "content": []}}}',
        b'{"op": 4, "body": {"logins": 7}}',
        b'{"op": "x"}',
        b'{"op": 0, "body": {"type": "login-removed", "login": {"sn": "many"}}}',
    )

    def __init__(self) -> None:
        self.fake = FakeSatori()
        self._began = False

    async def __aenter__(self) -> "SatoriRig":
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fake.__aexit__(kind, error, trace)

    def connector(self) -> Satori:
        self._began = False
        return Satori("satori", self.fake.url, TOKEN, "talk", edit=True)

    async def _begun(self) -> None:
        """What was said before anybody ever listened is kept for nobody."""
        if not self._began:
            await self.fake.connected.wait()
            self._began = True

    async def say(self, line: Line) -> None:
        await self._begun()
        await self.fake.says(line.text, {"id": line.user, "name": line.user}, id=line.id)

    async def say_again(self, id: str) -> None:
        await self.fake.connected.wait()
        await self.fake.sends(next(e for e in self.fake.events if e.get("message", {}).get("id") == id))

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        await self.fake.connected.wait()
        events = [self._event(line, number) for number, line in enumerate(lines)]
        self.fake.events += events
        for event in reversed(events):
            await self.fake.sends(event)

    def _event(self, line: Line, number: int = 0) -> Json:
        self.fake._sn += 1
        return {
            "sn": self.fake._sn,
            "timestamp": round((time.time() + self.fake.ahead) * 1000) + number,
            "type": "message-created",
            "login": login_of(),
            "user": {"id": line.user, "name": line.user},
            "channel": GROUP,
            "message": {"id": line.id, "content": line.text},
        }

    async def cut(self, line: Line) -> None:
        await self._begun()
        event = self._event(line)
        self.fake.events.append(event)
        self.fake.sends_raw(json.dumps({"op": EVENT, "body": event}).encode(), share=0.5)
        await self.fake.drop()

    async def oversized(self) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(b'{"op": 0, "body": "' + b"x" * 2_000_000 + b'"}')

    async def feed(self, payload: bytes) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(payload)
        self.fake.sends_raw(b'{"op": 0, "body": ' + payload + b"}")

    async def disconnect(self, state: str) -> None:
        if state == "before ready":
            self.fake.break_before_ready = True
        elif not self.fake.connected.is_set():
            self.fake.break_when_ready = True
        await self.fake.drop()

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.fake.ahead = seconds

    async def echo_own(self, text: str) -> None:
        await self.fake.connected.wait()
        await self.fake.says(text, ME)

    def refuse_send(self) -> None:
        self.fake.answers.append(web.Response(status=403))

    def limit_send(self, seconds: float) -> None:
        self.fake.answers.append(web.Response(status=429, headers={"Retry-After": f"{seconds:g}"}))

    def time_out_after_send(self) -> None:
        self.fake.hang = True

    def sent(self) -> list[str]:
        return [html.unescape(text.partition("/>")[2] or text) for text in self.fake.messages.values()]
