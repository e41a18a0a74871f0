"""The JSON of the API. All times are Unix seconds (UTC)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_MESSAGE = 2000
LONGEST_NAME = 60

Role = Literal["viewer", "speaker", "expert", "moderator", "organiser"]
StatusName = Literal["new", "queued", "on_stage", "answered", "dismissed", "merged"]
Feeling = Literal["fast", "slow", "lost", "great"]
Code = Literal["not_found", "not_allowed", "no_role", "bad_input", "conflict", "busy", "too_fast", "fault"]
QuestionId = Annotated[str, Field(min_length=1, max_length=100)]
Label = Annotated[str, Field(max_length=100)]
MessageId = Annotated[int, Field(ge=1, lt=2**63)]


LATEST: Any = Field(default=None, description="Unix seconds of the server's clock; what arrives later is not done")


class Reply(BaseModel):
    """Something we say."""

    model_config = ConfigDict(frozen=True)


class Body(BaseModel):
    """Something we are told: unknown keys are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Error(Reply):
    """`field` is what of the input is wrong ("": nothing in particular), `questions` are the ids of those that stand
    otherwise than the sender saw. `request` names this request in the log."""

    error: str
    code: Code
    field: str = ""
    questions: list[str] = []
    request: str = ""


class Health(Reply):
    status: Literal["ok"]


class SourceStanding(Reply):
    name: str
    connected: bool
    state: str
    since: float
    trouble: str


class ReadinessDetails(Reply):
    """For staff and readers of the metrics. `store`, `model`, `disk`: "ok", "loaded", or what is wrong."""

    store: str
    model: str
    disk: str
    sources: list[SourceStanding]


class Readiness(Reply):
    """`reasons` why no requests may come: "store" (nothing can be written), "model" (it cannot be loaded),
    "stopping" (it was told to)."""

    ready: bool
    reasons: list[Literal["store", "model", "stopping"]]
    details: ReadinessDetails | None = None


class AbilityModes(Reply):
    """How far each ability goes by itself: "off", "suggest" or "auto"."""

    grouping: str
    answers: str
    acknowledgements: str
    memory: str = Field(description="what was answered on an earlier evening of the series")
    promoting: str = Field(description="writing what people answered into the course's FAQ; organisers set it")


class AfterModes(Reply):
    """How far each of what is told after the talk goes by itself: "off", "suggest" or "auto"."""

    digest: str
    personal: str
    report: str


class EffectExample(Reply):
    """An act against a person's judgement: `text` was asked and counts for `question` now; it would have been put to or
    told `what`, the title of a question or words of the course, of the id or source `key`."""

    question: str
    title: str
    text: str
    key: str
    what: str


class EffectOut(Reply):
    """What a mode would have done with the last askings: `acts`, of which people judged some to be right (`confirmed`)
    or wrong (`against`) and nobody the others (`unjudged`). In "suggest" an act is a proposal; in "auto" `proposes`
    counts what would still have been proposed. `chats`: where acknowledgements would have been written."""

    acts: int
    proposes: int
    confirmed: int
    against: int
    unjudged: int
    chats: int
    examples: list[EffectExample]


class EffectsOut(Reply):
    """By ability and mode, over the last `askings` messages that ask something. `precision`: of what the course answers
    by itself this share was right on the talks that the program was calibrated with."""

    askings: int
    precision: float
    grouping: dict[str, EffectOut]
    answers: dict[str, EffectOut]
    acknowledgements: dict[str, EffectOut]
    memory: dict[str, EffectOut]
    promoting: dict[str, EffectOut]


SurveyOpens = Literal["off", "at_end"]


class SessionNow(Reply):
    """How a session is set. `review`: viewers see a question only after it was approved; `ledger`: everybody may read
    what was dismissed and why; `course`: it has course material; `survey`: whether its survey opens by itself."""

    id: str
    title: str
    series: str
    speaker: str
    language: str
    review: bool
    ledger: bool = Field(description="everybody may read what was dismissed and why")
    names: bool = Field(description="reports name who asked and who answered")
    course: bool
    starts_at: float | None
    ended_at: float | None
    abilities: AbilityModes
    survey: SurveyOpens
    slow: int = Field(description="slow mode: seconds between two questions of one person, 0 is off")
    after: AfterModes


class SessionOut(SessionNow):
    role: Role = Field(description="the caller's role in this session")


