"""What experts do with the questions that a talk left open, and how they are asked to.

Answers and merges go through the desk, as everybody's; what is only an expert's own (a draft, "not for me") is kept
beside the queue and told to staff as a topic of its own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from bot.apart import rejected
from bot.errors import Conflict, NotAllowed, NotFound
from bot.model import (
    Action,
    Address,
    Answer,
    Asked,
    Change,
    CourseMatch,
    Draft,
    Question,
    Reference,
    Seen,
    Session,
    Status,
)
from bot.ports import Now, Store
from bot.queueing import waiting
from bot.reach import TAKEN_BACK
from bot.replies import UNDO_WITHIN
from bot.reviewing import Hearers, Stands, added, call, checked, hearers, line_of, overtaken

TOPIC = "experts"
"""Tells staff who has a draft of what, and what is not for whom."""

WORTH_A_LOOK = 0.1
"""Probability from which on a part of the course is shown as a draft."""

AGAIN = 60.0
"""Seconds in which asking the experts once more says nothing new."""

How = Literal["answer", "add", "replace"]

OTHERWISE = "somebody was faster with this question; nothing was sent, and your text is kept"


class Desk(Protocol):
    """What experts do to the queue; all raise `FloormicError`."""

    def turn(self, session: str) -> AbstractAsyncContextManager[object]: ...
    async def require_seen(self, session: str, seen: Mapping[str, Seen], stages: str = "") -> None: ...
    async def answer(
        self, who: str, id: str, text: str, sources: Sequence[str] = (), *, by: str = "", once: str = ""
    ) -> Action: ...
    async def merge(self, who: str, ids: Sequence[str], into: str) -> Action: ...
    async def undo(self, who: str, session: str, action: int | None = None) -> Action: ...


class Overtaken(Conflict):
    """The question stands otherwise than its expert has seen it: as `now`, which is another one where it was merged."""

    def __init__(self, now: Question) -> None:
        super().__init__(OTHERWISE, [now.id])
        self.now = now


@dataclass(frozen=True, slots=True)
class Written:
    """What an expert sends: `id` is the sender's own, the same at every try. `how`: a first answer, something to add to
    the one that stands, or another one in its place."""

    id: str
    text: str
    references: tuple[Reference, ...]
    how: How
    seen: Stands


@dataclass(frozen=True, slots=True)
class Review:
    """What an expert wants to know of a question before answering."""

    asked: Sequence[Asked]
    hearers: Hearers
    course: CourseMatch | None


async def _nothing(session: str, text: str) -> CourseMatch | None:
    return None


class Experts:
    """Methods that change something raise `NotFound`, `NotAllowed`, `BadInput`, `Conflict` and `StoreError`; then
    nothing changed."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        changed: Callable[[str, str], None],
        now: Now,
        *,
        sending: Callable[[], None] = lambda: None,
        replying: Callable[[], frozenset[str]] = frozenset,
        staff: Callable[[str], Sequence[Address]] = lambda _: (),
        page: Callable[[str], str] = lambda _: "",
        best: Callable[[str, str], Awaitable[CourseMatch | None]] = _nothing,
    ) -> None:
        """`changed` tells that a topic of a session changed. `staff` are the staff's chats of a session, `page` is
        where its experts answer, `best` finds in its course what fits a text."""
        self._store, self._desk, self._now = store, desk, now
        self._changed, self._sending = changed, sending
        self._replying, self._staff, self._page, self._best = replying, staff, page, best

    # -- asking them -------------------------------------------------------------------------------------------------

    async def ask(self, session: str, who: str) -> int:
        """Ask the experts in the staff's chats now; in how many. Raises `NotAllowed` where nothing is open."""
        found = await self._session(session)
        minute = int(self._now() // AGAIN)
        if not waiting(await self._store.questions(session)):
            raise NotAllowed("there is nothing to ask the experts: no question is open")
        return await self._call(found, f"asked:{minute}", self._now(), who)

    async def settled(self, session: str) -> None:
        """The session was set: once it is over, the experts are asked, unless that is taken back at once."""
        found = await self._session(session)
        if found.ended_at is None:
            await self._withhold(session)
        else:
            await self._call(found, f"over:{found.ended_at:.0f}", self._now() + UNDO_WITHIN)

    async def _call(self, session: Session, what: str, at: float, who: str = "") -> int:
        """`who` "": it comes by itself, and is no act for the ledger."""
        open_ = waiting(await self._store.questions(session.id))
        known = {delivery.key for delivery in await self._store.deliveries(session.id)}
        said = [
            call(session, open_, self._page(session.id), address, f"{_key(session.id, address)}{what}", at)
            for address in self._staff(session.id)
        ]
        fresh = [delivery for delivery in said if delivery.key not in known]
        if open_ and fresh:
            if who:
                call_out = Change(session.id, self._now(), who, "experts_call", deliveries=tuple(fresh))
                await self._store.apply(call_out)
            else:
                await self._store.deliver(fresh)
            self._sending()
        return len(said)

    async def _withhold(self, session: str) -> None:
        for delivery in await self._store.deliveries(session):
            if (
                delivery.key.startswith(f"experts:{session}:")
                and ":over:" in delivery.key
                and delivery.state == "waiting"
            ):
                await self._store.withhold(delivery, TAKEN_BACK)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def review(self, session: str, id: str) -> Review:
        question = await self._question(session, id)
        asked = await self._store.asked(id)
        return Review(asked, hearers(asked, self._replying()), await self._course(question))

    async def _course(self, question: Question) -> CourseMatch | None:
        if question.suggested_answer is not None:
            return question.suggested_answer
        found = await self._best(question.state.session, question.title)
        if found is None or found.score < WORTH_A_LOOK:
            return None
        known = [one.state for one in await self._store.questions(question.state.session)]
        return None if found.source in rejected(question.state, known) else found

    # -- what is an expert's own -------------------------------------------------------------------------------------

    async def keep_draft(self, session: str, draft: Draft, base: float) -> Draft:
        """As it was typed, whatever it is like. Raises `Conflict` where another device wrote on."""
        await self._question(session, draft.question)
        kept = await self._store.keep_draft(replace(draft, at=self._now()), base)
        self._changed(session, TOPIC)
        return kept

    async def decline(self, session: str, id: str, person: str, on: bool) -> None:
        await self._question(session, id)
        await self._store.decline(id, person, on, self._now())
        self._changed(session, TOPIC)

    # -- what is done to the queue -----------------------------------------------------------------------------------

    async def answer(self, who: str, person: str, session: str, id: str, written: Written) -> Action:
        """Send an answer to everybody who asked. What comes again under the same id was done. Raises `Overtaken`, also
        where it was done and is undone by now."""
        references = tuple(line_of(one) for one in checked(written.references))
        await self._question(session, id)
        once = f"{person}:{written.id}"
        async with self._desk.turn(session):
            done = await self._store.done(session, once)
            if done and not done.undone:
                return done
            question = await self._question(session, id)
            if done or overtaken(question.state, written.seen):
                raise Overtaken(await self._standing(question))
            given = await self._given(question, who, written, references)
            action = await self._desk.answer(who, id, given.text, given.sources, by=given.by, once=once)
        await self._forget_draft(session, id, person)
        return action

    async def _given(self, question: Question, who: str, written: Written, references: tuple[str, ...]) -> Answer:
        standing = question.state.answer
        if written.how != "add" or standing is None:
            return Answer(written.text, who, self._now(), references)
        language = (await self._session(question.state.session)).language
        return added(standing, written.text, references, who, language)

    async def together(self, who: str, session: str, id: str, into: str) -> Action:
        """Answer it together with another one: the two are one question from now on. Raises `Overtaken` where one of
        them is no question of its own any more."""
        async with self._desk.turn(session):
            for one in (id, into):
                question = await self._question(session, one)
                if question.status is Status.MERGED:
                    raise Overtaken(await self._standing(question))
            return await self._desk.merge(who, [id], into)

    async def take_back(self, who: str, session: str, action: int, since: float) -> Action:
        """Undo what this person did here after `since`, as long as nobody was told of it."""
        for one in await self._store.actions(session, limit=500, what=["answer", "merge"]):
            if one.id == action and one.change.who == who and one.change.at >= since:
                break
        else:
            raise NotAllowed("nobody wrote this answer here, or somebody else did")
        leaves = min((each.not_before for each in one.change.deliveries), default=0.0)  # at night that is the morning
        if one.change.deliveries and self._now() > max(one.change.at + UNDO_WITHIN, leaves):
            raise Conflict("this was said in the chats already; correct it by answering again")
        async with self._desk.turn(session):
            return await self._desk.undo(who, session, action)

    # -- how ---------------------------------------------------------------------------------------------------------

    async def _forget_draft(self, session: str, id: str, person: str) -> None:
        if draft := await self._store.draft(id, person):
            await self._store.keep_draft(Draft(id, person, ""), draft.at)
            self._changed(session, TOPIC)

    async def _question(self, session: str, id: str) -> Question:
        question = await self._store.question(id)
        if question.state.session != session:
            raise NotFound(f"there is no question {id!r} in session {session!r}")
        return question

    async def _standing(self, question: Question) -> Question:
        into = question.state.merged_into
        return await self._store.question(into) if into else question

    async def _session(self, id: str) -> Session:
        found = next((s for s in await self._store.sessions() if s.id == id), None)
        if found is None:
            raise NotFound(f"there is no session {id!r}")
        return found


def _key(session: str, address: Address) -> str:
    return f"experts:{session}:{address.connector}:{address.chat}:"
