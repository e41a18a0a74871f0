"""The values that flow through the program: frozen, without behaviour beyond what follows from themselves.

Times are Unix seconds (UTC, float). Similarities are cosines, probabilities lie in 0..1.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.aloud import Passage
from knowledge.captions import Spoken
from knowledge.reasons import Reason, Reasons

Vector = NDArray[np.float32]  # shape (d,), unit length


class Status(StrEnum):
    """Where a question stands; `bot.queueing` says which may follow which."""

    NEW = "new"
    QUEUED = "queued"
    ON_STAGE = "on_stage"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    MERGED = "merged"


class Unit(StrEnum):
    """How a chat counts the length of a text."""

    UTF16 = "utf16"
    BYTES = "bytes"
    CHARACTERS = "characters"


class Mode(StrEnum):
    """How far an ability may go by itself: `suggest` waits for a moderator's click."""

    OFF = "off"
    SUGGEST = "suggest"
    AUTO = "auto"


class SurveyWhen(StrEnum):
    """Whether a session's survey opens by itself: never, or when the talk has ended."""

    OFF = "off"
    AT_END = "at_end"


@dataclass(frozen=True, slots=True)
class Session:
    """One talk. `course` is the folder of its material ("" without one), `language` is "zh" or "en".

    With `review` viewers see a question only after a moderator approved it, with `ledger` also what was dismissed and
    why. `survey`: whether the survey opens by itself. `digest`, `personal` and `report` say what is told by itself
    after the talk, see `bot.rounds`. Without `names` its reports name nobody. `slow`: seconds between two questions of
    one person, 0 in a session that is not in slow mode.
    """

    id: str
    title: str
    series: str = ""
    speaker: str = ""
    starts_at: float | None = None
    ended_at: float | None = None
    course: str = ""
    language: str = "zh"
    review: bool = False
    ledger: bool = False
    grouping: Mode = Mode.AUTO
    answers: Mode = Mode.AUTO
    acknowledgements: Mode = Mode.AUTO
    memory: Mode = Mode.AUTO
    promoting: Mode = Mode.SUGGEST
    survey: SurveyWhen = SurveyWhen.OFF
    slow: int = 0
    digest: Mode = Mode.SUGGEST
    personal: Mode = Mode.AUTO
    report: Mode = Mode.AUTO
    names: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """Where to reply: opaque to everyone but the connector of that name. `private`: only the asker reads there."""

    connector: str
    chat: str
    message: str = ""
    user: str = ""
    private: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """One human as one chat knows them; the same human on two chats is two persons."""

    source: str
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a chat. (source, external_id) is unique; `id` is given by the inbox (0 before), in order of arrival.

    `explicit`: sent through a way that is there for asking (the page's field, /ask), so it need not be detected. A line
    that asks several things is several messages with one external id and growing `part`, each placed by itself.
    `aside`: its author says more than anybody reads; it is kept and nothing becomes of it. `taken`: the program did not
    take it for a question, and a moderator does.
    """

    session: str
    source: str
    external_id: str
    author: str
    author_name: str
    text: str
    at: float
    address: Address | None = None
    explicit: bool = False
    part: int = 1
    id: int = 0
    aside: bool = False
    taken: bool = False

    @property
    def person(self) -> Person:
        return Person(self.source, self.author, self.author_name)


@dataclass(frozen=True, slots=True)
class CourseMatch:
    """What the course says to one message, or what was answered on an earlier evening: `score` is the probability that
    `source` answers it.

    `state` is "sent" (without a human), "suggested" (a moderator may send it) or "withheld" (this ability is off in the
    session, so nobody sees it). `sure`: in the mode auto it is sent, unless the course surely answers as well. `where`
    is the place for a human, of an earlier answer its evening and date ("": `source` says it). `gone`: it was sent, and
    the course says something else by now.
    """

    source: str
    score: float
    state: str
    text: str
    sure: bool = False
    where: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What another course than when it came says to a message, and why."""

    message: int
    answer: CourseMatch | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """What was decided about a message when it arrived, and why. Never changed afterwards, but for a message that is
    placed anew (`Change.takes`), and for what is suggested to it from another course (`LookedUp`).

    `question` is the group it joined or founded (None: asks nothing), `similarity` that to the best group there was
    (None: there was none), `suggested` a group it may belong to, for a moderator to confirm. `reasons` are the
    strongest signs for and against.

    What the modes of the session left of it is in `question`, `suggested`, `answer.state` and `memory.state`; the rest
    is the same in every mode. `same` is the group that the machine takes it for, and `joins` says that in the mode auto
    it joins that. `acknowledges`: in the mode auto its chat is told that the question was heard. `answer` is what the
    course says, `memory` what was answered on an earlier evening of the series.
    """

    message: int
    asking: bool
    probability: float
    question: str | None = None
    similarity: float | None = None
    suggested: str | None = None
    answer: CourseMatch | None = None
    reasons: Reasons = Reasons()  # noqa: RUF009 (a constant)
    same: str | None = None
    joins: bool = False
    acknowledges: bool = False
    memory: CourseMatch | None = None

    @property
    def sent(self) -> CourseMatch | None:
        """What its author was told without a human."""
        return next((match for match in (self.answer, self.memory) if match and match.state == "sent"), None)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a text if it were asked now: the question that it would join (`surely`) or may be the same
    as, and the answer that would be sent, of the course or of an earlier evening."""

    question: str | None = None
    surely: bool = False
    answer: CourseMatch | None = None


@dataclass(frozen=True, slots=True)
class Likely:
    """A question that others may ask as well, with the probability that they do, 0..1."""

    question: str
    likelihood: float


GONE = "gone-"
"""How the ids, and private chats, of persons begin who were forgotten: nothing leads to them."""

COURSE = "course"
"""Who gave an answer that no person gave."""

SOMEBODY = "somebody"
"""Who answered, where names are left out and it was a person."""

EARLIER = "earlier:"
"""The ids of answers that a person gave on an earlier evening of the series begin with it, as those of no file do:
"earlier:SESSION#QUESTION"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said to a question. `by` is a person's name or `COURSE`; `sources` are entry ids or links. Of an earlier
    evening's answer the first is its id (`EARLIER`), the second that evening for people. `accepted`: a person said that
    what the course says answers it."""

    text: str
    by: str
    at: float
    sources: tuple[str, ...] = ()
    accepted: bool = False

    @property
    def by_itself(self) -> bool:
        """Whether the course gave it, and no person said that it answers the question."""
        return self.by == COURSE and not self.accepted


@dataclass(frozen=True, slots=True)
class Reference:
    """What an answer leans on: a link with a title, or ("" as `url`) only what it is called."""

    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that somebody (`person` by account, now called `name`) has not sent yet, as it was typed. `at`: when it
    was kept, another time at each keeping."""

    question: str
    person: str
    text: str
    references: tuple[Reference, ...] = ()
    at: float = 0.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """Somebody (`person` by account, now called `name`) said that a question is not for them."""

    question: str
    person: str
    name: str


LONGEST_TITLE = 500
"""Characters."""


def title_of(text: str) -> str:
    """The title of a question that somebody's words found: its beginning, in one line."""
    return " ".join(text.split())[:LONGEST_TITLE]


def founded_ids(message: int) -> Iterator[str]:
    """The ids of the questions that a message may found, the first first: a further one where it was split off, or
    taken anew for one, and what it had founded still stands."""
    yield f"q{message}"
    for n in itertools.count(2):
        yield f"q{message}.{n}"


def founded_by(question: str, message: int) -> bool:
    return question.partition(".")[0] == f"q{message}"


@dataclass(frozen=True, slots=True)
class QuestionState:
    """The part of a question that people and the pipeline decide. Changed only as a whole, by a `Change`.

    `title` is what is shown; `original` keeps the first wording. `merged_into` is the final group, never a chain.
    `reason` says why it was dismissed; with `reason_shown` whoever asked reads it too. `assigned` names the expert who
    shall answer it ("": nobody in particular). `rejected` names course sources that somebody called no answer, `apart`
    questions that a person said are not this one, also of earlier evenings; it is enough that one of two names the
    other. `again` names questions of earlier evenings that a person said ask the same. `confirmed` are the messages
    that a person said do ask it.
    """

    id: str
    session: str
    title: str
    original: str
    status: Status = Status.NEW
    pinned: bool = False
    labels: tuple[str, ...] = ()
    merged_into: str = ""
    reason: str = ""
    reason_shown: bool = False
    assigned: str = ""
    answer: Answer | None = None
    rejected: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    confirmed: tuple[int, ...] = ()

    @property
    def answered_by_itself(self) -> bool:
        """Whether the course answered it, and no person accepted that."""
        return self.status is Status.ANSWERED and self.answer is not None and self.answer.by_itself


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A question asks what was asked on an earlier evening of its series. `root` is the first question that asked it,
    on the first of these evenings, so that all that ask the same have one root. `score`: the greatest probability over
    its askings. `sure`: most probably, or a person said so (`told`); else it may be the same.
    """

    question: str
    root: str
    score: float
    sure: bool
    told: bool = False


@dataclass(frozen=True, slots=True)
class Evening:
    """An earlier evening on which a question was asked: the session with its title, when that was, and the `question`
    there with what it was called, "" where not everybody may see it there."""

    session: str
    title: str
    at: float
    question: str
    asked: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """Where a question was asked before, in order of time, and the latest that a person answered there, `suggested`.
    `sure` and `told` as in `Recurrence`."""

    evenings: tuple[Evening, ...]
    score: float
    sure: bool
    told: bool = False
    answer: CourseMatch | None = None


class PromotionStage(StrEnum):
    """How far an answer is on its way into the FAQ."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Promotion:
    """The answer that a question got at `answered_at`, as the Markdown of an entry of the course's FAQ. `written`: what
    stands there of it ("": nothing). `by` proposed it ("": the program), `decided_by` accepted or declined it."""

    question: str
    session: str
    stage: PromotionStage
    entry: str
    answered_at: float
    at: float
    by: str = ""
    written: str = ""
    decided_at: float | None = None
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a question stood for whoever acts on it, as far as the act builds upon that; what is None does not matter."""

    status: Status | None = None
    title: str | None = None
    answered_at: float | None = None


UNSURE = 0.5
"""The similarity, a probability, below which a message that joined is as likely to ask something else: whoever has a
moment looks at it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A group of messages that one answer satisfies, with the demand behind it.

    `people` counts distinct persons who asked or voted, `askers` those who asked, `votes` those who only voted;
    `waiting` those of `people` who have no answer: of an open question all but whom the course, or an earlier evening's
    answer, was sent to what they asked last and nobody said that it is none; of any other nobody.
    `chats` maps a source to its askers; the parts of a message count as one of `messages`. `sureness` is the lowest
    similarity at which a message joined that nobody confirmed (None: there is none), `doubtful` how many of `messages`
    joined below `UNSURE` and were not confirmed.
    `suggested_answer`, `suggested_memory` (an earlier evening's answer), each as sure as it is of all the messages, and
    `suggested_merge`, each as likely as it was of any message, the likeliest first, wait for a moderator. `earlier`:
    where it was asked before. `revision` is the session's revision number at its last change: every transaction that
    touches a session's questions takes the next one. `staged_at` is when it last came on stage (None: it never did).
    """

    state: QuestionState
    people: int
    askers: int
    votes: int
    messages: int
    chats: dict[str, int]
    first_at: float
    last_at: float
    revision: int
    waiting: int = 0
    sureness: float | None = None
    doubtful: int = 0
    suggested_answer: CourseMatch | None = None
    suggested_merge: tuple[Likely, ...] = ()
    staged_at: float | None = None
    suggested_memory: CourseMatch | None = None
    earlier: Earlier | None = None

    @property
    def id(self) -> str:
        return self.state.id

    @property
    def title(self) -> str:
        return self.state.title

    @property
    def status(self) -> Status:
        return self.state.status

    @property
    def wanting(self) -> int:
        """How many want to know: who has no answer; where nobody waits (any more), all who wanted to."""
        return self.waiting or self.people


@dataclass(frozen=True, slots=True)
class Stage:
    """How a session's stage is shown: `limit` seconds for each question (0: no limit), `blank` while nothing is."""

    limit: int = 0
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One wording of a question: the message, what was decided about it, and the question it belongs to now ("": it
    asks nothing). `confirmed`: a person said that it does ask that."""

    message: Message
    placement: Placement
    question: str
    confirmed: bool = False

    @property
    def asking(self) -> bool:
        return self.question != ""

    @property
    def similarity(self) -> float | None:
        """To its group; None where it founded that, or a person put it there or confirmed it."""
        placed = self.placement
        joined = placed.joins and placed.question == placed.same == self.question and not self.confirmed
        return placed.similarity if joined else None

    @property
    def doubtful(self) -> bool:
        return self.similarity is not None and self.similarity < UNSURE


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button. `act` is "vote" or "not_answered"; pressing it names `question`."""

    act: str
    question: str
    label: str


class PollKind(StrEnum):
    """What a poll asks for: one option, some options, a number, a few words, or a line of text."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    SCALE = "scale"
    WORDS = "words"
    OPEN = "open"


class PollStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class Results(StrEnum):
    """When viewers see what a poll brought: while it is open, once it is closed, or never."""

    LIVE = "live"
    CLOSED = "closed"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class PollState:
    """The part of a poll that staff decides. Changed only as a whole, by a `Change`.

    `options` are those of a single or multiple choice, `most` how many options or words one vote may have, `low` and
    `high` the ends of a scale and `ends` their words. `shown`: it is on the
    stage. `round` counts how often it was opened, the last time at `opened_at`. `muted` are keys of words
    and texts (see `polling.key`) that are shown to nobody but staff.
    """

    id: str
    session: str
    kind: PollKind
    title: str
    options: tuple[str, ...] = ()
    most: int = 1
    low: int = 1
    high: int = 5
    ends: tuple[str, str] = ("", "")
    results: Results = Results.LIVE
    status: PollStatus = PollStatus.DRAFT
    shown: bool = False
    round: int = 0
    opened_at: float = 0.0
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PollText:
    """A word or text that `people` voted: its normal form, and how it was written first."""

    key: str
    text: str
    people: int


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll with its result: `people` voted; `counts` maps a number (of an option, or on the scale) to its people;
    `texts` are the most frequent words or texts, the most frequent first."""

    state: PollState
    people: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    texts: tuple[PollText, ...] = ()


@dataclass(frozen=True, slots=True)
class PollVote:
    """What one person says to a poll. `choices` are numbers (of options, or on the scale), words, or one text.

    `message`: the external id of the message that says it ("": it was tapped).
    """

    poll: str
    person: Person
    choices: tuple[str, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class SurveyState:
    """The questionnaire of a session, of which there is one at most. Changed only as a whole, by a `Change`.

    Each of `items` asks like a poll of its kind (a scale, a choice, a text) and stands as the survey stands; see
    `surveying.asked`. It is open from `opened_at` to `closes_at`, which is `days` later. `reminders`: how often those
    who have not answered are reminded at most.
    """

    session: str
    title: str
    items: tuple[PollState, ...]
    days: int = 3
    reminders: int = 1
    status: PollStatus = PollStatus.DRAFT
    opened_at: float = 0.0
    closes_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Turnout:
    """Who of one chat answered a survey: of `took_part` people who asked, voted or said something there, `answered`
    did; `others` answered there without having taken part anywhere."""

    source: str
    took_part: int
    answered: int
    others: int = 0


class Mood(StrEnum):
    """How somebody feels about the talk just now."""

    FAST = "fast"
    SLOW = "slow"
    LOST = "lost"
    GREAT = "great"


@dataclass(frozen=True, slots=True)
class Pulse:
    """Somebody says how they feel at that time; one a person and minute counts, the last. `message`: as in
    `PollVote`."""

    session: str
    person: Person
    mood: Mood
    at: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to be said in a chat. `key` makes it happen once: the same key with other words edits what was sent,
    with the same words changes nothing. `poll`: what it asks for votes in, for a chat with a form of its own for that;
    the text says it all as well.

    `state`: "waiting", "sending" (handed to the connector, outcome not yet known), "sent", "failed" (gave up, `error`
    says why). `sent_id` is the connector's id of the sent message, "" before. `due_at` is the first `not_before` of
    these words, whatever came between since; the store sets it.
    """

    key: str
    session: str
    address: Address
    text: str
    buttons: tuple[Button, ...] = ()
    not_before: float = 0.0
    state: str = "waiting"
    attempts: int = 0
    sent_id: str = ""
    error: str = ""
    poll: PollState | None = None
    due_at: float = field(default=0.0, compare=False)


Fingerprint = tuple[int, int]
"""Of those who ask a question, by which it is seen whether others do by now: how many messages with words, and the sum
of their ids."""


@dataclass(frozen=True, slots=True)
class Move:
    """A message goes from one question to another."""

    message: int
    before: str
    after: str


class DutyStatus(StrEnum):
    """What became of something that is due after a talk. `open`: nothing yet. `dropped`: it came too late. `empty`:
    there was nothing to say, or nobody to say it to."""

    OPEN = "open"
    SENT = "sent"
    CANCELLED = "cancelled"
    DROPPED = "dropped"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class DutyState:
    """How a duty of a session stands (see `bot.rounds`): `text` is what a person wrote in the place of the proposed one
    (""), `who` did it at that time ("": it was done by itself)."""

    session: str
    name: str
    status: DutyStatus = DutyStatus.OPEN
    text: str = ""
    at: float = 0.0
    who: str = ""


@dataclass(frozen=True, slots=True)
class Hearing:
    """A chat of a session, without a message to reply to. `out`: only somebody reads there who wants to hear nothing
    that comes by itself."""

    address: Address
    out: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """How somebody asked a question: `first` is where it is filed, `question` where it counts, which is another one
    where it was merged."""

    question: str
    first: str
    text: str
    address: Address | None


@dataclass(frozen=True, slots=True)
class Asker:
    """One human with what they asked in a session, in order of arrival, on whatever chats they linked. `chat` is where
    only they read (None: nowhere); `out` as in `Hearing`."""

    person: Person
    chat: Address | None
    asked: tuple[Wording, ...]
    out: bool = False


SettingValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of the session goes from one value to another; modes by their value."""

    name: str
    before: SettingValue
    after: SettingValue


@dataclass(frozen=True, slots=True)
class Change:
    """One act on a session's queue or on the session itself: all of it happens or none, and the ledger keeps it.

    `questions` are pairs (before, after): before None founds a question, after None removes one, which has no wordings
    then. The same goes for `polls` and `surveys`. `pulse` switches the pulse on or off. `opens` is a session that
    begins to exist. `once` names an act that a device may send again, not knowing whether it arrived. `duties` are
    pairs as well, but a duty is always there. `takes` is a message that asked nothing for the program and does for
    people: it is placed anew.
    """

    session: str
    at: float
    who: str
    what: str
    questions: tuple[tuple[QuestionState | None, QuestionState | None], ...] = ()
    moves: tuple[Move, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    undoes: int | None = None
    settings: tuple[Setting, ...] = ()
    opens: Session | None = None
    polls: tuple[tuple[PollState | None, PollState | None], ...] = ()
    pulse: bool | None = None
    once: str = ""
    surveys: tuple[tuple[SurveyState | None, SurveyState | None], ...] = ()
    duties: tuple[tuple[DutyState, DutyState], ...] = ()
    takes: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A row of the ledger: a change that happened. `undone` once another action took it back."""

    id: int
    change: Change
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """All that one message's placement writes: its vector (None: not encoded), the question it founds (None: it founds
    none) and what is to be said.

    `reopens`: it joins a question in words that the course does not surely answer. Where the course answered that one,
    it is new again. `closes`: it joins one and is sent an answer. Where nobody waits any more, the course answered it.
    `replies`: its asker can be told something and the course says nothing. What a person has answered, or why it was
    dismissed, is told instead of `deliveries`, as that stands when it is written.
    """

    placement: Placement
    vector: Vector | None = None
    founds: QuestionState | None = None
    reopens: bool = False
    closes: bool = False
    replies: bool = False
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the pipeline needs of an earlier asking to go on after a restart: `question` it is filed under, `first` that
    where it was placed when it came. `source`: what of the course, or which earlier answer, matched it. `joined`: the
    question with which the machine counts it, in whatever mode.
    """

    message: int
    question: str
    first: str
    text: str
    vector: Vector
    source: str | None
    person: Person
    joined: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source was read, or what waits for an answer was looked up in a course; committed together with what
    was read."""

    source: str
    value: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the store. `inbox`: messages that are not placed, the oldest of them said at `since`; `outbox`: by
    source, deliveries that may go now, and those that may not go yet."""

    inbox: int
    since: float | None
    outbox: Mapping[str, tuple[int, int]]


class SourceState(StrEnum):
    """`starting`: not yet connected since the program began. `refused`: turned away for good, until a person acts."""

    STARTING = "starting"
    CONNECTED = "connected"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source stands. `since`: when it came into this state; `alive_at`: when that was last known to be true.

    `connects` counts connections since the program began; `trouble` is one line for people ("" where all is well).
    `chat_minute` and `chat_hour` are what was said in the busiest chat in the last minute and hour; `chat_limits` what
    a chat allows in each, 0 for no limit. `watched_since`: from then on every outage is known; it outlives a restart.
    """

    source: str
    state: SourceState
    since: float
    alive_at: float
    connects: int = 0
    trouble: str = ""
    chat_minute: int = 0
    chat_hour: int = 0
    chat_limits: tuple[int, int] = (0, 0)
    watched_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Feed:
    """A source was pointed at a session by a person; `said` is the one that the configuration named then."""

    source: str
    session: str
    said: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a source did not hear its chat; `ended` None while it lasts. `filled`: what was said then was
    fetched later, so that nothing is missing."""

    source: str
    began: float
    ended: float | None
    why: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source with what came from it: `messages` in all, the last at `last_at` (None: nothing yet), its outages."""

    health: SourceHealth
    messages: int
    last_at: float | None
    outages: tuple[Outage, ...]

    def missed(self, now: float, since: float = 0.0) -> float:
        """Seconds after `since` in which something may have been said that nobody heard."""
        spans = ((max(o.began, since), now if o.ended is None else o.ended) for o in self.outages if not o.filled)
        return sum(max(0.0, end - begin) for begin, end in spans)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a chat can do, and how fast.

    `private`: it can answer one person where nobody else reads; `stable_users`: the same person keeps their id from one
    evening to the next. `once`: what is sent again, as after a crash, is known for the same message and not said twice,
    for some minutes at least. `length` of a text in `unit`. Rates in messages a second: `rate` over all, `chat_rate` in
    one chat, `group_rate` in one group over a minute; `hourly`: messages an hour in one chat, 0 for no limit.
    `together`: what is said goes over what listens, so one process does both. `topics`: behind a "/" in the address of
    a chat stands a topic of it, which has no limits of its own.
    """

    reply: bool = False
    private: bool = False
    edit: bool = False
    buttons: bool = False
    stable_users: bool = True
    once: bool = False
    length: int = 4096
    unit: Unit = Unit.UTF16
    rate: float = 30.0
    chat_rate: float = 1.0
    group_rate: float = 20 / 60
    hourly: int = 0
    together: bool = False
    topics: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as reports count it: without its vector, and without its words where it belongs to no question.

    Parts of one line have the same `line`. `human` is (source, id) of whoever the author is, after links between chats;
    `question` the final group it is filed under ("": none), `chat` (connector, chat) where its author can be answered.
    `placed`: it was looked at; `asks`: and found to ask something.
    """

    line: int
    source: str
    author: str
    human: tuple[str, str]
    at: float
    placed: bool
    asks: bool
    question: str = ""
    name: str = ""
    text: str = ""
    chat: tuple[str, str] | None = None


class Dated(StrEnum):
    """How it is known when a transcript begins: not at all, as the talk starts, by what came on stage, said by hand."""

    UNKNOWN = ""
    START = "start"
    STAGE = "stage"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said aloud in a session. `name` is the file's, `by` who sent it, `at` when.

    `zero`: when (Unix seconds) second 0 of `lines` was; `dated` says how that is known. `recording`: the address of the
    recording whose second 0 that is too ("": none). `problems` are what is wrong with the file: (line or None, what).
    `searched`: when the questions were last looked for in it (None: not yet).
    """

    session: str
    name: str
    by: str
    at: float
    lines: tuple[Spoken, ...] = ()
    problems: tuple[tuple[int | None, str], ...] = ()
    zero: float | None = None
    dated: Dated = Dated.UNKNOWN
    recording: str = ""
    searched: float | None = None


class Proposed(StrEnum):
    """What people said to a passage that was found."""

    WAITING = "proposed"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The passage of a transcript that answers a question, with up to two others that may."""

    question: str
    passage: Passage
    others: tuple[Passage, ...] = ()
    state: Proposed = Proposed.WAITING


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is kept of a person, and of those who linked themselves to them. Times are Unix seconds; what
    was answered stands with what they asked."""

    persons: tuple[Person, ...]
    messages: tuple[Mapping[str, Any], ...] = ()
    votes: tuple[Mapping[str, Any], ...] = ()
    poll_votes: tuple[Mapping[str, Any], ...] = ()
    pulse: tuple[Mapping[str, Any], ...] = ()
    told: tuple[Mapping[str, Any], ...] = ()
    opted_out: bool = False
    linked: bool = False

    @property
    def anything(self) -> bool:
        said = self.messages or self.votes or self.poll_votes or self.pulse or self.told
        return bool(said or self.opted_out or self.linked)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was forgotten: of how many persons, in how many messages."""

    persons: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class LastLook:
    """When it was last seen to that old evenings are forgotten. `held`: since when nothing is forgotten by its age, for
    the clock may be wrong. Unix seconds."""

    at: float
    held: float | None = None
