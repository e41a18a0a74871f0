"""Opens the port the pages are served on."""

import errno

from aiohttp import web

from bot.errors import SettingsError

CLOSE_WITHIN = 3.0
"""Seconds that requests in flight have to end when the program stops."""


class Serving:
    """An open port. `url` is its address on this machine."""

    def __init__(self, runner: web.AppRunner, host: str) -> None:
        self._runner = runner
        port = runner.addresses[0][1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self) -> None:
        await self._runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Serving:
    """Serve until closed. Port 0 takes a free one. Raises `SettingsError` where the port cannot be had."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError([f"[web] port {port} on {host}: {_advice(error)}"]) from error
    shown = "127.0.0.1" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)
    return Serving(runner, shown)


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program uses it; stop that one or choose another port"
    if error.errno == errno.EACCES:
        return "not allowed; ports below 1024 belong to root, choose a higher one and put a proxy before it"
    return f"cannot be opened: {error.strerror or error}; is the host an address of this machine?"
