"""Polls in real browsers: made on the board's page, voted in on the page and in two chats, seen on the stage."""

import re
from dataclasses import replace

import pytest
from playwright.async_api import Page, expect

from bot.model import Message, PollKind, PollState
from tests.bot.web.browsing import BROWSER, DESK, EVERYWHERE, PHONE, Crowd, come_late, slow_down

pytestmark = BROWSER

expect.set_options(timeout=20_000)

STAGES = pytest.mark.parametrize(
    "size",
    [
        pytest.param({"width": 1280, "height": 720}, id="720"),
        pytest.param({"width": 1920, "height": 1080}, id="1080", marks=pytest.mark.thorough),
    ],
)


class Presses:
    """Counts what somebody presses."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    async def on(self, place: str) -> None:
        self.count += 1
        await self._page.locator(place).click()


async def types(crowd: Crowd, text: str, author: str, source: str) -> None:
    """Somebody types this in that chat."""
    crowd.said += 1
    sent = Message("talk", source, f"t{crowd.said}", author, "", text, crowd.hall.now())
    await crowd.hall.floor.receive([sent])


async def makes(
    page: Page, kind: str, title: str, *, options: str = "", results: str = "live", save: str = "Save"
) -> None:
    """Staff fills in the form and starts the poll."""
    await page.locator("#poll-new").click()
    await page.locator("#poll-kind").select_option(kind)
    await page.locator("#poll-title").fill(title)
    if options:
        await page.locator("#poll-options").fill(options)
    await page.locator("#poll-results").select_option(results)
    await page.get_by_role("button", name=save, exact=True).click()
    await expect(page.locator("#poll-dialog")).to_be_hidden()
    card = page.locator("#polls .poll", has_text=title)
    await card.locator("[data-do=start]").click()
    await expect(card.locator("[data-do=close]")).to_be_visible()


async def test_one_poll_is_voted_in_everywhere_and_seen_on_the_stage(crowd: Crowd) -> None:
    """By a tap on the page and by typing in two chats; nobody but staff sees the result before it is closed, and undo
    opens it again."""
    staff = await crowd.moderator(page="polls")
    viewer, stage = await crowd.viewer(PHONE), await crowd.viewer()
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    await makes(staff, "single", "Which queue?", options="Redis\nKafka\n<img src=x onerror=alert(1)>", results="closed")
    card = viewer.locator("#polls .poll")
    await card.get_by_text("Kafka").click()
    await expect(card.locator(".poll-mine")).to_contain_text("Kafka")
    await types(crowd, "2", "u1", "telegram")
    await types(crowd, "选A", "b1", "bilibili")
    await types(crowd, "A 方案怎么部署?", "b1", "bilibili")
    await expect(staff.locator("#polls .poll-number")).to_have_text(["1 · 33%", "2 · 67%", "0 · 0%"])
    await expect(stage.locator("#stage-poll-people")).to_have_text("3 votes")
    await expect(stage.locator("#stage-poll .poll-number")).to_have_count(0)
    assert "67%" not in await viewer.content()
    await staff.locator("[data-do=close]").click()
    for page in (stage, viewer):
        await expect(page.locator(".poll-picture .poll-number")).to_have_text(["1 · 33%", "2 · 67%", "0 · 0%"])
    await staff.locator("#undo").click()
    await expect(card.get_by_role("button", name="Change")).to_be_visible()
    await card.get_by_role("button", name="Change").click()
    await card.get_by_text("Redis").click()
    await expect(staff.locator("#polls .poll-number").first).to_have_text("2 · 67%")


@pytest.mark.parametrize(("language", "told"), [("en-US", "Your vote: Kafka"), ("zh-CN", "您的选择：Kafka")])
async def test_a_vote_typed_into_the_field_for_questions_counts(crowd: Crowd, language: str, told: str) -> None:
    """The page says what was chosen and marks it; it is no question, and a question beside it is one."""
    staff, viewer = await crowd.moderator(page="polls"), await crowd.viewer(PHONE, language)
    await makes(staff, "single", "Which queue?", options="Redis\nKafka")
    await expect(viewer.locator("#polls .poll")).to_be_visible()
    await viewer.locator("#ask").fill("2")
    await viewer.locator("#ask").press("Enter")
    await expect(viewer.locator(".toast")).to_contain_text(told)
    await expect(viewer.locator("#polls .poll-mine")).to_contain_text("Kafka")
    await expect(staff.locator("#polls .poll-number").nth(1)).to_have_text("1 · 100%")
    await viewer.locator("#ask").fill("Is 2 faster than 1?")
    await viewer.locator("#ask").press("Enter")
    await expect(viewer.locator("#list-open .row")).to_have_count(1)


async def test_a_vote_without_a_network_is_sent_later(crowd: Crowd) -> None:
    """Only the last one, once, and the page says that it waits."""
    staff, viewer = await crowd.moderator(page="polls"), await crowd.viewer(PHONE)
    await makes(staff, "scale", "How clear?")
    card = viewer.locator("#polls .poll")
    await expect(card).to_be_visible()
    await viewer.route("**/vote", lambda route: route.abort())
    await card.get_by_text("4", exact=True).click()
    await expect(card.locator(".poll-mine")).to_contain_text("it is sent when it is back")
    crowd.wrongs.clear()  # the browser notes each request that finds no network
    await viewer.unroute("**/vote")
    await viewer.evaluate("dispatchEvent(new Event('online'))")
    await expect(staff.locator("#polls .poll-mean")).to_have_text("Mean 4.0")
    await expect(card.locator(".poll-mine")).to_contain_text("you can change it")
    crowd.wrongs.clear()


async def test_of_two_votes_the_last_one_counts_on_a_slow_network(crowd: Crowd) -> None:
    """A vote that is changed while it is sent goes after it, so that it cannot be overtaken."""
    staff, viewer = await crowd.moderator(page="polls"), await crowd.viewer(PHONE)
    await makes(staff, "scale", "How clear?")
    card = viewer.locator("#polls .poll")
    slow = await slow_down(viewer, "**/vote")
    await card.get_by_text("4", exact=True).click()
    await card.get_by_role("button", name="Change").click()
    await card.get_by_text("2", exact=True).click()
    await viewer.wait_for_timeout(300)
    assert len(slow.sent) == 1
    slow.let_go()
    await expect(card.locator(".poll-mine")).to_contain_text("you can change it")
    await expect(staff.locator("#polls .poll-mean")).to_have_text("Mean 2.0")
    assert len(slow.sent) == 2


async def test_what_was_read_before_a_vote_in_a_poll_does_not_take_it_back(crowd: Crowd) -> None:
    """The polls were asked for before the vote and come in after it: the page goes on showing what was chosen, and what
    came of the poll meanwhile."""
    staff, viewer = await crowd.moderator(page="polls"), await crowd.viewer(PHONE)
    await makes(staff, "scale", "How clear?")
    card = viewer.locator("#polls .poll")
    await expect(card).to_be_visible()
    late = await come_late(viewer, "**/talk/polls")
    await viewer.evaluate("for (const what of ['offline', 'online']) dispatchEvent(new Event(what))")
    await late.said()
    await card.get_by_text("4", exact=True).click()
    await expect(card.locator(".poll-mean")).to_have_text("Mean 4.0")
    await late.let_go(viewer)
    await expect(card.locator(".poll-mine")).to_contain_text("4")
    await expect(card.locator(".poll-mean")).to_have_text("Mean 4.0")


async def test_a_form_is_not_closed_by_what_ends_beside_it(crowd: Crowd) -> None:
    """A text that is selected and let go outside leaves it open, like a press on its edge; one beside it closes it."""
    staff = await crowd.moderator(page="polls")
    await staff.locator("#poll-new").click()
    dialog, title = staff.locator("#poll-dialog"), staff.locator("#poll-title")
    await title.fill("What is missing?")
    box, field = await dialog.bounding_box(), await title.bounding_box()
    assert box
    assert field
    await staff.mouse.move(field["x"] + 40, field["y"] + 5)
    await staff.mouse.down()
    await staff.mouse.move(2, 2)
    await staff.mouse.up()
    await staff.mouse.click(box["x"] + 4, box["y"] + 4)
    await expect(title).to_have_value("What is missing?")
    await expect(dialog).to_be_visible()
    await staff.mouse.click(2, 2)
    await expect(dialog).to_be_hidden()


async def test_what_is_being_written_stays_while_the_stage_changes(crowd: Crowd) -> None:
    """The poll is taken off the stage and another is started: what stands in its form stays there, with the focus, and
    is sent."""
    viewer, polls = await crowd.viewer(PHONE), crowd.hall.polls
    written = (await polls.make("Ann", "talk", OPEN)).state.id
    await polls.start("Ann", "talk", written)
    card = viewer.locator("#polls .poll", has_text=OPEN.title)
    field = card.locator("textarea")
    await field.fill("More fig")
    await polls.show("Ann", "talk", written, on=False)
    await polls.show("Ann", "talk", written)
    await polls.start("Ann", "talk", (await polls.make("Ann", "talk", SHORT)).state.id)
    await expect(viewer.locator("#polls .poll")).to_have_count(2)
    await expect(field).to_be_focused()
    await field.press_sequentially("ures")
    await card.get_by_role("button", name="Vote").click()
    await expect(card.locator(".poll-mine")).to_contain_text("More figures")


@pytest.mark.parametrize(("language", "save", "people"), [("en-US", "Save", "2 votes"), ("zh-CN", "保存", "2 人投票")])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_words_and_texts_are_shown_in_both_languages(
    crowd: Crowd, size: dict[str, int], language: str, save: str, people: str
) -> None:
    """On the page of staff and on the overlay; a word that is hidden is gone; nothing is wider than the screen."""
    staff = await crowd.moderator(size, language, page="polls")
    overlay = await (await crowd.profile(DESK, language)).new_page()
    await overlay.goto(crowd.hall.session_url("talk", "overlay"))
    await makes(staff, "words", "In a word?", save=save)
    await types(crowd, "词 可靠 快", "u1", "telegram")
    await types(crowd, "#快", "b1", "bilibili")
    await expect(overlay.locator(".poll-word")).to_have_text(["快", "可靠"])
    await expect(staff.locator("#polls .poll-head")).to_contain_text(people)
    await staff.locator("#polls .poll-words li", has_text="可靠").get_by_role("button").click()
    await expect(overlay.locator(".poll-word")).to_have_text(["快"])
    assert await staff.evaluate("document.documentElement.scrollWidth <= innerWidth")


@EVERYWHERE
async def test_a_poll_is_up_with_two_presses_on_the_board(crowd: Crowd, size: dict[str, int], language: str) -> None:
    """The bar's button, then a template: it is open and on the stage, its votes are seen, one more press closes it."""
    board = await crowd.moderator(size, language)
    stage = await crowd.viewer()
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    presses = Presses(board)
    await presses.on("#polls-open")
    await presses.on("[data-template=yesno]")
    await expect(stage.locator("#stage-poll-title")).to_have_text("Yes or no?")
    assert presses.count == 2
    await types(crowd, "1", "u1", "telegram")
    await expect(board.locator("#polls-list .poll-number").first).to_contain_text("100%")
    assert await board.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await presses.on("#polls-list [data-do=close]")
    await expect(stage.locator("#stage-poll-status")).to_have_text("Closed")
    await presses.on("#polls-list [data-do=hide]")
    await expect(stage.locator("#stage-poll")).to_be_hidden()


