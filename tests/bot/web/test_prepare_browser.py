"""Before the talk begins, in a browser: a course is sent and used, and every chat is tried."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, FileChooser, Page, expect

from bot.errors import Refused
from bot.model import Abilities, Address, Delivery, Message, Mode
from bot.ports import Floor
from tests.bot.chats import Chat
from tests.bot.web.browsing import BROWSER, COMPOSED, DESK, EVERYWHERE, Crowd, open_crowd, slow_down

expect.set_options(timeout=20_000)

pytestmark = BROWSER

SAMPLE = Path("knowledge/sample/en/course")


class Talking(Chat):
    """A chat in which people say things, and that can be replied to or not."""

    def __init__(self, name: str, replies: bool) -> None:
        super().__init__(name, abilities=Abilities(reply=replies, private=False))
        self.floor: Floor | None = None
        self.session = "talk"
        self.said: list[str] = []
        self.sent: list[Delivery] = []

    async def run(self, floor: Floor) -> None:
        self.floor = floor
        await super().run(floor)

    async def hear(self, text: str) -> None:
        """Somebody says it."""
        assert self.floor is not None
        self.said.append(text)
        n, address = len(self.said), None
        if self.abilities.reply:
            address = Address(self.name, "room", f"m{n}", "u1", private=False)
        await self.floor.receive([Message(self.session, self.name, f"m{n}", "u1", "Ann", text, 100.0, address)])

    async def send(self, delivery: Delivery) -> str:
        if not self.abilities.reply:
            return await super().send(delivery)
        self.sent.append(delivery)
        return "1"


@pytest_asyncio.fixture(loop_scope="module")
async def talking() -> tuple[Talking, Talking]:
    return Talking("telegram", replies=True), Talking("bilibili", replies=False)


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, talking: tuple[Talking, Talking], browser: Browser) -> AsyncIterator[Crowd]:
    async with open_crowd(tmp_path, chats=talking, browser=browser) as opened:
        yield opened
        assert opened.wrongs == []


async def organiser(crowd: Crowd, size: dict[str, int] = DESK, language: str = "en-US") -> Page:
    page = await (await crowd.profile(size, language)).new_page()
    await page.goto(crowd.hall.link("organiser", "Olga"))
    await page.get_by_role("button", name="Sign in" if language.startswith("en") else "登录").click()
    await page.goto(crowd.hall.session_url("talk", "settings"))
    await page.locator("#connection[data-state=live]").wait_for(state="attached")
    return page


def zipped(folder: Path = SAMPLE, **more: str) -> bytes:
    """The folder as people pack it: with a folder around it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, f"course/{path.name}")
        for name, text in more.items():
            archive.writestr(f"course/{name}.md", text)
    return made.getvalue()


def upload(data: bytes, name: str = "course.zip") -> Any:
    return {"name": name, "mimeType": "application/zip", "buffer": data}


async def answered(crowd: Crowd, text: str) -> str:
    """What the course has to say when somebody asks this now."""
    await crowd.asks(text)
    _, placement = (await crowd.hall.store.placements("talk"))[-1]
    return placement.answer.text if placement and placement.answer else ""


async def until_answered(crowd: Crowd, text: str, part: str) -> None:
    async with asyncio.timeout(20):
        while part not in await answered(crowd, text):  # noqa: ASYNC110 (nothing tells when a lesson is learnt)
            await asyncio.sleep(0.05)


