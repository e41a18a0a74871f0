"""Scripts in what people write: through every connector into every page, in a real browser, none of them runs."""

import asyncio
import html
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route

from bot.accounts import Actor, Grant
from bot.app import Hall, open_hall
from bot.app.sources import KINDS
from bot.model import Message, Session
from bot.settings import SessionSettings, Settings, WebSettings
from tests.bot.connectors.contract import Line, Rig, staged
from tests.bot.connectors.test_contract import RIGS, name_of
from tests.bot.encoders import SameWords
from tests.bot.web.browsing import BROWSER
from tests.bot.web.payloads import MARK, MARKUP, PAYLOADS, Watcher

pytestmark = BROWSER

quoted = partial(quote, safe="")
IMAGE = PAYLOADS[1]
FAQ = "# FAQ\n\n" + "".join(f"## {text}\n\n{text}\n\n" for text in PAYLOADS if "\u2028" not in text)
VTT = "WEBVTT\n\n" + "".join(
    f"00:00:{n:02}.000 --> 00:00:{n + 1:02}.000\n{text.replace('-->', '')}\n\n" for n, text in enumerate(PAYLOADS)
)


async def heard(kind: type[Rig]) -> list[Message]:
    """What the connector of this rig makes of every payload, said by somebody on its platform."""
    async with kind() as rig, staged(rig) as stage:
        for number, text in enumerate(PAYLOADS):
            await rig.say(Line("ann", text, f"raw-{number}"))
            if kind.kind == "satori":  # its texts are markup, in which what people type is escaped
                await rig.say(Line("bob", html.escape(text), f"typed-{number}"))
        await stage.hears("the end")
        return [message for message in stage.floor.messages if MARK in message.text]


@dataclass
class Evening:
    """A talk in which every text is a payload. `boss` is its organiser, as a program."""

    hall: Hall
    boss: aiohttp.ClientSession
    kinds: set[str]

    async def does(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        async with self.boss.request(method, "/api/v1" + path, json=body, **more) as answer:
            assert answer.status < 300, (method, path, await answer.text())
            return await answer.json()

    async def said(self) -> None:
        """Every connector brings every payload, from people who are called so too."""
        for kind in RIGS:
            messages = await heard(kind)
            assert len(messages) >= len(PAYLOADS), name_of(kind)
            self.kinds.add(kind.kind)
            named = [
                replace(one, explicit=True, author_name=PAYLOADS[n % len(PAYLOADS)], at=self.hall.now())
                for n, one in enumerate(messages)
            ]
            await self.hall.floor.receive(named)
        await self.hall.drained()

    async def answered(self) -> list[str]:
        """What staff write: titles, labels, reasons, answers, drafts; the ids of the questions."""
        talk = "/sessions/talk"
        ids = [question.id for question in await self.hall.store.questions("talk")]
        act = f"{talk}/actions"
        for n, text in enumerate(PAYLOADS[:4]):
            await self.does("POST", act, {"do": "label", "questions": [ids[n]], "labels": [text[:40]]})
            await self.does("POST", act, {"do": "assign", "questions": [ids[n]], "name": text[:60]})
            await self.does("PUT", f"{talk}/questions/{ids[n]}/draft", {"text": text})
        for n, text in enumerate(PAYLOADS[4:10], 4):
            await self.does("POST", act, {"do": "answer", "questions": [ids[n]], "text": text, "sources": [text]})
        for n, text in enumerate(PAYLOADS[10:12], 10):
            await self.does("POST", act, {"do": "dismiss", "questions": [ids[n]], "reason": text, "shown": True})
        return ids

    async def asked_back(self) -> None:
        """Polls, a word cloud, a survey and what came of them."""
        talk, store = "/sessions/talk", self.hall.store
        for kind in ("single", "words", "open"):
            options = list(PAYLOADS[:8]) if kind == "single" else []
            body = {"kind": kind, "title": IMAGE, "options": [text[:90] for text in options]}
            made = (await self.does("POST", f"{talk}/polls", body))["id"]
            await self.does("POST", f"{talk}/polls/{made}/actions", {"do": "start"})
            for n, text in enumerate(PAYLOADS if kind != "single" else ()):
                async with aiohttp.ClientSession(self.hall.url, headers={"Origin": self.hall.url}) as viewer:
                    path = f"/api/v1/sessions/talk/polls/{made}/vote"
                    async with viewer.put(path, json={"choices": [text[: 20 if kind == "words" else 200]]}) as voted:
                        assert voted.status in {200, 400}, (n, await voted.text())
        seen = (await self.does("GET", f"{talk}/survey/results"))["tag"]
        items = [
            {"kind": "single", "title": IMAGE, "options": [text[:90] for text in PAYLOADS[:6]]},
            {"kind": "open", "title": PAYLOADS[0]},
        ]
        await self.does("PUT", f"{talk}/survey", {"title": IMAGE, "items": items, "seen": seen})
        await self.does("POST", f"{talk}/survey/actions", {"do": "open"})
        (_, asked) = (await store.survey("talk")).items  # type: ignore[union-attr]
        for text in PAYLOADS:
            async with (
                aiohttp.ClientSession(self.hall.url, headers={"Origin": self.hall.url}) as viewer,
                viewer.put(f"/api/v1/sessions/talk/survey/answers/{asked.id}", json={"choices": [text]}) as answered,
            ):
                assert answered.status in {200, 400}

    async def taught(self) -> None:
        """Course entries and a transcript."""
        sent = await self.does("POST", f"/sessions/talk/course?name={quoted(IMAGE)}.md", data=FAQ.encode())
        await self.does("POST", "/sessions/talk/course/use", {"version": sent["version"]["id"]})
        await self.does("POST", f"/sessions/talk/transcript?name={quoted(IMAGE)}.vtt", data=VTT.encode())
        await self.hall.transcripts.searched("talk")

    async def invited(self) -> str:
        """People whose names are payloads; the address of an invitation for one more."""
        for text in PAYLOADS[:6]:
            token, _ = await self.hall.sign_in.invite([Grant("expert", "talk")], text[:60], 3600, Actor("", IMAGE))
            await self.hall.sign_in.enter(token, name=text[:60])
        token, _ = await self.hall.sign_in.invite([Grant("expert", "talk")], IMAGE, 3600, Actor("", IMAGE))
        return f"{self.hall.url}/signin/{token}"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Evening]:
    talk = SessionSettings(id="talk", title=IMAGE, speaker=PAYLOADS[0], series=PAYLOADS[2], language="en", ledger=True)
    settings = Settings(data=folder / "data", web=WebSettings(port=0), session=(talk,))
    async with (
        open_hall(settings, encoder=SameWords()) as hall,
        aiohttp.ClientSession(
            hall.url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": hall.url}
        ) as boss,
    ):
        await hall.loaded()
        async with boss.post(hall.link("organiser", "Boss")) as entered:
            assert entered.status == 200
        before = Session("before", PAYLOADS[1], PAYLOADS[2], starts_at=hall.now() - 86_400, language="en")
        await hall.desk.open_session("Lin", before)
        yield Evening(hall, boss, set())


