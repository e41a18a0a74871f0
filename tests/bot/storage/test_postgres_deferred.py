"""Work that comes round by itself, done by several processes over a real PostgreSQL."""

import asyncio
import logging
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate.utils
import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import UniqueViolation

from bot.errors import NotAllowed, StoreError
from bot.model import DutyStatus, Session
from bot.ports import Chore
from bot.storage.postgres import open_postgres
from bot.storage.postgres_deferred import Deferred
from bot.storage.postgres_deferred_schema import LAST, NAME, migrations
from tests.bot.storage import postgres
from tests.bot.storage.deferred_worker import SECOND, TABLES

NEVER = "0 0 1 1 *"
"""Once a year: what is done meanwhile was woken."""


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as address:
        yield address


def ask(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, options=f"-c search_path=public,{NAME}") as db:
        found = db.execute(sql.encode(), values)
        return found.fetchall() if found.description else []


@asynccontextmanager
async def running(deferred: Deferred) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(deferred.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def worker(url: str, *stuck: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own, which has begun."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bot.storage.deferred_worker", url, *stuck, stdout=asyncio.subprocess.PIPE
    )
    try:
        await heard(process, "begun")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout
    async with asyncio.timeout(40):
        assert (await process.stdout.readline()).decode().strip() == word


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float = 20.0) -> float:
    """Seconds until it was."""
    began = time.monotonic()
    while True:
        found = true()
        if found if isinstance(found, bool) else await found:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s"
        await asyncio.sleep(0.05)


async def evenings(url: str, count: int) -> None:
    store = await open_postgres(url)
    for number in range(count):
        await store.save_session(Session(f"talk{number}", "Queues", ended_at=time.time() - 60))
    await store.close()


async def outcome(url: str, count: int) -> tuple[Counter[str], set[DutyStatus], int]:
    """How often each duty was done, how the duties stand, and how many deliveries there are."""
    store = await open_postgres(url)
    names = [f"talk{number}" for number in range(count)]
    stands = {duty.status for name in names for duty in await store.duties(name)}
    said = [delivery for name in names for delivery in await store.deliveries(name)]
    await store.close()
    done = Counter(session for (session,) in ask(url, "SELECT session FROM composed"))
    return done, stands, len(said)


# -- the tables --------------------------------------------------------------------------------------------------------


async def test_the_tables_are_a_schema_of_their_own_which_is_made_once(url: str) -> None:
    """Nothing of the queue stands among our tables, the schema says which version it is, and opening the store again
    changes nothing."""
    described = "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_name LIKE %s"
    made = ask(url, described, "procrastinate%")
    assert {row[0] for row in made} == {NAME}
    await (await open_postgres(url)).close()
    assert ask(url, described, "procrastinate%") == made
    assert ask(url, "SELECT obj_description(%s::regnamespace)", NAME) == [(f"procrastinate, migrated to {LAST}",)]


def test_the_tables_are_those_of_the_installed_package() -> None:
    """A procrastinate that needs further tables is noticed here: they need a numbered step of ours."""
    assert migrations()[-1].name.startswith(LAST)


# -- several processes -------------------------------------------------------------------------------------------------


async def test_two_workers_do_each_tick_and_each_duty_once(url: str) -> None:
    """With two processes every tick of a second is one look, and each duty of thirty evenings is done and said once."""
    ask(url, TABLES)
    await evenings(url, 30)
    async with worker(url), worker(url):
        await until(lambda: len(ask(url, "SELECT * FROM composed")) >= 30)
        await until(lambda: len(ask(url, "SELECT DISTINCT pid FROM looks")) == 2, 60)
        await asyncio.sleep(3)
    jobs = ask(url, "SELECT args->>'timestamp' FROM procrastinate_jobs WHERE task_name = 'looks'")
    looks = ask(url, "SELECT at FROM looks")
    assert len(set(jobs)) == len(jobs)
    assert len(jobs) - 1 <= len(looks) <= len(jobs)  # the last one may have been killed
    done, stands, said = await outcome(url, 30)
    assert set(done.values()) == {1}
    assert (len(done), stands, said) == (30, {DutyStatus.SENT}, 30)


