"""Values for tests, short to write."""

from dataclasses import replace
from typing import Any

from bot.model import Address, Asked, Message, Placement, Question, QuestionState, Session, Status
from bot.queueing import OPEN

TALK = Session("talk", "A talk", language="en")


def message(id: int = 0, text: str = "Is there a recording?", user: str = "u1", **more: Any) -> Message:
    chat = more.pop("chat", user)
    private = more.pop("private", True)
    source = more.pop("source", "telegram")
    values: dict[str, Any] = {
        "session": "talk",
        "source": source,
        "external_id": f"m{id}",
        "author": user,
        "author_name": user.upper(),
        "text": text,
        "at": 100.0 + id,
        "address": Address(source, chat, f"m{id}", user, private),
        "id": id,
    }
    return Message(**{**values, **more})


def state(id: str = "q1", status: Status = Status.NEW, **more: Any) -> QuestionState:
    title = more.pop("title", "Is there a recording?")
    return QuestionState(id, "talk", title, title, status, **more)


def question(id: str = "q1", people: int = 1, last_at: float = 0.0, **more: Any) -> Question:
    """Where it is open nobody has an answer."""
    now = state(id, **more)
    waiting = people if now.status in OPEN else 0
    return Question(now, people, people, 0, people, {"web": people}, 0.0, last_at, 1, waiting)


def asked(one: Message, question: str = "q1", **more: Any) -> Asked:
    return Asked(one, replace(Placement(one.id, True, 0.9, question), **more), question)
