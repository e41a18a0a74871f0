"""The Telegram connector: hears by polling or webhook what `mapper` understands; `speaker` says what is to be said."""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

from telegram import Update, User
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.connectors.commands import Command, done, receive
from bot.connectors.common import until_all_end
from bot.connectors.hooks import BUSY, FORBIDDEN
from bot.connectors.telegram.client import (
    POLL_SECONDS,
    brief,
    open_client,
    read_update,
    wait_of,
)
from bot.connectors.telegram.mapper import ALLOWED, STAFF, Press, Reader, StaffLine
from bot.connectors.telegram.speaker import BAD_TOKEN, Speaker
from bot.connectors.telegram.words import OWN, own
from bot.errors import ConnectorError, Refused, SettingsError, StoreError, TryLater
from bot.fitting import cut
from bot.model import Abilities, Cursor, Delivery, Message
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)
Result = TypeVar("Result")

API = "https://api.telegram.org/bot"
FILES = "https://api.telegram.org/file/bot"
CONFLICTS = 4
"""So many in a row mean that another program really polls, and not that our own former connection lingers."""

STALE = 6 * 86400.0
"""Seconds. After a week without updates Telegram numbers anew, and an old offset would skip what is new."""

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 (the name of a header)
OK = HookReply(200, b"{}")

ANOTHER_POLLS = (
    "Telegram: another program asks for the updates of this bot. Stop it, or give this program a bot of its own "
    "(@BotFather, /newbot)."
)


