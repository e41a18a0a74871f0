"""What was asked on earlier evenings, on the board, in real browsers with the whole program behind it."""

import asyncio
import os

from playwright.async_api import Page, expect

from bot.model import Message, Session
from tests.bot.web.browsing import BROWSER, EVERYWHERE, Crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

SHOTS = os.environ.get("FLOORMIC_SHOTS", "")
"""A folder to keep pictures in, to look at them."""

ASKED = "Is there a recording of this talk?"
TOLD = "From noon tomorrow, on the page of the course."
DAY = 86_400.0


async def evenings(crowd: Crowd) -> None:
    """Two evenings before the talk on which the same was asked; it was answered on the first."""
    hall = crowd.hall
    for n, title in enumerate(("Evening one", "Evening two"), 1):
        starts = hall.now() - (15 - 7 * n) * DAY
        session = Session(f"e{n}", title, "autumn", starts_at=starts, language="en")
        await hall.desk.open_session("Ann", session)
        await hall.floor.receive([Message(f"e{n}", "chat", f"e{n}", f"u{n}", f"U{n}", ASKED, starts, explicit=True)])
        async with asyncio.timeout(20):
            while not await hall.store.questions(f"e{n}"):  # noqa: ASYNC110 (it begins with its first message)
                await asyncio.sleep(0.01)
    (first,) = await hall.store.questions("e1")
    await hall.desk.answer("Dr. Lin", first.id, TOLD)
    await hall.desk.set_up("Ann", "talk", {"series": "autumn", "starts_at": hall.now()})


async def picture(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/earlier-{name}.png")


@EVERYWHERE
async def test_an_earlier_answer_is_taken_with_one_click(crowd: Crowd, size: dict[str, int], language: str) -> None:
    """The board says on how many evenings it was asked and when it was answered, with a link there; one click sends
    that answer, "not the same" takes it away, and with the mode off nothing of it is shown."""
    await evenings(crowd)
    await crowd.asks(ASKED, people=2)
    board = await crowd.moderator(size, language)
    english = language == "en-US"
    block = board.locator("#lane-new .suggest.earlier")
    if size["width"] < 700:
        await board.locator("#tab-new").click()
    await expect(block).to_contain_text("Asked in 3 talks, answered on" if english else "共 3 场有人问过，")
    await expect(block).to_contain_text(TOLD)
    await picture(board, f"row-{size['width']}-{language}")
    await board.locator("#lane-new .row-open").click()
    there = board.locator("#panel .earlier-evenings a")
    await expect(there).to_have_count(2)
    await expect(there.first).to_have_attribute("href", "/s/e1/board#q1")
    await picture(board, f"panel-{size['width']}-{language}")
    await board.keyboard.press("Escape")
    await crowd.hall.desk.set_up("Ann", "talk", {"memory": "off"})
    await expect(block).to_have_count(0)
    await crowd.hall.desk.set_up("Ann", "talk", {"memory": "suggest"})
    await block.locator("[data-do=not_again]").click()
    await expect(block.locator("a")).to_have_count(0)
    await board.locator(".toast .toast-act").click()
    await expect(block.locator("a")).to_have_count(1)
    await block.locator("[data-do=recall]").click()
    await expect(block).to_have_count(0)
    answered = next(q for q in await crowd.hall.store.questions("talk") if q.title == ASKED)
    assert answered.state.answer
    assert answered.state.answer.text == TOLD
    assert answered.state.answer.sources[1].startswith("Evening one, ")
    await board.locator("#tab-answered").click()
    box = board.locator("#lane-answered .answer")
    await expect(box).to_contain_text("Answered in an earlier talk" if english else "往期回答")
    await expect(box).not_to_contain_text("earlier:")
    await picture(board, f"answered-{size['width']}-{language}")
    await board.goto(crowd.hall.session_url("e1", "board") + "#q1")
    await expect(board.locator("#panel")).to_contain_text(TOLD)
    assert crowd.wrongs == []
