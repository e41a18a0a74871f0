"""Gathers from the store what the trends of a series are found in."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.app.stores import open_configured
from bot.courses import course_at
from bot.errors import NotFound
from bot.model import Session
from bot.ports import Store
from bot.settings import Settings
from bot.trends import Evening, Trends, find_trends, in_order
from knowledge.material import Course

SERIES = 16
"""Series whose trends are remembered."""


class SeriesTrends:
    """The trends of each series of a store, found once for each state of its evenings, however many look."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[object, asyncio.Task[Trends]]] = {}

    async def of(self, series: str) -> Trends:
        """Raises `NotFound` where no session is of this series."""
        sessions = await self._store.sessions()
        evenings = in_order(series, sessions)
        if not evenings:
            raise NotFound(_unknown(series, sessions))
        revisions = await self._store.revisions()
        state = tuple((evening, revisions.get(evening.id, 0)) for evening in evenings)
        known, task = self._known.get(series, (None, None))
        if task is None or known != state or (task.done() and task.exception()):
            if len(self._known) >= SERIES:
                self._known.clear()
            task = asyncio.create_task(self._find(series, evenings), name=f"trends of {series}")
            self._known[series] = (state, task)
        return await asyncio.shield(task)

    async def _find(self, series: str, evenings: Sequence[Session]) -> Trends:
        gathered, terms = await gather(self._store, evenings)
        # Beside the loop: thousands of questions take seconds.
        return await asyncio.to_thread(find_trends, series, gathered, terms)


async def gather(store: Store, evenings: Sequence[Session]) -> tuple[list[Evening], list[str]]:
    """What the store and the courses know of these evenings, and the terms of the courses' glossaries."""
    folders = dict.fromkeys(evening.course for evening in evenings if evening.course)
    courses = {folder: await asyncio.to_thread(course_at, Path(folder)) for folder in folders}
    gathered = [
        Evening(
            session=evening,
            questions=await store.questions(evening.id),
            remembered=await store.remembered(evening.id),
            headings=headings(courses[evening.course]) if evening.course else {},
            recurrences=await store.recurrences([evening.id]),
        )
        for evening in evenings
    ]
    return gathered, sorted({term for course in courses.values() for term in glossary(course)})


def headings(course: Course) -> dict[str, str]:
    """What a topic may be called by: the questions and headings of a course, by their ids; terms are no sections."""
    named = {entry.id: entry.question for entry in course.entries}
    return named | {one.id: one.heading for one in course.passages if not one.is_term}


def glossary(course: Course) -> list[str]:
    return [passage.heading for passage in course.passages if passage.is_term]


def _unknown(series: str, sessions: Sequence[Session]) -> str:
    if not series:
        return "sessions without a series have no trends: give them the same series in their settings"
    names = sorted({session.series for session in sessions if session.series})
    return f"no session is of the series {series!r}; there are: {', '.join(names) or 'none'}"


async def trends(settings: Settings, series: str) -> Trends:
    """The trends of a series of this installation. Raises `NotFound`, and `StoreBusy` while the program runs."""
    store = await open_configured(settings)
    try:
        return await SeriesTrends(store).of(series)
    finally:
        await store.close()
