"""The stage beside its questions: its timer and blanking, the speaker's remote, and setting up the overlay."""

from dataclasses import replace

import segno
from aiohttp import web

from bot.live import Told
from bot.model import Stage
from bot.web.api import reply
from bot.web.reading import read_body
from bot.web.rendering import page_response, public_url
from bot.web.routes import API, Route
from bot.web.schemas import RemoteOut, StageBody, StageOut, StageTold
from bot.web.site import CALLER, Site

TOPIC = "stage"
EVENING = 12 * 3600.0  # seconds that a link for the speaker is good


class Staging:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        page, api = "/s/{session}", API + "/sessions/{session}"
        return [
            Route("GET", page + "/remote", "moderator", self.remote, "The speaker's remote control", kind="page"),
            Route("GET", page + "/captions", "moderator", self.captions, "Setting up the overlay", kind="page"),
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
            Route(
                "POST",
                api + "/remote",
                "moderator",
                self.hand_over,
                "A link with which the speaker's phone moderates this session for an evening",
                reply=RemoteOut,
                status=201,
            ),
        ]

    async def remote(self, request: web.Request) -> web.Response:
        return page_response(self._site, request[CALLER], "remote.html", {})

    async def captions(self, request: web.Request) -> web.Response:
        return page_response(self._site, request[CALLER], "captions.html", {})

    async def stage(self, request: web.Request) -> web.Response:
        return self._out(await self._site.store.stage(request[CALLER].here.id))

    async def change(self, request: web.Request) -> web.Response:
        site, session = self._site, request[CALLER].here.id
        body = await read_body(request, StageBody)
        site.in_time(request[CALLER], body.by)
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

    async def hand_over(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        speaker = caller.here.speaker or "Speaker"
        token = site.sign_in.link("moderator", speaker, caller.here.id, EVENING)
        url = f"{public_url(site, caller)}/signin/{token}?to=remote"
        drawn = segno.make(url, micro=False).svg_data_uri(border=2, light="#fff", omitsize=True)
        return reply(RemoteOut(url=url, qr=drawn, ends_at=site.now() + EVENING), 201)

    def _out(self, stage: Stage) -> web.Response:
        return reply(StageOut(limit=stage.limit, blank=stage.blank, at=self._site.now()))

    async def _told(self, session: str) -> Told:
        stage = await self._site.store.stage(session)
        line = StageTold(limit=stage.limit, blank=stage.blank).model_dump_json().encode()
        return Told(line, line)
