"""A report as a workbook for spreadsheets. Numbers are numbers, dates are dates, and no text becomes a formula."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from bot.model import PollKind
from bot.report.model import Line, Missed, Report, Tally
from bot.report.words import NO_NAMES, answerer, words_of

DAY, MOMENT, SHARE, MINUTES = "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "0 %", "0.0"


@dataclass(frozen=True, slots=True)
class Formed:
    """A number that is shown otherwise than its column."""

    number: float | None
    form: str


Value = str | float | int | Formed | None


@dataclass(frozen=True, slots=True)
class Column:
    """`width` in letters. `form`: how numbers are shown; with a form of dates they are Unix seconds."""

    title: str
    width: float = 12
    form: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]


def to_xlsx(report: Report, zone: tzinfo | None = None, names: Mapping[str, str] = NO_NAMES) -> bytes:
    """`zone` is that of the times shown (None: this machine's), `names` what chats are called."""
    from bot.report.workbook import workbook

    return workbook(_sheets(report, names), zone)


def _sheets(report: Report, names: Mapping[str, str]) -> Iterator[Sheet]:
    w = words_of(report.session.language)

    def called(source: str) -> str:
        return names.get(source, source)

    yield Sheet(w["sheet_summary"], (Column(w["figure"], 44), Column(w["value"], 24)), _summary(report, w))
    yield _questions(report, w, called)
    yield _chats(report, w, called)
    yield _timeline(report, w)
    if report.topics:
        columns = (
            Column(w["topic"], 30),
            *(Column(w[f"topic_{name}"]) for name in ("questions", "people", "answered")),
        )
        rows = ((one.name, one.questions, one.people, one.answered) for one in report.topics)
        yield Sheet(w["sheet_topics"], columns, rows)
    if report.polls:
        yield Sheet(w["sheet_polls"], tally_columns(w), tally_rows(report.polls, w))
    if report.moods is not None:
        yield _pulse(report, w)
    if report.feedback:
        columns = (Column(w["feedback"], 30), *tally_columns(w))
        answers = ((one.title, *row) for one in report.feedback for row in tally_rows(one.items, w))
        yield Sheet(w["sheet_feedback"], columns, answers)


def _summary(report: Report, w: Mapping[str, str]) -> Iterator[Sequence[Value]]:
    session, head, waits, audience, reach = report.session, report.headline, report.waits, report.audience, report.reach
    yield w["title"], session.title
    if session.series:
        yield w["series_head"], session.series
    if session.speaker:
        yield w["speaker"], session.speaker
    if session.starts_at is not None:
        yield w["starts_at"], Formed(session.starts_at, MOMENT)
    yield w["made_at"], Formed(report.made_at, MOMENT)
    for name in ("messages", "people", "chats", "asked", "groups", "by_course", "by_people", "open", "dismissed"):
        yield w[name], getattr(head, name)
    yield w["answered_share"], Formed(head.share, SHARE)
    yield f"{w['median']}{w['minutes_head']}", Formed(_minutes(waits.median), MINUTES)
    for name in ("told", "page", "underway", "failed", "silent"):
        yield f"{w['reach']}{w['colon']}{w[f'reach_{name}']}", getattr(reach, name)
    for name in ("new", "returning", "unknown"):
        yield f"{w['audience']}{w['colon']}{w[f'audience_{name}']}", getattr(audience, name)


def _questions(report: Report, w: Mapping[str, str], called: Callable[[str], str]) -> Sheet:
    columns = (
        Column(w["rank"], 7),
        Column(w["question"], 60),
        Column(w["status"], 12),
        Column(w["people_head"], 9),
        Column(w["askers"], 9),
        Column(w["votes"], 9),
        Column(w["messages_head"], 9),
        Column(w["sheet_chats"], 26),
        Column(w["first_at_head"], 17, MOMENT),
        Column(w["first_by_head"], 16),
        Column(w["last_at_head"], 17, MOMENT),
        Column(w["answered_by_head"], 16),
        Column(w["answered_at"], 17, MOMENT),
        Column(w["wait_head"], 12, MINUTES),
        Column(w["answer"], 60),
        Column(w["sources"], 24),
        Column(w["reason"], 24),
        Column(w["label"], 20),
        Column(w["also"], 50),
    )
    return Sheet(
        w["sheet_questions"], columns, (_question(rank, line, w, called) for rank, line in enumerate(report.lines, 1))
    )


def _question(rank: int, line: Line, w: Mapping[str, str], called: Callable[[str], str]) -> Sequence[Value]:
    answer = line.answer
    return (
        rank,
        line.title,
        w[f"status_{line.status.value}"],
        line.people,
        line.askers,
        line.votes,
        line.messages,
        "; ".join(f"{called(source)}: {count}" for source, count in line.chats),
        line.first_at,
        line.first_by,
        line.last_at,
        answerer(answer.by, w) if answer else "",
        answer.at if answer else None,
        _minutes(line.waited),
        answer.text if answer else "",
        "; ".join(answer.sources) if answer else "",
        line.reason,
        "; ".join(line.labels),
        " / ".join(line.wordings),
    )


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 2)


