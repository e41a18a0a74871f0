"""Bilibili's frames and signatures: published and recorded ones, our own, and any bytes."""

import json
import math
import struct
import time
import tracemalloc
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.bilibili.codec import (
    MOST_INFLATED,
    MOST_PACKETS,
    FrameError,
    Operation,
    Packet,
    Version,
    authorization,
    headers,
    pack,
    read_json,
    unpack,
)
from bot.connectors.bilibili.mapper import Happening, Reader, Unreadable
from bot.connectors.bilibili.troubles import Answer, trouble
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Message
from tests.fake_bilibili import BROTLI, JSON, ZLIB, event, framed, packet

PUBLISHED = {
    "x-bili-accesskeyid": "xxxx",
    "x-bili-content-md5": "fa6837e35b2f591865b288dfd859ce9d",
    "x-bili-signature-method": "HMAC-SHA256",
    "x-bili-signature-nonce": "ad184c09-095f-91c3-0849-230dd3744045",
    "x-bili-signature-version": "1.0",
    "x-bili-timestamp": "1624594467",
}
PUBLISHED_SECRET = "JzOzZfSHeYYnAMZ"
PUBLISHED_SIGNATURE = "a81c50234b6bbf15bc56e387ee4f19c6f871af2f70b837dc56db16517d4a341f"
NOW = 1_790_000_000.0
READER = Reader("bilibili", "talk", lambda: NOW, "game-1", "讲者", "host-id")


def found(frame: bytes) -> list[Packet]:
    return list(unpack(frame))


def test_the_published_signature() -> None:
    """The example in Bilibili's documents comes out, in whatever order the headers stand."""
    assert authorization(PUBLISHED, PUBLISHED_SECRET) == PUBLISHED_SIGNATURE
    assert authorization(dict(reversed(PUBLISHED.items())), PUBLISHED_SECRET) == PUBLISHED_SIGNATURE


def test_a_request_is_signed_over_its_very_body() -> None:
    """All six headers are there and signed; a GET is signed over nothing."""
    made = headers(b"", "xxxx", PUBLISHED_SECRET, version="2.0", nonce="n", timestamp=1624594467)
    assert made["x-bili-content-md5"] == "d41d8cd98f00b204e9800998ecf8427e"
    assert made.keys() == PUBLISHED.keys() | {"Authorization"}
    signed = {name: value for name, value in made.items() if name != "Authorization"}
    assert made["Authorization"] == authorization(signed, PUBLISHED_SECRET)
    other = headers(b"{}", "xxxx", PUBLISHED_SECRET, version="2.0", nonce="n", timestamp=1624594467)
    assert other["Authorization"] != made["Authorization"]


def test_the_frames_that_a_connection_begins_with() -> None:
    """The reply to the auth, a beat of another client and the answer to it, as recorded by others; what that answer
    echoes stands outside its length and is no packet."""
    (reply,) = found(bytes.fromhex("0000001a0010000100000008000000017b22636f6465223a307d"))
    assert (reply.operation, read_json(reply.body)) == (Operation.AUTH_REPLY, {"code": 0})
    (beat,) = found(bytes.fromhex("0000001f0010000100000002000000015b6f626a656374204f626a6563745d"))
    assert beat.operation == Operation.HEARTBEAT
    (answer,) = found(bytes.fromhex("00000014001000010000000300000000000009a25b6f626a656374204f626a6563745d"))
    assert (answer.operation, struct.unpack(">I", answer.body)) == (Operation.HEARTBEAT_REPLY, (2466,))


@pytest.mark.parametrize("version", [JSON, ZLIB, BROTLI])
def test_messages_of_every_version(version: int) -> None:
    """Plain, zlib and brotli frames hold the same messages in the same order."""
    packets = found(framed(version, event("ONE", num=22097), event("TWO")))
    assert [p.operation for p in packets] == [Operation.MESSAGE] * 2
    assert [read_json(p.body)["cmd"] for p in packets] == ["ONE", "TWO"]
    assert read_json(packets[0].body)["data"] == {"num": 22097}


