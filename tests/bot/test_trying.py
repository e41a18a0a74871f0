"""A test run: which messages are tests, and what becomes of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Address, Delivery, Message
from bot.trying import AFTERWARDS, ALPHABET, GOOD_FOR, Tryouts, said_code

HERE = Message("talk", "chat", "m1", "u1", "Ann", "", 100.0, Address("chat", "room", "m1", "u1"))


def says(text: str, **more: object) -> Message:
    return replace(HERE, text=text, **more)  # type: ignore[arg-type]


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize(
    "text",
    ["测试 7K3M", "test 7K3M", "Test: 7k3m", "/test 7k3m", " 测试7K3M ", "測試：7K3M", "试一下 7K3M", "TRY 7K3M"],
)
def test_a_code_is_said_in_many_ways(text: str) -> None:
    """Chinese and English, with and without blanks and colons, in any case."""
    assert said_code(text) == "7K3M"


@pytest.mark.parametrize("text", ["test", "test 7K3M?", "is this a test 7K3M", "7K3M", "测试 7K3M 7K3M", "test 7K3MX"])
def test_what_says_more_or_less_is_no_test(text: str) -> None:
    """A message that is there for something else keeps being one."""
    assert said_code(text) is None


@given(st.text(ALPHABET, min_size=4, max_size=4))
def test_without_its_run_a_code_is_a_message_as_any_other(code: str) -> None:
    """Nobody's "test ABCD" is swallowed: only the code of this session's run makes a test."""
    tryouts = Tryouts(Clock())
    run = tryouts.start("talk")
    assert tryouts.is_test(says(f"test {code}")) == (code == run.code)
    assert not tryouts.is_test(says(f"test {run.code}", session="other"))


def test_a_run_ends_and_its_code_stays_no_question() -> None:
    """After a quarter of an hour, or when the next one began, it ticks nothing; its code is still no question, for a
    day."""
    clock = Clock()
    tryouts = Tryouts(clock)
    first = tryouts.start("talk")
    second = tryouts.start("talk")
    assert first.code != second.code
    assert tryouts.is_test(says(f"test {first.code}"))
    assert tryouts.heard(says(f"test {first.code}")) is None
    clock.time += GOOD_FOR
    assert tryouts.heard(says(f"test {second.code}")) is None
    assert tryouts.is_test(says(f"test {second.code}"))
    clock.time += AFTERWARDS + 1
    tryouts.start("talk")
    assert not tryouts.is_test(says(f"test {first.code}"))


def test_what_was_heard_and_answered_is_told() -> None:
    """Each step from the message to the sent reply changes the run and is told; other chats' replies do not."""
    told: list[str] = []
    tryouts = Tryouts(Clock(), told.append)
    run = tryouts.start("talk")
    key = tryouts.heard(says(f"test {run.code}"))
    assert key is not None
    assert run.heard["chat"].reply == "waiting"
    assert HERE.address is not None
    reply = Delivery(key, "talk", HERE.address, "Floormic hears you.")
    tryouts.settled(replace(reply, state="sent"))
    tryouts.settled(replace(reply, key="answer:q1:chat:room", state="failed"))
    assert run.heard["chat"].reply == "sent"
    assert told == ["talk"] * 3


def test_one_answer_a_chat_and_none_where_there_is_no_way_back() -> None:
    """What everybody in a chat copies makes the bot say one line; a chat without a way back is ticked all the same."""
    tryouts = Tryouts(Clock())
    run = tryouts.start("talk")
    keys = {tryouts.heard(says(f"测试 {run.code}", external_id=f"m{n}", author=f"u{n}")) for n in range(5)}
    assert len(keys) == 1
    assert tryouts.heard(says(f"测试 {run.code}", source="web", address=None)) is None
    assert run.heard["web"].reply == "none"


def test_whoever_was_forgotten_is_named_by_no_run() -> None:
    """That the chat was heard stays, by whom does not; the page is told."""
    changed: list[str] = []
    tryouts = Tryouts(Clock(), changed.append)
    run = tryouts.start("talk")
    tryouts.heard(says(f"test {run.code}"))
    changed.clear()
    tryouts.forget()
    assert (run.heard["chat"].name, run.heard["chat"].reply) == ("", "waiting")
    assert changed == ["talk"]
