"""A small session written by hand: two chats, six questions, an hour."""

from bot.model import Answer, Asked, CourseMatch, Message, Placement, Question, QuestionState, Session, Status

START = 1_796_124_600.0  # 2026-12-01 11:30 UTC
SESSION = Session("t", "Language models on the shop floor", "Open course", "Dr. Cen", START, language="en", course="/x")

Placed = tuple[Message, Placement | None]


def message(id: int, minute: float, source: str, author: str, text: str) -> Message:
    return Message("t", source, f"{source}-{id}", author, author.title(), text, START + 60 * minute, id=id)


def placed(message: Message, question: str | None) -> Placed:
    return message, Placement(message.id, question is not None, 0.9 if question else 0.1, question)


MESSAGES: list[Placed] = [
    placed(message(1, 0, "telegram", "ann", "hello"), None),
    placed(message(2, 1, "telegram", "ann", "Is there a recording?"), "rec"),
    placed(message(3, 1, "web", "bob", "Will it be recorded"), "rec"),
    placed(message(4, 2, "web", "cat", "is there a  RECORDING?"), "rec"),
    placed(message(5, 9, "telegram", "dan", "What does it cost?"), "cost"),
    placed(message(6, 10, "web", "eve", "How much per month?"), "cost"),
    placed(message(7, 11, "telegram", "ann", "Does it run offline?"), "off"),
    placed(message(8, 30, "web", "bob", "lunch anyone?"), "lunch"),
    placed(message(9, 31, "web", "bob", "Who wrote the manual?"), "who"),
    (message(10, 32, "web", "fay", "just in"), None),
]


def question(
    id: str, title: str, status: Status, answer: Answer | None = None, votes: int = 0, **state: str
) -> Question:
    own = [m for m, p in MESSAGES if p and p.question == id]
    askers = {m.person for m in own}
    return Question(
        QuestionState(id, "t", title, title, status, answer=answer, **state),  # type: ignore[arg-type]
        people=len(askers) + votes,
        askers=len(askers),
        votes=votes,
        messages=len(own),
        chats={s: sum(p.source == s for p in askers) for s in dict.fromkeys(p.source for p in askers)},
        first_at=min((m.at for m in own), default=START),
        last_at=max((m.at for m in own), default=START),
        revision=1,
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

ASKED = {
    q.id: [Asked(m, p, q.id) for m, p in MESSAGES if p and p.question == q.id]
    for q in QUESTIONS
    if not q.state.merged_into
}
