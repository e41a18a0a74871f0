"""What stands around every request: it gets an id that a person can quote, and whoever counts is told of it."""

import asyncio
import re
import secrets
import time
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.tracing import concerning
from bot.web.guards import LEFT, Proxies
from bot.web.routes import Policy

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
REQUEST_ID = web.RequestKey("request_id", str)
UNDECLARED = "(no such address)"


class Observer(Protocol):
    """Counts what the web side does. Cheap, and raises nothing."""

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """`route` is the pattern of a declared address; `seconds` is None for a stream."""
        ...

    def streaming(self, staff: bool, by: int) -> None:
        """So many streams more, or less."""
        ...


class Nobody(Observer):
    """Counts nothing."""

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None: ...

    def streaming(self, staff: bool, by: int) -> None: ...


def make_observing(policy: Policy, proxies: Proxies, observer: Observer) -> Middleware:
    """The outermost middleware. An id that comes with the request is taken from trusted proxies only."""

    @web.middleware
    async def observing(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(HEADER, "")
        known = GIVEN.fullmatch(given) and proxies.trusts(request.remote or "")
        began, status = time.perf_counter(), 500
        # With the request as well: its response is begun after this block.
        request[REQUEST_ID] = given if known else secrets.token_hex(8)
        with concerning(request_id=request[REQUEST_ID]):
            try:
                response = await handler(request)
                status = response.status
            except web.HTTPException as error:
                status = error.status
                raise
            except (asyncio.CancelledError, ConnectionError):
                status = LEFT
                raise
            finally:
                route = policy.of_request(request)
                if route is not None and route.stream and status == LEFT:  # as every stream ends
                    status = 200
                took = None if route is not None and route.stream else time.perf_counter() - began
                if route is None:
                    observer.answered("any", UNDECLARED, status, took)
                else:
                    observer.answered(route.method, route.pattern, status, took)
        return response

    return observing


async def name_request(request: web.Request, response: web.StreamResponse) -> None:
    """A signal handler: every response carries the id of its request."""
    if id := request.get(REQUEST_ID):
        response.headers.setdefault(HEADER, id)
