"""The pictures of the pages in docs/pictures, taken anew: `python -m tests.measure.pictures [FOLDER] [--page NAME]`.

One function a page, found by its name in `PAGES`: it makes a talk with something in it, opens the page in headless
Chromium, and saves what is seen. `--look` saves more of it beside that: both languages, dark, with what opens.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from playwright.async_api import Page

from bot.accounts import Actor, Grant
from bot.model import (
    COURSE,
    Answer,
    Message,
    Mode,
    Person,
    Placed,
    Placement,
    PollKind,
    PollState,
    QuestionState,
    Session,
    Status,
)
from knowledge.course import read_course
from knowledge.encoder import load_encoder
from tests.bot.web.browsing import DESK, PHONE, Crowd, open_crowd

PICTURES = Path("docs/pictures")
SERIES = "工业互联网公开课"
EVENINGS = "platform_zh data_zh mes_zh plc_zh energy_zh fiveg_zh otsec_zh lean_zh cobot_zh vision_zh".split()  # noqa: SIM905
ASKED = [
    ("Is there a recording of this talk?", 12),
    ("Can I read the meter from outside, through two walls?", 9),
    ("Which gateway would you buy today, and what does it cost?", 7),
    ("网关断电以后，数据会丢失吗？", 6),
    ("How long does a battery last at one reading a minute?", 5),
    ("Does it work without the cloud?", 4),
    ("Who is liable when a valve closes by mistake?", 3),
    ("Where can we download the slides?", 3),
    ("能不能用旧的传感器？需要换哪些部件？", 2),
    ("Is LoRa allowed in a hospital?", 2),
]
PLACES = [
    "cellar",
    "attic",
    "garage",
    "garden",
    "stairwell",
    "pump-room",
    "roof",
    "workshop",
    "greenhouse",
    "lift",
    "gym",
]
PLACES += ["kitchen", "archive", "lobby", "bath", "yard"]
ASKED += [(f"How strong must the signal be in the {place}?", 1) for place in PLACES]
ASKED += [(f"楼里的{place}要不要单独装一个？", 1) for place in ("车库", "地下室", "天台", "走廊", "机房")]


async def fill(crowd: Crowd) -> None:
    """Thirty questions, some of which are answered, on stage, waiting, assigned or labelled."""
    for text, people in ASKED:
        await crowd.asks(text, people)
    desk = crowd.hall.desk
    ids = {q.title: q.id for q in await crowd.hall.store.questions("talk")}
    many = [ids[text] for text, _ in ASKED]
    await desk.approve("Ann", [many[n] for n in (1, 2, 4, 8)])
    await desk.stage("Ann", many[1])
    await desk.answer("Dr. Lin", many[7], "They are on the page of the talk from tomorrow on.")
    await desk.assign("Ann", [many[2], many[5]], "Dr. Lin")
    await desk.relabel("Ann", [many[2], many[5], many[6]], ["price"])
    await desk.pin("Ann", [many[5]])
    await desk.dismiss("Ann", [many[20]], "off topic", True)


async def quiet(page: Page) -> None:
    """Nothing moves, and no toast covers anything."""
    await page.mouse.move(0, 0)
    await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")


async def board(crowd: Crowd, folder: Path, look: bool) -> None:
    """The moderator's board, at a desk and on a phone."""
    await fill(crowd)
    for name, size in (("board", DESK), ("board-phone", PHONE)):
        page = await crowd.moderator(size)
        await page.locator("#list-new .row").nth(5).wait_for()
        await quiet(page)
        await page.screenshot(path=folder / f"{name}.png")
        if look:
            await _board_opened(page, folder / name)
    if look:
        for name, size in (("board-zh", DESK), ("board-phone-zh", PHONE)):
            page = await crowd.moderator(size, "zh-CN")
            await page.emulate_media(color_scheme="dark")
            await page.locator("#list-new .row").nth(5).wait_for()
            await page.screenshot(path=folder / f"{name}.png")
            await _board_opened(page, folder / name)


