"""The store on SQLite: one file, one process, one thread that writes; what was written survives a power cut."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

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
    Forgotten,
    Heard,
    Hearing,
    Known,
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
from bot.ports import Now
from bot.storage import (
    backlogs,
    changes,
    forgetting,
    inbox,
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
from bot.storage.connection import claim, connect, explained, warn_if_unsound
from bot.storage.migrations import migrate
from bot.storage.reader import Reader
from bot.storage.writer import Committed, Writer

T = TypeVar("T")

LONGEST_READING = 600.0
"""Seconds that a backup may take until whoever had somebody forgotten is told that it is in the way."""


async def open_store(
    path: Path | str, *, now: Now = time.time, patience: float = 5.0, committed: Committed = lambda *_: None
) -> "SqliteStore":
    """Open a database, founding it where there is none; ":memory:" is one that is gone after `close` (for tests).

    `patience`: seconds to wait for a lock of a foreign program before a call fails. Raises `StoreBusy` where another
    floormic has it open, `StoreError` where the file cannot be used. `committed` hears of each transaction.
    """
    return await asyncio.to_thread(SqliteStore, path, now, patience, committed)


class SqliteStore:
    """Implements `bot.ports.Store`. Writes share commits (see `writer`), reads run beside them (see `reader`)."""

    def __init__(
        self, path: Path | str, now: Now = time.time, patience: float = 5.0, committed: Committed = lambda *_: None
    ) -> None:
        """Blocks; call `open_store` instead."""
        warn_if_unsound()
        passing = str(path) == ":memory:"
        self._folder = tempfile.mkdtemp(prefix="floormic-") if passing else None
        file = Path(self._folder, "passing.db") if self._folder else Path(path).resolve()
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = claim(file)
        except OSError as error:
            raise StoreError(f"cannot make the folder of the database {file}: {error.strerror}") from error
        try:
            self._writer = Writer(partial(_prepared, file, now, patience, durable=not passing), committed)
        except BaseException as error:
            os.close(self._held)
            if isinstance(error, Exception):
                raise explained(error) from error
            raise
        self._reader = Reader(partial(connect, file, patience=patience, reading=True))
        self._sessions: tuple[int, asyncio.Future[list[Session]]] | None = None
        self._closed = False

    async def close(self) -> None:
        """Finish what waits, then let the file go. A second time does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._reader.close()
        await self._writer.close()
        os.close(self._held)
        if self._folder:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _write(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._writer.write(lambda db: work(db, *arguments))

    async def _read(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._reader.read(lambda db: work(db, *arguments))

    @property
    def waiting(self) -> int:
        return self._writer.waiting

    async def probe(self) -> None:
        await self._write(backlogs.probe)

    async def backlog(self, now: float) -> Backlog:
        return await self._read(backlogs.backlog, now)

    async def receive(
        self,
        messages: Sequence[Message],
        cursor: Cursor | None = None,
        deliveries: Sequence[Delivery] = (),
        votes: Sequence[PollVote | Pulse] = (),
    ) -> int:
        return await self._write(inbox.receive, messages, cursor, deliveries, votes)

    async def cursor(self, source: str) -> str | None:
        return await self._read(inbox.cursor, source)

    async def pending(self, session: str, limit: int) -> list[Message]:
        return await self._read(inbox.pending, session, limit)

    async def place(self, session: str, placed: Sequence[Placed]) -> None:
        await self._write(inbox.place, session, placed)

    async def latest(self, session: str, limit: int) -> list[tuple[Message, Placement]]:
        return await self._read(inbox.latest, session, limit)

    async def remembered(self, session: str) -> list[Remembered]:
        return await self._read(inbox.remembered, session)

    async def save_session(self, session: Session) -> None:
        await self._write(sessions.save, session)

    async def configure_session(self, session: Session) -> Session:
        return await self._write(sessions.configure, session)

    async def sessions(self) -> list[Session]:
        """Read anew only where something was written since, and once for all who ask meanwhile: every request asks."""
        if self._closed:
            raise StoreError("the store is closed")
        if self._sessions is None or self._sessions[0] != self._writer.batches:
            self._sessions = self._writer.batches, asyncio.ensure_future(self._read(sessions.all_))
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
        await self._write(changes.vote, question, person, on, at)

    async def askings(self, session: str, limit: int) -> list[Asked]:
        return await self._read(questions.askings, session, limit)

    async def answered(self, session: str) -> list[tuple[QuestionState, list[Asked]]]:
        return await self._read(questions.answered, session)

    async def votes_of(self, session: str, person: Person) -> set[str]:
        return await self._read(questions.votes_of, session, person)

    async def apply(self, change: Change) -> Action:
        """Raises also `NotFound` for what is not there, and `Conflict` for a chain of merges."""
        return await self._write(changes.apply, change)

    async def actions(self, session: str, limit: int = 100, since: int = 0, what: Sequence[str] = ()) -> list[Action]:
        return await self._read(changes.actions, session, limit, since, what)

    async def stage(self, session: str) -> Stage:
        return await self._read(stages.stage, session)

    async def keep_stage(self, session: str, stage: Stage) -> None:
        await self._write(stages.keep, session, stage)

    async def restart_stage(self, session: str, at: float) -> None:
        await self._write(changes.restart, session, at)

    async def revisions(self) -> dict[str, int]:
        return await self._read(recurring.revisions)

    async def recurrences(self, sessions: Sequence[str]) -> list[Recurrence]:
        return await self._read(recurring.recurrences, sessions)

    async def keep_recurrences(self, session: str, found: Sequence[Recurrence]) -> bool:
        return await self._write(recurring.keep, session, found)

    async def recall(self, session: str, evening: str) -> bool:
        return await self._write(recurring.touch, session, evening)

    async def promotions(self, session: str) -> list[Promotion]:
        return await self._read(promotions.promotions, session)

    async def keep_promotion(self, before: Promotion | None, after: Promotion) -> None:
        await self._write(promotions.keep, before, after)

    async def forget_promotion(self, question: str) -> None:
        await self._write(promotions.forget, question)

    async def encoder(self) -> str | None:
        return await self._read(vectors.encoder)

    async def keep_encoder(self, fingerprint: str) -> None:
        await self._write(vectors.keep_encoder, fingerprint)

    async def encoded(self) -> list[tuple[int, str]]:
        return await self._read(vectors.encoded)

    async def reencode(self, fingerprint: str, fresh: Sequence[tuple[int, Vector]]) -> None:
        await self._write(vectors.reencode, fingerprint, fresh)

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        await self._write(said.deliver, deliveries)

    async def due(self, now: float, limit: int = 200) -> list[Delivery]:
        return await self._read(said.due, now, limit)

    async def settle(self, delivery: Delivery) -> None:
        await self._write(said.settle, delivery)

    async def deliveries(self, session: str) -> list[Delivery]:
        return await self._read(said.of_session, session)

    async def answering(self, session: str) -> list[Delivery]:
        return await self._read(said.answering, session)

    async def keep_sources(self, healths: Sequence[SourceHealth], outages: Sequence[Outage] = ()) -> None:
        await self._write(sources.keep, healths, outages)

    async def keep_feed(self, feed: Feed, by: Actor, now: float) -> None:
        await self._write(sources.keep_feed, feed, by, now)

    async def feeds(self) -> list[Feed]:
        return await self._read(sources.feeds)

    async def sources(self) -> list[SourceReport]:
        return await self._read(sources.reports)

    async def heard(self, session: str) -> list[Heard]:
        return await self._read(reports.heard, session)

    async def humans(self, session: str) -> set[tuple[str, str]]:
        return await self._read(reports.humans, session)

    async def names(self, session: str) -> set[str]:
        return await self._read(reports.names, session)

    async def offer_link(self, code_hash: str, owner: Person, expires_at: float) -> None:
        await self._write(links.offer, code_hash, owner, expires_at)

    async def link(self, code_hash: str, person: Person, now: float) -> bool:
        return await self._write(links.link, code_hash, person, now)

    async def unlink(self, owner: Person, person: Person) -> None:
        await self._write(links.unlink, owner, person)

    async def linked(self, owner: Person) -> list[Person]:
        return await self._read(links.linked, owner)

    async def whoever(self, text: str, limit: int = 50) -> list[tuple[Person, int, float]]:
        return await self._read(forgetting.whoever, text, limit)

    async def known(self, person: Person) -> Known:
        return await self._read(forgetting.known, person)

    async def forget(self, person: Person, by: Actor | None, now: float) -> Forgotten:
        return await self._forgetting(await self._write(forgetting.forget, person, by, now))

    async def forget_before(self, before: float) -> Forgotten:
        return await self._forgetting(await self._write(forgetting.forget_before, before))

    async def _forgetting(self, done: Forgotten) -> Forgotten:
        if done.persons and not await self._writer.write(forgetting.wipe, alone=True):
            await self._cut_log()
        return done

    async def _cut_log(self) -> None:
        """A backup that is being taken reads what was there before; the log is cut once it is done."""
        until = time.monotonic() + LONGEST_READING
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            if await self._writer.write(forgetting.cut_log, alone=True):
                return
        raise StoreError(
            "it is forgotten, but another program still reads the database as it was; close that program, then start "
            "floormic anew"
        )

    async def polls(self, session: str) -> list[Poll]:
        return await self._read(polls.polls, session)

    async def poll(self, id: str) -> Poll:
        return await self._read(polls.poll, id)

    async def vote_poll(self, vote: PollVote) -> None:
        await self._write(polls.vote, vote)

    async def unvote_poll(self, poll: str, person: Person) -> None:
        await self._write(polls.unvote, poll, person)

    async def poll_votes_of(self, session: str, person: Person) -> dict[str, tuple[str, ...]]:
        return await self._read(polls.votes_of, session, person)

    async def chats(self, session: str) -> list[Address]:
        return await self._read(polls.chats, session)

    async def duties(self, session: str) -> list[DutyState]:
        return await self._read(rounds.duties, session)

    async def keep_duty(self, before: DutyState, after: DutyState, deliveries: Sequence[Delivery] = ()) -> None:
        await self._write(rounds.keep_duty, before, after, deliveries)

    async def hearings(self, session: str) -> list[Hearing]:
        return await self._read(rounds.hearings, session)

    async def askers(self, session: str) -> list[Asker]:
        return await self._read(rounds.askers, session)

    async def opt_out(self, person: Person, at: float) -> None:
        await self._write(rounds.opt_out, person, at)

    async def opt_in(self, person: Person) -> bool:
        return await self._write(rounds.opt_in, person)

    async def is_out(self, person: Person) -> bool:
        return await self._read(rounds.is_out, person)

    async def pulse_on(self, session: str) -> bool:
        return await self._read(polls.pulse_on, session)

    async def feel(self, pulse: Pulse) -> None:
        await self._write(polls.feel, pulse)

    async def pulse(self, session: str, since: float) -> list[tuple[int, str, int]]:
        return await self._read(polls.pulse, session, since)

    async def keep_draft(self, draft: Draft, base: float) -> Draft:
        return await self._write(reviews.keep, draft, base)

    async def draft(self, question: str, person: str) -> Draft | None:
        return await self._read(reviews.draft, question, person)

    async def drafts(self, session: str) -> list[Draft]:
        return await self._read(reviews.drafts, session)

    async def decline(self, question: str, person: str, on: bool, at: float) -> None:
        await self._write(reviews.decline, question, person, on, at)

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
        await self._write(surveys.answer, session, vote)

    async def unanswer_survey(self, session: str, item: str, person: Person) -> None:
        await self._write(surveys.unanswer, session, item, person)

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
        await self._write(surveys.remind, session, number, deliveries)

    async def transcript(self, session: str) -> Transcript | None:
        return await self._read(transcripts.transcript, session)

    async def keep_transcript(
        self, transcript: Transcript, proposals: Sequence[Proposal] | None = None, noted: Change | None = None
    ) -> None:
        await self._write(transcripts.keep, transcript, proposals, noted)

    async def drop_transcript(self, session: str, noted: Change | None = None) -> None:
        await self._write(transcripts.drop, session, noted)

    async def proposals(self, session: str) -> list[Proposal]:
        return await self._read(transcripts.proposals, session)

    async def keep_proposal(self, session: str, proposal: Proposal) -> None:
        await self._write(transcripts.keep_proposal, session, proposal)

    async def admit(self, entry: Entry, now: float) -> Login | None:
        return await self._write(logins.admit, entry, now)

    async def open_login(self, person: str, device: Device, now: float) -> Login | None:
        return await self._write(logins.open_login, person, device, now)

    async def login(self, token_hash: str, now: float) -> Login | None:
        return await self._read(logins.login, token_hash, now)

    async def used(self, token_hash: str, now: float) -> None:
        await self._write(logins.used, token_hash, now)

    async def logins(self, person: str, now: float) -> list[Login]:
        return await self._read(logins.of_person, person, now)

    async def close_login(self, token_hash: str) -> None:
        await self._write(logins.close_login, token_hash)

    async def close_logins(self, person: str, *, only: str = "", but: str = "") -> int:
        return await self._write(logins.close_logins, person, only, but)

    async def people(self, now: float) -> list[Account]:
        return await self._read(people.people, now)

    async def person(self, id: str, now: float) -> Account:
        return await self._read(people.person, id, now)

    async def password_of(self, name_key: str) -> tuple[str, str] | None:
        return await self._read(people.password_of, name_key)

    async def set_password(self, person: str, password: str, by: Actor, now: float, *, but: str = "") -> None:
        await self._write(people.set_password, person, password, by, now, but)

    async def rename(self, person: str, name: str, by: Actor, now: float) -> None:
        await self._write(people.rename, person, name, by, now)

    async def give_role(self, person: str, grant: Grant, by: Actor, now: float) -> None:
        await self._write(people.give_role, person, grant, by, now)

    async def take_role(self, person: str, session: str, by: Actor, now: float) -> None:
        await self._write(people.take_role, person, session, by, now)

    async def remove_person(self, person: str, by: Actor, now: float) -> None:
        await self._write(people.remove, person, by, now)

    async def sign_out(self, person: str, by: Actor, now: float) -> int:
        return await self._write(people.sign_out, person, by, now)

    async def invite(self, token_hash: str, invitation: Invitation, by: Actor, now: float) -> None:
        await self._write(people.invite, token_hash, invitation, by, now)

    async def invitation(self, token_hash: str, now: float) -> Invitation | None:
        return await self._read(people.invitation, token_hash, now)

    async def invitations(self, now: float) -> list[Invitation]:
        return await self._read(people.invitations, now)

    async def revoke(self, invitation: str, by: Actor, now: float) -> None:
        await self._write(people.revoke, invitation, by, now)

    async def deeds(self, limit: int = 200) -> list[Deed]:
        return await self._read(people.deeds, limit)


def _prepared(file: Path, now: Now, patience: float, durable: bool) -> Database:
    """The writing connection, with the newest schema, and tidy."""
    db = connect(file, patience=patience, durable=durable)
    try:
        migrate(db)
        with db.atomic():
            said.wait_again(db)
            logins.forget_expired(db, now())
    except BaseException:
        with suppress(Exception):
            db.conn.close()
        raise
    return db
