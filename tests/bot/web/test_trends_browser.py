"""The page of a series, in front of whoever moderates it."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from bot.model import Session
from tests.bot.web.browsing import BROWSER, EVERYWHERE, Crowd
from tests.bot.web.test_accessibility import RULES
from tests.bot.web.test_trends import asked

pytestmark = BROWSER

NAME = "工业/互联网 evenings"


async def a_series(crowd: Crowd) -> None:
    store = crowd.hall.store
    for at, session in enumerate(("one", "evening-two")):
        await store.save_session(Session(session, f"Evening {at}", series=NAME, starts_at=1.7e9 + 86_400 * at))
    await asked(store, "one", {"cloud": 8, "price": 2})
    await asked(store, "evening-two", {"cloud": 1, "price": 9})


async def signed_in(crowd: Crowd, size: dict[str, int], language: str) -> Page:
    """On a phone in the dark, at a desk in the light."""
    scheme = "light" if size["width"] > 700 else "dark"
    page = await (await crowd.profile(size, language, color_scheme=scheme)).new_page()
    await page.goto(crowd.hall.link("moderator", "Ann"))
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url("**/")
    return page


@EVERYWHERE
async def test_a_moderator_reads_what_a_series_was_about(crowd: Crowd, size: dict[str, int], language: str) -> None:
    """From the list of talks to the series: topics by evening, what rose and fell, the questions of a topic, a question
    of the map by keyboard, the gaps with their boards; all of it without a violation of WCAG 2.2 AA."""
    await a_series(crowd)
    page = await signed_in(crowd, size, language)
    await page.locator(".series-link").click()
    heat = page.locator("#heat")
    await expect(heat.locator("tbody tr")).to_have_count(2)
    price = heat.locator("tbody tr", has_text="price")
    await expect(price.locator("td").last).to_have_text(
        "18▲" + ("比之前多" if language == "zh-CN" else "more than before")
    )
    await expect(page.locator("#moves .card[data-kind=rising]")).to_contain_text("90%")
    await expect(page.locator("#moves .card[data-kind=falling]")).to_contain_text("cloud")
    await expect(page.locator("#gaps li")).to_have_count(10)
    await page.locator("#more-gaps").click()
    await expect(page.locator("#gaps li")).to_have_count(20)
    await page.locator("#map").focus()
    await page.keyboard.press("ArrowRight")
    first = await page.locator("#picked .said").inner_text()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    assert first.startswith("How is the")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    results = await Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in results.response["violations"]] == []
    await price.locator("button").click()
    await expect(page.locator("#topic-questions li")).to_have_count(11)
    await page.keyboard.press("Escape")
    await page.locator("#gaps a").first.click()
    await page.wait_for_url("**/s/*/board")


@pytest.mark.thorough
async def test_a_series_that_is_not_there_names_those_that_are(crowd: Crowd) -> None:
    """A wrong address ends at a page that leads to the right one."""
    await a_series(crowd)
    page = await signed_in(crowd, {"width": 1280, "height": 800}, "en-US")
    crowd.wrongs.clear()
    await page.goto(crowd.hall.url + "/series/none")
    await page.get_by_role("link", name=NAME).click()
    await expect(page.locator("#heat tbody tr")).to_have_count(2)
    crowd.wrongs.clear()  # the browser complains about a page that is not found
