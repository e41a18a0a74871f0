"""Whatever moderators do is obeyed: at once, after a restart, and in the later talks of a series."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.desk import Desk
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.model import Action, Message, Mode, Placed, Placement, Session
from bot.pipeline import Pipeline
from bot.storage.sqlite import SqliteStore, open_store
from knowledge.calibration import GroupingJudge, Judge
from knowledge.encoder import HEADS
from knowledge.likeness import FEATURES
from knowledge.logistic import Logistic
from tests.bot.test_pipeline import PROTOCOL, RECORDING, running, say
from tests.bot.values import TALK, message

ANGLES = (0, 12, 25, 38, 52, 70, 95, 120)
TEXTS = [f"What is at {angle} degrees?" for angle in ANGLES]


class Circle:
    """Each text is where it says on a circle: neighbours are joined, those after them proposed, the rest is far."""

    name = fingerprint = reading = "circle"
    dimension = 2

    def encode(self, texts: Sequence[str]) -> Any:
        angles = np.radians([ANGLES[TEXTS.index(text)] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    def read(self, pairs: Sequence[tuple[str, str]]) -> Any:
        return np.zeros((len(pairs), HEADS), dtype=np.float32)


COSINE = Logistic(-16.0, {**dict.fromkeys(FEATURES, 0.0), "cosine": 20.0}, dict.fromkeys(FEATURES, 0.0))
JUDGE = GroupingJudge(*[Judge(COSINE, unrelated=0.0, join=0.5, suggest=0.02)] * 2, usual=0.0, spread=1.0)
CIRCLE: dict[str, Any] = {"encoder": Circle(), "judge": JUDGE}


Pair = frozenset[int]


@dataclass
class Word:
    """What the newest act said about each pair of messages: True, they are one question; False, they are two."""

    last: dict[Pair, bool] = field(default_factory=dict)
    acts: list[tuple[str, dict[Pair, bool], dict[Pair, bool]]] = field(default_factory=list)

    def say(self, what: str, pairs: dict[Pair, bool]) -> None:
        self.acts.append((what, pairs, dict(self.last)))
        self.last |= pairs

    def undo(self, moved: set[int]) -> None:
        """A merge that is taken back parts; else what was said before holds, of the moved ones whatever came since."""
        what, pairs, before = self.acts.pop()
        if what == "merge":
            self.last |= dict.fromkeys(pairs, False)
            return
        ends = {pair for pair in self.last if pair in pairs or pair & moved}
        self.last = {pair: word for pair, word in self.last.items() if pair not in ends}
        self.last |= {pair: before[pair] for pair in ends if pair in before}


def cross(ones: Sequence[int], others: Sequence[int], same: bool) -> dict[Pair, bool]:
    return {frozenset(pair): same for pair in itertools.product(ones, others) if pair[0] != pair[1]}


class Moderated:
    """A session with somebody who acts on what stands, and a record of what they said."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.desk = Desk(store, lambda _: None, lambda: 1000.0)
        self.word = Word()

    async def groups(self) -> dict[str, list[int]]:
        """The messages of each standing question."""
        standing = [q.id for q in await self.store.questions("talk") if not q.state.merged_into]
        return {id: [a.message.id for a in await self.store.asked(id)] for id in standing}

    async def act(self, what: str, one: int, other: int) -> None:
        groups = await self.groups()
        ids = sorted(groups)
        if not ids:
            return
        a, b = ids[one % len(ids)], ids[other % len(ids)]
        mine = groups[a][other % len(groups[a])]
        try:
            await self._do(what, a, b, mine, groups)
        except (BadInput, Conflict, NotAllowed, NotFound):
            return  # the desk says why not; nothing changed

    async def _do(self, what: str, a: str, b: str, mine: int, groups: dict[str, list[int]]) -> None:
        rest = [id for id in groups[a] if id != mine]
        if what == "merge":
            await self.desk.merge("ann", [a], b)
            self.word.say(what, cross(groups[a], groups[b], True))
        elif what == "apart":
            await self.desk.apart("ann", [a], b)
            self.word.say(what, cross(groups[a], groups[b], False))
        elif what == "split":
            await self.desk.split("ann", a, [mine])
            self.word.say(what, cross([mine], rest, False))
        elif what == "move" and a != b:
            await self.desk.move("ann", [mine], a, b)
            self.word.say(what, {**cross([mine], rest, False), **cross([mine], groups[b], True)})
        elif what == "undo" and self.word.acts:
            done: Action = await self.desk.undo("ann", "talk")
            self.word.undo({move.message for move in done.change.moves})

    async def check(self) -> None:
        """No two messages that a person parted are one question, and none is proposed for the other's."""
        groups = await self.groups()
        place = {message: id for id, messages in groups.items() for message in messages}
        proposed = {q.id: {one.question for one in q.suggested_merge} for q in await self.store.questions("talk")}
        for pair, same in self.word.last.items():
            one, other = (place[message] for message in pair)
            assert (one == other) or not same
            if not same:
                assert one != other
                assert other not in proposed[one]
                assert one not in proposed[other]


