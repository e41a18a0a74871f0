"""Kuaishou: the official push and the web feed, against platforms that misbehave."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from bot.connectors.kuaishou import KIND, KuaishouFeed, KuaishouOptions, KuaishouPush
from bot.connectors.kuaishou.client import RENEW_BEFORE, Client
from bot.connectors.kuaishou.connector import LONGEST_BODY, OTHER_ROOM
from bot.connectors.kuaishou.feed import COPY_ANEW, ENCRYPTED, SILENT, Pass
from bot.connectors.kuaishou.kind import BIND
from bot.connectors.kuaishou.troubles import (
    ENDED,
    NO_PERMISSION,
    NOT_LIVE,
    WRONG_KEY,
    WRONG_ROOM,
    WRONG_SIGNATURE,
)
from bot.errors import ConnectorError, Refused, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Delivery
from tests.bot.connectors.listening import posted
from tests.fake_floor import FakeFloor
from tests.fake_kuaishou import (
    APP_ID,
    FEED_TOKEN,
    PAGE,
    ROOM,
    SECRET,
    START,
    STREAM,
    FakeFeed,
    FakeKuaishou,
    answer,
    comment,
    drop,
    feed_push,
    hang,
    message,
    number,
    page,
)
from tests.waiting import until

Json = dict[str, Any]
ANN = {"content": "为什么天是蓝的？", "userInfo": {"userId": "f1", "userName": "安", "headUrl": ""}}


@pytest.fixture
async def server() -> AsyncIterator[FakeKuaishou]:
    """Whatever a test is about, the bot makes no wrong request."""
    async with FakeKuaishou() as fake:
        yield fake
    assert fake.faults == []


@pytest.fixture
async def feed() -> AsyncIterator[FakeFeed]:
    async with FakeFeed() as fake:
        yield fake


def made(server: FakeKuaishou, *, secret: str = SECRET, room: str = ROOM, **options: Any) -> KuaishouPush:
    now = options.pop("now", time.time)
    given = {"base_url": server.url, "bind_route": options.pop("route", BIND), "now": now, "answer": 0.5}
    client = Client(APP_ID, secret, room, **given)
    options = {"check": 60.0, **options}
    connector = KuaishouPush("kuaishou", client, app_secret=secret, room_code=room, session="talk", now=now, **options)
    server.pushes_to(connector)
    return connector


@asynccontextmanager
async def listening(connector: Any, floor: FakeFloor) -> AsyncIterator[asyncio.Task[None]]:
    """Until `floor` hears that it is connected; closed at the end."""
    task = asyncio.create_task(connector.run(floor))
    try:
        await until(lambda: floor.heard or task.done())
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ConnectorError):
            await task
        await connector.close()


async def trouble(connector: Any) -> ConnectorError:
    """What `run` raises; one line that holds no secret."""
    with pytest.raises(ConnectorError) as caught:
        async with asyncio.timeout(5):
            await connector.run(FakeFloor())
    await connector.close()
    text = str(caught.value)
    assert "\n" not in text
    assert not [s for s in (SECRET, FEED_TOKEN, "ChFvYXV0aC5hY2Nlc3NUb2tlbg") if s in text]
    return caught.value


# The push


@pytest.mark.parametrize("route", [BIND, START])
async def test_a_room_is_bound_heard_and_let_go(server: FakeKuaishou, route: str) -> None:
    """By either route: signed, bound once with a token of the app, heard, and unbound when the program ends."""
    floor = FakeFloor()
    async with listening(made(server, route=route), floor):
        assert floor.heard == ["connected"]
        assert server.bound
        reply = await server.push(server.pushed(ANN, id="u1"))
        assert (reply.status, json.loads(reply.body)) == (200, {"result": 1})
        (heard,) = floor.messages
        assert (heard.source, heard.session, heard.external_id) == ("kuaishou", "talk", "u1")
        assert (heard.author, heard.author_name, heard.text, heard.address) == ("f1", "安", "为什么天是蓝的？", None)
        assert abs(heard.at - time.time()) < 5
    assert not server.bound
    assert [what for what, _ in server.calls] == ["token", "start", "status", "stop"]


async def test_a_redelivery_changes_nothing(server: FakeKuaishou) -> None:
    """The same unique_message_id is accepted again and stands there once."""
    floor = FakeFloor()
    async with listening(made(server), floor):
        for _ in range(3):
            assert (await server.push(server.pushed(ANN, id="u1"))).status == 200
    assert len(floor.messages) == 1


async def test_nothing_is_answered_before_it_is_stored(server: FakeKuaishou) -> None:
    """Where the store fails, the answer is no 1, and Kuaishou pushes again."""
    floor = FakeFloor()
    async with listening(made(server), floor):
        floor.fail_next = 1
        reply = await server.push(server.pushed(ANN, id="u1"))
        assert (reply.status, json.loads(reply.body)["result"]) == (503, 0)
        assert floor.messages == []
        assert (await server.push(server.pushed(ANN, id="u1"))).body == b'{"result": 1}'
        assert len(floor.messages) == 1


async def test_only_genuine_pushes_are_taken(server: FakeKuaishou) -> None:
    """A wrong signature, another method, too much, or nonsense: each has its status, and nothing is stored."""
    floor, body = FakeFloor(), server.pushed(ANN)
    connector = made(server)
    assert (await connector.hook(posted({"kwaisign": server.kwaisign(body)}, body))).status == 503  # not yet running
    async with listening(connector, floor):
        assert (await connector.hook(posted({}, body))).status == 403
        assert (await server.push(body, server.kwaisign(body + b" "))).status == 403
        get = posted({"kwaisign": server.kwaisign(body)}, body, "GET")
        assert (await connector.hook(get)).status == 403
        assert (await server.push(b" " * (LONGEST_BODY + 1))).status == 413
        assert (await server.push(b"<html>")).status == 400
        assert floor.messages == []


async def test_an_old_push_is_no_push(server: FakeKuaishou) -> None:
    """Outside a day nothing is taken, and the organiser reads that a clock is wrong, until pushes are right again."""
    floor = FakeFloor()
    async with listening(made(server), floor):
        stale = server.pushed(ANN, timestamp=int((time.time() - 90000) * 1000))
        assert (await server.push(stale)).status == 403
        assert "s away from this computer's clock" in floor.heard[-1]
        assert (await server.push(server.pushed(ANN))).status == 200
        assert floor.heard[-1] == "connected"


async def test_another_rooms_comments_are_not_ours(server: FakeKuaishou) -> None:
    """They are acknowledged and left, with a line for the organiser."""
    floor = FakeFloor()
    async with listening(made(server), floor):
        body = json.loads(server.pushed(ANN))
        body["data"]["room_code"] = "another"
        assert (await server.push(json.dumps(body).encode())).status == 200
        assert floor.heard[-1] == f"notice: {OTHER_ROOM}"
        assert floor.messages == []


async def test_gifts_and_likes_are_acknowledged(server: FakeKuaishou) -> None:
    """Kuaishou need not push them again, and nobody asked anything."""
    floor = FakeFloor()
    async with listening(made(server), floor):
        for kind in ("giftSend", "liveLike", "anything"):
            assert (await server.push(server.pushed({"count": 3}, type=kind))).status == 200
        assert floor.messages == []


async def test_the_token_is_renewed_before_it_ends(server: FakeKuaishou) -> None:
    """Long before its end there is a new one, and the room stays bound."""
    clock = [time.time()]
    floor = FakeFloor()
    server.token_life = 7200
    async with listening(made(server, now=lambda: clock[0], check=0.02), floor) as task:
        await until(lambda: len(server.asked("status")) > 2)
        assert len(server.asked("token")) == 1
        clock[0] += 7200 - RENEW_BEFORE - 60
        server.ahead = clock[0] - time.time()
        before = len(server.asked("status"))
        await until(lambda: len(server.asked("status")) > before + 2)
        assert len(server.asked("token")) == 1
        clock[0] += 61
        server.ahead = clock[0] - time.time()
        await until(lambda: len(server.asked("token")) == 2)
        await asyncio.sleep(0.1)
        assert len(server.asked("token")) == 2
        assert not task.done()
        assert floor.heard == ["connected"]


@pytest.mark.parametrize("life", [None, 0, -5, "x", 1e308, True])
async def test_a_token_without_a_sane_end_is_used_for_a_while(server: FakeKuaishou, life: Any) -> None:
    """Whatever expires_in holds, the room is bound."""
    server.token_life = life
    floor = FakeFloor()
    async with listening(made(server), floor):
        assert floor.heard == ["connected"]


async def test_a_room_left_bound_by_a_crash_is_taken_over(server: FakeKuaishou) -> None:
    """Where binding is refused because it is bound, that is as good."""
    for route in (BIND, START):
        server.bound = True
        floor = FakeFloor()
        async with listening(made(server, route=route), floor):
            assert floor.heard == ["connected"]


async def test_the_end_of_the_live_is_noticed(server: FakeKuaishou) -> None:
    """When Kuaishou has unbound the room, the source is lost with a line that says so, and nothing is unbound twice."""
    floor = FakeFloor()
    async with listening(made(server, check=0.02), floor) as task:
        await until(lambda: len(server.asked("status")) > 1)
        server.bound = False
        with pytest.raises(ConnectorError) as caught:
            await task
        assert str(caught.value) == ENDED
    assert server.asked("stop") == []


async def test_a_status_that_says_something_else_is_not_believed(server: FakeKuaishou) -> None:
    """Where a bound room's number is another than expected, the source does not come and go."""
    server.states = {True: 2, False: 1}
    floor = FakeFloor()
    async with listening(made(server, check=0.02), floor) as task:
        await until(lambda: len(server.asked("status")) > 3)
        assert not task.done()
        assert floor.heard == ["connected"]


