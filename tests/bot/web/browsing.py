"""People with browsers in front of the whole program."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

from bot.app import Hall, open_hall
from bot.model import Answer, Change, Message, Mode, Status
from bot.ports import Connector
from bot.settings import AfterSettings, SessionSettings, Settings, WebSettings
from tests.bot.encoders import SameWords

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((p for p in map(shutil.which, BROWSERS) if p), None)
"""The shell draws and runs pages as the others do, in half of their time: it has no windows and menus to look after."""

COMPOSED = ({"key": "Enter", "isComposing": True}, {"key": "Enter", "keyCode": 229})
"""The Enter that takes what an input method composes, as most browsers tell of it, and as Safari does."""

BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.asyncio(loop_scope="module"),  # all tests of a file share one browser, each with profiles of its own
]
"""The marks of a file of browser tests."""

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
EVERYWHERE = pytest.mark.parametrize(
    ("size", "language"),
    [
        pytest.param(DESK, "en-US", id="desk-en"),
        pytest.param(PHONE, "zh-CN", id="phone-zh"),
        pytest.param(DESK, "zh-CN", id="desk-zh", marks=pytest.mark.thorough),
        pytest.param(PHONE, "en-US", id="phone-en", marks=pytest.mark.thorough),
    ],
)
"""Both sizes and both languages; two of the four pairs are enough for every day."""


@dataclass
class Crowd:
    """Opens pages for people, each with an own browser profile. `wrongs`: what the pages complained about."""

    hall: Hall
    browser: Browser
    wrongs: list[str] = field(default_factory=list)
    said: int = 0

    async def answered(self, title: str, text: str, at: float, by: str = "course") -> None:
        """Somebody answered this question at that time, or the course did."""
        await self.change(title, answer=Answer(text, by, at), status=Status.ANSWERED)

    async def staged(self, title: str) -> None:
        """It is on stage."""
        await self.change(title, status=Status.ON_STAGE)

    async def change(self, title: str, **change: Any) -> None:
        """The question is changed, as by somebody at the board."""
        before = next(q.state for q in await self.hall.store.questions("talk") if q.title == title)
        after = replace(before, **change)
        await self.hall.store.apply(Change("talk", 100.0, "Ann", "test", ((before, after),)))
        self.hall.live.changed("talk")

    async def profile(self, size: dict[str, int] = DESK, language: str = "en-US", **more: Any) -> BrowserContext:
        narrow = size["width"] < 700
        context = await self.browser.new_context(
            viewport=size, locale=language, has_touch=narrow, is_mobile=narrow, **more
        )
        context.set_default_timeout(20_000)
        context.on("weberror", lambda error: self.wrongs.append(str(error.error)))
        context.on("console", lambda line: line.type == "error" and self.wrongs.append(line.text))
        context.on("dialog", lambda dialog: self.wrongs.append(f"a script ran: {dialog.message}"))
        return context

    async def viewer(self, size: dict[str, int] = DESK, language: str = "en-US", **more: Any) -> Page:
        page = await (await self.profile(size, language, **more)).new_page()
        await page.goto(self.hall.session_url("talk"))
        await page.locator("#connection[data-state=live]").wait_for(state="attached")
        return page

    async def moderator(self, size: dict[str, int] = DESK, language: str = "en-US", page: str = "board") -> Page:
        opened = await (await self.profile(size, language)).new_page()
        await opened.goto(self.hall.link("moderator", "Ann"))
        await opened.get_by_role("button", name="Sign in" if language.startswith("en") else "登录").click()
        await opened.goto(self.hall.session_url("talk", page))
        await opened.locator("#connection[data-state=live]").wait_for(state="attached")
        return opened

    async def asks(self, text: str, people: int = 1) -> None:
        """Somebody (or several) asks the same in a chat; returns when it is in the queue."""
        first = self.said
        self.said += people
        await self.hall.floor.receive(
            [
                Message("talk", "chat", f"c{n}", f"u{n}", f"Person {n}", text, self.hall.now(), explicit=True)
                for n in range(first, self.said)
            ]
        )
        await self.hall.drained()

    def different(self, first: int, end: int) -> list[Message]:
        """As many different questions, one person each."""
        return [
            Message("talk", "chat", f"d{n}", f"d{n}", f"Person {n}", f"What is number {n}?", 1000.0 + n, explicit=True)
            for n in range(first, end)
        ]

    async def says(self, text: str, author: str) -> None:
        """Somebody says something in the chat."""
        self.said += 1
        sent = Message("talk", "chat", f"c{self.said}", author, "Person", text, self.hall.now())
        await self.hall.floor.receive([sent])


class Slow:
    """A network on which what a page sends waits until it is let go. `sent`: the addresses of what came so far."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._free = asyncio.Event()

    def let_go(self) -> None:
        """All of it, and what comes later at once."""
        self._free.set()

    async def take(self, route: Route) -> None:
        self.sent.append(route.request.url)
        await self._free.wait()
        await route.continue_()


