"""The pages in a real browser, with the whole program behind them."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Route, expect

from bot.model import Mode
from tests.bot.web.browsing import BROWSER, DESK, EVERYWHERE, PHONE, Crowd, open_crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

PAYLOADS = (
    "<script>alert(1)</script>?",
    "<img src=x onerror=alert(2)>?",
    '"><svg onload=alert(3)>?',
    "javascript:alert(4)?",
    "{{ 7 * 7 }} ${alert(5)} </script><script>alert(6)</script>?",
)

LIES_OVER = """(what) => {
  const own = document.querySelector(what).getBoundingClientRect();
  return [...document.querySelectorAll(".tab, .row")].filter((one) => {
    const { top, bottom, left, right } = one.getBoundingClientRect();
    const shown = Math.min(right, one.parentElement.getBoundingClientRect().right); // the tabs can be scrolled
    return shown > left && left < own.right && shown > own.left && top < own.bottom && bottom > own.top;
  }).map((one) => one.outerHTML.slice(0, 120));
}"""
"""The tabs and rows that this lies over."""


def row(page: Page | Locator, text: str) -> Locator:
    """A question in a list of the page."""
    return page.locator(".row", has_text=text)


async def titles(page: Page, list_id: str) -> list[str]:
    """The questions of a list, from top to bottom."""
    return await page.locator(f"#{list_id} .row .said").all_inner_texts()


async def ask(page: Page, text: str) -> None:
    await page.locator("#ask").fill(text)
    await page.locator("#ask").press("Enter")


async def lane(page: Page, status: str) -> None:
    await page.locator(f"#tab-{status}").click()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_question_goes_from_the_viewer_over_the_board_and_the_stage_back_to_its_asker(
    crowd: Crowd, size: dict[str, int]
) -> None:
    """Two people ask the same; the moderator sees one question, stages it, answers it; the asker reads the answer."""
    viewer, board = await crowd.viewer(size), await crowd.moderator(size)
    stage = await crowd.viewer(size)
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    await crowd.asks("Is there a recording of this talk?")
    await ask(viewer, "is there a recording of this talk")

    question = row(board, "recording")
    await expect(question).to_have_count(1)
    await expect(question.locator(".row-people b")).to_have_text("2")
    await question.locator("[data-do=stage]").click()
    await expect(stage.locator("#now-title")).to_have_text("Is there a recording of this talk?")
    await expect(viewer.locator("#onstage-title")).to_have_text("Is there a recording of this talk?")

    await lane(board, "on_stage")
    await question.locator("[data-do=reply]").click()
    await board.locator("#answer-text").fill("Tomorrow at noon, on the course page.")
    await board.locator(".panel-answer [data-do=answer]").click()
    if size is PHONE:
        await viewer.locator("#tab-mine").click()
    await expect(viewer.locator(".mine .answer")).to_contain_text("Tomorrow at noon, on the course page.")
    await expect(viewer.locator(".mine .answer")).to_contain_text("Ann")
    await expect(stage.locator("#wait")).to_be_visible()


async def test_the_same_question_is_shown_before_it_is_sent(crowd: Crowd) -> None:
    """Who types what others ask is shown it and joins with one press, without sending; once it is answered they are
    shown the answer; what nobody asks brings nothing up, and what is shown can be closed."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    viewer = await crowd.viewer(PHONE)
    await viewer.locator("#ask").press_sequentially("is there a recording of this talk")
    await expect(viewer.locator("#likely")).to_contain_text("3 people ask this already")
    await viewer.locator("#likely .likely-close").click()
    await expect(viewer.locator("#likely")).to_be_hidden()
    await viewer.locator("#ask").press("?")
    await viewer.locator("#likely .button.primary").click()
    await expect(viewer.locator("#ask")).to_have_value("")
    await expect(row(viewer, "recording").locator(".vote")).to_have_attribute("aria-pressed", "true")
    await expect(row(viewer, "recording").locator(".vote b")).to_have_text("4")

    board = await crowd.moderator()
    await answer_first(board, "Tomorrow at noon.")
    other = await crowd.viewer()
    await other.locator("#ask").press_sequentially("Is there a recording of this talk")
    await expect(other.locator("#likely")).to_contain_text("Tomorrow at noon.")
    await other.get_by_role("button", name="That answers it").click()
    await expect(other.locator("#ask")).to_have_value("")

    await viewer.locator("#ask").press_sequentially("Something quite different")
    await asyncio.sleep(1.0)
    await expect(viewer.locator("#likely")).to_be_hidden()


