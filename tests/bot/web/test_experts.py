"""Experts over the API: nothing is overwritten unseen, nothing is said twice, nothing that was typed is lost."""

from typing import Any

import pytest

from bot.experts import TOPIC
from bot.model import CourseMatch, Placed, Placement
from tests.bot.values import message
from tests.bot.web.hall import Browser, Hall

BASE = "/api/v1/sessions/talk"
TITLE = "Is there a recording?"
OPEN = {"status": "new", "title": TITLE, "answered_at": None}


@pytest.fixture
async def bo(hall: Hall) -> Browser:
    await hall.asks(TITLE)
    await hall.asks(TITLE)
    await hall.asks("Will there be slides?", "q2")
    return await hall.signed_in("expert", "talk", "Bo")


async def answer(browser: Browser, question: str = "q1", **more: Any) -> Any:
    body = {"id": "answer-0001", "text": "Yes, on Friday.", "seen": OPEN, **more}
    return await browser.post(f"{BASE}/questions/{question}/answer", body)


async def shown(browser: Browser, id: str = "q1") -> dict[str, Any]:
    return dict(await browser.json(f"{BASE}/questions/{id}"))


async def draft(browser: Browser, text: str, base: float = 0.0, question: str = "q1", **more: Any) -> Any:
    return await browser.send("PUT", f"{BASE}/questions/{question}/draft", {"text": text, "base": base, **more})


async def done(reply: Any) -> dict[str, int]:
    """What names the act that was done, as taking it back wants it."""
    assert reply.status == 200, await reply.text()
    return {"action": (await reply.json())["action"]}


async def test_an_answer_is_recorded_once_with_its_sources(hall: Hall, bo: Browser) -> None:
    """Sent again under the same id, which a device does that heard no reply, it is the same act; the draft is gone."""
    await draft(bo, "Yes")
    sources = [{"url": "https://example.org/video", "title": "The video"}, {"url": "", "title": ""}]
    first = await answer(bo, references=sources)
    assert first.status == 200, await first.text()
    again = await answer(bo, references=sources)
    assert (await again.json()) == (await first.json())
    found = await shown(bo)
    assert (found["status"], found["answer"]["by"]) == ("answered", "Bo")
    assert found["answer"]["sources"] == ["The video https://example.org/video"]
    assert (await bo.json(f"{BASE}/experts"))["drafts"] == []
    assert len(await hall.store.actions("talk")) == 1


async def test_who_heard_no_reply_is_told_that_it_was_undone(hall: Hall, bo: Browser) -> None:
    """The device sends it again, and a moderator took it back meanwhile: nothing is sent, and the page says what
    stands; under another id it goes."""
    sent = await answer(bo)
    await hall.desk.undo("Ann", "talk", (await sent.json())["action"])
    again = await answer(bo)
    assert (again.status, (await again.json())["now"]["status"]) == (409, "new")
    assert (await shown(bo))["answer"] is None
    assert (await answer(bo, id="answer-0002")).status == 200


async def test_who_is_late_sees_what_stands_and_decides(hall: Hall, bo: Browser) -> None:
    """409 with the answer that is there; then mine is added below it, or put in its place, by both names or mine."""
    ann = await hall.signed_in("expert", "talk", "Ann")
    assert (await answer(ann, text="No.")).status == 200
    late = await answer(bo)
    assert late.status == 409
    body = await late.json()
    assert (body["code"], body["questions"], body["now"]["answer"]["text"]) == ("conflict", ["q1"], "No.")
    assert (await shown(bo))["answer"]["text"] == "No."
    seen = {"status": "answered", "title": TITLE, "answered_at": body["now"]["answer"]["at"]}
    hall.clock.time += 1
    assert (await answer(bo, seen=seen, how="add", id="answer-0002")).status == 200
    found = await shown(bo)
    assert (found["answer"]["text"], found["answer"]["by"]) == ("No.\n\nYes, on Friday.", "Ann, Bo")
    assert (await answer(bo, seen=seen, how="replace", id="answer-0003")).status == 409
    seen["answered_at"] = found["answer"]["at"]
    assert (await answer(bo, seen=seen, how="replace", id="answer-0003")).status == 200
    assert (await shown(bo))["answer"]["by"] == "Bo"