async def test_a_course_is_sent_looked_at_used_and_taken_back(crowd: Crowd) -> None:
    """An organiser sends the sample as ZIP: nothing changes before "use it"; then the running session answers from it,
    from a corrected one after that, and from the first again after undo."""
    page = await organiser(crowd)
    first = "## When does the shuttle leave?\n\nAt nine.\n"
    await page.locator("#course-file").set_input_files(upload(zipped(faq_more=first)))
    preview = page.locator("#course-preview")
    await expect(preview).to_contain_text("What was understood: course.zip")
    await expect(preview).to_be_focused()
    await expect(preview).to_contain_text("questions with answers")
    assert await answered(crowd, "When does the shuttle leave?") == ""
    await preview.get_by_role("button", name="Use it").click()
    await until_answered(crowd, "When does the shuttle leave?", "At nine")
    await page.locator("#course-file").set_input_files(
        upload(zipped(faq_more=first.replace("nine", "ten"), odd="##No blank\n"), "better.zip")
    )
    await expect(preview).to_contain_text("1 changed")
    await preview.get_by_text("1 changed").click()
    await expect(preview).to_contain_text("When does the shuttle leave?")
    await expect(preview).to_contain_text("odd.md:1")
    await preview.get_by_role("button", name="Use it").click()
    await until_answered(crowd, "When does the shuttle leave?", "At ten")
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await until_answered(crowd, "When does the shuttle leave?", "At nine")
    await expect(page.locator("#course-now")).to_contain_text("course.zip, uploaded by Olga")
    ledger = await crowd.hall.store.actions("talk")
    assert [action.change.who for action in ledger] == ["Olga"] * 5  # two files sent, used twice, undone once


async def test_what_is_no_course_is_said_and_nothing_happens(crowd: Crowd) -> None:
    """A wrong file, an archive that leads out of its folder: told in the page's language with the file's name; a course
    that is dropped on the page is taken."""
    page = await organiser(crowd, language="zh-CN")
    await page.locator("#course-file").set_input_files(upload(b"MZ\x90", "setup.exe"))
    await expect(page.get_by_role("alert")).to_contain_text("setup.exe：不是 ZIP 文件")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../../faq.md", "## A?\n\nB.")
    await page.locator("#course-file").set_input_files(upload(made.getvalue()))
    await expect(page.get_by_role("alert")).to_contain_text("在课程文件夹之外")
    # the organiser's own mistakes are no fault of the page, though browsers write them down as such
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "400" not in wrong]
    dropped = await page.evaluate_handle(
        """text => { const data = new DataTransfer(); data.items.add(new File([text], "faq.md")); return data; }""",
        "## 有录像吗？\n\n有。\n",
    )
    await page.dispatch_event("#course .drop", "drop", {"dataTransfer": dropped})
    await expect(page.locator("#course-preview")).to_contain_text("faq.md")
    await expect(page.get_by_role("alert")).to_be_hidden()
    assert (await crowd.hall.store.sessions())[0].course == ""


async def test_every_chat_is_tried(crowd: Crowd, talking: tuple[Talking, Talking]) -> None:
    """The code is ticked live for each chat in which it is said and on the page; the chat that can reply is replied to
    in one line, and none of it becomes a question."""
    page, (telegram, bilibili) = await organiser(crowd), talking
    await page.get_by_role("button", name="Start a test run").click()
    await expect(page.locator("#try-code")).to_contain_text("test ")
    words = await page.locator("#try-code").inner_text()
    row = {name: page.locator(f"#try-sources [data-source={name}]") for name in ("telegram", "bilibili", "web")}
    for one in row.values():
        await expect(one).to_have_attribute("data-state", "waiting")
    await telegram.hear("good evening")
    await telegram.hear(words)
    await telegram.hear(words.upper())
    await expect(row["telegram"]).to_have_attribute("data-state", "answered")
    assert [delivery.text for delivery in telegram.sent] == ["Floormic hears you."]
    await expect(page.locator("#try-count")).to_contain_text("1 of 3 chats heard")
    await bilibili.hear(words)
    await expect(row["bilibili"]).to_have_attribute("data-state", "heard")
    await expect(row["bilibili"]).to_contain_text("the answer is on the page and overlay")
    viewer = await crowd.viewer()
    await viewer.get_by_role("textbox").first.fill(words)
    await viewer.keyboard.press("Control+Enter")
    await expect(row["web"]).to_have_attribute("data-state", "heard")
    await expect(page.locator("#try-count")).to_contain_text("All chats are heard")
    await expect(viewer.locator(".toast")).to_contain_text("Floormic hears you")
    await crowd.hall.drained()
    assert [message.text for message, _ in await crowd.hall.store.placements("talk")] == ["good evening"]
    assert await crowd.hall.store.questions("talk") == []


