"""WeChat Channels: what listeners forward, read and taken in."""

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.channels import KIND, Channels, ChannelsOptions
from bot.connectors.channels.codec import (
    LONGEST_BODY,
    LONGEST_INFLATED,
    MOST_EVENTS,
    Comment,
    Forwarded,
    TooLong,
    inflated,
    read,
)
from bot.connectors.channels.connector import SILENT, WAITING
from bot.errors import BadInput, Refused, SettingsError
from bot.kinds import Surroundings
from bot.model import Address, Delivery
from bot.ports import HookReply
from tests.bot.connectors.listening import posted, running
from tests.fake_floor import FakeFloor

SECRET = "0123456789abcdef-secret"
NOW = 1_703_169_500.0
Json = dict[str, Any]

COMMENT: Json = {
    "msg_time": 1703169491593,
    "msg_sub_type": 1,
    "decoded_type": "comment",
    "msg_id": "finderlive_usermsg_comment_9V1pD-9rrIJr1GFSXo",
    "sec_openid": "v8_060000e2fc50@flstranger",
    "content": "弹幕",
    "nickname": "bot",
    "seq": "11",
}
ENTER: Json = {
    "msg_time": 1703169678279,
    "msg_sub_type": 10005,
    "decoded_type": "enter",
    "msg_id": "finderlive_sysmsg_joinlive_20426031GFSXo",
    "sec_openid": "v8_06000fc50@flstranger",
    "content": "bot来了",
    "nickname": "bot",
    "seq": "12",
}


def forwarded(*events: Json, live: str = "2042602950") -> Json:
    host = {"wechat_uin": "5995", "finder_username": "v2_060000231003b203@finder"}
    return {"host_info": host, "live_info": {"live_id": live, "online_count": 1}, "events": list(events)}


def item(text: str, seq: int, **fields: Any) -> Json:
    common = {
        "type": 1,
        "clientMsgId": f"comment_{seq}",
        "seq": str(seq),
        "content": text,
        "nickname": "安",
        "username": "v8_a",
    }
    return common | fields


def old_answer(*items: Json, live: str = "77") -> Json:
    app = [{"msgType": 20009, "seq": "90", "clientMsgId": "gift", "payload": "e30="}]
    data = {"liveInfo": {"liveId": live, "onlineCnt": 3}, "msgList": list(items), "appMsgList": app}
    return {"errCode": 0, "errMsg": "request successful", "data": data}


def new_answer(*items: Json) -> Json:
    snake = [{re.sub("([A-Z])", r"_\1", k).lower(): v for k, v in one.items()} for one in items]
    return {"errCode": 0, "data": {"respJsonStr": json.dumps({"msg_list": snake, "app_msg_list": []})}}


def raw(body: Any) -> bytes:
    return json.dumps(body).encode()


