"""Sessions over HTTP."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.accounts import Grant
from bot.storage.sqlite import SqliteStore
from tests.bot.web.hall import Browser, Hall, open_hall

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
        {"name": "review", "before": False, "after": True},
        {"name": "grouping", "before": "auto", "after": "suggest"},
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


async def test_the_ledger_says_what_the_reader_may_take_back(hall: Hall) -> None:
    """What an organiser set is not offered to a moderator, nor what was taken back, nor that a session was opened; of
    the course only that there is one is told, not where it lies."""
    organiser, moderator = await hall.signed_in("organiser"), await hall.signed_in("moderator", "talk")
    await change(organiser, title="Another title")
    review = (await change(moderator, review=True))["action"]
    await moderator.post(f"{TALK}/undo", {"action": review})
    (session,) = [one for one in await hall.store.sessions() if one.id == "talk"]
    await hall.desk.set_up("Org", "talk", {"course": "/srv/secret"})
    assert session.course != "/srv/secret"

    async def rows(browser: Browser) -> list[tuple[str, bool, bool]]:
        return [(row["what"], row["undone"], row["undoable"]) for row in await browser.json(f"{TALK}/actions")]

    done = [("set_up", False), ("undo", False), ("set_up", True), ("set_up", False)]
    assert await rows(organiser) == [(what, undone, at in (0, 3)) for at, (what, undone) in enumerate(done)]
    assert await rows(moderator) == [(what, undone, False) for what, undone in done]
    newest = (await organiser.json(f"{TALK}/actions"))[0]
    assert newest["settings"] == [{"name": "course", "before": bool(session.course), "after": True}]
    made = await organiser.post("/api/v1/sessions", {"title": "Next week", "id": "next-week"})
    assert made.status == 201
    (opened,) = await organiser.json("/api/v1/sessions/next-week/actions")
    assert (opened["what"], opened["undoable"]) == ("open", False)


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


async def made(browser: Browser, **body: Any) -> Any:
    answer = await browser.post("/api/v1/sessions", body)
    found = await answer.json()
    return found if answer.status == 201 else (answer.status, found["field"])


async def test_an_organiser_makes_a_session(hall: Hall) -> None:
    """It is there at once, with what was given, and its ledger says who made it; that is not taken back by undo."""
    organiser = await hall.signed_in("organiser", name="Olga")
    session = await made(organiser, title="Löwen & Kühe", series="autumn", starts_at=hall.clock.time + 60, review=True)
    assert (session["id"], session["series"], session["review"]) == ("lowen-kuhe", "autumn", True)
    assert (await hall.client().get("/s/lowen-kuhe")).status == 200
    (row,) = await organiser.json("/api/v1/sessions/lowen-kuhe/actions")
    assert (row["who"], row["what"]) == ("Olga", "open")
    assert (await organiser.post("/api/v1/sessions/lowen-kuhe/undo", {"action": row["id"]})).status == 403


async def test_a_title_without_latin_letters_takes_the_day_for_its_address(hall: Hall) -> None:
    """Each gets an address of its own, however many there are on that day."""
    organiser = await hall.signed_in("organiser")
    ids = [(await made(organiser, title="🎓 秋季讲座", starts_at=1_800_000_000.0))["id"] for _ in range(3)]
    assert ids[0].startswith("2027-01-15")
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"title": "x" * 10_000}, 400, "title"),
        ({"title": " \n "}, 400, "title"),
        ({}, 400, "title"),
        ({"title": "A", "id": "talk"}, 400, "id"),
        ({"title": "A", "id": "../etc"}, 400, "id"),
        ({"title": "A", "id": "Talk One"}, 400, "id"),
        ({"title": "A", "starts_at": "soon"}, 400, "starts_at"),
        ({"title": "A", "course": "/etc"}, 400, "course"),
        ({"title": "A", "course_of": "nowhere"}, 404, ""),
    ],
)
async def test_a_session_that_cannot_be_is_refused_at_its_field(
    hall: Hall, body: dict[str, Any], status: int, field: str
) -> None:
    """A novel as the title, none, an id that is taken or none at all, a path: named, and nothing was made."""
    organiser = await hall.signed_in("organiser")
    before = await organiser.json("/api/v1/sessions")
    assert await made(organiser, **body) == (status, field)
    assert await organiser.json("/api/v1/sessions") == before


async def test_the_next_evening_is_like_the_last(hall: Hall) -> None:
    """The same series, speaker, course and modes, open again, in the first week that lies ahead."""
    organiser = await hall.signed_in("organiser")
    begins = hall.clock.time - 15 * 86_400
    await change(organiser, series="autumn", speaker="Ann", answers="suggest", ledger=True)
    await change(organiser, starts_at=begins, ended=True)
    answer = await organiser.post(f"{TALK}/duplicate", {})
    assert answer.status == 201
    evening, last = await answer.json(), await organiser.json(TALK)
    assert evening["id"] != "talk"
    assert evening["starts_at"] == begins + 21 * 86_400
    assert evening["ended_at"] is None
    for name in ("title", "series", "speaker", "language", "review", "ledger", "abilities", "course"):
        assert evening[name] == last[name]


async def test_the_next_evening_is_at_the_same_time_of_the_day(store: SqliteStore) -> None:
    """In the zone of the hall, also where its clocks were put back in the week between."""
    berlin = ZoneInfo("Europe/Berlin")
    async with open_hall(store, zone=berlin) as hall:
        organiser = await hall.signed_in("organiser")
        begins, next_begins = (datetime(2026, 10, day, 19, 30, tzinfo=berlin).timestamp() for day in (20, 27))
        await change(organiser, starts_at=begins)
        assert (await (await organiser.post(f"{TALK}/duplicate", {})).json())["starts_at"] == next_begins


async def test_an_organiser_of_one_session_makes_no_others(hall: Hall) -> None:
    """A login for one session reaches no further than that session."""
    here = await hall.signed_in("organiser", "talk")
    assert (await here.post(f"{TALK}/duplicate", {})).status == 403
    assert (await here.post("/api/v1/sessions", {"title": "Mine"})).status == 403


async def test_what_belongs_to_another_talk_is_taken_over_by_its_own_organisers(hall: Hall) -> None:
    """The organiser of one session gets neither the course of another nor into its series, and is told whose it is; who
    organises both gets both, and what is nobody's yet is free."""
    await hall.desk.set_up("Org", "other", {"course": "/srv/course", "series": "spring"})
    here = await hall.signed_in("organiser", "talk")
    before = await here.json(TALK)
    for body, whose in (({"course_of": "other"}, "Another talk"), ({"series": " spring"}, "spring")):
        status, error = await change(here, **body)
        assert (status, whose in error) == (403, True)
    assert await here.json(TALK) == before
    assert (await change(here, series="autumn"))["session"]["series"] == "autumn"
    both = await hall.person(Grant("organiser", "talk"), Grant("organiser", "other"))
    changed = (await change(both, course_of="other", series="spring"))["session"]
    assert (changed["course"], changed["series"]) == (True, "spring")
    assert (await change(here, series="spring"))["action"] is None


async def test_a_source_that_is_not_there_feeds_nothing(hall: Hall) -> None:
    """An unknown source and an unknown session are refused, each with what it is about."""
    organiser = await hall.signed_in("organiser")
    for path, session in (("nowhere", "talk"), ("talk-chat", "nowhere")):
        answer = await organiser.send("PUT", f"/api/v1/sources/{path}", {"session": session})
        assert answer.status == 404
        assert "nowhere" in (await answer.json())["error"]
    assert (await organiser.send("PUT", "/api/v1/sources/talk-chat", {"session": "other"})).status == 200
