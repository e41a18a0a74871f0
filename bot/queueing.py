"""The rules of the queue: who comes first, which status may follow which. Decides; calls nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.errors import NotAllowed
from bot.model import EARLIER, Asked, CourseMatch, Fingerprint, Question, QuestionState, Seen, Session, Status

OPEN = frozenset({Status.NEW, Status.QUEUED, Status.ON_STAGE})
"""What still waits for an answer."""

FOLLOWS: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.QUEUED, Status.ON_STAGE, Status.ANSWERED, Status.DISMISSED, Status.MERGED}),
    Status.QUEUED: frozenset({Status.NEW, Status.ON_STAGE, Status.ANSWERED, Status.DISMISSED, Status.MERGED}),
    Status.ON_STAGE: frozenset({Status.QUEUED, Status.ANSWERED, Status.DISMISSED, Status.MERGED}),
    Status.ANSWERED: frozenset({Status.QUEUED, Status.ON_STAGE, Status.ANSWERED, Status.MERGED}),
    Status.DISMISSED: frozenset({Status.NEW, Status.QUEUED, Status.ON_STAGE, Status.ANSWERED, Status.MERGED}),
    Status.MERGED: frozenset(),
}
"""Which status may follow which by an act of a person; undo may go back to anything."""


LIKELY = 0.2
"""The mean sureness from which on a question is shown an answer. On the labelled talks, of questions of three messages
and more, none of 10 below it was right, of 22 up to .4 nine, and of 304 from .8 on 301."""


def rank(question: Question) -> tuple[bool, int, float, str]:
    """Sort key, first comes first: pinned, then how many people want to know, then what was asked last."""
    return (not question.state.pinned, -question.wanting, -question.last_at, question.id)


def ranked(questions: Iterable[Question]) -> list[Question]:
    return sorted(questions, key=rank)


def waiting(questions: Iterable[Question]) -> list[Question]:
    """The open questions in order of demand."""
    return ranked(q for q in questions if q.status in OPEN)


def suggested(state: QuestionState, messages: int, matches: Iterable[CourseMatch | None]) -> CourseMatch | None:
    """What most likely answers a question of so many messages, if it is likely enough: of each source the mean over the
    messages of how sure it was of each, 0 where it was not offered. Those to which it was rejected, where the
    session let nobody see it, or where the course says something else by now, count for nothing. Of equals the first.
    """
    offered: dict[str, list[CourseMatch]] = defaultdict(list)
    for match in matches:
        if match is not None and (misses(state, match.source) or match.state == "withheld" or match.gone):
            messages -= 1
        elif match is not None:
            offered[match.source].append(match)
    if not offered:
        return None
    best = max(offered.values(), key=lambda some: sum(match.score for match in some))
    # The parts of a message count as one.
    score = round(sum(match.score for match in best) / max(messages, len(best)), 4)
    return replace(max(best, key=lambda match: match.score), score=score) if score >= LIKELY else None


def offered_now(before: CourseMatch | None, now: CourseMatch | None) -> CourseMatch | None:
    """What stands of the course at a message to which it said `before`, where it says something else `now`.

    What was sent stays, but is offered to nobody else where the course does not say it any more. Where the same words
    or other words of the same part stand there, what the mode auto would have done when it came stays too. Whether
    anybody sees it is as the session is set now.
    """
    if before is None:
        return now
    words_stay = now is not None and (now.source, now.text) == (before.source, before.text)
    if before.state == "sent":
        return replace(before, gone=not words_stay)
    if now is None or now.source != before.source:
        return now
    return replace(before, state=now.state) if words_stay else replace(now, sure=before.sure)


def misses(state: QuestionState, source: str) -> bool:
    """Did somebody call this source no answer to the question, or say that it is not the one of an earlier evening to
    which that was answered?"""
    return source in state.rejected or (source.startswith(EARLIER) and source.rpartition("#")[2] in state.apart)


def fingerprints(asked: Mapping[str, Iterable[Asked]]) -> dict[str, Fingerprint]:
    """Those of each question, without what was forgotten."""
    ids = {question: [one.message.id for one in those if one.message.text] for question, those in asked.items()}
    return {question: (len(those), sum(those)) for question, those in ids.items()}


def visible(state: QuestionState, session: Session) -> bool:
    """May a viewer see it? With review, not before a moderator approved it; what was dismissed, never."""
    if state.status is Status.NEW:
        return not session.review
    return state.status in {Status.QUEUED, Status.ON_STAGE, Status.ANSWERED}


def earlier(session: Session, sessions: Iterable[Session]) -> list[Session]:
    """Those of the same series before this one: by when they start, where both say so, else by their order here."""
    found: list[Session] = []
    before = True
    for other in sessions:
        before = before and other.id != session.id
        known = other.starts_at is not None and session.starts_at is not None
        first = (other.starts_at or 0.0) < (session.starts_at or 0.0) if known else before
        if session.series and other.series == session.series and other.id != session.id and first:
            found.append(other)
    return found


def as_seen(state: QuestionState, seen: Seen) -> bool:
    """Does it still stand as whoever acts on it has seen it?"""
    if seen.status not in {None, state.status}:
        return False
    if seen.answered_at is not None and (state.answer is None or state.answer.at != seen.answered_at):
        return False
    return seen.title in {None, state.title}


def require_follows(before: Status, after: Status) -> None:
    """Raises `NotAllowed` where a question in status `before` cannot become `after`."""
    if after not in FOLLOWS[before]:
        raise NotAllowed(f"a question that is {before} cannot become {after}")