async def test_what_a_killed_worker_was_at_is_done_by_another_one(url: str) -> None:
    """Of ten duties the fifth hangs and its process is killed: another process, which could not begin before, does the
    rest within seconds, and nothing is said twice."""
    ask(url, TABLES)
    await evenings(url, 10)
    async with worker(url, "talk5", "1000") as first:
        await heard(first, "stuck")
        async with worker(url) as second:
            await until(lambda: bool(ask(url, "SELECT * FROM looks WHERE pid = %s", second.pid)), 60)
            assert not ask(url, "SELECT * FROM composed WHERE pid = %s", second.pid)
            first.send_signal(signal.SIGKILL)
            took = await until(lambda: len(ask(url, "SELECT * FROM composed")) >= 10)
            await asyncio.sleep(2)
    done, stands, said = await outcome(url, 10)
    assert (len(done), set(done.values()), stands, said) == (10, {1}, {DutyStatus.SENT}, 10)
    assert took < 12  # a sign of life may be 2 s old, it is looked for every 2 s, and jobs are fetched every 5 s


async def test_a_worker_that_was_stopped_and_goes_on_changes_nothing(url: str) -> None:
    """A process that stands still in the midst of a duty for longer than a worker may be silent loses its jobs; when it
    goes on, what another one said is not said twice, and it takes its share again."""
    ask(url, TABLES)
    await evenings(url, 10)
    async with worker(url, "talk5", "1") as first:
        await heard(first, "stuck")
        first.send_signal(signal.SIGSTOP)
        async with worker(url) as second:
            await until(lambda: len(ask(url, "SELECT * FROM composed")) >= 10, 40)
            await until(lambda: len(ask(url, "SELECT * FROM looks WHERE pid = %s", second.pid)) > 3)
            first.send_signal(signal.SIGCONT)
            await until(lambda: len(ask(url, "SELECT * FROM composed")) >= 11)
            await asyncio.sleep(1)
        seen = len(ask(url, "SELECT * FROM looks"))
        await until(lambda: len(ask(url, "SELECT * FROM looks")) > seen + 2, 30)
    done, stands, said = await outcome(url, 10)
    assert (done.pop("talk5"), set(done.values())) == (2, {1})
    assert (stands, said) == ({DutyStatus.SENT}, 10)


# -- one process -------------------------------------------------------------------------------------------------------


def app_of(url: str) -> App:
    return App(connector=PsycopgConnector(conninfo=url, kwargs={"options": f"-c search_path={NAME}"}))


