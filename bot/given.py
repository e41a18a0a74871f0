"""How an answer was given: in writing or aloud, and whether it tells anything on another evening."""

import re

from bot.model import COURSE, Answer, QuestionState, Status

ALOUD = {"zh": "这个问题已在现场口头回答。", "en": "This was answered aloud during the talk."}
"""What is said of a question that was answered aloud, where nobody says when; by the session's language."""

QUOTED = {"zh": "现场 {time} 已口头回答：“{text}”", "en": "Answered aloud at {time}: “{text}”"}
"""The same with the time and the words of a transcript."""

_QUOTED = re.compile(r"现场 [\d:]{8} 已口头回答：|Answered aloud at [\d:]{8}:")


def lasting(state: QuestionState) -> Answer | None:
    """The answer of a person that tells something on another evening too: not only that there was one."""
    answer = state.answer
    if state.status is not Status.ANSWERED or answer is None or answer.by == COURSE:
        return None
    return None if answer.text.strip() in ALOUD.values() else answer


def is_quoted(answer: Answer) -> bool:
    """Whether the answer says no more than where it was given aloud, and in which words."""
    return _QUOTED.match(answer.text) is not None


def in_writing(answer: Answer) -> bool:
    """Whether somebody wrote it, and not only said it."""
    return answer.text.strip() not in ALOUD.values() and not is_quoted(answer)
