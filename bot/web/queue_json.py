"""A session's queue as JSON, for staff and for viewers; made once for each revision, not once for each watcher."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot.live import View
from bot.model import EARLIER, Answer, CourseMatch, Earlier, Likely, Question, Session, Status
from bot.queueing import visible
from bot.web.schemas import (
    AnswerOut,
    EarlierAnswer,
    EarlierOut,
    EveningOut,
    GoneQuestion,
    LikelyOut,
    QuestionOut,
    StaffQuestion,
    SuggestedAnswer,
)

REMEMBERED = 64  # payloads of one session and audience: most watchers ask from the same few revisions
SESSIONS = 256
WHOLE = -1
"""Before every revision: all there is, for those who know something."""
NEAR = 16
"""Revisions behind the newest up to which just what changed is told."""


def answer_out(answer: Answer | None) -> AnswerOut | None:
    if answer is None:
        return None
    return AnswerOut(text=answer.text, by=answer.by, at=answer.at, sources=list(answer.sources))


def _earlier(found: Earlier | None) -> EarlierOut | None:
    if found is None:
        return None
    evenings = [EveningOut(**asdict(one)) for one in found.evenings]
    answer = _remembered(found.answer)
    return EarlierOut(evenings=evenings, score=found.score, sure=found.sure, told=found.told, answer=answer)


def likely_out(one: Likely) -> LikelyOut:
    return LikelyOut(question=one.question, likelihood=one.likelihood)


def _remembered(match: CourseMatch | None) -> EarlierAnswer | None:
    if match is None:
        return None
    session, _, question = match.source.removeprefix(EARLIER).partition("#")
    return EarlierAnswer(question=question, session=session, where=match.where, score=match.score, text=match.text)


def question_out(question: Question) -> QuestionOut:
    """What everybody sees."""
    return QuestionOut(**_shared(question))


def staff_question(question: Question) -> StaffQuestion:
    return StaffQuestion(**_shared(question), **_for_staff(question))


def question_for(question: Question, session: Session, staff: bool) -> QuestionOut | StaffQuestion | GoneQuestion:
    if staff and not removed(question):
        return staff_question(question)
    if visible(question.state, session):
        return question_out(question)
    return GoneQuestion(id=question.id, revision=question.revision)


def removed(question: Question) -> bool:
    """Undo took it away: the store tells it once more, as merged into nothing."""
    return question.status is Status.MERGED and not question.state.merged_into


def _shared(question: Question) -> dict[str, Any]:
    state = question.state
    return {
        "id": state.id,
        "title": state.title,
        "status": state.status.value,
        "pinned": state.pinned,
        "labels": list(state.labels),
        "people": question.people,
        "waiting": question.waiting,
        "askers": question.askers,
        "votes": question.votes,
        "messages": question.messages,
        "chats": question.chats,
        "first_at": question.first_at,
        "last_at": question.last_at,
        "revision": question.revision,
        "answer": answer_out(state.answer),
        "staged_at": question.staged_at,
    }


def _for_staff(question: Question) -> dict[str, Any]:
    state, found = question.state, question.suggested_answer
    return {
        "original": state.original,
        "reason": state.reason,
        "reason_shown": state.reason_shown,
        "assigned": state.assigned,
        "merged_into": state.merged_into,
        "sureness": question.sureness,
        "doubtful": question.doubtful,
        "refused": len(state.rejected),
        "suggested_answer": found and SuggestedAnswer(source=found.source, score=found.score, text=found.text),
        "suggested_merge": [likely_out(one) for one in question.suggested_merge],
        "suggested_memory": _remembered(question.suggested_memory),
        "earlier": _earlier(question.earlier),
    }


class QueueJson:
    """Remembers what it made, within bounds."""

    def __init__(self) -> None:
        self._audiences: dict[tuple[str, bool, bool, bool], _Audience] = {}

    def payload(self, view: View, session: Session, since: int, staff: bool) -> bytes:
        """`QueueOut` of what changed after `since`, one line of JSON.

        From 0 on, what viewers do not see is left out; later, and from `WHOLE` on, it comes as gone, since they may
        have seen it. Who is further behind than `NEAR` is told somewhat more.
        """
        key = (session.id, session.review, session.ledger, staff)
        if key not in self._audiences and len(self._audiences) >= SESSIONS:
            self._audiences.clear()
        audience = self._audiences.setdefault(key, _Audience())
        return audience.payload(view, session, since, staff)


class _Audience:
    def __init__(self) -> None:
        self._lines: dict[str, tuple[int, bytes | None]] = {}  # question -> revision, JSON (None: not shown)
        self._payloads: dict[tuple[int, int], bytes] = {}

    def payload(self, view: View, session: Session, since: int, staff: bool) -> bytes:
        since = _rounded(since, view.revision)
        key = (since, view.revision)
        if key not in self._payloads:
            if len(self._payloads) >= REMEMBERED:
                self._payloads.clear()
            lines = self._of(view.since(since), session, since, staff)
            self._payloads[key] = b'{"revision":%d,"questions":[%s]}' % (view.revision, b",".join(lines))
        return self._payloads[key]

    def _of(self, questions: Sequence[Question], session: Session, since: int, staff: bool) -> list[bytes]:
        lines = [(q, self._line(q, session, staff)) for q in questions]
        return [line or _gone(q) for q, line in lines if line is not None or since != 0]

    def _line(self, question: Question, session: Session, staff: bool) -> bytes | None:
        known = self._lines.get(question.id)
        if known is None or known[0] != question.revision:
            shown = question_for(question, session, staff)
            line = None if isinstance(shown, GoneQuestion) else shown.model_dump_json().encode()
            known = self._lines[question.id] = (question.revision, line)
        return known[1]


def _rounded(since: int, newest: int) -> int:
    """The revision from which it is told: so few that each answer is made, and compressed, once for all who ask, also
    for somebody who asks from every revision there was."""
    behind = newest - since
    if since <= 0 or behind <= NEAR:
        return since
    earlier = newest - (1 << (behind - 1).bit_length())
    return earlier if earlier > 0 else WHOLE


def _gone(question: Question) -> bytes:
    return GoneQuestion(id=question.id, revision=question.revision).model_dump_json().encode()
