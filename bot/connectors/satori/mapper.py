"""Satori's events to what they mean here (https://satori.chat/zh-CN/protocol/events.html). Decides; calls nothing."""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, unquote

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from bot.connectors.commands import Command, understood
from bot.connectors.common import clean, sane
from bot.connectors.satori.elements import read
from bot.model import Address, Message, Person
from bot.ports import Now

DIRECT = 1
"""The type of a channel in which two people speak."""

ONLINE = 1
LONGEST_REFERRER = 1000
"""Bytes; a longer one is left out."""

Id = Annotated[str, Field(min_length=1, max_length=200)]


class Part(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True, extra="ignore", frozen=True)


class User(Part):
    id: Id
    name: str | None = None
    nick: str | None = None
    is_bot: bool | None = None


class Member(Part):
    nick: str | None = None
    user: User | None = None


class Channel(Part):
    id: Id
    type: int = 0


class Said(Part):
    id: Id
    content: str = ""
    channel: Channel | None = None
    user: User | None = None


class Pressed(Part):
    id: str


class Login(Part):
    """An account that the server is signed in with."""

    sn: int = 0
    platform: str = ""
    user: User | None = None
    status: int = ONLINE


class Event(Part):
    """`sn` was called `id` before version 1.2; so was `login` two fields."""

    sn: Annotated[int | None, Field(ge=0, lt=2**63, validation_alias=AliasChoices("sn", "id"))] = None
    type: str
    timestamp: float = math.nan
    login: Login = Login()
    platform: str = ""
    self_id: str = ""
    channel: Channel | None = None
    user: User | None = None
    member: Member | None = None
    message: Said | None = None
    button: Pressed | None = None
    referrer: dict[str, Any] | None = None


class Press(NamedTuple):
    """Somebody pressed a button."""

    id: str
    person: Person


class Place(NamedTuple):
    """Where to say something: the account to speak with, and the channel."""

    platform: str
    account: str
    channel: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events for one session under the name of its connector. `channels`: only these, beside private ones."""

    name: str
    session: str
    now: Now
    every_message: bool = True
    channels: frozenset[str] = frozenset()

    def read(self, event: Event, logins: dict[int, Login]) -> Message | Command | Press | None:
        """None for what is no message of a person, and for what the bot itself said."""
        login = event.login if event.login.user else logins.get(event.login.sn, event.login)
        me = login.user.id if login.user else event.self_id
        place = Place(login.platform or event.platform, me, "")
        said = event.message
        user = event.user or (said.user if said else None) or (event.member.user if event.member else None)
        if user is None or user.is_bot or user.id == me:
            return None
        person = Person(self.name, f"{place.platform}:{user.id}", self._called(user, event.member))
        if event.type == "interaction/button" and event.button:
            return Press(event.button.id, person)
        if event.type != "message-created" or said is None:
            return None
        return self._message(event, said, person, place)

    def _message(self, event: Event, said: Said, person: Person, place: Place) -> Message | Command | None:
        channel = event.channel or said.channel
        private = channel is not None and channel.type == DIRECT
        if channel and self.channels and not private and channel.id not in self.channels:
            return None
        text, mentioned = read(said.content, place.account)
        where = place._replace(channel=channel.id if channel else "")
        message = Message(
            session=self.session,
            source=self.name,
            external_id=f"{where.platform}:{where.channel}:{said.id}",
            author=person.id,
            author_name=person.name,
            text=text,
            at=sane(event.timestamp / 1000, self.now()),
            address=self._address(where, said.id, person, private, event.referrer) if channel else None,
            explicit=mentioned or private,
        )
        return understood(message, self.every_message)

    def _address(
        self, where: Place, message: str, person: Person, private: bool, referrer: dict[str, Any] | None
    ) -> Address:
        chat = "/".join(quote(part, safe="") for part in where)
        return Address(self.name, chat, packed(message, referrer), person.id, private)

    def _called(self, user: User, member: Member | None) -> str:
        return clean((member.nick if member else None) or user.nick or user.name or "")[:200]


def packed(message: str, referrer: dict[str, Any] | None) -> str:
    """What is replied to. Some platforms (QQ) take a reply only with the `referrer` that came with the message."""
    id, text = quote(message, safe=""), json.dumps(referrer, separators=(",", ":"))
    return f"{id} {text}" if referrer and len(text) <= LONGEST_REFERRER else id


def unpacked(text: str) -> tuple[str, dict[str, Any] | None]:
    """The message's id and the referrer that `packed` put together."""
    id, _, rest = text.partition(" ")
    return unquote(id), json.loads(rest) if rest else None


def place_of(chat: str) -> Place | None:
    """An address's chat back to what it was made from."""
    parts = [unquote(part) for part in chat.split("/")]
    return Place(*parts) if len(parts) == 3 else None
