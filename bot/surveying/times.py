"""When a survey opens, closes and reminds by itself."""

from bot.model import PollStatus, Session, SurveyState, SurveyWhen

AFTER_END = 120.0
"""Seconds after a talk's end before its survey opens by itself, so that an end that was a slip can be taken back."""

LATEST = 86_400.0
"""Seconds after the end from which on it opens no more by itself: nobody knows any more what it asks about."""


def opens(session: Session, survey: SurveyState | None, now: float) -> bool:
    """Whether the talk has ended and its survey shall open now. That it was opened before is for the caller to know:
    one that was taken back does not come again."""
    ended = session.ended_at
    fresh = survey is None or survey.status is PollStatus.DRAFT
    return session.survey is SurveyWhen.AT_END and fresh and ended is not None and AFTER_END <= now - ended < LATEST


def closes(survey: SurveyState, now: float) -> bool:
    return survey.status is PollStatus.OPEN and now >= survey.closes_at


def reminder_due(survey: SurveyState, reminded: int, now: float) -> int:
    """The number of the reminder that is due, where `reminded` were said before; 0 for none.

    They part the time in which it is open into equal pieces. Of several that are due, after a time in which the program
    did not run, only the last is said.
    """
    if survey.status is not PollStatus.OPEN or now >= survey.closes_at:
        return 0
    piece = (survey.closes_at - survey.opened_at) / (survey.reminders + 1)
    due = min(survey.reminders, int((now - survey.opened_at) / piece)) if piece > 0 else 0
    return due if due > reminded else 0
