"""Kuaishou: signatures, pushes and the web feed's frames, read and written."""

import gzip
import hashlib
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.kuaishou import codec
from bot.connectors.kuaishou.codec import BadFrame, Encrypted, FeedComment, Frame, read_comments, read_frame
from bot.connectors.kuaishou.mapper import feed_messages, push_messages, read_push
from bot.connectors.kuaishou.signing import genuine, sign
from bot.errors import BadInput
from tests.fake_kuaishou import chunk, comment, feed_push, message, number

NOW = 1_616_134_890.0
FEED = bytes.fromhex(
    "08b60210011ad2010a043237333512053236e4b8872a4312140a0859474831363937331208e885942ee8b0832c1a17e79c8be4bda0e79a8469"
    "64e58aa0e4bda0e5a5bde58f8b220854534b4952513d3d380142062003320208042a4f121f0a0f337873396b74333934797467386969120ce6"
    "989fe59f8ee5a4a7e597a81a1ee6989fe59f8ee5a4a7e597a8e8b59ee4ba86e8bf99e4b8aae79bb4e692ad22087553566b6e773d3d38024200"
    "422d121f0a0f337873396b74333934797467386969120ce6989fe59f8ee5a4a7e597a822087553566b6e773d3d2a0020e8b995c9842f"
)
"""A push as it was recorded and published by others, with one comment and one text of the platform's own."""

ENTER_TOKEN = (
    "/l8iYZXBoIXXFGZKrinnYKdmSg5ypMkXtQrYoeaCwBSSpZoBxl/Unto3ZXCZ9izswBq/YQ5sLb3UgnHaN9nQKjeCkMykmlHszPmsSxyNhwDBGAqVrv"
    "Vh5hHnwEQa85pedNzibGUUndXnfIirCC+m9JmGoiPnuZPAQGzO2rJFEKY="
)
Json = dict[str, Any]


# Signatures


def test_a_request_is_signed_as_documented() -> None:
    """Sorted pairs without empty ones and without sign, joined by &, and the secret: `md5sum` agrees."""
    given = {"timestamp": 1700000000000, "roomCode": "abc", "roundId": "", "sign": "x", "app_id": "ks1"}
    plain = b"app_id=ks1&roomCode=abc&timestamp=1700000000000secret"
    assert sign(given, "secret") == hashlib.md5(plain).hexdigest() == "a523a3df1791243349bf78e6fdf2924d"


def test_a_push_is_genuine_by_its_raw_body() -> None:
    """kwaisign is the md5 of the raw body and the secret: `printf '{}secret' | md5sum` agrees."""
    right = "27c48657ade44c9eb1a76d47c863006e"
    assert genuine(right, b"{}", "secret")
    assert genuine(f" {right.upper()} ", b"{}", "secret")
    for wrong in ("", right[:-1], right[:-1] + "0", right + "0", "\ud800", "é"):
        assert not genuine(wrong, b"{}", "secret")
    assert not genuine(right, b"{} ", "secret")
    assert not genuine(right, b"{}", "secret2")


# Pushes


def push(**data: Any) -> bytes:
    common = {"unique_message_id": "u1", "room_code": "r", "push_type": "liveComment"}
    whole = {"event": "LIVE_INTERACTION_DATA", "app_id": "ks1", "timestamp": 1616134888680, "data": common | data}
    return json.dumps(whole).encode()


def said(text: Any, user: Any = "u", name: Any = "n") -> Json:
    return {"content": text, "userInfo": {"userId": user, "userName": name, "headUrl": ""}}


def test_a_push_is_read() -> None:
    """Each comment is a message of its own, the first under the push's id, in order."""
    read = read_push(push(payload=[said("为什么？", 7, "安"), said(" "), said("and?", None), "x", said({"a": 1})]))
    assert (read.room, read.at) == ("r", 1616134888.68)
    found = push_messages(read, "kuaishou", "talk", 5.0)
    assert [(m.external_id, m.author, m.author_name, m.text, m.at) for m in found] == [
        ("u1", "7", "安", "为什么？", 5.0),
        ("u1#2", "u1#2", "n", "and?", 5.0),
    ]
    assert not any(m.address or m.explicit for m in found)


