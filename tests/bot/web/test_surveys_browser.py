"""The survey in real browsers: a viewer answers on a phone, staff makes it and reads what it brought."""

import re
from dataclasses import replace

import pytest
from playwright.async_api import expect

from bot.model import Person, PollKind, PollState, Session, SurveyState
from bot.surveying import tag
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd, come_late, open_line, slow_down

pytestmark = BROWSER

expect.set_options(timeout=20_000)

PHONES = pytest.mark.parametrize(
    ("language", "go", "change"),
    [
        pytest.param("en-US", "Begin", "Change my answers", id="en"),
        pytest.param("zh-CN", "开始填写", "修改我的回答", id="zh", marks=pytest.mark.thorough),
    ],
)


@PHONES
async def test_a_viewer_answers_on_a_phone(crowd: Crowd, language: str, go: str, change: str) -> None:
    """From the card after the talk to the last answer, each saved as it is given and found again; a pasted novel is not
    sent and says why; after the end nothing is taken, with a word."""
    viewer = await crowd.viewer(PHONE, language)
    await expect(viewer.locator("#survey")).to_be_hidden()
    await crowd.hall.surveys.open("Ann", "talk")
    await viewer.get_by_role("link", name=go).click()
    items = viewer.locator(".survey-item")
    await items.nth(0).get_by_text("4", exact=True).click()
    await items.nth(1).locator("textarea").fill("novel " * 400)
    await items.nth(1).locator("textarea").blur()
    await expect(items.nth(1).get_by_role("alert")).to_contain_text("1000")
    await items.nth(1).locator("textarea").fill("More examples")
    await items.nth(2).locator("textarea").fill("🎉")
    await expect(viewer.locator("#survey-thanks")).to_be_visible()
    assert await viewer.evaluate("document.documentElement.scrollWidth <= innerWidth")
    results = await crowd.hall.store.survey_results("talk")
    assert [results[0].counts, results[1].texts[0].text, results[2].texts[0].text] == [{4: 1}, "More examples", "🎉"]
    await viewer.locator("#survey-thanks a").click()
    await viewer.get_by_role("link", name=change).click()
    await expect(items.nth(0).get_by_role("radio", name="4")).to_be_checked()
    await expect(items.nth(1).locator("textarea")).to_have_value("More examples")
    await crowd.hall.surveys.close("Ann", "talk")
    await items.nth(0).get_by_text("1", exact=True).click()
    await expect(viewer.locator("#survey-none")).to_be_visible()
    await expect(viewer.locator(".toast-bad")).to_be_visible()
    assert (await crowd.hall.store.survey_results("talk"))[0].counts == {4: 1}
    crowd.wrongs.clear()  # the browser notes each request that is refused


async def test_a_text_that_is_too_long_stays_while_the_rest_is_answered(crowd: Crowd) -> None:
    """It is not saved, and the page says so; neither another answer that is saved meanwhile nor another language takes
    it out of its field."""
    await crowd.hall.surveys.open("Ann", "talk")
    viewer = await (await crowd.profile(PHONE)).new_page()
    await viewer.goto(crowd.hall.session_url("talk", "feedback"))
    rating, text = (viewer.locator(".survey-item").nth(n) for n in range(2))
    await text.locator("textarea").fill("novel" * 400)
    await text.locator("textarea").blur()
    await expect(text.get_by_role("alert")).to_contain_text("1000")
    await rating.get_by_text("4", exact=True).click()
    await expect(viewer.locator("#survey-saved")).to_have_attribute("data-state", "saved")
    await expect(text.locator("textarea")).to_have_value("novel" * 400)
    await expect(text.get_by_role("alert")).to_be_visible()
    await viewer.evaluate("document.getElementById('language').click()")
    await expect(viewer.locator("html")).to_have_attribute("lang", re.compile("zh"))
    await expect(text.locator("textarea")).to_have_value("novel" * 400)
    await expect(text.get_by_role("alert")).to_contain_text("1000")


async def test_what_is_typed_while_the_page_still_reads_is_kept(crowd: Crowd) -> None:
    """The page can be filled in before it has heard what the server has; what that says leaves the hand alone."""
    await crowd.hall.surveys.open("Ann", "talk")
    viewer = await (await crowd.profile(PHONE)).new_page()
    line = await slow_down(viewer, "**/talk/survey")
    await viewer.goto(crowd.hall.session_url("talk", "feedback"))
    text = viewer.locator(".survey-item textarea").first
    await text.press_sequentially("More ex")
    other = await viewer.context.new_page()
    await other.goto(viewer.url)
    await other.locator(".survey-item").first.get_by_text("4", exact=True).click()
    await expect(other.locator("#survey-saved")).to_have_attribute("data-state", "saved")
    line.let_go()
    await expect(viewer.locator(".survey-item").first.get_by_role("radio", name="4")).to_be_checked()
    await expect(text).to_be_focused()
    await text.press_sequentially("amples")
    await expect(text).to_have_value("More examples")


