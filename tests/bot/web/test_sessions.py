"""Sessions over HTTP."""

from typing import Any

import pytest

from tests.bot.web.hall import Browser, Hall

TALK = "/api/v1/sessions/talk"


async def change(browser: Browser, **body: Any) -> Any:
    answer = await browser.send("PATCH", TALK, body)
    return await answer.json() if answer.status == 200 else (answer.status, (await answer.json())["error"])


async def test_a_moderator_switches_the_modes_while_live(hall: Hall) -> None:
    """Each setting is changed alone and at once, and the ledger says who changed what from what to what."""
    moderator = await hall.signed_in("moderator", "talk", name="Mo")
    changed = await change(moderator, grouping="suggest", review=True)
    assert changed["session"]["abilities"]["grouping"] == "suggest"
    assert (await hall.client().json(TALK))["review"] is True
    (row,) = await moderator.json(f"{TALK}/actions")
    assert (row["who"], row["what"], row["id"]) == ("Mo", "set_up", changed["action"])
    assert row["settings"] == [
        {"name": "grouping", "before": "auto", "after": "suggest"},
        {"name": "review", "before": False, "after": True},
    ]


async def test_what_is_so_already_changes_nothing(hall: Hall) -> None:
    """No act in the ledger, and nothing to take back."""
    moderator = await hall.signed_in("moderator")
    assert (await change(moderator, grouping="auto"))["action"] is None
    assert await moderator.json(f"{TALK}/actions") == []


async def test_a_change_is_taken_back(hall: Hall) -> None:
    """Undo names the act; a second one finds that it was undone."""
    moderator = await hall.signed_in("moderator")
    action = (await change(moderator, answers="off"))["action"]
    assert (await moderator.post(f"{TALK}/undo", {"action": action})).status == 200
    assert (await moderator.json(TALK))["abilities"]["answers"] == "auto"
    assert (await moderator.post(f"{TALK}/undo", {"action": action})).status == 409


async def test_moderators_leave_what_is_the_organisers_alone(hall: Hall) -> None:
    """They set no title, and cannot reach it through undo; then nothing of the request happened."""
    organiser, moderator = await hall.signed_in("organiser"), await hall.signed_in("moderator", "talk")
    before = await moderator.json(TALK)
    status, error = await change(moderator, review=True, title="Mine")
    assert (status, "title" in error) == (403, True)
    assert await moderator.json(TALK) == before
    action = (await change(organiser, title="Another title"))["action"]
    assert (await moderator.post(f"{TALK}/undo", {"action": action})).status == 403
    assert (await moderator.post(f"{TALK}/undo", {})).status == 404
    assert (await organiser.post(f"{TALK}/undo", {})).status == 200
    assert (await moderator.json(TALK))["title"] == before["title"]


async def test_an_organiser_ends_a_talk_and_opens_it_again(hall: Hall) -> None:
    """The end is the moment of the act; ending it twice moves nothing."""
    organiser = await hall.signed_in("organiser")
    assert (await change(organiser, ended=True))["session"]["ended_at"] == hall.clock.time
    hall.clock.time += 60
    assert (await change(organiser, ended=True))["action"] is None
    assert (await change(organiser, ended=False))["session"]["ended_at"] is None


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"title": "x" * 10_000}, "title"),
        ({"title": "\u202e \u0000 "}, "title"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": 1e300}, "starts_at"),
        ({"grouping": "always"}, "grouping"),
        ({"course": "/etc"}, "course"),
        ({"course_of": "nowhere"}, "nowhere"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_its_name(hall: Hall, body: dict[str, Any], names: str) -> None:
    """A novel, no title, no date, an unknown mode, a path: refused, and nothing changed."""
    organiser = await hall.signed_in("organiser")
    before = await organiser.json(TALK)
    status, error = await change(organiser, **body)
    assert status in {400, 404}
    assert names in error
    assert await organiser.json(TALK) == before


async def test_emoji_and_right_to_left_titles_are_titles(hall: Hall) -> None:
    """They are kept as written, without the marks that steer the direction of what stands beside them."""
    organiser = await hall.signed_in("organiser")
    for title in ("🎓👩‍🏫", "مساء الخير", "‏עברית‎"):
        shown = (await change(organiser, title=title))["session"]["title"]
        assert shown == title.replace("\u200f", "").replace("\u200e", "")
