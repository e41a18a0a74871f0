"""Kuaishou's open platform and the feed of its web page, as documents and recordings have them, able to misbehave.

What the feed sends is checked against protobufjs, which others wrote (`test_kuaishou_peers`).
"""

import asyncio
import gzip
import hashlib
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import formatdate
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from bot.connectors.kuaishou.client import Client
from bot.connectors.kuaishou.connector import LONGEST_BODY, KuaishouFeed, KuaishouPush
from bot.connectors.kuaishou.feed import Pass
from bot.connectors.kuaishou.kind import BIND
from bot.ports import HookReply
from tests.bot.connectors.contract import Line, Rig
from tests.bot.connectors.listening import posted

APP_ID, SECRET, ROOM = "ks700000000000000001", "kuaishou-app-secret", "room42"
FEED_TOKEN, STREAM, PAGE = "feed-token-that-is-secret", "y3TJDzsL5Js", "UvQNiwLRzk84glFv_1616467210321"
START = "/openapi/developer/live/data/task/start"
PATIENCE = 600.0
"""Seconds that a request's timestamp may be off."""

Json = dict[str, Any]
Mood = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def page(status: int = 200) -> Mood:
    """Not done, and an answer that is no JSON, as from a proxy."""

    async def mood(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="<html>Bad Gateway</html>", content_type="text/html")

    return mood