Step = tuple[str, int, int]
SOME: list[Step] = [("ask", text, text) for text in (0, 2, 4, 5, 6, 7, 1, 3)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "merge", "split", "move", "apart", "undo"]), st.integers(0, 7), st.integers(0, 7)
    ),
    min_size=6,
    max_size=14,
).map(lambda steps: SOME + steps)


UNDO: Step = ("undo", 0, 0)


async def play(
    steps: Sequence[Step], *, batch: int = 64, restarts: bool = False, session: Session = TALK
) -> list[Placement]:
    """What is decided when these things happen, with the pair rule checked after each."""
    store = await open_store(":memory:")
    await store.save_session(TALK)
    moderated = Moderated(store)
    placed: list[Placement] = []
    try:
        for asks, run in itertools.groupby(enumerate(steps), lambda step: step[1][0] == "ask"):
            if asks:
                lines = [message(n, TEXTS[text], f"u{who % 3}") for n, (_, text, who) in run]
                async with running(store, session, **CIRCLE, batch=batch) as pipeline:
                    for some in [lines] if not restarts else [[line] for line in lines]:
                        placed = await say(store, pipeline, *some)
                        if restarts:
                            await pipeline.restore()
                await moderated.check()
                continue
            for _, (what, one, other) in run:
                await moderated.act(what, one, other)
                await moderated.check()
        return placed
    finally:
        await store.close()


@given(STEPS)
@example([("ask", 2, 2), ("ask", 5, 5), ("ask", 7, 7), ("merge", 0, 1), ("move", 0, 1), ("merge", 1, 0), *[UNDO] * 2])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_people_said_holds_whatever_comes_after(steps: list[Step]) -> None:
    """In any order of asking, merging, splitting, moving, keeping apart and undoing; in any batches and after restarts
    the same is decided, for the same reasons."""
    plain = asyncio.run(play(steps))
    assert asyncio.run(play(steps, batch=1, restarts=True)) == plain


async def live(store: SqliteStore, steps: Sequence[Step], session: Session) -> list[Placement]:
    """The same without a stop: one pipeline follows the ledger."""
    moderated = Moderated(store)
    placed: list[Placement] = []
    async with running(store, session, **CIRCLE) as pipeline:
        for n, (what, one, other) in enumerate(steps):
            if what == "ask":
                placed = await say(store, pipeline, message(n, TEXTS[one], f"u{other % 3}"))
            else:
                await moderated.act(what, one, other)
    return placed


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.SUGGEST])
@given(STEPS)
@example([("ask", 0, 0), ("ask", 5, 1), ("merge", 1, 0), ("split", 0, 1), ("ask", 5, 2), UNDO, ("ask", 5, 0)])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_pipeline_that_follows_the_ledger_decides_as_one_that_starts_anew(mode: Mode, steps: list[Step]) -> None:
    """The cache of the session never differs from the store, also where moderators group."""
    session = replace(TALK, grouping=mode)

    async def both() -> tuple[list[Placement], list[Placement]]:
        store = await open_store(":memory:")
        try:
            await store.save_session(TALK)
            return await live(store, steps, session), await play(steps, session=session)
        finally:
            await store.close()

    followed, anew = asyncio.run(both())
    assert followed == anew


async def test_where_sources_took_turns_a_restart_decides_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that came in earlier and was placed later, into a question of another source, stays one that joined."""
    monkeypatch.setattr("bot.storage.inbox.PATIENT", 0)
    waiting = [message(1, TEXTS[7]), message(2, TEXTS[1], "u2"), message(3, TEXTS[0], "u3", source="web")]

    async def similarity(restart: bool) -> float | None:
        store = await open_store(":memory:")
        await store.save_session(TALK)
        async with running(store, **CIRCLE, batch=2) as pipeline:
            placed = await say(store, pipeline, *waiting)
            assert [one.question for one in placed] == ["q1", "q3", "q3"]
            if restart:
                await pipeline.restore()
            placed = await say(store, pipeline, message(4, TEXTS[3], "u4"))
        await store.close()
        return placed[-1].similarity

    assert await similarity(restart=True) == await similarity(restart=False)


async def test_a_repeat_joins_and_says_whose_it_is(store: SqliteStore) -> None:
    """The same line again counts its person once; another's joins that question; both say so."""
    async with running(store) as pipeline:
        _, own, other = await say(
            store, pipeline, message(1, RECORDING), message(2, RECORDING.upper()), message(3, RECORDING, "u2")
        )
    assert (own.question, other.question) == ("q1", "q1")
    assert [r.code for r in own.reasons.grouping] == ["own_repeat"]
    assert [r.code for r in other.reasons.grouping] == ["same_text"]
    assert (await store.question("q1")).people == 2