class Telegram:
    """One bot that listens for one session, by long polling or by webhook.

    `base_url` and `base_file_url` end in ".../bot", to which the token is added. In webhook mode Telegram calls
    `public_url`/in/`name` and proves itself with `secret` (1 to 256 of A-Z a-z 0-9 _ -; "" derives one from the token,
    which stays the same over restarts). `every_message`: every line
    of a group may be a question, not only what is addressed to the bot. What is said in `staff_chat` ("": there is
    none) is the staff's and no question. Raises `SettingsError`.
    """

    abilities = Abilities(
        reply=True,
        private=True,
        edit=True,
        buttons=True,
        length=4096,
        rate=30.0,
        chat_rate=1.0,
        group_rate=20 / 60,
        topics=True,
    )

    def __init__(
        self,
        name: str,
        token: str,
        session: str,
        *,
        now: Now = time.time,
        base_url: str = API,
        base_file_url: str = FILES,
        mode: Literal["polling", "webhook"] = "polling",
        public_url: str = "",
        secret: str = "",
        every_message: bool = False,
        language: str = "zh",
        staff_chat: str = "",
    ) -> None:
        _check(token, mode, public_url, secret)
        self.name = name
        self._session, self._every_message, self._language = session, every_message, language
        self._staff_chat = staff_chat
        self._mode, self._secret = mode, secret or _derived(token)
        self._hook_url = f"{public_url.rstrip('/')}/in/{name}"
        self._now = now
        self._client = open_client(token, base_url, base_file_url)
        self._bot = self._client.bot
        self._speaker = Speaker(self._client.bot, now)
        self._floor: Floor | None = None
        self._me: User | None = None
        self._heard_at = 0.0
        self._answering: set[asyncio.Task[None]] = set()
        self._conflicts = 0

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost. Raises `Refused` for a wrong token and where another program polls."""
        self._floor = floor
        self._me = me = await self._asked(self._bot.get_me)
        if self._mode == "webhook":
            await self._asked(self._set_webhook)
            floor.connected(complete=True)  # it keeps for a day what it could not deliver
            await asyncio.Event().wait()
        await self._asked(self._bot.delete_webhook)
        offset = await self._begin(floor, me)
        floor.connected(complete=True)  # it keeps for a day what nobody fetched
        while True:
            offset = await self._asked(partial(self._poll, floor, me, offset))

    async def introduce(self) -> str:
        """Which bot the token is for, and what it may see. Raises as `run` does."""
        me = await self._asked(self._bot.get_me)
        sees = (
            "it sees every message of its groups"
            if me.can_read_all_group_messages
            else ("in groups it only sees commands, mentions and replies (privacy mode)")
        )
        return f"Telegram knows the bot as @{me.username}; {sees}."

    async def hook(self, request: HookRequest) -> HookReply:
        """One update by webhook: 200 once it is stored, 503 where it is not, else Telegram calls again."""
        if self._mode != "webhook" or request.method != "POST" or not self._genuine(request.headers):
            return FORBIDDEN
        if self._floor is None or self._me is None:
            return BUSY
        try:
            raw = json.loads(request.body)
        except (ValueError, RecursionError):
            return HookReply(400, b'{"error": "no JSON", "code": "bad_input"}')
        update = read_update(raw) if isinstance(raw, dict) else None
        if update is None:
            return OK  # an error would make Telegram send the same again and again
        try:
            await self._take(self._floor, [update])
        except StoreError:
            return BUSY
        return OK

    async def send(self, delivery: Delivery) -> str:
        return await self._speaker.send(delivery)

    async def close(self) -> None:
        await until_all_end(self._answering)
        await self._client.close()

    async def _asked(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """Do it, with Telegram's errors in the program's own words."""
        try:
            return await step()
        except InvalidToken:
            raise Refused(BAD_TOKEN) from None  # the library's text quotes the token
        except RetryAfter as error:
            raise TryLater(wait_of(error)) from error
        except Conflict as error:
            self._conflicts += 1
            if self._conflicts >= CONFLICTS:
                raise Refused(ANOTHER_POLLS) from None
            raise ConnectorError("another connection asks for the updates") from error
        except TelegramError as error:
            raise ConnectorError(brief(error)) from error

    async def _set_webhook(self) -> None:
        await self._bot.set_webhook(self._hook_url, secret_token=self._secret, allowed_updates=ALLOWED)

    async def _begin(self, floor: Floor, me: User) -> int | None:
        """Where to go on; None where this bot heard nothing yet: updates are numbered for each bot."""
        offset, _, rest = (await floor.cursor(self.name) or "").partition("@")
        at, _, bot = rest.partition("@")  # cursors of earlier releases do not name the bot
        self._heard_at = float(at or 0)
        return self._unless_stale(int(offset)) if offset and bot in ("", str(me.id)) else None

    def _unless_stale(self, offset: int | None) -> int | None:
        # Without an offset Telegram starts with the oldest unconfirmed update; what we have already is known by its id.
        return offset if self._now() - self._heard_at < STALE else None

    async def _poll(self, floor: Floor, me: User, offset: int | None) -> int | None:
        """Ask once. Asking with an offset confirms all before it, so it moves only after the commit."""
        updates = await self._bot.get_updates(offset=offset, timeout=POLL_SECONDS, allowed_updates=ALLOWED)
        self._conflicts = 0
        if not updates:
            return self._unless_stale(offset)
        after = max(update.update_id for update in updates) + 1
        now = self._now()
        await self._take(floor, updates, Cursor(self.name, f"{after}@{now:.0f}@{me.id}"))
        self._heard_at = now
        return after

    async def _take(self, floor: Floor, updates: Sequence[Update], cursor: Cursor | None = None) -> None:
        """Votes first, each durable by itself and unique by person, then all the rest in one transaction."""
        if self._me is None:
            raise RuntimeError("the bot does not know itself yet")
        reading = Reader(self.name, self._session, self._me, self._every_message, self._staff_chat).read(updates)
        answers = [(press.query, await self._press(floor, press)) for press in reading.presses]
        told = [said for line in reading.staff if (said := await self._staff(floor, line))]
        heard: list[Message | Command] = [*reading.messages, *reading.commands]
        await receive(floor, heard, cursor, self._session, self._language, self.abilities, own(self._me), told)
        for query, text in answers:
            self._aside(self._answer(query, text))

    async def _staff(self, floor: Floor, line: StaffLine) -> Delivery | None:
        """What one is told who wrote in the staff's chat, or asks how a chat becomes that."""
        key = f"staffsaid:{self.name}:{line.external_id}"
        if line.command == "staff":
            told = OWN["zh" if self._language == "zh" else "en"]["staff"].format(chat=line.address.chat)
        elif line.command == "list":
            await floor.staff_list(line.person)
            return None
        else:
            told = await floor.staff_said(line.text, line.reply_to, line.person, key)
        return Delivery(key, self._session, line.address, told) if told else None

    async def _press(self, floor: Floor, press: Press) -> str:
        if press.act.startswith(STAFF):
            return await floor.staff_pressed(press.act, press.question, press.person)
        return await done(floor, self._session, press.act, press.question, press.person, self._language)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, query: str, text: str) -> None:
        """Only a courtesy: the vote counts already, and Telegram refuses an answer that comes too late or twice."""
        try:
            await self._bot.answer_callback_query(query, text=cut(text, 200) if text else None)
        except TelegramError as error:
            log.info("%s: a pressed button stays unanswered: %s", self.name, type(error).__name__)

    def _genuine(self, headers: Mapping[str, str]) -> bool:
        given = headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret.encode())


def _check(token: str, mode: str, public_url: str, secret: str) -> None:
    problems = []
    if not token:
        problems.append("Telegram: the token is missing. Get one from @BotFather (/newbot).")
    if mode not in ("polling", "webhook"):
        problems.append(f'Telegram: mode is "polling" or "webhook", not {mode!r}.')
    if mode == "webhook" and not public_url.startswith("https://") and "://127.0.0.1" not in public_url:
        problems.append("Telegram: a webhook needs a public address that begins with https://. Polling needs none.")
    if secret and not SECRET.fullmatch(secret):
        problems.append("Telegram: the webhook's secret is 1 to 256 letters, digits, _ or -.")
    if problems:
        raise SettingsError(problems)


def _derived(token: str) -> str:
    """Nobody without the token can tell it, and it tells nothing of the token."""
    return hmac.new(token.encode(), b"floormic webhook", hashlib.sha256).hexdigest()
