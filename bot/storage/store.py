"""What every store does in the same words: each method of the port `Store` is one function of SQL in one transaction;
`forget_before` is one of them for each evening.

A write says which sessions it belongs to and what it changes, see `turns`; what becomes of that is the database's.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from bot.accounts import Account, Actor, Deed, Device, Entry, Grant, Invitation, Login
from bot.errors import StoreError
from bot.model import (
    Action,
    Address,
    Asked,
    Asker,
    Backlog,
    Change,
    Cursor,
    Declined,
    Delivery,
    Draft,
    DutyState,
    Feed,
    Fingerprint,
    Forgotten,
    Heard,
    Hearing,
    Known,
    LastLook,
    LookedUp,
    Message,
    Outage,
    Person,
    Placed,
    Placement,
    Poll,
    PollVote,
    Promotion,
    Proposal,
    Pulse,
    Question,
    QuestionState,
    Recurrence,
    Remembered,
    Session,
    SourceHealth,
    SourceReport,
    Stage,
    SurveyState,
    Transcript,
    Turnout,
    Vector,
)
from bot.storage import (
    backlogs,
    changes,
    forgetting,
    inbox,
    knowing,
    links,
    logins,
    people,
    polls,
    promotions,
    questions,
    recurring,
    reports,
    reviews,
    rounds,
    sessions,
    sources,
    stages,
    surveys,
    transcripts,
    vectors,
)
from bot.storage import deliveries as said
from bot.storage.packing import Packing
from bot.storage.turns import EVERYWHERE, HOUSE, RowOf, Turn
from bot.storage.writer import Writer

T = TypeVar("T")


class Reading(Protocol):
    """Where readings run, each on one state of the database."""

    async def read(self, work: Callable[[Any], T]) -> T: ...

    async def close(self) -> None: ...


class SharedStore(ABC):
    """All of `bot.ports.Store` but how it is opened and closed."""

    def __init__(self, writer: Writer, reader: Reading) -> None:
        self._writer = writer
        self._reader = reader
        self._sessions: tuple[float, asyncio.Future[list[Session]]] | None = None
        self._counted = sources.Counted()
        self._packing = Packing(self._wipe)
        self._closed = False

    async def close(self) -> None:
        """Finish what waits, then let the database go. A second time does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._packing.close()
        await self._reader.close()
        await self._writer.close()
        await self._let_go()

    @abstractmethod
    async def _let_go(self) -> None:
        """Whatever is to be done once nothing reads or writes any more."""

    @abstractmethod
    async def _wipe(self) -> None:
        """Leave nothing behind of what was deleted."""

    @abstractmethod
    def _written(self) -> float:
        """A number that changes when something was written, by whomever."""

    @abstractmethod
    async def probe(self) -> None:
        """Write something that says nothing, and wait for the disk."""

    def _owning(self, name: str, work: Callable[..., T]) -> Callable[..., T]:
        """`work`, refused to who does not own what has that name. A store of one process owns everything."""
        return work

    async def _write(self, turn: Turn | RowOf, kind: str, work: Callable[..., T], *arguments: object) -> T:
        """`turn`: whose turn it is, see `turns`. `kind` says what the write changes, for other processes; of several
        kinds in words with blanks between them."""
        return await self._writer.write(lambda db: work(db, *arguments), turn=turn, kind=kind)

    async def _read(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._reader.read(lambda db: work(db, *arguments))

    @property
    def waiting(self) -> int:
        return self._writer.waiting

    async def backlog(self, now: float) -> Backlog:
        return await self._read(backlogs.backlog, now)

    async def receive(
        self,
        messages: Sequence[Message],
        cursor: Cursor | None = None,
        deliveries: Sequence[Delivery] = (),
        votes: Sequence[PollVote | Pulse] = (),
    ) -> int:
        work = inbox.receive if cursor is None else self._owning(f"connector:{cursor.source}", inbox.receive)
        sessions = frozenset([one.session for one in messages] + [one.session for one in deliveries])
        kinds = "arrived" + " voted" * bool(votes) + " sending" * bool(deliveries)
        return await self._write(sessions, kinds, work, messages, cursor, deliveries, votes)

    async def cursor(self, source: str) -> str | None:
        return await self._read(inbox.cursor, source)

    async def pending(self, session: str, limit: int) -> list[Message]:
        return await self._read(inbox.pending, session, limit)

    async def place(self, session: str, placed: Sequence[Placed]) -> None:
        await self._write(session, "placed", self._owning(f"pipeline:{session}", inbox.place), session, placed)

    async def look_up(self, session: str, found: Sequence[LookedUp], cursor: Cursor) -> bool:
        work = self._owning(f"pipeline:{session}", inbox.look_up)
        return await self._write(session, "queue", work, session, found, cursor)

    async def latest(self, session: str, limit: int) -> list[tuple[Message, Placement]]:
        return await self._read(inbox.latest, session, limit)

    async def told(self, session: str) -> list[tuple[str, bool]]:
        return await self._read(inbox.told, session)

    async def remembered(self, session: str) -> list[Remembered]:
        return await self._read(inbox.remembered, session)

    async def save_session(self, session: Session) -> None:
        await self._write(session.id, "sessions", sessions.save, session)

    async def configure_session(self, session: Session) -> Session:
        return await self._write(session.id, "sessions", sessions.configure, session)

    async def sessions(self) -> list[Session]:
        """Read anew only where something was written since, and once for all who ask meanwhile: every request asks."""
        if self._closed:
            raise StoreError("the store is closed")
        written = self._written()
        if self._sessions is None or self._sessions[0] != written:
            self._sessions = written, asyncio.ensure_future(self._read(sessions.all_))
        reading = self._sessions[1]
        try:
            return list(await asyncio.shield(reading))
        except Exception:
            if self._sessions is not None and self._sessions[1] is reading:
                self._sessions = None
            raise

    async def configured_sessions(self) -> list[str]:
        return await self._read(sessions.configured)

    async def questions(self, session: str, since: int = 0) -> list[Question]:
        """Also, once and only with `since` over 0, a question that undo removed: as merged into nothing, demand 0."""
        return await self._read(questions.questions, session, since)

    async def question(self, id: str) -> Question:
        return await self._read(questions.question, id)

    async def asked(self, question: str) -> list[Asked]:
        return await self._read(questions.asked, question)

    async def placements(self, session: str) -> list[tuple[Message, Placement | None]]:
        return await self._read(inbox.placements, session)

    async def asked_by(self, session: str, person: Person) -> list[Asked]:
        return await self._read(questions.asked_by, session, person)

    async def vote(self, question: str, person: Person, on: bool, at: float) -> None:
        """Raises `NotFound`."""
        await self._write(("questions", question), "queue", changes.vote, question, person, on, at)

    async def texts(self, session: str, messages: Collection[int]) -> dict[int, str]:
        return await self._read(questions.texts, session, messages)

    async def asked_with(self, session: str, words: str) -> set[str]:
        return await self._read(questions.asked_with, session, words)

    async def unasked(self, session: str, limit: int, words: str = "") -> list[Asked]:
        return await self._read(questions.unasked, session, limit, words)

    async def askings(self, session: str, limit: int) -> list[Asked]:
        return await self._read(questions.askings, session, limit)

    async def answered(self, session: str) -> list[tuple[QuestionState, list[Asked]]]:
        return await self._read(questions.answered, session)

    async def votes_of(self, session: str, person: Person) -> set[str]:
        return await self._read(questions.votes_of, session, person)

    async def apply(self, change: Change, told: Mapping[str, Fingerprint] | None = None) -> Action:
        """Raises also `NotFound` for what is not there, and `Conflict` for a chain of merges."""
        kinds = "applied" if change.takes is None else "applied arrived"
        return await self._write(_sessions_of(change), kinds, changes.apply, change, told)

    async def actions(self, session: str, limit: int = 100, since: int = 0, what: Sequence[str] = ()) -> list[Action]:
        return await self._read(changes.actions, session, limit, since, what)

    async def stage(self, session: str) -> Stage:
        return await self._read(stages.stage, session)

    async def keep_stage(self, session: str, stage: Stage) -> None:
        await self._write(session, "stage", stages.keep, session, stage)

    async def restart_stage(self, session: str, at: float) -> None:
        await self._write(session, "stage", changes.restart, session, at)

    async def revisions(self) -> dict[str, int]:
        return await self._read(recurring.revisions)

    async def recurrences(self, sessions: Sequence[str]) -> list[Recurrence]:
        return await self._read(recurring.recurrences, sessions)

    async def keep_recurrences(self, session: str, found: Sequence[Recurrence]) -> bool:
        return await self._write(session, "queue", recurring.keep, session, found)

    async def recall(self, session: str, evening: str) -> bool:
        return await self._write(session, "queue", recurring.touch, session, evening)

    async def promotions(self, session: str) -> list[Promotion]:
        return await self._read(promotions.promotions, session)

    async def keep_promotion(self, before: Promotion | None, after: Promotion, of: Collection[int] = ()) -> None:
        await self._write(after.session, "promotions", promotions.keep, before, after, of)

    async def forget_promotion(self, question: str) -> None:
        await self._write(("questions", question), "promotions", promotions.forget, question)

    async def encoder(self) -> str | None:
        return await self._read(vectors.encoder)

    async def keep_encoder(self, fingerprint: str) -> None:
        await self._write(HOUSE, "encoder", vectors.keep_encoder, fingerprint)

    async def encoded(self) -> list[tuple[int, str]]:
        return await self._read(vectors.encoded)

    async def reencode(self, fingerprint: str, fresh: Sequence[tuple[int, Vector]]) -> None:
        await self._write(EVERYWHERE, "encoder", vectors.reencode, fingerprint, fresh)

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        await self._write(frozenset(one.session for one in deliveries), "sending", said.deliver, deliveries)

    async def due(self, now: float, limit: int = 200, but: Collection[str] = ()) -> list[Delivery]:
        return await self._read(said.due, now, limit, but)

    async def send_again(self, connector: str) -> None:
        # Most often nothing was. Each connector would otherwise hold up, and tell of, every session that there is.
        if sessions := await self._read(said.being_sent, connector):
            await self._write(sessions, "sending", self._owning(f"outbox:{connector}", said.send_again), connector)

    async def settle(self, delivery: Delivery) -> bool:
        work = self._owning(f"outbox:{delivery.address.connector}", said.settle)
        return await self._write(delivery.session, "settled", work, delivery)

    async def withhold(self, delivery: Delivery, why: str) -> None:
        await self._write(delivery.session, "settled", said.withhold, delivery, why)

    async def deliveries(self, session: str) -> list[Delivery]:
        return await self._read(said.of_session, session)

    async def answering(self, session: str) -> list[Delivery]:
        return await self._read(said.answering, session)

    async def keep_sources(self, healths: Sequence[SourceHealth], outages: Sequence[Outage] = ()) -> None:
        work = sources.keep
        for health in healths:
            work = self._owning(f"connector:{health.source}", work)
        await self._write(HOUSE, "sources", work, healths, outages)

    async def keep_feed(self, feed: Feed, by: Actor, now: float) -> None:
        await self._write(HOUSE, "sources", sources.keep_feed, feed, by, now)

    async def feeds(self) -> list[Feed]:
        return await self._read(sources.feeds)

    async def sources(self) -> list[SourceReport]:
        self._counted = await self._read(sources.count, self._counted, time.monotonic())
        return await self._read(sources.reports, self._counted)

    async def heard(self, session: str) -> list[Heard]:
        return await self._read(reports.heard, session)

    async def humans(self, session: str) -> set[tuple[str, str]]:
        return await self._read(reports.humans, session)

    async def names(self, session: str) -> set[str]:
        return await self._read(reports.names, session)

    async def offer_link(self, code_hash: str, owner: Person, expires_at: float) -> None:
        await self._write(HOUSE, "people", links.offer, code_hash, owner, expires_at)

    async def link(self, code_hash: str, person: Person, now: float) -> bool:
        # Anybody may type any code, and a write here stops everybody.
        if (known := await self._read(links.standing, code_hash, person, now)) is not None:
            return known
        return await self._write(EVERYWHERE, "links", links.link, code_hash, person, now)

    async def unlink(self, owner: Person, person: Person) -> None:
        await self._write(EVERYWHERE, "links", links.unlink, owner, person)

    async def linked(self, owner: Person) -> list[Person]:
        return await self._read(links.linked, owner)

    async def whoever(self, text: str, limit: int = 50) -> list[tuple[Person, int, float]]:
        return await self._read(knowing.whoever, text, limit)

    async def known(self, person: Person) -> Known:
        return await self._read(knowing.known, person)

    async def forget(self, person: Person, by: Actor | None, now: float) -> Forgotten:
        if by is None and person.source == "web" and not await self._read(knowing.traces, person):
            return Forgotten()  # anybody with a page may ask, and a write here stops everybody
        done = await self._write(EVERYWHERE, "forgotten", forgetting.forget, person, by, now)
        if done.persons:
            await self._packing.pack()
        return done

    async def look_to_forget(self, now: float) -> LastLook:
        return await self._write(HOUSE, "looked", forgetting.look, now)

    async def forget_before(self, before: float) -> Forgotten:
        names: dict[forgetting.Named, str] = {}
        messages = 0
        try:
            for session in await self._read(forgetting.due, before):  # a transaction each: others wait for all of it
                messages += await self._write(
                    EVERYWHERE, "forgotten", forgetting.forget_evening, session, before, names
                )
        finally:
            if messages:
                await self._packing.pack()
        return Forgotten(len(names), messages)

    async def polls(self, session: str) -> list[Poll]:
        return await self._read(polls.polls, session)

    async def poll(self, id: str) -> Poll:
        return await self._read(polls.poll, id)

    async def vote_poll(self, vote: PollVote) -> None:
        await self._write(("polls", vote.poll), "polls", polls.vote, vote)

    async def unvote_poll(self, poll: str, person: Person) -> None:
        await self._write(("polls", poll), "polls", polls.unvote, poll, person)

    async def poll_votes_of(self, session: str, person: Person) -> dict[str, tuple[str, ...]]:
        return await self._read(polls.votes_of, session, person)

    async def chats(self, session: str) -> list[Address]:
        return await self._read(polls.chats, session)

    async def duties(self, session: str) -> list[DutyState]:
        return await self._read(rounds.duties, session)

    async def keep_duty(self, before: DutyState, after: DutyState, deliveries: Sequence[Delivery] = ()) -> None:
        await self._write(before.session, "rounds sending", rounds.keep_duty, before, after, deliveries)

    async def hearings(self, session: str) -> list[Hearing]:
        return await self._read(rounds.hearings, session)

    async def brought(self, session: str, sources: Sequence[str]) -> set[str]:
        return await self._read(rounds.brought, session, sources)

    async def askers(self, session: str) -> list[Asker]:
        return await self._read(rounds.askers, session)

    async def opt_out(self, person: Person, at: float) -> None:
        await self._write(HOUSE, "people", rounds.opt_out, person, at)

    async def opt_in(self, person: Person) -> bool:
        return await self._write(HOUSE, "people", rounds.opt_in, person)

    async def is_out(self, person: Person) -> bool:
        return await self._read(rounds.is_out, person)

    async def pulse_on(self, session: str) -> bool:
        return await self._read(polls.pulse_on, session)

    async def feel(self, pulse: Pulse) -> None:
        await self._write(pulse.session, "pulse", polls.feel, pulse)

    async def pulse(self, session: str, since: float) -> list[tuple[int, str, int]]:
        return await self._read(polls.pulse, session, since)

    async def keep_draft(self, draft: Draft, base: float) -> Draft:
        return await self._write(("questions", draft.question), "drafts", reviews.keep, draft, base)

    async def draft(self, question: str, person: str) -> Draft | None:
        return await self._read(reviews.draft, question, person)

    async def drafts(self, session: str) -> list[Draft]:
        return await self._read(reviews.drafts, session)

    async def decline(self, question: str, person: str, on: bool, at: float) -> None:
        await self._write(("questions", question), "drafts", reviews.decline, question, person, on, at)

    async def declined(self, session: str) -> list[Declined]:
        return await self._read(reviews.declined, session)

    async def done(self, session: str, once: str) -> Action | None:
        return await self._read(changes.done, session, once)

    async def surveys(self) -> list[SurveyState]:
        return await self._read(surveys.surveys)

    async def survey(self, session: str) -> SurveyState | None:
        return await self._read(surveys.survey, session)

    async def survey_results(self, session: str) -> list[Poll]:
        return await self._read(surveys.results, session)

    async def answer_survey(self, session: str, vote: PollVote) -> None:
        await self._write(session, "surveys", surveys.answer, session, vote)

    async def unanswer_survey(self, session: str, item: str, person: Person) -> None:
        await self._write(session, "surveys", surveys.unanswer, session, item, person)

    async def survey_answers_of(self, session: str, person: Person) -> dict[str, tuple[str, ...]]:
        return await self._read(surveys.answers_of, session, person)

    async def turnout(self, session: str) -> tuple[int, list[Turnout]]:
        return await self._read(surveys.turnout, session)

    async def silent(self, session: str) -> list[Address]:
        return await self._read(surveys.silent, session)

    async def private_chat(self, session: str, person: Person) -> Address | None:
        return await self._read(surveys.private_chat, session, person)

    async def reminded(self, session: str) -> int:
        return await self._read(surveys.reminded, session)

    async def remind(self, session: str, number: int, deliveries: Sequence[Delivery]) -> None:
        await self._write(session, "surveys sending", surveys.remind, session, number, deliveries)

    async def transcript(self, session: str) -> Transcript | None:
        return await self._read(transcripts.transcript, session)

    async def keep_transcript(
        self, transcript: Transcript, proposals: Sequence[Proposal] | None = None, noted: Change | None = None
    ) -> None:
        await self._write(transcript.session, "transcripts", transcripts.keep, transcript, proposals, noted)

    async def drop_transcript(self, session: str, noted: Change | None = None) -> None:
        await self._write(session, "transcripts", transcripts.drop, session, noted)

    async def proposals(self, session: str) -> list[Proposal]:
        return await self._read(transcripts.proposals, session)

    async def keep_proposal(self, session: str, proposal: Proposal) -> None:
        await self._write(session, "transcripts", transcripts.keep_proposal, session, proposal)

    async def admit(self, entry: Entry, now: float) -> Login | None:
        return await self._write(HOUSE, "people", logins.admit, entry, now)

    async def open_login(self, person: str, device: Device, now: float) -> Login | None:
        return await self._write(HOUSE, "people", logins.open_login, person, device, now)

    async def login(self, token_hash: str, now: float) -> Login | None:
        return await self._read(logins.login, token_hash, now)

    async def used(self, token_hash: str, now: float) -> None:
        await self._write(HOUSE, "people", logins.used, token_hash, now)

    async def logins(self, person: str, now: float) -> list[Login]:
        return await self._read(logins.of_person, person, now)

    async def close_login(self, token_hash: str) -> None:
        await self._write(HOUSE, "people", logins.close_login, token_hash)

    async def close_logins(self, person: str, *, only: str = "", but: str = "") -> int:
        return await self._write(HOUSE, "people", logins.close_logins, person, only, but)

    async def people(self, now: float) -> list[Account]:
        return await self._read(people.people, now)

    async def person(self, id: str, now: float) -> Account:
        return await self._read(people.person, id, now)

    async def password_of(self, name_key: str) -> tuple[str, str] | None:
        return await self._read(people.password_of, name_key)

    async def set_password(self, person: str, password: str, by: Actor, now: float, *, but: str = "") -> None:
        await self._write(HOUSE, "people", people.set_password, person, password, by, now, but)

    async def rename(self, person: str, name: str, by: Actor, now: float) -> None:
        await self._write(HOUSE, "people", people.rename, person, name, by, now)

    async def give_role(self, person: str, grant: Grant, by: Actor, now: float) -> None:
        await self._write(HOUSE, "people", people.give_role, person, grant, by, now)

    async def take_role(self, person: str, session: str, by: Actor, now: float) -> None:
        await self._write(HOUSE, "people", people.take_role, person, session, by, now)

    async def remove_person(self, person: str, by: Actor, now: float) -> None:
        await self._write(HOUSE, "people", people.remove, person, by, now)

    async def sign_out(self, person: str, by: Actor, now: float) -> int:
        return await self._write(HOUSE, "people", people.sign_out, person, by, now)

    async def invite(self, token_hash: str, invitation: Invitation, by: Actor, now: float) -> Invitation:
        return await self._write(HOUSE, "people", people.invite, token_hash, invitation, by, now)

    async def invitation(self, token_hash: str, now: float) -> Invitation | None:
        return await self._read(people.invitation, token_hash, now)

    async def invitations(self, now: float) -> list[Invitation]:
        return await self._read(people.invitations, now)

    async def revoke(self, invitation: str, by: Actor, now: float) -> None:
        await self._write(HOUSE, "people", people.revoke, invitation, by, now)

    async def deeds(self, limit: int = 200) -> list[Deed]:
        return await self._read(people.deeds, limit)


def _sessions_of(change: Change) -> frozenset[str]:
    """All that a change writes to: its own, one that it opens, and those that hear of it."""
    opened = () if change.opens is None else (change.opens.id,)
    return frozenset((change.session, *opened, *(one.session for one in change.deliveries)))