async def test_a_wrong_secret_is_refused_for_good(server: FakeKuaishou) -> None:
    """Waiting does not heal it."""
    error = await trouble(made(server, secret="another-secret"))
    assert isinstance(error, Refused)
    assert str(error) == WRONG_KEY


async def test_an_app_without_permission_is_refused_for_good(server: FakeKuaishou) -> None:
    """A token that is refused as soon as it was given is not a matter of time."""
    server.permitted = False
    error = await trouble(made(server))
    assert isinstance(error, Refused)
    assert str(error) == NO_PERMISSION


async def test_a_token_that_was_revoked_is_replaced(server: FakeKuaishou) -> None:
    """Another program of the same app may have asked for one: the next run asks anew."""
    floor = FakeFloor()
    connector = made(server, check=0.02)
    async with listening(connector, floor) as task:
        server.tokens.clear()
        with pytest.raises(ConnectorError) as caught:
            await task
        assert not isinstance(caught.value, Refused)
        assert "token" in str(caught.value)
        again = asyncio.create_task(connector.run(floor))
        await until(lambda: floor.heard == ["connected", "connected"])
        again.cancel()


async def test_a_room_that_is_not_live_is_tried_again(server: FakeKuaishou) -> None:
    """The line says to start the live."""
    server.live = False
    error = await trouble(made(server))
    assert not isinstance(error, Refused)
    assert str(error) == NOT_LIVE