async def test_a_chat_that_is_away_says_so_in_the_test_run(crowd: Crowd, talking: tuple[Talking, Talking]) -> None:
    """Whoever waits for a tick is told why none can come."""
    page = await organiser(crowd)
    await page.get_by_role("button", name="Start a test run").click()
    talking[0].fall(Refused("the token is wrong"))
    row = page.locator("#try-sources [data-source=telegram]")
    await expect(row).to_contain_text("Down: the token is wrong", timeout=20_000)


async def tab_to(page: Page, selector: str) -> None:
    """With the Tab key, as somebody without a mouse."""
    wanted = page.locator(selector)
    await wanted.wait_for()
    for _ in range(120):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"the Tab key does not lead to {selector}")


async def enter(page: Page, selector: str) -> None:
    await tab_to(page, selector)
    await page.keyboard.press("Enter")


async def types_a_time(page: Page) -> None:
    """19:00 on 26 November 2031. The browser's own language, not the page's, says in which order."""
    for part in ("11", "26", "2031"):
        await page.keyboard.type(part)
    await page.keyboard.press("ArrowRight")
    await page.keyboard.type("0700PM")


ITEMS = {
    "en-US": (
        "no time is set yet",
        "none yet",
        "not tried yet",
        "nobody is invited yet",
        "1 of 2 chats heard your test",
    ),
    "zh-CN": ("还没有定时间", "还没有资料", "还没有试过", "还没有邀请任何人", "2 个聊天中 1 个收到了测试"),
}


@EVERYWHERE
async def test_an_evening_is_prepared_from_nothing_by_keyboard(
    tmp_path: Path, size: dict[str, int], language: str
) -> None:
    """On a fresh installation: a talk is made, gets its time, its course from a ZIP and its modes, is tried with a chat
    and repeated a week later; the list above says at each step what is ready and leads to what is not."""
    telegram = Talking("telegram", replies=True)
    telegram.session = "autumn"
    no_time, no_course, untried, nobody, tried = ITEMS[language]
    async with open_crowd(tmp_path, chats=[telegram], fresh=True) as crowd:
        page = await (await crowd.profile(size, language)).new_page()
        choosers: asyncio.Queue[FileChooser] = asyncio.Queue()
        page.on("filechooser", choosers.put_nowait)
        await page.goto(crowd.hall.link("organiser", "Olga"))
        await enter(page, "form button[type=submit]")
        await page.wait_for_url(lambda url: "signin" not in url)
        await page.goto(crowd.hall.url)
        await enter(page, "a[href='/sessions/new']")
        await expect(page.locator("#title")).to_be_focused()
        await page.keyboard.type("Autumn")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/s/autumn/settings")
        item = {name: page.locator(f"[data-item={name}]") for name in ("talk", "modes", "course", "chats", "people")}
        for name, said in (("talk", no_time), ("course", no_course), ("chats", untried), ("people", nobody)):
            await expect(item[name]).to_contain_text(said)
            await expect(item[name]).to_have_attribute("data-state", "open")

        await enter(page, "[data-item=talk] a")
        await tab_to(page, "#starts_at")
        await types_a_time(page)
        await page.keyboard.press("Tab")
        await expect(item["talk"]).to_contain_text(
            "26 Nov 2031, 19:00" if language == "en-US" else "2031年11月26日 19:00"
        )

        await page.locator("[data-item=course] a").focus()
        await page.keyboard.press("Enter")
        await tab_to(page, "#course-file")
        await page.keyboard.press("Enter")
        await (await asyncio.wait_for(choosers.get(), 20)).set_files(upload(zipped()))
        await expect(page.locator("#course-preview")).to_be_focused()
        await enter(page, "#course-use")
        await expect(item["course"]).to_have_attribute("data-state", "ready")
        await expect(item["course"]).to_contain_text("12")

        await page.locator("[data-item=modes] a").focus()
        await page.keyboard.press("Enter")
        await tab_to(page, "#mode-answers-auto")
        await page.keyboard.press("ArrowLeft")
        await expect(item["modes"]).to_contain_text("answers suggest" if language == "en-US" else "回答 建议")

        await page.locator("[data-item=chats] a").focus()
        await page.keyboard.press("Enter")
        await enter(page, "#try-start")
        await expect(page.locator("#try-code")).to_be_focused()
        await telegram.hear(await page.locator("#try-code").inner_text())
        await expect(item["chats"]).to_contain_text(tried)

        await enter(page, "#again")
        await page.wait_for_url("**/s/autumn-*/settings")
        await expect(item["talk"]).to_contain_text(
            "3 Dec 2031, 19:00" if language == "en-US" else "2031年12月3日 19:00"
        )
        await expect(item["course"]).to_have_attribute("data-state", "ready")
        await expect(item["chats"]).to_contain_text(untried)
        first, second = await crowd.hall.store.sessions()
        assert (first.id, second.title, second.answers) == ("autumn", "Autumn", Mode.SUGGEST)
        assert second.course == first.course
        assert crowd.wrongs == []


