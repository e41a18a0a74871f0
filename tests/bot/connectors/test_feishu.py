"""The Feishu connector: what it hears and says through lark-oapi, also with a server that misbehaves."""

import base64
import json
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors import feishu as module
from bot.connectors.feishu import BAD_KEY, KIND, LOST, ONLY_ONE, TOO_MANY, Feishu, FeishuOptions, words
from bot.errors import ConnectorError, Refused, SettingsError, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Button, Delivery
from tests.bot.connectors.listening import running
from tests.fake_feishu import APP, CHAT, DIRECT, ME, SECRET, FakeFeishu, refusal
from tests.fake_floor import FakeFloor, question
from tests.waiting import until

pytestmark = pytest.mark.peer  # lark-oapi, which others wrote, is the client of our fake
AROUND = Surroundings(time.time, "", "en", lambda _: b"")
AT_ME = [{"key": "@_user_1", "id": {"open_id": ME}, "name": "Floormic"}]
POST = [[{"tag": "at", "user_id": "@_user_1"}, {"tag": "text", "text": " why?"}], []]
AT_BOB = [{"key": "@_user_1", "id": {"open_id": "ou_12"}, "name": "Bob"}]


@pytest.fixture
async def server() -> AsyncIterator[FakeFeishu]:
    async with FakeFeishu() as fake:
        yield fake


def made(server: FakeFeishu, app: str = APP, secret: str = SECRET, **options: Any) -> Feishu:
    return Feishu("feishu", app, secret, "talk", base_url=server.base_url, **{"language": "en", **options})


def listening(server: FakeFeishu, floor: FakeFloor, **options: Any) -> AbstractAsyncContextManager[Feishu]:
    return running(made(server, **options), floor)


def delivery(text: str = "so", sent_id: str = "", message: str = "om_1", *buttons: Button) -> Delivery:
    return Delivery("k", "talk", Address("feishu", CHAT, message, "ou_11", False), text, buttons, sent_id=sent_id)


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("text", {"text": "why?"}, "why?"),
        ("post", {"title": "T", "content": POST}, "T\n@_user_1 why?"),
        ("image", {"image_key": "x"}, ""),
    ],
)
def test_the_words_of_a_message(kind: str, content: Any, text: str) -> None:
    """Plain and rich texts have words, the rest has none."""
    assert words(kind, json.dumps(content)) == text


CONTENT = st.recursive(
    st.none() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["text", "title", "content", "tag", "user_id"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["text", "post", "image", None]), st.text() | st.none() | CONTENT.map(json.dumps))
def test_no_content_breaks_it(kind: Any, content: Any) -> None:
    """Any content is read or is an error that is expected."""
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        assert isinstance(words(kind, content), str)


async def test_a_question_reaches_the_floor(server: FakeFeishu) -> None:
    """A line of a group arrives with who said it, where and when, and is acknowledged; names stand for mentions."""
    floor = FakeFloor()
    async with listening(server, floor):
        said = await server.says("Why, @_user_1?", mentions=AT_BOB)
        await until(lambda: floor.messages and not server.unacknowledged)
    (message,) = floor.messages
    assert (message.text, message.author) == ("Why, @Bob?", "ou_11")
    assert (message.session, message.source, message.explicit) == ("talk", "feishu", False)
    assert message.external_id == said["message"]["message_id"]
    assert message.at == int(said["message"]["create_time"]) / 1000
    assert message.address == Address("feishu", CHAT, message.external_id, "ou_11", private=False)


@pytest.mark.parametrize(
    ("text", "fields"), [("/ask Why?", {}), ("@_user_1 Why?", {"mentions": AT_ME}), ("Why?", {"direct": True})]
)
async def test_what_is_addressed_to_the_bot_is_explicit(server: FakeFeishu, text: str, fields: Any) -> None:
    """/ask, a mention and a private message are questions without being judged."""
    floor = FakeFloor()
    async with listening(server, floor, every_message=False):
        await server.says("just chat")
        await server.says("@_user_1 hello", mentions=AT_BOB)
        await server.says(text, **fields)
        await until(lambda: floor.messages)
    (message,) = floor.messages
    assert (message.text, message.explicit) == ("Why?", True)
    assert message.address
    assert (message.address.private, message.address.chat == DIRECT) == ("direct" in fields, "direct" in fields)


async def test_nothing_is_acknowledged_before_it_is_stored(server: FakeFeishu) -> None:
    """What the disk would not take comes again, and counts once; what bots say is no question."""
    floor = FakeFloor()
    floor.fail_next = 2
    async with listening(server, floor):
        await server.says("bot", ME, sender="app")
        await server.says("one")
        await until(lambda: floor.received and not server.unacknowledged)
    assert floor.texts == ["one"]


