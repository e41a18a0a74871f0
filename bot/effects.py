"""What each mode of each ability would have done with the last askings, and how many of these acts people judged.

Pure: from what the store kept to counts. It can be said of every mode whatever the modes were, because the machine
decides the same in all of them and a `Placement` keeps that decision (`same`, `joins`, `CourseMatch.sure`,
`acknowledges`); the mode only says what becomes of it. Two things are taken as they were: the other two abilities, and
what people did. What people would have done had they seen another board, nobody knows.

A judgement is an act of a person. That nobody touched something is none: silence is counted as not judged.

*Grouping*, "this message asks what that question asks":
- with: a person put both together (accepted the merge, merged or moved them by hand), or confirmed that the message
  belongs there;
- against: a person said they are two (kept apart, merge taken back), took the message out of the question that the
  machine had put it in (split, moved), put it with another question that the machine holds for another, or said that
  it asks nothing.

*Answers*, "this part of the course answers this message":
- with: a moderator accepted it for the question, or gave its words or named it as the source of an own answer;
- against: an asker said that it does not answer the question; a moderator answered otherwise (in own words, aloud, with
  another part of the course), reopened what it had answered, or said that the message asks nothing.
An answer counts for what was asked before it. A dismissed question says nothing about its answer.

*Memory*, "what was answered on an earlier evening answers this message", is judged in the same way. It acts where the
course did not answer by itself.

*Promoting*, "this answer of a person goes into the FAQ": with what an organiser accepted, against what one declined.

*Acknowledgements* are not judged, only counted: lines (one for a question in a chat, reworded as more ask) and chats.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.apart import kept_apart
from bot.model import (
    COURSE,
    Action,
    Asked,
    CourseMatch,
    Mode,
    Promotion,
    PromotionStage,
    QuestionState,
    founded_by,
)
from bot.promoting import promotable

LAST = 100
"""Askings that are looked at."""

EXAMPLES = 5
"""Acts against people's judgement that are named, the newest first."""

ACCEPTING = ("accept", "recall")
JUDGING = (*ACCEPTING, "reopen")
"""What of the ledger is read: all else that people said stands in the questions."""


Judgement = Literal["with", "against", "unjudged"]


