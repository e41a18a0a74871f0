"""What people answered on one evening of a series answers the next."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app.minds import Minds
from bot.app.series import WORDINGS, earlier_answers
from bot.desk import Desk
from bot.errors import NotAllowed
from bot.given import ALOUD
from bot.model import CourseMatch, Mode, Person, Placement, Session
from bot.pipeline import Pipeline
from bot.storage.sqlite import SqliteStore
from knowledge.calibration import FILE, write_calibration
from knowledge.course import read_course
from tests.bot.values import message
from tests.fakes import TopicEncoder, calibrated

RECORDING = "Is there a recording of this talk?"
AGAIN = "Will this talk have a recording?"
PRICE = "What does a gateway cost us?"
START = datetime(2026, 3, 3, 19, 30).astimezone().timestamp()
FIRST = Session("one", "Evening one", "autumn", starts_at=START, language="en")
SECOND = Session("two", "Evening two", "autumn", starts_at=START + 7 * 86_400, language="en")
TOLD = "From noon tomorrow, on the page of the course."
SOURCE = "earlier:one#q1"
WHERE = "Evening one, 2026-03-03"


@pytest.fixture
def minds(tmp_path: Path) -> Iterator[Minds]:
    """With an encoder for which answers are calibrated."""
    encoder = TopicEncoder("recording", "gateway", "slides")
    write_calibration(calibrated(encoder), tmp_path / FILE)
    with closing(Minds(encoder=encoder, calibrations=tmp_path)) as made:
        yield made


@pytest.fixture
async def hall(store: SqliteStore, minds: Minds) -> "Evenings":
    return Evenings(store, minds)


class Evenings:
    """Sessions of one store that take place one after another."""

    def __init__(self, store: SqliteStore, minds: Minds) -> None:
        self.store = store
        self.minds = minds
        self.desk = Desk(store, lambda _: None, lambda: START + 1000.0)
        self._said = 0

    async def ask(self, session: Session, *texts: str, chosen: Pipeline | None = None) -> list[Placement]:
        """Each text by another person; what was decided about these."""
        await self.store.save_session(session)
        pipeline = chosen or await self.pipeline(session)
        task = asyncio.ensure_future(pipeline.run())
        for text in texts:
            self._said += 1
            one = message(self._said, text, f"u{self._said}", session=session.id)
            await self.store.receive([replace(one, id=0)])
        pipeline.wake()
        await asyncio.wait_for(pipeline.drained(), 10)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        placed = [p for _, p in await self.store.placements(session.id) if p]
        return placed[-len(texts) :]

    async def pipeline(self, session: Session) -> Pipeline:
        await self.store.save_session(session)
        return await self.minds.pipeline(session, self.store, replying=frozenset({"telegram"}))

    async def match(self, session: Session, text: str = AGAIN, **more: Any) -> CourseMatch | None:
        (placed,) = await self.ask(session, text, **more)
        return placed.memory or placed.answer


async def test_the_next_evening_says_what_a_person_answered(hall: Evenings) -> None:
    """The same question is answered by itself, in that person's words, with the earlier evening and its date named."""
    await hall.ask(FIRST, RECORDING, PRICE)
    await hall.desk.answer("Ann", "q1", TOLD)
    found = await hall.match(SECOND)
    assert found
    assert (found.state, found.source, found.text) == ("sent", SOURCE, TOLD)
    (said,) = await hall.store.deliveries("two")
    assert said.text == f"{TOLD}\n\nSource: {WHERE} (an earlier answer, automatic reply)"
    assert [button.act for button in said.buttons] == ["not_answered"]


async def test_the_modes_hold_for_earlier_answers(hall: Evenings) -> None:
    """With `suggest` a moderator is offered the answer, with `off` nobody; what is not asked stays unanswered."""
    await hall.ask(FIRST, RECORDING)
    await hall.desk.answer("Ann", "q1", TOLD)
    offered = await hall.match(replace(SECOND, memory=Mode.SUGGEST, answers=Mode.OFF))
    assert offered
    assert (offered.state, offered.source, offered.where) == ("suggested", SOURCE, WHERE)
    (asked,) = await hall.store.questions("two")
    assert (asked.suggested_memory, asked.suggested_answer) == (offered, None)
    unseen = await hall.match(replace(SECOND, id="three", memory=Mode.OFF))
    assert unseen
    assert unseen.state == "withheld"
    assert not any(question.suggested_memory for question in await hall.store.questions("three"))
    assert await hall.match(replace(SECOND, id="four"), PRICE) is None


async def test_an_asker_can_say_that_it_does_not_answer(hall: Evenings) -> None:
    """The question is open again, and the earlier answer is not used for it any more."""
    await hall.ask(FIRST, RECORDING)
    await hall.desk.answer("Ann", "q1", TOLD)
    (placed,) = await hall.ask(SECOND, AGAIN)
    assert placed.question
    await hall.desk.not_answered("two", placed.question, Person("telegram", "u2"))
    assert (await hall.store.question(placed.question)).state.rejected == (SOURCE,)
    (again,) = await hall.ask(SECOND, RECORDING)
    assert (again.question, again.memory, again.answer) == (placed.question, None, None)


