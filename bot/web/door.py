"""Where connections come in: one that is idle makes place for a newcomer, and what cannot be served is told so.

The kernel gives out the lowest number that is free, so the number of a new connection says how many files are open.
"""

import asyncio
import weakref
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

IDLE = 1.0  # seconds without a request after which a connection may be closed for another one
AT_ONCE = 16  # connections that are closed for one newcomer: each makes more place than it takes
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nCache-Control: no-store\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class Door:
    """The factory of protocols for a server, and a middleware (`middleware`) that knows which connections are idle.

    `most`: connections that may be open. Browsers keep one for their next request, proxies for an hour; only where they
    become scarce are those closed that waited longest. Streams are never idle.
    """

    def __init__(self, most: int) -> None:
        self._full, self._scarce = most, most - most // 16
        self._idle: weakref.WeakKeyDictionary[asyncio.Transport, float] = weakref.WeakKeyDictionary()
        self._loop = asyncio.get_running_loop()

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def busy(request: web.Request, handler: Handler) -> web.StreamResponse:
            transport = request.transport
            if transport is None:
                return await handler(request)
            self._idle.pop(transport, None)
            try:
                return await handler(request)
            finally:
                self._idle[transport] = self._loop.time()

        return busy

    def let_in(self, transport: asyncio.Transport, protocol: Callable[[], asyncio.Protocol]) -> None:
        """A new connection: the protocol takes it over, or it is refused."""
        number = transport.get_extra_info("socket").fileno()
        if number >= self._scarce:
            self._make_place()
        if number >= self._full:
            transport.write(FULL)
            transport.close()
            return
        self._idle[transport] = self._loop.time()
        serving = protocol()
        transport.set_protocol(serving)
        serving.connection_made(transport)

    def _make_place(self) -> None:
        """Close some of those that wait for nothing, the longest first: whoever has something to ask comes again."""
        until = self._loop.time() - IDLE
        chosen: list[asyncio.Transport] = []
        for transport, since in self._idle.items():
            if since > until or len(chosen) == AT_ONCE:
                break
            chosen.append(transport)
        for transport in chosen:
            del self._idle[transport]
            if transport.get_write_buffer_size() == 0:
                transport.close()


class Newcomer(asyncio.Protocol):
    """A connection before it is let in."""

    def __init__(self, door: Door, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._door, self._protocol = door, protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._door.let_in(transport, self._protocol)
