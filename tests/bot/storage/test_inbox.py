"""Contract of `ports.Inbox`."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Conflict, ForgottenMeanwhile, NotFound
from bot.model import (
    Address,
    Answer,
    CourseMatch,
    Cursor,
    Delivery,
    LastLook,
    LookedUp,
    Message,
    Person,
    Placed,
    Placement,
    Status,
)
from bot.ports import Store
from knowledge.reasons import because
from tests.bot.storage.acts import VECTOR, arrive, ask, merge, undo
from tests.bot.storage.acts import change as changed
from tests.bot.storage.conftest import Open
from tests.bot.values import message, state

HALF = Cursor("course of talk", "half way")


async def test_messages_come_back_in_order_of_arrival_with_growing_ids(store: Store) -> None:
    """What was received is pending, unchanged but for the id, in the order in which it came."""
    sent = [message(3, "c"), message(1, "a", address=None), message(2, "b", explicit=True)]
    assert await store.receive(sent) == 3
    waiting = await store.pending("talk", 10)
    assert [replace(m, id=0) for m in waiting] == [replace(m, id=0) for m in sent]
    assert [m.id for m in waiting] == sorted(m.id for m in waiting)
    assert await store.pending("talk", 2) == waiting[:2]


async def test_where_very_many_wait_the_sources_take_turns(store: Store) -> None:
    """A thousand lines of one chat do not hold up two of another; each keeps its own order, and no session sees what
    waits in another."""
    await store.receive([message(n, source="loud") for n in range(1, 1001)])
    await store.receive([message(n, source="calm") for n in range(2001, 2003)])
    await store.receive([message(1, source="other", session="rerun")])
    waiting = await store.pending("talk", 10)
    assert [m.external_id for m in waiting if m.source == "calm"] == [message(n).external_id for n in (2001, 2002)]
    assert [m.external_id for m in waiting if m.source == "loud"] == [message(n).external_id for n in range(1, 9)]
    assert [m.id for m in waiting] == sorted(m.id for m in waiting)


async def test_what_is_set_aside_is_kept_and_waits_for_nothing(store: Store) -> None:
    """A message of somebody who floods is there with its decision, and the pipeline does not see it; the next waits."""
    await store.receive([replace(message(1), aside=True), message(2)])
    assert [m.external_id for m in await store.pending("talk", 10)] == [message(2).external_id]
    (flood, placement), _ = await store.placements("talk")
    assert flood.text == message(1).text
    assert placement is not None
    assert not placement.asking
    assert [reason.code for reason in placement.reasons.asking] == ["flood"]


async def test_what_another_course_says_takes_the_place_of_what_was_suggested(store: Store) -> None:
    """New words, another entry and none at all; what was sent to somebody stays, is offered to nobody else, and what
    the mode auto would have done when it came stays too. Nothing new is no revision."""
    old, sent = CourseMatch("faq#a", 0.9, "suggested", "old", sure=True), CourseMatch("faq#a", 0.9, "sent", "old")
    ids = [(await ask(store, f"q{n}", answer=match)).id for n, match in enumerate((old, old, old, None, sent))]
    new, other = replace(old, text="new", sure=False), CourseMatch("faq#b", 0.8, "suggested", "other")
    why = because("margin", 0.5)
    looked_up = [LookedUp(id, match, why) for id, match in zip(ids, (new, other, None, other, other), strict=True)]
    before = (await store.question("q4")).revision
    assert await store.look_up("talk", looked_up, HALF)
    assert await store.cursor(HALF.source) == HALF.value
    answers = [placement.answer for _, placement in await store.placements("talk") if placement]
    assert answers == [replace(new, sure=True), other, None, other, replace(sent, gone=True)]
    assert [p.reasons.answer for _, p in await store.placements("talk") if p] == [why] * 4 + [()]
    suggested = [(await store.question(f"q{n}")).suggested_answer for n in range(4)]
    assert [one.text if one else "" for one in suggested] == ["new", "other", "", "other"]
    after = (await store.question("q0")).revision
    assert after > before
    assert not await store.look_up("talk", looked_up, HALF)
    assert not await store.look_up("elsewhere", [LookedUp(ids[0], None, ())], HALF)
    assert (await store.question("q0")).revision == after
    assert await store.look_up("talk", [LookedUp(ids[4], replace(sent, state="suggested"), why)], HALF)
    assert (await store.placements("talk"))[4][1].answer == sent  # type: ignore[union-attr]


async def test_what_was_sent_to_one_and_taken_back_since_is_not_suggested(store: Store) -> None:
    """The first asker was sent what the course said then; the second waits, and gets what it says now, or nothing."""
    then = CourseMatch("faq#a", 0.95, "sent", "Monday")
    one = (await ask(store, "q1", answer=then)).id
    two = (await ask(store, "q1", "u2", answer=replace(then, state="suggested", score=0.8), reopens=True)).id
    now = CourseMatch("faq#a", 0.8, "suggested", "Tuesday")
    for found, words in ((now, "Tuesday"), (None, "")):
        await store.look_up("talk", [LookedUp(one, found, ()), LookedUp(two, found, ())], HALF)
        suggested = (await store.question("q1")).suggested_answer
        assert (suggested.text if suggested else "") == words


async def test_a_redelivered_message_changes_nothing(store: Store) -> None:
    """The same source and external id a second time is not new, whatever else it says; the new ones beside it are."""
    await store.receive([message(1, "first")])
    assert await store.receive([message(1, "again"), message(2), message(2, "twice in one call")]) == 1
    assert [m.text for m in await store.pending("talk", 10)] == ["first", message(2).text]


async def test_what_came_again_is_answered_in_the_words_of_the_first_time(store: Store) -> None:
    """A command that is redelivered when the queue has changed is not answered anew."""
    said = Delivery("reply:telegram:1", "talk", Address("telegram", "1"), "nothing yet")
    await store.receive([], None, [said])
    await store.receive([], None, [replace(said, text="1. Why?"), replace(said, key="reply:telegram:2")])
    assert [(d.key, d.text) for d in await store.deliveries("talk")] == [
        ("reply:telegram:1", "nothing yet"),
        ("reply:telegram:2", "nothing yet"),
    ]


async def test_redeliveries_use_up_no_ids(store: Store) -> None:
    """Ids name questions, so a restart must not change the next one."""
    await store.receive([message(1)])
    await store.receive([message(2)])
    await store.receive([message(1), message(1)])
    await store.receive([message(3)])
    first, second, third = await store.pending("talk", 10)
    assert third.id - second.id == second.id - first.id


async def test_a_recorded_chat_can_be_replayed_into_two_sessions(store: Store) -> None:
    """Uniqueness of a message holds within its session."""
    await store.receive([message(1)])
    assert await store.receive([message(1, session="rerun")]) == 1
    assert len(await store.pending("rerun", 10)) == 1


async def test_a_cursor_moves_with_what_was_read(store: Store) -> None:
    """A source's cursor is the last one received with, and None before."""
    assert await store.cursor("telegram") is None
    await store.receive([message(1)], Cursor("telegram", "7"))
    await store.receive([], Cursor("telegram", "8"))
    assert await store.cursor("telegram") == "8"
    assert await store.cursor("web") is None