@dataclass(frozen=True, slots=True)
class Example:
    """An act against a person's judgement: a wording `text` and the `question` it counts for now; what it would have
    been put to or told, `what`: a question's title or the course's words, by `key`, its id or source."""

    question: str
    title: str
    text: str
    key: str
    what: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a mode would have done with the last askings: `acts`, in off none. In suggest an act is a proposal to a
    moderator; in auto it is done without one, and `proposes` counts what would still have been proposed.

    `confirmed` and `against` are those that a person judged. `chats`: where acknowledgements would have been written.
    """

    acts: int = 0
    proposes: int = 0
    confirmed: int = 0
    against: int = 0
    chats: int = 0
    examples: tuple[Example, ...] = ()

    @property
    def unjudged(self) -> int:
        return self.acts - self.confirmed - self.against


@dataclass(frozen=True, slots=True)
class Effects:
    """Of the last `askings` messages that ask something, at most `LAST`: by mode, for each ability."""

    askings: int
    grouping: Mapping[Mode, Effect]
    answers: Mapping[Mode, Effect]
    acknowledgements: Mapping[Mode, Effect]
    memory: Mapping[Mode, Effect]
    promoting: Mapping[Mode, Effect]


@dataclass(slots=True)
class _Count:
    """Adds up one mode of one ability."""

    acts: int = 0
    confirmed: int = 0
    against: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, judgement: Judgement, example: Example) -> None:
        self.acts += 1
        self.confirmed += judgement == "with"
        if judgement == "against":
            self.against += 1
            self.examples.append(example)

    def effect(self, proposes: int = 0) -> Effect:
        newest = tuple(self.examples[: -EXAMPLES - 1 : -1])
        return Effect(self.acts, proposes, self.confirmed, self.against, examples=newest)


def effects(
    askings: Sequence[Asked],
    states: Mapping[str, QuestionState],
    ledger: Iterable[Action],
    promotions: Iterable[Promotion] = (),
) -> Effects:
    """`askings` in order of arrival; `states` are all questions of the session by id, merged ones too; of the `ledger`
    only the acts in `JUDGING` count."""
    known = [one for one in askings if (_counts_for(one) in states if one.asking else not one.message.taken)]
    asking = [one for one in known if one.asking]
    told = _Ledger(ledger, states)
    course = [(one, one.placement.answer) for one in known if one.placement.answer]
    rest = [one for one in known if not one.placement.answer or one.placement.answer.state != "sent"]
    return Effects(
        askings=len(known),
        grouping=_grouping(known, states),
        answers=_answers(course, states, told),
        acknowledgements=_acknowledgements(asking),
        promoting=_promoting(asking, states, {one.question: one for one in promotions}),
        memory=_answers([(one, one.placement.memory) for one in rest if one.placement.memory], states, told),
    )


def _counts_for(one: Asked) -> str:
    """The question it belongs to; of what a person said that it asks nothing, the one it was taken for. What a person
    alone took for an asking, and nobody does now, says nothing of the machine."""
    return one.question or one.placement.question or ""


def _here(one: Asked, states: Mapping[str, QuestionState]) -> tuple[str, str]:
    """Id and title of the question that it counts for; its own words where that went with it."""
    state = states.get(_final(states, _counts_for(one)))
    return ("", one.message.text) if state is None else (state.id, state.title)


def _by_mode(suggest: _Count, auto: _Count) -> dict[Mode, Effect]:
    return {Mode.OFF: Effect(), Mode.SUGGEST: suggest.effect(), Mode.AUTO: auto.effect(suggest.acts - auto.acts)}


# -- grouping ---------------------------------------------------------------------------------------------------------


def _grouping(askings: Sequence[Asked], states: Mapping[str, QuestionState]) -> dict[Mode, Effect]:
    apart = kept_apart(states.values())
    # The question that the machine counts a question's first wording with, where the mode did not let it join that.
    held_for: dict[str | None, str | None] = {
        one.placement.question: one.placement.same
        for one in askings
        if one.placement.joins and founded_by(one.placement.question or "", one.message.id)
    }
    suggest, auto = _Count(), _Count()
    for one in askings:
        same = one.placement.same
        if same is None or same not in states:
            continue
        judged = _of_grouping(one, same, states, apart, held_for) if one.asking else "against"
        other = states[_final(states, same)]
        example = Example(*_here(one, states), one.message.text, other.id, other.title)
        suggest.add(judged, example)
        if one.placement.joins:
            auto.add(judged, example)
    return _by_mode(suggest, auto)


def _of_grouping(
    one: Asked,
    same: str,
    states: Mapping[str, QuestionState],
    apart: Mapping[str, Collection[str]],
    held_for: Mapping[str | None, str | None],
) -> Judgement:
    placed = one.placement.question
    here, there = one.question, _final(states, same)
    if here == there:
        return "with" if placed != same or one.confirmed else "unjudged"
    if placed == same or there in apart.get(here, ()):
        return "against"
    put = placed not in states or _final(states, placed) != placed or here != placed
    held = _final(states, held) if (held := held_for.get(here)) in states else here
    return "against" if put and held != there else "unjudged"


# -- answers ----------------------------------------------------------------------------------------------------------


class _Ledger:
    """Which parts of the course a person took for the answer of a question, and which one took back: until when."""

    def __init__(self, actions: Iterable[Action], states: Mapping[str, QuestionState]) -> None:
        self.accepted: dict[tuple[str, str], float] = {}
        self.withdrawn: dict[tuple[str, str], float] = {}
        for action in actions:
            change = action.change
            if action.undone or change.what not in JUDGING:
                continue
            accepts = change.what in ACCEPTING
            kept = self.accepted if accepts else self.withdrawn
            for before, after in change.questions:
                state = after if accepts else before
                if state is None or state.answer is None or state.answer.by != COURSE or state.id not in states:
                    continue
                for source in state.answer.sources:
                    key = (_final(states, state.id), source)
                    kept[key] = max(change.at, kept.get(key, 0.0))


def _answers(
    matches: Sequence[tuple[Asked, CourseMatch]], states: Mapping[str, QuestionState], ledger: _Ledger
) -> dict[Mode, Effect]:
    suggest, auto = _Count(), _Count()
    for one, match in matches:
        judged = _of_answer(one, match.source, match.text, states, ledger) if one.asking else "against"
        example = Example(*_here(one, states), one.message.text, match.source, match.text)
        suggest.add(judged, example)
        if match.sure:
            auto.add(judged, example)
    return _by_mode(suggest, auto)


def _of_answer(one: Asked, source: str, text: str, states: Mapping[str, QuestionState], ledger: _Ledger) -> Judgement:
    state, at = states[one.question], one.message.at
    placed = states.get(one.placement.question or "", state)
    if source in state.rejected or source in placed.rejected:
        return "against"
    key = (state.id, source)
    given = state.answer
    if given is not None and given.at >= at:
        if given.by != COURSE:
            return "with" if source in given.sources or _plain(given.text) == _plain(text) else "against"
        if any(ledger.accepted.get((state.id, said), 0.0) >= at for said in given.sources):
            return "with" if source in given.sources else "against"
    if ledger.withdrawn.get(key, -1.0) >= at and not (given and source in given.sources):
        return "against"
    return "unjudged"


def _plain(text: str) -> str:
    return " ".join(text.split())


# -- promoting --------------------------------------------------------------------------------------------------------


_DECIDED: Mapping[PromotionStage, Judgement] = {PromotionStage.ACCEPTED: "with", PromotionStage.DECLINED: "against"}


def _promoting(
    askings: Sequence[Asked], states: Mapping[str, QuestionState], promotions: Mapping[str, Promotion]
) -> dict[Mode, Effect]:
    """Each answer of a person once."""
    answers = _Count()
    for one in {one.question: one for one in askings}.values():
        if (answer := promotable(states[one.question])) is None:
            continue
        promotion = promotions.get(one.question)
        judged: Judgement = "unjudged"
        if promotion and promotion.answered_at == answer.at and promotion.decided_by:
            judged = _DECIDED.get(promotion.stage, judged)
        answers.add(judged, Example(one.question, states[one.question].title, one.message.text, "", answer.text))
    return {Mode.OFF: Effect(), Mode.SUGGEST: answers.effect(), Mode.AUTO: answers.effect()}


# -- acknowledgements -------------------------------------------------------------------------------------------------


def _acknowledgements(askings: Sequence[Asked]) -> dict[Mode, Effect]:
    lines = {
        (one.placement.question, address.connector, address.chat)
        for one in askings
        if one.placement.acknowledges and (address := one.message.address) is not None
    }
    chats = {(connector, chat) for _, connector, chat in lines}
    return {Mode.OFF: Effect(), Mode.AUTO: Effect(acts=len(lines), chats=len(chats))}


def _final(states: Mapping[str, QuestionState], id: str | None) -> str:
    state = states.get(id or "")
    return (state.merged_into or state.id) if state else id or ""
