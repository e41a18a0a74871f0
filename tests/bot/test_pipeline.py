import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.desk import Desk
from bot.errors import Conflict, NotAllowed, StoreError
from bot.model import (
    Answer,
    Cursor,
    LookedUp,
    Message,
    Mode,
    Person,
    Placement,
    Preview,
    QuestionState,
    Session,
    Status,
)
from bot.pipeline import LOOKED_UP, Pipeline
from bot.storage.sqlite import SqliteStore, open_store
from knowledge.answering import Match
from knowledge.asking import Asking, Detector
from knowledge.calibration import bundled_calibration
from knowledge.context import EMPTY, Context
from knowledge.encoder import EncoderGone
from knowledge.grouping import Groups
from tests.bot.values import TALK, message
from tests.fakes import TopicEncoder
from tests.waiting import until

RECORDING = "Is there a recording of this talk?"
PRICE = "What does a gateway cost us?"
PROTOCOL = "Which protocols can the box read?"


class Ears(Detector):
    """Asks where there is a question mark."""

    def judge(self, text: str, vector: Any, context: Context = EMPTY, fits: Any = None) -> Asking:
        asks = "?" in text
        return Asking(asks, 0.9 if asks else 0.1, sure=asks)


class Attentive(Ears):
    """What stood before decides with: every number of the context shows in the probability."""

    def judge(self, text: str, vector: Any, context: Context = EMPTY, fits: Any = None) -> Asking:
        plain = super().judge(text, vector)
        weighed = sum(value / (n + 7) for n, value in enumerate(context.features().tolist()))
        return replace(plain, probability=plain.probability + weighed / 100)


class Schooled(Ears):
    """What the course holds is asked."""

    def judge(self, text: str, vector: Any, context: Context = EMPTY, fits: Any = None) -> Asking:
        return Asking(bool(fits), 0.9 if fits else 0.1)


def topics() -> TopicEncoder:
    return TopicEncoder("recording", "gateway", "protocols")


class Counting(TopicEncoder):
    """Counts what it encoded."""

    def __init__(self) -> None:
        super().__init__("recording", "gateway", "protocols")
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Any:
        self.seen += texts
        return super().encode(texts)


class Knowing:
    """A course that answers texts with a word in them."""

    def __init__(self, **verdicts: str) -> None:
        self._verdicts = verdicts

    def __len__(self) -> int:
        return 0  # it answers, but tells no questions apart

    def fits(self, texts: Sequence[str], vectors: Any) -> list[bool]:
        return [any(word in text for word in self._verdicts) for text in texts]

    def matches(self, texts: Sequence[str], vectors: Any) -> list[Match | None]:
        return [self.match(text, vector) for text, vector in zip(texts, vectors, strict=True)]

    def match(self, text: str, vector: Any) -> Match | None:
        for word, verdict in self._verdicts.items():
            if word in text:
                return Match(f"faq#{word}", 0.97, word, f"About {word}.", verdict, "faq.md:1")  # type: ignore[arg-type]
        return None


Run = Callable[..., Awaitable[list[Placement]]]


@asynccontextmanager
async def running(store: SqliteStore, session: Session = TALK, **more: Any) -> AsyncIterator[Pipeline]:
    """A pipeline at work."""
    answering, says = more.pop("answering", None), more.pop("says", "")
    with ThreadPoolExecutor(1) as executor:
        pipeline = Pipeline(
            session,
            store,
            more.pop("encoder", topics()),
            more.pop("detector", Ears)(bundled_calibration().asking),
            more.pop("judge", bundled_calibration().grouping),
            executor=executor,
            replying=frozenset({"telegram"}),
            **more,
        )
        pipeline.teach(answering, says=says)
        task = asyncio.ensure_future(pipeline.run())
        try:
            yield pipeline
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def say(store: SqliteStore, pipeline: Pipeline, *messages: Message) -> list[Placement]:
    """Receive messages, wait until they are placed; the placements of the session."""
    await store.receive(messages)
    pipeline.wake()
    await asyncio.wait_for(pipeline.drained(), 10)
    return [p for _, p in await store.placements("talk") if p]


async def states(store: SqliteStore) -> dict[str, QuestionState]:
    return {q.id: q.state for q in await store.questions("talk")}


@pytest.mark.parametrize("course", [Knowing(gateway="answer"), None], ids=["a course", "none"])
async def test_what_asks_is_decided_with_the_course(store: SqliteStore, course: Knowing | None) -> None:
    """Each line is looked up in the course before it is decided whether it asks, where there is one."""
    async with running(store, detector=Schooled, answering=course) as pipeline:
        placed = await say(store, pipeline, message(1, "where is the gateway"), message(2, "where was it?", "u2"))
    assert [one.asking for one in placed] == [course is not None, False]


async def test_the_same_question_joins_and_another_founds(store: SqliteStore) -> None:
    """Two wordings of one question share a group with their similarity kept; another question founds its own."""
    async with running(store) as pipeline:
        a, b, c = await say(
            store, pipeline, message(1, RECORDING), message(2, RECORDING + "?", "u2"), message(3, PROTOCOL, "u3")
        )
    assert a.question == b.question == "q1"
    assert c.question == "q3"
    assert a.similarity is None
    assert b.similarity is not None
    assert b.similarity > 0.5


async def test_chatter_is_kept_but_not_encoded(store: SqliteStore) -> None:
    """What surely asks nothing spares the encoder, is stored with its reason, and founds nothing."""
    encoder = Counting()
    async with running(store, encoder=encoder) as pipeline:
        chatter, statement, _ = await say(
            store, pipeline, message(1, "666"), message(2, "The box has no fan."), message(3, PRICE)
        )
    assert encoder.seen == ["The box has no fan.", PRICE]
    assert (chatter.asking, statement.asking) == (False, False)
    assert [reason.code for reason in chatter.reasons.asking] == ["chatter"]
    assert set(await states(store)) == {"q3"}


async def test_what_is_asked_on_purpose_is_not_doubted(store: SqliteStore) -> None:
    """A line of the page's field without any sign of a question is one; "666" there is still nothing."""
    async with running(store) as pipeline:
        request, nothing = await say(
            store, pipeline, message(1, "louder please", explicit=True), message(2, "666", explicit=True)
        )
    assert request.asking
    assert not nothing.asking


@pytest.mark.parametrize(
    ("said", "most"), [("and then the old press stopped. ", 1000), ("然后那台老冲床又停了。", 700)], ids=["en", "zh"]
)
async def test_of_a_long_message_both_ends_are_read(store: SqliteStore, said: str, most: int) -> None:
    """What is asked after a story is found, in what the model takes in; its own words stay whole."""
    encoder = Counting()
    story = said * 300 + RECORDING
    async with running(store, encoder=encoder) as pipeline:
        (placed,) = await say(store, pipeline, message(1, story))
    (read,) = encoder.seen
    assert most - 10 < len(read) <= most
    assert read.endswith(RECORDING)
    assert (placed.asking, placed.question) == (True, "q1")
    assert [reason.code for reason in placed.reasons.asking] == ["long"]  # what is not read is told
    assert (await states(store))["q1"].original == story


