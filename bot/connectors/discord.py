"""Discord through discord.py: its gateway tells what is said, its REST client says answers.

The gateway knows no acknowledgement: what arrived waits in `_arrived` until it is stored, over lost connections as
well. After a short break the library resumes and Discord repeats what was missed; a new session begins without it.
"""

import asyncio
import hashlib
import logging
import re
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
from pydantic import Field, SecretStr, StrictBool

from bot.connectors.commands import Command, press, press_id, receive, understood
from bot.connectors.common import clean, load, sane, until_one_ends
from bot.errors import ConnectorError, Refused, TryLater
from bot.fitting import fit_marked
from bot.kinds import Kind, Surroundings
from bot.model import Abilities, Address, Delivery, Message, Person
from bot.options import SocketUrl, SourceOptions, Url, secret
from bot.ports import Floor, HookReply, HookRequest, Now

if TYPE_CHECKING:
    import discord

log = logging.getLogger(__name__)

ABILITIES = Abilities(
    reply=True,
    private=True,
    once=True,
    edit=True,
    buttons=True,
    length=2000,
    rate=40.0,
    chat_rate=1.0,
    group_rate=0.8,
    together=True,
)
"""Discord allows 50 requests a second, and 5 messages in 5 seconds in a channel."""

MENTION = re.compile(r"<@!?([0-9]{1,20})>")
# In an address Discord heeds no signs; without brackets and stars it holds none that could begin something.
MARKUP = re.compile(
    r"(https?://[A-Za-z0-9\-._~:/?#@!$&'()+,;=%]+)|(^[ \t]*[0-9]*)([#>.-])|([\\`*_~|\[\]<])", re.MULTILINE
)
LONGEST_WAITING = 10_000
DROPS = 5
"""So many breaks within a minute are no short ones any more."""

CALL_SECONDS = 20.0
CONTENT_FLAGS = (1 << 18) | (1 << 19)
BAD_TOKEN = (
    "Discord: the token was refused. Make a new one: discord.com/developers, your application, Bot, Reset Token."  # noqa: S105
)
NO_CONTENT = (
    "Discord: the bot may not read messages. Switch on Message Content Intent: discord.com/developers, your "
    "application, Bot."
)
LOST = "Discord: the connection was lost"
UNREADABLE = "Discord: what came cannot be read ({}). Is it Discord that answers at this address?"


