"""What WeCom's callbacks mean here: messages, commands, pressed buttons. Decides; calls nothing.

The bodies are the same over the WebSocket and by callback (documents 100719 and 101027). In groups only what mentions
the bot arrives, so all of it is meant to be asked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.connectors.commands import Command, read
from bot.connectors.common import clean
from bot.connectors.wecom.cards import ACTS, PRESS
from bot.connectors.wecom.frames import Json, identifier
from bot.model import Address, Message, Person
from bot.ports import Now

LONGEST_TEXT = 10_000
"""Characters; WeCom itself lets nobody write as much."""

MOST_PARTS = 100
A_DAY = 86400.0

MENTION = re.compile(r"@\S+(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button of the card `task`; `key` is that of the button. `chosen` are the choices that were ticked."""

    act: str
    question: str
    person: Person
    task: str
    key: str
    group: bool
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody opened the chat with the bot for the first time today, and may be greeted within 5 s."""


@dataclass(frozen=True, slots=True)
class ThrownOut:
    """A newer connection of the same bot has taken the place of ours."""


Happening = Message | Command | Press | Entered | ThrownOut


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one bot that listens for one session under the name of its connector. `bot_name`: what it is called in
    WeCom ("": not known, then a first mention in a group is taken for its name)."""

    name: str
    session: str
    now: Now
    bot_name: str = ""

    def read(self, body: Json) -> Happening | None:
        """None for what concerns nobody here: pictures, files, likes, and what is not understood."""
        if body.get("msgtype") == "event":
            return self._event(body)
        return self._said(body)

    def _event(self, body: Json) -> Happening | None:
        event = _object(body, "event")
        match event.get("eventtype"):
            case "enter_chat":
                return Entered()
            case "disconnected_event":
                return ThrownOut()
            case "template_card_event":
                return self._press(body, event)
        return None

    def _press(self, body: Json, event: Json) -> Press | None:
        # The document nests what was pressed, the official SDK declares it beside the type: both are taken.
        pressed = _object(event, "template_card_event") or event
        key, task = pressed.get("event_key"), identifier(pressed.get("task_id"))
        meant = PRESS.fullmatch(clean(key)) if isinstance(key, str) else None
        person = self._person(body)
        if meant is None or person is None or not task:
            return None
        group = body.get("chattype") == "group"
        return Press(ACTS[meant[1]], meant[2], person, task, meant[0], group, _ticked(pressed, meant[0]))

    def _said(self, body: Json) -> Message | Command | None:
        external_id, person = identifier(body.get("msgid")), self._person(body)
        address = self._address(body, external_id, person)
        if (
            not external_id
            or person is None
            or address is None
            or body.get("msgtype") not in ("text", "mixed", "voice")
        ):
            return None
        said = read(self._unaddressed(text_of(body), address), addressed=True)
        text, command = said.text, said.command
        if not text and command in ("", "hint"):
            # Who quotes a message and says no more wants to know that too.
            text, command = text_of(_object(body, "quote")).strip(), command or "help"
        if not text:
            return Command(command, external_id, address, person)
        return Message(
            session=self.session,
            source=self.name,
            external_id=external_id,
            author=person.id,
            author_name="",  # WeCom gives only the account's id
            text=text[:LONGEST_TEXT],
            at=self._at(body),
            address=address,
            explicit=True,
        )

    def _person(self, body: Json) -> Person | None:
        id = identifier(_object(body, "from").get("userid"))
        return Person(self.name, id) if id else None

    def _address(self, body: Json, message: str, person: Person | None) -> Address | None:
        if person is None:
            return None
        if body.get("chattype") != "group":
            return Address(self.name, f"single:{person.id}", message, person.id)
        group = identifier(body.get("chatid"))
        return Address(self.name, f"group:{group}", message, person.id, private=False) if group else None

    def _unaddressed(self, text: str, address: Address) -> str:
        """The text without the mention of the bot, which WeCom leaves in it in groups."""
        if address.private:
            return text
        if self.bot_name:
            return text.replace(f"@{self.bot_name}", " ")
        return MENTION.sub("", text.lstrip(), count=1) if text.lstrip().startswith("@") else text

    def _at(self, body: Json) -> float:
        at, now = body.get("create_time"), self.now()
        sane = isinstance(at, int | float) and now - A_DAY < at <= now
        return float(at) if sane and at is not None else now


def destination(chat: str) -> tuple[str, int]:
    """An address's chat back to WeCom's id and kind of chat (1 single, 2 group). Raises `ValueError`."""
    kind, _, id = chat.partition(":")
    if kind not in ("single", "group") or not id:
        raise ValueError("no WeCom chat")
    return id, 1 if kind == "single" else 2


def text_of(body: Json) -> str:
    """What was written or, in a voice message, understood; "" where there is nothing to read."""
    return clean(" ".join(_texts(body)))


def _texts(body: Json) -> Iterator[str]:
    items: Any = [body]
    if body.get("msgtype") == "mixed":
        items = _object(body, "mixed").get("msg_item")
    for item in items[:MOST_PARTS] if isinstance(items, list) else ():
        kind = item.get("msgtype") if isinstance(item, dict) else None
        if kind in ("text", "voice") and isinstance(content := _object(item, kind).get("content"), str):
            yield content


def _object(body: Json, key: str) -> Json:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _ticked(pressed: Json, question: str) -> tuple[str, ...]:
    """What of a poll's card was ticked (document 101027: `selected_items`)."""
    items = _object(pressed, "selected_items").get("selected_item")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("question_key") == question:
            ids = _object(item, "option_ids").get("option_id")
            return tuple(id for id in ids if isinstance(id, str)) if isinstance(ids, list) else ()
    return ()