async def test_what_was_read_before_an_answer_does_not_take_it_back(crowd: Crowd) -> None:
    """The page asked for the answers before one was given, and hears of them after it: what was chosen stays."""
    await crowd.hall.surveys.open("Ann", "talk")
    viewer = await (await crowd.profile(PHONE)).new_page()
    await viewer.goto(crowd.hall.session_url("talk", "feedback"))
    late = await come_late(viewer, "**/talk/survey")
    await viewer.evaluate("dispatchEvent(new Event('online'))")
    await late.said()
    rating = viewer.locator(".survey-item").first
    await rating.get_by_text("4", exact=True).click()
    await expect(viewer.locator("#survey-saved")).to_have_attribute("data-state", "saved")
    await viewer.locator("#survey-items textarea").first.focus()  # what somebody is at is left alone anyway
    await late.let_go(viewer)
    await expect(rating.get_by_role("radio", name="4")).to_be_checked()
    await expect(viewer.locator("#survey-progress")).to_contain_text("1")


async def test_answers_outlive_the_network(crowd: Crowd) -> None:
    """The page says that they wait on the device; it opens without a network with what was answered, and what waits is
    sent when it is back, the last answer only."""
    async with open_line(crowd.hall.url) as line:
        await crowd.hall.surveys.open("Ann", "talk")
        page = await (await crowd.profile(PHONE)).new_page()
        await page.goto(f"{line.url}/s/talk/feedback")
        item = page.locator(".survey-item").first
        await item.get_by_text("2", exact=True).click()
        await expect(page.locator("#survey-saved")).to_have_attribute("data-state", "saved")
        await page.evaluate("navigator.serviceWorker.ready")
        await page.reload()
        await page.wait_for_function("navigator.serviceWorker.controller !== null")
        await line.cut()
        await item.get_by_text("3", exact=True).click()
        await item.get_by_text("5", exact=True).click()
        await expect(page.locator("#survey-saved")).to_have_attribute("data-state", "waiting")
        await page.reload()
        await expect(item.get_by_role("radio", name="5")).to_be_checked()
        await line.mend()
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("#survey-saved")).to_have_attribute("data-state", "saved")
        assert (await crowd.hall.store.survey_results("talk"))[0].counts == {5: 1}
    crowd.wrongs.clear()  # the browser notes each request that finds no network


STAFF = pytest.mark.parametrize(
    ("size", "language", "words"),
    [
        pytest.param(
            DESK,
            "en-US",
            ("Open it", "Close it", "answered; open until", "standard deviation", "Somebody changed"),
            id="desk-en",
        ),
        pytest.param(
            PHONE,
            "zh-CN",
            ("开放", "结束", "人已回答，开放到", "标准差", "别人刚刚改过"),
            id="phone-zh",
            marks=pytest.mark.thorough,
        ),
    ],
)


