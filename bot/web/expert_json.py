"""The JSON of what experts do."""

from typing import Annotated, Literal

from pydantic import Field

from bot.model import Reference
from bot.web.reading import clean
from bot.web.schemas import AskedOut, Body, Error, QuestionId, Reply, StaffQuestion, StatusName, SuggestedAnswer

Known = Annotated[float, Field(ge=0, lt=2**33)]


class ReferenceBody(Body):
    """A source: a link, what it is called, or both."""

    url: str = Field(default="", max_length=4000)
    title: str = Field(default="", max_length=1000)

    def reference(self) -> Reference:
        return Reference(clean(self.url), clean(self.title))


class ReferenceOut(Reply):
    url: str
    title: str


class DraftBody(Body):
    """What is typed now; nothing at all forgets the draft. `base`: `at` of the draft that it goes on from (0: none)."""

    text: str = Field(max_length=20_000)
    references: list[ReferenceBody] = Field(default=[], max_length=20)
    base: Known = 0.0


class DraftOut(Reply):
    """`at` is 0 where there is none."""

    question: str
    text: str
    references: list[ReferenceOut]
    at: float


class DraftConflict(Error):
    """Another device of the same expert wrote on: `now` is what it kept."""

    now: DraftOut


class MyReviewOut(Reply):
    """What this expert has under way: drafts, and the ids of the questions that are not for them."""

    drafts: list[DraftOut]
    declined: list[str]


class DraftingOut(Reply):
    question: str
    person: str
    name: str
    at: float


class DeclinedOut(Reply):
    question: str
    person: str
    name: str


class ExpertsTold(Reply):
    """Who has a draft of which question, and what is not for whom; `person` is an account."""

    drafts: list[DraftingOut]
    declined: list[DeclinedOut]


class UnreachedOut(Reply):
    """Askers whom their chat cannot tell; they read the answer on the page."""

    source: str
    people: int
    names: list[str]


class HearersOut(Reply):
    """An answer is told to `people` in so many `chats`."""

    people: int
    chats: int
    unreached: list[UnreachedOut]


class ReviewOut(Reply):
    """A question for whoever answers it: its wordings, who hears the answer, and what of the course fits it best."""

    asked: list[AskedOut]
    hearers: HearersOut
    course: SuggestedAnswer | None


class StandsBody(Body):
    """How the question stood for whoever answers it."""

    status: StatusName
    title: str = Field(max_length=2000)
    answered_at: float | None = None


class ExpertAnswerBody(Body):
    """`id`: your own of this answer (a UUID, say); sent again it changes nothing. `how`: a first answer, an addition to
    the one that stands, or one in its place."""

    id: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    text: str = Field(max_length=20_000)
    references: list[ReferenceBody] = Field(default=[], max_length=20)
    how: Literal["answer", "add", "replace"] = "answer"
    seen: StandsBody


class AnswerConflict(Error):
    """Somebody was faster: `now` is how the question stands, or the one that it was merged into."""

    now: StaffQuestion


class TogetherBody(Body):
    into: QuestionId


class TakeBackBody(Body):
    action: Annotated[int, Field(ge=1, lt=2**63)]


class CalledOut(Reply):
    """In how many of the staff's chats the experts were asked."""

    chats: int


class ExpertInviteBody(Body):
    name: str = Field(default="", max_length=200)
