"""Our own Discord: gateway and REST API, enough of both to try the connector, and able to misbehave. discord.py, which
others wrote, is the client that speaks to it.
"""

import asyncio
import json
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors.discord import Discord
from tests.bot.connectors.contract import Line, Rig
from tests.waiting import until

TOKEN = "MTIzNDU2.fake.token-of-the-discord-bot"
Json = dict[str, Any]
EPOCH = 1420070400000
ME: Json = {"id": "900", "username": "floormic", "discriminator": "0", "avatar": None, "bot": True}
ANN: Json = {"id": "11", "username": "ann", "global_name": "Ann", "discriminator": "0", "avatar": None}
BOB: Json = {"id": "12", "username": "bob", "global_name": "Bob", "discriminator": "0", "avatar": None}
GUILD, CHANNEL, DIRECT = "70", "71", "72"
DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11


def as_json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """As Discord sends it: without a charset, on which discord.py insists."""
    return web.Response(body=json.dumps(data).encode(), status=status, content_type="application/json", headers=headers)


class FakeDiscord:
    """`says` and `presses` are what people do, `messages` what the bot said by id, `posts` the bodies it sent.

    `answers` are given to the next posts and edits instead of the usual ones. A session is resumed with what it missed.
    """

    def __init__(self) -> None:
        self.messages: dict[str, Json] = {}
        self.posts: list[Json] = []
        self.replies: list[Json] = []
        self.answers: list[web.StreamResponse] = []
        self.identified: list[Json] = []
        self.flags = 1 << 19
        self.close_with = 0
        self.break_before: set[str] = set()
        self.hang = False
        self.resumes = True
        self.delay = 0.0
        self.ahead = 0.0
        self.connected = asyncio.Event()
        self._nonces: dict[str, Json] = {}
        self._events: list[Json] = []
        self._sockets: dict[web.WebSocketResponse, tuple[web.Request, Any]] = {}
        self._number = self._beats = 0

    async def __aenter__(self) -> "FakeDiscord":
        app = web.Application()
        api = "/api/v10"
        app.router.add_get("/gateway", self._serve_gateway)
        app.router.add_get("/gateway/", self._serve_gateway)
        app.router.add_get(f"{api}/users/@me", self._serve_me)
        app.router.add_get(f"{api}/oauth2/applications/@me", self._serve_application)
        app.router.add_post(api + "/channels/{channel}/messages", self._serve_post)
        app.router.add_patch(api + "/channels/{channel}/messages/{message}", self._serve_edit)
        app.router.add_post(api + "/interactions/{id}/{token}/callback", self._serve_callback)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self.base_url, self.gateway = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/gateway"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drop()
        await self._runner.cleanup()

    # What people do

    async def says(self, content: str, user: Json = ANN, direct: bool = False, **fields: Any) -> Json:
        message = self.message(content, user, direct, **fields)
        await self.happens("MESSAGE_CREATE", message)
        return message

    async def presses(self, custom_id: str, user: Json = ANN) -> None:
        interaction = {
            "id": self.snowflake(),
            "application_id": ME["id"],
            "type": 3,
            "token": "token-of-the-press",
            "version": 1,
            "attachment_size_limit": 1,
            "channel": {"id": DIRECT, "type": 1, "recipients": [user]},
            "user": user,
            "data": {"custom_id": custom_id, "component_type": 2},
        }
        await self.happens("INTERACTION_CREATE", interaction)

    def message(self, content: str, user: Json, direct: bool = False, **fields: Any) -> Json:
        place = {"channel_id": DIRECT} if direct else {"channel_id": CHANNEL, "guild_id": GUILD, "member": {}}
        if not direct:
            place["member"] = {"roles": [], "joined_at": None, "deaf": False, "mute": False, "flags": 0}
        return {
            "id": self.snowflake(),
            "author": user,
            "content": content,
            "timestamp": "2026-11-01T10:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
            **place,
            **fields,
        }

    def snowflake(self) -> str:
        self._number += 1
        return str((round((time.time() + self.ahead) * 1000) - EPOCH << 22) + self._number)

    async def happens(self, kind: str, data: Any) -> Json:
        event = {"op": DISPATCH, "t": kind, "s": len(self._events) + 1, "d": data}
        self._events.append(event)
        await self.sends(json.dumps(event).encode())
        return event

    # How it misbehaves

    async def sends(self, payload: bytes) -> None:
        await asyncio.sleep(self.delay)
        for socket, (_, packer) in list(self._sockets.items()):
            with suppress(ConnectionError):
                await socket.send_bytes(packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))

    async def sends_half(self, event: Json) -> None:
        """A frame that ends in the middle, and the connection with it."""
        self._events.append(event)
        for socket, (_, packer) in list(self._sockets.items()):
            whole = packer.compress(json.dumps(event).encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
            await socket.send_bytes(whole[: len(whole) // 2])
        await self.drop()

    async def was_read(self) -> None:
        """What was sent before has been gone through: whoever listens answers a heartbeat, or is gone."""
        sockets, before = set(self._sockets), self._beats
        await self.sends(json.dumps({"op": HEARTBEAT, "d": None}).encode())
        await until(lambda: self._beats > before or not sockets & set(self._sockets))

    async def drop(self, code: int = 0) -> None:
        """Every connection breaks, with a close code where one is given."""
        self.connected.clear()
        for socket, (request, _) in list(self._sockets.items()):
            if code:
                await socket.close(code=code)
            elif request.transport:
                request.transport.close()
        await asyncio.sleep(0)

    async def signals(self, op: int, data: Any = None) -> None:
        self.connected.clear()
        await self.sends(json.dumps({"op": op, "d": data}).encode())

    # The server

    async def _serve_gateway(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        assert request.query["compress"] == "zlib-stream"
        socket, packer = web.WebSocketResponse(), zlib.compressobj()
        await socket.prepare(request)

        async def send(frame: Json) -> None:
            await socket.send_bytes(packer.compress(json.dumps(frame).encode()) + packer.flush(zlib.Z_SYNC_FLUSH))

        if self._breaks("hello", request):
            return socket
        await send({"op": HELLO, "d": {"heartbeat_interval": 41250}})
        async for message in socket:
            frame = message.json()
            if frame["op"] == HEARTBEAT:
                self._beats += 1
                await send({"op": ACK})
            elif frame["op"] in (IDENTIFY, RESUME):
                self.identified.append(frame)
                if self.close_with or frame["d"]["token"] != TOKEN:
                    await socket.close(code=self.close_with or 4004)
                    break
                if self._breaks("ready", request):
                    break
                if not await self._greet(frame, send):
                    continue
                self._sockets[socket] = (request, packer)
                self.connected.set()
                self._breaks("listening", request)
        self._sockets.pop(socket, None)
        if not self._sockets:
            self.connected.clear()
        return socket

    def _breaks(self, moment: str, request: web.Request) -> bool:
        if moment not in self.break_before:
            return False
        self.break_before.remove(moment)
        if request.transport:
            request.transport.close()
        self.connected.clear()
        return True

    async def _greet(self, frame: Json, send: Any) -> bool:
        if frame["op"] == RESUME and not self.resumes:
            await send({"op": INVALID, "d": False})
            return False
        if frame["op"] == RESUME:
            for event in self._events[frame["d"]["seq"] :]:
                await send(event)
            await send({"op": DISPATCH, "t": "RESUMED", "s": len(self._events), "d": {}})
            return True
        self._events.append({})
        data = {
            "v": 10,
            "user": ME,
            "guilds": [],
            "session_id": "s",
            "resume_gateway_url": self.gateway,
            "application": {"id": ME["id"], "flags": self.flags},
        }
        await send({"op": DISPATCH, "t": "READY", "s": len(self._events), "d": data})
        return True

    async def _serve_me(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        return self._refusal(request) or as_json(ME)

    async def _serve_application(self, request: web.Request) -> web.StreamResponse:
        application = {
            "id": ME["id"],
            "name": "Floormic",
            "description": "",
            "icon": None,
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": ANN,
            "verify_key": "",
            "flags": self.flags,
        }
        return self._refusal(request) or as_json(application)

    async def _serve_post(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        body = await request.json()
        self.posts.append(body)
        if refusal := self._refusal(request):
            return refusal
        if self.answers:
            return self.answers.pop(0)
        made = self._nonces.get(body["nonce"]) if body.get("enforce_nonce") else None
        if made is None:
            made = self.message(body["content"], ME) | {
                "channel_id": request.match_info["channel"],
                "nonce": body["nonce"],
            }
            made["components"] = body.get("components", [])
            self.messages[made["id"]] = self._nonces[body["nonce"]] = made
        if self.hang:
            self.hang = False
            await asyncio.sleep(30)
        return as_json(made)

    async def _serve_edit(self, request: web.Request) -> web.StreamResponse:
        body, id = await request.json(), request.match_info["message"]
        self.posts.append(body)
        if refusal := self._refusal(request):
            return refusal
        if self.answers:
            return self.answers.pop(0)
        if id not in self.messages:
            return as_json({"code": 10008, "message": "Unknown Message"}, status=404)
        self.messages[id] |= {"content": body["content"], "components": body.get("components") or []}
        return as_json(self.messages[id])

    async def _serve_callback(self, request: web.Request) -> web.StreamResponse:
        self.replies.append(await request.json())
        interaction = {"id": request.match_info["id"], "type": 3}
        return as_json({"interaction": interaction})

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bot {TOKEN}":
            return None
        return as_json({"code": 0, "message": "401: Unauthorized"}, status=401)


def wait_for(seconds: float, **fields: Any) -> web.Response:
    """A 429 as Discord's own servers give it (a proxy of theirs gives one without `Via`)."""
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": False, **fields}
    return as_json(body, status=429, headers={"Via": "1.1 google"})


def shown(content: str) -> str:
    """As people read it who see no markup in it: a sign behind a backslash stands for itself."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", content)


class DiscordRig(Rig):
    """The fake behind the contract's levers."""

    kind = "discord"
    keeps = False
    cannot: ClassVar[Mapping[str, str]] = {
        "oversized": "discord.py takes frames of any size and cannot be told otherwise"
    }
    secrets = (TOKEN,)
    states = ("hello", "ready", "listening")
    hostile = (
        b'{"op": 0, "t": "MESSAGE_CREATE", "s": 3, "d": {"id": "x"}}',
        b'{"op": 0, "t": "READY", "s": 1, "d": {}}',
        b'{"op": 9, "d": {}}',
        b'{"op": 0, "t": "INTERACTION_CREATE", "s": 4, "d": {"type": 3, "data": {}}}',
    )

    def __init__(self) -> None:
        self.fake = FakeDiscord()
        self._said: dict[str, Json] = {}

    async def __aenter__(self) -> "DiscordRig":
        await self.fake.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fake.__aexit__(kind, error, trace)

    def connector(self) -> Discord:
        return Discord("discord", TOKEN, "talk", base_url=self.fake.base_url, gateway=self.fake.gateway)

    def _message(self, line: Line) -> Json:
        number = sum(line.user.encode())
        user = {"id": str(number), "username": line.user, "discriminator": "0", "avatar": None}
        return self._said.setdefault(line.id, self.fake.message(line.text, user))

    async def say(self, line: Line) -> None:
        await self.fake.connected.wait()
        await self.fake.happens("MESSAGE_CREATE", self._message(line))

    async def say_again(self, id: str) -> None:
        await self.fake.connected.wait()
        await self.fake.happens("MESSAGE_CREATE", self._said[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        await self.fake.connected.wait()
        for message in [self._message(line) for line in lines][::-1]:
            await self.fake.happens("MESSAGE_CREATE", message)

    async def cut(self, line: Line) -> None:
        await self.fake.connected.wait()
        await self.fake.sends_half({"op": DISPATCH, "t": "MESSAGE_CREATE", "s": 50, "d": self._message(line)})

    async def feed(self, payload: bytes) -> None:
        await self.fake.connected.wait()
        await self.fake.sends(payload)
        await self.fake.was_read()  # most payloads end the connection, which the next line must not go into

    async def disconnect(self, state: str) -> None:
        if state == "listening" and self.fake.connected.is_set():
            await self.fake.drop()
            return
        self.fake.break_before.add(state)
        await self.fake.drop()

    def slow(self, seconds: float) -> None:
        self.fake.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.fake.ahead = seconds

    async def echo_own(self, text: str) -> None:
        await self.fake.connected.wait()
        await self.fake.says(text, ME)

    def refuse_send(self) -> None:
        self.fake.answers.append(as_json({"code": 50001, "message": "Missing Access"}, status=403))

    def limit_send(self, seconds: float) -> None:
        self.fake.answers.append(wait_for(seconds))

    def time_out_after_send(self) -> None:
        self.fake.hang = True

    def sent(self) -> list[str]:
        return [shown(message["content"]) for message in self.fake.messages.values()]
