"""The way to Tencent's two APIs. Network only: the addresses and the clock are arguments."""

import asyncio
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from bot.connectors.tencent_classroom import signing
from bot.errors import ConnectorError, Refused, TryLater
from bot.ports import Now

VERSION = "2022-08-17"
LONGEST_ANSWER = 8 * 1024 * 1024
LARGEST_EXPORT = 8 * 1024 * 1024
"""Bytes, some 50,000 messages. It is read in this process, which has better things to do; `floormic import` takes
more."""

GAP = 0.06
"""Seconds between two calls: the classroom takes 20 a second."""

CLOCK_OFF = 240.0
"""Seconds. Tencent takes five minutes; a clock that is nearly so far off is told already."""

REDIRECTS = 3
CODE = re.compile(r"[A-Z][A-Za-z0-9]{0,60}(\.[A-Z][A-Za-z0-9]{0,60}){0,3}|\d{1,9}")
"""As Tencent's codes look: whatever else comes in their place may quote anybody, and a code goes into the log."""

TIMEOUT = aiohttp.ClientTimeout(total=20, connect=10)
DOWNLOADING = aiohttp.ClientTimeout(total=120, connect=10)


class Answered(ConnectorError):
    """The platform said no; `code` is its word for why. `clock_off`: seconds that our clock is ahead of its."""

    def __init__(self, code: str, clock_off: float = 0.0) -> None:
        super().__init__(f"it answered {code}")
        self.code, self.clock_off = code, clock_off


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    clock_off: float


