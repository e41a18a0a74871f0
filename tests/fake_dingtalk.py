"""Our own DingTalk: open API and stream, enough of both to try the connector, and able to misbehave. dingtalk-stream,
which others wrote, is the client that speaks to it.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors import dingtalk
from bot.connectors.dingtalk import DingTalk
from tests.bot.connectors.contract import Line, Rig

CLIENT, SECRET, TOKEN = "dingfake", "secret-of-the-dingtalk-app", "token-of-the-dingtalk-app"
Json = dict[str, Any]
ME, GROUP = "$:bot", "cidGROUP=="
TOPIC = "/v1.0/im/bot/messages/get"


class FakeDingTalk:
    """`says` is what people do; `calls` is what the bot asked, `said` what it said in the chats, as (where, text).

    What is not acknowledged within `patience` seconds comes again. `answers` are given to the next calls of a path (its
    last two parts) instead of the usual ones.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.said: list[tuple[str, str]] = []
        self.answers: dict[str, list[web.StreamResponse]] = {}
        self.unacknowledged: dict[str, Json] = {}
        self.acknowledged: list[Json] = []
        self.break_when: set[str] = set()
        self.patience = 0.3
        self.token_seconds = 7200
        self.token = TOKEN
        self.hang = False
        self.delay = 0.0
        self.ahead = 0.0
        self.connected = asyncio.Event()
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._number = 0
        self._repeating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "FakeDingTalk":
        app = web.Application()
        app.router.add_post("/v1.0/{path:.+}", self._serve_call)
        app.router.add_get("/stream", self._serve_stream)
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

    async def says(self, text: str, user: str = "11", direct: bool = False, **fields: Any) -> Json:
        data = self.data(text, user, direct, **fields)
        await self.happens(data)
        return data

    def data(self, text: str, user: str, direct: bool = False, **fields: Any) -> Json:
        self._number += 1
        return {
            "msgId": f"msg{self._number}",
            "msgtype": "text",
            "text": {"content": text},
            "senderId": f"$:{user}",
            "senderStaffId": user,
            "senderNick": f"Person {user}",
            "conversationId": "cidDIRECT" if direct else GROUP,
            "conversationType": "1" if direct else "2",
            "chatbotUserId": ME,
            "robotCode": CLIENT,
            "createAt": round((time.time() + self.ahead) * 1000),
            "isInAtList": not direct,
            **fields,
        }

    async def happens(self, data: Any) -> None:
        self._number += 1
        id = f"f{self._number}"
        headers = {"topic": TOPIC, "messageId": id, "contentType": "application/json", "time": "1"}
        frame = {"specVersion": "1.0", "type": "CALLBACK", "headers": headers, "data": json.dumps(data)}
        self.unacknowledged[id] = frame
        await self.sends(json.dumps(frame))

    # How it misbehaves

    async def sends(self, text: str) -> None:
        await asyncio.sleep(self.delay)
        for socket in list(self._sockets):
            with suppress(ConnectionError):
                await socket.send_str(text)

    def sends_raw(self, payload: bytes, share: float = 1.0) -> None:
        """A text frame of these bytes; less than all of it where `share` is less than 1."""
        whole = b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload
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

    async def signals(self, topic: str) -> None:
        headers = {"topic": topic, "messageId": "s", "contentType": "application/json"}
        await self.sends(json.dumps({"specVersion": "1.0", "type": "SYSTEM", "headers": headers, "data": "{}"}))

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self.patience)
            for frame in list(self.unacknowledged.values()):
                await self.sends(json.dumps(frame))

    # The server

    async def _serve_stream(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if "handshake" in self.break_when:
            self.break_when.remove("handshake")
            if request.transport:
                request.transport.close()
            return web.Response()
        assert request.query["ticket"] == "t=1&2"
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets[socket] = request
        self.connected.set()
        if "listening" in self.break_when:
            self.break_when.remove("listening")
            await self.drop()
        for frame in list(self.unacknowledged.values()):
            await self.sends(json.dumps(frame))
        async for message in socket:
            answer = message.json()
            self.acknowledged.append(answer)
            if answer["code"] == 200:
                self.unacknowledged.pop(answer["headers"]["messageId"], None)
        self._sockets.pop(socket, None)
        if not self._sockets:
            self.connected.clear()
        return socket

    async def _serve_call(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        path, body = request.match_info["path"], await request.json()
        what = "/".join(path.split("/")[-2:])
        self.calls.append((what, body))
        if answers := self.answers.get(what):
            return answers.pop(0)
        if what == "oauth2/accessToken":
            if (body["appKey"], body["appSecret"]) != (CLIENT, SECRET):
                return refusal("invalidClientIdOrSecret")
            return web.json_response({"accessToken": self.token, "expireIn": self.token_seconds})
        if what == "connections/open":
            assert body["subscriptions"] == [{"type": "CALLBACK", "topic": TOPIC}]
            return web.json_response({"endpoint": f"ws://127.0.0.1:{self._port}/stream", "ticket": "t=1&2"})
        if request.headers.get("x-acs-dingtalk-access-token") != self.token:
            return refusal("InvalidAuthentication", 401)
        return await self._say(what, body)

    async def _say(self, what: str, body: Json) -> web.StreamResponse:
        assert body["robotCode"] == CLIENT
        assert body["msgKey"] == "sampleText"
        where = body["openConversationId"] if what == "groupMessages/send" else body["userIds"][0]
        self.said.append((where, json.loads(body["msgParam"])["content"]))
        if self.hang:
            self.hang = False
            await asyncio.sleep(30)
        return web.json_response({"processQueryKey": f"key{len(self.said)}"})


def refusal(code: str, status: int = 400) -> web.Response:
    return web.json_response({"code": code, "message": "no", "requestid": "r"}, status=status)


class DingTalkRig(Rig):
    """The fake behind the contract's levers."""

    kind = "dingtalk"
    cannot: ClassVar[Mapping[str, str]] = {}
    secrets = (SECRET, TOKEN)
    states = ("handshake", "listening")
    hostile = (
        b'{"type": "CALLBACK", "headers": {"topic": "/v1.0/im/bot/messages/get", "messageId": "h"}, "data": "nothing"}',
        b'{"type": "CALLBACK", "headers": [], "data": "{}"}',
        b'{"type": "SYSTEM", "headers": {"topic": "unknown"}, "data": "[]"}',
    )

    def __init__(self) -> None:
        self.fake = FakeDingTalk()
        self._said: dict[str, Json] = {}

    async def __aenter__(self) -> "DingTalkRig":
        self._pause = dingtalk.PAUSE
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        dingtalk.PAUSE = self._pause
        await self.fake.__aexit__(kind, error, trace)

    def connector(self) -> DingTalk:
        return DingTalk("dingtalk", CLIENT, SECRET, "talk", base_url=self.fake.base_url)

    def _data(self, line: Line) -> Json:
        return self._said.setdefault(line.id, self.fake.data(line.text, line.user))

    async def say(self, line: Line) -> None:
        await self.fake.happens(self._data(line))

    async def say_again(self, id: str) -> None:
        await self.fake.happens(self._said[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for data in [self._data(line) for line in lines][::-1]:
            await self.fake.happens(data)

    async def cut(self, line: Line) -> None:
        await self.fake.connected.wait()
        headers = {"topic": TOPIC, "messageId": "cut", "contentType": "application/json"}
        frame = {"type": "CALLBACK", "headers": headers, "data": json.dumps(self._data(line))}
        self.fake.unacknowledged["cut"] = frame
        self.fake.sends_raw(json.dumps(frame).encode(), share=0.5)
        await self.fake.drop()

    async def oversized(self) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(b'{"type": "' + b"x" * 2_000_000 + b'"}')

    async def feed(self, payload: bytes) -> None:
        await self.fake.connected.wait()
        self.fake.sends_raw(payload)
        data = json.dumps(payload.decode("utf-8", "replace")).encode()
        head = b'{"type": "CALLBACK", "headers": {"topic": "/v1.0/im/bot/messages/get", "messageId": "h"}, "data": '
        self.fake.sends_raw(head + data + b"}")

    async def disconnect(self, state: str) -> None:
        if state == "handshake" or not self.fake.connected.is_set():
            self.fake.break_when.add(state)
        await self.fake.drop()

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.fake.ahead = seconds

    async def echo_own(self, text: str) -> None:
        await self.fake.says(text, "bot", senderId=ME)

    def refuse_send(self) -> None:
        self.fake.answers["groupMessages/send"] = [refusal("invalid.openConversationId")]

    def limit_send(self, seconds: float) -> None:
        """DingTalk does not say how long, so the connector's own pause is made as long."""
        dingtalk.PAUSE = seconds
        self.fake.answers["groupMessages/send"] = [refusal("Throttling", 429)]

    def time_out_after_send(self) -> None:
        self.fake.hang = True

    def sent(self) -> list[str]:
        return [text for _, text in self.fake.said]
