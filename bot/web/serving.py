"""Opens the port the pages are served on."""

import asyncio
import errno
import socket
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.errors import SettingsError
from bot.web.door import Door, Newcomer
from bot.web.open_files import most_connections

CLOSE_WITHIN = 1.5
"""Seconds that requests have to come in when the program stops, and as long again to be answered."""
BACKLOG = 1024
"""Connections that wait to be accepted: as many as come within a second when a talk begins."""


class Incoming:
    """The requests of which a part is still on its way."""

    def __init__(self) -> None:
        self._count = 0
        self._all_in = asyncio.Event()

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.content.is_eof():
            return await handler(request)
        self._count += 1
        try:
            return await handler(request)
        finally:
            self._count -= 1
            if not self._count:
                self._all_in.set()

    async def wait(self, seconds: float) -> None:
        """Until there is none, so long at most."""
        self._all_in.clear()
        if self._count:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_in.wait(), seconds)


class Serving:
    """An open port. `url` is its address on this machine."""

    def __init__(self, runner: web.AppRunner, server: asyncio.Server, host: str, incoming: Incoming) -> None:
        self._runner, self._server, self._incoming = runner, server, incoming
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self) -> None:
        """Take no more connections, and end those that are open once what they asked is answered."""
        self._server.close()
        await self._incoming.wait(CLOSE_WITHIN)  # from `cleanup` on, aiohttp drops what comes
        await self._runner.cleanup()


async def serve(app: web.Application, host: str, port: int, listening: socket.socket | None = None) -> Serving:
    """Serve until closed. Port 0 takes a free one; a socket that listens already is taken in place of host and port.

    Raises `SettingsError` where the port cannot be had.
    """
    door, incoming = Door(most_connections()), Incoming()
    app.middlewares[:0] = [door.middleware, incoming.count]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN)
    await runner.setup()
    protocol = runner.server
    if protocol is None:
        raise RuntimeError("the runner was not set up")
    try:
        loop = asyncio.get_running_loop()
        if listening is None:
            server = await loop.create_server(lambda: Newcomer(door, protocol), host, port, backlog=BACKLOG)
        else:
            host = listening.getsockname()[0]
            server = await loop.create_server(lambda: Newcomer(door, protocol), sock=listening, backlog=BACKLOG)
    except OSError as error:
        await runner.cleanup()
        raise SettingsError([f"[web] port {port} on {host}: {_advice(error)}"]) from error
    shown = "127.0.0.1" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)
    return Serving(runner, server, shown, incoming)


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program uses it; stop that one or choose another port"
    if error.errno == errno.EACCES:
        return "not allowed; ports below 1024 belong to root, choose a higher one and put a proxy before it"
    return f"cannot be opened: {error.strerror or error}; is the host an address of this machine?"