@pytest.mark.parametrize(
    ("do", "more"),
    [("merge", {"into": "q2"}), ("edit", {"title": "Recorded?"}), ("dismiss", {})],
)
async def test_an_answer_to_what_became_something_else_is_not_sent(
    hall: Hall, bo: Browser, do: str, more: dict[str, Any]
) -> None:
    """A merged question is answered in the one that it was merged into, which the refusal names; others as they stand
    now."""
    moderator = await hall.signed_in("moderator", "talk")
    assert (await moderator.act(do, ["q1"], **more)).status == 200
    refused = await answer(bo)
    assert refused.status == 409
    now = (await refused.json())["now"]
    assert now["id"] == more.get("into", "q1")
    seen = {"status": now["status"], "title": now["title"], "answered_at": None}
    assert (await answer(bo, now["id"], seen=seen)).status == 200
    assert (await shown(bo, now["id"]))["answer"]["text"] == "Yes, on Friday."


async def test_that_a_moderator_moves_a_question_along_stops_no_answer(hall: Hall, bo: Browser) -> None:
    """Approved and on stage, it is the question that the expert saw."""
    moderator = await hall.signed_in("moderator", "talk")
    await moderator.act("approve", ["q1"])
    assert (await answer(bo)).status == 200


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"text": " \n "}, "an answer needs 1 to 4,000 characters"),
        ({"text": "x" * 4001}, "this has 4,001"),
        ({"references": [{"url": "example.org"}]}, "this is no link: example.org"),
        ({"references": [{"url": "javascript:alert(1)"}]}, "this is no link"),
        ({"references": [{"url": f"https://a.org/{n}"} for n in range(11)]}, "at most 10 sources"),
        ({"id": "x"}, "id:"),
        ({"how": "shout"}, "how:"),
    ],
)
async def test_what_is_no_answer_is_refused_with_a_clear_word(bo: Browser, more: dict[str, Any], says: str) -> None:
    """Nothing happens, and the draft stays."""
    await draft(bo, "half")
    refused = await answer(bo, **more)
    assert refused.status == 400
    assert says in (await refused.json())["error"]
    assert (await shown(bo))["status"] == "new"
    assert (await bo.json(f"{BASE}/experts"))["drafts"][0]["text"] == "half"


async def test_the_refusals_are_in_chinese_too(bo: Browser) -> None:
    """What the desk says in English is looked up."""
    chinese = {"Accept-Language": "zh"}
    body = {"id": "answer-0001", "text": "", "seen": OPEN}
    refused = await bo.post(f"{BASE}/questions/q1/answer", body, headers=chinese)
    assert (await refused.json())["error"] == "回答应有 1 到 4,000 个字符，现在有 0 个"


async def test_a_draft_is_there_on_another_device_of_the_same_expert_only(hall: Hall, bo: Browser) -> None:
    """Half a link is kept too; colleagues see that there is a draft, and not what it says; viewers hear nothing."""
    kept = await draft(bo, "Yes", references=[{"url": "exa", "title": ""}])
    assert kept.status == 200
    other = await hall.signed_in("expert", "talk", "Bo")
    (found,) = (await other.json(f"{BASE}/experts"))["drafts"]
    assert (found["text"], found["references"]) == ("Yes", [{"url": "exa", "title": ""}])
    ann = await hall.signed_in("expert", "talk", "Ann")
    assert (await ann.json(f"{BASE}/experts"))["drafts"] == []
    async with hall.live.watch("talk") as feed:
        staff, everybody = dict(feed.told(0, staff=True)), dict(feed.told(0, staff=False))
    assert b'"name":"Bo"' in staff[TOPIC]
    assert b"Yes" not in staff[TOPIC]
    assert TOPIC not in everybody


async def test_a_device_that_wrote_on_something_older_learns_what_the_other_wrote(bo: Browser) -> None:
    """Neither text is lost: the refusal carries the other one."""
    first = await (await draft(bo, "Yes")).json()
    second = await (await draft(bo, "Yes, soon", first["at"])).json()
    late = await draft(bo, "Yes, perhaps", first["at"])
    assert late.status == 409
    assert (await late.json())["now"] == second
    assert (await draft(bo, "Yes, perhaps", second["at"])).status == 200
    assert (await draft(bo, "  ", (await bo.json(f"{BASE}/experts"))["drafts"][0]["at"])).status == 200
    assert (await bo.json(f"{BASE}/experts"))["drafts"] == []


async def test_what_is_not_for_somebody_is_seen_by_staff_and_taken_back(hall: Hall, bo: Browser) -> None:
    """Only the one who said it has it put aside."""
    path = f"{BASE}/questions/q1/declined"
    assert (await (await bo.send("PUT", path)).json())["declined"] == ["q1"]
    ann = await hall.signed_in("moderator", "talk", "Ann")
    assert (await ann.json(f"{BASE}/experts"))["declined"] == []
    async with hall.live.watch("talk") as feed:
        assert b'"declined":[{"question":"q1"' in dict(feed.told(0, staff=True))[TOPIC]
    assert (await (await bo.send("DELETE", path)).json())["declined"] == []


