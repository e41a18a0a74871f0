"""What each mode would have done: by hand-made ledgers, and against what the pipeline then does in that mode."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Desk
from bot.effects import EXAMPLES, JUDGING, Effect, Effects, effects
from bot.model import (
    Action,
    Answer,
    Asked,
    Change,
    CourseMatch,
    Message,
    Mode,
    Placement,
    QuestionState,
    Session,
    Status,
)
from bot.storage.sqlite import SqliteStore, open_store
from tests.bot.test_pipeline import PRICE, PROTOCOL, RECORDING, Knowing, running, say
from tests.bot.values import TALK, asked, message, state

OFF, SUGGEST, AUTO = Mode.OFF, Mode.SUGGEST, Mode.AUTO
FAQ = CourseMatch("faq#1", 0.9, "suggested", "On the course page.", sure=True)
UNSURE = replace(FAQ, sure=False)


def judged(one: Asked, *states: QuestionState, ledger: Sequence[Action] = ()) -> Effects:
    return effects([one], {q.id: q for q in states}, ledger)


def counts(effect: Effect) -> tuple[int, int, int, int]:
    return effect.acts, effect.confirmed, effect.against, effect.unjudged


def same(now: str, placed: str = "q2", joins: bool = True) -> Asked:
    """Message 2, which the machine takes for q1; placed in one question and counted in another now."""
    return replace(asked(message(2), placed, same="q1", joins=joins), question=now)


WITH, AGAINST, UNJUDGED = (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1)


@pytest.mark.parametrize(
    ("one", "states", "expected"),
    [
        (same("q1", placed="q1"), [state("q1")], UNJUDGED),
        (replace(same("q1", placed="q1"), confirmed=True), [state("q1")], WITH),
        (same("q2"), [state("q1"), state("q2")], UNJUDGED),
        (same("q1"), [state("q1"), state("q2", Status.MERGED, merged_into="q1")], WITH),
        (same("q3"), [state("q3"), *(state(q, Status.MERGED, merged_into="q3") for q in ("q1", "q2"))], WITH),
        (same("q1"), [state("q1"), state("q2")], WITH),
        (same("q2"), [state("q1"), state("q2", apart=("q1",))], AGAINST),
        (same("q2"), [state("q1", apart=("q2",)), state("q2")], AGAINST),
        (same("q3", placed="q1"), [state("q1"), state("q3")], AGAINST),
        (same("q3"), [state("q1"), state("q2", Status.MERGED, merged_into="q3"), state("q3")], AGAINST),
        (same("q3"), [state("q1"), state("q2"), state("q3")], AGAINST),
        (same("q2"), [state("q1"), state("q2", Status.DISMISSED)], UNJUDGED),
        (same("", placed="q1"), [state("q1")], AGAINST),
    ],
    ids=["joined", "confirmed", "alone", "accepted", "both_merged", "moved_there", "apart", "apart_other", "split",
         "elsewhere", "moved_away", "dismissed", "asks_nothing"],
)  # fmt: skip
def test_a_grouping_is_judged_by_what_people_did(one: Asked, states: list[QuestionState], expected: Any) -> None:
    """Merged or moved together or confirmed by a person: with. Kept apart, split, moved or merged elsewhere, or taken
    out because it asks nothing: against. Else nobody judged it, also where it was joined and left."""
    found = judged(one, *states).grouping
    assert [counts(found[mode]) for mode in (OFF, SUGGEST, AUTO)] == [(0, 0, 0, 0), expected, expected]
    unsure = judged(replace(one, placement=replace(one.placement, joins=False)), *states).grouping
    assert counts(unsure[AUTO]) == (0, 0, 0, 0)
    assert unsure[AUTO].proposes == 1


def test_what_a_person_took_out_is_among_the_askings_and_its_answer_is_wrong() -> None:
    """It was taken for one; the example names the question that it was put in, or what that was merged into."""
    out = replace(asked(message(2), "q1", answer=FAQ), question="")
    merged = {q.id: q for q in (state("q1", Status.MERGED, merged_into="q3"), state("q3"))}
    found = effects([out], merged, ())
    assert (found.askings, counts(found.answers[AUTO])) == (1, (1, 0, 1, 0))
    assert [one.question for one in found.answers[AUTO].examples] == ["q3"]


def test_what_went_with_its_question_counts_and_what_a_person_alone_took_for_one_does_not() -> None:
    """The example has its own words then, and no question to open."""
    out = replace(asked(message(2, "The sound is back"), "q1", answer=FAQ), question="")
    found = effects([out], {}, ())
    assert (found.askings, counts(found.answers[AUTO])) == (1, (1, 0, 1, 0))
    assert [(one.question, one.title) for one in found.answers[AUTO].examples] == [("", "The sound is back")]
    taken = replace(out, message=replace(out.message, explicit=True, taken=True))
    assert effects([taken], {}, ()).askings == 0


def test_two_that_a_person_merged_stay_with_the_question_that_the_machine_holds_them_for() -> None:
    """q2 merged into q3 while the machine takes both for q1: that says nothing against q1."""
    third = asked(message(3), "q3", same="q1", joins=True)
    merged = {q.id: q for q in (state("q1"), state("q2", Status.MERGED, merged_into="q3"), state("q3"))}
    found = effects([same("q3"), third], merged, ())
    assert counts(found.grouping[AUTO]) == (2, 0, 0, 2)


def act(what: str, before: QuestionState, after: QuestionState, at: float = 200.0, undone: bool = False) -> Action:
    return Action(1, Change("talk", at, "Ann", what, ((before, after),)), undone)


def answered(by: str = "Ann", text: str = "No.", sources: tuple[str, ...] = (), at: float = 200.0) -> QuestionState:
    return state("q1", Status.ANSWERED, answer=Answer(text, by, at, sources))


COURSES = answered("course", FAQ.text, ("faq#1",))
OTHERS = answered("course", "See page 3.", ("faq#2",))


@pytest.mark.parametrize(
    ("now", "ledger", "expected"),
    [
        (state(), [], UNJUDGED),
        (COURSES, [], UNJUDGED),
        (COURSES, [act("accept", state(), COURSES)], WITH),
        (COURSES, [act("accept", state(), COURSES, undone=True)], UNJUDGED),
        (COURSES, [act("accept", state(), COURSES, at=101.0)], UNJUDGED),
        (OTHERS, [act("accept", state(), OTHERS)], AGAINST),
        (answered(), [], AGAINST),
        (answered(at=100.0), [], UNJUDGED),
        (answered(text="On the  course page."), [], WITH),
        (answered(text="On the course page, from Monday.", sources=("faq#1",)), [], WITH),
        (state("q1", rejected=("faq#1",)), [], AGAINST),
        (state("q1", rejected=("faq#2",)), [], UNJUDGED),
        (state("q1", Status.QUEUED), [act("reopen", COURSES, state("q1", Status.QUEUED))], AGAINST),
        (COURSES, [act("reopen", COURSES, state()), act("accept", state(), COURSES, at=201.0)], WITH),
        (state("q1", Status.DISMISSED), [], UNJUDGED),
    ],
    ids=["waits", "sent", "accepted", "accept_undone", "asked_later", "another_part", "own_words", "answered_before",
         "same_words", "edited", "rejected", "other_rejected", "reopened", "reopened_and_accepted", "dismissed"],
)  # fmt: skip
def test_an_answer_is_judged_by_what_people_did(now: QuestionState, ledger: list[Action], expected: Any) -> None:
    """Accepted, edited or given in the same words: with. Answered otherwise, rejected by an asker or reopened: against.
    Sent and left alone, or dismissed: nobody judged it."""
    one = asked(message(2), answer=FAQ)
    found = judged(one, now, ledger=ledger).answers
    assert [counts(found[mode]) for mode in (OFF, SUGGEST, AUTO)] == [(0, 0, 0, 0), expected, expected]
    unsure = judged(replace(one, placement=replace(one.placement, answer=UNSURE)), now, ledger=ledger).answers
    assert [counts(unsure[mode]) for mode in (SUGGEST, AUTO)] == [expected, (0, 0, 0, 0)]
    assert unsure[AUTO].proposes == 1


def test_an_earlier_answer_is_judged_like_the_courses_and_only_where_that_was_silent() -> None:
    """Taken by a moderator: with. Answered otherwise: against. What the course answered by itself is not memory's."""
    told = CourseMatch("earlier:one#q9", 0.9, "suggested", "From noon.", sure=True, where="Evening one, 2026-03-03")
    one = asked(message(2), memory=told, answer=replace(UNSURE, state="suggested"))
    taken = answered("course", told.text, (told.source, told.where))
    for now, ledger, expected in (
        (state(), [], UNJUDGED),
        (taken, [act("recall", state(), taken)], WITH),
        (answered(), [], AGAINST),
        (state("q1", rejected=(told.source,)), [], AGAINST),
    ):
        found = judged(one, now, ledger=ledger).memory
        assert [counts(found[mode]) for mode in (OFF, SUGGEST, AUTO)] == [(0, 0, 0, 0), expected, expected]
    sent = replace(one, placement=replace(one.placement, answer=replace(FAQ, state="sent")))
    assert counts(judged(sent, state()).memory[AUTO]) == (0, 0, 0, 0)


