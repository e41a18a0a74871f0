"""What the Telegram connector says, alone and through the outbox, to a server that misbehaves."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.connectors.telegram import Telegram
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Abilities, Address, Button, Delivery
from bot.outbox import Outbox
from tests.bot.connectors.listening import connector
from tests.fake_floor import FakeDeliveries
from tests.fake_telegram import ANN, BOB, FakeTelegram, broken, cut_json, cut_off, hang, private, refuse

CHAT = -1001


@pytest.fixture
async def telegram(server: FakeTelegram) -> AsyncIterator[Telegram]:
    server.knows(CHAT)
    made = connector(server)
    yield made
    await made.close()


def delivery(text: str = "Hello", key: str = "k", chat: object = CHAT, message: str = "", **more: Any) -> Delivery:
    return Delivery(key, "talk", Address("telegram", str(chat), message, "11", private=False), text, **more)


async def test_a_reply_names_its_message_and_carries_buttons(server: FakeTelegram, telegram: Telegram) -> None:
    """What is said hangs on the message it answers, in its topic, with its buttons, and its id comes back."""
    asked = server.says("/ask why?")
    to = delivery("Because.", message=str(asked["message_id"]), buttons=(Button("vote", "q17", "Me too"),))
    sent_id = await telegram.send(to)
    call = server.said()[0]
    assert server.messages[CHAT, int(sent_id)]["reply_to_message"]["text"] == "/ask why?"
    assert call.buttons == [{"text": "Me too", "callback_data": "v:q17"}]
    await telegram.send(delivery("In a topic", chat="-1001/5"))
    assert server.said()[1].params["message_thread_id"] == "5"


async def test_text_never_becomes_markup(server: FakeTelegram, telegram: Telegram) -> None:
    """No parse mode is ever set, so what people wrote arrives letter by letter."""
    text = "*bold* _it_ <b>tag</b> [link](https://example.org) `code` \\ & 😀"
    await telegram.send(delivery(text))
    assert server.texts(CHAT) == [text]
    assert "parse_mode" not in server.said()[0].params


async def test_a_reply_to_a_deleted_message_is_said_all_the_same(server: FakeTelegram, telegram: Telegram) -> None:
    """Where the asker deleted the question, the answer still comes."""
    await telegram.send(delivery("Because.", message="987654"))
    assert server.texts(CHAT) == ["Because."]


async def test_with_an_id_the_message_is_edited(server: FakeTelegram, telegram: Telegram) -> None:
    """The same message gets new words and buttons; saying the same again is done, too."""
    sent_id = await telegram.send(delivery("One asks."))
    for _ in range(2):
        again = delivery("Two ask.", sent_id=sent_id, buttons=(Button("vote", "q1", "Me too"),))
        assert await telegram.send(again) == sent_id
    assert server.texts(CHAT) == ["Two ask."]
    assert len(server.said()) == 1


@pytest.mark.parametrize("why", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
async def test_what_can_no_longer_be_edited_is_said_anew(server: FakeTelegram, telegram: Telegram, why: str) -> None:
    """A deleted or too old message makes room for a new one, whose id comes back."""
    server.will("editMessageText", refuse(400, f"Bad Request: {why}"))
    sent_id = await telegram.send(delivery("Two ask.", sent_id="77"))
    assert sent_id != "77"
    assert server.texts(CHAT) == ["Two ask."]


async def test_a_429_says_how_long_and_whom(server: FakeTelegram, telegram: Telegram) -> None:
    """One chat's 429 is for that chat; when a second chat gets one meanwhile, it is for all."""
    server.says("hello", chat=private(ANN))
    server.flood(30)
    with pytest.raises(TryLater) as first:
        await telegram.send(delivery())
    server.flood(30)
    with pytest.raises(TryLater) as second:
        await telegram.send(delivery(chat=11))
    assert (first.value.seconds, first.value.chat) == (30, "-1001")
    assert (second.value.seconds, second.value.chat) == (30, "")


