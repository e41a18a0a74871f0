"""The feed of the web page: one WebSocket, entered with what the page was given. Network only."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp

from bot.connectors.common import until_all_end
from bot.connectors.kuaishou.codec import (
    ENTER_ACK,
    ERROR,
    LONGEST_FRAME,
    BadFrame,
    Encrypted,
    Frame,
    enter,
    heartbeat,
    read_error,
    read_frame,
    read_interval,
)
from bot.errors import ConnectorError
from bot.ports import Now

log = logging.getLogger(__name__)

BEAT = 20.0
SHORTEST_BEAT, LONGEST_BEAT = 1.0, 60.0
MOST_EARLY = 100
BAD_FRAMES = 50
"""So many in a row, and it is no feed."""

COPY_ANEW = "Copy web_socket, web_token and live_stream_id anew from the live's page, while the room is live."
NOT_LET_IN = f"Kuaishou's web feed does not let us in: the token is used up, or the live is over. {COPY_ANEW}"
NO_FEED = f"Kuaishou: there is no web feed at web_socket ({{why}}). {COPY_ANEW}"
LOST = "the connection to Kuaishou's web feed was lost ({why}). It is tried again."
SILENT = "Kuaishou's web feed is silent, not even its heartbeats are answered. It is tried again."
ENCRYPTED = (
    "Kuaishou encrypts what its web feed sends now, which cannot be read. Use the official push (web_feed = false)."
)


@dataclass(frozen=True, slots=True)
class Pass:
    """What the page was given: `socket` is the WebSocket's address."""

    socket: str
    token: str
    stream: str
    page: str


class Feed:
    """A feed that was entered. `encrypted`: frames came that cannot be read."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, now: Now, beat: float) -> None:
        self._ws, self._now = ws, now
        self._beat, self.encrypted = beat, False
        self._bad = 0
        self._early: list[Frame] = []

    async def enter(self, given: Pass, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._ws.send_bytes(enter(given.token, given.stream, given.page))
                while (frame := await self._next()).type != ENTER_ACK:
                    self._early.append(frame)
                    if len(self._early) > MOST_EARLY:
                        raise ConnectorError(NOT_LET_IN)
        except TimeoutError:
            raise ConnectorError(NOT_LET_IN) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectorError(LOST.format(why=type(error).__name__)) from None
        with suppress(BadFrame):
            if asked := read_interval(frame.payload):
                self._beat = min(self._beat, max(SHORTEST_BEAT, min(asked, LONGEST_BEAT)))

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Every frame, those before the entry too. Raises `ConnectorError` when it is over."""
        beating = asyncio.create_task(self._beats())
        try:
            for frame in self._early:
                yield frame
            while True:
                try:
                    async with asyncio.timeout(3 * self._beat):
                        frame = await self._next()
                except TimeoutError:
                    raise ConnectorError(SILENT) from None
                yield frame
        finally:
            await until_all_end([beating])

    async def _beats(self) -> None:
        with suppress(aiohttp.ClientError, OSError):  # then there is nothing more to hear either
            while True:
                await asyncio.sleep(self._beat)
                await self._ws.send_bytes(heartbeat(self._now()))

    async def _next(self) -> Frame:
        while True:
            message = await self._ws.receive()
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED):
                raise ConnectorError(LOST.format(why=f"closed with {self._ws.close_code}"))
            if message.type is aiohttp.WSMsgType.ERROR:
                raise ConnectorError(LOST.format(why=type(message.data).__name__))
            try:
                frame = read_frame(message.data if isinstance(message.data, bytes) else b"\0")
            except Encrypted:
                self.encrypted = True
                return Frame(0)
            except BadFrame as error:
                self._bad += 1
                log.info("skipped a frame of the web feed: %s", error)
                if self._bad > BAD_FRAMES:
                    raise ConnectorError(NO_FEED.format(why="what it sends is something else")) from None
                continue
            self._bad = 0
            if frame.type == ERROR:
                raise ConnectorError(_refused(frame.payload))
            return frame


@asynccontextmanager
async def entered(
    http: aiohttp.ClientSession, given: Pass, now: Now, *, beat: float = BEAT, patience: float = 10.0
) -> AsyncIterator[Feed]:
    """A feed, left at the end. `beat`: seconds between heartbeats unless it asks for shorter ones; `patience`: how long
    entering may take. Raises `ConnectorError`."""
    try:
        async with asyncio.timeout(patience):
            ws = await http.ws_connect(
                given.socket, max_msg_size=LONGEST_FRAME, timeout=aiohttp.ClientWSTimeout(ws_close=2.0)
            )
    except aiohttp.WSServerHandshakeError as error:
        raise ConnectorError(NO_FEED.format(why=f"HTTP {error.status}")) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is one
        raise ConnectorError(NO_FEED.format(why=type(error).__name__)) from None
    try:
        feed = Feed(ws, now, beat)
        await feed.enter(given, patience)
        yield feed
    finally:
        await ws.close()


def _refused(payload: bytes) -> str:
    with suppress(BadFrame):
        number = read_error(payload)
        return f"Kuaishou's web feed reports error {number}: the token is used up, or the live is over. {COPY_ANEW}"
    return NOT_LET_IN
