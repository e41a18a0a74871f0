"""The floor and the list of deliveries in memory, with the same promises as the real ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.errors import NotFound, StoreError
from bot.model import Cursor, Delivery, Message, Person, Poll, Question, QuestionState


def question(id: str, title: str = "为什么天是蓝的？", people: int = 1) -> Question:
    return Question(
        state=QuestionState(id, "talk", title, title),
        people=people,
        askers=people,
        votes=0,
        messages=people,
        chats={"telegram": people},
        first_at=0.0,
        last_at=0.0,
        revision=1,
        waiting=people,
    )


class FakeFloor:
    """Keeps what connectors hand over, and in `heard` what they say of their connection. `fail_next` lets so many calls
    end in a `StoreError`, `crash_next` lets the process die before the commit (as a `CancelledError`)."""

    def __init__(self, *questions: Question) -> None:
        self.messages: list[Message] = []
        self.deliveries: dict[str, Delivery] = {}
        self.cursors: dict[str, str] = {}
        self.questions = {q.id: q for q in questions}
        self.votes: set[tuple[str, str]] = set()
        self.polls: dict[str, Poll] = {}
        self.poll_votes: dict[tuple[str, Person], tuple[str, ...]] = {}
        self.not_answered_by: list[tuple[str, Person]] = []
        self.asked: list[tuple[Message, QuestionState | None]] = []
        self.received = 0
        self.fail_next = 0
        self.crash_next = False
        self.heard: list[str] = []
        self.out: set[Person] = set()
        self.staff: list[tuple[str, str, Person]] = []
        self.staff_says = ""

    def connected(self, *, complete: bool = False) -> None:
        self.heard.append("connected, complete" if complete else "connected")

    def lost(self, why: str) -> None:
        self.heard.append(f"lost: {why}")

    def notice(self, text: str) -> None:
        self.heard.append(f"notice: {text}")

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    def _may_fail(self) -> None:
        if self.crash_next:
            self.crash_next = False
            raise asyncio.CancelledError("killed before the commit")
        if self.fail_next:
            self.fail_next -= 1
            raise StoreError("the disk is full")

    async def receive(
        self, messages: Sequence[Message], cursor: Cursor | None = None, deliveries: Sequence[Delivery] = ()
    ) -> int:
        self._may_fail()
        self.received += 1
        known = {(m.source, m.external_id) for m in self.messages}
        new = 0
        for message in messages:
            if (message.source, message.external_id) not in known:
                known.add((message.source, message.external_id))
                self.messages.append(message)
                new += 1
        for delivery in deliveries:
            self.deliveries.setdefault(delivery.key, delivery)
        if cursor:
            self.cursors[cursor.source] = cursor.value
        return new

    async def cursor(self, source: str) -> str | None:
        return self.cursors.get(source)

    async def vote(self, session: str, question: str, person: Person) -> Question:
        self._may_fail()
        found = self._question(question)
        self.votes.add((question, person.id))
        voted = sum(q == question for q, _ in self.votes)
        return replace(found, people=found.people + voted, waiting=found.waiting + voted)

    async def not_answered(self, session: str, question: str, person: Person) -> Question:
        found = self._question(question)
        self.not_answered_by.append((question, person))
        return found

    async def vote_poll(self, session: str, poll: str, person: Person, choices: Sequence[str]) -> Poll:
        self._may_fail()
        if poll not in self.polls:
            raise NotFound(f"there is no poll {poll}")
        self.poll_votes[(poll, person)] = tuple(choices)
        return self.polls[poll]

    async def press_poll(self, session: str, poll: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        chosen = (choice,) if choice else ()
        return await self.vote_poll(session, poll, person, chosen), chosen

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        return list(self.questions.values())[:limit]

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        return [(m, q) for m, q in self.asked if m.author == person.id]

    async def hear_again(self, person: Person) -> bool:
        self._may_fail()
        was_out = person in self.out
        self.out.discard(person)
        return was_out

    async def staff_pressed(self, act: str, about: str, person: Person) -> str:
        self._may_fail()
        self.staff.append((act, about, person))
        return self.staff_says

    async def staff_said(self, text: str, reply_to: str, person: Person, key: str) -> str:
        self._may_fail()
        self.staff.append((f"said {text}", reply_to, person))
        return self.staff_says

    async def staff_list(self, person: Person) -> None:
        self.staff.append(("list", "", person))

    def _question(self, id: str) -> Question:
        if id not in self.questions:
            raise NotFound(f"there is no question {id}")
        return self.questions[id]


class FakeDeliveries:
    """`Deliveries` in memory, oldest first. `fail_next` lets so many calls end in a `StoreError`."""

    def __init__(self) -> None:
        self.rows: dict[str, Delivery] = {}
        self.history: list[Delivery] = []
        self.fail_next = 0

    def _may_fail(self) -> None:
        if self.fail_next:
            self.fail_next -= 1
            raise StoreError("the disk is full")

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        for new in deliveries:
            old = self.rows.get(new.key)
            if old is None:
                self.rows[new.key] = new
            elif (old.text, old.buttons) != (new.text, new.buttons):
                self.rows[new.key] = replace(new, sent_id=old.sent_id)

    async def due(self, now: float, limit: int = 200) -> list[Delivery]:
        self._may_fail()
        return [d for d in self.rows.values() if d.state == "waiting" and d.not_before <= now][:limit]

    async def settle(self, delivery: Delivery) -> bool:
        self._may_fail()
        self.history.append(delivery)
        row = self.rows[delivery.key]
        same = (row.text, row.buttons) == (delivery.text, delivery.buttons)
        if same:
            self.rows[delivery.key] = delivery
        elif delivery.sent_id:
            self.rows[delivery.key] = replace(row, sent_id=delivery.sent_id)
        return same

    async def deliveries(self, session: str) -> list[Delivery]:
        return [d for d in self.rows.values() if d.session == session]