async def test_topics_of_one_forum_are_one_chat(server: FakeTelegram, telegram: Telegram) -> None:
    """Two of them that are told to wait are no sign that everybody is."""
    waits = []
    for topic in (5, 6):
        server.flood(30)
        with pytest.raises(TryLater) as caught:
            await telegram.send(delivery(chat=f"{CHAT}/{topic}"))
        waits.append(caught.value.chat)
    assert waits == [f"{CHAT}/5", f"{CHAT}/6"]


@pytest.mark.parametrize("chat", ["-5", "12", "nonsense", "", "1/x"])
async def test_chats_that_never_hear_us_are_given_up(server: FakeTelegram, telegram: Telegram, chat: str) -> None:
    """Unknown and blocked chats and addresses of another platform are refused for good."""
    server.knows(12)
    server.blocked.add(12)
    with pytest.raises(Refused):
        await telegram.send(delivery(chat=chat))


async def test_a_group_that_moved_is_followed(server: FakeTelegram, telegram: Telegram) -> None:
    """A group that became a supergroup gets what is said under its new id, at once and from then on."""
    server.knows(-55)
    server.migrated[-55] = CHAT
    await telegram.send(delivery("one", chat=-55))
    await telegram.send(delivery("two", chat=-55))
    assert server.texts(CHAT) == ["one", "two"]
    assert len(server.said()) == 3


@pytest.mark.parametrize("mood", [broken(502), broken(500), refuse(401, "Unauthorized"), refuse(409, "Conflict")])
async def test_trouble_that_may_pass_is_worth_another_try(server: FakeTelegram, telegram: Telegram, mood: Any) -> None:
    """Bad gateways, and a token that somebody has to put right, cost no answer."""
    server.will("sendMessage", mood)
    with pytest.raises(ConnectorError) as caught:
        await telegram.send(delivery())
    assert not isinstance(caught.value, Refused | TryLater)


@pytest.mark.parametrize("mood", [cut_json(), cut_off()])
async def test_what_was_said_is_not_said_again_for_a_lost_answer(
    server: FakeTelegram, telegram: Telegram, mood: Any
) -> None:
    """When Telegram said 200 and the rest got lost, the message counts as said."""
    server.will("sendMessage", mood)
    assert await telegram.send(delivery("once")) == ""
    assert server.texts(CHAT) == ["once"]


# Through the outbox

FAST = Abilities(reply=True, edit=True, buttons=True, rate=1000.0, chat_rate=1000.0, group_rate=1000.0, topics=True)


@asynccontextmanager
async def carrying(store: FakeDeliveries, telegram: Telegram, **options: Any) -> AsyncIterator[Outbox]:
    telegram.abilities = FAST
    options = {"wait": lambda failures: 0.05, **options}
    outbox = Outbox(store, {"telegram": telegram}, time.time, **options)
    task = asyncio.create_task(outbox.run())
    yield outbox
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_everything_arrives_once_through_all_the_trouble(server: FakeTelegram, telegram: Telegram) -> None:
    """5xx, cut answers, a broken connection and hanging: every message stands in its chat once, in order."""
    server.says("hello", chat=private(BOB))
    server.will("sendMessage", broken(), cut_json(), broken(500), cut_off(), hang(1.0), broken(503))
    store = FakeDeliveries()
    texts = [f"message {n}" for n in range(12)]
    for chat in (CHAT, 12):
        await store.deliver([delivery(text, f"{chat} {text}", chat) for text in texts])
    async with carrying(store, telegram, patience=0.4):
        await server.until(lambda: all(d.state == "sent" for d in store.rows.values()))
    assert server.texts(CHAT) == texts
    assert server.texts(12) == texts


