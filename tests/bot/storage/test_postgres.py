"""What PostgreSQL's store keeps beyond the contract: several processes, turns, and a server that goes away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest

from bot.errors import Fenced, StoreBusy, StoreError
from bot.model import Address, Change, Cursor, Delivery, Message, Person, Placed, Placement
from bot.storage import inbox
from bot.storage.opening import open_store_at
from bot.storage.postgres import CHANNEL, PostgresStore, open_postgres
from bot.storage.postgres_connection import connect
from tests.bot.storage import postgres
from tests.bot.storage.acts import ask
from tests.bot.storage.test_misfortune import ALL, UNDER_WAY, WRITES
from tests.bot.storage.test_polls import poll
from tests.bot.storage.test_surveys import survey
from tests.bot.values import TALK, message, state
from tests.waiting import until


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresStore]:
    store = await open_postgres(url)
    yield store
    await store.close()


def numbers(url: str) -> dict[str, int]:
    with psycopg.connect(url) as db:
        return dict(db.execute("SELECT session, number FROM turns").fetchall())


class Ear:
    """Everything that is told on the channel."""

    def __init__(self, db: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self._db = db

    async def until(self, session: str, number: int) -> list[tuple[int, set[str]]]:
        """What this session's commits told, up to that number."""
        found = []
        async for notice in self._db.notifies(timeout=20):
            of, told, kinds = json.loads(notice.payload)
            if of == session:
                found.append((told, set(kinds)))
                if told >= number:
                    break
        return found


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Ear]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as db:
        await db.execute(f"LISTEN {CHANNEL}")
        yield Ear(db)


async def test_turns_have_no_gap_and_are_told_in_their_order(url: str) -> None:
    """However many calls write to a session at once, from two processes, and some of them in vain."""
    async with opened(url) as one, opened(url) as other, listening(url) as ear:
        calls = [store.receive([message(n)]) for n in range(100) for store in (one, other)]
        vain = [store.place("talk", [Placed(Placement(-1, False, 0.0))]) for store in (one, other) for _ in range(20)]
        done = await asyncio.gather(*calls, *vain, return_exceptions=True)
        assert sum(new for new in done if isinstance(new, int)) == 100
        last = numbers(url)["talk"]
        assert [number for number, _ in await ear.until("talk", last)] == list(range(1, last + 1))
        assert len(await other.pending("talk", 1000)) == 100


async def test_a_commit_tells_what_it_changed_and_where(url: str) -> None:
    """A write to no session is told for ""; one that may touch all is told for each that there is."""
    async with opened(url) as store, listening(url) as ear:
        await store.receive([message(1)])
        await store.receive([message(2, session="rerun")])
        await store.keep_sources([])
        await store.forget(Person("telegram", "zoe"), None, 0.0)
        assert await ear.until("talk", 2) == [(1, {"arrived"}), (2, {"forgotten"})]
        assert numbers(url) == {"talk": 2, "rerun": 2, "": 2}


async def test_calls_that_wait_share_one_commit(url: str) -> None:
    """A thousand messages take far fewer turns than that."""
    async with opened(url) as store:
        await asyncio.gather(*(store.receive([message(n)]) for n in range(1000)))
        assert numbers(url)["talk"] < 50


async def test_writers_of_one_session_exclude_each_other(url: str) -> None:
    """What two processes read and write back is never lost; another session does not wait for them."""
    async with opened(url) as one, opened(url) as other:
        held = psycopg.connect(url)
        held.execute("INSERT INTO turns VALUES ('talk', 0)")
        waiting = [asyncio.create_task(store.receive([message(n)])) for n, store in enumerate((one, other))]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in waiting)
        async with opened(url) as third:
            await asyncio.wait_for(third.receive([message(1, session="rerun")]), 2)
        held.commit()
        held.close()
        assert await asyncio.gather(*waiting) == [1, 1]


async def test_what_may_touch_every_session_waits_for_all_of_them(url: str) -> None:
    """And they for it: nothing is written beside it."""
    async with opened(url) as store:
        await store.receive([message(1)])
        held = psycopg.connect(url)
        held.execute("SELECT pg_advisory_xact_lock_shared(%s)", (0x68616C6C,))
        forgetting = asyncio.create_task(store.forget(Person("telegram", "zoe"), None, 0.0))
        await asyncio.sleep(0.2)
        assert not forgetting.done()
        held.commit()
        held.close()
        await asyncio.wait_for(forgetting, 5)


async def test_after_the_server_cut_everything_the_next_calls_go_on(url: str) -> None:
    """Calls under way fail and say so; a little later both writing and reading work as before."""
    async with opened(url) as store:
        await store.receive([message(1)])
        await store.pending("talk", 1)
        postgres.cut(url)
        with suppress(StoreError):
            await store.receive([message(2)])
        assert await store.pending("talk", 1)  # reading again does no harm, so nobody hears of it
        assert await store.receive([message(3)]) == 1
        assert {one.external_id for one in await store.pending("talk", 9)} >= {"m1", "m3"}


