"""What a keeper does with leases: takes what is free, keeps it, gives it up before it runs out, and shares."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

import pytest

from bot.errors import StoreError
from bot.leasing import MARGIN, PATIENCE, RENEW, Alone, Keeper
from bot.ports import Holder

VALID = 6.0


class Table:
    """Leases of all processes in memory, on a clock that a test puts forward."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rows: dict[str, tuple[str, float]] = {}

    def clock(self) -> float:
        return self.now

    def live(self) -> dict[str, str]:
        return {name: owner for name, (owner, until) in self.rows.items() if until > self.now}


class Leases:
    """Those of one process. `down`: the store does not answer."""

    valid = VALID

    def __init__(self, table: Table, owner: str) -> None:
        self._table, self.owner, self.down = table, owner, False

    def _up(self) -> None:
        if self.down:
            raise StoreError("down")

    async def renew(self, names: Collection[str], kinds: Collection[str] = ()) -> frozenset[str]:
        self._up()
        rows, until = self._table.rows, self._table.now + VALID
        ours = frozenset(name for name in names if rows.get(name, ("", 0.0))[0] == self.owner)
        rows.update(dict.fromkeys((*ours, *(f"ready:{k}:{self.owner}" for k in kinds)), (self.owner, until)))
        return ours

    async def take(self, name: str) -> bool:
        self._up()
        if name in self._table.live():
            return False
        self._table.rows[name] = (self.owner, self._table.now + VALID)
        return True

    async def let_go(self, names: Collection[str] = (), kinds: Collection[str] = ()) -> None:
        self._up()
        for name in (*names, *(f"ready:{kind}:{self.owner}" for kind in kinds)):
            self._table.rows.pop(name, None)

    async def standing(self) -> Mapping[str, Holder]:
        self._up()
        return {name: Holder(owner) for name, owner in self._table.live().items()}