async def test_only_earlier_evenings_of_the_same_series_count(hall: Evenings) -> None:
    """Not another series, not talks that belong to none, not a later evening."""
    await hall.ask(FIRST, RECORDING)
    await hall.desk.answer("Ann", "q1", TOLD)
    alone = replace(SECOND, id="alone", series="")
    assert await earlier_answers(SECOND, hall.store)
    for other in (replace(SECOND, series="spring"), replace(SECOND, starts_at=START - 1), alone):
        assert await hall.match(replace(other, id=f"{other.id}x")) is None
    await hall.store.save_session(replace(FIRST, series=""))
    assert await hall.match(replace(alone, id="alone2")) is None


async def test_only_what_a_person_answered_counts(hall: Evenings) -> None:
    """Not the course's own answer that a moderator accepted, nothing dismissed, merged away, open or reopened, and not
    that something was answered aloud, which tells nobody anything on another evening."""
    await hall.ask(FIRST, RECORDING, PRICE, "Where are the slides?", "Who pays for lunch?")
    for question in ("q1", "q2", "q3"):
        await hall.desk.answer("Ann", question, TOLD)
    await hall.desk.answer("Ann", "q4", ALOUD["en"])
    (taken,) = await hall.ask(replace(SECOND, memory=Mode.SUGGEST), AGAIN)
    assert taken.question
    await hall.desk.recall("Ann", taken.question, "q1")
    await hall.desk.reopen("Ann", ["q2"])
    await hall.desk.dismiss("Ann", ["q2"])
    await hall.desk.merge("Ann", ["q3"], "q1")
    third = replace(SECOND, id="three", starts_at=START + 14 * 86_400)
    assert [[e.id for e in evening] for evening in await earlier_answers(third, hall.store)] == [[SOURCE]]


async def test_an_entry_holds_the_wordings_of_its_question(hall: Evenings) -> None:
    """Each once beside the title, those of a merged question too, and not more than the encoder has time for."""
    more = [f"Can I watch the recording on day {n}?" for n in range(WORDINGS + 3)]
    await hall.ask(FIRST, RECORDING, "is there a  recording of this talk?", PRICE, *more)
    others = [q.id for q in await hall.store.questions("one") if q.id != "q1"]
    await hall.desk.merge("Ann", others, "q1")
    await hall.desk.edit("Ann", "q1", "Recording?")
    await hall.desk.answer("Ann", "q1", TOLD)
    ((entry,),) = await earlier_answers(SECOND, hall.store)
    assert (entry.question, entry.answer, entry.source) == ("Recording?", TOLD, WHERE)
    assert entry.phrasings == (RECORDING, PRICE, *more[: WORDINGS - 2])


async def test_the_newest_answer_to_a_question_stands(hall: Evenings) -> None:
    """What is answered anew on a later evening takes the place of the older answer."""
    second, third = (replace(SECOND, id=id, starts_at=START + n) for n, id in enumerate(("two", "three"), 1))
    await hall.ask(FIRST, RECORDING)
    await hall.ask(replace(second, memory=Mode.OFF), RECORDING)
    await hall.desk.answer("Ann", "q1", TOLD)
    later = Desk(hall.store, lambda _: None, lambda: START + 2000.0)
    await later.answer("Bo", "q2", "There is none this time.")
    found = await hall.match(third)
    assert found
    assert (found.state, found.source, found.text) == ("sent", "earlier:two#q2", "There is none this time.")


async def test_a_correction_stands_whatever_else_is_answered_later(hall: Evenings) -> None:
    """What a later evening corrected is not overtaken when another question of the first one is answered after that."""
    second, third = (replace(SECOND, id=id, starts_at=START + n) for n, id in enumerate(("two", "three"), 1))
    await hall.ask(FIRST, RECORDING, PRICE)
    await hall.ask(replace(second, memory=Mode.OFF), RECORDING)
    for n, (question, text) in enumerate((("q1", TOLD), ("q3", "There is none this time."), ("q2", "Nothing."))):
        await Desk(hall.store, lambda _: None, lambda at=START + 1000.0 * n: at).answer("Ann", question, text)
    found = await earlier_answers(third, hall.store)
    assert [[entry.answer for entry in those] for those in found] == [
        ["Nothing."],
        ["There is none this time."],
        [TOLD],
    ]
    match = await hall.match(third)
    assert match
    assert (match.state, match.text) == ("sent", "There is none this time.")


async def test_wordings_of_whoever_was_forgotten_are_none(hall: Evenings) -> None:
    """An empty text asks nothing; those of others stay."""
    await hall.ask(FIRST, RECORDING, "Is there a recording of the demo?")
    await hall.desk.answer("Ann", "q1", TOLD)
    asked = [one.message for one in await hall.store.asked("q1")]
    await hall.store.forget(asked[1].person, None, START + 2000.0)
    ((entry,),) = await earlier_answers(SECOND, hall.store)
    assert entry.phrasings == ()