ModeName = Literal["off", "suggest", "auto"]
Moment = Annotated[float, Field(ge=0, lt=2**33)]


class _Settings(Body):
    series: str = Field(default="", max_length=200)
    speaker: str = Field(default="", max_length=200)
    language: Literal["zh", "en"] = "zh"
    starts_at: Moment | None = None
    course_of: Annotated[str, Field(max_length=100)] | None = None
    review: bool = False
    ledger: bool = False
    names: bool = True
    grouping: ModeName = "auto"
    answers: ModeName = "auto"
    acknowledgements: Literal["off", "auto"] = "auto"
    memory: ModeName = "auto"
    promoting: ModeName = "suggest"
    survey: SurveyOpens = "off"
    slow: Annotated[int, Field(ge=0, le=3600, strict=True)] = 0
    digest: ModeName = "suggest"
    personal: ModeName = "auto"
    report: ModeName = "auto"


class SessionBody(_Settings):
    """The settings to change; what is not given stays. `ended`: the talk is over (now), or goes on after all;
    `course_of`: has the course material of that session (null: none). That one, and one of the `series` where there
    are any, has to be the caller's as organiser too. Moderators may set `review`, `ledger`, `survey`, `slow` (seconds
    between two questions of one person) and the modes."""

    title: str = Field(default="", max_length=200)
    ended: bool = False


class NewSessionBody(_Settings):
    """A session to be. Without an `id` one is made from the title, or the day."""

    id: Annotated[str, Field(max_length=64)] | None = None
    title: str = Field(max_length=200)


class AgainBody(Body):
    """The next evening like this one; what is not given is as then, a week later."""

    id: Annotated[str, Field(max_length=64)] | None = None
    title: str | None = Field(default=None, max_length=200)
    starts_at: Moment | None = None


class FeedBody(Body):
    """Which session a source's questions go to from now on."""

    session: Annotated[str, Field(min_length=1, max_length=100)]


class SessionChanged(Reply):
    """The session as it is set now; `action` takes the change back (null: it was set so already)."""

    session: SessionOut
    action: int | None


class AnswerOut(Reply):
    text: str
    by: str
    at: float
    sources: list[str]


class QuestionOut(Reply):
    """`people` asked or voted, `askers` asked, `votes` only voted; `waiting` of `people` have no answer (0 where the
    question is not open); `chats` counts askers by source."""

    id: str
    title: str
    status: StatusName
    pinned: bool
    labels: list[str]
    people: int
    waiting: int
    askers: int
    votes: int
    messages: int
    chats: dict[str, int]
    first_at: float
    last_at: float
    revision: int
    answer: AnswerOut | None
    staged_at: float | None = Field(default=None, description="when it last came on stage")


class SuggestedAnswer(Reply):
    """What the course would say: `score` is the probability that it answers."""

    source: str
    score: float
    text: str


class EarlierAnswer(Reply):
    """What was answered to `question` on an earlier evening, `where` for people: its title and date. `score` is the
    probability that it answers."""

    question: str
    session: str
    where: str
    score: float
    text: str


class EveningOut(Reply):
    """An earlier evening, with the question there; `asked` is what it was called ("": not everybody may see it)."""

    session: str
    title: str
    at: float
    question: str
    asked: str


class EarlierOut(Reply):
    """Where a question was asked on earlier evenings of the series, in order of time, and the latest answer of a person
    there. Not `sure`: it may be the same. `told`: a person said that it is."""

    evenings: list[EveningOut]
    score: float
    sure: bool
    told: bool
    answer: EarlierAnswer | None


class LikelyOut(Reply):
    """`likelihood`: the probability that it asks the same, 0..1."""

    question: str
    likelihood: float


class StaffQuestion(QuestionOut):
    """What experts, moderators and organisers see of a question."""

    original: str
    reason: str
    reason_shown: bool
    assigned: str
    merged_into: str
    sureness: float | None
    doubtful: int = Field(description="messages that may ask something else")
    refused: int = Field(default=0, description="answers of the course that somebody called no answer to it")
    suggested_answer: SuggestedAnswer | None
    suggested_merge: list[LikelyOut] = Field(description="what it may be the same as, the likeliest first")
    suggested_memory: EarlierAnswer | None = Field(default=None, description="an earlier evening's answer")
    earlier: EarlierOut | None = Field(default=None, description="where it was asked before, whatever the mode")


