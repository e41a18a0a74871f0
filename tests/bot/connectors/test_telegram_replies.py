"""What the bot answers to commands."""

from dataclasses import replace
from typing import Any

import pytest
from telegram import User

from bot.connectors.telegram.mapper import Command
from bot.connectors.telegram.replies import reply
from bot.errors import NotFound, StoreError
from bot.fitting import measure
from bot.model import Address, Answer, Delivery, Message, Person, Question, QuestionState, Status, Unit
from tests.fake_floor import FakeFloor, question
from tests.fake_telegram import ME

GROUP = Address("telegram", "-1001", "9", "11", private=False)
PRIVATE = Address("telegram", "11", "9", "11", private=True)


async def told(what: str, floor: FakeFloor, address: Address = PRIVATE, language: str = "en", **of_me: Any) -> Delivery:
    command = Command(what, f"{address.chat}:9", address, Person("telegram", "11", "Ann"))
    return await reply(command, floor, "talk", User.de_json({**ME, **of_me}), language)


def asked(text: str, state: QuestionState | None, chat: str = "11") -> tuple[Message, QuestionState | None]:
    return Message("talk", "telegram", text, "11", "Ann", text, 0.0, Address("telegram", chat)), state


async def test_the_top_has_a_button_for_each_question() -> None:
    """/questions lists what most people want to know, each with how many, and a button that votes for it."""
    floor = FakeFloor(question("q1", "Why?\nReally?", 8), question("q2", "How?", 2))
    delivery = await told("top", floor, GROUP, "zh")
    assert delivery.text.splitlines()[1:] == ["1. Why? Really?（8 人想知道）", "2. How?（2 人想知道）"]
    assert [(b.act, b.question) for b in delivery.buttons] == [("vote", "q1"), ("vote", "q2")]
    assert (delivery.key, delivery.address) == ("reply:telegram:-1001:9", GROUP)
    assert "Nobody" in (await told("top", FakeFloor())).text


async def test_very_long_titles_fit_into_one_message() -> None:
    """Titles are shortened, so that five of them always fit."""
    floor = FakeFloor(*[question(f"q{n}", "😀 long " * 500) for n in range(9)])
    delivery = await told("top", floor)
    assert measure(delivery.text, Unit.UTF16) < 4096
    assert len(delivery.buttons) == 5


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (None, "received"),
        ({"status": Status.NEW}, "received"),
        ({"status": Status.QUEUED}, "in the queue"),
        ({"status": Status.ON_STAGE}, "on stage"),
        ({"status": Status.ANSWERED, "answer": Answer("Because of it.", "Bo", 1.0)}, "answered: Because of it."),
        ({"status": Status.DISMISSED, "reason": "off topic"}, "not taken up: off topic"),
        ({"status": Status.DISMISSED}, "not taken up"),
        ({"status": Status.MERGED}, "merged"),
    ],
)
async def test_mine_says_what_became_of_each(state: dict[str, Any] | None, says: str) -> None:
    """/mine names every state a question can have, with the answer or the reason where there is one."""
    floor = FakeFloor()
    known = replace(question("q1").state, **state) if state else None
    floor.asked = [asked("Why?", known)]
    first, second = (await told("mine", floor)).text.splitlines()[1:]
    assert first == "• Why?"
    assert says in second


async def test_mine_in_a_group_shows_nothing_from_elsewhere() -> None:
    """What somebody asked in private is not read out in a group."""
    floor = FakeFloor()
    floor.asked = [asked("in private", None), asked("in the group", None, "-1001"), asked("elsewhere", None, "-5")]
    text = (await told("mine", floor, GROUP)).text
    assert "in the group" in text
    assert "in private" not in text.replace("write to me in private", "")
    assert "elsewhere" not in text
    assert "in private" in (await told("mine", floor, PRIVATE)).text
    floor.asked = [asked("secret", None)]
    assert "secret" not in (await told("mine", floor, GROUP)).text
    assert "not asked anything" in (await told("mine", FakeFloor(), GROUP)).text


async def test_help_speaks_of_privacy_mode_only_where_it_is_on() -> None:
    """A bot that sees every message does not say that it does not."""
    assert "privacy mode" in (await told("help", FakeFloor())).text
    assert "privacy mode" not in (await told("help", FakeFloor(), can_read_all_group_messages=True)).text
    assert "隐私模式" in (await told("help", FakeFloor(), language="zh")).text
    assert "/ask" in (await told("hint", FakeFloor(), language="zh")).text


async def test_what_the_floor_refuses_becomes_a_text_but_a_full_disk_is_tried_again() -> None:
    """A vanished session is told to the person; a store that cannot answer now is left to the one who redelivers."""

    class Broken(FakeFloor):
        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

        async def top(self, session: str, limit: int = 5) -> list[Question]:
            raise self.error

    assert "later" in (await told("top", Broken(NotFound("no session")))).text
    with pytest.raises(StoreError):
        await told("top", Broken(StoreError("disk full")))
