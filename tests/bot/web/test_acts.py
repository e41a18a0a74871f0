"""What staff do over the API."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.model import CourseMatch, Likely, Placed, Placement
from knowledge.reasons import Reason, Reasons
from tests.bot.values import message, state
from tests.bot.web.hall import Browser, Hall

BASE = "/api/v1/sessions/talk"


@pytest.fixture
async def moderator(hall: Hall) -> Browser:
    await hall.asks()
    await hall.asks("Will it be recorded?")
    await hall.asks("Will there be slides?", "q2")
    return await hall.signed_in("moderator", "talk", "Mo")


async def shown(browser: Browser, id: str) -> dict[str, Any]:
    return dict(await browser.json(f"{BASE}/questions/{id}"))


async def test_every_act_reaches_the_queue(moderator: Browser) -> None:
    """Each act does what it says, and the ledger names who did it."""
    steps: list[tuple[str, dict[str, Any], str, Any]] = [
        ("approve", {}, "status", "queued"),
        ("edit", {"title": "Recording?"}, "title", "Recording?"),
        ("pin", {}, "pinned", True),
        ("unpin", {}, "pinned", False),
        ("label", {"labels": ["later", "later "]}, "labels", ["later"]),
        ("label", {"labels": []}, "labels", []),
        ("label", {"add": ["a", "b"]}, "labels", ["a", "b"]),
        ("label", {"add": ["c"], "remove": ["a"]}, "labels", ["b", "c"]),
        ("assign", {"name": " Dr. Lin"}, "assigned", "Dr. Lin"),
        ("assign", {"name": ""}, "assigned", ""),
        ("stage", {}, "status", "on_stage"),
        ("unstage", {}, "status", "queued"),
        ("answer", {"text": "Yes.", "sources": ["slides"]}, "status", "answered"),
        ("reopen", {}, "status", "queued"),
        ("dismiss", {"reason": "said already"}, "reason", "said already"),
    ]
    for do, more, field, value in steps:
        answer = await moderator.act(do, ["q1"], **more)
        assert answer.status == 200, (do, await answer.text())
        assert (await shown(moderator, "q1"))[field] == value, do
    ledger = await moderator.json(f"{BASE}/actions")
    assert [row["what"] for row in ledger] == [do for do, *_ in reversed(steps)]
    assert {row["who"] for row in ledger} == {"Mo"}
    assert all(row["questions"] == ["q1"] and not row["undone"] for row in ledger)


async def test_what_is_likely_the_same_is_told_to_staff(moderator: Browser, hall: Hall) -> None:
    """For the question as a whole, and for some of its wordings; a number that is none, a wording of another question,
    and a question that is not there, are errors."""
    hall.same["q1",] = [Likely("q2", 0.8), Likely("q3", 0.1)]
    path, wording = f"{BASE}/questions/q1/likely", (await hall.store.asked("q1"))[0].message.id
    hall.same["q1", wording] = [Likely("q3", 0.6)]
    whole, some = await moderator.json(path), await moderator.json(f"{path}?message={wording}")
    assert whole == [{"question": "q2", "likelihood": 0.8}, {"question": "q3", "likelihood": 0.1}]
    assert some == [{"question": "q3", "likelihood": 0.6}]
    wrong, others = (
        await moderator.get(f"{path}?message=x"),
        await moderator.get(f"{path}?message={wording}&message=999"),
    )
    gone = await moderator.get(f"{BASE}/questions/q99/likely")
    assert (wrong.status, others.status, gone.status) == (400, 404, 404)
    assert "message" in (await wrong.json())["error"]


async def test_merge_and_undo(moderator: Browser) -> None:
    """A merge shows in the winner's demand; undo, by number or the newest, takes it back, says what stands where again,
    and is marked."""
    merged = await (await moderator.act("merge", ["q2"], into="q1")).json()
    assert (await shown(moderator, "q1"))["people"] == 3
    assert (await shown(moderator, "q2"))["merged_into"] == "q1"
    back = await moderator.post(f"{BASE}/undo", {"action": merged["action"]})
    assert (await back.json())["questions"] == {"q2": "new"}
    assert (await shown(moderator, "q1"))["people"] == 2
    assert [row["undone"] for row in await moderator.json(f"{BASE}/actions") if row["what"] == "merge"] == [True]
    await moderator.act("pin", ["q1"])
    assert (await moderator.post(f"{BASE}/undo")).status == 200
    assert not (await shown(moderator, "q1"))["pinned"]


async def test_a_suggested_merge_can_be_refused(hall: Hall, moderator: Browser) -> None:
    """The suggestion is gone on both sides, undo brings it back, and an expert may not refuse."""
    await hall.store.receive([message(9, "Slides?", session="talk", source="chat")])
    (one,) = await hall.store.pending("talk", 9)
    placement = Placement(one.id, True, 0.9, "q9", 0.4, "q2")
    await hall.store.place("talk", [Placed(placement, founds=state("q9"))])
    assert (await shown(moderator, "q9"))["suggested_merge"] == [{"question": "q2", "likelihood": 0.4}]
    expert = await hall.signed_in("expert", "talk")
    assert (await expert.act("apart", ["q9"], into="q2")).status == 403
    assert (await moderator.act("apart", ["q9"], into="q2")).status == 200
    assert (await shown(moderator, "q9"))["suggested_merge"] == []
    assert (await moderator.post(f"{BASE}/undo")).status == 200
    assert (await shown(moderator, "q9"))["suggested_merge"] == [{"question": "q2", "likelihood": 0.4}]


async def test_a_wording_says_why_it_is_where_it_is(hall: Hall, moderator: Browser) -> None:
    """Each of the three decisions has its reasons as codes with numbers, and in both languages."""
    match = CourseMatch("faq#1", 0.7, "suggested", "See page 3.")
    reasons = Reasons((Reason("meaning", 2.0),), (Reason("kinds", 0.2, None, "where"),), (Reason("said", -1.0, 0.1),))
    await hall.store.receive([message(9, "Slides?", source="chat")])
    (one,) = await hall.store.pending("talk", 9)
    placement = Placement(one.id, True, 0.9, "q2", 0.8, None, match, reasons, "q2", joins=True)
    await hall.store.place("talk", [Placed(placement)])
    told = (await shown(moderator, "q2"))["asked"][-1]
    assert (told["probability"], told["similarity"], told["doubtful"], told["answer"]) == (0.9, 0.8, False, 0.7)
    assert told["reasons"]["grouping"] == [
        {
            "code": "kinds",
            "weight": 0.2,
            "value": None,
            "detail": "where",
            "text": {"zh": "都在问“在哪里”", "en": "both ask where"},
        }
    ]
    assert told["reasons"]["answer"][0]["text"]["en"] == "not near to what is said there"


@pytest.mark.parametrize("what", ["move", "split", "merge"])
async def test_a_wording_that_a_moderator_put_elsewhere_says_that_and_no_more_of_where_it_was(
    hall: Hall, moderator: Browser, what: str
) -> None:
    """Neither how near it was to the group that it left nor why it had joined that; what made it a question stays, and
    undo brings all back."""
    reasons = Reasons((Reason("meaning", 2.0),), (Reason("cosine", 2.0, 0.8),))
    await hall.store.receive([message(9, "Slides?", source="chat")])
    (one,) = await hall.store.pending("talk", 9)
    placement = Placement(one.id, True, 0.9, "q2", 0.8, None, None, reasons, "q2", joins=True)
    await hall.store.place("talk", [Placed(placement)])
    named = {"move": {"messages": [one.id], "into": "q1"}, "split": {"messages": [one.id]}, "merge": {"into": "q1"}}
    assert (await moderator.act(what, ["q2"], **named[what])).status == 200

    async def told() -> tuple[float | None, list[str], list[str]]:
        listed = (await moderator.queue())["questions"]
        asked = [a for q in listed if q["status"] != "merged" for a in (await shown(moderator, q["id"]))["asked"]]
        (found,) = [a for a in asked if a["message"] == one.id]
        codes = {part: [reason["code"] for reason in found["reasons"][part]] for part in ("asking", "grouping")}
        return found["similarity"], codes["asking"], codes["grouping"]

    assert await told() == (None, ["meaning"], ["put"])
    assert (await moderator.post(f"{BASE}/undo")).status == 200
    assert await told() == (0.8, ["meaning"], ["cosine"])


async def test_a_doubtful_wording_that_a_moderator_confirms_is_doubtful_no_longer(
    hall: Hall, moderator: Browser
) -> None:
    """It says who put an end to the doubt in the place of how near it was; whose it is not, and what was confirmed
    before, are refused, experts too, and undo brings the doubt back."""
    reasons = Reasons((Reason("meaning", 2.0),), (Reason("cosine", 2.0, 0.8),))
    await hall.store.receive([message(9, "Slides?", source="chat")])
    (one,) = await hall.store.pending("talk", 9)
    placement = Placement(one.id, True, 0.9, "q2", 0.3, None, None, reasons, "q2", joins=True)
    await hall.store.place("talk", [Placed(placement)])

    async def told() -> tuple[int, float | None, bool, list[str]]:
        question = await shown(moderator, "q2")
        (found,) = [a for a in question["asked"] if a["message"] == one.id]
        codes = [reason["code"] for reason in found["reasons"]["grouping"]]
        return question["doubtful"], found["similarity"], found["doubtful"], codes

    assert await told() == (1, 0.3, True, ["cosine"])
    expert = await hall.signed_in("expert", "talk")
    assert (await expert.act("confirm", ["q2"], messages=[one.id])).status == 403
    assert (await moderator.act("confirm", ["q1"], messages=[one.id])).status == 404
    assert (await moderator.act("confirm", ["q2"])).status == 400
    assert (await moderator.act("confirm", ["q2"], messages=[one.id])).status == 200
    assert await told() == (0, None, False, ["confirmed"])
    assert (await moderator.act("confirm", ["q2"], messages=[one.id])).status == 409
    assert (await moderator.post(f"{BASE}/undo")).status == 200
    assert await told() == (1, 0.3, True, ["cosine"])


async def test_a_wording_that_asks_nothing_goes_out_of_the_queue(hall: Hall, moderator: Browser) -> None:
    """It stands among the lines that ask nothing, last and with who says so, for its author too, and may be taken for a
    question again; undo puts it back. Refused: none, another question's, experts."""
    reasons = Reasons((Reason("meaning", 2.0),))
    notice, cheer = message(8, "The sound is back", "u8"), message(9, "bravo", "u9")
    await hall.store.receive([notice, cheer])
    one, line = await hall.store.pending("talk", 9)
    placement = Placement(one.id, True, 0.9, "q2", 0.3, None, None, reasons, "q2", joins=True)
    await hall.store.place("talk", [Placed(placement), Placed(Placement(line.id, False, 0.3, reasons=reasons))])
    people = (await shown(moderator, "q2"))["people"]

    async def told() -> list[tuple[str, str, list[str]]]:
        lines = await moderator.json(f"{BASE}/lines")
        return [(one["text"], one["state"], [r["code"] for r in one["reasons"]["asking"]]) for one in lines]

    expert = await hall.signed_in("expert", "talk")
    for refused, who, question, messages in (
        (403, expert, "q2", [one.id]),
        (404, moderator, "q1", [one.id]),
        (400, moderator, "q2", []),
    ):
        assert (await who.act("not_asking", [question], messages=messages)).status == refused
    assert (await moderator.act("not_asking", ["q2"], messages=[one.id])).status == 200
    found = await shown(moderator, "q2")
    assert (found["doubtful"], found["people"]) == (0, people - 1)
    assert one.id not in [asked["message"] for asked in found["asked"]]
    assert await told() == [("bravo", "not_asking", ["meaning"]), (notice.text, "not_asking", ["told_nothing"])]
    assert (await moderator.json(f"{BASE}/lines"))[1]["reasons"]["grouping"] == []
    (row, *_) = await moderator.json(f"{BASE}/actions?question=q2")
    assert (row["what"], row["questions"], found["last"]["what"]) == ("not_asking", ["q2"], "not_asking")
    assert row["wordings"] == [notice.text]
    assert [asked.question for asked in await hall.store.asked_by("talk", one.person)] == [""]
    assert (await moderator.act("not_asking", ["q2"], messages=[one.id])).status == 404
    assert (await moderator.post(f"{BASE}/undo")).status == 200
    assert (await shown(moderator, "q2"))["people"] == people
    assert (await moderator.act("not_asking", ["q2"], messages=[one.id])).status == 200
    assert (await moderator.post(f"{BASE}/lines", {"message": one.id})).status == 200
    assert [found.text for found in await hall.store.pending("talk", 9)] == [notice.text]
    assert [text for text, *_ in await told()] == ["bravo"]


