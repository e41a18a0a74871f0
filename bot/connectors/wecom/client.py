"""The way to WeCom: the bot's WebSocket, and the addresses that a callback gives for an answer. Network only."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator

import aiohttp

from bot.connectors.staying import staying
from bot.connectors.wecom.frames import BadFrame, Frame, Json, read_frame, read_object, write_frame
from bot.errors import ConnectorError

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that an answer may take."""

GOODBYE = 2.0
"""Seconds that a connection may take to end."""

LONGEST_FRAME = 1024 * 1024
LONGEST_ANSWER = 64 * 1024

LOST = "WeCom: the connection was lost; it is made anew by itself."
SILENT = "WeCom: no answer within {seconds:g} s."
UNREACHABLE = "WeCom cannot be reached ({why}). Is this machine connected to the internet, and the address right?"
NO_SOCKET = (
    "WeCom: the address answers with HTTP {status} and opens no WebSocket. Is the address right, and is there a "
    "proxy or a sign-in page between?"
)
NO_JSON = "WeCom: what answered was not WeCom (no JSON). Is there a proxy or a sign-in page between?"
LOOK_UP = "open.work.weixin.qq.com/devtool/query?e={code}"


class NoAnswer(ConnectorError):
    """What was asked may have been done or not."""


class Denied(ConnectorError):
    """WeCom answered with an error; `errmsg` is for telling errors apart and not for people."""

    def __init__(self, code: int, errmsg: str = "") -> None:
        super().__init__(f"WeCom answers with error {code}; what it means stands at {LOOK_UP.format(code=code)}.")
        self.code, self.errmsg = code, errmsg


class Client:
    """One bot's connection. `socket_url` is where the WebSocket is opened."""

    def __init__(self, socket_url: str = "", *, patience: float = PATIENCE) -> None:
        self._socket_url, self._patience = socket_url, patience
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._asked: dict[str, asyncio.Future[Frame]] = {}

    async def connect(self) -> None:
        """Open the WebSocket. Raises `ConnectorError`."""
        try:
            async with asyncio.timeout(self._patience):
                self._socket = await self._http().ws_connect(
                    self._socket_url, max_msg_size=LONGEST_FRAME, timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE)
                )
        except aiohttp.WSServerHandshakeError as error:
            raise ConnectorError(NO_SOCKET.format(status=error.status)) from None
        except TimeoutError:
            raise ConnectorError(SILENT.format(seconds=self._patience)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectorError(UNREACHABLE.format(why=type(error).__name__)) from None

    async def frames(self) -> AsyncIterator[Frame]:
        """What WeCom sends by itself; answers go to who asked. Raises `ConnectorError` when the connection ends."""
        if self._socket is None:
            raise ConnectorError(LOST)
        async for received in self._socket:
            if received.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            try:
                frame = read_frame(received.data)
            except BadFrame as error:
                log.warning("skipped a frame: %s", error)
                continue
            if frame.cmd:
                yield frame
            elif (asked := self._asked.get(frame.req_id)) and not asked.done():
                asked.set_result(frame)
        raise ConnectorError(LOST)

    async def ask(self, cmd: str, body: Json | None = None, req_id: str = "") -> None:
        """Send a command and wait until WeCom has done it. `req_id`: that of the callback which it answers.

        Raises `Denied`, `NoAnswer`, or `ConnectorError` where it was not sent.
        """
        req_id = req_id or f"{cmd}-{secrets.token_hex(8)}"
        if self._socket is None or self._socket.closed or req_id in self._asked:
            raise ConnectorError(LOST)
        answer = self._asked[req_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._patience):
                await self._socket.send_str(write_frame(cmd, req_id, body))
                frame = await answer
        except TimeoutError:
            raise NoAnswer(SILENT.format(seconds=self._patience)) from None
        except (aiohttp.ClientError, OSError):
            raise NoAnswer(LOST) from None
        finally:
            del self._asked[req_id]
        if frame.errcode != 0:
            raise Denied(-1 if frame.errcode is None else frame.errcode, frame.errmsg)

    async def post(self, url: str, body: Json) -> None:
        """Answer at an address that WeCom gave. Raises as `ask` does."""
        timeout = aiohttp.ClientTimeout(total=self._patience)
        try:
            async with self._http().post(url, json=body, timeout=timeout, allow_redirects=False) as response:
                given = await response.content.read(LONGEST_ANSWER)
        except TimeoutError:
            raise NoAnswer(SILENT.format(seconds=self._patience)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(UNREACHABLE.format(why=type(error).__name__)) from None
        try:
            errcode = read_object(given).get("errcode", 0)
        except BadFrame:
            raise NoAnswer(NO_JSON) from None
        if errcode != 0:
            raise Denied(errcode if isinstance(errcode, int) else -1)

    async def disconnect(self) -> None:
        """Close the WebSocket; whoever waits for an answer is told."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(NoAnswer(LOST))
        if self._socket is not None:
            await self._socket.close()
        self._socket = None

    async def close(self) -> None:
        await self.disconnect()
        if self._session is not None:
            await self._session.close()
        self._session = None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = staying(timeout=aiohttp.ClientTimeout(sock_connect=self._patience))
        return self._session
