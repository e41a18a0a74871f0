"""What viewers do over the API."""

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import StoreError
from bot.model import CourseMatch, Preview, Session
from tests.bot.web.hall import Hall


async def test_asking_is_durable_and_idempotent(hall: Hall) -> None:
    """The same client id twice is one message, and the answer names it and the code to follow it."""
    viewer = hall.client()
    first = await viewer.ask("Is there a recording?", id="one", name="Ann")
    again = await viewer.ask("Is there a recording?", id="one", name="Ann")
    assert (first.status, again.status) == (202, 202)
    assert (await first.json()) == (await again.json())
    [(message, _)] = await hall.store.placements("talk")
    assert (message.text, message.author_name, message.source) == ("Is there a recording?", "Ann", "web")
    assert message.explicit
    assert message.external_id == f"{message.author}:one"
    assert message.address is not None
    assert (message.address.connector, message.address.chat, message.address.user) == ("web", "talk", message.author)


async def test_an_asker_follows_what_becomes_of_the_question(hall: Hall) -> None:
    """A message goes from received to its question's status, and its answer comes with it."""
    viewer, moderator = hall.client(), await hall.signed_in("moderator")
    await viewer.ask("Is there a recording?", id="one")
    path = "/api/v1/sessions/talk/mine"
    assert [m["state"] for m in (await viewer.json(path))["messages"]] == ["received"]
    await hall.place("q1")
    [message] = (await viewer.json(path))["messages"]
    assert (message["state"], message["question"]["id"], message["answer"]) == ("new", "q1", None)
    await moderator.act("answer", ["q1"], text="Yes, tomorrow.", sources=["https://example.org"])
    [message] = (await viewer.json(path))["messages"]
    assert message["state"] == "answered"
    assert (message["answer"]["text"], message["answer"]["by"]) == ("Yes, tomorrow.", "Mo")


async def test_an_asker_of_two_things_follows_both(hall: Hall) -> None:
    """The parts of one message are two of mine, with the message's id, each with its own words and state."""
    viewer = hall.client()
    asked = await (await viewer.ask("Is there a recording?", id="one")).json()
    (whole,) = await hall.store.pending("talk", 9)
    await hall.store.receive([replace(whole, external_id=f"{whole.author}:two", part=part) for part in (1, 2)])
    await hall.place("q1")
    mine = (await viewer.json("/api/v1/sessions/talk/mine"))["messages"]
    assert [(m["id"], m["part"]) for m in mine] == [
        (asked["message"], 1),
        *[(f"{whole.author}:two", n) for n in (1, 2)],
    ]
    assert {m["state"] for m in mine} == {"new"}


@pytest.mark.parametrize("text", ["", "   \n", "\u0000\u0007\u202e"])
async def test_an_empty_question_is_refused(hall: Hall, text: str) -> None:
    """Nothing, blanks, and nothing but control characters are no question."""
    answer = await hall.client().ask(text)
    assert (answer.status, (await answer.json())["code"]) == (400, "bad_input")


async def test_a_text_may_have_two_thousand_characters(hall: Hall) -> None:
    """2,000 characters are taken in full, whatever script; one more is refused with how many there are."""
    viewer = hall.client()
    assert (await viewer.ask("问" * 2000)).status == 202
    answer = await viewer.ask("问" * 2001)
    assert answer.status == 400
    assert "2,001" in (await answer.json())["error"]


async def test_control_characters_are_taken_out(hall: Hall) -> None:
    """Control characters and direction overrides vanish; line breaks, emoji and their joiners stay."""
    await hall.client().ask("a\u0000b\u202ec\r\nd 👩‍🔬 e\u0301", name="A\nn\u0007n")
    [(message, _)] = await hall.store.placements("talk")
    assert message.text == "abc\nd 👩‍🔬 e\u0301"
    assert message.author_name == "A nn"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"text": 1}', b'{"txet": "a"}', b'{"text": "\\ud800"}', b"[" * 100_000, b'{"text": null}'],
)
async def test_what_is_no_proper_body_is_refused(hall: Hall, body: bytes) -> None:
    """Broken, nested or misspelt JSON gets a 400 that says where."""
    answer = await hall.client().client.post(
        "/api/v1/sessions/talk/messages",
        data=body,
        headers={"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"},
    )
    assert (answer.status, (await answer.json())["code"]) == (400, "bad_input")


