"""What was answered aloud: which questions are looked for in a transcript, when that began, what is said of a passage.
Decides; calls nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bot.errors import BadInput
from bot.given import QUOTED, in_writing
from bot.model import (
    COURSE,
    Answer,
    Dated,
    Proposal,
    Proposed,
    Question,
    QuestionState,
    Remembered,
    Session,
    Status,
    Transcript,
    Vector,
)
from knowledge.aloud import APART, Answered, Passage, Sought, Speech, begins_at, passage_at
from knowledge.answering import cut
from knowledge.captions import Spoken, clock

SPEAKER = "speaker"
"""Who answered aloud, where the session names no speaker."""

LONGEST_QUOTE = 500
"""Characters of a passage that are told to whoever asked."""

LONGEST_LINK = 1000

FARTHEST = 24 * 3600.0
"""Seconds between a talk's beginning and that of its transcript; more is a slip."""

LATE_START = 2 * 3600.0
"""Seconds: a transcript that begins later than that counts from elsewhere, as one with times of day does."""

DOUBT = 1800.0
"""Seconds by which a recording may begin before the talk or after it, where nothing is known but when that began."""

_SOURCE = {"zh": "现场 {time}", "en": "aloud, at {time}"}
_OFFSET = re.compile(r"([+\-−]?)\s*(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5})(?:\.\d+)?\s*s?")

Wordings = Mapping[str, Sequence[tuple[str, Vector | None]]]
"""How each question was asked, by its id; a vector that is not known yet is None."""


def looked_for(questions: Iterable[Question]) -> list[Question]:
    """What may have been answered aloud: all but what was dismissed or is part of another question."""
    return [q for q in questions if q.status not in {Status.DISMISSED, Status.MERGED}]


def wordings(questions: Sequence[Question], remembered: Iterable[Remembered], finals: Mapping[str, str]) -> Wordings:
    """Every question's title and wordings, each once; `finals` maps a question that was merged to its group."""
    found: dict[str, dict[str, Vector | None]] = {q.id: {q.title: None} for q in questions}
    for one in remembered:
        if (texts := found.get(finals.get(one.question, one.question))) is not None:
            texts[one.text] = one.vector
    return {id: list(texts.items()) for id, texts in found.items()}


def talk_began(session: Session, questions: Sequence[Question]) -> float | None:
    """From when offsets count: as the session says, else when the first question came on stage or was asked."""
    if session.starts_at is not None:
        return session.starts_at
    staged = [q.staged_at for q in questions if q.staged_at is not None]
    return min(staged or [q.first_at for q in questions], default=None)


def dated(transcript: Transcript, offset: float | None, began: float | None) -> Transcript:
    """As it begins `offset` seconds after the talk; None: nobody said so. Raises `BadInput`."""
    if offset is None:
        return replace(transcript, zero=None, dated=Dated.UNKNOWN)
    if not abs(offset) <= FARTHEST:
        raise BadInput("an offset is at most 24 hours")
    if began is None:
        raise BadInput("nobody knows when this talk began: set its beginning first")
    return replace(transcript, zero=began + offset, dated=Dated.HAND)


def search(
    speech: Speech, transcript: Transcript, questions: Sequence[Question], asked: Wordings, began: float | None
) -> tuple[Transcript, list[Answered]]:
    """The transcript with when it began, and where questions are surely answered in it. Blocks: seconds for thousands
    of questions."""
    if transcript.dated is not Dated.HAND:
        blind = speech.nearest(sought(questions, asked, None))
        staged = {q.id: q.staged_at for q in questions if q.staged_at is not None}
        guess = begins_at(blind, staged)
        first = transcript.lines[0].start if transcript.lines else 0.0
        if guess is not None:
            transcript = replace(transcript, zero=guess, dated=Dated.STAGE)
        elif began is not None:
            zero = began - (first if first > LATE_START else 0.0)
            transcript = replace(transcript, zero=zero, dated=Dated.START)
    doubt = DOUBT if transcript.dated is Dated.START else 0.0
    return transcript, speech.answered(sought(questions, asked, transcript.zero, doubt))


