"""The listener in a browser, on a page that polls as the live console does, before a real intake."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright

from bot.connectors.channels import Channels
from bot.connectors.channels.connector import listener
from tests.bot.connectors.listening import posted, running
from tests.bot.connectors.test_channels import SECRET, item, new_answer, old_answer
from tests.bot.web.browsing import CHROMIUM
from tests.fake_floor import FakeFloor
from tests.waiting import until

pytestmark = pytest.mark.browser
Json = dict[str, Any]

CONSOLE = """<!doctype html><meta charset="utf-8"><title>console</title><body><script>
const url = "/micro/live/cgi-bin/mmfinderassistant-bin/live/msg?_rid=1";
const body = JSON.stringify({liveId: "77", liveCookies: ""});
window.answers = [];
async function byFetch() {
  const answer = await fetch(url, {method: "POST", body});
  window.answers.push((await answer.json()).errCode);
}
function byXhr(type) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = type;
    request.onload = () => { window.answers.push(request.status); done(); };
    request.send(body);
  });
}
async function poll() {
  for (;;) {
    await {fetch: byFetch, text: () => byXhr("text"), json: () => byXhr("json")}[%s]();
    await new Promise((done) => setTimeout(done, 50));
  }
}
poll();
</script>"""

FRAMED = """<!doctype html><title>console</title><body><iframe src="/inner"></iframe>"""

MANAGER = """
window.asked = 0;
window.GM_xmlhttpRequest = async (wanted) => {
  window.asked += 1;
  let data = wanted.data;
  if (data instanceof Blob) data = {bytes: Array.from(new Uint8Array(await data.arrayBuffer()))};
  const status = await window.carry({...wanted, data});
  if (status) wanted.onload({status}); else wanted.onerror({});
};
"""
"""Stands for the script manager's: it is carried by the test, which no origin holds back."""


class Stage:
    """A console to poll, an intake behind another origin, and the page that stands between them."""

    def __init__(self) -> None:
        self.floor = FakeFloor()
        self.channels = Channels("channels", SECRET, "talk", now=time.time)
        self.answers: list[Json] = []
        self.statuses: list[int] = []
        self.down = False
        self.style = "fetch"
        self.posts: list[Json] = []
        self.preflights = 0
        self.console = self.address = ""

    async def serve_console(self, request: web.Request) -> web.Response:
        if request.path.endswith("/live/msg"):
            answer = self.answers.pop(0) if self.answers else old_answer()
            return web.json_response(answer)
        if request.path == "/framed":
            return web.Response(text=FRAMED, content_type="text/html")
        return web.Response(text=CONSOLE.replace("%s", json.dumps(self.style)), content_type="text/html")

    async def serve_intake(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            self.preflights += 1
            return web.Response(status=405)
        if self.down:
            return web.Response(status=502)
        body = await request.read()
        self.posts.append({"headers": dict(request.headers), "query": dict(request.query), "body": body})
        reply = await self.channels.hook(posted(request.headers, body, request.method, **dict(request.query)))
        self.statuses.append(reply.status)
        return web.Response(status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type})

    async def carry(self, wanted: Json) -> int:
        data = wanted["data"]
        body = bytes(data["bytes"]) if isinstance(data, dict) else data.encode()
        async with aiohttp.ClientSession() as http:
            with suppress(aiohttp.ClientError):
                async with http.post(wanted["url"], data=body, headers=wanted["headers"]) as answer:
                    return answer.status
        return 0

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, why=lambda: (self.floor.texts, self.statuses, self.floor.heard))


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def staged(*, manager: bool = True, secret: str = SECRET) -> AsyncIterator[tuple[Stage, Page]]:
    """The page has the script from its very beginning, as a script manager gives it."""
    stage = Stage()
    async with serving(stage.serve_console) as console, serving(stage.serve_intake) as intake:
        stage.console, stage.address = console, f"{intake}/in/channels"
        async with running(stage.channels, stage.floor), async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page(locale="en-US")
            if manager:
                await page.expose_function("carry", stage.carry)
                await page.add_init_script(MANAGER)
            script = listener(stage.address, secret)
            await page.add_init_script(f"if (window === window.top) {{ {script} }}")
            yield stage, page
            await browser.close()