async def test_a_failed_call_leaves_nothing_behind(store: Store) -> None:
    """What a call wrote before it failed is gone with it."""
    with pytest.raises(NotFound):
        await store.place("talk", [Placed(Placement(99, False, 0.1))])
    one = await arrive(store)
    with pytest.raises(NotFound):
        await store.place("talk", [Placed(Placement(one.id, True, 0.9, "q1"), None, state("q1")), _unknown()])
    assert await store.questions("talk") == []
    assert await store.pending("talk", 10) == [one]


def _unknown() -> Placed:
    return Placed(Placement(12345, False, 0.0))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_categories=[])), st.text(st.characters(exclude_categories=[]), min_size=1))
async def test_any_text_is_kept(store: Store, text: str, external_id: str) -> None:
    """Any script, control character or broken surrogate is accepted. Halves of surrogate pairs are replaced, and NUL
    where the database cannot hold it."""
    sent = message(1, text, external_id=external_id, session=f"talk {next(_evenings)}")
    assert await store.receive([sent]) == 1
    assert await store.receive([sent]) == 0
    (kept,) = await store.pending(sent.session, 1)
    halves = any("\ud800" <= c <= "\udfff" for c in text)
    assert kept.text in {text, text.replace("\0", "\ufffd")} or halves
    kept.text.encode()


_evenings = itertools.count()


async def test_a_placement_is_kept_as_it_was_decided(store: Store) -> None:
    """Every field of a decision is read back, and a message without one comes with None."""
    match = CourseMatch("faq#1", 0.75, "suggested", "See page 3.")
    one = await ask(store, "q1", similarity=0.5, suggested="q7", answer=match)
    rest = await arrive(store)
    placed = Placement(one.id, True, 0.9, "q1", 0.5, "q7", match, same="q1")
    assert await store.placements("talk") == [(one, placed), (rest, None)]
    assert await store.pending("talk", 10) == [rest]


