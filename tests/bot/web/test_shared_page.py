"""A viewer's page, which is made once for all: what is in it, and that nothing of anybody is."""

import base64
import hashlib
import re

from tests.bot.web.hall import Hall


async def test_the_policy_names_each_script_and_style_in_a_page_by_its_hash(hall: Hall) -> None:
    """What stands in our pages runs, and nothing else that could get into one."""
    for path in ("/s/talk", "/s/talk/feedback", "/s/talk/stage", "/nothing"):
        answer = await hall.client().get(path, headers={"Accept": "text/html"})
        policy = answer.headers["Content-Security-Policy"]
        inside = re.findall(r"<(script|style)((?:\s[^>]*)?)>(.+?)</(?:script|style)>", await answer.text(), re.S)
        assert inside
        for element, attributes, text in inside:
            if "application/json" not in attributes:
                digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in policy.split(f"{element}-src ")[1].split(";")[0], (path, element)
        assert "nonce" not in policy
        assert "unsafe" not in policy


async def test_a_viewers_page_is_the_same_for_all_and_holds_nothing_of_anybody(hall: Hall) -> None:
    """Byte for byte, whoever they are and whatever they asked: only the cookie is theirs."""
    await hall.asks()
    one, other = hall.client(), hall.client()
    await one.ask("Only I ask this", name="Zoe")
    pages = [await (await browser.get("/s/talk")).read() for browser in (one, other, one)]
    assert pages[0] == pages[1] == pages[2]
    codes = [(await browser.json("/api/v1/sessions/talk/mine"))["code"].replace("-", "") for browser in (one, other)]
    assert codes[0] != codes[1]
    for text in (*codes, "Only I ask this", "Zoe"):
        assert text.encode() not in pages[0]


async def test_a_viewers_page_changes_with_what_it_shows(hall: Hall) -> None:
    """Another question, another setting, another language, another address: another page, at once."""
    organiser, browser = await hall.signed_in("organiser"), hall.client()

    async def page(**headers: str) -> str:
        return await (await browser.get("/s/talk", headers=headers)).text()

    assert "Is there a recording?" not in await page()
    await hall.asks()
    assert "Is there a recording?" in await page()
    await organiser.send("PATCH", "/api/v1/sessions/talk", {"title": "Another title"})
    assert "Another title" in await page()
    assert '<html lang="en">' in await page(**{"Accept-Language": "en"})
    assert '<html lang="zh-CN">' in await page(**{"Accept-Language": "zh"})
    assert "http://elsewhere.example/s/talk" in await page(Host="elsewhere.example")
    await organiser.act("dismiss", ["q1"])
    assert "Is there a recording?" not in await page()


async def test_who_is_signed_in_gets_a_page_of_their_own(hall: Hall) -> None:
    """And nobody else gets theirs, not from a memory either."""
    moderator, viewer = await hall.signed_in("moderator", name="Mo Derator"), hall.client()
    for browser, named in ((moderator, True), (viewer, False), (moderator, True)):
        answer = await browser.get("/s/talk")
        assert ("Mo Derator" in await answer.text()) is named
        assert ("no-store" in answer.headers["Cache-Control"]) is named
