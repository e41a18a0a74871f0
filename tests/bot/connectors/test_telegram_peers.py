"""Telegram against Bot API servers that others wrote: `telegram-test-api` (npm) by polling, `telemelya` by webhook."""

import asyncio
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fakeredis import TcpFakeServer

from bot.connectors.telegram import Telegram
from bot.model import Address, Button, Delivery
from tests.bot.connectors.listening import posted
from tests.fake_floor import FakeFloor, question
from tests.fake_telegram import TOKEN
from tests.waiting import until

pytestmark = pytest.mark.peer
PEERS = Path(__file__).parents[2] / "peers"
Json = dict[str, Any]
SECRET = "known-to-both"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def process(*command: str, port: int, environment: Json | None = None) -> AsyncIterator[None]:
    """A server process, from when it takes connections."""
    running = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | (environment or {}),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            assert running.returncode is None, "the peer did not start"
            await asyncio.sleep(0.1)
        yield
    finally:
        with suppress(ProcessLookupError):
            running.kill()
        await running.wait()


@asynccontextmanager
async def serving(route: str, handler: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", route, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def running(telegram: Telegram, floor: FakeFloor) -> AsyncIterator[None]:
    task = asyncio.create_task(telegram.run(floor))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await telegram.close()


# telegram-test-api


def bridged(method: str, answer: Json) -> Json:
    """What telegram-test-api leaves out or writes otherwise than Telegram."""
    result: Any = answer.get("result")
    if method == "getMe":
        answer["result"] = {**result, "is_bot": True}
    elif method == "sendMessage":
        kept = {key: result[key] for key in ("message_id", "chat", "text")}
        answer["result"] = {**kept, "date": result["date"] // 1000}
    elif method == "getUpdates":
        for query in (u["callback_query"] for u in result if "callback_query" in u):
            query["chat_instance"] = "1"
            query["message"] = {"message_id": 1, "date": 0, **query["message"]}
    elif result is None:
        answer["result"] = True
    return answer


class TestApi:
    """A person who writes to the bot by way of telegram-test-api."""

    __test__ = False
    user: Json = {"id": 7, "is_bot": False, "first_name": "Ann"}  # noqa: RUF012
    chat: Json = {"id": 7, "type": "private", "first_name": "Ann"}  # noqa: RUF012

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http = url, http

    async def post(self, path: str, body: Json) -> Any:
        async with self.http.post(f"{self.url}/{path}", json=body) as answer:
            return (await answer.json())["result"]

    async def says(self, text: str) -> None:
        common: Json = {"botToken": TOKEN, "from": self.user, "chat": self.chat, "date": int(time.time()), "text": text}
        if text.startswith("/"):
            entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
            await self.post("sendCommand", {**common, "entities": [entity]})
        else:
            await self.post("sendMessage", common)

    async def presses(self, data: str) -> None:
        message = {"from": self.user, "chat": self.chat}
        await self.post("sendCallback", {"botToken": TOKEN, "from": self.user, "message": message, "data": data})

    async def hears(self) -> list[Json]:
        rows = await self.post("getUpdatesHistory", {"token": TOKEN})
        return [row["message"] for row in rows if "chat_id" in row["message"]]


@asynccontextmanager
async def telegram_test_api() -> AsyncIterator[tuple[TestApi, str]]:
    """The person, and the address for the bot."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (PEERS / "node_modules" / "telegram-test-api").is_dir():
        pytest.skip("telegram-test-api is not installed: run npm ci in tests/peers")
    port = free_port()
    async with process(node, str(PEERS / "telegram_server.js"), str(port), port=port), aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{port}"

        async def bridge(request: web.Request) -> web.Response:
            headers = {"Content-Type": request.headers.get("Content-Type", "")}
            async with http.post(url + request.path, data=await request.read(), headers=headers) as answer:
                body = bridged(request.match_info["method"], await answer.json())
            if body["result"] == []:
                await asyncio.sleep(0.1)  # theirs never waits
            return web.json_response(body)

        async with serving("/bot{token}/{method}", bridge) as bridged_url:
            yield TestApi(url, http), bridged_url


async def test_a_conversation_by_polling() -> None:
    """Through telegram-test-api a person asks, is answered, sees the answer edited, and votes."""
    async with telegram_test_api() as (ann, url):
        floor = FakeFloor(question("q1", "为什么？", people=3))
        telegram = Telegram("telegram", TOKEN, "talk", base_url=f"{url}/bot", language="zh")
        async with running(telegram, floor):
            await ann.says("/ask 为什么天是蓝的？")
            await ann.says("and why is it red in the evening?")
            await ann.says("/questions")
            await until(lambda: len(floor.messages) == 2 and floor.deliveries)
            assert floor.texts == ["为什么天是蓝的？", "and why is it red in the evening?"]
            assert all(m.explicit and m.address and m.address.private for m in floor.messages)

            top = next(iter(floor.deliveries.values()))
            sent_id = await telegram.send(top)
            heard = (await ann.hears())[0]
            assert "1. 为什么？（3 人想知道）" in heard["text"]
            button = heard["reply_markup"]["inline_keyboard"][0][0]

            again = Delivery(top.key, "talk", top.address, "edited", top.buttons, sent_id=sent_id)
            assert await telegram.send(again) == sent_id
            assert [message["text"] for message in await ann.hears()] == ["edited"]

            await ann.presses(button["callback_data"])
            await until(lambda: floor.votes)
            assert floor.votes == {("q1", "7")}


# telemelya


@asynccontextmanager
async def telemelya() -> AsyncIterator[str]:
    """Its server, with a Redis in a thread and, for its pictures, a store that says yes to everything."""
    redis = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    redis.daemon_threads = True
    thread = threading.Thread(target=redis.serve_forever, daemon=True)
    thread.start()

    async def yes(request: web.Request) -> web.Response:
        return web.Response()

    port = free_port()
    try:
        async with serving("/{any:.*}", yes) as pictures:
            environment = {
                "REDIS_URL": f"redis://127.0.0.1:{redis.server_address[1]}/0",
                "MINIO_ENDPOINT": pictures.removeprefix("http://"),
                "STRICT_EDIT": "true",
            }
            command = ("-m", "uvicorn", "telemelya.server.app:app", "--host", "127.0.0.1", "--port", str(port))
            async with process(sys.executable, *command, port=port, environment=environment):
                yield f"http://127.0.0.1:{port}"
    finally:
        redis.shutdown()
        redis.server_close()


async def registered(http: aiohttp.ClientSession, info: str, webhook: str) -> None:
    while True:
        async with http.post(info) as answer:
            if (await answer.json())["result"]["url"] == webhook:
                return
        await asyncio.sleep(0.05)


async def test_a_conversation_by_webhook() -> None:
    """Through telemelya a person asks, is answered with a button, presses it, and sees the answer edited."""
    floor = FakeFloor(question("q1", people=2))
    async with telemelya() as url, aiohttp.ClientSession(headers={"Authorization": "Bearer any"}) as http:
        telegrams: list[Telegram] = []

        async def hook(request: web.Request) -> web.Response:
            # telemelya does not keep the secret that setWebhook gave it.
            headers = {**request.headers, "X-Telegram-Bot-Api-Secret-Token": SECRET}
            reply = await telegrams[0].hook(posted(headers, await request.read()))
            return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

        async def person(**what: Any) -> None:
            body = {"chat_id": 42, **what}
            async with http.post(f"{url}/api/v1/test/send_update", params={"bot_token": TOKEN}, json=body) as answer:
                assert (await answer.json())["delivery"]["status_code"] == 200

        async def heard() -> list[Json]:
            async with http.get(f"{url}/api/v1/test/responses") as answer:
                return list((await answer.json())["responses"])

        async def called(*methods: str) -> list[str]:
            while True:
                found = [response["method"] for response in await heard()]
                if set(methods) <= set(found):
                    return found
                await asyncio.sleep(0.05)

        async with serving("/in/telegram", hook) as ours:
            options: Json = {"mode": "webhook", "public_url": ours, "secret": SECRET, "language": "en"}
            telegram = Telegram("telegram", TOKEN, "talk", base_url=f"{url}/bot", **options)
            telegrams.append(telegram)
            async with running(telegram, floor):
                async with asyncio.timeout(10):
                    await registered(http, f"{url}/bot{TOKEN}/getWebhookInfo", f"{ours}/in/telegram")
                await person(text="Why is the sky blue?")
                await person(command="/help")
                assert floor.texts == ["Why is the sky blue?"]
                assert len(floor.deliveries) == 1

                address = Address("telegram", "42", floor.messages[0].external_id.split(":")[1], "42")
                buttons = (Button("not_answered", "q1", "This does not answer it"),)
                answer = Delivery("k", "talk", address, "Because of *scattering*.", buttons)
                sent_id = await telegram.send(answer)
                said = (await heard())[-1]
                assert (said["method"], said["text"]) == ("sendMessage", "Because of *scattering*.")
                data = said["reply_markup"]["inline_keyboard"][0][0]["callback_data"]

                await person(callback_data=data, callback_message_id=int(sent_id))
                await until(lambda: floor.not_answered_by)
                edited = Delivery("k", "talk", address, "Because of scattering.", buttons, sent_id=sent_id)
                assert await telegram.send(edited) == sent_id
                async with asyncio.timeout(10):  # the press is acknowledged beside what it did
                    methods = await called("answerCallbackQuery", "editMessageText")
                assert methods.count("sendMessage") == 1
