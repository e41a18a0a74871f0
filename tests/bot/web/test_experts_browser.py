"""An expert on the train home: the page for experts, in real browsers with the whole program behind it."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from bot.model import Abilities, Address, CourseMatch, Delivery, Message, Session, Status
from tests.bot.chats import Chat
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd, open_crowd, open_line

pytestmark = BROWSER

expect.set_options(timeout=20_000)

SHOTS = os.environ.get("FLOORMIC_SHOTS", "")
"""A folder to keep pictures in, to look at them."""

RECORDED, SLIDES, COST = "Is there a recording?", "Will there be slides?", "What does it cost?"
NETWORK = (
    "ERR_CONNECTION",
    "ERR_ABORTED",
    "ERR_FAILED",
    "Failed to load resource",
    "ERR_EMPTY_RESPONSE",
    "ERR_NETWORK",
)


class Line(Chat):
    """A chat that takes what it is told."""

    async def send(self, delivery: Delivery) -> str:
        return delivery.key


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, browser: Browser) -> AsyncIterator[Crowd]:
    """A talk with three questions, asked by five, three and one: in a chat that can be written to, and one in a chat
    that cannot. The course knows something of each."""
    async with open_crowd(tmp_path, browser=browser, chats=[Line("line", abilities=Abilities(reply=True))]) as opened:
        for text, people in ((RECORDED, 5), (SLIDES, 3), (COST, 1)):
            await asked(opened, text, people)

        async def best(session: str, text: str) -> CourseMatch | None:
            return CourseMatch("faq.md#rec", 0.31, "suggested", "Videos are on the site.") if text == RECORDED else None

        opened.hall.experts._best = best
        yield opened
        assert [one for one in opened.wrongs if not any(sign in one for sign in NETWORK)] == []


async def asked(crowd: Crowd, text: str, people: int) -> None:
    first, crowd.said = crowd.said, crowd.said + people
    sent = [
        Message(
            "talk",
            "line" if n > first or people == 1 else "silent",
            f"c{n}",
            f"u{n}",
            f"Person {n}",
            text,
            crowd.hall.now(),
            Address("line", f"c{n}", f"c{n}", f"u{n}") if n > first or people == 1 else None,
            explicit=True,
        )
        for n in range(first, crowd.said)
    ]
    await crowd.hall.floor.receive(sent)
    await crowd.hall.drained()


async def expert(
    crowd: Crowd, size: dict[str, int] = PHONE, language: str = "en-US", name: str = "Bo", url: str = ""
) -> Page:
    """On the experts' page."""
    page = await (await crowd.profile(size, language)).new_page()
    await page.goto(crowd.hall.link("expert", name))
    await page.locator("#signin button[type=submit]").click()
    await page.wait_for_url(lambda address: "/signin" not in address)
    await page.goto((url or crowd.hall.url) + "/s/talk/experts")
    await page.locator("#connection[data-state=live]").wait_for(state="attached")
    await expect(page.locator(".ex-card")).not_to_have_count(0)
    return page


def card(page: Page, title: str) -> Locator:
    return page.locator(".ex-card", has=page.locator(".ex-title", has_text=title))


async def open_card(page: Page, title: str) -> Locator:
    one = card(page, title)
    await one.locator(".ex-head").click()
    await expect(one.locator("textarea")).to_be_visible()
    return one


async def answer_of(crowd: Crowd, title: str) -> str:
    found = next(q.state for q in await crowd.hall.store.questions("talk") if q.title == title)
    return found.answer.text if found.answer else ""


