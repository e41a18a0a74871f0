"""Our own Feishu: API and long connection, enough of both to try the connector, and able to misbehave. lark-oapi, which
others wrote, is the client that speaks to it, and its protobuf classes make the frames.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors.feishu import Feishu
from tests.bot.connectors.contract import Line, Rig

APP, SECRET, TOKEN = "cli_fake", "secret-of-the-feishu-app", "t-token-of-the-tenant"
Json = dict[str, Any]
ME, CHAT, DIRECT = "ou_bot", "oc_1", "oc_2"


class FakeFeishu:
    """`says` and `presses` are what people do; `calls` is what the bot asked, `cards` what it said, by message id.

    What is not acknowledged within `patience` seconds comes again. `answers` are given to the next calls that send.
    """

    def __init__(self, app: str = APP) -> None:
        _frame()  # takes its seconds here, and none within a request
        self.app = app
        self.calls: list[tuple[str, str, Json]] = []
        self.cards: dict[str, Json] = {}
        self.answers: list[web.StreamResponse] = []
        self.endpoint_answer: Json | None = None
        self.info: web.Response | None = None
        self.unacknowledged: dict[str, Json] = {}
        self.results: list[Json] = []
        self.break_when: set[str] = set()
        self.patience = 0.3
        self.hang = False
        self.delay = 0.0
        self.ahead = 0.0
        self.connected = asyncio.Event()
        self._uuids: dict[str, str] = {}
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._number = 0
        self._repeating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "FakeFeishu":
        app = web.Application()
        app.router.add_post("/callback/ws/endpoint", self._serve_endpoint)
        app.router.add_get("/ws", self._serve_socket)
        app.router.add_post("/open-apis/auth/v3/tenant_access_token/internal", self._serve_token)
        app.router.add_get("/open-apis/bot/v3/info", self._serve_info)
        app.router.add_post("/open-apis/im/v1/messages", self._serve_send)
        app.router.add_post("/open-apis/im/v1/messages/{id}/reply", self._serve_send)
        app.router.add_patch("/open-apis/im/v1/messages/{id}", self._serve_edit)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{self._port}"
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

    async def says(self, text: str, user: str = "ou_11", direct: bool = False, **fields: Any) -> Json:
        event = self.event(text, user, direct, **fields)
        await self.happens("im.message.receive_v1", event)
        return event

    def event(self, text: str, user: str, direct: bool = False, sender: str = "user", **fields: Any) -> Json:
        self._number += 1
        message = {
            "message_id": f"om_{self._number}",
            "create_time": str(round((time.time() + self.ahead) * 1000)),
            "chat_id": DIRECT if direct else CHAT,
            "chat_type": "p2p" if direct else "group",
            "message_type": "text",
            "content": json.dumps({"text": text}),
            **fields,
        }
        return {
            "sender": {"sender_id": {"open_id": user}, "sender_type": sender, "tenant_key": "t"},
            "message": message,
        }

    async def presses(self, value: Any, user: str = "ou_11") -> None:
        action = {"value": value, "tag": "button"}
        context = {"open_message_id": "om_1", "open_chat_id": CHAT}
        event = {"operator": {"open_id": user}, "token": "c", "action": action, "context": context}
        await self.happens("card.action.trigger", event)

    async def happens(self, kind: str, event: Any) -> None:
        self._number += 1
        header = {"event_id": f"ev{self._number}", "event_type": kind, "token": "", "create_time": "1", "app_id": APP}
        self.unacknowledged[f"f{self._number}"] = {"schema": "2.0", "header": header, "event": event}
        await self._push(f"f{self._number}")

    async def _push(self, id: str) -> None:
        if id in self.unacknowledged:
            await self.sends(frame(id, json.dumps(self.unacknowledged[id]).encode()))

    # How it misbehaves

    async def sends(self, payload: bytes) -> None:
        await asyncio.sleep(self.delay)
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.send_bytes(payload)

    def sends_raw(self, payload: bytes, share: float = 1.0) -> None:
        """A binary frame; less than all of it where `share` is less than 1."""
        whole = b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload
        for request in self._sockets.values():
            if request.transport:
                request.transport.write(whole[: round(len(whole) * share)])

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
            for id in list(self.unacknowledged):
                await self._push(id)

    # The server

    async def _serve_endpoint(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        body = await request.json()
        if self.endpoint_answer is not None:
            return web.json_response(self.endpoint_answer)
        if (body["AppID"], body["AppSecret"]) != (self.app, SECRET):
            return web.json_response({"code": 514, "msg": "app secret is wrong"})
        config = {"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120}
        url = f"ws://127.0.0.1:{self._port}/ws?device_id=d&service_id=7&ticket=t"
        return web.json_response({"code": 0, "msg": "", "data": {"URL": url, "ClientConfig": config}})

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if "handshake" in self.break_when:
            self.break_when.remove("handshake")
            if request.transport:
                request.transport.close()
            return web.Response()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets[socket] = request
        self.connected.set()
        if "listening" in self.break_when:
            self.break_when.remove("listening")
            await self.drop()
        for id in list(self.unacknowledged):
            await self._push(id)
        async for message in socket:
            answer = _frame()
            answer.ParseFromString(message.data)
            headers = {header.key: header.value for header in answer.headers}
            if answer.method == 1 and (result := json.loads(answer.payload))["code"] == 200:
                self.results.append(result)
                self.unacknowledged.pop(headers["message_id"], None)
        self._sockets.pop(socket, None)
        if not self._sockets:
            self.connected.clear()
        return socket

    async def _serve_token(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if (body["app_id"], body["app_secret"]) != (self.app, SECRET):
            return web.json_response({"code": 10014, "msg": "app secret invalid"})
        return web.json_response({"code": 0, "msg": "ok", "tenant_access_token": TOKEN, "expire": 7200})

    async def _serve_info(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if self.info is not None:
            return self.info
        return web.json_response({"code": 0, "msg": "ok", "bot": {"open_id": ME, "app_name": "Floormic"}})

    async def _serve_send(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        body = await request.json()
        self.calls.append((request.method, request.path, body))
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        if self.answers:
            return self.answers.pop(0)
        if request.match_info.get("id") == "om_gone":
            return refusal(230011)
        id = self._uuids.setdefault(body["uuid"], f"om_bot{len(self.cards)}")
        self.cards[id] = json.loads(body["content"])
        if self.hang:
            self.hang = False
            await asyncio.sleep(30)
        return web.json_response({"code": 0, "msg": "success", "data": {"message_id": id}})

    async def _serve_edit(self, request: web.Request) -> web.StreamResponse:
        body, id = await request.json(), request.match_info["id"]
        self.calls.append((request.method, request.path, body))
        if id not in self.cards:
            return refusal(230011)
        self.cards[id] = json.loads(body["content"])
        return web.json_response({"code": 0, "msg": "success", "data": {}})


def _frame() -> Any:
    """lark-oapi takes seconds to import, which most who import this do not need."""
    from lark_oapi.ws.pb.pbbp2_pb2 import Frame

    return Frame()


def frame(id: str, payload: bytes) -> bytes:
    """A data frame, as the platform packs an event."""
    made = _frame()
    made.SeqID, made.LogID, made.service, made.method, made.payload = 1, 1, 7, 1, payload
    headers = {"type": "event", "message_id": id, "sum": "1", "seq": "0", "trace_id": "t"}
    for key, value in headers.items():
        header = made.headers.add()
        header.key, header.value = key, value
    packed: bytes = made.SerializeToString()
    return packed


def refusal(code: int, status: int = 400, **headers: str) -> web.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"code": code, "msg": "no"}, status=status, headers=names)


class FeishuRig(Rig):
    """The fake behind the contract's levers."""

    kind = "feishu"
    cannot: ClassVar[Mapping[str, str]] = {}
    secrets = (SECRET, TOKEN)
    states = ("handshake", "listening")
    hostile = (
        b'{"schema": "2.0", "header": {"event_type": "im.message.receive_v1"}}',
        b'{"schema": "2.0", "header": {"event_type": "im.message.receive_v1"}, "event": {"sender": 7, "message": []}}',
        b'{"schema": "2.0", "header": {"event_type": "card.action.trigger"}, "event": {"action": {"value": "x"}}}',
        b'{"schema": "2.0", "header": {"event_type": "unknown"}, "event": {}}',
    )

    def __init__(self) -> None:
        self.fake = FakeFeishu()
        self._said: dict[str, Json] = {}

    async def __aenter__(self) -> "FeishuRig":
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fake.__aexit__(kind, error, trace)

    def connector(self) -> Feishu:
        return Feishu("feishu", APP, SECRET, "talk", base_url=self.fake.base_url)

    def _event(self, line: Line) -> Json:
        return self._said.setdefault(line.id, self.fake.event(line.text, f"ou_{line.user}"))

    async def say(self, line: Line) -> None:
        await self.fake.happens("im.message.receive_v1", self._event(line))

    async def say_again(self, id: str) -> None:
        await self.fake.happens("im.message.receive_v1", self._said[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for event in [self._event(line) for line in lines][::-1]:
            await self.fake.happens("im.message.receive_v1", event)

    async def cut(self, line: Line) -> None:
        await self.fake.connected.wait()
        header = {"event_id": "cut", "event_type": "im.message.receive_v1"}
        event = {"schema": "2.0", "header": header, "event": self._event(line)}
        self.fake.unacknowledged["cut"] = event
        self.fake.sends_raw(frame("cut", json.dumps(event).encode()), share=0.5)
        await self.fake.drop()

    async def oversized(self) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(frame("big", b"x" * 2_000_000))

    async def feed(self, payload: bytes) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(payload)
        self.fake.sends_raw(frame("hostile", payload))

    async def disconnect(self, state: str) -> None:
        if state == "handshake" or not self.fake.connected.is_set():
            self.fake.break_when.add(state)
        await self.fake.drop()

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.fake.ahead = seconds

    async def echo_own(self, text: str) -> None:
        await self.fake.says(text, ME, sender="app")

    def refuse_send(self) -> None:
        self.fake.answers.append(refusal(230002))

    def limit_send(self, seconds: float) -> None:
        self.fake.answers.append(refusal(99991400, 429, x_ogw_ratelimit_reset=f"{seconds:g}"))

    def time_out_after_send(self) -> None:
        self.fake.hang = True

    def sent(self) -> list[str]:
        return [card["elements"][0]["text"]["content"] for card in self.fake.cards.values()]