async def test_every_decision_keeps_its_reasons(store: SqliteStore) -> None:
    """They are read back from the store as they were decided, three at most of each kind."""
    async with running(store) as pipeline:
        placed = await say(store, pipeline, message(1, RECORDING), message(2, "666"), message(3, PROTOCOL + " Please"))
    assert [r.code for r in placed[0].reasons.grouping] == ["first"]
    assert [r.code for r in placed[1].reasons.asking] == ["chatter"]
    assert placed[2].reasons.grouping
    assert all(len(kind) <= 3 for p in placed for kind in (p.reasons.asking, p.reasons.grouping, p.reasons.answer))


@pytest.mark.parametrize("series", ["autumn", ""])
async def test_what_a_moderator_says_of_a_line_holds_for_the_same_words(store: SqliteStore, series: str) -> None:
    """That they ask nothing, or something: at once, after a restart, in the next talk of the series, until it is
    undone; not for what is sent as a question, nor for other words."""
    first, second = replace(TALK, series=series), replace(TALK, id="talk2", series=series)
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    for session in (first, second):
        await store.save_session(session)
    notice, plea = "The recording? Sound's back", "louder please"
    lines = (f"{notice.upper()} ", notice + "!", plea, replace(message(9, notice, "u9"), explicit=True))
    numbers = itertools.count(10)

    def again(session: Session) -> list[Message]:
        texts = [message(1, one) if isinstance(one, str) else one for one in lines]
        named = [(one, next(numbers)) for one in texts]
        return [replace(one, external_id=f"m{n}", author=f"u{n}", session=session.id) for one, n in named]

    async def asks(session: Session, pipeline: Pipeline) -> list[bool]:
        there = len(await store.placements(session.id))
        await store.receive(again(session))
        pipeline.wake()
        await asyncio.wait_for(pipeline.drained(), 10)
        return [p.asking for _, p in await store.placements(session.id) if p][there:]

    async with running(store, first, judge=JUDGE) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, notice, "u2"), message(3, plea, "u3"))
        assert await asks(first, pipeline) == [True, True, False, True]
        done = await desk.not_asking("ann", "q1", [2])
        await desk.take("ann", "talk", 3)
        assert await asks(first, pipeline) == [False, True, True, True]
    async with running(store, first, judge=JUDGE) as pipeline:
        assert await asks(first, pipeline) == [False, True, True, True]
    async with running(store, second, judge=JUDGE) as pipeline:
        assert await asks(second, pipeline) == ([False, True, True, True] if series else [True, True, False, True])
    async with running(store, first, judge=JUDGE) as pipeline:
        await asks(first, pipeline)
        await desk.undo("ann", "talk", done.id)
        assert await asks(first, pipeline) == [True, True, True, True]
        assert 2 in [one.message.id for one in await store.asked("q1")]


async def test_what_may_ask_the_same_is_proposed_and_founds_its_own(store: SqliteStore) -> None:
    """The machine joins its neighbour, proposes who is a little further off, and is silent about the rest."""
    await store.save_session(TALK)
    near, between, far = (TEXTS[ANGLES.index(angle)] for angle in (12, 52, 120))
    async with running(store, **CIRCLE) as pipeline:
        lines = [message(n, text, f"u{n}") for n, text in enumerate((TEXTS[0], near, between, far), 1)]
        placed = await say(store, pipeline, *lines)
    assert [one.question for one in placed] == ["q1", "q1", "q3", "q4"]
    assert [one.suggested for one in placed] == [None, None, "q1", None]
    assert [(one.id, tuple(o.question for o in one.suggested_merge)) for one in await store.questions("talk")] == [
        ("q1", ()),
        ("q3", ("q1",)),
        ("q4", ()),
    ]


