"""Asks the network: certificates, addresses, clocks, chats. Each call takes its time limit and tells why it failed."""

import asyncio
import errno
import json
import secrets
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import cast
from urllib.parse import urlsplit

import aiohttp

from bot.app.doctor.outside import Answer
from bot.app.keeping import Place
from bot.app.sources import KINDS, surroundings
from bot.app.terminal import plain
from bot.errors import FloormicError
from bot.options import SourceOptions
from bot.ports import Accounts
from bot.settings import Settings
from bot.web.signin import SignIn

LONGEST = 4 << 20
DAY = 86_400.0


async def ask(url: str, sessions: frozenset[str], seconds: float) -> Answer:
    """Ask an address which sessions it has; its certificate is looked at elsewhere."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.get(f"{url}/api/v1/sessions", ssl=False, allow_redirects=False) as reply,
        ):
            data = await reply.content.read(LONGEST)
            ids = _ids(data) if reply.status == 200 else None
            return Answer(ids is not None and (not sessions or ids == sessions), ids is not None, reply.status)
    except TimeoutError:
        return Answer(trouble=f"no answer within {seconds:g} s")
    except (aiohttp.ClientError, OSError) as error:
        return Answer(trouble=_why(error))


def _ids(data: bytes) -> frozenset[str] | None:
    with suppress(ValueError, KeyError, TypeError):
        return frozenset(str(one["id"]) for one in json.loads(data) if "title" in one)
    return None


async def certificate(url: str, now: float, seconds: float) -> tuple[float | None, str]:
    """Days until the certificate ends; None where it is not accepted, and why."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(host, port, ssl=ssl.create_default_context(), server_hostname=host), seconds
        )
    except TimeoutError:
        return None, f"no answer within {seconds:g} s"
    except ssl.SSLCertVerificationError as error:
        return None, error.verify_message or str(error)
    except OSError as error:
        return None, _why(error)
    try:
        found = cast(ssl.SSLObject, writer.get_extra_info("ssl_object")).getpeercert() or {}
        return (ssl.cert_time_to_seconds(str(found["notAfter"])) - now) / DAY, ""
    finally:
        writer.close()


async def clocks(urls: Iterable[str], seconds: float) -> dict[str, float]:
    """Seconds that our clock is ahead of each of these servers; those that do not tell are left out."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as client:
        found = await asyncio.gather(*(_ahead(client, url) for url in urls))
    return {host: ahead for host, ahead in found if ahead is not None}


async def _ahead(client: aiohttp.ClientSession, url: str) -> tuple[str, float | None]:
    parts = urlsplit(url)
    with suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError):
        before = time.time()
        async with client.head(f"{parts.scheme}://{parts.netloc}/", allow_redirects=False) as reply:
            after = time.time()
            told = parsedate_to_datetime(reply.headers["Date"]).timestamp() + 0.5  # it tells whole seconds
            return parts.netloc, (before + after) / 2 - told
    return parts.netloc, None


def addresses(sources: Iterable[SourceOptions]) -> list[str]:
    """Where the platforms of these sources are, each once; not where answers are posted, for that is nobody's clock."""
    found: dict[str, None] = {}
    for source in sources:
        for key, value in source:
            if isinstance(value, str) and value.startswith(("https://", "http://")) and key != "reply_url":
                parts = urlsplit(value)
                found[f"{parts.scheme}://{parts.netloc}"] = None
    return list(found)


async def try_out(source: SourceOptions, settings: Settings, place: Place, seconds: float) -> tuple[str, str]:
    """What the platform says to the keys of a source, or why it says nothing."""
    secret = secrets.token_urlsafe(32)
    with suppress(OSError, UnicodeDecodeError):
        secret = place.secret.read_text("ascii").strip().ljust(16, "-")
    key = SignIn(secret.encode(), cast("Accounts", None), time.time).key
    around = surroundings(settings, source, time.time, key)
    trying = asyncio.ensure_future(KINDS[source.kind].try_out(source, around))
    # Not `wait_for`, which waits until what it gave up has tidied up.
    done, _ = await asyncio.wait({trying}, timeout=seconds)
    if not done:
        trying.cancel()
        return "", f"no answer within {seconds:g} s"
    try:
        said = trying.result()
    except TimeoutError:
        return "", f"no answer within {seconds:g} s"
    except ImportError as error:
        return "", f"{error.name or error} is not installed; pip install 'floormic[{KINDS[source.kind].extra}]'"
    except (FloormicError, OSError) as error:
        return "", plain(str(error)) or type(error).__name__
    return plain(said), ""


def is_kept_for_us() -> bool:
    """Whether systemd holds the port until somebody comes, and then starts the program (`floormic.socket`)."""
    command = shutil.which("systemctl")
    if command is None:
        return False
    try:
        asked = [command, "is-active", "--quiet", "floormic.socket"]
        return subprocess.run(asked, timeout=3, capture_output=True, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def cannot_bind(host: str, port: int) -> str:
    """Why the port cannot be had; "" where it is free."""
    try:
        for family, kind, number, _, address in socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, number) as trying:
                trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trying.bind(address)
    except PermissionError:
        return "ports below 1024 belong to root"
    except OSError as error:
        return "another program uses it" if error.errno == errno.EADDRINUSE else str(error.strerror or error)
    return ""


def _why(error: Exception) -> str:
    inner = getattr(error, "os_error", None) or error
    return str(getattr(inner, "strerror", None) or inner) or type(error).__name__