class GoneQuestion(Reply):
    """A question that is not shown (any more)."""

    id: str
    revision: int
    gone: Literal[True] = True


class QueueOut(Reply):
    """The questions that changed after the revision asked for; `revision` is the newest."""

    revision: int
    questions: list[StaffQuestion | QuestionOut | GoneQuestion]


class Words(Reply):
    zh: str
    en: str


class ReasonOut(Reply):
    """One sign that counted. `weight`: what it added to the log-odds (negative: it spoke against); `value` and `detail`
    are the number behind it and what it is about; `text` says it all to people.
    """

    code: str
    weight: float
    value: float | None
    detail: str
    text: Words


class ReasonsOut(Reply):
    """The strongest signs, the strongest first: whether it asks, which question it belongs to, and whether the course
    answers it (empty where the course says nothing)."""

    asking: list[ReasonOut]
    grouping: list[ReasonOut]
    answer: list[ReasonOut]


class AskedOut(Reply):
    """One wording of a question, with the decision made when it arrived. `state`: "asking" or "not_asking"; `answer` is
    the probability that the course's answer fits, null where it says nothing. `similarity`: to its group; null where it
    founded that, or a moderator put it there or confirmed it (then the reason for the grouping is "put", "confirmed").
    """

    message: int
    text: str
    author_name: str
    source: str
    at: float
    similarity: float | None
    doubtful: bool = Field(description="whether it may ask something else")
    probability: float
    answer: float | None
    reasons: ReasonsOut
    state: Literal["asking", "not_asking"]


class LastAct(Reply):
    """Who did what to a question last; `id` is the number of the action."""

    id: int
    at: float
    who: str
    what: str


class QuestionDetail(StaffQuestion):
    asked: list[AskedOut]
    last: LastAct | None


class AskBody(Body):
    """`id`: your own id of this message (a UUID, say). Sending it again changes nothing."""

    text: str
    id: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    name: str | None = Field(default=None, max_length=200)


class AskOut(Reply):
    """`code` follows this person's questions on another device. `test`: it said the code of a test run, was heard, and
    is no question. `vote`: what it chose in a poll, in words; `mood`: how it said the talk is."""

    message: str
    code: str
    test: bool
    vote: str = ""
    mood: Feeling | None = None
    told: bool | None = Field(
        default=None,
        description="it said that they want to hear what comes by itself again, or (false) nothing of it any more",
    )


class MyMessage(Reply):
    """`state`: "received" (not placed yet), "nothing_asked", or the status of its question.

    `question` is null where viewers do not see it. A message that asks several things comes once for each `part`.
    `reason` says why it was dismissed, where the moderator lets its asker know ("" else).
    """

    id: str
    part: int
    source: str
    text: str
    at: float
    question: QuestionOut | None
    state: Literal["received", "nothing_asked"] | StatusName
    answer: AnswerOut | None
    reason: str = ""


class LinkedOut(Reply):
    """A person on another chat who said that they are this viewer."""

    source: str
    id: str
    name: str


class LinkCodeOut(Reply):
    """What to say in another chat (`say`) to be the same person there; good once, for so many seconds."""

    code: str
    say: str
    seconds: float


class UnlinkBody(Body):
    """Which person is somebody else after all."""

    source: Annotated[str, Field(min_length=1, max_length=200)]
    id: Annotated[str, Field(min_length=1, max_length=200)]


class MineOut(Reply):
    """What one viewer asked and votes for, here and on the chats they linked."""

    code: str
    name: str
    messages: list[MyMessage]
    votes: list[str]
    linked: list[LinkedOut]
    told: bool = Field(description="they are told what comes by itself: digests, reminders, surveys")


class ToldBody(Body):
    """Whether somebody is told what comes by itself: digests, reminders, surveys."""

    on: bool


class PreviewBody(Body):
    """A question that is being written."""

    text: Annotated[str, Field(min_length=1, max_length=2000)]


class PreviewOut(Reply):
    """What would become of it: a question that asks the same (`surely`, or perhaps), and the course's answer."""

    question: QuestionOut | None
    surely: bool
    answer: AnswerOut | None


class CodeBody(Body):
    code: str = Field(max_length=100)


class SeenBody(Body):
    """How a question stood for whoever acts on it, as far as the act builds upon that; what is null does not matter."""

    status: StatusName | None = None
    title: str | None = Field(default=None, max_length=2000)
    answered_at: float | None = None


