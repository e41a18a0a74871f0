"""The stage, the speaker's remote, the overlay and the poster in a real browser."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, Page, expect

from bot.model import Stage, Status
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd, open_crowd
from tests.bot.web.test_pages import contrast

pytestmark = BROWSER

expect.set_options(timeout=20_000)

SMALL_PHONE = {"width": 360, "height": 740}
SCREENS = [(1280, 720), (1920, 1080), (1024, 768), (3840, 2160)]
BOOK, PARK, MENU = "Which book should I read first?", "Where can I park tonight?", "What is on the menu?"
ZH_LONG = "我想知道在弱网环境下如何保证消息不丢失、不重复，并且让所有平台的观众看到一致的排队顺序？" * 12
EN_LONG = "How do you make sure that nothing is lost or counted twice when the network of the hall breaks? " * 6


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, browser: Browser) -> AsyncIterator[Crowd]:
    """Whoever uses it also promises that no page complained: no script error, no policy violation."""
    async with open_crowd(tmp_path, browser=browser) as opened:
        yield opened
        assert [wrong for wrong in opened.wrongs if "ERR_INTERNET_DISCONNECTED" not in wrong] == []


async def statuses(crowd: Crowd) -> dict[str, Status]:
    return {q.title: q.status for q in await crowd.hall.store.questions("talk")}


async def put(crowd: Crowd, title: str) -> None:
    """Bring it on stage as a colleague would."""
    id = next(q.id for q in await crowd.hall.store.questions("talk") if q.title == title)
    await crowd.hall.desk.stage("Bo", id)


async def three(crowd: Crowd) -> None:
    """Three questions wait, the most wanted one is on stage."""
    for people, title in enumerate((MENU, PARK, BOOK), 1):
        await crowd.asks(title, people)
    await put(crowd, BOOK)


async def opened(crowd: Crowd, page: str, size: dict[str, int] = DESK, **more: Any) -> Page:
    viewer = await crowd.viewer(size, **more)
    await viewer.goto(crowd.hall.session_url("talk", page))
    return viewer


# -- the stage --------------------------------------------------------------------------------------------------------

LETTERS = """() => {
  const [box, title] = ["fit", "now-title"].map((id) => document.getElementById(id));
  const range = document.createRange();
  range.selectNodeContents(title);
  const ink = range.getBoundingClientRect(), place = box.getBoundingClientRect();
  const within = ink.top >= place.top - 1 && ink.bottom <= place.bottom + 1 && ink.right <= place.right + 1;
  return { share: parseFloat(getComputedStyle(title).fontSize) / innerHeight, within, text: title.textContent };
}"""


@pytest.mark.parametrize("text", [BOOK, "向量检索的阈值是怎么定的？"], ids=["en", "zh"])
async def test_a_short_question_is_read_from_the_last_row(crowd: Crowd, text: str) -> None:
    """On every screen a line of it takes at least 9 % of the height, and all of it is there, with no word broken."""
    await crowd.asks(text, 3)
    await put(crowd, text)
    stage = await opened(crowd, "stage")
    for width, height in SCREENS:
        await stage.set_viewport_size({"width": width, "height": height})
        await stage.wait_for_function(f"() => ({LETTERS})().share >= .09 && ({LETTERS})().within")
        assert (await stage.evaluate(LETTERS))["text"] == text


@pytest.mark.parametrize("text", [ZH_LONG[:499] + "？", EN_LONG[:499] + "?"], ids=["zh", "en"])
async def test_five_hundred_letters_still_fit_the_stage(crowd: Crowd, text: str) -> None:
    """The longest title there is stands there whole, its letters at least 3.5 % of the height, beside the next ones."""
    await three(crowd)
    await crowd.asks(text)
    await put(crowd, text)
    stage = await opened(crowd, "stage")
    for width, height in SCREENS:
        await stage.set_viewport_size({"width": width, "height": height})
        await stage.wait_for_function(f"() => ({LETTERS})().share >= .0349 && ({LETTERS})().within")
        found = await stage.evaluate(LETTERS)
        assert found["text"] == text.strip(), (width, height, found["share"], len(found["text"]))
        await expect(stage.locator("#next li")).to_have_count(2)
        assert await stage.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


async def test_what_cannot_fit_is_cut_at_a_sentence(crowd: Crowd) -> None:
    """On a small window a pasted novel keeps readable letters; it ends with a sentence, "…" and where all of it is."""
    text = "这是一句话，它有一点长，但还算可以读下去。" * 23
    await crowd.asks(text)
    await put(crowd, text)
    stage = await opened(crowd, "stage", {"width": 724, "height": 720})
    await expect(stage.locator("#cut")).to_contain_text("/s/talk")
    found = await stage.evaluate(LETTERS)
    assert found["within"]
    assert found["share"] >= 0.0349
    assert found["text"].endswith("下去。…")


SPOKEN = """() => [...document.querySelectorAll("body *")]
  .filter((node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()))
  .filter((node) => node.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
  .filter((node) => !node.closest("[aria-hidden], .sr, dialog, .skip, script, :disabled"))
  .map((node) => {
    let under = node;
    const seen = (one) => getComputedStyle(one).backgroundColor;
    while (under.parentElement && seen(under) === "rgba(0, 0, 0, 0)") under = under.parentElement;
    return [node.textContent.trim().slice(0, 40), getComputedStyle(node).color, seen(under)];
  })"""


def colour(css: str) -> str:
    return "#" + "".join(f"{int(float(part)):02x}" for part in css[css.index("(") + 1 : -1].split(",")[:3])


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_poor_projector_is_enough(crowd: Crowd, theme: str) -> None:
    """Every text of the stage has a contrast of 7:1: with a question, when its time is up, and while it waits."""
    await three(crowd)
    stage = await opened(crowd, "stage", color_scheme=theme)
    await crowd.hall.store.keep_stage("talk", Stage(60))
    await crowd.hall.store.restart_stage("talk", crowd.hall.now() - 90)
    crowd.hall.live.changed("talk")
    crowd.hall.live.changed("talk", "stage")
    await expect(stage.locator("#timer")).to_have_attribute("data-state", "over")
    for waits in (False, True):
        if waits:
            await put(crowd, PARK)
            question = next(q.id for q in await crowd.hall.store.questions("talk") if q.title == PARK)
            await crowd.hall.desk.unstage("Bo", question)
            await expect(stage.locator("#wait")).to_be_visible()
        await stage.wait_for_function("() => !document.getAnimations().some((one) => one.playState === 'running')")
        found = await stage.evaluate(SPOKEN)
        assert len(found) > 8
        poor = [(text, ink, ground) for text, ink, ground in found if contrast(colour(ink), colour(ground)) < 7]
        assert poor == []


async def test_a_new_question_is_announced_once_and_politely(crowd: Crowd) -> None:
    """A screen reader is told each question that comes on stage; that more people want it is not told again."""
    await three(crowd)
    stage = await opened(crowd, "stage")
    await expect(stage.locator("#announce")).to_have_attribute("role", "status")
    await expect(stage.locator("#announce")).to_have_text(f"Now on stage: {BOOK}")
    await stage.evaluate(
        """() => { window.told = 0; new MutationObserver(() => (window.told += 1))
          .observe(document.getElementById("announce"), { childList: true, characterData: true, subtree: true }); }"""
    )
    await crowd.asks(BOOK, 4)
    await expect(stage.locator("#now-people")).to_contain_text("7")
    assert await stage.evaluate("window.told") == 0
    assert await stage.locator("#now").get_attribute("aria-live") is None
    await put(crowd, PARK)
    await expect(stage.locator("#announce")).to_have_text(f"Now on stage: {PARK}")


async def test_who_wants_less_motion_gets_none(crowd: Crowd) -> None:
    """With reduced motion a new question stands there at once."""
    await three(crowd)
    stage = await opened(crowd, "stage", reduced_motion="reduce")
    await put(crowd, PARK)
    await expect(stage.locator("#now-title")).to_have_text(PARK)
    assert await stage.evaluate("getComputedStyle(document.getElementById('fit')).animationDuration") == "0s"


async def test_the_time_is_the_servers_and_survives_a_reload(crowd: Crowd) -> None:
    """It counts from when the question was staged, also on a computer whose clock is an hour off; the limit is shown as
    what is left; at its end a word and another mark say so, and a screen reader is told."""
    await three(crowd)
    await crowd.hall.store.restart_stage("talk", crowd.hall.now() - 600)
    crowd.hall.live.changed("talk")
    stage = await opened(crowd, "stage")
    await expect(stage.locator("#timer")).to_contain_text("10:")
    await stage.clock.install(time=crowd.hall.now() + 3600)
    await stage.reload()
    await expect(stage.locator("#timer")).to_contain_text("10:")
    await expect(stage.locator("#timer")).to_contain_text("so far")
    await crowd.hall.store.restart_stage("talk", crowd.hall.now())
    await crowd.hall.store.keep_stage("talk", Stage(120))
    crowd.hall.live.changed("talk")
    crowd.hall.live.changed("talk", "stage")
    await expect(stage.locator("#timer")).to_have_attribute("data-state", "running")
    await expect(stage.locator("#timer")).to_contain_text("left")
    await stage.clock.fast_forward(121_000)
    await expect(stage.locator("#timer")).to_contain_text("time is up")
    await expect(stage.locator("#timer use")).to_have_attribute("href", "#i-warn")
    await expect(stage.locator("#announce")).to_have_text("The time for this question is up.")


async def test_a_clicker_moderates_the_stage(crowd: Crowd) -> None:
    """Forward answers and goes on, back takes it back, b blanks the screen for everybody and shows it again; a held key
    counts once, and whoever is no moderator changes nothing."""
    await three(crowd)
    stage, screen = await crowd.moderator(page="stage"), await opened(crowd, "stage")
    await expect(stage.locator("#now-title")).to_have_text(BOOK)
    for _ in range(3):
        await stage.keyboard.down("PageDown")  # the second and third are repeats of the first
    await stage.keyboard.up("PageDown")
    await expect(screen.locator("#now-title")).to_have_text(PARK)
    assert (await statuses(crowd))[MENU] is Status.NEW
    await stage.keyboard.press("PageUp")
    await expect(screen.locator("#now-title")).to_have_text(BOOK)
    assert await statuses(crowd) == {BOOK: Status.ON_STAGE, PARK: Status.NEW, MENU: Status.NEW}
    await stage.keyboard.press("b")
    await expect(screen.locator("#blank")).to_be_visible()
    await stage.keyboard.press("b")
    await expect(screen.locator("#blank")).to_be_hidden()
    await screen.keyboard.press("PageDown")
    await expect(screen.locator("#toasts")).to_contain_text("moderators")
    assert (await statuses(crowd))[BOOK] is Status.ON_STAGE


async def test_the_big_screen_shows_only_what_was_approved(tmp_path: Path, browser: Browser) -> None:
    """With review, a question that nobody approved is not among the next ones, though a moderator opened the page."""
    async with open_crowd(tmp_path, browser=browser) as crowd:
        (talk,) = await crowd.hall.store.sessions()
        await crowd.hall.store.save_session(replace(talk, review=True))
        await three(crowd)
        stage = await crowd.moderator(page="stage")
        await expect(stage.locator("#now-title")).to_have_text(BOOK)
        await expect(stage.locator("#next-empty")).to_be_visible()
        await expect(stage.locator("#next li")).to_have_count(0)


# -- the remote -------------------------------------------------------------------------------------------------------


async def test_a_speaker_goes_through_the_questions_with_a_thumb(crowd: Crowd) -> None:
    """On a narrow phone: answered-next, undo, take another one, put back; the screen follows each press, and every
    button is as large as a thumb."""
    await three(crowd)
    remote, screen = await crowd.moderator(SMALL_PHONE, page="remote"), await opened(crowd, "stage")
    now = screen.locator("#now-title")
    await expect(remote.locator("#now-title")).to_have_text(BOOK)
    await expect(remote.locator("#next li")).to_have_count(2)
    assert await remote.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = """() => [...document.querySelectorAll("main button, main .pill, .remote-bar button, header button")]
      .filter((one) => one.checkVisibility()).map((one) => [one.id, one.getBoundingClientRect()])
      .filter(([, box]) => box.width < 44 || box.height < 44).map(([id]) => id)"""
    assert await remote.evaluate(small) == []
    assert await remote.evaluate("document.documentElement.dataset.theme") == "dark"

    await remote.locator("#done").click()
    await expect(now).to_have_text(PARK)
    assert await statuses(crowd) == {BOOK: Status.ANSWERED, PARK: Status.ON_STAGE, MENU: Status.NEW}
    await remote.locator("#undo").click()
    await expect(now).to_have_text(BOOK)
    await remote.locator("#next li", has_text="menu").get_by_role("button").click()
    await expect(now).to_have_text(MENU)
    await expect(remote.locator("#now-title")).to_have_text(MENU)
    await remote.locator("#back").click()
    await expect(screen.locator("#wait")).to_be_visible()
    await expect(remote.locator("#nothing")).to_be_visible()
    await expect(remote.locator("#done")).to_have_text("Bring the first one")


async def test_skipped_questions_come_after_those_not_yet_on_stage(crowd: Crowd) -> None:
    """Skip brings the next one and puts this one behind those that were not on stage, here and on the big screen."""
    await three(crowd)
    remote, screen = await crowd.moderator(SMALL_PHONE, page="remote"), await opened(crowd, "stage")
    await expect(remote.locator("#now-title")).to_have_text(BOOK)
    await remote.locator("#skip").click()
    await expect(remote.locator("#now-title")).to_have_text(PARK)
    for page in (remote, screen):
        await expect(page.locator("#next li .said")).to_have_text([MENU, BOOK])
    await remote.locator("#undo").click()
    await expect(remote.locator("#now-title")).to_have_text(BOOK)
    await expect(screen.locator("#next li .said")).to_have_text([PARK, MENU])


async def test_the_remote_sets_the_time_for_everybody(crowd: Crowd) -> None:
    """A limit chosen on the remote stands on the stage and after a reload; starting again resets the time; the screen
    is blanked and comes back with the next question."""
    await three(crowd)
    await crowd.hall.store.restart_stage("talk", crowd.hall.now() - 90)
    crowd.hall.live.changed("talk")
    remote, screen = await crowd.moderator(SMALL_PHONE, page="remote"), await opened(crowd, "stage")
    await remote.get_by_label("1 min").check()
    await expect(screen.locator("#timer")).to_have_attribute("data-state", "over")
    await remote.locator("#restart").click()
    await expect(screen.locator("#timer")).to_have_attribute("data-state", "running")
    await remote.reload()
    await expect(remote.get_by_label("1 min")).to_be_checked()
    await remote.locator("#blank").click()
    await expect(screen.locator("#blank")).to_be_visible()
    await expect(remote.locator("#blank")).to_have_attribute("aria-pressed", "true")
    await remote.locator("#done").click()
    await expect(screen.locator("#blank")).to_be_hidden()
    await expect(screen.locator("#now-title")).to_have_text(PARK)


async def test_nothing_is_sent_later_from_a_remote_without_a_network(crowd: Crowd) -> None:
    """Offline it says so and takes no press, by thumb or by key; back online nothing of it happens by itself."""
    await three(crowd)
    remote = await crowd.moderator(SMALL_PHONE, page="remote")
    await expect(remote.locator("#now-title")).to_have_text(BOOK)
    await remote.context.set_offline(True)
    await expect(remote.locator("#off")).to_contain_text("No network")
    for id in ("done", "skip", "back", "undo", "restart", "blank"):
        await expect(remote.locator(f"#{id}")).to_be_disabled()
    await remote.keyboard.press("PageDown")
    await remote.locator("#done").click(force=True)
    await remote.context.set_offline(False)
    await expect(remote.locator("#off")).to_be_hidden()
    await expect(remote.locator("#done")).to_be_enabled()
    assert await statuses(crowd) == {BOOK: Status.ON_STAGE, PARK: Status.NEW, MENU: Status.NEW}


async def test_a_press_that_was_held_up_is_not_done(crowd: Crowd) -> None:
    """A request that a bad network delivers after its time is refused, and the remote shows what is on stage."""
    await three(crowd)
    remote = await crowd.moderator(SMALL_PHONE, page="remote")
    await expect(remote.locator("#done")).to_be_enabled()
    late = asyncio.Event()

    async def hold(route: Any) -> None:
        await late.wait()
        body = {**route.request.post_data_json, "by": crowd.hall.now() - 1}
        await route.continue_(post_data=body)

    await remote.route("**/actions", hold)
    await remote.locator("#done").click()
    await expect(remote.locator("#done")).to_be_disabled()
    late.set()
    await expect(remote.locator("#toasts")).to_contain_text("Look")
    assert (await statuses(crowd))[BOOK] is Status.ON_STAGE
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "409" not in wrong]


async def test_a_second_press_answers_nothing_else(crowd: Crowd) -> None:
    """Two remotes press at the same time: one question is answered, not two."""
    await three(crowd)
    remotes = [await crowd.moderator(SMALL_PHONE, page="remote") for _ in range(2)]
    for remote in remotes:
        await expect(remote.locator("#now-title")).to_have_text(BOOK)
    await asyncio.gather(*(remote.locator("#done").click() for remote in remotes))
    for remote in remotes:
        await expect(remote.locator("#now-title")).not_to_have_text(BOOK)
        await expect(remote.locator("#done")).to_be_enabled()
    answered = [title for title, status in (await statuses(crowd)).items() if status is Status.ANSWERED]
    assert answered in ([BOOK], [BOOK, PARK], [PARK, BOOK])
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "409" not in wrong]


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_a_moderator_hands_the_remote_to_the_speaker(crowd: Crowd, language: str) -> None:
    """The code leads the speaker's phone to the remote, once; what they press is theirs in the ledger."""
    await three(crowd)
    remote = await crowd.moderator(PHONE, language, page="remote")
    async with remote.expect_response("**/remote") as made:
        await remote.locator("#hand-open").click()
    link = (await (await made.value).json())["url"]
    await expect(remote.locator("#hand-qr")).to_have_js_property("complete", True)
    assert await remote.locator("#hand-qr").evaluate("image => image.naturalWidth") > 100

    phone = await (await crowd.profile(SMALL_PHONE, language)).new_page()
    await phone.goto(link)
    await phone.locator("main button.primary").click()
    await expect(phone.locator("#now-title")).to_have_text(BOOK)
    await phone.locator("#done").click()
    await expect(phone.locator("#now-title")).to_have_text(PARK)
    newest = (await crowd.hall.store.actions("talk", 1))[0]
    assert (newest.change.who, newest.change.what) == ("Dr. Lin", "next")
    await phone.goto(crowd.hall.session_url("talk", "remote"))
    await expect(phone.locator("#now-title")).to_have_text(PARK)
    await expect(phone.locator("#hand-open")).to_be_hidden()
    thief = await (await crowd.profile(language=language)).new_page()
    refused = await thief.goto(link)
    assert refused
    assert refused.status == 403
    await expect(thief.locator("main")).to_contain_text("无效" if language == "zh-CN" else "not valid")
    crowd.wrongs[:] = [wrong for wrong in crowd.wrongs if "403" not in wrong]


# -- the overlay ------------------------------------------------------------------------------------------------------


async def shot(page: Page) -> Image.Image:
    """What a streaming program lays over the picture."""
    await page.wait_for_function("() => !document.getAnimations().some((one) => one.playState === 'running')")
    return Image.open(io.BytesIO(await page.screenshot(omit_background=True))).convert("RGBA")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720)])
