"""The Satori connector: what it reads, hears and says, also with a server that misbehaves."""

import asyncio
import json
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.satori import KIND, Satori, SatoriOptions
from bot.connectors.satori import client as satori_client
from bot.connectors.satori.elements import LONGEST, read, write
from bot.connectors.satori.mapper import Event, Reader, packed, place_of, unpacked
from bot.errors import ConnectorError, Refused, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Button, Delivery
from tests.bot.connectors.listening import running
from tests.fake_floor import FakeFloor, question
from tests.fake_satori import ANN, BOB, GROUP, ME, PRIVATE, TOKEN, FakeSatori, Json, login_of
from tests.waiting import until

AROUND = Surroundings(time.time, "", "en", lambda _: b"")


@pytest.fixture
async def server() -> AsyncIterator[FakeSatori]:
    async with FakeSatori() as fake:
        yield fake


def made(server: FakeSatori, token: str = TOKEN, **options: Any) -> Satori:
    return Satori("satori", server.url, token, "talk", **options)


def listening(server: FakeSatori, floor: FakeFloor, **options: Any) -> AbstractAsyncContextManager[Satori]:
    return running(made(server, **options), floor)


def delivery(chat: str = "discord/bot-1/g%2F1", message: str = "m1", sent_id: str = "", *buttons: Button) -> Delivery:
    return Delivery("k", "talk", Address("satori", chat, message, "discord:11"), "1 < 2 & 3", buttons, sent_id=sent_id)


# What it reads


@pytest.mark.parametrize(
    ("content", "text", "mentioned"),
    [
        ("Why is the sky blue?", "Why is the sky blue?", False),
        ("1 &lt; 2 &amp;amp; &#x4e3a;&#20160;", "1 < 2 &amp; 为什", False),
        ('<at id="bot-1"/> why?', "why?", True),
        ('<at id="7" name="Bob"/> said<br/>so', "@Bob said\nso", False),
        ("<at type='all'/> hi <sharp id=\"3\"/>", "@all hi #3", False),
        ('<quote id="1"><author id="2"/>what he said</quote>and me', "and me", False),
        ('<quote id="1"/>a reply', "a reply", False),
        ('<p>one</p><p>two <b>bold</b> <img src="x.png"/></p>', "one\ntwo bold", False),
        ('<a href="https://x.org/?a=1&amp;b=2">link</a>', "link", False),
        ("<!-- said by nobody -->1 > 0", "1 > 0", False),
        ("an open <bracket", "an open <bracket", False),
        ("half a \ud800 pair", "half a \ufffd pair", False),
    ],
)
def test_elements_become_plain_text(content: str, text: str, mentioned: bool) -> None:
    """Markup goes, mentions of the bot go, quotes of others go, and what people wrote stays."""
    assert read(content, "bot-1") == (text, mentioned)


@given(st.text())
def test_whatever_is_sent_is_read_as_it_was(text: str) -> None:
    """Escaping and reading give the words back, and no text becomes an element."""
    assert read(write(text, "m"), "bot-1") == read(write(text), "bot-1")
    assert read(write(text), "bot-1").text.split() == text.replace("\0", "").split()


@given(st.text(alphabet="<>/&;='\" abt#x!-\n", max_size=2000))
def test_no_content_is_too_strange_to_read(content: str) -> None:
    """Any content gives a text."""
    assert isinstance(read(content, "a").text, str)


@pytest.mark.parametrize("piece", ["<", "<a ", '<a b="', "<!--", "&", "<quote>", "a=", "<at id='"])
def test_hostile_content_is_read_in_no_time(piece: str) -> None:
    """No repetition makes reading slow."""
    began = time.monotonic()
    read(piece * LONGEST, "a")
    assert time.monotonic() - began < 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
FIELDS = sorted(Event.model_fields)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_any_event_is_read_or_refused(raw: Any) -> None:
    """Whatever JSON an event is, it becomes a message, nothing, or a `ValueError`."""
    try:
        event = Event.model_validate(raw)
    except ValueError:
        return
    Reader("satori", "talk", time.time).read(event, {})


REFERRER = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.none() | REFERRER)
def test_a_referrer_survives_the_address(message: str, referrer: dict[str, str] | None) -> None:
    """What a reply needs is found again in the address."""
    assert unpacked(packed(message, referrer)) == (message, referrer or None)


def test_a_huge_referrer_is_left_out() -> None:
    """What does not fit is not kept; the reply may then be refused, and nothing else suffers."""
    assert unpacked(packed("m", {"x": "y" * 2000})) == ("m", None)


