"""Sees to it that nobody who asked an answered question is forgotten.

An answer goes to everyone whose asking is in the store when it is given, and whoever asks later is told by the
pipeline. Between the two lies a moment in which each may miss the other, and a crash may fall into it. So whatever
changed is looked at once more a little later: whoever asked in a chat that was told nothing hears the recorded answer.
"""

import asyncio
import logging
from collections.abc import Callable, Container
from typing import Protocol

from bot.errors import StoreError
from bot.model import Asked, Delivery, Question, Session, Status
from bot.ports import Now
from bot.reach import Heard, reach
from bot.replies import joined, last_asked

log = logging.getLogger(__name__)

AFTER = 5.0
"""Seconds after a change until it is looked at: whoever is under way shall have arrived."""

LATELY = 86_400.0
"""Seconds since the answer. What is older is over: nobody wants to hear of it out of the blue."""


class Store(Protocol):
    """What this needs of the store."""

    async def sessions(self) -> list[Session]: ...
    async def revisions(self) -> dict[str, int]: ...
    async def questions(self, session: str, since: int = 0) -> list[Question]: ...
    async def asked(self, question: str) -> list[Asked]: ...
    async def answering(self, session: str) -> list[Delivery]: ...
    async def deliver(self, deliveries: list[Delivery]) -> None: ...


class Reaching:
    """Looks after the sessions that changed. `replying` names the connectors that can say something. `woken` is set
    once one did; `step` is the work, and `run` does it again and again."""

    def __init__(
        self,
        store: Store,
        replying: Callable[[], Container[str]],
        now: Now,
        sending: Callable[[], None],
        *,
        after: float = AFTER,
        say_at: Callable[[Session, float, float], float] = lambda _session, _asked, now: now,
    ) -> None:
        """`say_at(session, asked_at, now)`: when an answer to what was asked last at that time may reach people."""
        self._say_at = say_at
        self._store, self._replying, self._now, self._sending = store, replying, now, sending
        self._after = after
        self._known: dict[str, int] = {}
        self.woken = asyncio.Event()

    def changed(self) -> None:
        """The questions of a session did, after the commit."""
        self.woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._after)
            self.woken.clear()
            try:
                await self.step()
            except StoreError as error:
                log.warning("whom answers reached cannot be read now (%s); trying again", error)
                self.woken.set()
            await self.woken.wait()

    async def step(self) -> None:
        """Look at every session that changed since the last step; at first at all that were not over a day ago, for the
        program may have died in the moment. Raises `StoreError`; what was not done then is done by the next step."""
        revisions = await self._store.revisions()
        for session in await self._store.sessions():
            known, revision = self._known.get(session.id), revisions.get(session.id, 0)
            if known is None and session.ended_at is not None and session.ended_at < self._now() - LATELY:
                self._known[session.id] = revision
            elif revision > (known or 0):
                try:
                    if said := await self.forgotten(session.id):
                        await self._store.deliver(said)
                        self._sending()
                except BaseException:
                    self._known[session.id] = known or 0
                    raise
                self._known[session.id] = max(self._known[session.id], revision)

    async def forgotten(self, id: str) -> list[Delivery]:
        """What is to be said to those who asked a question that was answered lately and were told nothing, as far as
        the question changed since this was asked last."""
        session = next((one for one in await self._store.sessions() if one.id == id), None)
        changed = await self._store.questions(id, self._known.get(id, 0)) if session else []
        self._known[id] = max((one.revision for one in changed), default=self._known.get(id, 0))
        since = self._now() - LATELY
        answered = [q.state for q in changed if q.status is Status.ANSWERED and q.state.answer]
        lately = [state for state in answered if state.answer and state.answer.at >= since]
        said: list[Delivery] = []
        answering = await self._store.answering(id) if lately else []
        for state in lately if session else ():
            asked = await self._store.asked(state.id)
            told = reach(state, asked, answering, self._replying())
            never = {one.person for one in told if one.heard is Heard.FAILED and not one.delivery}
            if session and never:
                missed = [one for one in asked if one.message.person in never]
                at = self._say_at(session, last_asked(missed), self._now())
                said += joined(session, state, missed, answering, at)
        return said
