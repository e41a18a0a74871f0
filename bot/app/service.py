"""What the program and a service manager such as systemd tell each other: the socket it was handed, that it is ready,
that it still turns.

By the protocols of sd_listen_fds(3) and sd_notify(3); without a service manager nothing happens.
"""

import asyncio
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

from bot.errors import SettingsError

FIRST = 3
"""The descriptor of the first socket that is handed over."""


def handed_over(environ: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """The listening socket that the service manager opened for us: connections wait in it while we are restarted.

    None where there is none. Raises `SettingsError` for anything but one listening TCP socket. The variables are taken
    away, so that no child takes the socket for its own.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()):
        return None
    if count != "1":
        raise SettingsError([f"the service manager hands over {count} sockets; one with one ListenStream= is needed"])
    try:
        listening = socket.socket(fileno=FIRST)
    except OSError as error:
        raise SettingsError(["what the service manager hands over is no socket; see ListenStream="]) from error
    listening.set_inheritable(False)
    internet = listening.family in {socket.AF_INET, socket.AF_INET6} and listening.type == socket.SOCK_STREAM
    if not internet or not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listening.close()
        raise SettingsError(
            ["the service manager hands over no listening TCP socket; write it as ListenStream=127.0.0.1:8080"]
        )
    return listening


def notify(*states: str) -> None:
    """Tell the service manager, in lines such as `READY=1`. Where it does not listen, nobody needs to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as telling:
        telling.setblocking(False)
        telling.sendto("\n".join(states).encode(), "\0" + address[1:] if address.startswith("@") else address)


async def keep_watched() -> None:
    """Tell the service manager that the event loop turns, twice as often as it wants to hear it (WatchdogSec=)."""
    within = os.environ.get("WATCHDOG_USEC", "")
    if not within.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(within) / 2_000_000)
