"""A report as Markdown, CSV and JSON."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import tzinfo

from bot.cells import cell
from bot.model import Session
from bot.report.model import Line, Report, Tally
from bot.report.words import (
    NO_NAMES,
    answered_by,
    clipped,
    clock,
    iso,
    lasting,
    moment,
    percent,
    words_of,
    zone_name,
)

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
    "waited_minutes",
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
    missed = tuple(replace(one, source=names.get(one.source, one.source)) for one in report.missed)
    return replace(
        report,
        missed=missed,
        chats=tuple(replace(chat, source=names.get(chat.source, chat.source)) for chat in report.chats),
        lines=tuple(
            replace(line, chats=tuple((names.get(source, source), n) for source, n in line.chats))
            for line in report.lines
        ),
    )


def _markdown(report: Report, w: Mapping[str, str], zone: tzinfo | None) -> Iterator[str]:
    session, head, language = report.session, report.headline, report.session.language
    yield f"# {md(session.title)}{w['colon']}{w['report']}\n"
    who = " · ".join(md(part) for part in (session.series, session.speaker) if part)
    made = w["made"].format(at=moment(report.made_at, zone), zone=zone_name(report.made_at, zone))
    made += "" if report.named else f" · {w['nameless']}"
    yield f"{who} · {made}\n" if who else f"{made}\n"
    yield f"## {w['headline']}\n"
    for name in ("messages", "people", "chats", "asked", "groups", "by_course", "by_people", "open", "dismissed"):
        yield f"- **{getattr(head, name)}** {w[name]}"
    if head.share is not None:
        yield f"- **{percent(head.share)}** {w['answered_share']}"
    if report.waits.median is not None:
        yield f"- **{lasting(report.waits.median, language)}** {w['median']}"
    yield from _markdown_more(report, w, language)
    yield f"\n## {w['answered']}\n"
    if not report.answered:
        yield f"{w['none']}\n"
    for by, lines in report.answered.items():
        yield f"### {md(answered_by(by, w))}\n"
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
            reason = f" — {md(line.reason)}" if line.reason else ""
            yield f"1. {md(line.title)} ({_demand(line, w)}){reason}"
    yield f"\n## {w['by_chat']}\n"
    heads = ("chat", "chat_messages", "chat_people", "chat_asked", "chat_groups", "chat_answered", "chat_missed")
    yield table_row(w[name] for name in heads)
    yield "|---" + "|---:" * 6 + "|"
    for chat in report.chats:
        unheard = "" if chat.missed is None else lasting(chat.missed.seconds, language)
        counts = (chat.messages, chat.people, chat.asked, chat.groups, chat.answered)
        yield table_row((md(chat.source), *map(str, counts), unheard))


def table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_more(report: Report, w: Mapping[str, str], language: str) -> Iterator[str]:
    """What is not about single questions: as far as there was any."""
    reach, audience = report.reach, report.audience
    if reach.askers:
        yield f"\n## {w['reach']}\n"
        yield from (f"- **{n}** {w[f'reach_{name}']}" for name, n in asdict(reach).items() if n)
    yield f"\n## {w['audience']}\n"
    yield f"- **{audience.new}** {w['audience_new']}"
    yield from (
        f"- **{n}** {w[f'audience_{name}']}"
        for name, n in (("returning", audience.returning), ("unknown", audience.unknown))
        if n
    )
    if losses := [one for one in report.missed if one.seconds]:
        yield f"\n## {w['missed']}\n"
        for one in losses:
            line = w["missed_line_one" if one.times == 1 else "missed_line"]
            yield "- " + line.format(source=md(one.source), time=lasting(one.seconds, language), times=one.times)
    if report.topics:
        yield f"\n## {w['topics']}\n"
        yield table_row(w[f"topic{name}"] for name in ("", "_people", "_questions", "_answered"))
        yield "|---|---:|---:|---:|"
        for topic in report.topics:
            yield table_row((md(topic.name), str(topic.people), str(topic.questions), str(topic.answered)))
    if report.polls:
        yield f"\n## {w['polls']}\n"
        for poll in report.polls:
            yield from markdown_tally(poll, w)
    for feedback in report.feedback:
        yield f"\n## {w['feedback']}{w['colon']}{md(feedback.title)}\n"
        yield w["filled"].format(n=feedback.n) + "\n"
        for item in feedback.items:
            yield from markdown_tally(item, w)


def markdown_tally(tally: Tally, w: Mapping[str, str]) -> Iterator[str]:
    mean = "" if tally.mean is None else f", {w['mean'].format(mean=f'{tally.mean:.1f}')}"
    yield f"**{md(tally.title)}** ({w['voted'].format(n=tally.people)}{mean})\n"
    for text, people in tally.bars or tally.texts:
        share = f", {percent(people / tally.people)}" if tally.bars and tally.people else ""
        yield f"- {md(text)}{w['colon']}{people}{share}"
    yield ""


def _markdown_answer(line: Line, w: Mapping[str, str], zone: tzinfo | None) -> Iterator[str]:
    if line.answer is None:
        return
    yield f"**{md(line.title)}** ({_demand(line, w)}, {clock(line.answer.at, zone)})\n"
    yield f"> {md(line.answer.text)}\n"
    if line.answer.sources:
        yield f"{w['sources']}{w['colon']}{', '.join(md(source) for source in line.answer.sources)}\n"


def _demand(line: Line, w: Mapping[str, str]) -> str:
    people = w["one_person"] if line.people == 1 else w["n_people"].format(n=line.people)
    chats = ", ".join(f"{md(source)} {count}" for source, count in line.chats)
    return f"{people}{w['colon']}{chats}" if chats else people


def md(text: str) -> str:
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
        writer.writerow([cell(value) for value in _row(rank, line, zone)])
    return out.getvalue()


def _row(rank: int, line: Line, zone: tzinfo | None) -> list[str | float]:
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
        "" if line.waited is None else round(line.waited / 60, 2),
        answer.text if answer else "",
        "; ".join(answer.sources) if answer else "",
        line.reason,
        "; ".join(line.labels),
        " / ".join(line.wordings),
    ]


def to_json(report: Report) -> str:
    """Everything, for programs. Times are Unix seconds, lengths of time seconds; texts are as they were sent."""
    data = asdict(report) | {
        "session": session_data(report.session),
        "lines": [asdict(line) | {"chats": dict(line.chats), "waited": line.waited} for line in report.lines],
        "waits": asdict(report.waits) | {"median": report.waits.median},
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def session_data(session: Session) -> dict[str, str | float | None]:
    """What of a session is anybody's business; not where its course lies on the server."""
    return {
        "id": session.id,
        "title": session.title,
        "series": session.series,
        "speaker": session.speaker,
        "language": session.language,
        "starts_at": session.starts_at,
        "ended_at": session.ended_at,
    }
