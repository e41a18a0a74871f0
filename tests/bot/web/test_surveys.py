"""Surveys over the API: from the questionnaire that is ready to use to what it brought; roles; bad input."""

from dataclasses import replace
from typing import Any

import pytest

from bot.accounts import Grant
from bot.model import Session
from tests.bot.web.hall import Browser, Hall
from tests.bot.web.test_polls import told

SURVEY = "/api/v1/sessions/talk/survey"
RATING = {"kind": "scale", "title": "How was it?", "ends": ["bad", "good"]}
CHOICE = {"kind": "multiple", "title": "What next?", "options": ["Redis", "Kafka", "K8s"], "most": 2}
TEXT = {"kind": "open", "title": "What was missing?"}


async def results(staff: Browser) -> dict[str, Any]:
    return dict(await staff.json(f"{SURVEY}/results"))


async def saved(staff: Browser, *items: dict[str, Any], **more: Any) -> Any:
    seen = (await results(staff))["tag"]
    body = {"title": "How was the talk?", "items": items or [RATING, CHOICE, TEXT], "seen": seen, **more}
    return await staff.send("PUT", SURVEY, body)


async def does(staff: Browser, do: str) -> Any:
    return await staff.post(f"{SURVEY}/actions", {"do": do})


async def answers(viewer: Browser, item: str, *choices: str) -> Any:
    return await viewer.send("PUT", f"{SURVEY}/answers/{item}", {"choices": list(choices)})


async def opened(staff: Browser, *items: dict[str, Any]) -> list[str]:
    """The ids of the items of a survey that is open now."""
    assert (await saved(staff, *items)).status == 200
    assert (await does(staff, "open")).status == 200
    return [item["id"] for item in (await results(staff))["form"]["items"]]


async def test_a_survey_from_the_draft_to_its_results(hall: Hall) -> None:
    """Hidden while a draft, answered and changed while open, closed to whoever comes late; undo opens it again, and the
    ledger names every act."""
    staff, viewer, other = await hall.signed_in("moderator"), hall.client(), hall.client()
    assert (await results(staff))["status"] == "none"
    assert (await saved(staff)).status == 200
    assert (await viewer.json(SURVEY))["status"] == "none"
    assert (await told(viewer, "survey"))["status"] == "none"
    rating, choice, text = [item["id"] for item in (await results(staff))["form"]["items"]]
    assert (await answers(viewer, rating, "4")).status == 403
    assert (await does(staff, "open")).status == 200
    assert (await does(staff, "open")).status == 409
    assert (await told(viewer, "survey")) | {"closes_at": 0} == {
        "status": "open", "title": "How was the talk?", "closes_at": 0, "items": 3, "people": None,
    }  # fmt: skip
    for said in ("2", "4"):
        assert (await (await answers(viewer, rating, said)).json())["mine"] == {rating: [said]}
    await answers(other, rating, "5")
    await answers(viewer, choice, "1", "3")
    await answers(viewer, text, "More examples")
    await answers(other, text, "more examples!")
    found = await results(staff)
    assert (found["people"], (await told(staff, "survey"))["people"]) == (2, 2)
    rated, chosen, said_ = found["results"]
    assert (rated["item"]["result"]["counts"], rated["rating"]["mean"]) == ([0, 0, 0, 1, 1], 4.5)
    assert chosen["item"]["result"]["counts"] == [1, 0, 1]
    assert [(group["title"], group["people"]) for group in said_["groups"]] == [("More examples", 2)]
    assert found["chats"] == [{"source": "web", "took_part": 0, "answered": 0, "others": 2}]
    assert (await viewer.send("DELETE", f"{SURVEY}/answers/{choice}")).status == 200
    assert choice not in (await viewer.json(SURVEY))["mine"]
    await does(staff, "close")
    assert (await answers(viewer, rating, "1")).status == 403
    assert (await viewer.json(SURVEY))["status"] == "closed"
    await staff.post("/api/v1/sessions/talk/undo", {})
    assert (await answers(viewer, rating, "1")).status == 200
    rows = await staff.json("/api/v1/sessions/talk/actions")
    assert [row["what"] for row in rows] == ["undo", "survey_close", "survey_open", "survey_make"]
    assert rows[1]["polls"] == ["How was the talk?"]


