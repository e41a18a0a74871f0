"""Carries the staff's chat to the desk and back.

Whoever is in that chat may do what a moderator may: its members are the staff, and the platform says who they are. All
acts go through the desk, so the board, the ledger and undo see them as any other; but nobody there chooses a name that
is an account's or the course's.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from bot.accounts import from_chat
from bot.errors import BadInput, Conflict, FloormicError, NotFound, StoreError
from bot.live import Live
from bot.model import Action, Address, Delivery, Person, Question, Seen, Session, Status
from bot.ports import Deliveries, FindLikely, Now, Queue
from bot.staffroom.cards import (
    REASONS,
    STAFF,
    Sheet,
    card_sheet,
    dismiss_sheet,
    list_sheet,
    merge_sheet,
    offered,
    words,
)

log = logging.getLogger(__name__)

PACE = 6.0
"""Seconds between two new versions of the list: a group may be told 20 things a minute, half for the cards."""

CARDS = 12
"""So many cards are kept up to date: older ones have scrolled away."""

LONGEST_ANSWER = 4000

READING = 3.0
"""Seconds after a notice within which nobody has read it and written on."""


class Desk(Protocol):
    """What the staff's chat does to questions; all raise `FloormicError`."""

    def turn(self, session: str) -> AbstractAsyncContextManager[object]: ...
    async def require_seen(self, session: str, seen: Mapping[str, Seen], stages: str = "") -> None: ...
    async def approve(self, who: str, ids: Sequence[str]) -> Action: ...
    async def stage(self, who: str, id: str) -> Action: ...
    async def unstage(self, who: str, id: str) -> Action: ...
    async def answer(self, who: str, id: str, text: str, sources: Sequence[str] = ()) -> Action: ...
    async def accept(self, who: str, id: str) -> Action: ...
    async def dismiss(self, who: str, ids: Sequence[str], reason: str = "") -> Action: ...
    async def reopen(self, who: str, ids: Sequence[str]) -> Action: ...
    async def pin(self, who: str, id: str, on: bool = True) -> Action: ...
    async def merge(self, who: str, ids: Sequence[str], into: str) -> Action: ...
    async def apart(self, who: str, ids: Sequence[str], other: str) -> Action: ...
    async def undo(self, who: str, session: str, action: int | None = None) -> Action: ...


class Store(Queue, Deliveries, Protocol):
    """What the room needs of the store."""


