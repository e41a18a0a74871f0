"""Reports of what a real store keeps."""

import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from bot.accounts import Device, Entry, Grant, Invitation
from bot.app import open_hall, report
from bot.app.reporting import FORMATS, Reporting
from bot.errors import BadInput, NotFound
from bot.model import (
    Address,
    Answer,
    Change,
    Delivery,
    Mood,
    Outage,
    Person,
    PollKind,
    PollState,
    PollStatus,
    PollVote,
    Pulse,
    Session,
    SourceHealth,
    SourceState,
    Status,
)
from bot.settings import AfterSettings, SessionSettings, Settings, WebSettings
from bot.storage.sqlite import SqliteStore, open_store
from bot.web.site import ReportWish
from bot.web.source_json import Configured
from tests.bot.storage.acts import arrive, ask
from tests.fakes import HashEncoder

SOURCES = {"room": Configured("channels", "talk"), "mute": Configured("bilibili", "talk")}


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    """Two evenings of a series; on the second one everything happened."""
    opened = await open_store(":memory:")
    for id, at in (("first", 10.0), ("talk", 100.0)):
        await opened.save_session(Session(id, f"The {id}", "Course", "Dr. Lin", at, at + 3600, language="en"))
    await ask(opened, "q0", session="first", text="Recorded?")
    await ask(opened, "q1", text="Is there a recording?")
    await ask(opened, "q1", user="u2", source="web", chat="talk")
    await ask(opened, "q1", user="u3", source="room", address=None, text="recording @Tom?")
    await ask(opened, "q2", user="u4", source="nobody-knows", chat="c4", text="Price, Dr. Lin?")
    await arrive(opened, user="u5")
    before = (await opened.question("q1")).state
    after = replace(
        before, status=Status.ANSWERED, answer=Answer("Yes, says Eva Stein.", "Eva Stein", 161.0), labels=("film",)
    )
    told = Delivery("answer:q1:telegram:u1", "talk", Address("telegram", "u1"), "x", state="sent")
    poll = PollState("p", "talk", PollKind.SINGLE, "Which?", ("A", "B"), status=PollStatus.OPEN, round=1)
    draft = replace(poll, id="d", status=PollStatus.DRAFT, round=0)
    await opened.apply(Change("talk", 161.0, "Eva Stein", "answer", ((before, after),), deliveries=(told,)))
    await opened.apply(Change("talk", 1.0, "Ann", "poll", polls=((None, poll), (None, draft)), pulse=True))
    await opened.vote_poll(PollVote("p", Person("web", "u2"), ("2",)))
    await opened.feel(Pulse("talk", Person("web", "u2"), Mood.LOST, 120.0))
    mute = SourceHealth("mute", SourceState.LOST, 160.0, 160.0, watched_since=0.0)
    await opened.keep_sources(
        [mute], [Outage("mute", 160.0, 400.0, "x"), Outage("mute", 500.0, 600.0, "x", filled=True)]
    )
    yield opened
    await opened.close()


async def test_a_report_gathers_all_that_happened(store: SqliteStore) -> None:
    """Who came again, whom the answer reached, how fast, polls, pulse, labels, what was not heard."""
    report = await Reporting(store, SOURCES, lambda: 9000.0).report("talk")
    assert (report.audience.returning, report.audience.new, report.audience.unknown, report.audience.earlier) == (
        1, 2, 2, 1,
    )  # fmt: skip
    assert (report.reach.told, report.reach.page, report.reach.silent, report.reach.failed) == (1, 1, 1, 0)
    assert report.waits.people == (60.0,)
    assert [(topic.name, topic.people, topic.answered) for topic in report.topics] == [("film", 3, 1)]
    assert [(poll.title, poll.bars) for poll in report.polls] == [("Which?", (("A", 0), ("B", 1)))]
    assert report.moods is not None
    assert report.moods.counts[Mood.LOST] == (1,)
    assert [(one.source, one.seconds, one.times, one.known) for one in report.missed] == [("mute", 240.0, 1, True)]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("series", [False, True])
async def test_no_format_names_anybody(store: SqliteStore, format: str, series: bool) -> None:
    """Neither askers nor experts nor accounts, whatever is asked for."""
    promise = Invitation("i", (Grant("expert"),), "Greta Olsen", 99.0)
    await store.admit(Entry("t", "Greta Olsen", "", Device("d", "x", 99.0), promise), 1.0)
    await ask(store, "q2", user="u6", text="Greta Olsen said so")
    reporting, wish = Reporting(store, SOURCES, lambda: 9000.0), ReportWish(format, names=False)
    body, _ = await (reporting.series("Course", wish) if series else reporting.session("talk", wish))
    for name in ("Eva", "Lin", "U1", "Tom", "Greta", "Olsen"):
        assert format == "xlsx" or name not in body.decode().replace("Line", "").replace("line", "")


