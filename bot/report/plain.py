"""A report as Markdown, CSV and JSON."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import tzinfo

from bot.model import COURSE
from bot.report.model import Line, Report
from bot.report.words import NO_NAMES, clean, clipped, clock, iso, moment, words_of, zone_name

COLUMNS = [
    "rank",
    "id",
    "question",
    "status",
    "people",
    "askers",
    "votes",
    "messages",
    "chats",
    "first_at",
    "first_by",
    "last_at",
    "answered_by",
    "answered_at",
    "answer",
    "sources",
    "reason",
    "labels",
    "also_asked_as",
]


def to_markdown(report: Report, zone: tzinfo | None = None, names: Mapping[str, str] = NO_NAMES) -> str:
    """For a wiki or an issue. `zone` is that of the times shown, `names` what chats are called."""
    w = words_of(report.session.language)
    report = _called(report, names)
    return "\n".join(_markdown(report, w, zone)) + "\n"


def _called(report: Report, names: Mapping[str, str]) -> Report:
    """The report with its chats called by their names."""
    return replace(
        report,
        chats=tuple(replace(chat, source=names.get(chat.source, chat.source)) for chat in report.chats),
        lines=tuple(
            replace(line, chats=tuple((names.get(source, source), n) for source, n in line.chats))
            for line in report.lines
        ),
    )


def _markdown(report: Report, w: Mapping[str, str], zone: tzinfo | None) -> Iterator[str]:
    session, head = report.session, report.headline
    yield f"# {_md(session.title)}{w['colon']}{w['report']}\n"
    who = " · ".join(_md(part) for part in (session.series, session.speaker) if part)
    made = w["made"].format(at=moment(report.made_at, zone), zone=zone_name(report.made_at, zone))
    yield f"{who} · {made}\n" if who else f"{made}\n"
    yield f"## {w['headline']}\n"
    for name in ("messages", "people", "chats", "asked", "groups", "by_course", "by_people", "open", "dismissed"):
        yield f"- **{getattr(head, name)}** {w[name]}"
    yield f"\n## {w['answered']}\n"
    if not report.answered:
        yield f"{w['none']}\n"
    for by, lines in report.answered.items():
        yield f"### {w['answered_by'].format(who=w['course'] if by == COURSE else _md(by))}\n"
        for line in lines:
            yield from _markdown_answer(line, w, zone)
    for title, about, lines in (
        (w["left"], w["left_text"], report.left),
        (w["gaps"], w["gaps_text"], report.gap_lines),
        (w["dismissed_title"], "", report.dismissed),
    ):
        yield f"\n## {title}\n"
        yield f"{about}\n" if about and lines else f"{w['none']}\n" if not lines else ""
        for line in lines:
            reason = f" — {_md(line.reason)}" if line.reason else ""
            yield f"1. {_md(line.title)} ({_demand(line, w)}){reason}"
    yield f"\n## {w['by_chat']}\n"
    yield f"| {w['chat']} | {w['chat_messages']} | {w['chat_people']} | {w['chat_asked']} | {w['chat_groups']} |"
    yield "|---|---:|---:|---:|---:|"
    for chat in report.chats:
        yield f"| {_md(chat.source)} | {chat.messages} | {chat.people} | {chat.asked} | {chat.groups} |"


def _markdown_answer(line: Line, w: Mapping[str, str], zone: tzinfo | None) -> Iterator[str]:
    if line.answer is None:
        return
    yield f"**{_md(line.title)}** ({_demand(line, w)}, {clock(line.answer.at, zone)})\n"
    yield f"> {_md(line.answer.text)}\n"
    if line.answer.sources:
        yield f"{w['sources']}{w['colon']}{', '.join(_md(source) for source in line.answer.sources)}\n"


def _demand(line: Line, w: Mapping[str, str]) -> str:
    people = w["one_person"] if line.people == 1 else w["n_people"].format(n=line.people)
    chats = ", ".join(f"{_md(source)} {count}" for source, count in line.chats)
    return f"{people}{w['colon']}{chats}" if chats else people


def _md(text: str) -> str:
    """One line of text that Markdown shows as it is: no markup, no link and no HTML is made of it."""
    line = " ".join(clipped(text).split())
    line = re.sub(r"([\\`*_{}\[\]<>#|~&!$@]|:(?=//)|(?<=www)\.)", r"\\\1", line)
    return re.sub(r"^([-+=]|\d+[.)])", r"\\\1", line)


def to_csv(report: Report, zone: tzinfo | None = None) -> str:
    """One row a question, in order of demand. Cells cannot become formulas of a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for rank, line in enumerate(report.lines, 1):
        writer.writerow([_cell(value) for value in _row(rank, line, zone)])
    return out.getvalue()


def _row(rank: int, line: Line, zone: tzinfo | None) -> list[str | int]:
    answer = line.answer
    return [
        rank,
        line.id,
        line.title,
        line.status.value,
        line.people,
        line.askers,
        line.votes,
        line.messages,
        "; ".join(f"{source}: {count}" for source, count in line.chats),
        iso(line.first_at, zone),
        line.first_by,
        iso(line.last_at, zone),
        answer.by if answer else "",
        iso(answer.at, zone) if answer else "",
        answer.text if answer else "",
        "; ".join(answer.sources) if answer else "",
        line.reason,
        "; ".join(line.labels),
        " / ".join(line.wordings),
    ]


def _cell(value: str | int) -> str | int:
    """A text that a spreadsheet would calculate begins with an apostrophe, which it shows as text. The full-width
    signs count too: spreadsheets in Chinese and Japanese take them for the same."""
    if isinstance(value, int):
        return value
    text = clean(value)
    return f"'{text}" if re.match(r"\s*[=+\-@＝＋－＠\t\r|%]", text) else text


def to_json(report: Report) -> str:
    """Everything, for programs. Times are Unix seconds; texts are as they were sent."""
    session = report.session
    data = asdict(report) | {
        "session": {
            "id": session.id,
            "title": session.title,
            "series": session.series,
            "speaker": session.speaker,
            "language": session.language,
            "starts_at": session.starts_at,
            "ended_at": session.ended_at,
        },
        "lines": [asdict(line) | {"chats": dict(line.chats)} for line in report.lines],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
