"""The outbox: pace, patience and order, with connectors that behave in every way."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.backoff import backoff
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Abilities, Address, Delivery
from bot.outbox import FLYING, NO_REPLY, Lane, Outbox
from bot.ports import Deliveries, Floor, HookReply, HookRequest
from bot.quiet import Hours, held_until
from bot.reach import CUT_OFF, TWICE
from bot.storage.sqlite import SqliteStore, open_store
from tests.fake_floor import FakeDeliveries
from tests.waiting import until

FAST = Abilities(reply=True, edit=True, rate=10_000.0, chat_rate=10_000.0, group_rate=10_000.0)


class FakeConnector:
    """Notes what it is asked to say; `troubles` are raised first, `hangs` are chats that never answer."""

    def __init__(self, name: str = "chat", abilities: Abilities = FAST) -> None:
        self.name, self.abilities = name, abilities
        self.said: list[Delivery] = []
        self.at: list[float] = []
        self.troubles: dict[str, list[Exception]] = defaultdict(list)
        self.hangs: set[str] = set()
        self.most_at_once: dict[str, int] = defaultdict(int)
        self._now: dict[str, int] = defaultdict(int)

    @property
    def texts(self) -> list[str]:
        return [delivery.text for delivery in self.said]

    async def send(self, delivery: Delivery) -> str:
        chat = delivery.address.chat
        self._now[chat] += 1
        self.most_at_once[chat] = max(self.most_at_once[chat], self._now[chat])
        try:
            if chat in self.hangs:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            if self.troubles[chat]:
                raise self.troubles[chat].pop(0)
            self.said.append(delivery)
            self.at.append(time.monotonic())
            return delivery.sent_id or f"id{len(self.said)}"
        finally:
            self._now[chat] -= 1

    async def run(self, floor: Floor) -> None: ...

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def close(self) -> None: ...


def delivery(text: str, chat: str = "c", connector: str = "chat", key: str = "", **more: Any) -> Delivery:
    private = more.pop("private", True)
    return Delivery(
        key or f"{connector}:{chat}:{text}", "talk", Address(connector, chat, private=private), text, **more
    )


@asynccontextmanager
async def running(store: Deliveries, *connectors: FakeConnector, **options: Any) -> AsyncIterator[Outbox]:
    options = {"wait": lambda failures: 0.03, "finish": 0.5, "now": time.time, **options}
    outbox = Outbox(store, {c.name: c for c in connectors}, **options)
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def said_at_least(chat: FakeConnector, count: int) -> bool:
    return len(chat.said) >= count


@pytest.fixture
def store() -> FakeDeliveries:
    return FakeDeliveries()


def settled(store: FakeDeliveries) -> bool:
    return all(row.state in ("sent", "failed") for row in store.rows.values())


async def test_what_is_due_is_said_and_noted(store: FakeDeliveries) -> None:
    """A delivery goes through "sending" to "sent" with the id that the chat gave it."""
    chat = FakeConnector()
    await store.deliver([delivery("hello")])
    async with running(store, chat):
        await until(lambda: settled(store))
    assert [(d.state, d.attempts, d.sent_id) for d in store.history] == [("sending", 1, ""), ("sent", 1, "id1")]


async def test_a_wake_is_heard_at_once(store: FakeDeliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is woken looks at once, and not only at the next round."""
    monkeypatch.setattr("bot.outbox.LOOK_EVERY", 300.0)
    chat = FakeConnector()
    async with running(store, chat) as outbox:
        await asyncio.sleep(0.1)
        await store.deliver([delivery("hello")])
        outbox.wake()
        await until(lambda: chat.said)


async def test_nothing_is_said_before_its_time(store: FakeDeliveries) -> None:
    """`not_before` is kept, and needs no wake."""
    chat = FakeConnector()
    due = time.time() + 0.3
    await store.deliver([delivery("later", not_before=due)])
    async with running(store, chat):
        await until(lambda: chat.said)
        assert time.time() >= due


