"""A poll in the chats that have buttons, with the whole program behind them."""

import time
from pathlib import Path

from bot.app import Hall, open_hall
from bot.connectors.telegram import TelegramOptions
from bot.connectors.wecom import WeComOptions
from bot.model import PollKind, PollState
from bot.settings import AfterSettings
from tests.bot.app.test_hall import settings, until
from tests.fake_telegram import ANN, BOB, GROUP, TOKEN, FakeTelegram, Json, private
from tests.fake_wecom import BOT, SECRET, FakeWeCom
from tests.fakes import HashEncoder

WISH = PollState("", "", PollKind.MULTIPLE, "Which queues do you run?", ("Redis", "Kafka", "RabbitMQ"), most=2)


async def counts(hall: Hall) -> dict[int, int]:
    return (await hall.store.polls("talk"))[0].counts


async def test_a_poll_is_asked_and_answered_with_telegrams_buttons(tmp_path: Path) -> None:
    """The group sees the options as buttons, one presses, one types; both count, and a closed poll takes no more."""
    async with FakeTelegram() as telegram:
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=telegram.base_url.rsplit("/bot", 1)[0])
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:
            await hall.loaded()
            telegram.says("/ask Is there a recording?", ANN, GROUP)
            await until(lambda: hall.store.chats("talk"))
            made = await hall.polls.make("Ann", "talk", WISH)
            await hall.polls.start("Ann", "talk", made.state.id)
            await telegram.until(lambda: any("Which queues" in text for text in telegram.texts(GROUP["id"])))
            asked = next(m for m in telegram.messages.values() if "Which queues" in m.get("text", ""))
            buttons = [b for row in asked["reply_markup"]["inline_keyboard"] for b in row]
            assert [b["text"] for b in buttons[:3]] == ["1. Redis", "2. Kafka", "3. RabbitMQ"]
            data = [b["callback_data"] for b in buttons]
            for pressed in (data[0], data[1], data[1], data[2]):
                telegram.presses(pressed, asked, ANN)
            telegram.says("B", BOB, GROUP)

            async def voted() -> bool:
                return await counts(hall) == {1: 1, 2: 2}

            await until(voted)
            await telegram.until(lambda: len(telegram.said("answerCallbackQuery")) == 4)
            told = [str(call.params["text"]) for call in telegram.said("answerCallbackQuery")]
            assert told[1] == "Your choice counts: Redis; Kafka"
            assert told[3].startswith("That is as many as may be chosen")
            await hall.polls.close("Ann", "talk", made.state.id)
            telegram.presses(data[2], asked, BOB)
            await telegram.until(lambda: len(telegram.said("answerCallbackQuery")) == 5)
            assert telegram.said("answerCallbackQuery")[-1].params["text"] == "This poll is closed."
            assert await counts(hall) == {1: 1, 2: 2}
        assert not telegram.faults


async def test_a_survey_is_asked_and_answered_with_telegrams_buttons(tmp_path: Path) -> None:
    """A group and a private chat are told once, with the way to the page; a press counts, and in private the next
    question follows it. After the end a press is told that it is over."""
    async with FakeTelegram() as telegram:
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=telegram.base_url.rsplit("/bot", 1)[0])
        ahead = 0.0
        clock = lambda: time.time() + ahead  # noqa: E731
        settled = settings(tmp_path, sources=(bot,), after=AfterSettings(quiet=""))  # whenever the test runs
        async with open_hall(settled, encoder=HashEncoder(), now=clock) as hall:
            await hall.loaded()
            telegram.says("/ask Is there a recording?", ANN, GROUP)
            telegram.says("How long does it last?", ANN, private(ANN))

            async def both() -> bool:
                return len(await hall.store.chats("talk")) == 2

            await until(both)
            await hall.surveys.open("Ann", "talk")
            ahead = 10.0  # in which it could have been taken back
            own = ANN["id"]
            await telegram.until(lambda: any("from 1 to 5" in text for text in telegram.texts(own)))
            await telegram.until(lambda: any("/s/talk/feedback" in text for text in telegram.texts(GROUP["id"])))
            asked = [m for m in telegram.messages.values() if "from 1 to 5" in m.get("text", "")]
            assert len(asked) == 2
            mine = next(m for m in asked if m["chat"]["id"] == own)
            data = [b["callback_data"] for row in mine["reply_markup"]["inline_keyboard"] for b in row]
            telegram.presses(data[3], mine, ANN)
            await telegram.until(lambda: any("Next:" in text for text in telegram.texts(own)))
            assert (await hall.store.survey_results("talk"))[0].counts == {4: 1}
            assert telegram.said("answerCallbackQuery")[0].params["text"] == "Your choice counts: 4"
            await hall.surveys.close("Ann", "talk")
            telegram.presses(data[0], mine, BOB)
            await telegram.until(lambda: len(telegram.said("answerCallbackQuery")) == 2)
            assert telegram.said("answerCallbackQuery")[1].params["text"] == "This poll is closed."


async def test_a_poll_is_a_card_to_tick_in_wecom(tmp_path: Path) -> None:
    """The card offers the options, what is ticked counts as a whole, and the card shows each their own choice."""
    async with FakeWeCom() as wecom:
        bot = WeComOptions(bot_id=BOT, secret=SECRET, session="talk", socket_url=wecom.socket_url)
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:
            await hall.loaded()
            await wecom.says("Is there a recording?")
            await until(lambda: hall.store.chats("talk"))
            made = await hall.polls.make("Ann", "talk", WISH)
            await hall.polls.start("Ann", "talk", made.state.id)

            def card() -> Json | None:
                sent = [call.body.get("template_card", {}) for call in wecom.told("aibot_send_msg")]
                return next((c for c in sent if c.get("card_type") == "vote_interaction"), None)

            await wecom.until(card)
            shown = card() or {}
            await wecom.votes(shown, "1. Redis", "3. RabbitMQ")
            await wecom.until(lambda: wecom.told("aibot_respond_update_msg"))
            assert await counts(hall) == {1: 1, 3: 1}
            after = wecom.told("aibot_respond_update_msg")[0].body["template_card"]
            assert [o["is_checked"] for o in after["checkbox"]["option_list"]] == [True, False, True]
            await wecom.votes(shown, "1. Redis", "2. Kafka", "3. RabbitMQ")
            await wecom.until(lambda: len(wecom.told("aibot_respond_update_msg")) == 2)
            assert await counts(hall) == {1: 1, 3: 1}
            told = wecom.told("aibot_respond_update_msg")[1].body["template_card"]["submit_button"]["text"]
            assert told == "Too many"
        assert not wecom.faults