class Setup:
    """A running intake and the floor it feeds."""

    def __init__(self, **options: Any) -> None:
        self.floor = FakeFloor()
        self.channels = Channels("channels", SECRET, "talk", now=lambda: NOW, **options)

    async def post(self, body: Any, headers: Json | None = None, **query: str) -> HookReply:
        given = body if isinstance(body, bytes) else raw(body)
        reply = await self.channels.hook(
            posted({"X-Floormic-Secret": SECRET} if headers is None else headers, given, **query)
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return reply


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[Setup]:
    setup = Setup(**options)
    async with running(setup.channels, setup.floor):
        await asyncio.sleep(0)
        yield setup


# Reading


def test_the_forwarded_comment_is_read() -> None:
    """The published sample of a comment gives its text, its sender and its time."""
    assert read(raw(forwarded(COMMENT))) == Forwarded(
        (
            Comment(
                "2042602950:finderlive_usermsg_comment_9V1pD-9rrIJr1GFSXo",
                "v8_060000e2fc50@flstranger",
                "bot",
                "弹幕",
                1703169491.593,
            ),
        )
    )


def test_who_enters_says_nothing() -> None:
    """The published sample of an entry gives no comment."""
    assert read(raw(forwarded(ENTER))) == Forwarded()


@pytest.mark.parametrize("body", [{"decoded_data": forwarded(COMMENT)}, forwarded(COMMENT)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_wrapping_is_the_same(body: Json, pack: Any) -> None:
    """Wrapped in decoded_data or not, with gzip or without, a body says the same."""
    assert read(pack(raw(body))) == read(raw(forwarded(COMMENT)))


@pytest.mark.parametrize("answer", [old_answer, new_answer])
def test_the_consoles_answers_are_read(answer: Any) -> None:
    """Both shapes of the console's answer give the comments alone: no entries, gifts, or what the broadcaster says."""
    items = (
        item("为什么天是蓝的？", 1),
        item("来了", 2, type=10005),
        item("大家好", 3, isSelf=True),
        item("", 4),
        item("and why?", 5, clientMsgId=None, username="v8_b"),
    )
    ours = {"listener": 1, "live_id": "77", "answer": answer(*items)}
    assert read(raw(ours)) == Forwarded(
        (
            Comment("77:comment_1", "v8_a", "安", "为什么天是蓝的？"),
            Comment("77:5", "v8_b", "安", "and why?"),
        ),
        beats=True,
    )


def test_an_answer_without_its_live_is_told_apart_by_the_sender() -> None:
    """Numbers begin anew with each broadcast: the same number of another sender is another comment."""
    first, second = (read(raw(new_answer(item("？", 1, clientMsgId="", username=u)))) for u in ("a", "b"))
    assert first.comments[0].id != second.comments[0].id
    assert first == read(raw(new_answer(item("？", 1, clientMsgId="", username="a"))))


def test_the_live_id_stands_before_the_message_id() -> None:
    """The same number in another broadcast is another comment."""
    ids = {read(raw(old_answer(item("？", 1), live=live))).comments[0].id for live in ("1", "2", "1")}
    assert ids == {"1:comment_1", "2:comment_1"}


def test_an_error_of_the_console_is_no_empty_answer() -> None:
    """errCode is told, so that an expired login does not look like silence."""
    assert read(raw({"errCode": 300330, "errMsg": "login", "data": None})) == Forwarded(error=300330)
    inside = {"listener": 1, "live_id": "", "answer": {"errCode": 300330}}
    assert read(raw(inside)) == Forwarded(beats=True, error=300330)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"1",
        b"{}",
        b'{"data": {}}',
        b'{"data": {"respJsonStr": "<"}}',
        b"[" * 100_000,
        b"\x1f\x8b",
    ],
)
def test_what_is_none_of_the_shapes_is_refused(body: bytes) -> None:
    """Anything else has an expected error that says why."""
    with pytest.raises(BadInput):
        read(body)


def test_a_bomb_is_not_inflated() -> None:
    """A few bytes that become very many end in an error before they have."""
    bomb = gzip.compress(b" " * (LONGEST_INFLATED + 1))
    assert len(bomb) < LONGEST_BODY
    with pytest.raises(TooLong):
        read(bomb)


def test_limits_are_kept() -> None:
    """A body that is too long, and too many events, are told apart from nonsense."""
    with pytest.raises(TooLong):
        read(b" " * (LONGEST_BODY + 1))
    with pytest.raises(TooLong):
        read(gzip.compress(raw(forwarded(*[{"a": 1}] * (MOST_EVENTS + 1)))))
    with pytest.raises(BadInput):
        inflated(gzip.compress(b"x" * 1000)[:-12])


def test_hostile_fields_cost_only_their_event() -> None:
    """Wrong types, endless names and half characters spoil nothing else."""
    wrong: list[Any] = [
        None,
        1,
        [],
        {},
        {"decoded_type": "comment"},
        COMMENT | {"content": {"a": 1}},
        COMMENT | {"msg_id": [], "seq": None},
    ]
    odd = COMMENT | {"content": "\ud800" + "长" * 9000, "nickname": "n" * 900, "msg_time": 10**400, "msg_id": 7}
    (comment,) = read(raw(forwarded(*wrong, odd))).comments
    assert (len(comment.text), len(comment.name), comment.at, comment.id) == (2000, 200, None, "2042602950:7")
    comment.text.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "decoded_type",
    "msg_id",
    "seq",
    "content",
    "nickname",
    "sec_openid",
    "msg_time",
    "type",
    "isSelf",
    "username",
)
events = st.dictionaries(st.sampled_from(FIELDS), json_values | st.just("comment") | st.just(1))
near = st.fixed_dictionaries(
    {},
    optional={
        "events": st.lists(events) | json_values,
        "live_info": json_values,
        "decoded_data": json_values,
        "answer": json_values,
        "errCode": json_values,
        "data": st.fixed_dictionaries({"msgList": st.lists(events) | json_values}) | json_values,
    },
)


