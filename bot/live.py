"""The newest view of a session for whoever watches it.

Keeps no queue for anybody: a watcher says up to which revision it knows the session and gets what is newer, so a slow
one skips to the newest. One read of the store serves all watchers, at most one every `pause` seconds a session.

Beside its questions a session has topics (its polls, say): small things that are told whole whenever they changed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from bot.errors import StoreError
from bot.model import Question

log = logging.getLogger(__name__)

PAUSE = 0.03  # seconds at least between two reads of one session
SHARE = 0.2  # of the time that may go into reading one session, where a read is slow
LONGEST_PAUSE = 1.0  # seconds after a read; one that waited for a database that was away says nothing of the next one
AFTER_FAILURE = 1.0  # seconds before the store is asked again when it could not answer
QUESTIONS = ""  # stands for them where the names of topics stand


@dataclass(frozen=True, slots=True)
class Told:
    """What a topic says now, to everybody and to staff: one line of JSON each, or None for nothing."""

    everybody: bytes | None
    staff: bytes | None


Topic = Callable[[str], Awaitable[Told]]
"""Reads what a topic says of a session, by its id. Raises `StoreError`."""


class Reads(Protocol):
    """What `Live` asks of the store."""

    async def questions(self, session: str, since: int = 0) -> list[Question]: ...


@dataclass(frozen=True, slots=True)
class View:
    """A session's questions by id, in order of revision: merged and dismissed ones too. Never changes."""

    questions: MappingProxyType[str, Question] = field(default_factory=lambda: MappingProxyType({}))
    revision: int = 0

    def since(self, revision: int) -> list[Question]:
        """The questions whose revision is greater, in order of revision."""
        news = []
        for id in reversed(self.questions):
            if (question := self.questions[id]).revision <= revision:
                break
            news.append(question)
        return news[::-1]

    def and_then(self, changed: list[Question]) -> "View":
        """The view after these (in order of revision) changed."""
        questions = dict(self.questions)
        for question in changed:
            questions.pop(question.id, None)
            questions[question.id] = question
        return View(MappingProxyType(questions), changed[-1].revision)


class _Room:
    """One session in memory. `stale` names what changed since the last read began; `told` holds the newest of each
    topic with the `number` of its change for everybody and for staff."""

    def __init__(self, topics: set[str], number: int = 0) -> None:
        self.view = View()
        self.told: dict[str, tuple[int, int, Told]] = {}
        self.number = number
        self.stale = {QUESTIONS, *topics}
        self.watchers = 0
        self.turned = asyncio.Event()
        self.reading: asyncio.Task[None] | None = None
        self.read_from = 0.0  # loop time before which no read begins
        self.failure: StoreError | None = None

    def turn(self, changed: list[Question], told: dict[str, Told]) -> None:
        news = {name: new for name, new in told.items() if name not in self.told or self.told[name][2] != new}
        if not changed and not news:
            return
        if changed:
            self.view = self.view.and_then(changed)
        for name, new in news.items():
            self.number += 1
            everybodys, staffs, old = self.told.get(name, (0, 0, None))
            self.told[name] = (
                self.number if old is None or old.everybody != new.everybody else everybodys,
                self.number if old is None or old.staff != new.staff else staffs,
                new,
            )
        self.turned.set()
        self.turned = asyncio.Event()


class Feed:
    """What one watcher holds."""

    def __init__(self, room: _Room) -> None:
        self._room = room

    @property
    def view(self) -> View:
        """The newest view there is, without waiting."""
        return self._room.view

    async def next(self, since: int) -> list[Question]:
        """The questions whose revision is greater than `since`, in order of revision; waits until there is one.

        May be cancelled and called again: nothing is lost, since nothing is kept here.
        """
        while not (news := self._room.view.since(since)):
            await self._room.turned.wait()
        return news

    @property
    def number(self) -> int:
        """That of the newest change of a topic."""
        return self._room.number

    def told(self, since: int, staff: bool) -> list[tuple[str, bytes]]:
        """The topics that changed after the change of that number, with what they say now."""
        news = [
            (name, new.staff if staff else new.everybody)
            for name, (everybodys, staffs, new) in self._room.told.items()
            if (staffs if staff else everybodys) > since
        ]
        return [(name, data) for name, data in news if data is not None]

    async def turned(self, revision: int, number: int) -> None:
        """Until something is newer than these. May be cancelled, as `next`."""
        while self._room.view.revision <= revision and self._room.number <= number:
            await self._room.turned.wait()


