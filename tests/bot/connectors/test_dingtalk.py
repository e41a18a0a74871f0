"""The DingTalk connector: what it hears through dingtalk-stream and says, also with a server that misbehaves."""

import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.dingtalk import BAD_KEY, KIND, LOST, NO_STREAM, DingTalk, DingTalkOptions
from bot.errors import ConnectorError, Refused, SettingsError, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Delivery
from tests.bot.connectors.listening import running
from tests.fake_dingtalk import CLIENT, GROUP, ME, SECRET, FakeDingTalk, refusal
from tests.fake_floor import FakeFloor
from tests.waiting import until

pytestmark = pytest.mark.peer  # dingtalk-stream, which others wrote, is the client of our fake
AROUND = Surroundings(time.time, "", "en", lambda _: b"")


@pytest.fixture
async def server() -> AsyncIterator[FakeDingTalk]:
    async with FakeDingTalk() as fake:
        yield fake


def made(server: FakeDingTalk, client: str = CLIENT, secret: str = SECRET, **options: Any) -> DingTalk:
    return DingTalk("dingtalk", client, secret, "talk", base_url=server.base_url, **options)


def listening(server: FakeDingTalk, floor: FakeFloor) -> AbstractAsyncContextManager[DingTalk]:
    return running(made(server), floor)


def delivery(chat: str = f"group/{GROUP}") -> Delivery:
    return Delivery("k", "talk", Address("dingtalk", chat, "", "11", chat.startswith("user")), "so")


async def test_a_question_reaches_the_floor(server: FakeDingTalk) -> None:
    """What mentions the robot in a group arrives with who said it, where and when, and is acknowledged."""
    floor = FakeFloor()
    async with listening(server, floor):
        said = await server.says(" Why?")
        await until(lambda: floor.messages and not server.unacknowledged)
    (message,) = floor.messages
    assert (message.text, message.author, message.author_name) == ("Why?", "11", "Person 11")
    assert (message.session, message.source, message.explicit) == ("talk", "dingtalk", True)
    assert (message.external_id, message.at) == (said["msgId"], said["createAt"] / 1000)
    assert message.address == Address("dingtalk", f"group/{GROUP}", said["msgId"], "11", private=False)


async def test_private_and_rich_messages_are_heard(server: FakeDingTalk) -> None:
    """A private message is answered to its person; who is not of the organisation cannot be answered in private."""
    floor, rich = FakeFloor(), {"richText": [{"text": "rich "}, {"downloadCode": "x"}, {"text": "text"}]}
    async with listening(server, floor):
        asked = await server.says("/ask mine", direct=True)
        await server.says("", msgtype="richText", content=rich)
        await server.says("guest", direct=True, senderStaffId=None)
        await server.says("", msgtype="picture", content={"downloadCode": "x"})
        await server.says("own", senderId=ME)
        await until(lambda: len(floor.messages) == 3 and not server.unacknowledged)
    mine, text, guest = floor.messages
    assert mine.address == Address("dingtalk", "user/11", asked["msgId"], "11", private=True)
    assert (mine.text, text.text) == ("mine", "rich text")
    assert (guest.author, guest.address) == ("$:11", None)


async def test_nothing_is_acknowledged_before_it_is_stored(server: FakeDingTalk) -> None:
    """What the disk would not take is acknowledged with an error, comes again, and counts once."""
    floor = FakeFloor()
    floor.fail_next = 2
    async with listening(server, floor):
        await server.says("one")
        await until(lambda: floor.received and not server.unacknowledged)
    assert floor.texts == ["one"]
    assert [answer["code"] for answer in server.acknowledged] == [500, 500, 200]


