"""Our own Bilibili: the open live platform, its OAuth sister and their stream, as documented, and able to misbehave.

It frames and signs by itself. `bilibili-live-ws` and `nonebot-adapter-bilibili-live`, which others wrote, connect to it
in `test_bilibili_peers.py`.
"""

import asyncio
import hashlib
import hmac
import json
import struct
import time
import uuid
import zlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

import aiohttp
import brotli
from aiohttp import web

from bot.connectors.bilibili import Bilibili, BilibiliOptions
from bot.connectors.bilibili.client import Timing
from bot.connectors.bilibili.kind import make
from bot.kinds import Surroundings
from bot.ports import Connector
from tests.bot.connectors.contract import Line, Rig
from tests.waiting import until

Json = dict[str, Any]

KEY, SECRET, CODE, APP_ID, TOKEN = "test-key-id", "test-key-secret", "TESTIDENTITYCODE", 1234567890123, "test-token"
ROOM: Json = {"room_id": 460695, "uname": "讲者", "uface": "", "open_id": "host-open-id", "union_id": "", "uid": 0}
WINDOW = 600.0
JSON, CONTROL, ZLIB, BROTLI = range(4)
HEARTBEAT, HEARTBEAT_REPLY, MESSAGE, AUTH, AUTH_REPLY = 2, 3, 5, 7, 8
SIGNED = ("accesskeyid", "content-md5", "signature-method", "signature-nonce", "signature-version", "timestamp")
FAST = Timing(beat=0.1, socket_beat=0.1, auth=2.0, answer=3.0)


def packet(operation: int, body: bytes = b"", version: int = JSON, sequence: int = 0) -> bytes:
    return struct.pack(">IHHII", 16 + len(body), 16, version, operation, sequence) + body


def event(command: str, **data: Any) -> bytes:
    return json.dumps({"cmd": command, "data": data}, ensure_ascii=False).encode()


def framed(version: int, *bodies: bytes) -> bytes:
    """Messages as one frame: one after another, or together in a compressed body."""
    packets = b"".join(packet(MESSAGE, body) for body in bodies)
    if version == ZLIB:
        return packet(MESSAGE, zlib.compress(packets), ZLIB)
    return packet(MESSAGE, brotli.compress(packets), BROTLI) if version == BROTLI else packets


class Failure(Exception):
    """An answer with a code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


Do = Callable[[], Awaitable[web.Response]]
Mood = Callable[[web.Request, Do], Awaitable[web.StreamResponse]]


def refuse(code: int, message: str = "失败") -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.json_response({"code": code, "message": message, "data": None})

    return mood


def html(status: int = 200) -> Mood:
    """Not done, and a web page, as from a proxy or a sign-in of a hotel."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.Response(status=status, text="<html>Bad Gateway</html>", content_type="text/html")

    return mood


def raw(body: bytes, status: int = 200, **headers: str) -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    return mood


def hang(seconds: float) -> Mood:
    """Done, but the answer comes after any patience."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        answer = await do()
        await asyncio.sleep(seconds)
        return answer

    return mood


def break_off() -> Mood:
    """Not done, and the connection breaks."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        if request.transport:
            request.transport.close()
        return web.Response()

    return mood