def test_examples_are_the_newest_that_people_disagreed_with() -> None:
    """At most five, each with what it would have said and the question it counts for now."""
    askings = [asked(message(n, f"Recording {n}?"), answer=FAQ) for n in range(1, 10)]
    found = effects(askings, {"q1": answered()}, ()).answers[AUTO]
    assert [e.text for e in found.examples] == [f"Recording {n}?" for n in (9, 8, 7, 6, 5)]
    assert len(found.examples) == EXAMPLES
    assert (found.examples[0].question, found.examples[0].key, found.examples[0].what) == ("q1", "faq#1", FAQ.text)


def test_acknowledgements_count_lines_and_chats() -> None:
    """One line for a question in a chat, however many ask there; what cannot be reached counts for nothing."""
    said = [(1, "q1", "a"), (2, "q1", "a"), (3, "q1", "b"), (4, "q4", "b")]
    askings = [asked(message(n, chat=chat), q, acknowledges=True) for n, q, chat in said]
    askings += [asked(message(5), "q5"), asked(replace(message(6), address=None), "q6", acknowledges=True)]
    found = effects(askings, {q: state(q) for q in ("q1", "q4", "q5", "q6")}, ()).acknowledgements
    assert (found[AUTO].acts, found[AUTO].chats) == (3, 2)
    assert found[OFF] == Effect()
    assert SUGGEST not in found