async def test_the_series_has_each_evening(store: SqliteStore) -> None:
    """With who came again and what was asked again, as far as it is known."""
    made = await Reporting(store, SOURCES, lambda: 9000.0).series("Course", ReportWish("json"))
    data: dict[str, Any] = json.loads(made[0])
    assert [(one["session"]["id"], one["audience"]["returning"]) for one in data["evenings"]] == [
        ("first", 0),
        ("talk", 1),
    ]
    assert (data["total"]["groups"], data["people"]) == (3, 5)


async def test_what_is_not_there_is_said_in_words(store: SqliteStore) -> None:
    """Sessions, series and formats: which there are."""
    reporting = Reporting(store, {}, lambda: 0.0)
    with pytest.raises(NotFound, match="there is no session 'nope'; there are: first, talk"):
        await reporting.report("nope")
    for name in ("Other", ""):
        with pytest.raises(NotFound, match=f"no session belongs to a series '{name}'; the series are: Course"):
            await reporting.series(name, ReportWish())
    with pytest.raises(BadInput, match="choose one of html, xlsx, csv, md, json"):
        await reporting.session("talk", ReportWish("pdf"))


async def test_the_summary_is_short_and_leads_to_the_report(store: SqliteStore) -> None:
    """For a chat: figures, what is open, the link; it names nobody."""
    told = await Reporting(store, SOURCES, lambda: 9000.0).summary("talk", "https://x/s/talk/report")
    assert told.splitlines() == [
        "The talk: Report",
        "5 messages from 5 people; 2 questions, 1 answered (50%).",
        "Half of the answers came within 1 min.",
        "1 people came back, 2 were new.",
        "Most wanted and still open:",
        "1. Is there a recording? (1 person)",
        "The whole report: https://x/s/talk/report",
    ]


async def test_a_session_may_be_set_to_name_nobody(store: SqliteStore) -> None:
    """Then its report and that of its series name nobody, unless names are asked for."""
    reporting = Reporting(store, SOURCES, lambda: 9000.0)
    talk = next(one for one in await store.sessions() if one.id == "talk")
    await store.save_session(replace(talk, names=False))
    assert [(await reporting.report("talk", names)).named for names in (None, True, False)] == [False, True, False]
    assert (await reporting.report("first")).named
    assert json.loads((await reporting.series("Course", ReportWish("json")))[0])["named"] is False


@pytest.mark.parametrize("format", ["html", "xlsx", "csv", "md"])
@pytest.mark.parametrize("series", [False, True])
async def test_every_format_tells_times_in_the_zone_of_the_reports(
    store: SqliteStore, format: str, series: bool
) -> None:
    """What began at midnight in UTC began at a quarter to six a few countries further east, whatever the machine's."""
    zone = timezone(timedelta(hours=5, minutes=45))
    reporting, wish = Reporting(store, SOURCES, lambda: 9000.0, zone=zone), ReportWish(format)
    body, _ = await (reporting.series("Course", wish) if series else reporting.session("talk", wish))
    if format == "xlsx":
        cells = [cell for page in load_workbook(io.BytesIO(body)).worksheets for row in page.values for cell in row]
        assert (5, 46) in {(cell.hour, cell.minute) for cell in cells if isinstance(cell, datetime)}
    else:
        assert "+05:45" in body.decode()


async def test_reports_have_the_configured_zone(tmp_path: Path) -> None:
    """That of a running program and the one that the command writes, without a word about it in either."""
    talk = SessionSettings(id="talk", title="A talk", language="en")
    after = AfterSettings(zone="Asia/Kathmandu")
    settings = Settings(data=tmp_path / "data", web=WebSettings(port=0), session=(talk,), after=after)
    async with open_hall(settings, encoder=HashEncoder()) as hall:
        await hall.loaded()
        shown, _ = await hall.reports.session("talk", ReportWish("md"))
    written = await report(settings, "talk", "", ReportWish("md"), time.time)
    assert ["times are UTC+05:45" in one.decode() for one in (shown, written)] == [True, True]


async def test_the_ways_on_from_a_report_without_names_lead_somewhere(store: SqliteStore) -> None:
    """Also where the series is called after somebody, whom the report itself does not name."""
    for one in await store.sessions():
        await store.save_session(replace(one, series="An evening with Dr. Lin"))
    reporting, way = Reporting(store, SOURCES, lambda: 9000.0), "/series/An%20evening%20with%20Dr.%20Lin"
    talk, _ = await reporting.session("talk", ReportWish(names=False, address="/s/talk/report", to_series=True))
    wish = ReportWish(names=False, address=f"{way}/report")
    series, _ = await reporting.series("An evening with Dr. Lin", wish)
    assert f'href="{way}/report"' in talk.decode()
    assert f'href="{way}"' in series.decode()
    assert "Dr. Lin" not in talk.decode() + series.decode()
