"""The viewer page on a phone: as an app, without a network, on a bad one, and for everyone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from bot.app import Hall, open_hall
from bot.model import Message, Status
from bot.settings import SessionSettings, Settings, WebSettings
from bot.web import open_files
from bot.web.assets import Assets
from bot.web.rendering import HERE
from tests.bot.encoders import SameWords
from tests.bot.web.browsing import BROWSER, CHROMIUM, COMPOSED, PHONE, Crowd, come_late, open_crowd, open_line
from tests.bot.web.test_browser import ask, row
from tests.measure.viewer import LIMIT, Profile, fill, visit
from tests.waiting import until

pytestmark = BROWSER

expect.set_options(timeout=20_000)

TOLD = """(of) => {
  window.told = [];
  new MutationObserver(() => told.push(document.querySelector(of).textContent))
    .observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
"""From now on the page notes what this says, whenever something changes."""

NETWORK = (
    "ERR_INTERNET_DISCONNECTED",
    "ERR_FAILED",
    "ERR_ABORTED",
    "Failed to load resource",
    "ERR_NETWORK_CHANGED",
    "ERR_CONNECTION",
)


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, browser: Browser) -> AsyncIterator[Crowd]:
    """Whoever uses it also promises that no page complained, other than of the network that the test took away."""
    async with open_crowd(tmp_path, browser=browser) as opened:
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


async def reopened(page: Page) -> Page:
    """The tab is closed, and a new one opened."""
    again = await page.context.new_page()
    address = page.url
    await page.close()
    await again.goto(address)
    return again


async def test_questions_written_without_a_network_are_each_sent_once(crowd: Crowd) -> None:
    """The page opens without a network and shows what was seen last; two questions written then, over a closed tab,
    arrive once each when the network is back."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    async with open_line(crowd.hall.url) as line:
        viewer = await (await crowd.profile(PHONE)).new_page()
        await viewer.goto(f"{line.url}/s/talk")
        await ask(viewer, "What is on the menu?")
        await expect(viewer.locator("#count-mine")).to_have_text("1")
        await installed(viewer)
        for kept in ("questions.length === 2", "mine?.messages.length === 1"):
            await viewer.wait_for_function(f"() => JSON.parse(localStorage['floormic.seen.talk'] ?? null)?.{kept}")

        await line.cut()
        await ask(viewer, "Where can I park tonight?")
        viewer = await reopened(viewer)
        await expect(row(viewer, "recording").locator(".vote b")).to_have_text("3")
        await expect(viewer.locator("#connection")).to_have_attribute("data-state", "offline")
        await ask(viewer, "Which book should I read first?")
        await expect(viewer.locator("#composer-note")).to_contain_text("2 questions wait")
        await viewer.locator("#tab-mine").click()
        await expect(viewer.locator("#list-mine .mine")).to_have_count(3)
        viewer = await reopened(viewer)
        await expect(viewer.locator("#composer-note")).to_contain_text("2 questions wait")
        assert await asked(crowd) == ["Is there a recording of this talk?"] * 3 + ["What is on the menu?"]

        await line.mend()
        await expect(viewer.locator("#composer-note")).to_be_hidden()
        await expect(row(viewer, "Which book")).to_be_visible()
        viewer = await reopened(viewer)
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


async def test_a_refused_question_can_be_mended_and_sent_again(crowd: Crowd) -> None:
    """Its button says so and brings its text back into the field, before what is half written there."""
    viewer = await crowd.viewer(PHONE)
    refusal = {"code": "bad_input", "error": "this cannot be used"}
    await viewer.route("**/messages", lambda route: route.fulfill(status=400, json=refusal))
    await ask(viewer, "What is on the menu?")
    await viewer.locator("#tab-mine").click()
    await viewer.locator("#ask").fill("Which book")
    await viewer.locator("#list-mine").get_by_role("button", name="Edit and send again").click()
    await expect(viewer.locator("#ask")).to_have_value("What is on the menu?\nWhich book")
    await expect(viewer.locator("#list-mine .mine")).to_have_count(0)


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
    await expect(viewer.locator(".toast-bad")).to_contain_text("did not reply")

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


async def test_what_was_read_before_a_vote_does_not_take_it_back(crowd: Crowd) -> None:
    """My votes and the queue were asked for before the vote and come in after it: it stands all the while."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    viewer = await crowd.viewer(PHONE)
    vote = row(viewer, "recording").locator(".vote")
    await expect(vote.locator("b")).to_have_text("3")
    mine = await come_late(viewer, "**/talk/mine")
    queue = await come_late(viewer, re.compile(r"/talk/questions\?since=0"))
    await viewer.locator("#tab-mine").click()
    await viewer.evaluate("dispatchEvent(new Event('online'))")
    await asyncio.gather(mine.said(), queue.said())
    await viewer.locator("#tab-open").click()
    async with viewer.expect_response("**/vote"):
        await vote.click()
    await viewer.wait_for_timeout(500)  # until the page has drawn what that said
    await viewer.evaluate(TOLD, ".vote b")
    await mine.let_go(viewer)
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await queue.let_go(viewer)
    assert set(await viewer.evaluate("told")) <= {"4"}
    await expect(vote).to_have_attribute("aria-pressed", "true")


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