def test_of_nothing_there_is_nothing_to_say() -> None:
    """No askings: every count is 0."""
    found = effects([], {}, ())
    assert found.askings == 0
    assert {counts(e) for by in (found.grouping, found.answers, found.acknowledgements) for e in by.values()} == {
        (0, 0, 0, 0)
    }


# -- against what is really done ------------------------------------------------------------------------------------

COURSE: dict[str, Any] = {"answering": Knowing(gateway="answer", recording="suggest")}


def chat(count: int = 120) -> list[Message]:
    """Three questions that come back among others, in three chats."""
    choose = random.Random(3)
    texts = [(choose.choice([RECORDING, PRICE, PROTOCOL, "666", f"And machine {n}?"])) for n in range(1, count + 1)]
    return [message(n, text, f"u{n % 17}", chat=f"c{n % 3}") for n, text in enumerate(texts, 1)]


async def predicted(store: SqliteStore) -> Effects:
    states = {q.id: q.state for q in await store.questions("talk")}
    return effects(await store.askings("talk", 10_000), states, await store.actions("talk", what=JUDGING))


async def really(store: SqliteStore) -> dict[str, int]:
    """What was done by itself."""
    placed = [p for _, p in await store.placements("talk") if p and p.asking]
    said = [d.key.split(":")[0] for d in await store.deliveries("talk")]
    return {
        "askings": len(placed),
        "grouped": sum(p.question != f"q{p.message}" for p in placed),
        "answered": said.count("course"),
        "lines": said.count("ack"),
    }


