"""The way to Bilibili: signed calls of both platforms, and the socket that brings what is said. Network only."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import aiohttp

from bot.connectors.bilibili.codec import (
    LONGEST_FRAME,
    FrameError,
    Operation,
    Packet,
    headers,
    pack,
    read_json,
    unpack,
)
from bot.connectors.bilibili.troubles import (
    CLOSED,
    EXPIRED,
    TOO_OFTEN_SECONDS,
    Answer,
    SessionOver,
    trouble,
)
from bot.connectors.staying import staying
from bot.errors import ConnectorError, TryLater
from bot.ports import Now

LONGEST_ANSWER = 256 * 1024
MOST_LINKS = 10
NO_JSON = (
    "Bilibili: the answer was a web page and not data (HTTP {status}). Check base_url, and whether this network asks "
    "for a sign-in or goes through a proxy."
)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `beat`: between two signs of life of a session, `socket_beat` of a socket; `auth`: how long a socket may
    take to let us in; `answer`: how long any other answer may take."""

    beat: float = 20.0
    socket_beat: float = 30.0
    auth: float = 5.0
    answer: float = 10.0


@dataclass(frozen=True, slots=True)
class Room:
    """Whose room it is; "" and None for what the platform does not tell."""

    number: str = ""
    host: str = ""
    host_id: str = ""
    live: bool | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One opening of the app in a room: what the sockets need, and `id`, which keeps it alive and ends it."""

    id: str
    auth_body: str = field(repr=False)
    links: tuple[str, ...]
    room: Room = Room()


class Platform(Protocol):
    """What both official platforms do. All of it raises `ConnectorError`, `TryLater` or `Refused`."""

    async def start(self) -> Session: ...

    async def beat(self, id: str) -> None:
        """Raises `SessionOver` where there is no such session any more."""
        ...

    async def end(self, id: str) -> bool:
        """Whether it was open until now."""
        ...


class Client:
    """Signed requests and sockets to one platform; `version` is that of the signature (1.0, or 2.0 with a token)."""

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        now: Now,
        *,
        version: str = "1.0",
        token: str = "",
        answer: float = 10.0,
    ) -> None:
        self.now = now
        self._base_url, self._key, self._secret = base_url.rstrip("/"), key, secret
        self._version, self._token, self._answer = version, token, answer
        self._http: aiohttp.ClientSession | None = None

    async def ask(self, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str] | None = None) -> Answer:
        """POST the body as JSON, or GET where it is None. Any code; raises where there is none."""
        raw = b"" if body is None else json.dumps(body).encode()
        signed = headers(
            raw, self._key, self._secret, version=self._version, nonce=str(uuid.uuid4()), timestamp=int(self.now())
        )
        common = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            common["access-token"] = self._token
        try:
            async with (
                asyncio.timeout(self._answer),
                self._opened().request(
                    "GET" if body is None else "POST",
                    self._base_url + path,
                    data=raw or None,
                    params=query,
                    headers=common | signed,
                    allow_redirects=False,
                ) as response,
            ):
                return await _read(response)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one
            raise ConnectorError(f"Bilibili cannot be reached ({type(error).__name__}). Check the network.") from None

    async def call(self, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str] | None = None) -> Answer:
        """As `ask`, but whatever is not 0 is raised."""
        answer = await self.ask(path, body, query)
        if answer.code:
            raise self.trouble(answer)
        return answer

    def trouble(self, answer: Answer) -> ConnectorError:
        return trouble(answer, self.now())

    async def connect(self, link: str, auth_body: str, auth: float) -> "Socket":
        """A socket that lets us in. Raises `SessionOver` where it does not take the session."""
        try:
            async with asyncio.timeout(self._answer):
                # Bilibili compresses by itself. Its heartbeats are packets, answered and watched in `Socket`.
                opened = await self._opened().ws_connect(
                    link, max_msg_size=LONGEST_FRAME, timeout=aiohttp.ClientWSTimeout(ws_close=2.0)
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ConnectorError(
                f"Bilibili: its message server cannot be reached ({type(error).__name__}). Check the network."
            ) from None
        socket = Socket(opened)
        try:
            await socket.let_in(auth_body, auth)
        except BaseException:
            await socket.close()
            raise
        return socket

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._http is None or self._http.closed:
            self._http = staying()
        return self._http


class Socket:
    """One connection to the message stream."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        self._opened = opened

    async def let_in(self, auth_body: str, seconds: float) -> None:
        await self._send(Packet(Operation.AUTH, auth_body.encode("utf-8", "replace")))
        try:
            async with asyncio.timeout(seconds):
                while (code := _auth_reply(await self.frame(None))) is None:
                    pass
        except TimeoutError:
            raise ConnectorError("Bilibili: the message server did not answer in time. Check the network.") from None
        if code:
            raise SessionOver(f"Bilibili: the message server does not take the session (code {code}). It starts anew.")

    async def frame(self, silence: float | None) -> bytes:
        """The next one. Raises `ConnectorError` when the connection is lost or gives nothing for `silence` seconds."""
        try:
            async with asyncio.timeout(silence):
                message = await self._opened.receive()
                while message.type is aiohttp.WSMsgType.TEXT:  # this stream has none
                    message = await self._opened.receive()
        except TimeoutError:
            raise ConnectorError("Bilibili: the message server went silent. It is connected to anew.") from None
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        reason = "sent more at once than is allowed" if self._opened.close_code == 1009 else "closed the connection"
        raise ConnectorError(f"Bilibili: the message server {reason}. It is connected to anew.")

    async def beat(self) -> None:
        await self._send(Packet(Operation.HEARTBEAT))

    async def close(self) -> None:
        with suppress(aiohttp.ClientError, OSError):
            await self._opened.close()

    async def _send(self, packet: Packet) -> None:
        try:
            await self._opened.send_bytes(pack(packet))
        except (aiohttp.ClientError, OSError):
            raise ConnectorError("Bilibili: the connection broke. It is connected to anew.") from None