async def test_a_chat_hears_one_thing_at_a_time_in_order(store: FakeDeliveries) -> None:
    """Order is kept within a chat, also past failures; chats do not wait for each other."""
    chat = FakeConnector()
    chat.troubles["a"] = [ConnectorError("no"), ConnectorError("no")]
    await store.deliver([delivery(f"{n}", c) for n in range(10) for c in "abc"])
    async with running(store, chat):
        await until(lambda: settled(store))
    for name in "abc":
        assert [d.text for d in chat.said if d.address.chat == name] == [str(n) for n in range(10)]
        assert chat.most_at_once[name] == 1


async def test_a_hanging_connector_stops_no_other(store: FakeDeliveries) -> None:
    """With hundreds of messages stuck before them, those of another connector and of another chat go through."""
    stuck, good = FakeConnector("stuck"), FakeConnector("good")
    stuck.hangs = {"hall"}
    await store.deliver([delivery(f"{n}", "hall", "stuck") for n in range(700)])
    await store.deliver([delivery("elsewhere", "b", "stuck"), delivery("hello", "c", "good")])
    async with running(store, stuck, good, patience=600):
        await until(lambda: good.texts == ["hello"] and stuck.texts == ["elsewhere"])


async def test_many_hanging_chats_stop_no_other_connector(store: FakeDeliveries) -> None:
    """A connector all of whose calls hang has no more than 32 of them, and others have theirs."""
    stuck, good = FakeConnector("stuck"), FakeConnector("good")
    stuck.hangs = {str(n) for n in range(300)}
    await store.deliver([delivery("x", str(n), "stuck") for n in range(300)])
    await store.deliver([delivery("hello", "c", "good")])
    async with running(store, stuck, good, patience=600):
        await until(lambda: good.texts == ["hello"])
        await until(lambda: sum(stuck.most_at_once.values()) == 32)
        await asyncio.sleep(0.2)
        assert sum(stuck.most_at_once.values()) == 32


@pytest.mark.parametrize("once", [True, False])
async def test_what_may_have_been_heard_twice_says_so(store: FakeDeliveries, once: bool) -> None:
    """A message that was under way when the program ended is said again; a chat that can tell the same message heard it
    once, of another one that is not known, and noted."""
    chat = FakeConnector(abilities=replace(FAST, once=once))
    await store.deliver([delivery("hello", error=CUT_OFF, attempts=1)])
    async with running(store, chat):
        await until(lambda: settled(store))
    (row,) = store.rows.values()
    assert (row.state, row.error) == ("sent", "" if once else TWICE)


async def test_a_call_that_hangs_is_tried_again(store: FakeDeliveries) -> None:
    """A call has so much time and no more; then it counts as a failure, and the text says so."""
    chat = FakeConnector()
    chat.hangs = {"c"}
    await store.deliver([delivery("hello")])
    async with running(store, chat, patience=0.05):
        await until(lambda: store.rows["chat:c:hello"].attempts >= 2)
        assert "no answer within" in store.history[1].error
        chat.hangs.clear()
        await until(lambda: settled(store))
    assert chat.texts == ["hello"]


async def test_being_told_to_wait_is_no_failure_and_is_kept(store: FakeDeliveries) -> None:
    """Nothing goes to the chat before its wait is over, another chat goes on, and no attempt is counted."""
    chat = FakeConnector()
    chat.troubles["a"] = [TryLater(0.5, "a")]
    await store.deliver([delivery("1", "a"), delivery("2", "a"), delivery("3", "b")])
    began = time.monotonic()
    async with running(store, chat):
        await until(lambda: settled(store))
    assert chat.texts == ["3", "1", "2"]
    assert chat.at[1] - began >= 0.5
    assert store.rows["chat:a:1"].attempts == 1


async def test_a_connector_that_is_told_to_wait_is_silent_everywhere(store: FakeDeliveries) -> None:
    """A wait for everybody holds every chat of that connector, and of no other."""
    chat, other = FakeConnector(), FakeConnector("other")
    chat.troubles["a"] = [TryLater(0.5)]
    await store.deliver([delivery("1", "a")])
    began = time.monotonic()
    async with running(store, chat, other):
        await until(lambda: store.history and store.history[-1].state == "waiting")
        await store.deliver([delivery("2", "b"), delivery("3", "c", "other")])
        await until(lambda: settled(store))
    assert min(chat.at) - began >= 0.5
    assert other.at[0] < min(chat.at)


