"""Polls and the pulse over the API: roles, what viewers may not see, limits."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.linking import hashed
from bot.model import Person, PollVote
from tests.bot.web.hall import Browser, Hall

POLLS = "/api/v1/sessions/talk/polls"
PULSE = "/api/v1/sessions/talk/pulse"
CHOICE = {"kind": "single", "title": "Which queue?", "options": ["Redis", "Kafka"]}


async def made(staff: Browser, body: dict[str, Any] = CHOICE, *, start: bool = True, **more: Any) -> str:
    """The id of a new poll, open unless said otherwise."""
    answer = await staff.post(POLLS, {**body, **more})
    assert answer.status == 201, await answer.text()
    id = str((await answer.json())["id"])
    if start:
        assert (await acted(staff, id, "start")).status == 200
    return id


async def acted(staff: Browser, id: str, do: str, **more: Any) -> Any:
    return await staff.post(f"{POLLS}/{id}/actions", {"do": do, **more})


async def voted(viewer: Browser, id: str, *choices: str) -> Any:
    return await viewer.send("PUT", f"{POLLS}/{id}/vote", {"choices": list(choices)})


async def seen(browser: Browser) -> dict[str, Any]:
    """The only poll as somebody sees it."""
    (poll,) = (await browser.json(POLLS))["polls"]
    return dict(poll)


async def test_a_poll_from_the_draft_to_its_result(hall: Hall) -> None:
    """Made by staff, hidden from viewers until it starts, voted in, changed, taken back, closed and open again."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    id = await made(staff, start=False)
    assert (await viewer.json(POLLS))["polls"] == []
    assert (await voted(viewer, id, "1")).status == 404
    await acted(staff, id, "start")
    assert (await seen(viewer))["marks"] == ["1", "2"]
    assert (await (await voted(viewer, id, "1")).json())["result"]["counts"] == [1, 0]
    assert (await (await voted(viewer, id, "2")).json())["result"]["counts"] == [0, 1]
    assert (await viewer.json(POLLS))["mine"] == {id: ["2"]}
    await viewer.send("DELETE", f"{POLLS}/{id}/vote")
    assert (await seen(viewer))["people"] == 0
    await voted(viewer, id, "1")
    await acted(staff, id, "close")
    assert (await voted(viewer, id, "2")).status == 403
    assert (await acted(staff, id, "close")).status == 409
    await staff.post("/api/v1/sessions/talk/undo", {})
    assert (await voted(viewer, id, "2")).status == 200
    assert [row["what"] for row in await staff.json("/api/v1/sessions/talk/actions")][:2] == ["undo", "poll_close"]


async def test_a_draft_is_changed_by_who_saw_it(hall: Hall) -> None:
    """What came in meanwhile is not overwritten; without a word of what was seen the change is made. What is asked
    already may be sent again: its reply was lost."""
    staff = await hall.signed_in("moderator")
    id = await made(staff, start=False)
    other = {**CHOICE, "title": "Which one?"}
    for body, status in (
        ({**other, "seen": CHOICE}, 200),
        ({**other, "seen": CHOICE}, 200),
        ({**CHOICE, "seen": CHOICE}, 409),
        (CHOICE, 200),
    ):
        assert (await staff.send("PUT", f"{POLLS}/{id}", body)).status == status


async def test_a_press_that_comes_late_starts_nothing(hall: Hall) -> None:
    """The speaker pressed on a bad network: what arrives after its time is refused, and the poll stands as it was."""
    staff = await hall.signed_in("moderator")
    id = await made(staff, start=False)
    late = await acted(staff, id, "start", by=hall.clock() - 1)
    assert (late.status, (await seen(staff))["status"]) == (409, "draft")
    assert (await acted(staff, id, "start", by=hall.clock() + 6)).status == 200


