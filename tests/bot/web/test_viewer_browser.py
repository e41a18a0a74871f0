"""The viewer page on a phone: as an app, without a network, on a bad one, and for everyone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route, async_playwright, expect

from bot.app import open_hall
from bot.settings import SessionSettings, Settings, WebSettings
from bot.web.assets import Assets
from bot.web.rendering import HERE
from tests.bot.web.browsing import CHROMIUM, PHONE, Crowd, SameWords, open_crowd
from tests.bot.web.test_browser import ask, row

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]

expect.set_options(timeout=20_000)

NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_ABORTED", "Failed to load resource", "ERR_NETWORK_CHANGED")


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    """Whoever uses it also promises that no page complained, other than of the network that the test took away."""
    async with open_crowd(tmp_path) as opened:
        yield opened
        assert [wrong for wrong in opened.wrongs if not any(mark in wrong for mark in NETWORK)] == []


async def installed(page: Page) -> None:
    """Until the worker serves the page and keeps it."""
    await page.wait_for_function(
        """async () => navigator.serviceWorker.controller
           && Boolean(await caches.match(location.pathname, {ignoreSearch: true}))"""
    )


async def asked(crowd: Crowd) -> list[str]:
    """What the store was sent, each as often as it has it."""
    await crowd.hall.drained()
    return sorted(message.text for message, _ in await crowd.hall.store.placements("talk"))


async def reopened(context: BrowserContext, crowd: Crowd, page: Page) -> Page:
    """The tab is closed, and a new one opened."""
    await page.close()
    again = await context.new_page()
    await again.goto(crowd.hall.session_url("talk"))
    return again


async def test_questions_written_without_a_network_are_each_sent_once(crowd: Crowd) -> None:
    """The page opens without a network and shows what was seen last; two questions written then, over a closed tab,
    arrive once each when the network is back."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    viewer = await crowd.viewer(PHONE)
    context = viewer.context
    await ask(viewer, "What is on the menu?")
    await expect(viewer.locator("#count-mine")).to_have_text("1")
    await installed(viewer)
    await viewer.wait_for_function("() => JSON.parse(localStorage['floormic.seen.talk']).questions.length === 2")
    await viewer.wait_for_function("() => JSON.parse(localStorage['floormic.seen.talk']).mine.messages.length === 1")

    await context.set_offline(True)
    await ask(viewer, "Where can I park tonight?")
    viewer = await reopened(context, crowd, viewer)
    await expect(row(viewer, "recording").locator(".vote b")).to_have_text("3")
    await expect(viewer.locator("#connection")).to_have_attribute("data-state", "offline")
    await ask(viewer, "Which book should I read first?")
    await expect(viewer.locator("#composer-note")).to_contain_text("2 questions wait")
    await viewer.locator("#tab-mine").click()
    await expect(viewer.locator("#list-mine .mine")).to_have_count(3)
    viewer = await reopened(context, crowd, viewer)
    assert await asked(crowd) == ["Is there a recording of this talk?"] * 3 + ["What is on the menu?"]

    await context.set_offline(False)
    await expect(viewer.locator("#composer-note")).to_be_hidden()
    await expect(row(viewer, "Which book")).to_be_visible()
    viewer = await reopened(context, crowd, viewer)
    await expect(viewer.locator("#count-mine")).to_have_text("3")
    assert [text for text in await asked(crowd) if "recording" not in text] == [
        "What is on the menu?",
        "Where can I park tonight?",
        "Which book should I read first?",
    ]


async def test_a_reply_that_is_lost_doubles_nothing(crowd: Crowd) -> None:
    """The server took the question but its reply did not come back, twice: it is sent again and stored once."""
    viewer = await crowd.viewer(PHONE)
    tries = 0

    async def lose(route: Route) -> None:
        nonlocal tries
        tries += 1
        reply = await route.fetch()
        await (route.abort() if tries < 3 else route.fulfill(response=reply))

    await viewer.route("**/messages", lose)
    await ask(viewer, "Is there a recording of this talk?")
    await expect(viewer.locator(".toast", has_text="Received")).to_be_visible()
    assert tries == 3
    assert await asked(crowd) == ["Is there a recording of this talk?"]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("busy", {"status": 503, "headers": {"Retry-After": "1"}, "content_type": "text/html", "body": "<h1>Bad</h1>"}),
        ("sign in first", {"status": 200, "content_type": "text/html", "body": "<h1>Welcome to our Wi-Fi</h1>"}),
        ("sign in first", {"status": 404, "content_type": "text/html", "body": "<h1>Nothing here</h1>"}),
    ],
    ids=["busy", "portal", "portal-404"],
)
async def test_whoever_answers_in_the_servers_place_takes_no_question(
    crowd: Crowd, said: str, reply: dict[str, object]
) -> None:
    """A proxy's error and a Wi-Fi that wants a sign-in first: the person is told, and the question goes out later."""
    viewer = await crowd.viewer(PHONE)
    await viewer.route("**/messages", lambda route: route.fulfill(**reply))
    await ask(viewer, "Is there a recording of this talk?")
    await expect(viewer.locator("#composer-note")).to_contain_text("1 question waits")
    await expect(viewer.locator("#composer-note")).to_contain_text(said)
    await viewer.unroute("**/messages")
    await expect(viewer.locator("#composer-note")).to_be_hidden()
    assert await asked(crowd) == ["Is there a recording of this talk?"]