STILL = f"""(least) => {{
  const shown = document.body.cloneNode(true);
  for (const data of shown.querySelectorAll("script, template")) data.remove();
  const many = shown.textContent.split({MARK!r}).length - 1;
  window.stillFor = many === window.lastMany ? (window.stillFor ?? 0) + 1 : 0;
  window.lastMany = many;
  return many >= least && window.stillFor > 9;
}}"""
"""Holds once at least so many payloads stand on the page and no more came for ten looks."""


async def settled(page: Page, least: int) -> None:
    """Until the page has drawn what it was sent."""
    await page.wait_for_load_state("load")
    await page.wait_for_function(STILL, arg=least, polling=50, timeout=20_000)


async def look(watcher: Watcher, page: Page, url: str, least: int = 1) -> list[str]:
    """Opens a page that shows at least so many payloads; what of them became markup."""
    await page.goto(url)
    await settled(page, least)
    return await watcher.foreign(page)


async def profile(browser: Browser, hall: Hall, watcher: Watcher, **more: Any) -> BrowserContext:
    """A browser profile in which the organiser is signed in, watched."""
    context = await browser.new_context(locale="en-US", service_workers="block", **more)
    context.set_default_timeout(20_000)
    page = await context.new_page()
    await page.goto(hall.link("organiser", IMAGE))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/")
    await page.close()
    await watcher.watch(context)
    return context


TALK = {
    "": 20, "board": 20, "stage": 2, "overlay": 1, "captions": 1, "remote": 5, "experts": 10, "polls": 20, "survey": 20,
    "feedback": 5, "settings": 3, "transcript": 20, "report": 60, "join": 1, "sources": 1,
}  # fmt: skip
"""The pages of a talk, and how many payloads each shows at least."""

SERIES = quoted(PAYLOADS[2])
PAGES = {
    "/": 2,
    "/people": 6,
    "/account": 0,
    f"/series/{SERIES}": 3,
    f"/series/{SERIES}/report": 20,
    "/sessions/new": 1,
}