@pytest.mark.parametrize("how", ["break", "asked"])
async def test_a_lost_connection_is_made_again(server: FakeDingTalk, how: str) -> None:
    """Broken, or DingTalk asks to connect anew: what nobody acknowledged comes after that."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await (server.drop() if how == "break" else server.signals("disconnect"))
        await until(lambda: len(floor.heard) == 3)
        await server.says("after")
        await until(lambda: floor.texts == ["after"])
    assert floor.heard == ["connected", f"lost: {LOST}", "connected"]


async def test_wrong_keys_are_refused(server: FakeDingTalk) -> None:
    """The text says what to do and not the secret; a stream that is not opened may be opened later."""
    wrong = made(server, secret="wrong")
    with pytest.raises(Refused) as caught:
        await wrong.run(FakeFloor())
    assert str(caught.value) == BAD_KEY
    server.answers["connections/open"] = [refusal("noStream"), web.Response(text="<html>"), web.json_response([])]
    closed = made(server)
    for _ in range(3):
        with pytest.raises(ConnectorError) as failed:
            await closed.run(FakeFloor())
        assert (type(failed.value), str(failed.value)) == (ConnectorError, NO_STREAM)
    await wrong.close()
    await closed.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", 403), TryLater),
        (refusal("anything", 429), TryLater),
        (refusal("Forbidden.AccessDenied.IpNotInWhiteList", 403), ConnectorError),
        (refusal("anything", 401), Refused),
    ],
)
async def test_a_token_that_is_not_given_ends_it_only_where_the_keys_are_wrong(
    server: FakeDingTalk, answer: web.Response, error: type[ConnectorError]
) -> None:
    """Too many questions, as after a night of broken connections, and what somebody can permit heal by waiting."""
    server.answers["oauth2/accessToken"] = [answer]
    dingtalk = made(server)
    with pytest.raises(error) as caught:
        await dingtalk.run(FakeFloor())
    assert type(caught.value) is error
    await dingtalk.close()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>"),
        web.Response(text="<html>", status=502),
        web.Response(text="[" * 300_000),
        web.json_response([1]),
        web.json_response({"accessToken": 7}),
    ],
)
async def test_something_else_at_the_address_is_named(server: FakeDingTalk, answer: web.Response) -> None:
    """What does not answer as DingTalk does is worth another try, in one line."""
    server.answers["oauth2/accessToken"] = [answer]
    dingtalk = made(server)
    with pytest.raises(ConnectorError) as caught:
        await dingtalk.run(FakeFloor())
    assert type(caught.value) is ConnectorError
    assert "\n" not in str(caught.value)
    await dingtalk.close()
    nobody = DingTalk("dingtalk", CLIENT, SECRET, "talk", base_url="http://127.0.0.1:9")
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await nobody.run(FakeFloor())
    await nobody.close()


async def test_hostile_frames_are_survived(server: FakeDingTalk, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes, the next line is heard; what people wrote is in no log."""
    caplog.set_level(logging.DEBUG, "bot")
    caplog.set_level(logging.INFO, "dingtalk_stream")
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        for text in ("", "secret words", '{"type":"secret words"}', '{"type":"CALLBACK","data":"secret words"}'):
            await server.sends(text)
        await server.signals("ping")
        await server.happens({"msgtype": "text", "text": "secret words"})
        await server.says("still here")
        await until(lambda: floor.texts == ["still here"])
    assert "secret words" not in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["msgId", "msgtype", "text", "content", "senderId", "senderStaffId", "conversationType", "createAt", "atUsers"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_any_message_is_read_or_skipped(data: Any) -> None:
    """Whatever JSON a message is, nothing is raised."""
    DingTalk("dingtalk", CLIENT, SECRET, "talk")._tolerantly(data)


async def test_it_says_in_groups_and_in_private(server: FakeDingTalk) -> None:
    """The robot's own API is used, which stays open after the hour of a reply's address; the token is kept."""
    dingtalk = made(server)
    assert await dingtalk.send(delivery()) == "key1"
    assert await dingtalk.send(delivery("user/11")) == "key2"
    assert server.said == [(GROUP, "so"), ("11", "so")]
    assert [what for what, _ in server.calls].count("oauth2/accessToken") == 1
    await dingtalk.close()


async def test_a_token_that_ran_out_is_renewed(server: FakeDingTalk) -> None:
    """Before its time, and also where DingTalk no longer takes it."""
    dingtalk = made(server)
    await dingtalk.send(delivery())
    server.token = "another token"
    with pytest.raises(ConnectorError, match="renewed"):
        await dingtalk.send(delivery())
    await dingtalk.send(delivery())
    server.token_seconds, dingtalk._token_until = 100, 0.0
    for _ in range(2):
        await dingtalk.send(delivery())
    assert [what for what, _ in server.calls].count("oauth2/accessToken") == 4
    await dingtalk.close()


@pytest.mark.parametrize(
    ("chat", "answer", "error"),
    [
        ("group/x", refusal("Forbidden.AccessDenied.QpsLimitForApi", 403), TryLater),
        ("group/x", refusal("anything", 429), TryLater),
        ("user/x", web.json_response({"flowControlledStaffIdList": ["x"]}), TryLater),
        ("user/x", web.json_response({"invalidStaffIdList": ["x"]}), Refused),
        ("group/x", refusal("robot.notInGroup"), Refused),
        ("group/x", web.Response(text="<html>", status=502), ConnectorError),
        ("group/x", web.Response(text="<html>"), ConnectorError),
        ("elsewhere", web.Response(), Refused),
    ],
)
async def test_refusals_are_told_apart(
    server: FakeDingTalk, chat: str, answer: web.Response, error: type[ConnectorError]
) -> None:
    """To wait, to give up and to try again are three things."""
    server.answers = {"groupMessages/send": [answer], "oToMessages/batchSend": [answer]}
    dingtalk = made(server)
    with pytest.raises(error) as caught:
        await dingtalk.send(delivery(chat))
    assert type(caught.value) is error
    await dingtalk.close()


async def test_trying_out_opens_a_stream(server: FakeDingTalk) -> None:
    """`floormic connect dingtalk` says that keys and stream are right; without a Client ID the settings say so."""
    options = DingTalkOptions.model_validate(
        {"client_id": CLIENT, "client_secret": SECRET, "base_url": server.base_url}
    )
    assert "stream is open" in await KIND.try_out(options, AROUND)
    assert options.problems("") == []
    assert DingTalkOptions.model_validate({}).problems("")[0][0] == "client_id"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra reads which command does."""
    monkeypatch.setitem(sys.modules, "dingtalk_stream", None)
    with pytest.raises(SettingsError, match=r"pip install 'floormic\[dingtalk\]'"):
        KIND.make(DingTalkOptions.model_validate({"client_id": CLIENT}), AROUND)
