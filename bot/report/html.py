"""A report as one HTML file that needs nothing beside it: no script, no font, no picture, no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.report.model import Line, Report, Timeline
from bot.report.pictures import moods_drawn, row, scaled, stacks, word_size
from bot.report.words import (
    NO_NAMES,
    answered_by,
    clipped,
    clock,
    day,
    iso,
    lasting,
    moment,
    percent,
    words_of,
    zone_name,
)

TOP = 12
SLOWEST = 5
WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, ABOVE, BELOW = 44, 12, 12, 28
COLOURS = 6
"""Chats beyond so many share the last colour."""


@dataclass(frozen=True, slots=True)
class Link:
    """A way from the page of a report to somewhere else; a file that is sent around has none."""

    address: str
    label: str


def to_html(
    report: Report, zone: tzinfo | None = None, names: Mapping[str, str] = NO_NAMES, links: Sequence[Link] = ()
) -> str:
    """For reading and printing. `zone` is that of the times shown (None: this machine's), `names` what chats are called
    (a chat without one by its source)."""
    sources = [chat.source for chat in report.chats]
    timeline = draw(report.timeline, zone)
    moods, most_moods = moods_drawn(report.moods) if report.moods else ({}, 0)
    return render(
        "report.html",
        report.session.language,
        zone,
        names,
        report=report,
        session=report.session,
        head=report.headline,
        links=links,
        top=report.lines[:TOP],
        most=max((line.people for line in report.lines), default=1),
        tint={source: min(place, COLOURS - 1) for place, source in enumerate(sources)},
        timeline=timeline,
        timeline_text=describe(report, timeline, zone),
        bar=lambda line, most: bar(line, most, sources),
        stacks=stacks(report.waits),
        slowest=report.slowest[:SLOWEST],
        most_topic=max((topic.people for topic in report.topics), default=1),
        moods=moods,
        most_moods=most_moods,
        zone_called=zone_name(report.made_at, zone),
    )


def render(template: str, language: str, zone: tzinfo | None, names: Mapping[str, str], **values: object) -> str:
    """A template with the words of a language, and what all of them write times and figures with."""
    w = words_of(language)
    return _environment().get_template(template).render(
        w=w,
        called=lambda source: names.get(source, source),
        day=lambda at: day(at, zone),
        clock=lambda at: clock(at, zone),
        moment=lambda at: moment(at, zone),
        iso=lambda at: iso(at, zone),
        lasting=lambda seconds: lasting(seconds, language),
        percent=percent,
        answered_by=lambda by: answered_by(by, w),
        scaled=scaled,
        word_size=word_size,
        row=row,
        **values,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = clipped
    return environment


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar, in hundredths of its width. `tint` is the chat's colour, -1 for votes."""

    x: float
    width: float
    tint: int


def bar(line: Line, most: int, sources: Sequence[str]) -> list[Segment]:
    """A question's people as a bar: its chats in the order in which they stand beside it, then votes, so that it can be
    read without colours; `most` people fill it."""
    tints = {source: min(place, COLOURS - 1) for place, source in enumerate(sources)}
    segments, x = [], 0.0
    for tint, count in [*((tints.get(source, COLOURS - 1), n) for source, n in line.chats), (-1, line.votes)]:
        width = 100 * count / max(most, 1)
        if count:
            segments.append(Segment(round(x, 2), round(width, 2), tint))
        x += width
    return segments


@dataclass(frozen=True, slots=True)
class Column:
    """One step of the timeline in the picture's units: both bars stand on the base line."""

    x: float
    width: float
    messages: float
    asked: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The timeline as a picture of WIDTH x HEIGHT units. `rows` and `marks` are (position, text) of the axes."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    base: float = HEIGHT - BELOW
    left: float = LEFT
    right: float = WIDTH - RIGHT
    width: float = WIDTH
    height: float = HEIGHT


def draw(timeline: Timeline, zone: tzinfo | None = None) -> Drawn | None:
    """Place every step; None when nothing came in."""
    if not timeline.messages:
        return None
    top = _round_up(max(timeline.messages))
    tall = HEIGHT - ABOVE - BELOW
    each = min((WIDTH - LEFT - RIGHT) / len(timeline.messages), 48.0)
    columns = tuple(
        Column(
            x=round(LEFT + place * each + each * 0.1, 2),
            width=round(each * 0.8, 2),
            messages=round(tall * said / top, 2),
            asked=round(tall * asked / top, 2),
            text=f"{clock(timeline.start + place * timeline.step, zone)}  {said} / {asked}",
        )
        for place, (said, asked) in enumerate(zip(timeline.messages, timeline.asked, strict=True))
    )
    rows = tuple(
        (round(HEIGHT - BELOW - tall * n / 4, 2), f"{top * n // 4}") for n in (range(5) if top >= 4 else (0, 4))
    )
    marks = tuple(
        (round(LEFT + place * each + each / 2, 2), clock(timeline.start + place * timeline.step, zone))
        for place in range(len(columns))
        if (timeline.start + place * timeline.step) % _between_marks(timeline.step, each) == 0
    )
    return Drawn(columns, rows, marks)


def _between_marks(step: float, each: float) -> float:
    """Seconds between two labels of the time axis: what a clock face has, and room enough for the text."""
    wanted = step * 64 / each
    return next((m * 60.0 for m in (1, 2, 5, 10, 15, 30, 60, 120, 240, 720) if m * 60 >= wanted and m * 60 % step == 0),
                step * max(1, round(64 / each)))  # fmt: skip


def _round_up(number: int) -> int:
    """The next number that four rows divide well."""
    if number < 4:
        return max(number, 1)
    size = 10 ** (len(str(number)) - 1)
    steps = (size * factor for factor in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12))
    return next(int(step) for step in steps if step >= number and step % 4 == 0)


def describe(report: Report, drawn: Drawn | None, zone: tzinfo | None) -> str:
    """The timeline in words, for those who do not see the picture."""
    w, timeline = words_of(report.session.language), report.timeline
    if drawn is None:
        return w["timeline_none"]
    minutes = round(timeline.step / 60)
    busiest, asking = _peak(timeline.messages), _peak(timeline.asked)
    end = timeline.start + len(timeline.messages) * timeline.step
    sentence = w["timeline_text"] if any(timeline.asked) else w["timeline_quiet"]
    return sentence.format(
        messages=sum(timeline.messages),
        asked=sum(timeline.asked),
        start=clock(timeline.start, zone),
        end=clock(end, zone),
        busiest=clock(timeline.start + busiest * timeline.step, zone),
        most=timeline.messages[busiest],
        asking=clock(timeline.start + asking * timeline.step, zone),
        most_asked=timeline.asked[asking],
        step=w["minute"] if minutes == 1 else w["minutes"].format(n=minutes),
    )


def _peak(counts: Sequence[int]) -> int:
    return counts.index(max(counts))
