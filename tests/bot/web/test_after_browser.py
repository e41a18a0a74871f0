"""When the talk is over, in a browser: what it tells is read, worded and sent by a click."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.model import Address, Message
from bot.settings import AfterSettings
from tests.bot.web.browsing import BROWSER, DESK, EVERYWHERE, Crowd, open_crowd
from tests.bot.web.test_prepare_browser import Talking

expect.set_options(timeout=20_000)

pytestmark = BROWSER

WORDS = {
    "en-US": {"digest": "Digest for every chat", "waiting": "Waiting for you", "sent": "Sent", "send": "Send now"},
    "zh-CN": {"digest": "发到各个聊天的回顾", "waiting": "等您确认", "sent": "已发出", "send": "现在发出"},
}


@pytest_asyncio.fixture(loop_scope="module")
async def chat() -> Talking:
    return Talking("telegram", replies=True)


@pytest_asyncio.fixture(loop_scope="module")
async def after(tmp_path: Path, browser: Browser, chat: Talking) -> AsyncIterator[Crowd]:
    """A talk with one answered question in a group; whatever the hour is, it is not night."""
    async with open_crowd(tmp_path, chats=[chat], browser=browser, after=AfterSettings(quiet="")) as crowd:
        address = Address("telegram", "room", "m1", "u1", private=False)
        await crowd.hall.floor.receive(
            [Message("talk", "telegram", "m1", "u1", "Ann", "Is there a recording?", crowd.hall.now(), address, True)]
        )
        await crowd.hall.drained()
        await crowd.answered("Is there a recording?", "Yes, on Friday.", crowd.hall.now(), by="Ann")
        yield crowd
        assert crowd.wrongs == []


@EVERYWHERE
async def test_a_moderator_words_and_sends_the_digest(
    after: Crowd, chat: Talking, size: dict[str, int], language: str
) -> None:
    """Before the end there are only modes; after it the digest waits, is read, worded otherwise, and sent to the group,
    and the card says so. With the keyboard, too: everything is a native control."""
    say = WORDS[language]
    page = await after.moderator(size, language, "settings")
    await expect(page.locator("#after-list > li")).to_have_count(3)
    await expect(page.locator("#after-list .badge:visible")).to_have_count(0)
    await after.hall.desk.set_up("Ann", "talk", {"ended_at": after.hall.now()})
    digest = page.locator("[data-duty=digest]")
    await expect(digest.locator("h3")).to_have_text(say["digest"])
    await expect(digest.locator(".badge")).to_have_text(say["waiting"])
    await digest.locator("summary").press("Enter")
    text = digest.locator("textarea")
    await expect(text).to_have_value(re.compile("Yes, on Friday"))
    await text.fill("See you next week!")
    await digest.get_by_role("button", name="Say it like this" if language == "en-US" else "改成这样").click()
    await digest.get_by_role("button", name=say["send"]).click()
    await expect(digest.locator(".badge")).to_have_text(say["sent"])
    await expect(page.locator(".toast")).to_contain_text(say["sent"])
    (said,) = [one for one in await after.hall.store.deliveries("talk") if one.key.startswith("digest:")]
    assert (said.text, said.address.chat) == ("See you next week!", "room")


async def test_a_viewer_hears_no_more_and_again(after: Crowd) -> None:
    """The switch at my questions, and the word typed in the page's own field, say the same."""
    page = await after.viewer(DESK)
    await page.locator("#ask").fill("退订")
    await page.locator("#send").click()
    await expect(page.locator(".toast")).to_contain_text("only the answers to your own questions")
    told = page.locator("#told")
    await expect(told).not_to_be_checked()
    await told.check()
    await expect(page.locator(".toast").last).to_contain_text("you will be told")
    await page.reload()
    await page.locator("#code-card:not([hidden])").wait_for()
    await expect(page.locator("#told")).to_be_checked()
    assert await after.hall.store.pending("talk", 10) == []


async def test_words_that_are_not_taken_are_still_there(after: Crowd) -> None:
    """The server cannot take the wording of the digest: what was written outlives the refusal, another language and a
    folded card, and is taken at the next try."""
    page = await after.moderator(DESK, "en-US", "settings")
    await after.hall.desk.set_up("Ann", "talk", {"ended_at": after.hall.now()})
    digest = page.locator("[data-duty=digest]")
    text, say = digest.locator("textarea"), digest.get_by_role("button", name="Say it like this")
    await digest.locator("summary").click()
    await expect(text).to_have_value(re.compile("Yes, on Friday"))
    await text.fill("See you next week!")
    await page.route("**/after/digest/actions", lambda route: route.fulfill(status=503, json={"code": "busy"}))
    await say.click()
    await expect(page.locator(".toast-bad")).to_be_visible()
    await page.unroute("**/after/digest/actions")
    for _ in range(2):  # and back again
        async with page.expect_response("**/after/digest"):
            await page.locator("#language").click()
    await digest.locator("summary").click()
    await expect(text).to_be_hidden()
    async with page.expect_response("**/after/digest"):
        await digest.locator("summary").click()
    await expect(text).to_have_value("See you next week!")
    await say.click()
    await expect(digest.get_by_role("button", name="The proposed words again")).to_be_visible()
    assert [duty.text for duty in await after.hall.store.duties("talk") if duty.name == "digest"] == [
        "See you next week!"
    ]
    after.wrongs[:] = [wrong for wrong in after.wrongs if "status of 503" not in wrong]