class OpenPlatform:
    """直播开放平台: an app of the live platform, let in by the broadcaster's identity code."""

    def __init__(self, client: Client, app_id: int, code: str) -> None:
        self._client, self._app_id, self._code = client, app_id, code

    async def start(self) -> Session:
        answer = await self._client.call("/v2/app/start", {"code": self._code, "app_id": self._app_id})
        return _session(
            answer.data, _table(answer.data, "game_info").get("game_id"), _table(answer.data, "anchor_info")
        )

    async def beat(self, id: str) -> None:
        await _beat(self._client, "/v2/app/heartbeat", {"game_id": id})

    async def end(self, id: str) -> bool:
        answer = await self._client.ask("/v2/app/end", {"app_id": self._app_id, "game_id": id})
        if answer.code not in CLOSED:
            raise self._client.trouble(answer)
        return answer.code == 0


class OAuthPlatform:
    """开放平台: an app that the broadcaster authorised by OAuth. Its sessions have no end but the last beat."""

    def __init__(self, client: Client, key: str) -> None:
        self._client, self._query = client, {"client_id": key}

    async def start(self) -> Session:
        room: Mapping[str, Any] = {}
        with suppress(ConnectorError):  # not every app may ask it, and nothing depends on it
            room = (await self._client.ask("/arcopen/fn/live/room/info", None)).data
        answer = await self._client.call("/arcopen/fn/live/room/ws-start", {})
        return _session(answer.data, answer.data.get("conn_id"), room)

    async def beat(self, id: str) -> None:
        await _beat(self._client, "/arcopen/fn/live/room/ws-heartbeat", {"conn_id": id}, self._query)

    async def end(self, id: str) -> bool:
        return False  # there is no such call


async def _beat(client: Client, path: str, body: Mapping[str, str], query: Mapping[str, str] | None = None) -> None:
    answer = await client.ask(path, body, query)
    if answer.code == EXPIRED:
        raise SessionOver(f"Bilibili: the session has ended. Another one is started. (code {EXPIRED})")
    if answer.code:
        raise client.trouble(answer)


async def _read(response: aiohttp.ClientResponse) -> Answer:
    if response.status == 429:
        raise TryLater(TOO_OFTEN_SECONDS, text=f"Bilibili: it was asked too often; again in {TOO_OFTEN_SECONDS:g} s.")
    body = bytearray()
    async for part in response.content.iter_chunked(65536):
        body += part
        if len(body) > LONGEST_ANSWER:
            raise ConnectorError("Bilibili: the answer is far too long. Check base_url.")
    try:
        answer = read_json(bytes(body))
    except FrameError:
        answer = None
    code = answer.get("code") if isinstance(answer, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        raise ConnectorError(NO_JSON.format(status=response.status))
    return Answer(code, str(answer.get("message", "")), _table(answer, "data"), _date(response.headers.get("Date", "")))


def _date(header: str) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, OverflowError):
        return None


def _session(data: Mapping[str, Any], id: object, room: Mapping[str, Any]) -> Session:
    """Raises `ConnectorError` where what is needed is not there."""
    socket = _table(data, "websocket_info")
    auth_body, links = socket.get("auth_body"), socket.get("wss_link")
    usable = tuple(link for link in links if isinstance(link, str) and link) if isinstance(links, list) else ()
    if not (isinstance(id, str) and id and isinstance(auth_body, str) and usable):
        raise ConnectorError(
            "Bilibili: it started a session but did not say where its messages are. It is tried again."
        )
    live = room.get("is_streaming")
    return Session(
        id,
        auth_body,
        usable[:MOST_LINKS],
        Room(
            number=_word(room, "room_id"),
            host=_word(room, "uname"),
            host_id=_word(room, "open_id"),
            live=live if isinstance(live, bool) else None,
        ),
    )


def _word(data: Mapping[str, Any], name: str) -> str:
    """A name or a number for people, in one line."""
    found = data.get(name)
    return " ".join(str(found).split())[:100] if isinstance(found, str | int) else ""


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _auth_reply(frame: bytes) -> int | None:
    """The code of the reply to our auth; None where this frame holds none."""
    try:
        for packet in unpack(frame):
            if packet.operation == Operation.AUTH_REPLY:
                reply = read_json(packet.body)
                code = reply.get("code") if isinstance(reply, dict) else None
                return code if isinstance(code, int) else -1
    except FrameError:
        pass
    return None
