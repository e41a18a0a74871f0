"""What connectors may do, for real: everything that comes in goes through the one inbox."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.desk import Desk
from bot.linking import hashed, said_code
from bot.model import Cursor, Delivery, Message, Person, Poll, PollVote, Question, QuestionState
from bot.opting import said as said_opting
from bot.polls import Polls
from bot.ports import Floor, Now, Store
from bot.replies import link_reply, opt_reply, test_reply
from bot.staffroom import StaffRoom
from bot.surveying import is_item
from bot.surveys import Surveys
from bot.tracing import concerning, message_id
from bot.traffic import Traffic
from bot.trying import Tryouts
from knowledge.splitting import split

log = logging.getLogger(__name__)

REMEMBERED = 20_000
"""Wishes to hear nothing, or again: so many are known when they are delivered again."""


class OpenFloor:
    """What connectors and pages may do: everything that comes in goes through `receive`. `staff`: the staff's rooms by
    the source that carries each; `received` hears what was written, and how much of it was new."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        arrived: Callable[[set[str]], None],
        sending: Callable[[], None],
        *,
        polls: Polls | None = None,
        surveys: Surveys | None = None,
        linked: Callable[[str], None] = lambda _: None,
        tryouts: Tryouts | None = None,
        now: Now = time.time,
        staff: Mapping[str, StaffRoom] | None = None,
        received: Callable[[Sequence[Message], int], None] = lambda *_: None,
        traffic: Traffic | None = None,
    ) -> None:
        self._received = received
        self._polls = polls or Polls(store, lambda *_: None, now)
        self._surveys = surveys or Surveys(store, lambda *_: None, now)
        self._store = store
        self._staff = {} if staff is None else staff
        self._desk = desk
        self._arrived = arrived
        self._sending = sending
        self._linked = linked
        self._tryouts = tryouts or Tryouts(now)
        self._now = now
        self._traffic = traffic or Traffic()
        self._pressing: WeakValueDictionary[tuple[str, Person], asyncio.Lock] = WeakValueDictionary()
        self._wishes: dict[tuple[str, str], bool | None] = {}  # source, external id -> what it was; the oldest first

    async def receive(
        self, messages: Sequence[Message], cursor: Cursor | None = None, deliveries: Sequence[Delivery] = ()
    ) -> int:
        brought = messages
        self._traffic.note(len(messages))
        codes = [(message, code) for message in messages if (code := said_code(message.text))]
        tests = [message for message in messages if self._tryouts.is_test(message)]
        opted = [(message, on) for message in messages if (on := await self._opted(message)) is not None]
        told = [
            *[await self._link(message, code) for message, code in codes],
            *[await self._test(message) for message in tests],
            *[opt_reply(message, on, await self._language(message.session)) for message, on in opted],
        ]
        deliveries = (*deliveries, *(said for said in told if said))
        done = [*tests, *(message for message, _ in opted)]
        messages = [message for message in messages if not said_code(message.text) and message not in done]
        votes = await self._polls.heard(messages)
        sessions = {message.external_id: message.session for message in messages}
        voting = {(vote.person.source, vote.message) for vote in votes}
        parts = [
            part for m in messages for part in ([m] if m.aside or (m.source, m.external_id) in voting else _parts(m))
        ]
        new = await self._store.receive(parts, cursor, deliveries, votes)
        if new:
            self._arrived({m.session for m in messages})
        for session in {m.session for m in messages} if votes else ():
            self._polls.counted(session)
        for vote in votes:
            if isinstance(vote, PollVote) and is_item(vote.poll):
                await self._surveys.answered(sessions[vote.message], vote.person)
        if deliveries:
            self._sending()
        new += len(codes) + len(done)  # what was done for them was done now
        self._received(brought, new)
        for message in brought if log.isEnabledFor(logging.DEBUG) else ():
            with concerning(message_id=message_id(message), session=message.session, source=message.source):
                log.debug("received")
        return new

    async def _link(self, message: Message, code: str) -> Delivery | None:
        """Somebody says with a code that they are the one of the web page; what they are told, where they can be."""
        done = await self._store.link(hashed(code), message.person, self._now())
        if done:
            self._linked(message.session)
        return link_reply(message, done, await self._language(message.session))

    async def _opted(self, message: Message) -> bool | None:
        """What somebody wants to hear from now on; None for any other message. Who is not out and wants in says
        nothing new: that may be meant for the speaker. What is delivered again is done once, for they may have said
        something else since."""
        on, key = said_opting(message.text), (message.source, message.external_id)
        if on is None:
            return None
        if key not in self._wishes:
            if not on:
                await self._store.opt_out(message.person, self._now())
            elif not await self._store.opt_in(message.person):
                on = None
            self._wishes[key] = on
            if len(self._wishes) > REMEMBERED:
                del self._wishes[next(iter(self._wishes))]
        return self._wishes[key]

    async def _test(self, message: Message) -> Delivery | None:
        key = self._tryouts.heard(message)
        return test_reply(message, key, await self._language(message.session)) if key else None

    async def _language(self, session: str) -> str:
        return next((s.language for s in await self._store.sessions() if s.id == session), "zh")

    async def cursor(self, source: str) -> str | None:
        return await self._store.cursor(source)

    async def vote(self, session: str, question: str, person: Person) -> Question:
        return await self._desk.vote(session, question, person)

    async def not_answered(self, session: str, question: str, person: Person) -> Question:
        return await self._desk.not_answered(session, question, person)

    async def vote_poll(self, session: str, poll: str, person: Person, choices: Sequence[str]) -> Poll:
        if is_item(poll):
            return await self._surveys.say(session, poll, person, choices)
        return await self._polls.vote(session, poll, person, choices)

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        return await self._desk.top(session, limit)

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        return await self._desk.mine(session, person)

    async def press_poll(self, session: str, poll: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        acting = self._surveys if is_item(poll) else self._polls
        # Where several may be chosen a press adds to what stands: two at once would both add to the same.
        async with self._pressing.setdefault((poll, person), asyncio.Lock()):
            return await acting.press(session, poll, person, choice)

    async def hear_again(self, person: Person) -> bool:
        return await self._store.opt_in(person)

    async def staff_pressed(self, act: str, about: str, person: Person) -> str:
        room = self._staff.get(person.source)
        return await room.pressed(act, about, person) if room else ""

    async def staff_said(self, text: str, reply_to: str, person: Person, key: str) -> str:
        room = self._staff.get(person.source)
        return await room.said(text, reply_to, person, key) if room else ""

    async def staff_list(self, person: Person) -> None:
        if room := self._staff.get(person.source):
            await room.post_list()


class Unwatched(OpenFloor, Floor):
    """The floor for a source that nobody watches over, such as a recorded chat."""

    def connected(self, *, complete: bool = False) -> None: ...

    def lost(self, why: str) -> None: ...

    def notice(self, text: str) -> None: ...


def _parts(message: Message) -> list[Message]:
    """A message that asks several things as several, from here on."""
    return [replace(message, text=text, part=part) for part, text in enumerate(split(message.text), 1)]
