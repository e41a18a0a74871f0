"""The board in real browsers: several moderators at once, filters, bulk acts, and how few keys an answer takes."""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bot.model import CourseMatch, Mode, Status
from knowledge.reasons import Reason, Reasons, worded
from tests.bot.storage.acts import ask
from tests.bot.web.browsing import BROWSER, COMPOSED, DESK, PHONE, Crowd, open_crowd, slow_down

pytestmark = BROWSER

expect.set_options(timeout=20_000)

BOOK, PARKING, MENU = "Which book should I read first?", "Where can I park tonight?", "What is on the menu?"


def row(page: Page | Locator, text: str) -> Locator:
    return page.locator(".row", has_text=text)


async def board_of(crowd: Crowd, name: str, role: str = "moderator", size: dict[str, int] = DESK) -> Page:
    page = await (await crowd.profile(size)).new_page()
    await page.goto(crowd.hall.link(role, name))
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(crowd.hall.session_url("talk", "board"))
    await page.locator("#connection[data-state=live]").wait_for(state="attached")
    return page


async def id_of(crowd: Crowd, title: str) -> str:
    return next(q.id for q in await crowd.hall.store.questions("talk") if q.title == title)


def allow(crowd: Crowd, status: int) -> None:
    """A refusal is part of the story: the browser's own line about it is no complaint of the page."""
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if f"status of {status}" not in wrong]


async def test_two_moderators_see_each_others_hands(crowd: Crowd) -> None:
    """What a colleague has open, and that they write an answer, stands on the row and in the panel by name; it goes
    when they close it. Who is about to answer beside them is asked first."""
    await crowd.asks(BOOK)
    ann, bo = await board_of(crowd, "Ann"), await board_of(crowd, "Bo")
    await row(ann, BOOK).locator(".row-open").click()
    await expect(row(bo, BOOK).locator(".hand")).to_have_text("AAnn is looking")
    await expect(bo.locator("#here .hand")).to_have_text("AAnn")
    await ann.locator("#answer-text").fill("Start with the")
    await row(bo, BOOK).locator("[data-do=reply]").click()
    await expect(bo.locator(".panel-hands .hand")).to_contain_text("Ann is writing an answer")
    await bo.locator("#answer-text").fill("The blue one.")
    await bo.locator(".panel-answer [data-do=answer]").click()
    await expect(bo.locator("#sure")).to_contain_text("Ann is writing an answer too")
    await bo.locator("#sure [data-close]").click()
    await expect(bo.locator("#answer-text")).to_have_value("The blue one.")
    await expect(bo.locator("#count-answered")).to_have_text("0")
    await ann.keyboard.press("Escape")
    await ann.keyboard.press("Escape")
    await expect(row(bo, BOOK).locator(".hand")).to_have_count(0)


async def test_a_row_counts_who_waits(crowd: Crowd) -> None:
    """The course answered two of three who asked for the recording: one waits, the others are told beside, and what two
    wait for comes first."""
    recording, sent = "Is there a recording?", CourseMatch("faq#1", 0.97, "sent", "On the course page.")
    for n, answer in enumerate((sent, sent, replace(sent, state="suggested"))):
        await ask(crowd.hall.store, "q90", f"v{n}", text=recording, answer=answer)
    await crowd.asks(PARKING, 2)
    page = await board_of(crowd, "Ann")
    await expect(row(page, recording).locator(".row-people b")).to_have_text("1")
    await expect(row(page, recording).locator(".row-votes")).to_have_text("3 asked · 2 of them have an answer")
    await expect(page.locator(".row .row-open")).to_have_text([PARKING, recording])


async def test_what_i_write_survives_what_others_do(crowd: Crowd) -> None:
    """A colleague answers and renames the question that I have open: my words stay, I am told who did what, sending
    asks again and shows what stands now, and only then corrects the answer."""
    await crowd.asks(BOOK)
    ann, bo = await board_of(crowd, "Ann"), await board_of(crowd, "Bo")
    await row(ann, BOOK).locator("[data-do=reply]").click()
    await ann.locator("#answer-text").fill("The red one.")
    await row(bo, BOOK).locator("[data-do=reply]").click()
    await bo.locator("#answer-text").fill("The blue one.")
    await ann.locator(".panel-title").click()  # her hand is off the field
    await expect(bo.locator(".panel-hands")).to_contain_text("Ann is looking")
    await bo.locator(".panel-answer [data-do=answer]").click()
    await expect(ann.locator(".news")).to_contain_text("Bo: Answer sent")
    await expect(ann.locator(".panel-hands")).not_to_contain_text("writing")  # his hand is off the field too
    await expect(ann.locator("#answer-text")).to_have_value("The red one.")
    await ann.locator(".panel-answer [data-do=answer]").click()
    await expect(ann.locator("#sure")).to_contain_text("Bo: Answer sent")
    await expect(ann.locator("#sure")).to_contain_text("The blue one.")
    await ann.locator("#sure-yes").click()
    await expect(ann.locator(".panel-given .answer")).to_contain_text("The red one.")
    await expect(ann.locator("#answer-text")).to_have_value("")
    allow(crowd, 409)


async def test_a_title_that_two_edit_is_not_overwritten(crowd: Crowd) -> None:
    """The second to save is shown the first one's title, and what they typed is still in the field."""
    await crowd.asks(BOOK)
    ann, bo = await board_of(crowd, "Ann"), await board_of(crowd, "Bo")
    for page in (ann, bo):
        await row(page, BOOK).locator(".row-open").click()
        await page.locator(".title-view button").last.click()
    await ann.locator("#title-text").fill("Which book first?")
    await ann.locator("#title-text").press("Enter")
    await expect(bo.locator(".news")).to_contain_text("Ann: Title changed")
    await bo.locator("#title-text").fill("Best book?")
    await bo.locator("#title-text").press("Enter")
    await expect(bo.locator("#sure-details")).to_contain_text("Which book first?")
    await bo.locator("#sure [data-close]").click()
    await expect(bo.locator("#title-text")).to_have_value("Best book?")
    await expect(row(ann, "Which book first?")).to_have_count(1)
    allow(crowd, 409)


