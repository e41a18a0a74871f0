"""Any history of a session leaves a store with what a plain model has, and its news add up to its snapshots."""

import asyncio
import tempfile
from collections.abc import Awaitable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.errors import Conflict, StoreError
from bot.model import (
    Action,
    Answer,
    Change,
    CourseMatch,
    Message,
    Move,
    Person,
    Placed,
    Placement,
    Question,
    QuestionState,
    Status,
)
from bot.ports import Store
from tests.bot.storage.conftest import STORES
from tests.bot.storage.hall import Hall, Line, shown
from tests.bot.values import message

T = TypeVar("T")
PEOPLE = st.builds(Person, st.sampled_from(["web", "telegram"]), st.sampled_from(["a", "b", "c"]))
MATCHES = [
    None,
    CourseMatch("faq#1", 0.5, "suggested", "x"),
    CourseMatch("faq#2", 0.75, "sent", "y", sure=True),
    CourseMatch("faq#3", 0.9, "withheld", "z"),
]
COURSE = Answer("See page 3.", "course", 1.0, ("faq#1",))


class Session(RuleBasedStateMachine):
    """What may happen to a session, in any order."""

    name: ClassVar[str]

    @initialize()
    def found(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.grounds = ExitStack()
        self.ground = self.grounds.enter_context(STORES[self.name](Path(self.folder.name, "hall")))
        self.store: Store = self.run(self.ground.open())
        self.hall = Hall()
        self.actions: list[Action] = []
        self.last: list[Placed] = []
        self.seen: dict[str, Question] = {}
        self.revision = 0
        self._three_questions()

    def _three_questions(self) -> None:
        """Something to act on from the first step."""
        sent = [message(40 + n, user=user, source="web") for n, user in enumerate("aabc")]
        self.run(self.store.receive(sent))
        self._take_in(sent)
        for n, id in zip(list(self.hall.lines), ["q1", "q2", "q2", "q4"], strict=True):
            founds = None if id in self.hall.states else QuestionState(id, "talk", "t", "t")
            self.last = [Placed(Placement(n, True, 0.9, id, 0.75, "q1"), None, founds)]
            self.run(self.store.place("talk", self.last))
            self.hall.place(self.last)

    def _take_in(self, new: list[Message]) -> None:
        """They came last, under numbers that the store chose."""
        if new:
            last = self.run(self.store.placements("talk"))[-len(new) :]
            ids = [message.id for message, _ in last]
            self.hall.lines |= {id: Line(replace(one, id=id)) for id, one in zip(ids, new, strict=True)}

    def run(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    @rule(data=st.data(), person=PEOPLE, ids=st.lists(st.integers(0, 30), min_size=1, max_size=4))
    def receive(self, data: st.DataObject, person: Person, ids: list[int]) -> None:
        sent = [message(n, user=person.id, source=person.source, at=float(data.draw(st.integers(0, 9)))) for n in ids]
        known = {(line.message.source, line.message.external_id) for line in self.hall.lines.values()}
        new = {}
        for one in sent:
            if (one.source, one.external_id) not in known:
                new.setdefault(one.external_id, one)
        assert self.run(self.store.receive(sent)) == len(new)
        self._take_in(list(new.values()))

    @rule(data=st.data(), limit=st.integers(1, 4))
    def place(self, data: st.DataObject, limit: int) -> None:
        waiting = [line.message for line in self.hall.lines.values() if line.placed is None][:limit]
        assert self.run(self.store.pending("talk", limit)) == waiting
        self.last = [self._decide(data, one.id) for one in waiting]
        self.run(self.store.place("talk", self.last))
        self.hall.place(self.last)

    def _decide(self, data: st.DataObject, id: int) -> Placed:
        known = sorted(self.hall.states)
        question = data.draw(st.sampled_from([None, f"q{id}", f"q{id}", *known]), "question")
        if question is None:
            return Placed(Placement(id, False, 0.1))
        founds = None
        if question not in self.hall.states:
            answered = data.draw(st.booleans(), "answered by the course")
            status = Status.ANSWERED if answered else Status.NEW
            founds = QuestionState(question, "talk", "t", "t", status, answer=COURSE if answered else None)
        similarity = data.draw(st.sampled_from([None, 0.25, 0.5, 0.75]), "similarity")
        suggested = data.draw(st.sampled_from([None, *known]), "suggested")
        placement = Placement(id, True, 0.9, question, similarity, suggested, data.draw(st.sampled_from(MATCHES)))
        becomes = data.draw(st.sampled_from(["", "reopens", "closes"]))
        return Placed(placement, None, founds, becomes == "reopens", becomes == "closes")

    @rule()
    def place_the_last_batch_again(self) -> None:
        self.run(self.store.place("talk", self.last))

    @precondition(lambda self: self.hall.states)
    @rule(data=st.data(), person=PEOPLE, on=st.booleans())
    def vote(self, data: st.DataObject, person: Person, on: bool) -> None:
        id = data.draw(st.sampled_from(sorted(self.hall.states)))
        self.run(self.store.vote(id, person, on, 1.0))
        self.hall.vote(id, person, on)
        mine = {self.hall.final(q) for q, voter in self.hall.votes if voter == person}
        assert self.run(self.store.votes_of("talk", person)) == mine

    @precondition(lambda self: len(self.hall.standing()) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(self.hall.standing()), min_size=2, max_size=2, unique=True))
        loser, winner = chosen
        states = self.hall.states
        pairs = [(s, replace(s, merged_into=winner)) for s in states.values() if s.merged_into == loser]
        pairs.append((states[loser], replace(states[loser], status=Status.MERGED, merged_into=winner)))
        self._apply("merge", tuple(pairs))

    @precondition(lambda self: any(line.question for line in self.hall.lines.values()))
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        ids = sorted(id for id, line in self.hall.lines.items() if line.question)
        chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True))
        to = data.draw(st.sampled_from([f"s{len(self.actions)}", *self.hall.standing()]))
        founds = () if to in self.hall.states else ((None, QuestionState(to, "talk", "split", "split")),)
        self._apply("split", founds, tuple(Move(id, self.hall.final(str(self._lies_in(id))), to) for id in chosen))

    def _lies_in(self, id: int) -> str | None:
        return self.hall.lines[id].question

    @precondition(lambda self: self.hall.standing())
    @rule(
        data=st.data(),
        status=st.sampled_from([Status.QUEUED, Status.ANSWERED, Status.DISMISSED, Status.ON_STAGE, Status.NEW]),
    )
    def decide(self, data: st.DataObject, status: Status) -> None:
        state = self.hall.states[data.draw(st.sampled_from(self.hall.standing()))]
        answers = [COURSE, replace(COURSE, accepted=True), replace(COURSE, by="Ann")]
        answer = data.draw(st.sampled_from(answers)) if status is Status.ANSWERED else None
        rejected = data.draw(st.sampled_from([(), ("faq#2",)]))
        after = replace(state, status=status, answer=answer, rejected=rejected, labels=("a",))
        change = Change("talk", 7.0, "ann", status.value, ((state, after),))
        if self.hall.blocked(change):
            with pytest.raises(Conflict):
                self.run(self.store.apply(change))
            return
        self._apply(status.value, ((state, after),))

    @precondition(lambda self: len(self.hall.states) > 1)
    @rule(data=st.data())
    def keep_apart(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.hall.states)), min_size=2, max_size=2, unique=True))
        state = self.hall.states[chosen[0]]
        self._apply("apart", ((state, replace(state, apart=(*state.apart, chosen[1]))),))

    def _apply(self, what: str, pairs: tuple[Any, ...], moves: tuple[Move, ...] = ()) -> None:
        exact = tuple(replace(move, before=str(self._lies_in(move.message))) for move in moves)
        action = self.run(self.store.apply(Change("talk", 7.0, "ann", what, pairs, moves)))
        assert action.change.moves == exact
        self.hall.apply(action.change)
        self.actions.append(action)

    @precondition(lambda self: self.actions)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        action = self.actions[-data.draw(st.integers(1, len(self.actions)))]
        pairs = tuple((after, before) for before, after in reversed(action.change.questions))
        moves = tuple(Move(m.message, m.after, m.before) for m in reversed(action.change.moves))
        change = Change("talk", 8.0, "ann", "undo", pairs, moves, undoes=action.id)
        if action.id in self.hall.undone or self.hall.blocked(change):
            with pytest.raises(Conflict):
                self.run(self.store.apply(change))
            return
        self.actions.append(self.run(self.store.apply(change)))
        self.hall.apply(change)

    @rule()
    def close_and_open_again(self) -> None:
        self.run(self.store.close())
        self.store = self.run(self.ground.open())

    @rule(under_way=st.booleans())
    def crash(self, under_way: bool) -> None:
        """The program dies where it stands: nothing is closed, and the next one finds the files as they are now. A
        message that was `under_way` is kept or not, and comes again in any case."""
        sent = message(len(self.hall.lines) + 100, source="web")
        if under_way:
            receiving = self.run(self._begin(sent))
        self.ground.crash()
        if under_way:
            with suppress(StoreError):
                self.run(receiving)
        self.run(self.store.close())
        self.store = self.run(self.ground.open())
        if under_way:
            assert self.run(self.store.receive([sent])) <= 1
            self._take_in([sent])

    async def _begin(self, sent: Message) -> "asyncio.Task[int]":
        receiving = asyncio.create_task(self.store.receive([sent]))
        await asyncio.sleep(0)  # it is on its way
        return receiving

    @invariant()
    def shows_what_the_model_has(self) -> None:
        found = {q.id: q for q in self.run(self.store.questions("talk"))}
        assert shown(found) == self.hall.questions()
        for id in found:
            assert {a.question for a in self.run(self.store.asked(id))} <= {self.hall.final(id)}

    @invariant()
    def news_add_up_to_the_snapshot(self) -> None:
        for question in self.run(self.store.questions("talk", self.revision)):
            self.revision = question.revision
            if question.status is Status.MERGED and not question.state.merged_into:
                self.seen.pop(question.id, None)
            else:
                self.seen[question.id] = question
        assert self.seen == {q.id: q for q in self.run(self.store.questions("talk"))}

    @invariant()
    def keeps_every_message_and_action(self) -> None:
        lines = [(line.message, line.placed and line.placed.placement) for line in self.hall.lines.values()]
        assert self.run(self.store.placements("talk")) == lines
        ledger = [(a.change, a.id in self.hall.undone) for a in reversed(self.actions)]
        assert [(a.change, a.undone) for a in self.run(self.store.actions("talk", 1000))] == ledger

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.store.close())
            self.runner.close()
            self.grounds.close()
            self.folder.cleanup()


@pytest.mark.parametrize("name", STORES)
def test_any_history_leaves_what_the_model_has(name: str) -> None:
    """Receive, double, place, vote, merge, split, keep apart, decide, undo, redo, restart and crash, in any order."""
    machine = type("Session", (Session,), {"name": name})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
