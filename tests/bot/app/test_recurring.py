"""What was asked on earlier evenings of a series: recognised, kept, corrected by people, told to running sessions."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import recurring
from bot.app.minds import Minds
from bot.app.remembering import Remembering
from bot.app.tending import keep_alive
from bot.errors import NotAllowed
from bot.model import Earlier, Mode, Question, Session
from bot.recurring import AT_ONCE, SURE, Heard, recurrence
from bot.storage.sqlite import SqliteStore
from knowledge.calibration import FILE, write_calibration
from knowledge.encoder import EncoderGone
from tests.bot.app.test_series import AGAIN, FIRST, PRICE, RECORDING, SECOND, SOURCE, START, TOLD, WHERE, Evenings
from tests.bot.values import state
from tests.fakes import TopicEncoder, calibrated
from tests.waiting import until

THIRD = replace(SECOND, id="three", title="Evening three", starts_at=START + 14 * 86_400)


@pytest.fixture
def minds(tmp_path: Path) -> Iterator[Minds]:
    """With an encoder for which answers are calibrated."""
    encoder = TopicEncoder("recording", "gateway", "slides")
    write_calibration(calibrated(encoder), tmp_path / FILE)
    with closing(Minds(encoder=encoder, calibrations=tmp_path)) as made:
        yield made


class Series(Evenings):
    """Evenings that are watched while they run."""

    def __init__(self, store: SqliteStore, minds: Minds) -> None:
        super().__init__(store, minds)
        self.running: dict[str, Any] = {}
        self.shown: list[str] = []
        self.remembering = Remembering(store, minds, self.running, self.shown.append, pause=0.0)
        self.desk._changed = self.remembering.acted

    async def opened(self, session: Session) -> None:
        """It runs from now on."""
        self.running[session.id] = await self.pipeline(session)

    async def heard(self, session: Session, *texts: str) -> list[Any]:
        placed = await self.ask(session, *texts, chosen=self.running[session.id])
        self.remembering.asked(session.id)
        return placed

    @asynccontextmanager
    async def watched(self) -> Any:
        task = asyncio.ensure_future(keep_alive("remembering", self.remembering.run))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def earlier(self, session: Session, wanted: Any = lambda found: found is not None) -> Earlier | None:
        """What is said of the session's only question, once that is as wanted."""
        async with asyncio.timeout(20):
            while True:
                (question,) = await self.store.questions(session.id)
                if wanted(question.earlier):
                    return question.earlier
                await asyncio.sleep(0.005)


@pytest.fixture
async def series(store: SqliteStore, minds: Minds) -> Series:
    return Series(store, minds)


def heard(*roots: str | None, score: float = SURE) -> list[Heard]:
    return [Heard(root, score if root else 0.1) for root in roots]


ROOTS = {"a1": "a1", "b1": "a1", "a2": "a2"}


def test_a_question_goes_where_half_of_its_askings_go() -> None:
    """Half of them are enough, less are not; where half would join but fewer are surely the same, it is not sure."""
    found = recurrence(state(), heard("a1", "a1", "a2", None), ROOTS)
    assert found
    assert (found.root, found.sure, found.told) == ("a1", True, False)
    assert recurrence(state(), heard("a1", None, None), ROOTS) is None
    perhaps = recurrence(state(), [*heard("a1"), *heard("a1", score=0.6), *heard(None)], ROOTS)
    assert perhaps
    assert (perhaps.root, perhaps.sure) == ("a1", False)
    assert recurrence(state(), [], ROOTS) is None


def test_what_people_said_of_a_thread_goes_before_what_the_machine_thinks() -> None:
    """Kept apart from one question of a thread it is kept apart from all; said to be the same it is sure."""
    assert recurrence(state(apart=("b1",)), heard("a1", "a1"), ROOTS) is None
    told = recurrence(state(again=("b1",)), heard("a2"), ROOTS)
    assert told
    assert (told.root, told.sure, told.told) == ("a1", True, True)
    assert recurrence(state(again=("gone",)), heard("a2"), ROOTS)


async def test_asked_on_three_evenings_and_answered_on_the_second(series: Series) -> None:
    """A question knows every earlier evening on which it was asked, with its day, and the answer that one of them has;
    a new question knows none."""
    async with series.watched():
        for session in (FIRST, SECOND, THIRD):
            await series.opened(replace(session, memory=Mode.OFF))
            await series.heard(replace(session, memory=Mode.OFF), RECORDING)
            if session is SECOND:
                await series.earlier(SECOND)
                await series.desk.answer("Ann", "q2", TOLD)
        found = await series.earlier(THIRD, lambda found: found and found.answer)
        assert found
        assert [(one.session, one.question, one.asked) for one in found.evenings] == [
            ("one", "q1", RECORDING), ("two", "q2", RECORDING)
        ]  # fmt: skip
        assert [one.at for one in found.evenings] == [FIRST.starts_at, SECOND.starts_at]
        assert (found.sure, found.told) == (True, False)
        assert found.answer
        assert (found.answer.source, found.answer.text) == ("earlier:two#q2", TOLD)
        await until(lambda: "three" in series.shown)  # what is kept is told a moment later
        assert [q.earlier for q in await series.store.questions("one")] == [None]