@pytest.mark.parametrize("style", ["fetch", "text", "json"])
async def test_what_the_console_polls_is_forwarded(style: str) -> None:
    """Comments in both shapes arrive once and in order however the page asks, and the page notices nothing."""
    async with staged() as (stage, page):
        stage.style = style
        stage.answers = [
            old_answer(item("为什么天是蓝的？", 1), item("来了", 2, type=10005)),
            old_answer(),
            new_answer(item("为什么天是蓝的？", 1), item("And why is it red?", 3)),
        ]
        await page.goto(stage.console)
        await stage.until(lambda: len(stage.floor.messages) == 2)
        assert [m.external_id for m in stage.floor.messages] == ["77:comment_1", "77:comment_3"]
        assert stage.floor.texts == ["为什么天是蓝的？", "And why is it red?"]
        assert stage.floor.heard[-1] == "connected"
        assert await page.evaluate("answers.length >= 3 && answers.every((a) => a === 0 || a === 200)")
        assert stage.preflights == 0
        sign = page.locator("#floormic-listener div")
        await sign.wait_for()
        assert (await sign.text_content() or "").startswith("Floormic: connected")
        assert len(stage.posts) == 2  # the silence between them is not worth a post
        assert "key" not in stage.posts[0]["query"]


async def test_a_console_in_a_frame_is_heard() -> None:
    """The console puts its live part into a frame of its own origin, which the script finds."""
    async with staged() as (stage, page):
        # What the first answers held before the frame was found comes again with the next ones.
        await page.goto(f"{stage.console}/framed")
        await asyncio.sleep(0.5)
        stage.answers = [old_answer(item("in a frame?", 1))]
        await stage.until(lambda: stage.floor.texts == ["in a frame?"])


async def test_without_a_script_manager_it_arrives_all_the_same() -> None:
    """The page's own fetch sends a simple request with the secret in the address: nothing has to be permitted."""
    async with staged(manager=False) as (stage, page):
        stage.answers = [old_answer(item("without a manager?", 1))]
        await page.goto(stage.console)
        await stage.until(lambda: stage.floor.texts == ["without a manager?"])
        assert stage.preflights == 0
        assert stage.posts[0]["query"] == {"key": SECRET}
        assert "Cookie" not in stage.posts[0]["headers"]


async def test_what_cannot_be_delivered_waits() -> None:
    """While Floormic is away comments wait in the page, the sign says so, and afterwards they come in order."""
    async with staged() as (stage, page):
        stage.down = True
        stage.answers = [old_answer(item("first?", 1)), old_answer(item("second?", 2))]
        await page.goto(stage.console)
        await page.get_by_text("cannot be reached").wait_for()
        assert stage.floor.messages == []
        stage.down = False
        await stage.until(lambda: stage.floor.texts == ["first?", "second?"])
        await page.get_by_text("connected, 2 forwarded").wait_for()


async def test_a_wrong_secret_is_shown() -> None:
    """The broadcaster sees on the page that the script does not fit."""
    async with staged(secret="another-secret-entirely") as (stage, page):
        stage.answers = [old_answer(item("?", 1))]
        await page.goto(stage.console)
        await page.get_by_text("wrong secret").wait_for()
        assert stage.floor.messages == []


async def test_a_long_backlog_is_packed() -> None:
    """What a console gets when it is opened late may be longer than the intake takes unpacked."""
    async with staged() as (stage, page):
        items = [item(f"question number {n}?", n, headUrl="https://pictures.example/" + "a" * 900) for n in range(400)]
        stage.answers = [old_answer(*items)]
        await page.goto(stage.console)
        await stage.until(lambda: len(stage.floor.messages) == 400)
        assert stage.posts[0]["body"].startswith(b"\x1f\x8b")


async def test_an_expired_login_reaches_the_organiser() -> None:
    """An error of the console is forwarded as well."""
    async with staged() as (stage, page):
        stage.answers = [{"errCode": 300330, "errMsg": "", "data": None}]
        await page.goto(stage.console)
        await stage.until(lambda: any("login" in heard for heard in stage.floor.heard))


async def test_the_script_that_is_handed_out_is_the_one_that_works() -> None:
    """What the address shows in the browser can be installed as it is."""
    async with staged() as (stage, page):
        answer = await page.goto(f"{stage.address}?key={SECRET}")
        assert answer
        text = await answer.text()
        assert text == listener(stage.address, SECRET)
        assert text.startswith("// ==UserScript==")
        assert "// @grant        GM_xmlhttpRequest" in text