async def test_two_questions_are_taken_together_and_apart_again(hall: Hall, bo: Browser) -> None:
    """A merge as a moderator's, with the expert's name; its own undo takes it back. One that was merged meanwhile is
    named with what it is part of."""
    ann = await hall.signed_in("expert", "talk", "Ann")
    merged = await done(await bo.post(f"{BASE}/questions/q1/together", {"into": "q2"}))
    assert (await shown(bo, "q1"))["merged_into"] == "q2"
    late = await ann.post(f"{BASE}/questions/q1/together", {"into": "q2"})
    assert (late.status, (await late.json())["now"]["id"]) == (409, "q2")
    assert (await ann.post(f"{BASE}/experts/undo", merged)).status == 403
    assert (await bo.post(f"{BASE}/experts/undo", merged)).status == 200
    assert (await shown(bo, "q1"))["merged_into"] == ""


async def test_an_answer_is_taken_back_until_it_is_said(hall: Hall, bo: Browser) -> None:
    """Within six seconds; then it stands in chats, and is corrected instead. Where no chat hears it, later too."""
    given = await done(await answer(bo))
    hall.clock.time += 60
    assert (await bo.post(f"{BASE}/experts/undo", given)).status == 200
    await hall.store.receive([message(9, "Slides?")])
    await hall.place("q2")
    seen = {**OPEN, "title": "Will there be slides?"}
    given = await done(await answer(bo, "q2", seen=seen, id="answer-0002"))
    hall.clock.time += 6.5
    late = await bo.post(f"{BASE}/experts/undo", given)
    assert late.status == 409
    assert "correct it" in (await late.json())["error"]
    assert (await bo.post(f"{BASE}/experts/undo", {"action": 999})).status == 403


async def test_a_question_is_shown_with_its_course_and_whom_an_answer_reaches(hall: Hall, bo: Browser) -> None:
    """Every wording, what the course suggests with how sure it is of all of them, and who is left to the page."""
    await hall.store.receive([message(9, "Slides?")])
    (one,) = await hall.store.pending("talk", 9)
    match = CourseMatch("faq.md#slides", 0.42, "suggested", "They are on the site.")
    await hall.store.place("talk", [Placed(Placement(one.id, True, 0.9, "q2", answer=match))])
    hall.live.changed("talk")
    found = await bo.json(f"{BASE}/questions/q2/review")
    assert [each["text"] for each in found["asked"]] == ["Will there be slides?", "Slides?"]
    assert found["course"] == {"source": "faq.md#slides", "score": 0.21, "text": "They are on the site."}
    assert found["hearers"]["people"] == 0
    assert [(each["source"], each["people"]) for each in found["hearers"]["unreached"]] == [
        ("chat", 1),
        ("telegram", 1),
    ]


async def test_a_moderator_asks_the_experts(hall: Hall, bo: Browser) -> None:
    """With a link that works once and for this talk alone; whoever opens it comes to what is open."""
    ann = await hall.signed_in("moderator", "talk", "Ann")
    made = await ann.post(f"{BASE}/experts/invitations", {"name": "Dr. Wu"})
    assert made.status == 201
    token = (await made.json())["link"].rpartition("/")[2]
    wu = hall.client()
    entered = await wu.post(f"/signin/{token}")
    assert entered.headers["Location"] == "/s/talk/experts"
    assert (await wu.get("/s/talk/experts")).status == 200
    assert (await wu.get("/s/other/experts")).status == 403
    assert (await hall.client().post(f"/signin/{token}")).status != 303
    assert (await (await ann.post(f"{BASE}/experts/call")).json()) == {"chats": 0}
    assert (await bo.post(f"{BASE}/experts/invitations", {})).status == 403


async def test_a_question_of_another_session_is_out_of_reach(hall: Hall, bo: Browser) -> None:
    """Every address looks for it in its own session."""
    await hall.asks(question="q9", session="other")
    path = f"{BASE}/questions/q9"
    assert (await bo.get(f"{path}/review")).status == 404
    assert (await draft(bo, "x", question="q9")).status == 404
    assert (await answer(bo, "q9")).status == 404
    assert (await bo.send("PUT", f"{path}/declined")).status == 404
    assert (await bo.post(f"{BASE}/questions/q1/together", {"into": "q9"})).status == 404
