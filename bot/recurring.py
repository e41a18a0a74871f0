"""Which questions of this evening were asked on an earlier one of the series: recognised as messages are grouped, by
the same judge from the same probabilities on, and kept in the store.

All earlier evenings are one long evening here: what asked the same on several of them is one thread, named by its first
question, so that a question is compared with each need once. A question goes where at least half of its askings would
join, surely where half of them are surely the same. What people said about it goes before that.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from bot.model import QuestionState, Recurrence, Remembered, Session, Status
from bot.ports import Inbox, Queue, Recurrences
from bot.queueing import earlier
from knowledge.answering import Answering
from knowledge.calibration import GroupingJudge
from knowledge.corrections import KEPT
from knowledge.encoder import read_of
from knowledge.grouping import Groups

SURE = 0.8
"""The probability from which on it is taken for sure. Within an evening a message joins from about half of that on; but
few questions of two evenings are the same, and on the talks that the program was calibrated with only a third of what
would have joined was."""

T = TypeVar("T")

AT_ONCE = 16
"""Askings that are looked at before somebody else gets a turn."""

SHARE = 0.05
"""Of the time that may go into reading the earlier evenings anew, while one of them still goes on."""

KEPT_READ = 3
"""Sessions whose earlier evenings stay in memory: those that were followed last. Each has its series so far, and many
an evening is never ended."""


class Store(Recurrences, Inbox, Queue, Protocol):
    """What this needs of the store."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one asking was taken for: the thread that it would join (None: none)."""

    root: str | None
    score: float


def recurrence(state: QuestionState, askings: Sequence[Heard], roots: Mapping[str, str]) -> Recurrence | None:
    """What follows for a question from its askings and from what people said; `roots` names the thread of each question
    of earlier evenings."""
    told = [roots[id] for id in state.again if id in roots]
    if told:
        scores = [one.score for one in askings if one.root == told[-1]]
        return Recurrence(state.id, told[-1], max(scores, default=1.0), sure=True, told=True)
    barred = {roots[id] for id in state.apart if id in roots}
    found = [one for one in askings if one.root and one.root not in barred]
    for sure in (True, False):
        counts = Counter(one.root for one in found if one.score >= SURE or not sure)
        root, count = max(counts.items(), key=lambda pair: (pair[1], str(pair[0])), default=(None, 0))
        if root and 2 * count >= len(askings):
            return Recurrence(state.id, root, max(one.score for one in found if one.root == root), sure)
    return None


@dataclass(slots=True)
class _Series:
    """The earlier evenings of a session as they were read. `key` says what of them. `heard`: what was decided about
    each message of this session."""

    key: tuple[object, ...]
    groups: Groups
    roots: Mapping[str, str]
    course: Answering | None
    heard: dict[int, Heard] = field(default_factory=dict)