class Discord:
    """One bot that listens for one session in every channel it may see. Raises `SettingsError`."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        token: str,
        session: str,
        *,
        now: Now = time.time,
        base_url: str = "https://discord.com",
        gateway: str = "wss://gateway.discord.gg/",
        every_message: bool = True,
        language: str = "zh",
    ) -> None:
        self._lib = load("discord", "discord")
        # The library keeps both addresses in its classes.
        self._lib.http.Route.BASE = f"{base_url}/api/v10"
        self._lib.gateway.DiscordWebSocket.DEFAULT_GATEWAY = self._lib.gateway.yarl.URL(gateway)
        logging.getLogger("discord").setLevel(logging.WARNING)  # below that it logs what people wrote
        self.name = name
        self._token, self._session, self._now = token, session, now
        self._every_message, self._language = every_message, language
        self._client: discord.Client | None = None
        self._arrived: deque[Message | Command] = deque(maxlen=LONGEST_WAITING)
        self._news = asyncio.Event()
        self._drops: deque[float] = deque(maxlen=DROPS)
        self._broken = asyncio.Event()

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost for good. Raises `Refused` for a wrong token and missing rights."""
        self._drops.clear()
        self._broken.clear()
        client = self._open(floor)
        try:
            await until_one_ends(self._listen(client), self._store(floor), self._give_up())
        finally:
            self._client = None
            with suppress(Exception):
                await asyncio.shield(client.close())  # the supervisor cancels twice

    async def introduce(self) -> str:
        """Which bot the token is for, and whether it may read. Raises as `run` does."""
        client = self._open(None)
        try:
            await self._log_in(client)
            sees = "it may read messages" if client.application_flags.value & CONTENT_FLAGS else NO_CONTENT
            return f"Discord knows the bot as {client.user}; {sees.removeprefix('Discord: ')}"
        finally:
            await client.close()

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def send(self, delivery: Delivery) -> str:
        """Say or edit it. The same words under the same key are said once even where an answer got lost."""
        address, client = delivery.address, self._client
        if not address.chat.isdecimal():
            raise Refused("this is no Discord channel")
        if client is None or client.user is None:
            raise ConnectorError("Discord: not connected yet")
        channel = client.get_partial_messageable(int(address.chat))
        with self._explaining():
            if delivery.sent_id.isdecimal():
                with suppress(self._lib.NotFound):
                    message = channel.get_partial_message(int(delivery.sent_id))
                    await message.edit(content=fitted(delivery.text), view=self._view(delivery))
                    return delivery.sent_id
            reply: Any = {}
            if address.message.isdecimal():
                reply["reference"] = self._lib.MessageReference(
                    message_id=int(address.message), channel_id=channel.id, fail_if_not_exists=False
                )
            nonce = hashlib.sha256(f"{delivery.key}\n{delivery.text}".encode()).hexdigest()[:25]
            sent = await channel.send(fitted(delivery.text), view=self._view(delivery), nonce=nonce, **reply)
        return str(sent.id)

    async def close(self) -> None:
        if self._client:
            await self._client.close()

    def _open(self, floor: Floor | None) -> "discord.Client":
        intents = self._lib.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = intents.message_content = True
        client: discord.Client = self._lib.Client(
            intents=intents,
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=self._lib.MemberCacheFlags.none(),
            allowed_mentions=self._lib.AllowedMentions.none(),
        )
        # Waiting is the outbox's; the library would wait in the middle of a call.
        client.http.max_ratelimit_timeout = 0.01
        if floor:
            self._attend(client, floor)
        return client

    def _attend(self, client: "discord.Client", floor: Floor) -> None:
        async def on_connect() -> None:
            floor.connected()

        async def on_resumed() -> None:
            floor.connected(complete=True)

        async def on_disconnect() -> None:
            floor.lost(LOST)
            self._drops.append(self._now())
            if len(self._drops) == DROPS and self._now() - self._drops[0] < 60:
                self._broken.set()

        async def on_message(message: "discord.Message") -> None:
            if found := self._message(message, client):
                self._arrived.append(found)
                self._news.set()

        async def on_interaction(interaction: "discord.Interaction") -> None:
            person = Person(self.name, str(interaction.user.id), clean(interaction.user.display_name))
            data: Any = interaction.data or {}
            if told := await press(floor, self._session, data.get("custom_id"), person, self._language):
                await interaction.response.send_message(fitted(told), ephemeral=True)

        async def on_error(event: str, *args: Any) -> None:
            log.warning("%s: %s could not be handled", self.name, event, exc_info=log.isEnabledFor(logging.DEBUG))

        for handler in (on_connect, on_resumed, on_disconnect, on_message, on_interaction, on_error):
            client.event(handler)

    async def _log_in(self, client: "discord.Client") -> None:
        with self._explaining():
            async with asyncio.timeout(CALL_SECONDS):
                await client.login(self._token)

    async def _listen(self, client: "discord.Client") -> None:
        await self._log_in(client)
        self._client = client
        with self._explaining():
            await client.connect(reconnect=False)
        raise ConnectorError(LOST)

    async def _store(self, floor: Floor) -> None:
        while True:
            while self._arrived:
                await receive(floor, [self._arrived[0]], None, self._session, self._language, ABILITIES)
                self._arrived.popleft()
            self._news.clear()
            await self._news.wait()

    async def _give_up(self) -> None:
        await self._broken.wait()
        raise ConnectorError("Discord: the connection breaks again and again. Is the network all right?")

    def _explaining(self) -> "Explaining":
        return Explaining(self._lib)

    def _message(self, message: "discord.Message", client: "discord.Client") -> Message | Command | None:
        kinds = self._lib.MessageType
        if message.author.bot or message.webhook_id or message.type not in (kinds.default, kinds.reply):
            return None
        me = client.user.id if client.user else 0
        private = isinstance(message.channel, self._lib.DMChannel)
        names = {str(other.id): f"@{other.display_name}" for other in message.mentions} | {str(me): " "}
        content = MENTION.sub(lambda found: names.get(found[1], found[0]), message.content)
        author, chat = message.author, str(message.channel.id)
        said = Message(
            session=self._session,
            source=self.name,
            external_id=str(message.id),
            author=str(author.id),
            author_name=clean(author.display_name),
            text=clean(content),
            at=sane(message.created_at.timestamp(), self._now()),
            address=Address(self.name, chat, str(message.id), str(author.id), private),
            explicit=private or str(me) in MENTION.findall(message.content),
        )
        return understood(said, self._every_message)

    def _view(self, delivery: Delivery) -> Any:
        """Buttons without the library's own handling of them."""
        if not delivery.buttons:
            return None
        view = self._lib.ui.View(timeout=None)
        for button in delivery.buttons[:25]:
            view.add_item(self._lib.ui.Button(label=button.label[:80], custom_id=press_id(button)))
        view.stop()
        return view