async def _board_opened(page: Page, name: Path) -> None:
    async def save(what: str) -> None:
        await quiet(page)
        await page.screenshot(path=f"{name}-{what}.png")

    await page.locator("#menu-open").click()
    await save("menu")
    await page.keyboard.press("Escape")
    await page.locator("#list-new .row-open").nth(1).click()
    await page.locator(".wording").first.wait_for()
    await save("panel")
    await page.keyboard.press("Escape")
    for n in range(2):
        await page.locator("#list-new input[type=checkbox]").nth(n).check()
    await save("selection")
    await page.locator("#selection-clear").click()
    await page.locator("#history-open").click()
    await page.locator("#ledger li").first.wait_for()
    await save("history")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await save("help")
    await page.keyboard.press("Escape")
    await page.locator("#search").fill("signal")
    await save("search")


LOOKS = ((PHONE, "zh-CN", "dark"), (DESK, "en-US", "light"))


async def _looked_at(crowd: Crowd, path: str, folder: Path, name: str) -> None:
    """The page as on a dark Chinese phone and on a desk, and at a desk with letters of twice the size."""
    for size, language, scheme in LOOKS:
        for zoom in (1, 2):
            narrow = {"width": size["width"] // (zoom if size is DESK else 1), "height": size["height"] // zoom}
            page = await crowd.moderator(narrow, language)
            await page.goto(crowd.hall.session_url("talk", path))
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await quiet(page)
            await page.screenshot(path=folder / f"{name}-{language}-{zoom}.png", full_page=True)


async def stage(crowd: Crowd, folder: Path, look: bool) -> None:
    """The big screen, with a question on it."""
    await fill(crowd)
    page = await crowd.viewer({"width": 1280, "height": 720})
    await page.goto(crowd.hall.session_url("talk", "stage"))
    await page.locator("#next li").nth(1).wait_for()
    await quiet(page)
    await page.screenshot(path=folder / "stage.png")


async def remote(crowd: Crowd, folder: Path, look: bool) -> None:
    """The speaker's phone."""
    await fill(crowd)
    page = await crowd.moderator(PHONE, page="remote")
    await page.locator("#next li").nth(1).wait_for()
    await quiet(page)
    await page.screenshot(path=folder / "remote.png")
    if look:
        await page.locator("#hand-open").click()
        await page.locator("#hand-qr").wait_for()
        await page.screenshot(path=folder / "remote-hand.png")
        await _looked_at(crowd, "remote", folder, "remote")
        await _looked_at(crowd, "captions", folder, "captions")
        poster = await crowd.viewer(language="zh-CN")
        await poster.goto(crowd.hall.session_url("talk", "join"))
        await poster.emulate_media(media="print")
        await poster.screenshot(path=folder / "join-print.png")


async def overlay(crowd: Crowd, folder: Path, look: bool) -> None:
    """Captions over a picture."""
    await fill(crowd)
    page = await crowd.moderator({"width": 1280, "height": 900})
    await page.goto(crowd.hall.session_url("talk", "captions"))
    await page.locator("#sample").select_option("answer")
    shown = page.frame_locator("#preview").locator("#answer")
    await shown.wait_for()
    await shown.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")
    await page.locator("#preview").screenshot(path=folder / "overlay.png")


async def people(crowd: Crowd, folder: Path, look: bool) -> None:
    """People with their roles, and a link that nobody has used."""
    hall, ann = crowd.hall, Actor("", "Ann")
    now = hall.now()
    for name, role, until in (("Bo", "moderator", None), ("林老师", "speaker", now + 43_200), ("Zoe", "expert", None)):
        token, _ = await hall.sign_in.invite([Grant(role, "talk", until, now)], name, 3600, ann)
        await hall.sign_in.enter(token, name=name, device="Firefox, Windows")
    await hall.sign_in.invite([Grant("moderator", "talk", now + 43_200)], "Guest", 3600, ann)
    for size, language, scheme in ((DESK, "en-US", "light"), (PHONE, "zh-CN", "dark"), (PHONE, "en-US", "light")):
        page = await (await crowd.profile(size, language, color_scheme=scheme)).new_page()
        await page.goto(crowd.hall.link("organiser", "Ann"))
        if look:
            await page.screenshot(path=folder / f"signin-{size['width']}-{language}.png", full_page=True)
        await page.locator("#signin button[type=submit]").click()
        await page.goto(crowd.hall.url + "/people")
        await page.locator(".person").nth(3).wait_for()
        await quiet(page)
        if size is DESK:
            await page.screenshot(path=folder / "people.png")
        if not look:
            return
        await page.screenshot(path=folder / f"people-{size['width']}-{language}.png", full_page=True)
        await page.locator("#invite-open").click()
        await page.locator("#grant-role").select_option("speaker")
        await page.screenshot(path=folder / f"invite-{size['width']}-{language}.png")
        await page.goto(crowd.hall.url + "/account")
        await page.locator("#logins li").first.wait_for()
        await page.screenshot(path=folder / f"account-{size['width']}-{language}.png", full_page=True)


async def poll_stage(crowd: Crowd, folder: Path, look: bool) -> None:
    """A poll on the big screen, voted in."""
    wish = PollState(
        "", "", PollKind.SINGLE, "What shall come next?", ("The demonstration", "What it costs", "怎样部署")
    )
    polls = crowd.hall.polls
    made = await polls.make("Ann", "talk", wish)
    await polls.start("Ann", "talk", made.state.id)
    for n in range(28):
        await polls.vote("talk", made.state.id, Person("chat", f"u{n}"), ("1" if n < 14 else "2" if n < 23 else "3",))
    page = await crowd.viewer({"width": 1280, "height": 720})
    await page.goto(crowd.hall.session_url("talk", "stage"))
    await page.get_by_text("28 votes").wait_for()
    await quiet(page)
    await page.screenshot(path=folder / "poll-stage.png")


async def settings(crowd: Crowd, folder: Path, look: bool) -> None:
    """The page that prepares an evening."""
    await fill(crowd)
    page = await crowd.moderator()
    await page.goto(crowd.hall.session_url("talk", "settings"))
    await page.locator("#ready-list li").first.wait_for()
    await quiet(page)
    await page.screenshot(path=folder / "settings.png")
    if look:
        await _looked_at(crowd, "settings", folder, "settings")


async def experts(crowd: Crowd, folder: Path, look: bool) -> None:
    """What a talk left open, as an expert answers it on the phone."""
    await fill(crowd)
    await crowd.hall.desk.assign("Ann", [q.id for q in await crowd.hall.store.questions("talk")][:1], "Dr. Lin")
    for language, scheme in (("en-US", "light"), ("zh-CN", "dark")):
        page = await (await crowd.profile(PHONE, language, color_scheme=scheme)).new_page()
        await page.goto(crowd.hall.link("expert", "Dr. Lin"))
        await page.locator("#signin button[type=submit]").click()
        await page.goto(crowd.hall.session_url("talk", "experts"))
        await page.locator("#connection[data-state=live]").wait_for(state="attached")
        await page.locator("#list-mine .ex-head").first.click()
        await page.locator("textarea").first.fill("Yes: the gateway keeps a week of readings by itself.")
        await page.locator(".ex-saved[data-state=saved]").wait_for()
        await page.locator(".ex-hear").first.wait_for()
        await page.evaluate("scrollTo(0, 0)")
        await quiet(page)
        await page.screenshot(path=folder / ("experts.png" if scheme == "light" else "experts-zh-dark.png"))
        if not look:
            return


async def a_series(crowd: Crowd) -> None:
    """The labelled talks of the program as evenings of a series, to which many come again; every other group that the
    course answers is, some of the others later by a person."""
    store, encoder = crowd.hall.store, await asyncio.to_thread(load_encoder)
    for week, name in enumerate(EVENINGS):
        folder = files("knowledge") / "talks" / name
        chat, labels = (
            [json.loads(line) for line in (folder / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()]
            for file in ("chat", "labels")
        )
        asked = [(line, label) for line, label in zip(chat, labels, strict=True) if label["group"]]
        start = 1_757_500_000.0 + week * 7 * 86_400
        title = next(iter(read_course(Path(str(folder / "course"))).passages)).heading
        await store.save_session(Session(name, f"{week + 1} · {title}", SERIES, starts_at=start))
        vectors = await asyncio.to_thread(encoder.encode, [line["text"] for line, _ in asked])
        await store.receive(
            [
                Message(name, line["platform"], line["id"], f"u{number % 97}", line["name"], line["text"], at)
                for number, (line, _) in enumerate(asked, 7 * week)
                if (at := start + line["t"])
            ]
        )
        founded: set[str] = set()
        for one, vector, (line, label) in zip(await store.pending(name, 1000), vectors, asked, strict=True):
            id = f"{name}-{label['group']}"
            answer = None
            if label["answerable"] and len(founded) % 2 == 0:
                answer = Answer("…", COURSE, one.at, (label["answerable"],))
            elif len(founded) % 3 == 0:
                answer = Answer("…", "Dr. Lin", one.at + 60 * len(founded))
            status = Status.ANSWERED if answer else Status.NEW
            founds = QuestionState(id, name, line["text"], line["text"], status, answer=answer)
            placement = Placement(one.id, True, 0.9, id)
            await store.place(name, [Placed(placement, vector, None if id in founded else founds)])
            founded.add(id)


async def series(crowd: Crowd, folder: Path, look: bool) -> None:
    """What ten evenings were about, and their report."""
    await a_series(crowd)
    for size, language, scheme in LOOKS if look else [(DESK, "en-US", "light")]:
        page = await (await crowd.profile(size, language, color_scheme=scheme)).new_page()
        await page.goto(crowd.hall.link("organiser", "Ann"))
        await page.locator("#signin button[type=submit]").click()
        await page.goto(f"{crowd.hall.url}/series/{SERIES}")
        await page.locator("#map svg").wait_for()
        await page.locator("#map").focus()
        await page.keyboard.press("ArrowRight")
        await page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
        await quiet(page)
        if look:
            await page.screenshot(path=folder / f"series-{language}.png", full_page=True)
        else:
            await page.locator("section", has=page.locator("#heat")).screenshot(path=folder / "series.png")
            await page.locator("#map-place").screenshot(path=folder / "series-map.png")
            await page.set_viewport_size({"width": 1080, "height": 1700})
            await page.goto(f"{crowd.hall.url}/series/{SERIES}/report?lang=en")
            await page.screenshot(path=folder / "series-report.png")


PAGES: dict[str, Callable[[Crowd, Path, bool], Awaitable[None]]] = {
    "board": board,
    "stage": stage,
    "remote": remote,
    "overlay": overlay,
    "people": people,
    "poll-stage": poll_stage,
    "settings": settings,
    "experts": experts,
    "series": series,
}


async def run(folder: Path, pages: list[str], look: bool) -> None:
    for name in pages:
        with tempfile.TemporaryDirectory() as data:
            async with open_crowd(Path(data), Mode.AUTO) as crowd:
                await PAGES[name](crowd, folder, look)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PICTURES)
    parser.add_argument("--page", action="append", choices=sorted(PAGES), help="only this one (again for more)")
    parser.add_argument("--look", action="store_true", help="also the states that are not in the docs")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(given.folder, given.page or sorted(PAGES), given.look))


if __name__ == "__main__":
    main()
