"""Reports that name nobody."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

import pytest
from openpyxl import load_workbook

from bot.model import COURSE, Answer, Poll, PollKind, PollState, Session, Status
from bot.report import (
    Feedback,
    Report,
    SeriesCount,
    Tally,
    nameless,
    series_nameless,
    series_to_csv,
    series_to_html,
    series_to_json,
    series_to_markdown,
    series_to_xlsx,
    summary,
    to_csv,
    to_html,
    to_json,
    to_markdown,
    to_xlsx,
)
from bot.report.model import Topic
from bot.report.nameless import blanker
from tests.bot.report.sample import MATERIAL
from tests.bot.report.test_files import report_with

AUDIENCE = ["Zara Quill", "王小虎", "ülkü", "O'Hara", "Bo", "x"]
STAFF = ["Prof. Ingrid Holm", "周明远", "moderator"]
PERSONAL = [
    *("Zara Quill", "zara quill", "Zara  Quill", "王小虎", "Ülkü", "O'Hara", "Prof. Ingrid Holm", "周明远"),
    *("周老师", "Ingrid", "Holm", "@somebody_else", "zara@example.org", "+86 138 0013 8000", "13800138000"),
]
"""Everything by which somebody can be known, as people write it."""


@pytest.mark.parametrize("personal", PERSONAL)
@pytest.mark.parametrize("around", ["{}", "thanks {}, and what of @{}?", "谢谢{}的回答", "as {}'s said:{}"])
def test_nobody_is_named_inside_a_text(personal: str, around: str) -> None:
    """However names stand in a sentence, with or without gaps, none is left."""
    text = blanker(AUDIENCE, STAFF, [])(around.format(personal, personal))
    assert personal.lower() not in text.lower()
    assert "…" in text


@pytest.mark.parametrize(
    "text",
    ["What does the bottle cost?", "Oh, 3.14159 is near", "明远的路", "moderator?", "a 1,5 x 20 mm bolt", "Bool"],
)
def test_other_words_stay(text: str) -> None:
    """What merely begins like a name, or is a figure, is no name."""
    assert blanker(AUDIENCE, STAFF, [])(text) == text


def test_a_short_name_that_is_a_word_goes_only_where_somebody_is_addressed() -> None:
    """Somebody is called "data"; the talk is about data."""
    titles = [f"What of the data {n}?" for n in range(6)]
    blank = blanker(["data", "Zara"], [], titles)
    assert blank("the data, Zara and @data") == "the data, … and …"
    assert blanker(["data"], [], titles[:5])("the data") == "the …"


def seeded() -> Report:
    """A report with personal data wherever a text can stand."""
    everything = " / ".join(PERSONAL)
    report = report_with(everything)
    poll = Tally(
        everything, PollKind.OPEN, 1, ((everything, 1),), texts=((everything, 1),), ends=(everything, everything)
    )
    course = replace(report.lines[0], id="d", answer=Answer("x", COURSE, 0.0))
    return replace(
        report,
        session=Session("t", everything, everything, "Prof. Ingrid Holm", 1.0, language="en"),
        lines=(*report.lines, course),
        chats=(),
        topics=(Topic(everything, 1, 1, 0),),
        polls=(poll,),
        feedback=(Feedback(everything, 1, 2, (poll,)),),
    )


def files(report: Report) -> Iterator[str]:
    plain = replace(report, lines=tuple(replace(line, chats=()) for line in report.lines))
    yield from (to_html(plain, UTC), to_markdown(plain, UTC), to_csv(plain, UTC), to_json(plain), summary(plain))
    yield sheets(to_xlsx(plain, UTC))


def sheets(book: bytes) -> str:
    pages = load_workbook(io.BytesIO(book)).worksheets
    return "\n".join(str(cell.value) for page in pages for row in page.iter_rows() for cell in row)


def test_no_format_names_anybody() -> None:
    """Of personal data that stands in every text of a session, none is in any of its files."""
    report = nameless(seeded(), AUDIENCE, STAFF)
    for file in files(report):
        assert not [one for one in PERSONAL if one.lower() in file.lower()]
    assert [line.answer.by for line in report.lines if line.answer] == ["somebody", "course"]
    assert json.loads(to_json(report))["named"] is False
    assert "This report names nobody." in to_html(report, UTC)
    assert "By people (1)" in to_html(report, UTC)


def test_no_format_of_a_series_names_anybody() -> None:
    """The same for the report of a series."""
    everything = " / ".join(PERSONAL)
    count = SeriesCount({}, lambda _: True)
    for n in range(2):
        session = Session(f"e{n}", everything, everything, "Prof. Ingrid Holm", 1.0 + n, language="en")
        asked = [replace(one, state=replace(one.state, title=f"{everything} {one.id}")) for one in MATERIAL.questions]
        poll = PollState(f"p{n}", f"e{n}", PollKind.SINGLE, everything, (everything, "b"), round=1)
        rated = Tally(everything, PollKind.SCALE, 1, (("1", 1), ("5", 0)), 1.0, (everything, everything))
        told = (Feedback(everything, 1, 2, (rated,)),)
        material = replace(MATERIAL, session=session, questions=asked, polls=[Poll(poll, 1, {1: 1})], feedback=told)
        count.add(material, 0.0)
    report = series_nameless(count.report(everything, "en", 0.0), AUDIENCE, STAFF)
    assert all((report.recurring, report.polls, report.feedback, report.rates))
    made = [series_to_html(report, UTC), series_to_markdown(report, UTC), series_to_csv(report, UTC)]
    for file in (*made, series_to_json(report), sheets(series_to_xlsx(report, UTC))):
        assert not [one for one in PERSONAL if one.lower() in file.lower()]


def test_what_is_no_name_stays_as_it_was() -> None:
    """Figures, statuses and ids are the same with and without names."""
    report = seeded()
    bare = nameless(report, AUDIENCE, STAFF)
    assert (bare.headline, bare.timeline, bare.gaps) == (report.headline, report.timeline, report.gaps)
    assert [(line.id, line.status, line.people, line.chats) for line in bare.lines] == [
        (line.id, line.status, line.people, line.chats) for line in report.lines
    ]
    assert bare.lines[0].status is Status.ANSWERED
