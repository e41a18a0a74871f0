"""What stands before every handler: who is calling, may they, and what they get when something goes wrong.

Deny by default: an address that no `Route` declares is refused, whatever else serves it.
"""

import asyncio
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.accounts import ROLES, at_least, role_of
from bot.errors import BadInput, Crowded, NoRole, NotAllowed, NotFound
from bot.web.csp import content_security_policy
from bot.web.failures import refusal
from bot.web.limits import PART, Arrivals
from bot.web.rendering import HERE
from bot.web.routes import API, Policy, Route
from bot.web.site import CALLER, Caller, Site
from bot.web.texts import TEXTS, preferred, say

log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LEFT = 499
"""What is counted where the client did not wait, as nginx does."""

PARTICIPANT_DAYS = 400 * 86_400  # seconds; browsers keep no cookie longer
LOGIN_STAYS = 30 * 86_400  # seconds; the store ends it earlier

FRAMED = {"/s/{session}/stage": "*", "/s/{session}/overlay": "'self'"}
"""Who may show a page in a frame: slides the stage, and our own preview the overlay. Nobody any other."""
SHOWN_ELSEWHERE = "/qr.svg"
"""What slides and other sites may show."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": with that, browsers send `Origin: null` on our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Proxies:
    """The addresses whose X-Forwarded-* headers we believe. Raises `BadInput` for what is no address."""

    def __init__(self, trusted: Sequence[str]) -> None:
        try:
            self._networks: list[Network] = [ipaddress.ip_network(one, strict=False) for one in trusted]
        except ValueError as error:
            raise BadInput(f"trusted proxies are addresses or networks like 10.0.0.0/8: {error}") from error

    def client(self, request: web.Request) -> tuple[str, str]:
        """The client's address and the origin (scheme://host) it used."""
        peer = request.remote or ""
        if not self.trusts(peer):
            return _plain(peer), f"{request.scheme}://{request.host}"
        scheme = _last(request.headers.get("X-Forwarded-Proto", "")) or request.scheme
        host = _last(request.headers.get("X-Forwarded-Host", "")) or request.host
        return self._behind(request, peer), f"{scheme}://{host}"

    def _behind(self, request: web.Request, peer: str) -> str:
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
        for hop in reversed(hops):  # the last was written by our own proxy, those before by whoever came to it
            if (address := _address(hop)) is None:  # then whoever wrote it is all that we know
                break
            peer = address
            if not self.trusts(peer):
                break
        return _plain(peer)

    def trusts(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(_plain(address))
        except ValueError:
            return False
        return any(ip in network for network in self._networks)


def make_guards(
    site: Site, policy: Policy, trusted_proxies: Sequence[str]
) -> list[Callable[..., Awaitable[web.StreamResponse]]]:
    """The middlewares, outermost first."""
    proxies = Proxies(trusted_proxies)
    writing = 0  # requests that are under way
    arrivals = Arrivals(site.limits.bodies, site.limits.bodies_of_address)

    @web.middleware
    async def entrance(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = request[CALLER] = _caller(request, proxies)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = await refusal(site, request, error)
        except ConnectionError:  # the client left; aiohttp knows what to do
            raise
        except Exception as error:
            response = await refusal(site, request, error)
        if caller.greeted and not response.prepared:
            _greet(site, caller, response)
        return response

    @web.middleware
    async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = request[CALLER]
        route = policy.of_request(request)
        if route is None:
            return await _undeclared(request, handler)
        if route.unsafe and route.kind != "hook":
            _require_same_site(request, caller, site)
            site.take_write(caller)
        if route.knock is not None:
            route.knock(request)
        if route.read_whole and not request.content.is_eof():
            hook = route.kind == "hook"
            within = site.limits.hook_within if hook else site.limits.body_within
            try:
                async with arrivals.one(caller.place, within):
                    await request.read()  # a role may be lost while a slow body comes in
            except TimeoutError:
                if hook:  # to most platforms and bots a 408 is final, as all from 400 to 499 is
                    raise Crowded(1.0) from None
                raise web.HTTPRequestTimeout from None
            except ConnectionError:  # nobody is there any more to be answered
                return web.Response(status=LEFT)
        if not route.unsafe or route.largest:
            return await admit(route, request, caller, handler)
        nonlocal writing
        if writing >= site.limits.at_once:  # what waits here would be answered when nobody waits for it any more
            raise Crowded(1.0)
        writing += 1
        try:
            return await admit(route, request, caller, handler)
        finally:
            writing -= 1

    async def admit(route: Route, request: web.Request, caller: Caller, handler: Handler) -> web.StreamResponse:
        await _recognise(site, request, caller)
        caller.least = route.least
        _require_role(route, request, caller)
        return await handler(request)

    return [entrance, admission]


def set_headers(site: Site, policy: Policy) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A signal handler: the headers that every response carries, streams and errors too."""
    sources = [path.read_text(encoding="utf-8") for path in sorted((HERE / "templates").glob("*.html"))]
    csp = content_security_policy(site.assets, sources)
    policies = {framed: csp.format(ancestors=framed) for framed in ("'none'", *FRAMED.values())}

    async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
        route = policy.of_request(request)
        framed = FRAMED.get(route.path, "'none'") if route is not None else "'none'"
        response.headers.setdefault("Content-Security-Policy", policies[framed])
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if framed != "*":
            response.headers.setdefault("X-Frame-Options", "DENY" if framed == "'none'" else "SAMEORIGIN")
        response.headers["Server"] = "floormic"  # the library's own names its version
        if not request.path.endswith(SHOWN_ELSEWHERE):
            response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        if site.secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")

    return on_prepare


def set_login_cookie(site: Site, response: web.StreamResponse, token: str) -> None:
    _set_cookie(site, response, "login", token, LOGIN_STAYS)


def drop_login_cookie(site: Site, response: web.StreamResponse) -> None:
    response.del_cookie(site.cookie_name("login"), path="/", secure=site.secure, httponly=True, samesite="Lax")


def _set_cookie(site: Site, response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        site.cookie_name(name), value, max_age=seconds, path="/", secure=site.secure, httponly=True, samesite="Lax"
    )


def _greet(site: Site, caller: Caller, response: web.StreamResponse) -> None:
    if caller.participant is not None:
        _set_cookie(site, response, "viewer", site.participants.cookie(caller.participant), PARTICIPANT_DAYS)


def _caller(request: web.Request, proxies: Proxies) -> Caller:
    address, origin = proxies.client(request)
    wants_page = not request.path.startswith((API, "/in/", "/healthz", "/readyz", "/metrics", "/static/"))
    chosen = request.cookies.get("floormic-language", "") if wants_page else ""
    asked = request.query.get("lang") or chosen
    lang = asked if asked in TEXTS else preferred(request.headers.get("Accept-Language", ""), "")
    return Caller(address, origin, lang, wants_page)


async def _recognise(site: Site, request: web.Request, caller: Caller) -> None:
    """Participant, login, session and the role in it."""
    if cookie := request.cookies.get(site.cookie_name("viewer")):
        caller.participant = site.participants.from_cookie(cookie)
    if token := request.cookies.get(site.cookie_name("login")):
        caller.login, caller.login_token = await site.sign_in.login(token), token
    if (id := request.match_info.get("session")) is not None:
        caller.session = await site.session(id, caller.lang)
        caller.lang = caller.lang or caller.session.language
    caller.lang = caller.lang or "zh"
    caller.role = role_in(site, caller, caller.session.id if caller.session else "")
    caller.organises = role_in(site, caller, "") == "organiser"


async def streamed(site: Site, request: web.Request, piece: int) -> AsyncIterator[bytes]:
    """A large body in pieces of at most so many bytes; whether the caller still may is looked up after the last one.

    Raises `NoRole`, and aiohttp's 408 where it stops or trickles: then nothing of what came may be used.
    """
    now, within = asyncio.get_running_loop().time, site.limits.part_within
    left = 0
    while True:
        if left <= 0:
            due, left = now() + within, PART
        try:
            async with asyncio.timeout_at(due):
                data = await request.content.read(piece)
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        if not data:
            break
        yield data
        left -= len(data)
    caller = request[CALLER]
    caller.login = await site.sign_in.login(caller.login_token) if caller.login_token else None
    caller.role = role_in(site, caller, caller.session.id if caller.session else "")
    if not at_least(caller.role, caller.least):
        raise NoRole(say(caller.lang, "role_short" if caller.login else "signed_out"))


def role_in(site: Site, caller: Caller, session: str) -> str:
    """The caller's role in a session ("": outside of any, where only roles in all sessions count), now."""
    return role_of(caller.login.grants, session, site.now()) if caller.login else "viewer"


def _require_role(route: Route, request: web.Request, caller: Caller) -> None:
    wanted = request.query.get("as", "")
    enough = at_least(caller.role, wanted) or wanted not in ROLES
    if enough and route.admits(caller.role) and (caller.login or not route.signed_in):
        return
    if caller.login:
        raise NoRole(say(caller.lang, "role_short"))
    raise NoRole(say(caller.lang, "signed_out" if caller.login_token else "not_allowed"))


def _require_same_site(request: web.Request, caller: Caller, site: Site) -> None:
    came_from = request.headers.get("Sec-Fetch-Site")
    if came_from is not None:
        ours = came_from in {"same-origin", "none"}
    else:  # browsers leave it out over plain http, except on localhost
        ours = request.headers.get("Origin") in {caller.origin, _origin(site.public_url)}
    if not ours:
        raise NotAllowed(say(caller.lang, "cross_site"))


async def _undeclared(request: web.Request, handler: Handler) -> web.StreamResponse:
    caller = request[CALLER]
    caller.lang = caller.lang or "zh"
    if (error := request.match_info.http_exception) is not None:
        raise error
    resource = request.match_info.route.resource
    log.error("%s is served but not declared; refused", resource.canonical if resource else "an address")
    raise NotFound(say(caller.lang, "no_page"))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _last(header: str) -> str:
    return header.rpartition(",")[2].strip()


_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}")


def _address(hop: str) -> str | None:
    """The address in a hop of X-Forwarded-For, which some proxies write with its port; None for anything else."""
    if found := _WITH_PORT.fullmatch(hop):
        hop = found[1] or found[2]
    try:
        return str(ipaddress.ip_address(_plain(hop.partition("%")[0])))
    except ValueError:
        return None


def _plain(address: str) -> str:
    """IPv4 addresses in IPv6 clothes without them."""
    return address.removeprefix("::ffff:")
