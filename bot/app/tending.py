"""Work that goes on for as long as the program runs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bot.backoff import backoff
from bot.errors import Fenced, StoreError

log = logging.getLogger(__name__)


async def keep_alive(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Start it again when it breaks, later each time. A store that cannot do it is no fault of ours, and said in one
    line. Raises `Fenced`: then another process does it."""
    failures = 0
    while True:
        began = time.monotonic()
        try:
            await work()
            return
        except Fenced:
            raise
        except Exception as error:
            failures = 1 if time.monotonic() - began > 60 else failures + 1
            wait = backoff(failures, 60.0)
            if isinstance(error, StoreError):
                log.warning("%s: %s; it starts again in %.1f s", what, error, wait)
            else:
                log.exception("%s broke; it starts again in %.1f s", what, wait)
            await asyncio.sleep(wait)


class Tasks:
    """What runs until `cancel`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[None]] = set()

    def begin(self, work: Awaitable[None]) -> "asyncio.Future[None]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def keep(self, what: str, work: Callable[[], Awaitable[None]]) -> "asyncio.Future[None]":
        """The same, started again when it breaks."""
        return self.begin(keep_alive(what, work))

    async def cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
