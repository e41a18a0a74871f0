"""Follows what people answer in every session, and lets it be proposed for the FAQ or written, as the mode says."""

import asyncio
import logging
from contextlib import suppress

from bot.errors import FloormicError, StoreError
from bot.model import Mode
from bot.ports import Store
from bot.promotions import Promotions

log = logging.getLogger(__name__)

RETRY = 10.0
"""Seconds until it is tried again where the store could not."""


class Promoting:
    """One for all sessions. `woken` is set once there may be something to do; `step` is the work, and `run` does it
    again and again."""

    def __init__(self, promotions: Promotions, store: Store) -> None:
        self._promotions, self._store = promotions, store
        self._seen: dict[str, tuple[int, Mode]] = {}
        self._acted: dict[str, tuple[int, Mode]] = {}
        self.woken = asyncio.Event()

    def acted(self) -> None:
        """People did something in a session, or it is set otherwise."""
        self.woken.set()

    def forgotten(self) -> None:
        """Somebody of the audience was, and what held their words is to be proposed anew: every session is followed,
        also those that a step is at just now."""
        self._seen, self._acted = {}, {}
        self.woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.woken.clear()
            try:
                wait = await self.step()
            except StoreError as error:
                log.warning("what was answered cannot be proposed for the FAQ now: %s", error)
                wait = RETRY
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self.woken.wait()

    async def step(self) -> float | None:
        """Follow every session in which people did something since the last step, at first all of them. The seconds
        after which to look again, None where nothing waits. Raises `StoreError`."""
        waits: list[float] = []
        known, followed = self._seen, self._acted
        revisions = await self._store.revisions()
        for session in await self._store.sessions():
            seen = revisions.get(session.id, 0), session.promoting
            if known.get(session.id) == seen:
                continue
            actions = await self._store.actions(session.id, limit=1)
            acted = actions[0].id if actions else 0, session.promoting
            if followed.get(session.id) != acted:
                try:
                    wait = await self._promotions.follow(session)
                except StoreError:
                    raise
                except FloormicError as error:
                    log.warning(
                        "session %s: what was answered cannot be proposed for the FAQ now: %s", session.id, error
                    )
                    wait = None
                if wait is not None:
                    waits.append(wait + 0.01)
                    continue
                followed[session.id] = acted
            known[session.id] = seen
        return min(waits, default=None)
