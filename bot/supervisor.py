"""Keeps every source listening, and knows how each one is: since when it hears its chat, and when it did not.

A source that fails is started again after a growing wait, one that is turned away for good stays down; none of that
touches another. A source that floods waits at its own door: the pipeline behind it is shared.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from bot.backoff import backoff
from bot.errors import ConnectorError, Crowded, Fenced, FloormicError, Refused, StoreError, TryLater
from bot.fitting import one_line
from bot.limits import Buckets, Rate
from bot.model import (
    Cursor,
    Delivery,
    Message,
    Outage,
    Person,
    Poll,
    Question,
    QuestionState,
    SourceHealth,
    SourceReport,
    SourceState,
)
from bot.ports import Connector, Floor, Now, Sources, Talks
from bot.tracing import concerning

log = logging.getLogger(__name__)

LONGEST_BACKOFF = 60.0
STEADY = 60.0
"""Seconds connected after which the next failure counts as the first."""

BEAT = 5.0
"""Seconds between two notes of how the sources are: so exact is the beginning of an outage after a crash."""

UNHEARD = 20.0
"""Seconds without a note of another process after which nobody listens to a source: another one would by then."""

LEAST_WAIT = 0.1
"""Seconds to wait where a chat says that we need not wait."""

KEEPING_WAIT = 2.0
"""Seconds at most until a source is asked again whose messages could not be kept. Its chat is well and was not told
that they were, so nothing is spared by a longer wait; and once there is room again they must come soon."""

BELIEVED = 3
"""So often in a row a chat may name a wait that is shorter than ours."""

EVENING_OFF = 6 * 3600.0
"""Seconds. A program that was away for longer was not wanted, and missed nothing."""

BURST = 20_000
PACE = 60.0
"""Messages that one source may bring at once, and a second after that. What is at once lies in the inbox, where the
sources take turns; the pace is more than any chat that people can read, and less than the pipeline does."""

AT_THE_DOOR = 32
"""Calls of one source that may wait at its door; further ones are turned away, to come again."""

TALK = Rate(30, 0.5)
"""What one person may say in one chat at once, and a second after that. More than that nobody reads: it is kept, but
nothing becomes of it, or one who floods would be all that is understood."""

TOLD = 5
TOLD_PACE = 0.1
"""What one person may be told in one chat at once, and a second after that."""

REMEMBERED = 1000
"""People of whom is known what they were told."""

OLDEST = 20 * 365 * 86400.0
"""Seconds. What seems to have been said before that has no time, or one in another unit."""

NOBODY = "no process listens to it: start one with the role connectors"

LONGEST_NAME = 60
LONGEST_TEXT = 10_000
LONGEST_TROUBLE = 500
"""Characters."""

Leads = Callable[[str, str], str]
"""Where a source's questions go, by its name and the session that its configuration names."""

Said = Callable[[str], tuple[int, int]]
"""For a source: what was said in its busiest chat in the last minute and hour."""


def default_wait(failures: int) -> float:
    return backoff(failures, longest=LONGEST_BACKOFF)


@dataclass(slots=True)
class Bucket:
    """So many at once, then at a steady pace; what is taken beyond that is a debt to be waited for."""

    burst: float
    pace: float
    level: float = 0.0
    at: float = 0.0

    def take(self, count: int, now: float) -> float:
        """Seconds until what came before them is paid for, and they may come."""
        self.level = max(0.0, self.level - (now - self.at) * self.pace)
        self.at = now
        waits = max(0.0, (self.level - self.burst) / self.pace)
        self.level += count
        return waits

    def give_back(self, count: int) -> None:
        self.level = max(0.0, self.level - max(0, count))


