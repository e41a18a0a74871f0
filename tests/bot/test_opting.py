"""Saying in a chat that one wants to hear nothing that comes by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.opting import said


@pytest.mark.parametrize(
    "text", ["退订", "退訂", " 退订。", "“退订”", "取消订阅", "stop", "STOP", "Stop!", "/stop", "unsubscribe"]
)
def test_a_word_says_that_somebody_wants_to_hear_nothing(text: str) -> None:
    """Either script, either language, as it is quoted or as a command."""
    assert said(text) is False


@pytest.mark.parametrize("text", ["订阅", "訂閱", "恢复订阅", "start", "/start", "subscribe"])
def test_a_word_says_that_somebody_wants_to_hear_it_again(text: str) -> None:
    """The same for the way back."""
    assert said(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "怎么退订这个服务？",
        "please stop",
        "stop?",
        "stop the world",
        "退订退订",
        "how do I start",
        "/stopwatch",
        "",
        "。",
    ],
)
def test_a_message_about_something_else_is_none(text: str) -> None:
    """Nothing but the word: a question must never be swallowed."""
    assert said(text) is None


@given(st.text(max_size=30))
def test_any_text_is_read(text: str) -> None:
    """Without a fault."""
    assert said(text) in (True, False, None)