async def test_in_slow_mode_one_person_founds_no_two_questions_at_once(store: SqliteStore) -> None:
    """What the same person asks within the pause is kept and founds nothing; what they say without asking costs them no
    turn, after the pause they ask again, and somebody else is not held up."""
    async with running(store) as pipeline:
        pipeline.follow(replace(TALK, slow=60))
        asked = [
            replace(message(n, text, explicit=explicit), author=author, at=at)
            for n, (text, author, at, explicit) in enumerate(
                [
                    ("666", "ann", 1000.0, False),
                    ("Is there a recording?", "ann", 1001.0, True),
                    ("Where are the slides?", "ann", 1030.0, True),
                    ("What does it cost?", "bob", 1031.0, True),
                    ("Where are the slides?", "ann", 1062.0, True),
                ],
                1,
            )
        ]
        placed = await say(store, pipeline, *asked)
    assert [one.question is not None for one in placed] == [False, True, False, True, True]
    assert [reason.code for reason in placed[2].reasons.asking] == ["slow_mode"]


async def test_in_slow_mode_what_a_chat_delivers_late_is_judged_by_when_it_was_said(store: SqliteStore) -> None:
    """An hour before the author's last question is no hurry."""
    async with running(store) as pipeline:
        pipeline.follow(replace(TALK, slow=60))
        rows = [(RECORDING, 5000.0), (PRICE, 1400.0), (PROTOCOL, 5030.0)]
        placed = await say(
            store, pipeline, *(replace(message(n, text, "ann"), at=at) for n, (text, at) in enumerate(rows, 1))
        )
    assert [one.question is not None for one in placed] == [True, True, False]


async def test_what_one_line_asks_stays_together_where_sources_take_turns(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's question may come between its two: neither falls to slow mode, and it is acknowledged once."""
    monkeypatch.setattr("bot.storage.inbox.PATIENT", 0)
    one, other = message(1, RECORDING, "ann"), message(2, PRICE, "ann", external_id="m1", part=2)
    async with running(store, replace(TALK, slow=60), batch=1) as pipeline:
        placed = await say(store, pipeline, one, other, message(3, PROTOCOL, "bob", source="web"))
    order = [row.message for row in sorted(placed, key=lambda row: row.message)]
    assert len(order) == 3
    assert all(row.question for row in placed)
    assert [delivery.address.user for delivery in await store.deliveries("talk")].count("ann") == 1


async def test_what_a_moderator_takes_for_a_question_is_one(store: SqliteStore) -> None:
    """It goes the way of all that ask: it joins what asks the same or founds its own, says who says so, and later lines
    join it; neither chatter nor slow mode is in its way."""
    async with running(store) as pipeline:
        pipeline.follow(replace(TALK, slow=60))
        lines = ("louder please", RECORDING, "The recording", "666", "louder please")
        asked = [message(n, text, "bob" if n == 5 else f"u{min(n, 3)}") for n, text in enumerate(lines, 1)]
        before = await say(store, pipeline, *asked[:4])
        assert [one.asking for one in before] == [False, True, False, False]
        desk = Desk(store, lambda _: None, lambda: 1.0, arrived=lambda _: pipeline.wake())
        for id in (1, 3, 4):
            await desk.take("Mo", "talk", id)
            await pipeline.drained()
        after = await say(store, pipeline, replace(asked[4], explicit=True))
    assert [one.question for one in after] == ["q1", "q2", "q2", "q4", "q1"]
    assert [reason.code for reason in after[0].reasons.asking] == ["taken"]
    assert [(action.change.what, action.change.takes) for action in await store.actions("talk")] == [
        ("take", 4),
        ("take", 3),
        ("take", 1),
    ]


async def test_a_line_that_was_taken_for_a_question_is_taken_out_again(store: SqliteStore) -> None:
    """By undo, also with the question that it founded, and words alike ask nothing then; not while it is placed, nor
    where a person answered it. What was done before can be undone after it."""
    desk = Desk(store, lambda _: None, lambda: 1.0)
    async with running(store) as pipeline:
        await say(
            store, pipeline, message(1, RECORDING), message(2, "The recording", "u2"), message(3, "louder please")
        )
        pinned = await desk.pin("Mo", ["q1"])
        joins, founds = await desk.take("Mo", "talk", 2), await desk.take("Mo", "talk", 3)
        with pytest.raises(Conflict, match="not placed yet"):
            await desk.undo("Mo", "talk")
        placed = await say(store, pipeline)
        assert [one.question for one in placed] == ["q1", "q1", "q3"]
        await desk.answer("Mo", "q3", "Yes.")
        with pytest.raises(NotAllowed, match="reopen it first"):
            await desk.undo("Mo", "talk", founds.id)
        await desk.reopen("Mo", ["q3"])
        await desk.undo("Mo", "talk", founds.id)
        assert sorted(await states(store)) == ["q1"]
        with pytest.raises(Conflict, match="asks nothing"):
            await desk.undo("Mo", "talk", founds.id)
        await desk.undo("Mo", "talk", joins.id)
        assert [one.message.id for one in await store.asked("q1")] == [1]
        assert [one.message.id for one in await store.unasked("talk", 9)] == [3, 2]
        again = await say(store, pipeline, message(4, "Louder please!", "u4"))
        assert not again[-1].asking
        await desk.undo("Mo", "talk", pinned.id)
        await desk.take("Mo", "talk", 3)
        again = await say(store, pipeline, message(5, "louder please", "u5"))
        assert [one.question for one in again] == ["q1", "q1", "q3", None, "q3"]


async def test_a_question_of_which_all_ask_nothing_goes_and_comes_back(store: SqliteStore) -> None:
    """With what was merged into it and whoever voted; undo brings all of it back. Words alike ask nothing meanwhile.
    What is on stage, or what a person answered, stays."""
    desk = Desk(store, lambda _: None, lambda: 1.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PRICE, "u2"), message(3, PROTOCOL, "u3"))
        await store.vote("q1", Person("web", "zoe"), True, 1.0)
        await desk.merge("Mo", ["q2"], "q1")
        await desk.stage("Mo", "q1")
        with pytest.raises(NotAllowed, match="take it off the stage first"):
            await desk.not_asking("Mo", "q1", [1, 2])
        await desk.unstage("Mo", "q1")
        await desk.answer("Mo", "q1", "Yes.")
        with pytest.raises(NotAllowed, match="reopen it first"):
            await desk.not_asking("Mo", "q1", [1, 2])
        await desk.reopen("Mo", ["q1"])
        before = await states(store)
        out = await desk.not_asking("Mo", "q1", [1, 2])
        assert sorted(await states(store)) == ["q3"]
        placed = await say(store, pipeline, message(4, PRICE, "u4"))
        assert (placed[-1].asking, sorted(await states(store))) == (False, ["q3"])
        assert sorted(pipeline._understanding._standing) == ["q3"]
        await desk.undo("Mo", "talk", out.id)
        assert await states(store) == before
        assert (await store.question("q1")).votes == 1
        placed = await say(store, pipeline, message(5, PRICE, "u5"))
        assert placed[-1].question in {"q1", "q2"}


