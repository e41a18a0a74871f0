"""The pages, the QR code and the static files."""

import io
from urllib.parse import quote

import segno
from aiohttp import web

from bot.errors import NotFound
from bot.live import View
from bot.model import Session, Status
from bot.queueing import ranked, visible, waiting
from bot.web.compressing import accepted, compress
from bot.web.rendering import page_response, public_url, render
from bot.web.routes import API, Route
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, Site
from bot.web.texts import say

KEPT = "private, no-cache"  # a viewer's device may show it again without a network; what is staff's is "no-store"
FIRST = 10  # questions that come with the page
REMEMBERED = 32  # pages as they were made: of a few sessions, in each language, as they stand now
FOR_EVER = "public, max-age=31536000, immutable"
DOCS_ICON = "favicon.svg"


class Pages:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shared: dict[tuple[Session, int, str, str], bytes] = {}

    def routes(self) -> list[Route]:
        return [
            _page("GET", "/", "viewer", self.home, "All sessions; where there is one, straight to it"),
            _page("GET", "/s/{session}", "viewer", self.viewer, "For the audience"),
            _page("GET", "/s/{session}/board", "expert", self.board, "For moderators"),
            _page("GET", "/s/{session}/stage", "viewer", self.stage, "For the big screen"),
            _page("GET", "/s/{session}/overlay", "viewer", self.overlay, "Captions for a streaming program"),
            _page("GET", "/s/{session}/join", "viewer", self.join, "How to join, large"),
            _page("GET", "/s/{session}/qr.svg", "viewer", self.qr, "The QR code to join"),
            Route("GET", "/static/{name:.+}", "viewer", self.static, "Static files", kind="file"),
            Route("GET", "/favicon.ico", "viewer", self.icon, "The icon that browsers ask for", kind="file"),
        ]

    async def home(self, request: web.Request) -> web.Response:
        sessions = await self._site.store.sessions()
        if len(sessions) == 1 and not at_least(request[CALLER].role, "organiser"):  # who may make more of them
            raise web.HTTPFound(f"/s/{quote(sessions[0].id, safe='')}")
        return page_response(self._site, request[CALLER], "sessions.html", {})

    async def viewer(self, request: web.Request) -> web.Response:
        """With the first questions in it, so that they are read before any script is there. What only this viewer may
        know (their code) is not: what is compressed beside others' words can be guessed from its length."""
        site, caller = self._site, request[CALLER]
        site.participant(caller)  # the cookie that makes a question sent twice the same one
        view = await site.live.view(caller.here.id)
        body = self._shared_viewer(caller, view) if caller.login is None else self._viewer(caller, view)
        response = web.Response(body=body, content_type="text/html", charset="utf-8")
        if not caller.staff:
            response.headers["Cache-Control"] = KEPT
        return compress(request, response, shared=caller.login is None)

    def _shared_viewer(self, caller: Caller, view: View) -> bytes:
        """The same bytes for all who are nobody in particular, made once a revision. Made for a caller who has nothing
        but what stands in the key, so that nothing of anybody's can be in it."""
        key = (caller.here, view.revision, caller.lang, public_url(self._site, caller))
        if key not in self._shared:
            if len(self._shared) >= REMEMBERED:
                self._shared.clear()
            session, _, lang, url = key
            self._shared[key] = self._viewer(Caller("", url, lang, session=session), view)
        return self._shared[key]

    def _viewer(self, caller: Caller, view: View) -> bytes:
        seen = [q for q in view.questions.values() if visible(q.state, caller.here)]
        return render(
            self._site,
            caller,
            "viewer.html",
            {"revision": view.revision},
            first=waiting(seen)[:FIRST],
            counts={"open": len(waiting(seen)), "answered": sum(q.status is Status.ANSWERED for q in seen)},
            onstage=next((q for q in ranked(seen) if q.status is Status.ON_STAGE), None),
        ).encode()

    async def board(self, request: web.Request) -> web.Response:
        return self._of_session(request[CALLER], "board.html", {})

    async def stage(self, request: web.Request) -> web.Response:
        return self._of_session(request[CALLER], "stage.html", {})

    async def overlay(self, request: web.Request) -> web.Response:
        return self._of_session(request[CALLER], "overlay.html", {})

    async def join(self, request: web.Request) -> web.Response:
        return self._of_session(request[CALLER], "join.html", {})

    async def qr(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        drawn = io.BytesIO()
        address = f"{public_url(self._site, caller)}/s/{quote(caller.here.id, safe='')}"
        # A white ground of its own: the code must be readable on a dark stage too.
        segno.make(address, micro=False).save(drawn, kind="svg", border=2, light="#fff", omitsize=True)
        return web.Response(
            body=drawn.getvalue(), content_type="image/svg+xml", headers={"Cache-Control": "max-age=300"}
        )

    async def static(self, request: web.Request) -> web.Response:
        asset, fixed = self._site.assets.find(request.match_info["name"])
        if asset is None:
            raise NotFound(say(request[CALLER].lang, "no_page"))
        headers = {"ETag": f'"{asset.tag}"', "Cache-Control": FOR_EVER if fixed else "no-cache"}
        if any(tag.value == asset.tag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = asset.body
        if asset.encodings:
            headers["Vary"] = "Accept-Encoding"
            if encoding := next((name for name in asset.encodings if name in accepted(request)), None):
                body, headers["Content-Encoding"] = asset.encoded(encoding), encoding
        charset = "utf-8" if asset.content_type.startswith("text/") else None
        return web.Response(body=body, content_type=asset.content_type, charset=charset, headers=headers)

    async def icon(self, request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently(f"/static/{DOCS_ICON}")

    def _of_session(self, caller: Caller, template: str, page: dict[str, object]) -> web.Response:
        return page_response(
            self._site, caller, template, {"api": f"{API}/sessions/{quote(caller.here.id, safe='')}", **page}
        )


def _page(method: str, path: str, least: str, handler: object, summary: str) -> Route:
    return Route(method, path, least, handler, summary, kind="page")  # type: ignore[arg-type]