class Process:
    """A keeper that holds names of one kind; `at_work` are those whose work runs."""

    def __init__(self, table: Table, owner: str, names: Iterable[str]) -> None:
        self.leases = Leases(table, owner)
        self.keeper = Keeper(self.leases, table.clock)
        self.at_work: set[str] = set()
        self.begun: list[str] = []
        self.keeper.offer("talk", self._work, names)

    async def _work(self, name: str) -> None:
        self.at_work.add(name)
        self.begun.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            self.at_work.discard(name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def pass_(table: Table, seconds: float, *steps: Callable[[], Awaitable[None]]) -> None:
    """Second by second, with a step of each process in each."""
    for _ in range(int(seconds)):
        table.now += 1.0
        for step in steps:
            await step()
        await settle()


async def test_alone_everything_is_ours_at_once() -> None:
    """Where one process owns the store, all work runs after the first step and is never taken away."""
    keeper, begun = Keeper(Alone()), set()

    async def work(name: str) -> None:
        begun.add(name)
        await asyncio.Event().wait()

    keeper.offer("talk", work, ["a", "b", "c"])
    await keeper.step()
    await settle()
    assert begun == {"a", "b", "c"}
    await keeper.step()
    assert all(keeper.holds("talk", name) for name in "abc")


async def test_who_dies_is_replaced_once_its_lease_has_run_out() -> None:
    """What a dead process held is free after `VALID` seconds and is taken at the next look, not before."""
    table = Table()
    one, two = Process(table, "one", ["a"]), Process(table, "two", ["a"])
    await pass_(table, 1, one.keeper.step, two.keeper.step)
    assert (one.at_work, two.at_work) == ({"a"}, set())
    await pass_(table, VALID - 1, two.keeper.step)  # `one` is dead
    assert two.at_work == set()
    await pass_(table, 2, two.keeper.step)
    assert two.at_work == {"a"}


async def test_work_stops_before_the_lease_runs_out_where_the_store_does_not_answer() -> None:
    """Who cannot renew stops its work by its own clock, `MARGIN` before others may take it."""
    table = Table()
    one = Process(table, "one", ["a"])
    table.now = 100.0
    await one.keeper.step()
    await settle()
    one.leases.down = True
    table.now += VALID - MARGIN - 0.01
    await one.keeper.step()
    one.keeper._expire()
    await settle()
    assert one.at_work == {"a"}
    table.now += 0.01
    one.keeper._expire()
    await settle()
    assert one.at_work == set()
    assert "talk:a" in table.live()


async def test_the_clock_itself_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to look: a timer of the event loop ends the work when the lease is over by our own clock."""
    table = Table()
    one = Process(table, "one", ["a"])
    one.leases.valid = MARGIN + 0.05  # type: ignore[misc]
    one.keeper = Keeper(one.leases)  # by the real clock
    one.keeper.offer("talk", one._work, ["a"])
    await one.keeper.step()
    await settle()
    assert one.at_work == {"a"}
    one.leases.down = True
    await asyncio.sleep(0.2)
    assert one.at_work == set()


async def test_who_was_paused_for_too_long_finds_another_at_it_and_stands_by() -> None:
    """After a pause in which another took over, the work is stopped at the first renewal and not begun again."""
    table = Table()
    one, two = Process(table, "one", ["a"]), Process(table, "two", ["a"])
    await pass_(table, 1, one.keeper.step, two.keeper.step)
    await pass_(table, 10, two.keeper.step)
    assert two.at_work == {"a"}
    await pass_(table, 3, one.keeper.step, two.keeper.step)
    assert (one.at_work, two.at_work) == (set(), {"a"})


async def test_two_that_start_together_share() -> None:
    """Of ten names two processes hold five each, whoever looks first."""
    table, names = Table(), [str(n) for n in range(10)]
    one, two = Process(table, "one", names), Process(table, "two", names)
    await one.leases.renew((), ["talk"])
    await two.leases.renew((), ["talk"])
    await pass_(table, 2, one.keeper.step, two.keeper.step)
    assert (len(one.at_work), len(two.at_work)) == (5, 5)
    assert one.at_work | two.at_work == set(names)


async def test_who_comes_later_gets_a_share_one_after_the_other() -> None:
    """A process that holds everything lets go of one name a look until both hold as many; no name is held twice."""
    table, names = Table(), [str(n) for n in range(6)]
    one = Process(table, "one", names)
    await pass_(table, 2, one.keeper.step)
    assert one.at_work == set(names)
    two = Process(table, "two", names)
    for _ in range(12):
        before = len(one.at_work)
        await pass_(table, 1, two.keeper.step, one.keeper.step)
        assert before - len(one.at_work) <= 1
        assert not one.at_work & two.at_work
    assert (len(one.at_work), len(two.at_work)) == (3, 3)


async def test_a_share_that_nobody_takes_is_taken_by_whoever_is_there() -> None:
    """What is free for `PATIENCE` seconds is taken by a process that holds its share already."""
    table, names = Table(), ["a", "b"]
    one = Process(table, "one", names)
    idle = Leases(table, "idle")  # stands ready and takes nothing
    await idle.renew((), ["talk"])
    await pass_(table, 1, one.keeper.step)
    assert len(one.at_work) == 1
    await idle.renew((), ["talk"])
    await pass_(table, PATIENCE + 1, one.keeper.step)
    assert one.at_work == {"a", "b"}


async def test_what_nobody_else_wants_is_not_given_up_again_and_again() -> None:
    """Beside a process that stands ready for the kind and wants none of these names, each is begun once and is let go
    once at most; a third process that does want them still gets a share."""
    table, names = Table(), [str(n) for n in range(4)]
    one, idle = Process(table, "one", names), Leases(table, "idle")

    async def stands_ready() -> None:
        await idle.renew((), ["talk"])

    await pass_(table, 120, stands_ready, one.keeper.step)
    assert len(one.at_work) == 4
    assert len(one.begun) <= 6
    two = Process(table, "two", names)
    await pass_(table, 60, stands_ready, one.keeper.step, two.keeper.step)
    assert len(two.at_work) >= 1
    assert len(one.at_work) + len(two.at_work) == 4


async def test_a_stop_lets_go_at_once() -> None:
    """After a graceful stop the work is over and others need not wait for the lease to run out."""
    table = Table()
    one, two = Process(table, "one", ["a"]), Process(table, "two", ["a"])
    running = asyncio.ensure_future(one.keeper.run())
    await settle()
    assert one.at_work == {"a"}
    running.cancel()
    await asyncio.wait({running})
    assert (one.at_work, table.live()) == (set(), {})
    await two.keeper.step()
    await settle()
    assert two.at_work == {"a"}


async def test_renewals_keep_it() -> None:
    """A lease that is renewed in time is held for ever, and nobody else gets it."""
    table = Table()
    one, two = Process(table, "one", ["a"]), Process(table, "two", ["a"])
    await pass_(table, 30, one.keeper.step, two.keeper.step)
    assert (one.at_work, two.at_work) == ({"a"}, set())
    assert table.rows["talk:a"][1] >= table.now + VALID - RENEW


async def test_what_is_wanted_no_longer_is_let_go() -> None:
    """`leave` ends the work, and then others may have the lease."""
    table = Table()
    one = Process(table, "one", ["a"])
    await pass_(table, 1, one.keeper.step)
    await one.keeper.leave("talk", "a")
    await pass_(table, 3, one.keeper.step)
    assert (one.at_work, "talk:a" in table.live()) == (set(), False)
