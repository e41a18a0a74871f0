"""Sheets to the bytes of a workbook. By itself, for its library is slow to import."""

import io
from collections.abc import Iterable
from datetime import datetime, tzinfo

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from bot.cells import plain
from bot.report.sheets import DAY, MOMENT, Formed, Sheet, Value
from bot.report.words import local

LONGEST = 32_000
"""Characters of a cell; the format has room for 32,767."""
HEAD = PatternFill("solid", fgColor="FFE8E4DA")


def workbook(sheets: Iterable[Sheet], zone: tzinfo | None) -> bytes:
    """The file. Each sheet has a head that stays in sight and can be filtered by."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for one in sheets:
        _write(book.create_sheet(plain(one.title)[:31]), one, zone)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(page: Worksheet, sheet: Sheet, zone: tzinfo | None) -> None:
    page.freeze_panes = "A2"
    page.print_title_rows = "1:1"
    heads = [_said(page, column.title) for column in sheet.columns]
    for at, (head, column) in enumerate(zip(heads, sheet.columns, strict=True), 1):
        page.column_dimensions[get_column_letter(at)].width = column.width
        head.font, head.fill = Font(bold=True), HEAD
    page.append(heads)
    for row in sheet.rows:
        page.append([_cell(page, value, column.form, zone) for value, column in zip(row, sheet.columns, strict=True)])
    page.auto_filter.ref = page.dimensions


def _cell(page: Worksheet, value: Value, form: str, zone: tzinfo | None) -> Cell | None:
    if isinstance(value, Formed):
        cell = _cell(page, value.number, value.form, zone)
        if cell is not None:
            cell.alignment = Alignment(vertical="top", horizontal="left")
        return cell
    if value is None or isinstance(value, str):
        return None if value is None else _said(page, value)
    # A cell holds no zone: the time is what a clock on the wall says.
    cell = Cell(page, 1, 1, value=_clock(value, zone) if form in {DAY, MOMENT} else value)
    cell.alignment = Alignment(vertical="top")
    if form:
        cell.number_format = form
    return cell


def _clock(at: float, zone: tzinfo | None) -> datetime:
    return local(at, zone).replace(tzinfo=None, microsecond=0)


def _said(page: Worksheet, text: str) -> Cell:
    """Kept as text whatever it begins with, also when somebody edits the cell."""
    cell = Cell(page, 1, 1, value=plain(text)[:LONGEST])
    cell.data_type = "s"
    cell.quotePrefix = True
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    return cell