async def test_two_who_stage_at_once_are_told_of_each_other(crowd: Crowd) -> None:
    """Bo's page does not know yet that Ann staged a question: he is shown it with her name, and his goes on stage only
    when he says so again."""
    await crowd.asks(BOOK)
    await crowd.asks(PARKING)
    ann, bo = await board_of(crowd, "Ann"), await board_of(crowd, "Bo")
    await bo.evaluate("EventTarget.prototype.dispatchEvent.call(window, new Event('offline'))")
    await bo.route("**/events?*", lambda route: route.abort())
    await bo.evaluate("dispatchEvent(new Event('online'))")
    await expect(bo.locator("#connection[data-state=offline]")).to_be_attached()
    await bo.route("**/questions?*", lambda route: route.abort())
    await row(ann, BOOK).locator("[data-do=stage]").click()
    await expect(ann.locator("#onstage-title")).to_have_text(BOOK)
    await row(bo, PARKING).locator("[data-do=stage]").click()
    await expect(bo.locator("#sure-details")).to_contain_text(BOOK)
    await expect(bo.locator("#sure-details")).to_contain_text("Ann: On stage")
    await expect(ann.locator("#onstage-title")).to_have_text(BOOK)
    await bo.locator("#sure-yes").click()
    await expect(ann.locator("#onstage-title")).to_have_text(PARKING)
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "Failed to load resource" not in wrong]


async def test_the_history_says_what_was_set_and_offers_what_can_be_undone(crowd: Crowd) -> None:
    """A setting is shown with what it was and became; the start of a talk has no way back; and the heading follows."""
    await crowd.asks(BOOK)
    board = await board_of(crowd, "Ann")
    desk = crowd.hall.desk
    await desk.set_up("Org", "talk", {"title": "A late talk", "speaker": "Dr. Wu"})
    await desk.set_up("Ann", "talk", {"review": True})
    await expect(board.locator("h1")).to_have_text("A late talk")
    await expect(board.locator(".top-line")).to_contain_text("Dr. Wu")
    await expect(board.locator(".top-line")).to_contain_text("Review before publishing")
    await row(board, BOOK).locator("[data-do=approve]").click()
    await expect(board.locator("#count-queued")).to_have_text("1")
    await board.locator("#history-open").click()
    approved, review, title = [board.locator("#ledger li").nth(n) for n in range(3)]
    await expect(approved.get_by_role("button", name="Undo")).to_be_visible()
    await expect(review).to_contain_text("Review before publishing: off → on")
    await expect(title).to_contain_text("Title: An evening talk → A late talk")
    await expect(title).to_contain_text("Speaker: Dr. Lin → Dr. Wu")
    await expect(title.get_by_role("button")).to_have_count(0)
    await review.get_by_role("button", name="Undo").click()
    await expect(board.locator("#ledger li").first).to_contain_text("Undone")
    await board.locator("#history [data-close]").click()
    await expect(board.locator(".top-line [data-with=review]")).to_be_hidden()


async def test_an_expert_finds_what_is_theirs(crowd: Crowd) -> None:
    """Several questions are assigned with keys as one act that one undo takes back; the expert presses "Mine", which
    is still pressed after a reload, and sees only those."""
    for text in (BOOK, PARKING, MENU):
        await crowd.asks(text)
    ann, lin = await board_of(crowd, "Ann"), await board_of(crowd, "Dr. Lin", "expert")
    await expect(ann.locator("#here")).to_contain_text("Dr. Lin")
    for text in (BOOK, PARKING):
        await row(ann, text).locator("input[type=checkbox]").check()
    await ann.keyboard.press("g")
    await ann.keyboard.type("lin")
    await ann.locator("#picks button", has_text="Dr. Lin").click()
    await expect(ann.locator(".row [data-tone=queued]", has_text="For Dr. Lin")).to_have_count(2)
    mine = lin.locator(".filter[data-kind=mine]")
    await expect(mine).to_contain_text("2")
    await mine.click()
    await expect(lin.locator("#list-new .row")).to_have_count(2)
    await expect(lin.locator("#count-new")).to_have_text("2/3")
    await lin.reload()
    await expect(lin.locator("#list-new .row")).to_have_count(2)
    await lin.locator("#filters-clear").click()
    await expect(lin.locator("#list-new .row")).to_have_count(3)
    await ann.locator(".filter[data-kind=nobody]").click()
    await expect(ann.locator("#list-new .row")).to_have_count(1)  # a text is not waited for while there are several
    await expect(ann.locator("#list-new .row")).to_have_text(re.compile("menu"))
    await ann.locator("#filters-clear").click()
    await row(lin, BOOK).locator(".row-open").click()
    await row(ann, BOOK).locator("[data-do=approve]").click()
    await expect(lin.locator(".news")).to_contain_text("Ann: Approved")
    await ann.keyboard.press("u")
    await expect(ann.locator("#count-new")).to_have_text("3")
    await ann.keyboard.press("u")
    await expect(lin.locator(".filter[data-kind=mine]")).to_have_count(0)
    await expect(ann.locator(".filter[data-kind=nobody]")).to_have_count(0)


async def test_many_are_tidied_with_keys_alone(crowd: Crowd) -> None:
    """Filter, select all, label, pin and dismiss with a reason that askers may read: each one act, each undone at
    once."""
    for n in range(6):
        await crowd.asks(f"{'Parking' if n % 2 else 'Food'} question number {n}?")
    board = await board_of(crowd, "Ann")
    press = board.keyboard.press
    await expect(board.locator("#list-new .row")).to_have_count(6)
    await press("/")
    await board.keyboard.type("parking")
    await press("Escape")
    await expect(board.locator("#list-new .row")).to_have_count(3)
    await press("X")
    await press("l")
    await board.keyboard.type("cars")
    await press("Enter")
    await expect(board.locator(".row", has_text="cars")).to_have_count(3)
    await press("F")
    await expect(board.locator("#list-new .row")).to_have_count(6)
    await press("f")
    await expect(board.locator(".filter[data-kind=label]")).to_be_focused()
    await press("Enter")
    await expect(board.locator("#list-new .row")).to_have_count(3)
    await board.locator("#list-new .row").first.focus()
    await press("X")
    await press("p")
    await expect(board.locator("#list-new .row", has_text="Pinned")).to_have_count(3)
    await press("u")
    await expect(board.locator("#list-new .row", has_text="Pinned")).to_have_count(0)
    await press("X")
    await press("d")
    await expect(board.locator("#dismiss-about li")).to_have_count(3)
    await board.locator("#dismiss-shown").check()
    await board.locator("#dismiss-reason").fill("said at the door")
    await board.locator("#dismiss-reason").press("Enter")
    await expect(board.locator("#count-dismissed")).to_have_text("3/3")
    assert {q.state.reason_shown for q in await crowd.hall.store.questions("talk") if q.state.reason} == {True}
    await press("u")
    await expect(board.locator("#count-new")).to_have_text("3/6")
    assert [a.change.what for a in await crowd.hall.store.actions("talk")] == [
        "undo", "dismiss", "undo", "pin", "label",
    ]  # fmt: skip


