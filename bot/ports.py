"""What the core asks of the world, as narrow Protocols. Adapters implement them; `app` hands them over.

All store methods may raise `StoreError`; then nothing of the call was written. They may be called from one event
loop concurrently; each is atomic.
"""

from asyncio import Event
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.accounts import Account, Actor, Deed, Device, Entry, Grant, Invitation, Login
from bot.model import (
    Abilities,
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
    Likely,
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

Now = Callable[[], float]
"""The clock: Unix seconds."""

Changed = Callable[[str], None]
"""Tells that a session's queue changed (by its id), after the commit."""


FindLikely = Callable[[str, str, Collection[int]], Awaitable[Sequence[Likely]]]
"""The questions that some wordings of one in a session (none: that one as a whole) may ask instead, the likeliest
first."""


class Backlogs(Protocol):
    """How the store is, for whoever watches it."""

    @property
    def waiting(self) -> int:
        """Calls that wait to be written now."""
        ...

    async def probe(self) -> None:
        """Write to the disk, for real, and change nothing."""
        ...

    async def backlog(self, now: float) -> Backlog: ...


class Inbox(Protocol):
    """What came in, durable before anybody is told so."""

    async def receive(
        self,
        messages: Sequence[Message],
        cursor: Cursor | None = None,
        deliveries: Sequence[Delivery] = (),
        votes: Sequence[PollVote | Pulse] = (),
    ) -> int:
        """Write messages, cursor, deliveries and what some messages vote in one durable transaction; how many messages
        were new.

        A message with a known (source, external_id) changes nothing, and neither do its further parts, which follow it
        and are not counted. Nor does a delivery with a known key: what came again was answered already. A message whose
        vote counts is kept and waits for nothing more; one whose poll is not open any more is a message like others.
        One that is set `aside` is kept and waits for nothing either.
        """
        ...

    async def cursor(self, source: str) -> str | None: ...

    async def pending(self, session: str, limit: int) -> list[Message]:
        """Messages that are not placed yet, in order of arrival; where very many wait, the first of each source."""
        ...

    async def place(self, session: str, placed: Sequence[Placed]) -> None:
        """Write placements, vectors, founded, reopened and closed questions and deliveries in one transaction.

        Placing a placed message again changes nothing. Raises `ForgottenMeanwhile` where an author was forgotten since
        the message was read; then nothing was written.
        """
        ...

    async def look_up(self, session: str, found: Sequence[LookedUp], cursor: Cursor) -> bool:
        """Write what another course says to these messages in the place of what was suggested to them, and how far
        that came; whether that is anything else. What was sent to somebody stays."""
        ...

    async def latest(self, session: str, limit: int) -> list[tuple[Message, Placement]]:
        """The last messages that were understood, in order of arrival: without votes and what was set aside."""
        ...

    async def told(self, session: str) -> list[tuple[str, bool]]:
        """The lines of which people said whether they ask something, and whether they do; what was said last comes
        last."""
        ...

    async def remembered(self, session: str) -> list[Remembered]:
        """All askings with their vectors and the question each is filed under, in order of arrival.

        That may be a merged one, so that undoing the merge can be followed.
        """
        ...


class Queue(Protocol):
    """The questions of a session and what was done to them."""

    async def save_session(self, session: Session) -> None:
        """Insert or update by id."""
        ...

    async def configure_session(self, session: Session) -> Session:
        """Take over what the configuration says of a session now, as far as that is another word than last time; what
        was changed since then stays. The session as it stands then."""
        ...

    async def configured_sessions(self) -> list[str]:
        """Ids of the sessions that a configuration ever named."""
        ...

    async def sessions(self) -> list[Session]: ...

    async def questions(self, session: str, since: int = 0) -> list[Question]:
        """Questions whose revision is greater than `since`, merged ones included, in order of revision."""
        ...

    async def question(self, id: str) -> Question:
        """Raises `NotFound`."""
        ...

    async def asked(self, question: str) -> list[Asked]:
        """Every wording of a question, those of groups merged into it included, in order of arrival."""
        ...

    async def placements(self, session: str) -> list[tuple[Message, Placement | None]]:
        """Every message with the decision made when it arrived (None: not yet placed), in order of arrival."""
        ...

    async def unasked(self, session: str, limit: int, words: str = "") -> list[Asked]:
        """The messages that ask nothing and are no votes, the likeliest questions first; of equals the newest; at the
        end those of which a person said so. With `words`, those that hold them, in whatever capitals."""
        ...

    async def texts(self, session: str, messages: Collection[int]) -> dict[int, str]:
        """What these messages say, of those that are there and say something."""
        ...

    async def asked_with(self, session: str, words: str) -> set[str]:
        """The questions of which one wording, or the name of who asks it, holds each of these words, in whatever
        capitals; of merged ones the final question."""
        ...

    async def askings(self, session: str, limit: int) -> list[Asked]:
        """The last messages that were taken for askings, in order of arrival; `Asked.question` is "" where a person
        said that they ask nothing."""
        ...

    async def answered(self, session: str) -> list[tuple[QuestionState, list[Asked]]]:
        """The answered questions of a session, each with every wording as in `asked`."""
        ...

    async def asked_by(self, session: str, person: Person) -> list[Asked]:
        """What one person asked, on any chat they linked, in order of arrival."""
        ...

    async def vote(self, question: str, person: Person, on: bool, at: float) -> None:
        """Unique by (question, person); a second vote changes nothing."""
        ...

    async def votes_of(self, session: str, person: Person) -> set[str]:
        """Ids of the questions this person votes for (final ids where they were merged), on any chat they linked."""
        ...

    async def apply(self, change: Change, told: Mapping[str, Fingerprint] | None = None) -> Action:
        """Apply a change and write the ledger. Raises `Conflict` where a `before` is no longer what stands, a second
        question would be on stage, or the session that it opens is there. Votes go along with what leaves a question
        that is removed.

        `told`: who asks the questions of which it tells (`queueing.fingerprints`). Raises `AskedMeanwhile` where others
        ask them by now, or somebody was forgotten; then nothing changed.

        Of what waits nobody is told what an act said that is undone, an answer or a reason that a question has no more,
        or of one which they left or which was merged, or of a survey that is closed; where the closing is undone, that
        waits again."""
        ...

    async def actions(self, session: str, limit: int = 100, since: int = 0, what: Sequence[str] = ()) -> list[Action]:
        """Those with an id greater than `since`, the newest first; with `what` only acts of these names."""
        ...


class Recurrences(Protocol):
    """What was asked on earlier evenings of a series; a question's own are in `Question.earlier`."""

    async def revisions(self) -> dict[str, int]:
        """The newest revision of each session that has a queue."""
        ...

    async def recurrences(self, sessions: Sequence[str]) -> list[Recurrence]: ...

    async def keep_recurrences(self, session: str, found: Sequence[Recurrence]) -> bool:
        """These are the session's, and no others; whether that changes anything. What changes has a new revision."""
        ...

    async def recall(self, session: str, evening: str) -> bool:
        """Something was done on an `evening` before this session: what recurs from there has a new revision; whether
        anything does."""
        ...


class Promotions(Protocol):
    """Answers on their way into the FAQ of a course."""

    async def promotions(self, session: str) -> list[Promotion]:
        """In the order in which they were proposed."""
        ...

    async def keep_promotion(self, before: Promotion | None, after: Promotion, of: Collection[int] = ()) -> None:
        """`of`: the messages of whose words the entry is made. Raises `ForgottenMeanwhile` where one has none any more,
        `Conflict` where `before` is not what stands, `NotFound` for an unknown question."""
        ...

    async def forget_promotion(self, question: str) -> None:
        """It was proposed, and its answer is gone. What was decided or written stays."""
        ...


class Stages(Protocol):
    """How the stages are shown."""

    async def stage(self, session: str) -> Stage: ...

    async def keep_stage(self, session: str, stage: Stage) -> None: ...

    async def restart_stage(self, session: str, at: float) -> None:
        """From now on the question on stage counts as having come there at `at`; without one nothing happens."""
        ...


class Vectors(Protocol):
    """The vectors of the messages. All come from one encoder: those of two say nothing about each other."""

    async def encoder(self) -> str | None:
        """The fingerprint of the encoder that made them; "" where it was not kept, None where there are none."""
        ...

    async def keep_encoder(self, fingerprint: str) -> None:
        """Those that come next are of this one."""
        ...

    async def encoded(self) -> list[tuple[int, str]]:
        """Ids and texts of all messages with a vector."""
        ...

    async def reencode(self, fingerprint: str, vectors: Sequence[tuple[int, Vector]]) -> None:
        """Put these in the place of all there are, by the id of the message, in one transaction."""
        ...


class Deliveries(Protocol):
    """What is to be said."""

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Add or, by key, reword."""
        ...

    async def due(self, now: float, limit: int = 200, but: Collection[str] = ()) -> list[Delivery]:
        """Waiting deliveries whose `not_before` is reached, oldest first, without those for the connectors of `but`;
        none for a chat that wanted to wait with another one (`reach.SILENCE`). Marks none."""
        ...

    async def send_again(self, connector: str) -> None:
        """What was being sent there waits again: whoever sent it does not any more (`reach.CUT_OFF`)."""
        ...

    async def settle(self, delivery: Delivery) -> bool:
        """Write state, attempts, not_before, sent_id and error of a delivery that waits or is being sent; whether it
        does. One that was reworded meanwhile stays waiting but keeps `sent_id`, one that was given up stays so. For
        whoever sends there."""
        ...

    async def withhold(self, delivery: Delivery, why: str) -> None:
        """It is not to be said after all, as far as it waits in these words, nor tried again where it is being sent.
        Any process may say so."""
        ...

    async def deliveries(self, session: str) -> list[Delivery]: ...

    async def answering(self, session: str) -> list[Delivery]:
        """Of those the ones that answer questions."""
        ...


class Logins(Protocol):
    """Who is signed in. Tokens are hashed by the caller."""

    async def admit(self, entry: Entry, now: float) -> Login | None:
        """Use a link up, make or find the person, give what it promises and open the login, all of it or nothing.

        None for a link that is unknown, over, used or revoked. The person of a link that carries its promise is the one
        of that name who has exactly these roles, else somebody new. Where a name is taken, a number is added.
        """
        ...

    async def open_login(self, person: str, device: Device, now: float) -> Login | None:
        """None where the person is gone."""
        ...

    async def login(self, token_hash: str, now: float) -> Login | None: ...

    async def used(self, token_hash: str, now: float) -> None:
        """This login was used just now."""
        ...

    async def logins(self, person: str, now: float) -> list[Login]:
        """The newest first, without their roles."""
        ...

    async def close_login(self, token_hash: str) -> None: ...

    async def close_logins(self, person: str, *, only: str = "", but: str = "") -> int:
        """End a person's logins, by their ids: this one only, or all but one and with them the links for further
        devices; how many there were."""
        ...


class People(Protocol):
    """Persons, roles and invitations. What is done to a person is in the ledger, in the same transaction."""

    async def people(self, now: float) -> list[Account]:
        """Everybody, by name."""
        ...

    async def person(self, id: str, now: float) -> Account:
        """Raises `NotFound`."""
        ...

    async def password_of(self, name_key: str) -> tuple[str, str] | None:
        """Id and hashed password ("": none) of the person of that name."""
        ...

    async def set_password(self, person: str, password: str, by: Actor, now: float, *, but: str = "") -> None:
        """Sets the hash and ends all logins but one, and the links for further devices. Raises `NotFound`."""
        ...

    async def rename(self, person: str, name: str, by: Actor, now: float) -> None:
        """Raises `Conflict` where another has that name, `NotFound`."""
        ...

    async def give_role(self, person: str, grant: Grant, by: Actor, now: float) -> None:
        """In the place of what the person had in that session. Who organises all sessions no more has their open
        invitations revoked, here and in the next two. Raises `LastOrganiser`, `NotFound`."""
        ...

    async def take_role(self, person: str, session: str, by: Actor, now: float) -> None:
        """Raises `LastOrganiser`, `NotFound`."""
        ...

    async def remove_person(self, person: str, by: Actor, now: float) -> None:
        """With roles and logins. Raises `LastOrganiser`, `NotFound`."""
        ...

    async def sign_out(self, person: str, by: Actor, now: float) -> int:
        """End all logins of a person and the links for further devices; how many logins there were. Raises
        `NotFound`."""
        ...

    async def invite(self, token_hash: str, invitation: Invitation, by: Actor, now: float) -> Invitation:
        """As it is kept: it ends with the time for which whoever makes it organises all sessions. Raises `NotFound`
        where it is for a person who is gone."""
        ...

    async def invitation(self, token_hash: str, now: float) -> Invitation | None:
        """None where it is unknown, over, used or revoked."""
        ...

    async def invitations(self, now: float) -> list[Invitation]:
        """Those that are good, the newest first."""
        ...

    async def revoke(self, invitation: str, by: Actor, now: float) -> None:
        """Raises `NotFound` where it is not good any more."""
        ...

    async def deeds(self, limit: int = 200) -> list[Deed]:
        """The ledger, the newest first."""
        ...


class Accounts(Logins, People, Protocol):
    """What signing in needs."""


class Sources(Protocol):
    """How the sources are and were."""

    async def keep_sources(self, healths: Sequence[SourceHealth], outages: Sequence[Outage] = ()) -> None:
        """Write how they stand; an outage by (source, began)."""
        ...

    async def keep_feed(self, feed: Feed, by: Actor, now: float) -> None:
        """From now on the source feeds this session; the ledger of deeds says who did it."""
        ...

    async def feeds(self) -> list[Feed]: ...

    async def sources(self) -> list[SourceReport]:
        """Every source that was ever kept, by name; outages in order of time."""
        ...


class Links(Protocol):
    """Which persons are the same human, as they said themselves. Codes are stored hashed by the caller."""

    async def offer_link(self, code_hash: str, owner: Person, expires_at: float) -> None: ...

    async def link(self, code_hash: str, person: Person, now: float) -> bool:
        """From now on `person` counts as the one who was offered this code. False for one that is unknown, too old,
        their own, or used by somebody else; the same again changes nothing."""
        ...

    async def unlink(self, owner: Person, person: Person) -> None: ...

    async def linked(self, owner: Person) -> list[Person]: ...


class Forgetting(Protocol):
    """What is known of a person of the audience, and forgetting it. A person stands for whoever linked themselves to
    them as well."""

    async def whoever(self, text: str, limit: int = 50) -> list[tuple[Person, int, float]]:
        """Persons whose name or id holds this text, with their messages and when they wrote last; the newest first."""
        ...

    async def known(self, person: Person) -> Known: ...

    async def forget(self, person: Person, by: Actor | None, now: float) -> Forgotten:
        """Keep what is theirs as counts alone. Afterwards no byte of it is in the files of the store. `by` goes into
        the ledger of people, without whom it was about."""
        ...

    async def look_to_forget(self, now: float) -> LastLook:
        """To be asked before anything is forgotten by its age, and kept: whether that is held now."""
        ...

    async def forget_before(self, before: float) -> Forgotten:
        """The same for everybody in the sessions in which nothing was said since; what founded a question keeps its
        words."""
        ...


class Polls(Protocol):
    """Polls with their results, and the pulse. What staff does to a poll is a `Change` and goes through `apply`."""

    async def polls(self, session: str) -> list[Poll]:
        """In the order in which they were made. A human on several linked chats counts once, with the last vote."""
        ...

    async def poll(self, id: str) -> Poll:
        """Raises `NotFound`."""
        ...

    async def vote_poll(self, vote: PollVote) -> None:
        """One vote a poll and person, the last one counts. Raises `NotFound`, and `NotAllowed` where it is not open."""
        ...

    async def unvote_poll(self, poll: str, person: Person) -> None:
        """Take back what this human voted, on whichever chat. Raises as `vote_poll`."""
        ...

    async def poll_votes_of(self, session: str, person: Person) -> dict[str, tuple[str, ...]]:
        """What a person voted last, on any chat they linked, by poll."""
        ...

    async def chats(self, session: str) -> list[Address]:
        """Every chat of the session in which somebody can be answered, without a message to reply to."""
        ...

    async def pulse_on(self, session: str) -> bool: ...

    async def feel(self, pulse: Pulse) -> None:
        """Raises `NotAllowed` where the pulse is off."""
        ...

    async def pulse(self, session: str, since: float) -> list[tuple[int, str, int]]:
        """(minute since the epoch, mood, people), in order of time."""
        ...


class Surveys(Protocol):
    """Surveys and who answered them. What staff does to one is a `Change` and goes through `apply`."""

    async def surveys(self) -> list[SurveyState]:
        """Those of all sessions, in the order in which they were made."""
        ...

    async def survey(self, session: str) -> SurveyState | None: ...

    async def survey_results(self, session: str) -> list[Poll]:
        """What each item brought, as polls that stand as the survey stands, in their order. A human on several linked
        chats counts once, with the last answer."""
        ...

    async def answer_survey(self, session: str, vote: PollVote) -> None:
        """`vote.poll` names an item; the last answer of a person counts. Raises `NotFound`, and `NotAllowed` where the
        survey is not open."""
        ...

    async def unanswer_survey(self, session: str, item: str, person: Person) -> None:
        """Take back what this human answered, on whichever chat. Raises as `answer_survey`."""
        ...

    async def survey_answers_of(self, session: str, person: Person) -> dict[str, tuple[str, ...]]:
        """What a person answered last, on any chat they linked, by item."""
        ...

    async def turnout(self, session: str) -> tuple[int, list[Turnout]]:
        """How many people answered something, and how many of each chat's."""
        ...

    async def silent(self, session: str) -> list[Address]:
        """The private chats of those who took part, have not answered, and did not ask to hear nothing more; one a
        human, without a message to reply to."""
        ...

    async def private_chat(self, session: str, person: Person) -> Address | None:
        """Where only this person reads, without a message to reply to; None where there is no such place."""
        ...

    async def reminded(self, session: str) -> int:
        """How many reminders were said since the survey was opened last."""
        ...

    async def remind(self, session: str, number: int, deliveries: Sequence[Delivery]) -> None:
        """Say the reminder of that number; one that was said before is not said again."""
        ...


class Reviews(Protocol):
    """What experts do with a session's questions until they are answered."""

    async def keep_draft(self, draft: Draft, base: float) -> Draft:
        """In the place of what this person had there, which was kept at `base` (0: nothing); what is kept now, with its
        new time. An empty one is forgotten. The same again changes nothing. Raises `Conflict` where another one stands,
        `NotFound`."""
        ...

    async def draft(self, question: str, person: str) -> Draft | None: ...

    async def drafts(self, session: str) -> list[Draft]:
        """Everybody's, the oldest first."""
        ...

    async def decline(self, question: str, person: str, on: bool, at: float) -> None:
        """It is not for this person, or is after all. Raises `NotFound`."""
        ...

    async def declined(self, session: str) -> list[Declined]:
        """In the order in which it was said."""
        ...

    async def done(self, session: str, once: str) -> Action | None:
        """The act of that name, see `Change.once`."""
        ...


class Reports(Protocol):
    """What reports are counted from: one reading a session, whatever its size."""

    async def heard(self, session: str) -> list[Heard]:
        """Every message, in order of arrival."""
        ...

    async def humans(self, session: str) -> set[tuple[str, str]]:
        """Who said something, as in `Heard.human`."""
        ...

    async def names(self, session: str) -> set[str]:
        """What those are called who said, voted or did something in the session."""
        ...


class Rounds(Protocol):
    """What is due after a talk, and who is there to be told. What people do to a duty is a `Change`."""

    async def duties(self, session: str) -> list[DutyState]:
        """Those that ever were anything but open."""
        ...

    async def keep_duty(self, before: DutyState, after: DutyState, deliveries: Sequence[Delivery] = ()) -> None:
        """It stands so now, and this is to be said, in one transaction. Raises `Conflict` where `before` is no longer
        what stands."""
        ...

    async def hearings(self, session: str) -> list[Hearing]:
        """Every chat of the session in which somebody can be answered."""
        ...

    async def brought(self, session: str, sources: Sequence[str]) -> set[str]:
        """Those of these sources that brought something of the session; quickly found."""
        ...

    async def askers(self, session: str) -> list[Asker]:
        """Every human who asked something."""
        ...

    async def opt_out(self, person: Person, at: float) -> None:
        """They want to hear nothing that comes by itself, whichever chats they linked or will link."""
        ...

    async def opt_in(self, person: Person) -> bool:
        """They want to hear it again; whether they were out."""
        ...

    async def is_out(self, person: Person) -> bool: ...


class Transcripts(Protocol):
    """What was said aloud, one transcript a session, and where in it questions are answered."""

    async def transcript(self, session: str) -> Transcript | None: ...

    async def keep_transcript(
        self, transcript: Transcript, proposals: Sequence[Proposal] | None = None, noted: Change | None = None
    ) -> None:
        """In the place of the one there was; with `proposals`, these in the place of those there were. `noted` is
        what the ledger says of it, in the same transaction; here and below."""
        ...

    async def drop_transcript(self, session: str, noted: Change | None = None) -> None:
        """With its proposals."""
        ...

    async def proposals(self, session: str) -> list[Proposal]:
        """In order of time."""
        ...

    async def keep_proposal(self, session: str, proposal: Proposal) -> None:
        """In the place of the one there was for this question."""
        ...


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lease. `at` is where it answers other processes, "" where it does not."""

    owner: str
    at: str = ""


class Leases(Protocol):
    """Who does what only one process may do at a time, by the clock of the store. All methods raise `StoreError`.

    A lease is a name such as "pipeline:talk". It is good for `valid` seconds since it was taken or renewed last; once
    somebody took one that has run out, what its former owner still writes under it is refused (`Fenced`).
    """

    owner: str
    """This process, by a name that no other ever had."""
    at: str
    """See `Holder`; may be set once that is known."""
    valid: float

    async def renew(self, names: Collection[str], kinds: Collection[str] = ()) -> frozenset[str]:
        """Those of these that are still ours, for `valid` seconds from now; as long everybody sees that this process
        stands ready for leases of these kinds."""
        ...

    async def take(self, name: str) -> bool:
        """Whether it is ours now: nobody had it, or not any more."""
        ...

    async def let_go(self, names: Collection[str] = (), kinds: Collection[str] = ()) -> None:
        """Others may have them now, and this process stands ready for these kinds no longer."""
        ...

    async def standing(self) -> Mapping[str, Holder]:
        """Who holds what, by its name; who stands ready for a kind holds "ready:KIND:OWNER"."""
        ...

    async def close(self) -> None: ...


EVERYTHING = frozenset({"everything"})
"""Stands for all kinds where it is not known what was written."""

Told = Callable[[str, frozenset[str]], None]
"""Hears, after the commit, that another process wrote to a session ("": to what belongs to none), and what kinds of
things; `EVERYTHING` where that is not known."""


class Notices(Protocol):
    """What other processes wrote."""

    def subscribe(self, told: Told) -> None:
        """From now on `told` is called in the event loop, after each commit of another process, a second late at
        most."""
        ...

    async def begin(self) -> None:
        """Nothing that is written from now on is missed. Raises `StoreError`."""
        ...

    async def run(self) -> None:
        """Listen until cancelled, whatever becomes of the store."""
        ...

    def say(self, topic: str, data: Mapping[str, Any]) -> None:
        """Tell the other processes something that is kept nowhere: small, as JSON has it. It may get lost."""
        ...

    def hear(self, topic: str, heard: Callable[[Mapping[str, Any]], None]) -> None:
        """From now on `heard` is called with what others say of this topic."""
        ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that comes round by itself, shared by several processes. `step` does what is due by now, as the store has
    it: done twice is as good as once, and what one leaves the next one finds. It is looked at when `cron` says so (with
    a sixth field of seconds), and `pause` seconds after `woken` was set, which is cleared then."""

    name: str
    step: Callable[[], Awaitable[object]]
    cron: str = "* * * * * */30"
    woken: Event | None = None
    pause: float = 0.0


Looked = Callable[[str, str], None]
"""Hears of a chore, by its name, what became of a look: "done", "failed", "stalled" (whoever did it is gone)."""


class Store(
    Backlogs,
    Inbox,
    Queue,
    Recurrences,
    Promotions,
    Stages,
    Vectors,
    Deliveries,
    Accounts,
    Sources,
    Links,
    Forgetting,
    Polls,
    Surveys,
    Reviews,
    Reports,
    Rounds,
    Transcripts,
    Protocol,
):
    """All that is kept. One process owns it; opening a store that another process holds raises `StoreBusy`."""

    async def close(self) -> None: ...


class Talks(Protocol):
    """What a connector may ask of the talks that the program runs."""

    async def receive(
        self, messages: Sequence[Message], cursor: Cursor | None = None, deliveries: Sequence[Delivery] = ()
    ) -> int: ...

    async def cursor(self, source: str) -> str | None: ...

    async def vote(self, session: str, question: str, person: Person) -> Question:
        """Count this person for the question; how it stands now."""
        ...

    async def not_answered(self, session: str, question: str, person: Person) -> Question:
        """An asker says that the course's answer does not answer it: it goes to the queue."""
        ...

    async def vote_poll(self, session: str, poll: str, person: Person, choices: Sequence[str]) -> Poll:
        """Somebody pressed or ticked this in the chat: numbers of options (from 1) or on the scale, words, or one text;
        none takes the vote back. How the poll stands now. Raises `NotFound`, `BadInput`, and `NotAllowed` where it is
        not open. What is typed needs no call: `receive` sees it."""
        ...

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        """The open questions in order of demand."""
        ...

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        """What this person asked and what became of it."""
        ...

    async def press_poll(self, session: str, poll: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        """Somebody pressed the button of one choice ("": to choose anew); how the poll stands now, and all that this
        person has chosen. Raises as `vote_poll`."""
        ...

    async def hear_again(self, person: Person) -> bool:
        """Somebody who wanted to hear nothing that comes by itself wants to again; whether they were out."""
        ...

    async def staff_pressed(self, act: str, about: str, person: Person) -> str:
        """A button of the staff's chat (a `Button.act` that begins with "staff_") was pressed there; what to tell the
        one who pressed it. The connector has made sure that it was in that chat. Raises `StoreError`."""
        ...

    async def staff_said(self, text: str, reply_to: str, person: Person, key: str) -> str:
        """Somebody wrote in the staff's chat, in reply to what was sent there as `reply_to` ("": to nothing); what to
        tell them, "" for nothing, by a `Delivery` of this key, which is that of this line alone. Raises
        `StoreError`."""
        ...

    async def staff_list(self, person: Person) -> None:
        """Somebody in the staff's chat wants to see the queue. Raises `StoreError`."""
        ...


class Floor(Talks, Protocol):
    """What a connector may ask of the program. Each source has one of its own."""

    def connected(self, *, complete: bool = False) -> None:
        """From now on the platform gives us what is said. `complete`: and what was said while we were away as well, so
        that nothing is missing."""
        ...

    def lost(self, why: str) -> None:
        """It does not any more; one line for people: what happened, what to do. Needless where `run` raises."""
        ...

    def notice(self, text: str) -> None:
        """Something is wrong though the connection stands; one line for people, shown until the next `connected`."""
        ...


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What a platform asks of us at `/in/<name>`. `headers` with names in small letters; `body` as it came."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HookReply:
    """What a platform that called us gets back."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Connector(Protocol):
    """One chat platform.

    A connector acknowledges to its platform only after `Floor.receive` returned.
    """

    name: str
    abilities: Abilities

    async def run(self, floor: Floor) -> None:
        """Connect once, say `floor.connected`, and listen as long as the connection lives.

        Raises `ConnectorError` when it is lost or cannot be had now; it is called again after a growing wait. Raises
        `TryLater` where the platform says how long that should be, and `Refused` where it turns us away for good (a
        wrong key, thrown out by a newer connection): then it stays down. The text says what happened and what to do.
        """
        ...

    async def send(self, delivery: Delivery) -> str:
        """Say it, or edit what was said where `delivery.sent_id` is set; the platform's id of the message.

        Raises `TryLater`, `Refused`, or `ConnectorError` (worth another try).
        """
        ...

    async def hook(self, request: HookRequest) -> HookReply:
        """Answer a GET or POST that the platform made to `/in/<name>`. Verifies it over the raw bytes first."""
        ...

    async def close(self) -> None: ...
