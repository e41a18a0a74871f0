"""Slow mode on the page, and how many may come anew from one address."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse

from bot.limits import Rate
from bot.model import CourseMatch, Preview
from bot.storage.sqlite import SqliteStore
from bot.web.limits import Limits
from tests.bot.web.hall import Browser, Hall, open_hall

TALK = "/api/v1/sessions/talk"


async def ask(browser: Browser, text: str = "Is there a recording?", **headers: str) -> ClientResponse:
    return await browser.post(f"{TALK}/messages", {"text": text}, headers=headers)


async def test_in_slow_mode_the_page_says_how_long_to_wait(hall: Hall) -> None:
    """The second question of one person is refused with what is left to wait, in words and in a header; somebody else
    asks at once, and after the pause so do they."""
    moderator, viewer, other = await hall.signed_in("moderator"), hall.client(), hall.client()
    assert (await moderator.send("PATCH", TALK, {"slow": 30})).status == 200
    assert (await ask(viewer)).status == 202
    hall.clock.time += 10
    refused = await ask(viewer, "And the slides?")
    assert (refused.status, (await refused.json())["code"]) == (429, "too_fast")
    assert 20 <= int(refused.headers["Retry-After"]) <= 21
    assert "30" in (await refused.json())["error"]
    assert (await ask(other)).status == 202
    hall.clock.time += 21
    assert (await ask(viewer, "And the slides?")).status == 202


async def test_a_message_that_is_sent_again_is_no_second_question(hall: Hall) -> None:
    """In slow mode a store that was full and a reply that was lost cost nobody their turn: the same message is taken at
    each try and kept once, and only another one has to wait."""
    moderator, viewer, other = await hall.signed_in("moderator"), hall.client(), hall.client()
    assert (await moderator.send("PATCH", TALK, {"slow": 300})).status == 200
    hall.full = True
    assert (await viewer.ask("Is there a recording?", id="m1")).status == 503
    assert (await other.ask("Is it free?")).status == 503
    hall.full = False
    assert [(await viewer.ask("Is there a recording?", id="m1")).status for _ in range(3)] == [202, 202, 202]
    assert (await viewer.ask("And the slides?", id="m2")).status == 429
    assert (await other.ask("Is it really free?")).status == 202
    kept = [one.text for one in await hall.store.pending("talk", 10)]
    assert kept == ["Is there a recording?", "Is it really free?"]


async def test_slow_mode_is_a_setting_as_others_are(hall: Hall) -> None:
    """A moderator sets it, everybody is told, it stands in the ledger, and undo takes it back; an expert may not, and
    nobody sets what is no time."""
    moderator, expert = await hall.signed_in("moderator"), await hall.signed_in("expert", name="Ex")
    answer = await (await moderator.send("PATCH", TALK, {"slow": 60})).json()
    assert answer["session"]["slow"] == 60
    assert (await (await hall.client().get(TALK)).json())["slow"] == 60
    assert (await expert.send("PATCH", TALK, {"slow": 0})).status == 403
    for wrong in (-1, 3601, "60", 1.5):
        assert (await moderator.send("PATCH", TALK, {"slow": wrong})).status == 400
    assert (await moderator.post(f"{TALK}/undo", {"action": answer["action"]})).status == 200
    assert (await (await hall.client().get(TALK)).json())["slow"] == 0
    (undone, done) = (await hall.store.actions("talk"))[:2]
    assert [one.name for one in done.change.settings] == [one.name for one in undone.change.settings] == ["slow"]


@pytest.fixture
async def narrow(store: SqliteStore) -> AsyncIterator[Hall]:
    """Behind a proxy, with room for three people an address and five a network."""
    limits = Limits(newcomers=Rate(3, 0.01), newcomers_of_network=Rate(5, 0.01))
    async with open_hall(store, limits=limits, trusted=["127.0.0.1"]) as hall:
        yield hall


async def test_cleared_cookies_make_no_more_people_than_fit_behind_an_address(narrow: Hall) -> None:
    """After three people from one address a fourth has to wait, a fresh address gets in until its network is full, and
    who was there before goes on."""
    before = narrow.client()
    assert (await ask(before, **{"X-Forwarded-For": "192.0.2.1"})).status == 202
    answers = [await ask(narrow.client(), **{"X-Forwarded-For": "192.0.2.1"}) for _ in range(3)]
    assert [one.status for one in answers] == [202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) > 1
    nearby = [(await ask(narrow.client(), **{"X-Forwarded-For": f"192.0.2.{n}"})).status for n in range(2, 6)]
    assert nearby == [202, 202, 429, 429]
    assert (await ask(narrow.client(), **{"X-Forwarded-For": "198.51.100.1"})).status == 202
    assert (await ask(before, "And the slides?", **{"X-Forwarded-For": "192.0.2.1"})).status == 202


async def test_cleared_cookies_bring_no_more_previews_than_people_fit_behind_an_address(narrow: Hall) -> None:
    """After three people from one address a fourth is shown nothing, without an error; who was there before goes on,
    and asks what they typed."""
    narrow.likely = Preview(answer=CourseMatch("faq#1", 0.97, "sent", "Tomorrow."))
    here = {"X-Forwarded-For": "192.0.2.1"}

    async def shown(browser: Browser) -> bool:
        answer = await browser.post(f"{TALK}/preview", {"text": "recording?"}, headers=here)
        assert answer.status == 200
        return (await answer.json())["answer"] is not None

    before = narrow.client()
    assert await shown(before)
    assert [await shown(narrow.client()) for _ in range(4)] == [True, True, False, False]
    assert await shown(before)
    assert (await ask(before, **here)).status == 202


async def test_what_is_too_much_at_once_is_refused_at_the_door(store: SqliteStore) -> None:
    """Where as many requests write as may, the next one is told at once to come again, and nothing of it is done."""
    async with open_hall(store, limits=Limits(at_once=0)) as hall:
        answer = await ask(hall.client())
        assert (answer.status, (await answer.json())["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await hall.client().get(TALK)).status == 200
        assert await store.placements("talk") == []