async def test_a_correction_is_kept_and_followed(tmp_path: Path) -> None:
    """A refused pair is not proposed again, neither after a reload nor for what is asked later, and a later wording
    follows a merge."""
    async with open_crowd(tmp_path, Mode.SUGGEST) as crowd:
        await crowd.asks(BOOK, people=2)
        board = await board_of(crowd, "Ann")
        suggestion = board.locator("#list-new .suggest", has_text="May be the same")
        await expect(suggestion).to_have_count(1)
        await row(board, BOOK).filter(has=board.locator(".suggest")).focus()
        await board.keyboard.press("n")
        await expect(suggestion).to_have_count(0)
        await board.reload()
        await expect(board.locator("#list-new .row")).to_have_count(2)
        await expect(suggestion).to_have_count(0)
        assert crowd.wrongs == []
    async with open_crowd(tmp_path / "second") as crowd:
        await crowd.asks(BOOK)
        await crowd.asks(PARKING, people=2)
        board = await board_of(crowd, "Ann")
        for text in (BOOK, PARKING):
            await row(board, text).locator("input[type=checkbox]").check()
        await board.locator("#selection-merge").click()
        await expect(board.locator("#list-new .row")).to_have_count(1)
        await crowd.asks(BOOK)
        await expect(row(board, PARKING).locator(".row-people b")).to_have_text("4")
        await expect(board.locator("#list-new .row")).to_have_count(1)


async def test_several_wordings_move_at_once_and_come_back_at_once(crowd: Crowd) -> None:
    """Two of three wordings go to another question as one act; one undo brings both back."""
    await crowd.asks(BOOK)
    await crowd.asks(PARKING, people=2)
    await crowd.asks(MENU)
    board = await board_of(crowd, "Ann")
    for text in (BOOK, PARKING):
        await row(board, text).locator("input[type=checkbox]").check()
    await board.locator("#selection-merge").click()
    await row(board, PARKING).locator(".row-open").click()
    await expect(board.locator(".wording")).to_have_count(3)
    for wording in await board.locator(".wording", has_text=PARKING).locator("input").all():
        await wording.check()
    await board.locator("[data-do=move]").click()
    await board.locator("#picks button", has_text=MENU).click()
    await expect(board.locator(".toast")).to_contain_text(f"Moved: {MENU}")
    await expect(row(board, MENU).locator(".row-people b")).to_have_text("3")
    await board.locator(".toast-act").click()
    await expect(row(board, MENU).locator(".row-people b")).to_have_text("1")
    assert len(await crowd.hall.store.actions("talk")) == 3


async def test_what_is_open_is_merged_from_its_panel(crowd: Crowd) -> None:
    """The opened question is merged without being selected, the list says what is answered or dismissed already; then
    the panel says so, takes no answer, and opens what it became."""
    for text in (PARKING, BOOK, MENU):
        await crowd.asks(text)
    await crowd.hall.desk.dismiss("Bo", [await id_of(crowd, MENU)])
    board = await board_of(crowd, "Ann")
    await row(board, PARKING).locator(".row-open").click()
    into = board.locator("#panel").get_by_role("button", name="Merge into…")
    await into.click()
    await expect(board.locator("#picks button", has_text=MENU)).to_contain_text("Dismissed")
    await expect(board.locator("#picks button", has_text=BOOK)).not_to_contain_text("New")
    await board.locator("#picks button", has_text=BOOK).click()
    await expect(board.locator(".toast")).to_contain_text(f"Merged: {BOOK}")
    await expect(into).to_be_hidden()
    await expect(board.locator("#panel").get_by_role("button", name="Send to")).to_be_hidden()
    await expect(board.locator("#panel").get_by_role("button", name="Edit title")).to_be_hidden()
    await board.locator("#panel").get_by_role("button", name="Open what it became").click()
    await expect(board.locator(".wording")).to_have_count(2)
    await expect(into).to_be_visible()


async def test_the_likeliest_question_to_merge_into_comes_first(crowd: Crowd) -> None:
    """The list begins with what asks the same, says how likely that is if it is likely at all, and goes on by demand; a
    question is found by any of its wordings; where likelihoods do not come, all is by demand."""
    await crowd.hall.desk.set_up("Ann", "talk", {"grouping": Mode.SUGGEST})
    for text in (BOOK, PARKING, MENU, f"{BOOK} Tell me!"):
        await crowd.asks(text)
    ids = {q.title: q.id for q in await crowd.hall.store.questions("talk")}
    await crowd.asks(f"{BOOK}?")  # in the same words
    await crowd.hall.desk.merge("Ann", [ids[PARKING]], ids[MENU])
    board = await board_of(crowd, "Ann")
    again, picks = row(board, f"{BOOK}?"), board.locator("#picks button")

    async def choosing() -> list[str]:
        await again.locator("input[type=checkbox]").check()
        await board.get_by_role("button", name="Merge into…").click()
        await expect(board.locator("#pick")).to_be_visible()
        await expect(picks).to_have_count(3)
        return [" ".join(text.split()) for text in await picks.all_inner_texts()]

    await board.route("**/likely?*", lambda route: route.fulfill(json=[]))
    assert await choosing() == [f"2 {MENU}", f"1 {BOOK} Tell me!", f"1 {BOOK}"]
    await board.locator("#pick").get_by_role("button", name="Cancel").click()
    await again.locator("input[type=checkbox]").uncheck()
    await board.unroute("**/likely?*")
    assert await choosing() == [f"1 {BOOK} 99% likely the same", f"2 {MENU}", f"1 {BOOK} Tell me!"]
    await expect(board.locator("#pick-how")).to_have_text(f"What is merged: “{BOOK}?”")
    for typed, found in (("park tonight", 1), ("bicycle", 0)):
        await board.locator("#pick-search").fill(typed)
        await expect(board.locator("#picks-wait")).to_be_visible()  # no word of "nothing" before it is known
        await expect(board.locator("#picks-wait")).to_be_hidden()
        await expect(picks).to_have_count(found)
    await expect(board.locator("#picks-none")).to_be_visible()
    await board.keyboard.press("Enter")
    await expect(board.locator("#pick")).to_be_visible()
    await board.locator("#pick-search").fill("")
    await expect(picks).to_have_count(3)
    for key, at in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0)):
        await board.keyboard.press(key)
        await expect(picks.nth(at)).to_be_focused()
    await board.keyboard.press("Enter")
    await expect(again).to_have_count(0)
    await expect(board.locator(".toast")).to_contain_text(f"Merged: {BOOK}")
    await board.locator(".toast-act").click()
    await expect(board.locator(".toast")).to_contain_text("Undone; they are not proposed for each other again")


