"""The log: lines for people and for programs, and what never stands in them."""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import Iterator

import pytest

from bot.errors import ConnectorError
from bot.logs import Redactor, fault
from bot.model import Address, Delivery, Message
from bot.tracing import answered_id, concerning, message_id
from tests.logged import Log, logged

OURS = logging.getLogger("bot.somewhere")
THEIRS = logging.getLogger("aiohttp.server")
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"


@pytest.fixture
def log() -> Iterator[Log]:
    with logged() as found:
        yield found


def broken(error: Exception) -> None:
    try:
        raise error
    except Exception as caught:
        raise RuntimeError("Zoe said hello") from caught


def test_a_line_for_programs_is_one_object_with_what_it_concerns(log: Log) -> None:
    """Time, level, logger and words; request, message, session and source where they are known, and nothing after."""
    log.set_up("info", "json")
    with concerning(request_id="r1", message_id="m1", session="talk", source="intake"):
        OURS.warning("two\nlines of %s", "words")
    OURS.info("later")
    first, second = log.events
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "warning",
        "logger": "bot.somewhere",
        "message": "two\nlines of words",
        "request_id": "r1",
        "message_id": "m1",
        "session": "talk",
        "source": "intake",
    }
    assert set(second) == {"time", "level", "logger", "message"}


def test_a_line_for_people_is_one_line(log: Log) -> None:
    """Whatever stands in it: nobody can write a second one into the log."""
    log.set_up("info", "text", say=lambda text: text.upper())
    with concerning(session="talk"):
        OURS.warning("one\n07:00:00 error: forged")
    (line,) = log.text.splitlines()
    assert line.endswith("warning: ONE\\n07:00:00 ERROR: FORGED [session=talk]")


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_text_of_a_foreign_exception_is_not_told(log: Log, form: str) -> None:
    """Its type and place are, and so is what our own errors say; at debug all of it is."""
    log.set_up("info", form)
    for error in (ValueError("Zoe's number is 555"), ConnectorError("it cannot be reached")):
        with pytest.raises(RuntimeError) as caught:
            broken(error)
        OURS.error("it broke", exc_info=caught.value)
    assert "Zoe" not in log.text
    assert "555" not in log.text
    assert "ValueError" in log.text
    assert "it cannot be reached" in log.text
    assert "test_logs.py" in log.text
    log.set_up("debug", form)
    OURS.error("it broke", exc_info=caught.value)
    assert "Zoe said hello" in log.text


def test_a_line_of_a_library_is_told_without_what_it_is_about(log: Log) -> None:
    """Its template, or its place in the library's code."""
    log.set_up("info", "json")
    THEIRS.warning("Error handling request from %s", "203.0.113.7")
    THEIRS.warning("cannot read Zoe's message")
    THEIRS.info("below warning")
    assert "203.0.113.7" not in log.text
    assert "Zoe" not in log.text
    assert [event["message"].partition(" (")[0] for event in log.events] == [
        "Error handling request from %s",
        "a line of a library",
    ]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_known_secrets_are_taken_out_at_every_level(log: Log, level: str) -> None:
    """Also as they look in an address and in JSON, and secrets that a platform lends."""
    log.set_up(level, "json", secrets=[TOKEN, 'quo"ted+secret', "x"])
    OURS.error("GET https://api.telegram.org/bot%s/getMe", TOKEN)
    OURS.error("token=%s&b=1", "l3nt-by-a-platform")
    OURS.error("%s and %s", "quo%22ted%2Bsecret", 'quo"ted+secret')
    OURS.error("see /signin/abcdef-token_x and Bearer eyJhbGciOi, max")
    OURS.error("https://api.telegram.org/bot99999999:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw9/getMe")
    for secret in (TOKEN, "l3nt", "quo", "abcdef-token_x", "eyJ", "AAHdq"):
        assert secret not in log.text
    assert ", max" in log.text


def test_what_ends_the_program_is_logged_without_its_text(log: Log) -> None:
    """An exception that nobody caught, in the program or in a thread."""
    log.set_up("info", "json")
    with pytest.raises(RuntimeError) as caught:
        broken(ValueError("x"))
    sys.excepthook(RuntimeError, caught.value, caught.value.__traceback__)
    thread = threading.Thread(target=broken, args=(ValueError("x"),))
    thread.start()
    thread.join()
    assert [event["error"] for event in log.events] == ["RuntimeError", "RuntimeError"]
    assert "Zoe" not in log.text


async def test_a_failure_that_nobody_waits_for_is_logged_without_its_text(log: Log) -> None:
    """asyncio's own line would quote the exception."""
    log.set_up("info", "json")
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(fault)
    loop.call_soon(broken, ValueError("x"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [event["error"] for event in log.events] == ["RuntimeError"]
    assert "Zoe" not in log.text


def test_one_message_has_one_id_from_its_chat_to_its_answer() -> None:
    """The connector, the pipeline and the outbox call it the same, and the id quotes nothing."""
    address = Address("telegram", "-100123", "77", "zoe")
    message = Message("talk", "telegram", "77", "zoe", "Zoe", "Why?", 1.0, address)
    again = Message("other", "telegram", "77", "zoe", "Z.", "Why not?", 2.0, address, id=5)
    answer = Delivery("answer:q1:telegram:-100123", "talk", address, "Because.")
    assert message_id(message) == message_id(again) == answered_id(answer)
    assert re.fullmatch(r"m[0-9a-f]{12}", message_id(message))
    assert message_id(Message("talk", "replay", "78", "z", "", "x", 1.0)) != message_id(message)
    assert answered_id(Delivery("k", "talk", Address("telegram", "-100123"), "x")) == ""


def test_a_line_that_cannot_be_made_shows_no_arguments(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the template and its arguments do not fit, Python's own complaint would quote them."""
    log.set_up("info", "json")
    OURS.error("%d", "Zoe")
    assert "Zoe" not in log.text + capsys.readouterr().err
    assert [event["message"] for event in log.events] == ["a line of the log could not be made"]


def test_secrets_of_one_letter_change_nothing() -> None:
    """What is too short to be a secret stands in words by chance."""
    assert Redactor(["a", ""])("a banana") == "a banana"
