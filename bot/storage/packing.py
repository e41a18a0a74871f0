"""When a store is packed so that nothing is left of what was deleted: soon, and only a part of the time, for meanwhile
nothing can be written, and anybody of the audience may ask for it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bot.errors import StoreError

log = logging.getLogger(__name__)

REST = 20.0
"""Times as long as packing took nothing is packed again."""


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
        Raises `StoreError` to whoever waits for it."""
        self._wanted = True
        if self._task is not None and not self._task.done():
            return
        self._task = asyncio.create_task(self._run(), name="packing")
        self._task.add_done_callback(_tell)
        if self._from <= time.monotonic():
            await asyncio.shield(self._task)

    async def close(self) -> None:
        """What is to be packed is packed now."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while self._wanted:
            try:
                async with asyncio.timeout(max(0.0, self._from - time.monotonic())):
                    await self._closing.wait()
            except TimeoutError:
                pass
            self._wanted = False
            began = time.monotonic()
            try:
                await self._pack()
            finally:
                self._from = time.monotonic() + REST * (time.monotonic() - began)


def _tell(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and isinstance(error := task.exception(), StoreError):
        log.warning("what was deleted may still be found in the files of the store: %s", error)
