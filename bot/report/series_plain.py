"""The report of a series as Markdown, CSV, JSON and a workbook."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import tzinfo

from bot.cells import cell
from bot.report.model import Tally
from bot.report.plain import md, session_data, table_row
from bot.report.series import Compared, EveningFigures, Recurring, SeriesReport
from bot.report.series_html import numbered
from bot.report.sheets import MINUTES, MOMENT, SHARE, Column, Sheet, Value, tally_columns, tally_rows
from bot.report.words import iso, lasting, moment, percent, words_of, zone_name

COLUMNS = [
    "session",
    "title",
    "speaker",
    "starts_at",
    "messages",
    "people",
    "new",
    "returning",
    "unknown",
    "asked",
    "questions",
    "by_course",
    "by_people",
    "open",
    "dismissed",
    "answered_share",
    "course_share",
    "median_wait_minutes",
    "askers_told",
    "askers_on_the_page",
    "askers_not_reached",
    "askers_without_a_way_back",
    "missed_minutes",
]


def series_to_csv(report: SeriesReport, zone: tzinfo | None = None) -> str:
    """One row an evening. Cells cannot become formulas of a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in report.evenings:
        session = one.session
        first = (session.id, session.title, session.speaker, "" if one.at is None else iso(one.at, zone))
        writer.writerow([cell("" if value is None else value) for value in (*first, *_numbers(one))])
    return out.getvalue()


def _numbers(one: EveningFigures) -> tuple[int | float | None, ...]:
    """The columns of `COLUMNS` from "messages" on."""
    head, who = one.headline, one.audience
    return (
        head.messages,
        head.people,
        who.new,
        who.returning,
        who.unknown,
        head.asked,
        head.groups,
        head.by_course,
        head.by_people,
        head.open,
        head.dismissed,
        None if head.share is None else round(head.share, 4),
        None if one.coverage is None else round(one.coverage, 4),
        None if one.waits.median is None else round(one.waits.median / 60, 2),
        one.reach.told,
        one.reach.page,
        one.reach.failed,
        one.reach.silent,
        round(one.missed / 60, 2),
    )


def series_to_json(report: SeriesReport) -> str:
    """Everything, for programs. Times are Unix seconds, lengths of time seconds."""
    evenings = [
        asdict(one)
        | {"session": session_data(one.session), "waits": {"median": one.waits.median, "answers": len(one.waits.all)}}
        for one in report.evenings
    ]
    waits = {"median": report.waits.median, "answers": len(report.waits.all)}
    data = asdict(report) | {"evenings": evenings, "waits": waits, "total": asdict(report.total)}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def series_to_xlsx(report: SeriesReport, zone: tzinfo | None = None) -> bytes:
    """Sheets for the evenings, what recurs, what is wanted, polls and feedback."""
    from bot.report.workbook import workbook

    return workbook(_sheets(report, words_of(report.language), numbered(report, zone)), zone)


def _sheets(report: SeriesReport, w: Mapping[str, str], number: Mapping[str, str]) -> Iterator[Sheet]:
    heads = ["messages_head", "people_head", "audience_new_head", "audience_returning_head", "audience_unknown_head"]
    heads += ("chat_asked", "questions_head", "kind_course", "kind_people", "kind_open", "status_dismissed")
    columns = (
        Column(w["id"], 16),
        Column(w["title"], 40),
        Column(w["speaker"], 18),
        Column(w["starts_at"], 17, MOMENT),
        *(Column(w[name]) for name in heads),
        Column(w["answered_share_head"], 14, SHARE),
        Column(w["coverage_share_head"], 20, SHARE),
        Column(f"{w['median_head']}{w['minutes_head']}", 22, MINUTES),
        Column(w["reached_head"], 14),
        Column(f"{w['reached_head']} ({w['reach_page']})", 22),
        Column(w["unreached_head"], 14),
        Column(w["silent_head"], 14),
        Column(w["missed_head"], 20, MINUTES),
    )
    rows = ((one.session.id, one.session.title, one.session.speaker, one.at, *_numbers(one)) for one in report.evenings)
    yield Sheet(w["sheet_evenings"], columns, rows)
    for name, found in (("recurring", report.recurring), ("wanted", report.wanted)):
        yield Sheet(w[f"sheet_{name}"], _recurring_columns(w), (_recurring(one, number) for one in found))
    for name, compared in (("polls", report.polls), ("feedback", report.feedback)):
        if compared:
            yield Sheet(
                w[f"sheet_{name}"], (Column(w["evening"], 14), *tally_columns(w)), _tallies(compared, w, number)
            )


