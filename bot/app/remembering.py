"""Lets the running sessions know what happened on earlier evenings of their series, a moment after it did, and looks
for what was asked there before."""

import asyncio
import logging
import time
from collections.abc import Mapping

from bot.app.minds import Minds
from bot.errors import StoreError
from bot.model import Action, Session
from bot.pipeline import Pipeline
from bot.ports import Changed, Store
from bot.queueing import earlier
from bot.recurring import Recurring
from knowledge.encoder import EncoderGone

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks: what happens within is one."""

SHARE = 0.2
"""Of the time that may go into this."""

LOOKED_AT = 100
"""Acts of an evening that are looked through for corrections; more of them are taken to hold one."""


class Remembering:
    """One for all sessions. `changed` tells the pages that something of a session's queue is shown anew."""

    def __init__(
        self, store: Store, minds: Minds, pipelines: Mapping[str, Pipeline], changed: Changed, pause: float = PAUSE
    ) -> None:
        self._store, self._minds, self._pipelines, self._changed = store, minds, pipelines, changed
        self._pause = pause
        self._acted: set[str] = set()
        self._asked: set[str] = set()
        self._seen: dict[str, int] = {}
        self._before: dict[str, set[str]] = {}
        self._turned = asyncio.Event()
        self._forgotten = False

    def acted(self, session: str) -> None:
        """People did something there."""
        if session in self._pipelines:
            self._pipelines[session].wake()
        self._acted.add(session)
        self.asked(session)

    def asked(self, session: str) -> None:
        """The queue of a session changed, or it just began to be followed."""
        self._asked.add(session)
        self._turned.set()

    def forgotten(self) -> None:
        """Somebody of the audience was: nothing of theirs stays in memory."""
        self._forgotten = True
        self._turned.set()

    async def run(self) -> None:
        """Until cancelled."""
        encoder, judge = await self._minds.grouping()
        recurring = Recurring(self._store, encoder.dimension, judge, time.monotonic, self._minds.executor)
        while True:
            await self._turned.wait()
            self._turned.clear()
            began = time.monotonic()
            acted, self._acted = self._acted, set()
            asked, self._asked = self._asked, set()
            if self._forgotten:
                self._forgotten = False
                recurring.forget()
                self._before.clear()
                asked |= set(self._pipelines)
            try:
                await self._look(acted, asked, recurring)
            except Exception as error:
                self._acted |= acted  # it is looked up again, also by whoever starts this anew
                self._asked |= asked
                self._turned.set()
                if not isinstance(error, (StoreError, EncoderGone)):
                    raise
                log.warning("what was asked before cannot be looked up now: %s", error)
            await asyncio.sleep(max(self._pause, (time.monotonic() - began) / SHARE))

    async def _look(self, acted: set[str], asked: set[str], recurring: Recurring) -> None:
        sessions = await self._store.sessions()
        newest = {id: await self._newest(id) for id in acted}
        misled = {id for id, (_, corrected) in newest.items() if corrected}
        linked: set[str] = set()
        for session in (one for one in sessions if one.id in self._pipelines):
            before = {one.id for one in earlier(session, sessions)}
            known = self._before.get(session.id)
            others = set() if known is None else before ^ known  # the series is another one
            if known is None or others or acted & before:
                await self._tell(session, others | (acted & before), bool(others or misled & before))
            news = session.id in asked or before & asked or others
            if news and await recurring.follow(session, self._minds.course(session.id)):
                self._changed(session.id)
                self.asked(session.id)  # what recurs there may recur on later evenings
                linked.add(session.id)
            self._before[session.id] = before
        recurring.keep_only(self._pipelines)
        self._before = {id: before for id, before in self._before.items() if id in self._pipelines}
        for session in (one for one in sessions if one.id in self._pipelines):
            await self._show(session, {one.id for one in earlier(session, sessions)} & linked)
        for id in recurring.behind:
            self.asked(id)
        self._seen |= {id: last for id, (last, _) in newest.items()}  # what failed before here is looked at again

    async def _tell(self, session: Session, evenings: set[str], misled: bool) -> None:
        pipeline = self._pipelines[session.id]
        if misled:
            pipeline.reconsider()
        if await self._minds.recall(pipeline, session, self._store):
            await self._show(session, evenings)

    async def _show(self, session: Session, evenings: set[str]) -> None:
        """What recurs from these evenings is another one now, or was answered."""
        if any([await self._store.recall(session.id, evening) for evening in evenings]):
            self._changed(session.id)

    async def _newest(self, session: str) -> tuple[int, bool]:
        """The last act there, and whether people put together or kept apart anything, or said of something whether it
        asks, since the last look."""
        known = self._seen.get(session, 0)
        actions = await self._store.actions(session, limit=LOOKED_AT, since=known)
        corrected = len(actions) == LOOKED_AT or any(_corrects(action) for action in actions)
        return (actions[0].id if actions else known), corrected


def _corrects(action: Action) -> bool:
    pairs = [(before, after) for before, after in action.change.questions if before and after]
    said = any((before.merged_into, before.apart) != (after.merged_into, after.apart) for before, after in pairs)
    return said or bool(action.change.moves) or action.change.takes is not None