async def test_what_is_suggested_goes_with_the_question_that_is_sent(crowd: Crowd) -> None:
    """Sent with Enter, a question takes along what was shown while it was written."""
    await crowd.asks("Is there a recording of this talk?", people=3)
    viewer = await crowd.viewer(PHONE)
    await viewer.locator("#ask").press_sequentially("is there a recording of this talk")
    await expect(viewer.locator("#likely")).to_contain_text("3 people ask this already")
    await viewer.locator("#ask").press("Enter")
    await expect(viewer.locator("#likely")).to_be_hidden()
    await expect(row(viewer, "recording").locator(".vote b")).to_have_text("4")


async def test_the_overlay_captions_the_stream(crowd: Crowd) -> None:
    """The question on stage, then each new answer once with who gave it, over a ground that stays transparent; an
    answer from before the page was opened is not shown again."""
    await crowd.asks("Where can I park tonight?")
    board = await crowd.moderator()
    await answer_first(board, "Behind the hall.")
    overlay = await crowd.viewer()
    await overlay.goto(crowd.hall.session_url("talk", "overlay") + "?size=large&theme=light")
    await expect(overlay.locator("body")).to_have_attribute("data-size", "large")
    await expect(overlay.locator("#caption")).to_be_hidden()

    await crowd.asks("Is there a recording of this talk?", people=3)
    await lane(board, "new")
    await row(board, "recording").locator("[data-do=stage]").click()
    await expect(overlay.locator("#question")).to_have_text("Is there a recording of this talk?")
    await expect(overlay.locator("#foot")).to_contain_text("3")
    await answer_first(board, "Tomorrow at noon.", "on_stage")
    await expect(overlay.locator("#answer")).to_have_text("Tomorrow at noon.")
    await expect(overlay.locator("#foot")).to_contain_text("Ann")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert await overlay.evaluate(ground) == "rgba(0, 0, 0, 0)"


async def test_an_answer_whose_time_cannot_be_does_not_hide_a_later_one(crowd: Crowd) -> None:
    """The course answers at the time of the message, which its chat may have wrong: the overlay goes by what is new to
    it, not by what is later."""
    overlay = await crowd.viewer()
    await overlay.clock.install()
    await overlay.goto(crowd.hall.session_url("talk", "overlay"))
    for at, said in ((0.0, "As it was in the beginning."), (9e10, "In three thousand years."), (200.0, "Tomorrow.")):
        await crowd.asks("Is there a recording of this talk?")
        await crowd.answered("Is there a recording of this talk?", said, at)
        await expect(overlay.locator("#answer")).to_have_text(said)
        await overlay.clock.fast_forward(31_000)


async def test_many_answers_do_not_keep_the_stage_off_the_overlay(crowd: Crowd) -> None:
    """Viewers can have the course answer as often as they like. What waits to be shown is short, and people's answers
    are the last to be left out."""
    overlay = await crowd.viewer()
    await overlay.clock.install()
    await overlay.goto(crowd.hall.session_url("talk", "overlay"))
    await overlay.evaluate(
        """() => { window.told = []; const answer = document.getElementById("answer");
          new MutationObserver(() => window.told.push(answer.textContent)).observe(answer, { childList: true }); }"""
    )
    for n in range(20):
        await crowd.asks(f"What is the meaning of word number {n}?")
        await crowd.answered(
            f"What is the meaning of word number {n}?", f"It is {n}.", 100.0, "Ann" if n == 3 else "course"
        )
    await crowd.asks("Is there a recording of this talk?")
    await crowd.staged("Is there a recording of this talk?")
    async with asyncio.timeout(30):
        while await overlay.locator("#question").inner_text() != "Is there a recording of this talk?":
            await overlay.clock.fast_forward(31_000)
            await asyncio.sleep(0.1)
    told = set(await overlay.evaluate("window.told"))
    assert "It is 3." in told
    assert not {f"It is {n}." for n in range(20)} <= told
    await expect(overlay.locator("#answer")).to_be_hidden()