@STAFF
async def test_staff_makes_it_and_sees_the_results(
    crowd: Crowd, size: dict[str, int], language: str, words: tuple[str, ...]
) -> None:
    """One question is added to those that are ready, it is opened; answers come in while one looks; to change an
    answered question is refused with a word, and so is to overwrite what Bob just changed; closed, and undo opens it.
    """
    start, end, standing, spread, meanwhile = words
    staff = await crowd.moderator(size, language, page="survey")
    await staff.locator("#add").click()
    ask = staff.locator(".survey-ask").last
    await ask.locator("[data-field=kind]").select_option("single")
    await ask.locator("[data-field=title]").fill("Which next?")
    await ask.locator("[data-field=options]").fill("Redis\nKafka")
    await staff.locator("#save").click()
    await expect(staff.locator("#form-bad")).to_be_hidden()
    await staff.get_by_role("button", name=start, exact=True).click()
    await expect(staff.get_by_role("button", name=end, exact=True)).to_be_visible()
    surveys, people = crowd.hall.surveys, [Person("web", f"w{n}") for n in range(3)]
    survey = await crowd.hall.store.survey("talk")
    assert survey is not None
    rating, text, _, choice = [item.id for item in survey.items]
    for n, person in enumerate(people):
        await surveys.answer("talk", rating, person, [str(n + 3)])
        await surveys.answer("talk", text, person, [["More Kafka", "more kafka!", "Slower"][n]])
        await surveys.answer("talk", choice, person, ["2"])
    await expect(staff.locator("#standing")).to_contain_text(standing)
    cards = staff.locator("#results-items .poll")
    await expect(cards.nth(0)).to_contain_text(spread)
    await expect(cards.nth(1).locator(".survey-times").first).to_have_text("× 2")
    await expect(cards.nth(3).locator(".poll-number").nth(1)).to_contain_text("3")
    await expect(staff.locator("#turnout-table tbody tr")).to_have_count(1)
    assert await staff.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await staff.locator("#edit > summary").click()
    await staff.locator(".survey-ask").last.locator("[data-field=options]").fill("Redis\nPulsar")
    await staff.locator("#save").click()
    await expect(staff.locator("#form-bad")).to_contain_text("Which next?")
    await crowd.hall.surveys.save("Bob", replace(survey, title="By Bob"), tag(survey))
    await expect(staff.locator("#form-bad")).to_contain_text(meanwhile)
    await staff.locator("#save").click()
    await expect(staff.locator("#form-bad")).to_contain_text(meanwhile)
    await staff.locator("#again").click()
    await expect(staff.locator("#form-title")).to_have_value("By Bob")
    await expect(staff.locator(".survey-ask").last.locator("[data-field=options]")).to_have_value("Redis\nKafka")
    await staff.get_by_role("button", name=end, exact=True).click()
    await expect(staff.get_by_role("button", name=end, exact=True)).to_be_hidden()
    await staff.locator("#undo").click()
    await expect(staff.get_by_role("button", name=end, exact=True)).to_be_visible()
    crowd.wrongs.clear()  # the browser notes each request that is refused


async def test_what_is_read_of_the_results_stays_open_while_answers_come_in(crowd: Crowd) -> None:
    """A group that is open stays open with the focus on it, though another wording leads it by now; what did not change
    is the same as before on the page."""
    surveys = crowd.hall.surveys
    await surveys.open("Ann", "talk")
    survey = await crowd.hall.store.survey("talk")
    assert survey is not None
    rating, text = [item.id for item in survey.items][:2]

    async def says(n: int, words: str) -> None:
        await surveys.answer("talk", text, Person("web", f"w{n}"), [words])

    await surveys.answer("talk", rating, Person("web", "w0"), ["3"])
    for n, words in enumerate(["More Kafka", "More Kafka", "More Kafka?"]):
        await says(n, words)
    staff = await crowd.moderator(page="survey")
    cards = staff.locator("#results-items .poll")
    group = cards.nth(1).locator("details")
    await group.locator("summary").press("Enter")
    await cards.nth(0).evaluate("node => (node.seen = true)")
    for n in range(3, 6):
        await says(n, "More Kafka?")
    await staff.evaluate("dispatchEvent(new Event('online'))")  # else it is read every twenty seconds
    await expect(group.locator(".survey-times")).to_have_text("× 6")
    await expect(group.locator("summary .said")).to_have_text("More Kafka?")
    await expect(group).to_have_attribute("open", "")
    await expect(group.locator("summary")).to_be_focused()
    assert await cards.nth(0).evaluate("node => node.seen")


async def test_a_long_list_stays_short_until_somebody_wants_all_of_it(crowd: Crowd) -> None:
    """Where the thirteenth text comes in the list is cut, whatever was shown before; the focus stays on "show all"
    while more come in; and once it was pressed the list stays whole."""
    surveys = crowd.hall.surveys
    await surveys.open("Ann", "talk")
    survey = await crowd.hall.store.survey("talk")
    assert survey is not None
    text = survey.items[1].id
    fruits = ["apple", "pear", "plum", "fig", "date", "lime", "kiwi", "mango", "grape", "peach", "melon", "nut", "beet"]

    async def says(who: int, words: str) -> None:
        await surveys.answer("talk", text, Person("web", f"w{who}"), [words])
        await staff.evaluate("dispatchEvent(new Event('online'))")  # else it is read every twenty seconds

    staff = await crowd.moderator(page="survey")
    for who, fruit in enumerate(fruits[:12]):
        await says(who, fruit)
    groups, all_of_it = staff.locator(".survey-groups"), staff.locator(".show-all")
    await expect(groups.locator("> li")).to_have_count(12)
    await expect(all_of_it).to_be_hidden()
    await says(12, fruits[12])
    await expect(groups.locator("> li")).to_have_count(13)
    await expect(all_of_it).to_be_visible()
    await says(13, "apple?")  # a group of two wordings, which can be opened
    await expect(groups.locator("summary")).to_have_count(1)
    await all_of_it.focus()
    await says(14, "apple")
    await expect(groups.locator(".survey-times").first).to_have_text("× 3")
    await expect(all_of_it).to_be_focused()
    await all_of_it.press("Enter")
    await says(15, "apple")
    await expect(groups.locator(".survey-times").first).to_have_text("× 4")
    await expect(groups.locator("> li").last).to_be_visible()
    await expect(all_of_it).to_have_count(0)


