"""What other processes wrote is told at once, whatever was missed a second later, and what one wrote oneself never."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from bot.errors import StoreError
from bot.model import Address, Delivery, Message, Session
from bot.ports import EVERYTHING
from bot.storage import inbox
from bot.storage.postgres import open_postgres
from bot.storage.postgres_notices import PostgresNotices
from tests.bot.storage import postgres


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as made:
        yield made


class Ear:
    """What was told, in order."""

    def __init__(self, notices: PostgresNotices) -> None:
        self.notices = notices
        self.told: list[tuple[str, frozenset[str]]] = []
        notices.subscribe(lambda session, kinds: self.told.append((session, kinds)))

    async def hears(self, session: str, *kinds: str, within: float = 2.0) -> float:
        """Seconds until that was told."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (session, frozenset(kinds)) not in self.told:
            assert loop.time() - began < within, self.told
            await asyncio.sleep(0.01)
        return loop.time() - began


@asynccontextmanager
async def listening(url: str, **more: Any) -> AsyncIterator[Ear]:
    ear = Ear(PostgresNotices(url, **more))
    await ear.notices.begin()
    task = asyncio.create_task(ear.notices.run())
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.wait({task})


def message(number: int) -> Message:
    return Message("talk", "lobby", str(number), "ann", "Ann", f"Number {number}?", float(number))


async def test_a_write_elsewhere_is_told_with_its_kinds(url: str) -> None:
    """Session and kinds come with the commit; what belongs to no session has the session ""."""
    store = await open_postgres(url)
    await store.save_session(Session("talk", "A talk"))
    async with listening(url) as ear:
        await store.receive([message(1)])
        assert await ear.hears("talk", "arrived") < 0.9
        await store.keep_sources([])
        await ear.hears("", "sources")
    await store.close()


async def test_what_one_wrote_oneself_is_not_told(url: str) -> None:
    """A process knows what it wrote; it hears of others alone, and of them nothing is missed in between."""
    mine, other = await open_postgres(url), await open_postgres(url)
    await mine.save_session(Session("talk", "A talk"))
    async with listening(url, ours=lambda: mine.backends) as ear:
        await mine.receive([message(1)])
        await other.receive([message(2)])
        await mine.receive([message(3)])
        await other.receive([message(4)])
        await asyncio.sleep(1.5)
        assert [kinds for session, kinds in ear.told if session == "talk"] == [frozenset({"arrived"})] * 2
    await mine.close()
    await other.close()


async def test_what_one_may_have_written_oneself_is_told(url: str) -> None:
    """Where the end of a commit was not heard nobody in the process knows what was written, so all of it is read."""

    mine = await open_postgres(url)
    await mine.save_session(Session("talk", "A talk"))
    async with listening(url, ours=lambda: mine.backends) as ear:
        with pytest.raises(StoreError, match="not known"):
            await mine._write("talk", "arrived", postgres.unheard(inbox.receive), [message(1)], None, (), ())
        await ear.hears("talk", *EVERYTHING)
        ear.told.clear()
        await mine.receive([message(2)])
        await asyncio.sleep(1.5)
        assert ear.told == []
    await mine.close()


async def test_what_was_missed_is_everything_of_that_session(url: str) -> None:
    """After a connection was lost, and where a number was left out, everything of the session may be another one."""
    store = await open_postgres(url)
    await store.save_session(Session("talk", "A talk"))
    async with listening(url) as ear:
        with psycopg.connect(url, autocommit=True) as db:
            sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'floormic notices'"
            db.execute(sql)
            await store.receive([message(1)])
            assert await ear.hears("talk", *EVERYTHING) < 1.5
            ear.told.clear()
            db.execute("UPDATE turns SET number = number + 1 WHERE session = 'talk'")  # without a notice
            assert await ear.hears("talk", *EVERYTHING) < 1.5
    await store.close()


async def test_what_is_kept_nowhere_is_said_to_the_others(url: str) -> None:
    """What one process says of a topic reaches the others, not itself; what is too long for it is dropped."""
    heard: list[tuple[str, Any]] = []
    async with listening(url) as one, listening(url) as two:
        one.notices.hear("hands", lambda data: heard.append(("one", data)))
        two.notices.hear("hands", lambda data: heard.append(("two", data)))
        one.notices.say("hands", {"long": "x" * 8000})
        one.notices.say("hands", {"who": "安"})
        one.notices.say("other", {"who": "nobody"})
        for _ in range(100):
            if heard:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        assert heard == [("two", {"who": "安"})]


async def test_several_kinds_of_one_write_are_told_together(url: str) -> None:
    """A message that is answered at once has come in and gives something to say."""
    store = await open_postgres(url)
    await store.save_session(Session("talk", "A talk"))
    said = Delivery("k", "talk", Address("lobby", "room"), "Heard.", not_before=0.0)
    async with listening(url) as ear:
        await store.receive([message(1)], None, [said])
        await ear.hears("talk", "arrived", "sending")
    await store.close()
