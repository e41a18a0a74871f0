"""The trends of a series as the API tells them."""

from typing import Literal

from pydantic import BaseModel, Field

ChangeOut = Literal[-1, 0, 1]


class SeriesEvening(BaseModel):
    """One session of the series; `people` asked something."""

    session: str
    title: str
    starts_at: float | None
    people: int
    questions: int


class TopicCell(BaseModel):
    """A topic on one evening. `asked_before`: so many of its questions were asked on an earlier evening too. `change`
    against all evenings before: 1 more than chance would bring, -1 less, 0 nothing that can be said."""

    questions: int
    people: int
    share: float = Field(description="of all who asked on this evening, 0..1")
    asked_before: int
    answered: int
    change: ChangeOut


class ChatShare(BaseModel):
    """Who asked in one chat; `leaning`: more (1) or less (-1) than in the other chats."""

    people: int
    leaning: ChangeOut


class TopicOut(BaseModel):
    """A topic: `cells` has one cell an evening. `heading` is the part of the course it is called by ("": none), `words`
    its most telling words. `run`: rising (1) or falling (-1) over the series; `first` and `last` are its shares in the
    first and the second half."""

    id: str
    heading: str
    words: list[str]
    language: Literal["zh", "en"]
    example: str
    people: int
    questions: int
    asked_before: int
    answered: int
    run: ChangeOut
    first: float
    last: float
    cells: list[TopicCell]
    chats: dict[str, ChatShare]


class PointOut(BaseModel):
    """A question. `evening` and `topic` (null: none) are positions in `evenings` and `topics`; questions with one
    `same` ask the same. `x` and `y` (0..1, null: not on the map): near each other is what is alike."""

    id: str
    title: str
    status: str
    people: int
    evening: int
    topic: int | None
    same: str
    asked_before: bool
    x: float | None
    y: float | None


class GapOut(BaseModel):
    """What was asked and neither the course nor anybody answered; `evenings` (positions) with the people on each.
    `suggested`: the course has something that nobody looked at yet."""

    id: str
    title: str
    session: str
    people: int
    evenings: list[tuple[int, int]]
    topic: int | None
    suggested: bool


class TrendsOut(BaseModel):
    """What a series was about. `people` asked in it. `topics` and `gaps` with most people first."""

    series: str
    people: int
    evenings: list[SeriesEvening]
    topics: list[TopicOut]
    questions: list[PointOut]
    gaps: list[GapOut]