async def test_what_the_course_answered_and_asks_nothing_goes_with_its_answer(store: SqliteStore) -> None:
    """No person had a hand in it, so it need not be reopened; undo brings question and answer back."""
    desk = Desk(store, lambda _: None, lambda: 1.0)
    async with running(store, answering=Knowing(gateway="answer")) as pipeline:
        await say(store, pipeline, message(1, "What is the gateway price?"))
        before = await states(store)
        assert before["q1"].status is Status.ANSWERED
        await desk.not_asking("Mo", "q1", [1])
        assert await states(store) == {}
        await desk.undo("Mo", "talk")
        assert await states(store) == before


async def test_what_stood_before_a_line_in_its_chat_decides_with(store: SqliteStore) -> None:
    """After somebody's question it is judged otherwise than after chatter; what was asked in another chat is nothing to
    it."""
    line = "it is in the folder"
    async with running(store, detector=Attentive) as pipeline:
        chances = []
        for before, source in (("666", "one"), (RECORDING, "two"), ("666", "three")):
            here = {"source": source, "chat": "hall", "private": False}
            placed = await say(store, pipeline, message(1, before, "u1", **here), message(2, line, "u2", **here))
            chances.append(placed[-1].probability)
    assert chances[0] == chances[2] != chances[1]


async def test_a_founder_that_is_taken_out_and_taken_again_founds_another_question(store: SqliteStore) -> None:
    """The one that it had founded stands as people left it, before and after a restart."""
    session = replace(TALK, grouping=Mode.OFF)
    desk = Desk(store, lambda _: None, lambda: 1.0)
    async with running(store, session) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, RECORDING, "u2"))
        await desk.merge("Mo", ["q2"], "q1")
        await desk.answer("Mo", "q1", "Tomorrow.")
        await desk.not_asking("Mo", "q1", [1])
        await desk.take("Mo", "talk", 1)
        before = await say(store, pipeline)
        assert [one.question for one in before] == ["q1.2", "q2"]
        found = await states(store)
        assert [(id, found[id].status) for id in ("q1", "q1.2")] == [("q1", Status.ANSWERED), ("q1.2", Status.NEW)]
        assert pipeline._understanding._standing["q1"].state == found["q1"]
        assert [one.message.id for one in await store.asked("q1")] == [2]


async def test_a_line_that_is_taken_and_then_forgotten_holds_up_nobody(store: SqliteStore) -> None:
    """Its words are gone when it is placed again: it asks nothing, and what comes later is placed."""
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, "louder please", "ann"))
    await Desk(store, lambda _: None, lambda: 1.0).take("Mo", "talk", 1)
    await store.forget(Person("telegram", "ann"), None, 2.0)
    async with running(store) as pipeline:
        gone, later = await say(store, pipeline, message(2, PRICE, "bob"))
    assert (gone.asking, later.question) == (False, "q2")


async def test_what_is_taken_is_answered_by_nobody_but_people(store: SqliteStore) -> None:
    """What the course says of it is suggested, and its author hears nothing of it by itself."""
    async with running(store, answering=Knowing(gateway="answer")) as pipeline:
        await say(store, pipeline, message(1, "the gateway price"))
        await Desk(store, lambda _: None, lambda: 1.0, arrived=lambda _: pipeline.wake()).take("Mo", "talk", 1)
        await asyncio.wait_for(pipeline.drained(), 10)
    ((_, placement),) = await store.placements("talk")
    assert placement is not None
    assert placement.answer is not None
    assert (placement.asking, placement.answer.state) == (True, "suggested")
    assert await store.deliveries("talk") == []


@pytest.mark.parametrize("dismissed", [False, True], ids=["answered", "dismissed"])
async def test_what_is_taken_is_told_nothing_of_what_it_joins(store: SqliteStore, dismissed: bool) -> None:
    """Neither the answer that stands there nor why it was dismissed: it may be night by now."""
    desk = Desk(store, lambda _: None, lambda: 1.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING, "ann"), message(2, "The recording", "bob"))
        if dismissed:
            await desk.dismiss("Mo", ["q1"], "said already", True)
        else:
            await desk.answer("Mo", "q1", "Tomorrow.")
        before = await store.deliveries("talk")
        await desk.take("Mo", "talk", 2)
        pipeline.wake()
        await asyncio.wait_for(pipeline.drained(), 10)
    assert [one.message.id for one in await store.asked("q1")] == [1, 2]
    assert await store.deliveries("talk") == before


async def test_what_is_taken_changes_nothing_about_what_comes_later(tmp_path: Path) -> None:
    """It was said before: how probably later lines ask is as without it, and its author may ask at once in slow mode,
    also after a new start."""

    async def told(take: bool, restart: bool) -> tuple[float, str | None]:
        store = await open_store(tmp_path / f"{take}-{restart}.sqlite3")
        await store.save_session(TALK)
        lines = [message(n, text, user, chat="c") for n, (text, user) in enumerate([("hm", "ann"), (PRICE, "bob")], 1)]
        more = [message(3, "The box has no fan.", "cid", chat="c"), message(4, RECORDING, "ann", chat="c")]
        heeding: dict[str, Any] = {"detector": Attentive, "session": replace(TALK, slow=600)}
        async with running(store, **heeding) as pipeline:
            await say(store, pipeline, *lines)
            if take:
                await Desk(store, lambda _: None, lambda: 1.0).take("Mo", "talk", 1)
                pipeline.wake()
                await asyncio.wait_for(pipeline.drained(), 10)
            if not restart:
                await say(store, pipeline, *more)
        async with running(store, **heeding) as pipeline:
            placed = await say(store, pipeline, *more)
        await store.close()
        assert placed[0].asking == take
        return placed[2].probability, placed[3].question

    without = await told(take=False, restart=False)
    assert await told(take=True, restart=False) == without
    assert (await told(take=True, restart=True))[1] == without[1] == "q4"


async def test_a_flood_that_was_set_aside_changes_nothing_after_a_restart_either(tmp_path: Path) -> None:
    """Nobody read it: what later lines ask is decided as if it had not been, and slow mode still knows who asked."""

    async def told(restart: bool) -> tuple[float, str | None]:
        store = await open_store(tmp_path / f"{restart}.sqlite3")
        await store.save_session(TALK)
        flood = [message(n, f"spam {n}", "eve", chat="c", aside=True) for n in range(2, 250)]
        more = [message(300, "The box has no fan.", "cid", chat="c"), message(301, PRICE, "ann", chat="c", at=102.0)]
        heeding: dict[str, Any] = {"detector": Attentive, "session": replace(TALK, slow=600)}
        async with running(store, **heeding) as pipeline:
            await say(store, pipeline, message(1, RECORDING, "ann", chat="c"), *flood)
            if not restart:
                await say(store, pipeline, *more)
        async with running(store, **heeding) as pipeline:
            placed = await say(store, pipeline, *more)
        await store.close()
        return placed[-2].probability, placed[-1].question

    without = await told(restart=False)
    assert without[1] is None
    assert await told(restart=True) == without


