"""The Satori connector: hears what `mapper` understands, and says what is to be said."""

import logging
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from bot.connectors.commands import Command, press, press_id, receive
from bot.connectors.common import clean
from bot.connectors.satori.client import LOST, Client, Unable
from bot.connectors.satori.elements import button, write
from bot.connectors.satori.mapper import ONLINE, Event, Login, Reader, place_of, unpacked
from bot.errors import ConnectorError, Refused
from bot.model import Abilities, Cursor, Delivery, Message, Unit
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

MOST_LOGINS = 1000
"""Accounts that are known, the newest; no server has so many."""

RESUMES = 300.0
"""Seconds for which servers keep what a lost listener missed (Koishi's `resumeTimeout`)."""

ABILITIES = Abilities(reply=True, private=True, length=2000, unit=Unit.BYTES)
"""What every platform behind a server takes: WeChat MP allows 2,048 bytes, Discord 2,000 characters."""

NOBODY = "Satori: no account is signed in at the server. Look at its adapters: which one is offline, and why?"


class Satori:
    """Listens at one server for one session, on every platform it serves.

    `channels`: ids of the group channels to listen to, none for all. `edit`, `buttons`: the platforms can do that.
    """

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        session: str,
        *,
        now: Now = time.time,
        every_message: bool = True,
        channels: Collection[str] = (),
        edit: bool = False,
        buttons: bool = False,
        language: str = "zh",
    ) -> None:
        self.name = name
        self.abilities = Abilities(
            reply=True, private=True, edit=edit, buttons=buttons, length=ABILITIES.length, unit=ABILITIES.unit
        )
        self._session, self._now, self._language = session, now, language
        self._client = Client(url, token)
        self._reader = Reader(name, session, now, every_message, frozenset(channels))
        self._logins: dict[int, Login] = {}
        self._after: int | None = None
        self._heard_at = 0.0

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost. Raises `Refused` for a wrong token."""
        after, seen_at = _cursor(await floor.cursor(self.name))
        after = self._after if after is None else after
        self._heard_at = max(self._heard_at, seen_at)
        async with self._client.listening(after) as (ready, events):
            self._logins = _logins(ready)
            resumed = after is not None and self._now() - self._heard_at < RESUMES
            floor.connected(complete=resumed)
            self._look_at_logins(floor)
            async for raw in events:
                self._heard_at = self._now()
                await self._take(floor, raw)
        raise ConnectorError(LOST)

    async def introduce(self) -> str:
        """Which accounts the server has. Raises as `run` does."""
        async with self._client.listening(None) as (ready, _):
            logins = [login for login in _logins(ready).values() if login.status == ONLINE]
        if not logins:
            return "The Satori server lets us in, but no account is signed in there yet."
        users = [(login.user, login.platform) for login in logins if login.user]
        names = ", ".join(clean(f"{user.name or user.id} ({platform})") for user, platform in users)
        return f"The Satori server lets us in; signed in there: {names}."

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def send(self, delivery: Delivery) -> str:
        """Say or edit it; the platform's id of the message, "" where it tells none."""
        place = place_of(delivery.address.chat)
        if place is None:
            raise Refused("this is no address of a Satori chat")
        account, body = (place.platform, place.account), {"channel_id": place.channel}
        buttons = "".join(button(press_id(one), one.label) for one in delivery.buttons if self.abilities.buttons)
        if delivery.sent_id and self.abilities.edit:
            change = body | {"message_id": delivery.sent_id, "content": write(delivery.text) + buttons}
            with suppress(Unable):  # the message is gone, or the platform cannot edit: say it anew
                await self._client.call("message.update", account, change)
                return delivery.sent_id
        quoted, referrer = unpacked(delivery.address.message)
        content = {"content": write(delivery.text, quoted) + buttons}
        try:
            answer = await self._client.call(
                "message.create", account, body | content | ({"referrer": referrer} if referrer else {})
            )
        except Unable as error:
            raise Refused(str(error)) from None
        return _sent_id(answer)

    async def close(self) -> None:
        await self._client.close()

    async def _take(self, floor: Floor, raw: Any) -> None:
        """One event; what cannot be read is skipped."""
        try:
            event = Event.model_validate(raw)
            found = self._reader.read(event, self._logins)
        except (ValidationError, RecursionError, ValueError) as error:
            log.warning("%s: skipped an event that cannot be read (%s)", self.name, type(error).__name__)
            return
        if event.type.startswith("login-"):
            gone = event.type == "login-removed"
            self._logins.pop(event.login.sn, None)
            if not gone:
                self._logins[event.login.sn] = event.login
            if len(self._logins) > MOST_LOGINS:
                del self._logins[next(iter(self._logins))]
            self._look_at_logins(floor)
            return
        if self._after is None and event.sn:
            self._after = event.sn - 1  # what is asked for again where the very first one cannot be stored
        if isinstance(found, Message | Command):
            # The last one, not the highest: a server that began anew counts from the start.
            cursor = None if event.sn is None else Cursor(self.name, f"{event.sn}@{self._now():.0f}")
            await receive(floor, [found], cursor, self._session, self._language, self.abilities)
        elif found:
            # There is no way to tell one person alone, so nothing is said.
            await press(floor, self._session, found.id, found.person, self._language)

    def _look_at_logins(self, floor: Floor) -> None:
        if not any(login.status == ONLINE for login in self._logins.values()):
            floor.notice(NOBODY)


def _cursor(value: str | None) -> tuple[int | None, float]:
    """The number of the last event, and when it came."""
    number, _, at = (value or "").partition("@")
    return (int(number), float(at or 0)) if number else (None, 0.0)


def _logins(ready: dict[str, Any]) -> dict[int, Login]:
    found: dict[int, Login] = {}
    raws = ready.get("logins")
    for raw in raws if isinstance(raws, list) else []:
        try:
            login = Login.model_validate(raw)
        except ValidationError:
            continue
        # Before version 1.2 logins had no number of their own.
        found[login.sn or -1 - len(found)] = login
    return found


def _sent_id(answer: Any) -> str:
    """A long message may have been sent as several; the first is the one to edit."""
    first = answer[0] if isinstance(answer, list) and answer else answer
    return str(first.get("id") or "") if isinstance(first, dict) else ""
