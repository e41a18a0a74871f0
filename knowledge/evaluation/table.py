"""The figures as lines to read in a terminal."""

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from knowledge.evaluation.metrics import Figure
from knowledge.evaluation.results import Block, Result

NOTHING = "–"


def table(result: Result) -> str:
    """A block for each judgement on each set of data: measures down, methods across."""
    return "\n\n".join("\n".join(_block(block)) for block in result.blocks)


def shown(figure: Figure | None) -> str:
    """ ".63 (.50–.72)"; counts and times with their unit."""
    if figure is None or figure.value is None:
        return NOTHING
    if figure.unit:
        unit = "" if figure.unit == "count" else f" {figure.unit}"
        return f"{figure.value:.1f}{unit}" if figure.value < 100 and figure.value % 1 else f"{figure.value:.0f}{unit}"
    interval = "" if figure.low is None or figure.high is None else f" ({_share(figure.low)}–{_share(figure.high)})"
    return _share(figure.value) + interval


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def measures(block: Block) -> list[str]:
    """The names of all figures, in order."""
    return list(dict.fromkeys(name for column in block.columns for name in column.figures))


def _block(block: Block) -> Iterator[str]:
    yield f"{block.data}: {block.judgement} ({block.size})" if block.size else f"{block.data}: {block.judgement}"
    if block.note:
        yield f"  {block.note}"
    rows = [["", *(column.method for column in block.columns)]]
    rows += [[name, *(shown(column.figures.get(name)) for column in block.columns)] for name in measures(block)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    yield from (_row(row, widths) for row in rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return ("  " + "  ".join(padded)).rstrip()


def _width(text: str) -> int:
    """Columns of a terminal."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