async def test_a_question_of_ones_own_takes_its_words_and_two_presses(crowd: Crowd) -> None:
    """What is typed before a template is pressed is what is asked; a prepared poll takes two presses as well."""
    board, staff = await crowd.moderator(), await crowd.moderator(page="polls")
    presses = Presses(board)
    await presses.on("#polls-open")
    await board.keyboard.type("Shall we go on?")
    await presses.on("[data-template=agree]")
    await expect(staff.locator("#polls .poll h2")).to_have_text("Shall we go on?")
    assert presses.count == 2
    await staff.locator("#poll-new").click()
    await staff.locator("#poll-title").fill("How clear?")
    await staff.locator("#poll-templates [data-template=five]").click()
    await staff.get_by_role("button", name="Save", exact=True).click()
    await presses.on("#polls-list [data-do=start]")
    await expect(staff.locator("#polls .poll", has_text="How clear?").locator("[data-do=close]")).to_be_visible()


async def test_the_speaker_starts_hides_and_closes_a_poll_with_a_thumb(crowd: Crowd) -> None:
    """On the remote: the prepared one, then what is open."""
    remote, stage = await crowd.moderator(PHONE, page="remote"), await crowd.viewer()
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    await expect(remote.locator("#more")).to_be_hidden()
    await crowd.hall.polls.make("Ann", "talk", PollState("", "", PollKind.SCALE, "How clear?"))
    for deed, seen in (("start", True), ("hide", False), ("show", True), ("close", True)):
        await remote.locator(f"#more [data-do={deed}]").click()
        await expect(stage.locator("#stage-poll")).to_be_visible(visible=seen)
    await expect(stage.locator("#stage-poll-status")).to_have_text("Closed")
    await remote.locator("#more [data-do=hide]").click()
    await expect(remote.locator("#more")).to_be_hidden()
    await expect(stage.locator("#stage-poll")).to_be_hidden()


