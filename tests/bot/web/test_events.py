"""Server-sent events."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientError, ClientResponse, web

from bot.live import Told
from bot.storage.sqlite import SqliteStore
from bot.web.limits import Limits
from tests.bot.web.hall import Browser, Hall, open_hall

PATH = "/api/v1/sessions/talk/events"


class Watching:
    """Reads a stream as a browser does."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def block(self) -> str:
        raw = await asyncio.wait_for(self.response.content.readuntil(b"\n\n"), 3)
        return raw.decode()

    async def event(self) -> tuple[int, dict[str, Any]]:
        """The id and data of the next event about questions; comments and topics are skipped."""
        while "event: questions\n" not in (block := await self.block()):
            pass
        fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
        assert fields["event"] == "questions"
        return int(fields["id"]), json.loads(fields["data"])

    async def topic(self, name: str) -> str:
        """What the next event of that topic says."""
        while not (block := await self.block()).startswith(f"event: {name}\n"):
            pass
        return block.split("data: ")[1].strip()

    async def set_as(self) -> dict[str, Any]:
        """How the session is set, the next time it is told."""
        return dict(json.loads(await self.topic("session")))


async def watching(browser: Browser, path: str = PATH, **more: Any) -> Watching:
    response = await browser.get(path, **more)
    assert (response.status, response.content_type) == (200, "text/event-stream")
    return Watching(response)


async def test_a_stream_begins_with_everything_and_goes_on_with_changes(hall: Hall) -> None:
    """First the whole queue with its revision as id, then only what changed."""
    await hall.asks()
    stream = await watching(hall.client())
    first = await stream.block()
    assert 1000 <= int(first.splitlines()[0].removeprefix("retry: ")) < 5000
    assert '"id":"q1"' in first
    await hall.asks("Will there be slides?", "q2")
    id, data = await stream.event()
    assert ([q["id"] for q in data["questions"]], data["revision"]) == (["q2"], id)


