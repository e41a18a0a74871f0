"""Inviting, signing in and losing a role, in real browsers."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.accounts import Actor
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd, open_crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, browser: Browser) -> AsyncIterator[Crowd]:
    """Whoever uses it also promises that no page complained about anything but what was refused."""
    async with open_crowd(tmp_path, browser=browser) as opened:
        yield opened
        assert [wrong for wrong in opened.wrongs if "status of 40" not in wrong] == []


async def organiser(crowd: Crowd, size: dict[str, int], language: str) -> Page:
    """On the page of people."""
    page = await (await crowd.profile(size, language)).new_page()
    await page.goto(crowd.hall.link("organiser", "Ann"))
    await page.locator("#signin button[type=submit]").click()
    await page.wait_for_url(lambda url: "/signin" not in url)
    await page.goto(crowd.hall.url + "/people")
    await expect(page.locator(".person")).to_have_count(1)
    return page


@pytest.mark.parametrize(("size", "language"), [(DESK, "en-US"), (PHONE, "zh-CN")], ids=["desk", "phone"])
async def test_a_guest_is_invited_moderates_and_loses_the_role_while_writing(
    crowd: Crowd, size: dict[str, int], language: str
) -> None:
    """The organiser makes a link for this evening; the guest sets a password and writes an answer; the role is taken
    away: the board stops, sending is refused in the page's language, and what was written is there after signing in
    again with the role back."""
    chinese = language.startswith("zh")
    await crowd.asks("Is there a recording of this talk?")
    people = await organiser(crowd, size, language)
    await people.locator("#invite-open").click()
    await people.locator("#grant-sessions label", has_text="An evening talk").click()
    await people.locator("#grant-until").select_option("tonight")
    await people.locator("#grant-do").click()
    await expect(people.locator("#made-qr")).to_be_visible()
    link = await people.locator("#made-link").input_value()
    await people.locator("#made [data-close]").click()
    await expect(people.locator("#invitations li")).to_have_count(1)

    guest = await (await crowd.profile(size, language)).new_page()
    await guest.goto(link)
    await guest.locator("[name=name]").fill("Zoe")
    await guest.locator("details summary").click()
    await guest.locator("[name=password]").fill(PASSWORD)
    await guest.locator("#signin button[type=submit]").click()
    await guest.wait_for_url("**/s/talk/board")
    await guest.locator("#connection[data-state=live]").wait_for(state="attached")
    await guest.locator(".row [data-do=reply]").click()
    await guest.locator("#answer-text").fill("Tomorrow at noon.")

    await people.reload()
    zoe = people.locator(".person", has_text="Zoe")
    await expect(zoe).to_have_count(1)
    await zoe.locator("[data-do=take]").click()
    await people.locator("#sure-do").click()
    await expect(zoe.locator(".grant")).to_have_count(0)
    await guest.locator("#connection[data-state=refused]").wait_for(state="attached")
    await guest.locator(".panel-answer [data-do=answer]").click()
    said = "您写的内容没有丢失" if chinese else "What you typed is kept"
    await expect(guest.locator(".toast-bad", has_text=said)).to_be_visible()
    await expect(guest.locator("#answer-text")).to_have_value("Tomorrow at noon.")

    root, now = Actor("", "test"), crowd.hall.now()
    person = next(one for one in await crowd.hall.store.people(now) if one.name == "Zoe")
    await crowd.hall.store.sign_out(person.id, root, now)
    await zoe.get_by_role("button", name=re.compile("给 Zoe 一个角色|Give Zoe a role")).click()
    await people.locator("#grant-sessions label").first.click()
    await people.locator("#grant-do").click()
    await expect(zoe.locator(".grant")).to_have_count(1)
    await guest.goto(crowd.hall.url + "/signin")
    await guest.locator("[name=name]").fill("zoe")
    await guest.locator("[name=password]").fill(PASSWORD)
    await guest.locator("#signin button[type=submit]").click()
    await guest.wait_for_url(lambda url: "/signin" not in url)
    await guest.goto(crowd.hall.session_url("talk", "board"))
    await guest.locator(".row [data-do=reply]").click()
    await expect(guest.locator("#answer-text")).to_have_value("Tomorrow at noon.")


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_what_is_wrong_with_a_sign_in_is_said_beside_what_was_typed(crowd: Crowd, language: str) -> None:
    """In the language of the page, though the browser's is the other one; the name stays."""
    page = await (await crowd.profile(PHONE, language)).new_page()
    await page.goto(crowd.hall.url + "/signin")
    await page.locator("#language").click()
    await page.locator("[name=name]").fill("<b>ليلى</b>")
    await page.locator("[name=password]").fill("a wrong password")
    await page.locator("#signin button[type=submit]").click()
    words = "名字和密码对不上" if language == "en-US" else "do not belong together"
    await expect(page.locator("#signin-bad")).to_contain_text(words)
    await expect(page.locator("[name=name]")).to_have_value("<b>ليلى</b>")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_ones_account_is_changed_on_its_page(crowd: Crowd, size: dict[str, int]) -> None:
    """Name and password; what is refused is said there and loses nothing; nothing sticks out of a narrow page."""
    board = await crowd.moderator(size)
    await board.goto(crowd.hall.url + "/account")
    await expect(board.locator("#logins li")).to_have_count(1)
    await board.locator("#new").fill("abc")
    await board.locator("#password-form button").click()
    await expect(board.locator("#password-bad")).to_contain_text("at least 10 characters, yours has 3")
    await expect(board.locator("#new")).to_have_value("abc")
    await board.locator("#new").fill(PASSWORD)
    await board.locator("#password-form button").click()
    await expect(board.locator("#old")).to_be_visible()
    await board.locator("#name").fill("Ann Lee")
    await board.locator("#name-form button").click()
    await expect(board.locator(".toast", has_text="Name changed")).to_be_visible()
    await board.reload()
    await expect(board.locator("#name")).to_have_value("Ann Lee")
    wide = await board.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    await board.locator("form[action='/signout/everywhere'] button").click()
    await board.goto(crowd.hall.session_url("talk", "board"))
    await expect(board.locator(".error-number")).to_have_text("403")
