"""Setting a talk in real browsers."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.bot.web.browsing import BROWSER, PHONE, Crowd, open_crowd

pytestmark = BROWSER


async def organiser(crowd: Crowd, path: str, **how: object) -> Page:
    page = await (await crowd.profile(**how)).new_page()  # type: ignore[arg-type]
    await page.goto(crowd.hall.link("organiser", "Olga"))
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(crowd.hall.url + path)
    return page


async def test_two_on_the_settings_see_each_other(tmp_path: Path) -> None:
    """A field is saved when it is left, seen on the other page, and taken back there; a novel is refused at it."""
    async with open_crowd(tmp_path) as crowd:
        mine = await organiser(crowd, "/s/talk/settings")
        moderator = await crowd.moderator(size=PHONE, page="settings")
        await mine.get_by_label("Title").fill("Another title")
        await mine.keyboard.press("Enter")
        await expect(moderator.locator("#facts")).to_contain_text("Another title")
        await moderator.get_by_role("switch", name="Review before publishing").click()
        await expect(mine.get_by_role("switch", name="Review before publishing")).to_be_checked()
        await moderator.get_by_role("button", name="Undo").click()
        await expect(mine.get_by_role("switch", name="Review before publishing")).not_to_be_checked()
        await mine.get_by_label("Title").fill("x" * 10_000)
        await mine.keyboard.press("Enter")
        await expect(mine.locator("#note-title")).to_contain_text("10000")
        assert (await crowd.hall.store.sessions())[0].title == "Another title"
        assert crowd.wrongs == []


async def test_a_talk_is_made_and_repeated(tmp_path: Path) -> None:
    """From the start page to a new talk with the keyboard, and from that to the next evening."""
    async with open_crowd(tmp_path) as crowd:
        page = await organiser(crowd, "/")
        await page.get_by_role("link", name="New talk").click()
        await page.get_by_label("Title").fill("Autumn")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("/s/autumn/settings$"))
        await page.get_by_role("button", name="Another one like this").click()
        await page.wait_for_url(re.compile("/s/autumn-20[0-9-]+/settings$"))
        await page.goto(crowd.hall.url)
        await expect(page.locator(".talk")).to_have_count(3)
        assert crowd.wrongs == []