@dataclass(slots=True)
class Watch:
    """One source as it is watched. `outage` is the one that lasts, `ended` those that are not yet written; `steady`:
    its last connection held."""

    connector: Connector
    health: SourceHealth
    outage: Outage | None = None
    ended: list[Outage] = field(default_factory=list)
    steady: bool = False
    bucket: Bucket = field(default_factory=lambda: Bucket(BURST, PACE))
    told: OrderedDict[tuple[str, str], Bucket] = field(default_factory=OrderedDict)
    waiting: int = 0
    talkers: Buckets = field(default_factory=lambda: Buckets(TALK, time.time))

    async def turn(self, brought: int) -> None:
        """Waits until so many may come. Raises `Crowded` where many wait already: what a platform pushes at us through
        ever more calls must not pile up here."""
        seconds = self.bucket.take(brought, time.monotonic())
        if seconds and self.waiting >= AT_THE_DOOR:
            self.bucket.give_back(brought)
            raise Crowded(seconds, f"more comes in than {PACE:g} messages a second; the next ones in {seconds:.0f} s")
        if not seconds:
            return
        self.waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self.waiting -= 1

    def may_be_told(self, delivery: Delivery, now: float) -> bool:
        """Whether this person is answered once more: what somebody asks of the bot over and over would stand before the
        answers of everybody in that chat."""
        who = (delivery.address.chat, delivery.address.user)
        bucket = self.told.setdefault(who, Bucket(TOLD, TOLD_PACE))
        self.told.move_to_end(who)
        if len(self.told) > REMEMBERED:
            self.told.popitem(last=False)
        if bucket.take(1, now) == 0.0:
            return True
        bucket.give_back(1)
        return False

    def was_not_told(self, delivery: Delivery) -> None:
        """It could not be kept, and costs this person nothing."""
        if bucket := self.told.get((delivery.address.chat, delivery.address.user)):
            bucket.give_back(1)

    def connected(self, now: float, complete: bool) -> None:
        if self.outage:
            self.ended.append(replace(self.outage, ended=now, filled=complete))
            self.outage = None
        if self.health.state is not SourceState.CONNECTED:
            connects = self.health.connects + 1
            self.health = replace(self.health, state=SourceState.CONNECTED, since=now, connects=connects)
        self.health = replace(self.health, trouble="", alive_at=now)

    def lost(self, now: float, why: str, state: SourceState = SourceState.LOST) -> None:
        was_connected, since = self.health.state is SourceState.CONNECTED, self.health.since
        if was_connected:
            self.steady = now - since > STEADY
        if self.outage is None:
            # One that never connected misses since it began to try.
            self.outage = Outage(self.health.source, now if was_connected else since, None, why)
        if self.health.state is not state:
            self.health = replace(self.health, state=state, since=now)
        self.health = replace(self.health, trouble=why, alive_at=now)