OUTSIDE = """[...document.querySelectorAll("#stage-poll .poll-picture li")].filter((one) => {
    const [inner, outer] = [one, document.getElementById("stage-poll-picture")].map((n) => n.getBoundingClientRect());
    return inner.top < outer.top - 2 || inner.bottom > outer.bottom + 2 || inner.right > outer.right + 2; }).length"""
"""How many rows of the picture are not all in its place."""

LONG = PollState(
    "", "", PollKind.MULTIPLE, "q" * 20 + " 怎样部署？" * 6, tuple(f"{n} " + "很长的选项" * 18 for n in range(4))
)
MANY = PollState("", "", PollKind.SINGLE, "Which?", tuple(f"Chapter {n}: what its data says" for n in range(20)))
SCALE = PollState("", "", PollKind.SCALE, "How clear?", low=0, high=10, ends=("lost", "clear"))
OPEN = PollState("", "", PollKind.OPEN, "What is missing?")


@STAGES
async def test_every_picture_fits_the_stage(crowd: Crowd, size: dict[str, int]) -> None:
    """Long options, twenty of them, a scale of eleven, many texts: nothing is cut off or lies over the question, and
    all of a choice is there."""
    stage = await crowd.viewer(size)
    await stage.goto(crowd.hall.session_url("talk", "stage"))
    for wish in (LONG, MANY, SCALE, OPEN):
        made = await crowd.hall.polls.make("Ann", "talk", wish)
        await crowd.hall.polls.start("Ann", "talk", made.state.id)
        for n in range(15):
            await types(crowd, f"答：第 {n} 条" if wish is OPEN else "1", f"u{n}", "telegram")
        await expect(stage.locator("#stage-poll-title")).to_have_text(wish.title.strip())
        await expect(stage.locator("#stage-poll-people")).to_have_text("15 votes")
        assert await stage.evaluate(OUTSIDE) == 0
        rows = {PollKind.SCALE: 11, PollKind.OPEN: None}.get(wish.kind, len(wish.options))
        assert rows is None or await stage.locator("#stage-poll .poll-picture li").count() == rows
        places = "#stage-poll h2, #stage-poll-picture, #stage-poll .stage-demand"
        tops = await stage.eval_on_selector_all(places, "(all) => all.map((n) => n.getBoundingClientRect().top)")
        assert tops == sorted(tops)


