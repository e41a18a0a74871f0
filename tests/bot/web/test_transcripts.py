"""The transcript over the API: sent, searched, confirmed, and for whom."""

from bot.model import Session
from tests.bot.web.hall import Browser, Hall

AT = "/api/v1/sessions/talk/transcript"
VTT = (
    "WEBVTT\n\n00:00:10.000 --> 00:00:12.000\nIs there a recording?\n\n"
    "00:00:12.500 --> 00:00:20.000\nYes, on the page from Monday on.\n\nx:y --> 00:02:20.000\nThat is all.\n"
)


async def sent(hall: Hall, browser: Browser, data: str = VTT, more: str = "") -> dict[str, object]:
    answer = await browser.send("POST", f"{AT}?name=talk.vtt{more}", data=data.encode())
    assert answer.status == 201, await answer.text()
    await hall.transcripts.searched("talk")
    return dict(await browser.json(AT))


async def test_a_transcript_is_sent_and_what_was_found_is_confirmed_with_one_press(hall: Hall) -> None:
    """With its problems in both languages, the passage, the link into the recording, and undo."""
    await hall.asks("Is there a recording?")
    await hall.asks("Who pays for it?", "q2")
    mo = await hall.signed_in("moderator")
    found = await sent(hall, mo, more="&recording=https://v.example/a")
    assert found["transcript"] == {**found["transcript"], "name": "talk.vtt", "by": "Mo", "lines": 3, "dated": "start"}  # type: ignore[dict-item]
    (problem,) = found["transcript"]["problems"]  # type: ignore[index]
    assert problem["line"] == 9
    assert problem["text_zh"].startswith("读不出")
    (one,) = found["proposals"]  # type: ignore[misc]
    assert (one["question"], one["state"], one["people"]) == ("q1", "proposed", 1)
    assert one["passage"]["start"] == 10.0
    assert one["passage"]["link"] == "https://v.example/a#t=10"
    assert "Yes, on the page" in one["passage"]["text"]
    assert [left["question"] for left in found["rest"]] == ["q2"]  # type: ignore[attr-defined]
    confirmed = await mo.post(f"{AT}/confirm", {"questions": [{"question": "q1"}]})
    assert confirmed.status == 200
    assert (await mo.json(AT))["proposals"][0]["state"] == "confirmed"
    (question,) = [q for q in (await mo.queue())["questions"] if q["id"] == "q1"]
    assert question["answer"]["sources"] == ["https://v.example/a#t=10"]
    undone = await mo.post("/api/v1/sessions/talk/undo", {"action": (await confirmed.json())["action"]})
    assert undone.status == 200
    assert (await mo.json(AT))["proposals"][0]["state"] == "proposed"


async def test_experts_confirm_and_refuse_but_do_not_send(hall: Hall) -> None:
    """A transcript is the moderators'; what others said to it is seen by everybody on the staff, and by nobody else."""
    await hall.asks()
    mo, expert, viewer = await hall.signed_in("moderator"), await hall.signed_in("expert"), hall.client()
    await sent(hall, mo)
    assert (await expert.send("POST", f"{AT}?name=a.vtt", data=VTT.encode())).status == 403
    assert (await expert.send("DELETE", AT)).status == 403
    refused = await expert.post(f"{AT}/refuse", {"question": "q1"})
    assert (await refused.json())["proposals"][0]["state"] == "refused"
    assert (await mo.json(AT))["proposals"][0]["state"] == "refused"
    assert (await expert.post(f"{AT}/confirm", {"questions": [{"question": "q1", "start": 12.5}]})).status == 200
    assert (await expert.json(f"{AT}/said?seconds=13"))["text"].startswith("Yes")
    for path in (AT, f"{AT}/said?seconds=1", "/s/talk/transcript"):
        assert (await viewer.get(path)).status == 403


async def test_when_it_begins_is_set_with_a_sign_and_a_slip_is_told(hall: Hall) -> None:
    """In the language of whoever sends it; a bad file leaves the one before."""
    await hall.store.save_session(Session("talk", "A talk", starts_at=1000.0))
    mo = await hall.signed_in("moderator")
    found = await sent(hall, mo, more="&offset=-00:01:30")
    assert found["transcript"] == {**found["transcript"], "zero": 910.0, "offset": -90.0, "dated": "hand"}  # type: ignore[dict-item]
    moved = await mo.send("PATCH", AT, {"offset": 30, "recording": ""})
    assert (await moved.json())["transcript"]["zero"] == 1030.0
    chinese = {"Accept-Language": "zh"}
    for query, data, says in (
        ("&offset=soon", VTT, "不是时间"),
        ("&recording=javascript:x", VTT, "http://"),
        ("", "", "空的"),
        ("", "x" * (4 * 1024 * 1024 + 1), "4 MB"),
    ):
        refused = await mo.send("POST", f"{AT}?name=b.vtt{query}", data=data.encode(), headers=chinese)
        assert refused.status == (413 if says == "4 MB" else 400), says
        assert says in (await refused.json())["error"]
    for body in ({"offset": 1e9}, {"recording": "v.example"}):
        assert (await mo.send("PATCH", AT, body)).status == 400
    assert (await mo.json(AT))["transcript"]["name"] == "talk.vtt"
    await hall.transcripts.searched("talk")
    assert (await (await mo.send("DELETE", AT)).json())["transcript"] is None
    assert (await mo.get(f"{AT}/said?seconds=1")).status == 404
    assert (await mo.get(f"{AT}/said?seconds=nan")).status == 400


async def test_a_talk_without_a_transcript_lists_its_questions(hall: Hall) -> None:
    """So that the page says what it would be looked for; another session's question is none of them."""
    await hall.asks()
    await hall.asks(session="other", question="o1")
    mo = await hall.signed_in("moderator")
    found = await mo.json(AT)
    assert (found["transcript"], found["proposals"]) == (None, [])
    assert [one["question"] for one in found["rest"]] == ["q1"]
    await sent(hall, mo)
    assert (await mo.post(f"{AT}/confirm", {"questions": [{"question": "o1", "start": 10}]})).status == 404
    assert (await mo.post(f"{AT}/refuse", {"question": "o1"})).status == 404
