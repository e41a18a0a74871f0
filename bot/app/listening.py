"""`floormic listen`: what one source delivers, shown as it comes and kept nowhere.

What a platform must be told that it arrived is not told, so that it comes again when the program runs: a message with a
cursor (the next question to the platform would confirm it) and one that the platform brings to our address are refused
as if the disk were full. What a platform says only once, over an open connection, is gone.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar, cast

from aiohttp import web

from bot.app.sources import KINDS, surroundings
from bot.app.terminal import plain
from bot.errors import (
    BadInput,
    ConnectorError,
    FloormicError,
    NotFound,
    Refused,
    SettingsError,
    StoreBusy,
    StoreError,
    TryLater,
)
from bot.model import Cursor, Delivery, Message, Person, Poll, Question, QuestionState
from bot.options import SourceOptions
from bot.phrases import in_language
from bot.ports import Accounts, Connector, Floor, HookReply, HookRequest, Now
from bot.settings import Settings, keep_secret
from bot.settings.wording import did_you_mean
from bot.storage import inbox
from bot.storage import postgres_connection as postgres
from bot.storage.connection import Failure, claim, connect
from bot.storage.postgres_connection import PostgresDatabase
from bot.storage.postgres_leases import is_held
from bot.supervisor import default_wait
from bot.web.failures import LARGEST_BODY
from bot.web.serving import Serving, serve
from bot.web.signin import SignIn

T = TypeVar("T")

Say = Callable[[str], None]

AGAIN = 2.0
"""Seconds until what was not confirmed is asked for again, with what came meanwhile."""

REMEMBERED = 10_000
"""So many messages and answers are known, so that what comes again is shown once."""

BUSY = HookReply(503, b'{"error": "only listening", "code": "busy"}', headers=(("Retry-After", "60"),))

_called: ContextVar[bool] = ContextVar("called", default=False)


class NotKept(StoreError):
    """It was shown, but the platform shall bring it again."""


class Ear(Floor):
    """A floor that says what it hears. `cursor`: where the program stopped reading; `language`: of its own
    words."""

    def __init__(self, say: Say, now: Now, cursor: str | None = None, language: str = "en") -> None:
        self._say, self._now, self._cursor, self._language = say, now, cursor, language
        self._state = ""
        self._known: deque[str] = deque(maxlen=REMEMBERED)

    def connected(self, *, complete: bool = False) -> None:
        self._enter("connected" + (", also to what was said before" if complete else ""))

    def lost(self, why: str) -> None:
        self._enter(f"not connected: {plain(why)}")

    def notice(self, text: str) -> None:
        self._line(f"! {in_language(plain(text), self._language)}")

    async def receive(
        self, messages: Sequence[Message], cursor: Cursor | None = None, deliveries: Sequence[Delivery] = ()
    ) -> int:
        new = [message for message in messages if self._first(f"{message.source} {message.external_id}")]
        for message in new:
            self._line(heard(message, self._language), message.at)
        for delivery in deliveries:
            if self._first(delivery.key):
                self._line(f"  would be answered: {plain(delivery.text)}")
        if cursor is not None or _called.get():
            raise NotKept("only listening: nothing was kept")
        return len(new)

    async def cursor(self, source: str) -> str | None:
        return self._cursor

    async def vote(self, session: str, question: str, person: Person) -> Question:
        raise NotFound(f"only listening: the vote of {plain(person.name) or 'somebody'} counts nowhere")

    async def not_answered(self, session: str, question: str, person: Person) -> Question:
        raise NotFound("only listening")

    async def vote_poll(self, session: str, poll: str, person: Person, choices: Sequence[str]) -> Poll:
        raise NotFound(f"only listening: the vote of {plain(person.name) or 'somebody'} counts nowhere")

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        return []

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        return []

    async def press_poll(self, session: str, poll: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        raise NotFound("only listening")

    async def hear_again(self, person: Person) -> bool:
        return False

    async def staff_pressed(self, act: str, about: str, person: Person) -> str:
        return ""

    async def staff_said(self, text: str, reply_to: str, person: Person, key: str) -> str:
        return ""

    async def staff_list(self, person: Person) -> None: ...

    def _enter(self, state: str) -> None:
        if state != self._state:
            self._state = state
            mark = "●" if state.startswith("connected") else "○"
            self._line(in_language(f"{mark} {state}", self._language))

    def _first(self, key: str) -> bool:
        if key in self._known:
            return False
        self._known.append(key)
        return True

    def _line(self, text: str, at: float | None = None) -> None:
        moment = datetime.fromtimestamp(self._now() if at is None else at).astimezone()
        self._say(f"{moment:%H:%M:%S}  {text}")


def heard(message: Message, language: str = "en") -> str:
    """Who said what, and how it may be answered."""
    marks = ["asked"] if message.explicit else []
    if message.address is None:
        marks.append("no reply")
    elif message.address.private:
        marks.append("private")
    mark = f" [{', '.join(in_language(mark, language) for mark in marks)}]" if marks else ""
    return f"{plain(message.author_name) or plain(message.author)}{mark}: {plain(message.text)}"


async def listen(
    settings: Settings,
    name: str,
    say: Say,
    *,
    now: Now = time.time,
    wait: Callable[[int], float] = default_wait,
    again: float = AGAIN,
    language: str = "en",
) -> None:
    """Listen to the configured source of that name until cancelled.

    Raises `BadInput` where there is none, `StoreBusy` while the program runs, `Refused` where the platform turns us
    away, and `SettingsError` where it must call us and the port is taken.
    """
    source = _source(settings, name)
    with _alone(settings, name):
        sign_in = SignIn(keep_secret(settings.secret_file).encode(), cast("Accounts", None), now)
        connector = KINDS[source.kind].make(source, surroundings(settings, source, now, sign_in.key))
        ear = Ear(say, now, _cursor(settings, name), language)
        serving = await _serve(settings, connector, say, language, needed=KINDS[source.kind].called)
        try:
            await _keep(connector, ear, wait, again)
        finally:
            if serving:
                await serving.close()
            with suppress(Exception):
                await connector.close()


def _source(settings: Settings, name: str) -> SourceOptions:
    known = {source.name: source for source in settings.sources}
    if name not in known:
        there = (
            f"there are: {', '.join(known)}" if known else "there is none yet; `floormic connect --list` names kinds"
        )
        raise BadInput(f"no source {name!r} is configured{did_you_mean(name, list(known))}; {there}")
    return known[name]


@contextmanager
def _alone(settings: Settings, name: str) -> Iterator[None]:
    """Hold the installation as the program does: two that listen to one chat throw each other out."""
    settings.data.mkdir(parents=True, exist_ok=True)
    if settings.postgres:
        if _asked(settings, lambda db: is_held(db, f"connector:{name}")):
            raise StoreBusy(
                f"another floormic listens to {name}. Two that listen to {name} would throw each other out; "
                "`floormic sources` shows how it is"
            )
        yield
        return
    try:
        held = claim(settings.database)
    except StoreBusy as error:
        raise StoreBusy(
            f"{error}. Two that listen to {name} would throw each other out; `floormic sources` shows how it is"
        ) from error
    try:
        yield
    finally:
        os.close(held)


def _asked(settings: Settings, work: Callable[[PostgresDatabase], T]) -> T | None:
    """What PostgreSQL says; None where there are no tables yet."""
    db = postgres.connect(settings.postgres)
    try:
        return work(db) if "leases" in db.columns() else None
    except postgres.Failure as error:
        raise postgres.explained(error) from error
    finally:
        db.close()


def _cursor(settings: Settings, name: str) -> str | None:
    """Where the program stopped reading; None where it never did."""
    if settings.postgres:
        return _asked(settings, lambda db: inbox.cursor(db, name))
    if not settings.database.exists():
        return None
    try:
        db = connect(settings.database, reading=True)
        try:
            return inbox.cursor(db, name)
        finally:
            db.conn.close()
    except Failure:
        return None


async def _keep(connector: Connector, ear: Ear, wait: Callable[[int], float], again: float) -> None:
    """Run it again whenever it ends, as the supervisor does."""
    failures = 0
    while True:
        told: float | None = None
        try:
            await connector.run(ear)
            trouble = "it stopped listening"
        except NotKept:
            failures = 0
            await asyncio.sleep(again)
            continue
        except Refused:
            raise
        except TryLater as error:
            trouble, told = str(error), error.seconds
        except (ConnectorError, FloormicError, OSError) as error:
            trouble = str(error) or type(error).__name__
        failures += 1
        seconds = wait(failures) if told is None else told
        ear.lost(f"{trouble} (again in {max(1, round(seconds))} s)")
        await asyncio.sleep(seconds)


async def _serve(settings: Settings, connector: Connector, say: Say, language: str, *, needed: bool) -> Serving | None:
    """The address that the platform may call, and nothing else. Raises `SettingsError` where it is needed and cannot
    be opened."""

    async def answer(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        _called.set(True)
        try:
            reply = await connector.hook(
                HookRequest(request.method, dict(request.query), headers, await request.read())
            )
        except StoreError:
            reply = BUSY
        say(f"{datetime.now().astimezone():%H:%M:%S}  called by {request.method}: answered {reply.status}")
        return web.Response(
            status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **dict(reply.headers)}
        )

    app = web.Application(client_max_size=LARGEST_BODY)
    path = f"/in/{connector.name}"
    app.router.add_get(path, answer, allow_head=False)
    app.router.add_post(path, answer)
    try:
        serving = await serve(app, settings.web.host, settings.web.port)
    except SettingsError:
        if needed:
            raise
        return None
    if needed:
        address = f"{settings.web.public_url.rstrip('/') or serving.url}{path}"
        say(in_language(f"The platform may call {address}", language))
    return serving