async def test_what_staff_is_writing_stays_when_the_survey_is_closed(crowd: Crowd) -> None:
    """Closed and opened again by undo, the survey leaves what is not saved in the form; then it is saved."""
    await crowd.hall.surveys.open("Ann", "talk")
    staff = await crowd.moderator(page="survey")
    await staff.locator("#close").wait_for()
    await staff.locator("#edit > summary").click()
    await staff.locator("#form-title").fill("How was it?")
    await staff.locator("#close").click()
    await expect(staff.locator("#close")).to_be_hidden()
    await staff.locator("#undo").click()
    await expect(staff.locator("#close")).to_be_visible()
    await expect(staff.locator("#form-title")).to_have_value("How was it?")
    await staff.locator("#save").click()
    await expect(staff.locator("#again")).to_be_hidden()
    survey = await crowd.hall.store.survey("talk")
    assert survey is not None
    assert survey.title == "How was it?"


async def test_what_staff_has_written_comes_back_after_another_questionnaire_took_its_place(crowd: Crowd) -> None:
    """A ready-made one, or that of another evening, is put there with a press; one more brings back what was written,
    also what had not been saved."""
    await crowd.hall.store.save_session(Session("other", "Another talk"))
    await crowd.hall.surveys.open("Ann", "other")
    survey = await crowd.hall.store.survey("other")
    assert survey is not None
    await crowd.hall.surveys.save("Ann", replace(survey, title="That of before"), tag(survey))
    staff = await crowd.moderator(page="survey")
    title = staff.locator("#form-title")
    await staff.locator("#ready-en").wait_for()
    await title.fill("What did you make of it?")
    await staff.locator("#ready-en").click()
    await expect(title).not_to_have_value("What did you make of it?")
    await staff.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(title).to_have_value("What did you make of it?")
    await staff.locator("#copy").click()
    await expect(title).to_have_value("That of before")
    await staff.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(title).to_have_value("What did you make of it?")
    await expect(staff.locator("#again")).to_be_visible()


async def test_an_untouched_form_is_untouched_again_after_undo(crowd: Crowd) -> None:
    """A ready-made questionnaire was put there by mistake: taken back, nothing is left to be saved, and what is saved
    may be opened."""
    survey = SurveyState("talk", "That of before", (PollState("", "", PollKind.OPEN, "And lunch?"),))
    await crowd.hall.surveys.save("Ann", survey, tag(None))
    staff = await crowd.moderator(page="survey")
    title, start = staff.locator("#form-title"), staff.get_by_role("button", name="Open it", exact=True)
    await staff.locator("#ready-en").wait_for()
    await expect(title).to_have_value("That of before")
    await staff.locator("#ready-en").click()
    await expect(start).to_be_disabled()
    await staff.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(title).to_have_value("That of before")
    await expect(staff.locator("#again")).to_be_hidden()
    await expect(start).to_be_enabled()


async def test_a_refused_undo_puts_nothing_into_the_form(crowd: Crowd) -> None:
    """The copied questionnaire was changed by somebody meanwhile, so that it stays: the form shows it, and not what was
    written before it came."""
    await crowd.hall.store.save_session(Session("other", "Another talk"))
    await crowd.hall.surveys.open("Ann", "other")
    staff = await crowd.moderator(page="survey")
    title = staff.locator("#form-title")
    await staff.locator("#ready-en").wait_for()
    await title.fill("What did you make of it?")
    await staff.locator("#copy").click()
    await expect(staff.locator("#again")).to_be_hidden()
    copied = await crowd.hall.store.survey("talk")
    assert copied is not None
    await crowd.hall.surveys.save("Bo", replace(copied, title="As Bo wants it"), tag(copied))
    await expect(title).to_have_value("As Bo wants it")
    async with staff.expect_response("**/undo") as refused:
        await staff.locator(".toast").get_by_role("button", name="Undo").click()
    assert (await refused.value).status == 409
    await expect(staff.locator(".toast-bad")).to_be_visible()
    await expect(title).to_have_value("As Bo wants it")
    await expect(staff.locator("#again")).to_be_hidden()
    crowd.wrongs.clear()  # the browser notes the refusal
