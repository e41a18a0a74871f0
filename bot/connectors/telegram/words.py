"""What only this chat has to say, beside `bot.connectors.commands`."""

from collections.abc import Mapping

from telegram import User

from bot.connectors.commands import Texts

OWN: Texts = {
    "zh": {
        "group": "群里：/ask 您的问题，或者 @{bot} 您的问题；也可以用 /ask 回复一条消息，把它当作提问。",
        "hint": "请写成：/ask 您的问题。或者用 /ask 回复一条消息，把那条消息当作提问。",
        "edits": "修改已发出的消息不会改变提问，请重新发一条。",
        "staff": '这个聊天的编号是 {chat}。要让它成为工作人员群，请在配置文件的 [telegram] 下写 staff_chat = "{chat}"，'
        "再重新启动。群里的每个人都能像主持人一样操作。",
        "privacy": "在群里我只看得到命令、@我 的消息和对我的回复（Telegram 的隐私模式）。",
    },
    "en": {
        "group": "In a group: /ask your question, or @{bot} your question; or reply to a message with /ask.",
        "hint": "Please write: /ask your question. Or reply to a message with /ask to ask that.",
        "edits": "Editing a sent message does not change the question: please send a new one.",
        "staff": 'The id of this chat is {chat}. To make it the chat of the staff, write staff_chat = "{chat}" under '
        "[telegram] in the configuration and start anew. Everybody in it may do what a moderator may.",
        "privacy": "In groups I only see commands, mentions and replies to me (Telegram's privacy mode).",
    },
}


def own(me: User) -> Texts:
    """With the name of the bot, and with Telegram's privacy mode where it is on."""
    return {language: _own(say, me) for language, say in OWN.items()}


def _own(say: Mapping[str, str], me: User) -> Mapping[str, str]:
    more = [say["edits"]] if me.can_read_all_group_messages else [say["edits"], say["privacy"]]
    return {"group": say["group"].format(bot=me.username or ""), "hint": say["hint"], "more": "\n".join(more)}
