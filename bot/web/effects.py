"""What each mode of each ability would have done, over HTTP; counted once for each revision of a session, not once for
each moderator who looks."""

import asyncio
from dataclasses import asdict
from functools import partial

from aiohttp import web

from bot.effects import JUDGING, LAST, Effect, effects
from bot.live import View
from bot.web.api import reply
from bot.web.routes import API, Route
from bot.web.schemas import EffectExample, EffectOut, EffectsOut
from bot.web.site import CALLER, Site

LEDGER_LENGTH = 1000
"""Acts that are read; older ones are of questions that the last askings hardly join."""

SESSIONS = 64
"""Sessions whose counts are remembered."""


class Effects:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[str, tuple[int, asyncio.Task[EffectsOut]]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(
                "GET",
                API + "/sessions/{session}/effects",
                "moderator",
                self.effects,
                f"What each mode would have done with the last {LAST} askings, and what people judged of it",
                reply=EffectsOut,
            ),
        ]

    async def effects(self, request: web.Request) -> web.Response:
        id = request[CALLER].here.id
        view = await self._site.live.view(id)
        revision, task = self._known.get(id, (-1, None))
        if task is None or revision != view.revision or (task.done() and task.exception()):
            if len(self._known) >= SESSIONS:
                self._known.clear()
            task = asyncio.create_task(self._count(id, view), name=f"effects {id}")
            self._known[id] = (view.revision, task)
        return reply(await asyncio.shield(task))

    async def _count(self, id: str, view: View) -> EffectsOut:
        store = self._site.store
        askings = await store.askings(id, LAST)
        ledger = await store.actions(id, limit=LEDGER_LENGTH, what=JUDGING)
        states = {question.id: question.state for question in view.questions.values()}
        # Beside the loop: with thousands of questions it takes milliseconds that everybody would wait.
        found = await asyncio.to_thread(partial(effects, askings, states, ledger, await store.promotions(id)))
        return EffectsOut(
            askings=found.askings,
            precision=self._site.precision,
            grouping={mode.value: _out(effect) for mode, effect in found.grouping.items()},
            answers={mode.value: _out(effect) for mode, effect in found.answers.items()},
            acknowledgements={mode.value: _out(effect) for mode, effect in found.acknowledgements.items()},
            promoting={mode.value: _out(effect) for mode, effect in found.promoting.items()},
            memory={mode.value: _out(effect) for mode, effect in found.memory.items()},
        )


def _out(effect: Effect) -> EffectOut:
    counts = {**asdict(effect), "examples": [EffectExample(**asdict(one)) for one in effect.examples]}
    return EffectOut(**counts, unjudged=effect.unjudged)
