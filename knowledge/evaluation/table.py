"""The figures as lines to read in a terminal."""

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from knowledge.evaluation.metrics import Figure
from knowledge.evaluation.results import Block, Result
from knowledge.evaluation.words import Language, say, say_set

NOTHING = "–"


def table(result: Result, language: Language = "en") -> str:
    """A block for each judgement on each set of data: measures down, methods across."""
    return "\n\n".join("\n".join(_block(block, language)) for block in result.blocks)


def shown(figure: Figure | None) -> str:
    """ ".63 (.50–.72)"; counts and times with their unit."""
    if figure is None or figure.value is None:
        return NOTHING
    told = _count if figure.unit else _share
    unit = "" if figure.unit in ("", "count") else f" {figure.unit}"
    if figure.low is None or figure.high is None or (figure.unit and figure.low == figure.high):
        return told(figure.value) + unit
    return f"{told(figure.value)}{unit} ({told(figure.low)}–{told(figure.high)})"


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _count(value: float) -> str:
    return f"{value:.1f}" if value < 100 and value % 1 else f"{value:.0f}"


def measures(block: Block) -> list[str]:
    """The names of all figures, in order."""
    return list(dict.fromkeys(name for column in block.columns for name in column.figures))


def _block(block: Block, language: Language) -> Iterator[str]:
    colon, of = ("：", "（{}）") if language == "zh" else (": ", " ({})")
    size = of.format(say(block.size, language)) if block.size else ""
    yield f"{say_set(block.data, language)}{colon}{say(block.judgement, language)}{size}"
    if block.note:
        yield f"  {say(block.note, language)}"
    rows = [["", *(say(column.method, language) for column in block.columns)]]
    rows += [
        [say(name, language), *(shown(column.figures.get(name)) for column in block.columns)]
        for name in measures(block)
    ]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    yield from (_row(row, widths) for row in rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return ("  " + "  ".join(padded)).rstrip()


def _width(text: str) -> int:
    """Columns of a terminal."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
