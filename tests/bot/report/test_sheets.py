"""A report as a workbook, read back with openpyxl."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from openpyxl import Workbook, load_workbook

from bot.model import Mood, PollKind
from bot.report import Feedback, Report, Tally, build_report, to_xlsx
from bot.report.model import Missed, Moods
from tests.bot.report.sample import MATERIAL, START
from tests.bot.report.test_files import FORMULAS, TEXTS, report_with

POLL = Tally("How clear?", PollKind.SCALE, 3, (("1", 1), ("2", 2)), mean=5 / 3)
FULL = replace(
    build_report(MATERIAL, START + 3600),
    polls=(POLL,),
    feedback=(Feedback("Afterwards", 3, 6, (POLL,)),),
    moods=Moods(START, 60.0, dict.fromkeys(Mood, (1, 0))),
    missed=(Missed("bilibili", 120.0, 1),),
)


def read(report: Report) -> Workbook:
    return load_workbook(io.BytesIO(to_xlsx(report, UTC, {"web": "Web page"})))


def test_each_part_has_its_sheet_with_a_head_that_stays() -> None:
    """The sheets are named in the language of the session, their first row stays in sight, columns have widths."""
    book = read(FULL)
    assert book.sheetnames == ["Summary", "Questions", "Chats", "Timeline", "Polls", "Pulse", "Feedback"]
    for page in book.worksheets:
        assert page.freeze_panes == "A2"
        assert page.auto_filter.ref == page.dimensions
        assert all(cell.font.bold for cell in page[1])
        assert page.column_dimensions["A"].width > 5


def test_numbers_are_numbers_and_dates_are_dates() -> None:
    """What is counted can be added up, times are dates on the clock of the wall, shares show as percent."""
    page = read(FULL)["Questions"]
    heads = [cell.value for cell in page[1]]
    row = dict(zip(heads, page[3], strict=True))
    assert (row["Question"].value, row["People"].value) == ("Is there a recording?", 3)
    assert row["First asked"].value == datetime(2026, 12, 1, 11, 31)
    assert row["Wait (minutes)"].value == pytest.approx(0.02)
    assert row["Chats"].value == "Web page: 2; telegram: 1"
    polls = read(FULL)["Polls"]
    assert [polls["F2"].value, polls["F2"].number_format] == [pytest.approx(1 / 3), "0 %"]
    chats = {cells[0].value: cells[6].value for cells in read(FULL)["Chats"].iter_rows(min_row=2)}
    assert chats == {"Web page": None, "telegram": None, "bilibili": 2}


@pytest.mark.parametrize("start", FORMULAS)
def test_no_cell_is_a_formula(start: str) -> None:
    """Such a text is kept as text, and stays text when somebody edits the cell."""
    poll = Tally(start, PollKind.OPEN, 1, texts=((start, 1),))
    report = replace(report_with(start), polls=(poll,), feedback=(Feedback(start, 1, None, (poll,)),))
    for page in read(report).worksheets:
        for cell in (cell for row in page.iter_rows() for cell in row):
            assert cell.data_type != "f", (page.title, cell.coordinate)
            assert not isinstance(cell.value, str) or cell.quotePrefix, (page.title, cell.coordinate)


@given(text=TEXTS)
@example(text="Is there a recording?\ufffe\uffff")
@settings(max_examples=25, deadline=None)
def test_any_text_can_be_kept(text: str) -> None:
    """Whatever people write, the workbook opens again and has a row for each question."""
    assert read(report_with(text))["Questions"].max_row == 4
