"""Sends what is to be sent until it is sent, within each chat's limits.

The store is the only queue. Each step reads what is due and starts what may go now: one message at a time for each
chat, which keeps its order and its pace, and many chats at once, so that a chat or connector that fails or hangs stops
nobody else. In between nothing is remembered but who has to wait. (`aiolimiter` was looked at: its bucket lets twice
the rate through at the start and cannot say when a chat may go on, which is all that is needed here.)

A message is said at least once: where the outcome of a call is unknown (time ran out, the process died), it is said
again, because an answer that was said twice is better than one that never came. Chats that can tell the same message
(`Abilities.once`) say it once all the same; in another one it is noted that it may have been heard twice.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from bot.backoff import backoff
from bot.errors import ConnectorError, Fenced, Refused, StoreError, TryLater
from bot.fitting import fit
from bot.model import GONE, Abilities, Delivery
from bot.ports import Connector, Deliveries, Now
from bot.reach import CUT_OFF, SILENCE, TWICE
from bot.replies import worth_repeating
from bot.tracing import answered_id, concerning

log = logging.getLogger(__name__)

AT_ONCE = 200
"""So many due deliveries are read in a step."""

FLYING = 32
"""Calls of one connector at the same time."""

AHEAD = 0.5
"""Seconds that a call may wait for its turn under the overall rate; longer, and its text might be out of date."""

LOOK_EVERY = 0.5
"""Seconds between two looks at the store when nobody wakes us: what is not yet due comes of age silently."""

GAP = 0.02
"""Seconds between two looks in any case, so that many wakes make one."""

GIVE_UP = 20
"""Failures until a message is given up: with waits up to five minutes that is more than an hour's outage."""

LONGEST_BACKOFF = 300.0
FINISH = 5.0
HOUR = 3600.0

NO_REPLY = "this chat cannot be replied to; the answer is on the page"


def default_wait(failures: int) -> float:
    return backoff(failures, longest=LONGEST_BACKOFF, first=2.0)


@dataclass(slots=True)
class Lane:
    """One chat: when the next message may go (`free_at`), and whether one is on its way."""

    free_at: float = 0.0
    busy: bool = False
    said: deque[float] = field(default_factory=deque)

    def note(self, at: float, abilities: Abilities, private: bool) -> None:
        """A message goes at `at`. Groups get bursts up to what one minute allows, as the platforms count."""
        self.free_at = max(self.free_at, at + 1 / abilities.chat_rate)
        self.said.append(at)
        self.forget(at)
        if not private:
            most = max(1, int(abilities.group_rate * 60 + 1e-6))
            self._at_most(most, most / abilities.group_rate)
        if abilities.hourly:
            self._at_most(abilities.hourly, HOUR)

    def _at_most(self, most: int, seconds: float) -> None:
        if len(self.said) >= most:
            self.free_at = max(self.free_at, self.said[-most] + seconds)

    def forget(self, now: float) -> None:
        """What was said more than an hour ago counts for nothing."""
        while self.said and self.said[0] <= now - HOUR:
            self.said.popleft()

    def lately(self, now: float, seconds: float) -> int:
        return sum(at > now - seconds for at in self.said)


@dataclass(slots=True)
class Road:
    """One connector: the next free slot under its overall rate, until when it has to be silent, its chats."""

    connector: Connector
    next_slot: float = 0.0
    silent_until: float = 0.0
    flying: int = 0
    lanes: dict[str, Lane] = field(default_factory=dict)

    def lane(self, chat: str) -> Lane:
        if self.connector.abilities.topics:
            chat = chat.partition("/")[0]
        return self.lanes.setdefault(chat, Lane())

    def wait(self, lane: Lane, now: float) -> float:
        """Seconds until a message may start in this lane; infinite where only the end of another call can tell."""
        if lane.busy or self.flying >= FLYING:
            return float("inf")
        return max(lane.free_at - now, self.silent_until - now, self.next_slot - now - AHEAD, 0.0)

    def slot(self, now: float) -> float:
        """Take the next slot: when to send."""
        at = max(now, self.next_slot)
        self.next_slot = at + 1 / self.connector.abilities.rate
        return at

    def turn_back(self, seconds: float) -> None:
        """The clock was put back: what was reckoned by it was meant so much earlier."""
        self.next_slot -= seconds
        self.silent_until -= seconds
        for lane in self.lanes.values():
            lane.free_at -= seconds
            lane.said = deque(at - seconds for at in lane.said)

    def forget_idle(self, now: float) -> None:
        for lane in self.lanes.values():
            lane.forget(now)
        keep = HOUR if self.connector.abilities.hourly else 60.0
        self.lanes = {c: lane for c, lane in self.lanes.items() if lane.busy or lane.free_at > now - keep}