class FakeBilibili:
    """One room, one app. `says` and `sends` are what comes through its stream; `calls` is what was asked of it.

    `will(path, *moods)` makes the next calls misbehave, `breaks` names the state in which the connection breaks next:
    "starting", "connecting", "authorising", "listening" or "beating". `exclusive`: a second session is refused (7002).
    Seconds: `cooling` after the end of a session, `expiry` of one without a beat, `auth_limit` and `socket_limit` of a
    socket without auth or without a beat. `knocked` and `greeted`: the addresses that sockets came to, and those that
    let them in. What a client does against the documents is in `faults`.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.faults: list[str] = []
        self.open: dict[str, float] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.knocked: list[str] = []
        self.greeted: list[str] = []
        self.beats = 0
        self.exclusive, self.live = True, True
        self.cooling, self.expiry, self.auth_limit, self.socket_limit = 0.0, 60.0, 5.0, 60.0
        self.ahead, self.late = 0.0, 0.0
        self.packing = BROTLI
        self.auth_code = 0
        self.mute = False
        self.breaks = ""
        self.closed_links: set[str] = set()
        self.links: list[str] | None = None
        self._said: dict[str, bytes] = {}
        self._transports: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self._moods: dict[str, deque[Mood]] = defaultdict(deque)
        self._nonces: set[str] = set()
        self._cool_until = 0.0
        self._port = 0

    async def __aenter__(self) -> "FakeBilibili":
        app = web.Application()
        app.router.add_get("/sub/{link}", self._socket)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drop()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def now(self) -> float:
        return time.time() + self.ahead

    def link(self, name: str) -> str:
        return f"ws://127.0.0.1:{self._port}/sub/{name}"

    # What comes through the stream

    async def says(self, text: str, user: str = "ann", id: str = "", **more: Any) -> bytes:
        """A comment; its body."""
        body = self.comment(text, user, id, **more)
        await self.sends(framed(self.packing, body))
        return body

    def comment(self, text: str, user: str = "ann", id: str = "", **more: Any) -> bytes:
        fields: Json = {
            "room_id": ROOM["room_id"],
            "open_id": f"open-{user}",
            "union_id": "",
            "uname": user,
            "uface": "https://i0.hdslb.com/face.jpg",
            "uid": 0,
            "msg": text,
            "msg_id": id or str(uuid.uuid4()),
            "timestamp": int(self.now),
            "dm_type": 0,
            "emoji_img_url": "",
            "fans_medal_level": 0,
            "fans_medal_name": "",
            "fans_medal_wearing_status": False,
            "guard_level": 0,
            "glory_level": 0,
            "reply_open_id": "",
            "reply_uname": "",
            "is_admin": 0,
        }
        command = "OPEN_LIVEROOM_DM" if any("conn" in id for id in self.open) else "LIVE_OPEN_PLATFORM_DM"
        body = event(command, **fields | more)
        self._said[fields["msg_id"]] = body
        return body

    async def says_again(self, id: str) -> None:
        await self.sends(framed(self.packing, self._said[id]))

    async def sends(self, frame: bytes) -> None:
        """These bytes to everybody who listens, once somebody does."""
        await self.until(lambda: self.sockets)
        await asyncio.sleep(self.late)
        for socket in list(self.sockets):
            with suppress(ConnectionError, RuntimeError, aiohttp.ClientError):
                await socket.send_bytes(frame)

    async def ends_session(self) -> None:
        """The platform ends it, with a word to those who listen."""
        for id in list(self.open):
            del self.open[id]
            body = event("LIVE_OPEN_PLATFORM_INTERACTION_END", game_id=id, timestamp=int(self.now))
            await self.sends(framed(JSON, body))

    # How it misbehaves

    def will(self, path: str, *moods: Mood) -> None:
        self._moods[path].extend(moods)

    async def drop(self) -> None:
        """Every socket breaks, without a close frame."""
        for socket in list(self.sockets):
            self._abort(socket)
        self.sockets.clear()

    def _abort(self, socket: web.WebSocketResponse) -> None:
        transport = self._transports.pop(socket)
        if transport:
            transport.abort()

    # What is asked of it afterwards

    def asked(self, ending: str) -> list[Json]:
        return [body for path, body in self.calls if path.endswith(ending)]

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, why=lambda: f"calls: {self.calls}")

    # The interfaces

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        await asyncio.sleep(self.late)
        body = await request.read()

        async def do() -> web.Response:
            try:
                self._check(request, body)
                given = json.loads(body or b"{}")
                self.calls.append((path, given))
                data = self._do(path, given, request.query)
            except Failure as failure:
                return web.json_response({"code": failure.code, "message": failure.message, "data": None})
            return web.json_response({"code": 0, "message": "0", "request_id": "1", "data": data})

        if self.breaks == "starting" and path.endswith("start"):
            self.breaks = ""
            return await break_off()(request, do)
        for ending, moods in self._moods.items():
            if moods and path.endswith(ending):
                return await moods.popleft()(request, do)
        return await do()

    def _check(self, request: web.Request, body: bytes) -> None:
        """The order of the checks is ours; the documents do not say it."""
        headers = request.headers
        signed = {f"x-bili-{name}": headers.get(f"x-bili-{name}", "") for name in SIGNED}
        oauth = request.path.startswith("/arcopen")
        if headers.get("Content-Type") != "application/json":
            raise Failure(4011, "Content-Type不为application/json")
        if headers.get("Accept") != "application/json":
            raise Failure(4013, "Accept不为application/json")
        if signed["x-bili-accesskeyid"] != KEY:
            raise Failure(4001, "应用无效")
        if signed["x-bili-signature-method"] != "HMAC-SHA256":
            raise Failure(4005, "签名method异常")
        if signed["x-bili-signature-version"] != ("2.0" if oauth else "1.0"):
            raise Failure(4006, "版本异常")
        if abs(float(signed["x-bili-timestamp"]) - self.now) > WINDOW:
            raise Failure(4003, "请求过期")
        if signed["x-bili-content-md5"] != hashlib.md5(body).hexdigest():
            raise Failure(4012, "MD5校验失败")
        lines = "\n".join(f"{name}:{value}" for name, value in sorted(signed.items()))
        if headers.get("Authorization") != hmac.new(SECRET.encode(), lines.encode(), hashlib.sha256).hexdigest():
            raise Failure(4002, "签名异常")
        if signed["x-bili-signature-nonce"] in self._nonces:
            raise Failure(4004, "重复请求")
        self._nonces.add(signed["x-bili-signature-nonce"])
        if oauth and headers.get("access-token") != TOKEN:
            raise Failure(-101, "账号未登录")

    def _do(self, path: str, given: Json, query: Mapping[str, str]) -> Json:
        self.open = {id: at for id, at in self.open.items() if time.monotonic() - at < self.expiry}
        match path:
            case "/v2/app/start":
                return self._start(given)
            case "/v2/app/heartbeat":
                return self._beat(given.get("game_id"))
            case "/v2/app/batchHeartbeat":
                failed = [id for id in given["game_ids"] if id not in self.open]
                return {"failed_game_ids": failed}
            case "/v2/app/end":
                if given.get("app_id") != APP_ID:
                    raise Failure(8002, "项目无权限访问")
                if self.open.pop(given.get("game_id", ""), None) is None:
                    raise Failure(7000, "不在游戏内")
                self._cool_until = time.monotonic() + self.cooling
                return {}
            case "/arcopen/fn/live/room/ws-start":
                return {"conn_id": self._opened("conn"), "websocket_info": self._websocket_info()}
            case "/arcopen/fn/live/room/ws-heartbeat":
                if query.get("client_id") != KEY:
                    raise Failure(4000, "参数错误")
                return self._beat(given.get("conn_id"))
            case "/arcopen/fn/live/room/info":
                known = {key: ROOM[key] for key in ("open_id", "room_id")}
                return {**known, "title": "讲座", "is_streaming": self.live, "is_banned": False}
        raise Failure(4010, "接口不存在")

    def _start(self, given: Json) -> Json:
        if given.get("app_id") != APP_ID:
            raise Failure(8002, "项目无权限访问")
        if given.get("code") != CODE:
            raise Failure(7007, "身份码错误")
        if self.exclusive and self.open:
            raise Failure(7002, "房间重复游戏")
        if time.monotonic() < self._cool_until:
            raise Failure(7001, "请求冷却期")
        game = {"game_id": self._opened("game")}
        return {"game_info": game, "websocket_info": self._websocket_info(), "anchor_info": ROOM}

    def _opened(self, kind: str) -> str:
        id = f"{kind}-{uuid.uuid4()}"
        self.open[id] = time.monotonic()
        return id

    def _beat(self, id: object) -> Json:
        if not isinstance(id, str) or id not in self.open:
            raise Failure(7003, "心跳过期")
        self.open[id] = time.monotonic()
        return {}

    def _websocket_info(self) -> Json:
        key = list(self.open)[-1]
        auth = json.dumps({"roomid": ROOM["room_id"], "protover": 2, "uid": 1, "key": key, "group": "open"})
        return {"auth_body": auth, "wss_link": self.links or [self.link("a"), self.link("b"), self.link("c")]}

    # The message stream

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["link"]
        self.knocked.append(name)
        if self.breaks == "connecting" or name in self.closed_links:
            self.breaks = ""
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._transports[socket] = request.transport
        await asyncio.sleep(self.late)
        try:
            async with asyncio.timeout(self.auth_limit):
                allowed = await self._let_in(socket)
        except TimeoutError:
            self.faults.append("no auth in time")
            allowed = False
        if allowed:
            self.greeted.append(name)
            self.sockets.append(socket)
            if self.breaks == "listening":
                self.breaks = ""
                await self.drop()
            await self._answer_beats(socket)
            if socket in self.sockets:
                self.sockets.remove(socket)
        self._transports.pop(socket, None)
        await socket.close()
        return socket

    async def _let_in(self, socket: web.WebSocketResponse) -> bool:
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            return False
        length, header, _, operation, _ = struct.unpack_from(">IHHII", message.data)
        if (length, header, operation) != (len(message.data), 16, AUTH):
            self.faults.append(f"auth is operation {operation}, {length} of {len(message.data)} bytes")
            return False
        if self.breaks == "authorising":
            self.breaks = ""
            self._abort(socket)
            return False
        if self.mute:
            await socket.receive()
            return False
        known = json.loads(message.data[16:]).get("key") in self.open
        code = self.auth_code or (0 if known else -101)
        await socket.send_bytes(packet(AUTH_REPLY, json.dumps({"code": code}).encode(), CONTROL, 1))
        return code == 0

    async def _answer_beats(self, socket: web.WebSocketResponse) -> None:
        with suppress(TimeoutError, ConnectionError, aiohttp.ClientError):
            while True:
                async with asyncio.timeout(self.socket_limit):
                    message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.BINARY:
                    return
                operation = struct.unpack_from(">I", message.data, 8)[0]
                if operation != HEARTBEAT:
                    self.faults.append(f"operation {operation} after auth")
                    return
                self.beats += 1
                if self.breaks == "beating":
                    self.breaks = ""
                    self._abort(socket)
                    return
                if not self.mute:
                    # The body of the beat comes back after the packet, and no length counts it.
                    await socket.send_bytes(
                        packet(HEARTBEAT_REPLY, struct.pack(">I", 2466), CONTROL) + message.data[16:]
                    )


def connector(server: FakeBilibili, timing: Timing = FAST, variant: str = "open", **options: Any) -> Bilibili:
    given: Json = {"access_key_id": KEY, "access_key_secret": SECRET, "base_url": server.base_url, "session": "talk"}
    given |= {"app_id": APP_ID, "code": CODE} if variant == "open" else {"access_token": TOKEN}
    settings = BilibiliOptions(variant=variant, **given | options)  # type: ignore[arg-type]
    return make(settings, Surroundings(time.time, "", "zh", lambda _: b""), timing)


NO_SENDING = "Bilibili has no official way to send"


class BilibiliRig(Rig):
    """The open live platform."""

    kind: ClassVar[str] = "bilibili"
    way: ClassVar[str] = "open"
    cannot: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("echo_own", "refuse_send", "limit_send", "time_out_after_send", "sent"), NO_SENDING
    )
    keeps: ClassVar[bool] = False
    secrets: ClassVar[Sequence[str]] = (SECRET, CODE, TOKEN)
    states: ClassVar[Sequence[str]] = ("starting", "connecting", "authorising", "listening", "beating")
    hostile: ClassVar[Sequence[bytes]] = (
        event("LIVE_OPEN_PLATFORM_DM"),
        event("LIVE_OPEN_PLATFORM_DM", msg=7, msg_id=[], open_id=None),
        event("LIVE_OPEN_PLATFORM_DM", msg="x", msg_id="", open_id="o"),
        event("LIVE_OPEN_PLATFORM_DM", msg="x", msg_id="i" * 9999, open_id="o"),
        event("LIVE_OPEN_PLATFORM_SUPER_CHAT", message={}, message_id=True),
        b'{"cmd": "LIVE_OPEN_PLATFORM_INTERACTION_END", "data": {"game_id": "another"}}',
        packet(MESSAGE, b"\xff" * 64, ZLIB),
    )

    def __init__(self) -> None:
        self.server = FakeBilibili()

    async def __aenter__(self) -> "BilibiliRig":
        await self.server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    def connector(self) -> Connector:
        return connector(self.server, variant=self.way)

    async def say(self, line: Line) -> None:
        await self.server.says(line.text, line.user, line.id)

    async def say_again(self, id: str) -> None:
        await self.server.says_again(id)

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        now = int(self.server.now)
        bodies = [self.server.comment(line.text, line.user, line.id, timestamp=now + n) for n, line in enumerate(lines)]
        await self.server.sends(framed(ZLIB, *reversed(bodies)))

    async def cut(self, line: Line) -> None:
        frame = framed(BROTLI, self.server.comment(line.text, line.user, line.id))
        await self.server.sends(frame[: len(frame) * 2 // 3])

    async def oversized(self) -> None:
        await self.server.sends(packet(MESSAGE, brotli.compress(bytes(64 * 1024 * 1024), quality=1), BROTLI))
        listening = set(self.server.sockets)
        await self.server.sends(packet(MESSAGE, bytes(3 * 1024 * 1024)))
        await self.server.until(lambda: not listening & set(self.server.sockets))

    async def feed(self, payload: bytes) -> None:
        await self.server.sends(framed(JSON, payload))
        await self.server.sends(payload)

    async def disconnect(self, state: str) -> None:
        if state == "listening" and self.server.sockets:
            await self.server.drop()
        else:
            self.server.breaks = state

    def slow(self, seconds: float) -> None:
        self.server.late = seconds

    def clock_off(self, seconds: float) -> None:
        self.server.ahead = seconds


class BilibiliOAuthRig(BilibiliRig):
    """The OAuth platform."""

    way: ClassVar[str] = "oauth"
