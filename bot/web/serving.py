"""Opens the port the pages are served on."""

import asyncio
import errno

from aiohttp import web

from bot.errors import SettingsError
from bot.web.door import Door, Newcomer
from bot.web.open_files import most_connections

CLOSE_WITHIN = 3.0
"""Seconds that requests in flight have to end when the program stops."""
BACKLOG = 1024
"""Connections that wait to be accepted: as many as come within a second when a talk begins."""


class Serving:
    """An open port. `url` is its address on this machine."""

    def __init__(self, runner: web.AppRunner, server: asyncio.Server, host: str) -> None:
        self._runner, self._server = runner, server
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self) -> None:
        self._server.close()
        await self._runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Serving:
    """Serve until closed. Port 0 takes a free one. Raises `SettingsError` where the port cannot be had."""
    door = Door(most_connections())
    app.middlewares.insert(0, door.middleware)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN)
    await runner.setup()
    protocol = runner.server
    if protocol is None:
        raise RuntimeError("the runner was not set up")
    try:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Newcomer(door, protocol), host, port, backlog=BACKLOG)
    except OSError as error:
        await runner.cleanup()
        raise SettingsError([f"[web] port {port} on {host}: {_advice(error)}"]) from error
    shown = "127.0.0.1" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)
    return Serving(runner, server, shown)


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program uses it; stop that one or choose another port"
    if error.errno == errno.EACCES:
        return "not allowed; ports below 1024 belong to root, choose a higher one and put a proxy before it"
    return f"cannot be opened: {error.strerror or error}; is the host an address of this machine?"
