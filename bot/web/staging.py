"""The stage beside its questions: its timer and its blanking."""

from dataclasses import replace

from aiohttp import web

from bot.live import Told
from bot.model import Stage
from bot.web.api import reply
from bot.web.reading import read_body
from bot.web.routes import API, Route
from bot.web.schemas import StageBody, StageOut, StageTold
from bot.web.site import CALLER, Site

TOPIC = "stage"


class Staging:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        api = API + "/sessions/{session}"
        return [
            Route("GET", api + "/stage", "viewer", self.stage, "How the stage is shown", reply=StageOut),
            Route(
                "POST",
                api + "/stage",
                "moderator",
                self.change,
                "The time for each question, its beginning, and blanking",
                body=StageBody,
                reply=StageOut,
            ),
        ]

    async def stage(self, request: web.Request) -> web.Response:
        return self._out(await self._site.store.stage(request[CALLER].here.id))

    async def change(self, request: web.Request) -> web.Response:
        site, session = self._site, request[CALLER].here.id
        body = await read_body(request, StageBody)
        if body.restart:
            await site.store.restart_stage(session, site.now())
            site.live.changed(session)
        before = await site.store.stage(session)
        wished = {name: value for name, value in (("limit", body.limit), ("blank", body.blank)) if value is not None}
        after = replace(before, **wished)  # type: ignore[arg-type]
        if after != before:
            await site.store.keep_stage(session, after)
            site.live.changed(session, TOPIC)
        return self._out(after)

    def _out(self, stage: Stage) -> web.Response:
        return reply(StageOut(limit=stage.limit, blank=stage.blank, at=self._site.now()))

    async def _told(self, session: str) -> Told:
        stage = await self._site.store.stage(session)
        line = StageTold(limit=stage.limit, blank=stage.blank).model_dump_json().encode()
        return Told(line, line)