async def test_nothing_is_sent_inside_a_retry_after(server: FakeTelegram, telegram: Telegram) -> None:
    """After a 429 its chat hears nothing until the time is over, while other chats go on."""
    server.says("hello", chat=private(BOB))
    server.flood(1)
    store = FakeDeliveries()
    await store.deliver([delivery("one", "1"), delivery("two", "2")])
    async with carrying(store, telegram):
        await server.until(lambda: len(server.said()) == 1)
        await store.deliver([delivery("elsewhere", "3", 12)])
        await server.until(lambda: server.texts(12))
        assert server.texts(CHAT) == []
        await server.until(lambda: len(server.texts(CHAT)) == 2)
    first, elsewhere, second = (call.at for call in server.said()[:3])
    assert elsewhere < second
    assert second - first >= 1.0
    assert server.texts(CHAT) == ["one", "two"]
    assert store.rows["1"].attempts == 1, "being told to wait is no failed attempt"


async def test_a_flood_everywhere_silences_every_chat(server: FakeTelegram, telegram: Telegram) -> None:
    """When two chats are told to wait, a third is not even tried before the time is over."""
    chats = [CHAT, *range(50, 60)]
    for chat in chats:
        server.knows(chat)
    store = FakeDeliveries()
    server.flood(1)
    server.flood(1, everywhere=True)
    async with carrying(store, telegram):
        for chat in chats[:2]:
            await store.deliver([delivery("hi", f"{chat}", chat)])
        await server.until(lambda: len(server.said()) == 2)
        await asyncio.sleep(0.05)
        await store.deliver([delivery("hi", f"{chat}", chat) for chat in chats[2:]])
        await server.until(lambda: all(server.texts(chat) for chat in chats))
    assert len(server.said()) == len(chats) + 2


async def test_topics_share_the_pace_of_their_forum(server: FakeTelegram, telegram: Telegram) -> None:
    """Telegram counts what is said in a group, in whichever of its topics."""
    assert Telegram.abilities.topics
    store = FakeDeliveries()
    async with carrying(store, telegram) as outbox:
        telegram.abilities = replace(FAST, chat_rate=2.0)
        await store.deliver([delivery(f"in {topic}", f"{topic}", f"{CHAT}/{topic}") for topic in (5, 6, 7)])
        outbox.wake()
        await server.until(lambda: len(server.texts(CHAT)) == 3)
    first, _, last = (call.at for call in server.said())
    assert last - first >= 0.9


async def test_a_silence_in_one_topic_is_kept_in_all_of_its_forum(server: FakeTelegram, telegram: Telegram) -> None:
    """Told to wait in one, it says nothing in another one either before the time is over."""
    server.flood(1)
    store = FakeDeliveries()
    async with carrying(store, telegram) as outbox:
        await store.deliver([delivery(f"in {topic}", f"{topic}", f"{CHAT}/{topic}") for topic in (5, 6)])
        outbox.wake()
        await server.until(lambda: len(server.texts(CHAT)) == 2)
    assert len(server.said()) == 3


async def test_an_acknowledgement_is_edited_and_not_repeated(server: FakeTelegram, telegram: Telegram) -> None:
    """However often the words change, one message stands in the chat, with the last of them."""
    store = FakeDeliveries()
    async with carrying(store, telegram) as outbox:
        for people in range(1, 30):
            await store.deliver([delivery(f"{people} ask this", "ack")])
            outbox.wake()
            await asyncio.sleep(0.01)
        await server.until(lambda: server.texts(CHAT) == ["29 ask this"])
    assert len(server.said()) == 1
    assert store.rows["ack"].state == "sent"


def test_telegrams_limits_are_what_the_connector_declares() -> None:
    """A message a second in a chat, twenty a minute in a group, thirty a second over all."""
    abilities = Telegram.abilities
    assert (abilities.chat_rate, abilities.group_rate * 60, abilities.rate, abilities.length) == (1, 20, 30, 4096)
    assert abilities.reply
    assert abilities.edit
    assert abilities.buttons


async def test_an_edit_whose_answer_got_lost_keeps_its_message(server: FakeTelegram, telegram: Telegram) -> None:
    """An edit whose answer got lost keeps the id, so that the next edit finds its message."""
    sent_id = await telegram.send(delivery("one"))
    server.will("editMessageText", cut_json())
    assert await telegram.send(replace(delivery("two"), sent_id=sent_id)) == sent_id
    assert server.texts(CHAT) == ["two"]