async def test_the_course_goes_before_earlier_answers(hall: Evenings, tmp_path: Path) -> None:
    """Where the course answers it by now the course is quoted; what it does not hold comes from the earlier evening,
    also after a file of it has changed."""
    await hall.ask(FIRST, RECORDING, PRICE)
    for question in ("q1", "q2"):
        await hall.desk.answer("Ann", question, TOLD)
    course = tmp_path / "course"
    course.mkdir()
    session = replace(SECOND, course=str(course))
    pipeline = await hall.pipeline(session)
    found = await hall.match(session, chosen=pipeline)
    assert found
    assert found.source == SOURCE
    (course / "faq.md").write_text(f"## {RECORDING}\n\nOn the course page.\n", encoding="utf-8")
    await hall.minds.teach(pipeline, session, hall.store, read_course(course))
    recording, price = await hall.ask(
        session, "Where is the recording of this talk?", "What does one gateway cost?", chosen=pipeline
    )
    assert recording.answer
    assert (recording.answer.state, recording.answer.text) == ("sent", "On the course page.")
    assert price.memory
    assert (price.memory.state, price.memory.source) == ("sent", "earlier:one#q2")


async def test_a_course_set_meanwhile_is_not_forgotten(hall: Evenings, tmp_path: Path) -> None:
    """Whoever looks up earlier answers read the sessions a moment ago, before this one had its course: it stays."""
    await hall.ask(FIRST, RECORDING)
    pipeline = await hall.pipeline(SECOND)
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "faq.md").write_text(f"## {PRICE}\n\nForty euros.\n", encoding="utf-8")
    await hall.minds.learn(pipeline, replace(SECOND, course=str(tmp_path / "course")), hall.store)
    await hall.desk.answer("Ann", "q1", TOLD)
    assert await hall.minds.recall(pipeline, SECOND, hall.store)
    assert hall.minds.course("two")
    (price,) = await hall.ask(SECOND, "What does one gateway cost?", chosen=pipeline)
    assert price.answer
    assert price.answer.text == "Forty euros."


async def test_what_is_remembered_takes_nothing_from_the_course(hall: Evenings, tmp_path: Path) -> None:
    """The course decides the same in every mode of memory, and memory the same in every mode of both; it is said
    in its own mode auto alone."""
    await hall.ask(FIRST, RECORDING)
    await hall.desk.answer("Ann", "q1", TOLD)
    course = tmp_path / "course"
    course.mkdir()
    (course / "faq.md").write_text("## Where can I watch the slides again?\n\nOn the course page.\n", encoding="utf-8")
    said: dict[tuple[Mode, Mode], Placement] = {}
    for n, (answers, memory) in enumerate((a, m) for a in Mode for m in Mode):
        evening = replace(SECOND, id=f"e{n}", course=str(course), answers=answers, memory=memory)
        (said[answers, memory],) = await hall.ask(evening, AGAIN)
        (standing,) = await hall.store.questions(evening.id)
        given = standing.state.answer
        assert (given.sources if given else ()) == ((SOURCE, WHERE) if memory is Mode.AUTO else ())
    alike = {replace(p.memory, state="") for p in said.values() if p.memory}
    assert len(alike) == 1
    assert {p.memory.state for (_, memory), p in said.items() if p.memory and memory is Mode.OFF} == {"withheld"}
    course_said = {p.answer and replace(p.answer, state="") for p in said.values()}
    assert len(course_said) == 1


async def test_a_moderator_takes_the_earlier_answer_and_everyone_hears_it_with_its_date(hall: Evenings) -> None:
    """In the mode suggest one act sends it to all who asked; it names the evening, and can be taken back. What is no
    answer of an earlier evening is refused."""
    await hall.ask(FIRST, RECORDING, PRICE)
    await hall.desk.answer("Ann", "q1", TOLD, ["https://example.org/page"])
    placed = await hall.ask(replace(SECOND, memory=Mode.SUGGEST), AGAIN, AGAIN)
    question = placed[0].question
    assert question
    with pytest.raises(NotAllowed):
        await hall.desk.recall("Bo", question, "q2")
    with pytest.raises(NotAllowed):
        await hall.desk.recall("Bo", "q1", question)
    action = await hall.desk.recall("Bo", question, "q1")
    given = (await hall.store.question(question)).state.answer
    assert given
    assert (given.text, given.sources) == (TOLD, (SOURCE, WHERE, "https://example.org/page"))
    said = [d.text for d in await hall.store.deliveries("two") if d.key.startswith("answer:")]
    assert len(said) == 2
    assert all(f"{TOLD}\nAnswered earlier: {WHERE}, https://example.org/page" in text for text in said)
    await hall.desk.undo("Bo", "two", action.id)
    assert (await hall.store.question(question)).state.answer is None