async def test_nothing_says_who_answered_what(hall: Hall) -> None:
    """Not to viewers, who are told no results at all, and not to staff."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    rating, _, text = await opened(staff)
    await answers(viewer, text, "A secret wish")
    await answers(viewer, rating, "1")
    code = (await viewer.json("/api/v1/sessions/talk/mine"))["code"]
    other = hall.client()
    assert "secret" not in str(await other.json(SURVEY)) + str(await told(other, "survey"))
    assert (await other.get(f"{SURVEY}/results")).status == 403
    page = await (await other.get("/s/talk/feedback")).text()
    assert "secret" not in page
    shown = str(await results(staff)) + str(await told(staff, "survey"))
    assert "A secret wish" in shown
    assert code not in shown
    assert "web:" not in shown


@pytest.mark.parametrize(
    ("item", "choices", "says"),
    [
        (0, ["6"], "1 到 5"),
        (0, ["1", "2"], "只选一项"),
        (0, ["🙂"], "1 到 5"),
        (1, ["1", "2", "3"], "1 到 2 项"),
        (2, ["  \u200b "], "先写点什么"),
        (2, ["x" * 1001], "最多 1000"),
        (2, ["novel " * 5000], "choices"),
    ],
)
async def test_a_bad_answer_is_refused(hall: Hall, item: int, choices: list[str], says: str) -> None:
    """With what to do, in the language of who sent it; it counts nowhere. An emoji alone is a text as any."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    ids = await opened(staff)
    body, zh = {"choices": choices}, {"Accept-Language": "zh"}
    answer = await viewer.send("PUT", f"{SURVEY}/answers/{ids[item]}", body, headers=zh)
    assert answer.status == 400
    assert says in (await answer.json())["error"]
    assert (await results(staff))["people"] == 0
    assert (await answers(viewer, ids[2], "🎉")).status == 200
    assert (await results(staff))["results"][2]["groups"][0]["title"] == "🎉"


async def test_what_was_answered_is_not_asked_otherwise(hall: Hall) -> None:
    """After the first answer its options stay; wordings and new items may come. Who has not seen the newest form does
    not overwrite it."""
    staff, viewer = await hall.signed_in("moderator"), hall.client()
    ids = await opened(staff)
    await answers(viewer, ids[1], "1")
    known = [{**body, "id": id} for id, body in zip(ids, [RATING, CHOICE, TEXT], strict=True)]
    refused = await saved(staff, known[0], {**known[1], "options": ["Kafka", "Redis"]}, known[2])
    assert refused.status == 403
    assert "What next?" in (await refused.json())["error"]
    assert (await saved(staff, known[0], known[2])).status == 403
    old = (await results(staff))["tag"]
    assert (await saved(staff, known[1], {**known[0], "title": "How was it really?"}, TEXT)).status == 200
    assert (await saved(staff, RATING, seen=old)).status == 409
    asked = (await viewer.json(SURVEY))["items"]
    assert [item["title"] for item in asked] == ["What next?", "How was it really?", "What was missing?"]
    assert (await viewer.json(SURVEY))["mine"] == {ids[1]: ["1"]}
    assert (await answers(viewer, ids[2], "gone")).status == 404


async def test_an_earlier_survey_is_copied_and_compared(hall: Hall) -> None:
    """Of a session that one may see as staff; its ratings stand beside this evening's where the series is one."""
    staff, viewer = await hall.person(Grant("organiser")), hall.client()
    other = Session("other", "Another talk", series="s", starts_at=1.0)
    await hall.store.save_session(other)
    await hall.store.save_session(Session("talk", "A talk", series="s", starts_at=2.0, language="en"))
    assert (await staff.post(f"{SURVEY}/copies", {"session": "other"})).status == 404
    await staff.post("/api/v1/sessions/other/survey/actions", {"do": "open"})
    (first, *_) = (await viewer.json("/api/v1/sessions/other/survey"))["items"]
    await viewer.send("PUT", f"/api/v1/sessions/other/survey/answers/{first['id']}", {"choices": ["2"]})
    assert (await staff.post(f"{SURVEY}/copies", {"session": "other"})).status == 200
    assert (await results(staff))["form"]["title"] == "今天的讲座怎么样？"
    await does(staff, "open")
    (mine, *_) = (await viewer.json(SURVEY))["items"]
    assert mine["id"] != first["id"]
    await answers(viewer, mine["id"], "5")
    (trend,) = (await results(staff))["trends"]
    assert [(one["session"], one["rating"]["mean"]) for one in trend["evenings"]] == [("other", 2.0), ("talk", 5.0)]
    mod = await hall.person(Grant("moderator", "talk"), name="Mod")
    assert (await mod.post(f"{SURVEY}/copies", {"session": "other"})).status == 403


async def test_a_moderator_sets_that_it_opens_by_itself(hall: Hall) -> None:
    """As a setting of the session, which undo takes back."""
    staff = await hall.signed_in("moderator")
    answer = await staff.send("PATCH", "/api/v1/sessions/talk", {"survey": "at_end"})
    assert (await answer.json())["session"]["survey"] == "at_end"
    await staff.post("/api/v1/sessions/talk/undo", {})
    assert (await staff.json("/api/v1/sessions/talk"))["survey"] == "off"
    session = next(one for one in await hall.store.sessions() if one.id == "talk")
    assert session == replace(session, survey="off")  # type: ignore[arg-type]  # a StrEnum is its text