class StaffRoom:
    """One session in one chat of the staff (`address`). `names`: what chats are called, by language and source."""

    def __init__(
        self,
        session: str,
        address: Address,
        store: Store,
        desk: Desk,
        live: Live,
        *,
        likely: FindLikely,
        now: Now,
        sending: Callable[[], None] = lambda: None,
        names: Mapping[str, Mapping[str, str]] | None = None,
        pace: float = PACE,
    ) -> None:
        self._session = session
        self._address = address
        self._store = store
        self._desk = desk
        self._live = live
        self._likely = likely
        self._now = now
        self._sending = sending
        self._names = names or {}
        self._pace = pace
        self._cards: dict[str, tuple[Status, int | None]] = {}  # question -> its status there, the act to undo
        self._list = ""  # the key of the list that is kept up to date
        self._staged: dict[str, Seen] = {}  # what was on stage when this chat was last told
        # person, question -> when the answer was given that they are told of, and since when by which deliveries
        self._told: dict[tuple[str, str], tuple[float, dict[str, float]]] = {}

    async def run(self) -> None:
        """Keep the list and the newest cards up to date, until cancelled."""
        await self._recall()
        async with self._live.watch(self._session) as feed:
            revision = -1
            while True:
                await feed.turned(revision, feed.number)
                revision = feed.view.revision
                try:
                    await self._refresh(list(feed.view.questions.values()))
                except StoreError as error:
                    log.warning("the staff's chat of %s cannot be brought up to date: %s", self._session, error)
                await asyncio.sleep(self._pace)

    async def pressed(self, act: str, about: str, person: Person) -> str:
        """A button of ours; what the one who pressed it is told. Raises `StoreError`: then it may be pressed again."""
        say = words(await self._language())
        id, _, more = about.partition(">")
        try:
            return await self._do(act.removeprefix(STAFF), id, more, _called(person))
        except StoreError:
            raise
        except Conflict:
            await self._show(id)
            return say["conflict"]
        except NotFound:
            return say["gone"]
        except FloormicError as error:
            log.info("the staff's chat of %s: refused (%s)", self._session, type(error).__name__)
            return say["no"]

    async def said(self, text: str, reply_to: str, person: Person, key: str) -> str:
        """Somebody writes in the staff's chat; a reply to a card answers its question. What they are told, "" where
        nothing has to be said; `key` is that of the delivery that tells them. An answer that somebody else gave is
        replaced by whoever was told of it, and replies again. Raises `StoreError`."""
        say = words(await self._language())
        if not reply_to:
            return ""
        id = await self._card_of(reply_to)
        if not id:
            return "" if await self._is_ours(reply_to) is None else say["not_a_card"]
        if len(text.strip()) > LONGEST_ANSWER:
            return say["too_long"].format(most=f"{LONGEST_ANSWER:,}", length=f"{len(text.strip()):,}")
        try:
            async with self._desk.turn(self._session):
                if await self._overtaken(id, person, key):
                    await self._show(id)
                    return say["overtaken"]
                action = await self._desk.answer(_called(person), id, text)
        except StoreError:
            raise
        except NotFound:
            return say["gone"]
        except (Conflict, BadInput, FloormicError) as error:
            log.info("the staff's chat of %s: refused (%s)", self._session, type(error).__name__)
            return say["no"]
        await self._show(id, action.id)
        return ""

    async def post_list(self) -> None:
        """The list anew, at the end of the chat, where it is seen."""
        sheet = await self._list_sheet()
        self._list = f"{self._prefix}list:{self._now():.3f}"
        await self._deliver(self._list, sheet)

    # -- what is done ------------------------------------------------------------------------------------------------

    async def _do(self, act: str, id: str, more: str, who: str) -> str:
        question = await self._ours(id)
        language = await self._language()
        say = words(language)
        if act == "open":
            await self._open(question)
            return say["opened"]
        if act in {"back", "merge", "dismiss"}:
            await self._turn(act, question, language)
            return ""
        if more and act in {"same", "apart", "into"}:
            await self._ours(more)
        async with self._desk.turn(self._session):
            if not offered(act, (await self._ours(id)).status):
                raise Conflict("this was pressed on an older card")
            if act == "stage":
                await self._desk.require_seen(self._session, {**self._staged, id: Seen()}, id)
            action, did = await self._act(act, id, more, who, say)
        await self._show(id, None if did == "undo" else action.id)
        return say[f"did_{did}"]

    async def _overtaken(self, id: str, person: Person, key: str) -> bool:
        """Whether somebody else's answer stands that this person was not told of; now they are. That the card shows it
        is not enough: it changed while they were writing. Nor is a notice that did not reach the chat yet, and what
        was refused once stays so when it is brought again."""
        question = await self._ours(id)
        answer = question.state.answer
        if question.status is not Status.ANSWERED or answer is None or answer.by == _called(person):
            return False
        at, notices = self._told.get((person.id, id), (answer.at, {}))
        if at != answer.at:
            notices = {}
        read = {notice for notice, since in notices.items() if since + READING <= self._now()}
        if key not in notices and read and await self._reached(read):
            return False
        self._told[person.id, id] = answer.at, {key: self._now(), **notices}
        return True

    async def _reached(self, keys: set[str]) -> bool:
        deliveries = await self._store.deliveries(self._session)
        return any(each.key in keys and each.state == "sent" for each in deliveries)

    async def _act(self, act: str, id: str, more: str, who: str, say: Mapping[str, str]) -> tuple[Action, str]:
        desk = self._desk
        match act:
            case "approve":
                return await desk.approve(who, [id]), act
            case "stage":
                return await desk.stage(who, id), act
            case "unstage":
                return await desk.unstage(who, id), act
            case "aloud":
                return await desk.answer(who, id, say["aloud"]), "answer"
            case "accept":
                return await desk.accept(who, id), act
            case "why" if more in REASONS:
                return await desk.dismiss(who, [id], say[f"r_{more}"] if more else ""), "dismiss"
            case "reopen":
                return await desk.reopen(who, [id]), act
            case "pin" | "unpin":
                return await desk.pin(who, id, act == "pin"), act
            case "same":
                return await desk.merge(who, [more], id), "merge"
            case "into":
                return await desk.merge(who, [id], more), "merge"
            case "apart":
                return await desk.apart(who, [id], more), act
            case "undo" if more.isdecimal():
                return await desk.undo(who, self._session, int(more)), act
        raise BadInput(f"the staff's chat knows no {act!r}")

    async def _ours(self, id: str) -> Question:
        """The question, where it is of this session: a button reaches nothing else. Raises `NotFound`."""
        question = await self._store.question(id)
        if question.state.session != self._session:
            raise NotFound(f"there is no question {id!r} in session {self._session!r}")
        return question

    # -- what is said ------------------------------------------------------------------------------------------------

    @property
    def _prefix(self) -> str:
        return f"staff:{self._session}:{self._address.connector}:{self._address.chat}:"

    def _card(self, id: str) -> str:
        return f"{self._prefix}card:{id}"

    async def _recall(self) -> None:
        """Which list and cards there were before a restart."""
        mine = [d for d in await self._store.deliveries(self._session) if d.key.startswith(self._prefix)]
        lists = [d.key for d in mine if d.key.startswith(f"{self._prefix}list:")]
        self._list = lists[-1] if lists else f"{self._prefix}list:{self._now():.3f}"
        for delivery in [d for d in mine if d.key.startswith(self._card(""))][-CARDS:]:
            id = delivery.key.removeprefix(self._card(""))
            with suppress(NotFound):
                self._cards[id] = ((await self._store.question(id)).status, None)

    async def _refresh(self, questions: Sequence[Question]) -> None:
        self._note(questions)
        await self._deliver(self._list, list_sheet((await self._here()).title, questions, await self._language()))
        for question in questions:
            known = self._cards.get(question.id)
            if known is not None and known[0] is not question.status:
                await self._show(question.id)

    async def _list_sheet(self) -> Sheet:
        here, questions = await self._here(), await self._store.questions(self._session)
        self._note(questions)
        return list_sheet(here.title, questions, here.language)

    def _note(self, questions: Iterable[Question]) -> None:
        """What is on stage is told with the list and with every card."""
        self._staged = {q.id: Seen(Status.ON_STAGE) for q in questions if q.status is Status.ON_STAGE}

    async def _open(self, question: Question) -> None:
        """A card at the end of the chat. One that is there already is made anew, for it may be far above."""
        key = self._card(question.id)
        at = f"{key}:{self._now():.3f}" if question.id in self._cards else key
        await self._show(question.id, key=at)

    async def _show(self, id: str, last: int | None = None, key: str = "") -> None:
        """Bring a card up to date; `last`: the act that may be undone there."""
        with suppress(NotFound):
            question = await self._ours(id)
            questions = await self._store.questions(self._session)
            self._note(questions)
            others = {q.id: q for q in questions if q.status is not Status.MERGED}
            names = {source: by.get(await self._language(), source) for source, by in self._names.items()}
            self._cards.pop(id, None)
            self._cards[id] = (question.status, last)
            while len(self._cards) > CARDS:
                self._cards.pop(next(iter(self._cards)))
            sheet = card_sheet(question, others, names, await self._language(), last)
            await self._deliver(key or await self._newest_card(id), sheet)

    async def _turn(self, act: str, question: Question, language: str) -> None:
        """Another side of the card: reasons, or what to merge into."""
        if act == "back":
            await self._show(question.id)
            return
        if act == "dismiss":
            sheet = dismiss_sheet(question, language)
        else:
            everything = await self._store.questions(self._session)
            sheet = merge_sheet(question, everything, await self._likely(self._session, question.id, ()), language)
        await self._deliver(await self._newest_card(question.id), sheet)

    async def _deliver(self, key: str, sheet: Sheet) -> None:
        text, buttons = sheet
        await self._store.deliver([Delivery(key, self._session, self._address, text, buttons, not_before=self._now())])
        self._sending()

    async def _newest_card(self, id: str) -> str:
        keys = [d.key for d in await self._store.deliveries(self._session) if _is_card(d.key, self._card(id))]
        return keys[-1] if keys else self._card(id)

    async def _is_ours(self, sent_id: str) -> Delivery | None:
        for delivery in await self._store.deliveries(self._session):
            if delivery.key.startswith(self._prefix) and delivery.sent_id == sent_id:
                return delivery
        return None

    async def _card_of(self, sent_id: str) -> str:
        """The question on the card that was sent under this id; "" where it is none."""
        delivery = await self._is_ours(sent_id)
        prefix = self._card("")
        return (
            delivery.key.removeprefix(prefix).partition(":")[0] if delivery and delivery.key.startswith(prefix) else ""
        )

    async def _here(self) -> Session:
        return next(s for s in await self._store.sessions() if s.id == self._session)

    async def _language(self) -> str:
        return (await self._here()).language


def _called(person: Person) -> str:
    return from_chat(person.name or person.id, person.source)


def _is_card(key: str, card: str) -> bool:
    return key == card or key.startswith(f"{card}:")
