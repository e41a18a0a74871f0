"""Since when a question is on stage, and how the stage is shown."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.errors import Conflict
from bot.model import Change, Stage, Status
from bot.ports import Store
from tests.bot.storage.acts import change
from tests.bot.storage.conftest import Open
from tests.bot.values import state

To = Callable[..., Awaitable[int]]


@pytest.fixture
async def to(store: Store) -> To:
    """Brings the question "q1" into a status at a time; the action's id."""
    await store.apply(Change("talk", 1.0, "ann", "split", ((None, state("q1")),)))

    async def change(status: Status, at: float, undoes: int | None = None) -> int:
        before = (await store.question("q1")).state
        pairs = ((before, replace(before, status=status)),)
        return (await store.apply(Change("talk", at, "ann", "test", pairs, undoes=undoes))).id

    return change


async def since(store: Store) -> float | None:
    return (await store.question("q1")).staged_at


async def test_a_question_knows_when_it_came_on_stage(store: Store, to: To) -> None:
    """Not before; then from when it came, whatever else is changed; and anew when it comes again."""
    assert await since(store) is None
    await to(Status.ON_STAGE, 10.0)
    before = (await store.question("q1")).state
    await store.apply(Change("talk", 20.0, "ann", "edit", ((before, replace(before, title="Another title")),)))
    assert await since(store) == 10.0
    await to(Status.QUEUED, 30.0)
    assert await since(store) == 10.0
    await to(Status.ON_STAGE, 40.0)
    assert await since(store) == 40.0


async def test_what_is_undone_never_was(store: Store, to: To) -> None:
    """Back on stage by undo, the time goes on as if it had not left; off it by undo, it never came."""
    await to(Status.ON_STAGE, 10.0)
    left = await to(Status.ANSWERED, 50.0)
    await to(Status.ON_STAGE, 55.0, left)
    assert await since(store) == 10.0
    came = await to(Status.QUEUED, 60.0)
    came = await to(Status.ON_STAGE, 70.0)
    await to(Status.QUEUED, 71.0, came)
    assert await since(store) is None


async def test_a_second_question_is_never_on_stage(store: Store, to: To) -> None:
    """Who stages one while somebody else staged another is refused, also by undo; in its place it may come."""
    two = state("q2")
    await change(store, "split", (None, two))
    staged = replace(two, status=Status.ON_STAGE)
    came = await to(Status.ON_STAGE, 10.0)
    for undoes in (None, came):
        with pytest.raises(Conflict):
            await change(store, "stage", (two, staged), undoes=undoes)
    one = (await store.question("q1")).state
    await change(store, "edit", (one, replace(one, title="Another title")))
    one = (await store.question("q1")).state
    await change(store, "stage", (one, replace(one, status=Status.QUEUED)), (two, staged))
    assert {q.id: q.status for q in await store.questions("talk")} == {"q1": Status.QUEUED, "q2": Status.ON_STAGE}


async def test_the_time_can_begin_anew(store: Store, to: To) -> None:
    """For the question on stage, which is told as changed; where none is, nothing happens."""
    await store.restart_stage("talk", 5.0)
    assert await since(store) is None
    await to(Status.ON_STAGE, 10.0)
    known = (await store.question("q1")).revision
    await store.restart_stage("talk", 30.0)
    (changed,) = await store.questions("talk", known)
    assert (changed.id, changed.staged_at) == ("q1", 30.0)


async def test_how_a_stage_is_shown_outlives_a_restart(opening: Open) -> None:
    """The limit and blanking of each session, without any until somebody chose."""
    store = await opening()
    assert await store.stage("talk") == Stage()
    await store.keep_stage("talk", Stage(120, True))
    await store.keep_stage("talk", Stage(60, False))
    await store.keep_stage("other", Stage(0, True))
    await store.close()
    store = await opening()
    assert [await store.stage(session) for session in ("talk", "other")] == [Stage(60, False), Stage(0, True)]
    await store.close()