async def test_with_its_last_wording_a_question_leaves_the_board(hall: Hall, moderator: Browser) -> None:
    """The history still says so, and undo brings it back; so it does where a line was taken for it."""
    whole = await shown(moderator, "q2")
    every = [asked["message"] for asked in whole["asked"]]
    assert (await moderator.act("not_asking", ["q2"], messages=every)).status == 200
    assert (await moderator.get(f"{BASE}/questions/q2")).status == 404
    assert [one["id"] for one in (await moderator.queue())["questions"]] == ["q1"]
    (row, *_) = await moderator.json(f"{BASE}/actions")
    assert (row["what"], row["questions"], row["undoable"]) == ("not_asking", ["q2"], True)
    undone = await moderator.post(f"{BASE}/undo")
    assert (await undone.json())["questions"] == {"q2": whole["status"]}
    assert (await shown(moderator, "q2"))["asked"] == whole["asked"]
    await hall.store.receive([message(9, "louder", "u9")])
    (waiting,) = await hall.store.pending("talk", 9)
    await hall.store.place("talk", [Placed(Placement(waiting.id, False, 0.3))])
    await moderator.post(f"{BASE}/lines", {"message": waiting.id})
    await hall.store.place("talk", [Placed(Placement(waiting.id, True, 1.0, "q9"), founds=state("q9"))])
    (row, *_) = await moderator.json(f"{BASE}/actions")
    assert (row["what"], row["undoable"], row["wordings"]) == ("take", True, ["louder"])
    assert (await moderator.post(f"{BASE}/undo")).status == 200
    assert (await moderator.get(f"{BASE}/questions/q9")).status == 404
    assert [one["text"] for one in await moderator.json(f"{BASE}/lines")] == ["louder"]


