"""Whose word about a session counts."""

from dataclasses import fields, replace

import pytest

from bot.errors import BadInput, Conflict
from bot.model import Mode, Session, Setting
from bot.sessions import SETTINGS, newest, taken_back, to_set, with_settings
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