async def test_a_wrong_room_code_has_its_line(server: FakeKuaishou) -> None:
    """The line says where to get the right one."""
    assert str(await trouble(made(server, room="other"))) == WRONG_ROOM


async def test_a_wrong_signature_is_refused_for_good(server: FakeKuaishou) -> None:
    """Where the token was given all the same, the line names the secret."""
    server.will("start", answer(result=100110001, errorMsg="sign 校验失败"))
    error = await trouble(made(server))
    assert isinstance(error, Refused)
    assert str(error) == WRONG_SIGNATURE


@pytest.mark.parametrize("ahead", [5000, -5000])
async def test_a_clock_that_is_off_has_its_line(server: FakeKuaishou, ahead: float) -> None:
    """It says which way and by how much, whatever else the refusal says."""
    server.ahead = ahead
    text = str(await trouble(made(server)))
    assert text.startswith("this computer's clock is ")
    assert ("behind" if ahead > 0 else "ahead of") in text
    assert "Set the clock" in text


@pytest.mark.parametrize("where", ["token", "start"])
async def test_a_web_page_has_its_line(server: FakeKuaishou, where: str) -> None:
    """HTML from a proxy or a wrong address is told apart, with its status."""
    for status in (200, 502):
        server.will(where, page(status))
        error = await trouble(made(server))
        assert f"a web page and not data (HTTP {status})" in str(error)
        assert not isinstance(error, Refused)


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        (drop(), "cannot be reached"),
        (hang(1.0), "cannot be reached (TimeoutError)"),
        (answer(status=500, result=0), "a fault of its own (HTTP 500)"),
        (answer(result=100200500, error="internal"), "gives no token now (error 100200500)"),
        (answer(result=1), "gives no token now"),
        (answer(result="1", access_token="x"), "gives no token now"),
        (answer(result=1, access_token="x", pad="x" * 70_000), "far more than it should"),
    ],
)
async def test_other_troubles_are_tried_again(server: FakeKuaishou, mood: Any, said: str) -> None:
    """Each has its line, and none is for good."""
    server.will("token", mood)
    error = await trouble(made(server))
    assert said in str(error)
    assert not isinstance(error, Refused)


