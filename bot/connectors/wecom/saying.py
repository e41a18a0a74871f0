"""A delivery as WeCom takes it, and what its refusals mean."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.connectors.commands import words
from bot.connectors.wecom.cards import TEXT, Card, VoteCard, tickable, usable
from bot.connectors.wecom.client import Denied
from bot.connectors.wecom.frames import Json
from bot.connectors.wecom.markup import LONGEST, fitted
from bot.connectors.wecom.words import OWN, card_title
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Abilities, Delivery, Unit

Kept = TypeVar("Kept")

PER_MINUTE, PER_HOUR = 30, 1000
"""What one conversation may be told, replies and pushes together (document 101463)."""

ABILITIES = Abilities(
    reply=True,
    private=True,
    buttons=True,
    length=LONGEST,
    unit=Unit.BYTES,
    chat_rate=PER_MINUTE / 60,
    group_rate=PER_MINUTE / 60,
    hourly=PER_HOUR,
    together=True,
)

QUOTA = 45009
QUOTA_WAIT = 60.0
MOST_REMEMBERED = 2000

REFUSALS = {
    93001: "WeCom: nobody there has written to the bot yet, and it may not speak first. Write to it once in that chat.",
    93006: "WeCom: this chat does not exist any more.",
    93008: "WeCom: the bot is not in this group any more. Add it to the group again.",
}
CARD_FAULTS = range(42010, 42100)
"""Errors that name a part of a template card (document 96213)."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A delivery's text as markdown and its buttons as a card: what is said has one of them or both."""

    stream: str
    text: str = ""
    card: Card | VoteCard | None = None

    def reply(self) -> Json:
        """One message that answers one (documents 101031 and 101463)."""
        stream = {"stream": {"id": self.stream, "finish": True, "content": self.text}}
        if self.card is None:
            return {"msgtype": "stream", **stream}
        card = {"template_card": self.card.body()}
        if not self.text:
            return {"msgtype": "template_card", **card}
        return {"msgtype": "stream_with_template_card", **stream, **card}

    def messages(self) -> list[Json]:
        """Pushed, a text and a card are two messages."""
        text = [{"msgtype": "markdown", "markdown": {"content": self.text}}] if self.text else []
        card = [{"msgtype": "template_card", "template_card": self.card.body()}] if self.card else []
        return [*text, *card]


def saying(delivery: Delivery, language: str) -> Saying:
    """A short text with buttons fits into their card."""
    # The same for every try, so that what is tried again takes the place of what had arrived after all.
    stream = hashlib.sha256(delivery.key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    buttons = usable(delivery.buttons)
    if delivery.poll and delivery.buttons and tickable(delivery.poll):
        return Saying(stream, fitted(delivery.text), VoteCard.new(delivery.poll, words(language, OWN)["submit"]))
    if not buttons:
        return Saying(stream, fitted(delivery.text))
    title = card_title(buttons, language)
    if len(delivery.text) <= TEXT:
        return Saying(stream, card=Card.new(title, delivery.text, buttons))
    return Saying(stream, fitted(delivery.text), Card.new(title, "", buttons))


def meaning(error: Denied, chat: str, quota_wait: float) -> ConnectorError:
    """What the outbox is to make of it. WeCom says of a quota only that it is used up, not for how long."""
    if error.code == QUOTA:
        return TryLater(quota_wait, chat)
    if error.code in REFUSALS:
        return Refused(REFUSALS[error.code])
    return error


class Remembered(Generic[Kept]):
    """The newest of something, by name."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, name: str, what: Kept) -> None:
        self._kept[name] = what
        self._kept.move_to_end(name)
        if len(self._kept) > MOST_REMEMBERED:
            self._kept.popitem(last=False)

    def get(self, name: str) -> Kept | None:
        return self._kept.get(name)

    def newest(self) -> list[tuple[str, Kept]]:
        return list(reversed(self._kept.items()))

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)

    def clear(self) -> None:
        self._kept.clear()
