"""What the handlers work with, and who is calling. Built by `server.make_web`, read by everything beside it."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

from aiohttp import web
from jinja2 import Environment

from bot.accounts import Actor, Login, at_least, name_key
from bot.courses import Courses
from bot.errors import BadInput, Conflict, FloormicError, NotAllowed, NotFound, StoreError
from bot.experts import Experts
from bot.limits import Buckets, Pauses
from bot.live import Live
from bot.model import (
    Action,
    Answer,
    Change,
    Message,
    Person,
    Preview,
    Question,
    QuestionState,
    Seen,
    Session,
    SettingValue,
    SourceReport,
)
from bot.polls import Polls
from bot.ports import Connector, FindLikely, HookReply, HookRequest, Now, Store
from bot.rounds import Rounds
from bot.sessions import SETTINGS
from bot.surveys import Surveys
from bot.transcripts import Transcripts
from bot.trends import Trends
from bot.trying import Tryouts
from bot.web.assets import Assets
from bot.web.identity import Participant, Participants
from bot.web.limits import Limits, counted_by
from bot.web.queue_json import QueueJson
from bot.web.signin import SignIn
from bot.web.source_json import Configured
from bot.web.texts import say

Receive = Callable[[Sequence[Message]], Awaitable[int]]
"""Writes messages durably; how many were new."""

LookUp = Callable[[str, str], Awaitable[Preview]]
"""What would become of a text in a session, by its id, if it were asked now."""


@dataclass(frozen=True, slots=True)
class ReportWish:
    """How a report is wanted: "html", "xlsx", "csv", "md" or "json"; with names, without, or (None) as it is set; in a
    language, or ("") in that of the talks. `address`: the page shows ways to the other formats, which begin there;
    `to_series`: and to the report of the series."""

    format: str = "html"
    names: bool | None = None
    language: str = ""
    address: str = ""
    to_series: bool = False


class Reports(Protocol):
    """Reports as files: body and content type. Raises `NotFound`, `BadInput`."""

    async def session(self, id: str, wanted: ReportWish) -> tuple[bytes, str]: ...
    async def series(self, name: str, wanted: ReportWish) -> tuple[bytes, str]: ...


Call = Callable[[str, HookRequest], Awaitable[HookReply]]
"""Hands what a platform calls us with to the source of that name, which is there."""

Say = Callable[[str, Mapping[str, Any]], None]
"""Tells the other processes something of a topic that is kept nowhere."""

Hear = Callable[[str, Callable[[Mapping[str, Any]], None]], None]
"""From now on calls this with what they say of a topic."""

FindTrends = Callable[[str], Awaitable[Trends]]
"""What a series was about, by its name. Raises `NotFound`."""

SourcesNow = Callable[[], Awaitable[Sequence[SourceReport]]]
"""How the sources of this program are now."""


FeedSession = Callable[[str, str, Actor], Awaitable[None]]
"""Points a source, by its name, at a session; somebody does it."""


class Desk(Protocol):
    """What people do with the queue. Raises `NotFound`, `NotAllowed`, `BadInput`, `Conflict`, `StoreError`."""

    def turn(self, session: str) -> AbstractAsyncContextManager[object]: ...
    async def require_seen(self, session: str, seen: Mapping[str, Seen], stages: str = "") -> None: ...
    async def approve(self, who: str, ids: Sequence[str]) -> Action: ...
    async def edit(self, who: str, id: str, title: str) -> Action: ...
    async def merge(self, who: str, ids: Sequence[str], into: str) -> Action: ...
    async def apart(self, who: str, ids: Sequence[str], other: str) -> Action: ...
    async def split(self, who: str, id: str, messages: Sequence[int]) -> Action: ...
    async def move(self, who: str, messages: Sequence[int], question: str, to: str) -> Action: ...
    async def confirm(self, who: str, id: str, messages: Sequence[int]) -> Action: ...
    async def not_asking(self, who: str, id: str, messages: Sequence[int]) -> Action: ...
    async def take(self, who: str, session: str, message: int) -> Action: ...
    async def stage(self, who: str, id: str) -> Action: ...
    async def unstage(self, who: str, id: str) -> Action: ...
    async def next(self, who: str, id: str, text: str, then: str | None = None) -> Action: ...
    async def answer(
        self, who: str, id: str, text: str, sources: Sequence[str] = (), *, by: str = "", once: str = ""
    ) -> Action: ...
    async def aloud(self, who: str, answers: Mapping[str, Answer]) -> Action: ...
    async def accept(self, who: str, id: str) -> Action: ...
    async def again(self, who: str, id: str, earlier: str) -> Action: ...
    async def not_again(self, who: str, id: str, earlier: str) -> Action: ...
    async def recall(self, who: str, id: str, earlier: str) -> Action: ...
    async def tell_again(self, who: str, id: str) -> Action: ...
    async def dismiss(self, who: str, ids: Sequence[str], reason: str = "", shown: bool = False) -> Action: ...
    async def assign(self, who: str, ids: Sequence[str], expert: str) -> Action: ...
    async def reopen(self, who: str, ids: Sequence[str]) -> Action: ...
    async def pin(self, who: str, ids: str | Sequence[str], on: bool = True) -> Action: ...
    async def label(self, who: str, id: str, labels: Sequence[str]) -> Action: ...
    async def relabel(
        self, who: str, ids: Sequence[str], add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> Action: ...
    async def open_session(self, who: str, session: Session) -> Action: ...
    async def set_up(self, who: str, session: str, wanted: Mapping[str, SettingValue]) -> Action | None: ...
    async def undo(
        self, who: str, session: str, action: int | None = None, *, may_set: Container[str] = SETTINGS
    ) -> Action: ...
    async def vote(self, session: str, id: str, person: Person, on: bool = True) -> Question: ...
    async def not_answered(self, session: str, id: str, person: Person) -> Question: ...
    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]: ...


class TooFast(BadInput):
    """Somebody goes faster than the limits allow, or than slow mode (`slow`: its seconds); may go on in `seconds`."""

    def __init__(self, lang: str, seconds: float, slow: int = 0) -> None:
        self.seconds = max(1, round(seconds + 0.5))
        said = say(lang, "slow_mode", seconds=self.seconds, slow=slow) if slow else ""
        super().__init__(said or say(lang, "too_fast", seconds=self.seconds))


class NoSeat(FloormicError):
    """No more streams fit; who comes again in `seconds` may find a place. Not all at once, so it differs."""

    def __init__(self, lang: str) -> None:
        self.seconds = secrets.randbelow(16) + 5
        super().__init__(say(lang, "crowded"))


@dataclass(slots=True)
class Caller:
    """Who sent this request, filled in by the guards. `address` is the client's, behind trusted proxies too.

    `role` counts in `session`; a role in another session is worth nothing here. `organises`: they are organiser of
    every session. `least` is the role that the address asks for. `greeted`: the participant is new or was renamed, so
    the response sets the cookie.
    """

    address: str
    origin: str
    lang: str
    wants_page: bool = False
    login: Login | None = None
    login_token: str = ""
    session: Session | None = None
    role: str = "viewer"
    least: str = "viewer"
    organises: bool = False
    participant: Participant | None = None
    greeted: bool = False

    @property
    def place(self) -> str:
        """What their address counts as: whoever has a whole IPv6 network does not have as many tries."""
        return counted_by(self.address)[0]

    @property
    def staff(self) -> bool:
        return at_least(self.role, "expert")

    @property
    def here(self) -> Session:
        if self.session is None:
            raise NotFound("this address belongs to no session")
        return self.session

    @property
    def who(self) -> str:
        """The name in the ledger."""
        return self.login.name if self.login else ""

    @property
    def actor(self) -> Actor:
        """Who does something to persons. Raises `NotAllowed` for nobody."""
        return Actor(self.me.person, self.me.name)

    @property
    def me(self) -> Login:
        if self.login is None:
            raise NotAllowed("nobody is signed in")
        return self.login


@dataclass(frozen=True, slots=True)
class Tried:
    """A try that counts as a wrong one until it turns out to be right."""

    taken: Sequence[tuple[Buckets, str]]

    def right(self) -> None:
        for bucket, key in self.taken:
            bucket.give(key)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the handlers need; nothing in it is global."""

    store: Store
    desk: Desk
    polls: Polls
    surveys: Surveys
    live: Live
    receive: Receive
    look_up: LookUp
    likely: FindLikely
    hooks: Mapping[str, Connector]
    call: Call
    say: Say
    hear: Hear
    sign_in: SignIn
    now: Now
    zone: tzinfo | None
    public_url: str
    reports: Reports
    trends: FindTrends
    sources: Mapping[str, Mapping[str, str]]
    sources_now: SourcesNow
    configured: Mapping[str, Configured]
    in_file: Collection[str]
    feed: FeedSession
    courses: Courses
    tryouts: Tryouts
    transcripts: Transcripts
    experts: Experts
    replying: Callable[[], Container[str]]
    rounds: Rounds
    defaults: Mapping[str, SettingValue]
    forgotten: Callable[[], Awaitable[None]]
    limits: Limits
    precision: float
    participants: Participants
    queue_json: QueueJson
    templates: Mapping[str, Environment]
    assets: Assets
    buckets: Mapping[str, Buckets]
    known: Pauses
    asked: Pauses

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")

    def cookie_name(self, name: str) -> str:
        return f"__Host-floormic-{name}" if self.secure else f"floormic-{name}"

    def participant(self, caller: Caller) -> Participant:
        """Who is calling, as a viewer; somebody new gets an identity now."""
        if caller.participant is None:
            caller.participant, caller.greeted = self.participants.new(), True
        return caller.participant

    def greet(self, caller: Caller, participant: Participant) -> None:
        """From now on this device is that participant."""
        caller.participant, caller.greeted = participant, True

    def take(self, bucket: str, key: str, lang: str) -> None:
        """Raises `TooFast` where the bucket of this key is empty."""
        if seconds := self.buckets[bucket].take(key):
            raise TooFast(lang, seconds)

    def take_as(self, caller: Caller, bucket: str) -> Participant:
        """The caller as somebody who types, asks or votes once more. Raises `TooFast` where they are too fast, or where
        too many do so for the first time: clearing a browser's cookies makes one a new person, but not at any pace."""
        participant = self.participant(caller)
        self.take(bucket, participant.id, caller.lang)
        if participant.id not in self.known:
            near, network = counted_by(caller.address)
            self.take("newcomers", near, caller.lang)
            self.take("newcomers_of_network", network, caller.lang)
            if caller.session:
                self.take("newcomers_of_session", caller.session.id, caller.lang)
        self.known.note(participant.id)
        return participant

    @contextmanager
    def turn(self, caller: Caller, participant: Participant, message: str) -> Iterator[None]:
        """Their turn to ask, with this message; what cannot be written takes none. Raises `TooFast` where the session
        is in slow mode and they asked something else a moment ago."""
        key = f"{caller.here.id} {participant.id}"
        if self.asked.last(key) == message:  # sent again, as its reply was lost
            yield
            return
        if seconds := self.asked.wait(key, caller.here.slow):
            raise TooFast(caller.lang, seconds, caller.here.slow)
        self.asked.note(key, message)
        try:
            yield
        except StoreError:
            self.asked.forget(key)
            raise

    def take_write(self, caller: Caller) -> None:
        """Raises `TooFast` where this address, or its network, sends too much."""
        near, network = counted_by(caller.address)
        self.take("writes", near, caller.lang)
        self.take("networks", network, caller.lang)

    def may_guess(self, caller: Caller) -> None:
        """Raises `TooFast` where this address guessed wrong too often."""
        if seconds := self.buckets["guesses"].wait(caller.place):
            raise TooFast(caller.lang, seconds)

    def guessed_wrong(self, caller: Caller) -> None:
        self.buckets["guesses"].take(caller.place)

    def in_time(self, caller: Caller, by: float | None) -> None:
        """Raises `Conflict` for what was to be done until `by` and comes later."""
        if by is not None and self.now() > by:
            raise Conflict(say(caller.lang, "too_late"))

    def try_password(self, caller: Caller, name: str) -> "Tried":
        """Counts a try before it is looked at, so that many at once do not pass. Raises `TooFast` where this address or
        this name was tried wrong too often, whether or not anybody has that name."""
        keys = [(self.buckets["guesses"], caller.place), (self.buckets["account_guesses"], name_key(name)[:200])]
        if seconds := max(bucket.wait(key) for bucket, key in keys):
            raise TooFast(caller.lang, seconds)
        for bucket, key in keys:
            bucket.take(key)
        return Tried(keys)

    async def record(self, caller: Caller, what: str) -> None:
        """A row of the session's ledger for what was just done, where that is nothing to take back."""
        await self.store.apply(Change(caller.here.id, self.now(), caller.who, what))

    async def session(self, id: str, lang: str) -> Session:
        found = next((s for s in await self.store.sessions() if s.id == id), None)
        if found is None:
            raise NotFound(say(lang, "no_session", session=id))
        return found


CALLER = web.RequestKey("caller", Caller)
