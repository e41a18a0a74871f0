"""What was heard where the platform says nothing twice: it waits in memory while the store takes nothing."""

import asyncio
from collections.abc import Sequence

from bot.errors import StoreError
from bot.model import Message
from bot.ports import Floor

MOST = 5000
"""Messages that may wait; of more the oldest are lost."""


class Unsaved:
    """Hands over what one source hears, over all of its connections."""

    def __init__(self) -> None:
        self._waiting: list[Message] = []
        self._store_fails = False

    async def save(self, floor: Floor, heard: Sequence[Message] = ()) -> bool:
        """Hand over what waits and what was heard; what cannot be stored now is tried again with the next call. Whether
        the store failed before and takes messages again."""
        messages, self._waiting = [*self._waiting, *heard][-MOST:], []
        if not messages:
            return False
        try:
            await floor.receive(messages)
        except asyncio.CancelledError:
            self._waiting = messages
            raise
        except StoreError as error:
            self._waiting, self._store_fails = messages, True
            floor.notice(f"What is said cannot be stored now ({error}); {len(messages)} comments wait in memory.")
            return False
        healed, self._store_fails = self._store_fails, False
        return healed