class Calls:
    """A pooled session that reads no more than it was told to, and follows no redirect."""

    def __init__(self, who: str, now: Now) -> None:
        self._who, self._now = who, now
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: URL,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        longest: int = LONGEST_ANSWER,
        patience: aiohttp.ClientTimeout = TIMEOUT,
    ) -> tuple[Reply, str]:
        """The answer, and where it redirects to ("" nowhere). Raises `ConnectorError`."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False, timeout=patience
            ) as answer:
                chunks, size = [], 0
                async for chunk in answer.content.iter_chunked(64 * 1024):
                    size += len(chunk)
                    if size > longest:
                        raise ConnectorError(f"{self._who} sent more than {longest // 1024**2} MB; that is no chat")
                    chunks.append(chunk)
                off = _clock_off(answer.headers.get("Date", ""), self._now())
                moved = answer.headers.get("Location", "") if 300 <= answer.status < 400 else ""
                return Reply(answer.status, b"".join(chunks), off), moved
        except TimeoutError:
            raise ConnectorError(f"{self._who} did not answer in time; check the network") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ConnectorError(
                f"{self._who} cannot be reached ({type(error).__name__}); check the network and the address"
            ) from None

    def object(self, reply: Reply) -> dict[str, Any]:
        """Raises `ConnectorError` where the answer is no JSON object."""
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ConnectorError(
                f"{self._who} answered something else than JSON (HTTP {reply.status}); a proxy or a sign-in page of "
                "the network may stand in between, or the address is wrong"
            )
        return found

    async def close(self) -> None:
        if self._session:
            await self._session.close()


def _clock_off(date: str, now: float) -> float:
    try:
        return now - parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return 0.0


class Lcic:
    """Tencent Cloud's classroom (LCIC, API 2022-08-17): one room, read and written through one application."""

    def __init__(self, base_url: str, secret_id: str, secret_key: str, sdk_app_id: int, room: int, now: Now) -> None:
        self._url, self._now = URL(base_url.rstrip("/") + "/"), now
        self._secret_id, self._secret_key = secret_id, secret_key
        self._room = {"SdkAppId": sdk_app_id, "RoomId": room}
        self._calls = Calls("Tencent Cloud", now)
        self._next = 0.0

    async def page(self, before: int | None, limit: int) -> list[Any]:
        """What was said last, or last before that number, in whatever order the platform gives it."""
        wanted = {"Limit": limit} if before is None else {"Limit": limit, "Seq": before}
        messages = (await self._call("GetRoomMessage", wanted)).get("Messages")
        return messages if isinstance(messages, list) else []

    async def say(self, text: str, account: str, nickname: str) -> str:
        """As a person of that account; the id of the request."""
        body = [{"MsgType": "TIMTextElem", "TextMsgContent": {"Text": text}}]
        return _request(
            await self._call("SendRoomNormalMessage", {"FromAccount": account, "NickName": nickname, "MsgBody": body})
        )

    async def notify(self, text: str) -> str:
        """As a notice of the room; the id of the request."""
        return _request(await self._call("SendRoomNotificationMessage", {"MsgContent": text}))

    async def _call(self, action: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Raises `Answered` where the platform refuses."""
        await self._turn()
        payload = json.dumps({**self._room, **wanted}, ensure_ascii=False).encode("utf-8", "replace")
        timestamp = int(self._now())
        host = self._url.raw_authority
        signed = signing.tc3(
            self._secret_id,
            self._secret_key,
            service="lcic",
            host=host,
            action=action,
            payload=payload,
            timestamp=timestamp,
        )
        headers = {
            "Authorization": signed,
            "Content-Type": signing.CONTENT_TYPE,
            "Host": host,
            "X-TC-Action": action,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Version": VERSION,
        }
        reply, _ = await self._calls.ask("POST", self._url, headers, payload)
        response = self._calls.object(reply).get("Response")
        if not isinstance(response, dict):
            raise ConnectorError("Tencent Cloud answered without a response; try again later, or check the address")
        if "Error" in response:
            error = response["Error"]
            raise Answered(_word(error.get("Code") if isinstance(error, dict) else ""), reply.clock_off)
        return response

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + GAP
        await asyncio.sleep(mine - now)

    async def close(self) -> None:
        await self._calls.close()


def _request(response: dict[str, Any]) -> str:
    return str(response.get("RequestId") or "")[:100]


def _word(code: object) -> str:
    """A code as it may stand in a log."""
    return str(code) if CODE.fullmatch(str(code)) else "an error without a code"


@dataclass(frozen=True, slots=True)
class Export:
    """A file of a meeting's chat: what was said from `begins` to `ends`, Unix seconds as the platform writes them."""

    begins: str
    ends: str
    url: str


class Meeting:
    """Tencent Meeting's REST API with an enterprise's own application (document 1095/42413)."""

    def __init__(
        self,
        base_url: str,
        secret_id: str,
        secret_key: str,
        app_id: str,
        sdk_id: str,
        operator: str,
        download_hosts: Sequence[str],
        now: Now,
    ) -> None:
        self._base, self._now = base_url.rstrip("/"), now
        self._secret_id, self._secret_key = secret_id, secret_key
        self._who = {"AppId": app_id} | ({"SdkId": sdk_id} if sdk_id else {})
        self._operator, self._hosts = operator, tuple(download_hosts)
        self._calls = Calls("Tencent Meeting", now)

    async def exports(self, meeting: str, sub: str = "") -> list[Export]:
        """The files there are of a meeting's chat (document 1095/112924). Raises `Answered`, `TryLater`."""
        query = {"operator_id": self._operator, "operator_id_type": "1"} | ({"sub_meeting_id": sub} if sub else {})
        url = (URL(self._base) / "v1" / "meeting" / meeting / "im-details").with_query(query)
        reply, _ = await self._calls.ask("GET", url, self._signed("GET", url.raw_path_qs))
        if reply.status == 429:
            raise TryLater(60.0)
        answer = self._calls.object(reply)
        if "error_info" in answer or reply.status != 200:
            error = answer.get("error_info")
            raise Answered(_word(error.get("error_code") if isinstance(error, dict) else reply.status), reply.clock_off)
        files = answer.get("download_file")
        return [_export(one) for one in files[:100] if _has_url(one)] if isinstance(files, list) else []

    async def download(self, url: str) -> tuple[bytes, str]:
        """A file and its name. Raises `Refused` for an address that is not the platform's."""
        for _ in range(REDIRECTS):
            self._check(url)
            reply, moved = await self._calls.ask(
                "GET", URL(url, encoded=True), {}, longest=LARGEST_EXPORT, patience=DOWNLOADING
            )
            if moved:
                url = urljoin(url, moved)
            elif reply.status != 200:
                raise ConnectorError(f"Tencent Meeting's chat file cannot be fetched (HTTP {reply.status})")
            else:
                return reply.body, urlsplit(url).path.rsplit("/", 1)[-1]
        raise ConnectorError("Tencent Meeting's chat file moves from address to address; try again later")

    def _check(self, url: str) -> None:
        """Only encrypted and only from the platform, so that no answer can make us ask machines of this network."""
        try:
            parts = urlsplit(url)
            host, origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
        except ValueError:
            host, origin = "", ""
        ours = (
            parts.scheme == "https" and any(host == h or host.endswith(f".{h}") for h in self._hosts) if host else False
        )
        if not ours and origin not in self._hosts:
            raise Refused(
                "Tencent Meeting gave a chat file at an address that is not among download_hosts; add its host there "
                "if you trust it, or download the file yourself and use `floormic import`"
            )

    def _signed(self, method: str, uri: str) -> dict[str, str]:
        nonce, timestamp = str(random.randrange(1, 2**31)), str(int(self._now()))  # noqa: S311 (no secret)
        signature = signing.meeting(
            self._secret_id, self._secret_key, method=method, uri=uri, nonce=nonce, timestamp=timestamp, body=""
        )
        return {
            "Content-Type": "application/json",
            "X-TC-Key": self._secret_id,
            "X-TC-Timestamp": timestamp,
            "X-TC-Nonce": nonce,
            "X-TC-Signature": signature,
            "X-TC-Registered": "1",
            **self._who,
        }

    async def close(self) -> None:
        await self._calls.close()


def _has_url(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("download_url"), str) and len(one["download_url"]) < 4096


def _export(one: dict[str, Any]) -> Export:
    return Export(str(one.get("start_time", ""))[:20], str(one.get("end_time", ""))[:20], one["download_url"])
