"""The stage over the API: its timer, blanking, and acts that must not come late."""

import asyncio
import json
from typing import Any

from bot.model import Session
from bot.web.staging import EVENING
from tests.bot.web.hall import Browser, Hall

TALK = "/api/v1/sessions/talk"
STAGE = TALK + "/stage"


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


async def handed(hall: Hall, moderator: Browser) -> Browser:
    """The speaker's phone, as a moderator handed it the stage."""
    link = (await (await moderator.post(TALK + "/remote")).json())["url"]
    phone = hall.client()
    entered = await phone.post("/signin/" + link.rpartition("/")[2])
    assert (entered.status, entered.headers["Location"]) == (303, "/s/talk/remote")
    return phone


async def test_what_is_handed_to_the_speaker_is_the_stage_for_an_evening(hall: Hall) -> None:
    """The link is good once; with it comes the stage of this session alone, until the time that was said."""
    await hall.asks()
    moderator = await hall.signed_in("moderator", "talk")
    made = await (await moderator.post(TALK + "/remote")).json()
    assert made["ends_at"] == hall.clock() + EVENING
    path = "/signin/" + made["url"].rpartition("/")[2]
    phone = hall.client()
    assert [(await browser.post(path)).status for browser in (phone, hall.client())] == [303, 403]
    assert (await phone.json(TALK))["role"] == "speaker"
    assert (await phone.get("/s/talk/remote?as=speaker")).status == 200
    for page in (
        "/s/talk/board",
        "/s/talk/settings",
        "/s/talk/captions",
        "/s/talk/report",
        "/s/other/remote",
        "/people",
    ):
        assert (await phone.get(page)).status == 403, page
    assert (await phone.post(TALK + "/remote")).status == 403
    assert (await phone.post(STAGE, {"limit": 60})).status == 200
    hall.clock.time = made["ends_at"] - 1
    assert (await phone.act("stage", ["q1"])).status == 200
    hall.clock.time = made["ends_at"]
    assert (await phone.act("unstage", ["q1"])).status == 403


async def test_a_link_for_the_speaker_that_was_not_used_can_be_revoked(hall: Hall) -> None:
    """Organisers see who made it, for whom and with which role."""
    organiser, moderator = await hall.signed_in("organiser"), await hall.signed_in("moderator", "talk", "Bo")
    made = await (await moderator.post(TALK + "/remote")).json()
    (opened,) = (await organiser.json("/api/v1/people"))["invitations"]
    assert (opened["made_by"], opened["roles"][0]["role"], opened["roles"][0]["until"]) == (
        "Bo",
        "speaker",
        made["ends_at"],
    )
    assert (await organiser.send("DELETE", f"/api/v1/people/invitations/{opened['id']}")).status == 200
    assert (await hall.client().post("/signin/" + made["url"].rpartition("/")[2])).status == 403


async def test_a_speaker_says_that_it_was_answered_aloud_and_nothing_else(hall: Hall) -> None:
    """The words are the program's, in the talk's language; words of their own are refused and nothing changes."""
    await hall.asks()
    phone = await handed(hall, await hall.signed_in("moderator", "talk"))
    await phone.act("stage", ["q1"])
    refused = await phone.act("next", ["q1"], text="Buy this.")
    assert (refused.status, "moderator" in await refused.text()) == (403, True)
    assert (await phone.act("next", ["q1"])).status == 200
    (question,) = (await phone.queue())["questions"]
    assert (question["status"], question["answer"]["text"]) == ("answered", "This was answered aloud during the talk.")


async def test_a_speaker_stages_only_what_was_approved(hall: Hall) -> None:
    """In a session with review what nobody approved is not there for a speaker."""
    await hall.asks()
    await hall.store.save_session(Session("talk", "A talk", language="en", review=True))
    moderator = await hall.signed_in("moderator", "talk")
    phone = await handed(hall, moderator)
    assert (await phone.act("stage", ["q1"])).status == 404
    assert (await phone.queue())["questions"] == []
    await moderator.act("approve", ["q1"])
    assert (await phone.act("stage", ["q1"])).status == 200


async def test_a_speaker_takes_back_their_own_steps_alone(hall: Hall) -> None:
    """Not what a moderator did, nor what somebody of the same name did before."""
    await hall.asks()
    await hall.asks("Slides?", "q2")
    moderator = await hall.signed_in("moderator", "talk", "Dr. Lin")
    theirs = (await (await moderator.act("stage", ["q2"])).json())["action"]
    hall.clock.time += 10
    me = await (await moderator.send("PUT", "/api/v1/account/name", {"name": "Bo"})).json()
    phone = await handed(hall, moderator)
    await phone.send("PUT", "/api/v1/account/name", {"name": "Dr. Lin"})
    assert me["name"] == "Bo"
    assert (await phone.post(TALK + "/undo", {"action": theirs})).status == 403
    assert (await phone.post(TALK + "/undo")).status == 404
    mine = (await (await phone.act("stage", ["q1"])).json())["action"]
    pinned = (await (await moderator.act("pin", ["q1"])).json())["action"]
    assert (await phone.post(TALK + "/undo", {"action": pinned})).status == 403
    assert (await phone.post(TALK + "/undo", {"action": mine})).status in {200, 409}


async def test_a_speaker_shows_and_closes_polls_and_does_not_start_them(hall: Hall) -> None:
    """A draft is not there for a speaker; starting, muting, making and removing stay with moderators."""
    moderator = await hall.signed_in("moderator", "talk")
    made = await (await moderator.post(TALK + "/polls", {"kind": "scale", "title": "How clear?"})).json()
    path = f"{TALK}/polls/{made['id']}"
    phone = await handed(hall, moderator)
    assert [(await phone.post(path + "/actions", {"do": do})).status for do in ("show", "start")] == [404, 403]
    await moderator.post(path + "/actions", {"do": "start"})
    done = [(await phone.post(path + "/actions", {"do": do})).status for do in ("show", "hide", "close", "show")]
    assert done == [200] * 4
    assert (await phone.post(path + "/actions", {"do": "mute", "key": "x"})).status == 403
    assert (await phone.send("DELETE", path)).status == 403
