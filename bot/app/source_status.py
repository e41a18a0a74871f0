"""How the sources of an installation are, read beside the program that runs them, or after it stopped."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.app.sources import KINDS
from bot.app.terminal import clock, lasted, plain
from bot.errors import StoreError
from bot.model import SourceReport
from bot.settings import Settings
from bot.settings.database import address_of
from bot.settings.draft import read_draft
from bot.settings.schema import SECTIONS
from bot.storage import postgres_connection as postgres
from bot.storage import sources
from bot.storage.connection import Failure, connect, explained
from bot.web.schemas import SourceOut, SourcesOut
from bot.web.source_json import Configured, sources_out

SILENT = 20.0
"""Seconds without a beat after which the program does not run: some beats may be late."""

PATIENCE = 30.0
"""Seconds that a source may take to connect, as on the page."""

MARKS = {"connected": "●", "starting": "◌", "lost": "○", "refused": "✕"}
STATES = {
    "connected": "connected",
    "starting": "connecting",
    "lost": "lost, tried again by itself,",
    "refused": "refused and left alone",
}


class Standing(SourcesOut):
    """The sources as they are, or as they were at the last beat where the program is not `running`.

    `beat_at` is when it last showed that it lives (null: never). `unseen` are configured and never ran, `former` ran
    and are not configured any more.
    """

    running: bool
    beat_at: float | None
    unseen: list[str]
    former: list[str]

    @property
    def well(self) -> bool:
        """Whether there is nothing that somebody should see to."""
        heard = all(
            source.state == "connected" or (source.state == "starting" and self.at - source.since <= PATIENCE)
            for source in self.sources
        )
        return (self.running and heard) or not (self.sources or self.unseen)


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the database is, a file or the address of PostgreSQL, and which sources the configuration names."""

    database: Path | str
    configured: Mapping[str, Configured]


def installation(config: Path | None) -> Installation:
    """Read no more of the configuration than that: neither secrets nor mistakes in it matter to who only looks.

    Raises `SettingsError` where the file cannot be read at all.
    """
    draft = read_draft(config, {**SECTIONS, **{name: kind.options for name, kind in KINDS.items()}})
    data = (draft.folder / Path(str(draft.data.get("data", "data"))).expanduser()).resolve()
    sessions = [str(table.get("id", "")) for _, table in draft.tables("session")] or ["talk"]
    only = sessions[0] if len(sessions) == 1 else ""
    configured = {
        str(table.get("name", kind)): Configured(kind, str(table.get("session") or only))
        for kind in KINDS
        for _, table in draft.tables(kind)
    }
    return Installation(address_of(draft, os.environ) or Settings(data=data).database, configured)


def standing(found: Installation, now: float, hours: float = 24.0) -> Standing:
    """How the sources are. Raises `StoreError` where the database cannot be read."""
    reports = _read_postgres(found.database) if isinstance(found.database, str) else _read(found.database)
    beats = [report.health.alive_at for report in reports]
    beat_at = max(beats, default=None)
    running = beat_at is not None and now - beat_at <= SILENT
    shown = [
        report
        for report in reports
        if report.health.source in found.configured or (running and now - report.health.alive_at <= SILENT)
    ]
    at = now if running or beat_at is None else beat_at
    names = {report.health.source for report in shown}
    return Standing(
        **dict(sources_out(shown, found.configured, at, hours)),
        running=running,
        beat_at=beat_at,
        unseen=[name for name in found.configured if name not in names],
        former=[report.health.source for report in reports if report.health.source not in names],
    )


def _read_postgres(url: str) -> list[SourceReport]:
    db = postgres.connect(url)
    try:
        return sources.reports(db, sources.Counted()) if "sources" in db.columns() else []
    except postgres.Failure as error:
        raise postgres.explained(error) from error
    finally:
        db.close()


def _read(database: Path) -> list[SourceReport]:
    if not database.exists():
        return []
    try:
        db = connect(database, reading=True)
        try:
            return sources.reports(db, sources.Counted())
        finally:
            db.conn.close()
    except (Failure, IndexError) as error:
        if isinstance(error, IndexError) or "no such" in str(error):
            raise StoreError(f"{database} is from an older version; `floormic run` brings it up to date") from error
        raise explained(error) from error


def told(standing: Standing, now: float) -> Iterator[str]:
    """The lines of `floormic sources`."""
    if not standing.sources and not standing.unseen:
        yield "No chat is configured beside the web page; `floormic connect --list` names what there is."
    elif standing.beat_at is None:
        yield "Floormic has not run with these sources yet."
    elif standing.running:
        yield f"Floormic is running; its last sign of life came {lasted(now - standing.beat_at)} ago."
    else:
        ago, at = lasted(now - standing.beat_at), clock(standing.beat_at, now)
        yield f"Floormic is not running: its last sign of life came {ago} ago ({at}). So it was then:"
    for source in standing.sources:
        yield ""
        yield from _told(source, standing, now)
    if standing.unseen:
        yield f"\nConfigured, but not run yet: {', '.join(standing.unseen)}"
    if standing.former:
        yield f"\nNo longer configured: {', '.join(standing.former)}"


def _told(source: SourceOut, standing: Standing, now: float) -> Iterator[str]:
    name = source.source if source.kind in {"", source.source} else f"{source.source} ({source.kind})"
    length = lasted(standing.at - source.since)
    since = f"{STATES[source.state]} since {clock(source.since, now)} ({length})"
    yield f"{MARKS[source.state]} {name}: {since}"
    if source.trouble:
        yield f"  trouble     {plain(source.trouble)}"
    last = "" if source.last_at is None else f", the last at {clock(source.last_at, now)}"
    yield f"  messages    {source.messages}{last}"
    yield f"  reconnects  {source.reconnects}"
    yield f"  missed      {_missed(source, standing.hours)}"
    yield f"  sending     {_sending(source)}"


def _missed(source: SourceOut, hours: float) -> str:
    fetched = f"; {lasted(source.filled)} more were fetched later" if source.filled else ""
    return f"{lasted(source.missed) if source.missed else 'nothing'} in the last {hours:g} h{fetched}"


def _sending(source: SourceOut) -> str:
    used = source.sending
    if used is None:
        return "cannot reply"
    parts = [f"{used.minute} of {used.minute_limit} a minute"] if used.minute_limit else []
    parts += [f"{used.hour} of {used.hour_limit} an hour"] if used.hour_limit else []
    return f"{' and '.join(parts)} in the busiest chat"
