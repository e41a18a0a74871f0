"""What people answered on the earlier evenings of a series, as entries of this evening's course."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from bot.given import lasting
from bot.model import Answer, QuestionState, Session
from bot.ports import Store
from bot.queueing import earlier
from bot.replies import earlier_id, evening_line
from knowledge.answering import Answering
from knowledge.calibration import AnsweringJudge
from knowledge.encoder import Encoder
from knowledge.material import Course, Entry
from knowledge.text import normalise

WORDINGS = 8
"""Of one question at most: the encoder reads each, and more of them are seldom new."""


async def earlier_answers(session: Session, store: Store) -> list[tuple[Entry, ...]]:
    """What a person answered in earlier sessions of the series, the latest answers first; those of one session that
    follow each other stand together.

    Their ids are "earlier:SESSION#QUESTION". Raises `StoreError`.
    """
    found: list[tuple[float, str, Entry]] = []
    for evening in earlier(session, await store.sessions()):
        found += [
            (answer.at, evening.id, await _entry(evening, question.state, answer, store))
            for question in await store.questions(evening.id)
            if (answer := lasting(question.state))
        ]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [tuple(entry for *_, entry in those) for _, those in groupby(found, key=lambda one: one[1])]


async def _entry(evening: Session, state: QuestionState, answer: Answer, store: Store) -> Entry:
    wordings = {normalise(state.title): state.title}
    for one in await store.asked(state.id):
        text = " ".join(one.message.text.split())
        if known := normalise(text):  # not of whoever was forgotten
            wordings.setdefault(known, text)
    return Entry(
        id=earlier_id(evening.id, state.id),
        question=state.title,
        phrasings=tuple(wordings.values())[1 : WORDINGS + 1],
        answer=answer.text,
        source=evening_line(evening, answer.at),
    )


def beside(course: Course, evenings: Sequence[tuple[Entry, ...]], encoder: Encoder, judge: AnsweringJudge) -> Course:
    """The course with what `earlier_answers` found. `encoder` should remember, for it is asked for the same
    texts evening after evening.

    Of two evenings' answers to one question only the first stays, the course's own before all: two that fit equally
    well would leave each other no margin, and neither would be said.
    """
    entries = list(course.entries)
    for evening in evenings:
        others = tuple(entry for entry in entries if _evening(entry) != _evening(evening[0]))
        known = Answering(Course(others, (), ()), encoder, judge)
        vectors = encoder.encode([entry.question for entry in evening])
        for entry, vector in zip(evening, vectors, strict=True):
            match = known.match(entry.question, vector)
            if match is None or match.verdict != "answer":
                entries.append(entry)
    return replace(course, entries=tuple(entries))


def _evening(entry: Entry) -> str:
    """What the ids of one evening's answers begin with; of the course's own entries something else."""
    return entry.id.rpartition("#")[0]
