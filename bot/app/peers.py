"""What one process asks another one of the same installation, over HTTP: to take what a platform calls us with, and to
look something up in a session.

Each process says in its leases where it answers. What is asked is signed with a key made of the installation's secret.
"""

import asyncio
import hmac
import logging
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from pydantic import TypeAdapter

from bot.connectors.hooks import BUSY, ELSEWHERE
from bot.model import CourseMatch, Likely, Preview
from bot.ports import Holder, HookReply, HookRequest
from bot.web.peers import PEER

log = logging.getLogger(__name__)

PATIENCE = 8.0
"""Seconds in which a source may find a new owner, so that who calls need not come again."""

WAITING = 64
"""Calls that wait for a new owner at most; further ones are turned away, to come again."""

LOOK_AGAIN = 0.25
HOOK_SECONDS = 10.0
LOOK_SECONDS = 2.0

Find = Callable[[str, str], Holder | None]
"""Who holds the lease of a kind and name."""


class Peers:
    """`key` is the same in each process of an installation."""

    def __init__(self, key: bytes, find: Find, owner: str) -> None:
        self._key, self._find, self._owner = key.hex(), find, owner
        self._http: aiohttp.ClientSession | None = None
        self._waiting = 0

    def knows(self, given: str) -> bool:
        """Whether another process of ours asks: then nothing is handed on once more."""
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._key.encode())

    async def hook(self, source: str, request: HookRequest) -> HookReply:
        """Let the process that listens to this source take it; BUSY where there is none."""
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_WAY}
        until = asyncio.get_running_loop().time() + PATIENCE
        while True:
            if (at := self._at("connector", source)) is not None:
                try:
                    reply = await self._forward(f"{at}/in/{source}", request, headers | {PEER: self._key})
                    if reply.status != ELSEWHERE.status:
                        return reply
                except aiohttp.ClientConnectorError:  # nothing was handed over yet
                    log.info("%s: the process that listens to it cannot be reached", source)
                except (aiohttp.ClientError, TimeoutError):
                    return BUSY
            if self._waiting >= WAITING or asyncio.get_running_loop().time() > until:
                return BUSY
            self._waiting += 1
            try:
                await asyncio.sleep(LOOK_AGAIN)
            finally:
                self._waiting -= 1

    async def preview(self, session: str, text: str) -> Preview | None:
        """None where nobody says it in time."""
        found = await self._look("preview", session, text=text)
        if found is None:
            return None
        answer = found.pop("answer")
        return Preview(**found, answer=_match(answer))

    async def best(self, session: str, text: str) -> CourseMatch | None:
        found = await self._look("best", session, text=text)
        return _match(found) if found else None

    async def likely(self, session: str, question: str, messages: Collection[int]) -> list[Likely]:
        """Empty where nobody says it in time."""
        found = await self._look("likely", session, question=question, messages=list(messages))
        return [Likely(**one) for one in found or ()]

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    def _at(self, kind: str, name: str) -> str | None:
        holder = self._find(kind, name)
        return holder.at if holder and holder.at and holder.owner != self._owner else None

    def _client(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    async def _forward(self, url: str, request: HookRequest, headers: dict[str, str]) -> HookReply:
        async with self._client().request(
            request.method,
            url,
            params=dict(request.query),
            headers=headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=HOOK_SECONDS),
        ) as answer:
            more = tuple((name, value) for name, value in answer.headers.items() if name == "Retry-After")
            return HookReply(answer.status, await answer.read(), answer.content_type, more)

    async def _look(self, what: str, session: str, **asked: Any) -> Any:
        """What that process found; None where nobody says it in time."""
        at = self._at("pipeline", session)
        if at is None:
            return None
        with suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self._client().post(
                f"{at}/peer/{what}",
                json={"session": session, **asked},
                headers={PEER: self._key},
                timeout=aiohttp.ClientTimeout(total=LOOK_SECONDS),
            ) as answer:
                if answer.status == 200:
                    return await answer.json()
        return None


_OF_THE_WAY = {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", PEER}
"""Headers that belong to one connection."""


_FOUND: TypeAdapter[Any] = TypeAdapter(Any)


def told(found: Preview | CourseMatch | Sequence[Likely] | None) -> bytes:
    """As JSON, for whoever asked."""
    return _FOUND.dump_json(found)


def _match(found: Any) -> CourseMatch | None:
    return CourseMatch(**found) if found else None


def address(host: str, port: int) -> str:
    """Where this process answers others: the configured host, or for one that takes every address that of this
    machine's name."""
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 (compared, not bound)
        with suppress(OSError):
            host = socket.gethostbyname(socket.gethostname())
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
