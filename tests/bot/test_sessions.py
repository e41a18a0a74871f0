"""Whose word about a session counts."""

from dataclasses import fields, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.errors import BadInput, Conflict
from bot.model import Mode, Session, Setting
from bot.sessions import SETTINGS, id_for, newest, next_evening, taken_back, to_set, with_settings
from bot.settings import SessionSettings

SAID = Session("talk", "A talk", speaker="Ann", review=True, answers=Mode.SUGGEST)


def test_what_a_page_changed_stays_until_the_file_says_something_new() -> None:
    """Field by field: the file's word counts where it is another one than last time, else what stands."""
    stands = replace(SAID, title="From the page", answers=Mode.OFF, ended_at=9.0)
    assert newest(stands, SAID, SAID) == stands
    says = replace(SAID, speaker="Bo", answers=Mode.AUTO)
    assert newest(stands, SAID, says) == replace(stands, speaker="Bo", answers=Mode.AUTO)


def test_a_file_that_takes_its_word_back_is_followed() -> None:
    """A line that is deleted from the file is a new word too: the default counts again."""
    assert newest(SAID, SAID, replace(SAID, review=False)).review is False


def test_a_session_of_the_pages_that_a_file_names_takes_only_what_the_file_says() -> None:
    """What the file leaves at its default was not said."""
    made = Session("talk", "Made here", series="autumn", review=True)
    assert newest(made, None, Session("talk", "From the file", language="en")) == replace(
        made, title="From the file", language="en"
    )


def test_a_change_names_only_what_differs_and_goes_back() -> None:
    """Set, taken back, and refused where somebody set the same field meanwhile."""
    settings = to_set(SAID, {"title": "Another", "review": True, "answers": Mode.AUTO, "starts_at": 5.0})
    assert settings == (
        Setting("title", "A talk", "Another"),
        Setting("answers", "suggest", "auto"),
        Setting("starts_at", None, 5.0),
    )
    after = with_settings(SAID, settings)
    assert after == replace(SAID, title="Another", answers=Mode.AUTO, starts_at=5.0)
    assert with_settings(after, taken_back(settings)) == SAID
    with pytest.raises(Conflict, match="title"):
        with_settings(replace(after, title="A third"), taken_back(settings))


def test_there_is_no_setting_of_another_name() -> None:
    """The id cannot be set, nor what is none of a session's fields."""
    for name in ("id", "grouping_mode"):
        with pytest.raises(BadInput, match=name):
            to_set(SAID, {name: "x"})


def test_every_field_of_the_file_is_a_setting() -> None:
    """Whatever the configuration may say of a session, a page may change, and the other way round but for its end."""
    assert set(SessionSettings.model_fields) - {"id"} == SETTINGS - {"ended_at"}
    assert {field.name for field in fields(Session)} == SETTINGS | {"id"}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Shanghai"])
@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-10-20 20:00", "2026-10-27 19:30"),
        ("2026-10-27 19:00", "2026-10-27 19:30"),
        ("2026-10-27 20:00", "2026-11-03 19:30"),
    ],
)
def test_the_next_evening_begins_at_the_same_time_of_the_day(zone: str, now: str, begins: str) -> None:
    """What the clocks there show counts, also where they were put back meanwhile (25 October 2026)."""

    def there(said: str) -> float:
        return datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(zone)).timestamp()

    last = replace(SAID, starts_at=there("2026-10-20 19:30"), ended_at=1.0)
    evening = next_evening(last, there(now), ZoneInfo(zone))
    assert (evening.starts_at, evening.ended_at) == (there(begins), None)


def test_the_day_in_an_address_is_the_one_of_the_zone() -> None:
    """Half past midnight in Shanghai is the evening before in Berlin."""
    at = datetime(2026, 10, 21, 0, 30, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    days = [id_for("秋季讲座", at, (), ZoneInfo(zone)) for zone in ("Asia/Shanghai", "Europe/Berlin")]
    assert days == ["2026-10-21", "2026-10-20"]
