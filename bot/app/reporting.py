"""Gathers from the store what reports are made of, and hands them over as files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from urllib.parse import quote

from bot.app.sources import KINDS
from bot.app.stores import open_configured
from bot.app.trends import SeriesTrends
from bot.connectors.names import CHATS
from bot.errors import BadInput, NotFound
from bot.model import COURSE, Session, SourceReport
from bot.ports import Now, Store
from bot.queueing import earlier
from bot.report import (
    Feedback,
    Link,
    Material,
    Report,
    SeriesCount,
    SeriesReport,
    build_report,
    feedback_of,
    nameless,
    series_nameless,
    series_to_csv,
    series_to_html,
    series_to_json,
    series_to_markdown,
    series_to_xlsx,
    summary,
    to_csv,
    to_html,
    to_json,
    to_markdown,
    to_xlsx,
)
from bot.report.words import words_of
from bot.settings import Settings
from bot.surveys import Gather, Surveys, each_alone
from bot.trends import Trends
from bot.trends.plain import called as topic_called
from bot.web.identity import SOURCE as PAGE
from bot.web.site import ReportWish
from bot.web.source_json import Configured

FORMATS = {
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Reporting:
    """Reports of one installation. `sources`: kind and session of each configured source, as they are now; `unsteady`
    those whose people have another id each evening, see `unsteady`. `gather` groups what was written in surveys,
    `trends` finds the topics of a series. `zone` is that of the times shown, None: this machine's.

    What is counted and drawn is counted and drawn in a thread: nobody's page waits for a report.
    """

    store: Store
    sources: Mapping[str, Configured]
    now: Now
    gather: Gather = each_alone
    unsteady: frozenset[str] = frozenset()
    trends: Callable[[str], Awaitable[Trends]] | None = None
    zone: tzinfo | None = None

    async def session(self, id: str, wanted: ReportWish) -> tuple[bytes, str]:
        """A session's report and its content type. Raises `NotFound` and `BadInput`."""
        _require(wanted.format)
        report = await self.report(id, wanted.names, wanted.language)
        links: Sequence[Link] = ()
        if wanted.address:  # which needs the series' own name: a report without names may lack it
            series = next((one.series for one in await self.store.sessions() if one.id == id), "")
            links = _links(wanted, report, series)
        return await asyncio.to_thread(_written, report, wanted.format, self.zone, links), FORMATS[wanted.format]

    async def report(self, id: str, names: bool | None = None, language: str = "") -> Report:
        """`names`: with them, or without; None: as the session is set. `language`: of the report, that of the session
        if not given. Raises `NotFound`."""
        sessions = await self.store.sessions()
        session = next((one for one in sessions if one.id == id), None)
        if session is None:
            known = ", ".join(one.id for one in sessions)
            raise NotFound(f"there is no session {id!r}; there are: {known or 'none'}")
        session = replace(session, language=language or session.language)
        before = earlier(session, sessions)
        material = replace(
            await self._material(session, await self.store.sources(), self.gather),
            before={human for one in before for human in await self.store.humans(one.id)},
            earlier=len(before),
            topics=await self._topics(session),
        )
        report = await asyncio.to_thread(build_report, material, self.now())
        named = session.names if names is None else names
        return report if named else await self._nameless(report)

    async def series(self, name: str, wanted: ReportWish) -> tuple[bytes, str]:
        """The report of a series and its content type. Raises `NotFound` for one that no session belongs to, and
        `BadInput`."""
        _require(wanted.format)
        report = await self._series(name, wanted)
        links = _series_links(wanted, report, name) if wanted.address else ()
        return await asyncio.to_thread(_series_written, report, wanted.format, self.zone, links), FORMATS[wanted.format]

    async def _series(self, name: str, wanted: ReportWish) -> SeriesReport:
        sessions = await self.store.sessions()
        evenings = [one for one in sessions if name and one.series == name]
        if not evenings:
            known = ", ".join(dict.fromkeys(one.series for one in sessions if one.series))
            raise NotFound(f"no session belongs to a series {name!r}; the series are: {known or 'none'}")
        again = await self.store.recurrences([one.id for one in evenings])
        count = SeriesCount({one.question: one.root for one in again if one.sure}, self._lasting)
        sources = await self.store.sources()
        for evening in evenings:
            # Grouping what was written on a hundred evenings would take the model minutes.
            material = await self._material(evening, sources, each_alone)
            await asyncio.to_thread(count.add, material, self.now())
        report = await asyncio.to_thread(count.report, name, wanted.language or evenings[-1].language, self.now())
        if wanted.names or (wanted.names is None and all(one.names for one in evenings)):
            return report
        audience = {called for one in evenings for called in await self.store.names(one.id)}
        accounts = {account.name for account in await self.store.people(self.now())}
        return await asyncio.to_thread(series_nameless, report, audience, accounts | count.answerers)

    async def summary(self, id: str, link: str) -> str:
        """The report in a few lines, for a chat. Raises `NotFound`."""
        return summary(await self.report(id, names=False), link)

    async def _material(self, session: Session, sources: Sequence[SourceReport], gather: Gather) -> Material:
        store = self.store
        heard = await store.heard(session.id)
        listened = {one.source for one in heard} | {n for n, c in self.sources.items() if c.session == session.id}
        return Material(
            session=session,
            heard=heard,
            questions=await store.questions(session.id),
            polls=await store.polls(session.id),
            pulse=await store.pulse(session.id, 0.0),
            deliveries=await store.answering(session.id),
            sources=[one for one in sources if one.health.source in listened],
            feedback=await self._feedback(session, gather),
            lasting=self._lasting,
            replying=self._replying,
        )

    async def _topics(self, session: Session) -> dict[str, tuple[str, ...]]:
        """What each question of the series is about; nothing where labels have to do."""
        if not session.series or self.trends is None:
            return {}
        rows = (await self.trends(session.series)).rows
        return {id: (topic_called(row),) for row in rows for id in row.topic.members}

    async def _feedback(self, session: Session, gather: Gather) -> tuple[Feedback, ...]:
        """What the survey brought, where it was ever opened."""
        found = await Surveys(self.store, lambda *_: None, self.now, gather=gather).found(session)
        return (feedback_of(found.feedback, found.results),) if found and found.survey.opened_at else ()

    def _lasting(self, source: str) -> bool:
        """Whether this chat keeps a person's id from one evening to the next; of an unknown chat nobody can say so."""
        kind = self.sources[source].kind if source in self.sources else source
        known = kind in KINDS and KINDS[kind].abilities.stable_users
        return source == PAGE or (known and source not in self.unsteady)

    def _replying(self, source: str) -> bool:
        kind = self.sources[source].kind if source in self.sources else source
        return kind in KINDS and KINDS[kind].abilities.reply

    async def _nameless(self, report: Report) -> Report:
        answerers = {line.answer.by for line in report.lines if line.answer} - {COURSE}
        accounts = {account.name for account in await self.store.people(self.now())}
        audience = await self.store.names(report.session.id)
        return await asyncio.to_thread(nameless, report, audience, answerers | accounts)