@pytest.mark.parametrize("queued", [True, False], ids=["another waits", "none waits"])
async def test_a_job_whose_worker_is_gone_holds_up_nothing(
    url: str, queued: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`retry_job` cannot put it back where another one of its kind waits (procrastinate's issue 1446), and the other
    one cannot begin while it counts as running; here the chore is done all the same, also where the clock of whoever
    finds it is an hour fast."""
    async with app_of(url).open_async() as app:
        lost = await app.configure_task("chore", lock="chore", queueing_lock="chore").defer_async(timestamp=1)
        ask(url, "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", lost)
        if queued:
            await app.configure_task("chore", lock="chore", queueing_lock="chore").defer_async(timestamp=2)
            with pytest.raises(UniqueViolation):
                await app.job_manager.retry_job_by_id_async(lost, datetime.now(UTC))
    looks, told = [], Counter[tuple[str, str]]()

    async def step() -> None:
        looks.append(1)

    monkeypatch.setattr(procrastinate.utils, "utcnow", lambda: datetime.now(UTC) + timedelta(hours=1))
    chores = [Chore("chore", step, NEVER)]
    async with running(Deferred(url, chores, lambda *what: told.update([what]), seek=SECOND)):
        await until(lambda: told["chore", "done"] == 1)
        await until(lambda: not ask(url, "SELECT * FROM procrastinate_jobs WHERE status IN ('doing', 'todo')"))
    assert (len(looks), told["chore", "stalled"]) == (1, 1)
    states = ask(url, "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'chore' ORDER BY id")
    assert states == ([("failed",), ("succeeded",)] if queued else [("succeeded",)])


async def test_who_is_woken_looks_at_once_and_many_wakes_are_one(url: str) -> None:
    """A wake is followed within a second or two by one look, which sees what came before it; wakes during a look lead
    to one more."""
    woken, looks, go_on = asyncio.Event(), [], asyncio.Event()

    async def step() -> None:
        looks.append(1)
        await go_on.wait()

    async with running(Deferred(url, [Chore("chore", step, NEVER, woken)])):
        for _ in range(20):
            woken.set()
        took = await until(lambda: len(looks) == 1)
        for _ in range(20):
            woken.set()
            await asyncio.sleep(0.02)
        assert len(looks) == 1
        go_on.set()
        await until(lambda: len(looks) == 2)
        await asyncio.sleep(0.5)
    assert len(looks) == 2
    assert took < 3


async def test_a_chore_that_fails_is_counted_said_without_what_people_wrote_and_done_by_the_next_look(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each failure is one line, which names the chore and the kind of error; another chore goes on meanwhile."""
    errors = [NotAllowed("Ann wrote: secret"), StoreError("the disk is full")]
    told, other = Counter[tuple[str, str]](), []

    async def step() -> None:
        if errors:
            raise errors.pop(0)

    async def fine() -> None:
        other.append(1)

    caplog.set_level(logging.INFO)
    chores = [Chore("chore", step, SECOND), Chore("other", fine, SECOND)]
    async with running(Deferred(url, chores, lambda *what: told.update([what]))):
        await until(lambda: told["chore", "done"] == 1)
    lines = [one.getMessage() for one in caplog.records if one.name.startswith(("bot", "procrastinate"))]
    assert lines == [
        "chore failed (NotAllowed); the next look makes up for it",
        "chore failed (the disk is full); the next look makes up for it",
    ]
    assert told["chore", "failed"] == 2
    assert len(other) >= 2
    assert told["other", "failed"] == 0


async def test_a_database_that_is_away_for_some_seconds_is_survived(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its connections end in the midst of a job and nobody can connect for three seconds: looks go on soon after, the
    job that could not be finished holds up none, and the log says once that they wait and once that they go on."""
    caplog.set_level(logging.INFO, "bot.storage.postgres_deferred")
    looks, go_on = [], asyncio.Event()

    async def step() -> None:
        looks.append(1)
        await go_on.wait()

    deferred = Deferred(url, [Chore("chore", step, SECOND)], beat=0.5, dead=2.0, seek="* * * * * */2")
    name = url.partition("?")[0].rpartition("/")[2]
    async with running(deferred) as task:
        await until(lambda: len(looks) == 1)
        ask(postgres.server(), f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        ask(postgres.server(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
        go_on.set()
        await asyncio.sleep(3)
        ask(postgres.server(), f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        await until(lambda: len(looks) >= 3)
        assert not task.done()
    lines = [one.getMessage() for one in caplog.records if "clock" in one.getMessage()]
    assert [line.partition(" by the clock ")[2].partition(" ")[0].rstrip(":") for line in lines] == ["waits", "goes"]


async def test_a_job_that_could_not_be_finished_holds_up_none(url: str) -> None:
    """Where the database refuses once to keep that a job is over, and answers everything else, the chore goes on."""
    ask(
        url,
        f"""
        CREATE SEQUENCE finishes;
        CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.task_name = 'chore' AND NEW.status = 'succeeded' AND nextval('public.finishes') = 1 THEN
                RAISE 'out of order';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER fails BEFORE UPDATE ON {NAME}.procrastinate_jobs
            FOR EACH ROW EXECUTE FUNCTION public.fail_once()
        """,
    )
    looks = []

    async def step() -> None:
        looks.append(1)

    async with running(Deferred(url, [Chore("chore", step, SECOND)], beat=0.5, dead=2.0, seek="* * * * * */2")):
        await until(lambda: len(looks) >= 4, 15)
    assert ask(url, "SELECT last_value > 1 FROM finishes") == [(True,)]


async def test_whoever_is_stopped_ends_its_job_and_leaves_none_behind(url: str) -> None:
    """A job gets a moment to end when its process is stopped; nothing counts as running afterwards, and no worker is
    left in the tables."""
    begun, ended = [], []

    async def step() -> None:
        begun.append(1)
        await asyncio.sleep(1)
        ended.append(1)

    async with running(Deferred(url, [Chore("chore", step, SECOND)])):
        await until(lambda: bool(begun))
    assert len(ended) == len(begun)
    assert not ask(url, "SELECT * FROM procrastinate_jobs WHERE status = 'doing'")
    assert not ask(url, "SELECT * FROM procrastinate_workers")


async def test_jobs_that_are_over_are_kept_for_a_day(url: str) -> None:
    """What was over more than a day ago is deleted, whatever became of it; what was over since is there."""
    async with app_of(url).open_async() as app:
        for number in range(4):
            await app.configure_task("chore").defer_async(timestamp=number)
    ask(url, "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id <= 3")
    ask(url, "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = 2")
    ask(url, "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE id = 4")
    ask(url, "UPDATE procrastinate_events SET at = now() - interval '25 hours' WHERE job_id IN (1, 2, 4)")
    async with running(Deferred(url, [])):
        await until(lambda: len(ask(url, "SELECT * FROM procrastinate_jobs WHERE task_name = 'chore'")) == 2)
    assert ask(url, "SELECT id FROM procrastinate_jobs WHERE task_name = 'chore' ORDER BY id") == [(3,), (4,)]
