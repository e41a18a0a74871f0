"""The path of a message from the inbox to the queue, one consumer for each session. Calls; what to decide is decided by
`knowledge`, `replies` and `queueing`.

A batch is understood in one worker thread (one encoder call), committed in one transaction, and only then shown. All
that is kept in memory here is a cache of the store: `restore` builds it anew, and what moderators did meanwhile is read
from the ledger before each batch, so that later messages follow their corrections.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Protocol, TypeVar

import numpy as np

from bot.apart import kept_apart
from bot.errors import Fenced, StoreError
from bot.model import (
    COURSE,
    EARLIER,
    Action,
    Answer,
    CourseMatch,
    Delivery,
    Message,
    Mode,
    Person,
    Placed,
    Placement,
    Preview,
    QuestionState,
    Remembered,
    Session,
    Status,
    Vector,
)
from bot.ports import Changed, Inbox, Now, Queue
from bot.queueing import earlier
from bot.replies import acknowledgement, course_answer, late_answer, reason, sources_of
from bot.tracing import concerning, message_id
from knowledge.answering import Answering, Match
from knowledge.asking import Asking, Detector
from knowledge.calibration import GroupingJudge
from knowledge.context import KEPT, Line, Recent
from knowledge.corrections import Place, Precedents, Wording, corrected
from knowledge.encoder import Encoder, EncoderGone
from knowledge.grouping import Anchor, Grouped, Groups
from knowledge.reasons import Reason, Reasons, because

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 256
"""Messages a transaction. The encoder is faster with more, but the first of a burst waits for the last."""

ON_PURPOSE = Asking(True, 1.0, because("on_purpose", 1.0), sure=True)
"""Of what was sent as a question."""

PlacedThem = Callable[[Sequence[Message], Sequence[Placed]], None]
"""Hears what became of these messages, in the same order."""
CROWDED_BATCH = 32
"""Messages a transaction while very much comes in: what is accepted meanwhile waits for no more than that."""

LENIENT = 1.0
"""Seconds that slow mode overlooks: the page's clock and this one read the time at two moments."""

GIVES_WAY = 3.0
"""Times as long as a batch took it waits before the next one, while very much comes in."""

LONGEST_WAY = 5.0
"""Seconds of that at most: a batch may have taken long because the disk was full, or another session's came first."""

STORE_RETRY = (0.1, 0.5, 1.0, 5.0)
"""Seconds between tries to commit: a full disk or a lock may last, and what is in the inbox is not lost meanwhile."""

ENCODER_RETRY = 5.0
"""Seconds between tries to reach an encoder that is away."""


