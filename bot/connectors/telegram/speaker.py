"""Says deliveries in Telegram, and turns its refusals into what the outbox understands."""

from collections.abc import Sequence
from unicodedata import east_asian_width

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram import Message as TelegramMessage
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.connectors.telegram.client import brief, forget_status, wait_of, was_done
from bot.connectors.telegram.mapper import place, press_data
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Button, Delivery
from bot.ports import Now

BAD_TOKEN = "Telegram: the token was refused. Copy it again from @BotFather (/mybots, API Token)."  # noqa: S105
NOTHING_TO_EDIT = ("to edit not found", "can't be edited", "message_id_invalid")
GONE = {
    "blocked by the user": "this person has blocked the bot",
    "user is deactivated": "this person's account is gone",
    "can't initiate conversation": "this person has not started a chat with the bot",
    "bot was kicked": "the bot was removed from this group. Add it again.",
    "bot is not a member": "the bot was removed from this group. Add it again.",
    "chat not found": "this chat does not exist any more",
    "group chat was deactivated": "this chat does not exist any more",
    "not enough rights": "the bot may not write in this group. Give it the right.",
    "have no rights to send": "the bot may not write in this group. Give it the right.",
    "topic_closed": "this topic is closed",
    "message thread not found": "this topic does not exist any more",
}
"""What stands in Telegram's reasons, and what it means for whoever waits."""

ROW = 36
"""Columns of letters, with their surroundings, that a row of buttons has on a phone."""

IN_A_ROW = 5
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Speaker:
    """Says and edits through one bot."""

    def __init__(self, bot: Bot, now: Now) -> None:
        self._bot, self._now = bot, now
        self._moved: dict[int, int] = {}
        self._told: dict[int, float] = {}

    async def send(self, delivery: Delivery) -> str:
        """Say or edit it; Telegram's message id, "" where it was said but the id got lost on the way.

        Raises `TryLater`, `Refused`, or `ConnectorError` (worth another try).
        """
        try:
            chat, thread = place(delivery.address.chat)
        except ValueError:
            raise Refused(f"{delivery.address.chat!r} is no Telegram chat") from None
        forget_status()
        try:
            return await self._say(delivery, chat, thread)
        except RetryAfter as error:
            raise self._later(delivery.address.chat, wait_of(error)) from None
        except (Forbidden, BadRequest) as error:
            # Telegram calls a request bad that it will never take: a deleted chat, no right to write, no such topic.
            raise Refused(f"Telegram: {_plainly(brief(error))}") from None
        except InvalidToken:
            # Worth another try: the answers wait until somebody has put the token right.
            raise ConnectorError(BAD_TOKEN) from None
        except TelegramError as error:
            if was_done():
                return delivery.sent_id
            raise ConnectorError(f"Telegram: {brief(error)}") from None

    async def _say(self, delivery: Delivery, chat: int, thread: int | None) -> str:
        chat = self._moved.get(chat, chat)
        try:
            return await self._edit_or_post(delivery, chat, thread)
        except ChatMigrated as error:
            self._moved[chat] = error.new_chat_id
            return await self._edit_or_post(delivery, error.new_chat_id, thread)

    async def _edit_or_post(self, delivery: Delivery, chat: int, thread: int | None) -> str:
        if delivery.sent_id and await self._edit(delivery, chat):
            return delivery.sent_id
        return await self._post(delivery, chat, thread)

    async def _edit(self, delivery: Delivery, chat: int) -> bool:
        """False where there is nothing left to edit."""
        try:
            await self._bot.edit_message_text(
                delivery.text,
                chat_id=chat,
                message_id=int(delivery.sent_id),
                reply_markup=keyboard(delivery.buttons),
                link_preview_options=NO_PREVIEW,
            )
        except BadRequest as error:
            trouble = str(error).lower()
            if "not modified" in trouble:
                return True
            if any(words in trouble for words in NOTHING_TO_EDIT):
                return False
            raise
        return True

    async def _post(self, delivery: Delivery, chat: int, thread: int | None) -> str:
        """Plain text always: what people wrote must never become markup."""
        forget_status()
        answered = delivery.address.message
        sent: TelegramMessage = await self._bot.send_message(
            chat,
            delivery.text,
            message_thread_id=thread,
            reply_markup=keyboard(delivery.buttons),
            link_preview_options=NO_PREVIEW,
            reply_parameters=ReplyParameters(int(answered), allow_sending_without_reply=True)
            if answered.isdecimal()
            else None,
        )
        return str(sent.message_id)

    def _later(self, chat: str, seconds: float) -> TryLater:
        """Telegram does not say whether its 429 means this chat or all of them: two chats at once mean all. Topics of a
        forum are one chat."""
        now, group = self._now(), place(chat)[0]
        self._told = {c: until for c, until in self._told.items() if until > now}
        everybody = bool(self._told.keys() - {group})
        self._told[group] = now + seconds
        return TryLater(seconds, "" if everybody else chat)


def _plainly(text: str) -> str:
    """What Telegram's reason means; the reason itself where it is none that we know."""
    return next((words for reason, words in GONE.items() if reason in text.lower()), text)


def keyboard(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """As many labels share a row as a phone shows whole. A button that Telegram would refuse is left out."""
    made = [
        InlineKeyboardButton(button.label, callback_data=data)
        for button in buttons
        if (data := press_data(button.act, button.question))
    ]
    if not made:
        return None
    rows: list[list[InlineKeyboardButton]] = []
    room = 0
    for button in made:
        width = _width(button.text) + 3
        if not rows or width > room or len(rows[-1]) == IN_A_ROW:
            rows.append([])
            room = ROW
        rows[-1].append(button)
        room -= width
    return InlineKeyboardMarkup(rows)


def _width(label: str) -> int:
    """Columns: a wide character takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in label)
