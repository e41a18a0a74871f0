"""The path of a message from the inbox to the queue, one consumer for each session. Calls; what to decide is decided by
`knowledge`, `replies` and `queueing`.

A batch is understood in one worker thread (`understanding`), committed in one transaction, and only then shown. All
that is kept in memory is a cache of the store: `restore` builds it anew, and what moderators did meanwhile is read from
the ledger before each batch, so that later messages follow their corrections.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import chain, repeat
from typing import Protocol, TypeVar

from bot.apart import kept_apart
from bot.errors import Fenced, ForgottenMeanwhile, StoreError
from bot.lesson import Lesson
from bot.model import Action, CourseMatch, Cursor, Likely, LookedUp, Message, Placed, Preview, Remembered, Session
from bot.ports import Changed, Inbox, Queue
from bot.queueing import OPEN, earlier
from bot.tracing import concerning, message_id
from bot.understanding import Understanding
from knowledge.answering import Answering
from knowledge.asking import Detector
from knowledge.calibration import GroupingJudge
from knowledge.context import KEPT
from knowledge.corrections import Place, Precedents, Wording, corrected
from knowledge.encoder import Encoder, EncoderGone

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 256
"""Messages a transaction. The encoder is faster with more, but the first of a burst waits for the last."""

PlacedThem = Callable[[Sequence[Message], Sequence[Placed]], None]
"""Hears what became of these messages, in the same order."""
CROWDED_BATCH = 32
"""Messages a transaction while very much comes in: what is accepted meanwhile waits for no more than that."""

GIVES_WAY = 3.0
"""Times as long as a batch took it waits before the next one, while very much comes in."""

LOOKED_UP = 32
"""Messages of open questions that are looked up in a course at a time: what comes in meanwhile waits for no more."""

HALF_WAY = "half way"
"""Stands for what open questions were looked up in, while some of them are looked up anew."""

LONGEST_WAY = 5.0
"""Seconds of that at most: a batch may have taken long because the disk was full, or another session's came first."""

STORE_RETRY = (0.1, 0.5, 1.0, 5.0)
"""Seconds between tries to commit: a full disk or a lock may last, and what is in the inbox is not lost meanwhile."""

ENCODER_RETRY = 5.0
"""Seconds between tries to reach an encoder that is away."""


class Store(Inbox, Queue, Protocol):
    """What the pipeline needs of the store."""