async def test_what_was_said_last_of_the_same_words_holds(store: SqliteStore) -> None:
    """Whichever line was said first, and after a restart; a line that no model could read says what was said of it."""
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    await store.save_session(TALK)
    words = "The recording"
    async with running(store) as pipeline:
        lines = [message(1, RECORDING), message(2, words, "u2"), message(3, words, "u3"), message(4, words, "u4")]
        assert [one.asking for one in await say(store, pipeline, *lines)] == [True, False, False, False]
        await desk.take("ann", "talk", 3)
        await desk.take("ann", "talk", 2)
        await say(store, pipeline)
        assert await store.told("talk") == [(words, True), (words, True)]
        await desk.not_asking("ann", (await store.asked("q1"))[-1].question, [2])
        assert await store.told("talk") == [(words, True), (words, False)]
        await desk.take("ann", "talk", 2)
        assert await store.told("talk") == [(words, True), (words, True)]
    await store.place("talk", [Placed(Placement(2, False, 0.0))])  # as where the model fails
    assert await store.told("talk") == [(words, True), (words, True)]


@pytest.mark.parametrize("series", ["autumn", ""])
@pytest.mark.parametrize("by", ["split", "move", "apart"])
async def test_a_series_remembers_what_was_parted(store: SqliteStore, series: str, by: str) -> None:
    """What was split off, moved away or kept apart in one talk is not put together in the next of its series, though
    its words would be; in another series it is."""
    first, second = replace(TALK, series=series), replace(TALK, id="talk2", series=series)
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    for session in (first, second):
        await store.save_session(session)
    lines = [message(1, TEXTS[0]), message(2, TEXTS[1], "u2")]
    async with running(store, first, **CIRCLE) as pipeline:
        await say(store, pipeline, *lines)
        placed = [placement for _, placement in await store.placements("talk") if placement]
        assert placed[0].question == placed[1].question == "q1"
        if by == "move":
            await say(store, pipeline, message(3, TEXTS[-1], "u3"))
            await desk.move("ann", [placed[1].message], "q1", "q3")
        else:
            await desk.split("ann", "q1", [placed[1].message])
        if by == "apart":
            there = [question.id for question in await store.questions("talk")]
            await desk.apart("ann", there[1:], there[0])
    async with running(store, second, **CIRCLE) as pipeline:
        for at, line in enumerate(lines, 11):
            await say(store, pipeline, replace(line, id=at, external_id=f"n{at}", session="talk2"))
    again = [placement for _, placement in await store.placements("talk2") if placement]
    assert (again[0].question == again[1].question) == (not series)


@pytest.mark.parametrize("series", ["autumn", ""])
async def test_a_series_remembers_what_was_joined_and_kept_apart(store: SqliteStore, series: str) -> None:
    """A merge in one talk holds in the next of its series, in no other; so does keeping apart, and undo ends it."""
    first, second = replace(TALK, series=series), replace(TALK, id="talk2", series=series)
    desk = Desk(store, lambda _: None, lambda: 1000.0)
    for session in (first, second):
        await store.save_session(session)
    async with running(store, first, judge=JUDGE) as pipeline:
        await say(store, pipeline, message(1, RECORDING), message(2, PROTOCOL, "u2"))
    merged = await desk.merge("ann", ["q2"], "q1")

    async def placed(session: Session, *texts: str) -> list[Placement]:
        there = len(await store.placements(session.id))
        lines = [message(there + n, text, f"v{n}", session=session.id) for n, text in enumerate(texts, 1)]
        async with running(store, session, judge=JUDGE) as pipeline:
            await store.receive(lines)
            pipeline.wake()
            await asyncio.wait_for(pipeline.drained(), 10)
        return [p for _, p in await store.placements(session.id) if p][there:]

    recording, protocols, _ = await placed(
        second, "Any recording, please?", "And the protocols, which?", "What protocols?"
    )
    assert (protocols.question == recording.question) == bool(series)
    if series:
        assert protocols.reasons.grouping[0].code == "told_same"
        await desk.undo("ann", "talk", merged.id)
        (again,) = await placed(second, "So which protocols are they?")
        assert again.question == recording.question  # it joins the wording that is there, not the precedent
        third = replace(TALK, id="talk3", series=series)
        await store.save_session(third)
        recording, protocols = await placed(third, "Any recording, please?", "And the protocols, which?")
        assert protocols.question != recording.question
        async with running(store, third, judge=JUDGE) as pipeline:
            precedents, _ = await pipeline._earlier_corrections()
            assert precedents.apart == {"q1": {"q2"}, "q2": {"q1"}}