async def test_a_large_body_is_refused(hall: Hall) -> None:
    """More than 256 KiB is 413, on the API and on hooks."""
    viewer = hall.client()
    assert (await viewer.ask("a" * 300_000)).status == 413
    answer = await viewer.client.post("/in/echo", data=b"a" * 300_000)
    assert answer.status == 413


async def test_a_body_that_is_no_json_is_refused(hall: Hall) -> None:
    """A form, which any other site could send, is 415."""
    answer = await hall.client().client.post(
        "/api/v1/sessions/talk/messages", data={"text": "a"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status == 415


async def test_who_asks_too_fast_is_slowed_down_and_nobody_else(hall: Hall) -> None:
    """After a burst one participant gets 429 with the seconds to wait, may go on then, and others never notice."""
    hasty, calm = hall.client(), hall.client()
    statuses = [(await hasty.ask(f"Question {n}?")).status for n in range(12)]
    assert statuses == [202] * 10 + [429] * 2
    refused = await hasty.ask("Now?")
    assert (await refused.json())["code"] == "too_fast"
    assert (await calm.ask("May I?")).status == 202
    hall.clock.time += int(refused.headers["Retry-After"])
    assert (await hasty.ask("Now?")).status == 202


async def test_a_store_that_cannot_write_is_said_so(hall: Hall) -> None:
    """A failed commit is 503 with Retry-After, never a 2xx, and the retry with the same id goes through."""
    viewer = hall.client()
    hall.full = True
    answer = await viewer.ask("Is there a recording?", id="one")
    assert (answer.status, (await answer.json())["code"]) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert await hall.store.placements("talk") == []
    hall.full = False
    assert (await viewer.ask("Is there a recording?", id="one")).status == 202


async def test_one_person_has_one_vote(hall: Hall) -> None:
    """Voting twice counts once, taking it back counts nothing, and it shows among one's own votes."""
    await hall.asks()
    viewer, path = hall.client(), "/api/v1/sessions/talk/questions/q1/vote"
    for _ in range(2):
        voted = await viewer.send("PUT", path)
        assert (voted.status, (await voted.json())["people"]) == (200, 2)
    assert (await viewer.json("/api/v1/sessions/talk/mine"))["votes"] == ["q1"]
    assert (await (await viewer.send("DELETE", path)).json())["people"] == 1
    assert (await viewer.queue())["questions"][0]["votes"] == 0


async def test_who_was_sent_an_answer_does_not_wait(hall: Hall) -> None:
    """Three asked, the course answered two of them: everybody sees that one waits."""
    sent = CourseMatch("faq#1", 0.97, "sent", "On the course page.")
    for answer in (sent, sent, replace(sent, state="suggested")):
        await hall.asks(answer=answer)
    (question,) = (await hall.client().queue())["questions"]
    assert (question["people"], question["waiting"]) == (3, 1)


async def test_a_vote_for_a_merged_question_counts_for_its_group(hall: Hall) -> None:
    """Whoever still sees the old question votes for the one it became."""
    await hall.asks()
    await hall.asks("Will it be recorded?", "q2")
    await (await hall.signed_in("moderator")).act("merge", ["q2"], into="q1")
    voted = await hall.client().send("PUT", "/api/v1/sessions/talk/questions/q2/vote")
    assert ((await voted.json())["id"], (await voted.json())["people"]) == ("q1", 3)


async def test_viewers_see_only_what_they_may(hall: Hall) -> None:
    """A dismissed question comes as gone, never again from the start, and staff's fields are not shown."""
    await hall.asks()
    await hall.asks("Rude?", "q2")
    viewer, moderator = hall.client(), await hall.signed_in("moderator")
    before = await viewer.queue()
    assert {q["id"] for q in before["questions"]} == {"q1", "q2"}
    assert not {"original", "reason", "suggested_answer"} & set(before["questions"][0])
    await moderator.act("dismiss", ["q2"], reason="rude")
    after = await viewer.queue(before["revision"])
    assert after["questions"] == [{"id": "q2", "revision": after["revision"], "gone": True}]
    assert [q["id"] for q in (await viewer.queue())["questions"]] == ["q1"]
    assert {q["id"]: q["reason"] for q in (await moderator.queue())["questions"]} == {"q1": "", "q2": "rude"}
    assert (await viewer.send("PUT", "/api/v1/sessions/talk/questions/q2/vote")).status == 404


async def test_with_review_nothing_shows_before_it_was_approved(hall: Hall) -> None:
    """In a reviewed session a new question is for moderators, and for its asker to follow, until it is approved."""
    await hall.store.save_session(Session("talk", "A talk", review=True, language="en"))
    viewer = hall.client()
    await viewer.ask("Is there a recording?")
    await hall.place("q1")
    assert (await viewer.queue())["questions"] == []
    [mine] = (await viewer.json("/api/v1/sessions/talk/mine"))["messages"]
    assert (mine["state"], mine["question"]) == ("new", None)
    await (await hall.signed_in("moderator")).act("approve", ["q1"])
    assert [q["id"] for q in (await viewer.queue())["questions"]] == ["q1"]


async def test_a_code_moves_an_identity_to_another_device(hall: Hall) -> None:
    """A code, however it is typed, brings one's questions, votes and name to another device."""
    phone, laptop = hall.client(), hall.client()
    code = (await (await phone.ask("Is there a recording?", name="Ann")).json())["code"]
    await hall.place("q1")
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    taken = await laptop.post("/api/v1/sessions/talk/me", {"code": typed})
    assert taken.status == 200
    mine = await laptop.json("/api/v1/sessions/talk/mine")
    assert (mine["code"], mine["name"], [m["text"] for m in mine["messages"]]) == (
        code,
        "Ann",
        ["Is there a recording?"],
    )
    voted = await laptop.send("PUT", "/api/v1/sessions/talk/questions/q1/vote")
    assert (await voted.json())["people"] == 1


async def test_codes_cannot_be_tried_out(hall: Hall) -> None:
    """After ten wrong codes an address has to wait, even with a right one; unknown and malformed ones say so."""
    phone, guesser = hall.client(), hall.client()
    code = (await (await phone.ask("Is there a recording?")).json())["code"]
    path = "/api/v1/sessions/talk/me"
    assert (await guesser.post(path, {"code": "hello"})).status == 400
    for n in range(10):
        assert (await guesser.post(path, {"code": f"0000-0000-{n:04}"})).status == 404
    assert (await guesser.post(path, {"code": code})).status == 429
    hall.clock.time += 60
    assert (await guesser.post(path, {"code": code})).status == 200


async def test_a_made_up_cookie_is_nobody(hall: Hall) -> None:
    """A participant's cookie that we did not sign is ignored, so nobody becomes somebody by guessing an id."""
    victim, thief = hall.client(), hall.client()
    await victim.ask("Is there a recording?")
    signed = victim.cookie("floormic-viewer").value
    for forged in (signed[:-2] + "AA", signed.split(".")[0], "x", "W10.x"):
        mine = await thief.get("/api/v1/sessions/talk/mine", headers={"Cookie": f"floormic-viewer={forged}"})
        assert (await mine.json())["messages"] == []


async def test_only_an_asker_says_that_it_was_not_answered(hall: Hall) -> None:
    """Somebody who did not ask gets 403, an asker gets the question as it stands."""
    viewer, path = hall.client(), "/api/v1/sessions/talk/questions/q1/not-answered"
    await viewer.ask("Is there a recording?")
    await hall.place("q1")
    assert (await hall.client().post(path)).status == 403
    assert (await (await viewer.post(path)).json())["id"] == "q1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/sessions/none"),
        ("GET", "/api/v1/sessions/none/questions"),
        ("GET", "/api/v1/sessions/none/events"),
        ("POST", "/api/v1/sessions/none/messages"),
        ("PUT", "/api/v1/sessions/talk/questions/none/vote"),
        ("PUT", "/api/v1/sessions/talk/questions/elsewhere/vote"),
        ("GET", "/api/v1/nothing"),
        ("POST", "/in/nobody"),
        ("GET", "/static/..%2fserver.py"),
    ],
)
async def test_what_is_not_there_is_said_so(hall: Hall, method: str, path: str) -> None:
    """Unknown sessions, questions (those of another session too) and addresses are 404 in JSON."""
    await hall.asks(question="elsewhere", session="other")
    answer = await hall.client().send(method, path, {"text": "a"})
    assert answer.status == 404
    assert (await answer.json())["code"] == "not_found"


