"""The Slack connector: what it hears and says through slack-sdk, also with a server that misbehaves."""

import asyncio
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
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.connectors import slack as module
from bot.connectors.slack import BAD_KEY, KIND, LOST, Slack, SlackOptions, read
from bot.errors import ConnectorError, Refused, SettingsError, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Button, Delivery
from tests.bot.connectors.listening import running
from tests.fake_floor import FakeFloor, question
from tests.fake_slack import APP_TOKEN, CHANNEL, DIRECT, ME, TOKEN, FakeSlack, refusal
from tests.waiting import until

pytestmark = pytest.mark.peer  # slack-sdk and slack-bolt, which others wrote, are the clients of our fake
AROUND = Surroundings(time.time, "", "en", lambda _: b"")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeSlack]:
    monkeypatch.setattr(module, "GRACE", 0.3)
    async with FakeSlack() as fake:
        yield fake


def made(server: FakeSlack, token: str = TOKEN, app_token: str = APP_TOKEN, **options: Any) -> Slack:
    return Slack("slack", token, app_token, "talk", base_url=server.base_url, **{"language": "en", **options})


def listening(server: FakeSlack, floor: FakeFloor, **options: Any) -> AbstractAsyncContextManager[Slack]:
    return running(made(server, **options), floor)


def delivery(text: str = "1 < 2 & 3", sent_id: str = "", private: bool = False, *buttons: Button) -> Delivery:
    chat = DIRECT if private else CHANNEL
    return Delivery("k", "talk", Address("slack", chat, "5.1", "U11", private), text, buttons, sent_id=sent_id)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1 &lt; 2 &amp;amp; 3", "1 < 2 &amp; 3"),
        ("<@U0BOT> why <@U12|bob>?", "  why @bob?"),
        ("<!here> see <#C9|general> and <https://x.org|this>", "@here see #general and this"),
        ("<https://x.org>", "https://x.org"),
        ("a > b < c", "a > b < c"),
        ("<>", ""),
    ],
)
def test_marks_become_plain_text(text: str, plain: str) -> None:
    """Links, mentions and channels read as people see them."""
    assert read(text, ME) == plain


@given(st.text(alphabet="<>|@#!^&;amplt U\ud800"))
def test_no_text_is_too_strange_to_read(text: str) -> None:
    """Any text gives a text that UTF-8 can carry."""
    assert read(text, ME).encode() is not None


async def test_a_question_reaches_the_floor(server: FakeSlack) -> None:
    """A line of a channel arrives with who said it, by name, where and when, and is acknowledged."""
    floor = FakeFloor()
    async with listening(server, floor):
        said = await server.says("Why is 1 &lt; 2?")
        await until(lambda: floor.messages and not server.unacknowledged)
    (message,) = floor.messages
    assert (message.text, message.author, message.author_name) == ("Why is 1 < 2?", "U11", "Ann")
    assert (message.session, message.source, message.explicit) == ("talk", "slack", False)
    assert (message.external_id, message.at) == (f"{CHANNEL}:{said['ts']}", float(said["ts"]))
    assert message.address == Address("slack", CHANNEL, said["ts"], "U11", private=False)
    assert floor.heard == ["connected"]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("/ask Why?", {}),
        ("<@U0BOT> Why?", {}),
        ("<@U0BOT|floormic> Why?", {"type": "app_mention"}),
        ("Why?", {"channel": DIRECT, "channel_type": "im"}),
    ],
)
async def test_what_is_addressed_to_the_bot_is_explicit(server: FakeSlack, text: str, fields: dict[str, str]) -> None:
    """/ask, a mention and a private message are questions without being judged."""
    floor = FakeFloor()
    async with listening(server, floor, every_message=False):
        await server.says("just chat")
        await server.says("<@U0BOTTLE> not me")
        await server.says(text, **fields)
        await until(lambda: floor.messages)
    (message,) = floor.messages
    assert (message.text, message.explicit) == ("Why?", True)
    assert message.address
    assert message.address.private is ("channel" in fields)


async def test_a_mention_comes_as_two_events_and_counts_once(server: FakeSlack) -> None:
    """Slack tells of a mention as a message and as a mention."""
    floor = FakeFloor()
    async with listening(server, floor):
        event = await server.says("<@U0BOT> Why?")
        await server.happens(event | {"type": "app_mention"})
        await until(lambda: not server.unacknowledged)
    assert floor.texts == ["Why?"]