async def test_failures_wait_longer_each_time_and_end(store: FakeDeliveries) -> None:
    """After so many attempts a message is given up with the reason, and what comes after it is said."""
    waits: list[int] = []

    def wait(failures: int) -> float:
        waits.append(failures)
        return 0.02

    chat = FakeConnector()
    chat.troubles["c"] = [ConnectorError("no network")] * 5
    await store.deliver([delivery("lost"), delivery("next")])
    async with running(store, chat, attempts=5, wait=wait):
        await until(lambda: settled(store))
    lost = store.rows["chat:c:lost"]
    assert (lost.state, lost.attempts) == ("failed", 5)
    assert "no network" in lost.error
    assert waits == [1, 2, 3, 4]
    assert chat.texts == ["next"]


async def test_what_is_refused_is_not_tried_again(store: FakeDeliveries) -> None:
    """A chat that will never take it gets one call, and the reason is kept."""
    chat = FakeConnector()
    chat.troubles["c"] = [Refused("blocked by the user")]
    await store.deliver([delivery("hello")])
    async with running(store, chat):
        await until(lambda: settled(store))
        await asyncio.sleep(0.1)
    row = store.rows["chat:c:hello"]
    assert (row.state, row.attempts, row.error) == ("failed", 1, "blocked by the user")


async def test_a_fault_in_a_connector_is_survived(store: FakeDeliveries) -> None:
    """An unexpected exception counts as a failure of that message alone."""
    chat = FakeConnector()
    chat.troubles["a"] = [ZeroDivisionError("a fault")]
    await store.deliver([delivery("1", "a"), delivery("2", "b")])
    async with running(store, chat):
        await until(lambda: settled(store))
    assert sorted(chat.texts) == ["1", "2"]
    assert "ZeroDivisionError" in next(d.error for d in store.history if d.state == "waiting")


async def test_chats_without_a_way_back_fail_at_once(store: FakeDeliveries) -> None:
    """Where nobody can be reached the delivery says so, for connectors that cannot reply and for unknown ones."""
    mute = FakeConnector("mute", Abilities(reply=False))
    await store.deliver([delivery("1", connector="mute"), delivery("2", connector="gone")])
    async with running(store, mute):
        await until(lambda: settled(store))
    assert [(row.state, row.error) for row in store.rows.values()] == [("failed", NO_REPLY)] * 2
    assert mute.said == []


