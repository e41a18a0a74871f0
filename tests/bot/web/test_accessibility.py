"""Every page and every state of it, looked at by axe: WCAG 2.2 AA, in both languages, at a desk and on a phone, in the
light and in the dark."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from bot.model import Mood, Person, PollKind, PollState
from tests.bot.web.browsing import BROWSER, DESK, PHONE, Crowd, open_crowd

pytestmark = BROWSER

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = {
    "desk-en-light": (DESK, "en-US", "light"),
    "phone-zh-dark": (PHONE, "zh-CN", "dark"),
}
"""Each size, language and appearance once; what fails in one of them fails in the pair."""

Scheme = Literal["light", "dark"]
State = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class Sight:
    """A page below a session (or at the root, with a slash), for whom, whether polls or the survey are open or there is
    a transcript, and the states one brings it into."""

    page: str
    who: str = "viewer"
    states: dict[str, State] = field(default_factory=dict)
    polls: bool = False
    survey: bool = False
    aloud: bool = False


async def said_aloud(crowd: Crowd) -> None:
    """A transcript with something wrong in it, in which a question is answered."""
    said = "Is there a recording of this talk?\nYes, on the page."
    sent = f"WEBVTT\n\nx:y --> 00:00:09.000\nWelcome.\n\n00:00:10.000 --> 00:00:20.000\n{said}\n"
    (talk,) = await crowd.hall.store.sessions()
    talk = replace(talk, starts_at=crowd.hall.now())
    await crowd.hall.transcripts.take(talk, "talk.vtt", sent.encode(), "Ann", recording="https://v.example")
    await crowd.hall.transcripts.searched("talk")


async def answer_form(page: Page) -> None:
    await page.locator(".row-open").first.click()
    await page.locator(".panel:not([hidden])").wait_for()


async def after_the_talk(page: Page) -> None:
    """What it will tell, opened."""
    await page.locator("#end-button").click()
    await page.locator("[data-duty=digest] .badge:visible").wait_for()
    await page.locator("[data-duty=digest] summary").click()


async def experts_link(page: Page) -> None:
    await page.locator("#menu-open").click()
    await page.locator("#experts-open").click()
    await page.locator("#experts-invite button").click()
    await page.locator("#experts-made:not([hidden])").wait_for()


async def expert_card(page: Page) -> None:
    """A question with a draft, a source that is no link, and whom the answer reaches."""
    await page.locator(".ex-head").first.click()
    await page.locator("textarea").first.fill("On Friday.")
    await page.locator("[data-do=source]").first.click()
    await page.locator("[data-part=url]").first.fill("no link")
    await page.locator("[data-do=send]").first.click()
    await page.locator(".ex-sources .bad-note:not([hidden])").wait_for()
    await page.locator(".ex-hear").wait_for()


def click(selector: str) -> State:
    return lambda page: page.locator(selector).first.click()


async def polls_of_each_kind(crowd: Crowd) -> None:
    """One open poll of each kind with votes, the last on the stage, one draft, and the pulse."""
    options = ("Redis", "Kafka", "None of them")
    wishes = [
        (PollState("", "", PollKind.SINGLE, "Which queue?", options), "2"),
        (PollState("", "", PollKind.MULTIPLE, "What next?", options, most=2), "1"),
        (PollState("", "", PollKind.SCALE, "How clear?", low=1, high=5, ends=("lost", "clear")), "4"),
        (PollState("", "", PollKind.OPEN, "What is missing?"), "More figures"),
        (PollState("", "", PollKind.WORDS, "In a word?", most=3), "reliable"),
    ]
    polls = crowd.hall.polls
    for wish, choice in wishes:
        made = await polls.make("Ann", "talk", wish)
        await polls.start("Ann", "talk", made.state.id)
        await polls.vote("talk", made.state.id, Person("chat", "u1"), (choice,))
    await polls.make("Ann", "talk", wishes[0][0])
    await polls.switch_pulse("Ann", "talk", True)
    for n, mood in enumerate(Mood):
        await polls.feel("talk", Person("chat", f"u{n}"), mood)


async def answered_survey(crowd: Crowd) -> None:
    """One that is open, with a rating and texts."""
    surveys = crowd.hall.surveys
    await surveys.open("Ann", "talk")
    rating, *texts = [one.state.id for one in await crowd.hall.store.survey_results("talk")]
    for n in range(3):
        await surveys.answer("talk", rating, Person("chat", f"u{n}"), [str(n + 2)])
        await surveys.answer("talk", texts[0], Person("chat", f"u{n}"), ["More" if n else "MORE!"])


async def voting(page: Page) -> None:
    await page.locator("#polls .poll", has_text="Which queue?").get_by_text("Kafka").click()
    await page.locator("#polls .poll-picture").first.wait_for()


SIGHTS = {
    "viewer with polls": Sight("", polls=True, states={"voted": voting}),
    "stage with a poll": Sight("stage", polls=True),
    "overlay with a poll": Sight("overlay", polls=True),
    "remote with a poll": Sight("remote", "moderator", polls=True),
    "board with polls": Sight("board", "moderator", polls=True, states={"polls": click("#polls-open")}),
    "polls with polls": Sight("polls", "moderator", polls=True, states={"editor": click("#poll-new")}),
    "viewer": Sight("", states={"answered": click("#tab-answered"), "invite": click("#join-open")}),
    "stage": Sight("stage"),
    "stage, hand over": Sight("stage", "moderator"),
    "remote": Sight("remote", "moderator"),
    "overlay": Sight("overlay"),
    "captions": Sight("captions", "moderator"),
    "join": Sight("join"),
    "board": Sight(
        "board",
        "moderator",
        states={
            "help": lambda page: page.keyboard.press("?"),
            "question": answer_form,
            "dismissing": click("[data-do=dismiss]"),
            "answered": click("#tab-answered"),
            "history": click("#history-open"),
            "experts": experts_link,
        },
    ),
    "polls": Sight("polls", "moderator"),
    "feedback": Sight("feedback", survey=True, states={"answered": click(".survey-item .poll-choice")}),
    "survey": Sight("survey", "moderator"),
    "survey with results": Sight("survey", "moderator", survey=True, states={"form": click("#edit > summary")}),
    "experts": Sight(
        "experts",
        "expert",
        states={
            "question": expert_card,
            "together": click("[data-do=together]"),
            "closed": click("#place-done summary"),
        },
    ),
    "transcript": Sight("transcript", "moderator"),
    "answered aloud": Sight(
        "transcript",
        "moderator",
        aloud=True,
        states={
            "settings": click("#aloud-set > summary"),
            "problems": click("#aloud-problems > summary"),
            "other time": click("[data-do=other]"),
            "refused": click("[data-do=no]"),
            "rest": click("#aloud-rest > summary"),
        },
    ),
    "sources": Sight("sources", "moderator"),
    "settings": Sight("settings", "organiser", {"after the talk": after_the_talk}),
    "report": Sight("report", "organiser", polls=True),
    "report of a series": Sight("/series/Course/report", "organiser"),
    "new": Sight("/sessions/new", "organiser"),
    "people": Sight("/people", "organiser"),
    "account": Sight("/account", "moderator"),
    "start": Sight("/", "organiser"),
    "signin": Sight("/signin"),
    "nowhere": Sight("/nowhere"),
}


DAILY = {"viewer", "board", "stage", "remote", "settings", "signin"}
"""What is looked at on a phone in the dark too, every day."""


def _marks(sight: str, look: str) -> list[pytest.MarkDecorator]:
    return [] if look == "desk-en-light" or sight in DAILY else [pytest.mark.thorough]


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(tmp_path: Path, browser: Browser) -> AsyncIterator[Crowd]:
    """A hall in which something of everything happened."""
    async with open_crowd(tmp_path, browser=browser) as opened:
        await opened.hall.desk.set_up("Ann", "talk", {"series": "Course"})
        await opened.asks("Is there a recording of this talk?", people=3)
        await opened.asks("Which gateway was that?", people=2)
        await opened.asks("How long are the slides kept?")
        await opened.asks("What does it cost?")
        await opened.answered("How long are the slides kept?", "For a year.", at=1.0, by="Ann")
        await opened.staged("Which gateway was that?")
        yield opened


@pytest.mark.parametrize(
    ("sight", "look"), [pytest.param(*pair, marks=_marks(*pair)) for pair in product(SIGHTS, LOOKS)]
)
async def test_axe_finds_nothing(crowd: Crowd, sight: str, look: str) -> None:
    """No violation of WCAG 2.2 AA nor of axe's best practices, on the page as it opens and in each of its states."""
    size, language, scheme = LOOKS[look]
    if SIGHTS[sight].polls:
        await polls_of_each_kind(crowd)
    if SIGHTS[sight].survey:
        await answered_survey(crowd)
    if SIGHTS[sight].aloud:
        await said_aloud(crowd)
    page = await _opened(crowd, SIGHTS[sight], size, language, scheme)  # type: ignore[arg-type]
    found = await _violations(page, "as it opens")
    for name, enter in SIGHTS[sight].states.items():
        await page.keyboard.press("Escape")
        await enter(page)
        found += await _violations(page, name)
    assert not found, "\n".join(found)


async def _opened(crowd: Crowd, sight: Sight, size: dict[str, int], language: str, scheme: Scheme) -> Page:
    context = await crowd.profile(size, language, color_scheme=scheme, reduced_motion="reduce")
    page = await context.new_page()
    if sight.who != "viewer":
        await page.goto(crowd.hall.link(sight.who, "Ann"))
        await page.locator("main button[type=submit]").click()
        await page.wait_for_load_state()
    where = crowd.hall.url + sight.page if sight.page.startswith("/") else crowd.hall.session_url("talk", sight.page)
    await page.goto(where)
    if await page.locator("#connection").count():
        await page.locator("#connection[data-state=live]").wait_for(state="attached")
    await page.wait_for_timeout(300)  # what comes with the first data is drawn in the next frames
    return page


async def _violations(page: Page, state: str) -> list[str]:
    results = await Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [
        f"{state}: {one['id']}: {one['help']}: {node['html'][:160]} {_why(node)}"
        for one in results.response["violations"]
        for node in one["nodes"]
    ]


def _why(node: dict[str, list[dict[str, str]]]) -> str:
    return "; ".join(check["message"] for check in (*node["any"], *node["all"], *node["none"]))[:200]
