"""The page of the sources, and the warnings of the others, in a real browser."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.errors import ConnectorError, Refused
from bot.model import Abilities, Outage, Session, SourceHealth, SourceState
from bot.storage.sqlite import open_store
from tests.bot.chats import Chat
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd, open_crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

HOUR = 3600.0
SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


@dataclass
class Evening:
    crowd: Crowd
    bilibili: Chat
    group: Chat


@pytest_asyncio.fixture(loop_scope="module")
async def evening(tmp_path: Path, browser: Browser) -> AsyncIterator[Evening]:
    """Two chats are heard, one of them with gaps earlier; no page complains about anything."""
    now = time.time()
    store = await open_store(tmp_path / "data/floormic.sqlite3")
    health = SourceHealth("bilibili", SourceState.CONNECTED, now - HOUR, now - 90, 1, watched_since=now - 3 * HOUR)
    missed = Outage("bilibili", now - 2 * HOUR, now - 1.8 * HOUR, "the connection was cut")
    fetched = Outage("bilibili", now - HOUR, now - 0.9 * HOUR, "<b>closed</b> (1006)", filled=True)
    await store.keep_sources([health], [missed, fetched])
    await store.close()
    bilibili, group = Chat("bilibili"), Chat("hall-group", abilities=Abilities(reply=True, hourly=1000))
    async with open_crowd(tmp_path, chats=(bilibili, group), browser=browser) as crowd:
        yield Evening(crowd, bilibili, group)
        assert crowd.wrongs == []


async def look_again(page: Page) -> None:
    """What the page does when the network is back; it need not be waited for."""
    await page.evaluate("dispatchEvent(new Event('online'))")


@SIZES
async def test_the_board_warns_while_a_chat_is_not_heard(evening: Evening, size: dict[str, int]) -> None:
    """A line with a sign and the chat's name, which leads to the page of the sources, moves no question, and goes."""
    await evening.crowd.asks("Is there a recording?")
    board = await evening.crowd.moderator(size)
    alarm, question = board.locator("#alarm"), board.locator("#list-new .row")
    await expect(question).to_have_count(1)
    await expect(alarm).to_be_hidden()
    before = await question.bounding_box()
    evening.group.fall(ConnectorError("the chat is away"))
    await look_again(board)
    await expect(alarm).to_have_text("Down: hall-group")
    await expect(alarm.locator("svg")).to_be_visible()
    assert await question.bounding_box() == before
    evening.group.mend()
    await expect(alarm).to_be_hidden(timeout=40_000)
    evening.group.fall(Refused("the key is wrong"))
    evening.bilibili.fall(Refused("the key is wrong"))
    await look_again(board)
    await expect(alarm).to_have_text("Down: 2 chats")
    await alarm.click()
    await expect(board).to_have_url(evening.crowd.hall.session_url("talk", "sources"))


@SIZES
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-US", ("Connected", "Refused, needs you", "listens only", "2 gaps", "Missed", "Fetched later")),
        ("zh-CN", ("已连接", "被拒绝，需要处理", "只听，不能回复", "2 次中断", "漏听", "已补取")),
    ],
)
async def test_the_page_says_in_words_how_each_source_is(
    evening: Evening, size: dict[str, int], language: str, words: tuple[str, ...]
) -> None:
    """State, trouble, numbers and gaps, each with a word; nothing is wider than the screen, and nothing runs."""
    evening.group.fall(Refused("the key is wrong; <i>get</i> a new one"))
    page = await evening.crowd.moderator(size, language, page="sources")
    well, refused = page.locator("[data-source=bilibili]"), page.locator("[data-source=hall-group]")
    connected, needs, silent, gaps, missed, fetched = words
    await expect(well.locator(".source-head .badge")).to_have_text(connected)
    await expect(refused.locator(".source-head .badge")).to_have_text(needs)
    await expect(refused.locator(".source-trouble")).to_have_text("the key is wrong; <i>get</i> a new one")
    await expect(well.locator(".source-facts")).to_contain_text(silent)
    await expect(refused.locator(".source-facts")).to_contain_text("1000")
    # Beside the two that are kept there is the one between the former run and this.
    await expect(well.locator(".source-gaps summary")).to_have_text(gaps.replace("2", "3"))
    await well.locator(".source-gaps summary").click()
    marks = await well.locator(".source-gaps .badge").all_inner_texts()
    assert marks == [missed, fetched, missed]
    await expect(well.locator(".source-gaps li").nth(1)).to_contain_text("<b>closed</b> (1006)")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("language", "trouble"), [("en-US", "the message server went silent"), ("zh-CN", "不再发来数据")]
)
async def test_what_is_wrong_is_said_in_the_language_of_the_page(evening: Evening, language: str, trouble: str) -> None:
    """The trouble of now and those of the gaps; what the program cannot say in Chinese stays in English."""
    evening.group.fall(Refused("Bilibili: the message server went silent. It is connected to anew."))
    page = await evening.crowd.moderator(language=language, page="sources")
    refused, well = page.locator("[data-source=hall-group]"), page.locator("[data-source=bilibili]")
    await expect(refused.locator(".source-trouble")).to_contain_text(trouble)
    await well.locator(".source-gaps summary").click()
    gaps = well.locator(".source-gaps li")
    await expect(gaps.first).to_contain_text("程序没有在运行" if language == "zh-CN" else "the program was not running")
    await expect(gaps.last).to_contain_text("the connection was cut")