async def test_split_and_move_wordings(moderator: Browser) -> None:
    """A wording becomes a question of its own, or goes to another one."""
    first, second = (await shown(moderator, "q1"))["asked"]
    assert (second["text"], second["source"], second["state"]) == ("Will it be recorded?", "chat", "asking")
    assert (await moderator.act("move", ["q1"], messages=[second["message"]], into="q2")).status == 200
    assert [a["message"] for a in (await shown(moderator, "q1"))["asked"]] == [first["message"]]
    assert second["message"] in [a["message"] for a in (await shown(moderator, "q2"))["asked"]]
    assert (await moderator.act("split", ["q2"], messages=[second["message"]])).status == 200
    assert len((await moderator.queue())["questions"]) == 3


async def test_a_line_that_was_missed_becomes_a_question(hall: Hall, moderator: Browser) -> None:
    """Moderators see what was taken for no question, with its chance and why, and take one for a question once."""
    await hall.store.receive([message(0, "louder please", external_id="m9")])
    (line,) = await hall.store.pending("talk", 9)
    reasons = Reasons((Reason("cheap", -2.0),))
    await hall.store.place("talk", [Placed(Placement(line.id, False, 0.3, reasons=reasons))])
    (shown,) = await moderator.json(f"{BASE}/lines")
    assert (shown["message"], shown["text"], shown["probability"]) == (line.id, "louder please", 0.3)
    assert [one["weight"] for one in shown["reasons"]["asking"]] == [-2.0]
    assert (await hall.client().get(f"{BASE}/lines")).status == 403
    took = await moderator.post(f"{BASE}/lines", {"message": line.id})
    assert took.status == 200, await took.text()
    assert await moderator.json(f"{BASE}/lines") == []
    assert [one.text for one in await hall.store.pending("talk", 9)] == ["louder please"]
    assert (await moderator.post(f"{BASE}/lines", {"message": line.id})).status == 409
    (row, *_) = await moderator.json(f"{BASE}/actions")
    assert (row["what"], row["who"], row["questions"]) == ("take", "Mo", [])
    for which in ({"action": row["id"]}, {}):  # while it waits to be placed, and nothing older instead
        undone = await moderator.post(f"{BASE}/undo", which)
        assert undone.status == 409, await undone.text()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"do": "explode", "questions": ["q1"]}, 400),
        ({"do": "approve", "questions": []}, 400),
        ({"do": "approve"}, 400),
        ({"do": "edit", "questions": ["q1"]}, 400),
        ({"do": "edit", "questions": ["q1"], "title": "\u0007"}, 400),
        ({"do": "edit", "questions": ["q1", "q2"], "title": "a"}, 400),
        ({"do": "merge", "questions": ["q1"]}, 400),
        ({"do": "merge", "questions": ["q1"], "into": "q1"}, 400),
        ({"do": "apart", "questions": ["q1"]}, 400),
        ({"do": "apart", "questions": ["q1"], "into": "q1"}, 400),
        ({"do": "move", "questions": ["q1"], "messages": [1, 2], "into": "q2"}, 403),
        ({"do": "move", "questions": ["q1"], "messages": [999], "into": "q2"}, 404),
        ({"do": "split", "questions": ["q1"], "messages": [2**63]}, 400),
        ({"do": "label", "questions": ["q1"]}, 400),
        ({"do": "label", "questions": ["q1", "q2"], "labels": ["a"]}, 400),
        ({"do": "label", "questions": ["q1"], "labels": ["a"], "add": ["b"]}, 400),
        ({"do": "assign", "questions": ["q1"]}, 400),
        ({"do": "assign", "questions": ["q1"], "name": "x" * 100}, 400),
        ({"do": "approve", "questions": ["q1"], "seen": {"q1": {"status": "queued"}}}, 409),
        ({"do": "approve", "questions": ["q1"], "seen": {"q9": {}}}, 404),
        ({"do": "accept", "questions": ["q1"]}, 403),
        ({"do": "approve", "questions": ["none"]}, 404),
        ({"do": "approve", "questions": ["q1"], "unknown": 1}, 400),
    ],
)
async def test_an_act_that_cannot_be_done_says_why(moderator: Browser, body: dict[str, Any], status: int) -> None:
    """Missing, unknown and impossible things change nothing and are told apart."""
    before = await moderator.queue()
    answer = await moderator.post(f"{BASE}/actions", body)
    assert answer.status == status, await answer.text()
    assert (await answer.json())["error"]
    assert await moderator.queue() == before


