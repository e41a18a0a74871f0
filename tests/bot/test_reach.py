"""Whom an answer reached: the pure rule, and that nobody is forgotten in the real store."""

from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.desk import Desk
from bot.errors import NotAllowed, StoreError
from bot.model import Answer, Asked, Delivery, Message, Placed, Placement, Session, Status
from bot.reach import NEVER_SENT, NO_WAY_BACK, Heard, counts, reach
from bot.reaching import LATELY, Reaching
from bot.replies import answers
from bot.storage.sqlite import SqliteStore
from tests.bot.values import TALK, asked, message, state

ANSWERED = state(status=Status.ANSWERED, answer=Answer("Yes.", "Li", 200.0))
CHATS = frozenset({"telegram"})
GROUP: dict[str, Any] = {"chat": "-100", "private": False}


def said(*wordings: Asked, **outcome: Any) -> list[Delivery]:
    return [replace(d, **outcome) for d in answers(TALK, ANSWERED, wordings, [], 200.0)]


@pytest.mark.parametrize(
    ("outcome", "heard", "why"),
    [
        ({"state": "sent"}, Heard.REACHED, ""),
        ({"state": "waiting"}, Heard.WAITING, ""),
        ({"state": "sending"}, Heard.WAITING, ""),
        ({"state": "waiting", "error": "told to wait 30 s"}, Heard.WAITING, "told to wait 30 s"),
        ({"state": "failed", "error": "Telegram: blocked"}, Heard.FAILED, "Telegram: blocked"),
    ],
)
def test_what_became_of_a_message_is_what_its_asker_heard(outcome: dict[str, Any], heard: Heard, why: str) -> None:
    """Sent is reached, on its way is waiting, given up is failed with the reason."""
    one = asked(message(1))
    (told,) = reach(ANSWERED, [one], said(one, **outcome), CHATS)
    assert (told.heard, told.why) == (heard, why)
    assert told.person == one.message.person


def test_where_a_chat_cannot_reply_the_page_has_it() -> None:
    """An asker without a way back, or of a source that is silent, counts as one of the page, not as a failure; one who
    asked on the page needs no reason."""
    silent, gone = asked(message(1, address=None)), asked(message(2, user="u2", source="bilibili"))
    web = asked(message(3, user="u3", source="web"))
    told = reach(ANSWERED, [silent, gone, web], said(gone, web, state="failed", error="x"), CHATS)
    assert [one.heard for one in told] == [Heard.PAGE] * 3
    assert [one.why for one in told] == [NO_WAY_BACK, NO_WAY_BACK, ""]


def test_everyone_in_a_group_is_reached_by_the_one_message_there() -> None:
    """Each asker counts once, however often they asked."""
    wordings = [asked(message(n, user=f"u{n % 3}", **GROUP)) for n in range(9)]
    told = reach(ANSWERED, wordings, said(*wordings, state="sent"), CHATS)
    assert counts(told) == {"reached": 3, "waiting": 0, "failed": 0, "page": 0}


def test_who_heard_it_anywhere_is_reached() -> None:
    """Blocked in private, but the group heard it: the best outcome counts."""
    private, public = asked(message(1)), asked(message(2, **GROUP))
    sent = [*said(private, state="failed", error="blocked"), *said(public, state="sent")]
    assert [one.heard for one in reach(ANSWERED, [private, public], sent, CHATS)] == [Heard.REACHED]


def test_the_courses_answer_counts_while_it_stands() -> None:
    """What the course said reached the asker; once a person answers otherwise, it does not."""
    one = asked(message(1))
    by_course = replace(ANSWERED, answer=Answer("Yes.", "course", 100.0))
    sent = [replace(d, key="course:q1:telegram:u1:m1", state="sent") for d in said(one)]
    assert [told.heard for told in reach(by_course, [one], sent, CHATS)] == [Heard.REACHED]
    assert [told.why for told in reach(ANSWERED, [one], sent, CHATS)] == [NEVER_SENT]


def test_an_open_question_reaches_nobody() -> None:
    """There is nothing to be told of."""
    assert reach(state(), [asked(message(1))], [], CHATS) == ()


async def ask(store: SqliteStore, *messages: Message, question: str = "q1") -> None:
    await store.receive(messages)
    known = {q.id for q in await store.questions("talk")}
    for one in await store.pending("talk", 100):
        founds = None if question in known else state(question, title=one.text)
        await store.place("talk", [Placed(Placement(one.id, True, 0.9, question), founds=founds)])
        known.add(question)


def desk_of(store: SqliteStore, at: float = 200.0) -> Desk:
    return Desk(store, lambda _: None, lambda: at, replying=lambda: CHATS)


async def told(store: SqliteStore, id: str = "q1") -> dict[str, Heard]:
    state = (await store.question(id)).state
    found = reach(state, await store.asked(id), await store.answering("talk"), CHATS)
    return {one.person.id: one.heard for one in found}


