"""What a talk tells when it is over: every chat its digest, everybody who asked what became of it, the organisers the
report. Plans and words it; `clock` does it.

A human who gets a digest of their own gets no other one in that chat. Who wants to hear nothing is told nothing where
only they read; a chat that others read too is told all the same.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bot.model import (
    Abilities,
    Address,
    Asker,
    Delivery,
    DutyStatus,
    Mode,
    Question,
    Session,
    Status,
    Wording,
)
from bot.ports import Now, Store
from bot.queueing import ranked, visible
from bot.quiet import Hours, When, due
from bot.rounds.clock import Duty, Round
from bot.rounds.words import TOP, Evening, Fate, digest, personal

DIGEST, PERSONAL, REPORT = "digest", "personal", "report"

Summary = Callable[[Session], Awaitable[str]]
"""The report in a few lines. Raises `StoreError`."""


class Telling:
    """`able`: what each chat that can be written to is able to do, by connector. `staff` knows the staff's own chats;
    `organisers` names those that get a session's report; it is asked often. `page`: the address of a session's page."""

    def __init__(
        self,
        store: Store,
        now: Now,
        hours: Hours,
        *,
        digest_at: When,
        report_at: When,
        able: Callable[[], Mapping[str, Abilities]],
        staff: Callable[[Address], bool] = lambda _: False,
        organisers: Callable[[str], Awaitable[Sequence[Address]]],
        page: Callable[[str], str] = lambda _: "",
        summary: Summary,
    ) -> None:
        self._store, self._now, self._hours = store, now, hours
        self._digest_at, self._report_at = digest_at, report_at
        self._able, self._staff, self._organisers = able, staff, organisers
        self._page, self._summary = page, summary

    async def plan(self, session: Session) -> Sequence[Duty]:
        """A `Planner`."""
        if session.ended_at is None:
            return ()
        told, reported = (due(session.ended_at, when, self._hours) for when in (self._digest_at, self._report_at))
        duties = [
            Duty(DIGEST, told, session.digest, lambda text: self._digest(session, text), editable=True),
            Duty(PERSONAL, told, session.personal, lambda _: self._personal(session)),
        ]
        if await self._organisers(session.id):
            duties.append(Duty(REPORT, reported, session.report, lambda text: self._report(session, text), True))
        return duties

    # -- in every chat -------------------------------------------------------------------------------------------------

    async def _digest(self, session: Session, text: str) -> Round:
        evening = await self._evening(session)
        said = []
        if text or not evening.empty:
            able, own = self._able(), await self._told_themselves(session)
            for hearing in await self._store.hearings(session.id):
                chat = hearing.address
                if chat.connector not in able or hearing.out or self._staff(chat) or (chat.connector, chat.chat) in own:
                    continue
                said.append(self._to(DIGEST, session, chat, text or digest(evening, able[chat.connector])))
        return Round(text or digest(evening), tuple(said))

    async def _told_themselves(self, session: Session) -> set[tuple[str, str]]:
        """The chats of those who get, or got, a digest of their own."""
        got = {
            (each.address.connector, each.address.chat)
            for each in await self._store.deliveries(session.id)
            if each.key.startswith(f"{PERSONAL}:{session.id}:") and each.state != "failed"  # or it was taken back
        }
        states = {state.name: state.status for state in await self._store.duties(session.id)}
        to_come = session.personal is Mode.AUTO and states.get(PERSONAL, DutyStatus.OPEN) is DutyStatus.OPEN
        chats = [each.address for each in (await self._personal(session)).deliveries] if to_come else []
        return got | {(chat.connector, chat.chat) for chat in chats}

    async def _evening(self, session: Session) -> Evening:
        seen = [q for q in await self._store.questions(session.id) if visible(q.state, session)]
        answered = [(q, q.state.answer) for q in ranked(seen) if q.status is Status.ANSWERED and q.state.answer]
        return Evening(
            session=session,
            groups=len(seen),
            answered=len(answered),
            top=[(question.title, answer.text) for question, answer in answered[:TOP]],
            url=self._page(session.id),
            next=self._next(session, await self._store.sessions()),
            zone=self._hours.zone,
        )

    def _next(self, session: Session, sessions: Iterable[Session]) -> Session | None:
        """The next evening of its series, where one is known."""
        to_come = [
            (other.starts_at, other.id, other)
            for other in sessions
            if session.series and other.series == session.series and other.id != session.id
            if other.ended_at is None and other.starts_at is not None and other.starts_at > self._now()
        ]
        return min(to_come)[2] if to_come else None

    # -- to everybody who asked ----------------------------------------------------------------------------------------

    async def _personal(self, session: Session) -> Round:
        able, evening = self._able(), await self._evening(session)
        questions = {question.id: question for question in await self._store.questions(session.id)}
        sent = {each.key for each in await self._store.deliveries(session.id) if each.state == "sent"}
        said = []
        for asker in await self._store.askers(session.id):
            chat, fates = asker.chat, _fates(asker, questions, sent)
            if chat is None or asker.out or chat.connector not in able or self._staff(chat):
                continue
            if any(fate.news for fate in fates):
                said.append(self._to(PERSONAL, session, chat, personal(evening, fates, able[chat.connector])))
        return Round(said[0].text if said else "", tuple(said))

    # -- to the organisers ---------------------------------------------------------------------------------------------

    async def _report(self, session: Session, text: str) -> Round:
        told, able = text or await self._summary(session), self._able()
        chats = [chat for chat in await self._organisers(session.id) if chat.connector in able]
        return Round(told, tuple(self._to(REPORT, session, chat, told) for chat in chats))

    @staticmethod
    def _to(name: str, session: Session, chat: Address, text: str) -> Delivery:
        return Delivery(f"{name}:{session.id}:{chat.connector}:{chat.chat}", session.id, chat, text)


def _fates(asker: Asker, questions: Mapping[str, Question], sent: set[str]) -> list[Fate]:
    """What became of each question that they asked, in the order in which they asked first."""
    wordings: dict[str, list[Wording]] = {}
    for one in asker.asked:
        wordings.setdefault(one.question, []).append(one)
    return [_fate(questions[id], said, sent) for id, said in wordings.items() if id in questions]


def _fate(question: Question, wordings: Sequence[Wording], sent: set[str]) -> Fate:
    asked, state = wordings[0].text, question.state
    told = _was_told(question, wordings, sent)
    if question.status is Status.ANSWERED and state.answer is not None:
        return Fate(asked, "answered_before", news=False) if told else Fate(asked, "answered", state.answer.text)
    if question.status is Status.DISMISSED:
        if state.reason and state.reason_shown:
            return Fate(asked, "dismissed", state.reason, news=not told)
        return Fate(asked, "dismissed_bare", news=False)
    return Fate(asked, "open")


def _was_told(question: Question, wordings: Sequence[Wording], sent: set[str]) -> bool:
    """Whether what became of it was said where they asked it."""
    ids = {question.id, *(one.first for one in wordings), *(one.question for one in wordings)}
    chats = {(one.address.connector, one.address.chat) for one in wordings if one.address}
    keys = {
        f"{what}:{id}:{connector}:{chat}"
        for what in ("answer", "reason", "course")
        for id in ids
        for connector, chat in chats
    }
    # A late joiner's, and the course's, name the message as well, whose id may hold anything.
    begins = tuple(f"{key}:" for key in keys)
    return any(key in keys or key.startswith(begins) for key in sent)
