from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.apart import kept_apart
from bot.desk import Desk
from bot.errors import BadInput, Conflict, FloormicError, NotAllowed, NotFound
from bot.model import (
    Action,
    Answer,
    Asked,
    CourseMatch,
    Message,
    Person,
    Placed,
    Placement,
    Question,
    QuestionState,
    Status,
)
from bot.replies import UNDO_WITHIN, course_answer
from bot.storage.sqlite import SqliteStore
from tests.bot.values import message, state

CLOCK = 1000.0
Ask = Callable[..., Awaitable[Message]]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def desk(store: SqliteStore, told: list[str]) -> Desk:
    return Desk(store, told.append, lambda: CLOCK)


@pytest.fixture
def ask(store: SqliteStore) -> Ask:
    """Put a message into a question ("q<n>"), founding it when it is not there."""

    async def put(
        text: str, question: str, user: str = "u1", course: CourseMatch | None = None, **more: object
    ) -> Message:
        n = len(await store.placements("talk")) + 1
        await store.receive([message(n, text, user, **more)])
        (one,) = await store.pending("talk", 10)
        founds = None
        if question not in {q.id for q in await store.questions("talk")}:
            founds = state(question, title=text)
            if course and course.state == "sent":
                answer = Answer(course.text, "course", one.at, (course.source,))
                founds = replace(founds, status=Status.ANSWERED, answer=answer)
        placement = Placement(one.id, True, 0.9, question, 0.9, None, course)
        await store.place("talk", [Placed(placement, None, founds)])
        return one

    return put


async def queue(store: SqliteStore) -> dict[str, Question]:
    return {q.id: q for q in await store.questions("talk")}


async def states(store: SqliteStore) -> dict[str, QuestionState]:
    return {id: q.state for id, q in (await queue(store)).items()}


ACTS: dict[str, Callable[[Desk, dict[str, Message]], Awaitable[object]]] = {
    "approve": lambda desk, m: desk.approve("ann", ["q1"]),
    "edit": lambda desk, m: desk.edit("ann", "q1", "Recording?"),
    "pin": lambda desk, m: desk.pin("ann", "q1"),
    "label": lambda desk, m: desk.label("ann", "q1", [" cloud ", "cloud"]),
    "stage": lambda desk, m: desk.stage("ann", "q1"),
    "answer": lambda desk, m: desk.answer("ann", "q1", "Yes.", ["https://example.org"]),
    "dismiss": lambda desk, m: desk.dismiss("ann", ["q1", "q2"], "off topic", shown=True),
    "assign": lambda desk, m: desk.assign("ann", ["q1", "q2"], " Dr.  Lin "),
    "merge": lambda desk, m: desk.merge("ann", ["q1", "q2"], "q2"),
    "split": lambda desk, m: desk.split("ann", "q1", [m["b"].id]),
    "move": lambda desk, m: desk.move("ann", [m["b"].id], "q1", "q2"),
    "apart": lambda desk, m: desk.apart("ann", ["q1"], "q2"),
}


BULK: dict[str, Callable[[Desk], Awaitable[object]]] = {
    "pin": lambda desk: desk.pin("ann", ["q1", "q2"]),
    "label": lambda desk: desk.relabel("ann", ["q1", "q2"], ["cloud"], ["old"]),
    "assign": lambda desk: desk.assign("ann", ["q1", "q2"], "Lin"),
    "approve": lambda desk: desk.approve("ann", ["q1", "q2"]),
    "dismiss": lambda desk: desk.dismiss("ann", ["q1", "q2"], "later"),
}


async def some_questions(ask: Ask) -> dict[str, Message]:
    return {
        "a": await ask("Is there a recording?", "q1", "u1"),
        "b": await ask("Where is the replay?", "q1", "u2"),
        "c": await ask("What does it cost?", "q2", "u3"),
    }


@pytest.mark.parametrize("act", ACTS)
async def test_every_act_can_be_taken_back_exactly(store: SqliteStore, desk: Desk, ask: Ask, act: str) -> None:
    """After an act and its undo the questions, their people and their wordings are what they were; only that a merge
    which was taken back leaves the two kept apart."""
    messages = await some_questions(ask)
    before, wordings = await queue(store), [a.message.id for a in await store.asked("q1")]
    await ACTS[act](desk, messages)
    assert {id: replace(q, revision=0) for id, q in (await queue(store)).items()} != {
        id: replace(q, revision=0) for id, q in before.items()
    }
    await desk.undo("ann", "talk")
    after = await queue(store)
    if act == "merge":
        assert after["q1"].state.apart == ("q2",)
        after["q1"] = replace(after["q1"], state=replace(after["q1"].state, apart=()))
    assert {id: replace(q, revision=0) for id, q in after.items()} == {
        id: replace(q, revision=0) for id, q in before.items()
    }
    assert [a.message.id for a in await store.asked("q1")] == wordings


@pytest.mark.parametrize("act", BULK)
async def test_what_is_done_to_several_questions_is_one_action(
    store: SqliteStore, desk: Desk, ask: Ask, act: str
) -> None:
    """Both change at once, and one undo brings both back."""
    await some_questions(ask)
    before = await states(store)
    await BULK[act](desk)
    assert all(after != before[id] for id, after in (await states(store)).items())
    assert len(await store.actions("talk")) == 1
    await desk.undo("ann", "talk")
    assert await states(store) == before