async def answer_first(board: Page, text: str, status: str = "new") -> None:
    await lane(board, status)
    await board.locator(f"#list-{status} .row [data-do=reply]").first.click()
    await board.locator("#answer-text").fill(text)
    await board.locator(".panel-answer [data-do=answer]").click()
    await expect(board.locator(f"#count-{status}")).to_have_text("0")


async def test_a_linking_code_is_seen_on_a_phone(crowd: Crowd) -> None:
    """It comes into view when it was asked for, though the field to ask lies over the end of the page."""
    viewer = await crowd.viewer(PHONE, "zh-CN")
    await viewer.get_by_role("tab", name="我的提问").click()
    await viewer.locator("#link-offer").click()
    await expect(viewer.locator("#link-say")).to_contain_text("绑定 ")
    seen = """() => {
      const box = document.getElementById("link-say").getBoundingClientRect();
      const there = document.elementFromPoint(box.left + 20, box.top + box.height / 2);
      return there?.closest("#link-said") !== null;
    }"""
    await viewer.wait_for_function(seen)


async def test_what_is_asked_in_a_chat_comes_to_the_page_once_linked(crowd: Crowd) -> None:
    """The page offers a line to say in the chat; then the question there is among one's own, under the chat's name,
    counts once, and unlinking takes it back."""
    viewer = await crowd.viewer()
    await ask(viewer, "Where can I park tonight?")
    await crowd.asks("Where can I park tonight?")
    await expect(row(viewer, "park").locator(".vote b")).to_have_text("2")
    await viewer.locator("#link-offer").click()
    await expect(viewer.locator("#link-say")).to_contain_text("link ")
    await crowd.says(await viewer.locator("#link-say").inner_text(), author="u0")
    await expect(row(viewer, "park").locator(".vote b")).to_have_text("1")
    await expect(viewer.locator("#linked li")).to_have_count(1)
    await expect(viewer.locator("#list-mine .mine")).to_have_count(2)
    await viewer.locator("#linked button").click()
    await expect(viewer.locator("#list-mine .mine")).to_have_count(1)
    await expect(row(viewer, "park").locator(".vote b")).to_have_text("2")


async def test_moderating_needs_no_mouse(crowd: Crowd) -> None:
    """Approve, select, merge, undo, edit, pin, answer and dismiss with keys alone."""
    await crowd.asks("Which book should I read first?", people=3)
    await crowd.asks("Where can I park tonight?", people=2)
    await crowd.asks("What is on the menu?")
    board = await crowd.moderator()
    await expect(board.locator("#list-new .row")).to_have_count(3)
    press = board.keyboard.press

    await press("j")
    await press("a")
    await expect(row(board.locator("#list-queued"), "Which book")).to_be_visible()
    await press("x")
    await press("j")
    await press("x")
    await press("m")
    await expect(board.locator("#count-new")).to_have_text("1")
    await press("u")
    await expect(board.locator("#count-new")).to_have_text("2")

    await press("k")
    await press("e")
    await board.keyboard.type("Parking tonight")
    await press("Enter")
    parking = row(board, "Parking tonight")
    await expect(parking).to_be_visible()
    await press("Escape")
    await press("p")
    await expect(parking.locator("[data-tone=queued]")).to_be_visible()
    await press("r")
    await board.keyboard.type("Behind the hall.")
    await press("Control+Enter")
    await expect(board.locator("#count-answered")).to_have_text("1")
    await press("Escape")
    await press("Escape")
    await press("j")
    await press("d")
    await board.keyboard.type("not about the talk")
    await press("Enter")
    await expect(board.locator("#count-dismissed")).to_have_text("1")
    await press("?")
    await expect(board.locator("#help")).to_be_visible()