async def test_looking_up_never_holds_up_what_is_sent(crowd: Crowd) -> None:
    """While the preview hangs, and the list of my questions too, the question arrives."""
    viewer = await crowd.viewer(PHONE)
    hanging = asyncio.Event()

    async def hang(route: Route) -> None:
        await hanging.wait()
        await route.abort()

    await viewer.route("**/preview", hang)
    await viewer.route("**/mine", hang)
    async with viewer.expect_request("**/preview"):
        await viewer.locator("#ask").press_sequentially("Is there a recording of this talk?")
    await viewer.locator("#ask").press("Enter")
    await expect(viewer.locator(".toast", has_text="Received")).to_be_visible()
    assert await asked(crowd) == ["Is there a recording of this talk?"]
    hanging.set()


async def test_a_vote_counts_at_once_and_is_taken_back_where_it_fails(crowd: Crowd) -> None:
    """The number changes before the server answered; where it cannot be reached it goes back, and that is said."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    viewer = await crowd.viewer(PHONE)
    answer = asyncio.Event()

    async def hold(route: Route) -> None:
        await answer.wait()
        await route.abort()

    await viewer.route("**/vote", hold)
    vote = row(viewer, "recording").locator(".vote")
    await vote.click()
    await expect(vote.locator("b")).to_have_text("4")
    await expect(vote).to_have_attribute("aria-pressed", "true")
    answer.set()
    await expect(vote.locator("b")).to_have_text("3")
    await expect(vote).to_have_attribute("aria-pressed", "false")
    await expect(viewer.locator(".toast-bad")).to_contain_text("No connection")

    await viewer.locator("#ask").press_sequentially("is there a recording of this talk")
    await viewer.locator("#likely .button.primary").click()
    await expect(viewer.locator("#ask")).to_have_value("is there a recording of this talk")
    await viewer.unroute("**/vote")
    for _ in range(3):
        await vote.click()
    await expect(vote.locator("b")).to_have_text("4")
    await viewer.reload()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await expect(vote.locator("b")).to_have_text("4")


async def test_an_update_brings_its_scripts_to_pages_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is stopped, updated and started: a page left open on the old release comes anew by itself, runs the
    new scripts, then without a network too, and nothing of the old release is kept. What was half written stays."""
    talk = SessionSettings(id="talk", title="An evening talk", language="en")
    settings = Settings(data=tmp_path, web=WebSettings(port=0), session=(talk,))
    old, new = Assets(HERE / "static").release, "0" * 12
    ran = "performance.getEntriesByType('resource').map((one) => one.name).filter((name) => name.includes('/static/'))"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(locale="en-US")
        async with open_hall(settings, encoder=SameWords()) as hall:
            address, port = hall.session_url("talk"), int(hall.url.rpartition(":")[2])
            page = await context.new_page()
            await page.goto(address)
            await installed(page)
            await page.locator("#ask").fill("Is there a recor")
            await page.locator("#tab-open").focus()
        await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")

        plain = Assets.__init__

        def updated(self: Assets, folder: Path) -> None:
            plain(self, folder)
            self.release = new

        monkeypatch.setattr(Assets, "__init__", updated)
        settings = Settings(data=tmp_path, web=WebSettings(port=port), session=(talk,))
        async with open_hall(settings, encoder=SameWords()):
            await page.evaluate("dispatchEvent(new Event('online'))")  # else it waits for its own next try
            await page.wait_for_function(f"() => {ran}.every((name) => name.includes('{new}'))")
            await page.wait_for_function(f"async () => (await caches.keys()).join() === 'floormic-{new}'")
            await installed(page)
            await expect(page.locator("#ask")).to_have_value("Is there a recor")
        await page.reload()
        await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        scripts = await page.evaluate(ran)
        assert len(scripts) > 5
        assert [name for name in scripts if new not in name] == []
        assert old != new
        await browser.close()


async def test_what_is_for_staff_is_not_kept_on_the_device(crowd: Crowd) -> None:
    """A moderator's viewer page, their questions and every other page leave nothing on the device."""
    await crowd.asks("Is there a recording of this talk?")
    viewer = await crowd.moderator(PHONE, page="")
    await viewer.goto(crowd.hall.session_url("talk"))
    await viewer.wait_for_function("async () => navigator.serviceWorker.controller")
    await expect(row(viewer, "recording")).to_be_visible()
    await viewer.reload()
    await viewer.goto(crowd.hall.session_url("talk", "board"))
    await viewer.wait_for_timeout(1500)  # longer than it takes to be kept
    kept = await viewer.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
             (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()"""
    )
    assert kept
    assert [path for path in kept if not path.startswith("/static/")] == []
    assert "floormic.seen.talk" not in await viewer.evaluate("Object.keys(localStorage)")
