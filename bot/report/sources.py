"""How much of a session the sources did not hear."""

from collections.abc import Sequence

from bot.model import Heard, Outage, Session, SourceReport
from bot.report.model import Missed


def missed(session: Session, heard: Sequence[Heard], sources: Sequence[SourceReport], now: float) -> dict[str, Missed]:
    """By source, for all `sources`; nothing where nobody can say when the session was."""
    span = _span(session, heard)
    if span is None:
        return {}
    begin, end = span
    return {one.health.source: _missed(one, begin, min(end, now), now) for one in sources}


def _span(session: Session, heard: Sequence[Heard]) -> tuple[float, float] | None:
    """When it was: as it says itself, as far as that can be; else from the first message to the last."""
    times = [one.at for one in heard]
    if session.starts_at is None and not times:
        return None
    last = max(times, default=session.starts_at or 0.0)
    says = session.starts_at
    begin = says if says is not None and says <= last else min(times)
    end = session.ended_at if session.ended_at is not None and session.ended_at >= begin else last
    return begin, end


def _missed(source: SourceReport, begin: float, end: float, now: float) -> Missed:
    spans = [_within(outage, begin, end, now) for outage in source.outages if not outage.filled]
    real = [seconds for seconds in spans if seconds > 0]
    return Missed(source.health.source, sum(real), len(real), source.health.watched_since <= begin)


def _within(outage: Outage, begin: float, end: float, now: float) -> float:
    return min(now if outage.ended is None else outage.ended, end) - max(outage.began, begin)
