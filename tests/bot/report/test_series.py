"""The report of a series: what it counts, and its files."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given, settings
from openpyxl import load_workbook

from bot.model import Answer, Heard, Poll, PollKind, PollState, Question, Session, Status
from bot.report import (
    Feedback,
    Material,
    SeriesCount,
    SeriesReport,
    Tally,
    series_to_csv,
    series_to_html,
    series_to_json,
    series_to_markdown,
    series_to_xlsx,
)
from bot.report.series_html import numbered
from tests.bot.report.sample import heard, question
from tests.bot.report.test_files import FORMULAS, TEXTS, Tags

WEEK = 7 * 86_400.0
START = 1_796_124_600.0


def asked(id: str, title: str, people: int, answer: Answer | None = None) -> Question:
    status = Status.QUEUED if answer is None else Status.ANSWERED
    return replace(question(id, title, status, answer), people=people)


def evening(n: int, said: list[Heard], questions: list[Question], **more: object) -> Material:
    session = Session(f"e{n}", f"Evening {n}", "Course", starts_at=START + n * WEEK, language="en")
    moved = [replace(one, at=one.at + n * WEEK) for one in said]
    return Material(session, moved, questions, **more)  # type: ignore[arg-type]


def counted(*evenings: Material, roots: dict[str, str] | None = None, unsteady: str = "") -> SeriesReport:
    count = SeriesCount(roots or {}, lambda source: source != unsteady)
    for one in evenings:
        count.add(one, START)
    return count.report("Course", "en", START)


def clear(n: int) -> Poll:
    state = PollState(f"p{n}", f"e{n}", PollKind.SCALE, "How clear?", round=1)
    return Poll(state, 2, {n: 2})


YES = Answer("Yes.", "Ann", START + 60)
FIRST = evening(
    1,
    [heard(1, 0, "telegram", "ann", "x", "a"), heard(2, 1, "wechat", "bob", "y")],
    [asked("a", "Is there a recording?", 3, YES), asked("b", "What does it cost?", 5)],
    polls=[clear(1)],
    feedback=(Feedback("How was it?", 2, 4, (Tally("Useful?", PollKind.SCALE, 2, (("1", 0), ("2", 2)), 2.0),)),),
)
SECOND = evening(
    2,
    [heard(1, 0, "telegram", "ann", "x", "c"), heard(2, 1, "telegram", "eve", "y"), heard(3, 1, "wechat", "bob", "y")],
    [asked("c", "is there a recording", 2), asked("d", "Price per month?", 4)],
    polls=[clear(2)],
)


def test_evenings_stand_in_order_of_time_with_who_came_again() -> None:
    """Whoever was there before is returning, in whatever order the evenings were read; a chat without lasting ids says
    nothing."""
    report = counted(SECOND, FIRST, unsteady="wechat")
    assert [one.session.id for one in report.evenings] == ["e1", "e2"]
    assert [(one.audience.new, one.audience.returning, one.audience.unknown) for one in report.evenings] == [
        (1, 0, 1), (1, 1, 1),
    ]  # fmt: skip
    assert report.people == 3


def test_what_is_asked_again_is_found_by_its_words_and_by_what_is_known() -> None:
    """The same words are the same question, and so are those with one root; what was answered once is not wanted."""
    report = counted(FIRST, SECOND, roots={"d": "b"})
    assert [(one.title, one.people, one.sessions, one.answered) for one in report.recurring] == [
        ("What does it cost?", 9, ("e1", "e2"), ()),
        ("Is there a recording?", 5, ("e1", "e2"), ("e1",)),
    ]
    assert [one.title for one in report.wanted] == ["What does it cost?"]
    assert [one.title for one in counted(FIRST, SECOND).wanted] == ["What does it cost?", "Price per month?"]


def test_the_same_poll_on_two_evenings_is_compared() -> None:
    """And one that was there once is not."""
    (poll,) = counted(FIRST, SECOND).polls
    assert (poll.title, [(session, tally.mean) for session, tally in poll.tallies]) == (
        "How clear?", [("e1", 1.0), ("e2", 2.0)],
    )  # fmt: skip
    assert counted(FIRST, SECOND).feedback == ()
    assert [(one.session, one.n, one.asked) for one in counted(FIRST, SECOND).rates] == [("e1", 2, 4)]


def test_a_series_in_which_nobody_said_anything_has_a_report() -> None:
    """It says so in words, in every format."""
    report = counted(Material(Session("e", "E", "S", language="en"), [], []))
    assert "No talk brought any messages." in Tags(series_to_html(report, UTC)).text
    assert "Nothing was asked in two talks." in series_to_markdown(report, UTC)
    assert next(csv.DictReader(io.StringIO(series_to_csv(report, UTC))))["answered_share"] == ""
    assert json.loads(series_to_json(report))["total"]["messages"] == 0
    assert load_workbook(io.BytesIO(series_to_xlsx(report, UTC)))["Talks"].max_row == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_two_columns_of_a_sheet_have_the_same_head(language: str) -> None:
    """So a share is not taken for a count, nor who voted for who chose an option."""
    evenings = [replace(one, session=replace(one.session, language=language)) for one in (FIRST, SECOND)]
    for page in load_workbook(io.BytesIO(series_to_xlsx(counted(*evenings), UTC))).worksheets:
        heads = [cell.value for cell in page[1]]
        assert len(heads) == len(set(heads)), (page.title, heads)


def test_the_page_shows_the_evenings_and_stands_alone() -> None:
    """The table has an evening a row, the head is repeated in print, and nothing is fetched."""
    tags = Tags(series_to_html(counted(FIRST, SECOND), UTC))
    text = " ".join(tags.text.split())
    for part in ("2 talks", "2026-12-08 Evening 1", "What does it cost?", "How clear?", "Mean 1.0", "50%"):
        assert part in text
    assert not {"script", "link", "img", "a"} & {tag for tag, _ in tags.tags}
    assert not {"src", "href", "style"} & {name for _, names in tags.tags for name in names}


def nasty(text: str) -> SeriesReport:
    """A report in which everything that people wrote is `text`."""
    poll = PollState("p", "e", PollKind.SINGLE, text, options=(text, "b"), round=1)
    evenings = [
        Material(
            replace(one.session, title=text, speaker=text),
            one.heard,
            [asked(f"q{n}", text, 1), asked(f"r{n}", "Something else 7", 1, YES)],
            [Poll(poll, 1, {1: 1})],
            feedback=(Feedback(text, 1, 2),),
        )
        for n, one in enumerate((FIRST, SECOND))
    ]
    return replace(counted(*evenings, roots={"q1": "q0"}), name=text)


@given(text=TEXTS)
@settings(max_examples=25, deadline=None)
def test_no_text_becomes_markup(text: str) -> None:
    """Whatever people write, the page has the same tags as with plain words."""
    assert Tags(series_to_html(nasty(text), UTC)).tags == Tags(series_to_html(nasty("plain"), UTC)).tags


@pytest.mark.parametrize("start", FORMULAS)
def test_no_cell_is_a_formula(start: str) -> None:
    """Neither of the CSV nor of the workbook."""
    row = next(csv.DictReader(io.StringIO(series_to_csv(nasty(start), UTC))))
    assert {row["title"][0], row["speaker"][0]} == {"'"}
    for page in load_workbook(io.BytesIO(series_to_xlsx(nasty(start), UTC))).worksheets:
        assert all(cell.data_type != "f" for cells in page.iter_rows() for cell in cells)


def test_two_evenings_of_one_day_are_told_apart() -> None:
    """By the time, or else by the id; an evening that has its day for itself is called by that."""
    same, later = (replace(FIRST, session=replace(FIRST.session, id=id)) for id in ("same", "later"))
    later = replace(later, session=replace(later.session, starts_at=START + WEEK + 3600))
    assert numbered(counted(FIRST, later, SECOND), UTC) == {
        "e1": "2026-12-08 11:30", "later": "2026-12-08 12:30", "e2": "2026-12-15"
    }  # fmt: skip
    assert numbered(counted(FIRST, same, later), UTC) == {"e1": "e1", "same": "same", "later": "2026-12-08 12:30"}
    assert "2026-12-08 12:30" in series_to_markdown(counted(FIRST, later), UTC)
