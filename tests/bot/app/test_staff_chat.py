"""A group of the staff in Telegram, with the whole program behind it."""

from pathlib import Path

from bot.accounts import Actor
from bot.app import open_hall
from bot.connectors.telegram import TelegramOptions
from bot.model import Session
from tests.bot.app.test_hall import settings, until
from tests.bot.app.test_poll_chats import WISH
from tests.fake_telegram import ANN, BOB, GROUP, TOKEN, FakeTelegram, Json, private
from tests.fakes import HashEncoder

STAFF: Json = {"id": -1009, "type": "supergroup", "title": "Staff"}


def shown(telegram: FakeTelegram, text: str) -> Json:
    """The bot's newest message in the staff's group with this text in it, as it stands now."""
    return next(
        m for (chat, _), m in reversed(telegram.messages.items()) if chat == STAFF["id"] and text in m.get("text", "")
    )


def data_of(message: Json, label: str) -> str:
    rows = message["reply_markup"]["inline_keyboard"]
    return next(str(button["callback_data"]) for row in rows for button in row if button["text"] == label)


async def test_the_staff_answers_from_its_group(tmp_path: Path) -> None:
    """A viewer asks in the audience's group; in the staff's group a moderator opens, stages and answers it by a reply;
    the viewer hears the answer. What the staff writes is no question, and a button pressed elsewhere does nothing."""
    async with FakeTelegram() as telegram:
        base = telegram.base_url.rsplit("/bot", 1)[0]
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=base, staff_chat=str(STAFF["id"]))
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:
            await hall.loaded()
            telegram.says("here we are", ANN, STAFF)
            telegram.says("/ask Is there a recording?", BOB, private(BOB))
            await telegram.until(lambda: "1. Is there a recording?" in "\n".join(telegram.texts(STAFF["id"])))
            listed = shown(telegram, "1. Is there a recording?")
            telegram.says("what do you think, shall we take this?", ANN, STAFF)
            telegram.presses(data_of(listed, "1"), listed, ANN)
            await telegram.until(lambda: "Reply to this message" in "\n".join(telegram.texts(STAFF["id"])))
            card = shown(telegram, "Reply to this message")
            elsewhere = telegram.message(ANN, GROUP, text="hello")
            telegram.presses(data_of(card, "Dismiss…").replace("dismiss", "stage"), elsewhere, BOB)
            telegram.presses(data_of(card, "Stage"), card, ANN)
            await telegram.until(lambda: "on stage · 1" in "\n".join(telegram.texts(STAFF["id"])))
            telegram.says("Yes, tomorrow at noon.", ANN, STAFF, reply_to_message=card)

            async def answered() -> bool:
                return (await hall.store.questions("talk"))[0].status == "answered"

            await until(answered)
            assert len(await hall.store.questions("talk")) == 1
            assert [a.change.what for a in await hall.store.actions("talk")] == ["answer", "stage"]
        assert not telegram.faults


async def test_a_group_is_told_its_id(tmp_path: Path) -> None:
    """/staff in a group says what to write into the configuration."""
    async with FakeTelegram() as telegram:
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=telegram.base_url.rsplit("/bot", 1)[0])
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()):
            telegram.says("/staff", ANN, STAFF)
            await telegram.until(lambda: telegram.texts(STAFF["id"]))
    assert 'staff_chat = "-1009"' in telegram.texts(STAFF["id"])[0]


async def test_the_staffs_chat_is_told_nothing_of_polls(tmp_path: Path) -> None:
    """Not even where somebody asked there before it became the staff's."""
    async with FakeTelegram() as telegram:
        base = telegram.base_url.rsplit("/bot", 1)[0]
        for staff in ("", f"{STAFF['id']}/77"):
            bot = TelegramOptions(token=TOKEN, session="talk", base_url=base, staff_chat=staff)
            async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:
                if not staff:
                    telegram.says("/ask Is there a recording?", ANN, STAFF)
                    telegram.says("/ask And slides?", BOB, GROUP)

                    async def both() -> bool:
                        return len(await hall.store.chats("talk")) == 2

                    await until(both)
                    continue
                made = await hall.polls.make("Ann", "talk", WISH)
                await hall.polls.start("Ann", "talk", made.state.id)
                await telegram.until(lambda: "Which queues" in "\n".join(telegram.texts(GROUP["id"])))
                told = [one.address.chat for one in await hall.store.deliveries("talk") if one.poll]
                assert told == [str(GROUP["id"])]


async def test_the_staffs_chat_goes_with_its_source(tmp_path: Path) -> None:
    """The source is pointed at another talk: its staff sees that one from then on, and a poll's votes go there."""
    async with FakeTelegram() as telegram:
        base = telegram.base_url.rsplit("/bot", 1)[0]
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=base, staff_chat=str(STAFF["id"]))
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:
            telegram.says("here we are", ANN, STAFF)
            await telegram.until(lambda: "A talk" in "\n".join(telegram.texts(STAFF["id"])))
            await hall.store.save_session(Session("next", "The next talk", language="en"))
            await hall.feed("telegram", "next", Actor("", "Ann"))
            await telegram.until(lambda: "The next talk" in "\n".join(telegram.texts(STAFF["id"])))
            telegram.says("/ask Is this recorded too?", BOB, private(BOB))
            await telegram.until(lambda: "1. Is this recorded too?" in "\n".join(telegram.texts(STAFF["id"])))
            made = await hall.polls.make("Ann", "next", WISH)
            await hall.polls.start("Ann", "next", made.state.id)
            await telegram.until(lambda: any("Which queues" in text for text in telegram.texts(BOB["id"])))
            asked = next(m for m in telegram.messages.values() if "Which queues" in m.get("text", ""))
            telegram.presses(data_of(asked, "2. Kafka"), asked, BOB)

            async def voted() -> bool:
                return (await hall.store.polls("next"))[0].counts == {2: 1}

            await until(voted)