async def test_doing_it_twice_is_a_conflict(moderator: Browser) -> None:
    """Two moderators with the same click: the second one is told."""
    assert (await moderator.act("approve", ["q1"])).status == 200
    again = await moderator.act("approve", ["q1"])
    assert (again.status, (await again.json())["code"]) == (409, "conflict")


async def test_a_moderator_cannot_reach_into_another_session(hall: Hall, moderator: Browser) -> None:
    """Questions of another session are not there: not as a target, not as a source, not to read."""
    await hall.asks("Elsewhere?", "q9", session="other")
    assert (await moderator.get(f"{BASE}/questions/q9")).status == 404
    assert (await moderator.act("approve", ["q9"])).status == 404
    assert (await moderator.act("merge", ["q1"], into="q9")).status == 404
    assert (await moderator.post("/api/v1/sessions/other/actions", {"do": "pin", "questions": ["q9"]})).status == 403
    organiser = await hall.signed_in("organiser")
    pinned = await organiser.post("/api/v1/sessions/other/actions", {"do": "pin", "questions": ["q9"]})
    action = (await pinned.json())["action"]
    assert (await moderator.post(f"{BASE}/undo", {"action": action})).status == 404


async def test_nobody_overwrites_what_they_have_not_seen(hall: Hall, moderator: Browser) -> None:
    """An act that says how the question stood is refused where that is over, and goes through where it still is so."""
    colleague = await hall.signed_in("moderator", "talk", "Bo")
    title = (await shown(moderator, "q1"))["title"]
    assert (await colleague.act("edit", ["q1"], title="Recording?")).status == 200
    refused = await moderator.act("edit", ["q1"], title="Is it recorded?", seen={"q1": {"title": title}})
    assert (refused.status, (await refused.json())["code"]) == (409, "conflict")
    assert (await shown(moderator, "q1"))["title"] == "Recording?"
    unheard = {"q1": {"status": "new"}}
    assert (await colleague.act("answer", ["q1"], text="Yes.", seen=unheard)).status == 200
    assert (await moderator.act("answer", ["q1"], text="No.", seen=unheard)).status == 409
    answered = (await shown(moderator, "q1"))["answer"]
    again = {"q1": {"status": "answered", "answered_at": answered["at"]}}
    hall.clock.time += 1
    assert (await moderator.act("answer", ["q1"], text="Yes, from noon.", seen=again)).status == 200
    assert (await colleague.act("answer", ["q1"], text="No.", seen=again)).status == 409
    ledger = await moderator.json(f"{BASE}/actions?question=q1")
    assert [(row["who"], row["what"]) for row in ledger] == [("Mo", "answer"), ("Bo", "answer"), ("Bo", "edit")]
    assert await moderator.json(f"{BASE}/actions?question=q2") == []