async def test_what_was_merged_while_one_chose_is_followed(crowd: Crowd) -> None:
    """A colleague merges the question that I choose from my list: mine goes to what it became. Where they merge mine, I
    am offered to open what that became, and not to do it all the same."""
    for text in (BOOK, PARKING, MENU, "Is there tea?"):
        await crowd.asks(text)
    ids = {q.title: q.id for q in await crowd.hall.store.questions("talk")}
    board = await board_of(crowd, "Ann")
    picks = board.locator("#picks button")
    await row(board, BOOK).locator("input[type=checkbox]").check()
    await board.keyboard.press("m")
    await expect(picks).to_have_count(3)
    await crowd.hall.desk.merge("Bob", [ids[PARKING]], ids[MENU])
    await expect(row(board, PARKING)).to_have_count(0)
    await picks.filter(has_text=PARKING).click()
    await expect(row(board, MENU).locator(".row-people b")).to_have_text("3")
    await row(board, "Is there tea?").locator("input[type=checkbox]").check()
    await board.keyboard.press("m")
    await expect(picks).to_have_count(1)
    await crowd.hall.desk.merge("Bob", [ids["Is there tea?"]], ids[MENU])
    await picks.first.click()
    await board.get_by_role("button", name="Open what it became").click()
    await expect(board.locator("#panel")).to_contain_text(MENU)
    allow(crowd, 409)


REASONS = Reasons(
    (Reason("meaning", 2.0), Reason("course", 1.0), Reason("told_asking", 0.5)),
    (Reason("cosine", 2.0, 0.8), Reason("ahead", 1.0), Reason("above", 0.5)),
    (Reason("read", 2.0), Reason("margin", 1.0), Reason("said", 0.5)),
)
HELD = CourseMatch("recording", 0.31, "suggested", "It is on the course page.")


async def test_the_wordings_that_may_not_belong_are_counted_and_come_first(crowd: Crowd) -> None:
    """The row says how many of the wordings may ask something else, not that the whole group is doubtful; opened, they
    stand above the others, each with the three strongest reasons of each decision. What is moved away, what somebody
    says belongs there, and what asks nothing is counted no longer. Any of them is found by its words."""
    store = crowd.hall.store
    await ask(store, "q1", text=BOOK, external_id="m0")
    said = (("which book", 0.9), (PARKING, 0.4), ("the book?", 0.8), ("what was that one", 0.3))
    for at, (text, similarity) in enumerate(said, 1):
        await ask(
            store, "q1", f"u{at}", text=text, similarity=similarity, external_id=f"m{at}", reasons=REASONS, answer=HELD
        )
    board = await board_of(crowd, "Ann")
    badge = row(board, "Is there a recording?").locator(".row-badges [data-tone=warn]")
    await expect(badge).to_have_text("Doubtful: 2 of 5 wordings")
    await expect(board.get_by_role("button", name="Doubtful wordings 1")).to_be_attached()
    await row(board, "Is there a recording?").locator(".row-open").click()
    wordings = board.locator(".wording")
    await board.get_by_role("button", name="Doubtful: 2 of 5 wordings").click()
    await expect(wordings.first.get_by_role("button", name="Belongs here")).to_be_focused()
    await expect(wordings.first).to_contain_text(PARKING)
    why = wordings.first.locator(".why")
    await why.locator("summary").click()
    for reason in (*REASONS.asking, *REASONS.grouping, *REASONS.answer):
        await expect(why.get_by_text(worded(reason)["en"], exact=True)).to_be_visible()
    for score in ("90%", "40%", "31%"):
        await expect(why.locator("dt", has_text=score)).to_have_count(1)
    await expect(wordings.first.locator(".badge")).to_have_text("Doubtful: 40% alike")
    await wordings.nth(1).get_by_role("button", name="Belongs here").click()
    await expect(badge).to_have_text("Doubtful: 1 of 5 wordings")
    await expect(wordings.last).to_contain_text("what was that one")
    await expect(wordings.last.locator(".badge")).to_have_text("a moderator confirmed it")
    await expect(wordings.first.get_by_role("button", name="Belongs here")).to_be_focused()
    await wordings.first.locator("input").check()
    await board.locator("[data-do=split]").click()
    await expect(badge).to_have_count(0)
    await expect(wordings).to_have_count(4)
    for wording in await wordings.locator("input").all():
        await wording.check()
    await expect(board.get_by_text("leave at least one")).to_be_visible()
    await expect(board.locator("[data-do=split]")).to_be_disabled()
    for wording in (await wordings.locator("input").all())[:-1]:
        await wording.uncheck()
    await board.get_by_role("button", name="Asks nothing").click()
    await expect(wordings).to_have_count(3)
    await expect(board.locator(".panel-wordings h3")).to_be_focused()
    await expect(board.get_by_text("Taken out: asks nothing")).to_be_visible()
    await board.locator(".toast-act").click()
    await expect(wordings).to_have_count(4)
    await expect(row(board, "Is there a recording?").locator(".sure")).to_have_text("80% alike")
    for words, count in (("which BOOK", 1), ("which bicycle", 0)):  # the title has none of these words
        await board.locator("#search").fill(words)
        await expect(row(board, "Is there a recording?")).to_have_count(count)


async def test_a_wording_keeps_the_focus_while_others_ask_the_same(crowd: Crowd) -> None:
    """Who is at one of the wordings with the keyboard stays there when the list is read anew."""
    await crowd.asks("Is there a recording?", people=2)
    board = await board_of(crowd, "Ann")
    await row(board, "Is there a recording?").locator(".row-open").click()
    wordings = board.locator(".wording")
    await expect(wordings).to_have_count(2)
    for more, what in enumerate(("input", "summary"), 3):
        focused = wordings.first.locator(what)
        await focused.focus()
        await crowd.asks("Is there a recording?")
        await expect(wordings).to_have_count(more)
        await expect(focused).to_be_focused()