async def test_what_is_given_up_holds_up_no_answer(store: FakeDeliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many wait for a chat that was taken away: each is noted once, some at a time, and an answer behind them needs no
    look of the outbox for each."""
    chat = FakeConnector()
    await store.deliver([delivery(str(n), f"c{n}", connector="gone") for n in range(1500)])
    await store.deliver([delivery("now")])
    looks, due = 0, store.due

    async def counted(*arguments: Any) -> list[Delivery]:
        nonlocal looks
        looks += 1
        return await due(*arguments)

    settle, at_once, most = store.settle, 0, 0

    async def settling(one: Delivery) -> bool:
        nonlocal at_once, most
        at_once, most = at_once + 1, max(most, at_once + 1)
        await asyncio.sleep(0.001)
        at_once -= 1
        return await settle(one)

    monkeypatch.setattr(store, "due", counted)
    monkeypatch.setattr(store, "settle", settling)
    async with running(store, chat):
        await until(lambda: bool(chat.said), seconds=30)
        said_after = looks
        await until(lambda: settled(store), seconds=30)
    assert said_after < 150
    assert 2 <= most <= FLYING + 1  # and the answer
    assert sum(row.connector == "gone" for row in (one.address for one in store.history)) == 1500


async def test_a_store_that_fails_is_waited_for(store: FakeDeliveries) -> None:
    """Nothing is lost and nothing said twice while the store can be neither read nor written."""
    chat = FakeConnector()
    await store.deliver([delivery(str(n)) for n in range(3)])
    store.fail_next = 1
    async with running(store, chat):
        await until(lambda: chat.said)
        store.fail_next = 3
        await until(lambda: settled(store), seconds=15)
    assert chat.texts == ["0", "1", "2"]


async def test_new_words_edit_what_was_said(store: FakeDeliveries) -> None:
    """A key that is reworded while it is on its way is edited afterwards, under the id it got."""
    chat = FakeConnector()
    async with running(store, chat) as outbox:
        for people in range(20):
            await store.deliver([delivery(f"{people} ask", key="ack")])
            outbox.wake()
            await asyncio.sleep(0.005)
        await until(lambda: settled(store))
    assert chat.texts[-1] == "19 ask"
    assert {d.sent_id for d in chat.said[1:]} <= {"id1"}


async def test_a_stop_that_meets_a_wake_is_heard(store: FakeDeliveries) -> None:
    """Being cancelled in the very moment of being woken ends the outbox all the same."""
    outbox = Outbox(store, {}, time.time)
    task = asyncio.create_task(outbox.run())
    await asyncio.sleep(0.1)
    outbox.wake()
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=2)
    assert done


async def test_calls_under_way_end_when_the_program_stops(store: FakeDeliveries) -> None:
    """What was begun is noted, so that it is not said again after the next start."""

    class Slow(FakeConnector):
        async def send(self, delivery: Delivery) -> str:
            await asyncio.sleep(0.2)
            return await super().send(delivery)

    chat = Slow()
    await store.deliver([delivery("hello")])
    async with running(store, chat):
        await until(lambda: store.history)
    assert store.rows["chat:c:hello"].state == "sent"


async def test_the_pace_of_a_chat_and_of_all_is_kept(store: FakeDeliveries) -> None:
    """No two messages to a chat, and none at all, come faster than the connector declares."""
    paced = FakeConnector("chat", replace(FAST, chat_rate=5.0, rate=20.0))
    await store.deliver([delivery(f"{n}", c) for n in range(3) for c in "abcdef"])
    async with running(store, paced):
        await until(lambda: settled(store))
    for name in "abcdef":
        times = [at for at, d in zip(paced.at, paced.said, strict=True) if d.address.chat == name]
        assert all(b - a >= 0.12 for a, b in pairwise(times))
    assert paced.at[-1] - paced.at[0] >= 0.75


def test_a_group_gets_twenty_in_any_minute() -> None:
    """A burst goes at a message a second; the twenty-first has to wait until the first is a minute old."""
    abilities = Abilities(reply=True, chat_rate=1.0, group_rate=20 / 60)
    lane, at, times = Lane(), 1000.0, []
    for _ in range(100):
        at = max(at, lane.free_at)
        times.append(at)
        lane.note(at, abilities, private=False)
    assert times[19] - times[0] == 19
    assert all(b - a >= 60 for a, b in zip(times, times[20:], strict=False))
    assert all(b - a >= 1 for a, b in pairwise(times))


def test_a_slow_group_and_a_private_chat() -> None:
    """Less than one a minute works, too; a private chat has no limit by the minute."""
    slow, private = Lane(), Lane()
    slow.note(0.0, Abilities(group_rate=1 / 120), private=False)
    assert slow.free_at == 120
    for at in range(100):
        private.note(float(at), Abilities(), private=True)
    assert private.free_at == 100


def test_backoff_doubles_up_to_a_limit_and_never_comes_near_zero() -> None:
    """Waits grow, stay below the longest, keep half of themselves, and differ from each other."""
    for failures in range(1, 2000, 7):
        whole = min(30.0, 2.0 ** min(failures - 1, 60))
        assert whole / 2 <= backoff(failures, longest=30.0) <= whole
    assert len({backoff(5, longest=30.0) for _ in range(20)}) > 10


async def test_with_the_real_store_everything_is_said_once_over_restarts(tmp_path: Path) -> None:
    """Stopped at random and started again on the same file, each message is said, in order."""
    chat = FakeConnector()
    texts = [f"{n}" for n in range(60)]
    for round in range(6):
        real = await open_store(tmp_path / "talk.sqlite3")
        if not round:
            await real.deliver([delivery(text, "abc"[n % 3]) for n, text in enumerate(texts)])
        async with running(real, chat):
            await until(partial(said_at_least, chat, 10 * (round + 1)))
        rows = await real.deliveries("talk")
        await real.close()
    assert {row.state for row in rows} == {"sent"}
    for n, name in enumerate("abc"):
        assert [d.text for d in chat.said if d.address.chat == name] == texts[n::3]


async def test_a_clock_that_is_put_back_silences_nobody(store: FakeDeliveries) -> None:
    """A machine that started hours ahead said something and was told to wait; once its clock is right, the chat that
    heard it and all others hear the next as soon as they would have."""
    ahead = 8 * 3600.0
    chat = FakeConnector(abilities=replace(FAST, rate=2.0, chat_rate=2.0))
    chat.troubles["d"] = [TryLater(0.3)]
    async with running(store, chat, now=lambda: time.time() + ahead) as outbox:
        await store.deliver([delivery("early"), delivery("waits", "d")])
        outbox.wake()
        await until(lambda: not chat.troubles["d"])
        ahead = 0.0
        await store.deliver([delivery("late"), delivery("there", "e")])
        outbox.wake()
        await until(lambda: {"early", "late", "there"} <= set(chat.texts), 5.0)


async def test_an_answer_whose_chat_is_down_until_the_night_waits_for_the_morning(tmp_path: Path) -> None:
    """Due at 21:55, tried again and again until the chat is back at 22:40: it is late, whenever the last try was."""
    zone = ZoneInfo("Asia/Shanghai")

    def clock(text: str) -> float:
        return datetime.fromisoformat(f"2026-12-{text}").replace(tzinfo=zone).timestamp()

    at, chat = [clock("01 21:55")], FakeConnector()
    chat.troubles["c"] = [ConnectorError("down")] * 2
    store = await open_store(tmp_path / "talk.sqlite3")
    await store.deliver([delivery("Yes.", key="answer:q1:chat:c", not_before=at[0])])
    outbox = Outbox(
        store,
        {"chat": chat},
        lambda: at[0],
        wait=lambda _: 15 * 60,
        held_until=lambda one, now: held_until(one, now, Hours(zone=zone)),
    )
    task = asyncio.create_task(outbox.run())

    async def stands(until_then: str) -> bool:
        outbox.wake()
        (row,) = await store.deliveries("talk")
        return row.state == "waiting" and row.not_before == clock(until_then)

    try:
        for now, then in (("01 21:55", "01 22:10"), ("01 22:10", "01 22:25"), ("01 22:40", "02 08:00")):
            at[0] = clock(now)
            await until(lambda then=then: stands(then))
        assert chat.said == []
        at[0] = clock("02 08:00")
        outbox.wake()
        await until(lambda: chat.texts)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await store.close()


async def test_what_is_taken_back_in_the_last_moment_is_not_said(tmp_path: Path) -> None:
    """A moderator's undo comes while a delivery waits for its slot, or while a call is under way that fails: nothing is
    said after it."""
    store = await open_store(tmp_path / "talk.sqlite3")
    chat = FakeConnector(abilities=replace(FAST, rate=4.0))
    async with running(store, chat, patience=1.0) as outbox:
        slow, failing = delivery("slow"), delivery("failing", "d")
        await store.deliver([delivery("first", "e"), slow])
        outbox.wake()
        await until(lambda: chat.texts == ["first"])
        await store.withhold(slow, "taken back")
        chat.hangs.add("d")
        await store.deliver([failing])
        outbox.wake()
        await until(lambda: any_sending(store))
        await store.withhold(failing, "taken back")
        chat.hangs.clear()  # a further try would succeed
        await asyncio.sleep(1.5)
        rows = {one.text: one.state for one in await store.deliveries("talk")}
    assert rows == {"first": "sent", "slow": "failed", "failing": "failed"}
    assert chat.texts == ["first"]
    await store.close()


async def any_sending(store: SqliteStore) -> bool:
    return any(one.state == "sending" for one in await store.deliveries("talk"))
