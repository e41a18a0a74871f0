"""What other processes of this installation ask: to look something up in a session that this one follows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from bot.errors import NotAllowed
from bot.web.reading import read_body
from bot.web.routes import Route
from bot.web.site import CALLER
from bot.web.texts import say

PEER = "x-floormic-peer"
"""The header with the key of this installation."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`knows`: whether this is the key of another process of ours; `look` answers what is asked: "preview" or "best"
    of a text, "likely" of a question or of some wordings of it; as JSON. Raises `NotFound`."""

    knows: Callable[[str], bool]
    look: Callable[[str, "LookBody"], Awaitable[bytes]]


class LookBody(BaseModel):
    session: str
    text: str = ""
    question: str = ""
    messages: tuple[int, ...] = ()
    """Some wordings of the question; none: it as a whole."""


class PeerRoutes:
    """Handlers for processes of ours alone."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def routes(self) -> list[Route]:
        what = "What another process of this installation looks up; with the installation's own key"
        return [
            Route(
                "POST",
                "/peer/{what}",
                "viewer",
                self.look,
                what,
                kind="hook",
                reply="application/json",
                knock=self._require_key,
            )
        ]

    def _require_key(self, request: web.Request) -> None:
        if not self._peer.knows(request.headers.get(PEER, "")):
            raise NotAllowed(say(request[CALLER].lang, "not_allowed"))

    async def look(self, request: web.Request) -> web.Response:
        body = await read_body(request, LookBody)
        found = await self._peer.look(request.match_info["what"], body)
        return web.Response(body=found, content_type="application/json")
