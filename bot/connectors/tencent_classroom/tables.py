"""Files that hold a table, to rows of text: CSV, TSV, XLSX and JSON. Pure; every size is bounded."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from bot.connectors.common import clean
from bot.errors import BadInput

LARGEST_UNPACKED = 100 * 1024 * 1024
"""Bytes. A spreadsheet is a ZIP file and may unpack to far more than it weighs."""

LARGEST_RATIO, SMALL = 100, 1024 * 1024
"""A part that unpacks to so many times its weight is no chat, unless it is small all the same. Chats reach 20."""

MOST_ROWS = 200_000
MOST_COLUMNS = 64
LONGEST_CELL = 10_000
"""Characters. More is no message."""

LONGEST_ROW = 100
"""Lines that one row of a CSV file may span; more means that a quotation mark stands for itself."""

DEPTH = 3
"""So deep in a JSON file may the list of messages lie."""


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is the line, row or item of the file, counted from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be used, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """`header` is empty where nothing names the columns; `sure` is how well the file has the form, from 0 to 1."""

    form: str
    rows: tuple[Row, ...]
    header: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    sure: float = 1.0


def read_separated(text: str, delimiter: str, form: str) -> Table:
    rows, problems = _separated(text, delimiter, csv.QUOTE_MINIMAL)
    spans = (after.line - row.line for row, after in pairwise(rows))
    if max(spans, default=0) > LONGEST_ROW or (rows and text.rstrip().count("\n") - rows[-1].line > LONGEST_ROW):
        rows, problems = _separated(text, delimiter, csv.QUOTE_NONE)
    return Table(form, tuple(rows), problems=tuple(problems))


def _separated(text: str, delimiter: str, quoting: Any) -> tuple[list[Row], list[Problem]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting)
    rows: list[Row] = []
    problems: list[Problem] = []
    while len(rows) < MOST_ROWS:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return rows, problems
        except csv.Error as error:
            problems.append(Problem(line, f"cannot be read ({error})"))
            continue
        if any(cell.strip() for cell in cells):
            rows.append(Row(line, tuple(cells[:MOST_COLUMNS])))
    return rows, [*problems, _too_many(reader.line_num)]


def _too_many(line: int) -> Problem:
    return Problem(line, f"more than {MOST_ROWS:,} rows; the rest is left out, split the file")


def read_workbook(data: bytes) -> Table:
    """The sheet with the most rows. Raises `BadInput`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        blown_up = any(part.file_size > max(SMALL, LARGEST_RATIO * part.compress_size) for part in parts)
        if blown_up:
            raise BadInput("unpacks to far more than it weighs; that is no chat")
        if unpacked > LARGEST_UNPACKED:
            raise BadInput(f"unpacks to more than {LARGEST_UNPACKED // 1024**2} MB; that is no chat")
        import openpyxl  # slow to import

        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            sheets = [_sheet(sheet) for sheet in book.worksheets[:8]]
        finally:
            book.close()
    except BadInput:
        raise
    except Exception as error:  # whatever a broken file makes of the library
        raise BadInput(f"cannot be read as a spreadsheet ({type(error).__name__}); save it anew as .xlsx") from error
    return max(sheets, key=lambda table: len(table.rows), default=Table("xlsx", ()))


def _sheet(sheet: Any) -> Table:
    rows: list[Row] = []
    for number, values in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1):
        if number > MOST_ROWS:
            return Table("xlsx", tuple(rows), problems=(_too_many(number),))
        cells = [_cell(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append(Row(number, tuple(cells)))
    return Table("xlsx", tuple(rows))


def read_json(text: str) -> Table:
    """A list of objects, or an object that holds one, or one object a line. Raises `BadInput`."""
    try:
        items, lines = _items(json.loads(text)), None
    except (ValueError, RecursionError) as error:
        items, lines = _each_line(text)
        if not items:
            raise BadInput(f"is no JSON ({error})" if isinstance(error, ValueError) else "is nested too deep") from None
    numbered = [(line, _flat(item)) for line, item in zip(lines or range(1, len(items) + 1), items, strict=True)]
    objects = [(line, flat) for line, flat in numbered if flat]
    header = tuple(dict.fromkeys(key for _, flat in objects[:1000] for key in flat))[:MOST_COLUMNS]
    rows = tuple(Row(line, tuple(flat.get(key, "") for key in header)) for line, flat in objects)
    problems = tuple(Problem(line, "is no object with a text") for line, flat in numbered if not flat)
    return Table("json", rows, header, problems)


def _items(value: Any, depth: int = DEPTH) -> list[Any]:
    """The first list that holds objects, looked for in `value` and what is in it."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return value[:MOST_ROWS]
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else ()
    for one in inner:
        if depth and (found := _items(one, depth - 1)):
            return found
    return []


def _each_line(text: str) -> tuple[list[Any], list[int]]:
    items: list[Any] = []
    lines: list[int] = []
    for number, line in enumerate(text.split("\n")[:MOST_ROWS], 1):
        if not line.strip():
            continue
        try:
            items.append(json.loads(line))
        except (ValueError, RecursionError):
            items.append(None)
        lines.append(number)
    return (items, lines) if any(isinstance(item, dict) for item in items) else ([], [])


def _flat(item: Any) -> dict[str, str]:
    """What an object says, that of an inner object as `outer.inner`."""
    return dict(_pairs(item)) if isinstance(item, dict) else {}


def _pairs(item: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in list(item.items())[:MOST_COLUMNS]:
        if isinstance(value, dict):
            if not prefix:
                yield from _pairs(value, f"{key}.")
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    try:
        return clean(str(value))
    except ValueError:  # an integer with thousands of digits
        return ""