def unsteady(settings: Settings) -> frozenset[str]:
    """The configured sources whose options say so, though their kind could do better."""
    return frozenset(source.name for source in settings.sources if not source.keeps_ids)


def _require(format: str) -> None:
    if format not in FORMATS:
        raise BadInput(f"there is no report as {format!r}; choose one of {', '.join(FORMATS)}")


def _written(report: Report, format: str, zone: tzinfo | None, links: Sequence[Link]) -> bytes:
    names = called(report.session.language)
    if format == "html":
        return to_html(report, zone, names, links).encode()
    if format == "xlsx":
        return to_xlsx(report, zone, names)
    if format == "md":
        return to_markdown(report, zone, names).encode()
    # The mark tells spreadsheets that a CSV file is UTF-8.
    return to_csv(report, zone).encode("utf-8-sig") if format == "csv" else to_json(report).encode()


def _series_written(report: SeriesReport, format: str, zone: tzinfo | None, links: Sequence[Link]) -> bytes:
    if format == "html":
        return series_to_html(report, zone, called(report.language), links).encode()
    if format == "xlsx":
        return series_to_xlsx(report, zone)
    if format == "md":
        return series_to_markdown(report, zone).encode()
    return series_to_csv(report, zone).encode("utf-8-sig") if format == "csv" else series_to_json(report).encode()


def called(language: str) -> dict[str, str]:
    return {source: names["zh" if language == "zh" else "en"] for source, names in CHATS.items()}


def _links(wanted: ReportWish, report: Report, series: str) -> list[Link]:
    """Ways from the page to the other formats, to itself with or without names, and on."""
    w = words_of(report.session.language)
    links = format_links(wanted, report.named, w)
    links.append(Link(f"/s/{quote(report.session.id, safe='')}/board", w["to_board"]))
    if series and wanted.to_series:
        links.append(Link(f"/series/{quote(series, safe='')}/report", w["to_series"]))
    return links


def _series_links(wanted: ReportWish, report: SeriesReport, name: str) -> list[Link]:
    w = words_of(report.language)
    trends, talks = Link(f"/series/{quote(name, safe='')}", w["to_trends"]), Link("/", w["to_talks"])
    return [*format_links(wanted, report.named, w), trends, talks]


def format_links(wanted: ReportWish, named: bool, w: Mapping[str, str]) -> list[Link]:
    here, language = wanted.address, f"&lang={wanted.language}" if wanted.language else ""

    def to(format: str, names: bool, more: str = "") -> str:
        return f"{here}?format={format}&names={int(names)}{language}{more}"

    found = [Link(to(one, named, "&download=1"), w[f"format_{one}"]) for one in FORMATS]
    found.append(Link(to("html", not named), w["without_names" if named else "with_names"]))
    return found


@asynccontextmanager
async def open_reporting(settings: Settings, now: Now) -> AsyncIterator[Reporting]:
    """The reports of this installation. Raises `StoreBusy` while the program runs."""
    store = await open_configured(settings)
    try:
        sources = {source.name: Configured(source.kind, source.session) for source in settings.sources}
        for feed in await store.feeds():
            known = sources.get(feed.source)
            if known and known.session == feed.said:  # else the file has a newer word
                sources[feed.source] = replace(known, session=feed.session)
        yield Reporting(
            store,
            sources,
            now,
            unsteady=unsteady(settings),
            trends=SeriesTrends(store).of,
            zone=settings.after.hours.zone,
        )
    finally:
        await store.close()


async def report(settings: Settings, session: str, series: str, wanted: ReportWish, now: Now) -> bytes:
    """The report of a session, or ("") of a series. Raises as `Reporting` and `open_reporting`."""
    async with open_reporting(settings, now) as reporting:
        made = reporting.session(session, wanted) if session else reporting.series(series, wanted)
        return (await made)[0]