def _recurring_columns(w: Mapping[str, str]) -> Sequence[Column]:
    return (
        Column(w["question"], 60),
        Column(w["people_head"], 9),
        Column(w["evenings_head"], 12),
        Column(w["asked_on"], 44),
        Column(w["answered_on"], 44),
    )


def _recurring(one: Recurring, number: Mapping[str, str]) -> Sequence[Value]:
    asked, answered = (", ".join(number[id] for id in ids) for ids in (one.sessions, one.answered))
    return one.title, one.people, len(one.sessions), asked, answered


def _tallies(
    compared: Sequence[Compared], w: Mapping[str, str], number: Mapping[str, str]
) -> Iterator[Sequence[Value]]:
    for one in compared:
        for session, tally in one.tallies:
            yield from ((number[session], *row) for row in tally_rows([tally], w))


def series_to_markdown(report: SeriesReport, zone: tzinfo | None = None) -> str:
    """For a wiki or an issue."""
    return "\n".join(_markdown(report, words_of(report.language), numbered(report, zone), zone)) + "\n"


def _markdown(
    report: SeriesReport, w: Mapping[str, str], number: Mapping[str, str], zone: tzinfo | None
) -> Iterator[str]:
    total = report.total
    yield f"# {md(report.name)}{w['colon']}{w['series_report']}\n"
    made = w["made"].format(at=moment(report.made_at, zone), zone=zone_name(report.made_at, zone))
    yield made + ("\n" if report.named else f" · {w['nameless']}\n")
    yield f"## {w['headline']}\n"
    yield f"- **{len(report.evenings)}** {w['evenings']}"
    yield f"- **{report.people}** {w['series_people']}"
    for name in ("messages", "groups", "by_course", "by_people", "open", "dismissed"):
        yield f"- **{getattr(total, name)}** {w[name]}"
    if total.share is not None:
        yield f"- **{percent(total.share)}** {w['answered_share']}"
    yield f"\n## {w['side_by_side']}\n"
    heads = ["messages_head", "people_head", "audience_new_head", "audience_returning_head", "questions_head"]
    heads += ("answered_head", "coverage_head", "median_head")
    yield table_row([w["evening"], w["title"], *(w[name] for name in heads)])
    yield "|---|---" + "|---:" * len(heads) + "|"
    for one in report.evenings:
        head, who = one.headline, one.audience
        counts = (head.messages, head.people, who.new, who.returning, head.groups)
        wait = "–" if one.waits.median is None else lasting(one.waits.median, report.language)
        cells = [md(number[one.session.id]), md(one.session.title), *map(str, counts)]
        yield table_row([*cells, percent(head.share), percent(one.coverage), wait])
    for name, found in (("recurring", report.recurring), ("wanted", report.wanted)):
        yield f"\n## {w[name]}\n"
        yield f"{w[f'{name}_text' if found else f'{name}_none']}\n"
        for group in found:
            times = w["n_evenings"].format(n=len(group.sessions)) if len(group.sessions) > 1 else w["one_evening"]
            who_asked = w["one_person"] if group.people == 1 else w["n_people"].format(n=group.people)
            yield f"1. {md(group.title)} ({times}, {who_asked})"
    for name, compared in (("polls", report.polls), ("feedback", report.feedback)):
        if compared:
            yield f"\n## {w[f'{name}_compared']}\n"
        for both in compared:
            yield f"### {md(both.title)}\n"
            yield from (f"- {md(number[id])}{w['colon']}{_told(tally, w)}" for id, tally in both.tallies)
            yield ""


def _told(tally: Tally, w: Mapping[str, str]) -> str:
    mean = "" if tally.mean is None else w["mean"].format(mean=f"{tally.mean:.1f}") + ", "
    shares = [f"{md(text)} {percent(n / tally.people)}" for text, n in tally.bars if tally.people]
    said = [f"{md(text)} × {n}" for text, n in tally.texts[:6]]
    return f"{mean}{w['voted'].format(n=tally.people)}{w['colon']}{', '.join(shares or said)}"