def sought(questions: Sequence[Question], asked: Wordings, zero: float | None, doubt: float = 0.0) -> list[Sought]:
    """The questions with their times in seconds of the transcript that began at `zero` (None: nobody knows), give or
    take `doubt` seconds: then when they stood on the stage says nothing."""
    comings = sorted(q.staged_at for q in questions if q.staged_at is not None)
    found = []
    for q in questions:
        known = [(text, vector) for text, vector in asked[q.id] if vector is not None]
        texts, vectors = tuple(text for text, _ in known), np.array([vector for _, vector in known])
        if not known:
            continue
        if zero is None:
            found.append(Sought(q.id, texts, vectors))
            continue
        staged = None
        if q.staged_at is not None and not doubt:
            next_one = next((at for at in comings if at > q.staged_at), np.inf)
            staged = (q.staged_at - zero, float(next_one) - zero)
        found.append(Sought(q.id, texts, vectors, q.first_at - zero - doubt, staged))
    return found


def renewed(found: Iterable[Answered], before: Iterable[Proposal], ids: Iterable[str]) -> list[Proposal]:
    """What was found anew, where people confirmed or refused some of it before: that stands, for the questions `ids`
    that there still are. What was refused comes again only where another place is the best one now."""
    known, there = {one.question: one for one in before}, set(ids)
    proposals = {id: one for id, one in known.items() if one.state is Proposed.CONFIRMED and id in there}
    for one in found:
        old = known.get(one.question)
        if one.question in proposals:
            continue
        if old and old.state is Proposed.REFUSED and abs(old.passage.start - one.passage.start) < APART:
            proposals[one.question] = old
        else:
            proposals[one.question] = Proposal(one.question, one.passage, one.others)
    return list(proposals.values())


def stands(proposal: Proposal, state: QuestionState) -> Proposed:
    """What is true of a proposal now: a confirmation that was undone waits again."""
    if proposal.state is Proposed.CONFIRMED and not tells(state.answer, proposal.passage):
        return Proposed.WAITING
    return proposal.state


def tells(answer: Answer | None, passage: Passage) -> bool:
    """Whether an answer says where it was given aloud."""
    if answer is None:
        return False
    marks = (clock(passage.start), f"t={int(passage.start)}")
    return marks[0] in answer.text or any(source.endswith(marks) for source in answer.sources)


def answer_at(passage: Passage, session: Session, recording: str, now: float) -> Answer:
    """What whoever asked is told: where it was answered, what was said there, and the recording from there on."""
    language, time = "zh" if session.language == "zh" else "en", clock(passage.start)
    text = QUOTED[language].format(time=time, text=cut(passage.text, LONGEST_QUOTE))
    where = link_at(recording, passage.start) if recording else _SOURCE[language].format(time=time)
    return Answer(text, session.speaker or SPEAKER, now, (where,))


def link_at(recording: str, start: float) -> str:
    """The recording from a second on; "" without one."""
    if not recording:
        return ""
    return f"{recording}{'&' if '#' in recording else '#'}t={int(start)}"


def spoken(state: QuestionState, answer: Answer) -> QuestionState:
    """The question answered like this. An answer in words that it has already stays, and gets the place as a source;
    one of the course is accepted so."""
    written = state.answer
    if state.status is Status.ANSWERED and written and in_writing(written):
        sources = tuple(dict.fromkeys((*written.sources, *answer.sources)))
        return replace(state, answer=replace(written, sources=sources, accepted=written.by == COURSE))
    return replace(state, status=Status.ANSWERED, reason="", reason_shown=False, answer=answer)


def read_offset(text: str) -> float:
    """ "00:01:30", "-1:30" or "90" in seconds. Raises `BadInput`."""
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{text!r} is no time: write it as 00:01:30 or -00:01:30")
    sign, hours, minutes, seconds = found.groups(default="0")
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return float(-whole if sign in {"-", "−"} else whole)


def read_recording(text: str) -> str:
    """An address of the web. Raises `BadInput`."""
    text = text.strip()
    if text and (not re.fullmatch(r"https?://[^\s<>\"]+", text) or len(text) > LONGEST_LINK):
        raise BadInput("the recording needs an address that begins with http:// or https://")
    return text


def chosen(proposal: Proposal | None, start: float | None, said: Sequence[Spoken]) -> Passage | None:
    """The passage that somebody confirms: that of the proposal, one of its others, or what is said from `start` on;
    None where there is nothing."""
    places = [] if proposal is None else [proposal.passage, *proposal.others]
    if start is None:
        return places[0] if places else None
    return next((one for one in places if abs(one.start - start) < 1), None) or passage_at(said, start)
