"""DingTalk through dingtalk-stream: its stream tells what is said to the robot, the open API says answers.

The library opens the connection and reads and acknowledges frames. Its own loop is not used: it would reconnect for
ever, and handles every message in a task of its own. In groups only what mentions the robot arrives.
"""

import asyncio
import json
import logging
import re
import time
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import quote_plus

import aiohttp
from pydantic import Field, SecretStr

from bot.connectors.commands import Command, Texts, receive, understood
from bot.connectors.common import clean, load, sane
from bot.connectors.staying import staying
from bot.errors import ConnectorError, Refused, StoreError, TryLater
from bot.kinds import Kind, Surroundings
from bot.model import Abilities, Address, Delivery, Message, Unit
from bot.options import SourceOptions, Url, secret
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

ABILITIES = Abilities(reply=True, private=True, length=6000, unit=Unit.BYTES, rate=15.0, group_rate=20 / 60)
"""20 messages a minute in a group; what was said cannot be edited, and buttons need a card made on the platform."""

CALL_SECONDS = 15.0
LONGEST_FRAME = 1024 * 1024
LONGEST_ANSWER = 256 * 1024
PAUSE = 10.0
"""Seconds to wait where it was too much; DingTalk does not say how long."""

EARLY = 300.0
"""Seconds before its end that a token is no longer used."""

BAD_KEY = "DingTalk: the keys were refused. Copy Client ID and Client Secret again: open-dev.dingtalk.com, your app."
LOST = "DingTalk: the connection was lost"
UNREACHABLE = "DingTalk: it cannot be reached. Is the network all right?"
UNREADABLE = "DingTalk: the answer cannot be read. Is base_url right?"
NO_STREAM = "DingTalk: no stream is opened. Is the app's robot set to Stream mode and published?"
OWN: Texts = {
    "zh": {"group": "群里：@我，然后写问题。", "how": "", "hint": "请写成：提问 您的问题。"},
    "en": {"group": "In a group: mention me and write your question.", "how": ""},
}
SECRETS = {"invalidClientIdOrSecret", "invalidParameter.clientId", "InvalidParameter.AppKey", "MissingappKey"}
RATE = re.compile(r"QpsLimit|Throttl|flowControl|LimitExceeded", re.IGNORECASE)


