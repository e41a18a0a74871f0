"""Work that comes round by itself, done by whichever of several processes is free: as jobs of procrastinate.

Every chore is one task without arguments. Each tick of its clock is queued once, whoever sees it first, and not at all
while one waits already (`queueing_lock`); of each chore one job runs at a time (`lock`). A job is only a moment to
look: what is due is in the store, and a job that is lost, or done twice, changes nothing of what comes of it. So what
failed is not retried: the next tick is the next try.

The clocks of processes may differ: no job is put off to a time, and whether a worker is alive is asked of the database.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from psycopg_pool import AsyncConnectionPool

from bot.backoff import backoff
from bot.errors import FloormicError, StoreError
from bot.ports import Chore, Looked
from bot.storage.postgres_connection import explained, parameters
from bot.storage.postgres_deferred_schema import NAME
from bot.storage.postgres_waiting import within

log = logging.getLogger(__name__)

T = TypeVar("T")

BEAT = 5.0
"""Seconds between two signs of life of a worker."""

DEAD = 15.0
"""Seconds without a sign after which its jobs are others'."""

SEEK = "* * * * * */15"
"""When it is looked for such jobs."""

TIDY = "23 * * * *"
KEPT = 24
"""Hours for which a job that is over stays to be looked at, and when older ones are deleted."""

LIMIT = 300.0
"""Seconds that one look may take."""

PATIENCE = 5.0
"""Seconds that a call of the database may take."""

ENDS = 5.0
"""Seconds that a job gets to end when its process is stopped."""

DAY = 86_400.0
LONG_AGO = datetime.fromtimestamp(0, UTC)


class Deferred:
    """Takes its share of the chores of all processes while `run` runs. `beat`, `dead`, `seek`: see `BEAT` and so on."""

    def __init__(
        self,
        url: str,
        chores: Iterable[Chore],
        told: Looked = lambda *_: None,
        *,
        beat: float = BEAT,
        dead: float = DEAD,
        seek: str = SEEK,
    ) -> None:
        given = parameters(url, PATIENCE)
        self._parameters = {**given, "options": f"{given['options']} -c search_path={NAME}"}
        self._chores = list(chores)
        self._told = told
        self._beat, self._dead, self._seek = beat, dead, seek
        self._waits = False

    async def run(self) -> None:
        """Until cancelled; a job that runs then gets a moment to end. Survives every failure of the database."""
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what fails is said here, in one line
        failures = 0
        while True:
            began = time.monotonic()
            error = await self._work()
            failures = 1 if time.monotonic() - began > 60 else failures + 1
            if not self._waits:
                log.warning("what is done by the clock waits: %s; trying again", _why(error))
            self._waits = True
            await asyncio.sleep(backoff(failures, longest=5.0, first=0.5))

    async def _work(self) -> BaseException | None:
        """Work until something fails; what did."""
        connector = _Connector()
        app = self._app(connector)
        pool = AsyncConnectionPool(
            kwargs={**self._parameters, "application_name": "floormic deferred"},
            min_size=1,
            max_size=4,
            timeout=PATIENCE,
            open=False,
            check=AsyncConnectionPool.check_connection,
            reconnect_timeout=PATIENCE,
        )
        tasks: set[asyncio.Future[Any]] = set()
        try:
            await pool.open(wait=True, timeout=PATIENCE)
            await app.open_async(pool)
            tasks = {asyncio.ensure_future(work) for work in (self._worker(app), *self._listening(app))}
            done, _ = await asyncio.wait({*tasks, connector.broken}, return_when=asyncio.FIRST_COMPLETED)
            return next((one.result() if one is connector.broken else one.exception() for one in done), None)
        except (psycopg.Error, ConnectorException, OSError, TimeoutError) as error:
            return error
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                done, _ = await asyncio.wait(tasks, timeout=ENDS + 2 * PATIENCE)
                for task in done:
                    if not task.cancelled():
                        task.exception()  # the first one is said already
            await pool.close(timeout=PATIENCE)

    async def _worker(self, app: App) -> None:
        await app.run_worker_async(
            concurrency=len(self._chores) + 2,  # no chore waits for another one
            install_signal_handlers=False,
            shutdown_graceful_timeout=ENDS,
            update_heartbeat_interval=self._beat,
            stalled_worker_timeout=self._dead,
        )

    def _listening(self, app: App) -> Iterable[Coroutine[Any, Any, None]]:
        return (_listen(app, chore, chore.woken) for chore in self._chores if chore.woken)

    def _app(self, connector: "_Connector") -> App:
        # A tick that nobody was there to see is made up for by whoever starts within a day.
        app = App(connector=connector, periodic_defaults={"max_delay": DAY})
        for chore in self._chores:
            self._add(app, chore.name, chore.cron, self._doing(chore), lock=chore.name)
        # Not one at a time: where whoever seeks is killed, the next one must not wait for it.
        self._add(app, "seek", self._seek, lambda: self._revive(app))
        self._add(app, "tidy", TIDY, lambda: _tidy(app))
        return app

    def _add(self, app: App, name: str, cron: str, do: Callable[[], Awaitable[None]], lock: str | None = None) -> None:
        async def task(timestamp: int) -> None:
            await do()

        app.periodic(cron=cron)(app.task(name=name, lock=lock, queueing_lock=name)(task))

    def _doing(self, chore: Chore) -> Callable[[], Awaitable[None]]:
        async def do() -> None:
            self._goes_on()
            try:
                async with asyncio.timeout(LIMIT):
                    await chore.step()
            except Exception as error:
                self._told(chore.name, "failed")
                ours = error if isinstance(error, FloormicError) else None
                text = str(error) if isinstance(error, StoreError) else type(error).__name__
                log.warning("%s failed (%s); the next look makes up for it", chore.name, text, exc_info=ours is None)
                raise
            self._told(chore.name, "done")

        return do

    def _goes_on(self) -> None:
        if self._waits:
            log.info("what is done by the clock goes on")
        self._waits = False

    async def _revive(self, app: App) -> None:
        """Give the jobs of workers that are gone to others."""
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._dead):
            log.warning("whoever did %s is gone; another one does it", job.task_name)
            self._told(job.task_name, "stalled")
            try:
                await app.job_manager.retry_job(job, retry_at=LONG_AGO)
            except UniqueViolation:
                # The next one waits in the queue already, and cannot begin while this one counts as running: so this
                # one has to end (procrastinate's issue 1446).
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)


