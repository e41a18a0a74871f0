"""The rules of surveys: what may be one, when it opens, closes and reminds, what chats are told, and what it brought.

An item of a survey is asked and answered as a poll is (`bot.polling`). Decides; calls nothing.
"""

from bot.surveying.announcing import invitation, next_item, reminder, thanks
from bot.surveying.form import (
    LONGEST_ANSWER,
    asked,
    checked,
    default,
    edited,
    first_asked,
    is_item,
    like,
    lost,
    next_open,
    opened,
    tag,
)
from bot.surveying.results import Earlier, Evening, Feedback, Group, Item, Rating, Trend, feedback, rating
from bot.surveying.times import closes, opens, reminder_due

__all__ = [
    "LONGEST_ANSWER",
    "Earlier",
    "Evening",
    "Feedback",
    "Group",
    "Item",
    "Rating",
    "Trend",
    "asked",
    "checked",
    "closes",
    "default",
    "edited",
    "feedback",
    "first_asked",
    "invitation",
    "is_item",
    "like",
    "lost",
    "next_item",
    "next_open",
    "opened",
    "opens",
    "rating",
    "reminder",
    "reminder_due",
    "tag",
    "thanks",
]