async def test_a_name_that_does_not_come_costs_no_message(server: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said is heard without it, and it is asked for again with the next line."""
    monkeypatch.setattr(module, "NAME_SECONDS", 0.1)

    async def hang(body: Any) -> web.StreamResponse:
        await asyncio.sleep(30)
        raise AssertionError

    floor = FakeFloor()
    async with listening(server, floor):
        with monkeypatch.context() as slow:
            slow.setattr(server, "_do_users_info", hang)
            await server.says("one")
            await until(lambda: floor.messages and not server.unacknowledged)
        await server.says("two")
        await until(lambda: len(floor.messages) == 2)
    assert [(m.text, m.author_name) for m in floor.messages] == [("one", ""), ("two", "Ann")]


async def test_lines_of_one_thread_have_ids_of_their_own(server: FakeSlack) -> None:
    """Two who ask the same in a thread are told each, and both in that thread."""
    floor = FakeFloor()
    async with listening(server, floor) as slack:
        said = [await server.says(text, user, thread_ts="4.2") for text, user in (("one", "U11"), ("two", "U12"))]
        await until(lambda: len(floor.messages) == 2)
        for message in floor.messages:
            assert message.address
            await slack.send(Delivery(message.text, "talk", message.address, "so"))
    addresses = [message.address for message in floor.messages]
    assert [address.message for address in addresses if address] == [f"{one['ts']}/4.2" for one in said]
    posted = [body for method, body in server.calls if method == "chat.postMessage"]
    assert [body["thread_ts"] for body in posted] == ["4.2", "4.2"]


async def test_what_no_person_said_is_ignored(server: FakeSlack) -> None:
    """What the bot, other bots and Slack itself say, edits and reactions make no question, and are acknowledged."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.says("own", ME)
        await server.says("bot", bot_id="B2")
        await server.says("joined", subtype="channel_join")
        await server.says("edited", subtype="message_changed")
        await server.happens({"type": "reaction_added", "user": "U11", "text": "x"})
        await server.says("a reply", thread_ts="4.2")
        await until(lambda: floor.messages and not server.unacknowledged)
    assert floor.texts == ["a reply"]


async def test_nothing_is_acknowledged_before_it_is_stored(server: FakeSlack) -> None:
    """What the disk would not take comes again, and counts once."""
    floor = FakeFloor()
    floor.fail_next = 2
    async with listening(server, floor):
        await server.says("one")
        await until(lambda: floor.received and not server.unacknowledged)
    assert floor.texts == ["one"]


async def test_a_lost_connection_is_noticed_and_made_again(server: FakeSlack) -> None:
    """What nobody acknowledged comes after the break."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await server.drop()
        await server.says("meanwhile")
        await until(lambda: floor.texts == ["meanwhile"])
    assert floor.heard[:3] == ["connected", f"lost: {LOST}", "connected"]


async def test_a_renewed_connection_is_no_loss(server: FakeSlack) -> None:
    """Slack asks to connect anew every few hours; the library does so."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await server.sends('{"type": "disconnect", "reason": "refresh_requested"}')
        await until(lambda: len(floor.heard) == 2)
        await server.says("after")
        await until(lambda: floor.texts == ["after"])
    assert floor.heard == ["connected", "connected"]


@pytest.mark.parametrize(("token", "app_token"), [("xoxb-wrong", APP_TOKEN), (TOKEN, "xapp-wrong")])
async def test_a_wrong_token_is_refused(server: FakeSlack, token: str, app_token: str) -> None:
    """Either of the two; the text says what to do and not the token."""
    slack = made(server, token, app_token)
    with pytest.raises(Refused) as caught:
        await slack.run(FakeFloor())
    assert str(caught.value) == BAD_KEY
    await slack.close()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>", content_type="text/html"),
        web.Response(text="not found", status=404),
        web.Response(text="[" * 100_000, content_type="application/json"),
        web.Response(text='{"ok": fal', content_type="application/json"),
        web.Response(text="[1]", content_type="application/json"),
        web.json_response({"ok": True}),
    ],
)
async def test_something_else_at_the_address_is_named(server: FakeSlack, answer: web.Response) -> None:
    """What does not answer as Slack does is worth another try, and the text is one line."""
    server.answers["auth.test"] = [answer]
    slack = made(server)
    with pytest.raises(ConnectorError) as caught:
        await slack.run(FakeFloor())
    assert "\n" not in str(caught.value)
    await slack.close()


