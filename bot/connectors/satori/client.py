"""The way to a Satori server: WebSocket and HTTP API (https://satori.chat/zh-CN/protocol/api.html). Network only."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from bot.connectors.staying import staying
from bot.errors import ConnectorError, Refused, TryLater

PING_EVERY = 10.0
SILENCE = 30.0
"""Seconds without any frame, though each ping is answered, after which the connection is dead."""

CALL_SECONDS = 20.0
LONGEST_FRAME = 1024 * 1024
LONGEST_ANSWER = 256 * 1024
LONGEST_WAIT = 3600.0
EVENT, PING, PONG, IDENTIFY, READY = range(5)
UNAUTHORIZED = {3000, 4001, 4003, 4004, 1008}
"""Codes with which servers close a connection whose token is wrong."""

BAD_TOKEN = "Satori: the server refused the token. Copy it again from the server's settings."  # noqa: S105
NO_SERVER = "Satori: there is no Satori server at this address. Check `url`: what stands before /v1/events."
LOST = "Satori: the connection was lost. Is the server still running?"

Json = dict[str, Any]


class Unable(ConnectorError):
    """The platform behind the server has no such thing."""


class Client:
    """`url` is the server's address with its path, without `/v1`."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = f"{url.rstrip('/')}/v1", token
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def listening(self, after: int | None) -> AsyncIterator[tuple[Json, AsyncIterator[Any]]]:
        """What the server said when it let us in, and then its events; `after` is the number of the last one we have.

        Raises `Refused` for a wrong token, else `ConnectorError`.
        """
        try:
            async with asyncio.timeout(CALL_SECONDS):
                socket = await self._open().ws_connect(f"{self._url}/events", max_msg_size=LONGEST_FRAME)
        except aiohttp.WSServerHandshakeError as error:
            raise Refused(BAD_TOKEN) if error.status in (401, 403) else ConnectorError(NO_SERVER) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise ConnectorError("Satori: the server cannot be reached. Does it run, and is `url` right?") from None
        pinging = asyncio.create_task(_ping(socket))
        try:
            yield await self._identify(socket, after), _events(socket)
        finally:
            pinging.cancel()
            await socket.close()

    async def _identify(self, socket: aiohttp.ClientWebSocketResponse, after: int | None) -> Json:
        # `sn` was called `sequence` before version 1.2, and servers look for either.
        seen = {} if after is None else {"sn": after, "sequence": after}
        with suppress(ConnectionError):
            await socket.send_json({"op": IDENTIFY, "body": {"token": self._token, **seen}})
        frame = await _receive(socket)
        if frame is None and socket.close_code in UNAUTHORIZED:
            raise Refused(BAD_TOKEN)
        if frame is None:
            raise ConnectorError(LOST)
        body = frame.get("body") if frame.get("op") == READY else None
        if not isinstance(body, dict):
            raise ConnectorError(NO_SERVER)
        return body

    async def call(self, method: str, account: tuple[str, str], body: Json) -> Any:
        """Ask for something as the account (platform, id). Raises `TryLater`, `Refused`, `Unable`, `ConnectorError`."""
        platform, id = account
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Satori-Platform": platform,
            "Satori-User-ID": id,
            "X-Platform": platform,
            "X-Self-ID": id,
        }
        try:
            async with self._open().post(f"{self._url}/{method}", json=body, headers=headers) as response:
                _check(response.status, response.headers.get("Retry-After", ""))
                return json.loads(await _read(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ConnectorError(f"Satori: no answer from the server ({type(error).__name__})") from None
        except (ValueError, RecursionError):
            raise ConnectorError("Satori: the server's answer is no JSON. Check `url`.") from None

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = staying(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        return self._session


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> Json | None:
    """The next frame, {} for one that is none of Satori's, None at the end."""
    try:
        message = await socket.receive(timeout=SILENCE)
    except TimeoutError:
        raise ConnectorError("Satori: the server fell silent. Is it still running?") from None
    if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
        return None
    try:
        frame = json.loads(message.data)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


async def _events(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Any]:
    while (frame := await _receive(socket)) is not None:
        if frame.get("op") != PONG:
            yield frame.get("body") if frame.get("op") == EVENT else None


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Where it cannot be sent, nothing comes back, and whoever listens notices."""
    with suppress(ConnectionError, RuntimeError):
        while True:
            await asyncio.sleep(PING_EVERY)
            await socket.send_json({"op": PING})


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Raises `ValueError` where it is longer than it may be."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LONGEST_ANSWER:
            raise ValueError("too long")
        parts.append(part)
    return b"".join(parts)


def _check(status: int, retry_after: str) -> None:
    if 200 <= status < 300:
        return
    if status == 429:
        seconds = float(retry_after) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", retry_after) else 5.0
        raise TryLater(min(seconds, LONGEST_WAIT))
    if status == 401:
        # Worth another try: the answers wait until somebody has put the token right.
        raise ConnectorError(BAD_TOKEN)
    if status in (404, 405, 501):
        raise Unable(f"Satori: the platform has no such message, channel or act (HTTP {status})")
    if status < 500:
        raise Refused(f"Satori: the platform does not take this message (HTTP {status})")
    raise ConnectorError(f"Satori: the server has trouble (HTTP {status}); its log says why")