async def test_a_commit_whose_end_is_not_heard_is_told_as_such(url: str) -> None:
    """The server may have written it; who says the same again is told that it was."""

    async with opened(url) as store:
        with pytest.raises(StoreError, match="whether it was written is not known"):
            await store._write("talk", "arrived", postgres.unheard(inbox.receive), [message(1)], None, (), ())
        assert await store.receive([message(1)]) == 0
        assert len(await store.pending("talk", 9)) == 1


async def test_a_lock_that_another_program_holds_is_told_within_the_patience(url: str) -> None:
    """And whoever waits behind hears it with the first, however many they are."""
    store = await open_postgres(url, patience=0.5)
    await store.receive([message(1)])
    held = psycopg.connect(url)
    held.execute("SELECT 1 FROM turns FOR UPDATE")
    began = time.monotonic()
    found = await asyncio.gather(*(store.receive([message(n)]) for n in range(600)), return_exceptions=True)
    assert time.monotonic() - began < 3
    assert {type(error) for error in found} == {StoreError}
    held.close()
    assert await store.receive([message(2)]) == 1
    await store.close()


async def test_a_deadlock_is_tried_again(url: str) -> None:
    """The calls do not hear of it."""
    async with opened(url) as store:
        await store.receive([message(1), message(1, session="rerun")])
        other = psycopg.connect(url)
        other.execute("SET deadlock_timeout = '10s'")
        other.execute("SELECT 1 FROM turns WHERE session = 'talk' FOR UPDATE")
        crossing = asyncio.create_task(store.receive([message(2), message(2, session="rerun")]))
        await asyncio.sleep(0.2)  # it has "rerun" and waits for "talk"
        with suppress(psycopg.errors.DeadlockDetected):
            await asyncio.to_thread(other.execute, "SELECT 1 FROM turns WHERE session = 'rerun' FOR UPDATE")
        other.close()
        assert await asyncio.wait_for(crossing, 10) == 2


async def test_text_that_postgresql_cannot_hold_is_replaced(url: str) -> None:
    """NUL and half a surrogate pair become U+FFFD, also inside of JSON, and the same message is known again."""
    async with opened(url) as store:
        sent = message(1, "a\x00b\ud800c \\u0000 \\\x00", user="u\x00", external_id="\x00")
        assert await store.receive([sent]) == 1
        assert await store.receive([sent]) == 0
        (kept,) = await store.pending("talk", 1)
        assert (kept.text, kept.author) == ("a\ufffdb\ufffdc \\u0000 \\\ufffd", "u\ufffd")
        assert kept.address
        assert kept.address.user == "u\ufffd"


async def test_only_who_holds_the_lease_writes_under_it(url: str) -> None:
    """A process that was paused and wakes up is refused, and nothing of the call is written; other calls of its commit
    are."""
    async with opened(url) as store:
        await store.receive([message(1)])
        (one,) = await store.pending("talk", 1)
        with psycopg.connect(url) as db:
            db.execute("INSERT INTO fences VALUES ('pipeline:talk', 2), ('connector:web', 1)")
        store.tokens = {"pipeline:talk": 1, "connector:web": 1}
        placing = store.place("talk", [Placed(Placement(one.id, False, 0.1))])
        new, refused, beside = await asyncio.gather(
            store.receive([message(2)], Cursor("web", "7")),
            placing,
            store.receive([message(3)], Cursor("mail", "7")),
            return_exceptions=True,
        )
        assert new == 1
        assert isinstance(refused, Fenced)
        assert isinstance(beside, Fenced)
        assert [each.external_id for each in await store.pending("talk", 9)] == ["m1", "m2"]
        store.tokens = {"pipeline:talk": 2}
        await store.place("talk", [Placed(Placement(one.id, False, 0.1))])


async def test_who_says_nothing_himself_may_take_back_what_waits(url: str) -> None:
    """A page's process holds no outbox: it cannot say what became of a delivery, but that it is not to be said."""
    waiting = Delivery("answer:q1:web:c", "talk", Address("web", "c"), "Yes.")
    async with opened(url) as store:
        await store.deliver([waiting])
        store.tokens = {}
        with pytest.raises(Fenced):
            await store.settle(replace(waiting, state="sent"))
        await store.withhold(waiting, "taken back")
        assert [(one.state, one.error) for one in await store.deliveries("talk")] == [("failed", "taken back")]


