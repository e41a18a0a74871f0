"""Calls to Kuaishou's open platform: the token, and binding a room so that its comments are pushed. Network only."""

import asyncio
import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot.connectors.kuaishou.signing import sign
from bot.connectors.kuaishou.troubles import (
    CLOCK_OFF,
    NO_PERMISSION,
    TOKEN_REFUSED,
    WEB_PAGE,
    clock,
    is_about_token,
    room_trouble,
    token_trouble,
)
from bot.errors import ConnectorError, Refused, TryLater
from bot.ports import Now

TOKEN_ROUTE = "/oauth2/access_token"  # noqa: S105 (no password)
LONGEST_ANSWER = 64 * 1024
ANSWER_SECONDS = 10.0
RENEW_BEFORE = 600.0
"""Seconds before a token's end at which a new one is asked for; at most a third of its life."""

LIMITED = 60.0
BOUND, UNBOUND = 1, 2

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object, and by how many seconds our clock is ahead of the platform's (0 where it does not tell)."""

    body: Json
    ahead: float

    @property
    def result(self) -> int:
        """1 means done."""
        result = self.body.get("result")
        return result if isinstance(result, int) else 0

    def text(self, *names: str) -> str:
        return " ".join(str(self.body[name]) for name in names if isinstance(self.body.get(name), str))


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    renew_at: float


class Client:
    """One app on the open platform. `bind_route` is that of the small plays (one address for all that is done), or one
    that ends in "/start", beside which there are "/stop" and "/status"."""

    def __init__(
        self,
        app_id: str,
        app_secret: str,
        room_code: str,
        *,
        base_url: str,
        bind_route: str,
        now: Now,
        answer: float = ANSWER_SECONDS,
    ) -> None:
        self._app_id, self._secret, self._room = app_id, app_secret, room_code
        self._base_url, self._route, self._now, self._seconds = base_url.rstrip("/"), bind_route, now, answer
        self._http: aiohttp.ClientSession | None = None
        self._token: Token | None = None
        self._round = ""

    async def token(self) -> str:
        """One that is good for a while. Raises `Refused` for a wrong app_secret."""
        if self._token is None or self._now() >= self._token.renew_at:
            self._token = await self._new_token()
        return self._token.value

    async def bind(self) -> None:
        """From now on the room's comments are pushed. Also where a former run left the room bound."""
        self._round = self._round or str(int(self._now()))
        try:
            await self._ask("start")
        except Refused:
            raise
        except TryLater:
            raise
        except ConnectorError:
            if await self._bound_already():
                return
            raise

    async def status(self) -> int:
        """`BOUND`, `UNBOUND`, or another number whose meaning is not known."""
        answer = await self._ask("status")
        body, data = answer.body, answer.body.get("data")
        if isinstance(data, str):
            body = _object(data) or body
        for name in ("taskStatus", "status"):
            if isinstance(body.get(name), int):
                return int(body[name])
        return 0

    async def unbind(self) -> None:
        await self._ask("stop")

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    async def _bound_already(self) -> bool:
        try:
            return await self.status() == BOUND
        except ConnectorError:
            return False  # what `start` said tells more

    async def _new_token(self) -> Token:
        form = {"app_id": self._app_id, "app_secret": self._secret, "grant_type": "client_credentials"}
        answer = await self._post(TOKEN_ROUTE, data=form)
        value = answer.body.get("access_token")
        if answer.result != 1 or not isinstance(value, str) or not value:
            raise token_trouble(answer.result, answer.text("error", "error_msg"))
        life = answer.body.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) and 0 < life < 10**8 else 3600.0
        return Token(value, self._now() + seconds - min(RENEW_BEFORE, seconds / 3))

    async def _ask(self, action: str) -> Answer:
        before = self._token
        query = {"app_id": self._app_id, "access_token": await self.token()}
        route, body = self._request(action)
        answer = await self._post(route, params=query, json=body)
        if answer.result == 1:
            return answer
        text = answer.text("error", "error_msg", "errorMsg", "errMsg")
        if abs(answer.ahead) > CLOCK_OFF:
            raise clock(answer.ahead)
        if is_about_token(text):
            fresh = self._token is not before
            self._token = None
            raise Refused(NO_PERMISSION) if fresh else ConnectorError(TOKEN_REFUSED)
        raise room_trouble(answer.result, text)

    def _request(self, action: str) -> tuple[str, Json]:
        body: Json = {"roomCode": self._room, "timestamp": int(self._now() * 1000)}
        if self._route.endswith("/start"):
            route = self._route.removesuffix("start") + action
            body["roundId"] = self._round
        else:
            route = self._route
            body |= {"moduleType": "bind", "actionType": action, "data": "{}"}
        body["sign"] = sign({**body, "app_id": self._app_id}, self._secret)
        return route, body

    async def _post(self, route: str, **content: Any) -> Answer:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._http.post(self._base_url + route, allow_redirects=False, **content) as response,
            ):
                return await self._read(response)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one; their texts hold the token
            raise ConnectorError(f"Kuaishou cannot be reached ({type(error).__name__}). Check the network.") from None

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        if response.status == 429:
            raise TryLater(_seconds(response.headers.get("Retry-After", "")))
        text = bytearray()
        async for piece in response.content.iter_any():
            text += piece
            if len(text) > LONGEST_ANSWER:
                raise ConnectorError("Kuaishou answers with far more than it should. Check base_url.")
        body = _object(bytes(text))
        if body is None:
            raise ConnectorError(WEB_PAGE.format(status=response.status))
        if response.status >= 500:
            raise ConnectorError(f"Kuaishou has a fault of its own (HTTP {response.status}). It is tried again.")
        return Answer(body, self._ahead(response.headers.get("Date", "")))

    def _ahead(self, date: str) -> float:
        try:
            return self._now() - parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return 0.0


def _object(text: bytes | str) -> Json | None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _seconds(text: str) -> float:
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() and len(text) < 6 else LIMITED
