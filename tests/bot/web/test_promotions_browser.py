"""An answer goes into the FAQ, in real browsers with the whole program behind it."""

import os
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.bot.web.browsing import BROWSER, EVERYWHERE, Crowd, slow_down

pytestmark = BROWSER

expect.set_options(timeout=20_000)

SHOTS = os.environ.get("FLOORMIC_SHOTS", "")
"""A folder to keep pictures in, to look at them."""

TOLD = "From noon tomorrow, on the page of the course.\nIt stays there for a year."
FAQ = "# FAQ\n\n## Is it free?\n\nYes.\n"


async def picture(shown: Page | Locator, name: str) -> None:
    if SHOTS:
        await shown.screenshot(path=f"{SHOTS}/faq-{name}.png")


@EVERYWHERE
async def test_an_answer_is_promoted_reviewed_and_taken_back(
    crowd: Crowd, tmp_path: Path, size: dict[str, int], language: str
) -> None:
    """One click on the board proposes it; among the settings the organiser reads what would change, accepts it, and
    the file of the course has it; undo takes it out again."""
    course = tmp_path / "course"
    course.mkdir()
    (course / "faq.md").write_text(FAQ, encoding="utf-8")
    await crowd.hall.desk.set_up("Ann", "talk", {"course": str(course), "promoting": "off"})
    await crowd.asks("Is there a recording of this talk?", people=2)
    await crowd.asks("Where can I watch it again tomorrow?")
    first, second = sorted(await crowd.hall.store.questions("talk"), key=lambda q: q.first_at)
    await crowd.hall.desk.merge("Ann", [second.id], first.id)
    await crowd.hall.desk.answer("Dr. Lin", first.id, TOLD, ["https://example.org/page"])
    board = await crowd.moderator(size, language)
    await board.locator("#tab-answered").click()
    await board.locator("#lane-answered .row-open").click()
    await board.locator("#panel [data-do=faq]").click()
    await expect(board.locator("#panel .faq-line")).to_contain_text(
        "Proposed, an organiser decides" if language == "en-US" else "等主办方确认"
    )
    await picture(board, f"board-{size['width']}-{language}")
    boss = await (await crowd.profile(size, language)).new_page()
    await boss.goto(crowd.hall.link("organiser", "Boss"))
    await boss.get_by_role("button", name="Sign in" if language == "en-US" else "登录").click()
    await boss.goto(crowd.hall.session_url("talk", "settings"))
    one = boss.locator("#faq .faq-one")
    await expect(one.locator(".diff-new").filter(has_text="Is there a recording of this talk?")).to_be_visible()
    await picture(boss.locator("#faq"), f"settings-{size['width']}-{language}")
    slow = await slow_down(boss, "**/promotions/*")
    await one.get_by_role("button", name="Write it" if language == "en-US" else "写入 FAQ").dblclick()
    await boss.wait_for_timeout(300)
    assert len(slow.sent) == 1  # a second press is no second wish
    slow.let_go()
    await expect(boss.locator("#faq-done-list li")).to_have_count(1)
    written = (course / "faq.md").read_text(encoding="utf-8")
    assert written.startswith(FAQ)
    assert "- also: Where can I watch it again tomorrow?\n" in written
    await expect(board.locator("#panel .faq-line")).to_contain_text("FAQ")
    await boss.locator("#faq-done summary").click()
    await boss.locator("#faq-done-list button").click()
    await expect(one).to_have_count(1)
    assert (course / "faq.md").read_text(encoding="utf-8") == FAQ
    assert crowd.wrongs == []
