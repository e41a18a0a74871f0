"""What the pages and the API say and hear of transcripts."""

from typing import Annotated, Literal

from pydantic import Field

from bot.web.schemas import Body, QuestionId, Reply

MOST_CONFIRMED = 200

Seconds = Annotated[float, Field(ge=0, le=400_000, allow_inf_nan=False)]
Offset = Annotated[float | None, Field(ge=-86_400, le=86_400, allow_inf_nan=False)]


class TranscriptProblem(Reply):
    line: int | None
    text: str
    text_zh: str


class TranscriptFile(Reply):
    """`zero` is when (Unix seconds) it begins, null where nobody knows; `dated` says how that is known: "start" of the
    talk, "stage", "hand", or "". `offset` is that from the talk's beginning, in seconds. `ends`: its last second.
    `searched`: when the questions were last looked for in it."""

    name: str
    by: str
    at: float
    zero: float | None
    dated: str
    offset: float | None
    ends: float
    lines: int
    problem_count: int
    problems: list[TranscriptProblem]
    recording: str
    searched: float | None


class PassageOut(Reply):
    """From `start` to `end`, in seconds of the transcript. `link`: the recording from there on; "" without one.
    `asked`: the wording of the question that it is nearest to; "" where it was not looked for."""

    start: float
    end: float
    text: str
    link: str
    asked: str


class ProposalOut(Reply):
    """`state`: "proposed", "confirmed" (it is what the question was answered with) or "refused". `written`: it has an
    answer in words, which stays."""

    question: str
    title: str
    people: int
    status: str
    written: bool
    state: Literal["proposed", "confirmed", "refused"]
    passage: PassageOut
    others: list[PassageOut]


class RestOut(Reply):
    """A question for which no passage was found."""

    question: str
    title: str
    people: int
    status: str


class StagedOut(Reply):
    """When a question came on stage, to see whether the transcript fits."""

    title: str
    at: float


class SearchingOut(Reply):
    done: int
    texts: int


class TranscriptOut(Reply):
    """`began`: from when offsets count; null where nobody knows. `proposals`, and the `rest` of the questions, are in
    order of demand."""

    transcript: TranscriptFile | None
    searching: SearchingOut | None
    failed: str
    failed_zh: str
    began: float | None
    staged: list[StagedOut]
    proposals: list[ProposalOut]
    rest: list[RestOut]
    largest: int = Field(description="bytes that may be sent")


class TranscriptBody(Body):
    """`offset`: seconds after the talk's beginning at which the transcript begins; null: as the stage or the talk
    say. `recording`: the address of the recording, "" for none."""

    offset: Offset = None
    recording: Annotated[str, Field(max_length=1000)] = ""


class ConfirmedBody(Body):
    """`start`: from that second of the transcript on; null: where it is proposed."""

    question: QuestionId
    start: Seconds | None = None


class ConfirmBody(Body):
    questions: Annotated[list[ConfirmedBody], Field(min_length=1, max_length=MOST_CONFIRMED)]


class RefuseBody(Body):
    """`on` false: it may be answered there after all."""

    question: QuestionId
    on: bool = True
