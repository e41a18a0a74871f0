"""How Telegram's updates are understood: pure, without a server."""

from functools import cache
from typing import Any

import pytest
from telegram import User

from bot.connectors.commands import Command
from bot.connectors.telegram.client import read_update
from bot.connectors.telegram.mapper import Press, Reader, Reading, place, press_data
from bot.model import Message
from tests.fake_telegram import ANN, BOB, FORUM, GROUP, ME, OTHER_BOT, FakeTelegram, entities_of, private

Json = dict[str, Any]
me = User.de_json(ME)


@cache
def server() -> FakeTelegram:
    """Makes messages; it is not started."""
    return FakeTelegram()


def reader(**options: Any) -> Reader:
    return Reader("telegram", "talk", me, **options)


def read(message: Json, **options: Any) -> Reading:
    update = read_update({"update_id": 1, "message": message})
    assert update is not None
    return reader(**options).read([update])


def say(text: str, user: Json = ANN, chat: Json = GROUP, **fields: Any) -> Json:
    return server().message(user, chat, text=text, entities=entities_of(text), **fields)


def one(message: Json, **options: Any) -> Message | Command | Press | None:
    reading = read(message, **options)
    found: list[Message | Command | Press] = [*reading.messages, *reading.commands, *reading.presses]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("/ask Why?", "Why?"),
        ("/ask@floormic_bot Why?", "Why?"),
        ("/ASK@Floormic_Bot Why?", "Why?"),
        ("/ask   two\nlines", "two\nlines"),
        ("/ask什么是梯度？", "什么是梯度？"),
        ("@floormic_bot 什么是梯度？", "什么是梯度？"),
        ("😀😀 Why, @floormic_bot", "😀😀 Why,"),
        ("@Floormic_Bot why @floormic_bot", "why"),
    ],
)
def test_asking_is_understood(text: str, heard: str) -> None:
    """/ask and mentions are explicit questions, without the words that only address the bot."""
    message = one(say(text))
    assert isinstance(message, Message)
    assert (message.text, message.explicit) == (heard, True)


@pytest.mark.parametrize(
    "text", ["hello all", "/ask@weather_bot Why?", "/unknown", "/start@weather_bot", "@ann why?", "@floormic_bot"]
)
def test_what_is_not_meant_for_the_bot_is_left_alone(text: str) -> None:
    """Lines, commands and mentions for others are not read in a group."""
    assert one(say(text)) is None


def test_every_message_is_read_where_that_is_set() -> None:
    """With `every_message` lines of a group are read, to be judged like those of any chat; commands of others not."""
    message = one(say("why is it so?"), every_message=True)
    assert isinstance(message, Message)
    assert not message.explicit
    assert one(say("/ask@weather_bot Why?"), every_message=True) is None


def test_in_private_everything_is_a_question() -> None:
    """What somebody writes to the bot alone is meant for it."""
    message = one(say("why is it so?", chat=private(ANN)))
    assert isinstance(message, Message)
    assert message.explicit
    assert message.address is not None
    assert message.address.private


def test_a_reply_to_the_bot_is_read_and_judged() -> None:
    """A reply to the bot is heard, but not taken for a question unseen; one to somebody else is not heard."""
    mine, others = say("Answer", user=ME), say("Hm", user=BOB)
    message = one(say("and if not?", reply_to_message=mine))
    assert isinstance(message, Message)
    assert not message.explicit
    assert one(say("and if not?", reply_to_message=others)) is None


def test_a_bare_ask_takes_the_message_it_replies_to() -> None:
    """Who points at a message with /ask wants to know that; without one there is a hint."""
    pointed = one(say("/ask", user=BOB, reply_to_message=say("why is it so?")))
    assert isinstance(pointed, Message)
    assert (pointed.text, pointed.author) == ("why is it so?", "12")
    for bare in (say("/ask"), say("/ask@floormic_bot  "), say("/ask", reply_to_message=say("Answer", user=ME))):
        command = one(bare)
        assert isinstance(command, Command)
        assert command.what == "hint"


@pytest.mark.parametrize(
    ("text", "what"), [("/start", "start"), ("/help", "help"), ("/questions", "top"), ("/mine", "mine")]
)
def test_commands_are_told_apart(text: str, what: str) -> None:
    """Each command is known, in groups and in private, with who gave it."""
    for chat in (GROUP, private(ANN)):
        command = one(say(text, chat=chat))
        assert isinstance(command, Command)
        assert (command.what, command.person.id) == (what, "11")


