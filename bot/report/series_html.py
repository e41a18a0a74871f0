"""The report of a series as one HTML file that needs nothing beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from bot.report.html import Link, render
from bot.report.model import Tally
from bot.report.pictures import piles
from bot.report.series import EveningFigures, SeriesReport
from bot.report.words import NO_NAMES, day, moment, zone_name


def series_to_html(
    report: SeriesReport, zone: tzinfo | None = None, names: Mapping[str, str] = NO_NAMES, links: Sequence[Link] = ()
) -> str:
    """For reading and printing; `zone` and `names` as in `to_html`."""
    numbers = numbered(report, zone)
    return render(
        "series.html",
        report.language,
        zone,
        names,
        report=report,
        head=report.total,
        links=links,
        span=_span(report, zone),
        number=numbers,
        outcomes=piles([(_short(one, zone), _outcomes(one)) for one in report.evenings]),
        audience=piles([(_short(one, zone), _audience(one)) for one in report.evenings]),
        most_spark=max((n for one in report.evenings for n in one.messages), default=1),
        mean_part=_mean_part,
        zone_called=zone_name(report.made_at, zone),
    )


def numbered(report: SeriesReport, zone: tzinfo | None) -> dict[str, str]:
    """What each evening is called where there is little room: its day, with the time where several were on it, or its
    id where that tells it apart from no other, or nobody knows the day."""
    called = {one.session.id: day(one.at, zone) if one.at else one.session.id for one in report.evenings}
    times = {one.session.id: moment(one.at, zone) for one in report.evenings if one.at}
    for closer in (times, {id: id for id in called}):
        often = Counter(called.values())
        called = {id: closer.get(id, id) if often[name] > 1 else name for id, name in called.items()}
    return called


def _short(evening: EveningFigures, zone: tzinfo | None) -> str:
    return day(evening.at, zone)[5:] if evening.at else "?"


def _span(report: SeriesReport, zone: tzinfo | None) -> tuple[str, str] | None:
    days = [day(one.at, zone) for one in report.evenings if one.at]
    return (days[0], days[-1]) if days else None


def _outcomes(evening: EveningFigures) -> dict[str, int]:
    head = evening.headline
    return {"course": head.by_course, "people": head.by_people, "open": head.open}


def _audience(evening: EveningFigures) -> dict[str, int]:
    who = evening.audience
    return {"returning": who.returning, "new": who.new, "unknown": who.unknown}


def _mean_part(tally: Tally) -> float:
    """Where the mean lies between the ends of its scale, in 0..1."""
    low, high = float(tally.bars[0][0]), float(tally.bars[-1][0])
    return ((tally.mean or low) - low) / (high - low)
