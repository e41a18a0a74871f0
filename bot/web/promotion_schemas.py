"""What the API says and takes of answers on their way into the FAQ."""

from typing import Annotated, Literal

from pydantic import Field

from bot.web.schemas import Body, QuestionId, Reply


class PromotionOut(Reply):
    """An answer on its way into the FAQ. `entry` is its Markdown, `diff` what it would change there ("": nothing).
    `doubled` is the place of an entry that asks the same already ("": none), `there`: it stands in the FAQ. `by` ""
    is the program."""

    question: str
    title: str
    stage: Literal["proposed", "accepted", "declined"]
    entry: str
    diff: str
    doubled: str
    there: bool
    corrects: bool = Field(description="an earlier answer of this question stands in the FAQ and would be replaced")
    at: float
    by: str
    decided_at: float | None
    decided_by: str


class PromotionsOut(Reply):
    """`file` is the FAQ, by its path in the course."""

    file: str
    promotions: list[PromotionOut]


class ProposeBody(Body):
    """The question whose answer shall go into the FAQ."""

    question: QuestionId


class DecideBody(Body):
    """`entry`: the Markdown as it shall be written, where that is not as it was proposed."""

    do: Literal["accept", "decline", "undo"]
    entry: Annotated[str, Field(max_length=20_000)] = ""