def _chats(report: Report, w: Mapping[str, str], called: Callable[[str], str]) -> Sheet:
    columns = (
        Column(w["chat"], 24),
        *(Column(w[f"chat_{name}"]) for name in ("messages", "people", "asked", "groups", "answered")),
        Column(w["missed_head"], 20, MINUTES),
    )
    rows: list[Sequence[Value]] = [
        (called(one.source), one.messages, one.people, one.asked, one.groups, one.answered, _unheard(one.missed))
        for one in report.chats
    ]
    silent = {one.source for one in report.chats}
    rows += [(called(one.source), 0, 0, 0, 0, 0, _unheard(one)) for one in report.missed if one.source not in silent]
    return Sheet(w["sheet_chats"], columns, rows)


def _unheard(missed: Missed | None) -> float | None:
    return None if missed is None else _minutes(missed.seconds)


def _timeline(report: Report, w: Mapping[str, str]) -> Sheet:
    timeline = report.timeline
    columns = (Column(w["time"], 18, MOMENT), Column(w["legend_messages"]), Column(w["legend_asked"], 18))
    pairs = zip(timeline.messages, timeline.asked, strict=True)
    rows = ((timeline.start + at * timeline.step, said, asked) for at, (said, asked) in enumerate(pairs))
    return Sheet(w["sheet_timeline"], columns, rows)


def _pulse(report: Report, w: Mapping[str, str]) -> Sheet:
    moods = report.moods
    if moods is None:
        raise ValueError("there is no pulse")
    columns = (Column(w["time"], 18, MOMENT), *(Column(w[mood.value]) for mood in moods.counts))
    steps = zip(*moods.counts.values(), strict=True)
    rows = ((moods.start + at * moods.step, *counts) for at, counts in enumerate(steps))
    return Sheet(w["sheet_pulse"], columns, rows)


def tally_columns(w: Mapping[str, str]) -> Sequence[Column]:
    return (
        Column(w["question"], 44),
        Column(w["kind"], 14),
        Column(w["people_head"], 9),
        Column(w["option"], 40),
        Column(w["chosen_head"], 14),
        Column(w["share"], 9, SHARE),
    )


def tally_rows(tallies: Iterable[Tally], w: Mapping[str, str]) -> Iterator[Sequence[Value]]:
    """One row an option, number, word or text; one for what nobody said anything to."""
    for one in tallies:
        found = one.bars or one.texts or (("", 0),)
        for text, people in found:
            yield one.title, kind_called(one, w), one.people, text, people, people / one.people if one.people else None


def kind_called(tally: Tally, w: Mapping[str, str]) -> str:
    return w["open_text" if tally.kind is PollKind.OPEN else tally.kind.value]