class Live:
    """Views of the sessions that somebody looks at. Belongs to one event loop."""

    def __init__(self, store: Reads, pause: float = PAUSE) -> None:
        self._store = store
        self._pause = pause
        self._topics: dict[str, Topic] = {}
        self._rooms: dict[str, _Room] = {}
        self._number = 0  # the highest of any room that is gone: what is kept by a number must not be found again

    def add_topic(self, name: str, read: Topic) -> None:
        """From now on watchers are told this topic too. Before anybody watches."""
        self._topics[name] = read

    def changed(self, session: str, topic: str = QUESTIONS) -> None:
        """Tells that a session's questions or one of its topics changed, after the commit. Cheap; unwatched sessions
        are not read."""
        room = self._rooms.get(session)
        if room is not None:
            room.stale.add(topic)
            if room.watchers:
                self._read(session, room)

    def changed_wholly(self, session: str) -> None:
        """The same of all that is told of a session."""
        for topic in (QUESTIONS, *self._topics):
            self.changed(session, topic)

    def rest(self) -> None:
        """Of sessions that nobody looks at now nothing stays in memory."""
        self._number = max([self._number, *(room.number for room in self._rooms.values())])
        self._rooms = {id: room for id, room in self._rooms.items() if room.watchers or room.reading}

    async def view(self, session: str) -> View:
        """The session as it stood when this was called, or later. Raises `StoreError`."""
        return (await self._fresh(session)).view

    @asynccontextmanager
    async def watch(self, session: str) -> AsyncGenerator[Feed, None]:
        """A feed for as long as the block lasts, however it ends. Raises `StoreError`."""
        room = self._room(session)
        room.watchers += 1
        try:
            await self._fresh(session)
            yield Feed(room)
        finally:
            room.watchers -= 1

    def watchers(self, session: str) -> int:
        """How many watch this session now."""
        room = self._rooms.get(session)
        return room.watchers if room else 0

    async def _fresh(self, session: str) -> _Room:
        room = self._room(session)
        if room.reading:  # may have begun before the newest change, so `stale` is looked at afterwards
            await asyncio.shield(room.reading)
        if room.stale:
            await asyncio.shield(self._read(session, room))
        if room.failure:
            raise room.failure
        return room

    def _room(self, session: str) -> _Room:
        if session not in self._rooms:
            self._rooms[session] = _Room(set(self._topics), self._number)
        return self._rooms[session]

    def _read(self, session: str, room: _Room) -> asyncio.Task[None]:
        if room.reading is None:
            room.reading = asyncio.create_task(self._read_once(session, room), name=f"live {session}")
        return room.reading

    async def _read_once(self, session: str, room: _Room) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, room.read_from - loop.time()))
        began = loop.time()
        room.read_from = began + self._pause
        stale, room.stale, room.failure = room.stale, set(), None
        try:
            changed = await self._store.questions(session, since=room.view.revision) if QUESTIONS in stale else []
            told = {name: await self._topics[name](session) for name in stale & self._topics.keys()}
        except StoreError as error:
            log.warning("session %s cannot be read now: %s", session, error)
            room.stale |= stale
            room.failure = error
            room.read_from = loop.time() + AFTER_FAILURE
        except BaseException:  # whoever asks next reads it
            room.stale |= stale
            raise
        else:
            spared = min(began + (loop.time() - began) / SHARE, loop.time() + LONGEST_PAUSE)
            room.read_from = max(room.read_from, spared)
            room.turn(changed, told)
        finally:
            room.reading = None
        if room.stale and room.watchers:
            self._read(session, room)
