"""Curves as pictures: positions and texts that the page's template draws as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.evaluation.results import Curve, Picture

WIDTH, HEIGHT = 520, 340
LEFT, RIGHT, ABOVE, BELOW = 52, 14, 12, 44
STYLES = 7
"""Colours, each with a dash of its own; further curves begin anew."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One curve. `points` is an SVG list; `dot` where it has a single one; `mark` a position; `style` its colour and
    dash."""

    name: str
    points: str
    dot: tuple[float, float] | None
    mark: tuple[float, float] | None
    style: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture in its own units. `rows` and `columns` are (position, text) of the axes' lines."""

    kind: str
    data: str
    curves: tuple[Drawn, ...]
    rows: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    above: int = ABOVE
    base: int = HEIGHT - BELOW


def draw(picture: Picture) -> Chart:
    """Both axes from 0 to 1; the lower one of a learning curve counts topics. A curve without points is left out."""
    marks = _topics(picture.curves) if picture.kind == "learning" else [n / 5 for n in range(6)]
    first, last = min(marks, default=0.0), max(marks, default=1.0)
    span = (last - first) or 1.0

    def across(x: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (x - first) / span, 1)

    curves = tuple(
        Drawn(
            curve.name,
            " ".join(f"{across(x)},{_up(y)}" for x, y in curve.points),
            (across(curve.points[0][0]), _up(curve.points[0][1])) if len(curve.points) == 1 else None,
            (across(curve.mark[0]), _up(curve.mark[1])) if curve.mark else None,
            at % STYLES,
        )
        for at, curve in enumerate(picture.curves)
        if curve.points
    )
    rows = tuple((_up(n / 5), f"{n / 5:g}") for n in range(6))
    return Chart(picture.kind, picture.data, curves, rows, tuple((across(x), f"{x:g}") for x in marks))


def _up(y: float) -> float:
    return round(HEIGHT - BELOW - (HEIGHT - ABOVE - BELOW) * y, 1)


def _topics(curves: Sequence[Curve]) -> list[float]:
    return sorted({x for curve in curves for x, _ in curve.points})
