"""The Discord connector: what it hears and says through discord.py, also with a server that misbehaves."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.discord import BAD_TOKEN, KIND, LOST, NO_CONTENT, Discord, DiscordOptions, plain
from bot.errors import ConnectorError, Refused, SettingsError, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Button, Delivery
from tests.bot.connectors.listening import running
from tests.fake_discord import BOB, CHANNEL, ME, RECONNECT, TOKEN, FakeDiscord, as_json, shown, wait_for
from tests.fake_floor import FakeFloor, question
from tests.waiting import until

pytestmark = pytest.mark.peer  # discord.py, which others wrote, is the client of our fake
AROUND = Surroundings(time.time, "", "en", lambda _: b"")


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


def made(server: FakeDiscord, token: str = TOKEN, **options: Any) -> Discord:
    options = {"language": "en", **options}
    return Discord("discord", token, "talk", base_url=server.base_url, gateway=server.gateway, **options)


def listening(server: FakeDiscord, floor: FakeFloor, **options: Any) -> AbstractAsyncContextManager[Discord]:
    return running(made(server, **options), floor)


def delivery(text: str = "so", sent_id: str = "", chat: str = CHANNEL, *buttons: Button) -> Delivery:
    return Delivery("k", "talk", Address("discord", chat, "5", "11", False), text, buttons, sent_id=sent_id)


async def test_a_question_reaches_the_floor(server: FakeDiscord) -> None:
    """A line of a channel arrives with who said it, where and when; names stand for mentions of others."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        said = await server.says("Why, <@12>?", mentions=[BOB])
        await until(lambda: floor.messages)
    (message,) = floor.messages
    assert (message.text, message.author, message.author_name) == ("Why, @Bob?", "11", "Ann")
    assert (message.session, message.source, message.explicit) == ("talk", "discord", False)
    assert message.external_id == said["id"]
    assert abs(message.at - time.time()) < 5
    assert message.address == Address("discord", CHANNEL, said["id"], "11", private=False)


@pytest.mark.parametrize(
    ("content", "direct"), [("/ask Why?", False), ("<@900> Why?", False), ("<@!900> Why?", False), ("Why?", True)]
)
async def test_what_is_addressed_to_the_bot_is_explicit(server: FakeDiscord, content: str, direct: bool) -> None:
    """/ask, a mention and a private message are questions without being judged."""
    floor = FakeFloor()
    async with listening(server, floor, every_message=False):
        await server.connected.wait()
        await server.says("just chat")
        await server.says(content, direct=direct)
        await until(lambda: floor.messages)
    (message,) = floor.messages
    assert (message.text, message.explicit) == ("Why?", True)
    assert message.address
    assert message.address.private is direct


async def test_bots_and_notes_of_the_platform_are_ignored(server: FakeDiscord) -> None:
    """What the bot, other bots, webhooks and Discord itself say makes no question."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await server.says("own", ME)
        await server.says("hook", webhook_id="5")
        await server.says("Ann joined", type=7)
        await server.says("")
        await server.says("a question")
        await until(lambda: floor.messages)
    assert floor.texts == ["a question"]


@pytest.mark.parametrize("how", ["break", "reconnect"])
async def test_a_short_break_is_resumed_without_a_loss(server: FakeDiscord, how: str) -> None:
    """What is said during a break comes after it, and the source counts as complete."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        await server.says("one")
        await until(lambda: floor.texts == ["one"])
        await (server.drop() if how == "break" else server.signals(RECONNECT))
        await server.says("two")
        await until(lambda: floor.texts == ["one", "two"])
        await until(lambda: len(floor.heard) == 3)
    assert floor.heard == ["connected", f"lost: {LOST}", "connected, complete"]


async def test_a_session_that_cannot_be_resumed_begins_anew(server: FakeDiscord) -> None:
    """Then something may be missing, and the source says so."""
    floor = FakeFloor()
    async with listening(server, floor):
        await server.connected.wait()
        server.resumes = False
        await server.drop()
        await server.connected.wait()
        await server.says("after")
        await until(lambda: floor.texts == ["after"])
    assert floor.heard[-1] == "connected"