def reading(**fields: Any) -> Any:
    body = {
        "sn": 7,
        "type": "message-created",
        "timestamp": time.time() * 1000,
        "login": login_of(),
        "user": ANN,
        "channel": GROUP,
        "message": {"id": "m1", "content": "why?"},
    }
    return Reader("satori", "talk", lambda: 1_800_000_000.0, True).read(Event.model_validate(body | fields), {})


def test_a_wrong_clock_is_not_believed() -> None:
    """A time more than a day off, or none at all, becomes now."""
    assert reading(timestamp=0).at == reading(timestamp=math.inf).at == 1_800_000_000.0
    assert reading(timestamp=1_799_999_990_500).at == 1_799_999_990.5


def test_older_servers_are_understood() -> None:
    """Before version 1.2 an event had `id`, `platform` and `self_id` instead of `sn` and `login`."""
    body = {"id": 9, "sn": None, "login": None, "platform": "kook", "self_id": 5}
    event = {k: v for k, v in body.items() if v is not None}
    message = Reader("satori", "talk", time.time).read(
        Event.model_validate(
            {
                **event,
                "type": "message-created",
                "user": {"id": 4},
                "channel": {"id": 3},
                "message": {"id": 2, "content": "?"},
            }
        ),
        {},
    )
    assert message is not None
    assert message.address is not None
    assert place_of(message.address.chat) == ("kook", "5", "3")
    assert message.external_id == "kook:3:2"


# What it hears


async def test_a_question_reaches_the_floor(server: FakeSatori) -> None:
    """A line of a group arrives with who said it, where and when; platform, account and channel are in the address."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        said = await server.says("Why is the sky blue?", BOB)
        await until(lambda: floor.messages)
    (message,) = floor.messages
    assert (message.text, message.author, message.author_name) == ("Why is the sky blue?", "discord:12", "Bobby")
    assert (message.session, message.source, message.explicit) == ("talk", "satori", False)
    assert message.external_id == "discord:g/1:m1"
    assert message.at == said["timestamp"] / 1000
    assert message.address == Address("satori", "discord/bot-1/g%2F1", "m1", "discord:12", private=False)


@pytest.mark.parametrize(
    ("content", "channel"),
    [("/ask Why?", GROUP), ('<at id="bot-1"/> Why?', GROUP), ("Why?", PRIVATE)],
)
async def test_what_is_addressed_to_the_bot_is_explicit(server: FakeSatori, content: str, channel: Json) -> None:
    """/ask, a mention and a private message are questions without being judged."""
    floor = FakeFloor()
    async with listening(server, floor, every_message=False):
        await server.connected.wait()
        await server.says("just chat")
        await server.says(content, channel=channel)
        await until(lambda: floor.messages)
    (message,) = floor.messages
    assert (message.text, message.explicit) == ("Why?", True)
    assert message.address
    assert message.address.private is (channel is PRIVATE)


async def test_what_the_bot_said_and_other_channels_are_ignored(server: FakeSatori) -> None:
    """Own messages, other bots and channels that are not listed make no question; private ones always do."""
    floor = FakeFloor()
    async with listening(server, floor, channels=["g/1"]):
        await server.connected.wait()
        await server.says("own", {"id": ME["id"]})
        await server.says("another bot", {"id": "9", "is_bot": True})
        await server.says("elsewhere", channel={"id": "g2", "type": 0})
        await server.says("nothing: <img src='x'/>".replace("nothing: ", ""))
        await server.says("private", channel=PRIVATE)
        await server.says("here")
        await until(lambda: len(floor.messages) == 2)
    assert floor.texts == ["private", "here"]


async def test_a_lost_connection_is_resumed_where_it_broke(server: FakeSatori) -> None:
    """The number of the last stored event is sent, what was missed comes, and nothing counts as missed."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await server.says("one")
        await until(lambda: floor.texts == ["one"])
        await server.drop()
        await server.says("two")
        await until(lambda: floor.texts == ["one", "two"])
    assert [body.get("sn") for body in server.identified] == [None, 101]
    assert "sequence" in server.identified[1]
    assert floor.heard == ["connected", f"lost: {satori_client.LOST}", "connected, complete"]


async def test_after_a_long_time_something_may_be_missing(server: FakeSatori) -> None:
    """Servers keep what was missed for some minutes; after that the connection is not called complete."""
    floor = FakeFloor()
    floor.cursors["satori"] = f"100@{time.time() - 600:.0f}"
    async with listening(server, floor):
        await until(lambda: floor.heard)
    assert server.identified[0]["sn"] == 100
    assert floor.heard == ["connected"]