class _Connector(PsycopgConnector):
    """Waits for no answer longer than `PATIENCE`. The first failure is in `broken`, for a worker does not look at all
    of them: a job that could not be finished would count as running as long as its worker lives."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        """What cannot be written down ends the worker by `broken`: raised in its job, nobody would wait for it."""
        try:
            await self._answered(super().execute_query_async(query, **arguments))
        except UniqueViolation:
            raise
        except (ConnectorException, OSError, TimeoutError):
            return

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        return await self._answered(super().execute_query_one_async(query, **arguments))

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await self._answered(super().execute_query_all_async(query, **arguments))

    async def _answered(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(PATIENCE, call)
        except UniqueViolation:
            raise
        except (ConnectorException, OSError, TimeoutError) as error:
            if not self.broken.done():
                self.broken.set_result(error)
            raise


async def _listen(app: App, chore: Chore, woken: asyncio.Event) -> None:
    """Queue a chore when it is woken, until cancelled."""
    while True:
        await woken.wait()
        await asyncio.sleep(chore.pause)
        woken.clear()
        with suppress(AlreadyEnqueued):  # what has not begun sees what there is now
            await app.tasks[chore.name].defer_async(timestamp=0)


async def _tidy(app: App) -> None:
    await app.job_manager.delete_old_jobs(
        nb_hours=KEPT, include_failed=True, include_cancelled=True, include_aborted=True
    )


def _why(error: BaseException | None) -> str:
    cause = error.__cause__ if isinstance(error, ConnectorException) and error.__cause__ else error
    said = explained(cause) if isinstance(cause, Exception) else None
    return str(said) if isinstance(said, StoreError) else type(cause).__name__