async def test_labels_are_put_on_and_taken_off_beside_others(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Two people who label at once lose nothing: each act names only its own labels."""
    await some_questions(ask)
    await desk.label("ann", "q1", ["old"])
    await desk.relabel("bo", ["q1", "q2"], [" cloud", "cloud "])
    await desk.relabel("ann", ["q1"], remove=["old"])
    assert {id: q.labels for id, q in (await states(store)).items()} == {"q1": ("cloud",), "q2": ("cloud",)}


async def test_several_wordings_move_as_one_act(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """They go together and come back together, also where one of them lies in a group that was merged in."""
    messages = await some_questions(ask)
    more = await ask("Recording, where?", "q3", "u4")
    await desk.merge("ann", ["q3"], "q1")
    before = await queue(store)
    await desk.move("ann", [messages["b"].id, more.id], "q1", "q2")
    assert {id: q.messages for id, q in (await queue(store)).items() if q.status is Status.NEW} == {"q1": 1, "q2": 3}
    await desk.undo("ann", "talk")
    assert {id: replace(q, revision=0) for id, q in (await queue(store)).items()} == {
        id: replace(q, revision=0) for id, q in before.items()
    }


async def test_an_asker_is_told_why_where_they_may_know(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """In a private chat, once the time to undo is over; never in a group, never without leave, and reopening forgets
    the reason."""
    await ask("Recorded?", "q1", "u1")
    await ask("Will it be recorded?", "q1", "u9", chat="group", private=False)
    await desk.dismiss("ann", ["q1"], "said at the start")
    assert await store.deliveries("talk") == []
    await desk.reopen("ann", ["q1"])
    await desk.dismiss("ann", ["q1"], "said at the start", shown=True)
    assert await store.due(CLOCK) == []
    (said,) = await store.due(CLOCK + UNDO_WITHIN)
    assert (said.address.chat, "said at the start" in said.text) == ("u1", True)
    await desk.undo("ann", "talk")
    assert await store.due(CLOCK + UNDO_WITHIN) == []
    await desk.dismiss("ann", ["q1"], "said at the start", shown=True)
    await desk.reopen("ann", ["q1"])
    now = (await states(store))["q1"]
    assert (now.reason, now.reason_shown) == ("", False)


async def test_who_parts_two_questions_keeps_them_apart(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Said so, split off or moved away, the wording takes along what its question was kept apart from; merging the two
    after all ends it."""

    async def apart(id: str) -> set[str]:
        return set(kept_apart(list((await states(store)).values())).get(id, ()))

    messages = await some_questions(ask)
    await ask("Who speaks next?", "q4", "u4")
    await desk.apart("ann", ["q1"], "q4")
    assert await apart("q4") == {"q1"}
    await desk.split("ann", "q1", [messages["b"].id])
    (new,) = set(await states(store)) - {"q1", "q2", "q4"}
    assert await apart(new) == {"q1", "q4"}
    await desk.merge("ann", [new], "q2")
    assert await apart("q1") == {"q2", "q4"}
    await desk.merge("ann", ["q1"], "q2")
    assert await apart("q2") == {"q4"}
    await desk.move("ann", [messages["b"].id], "q2", "q4")
    assert await apart("q4") == {"q2"}
    with pytest.raises(BadInput):
        await desk.apart("ann", ["q2"], "q2")
    with pytest.raises(NotAllowed):
        await desk.apart("ann", ["q4"], "q1")


async def test_acts_before_a_merge_can_be_undone_after_it_was(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Undo after undo: that the two are kept apart now is in nobody's way, and stays."""
    messages = await some_questions(ask)
    before = {id: replace(state, apart=()) for id, state in (await states(store)).items()}
    await desk.approve("ann", ["q1"])
    await desk.move("ann", [messages["b"].id], "q1", "q2")
    await desk.merge("ann", ["q1"], "q2")
    await desk.undo("ann", "talk")
    await desk.merge("ann", ["q2"], "q1")
    for _ in range(3):
        await desk.undo("ann", "talk")
    assert {id: replace(state, apart=()) for id, state in (await states(store)).items()} == before
    assert kept_apart(list((await states(store)).values())) == {"q1": {"q2"}, "q2": {"q1"}}


@pytest.mark.parametrize("act", ACTS)
async def test_every_act_is_in_the_ledger_and_is_told(
    store: SqliteStore, desk: Desk, ask: Ask, told: list[str], act: str
) -> None:
    """An act leaves one row that names who did what, and whoever watches is told."""
    await ACTS[act](desk, await some_questions(ask))
    (action,) = await store.actions("talk")
    assert (action.change.who, action.change.what, action.undone) == ("ann", act, False)
    assert told == ["talk"]


async def test_an_answer_goes_to_everyone_who_asked_and_can_be_withheld(
    store: SqliteStore, desk: Desk, ask: Ask
) -> None:
    """Each asker's chat gets one delivery when the time to undo is over; undone in time, none until the next answer."""
    await some_questions(ask)
    await desk.answer("ann", "q1", "Yes.")
    assert await store.due(CLOCK) == []
    assert {d.address.chat for d in await store.due(CLOCK + UNDO_WITHIN)} == {"u1", "u2"}
    await desk.undo("ann", "talk")
    assert await store.due(CLOCK + UNDO_WITHIN) == []
    await desk.answer("ann", "q1", "Yes.")
    assert {d.address.chat for d in await store.due(CLOCK + UNDO_WITHIN)} == {"u1", "u2"}


async def test_undo_takes_back_what_one_did_oneself(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """The newest act is a colleague's: without its number it stays, and one's own older one goes; who did nothing is
    told so."""
    await some_questions(ask)
    await desk.approve("ann", ["q1"])
    other = await desk.dismiss("bo", ["q2"])
    assert (await desk.undo("ann", "talk")).change.questions[0][1].id == "q1"  # type: ignore[union-attr]
    assert {id: q.status for id, q in (await states(store)).items()} == {"q1": Status.NEW, "q2": Status.DISMISSED}
    with pytest.raises(NotFound):
        await desk.undo("ann", "talk")
    await desk.undo("ann", "talk", other.id)
    assert (await states(store))["q2"].status is Status.NEW


async def test_an_undo_that_is_refused_holds_nothing_back(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Where somebody changed the question meanwhile, or the act is taken back already, what is to be said is said."""
    await some_questions(ask)
    first = await desk.answer("ann", "q1", "Yes.")
    await desk.pin("bo", "q1")
    with pytest.raises(Conflict):
        await desk.undo("ann", "talk", first.id)
    assert len(await store.due(CLOCK + UNDO_WITHIN)) == 2
    for who in ("bo", "ann"):
        await desk.undo(who, "talk")
    await desk.answer("ann", "q1", "Yes.")
    with pytest.raises(Conflict):
        await desk.undo("ann", "talk", first.id)
    assert len(await store.due(CLOCK + UNDO_WITHIN)) == 2


async def hear(store: SqliteStore) -> None:
    """The chats are told what waits."""
    for one in await store.due(CLOCK + UNDO_WITHIN):
        await store.settle(replace(one, state="sent", sent_id="7"))


async def test_a_correction_that_is_taken_back_repeats_nothing(store: SqliteStore, ask: Ask) -> None:
    """A chat that cannot edit what was said has heard the answer that stands again."""
    desk = Desk(store, lambda _: None, lambda: CLOCK, edits=lambda _: False)
    await ask("Recorded?", "q1")
    await desk.answer("ann", "q1", "Yes.")
    await hear(store)
    await desk.answer("bo", "q1", "No.")
    await desk.undo("bo", "talk")
    assert await store.due(CLOCK + UNDO_WITHIN) == []
    (told,) = await store.deliveries("talk")
    assert (told.state, "Yes." in told.text) == ("sent", True)


async def test_undo_holds_back_other_words_too(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """A chat that heard an answer, or a reason, which was dropped is not told the one that is taken back."""
    await ask("Recorded?", "q1")
    await desk.answer("ann", "q1", "Yes.")
    await hear(store)
    await desk.reopen("ann", ["q1"])
    await desk.answer("ann", "q1", "No.")
    assert len(await store.due(CLOCK + UNDO_WITHIN)) == 1
    await desk.undo("ann", "talk")
    assert await store.due(CLOCK + UNDO_WITHIN) == []
    await desk.dismiss("ann", ["q1"], "off topic", shown=True)
    await hear(store)
    await desk.reopen("ann", ["q1"])
    await desk.dismiss("ann", ["q1"], "too late", shown=True)
    await desk.undo("ann", "talk")
    assert await store.due(CLOCK + UNDO_WITHIN) == []


async def test_an_answer_that_undo_brings_back_is_told(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Also where the question went on stage in between, and where other words would have taken its place."""
    await ask("Recorded?", "q1")
    await desk.answer("ann", "q1", "Yes.")
    await desk.stage("ann", "q1")
    await desk.next("ann", "q1", "No.")
    await desk.undo("ann", "talk")
    await desk.undo("ann", "talk")
    (said,) = await store.due(CLOCK + UNDO_WITHIN)
    assert "Yes." in said.text


async def test_what_is_dropped_is_not_told_later(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Whoever puts a question back into the queue holds its answer and its reason back; taken back, they are told."""
    await ask("Recorded?", "q1")
    await ask("Where?", "q2", "u2")
    await desk.answer("ann", "q1", "Yes.")
    await desk.dismiss("ann", ["q2"], "off topic", shown=True)
    await desk.reopen("bo", ["q1"])
    await desk.approve("bo", ["q2"])
    assert await store.due(CLOCK + UNDO_WITHIN) == []
    for _ in range(2):
        await desk.undo("bo", "talk")
    assert [one.key[:10] for one in await store.due(CLOCK + UNDO_WITHIN)] == ["answer:q1:", "reason:q2:"]


async def test_what_the_course_said_is_not_said_twice(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Where it stands again, only those hear it who heard somebody else's answer since."""
    await ask("Is there a recording?", "q1", "u1", SENT)
    await desk.reopen("ann", ["q1"])
    await desk.undo("ann", "talk")
    await desk.answer("ann", "q1", "Yes, by me.")
    await desk.undo("ann", "talk")
    assert await store.due(CLOCK + UNDO_WITHIN) == []
    await desk.answer("ann", "q1", "Yes, by me.")
    await hear(store)
    await desk.undo("ann", "talk")
    (said,) = await store.due(CLOCK + UNDO_WITHIN)
    assert SENT.text in said.text


async def test_what_a_person_accepted_is_told_where_it_stands_again(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """The words are the course's, but nobody else told them."""
    await ask("Is there a recording?", "q1", "u1", replace(SENT, state="suggested"))
    await desk.accept("ann", "q1")
    await desk.reopen("bo", ["q1"])
    await desk.undo("bo", "talk")
    (said,) = await store.due(CLOCK + UNDO_WITHIN)
    assert SENT.text in said.text


async def test_a_merge_that_is_done_again_is_told(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Whoever would have heard of the first one, which was taken back, hears the answer of the second."""
    await ask("Recorded?", "q1")
    await ask("What does it cost?", "q2", "u2")
    await desk.answer("ann", "q2", "Nothing.")
    await hear(store)
    for _ in range(2):
        merged = await desk.merge("ann", ["q1"], "q2")
        assert [one.address.chat for one in await store.due(CLOCK + UNDO_WITHIN)] == ["u1"]
        await desk.undo("ann", "talk", merged.id)
        assert await store.due(CLOCK + UNDO_WITHIN) == []


async def test_one_question_is_on_stage_at_a_time(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Staging a question puts the one before it back into the queue."""
    await some_questions(ask)
    await desk.stage("ann", "q1")
    await desk.stage("ann", "q2")
    assert {id: q.status for id, q in (await states(store)).items()} == {"q1": Status.QUEUED, "q2": Status.ON_STAGE}


LEAVING: dict[str, Callable[[Desk], Awaitable[Action]]] = {
    "answer": lambda desk: desk.answer("ann", "q1", "Yes."),
    "next": lambda desk: desk.next("ann", "q1", "Yes."),
    "dismiss": lambda desk: desk.dismiss("ann", ["q1"]),
    "merge": lambda desk: desk.merge("ann", ["q1"], "q3"),
    "unstage": lambda desk: desk.unstage("ann", "q1"),
}


@pytest.mark.parametrize("act", LEAVING)
async def test_undo_leaves_alone_what_is_on_stage_by_now(store: SqliteStore, desk: Desk, ask: Ask, act: str) -> None:
    """What left the stage goes into the queue where another question stands there by now, or else back on stage."""
    await some_questions(ask)
    await ask("Who speaks next?", "q3", "u5")
    await desk.stage("ann", "q1")
    left = await LEAVING[act](desk)
    await desk.undo("ann", "talk", left.id)
    assert (await states(store))["q1"].status is Status.ON_STAGE
    left = await LEAVING[act](desk)
    await desk.stage("bo", "q2")
    await desk.undo("ann", "talk", left.id)
    found = await states(store)
    assert (found["q1"].status, found["q2"].status) == (Status.QUEUED, Status.ON_STAGE)


async def test_a_merge_counts_people_once_and_brings_the_answer(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Somebody who asked or voted for both groups counts once, and the loser's askers hear the winner's answer."""
    await some_questions(ask)
    await ask("cost?", "q2", "u1")
    await desk.vote("talk", "q1", Person("telegram", "u3"))
    await desk.vote("talk", "q2", Person("telegram", "u3"))
    await desk.answer("ann", "q2", "Nothing.")
    await desk.merge("ann", ["q1"], "q2")
    winner = (await queue(store))["q2"]
    assert (winner.people, winner.askers, winner.messages) == (3, 3, 4)
    assert {d.address.chat for d in await store.deliveries("talk")} == {"u1", "u2", "u3"}


@pytest.mark.parametrize("into", ["q1", "q2"])
async def test_a_merge_loses_no_answer_whichever_way_it_goes(
    store: SqliteStore, desk: Desk, ask: Ask, into: str
) -> None:
    """What is answered stays and takes the open one in, whose askers hear the answer; undo holds that back."""
    await some_questions(ask)
    await desk.answer("ann", "q1", "On the page.")
    await hear(store)
    await desk.merge("ann", ["q1", "q2"], into)
    found = await states(store)
    assert (found["q1"].status, found["q2"].merged_into) == (Status.ANSWERED, "q1")
    (said,) = await store.due(CLOCK + UNDO_WITHIN)
    assert (said.address.chat, "On the page." in said.text) == ("u3", True)
    assert (await queue(store))["q1"].waiting == 0
    await desk.undo("ann", "talk")
    found = await states(store)
    assert (found["q1"].status, found["q2"].status) == (Status.ANSWERED, Status.NEW)
    assert await store.due(CLOCK + UNDO_WITHIN) == []


async def test_what_only_the_course_answered_takes_no_other_in(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Merged into an open question it leaves that open, and nobody there is told what no person accepted."""
    await some_questions(ask)
    await ask("Recorded?", "q3", "u4", SENT)
    await desk.merge("ann", ["q3"], "q1")
    found = await states(store)
    assert (found["q1"].status, found["q3"].merged_into) == (Status.NEW, "q1")
    assert await store.due(CLOCK + UNDO_WITHIN) == []


async def test_what_is_on_stage_is_not_merged_away(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Somebody is just answering it: what is answered is not merged with it before it is off the stage."""
    await some_questions(ask)
    await desk.answer("ann", "q1", "On the page.")
    await desk.stage("ann", "q2")
    with pytest.raises(NotAllowed):
        await desk.merge("ann", ["q1"], "q2")
    assert (await states(store))["q2"].status is Status.ON_STAGE


async def test_of_several_answers_a_merge_keeps_the_newest(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Into an open question go two that are answered: the later word holds, and whoever heard the other is told it."""
    await some_questions(ask)
    await ask("Recording, where?", "q3", "u4")
    await desk.answer("ann", "q1", "Tomorrow.")
    await hear(store)
    later = Desk(store, lambda _: None, lambda: CLOCK + 60)
    await later.answer("bo", "q3", "On the page.")
    await later.merge("ann", ["q1", "q3"], "q2")
    assert {id: q.merged_into for id, q in (await states(store)).items()} == {"q1": "q3", "q2": "q3", "q3": ""}
    said = await store.due(CLOCK + 60 + UNDO_WITHIN)
    assert {one.address.chat for one in said if "On the page." in one.text} == {"u1", "u2", "u3", "u4"}


async def test_a_vote_for_a_merged_question_counts_where_it_went(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """A button pressed on an old message votes for the question that stands."""
    await some_questions(ask)
    await desk.merge("ann", ["q1"], "q2")
    assert (await desk.vote("talk", "q1", Person("telegram", "u9"))).people == 4
    assert (await desk.vote("talk", "q1", Person("telegram", "u9"), on=False)).people == 3


async def test_merges_of_merges_stay_flat(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """After a into b and b into c, both point at c, and undoing the second points a at b again."""
    await some_questions(ask)
    await ask("third", "q3", "u5")
    await desk.merge("ann", ["q1"], "q2")
    await desk.merge("ann", ["q2"], "q3")
    assert {id: q.merged_into for id, q in (await states(store)).items()} == {"q1": "q3", "q2": "q3", "q3": ""}
    await desk.undo("ann", "talk")
    assert {id: q.merged_into for id, q in (await states(store)).items()} == {"q1": "q2", "q2": "", "q3": ""}


async def test_undo_walks_back_and_refuses_what_was_built_upon(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Undo without a number takes the newest act that stands; an older one on the same question is a conflict."""
    await some_questions(ask)
    first = await desk.edit("ann", "q1", "One")
    await desk.edit("ann", "q1", "Two")
    with pytest.raises(Conflict):
        await desk.undo("ann", "talk", first.id)
    await desk.undo("ann", "talk")
    assert (await states(store))["q1"].title == "One"
    await desk.undo("ann", "talk")
    assert (await states(store))["q1"].title == "Is there a recording?"
    with pytest.raises(NotFound):
        await desk.undo("ann", "talk")


SENT = CourseMatch("faq#recording", 0.95, "sent", "Tomorrow at noon.")


async def test_an_asker_can_contradict_the_course(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """ "This does not answer it" puts the question into the queue and the source is not used for it again."""
    one = await ask("Is there a recording of last week?", "q1", "u1", SENT)
    question = await desk.not_answered("talk", "q1", one.person)
    assert (question.status, question.state.answer) == (Status.NEW, None)
    assert question.state.rejected == ("faq#recording",)
    assert (await desk.not_answered("talk", "q1", one.person)).state == question.state


async def test_only_an_asker_can_contradict_the_course(desk: Desk, ask: Ask) -> None:
    """Somebody who did not ask cannot reopen what others are content with."""
    await ask("Is there a recording?", "q1", "u1", SENT)
    for stranger in (Person("telegram", "u9"), Person("web", "u1")):
        with pytest.raises(NotAllowed):
            await desk.not_answered("talk", "q1", stranger)


async def test_a_persons_answer_is_not_reopened_by_an_asker(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """After an expert answered, pressing the old button changes nothing about that answer."""
    one = await ask("Is there a recording?", "q1", "u1", SENT)
    await desk.answer("ann", "q1", "Yes, by me.")
    assert (await desk.not_answered("talk", "q1", one.person)).status is Status.ANSWERED


async def test_what_a_moderator_reopens_is_not_answered_so_again(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Put back into the queue, the course's answer is refused for this question: all who were sent it wait, it is not
    suggested any more, and undo restores it."""
    await ask("replay?", "q1", "u1", SENT)
    await ask("Recording?", "q1", "u2", replace(SENT, state="suggested"))
    assert (await store.question("q1")).waiting == 0
    await desk.reopen("ann", ["q1"])
    question = await store.question("q1")
    assert (question.status, question.state.answer, question.waiting) == (Status.QUEUED, None, 2)
    assert question.suggested_answer is None
    await desk.undo("ann", "talk")
    assert ((question := await store.question("q1")).status, question.state.rejected) == (Status.ANSWERED, ())


async def test_accepting_sends_the_courses_suggestion(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """One click answers everyone with the entry that was suggested, and it counts as the course's answer."""
    await ask("replay?", "q1", "u1", replace(SENT, state="suggested"))
    await desk.accept("ann", "q1")
    answer = (await states(store))["q1"].answer
    assert answer
    assert (answer.by, answer.text, answer.sources) == ("course", "Tomorrow at noon.", ("faq#recording",))
    assert len(await store.deliveries("talk")) == 1


async def told_by_course(store: SqliteStore, message: Message, question: str, state: str = "sent") -> None:
    """The pipeline says what it found to who asked."""
    (talk,) = await store.sessions()
    said = course_answer(talk, question, message, SENT, "")
    assert said
    await store.deliver([said])
    await store.settle(replace(said, state=state))


async def answered(store: SqliteStore) -> list[str]:
    """The chats to which an answer goes, or went, but for what the course says by itself."""
    return [one.address.chat for one in await store.deliveries("talk") if one.key.startswith("answer:")]


async def test_what_the_course_told_somebody_is_not_told_again(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Not by a merge of two questions that it answered alike, and by accepting it only to those who had not heard it;
    who was told something else since, or whom it did not reach, hears it."""
    await told_by_course(store, await ask("Is there a recording?", "q1", "u1", SENT), "q1")
    await told_by_course(store, await ask("replay?", "q2", "u2", SENT), "q2")
    await desk.merge("ann", ["q2"], "q1")
    assert await answered(store) == []
    await ask("Recorded?", "q3", "u3", replace(SENT, state="suggested"))
    await told_by_course(store, await ask("Where is the film?", "q3", "u4", SENT), "q3")
    await told_by_course(store, await ask("film, where?", "q3", "u7", SENT), "q3", "failed")
    await desk.accept("ann", "q3")
    assert await answered(store) == ["u3", "u7"]
    await hear(store)
    await told_by_course(store, await ask("Any film?", "q4", "u5", SENT), "q4")
    await desk.answer("ann", "q4", "No.")
    await hear(store)
    await ask("Film, please", "q4", "u6", replace(SENT, state="suggested"))
    await desk.reopen("ann", ["q4"])
    await desk.accept("ann", "q4")
    assert [one.address.chat for one in await store.due(CLOCK + UNDO_WITHIN)] == ["u5", "u6"]


@pytest.mark.parametrize("act", ["merge", "move"])
async def test_whoever_called_it_no_answer_is_not_told_it(store: SqliteStore, desk: Desk, ask: Ask, act: str) -> None:
    """When their question becomes part of one that the course answered with just that, they do not hear it again, and
    who asked it with them and had heard nothing does; what a person answered they hear."""
    await told_by_course(store, await ask("Is there a recording?", "q1", "u1", SENT), "q1")
    await told_by_course(store, one := await ask("Is there one of last week?", "q2", "u2", SENT), "q2")
    two = await ask("and of last week?", "q2", "u3")
    await told_by_course(store, await ask("of which week?", "q2", "u4", SENT), "q2")
    await desk.not_answered("talk", "q2", one.person)
    if act == "merge":
        await desk.merge("ann", ["q2"], "q1")
    else:
        await desk.move("ann", [one.id, two.id], "q2", "q1")
    assert await answered(store) == ["u3"]
    await desk.answer("ann", "q1", "Yes, of both.")
    assert {*await answered(store)} >= {"u1", "u2"}


async def test_what_is_merged_or_split_off_keeps_what_misses_it(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """A source that an asker called no answer is suggested neither for the question that theirs became part of, nor for
    what is split off from it, and who was sent it waits."""
    await ask("Recordings?", "q1", "u1", replace(SENT, state="suggested"))
    one = await ask("Is there one of last week?", "q2", "u2", SENT)
    two = await ask("and of last week?", "q2", "u3", replace(SENT, state="suggested"))
    await desk.not_answered("talk", "q2", one.person)
    await desk.merge("ann", ["q2"], "q1")
    found = await store.question("q1")
    assert (found.suggested_answer, found.waiting, found.state.rejected) == (None, 3, ())
    await ask("Any film?", "q3", "u4", replace(SENT, state="suggested"))
    await desk.move("ann", [one.id], "q1", "q3")
    moved = await store.question("q3")
    assert (moved.suggested_answer, moved.waiting) == (None, 2)
    await desk.split("ann", "q1", [two.id])
    (new,) = [q for q in await store.questions("talk") if q.id not in {"q1", "q2", "q3"}]
    assert (new.suggested_answer, new.state.rejected) == (None, (SENT.source,))


async def test_what_is_split_off_has_a_title_like_any_other(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """A story of thousands of characters is cut and stands in one line; where whoever asked was forgotten, it is called
    what it came from."""
    await ask("Recordings?", "q1", "u1")
    story = await ask("Is there a recording?\n" + "I was at work and " * 400, "q1", "u2")
    gone = await ask("And of mine?", "q1", "u3")
    await store.forget(Person("telegram", "u3"), None, 500.0)
    ids = set(await states(store))
    await desk.split("ann", "q1", [story.id])
    await desk.split("ann", "q1", [gone.id])
    one, other = sorted((q.title for id, q in (await states(store)).items() if id not in ids), key=len)
    assert one == "Recordings?"
    assert other == " ".join(story.text.split())[:500]


async def test_whose_answer_misses_is_told_by_chat_and_id(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """Two chats may know two people by one id: only what the one was sent is used no more."""
    await ask("Recordings?", "q1", "7", replace(SENT, source="faq#one"))
    await ask("Is it taped?", "q1", "7", replace(SENT, source="faq#two"), source="qq")
    await desk.answer("ann", "q1", "Yes.")
    after = await desk.not_answered("talk", "q1", Person("qq", "7"))
    assert after.state.rejected == ("faq#two",)


async def test_top_and_mine_follow_the_queue(store: SqliteStore, desk: Desk, ask: Ask) -> None:
    """The top is ordered by demand without what is done; one's own questions show where they went."""
    await some_questions(ask)
    assert [q.id for q in await desk.top("talk")] == ["q1", "q2"]
    await desk.merge("ann", ["q2"], "q1")
    ((mine, went),) = await desk.mine("talk", Person("telegram", "u3"))
    assert mine.text == "What does it cost?"
    assert went
    assert went.id == "q1"
    await desk.dismiss("ann", ["q1"], "later")
    assert await desk.top("talk") == []


BAD: dict[str, tuple[type[FloormicError], Callable[[Desk], Awaitable[object]]]] = {
    "an unknown question": (NotFound, lambda desk: desk.approve("ann", ["nope"])),
    "no question": (BadInput, lambda desk: desk.approve("ann", [])),
    "an empty title": (BadInput, lambda desk: desk.edit("ann", "q1", "  ")),
    "a title of a novel": (BadInput, lambda desk: desk.edit("ann", "q1", "x" * 501)),
    "an empty answer": (BadInput, lambda desk: desk.answer("ann", "q1", "")),
    "merging a question with itself": (BadInput, lambda desk: desk.merge("ann", ["q1"], "q1")),
    "splitting all of it": (BadInput, lambda desk: desk.split("ann", "q1", [1, 2])),
    "splitting none of it": (BadInput, lambda desk: desk.split("ann", "q1", [])),
    "moving nothing": (BadInput, lambda desk: desk.move("ann", [], "q1", "q2")),
    "moving to where it is": (NotAllowed, lambda desk: desk.move("ann", [1], "q1", "q1")),
    "moving all of it": (NotAllowed, lambda desk: desk.move("ann", [1, 2], "q1", "q2")),
    "a name of a novel": (BadInput, lambda desk: desk.assign("ann", ["q1"], "x" * 61)),
    "assigning to who has it": (Conflict, lambda desk: desk.assign("ann", ["q1"], "")),
    "a reason of a novel": (BadInput, lambda desk: desk.dismiss("ann", ["q1"], "x" * 501)),
    "no label": (BadInput, lambda desk: desk.relabel("ann", ["q1"], ["  "])),
    "a hundred labels": (BadInput, lambda desk: desk.relabel("ann", ["q1"], [str(n) for n in range(100)])),
    "taking off what it does not carry": (Conflict, lambda desk: desk.relabel("ann", ["q1"], remove=["x"])),
    "pinning what is not pinned off": (Conflict, lambda desk: desk.pin("ann", "q1", on=False)),
    "moving what is not there": (NotFound, lambda desk: desk.move("ann", [3], "q1", "q2")),
    "moving the only wording": (NotAllowed, lambda desk: desk.move("ann", [3], "q2", "q1")),
    "accepting nothing": (NotAllowed, lambda desk: desk.accept("ann", "q1")),
    "an unknown session": (NotFound, lambda desk: desk.top("nope")),
    "a vote in another session": (NotFound, lambda desk: desk.vote("nope", "q1", Person("web", "u"))),
    "undoing what never was": (NotFound, lambda desk: desk.undo("ann", "talk", 99)),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_done_says_so_and_changes_nothing(
    store: SqliteStore, desk: Desk, ask: Ask, case: str
) -> None:
    """A mistaken act raises its error and leaves the queue and the ledger as they were."""
    await some_questions(ask)
    before = await queue(store)
    error, act = BAD[case]
    with pytest.raises(error):
        await act(desk)
    assert await queue(store) == before
    assert await store.actions("talk") == []


async def test_answered_and_next_is_one_act(desk: Desk, ask: Ask, store: SqliteStore) -> None:
    """What is on stage is answered and the next one comes, in one row of the ledger; one undo takes both back."""
    await ask("Is it recorded?", "q1")
    await ask("Slides?", "q2")
    await desk.stage("ann", "q1")
    action = await desk.next("ann", "q1", "Answered aloud.", "q2")
    found = await states(store)
    assert (found["q1"].status, found["q2"].status) == (Status.ANSWERED, Status.ON_STAGE)
    assert found["q1"].answer == Answer("Answered aloud.", "ann", CLOCK)
    await desk.undo("ann", "talk", action.id)
    found = await states(store)
    assert (found["q1"].status, found["q1"].answer, found["q2"].status) == (Status.ON_STAGE, None, Status.NEW)


async def test_a_second_press_of_next_answers_nothing_else(desk: Desk, ask: Ask, store: SqliteStore) -> None:
    """A press that comes late or twice names a question that is not on stage any more: nothing changes."""
    for n in (1, 2, 3):
        await ask(f"Question {n}?", f"q{n}")
    await desk.stage("ann", "q1")
    await desk.next("ann", "q1", "Answered aloud.", "q2")
    before = await states(store)
    with pytest.raises(Conflict):
        await desk.next("ann", "q1", "Answered aloud.", "q3")
    with pytest.raises(Conflict):
        await desk.next("ann", "q2", "Answered aloud.", "q2")
    assert await states(store) == before


async def twice_answered(desk: Desk) -> None:
    for text in ("Yes.", "No."):
        await desk.answer("ann", "q1", text)


async def nothing(_: Desk) -> None:
    pass


WORDED: dict[str, tuple[Callable[[Desk], Awaitable[object]], Callable[[Desk], Awaitable[Action]]]] = {
    "answer": (nothing, lambda desk: desk.answer("ann", "q1", "Yes.")),
    "next": (lambda desk: desk.stage("ann", "q1"), lambda desk: desk.next("ann", "q1", "Yes.")),
    "aloud": (nothing, lambda desk: desk.aloud("ann", {"q1": Answer("Yes.", "ann", CLOCK)})),
    "merge": (nothing, lambda desk: desk.merge("ann", ["q1"], "q2")),
    "dismiss": (nothing, lambda desk: desk.dismiss("ann", ["q1"], "off topic", shown=True)),
    "undo": (twice_answered, lambda desk: desk.undo("ann", "talk")),
}
"""What was done before, and an act that tells whoever asked."""


@pytest.mark.parametrize(("before", "act"), WORDED.values(), ids=WORDED)
async def test_who_asks_while_an_act_is_worded_is_told_too(
    desk: Desk,
    store: SqliteStore,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[Desk], Awaitable[object]],
    act: Callable[[Desk], Awaitable[Action]],
) -> None:
    """Their message is placed after the askers were read and before the act is written."""
    await ask("Is there a recording?", "q1")
    await ask("Which port?", "q2", "u2")
    await desk.answer("ann", "q2", "Yes.")
    await before(desk)
    read, late = store.asked, iter([True])

    async def asked(question: str) -> list[Asked]:
        found = await read(question)
        if question == "q1" and next(late, False):
            await ask("And a recording?", "q1", "u9")
        return found

    monkeypatch.setattr(store, "asked", asked)
    await act(desk)
    assert next(late, None) is None
    said = [one.text for one in await store.deliveries("talk") if one.address.chat == "u9"]
    assert len(said) == 1
    assert "And a recording?" in said[0]


async def still_told(store: SqliteStore) -> dict[str, str]:
    """What waits to be said, by chat."""
    return {one.address.chat: one.text for one in await store.deliveries("talk") if one.state == "waiting"}


@pytest.mark.parametrize("back", ["undone", "reopened"])
async def test_a_slip_that_was_taken_back_stays_so_when_a_merge_is_undone(
    desk: Desk, store: SqliteStore, ask: Ask, back: str
) -> None:
    """It waits under the same key as the answer that the merge held back."""
    await ask("Is there a recording?", "q1")
    await ask("Which port?", "q2", "u2")
    await desk.answer("ann", "q1", "A slip.")
    await (desk.undo("ann", "talk") if back == "undone" else desk.reopen("ann", ["q1"]))
    await desk.merge("ann", ["q1"], "q2")
    await desk.undo("ann", "talk")
    assert await still_told(store) == {}


async def test_who_comes_back_to_a_question_hears_what_stands_there(desk: Desk, store: SqliteStore, ask: Ask) -> None:
    """A wording is split off before its asker heard the answer, which is corrected then; the split undone, they hear
    the corrected one, once. Who left for good hears nothing of it, whatever is merged and taken apart later."""
    await ask("Is there a recording?", "q1")
    back, gone = await ask("Where are the slides?", "q1", "u2"), await ask("Who pays?", "q1", "u4")
    await ask("Which port?", "q2", "u3")
    await desk.answer("ann", "q1", "Old.")
    await desk.split("ann", "q1", [gone.id])
    split = await desk.split("ann", "q1", [back.id])
    await desk.answer("ann", "q1", "New.")
    assert set(await still_told(store)) == {"u1"}
    await desk.undo("ann", "talk", split.id)
    told = await still_told(store)
    assert set(told) == {"u1", "u2"}
    assert all("New." in text for text in told.values())
    await desk.answer("ann", "q2", "502.")
    await desk.merge("ann", ["q1"], "q2")
    assert all("502." in text for text in (await still_told(store)).values())
    await desk.undo("ann", "talk")
    told = await still_told(store)
    assert {chat: "New." in text for chat, text in told.items()} == {"u1": True, "u2": True, "u3": False}


async def test_who_asks_nothing_after_all_is_told_the_answer_where_that_is_undone(
    desk: Desk, store: SqliteStore, ask: Ask
) -> None:
    """And why the question was dismissed, where everybody may read it."""
    await ask("Is there a recording?", "q1")
    one = await ask("recording!!", "q1", "u2")
    for done in (desk.answer("ann", "q1", "Yes."), desk.dismiss("ann", ["q1"], "Said at the door.", shown=True)):
        await done
        assert set(await still_told(store)) == {"u1", "u2"}
        await desk.not_asking("ann", "q1", [one.id])
        assert set(await still_told(store)) == {"u1"}
        await desk.undo("ann", "talk")
        assert set(await still_told(store)) == {"u1", "u2"}
        await desk.reopen("ann", ["q1"])
        assert await still_told(store) == {}


async def test_merging_what_was_dismissed_can_be_undone(desk: Desk, store: SqliteStore, ask: Ask) -> None:
    """Its askers are those of a part of the whole."""
    await ask("Is there a recording?", "q1")
    await ask("Which port?", "q2", "u2")
    await desk.dismiss("ann", ["q1"], "off topic")
    await desk.merge("ann", ["q1"], "q2")
    await desk.undo("ann", "talk")
    assert (await states(store))["q1"].status is Status.DISMISSED


async def test_who_asks_what_nobody_asks_in_words_any_more_is_told_too(
    desk: Desk, store: SqliteStore, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who asked it were forgotten, and somebody asks it while it is answered."""
    await ask("Is there a recording?", "q1")
    await store.forget(Person("telegram", "u1"), None, CLOCK)
    read, late = store.asked, iter([True])

    async def asked(question: str) -> list[Asked]:
        found = await read(question)
        if next(late, False):
            await ask("And a recording?", "q1", "u9")
        return found

    monkeypatch.setattr(store, "asked", asked)
    await desk.answer("ann", "q1", "Yes.")
    assert set(await still_told(store)) == {"u9"}


@pytest.mark.parametrize("way", ["split", "move"])
async def test_who_is_forgotten_while_their_wording_goes_elsewhere_founds_and_says_nothing(
    desk: Desk, store: SqliteStore, ask: Ask, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Neither the new question nor the ledger nor what is told has their words."""
    await ask("Is there a recording?", "q1")
    hers = await ask("Where are the zucchini slides?", "q1", "u2")
    await ask("Which port?", "q2", "u3")
    await desk.answer("ann", "q2", "502.")
    read, first = store.asked, iter([True])

    async def asked(question: str) -> list[Asked]:
        found = await read(question)
        if next(first, False):
            await store.forget(Person("telegram", "u2"), None, CLOCK)
        return found

    monkeypatch.setattr(store, "asked", asked)
    await (desk.split("ann", "q1", [hers.id]) if way == "split" else desk.move("ann", [hers.id], "q1", "q2"))
    kept = [await states(store), await store.actions("talk"), await store.deliveries("talk")]
    assert "zucchini" not in repr(kept)


async def test_what_is_merged_and_tells_nobody_is_not_read_anew(
    desk: Desk, store: SqliteStore, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask it meanwhile: neither of the two is answered."""
    await ask("Is there a recording?", "q1")
    await ask("Will it be recorded?", "q2", "u2")
    apply, tried = store.apply, list[int]()

    async def applied(*arguments: Any) -> Action:
        tried.append(1)
        await ask("And a recording?", "q1", f"u{len(tried) + 2}")
        return await apply(*arguments)

    monkeypatch.setattr(store, "apply", applied)
    await desk.merge("ann", ["q1"], "q2")
    assert len(tried) == 1