class Door(Floor):
    """The floor as one source has it."""

    def __init__(self, talks: Talks, watch: Watch, now: Now, leads: Leads) -> None:
        self._talks, self._watch, self._now = talks, watch, now
        self._leads = partial(leads, watch.health.source)

    def connected(self, *, complete: bool = False) -> None:
        if self._watch.health.state is not SourceState.CONNECTED:
            log.info("%s: connected", self._watch.health.source)
        self._watch.connected(self._now(), complete)

    def lost(self, why: str) -> None:
        self._watch.lost(self._now(), _told(why))

    def notice(self, text: str) -> None:
        text = _told(text)
        if text != self._watch.health.trouble:
            log.warning("%s", _named(self._watch.health.source, text))
        self._watch.health = replace(self._watch.health, trouble=text)

    async def receive(
        self, messages: Sequence[Message], cursor: Cursor | None = None, deliveries: Sequence[Delivery] = ()
    ) -> int:
        now, watch = self._now(), self._watch
        # Before it is written, so that what a platform pushes at once through many calls has to queue as well.
        brought = len(messages) + len(deliveries)
        await watch.turn(brought)
        try:
            new = await self._take(messages, cursor, deliveries, now)
        except BaseException:
            watch.bucket.give_back(brought)
            raise
        # A redelivery costs the others nothing.
        watch.bucket.give_back(len(messages) - new)
        return new

    async def _take(
        self, messages: Sequence[Message], cursor: Cursor | None, deliveries: Sequence[Delivery], now: float
    ) -> int:
        watch = self._watch
        told = [delivery for delivery in deliveries if watch.may_be_told(delivery, time.monotonic())]
        led = [_sane(message, now, self._leads(message.session)) for message in messages]
        # By when it was said: what comes late comes at once.
        led = [replace(one, aside=True) if watch.talkers.take(one.author, one.at) else one for one in led]
        told = [replace(delivery, session=self._leads(delivery.session)) for delivery in told]
        try:
            return await self._talks.receive(led, cursor, told)
        except BaseException:
            # It comes again, said at the same time as before: whoever said it must not pay for each try.
            for one in led:
                if not one.aside:
                    watch.talkers.give(one.author)
            for delivery in told:
                watch.was_not_told(delivery)
            raise

    async def cursor(self, source: str) -> str | None:
        return await self._talks.cursor(source)

    async def hear_again(self, person: Person) -> bool:
        return await self._talks.hear_again(person)

    async def vote(self, session: str, question: str, person: Person) -> Question:
        return await self._talks.vote(self._leads(session), question, person)

    async def not_answered(self, session: str, question: str, person: Person) -> Question:
        return await self._talks.not_answered(self._leads(session), question, person)

    async def vote_poll(self, session: str, poll: str, person: Person, choices: Sequence[str]) -> Poll:
        return await self._talks.vote_poll(self._leads(session), poll, person, choices)

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        return await self._talks.top(self._leads(session), limit)

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        return await self._talks.mine(self._leads(session), person)

    async def press_poll(self, session: str, poll: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        return await self._talks.press_poll(self._leads(session), poll, person, choice)

    async def staff_pressed(self, act: str, about: str, person: Person) -> str:
        return await self._talks.staff_pressed(act, about, person)

    async def staff_said(self, text: str, reply_to: str, person: Person, key: str) -> str:
        return await self._talks.staff_said(text, reply_to, person, key)

    async def staff_list(self, person: Person) -> None:
        await self._talks.staff_list(person)


class Supervisor:
    """Runs connectors. `wait`: seconds to wait after so many failures in a row; `said`: what was sent lately;
    `leads`: which session a source feeds."""

    def __init__(
        self,
        talks: Talks,
        store: Sources,
        connectors: Iterable[Connector],
        now: Now = time.time,
        *,
        said: Said = lambda _: (0, 0),
        wait: Callable[[int], float] = default_wait,
        leads: Leads = lambda source, session: session,
    ) -> None:
        self._talks, self._store, self._now = talks, store, now
        self._said, self._wait, self._leads = said, wait, leads
        self._watches = {c.name: self._fresh(c) for c in connectors}
        self._here: set[str] = set()  # those that this process listens to, and of which it knows how they were before

    def _fresh(self, connector: Connector) -> Watch:
        name, began = connector.name, self._now()
        limits = _limits(connector)
        health = SourceHealth(name, SourceState.STARTING, began, began, chat_limits=limits, watched_since=began)
        return Watch(connector, health)

    async def run(self) -> None:
        """All of them, until cancelled."""
        tasks = [asyncio.ensure_future(work) for work in (*map(self.listen, self._watches), self.beat())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def listen(self, source: str) -> None:
        """One of them, until cancelled; another process may have done so until now."""
        if self._watches[source].health.state is not SourceState.STARTING:
            self._watches[source] = self._fresh(self._watches[source].connector)
        watch = self._watches[source]
        await self._remember(watch)
        self._here.add(source)
        try:
            with concerning(source=source):
                await self._listen(watch)
            await asyncio.Event().wait()  # it is down for good, and goes on being shown so
        finally:
            self._here.discard(source)
            with suppress(StoreError):
                await self._note([watch])

    async def beat(self) -> None:
        """Write down how they are, again and again, until cancelled."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._note(self._listened)
            except StoreError as error:
                log.warning("how the sources are cannot be written: %s", error)

    async def reports(self) -> list[SourceReport]:
        """The sources of this program as they are now, by name, whichever process listens to them."""
        await self._note(self._listened)
        reports = [report for report in await self._store.sources() if report.health.source in self._watches]
        return [report if report.health.source in self._here else self._elsewhere(report) for report in reports]

    def _elsewhere(self, report: SourceReport) -> SourceReport:
        """As another process said last; where it says nothing any more, nobody listens."""
        health = report.health
        if health.state is not SourceState.CONNECTED or self._now() - health.alive_at < UNHEARD:
            return report
        lost = replace(health, state=SourceState.LOST, since=health.alive_at, trouble=NOBODY)
        return replace(report, health=lost)

    def healths(self) -> list[SourceHealth]:
        """How each source to which this process listens is at this moment, by what is in memory."""
        return [watch.health for watch in self._listened]

    @property
    def _listened(self) -> list[Watch]:
        return [watch for name, watch in self._watches.items() if name in self._here]

    async def _listen(self, watch: Watch) -> None:
        failures = 0
        while True:
            longest = math.inf
            try:
                await watch.connector.run(Door(self._talks, watch, self._now, self._leads))
                trouble, told = "it stopped listening", None
            except Fenced:
                log.info("%s: another process listens to it now", watch.health.source)
                return
            except Refused as error:
                watch.lost(self._now(), _told(str(error)), SourceState.REFUSED)
                log.error("%s (not tried again)", _named(watch.health.source, str(error)))
                return
            except TryLater as error:
                trouble, told = str(error), error.seconds
            except StoreError as error:
                trouble, told, longest = str(error), None, KEEPING_WAIT
            except (ConnectorError, FloormicError, OSError) as error:
                trouble, told = str(error) or type(error).__name__, None
            except (Exception, asyncio.CancelledError) as error:
                if _is_stopped():
                    raise
                # One that cancels itself is a fault of ours too, and must not take the others with it.
                log.exception("%s broke", watch.health.source)
                trouble, told = f"a fault of this program ({type(error).__name__}); its log has the details", None
            trouble = _told(trouble)
            watch.lost(self._now(), trouble)
            failures, watch.steady = 1 if watch.steady else failures + 1, False
            seconds = self._wait(failures) if told is None or failures > BELIEVED else 0.0
            if told is not None:
                seconds = max(seconds, told, LEAST_WAIT)
            seconds = min(seconds, longest)
            log.warning("%s (again in %.1f s)", _named(watch.health.source, trouble), seconds)
            await asyncio.sleep(seconds)

    async def _remember(self, watch: Watch) -> None:
        """What was said while nobody listened was missed too."""
        name, now = watch.health.source, watch.health.since
        try:
            before = next((one for one in await self._store.sources() if one.health.source == name), None)
        except StoreError as error:
            log.warning("how %s was before is not known: %s", name, error)
            return
        if before is None:
            return
        lasting = [outage for outage in before.outages if outage.ended is None]
        if now - before.health.alive_at > EVENING_OFF:
            watch.ended = [replace(outage, ended=before.health.alive_at) for outage in lasting]
            return
        watch.health = replace(watch.health, watched_since=before.health.watched_since)
        if lasting:
            watch.outage = lasting[-1]
        elif before.health.state is not SourceState.STARTING:
            watch.outage = Outage(name, before.health.alive_at, None, "the program was not running")

    async def _note(self, watches: Sequence[Watch]) -> None:
        if not watches:
            return
        now = self._now()
        outages = [o for w in watches for o in (*w.ended, *([w.outage] if w.outage else []))]
        for watch in watches:
            minute, hour = self._said(watch.health.source)
            watch.health = replace(watch.health, alive_at=now, chat_minute=minute, chat_hour=hour)
        await self._store.keep_sources([w.health for w in watches], outages)
        written = set(outages)
        for watch in watches:
            watch.ended = [outage for outage in watch.ended if outage not in written]


def _sane(message: Message, now: float, session: str) -> Message:
    """As a person may have said it in `session`: not after `now`, not without end, and under a name that is one."""
    return replace(
        message,
        session=session,
        author_name=one_line(message.author_name)[:LONGEST_NAME],
        text=message.text[:LONGEST_TEXT],
        at=message.at if math.isfinite(message.at) and max(0.0, now - OLDEST) <= message.at <= now else now,
    )


def _told(trouble: str) -> str:
    return one_line(trouble)[:LONGEST_TROUBLE]


def _named(source: str, trouble: str) -> str:
    """With the name of the source, once: many chats begin what they say with it."""
    return trouble if trouble.lower().startswith(source) else f"{source}: {trouble}"


def _is_stopped() -> bool:
    """Whether somebody cancels this task from outside."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _limits(connector: Connector) -> tuple[int, int]:
    abilities = connector.abilities
    return (round(min(abilities.chat_rate, abilities.group_rate) * 60), abilities.hourly) if abilities.reply else (0, 0)