def answer(status: int = 200, headers: Mapping[str, str] | None = None, **body: Any) -> Mood:
    """Not done, and another answer."""

    async def mood(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return mood


def drop() -> Mood:
    """The connection breaks before there is an answer."""

    async def mood(request: web.Request) -> web.StreamResponse | None:
        if request.transport:
            request.transport.close()
        raise ConnectionResetError

    return mood


def hang(seconds: float) -> Mood:
    """Done, but later than anybody waits."""

    async def mood(request: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(seconds)
        return None

    return mood


class FakeKuaishou:
    """One app with one room. `live`: the room is; `bound`: its comments are pushed. `calls` are what was asked of it.

    `pushes_to(hook)` sets the address for pushes. `will(path, *moods)` makes the next calls misbehave. `ahead`: seconds
    that its clock is ahead. `faults`: requests that a correct client does not make.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.faults: list[str] = []
        self.live, self.bound = True, False
        self.secret = SECRET
        self.permitted = True
        self.tokens: set[str] = set()
        self.token_life: Any = 172800
        self.states = {True: 1, False: 2}
        self.ahead = self.delay = 0.0
        self.replies: list[HookReply] = []
        self._moods: dict[str, deque[Mood]] = defaultdict(deque)
        self._ids = itertools.count(1)
        self._hook: Callable[[Mapping[str, str], bytes], Awaitable[HookReply]] | None = None

    async def __aenter__(self) -> "FakeKuaishou":
        app = web.Application()
        app.router.add_post("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def will(self, path: str, *moods: Mood) -> None:
        """`path`: "token", "start", "stop" or "status", by whichever route."""
        self._moods[path].extend(moods)

    def asked(self, what: str) -> list[Json]:
        return [body for path, body in self.calls if path == what]

    # Pushes

    def pushes_to(self, connector: KuaishouPush) -> None:
        async def hook(headers: Mapping[str, str], body: bytes) -> HookReply:
            return await connector.hook(posted(headers, body))

        self._hook = hook

    def pushed(self, *payload: Json, id: str = "", type: str = "liveComment", **fields: Any) -> bytes:
        """The body of a push."""
        data = {
            "unique_message_id": id or f"u{next(self._ids)}",
            "author_open_id": "f18d0d9a8e",
            "room_code": ROOM,
            "push_type": type,
            "payload": list(payload),
        }
        whole = {
            "message_id": f"m{next(self._ids)}",
            "event": "LIVE_INTERACTION_DATA",
            "app_id": APP_ID,
            "timestamp": int((time.time() + self.ahead) * 1000),
            "data": data,
        }
        return json.dumps(whole | fields, ensure_ascii=False).encode()

    def kwaisign(self, body: bytes) -> str:
        return hashlib.md5(body + self.secret.encode()).hexdigest()

    async def push(self, body: bytes, sign: str = "") -> HookReply:
        """Once; whether it was taken stands in the answer."""
        await asyncio.sleep(self.delay)
        assert self._hook
        reply = await self._hook({"kwaisign": sign or self.kwaisign(body), "Content-Type": "application/json"}, body)
        self.replies.append(reply)
        return reply

    async def push_until_taken(self, make: Callable[[], bytes]) -> None:
        """Again and again, as long as the answer is not {"result": 1}."""
        while True:
            if self._hook and self.bound:
                reply = await self.push(make())
                if reply.status == 200 and json.loads(reply.body) == {"result": 1}:
                    return
            await asyncio.sleep(0.02)

    # The server

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        if path == "/oauth2/access_token":
            body = {str(k): str(v) for k, v in (await request.post()).items()}
            what = "token"
        else:
            body = json.loads(await request.read())
            what = str(body.get("actionType") or path.rsplit("/", 1)[1])
        self.calls.append((what, body))
        await asyncio.sleep(self.delay)
        if self._moods[what]:
            other = await self._moods[what].popleft()(request)
            if other is not None:
                return other
        done = self._token(body) if what == "token" else self._room(what, path, request.query, body)
        headers = {"Date": formatdate(time.time() + self.ahead, usegmt=True)}
        return web.json_response(done, headers=headers)

    def _token(self, body: Json) -> Json:
        if body != {"app_id": APP_ID, "app_secret": self.secret, "grant_type": "client_credentials"}:
            return {"result": 100200101, "error": "unauthorized_client", "error_msg": "client 验证失败"}
        token = f"ChFvYXV0aC5hY2Nlc3NUb2tlbg-{next(self._ids)}"
        self.tokens.add(token)
        return {"result": 1, "access_token": token, "expires_in": self.token_life, "token_type": "bearer"}

    def _room(self, what: str, path: str, query: Mapping[str, str], body: Json) -> Json:
        if query.get("app_id") != APP_ID or query.get("access_token") not in self.tokens or not self.permitted:
            return {"result": 100110000, "errorMsg": "access_token 无效"}
        if abs(body["timestamp"] / 1000 - time.time() - self.ahead) > PATIENCE:
            return {"result": 100110002, "errorMsg": "请求已过期"}
        if body["sign"] != self._sign(body):
            return {"result": 100110001, "errorMsg": "sign 校验失败"}
        if body["roomCode"] != ROOM:
            return {"result": 100110003, "errorMsg": "直播间不存在"}
        if path == BIND and (body["moduleType"], body["data"]) != ("bind", "{}"):
            self.faults.append(f"{path}: {body}")
        if path != BIND and not body.get("roundId"):
            self.faults.append(f"{path}: no roundId")
        if what == "status":
            state = self.states[self.bound]
            return {"result": 1, "data": json.dumps({"status": state})} if path == BIND else self._task(state)
        if what == "start" and not self.live:
            return {"result": 100110004, "errorMsg": "直播间未开播"}
        if what == "start" and self.bound:
            return {"result": 100110005, "errorMsg": "请勿重复绑定"}
        self.bound = what == "start"
        author = {"userId": "f18d0d9a8e", "userName": "主播", "headUrl": ""}
        return {"result": 1, "data": json.dumps(author)} if path == BIND else {"result": 1, "userInfo": author}

    def _task(self, state: int) -> Json:
        return {"result": 1, "taskStatus": state}

    def _sign(self, body: Json) -> str:
        pairs = sorted({**body, "app_id": APP_ID}.items())
        text = "&".join(f"{k}={v}" for k, v in pairs if k != "sign" and v not in ("", None))
        return hashlib.md5((text + self.secret).encode()).hexdigest()


# The web feed


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field * 8) + varint(value)


def chunk(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(field * 8 + 2) + varint(len(raw)) + raw


def message(type: int, payload: bytes = b"", compression: int = 1, at: int = 0) -> bytes:
    return number(1, type) + number(2, compression) + chunk(3, payload) + (number(4, at) if at else b"")


def comment(text: str, user: str = "3xann", name: str = "安", id: str = "", show: int = 1, at: int = 0) -> bytes:
    """One comment of a push, between fields that nobody asked for."""
    own = chunk(1, id) if id else b""
    when = number(9, at) if at else b""
    return (
        own + chunk(2, chunk(1, user) + chunk(2, name)) + chunk(3, text) + chunk(4, "uSVknw==") + number(7, show) + when
    )


def feed_push(*comments: bytes, packed: bool = False, at: int = 0) -> bytes:
    payload = chunk(1, "2735") + chunk(2, "26万") + b"".join(chunk(5, one) for one in comments) + chunk(8, b"")
    return message(310, gzip.compress(payload) if packed else payload, 2 if packed else 1, at)


class FakeFeed:
    """A web feed that one page may enter. `entered`: who listens. `breaks`: states ("handshake", "entering",
    "listening") in which the next connection is cut off."""

    def __init__(self) -> None:
        self.token = FEED_TOKEN
        self.heartbeats: list[bytes] = []
        self.enters: list[bytes] = []
        self.answers_beats = True
        self.lets_in = True
        self.interval = 0
        self.first: list[bytes] = []
        self.breaks: set[str] = set()
        self.delay = 0.0
        self.entered: web.WebSocketResponse | None = None
        self.html = False

    async def __aenter__(self) -> "FakeFeed":
        app = web.Application()
        app.router.add_get("/websocket", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._runner.addresses[0][1]}/websocket"

    async def send(self, frame: bytes) -> None:
        """As soon as somebody listens."""
        while self.entered is None or self.entered.closed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.delay)
        with suppress(ConnectionError):
            await self.entered.send_bytes(frame)

    async def hang_up(self) -> None:
        if self.entered:
            await self.entered.close(code=1011)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.html or self._breaks("handshake"):
            return web.Response(text="<html>", content_type="text/html")
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for got in ws:
            if got.type is not WSMsgType.BINARY:
                continue
            if not await self._heard(ws, got.data):
                break
        await ws.close()
        return ws

    async def _heard(self, ws: web.WebSocketResponse, data: bytes) -> bool:
        await asyncio.sleep(self.delay)
        if data.startswith(number(1, 1)):
            self.heartbeats.append(data)
            if self.answers_beats:
                await ws.send_bytes(message(101, number(1, int(time.time() * 1000))))
            return True
        self.enters.append(data)
        if self._breaks("entering"):
            return False
        if not self.lets_in:
            return True
        if self.token.encode() not in data:
            await ws.send_bytes(message(103, number(1, 601) + chunk(2, "token expired")))
            return False
        for frame in self.first:
            await ws.send_bytes(frame)
        await ws.send_bytes(message(300, number(1, 100) + number(3, self.interval)))
        self.entered = ws
        return not self._breaks("listening")

    def _breaks(self, state: str) -> bool:
        if state in self.breaks:
            self.breaks.discard(state)
            return True
        return False


class KuaishouRig(Rig):
    """The push, which is repeated until it is taken."""

    kind = "kuaishou"
    way = "push"
    cannot: ClassVar = {"echo_own": "a bot cannot write into this chat"}
    secrets = (SECRET, "ChFvYXV0aC5hY2Nlc3NUb2tlbg")
    states = ("token", "start", "status")
    hostile = (
        b'{"event": "LIVE_INTERACTION_DATA", "data": {"push_type": "liveComment", "payload": [7, {"content": 1}]}}',
        b'{"event": "LIVE_INTERACTION_DATA", "data": "{\\"push_type\\": \\"liveComment\\"", "timestamp": true}',
        b'{"event": "LIVE_INTERACTION_DATA", "timestamp": 1' + b"0" * 400 + b"}",
    )
    route = BIND

    def __init__(self) -> None:
        self.fake = FakeKuaishou()
        self._bodies: dict[str, bytes] = {}

    async def __aenter__(self) -> "KuaishouRig":
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fake.__aexit__(kind, error, trace)
        assert self.fake.faults == []

    def connector(self) -> KuaishouPush:
        client = Client(APP_ID, SECRET, ROOM, base_url=self.fake.url, bind_route=self.route, now=time.time, answer=2.0)
        made = KuaishouPush(
            "kuaishou", client, app_secret=SECRET, room_code=ROOM, session="talk", now=time.time, check=0.05
        )
        self.fake.pushes_to(made)
        return made

    async def say(self, line: Line) -> None:
        def body() -> bytes:
            self._bodies[line.id] = self._pushed(line)
            return self._bodies[line.id]

        await self.fake.push_until_taken(body)

    async def say_again(self, id: str) -> None:
        await self.fake.push_until_taken(lambda: self._bodies[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        for line in reversed(lines):
            await self.say(line)

    async def cut(self, line: Line) -> None:
        body = self._pushed(line)
        assert (await self.fake.push(body[: len(body) // 2])).status == 400
        assert (await self.fake.push(body[: len(body) // 2], self.fake.kwaisign(body))).status == 403
        await self.say(line)

    async def oversized(self) -> None:
        assert (await self.fake.push(b" " * (LONGEST_BODY + 1))).status == 413

    async def feed(self, payload: bytes) -> None:
        assert (await self.fake.push(payload)).status in (200, 400)

    async def disconnect(self, state: str) -> None:
        await asyncio.sleep(0.1)  # so that it was told once that the room is bound
        self.fake.will(state, drop())
        if state == "token":
            # It is asked for only when there is none that is good.
            self.fake.tokens.clear()
        self.fake.bound = False

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.fake.ahead = seconds

    def _pushed(self, line: Line) -> bytes:
        user = {"userId": line.user, "userName": line.user.title(), "headUrl": "https://pictures.example/1"}
        return self.fake.pushed({"content": line.text, "userInfo": user}, id=line.id)


class KuaishouTaskRig(KuaishouRig):
    """The same by the older route."""

    way = "task"
    route = START


class KuaishouFeedRig(Rig):
    """The web feed. It gives what is said now, and nothing later."""

    kind = "kuaishou"
    way = "web feed"
    keeps = False
    cannot: ClassVar = {
        "echo_own": "a bot cannot write into this chat",
        "clock_off": "nothing that is asked of the feed is dated",
    }
    secrets = (FEED_TOKEN,)
    states = ("handshake", "entering", "listening")
    hostile = (
        message(310, b"\x2a\xff\xff\xff\xff\x0f"),
        message(310, chunk(5, chunk(2, b"\x0a\x7f") + chunk(3, "x"))),
        message(310, gzip.compress(bytes(2_000_000), mtime=0), compression=2),
        message(310, b"\x00" * 32, compression=3),
        message(103, b"\xff"),
        b"\x08" + b"\xff" * 40,
    )

    def __init__(self) -> None:
        self.fake = FakeFeed()
        self._frames: dict[str, bytes] = {}

    async def __aenter__(self) -> "KuaishouFeedRig":
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fake.__aexit__(kind, error, trace)

    def connector(self) -> KuaishouFeed:
        given = Pass(self.fake.url, FEED_TOKEN, STREAM, PAGE)
        return KuaishouFeed("kuaishou", given, "talk", beat=0.5, patience=5.0)

    async def say(self, line: Line) -> None:
        self._frames[line.id] = self._push(line)
        await self.fake.send(self._frames[line.id])

    async def say_again(self, id: str) -> None:
        await self.fake.send(self._frames[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        await self.fake.send(feed_push(*(self._comment(line) for line in reversed(lines)), packed=True))

    async def cut(self, line: Line) -> None:
        frame = self._push(line)
        await self.fake.send(frame[: len(frame) // 2])

    async def oversized(self) -> None:
        await self.fake.send(message(310, b"\x00" * 600_000))
        # Such a frame ends the connection.
        while self.fake.entered and not self.fake.entered.closed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def feed(self, payload: bytes) -> None:
        before = self.fake.entered
        await self.fake.send(payload)
        await asyncio.sleep(0.02)
        if payload.startswith(number(1, 103)):
            while before and not before.closed:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def disconnect(self, state: str) -> None:
        if state != "listening":
            self.fake.breaks.add(state)
        before = self.fake.entered
        if before:
            await self.fake.hang_up()
            while not before.closed:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def _comment(self, line: Line) -> bytes:
        return comment(line.text, line.user, line.user.title(), id=line.id, at=int(time.time() * 1000))

    def _push(self, line: Line) -> bytes:
        return feed_push(self._comment(line), at=int(time.time() * 1000))
