"""Reports as a browser shows and prints them."""

import io
from dataclasses import replace
from datetime import UTC
from itertools import product

from playwright.async_api import Browser, Page
from pypdf import PdfReader

from bot.report import SeriesCount, build_report, series_to_html, to_html
from tests.bot.report.sample import MATERIAL, START
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd

pytestmark = BROWSER
WEEK = 7 * 86_400.0
EVENINGS = 40


def long_series() -> str:
    count = SeriesCount({}, lambda _: True)
    for n in range(EVENINGS):
        session = replace(MATERIAL.session, id=f"e{n}", title=f"Part {n + 1}", starts_at=START + n * WEEK)
        asked = [replace(q, state=replace(q.state, id=f"{n}-{q.id}")) for q in MATERIAL.questions]
        count.add(replace(MATERIAL, session=session, questions=asked), START)
    return series_to_html(count.report("Course", "en", START), UTC)


async def printed(page: Page) -> list[str]:
    """The text of each page on A4."""
    pages = PdfReader(io.BytesIO(await page.pdf(format="A4"))).pages
    return [" ".join(one.extract_text().split()) for one in pages]


async def test_a_long_table_has_its_head_on_every_page(browser: Browser) -> None:
    """In print each page that holds evenings says what their columns are."""
    page = await browser.new_page()
    await page.set_content(long_series())
    with_evenings = [text for text in await printed(page) if "Part " in text]
    assert len(with_evenings) > 1
    for text in with_evenings:
        assert "Median wait" in text
        assert "Not heard" in text
    await page.close()


async def test_the_pages_fit_and_their_pictures_keep_their_colours_in_print(browser: Browser) -> None:
    """No page is wider than its window, at a desk and on a phone."""
    page = await browser.new_page()
    for html, size in product((to_html(build_report(MATERIAL, START), UTC), long_series()), (DESK, PHONE)):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await page.set_content(html)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.emulate_media(media="print")
        adjusted = await page.locator("svg").first.evaluate("(one) => getComputedStyle(one).printColorAdjust")
        assert adjusted == "exact"
        await page.emulate_media(media="screen")
    await page.close()


async def test_the_organiser_finds_the_reports_from_the_list_of_talks(crowd: Crowd) -> None:
    """From the talk to its report without names, from there to that of the series, to its trends and back; the bar is
    not printed."""
    await crowd.hall.desk.set_up("Ann", "talk", {"series": "Open course"})
    await crowd.asks("Is there a recording of this talk?", people=3)
    page = await (await crowd.profile(PHONE)).new_page()
    await page.goto(crowd.hall.link("organiser", "Ann"))
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(crowd.hall.url + "/")
    await page.get_by_role("link", name="Report", exact=True).click()
    await page.get_by_text("first asked").first.wait_for()
    assert "Person 0" in await page.locator("main").inner_text()
    await page.get_by_role("link", name="Without names").click()
    await page.get_by_text("This report names nobody").wait_for()
    assert "Person 0" not in await page.locator("main").inner_text()
    assert "Without names" not in " ".join(await printed(page))
    await page.get_by_role("link", name="Report of the series").click()
    await page.get_by_role("heading", name="Open course").wait_for()
    assert "An evening talk" in await page.locator("table").first.inner_text()
    await page.get_by_role("link", name="Trends and gaps").click()
    await page.wait_for_url("**/series/Open%20course")
    await page.get_by_role("link", name="Report of the series").click()
    await page.get_by_role("link", name="All talks").click()
    await page.get_by_role("link", name="Trends and gaps").wait_for()