async def test_of_two_who_act_at_once_one_is_told(hall: Hall, moderator: Browser) -> None:
    """Both saw a new question and decide at the same moment: one decision stands, the other is a conflict."""
    colleague = await hall.signed_in("moderator", "talk", "Bo")
    seen = {"q1": {"status": "new"}}
    answers = await asyncio.gather(
        moderator.act("dismiss", ["q1"], seen=seen), colleague.act("stage", ["q1"], seen=seen)
    )
    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_of_two_who_stage_different_questions_the_second_is_told(hall: Hall, moderator: Browser) -> None:
    """The second is refused with the question that is on stage by now, and goes ahead once they have seen it. A stage
    that was emptied meanwhile is free, and who sends nothing of what they saw has the last word."""
    colleague = await hall.signed_in("moderator", "talk", "Bo")
    seen: dict[str, Any] = {"q1": {"status": "new"}, "q2": {"status": "new"}}
    assert (await colleague.act("stage", ["q2"], seen={"q2": seen["q2"]})).status == 200
    refused = await moderator.act("stage", ["q1"], seen={"q1": seen["q1"]})
    assert (refused.status, (await refused.json())["questions"]) == (409, ["q2"])
    assert (await shown(moderator, "q2"))["status"] == "on_stage"
    knows = {"q1": seen["q1"], "q2": {"status": "on_stage"}}
    assert (await moderator.act("stage", ["q1"], seen=knows)).status == 200
    assert ((await shown(moderator, "q1"))["status"], (await shown(moderator, "q2"))["status"]) == (
        "on_stage",
        "queued",
    )
    await colleague.act("unstage", ["q1"])
    knows = {"q2": {"status": "queued"}, "q1": {"status": "on_stage"}}
    assert (await moderator.act("stage", ["q2"], seen=knows)).status == 200
    assert (await colleague.act("stage", ["q1"])).status == 200


