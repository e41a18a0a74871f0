"""Experts' answers on their way into the course's FAQ: proposed, reviewed, written, taken back. What is written is
decided by `promoting`; each act is in the ledger."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bot.errors import BadInput, Conflict, ForgottenMeanwhile, NotAllowed, NotFound
from bot.model import Change, Mode, Promotion, PromotionStage, QuestionState, Session
from bot.ports import Changed, Now, Queue
from bot.ports import Promotions as Kept
from bot.promoting import (
    LONGEST_ENTRY,
    added,
    diff,
    doubled,
    entry_of,
    heading_of,
    holds,
    promotable,
    read,
    removed,
    standing,
    taken,
)
from bot.replies import UNDO_WITHIN
from knowledge.material import Course


class Store(Queue, Kept, Protocol):
    """What this needs of the store."""


class Faq(Protocol):
    """The FAQ of a session's course, see `bot.courses`."""

    async def present(self, session: Session) -> Course: ...
    async def faq(self, session: Session) -> tuple[str, str]: ...
    async def rewrite(self, session: Session, before: str, after: str, by: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A promotion as it stands: the question's title, what it would change in the FAQ (`diff`, "": nothing), the entry
    that is asked in the same words already (`doubled`, its place, "" where there is none), whether it stands in the FAQ
    (`there`)."""

    promotion: Promotion
    title: str
    diff: str
    doubled: str
    there: bool


class Promotions:
    """All methods may raise `NotFound`, `NotAllowed`, `BadInput`, `Conflict` and `StoreError`; then nothing changed.
    `changed` is told, by its id, that something in a session did."""

    def __init__(
        self, store: Store, courses: Faq, now: Now, *, changed: Changed = lambda _: None,
        acted: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._store, self._courses, self._now = store, courses, now
        self._changed, self._acted = changed, acted
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def all(self, session: Session) -> tuple[str, list[Proposal]]:
        """The file of the FAQ, and all there is: what is proposed first, in the order in which it came."""
        name, text = await self._courses.faq(session)
        course = await self._courses.present(session)
        titles = {question.id: question.title for question in await self._store.questions(session.id)}
        found = await self._store.promotions(session.id)
        shown = [_shown(one, titles.get(one.question, ""), text, course, name) for one in found]
        return name, sorted(shown, key=lambda one: one.promotion.stage is not PromotionStage.PROPOSED)

    async def propose(self, who: str, session: Session, question: str) -> Promotion:
        """An answer that a person gave shall go into the FAQ; the same again, after another answer, makes it anew."""
        async with self._turns[session.id]:
            return await self._propose(who, session, question)

    async def accept(self, who: str, session: Session, question: str, entry: str = "") -> Promotion:
        """Write it into the FAQ, as it is or as somebody edited it; the session answers from it from now on."""
        async with self._turns[session.id]:
            return await self._accept(who, session, question, entry)

    async def decline(self, who: str, session: Session, question: str) -> Promotion:
        async with self._turns[session.id]:
            before = await self._standing(session, question)
            if before.stage is not PromotionStage.PROPOSED:
                raise Conflict("this is decided already")
            return await self._decided(who, "faq_decline", before, replace(before, stage=PromotionStage.DECLINED))

    async def undo(self, who: str, session: Session, question: str) -> Promotion:
        """It is proposed again; what was written is taken out of the FAQ."""
        async with self._turns[session.id]:
            before = await self._standing(session, question)
            if before.stage is PromotionStage.PROPOSED:
                raise Conflict("there is nothing to undo")
            if before.written:
                _, text = await self._courses.faq(session)
                without = removed(text, before.written)
                if without is None:
                    raise Conflict("the entry was changed in the FAQ since; take it out there")
                await self._courses.rewrite(session, text, without, who)
            after = replace(before, stage=PromotionStage.PROPOSED, written="")
            return await self._decided(who, "faq_undo", before, after)

    async def patch(self, session: Session) -> str:
        """All that is proposed as one unified diff of the FAQ."""
        name, text = await self._courses.faq(session)
        course, after = await self._courses.present(session), text
        for one in await self._store.promotions(session.id):
            if one.stage is PromotionStage.PROPOSED and not doubled(course, one.entry, standing(text, one.written)):
                after = added(after, one.entry, one.written)
        return diff(text, after, name)

    async def follow(self, session: Session) -> float | None:
        """Propose what people answered since, as far as the session's mode lets; in auto write it, once it can no
        longer be taken back. The seconds after which to look again, None where nothing waits."""
        if session.promoting is Mode.OFF:
            return None
        known = {one.question: one for one in await self._store.promotions(session.id)}
        waits: list[float] = []
        for question in await self._store.questions(session.id):
            before, answer = known.get(question.id), promotable(question.state)
            if answer is None:
                if before and before.stage is PromotionStage.PROPOSED and not before.written:
                    await self._store.forget_promotion(question.id)
                    self._changed(session.id)
                continue
            if before is None or before.answered_at != answer.at:
                left = answer.at + UNDO_WITHIN - self._now()
                if left > 0:
                    waits.append(left)
                    continue
                try:
                    await self.propose("", session, question.id)
                except NotAllowed:
                    continue  # a person has to word it
                if session.promoting is Mode.AUTO:
                    await self._by_itself(session, question.id)
        return min(waits, default=None)

    # -- how -----------------------------------------------------------------------------------------------------------

    async def _by_itself(self, session: Session, question: str) -> None:
        try:
            await self.accept("", session, question)
        except (NotAllowed, Conflict, BadInput):
            return  # it waits for a person, who is told why

    async def _propose(self, who: str, session: Session, question: str) -> Promotion:
        state = await self._state(session, question)
        answer = promotable(state)
        if answer is None:
            raise NotAllowed("only what a person answered in writing can go into the FAQ")
        before = next((one for one in await self._store.promotions(session.id) if one.question == question), None)
        if before and before.stage is not PromotionStage.DECLINED and before.answered_at == answer.at:
            return before
        asked = await self._store.asked(question)
        heading_of(state, asked)  # what cannot be proposed is tried at each act: the course is not read for it
        course = await self._courses.present(session)
        entry = await asyncio.to_thread(entry_of, state, asked, course, session.language)  # thousands may have asked
        at, written = self._now(), before.written if before else ""
        after = Promotion(question, session.id, PromotionStage.PROPOSED, entry, answer.at, at, who, written)
        try:
            await self._store.keep_promotion(before, after, [one.message.id for one in asked if one.message.text])
        except ForgottenMeanwhile:
            return await self._propose(who, session, question)
        if who:
            await self._noted(who, "faq_propose", state)
        self._changed(session.id)
        return after

    async def _accept(self, who: str, session: Session, question: str, entry: str) -> Promotion:
        before = await self._standing(session, question)
        if before.stage is not PromotionStage.PROPOSED:
            raise Conflict("this is decided already")
        entry = (entry or before.entry).strip()
        if len(entry) > LONGEST_ENTRY or read(entry) is None:
            raise BadInput("this is no single entry of an FAQ: it begins with “## ”, the answer stands below it")
        _, text = await self._courses.faq(session)
        if other := doubled(await self._courses.present(session), entry, standing(text, before.written)):
            raise NotAllowed(f"{other.source} asks this already: mend its answer there, or word the question otherwise")
        after = added(text, entry, before.written)
        if there := taken(after, entry):
            raise NotAllowed(
                f"{there} has nearly the same heading: word the question otherwise, so that both are found"
            )
        if not holds(after, entry):
            raise NotAllowed("the end of the FAQ swallows new entries: close what is left open there")
        await self._courses.rewrite(session, text, after, who)
        return await self._decided(
            who, "faq_accept", before, replace(before, stage=PromotionStage.ACCEPTED, entry=entry, written=entry)
        )

    async def _decided(self, who: str, what: str, before: Promotion, after: Promotion) -> Promotion:
        after = replace(after, decided_at=self._now(), decided_by=who)
        await self._store.keep_promotion(before, after)
        question = await self._store.question(after.question)
        await self._noted(who, what, question.state)
        self._changed(after.session)
        return after

    async def _noted(self, who: str, what: str, state: QuestionState) -> None:
        """In the ledger; the question itself is as it was."""
        await self._store.apply(Change(state.session, self._now(), who, what, ((state, state),)))
        self._acted(state.session)

    async def _standing(self, session: Session, question: str) -> Promotion:
        found = next((one for one in await self._store.promotions(session.id) if one.question == question), None)
        if found is None:
            raise NotFound("this answer was not proposed for the FAQ")
        return found

    async def _state(self, session: Session, question: str) -> QuestionState:
        state = (await self._store.question(question)).state
        if state.session != session.id:
            raise NotFound(f"there is no question {question!r} in session {session.id!r}")
        return state


def _shown(one: Promotion, title: str, text: str, course: Course, name: str) -> Proposal:
    if one.stage is not PromotionStage.PROPOSED:
        return Proposal(one, title, "", "", bool(standing(text, one.written)))
    other = doubled(course, one.entry, standing(text, one.written))
    change = "" if other else diff(text, added(text, one.entry, one.written), name)
    return Proposal(one, title, change, other.source if other else "", False)
