"""The supervisor: sources that fail in every way, each by itself, and the minutes that each one missed."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import ConnectorError, Crowded, Refused, StoreError, TryLater
from bot.model import Abilities, Address, Delivery, Message, Outage, SourceReport, SourceState
from bot.ports import Floor, HookReply, HookRequest
from bot.supervisor import AT_THE_DOOR, BURST, NOBODY, PACE, STEADY, TALK, Bucket, Supervisor
from tests.bot.connectors.contract import FakeSources
from tests.bot.values import message
from tests.fake_floor import FakeFloor

Act = Callable[[Floor], Awaitable[Any]]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def listen(floor: Floor) -> None:
    floor.connected()
    await asyncio.Event().wait()


async def hang(floor: Floor) -> None:
    await asyncio.Event().wait()


def fail(error: BaseException) -> Act:
    async def act(floor: Floor) -> None:
        raise error

    return act


class Script:
    """A connector whose runs are acts, one after the other; after the last it listens."""

    def __init__(self, name: str, *acts: Act, abilities: Abilities | None = None) -> None:
        self.name, self.abilities = name, abilities or Abilities()
        self.at: list[float] = []
        self.floor: Floor | None = None
        self._acts = list(acts)

    async def run(self, floor: Floor) -> None:
        self.at.append(time.monotonic())
        self.floor = floor
        await (self._acts.pop(0) if self._acts else listen)(floor)

    async def send(self, delivery: Delivery) -> str:
        return ""

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def close(self) -> None: ...


class Running:
    """A supervisor with its parts. `waits`: the failures that it asked a waiting time for, each of `wait` seconds."""

    def __init__(
        self,
        *connectors: Script,
        store: FakeSources | None = None,
        now: Callable[[], float] = time.time,
        floor: FakeFloor | None = None,
        wait: float = 0.005,
    ):
        self._seconds = wait
        self.began = time.monotonic()
        self.floor, self.store, self.waits = floor or FakeFloor(), store or FakeSources(), list[int]()
        self.supervisor = Supervisor(
            self.floor, self.store, connectors, now, said=lambda name: (len(name), 7), wait=self._wait
        )
        self.task = asyncio.create_task(self.supervisor.run())

    def _wait(self, failures: int) -> float:
        self.waits.append(failures)
        return self._seconds

    async def report(self, source: str) -> SourceReport:
        return next(r for r in await self.supervisor.reports() if r.health.source == source)

    async def state(self, source: str, state: SourceState) -> SourceReport:
        """Wait until it is in this state."""
        await until_it_runs()
        async with asyncio.timeout(5):
            while (report := await self.report(source)).health.state is not state:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return report

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def until_it_runs() -> None:
    for _ in range(3):  # the supervisor, each source, what the store says of it
        await asyncio.sleep(0)


@asynccontextmanager
async def running(*connectors: Script, **options: Any) -> AsyncIterator[Running]:
    made = Running(*connectors, **options)
    try:
        await until_it_runs()
        yield made
    finally:
        await made.stop()


def spans(report: SourceReport) -> list[tuple[float, float | None, bool]]:
    return [(outage.began, outage.ended, outage.filled) for outage in report.outages]


# Started again


async def test_it_is_started_again_after_growing_waits() -> None:
    """Each failure in a row asks for a longer wait; what it says of itself is shown meanwhile."""
    chat = Script("chat", *[fail(ConnectorError("the chat is away")) for _ in range(4)])
    async with running(chat) as run:
        report = await run.state("chat", SourceState.CONNECTED)
    assert run.waits == [1, 2, 3, 4]
    assert (report.health.trouble, report.health.connects) == ("", 1)
    assert [outage.why for outage in report.outages] == ["the chat is away"]


@pytest.mark.parametrize("says_so", [False, True], ids=["raises", "says that it is lost and raises"])
async def test_after_a_steady_connection_the_waits_begin_anew(says_so: bool) -> None:
    """A connection that held for a minute makes the next failure the first again; a short one does not."""
    clock = Clock()

    def hold(seconds: float) -> Act:
        async def act(floor: Floor) -> None:
            floor.connected()
            clock.now += seconds
            if says_so:
                floor.lost("it fell silent")
            raise ConnectorError("it fell silent")

        return act

    away = fail(ConnectorError("away"))
    chat = Script("chat", away, away, hold(STEADY - 1), hold(STEADY + 1), away, hold(0))
    async with running(chat, now=clock) as run:
        await run.state("chat", SourceState.CONNECTED)
        await asyncio.sleep(0.1)
    assert run.waits == [1, 2, 3, 1, 2, 3]


async def test_one_that_ends_by_itself_is_started_again() -> None:
    """A run that just returns is a lost connection, not the end."""

    async def end(floor: Floor) -> None:
        floor.connected()

    async with running(Script("chat", end)) as run:
        await asyncio.sleep(0.05)
        report = await run.state("chat", SourceState.CONNECTED)
    assert report.health.connects == 2
    assert [outage.why for outage in report.outages] == ["it stopped listening"]


async def test_the_wait_that_a_chat_asks_for_is_kept() -> None:
    """`TryLater` says how long, and its text is what people see."""
    chat = Script("chat", fail(TryLater(0.4, text="the chat wants 0.4 s of silence")))
    async with running(chat) as run:
        report = await run.state("chat", SourceState.LOST)
        assert report.health.trouble == "the chat wants 0.4 s of silence"
        await run.state("chat", SourceState.CONNECTED)
    assert run.waits == []
    assert chat.at[1] - chat.at[0] >= 0.4


@pytest.mark.parametrize("seconds", [0.0, -5.0, float("nan")])
async def test_a_wait_of_nothing_does_not_hammer(seconds: float) -> None:
    """A chat that tells us to come back at once is not called in a tight loop."""
    chat = Script("chat", *[fail(TryLater(seconds)) for _ in range(1000)])
    async with running(chat):
        await asyncio.sleep(0.35)
    assert 2 <= len(chat.at) <= 5


async def test_one_whose_messages_could_not_be_kept_is_asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the disk was full: with room again a chat that is fetched from must not wait a minute for it."""
    monkeypatch.setattr("bot.supervisor.KEEPING_WAIT", 0.01)
    chat = Script("chat", *[fail(StoreError("the disk is full")) for _ in range(5)])
    async with running(chat, wait=60.0) as run:
        await run.state("chat", SourceState.CONNECTED)
    assert run.waits == [1, 2, 3, 4, 5]


