"""The stage beside its questions: its timer and blanking, the speaker's remote, and setting up the overlay."""

from dataclasses import replace

import segno
from aiohttp import web

from bot.accounts import LONGEST_NAME, Grant
from bot.live import Told
from bot.model import Stage
from bot.web.api import reply
from bot.web.reading import clean, read_body
from bot.web.rendering import page_response, public_url
from bot.web.routes import API, Route
from bot.web.schemas import RemoteOut, StageBody, StageOut, StageTold
from bot.web.site import CALLER, Site

TOPIC = "stage"
EVENING = 12 * 3600.0
"""Seconds from the handing over until the speaker's role ends, and with it the link."""


class Staging:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        page, api = "/s/{session}", API + "/sessions/{session}"
        return [
            Route("GET", page + "/remote", "speaker", self.remote, "The speaker's remote control", kind="page"),
            Route("GET", page + "/captions", "moderator", self.captions, "Setting up the overlay", kind="page"),
            Route("GET", api + "/stage", "viewer", self.stage, "How the stage is shown", reply=StageOut),
            Route(
                "POST",
                api + "/stage",
                "speaker",
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
                "A link with which the speaker's phone works the stage of this session for an evening",
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
        site, session, caller = self._site, request[CALLER].here.id, request[CALLER]
        body = await read_body(request, StageBody)
        site.in_time(caller, body.by)
        if body.restart:
            await site.store.restart_stage(session, site.now())
            site.live.changed(session)
        before = await site.store.stage(session)
        wished = {name: value for name, value in (("limit", body.limit), ("blank", body.blank)) if value is not None}
        after = replace(before, **wished)  # type: ignore[arg-type]
        if after != before:
            await site.store.keep_stage(session, after)
            site.live.changed(session, TOPIC)
        if after.blank != before.blank:
            await site.record(caller, "stage_blank" if after.blank else "stage_show")
        elif body.restart or after != before:
            await site.record(caller, "stage_time")
        return self._out(after)

    async def hand_over(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        speaker = caller.here.speaker or "Speaker"
        now = site.now()
        grant = Grant("speaker", caller.here.id, now + EVENING, now)
        token, made = await site.sign_in.invite([grant], clean(speaker)[:LONGEST_NAME], EVENING, caller.actor)
        url = f"{public_url(site, caller)}/signin/{token}"
        drawn = segno.make(url, micro=False).svg_data_uri(border=2, light="#fff", omitsize=True)
        return reply(RemoteOut(url=url, qr=drawn, ends_at=made.expires_at), 201)

    def _out(self, stage: Stage) -> web.Response:
        return reply(StageOut(limit=stage.limit, blank=stage.blank, at=self._site.now()))

    async def _told(self, session: str) -> Told:
        stage = await self._site.store.stage(session)
        line = StageTold(limit=stage.limit, blank=stage.blank).model_dump_json().encode()
        return Told(line, line)
