"""Telegram's updates to what they mean here: messages, commands, pressed buttons. Decides; calls nothing.

Edited messages are left out on purpose: the first wording was counted and perhaps answered already, and an edit that
changed a question under the people who voted for it would cheat them. Who means something else sends a new message.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telegram import CallbackQuery, Chat, MessageEntity, Update, User
from telegram import Message as TelegramMessage

from bot.connectors.commands import Command, read, understood
from bot.connectors.common import clean
from bot.model import Address, Message, Person

log = logging.getLogger(__name__)

ALLOWED = ("message", "callback_query")
"""What Telegram is asked to send."""

COMMAND = re.compile(r"/([a-z0-9_]{1,64})(?:@([a-z0-9_]+))?\s*(.*)", re.DOTALL | re.IGNORECASE | re.ASCII)
"""ASCII, so that "/ask什么是…" without a space is understood too."""

PRESS = re.compile(r"([vnp]):(.{1,62})", re.DOTALL)
ACTS = {"v": "vote", "n": "not_answered", "p": "poll"}
CODES = {act: code for code, act in ACTS.items()}
STAFF = "staff_"
"""The acts that begin with it belong to the staff's chat."""

STAFF_PRESS = re.compile(r"s:([a-z]{1,12}):(.{1,48})", re.DOTALL)
STAFF_COMMANDS = {
    "staff": "staff",
    "questions": "list",
    "list": "list",
    "board": "list",
    "start": "list",
    "help": "list",
}
DATA_BYTES = 64


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button; `question` is what it names. `query` is what Telegram wants answered."""

    act: str
    question: str
    person: Person
    query: str


@dataclass(frozen=True, slots=True)
class StaffLine:
    """Somebody wrote in the staff's chat (`reply_to`: the id of our message there that it replies to), or wants to
    know how a chat becomes that (`command` "staff"), or to see the queue ("list")."""

    text: str
    command: str
    reply_to: str
    person: Person
    external_id: str
    address: Address


@dataclass(frozen=True, slots=True)
class Reading:
    """What a batch of updates means."""

    messages: tuple[Message, ...] = ()
    commands: tuple[Command, ...] = ()
    presses: tuple[Press, ...] = ()
    staff: tuple[StaffLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads updates for one bot (`me`) that listens for one session under the name of its connector. `staff_chat`: the
    address of the chat whose members are the staff, "" for none."""

    name: str
    session: str
    me: User
    every_message: bool = False
    staff_chat: str = ""

    def read(self, updates: Iterable[Update]) -> Reading:
        found = [one for update in updates if (one := self._whole(update))]
        return Reading(
            tuple(f for f in found if isinstance(f, Message)),
            tuple(f for f in found if isinstance(f, Command)),
            tuple(f for f in found if isinstance(f, Press)),
            tuple(f for f in found if isinstance(f, StaffLine)),
        )

    def _whole(self, update: Update) -> Message | Command | Press | StaffLine | None:
        """None for one that lacks what Telegram promises and the library does not check, such as its chat: it must not
        hold up all later ones."""
        try:
            return self._one(update)
        except AttributeError:
            log.warning("skipped update %d, which is not whole", update.update_id)
            return None

    def _one(self, update: Update) -> Message | Command | Press | StaffLine | None:
        if update.callback_query:
            return self._press(update.callback_query)
        if update.message and (person := self._person(update.message)):
            return self._said(update.message, person)
        return None

    def _person(self, message: TelegramMessage) -> Person | None:
        """Who speaks; None for bots, for ourselves and for posts that Telegram copies from a channel.

        Anonymous admins and people who speak as a channel come with a stand-in user: there the chat they speak as
        is the person.
        """
        if message.is_automatic_forward:
            return None
        if message.sender_chat:
            return Person(self.name, str(message.sender_chat.id), clean(message.sender_chat.title or ""))
        user = message.from_user
        return None if user is None or user.is_bot else self._user(user)

    def _user(self, user: User) -> Person:
        return Person(self.name, str(user.id), clean(user.full_name))

    def _said(self, message: TelegramMessage, person: Person) -> Message | Command | StaffLine | None:
        text = text_of(message)
        if not text.strip():
            return None
        command = COMMAND.match(text)
        name = STAFF_COMMANDS.get(command[1].lower(), "") if command else ""
        if name == "staff" or self._is_staff(message.chat.id):
            other = message.reply_to_message
            reply_to = str(other.message_id) if other and self._replies_to_me(message) else ""
            return StaffLine(text, name, reply_to, person, self._external_id(message), self._address(message, person))
        private = message.chat.type == Chat.PRIVATE
        if command:
            return self._command(message, person, command, private)
        without = self._unaddressed(message, text)
        if without is not None:
            return understood(self._message(message, person, without, explicit=True))
        if private:
            return understood(self._message(message, person, text, explicit=True))
        # A reply to the bot may as well be a "thank you", so it is judged like any line of the chat.
        return understood(self._message(message, person, text), self.every_message or self._replies_to_me(message))

    def _command(
        self, message: TelegramMessage, person: Person, command: re.Match[str], private: bool
    ) -> Message | Command | None:
        what, bot, rest = command[1], command[2], command[3].strip()
        if bot and bot.lower() != (self.me.username or "").lower():
            return None
        said = read(f"/{what} {rest}", addressed=private or bool(bot))
        # Who points at a message with a bare /ask wants to know that too.
        text = said.text or (self._pointed_at(message) if said.command == "hint" else "")
        if text:
            # Without being addressed, only a command that is ours is for us.
            return self._message(message, person, text, explicit=True) if said.explicit or said.command else None
        return Command(said.command, self._external_id(message), self._address(message, person), person)

    def _pointed_at(self, message: TelegramMessage) -> str:
        """The text of the message that this one replies to."""
        other = message.reply_to_message
        if other is None or other.from_user is None or (other.from_user.is_bot and not other.sender_chat):
            return ""
        return text_of(other).strip()

    def _unaddressed(self, message: TelegramMessage, text: str) -> str | None:
        """The text without the mentions of the bot; None where it is not mentioned."""
        mentions = [e for e in message.entities or message.caption_entities if self._means_me(e, text)]
        return without(text, mentions).strip() if mentions else None

    def _means_me(self, entity: MessageEntity, text: str) -> bool:
        if entity.type == MessageEntity.TEXT_MENTION:
            return entity.user is not None and entity.user.id == self.me.id
        if entity.type != MessageEntity.MENTION:
            return False
        return part(text, entity).lower() == f"@{self.me.username or ''}".lower()

    def _replies_to_me(self, message: TelegramMessage) -> bool:
        other = message.reply_to_message
        return other is not None and other.from_user is not None and other.from_user.id == self.me.id

    def _message(self, message: TelegramMessage, person: Person, text: str, explicit: bool = False) -> Message:
        return Message(
            session=self.session,
            source=self.name,
            external_id=self._external_id(message),
            author=person.id,
            author_name=person.name,
            text=text,
            at=message.date.timestamp(),
            address=self._address(message, person),
            explicit=explicit,
        )

    def _external_id(self, message: TelegramMessage) -> str:
        """Telegram counts messages in each chat anew, and but for supergroups for each bot that is there."""
        counted_for = "" if message.chat.type == Chat.SUPERGROUP else f":{self.me.id}"
        return f"{message.chat.id}:{message.message_id}{counted_for}"

    def _address(self, message: TelegramMessage, person: Person) -> Address:
        # Outside forums a thread id only names the message that a chain of replies began with; sending to it fails.
        thread = f"/{message.message_thread_id}" if message.is_topic_message and message.message_thread_id else ""
        private = message.chat.type == Chat.PRIVATE
        return Address(self.name, f"{message.chat.id}{thread}", str(message.message_id), person.id, private)

    def _is_staff(self, chat: int) -> bool:
        return bool(self.staff_chat) and str(chat) == self.staff_chat.partition("/")[0]

    def _press(self, query: CallbackQuery) -> Press | None:
        if staff := STAFF_PRESS.fullmatch(query.data or ""):
            # A changed client can send any data; the chat of the message is Telegram's own word.
            there = query.message is not None and self._is_staff(query.message.chat.id)
            known = there and not query.from_user.is_bot
            return Press(STAFF + staff[1], staff[2], self._user(query.from_user), query.id) if known else None
        pressed = PRESS.fullmatch(query.data or "")
        if pressed is None or query.from_user.is_bot:
            return None
        return Press(ACTS[pressed[1]], pressed[2], self._user(query.from_user), query.id)


def place(chat: str) -> tuple[int, int | None]:
    """An address's chat back to Telegram's chat id and thread id. Raises `ValueError`."""
    number, _, thread = chat.partition("/")
    return int(number), int(thread) if thread else None


def press_data(act: str, question: str) -> str | None:
    """What a button carries; None where Telegram would not take it."""
    code = f"s:{act.removeprefix(STAFF)}" if act.startswith(STAFF) else CODES.get(act, "")
    data = f"{code}:{question}" if code else ""
    return data if 0 < len(data.encode()) <= DATA_BYTES else None


def text_of(message: TelegramMessage) -> str:
    return clean(message.text or message.caption or "")


def part(text: str, entity: MessageEntity) -> str:
    """What an entity covers; Telegram counts UTF-16 units."""
    return _units(text)[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")


def without(text: str, entities: Sequence[MessageEntity]) -> str:
    """The text less what the entities cover."""
    rest = _units(text)
    for entity in sorted(entities, key=lambda e: -e.offset):
        rest = rest[: 2 * entity.offset] + rest[2 * (entity.offset + entity.length) :]
    return rest.decode("utf-16-le", "replace")


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")
