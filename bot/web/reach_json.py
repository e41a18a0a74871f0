"""The JSON of whom answers reached, for staff."""

from typing import Literal

from bot.phrases import in_language
from bot.reach import Told
from bot.web.schemas import Reply


class ReachCounts(Reply):
    """Persons who asked an answered question: `reached` in their chat, `waiting` for a message that is on its way,
    `failed` ones could not be reached, `page`: their chat cannot be told, so the answer stands on the page alone."""

    reached: int
    waiting: int
    failed: int
    page: int


class ToldOut(Reply):
    """What became of the answer for one asker. `name` as their chat gave it ("": none), `why`: what is in the way, in
    the caller's language ("": nothing)."""

    source: str
    name: str
    heard: Literal["reached", "waiting", "failed", "page"]
    why: str


class QuestionReach(ReachCounts):
    askers: list[ToldOut]


class SessionReach(Reply):
    """By question, of answered ones."""

    questions: dict[str, ReachCounts]


def told_out(one: Told, lang: str) -> ToldOut:
    return ToldOut(
        source=one.person.source, name=one.person.name, heard=one.heard.value, why=in_language(one.why, lang)
    )