async def test_numbers_of_numpy_are_kept(store: Store) -> None:
    """Scores may come straight from a model."""
    one = await arrive(store)
    match = CourseMatch("faq#1", np.float32(0.5), "sent", "x")  # type: ignore[arg-type]
    decided = Placement(one.id, True, np.float32(0.25), "q1", np.float32(0.5), None, match)  # type: ignore[arg-type]
    await store.place("talk", [Placed(decided, VECTOR, state("q1"))])
    assert (await store.placements("talk"))[0][1] == decided


async def test_placing_again_changes_nothing(store: Store) -> None:
    """After a crash between commit and its news the same batch may be placed again, even with other decisions."""
    one = await ask(store, "q1")
    before = await store.questions("talk")
    await store.place("talk", [Placed(Placement(one.id, True, 0.1, "q9"), None, state("q9"))])
    assert await store.questions("talk") == before


async def test_whoever_is_forgotten_while_they_are_understood_does_not_come_back(store: Store) -> None:
    """What was understood of their words is refused with all that was placed beside it; without them it is not."""
    hers, his = await arrive(store, user="ann"), await arrive(store, user="bob")
    said = Delivery("ack:q1:telegram:ann", "talk", Address("telegram", "ann"), f"Got it: {hers.text}")
    joins = Placed(Placement(his.id, True, 0.9, "q1"), VECTOR)
    await store.forget(hers.person, None, 1.0)
    for placed in (
        Placed(Placement(hers.id, True, 0.9, "q1"), None, state("q1"), deliveries=(said,)),
        Placed(Placement(hers.id, False, 0.1), VECTOR),
    ):
        with pytest.raises(ForgottenMeanwhile):
            await store.place("talk", [placed, joins])
    assert [m.text for m in await store.pending("talk", 10)] == ["", his.text]
    assert (await store.questions("talk"), await store.deliveries("talk")) == ([], [])
    await store.place("talk", [Placed(Placement(hers.id, False, 0.1)), replace(joins, founds=state("q1"))])
    assert [m.message for m in await store.remembered("talk")] == [his.id]


async def test_whoever_is_only_called_so_is_not_forgotten(store: Store) -> None:
    """In some chats a name is all that tells people apart, and it may begin as those of forgotten people do."""
    one = await arrive(store, user="gone-fishing")
    await store.place("talk", [Placed(Placement(one.id, True, 0.9, "q1"), VECTOR, state("q1"))])
    assert [q.id for q in await store.questions("talk")] == ["q1"]


async def test_a_question_id_of_another_session_is_refused(store: Store) -> None:
    """A placement cannot found or join what belongs to another session."""
    await ask(store, "q1", session="other")
    one = await arrive(store)
    placement = Placement(one.id, True, 0.9, "q1")
    with pytest.raises(Conflict):
        await store.place("talk", [Placed(placement, None, state("q1"))])
    with pytest.raises(NotFound):
        await store.place("talk", [Placed(placement)])


async def test_joining_a_question_that_undo_removed_brings_it_back(store: Store) -> None:
    """The pipeline may be late by one batch; the message must not vanish with the question it chose."""
    await ask(store, "q1")
    split = await changed(store, "split", (None, state("q2")))
    await ask(store, "q1", suggested="q2")
    await undo(store, split)
    assert (await store.question("q1")).suggested_merge == ()
    newest = (await store.question("q1")).revision
    one = await arrive(store)
    await store.place("talk", [Placed(Placement(one.id, True, 0.9, "q2"))])
    news = {q.id: q for q in await store.questions("talk", newest)}
    assert ([one.question for one in news["q1"].suggested_merge], news["q2"].messages) == (["q2"], 1)


async def test_a_course_answer_that_missed_a_wording_is_taken_back(store: Store) -> None:
    """With `reopens` the question is new again where the course's answer stands, also through a merge."""
    answered = state("q1", Status.ANSWERED, answer=Answer("Page 3.", "course", 1.0, ("faq#1",)))
    await ask(store, "q1", founds=answered)
    await ask(store, "q2")
    await merge(store, "q2", "q1")
    await ask(store, "q2", reopens=True)
    again = (await store.question("q1")).state
    assert (again.status, again.answer) == (Status.NEW, None)


@pytest.mark.parametrize("answer", [Answer("Yes.", "Ann", 1.0), Answer("Yes.", "course", 1.0, accepted=True)])
async def test_a_persons_answer_is_never_taken_back_by_a_placement(store: Store, answer: Answer) -> None:
    """`reopens` leaves alone what an expert said, and what a moderator accepted of the course."""
    answered = state("q1", Status.ANSWERED, answer=answer)
    await ask(store, "q1", founds=answered)
    await ask(store, "q1", reopens=True)
    assert (await store.question("q1")).state == answered


