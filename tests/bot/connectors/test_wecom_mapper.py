"""What WeCom's callbacks mean: messages, commands, pressed buttons, and nothing for what nobody needs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.commands import Command
from bot.connectors.wecom.mapper import Entered, Press, Reader, ThrownOut, destination
from bot.model import Address, Message
from tests.bot.connectors.test_wecom_codec import json_values

NOW = 1_700_000_000.0
Json = dict[str, Any]


def reader(bot_name: str = "") -> Reader:
    return Reader("wecom", "talk", lambda: NOW, bot_name)


def body(text: str = "why?", group: str = "", **more: Any) -> Json:
    where = {"chatid": group, "chattype": "group"} if group else {"chattype": "single"}
    who = {"from": {"userid": "ann"}, "aibotid": "b"}
    return {"msgid": "m1", **where, **who, "msgtype": "text", "text": {"content": text}, **more}


def text_of(given: Json, bot_name: str = "") -> str:
    said = reader(bot_name).read(given)
    assert isinstance(said, Message), said
    return said.text


def command_of(given: Json) -> str:
    said = reader().read(given)
    assert isinstance(said, Command), said
    return said.what


def test_a_private_message() -> None:
    """What is written to the bot is meant to be asked; it is answered to that person alone."""
    said = reader().read(body("为什么天是蓝的？", create_time=1_699_999_990))
    assert said == Message(
        session="talk",
        source="wecom",
        external_id="m1",
        author="ann",
        author_name="",
        text="为什么天是蓝的？",
        at=1_699_999_990.0,
        address=Address("wecom", "single:ann", "m1", "ann"),
        explicit=True,
    )


def test_a_message_in_a_group() -> None:
    """It is answered in the group, and the mention of the bot is no part of the question."""
    said = reader().read(body("@RobotA  why?", group="wr1"))
    assert isinstance(said, Message)
    assert said.text == "why?"
    assert said.address == Address("wecom", "group:wr1", "m1", "ann", private=False)


@pytest.mark.parametrize(
    ("text", "bot_name", "left"),
    [
        ("@RobotA why?", "", "why?"),
        ("@RobotA\u2005why?", "", "why?"),
        ("is @bob right?", "", "is @bob right?"),
        ("@Question Box why?", "Question Box", "why?"),
        ("tell me @Question Box, why?", "Question Box", "tell me  , why?"),
        ("mail a@b.example", "", "mail a@b.example"),
    ],
)
def test_the_mention_of_the_bot_is_taken_out(text: str, bot_name: str, left: str) -> None:
    """By its name where it is known, else the first word at the beginning."""
    assert text_of(body(text, group="wr1"), bot_name) == left.strip()


def test_a_mention_in_private_is_part_of_the_text() -> None:
    """In private WeCom adds none, so what stands there was written."""
    assert text_of(body("@bob said so?")) == "@bob said so?"


def test_what_is_mixed_or_spoken() -> None:
    """The texts between pictures, and what WeCom understood of a voice message, are read."""
    items = [{"msgtype": "text", "text": {"content": "a"}}, {"msgtype": "image", "image": {"url": "u"}}]
    items.append({"msgtype": "text", "text": {"content": "b"}})
    assert text_of({**body(), "msgtype": "mixed", "mixed": {"msg_item": items}}) == "a b"
    assert text_of({**body(), "msgtype": "voice", "voice": {"content": "spoken"}}) == "spoken"


@pytest.mark.parametrize("kind", ["image", "file", "video", "stream", "location", None, 7])
def test_what_holds_no_text_is_left_out(kind: object) -> None:
    """Pictures and files ask nothing."""
    assert reader().read({**body(), "msgtype": kind}) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("/questions", "top"),
        ("排行", "top"),
        ("排行。", "top"),
        ("/mine", "mine"),
        ("我的问题", "mine"),
        ("/help", "help"),
        ("帮助", "help"),
        ("/anything", "help"),
        ("/ask", "hint"),
        ("提问", "hint"),
        ("提问：", "hint"),
        ("", "help"),
        ("   ", "help"),
    ],
)
def test_commands(text: str, what: str) -> None:
    """In both languages, in private and behind a mention."""
    assert command_of(body(text)) == what
    assert command_of(body(f"@RobotA {text}", group="wr1")) == what


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("/ask why?", "why?"),
        ("/ask为什么？", "为什么？"),
        ("提问 为什么？", "为什么？"),
        ("提问：为什么？", "为什么？"),
        ("提问环节什么时候开始？", "提问环节什么时候开始？"),
        ("排行榜在哪里？", "排行榜在哪里？"),
        ("/link K7Q2-9MXT", "link K7Q2-9MXT"),
        ("绑定 K7Q29MXT", "绑定 K7Q29MXT"),
    ],
)
def test_what_is_asked_behind_a_command(text: str, asked: str) -> None:
    """/ask and 提问 are taken off, but not from words that begin so; a code for the web page passes as it is."""
    assert text_of(body(text)) == asked


def test_a_quoted_message_is_asked_by_a_bare_mention() -> None:
    """Who points at a message and says no more wants to know that; who says more, says it."""
    quote = {"msgtype": "text", "text": {"content": "why is that?"}}
    assert text_of(body("@RobotA", group="wr1", quote=quote)) == "why is that?"
    assert text_of(body("提问", quote=quote)) == "why is that?"
    assert text_of(body("and how?", quote=quote)) == "and how?"


@pytest.mark.parametrize("at", [None, "x", float("nan"), 1e999, -1, NOW + 1000, NOW - 90_000, NOW * 1000, [], True])
def test_a_time_that_cannot_be_is_now(at: object) -> None:
    """Milliseconds, the future and what is no number are not believed."""
    said = reader().read(body(create_time=at))
    assert isinstance(said, Message)
    assert said.at == NOW


def event(kind: str, **content: Any) -> Json:
    return {**body(), "msgtype": "event", "event": {"eventtype": kind, **content}}


def test_events() -> None:
    """A chat that was opened, a newer connection, and what concerns nobody here."""
    assert reader().read(event("enter_chat")) == Entered()
    assert reader().read(event("disconnected_event")) == ThrownOut()
    assert reader().read(event("feedback_event")) is None


@pytest.mark.parametrize("nested", [True, False])
def test_a_pressed_button(nested: bool) -> None:
    """As the document nests it, and as the official SDK declares it."""
    pressed = {"event_key": "n:q:1", "task_id": "t1", "card_type": "button_interaction"}
    given = event("template_card_event", **({"template_card_event": pressed} if nested else pressed))
    press = reader().read({**given, "chattype": "group", "chatid": "wr1"})
    assert isinstance(press, Press)
    assert (press.act, press.question, press.person.id, press.task) == ("not_answered", "q:1", "ann", "t1")
    assert press.group


@pytest.mark.parametrize("key", ["", "q1", "x:q1", "v:", "v:" + "q" * 300, None, 7])
def test_another_s_button_is_left_out(key: object) -> None:
    """A key that is none of ours counts for nothing."""
    pressed = {"event_key": key, "task_id": "t1"}
    assert reader().read(event("template_card_event", template_card_event=pressed)) is None


@pytest.mark.parametrize("missing", ["msgid", "from", "chatid"])
def test_what_nobody_said_anywhere_is_left_out(missing: str) -> None:
    """Without an id, a person or a chat it is no message."""
    given = body("@RobotA why?", group="wr1")
    del given[missing]
    assert reader().read(given) is None


def test_where_an_answer_goes() -> None:
    """A person is 1 and a group 2; anything else is no chat."""
    assert destination("single:ann") == ("ann", 1)
    assert destination("group:wr:1") == ("wr:1", 2)
    for wrong in ("", "ann", "single:", "room:1"):
        with pytest.raises(ValueError, match="chat"):
            destination(wrong)


KEYS = ["msgid", "msgtype", "from", "userid", "text", "content", "mixed", "msg_item", "event", "eventtype", "chattype"]
KEYS += ["quote", "template_card_event", "event_key", "task_id", "chatid", "create_time", "voice"]
WORDS = st.sampled_from(
    ["text", "mixed", "event", "template_card_event", "group", "v:q", "voice", "@a b", "\ud800", "/ask"]
)
bodies = st.recursive(
    json_values | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(KEYS), bodies, max_size=10))
def test_no_body_breaks_it(given: Json) -> None:
    """Whatever a body holds, it means something or nothing, and what it means can be written down."""
    said = reader().read(given)
    if isinstance(said, Message):
        said.text.encode()
        said.author.encode()
