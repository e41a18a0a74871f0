"""The modes on the board, in real browsers with the whole program behind them."""

import os
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect

from tests.bot.web.browsing import BROWSER, DESK, EVERYWHERE, Crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

SHOTS = os.environ.get("FLOORMIC_SHOTS", "")
"""A folder to keep pictures in, to look at them."""


async def opened(crowd: Crowd, size: dict[str, int] = DESK, language: str = "en-US") -> Page:
    board = await crowd.moderator(size, language)
    await board.locator("#modes-open").click()
    await expect(board.locator("#mode-grouping-auto-effect")).to_contain_text(
        "joined" if language == "en-US" else "合并"
    )
    return board


async def picture(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/modes-{name}.png")


async def test_a_mode_is_changed_while_live_and_the_next_message_is_treated_so(crowd: Crowd) -> None:
    """Grouping from auto to suggest: the next repeat stands alone with a proposal; undone from the toast, the one after
    joins. The other moderator sees each change."""
    await crowd.asks("Is there a recording?", people=2)
    ann, bob = await opened(crowd), await crowd.moderator()
    await expect(bob.locator("#modes-line")).to_contain_text("grouping auto")
    await expect(ann.locator("#mode-grouping-auto-effect")).to_contain_text(
        "Would have joined 1 of the last 2: nobody has judged these yet."
    )
    await ann.locator("#mode-grouping-suggest").check()
    await expect(ann.locator(".toast")).to_contain_text("Grouping: suggest. Counts for what comes next.")
    await expect(bob.locator("#modes-line")).to_contain_text("grouping suggest")
    await crowd.asks("Is there a recording?")
    standing = sorted(await crowd.hall.store.questions("talk"), key=lambda q: q.first_at)
    assert [q.people for q in standing] == [2, 1]
    assert [one.question for one in standing[1].suggested_merge] == [standing[0].id]

    await ann.locator(".toast .toast-act").click()
    await expect(bob.locator("#modes-line")).to_contain_text("grouping auto")
    await expect(ann.locator("#mode-grouping-auto")).to_be_checked()
    await crowd.asks("Is there a recording?")
    assert sorted(q.people for q in await crowd.hall.store.questions("talk")) == [1, 3]


@EVERYWHERE
async def test_what_was_judged_is_said_in_words_and_shown(crowd: Crowd, size: dict[str, int], language: str) -> None:
    """What a moderator split off counts against joining: in words, as a bar, and with its wording; nothing is cut off
    and each choice is big enough for a thumb."""
    await crowd.asks("Is there a recording?", people=4)
    (question,) = await crowd.hall.store.questions("talk")
    wordings = await crowd.hall.store.asked(question.id)
    await crowd.hall.desk.split("Ann", question.id, [wordings[1].message.id])
    board = await opened(crowd, size, language)
    effect = board.locator("#mode-grouping-auto-effect")
    await expect(effect).to_contain_text(
        "1 against your judgement, 2 that nobody judged" if language == "en-US" else "1 个与您的判断相反"
    )
    await expect(board.locator("#modes-body .effect-against").first).to_be_attached()
    await board.locator(".modes-examples summary").first.click()
    await expect(board.locator(".modes-examples li").first).to_contain_text("Is there a recording?")
    for choice in await board.locator(".mode").all():
        box = await choice.bounding_box()
        assert box
        assert box["height"] >= 44
    assert await board.evaluate(
        "document.querySelector('#modes').scrollWidth <= document.querySelector('#modes').clientWidth"
    )
    await picture(board, f"{size['width']}-{language[:2]}")
    await board.emulate_media(color_scheme="dark")
    await picture(board, f"{size['width']}-{language[:2]}-dark")


async def test_the_arrow_keys_choose_and_only_where_they_stop_is_set(crowd: Crowd) -> None:
    """From auto to off with two keys: one change in the ledger, and the focus stays."""
    await crowd.asks("Is there a recording?", people=2)
    board = await opened(crowd)
    # However slow this machine is, the second key comes before the first one counts as settled.
    await board.clock.install()
    await board.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    await board.locator("#mode-answers-auto").focus()
    await board.keyboard.press("ArrowLeft")
    await board.keyboard.press("ArrowLeft")
    await board.clock.run_for(1000)
    await expect(board.locator(".toast")).to_contain_text("Course answers: off")
    await expect(board.locator("#mode-answers-off")).to_be_focused()
    (action,) = await crowd.hall.store.actions("talk")
    assert [(one.name, one.before, one.after) for one in action.change.settings] == [("answers", "auto", "off")]


async def test_experts_do_not_see_the_modes(crowd: Crowd) -> None:
    """They answer; how the program goes about it is the moderators'."""
    page = await (await crowd.profile()).new_page()
    await page.goto(crowd.hall.link("expert", "Eve"))
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(crowd.hall.session_url("talk", "board"))
    await page.locator("#connection[data-state=live]").wait_for(state="attached")
    await expect(page.locator("#modes-open")).to_be_hidden()


async def test_slow_mode_is_a_choice_among_the_modes(crowd: Crowd) -> None:
    """Switched on, the viewer reads it, and their second question waits with the seconds that are left, kept until it
    goes by itself; undone from the toast, it is off for both."""
    await crowd.asks("Is there a recording?", people=2)
    board, viewer = await opened(crowd), await crowd.viewer(language="en-US")
    await board.locator("#mode-slow").select_option("60")
    await expect(board.locator(".toast")).to_contain_text("Slow mode: 1 minute.")
    await expect(board.locator("#modes-line")).to_contain_text("Slow mode 1 minute")
    await expect(viewer.locator("#notice")).to_contain_text("one question every 60 seconds")
    for text in ("Is there a recording?", "Where are the slides?"):
        await viewer.locator("#ask").fill(text)
        await viewer.locator("#ask").press("Enter")
    await expect(viewer.locator("#composer-note")).to_contain_text("It is sent by itself in")
    await expect(viewer.locator("body")).to_contain_text("Where are the slides?")
    await board.locator(".toast .toast-act").click()
    await expect(board.locator("#mode-slow")).to_have_value("0")
    await expect(viewer.locator("#notice")).to_be_hidden()
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "429" not in wrong]  # the refusal that this is about
