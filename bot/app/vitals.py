"""Whether the program is well: looked at all the time, so that whoever asks costs nothing and waits for nothing."""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.errors import StoreError
from bot.metrics import Metrics
from bot.model import SourceHealth, SourceState
from bot.ports import Backlogs, Now
from bot.web.vitals import Condition, ModelState

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks at how late the event loop is."""

PROBE_AFTER = 5.0
"""Seconds after which something is written where nobody else wrote anything."""

PROBE_AGAIN = 1.0
"""Seconds between two tries while the store cannot be written."""

SILENT = 60.0
"""Seconds without a word of the writing thread until it counts as dead. Packing a large file takes long, too."""


class Vitals:
    """Watches the store, the event loop, the model and the sources. `told` hears how late the loop was.

    `committed` may be called in any thread. Everything else belongs to the event loop.
    """

    def __init__(
        self,
        folder: Path,
        database: Path,
        now: Now,
        *,
        model: Callable[[], ModelState],
        sources: Callable[[], Sequence[SourceHealth]],
        lagged: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._folder, self._database, self._now = folder, database, now
        self._model, self._sources, self._lagged = model, sources, lagged
        self._answered_at = time.monotonic()
        self._failure: Exception | None = None
        self.stopping = False

    def committed(self, calls: int, seconds: float, error: Exception | None) -> None:
        """The store wrote something, or could not."""
        self._answered_at = time.monotonic()
        if error and self._failure is None:
            log.error("%s", f"nothing can be written to the store now: {error}")
        elif self._failure and error is None:
            log.warning("the store can be written again")
        self._failure = error

    def condition(self) -> Condition:
        """How the program is now."""
        return Condition(
            alive=time.monotonic() - self._answered_at < SILENT,
            store="" if self._failure is None else str(self._failure),
            model=self._model(),
            sources=tuple(self._sources()),
            disk_free=shutil.disk_usage(self._folder).free,
            stopping=self.stopping,
        )

    async def run(self, store: Backlogs) -> None:
        """Until cancelled."""
        await asyncio.gather(self._watch_loop(), self._watch_store(store))

    async def _watch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
            self._lagged(max(0.0, loop.time() - due))

    async def _watch_store(self, store: Backlogs) -> None:
        while True:
            quiet = time.monotonic() - self._answered_at
            if self._failure is None and quiet < PROBE_AFTER:
                await asyncio.sleep(PROBE_AFTER - quiet)
                continue
            try:
                await store.probe()
            except StoreError:
                await asyncio.sleep(PROBE_AGAIN)

    async def look(self, metrics: Metrics, store: Backlogs) -> None:
        """Set what is a state and not an event."""
        metrics.writable.set(self._failure is None)
        metrics.writer.set(store.waiting)
        metrics.model.set(self._model().state == "loaded")
        disk = shutil.disk_usage(self._folder)
        metrics.disk_free.set(disk.free)
        metrics.disk_size.set(disk.total)
        metrics.database.set(sum(_size(self._database.with_name(self._database.name + end)) for end in ("", "-wal")))
        for health in self._sources():
            metrics.up.labels(health.source).set(health.state is SourceState.CONNECTED)
            metrics.since.labels(health.source).set(health.since)
        await self._look_at_queues(metrics, store)

    async def _look_at_queues(self, metrics: Metrics, store: Backlogs) -> None:
        now = self._now()
        try:
            backlog = await store.backlog(now)
        except StoreError as error:  # the rest is told all the same
            log.warning("what waits in the store cannot be read now: %s", error)
            return
        metrics.inbox.set(backlog.inbox)
        metrics.inbox_age.set(max(0.0, now - backlog.since) if backlog.since is not None else 0.0)
        for source in {*backlog.outbox, *(health.source for health in self._sources())}:
            due, later = backlog.outbox.get(source, (0, 0))
            metrics.outbox.labels(source).set(due)
            metrics.scheduled.labels(source).set(later)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