async def test_an_unknown_refusal_names_its_number(server: FakeKuaishou) -> None:
    """So that it can be looked up; what else the platform says is not repeated."""
    server.will("start", answer(result=42, errorMsg=f"private {SECRET}"))
    assert "(error 42)" in str(await trouble(made(server)))


async def test_a_wait_that_is_asked_for_is_told(server: FakeKuaishou) -> None:
    """429 with and without Retry-After."""
    server.will("start", answer(status=429, headers={"Retry-After": "7"}), answer(status=429))
    for seconds in (7.0, 60.0):
        error = await trouble(made(server))
        assert isinstance(error, TryLater)
        assert error.seconds == seconds


async def test_who_gives_the_source_up_lets_the_room_go_before_another_has_it(server: FakeKuaishou) -> None:
    """When `run` is over it is unbound, and what closes later leaves it to whoever bound it since."""
    connector, floor = made(server), FakeFloor()
    task = asyncio.create_task(connector.run(floor))
    await until(lambda: floor.heard)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert not server.bound
    server.bound = True
    await connector.close()
    assert server.bound


async def test_a_room_is_let_go_however_often_it_is_told_to_end(server: FakeKuaishou) -> None:
    """Cancelled once more while Kuaishou unbinds the room, and closed at once, it waits for that."""
    connector, floor = made(server), FakeFloor()
    task = asyncio.create_task(connector.run(floor))
    await until(lambda: floor.heard)
    server.will("stop", hang(0.2))
    task.cancel()
    await until(lambda: server.asked("stop"))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await connector.close()
    assert not server.bound
    assert len(server.asked("stop")) == 1


async def test_closing_waits_for_nobody(server: FakeKuaishou, caplog: pytest.LogCaptureFixture) -> None:
    """A platform that does not answer does not hold the program back; the log says that the room stays bound."""
    floor = FakeFloor()
    connector = made(server)
    async with listening(connector, floor):
        server.will("stop", hang(30))
    assert "the room stays bound" in caplog.text
    assert "ChFvYXV0aC5hY2Nlc3NUb2tlbg" not in caplog.text


# The web feed


def follow(feed: FakeFeed, **options: Any) -> KuaishouFeed:
    given = Pass(options.pop("socket", feed.url), options.pop("token", FEED_TOKEN), STREAM, PAGE)
    return KuaishouFeed("kuaishou", given, "talk", **{"beat": 20.0, "patience": 1.0, **options})


