"""Whether every chat is heard: a page and its JSON, of all sources or of those of one session."""

from aiohttp import web

from bot.web.api import reply
from bot.web.rendering import page_response
from bot.web.routes import API, Route
from bot.web.schemas import SourcesOut
from bot.web.site import CALLER, Site
from bot.web.source_json import sources_out


class Sources:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        session = "/s/{session}/sources", f"{API}/sessions/{{session}}/sources"
        return [
            *(
                Route("GET", path, "moderator", self.page, "Whether every chat is heard", kind="page")
                for path in ("/sources", session[0])
            ),
            Route("GET", f"{API}/sources", "moderator", self.state, "How all sources are", reply=SourcesOut),
            Route("GET", session[1], "moderator", self.state, "How the session's sources are", reply=SourcesOut),
        ]

    async def page(self, request: web.Request) -> web.Response:
        return page_response(self._site, request[CALLER], "sources.html", {})

    async def state(self, request: web.Request) -> web.Response:
        site, here = self._site, request[CALLER].session
        found = sources_out(await site.sources_now(), site.configured, site.now())
        if here:  # what belongs to no session is of all of them
            kept = [source for source in found.sources if source.session in {"", here.id}]
            found = found.model_copy(update={"sources": kept})
        return reply(found)