async def test_a_hook_gets_the_raw_body_and_answers_itself(hall: Hall) -> None:
    """A platform needs no cookie and no Origin; what its connector replies is sent as it is."""
    client = hall.client().client
    answer = await client.post("/in/echo", data=b"\x00raw", headers={"X-Mark": "!", "Sec-Fetch-Site": "cross-site"})
    assert (answer.status, await answer.read(), answer.content_type) == (202, b"\x00raw!", "text/plain")
    hall.echo.failure = StoreError("the disk is full")
    assert (await client.post("/in/echo", data=b"x")).status == 503


async def test_a_fault_shows_no_traceback(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is 500 in JSON without details, and is logged without the body."""
    hall.echo.failure = RuntimeError("secret detail")
    answer = await hall.client().client.post("/in/echo", data=b"private words")
    text = await answer.text()
    assert (answer.status, (await answer.json())["code"]) == (500, "fault")
    assert "secret detail" not in text
    assert "secret detail" in caplog.text
    assert "private words" not in caplog.text


async def test_sessions_say_what_the_caller_may_do(hall: Hall) -> None:
    """The list and the single session carry the caller's role there."""
    moderator = await hall.signed_in("moderator", "talk")
    roles = {s["id"]: s["role"] for s in await moderator.json("/api/v1/sessions")}
    assert roles == {"talk": "moderator", "other": "viewer"}
    one: dict[str, Any] = await hall.client().json("/api/v1/sessions/talk")
    assert (one["role"], one["title"], one["abilities"]["answers"]) == ("viewer", "A talk", "auto")
    assert (await hall.client().json("/healthz")) == {"status": "ok"}


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "99999999999999999", "٣"])
async def test_a_revision_must_be_a_number(hall: Hall, since: str) -> None:
    """Anything but digits is 400."""
    assert (await hall.client().get(f"/api/v1/sessions/talk/questions?since={since}")).status == 400