class Outbox:
    """Carries deliveries from the store to the connectors for as long as `run` runs.

    `page` gives the address of a session's page, where a text that is too long for a chat can be read whole.
    `attempts`: failures until a message is given up; `patience`: seconds that one call may take; `wait`: seconds to
    wait after so many failures; `finish`: seconds that calls under way get when it is stopped. `settled` hears of each
    delivery whose state was written. `held_until` says from when on what is due now may go: some things are not said at
    night, however late they come. `shared`: other processes say things too, this one what `carry` names; `stray` hears
    of connectors that are none any more, for which somebody has to give up.
    """

    def __init__(
        self,
        store: Deliveries,
        connectors: Mapping[str, Connector],
        now: Now = time.time,
        *,
        page: Callable[[str], str] = lambda _: "",
        attempts: int = GIVE_UP,
        patience: float = 60.0,
        wait: Callable[[int], float] = default_wait,
        finish: float = FINISH,
        settled: Callable[[Delivery], None] = lambda _: None,
        held_until: Callable[[Delivery, float], float] = lambda _, now: now,
        shared: bool = False,
        stray: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._store, self._now = store, now
        self._connectors, self._page = connectors, page
        self._attempts, self._patience, self._wait, self._longest_end = attempts, patience, wait, finish
        self._settled = settled
        self._no_answer = f"no answer within {patience:g} s"
        self._held_until = held_until
        self._shared, self._stray, self._ours = shared, stray, set[str]()
        self._roads: dict[str, Road] = {}
        self._settling = set[str]()
        self._calls: dict[asyncio.Task[Any], str] = {}  # to the connector that is called
        self._woken = asyncio.Event()
        self._limit, self._store_failures = AT_ONCE, 0
        self._looked_at = 0.0

    def said(self, connector: str) -> tuple[int, int]:
        """What this connector said in its busiest chat in the last minute and in the last hour."""
        lanes = self._roads[connector].lanes.values() if connector in self._roads else ()
        minute, hour = (max((lane.lately(self._now(), s) for lane in lanes), default=0) for s in (60.0, HOUR))
        return minute, hour

    def wake(self) -> None:
        """Something new is to be sent."""
        self._woken.set()

    async def carry(self, connector: str) -> None:
        """Say what is for the chats of this connector, until cancelled; another process may have done so until now.
        What that one left unfinished is said again: twice is better than never."""
        failures = 0
        while True:
            try:
                await self._store.send_again(connector)
                break
            except StoreError as error:
                failures += 1
                log.warning("%s: what is to be said cannot be read (%s); trying again", connector, error)
                await asyncio.sleep(backoff(failures, longest=5.0, first=0.2))
        self._ours.add(connector)
        self.wake()
        try:
            await asyncio.Event().wait()
        finally:
            self._ours.discard(connector)
            await self._finish(connector)

    async def run(self) -> None:
        """Until cancelled. Survives every error of the store and of connectors."""
        try:
            while True:
                seconds = await self._step()
                # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with the wake.
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()
                await asyncio.sleep(GAP)
                self._woken.clear()
        finally:
            await self._finish()

    async def _step(self) -> float:
        """Start what may go now; seconds until there may be more."""
        now = self._now()
        if (back := self._looked_at - now) > 0:
            for road in self._roads.values():
                road.turn_back(back)
        self._looked_at = now
        try:
            due = await self._due(now)
        except StoreError as error:
            self._store_failures += 1
            log.warning("the store gives no deliveries (%s); trying again", error)
            return backoff(self._store_failures, longest=5.0, first=LOOK_EVERY)
        self._store_failures = 0
        waits = [self._start(delivery, now) for delivery in due]
        self._tidy(now)
        return self._look_again(waits)

    async def _due(self, now: float) -> list[Delivery]:
        if not self._shared:
            return await self._store.due(now, self._limit)
        due = await self._store.due(now, self._limit, self._connectors.keys() - self._ours)
        for stray in {delivery.address.connector for delivery in due} - self._ours:
            self._stray(stray)
        return [delivery for delivery in due if delivery.address.connector in self._ours]

    def _look_again(self, waits: list[float | None]) -> float:
        """Where all that was read has to wait, others may stand behind it: read further at once."""
        if len(waits) < AT_ONCE:
            self._limit = AT_ONCE
        elif len(waits) == self._limit and None not in waits:
            self._limit *= 2
            return 0.0
        return min([LOOK_EVERY, *(w for w in waits if w is not None)])

    def _start(self, delivery: Delivery, now: float) -> float | None:
        """None where it was started, else the seconds it has to wait."""
        connector = self._connectors.get(delivery.address.connector)
        if connector is None or not connector.abilities.reply or delivery.address.chat.startswith(GONE):
            return self._start_settling(replace(delivery, state="failed", error=NO_REPLY))
        if delivery.sent_id and not connector.abilities.edit and not worth_repeating(delivery):
            return self._start_settling(replace(delivery, state="sent"))
        if (until := self._held_until(delivery, now)) > now:
            trouble = "" if delivery.error.startswith(SILENCE) else delivery.error  # the chat wants no such silence
            return self._start_settling(replace(delivery, not_before=until, error=trouble))
        road = self._roads.setdefault(connector.name, Road(connector))
        lane = road.lane(delivery.address.chat)
        if (wait := road.wait(lane, now)) > 0:
            return wait
        lane.busy, road.flying = True, road.flying + 1
        self._spawn(delivery, road, lane, road.slot(now))
        return None

    def _start_settling(self, delivery: Delivery) -> float | None:
        """Nothing is to be said after all."""
        key = delivery.key
        if key in self._settling or len(self._settling) >= FLYING:
            return float("inf")
        self._settling.add(key)
        task = asyncio.create_task(self._settle(delivery))
        self._watch(task, delivery.address.connector, lambda: self._settling.discard(key))
        return None

    def _spawn(self, delivery: Delivery, road: Road, lane: Lane, at: float) -> None:
        def landed() -> None:
            lane.busy, road.flying = False, road.flying - 1

        task = asyncio.create_task(self._carry(delivery, road, lane, at))
        self._watch(task, delivery.address.connector, landed)

    def _watch(self, task: asyncio.Task[Any], connector: str, done: Callable[[], None]) -> None:
        self._calls[task] = connector

        def ended(task: asyncio.Task[Any]) -> None:
            del self._calls[task]
            done()
            self.wake()
            if task.cancelled() or (error := task.exception()) is None:
                return
            if isinstance(error, Fenced):
                log.info("%s: another process says what is to be said there now", connector)
            else:
                log.error("a delivery could not be carried out", exc_info=error)

        task.add_done_callback(ended)

    async def _carry(self, delivery: Delivery, road: Road, lane: Lane, at: float) -> None:
        await asyncio.sleep(max(at - self._now(), 0.0))
        if road.silent_until > self._now():
            return  # told to be silent meanwhile: it is still waiting in the store
        sending = replace(delivery, state="sending", attempts=delivery.attempts + 1)
        with concerning(message_id=answered_id(delivery), session=delivery.session, source=road.connector.name):
            if not await self._settle(sending):
                return  # given up or reworded meanwhile
            lane.note(self._now(), road.connector.abilities, delivery.address.private)
            done = await self._send(sending, road, lane)
            await self._settle(done)
            log.debug("%s: %s", delivery.key.partition(":")[0], done.state)

    async def _send(self, sending: Delivery, road: Road, lane: Lane) -> Delivery:
        """What became of it."""
        try:
            async with asyncio.timeout(self._patience):
                sent_id = await road.connector.send(self._fitting(sending, road.connector.abilities))
        except TryLater as error:
            return self._later(sending, road, error)
        except Refused as error:
            return replace(sending, state="failed", error=str(error))
        except TimeoutError:
            return self._again(sending, lane, self._no_answer)
        except ConnectorError as error:
            return self._again(sending, lane, str(error))
        except Exception as error:  # a fault of ours in one connector must not stop the others
            log.exception("%s: sending failed", road.connector.name)
            return self._again(sending, lane, f"{type(error).__name__}: {error}")
        cut_off = sending.error in {CUT_OFF, self._no_answer} and not sending.sent_id
        doubt = TWICE if cut_off and not road.connector.abilities.once else ""
        return replace(sending, state="sent", sent_id=sent_id or sending.sent_id, error=doubt)

    def _fitting(self, delivery: Delivery, abilities: Abilities) -> Delivery:
        fresh = delivery if abilities.edit else replace(delivery, sent_id="")
        return replace(fresh, text=fit(delivery.text, abilities, self._page(delivery.session)))

    def _later(self, sending: Delivery, road: Road, error: TryLater) -> Delivery:
        """Being told to wait is no failure and does not count as an attempt."""
        until = self._now() + error.seconds
        if error.chat:
            told = road.lane(error.chat)
            told.free_at = max(told.free_at, until)
        else:
            road.silent_until = max(road.silent_until, until)
        return replace(sending, state="waiting", attempts=sending.attempts - 1, not_before=until, error=str(error))

    def _again(self, sending: Delivery, lane: Lane, error: str) -> Delivery:
        if sending.attempts >= self._attempts:
            return replace(sending, state="failed", error=f"gave up after {sending.attempts} attempts: {error}")
        until = self._now() + self._wait(sending.attempts)
        lane.free_at = max(lane.free_at, until)  # what comes later in this chat must not overtake
        return replace(sending, state="waiting", not_before=until, error=error)

    async def _settle(self, delivery: Delivery) -> bool:
        """Write it down, however long the store takes: what was sent must not be forgotten. Whether it still stood."""
        failures = 0
        while True:
            try:
                stood = await self._store.settle(delivery)
                self._settled(delivery)
                return stood
            except Fenced:
                raise
            except StoreError as error:
                failures += 1
                # Not the whole key: it names a chat.
                about = delivery.key.partition(":")[0]
                log.warning("what became of one delivery (%s) cannot be written down (%s); trying again", about, error)
                await asyncio.sleep(backoff(failures, longest=5.0, first=0.2))

    def _tidy(self, now: float) -> None:
        for road in self._roads.values():
            if len(road.lanes) > 1000:
                road.forget_idle(now)

    async def _finish(self, connector: str | None = None) -> None:
        """Let calls under way end, those of one connector or all, so that little is said twice after the next start."""
        calls = [call for call, of in self._calls.items() if connector in (None, of)]
        if calls:
            await asyncio.wait(calls, timeout=self._longest_end)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