async def through_the_pages(
    evening: Evening, context: BrowserContext, watcher: Watcher, ids: Sequence[str]
) -> list[str]:
    """Opens everything that shows what people wrote; what became markup."""
    hall, found = evening.hall, list[str]()
    invitation, page = await evening.invited(), await context.new_page()
    for id in ids[:4]:  # each on stage, where it is large, and over the picture
        await evening.does("POST", "/sessions/talk/actions", {"do": "stage", "questions": [id]})
        for path in ("stage", "overlay", "remote"):
            found += await look(watcher, page, hall.session_url("talk", path))
    for path, least in TALK.items():
        found += await look(watcher, page, hall.session_url("talk", path), least)
    for path, least in PAGES.items():
        found += await look(watcher, page, hall.url + path, least)
    found += await look(watcher, page, invitation)
    await page.goto(hall.session_url("talk", "board"))
    await settled(page, 20)
    for number in range(min(6, await page.locator(".row-open:visible").count())):
        await page.locator(".row-open:visible").nth(number).click()
        await page.locator("#panel .panel-title").wait_for()
        await settled(page, 20)
        found += await watcher.foreign(page)
    return found


async def until_told(watcher: Watcher, what: str) -> None:
    end = asyncio.get_running_loop().time() + 10
    while not watcher.told:
        assert asyncio.get_running_loop().time() < end, f"nothing was told of {what}"
        await asyncio.sleep(0.01)


@pytest.mark.asyncio(loop_scope="module")
async def test_no_text_runs_in_any_page(tmp_path: Path, browser: Browser) -> None:
    """Each payload by each kind of chat, as names, titles, answers, reasons, labels, drafts, options, words, course
    entries, lines of a transcript: on every page and in every report and file nothing runs, nothing is refused by the
    policy, for nothing became markup."""
    watcher = Watcher()
    async with opened(tmp_path) as evening:
        await evening.said()
        assert evening.kinds >= set(KINDS)
        ids = await evening.answered()
        await evening.asked_back()
        await evening.taught()
        context = await profile(browser, evening.hall, watcher)
        found = await through_the_pages(evening, context, watcher, ids)
        page = await context.new_page()
        for path in ("/s/talk/report", f"/series/{quoted(PAYLOADS[2])}/report"):  # mailed, and opened from a disk
            async with evening.boss.get(path, params={"download": "1"}) as answer:
                file = tmp_path / "report.html"
                file.write_bytes(await answer.read())
            found += await look(watcher, page, file.as_uri(), 20)
        async with evening.boss.get("/api/v1/audience/data?source=bilibili&id=none&format=html") as answer:
            assert answer.status == 404
        await context.close()
    assert found == []
    assert watcher.told == []


async def as_markup(text: str, route: Route) -> None:
    """The page is nothing but that text, with our headers."""
    await route.fulfill(response=await route.fetch(), body=f"<!doctype html><body>{text}</body>")


@pytest.mark.asyncio(loop_scope="module")
async def test_every_payload_is_live(tmp_path: Path, browser: Browser) -> None:
    """Negative control: as markup each of them runs where no policy stands, and where ours does none runs and the
    browser reports it."""
    async with opened(tmp_path) as evening:
        for bypass in (True, False):
            for text in MARKUP:
                watcher = Watcher()
                context = await browser.new_context(bypass_csp=bypass, service_workers="block")
                await watcher.watch(context)
                page = await context.new_page()

                await context.route("**/s/talk/join", partial(as_markup, text))
                await page.goto(evening.hall.session_url("talk", "join"))
                await until_told(watcher, text)
                assert bool(watcher.ran) is bypass, (text, watcher.told)
                await context.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_that_made_markup_of_texts_would_be_found(tmp_path: Path, browser: Browser) -> None:
    """Negative control: the board with `innerHTML` in the place of `textContent`: its policy holds the scripts back
    and the test sees them; without the policy they run."""

    async def careless(route: Route) -> None:
        answer = await route.fetch()
        text = (await answer.text()).replace("node.textContent = ", "node.innerHTML = ")
        assert text.count("innerHTML") == 2
        await route.fulfill(response=answer, body=text)

    async with opened(tmp_path) as evening:
        messages = [replace(one, explicit=True, at=evening.hall.now()) for one in await heard(RIGS[4])]
        await evening.hall.floor.receive(messages)
        await evening.hall.drained()
        for bypass in (True, False):
            watcher = Watcher()
            context = await profile(browser, evening.hall, watcher, bypass_csp=bypass)
            await context.route("**/dom.js", careless)
            page = await context.new_page()
            await page.goto(evening.hall.session_url("talk", "board"))
            await page.locator(".row").first.wait_for()
            await settled(page, 3)
            found = await watcher.foreign(page)
            await until_told(watcher, "the board")
            assert found
            assert bool(watcher.ran) is bypass, watcher.told
            await context.close()
