"""Short ways to bring a store into a state, for tests."""

from dataclasses import replace
from typing import Any

import numpy as np

from bot.model import Action, Change, Message, Move, Placed, Placement, QuestionState, Status
from bot.ports import Store
from tests.bot.values import message, state

VECTOR = np.array([0.6, 0.8], dtype=np.float32)


async def ask(store: Store, question: str, user: str = "u1", **more: Any) -> Message:
    """A message arrives and is placed in `question`, which it founds where it is not there yet."""
    placement = {key: more.pop(key) for key in ("similarity", "suggested", "answer", "reasons") if key in more}
    reopens, closes = more.pop("reopens", False), more.pop("closes", False)
    founds = more.pop("founds", None)
    one = await arrive(store, user=user, **more)
    if founds is None and question not in {q.id for q in await store.questions(one.session)}:
        founds = replace(state(question), session=one.session)
    decided = Placement(one.id, True, 0.9, question, **placement, same=question, joins=founds is None)
    await store.place(one.session, [Placed(decided, VECTOR, founds, reopens, closes)])
    return one


async def arrive(store: Store, **more: Any) -> Message:
    """A new message, as the inbox gives it back."""
    session = more.get("session", "talk")
    sent = message(len(await store.placements(session)) + 1, **more)
    await store.receive([sent])
    return (await store.placements(session))[-1][0]


async def change(
    store: Store,
    what: str,
    *pairs: tuple[QuestionState | None, QuestionState | None],
    moves: tuple[Move, ...] = (),
    **more: Any,
) -> Action:
    return await store.apply(Change("talk", 500.0, "ann", what, pairs, moves, **more))


async def merge(store: Store, loser: str, winner: str) -> Action:
    before = (await store.question(loser)).state
    return await change(store, "merge", (before, replace(before, status=Status.MERGED, merged_into=winner)))


async def undo(store: Store, action: Action) -> Action:
    """Take an action back as the desk does."""
    return await change(
        store,
        "undo",
        *((after, before) for before, after in reversed(action.change.questions)),
        moves=tuple(Move(m.message, m.after, m.before) for m in reversed(action.change.moves)),
        undoes=action.id,
    )