WORDS = PollState("", "", PollKind.WORDS, "In a word?", most=3)
SHORT = PollState("", "", PollKind.SINGLE, "Which queue?", ("Redis", "Kafka"))

CAPTION = """() => {
    const caption = document.getElementById("caption"), whole = caption.getBoundingClientRect();
    const rows = [...caption.querySelectorAll(".poll-picture li")].map((one) => one.getBoundingClientRect());
    const beyond = (inner, outer) => inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1
        || inner.left < outer.left - 1 || inner.right > outer.right + 1;
    return { opacity: getComputedStyle(caption).opacity, rows: rows.length, height: whole.height,
        lost: rows.filter((one) => beyond(one, whole)).length,
        outside: beyond(whole, { top: 0, left: 0, bottom: innerHeight, right: innerWidth }) }; }"""


@pytest.mark.parametrize(
    "wishes",
    ["", "?size=10&lang=zh", pytest.param("?position=top-left&size=l&theme=none", marks=pytest.mark.thorough)],
)
@STAGES
async def test_every_kind_is_seen_on_the_overlay(crowd: Crowd, size: dict[str, int], wishes: str) -> None:
    """From the moment it is there a poll is drawn, never faint, all of it inside the picture, whatever is wished; at
    the usual size no option of a choice is missing, and where something is left out the address of all of it stands."""
    overlay = await (await crowd.profile(size)).new_page()
    await overlay.goto(crowd.hall.session_url("talk", "overlay") + wishes)
    for wish in (SHORT, LONG, MANY, SCALE, OPEN, WORDS):
        made = await crowd.hall.polls.make("Ann", "talk", wish)
        await crowd.hall.polls.start("Ann", "talk", made.state.id)
        for n in range(15):
            said = {PollKind.OPEN: f"答：第 {n} 条" + "很长" * 50, PollKind.WORDS: f"#w{n}"}.get(wish.kind, "1")
            await types(crowd, said, f"u{n}", "telegram")
        await expect(overlay.locator("#caption")).to_have_attribute("data-key", re.compile(made.state.id))
        await expect(overlay.locator("#foot")).to_contain_text("15")
        seen = await overlay.evaluate(CAPTION)
        assert (seen["opacity"], seen["lost"], seen["rows"] > 0) == ("1", 0, True), (wish.kind, seen)
        await overlay.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
        assert not (await overlay.evaluate(CAPTION))["outside"], (wish.kind, seen)
        wanted = {PollKind.SCALE: 11, PollKind.OPEN: 12, PollKind.WORDS: 15}.get(wish.kind, len(wish.options))
        if not wishes and wish.options:
            assert seen["rows"] == wanted
        if seen["rows"] < wanted:
            await expect(overlay.locator("#foot")).to_contain_text("/s/talk")


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_poll_is_a_sample_too(crowd: Crowd, language: str) -> None:
    """Whoever sets the overlay up sees what a poll will look like, before there is one."""
    overlay = await (await crowd.profile()).new_page()
    await overlay.goto(crowd.hall.session_url("talk", "overlay") + f"?sample=poll&lang={language}")
    await expect(overlay.locator("#caption .poll-bars li")).to_have_count(3)
    await expect(overlay.locator("#label")).to_have_text({"zh": "投票", "en": "Poll"}[language])
    captions = await crowd.moderator()
    await captions.goto(crowd.hall.session_url("talk", "captions"))
    await captions.locator("#sample").select_option("poll")
    await expect(captions.frame_locator("#preview").locator(".poll-bars li")).to_have_count(3)