class Recurring:
    """Looks for what was asked before. One call at a time for a session. `clock` gives seconds that only grow;
    `executor` has the one thread that understands, for the course is read there."""

    def __init__(
        self, store: Store, dimension: int, judge: GroupingJudge, clock: Callable[[], float], executor: Executor
    ) -> None:
        self._store, self._dimension, self._judge, self._clock = store, dimension, judge, clock
        self._executor = executor
        self._series: OrderedDict[str, _Series] = OrderedDict()  # what was followed last comes last
        self._again: dict[str, float] = {}  # from when on those of a session may be read anew
        self.behind: set[str] = set()
        """Sessions whose earlier evenings changed, or left the memory, and were not read anew yet: to be followed
        again."""

    def keep_only(self, sessions: Container[str]) -> None:
        """Of all others nothing stays in memory."""
        for of in (self._series, self._again):
            for id in [id for id in of if id not in sessions]:
                of.pop(id)
        self.behind = {id for id in self.behind if id in sessions}

    def forget(self) -> None:
        """Somebody was forgotten: nothing that was read stays in memory."""
        self._series.clear()
        self._again.clear()

    async def follow(self, session: Session, course: Answering | None) -> bool:
        """Keep what recurs on this evening as far as it was heard; whether anything changed. `course` tells questions
        apart. Raises `StoreError`."""
        evenings = earlier(session, await self._store.sessions())
        if not evenings:
            self._series.pop(session.id, None)
            return await self._store.keep_recurrences(session.id, ())
        series = await self._known(session, evenings, course)
        if series is None:
            return False
        questions = await self._store.questions(session.id)
        asked = await self._store.remembered(session.id)
        await self._in_turn(partial(_hear, series), [one for one in asked if one.message not in series.heard])
        final = {one.id: one.state.merged_into or one.id for one in questions}
        askings: dict[str, list[Heard]] = {}
        for one in asked:
            askings.setdefault(final.get(one.question, one.question), []).append(series.heard[one.message])
        standing = [one.state for one in questions if one.status is not Status.MERGED and one.id in askings]
        found = [recurrence(state, askings[state.id], series.roots) for state in standing]
        return await self._store.keep_recurrences(session.id, [one for one in found if one])

    async def _known(self, session: Session, evenings: Sequence[Session], course: Answering | None) -> _Series | None:
        """As they are now, or as they were while it is too early to read them anew. None where they left the memory
        since."""
        revisions = await self._store.revisions()
        key = (*((one.id, revisions.get(one.id, 0)) for one in evenings), course)
        known = self._series.get(session.id)
        if (known is None or known.key != key) and self._clock() < self._again.get(session.id, 0.0):
            self.behind.add(session.id)
        else:
            self.behind.discard(session.id)
            if known is None or known.key != key:
                began = self._clock()
                known = self._series[session.id] = await self._read(evenings, course, key)
                self._again[session.id] = self._clock() + (self._clock() - began) / SHARE
        if known is not None:
            self._series.move_to_end(session.id)
        while len(self._series) > KEPT_READ:
            self._series.popitem(last=False)
        return known

    async def _read(self, evenings: Sequence[Session], course: Answering | None, key: tuple[object, ...]) -> _Series:
        sure = [one for one in await self._store.recurrences([one.id for one in evenings]) if one.sure]
        above = {one.question: one.root for one in sure}
        roots: dict[str, str] = {}
        wordings: list[tuple[str, Remembered]] = []
        for evening in evenings:
            questions = await self._store.questions(evening.id)
            final = {one.id: one.state.merged_into or one.id for one in questions}
            roots |= {id: above.get(into, into) for id, into in final.items()}
            wordings += _wordings(await self._store.remembered(evening.id), roots)
        anchor = course if course is not None and len(course) else None
        series = _Series(key, Groups(self._dimension, self._judge, anchor), roots, anchor)
        await self._in_turn(partial(_learn, series), wordings)
        return series

    async def _in_turn(self, work: Callable[[Sequence[T]], None], rows: Sequence[T]) -> None:
        """In the thread that understands, a few at a time: what is asked meanwhile comes in between."""
        for at in range(0, len(rows), AT_ONCE):
            part = rows[at : at + AT_ONCE]
            await asyncio.get_running_loop().run_in_executor(self._executor, work, part)


def _wordings(asked: Iterable[Remembered], roots: Mapping[str, str]) -> list[tuple[str, Remembered]]:
    """The first different ones of each question of an evening, with the thread it belongs to."""
    kept: dict[str, dict[str, Remembered]] = {}
    for one in asked:
        texts = kept.setdefault(one.question, {})
        if len(texts) < KEPT:
            texts.setdefault(one.text, one)
    return [(roots.get(id, id), one) for id, texts in kept.items() for one in texts.values()]


def _learn(series: _Series, wordings: Collection[tuple[str, Remembered]]) -> None:
    for root, one in wordings:
        series.groups.add(one.message, root, one.text, one.vector, _source(series.course, one))


def _hear(series: _Series, asked: Iterable[Remembered]) -> None:
    for one in asked:
        grouped = series.groups.decide(one.text, np.ascontiguousarray(one.vector), _source(series.course, one))
        series.heard[one.message] = Heard(grouped.group, grouped.similarity or 0.0)


def _source(course: Answering | None, one: Remembered) -> str | None:
    """What of the course this asking is about. What it was sent on its own evening may be of another course."""
    match = course.match(read_of(one.text), one.vector) if course is not None else None
    return match.offered if match else None