class ActBody(Body):
    """What a moderator does; which other fields are needed follows from `do`. "apart" says that the questions are not
    `into`: a suggested merge is refused, and what comes later keeps to it. "confirm" says that `messages` do ask it:
    they are doubtful no longer; "not_asking" that `messages` ask nothing: they go out of the queue, and so does what is
    said later in the same words; with its last wording a question is gone. "label" puts `add` on and takes `remove`
    off, or sets all `labels` of one question. "assign" with the name "" assigns to nobody. "recall" answers with what a
    person answered to `earlier` on an earlier evening of the series; "again" and "not_again" say whether `earlier` asks
    the same. "next" answers the question on stage (without a `text`: aloud) and shows `into` there. What arrives after
    `by` is not done: a press that was held up by a bad network.

    `seen` tells by id how the questions stood: where one is no longer so, nothing changes and the answer is 409. Who
    stages a question and sends `seen` names there what was on stage (`status` "on_stage"): is something else there by
    now, the answer is 409 as well.
    """

    do: Literal[
        "approve",
        "edit",
        "merge",
        "apart",
        "split",
        "move",
        "confirm",
        "not_asking",
        "stage",
        "unstage",
        "next",
        "answer",
        "accept",
        "recall",
        "again",
        "not_again",
        "dismiss",
        "reopen",
        "pin",
        "unpin",
        "label",
        "assign",
    ]
    questions: list[QuestionId] = Field(min_length=1, max_length=500)
    into: QuestionId | None = None
    title: str | None = Field(default=None, max_length=2000)
    messages: list[MessageId] | None = Field(default=None, max_length=5000)
    text: str | None = Field(default=None, max_length=20_000)
    by: float | None = LATEST
    sources: list[Annotated[str, Field(max_length=2000)]] = Field(default=[], max_length=50)
    reason: str = Field(default="", max_length=2000)
    shown: bool = Field(default=False, description="whoever asked may read the reason, and the public ledger shows it")
    labels: list[Label] | None = Field(default=None, max_length=50)
    add: list[Label] = Field(default=[], max_length=50)
    remove: list[Label] = Field(default=[], max_length=50)
    name: str | None = Field(default=None, max_length=200)
    earlier: QuestionId | None = None
    seen: dict[QuestionId, SeenBody] = Field(default={}, max_length=501)


class UndoBody(Body):
    action: Annotated[int, Field(ge=1, lt=2**63)] | None = Field(default=None, description="null: the newest")
    by: float | None = LATEST


class LineBody(Body):
    """A line of the chat that was taken for no question and is one."""

    message: MessageId


class ActionOut(Reply):
    """`goes_at`: what it says in chats goes out only then, for it is night (null: at once, or it says nothing)."""

    action: int
    goes_at: float | None = None


class UndoneOut(ActionOut):
    """`questions`: the status that each question has again, by its id."""

    questions: dict[str, str] = {}


class StageBody(Body):
    """How the stage is shown from now on; what is left out stays. `limit`: seconds for each question, 0 for no limit.
    `restart`: the time of the question on stage begins anew.
    """

    limit: Literal[0, 60, 120, 180, 300] | None = None
    blank: bool | None = None
    restart: bool = False
    by: float | None = LATEST


class StageTold(Reply):
    """What the topic "stage" of the events says. `limit`: seconds for each question, 0 for no limit; `blank`: nothing
    is shown for now."""

    limit: int
    blank: bool


class StageOut(StageTold):
    """The same with the server's clock (`at`), for counting from `staged_at` of a question."""

    at: float


class SettingOut(Reply):
    """A setting of the session went from one value to another."""

    name: str
    before: str | float | bool | None
    after: str | float | bool | None


class RemoteOut(Reply):
    """A link that makes a phone the speaker's remote, good once and until `ends_at`; `qr` is it as a data URI."""

    url: str
    qr: str
    ends_at: float


class LedgerRow(Reply):
    """`what` is what was done, `undone` that it was taken back, `undoable` that the caller may still do so; `settings`
    are those of the session that it changed (of `course` only whether there is one), `polls` the titles of polls and
    of the survey, `wordings` what was moved, taken out or confirmed, of many the first."""

    id: int
    at: float
    who: str
    what: str
    questions: list[str]
    settings: list[SettingOut]
    polls: list[str]
    wordings: list[str]
    undone: bool
    undoable: bool