async def test_one_that_is_turned_away_stays_down() -> None:
    """`Refused` ends it until a person acts: it is shown with the reason, and its outage lasts."""
    chat, other = Script("chat", fail(Refused("the key is wrong; copy it again"))), Script("other")
    async with running(chat, other) as run:
        report = await run.state("chat", SourceState.REFUSED)
        await asyncio.sleep(0.05)
        await run.state("other", SourceState.CONNECTED)
        assert len(chat.at) == 1
        assert report.health.trouble == "the key is wrong; copy it again"
        assert [(outage.ended, outage.why) for outage in report.outages] == [(None, report.health.trouble)]


# Each by itself


@pytest.mark.parametrize(
    "error",
    [
        ValueError("ours"),
        KeyError(),
        RecursionError(),
        ExceptionGroup("several", [ValueError("ours")]),
        asyncio.CancelledError("from within"),
        TimeoutError(),
        OSError("no route"),
        StoreError("the disk is full"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_fault_in_one_never_stops_another(error: BaseException) -> None:
    """Whatever one raises, it is started again, and the others go on undisturbed."""
    chat, other = Script("chat", *[fail(error)] * 3), Script("other")
    async with running(chat, other) as run:
        report = await run.state("chat", SourceState.CONNECTED)
        assert (await run.report("other")).health.connects == 1
        assert not run.task.done()
    assert (len(chat.at), len(other.at)) == (4, 1)
    assert report.outages[0].why


async def test_a_fault_of_ours_is_said_to_be_one() -> None:
    """People see that it is not the platform; the details are in the log, not on the page."""
    async with running(Script("chat", fail(ValueError("personal words")))) as run:
        report = await run.state("chat", SourceState.CONNECTED)
    assert "fault of this program (ValueError)" in report.outages[0].why
    assert "personal words" not in report.outages[0].why


async def test_the_log_says_the_name_of_a_source_once(caplog: pytest.LogCaptureFixture) -> None:
    """Also where the chat itself begins with it."""
    own = Script("bilibili", fail(ConnectorError("Bilibili: the room is not live.")), fail(Refused("Bilibili is away")))
    async with running(own, Script("hall", fail(Refused("the key is wrong.")))) as run:
        await run.state("bilibili", SourceState.REFUSED)
        await run.state("hall", SourceState.REFUSED)
    assert {record.getMessage() for record in caplog.records} == {
        "Bilibili: the room is not live. (again in 0.0 s)",
        "Bilibili is away (not tried again)",
        "hall: the key is wrong. (not tried again)",
    }


async def test_one_that_hangs_slows_nobody() -> None:
    """A source that never connects is shown as starting, and the others hear their chats."""
    async with running(Script("chat", hang), Script("other")) as run:
        await run.state("other", SourceState.CONNECTED)
        assert (await run.report("chat")).health.state is SourceState.STARTING


def test_the_bucket_lets_a_burst_through_and_then_keeps_the_pace() -> None:
    """So many at once, the rest at so many a second; silence fills it up again, and never beyond the burst."""
    bucket = Bucket(burst=10, pace=2)
    assert bucket.take(10, 100.0) == 0.0
    assert bucket.take(4, 100.0) == 0.0
    assert bucket.take(0, 100.0) == 2.0
    assert bucket.take(1, 101.0) == 1.0
    assert bucket.take(12, 1000.0) == 0.0
    assert bucket.take(1, 1000.0) == 1.0
    bucket.give_back(5)
    assert bucket.take(1, 1000.0) == 0.0


async def test_one_that_floods_waits_at_its_own_door() -> None:
    """What it brings beyond a burst is stored only at a steady pace; another is not held up."""

    async def flood(floor: Floor) -> None:
        floor.connected()
        for n in range(BURST // 100 + 100):
            await floor.receive([message(n * 100 + k, source="chat") for k in range(100)])
        await listen(floor)

    chat, other = Script("chat", flood), Script("other")
    async with running(chat, other) as run:
        await run.state("other", SourceState.CONNECTED)
        most = await flooded_by(run)
        flooded = len(run.floor.messages)
        assert BURST <= flooded <= most
        assert other.floor
        began = time.monotonic()
        await other.floor.receive([message(source="other")])
        assert time.monotonic() - began < 0.5
        assert [one.source for one in run.floor.messages].count("other") == 1


async def flooded_by(run: Running) -> float:
    """Until the burst of a flood has come in, and it stands still for a moment; how many may have come in by then."""
    before = -1
    while len(run.floor.messages) < BURST or before != len(run.floor.messages):
        before = len(run.floor.messages)
        await asyncio.sleep(0.1)
    return BURST + 200 + PACE * (time.monotonic() - run.began)


async def test_many_calls_at_once_queue_at_the_door_too() -> None:
    """A platform that pushes a flood through many calls at the same time gets no further than one that queues; beyond
    some that wait the calls are turned away, and told when to come again."""
    chat = Script("chat")
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        calls = [
            asyncio.ensure_future(chat.floor.receive([message(n * 100 + k, source="chat") for k in range(100)]))
            for n in range(BURST // 100 + 100)
        ]
        most = await flooded_by(run)
        assert BURST <= len(run.floor.messages) <= most
        assert sum(not call.done() for call in calls) <= AT_THE_DOOR
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        refused = [one for one in ended if isinstance(one, Crowded)]
        assert len(refused) >= 50
        assert all(one.seconds >= 1 for one in refused)


async def test_the_flood_of_one_author_is_kept_and_set_aside() -> None:
    """Of a thousand lines that one person says within a second some are heard and the rest set aside; others beside
    them are heard, and so is one who said as many over an hour and is delivered at once."""
    chat, now = Script("chat"), time.time()
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        loud = [replace(message(n, source="chat"), author="loud", at=now - 1) for n in range(1000)]
        calm = [replace(message(2000 + n, source="chat"), author=f"calm{n}", at=now) for n in range(100)]
        late = [replace(message(3000 + n, source="chat"), author="late", at=now - 3600 + 7 * n) for n in range(500)]
        await chat.floor.receive([*loud, *calm, *late])
    heard = Counter(one.author for one in run.floor.messages if not one.aside)
    assert len(run.floor.messages) == 1600
    assert heard["loud"] == TALK.burst
    assert heard["late"] == 500
    assert sum(heard[f"calm{n}"] for n in range(100)) == 100


async def test_who_asks_the_bot_over_and_over_is_answered_now_and_then() -> None:
    """Somebody's hundred commands do not stand before the answers of everybody else; another person is answered."""

    def told(n: int, user: str) -> Delivery:
        return Delivery(f"command:{user}:{n}", "talk", Address("chat", "group", "", user, private=False), "…")

    chat = Script("chat")
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        for n in range(100):
            await chat.floor.receive([], None, [told(n, "loud")])
        await chat.floor.receive([], None, [told(0, "calm")])
        said = [key.split(":")[1] for key in run.floor.deliveries]
    assert 3 <= said.count("loud") <= 7
    assert said.count("calm") == 1


async def test_a_redelivery_costs_nobody_his_turn() -> None:
    """Only what is new counts against the pace: a platform that sends everything again is not slowed."""
    again: list[Message] = [message(n, source="chat") for n in range(BURST // 10)]
    chat = Script("chat")
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        async with asyncio.timeout(10):
            for _ in range(20):
                await chat.floor.receive(again)
    assert len(run.floor.messages) == BURST // 10


async def test_what_could_not_be_kept_costs_nobody_his_turn() -> None:
    """However often it is offered while the disk is full: with room again the line is heard and the command answered,
    and both at once."""
    chat, now = Script("chat"), time.time()
    said = [replace(message(n, source="chat"), author=f"u{n}", at=now - 1) for n in range(BURST // 20)]
    told = Delivery("command:u1", "talk", Address("chat", "group", "", "u1", private=False), "…")
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        run.floor.fail_next = 40
        for _ in range(40):
            with pytest.raises(StoreError):
                await chat.floor.receive(said, None, [told])
        async with asyncio.timeout(10):
            await chat.floor.receive(said, None, [told])
    assert Counter(one.aside for one in run.floor.messages) == {False: len(said)}
    assert list(run.floor.deliveries) == [told.key]


# What was missed


async def test_an_outage_lasts_from_the_loss_until_it_is_connected() -> None:
    """Not until the next try: what is said before the platform delivers again is missed. `complete` says that it was
    fetched later."""
    clock, again = Clock(), asyncio.Event()

    async def lose(floor: Floor) -> None:
        floor.connected()
        await again.wait()
        clock.now = 2000.0
        raise ConnectorError("gone")

    async def slowly(floor: Floor) -> None:
        clock.now = 2060.0
        floor.connected()
        clock.now = 3000.0
        floor.lost("silent")
        clock.now = 3005.0
        floor.connected(complete=True)
        await asyncio.Event().wait()

    async with running(Script("chat", lose, slowly), now=clock) as run:
        await run.state("chat", SourceState.CONNECTED)
        again.set()
        await asyncio.sleep(0.05)
        report = await run.report("chat")
    assert spans(report) == [(2000.0, 2060.0, False), (3000.0, 3005.0, True)]
    assert report.missed(5000.0) == 60.0
    assert report.health.connects == 3
    assert (report.health.state, report.health.since) == (SourceState.CONNECTED, 3005.0)


async def test_one_that_cannot_connect_at_first_misses_from_the_start() -> None:
    """What was said since the program began is missed, though there was nothing to lose yet."""
    clock = Clock()

    async def later(floor: Floor) -> None:
        clock.now = 1090.0
        floor.connected()
        await asyncio.Event().wait()

    async with running(Script("chat", fail(ConnectorError("away")), later), now=clock) as run:
        report = await run.state("chat", SourceState.CONNECTED)
    assert spans(report) == [(1000.0, 1090.0, False)]


async def test_several_failures_are_one_outage() -> None:
    """It begins with the first and keeps its reason; what is wrong now is in the health."""
    clock = Clock()
    troubles = [fail(ConnectorError("first")), fail(ConnectorError("second")), fail(Refused("in the end"))]
    async with running(Script("chat", *troubles), now=clock) as run:
        report = await run.state("chat", SourceState.REFUSED)
    assert [(outage.why, outage.ended) for outage in report.outages] == [("first", None)]
    assert report.health.trouble == "in the end"


async def test_a_notice_is_shown_until_it_is_connected_again() -> None:
    """Trouble on a standing connection is no outage."""

    async def notice(floor: Floor) -> None:
        floor.connected()
        floor.notice("the clock is 5 minutes off; set it")
        await asyncio.Event().wait()

    chat = Script("chat", notice)
    async with running(chat) as run:
        report = await run.state("chat", SourceState.CONNECTED)
        assert (report.health.trouble, report.outages) == ("the clock is 5 minutes off; set it", ())
        assert chat.floor
        chat.floor.connected()
        assert (await run.report("chat")).health.trouble == ""
        assert (await run.report("chat")).health.connects == 1


async def one_run(store: FakeSources, clock: Clock, *acts: Act, seconds: float = 0.0) -> SourceReport:
    """The program runs and is stopped; `seconds` pass while it stands still."""
    async with running(Script("chat", *acts), store=store, now=clock) as run:
        await asyncio.sleep(0.05)
        report = await run.report("chat")
    clock.now += seconds
    return report


async def test_a_restart_is_an_outage_and_an_evening_off_is_not() -> None:
    """What was said while the program was away was missed, unless it was away so long that nobody wanted it."""
    store, clock = FakeSources(), Clock()
    await one_run(store, clock, seconds=60.0)
    assert spans(await one_run(store, clock, seconds=7 * 3600.0)) == [(1000.0, 1060.0, False)]
    assert spans(await one_run(store, clock)) == [(1000.0, 1060.0, False)]


async def test_a_crash_is_an_outage_from_the_last_note() -> None:
    """Nobody saw it die, so it counts from when it was last known to be well."""
    store, clock = FakeSources(), Clock()
    run = Running(Script("chat"), store=store, now=clock)
    await run.state("chat", SourceState.CONNECTED)
    store.keep_sources = _lost  # type: ignore[method-assign]
    clock.now = 1010.0
    await run.stop()
    del store.keep_sources  # type: ignore[method-assign]
    clock.now = 1100.0
    assert spans(await one_run(store, clock)) == [(1000.0, 1100.0, False)]


async def _lost(*_: object) -> None:
    """A note that the crash came before."""


async def test_an_outage_that_a_restart_falls_into_is_filled_as_a_whole() -> None:
    """A platform that kept everything meanwhile leaves nothing missing, though the program went down in between."""
    store, clock = FakeSources(), Clock()

    async def lose(floor: Floor) -> None:
        floor.connected()
        clock.now += 10.0
        raise Refused("gone")

    async def complete(floor: Floor) -> None:
        floor.connected(complete=True)
        await asyncio.Event().wait()

    await one_run(store, clock, lose, seconds=60.0)
    report = await one_run(store, clock, complete)
    assert spans(report) == [(1010.0, 1070.0, True)]
    assert report.missed(5000.0) == 0.0


async def test_a_source_that_never_connected_before_missed_nothing() -> None:
    """A run that was stopped while it was starting says nothing about the chat."""
    store, clock = FakeSources(), Clock()
    await one_run(store, clock, hang, seconds=60.0)
    assert spans(await one_run(store, clock)) == []


async def test_sources_that_are_no_longer_configured_are_not_reported() -> None:
    """What was kept of them stays, but this program's page does not show them."""
    store = FakeSources()
    async with running(Script("gone"), store=store) as run:
        await run.state("gone", SourceState.CONNECTED)
    async with running(Script("chat"), store=store) as run:
        assert [report.health.source for report in await run.supervisor.reports()] == ["chat"]
    assert set(store.healths) == {"chat", "gone"}


class Failing(FakeSources):
    """The disk is full for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False

    async def keep_sources(self, *args: Any) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        await super().keep_sources(*args)

    async def sources(self) -> list[SourceReport]:
        if self.fails:
            raise StoreError("the disk is full")
        return await super().sources()


async def test_notes_survive_a_store_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is written later: an outage that began and ended meanwhile is not forgotten."""
    monkeypatch.setattr("bot.supervisor.BEAT", 0.01)
    store, clock, chat = Failing(), Clock(), Script("chat")
    async with running(chat, store=store, now=clock) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        store.fails = True
        with pytest.raises(StoreError):
            await run.supervisor.reports()
        clock.now = 1100.0
        chat.floor.lost("silent")
        clock.now = 1130.0
        chat.floor.connected()
        await asyncio.sleep(0.1)
        store.fails = False
        report = await run.report("chat")
    assert spans(report) == [(1100.0, 1130.0, False)]


async def test_a_store_that_cannot_be_read_at_the_start_stops_nothing() -> None:
    """Then it is not known what was missed before, and the sources run."""
    store = Failing()
    store.fails = True
    async with running(Script("chat"), store=store) as run:
        await asyncio.sleep(0.05)
        store.fails = False
        assert (await run.report("chat")).health.state is SourceState.CONNECTED


async def test_it_is_noted_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a crash is known to the second, and an outage is in the store while it lasts."""
    monkeypatch.setattr("bot.supervisor.BEAT", 0.01)
    clock = Clock()
    async with running(Script("chat", fail(Refused("gone"))), now=clock) as run:
        await asyncio.sleep(0.03)
        clock.now = 1234.0
        await asyncio.sleep(0.05)
        assert run.store.healths["chat"].alive_at == 1234.0
        assert list(run.store.outages.values()) == [Outage("chat", 1000.0, None, "gone")]


async def test_what_may_still_be_said_is_shown() -> None:
    """The busiest chat's last minute and hour stand beside what the chat allows in each; one that cannot reply has no
    limit."""
    able = Abilities(reply=True, chat_rate=1.0, group_rate=0.5, hourly=1000)
    async with running(Script("chat", abilities=able), Script("mute", abilities=Abilities(hourly=5))) as run:
        health = (await run.state("chat", SourceState.CONNECTED)).health
        assert (health.chat_minute, health.chat_hour, health.chat_limits) == (4, 7, (30, 1000))
        assert (await run.report("mute")).health.chat_limits == (0, 0)


async def test_a_source_to_which_no_process_listens_is_shown_as_lost() -> None:
    """A process that only shows the sources believes what another one noted, for as long as that one goes on noting."""
    store, clock = FakeSources(), Clock()
    async with running(Script("chat"), store=store, now=clock) as run:
        await run.state("chat", SourceState.CONNECTED)
    shows = Supervisor(FakeFloor(), store, [Script("chat")], clock)
    assert [one.health.state for one in await shows.reports()] == [SourceState.CONNECTED]
    clock.now += 30.0
    (report,) = await shows.reports()
    assert (report.health.state, report.health.trouble) == (SourceState.LOST, NOBODY)


async def test_stopping_stops_every_source_and_notes_it() -> None:
    """When the program ends, no source runs on, and the last moment is known."""
    stopped: list[str] = []

    async def until_stopped(floor: Floor) -> None:
        floor.connected()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("chat")

    clock = Clock()
    run = Running(Script("chat", until_stopped), now=clock)
    await run.state("chat", SourceState.CONNECTED)
    clock.now = 1500.0
    await run.stop()
    assert run.task.cancelled()
    assert stopped == ["chat"]
    assert run.store.healths["chat"].alive_at == 1500.0


# What a platform sends that no person would


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, -1.0, 1e300, 1000.0 + 86400.0])
async def test_a_time_that_cannot_be_is_now(at: float) -> None:
    """Nothing was said after now or before all times: else what is answered would wait for that day, and every list
    that is sorted or worded by time would be wrong for good."""
    chat = Script("chat")
    async with running(chat, now=Clock()) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        await chat.floor.receive([message(1, source="chat", at=at), message(2, source="chat", at=900.0)])
    assert [one.at for one in run.floor.messages] == [1000.0, 900.0]


@pytest.mark.parametrize("at", [0.0, 1.8e6])
async def test_a_time_from_before_there_were_such_chats_is_now(at: float) -> None:
    """No time at all, and seconds that were taken for milliseconds: a report would begin in 1970."""
    chat = Script("chat")
    async with running(chat, now=lambda: 1.8e9) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        await chat.floor.receive([message(1, source="chat", at=at), message(2, source="chat", at=1.7e9)])
    assert [one.at for one in run.floor.messages] == [1.8e9, 1.7e9]


async def test_names_are_names_and_texts_have_an_end() -> None:
    """A name is one line that turns nothing around it and steers nothing, since a bot says it again in groups; a text
    ends where no person would have gone on."""
    chat = Script("chat")
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
        assert chat.floor
        name = "小李\n\n@all\x1b[2J \u202egnp.exe\u061c\u2028" + "x" * 1000
        await chat.floor.receive([message(1, "是" * 300_000, source="chat", author_name=name)])
    (one,) = run.floor.messages
    assert one.author_name.startswith("小李 @all[2J gnp.exe x")
    assert (len(one.author_name), len(one.text)) == (60, 10_000)


async def test_what_is_answered_at_once_keeps_the_pace_too() -> None:
    """A code to link oneself, a command: neither is a message that is kept, and each costs an answer."""

    async def flood(floor: Floor) -> None:
        floor.connected()
        for n in range(BURST // 100 + 100):
            await floor.receive([message(n * 100 + k, "link K7Q2-9MXT", source="chat") for k in range(100)])
        await listen(floor)

    class Linking(FakeFloor):
        async def receive(self, messages: Any, cursor: Any = None, deliveries: Any = ()) -> int:
            self.messages += messages
            return len(messages)

    chat = Script("chat", flood)
    async with running(chat, floor=Linking()) as run:
        await run.state("chat", SourceState.CONNECTED)
        most = await flooded_by(run)
        assert BURST <= len(run.floor.messages) <= most


async def test_what_a_source_says_of_itself_is_one_short_line() -> None:
    """Whatever a platform's answer brought into it: it stands in a log, a terminal and a page."""

    async def complain(floor: Floor) -> None:
        floor.lost("gone\nERROR forged \x1b[2J\u202e" + "x" * 10_000)
        await asyncio.Event().wait()

    chat = Script("chat", complain)
    async with running(chat) as run:
        report = await run.state("chat", SourceState.LOST)
    assert report.health.trouble.startswith("gone ERROR forged [2Jxxx")
    assert report.outages[0].why == report.health.trouble
    assert len(report.health.trouble) <= 500


async def test_a_source_that_comes_and_goes_without_end_holds_nobody_up() -> None:
    """Thousands of outages between two notes are written down in no time."""

    async def flap(floor: Floor) -> None:
        for _ in range(5000):
            floor.connected()
            floor.lost("gone")
        await asyncio.Event().wait()

    clock = iter(range(1, 10**9))
    chat = Script("chat", flap)
    async with running(chat, now=lambda: float(next(clock))) as run:
        await asyncio.sleep(0)
        began = time.process_time()  # its own work, whoever else is at work on the machine
        await run.report("chat")
        assert time.process_time() - began < 1.0
    assert len(run.store.outages) >= 5000


async def test_a_chat_that_says_again_and_again_that_we_need_not_wait_is_not_believed() -> None:
    """Once or twice it may be so; after that the waits grow as for any failure."""
    chat = Script("chat", *[fail(TryLater(0.0)) for _ in range(6)])
    async with running(chat) as run:
        await run.state("chat", SourceState.CONNECTED)
    assert run.waits[-1] == 6


@pytest.mark.parametrize("seconds", [1e12, math.inf, math.nan, -5.0])
def test_nobody_can_silence_the_program_for_good(seconds: float) -> None:
    """A wait that a chat asks for lasts a day at most."""
    assert 0.0 <= TryLater(seconds).seconds <= 86400.0
