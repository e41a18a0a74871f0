"""Follows what people answer in every session, and lets it be proposed for the FAQ or written, as the mode says."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.errors import FloormicError
from bot.model import Session
from bot.promotions import Promotions

log = logging.getLogger(__name__)


class Promoting:
    """One for all sessions."""

    def __init__(self, promotions: Promotions, sessions: Callable[[], Awaitable[list[Session]]]) -> None:
        self._promotions, self._sessions = promotions, sessions
        self._acted: set[str] = set()
        self._turned = asyncio.Event()

    def acted(self, session: str) -> None:
        """People did something there, or it is set otherwise."""
        self._acted.add(session)
        self._turned.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._turned.wait()
            self._turned.clear()
            acted, self._acted = self._acted, set()
            for session in await self._sessions():
                if session.id in acted:
                    await self._follow(session)

    async def _follow(self, session: Session) -> None:
        try:
            wait = await self._promotions.follow(session)
        except FloormicError as error:
            log.warning("session %s: what was answered cannot be proposed for the FAQ now: %s", session.id, error)
            return
        if wait is not None:
            asyncio.get_running_loop().call_later(wait + 0.01, self.acted, session.id)