async def test_a_bad_poll_is_explained_and_kept_in_the_form(crowd: Crowd) -> None:
    """A thousand options: the advice stands in the form, and nothing that was typed is lost."""
    staff = await crowd.moderator(page="polls")
    await staff.locator("#poll-new").click()
    await staff.locator("#poll-title").fill("Which?")
    await staff.locator("#poll-options").fill("\n".join(f"option {n}" for n in range(1000)))
    await staff.get_by_role("button", name="Save", exact=True).click()
    await expect(staff.locator("#poll-bad")).to_contain_text("2 to 20 options, this has 1,000")
    await expect(staff.locator("#poll-title")).to_have_value("Which?")
    crowd.wrongs.clear()  # the browser notes the refusal


async def test_who_changes_a_poll_that_was_changed_meanwhile_decides(crowd: Crowd) -> None:
    """Two moderators at one draft: the later one is told what it asks by now, keeps what they typed, and puts it there
    with the next press."""
    staff = await crowd.moderator(page="polls")
    wish = PollState("", "", PollKind.SINGLE, "Which queue?", ("Redis", "Kafka"))
    made = (await crowd.hall.polls.make("Ann", "talk", wish)).state
    await staff.locator("#polls .poll [data-do=edit]").click()
    await crowd.hall.polls.edit("Ann", "talk", made.id, replace(wish, title="Which broker?"))
    await expect(staff.locator("#polls .poll")).to_contain_text("Which broker?")
    await staff.locator("#poll-title").fill("Which one?")
    save = staff.get_by_role("button", name="Save", exact=True)
    await save.click()
    await expect(staff.locator("#poll-bad")).to_contain_text("Which broker? (Redis / Kafka)")
    await expect(staff.locator("#poll-title")).to_have_value("Which one?")
    await save.click()
    await expect(staff.locator("#poll-dialog")).to_be_hidden()
    assert (await crowd.hall.store.poll(made.id)).state.title == "Which one?"
    crowd.wrongs.clear()  # the browser notes the refusal