@pytest.mark.parametrize(
    "text", ["", " ", "\x00\x07?", "?" * 50_000, "𓀀?" * 2000, "👩‍👩‍👧‍👦?", "\u202eabc?", "a\u0300" * 5000 + "?"]
)
async def test_any_text_passes(store: SqliteStore, text: str) -> None:
    """A message of any length and script is placed, and the next one too."""
    async with running(store) as pipeline:
        placed = await say(store, pipeline, message(1, text), message(2, PRICE))
    assert len(placed) == 2
    assert placed[1].question == "q2"


@pytest.mark.parametrize("explicit", [False, True])
async def test_the_course_answers_when_it_is_sure(store: SqliteStore, explicit: bool) -> None:
    """A sure match answers the asker with its source, found in a chat or asked on purpose; the question it founds is
    answered by the course."""
    async with running(store, answering=Knowing(recording="answer")) as pipeline:
        (placed,) = await say(store, pipeline, message(1, RECORDING, explicit=explicit))
    assert placed.answer
    assert (placed.answer.source, placed.answer.state) == ("faq#recording", "sent")
    (question,) = (await states(store)).values()
    assert question.status is Status.ANSWERED
    assert question.answer == Answer("About recording.", "course", 101.0, ("faq#recording",))
    (delivery,) = await store.deliveries("talk")
    assert "faq.md:1" in delivery.text


@pytest.mark.parametrize(
    ("mode", "verdict", "state"),
    [
        (Mode.AUTO, "suggest", "suggested"),
        (Mode.SUGGEST, "answer", "suggested"),
        (Mode.AUTO, "silent", None),
        (Mode.OFF, "answer", "withheld"),
    ],
)
async def test_the_course_is_as_bold_as_the_session_lets_it(
    store: SqliteStore, mode: Mode, verdict: str, state: str | None
) -> None:
    """An unsure match, or a session that wants a moderator between, leaves a suggestion; off shows nobody anything."""
    session = replace(TALK, answers=mode)
    async with running(store, session, answering=Knowing(recording=verdict)) as pipeline:
        (placed,) = await say(store, pipeline, message(1, RECORDING))
    assert (placed.answer.state if placed.answer else None) == state
    question = await store.question("q1")
    assert question.status is Status.NEW
    assert bool(question.suggested_answer) == (state == "suggested")


class Overhearing(TopicEncoder):
    """Takes what says "page" for a reply to a question of recordings."""

    def __init__(self) -> None:
        super().__init__("recording")
        self.pairs: list[tuple[str, str]] = []

    def read(self, pairs: Sequence[tuple[str, str]]) -> Any:
        self.pairs += pairs
        return np.array([[0.0, 2.0 if "page" in one and "recording" in other else -2.0] for one, other in pairs])


REPLY = "which page? the recording, on the first"


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.OFF])
async def test_who_replies_to_another_viewer_is_not_sent_what_the_course_says_of_it(
    store: SqliteStore, restart: bool, mode: Mode
) -> None:
    """It is suggested, with the reason, and the question is kept, in every mode and after a restart too. Who asks the
    same, who asked nobody, who is alone in a chat, and what is sent as a question is answered as ever."""
    encoder, course = Overhearing(), Knowing(recording="answer")
    session = replace(TALK, answers=mode)
    hall = {"encoder": encoder, "answering": course}
    first = [message(1, RECORDING, "u1", chat="c"), message(2, "666", "u2", chat="c")]
    later = [
        message(3, REPLY, "u3", chat="c"),
        message(4, f"{RECORDING} again?", "u4", chat="c"),
        message(5, REPLY, "u1", chat="d"),
        message(6, REPLY, "u5", chat="c", explicit=True),
        message(7, REPLY, "u6", chat="c", at=5000.0),
    ]
    async with running(store, session, **hall) as pipeline:
        placed = await say(store, pipeline, *first, *([] if restart else later))
    if restart:
        async with running(store, session, **hall) as pipeline:
            placed = await say(store, pipeline, *first, *later)
    assert [one.asking for one in placed] == [True, False, True, True, True, True, True]
    assert [bool(one.answer and one.answer.sure) for one in placed if one.asking] == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]
    if mode is Mode.AUTO:
        assert [one.answer.state for one in placed if one.answer] == ["sent", "suggested", *["sent"] * 4]
    assert placed[2].reasons.asking[0].code == "replies"
    assert encoder.pairs == [(REPLY, RECORDING), (f"{RECORDING} again?", REPLY), (f"{RECORDING} again?", RECORDING)]


async def test_who_seems_to_reply_to_another_viewer_hears_what_a_person_answered(store: SqliteStore) -> None:
    """It goes to all whose lines count with the question, whether they came before or after: who did ask must not miss
    it."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    first, early, late = (message(n, text, f"u{n}", chat="c") for n, text in enumerate((RECORDING, REPLY, REPLY), 1))
    async with running(store, encoder=Overhearing(), answering=Knowing(recording="answer")) as pipeline:
        placed = await say(store, pipeline, first, early)
        await desk.answer("ann", "q1", "Tomorrow at noon.")
        placed = await say(store, pipeline, late)
    assert {one.question for one in placed} == {"q1"}
    assert placed[2].reasons.asking[0].code == "replies"
    told = [one.address.user for one in await store.deliveries("talk") if one.key.startswith("answer:")]
    assert told == ["u1", "u3"]


async def test_an_unsure_wording_reopens_what_the_course_had_answered(store: SqliteStore) -> None:
    """Somebody joins an answered question with words that the course does not surely answer: it is new again."""
    async with running(store, answering=Knowing(talk="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        pipeline.teach(None)
        first, second = await say(store, pipeline, message(2, RECORDING, "u2"))
    assert first.question == second.question
    assert (await states(store))["q1"].status is Status.NEW
    assert ((one := await store.question("q1")).people, one.waiting) == (2, 1)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_reopened_question_is_answered_again_when_nobody_waits(store: SqliteStore, restart: bool) -> None:
    """Who made it new asks once more in words that the course surely answers: it is answered as it was. The next who
    does not makes it new again."""
    async with running(store, answering=Knowing(talk="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        before = (await states(store))["q1"]
        pipeline.teach(None)
        await say(store, pipeline, message(2, RECORDING, "u2"))
        pipeline.teach(Knowing(talk="answer"))  # type: ignore[arg-type]
        await say(store, pipeline, message(3, RECORDING, "u2"))
        assert (await states(store))["q1"] == before
        pipeline.teach(None)
        if not restart:
            await say(store, pipeline, message(4, RECORDING, "u4"))
    async with running(store) as pipeline:
        await say(store, pipeline, message(4, RECORDING, "u4"))
    assert (await states(store))["q1"].status is Status.NEW
    assert "Got it" in next(d.text for d in await store.deliveries("talk") if d.address.chat == "u4")


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.SUGGEST])
@pytest.mark.parametrize("verdict", ["answer", "suggest"])
async def test_what_a_moderator_accepted_is_said_to_the_next_asker(
    store: SqliteStore, mode: Mode, verdict: str
) -> None:
    """An answer of the course that a person accepted stays, however surely the course answers the next wording."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, replace(TALK, answers=mode), answering=Knowing(recording="suggest")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        await desk.accept("ann", "q1")
        pipeline.teach(Knowing(recording=verdict))  # type: ignore[arg-type]
        await say(store, pipeline, message(2, RECORDING, "u2"))
    assert (await states(store))["q1"].status is Status.ANSWERED
    (said,) = [d for d in await store.deliveries("talk") if d.address.chat == "u2"]
    assert (said.key, "About recording." in said.text) == ("answer:q1:telegram:u2:m2", True)
    await desk.undo("ann", "talk")
    assert (await states(store))["q1"].status is Status.NEW