async def test_an_expert_reads_who_changed_a_question(hall: Hall, moderator: Browser) -> None:
    """The last act on a question comes with it, by name; the whole ledger stays with moderators."""
    expert = await hall.signed_in("expert", "talk", "Ex")
    assert (await shown(expert, "q1"))["last"] is None
    await moderator.act("approve", ["q1"])
    await moderator.act("pin", ["q1", "q2"])
    last = (await shown(expert, "q1"))["last"]
    assert (last["who"], last["what"], last["at"]) == ("Mo", "pin", hall.clock.time)
    assert (await expert.get(f"{BASE}/actions")).status == 403


async def test_the_asker_reads_why_and_the_public_ledger_says_it(hall: Hall, moderator: Browser) -> None:
    """A reason reaches the asker's own list only where the moderator lets it; the public ledger is there only where the
    session shows it, names nobody, and keeps words that were not released."""
    asker = hall.client()
    await asker.ask("Who is that in the first row?")
    await hall.place("q3")

    async def reason() -> Any:
        (mine,) = (await asker.json(f"{BASE}/mine"))["messages"]
        assert mine["state"] == "dismissed"
        return mine["reason"]

    await moderator.act("dismiss", ["q3"], reason="a private matter")
    assert await reason() == ""
    assert (await asker.get(f"{BASE}/ledger")).status == 404
    (session,) = [one for one in await hall.store.sessions() if one.id == "talk"]
    await hall.store.save_session(replace(session, ledger=True))
    (row,) = await asker.json(f"{BASE}/ledger")
    assert row == {"at": hall.clock.time, "title": "", "reason": "", "people": 1}
    await moderator.act("reopen", ["q3"])
    assert await asker.json(f"{BASE}/ledger") == []
    await moderator.act("dismiss", ["q3"], reason="a private matter", shown=True)
    assert await reason() == "a private matter"
    (row,) = await asker.json(f"{BASE}/ledger")
    assert (row["title"], row["reason"]) == ("Who is that in the first row?", "a private matter")
    assert set(row) == {"at", "title", "reason", "people"}
