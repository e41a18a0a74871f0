"""How the messages of one session are understood: what each asks, which question that is, what can be said to it.
Calls; what to decide is decided by `knowledge` and `replies`.

All that is kept here is a cache of the store, which `rebuild` fills. It belongs to the worker thread that understands:
nobody else looks at groups that are half changed.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bot.apart import kept_apart
from bot.lesson import Found, Lesson, Told
from bot.model import (
    Action,
    CourseMatch,
    Delivery,
    Likely,
    LookedUp,
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
    founded_by,
    founded_ids,
    title_of,
)
from bot.queueing import misses
from bot.replies import acknowledgement, by_course, course_answer
from knowledge.answering import Evidence, Match
from knowledge.asking import ON_PURPOSE, Asking, Detector
from knowledge.calibration import GroupingJudge
from knowledge.context import Line, Recent
from knowledge.corrections import Precedents
from knowledge.encoder import Encoder, read_of
from knowledge.grouping import Grouped, Groups
from knowledge.reasons import SHOWN, Reason, Reasons, because
from knowledge.replying import LIKELY, Overheard, replies
from knowledge.splitting import split
from knowledge.text import normalise

TAKEN = Asking(True, 1.0, because("taken", 1.0))
"""Of what a moderator takes for one. Nothing is sent to it by itself: it may be late in the night, or days later."""

TOLD = {
    True: Asking(True, 1.0, because("told_asking", 1.0), sure=True),
    False: Asking(False, 0.0, because("told_nothing", 0.0)),
}
"""Of what is written as something was of which people said whether it asks."""

LENIENT = 1.0
"""Seconds that slow mode overlooks: the page's clock and this one read the time at two moments."""


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a message is filed now, where it was placed `first`, and the question that the machine `joined` it with:
    another one where the mode of grouping did not let it."""

    question: str
    first: str
    joined: str
    person: Person


@dataclass(slots=True)
class Standing:
    """What the pipeline remembers of a question: its state, and who asked it how often (without merged ones)."""

    state: QuestionState
    askers: Counter[Person] = field(default_factory=Counter)


class Understanding:
    """Of one session. `teach` and `follow` may be called from any thread, `take_over` between batches, all else from
    the one that understands.

    `replying` names the connectors that can answer in their chat.
    """

    def __init__(
        self, session: Session, encoder: Encoder, detector: Detector, judge: GroupingJudge, replying: frozenset[str]
    ) -> None:
        self._session = self._newest = session
        self._encoder = encoder
        self._detector = detector
        self._judge = judge
        self._replying = replying
        self._lesson = Lesson(None)
        self._taught = self._lesson
        self._groups = Groups(encoder.dimension, judge)
        self._recent, self._overheard = Recent(), Overheard()
        self._last: dict[str, tuple[float, int]] = {}  # of each asker: when the newest line that asked was said, and it
        self._told: dict[str, bool] = {}  # what people said of such words: whether they ask
        self._placed_line: dict[str, int] = {}  # of each asker: the line that was placed last
        self._standing: dict[str, Standing] = {}
        self._filed: dict[int, Filed] = {}
        self._beside: set[int] = set()  # those that the machine joined and the mode did not
        self._apart: dict[str, frozenset[str]] = {}
        self.seen_action = 0
        """The last of the moderators' actions that is followed."""
        self.outdated = False
        """People said of a message that it asks nothing, or took that back: `rebuild` knows it, `catch_up` does not."""

    def teach(self, lesson: Lesson) -> None:
        """Use it from the next batch on: not at once, for the worker thread may be in the midst of one."""
        self._taught = lesson

    def follow(self, session: Session) -> None:
        """The session is set so: for previews at once, for messages from `take_over` on."""
        self._newest = session

    def take_over(self) -> None:
        """Between batches."""
        self._session = self._newest

    def rebuild(
        self,
        corrections: Precedents,
        seen: int,
        questions: Sequence[QuestionState],
        remembered: Sequence[Remembered],
        latest: Sequence[tuple[Message, Placement]],
        told: Iterable[tuple[str, bool]],
    ) -> None:
        """From what the store has: vectors are read, never encoded again. `seen`: the last action that this follows."""
        self._learn()
        self._groups = Groups(self._encoder.dimension, self._judge, self._lesson.anchor, corrections)
        self._standing = {state.id: Standing(state) for state in questions}
        self._filed, self._beside, self.seen_action, self.outdated = {}, set(), seen, False
        self._keep_apart()
        self._told = {normal: asks for text, asks in told if (normal := normalise(text))}
        # Whoever founded a question comes first: what is usual follows from them, and where sources took turns a lower
        # id may have joined later.
        for one in sorted(remembered, key=lambda one: not founded_by(one.joined, one.message)):
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
        self._recent, self._overheard, self._last = Recent(), Overheard(), {}
        for message, placement in latest:
            self._remember(message, placement.asking, placement.probability)
            self._overhear(message, placement)
        self._placed_line = {asker: line for asker, (_, line) in self._last.items()}

    def understand(self, batch: Sequence[Message]) -> list[Placed]:
        """What becomes of each, in their order. The encoder is called once, and once for what is read of the course,
        which also helps to decide what asks."""
        self._take_lesson()
        decided = [self._cheap(message) for message in batch]
        rest = [m for m, asking in zip(batch, decided, strict=True) if asking is None or asking.asks]
        vectors = dict(zip((m.id for m in rest), self._encoder.encode([read_of(m.text) for m in rest]), strict=True))
        doubtful = [m for m, asking in zip(batch, decided, strict=True) if asking is None]
        found = self._lesson.fits([read_of(m.text) for m in doubtful], [vectors[m.id] for m in doubtful])
        fits = dict(zip((m.id for m in doubtful), found, strict=True))
        heard = [
            self._hear(m, asking, vectors.get(m.id), fits.get(m.id)) for m, asking in zip(batch, decided, strict=True)
        ]
        asked = [message for message, one in zip(batch, heard, strict=True) if isinstance(one, Asking)]
        told = iter(self._lesson.matches([read_of(m.text) for m in asked], [vectors[m.id] for m in asked]))
        placed: list[Placed] = []
        for message, one in zip(batch, heard, strict=True):
            placed.append(self._ask(message, one, vectors[message.id], next(told)) if isinstance(one, Asking) else one)
            self._overhear(message, placed[-1].placement)
        return placed

    def look_up(self, waiting: Sequence[Remembered]) -> list[LookedUp]:
        """What the course, as it is taught now, says to each of these. For people to decide: who asked before is sent
        nothing by itself."""
        self._take_lesson()
        told = self._lesson.matches([read_of(one.text) for one in waiting], [one.vector for one in waiting])
        found = []
        for one, each in zip(waiting, told, strict=True):
            match = self._judged(each.course, self._session.answers, TAKEN, self._standing.get(one.question))
            found.append(LookedUp(one.message, match, each.course.reasons if match and each.course else ()))
        return found

    def fail(self, message: Message) -> Placed:
        """What becomes of a message on which a model fails: it is kept as asking nothing, with that reason."""
        self._remember(message, False, 0.0)
        placement = Placement(message.id, False, 0.0, reasons=Reasons(because("not_understood", 0.0)))
        self._overhear(message, placement)
        return Placed(placement)

    def preview(self, text: str) -> Preview:
        """What would become of this text if it were asked now."""
        self._take_lesson()
        if self._detector.chatter(text) or len(split(text)) > 1:  # of several questions none may hide the others
            return Preview()
        vector = np.ascontiguousarray(self._encoder.encode([read_of(text)])[0])
        if not np.isfinite(vector).all():
            return Preview()
        told = self._lesson.match(read_of(text), vector)
        grouped = self._groups.decide(text, vector, told.offered)
        question = (grouped.group or grouped.suggested) if self._newest.grouping is not Mode.OFF else None
        standing = self._standing.get(grouped.group or "") if self._newest.grouping is Mode.AUTO else None
        modes = ((told.course, self._newest.answers), (told.earlier, self._newest.memory))
        judged = ((match, self._judged(match, mode, ON_PURPOSE, standing)) for match, mode in modes)
        sends = (replace(one, where=match.where) for match, one in judged if match and one and one.state == "sent")
        return Preview(question, bool(grouped.group), next(sends, None))

    def best(self, text: str) -> CourseMatch | None:
        """What of the course fits this text best, however surely; None where the course may say nothing."""
        self._take_lesson()
        course = self._lesson.course
        if course is None or self._newest.answers is Mode.OFF:
            return None
        text = read_of(text)
        vector = np.ascontiguousarray(self._encoder.encode([text])[0])
        match = course.match(text, vector) if np.isfinite(vector).all() else None
        return CourseMatch(match.source, match.score, "suggested", match.text) if match else None

    def likely(self, question: str, messages: Collection[int] = ()) -> list[Likely]:
        """The questions that these wordings of one (none: that question as a whole) may ask instead, the likeliest
        first, whatever people said of them before. None of a question that is not there."""
        self._take_lesson()
        if question not in self._standing:
            return []
        own = {message for message, filed in self._filed.items() if self._final(filed.question) == question}
        found = self._groups.likeliest(own.intersection(messages) if messages else own, question)
        return [Likely(group, chance) for group, chance in found if group in self._standing]

    def _remember(self, message: Message, asks: bool, probability: float) -> None:
        """What is decided about later messages may depend on this one; not on what was taken, for that was said before
        them."""
        if message.taken:
            return
        self._recent.add(_line(message), asks, probability)
        if asks:
            asker = _asker(message.person)
            self._last[asker] = max(self._last.get(asker, (message.at, 0)), (message.at, _whole(message)))

    def _take_lesson(self) -> None:
        if self._learn():
            self._groups.anchor(self._lesson.anchor)

    def _learn(self) -> bool:
        """Take over what was taught; whether there was anything."""
        taught = self._taught  # somebody may teach meanwhile
        new, self._lesson = taught is not self._lesson, taught
        return new

    def _cheap(self, message: Message) -> Asking | None:
        if message.taken and message.text:  # else it was forgotten meanwhile
            if normal := normalise(message.text):
                self._told[normal] = True
            return TAKEN
        if message.explicit:
            return self._detector.on_purpose(message.text)
        told = self._told.get(normalise(message.text))
        return self._detector.cheap(message.text) if told is None else TOLD[told]

    def _hear(
        self, message: Message, asking: Asking | None, vector: Vector | None, fits: Evidence | None
    ) -> Asking | Placed:
        """What asks something, or what becomes of that which does not."""
        heard = self._heard(message, asking, vector, fits)
        if isinstance(heard, Asking):
            self._remember(message, True, heard.probability)
        else:
            self._remember(message, False, heard.placement.probability)
        return heard

    def _heard(
        self, message: Message, asking: Asking | None, vector: Vector | None, fits: Evidence | None
    ) -> Asking | Placed:
        if vector is not None and not np.isfinite(vector).all():
            raise ValueError(f"the encoder gave no numbers for message {message.id}")
        if asking is None and vector is not None:
            asking = self._detector.judge(message.text, vector, self._recent.before(_line(message)), fits)
        if asking and read_of(message.text) != message.text:
            asking = replace(asking, reasons=(Reason("long", 0.0), *asking.reasons)[:SHOWN])
        if asking is None or vector is None or not asking.asks:
            probability, why = (asking.probability, asking.reasons) if asking else (0.0, ())
            return Placed(Placement(message.id, False, probability, reasons=Reasons(why)), vector)
        if not message.taken and self._too_soon(message):
            return Placed(
                Placement(message.id, False, asking.probability, reasons=Reasons(because("slow_mode", 0.0))), vector
            )
        return asking

    def _too_soon(self, message: Message) -> bool:
        """In slow mode, whether its author asked something else a moment ago. A chat does not let us refuse it, so it
        is kept; what comes from the page was refused there."""
        at, line = self._last.get(_asker(message.person), (-math.inf, 0))
        return line != _whole(message) and abs(message.at - at) < self._session.slow - LENIENT

    def _ask(self, message: Message, asking: Asking, vector: Vector, told: Told) -> Placed:
        asking = self._unless_reply(message, asking, told)
        grouped = self._groups.decide(message.text, vector, told.offered, _asker(message.person))
        joins = grouped.group if self._session.grouping is Mode.AUTO else None
        id = joins or next(id for id in founded_ids(message.id) if id not in self._standing)
        found = self._find(told, asking, self._standing.get(id))
        sent = found.sent
        filed = Filed(id, id, grouped.group or id, message.person)
        self._groups.add(message.id, filed.joined, message.text, vector, found.source, asker=_asker(message.person))
        founds = None if joins else self._found(id, message, sent)
        if founds:
            self._standing[id] = Standing(founds)
        standing = self._standing[id]
        self._file(message.id, filed)
        reopens, closes = joins is not None and sent is None, joins is not None and sent is not None
        if reopens and standing.state.answered_by_itself:
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
        self._placed_line[_asker(message.person)] = _whole(message)
        said = self._say(message, standing, sent, told, placement)
        replies = sent is None and self._reached(message) and not message.taken
        return Placed(placement, vector, founds, reopens, closes, replies, said)

    def _unless_reply(self, message: Message, asking: Asking, told: Told) -> Asking:
        """Not sure that it asks, where something would be sent and it seems to tell another viewer just that."""
        sends = any(match is not None and match.verdict == "answer" for match in (told.course, told.earlier))
        if not (sends and asking.sure and told.offered) or message.explicit:
            return asking
        odds = replies(self._encoder, read_of(message.text), self._overheard.asked(_line(message), told.offered))
        if odds < LIKELY:
            return asking
        return replace(asking, sure=False, reasons=(Reason("replies", -odds), *asking.reasons)[:SHOWN])

    def _overhear(self, message: Message, placement: Placement) -> None:
        """What later ones may reply to."""
        if message.taken:
            return
        best = placement.memory or placement.answer
        self._overheard.add(_line(message), message.text, best.source if placement.asking and best else "")

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
        if standing and any(misses(one.state, match.source) for one in self._whole_of(standing.state.id)):
            return None
        decided = standing is not None and standing.state.status in (Status.ANSWERED, Status.DISMISSED)
        by_person = decided and standing is not None and not standing.state.answered_by_itself
        sure = match.verdict == "answer" and asking.sure and not by_person
        shown = "sent" if sure and mode is Mode.AUTO else "suggested"
        return CourseMatch(match.source, match.score, "withheld" if mode is Mode.OFF else shown, match.text, sure)

    def _found(self, id: str, message: Message, sent: CourseMatch | None) -> QuestionState:
        state = QuestionState(id, self._session.id, title_of(message.text), message.text)
        if sent is None:
            return state
        return replace(state, status=Status.ANSWERED, answer=by_course(sent, message.at))

    def _reached(self, message: Message) -> bool:
        """Can anything be said to it in its chat?"""
        return message.address is not None and message.address.connector in self._replying

    def _acknowledges(self, message: Message, standing: Standing, sent: CourseMatch | None) -> bool:
        """Is it told that its question was heard, where the mode lets it? Once for all that one line of a chat asks."""
        state = standing.state
        answered = sent is not None or state.status is Status.ANSWERED
        told = answered or (state.status is Status.DISMISSED and state.reason_shown)
        fresh = not message.taken and self._placed_line.get(_asker(message.person)) != _whole(message)
        return self._reached(message) and not told and fresh

    def _say(
        self, message: Message, standing: Standing, sent: CourseMatch | None, told: Told, placement: Placement
    ) -> tuple[Delivery, ...]:
        if not self._reached(message) or message.taken:
            return ()
        if sent:
            where = sent.where or (told.course.where if told.course else "")
            said = course_answer(self._session, standing.state.id, message, sent, where)
        elif self._session.acknowledgements is Mode.AUTO and placement.acknowledges:
            said = acknowledgement(self._session, standing.state, message, self._people(standing.state.id))
        else:
            said = None
        return (said,) if said else ()

    def catch_up(self, newest_first: Sequence[Action]) -> None:
        """What moderators did; what was followed meanwhile is not followed again."""
        for action in reversed([action for action in newest_first if action.id > self.seen_action]):
            self._follow(action)

    def _follow(self, action: Action) -> None:
        """What `restore` has read already changes nothing any more."""
        self.seen_action = max(self.seen_action, action.id)
        self.outdated = self.outdated or not all(move.before and move.after for move in action.change.moves)
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
        for before, after in action.change.questions:
            # Undo removed it. Somebody may have joined it just before; then it stands up again.
            standing = self._standing.get(before.id) if before is not None and after is None else None
            if standing is not None and not standing.askers:
                del self._standing[standing.state.id]
        if any(_regroups(*pair) for pair in action.change.questions):
            self._keep_apart()
            for message in self._beside:
                self._recount(message)

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

    def _whole_of(self, id: str) -> Iterator[Standing]:
        """A question and those that were merged into it."""
        return (one for one in self._standing.values() if id in (one.state.id, one.state.merged_into))

    def _people(self, id: str) -> int:
        """Distinct persons who asked it."""
        return len({person for one in self._whole_of(id) for person in one.askers})


def _regroups(before: QuestionState | None, after: QuestionState | None) -> bool:
    """Does this change what counts as one question?"""
    return before is None or after is None or (before.merged_into, before.apart) != (after.merged_into, after.apart)


def _whole(message: Message) -> int:
    """A number that the parts of one message share: their ids follow each other."""
    return message.id - message.part + 1


def _asker(person: Person) -> str:
    return f"{person.source} {person.id}"


def _line(message: Message) -> Line:
    chat = message.address.chat if message.address else ""
    return Line(f"{message.source} {chat}", message.author, message.at)