class PublicLedgerRow(Reply):
    """A question that was dismissed. `title` and `reason` are "" where the moderator kept them to the staff."""

    at: float
    title: str
    reason: str
    people: int


class HandBody(Body):
    """What somebody at the board does now; said again within 15 seconds, else it is over. `page` is your own
    id of the open page; `question` null with "looking": the board is open, no question is.
    """

    page: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    question: QuestionId | None = None
    doing: Literal["looking", "answering", "editing", "gone"] = "looking"


class HandOut(Reply):
    page: str
    name: str
    role: Role
    question: str | None
    doing: Literal["looking", "answering", "editing"]


class HandsOut(Reply):
    """Who is at the board, and what each of them does."""

    hands: list[HandOut]


class OutageOut(Reply):
    """A time in which a chat was not heard; `ended` null while it lasts. `filled`: fetched later. `why_zh` says `why`
    in Chinese, as far as the program knows how."""

    began: float
    ended: float | None
    why: str
    why_zh: str
    filled: bool


class SendingOut(Reply):
    """What was said in the busiest chat in the last minute and hour, and what it allows; 0: no limit."""

    minute: int
    minute_limit: int
    hour: int
    hour_limit: int


class SourceOut(Reply):
    """`missed` and `filled` are seconds within the last `hours`: not heard, and fetched later. Before `watched_since`
    nothing is known. `kind` and `session` are "" for what is not configured, `sending` null for what cannot reply.
    `trouble_zh` says `trouble` in Chinese, as far as the program knows how."""

    source: str
    kind: str
    session: str
    state: Literal["starting", "connected", "lost", "refused"]
    since: float = Field(description="when it came into this state")
    alive_at: float
    watched_since: float
    trouble: str
    trouble_zh: str
    reconnects: int
    messages: int
    last_at: float | None
    missed: float
    filled: float
    sending: SendingOut | None
    outages: list[OutageOut]


class SourcesOut(Reply):
    """How the sources are at `at`; outages are those of the last `hours`."""

    at: float
    hours: float
    sources: list[SourceOut]


class CourseVersionOut(Reply):
    """A course that was sent. `name` is its file's name; "elsewhere" is the id of the folder that the configuration
    names, which nobody sent."""

    id: str
    name: str
    by: str
    at: float
    used: bool


class CourseFileOut(Reply):
    """How many entries (questions with answers) and passages were read in a file, and how many problems there are."""

    file: str
    entries: int
    passages: int
    problems: int


class CourseProblemOut(Reply):
    """Something to mend; `line` null where it is about the whole file. `text_zh` says `text` in Chinese."""

    file: str
    line: int | None
    text: str
    text_zh: str


class PieceOut(Reply):
    """An entry or passage, with the place where it stands."""

    id: str
    title: str
    source: str


class CourseChangesOut(Reply):
    """Against the course that is used: how many pieces of each kind, and the first of them."""

    new: int
    gone: int
    changed: int
    first_new: list[PieceOut]
    first_gone: list[PieceOut]
    first_changed: list[PieceOut]


class CourseReadOut(Reply):
    """What was understood of a course. `problems` are the first of `problem_count`; `changes` null for the one that is
    used."""

    version: CourseVersionOut | None
    entries: int
    passages: int
    files: list[CourseFileOut]
    problem_count: int
    problems: list[CourseProblemOut]
    changes: CourseChangesOut | None


class CourseOut(Reply):
    """The course that is used, and the versions that are kept, the newest first."""

    used: CourseReadOut
    versions: list[CourseVersionOut]
    largest: int = Field(description="bytes that may be sent")
    action: int | None = Field(description="what made it so, for undo; null where nothing was done")


class UseCourseBody(Body):
    version: Annotated[str, Field(min_length=1, max_length=100)]


class TestedSource(Reply):
    """A chat in a test run. `heard_at` is when the code arrived (null: not yet), said by `name`. `reply`: "" before
    that, "none" where it cannot be replied to, else "waiting", "sending", "sent" or "failed" (`error` says why,
    `error_zh` in Chinese)."""

    source: str
    kind: str
    replies: bool
    heard_at: float | None
    name: str
    reply: Literal["", "none", "waiting", "sending", "sent", "failed"]
    error: str
    error_zh: str


class TryoutOut(Reply):
    """The newest test run ("" and 0 where there was none). `running` until `ends`."""

    code: str
    began: float
    ends: float
    running: bool
    sources: list[TestedSource]