async def test_a_contradicted_source_is_not_sent_again(store: SqliteStore) -> None:
    """After an asker said "this does not answer it", the next asker of that question goes to the queue."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, answering=Knowing(recording="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        await desk.not_answered("talk", "q1", message(1).person)
        *_, second = await say(store, pipeline, message(2, RECORDING, "u2"))
    assert second.question == "q1"
    assert second.answer is None


@pytest.mark.parametrize("undone", [False, True])
async def test_what_is_merged_keeps_what_its_askers_contradicted(store: SqliteStore, undone: bool) -> None:
    """A source that an asker of either question called no answer is not sent to the next one of both; after undo the
    other question has it again."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, answering=Knowing(recording="answer", gateway="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PROTOCOL, "u2"))
        await desk.not_answered("talk", "q1", message(1).person)
        await desk.merge("ann", ["q1"], "q2")
        if undone:
            await desk.undo("ann", "talk")
        *_, last = await say(store, pipeline, message(3, "Those protocols, in the recording?", "u3"))
    assert last.question == ("q1" if undone else "q2")
    assert last.answer is None


@pytest.mark.parametrize("back", [False, True])
async def test_a_look_up_that_was_cut_off_is_gone_through_after_a_restart(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """Of more open questions than are looked up at a time all get what the course says now, also where it says again
    by then what it had said before; and once that is done, nothing is looked up again."""
    apart = replace(TALK, grouping=Mode.OFF)
    asked = [message(n, f"{RECORDING} {n}") for n in range(LOOKED_UP + 8)]
    suggests = Knowing(recording="suggest")

    async def suggested() -> list[bool]:
        return [
            placement is not None and placement.answer is not None for _, placement in await store.placements("talk")
        ]

    async with running(store, apart) as pipeline:
        await say(store, pipeline, *asked)
    real, looks, held = store.look_up, list[int](), asyncio.Event()

    async def look_up(session: str, found: Sequence[LookedUp], cursor: Cursor) -> bool:
        looks.append(len(found))
        if len(looks) == 2:
            await held.wait()
        return await real(session, found, cursor)

    monkeypatch.setattr(store, "look_up", look_up)
    async with running(store, apart, answering=suggests, says="something"):
        await until(lambda: len(looks) == 2)
    assert sum(await suggested()) == LOOKED_UP
    newest: dict[str, Any] = {} if back else {"answering": suggests, "says": "something"}
    async with running(store, apart, **newest) as pipeline:
        await pipeline.drained()
        assert await suggested() == [not back] * len(asked)
    looks.clear()
    async with running(store, apart, **newest) as pipeline:
        await pipeline.drained()
    assert looks == []


async def test_a_message_that_cannot_be_looked_up_stops_nobody(store: SqliteStore) -> None:
    """A model fails on one question when the course changes: what was suggested to it stays, the others are looked up,
    what comes in is understood, and after a restart it is tried again."""

    class Broken(Knowing):
        def matches(self, texts: Sequence[str], vectors: Any) -> list[Match | None]:
            if any("gateway" in text for text in texts):
                raise ValueError("no numbers")
            return super().matches(texts, vectors)

    async with running(store, answering=Knowing(recording="suggest", gateway="suggest")) as pipeline:
        await say(store, pipeline, message(1, PRICE), message(2, RECORDING))
        pipeline.teach(Broken(protocols="suggest"), says="something else")  # type: ignore[arg-type]
        placed = await say(store, pipeline, message(3, PROTOCOL))
        await pipeline.drained()
    assert [placement.answer is not None for placement in placed] == [True, False, True]
    async with running(store, answering=Knowing(protocols="suggest")) as pipeline:
        pipeline.teach(Knowing(protocols="suggest"), says="something else")  # type: ignore[arg-type]
        await pipeline.drained()
        placed = await say(store, pipeline, message(4, PROTOCOL, "u4"))
    assert [placement.answer is not None for placement in placed] == [False, False, True, True]


async def test_a_course_that_cannot_be_read_takes_nothing_from_the_board(store: SqliteStore) -> None:
    """The folder is on a disk that is not there yet after a restart: what was suggested stays, and is what counts once
    the course is there again."""
    async with running(store) as pipeline:
        pipeline.teach(Knowing(gateway="suggest"), says="gateways")  # type: ignore[arg-type]
        await say(store, pipeline, message(1, PRICE))
    async with running(store) as pipeline:
        pipeline.teach(Knowing(), says=None)  # type: ignore[arg-type]
        placed = await say(store, pipeline, message(2, RECORDING))
        assert [placement.answer is not None for placement in placed] == [True, False]
        pipeline.teach(Knowing(gateway="suggest"), says="gateways")  # type: ignore[arg-type]
        placed = await say(store, pipeline, message(3, RECORDING, "u3"))
    assert [placement.answer is not None for placement in placed] == [True, False, False]


async def test_a_late_asker_hears_the_recorded_answer(store: SqliteStore) -> None:
    """Who asks what an expert answered before gets that answer instead of an acknowledgement, at once: the outbox is
    told that there is something to say."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    woken: list[bool] = []
    async with running(store, sending=lambda: woken.append(True)) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        await desk.answer("ann", "q1", "Tomorrow at noon.")
        woken.clear()
        await say(store, pipeline, message(2, RECORDING, "u2"))
        assert woken
    said = [d.text for d in await store.deliveries("talk") if d.address.chat == "u2"]
    assert len(said) == 1
    assert "Tomorrow at noon." in said[0]


async def test_acknowledgements_count_people(store: SqliteStore) -> None:
    """In a group chat one acknowledgement is reworded with the number of people, and a repeater counts once."""
    group = {"chat": "-100", "private": False}
    async with running(store) as pipeline:
        for n, user in enumerate(["u1", "u2", "u2", "u3"], 1):
            await say(store, pipeline, message(n, RECORDING, user, **group))
    (delivery,) = await store.deliveries("talk")
    assert "2 other" in delivery.text


async def test_later_messages_follow_a_moderators_merge_and_split(store: SqliteStore) -> None:
    """After a merge the loser's wording leads to the winner; after undo it leads back."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PROTOCOL, "u2"))
        await desk.merge("ann", ["q2"], "q1")
        assert (await say(store, pipeline, message(3, PROTOCOL, "u3")))[-1].question == "q1"
        await desk.split("ann", "q1", [2, 3])
        assert (await say(store, pipeline, message(4, PROTOCOL, "u4")))[-1].question == "q2.2"
        await desk.undo("ann", "talk")
        assert (await say(store, pipeline, message(5, PROTOCOL, "u5")))[-1].question == "q1"


@pytest.mark.parametrize("restart", [False, True])
async def test_undoing_a_merge_is_followed_after_a_restart_too(store: SqliteStore, restart: bool) -> None:
    """A wording whose merge was undone founds and joins as if it had never been merged."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PROTOCOL, "u2"))
        await desk.merge("ann", ["q2"], "q1")
        if not restart:
            await desk.undo("ann", "talk")
            assert (await say(store, pipeline, message(3, PROTOCOL, "u3")))[-1].question == "q2"
            return
    async with running(store) as pipeline:
        await say(store, pipeline)
        await desk.undo("ann", "talk")
        assert (await say(store, pipeline, message(3, PROTOCOL, "u3")))[-1].question == "q2"


async def test_grouping_can_be_left_to_moderators(store: SqliteStore) -> None:
    """With grouping on suggest repeated questions stand alone and all name the first one; off names none."""
    repeats = [message(n, RECORDING, f"u{n}") for n in (1, 2, 3)]
    async with running(store, replace(TALK, grouping=Mode.SUGGEST)) as pipeline:
        placed = await say(store, pipeline, *repeats)
    assert [(p.question, p.suggested) for p in placed] == [("q1", None), ("q2", "q1"), ("q3", "q1")]
    async with running(store, replace(TALK, grouping=Mode.OFF)) as pipeline:
        *_, last = await say(store, pipeline, message(4, RECORDING, "u4"))
    assert (last.question, last.suggested, last.same, last.joins) == ("q4", None, "q1", True)
    assert (await store.question("q4")).suggested_merge == ()


CHAT = [
    message(
        n,
        random.Random(n).choice([RECORDING, PRICE, PROTOCOL, "666", f"And what about {n}?"]),
        f"u{n % 7}",
        chat=f"c{n % 2}",
    )
    for n in range(1, 60)
]


async def decisions(folder: Path, *, batch: int, stop_after: int | None = None) -> tuple[list[Placement], list[str]]:
    """What is decided about CHAT, in batches of this size, with a stop and a new start on the way."""
    heeding = {"batch": batch, "detector": Attentive}
    encoder = Counting()
    store = await open_store(folder / f"{batch}-{stop_after}.sqlite3")
    await store.save_session(TALK)
    try:
        if stop_after is not None:
            async with running(store, encoder=encoder, **heeding) as pipeline:
                await say(store, pipeline, *CHAT[:stop_after])
            await store.receive(CHAT[stop_after : stop_after + 5])
        async with running(store, encoder=encoder, **heeding) as pipeline:
            return await say(store, pipeline, *CHAT), encoder.seen
    finally:
        await store.close()


@pytest.mark.parametrize(("batch", "stop_after"), [(1, None), (7, None), (64, 20), (3, 41)])
async def test_decisions_depend_on_the_order_alone(tmp_path: Path, batch: int, stop_after: int | None) -> None:
    """Other batches, a stop, a redelivery and a restart give the same decisions, those that heed what stood before
    included, and nothing is encoded twice."""
    plain, encoded = await decisions(tmp_path, batch=64)
    other, encoded_too = await decisions(tmp_path, batch=batch, stop_after=stop_after)
    assert other == plain
    assert sorted(encoded_too) == sorted(encoded)


class Failing:
    """A store whose `place` fails a few times."""

    def __init__(self, store: SqliteStore, times: int) -> None:
        self._store = store
        self.left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def place(self, *args: Any) -> None:
        if self.left:
            self.left -= 1
            raise StoreError("the disk is full")
        await self._store.place(*args)


async def test_a_full_disk_delays_but_loses_nothing(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a commit fails the pipeline tries again with the same decisions, and goes on."""
    monkeypatch.setattr("bot.pipeline.STORE_RETRY", (0.01,))
    failing = Failing(store, 3)
    async with running(failing) as pipeline:  # type: ignore[arg-type]
        placed = await say(store, pipeline, message(1, RECORDING), message(2, RECORDING, "u2"))
    assert failing.left == 0
    assert [p.question for p in placed] == ["q1", "q1"]


class Forgetting(Failing):
    """A store in which somebody is forgotten just before the first batch is placed."""

    async def place(self, *args: Any) -> None:
        if self.left:
            self.left -= 1
            await self._store.forget(Person("telegram", "u1"), None, 200.0)
        await self._store.place(*args)


async def test_whoever_is_forgotten_while_they_are_understood_founds_nothing(store: SqliteStore) -> None:
    """The question is that of the next one who asked it, who hears so; the other hears nothing."""
    async with running(Forgetting(store, 1)) as pipeline:  # type: ignore[arg-type]
        placed = await say(store, pipeline, message(1, "recording, asks Ann?"), message(2, RECORDING, "u2"))
    assert [p.question for p in placed] == [None, "q2"]
    assert {id: (one.title, one.original) for id, one in (await states(store)).items()} == {
        "q2": (RECORDING, RECORDING)
    }
    assert [(one.address.chat, one.text) for one in await store.deliveries("talk")] == [
        ("u2", f"Got your question: {RECORDING}")
    ]


class Choking(TopicEncoder):
    """Fails on some texts, and gives no numbers for others."""

    def encode(self, texts: Sequence[str]) -> Any:
        if any("poison" in text for text in texts):
            raise RuntimeError("cannot")
        rows = super().encode(texts)
        rows[["nan" in text for text in texts]] = float("nan")
        return rows


async def test_a_message_that_cannot_be_understood_stops_nobody(store: SqliteStore) -> None:
    """The model fails on two messages of a batch: they are kept with that reason, and all others are placed as ever."""
    async with running(store, encoder=Choking("recording")) as pipeline:
        placed = await say(
            store,
            pipeline,
            message(1, RECORDING),
            message(2, "poison?", "u2"),
            message(3, RECORDING, "u3"),
            message(4, "nan?", "u4"),
            message(5, RECORDING, "u5"),
        )
    assert [p.question for p in placed] == ["q1", None, "q1", None, "q1"]
    for failed in (placed[1], placed[3]):
        assert [reason.code for reason in failed.reasons.asking] == ["not_understood"]


class Away(TopicEncoder):
    """Cannot be asked the first times."""

    def __init__(self, times: int) -> None:
        super().__init__("recording", "gateway", "protocols")
        self.left = times

    def encode(self, texts: Sequence[str]) -> Any:
        if texts and self.left:
            self.left -= 1
            raise EncoderGone("no encoder service")
        return super().encode(texts)


async def test_messages_wait_for_an_encoder_that_is_away(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """None of them is taken for one that cannot be understood; when it is back they are placed as ever, with what came
    meanwhile, and the log says what was waited for."""
    monkeypatch.setattr("bot.pipeline.ENCODER_RETRY", 0.1)
    async with running(store, encoder=Away(3)) as pipeline:
        await store.receive([message(1, RECORDING), message(2, RECORDING, "u2")])
        pipeline.wake()
        await asyncio.sleep(0.15)
        placed = await say(store, pipeline, message(3, PRICE, "u3"))
    assert [p.question for p in placed] == ["q1", "q1", "q3"]
    assert caplog.text.count("no encoder service; trying again") == 3


async def test_groups_are_looked_at_and_changed_in_one_thread(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever types sees what it would join at any time, so what moderators did and what is read anew is taken over in
    the thread that looks."""
    threads: dict[str, set[str]] = {}

    def watched(name: str) -> Callable[..., Any]:
        real = getattr(Groups, name)

        def call(*args: Any, **more: Any) -> Any:
            threads.setdefault(name, set()).add(threading.current_thread().name)
            return real(*args, **more)

        return call

    for name in ("add", "move", "decide", "keep_apart"):
        monkeypatch.setattr(Groups, name, watched(name))
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PROTOCOL, "u2"))
        await desk.merge("ann", ["q2"], "q1")
        await say(store, pipeline, message(3, PROTOCOL, "u3"))
        await desk.split("ann", "q1", [2, 3])
        await pipeline.preview(PRICE)
        await pipeline.restore()
        await say(store, pipeline, message(4, PRICE, "u4"))
    assert set(threads) == {"add", "move", "decide", "keep_apart"}
    names = set.union(*threads.values())
    assert len(names) == 1
    assert threading.main_thread().name not in names


async def test_what_comes_in_a_crowd_gives_way_for_seconds_at_most(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that took long does not let the next one wait for three times as long."""
    waited: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float, *more: Any) -> Any:
        waited.append(seconds)
        return await real(seconds, *more)

    class Slow(TopicEncoder):
        def encode(self, texts: Sequence[str]) -> Any:
            time.sleep(0.3 if texts else 0.0)
            return super().encode(texts)

    monkeypatch.setattr("bot.pipeline.LONGEST_WAY", 0.05)
    monkeypatch.setattr("bot.pipeline.asyncio.sleep", sleep)
    async with running(store, encoder=Slow("recording"), crowded=lambda: True, batch=1) as pipeline:
        placed = await say(store, pipeline, message(1, RECORDING), message(2, RECORDING, "u2"))
    assert [p.question for p in placed] == ["q1", "q1"]
    assert waited == [0.05, 0.05]


async def test_what_would_not_be_sent_is_not_shown_while_somebody_types(store: SqliteStore) -> None:
    """An answer that an asker contradicted a moment ago, and the course's where a person has answered."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, answering=Knowing(recording="answer", gateway="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PRICE, "u2"))
        assert (await pipeline.preview(RECORDING)).answer is not None
        assert (await pipeline.preview(PRICE)).answer is not None
        await desk.not_answered("talk", "q1", message(1).person)
        await desk.answer("ann", "q2", "It costs nothing.")
        contradicted, answered = await pipeline.preview(RECORDING), await pipeline.preview(PRICE)
    assert (contradicted.question, contradicted.answer) == ("q1", None)
    assert (answered.question, answered.answer) == ("q2", None)


async def test_what_is_being_written_is_looked_up_and_changes_nothing(store: SqliteStore) -> None:
    """The question it would join and the answer that would be sent are told; chatter brings nothing up; afterwards the
    queue is as it was, and the same text asked for real still founds or joins as before."""
    async with running(store, answering=Knowing(gateway="answer", protocols="suggest")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        before = await states(store)
        same, answered = await pipeline.preview(RECORDING + "?"), await pipeline.preview(PRICE)
        unsure, nothing = await pipeline.preview(PROTOCOL), await pipeline.preview("666")
        assert await states(store) == before
        _, joined = await say(store, pipeline, message(2, RECORDING + "?", "u2"))
    assert (same.question, same.surely, same.answer) == ("q1", True, None)
    assert (answered.question, answered.answer and answered.answer.text) == (None, "About gateway.")
    assert unsure.answer is None
    assert nothing == Preview()
    assert joined.question == "q1"


async def test_who_merges_or_moves_sees_what_is_likely_after_all_that_people_did(store: SqliteStore) -> None:
    """The likeliest other question comes first, also for what was split off a moment ago: whoever did so by mistake
    finds it there. Of what is not there, nothing."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PRICE, "u2"), message(3, "gateway, when?", "u3"))
        before = await pipeline.likely("q2", [])
        await desk.split("ann", "q2", [3])
        (own,) = {question.id for question in await store.questions(TALK.id)} - {"q1", "q2"}
        whole, wording = await pipeline.likely(own, []), await pipeline.likely(own, [3])
        assert await pipeline.likely("q99", []) == await pipeline.likely(own, [1]) == []
    assert [one.question for one in before] == ["q1"]
    assert [one.question for one in whole] == [one.question for one in wording] == ["q2", "q1"]
    assert whole[0].likelihood > 0.5 > whole[1].likelihood


async def test_what_the_machine_would_have_joined_is_likely_where_it_may_not(store: SqliteStore) -> None:
    """Where grouping is only suggested, the question that it would have been comes first."""
    suggesting = replace(TALK, grouping=Mode.SUGGEST)
    async with running(store, suggesting) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PRICE, "u2"), message(3, "gateway, when?", "u3"))
        assert [one.question for one in await pipeline.likely("q3", [])] == ["q2", "q1"]