class Store(Inbox, Queue, Protocol):
    """What the pipeline needs of the store."""


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a message is filed now, where it was placed `first`, and the question that the machine `joined` it with:
    another one where the mode of grouping did not let it."""

    question: str
    first: str
    joined: str
    person: Person


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a session can be answered from: the course by itself, and the course with what was answered on earlier
    evenings of the series (None: nothing was). So what the course says does not depend on what is remembered."""

    course: Answering | None
    series: Answering | None = None

    @property
    def anchor(self) -> Anchor | None:
        """What helps to tell questions apart; what is empty anchors nothing."""
        found = self.series or self.course
        return found if found is not None and len(found) else None

    def match(self, text: str, vector: Vector) -> "Told":
        """What the course says, and what an earlier evening says that fits better than anything in the course."""
        return self.matches([text], [vector])[0]

    def matches(self, texts: Sequence[str], vectors: Sequence[Vector]) -> list["Told"]:
        """The same of several texts, which takes less time than one after the other."""
        course, best = (
            found.matches(texts, vectors) if found is not None else [None] * len(texts)
            for found in (self.course, self.series)
        )
        return [
            Told(one, other if other is not None and other.source.startswith(EARLIER) else None)
            for one, other in zip(course, best, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Told:
    """What could be said to a message."""

    course: Match | None
    earlier: Match | None

    @property
    def offered(self) -> str | None:
        """What is sent or suggested, if anything, of which the messages of a question have the same."""
        return next(
            (match.source for match in (self.earlier, self.course) if match and match.verdict != "silent"), None
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What comes of `Told` for one message in this session, and why."""

    course: CourseMatch | None
    earlier: CourseMatch | None
    reasons: tuple[Reason, ...] = ()

    @property
    def sent(self) -> CourseMatch | None:
        """The one of both that is said without a human."""
        return next((match for match in (self.course, self.earlier) if match and match.state == "sent"), None)

    @property
    def source(self) -> str | None:
        best = self.earlier or self.course
        return best.source if best else None


@dataclass(slots=True)
class Standing:
    """What the pipeline remembers of a question: its state, and who asked it how often (without merged ones)."""

    state: QuestionState
    askers: Counter[Person] = field(default_factory=Counter)


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
        now: Now,
        executor: Executor,
        replying: frozenset[str] = frozenset(),
        changed: Changed = lambda _: None,
        sending: Callable[[], None] = lambda: None,
        placed: PlacedThem = lambda *_: None,
        crowded: Callable[[], bool] = lambda: False,
        batch: int = BATCH,
    ) -> None:
        self._session = self._newest = session
        self._store = store
        self._encoder = encoder
        self._detector = detector
        self._judge = judge
        self._now = now
        self._executor = executor
        self._replying = replying
        self._changed = changed
        self._sending = sending
        self._placed = placed
        self._crowded = crowded
        self._batch = batch
        self._lesson = Lesson(None)
        self._taught: Lesson | None = None
        self._misled = False
        self._groups = Groups(encoder.dimension, judge)
        self._recent = Recent()
        self._asked = 0  # the line that asked last, and the last of those that were placed
        self._placed_line = 0
        self._last: dict[str, float] = {}
        self._standing: dict[str, Standing] = {}
        self._filed: dict[int, Filed] = {}
        self._beside: set[int] = set()  # those that the machine joined and the mode did not
        self._apart: dict[str, frozenset[str]] = {}
        self._seen_action = 0
        self._reread = False
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    def teach(self, course: Answering | None, series: Answering | None = None) -> None:
        """Use this course from the next batch on, and `series`, the same with the earlier evenings' answers."""
        # Not at once: the worker thread may be in the middle of a batch.
        self._taught = Lesson(course, series)

    def reconsider(self) -> None:
        """People corrected something on an earlier evening: follow that from the next batch on."""
        self._misled = True

    def follow(self, session: Session) -> None:
        """The session is set so from the next batch on."""
        self._newest = session

    def forget(self) -> None:
        """Read everything anew before the next batch: somebody was forgotten."""
        self._reread = True

    def wake(self) -> None:
        """There is something in the inbox."""
        self._idle.clear()
        self._wake.set()

    async def drained(self) -> None:
        """Until everything that was received is placed."""
        await self._idle.wait()

    async def preview(self, text: str) -> Preview:
        """What would become of this text if it were asked now. Changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._preview, text)

    async def best(self, text: str) -> CourseMatch | None:
        """What of the course fits this text best, however surely; None where the course may say nothing. Changes
        nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._best, text)

    async def run(self) -> None:
        """Place what waits and what comes, until cancelled."""
        with concerning(session=self._session.id):
            await self.restore()
            self._wake.set()
            while True:
                await self._wake.wait()
                self._wake.clear()
                while batch := await self._insist(self._pending):
                    began = time.monotonic()
                    try:
                        await self.take(batch)
                    except EncoderGone as error:
                        log.warning("session %s: %s; trying again in %g s", self._session.id, error, ENCODER_RETRY)
                        await self._insist(self.restore)
                        await asyncio.sleep(ENCODER_RETRY)
                        continue  # with what waits in the inbox then: somebody may have been forgotten meanwhile
                    if self._crowded():  # accepting comes first: what is accepted can be understood later
                        await asyncio.sleep(min(LONGEST_WAY, GIVES_WAY * (time.monotonic() - began)))
                if not self._wake.is_set():
                    self._idle.set()

    async def _pending(self) -> list[Message]:
        most = min(self._batch, CROWDED_BATCH) if self._crowded() else self._batch
        return await self._store.pending(self._session.id, most)

    async def restore(self) -> None:
        """Rebuild the caches from the store: vectors are read, never encoded again."""
        corrections = await self._earlier_corrections()
        newest = await self._store.actions(self._session.id, limit=1)
        seen = newest[0].id if newest else 0  # what comes later is followed, also where it is in what is read now
        while True:
            remembered = await self._store.remembered(self._session.id)
            questions = [question.state for question in await self._store.questions(self._session.id)]
            if {one.question for one in remembered} <= {state.id for state in questions}:
                break  # or else somebody undid something between the two
        latest = await self._store.latest(self._session.id, KEPT)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._rebuild, corrections, seen, questions, remembered, latest)

    def _rebuild(
        self,
        corrections: Precedents,
        seen: int,
        questions: Sequence[QuestionState],
        remembered: Sequence[Remembered],
        latest: Sequence[tuple[Message, Placement]],
    ) -> None:
        """In the worker thread, where nobody looks at what is half rebuilt."""
        self._learn()
        self._groups = Groups(self._encoder.dimension, self._judge, self._lesson.anchor, corrections)
        self._standing = {state.id: Standing(state) for state in questions}
        self._filed, self._beside, self._seen_action = {}, set(), seen
        self._keep_apart()
        for one in remembered:
            self._file(one.message, Filed(one.question, one.first, one.joined, one.person))
            self._groups.add(
                one.message,
                self._counts(one.message),
                one.text,
                one.vector,
                one.source,
                asker=_asker(one.person),
                first=one.joined,
            )
        self._recent, self._asked, self._last = Recent(), 0, {}
        for message, placement in latest:
            self._remember(message, placement.asking, placement.probability)
        self._placed_line = self._asked

    async def take(self, batch: Sequence[Message]) -> list[Placed]:
        """Understand a batch, commit it, show it.

        A message on which a model fails must not stop those after it: it is kept as asking nothing, with that reason.
        Raises `EncoderGone`, for which no message is to blame: what is not placed yet is still in the inbox.
        """
        await self._take_over()
        if self._reread:
            self._reread = False
            await self._insist(self.restore)
        loop = asyncio.get_running_loop()
        if actions := await self._insist(self._ledger):
            await loop.run_in_executor(self._executor, self._catch_up, actions)
        try:
            placed = await loop.run_in_executor(self._executor, self._understand, batch)
        except EncoderGone:
            raise
        except Exception:
            with concerning(message_id=message_id(batch[0]) if len(batch) == 1 else ""):
                log.exception("session %s: %d messages could not be understood", self._session.id, len(batch))
            await self._insist(self.restore)
            if len(batch) > 1:
                return [placed for message in batch for placed in await self.take([message])]
            why = because("not_understood", 0.0)
            placed = [Placed(Placement(batch[0].id, False, 0.0, reasons=Reasons(why)))]
            self._remember(batch[0], False, 0.0)
        await self._insist(lambda: self._store.place(self._session.id, placed))
        self._placed(batch, placed)
        for message, one in zip(batch, placed, strict=True) if log.isEnabledFor(logging.DEBUG) else ():
            with concerning(message_id=message_id(message), source=message.source):
                log.debug("placed: %s", one.placement.question or "asks nothing")
        if any(p.placement.question for p in placed):
            self._changed(self._session.id)
        if any(p.deliveries for p in placed):
            self._sending()
        return placed

    async def _take_over(self) -> None:
        """Be set as the session is now: between batches, for the worker thread may be in the middle of one."""
        before, self._session = self._session, self._newest
        misled, self._misled = self._misled, False
        if misled or (before.series, before.starts_at) != (self._session.series, self._session.starts_at):
            await self._insist(self.restore)  # other evenings come before this one, or say something else

    async def _earlier_corrections(self) -> Precedents:
        """What people joined and kept apart in the earlier sessions of the series."""
        wordings: list[Wording] = []
        apart: dict[str, frozenset[str]] = {}
        for session in earlier(self._session, await self._store.sessions()):
            states = [question.state for question in await self._store.questions(session.id)]
            final = {state.id: state.merged_into or state.id for state in states}
            wordings += [
                Wording(Place(final.get(one.question, one.question), one.first), one.text, one.vector)
                for one in await self._store.remembered(session.id)
            ]
            apart |= kept_apart(states)
        return corrected(wordings, apart)

    # -- what moderators did -----------------------------------------------------------------------------------------

    async def _ledger(self) -> list[Action]:
        return await self._store.actions(self._session.id, limit=10_000, since=self._seen_action)

    def _catch_up(self, newest_first: Sequence[Action]) -> None:
        """In the worker thread, where nobody looks at groups that are half changed."""
        for action in reversed(newest_first):
            self._follow(action)

    def _follow(self, action: Action) -> None:
        """What `restore` has read already changes nothing any more."""
        self._seen_action = max(self._seen_action, action.id)
        for before, after in action.change.questions:
            if after is not None:
                self._standing.setdefault(after.id, Standing(after)).state = after
                if (before.merged_into if before else "") != after.merged_into:
                    self._refile(after.id)
        for move in action.change.moves:
            filed = self._filed.get(move.message)
            if filed is not None and filed.question != move.after and move.after in self._standing:
                self._standing[filed.question].askers -= Counter([filed.person])
                self._file(move.message, replace(filed, question=move.after))
                self._recount(move.message)
        if action.change.questions:
            self._keep_apart()
            for message in self._beside:
                self._recount(message)
        for before, after in action.change.questions:
            # Undo removed it. Somebody may have joined it just before; then it stands up again.
            standing = self._standing.get(before.id) if before is not None and after is None else None
            if standing is not None and not standing.askers:
                del self._standing[standing.state.id]

    def _keep_apart(self) -> None:
        self._apart = kept_apart([standing.state for standing in self._standing.values()])
        self._groups.keep_apart(self._apart)

    def _refile(self, id: str) -> None:
        """A merge, or its undoing: the wordings filed under `id` now count for another question."""
        for message, filed in self._filed.items():
            if filed.question == id:
                self._recount(message)

    def _file(self, message: int, filed: Filed) -> None:
        self._filed[message] = filed
        if filed.joined != filed.first:
            self._beside.add(message)
        self._standing[filed.question].askers[filed.person] += 1

    def _recount(self, message: int) -> None:
        self._groups.move(message, self._counts(message))

    def _counts(self, message: int) -> str:
        """The question with which a message counts when later ones are compared with it.

        That is where it is filed. What the machine joined but the mode did not counts where the machine joined it, as
        long as people say nothing else: so the machine decides the same in every mode.
        """
        filed = self._filed[message]
        here = self._final(filed.question)
        moved = filed.question != filed.first or self._standing[filed.first].state.merged_into
        if filed.joined == filed.first or moved or filed.joined not in self._standing:
            return here
        there = self._final(filed.joined)
        return here if there in self._apart.get(here, ()) else there

    def _final(self, id: str) -> str:
        return self._standing[id].state.merged_into or id

    def _people(self, id: str) -> int:
        """Distinct persons who asked a question or one that was merged into it."""
        merged = (s.askers for s in self._standing.values() if s.state.id == id or s.state.merged_into == id)
        return len({person for askers in merged for person in askers})

    # -- understanding, in the worker thread -------------------------------------------------------------------------

    def _understand(self, batch: Sequence[Message]) -> list[Placed]:
        self._take_lesson()
        decided = [self._cheap(message) for message in batch]
        rest = [m for m, asking in zip(batch, decided, strict=True) if asking is None or asking.asks]
        vectors = dict(zip((m.id for m in rest), self._encoder.encode([m.text for m in rest]), strict=True))
        heard = [self._hear(m, asking, vectors.get(m.id)) for m, asking in zip(batch, decided, strict=True)]
        asked = [message for message, one in zip(batch, heard, strict=True) if isinstance(one, Asking)]
        told = iter(self._lesson.matches([m.text for m in asked], [vectors[m.id] for m in asked]))
        return [
            self._ask(message, one, vectors[message.id], next(told)) if isinstance(one, Asking) else one
            for message, one in zip(batch, heard, strict=True)
        ]

    def _preview(self, text: str) -> Preview:
        self._take_lesson()
        if self._detector.chatter(text):
            return Preview()
        vector = np.ascontiguousarray(self._encoder.encode([text])[0])
        told = self._lesson.match(text, vector)
        grouped = self._groups.decide(text, vector, told.offered)
        question = (grouped.group or grouped.suggested) if self._newest.grouping is not Mode.OFF else None
        standing = self._standing.get(grouped.group or "") if self._newest.grouping is Mode.AUTO else None
        modes = ((told.course, self._newest.answers), (told.earlier, self._newest.memory))
        judged = ((match, self._judged(match, mode, ON_PURPOSE, standing)) for match, mode in modes)
        sends = (replace(one, where=match.where) for match, one in judged if match and one and one.state == "sent")
        return Preview(question, bool(grouped.group), next(sends, None))

    def _best(self, text: str) -> CourseMatch | None:
        self._take_lesson()
        course = self._lesson.course
        if course is None or self._newest.answers is Mode.OFF:
            return None
        match = course.match(text, np.ascontiguousarray(self._encoder.encode([text])[0]))
        return CourseMatch(match.source, match.score, "suggested", match.text) if match else None

    def _remember(self, message: Message, asks: bool, probability: float) -> None:
        """What is decided about later messages may depend on this one."""
        self._recent.add(_line(message), asks, probability)
        if asks:
            self._asked = _whole(message)
            self._last[_asker(message.person)] = message.at

    def _take_lesson(self) -> None:
        if self._learn():
            self._groups.anchor(self._lesson.anchor)

    def _learn(self) -> bool:
        """Take over what was taught; whether there was anything."""
        if self._taught is None:
            return False
        self._lesson, self._taught = self._taught, None
        return True

    def _cheap(self, message: Message) -> Asking | None:
        if message.explicit:
            nothing = self._detector.chatter(message.text)
            return Asking(False, 0.0, because("chatter", 0.0)) if nothing else ON_PURPOSE
        return self._detector.cheap(message.text)

    def _hear(self, message: Message, asking: Asking | None, vector: Vector | None) -> Asking | Placed:
        """What asks something, or what becomes of that which does not."""
        heard = self._heard(message, asking, vector)
        if isinstance(heard, Asking):
            self._remember(message, True, heard.probability)
        else:
            self._remember(message, False, heard.placement.probability)
        return heard

    def _heard(self, message: Message, asking: Asking | None, vector: Vector | None) -> Asking | Placed:
        if vector is not None and not np.isfinite(vector).all():
            raise ValueError(f"the encoder gave no numbers for message {message.id}")
        if asking is None and vector is not None:
            asking = self._detector.judge(message.text, vector, self._recent.before(_line(message)))
        if asking is None or vector is None or not asking.asks:
            probability, why = (asking.probability, asking.reasons) if asking else (0.0, ())
            return Placed(Placement(message.id, False, probability, reasons=Reasons(why)), vector)
        if self._too_soon(message):
            return Placed(
                Placement(message.id, False, asking.probability, reasons=Reasons(because("slow_mode", 0.0))), vector
            )
        return asking

    def _too_soon(self, message: Message) -> bool:
        """In slow mode, whether its author asked something else a moment ago. A chat does not let us refuse it, so it
        is kept; what comes from the page was refused there."""
        last = self._last.get(_asker(message.person))
        soon = last is not None and message.at - last < self._session.slow - LENIENT
        return soon and self._asked != _whole(message)

    def _ask(self, message: Message, asking: Asking, vector: Vector, told: "Told") -> Placed:
        grouped = self._groups.decide(message.text, vector, told.offered, _asker(message.person))
        joins = grouped.group if self._session.grouping is Mode.AUTO else None
        id = joins or f"q{message.id}"
        found = self._find(told, asking, self._standing.get(id))
        sent = found.sent
        filed = Filed(id, id, grouped.group or id, message.person)
        self._groups.add(message.id, filed.joined, message.text, vector, found.source, asker=_asker(message.person))
        founds = None if joins else self._found(message, sent)
        if founds:
            self._standing[id] = Standing(founds)
        standing = self._standing[id]
        self._file(message.id, filed)
        reopens = not sent and joins is not None and _answered_by_course(standing.state)
        if reopens:
            standing.state = replace(standing.state, status=Status.NEW, answer=None)
        reasons = Reasons(asking.reasons, grouped.reasons, found.reasons)
        placement = Placement(
            message.id,
            True,
            asking.probability,
            id,
            grouped.similarity,
            self._proposed(grouped),
            found.course,
            reasons,
            grouped.group or grouped.suggested,
            grouped.group is not None,
            self._acknowledges(message, standing, sent),
            found.earlier,
        )
        self._placed_line = _whole(message)
        return Placed(placement, vector, founds, reopens, self._say(message, standing, sent, told, placement))

    def _proposed(self, grouped: Grouped) -> str | None:
        if self._session.grouping is Mode.SUGGEST:
            return grouped.group or grouped.suggested
        return grouped.suggested if self._session.grouping is Mode.AUTO else None

    def _find(self, told: Told, asking: Asking, standing: Standing | None) -> Found:
        """What the course and earlier evenings say, as far as the session's modes and the askers of this question let
        them. Where the course is sent, the earlier answer is not."""
        course = self._judged(told.course, self._session.answers, asking, standing)
        earlier = self._judged(told.earlier, self._session.memory, asking, standing)
        if earlier and told.earlier:
            first = course is not None and course.state == "sent"
            state = "suggested" if first and earlier.state == "sent" else earlier.state
            earlier = replace(earlier, state=state, where=told.earlier.where)
        said = told.earlier if earlier and not (course and course.state == "sent") else told.course if course else None
        return Found(course, earlier, said.reasons if said else ())

    def _judged(self, match: Match | None, mode: Mode, asking: Asking, standing: Standing | None) -> CourseMatch | None:
        if match is None or match.verdict == "silent":
            return None
        if standing and match.source in standing.state.rejected:
            return None
        answered = standing is not None and standing.state.status is Status.ANSWERED
        by_person = answered and standing is not None and not _answered_by_course(standing.state)
        sure = match.verdict == "answer" and asking.sure and not by_person
        shown = "sent" if sure and mode is Mode.AUTO else "suggested"
        return CourseMatch(match.source, match.score, "withheld" if mode is Mode.OFF else shown, match.text, sure)

    def _found(self, message: Message, sent: CourseMatch | None) -> QuestionState:
        title = " ".join(message.text.split())[:500]
        state = QuestionState(f"q{message.id}", self._session.id, title, message.text)
        if sent is None:
            return state
        return replace(state, status=Status.ANSWERED, answer=Answer(sent.text, COURSE, message.at, sources_of(sent)))

    def _reached(self, message: Message) -> bool:
        """Can anything be said to it in its chat?"""
        return message.address is not None and message.address.connector in self._replying

    def _acknowledges(self, message: Message, standing: Standing, sent: CourseMatch | None) -> bool:
        """Is it told that its question was heard, where the mode lets it? Once for all that one line of a chat asks."""
        state = standing.state
        answered = sent is not None or state.status is Status.ANSWERED
        told = answered or (state.status is Status.DISMISSED and state.reason_shown)
        return self._reached(message) and not told and self._placed_line != _whole(message)

    def _say(
        self, message: Message, standing: Standing, sent: CourseMatch | None, told: Told, placement: Placement
    ) -> tuple[Delivery, ...]:
        if not self._reached(message):
            return ()
        if sent:
            where = sent.where or (told.course.where if told.course else "")
            said = course_answer(self._session, standing.state.id, message, sent, where)
        elif standing.state.status is Status.ANSWERED:
            said = late_answer(self._session, standing.state, message, message.at)
        elif standing.state.status is Status.DISMISSED and standing.state.reason_shown:
            said = reason(self._session, standing.state, message, message.at)
        elif self._session.acknowledgements is Mode.AUTO and placement.acknowledges:
            said = acknowledgement(self._session, standing.state, message, self._people(standing.state.id))
        else:
            said = None
        return (said,) if said else ()

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


def _whole(message: Message) -> int:
    """A number that the parts of one message share: their ids follow each other."""
    return message.id - message.part + 1


def _asker(person: Person) -> str:
    return f"{person.source} {person.id}"


def _line(message: Message) -> Line:
    chat = message.address.chat if message.address else ""
    return Line(f"{message.source} {chat}", message.author, message.at)


def _answered_by_course(state: QuestionState) -> bool:
    return state.status is Status.ANSWERED and state.answer is not None and state.answer.by == COURSE