async def test_a_first_visit_is_light_and_reads_without_scripts(crowd: Crowd) -> None:
    """With a full queue: less than 150 KB over the wire, no file that is asked for only after a script was read, and
    the first answer alone says what is on stage and what is asked, in the browser's language."""
    await fill(crowd, 40)
    seen = await visit(crowd.browser, crowd.hall.session_url("talk"), Profile(0, 0, 0))
    assert 10_000 < seen.weight < LIMIT
    files = [one for one in seen.requests if "/api/" not in one[0]]
    assert len(files) > 20
    assert seen.late == []
    blind = await (await crowd.profile(PHONE, "zh-CN", java_script_enabled=False)).new_page()
    await blind.goto(crowd.hall.session_url("talk"))
    await expect(blind.locator("#list-open .row")).to_have_count(10)
    await expect(blind.locator("#onstage-title")).to_have_text("台上还没有问题")
    await expect(blind.locator("#count-open")).to_have_text("40")


async def test_what_is_typed_and_sent_before_the_scripts_are_there_is_sent(crowd: Crowd) -> None:
    """On a slow network somebody writes and presses send while the scripts are still loading."""
    scripts = asyncio.Event()

    async def hold(route: Route) -> None:
        await scripts.wait()
        await route.continue_()

    page = await (await crowd.profile(PHONE)).new_page()
    await page.route("**/viewer.js", hold)
    await page.goto(crowd.hall.session_url("talk"), wait_until="commit")
    await page.locator("#ask").fill("Is there a recording of this talk?")
    await page.locator("#send").click()
    scripts.set()
    await expect(page.locator(".toast", has_text="Received")).to_be_visible()
    assert await asked(crowd) == ["Is there a recording of this talk?"]


async def test_a_pasted_novel_is_not_cut_but_refused_with_its_length(crowd: Crowd) -> None:
    """What is too long stays in the field, with how much is too much; made shorter it goes."""
    viewer = await crowd.viewer(PHONE)
    await viewer.locator("#ask").fill("为什么？" * 600)
    await expect(viewer.locator("#ask-length")).to_contain_text("400 characters too many")
    await viewer.locator("#ask").press("Enter")
    assert len(await viewer.locator("#ask").input_value()) == 2400
    assert await viewer.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    await viewer.locator("#ask").fill("为什么？" * 500)
    await viewer.locator("#ask").press("Enter")
    await expect(viewer.locator(".toast", has_text="Received")).to_be_visible()
    assert await asked(crowd) == ["为什么？" * 500]


