"""One message with two questions, from the chat to the queue, the asker and the report."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.app.floor import OpenFloor
from bot.desk import Desk
from bot.model import Message, Placement
from bot.pipeline import Pipeline
from bot.report import Material, build_report
from bot.storage.sqlite import SqliteStore
from knowledge.asking import Asking
from knowledge.context import EMPTY, Context
from tests.bot.test_pipeline import PRICE, RECORDING, Ears, Knowing, running, states
from tests.bot.values import TALK, message

FIRST, SECOND = RECORDING, "Also, what does a gateway cost us?"
BOTH = f"{FIRST} {SECOND}"


class Deaf(Ears):
    """Never takes the first question for one."""

    def judge(self, text: str, vector: Any, context: Context = EMPTY, fits: Any = None) -> Asking:
        return Asking(False, 0.1) if text == FIRST else super().judge(text, vector, context)


async def hear(store: SqliteStore, pipeline: Pipeline, *messages: Message) -> tuple[int, list[Placement]]:
    """Messages come in as from a connector: how many were new, and what was decided about all there are."""
    floor = OpenFloor(store, Desk(store, lambda _: None, lambda: 1.0), lambda _: pipeline.wake(), lambda: None)
    new = await floor.receive(messages)
    pipeline.wake()
    await pipeline.drained()
    return new, [placement for _, placement in await store.placements("talk") if placement]


async def test_each_question_has_its_own_place(store: SqliteStore) -> None:
    """Two questions in one message found two groups with their own words, and each joins what asks the same."""
    async with running(store) as pipeline:
        await hear(store, pipeline, message(1, PRICE, "u9"))
        new, placed = await hear(store, pipeline, message(2, BOTH))
    assert new == 1
    assert [(p.question, p.asking) for p in placed] == [("q1", True), ("q2", True), ("q1", True)]
    assert (await states(store))["q2"].title == FIRST
    assert [m.text for m, _ in await store.placements("talk")] == [PRICE, FIRST, SECOND]


@pytest.mark.parametrize("again", [BOTH, FIRST, "Something else?"])
async def test_a_redelivery_changes_nothing(store: SqliteStore, again: str) -> None:
    """The same message a second time, in these or other words, adds neither a message nor a part."""
    async with running(store) as pipeline:
        _, before = await hear(store, pipeline, message(1, BOTH))
        new, after = await hear(store, pipeline, message(1, again))
    assert (new, after) == (0, before)


async def test_what_was_received_whole_gains_no_part(store: SqliteStore) -> None:
    """A message that was received before it would have been split stays as it is when it is delivered again."""
    async with running(store) as pipeline:
        await store.receive([message(1, BOTH)])
        new, placed = await hear(store, pipeline, message(1, BOTH))
    assert (new, len(placed)) == (0, 1)


async def test_the_chat_hears_one_reply_unless_the_second_is_answered(store: SqliteStore) -> None:
    """One acknowledgement for the message; what the course answers is said for each part."""
    async with running(store) as pipeline:
        await hear(store, pipeline, message(1, BOTH))
    assert [d.key.split(":")[0] for d in await store.deliveries("talk")] == ["ack"]
    async with running(store, answering=Knowing(gateway="answer")) as pipeline:
        await hear(store, pipeline, message(2, BOTH, "u2"))
    said = [d for d in await store.deliveries("talk") if d.address.chat == "u2"]
    assert sorted(d.key.split(":")[0] for d in said) == ["ack", "course"]
    assert any("About gateway." in d.text for d in said)


@pytest.mark.parametrize("batch", [1, 9])
async def test_the_reply_is_for_the_first_part_that_asks(store: SqliteStore, batch: int) -> None:
    """Where the detector takes the first part for no asking, the second is acknowledged, whatever the batches."""
    async with running(store, detector=Deaf, batch=batch) as pipeline:
        _, placed = await hear(store, pipeline, message(1, BOTH))
    assert [p.asking for p in placed] == [False, True]
    assert [d.key.split(":")[1] for d in await store.deliveries("talk")] == ["q2"]


async def test_the_asker_sees_what_becomes_of_each(store: SqliteStore) -> None:
    """Both parts are the asker's own under the message's id, each with its own question."""
    async with running(store) as pipeline:
        await hear(store, pipeline, message(1, BOTH))
    desk = Desk(store, lambda _: None, lambda: 1.0)
    await desk.answer("ann", "q2", "Nothing.")
    mine = await desk.mine("talk", message(1).person)
    assert [(m.external_id, m.part, m.text) for m, _ in mine] == [("m1", 1, FIRST), ("m1", 2, SECOND)]
    assert [state.status.value for _, state in mine if state] == ["new", "answered"]


async def test_parts_are_not_counted_as_messages(store: SqliteStore) -> None:
    """The report counts the message once, and so does a question into which both parts were merged."""
    async with running(store) as pipeline:
        await hear(store, pipeline, message(1, BOTH), message(2, "666", "u2"), message(3, PRICE, "u3"))
    await Desk(store, lambda _: None, lambda: 1.0).merge("ann", ["q2"], "q1")
    questions = await store.questions("talk")
    report = build_report(Material(TALK, await store.heard("talk"), questions), 1.0)
    assert (report.headline.messages, report.headline.asked, report.headline.people) == (3, 2, 3)
    assert [(chat.messages, chat.asked) for chat in report.chats] == [(3, 2)]
    assert sum(report.timeline.messages) == 3
    (merged,) = (q for q in questions if q.id == "q1")
    assert (merged.messages, merged.people) == (2, 2)


async def test_a_part_moves_and_comes_back_like_any_message(store: SqliteStore) -> None:
    """A moderator moves the second part to another question, and undo brings it back; the first stays where it is."""
    desk = Desk(store, lambda _: None, lambda: 1.0)

    async def filed() -> Sequence[str]:
        return [a.question for a in await store.asked_by("talk", message(2).person)]

    async with running(store) as pipeline:
        await hear(store, pipeline, message(1, PRICE, "u9"), message(2, BOTH))
    assert await filed() == ["q2", "q1"]
    await desk.move("ann", [3], "q1", "q2")
    assert await filed() == ["q2", "q2"]
    await desk.undo("ann", "talk")
    assert await filed() == ["q2", "q1"]


@pytest.mark.parametrize("external_id", ["m1", "m1#2", "m1\x1f2", "1"])
async def test_any_external_id_may_have_parts(store: SqliteStore, external_id: str) -> None:
    """A part's message keeps the id that the platform gave."""
    more: dict[str, Any] = {"external_id": external_id}
    async with running(store) as pipeline:
        await hear(store, pipeline, replace(message(1, BOTH), **more))
    assert [(m.external_id, m.part) for m, _ in await store.placements("talk")] == [(external_id, 1), (external_id, 2)]