async def test_the_feed_is_entered_and_heard(feed: FakeFeed) -> None:
    """Comments packed or not arrive, hidden ones do not, and what was sent before the entry is not lost."""
    floor = FakeFloor()
    feed.first = [feed_push(comment("early?", id="c0"))]
    async with listening(follow(feed), floor):
        await feed.send(feed_push(comment("为什么？", id="c1"), comment("安赞了这个直播", show=2)))
        await feed.send(message(340, b"\xff\xff"))
        await feed.send(feed_push(comment("and?", id="c2"), packed=True))
        await until(lambda: len(floor.messages) == 3)
    assert floor.texts == ["early?", "为什么？", "and?"]
    assert [m.external_id for m in floor.messages] == [f"{STREAM}:c{n}" for n in range(3)]
    assert floor.heard == ["connected"]


async def test_what_the_feed_says_while_the_disk_is_full_waits(feed: FakeFeed) -> None:
    """It says nothing twice: what could not be stored is, in its order, as soon as there is room."""
    floor = FakeFloor()
    async with listening(follow(feed), floor) as task:
        floor.fail_next = 2
        for text in ("one", "two", "three"):
            await feed.send(feed_push(comment(text, id=text)))
        await until(lambda: len(floor.messages) == 3)
        assert not task.done()
    assert floor.texts == ["one", "two", "three"]
    waiting = "notice: What is said cannot be stored now (the disk is full); {} comments wait in memory."
    assert floor.heard == ["connected", waiting.format(1), waiting.format(2), "connected"]


async def test_what_waits_is_stored_when_the_feed_is_left(feed: FakeFeed) -> None:
    """Nothing that was heard goes with the program, where there is room by then."""
    floor = FakeFloor()
    async with listening(follow(feed), floor):
        floor.fail_next = 1
        await feed.send(feed_push(comment("the last", id="c1")))
        await until(lambda: len(floor.heard) == 2)
        assert floor.messages == []
    assert floor.texts == ["the last"]


async def test_the_feed_sets_the_pace_of_the_heartbeats(feed: FakeFeed) -> None:
    """heartbeatIntervalMs is kept, but for one that would flood it."""
    feed.interval = 1
    floor = FakeFloor()
    async with listening(follow(feed), floor):
        await asyncio.sleep(1.3)
        assert len(feed.heartbeats) == 1


async def test_a_silent_feed_is_left(feed: FakeFeed) -> None:
    """One that does not even answer heartbeats is dead."""
    feed.answers_beats = False
    floor = FakeFloor()
    async with listening(follow(feed, beat=0.05), floor) as task:
        with pytest.raises(ConnectorError) as caught:
            await task
        assert str(caught.value) == SILENT


async def test_an_encrypted_feed_has_its_line(feed: FakeFeed) -> None:
    """It stays connected, and the organiser reads what to use instead, once."""
    floor = FakeFloor()
    async with listening(follow(feed), floor):
        for _ in range(3):
            await feed.send(message(310, b"x" * 32, compression=3))
        await feed.send(feed_push(comment("readable?", id="c1")))
        await until(lambda: floor.messages)
    assert floor.heard == ["connected", f"notice: {ENCRYPTED}"]


async def test_a_used_up_token_has_its_line(feed: FakeFeed) -> None:
    """The platform's number stands in it, and what to copy anew."""
    text = str(await trouble(follow(feed, token="used-up")))
    assert "error 601" in text
    assert COPY_ANEW in text


async def test_a_feed_that_does_not_answer_has_its_line(feed: FakeFeed) -> None:
    """Nobody waits for ever to be let in."""
    feed.lets_in = False
    assert "does not let us in" in str(await trouble(follow(feed, patience=0.1)))
    feed.lets_in, feed.first = True, [message(340)] * 200
    assert "does not let us in" in str(await trouble(follow(feed)))


async def test_no_feed_at_the_address_has_its_line(feed: FakeFeed) -> None:
    """A web page, a closed door, a name that is none."""
    feed.html = True
    assert "no web feed at web_socket (HTTP 200)" in str(await trouble(follow(feed)))
    for socket in ("ws://127.0.0.1:1/x", "ws://[::1"):
        assert "no web feed at web_socket" in str(await trouble(follow(feed, socket=socket)))