async def test_what_people_write_never_runs(crowd: Crowd) -> None:
    """Payloads stand as text on the viewer page, the board, its panel, the stage and in the ledger."""
    for payload in PAYLOADS:
        await crowd.asks(payload)
    board, viewer = await crowd.moderator(), await crowd.viewer()
    await expect(board.locator("#list-new .row")).to_have_count(len(PAYLOADS))
    await expect(viewer.locator("#list-open .row")).to_have_count(len(PAYLOADS))
    assert sorted(await titles(viewer, "list-open")) == sorted(PAYLOADS)
    for payload in PAYLOADS:
        await row(board, payload).locator(".row-open").click()
        await expect(board.locator(".panel-title .said")).to_have_text(payload)
        await expect(board.locator(".wording .said")).to_have_text(payload)
        await board.locator(".panel-acts [data-do=stage]").click()
        await expect(viewer.locator("#onstage-title")).to_have_text(payload)
    await board.locator("#history-open").click()
    await expect(board.locator("#ledger li")).to_have_count(len(PAYLOADS))
    stage = await crowd.viewer()
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    await expect(stage.locator("#now-title")).to_have_text(PAYLOADS[-1])


@pytest.mark.parametrize("page", ["viewer", "board"])
async def test_order_waits_while_the_pointer_is_in_the_list(crowd: Crowd, page: str) -> None:
    """Under the pointer numbers change but nothing moves; the hint says so, and a click on it brings the order."""
    await crowd.asks("Which book should I read first?", people=3)
    await crowd.asks("Where can I park tonight?", people=2)
    opened = await (crowd.viewer() if page == "viewer" else crowd.moderator())
    part = "open" if page == "viewer" else "new"
    book, parking = "Which book should I read first?", "Where can I park tonight?"
    await expect(row(opened, parking)).to_be_visible()
    await row(opened, book).hover()
    places = [await row(opened, text).bounding_box() for text in (book, parking)]

    await crowd.asks(parking, people=4)
    await crowd.asks("What is on the menu?", people=9)
    await expect(row(opened, parking)).to_contain_text("6")
    hint = opened.locator(f"#hint-{part} button")
    await expect(hint).to_be_visible()
    await opened.wait_for_timeout(1200)
    assert await titles(opened, f"list-{part}") == [book, parking, "What is on the menu?"]
    assert [await row(opened, text).bounding_box() for text in (book, parking)] == places

    await hint.click()
    # A row that has just moved may not be painted yet, and then has no text for whoever looks at once.
    await expect(opened.locator(f"#list-{part} .row .said")).to_have_text(["What is on the menu?", parking, book])
    await expect(hint).to_be_hidden()


@pytest.mark.parametrize("page", ["viewer", "board"])
@EVERYWHERE
async def test_what_waits_is_told_where_it_covers_nothing(
    crowd: Crowd, size: dict[str, int], language: str, page: str
) -> None:
    """The button that brings the order lies over no row at the top and over no tab, and nothing moves when it comes: on
    the board beside the tabs, on the viewer's page above the field."""
    await crowd.asks("Which book should I read first?", people=3)
    await crowd.asks("Where can I park tonight?", people=2)
    opened = await (crowd.viewer if page == "viewer" else crowd.moderator)(size, language)
    part = "open" if page == "viewer" else "new"
    rows, hint = opened.locator(f"#list-{part} .row"), opened.locator(f"#hint-{part} button")
    await expect(rows).to_have_count(2)
    before = await rows.first.bounding_box()
    await rows.first.evaluate("row => row.dispatchEvent(new PointerEvent('pointermove', { bubbles: true }))")
    await crowd.asks("What is on the menu?", people=9)
    await expect(hint).to_be_visible()
    assert await rows.first.bounding_box() == before
    assert await opened.evaluate(LIES_OVER, f"#hint-{part} button") == []
    assert await opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name, columns = ("New" if language == "en-US" else "新问题"), page == "board" and size["width"] > 1100
    assert (name in await hint.inner_text()) is columns  # beside another column's it says whose it is