@pytest.mark.parametrize("theme", ["dark", "light", "none"])
async def test_captions_are_read_over_any_picture(crowd: Crowd, width: int, height: int, theme: str) -> None:
    """Around the captions the capture is transparent; over a white and a black picture, letters and what is right
    around them differ by 4.5:1 at least."""
    page = await (await crowd.profile({"width": width, "height": height})).new_page()
    await page.goto(crowd.hall.session_url("talk", "overlay") + f"?sample=answer&theme={theme}")
    await expect(page.locator("#answer")).to_be_visible()
    capture = await shot(page)
    assert capture.getpixel((width // 2, 20)) == (0, 0, 0, 0)
    box = await page.locator("#answer").bounding_box()
    assert box
    words = capture.crop([int(edge) for edge in (box["x"], box["y"], box["x"] + 300, box["y"] + box["height"])])
    for picture in ((255, 255, 255, 255), (0, 0, 0, 255)):
        under = Image.new("RGBA", words.size, picture)
        under.alpha_composite(words)
        pixels = {"#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in under.getdata()}
        light = max(pixels, key=lambda one: contrast(one, "#000000"))
        near = min(pixels, key=lambda one: contrast(one, "#000000"))
        assert contrast(light, near) >= 4.5, (theme, picture)
        if theme == "none":  # the outline: no letter touches the picture
            assert words.getextrema()[3][1] == 255


async def test_long_texts_end_with_a_sentence_and_where_all_of_it_is(crowd: Crowd) -> None:
    """Whatever size is wished: the caption stays in the picture, ends with a sentence and "…", and names the page."""
    page = await (await crowd.profile({"width": 1280, "height": 720})).new_page()
    for size in ("s", "m", "l", "10", "7.5"):
        for lang in ("zh", "en"):
            await page.goto(
                crowd.hall.session_url("talk", "overlay") + f"?sample=long&size={size}&lang={lang}&position=top-left"
            )
            answer = page.locator("#answer")
            await expect(answer).to_contain_text("…")
            await expect(page.locator("#foot")).to_contain_text("/s/talk")
            box = await page.locator("#caption").bounding_box()
            assert box
            assert (box["x"] >= 0, box["y"] >= 0, box["y"] + box["height"] <= 720) == (True, True, True), (size, lang)
            cut = await answer.evaluate("one => one.scrollHeight - one.clientHeight")
            assert cut <= 1, (size, lang)
            if size in ("s", "m"):
                assert (await answer.inner_text()).strip().endswith(("。…", ". …")), (size, lang)


async def test_a_bad_wish_gets_the_default_and_a_note_that_viewers_do_not_see(crowd: Crowd) -> None:
    """Nothing of it stands in the picture; the console says what may be wished, and ?help shows it."""
    await three(crowd)
    page = await (await crowd.profile()).new_page()
    notes: list[str] = []
    page.on("console", lambda line: notes.append(line.text) if line.type == "warning" else None)
    overlay = crowd.hall.session_url("talk", "overlay")
    await page.goto(overlay + "?size=<script>&theme=pink&lang=fr&position=middle&stay=1e9&colour=red")
    await expect(page.locator("#question")).to_have_text(BOOK)
    body = page.locator("body")
    for name, value in {"size": "medium", "theme": "dark", "position": "bottom"}.items():
        await expect(body).to_have_attribute(f"data-{name}", value)
    assert len(notes) == 6
    assert "size=<script>" in notes[0]
    assert "2–10" in notes[0]
    await expect(page.locator(".overlay-help")).to_have_count(0)
    await page.goto(overlay + "?help&size=99")
    await expect(page.locator(".overlay-help .wrong")).to_contain_text("size=99")
    await expect(page.locator(".overlay-help dl")).to_contain_text("bottom-left")


async def test_an_answer_stays_as_long_as_wished(crowd: Crowd) -> None:
    """With ?stay=4 an answer goes after four seconds, and the stage has its turn."""
    await three(crowd)
    overlay = await crowd.viewer()
    await overlay.clock.install()
    await overlay.goto(crowd.hall.session_url("talk", "overlay") + "?stay=4")
    await expect(overlay.locator("#question")).to_have_text(BOOK)
    await crowd.answered(PARK, "Behind the hall.", 100.0, "Ann")
    await expect(overlay.locator("#answer")).to_have_text("Behind the hall.")
    await overlay.clock.fast_forward(4_100)
    await expect(overlay.locator("#question")).to_have_text(BOOK)
    await expect(overlay.locator("#answer")).to_be_hidden()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_address_for_obs_is_built_with_a_preview(crowd: Crowd, size: dict[str, int]) -> None:
    """What is chosen stands in the address and is shown, over the picture whether the screen is light or dark; the
    defaults and what cannot be are left out of it."""
    page = await crowd.moderator(size)
    await page.goto(crowd.hall.session_url("talk", "captions"))
    address = page.locator("#address")
    await expect(address).to_have_value(crowd.hall.session_url("talk", "overlay"))
    await page.locator("[name=size]").select_option("l")
    await page.locator("[name=theme]").select_option("none")
    await page.locator("[name=stay]").fill("999")
    await expect(address).to_have_value(crowd.hall.session_url("talk", "overlay") + "?size=l&theme=none")
    await page.locator("[name=stay]").fill("12")
    await page.locator("#sample").select_option("answer")
    preview = page.frame_locator("#preview")
    await expect(preview.locator("#answer")).to_contain_text("noon tomorrow")
    await expect(preview.locator("body")).to_have_attribute("data-theme", "none")
    await expect(address).to_have_value(crowd.hall.session_url("talk", "overlay") + "?size=l&theme=none&stay=12")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.locator("#ground").select_option("black")
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        seen = Image.open(io.BytesIO(await page.locator("#screen").screenshot())).convert("RGB")
        assert seen.getpixel((seen.width // 2, 12)) == (0, 0, 0), scheme


# -- on paper ---------------------------------------------------------------------------------------------------------

GROUNDS = """() => [...document.querySelectorAll("html, body, main, .lane, .row, .card")]
  .filter((node) => node.checkVisibility()).map((node) => getComputedStyle(node).backgroundColor)"""


@pytest.mark.parametrize("landscape", [False, True], ids=["upright", "across"])
async def test_the_way_to_join_is_a_poster(crowd: Crowd, landscape: bool) -> None:
    """One page whichever way it lies, black on white though the screen is dark, with both languages and no buttons."""
    page = await opened(crowd, "join", color_scheme="dark")
    await page.emulate_media(media="print", color_scheme="dark")
    await expect(page.locator("#print")).to_be_hidden()
    for text in ("An evening talk", "Dr. Lin", "用手机扫码提问", "Scan with your phone", "/s/talk"):
        await expect(page.get_by_text(text).first).to_be_visible()
    assert set(await page.evaluate(GROUNDS)) <= {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}
    printed = await page.pdf(format="A4", landscape=landscape)
    assert printed.count(b"/Type /Page\n") == 1


async def test_the_board_prints_on_white(crowd: Crowd) -> None:
    """Dark on the screen, white on paper; what can only be pressed is left out, the questions are whole."""
    long = "What happens to the questions that nobody answers during the talk? " * 6
    await crowd.asks(long)
    board = await crowd.moderator()
    await board.evaluate("document.documentElement.dataset.theme = 'dark'")
    await board.emulate_media(media="print")
    question = board.locator("#list-new .row .said").first
    await expect(question).to_be_visible()
    assert await question.evaluate("one => one.scrollHeight - one.clientHeight") <= 1
    assert set(await board.evaluate(GROUNDS)) <= {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}
    assert await board.locator("button.button:visible").count() == 0