async def test_what_cannot_be_stored_waits(server: FakeDiscord) -> None:
    """Discord gives nothing twice: it is kept until the disk takes it, over a new connection as well."""
    floor = FakeFloor()
    floor.fail_next = 2
    async with listening(server, floor):
        await server.connected.wait()
        await server.says("one")
        await server.says("two")
        await until(lambda: floor.texts == ["one", "two"])


async def test_a_connection_that_breaks_again_and_again_is_left(server: FakeDiscord) -> None:
    """The library would try for ever; the supervisor waits longer each time."""
    discord, floor = made(server), FakeFloor()
    task = asyncio.create_task(discord.run(floor))
    for _ in range(5):
        await server.connected.wait()
        await server.drop()
    with pytest.raises(ConnectorError, match="again and again"):
        await task


@pytest.mark.parametrize(("code", "text"), [(4004, BAD_TOKEN), (4014, NO_CONTENT)])
async def test_a_refusal_by_the_gateway_is_for_good(server: FakeDiscord, code: int, text: str) -> None:
    """A wrong token and a right that is not switched on heal by no waiting; the text says what to do."""
    server.close_with = code
    with pytest.raises(Refused) as caught:
        await made(server).run(FakeFloor())
    assert str(caught.value) == text


async def test_a_wrong_token_is_refused(server: FakeDiscord) -> None:
    """The text says what to do and not the token."""
    with pytest.raises(Refused) as caught:
        await made(server, "wrong-token").run(FakeFloor())
    assert str(caught.value) == BAD_TOKEN


async def test_something_else_at_the_address_is_named(server: FakeDiscord) -> None:
    """HTML instead of an API, or nobody at all: one line that says what to check."""
    wrong = Discord("discord", TOKEN, "talk", base_url=f"{server.base_url}/elsewhere", gateway=server.gateway)
    with pytest.raises(ConnectorError):
        await wrong.run(FakeFloor())
    nobody = Discord("discord", TOKEN, "talk", base_url="http://127.0.0.1:9", gateway=server.gateway)
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await nobody.run(FakeFloor())


