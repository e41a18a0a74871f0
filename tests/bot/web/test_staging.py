"""The stage over the API: its timer, blanking, and acts that must not come late."""

import asyncio
import json
from typing import Any

from tests.bot.web.hall import Hall

STAGE = "/api/v1/sessions/talk/stage"


async def test_whoever_watches_is_told_how_the_stage_is_shown(hall: Hall) -> None:
    """The topic "stage" says limit and blanking at the start and after each change; what is left out stays."""
    moderator = await hall.signed_in("moderator", "talk")
    stream = await hall.client().get("/api/v1/sessions/talk/events")

    async def told() -> Any:
        while not (block := (await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 3)).decode()).startswith(
            "event: stage"
        ):
            pass
        return json.loads(block.split("data: ")[1])

    assert await told() == {"limit": 0, "blank": False}
    hall.clock.time = 500.0
    answer = await moderator.post(STAGE, {"limit": 120})
    assert await answer.json() == {"limit": 120, "blank": False, "at": 500.0}
    assert await told() == {"limit": 120, "blank": False}
    await moderator.post(STAGE, {"blank": True})
    assert await told() == {"limit": 120, "blank": True}
    assert await hall.client().json(STAGE) == {"limit": 120, "blank": True, "at": 500.0}


async def test_limits_that_are_not_offered_are_refused(hall: Hall) -> None:
    """Only the offered limits are taken, and the refusal names the field."""
    moderator = await hall.signed_in("moderator", "talk")
    for limit in (-1, 59, 1e9, "long"):
        answer = await moderator.post(STAGE, {"limit": limit})
        assert (answer.status, "limit" in await answer.text()) == (400, True)
    assert (await moderator.json(STAGE))["limit"] == 0


async def test_a_question_says_since_when_it_is_on_stage(hall: Hall) -> None:
    """From the server's clock, and from the beginning again after "restart"."""
    await hall.asks()
    moderator = await hall.signed_in("moderator", "talk")
    hall.clock.time = 500.0
    await moderator.act("stage", ["q1"])
    assert (await hall.client().queue())["questions"][0]["staged_at"] == 500.0
    hall.clock.time = 560.0
    await moderator.post(STAGE, {"restart": True})
    assert (await hall.client().queue())["questions"][0]["staged_at"] == 560.0


async def test_an_act_that_comes_late_is_not_done(hall: Hall) -> None:
    """After the time it names nothing happens, and the text says so; within it, it is done."""
    await hall.asks()
    moderator = await hall.signed_in("moderator", "talk")
    hall.clock.time = 500.0
    late = await moderator.act("stage", ["q1"], by=499.0)
    assert (late.status, "too late" in await late.text()) == (409, True)
    assert (await moderator.queue())["questions"][0]["status"] == "new"
    assert (await moderator.act("stage", ["q1"], by=505.0)).status == 200


async def test_next_answers_and_stages_over_the_api(hall: Hall) -> None:
    """One action; the second press of the same changes nothing; a next of another session is refused."""
    await hall.asks()
    await hall.asks("Slides?", "q2")
    await hall.asks("Elsewhere?", "q9", "other")
    moderator = await hall.signed_in("moderator", "talk")
    await moderator.act("stage", ["q1"])
    assert (await moderator.act("next", ["q1"], text="Aloud.", into="q9")).status == 404
    assert (await moderator.act("next", ["q1"], text="Aloud.", into="q2")).status == 200
    assert (await moderator.act("next", ["q1"], text="Aloud.", into="q2")).status == 409
    found = {q["id"]: q["status"] for q in (await moderator.queue())["questions"]}
    assert found == {"q1": "answered", "q2": "on_stage"}
