"""The chat of a Tencent Meeting: its webhook, its files, and what is told when they cannot be had."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.tencent_classroom import KIND, Meetings, TencentOptions
from bot.connectors.tencent_classroom.client import Meeting
from bot.connectors.tencent_classroom.kind import HOSTS
from bot.connectors.tencent_classroom.mapper import Ended, Unreadable, ended, opened
from bot.connectors.tencent_classroom.meeting import WINDOW, read_progress
from bot.errors import ConnectorError, Refused, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Delivery
from bot.ports import HookReply
from tests.bot.connectors.listening import posted, running
from tests.fake_floor import FakeFloor
from tests.fake_tencent import (
    ADMIN,
    APP_ID,
    MEETING,
    NUMBER,
    SDK_ID,
    SECRET_ID,
    SECRET_KEY,
    TOKEN,
    FakeTencent,
    endless,
    event,
    hooked,
    html,
    meetings,
    raw,
)

BEGINS, ENDS = "1793532600", "1793539800"  # 2026-11-01 19:30 and 21:30 in China
CHAT = "发送时间,昵称,内容\n19:30:05,张三,有回放吗\n19:31:00,李四,课件在哪里？\n".encode()


@pytest.fixture
async def server() -> AsyncIterator[FakeTencent]:
    async with FakeTencent() as fake:
        yield fake


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


async def told(made: Meetings, data: bytes, headers: dict[str, str] | None = None) -> HookReply:
    """The webhook brings this."""
    text = encoded(data)
    return await made.hook(posted(hooked(text) if headers is None else headers, json.dumps({"data": text}).encode()))


async def why(made: Meetings) -> str:
    try:
        with pytest.raises(ConnectorError) as caught:
            await made.run(FakeFloor())
        assert "\n" not in str(caught.value)
        assert SECRET_KEY not in str(caught.value)
        return f"{type(caught.value).__name__}: {caught.value}"
    finally:
        await made.close()


async def test_the_file_of_a_meeting_is_fetched_once(server: FakeTencent) -> None:
    """Its lines arrive with the day of the meeting, and neither a further look nor a restart fetches it again."""
    server.export(BEGINS, ENDS, "chat.csv", CHAT)
    floor = FakeFloor()
    for _ in range(2):
        async with running(meetings(server), floor):
            await server.until(lambda: len(floor.heard) and len(floor.messages) == 2)
            await asyncio.sleep(0.2)
    first = floor.messages[0]
    assert (first.author_name, first.text, first.at, first.address) == ("张三", "有回放吗", 1793532605.0, None)
    assert floor.heard == ["connected, complete"] * 2
    assert floor.received == 2  # the lines, then that the file is taken
    assert read_progress(floor.cursors["tencent_classroom"]).files == [f"{MEETING}|{BEGINS}|{ENDS}"]


async def test_the_webhook_makes_it_look_at_once(server: FakeTencent) -> None:
    """A meeting that only its number names is found by the event, also after a restart before its file was there."""
    server.exports[MEETING] = []
    floor = FakeFloor()
    async with running(meetings(server, "445 999 969", every=60, soon=60), floor) as made:
        await server.until(lambda: floor.heard)
        assert (await told(made, event())).status == 200
        await server.until(lambda: [c for _, c in server.calls if c["meeting"] == MEETING])
    assert floor.heard == ["connected"]
    server.export(BEGINS, ENDS, "chat.csv", CHAT)
    async with running(meetings(server, NUMBER, every=60, soon=60), floor):
        await server.until(lambda: len(floor.messages) == 2)


async def test_what_was_fetched_before_the_end_is_fetched_again_after_it(server: FakeTencent) -> None:
    """The file may have had a part only; what was in it counts once."""
    server.export(BEGINS, ENDS, "chat.csv", CHAT)
    floor = FakeFloor()
    async with running(meetings(server, every=60, soon=60), floor) as made:
        await server.until(lambda: len(floor.messages) == 2)
        server.export(BEGINS, ENDS, "chat.csv", CHAT + "19:32:00,王五,谢谢\n".encode())
        await told(made, event())
        await server.until(lambda: len(floor.messages) == 3)
    assert floor.texts == ["有回放吗", "课件在哪里？", "谢谢"]


async def test_the_same_words_on_two_evenings_are_two_messages(server: FakeTencent) -> None:
    """A file has no ids, and times of day alone: what somebody says each week at the same time is not one message."""
    weekly = "时间,昵称,内容\n19:30:05,张三,老师好，有回放吗\n".encode()
    server.export(BEGINS, ENDS, "chat.csv", weekly)
    server.export(str(int(BEGINS) + 7 * 86400), str(int(ENDS) + 7 * 86400), "next.csv", weekly)
    floor = FakeFloor()
    async with running(meetings(server), floor):
        await server.until(lambda: len(server.calls) > 2 and floor.received >= 4)
    assert [one.at for one in floor.messages] == [1793532605.0, 1793532605.0 + 7 * 86400]


async def test_other_meetings_of_the_enterprise_are_left_alone(server: FakeTencent) -> None:
    """The webhook tells of all; nothing of them is asked for or kept, and other events mean nothing."""
    server.exports[MEETING] = []
    floor = FakeFloor()
    async with running(meetings(server, every=60, soon=60), floor) as made:
        await server.until(lambda: floor.heard)
        assert (await told(made, event(meeting="77777777777777777777", number="111222333"))).status == 200
        assert (await told(made, event("meeting.started"))).status == 200
        await asyncio.sleep(0.1)
        asked_for = {str(wanted.get("meeting")) for _, wanted in server.calls}
        assert (asked_for, floor.received) == ({MEETING}, 0)


async def test_the_address_is_confirmed_by_what_it_carries(server: FakeTencent) -> None:
    """GET `check_str`, signed: answered with what its base64 stands for, also where a plus became a blank."""
    made = meetings(server)
    for plain in (b"check me", b"\xfb\xef\xbe plus"):
        data = base64.b64encode(plain).decode()
        reply = await made.hook(posted(hooked(data), b"", "GET", check_str=data.replace("+", " ")))
        assert (reply.status, reply.body) == (200, plain)
    assert (await made.hook(posted(hooked("x"), b"", "GET"))).status == 403
    await made.close()


async def test_every_forgery_gets_the_same_403(server: FakeTencent) -> None:
    """Other tokens, changed data, old and future times, missing headers, no token at all."""
    made, floor = meetings(server), FakeFloor()
    good = hooked(encoded(event()))
    for headers in (
        {},
        {**good, "signature": good["signature"][:-1]},
        {**good, "signature": "é\udcff"},
        {**good, "nonce": "1"},
        {**good, "timestamp": str(int(good["timestamp"]) + 1)},
        {**good, "timestamp": "nan"},
        hooked(encoded(event()), token="another"),
        hooked(encoded(event()), at=time.time() - WINDOW - 5),
        hooked(encoded(event()), at=time.time() + WINDOW + 5),
        hooked(encoded(event(meeting="1"))),
    ):
        assert (await told(made, event(), headers)).status == 403
    for body in (b"", b"x", b"[" * 100_000, b"[]", b'{"data": 5}', b" " * 300_000):
        assert (await made.hook(posted(good, body))).status == 403
    assert (await made.hook(posted(good, json.dumps({"data": encoded(event())}).encode(), "PUT"))).status == 403
    await made.close()
    closed = meetings(server, token="")
    assert (await told(closed, event(), hooked(encoded(event()), token=""))).status == 403
    await closed.close()
    assert floor.received == 0


async def test_an_event_is_acknowledged_once_it_is_stored(server: FakeTencent) -> None:
    """503 before there is a floor and while the disk is full; then 200 with the words that the platform wants."""
    server.exports[MEETING] = []
    made = meetings(server, every=60)
    assert (await told(made, event())).status == 503
    floor = FakeFloor()
    async with running(made, floor):
        await server.until(lambda: floor.heard)
        floor.fail_next = 1
        assert (await told(made, event())).status == 503
        reply = await told(made, event())
    assert (reply.status, reply.body) == (200, b"successfully received callback")
    assert list(read_progress(floor.cursors["tencent_classroom"]).over) == [MEETING]


async def test_encrypted_events_are_told_to_the_organiser(server: FakeTencent) -> None:
    """Signed, but nothing that can be read: say what to change, and do not make the platform repeat it."""
    server.exports[MEETING] = []
    floor = FakeFloor()
    async with running(meetings(server, every=60), floor) as made:
        await server.until(lambda: floor.heard)
        assert (await told(made, b"\x93\x11encrypted")).status == 200
    assert "leave its EncodingAESKey empty" in floor.heard[-1]


@pytest.mark.parametrize(
    "address",
    [
        "http://meeting.tencent.com/files/chat.csv",
        "https://meeting.tencent.com.evil.example/chat.csv",
        "https://evilmyqcloud.com/chat.csv",
        "https://127.0.0.1/chat.csv",
        "http://169.254.169.254/latest/meta-data",
        "https://meeting.tencent.com@evil.example/chat.csv",
        "file:///etc/passwd",
        "https://[::1/chat.csv",
        "chat.csv",
    ],
)
async def test_only_the_platforms_own_addresses_are_fetched(server: FakeTencent, address: str) -> None:
    """Anything but https to its hosts is refused without a request, and that is told."""
    client = Meeting(server.url, SECRET_ID, SECRET_KEY, APP_ID, SDK_ID, ADMIN, HOSTS, time.time)
    with pytest.raises(Refused, match="not among download_hosts"):
        await client.download(address)
    await client.close()
    server.exports[MEETING] = [(BEGINS, ENDS, address if "://" in address else f"x://{address}")]
    floor = FakeFloor()
    async with running(meetings(server, hosts=HOSTS), floor):
        await server.until(lambda: len(floor.heard) > 1)
    assert "not among download_hosts" in floor.heard[1]
    assert floor.received == 0


async def test_a_redirect_leads_nowhere_else(server: FakeTencent) -> None:
    """An address of the platform that sends us on to another machine is not followed there."""
    from aiohttp import web

    async def moved(request: web.Request, do: object) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/secret"})

    client = Meeting(server.url, SECRET_ID, SECRET_KEY, APP_ID, SDK_ID, ADMIN, (server.url,), time.time)
    server.will("file", moved)
    with pytest.raises(Refused, match="not among download_hosts"):
        await client.download(f"{server.url}/files/chat.csv")
    with pytest.raises(ConnectorError, match="HTTP 404"):
        await client.download(f"{server.url}/files/none")
    server.will("file", endless(40 * 1024 * 1024))
    with pytest.raises(ConnectorError, match="more than 8 MB"):
        await client.download(f"{server.url}/files/chat.csv")
    await client.close()


async def test_a_file_that_cannot_be_understood_is_told_and_hides_nothing(server: FakeTencent) -> None:
    """The next file is taken; the first one is tried again after a restart, for a newer program may read it."""
    server.export("1793532600", "1793532700", "a.bin", b"\xff\xff\xff\xff")
    server.export("1793532700", "1793532800", "b.csv", b"a,b\nxx,yy\nvv,ww\n")
    server.export("1793532800", "1793532900", "c.csv", CHAT)
    floor = FakeFloor()
    async with running(meetings(server), floor):
        await server.until(lambda: len(floor.messages) == 2)
    assert "is no text in UTF-8" in floor.heard[1]
    assert "its columns cannot be told apart" in floor.heard[2]


async def test_troubles_have_a_line_each(server: FakeTencent) -> None:
    """A wrong key, another enterprise, somebody who may not, a clock, a limit, a proxy."""
    assert "Refused: Tencent Meeting does not accept the signature" in await why(meetings(server, key="another"))
    assert "Refused: operator_id may not export chats" in await why(meetings(server, operator="somebody"))
    late = meetings(server, now=lambda: time.time() - 3600)
    assert "ConnectorError: the clock of this machine is 60 minutes off" in await why(late)
    for code, words in (
        ("190303", "no such application"),
        ("190001", "no such user"),
        ("146000010", "another enterprise"),
    ):
        server.will("im-details", raw(json.dumps({"error_info": {"error_code": int(code)}}).encode()))
        assert words in await why(meetings(server))
    server.will("im-details", html())
    assert "something else than JSON (HTTP 502)" in await why(meetings(server))
    server.will("im-details", html(429))
    with pytest.raises(TryLater):
        await (made := meetings(server)).run(FakeFloor())
    await made.close()


async def test_trying_out_asks_the_platform(server: FakeTencent) -> None:
    """It says that the key is accepted and how many files there are."""
    server.export(BEGINS, ENDS, "chat.csv", CHAT)
    options = TencentOptions.model_validate({
        "way": "meeting", "session": "talk", "secret_id": SECRET_ID, "secret_key": SECRET_KEY, "app_id": APP_ID,
        "sdk_id": SDK_ID, "operator_id": ADMIN, "meetings": [MEETING], "token": TOKEN, "meeting_url": server.url,
    })  # fmt: skip
    around = Surroundings(time.time, "https://floor.example.org", "zh", lambda _: b"k" * 32)
    assert "accepts the key. Files there are of the chats named by id: 1." in await KIND.try_out(options, around)
    made = KIND.make(options, around)
    assert made.abilities.reply is False
    with pytest.raises(Refused):
        await made.send(Delivery("k", "talk", Address(made.name, "c"), "x"))
    await made.close()


@given(st.text(max_size=60) | st.binary(max_size=60).map(encoded))
def test_any_event_is_read_or_unreadable(data: str) -> None:
    """Whatever was signed, nothing but the expected error comes of it."""
    for read in (opened, ended):
        try:
            read(data)
        except Unreadable:
            continue


PLAIN = st.none() | st.integers() | st.text(max_size=5)
KEYS = st.sampled_from(["event", "payload", "meeting_info", "meeting_id", "meeting_code"])


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner)))
def test_any_json_is_an_event_or_unreadable(value: object) -> None:
    """And an id that could become another address is none."""
    try:
        found = ended(encoded(json.dumps(value).encode()))
    except Unreadable:
        return
    assert all(one.id.isascii() and one.id.isdigit() for one in found)


def test_an_event_names_its_meeting() -> None:
    """Id and number, as the document shows them; an id with a path in it is none."""
    assert ended(encoded(event())) == [Ended(MEETING, NUMBER, "")]
    assert ended(encoded(event(meeting="../../v1/users"))) == []


@given(st.none() | st.text(max_size=40))
def test_any_cursor_is_read(text: str | None) -> None:
    """What cannot be read is a beginning."""
    assert read_progress(text).files is not None
    assert read_progress(read_progress(text).text) == read_progress(text)