async def test_an_asker_reads_why_a_question_was_set_aside(crowd: Crowd) -> None:
    """The reason the moderator shows stands with the question; the public ledger appears once it is switched on."""
    viewer = await crowd.viewer(PHONE)
    await ask(viewer, "What is on the menu?")
    await expect(row(viewer, "menu")).to_be_visible()
    await crowd.change("What is on the menu?", status=Status.DISMISSED, reason="Not about the talk", reason_shown=True)
    await viewer.locator("#tab-mine").click()
    await expect(viewer.locator("#list-mine .mine")).to_contain_text("Set aside: Not about the talk")
    await expect(viewer.locator("#ledger-open")).to_be_hidden()
    await crowd.hall.desk.set_up("Ann", "talk", {"ledger": True})
    await viewer.locator("#ledger-open").click()
    await expect(viewer.locator("#ledger")).to_contain_text("What is on the menu?")
    await expect(viewer.locator("#ledger")).to_contain_text("Not about the talk")


async def test_what_went_away_after_a_vote_does_not_come_back(crowd: Crowd) -> None:
    """The queue was asked for before the vote and read after the question was dismissed: the row is gone, for nothing
    would ever say so again."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    await crowd.asks("Where are the slides?")
    viewer = await crowd.viewer(PHONE)
    vote = row(viewer, "recording").locator(".vote")
    await expect(vote.locator("b")).to_have_text("3")
    asked, free = asyncio.Event(), asyncio.Event()

    async def wait(route: Route) -> None:
        asked.set()
        await free.wait()
        await route.continue_()

    await viewer.route(re.compile(r"/talk/questions\?since=0"), wait, times=1)
    await viewer.evaluate("dispatchEvent(new Event('online'))")
    await asyncio.wait_for(asked.wait(), 20)
    await vote.click()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await expect(vote.locator("b")).to_have_text("4")
    await crowd.change("Is there a recording of this talk?", status=Status.DISMISSED)
    free.set()
    await viewer.locator("#hint-open button").click()  # under the hand a row that left stays where it is
    await expect(row(viewer, "recording")).to_have_count(0)
    await expect(row(viewer, "slides")).to_have_count(1)


async def test_what_the_talk_is_set_to_is_seen_at_once(crowd: Crowd) -> None:
    """Another title, questions that are read first, the end, and that it goes on: an open page follows each."""
    viewer = await crowd.viewer(PHONE)
    notice = viewer.locator("#notice")
    await expect(notice).to_be_hidden()
    await crowd.hall.desk.set_up("Ann", "talk", {"title": "<b>Another</b> talk", "review": True})
    await expect(viewer.locator("#title")).to_have_text("<b>Another</b> talk")
    await expect(viewer).to_have_title("<b>Another</b> talk · Floormic")
    await expect(notice).to_have_text("Questions are shown after a moderator has read them.")
    await crowd.hall.desk.set_up("Ann", "talk", {"ended_at": 100.0})
    await expect(notice).to_contain_text("The talk is over")
    await viewer.reload()
    await expect(notice).to_contain_text("The talk is over")
    await crowd.hall.desk.set_up("Ann", "talk", {"ended_at": None, "review": False})
    await expect(notice).to_be_hidden()


@asynccontextmanager
async def program(data: Path, port: int = 0) -> AsyncIterator[Hall]:
    """The program with its database there, on this port."""
    talk = SessionSettings(id="talk", title="An evening talk", language="en")
    settings = Settings(data=data, web=WebSettings(port=port), session=(talk,))
    async with open_hall(settings, encoder=SameWords()) as hall:
        await hall.loaded()
        yield hall


async def received(hall: Hall, *texts: str) -> None:
    """These were asked in a chat."""
    await hall.floor.receive(
        [Message("talk", "chat", text, text, "Person", text, hall.now(), explicit=True) for text in texts]
    )
    await hall.drained()


@pytest_asyncio.fixture(loop_scope="module")
async def phone() -> AsyncIterator[Page]:
    """A page of a phone, nothing opened yet."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(viewport=PHONE, locale="en-US", is_mobile=True, has_touch=True)
        context.set_default_timeout(20_000)
        yield await context.new_page()
        await browser.close()


