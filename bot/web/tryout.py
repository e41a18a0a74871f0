"""A test run: a code to write into each chat, and what arrived of it and was answered."""

from aiohttp import web

from bot.live import Told
from bot.phrases import in_language
from bot.web.api import reply
from bot.web.identity import SOURCE
from bot.web.routes import API, Route
from bot.web.schemas import TestedSource, TryoutOut
from bot.web.site import CALLER, Site

TOPIC = "tryout"


class TryoutRoutes:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self.told)

    def routes(self) -> list[Route]:
        path = f"{API}/sessions/{{session}}/tryout"
        return [
            Route("GET", path, "moderator", self.state, "The newest test run", reply=TryoutOut),
            Route("POST", path, "moderator", self.start, "Begin a test run", reply=TryoutOut, status=201),
        ]

    async def told(self, session: str) -> Told:
        return Told(None, (await self._out(session)).model_dump_json().encode())

    async def state(self, request: web.Request) -> web.Response:
        return reply(await self._out(request[CALLER].here.id))

    async def start(self, request: web.Request) -> web.Response:
        here = request[CALLER].here.id
        await self._site.record(request[CALLER], "tryout")
        self._site.tryouts.start(here)
        return reply(await self._out(here), status=201)

    async def _out(self, session: str) -> TryoutOut:
        site, run = self._site, self._site.tryouts.run(session)
        names = [name for name, known in site.configured.items() if known.session in {"", session}]
        # What runs without being configured, such as a chat that is played, may bring messages of this session too.
        names += [name for name in site.hooks if name not in site.configured and name not in names]
        heard = run.heard if run else {}
        names += [name for name in heard if name not in names and name != SOURCE]
        return TryoutOut(
            code=run.code if run else "",
            began=run.began if run else 0.0,
            ends=run.ends if run else 0.0,
            running=run is not None and site.now() < run.ends,
            sources=[self._source(name, session) for name in (*names, SOURCE)],
        )

    def _source(self, name: str, session: str) -> TestedSource:
        site, run = self._site, self._site.tryouts.run(session)
        known, connector = site.configured.get(name), site.hooks.get(name)
        heard = run.heard.get(name) if run else None
        return TestedSource(
            source=name,
            kind=known.kind if known else "",
            replies=connector is not None and connector.abilities.reply,
            heard_at=heard.at if heard else None,
            name=heard.name if heard else "",
            reply=heard.reply if heard else "",  # type: ignore[arg-type]
            error=heard.error if heard else "",
            error_zh=in_language(heard.error, "zh") if heard else "",
        )
