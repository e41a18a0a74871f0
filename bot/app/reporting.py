"""Gathers from the store what a report is made of."""

import time

from bot.connectors.names import CHATS
from bot.errors import BadInput, NotFound
from bot.model import Session
from bot.ports import Store
from bot.report import Report, build_report, to_csv, to_html, to_json, to_markdown
from bot.settings import Settings
from bot.storage.sqlite import open_store

FORMATS = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


async def render_report(store: Store, session: str, format: str, now: float) -> tuple[bytes, str]:
    """A session's report and its content type. Raises `NotFound` and `BadInput`."""
    if format not in FORMATS:
        raise BadInput(f"there is no report as {format!r}; choose one of {', '.join(FORMATS)}")
    questions = await store.questions(session)
    asked = {q.id: await store.asked(q.id) for q in questions if not q.state.merged_into}
    report = build_report(await _session(store, session), await store.placements(session), questions, asked, now)
    return _written(report, format), FORMATS[format]


def _written(report: Report, format: str) -> bytes:
    names = {source: called[report.session.language] for source, called in CHATS.items()}
    if format == "html":
        return to_html(report, names=names).encode()
    if format == "md":
        return to_markdown(report, names=names).encode()
    # The mark tells spreadsheets that a CSV file is UTF-8.
    return to_csv(report).encode("utf-8-sig") if format == "csv" else to_json(report).encode()


async def _session(store: Store, id: str) -> Session:
    sessions = {s.id: s for s in await store.sessions()}
    if id not in sessions:
        raise NotFound(f"there is no session {id!r}; there are: {', '.join(sessions) or 'none'}")
    return sessions[id]


async def report(settings: Settings, session: str, format: str) -> bytes:
    """The report of a session of this installation. Raises `StoreBusy` while the program runs."""
    store = await open_store(settings.database)
    try:
        return (await render_report(store, session, format, time.time()))[0]
    finally:
        await store.close()