async def test_order_comes_by_itself_where_it_disturbs_nobody(crowd: Crowd) -> None:
    """Nobody touches the list: the new order is there without a click."""
    await crowd.asks("Which book should I read first?", people=3)
    viewer = await crowd.viewer()
    await expect(viewer.locator("#list-open .row")).to_have_count(1)
    await crowd.asks("Where can I park tonight?", people=5)
    await expect(viewer.locator("#list-open .row .said").first).to_have_text("Where can I park tonight?")


async def test_the_language_can_be_switched_and_is_remembered(crowd: Crowd) -> None:
    """The browser's language first, the other one at a press, and still after a reload."""
    viewer = await crowd.viewer(language="zh-CN")
    await expect(viewer.locator("#tab-open")).to_contain_text("问题")
    await expect(viewer.locator("#ask")).to_have_attribute("placeholder", "想问点什么？")
    await viewer.locator("#language").click()
    await expect(viewer.locator("#tab-open")).to_contain_text("Questions")
    await viewer.reload()
    await expect(viewer.locator("#tab-open")).to_contain_text("Questions")
    assert await viewer.evaluate("document.documentElement.lang") == "en"


async def test_a_vote_counts_once_and_can_be_taken_back(crowd: Crowd) -> None:
    """One press adds one person, a second press takes it away; the button says which it is."""
    await crowd.asks("Which book should I read first?")
    viewer = await crowd.viewer(PHONE)
    vote = row(viewer, "Which book").locator(".vote")
    await vote.click()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await expect(vote.locator("b")).to_have_text("2")
    await viewer.reload()
    await expect(vote).to_have_attribute("aria-pressed", "true")
    await vote.click()
    await expect(vote.locator("b")).to_have_text("1")
    await expect(vote).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("page", "switch"),
    [("settings", "#review"), ("polls", "#pulse-switch"), ("", "#told")],
    ids=["review", "pulse", "told"],
)
async def test_a_switch_goes_back_where_nothing_was_saved(crowd: Crowd, page: str, switch: str) -> None:
    """Without a network the page says that nothing was done, and the switch shows what is saved."""

    async def cut(route: Route) -> None:
        await (route.continue_() if route.request.method == "GET" else route.abort())

    opened = await crowd.moderator(page=page)
    await opened.locator(switch).wait_for()
    saved = await opened.locator(switch).is_checked()
    await opened.route("**/api/**", cut)
    await opened.locator(switch).click()
    await expect(opened.locator(".toast-bad")).to_contain_text("nothing was done")
    await expect(opened.locator(switch)).to_be_checked(checked=saved)
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "ERR_FAILED" not in wrong]  # the network we cut


async def test_what_is_asked_without_a_network_is_sent_once_later(crowd: Crowd) -> None:
    """Asked offline, closed, opened again: the question is kept on the device and arrives exactly once."""
    viewer = await crowd.viewer(PHONE, service_workers="block")  # with one some requests pass by a route
    await viewer.context.route("**/messages", lambda route: route.abort())
    await ask(viewer, "Is there a recording of this talk?")
    await expect(viewer.locator("#composer-note")).to_contain_text("1 question waits")
    await viewer.context.unroute("**/messages")
    again = await viewer.context.new_page()
    await viewer.close()
    await again.goto(crowd.hall.session_url("talk"))
    await expect(row(again, "recording").locator(".vote b")).to_have_text("1")
    await again.locator("#tab-mine").click()
    await expect(again.locator(".mine")).to_have_count(1)
    assert len(await crowd.hall.store.placements("talk")) == 1
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "ERR_FAILED" not in wrong]  # the network we cut