@pytest.mark.parametrize("results", ["closed", "staff"])
async def test_a_hidden_result_never_reaches_a_viewer(hall: Hall, results: str) -> None:
    """Neither in the list, nor after voting, nor over the stream; staff sees it all the time."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    id = await made(staff, results=results)
    assert (await (await voted(viewer, id, "1")).json())["result"] is None
    assert (await seen(viewer))["result"] is None
    assert (await seen(staff))["result"]["counts"] == [1, 0]
    assert (await told(viewer, "polls"))["polls"][0]["result"] is None
    assert (await told(staff, "polls"))["polls"][0]["result"]["counts"] == [1, 0]
    await acted(staff, id, "close")
    result = (await told(viewer, "polls"))["polls"][0]["result"]
    assert (result is None) == (results == "staff")


async def told(browser: Browser, topic: str) -> Any:
    """What the stream says of a topic when it opens."""
    async with events(browser, topic) as heard:
        return await heard()


@asynccontextmanager
async def events(browser: Browser, topic: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """A stream that is open; each call waits for what it says next of a topic."""
    answer = await browser.get("/api/v1/sessions/talk/events")

    async def heard() -> Any:
        async with asyncio.timeout(10):
            while (await answer.content.readline()).decode().strip() != f"event: {topic}":
                pass
            return json.loads((await answer.content.readline()).decode().removeprefix("data: "))

    try:
        yield heard
    finally:
        answer.close()


async def test_a_muted_word_is_seen_by_staff_alone(hall: Hall) -> None:
    """It counts no less; unmuted it is back."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    id = await made(staff, {"kind": "words", "title": "In a word?", "most": 3})
    await voted(viewer, id, "Fast", "<b>bad</b>")
    await acted(staff, id, "mute", key="b>bad</b")
    assert [text["text"] for text in (await seen(viewer))["result"]["texts"]] == ["Fast"]
    assert [text["muted"] for text in (await seen(staff))["result"]["texts"]] == [False, True]
    await acted(staff, id, "unmute", key="b>bad</b")
    assert len((await seen(viewer))["result"]["texts"]) == 2
    assert (await acted(staff, id, "mute")).status == 400


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({**CHOICE, "options": [f"o{n}" for n in range(1000)]}, "最多|2 到 20"),
        ({**CHOICE, "options": ["a", "Ａ"]}, "一样"),
        ({**CHOICE, "title": "x" * 9000}, "1 到 300"),
        ({**CHOICE, "options": ["x"] * 5000}, "options"),
        ({"kind": "scale", "title": "?", "low": 9, "high": 2}, "量表"),
        ({"kind": "stars", "title": "?"}, "kind"),
    ],
)
async def test_a_bad_poll_is_refused_with_what_to_do(hall: Hall, body: dict[str, Any], says: str) -> None:
    """In the language of who made it; nothing is made."""
    staff = await hall.signed_in("moderator")
    answer = await staff.post(POLLS, body, headers={"Accept-Language": "zh"})
    assert answer.status == 400
    text = (await answer.json())["error"]
    assert any(part in text for part in says.split("|")), text
    assert (await staff.json(POLLS))["polls"] == []


@pytest.mark.parametrize("choices", [["3"], ["0"], ["1", "2"], ["x"], ["1" * 9000]])
async def test_a_bad_vote_is_refused(hall: Hall, choices: list[str]) -> None:
    """And counts nowhere."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    id = await made(staff)
    assert (await voted(viewer, id, *choices)).status == 400
    assert (await seen(viewer))["people"] == 0


async def test_who_votes_too_fast_waits(hall: Hall) -> None:
    """The limit of votes holds for polls and the pulse as well."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    id = await made(staff)
    statuses = [(await voted(viewer, id, "1")).status for _ in range(60)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


async def test_polls_are_copied_only_from_where_one_is_staff(hall: Hall) -> None:
    """A moderator of one session cannot read the drafts of another."""
    await made(await hall.signed_in("organiser"), start=False)
    both, one = await hall.signed_in("organiser"), await hall.signed_in("moderator", "other")
    path, body = "/api/v1/sessions/other/polls/copies", {"session": "talk"}
    assert (await one.post(path, body)).status == 403
    assert (await both.post(path, body)).status == 200
    assert len((await one.json("/api/v1/sessions/other/polls"))["polls"]) == 1


async def test_the_pulse_is_told_to_staff_alone(hall: Hall) -> None:
    """Viewers know that it is on and no more; one a person and minute counts."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    assert (await viewer.post(PULSE, {"mood": "fast"})).status == 403
    assert (await viewer.send("PUT", PULSE, {"on": True})).status == 403
    assert (await staff.send("PUT", PULSE, {"on": True})).status == 200
    for mood in ("slow", "fast"):
        assert await (await viewer.post(PULSE, {"mood": mood})).json() == {"on": True, "minutes": None}
    minute = int(hall.clock.time // 60)
    assert (await staff.json(PULSE))["minutes"] == [{"minute": minute, "moods": {"fast": 1}}]
    assert await told(viewer, "pulse") == {"on": True, "minutes": None}
    assert (await told(staff, "pulse"))["minutes"][0]["moods"] == {"fast": 1}
    hall.clock.time += 16 * 60
    assert (await staff.json(PULSE))["minutes"] == []


async def test_what_is_typed_into_the_pages_own_field_is_said_to_be_a_vote(hall: Hall) -> None:
    """With the option's words, and a mood by its name; a question is neither."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    await made(staff)
    await staff.send("PUT", PULSE, {"on": True})
    for text, vote, mood in (("b", "Kafka", None), ("too fast", "", "fast"), ("Is B any faster?", "", None)):
        told = await (await viewer.ask(text)).json()
        assert (told["vote"], told["mood"]) == (vote, mood)


async def test_who_unlinks_a_chat_counts_apart_at_once(hall: Hall) -> None:
    """A stream that is open hears of it."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    id = await made(staff)
    await voted(viewer, id, "1")
    chat = Person("bilibili", "b1")
    await hall.store.vote_poll(PollVote(id, chat, ("2",)))
    code = (await (await viewer.post("/api/v1/sessions/talk/me/link")).json())["code"]
    assert await hall.store.link(hashed(code.replace("-", "")), chat, hall.clock())
    async with events(viewer, "polls") as heard:
        assert (await heard())["polls"][0]["people"] == 1
        await viewer.send("DELETE", "/api/v1/sessions/talk/me/link", {"source": "bilibili", "id": "b1"})
        assert (await heard())["polls"][0]["people"] == 2
