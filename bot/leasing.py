"""Does what only one process may do at a time, for as long as this process holds the lease for it.

A lease that cannot be renewed in time is given up by our own clock before it runs out by the store's: the work is
cancelled, and who takes over finds nobody at it. What a process that was stopped for longer still writes, the store
refuses (`Fenced`).

Names are spread over the processes that stand ready for their kind: nobody takes more than a share at once, and who
holds more lets go of one after the other, so that a process that comes later has something to do.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.errors import StoreError
from bot.ports import Holder, Leases, Told

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at what is free."""

RENEW = 2.0
"""Seconds between two renewals."""

MARGIN = 1.0
"""Seconds before a lease runs out at which its work is stopped: it needs a moment to end."""

PATIENCE = 3.0
"""Seconds that a free name waits for a process that holds less than its share; then any takes it."""

PART = 10
"""Of what a process holds beyond its share it lets go of this part at once, and of one at least."""

CALM = 30.0
"""Seconds in which who took what nobody else wanted does not try to give anything to somebody else."""

ENDS = 5.5
"""Seconds that work gets to end before its lease is given to others; less than it is good for."""

Work = Callable[[str], Awaitable[None]]
"""Runs while the name is held, and is cancelled as soon as it is not. It may end by itself: the name stays held."""


class Alone:
    """Implements `bot.ports.Leases` where one process owns the store: every lease is ours."""

    owner = "alone"
    at = ""
    valid = math.inf

    async def renew(self, names: Collection[str], kinds: Collection[str] = ()) -> frozenset[str]:
        return frozenset(names)

    async def take(self, name: str) -> bool:
        return True

    async def let_go(self, names: Collection[str] = (), kinds: Collection[str] = ()) -> None:
        return

    async def standing(self) -> Mapping[str, Holder]:
        return {}

    async def close(self) -> None:
        return


class Silence:
    """Implements `bot.ports.Notices` where there is no other process."""

    def subscribe(self, told: Told) -> None:
        return

    async def begin(self) -> None:
        return

    async def run(self) -> None:
        return

    def say(self, topic: str, data: Mapping[str, Any]) -> None:
        return

    def hear(self, topic: str, heard: Callable[[Mapping[str, Any]], None]) -> None:
        return


@dataclass(slots=True)
class Held:
    """A lease that is ours until `until` by our own clock, and the work that it allows."""

    until: float
    task: "asyncio.Task[None]"