async def test_a_code_brings_my_questions_to_another_device(crowd: Crowd) -> None:
    """The code shown on one device, entered on another, shows the same questions there."""
    phone, laptop = await crowd.viewer(PHONE), await crowd.viewer()
    await ask(phone, "Is there a recording of this talk?")
    await phone.locator("#tab-mine").click()
    await expect(phone.locator(".mine", has_text="recording")).to_contain_text("New")
    code = await phone.locator("#code-value").inner_text()
    await laptop.locator("#code-open").click()
    await laptop.locator("#code-input").fill(code)
    await laptop.locator("#code-input").press("Enter")
    await expect(laptop.locator(".mine")).to_contain_text("recording")


async def test_the_board_splits_what_does_not_belong(crowd: Crowd) -> None:
    """A moderator merges two questions and splits one wording off again, from the panel."""
    await crowd.asks("Which book should I read first?", people=2)
    await crowd.asks("Where can I park tonight?")
    board = await crowd.moderator()
    for text in ("Which book", "Where can I park"):
        await row(board, text).locator("input[type=checkbox]").check()
    await board.locator("#selection-merge").click()
    await expect(board.locator("#list-new .row")).to_have_count(1)
    await board.locator("#list-new .row-open").click()
    await board.locator(".wording", has_text="park").locator("input").check()
    await board.locator("[data-do=split]").click()
    await expect(board.locator("#list-new .row")).to_have_count(2)
    await expect(row(board, "Where can I park").locator(".row-people b")).to_have_text("1")
    await row(board, "Where can I park").locator(".row-open").click()
    await expect(board.locator(".wording-who .badge")).to_have_text("a moderator put it here")


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_the_board_says_why_and_takes_no_for_an_answer(tmp_path: Path, language: str) -> None:
    """On a phone: the reasons of a wording unfold in the person's language, a suggested merge is refused and stays
    refused after a reload, and undo brings it back."""
    english = language.startswith("en")
    async with open_crowd(tmp_path, Mode.SUGGEST) as crowd:
        await crowd.asks("Which book should I read first?", people=2)
        board = await crowd.moderator(PHONE, language)
        suggestion = board.locator("#list-new .suggest", has_text="May be the same" if english else "可能是同一个")
        await expect(suggestion).to_have_count(1)
        asker = row(board, "Which book").filter(has=board.locator(".suggest"))
        await asker.locator(".row-open").click()
        why = board.locator(".wording .why")
        await expect(why.locator("dd").first).to_be_hidden()
        await why.locator("summary").click()
        await expect(why).to_contain_text("word for word an earlier one" if english else "与更早的一条一字不差")
        assert await board.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await board.locator(".panel-suggest [data-do=apart]").click()
        await expect(board.locator(".panel-suggest .suggest")).to_have_count(0)
        await board.reload()
        await expect(board.locator("#list-new .row")).to_have_count(2)
        await expect(suggestion).to_have_count(0)
        await board.locator("#undo").click()
        await expect(suggestion).to_have_count(1)
        assert crowd.wrongs == []


async def test_hard_texts_break_no_page(crowd: Crowd) -> None:
    """Long, right-to-left, stacked and control characters: no page scrolls sideways on a phone."""
    hard = (
        "为什么" * 660 + "？",
        "w" * 1900 + "?",
        "هل يمكن استخدام النموذج؟ 👩‍👩‍👧‍👦",
        "Z" + "\u0335\u0321" * 200 + "a?",
        "\u202etxet?\u0007",
    )
    for text in hard:
        await crowd.asks(text)
    viewer, board = await crowd.viewer(PHONE), await crowd.moderator(PHONE)
    await expect(viewer.locator("#list-open .row")).to_have_count(len(hard))
    await expect(board.locator("#list-new .row")).to_have_count(len(hard))
    await board.locator(".row-open").first.click()
    await board.locator(".panel-acts [data-do=stage]").click()
    await viewer.locator("#onstage:not(.none)").wait_for()
    stage = await crowd.viewer(PHONE)
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    await stage.locator("#now").wait_for()
    for page in (viewer, board, stage):
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_the_stage_goes_on_with_one_key(crowd: Crowd) -> None:
    """A moderator presses n on the stage: the question counts as answered aloud and the most wanted one comes."""
    await crowd.asks("Which book should I read first?", people=3)
    await crowd.asks("Where can I park tonight?", people=2)
    board = await crowd.moderator()
    await row(board, "Where can I park").locator("[data-do=approve]").click()
    await row(board, "Which book").locator("[data-do=stage]").click()
    await expect(board.locator("#count-on_stage")).to_have_text("1")
    stage = await crowd.moderator(page="stage")
    await expect(stage.locator("#now-title")).to_have_text("Which book should I read first?")
    await stage.keyboard.press("n")
    await expect(stage.locator("#now-title")).to_have_text("Where can I park tonight?")
    await expect(board.locator("#count-answered")).to_have_text("1")


