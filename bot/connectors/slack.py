"""Slack through slack-sdk: Socket Mode tells what is said, the Web API says answers.

This is what slack-bolt is made of. Bolt itself answers an event before its handlers ran and logs whole events that
nobody handles, so it is the test's client and not ours. Slack sends again what was not acknowledged.
"""

import asyncio
import hashlib
import html
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, ClassVar

import aiohttp
from pydantic import Field, SecretStr, StrictBool

from bot.connectors.commands import Command, Texts, press, press_id, receive, understood
from bot.connectors.common import clean, load, sane, until_all_end
from bot.connectors.staying import staying
from bot.errors import ConnectorError, Refused, StoreError, TryLater
from bot.kinds import Kind, Surroundings
from bot.model import Abilities, Address, Delivery, Message, Person, Unit
from bot.options import SourceOptions, Url, secret
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

ABILITIES = Abilities(
    reply=True,
    once=True,
    private=True,
    edit=True,
    buttons=True,
    length=3000,
    unit=Unit.CHARACTERS,
    rate=10.0,
    chat_rate=1.0,
    group_rate=0.9,
)
"""Slack allows about a message a second in a channel, and 3,000 characters in a block."""

CALL_SECONDS = 15.0
GRACE = 3.0
"""Seconds that the library may take to renew a connection, as Slack asks for every few hours."""

NAMES = 5000
NAME_SECONDS = 2.0
MARKED = "floormic_said"
LATELY, LOOKED_THROUGH = 3600.0, 200
"""Seconds and messages in which one that may have been said already is looked for."""

MARK = re.compile(r"<([^<>]*)>")
SAID = {None, "thread_broadcast", "file_share"}
WRONG_KEY = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
}
TROUBLE = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
NOT_THERE = {"message_not_found", "cant_update_message", "edit_window_closed"}
BAD_KEY = (
    "Slack: a token was refused. Copy both again from api.slack.com/apps: xoxb-… (OAuth & Permissions) and xapp-… "
    "(Basic Information)."
)
LOST = "Slack: the connection was lost"
OWN: Texts = {
    "zh": {
        "group": "频道里：@我，然后写问题。",
        "how": "在频道里用这些词要先 @我。以 / 开头的话 Slack 不会发给我，请不带 / 写。",
        "hint": "请写成：@我 您的问题。",
    },
    "en": {
        "group": "In a channel: mention me and write your question.",
        "how": "In a channel mention me before these words. Slack keeps what begins with /: write it without.",
        "hint": "Please mention me and write your question.",
    },
}
UNREACHABLE = "Slack: it cannot be reached. Is the network all right?"
UNREADABLE = "Slack: the answer cannot be read. Is base_url right?"