@pytest.mark.parametrize("failure", ["fail_next", "crash_next"])
async def test_what_cannot_be_stored_comes_again(server: FakeSatori, failure: str) -> None:
    """An event that was not stored, even the very first, is asked for again and counts once."""
    floor, satori = FakeFloor(), made(server)
    setattr(floor, failure, 1)
    first = asyncio.create_task(satori.run(floor))
    await server.connected.wait()
    await server.says("one")
    await asyncio.wait([first])
    assert floor.messages == []
    async with running(satori, floor):
        await until(lambda: floor.texts == ["one"])


async def test_a_redelivered_message_counts_once(server: FakeSatori) -> None:
    """The same event twice is one message."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        event = await server.says("one")
        await server.sends(event)
        await server.says("two")
        await until(lambda: floor.texts == ["one", "two"])


async def test_a_wrong_token_is_refused(server: FakeSatori) -> None:
    """The close code of a wrong token, or a 401, ends it for good; the text says what to do and not the token."""
    for handshake in (None, web.Response(status=401)):
        server.handshake = handshake
        satori = made(server, "wrong-token")
        with pytest.raises(Refused, match="Copy it again") as caught:
            await satori.run(FakeFloor())
        assert "wrong-token" not in str(caught.value)
        await satori.close()


@pytest.mark.parametrize("greeting", ["<html>Bad gateway</html>", "[]", '{"op": 0}', '{"op": 4, "body": 1}'])
async def test_something_else_at_the_address_is_named(server: FakeSatori, greeting: str) -> None:
    """What does not greet as a Satori server is none, and the text says what to check."""
    server.greeting = greeting
    satori = made(server)
    with pytest.raises(ConnectorError, match="Check `url`"):
        await satori.run(FakeFloor())
    server.handshake = web.Response(text="<html>", content_type="text/html")
    with pytest.raises(ConnectorError, match="Check `url`"):
        await satori.run(FakeFloor())
    await satori.close()


async def test_a_server_that_is_away_is_named() -> None:
    """Nobody listens at the address: the text says so."""
    satori = Satori("satori", "http://127.0.0.1:9", TOKEN, "talk")
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await satori.run(FakeFloor())
    await satori.close()


async def test_a_silent_server_is_left(server: FakeSatori, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings keep the connection alive; where none is answered it counts as lost."""
    monkeypatch.setattr(satori_client, "PING_EVERY", 0.02)
    monkeypatch.setattr(satori_client, "SILENCE", 0.2)
    satori, floor = made(server), FakeFloor()
    task = asyncio.create_task(satori.run(floor))
    await until(lambda: server.pings > 15)
    assert not task.done()
    server.hang = True
    with pytest.raises(ConnectorError, match="fell silent"):
        await task
    await satori.close()


async def breaks(server: FakeSatori, payload: bytes) -> None:
    """The connection ends by it and another begins. What is sent on one that is ending anyway is sent again."""
    before = len(server.identified)
    for _ in range(20):
        await server.connected.wait()
        server.sends_raw(payload)
        for _ in range(25):
            if len(server.identified) > before:
                return
            await asyncio.sleep(0.02)
    raise AssertionError("it stays connected")


async def heard_at_last(server: FakeSatori, floor: FakeFloor) -> None:
    """A line that is said on a connection which is about to break is said again on the next."""
    for attempt in range(10):
        await server.connected.wait()
        await server.says(f"still here {attempt}")
        for _ in range(50):
            if any("still here" in text for text in floor.texts):
                return
            await asyncio.sleep(0.02)
    raise AssertionError(floor.texts)