async def test_back_closes_what_is_open_and_leaves_the_board_only_then(crowd: Crowd) -> None:
    """On a phone people press "Back"; closed in another way, and opened again at once, nothing is left to go back to
    but where one came from."""
    for text in (BOOK, PARKING):
        await crowd.asks(text)
    board = await crowd.moderator(PHONE, "en-US")
    came_from = await board.evaluate("history.length")
    for text in (BOOK, PARKING):
        await row(board, text).locator(".row-open").click()
        await expect(board.locator("#panel")).to_be_visible()
        await board.evaluate("history.back()")
        await expect(board.locator("#panel")).to_be_hidden()
        await expect(row(board, text)).to_be_visible()
    await row(board, BOOK).locator(".row-open").click()
    await board.evaluate("""() => {
        document.querySelector(".panel-line [aria-label='Back to the list']").click();
        document.querySelector(".row-open").click();
    }""")
    await board.wait_for_timeout(300)  # longer than the browser takes to go back
    await expect(board.locator("#panel")).to_be_visible()
    await board.keyboard.press("Escape")
    await expect(board.locator("#panel")).to_be_hidden()
    await board.wait_for_function("!history.state")
    assert await board.evaluate("history.length") == came_from + 1


async def test_a_question_that_asks_nothing_leaves_the_board(crowd: Crowd) -> None:
    """One press in its panel, and the next one is looked at; a colleague who has it open is told and keeps what they
    wrote. One press brings it back, and so it is with a line that was taken for a question."""
    for text in (BOOK, PARKING):
        await crowd.asks(text)
    ann, bo = await board_of(crowd, "Ann"), await board_of(crowd, "Bo")
    await row(bo, PARKING).locator("[data-do=reply]").click()
    await bo.locator("#answer-text").fill("Behind the")
    await row(ann, PARKING).locator(".row-open").click()
    await expect(ann.locator("[data-do=split]")).to_be_hidden()
    await ann.get_by_role("button", name="Asks nothing").click()
    await expect(row(ann, PARKING)).to_have_count(0)
    await expect(ann.locator("#panel")).to_be_hidden()
    await expect(row(ann, BOOK)).to_be_focused()
    await expect(bo.locator(".panel-head .news")).to_contain_text("has left the board")
    await expect(bo.locator("#answer-text")).to_have_value("Behind the")
    await ann.locator(".toast-act").click()
    await expect(row(ann, PARKING)).to_have_count(1)
    await expect(bo.locator(".panel-head .news")).not_to_contain_text("has left the board")
    await crowd.says("louder please", "ann")
    await crowd.hall.drained()
    await ann.locator("#menu-open").click()
    await ann.locator("#lines-open").click()
    await ann.get_by_role("button", name="It is a question").click()
    await crowd.hall.drained()
    await ann.locator("#lines-close").click()
    await expect(row(ann, "louder please")).to_have_count(1)
    await ann.locator(".toast-act").click()
    await expect(row(ann, "louder please")).to_have_count(0)
    assert [q.title for q in await crowd.hall.store.questions("talk")] == [BOOK, PARKING]
    allow(crowd, 404)  # where Bo's page says that he writes there before it hears that the question is gone


async def test_what_is_undone_is_next_and_a_cut_network_does_nothing(crowd: Crowd) -> None:
    """An undone question stands in its place at once with the cursor on it, so the next key is meant for it; an act
    without a network says that nothing was done and leaves the cursor."""
    await crowd.hall.floor.receive(crowd.different(0, 40))
    await crowd.hall.drained()
    board = await board_of(crowd, "Ann")
    press = board.keyboard.press
    await expect(board.locator("#list-new .row")).to_have_count(40)
    await press("j")
    first = board.locator("#list-new .row").first
    title = await first.locator(".row-open").inner_text()
    await press("d")
    await press("Enter")
    await expect(board.locator("#list-new .row")).to_have_count(39)
    await press("u")
    await expect(first.locator(".row-open")).to_have_text(title)
    await expect(first).to_be_focused()
    await expect(first).to_be_in_viewport()
    await board.context.set_offline(True)
    await press("a")
    await expect(board.locator(".toast-bad")).to_contain_text("nothing was done")
    await expect(first).to_be_focused()
    await board.context.set_offline(False)
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "ERR_INTERNET_DISCONNECTED" not in wrong]


async def test_from_a_new_group_to_answered_takes_few_presses(tmp_path: Path) -> None:
    """The walk of docs/measurements.md: a new group with a suggested merge is merged, staged and answered aloud with
    four keys, or three clicks."""

    async def walk(folder: Path, go: Callable[[Page], Awaitable[int]]) -> int:
        async with open_crowd(folder, Mode.SUGGEST) as crowd:
            await crowd.asks(BOOK, people=2)
            board = await board_of(crowd, "Ann")
            await expect(board.locator("#list-new .suggest")).to_have_count(1)
            presses = await go(board)
            await expect(board.locator("#count-answered")).to_have_text("1")
            await expect(board.locator("#count-new")).to_have_text("0")
            questions = {q.status.value: q.people for q in await crowd.hall.store.questions("talk")}
            assert questions["answered"] == 2
            assert crowd.wrongs == []
            return presses

    async def keys(board: Page) -> int:
        pressed = 0
        suggested = row(board, BOOK).filter(has=board.locator(".suggest"))
        while not await suggested.evaluate("row => row === document.activeElement"):
            await board.keyboard.press("j")
            pressed += 1
        for key, then in (("y", "#count-new"), ("s", "#count-on_stage"), ("o", "#count-answered")):
            await board.keyboard.press(key)
            pressed += 1
            await expect(board.locator(then)).to_have_text("1")
        return pressed

    async def clicks(board: Page) -> int:
        await board.locator("#list-new .suggest [data-do=merge]").click()
        await expect(board.locator("#list-new .row")).to_have_count(1)
        await row(board, BOOK).locator("[data-do=stage]").click()
        await board.locator("#onstage-aloud").click()
        return 3

    assert await walk(tmp_path / "keys", keys) <= 5  # the suggestion is on the first or the second row
    assert await walk(tmp_path / "clicks", clicks) == 3