class Slack:
    """One app that listens for one session in every channel it was invited to. Raises `SettingsError`."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        token: str,
        app_token: str,
        session: str,
        *,
        now: Now = time.time,
        base_url: str = "https://slack.com/api/",
        every_message: bool = True,
        language: str = "zh",
    ) -> None:
        self._sockets = load("slack_sdk.socket_mode.aiohttp", "slack")
        self._sdk = load("slack_sdk.web.async_client", "slack")
        self._error: type[Exception] = load("slack_sdk.errors", "slack").SlackApiError
        self.name = name
        self._token, self._app_token, self._session, self._now = token, app_token, session, now
        self._base_url = base_url
        self._every_message, self._language = every_message, language
        self._http: aiohttp.ClientSession | None = None
        self._web: Any = None
        self._me = ""
        self._names: dict[str, str] = {}

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost. Raises `Refused` for wrong tokens."""
        self._me = str((await self._asked(self._client().auth_test(), "user_id"))["user_id"])
        opened = await self._asked(self._client().apps_connections_open(app_token=self._app_token), "url")
        async with self._connected(floor, str(opened["url"])) as client:
            down = 0.0
            while down < GRACE:
                await asyncio.sleep(GRACE / 3)
                down = 0.0 if await client.is_connected() else down + GRACE / 3
        raise ConnectorError(LOST)

    async def introduce(self) -> str:
        """Which app the tokens are for. Raises as `run` does."""
        me = await self._asked(self._client().auth_test(), "user", "team")
        await self._asked(self._client().apps_connections_open(app_token=self._app_token))
        return clean(f"Slack knows the app as {me['user']} in {me['team']}; Socket Mode is on.")

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def send(self, delivery: Delivery) -> str:
        """Say it in the thread of the question, or edit it; Slack's timestamp of the message."""
        web, channel = self._client(), delivery.address.chat
        content: Any = {"text": html.escape(delivery.text, quote=False), "blocks": blocks(delivery)}
        if delivery.sent_id:
            with suppress(Gone):
                await self._asked(web.chat_update(channel=channel, ts=delivery.sent_id, **content), sending=True)
                return delivery.sent_id
        thread = None if delivery.address.private else delivery.address.message.rpartition("/")[2] or None
        mark = hashlib.sha256(f"{delivery.key}\n{delivery.text}".encode("utf-8", "surrogatepass")).hexdigest()
        if delivery.attempts > 1 and (said := await self._said(channel, thread, mark)):
            return said
        content["metadata"] = {"event_type": MARKED, "event_payload": {"once": mark}}
        answer = await self._asked(
            web.chat_postMessage(channel=channel, thread_ts=thread, unfurl_links=False, mrkdwn=False, **content),
            sending=True,
        )
        return str(answer.get("ts") or "")

    async def _said(self, channel: str, thread: str | None, mark: str) -> str:
        """The timestamp of what an earlier try said after all; "" where it said nothing, or that cannot be read.

        Slack has no key that makes a message happen once (its `client_msg_id` is for its own clients), but keeps what
        an app notes on its messages.
        """
        lately = {"oldest": f"{self._now() - LATELY:.6f}", "limit": LOOKED_THROUGH, "include_all_metadata": True}
        web = self._client()
        reading = (
            web.conversations_replies(channel=channel, ts=thread, **lately)
            if thread
            else web.conversations_history(channel=channel, **lately)
        )
        try:
            page = (await self._asked(reading, sending=True)).get("messages")
        except Refused:  # without the right to read, at worst it is said twice
            return ""
        found = [one for one in page or [] if isinstance(one, dict) and _mark_of(one) == mark]
        return str(found[0].get("ts") or "") if found else ""

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    def _client(self) -> Any:
        if self._web is None:
            self._http = staying(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
            self._web = self._sdk.AsyncWebClient(
                self._token, base_url=self._base_url, session=self._http, logger=_quiet(), retry_handlers=[]
            )
        return self._web

    @asynccontextmanager
    async def _connected(self, floor: Floor, url: str) -> AsyncIterator[Any]:
        client = self._sockets.SocketModeClient(self._app_token, web_client=self._client(), logger=_quiet())

        async def greeted(_: Any, message: dict[str, Any], __: str | None) -> None:
            if message.get("type") == "hello":
                floor.connected()

        async def came(_: Any, request: Any) -> None:
            try:
                await self._take(floor, client, request)
            except StoreError as error:
                log.warning("%s: not acknowledged, so it comes again: %s", self.name, error)
            except Exception as error:  # whatever a malformed event makes of this
                log.warning("%s: skipped an event that cannot be read (%s)", self.name, type(error).__name__)

        client.message_listeners.append(greeted)
        client.socket_mode_request_listeners.append(came)
        client.wss_uri = url  # else it asks for one itself, over and over where it is refused
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await client.connect()
            yield client
        except TimeoutError:
            raise ConnectorError(UNREACHABLE) from None
        finally:
            await asyncio.shield(self._end(client))  # the supervisor cancels twice

    async def _end(self, client: Any) -> None:
        """The library's own `close` leaves its tasks running."""
        tasks = [client.message_processor, client.message_receiver, client.current_session_monitor]
        client.closed = True
        await until_all_end(task for task in tasks if task)
        with suppress(Exception):
            await client.disconnect()
        await client.aiohttp_client_session.close()

    async def _take(self, floor: Floor, client: Any, request: Any) -> None:
        payload = request.payload
        told: tuple[str, str, str] | None = None
        if request.type == "events_api":
            if message := await self._message(payload["event"]):
                await receive(floor, [message], None, self._session, self._language, ABILITIES, OWN)
        elif request.type == "interactive" and payload.get("type") == "block_actions":
            told = await self._press(floor, payload)
        await client.send_socket_mode_response({"envelope_id": request.envelope_id})
        if told:
            # Only a courtesy: the vote counts already.
            with suppress(ConnectorError):
                channel, user, text = told
                await self._asked(
                    self._client().chat_postEphemeral(channel=channel, user=user, text=text), sending=True
                )

    async def _press(self, floor: Floor, payload: dict[str, Any]) -> tuple[str, str, str] | None:
        user = payload["user"]
        person = Person(self.name, str(user["id"]), clean(str(user.get("name") or "")))
        text = await press(floor, self._session, payload["actions"][0].get("value"), person, self._language)
        return (str(payload["channel"]["id"]), person.id, text) if text else None

    async def _message(self, event: dict[str, Any]) -> Message | Command | None:
        if event["type"] not in ("message", "app_mention") or event.get("subtype") not in SAID:
            return None
        user = event.get("user")
        if not isinstance(user, str) or user == self._me or event.get("bot_id"):
            return None
        private = event.get("channel_type") == "im"
        mentioned = f"<@{self._me}>" in event["text"] or f"<@{self._me}|" in event["text"]
        channel, ts, thread = str(event["channel"]), str(event["ts"]), event.get("thread_ts")
        said = Message(
            session=self._session,
            source=self.name,
            external_id=f"{channel}:{ts}",
            author=user,
            author_name="",
            text=read(event["text"], self._me),
            at=sane(float(ts), self._now()),
            # An id of its own, by which its asker is told; the thread in which that is said stands behind it.
            address=Address(self.name, channel, f"{ts}/{thread}" if thread else ts, user, private),
            explicit=private or mentioned,
        )
        found = understood(said, self._every_message)
        return replace(found, author_name=await self._name(user)) if isinstance(found, Message) else found

    async def _name(self, user: str) -> str:
        """What somebody is called; events only have their id."""
        if user not in self._names:
            found: Any = {}
            try:
                async with asyncio.timeout(NAME_SECONDS):
                    found = (await self._asked(self._client().users_info(user=user))).get("user") or {}
            except Refused:
                pass  # it would be refused the next time as well
            except (ConnectorError, TimeoutError):
                return ""
            profile = found.get("profile") or {}
            if len(self._names) >= NAMES:
                self._names.clear()
            name = profile.get("display_name") or found.get("real_name") or found.get("name") or ""
            self._names[user] = clean(str(name))[:200]
        return self._names[user]

    async def _asked(self, call: Awaitable[Any], *needed: str, sending: bool = False) -> Any:
        """Slack's answer, or its errors in the program's own words. `sending`: a wrong key is worth another try."""
        try:
            answer = (await call).data
        except self._error as error:
            response: Any = getattr(error, "response", None)
            raise _refusal(response, sending) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise ConnectorError(UNREACHABLE) from None
        except Exception:  # whatever an answer that is not Slack's makes of the library
            raise ConnectorError(UNREADABLE) from None
        if not isinstance(answer, dict) or any(name not in answer for name in needed):
            raise ConnectorError(UNREADABLE)
        return answer


class Gone(ConnectorError):
    """There is nothing left to edit."""


def read(text: str, me: str) -> str:
    """Slack's marks (https://docs.slack.dev/messaging/formatting-message-text) as plain text, less mentions of `me`."""

    def plain(found: re.Match[str]) -> str:
        mark, _, label = found[1].partition("|")
        if mark == f"@{me}":
            return " "
        if mark.startswith("!"):
            return f"@{mark[1:].partition('^')[0]}"
        sign = mark[0] if mark[:1] in ("@", "#") else ""
        return sign + (label or mark[len(sign) :])

    return clean(MARK.sub(plain, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def blocks(delivery: Delivery) -> list[dict[str, Any]]:
    """The text with its buttons; none where there are no buttons."""
    if not delivery.buttons:
        return []
    elements = [
        {
            "type": "button",
            "action_id": str(number),
            "value": press_id(button),
            "text": {"type": "plain_text", "text": button.label[:75]},
        }
        for number, button in enumerate(delivery.buttons[:25])
    ]
    text = {"type": "plain_text", "text": delivery.text, "emoji": False}
    return [{"type": "section", "text": text}, {"type": "actions", "elements": elements}]


def _mark_of(message: dict[str, Any]) -> Any:
    """What we noted on a message that we said."""
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return payload.get("once") if isinstance(payload, dict) else None


def _refusal(response: Any, sending: bool) -> ConnectorError:
    """What Slack's answer means; `response` may be an answer that is no JSON."""
    data = getattr(response, "data", None)
    error = data.get("error") if isinstance(data, dict) else None
    if error == "ratelimited":
        wait = str(response.headers.get("Retry-After", ""))
        return TryLater(float(wait) if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", wait) else 30.0)
    if not isinstance(error, str) or not re.fullmatch(r"[a-z_]{1,60}", error):
        return ConnectorError(UNREADABLE)
    if error in WRONG_KEY:
        # When sending, the answers wait until somebody has put the token right.
        return ConnectorError(BAD_KEY) if sending else Refused(BAD_KEY)
    if error in NOT_THERE:
        return Gone(f"Slack: {error}")
    if error in TROUBLE:
        return ConnectorError(f"Slack has trouble ({error})")
    return Refused(
        f"Slack does not take this ({error}). Is the app in the channel, and has it the rights of the guide?"
    )


def _quiet() -> logging.Logger:
    """The library logs what people wrote when it cannot read it."""
    logger = logging.getLogger("slack_sdk.floormic")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


class SlackOptions(SourceOptions):
    kind: ClassVar[str] = "slack"
    about: ClassVar[str] = "A Slack app in Socket Mode. Needs `pip install 'floormic[slack]'`."

    token: SecretStr = secret("Bot User OAuth Token, xoxb-….", variable="FLOORMIC_SLACK_TOKEN")
    app_token: SecretStr = secret("App-Level Token, xapp-….", variable="FLOORMIC_SLACK_APP_TOKEN")
    every_message: StrictBool = Field(
        default=True, description="Look for questions in every message, not only in `/ask` and mentions."
    )
    base_url: Url = Field(default="https://slack.com/api/", description="Address of the API; another one for tests.")


def make(options: SlackOptions, around: Surroundings) -> Slack:
    return Slack(
        options.name,
        options.token.get_secret_value(),
        options.app_token.get_secret_value(),
        options.session,
        now=around.now,
        base_url=options.base_url,
        every_message=options.every_message,
        language=around.language,
    )


async def try_out(options: SlackOptions, around: Surroundings) -> str:
    slack = make(options, around)
    try:
        return await slack.introduce()
    finally:
        await slack.close()


KIND = Kind(
    options=SlackOptions,
    titles={"zh": "Slack", "en": "Slack"},
    guide={
        "zh": """1. 打开 api.slack.com/apps，点 Create New App → From scratch，选工作区。
2. 左侧 Socket Mode：打开，按提示生成 App-Level Token（权限 connections:write），复制 xapp-…，这是 app_token。
3. 左侧 OAuth & Permissions → Bot Token Scopes：加上 chat:write、channels:history、groups:history、im:history、
   app_mentions:read、users:read。
4. 左侧 Event Subscriptions：打开，在 Subscribe to bot events 里加上 message.channels、message.groups、message.im、
   app_mention；左侧 Interactivity：打开；App Home：打开 Messages Tab 并允许发消息。
5. 左侧 Install App：安装，复制 xoxb-…，这是 token。在频道里输入 /invite @机器人。""",
        "en": """1. Open api.slack.com/apps, press Create New App, From scratch, and choose the workspace.
2. Socket Mode: switch it on and make an App-Level Token as it says (scope connections:write): xapp-… is app_token.
3. OAuth & Permissions, Bot Token Scopes: add chat:write, channels:history, groups:history, im:history,
   app_mentions:read, users:read.
4. Event Subscriptions: switch on, and under Subscribe to bot events add message.channels, message.groups, message.im,
   app_mention. Interactivity: switch on. App Home: switch on the Messages Tab and allow messages.
5. Install App: install and copy xoxb-…: that is token. In the channel type /invite @your-app.""",
    },
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    extra="slack",
)