async def test_hostile_events_are_survived(server: FakeDiscord, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes, a later line is heard; what people wrote is in no log."""
    caplog.set_level(logging.DEBUG, logger="bot")
    floor = FakeFloor()
    async with listening(server, floor):
        for payload in (
            b"",
            b"null",
            b"[" * 50_000,
            b'{"op":0,"t":"MESSAGE_CREATE","s":9,"d":{"content":"secret words"}}',
        ):
            await server.connected.wait()
            server.connected.clear()
            await server.sends(payload)
        await server.connected.wait()
        await server.says("still here")
        await until(lambda: "still here" in floor.texts)
    assert "secret words" not in caplog.text


async def test_pressed_buttons_count_and_are_answered(server: FakeDiscord) -> None:
    """A press counts and only the one who pressed reads so; a button of somebody else is left alone."""
    floor = FakeFloor(question("q1"))
    async with listening(server, floor):
        await server.connected.wait()
        for button in ("else", "vote:gone", "vote:q1", "not_answered:q1"):
            await server.presses(button)
        await until(lambda: len(server.replies) == 3)
    assert floor.votes == {("q1", "11")}
    assert floor.not_answered_by
    texts = {reply["data"]["content"] for reply in server.replies}
    assert "Counted: 2 want to know" in texts
    assert all(reply["data"]["flags"] == 64 for reply in server.replies)


async def test_it_says_edits_and_mentions_nobody(server: FakeDiscord) -> None:
    """A reply refers to the question, pings nobody, carries the buttons, and is edited in place."""
    async with listening(server, FakeFloor()) as discord:
        await server.connected.wait()
        sent = await discord.send(delivery("@everyone so", "", CHANNEL, Button("vote", "q1", "Me too")))
        post = server.posts[0]
        assert post["allowed_mentions"]["parse"] == []
        assert post["message_reference"]["message_id"] == 5
        assert post["message_reference"]["fail_if_not_exists"] is False
        assert post["components"][0]["components"][0]["custom_id"] == "vote:q1"
        assert await discord.send(delivery("so then", sent)) == sent
        assert server.messages[sent]["content"] == "so then"
        assert server.messages[sent]["components"] == []
        assert await discord.send(delivery("anew", "404")) != sent


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("__init__ of a_b", r"\_\_init\_\_ of a\_b"),
        ("[win](https://evil.example/a_b)", r"\[win\](https://evil.example/a_b)"),
        ("https://x.example/a_b_c~d?e=(1)#f and *", r"https://x.example/a_b_c~d?e=(1)#f and \*"),
        ("https://x.example/[win](https://evil.example)", r"https://x.example/\[win\](https://evil.example)"),
        ("# big\n  - one\n> two\n1. three\n-# small", "\\# big\n  \\- one\n\\> two\n1\\. three\n\\-# small"),
        ("1 - 2 > 0 # so. 3", "1 - 2 > 0 # so. 3"),
        ("<@12> <t:0:R> ||x|| ~~y~~ `z` \\*", r"\<@12> \<t:0:R> \|\|x\|\| \~\~y\~\~ \`z\` \\\*"),
    ],
)
def test_what_people_wrote_becomes_no_markup(text: str, content: str) -> None:
    """Signs of markdown are shown as they were written, masked links with where they lead; addresses are left alone."""
    assert plain(text) == content
    assert shown(content) == text


@given(st.text(alphabet="*_[]()<>#-.1 \\\n`|~ah😀界"))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    """However its signs stand beside each other, none is lost and none is left without its backslash."""
    content = plain(text)
    assert shown(content) == text
    assert not re.search(r"[*_\[\]<`|~]", re.sub(r"\\.", "", content, flags=re.DOTALL))


async def test_it_says_text_and_no_markup(server: FakeDiscord) -> None:
    """New and edited; also where that makes more of it than Discord takes."""
    async with listening(server, FakeFloor()) as discord:
        await server.connected.wait()
        sent = await discord.send(delivery("[win](https://evil.example)"))
        assert server.messages[sent]["content"] == r"\[win\](https://evil.example)"
        assert await discord.send(delivery("__init__", sent)) == sent
        assert server.messages[sent]["content"] == r"\_\_init\_\_"
        await discord.send(delivery("*" * 2000, sent))
    content = server.messages[sent]["content"]
    assert 1900 < len(content) <= 2000
    assert content.endswith("\\*…")


async def test_the_same_is_said_once_though_the_answer_got_lost(server: FakeDiscord) -> None:
    """A second try with the same words brings the same message."""
    async with listening(server, FakeFloor()) as discord:
        await server.connected.wait()
        assert await discord.send(delivery()) == await discord.send(delivery())
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (wait_for(7.5), TryLater),
        (as_json({}, status=429), TryLater),
        (as_json({"code": 50001, "message": "Missing Access"}, status=403), Refused),
        (as_json({"code": 10003, "message": "Unknown Channel"}, status=404), Refused),
        (as_json({"code": 0, "message": "Unauthorized"}, status=401), ConnectorError),
        (web.Response(text="<html>", status=503), ConnectorError),
        (web.Response(text="<html>"), ConnectorError),
    ],
)
async def test_refusals_are_told_apart(server: FakeDiscord, answer: web.Response, error: type[ConnectorError]) -> None:
    """To wait, to give up and to try again are three things."""
    async with listening(server, FakeFloor()) as discord:
        await server.connected.wait()
        server.answers.append(answer)
        with pytest.raises(error) as caught:
            await discord.send(delivery())
    assert type(caught.value) is error


async def test_sending_waits_for_the_connection(server: FakeDiscord) -> None:
    """Before it is connected it is worth another try; an address of nowhere is not."""
    discord = made(server)
    with pytest.raises(ConnectorError, match="not connected"):
        await discord.send(delivery())
    with pytest.raises(Refused):
        await discord.send(delivery(chat="general"))


async def test_trying_out_says_whether_it_may_read(server: FakeDiscord) -> None:
    """`floormic connect discord` names the bot and the right that is missing."""
    options = DiscordOptions.model_validate({"token": TOKEN, "base_url": server.base_url, "gateway": server.gateway})
    assert await KIND.try_out(options, AROUND) == "Discord knows the bot as floormic; it may read messages"
    server.flags = 0
    assert "Message Content Intent" in await KIND.try_out(options, AROUND)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra reads which command does."""
    monkeypatch.setitem(__import__("sys").modules, "discord", None)
    with pytest.raises(SettingsError, match=r"pip install 'floormic\[discord\]'"):
        KIND.make(DiscordOptions.model_validate({"token": TOKEN}), AROUND)
