"""Does what is due after each talk: once, whatever crashes, and not when it is much too late.

What is due comes from planners; what became of it is in the store, written together with what is to be said. So a crash
leaves either nothing done or all of it queued, and the outbox goes on from there. Time comes in as an argument.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.errors import BadInput, Conflict, FloormicError, NotAllowed, NotFound
from bot.model import Action, Change, Delivery, DutyState, DutyStatus, Mode, Session
from bot.ports import Now, Store
from bot.quiet import DAY, Hours, is_quiet, next_allowed, next_round
from bot.replies import UNDO_WITHIN

log = logging.getLogger(__name__)

LATE = 2 * DAY
"""Seconds after which what should have been done is not done any more: nobody remembers the evening."""

REACH = 30 * DAY
"""Seconds after its end in which a talk is looked at."""

LOOK_EVERY = 20.0
LONGEST = 4000

TOPIC = "after"
"""The topic that watchers are told."""


@dataclass(frozen=True, slots=True)
class Round:
    """What is to be said, and how it reads where it is said in full. Without deliveries there is nobody to say it to or
    nothing to say."""

    text: str = ""
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is due once after a talk, under a name that is unique in its session.

    `due`: Unix seconds. `mode`: in `suggest` it waits for a person. `compose(text)` says it, in a person's words where
    these are not ""; the keys of what it says begin with "NAME:SESSION:". `editable`: a person may word it. `act` is
    done before what is said is written down and, after a crash, again: twice must be as good as once.
    """

    name: str
    due: float
    mode: Mode
    compose: Callable[[str], Awaitable[Round]]
    editable: bool = False
    act: Callable[[], Awaitable[None]] | None = None


Planner = Callable[[Session], Awaitable[Sequence[Duty]]]
"""What is due after this talk, which is over. Called often; raises `StoreError`."""


@dataclass(frozen=True, slots=True)
class Look:
    """A duty as it stands now. `shown`: "off", "planned", "waiting" (for a person), or its `DutyStatus`. `due`: when it
    comes, or came, by itself. `said` is what was said of it so far."""

    duty: Duty
    state: DutyState
    shown: str
    due: float
    said: tuple[Delivery, ...] = ()