async def test_a_restart_under_an_open_page_loses_nothing(tmp_path: Path, phone: Page) -> None:
    """The program is stopped and started: the page says so, keeps what it shows and what is written, sends what was
    asked meanwhile once, and goes on by itself with votes and questions as they were."""
    async with program(tmp_path) as hall:
        await received(hall, "Is there a recording of this talk?")
        port = int(hall.url.rpartition(":")[2])
        await phone.goto(hall.session_url("talk"))
        vote = row(phone, "recording").locator(".vote")
        await vote.click()
        await expect(vote.locator("b")).to_have_text("2")
        await ask(phone, "What is on the menu?")
        await expect(row(phone, "menu")).to_be_visible()
        await expect(phone.locator("#count-mine")).to_have_text("1")
    await expect(phone.locator("#connection")).to_have_attribute("data-state", "offline")
    await ask(phone, "Where can I park tonight?")
    await expect(phone.locator("#composer-note")).to_contain_text("1 question waits")
    await phone.locator("#ask").fill("Which book")
    await expect(vote.locator("b")).to_have_text("2")
    async with program(tmp_path, port) as hall:
        await expect(phone.locator("#connection")).to_have_attribute("data-state", "live")
        await expect(phone.locator("#composer-note")).to_be_hidden()
        await received(hall, "Who made the slides?")
        await expect(phone.locator("#count-open")).to_have_text("4")
        await expect(phone.locator("#count-mine")).to_have_text("2")
        await expect(phone.locator("#ask")).to_have_value("Which book")
        await expect(vote).to_have_attribute("aria-pressed", "true")
        texts = [message.text for message, _ in await hall.store.placements("talk")]
        assert texts.count("Where can I park tonight?") == 1
        await vote.click()
        await expect(vote.locator("b")).to_have_text("1")


async def test_another_database_under_an_open_page_shows_what_is_in_it(tmp_path: Path, phone: Page) -> None:
    """The program comes back with an older database: what is not in it leaves the page, what is in it is shown and can
    be voted for, and whoever asked is told that their questions are gone."""
    async with program(tmp_path / "new") as hall:
        await received(hall, *(f"What is number {n}?" for n in range(8)))
        port = int(hall.url.rpartition(":")[2])
        await phone.goto(hall.session_url("talk"))
        await ask(phone, "What is on the menu?")
        await expect(phone.locator("#count-open")).to_have_text("9")
        await expect(phone.locator("#count-mine")).to_have_text("1")
    await expect(phone.locator("#connection")).to_have_attribute("data-state", "offline")
    async with program(tmp_path / "old", port) as hall:
        await received(hall, "Who made the slides?")
        await expect(phone.locator("#count-open")).to_have_text("1")
        await expect(row(phone, "Who made the slides?")).to_be_visible()
        await expect(row(phone, "number")).to_have_count(0)
        await expect(phone.locator(".toast", has_text="no longer has what you asked")).to_be_visible()
        await received(hall, "Is there a recording of this talk?")
        vote = row(phone, "recording").locator(".vote")
        await vote.click()
        await expect(vote).to_have_attribute("aria-pressed", "true")
        await expect(vote.locator("b")).to_have_text("2")
        await ask(phone, "Where can I park tonight?")
        await expect(phone.locator("#count-mine")).to_have_text("1")
        await phone.reload()
        await expect(phone.locator("#count-open")).to_have_text("3")
        await expect(vote).to_have_attribute("aria-pressed", "true")


async def test_a_lost_cookie_loses_no_questions(crowd: Crowd) -> None:
    """The page is open over night and the cookie goes: what was asked is still there, under the same code."""
    viewer = await crowd.viewer(PHONE)
    await ask(viewer, "What is on the menu?")
    await expect(viewer.locator("#count-mine")).to_have_text("1")
    await viewer.locator("#tab-mine").click()
    code = await viewer.locator("#code-value").inner_text()
    await viewer.context.clear_cookies()
    await viewer.reload()
    await viewer.locator("#tab-mine").click()
    await expect(viewer.locator("#list-mine .mine")).to_contain_text("What is on the menu?")
    await expect(viewer.locator("#code-value")).to_have_text(code)


RESTING = """() => new MutationObserver((changes) =>
  changes.forEach((one) => one.addedNodes.forEach((node) => node.dispatchEvent(new Event("pointerenter")))))
  .observe(document.getElementById("toasts"), { childList: true })"""