@pytest.mark.parametrize(
    "body",
    [
        push(payload=[said("thanks")], push_type="giftSend"),
        push(payload=[said("x")], push_type="liveLike"),
        push(payload=[said("x")], unique_message_id=""),
        push(payload={"content": "x"}),
        push().replace(b"LIVE_INTERACTION_DATA", b"LIVE_INTERACTION_DATA_TEST"),
        b'{"data": "{"}',
        b"{}",
    ],
)
def test_gifts_likes_and_tests_say_nothing(body: bytes) -> None:
    """A push without a comment gives no message, and no error: Kuaishou shall not send it again."""
    assert read_push(body).said == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
pushes = st.fixed_dictionaries(
    {"event": st.just("LIVE_INTERACTION_DATA")},
    optional={
        "timestamp": json_values,
        "data": json_values
        | st.fixed_dictionaries(
            {"push_type": st.just("liveComment"), "unique_message_id": json_values | st.just("u")},
            optional={
                "room_code": json_values,
                "payload": json_values
                | st.lists(st.fixed_dictionaries({"content": json_values, "userInfo": json_values}), max_size=4),
            },
        ),
    },
)


@given(pushes | json_values)
def test_any_push_is_read_or_refused(body: Any) -> None:
    """Whatever its fields hold, the outcome is messages that can be stored, or the expected error."""
    try:
        read = read_push(json.dumps(body).encode())
    except BadInput:
        return
    for one in push_messages(read, "kuaishou", "talk", NOW):
        assert one.external_id
        assert one.author
        assert one.text
        (one.external_id + one.author + one.author_name + one.text).encode()


@given(st.binary(max_size=300))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Never another exception than the expected one."""
    try:
        read_push(body)
    except BadInput:
        return


# The web feed


def test_the_recorded_push_is_read() -> None:
    """Published by others: one comment; the platform's own text is dropped; the server's time is the comment's."""
    frame = read_frame(FEED)
    assert (frame.type, frame.at) == (310, 1616134888680)
    (one,) = feed_messages(frame, "y3TJDzsL5Js", "kuaishou", "talk", NOW, 86400.0)
    assert (one.author, one.author_name, one.text, one.at) == ("YGH16973", "腔.调,", "看你的id加你好友", 1616134888.68)
    assert [c.show for c in read_comments(frame.payload)] == [1, 2]


def test_entering_is_written_as_it_was_recorded() -> None:
    """Our frame is byte for byte the recorded one but for its token, which is ours."""
    frame = codec.enter("token", "y3TJDzsL5Js", "UvQNiwLRzk84glFv_1616467210321")
    assert frame.hex() == (
        "08c8011a34"
        "0a05746f6b656e"
        "120b7933544a447a734c354a73"
        "3a1e5576514e69774c527a6b3834676c46765f31363136343637323130333231"
    )


def test_a_long_token_is_measured_in_two_bytes() -> None:
    """The recorded token of 172 characters makes the recorded lengths: 220 for the payload, 172 for the token."""
    assert len(ENTER_TOKEN) == 172
    frame = codec.enter(ENTER_TOKEN, "y3TJDzsL5Js", "UvQNiwLRzk84glFv_1616467210321")
    assert frame.startswith(bytes.fromhex("08c8011adc010aac01") + b"/l8iYZXB")
    assert frame.endswith(
        bytes.fromhex("120b") + b"y3TJDzsL5Js" + bytes.fromhex("3a1e") + b"UvQNiwLRzk84glFv_1616467210321"
    )


def test_a_heartbeat_is_written() -> None:
    """Its only field is the time in milliseconds."""
    assert codec.heartbeat(1.5) == message(1, number(1, 1500)).replace(number(2, 1), b"")


@pytest.mark.parametrize("packed", [False, True])
def test_comments_are_read_packed_or_not(packed: bool) -> None:
    """All fields that count, between fields that do not."""
    frame = read_frame(
        feed_push(comment("为什么？", id="c1", at=1616134888001), comment("liked", show=2), packed=packed)
    )
    assert read_comments(frame.payload) == [
        FeedComment("c1", "3xann", "安", "为什么？", 1, 1616134888001),
        FeedComment("", "3xann", "安", "liked", 2, 0),
    ]


def test_a_comment_without_an_id_gets_one() -> None:
    """The same comment of the same moment has the same id; another moment, person or text has another."""
    frames = [
        feed_push(comment("why?"), at=1616134888001),
        feed_push(comment("why?"), at=1616134888001, packed=True),
        feed_push(comment("why?"), at=1616134889001),
        feed_push(comment("why?", user="3xbob"), at=1616134888001),
        feed_push(comment("how?"), at=1616134888001),
    ]
    ids = [feed_messages(read_frame(f), "s", "kuaishou", "talk", NOW, 86400.0)[0].external_id for f in frames]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert all(id.startswith("s:") for id in ids)


