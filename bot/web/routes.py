"""One declaration of every address: what serves it, who may use it, what it takes and gives.

Routing, the guards' policy and the OpenAPI document are all read from it.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel

from bot.accounts import ROLES, at_least

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Kind = Literal["api", "page", "file", "hook"]

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header of an address."""

    name: str
    what: str
    schema: dict[str, Any]
    place: Literal["query", "header"] = "query"


AS = Parameter(
    "as",
    "the least role you want to read with: 403 where you have it no more, instead of what viewers get",
    {"type": "string", "enum": list(ROLES)},
)


@dataclass(frozen=True, slots=True)
class Route:
    """`least` is the role one needs at least, or `also`; `signed_in`: and an account, whatever its roles. `reply` is
    what a success carries: a type, or a content type's name.

    `unready`: what a 503 carries, where that is no `Error`. `knock` raises, before a body is read, where nobody here
    takes what this request brings. `largest`: the handler reads the raw body with `guards.streamed` (each part within
    `Limits.part_within`), and refuses one of more bytes. All other bodies are read whole, within `Limits.body_within`
    (a hook's: `hook_within`), and are at most `failures.LARGEST_BODY`.
    """

    method: str
    path: str
    least: Literal["viewer", "speaker", "expert", "moderator", "organiser"]
    handler: Handler
    summary: str
    kind: Kind = "api"
    body: type[BaseModel] | None = None
    reply: Any = None
    status: int = 200
    parameters: Sequence[Parameter] = ()
    stream: bool = False
    largest: int = 0
    signed_in: bool = False
    also: Literal["speaker"] | None = None
    unready: type[BaseModel] | None = None
    knock: Callable[[web.Request], None] | None = None

    @property
    def pattern(self) -> str:
        """The path as aiohttp names it: without the expressions of its variables."""
        return re.sub(r"\{(\w+):[^}]*\}", r"{\1}", self.path)

    def admits(self, role: str) -> bool:
        return at_least(role, self.least) or (self.also is not None and at_least(role, self.also))

    @property
    def read_whole(self) -> bool:
        """Whether the body is read before anything else is asked."""
        return (self.unsafe or self.kind == "hook") and not self.largest

    @property
    def unsafe(self) -> bool:
        return self.method not in {"GET", "HEAD"}


class Policy:
    """The routes of a site, found again from a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._by_address = {(route.method, route.pattern): route for route in self.routes}
        if len(self._by_address) != len(self.routes):
            raise ValueError("an address is declared twice")

    def of(self, method: str, path: str) -> Route | None:
        """The declaration behind a method and a path pattern; None for what nobody declared."""
        return self._by_address.get(("GET" if method == "HEAD" else method, path))

    def of_request(self, request: web.Request) -> Route | None:
        resource = request.match_info.route.resource
        return self.of(request.method, resource.canonical) if resource else None

    def add_to(self, app: web.Application) -> None:
        for route in self.routes:
            if route.method == "GET":
                app.router.add_get(route.path, route.handler, allow_head=not route.stream)
            else:
                app.router.add_route(route.method, route.path, route.handler)