class Pipeline:
    """Places the messages of one session in order of arrival.

    `replying` names the connectors that can answer in their chat; `placed` hears of each batch after its commit.
    `executor` runs the understanding; one thread shared by all pipelines keeps the encoder's calls in a row.
    While `crowded` says that very much comes in, it gives way.
    """

    def __init__(
        self,
        session: Session,
        store: Store,
        encoder: Encoder,
        detector: Detector,
        judge: GroupingJudge,
        *,
        executor: Executor,
        replying: frozenset[str] = frozenset(),
        changed: Changed = lambda _: None,
        sending: Callable[[], None] = lambda: None,
        placed: PlacedThem = lambda *_: None,
        crowded: Callable[[], bool] = lambda: False,
        batch: int = BATCH,
    ) -> None:
        self._session = self._newest = session
        self._understanding = Understanding(session, encoder, detector, judge, replying)
        self._store = store
        self._executor = executor
        self._changed = changed
        self._sending = sending
        self._placed = placed
        self._crowded = crowded
        self._batch = batch
        self._stale = False
        self._earlier: tuple[Precedents, list[tuple[str, bool]]] | None = None
        self._says: str | None = ""
        self._looked_up_in = ""
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    def teach(self, course: Answering | None, series: Answering | None = None, says: str | None = "") -> None:
        """Use this course from the next batch on, and `series`, the same with the earlier evenings' answers. `says`
        stands for what is in it: where what waits for an answer was looked up in something else, be it before a
        restart, it is looked up in this one too. None where it could not be read: what was found stays."""
        self._understanding.teach(Lesson(course, series))
        if says != self._says:
            self._says = says
            self.wake()

    def reconsider(self) -> None:
        """Read everything anew before the next batch: people corrected something on an earlier evening, or somebody was
        forgotten."""
        self._stale = True
        self.wake()

    def follow(self, session: Session) -> None:
        """The session is set so from the next batch on."""
        self._newest = session
        self._understanding.follow(session)

    def wake(self) -> None:
        """There is something in the inbox, or people did something."""
        self._idle.clear()
        self._wake.set()

    async def drained(self) -> None:
        """Until everything that was received is placed."""
        await self._idle.wait()

    async def preview(self, text: str) -> Preview:
        """What would become of this text if it were asked now, after all that people did so far. Changes nothing.
        Raises `StoreError`."""
        return await self._caught_up(lambda: self._understanding.preview(text))

    async def likely(self, question: str, messages: Collection[int]) -> list[Likely]:
        """The questions that these wordings of one (none: that question as a whole) may ask instead, the likeliest
        first, after all that people did so far. Changes nothing. Raises `StoreError`."""
        return await self._caught_up(lambda: self._understanding.likely(question, messages))

    async def _caught_up(self, look: Callable[[], T]) -> T:
        seen = self._understanding.seen_action
        actions = await self._ledger()

        def caught_up() -> T:
            if self._understanding.seen_action >= seen:  # else all was read anew meanwhile, as it stood before these
                self._understanding.catch_up(actions)
            return look()

        return await self._work(caught_up)

    async def best(self, text: str) -> CourseMatch | None:
        """What of the course fits this text best, however surely; None where the course may say nothing. Changes
        nothing."""
        return await self._work(lambda: self._understanding.best(text))

    async def run(self) -> None:
        """Place what waits and what comes, until cancelled."""
        with concerning(session=self._session.id):
            await self.restore()
            self._looked_up_in = await self._store.cursor(self._read_in("").source) or ""
            self._wake.set()
            while True:
                await self._wake.wait()
                self._wake.clear()
                while (says := self._says) is not None and says != self._looked_up_in:
                    await self._look_up(says)
                await self._refresh()
                await self._place_all()
                if not self._wake.is_set():
                    self._idle.set()

    async def _place_all(self) -> None:
        """What waits in the inbox."""
        while batch := await self._insist(self._pending):
            began = time.monotonic()
            try:
                await self.take(batch)
            except EncoderGone as error:
                await self._insist(self.restore)
                await self._wait_for_encoder(error)
                continue  # with what waits in the inbox then: somebody may have been forgotten meanwhile
            except ForgottenMeanwhile:
                self._stale = True
                continue
            if self._crowded():  # accepting comes first: what is accepted can be understood later
                await asyncio.sleep(min(LONGEST_WAY, GIVES_WAY * (time.monotonic() - began)))

    async def _look_up(self, says: str) -> None:
        """The course is another one now: what it says to each open question takes the place of what it said. It stands
        with the session how far that came, so that whoever goes on after a restart knows, and tries again what a model
        failed on."""
        questions = await self._insist(lambda: self._store.questions(self._session.id))
        final = {one.id: one.state.merged_into or one.id for one in questions}
        open_ = {one.id for one in questions if one.status in OPEN}
        asked = await self._insist(lambda: self._store.remembered(self._session.id))
        waiting = [one for one in asked if final.get(one.question) in open_]
        whole = True
        for at in range(0, len(waiting), LOOKED_UP):
            some = waiting[at : at + LOOKED_UP]
            found = await self._looked_up(some)
            whole = whole and len(found) == len(some)
            if await self._insist(partial(self._store.look_up, self._session.id, found, self._read_in(HALF_WAY))):
                self._changed(self._session.id)
            await self._place_all()
        if whole:
            await self._insist(partial(self._store.look_up, self._session.id, (), self._read_in(says)))
        self._looked_up_in = says

    def _read_in(self, says: str) -> Cursor:
        """What waits was looked up in a course that says this."""
        return Cursor(f"course of {self._session.id}", says)

    async def _looked_up(self, some: Sequence[Remembered]) -> list[LookedUp]:
        """After all that was set and done so far. Without the messages on which a model fails: of these stays what was
        found."""
        await self._refresh()
        while True:
            try:
                return await self._work(lambda: self._understanding.look_up(some))
            except EncoderGone as error:
                await self._wait_for_encoder(error)
            except Exception:
                log.exception("session %s: %d messages could not be looked up", self._session.id, len(some))
                if len(some) == 1:
                    return []
                return [found for one in some for found in await self._looked_up([one])]

    async def _wait_for_encoder(self, error: EncoderGone) -> None:
        log.warning("session %s: %s; trying again in %g s", self._session.id, error, ENCODER_RETRY)
        await asyncio.sleep(ENCODER_RETRY)

    async def _pending(self) -> list[Message]:
        most = min(self._batch, CROWDED_BATCH) if self._crowded() else self._batch
        return await self._store.pending(self._session.id, most)

    async def restore(self) -> None:
        """Rebuild the caches from the store: vectors are read, never encoded again. Of earlier evenings what was read
        stays, for a series is long."""
        if self._earlier is None:
            self._earlier = await self._earlier_corrections()
        corrections, told_before = self._earlier
        newest = await self._store.actions(self._session.id, limit=1)
        seen = newest[0].id if newest else 0  # what comes later is followed, also where it is in what is read now
        while True:
            remembered = await self._store.remembered(self._session.id)
            questions = [question.state for question in await self._store.questions(self._session.id)]
            if {one.question for one in remembered} <= {state.id for state in questions}:
                break  # or else somebody undid something between the two
        latest = await self._store.latest(self._session.id, KEPT)
        told = [*told_before, *await self._store.told(self._session.id)]
        await self._work(lambda: self._understanding.rebuild(corrections, seen, questions, remembered, latest, told))

    async def take(self, batch: Sequence[Message]) -> list[Placed]:
        """Understand a batch, commit it, show it.

        A message on which a model fails must not stop those after it: it is kept as asking nothing, with that reason.
        Raises `EncoderGone`, for which no message is to blame, and `ForgottenMeanwhile`: what is not placed yet is
        still in the inbox.
        """
        await self._refresh()
        try:
            placed = await self._work(lambda: self._understanding.understand(batch))
        except EncoderGone:
            raise
        except Exception:
            with concerning(message_id=message_id(batch[0]) if len(batch) == 1 else ""):
                log.exception("session %s: %d messages could not be understood", self._session.id, len(batch))
            await self._insist(self.restore)
            if len(batch) > 1:
                return [placed for message in batch for placed in await self.take([message])]
            placed = [await self._work(lambda: self._understanding.fail(batch[0]))]
        await self._insist(lambda: self._store.place(self._session.id, placed))
        self._placed(batch, placed)
        for message, one in zip(batch, placed, strict=True) if log.isEnabledFor(logging.DEBUG) else ():
            with concerning(message_id=message_id(message), source=message.source):
                log.debug("placed: %s", one.placement.question or "asks nothing")
        if any(p.placement.question for p in placed):
            self._changed(self._session.id)
        if any(p.replies or p.deliveries for p in placed):
            self._sending()
        return placed

    async def _refresh(self) -> None:
        """Be set as the session is now, and follow what people did: between batches, for the worker thread may be in
        the middle of one."""
        before, self._session = self._session, self._newest
        self._understanding.take_over()
        stale, self._stale = self._stale, False
        if stale or (before.series, before.starts_at) != (self._session.series, self._session.starts_at):
            self._earlier = None  # other evenings come before this one, or say something else
            await self._insist(self.restore)
        if actions := await self._insist(self._ledger):
            await self._work(lambda: self._understanding.catch_up(actions))
        if self._understanding.outdated:
            await self._insist(self.restore)

    async def _earlier_corrections(self) -> tuple[Precedents, list[tuple[str, bool]]]:
        """What people joined and kept apart in the earlier sessions of the series, and which lines they said ask
        something or nothing."""
        wordings: list[Wording] = []
        told: list[tuple[str, bool]] = []
        apart: dict[str, frozenset[str]] = {}
        for session in earlier(self._session, await self._store.sessions()):
            states = [question.state for question in await self._store.questions(session.id)]
            final = {state.id: state.merged_into or state.id for state in states}
            wordings += [
                Wording(Place(final.get(one.question, one.question), one.first), one.text, one.vector)
                for one in await self._store.remembered(session.id)
            ]
            apart |= kept_apart(states)
            told += await self._store.told(session.id)
        return corrected(wordings, apart), told

    async def _ledger(self) -> list[Action]:
        return await self._store.actions(self._session.id, limit=10_000, since=self._understanding.seen_action)

    async def _work(self, work: Callable[[], T]) -> T:
        """In the thread that understands."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Until the store does it: what was accepted into the inbox waits there, and the order must hold."""
        for wait in chain(STORE_RETRY, repeat(STORE_RETRY[-1])):
            try:
                return await call()
            except Fenced:  # another process does it now
                raise
            except StoreError as error:
                log.warning("session %s: the store failed, trying again in %g s: %s", self._session.id, wait, error)
                await asyncio.sleep(wait)
        raise AssertionError("repeat never ends")
