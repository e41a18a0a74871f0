"""The JSON of surveys: what viewers answer, and what staff asks and sees of it. No person is in it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from bot.model import PollKind, PollState, PollStatus, SurveyState, Turnout
from bot.surveying import Evening, Group, Rating, asked, default, tag
from bot.surveys import Found
from bot.web.poll_json import Line, PollOut, poll_out
from bot.web.schemas import Body, Reply

ItemKind = Literal["scale", "single", "multiple", "open"]
Standing = Literal["draft", "open", "closed"]

SHOWN = 50
"""Wordings of a group that a page is told."""


class ItemBody(Body):
    """What one item asks, as a poll of its kind does. `id` is that of an item that is there already ("": a new one)."""

    id: Annotated[str, Field(max_length=100)] = ""
    kind: ItemKind
    title: Line
    options: Annotated[tuple[Line, ...], Field(max_length=200)] = ()
    most: Annotated[int, Field(ge=0, le=1000)] = 1
    low: Annotated[int, Field(ge=-1000, le=1000)] = 1
    high: Annotated[int, Field(ge=-1000, le=1000)] = 5
    ends: tuple[Line, Line] = ("", "")

    def wish(self) -> PollState:
        return PollState(
            id=self.id,
            session="",
            kind=PollKind(self.kind),
            title=self.title,
            options=self.options,
            most=self.most,
            low=self.low,
            high=self.high,
            ends=self.ends,
        )


class SurveyBody(Body):
    """A survey as it is wished. It closes `days` after it was opened; who took part and has not answered is reminded
    at most `reminders` times. `seen` is the `tag` of what you have seen; where it stands otherwise by now, 409."""

    title: Line
    items: Annotated[tuple[ItemBody, ...], Field(max_length=100)]
    days: Annotated[int, Field(ge=0, le=1000)] = 3
    reminders: Annotated[int, Field(ge=0, le=1000)] = 1
    seen: Annotated[str, Field(max_length=100)]

    def wish(self, session: str) -> SurveyState:
        return SurveyState(session, self.title, tuple(item.wish() for item in self.items), self.days, self.reminders)


class SurveyActBody(Body):
    """`open` opens it, or opens it again."""

    do: Literal["open", "close"]


class SurveyCopyBody(Body):
    """`session` is where it is."""

    session: Annotated[str, Field(min_length=1, max_length=200)]


class AnswerBody(Body):
    """Numbers of options from 1 (or on the scale), or one text."""

    choices: Annotated[list[Line], Field(min_length=1, max_length=100)]


class ItemOut(Reply):
    """One item, as viewers are asked it."""

    id: str
    kind: ItemKind
    title: str
    options: list[str]
    most: int
    low: int
    high: int
    ends: tuple[str, str]


class SurveyOut(Reply):
    """What viewers are asked. `status` is "none" where there is no survey, or none that was opened yet; `mine` is what
    the caller answered, by item."""

    status: Literal["none", "open", "closed"]
    title: str = ""
    closes_at: float = 0.0
    items: list[ItemOut] = Field(default_factory=list)
    mine: dict[str, list[str]] = Field(default_factory=dict)


class SurveyNow(Reply):
    """How the survey stands, as watchers are told: `items` is their number; `people` answered, which only staff is
    told."""

    status: Literal["none", "draft", "open", "closed"]
    title: str = ""
    closes_at: float = 0.0
    items: int = 0
    people: int | None = None


class RatingOut(Reply):
    """`spread` is the standard deviation; `low` to `high` the 95 % interval of the mean, null where one alone rated."""

    n: int
    mean: float
    spread: float
    low: float | None
    high: float | None


class WordingOut(Reply):
    text: str
    people: int


class GroupOut(Reply):
    """Texts that say the same; `count` different ones, of which the most frequent are told."""

    title: str
    people: int
    count: int
    wordings: list[WordingOut]


class ItemResultOut(Reply):
    """What one item brought: as a poll with its result, `rating` for a scale, `groups` for a text."""

    item: PollOut
    rating: RatingOut | None
    groups: list[GroupOut] | None


class TurnoutOut(Reply):
    """Of `took_part` people who asked, voted or said something in this chat, `answered` did; `others` answered there
    without having taken part anywhere."""

    source: str
    took_part: int
    answered: int
    others: int


class EveningOut(Reply):
    session: str
    title: str
    at: float | None
    rating: RatingOut


class TrendOut(Reply):
    """The same rating over the evenings of the series, the earliest first; `low` and `high` are the ends of its
    scale."""

    item: str
    title: str
    low: int
    high: int
    evenings: list[EveningOut]


class FormOut(Reply):
    """What a survey asks, without how it stands."""

    title: str
    items: list[ItemOut]


class StaffSurveyOut(Reply):
    """A survey with what it brought. `status` is "none" where nobody made one: then `form` is the questionnaire that is
    ready to use, and the rest is empty. `tag` names the wording that this is."""

    status: Literal["none", "draft", "open", "closed"]
    tag: str
    form: FormOut
    days: int
    reminders: int
    opened_at: float
    closes_at: float
    people: int
    results: list[ItemResultOut]
    chats: list[TurnoutOut]
    trends: list[TrendOut]


def survey_out(survey: SurveyState | None, mine: Mapping[str, Sequence[str]]) -> SurveyOut:
    """As viewers see it: a draft is none."""
    if survey is None or survey.status is PollStatus.DRAFT:
        return SurveyOut(status="none")
    return SurveyOut(
        status="open" if survey.status is PollStatus.OPEN else "closed",
        title=survey.title,
        closes_at=survey.closes_at,
        items=[_item(item) for item in survey.items],
        mine={id: list(said) for id, said in mine.items()},
    )


def survey_now(survey: SurveyState | None, people: int | None = None) -> SurveyNow:
    """To everybody, or with `people` to staff."""
    if survey is None or (people is None and survey.status is PollStatus.DRAFT):
        return SurveyNow(status="none")
    return SurveyNow(
        status=survey.status.value,
        title=survey.title,
        closes_at=survey.closes_at,
        items=len(survey.items),
        people=people,
    )


def staff_survey_out(session: str, language: str, found: Found | None) -> StaffSurveyOut:
    survey = found.survey if found else default(session, language)
    feedback = found.feedback if found else None
    return StaffSurveyOut(
        status=survey.status.value if found else "none",
        tag=tag(found.survey if found else None),
        form=form_out(survey),
        days=survey.days,
        reminders=survey.reminders,
        opened_at=survey.opened_at,
        closes_at=survey.closes_at,
        people=feedback.people if feedback else 0,
        results=_results(found) if found else [],
        chats=[_turnout(chat) for chat in feedback.chats] if feedback else [],
        trends=[
            TrendOut(
                item=trend.item,
                title=trend.title,
                low=trend.low,
                high=trend.high,
                evenings=[_evening(one) for one in trend.evenings],
            )
            for trend in (feedback.trends if feedback else ())
        ],
    )


def form_out(survey: SurveyState) -> FormOut:
    return FormOut(title=survey.title, items=[_item(item) for item in asked(survey)])


def _results(found: Found) -> list[ItemResultOut]:
    return [
        ItemResultOut(
            item=poll_out(poll, staff=True),
            rating=_rating(item.rating) if item.rating else None,
            groups=[_group(group) for group in item.groups] if item.kind is PollKind.OPEN else None,
        )
        for poll, item in zip(found.results, found.feedback.items, strict=True)
    ]


def _item(item: PollState) -> ItemOut:
    return ItemOut(
        id=item.id,
        kind=item.kind.value,  # type: ignore[arg-type]  # `surveying.checked` lets no words in
        title=item.title,
        options=list(item.options),
        most=item.most,
        low=item.low,
        high=item.high,
        ends=item.ends,
    )


def _rating(rating: Rating) -> RatingOut:
    return RatingOut(n=rating.n, mean=rating.mean, spread=rating.spread, low=rating.low, high=rating.high)


def _group(group: Group) -> GroupOut:
    return GroupOut(
        title=group.title,
        people=group.people,
        count=len(group.wordings),
        wordings=[WordingOut(text=one.text, people=one.people) for one in group.wordings[:SHOWN]],
    )


def _turnout(chat: Turnout) -> TurnoutOut:
    return TurnoutOut(source=chat.source, took_part=chat.took_part, answered=chat.answered, others=chat.others)


def _evening(evening: Evening) -> EveningOut:
    return EveningOut(session=evening.session, title=evening.title, at=evening.at, rating=_rating(evening.rating))
