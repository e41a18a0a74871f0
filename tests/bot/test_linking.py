"""Saying in a chat who one is on the web page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.linking import new_code, said_code, shown


@pytest.mark.parametrize(
    "text",
    ["link K7Q2-9MXT", "/link k7q29mxt", "绑定 K7Q2-9MXT", "绑定：K7Q29MXT", " bind K7Q2 9MXT ", "綁定K7Q2-9MXT"],
)
def test_a_code_is_read_however_it_is_typed(text: str) -> None:
    """Either word, either script, with or without the dash."""
    assert said_code(text) == "K7Q29MXT"


@pytest.mark.parametrize("text", ["这个链接 K7Q2-9MXT 打不开", "link", "the link is broken", "绑定手机号", "K7Q2-9MXT"])
def test_a_message_about_something_else_is_none(text: str) -> None:
    """Nothing but word and code."""
    assert said_code(text) is None


@given(st.text(max_size=30))
def test_any_text_is_read(text: str) -> None:
    """A code of eight or none."""
    assert len(said_code(text) or "12345678") == 8


def test_a_new_code_is_read_as_it_is_shown() -> None:
    """What the page shows is what a chat understands."""
    code = new_code()
    assert said_code(f"link {shown(code)}") == code
