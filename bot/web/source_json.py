"""How the sources are, as JSON: for the pages, and for whoever else shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.model import Outage, SourceHealth, SourceReport
from bot.phrases import in_language
from bot.web.schemas import OutageOut, SendingOut, SourceOut, SourcesOut

HOURS = 4.0
"""So far back the pages look: an evening."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration says of a source: its kind, and the session its questions go to."""

    kind: str
    session: str


def sources_out(
    reports: Iterable[SourceReport], configured: Mapping[str, Configured], now: float, hours: float = HOURS
) -> SourcesOut:
    """The sources at `now`, with the outages of the last `hours`."""
    shown = [_source(report, configured.get(report.health.source), now, now - hours * 3600) for report in reports]
    return SourcesOut(at=now, hours=hours, sources=shown)


def _source(report: SourceReport, known: Configured | None, now: float, since: float) -> SourceOut:
    health = report.health
    lately = [o for o in report.outages if o.ended is None or o.ended > since]
    return SourceOut(
        source=health.source,
        kind=known.kind if known else "",
        session=known.session if known else "",
        state=health.state.value,
        since=health.since,
        alive_at=health.alive_at,
        watched_since=health.watched_since,
        trouble=health.trouble,
        trouble_zh=in_language(health.trouble, "zh"),
        reconnects=max(0, health.connects - 1),
        messages=report.messages,
        last_at=report.last_at,
        missed=report.missed(now, since),
        filled=sum(_length(o, now, since) for o in lately if o.filled),
        sending=_sending(health),
        outages=[_outage(o) for o in lately],
    )


def _outage(outage: Outage) -> OutageOut:
    why = in_language(outage.why, "zh")
    return OutageOut(began=outage.began, ended=outage.ended, why=outage.why, why_zh=why, filled=outage.filled)


def _length(outage: Outage, now: float, since: float) -> float:
    return max(0.0, (now if outage.ended is None else outage.ended) - max(outage.began, since))


def _sending(health: SourceHealth) -> SendingOut | None:
    minute, hour = health.chat_limits
    if not minute and not hour:
        return None
    return SendingOut(minute=health.chat_minute, minute_limit=minute, hour=health.chat_hour, hour_limit=hour)