class Keeper:
    """Takes, renews and gives up leases while `run` runs. A name is "KIND:WHAT"; `work` is called with WHAT."""

    def __init__(self, leases: Leases, clock: Callable[[], float] = time.monotonic) -> None:
        self._leases, self._clock = leases, clock
        self._works: dict[str, Work] = {}
        self._wanted: dict[str, dict[str, None]] = {}  # in the order in which they are taken
        self._held: dict[str, Held] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[str] = set()  # those of these whose leases are kept until they have ended
        self._free_since: dict[str, float] = {}
        self._others: dict[str, set[str]] = {}  # by kind, who else stands ready
        self._left: set[str] = set()  # what these did not take when it was free
        self._calm_until: dict[str, float] = {}
        self._renew_at = 0.0
        self._expiring: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._standing: Mapping[str, Holder] = {}
        self._failing = False

    def offer(self, kind: str, work: Work, names: Iterable[str] = ()) -> None:
        """From now on this process stands ready for leases of this kind."""
        self._works[kind] = work
        self._wanted.setdefault(kind, {}).update(dict.fromkeys(names))
        self._renew_at = 0.0
        self._woken.set()

    def want(self, kind: str, name: str) -> bool:
        """This one is to be held by one of the processes that stand ready; whether that was not known yet."""
        if self.wants(kind, name):
            return False
        self._wanted.setdefault(kind, {})[name] = None
        self._woken.set()
        return True

    def wants(self, kind: str, name: str) -> bool:
        return name in self._wanted.get(kind, ())

    async def leave(self, kind: str, name: str) -> None:
        """This one is wanted no longer; returns once its work is over and others may have it."""
        self._wanted.get(kind, {}).pop(name, None)
        if task := self._leave(f"{kind}:{name}"):
            await asyncio.wait({task})

    def holds(self, kind: str, name: str) -> bool:
        """Whether it is ours now, as far as we know."""
        held = self._held.get(f"{kind}:{name}")
        return held is not None and held.until > self._clock()

    async def run(self) -> None:
        """Until cancelled; then all work is ended and others may have the leases at once."""
        try:
            while True:
                self._woken.clear()
                await self.step()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._woken.wait()
        finally:
            await self._close()

    def holder(self, kind: str, name: str) -> Holder | None:
        """Who has it, as of the last look; None where nobody does."""
        return self._standing.get(f"{kind}:{name}")

    async def step(self) -> None:
        """Renew what is due, take what is free, give up what is too much. What the store cannot do waits."""
        async with self._turn:
            await self._step()

    async def _step(self) -> None:
        try:
            if self._clock() >= self._renew_at:
                await self._renew()
            self._standing = await self._leases.standing()
            for kind in list(self._works):
                await self._balance(kind, self._standing)
        except StoreError as error:
            if not self._failing:
                log.warning("leases cannot be renewed now (%s); trying again", error)
            self._failing = True
            self._renew_at = 0.0
        else:
            if self._failing:
                log.info("leases are renewed again")
            self._failing = False

    async def _renew(self) -> None:
        began = self._clock()
        names = list(self._held)
        ours = await self._leases.renew([*names, *self._leaving], list(self._works))
        self._renew_at = began + RENEW
        for name in names:
            if held := self._held.get(name):
                held.until = began + self._leases.valid - MARGIN
                if name not in ours:
                    self._lost(name, "another process has it")
        self._arm()

    async def _balance(self, kind: str, standing: Mapping[str, Holder]) -> None:
        """Be content with a share of the names of a kind."""
        wanted = [f"{kind}:{name}" for name in self._wanted[kind]]
        mine = [name for name in self._held if name.startswith(f"{kind}:")]
        ready = {holder.owner for name, holder in standing.items() if name.startswith(f"ready:{kind}:")}
        others = ready - {self._leases.owner}
        share = math.ceil(len({*wanted, *mine}) / (len(others) + 1))
        now = self._clock()
        if others != self._others.get(kind):
            self._others[kind] = others
            self._left = {name for name in self._left if not name.startswith(f"{kind}:")}
        spare = [name for name in mine if name not in self._left]
        if spare and len(mine) > share and now >= self._calm_until.get(kind, 0.0):
            surplus = min(len(mine) - share, len(spare))
            for name in spare[-max(1, surplus // PART) :]:  # few at a time: each costs whoever takes it a moment
                self._leave(name)
            return
        free = [name for name in wanted if name not in standing and name not in self._held]
        since = {name: self._free_since.get(name, now) for name in free}
        rest = {name: at for name, at in self._free_since.items() if not name.startswith(f"{kind}:")}
        self._free_since = rest | since
        if others:
            random.shuffle(free)  # who looks at the same moment tries others first
        room = share - len(mine)
        for name in free:
            if name in self._ending or (room <= 0 and now - since[name] < PATIENCE):
                continue
            if await self._take(name):
                room -= 1
                if room < 0:
                    self._left.add(name)
                    self._calm_until[kind] = now + CALM

    async def _take(self, name: str) -> bool:
        began = self._clock()
        if not await self._leases.take(name):
            return False
        kind, _, what = name.partition(":")
        task = asyncio.ensure_future(self._work(kind, what))
        self._held[name] = Held(began + self._leases.valid - MARGIN, task)
        self._arm()
        return True

    async def _work(self, kind: str, what: str) -> None:
        try:
            await self._works[kind](what)
        except Exception:
            log.exception("what belongs to the lease %s of %s broke", kind, what)

    def _lost(self, name: str, why: str) -> None:
        """It is not ours any more: stop at once."""
        log.warning("%s is given up: %s", name, why)
        task = self._held.pop(name).task
        task.cancel()
        self._ending[name] = task
        task.add_done_callback(lambda _: self._ended(name))

    def _ended(self, name: str) -> None:
        self._ending.pop(name, None)
        self._woken.set()

    def _leave(self, name: str) -> "asyncio.Task[None] | None":
        """End its work, then let others have it."""
        held = self._held.pop(name, None)
        if held is None:
            return self._ending.get(name)
        self._leaving.add(name)
        task = self._ending[name] = asyncio.ensure_future(self._end(name, held.task))
        task.add_done_callback(lambda _: self._ended(name))
        return task

    async def _end(self, name: str, task: "asyncio.Task[None]") -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=ENDS)
        self._leaving.discard(name)
        with suppress(StoreError):  # then it runs out
            await self._leases.let_go([name])

    def _arm(self) -> None:
        """Be woken when the first lease is over by our own clock."""
        if self._expiring:
            self._expiring.cancel()
            self._expiring = None
        first = min((held.until for held in self._held.values()), default=math.inf)
        if first < math.inf:
            delay = max(0.0, first - self._clock())
            self._expiring = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        now = self._clock()
        for name in [name for name, held in self._held.items() if held.until <= now]:
            self._lost(name, "it could not be renewed in time")
        self._arm()

    async def _close(self) -> None:
        if self._expiring:
            self._expiring.cancel()
        names, kinds = list(self._held), list(self._works)
        with suppress(StoreError):
            await self._leases.renew(names)
        tasks = [held.task for name in names if (held := self._held.pop(name, None))]
        for task in tasks:
            task.cancel()
        if both := [*tasks, *self._ending.values()]:
            await asyncio.wait(both, timeout=ENDS)
        with suppress(StoreError):  # then they run out
            await self._leases.let_go(names, kinds)