async def test_whoever_fell_between_the_answer_and_the_pipeline_is_told(store: SqliteStore) -> None:
    """An asking that was placed while the answer was recorded, as the pipeline knew nothing of it yet, is told a moment
    later, and once; what was answered long ago wakes nobody."""
    await ask(store, message(1))
    await desk_of(store).answer("Li", "q1", "Yes.")
    await ask(store, message(2, "Recorded?", "u2"))
    assert (await told(store))["u2"] is Heard.FAILED
    now = 200.0
    reaching = Reaching(store, lambda: CHATS, lambda: now, lambda: None)
    missed = await reaching.forgotten("talk")
    assert [d.address.chat for d in missed] == ["u2"]
    assert "Recorded?" in missed[0].text
    await store.deliver(missed)
    assert (await told(store))["u2"] is Heard.WAITING
    assert await Reaching(store, lambda: CHATS, lambda: now, lambda: None).forgotten("talk") == []
    await ask(store, message(3, "Recorded??", "u3"))
    now += LATELY + 1
    assert await reaching.forgotten("talk") == []


async def test_a_look_that_fails_is_made_up_for_by_the_next_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the store could not write whom to tell, the next step tells them, once; a step that finds nothing new asks
    for no questions."""
    await ask(store, message(1))
    await desk_of(store).answer("Li", "q1", "Yes.")
    await ask(store, message(2, "Recorded?", "u2"))
    reaching = Reaching(store, lambda: CHATS, lambda: 200.0, lambda: None)
    with monkeypatch.context() as broken:
        broken.setattr(store, "deliver", AsyncMock(side_effect=StoreError("the disk is full")))
        with pytest.raises(StoreError):
            await reaching.step()
    assert (await told(store))["u2"] is Heard.FAILED
    await reaching.step()
    assert (await told(store))["u2"] is Heard.WAITING
    looks = AsyncMock(wraps=store.questions)
    monkeypatch.setattr(store, "questions", looks)
    await reaching.step()
    assert not looks.called
    assert len(await store.answering("talk")) == 2


async def test_at_night_nobody_is_told_what_they_missed(store: SqliteStore) -> None:
    """Who fell between the answer and the pipeline hears it in the morning, as do those who are tried again: the
    program may have come back at night, and somebody may look at the board then."""
    morning = 30_000.0

    def say_at(session: Session, asked_at: float, now: float) -> float:
        return morning if now - asked_at > 100.0 else now

    await ask(store, message(1, at=190.0), message(2, user="u2", at=190.0))
    await desk_of(store).answer("Li", "q1", "Yes.")
    for one in await store.answering("talk"):
        await store.settle(replace(one, state="failed", error="blocked", attempts=1))
    await ask(store, message(3, "Recorded?", "u3", at=195.0))
    night = 20_000.0
    missed = await Reaching(store, lambda: CHATS, lambda: night, lambda: None, say_at=say_at).forgotten("talk")
    assert [(d.address.chat, d.not_before) for d in missed] == [("u3", morning)]
    desk = Desk(store, lambda _: None, lambda: night, replying=lambda: CHATS, say_at=say_at)
    action = await desk.tell_again("Mo", "q1")
    assert {d.not_before for d in action.change.deliveries} == {morning}


async def test_trying_again_is_for_those_who_were_not_reached(store: SqliteStore) -> None:
    """The failed message waits once more and the ledger knows; who was reached hears nothing; with nobody left the act
    is refused."""
    await ask(store, message(1), message(2, user="u2"))
    desk = desk_of(store)
    await desk.answer("Li", "q1", "Yes.")
    first, second = await store.answering("talk")
    await store.settle(replace(first, state="sent", sent_id="9"))
    await store.settle(replace(second, state="failed", error="blocked", attempts=1))
    assert await told(store) == {"u1": Heard.REACHED, "u2": Heard.FAILED}
    action = await desk.tell_again("Mo", "q1")
    assert await told(store) == {"u1": Heard.REACHED, "u2": Heard.WAITING}
    assert (action.change.who, action.change.what) == ("Mo", "tell_again")
    with pytest.raises(NotAllowed):
        await desk.tell_again("Mo", "q1")


async def test_an_answer_to_what_was_merged_meanwhile_answers_what_it_became(store: SqliteStore) -> None:
    """Nothing that an expert wrote is lost: everyone of both groups hears it; where the other one is answered already,
    that is said and nobody hears anything."""
    await ask(store, message(1))
    await ask(store, message(2, "Replay?", "u2"), question="q2")
    desk = desk_of(store)
    await desk.merge("Mo", ["q2"], "q1")
    await desk.answer("Li", "q2", "Yes.")
    assert (await store.question("q1")).state.answer
    assert await told(store) == {"u1": Heard.WAITING, "u2": Heard.WAITING}
    with pytest.raises(NotAllowed, match="merged into another one, which is answered"):
        await desk.answer("Wu", "q2", "No.")


async def test_taking_a_correction_back_puts_the_chats_right(store: SqliteStore) -> None:
    """The answer that stands again is what the chats say in the end."""
    await ask(store, message(1))
    desk = desk_of(store)
    await desk.answer("Li", "q1", "Yes.")
    await desk.answer("Li", "q1", "No.")
    await desk.undo("Li", "talk")
    (said,) = await store.answering("talk")
    assert "Yes." in said.text
    assert said.state == "waiting"
