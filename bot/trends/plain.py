"""Trends as CSV for further mining, and as text for a terminal."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from bot.cells import cell, plain
from bot.model import COURSE, SOMEBODY
from bot.trends.model import Gap, Row, Trends

Rows = Literal["questions", "topics", "gaps"]
ROWS: tuple[Rows, ...] = ("questions", "topics", "gaps")
"""What a line of the CSV may be: a question, a topic on an evening, or a gap."""

COLUMNS: dict[Rows, tuple[str, ...]] = {
    "questions": (
        *("series", "evening", "session", "starts_at", "topic", "topic_name", "question", "text", "status", "people"),
        *("askers", "votes", "messages", "chats", "asked_before", "same", "first_at", "answered_by"),
    ),
    "topics": (
        *("series", "topic", "topic_name", "evening", "session", "starts_at", "questions", "people", "all_people"),
        *("share", "asked_before", "answered", "change"),
    ),
    "gaps": ("series", "rank", "question", "text", "people", "evenings", "sessions", "topic_name", "suggested"),
}

SAID = {1: "more", -1: "less", 0: ""}
LINES = 15
"""Topics and gaps that a terminal shows."""


def called(row: Row) -> str:
    """A topic's name; its most central question where no words name it."""
    return row.topic.name.heading or " · ".join(row.topic.name.words) or row.example.title


def to_csv(trends: Trends, rows: Rows = "questions") -> str:
    """One line for each of `rows`. Times are ISO 8601 in UTC; no cell can become a formula. Who answered is
    named only where every evening is set to name people."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS[rows])
    lines = {"questions": _questions, "topics": _topics, "gaps": _gaps}[rows]
    writer.writerows([cell(value) for value in line] for line in lines(trends))
    return out.getvalue()


Line = tuple[str | float, ...]


def _questions(trends: Trends) -> Iterator[Line]:
    named = all(session.names for session in trends.evenings)
    for point in trends.points:
        question, answer = point.question, point.question.state.answer
        row = None if point.topic is None else trends.rows[point.topic]
        by = answer.by if answer else ""
        yield (
            *(trends.series, point.evening + 1, *_evening(trends, point.evening)),
            *((row.topic.id, called(row)) if row else ("", "")),
            *(question.id, question.title, question.status.value, question.people, question.askers, question.votes),
            *(question.messages, "; ".join(f"{source}: {n}" for source, n in sorted(question.chats.items()))),
            *(int(point.again), point.same, _iso(question.first_at), by if named or by in {"", COURSE} else SOMEBODY),
        )


def _topics(trends: Trends) -> Iterator[Line]:
    for row in trends.rows:
        for at, one in enumerate(row.cells):
            yield (
                *(trends.series, row.topic.id, called(row), at + 1, *_evening(trends, at)),
                *(one.questions, one.people, trends.people[at], one.share, one.again, one.answered, SAID[one.change]),
            )


def _gaps(trends: Trends) -> Iterator[Line]:
    for rank, gap in enumerate(trends.gaps, 1):
        sessions = "; ".join(trends.evenings[at].id for at in gap.evenings)
        topic = "" if gap.topic is None else called(trends.rows[gap.topic])
        yield (
            *(trends.series, rank, gap.question.id, gap.question.title, gap.people, len(gap.evenings), sessions),
            *(topic, int(gap.suggested)),
        )


def _evening(trends: Trends, at: int) -> tuple[str, str]:
    session = trends.evenings[at]
    return session.id, "" if session.starts_at is None else _iso(session.starts_at)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def to_text(trends: Trends) -> str:
    """What a terminal shows: topics with most people, what rose and fell, and the gaps."""
    answered = sum(point.answered for point in trends.points)
    lines = [
        f"{plain(trends.series)}: {_count(len(trends.evenings), 'evening')}, "
        f"{_count(len(trends.points), 'question')} by {trends.askers} people, {answered} answered",
        "",
        "topics (people on each evening; + more and - less than chance, against the evenings before)",
    ]
    if not trends.rows:
        lines.append("  none: there are too few questions that belong together")
    lines += [_text_row(row) for row in trends.rows[:LINES]]
    lines += _more(len(trends.rows))
    for title, change in (("rising", 1), ("falling", -1)):
        lines += ["", f"{title}, over the series or on the last evening"]
        moved = [line for row in trends.rows for line in _text_moves(trends, row, change)]
        lines += moved or ["  nothing that chance could not do"]
    gaps = [gap for gap in trends.gaps if not gap.suggested]
    lines += ["", "asked and not answered, nor in the course"]
    lines += [_text_gap(gap) for gap in gaps[:LINES]] or ["  nothing"]
    lines += _more(len(gaps))
    if waiting := len(trends.gaps) - len(gaps):
        lines.append(f"  {waiting} more may be answered by the course: look at what it suggests")
    return "\n".join(lines)


def _text_row(row: Row) -> str:
    sign = {1: "+", -1: "-", 0: ""}
    counts = " ".join(f"{one.people}{sign[one.change]}" for one in row.cells)
    return f"  {row.people:>4}  {_line(called(row), 40)}  [{counts}]"


def _text_moves(trends: Trends, row: Row, change: int) -> Iterator[str]:
    if row.run == change:
        yield f"  {_line(called(row), 40)}: {row.first:.0%} of those who asked, in the second half {row.last:.0%}"
    if (last := row.cells[trends.last]).change == change:
        yield f"  {_line(called(row), 40)}: {last.share:.0%} of those who asked on the last evening"


def _text_gap(gap: Gap) -> str:
    asked = "" if len(gap.evenings) == 1 else f" on {len(gap.evenings)} evenings"
    return f"  {gap.people:>4}  {_line(gap.question.title, 80)}{asked}"


def _more(count: int) -> list[str]:
    return [f"  and {count - LINES} more"] if count > LINES else []


def _line(text: str, most: int) -> str:
    text = " ".join(plain(text).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