@pytest.mark.parametrize("restarted", [False, True], ids=["signed out", "while acting"])
async def test_a_page_left_open_says_that_the_sign_in_ended_and_goes_on_after_it(crowd: Crowd, restarted: bool) -> None:
    """The login is gone (over night, or in the middle of an answer): the page says so for good, keeps what was typed,
    and goes on by itself once the person has signed in again."""
    await crowd.asks(BOOK)
    board = await board_of(crowd, "Ann")
    await row(board, BOOK).locator("[data-do=reply]").click()
    await board.locator("#answer-text").fill("The blue one.")
    await board.context.request.post(
        crowd.hall.session_url("talk").rsplit("/s/", 1)[0] + "/signout", headers={"Sec-Fetch-Site": "same-origin"}
    )
    if restarted:
        await board.locator(".panel-answer [data-do=answer]").click()
    await expect(board.locator("#ended")).to_be_visible()
    await expect(board.locator("#answer-text")).to_have_value("The blue one.")
    again = await board.context.new_page()
    await again.goto(crowd.hall.link("moderator", "Ann"))
    await again.get_by_role("button", name="Sign in").click()
    await board.bring_to_front()
    await board.evaluate("dispatchEvent(new Event('focus'))")
    await expect(board.locator("#ended")).to_be_hidden()
    await board.locator(".panel-answer [data-do=answer]").click()
    await expect(board.locator("#count-answered")).to_have_text("1")
    allow(crowd, 403)


