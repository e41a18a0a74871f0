"""What an orchestrator, a proxy and Prometheus ask: is it alive, may traffic come, and what was counted.

`/healthz` and `/readyz` are asked by anybody, often, and cost nothing. What stands in the way is told in a word or two;
which chats there are, since when, and what an error says is told only to staff and to those who may read the metrics.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from bot.errors import NotAllowed, NotFound, StoreError
from bot.model import SourceHealth, SourceState
from bot.web.failures import RETRY_AFTER
from bot.web.guards import Proxies
from bot.web.routes import Route
from bot.web.schemas import Health, Readiness, ReadinessDetails, SourceStanding
from bot.web.site import CALLER, Site
from bot.web.texts import say

FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""What a proxy adds: with any of these a request did not come from where its connection comes from."""

LOOPBACK = ("127.0.0.0/8", "::1")
VITAL = ("/healthz", "/readyz", "/metrics")

NEARLY_FULL = 200 * 2**20
"""Bytes left on the disk, below which it is said."""

Read = Callable[[str], Awaitable[tuple[bytes, str]]]
"""The metrics for a reader who accepts this: body and content type."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """`why` it cannot be had, where it failed; "elsewhere": another process understands."""

    state: Literal["loading", "loaded", "failed", "elsewhere"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the program is. `alive`: the writing thread answers; `store`: why nothing can be written, "" where it can;
    `disk_free` in bytes; `stopping`: it was told to."""

    alive: bool = True
    store: str = ""
    model: ModelState = ModelState("loaded")
    sources: Sequence[SourceHealth] = ()
    disk_free: int = 2**40
    stopping: bool = False

    @property
    def reasons(self) -> list[Literal["store", "model", "stopping"]]:
        """Why no traffic may come. A model that still loads is none: what is asked meanwhile waits in the inbox. Nor is
        a source that is down, for the pages are for everybody else, nor a disk on which one can still write."""
        found: list[Literal["store", "model", "stopping"]] = []
        if self.store or not self.alive:
            found.append("store")
        if self.model.state == "failed":
            found.append("model")
        if self.stopping:
            found.append("stopping")
        return found


class Readers:
    """Who may read the metrics: these networks, directly or through a trusted proxy, and whoever has the token. A
    request that was forwarded is never from this machine, whatever its headers say."""

    def __init__(self, networks: Sequence[str], token: str, proxies: Proxies) -> None:
        self._networks = [ipaddress.ip_network(one, strict=False) for one in networks]
        self._token, self._proxies = token.encode(), proxies

    def admits(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if self._token and scheme.lower() == "bearer":
            return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)
        forwarded = any(name in request.headers for name in FORWARDED)
        if forwarded and not self._proxies.trusts(request.remote or ""):
            return False
        try:
            address = ipaddress.ip_address(request[CALLER].address if forwarded else _plain(request.remote or ""))
        except ValueError:
            return False
        return not (forwarded and address.is_loopback) and any(address in one for one in self._networks)


class VitalRoutes:
    """Handlers over a `Site`. `read` None: nothing is counted."""

    def __init__(self, site: Site, condition: Callable[[], Condition], readers: Readers, read: Read | None) -> None:
        self._site, self._condition, self._readers, self._read = site, condition, readers, read

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/healthz", "viewer", self.health, "Is it alive? 503: start it anew", reply=Health),
            Route(
                "GET",
                "/readyz",
                "viewer",
                self.ready,
                "May requests come? 503 with the reasons; details for staff and for readers of the metrics",
                reply=Readiness,
                unready=Readiness,
            ),
            Route(
                "GET",
                "/metrics",
                "viewer",
                self.metrics,
                "What was counted, for Prometheus; for the networks of `[web] metrics` and with its token",
                reply="text/plain",
            ),
        ]

    async def health(self, request: web.Request) -> web.Response:
        if not self._condition().alive:
            raise StoreError("the writing thread does not answer")
        return web.json_response(text=Health(status="ok").model_dump_json())

    async def ready(self, request: web.Request) -> web.Response:
        condition = self._condition()
        told = Readiness(ready=not condition.reasons, reasons=condition.reasons)
        if request[CALLER].staff or self._readers.admits(request):
            told = told.model_copy(update={"details": _details(condition)})
        late = {} if told.ready else {"Retry-After": str(RETRY_AFTER)}
        body = told.model_dump_json(exclude_none=True)
        return web.json_response(text=body, status=200 if told.ready else 503, headers=late)

    async def metrics(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        if not self._readers.admits(request):
            raise NotAllowed(say(caller.lang, "no_metrics"))
        if self._read is None:
            raise NotFound(say(caller.lang, "no_page"))
        body, content_type = await self._read(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


def _details(condition: Condition) -> ReadinessDetails:
    return ReadinessDetails(
        store=condition.store or ("ok" if condition.alive else "the writing thread does not answer"),
        model=condition.model.why or condition.model.state,
        disk="nearly full" if condition.disk_free < NEARLY_FULL else "ok",
        sources=[
            SourceStanding(
                name=one.source,
                connected=one.state is SourceState.CONNECTED,
                state=one.state.value,
                since=one.since,
                trouble=one.trouble,
            )
            for one in condition.sources
        ],
    )


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:")