async def test_a_lost_connection_is_noticed_and_made_again(server: FakeFeishu) -> None:
    """What nobody acknowledged comes after the break, and no thread stays behind."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await until(lambda: floor.heard)
        await server.drop()
        await server.says("meanwhile")
        await until(lambda: floor.texts == ["meanwhile"] and len(floor.heard) == 3)
    assert floor.heard[:3] == ["connected", f"lost: {LOST}", "connected"]
    assert not [thread for thread in threading.enumerate() if thread.name == "feishu"]


async def test_wrong_keys_are_refused(server: FakeFeishu) -> None:
    """The text says what to do and not the secret, whichever of the two doors turns it away."""
    with pytest.raises(Refused) as caught:
        await made(server, "cli_other", "wrong").run(FakeFloor())
    assert str(caught.value) == BAD_KEY
    server.endpoint_answer = {"code": 403, "msg": "forbidden"}
    with pytest.raises(Refused) as caught:
        await made(server).run(FakeFloor())
    assert str(caught.value) == BAD_KEY


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"code": 1000040350, "msg": "too many"}, TOO_MANY),
        ({"code": 1, "msg": "busy"}, module.UNREACHABLE),
        ({"code": 0, "data": None}, module.UNREACHABLE),
    ],
)
async def test_trouble_with_the_connection_is_worth_another_try(server: FakeFeishu, answer: Any, text: str) -> None:
    """Too many connections, a busy platform, an answer without an address."""
    server.endpoint_answer = answer
    with pytest.raises(ConnectorError) as caught:
        await made(server).run(FakeFloor())
    assert (type(caught.value), str(caught.value)) == (ConnectorError, text)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>", content_type="text/html"),
        web.Response(text="[" * 100_000, content_type="application/json"),
        web.json_response([1]),
        web.json_response({"code": 0}),
        web.Response(text="", status=502),
    ],
)
async def test_something_else_at_the_address_is_named(server: FakeFeishu, answer: web.Response) -> None:
    """What does not answer as Feishu does is worth another try, in one line."""
    server.info = answer
    with pytest.raises(ConnectorError) as caught:
        await made(server).run(FakeFloor())
    assert "\n" not in str(caught.value)
    nobody = Feishu("feishu", APP, SECRET, "talk", base_url="http://127.0.0.1:9")
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await nobody.run(FakeFloor())


async def test_a_second_app_is_turned_away(server: FakeFeishu) -> None:
    """The library serves one; the first goes on."""
    floor = FakeFloor()
    async with listening(server, floor):
        await until(lambda: floor.heard)
        other = Feishu("other", APP, SECRET, "talk", base_url=server.base_url)
        with pytest.raises(Refused) as caught:
            await other.run(FakeFloor())
        assert str(caught.value) == ONLY_ONE
        await server.says("still here")
        await until(lambda: floor.texts == ["still here"])


async def test_hostile_events_are_survived(server: FakeFeishu, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes, the next line is heard; what people wrote is in no log."""
    caplog.set_level(logging.DEBUG)
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await server.sends(b"secret words")
        await server.happens("im.message.receive_v1", {"message": {"content": "secret words"}})
        await server.says("x", content='{"text": secret words')
        await server.says("still here")
        await until(lambda: floor.texts == ["still here"])
    assert "secret words" not in caplog.text


async def test_pressed_buttons_count_and_are_answered(server: FakeFeishu) -> None:
    """A press counts and only the one who pressed reads so; a button of somebody else is left alone."""
    floor = FakeFloor(question("q1"))
    async with listening(server, floor):
        for value in ({"other": 1}, {"press": "vote:gone"}, {"press": "vote:q1"}, {"press": "not_answered:q1"}):
            await server.presses(value)
        await until(lambda: len(server.results) == 4)
    assert floor.votes == {("q1", "ou_11")}
    assert floor.not_answered_by
    assert "Counted: 2 want to know" in base64.b64decode(server.results[2]["data"]).decode()


async def test_it_replies_and_edits(server: FakeFeishu) -> None:
    """An answer replies to its question as a card with buttons, and is edited in place; what is gone is no obstacle."""
    feishu = made(server)
    sent = await feishu.send(delivery("1 < 2", "", "om_1", Button("vote", "q1", "Me too")))
    method, path, body = server.calls[0]
    assert (method, path, body["msg_type"]) == ("POST", "/open-apis/im/v1/messages/om_1/reply", "interactive")
    assert server.cards[sent]["elements"][0]["text"] == {"tag": "plain_text", "content": "1 < 2"}
    assert server.cards[sent]["elements"][1]["actions"][0]["value"] == {"press": "vote:q1"}
    assert await feishu.send(delivery("then", sent)) == sent
    assert server.cards[sent]["elements"] == [{"tag": "div", "text": {"tag": "plain_text", "content": "then"}}]
    await feishu.send(delivery("anew", "om_404", "om_gone"))
    assert server.calls[-1][1:] == ("/open-apis/im/v1/messages", server.calls[-1][2])
    assert server.calls[-1][2]["receive_id"] == CHAT


async def test_the_same_is_said_once_though_the_answer_got_lost(server: FakeFeishu) -> None:
    """A second try with the same words brings the same message."""
    feishu = made(server)
    assert await feishu.send(delivery()) == await feishu.send(delivery())
    assert len(server.cards) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(99991400, 429, x_ogw_ratelimit_reset="7"), TryLater),
        (refusal(230020), TryLater),
        (refusal(230002), Refused),
        (refusal(99991663, 401), ConnectorError),
        (web.Response(text="<html>", status=502, content_type="text/html"), ConnectorError),
    ],
)
async def test_refusals_are_told_apart(server: FakeFeishu, answer: web.Response, error: type[ConnectorError]) -> None:
    """To wait, to give up and to try again are three things."""
    server.answers.append(answer)
    with pytest.raises(error) as caught:
        await made(server).send(delivery())
    assert type(caught.value) is error
    with pytest.raises(Refused):
        await made(server).send(delivery(message="../x"))


async def test_trying_out_names_the_app(server: FakeFeishu) -> None:
    """`floormic connect feishu` says whose keys these are; without an App ID the settings say so."""
    options = FeishuOptions.model_validate({"app_id": APP, "app_secret": SECRET, "base_url": server.base_url})
    assert await KIND.try_out(options, AROUND) == "Feishu knows the app as Floormic."
    assert options.problems("") == []
    assert FeishuOptions.model_validate({}).problems("")[0][0] == "app_id"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra reads which command does."""
    monkeypatch.setitem(sys.modules, "lark_oapi", None)
    with pytest.raises(SettingsError, match=r"pip install 'floormic\[feishu\]'"):
        KIND.make(FeishuOptions.model_validate({"app_id": APP}), AROUND)