async def test_hostile_frames_are_survived(server: FakeSatori, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes, the next line is heard; what people wrote is in no log."""
    caplog.set_level(logging.DEBUG, logger="bot")
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        for payload in (
            b"",
            b"null",
            b"{}",
            b"[" * 50_000,
            b'{"op":0,"body":{"type":"secret words","message":7}}',
        ):
            await server.connected.wait()
            server.sends_raw(payload)
        for payload in (b"\xff", b"x" * 2_000_000):
            await breaks(server, payload)
        await heard_at_last(server, floor)
    assert "secret words" not in caplog.text


async def test_no_account_signed_in_is_a_notice(server: FakeSatori) -> None:
    """A server without an online account lets us in and gives us nothing: people are told."""
    server.logins = [login_of() | {"status": 0}]
    floor = FakeFloor()
    async with listening(server, floor):
        await until(lambda: len(floor.heard) == 2)
    assert floor.heard[1].startswith("notice: Satori: no account")


async def test_pressed_buttons_count(server: FakeSatori) -> None:
    """A vote and a "this does not answer it" reach the floor; a press on what is gone does no harm."""
    floor = FakeFloor(question("q1"))
    async with listening(server, floor, buttons=True):
        await server.connected.wait()
        for button in ("vote:gone", "vote:q1", "not_answered:q1", "else"):
            await server.presses(button)
        await until(lambda: floor.not_answered_by)
    assert floor.votes == {("q1", "discord:11")}


# What it says


async def test_a_reply_is_escaped_and_quotes(server: FakeSatori) -> None:
    """What is said goes to the channel with the account that heard the question, as text, quoting it."""
    satori = made(server, buttons=True)
    assert await satori.send(delivery("discord/bot-1/g%2F1", "m1", "", Button("vote", "q1", "Me <too>"))) == "s1"
    method, body, headers = server.calls[0]
    assert method == "message.create"
    assert body == {
        "channel_id": "g/1",
        "content": '<quote id="m1"/>1 &lt; 2 &amp; 3<button id="vote:q1" type="action">Me &lt;too&gt;</button>',
    }
    assert headers["X-Platform"] == "discord"
    await satori.close()


async def test_a_referrer_goes_back_with_the_reply(server: FakeSatori) -> None:
    """QQ takes a reply only with what came along with the question."""
    floor = FakeFloor()
    async with listening(server, floor) as satori:
        await server.connected.wait()
        await server.says("why?", referrer={"msg_id": "x", "seq": 1})
        await until(lambda: floor.messages)
        address = floor.messages[0].address
        assert address
        await satori.send(Delivery("k", "talk", address, "so"))
    assert server.calls[0][1]["referrer"] == {"msg_id": "x", "seq": 1}
    assert server.calls[0][1]["content"] == '<quote id="m1"/>so'


async def test_what_was_said_is_edited(server: FakeSatori) -> None:
    """With `edit` the sent message changes; one that is gone is said anew."""
    satori = made(server, edit=True)
    sent = await satori.send(delivery())
    assert await satori.send(delivery(sent_id=sent)) == sent
    assert server.messages[sent] == "1 &lt; 2 &amp; 3"
    assert await satori.send(delivery(sent_id="gone")) == "s2"
    await satori.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (web.Response(status=429, headers={"Retry-After": "7"}), TryLater),
        (web.Response(status=403), Refused),
        (web.Response(status=404), Refused),
        (web.Response(status=401), ConnectorError),
        (web.Response(status=502, text="<html>"), ConnectorError),
        (web.Response(text="<html>"), ConnectorError),
        (web.Response(text="[" * 300_000), ConnectorError),
    ],
)
async def test_refusals_are_told_apart(server: FakeSatori, answer: web.Response, error: type[ConnectorError]) -> None:
    """To wait, to give up and to try again are three things."""
    satori = made(server)
    server.answers.append(answer)
    with pytest.raises(error) as caught:
        await satori.send(delivery())
    assert type(caught.value) is error
    if isinstance(caught.value, TryLater):
        assert caught.value.seconds == 7.0
    await satori.close()


async def test_a_strange_address_is_refused(server: FakeSatori) -> None:
    """An address that this connector never made is refused."""
    with pytest.raises(Refused):
        await made(server).send(delivery("nowhere"))


async def test_trying_out_names_the_accounts(server: FakeSatori) -> None:
    """`floormic connect satori` says who is signed in at the server, or that nobody is."""
    options = SatoriOptions.model_validate({"url": server.url, "token": TOKEN})
    assert await KIND.try_out(options, AROUND) == "The Satori server lets us in; signed in there: Floormic (discord)."
    server.logins = []
    assert "no account" in await KIND.try_out(options, AROUND)
    assert json.loads(options.model_dump_json())["url"] == server.url


async def test_accounts_without_end_are_not_kept_without_end() -> None:
    """A server that announces one account after the other: the newest thousand are enough."""
    satori, floor = Satori("satori", "http://127.0.0.1:1", "", "talk"), FakeFloor()
    for sn in range(3000):
        account = {"sn": sn, "platform": "discord", "user": {"id": f"me{sn}"}, "status": 1}
        await satori._take(floor, {"type": "login-added", "login": account})
    assert len(satori._logins) <= 1000
    said = {"id": "m", "content": "is there a recording?"}
    event = {"type": "message-created", "login": {"sn": 2999}, "channel": {"id": "c"}, "message": said}
    await satori._take(floor, {**event, "user": {"id": "me2999"}})
    assert floor.messages == []
    await satori._take(floor, {**event, "user": {"id": "somebody"}})
    assert floor.texts == ["is there a recording?"]
    await satori.close()
