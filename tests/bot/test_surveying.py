"""The rules of surveys: what may be one, how it may change, when it acts by itself, what is said, what it brought."""

from dataclasses import replace

import pytest

from bot.errors import BadInput, NotAllowed
from bot.model import Poll, PollKind, PollState, PollStatus, PollText, Session, SurveyState, SurveyWhen, Turnout
from bot.polling import typed_vote
from bot.surveying import (
    Earlier,
    asked,
    checked,
    closes,
    default,
    edited,
    feedback,
    first_asked,
    invitation,
    is_item,
    like,
    next_open,
    opened,
    opens,
    rating,
    reminder,
    reminder_due,
    tag,
)

DAY = 86_400.0


def item(kind: PollKind = PollKind.SCALE, title: str = "How was it?", **more: object) -> PollState:
    return PollState("", "", kind, title, **more)  # type: ignore[arg-type]


def survey(*items: PollState, **more: object) -> SurveyState:
    return checked(SurveyState("talk", "How was it?", items or (item(), item(PollKind.OPEN, "What next?")), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_questionnaire_is_ready_to_use(language: str) -> None:
    """In both languages: a rating first, then texts; each item has an id that no poll has."""
    made = default("talk", language)
    assert [one.kind for one in made.items] == [PollKind.SCALE, PollKind.OPEN, PollKind.OPEN]
    assert all(one.ends for one in made.items[:1])
    assert len({one.id for one in made.items}) == 3
    assert all(is_item(one.id) for one in made.items)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in made.title) == (language == "zh")


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (SurveyState("talk", "  ", (item(),)), "1 to 200"),
        (SurveyState("talk", "T", ()), "1 to 10"),
        (SurveyState("talk", "T", (item(),) * 11), "1 to 10"),
        (SurveyState("talk", "T", (item(),), days=0), "1 to 30 days"),
        (SurveyState("talk", "T", (item(),), reminders=3), "at most 2"),
        (SurveyState("talk", "T", (item(PollKind.WORDS),)), "a rating, a choice or a text"),
        (SurveyState("talk", "T", (item(PollKind.SINGLE, options=("a",)),)), "2 to 20"),
        (SurveyState("talk", "T", (replace(item(), id="s1"), replace(item(), id="s1"))), "twice"),
    ],
)
def test_what_is_no_survey_is_refused(wish: SurveyState, says: str) -> None:
    """With a word about what is wrong."""
    with pytest.raises(BadInput, match=says):
        checked(wish)


def test_what_was_answered_keeps_its_meaning() -> None:
    """The wording of an answered item may be mended and items may come to it; it cannot go or ask something else."""
    before = survey(item(PollKind.SINGLE, "What next?", options=("Redis", "Kafka")), item(PollKind.OPEN, "Why?"))
    choice, why = before.items
    more = edited(before, replace(before, items=(replace(choice, title="What then?"), why, item())), {choice.id})
    assert [one.title for one in more.items] == ["What then?", "Why?", "How was it?"]
    assert more.items[0].id == choice.id
    assert edited(before, replace(before, items=(choice,)), {choice.id}).items == (choice,)
    with pytest.raises(NotAllowed, match="cannot be removed"):
        edited(before, replace(before, items=(why,)), {choice.id})
    with pytest.raises(NotAllowed, match="as a new item"):
        edited(before, replace(before, items=(replace(choice, options=("Kafka", "Redis")), why)), {choice.id})
    changed = edited(before, replace(before, items=(replace(choice, options=("Kafka", "Redis")), why)), set())
    assert changed.items[0].options == ("Kafka", "Redis")
    assert tag(changed) != tag(before) == tag(replace(before))


def test_an_open_survey_closes_when_its_days_say_now() -> None:
    """From when it was opened, not from when they were changed."""
    open_ = opened(survey(days=3), 1000.0)
    assert open_.closes_at == 1000.0 + 3 * DAY
    assert edited(open_, replace(open_, days=5), set()).closes_at == 1000.0 + 5 * DAY
    assert not closes(open_, 1000.0 + 3 * DAY - 1)
    assert closes(open_, 1000.0 + 3 * DAY)
    assert not closes(replace(open_, status=PollStatus.CLOSED), 1e12)


def test_it_opens_by_itself_when_the_talk_has_ended() -> None:
    """A while after the end, so that a slip can be taken back; not where it is off, was opened, or ended long ago."""
    ended = Session("talk", "T", ended_at=1000.0, survey=SurveyWhen.AT_END)
    assert not opens(ended, None, 1060.0)
    assert opens(ended, None, 1120.0)
    assert opens(ended, survey(), 1120.0)
    assert not opens(ended, opened(survey(), 1050.0), 1120.0)
    assert not opens(replace(ended, survey=SurveyWhen.OFF), None, 1120.0)
    assert not opens(replace(ended, ended_at=None), None, 1120.0)
    assert not opens(ended, None, 1000.0 + DAY)


def test_reminders_part_the_time_and_never_come_twice() -> None:
    """None with none wished; of several that are due at once only the last."""
    twice = opened(survey(days=3, reminders=2), 0.0)
    assert [reminder_due(twice, 0, n * DAY) for n in (0, 0.9, 1.0, 1.9, 2.0, 2.9)] == [0, 0, 1, 1, 2, 2]
    assert reminder_due(twice, 1, 1.5 * DAY) == 0
    assert reminder_due(twice, 2, 2.5 * DAY) == 0
    assert reminder_due(twice, 0, 3 * DAY) == 0
    assert reminder_due(opened(survey(reminders=0), 0.0), 0, 2 * DAY) == 0
    assert reminder_due(survey(reminders=2), 0, 2 * DAY) == 0