def test_captions_count_as_text() -> None:
    """What is written under a picture is read like a line."""
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    caption = "@floormic_bot what is this?"
    message = one(server().message(photo=photo, caption=caption, caption_entities=entities_of(caption)))
    assert isinstance(message, Message)
    assert message.text == "what is this?"
    assert one(server().message(photo=photo)) is None


def test_bots_are_ignored() -> None:
    """Neither other bots nor ourselves ask questions, and posts copied from a channel are no person's."""
    assert one(say("/ask why?", user=OTHER_BOT)) is None
    assert one(say("/ask why?", user=ME)) is None
    channel = {"id": -1009, "type": "channel", "title": "News"}
    copied = say("/ask why?", is_automatic_forward=True, sender_chat=channel)
    assert one(copied, every_message=True) is None


def test_an_anonymous_admin_is_somebody() -> None:
    """Who speaks as the group counts under the group, not under the stand-in user that all groups share."""
    stand_in = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    message = one(say("/ask why?", user=stand_in, sender_chat=GROUP))
    assert isinstance(message, Message)
    assert (message.author, message.author_name) == ("-1001", "Lecture")


def test_forum_topics_stay_in_the_address() -> None:
    """In a forum the topic belongs to where to reply; the thread id of mere replies does not."""
    topic = one(say("/ask why?", chat=FORUM, message_thread_id=5, is_topic_message=True))
    thread = one(say("/ask why?", chat=GROUP, message_thread_id=5))
    assert isinstance(topic, Message)
    assert isinstance(thread, Message)
    assert topic.address is not None
    assert thread.address is not None
    assert (topic.address.chat, thread.address.chat) == ("-1002/5", "-1001")
    assert topic.external_id.startswith("-1002:")
    assert place("-1002/5") == (-1002, 5)
    assert place("-1001") == (-1001, None)


@pytest.mark.parametrize(("chat", "differ"), [(private(ANN), True), ({**GROUP, "type": "group"}, True), (GROUP, False)])
def test_where_each_bot_has_numbers_of_its_own_its_id_belongs_to_them(chat: Json, differ: bool) -> None:
    """What is said to the next bot under a number that the one before had is another message; in a supergroup all
    bots have the same numbers."""
    update = read_update({"update_id": 1, "message": say("/ask why?", chat=chat)})
    assert update is not None
    bots = [me, User.de_json({**ME, "id": ME["id"] + 1})]
    first, second = (Reader("telegram", "talk", bot).read([update]).messages[0].external_id for bot in bots)
    assert (first != second) is differ


def test_buttons_come_back_as_they_went_out() -> None:
    """A pressed button names act and question; ids that Telegram would not carry make no button."""
    for act in ("vote", "not_answered"):
        query = {"id": "1", "from": BOB, "chat_instance": "1", "data": press_data(act, "q17"), "message": say("x")}
        update = read_update({"update_id": 1, "callback_query": query})
        assert update is not None
        press = reader().read([update]).presses[0]
        assert (press.act, press.question, press.person.id) == (act, "q17", "12")
    assert press_data("vote", "问" * 21) is None
    assert press_data("vote", "q" * 62) is not None
    assert press_data("dance", "q17") is None


@pytest.mark.parametrize("data", [None, "", "v:", "x:q1", "vote", "v" * 64])
def test_unknown_buttons_are_ignored(data: str | None) -> None:
    """Buttons that we did not make do nothing."""
    query = {"id": "1", "from": BOB, "chat_instance": "1", "message": say("x")} | ({"data": data} if data else {})
    update = read_update({"update_id": 1, "callback_query": query})
    assert update is not None
    assert reader().read([update]) == Reading()


def test_a_linking_code_comes_as_a_message() -> None:
    """/link and a code is for the floor to read; without one the command is unknown here."""
    (message,) = read(say("/link K7Q2-9MXT")).messages
    assert message.text == "link K7Q2-9MXT"
    assert read(say("/link")).messages == ()


def test_an_update_that_is_not_whole_is_skipped() -> None:
    """Telegram promises a chat and a date; one message without them costs no other."""
    whole = {"update_id": 2, "message": say("/ask Is there a recording?")}
    for lost in ("chat", "date"):
        cut = {"update_id": 1, "message": {k: v for k, v in say("/ask And the slides?").items() if k != lost}}
        updates = [update for raw in (cut, whole) if (update := read_update(raw))]
        assert [message.text for message in reader().read(updates).messages] == ["Is there a recording?"]