"""The pointer rests on whatever news comes, so that it stays."""


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_a_narrow_page_with_large_letters_holds_everything(crowd: Crowd, language: str) -> None:
    """320 px wide with the letters twice as large, a right-to-left question and emoji only: nothing is cut off at the
    side, news does not lie over the field, every button can be hit and has a name."""
    for text in ("هل يمكن استخدام النموذج؟", "🤔" * 40, "Why " + "w" * 300 + "?"):
        await crowd.asks(text)
    viewer = await crowd.viewer({"width": 320, "height": 640}, language)
    await viewer.evaluate("document.documentElement.style.fontSize = '32px'")
    await viewer.evaluate(RESTING)
    await ask(viewer, "👍🏽👍🏽👍🏽")
    await viewer.wait_for_function(
        """() => document.querySelector(".toast")?.getBoundingClientRect().bottom
             <= document.getElementById("composer").getBoundingClientRect().top"""
    )
    await viewer.locator(".toast-close").click()
    for tab in ("open", "answered", "mine"):
        await viewer.locator(f"#tab-{tab}").click()
        assert await viewer.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        poor = await viewer.evaluate(
            """() => [...document.querySelectorAll("button, input, textarea, a[href]")]
                 .filter((one) => one.checkVisibility() && !one.closest(".skip")).filter((one) => {
                   const box = one.getBoundingClientRect();
                   const name = one.getAttribute("aria-label") || one.innerText || one.labels?.[0]?.innerText;
                   return box.left < -1 || box.right > innerWidth + 1 || !name?.trim()
                     || (one.matches(".button, .tab") && box.height < 43.5);
                 }).map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert poor == []


async def test_a_page_that_finds_no_room_shows_what_there_is_and_comes_in_later(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many watchers as fit a page reads the queue now and then and tries again, a board is live at once."""
    monkeypatch.setattr(open_files, "MOST_STREAMS", 2)  # and one of them for an address
    async with open_crowd(tmp_path, browser=browser) as crowd:
        await crowd.asks("Is there a recording?")
        first = await crowd.viewer()
        second = await (await crowd.profile()).new_page()
        await second.goto(crowd.hall.session_url("talk"))
        await expect(second.locator("#connection")).to_have_attribute("data-state", "offline")
        await expect(row(second, "recording")).to_be_visible()
        await crowd.asks("Will there be slides?")
        await expect(row(second, "slides")).to_be_visible()
        await crowd.moderator()
        await first.close()
        await crowd.asks("Who pays for it?")  # how it is found that somebody left
        await expect(second.locator("#connection")).to_have_attribute("data-state", "live")
        await expect(row(second, "pays")).to_be_visible()


async def test_enter_of_an_input_method_closes_no_field(crowd: Crowd) -> None:
    """What is composed is taken into the name; only an Enter after that closes its field."""
    viewer = await crowd.viewer()
    name = viewer.locator("#name")
    await viewer.locator("#name-toggle").click()
    await name.fill("lin")
    for key in COMPOSED:
        await name.dispatch_event("keydown", key)
        await expect(name).to_be_visible()
    await name.press("Enter")
    await expect(name).to_be_hidden()


async def test_the_first_press_on_send_counts_with_the_field_of_the_name_open(tmp_path: Path, phone: Page) -> None:
    """The field folds once the finger is up: under the press the button would move away."""
    async with program(tmp_path) as hall:
        await phone.goto(hall.session_url("talk"))
        await phone.locator("#ask").fill("Is there a recording of this talk?")
        await phone.locator("#name-toggle").click()
        await phone.locator("#name").fill("Lin")
        box = await phone.locator("#composer [type=submit]").bounding_box()
        assert box
        await phone.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await phone.mouse.down()
        await phone.wait_for_timeout(100)
        await phone.mouse.up()
        await expect(phone.locator("#ask")).to_have_value("")
        await expect(phone.locator("#name")).to_be_hidden()
        await until(lambda: _heard(hall))


async def _heard(hall: Hall) -> bool:
    return [m.author_name for m, _ in await hall.store.placements("talk")] == ["Lin"]
