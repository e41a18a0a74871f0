"""What the Telegram connector hears by long polling, also from a server that misbehaves."""

import asyncio
import logging
import time

import pytest

from bot.connectors.telegram import Telegram
from bot.connectors.telegram import client as telegram_client
from bot.errors import Refused, SettingsError
from tests.bot.connectors.listening import connector, keep, listening
from tests.fake_floor import FakeFloor, question
from tests.fake_telegram import (
    ANN,
    BOB,
    GROUP,
    ME,
    TOKEN,
    FakeTelegram,
    broken,
    cut_json,
    cut_off,
    hang,
    private,
    refuse,
)


async def test_a_question_reaches_the_floor(server: FakeTelegram) -> None:
    """/ask becomes a message that says who asked what, where and when."""
    floor = FakeFloor()
    said = server.says("/ask Why is the sky blue?")
    async with listening(server, floor):
        await server.until(lambda: floor.messages)
    message = floor.messages[0]
    assert (message.text, message.author, message.author_name) == ("Why is the sky blue?", "11", "Ann Lee")
    assert (message.session, message.source, message.explicit) == ("talk", "telegram", True)
    assert message.external_id == f"-1001:{said['message_id']}"
    assert message.at == said["date"]
    assert message.address is not None
    assert (message.address.chat, message.address.message) == ("-1001", str(said["message_id"]))
    assert not message.address.private


async def test_updates_are_confirmed_only_after_the_commit(server: FakeTelegram) -> None:
    """The next question for updates carries the offset that was committed together with the messages."""
    floor = FakeFloor()
    server.says("/ask one")
    async with listening(server, floor):
        await server.until(lambda: len(server.said("getUpdates")) == 2)
        assert floor.texts == ["one"]
        committed = floor.cursors["telegram"].partition("@")[0]
        assert server.said("getUpdates")[1].params["offset"] == committed == "502"
        await server.until(lambda: server.unconfirmed() == 0)


async def test_a_crash_between_fetch_and_commit_loses_and_doubles_nothing(server: FakeTelegram) -> None:
    """Updates that were fetched but not committed come again after a restart and count once."""
    floor = FakeFloor(question("q1"))
    server.says("/ask one")
    pressed = server.says("here is a button")
    server.presses("v:q1", pressed, BOB)
    floor.crash_next = True
    crashed = connector(server)
    with pytest.raises(asyncio.CancelledError):
        await crashed.run(floor)
    await crashed.close()
    assert server.unconfirmed() == 3
    assert floor.messages == []
    async with listening(server, floor):
        await server.until(lambda: server.unconfirmed() == 0)
    assert floor.texts == ["one"]
    assert floor.votes == {("q1", "12")}


async def test_a_restart_goes_on_where_the_cursor_stands(server: FakeTelegram) -> None:
    """The offset is read from the floor; after six days it is dropped, because Telegram numbers anew."""
    floor = FakeFloor()
    floor.cursors["telegram"] = f"700@{time.time():.0f}"
    async with listening(server, floor):
        await server.until(lambda: server.said("getUpdates"))
    assert server.said("getUpdates")[0].params["offset"] == "700"
    floor.cursors["telegram"] = f"700@{time.time() - 6.1 * 86400:.0f}"
    async with listening(server, floor):
        await server.until(lambda: len(server.said("getUpdates")) == 2)
    assert "offset" not in server.said("getUpdates")[1].params


async def test_the_offset_of_another_bot_is_none(server: FakeTelegram) -> None:
    """Whoever changes the token in the middle of a week loses nothing that the new bot was told: update ids belong to
    each bot."""
    floor = FakeFloor()
    floor.cursors["telegram"] = f"700@{time.time():.0f}@{ME['id'] + 1}"
    server.says("/ask one")
    async with listening(server, floor):
        await server.until(lambda: floor.messages)
    assert "offset" not in server.said("getUpdates")[0].params
    asked = len(server.said("getUpdates"))
    async with listening(server, floor):
        await server.until(lambda: len(server.said("getUpdates")) > asked)
    assert server.said("getUpdates")[asked].params["offset"] == "502"