async def test_something_else_than_a_feed_is_left(feed: FakeFeed) -> None:
    """A few bad frames are skipped; when nothing else comes, it is no feed."""
    floor = FakeFloor()
    async with listening(follow(feed), floor) as task:
        for _ in range(20):
            await feed.send(b"\xff")
        await feed.send(feed_push(comment("still?", id="c1")))
        await until(lambda: floor.messages)
        for _ in range(51):
            await feed.send(b"\xff")
        with pytest.raises(ConnectorError) as caught:
            await task
        assert "something else" in str(caught.value)


@pytest.mark.parametrize("state", ["handshake", "entering", "listening"])
async def test_a_break_has_its_line(feed: FakeFeed, state: str) -> None:
    """In whatever state the connection breaks, the next run can begin."""
    feed.breaks.add(state)
    assert str(await trouble(follow(feed)))
    floor = FakeFloor()
    async with listening(follow(feed), floor):
        assert floor.heard == ["connected"]


async def test_nothing_is_pushed_to_a_feed(feed: FakeFeed) -> None:
    """A push to a source that follows the feed is turned away."""
    assert (await follow(feed).hook(posted({}, b"{}"))).status == 403


# The kind


def around(now: Any = time.time) -> Surroundings:
    return Surroundings(now, "https://floor.example", "zh", lambda purpose: b"0123456789abcdef" * 2)


def options(**given: Any) -> KuaishouOptions:
    return KuaishouOptions.model_validate({"session": "talk", **given})


async def test_trying_out_asks_and_changes_nothing(server: FakeKuaishou) -> None:
    """It says that the app is known, or why not, and neither binds nor unbinds."""
    given = options(app_id=APP_ID, app_secret=SECRET, room_code=ROOM, base_url=server.url)
    assert "knows the app" in await KIND.try_out(given, around())
    server.bound = True
    assert "is bound already" in await KIND.try_out(given, around())
    assert server.bound
    wrong = options(app_id=APP_ID, app_secret="wrong", room_code=ROOM, base_url=server.url)
    with pytest.raises(Refused):
        await KIND.try_out(wrong, around())


async def test_trying_out_the_feed(feed: FakeFeed) -> None:
    """It enters and leaves."""
    given = options(web_feed=True, web_socket=feed.url, web_token=FEED_TOKEN, live_stream_id=STREAM)
    assert "lets us in" in await KIND.try_out(given, around())
    wrong = options(web_feed=True, web_socket=feed.url, web_token="x", live_stream_id=STREAM)
    with pytest.raises(ConnectorError):
        await KIND.try_out(wrong, around())


async def test_its_kind_is_complete() -> None:
    """Either way makes its connector; what is missing is named; the feed is off unless it is asked for."""
    push = options(app_id="a", app_secret="b", room_code="c")
    assert not push.web_feed
    assert push.problems("https://floor.example") == []
    assert [field for field, _ in push.problems("http://floor.example")] == ["base_url"]
    assert [field for field, _ in options().problems("https://x")] == ["app_id", "app_secret", "room_code"]
    needed = ["web_socket", "web_token", "live_stream_id"]
    assert [field for field, _ in options(web_feed=True).problems("")] == needed
    feed = options(web_feed=True, web_socket="wss://x/websocket", web_token="t", live_stream_id="s")
    assert feed.problems("") == []
    for given, kind in ((push, KuaishouPush), (feed, KuaishouFeed)):
        connector = KIND.make(given, around())
        assert isinstance(connector, kind)
        with pytest.raises(Refused):
            await connector.send(Delivery("k", "talk", Address("kuaishou", "c"), "x"))
        await connector.close()
    assert KIND.called
    assert set(KIND.guide) == set(KIND.titles) == {"zh", "en"}


def test_aiohttp_hides_what_its_errors_would_tell() -> None:
    """The reason why only the names of its errors are used: their texts hold the address, and that the token."""
    assert "token=x" in str(aiohttp.InvalidURL("https://a/?token=x"))


def test_numbers_of_the_fake_are_those_of_the_wire() -> None:
    """The fake's own encoder writes what the wire format's document shows for 150 in field 1."""
    assert number(1, 150) == bytes.fromhex("089601")