async def slow_down(page: Page, path: str) -> Slow:
    """From now on what this page sends to such addresses waits."""
    slow = Slow()
    await page.route(path, slow.take)
    return slow


class Late:
    """Holds what the server said first on its way until it is let go; what is asked for later comes at once."""

    def __init__(self) -> None:
        self._asked = False
        self._said, self._free, self._come = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def said(self) -> None:
        """Until the server has said it."""
        await asyncio.wait_for(self._said.wait(), 20)

    async def let_go(self, page: Page) -> None:
        """It comes in, and the page has done with it what it does."""
        self._free.set()
        await asyncio.wait_for(self._come.wait(), 20)
        await page.wait_for_timeout(300)

    async def take(self, route: Route) -> None:
        if self._asked:
            await route.continue_()
            return
        self._asked = True
        answer = await route.fetch()
        self._said.set()
        await self._free.wait()
        await route.fulfill(response=answer)
        self._come.set()


async def come_late(page: Page, path: str | re.Pattern[str]) -> Late:
    """What is read from such an address next comes late on this page."""
    late = Late()
    await page.route(path, late.take)
    return late


class Line:
    """A network between browsers and the program that can be cut, at an address of its own. The browser's own "offline"
    does not do for this: it ends, and says so to the page, the moment before a page is closed."""

    def __init__(self, url: str) -> None:
        self._to = int(url.rpartition(":")[2])
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def mend(self) -> None:
        """From now on, at the same address, everything passes."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """What is open breaks off, and nobody is let in."""
        assert self._server is not None
        self._server.close()
        for end in list(self._open):
            end.transport.abort()
        await self._server.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._open.add(sink)
        try:
            with suppress(OSError):
                while some := await source.read(65536):
                    sink.write(some)
                    await sink.drain()
        finally:
            self._open.discard(sink)
            sink.close()


@asynccontextmanager
async def open_line(url: str) -> AsyncIterator[Line]:
    """A line to the program at `url`, open."""
    line = Line(url)
    await line.mend()
    try:
        yield line
    finally:
        await line.cut()


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def open_crowd(
    folder: Path,
    grouping: Mode = Mode.AUTO,
    chats: Sequence[Connector] = (),
    fresh: bool = False,
    browser: Browser | None = None,
    after: AfterSettings | None = None,
) -> AsyncIterator[Crowd]:
    """The program with one session, "talk" (`fresh`: none yet), these chats, and a browser: an own one, or this one, of
    which nothing but its profiles is closed. `after`: what is told after the talk, and when."""
    talk = SessionSettings(id="talk", title="An evening talk", speaker="Dr. Lin", language="en", grouping=grouping)
    settings = Settings(
        data=folder / "data", web=WebSettings(port=0), session=() if fresh else (talk,), after=after or AfterSettings()
    )
    async with (
        open_hall(settings, encoder=SameWords(), extra=lambda _: chats) as hall,
        nullcontext(browser) if browser else open_browser() as opened,
    ):
        await hall.drained()  # what a test places itself, the program is not to place before it
        yield Crowd(hall, opened)
        for profile in opened.contexts:
            await profile.close()