async def test_nobody_at_the_address_is_named() -> None:
    """Where nothing listens the text says so."""
    slack = Slack("slack", TOKEN, APP_TOKEN, "talk", base_url="http://127.0.0.1:9/api/")
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await slack.run(FakeFloor())
    await slack.close()


async def test_hostile_frames_are_survived(server: FakeSlack, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes, the next line is heard; what people wrote is in no log."""
    caplog.set_level(logging.DEBUG)
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        for text in ("", "secret words", '{"envelope_id":"secret words","type":"events_api","payload":{"event":{}}}'):
            await server.sends(text)
        await server.says("still here")
        await until(lambda: floor.texts == ["still here"])
    assert "secret words" not in caplog.text


async def test_pressed_buttons_count_and_are_answered(server: FakeSlack) -> None:
    """A press counts and only the one who pressed reads so; a button of somebody else is left alone."""
    floor = FakeFloor(question("q1"))
    async with listening(server, floor):
        for value in ("else", "vote:gone", "vote:q1", "not_answered:q1"):
            await server.presses(value)
        await until(lambda: len([m for m, _ in server.calls if m == "chat.postEphemeral"]) == 3)
        await until(lambda: not server.unacknowledged)
    assert floor.votes == {("q1", "U11")}
    assert floor.not_answered_by
    told = [body for method, body in server.calls if method == "chat.postEphemeral"]
    assert {body["user"] for body in told} == {"U11"}
    assert "Counted: 2 want to know" in [body["text"] for body in told]


async def test_it_says_in_the_thread_and_edits(server: FakeSlack) -> None:
    """An answer stands under its question, escaped, with its buttons, and is edited in place."""
    slack = made(server)
    sent = await slack.send(delivery("1 < 2 & 3", "", False, Button("vote", "q1", "Me too")))
    body = server.calls[0][1]
    assert (body["text"], body["thread_ts"]) == ("1 &lt; 2 &amp; 3", "5.1")
    assert body["blocks"][0]["text"]["text"] == "1 < 2 & 3"
    assert body["blocks"][1]["elements"][0]["value"] == "vote:q1"
    assert await slack.send(delivery("then", sent)) == sent
    assert server.messages[sent] == "then"
    assert await slack.send(delivery("anew", "404.1", private=True)) != sent
    assert "thread_ts" not in server.calls[-1][1]
    await slack.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("ratelimited", 429, Retry_After="7"), TryLater),
        (refusal("not_in_channel"), Refused),
        (refusal("invalid_auth"), ConnectorError),
        (refusal("internal_error"), ConnectorError),
        (web.Response(text="<html>", status=502, content_type="text/html"), ConnectorError),
    ],
)
async def test_refusals_are_told_apart(server: FakeSlack, answer: web.Response, error: type[ConnectorError]) -> None:
    """To wait, to give up and to try again are three things."""
    server.answers["chat.postMessage"] = [answer]
    slack = made(server)
    with pytest.raises(error) as caught:
        await slack.send(delivery())
    assert type(caught.value) is error
    if isinstance(caught.value, TryLater):
        assert caught.value.seconds == 7.0
    await slack.close()


async def test_trying_out_names_the_app(server: FakeSlack) -> None:
    """`floormic connect slack` says whose tokens these are."""
    options = SlackOptions.model_validate({"token": TOKEN, "app_token": APP_TOKEN, "base_url": server.base_url})
    assert await KIND.try_out(options, AROUND) == "Slack knows the app as floormic in Uni; Socket Mode is on."


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra reads which command does."""
    monkeypatch.setitem(sys.modules, "slack_sdk.socket_mode.aiohttp", None)
    with pytest.raises(SettingsError, match=r"pip install 'floormic\[slack\]'"):
        KIND.make(SlackOptions.model_validate({"token": TOKEN, "app_token": APP_TOKEN}), AROUND)


async def test_an_independent_app_understands_our_fake(server: FakeSlack) -> None:
    """slack-bolt hears what the fake sends, and the fake takes what it says."""
    app = AsyncApp(client=AsyncWebClient(TOKEN, base_url=server.base_url))

    @app.event("message")
    async def echo(event: dict[str, Any], say: Any) -> None:
        await say(f"{event['user']}: {event['text']}")

    handler = AsyncSocketModeHandler(app, APP_TOKEN)
    await handler.connect_async()
    await server.says("hello")
    await until(lambda: list(server.messages.values()) == ["U11: hello"])
    await handler.close_async()
