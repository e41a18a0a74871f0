"""What only this chat has to say, beside `bot.connectors.commands`: of quoting, and on its cards."""

from collections.abc import Sequence

from bot.connectors.commands import Texts, words
from bot.model import Button

OWN: Texts = {
    "zh": {
        "group": "群里：@我，然后写问题；也可以引用一条消息再 @我，把那条消息当作提问。",
        "how": "",
        "hint": "请写成：提问 您的问题。也可以引用一条消息再 @我，把那条消息当作提问。",
        "card_vote": "您也想知道吗？",
        "card_votes": "您也想知道哪一个？",
        "card_not_answered": "没有回答您的问题？",
        "submit": "提交",
        "submitted": "已记下，可再改",
        "too_many": "选得太多了",
        "over": "投票已结束",
        "vote": "已计入，共 {people} 人",
        "not_answered": "已转给讲者",
        "gone": "已不在队列里",
    },
    "en": {
        "group": "In a group: mention me and write your question; or quote a message and mention me to ask that.",
        "how": "",
        "hint": "Please write: /ask your question. Or quote a message and mention me to ask that.",
        "card_vote": "Want to know too?",
        "card_votes": "Which do you want to know?",
        "card_not_answered": "Not answered?",
        "submit": "Vote",
        "submitted": "Counted",
        "too_many": "Too many",
        "over": "Closed",
        "vote": "Counted: {people}",
        "not_answered": "Goes to the speaker",
        "gone": "No longer in the queue",
    },
}
"""What is told of a pressed button stands on the button, so it is short."""


def card_title(buttons: Sequence[Button], language: str) -> str:
    say = words(language, OWN)
    if len(buttons) > 1:
        return say["card_votes"]
    return say["card_vote" if buttons[0].act == "vote" else "card_not_answered"]