def decided(placement: Placement) -> tuple[Any, ...]:
    """What must not depend on the modes."""
    answer = placement.answer
    return placement.asking, placement.same, placement.joins, answer and (answer.source, answer.score, answer.sure)


async def played(folder: Path, session: Session, messages: Sequence[Message], restarts: int = 0) -> SqliteStore:
    store = await open_store(folder / f"{session.grouping}-{session.answers}-{session.acknowledgements}.sqlite3")
    await store.save_session(session)
    share = len(messages) // (restarts + 1) + 1
    for at in range(0, len(messages), share):
        async with running(store, session, **COURSE) as pipeline:
            await say(store, pipeline, *messages[at : at + share])
    return store


@pytest.mark.parametrize("restarts", [0, 2])
async def test_what_auto_would_have_done_is_what_auto_does(tmp_path: Path, restarts: int) -> None:
    """Whatever the modes were, and over restarts: the same decisions, and the predicted counts are the real ones."""
    store = await played(tmp_path, TALK, chat())
    real = await really(store)
    assert min(real.values()) > 3
    decisions = [decided(p) for _, p in await store.placements("talk") if p]
    await store.close()
    for modes in ({"grouping": OFF}, {"grouping": SUGGEST}, {"answers": OFF}, {"answers": SUGGEST},
                  {"acknowledgements": OFF}, {"grouping": OFF, "answers": OFF, "acknowledgements": OFF}):  # fmt: skip
        other = await played(tmp_path, replace(TALK, **modes), chat(), restarts)
        found = await predicted(other)
        assert [decided(p) for _, p in await other.placements("talk") if p] == decisions
        await other.close()
        assert found.askings == real["askings"]
        assert found.grouping[AUTO].acts == real["grouped"]
        assert found.answers[AUTO].acts == real["answered"]
        if modes == {"acknowledgements": OFF}:
            assert found.acknowledgements[AUTO].acts == real["lines"]


async def test_what_suggest_would_have_done_is_what_suggest_proposes(tmp_path: Path) -> None:
    """From an evening in auto: as many proposals as a moderator then gets."""
    first, second = {"grouping": SUGGEST}, {"answers": SUGGEST}
    store = await played(tmp_path, TALK, chat())
    found = await predicted(store)
    await store.close()
    grouped = await played(tmp_path, replace(TALK, **first), chat())
    answered = await played(tmp_path, replace(TALK, **second), chat())
    assert found.grouping[SUGGEST].acts == sum(bool(p and p.suggested) for _, p in await grouped.placements("talk"))
    shown = [p.answer for _, p in await answered.placements("talk") if p and p.answer]
    assert found.answers[SUGGEST].acts == len(shown)
    assert {match.state for match in shown} == {"suggested"}
    await grouped.close()
    await answered.close()


async def test_a_proposal_that_was_refused_keeps_later_wordings_away(store: SqliteStore) -> None:
    """With grouping on suggest the machine follows people as in auto: kept apart, a question gathers its own."""
    session = replace(TALK, grouping=SUGGEST)
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, session) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, RECORDING + " Please?", "u2"))
        await desk.apart("ann", ["q2"], "q1")
        *_, again = await say(store, pipeline, message(3, RECORDING + " Please?", "u3"))
        assert (again.same, again.joins) == ("q2", True)
    async with running(store, session) as pipeline:
        *_, again = await say(store, pipeline, message(4, RECORDING + " Please?", "u4"))
        assert again.same == "q2"
        await desk.merge("ann", ["q2"], "q1")
        *_, again = await say(store, pipeline, message(5, RECORDING + " Please?", "u5"))
        assert again.same == "q1"
    found = await predicted(store)
    assert (found.grouping[SUGGEST].confirmed, found.grouping[SUGGEST].against) == (1, 0)