@pytest.mark.thorough
async def test_a_thousand_questions_are_stepped_through_and_searched(crowd: Crowd) -> None:
    """With 1,000 questions on the board a step of the cursor and each letter of a search are painted within half a
    second, on a machine that has other work too. A hundred rows are drawn, all are searched, and a step below the last
    row, or a press, shows more."""
    for n in range(0, 1000, 50):
        await crowd.hall.floor.receive(crowd.different(n, n + 50))
    await crowd.hall.drained()
    board = await board_of(crowd, "Ann")
    rows = board.locator("#list-new .row")
    await expect(board.locator("#count-new")).to_have_text("1000")
    await expect(rows).to_have_count(100)
    painted = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"

    async def press(*keys: str) -> list[float]:
        took = []
        for key in keys:
            began = time.perf_counter()
            await board.keyboard.press(key)
            await board.evaluate(painted)
            took.append(time.perf_counter() - began)
        print(f"{' '.join(keys)}: {sorted(took)[len(took) // 2] * 1000:.0f} ms")
        return sorted(took)

    await board.keyboard.press("j")
    steps = await press(*"jjjjjjjj")
    await board.keyboard.press("/")
    await expect(board.locator("#search")).to_be_focused()
    letters = await press(*"number 77")
    await expect(board.locator("#count-new")).to_have_text("19/1000")
    await expect(rows).to_have_count(19)
    backwards = await press(*["Backspace"] * 9)
    await expect(rows).to_have_count(100)
    assert max(took[len(took) // 2] for took in (steps, letters, backwards)) < 0.5
    await board.locator("#search").fill("number 778")
    await expect(rows).to_have_count(1)
    await board.locator("#search").fill("")
    await expect(rows).to_have_count(100)
    await board.locator("#lane-new .more").click()
    await expect(rows).to_have_count(200)
    await rows.nth(199).focus()
    await board.keyboard.press("j")
    await expect(rows).to_have_count(300)
    await expect(rows.nth(200)).to_be_focused()


async def test_one_thumb_moderates(crowd: Crowd) -> None:
    """On a phone: every button that is seen is at least 44 px high, nothing scrolls sideways, and the question on
    stage is answered from wherever one is."""
    await crowd.asks(BOOK, people=2)
    await crowd.asks("👩‍👩‍👧‍👦🎉" * 40)
    await crowd.asks("\u202eevil\u202c " + "x" * 1800 + "?")
    board = await board_of(crowd, "Ann", size=PHONE)
    await row(board, BOOK).locator("[data-do=stage]").click()
    await expect(board.locator("#onstage-title")).to_have_text(BOOK)
    await board.locator("#list-new input[type=checkbox]").first.check()
    await expect(board.locator("#selection")).to_be_visible()
    small = """() => [...document.querySelectorAll("button, a.button, .tick")]
      .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".toast"))
      .map((node) => [node.id || node.className, Math.round(node.getBoundingClientRect().height)])
      .filter(([, height]) => height > 0 && height < 44)"""
    assert await board.evaluate(small) == []
    assert await board.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    await board.locator("#selection-clear").click()
    await board.locator("#menu-open").click()
    await expect(board.locator("#menu a")).to_have_count(14)  # all but what is the organiser's
    assert await board.evaluate(small) == []
    await board.keyboard.press("Escape")
    await expect(board.locator("#menu")).to_be_hidden()
    await board.locator("#onstage-aloud").click()
    await expect(board.locator("#count-answered")).to_have_text("1")
    await expect(board.locator("#onstage")).to_be_hidden()


async def test_the_chosen_tab_is_seen(crowd: Crowd) -> None:
    """On a phone, which has no room for all of them, whichever way it was chosen."""
    board = await board_of(crowd, "Ann", size=PHONE)
    inside = """() => {
      const [strip, tab] = ["", " .now"].map((in_it) =>
        document.querySelector(`#lane-tabs${in_it}`).getBoundingClientRect());
      return strip.left <= tab.left + 1 && tab.right <= strip.right + 1;
    }"""
    for key in ("ArrowLeft", "ArrowRight"):  # the last one, and the first again
        await board.keyboard.press(key)
        await board.wait_for_function(inside)


async def test_two_acts_that_come_late_are_asked_about_one_after_the_other(crowd: Crowd) -> None:
    """Both questions were dismissed by a colleague meanwhile: each is shown alone, and "do it all the same" is said of
    the first only."""
    for text in (BOOK, PARKING):
        await crowd.asks(text)
    board = await board_of(crowd, "Ann")
    slow = await slow_down(board, "**/actions")
    for text in (BOOK, PARKING):
        async with board.expect_request("**/actions"):
            await row(board, text).locator("[data-do=approve]").click()
    for text in (BOOK, PARKING):
        await crowd.hall.desk.dismiss("Bo", [await id_of(crowd, text)])
    slow.let_go()
    details = board.locator("#sure-details")
    await expect(board.locator("#sure")).to_be_visible()
    first, second = (BOOK, PARKING) if BOOK in await details.inner_text() else (PARKING, BOOK)
    await expect(details).to_contain_text(first)
    await board.locator("#sure-yes").click()
    await expect(details).to_contain_text(second)
    await board.locator("#sure [data-close]").click()
    await expect(board.locator("#sure")).to_be_hidden()
    await expect(board.locator("#count-queued")).to_have_text("1")
    await expect(board.locator("#count-dismissed")).to_have_text("1")
    standing = {q.title: q.status for q in await crowd.hall.store.questions("talk")}
    assert standing == {first: Status.QUEUED, second: Status.DISMISSED}
    allow(crowd, 409)


async def test_a_button_of_the_panel_is_clicked_though_the_board_changes_under_the_press(crowd: Crowd) -> None:
    """A question comes in between pressing a label's cross and letting it go: the label is taken off all the same."""
    await crowd.asks(BOOK)
    await crowd.hall.desk.label("Bo", await id_of(crowd, BOOK), ["books"])
    board = await board_of(crowd, "Ann")
    await row(board, BOOK).locator(".row-open").click()
    cross = board.locator(".panel-labels .chip-remove")
    await cross.hover()
    await board.mouse.down()
    await crowd.asks(PARKING)
    await expect(board.locator("#count-new")).to_have_text("2")
    await board.mouse.up()
    await expect(cross).to_have_count(0)


async def test_a_key_is_meant_for_the_question_that_is_open(crowd: Crowd) -> None:
    """The question on stage is opened from its strip while the cursor is on another row: what "d" dismisses is the one
    that is read."""
    for text in (BOOK, PARKING):
        await crowd.asks(text)
    await crowd.hall.desk.stage("Bo", await id_of(crowd, BOOK))
    board = await board_of(crowd, "Ann")
    await expect(board.locator("#onstage-title")).to_have_text(BOOK)
    await board.keyboard.press("j")
    await expect(row(board, PARKING)).to_be_focused()
    await board.locator("#onstage-title").click()
    await expect(board.locator(".panel-title")).to_contain_text(BOOK)
    await board.keyboard.press("d")
    await expect(board.locator("#dismiss")).to_be_visible()
    await board.keyboard.press("Enter")
    await expect(board.locator("#count-dismissed")).to_have_text("1")
    await expect(board.locator("#onstage")).to_be_hidden()
    await expect(row(board, PARKING)).to_have_count(1)


async def test_a_key_that_is_held_decides_once(crowd: Crowd) -> None:
    """A finger that rests on "a" approves one question, not all that come under the cursor; "j" goes on while held."""
    for text in (BOOK, PARKING, MENU):
        await crowd.asks(text)
    board = await board_of(crowd, "Ann")
    rows = board.locator("#list-new .row")
    await expect(rows).to_have_count(3)
    for _ in range(3):
        await board.keyboard.down("j")
    await board.keyboard.up("j")
    await expect(rows.nth(2)).to_be_focused()
    for _ in range(5):
        await board.keyboard.down("a")
        await board.wait_for_timeout(100)
    await board.keyboard.up("a")
    await expect(board.locator("#count-queued")).to_have_text("1")
    await expect(rows).to_have_count(2)


async def test_a_key_does_nothing_to_what_a_colleague_took_away(crowd: Crowd) -> None:
    """A colleague dismisses the question under the cursor: "a" does not bring it back, and "j" goes on to the one that
    came after it."""
    for text in (BOOK, PARKING, MENU):
        await crowd.asks(text)
    board = await board_of(crowd, "Ann")
    rows, press = board.locator("#list-new .row"), board.keyboard.press
    await expect(rows).to_have_count(3)
    _, taken, after = [title.strip() for title in await rows.locator(".row-open").all_inner_texts()]
    await press("j")
    await press("j")
    await expect(row(board, taken)).to_be_focused()
    await crowd.hall.desk.dismiss("Bo", [await id_of(crowd, taken)])
    await expect(board.locator("#count-dismissed")).to_have_text("1")
    for key in "aja":
        await press(key)
    await expect(row(board.locator("#list-queued"), after)).to_be_visible()
    await expect(board.locator("#count-queued")).to_have_text("1")
    await expect(board.locator("#count-dismissed")).to_have_text("1")


async def test_what_is_dismissed_is_what_was_seen(crowd: Crowd) -> None:
    """A colleague puts the question on stage while the reason is chosen: it stays there, and whoever dismisses it is
    told."""
    await crowd.asks(BOOK)
    board = await board_of(crowd, "Ann")
    await board.keyboard.press("j")
    await board.keyboard.press("d")
    await expect(board.locator("#dismiss")).to_be_visible()
    await crowd.hall.desk.stage("Bo", await id_of(crowd, BOOK))
    await expect(board.locator("#onstage-title")).to_have_text(BOOK)
    await board.keyboard.press("Enter")
    await expect(board.locator("#sure-details")).to_contain_text("Bo: On stage")
    await board.locator("#sure [data-close]").click()
    await expect(board.locator("#sure")).to_be_hidden()
    assert [q.status for q in await crowd.hall.store.questions("talk")] == [Status.ON_STAGE]
    allow(crowd, 409)


async def test_what_is_half_written_in_the_panel_is_there_again(crowd: Crowd) -> None:
    """A title and the sources of an answer outlive another question in the panel and another language, until they are
    saved."""
    for text in (BOOK, PARKING):
        await crowd.asks(text)
    board = await board_of(crowd, "Ann")
    title, sources = board.locator("#title-text"), board.locator("#answer-sources")
    edit = board.locator(".title-view button").last
    await row(board, BOOK).locator(".row-open").click()
    await edit.click()
    await title.fill("Best book?")
    await sources.fill("https://books.example")
    await row(board, PARKING).locator(".row-open").click()
    await expect(board.locator(".panel-title")).to_contain_text(PARKING)
    await expect(sources).to_have_value("")
    await row(board, BOOK).locator(".row-open").click()
    await expect(sources).to_have_value("https://books.example")
    await edit.click()
    await expect(title).to_have_value("Best book?")
    await board.locator("#language").click()
    await edit.click()
    await expect(title).to_have_value("Best book?")
    await title.press("Enter")
    await expect(row(board, "Best book?")).to_have_count(1)
    await edit.click()
    await title.press("Control+a")
    await title.press("x")
    await board.locator(".title-form button[type=button]").click()
    await edit.click()
    await expect(title).to_have_value("Best book?")


async def test_enter_of_an_input_method_saves_nothing(crowd: Crowd) -> None:
    """What is composed is taken into the title or the label; only an Enter after that saves it."""
    await crowd.asks(BOOK)
    board = await board_of(crowd, "Ann")
    await row(board, BOOK).locator(".row-open").click()
    await board.locator(".title-view button").last.click()
    title, label = board.locator("#title-text"), board.locator(".panel-labels input")
    await title.fill("zui hao")
    await label.fill("shu")
    for field in (title, label):
        for key in COMPOSED:
            await field.dispatch_event("keydown", key)
    await expect(title).to_be_visible()
    await expect(label).to_have_value("shu")
    await label.fill("书")
    await label.press("Enter")
    await expect(board.locator(".panel-labels .label")).to_have_text("书")
    await title.fill("最好的书？")
    await title.press("Enter")
    await expect(row(board, "最好的书？")).to_have_count(1)
    assert [action.change.what for action in await crowd.hall.store.actions("talk")] == ["edit", "label"]


async def test_two_presses_are_one_act(crowd: Crowd) -> None:
    """On a slow network "Approve" is pressed twice: it is sent once, and nothing is said of a colleague."""
    await crowd.asks(BOOK)
    board = await board_of(crowd, "Ann")
    slow = await slow_down(board, "**/actions")
    async with board.expect_request("**/actions"):
        await row(board, BOOK).locator("[data-do=approve]").dblclick()
    slow.let_go()
    await expect(board.locator("#count-queued")).to_have_text("1")
    await expect(board.locator(".toast")).to_contain_text(f"Approved: {BOOK}")
    await expect(board.locator("#sure")).to_be_hidden()
    assert len(slow.sent) == 1


async def test_what_is_said_while_a_dialog_is_open_stands_in_it(crowd: Crowd) -> None:
    """What is undone from the history is said where it can be read and pressed, and after it on the page again."""
    await crowd.asks(BOOK)
    await crowd.hall.desk.approve("Ann", [await id_of(crowd, BOOK)])
    board = await board_of(crowd, "Ann")
    await board.locator("#history-open").click()
    await board.locator("#ledger").get_by_role("button", name="Undo").click()
    await expect(board.locator("#history .toast")).to_contain_text(f"Undone: {BOOK}")
    await board.locator("#history .toast-close").click()
    await expect(board.locator(".toast")).to_have_count(0)
    await board.locator("#history [data-close]").click()
    await expect(board.locator("body > #toasts")).to_be_attached()


async def test_a_long_dialog_is_closed_from_its_beginning(crowd: Crowd) -> None:
    """Its button stays in sight, and covers nothing once one is at the end."""
    for n in range(30):
        await crowd.says(f"nice one {n}", "ann")
    await crowd.hall.drained()
    board = await crowd.moderator(PHONE, "en-US")
    await board.locator("#menu-open").click()
    await board.locator("#lines-open").click()
    last, close = board.locator("#lines-list .line").nth(29), board.locator("#lines-close")
    await expect(last).to_be_attached()
    await expect(last).not_to_be_in_viewport()
    await expect(close).to_be_in_viewport(ratio=1)
    await board.evaluate("document.getElementById('lines').scrollTo(0, 1e6)")
    await expect(last).to_be_in_viewport(ratio=1)
    ends, begins = await last.bounding_box(), await close.bounding_box()
    assert ends
    assert begins
    assert ends["y"] + ends["height"] <= begins["y"]
    await close.click()
    await expect(board.locator("#lines")).to_be_hidden()


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh-CN"), (DESK, "en-US")], ids=["phone", "desk"])
async def test_a_missed_line_is_taken_for_a_question(crowd: Crowd, size: dict[str, int], language: str) -> None:
    """What was taken for no question stands in a list with its chance and why, the likeliest first; taken for one it
    is in the queue, joins what asks the same, and is in the list no more."""
    english = language.startswith("en")
    await crowd.asks("Louder please")
    for text in ("haha nice one", "louder please", "666"):
        await crowd.says(text, "ann")
    await crowd.hall.drained()
    board = await crowd.moderator(size, language)
    await board.locator("#menu-open").click()
    await board.locator("#lines-open").click()
    lines = board.locator("#lines-list .line")
    await expect(lines).to_have_count(3)
    chances = [int(re.sub(r"\D", "", text)) for text in await lines.locator(".badge").all_inner_texts()]
    assert chances == sorted(chances, reverse=True)
    line = lines.filter(has_text="louder please")
    await line.locator(".why summary").click()
    await expect(line.locator(".why dd").first).to_be_visible()
    assert await board.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button = line.get_by_role(
        "button", name="It is a question: louder please" if english else "这是问题：louder please"
    )
    await button.focus()
    await board.keyboard.press("Enter")
    await expect(line).to_contain_text("Taken for a question" if english else "已当作问题")
    await expect(board.locator("#lines .line:focus")).to_contain_text("louder please")
    await board.keyboard.press("Enter")  # held down it takes no other line
    await expect(lines.get_by_role("button", name="It is a question" if english else "这是问题")).to_have_count(2)
    await board.locator("#lines-search").fill("NICE")
    await expect(lines).to_have_count(1)
    await board.locator("#lines-search").fill("")
    await expect(lines).to_have_count(2)
    await board.locator("#lines-close").click()
    await expect(board.locator("#list-new .row")).to_have_count(1)
    await expect(board.locator("#list-new .row .row-people b")).to_have_text("2")
    await board.locator("#history-open").click()
    await expect(board.locator("#history")).to_contain_text("Taken for a question" if english else "已当作问题")
    assert crowd.wrongs == []


async def test_a_finger_presses_nothing_that_came_under_it_unseen(crowd: Crowd) -> None:
    """A list that has changed its order a moment ago takes no press on a row that moved; the next press counts, and one
    on a row that stayed counts at once."""
    board = await board_of(crowd, "Ann", size=PHONE)
    await board.evaluate(
        """async () => {
          const { SteadyList } = await import("/static/steady.js");
          const place = document.createElement("div");
          place.style = "position: fixed; inset: 0; z-index: 99; background: white";
          place.innerHTML = "<ol></ol><p></p>";
          place.firstChild.style = "margin: 0; padding: 0; list-style: none";
          document.body.append(place);
          const make = ({ id }) => {
            const row = document.createElement("li");
            const button = document.createElement("button");
            button.textContent = id;
            button.style = "width: 100%; height: 100px";
            button.addEventListener("click", () => window.pressed.push(id));
            row.append(button);
            return row;
          };
          window.pressed = [];
          window.items = { a: { id: "a" }, b: { id: "b" }, c: { id: "c" } };
          window.list = new SteadyList(place.firstChild, place.lastChild, { make, update: () => {} });
          window.put = (order) => list.wish([...order].map((id) => items[id]));
          put("abc");
        }"""
    )
    await board.wait_for_timeout(500)
    for order, at, pressed in (("bac", 50, ""), ("bac", 50, "b")):
        await board.evaluate("order => put(order)", order)
        await board.touchscreen.tap(100, at)
        assert await board.evaluate("pressed.join('')") == pressed
        await board.wait_for_timeout(500)
    await board.evaluate("Object.assign(list, { busyUntil: 0 }), put('abc')")
    await board.touchscreen.tap(100, 250)
    assert await board.evaluate("pressed.join('')") == "bc"
