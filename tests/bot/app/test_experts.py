"""Experts are asked where the staff is, with the whole program behind it."""

from pathlib import Path

import pytest

from bot.app import open_hall
from bot.connectors.telegram import TelegramOptions
from bot.errors import NotAllowed
from bot.model import Delivery
from tests.bot.app.test_hall import settings, until
from tests.bot.app.test_staff_chat import STAFF
from tests.fake_telegram import ANN, BOB, TOKEN, FakeTelegram, private
from tests.fakes import HashEncoder


async def test_the_experts_are_asked_once_when_the_talk_is_over(tmp_path: Path) -> None:
    """The staff's chat, and no other, is told how many questions are open and where to answer; not where the end is
    taken back at once, and not again whatever is set afterwards. A moderator may ask before."""
    async with FakeTelegram() as telegram:
        bot = TelegramOptions(
            token=TOKEN,
            session="talk",
            base_url=telegram.base_url.rsplit("/bot", 1)[0],
            staff_chat=str(STAFF["id"]),
        )
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:
            await hall.loaded()
            with pytest.raises(NotAllowed, match="no question is open"):
                await hall.experts.ask("talk", "Ann")
            telegram.says("here we are", ANN, STAFF)
            telegram.says("/ask Is there a recording?", BOB, private(BOB))

            async def asked() -> bool:
                return bool(await hall.store.questions("talk"))

            await until(asked)
            page = hall.session_url("talk", "experts")
            assert await hall.experts.ask("talk", "Ann") == 1
            assert await hall.experts.ask("talk", "Ann") == 1
            await telegram.until(lambda: any(page in text for text in telegram.texts(STAFF["id"])))
            (said,) = [text for text in telegram.texts(STAFF["id"]) if page in text]
            assert "1 question waits for an expert" in said
            assert "1. Is there a recording? (1)" in said
            assert "/signin/" not in said

            async def over(*states: str) -> list[Delivery]:
                found = [one for one in await hall.store.deliveries("talk") if ":over:" in one.key]
                return found if [one.state for one in found] == list(states) else []

            await hall.desk.set_up("Ann", "talk", {"ended_at": 900.0})
            await until(lambda: over("waiting"))
            await hall.desk.set_up("Ann", "talk", {"ended_at": None})
            await until(lambda: over("failed"))
            await hall.desk.set_up("Ann", "talk", {"ended_at": 1000.0})
            await until(lambda: over("failed", "waiting"))
            await hall.desk.set_up("Ann", "talk", {"title": "The talk"})
            await hall.desk.set_up("Ann", "talk", {"title": "A talk"})
            await hall.experts.settled("talk")
            told = await over("failed", "waiting")
            assert told[1].text.startswith("A talk is over, and 1 question is still open.")
            assert told[1].address.chat == str(STAFF["id"])
        assert not telegram.faults