def test_a_copy_asks_the_same_as_another_survey() -> None:
    """A draft with items of its own, so that nothing answered there counts here."""
    model = opened(survey(), 5.0)
    copy = like(model, "next")
    assert [one.title for one in copy.items] == [one.title for one in model.items]
    assert not {one.id for one in copy.items} & {one.id for one in model.items}
    assert (copy.session, copy.status, copy.opened_at) == ("next", PollStatus.DRAFT, 0.0)


def test_chats_are_asked_what_a_number_answers() -> None:
    """The first rating, else the first choice; with only texts the link alone. A typed number counts for that item."""
    choice, rated, text = item(PollKind.SINGLE, "Next?", options=("a", "b")), item(), item(PollKind.OPEN, "Why?")
    open_ = opened(survey(text, choice, rated), 5.0)
    first = first_asked(open_)
    assert first is not None
    assert first.title == "How was it?"
    said = invitation(open_, first, "en", "http://x/s/talk/feedback", private=False)
    assert "from 1 to 5" in said
    assert "The other 2 are here" in said
    assert said.endswith("http://x/s/talk/feedback")
    assert typed_vote("4", [first]) == (first, ("4",))
    assert "还有一题" in invitation(opened(survey(choice, text), 5.0), choice, "zh", "u", private=False)
    assert "会接着问" in invitation(open_, first, "zh", "u", private=True)
    only = opened(survey(text), 5.0)
    assert first_asked(only) is None
    assert invitation(only, None, "en", "u", private=True).splitlines()[-1].endswith("u")
    assert "stop" in reminder(first, "en", "u")


def test_items_come_one_after_the_other() -> None:
    """First what chats are asked, then the others in their order; nothing after the last."""
    open_ = opened(survey(item(PollKind.OPEN, "Why?"), item(), item(PollKind.OPEN, "What else?")), 5.0)
    why, rated, else_ = asked(open_)
    assert next_open(open_, {}) == rated
    assert next_open(open_, {rated.id: ("4",)}) == why
    assert next_open(open_, {rated.id: ("4",), why.id: ("x",)}) == else_
    assert next_open(open_, {one.id: ("1",) for one in (why, rated, else_)}) is None


def rated(counts: dict[int, int], state: PollState | None = None) -> Poll:
    return Poll(state or asked(survey())[0], sum(counts.values()), counts)


def test_a_rating_says_how_sure_it_is() -> None:
    """Mean, spread and Student's interval (checked by hand for 4, 5, 5, 2), which ends where the scale ends; one alone
    has none, and nobody no rating."""
    found = rating(rated({4: 1, 5: 2, 2: 1}))
    assert found is not None
    assert (found.n, found.mean) == (4, 4.0)
    assert found.spread == pytest.approx(2**0.5)
    assert found.low == pytest.approx(4 - 3.1824 * 2**0.5 / 2, abs=1e-3)
    assert found.high == 5.0
    one = rating(rated({3: 1}))
    assert one is not None
    assert (one.low, one.high, one.spread) == (None, None, 0.0)
    assert rating(rated({})) is None
    assert rating(Poll(item(PollKind.SINGLE, options=("a", "b")), 1, {1: 1})) is None


def test_texts_that_say_the_same_are_one_group() -> None:
    """By how many people said it, with every wording; who gave no groups has each text by itself."""
    state = opened(survey(item(PollKind.OPEN, "What next?")), 5.0)
    texts = (PollText("kafka", "Kafka", 2), PollText("k8s", "K8s", 3), PollText("more kafka", "more Kafka", 2))
    results = [Poll(asked(state)[0], 7, texts=texts)]
    (found,) = feedback(state, results, (7, []), {state.items[0].id: [0, 1, 0]}).items
    assert [(group.title, group.people, len(group.wordings)) for group in found.groups] == [
        ("Kafka", 4, 2),
        ("K8s", 3, 1),
    ]
    (alone,) = feedback(state, results, (7, [])).items
    assert [group.people for group in alone.groups] == [3, 2, 2]


def test_a_rating_is_compared_over_the_series() -> None:
    """With earlier evenings that asked the same on the same scale, in order of time; with none there is no trend."""
    now, was, other = survey(), survey(), survey(item(low=1, high=10))
    here = Session("talk", "Third", starts_at=300.0)
    before = [
        Earlier(Session("a", "First", starts_at=100.0), (rated({3: 2}, was.items[0]),)),
        Earlier(Session("b", "Second", starts_at=200.0), (rated({9: 2}, other.items[0]),)),
    ]
    results = [rated({5: 4}, asked(now)[0])]
    found = feedback(now, results, (4, [Turnout("web", 9, 4)]), None, here, before)
    assert found.chats == (Turnout("web", 9, 4),)
    (trend,) = found.trends
    assert [(one.title, one.rating.mean, one.rating.n) for one in trend.evenings] == [
        ("First", 3.0, 2),
        ("Third", 5.0, 4),
    ]
    assert feedback(now, results, (4, []), None, here, before[1:]).trends == ()
