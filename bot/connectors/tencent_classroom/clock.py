"""Times as exported chats write them, with a day or without. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

CHINA = timezone(timedelta(hours=8), "UTC+8")
"""What Tencent's exports mean where they name no zone."""

FIRST, LAST = 946_684_800, 4_102_444_800
"""2000 and 2100: a number outside is no time."""

HALF_DAY = 12 * 3600.0

LONGEST = 64
"""Characters of a time."""
NUMBER = re.compile(r"[0-9]{9,13}(?:\.[0-9]{1,9})?")
WRITTEN = re.compile(
    r"(?:(?P<year>20[0-9]{2})\s*[-/.年]\s*(?P<month>[0-9]{1,2})\s*[-/.月]\s*(?P<day>[0-9]{1,2})日?[T\s]*)?"
    r"(?P<half>上午|下午|[AP]M)?\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"\s*(?P<late_half>[AP]M)?\s*(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was said: `at` in Unix seconds where the day is known, else `of_day`, seconds since midnight."""

    at: float | None
    of_day: float = 0.0

    @property
    def stamp(self) -> str:
        """The same for the same moment, whatever day is assumed."""
        return f"{self.of_day:.0f}" if self.at is None else f"@{self.at:.0f}"


def read_moment(text: str, zone: tzinfo = CHINA) -> Moment | None:
    """None where it is no time: "19:30:05", "2026-11-01 19:30", "下午7:30", Unix seconds or milliseconds, ISO.

    `zone` is that of times which name none.
    """
    text = text.strip().strip("[]()（）【】").replace("：", ":")
    if NUMBER.fullmatch(text):
        number = float(text)
        number = number / 1000 if number > LAST else number
        return Moment(number) if FIRST <= number < LAST else None
    found = WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    return _moment(found, zone) if found else None


def _moment(found: re.Match[str], zone: tzinfo) -> Moment | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    half = (found["half"] or found["late_half"] or "").upper()
    if half in ("下午", "PM") and hour < 12:
        hour += 12
    elif half in ("上午", "AM") and hour == 12:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    if not found["year"]:
        return Moment(None, hour * 3600.0 + minute * 60 + second)
    try:
        day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), hour, minute, second)
        return Moment(day.replace(tzinfo=_zone(found["zone"]) or zone).timestamp())
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    """Raises `ValueError` for a zone that is none."""
    if not text:
        return None
    if text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def resolved(moments: Iterable[Moment], day: date, zone: tzinfo = CHINA) -> list[float]:
    """Unix seconds of each. Those without a day are on `day`, and on the next one after a midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
    before: float | None = None
    found = []
    for moment in moments:
        if moment.at is not None:
            found.append(moment.at)
            continue
        if before is not None and moment.of_day < before - HALF_DAY:
            midnight += 86400
        before = moment.of_day
        found.append(midnight + moment.of_day)
    return found


def day_of(at: float, zone: tzinfo = CHINA) -> date:
    return datetime.fromtimestamp(at, zone).date()