async def test_moderators_prepare_what_is_theirs(crowd: Crowd) -> None:
    """They see the talk, its course and its chats, set the modes and what viewers see, and run the test; what is the
    organiser's is not offered, nor who was invited."""
    page = await crowd.moderator(page="settings")
    await expect(page.locator("[data-item=course]")).to_contain_text("none yet")
    await expect(page.locator("[data-item=chats]")).to_contain_text("3 chats, not tried yet")
    for theirs in ("#mode-answers-off", "#review", "#ledger", "#try-start"):
        await expect(page.locator(theirs)).to_be_enabled()
    for others in ("#title", "#course-file", "#course_of", ".feed select", "#end", "[data-item=people]:not([hidden])"):
        await expect(page.locator(others)).to_have_count(0)
    await page.locator("#mode-answers-off").check()
    await expect(page.locator("[data-item=course]")).to_have_attribute("data-state", "ready")
    about = page.locator("#about-review")
    await expect(about).to_have_text("Viewers see each new question at once.")
    await page.locator("#review").check()
    await expect(about).to_have_text("Viewers see a new question only after a moderator approved it.")


@EVERYWHERE
async def test_it_fits(crowd: Crowd, size: dict[str, int], language: str) -> None:
    """With a preview and a test run open nothing is wider than the page, and what is pressed is large enough."""
    page = await organiser(crowd, size, language)
    await page.locator("#course-file").set_input_files(upload(zipped(x="##No\n"), "a-very-long-name-" * 8 + ".zip"))
    await page.locator("#course-use").wait_for()
    await page.locator("#try-start").click()
    await page.locator("#try-code").wait_for()
    for summary in await page.locator("#course-preview summary").all():
        await summary.click()
    wide = await page.evaluate(
        """width => [...document.querySelectorAll("main *")]
            .filter((node) => node.getBoundingClientRect().right > width && !node.closest(".course-table > *"))
            .map((node) => node.outerHTML.slice(0, 200))""",
        size["width"],
    )
    assert wide == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    low = await page.evaluate(
        """() => [...document.querySelectorAll("main .button, main summary, main a")]
            .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 44)
            .map((node) => node.outerHTML)"""
    )
    assert low == []


async def test_enter_of_an_input_method_saves_no_setting(crowd: Crowd) -> None:
    """What is composed is taken into the title; only an Enter after that saves it, once."""
    page = await organiser(crowd)
    title = page.locator("#title")
    await title.fill("qiu tian")
    for key in COMPOSED:
        await title.dispatch_event("keydown", key)
        await expect(title).to_be_focused()
    await title.fill("秋天")
    await title.press("Enter")
    await expect(page.locator(".toast")).to_contain_text("秋天")
    (action,) = await crowd.hall.store.actions("talk")
    assert [(one.name, one.after) for one in action.change.settings] == [("title", "秋天")]


async def test_two_presses_make_one_talk(crowd: Crowd) -> None:
    """The button for a talk like this one is pressed twice on a slow network: there is one more."""
    page = await organiser(crowd)
    slow = await slow_down(page, "**/duplicate")
    async with page.expect_request("**/duplicate"):
        await page.locator("#again").dblclick()
    slow.let_go()
    await page.wait_for_url(lambda url: url.endswith("/settings") and "/s/talk/" not in url)
    assert len(slow.sent) == 1
    assert len(await crowd.hall.store.sessions()) == 2
