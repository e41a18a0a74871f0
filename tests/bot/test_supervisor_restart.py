"""What the supervisor knows of the sources after the program was stopped and started again."""

import asyncio

from bot.errors import ConnectorError
from bot.model import SourceReport
from bot.storage.sqlite import SqliteStore
from bot.supervisor import Supervisor
from tests.bot.chats import Chat
from tests.fake_floor import FakeFloor

HOUR = 3600.0
AWAY = ConnectorError("the chat is away")


async def run_once(store: SqliteStore, chat: Chat, began: float, ends: float) -> SourceReport:
    """A run of the program from one time to another; how it left the source."""
    time = began
    supervisor = Supervisor(FakeFloor(), store, [chat], lambda: time, wait=lambda _: 60.0)
    task = asyncio.create_task(supervisor.run())
    while not chat.tried:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    time = ends
    [report] = await supervisor.reports()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return report


def spans(report: SourceReport) -> list[tuple[float, float | None]]:
    return [(outage.began, outage.ended) for outage in report.outages]


async def test_what_was_down_when_the_program_stopped_counts_once(store: SqliteStore) -> None:
    """An outage that a restart falls into is one, and does not go on for ever."""
    await run_once(store, Chat(), 0.0, 100.0)
    await run_once(store, Chat(trouble=AWAY), 200.0, 300.0)
    again = await run_once(store, Chat(), 400.0, 500.0)
    assert spans(again) == [(100.0, 400.0)]
    assert again.missed(10_000.0) == 300.0


async def test_an_outage_does_not_outlast_an_evening_off(store: SqliteStore) -> None:
    """A source that was down when the program was stopped for days missed nothing while it was off."""
    await run_once(store, Chat(trouble=AWAY), 0.0, 100.0)
    later = await run_once(store, Chat(), 50 * HOUR, 51 * HOUR)
    assert spans(later) == [(0.0, 100.0)]


async def test_the_record_outlives_a_restart_and_not_an_evening_off(store: SqliteStore) -> None:
    """`watched_since` is when the first run of the evening began."""
    assert (await run_once(store, Chat(), 10.0, 100.0)).health.watched_since == 10.0
    assert (await run_once(store, Chat(), 200.0, 300.0)).health.watched_since == 10.0
    assert (await run_once(store, Chat(), 50 * HOUR, 51 * HOUR)).health.watched_since == 50 * HOUR


async def test_asking_early_does_not_cover_up_the_former_run(store: SqliteStore) -> None:
    """A page that asks before the supervisor runs gets what is kept, and the minutes that were missed stay known."""
    await run_once(store, Chat(), 0.0, 100.0)
    early = Supervisor(FakeFloor(), store, [Chat()], lambda: 200.0)
    assert [report.health.alive_at for report in await early.reports()] == [100.0]
    assert spans(await run_once(store, Chat(), 200.0, 300.0)) == [(100.0, 200.0)]