class DingTalk:
    """One robot that listens for one session. Raises `SettingsError`."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        client_id: str,
        client_secret: str,
        session: str,
        *,
        now: Now = time.time,
        base_url: str = "https://api.dingtalk.com",
        language: str = "zh",
    ) -> None:
        self._lib = load("dingtalk_stream", "dingtalk")
        self._sockets = load("websockets", "dingtalk")
        # The library keeps the address in its class.
        self._lib.DingTalkStreamClient.OPEN_CONNECTION_API = f"{base_url}/v1.0/gateway/connections/open"
        self.name = name
        self._keys, self._base_url = (client_id, client_secret), base_url
        self._session, self._now, self._language = session, now, language
        self._http: aiohttp.ClientSession | None = None
        self._token, self._token_until = "", 0.0

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost. Raises `Refused` for wrong keys."""
        await self._renew(starting=True)
        client = self._stream(floor)
        try:
            async with self._sockets.connect(
                await self._door(client), max_size=LONGEST_FRAME, open_timeout=CALL_SECONDS
            ) as socket:
                client.websocket = socket
                floor.connected()
                async for raw in socket:
                    await self._take(client, raw)
        except (OSError, TimeoutError, self._sockets.WebSocketException) as error:
            log.info("%s: %s", self.name, type(error).__name__)
        raise ConnectorError(LOST)

    async def introduce(self) -> str:
        """Whether the keys are right and a stream is opened. Raises as `run` does."""
        await self._renew(starting=True)
        await self._door(self._stream(None))
        return "DingTalk takes the keys, and the robot's stream is open."

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def send(self, delivery: Delivery) -> str:
        """Say it; DingTalk's key of the message."""
        place, _, id = delivery.address.chat.partition("/")
        body: dict[str, Any] = {
            "robotCode": self._keys[0],
            "msgKey": "sampleText",
            "msgParam": json.dumps({"content": delivery.text}, ensure_ascii=False),
        }
        if place == "group":
            answer = await self._ask("/v1.0/robot/groupMessages/send", body | {"openConversationId": id})
        elif place == "user":
            answer = await self._ask("/v1.0/robot/oToMessages/batchSend", body | {"userIds": [id]})
        else:
            raise Refused("this is no DingTalk chat")
        if answer.get("flowControlledStaffIdList"):
            raise TryLater(60.0, delivery.address.chat)
        if answer.get("invalidStaffIdList"):
            raise Refused("DingTalk: this person cannot be written to")
        return str(answer.get("processQueryKey") or "")

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    def _stream(self, floor: Floor | None) -> Any:
        connector = self

        class Handler(self._lib.CallbackHandler):  # type: ignore[misc, name-defined]
            async def process(self, callback: Any) -> tuple[int, str]:
                if floor and (message := connector._tolerantly(callback.data)):
                    try:
                        await connector._receive(floor, message)
                    except StoreError as error:
                        log.warning("%s: not acknowledged, so it comes again: %s", connector.name, error)
                        return 500, "later"
                return 200, "OK"

        quiet = logging.getLogger("dingtalk_stream.floormic")
        quiet.setLevel(logging.CRITICAL + 1)  # the library logs whole messages
        client = self._lib.DingTalkStreamClient(self._lib.Credential(*self._keys), quiet)
        client.register_callback_handler(self._lib.ChatbotMessage.TOPIC, Handler())
        client.pre_start()
        return client

    async def _door(self, client: Any) -> str:
        """The address of the stream, with its ticket."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                found = await asyncio.to_thread(client.open_connection)
            return f"{found['endpoint']}?ticket={quote_plus(found['ticket'])}"
        except TimeoutError:
            raise ConnectorError(UNREACHABLE) from None
        except Exception:  # the library gives None where it is refused, and whatever an answer is not JSON makes of it
            raise ConnectorError(NO_STREAM) from None

    async def _take(self, client: Any, raw: Any) -> None:
        """One frame, in order; the library acknowledges it when it was handled."""
        try:
            frame = json.loads(raw)
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            log.warning("%s: skipped a frame that cannot be read", self.name)
            return
        await client.background_task(frame)

    async def _receive(self, floor: Floor, said: Message | Command) -> None:
        await receive(floor, [said], None, self._session, self._language, ABILITIES, OWN)

    def _tolerantly(self, data: Any) -> Message | Command | None:
        """None for a message that cannot be read: sent again it would be no better."""
        try:
            return self._message(self._lib.ChatbotMessage.from_dict(data))
        except Exception as error:  # whatever a malformed message makes of the library
            log.warning("%s: skipped a message that cannot be read (%s)", self.name, type(error).__name__)
            return None

    def _message(self, said: Any) -> Message | Command | None:
        author = str(said.sender_staff_id or said.sender_id or "")
        if not said.message_id or not author or said.sender_id == said.chatbot_user_id:
            return None
        private = str(said.conversation_type) == "1"
        # Whoever is not of the organisation has no staff id, and cannot be written to in private.
        chat = f"group/{said.conversation_id}" if not private else f"user/{said.sender_staff_id or ''}"
        reachable = bool(said.sender_staff_id) if private else bool(said.conversation_id)
        message = Message(
            session=self._session,
            source=self.name,
            external_id=str(said.message_id),
            author=author,
            author_name=clean(str(said.sender_nick or ""))[:200],
            text=clean(words(said)),
            at=sane(float(said.create_at or 0) / 1000, self._now()),
            address=Address(self.name, chat, str(said.message_id), author, private) if reachable else None,
            explicit=True,
        )
        return understood(message)

    async def _renew(self, starting: bool = False) -> None:
        """A token that is good for some time. `starting`: wrong keys end it, instead of being worth another try."""
        if not starting and self._now() < self._token_until:
            return
        app_key, app_secret = self._keys
        status, answer = await self._post("/v1.0/oauth2/accessToken", {"appKey": app_key, "appSecret": app_secret})
        token, seconds = answer.get("accessToken"), answer.get("expireIn")
        if status == 200 and isinstance(token, str) and token and isinstance(seconds, int | float):
            self._token, self._token_until = token, self._now() + max(seconds - EARLY, 0)
            return
        code = str(answer.get("code") or "")
        if code in SECRETS or status == 401:
            raise Refused(BAD_KEY) if starting else ConnectorError(BAD_KEY)
        raise ConnectorError(UNREADABLE if 200 <= status < 300 else f"DingTalk has trouble (HTTP {status})")

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer, or what it means. Raises `TryLater`, `Refused`, `ConnectorError`."""
        await self._renew()
        status, answer = await self._post(path, body)
        if 200 <= status < 300:
            return answer
        code = str(answer.get("code") or "")
        if status == 401 or "InvalidAuthentication" in code:
            self._token_until = 0.0
            raise ConnectorError("DingTalk: the token has run out; it is renewed")
        if 400 <= status < 500:
            raise Refused(f"DingTalk does not take this message (HTTP {status}). Is the robot still in the group?")
        raise ConnectorError(f"DingTalk has trouble (HTTP {status})")

    async def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and answer. Raises `TryLater` where it was too much, `ConnectorError` where nothing comes back."""
        if self._http is None:
            self._http = staying(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        headers = {"x-acs-dingtalk-access-token": self._token}
        try:
            async with self._http.post(f"{self._base_url}{path}", json=body, headers=headers) as response:
                raw = bytearray()
                async for part in response.content.iter_any():
                    raw += part
                    if len(raw) > LONGEST_ANSWER:
                        raise ConnectorError(UNREADABLE)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise ConnectorError(UNREACHABLE) from None
        answer: Any = None
        with suppress(ValueError, RecursionError):
            answer = json.loads(raw)
        if not isinstance(answer, dict):
            if 200 <= response.status < 300:
                raise ConnectorError(UNREADABLE)
            answer = {}
        if response.status == 429 or RATE.search(str(answer.get("code") or "")):
            raise TryLater(PAUSE)
        return response.status, answer


def words(said: Any) -> str:
    """What a message says; "" for what is no text."""
    if said.text is not None:
        return str(said.text.content or "")
    if said.rich_text_content is not None:
        return "".join(str(part.get("text") or "") for part in said.rich_text_content.rich_text_list or [])
    return ""


class DingTalkOptions(SourceOptions):
    kind: ClassVar[str] = "dingtalk"
    about: ClassVar[str] = "A DingTalk robot in Stream mode. Needs `pip install 'floormic[dingtalk]'`."

    client_id: str = Field(default="", description="Client ID (AppKey) of the app.")
    client_secret: SecretStr = secret("Client Secret (AppSecret).", variable="FLOORMIC_DINGTALK_CLIENT_SECRET")
    base_url: Url = Field(default="https://api.dingtalk.com", description="Address of the API; another one for tests.")

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        where = "open-dev.dingtalk.com shows it: your app, Credentials"
        return [] if self.client_id else [("client_id", f"is missing; {where}")]


def make(options: DingTalkOptions, around: Surroundings) -> DingTalk:
    return DingTalk(
        options.name,
        options.client_id,
        options.client_secret.get_secret_value(),
        options.session,
        now=around.now,
        base_url=options.base_url,
        language=around.language,
    )


async def try_out(options: DingTalkOptions, around: Surroundings) -> str:
    dingtalk = make(options, around)
    try:
        return await dingtalk.introduce()
    finally:
        await dingtalk.close()


KIND = Kind(
    options=DingTalkOptions,
    titles={"zh": "钉钉", "en": "DingTalk"},
    guide={
        "zh": """1. 打开 open-dev.dingtalk.com，创建企业内部应用；在“凭证与基础信息”里复制 Client ID 和 Client Secret。
2. “添加应用能力”：添加“机器人”，消息接收模式选 Stream 模式，发布。
3. “权限管理”：开通“企业内机器人发送消息权限”（qyapi_robot_sendmsg）。
4. “版本管理与发布”：发布一个版本。
5. 在群设置 → 机器人里添加它。群里要 @机器人 它才听得到；私聊直接说。""",
        "en": """1. Open open-dev.dingtalk.com, create an internal app, and copy Client ID and Client Secret from its
   Credentials.
2. Add capabilities: Robot; choose Stream mode for receiving messages and publish it.
3. Permissions: grant the robot to send messages (qyapi_robot_sendmsg).
4. Publish a version of the app.
5. Add the robot in the group's settings. In a group it hears only what mentions it; in private everything.""",
    },
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    extra="dingtalk",
)