async def test_of_several_questions_in_one_line_none_hides_the_others(store: SqliteStore) -> None:
    """While it is typed nothing is shown of it: what answers the one would be taken for all."""
    async with running(store, answering=Knowing(slides="answer")) as pipeline:
        assert (await pipeline.preview("Will the slides be shared?")).answer is not None
        assert await pipeline.preview("Is this recorded? Will the slides be shared?") == Preview()


async def test_a_long_story_that_was_told_is_recognised_while_it_is_typed_again(store: SqliteStore) -> None:
    """By its words, all of them, though only both ends are read, and nothing is understood of those."""

    class Blind(TopicEncoder):
        def encode(self, texts: Sequence[str]) -> Any:
            return super().encode(texts) * 0.0

    story = " ".join(f"word{n}" for n in range(400)) + ", what now?"
    async with running(store, encoder=Blind()) as pipeline:
        await say(store, pipeline, message(1, story))
        assert await pipeline.preview(story) == Preview("q1", True)


async def test_what_an_encoder_makes_no_numbers_of_shows_nothing(store: SqliteStore) -> None:
    """Nobody who types is told of an error."""

    class Broken(TopicEncoder):
        def encode(self, texts: Sequence[str]) -> Any:
            return super().encode(texts) * (np.nan if PRICE in texts else 1.0)

    async with running(store, encoder=Broken("recording"), answering=Knowing(gateway="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        assert await pipeline.preview(PRICE) == Preview()
        assert await pipeline.best(PRICE) is None


async def test_what_the_course_says_best_is_found_however_unsure_it_is(store: SqliteStore) -> None:
    """For whoever answers by hand, with its probability; nothing where the course may say nothing."""
    async with running(store, answering=Knowing(gateway="silent")) as pipeline:
        found = await pipeline.best(PRICE)
        assert found is not None
        assert (found.source, found.score, found.state) == ("faq#gateway", 0.97, "suggested")
        assert await pipeline.best(RECORDING) is None
    async with running(store, replace(TALK, answers=Mode.OFF), answering=Knowing(gateway="silent")) as pipeline:
        assert await pipeline.best(PRICE) is None


async def test_a_session_that_sends_no_answers_shows_none_either(store: SqliteStore) -> None:
    """Where a moderator decides about answers, nobody gets one while typing."""
    session = replace(TALK, answers=Mode.SUGGEST)
    async with running(store, session, answering=Knowing(gateway="answer")) as pipeline:
        assert (await pipeline.preview(PRICE)).answer is None


@pytest.mark.parametrize("shown", [True, False])
async def test_who_asks_what_was_dismissed_is_told_why_in_private_where_they_may_know(
    store: SqliteStore, shown: bool
) -> None:
    """A late joiner hears the reason at once where the moderator lets it and nobody else reads; else only that the
    question was heard. In a group nobody is told."""
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        desk = Desk(store, lambda _: None, lambda: 1000.0)
        await desk.dismiss("ann", ["q1"], "the house allows none", shown)
        before = {d.key for d in await store.deliveries("talk")}
        alone, group = message(2, RECORDING, "u2"), message(3, RECORDING, "u3", chat="-1", private=False)
        placed = await say(store, pipeline, alone, group)
    assert {one.question for one in placed} == {"q1"}
    told = {d.key: d for d in await store.deliveries("talk") if d.key not in before}
    reasons = [d for d in told.values() if "the house allows none" in d.text]
    assert [d.key for d in reasons] == (["reason:q1:telegram:u2"] if shown else [])
    assert ("u2" in {d.address.chat for d in told.values() if d not in reasons}) is not shown


TAKES_BACK: dict[str, Callable[[Desk], Awaitable[object]]] = {
    "reopen": lambda desk: desk.reopen("ann", ["q1"]),
    "not_asking": lambda desk: desk.not_asking("ann", "q1", [1, 2]),
    "not_answered": lambda desk: desk.not_answered("talk", "q1", message(1).person),
}


@pytest.mark.parametrize("act", TAKES_BACK.values(), ids=TAKES_BACK)
async def test_what_the_course_answered_and_was_taken_back_is_not_sent(
    store: SqliteStore, act: Callable[[Desk], Awaitable[object]]
) -> None:
    """As long as it waits, for a chat that is down; an undo sends it after all."""

    async def due() -> set[str]:
        return {one.key.partition(":")[0] for one in await store.due(1e9, 99, ())}

    async with running(store, answering=Knowing(recording="answer")) as pipeline:
        await say(store, pipeline, message(1, RECORDING, "u1"), message(2, "Any recording of it?", "u2"))
    assert await due() == {"course"}
    desk = Desk(store, lambda _: None, lambda: 200.0)
    await act(desk)
    assert await due() == set()
    await desk.undo("ann", "talk", (await store.actions("talk"))[0].id)
    assert await due() == {"course"}


async def test_what_a_person_dismissed_the_course_does_not_answer(store: SqliteStore) -> None:
    """Whoever asks it again is sent nothing of it, nor is it shown while they type; it is suggested to people."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, answering=Knowing(recording="suggest")) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
        await desk.dismiss("ann", ["q1"], "", False)
        pipeline.teach(Knowing(recording="answer"), says="")  # type: ignore[arg-type]
        assert (await pipeline.preview(RECORDING)).answer is None
        _, again = await say(store, pipeline, message(2, RECORDING, "u2"))
    assert again.answer
    assert (again.question, again.answer.state) == ("q1", "suggested")
    assert (await states(store))["q1"].status is Status.DISMISSED


async def test_what_asks_nothing_is_not_acknowledged(store: SqliteStore) -> None:
    """As long as that waits, for a chat that is down; an undo acknowledges it after all."""

    async def due() -> set[str]:
        return {one.key.partition(":")[0] for one in await store.due(1e9, 99, ())}

    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING))
    assert await due() == {"ack"}
    desk = Desk(store, lambda _: None, lambda: 200.0)
    await desk.not_asking("ann", "q1", [1])
    assert await due() == set()
    await desk.undo("ann", "talk")
    assert await due() == {"ack"}


async def test_what_people_did_is_followed_before_anybody_asks_again(store: SqliteStore) -> None:
    """What asks nothing any more is no likely question, nor is it found while somebody types."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PRICE, "u2"))
        assert (await pipeline.preview(RECORDING + "?")).question == "q1"
        await desk.not_asking("ann", "q1", [1])
        pipeline.wake()
        await asyncio.wait_for(pipeline.drained(), 10)
        assert (await pipeline.preview(RECORDING + "?")).question is None
        assert await pipeline.likely("q2", []) == []


async def test_what_people_say_of_this_evening_reads_no_other_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A series is long: its earlier evenings are read at the start, and where something was corrected there."""
    await store.save_session(replace(TALK, id="one", series="autumn", starts_at=1.0))
    session = replace(TALK, series="autumn", starts_at=2.0)
    await store.save_session(session)
    read: list[str] = []
    real = store.remembered
    monkeypatch.setattr(store, "remembered", lambda session: read.append(session) or real(session))
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    async with running(store, session) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PRICE, "u2"))
        assert read == ["one", "talk"]
        await desk.not_asking("ann", "q1", [1])
        assert [one.asking for one in await say(store, pipeline, message(3, RECORDING, "u3"))] == [True, True, False]
        assert read == ["one", "talk", "talk"]
        pipeline.reconsider()
        await say(store, pipeline, message(4, PROTOCOL, "u4"))
        assert read == ["one", "talk", "talk", "one", "talk"]