async def test_an_asker_sends_a_course_answer_back(crowd: Crowd) -> None:
    """A course answer names its source; the asker's "this does not answer it" puts the question back, where moderators
    see why and that it was a viewer, by the name of the chat and no number."""
    viewer, board = await crowd.viewer(PHONE), await crowd.moderator()
    await ask(viewer, "Is there a recording of this talk?")
    await expect(row(board, "recording")).to_be_visible()
    (question,) = await crowd.hall.store.questions("talk")
    await crowd.hall.desk.answer("course", question.id, "Every talk is recorded.", ["faq.md:12"])
    await viewer.locator("#tab-mine").click()
    await expect(viewer.locator(".mine .answer")).to_contain_text("faq.md:12")
    await expect(board.locator("#count-answered")).to_have_text("1")
    await viewer.get_by_role("button", name="This does not answer it").click()
    await expect(viewer.locator(".mine")).to_contain_text("New")
    await expect(board.locator("#count-new")).to_have_text("1")
    await expect(row(board, "recording").locator(".row-badges")).to_contain_text("Course did not answer it")
    await expect(viewer.locator(".mine .answer")).to_have_count(0)
    await board.locator("#history-open").click()
    await expect(board.locator("#ledger li").first).to_contain_text("A viewer · ")


async def test_an_answer_that_overtakes_the_list_of_my_questions_is_shown(crowd: Crowd) -> None:
    """The first list of my questions comes late and older than the answer; the answer is shown all the same."""
    viewer, board = await crowd.viewer(PHONE), await crowd.moderator()
    late = asyncio.Event()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        if "recording" in await response.text():
            await late.wait()
        await route.fulfill(response=response)

    await viewer.route("**/mine", hold)
    await crowd.asks("Is there a recording of this talk?")
    await expect(row(board, "recording")).to_be_visible()
    await ask(viewer, "Is there a recording of this talk?")
    await expect(row(board, "recording").locator(".row-people b")).to_have_text("2")
    await asyncio.sleep(0.5)
    (question,) = await crowd.hall.store.questions("talk")
    await crowd.hall.desk.answer("course", question.id, "Every talk is recorded.", ["faq.md:12"])
    await expect(viewer.locator("#count-answered")).to_have_text("1")
    late.set()
    await viewer.locator("#tab-mine").click()
    await expect(viewer.locator(".mine .answer")).to_contain_text("faq.md:12")
    await viewer.unroute_all(behavior="ignoreErrors")


async def test_what_a_colleague_takes_away_moves_nothing_under_the_pointer(crowd: Crowd) -> None:
    """Another moderator dismisses the first question: it turns pale where it is, and goes with the hint."""
    await crowd.asks("Which book should I read first?", people=3)
    await crowd.asks("Where can I park tonight?", people=2)
    board, colleague = await crowd.moderator(), await crowd.moderator()
    await row(board, "Where can I park").hover()
    place = await row(board, "Where can I park").bounding_box()
    await row(colleague, "Which book").locator("[data-do=dismiss]").click()
    await colleague.locator("#dismiss-presets button").first.click()
    await expect(row(board, "Which book")).to_contain_text("Dismissed")
    assert await row(board, "Where can I park").bounding_box() == place
    await board.locator("#hint-new button").click()
    await expect(row(board, "Which book")).to_have_count(0)