@pytest.mark.parametrize("merged", [False, True])
async def test_when_nobody_waits_any_more_the_course_has_answered(store: Store, merged: bool) -> None:
    """With `closes` a new question is answered as its first asker was, as soon as everybody who asked or voted there
    has an answer; not before."""
    later = CourseMatch("faq#1", 0.9, "sent", "Page 3.")
    first = await ask(
        store, "q1", "u1", answer=CourseMatch("earlier:one#q9", 0.9, "sent", "Noon.", where="Evening one")
    )
    await ask(store, "q2", "u2")
    await merge(store, "q2", "q1")
    await store.vote("q1", first.person, True, 1.0)
    await store.vote("q1", Person("web", "zoe"), True, 1.0)
    await ask(store, "q2" if merged else "q1", "u2", answer=later, closes=True)
    assert ((one := await store.question("q1")).status, one.waiting) == (Status.NEW, 1)
    await store.vote("q1", Person("web", "zoe"), False, 2.0)
    await ask(store, "q2" if merged else "q1", "u2", answer=later, closes=True)
    one = await store.question("q1")
    answer = Answer("Noon.", "course", first.at, ("earlier:one#q9", "Evening one"))
    assert (one.status, one.state.answer, one.waiting) == (Status.ANSWERED, answer, 0)


@pytest.mark.parametrize("said", [{"rejected": ("faq#0",)}, {"status": Status.QUEUED}, {"status": Status.DISMISSED}])
async def test_what_a_person_decided_is_not_closed_by_a_placement(store: Store, said: dict[str, Any]) -> None:
    """`closes` leaves alone what somebody said the course misses, approved or dismissed."""
    sent = CourseMatch("faq#1", 0.9, "sent", "Page 3.")
    await ask(store, "q1", founds=state("q1", **said), answer=sent)
    await ask(store, "q1", answer=sent, closes=True)
    assert (await store.question("q1")).state == state("q1", **said)


async def test_what_is_remembered_outlives_a_restart(opening: Open) -> None:
    """Vectors come back bit for bit with text, asker, the group it lies in (merged or not) and the source offered."""
    store = await opening()
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((3, 384)).astype(np.float32)
    matches = [None, CourseMatch("faq#1", 0.9, "sent", "x"), CourseMatch("faq#2", 0.9, "suggested", "x")]
    messages: list[Message] = [await arrive(store, user=f"u{n}") for n in range(3)]
    placements = [
        Placement(m.id, True, 0.9, f"q{m.id}", answer=match) for m, match in zip(messages, matches, strict=True)
    ]
    placed = zip(placements, vectors, strict=True)
    await store.place("talk", [Placed(p, v, state(str(p.question))) for p, v in placed])
    silent, unencoded = await arrive(store), await arrive(store)
    await store.place("talk", [Placed(Placement(silent.id, False, 0.1), VECTOR)])
    first, second, third = (f"q{one.id}" for one in messages)
    await store.place("talk", [Placed(Placement(unencoded.id, True, 0.9, first))])
    await merge(store, second, third)
    await store.close()

    store = await opening()
    found = await store.remembered("talk")
    await store.close()
    assert [(r.message, r.question, r.text, r.source, r.person) for r in found] == [
        (m.id, question, m.text, source, m.person)
        for m, question, source in zip(messages, [first, second, third], [None, "faq#1", "faq#2"], strict=True)
    ]
    assert all(
        np.array_equal(r.vector, v) and r.vector.dtype == np.float32 for r, v in zip(found, vectors, strict=True)
    )


async def test_when_it_was_looked_what_is_to_be_forgotten_is_kept(opening: Open) -> None:
    """A wait that has begun outlives the program."""
    day = 86_400.0
    store = await opening()
    assert await store.look_to_forget(50 * day) == LastLook(50 * day)
    await store.close()
    store = await opening()
    assert await store.look_to_forget(100 * day) == LastLook(50 * day, 100 * day)
    await store.close()
    store = await opening()
    assert await store.look_to_forget(100.5 * day) == LastLook(50 * day, 100 * day)
    assert await store.look_to_forget(101 * day) == LastLook(101 * day)
    await store.close()


async def test_a_wait_that_nobody_ended_says_nothing_of_the_next_one(store: Store) -> None:
    """A program that runs for an hour every other month waits anew each time: a clock may be wrong this time."""
    day = 86_400.0
    await store.look_to_forget(0.0)
    assert await store.look_to_forget(60 * day) == LastLook(0.0, 60 * day)
    assert await store.look_to_forget(425 * day) == LastLook(0.0, 425 * day)


async def test_before_the_first_look_the_newest_message_says_when_the_program_ran(store: Store) -> None:
    """So that a clock that is wrong with the first look is noticed, too."""
    await store.receive([message(1, at=5.0), message(2, at=9.0)])
    assert await store.look_to_forget(1e9) == LastLook(9.0, 1e9)
