"""Small pictures of a report, placed in units of their own: numbers in, positions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.model import Mood
from bot.report.model import Moods, Tally, Waits

WORD_SIZES = 5


@dataclass(frozen=True, slots=True)
class Stack:
    """A column of two parts that stand on each other, in a picture of height 100: `low` below, `high` on it."""

    x: float
    width: float
    low: float
    high: float
    count: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of columns, as (x, height) in a picture of `width` x 100."""

    columns: tuple[tuple[float, float], ...]
    width: float
    each: float
    total: int = 0


def stacks(waits: Waits) -> list[Stack]:
    """How many waits fell into each class: the course's below, people's on them; 600 wide."""
    classes = waits.classes
    most = max((course + people for course, people in classes), default=0) or 1
    each = 600 / len(classes)
    return [
        Stack(
            x=round(at * each + each * 0.12, 2),
            width=round(each * 0.76, 2),
            low=round(100 * course / most, 2),
            high=round(100 * people / most, 2),
            count=course + people,
            label=f"wait_{at}",
        )
        for at, (course, people) in enumerate(classes)
    ]


def scaled(tally: Tally) -> list[Stack]:
    """The numbers of a scale as columns; 480 wide, at most 92 high."""
    most = max((n for _, n in tally.bars), default=0) or 1
    each = 480 / len(tally.bars)
    return [
        Stack(round(at * each + each / 10, 2), round(each * 0.8, 2), 0.0, round(92 * n / most, 2), n, number)
        for at, (number, n) in enumerate(tally.bars)
    ]


def row(counts: Sequence[int], most: int, width: float = 600, widest: float = 24) -> Row:
    """Counts as columns; `most` is the full height."""
    each = min(width / max(len(counts), 1), widest)
    columns = tuple((round(at * each, 2), round(100 * n / max(most, 1), 2)) for at, n in enumerate(counts))
    return Row(columns, width, round(each * 0.8, 2), sum(counts))


def moods_drawn(moods: Moods) -> tuple[dict[Mood, Row], int]:
    """A row for each mood that anybody said, and what their full height stands for."""
    said = {mood: counts for mood, counts in moods.counts.items() if any(counts)}
    most = max((n for counts in said.values() for n in counts), default=0)
    return {mood: row(counts, most) for mood, counts in said.items()}, most


def word_size(people: int, tally: Tally) -> int:
    """Of a word in a cloud, from 1 (small) to `WORD_SIZES`: by the root of its people, so that the area tells."""
    most = max((n for _, n in tally.texts), default=1) or 1
    return 1 + round((WORD_SIZES - 1) * float((people / most) ** 0.5))


def thinned(counts: Sequence[int], steps: int) -> tuple[int, ...]:
    """The same counts in at most so many steps, for a small picture."""
    if len(counts) <= steps:
        return tuple(counts)
    sums = [0] * steps
    for at, n in enumerate(counts):
        sums[at * steps // len(counts)] += n
    return tuple(sums)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a column: its upper edge and height; `kind` names its colour."""

    y: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Pile:
    """What one evening has of several kinds, standing on each other. `text` says it, `label` is "" where labels would
    lie over each other."""

    x: float
    width: float
    pieces: tuple[Piece, ...]
    label: str
    text: str


WIDE, TALL = 960, 180
EVERY = 44
"""Units that a label takes."""


def piles(evenings: Sequence[tuple[str, Mapping[str, int]]]) -> tuple[list[Pile], int]:
    """Evenings side by side in a picture of `WIDE` x `TALL`, as (label, numbers by kind from below), and what the full
    height stands for."""
    most = max((sum(numbers.values()) for _, numbers in evenings), default=0) or 1
    each = min(WIDE / max(len(evenings), 1), 72.0)
    apart = max(1, -(-EVERY // max(round(each), 1)))
    made = []
    for at, (label, numbers) in enumerate(evenings):
        pieces, y = [], float(TALL)
        for kind, number in numbers.items():
            height = TALL * number / most
            y -= height
            if number:
                pieces.append(Piece(round(y, 2), round(height, 2), kind))
        text = f"{label}: {', '.join(map(str, numbers.values()))}"
        shown = label if at % apart == 0 else ""
        made.append(Pile(round(at * each + each * 0.1, 2), round(each * 0.8, 2), tuple(pieces), shown, text))
    return made, most
