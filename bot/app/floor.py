"""What connectors may do, for real: everything that comes in goes through the one inbox."""

from collections.abc import Callable, Sequence

from bot.desk import Desk
from bot.model import Cursor, Delivery, Message, Person, Question, QuestionState
from bot.ports import Store


class OpenFloor:
    """What connectors and pages may do: everything that comes in goes through `receive`."""

    def __init__(
        self, store: Store, desk: Desk, arrived: Callable[[set[str]], None], sending: Callable[[], None]
    ) -> None:
        self._store = store
        self._desk = desk
        self._arrived = arrived
        self._sending = sending

    async def receive(
        self, messages: Sequence[Message], cursor: Cursor | None = None, deliveries: Sequence[Delivery] = ()
    ) -> int:
        new = await self._store.receive(messages, cursor, deliveries)
        if new:
            self._arrived({m.session for m in messages})
        if deliveries:
            self._sending()
        return new

    async def cursor(self, source: str) -> str | None:
        return await self._store.cursor(source)

    async def vote(self, session: str, question: str, person: Person) -> Question:
        return await self._desk.vote(session, question, person)

    async def not_answered(self, session: str, question: str, person: Person) -> Question:
        return await self._desk.not_answered(session, question, person)

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        return await self._desk.top(session, limit)

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        return await self._desk.mine(session, person)