class Rounds:
    """All methods may raise `NotFound`, `NotAllowed`, `BadInput`, `Conflict` and `StoreError`; then nothing changed."""

    def __init__(
        self,
        store: Store,
        now: Now,
        hours: Hours | None = None,
        *,
        changed: Callable[[str, str], None] = lambda *_: None,
        sending: Callable[[], None] = lambda: None,
        planners: Iterable[Planner] = (),
    ) -> None:
        self._store, self._now = store, now
        self.hours = hours or Hours()
        self._changed, self._sending = changed, sending
        self._planners = list(planners)
        self.woken = asyncio.Event()

    def add(self, planner: Planner) -> None:
        self._planners.append(planner)

    def wake(self) -> None:
        """A session ended, or is set otherwise."""
        self.woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.step()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self.woken.wait()
            self.woken.clear()

    async def step(self) -> None:
        """Do what is due now. What goes wrong with one duty stops no other; it is tried again."""
        for session in await self._store.sessions():
            if session.ended_at is None or self._now() - session.ended_at > REACH:
                continue
            states = await self._states(session.id)
            for duty in await self._plan(session):
                state = states.get(duty.name, DutyState(session.id, duty.name))
                try:
                    await self._do(session, duty, state)
                except (FloormicError, OSError, ValueError):
                    log.exception("%s: %s could not be done; it is tried again", session.id, duty.name)

    async def _do(self, session: Session, duty: Duty, state: DutyState) -> None:
        now = self._now()
        if state.status is not DutyStatus.OPEN or duty.mode is Mode.OFF or now < duty.due:
            return
        if now > duty.due + LATE:
            log.warning("%s: %s is dropped, for it was due more than two days ago", session.id, duty.name)
            await self._keep(state, DutyStatus.DROPPED)
        elif duty.mode is Mode.AUTO and not is_quiet(now, self.hours):
            said = await self._said(duty, state.text, now)
            await self._keep(state, DutyStatus.SENT if said else DutyStatus.EMPTY, said)

    async def _said(self, duty: Duty, text: str, at: float) -> tuple[Delivery, ...]:
        if duty.act is not None:
            await duty.act()
        return tuple(replace(each, not_before=at) for each in (await duty.compose(text)).deliveries)

    async def _keep(self, state: DutyState, status: DutyStatus, said: tuple[Delivery, ...] = ()) -> None:
        with suppress(Conflict):  # a person was faster
            await self._store.keep_duty(state, replace(state, status=status, at=self._now(), who=""), said)
        self._told(state.session, said)

    # -- what people do ------------------------------------------------------------------------------------------------

    async def look(self, session: str) -> list[Look] | None:
        """What is due after this talk and what became of it; None while it is not over."""
        here = next((one for one in await self._store.sessions() if one.id == session), None)
        if here is None or here.ended_at is None:
            return None
        states, said = await self._states(session), await self._store.deliveries(session)
        return [self._look(here, duty, states.get(duty.name), said) for duty in await self._plan(here)]

    def _look(self, session: Session, duty: Duty, known: DutyState | None, said: Sequence[Delivery]) -> Look:
        state, now = known or DutyState(session.id, duty.name), self._now()
        mine = tuple(each for each in said if each.key.startswith(f"{duty.name}:{session.id}:"))
        return Look(duty, state, _shown(duty, state, now), self._comes(duty, now), mine)

    def _comes(self, duty: Duty, now: float) -> float:
        return next_allowed(max(now, duty.due), self.hours)

    async def preview(self, session: str, name: str) -> tuple[Look, Round]:
        """A duty and what would be said of it now."""
        look = await self._of(session, name)
        return look, await look.duty.compose(look.state.text)

    async def send(self, who: str, session: str, name: str) -> Action:
        """Now, or in the morning where it is night. Once more corrects what was said."""
        look = await self._of(session, name)
        at = next_round(self._now() + UNDO_WITHIN, self.hours)
        said = await self._said(look.duty, look.state.text, at)
        if not said:
            raise NotAllowed("there is nothing to say, or no chat that it can be said in")
        after = replace(look.state, status=DutyStatus.SENT, at=self._now(), who=who)
        return await self._commit(who, "after_send", look.state, after, said)

    async def cancel(self, who: str, session: str, name: str) -> Action:
        state = (await self._of(session, name)).state
        if state.status is not DutyStatus.OPEN:
            raise Conflict("this was done already, or will not be done")
        return await self._set(who, "after_cancel", state, DutyStatus.CANCELLED)

    async def plan(self, who: str, session: str, name: str) -> Action:
        """It shall be done after all."""
        state = (await self._of(session, name)).state
        if state.status in {DutyStatus.OPEN, DutyStatus.SENT}:
            raise Conflict("this is planned already, or was done")
        return await self._set(who, "after_plan", state, DutyStatus.OPEN)

    async def word(self, who: str, session: str, name: str, text: str) -> Action:
        """Say it like this; "": in the proposed words. Where it was said already, sending it again corrects it."""
        look = await self._of(session, name)
        if not look.duty.editable:
            raise NotAllowed("this is worded for each person by itself")
        text = text.strip()
        if len(text) > LONGEST:
            raise BadInput(f"a message has at most {LONGEST:,} characters, this has {len(text):,}", "text")
        if text == look.state.text:
            raise Conflict("this is worded like that already")
        after = replace(look.state, text=text)
        return await self._commit(who, "after_word", look.state, after)

    async def _set(self, who: str, what: str, state: DutyState, status: DutyStatus) -> Action:
        after = replace(state, status=status, at=self._now(), who=who)
        return await self._commit(who, what, state, after)

    async def _commit(
        self, who: str, what: str, before: DutyState, after: DutyState, said: tuple[Delivery, ...] = ()
    ) -> Action:
        change = Change(before.session, self._now(), who, what, deliveries=said, duties=((before, after),))
        action = await self._store.apply(change)
        self._told(before.session, said)
        return action

    # -- how -----------------------------------------------------------------------------------------------------------

    def _told(self, session: str, said: Sequence[Delivery]) -> None:
        self._changed(session, TOPIC)
        if said:
            self._sending()

    async def _plan(self, session: Session) -> list[Duty]:
        return [duty for planner in self._planners for duty in await planner(session)]

    async def _states(self, session: str) -> dict[str, DutyState]:
        return {state.name: state for state in await self._store.duties(session)}

    async def _of(self, session: str, name: str) -> Look:
        found = next((look for look in await self.look(session) or () if look.duty.name == name), None)
        if found is None:
            raise NotFound(f"nothing called {name!r} is due after this talk, or it is not over")
        return found


def _shown(duty: Duty, state: DutyState, now: float) -> str:
    if state.status is not DutyStatus.OPEN:
        return state.status.value
    if duty.mode is Mode.OFF:
        return "off"
    if now > duty.due + LATE:
        return DutyStatus.DROPPED.value
    return "planned" if duty.mode is Mode.AUTO else "waiting"