@given(near | json_values, st.booleans())
def test_any_json_is_read_or_refused(body: Any, pack: bool) -> None:
    """Whatever fields hold, the outcome is comments that can be stored, or the expected error."""
    data = raw(body)
    try:
        found = read(gzip.compress(data) if pack else data)
    except BadInput:
        return
    for comment in found.comments:
        assert comment.id
        assert comment.user
        assert comment.text.encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever arrives, as itself or as what gzip begins with, never another exception."""
    for body in (data, b"\x1f\x8b" + data, gzip.compress(data), zlib.compress(data)):
        try:
            read(body)
        except BadInput:
            continue


# Taking in


async def test_a_comment_reaches_the_floor() -> None:
    """What is forwarded is a message that nobody can be replied to, and the answer counts it."""
    async with listening() as setup:
        reply = await setup.post(forwarded(COMMENT, ENTER))
        assert (reply.status, json.loads(reply.body)) == (200, {"accepted": 1, "new": 1})
        (message,) = setup.floor.messages
        assert (message.session, message.source, message.author_name, message.text) == (
            "talk",
            "channels",
            "bot",
            "弹幕",
        )
        assert (message.at, message.address, message.explicit) == (1703169491.593, None, False)
        reply = await setup.post(forwarded(COMMENT, COMMENT))
        assert json.loads(reply.body) == {"accepted": 2, "new": 0}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"X-Floormic-Secret": SECRET}, {}),
        ({"Authorization": f"Bearer {SECRET}"}, {}),
        ({"Authorization": f"bearer {SECRET}"}, {}),
        ({}, {"key": SECRET}),
    ],
)
async def test_the_secret_may_stand_in_three_places(headers: Json, query: Json) -> None:
    """A header of ours, the usual one, or the address, for listeners that only know an address."""
    async with listening() as setup:
        assert (await setup.post(forwarded(COMMENT), headers, **query)).status == 200


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"X-Floormic-Secret": SECRET[:-1]}, {}),
        ({"X-Floormic-Secret": SECRET + "x"}, {}),
        ({"X-Floormic-Secret": "\udcff"}, {}),
        ({"Authorization": f"Basic {SECRET}"}, {}),
        ({"X-Floormic-Secret": "wrong"}, {"key": SECRET}),
        ({}, {"key": ""}),
        ({}, {"secret": SECRET}),
    ],
)
async def test_without_the_secret_nothing_is_taken(headers: Json, query: Json) -> None:
    """No secret, a part of it, one in another place: 403, and nothing is stored or said about it."""
    async with listening() as setup:
        assert (await setup.post(forwarded(COMMENT), headers, **query)).status == 403
        assert (await setup.channels.hook(posted(headers, b"", "GET", **query))).status == 403
        assert setup.floor.messages == []
        assert setup.floor.heard == [f"notice: {WAITING}"]


async def test_not_stored_means_try_again() -> None:
    """When the store fails the listener hears 503 and the comment is taken the next time."""
    async with listening() as setup:
        setup.floor.fail_next = 1
        reply = await setup.post(forwarded(COMMENT))
        assert (reply.status, reply.headers) == (503, (("Retry-After", "5"),))
        assert (await setup.post(forwarded(COMMENT))).status == 200
        assert setup.floor.texts == ["弹幕"]


async def test_before_it_runs_it_asks_to_try_again() -> None:
    """A post that comes while the program starts is neither lost nor taken."""
    setup = Setup()
    assert (await setup.post(forwarded(COMMENT))).status == 503


async def test_bad_bodies_have_their_status() -> None:
    """400 for nonsense, with a line for the organiser; 413 for too much."""
    async with listening() as setup:
        assert (await setup.post(b"<html>")).status == 400
        assert "not understood: the body is no JSON" in setup.floor.heard[-1]
        assert (await setup.post(b" " * (LONGEST_BODY + 1))).status == 413


async def test_the_listener_is_watched() -> None:
    """Connected with its first word; lost when one that should speak up is silent; connected again with the next."""
    async with listening(quiet=0.05) as setup:
        empty = {"listener": 1, "live_id": "7", "answer": old_answer()}
        await setup.post(empty)
        assert setup.floor.heard == [f"notice: {WAITING}", "connected"]
        await asyncio.sleep(0.1)
        assert setup.floor.heard[2:] == [f"lost: {SILENT}"]
        await setup.post(empty)
        assert setup.floor.heard[3:] == ["connected"]


async def test_another_listener_may_be_silent() -> None:
    """One that forwards only what was said is not taken for lost in a quiet minute."""
    async with listening(quiet=0.02) as setup:
        await setup.post(forwarded(COMMENT))
        await asyncio.sleep(0.1)
        assert setup.floor.heard == [f"notice: {WAITING}", "connected"]


async def test_an_expired_login_is_said() -> None:
    """When the console is signed out, the organiser reads what to do."""
    async with listening() as setup:
        await setup.post({"listener": 1, "live_id": "", "answer": {"errCode": 300330}})
        assert setup.floor.heard[-1].startswith("lost: the login to the WeChat Channels console has expired. Scan")
        await setup.post({"errCode": 12})
        assert "error 12" in setup.floor.heard[-1]


async def test_a_time_that_cannot_be_is_ours() -> None:
    """A listener whose clock is off by more than a day does not spoil the order of the questions."""
    async with listening() as setup:
        await setup.post(forwarded(COMMENT | {"msg_time": 1}, COMMENT | {"msg_id": "b", "msg_time": 1703169400}))
        assert [m.at for m in setup.floor.messages] == [NOW, 1703169400.0]


async def test_it_hands_the_listener_out() -> None:
    """Who knows the secret gets the script with address and secret filled in, and no cache keeps it."""
    for public, host, expected in (
        ("https://floor.example", "x", "https://floor.example/in/channels"),
        ("", "10.0.0.7:8080", "http://10.0.0.7:8080/in/channels"),
        ("", "evil/'\"<", "http://127.0.0.1:8080/in/channels"),
    ):
        channels = Channels("channels", SECRET, "talk", now=lambda: NOW, public_url=public)
        reply = await channels.hook(posted({"Host": host}, b"", "GET", key=SECRET))
        script = reply.body.decode()
        assert reply.status == 200
        assert reply.content_type.startswith("text/javascript")
        assert ("Cache-Control", "no-store") in reply.headers
        assert f"const ADDRESS = {json.dumps(expected)};" in script
        assert f"const SECRET = {json.dumps(SECRET)};" in script
        assert f"// @connect      {expected.split('/')[2].partition(':')[0]}\n" in script


async def test_through_a_real_server() -> None:
    """aiohttp unpacks a body that says it is gzip; one that does not say so is unpacked by us: both arrive."""
    async with listening() as setup:

        async def hook(request: web.Request) -> web.Response:
            reply = await setup.channels.hook(posted(request.headers, await request.read(), **dict(request.query)))
            return web.Response(status=reply.status, body=reply.body)

        app = web.Application()
        app.router.add_post("/in/channels", hook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/in/channels"
        async with aiohttp.ClientSession() as http:
            for n, headers in enumerate(({"Content-Encoding": "gzip"}, {})):
                body = gzip.compress(raw(forwarded(COMMENT | {"msg_id": str(n)})))
                async with http.post(url, params={"key": SECRET}, data=body, headers=headers) as answer:
                    assert answer.status == 200
        await runner.cleanup()
        assert [m.external_id for m in setup.floor.messages] == ["2042602950:0", "2042602950:1"]


async def test_nothing_is_said_there() -> None:
    """A delivery is refused for good, for there is no way to send."""
    channels = Setup().channels
    with pytest.raises(Refused):
        await channels.send(Delivery("k", "talk", Address("channels", "77"), "hello"))
    assert not channels.abilities.reply
    assert not channels.abilities.stable_users


async def test_its_kind_is_complete() -> None:
    """Options make a connector; trying out says where the listener is; a weak secret is refused."""
    around = Surroundings(lambda: NOW, "https://floor.example", "zh", lambda purpose: b"")
    options = ChannelsOptions.model_validate({"secret": SECRET, "session": "talk"})
    assert isinstance(KIND.make(options, around), Channels)
    said = await KIND.try_out(options, around)
    assert "https://floor.example/in/channels?key=" in said
    assert SECRET not in said
    assert KIND.called
    assert set(KIND.guide) == set(KIND.titles) == {"zh", "en"}
    with pytest.raises(SettingsError):
        Channels("channels", "short", "talk", now=lambda: NOW)
