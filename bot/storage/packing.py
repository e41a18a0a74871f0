"""When a store is packed so that nothing is left of what was deleted: soon, and only a part of the time, for meanwhile
nothing can be written, and anybody of the audience may ask for it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.errors import StoreError

log = logging.getLogger(__name__)

REST = 20.0
"""Times as long as packing took nothing is packed again."""

LONGEST_REST = 600.0
"""Seconds of that at most."""

CLOSING = 20.0
"""Seconds that a store that is closed waits for it."""


class Packing:
    """One for a store. `pack` leaves nothing of what was deleted before it was called."""

    def __init__(self, pack: Callable[[], Awaitable[None]]) -> None:
        self._pack = pack
        self._wanted = False
        self._from = 0.0
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def pack(self) -> None:
        """Until it is done; where it is being done or was done just now, once more later, for all who ask meanwhile.
        Raises `StoreError` to whoever waits for it; then it is tried again."""
        self._wanted = True
        if self._task is not None and not self._task.done():
            return
        first = asyncio.get_running_loop().create_future() if self._from <= time.monotonic() else None
        self._task = asyncio.create_task(self._run(first), name="packing")
        if first is not None:
            await first

    async def close(self) -> None:
        """What is to be packed is packed now."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSING)
            self._task.cancel()

    async def _run(self, first: "asyncio.Future[None] | None") -> None:
        while self._wanted:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._from - time.monotonic())):
                    await self._closing.wait()
            self._wanted, began = False, time.monotonic()
            try:
                await self._pack()
            except StoreError as error:
                self._wanted = True
                log.warning("what was deleted may still be found in the files of the store: %s", error)
                _tell(first, error)
            else:
                _tell(first, None)
            now = time.monotonic()
            self._from = now + (LONGEST_REST if self._wanted else min(REST * (now - began), LONGEST_REST))
            if self._wanted and self._closing.is_set():
                return


def _tell(waiting: "asyncio.Future[None] | None", error: StoreError | None) -> None:
    if waiting is None or waiting.done():
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)
