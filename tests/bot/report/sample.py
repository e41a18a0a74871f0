"""A small session written by hand: two chats, six questions, an hour."""

from bot.model import Answer, CourseMatch, Heard, Question, QuestionState, Session, Status
from bot.queueing import OPEN
from bot.report import Material

START = 1_796_124_600.0  # 2026-12-01 11:30 UTC
SESSION = Session("t", "Language models on the shop floor", "Open course", "Dr. Cen", START, language="en", course="/x")


def heard(
    id: int, minute: float, source: str, author: str, text: str, question: str = "", placed: bool = True
) -> Heard:
    """Somebody says something; with a question it asks that."""
    chat = None if source == "web" else (source, f"chat of {author}")
    return Heard(
        id, source, author, (source, author), START + 60 * minute, placed, bool(question), question, author.title(),
        text if question else "", chat,
    )  # fmt: skip


HEARD = [
    heard(1, 0, "telegram", "ann", "hello"),
    heard(2, 1, "telegram", "ann", "Is there a recording?", "rec"),
    heard(3, 1, "web", "bob", "Will it be recorded", "rec"),
    heard(4, 2, "web", "cat", "is there a  RECORDING?", "rec"),
    heard(5, 9, "telegram", "dan", "What does it cost?", "cost"),
    heard(6, 10, "web", "eve", "How much per month?", "cost"),
    heard(7, 11, "telegram", "ann", "Does it run offline?", "off"),
    heard(8, 30, "web", "bob", "lunch anyone?", "lunch"),
    heard(9, 31, "web", "bob", "Who wrote the manual?", "who"),
    heard(10, 32, "web", "fay", "just in", placed=False),
]


def question(
    id: str, title: str, status: Status, answer: Answer | None = None, votes: int = 0, **state: str
) -> Question:
    own = [one for one in HEARD if one.question == id]
    askers = {one.human for one in own}
    return Question(
        QuestionState(id, "t", title, title, status, answer=answer, **state),  # type: ignore[arg-type]
        people=len(askers) + votes,
        askers=len(askers),
        votes=votes,
        messages=len(own),
        chats={s: sum(source == s for source, _ in askers) for s in dict.fromkeys(source for source, _ in askers)},
        first_at=min((m.at for m in own), default=START),
        last_at=max((m.at for m in own), default=START),
        revision=1,
        waiting=len(askers) + votes if status in OPEN else 0,
        suggested_answer=CourseMatch("faq#cost", 0.4, "suggested", "It depends.") if id == "cost" else None,
    )


QUESTIONS = [
    question("who", "Who wrote the manual?", Status.NEW),
    question("lunch", "lunch anyone?", Status.DISMISSED, reason="not about the talk"),
    question("old", "recording??", Status.MERGED, merged_into="rec"),
    question(
        "off", "Does it run offline?", Status.ANSWERED, Answer("Yes, all of it.", "Dr. Cen", START + 2000), votes=1
    ),
    question("cost", "What does it cost?", Status.QUEUED, votes=3),
    question(
        "rec",
        "Is there a recording?",
        Status.ANSWERED,
        Answer("From noon tomorrow.", "course", START + 61, ("faq.md:3",)),
    ),
]

MATERIAL = Material(SESSION, HEARD, QUESTIONS)
