"""Whose hands are on which question, for the others at the board."""

import json
from typing import Any

import pytest
from aiohttp import ClientResponse

import bot.web.hands
from tests.bot.web.hall import Browser, Hall

HANDS = "/api/v1/sessions/talk/hands"
EVENTS = "/api/v1/sessions/talk/events"


async def told(stream: ClientResponse) -> Any:
    """What the topic says next."""
    while True:
        event = (await stream.content.readuntil(b"\n\n")).decode()
        if event.startswith("event: hands\n"):
            return json.loads(event.split("data: ", 1)[1])["hands"]


async def beat(browser: Browser, page: str, **more: Any) -> int:
    return (await browser.post(HANDS, {"page": page, **more})).status


async def test_staff_see_each_others_hands_and_viewers_do_not(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody does is told to the others at once, the same again is not; it is over when they leave or fall
    silent. Viewers hear nothing of it."""
    await hall.asks()
    ann, bo = await hall.signed_in("moderator", "talk", "Ann"), await hall.signed_in("expert", "talk", "Bo")
    watching, viewer = await bo.get(EVENTS), await hall.client().get(EVENTS)
    assert await beat(ann, "page-of-ann", question="q1", doing="answering") == 200
    first = {"page": "page-of-ann", "name": "Ann", "role": "moderator", "question": "q1", "doing": "answering"}
    assert await told(watching) == [first]
    assert await beat(ann, "page-of-ann", question="q1", doing="answering") == 200
    assert await beat(bo, "page-of-bo-1") == 200
    assert [hand["name"] for hand in await told(watching)] == ["Ann", "Bo"]
    assert await beat(ann, "page-of-ann", doing="gone") == 200
    assert [hand["name"] for hand in await told(watching)] == ["Bo"]
    monkeypatch.setattr(bot.web.hands, "LASTS", 0.05)
    assert await beat(bo, "page-of-bo-2") == 200
    assert [hand["page"] for hand in await told(watching)] == ["page-of-bo-1", "page-of-bo-2"]
    assert [hand["page"] for hand in await told(watching)] == ["page-of-bo-1"]
    await hall.asks("And slides?", "q2")
    events = [await viewer.content.readuntil(b"\n\n") for _ in range(2)]
    assert b"hands" not in b"".join(events)


async def test_a_hand_is_only_on_what_is_there(hall: Hall) -> None:
    """Viewers have no hands, a question of another session is none of ours, and what is sent has a shape."""
    await hall.asks(question="q9", session="other")
    moderator = await hall.signed_in("moderator", "talk")
    assert await beat(hall.client(), "page-of-nobody") == 403
    assert await beat(moderator, "page-of-ann", question="q9") == 404
    assert await beat(moderator, "x") == 400
    assert await beat(moderator, "page-of-ann", doing="juggling") == 400


async def test_a_board_has_room_for_so_many_hands(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens page after page pushes out the oldest, and the memory stays small."""
    monkeypatch.setattr(bot.web.hands, "MOST", 3)
    moderator = await hall.signed_in("moderator", "talk")
    for n in range(5):
        answer = await moderator.post(HANDS, {"page": f"page-number-{n}"})
    assert [hand["page"] for hand in (await answer.json())["hands"]] == [f"page-number-{n}" for n in (2, 3, 4)]