async def test_an_empty_database_is_founded_and_used_at_once() -> None:
    """Also for vectors, whose type came with the founding."""
    with postgres.database("template0") as url:
        async with opened(url) as store:
            await store.receive([message(1)])
            (one,) = await store.pending("talk", 1)
            vector = np.array([0.6, 0.8], dtype=np.float32)
            await store.place("talk", [Placed(Placement(one.id, True, 0.9, "q1"), vector, state("q1"))])
            (remembered,) = await store.remembered("talk")
            assert np.array_equal(remembered.vector, vector)


async def test_parts_of_a_message_stay_together_whatever_comes_beside(url: str) -> None:
    """Their numbers follow each other though two processes number messages at the same time."""

    def split(n: int, session: str) -> list[Message]:
        return [message(n, session=session, part=part) for part in (1, 2, 3)]

    async with opened(url) as one, opened(url) as other:
        await asyncio.gather(
            *(store.receive(split(n, name)) for n in range(50) for store, name in ((one, "a"), (other, "b")))
        )
        for name in ("a", "b"):
            assert len({(line.line, line.source) for line in await one.heard(name)}) == 50


async def test_sessions_that_another_process_made_show_within_a_second(url: str) -> None:
    """At once where somebody says that something was written elsewhere."""
    async with opened(url) as one, opened(url) as other:
        assert await other.sessions() == []
        await one.save_session(TALK)
        other.written_elsewhere()
        assert [session.id for session in await other.sessions()] == ["talk"]
        await one.save_session(replace(TALK, id="later"))
        await asyncio.sleep(1.1)
        assert [session.id for session in await other.sessions()] == ["talk", "later"]


async def test_it_can_be_had_alone(url: str) -> None:
    """Not while another process has it open, and then no other gets in."""
    async with opened(url):
        with pytest.raises(StoreBusy, match="stop it first"):
            await open_store_at(url, alone=True)
    alone = await open_store_at(url, alone=True)
    with pytest.raises(StoreBusy, match="alone"):
        await open_postgres(url, patience=0.3)
    await alone.close()


async def filled(url: str, patience: float) -> PostgresStore:
    """What the calls of `test_misfortune` are about."""
    store = await open_postgres(url, patience=patience)
    await ask(store, "q1")
    await store.apply(
        Change("talk", 1.0, "ann", "test", polls=((None, poll()),), surveys=((None, survey()),), pulse=True)
    )
    await store.offer_link("offered", Person("web", "phone"), 99.0)
    await store.deliver([UNDER_WAY])
    await store.settle(replace(UNDER_WAY, state="sending"))
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO people VALUES ('p', 'Pat', 'pat', '', 0)")
        db.execute("INSERT INTO roles VALUES ('p', '', 'expert', 0, NULL)")
        db.execute("INSERT INTO invitations VALUES ('i0', 'h', '', '', '[]', 'Bob', 0, 99, NULL, NULL)")
    return store


async def outcomes(store: PostgresStore, names: Iterable[str]) -> dict[str, Any]:
    """What became of these calls, made all at once."""
    calls = {name: ALL[name](store) for name in names}  # type: ignore[arg-type]  # the calls are those of any store
    return dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))


async def test_every_call_says_in_words_that_the_server_is_gone(url: str) -> None:
    """Within the patience, and all is well when it is back; a closed store says that it is closed."""
    store = await filled(url, patience=1.0)
    with psycopg.connect(postgres.server(), autocommit=True) as db:
        name = url.split("?")[0].rpartition("/")[2]
        db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.cut(url)
        began = time.monotonic()
        failed = await outcomes(store, ALL)
        assert time.monotonic() - began < 10
        assert [name for name, outcome in failed.items() if not isinstance(outcome, StoreError)] == []
        db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert await store.receive([message(20)]) == 1

    async def readable() -> bool:
        with suppress(StoreError):  # connections come back one after the other, after longer and longer
            return bool(await store.pending("talk", 9))
        return False

    await until(readable, 10)
    await store.close()
    assert {str(outcome) for outcome in (await outcomes(store, ALL)).values()} == {"the store is closed"}


async def test_every_call_says_in_words_what_a_foreign_hand_did(url: str) -> None:
    """Reading goes on while another program locks what is written; tables that are gone are told by name."""
    store = await filled(url, patience=3.0)
    held = psycopg.connect(url)
    held.execute("SELECT pg_advisory_xact_lock(%s)", (0x68616C6C,))
    found = await outcomes(store, ALL)
    for name, outcome in found.items():
        assert isinstance(outcome, Exception) == (name in WRITES or name == "probe"), name
        if isinstance(outcome, Exception):
            assert "another program" in str(outcome), name
    held.close()
    db = connect(url)
    for table in db.columns():
        db.execute(f'DROP TABLE IF EXISTS "{table}" CASCADE')
    db.close()
    for name, outcome in (await outcomes(store, ALL)).items():
        assert isinstance(outcome, StoreError), name
        assert "does not exist" in str(outcome), name
    await store.close()
