"""The rules of polls: what may be one, what counts as a vote, and what is said about them. Decides; calls nothing."""

from bot.polling.announcing import BUTTON, announcement, asking, poll_buttons, result, unsaid
from bot.polling.rules import (
    FREE,
    asks_alike,
    checked,
    checked_choices,
    choices,
    key,
    marks,
    pressed,
    results_visible,
)
from bot.polling.typed import typed_mood, typed_vote

__all__ = [
    "BUTTON",
    "FREE",
    "announcement",
    "asking",
    "asks_alike",
    "checked",
    "checked_choices",
    "choices",
    "key",
    "marks",
    "poll_buttons",
    "pressed",
    "result",
    "results_visible",
    "typed_mood",
    "typed_vote",
    "unsaid",
]