async def test_after_a_quiet_week_the_offset_is_dropped(server: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a program that was never stopped: what Telegram numbers anew, and lower, is heard."""
    monkeypatch.setattr("bot.connectors.telegram.connector.POLL_SECONDS", 0)
    floor, ahead = FakeFloor(), [0.0]
    server.says("/ask one")

    def asked_with_offset() -> bool:
        return "offset" in server.said("getUpdates")[-1].params

    async with listening(server, floor, now=lambda: time.time() + ahead[0]):
        await server.until(lambda: floor.messages and asked_with_offset())
        ahead[0] = 6.1 * 86400
        await server.until(lambda: not asked_with_offset())
        server.says("/ask two")
        await server.until(lambda: len(floor.messages) == 2 and asked_with_offset())
    assert floor.texts == ["one", "two"]


async def test_a_full_disk_only_delays(server: FakeTelegram) -> None:
    """While the store takes nothing, nothing is confirmed; afterwards everything is there once."""
    floor = FakeFloor()
    floor.fail_next = 3
    server.says("/ask one")
    async with listening(server, floor):
        await server.until(lambda: server.unconfirmed() == 0)
    assert floor.texts == ["one"]


async def test_doubled_and_reordered_updates_count_once(server: FakeTelegram) -> None:
    """Whatever order and however often updates come, each message, vote and command counts once."""
    server.messy = True
    floor = FakeFloor(question("q1"))
    async with listening(server, floor):
        for batch in range(4):
            for number in range(5):
                server.says(f"/ask question {batch} {number}")
            server.says("/questions")
            server.presses("v:q1", server.says("a button"), BOB)
            await server.until(lambda: server.unconfirmed() == 0)
    assert sorted(floor.texts) == sorted(f"question {b} {n}" for b in range(4) for n in range(5))
    assert floor.votes == {("q1", "12")}
    assert len(floor.deliveries) == 4


async def test_a_misbehaving_server_loses_nothing(server: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> None:
    """5xx, cut JSON, broken connections, hanging and 429: each message arrives once."""
    monkeypatch.setattr(telegram_client, "CALL_SECONDS", 0.3)
    monkeypatch.setattr("bot.connectors.telegram.connector.POLL_SECONDS", 1)
    server.will("getMe", broken(500), cut_json())
    server.will(
        "getUpdates",
        broken(502),
        cut_json(),
        cut_off(),
        refuse(429, "Too Many Requests: retry after 1", retry_after=1),
        hang(3.0),
        broken(503),
    )
    floor = FakeFloor()
    for number in range(20):
        server.says(f"/ask {number}")
    async with listening(server, floor):
        await server.until(lambda: server.unconfirmed() == 0)
    assert floor.texts == [str(number) for number in range(20)]
    asked = server.said("getUpdates")
    assert asked[4].at - asked[3].at >= 1.0, "asked again inside retry_after"


async def test_an_update_nobody_can_read_stops_nothing(server: FakeTelegram) -> None:
    """An update that the library cannot read is skipped, and what comes after it is heard."""
    floor = FakeFloor()
    server.queue_raw({"message": {"message_id": "what", "date": "yesterday"}})
    server.queue_raw({"callback_query": 7})
    server.says("/ask after it")
    async with listening(server, floor):
        await server.until(lambda: server.unconfirmed() == 0)
    assert floor.texts == ["after it"]


async def test_a_refused_token_says_what_to_do_and_is_not_quoted(server: FakeTelegram) -> None:
    """A wrong token ends the connector with advice, and neither error nor its causes name the token."""
    wrong = connector(server, token="123456:wrong-token")
    with pytest.raises(Refused, match="BotFather") as caught:
        await wrong.run(FakeFloor())
    await wrong.close()
    assert "wrong-token" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_another_poller_is_reported_not_fought(server: FakeTelegram) -> None:
    """Two conflicts are taken for our own former connection, more of them end with advice."""
    conflict = refuse(409, "Conflict: terminated by other getUpdates request")
    server.will("getUpdates", conflict, conflict)
    floor = FakeFloor()
    server.says("/ask still there")
    async with listening(server, floor):
        await server.until(lambda: floor.messages)
    server.will("getUpdates", *[conflict] * 10)
    second = connector(server)
    with pytest.raises(Refused, match="another program"):
        await keep(second, floor)
    await second.close()


async def test_a_standing_webhook_is_taken_away_for_polling(server: FakeTelegram) -> None:
    """Polling does not work beside a webhook, so that is deleted first, and what waits is kept."""
    server.webhook = {"url": "https://example.org/in/old"}
    floor = FakeFloor()
    server.says("/ask one")
    async with listening(server, floor):
        await server.until(lambda: floor.messages)
    assert server.webhook is None
    assert "drop_pending_updates" not in server.said("deleteWebhook")[0].params


async def test_only_messages_and_buttons_are_asked_for(server: FakeTelegram) -> None:
    """Edited messages are not asked for, and one that comes all the same changes nothing."""
    floor = FakeFloor()
    said = server.says("/ask the first wording")
    server.edits(said, "/ask another wording")
    async with listening(server, floor):
        await server.until(lambda: server.unconfirmed() == 0)
    assert floor.texts == ["the first wording"]
    assert server.said("getUpdates")[0].params["allowed_updates"] == ["message", "callback_query"]


async def test_a_vote_is_counted_and_answered(server: FakeTelegram) -> None:
    """Pressing a button votes as this person and says how many there are now."""
    floor = FakeFloor(question("q17", people=7))
    async with listening(server, floor, language="zh"):
        server.presses("v:q17", server.says("hello"), BOB)
        await server.until(lambda: server.said("answerCallbackQuery"))
        server.presses("v:q17", server.says("hello"), BOB)
        await server.until(lambda: len(server.said("answerCallbackQuery")) == 2)
    assert floor.votes == {("q17", "12")}
    assert [call.text for call in server.said("answerCallbackQuery")] == ["已计入，共 8 人想知道"] * 2


async def test_not_answered_reaches_the_floor(server: FakeTelegram) -> None:
    """The button under a course answer hands the question over, with the person who pressed it."""
    floor = FakeFloor(question("q1"))
    async with listening(server, floor):
        server.presses("n:q1", server.says("hello", chat=private(ANN)))
        await server.until(lambda: server.said("answerCallbackQuery"))
    assert [(q, person.id) for q, person in floor.not_answered_by] == [("q1", "11")]
    assert "queue" in server.said("answerCallbackQuery")[0].text


async def test_an_expired_button_and_a_vanished_question_disturb_nobody(server: FakeTelegram) -> None:
    """A late press still counts though it cannot be answered; one for a vanished question is answered so."""
    floor = FakeFloor(question("q1"))
    async with listening(server, floor):
        server.presses("v:q1", server.says("hello"), BOB)
        server.expire_queries()
        server.presses("v:gone", server.says("hello"), BOB)
        server.says("/ask and then")
        await server.until(lambda: len(server.said("answerCallbackQuery")) == 2 and floor.messages)
    assert floor.votes == {("q1", "12")}
    assert "no longer" in server.said("answerCallbackQuery")[1].text


async def test_neither_token_nor_texts_are_logged(server: FakeTelegram, caplog: pytest.LogCaptureFixture) -> None:
    """Logs at the level people run with hold no token and nothing that somebody wrote, not even when it goes wrong."""
    caplog.set_level(logging.INFO)
    server.will("getUpdates", cut_json(), cut_off(), broken(500))
    floor = FakeFloor()
    server.says("/ask something very personal")
    async with listening(server, floor):
        await server.until(lambda: server.unconfirmed() == 0)
    assert floor.texts == ["something very personal"]
    assert TOKEN not in caplog.text
    assert "personal" not in caplog.text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"token": ""}, "BotFather"),
        ({"mode": "webhook", "public_url": "http://example.org"}, "https"),
        ({"mode": "webhook", "public_url": "https://example.org", "secret": "no spaces"}, "secret"),
    ],
)
def test_settings_that_cannot_work_are_named(options: dict[str, str], problem: str) -> None:
    """What cannot work is said before anything starts."""
    token = options.pop("token", TOKEN)
    with pytest.raises(SettingsError, match=problem):
        Telegram("telegram", token, "talk", **options)  # type: ignore[arg-type]


async def test_help_tells_about_privacy_mode(server: FakeTelegram) -> None:
    """/start says how to ask, and that a bot in privacy mode does not see every message."""
    floor = FakeFloor()
    async with listening(server, floor):
        server.says("/start", chat=private(ANN))
        server.says("/help@floormic_bot", chat=GROUP)
        await server.until(lambda: len(floor.deliveries) == 2)
    for delivery in floor.deliveries.values():
        assert "/ask" in delivery.text
        assert "@floormic_bot" in delivery.text
        assert "privacy mode" in delivery.text
