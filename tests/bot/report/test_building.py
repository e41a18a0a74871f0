"""What a report counts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Session
from bot.report import Chat, Headline, Material, build_report
from tests.bot.report.sample import MATERIAL, QUESTIONS, SESSION, START, heard

REPORT = build_report(MATERIAL, START + 3600)


def test_the_headline_counts_messages_people_and_what_became_of_the_questions() -> None:
    """Every figure of the headline is what one counts by hand."""
    assert REPORT.headline == Headline(
        messages=10,
        people=6,
        asked=8,
        askers=5,
        groups=5,
        by_course=1,
        by_people=1,
        open=2,
        dismissed=1,
        chats=2,
        unread=1,
    )


def test_questions_come_by_demand_and_merged_ones_not_at_all() -> None:
    """The order is by people, then by who was asked first; what was merged is counted where it went."""
    assert [(line.id, line.people) for line in REPORT.lines] == [
        ("cost", 5), ("rec", 3), ("off", 2), ("lunch", 1), ("who", 1),
    ]  # fmt: skip


def test_a_pinned_question_keeps_its_place_by_demand() -> None:
    """Pinning is for the stage; the report tells what people wanted."""
    pinned = [replace(q, state=replace(q.state, pinned=q.id == "who")) for q in QUESTIONS]
    assert build_report(replace(MATERIAL, questions=pinned), 0).lines[0].id == "cost"


def test_a_line_tells_who_asked_first_and_how_others_put_it() -> None:
    """Other wordings are given once each, whatever their spaces and capitals, without the title itself."""
    line = REPORT.lines[1]
    assert (line.first_by, line.first_at, line.last_at) == ("Ann", START + 60, START + 120)
    assert line.wordings == ("Will it be recorded", "is there a RECORDING?")
    assert line.chats == (("web", 2), ("telegram", 1))


def test_answers_are_listed_by_whoever_gave_them() -> None:
    """The course and each person have their own list."""
    assert {by: [line.id for line in lines] for by, lines in REPORT.answered.items()} == {
        "Dr. Cen": ["off"], "course": ["rec"],
    }  # fmt: skip


def test_what_was_left_is_what_is_open() -> None:
    """Answered and dismissed questions are not left."""
    assert [line.id for line in REPORT.left] == ["cost", "who"]
    assert [line.id for line in REPORT.dismissed] == ["lunch"]


def test_a_gap_was_asked_by_several_and_answered_by_nobody() -> None:
    """One person's open question is no gap, an answered one neither."""
    assert REPORT.gaps == ("cost",)


def test_what_the_course_answered_for_all_but_one_is_no_gap() -> None:
    """Several asked, one still waits: that is one person's open question."""
    told = [replace(question, waiting=min(question.waiting, 1)) for question in QUESTIONS]
    assert build_report(replace(MATERIAL, questions=told), START + 3600).gaps == ()


def test_each_chat_has_its_share() -> None:
    """Chats are counted apart, the busiest first."""
    assert REPORT.chats == (
        Chat("web", messages=6, people=4, asked=5, groups=4, answered=1),
        Chat("telegram", messages=4, people=2, asked=3, groups=3, answered=2),
    )


def test_the_timeline_counts_minutes() -> None:
    """One step a minute from the first message to the last; its sums are those of the headline."""
    timeline = REPORT.timeline
    assert (timeline.start, timeline.step, len(timeline.messages)) == (START, 60.0, 33)
    assert timeline.messages[:3] == (1, 2, 1)
    assert timeline.asked[:3] == (0, 2, 1)
    assert (sum(timeline.messages), sum(timeline.asked)) == (10, 8)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_the_timeline_fits_a_page_and_loses_nobody(minutes: list[float]) -> None:
    """However long a session is, its timeline has a page's steps and every message in one of them."""
    own = [heard(n, minute, "web", "a", "x") for n, minute in enumerate(minutes)]
    timeline = build_report(Material(SESSION, own, []), 0).timeline
    assert len(timeline.messages) <= 122
    assert sum(timeline.messages) == len(minutes)


def test_an_empty_session_has_a_report() -> None:
    """Nothing came in: every figure is nought and every list empty."""
    empty = build_report(Material(Session("e", "E"), [], []), 0)
    assert empty.headline == Headline(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert (empty.lines, empty.chats, empty.gaps, empty.timeline.messages) == ((), (), (), ())
