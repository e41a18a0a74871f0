"""When something may be said: nothing at night but what answers somebody just now. Decides; calls nothing.

All times are Unix seconds. What clocks show is reckoned in the zone of `Hours`; where it puts its clocks on or back, an
hour that there is twice counts at its first coming, and one that there is not counts an hour later.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bot.model import Delivery, Session

DAY = 86_400.0

SOON = 1800.0
"""Seconds within which something is still a direct answer: who asked is there yet."""

TALK = 6 * 3600.0
"""Seconds that a talk lasts at most: nobody may have said that it is over."""

OVERRUN = 3 * 3600.0
"""Seconds by which a talk may overrun a time on the clock and still be meant by it: then it is time at its end."""

SCHEDULED = ("digest:", "personal:", "survey:", "report:")
"""How the keys of those deliveries begin that answer nobody and come by themselves."""

ANSWERS = ("answer:", "reason:")
"""Those that are direct answers at first, and none any more when they come late."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begin` to `end` it is quiet, in minutes after midnight; where both are one, never. What falls into the
    quiet hours and comes by itself waits for `morning`. `zone`: None is that of this machine."""

    begin: int = 22 * 60
    end: int = 8 * 60
    morning: int = 9 * 60
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class When:
    """So many minutes after the end of a talk or, with `clock`, after midnight."""

    minutes: int
    clock: bool = False


def minutes_of(text: str) -> int:
    """Minutes after midnight of "HH:MM". Raises `ValueError`."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time of the day, such as 21:45")
    return int(found[1]) * 60 + int(found[2])


def when_of(text: str) -> When:
    """ "+30" or "21:45". Raises `ValueError`."""
    found = re.fullmatch(r"\+(\d{1,4})", text.strip())
    if found:
        return When(int(found[1]))
    try:
        return When(minutes_of(text), clock=True)
    except ValueError:
        raise ValueError(f"{text!r} is neither minutes after the end, such as +30, nor a time such as 21:45") from None


def is_quiet(at: float, hours: Hours) -> bool:
    local = datetime.fromtimestamp(at, hours.zone)
    minute = local.hour * 60 + local.minute
    if hours.begin <= hours.end:
        return hours.begin <= minute < hours.end
    return minute >= hours.begin or minute < hours.end


def next_allowed(at: float, hours: Hours) -> float:
    """`at`, or the end of the quiet hours that it falls into."""
    while is_quiet(at, hours):
        at = next_clock(at + 1, hours.end, hours)
    return at


def next_round(at: float, hours: Hours) -> float:
    """When something that comes by itself may be said: `at`, or the morning after the quiet hours it falls into."""
    return next_allowed(next_clock(at, hours.morning, hours), hours) if is_quiet(at, hours) else at


def next_clock(at: float, minute: int, hours: Hours) -> float:
    """The first moment from `at` on at which the clocks show that minute of the day."""
    return min(moment for moment in _moments(at, minute, hours) if moment >= at)


def _moments(at: float, minute: int, hours: Hours) -> Iterable[float]:
    day = datetime.fromtimestamp(at, hours.zone).replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    for days in (0, 1, 2):  # the third one for a day that a zone left out
        for fold in (0, 1):
            yield (day + timedelta(days=days)).replace(fold=fold).timestamp()


def due(ended_at: float, when: When, hours: Hours) -> float:
    """When something is due after a talk, outside of the quiet hours. A time on the clock that the talk overran is its
    end."""
    if not when.clock:
        return next_round(ended_at + 60.0 * when.minutes, hours)
    return next_round(max(next_clock(ended_at - OVERRUN, when.minutes, hours), ended_at), hours)


def direct(session: Session, asked_at: float, now: float) -> bool:
    """Is an answer, given now, to what was asked last at that time, still a part of the talk?"""
    if now - asked_at < SOON:
        return True
    if session.ended_at is not None:
        return now - session.ended_at < SOON
    return -SOON < now - max(session.starts_at or asked_at, asked_at) < TALK  # not the days before


def held_until(delivery: Delivery, now: float, hours: Hours, answers: bool = False) -> float:
    """From when on a delivery that is due now may go. At night nothing goes that comes by itself, nor, unless `answers`
    go then, too, one that should have been said earlier, as a chat was down, or the program, or that is meant for the
    morning and took the place of one that waits."""
    if delivery.key.startswith(SCHEDULED):
        return next_round(now, hours)
    if answers or not delivery.key.startswith(ANSWERS):
        return now
    since = delivery.due_at or delivery.not_before
    late = since > 0 and abs(now - since) > SOON
    return next_allowed(now, hours) if late else now