async def test_earlier_evenings_are_read_in_the_thread_that_understands(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder is called from one thread at a time, also where the course tells their questions apart, and what is
    asked meanwhile comes in between."""
    calls: list[tuple[str, int]] = []

    def watched(real: Any) -> Any:
        def call(first: Any, rows: Any) -> None:
            calls.append((threading.current_thread().name, len(rows)))
            real(first, rows)

        return call

    for name in ("_learn", "_hear"):
        monkeypatch.setattr(recurring, name, watched(getattr(recurring, name)))
    many = [f"What is number {n} for?" for n in range(AT_ONCE + 1)]
    async with series.watched():
        await series.ask(FIRST, RECORDING, *many)
        await series.opened(SECOND)
        await series.heard(SECOND, AGAIN)
        assert await series.earlier(SECOND)
    assert {name.rstrip("_0123456789") for name, _ in calls} == {"understanding"}
    assert sorted(count for _, count in calls) == [1, 2, AT_ONCE]


async def test_a_moderator_says_that_it_is_not_the_same(series: Series) -> None:
    """It is gone at once, stays gone when more ask, and comes back with undo; saying that it is the same makes it sure.
    Only earlier evenings can be named."""
    async with series.watched():
        await series.ask(FIRST, RECORDING)
        session = replace(SECOND, memory=Mode.OFF)
        await series.opened(session)
        await series.heard(session, AGAIN)
        assert await series.earlier(SECOND)
        action = await series.desk.not_again("Bo", "q2", "q1")
        assert (await series.store.question("q2")).earlier is None
        await series.heard(session, RECORDING)
        await series.earlier(SECOND, lambda found: found is None)
        await series.desk.undo("Bo", "two", action.id)
        await series.earlier(SECOND, lambda found: found and not found.told)
        await series.desk.again("Bo", "q2", "q1")
        found = await series.earlier(SECOND)
        assert found
        assert (found.sure, found.told) == (True, True)
        with pytest.raises(NotAllowed):
            await series.desk.again("Bo", "q1", "q2")


async def test_what_was_answered_there_is_no_answer_to_what_asks_something_else(series: Series) -> None:
    """Once a moderator says that it is not the same, nobody who asks it is sent the earlier answer, and the board does
    not offer it; said to be the same after all, it is."""
    await series.ask(FIRST, RECORDING)
    await series.desk.answer("Ann", "q1", TOLD)
    await series.opened(SECOND)
    (first,) = await series.heard(SECOND, AGAIN)
    assert first.sent
    await series.desk.not_again("Bo", "q2", "q1")
    (second,) = await series.heard(SECOND, AGAIN)
    assert (second.question, second.memory) == ("q2", None)
    assert (await series.store.question("q2")).suggested_memory is None
    await series.desk.again("Bo", "q2", "q1")
    (third,) = await series.heard(SECOND, AGAIN)
    assert third.memory


async def test_said_to_be_the_same_a_merged_question_is_so_in_all_its_parts(series: Series) -> None:
    """What was said of one part before it was merged holds for the whole, until somebody says otherwise of that; undo
    brings it back."""
    await series.ask(FIRST, RECORDING)
    await series.desk.answer("Ann", "q1", TOLD)
    await series.opened(SECOND)
    await series.heard(SECOND, AGAIN, PRICE)
    await series.desk.not_again("Bo", "q2", "q1")
    await series.desk.merge("Bo", ["q2"], "q3")
    offered: list[bool] = []
    for act in (None, "again", "undo"):
        if act == "again":
            await series.desk.again("Bo", "q3", "q1")
        if act == "undo":
            await series.desk.undo("Bo", "two")
        (placed,) = await series.heard(SECOND, AGAIN)
        assert placed.question == "q3"
        offered.append(placed.memory is not None)
    assert offered == [False, True, False]


@pytest.mark.parametrize("failure", [EncoderGone("restarting"), ValueError("a fault of ours")])
async def test_a_correction_is_seen_whatever_was_done_after_it(
    series: Series, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Also at the first look at an evening, and when that look fails half way, whatever the failure."""
    await series.ask(FIRST, RECORDING, PRICE)
    await series.opened(SECOND)
    await series.desk.merge("Bo", ["q2"], "q1")
    await series.desk.approve("Bo", ["q1"])
    pipeline = series.running["two"]
    pipeline._stale = False
    recalls, real = [], series.minds.recall

    async def failing(*arguments: Any) -> bool:
        recalls.append(arguments)
        if len(recalls) == 1:
            pipeline._stale = False  # it was told so, and has followed it
            raise failure
        return await real(*arguments)

    monkeypatch.setattr(series.minds, "recall", failing)
    async with series.watched():
        await until(lambda: len(recalls) == 2)
        await until(lambda: pipeline._stale)


async def test_a_correction_among_many_acts_is_seen(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    """More acts came since the last look than are looked through: one of them may be a correction."""
    monkeypatch.setattr("bot.app.remembering.LOOKED_AT", 3)
    await series.ask(FIRST, RECORDING, PRICE)
    await series.opened(SECOND)
    series.remembering.asked("two")
    async with series.watched():
        await until(lambda: "two" in series.remembering._before)
    pipeline = series.running["two"]
    pipeline._stale = False
    await series.desk.merge("Bo", ["q2"], "q1")
    for on in (True, False, True):
        await series.desk.pin("Bo", "q1", on)
    async with series.watched():
        await until(lambda: pipeline._stale)


async def test_an_evening_that_leaves_the_series_is_no_longer_earlier(series: Series) -> None:
    """What was answered there is used no more from then on, without a restart; back in the series it is again."""
    async with series.watched():
        await series.ask(FIRST, RECORDING)
        await series.desk.answer("Ann", "q1", TOLD)
        await series.opened(SECOND)
        (before,) = await series.heard(SECOND, AGAIN)
        assert before.memory
        understanding = series.running["two"]._understanding
        for name, there in (("", False), ("autumn", True)):
            taught = understanding._taught
            await series.desk.set_up("Bo", "one", {"series": name})
            await until(lambda taught=taught: understanding._taught is not taught)
            (after,) = await series.heard(SECOND, AGAIN)
            assert bool(after.memory) is there


async def test_an_answer_reaches_a_running_evening_without_a_restart(series: Series) -> None:
    """What is answered on an earlier evening now answers the next message of the running one, and stands at what was
    asked there already; taken back, it does no more."""
    async with series.watched():
        await series.ask(FIRST, RECORDING)
        session = replace(SECOND, memory=Mode.SUGGEST)
        await series.opened(session)
        (before,) = await series.heard(session, AGAIN)
        assert before.memory is None
        action = await series.desk.answer("Ann", "q1", TOLD)
        found = await series.earlier(SECOND, lambda found: found and found.answer)
        assert found
        assert found.answer
        assert (found.answer.text, found.answer.where) == (TOLD, WHERE)
        understanding = series.running["two"]._understanding
        await until(lambda: understanding._taught is not understanding._lesson)
        (after,) = await series.heard(session, "Is there a recording of this?")
        assert after.memory
        assert (after.memory.state, after.memory.source) == ("suggested", SOURCE)
        await series.desk.undo("Ann", "one", action.id)
        await series.earlier(SECOND, lambda found: found and not found.answer)
        await until(lambda: understanding._taught is not understanding._lesson)
        (gone,) = await series.heard(session, "Is there any recording?")
        assert gone.memory is None


async def test_a_correction_reaches_a_running_evening_without_a_restart(series: Series) -> None:
    """Two wordings that people put together on an earlier evening are one question for the next message."""
    async with series.watched():
        await series.ask(FIRST, RECORDING, PRICE)
        await series.opened(SECOND)
        await series.heard(SECOND, RECORDING)
        await series.desk.merge("Bo", ["q2"], "q1")
        await series.earlier(SECOND)
        await until(lambda: series.running["two"]._stale)
        (placed,) = await series.heard(SECOND, PRICE)
        assert placed.question == "q3"


async def test_questions_that_are_merged_or_hidden_there(series: Series) -> None:
    """A merged question is asked by its final one; what not everybody may see there is counted without its title."""
    async with series.watched():
        await series.ask(replace(FIRST, review=True), RECORDING)
        await series.opened(SECOND)
        await series.heard(SECOND, AGAIN)
        found = await series.earlier(SECOND)
        assert found
        assert [one.asked for one in found.evenings] == [""]
        await series.desk.approve("Bo", ["q1"])
        shown: Question = await series.store.question("q2")
        assert shown.earlier
        assert [one.asked for one in shown.earlier.evenings] == [RECORDING]


async def test_of_few_sessions_the_earlier_evenings_stay_in_memory(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were followed last, however many are never ended; of the others they are read when something is asked
    there, and not sooner than they may be. After somebody was forgotten, of none."""
    clock = iter(range(0, 10_000, 100))
    encoder, judge = await series.minds.grouping()
    looking = recurring.Recurring(
        series.store, encoder.dimension, judge, lambda: float(next(clock)), series.minds.executor
    )
    monkeypatch.setattr(recurring, "KEPT_READ", 1)
    monkeypatch.setattr(recurring, "SHARE", 0.2)  # a look takes a hundred of these seconds, and one of four a rest
    await series.ask(FIRST, RECORDING)
    for session in (SECOND, THIRD):
        await series.ask(session, AGAIN)
        await looking.follow(session, None)
        assert list(looking._series) == [session.id]
    assert await looking.follow(SECOND, None) is False
    assert (list(looking._series), looking.behind) == (["three"], {"two"})
    for _ in range(5):
        next(clock)
    await looking.follow(SECOND, None)
    assert (list(looking._series), looking.behind) == (["two"], set())
    looking.forget()
    assert not looking._series
