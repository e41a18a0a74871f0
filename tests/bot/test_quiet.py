"""Nothing at night: the rules of the quiet hours."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Address, Delivery, Session
from bot.quiet import (
    DAY,
    SOON,
    Hours,
    When,
    direct,
    due,
    held_until,
    is_quiet,
    minutes_of,
    next_allowed,
    next_clock,
    next_round,
    when_of,
)

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
SHANGHAI = Hours(zone=ZoneInfo("Asia/Shanghai"))
BERLIN = Hours(zone=ZoneInfo("Europe/Berlin"))
minute = st.integers(0, 24 * 60 - 1)
moment = st.floats(1.2e9, 2.1e9)


def at(text: str, hours: Hours = SHANGHAI) -> float:
    """The Unix time of "2026-12-01 23:30" in the zone of the hours."""
    return datetime.fromisoformat(text).replace(tzinfo=hours.zone).timestamp()


def shown(moment: float, hours: Hours = SHANGHAI) -> str:
    return datetime.fromtimestamp(moment, hours.zone).strftime("%Y-%m-%d %H:%M")


@given(moment, minute, minute, minute, st.sampled_from(ZONES))
def test_what_waits_for_the_quiet_hours_waits_no_longer_than_they_last(
    now: float, begin: int, end: int, morning: int, zone: str
) -> None:
    """The next allowed moment is not quiet, and up to an hour before it (that clocks may leave out) every one is."""
    hours = Hours(begin, end, morning, ZoneInfo(zone))
    allowed = next_allowed(now, hours)
    assert allowed >= now
    assert not is_quiet(allowed, hours)
    assert allowed == now or all(is_quiet(now + step, hours) for step in range(0, int(allowed - now - 3660), 600))


@given(moment, minute, minute, minute, st.sampled_from(ZONES))
def test_what_comes_by_itself_never_comes_at_night(now: float, begin: int, end: int, morning: int, zone: str) -> None:
    """Whatever is set: not before now, not in the quiet hours, and within two and a half days."""
    hours = Hours(begin, end, morning, ZoneInfo(zone))
    told = next_round(now, hours)
    assert now <= told <= now + 2.5 * DAY
    assert not is_quiet(told, hours)
    assert (told == now) is not is_quiet(now, hours)


@given(moment, minute, st.sampled_from(ZONES))
def test_a_time_of_the_day_comes_once_a_day(now: float, of_day: int, zone: str) -> None:
    """The next one is shown by the clocks, unless they leave it out, and comes before two days are over."""
    hours = Hours(zone=ZoneInfo(zone))
    found = next_clock(now, of_day, hours)
    local = datetime.fromtimestamp(found, hours.zone)
    assert now <= found < now + 2 * DAY
    assert (local.hour * 60 + local.minute - of_day) % (24 * 60) <= 60


def test_quiet_hours_cross_midnight_or_do_not() -> None:
    """22:00 to 08:00 and 00:30 to 06:00 are both read; the end itself is not quiet any more."""

    def quiet(hours: Hours) -> list[str]:
        times = ("00:00", "00:29", "00:30", "05:59", "06:00", "07:59", "08:00", "21:59", "22:00", "23:59")
        return [time for time in times if is_quiet(at(f"2026-12-01 {time}"), hours)]

    assert quiet(SHANGHAI) == ["00:00", "00:29", "00:30", "05:59", "06:00", "07:59", "22:00", "23:59"]
    assert quiet(Hours(30, 360, 540, SHANGHAI.zone)) == ["00:30", "05:59"]
    assert quiet(Hours(0, 0, 540, SHANGHAI.zone)) == []


def test_clocks_that_are_put_on_or_back_do_not_confuse_the_night() -> None:
    """In Berlin the last Sunday of March has no 02:30 and that of October has it twice; the night ends all the same."""
    assert shown(next_allowed(at("2026-03-28 23:00", BERLIN), BERLIN), BERLIN) == "2026-03-29 08:00"
    assert next_allowed(at("2026-03-28 23:00", BERLIN), BERLIN) - at("2026-03-28 23:00", BERLIN) == 8 * 3600
    assert next_allowed(at("2026-10-24 23:00", BERLIN), BERLIN) - at("2026-10-24 23:00", BERLIN) == 10 * 3600
    to_half_past_two = Hours(22 * 60, 150, 540, BERLIN.zone)
    assert shown(next_allowed(at("2026-03-28 23:00", BERLIN), to_half_past_two), BERLIN) == "2026-03-29 03:30"


@pytest.mark.parametrize(
    ("ended", "when", "comes"),
    [
        ("2026-12-01 20:30", "+30", "2026-12-01 21:00"),
        ("2026-12-01 21:40", "+30", "2026-12-02 09:00"),  # in the quiet hours: the next morning
        ("2026-12-01 23:50", "+30", "2026-12-02 09:00"),
        ("2026-12-02 01:00", "+30", "2026-12-02 09:00"),
        ("2026-12-01 20:30", "21:45", "2026-12-01 21:45"),
        ("2026-12-01 21:50", "21:45", "2026-12-01 21:50"),  # it overran: at its end
        ("2026-12-01 22:10", "21:45", "2026-12-02 09:00"),
        ("2026-12-01 20:30", "09:00", "2026-12-02 09:00"),
        ("2026-12-01 20:30", "23:00", "2026-12-02 09:00"),
    ],
)
def test_what_is_due_after_a_talk_comes_at_a_decent_hour(ended: str, when: str, comes: str) -> None:
    """Minutes after the end or a time of the day, and never in the quiet hours."""
    assert shown(due(at(ended), when_of(when), SHANGHAI)) == comes


def test_times_are_read_as_people_write_them() -> None:
    """A mistake is said in words."""
    assert (minutes_of("08:05"), minutes_of("9:00")) == (485, 540)
    assert (when_of("+30"), when_of("21:45")) == (When(30), When(1305, clock=True))
    for wrong in ("24:00", "8", "30", "+x", "21.45", ""):
        with pytest.raises(ValueError, match="time"):
            when_of(wrong)


def test_an_answer_is_direct_while_the_talk_runs_and_shortly_after() -> None:
    """An expert who answers on the train, hours later, does not wake anybody; the talk itself may run late."""
    running = Session("talk", "T", starts_at=1000.0)
    over = Session("talk", "T", starts_at=1000.0, ended_at=9000.0)
    assert direct(running, 2000.0, 1000.0 + 5 * 3600)
    assert not direct(running, 2000.0, 2000.0 + 7 * 3600)  # nobody said that it is over
    assert direct(over, 2000.0, 9000.0 + SOON - 1)
    assert not direct(over, 2000.0, 9000.0 + SOON + 1)
    assert not direct(replace(running, starts_at=9e6), 2000.0, 2000.0 + 7 * 3600)  # days before it begins
    assert direct(replace(running, starts_at=9e6), 2000.0, 2000.0 + SOON - 1)
    assert direct(replace(running, starts_at=9e6), 2000.0, 9e6 - SOON + 1)  # who asked waits in the hall
    assert direct(over, 90_000.0, 90_000.0 + SOON - 1)  # asked just now, to a talk that is long over


def test_the_outbox_holds_at_night_what_answers_nobody_any_more() -> None:
    """Digests wait for the morning and stale answers for the end of the night; what is said just now does not."""
    night, evening = at("2026-12-01 23:30"), at("2026-12-01 21:00")

    def goes(key: str, since: float, now: float = night) -> str:
        return shown(held_until(Delivery(key, "talk", Address("t", "1"), "x", not_before=since), now, SHANGHAI))

    assert goes("digest:talk:t:1", night) == "2026-12-02 09:00"
    assert goes("digest:talk:t:1", evening, evening) == "2026-12-01 21:00"
    assert goes("answer:q1:t:1", night - 60) == "2026-12-01 23:30"
    assert goes("answer:q1:t:1", evening) == "2026-12-02 08:00"
    assert goes("answer:q1:t:1", at("2026-11-29 21:00")) == "2026-12-02 08:00"  # the program was down for days
    assert goes("reply:t:1", 0.0) == "2026-12-01 23:30"


def test_what_is_late_is_judged_by_when_it_was_due_at_first() -> None:
    """A retry a moment ago makes no answer of the evening a fresh one; and what is meant for the morning does not go
    with the time of the words whose place it took."""
    night = at("2026-12-01 22:40")

    def goes(due_at: float) -> str:
        one = Delivery("answer:q1:t:1", "talk", Address("t", "1"), "x", not_before=night - 60, due_at=due_at)
        return shown(held_until(one, night, SHANGHAI))

    assert goes(at("2026-12-01 21:55")) == "2026-12-02 08:00"
    assert goes(at("2026-12-02 08:00")) == "2026-12-02 08:00"
    assert goes(night - 60) == "2026-12-01 22:40"
    assert goes(night + 3) == "2026-12-01 22:40"  # corrected within the seconds in which it may be taken back
