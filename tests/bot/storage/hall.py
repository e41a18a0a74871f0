"""A plain model of what a store keeps of one session, to hold stores against."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.model import UNSURE, Change, CourseMatch, Likely, Message, Person, Placed, Question, QuestionState, Status
from bot.queueing import OPEN
from bot.replies import by_course


@dataclass
class Line:
    """A message, its decision once there is one, and the group it lies in."""

    message: Message
    placed: Placed | None = None
    question: str | None = None


@dataclass
class Hall:
    lines: dict[int, Line] = field(default_factory=dict)
    states: dict[str, QuestionState] = field(default_factory=dict)
    founded: dict[str, float] = field(default_factory=dict)
    votes: set[tuple[str, Person]] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    staged: dict[str, float] = field(default_factory=dict)

    def final(self, id: str) -> str:
        return self.states[id].merged_into or id

    def standing(self) -> list[str]:
        return sorted(id for id, state in self.states.items() if state.status is not Status.MERGED)

    def place(self, placed: Sequence[Placed]) -> None:
        for one in placed:
            line = self.lines[one.placement.message]
            if one.founds:
                self.states[one.founds.id] = one.founds
                self.founded.setdefault(one.founds.id, line.message.at)
            line.placed, line.question = one, one.placement.question
            if one.reopens and line.question:
                self._reopen(self.final(line.question))
        for one in placed:
            if one.closes and one.placement.question:
                self._close(self.final(one.placement.question))

    def _reopen(self, id: str) -> None:
        state = self.states[id]
        if state.status is Status.ANSWERED and state.answer and state.answer.by_itself:
            self.states[id] = replace(state, status=Status.NEW, answer=None)

    def _close(self, id: str) -> None:
        state = self.states[id]
        if state.status is Status.NEW and not self._rejected(id) and not self._question(state).waiting:
            lines = [line for line in self.lines.values() if line.question and self.final(line.question) == id]
            heard = ((line.placed.placement.answer, line.message.at) for line in lines if line.placed)
            said, at = next((match, at) for match, at in heard if match and match.state == "sent")
            self.states[id] = replace(state, status=Status.ANSWERED, answer=by_course(said, at))

    def vote(self, id: str, person: Person, on: bool) -> None:
        one = {q for q in self.states if self.final(q) == self.final(id)}
        held = {(q, person) for q in one} & self.votes
        if on and not held:
            self.votes.add((id, person))
        if not on:
            self.votes -= held

    def blocked(self, change: Change) -> bool:
        """Does what stands now contradict what this change was made from?"""
        stale = any(self.states.get((before or after).id) != before for before, after in change.questions)  # type: ignore[union-attr]
        moved = {m.message: m.after for m in change.moves}
        astray = any(m.before not in self._lies_in(m.message) for m in change.moves)
        gone = {before.id for before, after in change.questions if before and not after}
        left = any(moved.get(id, line.question) in gone for id, line in self.lines.items())
        return stale or astray or left or self._chained(change) or self._crowded(change)

    def _lies_in(self, message: int) -> set[str]:
        """The group that holds a message, and the one that counts it: a move may name either."""
        held = self.lines[message].question
        return {held or "", self.final(held) if held else ""}

    def _chained(self, change: Change) -> bool:
        """Would a merged question name one that is merged itself, or gone?"""
        after: dict[str, QuestionState | None] = {**self.states}
        for before, state in change.questions:
            after[(before or state).id] = state  # type: ignore[union-attr]
        merged = [state.merged_into for state in after.values() if state and state.merged_into]
        finals = [after.get(id) for id in merged]
        return any(final is None or final.merged_into != "" for final in finals)

    def _crowded(self, change: Change) -> bool:
        """Would a question come on stage beside another one?"""
        comes = {after.id for _, after in change.questions if after and after.status is Status.ON_STAGE}
        stands = {id for id, state in self.states.items() if state.status is Status.ON_STAGE}
        return bool(comes - stands) and bool(stands - comes)

    def apply(self, change: Change) -> None:
        for before, after in change.questions:
            if after:
                self._stages(change, before, after)
                self.states[after.id] = after
                self.founded.setdefault(after.id, change.at)
            elif before:
                del self.states[before.id]
        for move in change.moves:
            self.lines[move.message].question = move.after or None
        for gone in {before.id for before, after in change.questions if before and not after}:
            to = next((move.after for move in change.moves if move.before == gone), gone)
            self.votes = {(to if id == gone else id, person) for id, person in self.votes}
        if change.undoes:
            self.undone.add(change.undoes)

    def _stages(self, change: Change, before: QuestionState | None, after: QuestionState) -> None:
        was, now = [state is not None and state.status is Status.ON_STAGE for state in (before, after)]
        if now and not was:
            self.staged[after.id] = self.staged.get(after.id, change.at) if change.undoes else change.at
        elif was and not now and change.undoes:
            self.staged.pop(after.id, None)

    def questions(self) -> dict[str, Question]:
        """Every question as the store should show it, but for its revision (0)."""
        return {id: self._question(state) for id, state in self.states.items()}

    def _question(self, state: QuestionState) -> Question:
        members = {id for id, other in self.states.items() if state.id in (id, other.merged_into)}
        lines = [line for line in self.lines.values() if line.question in members]
        askers = {_who(line.message.person) for line in lines}
        people = askers | {_who(person) for question, person in self.votes if question in members}
        times = [line.message.at for line in lines] or [self.founded[state.id]]
        joined = [
            p.placement.similarity
            for line in lines
            if (p := line.placed) and not p.founds and p.placement.question == line.question == state.id
        ]
        waits, rejected = state.status in OPEN, self._rejected(state.id)
        return Question(
            state,
            len(people),
            len(askers),
            len(people) - len(askers),
            len(lines),
            dict(Counter(source for source, _ in askers)),
            min(times),
            max(times),
            0,
            len(people) - len(_told(rejected, lines)) if waits else 0,
            min((s for s in joined if s is not None), default=None),
            sum(s < UNSURE for s in joined if s is not None),
            _best(rejected, lines) if waits else None,
            self._suggested(state.id, lines) if waits else (),
            self.staged.get(state.id),
        )

    def _rejected(self, id: str) -> set[str]:
        """What somebody called no answer to it, or to what was merged into it."""
        whole = (other for other in self.states.values() if id in (other.id, other.merged_into))
        return {source for one in whole for source in one.rejected}

    def _suggested(self, id: str, lines: Iterable[Line]) -> tuple[Likely, ...]:
        found: dict[str, float] = {}
        for placement in (line.placed.placement for line in lines if line.placed):
            if placement.suggested in self.states:
                other = self.final(placement.suggested)
                found[other] = max(placement.similarity or 0.0, found.get(other, 0.0))
        likely = [Likely(other, p) for other, p in found.items() if other not in {id, *self.apart(id)}]
        return tuple(sorted(likely, key=lambda one: -one.likelihood))

    def apart(self, id: str) -> set[str]:
        """The groups that somebody said this one is not."""
        named = [
            {self.final(one), self.final(other)}
            for one, state in self.states.items()
            for other in state.apart
            if other in self.states
        ]
        return set().union(*(pair for pair in named if id in pair)) - {id}


def _who(person: Person) -> tuple[str, str]:
    return person.source, person.id


def _told(rejected: set[str], lines: Iterable[Line]) -> set[tuple[str, str]]:
    """Whose last message in it was answered by what nobody rejected."""
    last = {_who(line.message.person): line.placed for line in lines}
    heard = {who: placed.placement.answer for who, placed in last.items() if placed}
    return {who for who, match in heard.items() if match and match.state == "sent" and match.source not in rejected}


def _best(rejected: set[str], lines: Iterable[Line]) -> CourseMatch | None:
    answers = [line.placed.placement.answer if line.placed else None for line in lines]
    heard = [a for a in answers if a is None or (a.state != "withheld" and a.source not in rejected)]
    sums: dict[str, float] = {}
    for match in filter(None, heard):
        sums[match.source] = sums.get(match.source, 0.0) + match.score
    if not sums or (mean := round(max(sums.values()) / len(heard), 4)) < 0.2:
        return None
    surest = next(source for source, total in sums.items() if total == max(sums.values()))
    best = max((match for match in heard if match and match.source == surest), key=lambda match: match.score)
    return replace(best, score=mean)


def shown(questions: Mapping[str, Question]) -> dict[str, Question]:
    return {id: replace(question, revision=0) for id, question in questions.items()}