async def picture(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/experts-{name}.png")


@pytest.mark.parametrize("language", ["zh-CN", pytest.param("en-US", marks=pytest.mark.thorough)])
async def test_an_expert_answers_what_is_open_with_one_thumb(crowd: Crowd, language: str) -> None:
    """From the moderator's link to the last question: mine first, the course's words as a draft with one tap, sources
    as links, who hears it, undo, not for me; everything is big enough for a thumb."""
    say = {"zh-CN": 0, "en-US": 1}[language]
    await crowd.change(SLIDES, assigned="Dr. Wu")
    board = await crowd.moderator(DESK, "en-US")
    await board.locator("#menu-open").click()
    await board.locator("#experts-open").click()
    await board.locator("#experts-name").fill("Dr. Wu")
    await board.locator("#experts-invite button").click()
    await expect(board.locator("#experts-link")).to_have_value(re.compile("/signin/.+"))
    await expect(board.locator("#experts-note")).to_contain_text("For Dr. Wu: Works once")
    link = await board.locator("#experts-link").input_value()
    await board.locator("#experts-dialog [data-close]").click()

    page = await (await crowd.profile(PHONE, language)).new_page()
    await page.goto(link)
    await page.locator("#signin button[type=submit]").click()
    await page.wait_for_url("**/s/talk/experts")
    await expect(page.locator("#progress-words")).to_have_text(["3 个问题，已回答 0 个", "0 of 3 answered"][say])
    await expect(page.locator(".ex-title")).to_have_text([SLIDES, RECORDED, COST])
    await expect(page.locator("#list-mine .ex-title")).to_have_text([SLIDES])

    one = await open_card(page, RECORDED)
    await one.locator("[data-do=use]").click()
    field = one.locator("textarea")
    await expect(field).to_have_value("Videos are on the site.")
    await field.fill("On Friday, on the site of the series.")
    await one.locator("[data-do=source]").click()
    await one.locator("[data-part=url]").last.fill("no link at all")
    await one.locator("[data-do=send]").click()
    await expect(one.locator(".ex-sources .bad-note").last).to_contain_text("https://")
    await one.locator("[data-part=url]").last.fill("example.org/videos")
    await one.locator("[data-part=title]").last.fill("All videos")
    await expect(one.locator(".ex-hear")).to_contain_text(
        ["4 个聊天里的 4 人会收到", "4 people in 4 chats will hear it"][say]
    )
    await expect(one.locator(".ex-reach .faint")).to_contain_text("Person 0")
    await expect(one.locator(".ex-saved")).to_have_attribute("data-state", "saved")
    await no_small_targets(page)
    await picture(page, f"open-{language}")
    await one.locator("[data-do=send]").click()

    await expect(page.locator("#progress-words")).to_have_text(["3 个问题，已回答 1 个", "1 of 3 answered"][say])
    await expect(card(page, COST).locator("textarea")).to_be_visible()  # the next question that waits
    (answered,) = [q.state for q in await crowd.hall.store.questions("talk") if q.status is Status.ANSWERED]
    assert answered.answer is not None
    assert answered.answer.sources == ("faq.md#rec", "All videos https://example.org/videos")
    assert len([d for d in await crowd.hall.store.deliveries("talk") if d.key.startswith("answer:")]) == 4
    await page.locator(".toast-act").click()
    await expect(page.locator("#progress-words")).to_have_text(["3 个问题，已回答 0 个", "0 of 3 answered"][say])
    await expect(page.locator("#list-free .ex-title", has_text=RECORDED)).to_be_visible()
    await expect(card(page, RECORDED).locator("textarea")).to_have_value("On Friday, on the site of the series.")
    await card(page, RECORDED).locator("[data-do=send]").click()
    await expect(card(page, RECORDED).locator("textarea")).to_be_hidden()
    # What was open when the answer came back stays where it was, above it; then the next one is another.
    if not await card(page, COST).locator("textarea").is_visible():
        await card(page, COST).locator(".ex-head").click()

    await card(page, COST).locator("[data-do=decline]").click()
    await expect(page.locator("#count-declined")).to_have_text("1")
    await expect(board.locator(".row", has_text=COST).locator(".row-badges")).to_contain_text("1 expert passed")
    await expect(card(page, SLIDES).locator("textarea")).to_be_visible()
    await card(page, SLIDES).locator("textarea").fill("Yes.")
    await card(page, SLIDES).locator("[data-do=send]").click()
    await expect(page.locator("#progress-words")).to_have_text(["3 个问题，已回答 2 个", "2 of 3 answered"][say])
    await page.locator("#place-declined > summary").click()
    await picture(page, f"end-{language}")
    await page.emulate_media(color_scheme="dark")
    await picture(page, f"end-{language}-dark")
    await crowd.hall.store.save_session(Session("other", "Another talk"))
    await page.goto(crowd.hall.url + "/")
    await page.get_by_role("link", name=["专家回答", "Experts' answers"][say]).click()
    await page.wait_for_url("**/s/talk/experts")


async def no_small_targets(page: Page) -> None:
    """Whatever can be pressed is 44 px high and wide; nothing is wider than the screen."""
    small = await page.evaluate(
        """() => [...document.querySelectorAll("button, a.button, summary, input, textarea")]
            .filter((node) => node.checkVisibility() && !node.closest("dialog, .toasts") && !node.matches(".link"))
            .map((node) => [node.outerHTML.slice(0, 90), node.getBoundingClientRect()])
            .filter(([, box]) => box.height < 43.5 || box.width < 43.5).map(([html]) => html)"""
    )
    assert small == []
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def test_nothing_typed_is_lost_and_nothing_is_sent_twice_without_a_network(crowd: Crowd) -> None:
    """What is typed is on the device at once and soon on another one of the same expert; in a tunnel it is kept, says
    so, and an answer waits; when the network is back it is sent once. Two devices that both wrote are told apart."""
    async with open_line(crowd.hall.url) as line:
        page, other = await expert(crowd, url=line.url), await expert(crowd, DESK)
        one = await open_card(page, RECORDED)
        await one.locator("textarea").fill("On Friday")
        await expect(one.locator(".ex-saved")).to_have_attribute("data-state", "saved")
        there = await open_card(other, RECORDED)
        await expect(there.locator("textarea")).to_have_value("On Friday")

        await line.cut()
        await expect(page.locator("#off")).to_be_visible()
        await one.locator("textarea").fill("On Friday, from the tunnel")
        await expect(one.locator(".ex-saved")).to_have_attribute("data-state", "device")
        await there.locator("textarea").fill("On Friday, from the desk")
        await until_drafted(crowd, "On Friday, from the desk")
        two = await open_card(page, SLIDES)
        await two.locator("textarea").fill("Yes, as a PDF.")
        await two.locator("[data-do=send]").click()
        await expect(two.locator(".badge", has_text="Waits for the network")).to_be_visible()
        await picture(page, "offline")
        assert await answer_of(crowd, SLIDES) == ""

        await line.mend()
        await expect(page.locator("#off")).to_be_hidden()
        await expect(page.locator("#progress-words")).to_have_text("1 of 3 answered")
        assert await answer_of(crowd, SLIDES) == "Yes, as a PDF."
        assert len(await crowd.hall.store.actions("talk", what=["answer"])) == 1
        one = await open_card(page, RECORDED)
        await expect(one.locator(".ex-elsewhere")).to_contain_text("On Friday, from the desk")
        await expect(one.locator("textarea")).to_have_value("On Friday, from the tunnel")
        await picture(page, "two-devices")
        await one.locator("[data-do=ours]").click()
        await until_drafted(crowd, "On Friday, from the tunnel")
        await expect(there.locator("textarea")).to_have_value("On Friday, from the tunnel")


async def until_drafted(crowd: Crowd, text: str) -> None:
    """Until the server keeps this draft."""
    async with asyncio.timeout(20):
        while text not in [one.text for one in await crowd.hall.store.drafts("talk")]:  # noqa: ASYNC110 (no event)
            await asyncio.sleep(0.05)


async def test_two_experts_do_not_write_the_same_answer_unknowingly(crowd: Crowd) -> None:
    """Who writes is seen by the other; who was faster is shown to the one who is late, who adds to it; what was merged
    meanwhile is answered where it went. All of it with keys."""
    ann, bo = await expert(crowd, DESK, name="Ann"), await expert(crowd, DESK, name="Bo")
    await ann.keyboard.press("j")
    await ann.keyboard.press("Enter")
    await expect(card(ann, RECORDED).locator("textarea")).to_be_visible()
    await card(ann, RECORDED).locator("textarea").fill("On Friday.")
    await expect(card(bo, RECORDED).locator(".ex-head")).to_contain_text("Ann is writing an answer")
    mine = await open_card(bo, RECORDED)
    await mine.locator("textarea").fill("In the archive.")
    await bo.keyboard.press("Control+Enter")
    await expect(bo.locator("#ask-head")).to_contain_text("Ann is writing an answer to this too")
    await bo.keyboard.press("Escape")
    await expect(card(ann, RECORDED).locator(".ex-head")).to_contain_text(re.compile("Bo (is writing|has a draft)"))
    await ann.keyboard.press("Control+Enter")
    await ann.locator("[data-choice=send]").click()  # Bo's draft counts too
    await expect(mine.locator(".ex-given")).to_contain_text("On Friday.")
    await mine.locator("textarea").press("Control+Enter")
    await expect(bo.locator("#ask-body")).to_contain_text("On Friday.")
    await picture(bo, "overtaken")
    await bo.locator("[data-choice=add]").click()
    await expect(bo.locator("#progress-words")).to_have_text("1 of 3 answered")
    await expect(bo.locator(".toast").first).to_contain_text("It goes to 4 people")
    assert await answer_of(crowd, RECORDED) == "On Friday.\n\nIn the archive."

    slides = card(bo, SLIDES)  # the next one that waits is open already
    await slides.locator("textarea").fill("As a PDF.")
    await expect(slides.locator(".ex-saved")).to_have_attribute("data-state", "saved")
    await card(ann, SLIDES).locator("[data-do=together]").click()
    await ann.locator("#pick-search").fill("cost")
    await picture(ann, "together")
    await ann.keyboard.press("Enter")
    await expect(card(ann, SLIDES)).to_have_count(0)
    await expect(card(bo, COST).locator(".badge", has_text="Your draft")).to_be_visible()
    cost = card(bo, COST)
    await cost.locator(".ex-head").click()
    await expect(cost.locator("textarea")).to_have_value("As a PDF.")


async def test_what_is_sent_to_a_merged_question_takes_no_other_draft_with_it(crowd: Crowd) -> None:
    """An answer waits for the network, and its question goes into one that has a draft too: sent there all the same, it
    leaves that draft."""
    bo = await expert(crowd)
    await (await open_card(bo, COST)).locator("textarea").fill("Ten euros.")
    await until_drafted(crowd, "Ten euros.")
    field = (await open_card(bo, SLIDES)).locator("textarea")
    await bo.route("**/answer", lambda route: route.abort())
    await field.fill("As a PDF.")
    await field.press("Control+Enter")
    ids = {q.title: q.id for q in await crowd.hall.store.questions("talk")}
    await crowd.hall.desk.merge("Ann", [ids[SLIDES]], ids[COST])
    await expect(card(bo, SLIDES)).to_have_count(0)
    await bo.unroute("**/answer")
    await bo.evaluate("dispatchEvent(new Event('online'))")
    await bo.locator("[data-choice=answer]").click()
    await expect(bo.locator("#progress-words")).to_have_text("1 of 2 answered")
    assert await answer_of(crowd, COST) == "As a PDF."
    await until_drafted(crowd, "Ten euros.")
    await expect(card(bo, COST).locator("textarea")).to_have_value("Ten euros.")  # that card was opened next


async def test_an_answer_that_was_undone_before_its_reply_came_is_kept_as_said(crowd: Crowd) -> None:
    """The reply is lost, the server has forgotten the draft, and a moderator takes the answer back: sent again it is
    refused, and the text is there to be sent anew, as the page says."""
    bo = await expert(crowd)
    field = (await open_card(bo, SLIDES)).locator("textarea")
    await field.fill("As a PDF.")
    await until_drafted(crowd, "As a PDF.")

    async def lose(route: Route) -> None:
        if await answer_of(crowd, SLIDES) == "":
            await route.fetch()
        await route.abort()

    await bo.route("**/answer", lose)
    await field.press("Control+Enter")
    await bo.wait_for_function("""() => Object.entries(localStorage).every(
        ([key, kept]) => !key.startsWith("floormic.drafts") || !kept.includes("As a PDF."))""")
    await bo.unroute("**/answer")
    (answered,) = await crowd.hall.store.actions("talk", what=["answer"])
    await crowd.hall.desk.undo("Ann", "talk", answered.id)
    await bo.evaluate("dispatchEvent(new Event('online'))")
    await expect(bo.locator("#ask-body")).to_contain_text("your text is kept")
    await bo.locator("[data-choice='']").click()
    await expect(card(bo, SLIDES).locator("textarea")).to_have_value("As a PDF.")
    await until_drafted(crowd, "As a PDF.")


async def test_who_writes_goes_on_while_the_list_above_changes(crowd: Crowd) -> None:
    """A colleague answers the question above: the field keeps the focus, so that no letter becomes a command."""
    bo = await expert(crowd)
    field = (await open_card(bo, SLIDES)).locator("textarea")
    await field.press_sequentially("As a ")
    await expect(card(bo, RECORDED)).to_be_visible()
    await crowd.answered(RECORDED, "On Friday.", crowd.hall.now(), by="Ann")
    await expect(bo.locator("#progress-words")).to_have_text("1 of 3 answered")
    await bo.keyboard.type("tin of notes")
    await expect(field).to_have_value("As a tin of notes")


async def test_a_question_that_is_taken_away_leaves_what_was_written_for_it(crowd: Crowd) -> None:
    """A moderator takes a split back while an expert answers what was split off: the text is there to be copied."""
    await crowd.asks("Where is the exit?", people=2)
    found = next(q for q in await crowd.hall.store.questions("talk") if q.title == "Where is the exit?")
    second = (await crowd.hall.store.asked(found.id))[1].message.id
    split = await crowd.hall.desk.split("Mo", found.id, [second])
    bo = await expert(crowd)
    gone = bo.locator(f".ex-card[data-id=q{second}]")
    await gone.locator(".ex-head").click()
    await gone.locator("textarea").fill("At the back.")
    await crowd.hall.desk.undo("Mo", "talk", split.id)
    await expect(bo.locator("#ask-body textarea")).to_have_value("At the back.")
    await expect(gone).to_have_count(0)


async def test_two_answers_that_come_late_are_asked_about_one_after_the_other(crowd: Crowd) -> None:
    """A colleague answered both questions while the train was in a tunnel: each is shown alone, and "replace" is said
    of the first only."""
    async with open_line(crowd.hall.url) as line:
        page = await expert(crowd, url=line.url)
        one, two = await open_card(page, RECORDED), card(page, SLIDES)
        await expect(one.locator(".ex-reach")).to_contain_text("4 people")  # read before the tunnel
        await one.locator("textarea").fill("From the train.")
        await line.cut()
        await expect(page.locator("#off")).to_be_visible()
        await one.locator("[data-do=send]").click()
        await two.locator("textarea").fill("As a PDF.")  # the next one that waits is open already
        await two.locator("[data-do=send]").click()
        await expect(two.locator(".badge", has_text="Waits for the network")).to_be_visible()
        for text in (RECORDED, SLIDES):
            await crowd.answered(text, f"By Ann: {text}", crowd.hall.now(), by="Ann")
        await line.mend()
        asked = page.locator("#ask-body")
        await expect(asked).to_contain_text(f"By Ann: {RECORDED}")
        await page.locator("[data-choice=replace]").click()
        await expect(asked).to_contain_text(f"By Ann: {SLIDES}")
        await page.locator("#ask [data-choice='']").click()
        await expect(page.locator("#ask")).to_be_hidden()
        await expect(page.locator(".toast").first).to_contain_text("It goes to 4 people")
        assert await answer_of(crowd, RECORDED) == "From the train."
        assert await answer_of(crowd, SLIDES) == f"By Ann: {SLIDES}"
