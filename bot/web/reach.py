"""Whom the answers reached, over HTTP, and trying again; for staff alone, for it names persons."""

import asyncio
from collections import defaultdict
from collections.abc import Container, Sequence

from aiohttp import web

from bot.live import Told as Line
from bot.model import Asked, Delivery, QuestionState
from bot.reach import Told, counts, reach
from bot.web.acts import require_here
from bot.web.api import reply
from bot.web.reach_json import QuestionReach, ReachCounts, SessionReach, told_out
from bot.web.rounds import goes_at
from bot.web.routes import API, Route
from bot.web.schemas import ActionOut
from bot.web.site import CALLER, Site

TOPIC = "reach"
"""Tells staff of each answered question with somebody who is not reached, or not yet."""


class Reach:
    """Handlers over a `Site`, and a topic of its `Live`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        session = API + "/sessions/{session}"
        return [
            Route(
                "GET",
                session + "/reach",
                "expert",
                self.reached,
                "How many askers each answer reached",
                reply=SessionReach,
            ),
            Route(
                "GET",
                session + "/questions/{question}/reach",
                "expert",
                self.question,
                "Every asker of an answered question, and what became of the answer for them",
                reply=QuestionReach,
            ),
            Route(
                "POST",
                session + "/questions/{question}/reach",
                "expert",
                self.again,
                "Try once more to bring the answer to those whom it did not reach",
                reply=ActionOut,
            ),
        ]

    async def reached(self, request: web.Request) -> web.Response:
        found = await self._session(request[CALLER].here.id)
        return reply(SessionReach(questions={id: ReachCounts(**counts(told)) for id, told in found.items()}))

    async def question(self, request: web.Request) -> web.Response:
        caller, id = request[CALLER], request.match_info["question"]
        await require_here(self._site, caller, [id])
        store = self._site.store
        state, asked = (await store.question(id)).state, await store.asked(id)
        told = reach(state, asked, await store.answering(caller.here.id), self._site.replying())
        return reply(QuestionReach(**counts(told), askers=[told_out(one, caller.lang) for one in told]))

    async def again(self, request: web.Request) -> web.Response:
        caller, id = request[CALLER], request.match_info["question"]
        await require_here(self._site, caller, [id])
        async with self._site.desk.turn(caller.here.id):
            action = await self._site.desk.tell_again(caller.who, id)
        return reply(ActionOut(action=action.id, goes_at=goes_at(action.change.deliveries, self._site.now())))

    async def _session(self, id: str) -> dict[str, tuple[Told, ...]]:
        """By answered question."""
        groups = await self._site.store.answered(id)
        if not groups:
            return {}
        answering, replying = await self._site.store.answering(id), self._site.replying()
        # Beside the loop: with thousands of askings it takes milliseconds that everybody would wait.
        return await asyncio.to_thread(_reached, groups, answering, replying)

    async def _told(self, session: str) -> Line:
        found = {id: ReachCounts(**counts(told)) for id, told in (await self._session(session)).items()}
        amiss = {id: one for id, one in found.items() if one.failed or one.waiting}
        return Line(None, SessionReach(questions=amiss).model_dump_json().encode())


def _reached(
    groups: Sequence[tuple[QuestionState, Sequence[Asked]]], answering: Sequence[Delivery], replying: Container[str]
) -> dict[str, tuple[Told, ...]]:
    said: defaultdict[str, list[Delivery]] = defaultdict(list)
    for one in answering:  # in a key, the question follows the kind
        said[one.key.split(":", 2)[1]].append(one)
    return {
        state.id: reach(state, asked, [d for id in _ids(state, asked) for d in said[id]], replying)
        for state, asked in groups
    }


def _ids(state: QuestionState, asked: Sequence[Asked]) -> set[str]:
    """The question and those that its askings joined when they came."""
    return {state.id, *(one.placement.question or "" for one in asked)}
