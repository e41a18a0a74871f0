"""Signing in with one-use links."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.storage.sqlite import SqliteStore
from bot.web.limits import Limits
from bot.web.signin import SignIn
from tests.bot.web.hall import Browser, Hall, open_hall

BOARD = "/s/talk/board"


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def may(browser: Browser) -> bool:
    return (await browser.get("/api/v1/sessions/talk/actions")).status == 200


async def test_a_link_signs_in_once(hall: Hall) -> None:
    """Opening the link shows a button and uses nothing up; the button signs in, a second time it does not."""
    token = hall.sign_in.link("moderator", "Mo", "talk")
    browser, thief = hall.client(), hall.client()
    for _ in range(3):
        page = await browser.get(f"/signin/{token}")
        assert (page.status, "<button" in await page.text()) == (200, True)
    assert not await may(browser)
    entered = await browser.post(f"/signin/{token}")
    assert (entered.status, entered.headers["Location"]) == (303, BOARD)
    assert await may(browser)
    again = await thief.post(f"/signin/{token}")
    assert again.status == 403
    assert not await may(thief)


async def test_a_link_ends(hall: Hall) -> None:
    """After its time a link is worth nothing, before it is."""
    token = hall.sign_in.link("moderator", "Mo", valid_seconds=60)
    hall.clock.time += 61
    assert (await hall.client().post(f"/signin/{token}")).status == 403
    assert (await hall.client().get(f"/signin/{token}")).status == 403


async def test_a_changed_link_is_refused(hall: Hall) -> None:
    """No byte of a link can be changed, and a link of another secret does not count."""
    token = hall.sign_in.link("expert", "Mo", "talk")
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert hall.sign_in.invitation(changed) is None, place
    assert SignIn(b"another secret, as long", hall.store, hall.clock).invitation(token) is None


async def test_a_cookie_that_is_no_text_signs_nobody_in(hall: Hall) -> None:
    """Bytes that are no UTF-8 are a wrong cookie: the page is shown as to anybody."""
    for cookie in (b"\xff", b'"\xff"', b"\xed\xa0\x80"):
        assert await hall.raw("/api/v1/sessions/talk", b"Cookie: floormic-login=" + cookie) == 200
        assert await hall.raw("/api/v1/sessions/talk/actions", b"Cookie: floormic-login=" + cookie) in {401, 403}


async def test_wrong_links_are_slowed_down(hall: Hall) -> None:
    """After ten bad tries even a right link has to wait, and then works."""
    token = hall.sign_in.link("moderator", "Mo")
    browser = hall.client()
    assert [(await browser.post(f"/signin/wrong{n}")).status for n in range(11)] == [403] * 10 + [429]
    assert (await browser.post(f"/signin/{token}")).status == 429
    hall.clock.time += 40
    assert (await browser.post(f"/signin/{token}")).status == 303


async def test_the_cookie_cannot_be_read_or_sent_across(hall: Hall, store: SqliteStore) -> None:
    """HttpOnly and SameSite always; with https also Secure and bound to this host; new at each sign-in."""
    token = hall.sign_in.link("moderator", "Mo")
    plain = (await hall.client().post(f"/signin/{token}")).headers["Set-Cookie"]
    assert plain.startswith("floormic-login=")
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    async with open_hall(store, public_url="https://floor.example") as safe:
        tokens = [safe.sign_in.link("moderator", "Mo") for _ in range(2)]
        cookies = [(await safe.client().post(f"/signin/{one}")).headers["Set-Cookie"] for one in tokens]
        for cookie in cookies:
            assert re.match(r"__Host-floormic-login=[\w-]{40,};", cookie)
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
            assert "Domain" not in cookie
        assert cookies[0] != cookies[1]
        assert "max-age" in (await safe.client().get("/s/talk")).headers["Strict-Transport-Security"]


async def test_nothing_stored_lets_anybody_in(hall: Hall, tmp_path: Path) -> None:
    """Neither the link nor the cookie's value is in the database."""
    token = hall.sign_in.link("moderator", "Mo")
    browser = hall.client()
    await browser.post(f"/signin/{token}")
    kept = everything_in(tmp_path)
    assert b"moderator" in kept
    assert token.encode() not in kept
    assert browser.cookie("floormic-login").value.encode() not in kept


async def test_signing_out_ends_the_login_everywhere(hall: Hall) -> None:
    """After signing out the old cookie is worth nothing, wherever it was copied to."""
    browser = await hall.signed_in("moderator")
    copied = {"Cookie": f"floormic-login={browser.cookie('floormic-login').value}"}
    assert (await hall.client().get(BOARD, headers=copied)).status == 200
    assert (await browser.post("/signout")).status == 303
    assert not await may(browser)
    assert (await hall.client().get(BOARD, headers=copied)).status == 403


async def test_signing_in_anew_ends_the_old_login(hall: Hall) -> None:
    """The id changes at sign-in, and the one before it stops working."""
    browser = await hall.signed_in("moderator")
    old = {"Cookie": f"floormic-login={browser.cookie('floormic-login').value}"}
    await browser.post(f"/signin/{hall.sign_in.link('moderator', 'Mo')}")
    assert await may(browser)
    assert (await hall.client().get(BOARD, headers=old)).status == 403


async def test_a_login_ends_by_itself(hall: Hall) -> None:
    """After a week one has to sign in again."""
    browser = await hall.signed_in("moderator")
    hall.clock.time += 7 * 86_400 + 1
    assert not await may(browser)


async def test_signing_out_ends_open_streams(store: SqliteStore) -> None:
    """A moderator's stream ends soon after the login does; a viewer's goes on."""
    limits = Limits(login_check=0.05)
    async with open_hall(store, limits=limits) as hall:
        await hall.asks()
        moderator, viewer = await hall.signed_in("moderator"), hall.client()
        streams = [await b.get("/api/v1/sessions/talk/events") for b in (moderator, viewer)]
        for stream in streams:
            await stream.content.readuntil(b"\n\n")
        await moderator.post("/signout")
        assert b"event: questions" not in await asyncio.wait_for(streams[0].content.read(), 2)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while await streams[1].content.readany():  # the topics, then nothing
                    pass
        assert not streams[1].content.at_eof()
        for stream in streams:
            stream.close()


async def test_a_default_secret_is_refused(hall: Hall) -> None:
    """A short secret, and a role nobody knows, are refused with what to do."""
    with pytest.raises(BadInput, match="openssl"):
        SignIn(b"changeme", hall.store, hall.clock)
    with pytest.raises(BadInput, match="moderator"):
        hall.sign_in.link("admin", "Mo")


async def test_a_page_one_may_not_see_says_how_to_sign_in(hall: Hall) -> None:
    """The board is a 403 page for viewers, with the way to sign in and no queue in it."""
    await hall.asks("A private question?")
    page = await hall.client().get(BOARD)
    text = await page.text()
    assert (page.status, page.content_type) == (403, "text/html")
    assert "/signin" in text
    assert "A private question?" not in text