async def test_the_strip_draws_each_time_where_it_was(evening: Evening) -> None:
    """From left to right: no record, heard, a gap that is missed, one that was fetched, each of its own look."""
    page = await evening.crowd.moderator(page="sources")
    strip = page.locator("[data-source=bilibili] .strip")
    await expect(strip).to_have_attribute("aria-label", "The last 4 hours. Missed 14 min. Fetched 6 min later.")
    drawn = await strip.locator("rect:not(.behind)").evaluate_all(
        "nodes => nodes.map(n => [n.getAttribute('class'), parseFloat(n.getAttribute('x')), getComputedStyle(n).fill])"
    )
    assert [(what, round(at)) for what, at, _ in drawn][:4] == [
        ("unknown", 0),
        ("heard", 25),
        ("missed", 50),
        ("filled", 75),
    ]
    assert len({fill for _, _, fill in drawn}) == 4


async def test_the_page_follows_what_happens(evening: Evening) -> None:
    """A source that is lost and comes back is shown so without loading the page; what was opened stays open."""
    page = await evening.crowd.moderator(page="sources")
    group = page.locator("[data-source=hall-group]")
    await expect(page.locator("#summary")).to_have_text("All are heard")
    await page.locator("[data-source=bilibili] summary").click()
    evening.group.fall(ConnectorError("the chat is away"))
    await expect(group.locator(".source-head .badge")).to_have_text("Lost, trying again")
    await expect(page.locator("#summary")).to_have_text("1 is not heard")
    evening.group.mend()
    await expect(group.locator(".source-head .badge")).to_have_text("Connected", timeout=40_000)
    await expect(group.locator(".source-trouble")).to_be_hidden()
    assert await page.locator("[data-source=bilibili] details").get_attribute("open") is not None
    await page.locator("#language").click()
    await expect(page.locator("h1")).to_have_text("聊天来源")


async def test_the_list_of_talks_warns_whoever_moderates(evening: Evening) -> None:
    """The organiser sees the warning and the way to the sources; viewers see neither."""
    await evening.crowd.hall.store.save_session(Session("other", "Another talk"))
    evening.bilibili.fall(ConnectorError("the chat is away"))
    page = await evening.crowd.moderator()
    await page.goto(evening.crowd.hall.url)
    await expect(page.locator("#alarm")).to_have_text(re.compile("Down: Bilibili"))
    await page.get_by_role("link", name="Sources").click()
    await expect(page.locator(".source")).to_have_count(2)
    viewer = await (await evening.crowd.profile()).new_page()
    await viewer.goto(evening.crowd.hall.url)
    await expect(viewer.locator(".talk")).to_have_count(2)
    await expect(viewer.locator("#alarm")).to_be_hidden()
    await expect(viewer.get_by_role("link", name="Sources")).to_have_count(0)


async def test_without_a_chat_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    """An empty page names the command that lists what can be connected."""
    async with open_crowd(tmp_path) as crowd:
        page = await crowd.moderator(page="sources")
        await expect(page.locator("#sources-empty")).to_contain_text("floormic connect --list")
        assert crowd.wrongs == []