def test_what_we_send_is_as_documented() -> None:
    """The header of a packet says its length, 16, version, operation and sequence."""
    assert pack(Packet(Operation.HEARTBEAT)) == bytes.fromhex("00000010001000010000000200000001")
    assert pack(Packet(Operation.AUTH, b"{}")) == bytes.fromhex("00000012001000010000000700000001") + b"{}"


def test_a_longer_header_is_skipped_whole() -> None:
    """The body begins where the header says that it ends."""
    assert found(struct.pack(">IHHII", 22, 20, 0, 5, 0) + b"more" + b"{}") == [Packet(5, b"{}", Version.JSON, 0)]


def test_what_came_whole_is_not_lost_with_the_rest() -> None:
    """Packets before the broken one are given before the error."""
    packets = unpack(framed(JSON, b"1", b"2") + b"\x00\x00")
    assert [next(packets).body, next(packets).body] == [b"1", b"2"]
    with pytest.raises(FrameError):
        next(packets)


BROKEN = {
    "half a header": b"\x00" * 10,
    "shorter than its header": struct.pack(">IHHII", 15, 16, 0, 5, 0),
    "header shorter than itself": struct.pack(">IHHII", 16, 0, 0, 5, 0),
    "longer than the frame": packet(5, b"{}")[:-1],
    "longer than anything": struct.pack(">IHHII", 0xFFFFFFFF, 16, 0, 5, 0),
    "no zlib": packet(5, b"no zlib", ZLIB),
    "no brotli": packet(5, b"\xff" * 9, BROTLI),
    "half a zlib": packet(5, zlib.compress(packet(5, b"{}"))[:-5], ZLIB),
    "half a brotli": packet(5, brotli.compress(packet(5, b"{}" * 99))[:-2], BROTLI),
    "zlib of zeros": packet(5, zlib.compress(bytes(40 * 1024 * 1024)), ZLIB),
    "brotli of zeros": packet(5, brotli.compress(bytes(40 * 1024 * 1024), quality=1), BROTLI),
    "compressed for ever": packet(5, zlib.compress(framed(ZLIB, b"{}")), ZLIB),
    "too many packets": packet(5, zlib.compress(packet(5) * (MOST_PACKETS + 1)), ZLIB),
    "large many times": packet(5, zlib.compress(packet(5, bytes(MOST_INFLATED // 2))), ZLIB) * 3,
}
BROKEN["compressed for ever"] = packet(5, zlib.compress(BROKEN["compressed for ever"]), ZLIB)


@pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN)
def test_what_is_no_frame_is_an_error_that_is_expected(frame: bytes) -> None:
    """Every way to be wrong is the same error, and none takes more memory than a frame may come to."""
    tracemalloc.start()
    try:
        with pytest.raises(FrameError):
            for _ in unpack(frame):
                pass
        assert tracemalloc.get_traced_memory()[1] < 4 * MOST_INFLATED
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("version", [ZLIB, BROTLI])
def test_as_much_as_a_frame_may_come_to(version: int) -> None:
    """To the byte; one more is too large, and so is a second body beside a full one."""
    full = framed(version, bytes(MOST_INFLATED - 16))
    assert [len(p.body) for p in found(full)] == [MOST_INFLATED - 16]
    for frame in (framed(version, bytes(MOST_INFLATED - 15)), full + framed(version, b"")):
        with pytest.raises(FrameError, match="too large"):
            found(frame)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are packets or a `FrameError`, also behind a good header and inside a compressed body."""
    for frame in (data, packet(5, data, ZLIB), packet(5, data, BROTLI), framed(BROTLI, b"{}") + data):
        packets = []
        try:
            packets += unpack(frame)
        except FrameError:
            continue
        assert sum(len(p.body) for p in packets) <= MOST_INFLATED


@given(
    st.lists(
        st.builds(
            Packet,
            operation=st.sampled_from([2, 5, 7, 8, 99]),
            body=st.binary(max_size=50),
            version=st.sampled_from([0, 1, 4]),
            sequence=st.integers(0, 0xFFFFFFFF),
        ),
        max_size=5,
    )
)
def test_packets_go_and_come_back(packets: list[Packet]) -> None:
    """What is packed is unpacked, alone and compressed."""
    frame = b"".join(map(pack, packets))
    assert found(frame) == packets
    assert found(packet(5, zlib.compress(frame), ZLIB)) == packets
    assert found(packet(5, brotli.compress(frame), BROTLI)) == packets


@given(st.binary(max_size=100))
def test_any_body_is_json_or_an_expected_error(body: bytes) -> None:
    """Nothing else is raised, for deep and endless ones neither."""
    for text in (body, b"[" * 100_000, b"9" * 6000, b'"\xff"'):
        try:
            read_json(text)
        except FrameError:
            continue


# What the events mean


def comment(**fields: object) -> dict[str, object]:
    given = {"msg": "为什么？", "msg_id": "m1", "open_id": "o1", "uname": "小明", "timestamp": NOW - 5, "dm_type": 0}
    return {"cmd": "LIVE_OPEN_PLATFORM_DM", "data": given | fields}


def read(**fields: object) -> Message:
    message = READER.read(comment(**fields))
    assert isinstance(message, Message)
    return message


def test_a_comment_is_a_message() -> None:
    """Who is known by open_id, what by msg_id, and nobody can be replied to."""
    assert read() == Message("talk", "bilibili", "m1", "o1", "小明", "为什么？", NOW - 5)
    assert READER.read({**comment(), "cmd": "OPEN_LIVEROOM_DM"}) == read()


def test_pictures_and_what_is_no_comment_mean_nothing() -> None:
    """Emoji pictures, gifts, likes, mirrored comments and unknown commands are passed over."""
    assert READER.read(comment(dm_type=1)) is None
    assert READER.read(comment(msg=" \n")) is None
    for name in ("LIVE_OPEN_PLATFORM_DM_MIRROR", "LIVE_OPEN_PLATFORM_SEND_GIFT", "LIVE_OPEN_PLATFORM_LIKE", "NEW"):
        assert READER.read({**comment(), "cmd": name}) is None
    for nothing in (None, 7, "x", [], {}, {"cmd": []}, {"cmd": "LIVE_OPEN_PLATFORM_LIVE_ROOM_ENTER"}):
        assert READER.read(nothing) is None


def test_a_paid_comment_is_a_message() -> None:
    """A 醒目留言 is asked aloud too; its number cannot be taken for that of a comment."""
    data = {"message": "为什么？", "message_id": 77, "open_id": "o1", "uname": "小明", "timestamp": NOW, "rmb": 30}
    for name in ("LIVE_OPEN_PLATFORM_SUPER_CHAT", "OPEN_LIVEROOM_SUPER_CHAT"):
        message = READER.read({"cmd": name, "data": data})
        assert isinstance(message, Message)
        assert (message.external_id, message.text) == ("sc:77", "为什么？")


def test_whom_a_comment_replies_to_stands_in_front() -> None:
    """As people write it in other chats; a reply to the broadcaster is spoken to the stage."""
    assert read(reply_uname="小 红：").text == "@小红 为什么？"
    assert read(reply_uname="x" * 99).text == f"@{'x' * 24} 为什么？"
    assert read(reply_uname="小红", msg="@小红 为什么？").text == "@小红 为什么？"
    assert read(reply_uname="讲者").text == "为什么？"
    assert read(reply_uname="讲者", reply_open_id="another").text == "@讲者 为什么？"
    assert read(reply_uname="renamed", reply_open_id="host-id").text == "为什么？"
    assert read(reply_uname="").text == read(reply_uname=7).text == "为什么？"


def test_a_time_that_cannot_be_is_ours() -> None:
    """A comment without a sane time was said now."""
    for wrong in (0, None, "x", True, math.nan, math.inf, NOW * 1000, 10**400, NOW + 9999, []):
        assert read(timestamp=wrong).at == NOW
    assert read(timestamp=NOW + 60).at == NOW + 60


def test_what_should_be_a_comment_and_is_none() -> None:
    """Without words, author or id it is unreadable, and the error quotes nothing."""
    for part in ("msg", "msg_id", "open_id"):
        for wrong in (None, [], {"private-words": 1}, True):
            with pytest.raises(Unreadable) as error:
                READER.read(comment(**{part: wrong}))
            assert "private-words" not in str(error.value)
    with pytest.raises(Unreadable):
        READER.read(comment(msg_id="x" * 201))
    with pytest.raises(Unreadable):
        READER.read({"cmd": "LIVE_OPEN_PLATFORM_DM", "data": []})


def test_half_a_character_becomes_a_whole_one() -> None:
    """What JSON can carry and UTF-8 cannot is replaced."""
    message = read(msg="a\ud800", uname="\udfff", open_id="o\ud83d")
    assert "".join((message.text, message.author_name, message.author)).encode()


def test_the_end_of_another_session_is_not_ours() -> None:
    """An app that is open several times in a room hears of every end."""
    end = {"cmd": "LIVE_OPEN_PLATFORM_INTERACTION_END", "data": {"game_id": "game-2", "timestamp": 1}}
    assert READER.read(end) is None
    assert READER.read({**end, "data": {"game_id": "game-1"}}) is Happening.OVER
    assert READER.read({**end, "data": {}}) is Happening.OVER


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_in_any_field(value: object) -> None:
    """A comment with anything in a field is a message that can be stored, nothing, or unreadable."""
    for name in ("msg", "msg_id", "open_id", "uname", "timestamp", "dm_type", "reply_uname", "reply_open_id"):
        try:
            message = READER.read(comment(**{name: value}))
        except Unreadable:
            continue
        if isinstance(message, Message):
            "".join((message.text, message.author, message.author_name, message.external_id)).encode()
            assert math.isfinite(message.at)


# What refusals mean


def said(code: int, message: str = "", server_time: float | None = None) -> ConnectorError:
    error = trouble(Answer(code, message, server_time=server_time), NOW)
    assert "\n" not in str(error)
    assert f"(code {code})" in str(error)
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4001, "access_key_id"),
        (4002, "access_key_secret"),
        (4007, "IP白名单"),
        (5011, "not published"),
        (6011, "no live room"),
        (7007, "身份码"),
        (8002, "app_id"),
        (-101, "access token has expired"),
        (-658, "access token has expired"),
    ],
)
def test_what_waiting_does_not_heal_is_refused(code: int, words: str) -> None:
    """Each has a line of its own that says what to put right."""
    error = said(code)
    assert isinstance(error, Refused)
    assert words in str(error)


def test_what_passes_is_tried_again() -> None:
    """A wait that Bilibili asks for is kept, and the rest is tried again after ours."""
    assert isinstance(cooling := said(7001), TryLater)
    assert cooling.seconds == 10
    assert isinstance(said(4009), TryLater)
    for code in (4004, 5000, 7002, 7008, 7010, 12345):
        assert not isinstance(said(code), Refused | TryLater)
    assert "still open" in str(said(7002))
    assert "not live" in str(said(12345, "直播间未开播"))
    assert isinstance(said(12346, "access_token 已过期"), Refused)


def test_words_that_could_repeat_a_secret_are_not_shown() -> None:
    """An unknown answer is named by its code alone."""
    assert "private-words" not in str(said(12345, "bad private-words"))


def test_a_clock_that_is_off_is_named_with_how_much() -> None:
    """Where the answer says what time it is, the line says which way and how far."""
    assert "20 minutes ahead" in str(said(4003, server_time=NOW - 1200))
    assert "20 minutes behind" in str(said(4003, server_time=NOW + 1200))
    assert "more than ten minutes" in str(said(4003))
    assert not isinstance(said(4003), Refused)


def test_the_reading_of_a_full_frame_is_quick() -> None:
    """A frame of as many comments as may be in one is read in a fraction of the time in which one may come."""
    bodies = [json.dumps(comment(msg_id=str(n))).encode() for n in range(MOST_PACKETS - 1)]
    frame, began = framed(ZLIB, *bodies), time.process_time()
    assert sum(isinstance(READER.read(read_json(p.body)), Message) for p in unpack(frame)) == MOST_PACKETS - 1
    assert time.process_time() - began < 2
