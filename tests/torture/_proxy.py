"""A TCP proxy that misbehaves as networks do: it delays, throttles, cuts, and swallows without a word."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

CHUNK = 65536
HELD = 64
"""Chunks of one direction that are on their way at most; who sends more has to wait."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with which a socket that is closed says RST, and nothing of what it still had."""


class Proxy:
    """Listens at 127.0.0.1:`port` and leads each connection to the first of `targets()` (ports there) that takes it.

    `delay`: seconds that every chunk takes, in each direction. `rate`: bytes a second of each connection and direction
    (0: as they come). Both hold for what comes from then on.
    """

    def __init__(self, targets: Callable[[], Sequence[int]]) -> None:
        self._targets = targets
        self.port = 0
        self.delay = 0.0
        self.rate = 0.0
        self.led = 0
        """Connections up to now."""
        self._open = asyncio.Event()
        self._open.set()
        self._lines: set[_Line] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        self.cut()

    @property
    def ports(self) -> list[int]:
        """Those from which its connections come, as who is behind it sees them."""
        return [line.port for line in self._lines]

    def cut(self) -> int:
        """Reset every connection, at both ends; how many those were."""
        lines = list(self._lines)
        for line in lines:
            line.reset()
        return len(lines)

    def swallow(self) -> None:
        """From now on nothing comes through and nothing is refused, new connections are taken and hear nothing."""
        self._open.clear()

    def spit(self) -> None:
        """What was swallowed arrives after all, as TCP sends again."""
        self._open.set()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.led += 1
        for port in self._targets():
            with suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            writer.transport.abort()
            return
        line = _Line(self, (reader, writer), there)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            self._lines.discard(line)

    async def opened(self) -> None:
        await self._open.wait()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, here: Ends, there: Ends) -> None:
        self._proxy = proxy
        self._here, self._there = here, there

    @property
    def port(self) -> int:
        return int(self._there[1].get_extra_info("sockname")[1])

    async def run(self) -> None:
        """Until either end closes; what was sent before still arrives."""
        ways = [
            asyncio.ensure_future(self._carry(self._here[0], self._there[1])),
            asyncio.ensure_future(self._carry(self._there[0], self._here[1])),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for _, writer in (self._here, self._there):
                writer.close()

    def reset(self) -> None:
        for _, writer in (self._here, self._there):
            with suppress(OSError):  # it is closed already
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD)
        taking = asyncio.ensure_future(self._take(reader, on_the_way))
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._proxy.opened()
                if not data:
                    return
                if self._proxy.rate:
                    await asyncio.sleep(len(data) / self._proxy.rate)
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            taking.cancel()

    async def _take(self, reader: asyncio.StreamReader, on_the_way: asyncio.Queue[tuple[float, bytes]]) -> None:
        """What comes, with the time at which it arrives; nothing is the end."""
        loop, data = asyncio.get_running_loop(), b"-"
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await on_the_way.put((loop.time() + self._proxy.delay, data))