def plain(text: str) -> str:
    """Markdown that shows the text itself: what people wrote must never become markup."""
    return MARKUP.sub(lambda found: found[1] or f"{found[2] or ''}\\{found[3] or found[4]}", text)


def fitted(text: str) -> str:
    """As `plain`, cut where that makes it too long."""
    return fit_marked(text, plain, ABILITIES.length, ABILITIES.unit)


class Explaining:
    """Turns the library's errors into ours."""

    def __init__(self, lib: Any) -> None:
        self._lib = lib

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        lib = self._lib
        if error is None or isinstance(error, ConnectorError) or not isinstance(error, Exception):
            return
        if isinstance(error, lib.LoginFailure):
            raise Refused(BAD_TOKEN) from None
        if isinstance(error, lib.RateLimited):
            raise TryLater(error.retry_after) from None
        if isinstance(error, lib.ConnectionClosed):
            if error.code in (4004, 4013, 4014):
                raise Refused(BAD_TOKEN if error.code == 4004 else NO_CONTENT) from None
            raise ConnectorError(f"{LOST} (code {error.code})") from None
        if isinstance(error, lib.HTTPException):
            raise _of_status(error.status) from None
        if isinstance(error, (lib.GatewayNotFound, aiohttp.ClientError, TimeoutError, OSError)):
            raise ConnectorError("Discord: it cannot be reached. Is the network all right?") from None
        raise ConnectorError(UNREADABLE.format(type(error).__name__)) from None


def _of_status(status: int) -> ConnectorError:
    if status == 429:
        return TryLater(60.0)
    if status == 401:
        # Worth another try: the answers wait until somebody has put the token right.
        return ConnectorError(BAD_TOKEN)
    if 400 <= status < 500:
        return Refused(f"Discord does not take this message (HTTP {status}): is the bot still allowed to write there?")
    return ConnectorError(f"Discord has trouble (HTTP {status})")


class DiscordOptions(SourceOptions):
    kind: ClassVar[str] = "discord"
    about: ClassVar[str] = "A Discord bot. Needs `pip install 'floormic[discord]'`."

    token: SecretStr = secret("Token of the bot.", variable="FLOORMIC_DISCORD_TOKEN")
    every_message: StrictBool = Field(
        default=True, description="Look for questions in every message, not only in `/ask` and mentions."
    )
    base_url: Url = Field(default="https://discord.com", description="Address of the API; another one for tests.")
    gateway: SocketUrl = Field(
        default="wss://gateway.discord.gg/", description="Address of the gateway; another one for tests."
    )


def make(options: DiscordOptions, around: Surroundings) -> Discord:
    return Discord(
        options.name,
        options.token.get_secret_value(),
        options.session,
        now=around.now,
        base_url=options.base_url,
        gateway=options.gateway,
        every_message=options.every_message,
        language=around.language,
    )


async def try_out(options: DiscordOptions, around: Surroundings) -> str:
    return await make(options, around).introduce()


KIND = Kind(
    options=DiscordOptions,
    titles={"zh": "Discord", "en": "Discord"},
    guide={
        "zh": """1. 打开 discord.com/developers/applications，点 New Application，起个名字。
2. 左侧 Bot：点 Reset Token，复制得到的令牌，这就是 token。
3. 同一页打开 Message Content Intent，保存。
4. 左侧 OAuth2 → URL Generator：勾选 bot，再勾选 View Channels、Send Messages、Read Message History，
   打开生成的网址，把机器人加进服务器。""",
        "en": """1. Open discord.com/developers/applications, press New Application and choose a name.
2. Under Bot press Reset Token and copy it: that is the token.
3. On the same page switch on Message Content Intent and save.
4. Under OAuth2, URL Generator, tick bot, then View Channels, Send Messages and Read Message History; open the address
   it makes and add the bot to your server.""",
    },
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    extra="discord",
)
