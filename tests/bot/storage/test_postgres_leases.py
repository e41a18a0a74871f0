"""Leases in PostgreSQL: one owner at a time by the database's clock, and no write of a former one."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from bot.errors import Fenced, StoreError
from bot.model import Cursor, Message, Placed, Placement, Session
from bot.storage.postgres import PostgresStore, open_postgres
from bot.storage.postgres_connection import connect
from bot.storage.postgres_leases import PostgresLeases
from tests.bot.storage import postgres

VALID = 1.0
NAME = "pipeline:talk"


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as made:
        yield made


@pytest.fixture
async def two(url: str) -> AsyncIterator[tuple[PostgresLeases, PostgresLeases]]:
    """Those of two processes."""
    made = PostgresLeases(url, "http://one", VALID), PostgresLeases(url, "http://two", VALID)
    yield made
    for one in made:
        await one.close()


async def store_of(url: str, leases: PostgresLeases) -> PostgresStore:
    store = await open_postgres(url)
    store.tokens = leases.tokens
    return store


async def test_one_has_it_until_it_runs_out(two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """Another process gets it once it was not renewed in time, with a greater number; who had it learns that."""
    one, other = two
    assert await one.take(NAME)
    assert not await other.take(NAME)
    await asyncio.sleep(0.6 * VALID)
    assert await one.renew([NAME]) == {NAME}
    await asyncio.sleep(0.6 * VALID)
    assert not await other.take(NAME)
    before = one.tokens[NAME]
    await asyncio.sleep(VALID)
    assert await other.take(NAME)
    assert other.tokens[NAME] > before
    assert await one.renew([NAME]) == frozenset()
    assert NAME not in one.tokens


async def test_what_is_let_go_is_free_at_once(two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """A graceful stop costs nobody the time that the lease was still good for."""
    one, other = two
    await one.take(NAME)
    await one.renew([NAME], ["pipeline"])
    standing = await other.standing()
    assert (standing[NAME].owner, standing[NAME].at) == (one.owner, "http://one")
    assert f"ready:pipeline:{one.owner}" in standing
    await one.let_go([NAME], ["pipeline"])
    assert await other.standing() == {}
    assert await other.take(NAME)


async def test_a_former_owner_writes_nothing(url: str, two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """Placements, a cursor and how a source is: all of it is refused to who lost the lease, and nothing is written."""
    one, other = two
    store = await store_of(url, one)
    await store.save_session(Session("talk", "A talk"))
    await store.receive([Message("talk", "lobby", "1", "ann", "Ann", "Is there a recording?", 1.0)])
    (message,) = await store.pending("talk", 10)
    placed = [Placed(Placement(message.id, False, 0.1))]
    for name in (NAME, "connector:lobby"):
        await one.take(name)
    await asyncio.sleep(VALID + 0.1)
    for name in (NAME, "connector:lobby"):
        assert await other.take(name)
    with pytest.raises(Fenced):
        await store.place("talk", placed)
    with pytest.raises(Fenced):
        await store.receive([], Cursor("lobby", "7"))
    assert len(await store.pending("talk", 10)) == 1
    assert await store.cursor("lobby") is None
    of_other = await store_of(url, other)
    await of_other.place("talk", placed)
    assert await store.pending("talk", 10) == []
    await of_other.close()
    await store.close()


async def test_who_never_had_it_writes_nothing_either(url: str, two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """Where several processes share a store, nothing is written that belongs to a lease without one."""
    store = await store_of(url, two[0])
    with pytest.raises(Fenced):
        await store.receive([], Cursor("lobby", "7"))
    await store.close()


async def test_a_write_under_way_is_waited_for(url: str, two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """Who takes a lease over does so after what the former owner is writing, never in the middle of it."""
    one, other = two
    await one.take(NAME)
    with psycopg.connect(url) as db:
        fence = "SELECT 1 FROM fences WHERE name = %s AND token = %s FOR SHARE"
        assert db.execute(fence, (NAME, one.tokens[NAME])).fetchone()
        assert await one.renew([NAME]) == {NAME}  # that waits for no write
        await asyncio.sleep(VALID + 0.1)
        with pytest.raises(StoreError, match="lock timeout"):
            await other.take(NAME)
        db.commit()
    assert await other.take(NAME)


async def test_who_sleeps_in_the_middle_of_a_write_holds_nobody_up(
    url: str, two: tuple[PostgresLeases, PostgresLeases]
) -> None:
    """A process that is stopped inside a transaction is thrown out by the server, so that its lease can be taken."""
    one, other = two
    await one.take(NAME)
    sleeping = connect(url, patience=1.0)
    sleeping.execute("BEGIN")
    fence = "SELECT 1 FROM fences WHERE name = ? AND token = ? FOR SHARE"
    assert sleeping.execute(fence, (NAME, one.tokens[NAME])).fetchone()
    await asyncio.sleep(VALID + 1.0)
    assert await other.take(NAME)
    sleeping.close()


async def test_a_lost_connection_is_made_anew(url: str, two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """The call that finds it lost fails; the next one is answered."""
    one, _ = two
    await one.take(NAME)
    postgres.cut(url)
    with pytest.raises(StoreError):
        await one.renew([NAME])
    assert await one.renew([NAME]) == {NAME}


async def test_a_hundred_are_renewed_at_once(two: tuple[PostgresLeases, PostgresLeases]) -> None:
    """A process with a hundred sessions renews all of them in a small part of a lease."""
    one, _ = two
    names = [f"pipeline:{n}" for n in range(100)]
    one.valid = 30.0
    for name in names:
        await one.take(name)
    began = time.monotonic()
    assert await one.renew(names) == set(names)
    assert time.monotonic() - began < 1.0