async def test_a_revision_from_the_future_starts_anew(hall: Hall) -> None:
    """A client that knows a later revision than there is (another database) gets everything."""
    await hall.asks()
    assert [q["id"] for q in (await hall.client().queue(10_000))["questions"]] == ["q1"]


@pytest.mark.parametrize(("header", "word"), [("zh-CN,zh;q=0.9,en;q=0.1", "写下"), ("en-GB", "Write"), ("fr", "Write")])
async def test_errors_are_said_in_the_callers_language(hall: Hall, header: str, word: str) -> None:
    """The browser's language decides, where it has neither the session's."""
    answer = await hall.client().post(
        "/api/v1/sessions/talk/messages", {"text": ""}, headers={"Accept-Language": header}
    )
    assert word in (await answer.json())["error"]


async def test_a_preview_shows_what_viewers_may_see(hall: Hall) -> None:
    """The question that asks the same and the course's answer come back; where questions wait for review it does not,
    and whoever types too fast gets nothing, not an error."""
    viewer = hall.client()
    await viewer.ask("Is there a recording?")
    await hall.place("q1")
    hall.likely = Preview("q1", True, CourseMatch("faq#1", 0.97, "sent", "Tomorrow."))
    path = "/api/v1/sessions/talk/preview"
    shown = await (await viewer.post(path, {"text": "recording?"})).json()
    assert (shown["question"]["id"], shown["surely"], shown["answer"]["text"]) == ("q1", True, "Tomorrow.")
    await hall.store.save_session(Session("talk", "A talk", review=True, language="en"))
    hidden = await (await viewer.post(path, {"text": "recording?"})).json()
    assert (hidden["question"], hidden["surely"]) == (None, False)
    hasty = [await (await viewer.post(path, {"text": f"recording {n}?"})).json() for n in range(12)]
    assert hasty[-1] == {"question": None, "surely": False, "answer": None}
