"""What was answered aloud, in real browsers: a transcript is sent, what is found confirmed, whoever asked reads it."""

from playwright.async_api import expect

from tests.bot.web.browsing import BROWSER, EVERYWHERE, Crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

SAID = [
    "Welcome.",
    "Is there a recording?",
    "Yes, from Monday on.",
    "Which queue do you use?",
    "Redis, for now.",
    "Bye.",
]


def vtt(*texts: str) -> bytes:
    cues = (f"00:{n:02}:00.000 --> 00:{n:02}:50.000\n{text}\n" for n, text in enumerate(texts))
    return "\n".join(["WEBVTT\n", *cues]).encode()


async def asked(crowd: Crowd) -> None:
    await crowd.asks("Is there a recording?", people=3)
    await crowd.asks("Which queue do you use?", people=2)
    await crowd.asks("Who pays for it?")


@EVERYWHERE
async def test_what_was_answered_aloud_is_confirmed_with_one_press(
    crowd: Crowd, size: dict[str, int], language: str
) -> None:
    """From the file to the answer that a viewer reads, with undo, "not this", another time, and all at once; by
    keyboard as well as by mouse."""
    await asked(crowd)
    page = await crowd.moderator(size, language, "transcript")
    viewer = await crowd.viewer(size, language)
    await page.locator("#aloud-chooser").set_input_files(
        {"name": "talk.vtt", "mimeType": "text/vtt", "buffer": vtt(*SAID)}
    )
    cards = page.locator("#aloud-list li")
    await expect(cards).to_have_count(2)
    await expect(cards.nth(0)).to_contain_text("Is there a recording?")
    await expect(cards.nth(0)).to_contain_text("00:01:00")
    # one press, and back
    await cards.nth(0).locator("[data-do=confirm]").press("Enter")
    await expect(cards.nth(0)).to_have_attribute("data-state", "confirmed")
    await viewer.locator("#tab-answered").click()
    await expect(viewer.locator(".answer").first).to_contain_text("00:01:00")
    await page.locator(".toast-act").click()
    await expect(cards.nth(0)).to_have_attribute("data-state", "proposed")
    # not this, and back; the others are said with a time
    await cards.nth(1).locator("[data-do=no]").click()
    await expect(cards.nth(1)).to_have_attribute("data-state", "refused")
    await cards.nth(1).locator("[data-do=yes]").click()
    await page.locator("#aloud-rest summary").click()
    await page.locator("#aloud-rest-list [data-do=other]").click()
    await page.locator("#aloud-time").fill("4:00")
    await expect(page.locator("#aloud-says")).to_contain_text("Redis, for now.")
    await page.locator("#aloud-time").press("Enter")
    await expect(cards).to_have_count(3)
    await expect(page.locator("#aloud-list li[data-state=confirmed]")).to_contain_text("Who pays for it?")
    # all that is left, as one
    await cards.nth(1).locator("[data-do=above]").click()
    await expect(page.locator("#aloud-list li[data-state=confirmed]")).to_have_count(3)


async def test_an_expert_confirms_on_their_own_page(crowd: Crowd) -> None:
    """Where the question is open anyway; a slip in when the transcript begins is said before anything happens."""
    await asked(crowd)
    (talk,) = await crowd.hall.store.sessions()
    await crowd.hall.transcripts.take(talk, "talk.vtt", vtt(*SAID), "Ann")
    await crowd.hall.transcripts.searched("talk")
    page = await crowd.moderator(page="experts")
    await page.locator(".ex-head").first.click()
    await expect(page.locator(".aloud").first).to_contain_text("Yes, from Monday on.")
    await page.locator(".aloud [data-do=confirm]").first.press("Enter")
    await expect(page.locator(".aloud").first).to_have_attribute("data-state", "confirmed")
    await page.goto(crowd.hall.session_url("talk", "transcript"))
    await page.locator("#aloud-set > summary").click()
    await page.locator("#aloud-offset").fill("soon")
    await page.locator("#aloud-save").click()
    await expect(page.locator("#aloud-offset-bad")).to_contain_text("00:01:30")
    await page.locator("#aloud-offset").fill("-00:01:30")
    await page.locator("#aloud-offset").blur()
    async with page.expect_response(lambda one: one.url.endswith("/transcript")):  # somebody answers meanwhile
        await crowd.answered("Who pays for it?", "We do.", crowd.hall.now(), "Ann")
    await page.evaluate("new Promise(requestAnimationFrame)")
    await expect(page.locator("#aloud-offset")).to_have_value("-00:01:30")
    await page.locator("#aloud-recording").fill("https://v.example/a")
    await page.locator("#aloud-save").click()
    await expect(page.locator("#aloud-dated")).to_contain_text("by hand")
    await expect(page.locator(".aloud-listen").first).to_have_attribute("href", "https://v.example/a#t=60")
