"""Answers on their way into the course's FAQ, over HTTP: moderators propose them, organisers review and decide."""

import json
from collections import Counter
from urllib.parse import quote

from aiohttp import web

from bot.live import Told
from bot.model import PromotionStage
from bot.promotions import Promotions, Proposal
from bot.web.api import reply
from bot.web.promotion_schemas import DecideBody, PromotionOut, PromotionsOut, ProposeBody
from bot.web.reading import read_body
from bot.web.routes import API, Route
from bot.web.site import CALLER, Site

TOPIC = "promotions"
"""Tells staff which answers are on their way into the FAQ, by question, and how many wait."""


class PromotionRoutes:
    """Handlers over a `Site`."""

    def __init__(self, site: Site, promotions: Promotions) -> None:
        self._site, self._promotions = site, promotions
        site.live.add_topic(TOPIC, self.told)

    def routes(self) -> list[Route]:
        path = f"{API}/sessions/{{session}}/promotions"
        return [
            Route(
                "GET",
                path,
                "organiser",
                self.all,
                "Answers on their way into the FAQ, with what each would change there",
                reply=PromotionsOut,
            ),
            Route(
                "POST",
                path,
                "moderator",
                self.propose,
                "Propose a person's answer for the FAQ",
                body=ProposeBody,
                reply=PromotionsOut,
            ),
            Route(
                "GET",
                path + "/patch",
                "organiser",
                self.patch,
                "All that is proposed as a patch of the FAQ",
                reply="text/x-diff",
            ),
            Route(
                "POST",
                path + "/{question}",
                "organiser",
                self.decide,
                "Accept what is proposed, so that the course answers it from now on; decline it; or undo either",
                body=DecideBody,
                reply=PromotionsOut,
            ),
        ]

    async def told(self, session: str) -> Told:
        found = await self._site.store.promotions(session)
        counts = Counter(one.stage for one in found)
        stages = {one.question: one.stage.value for one in found}
        said = {"waiting": counts[PromotionStage.PROPOSED], "stages": stages}
        return Told(None, json.dumps(said).encode())

    async def all(self, request: web.Request) -> web.Response:
        return await self._all(request)

    async def propose(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, ProposeBody)
        await self._promotions.propose(caller.who, caller.here, body.question)
        return await self._all(request)

    async def decide(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, DecideBody)
        question = request.match_info["question"]
        if body.do == "accept":
            await self._promotions.accept(caller.who, caller.here, question, body.entry)
        elif body.do == "decline":
            await self._promotions.decline(caller.who, caller.here, question)
        else:
            await self._promotions.undo(caller.who, caller.here, question)
        return await self._all(request)

    async def patch(self, request: web.Request) -> web.Response:
        session = request[CALLER].here
        text = await self._promotions.patch(session)
        named = f"attachment; filename*=UTF-8''{quote(session.id, safe='')}-faq.patch"
        headers = {"Content-Disposition": named}
        return web.Response(text=text, content_type="text/x-diff", charset="utf-8", headers=headers)

    async def _all(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        session = await self._site.session(caller.here.id, caller.lang)  # it may have another course by now
        name, found = await self._promotions.all(session)
        return reply(PromotionsOut(file=name, promotions=[_out(one) for one in found]))


def _out(one: Proposal) -> PromotionOut:
    promotion = one.promotion
    return PromotionOut(
        question=promotion.question,
        title=one.title,
        stage=promotion.stage.value,
        entry=promotion.entry,
        diff=one.diff,
        doubled=one.doubled,
        there=one.there,
        corrects=bool(promotion.written) and promotion.stage is PromotionStage.PROPOSED,
        at=promotion.at,
        by=promotion.by,
        decided_at=promotion.decided_at,
        decided_by=promotion.decided_by,
    )
