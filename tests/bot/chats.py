"""A chat of no platform, which is heard or not as a test wants."""

import asyncio

from bot.errors import ConnectorError, Refused
from bot.model import Abilities, Delivery
from bot.ports import Floor, HookReply, HookRequest


class Chat:
    """A connector. `fall` ends its connection with that error, and until `mend` no other can be had. `tried` counts how
    often it was to listen."""

    def __init__(
        self, name: str = "chat", trouble: Exception | None = None, abilities: Abilities | None = None
    ) -> None:
        self.name = name
        self.abilities = abilities or Abilities()
        self._trouble = trouble
        self._fell = asyncio.Event()
        self.tried = 0

    def fall(self, trouble: Exception) -> None:
        self._trouble = trouble
        self._fell.set()

    def mend(self) -> None:
        self._trouble = None
        self._fell.clear()

    async def run(self, floor: Floor) -> None:
        self.tried += 1
        if self._trouble is None:
            floor.connected()
            await self._fell.wait()
        raise self._trouble or ConnectorError("the chat is away")

    async def send(self, delivery: Delivery) -> str:
        raise Refused(f"{self.name} cannot be replied to")

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def close(self) -> None: ...
