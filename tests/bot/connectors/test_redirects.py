"""An address that sends us on to another host gets nothing of ours carried there: no key, no token, no text."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from bot.connectors.bilibili.client import Client as Bilibili
from bot.connectors.dingtalk import DingTalk
from bot.connectors.kuaishou.connector import KuaishouFeed
from bot.connectors.kuaishou.feed import Pass
from bot.connectors.satori.client import Client as Satori
from bot.connectors.slack import Slack
from bot.connectors.wecom.connector import WeCom
from bot.errors import ConnectorError
from tests.fake_floor import FakeFloor


class Places:
    """A server that sends everybody on to another one, which keeps all it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def __aenter__(self) -> "Places":
        elsewhere = web.Application()
        elsewhere.router.add_route("*", "/{rest:.*}", self._listen)
        self._elsewhere = TestServer(elsewhere)
        await self._elsewhere.start_server()
        front = web.Application()
        front.router.add_route("*", "/{rest:.*}", self._move)
        self._front = TestServer(front)
        await self._front.start_server()
        self.url, self.socket = str(self._front.make_url("")), f"ws://127.0.0.1:{self._front.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._front.close()
        await self._elsewhere.close()

    async def _move(self, request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"http://localhost:{self._elsewhere.port}{request.path_qs}")

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        self.told.append(f"{request.method} {dict(request.headers)} {await request.text()}")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.json_response({})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            self.told.append(str(message.data) if message.type is WSMsgType.TEXT else "bytes")
            await socket.close()
        return socket


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    async with Places() as found:
        yield found


async def wecom(to: Places) -> None:
    connector = WeCom("wecom", "bot", "a-secret", "talk", socket_url=to.socket, patience=1.0)
    try:
        await connector.introduce()
    finally:
        await connector.close()


async def kuaishou(to: Places) -> None:
    await KuaishouFeed("kuaishou", Pass(to.socket, "a-secret", "stream", "page"), "talk", patience=1.0).introduce()


async def bilibili(to: Places) -> None:
    client = Bilibili(to.url, "key", "a-secret", lambda: 0.0)
    try:
        await client.connect(to.socket, "a-secret", 1.0)
    finally:
        await client.close()


async def satori(to: Places) -> None:
    client = Satori(to.url, "a-secret")
    try:
        async with client.listening(None):
            pass
    finally:
        await client.close()


async def satori_call(to: Places) -> None:
    client = Satori(to.url, "a-secret")
    try:
        await client.call("message.create", ("discord", "1"), {"content": "what somebody asked"})
    finally:
        await client.close()


async def dingtalk(to: Places) -> None:
    connector = DingTalk("dingtalk", "id", "a-secret", "talk", base_url=to.url.rstrip("/"))
    try:
        await connector.run(FakeFloor())
    finally:
        await connector.close()


async def slack(to: Places) -> None:
    connector = Slack("slack", "a-secret", "a-secret", "talk", base_url=to.url)
    try:
        await connector.introduce()
    finally:
        await connector.close()


@pytest.mark.parametrize("ask", [wecom, kuaishou, bilibili, satori, satori_call, dingtalk, slack])
async def test_nothing_is_carried_to_another_host(places: Places, ask: Callable[[Places], Awaitable[None]]) -> None:
    """What answers with a redirect is told to be no such platform, and where it points hears nothing at all."""
    with pytest.raises(ConnectorError) as raised:
        await ask(places)
    assert "a-secret" not in str(raised.value)
    assert places.told == []
