"""Texts that are too long for a chat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fitting import cut, fit, measure
from bot.model import Abilities, Unit

PAGE = "https://floor.example.org/s/talk"


@given(st.text(), st.integers(min_value=4, max_value=60), st.sampled_from(Unit))
def test_cutting_keeps_the_limit_and_the_beginning(text: str, limit: int, unit: Unit) -> None:
    """Whatever is cut is short enough as the chat counts, is a beginning of the text, and breaks no character."""
    short = cut(text, limit, unit)
    assert measure(short, unit) <= limit
    if measure(text, unit) <= limit:
        assert short == text
    else:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


def test_cutting_prefers_the_end_of_a_sentence() -> None:
    """A long answer ends with a whole sentence."""
    assert cut("One sentence. Another one. And a third that is too long.", 30) == "One sentence. Another one.…"


@pytest.mark.parametrize(("unit", "wide"), [(Unit.UTF16, 2), (Unit.BYTES, 4), (Unit.CHARACTERS, 1)])
def test_each_chat_counts_in_its_own_unit(unit: Unit, wide: int) -> None:
    """The same emoji is as wide as the chat counts it."""
    assert measure("😀", unit) == wide


def test_a_text_that_is_cut_says_where_the_rest_is() -> None:
    """The page follows on a line of its own and counts too; what fits is left alone."""
    chat = Abilities(length=100, unit=Unit.BYTES)
    said = fit("第一句话。" * 20, chat, PAGE)
    assert said.endswith(f"第一句话。…\n{PAGE}")
    assert measure(said, Unit.BYTES) <= 100
    assert fit("短。", chat, PAGE) == "短。"
    assert "http" not in fit("第一句话。" * 20, Abilities(length=40, unit=Unit.BYTES), PAGE)
