"""The pipelines of the sessions that this process holds the leases of."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial

from bot.app.minds import Minds
from bot.app.tending import Tasks, keep_alive
from bot.errors import Fenced, SettingsError
from bot.leasing import Keeper
from bot.model import Session
from bot.pipeline import Pipeline
from bot.ports import Changed, Store

log = logging.getLogger(__name__)

KIND = "pipeline"
"""Of the leases."""

OVER = 86_400.0
"""Seconds after the end of an evening until its pipeline is let go; whatever still comes opens it again."""

Make = Callable[[Session], Awaitable[Pipeline]]
"""A pipeline of this session that knows its course; raises `SettingsError` where the model cannot be used."""


class Following:
    """Opens a pipeline for each session whose lease this process gets, and drops it when another one has it.

    `configured` are the sessions that the configuration names, `begun` hears of each pipeline that is opened.
    """

    def __init__(
        self,
        store: Store,
        minds: Minds,
        keeper: Keeper,
        make: Make,
        *,
        configured: Collection[str] = (),
        begun: Changed = lambda _: None,
    ) -> None:
        self._store, self._minds, self._keeper, self._make = store, minds, keeper, make
        self._configured, self._begun = configured, begun
        self.pipelines: dict[str, Pipeline] = {}
        self.taught: dict[str, tuple[object, ...]] = {}
        self.courses: dict[str, asyncio.Future[None]] = {}
        self._openings: dict[str, asyncio.Future[None]] = {}
        self._awaited: set[str] = set()
        self._turn = asyncio.Lock()  # one opens after the other: what is needed first is there first
        self._setting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks = Tasks()
        self._beginning: asyncio.Future[None] | None = None

    def begin(self) -> "asyncio.Future[None]":
        """Load the model, and from then on follow each session that the configuration names or that is not over."""
        self._beginning = self._tasks.begin(self._begin())
        return self._beginning

    async def _begin(self) -> None:
        await self._minds.load()
        names = await self._to_follow()
        self._keeper.offer(KIND, self._carry, names)
        await self._keeper.step()
        for name in names:
            await self._opened(name)

    async def _to_follow(self) -> list[str]:
        """Where something came that nobody understood yet, then what the configuration names, then what is not over,
        the newest first: each takes a moment to open, and many an evening was never ended."""
        sessions = await self._store.sessions()
        behind = {one.id for one in sessions if await self._store.pending(one.id, 1)}
        known = self._configured
        wanted = [one.id for one in reversed(sessions) if one.id in {*known, *behind} or one.ended_at is None]
        return sorted(wanted, key=lambda name: (name not in behind, name not in known))

    async def close(self) -> None:
        await self._tasks.cancel()

    async def drained(self) -> None:
        """Until all that was received in the sessions that are ours is placed."""
        await asyncio.gather(*(pipeline.drained() for pipeline in self.pipelines.values()))

    def arrived(self, session: str) -> None:
        """Something came in there."""
        if session in self.pipelines:
            self.pipelines[session].wake()
        elif session not in self._awaited and not self._keeper.wants(KIND, session):
            self._awaited.add(session)
            self.settled(session)

    def settled(self, session: str) -> None:
        """It was opened, or is set otherwise, or something came in where nobody expected it."""
        self._tasks.keep(f"session {session}", partial(self._settle, session))

    async def reopen(self, session: str) -> None:
        """Somebody needs it again; returns once its pipeline is there, where it is ours."""
        await self._settle(session)

    async def let_go(self, now: float) -> None:
        """Of evenings that are long over nothing stays in memory, but of those that the configuration names."""
        for session in await self._store.sessions():
            over = session.ended_at is not None and session.ended_at < now - OVER
            if not over or session.id in self._configured or not self._keeper.wants(KIND, session.id):
                continue
            if not await self._store.pending(session.id, 1):
                await self._keeper.leave(KIND, session.id)
                if await self._store.pending(session.id, 1):  # it came while the pipeline was on its way out
                    self.settled(session.id)

    def forget(self) -> None:
        """Somebody of the audience was forgotten."""
        for pipeline in self.pipelines.values():
            pipeline.reconsider()

    async def _settle(self, id: str) -> None:
        """Once the model is loaded; until then `begin` finds the session as it is."""
        with suppress(SettingsError):  # said where the program starts
            if self._beginning is not None:
                await asyncio.shield(self._beginning)
            self._awaited.discard(id)
            if await self._session(id) is not None:
                await self._follow(id)

    async def _session(self, id: str) -> Session | None:
        """As it is set now."""
        return next((one for one in await self._store.sessions() if one.id == id), None)

    async def _follow(self, id: str) -> None:
        """Let the session's pipeline be set as it is now; one that has none yet gets it. What it is to do counts at
        once, also while it or another one takes a course."""
        if self._keeper.want(KIND, id):
            await self._keeper.step()
        await self._opened(id)
        session, pipeline = await self._session(id), self.pipelines.get(id)
        if session is None or pipeline is None:
            return
        pipeline.follow(session)
        pipeline.wake()
        async with self._setting[id]:
            if self.pipelines.get(id) is pipeline:
                await self._teach(pipeline, session)

    def _opening(self, id: str) -> "asyncio.Future[None]":
        if id not in self._openings:
            self._openings[id] = asyncio.get_running_loop().create_future()
        return self._openings[id]

    async def _opened(self, id: str) -> None:
        """Until its pipeline is there, where it is ours. Raises why it cannot be had."""
        if self._keeper.holds(KIND, id):
            await asyncio.shield(self._opening(id))

    async def _carry(self, id: str) -> None:
        """One session, for as long as it is ours."""
        opening = self._opening(id)
        try:
            await keep_alive(f"session {id}", partial(self._run, id, opening))
        except Fenced:
            log.info("session %s: another process follows it now", id)
        finally:
            self._drop(id)
            if not opening.done():
                opening.set_result(None)

    async def _run(self, id: str, opening: "asyncio.Future[None]") -> None:
        try:
            async with self._turn:
                pipeline = await self._open(id)
        except Exception as error:
            if opening.done():
                raise
            opening.set_exception(error)
            opening.exception()  # whoever waits for it gets it; there may be nobody
            if isinstance(error, SettingsError):
                log.error("session %s cannot be followed: %s", id, error)
                return
            raise
        if pipeline is None:
            return
        if not opening.done():
            opening.set_result(None)
        await keep_alive(f"pipeline {id}", pipeline.run)

    async def _open(self, id: str) -> Pipeline | None:
        session = await self._session(id)
        if session is None:
            return None
        pipeline = await self._make(session)
        self.pipelines[id] = pipeline
        self.taught[id] = _learns_from(session)
        self._watch_course(pipeline, session)
        self._begun(id)
        return pipeline

    def _drop(self, id: str) -> None:
        self.pipelines.pop(id, None)
        self.taught.pop(id, None)
        self._openings.pop(id, None)
        self._minds.let_go(id)
        if watching := self.courses.pop(id, None):
            watching.cancel()

    async def _teach(self, pipeline: Pipeline, session: Session) -> None:
        """Where its course is another one now, or other evenings came before it, it learns anew."""
        if self.taught[session.id] == _learns_from(session):
            return
        if watching := self.courses.pop(session.id, None):
            watching.cancel()
        await self._minds.learn(pipeline, session, self._store)
        if self.pipelines.get(session.id) is pipeline:
            self.taught[session.id] = _learns_from(session)
            self._watch_course(pipeline, session)

    def _watch_course(self, pipeline: Pipeline, session: Session) -> None:
        if session.course:
            follow = partial(self._minds.follow_course, pipeline, session, self._store)
            self.courses[session.id] = self._tasks.keep(f"course {session.id}", follow)


def _learns_from(session: Session) -> tuple[object, ...]:
    """What of a session says which course it knows."""
    return session.course, session.series, session.starts_at