async def test_a_proxy_that_speaks_http_1_0_hears_the_same(hall: Hall) -> None:
    """Without chunks, which it does not know: what nginx asks for unless it is told otherwise."""
    await hall.asks()
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.server.port)
    writer.write(f"GET {PATH} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    retry, event, *_ = (await reader.readuntil(b"\n\n")).splitlines()
    assert (retry[:7], event) == (b"retry: ", b"event: questions")
    await hall.asks("Will there be slides?", "q2")
    while not (block := await asyncio.wait_for(reader.readuntil(b"\n\n"), 3)).startswith(b"event: questions\n"):
        pass
    assert b'"id":"q2"' in block
    writer.close()


async def test_an_empty_session_says_that_it_is_live(hall: Hall) -> None:
    """A client knows at once that it is connected, also where nobody asked anything."""
    assert await (await watching(hall.client())).event() == (0, {"revision": 0, "questions": []})


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_stream_resumes_where_it_broke(hall: Hall, how: str) -> None:
    """With Last-Event-ID or since only what is newer is sent."""
    await hall.asks()
    known = (await hall.client().queue())["revision"]
    await hall.asks("Will there be slides?", "q2")
    if how == "header":
        stream = await watching(hall.client(), f"{PATH}?since=0", headers={"Last-Event-ID": str(known)})
    else:
        stream = await watching(hall.client(), f"{PATH}?since={known}")
    _, data = await stream.event()
    assert [q["id"] for q in data["questions"]] == ["q2"]


async def test_a_revision_of_another_database_starts_anew(hall: Hall) -> None:
    """A browser that comes back with a later revision than there is gets everything, not silence."""
    await hall.asks()
    stream = await watching(hall.client(), headers={"Last-Event-ID": "9000"})
    assert [q["id"] for q in (await stream.event())[1]["questions"]] == ["q1"]


async def test_viewers_are_told_what_is_gone_and_staff_see_it(hall: Hall) -> None:
    """A dismissed question is gone for viewers; moderators keep it with its reason."""
    await hall.asks()
    moderator = await hall.signed_in("moderator")
    seen, seen_by_staff = await watching(hall.client()), await watching(moderator)
    await seen.event()
    await seen_by_staff.event()
    await moderator.act("dismiss", ["q1"], reason="off topic")
    assert (await seen.event())[1]["questions"][0].get("gone")
    assert (await seen_by_staff.event())[1]["questions"][0]["reason"] == "off topic"


async def test_an_undone_split_disappears_for_everybody(hall: Hall) -> None:
    """A question that undo takes away is gone for staff too."""
    await hall.asks()
    await hall.asks()
    moderator = await hall.signed_in("moderator")
    stream = await watching(moderator)
    await stream.event()
    detail = await moderator.json("/api/v1/sessions/talk/questions/q1")
    await moderator.act("split", ["q1"], messages=[detail["asked"][1]["message"]])
    new = {q["id"] for q in (await stream.event())[1]["questions"]} - {"q1"}
    await moderator.post("/api/v1/sessions/talk/undo", {})
    gone = {q["id"] for q in (await stream.event())[1]["questions"] if q.get("gone")}
    assert gone == new != set()


async def test_snapshot_and_events_give_the_same_as_a_fresh_look(hall: Hall) -> None:
    """Whoever applies every event to the first view has what a newcomer gets."""
    moderator, viewer = await hall.signed_in("moderator"), hall.client()
    stream, held, revision = await watching(viewer), {}, -1
    for n in range(1, 9):
        await hall.asks(f"Question {n}?", f"q{n}")
    await moderator.act("merge", ["q2", "q3"], into="q1")
    await moderator.act("dismiss", ["q4"])
    await moderator.act("answer", ["q5"], text="Yes.")
    await moderator.post("/api/v1/sessions/talk/undo", {})
    await viewer.send("PUT", "/api/v1/sessions/talk/questions/q6/vote")
    fresh = await hall.client().queue()
    while revision < fresh["revision"]:
        revision, data = await stream.event()
        for q in data["questions"]:
            held[q["id"]] = q
    shown = {id: q for id, q in held.items() if not q.get("gone")}
    assert shown == {q["id"]: q for q in fresh["questions"]}


async def test_a_quiet_stream_shows_that_it_lives(store: SqliteStore) -> None:
    """Without changes a comment comes at every heartbeat."""
    async with open_hall(store, limits=Limits(heartbeat=0.05)) as hall:
        stream = await watching(hall.client())
        await stream.event()
        quiet = [block for block in [await stream.block() for _ in range(9)] if not block.startswith("event: ")]
        assert [block[0] for block in quiet[-2:]] == [":", ":"]


async def test_many_watchers_cost_one_serialisation(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON of a question is made once for all viewers, not once for each."""
    made: list[str] = []
    from bot.web import queue_json

    real = queue_json.question_for
    monkeypatch.setattr(queue_json, "question_for", lambda q, *more: made.append(q.id) or real(q, *more))
    streams = [await watching(hall.client()) for _ in range(20)]
    for stream in streams:
        await stream.event()
    await hall.asks()
    assert {(await stream.event())[0] for stream in streams} == {1}
    assert made == ["q1"]


async def test_a_client_that_does_not_read_is_dropped_and_delays_nobody(store: SqliteStore) -> None:
    """A stuck watcher is cut off after the write timeout; another one gets every change meanwhile."""
    async with open_hall(store, limits=Limits(write_timeout=0.3)) as hall:
        reader, writer = await asyncio.open_connection("127.0.0.1", hall.server.port, limit=1024)
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        transport = writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        stream = await watching(hall.client())
        await stream.event()
        for n in range(1, 60):
            await hall.asks("?" * 400_000, f"q{n}")
            await stream.event()
            if hall.live.watchers("talk") == 1:
                break
        assert hall.live.watchers("talk") == 1
        writer.close()
        del reader


async def test_who_leaves_is_forgotten(hall: Hall) -> None:
    """A closed page is no longer counted once something is sent to it."""
    stream = await watching(hall.client())
    await stream.event()
    assert hall.live.watchers("talk") == 1
    stream.response.close()
    for n in range(20):
        await hall.asks(f"Question {n}?", f"q{n}")
        await asyncio.sleep(0.01)
    assert hall.live.watchers("talk") == 0


async def test_stopping_ends_streams(store: SqliteStore) -> None:
    """The program does not wait for watchers when it stops."""
    async with open_hall(store) as hall:
        stream = await watching(hall.client())
        await stream.event()
        await asyncio.wait_for(hall.server.close(), 2)
        assert hall.live.watchers("talk") == 0


async def test_a_topic_comes_by_its_name_at_the_start_and_when_it_changed(hall: Hall) -> None:
    """Beside the questions a stream tells each topic, to viewers what is for them and to staff what is for staff."""
    said = [b'{"n":1}', b'{"n":1,"secret":2}']

    async def read(session: str) -> Told:
        return Told(*said)

    hall.live.add_topic("weather", read)
    viewer, staff = await watching(hall.client()), await watching(await hall.signed_in("moderator"))
    for stream, wanted in ((viewer, '{"n":1}'), (staff, '{"n":1,"secret":2}')):
        await stream.event()
        assert await stream.topic("weather") == wanted
    said[0] = b'{"n":3}'
    hall.live.changed("talk", "weather")
    assert await viewer.topic("weather") == '{"n":3}'


async def test_a_viewer_is_told_a_few_times_a_second_and_misses_nothing(store: SqliteStore) -> None:
    """What happens within a viewer's pause comes together in one event; staff need not wait for it."""
    async with open_hall(store, limits=Limits(viewer_pause=2.0)) as hall:
        viewer, staff = await watching(hall.client()), await watching(await hall.signed_in("moderator"))
        await viewer.event(), await staff.event()
        for n in range(3):
            await hall.asks(f"Question {n}?", f"q{n}")
            await staff.event()
        _, data = await viewer.event()
        assert [q["id"] for q in data["questions"]] == ["q0", "q1", "q2"]


async def test_review_that_is_switched_on_takes_back_what_nobody_approved(hall: Hall) -> None:
    """Open pages are told how the session is set now, and viewers which questions they see no longer, or see again."""
    await hall.asks()
    organiser = await hall.signed_in("organiser")
    viewer, staff = await watching(hall.client()), await watching(organiser)
    for stream in (viewer, staff):
        await stream.event()
        assert (await stream.set_as())["review"] is False
    for review in (True, False):
        answer = await organiser.send("PATCH", "/api/v1/sessions/talk", {"review": review, "title": f"Review {review}"})
        assert answer.status == 200
        (seen,) = (await viewer.event())[1]["questions"]
        assert (seen["id"], seen.get("gone", False)) == ("q1", review)
        assert (await viewer.set_as())["title"] == f"Review {review}"
        assert "gone" not in (await staff.event())[1]["questions"][0]


async def test_another_title_sends_no_question_again(hall: Hall) -> None:
    """What changes nothing about what is seen costs the watchers one line."""
    await hall.asks()
    stream = await watching(hall.client())
    await stream.event()
    organiser = await hall.signed_in("organiser")
    await organiser.send("PATCH", "/api/v1/sessions/talk", {"title": "Another title"})
    assert (await stream.set_as())["title"] != "Another title"
    assert (await stream.set_as())["title"] == "Another title"
    await hall.asks("Slides?", "q2")
    assert [q["id"] for q in (await stream.event())[1]["questions"]] == ["q2"]


async def test_who_leaves_before_the_stream_begins_breaks_nothing(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is logged as a fault, and nobody is counted as watching."""
    left = asyncio.Event()

    async def gone(self: web.StreamResponse, request: web.BaseRequest) -> None:
        left.set()
        raise ConnectionResetError("Cannot write to closing transport")

    with monkeypatch.context() as patched:
        patched.setattr(web.StreamResponse, "prepare", gone)
        with pytest.raises(ClientError):
            async with asyncio.timeout(3):
                await hall.client().client.get(PATH)
    assert left.is_set()
    while hall.live.watchers("talk"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}] == []
    assert (await hall.client().get(PATH)).status == 200