def test_a_time_that_cannot_be_is_ours() -> None:
    """Far from the clock, the time of arrival counts."""
    (one,) = feed_messages(read_frame(feed_push(comment("why?", at=5))), "s", "kuaishou", "talk", NOW, 86400.0)
    assert one.at == NOW


def test_one_bad_comment_spoils_no_other() -> None:
    """What cannot be read is left out."""
    frame = read_frame(feed_push(b"\x12\x7f", comment("why?")))
    assert [c.text for c in read_comments(frame.payload)] == ["why?"]


def test_the_last_of_several_fields_counts() -> None:
    """As the wire format says, and unknown kinds of fields pass by."""
    data = number(1, 5) + b"\x19" + bytes(8) + b"\x1d" + bytes(4) + number(1, 310) + chunk(3, "x")
    assert read_frame(data) == Frame(310, b"x")


def test_numbers_for_negative_values_are_read() -> None:
    """Ten bytes hold 64 bits; more is an error."""
    assert read_frame(b"\x08" + b"\xff" * 9 + b"\x01").type == 2**64 - 1
    with pytest.raises(BadFrame):
        read_frame(b"\x08" + b"\xff" * 10)


def test_what_is_encrypted_is_told_apart() -> None:
    """So that the organiser can be told."""
    with pytest.raises(Encrypted):
        read_frame(message(310, b"x" * 32, compression=3))


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x0b",
        b"\x1a\x05abc",
        message(310, b"no gzip", compression=2),
        message(310, gzip.compress(b"x", mtime=0)[:-9], compression=2),
        message(310, gzip.compress(bytes(codec.LONGEST_INFLATED + 1), mtime=0), compression=2),
        bytes(codec.LONGEST_FRAME + 1),
        number(7, 1) * (codec.MOST_FIELDS + 1),
    ],
)
def test_bad_frames_are_expected(data: bytes) -> None:
    """Cut off, unknown, too long, a bomb: each ends in the one error."""
    with pytest.raises(BadFrame):
        read_frame(data)


def test_intervals_and_errors_are_read() -> None:
    """Both acknowledgements hold one number that counts."""
    assert codec.read_interval(number(1, 100) + number(3, 20000)) == 20.0
    assert codec.read_interval(b"") == 0.0
    assert codec.read_error(number(1, 601) + chunk(2, "x")) == 601


@given(st.binary(max_size=400), st.sampled_from([0, 1, 2, 3]))
def test_any_bytes_are_a_frame_or_an_error(data: bytes, compression: int) -> None:
    """As frames, as payloads and as comments: nothing but the expected error, and messages that can be stored."""
    packed = gzip.compress(data) if compression == 2 else data
    for raw in (data, message(310, data, compression), message(310, packed, compression), feed_push(data)):
        try:
            messages = feed_messages(read_frame(raw), "s", "kuaishou", "talk", NOW, 86400.0)
        except BadFrame:
            continue
        for one in messages:
            (one.external_id + one.author + one.author_name + one.text).encode()
            assert abs(one.at - NOW) < 86400.0
    for read in (codec.read_interval, codec.read_error):
        try:
            read(data)
        except BadFrame:
            continue


texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60).map(str.strip)


@given(st.lists(st.tuples(texts, texts, st.integers(0, 2**63), texts), max_size=6), st.booleans())
def test_what_is_written_is_read(lines: list[tuple[str, str, int, str]], packed: bool) -> None:
    """Any texts and numbers come back as they were."""
    frame = feed_push(*(comment(t, u, n, id="i", at=at) for t, u, at, n in lines), packed=packed)
    got = [(c.text, c.user, c.time, c.name) for c in read_comments(read_frame(frame).payload)]
    assert got == lines


@given(st.binary(max_size=200), st.integers(0, 2**32))
def test_frames_come_back(payload: bytes, type: int) -> None:
    """Our own frames read as what they were made of."""
    assert read_frame(codec.write_frame(type, payload)) == Frame(type, payload)


def test_deflate_without_a_header_is_no_gzip() -> None:
    """Only gzip is taken for gzip."""
    with pytest.raises(BadFrame):
        read_frame(message(310, zlib.compress(b"x"), compression=2))