async def test_the_pulse_is_tapped_and_typed_and_seen_by_staff_alone(crowd: Crowd) -> None:
    """Off until it is switched on; the board says in words how it is."""
    board, staff = await crowd.moderator(), await crowd.moderator(page="polls")
    viewer = await crowd.viewer(PHONE)
    await expect(viewer.locator("#pulse")).to_be_hidden()
    await staff.locator("#pulse-switch").check()
    await viewer.get_by_role("button", name="Too fast").click()
    await types(crowd, "没听懂", "u1", "telegram")
    await expect(board.locator("#pulse-now")).to_have_text("Pulse, last 2 minutes: Lost me 1, Too fast 1")
    await expect(board.locator("#pulse-svg polyline")).to_have_count(2)
    await expect(board.locator("#pulse-legend li")).to_have_text(["Lost me", "Too fast"])
    for width in (1280, 390):
        await board.set_viewport_size({"width": width, "height": 800})
        assert await board.evaluate("""() => { const line = document.getElementById("pulse-line");
            return line.scrollWidth <= line.clientWidth && document.documentElement.scrollWidth <= innerWidth; }""")
    await staff.locator("#pulse-switch").uncheck()
    await expect(viewer.locator("#pulse")).to_be_hidden()
    await expect(board.locator("#pulse-line")).to_be_hidden()


async def test_a_button_that_is_pressed_while_votes_come_in_is_clicked(crowd: Crowd) -> None:
    """Between pressing "Close" and letting it go a vote comes and another poll opens: the poll closes all the same, and
    then what came is seen."""
    first = await crowd.hall.polls.make("Ann", "talk", SHORT)
    await crowd.hall.polls.start("Ann", "talk", first.state.id)
    board = await crowd.moderator()
    await board.locator("#polls-open").click()
    card = board.locator("#polls-list .poll", has_text=SHORT.title)
    await card.locator("[data-do=close]").hover()
    await board.mouse.down()
    await types(crowd, "1", "u1", "telegram")
    second = await crowd.hall.polls.make("Ann", "talk", SCALE)
    await crowd.hall.polls.start("Ann", "talk", second.state.id)
    await expect(board.locator("#polls-open-count")).to_have_text("2")
    await expect(board.locator("#polls-list .poll")).to_have_count(1)
    await board.mouse.up()
    await expect(card.locator("[data-do=reopen]")).to_be_visible()
    await expect(card.locator(".poll-number").first).to_have_text("1 · 100%")
    await expect(board.locator("#polls-list .poll")).to_have_count(2)


async def test_what_a_colleague_removes_takes_no_focus(crowd: Crowd) -> None:
    """Whoever goes through the second poll by keys stays there when the first one goes."""
    polls = crowd.hall.polls
    for title in ("Which queue?", "Which bus?"):
        await polls.make("Ann", "talk", PollState("", "", PollKind.SCALE, title))
    staff = await crowd.moderator(page="polls")
    cards = staff.locator("#polls .poll")
    await expect(cards).to_have_count(2)
    first = await cards.nth(0).inner_text()
    await cards.nth(1).locator("[data-do=start]").focus()
    for poll in await crowd.hall.store.polls("talk"):
        if poll.state.title in first:
            await polls.remove("Bob", "talk", poll.state.id)
    await expect(cards).to_have_count(1)
    await expect(cards.locator("[data-do=start]")).to_be_focused()


async def test_two_presses_make_one_poll(crowd: Crowd) -> None:
    """On a slow network a template on the board is pressed twice, and "Save" on the page of polls: one poll each."""
    board, staff = await crowd.moderator(), await crowd.moderator(page="polls")
    await board.locator("#polls-open").click()
    await staff.locator("#poll-new").click()
    await staff.locator("#poll-kind").select_option("open")
    await staff.locator("#poll-title").fill("What is missing?")
    for page, button in ((board, "[data-template=yesno]"), (staff, "#poll-form [type=submit]")):
        slow = await slow_down(page, "**/api/v1/sessions/talk/polls")
        async with page.expect_request("**/api/v1/sessions/talk/polls"):
            await page.locator(button).dblclick()
        slow.let_go()
        await expect(page.locator(".toast").first).to_be_visible()
        assert len(slow.sent) == 1
    assert len(await crowd.hall.store.polls("talk")) == 2
