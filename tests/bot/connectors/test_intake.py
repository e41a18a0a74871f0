"""The signed intake."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors import intake
from bot.connectors.intake import KIND, LONGEST_BODY, LONGEST_WAIT, Intake, IntakeOptions, signature, wait_of
from bot.errors import ConnectorError, Refused, SettingsError, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Delivery, Message
from bot.ports import HookReply
from tests.bot.connectors.listening import posted
from tests.fake_floor import FakeFloor
from tests.fake_intake import SECRET, FakeChat, Mood, answering

NOW = 1_800_000_000.0
ONE = {"id": "m1", "user": "u1", "name": "Ann", "text": "为什么？", "at": 1_799_999_990.5}


def signed(body: bytes, at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at))
    return {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(secret.encode(), stamp, body)}


class Running:
    """An intake that is running, and the floor it feeds."""

    def __init__(self, reply_url: str = "") -> None:
        self.floor = FakeFloor()
        self.intake = Intake("other", SECRET, "talk", lambda: NOW, reply_url)

    async def post(self, body: Any, headers: dict[str, str] | None = None) -> HookReply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        task = asyncio.create_task(self.intake.run(self.floor))
        await asyncio.sleep(0)
        try:
            return await self.intake.hook(posted(signed(raw) if headers is None else headers, raw))
        finally:
            task.cancel()


@pytest.fixture
def running() -> Running:
    return Running()


def test_the_signature_is_the_documented_one() -> None:
    """HMAC-SHA256 over timestamp, dot and body: `printf '1800000000.{}' | openssl dgst -sha256 -hmac key` agrees."""
    expected = "sha256=7321475872b03ff21bdc2dfd86ea2d99ec29c479fbe4a77aa6acf4509505493f"
    assert signature(b"key", "1800000000", b"{}") == expected


async def test_one_message_is_taken(running: Running) -> None:
    """A single message arrives with all its fields, and the answer says that it was new."""
    reply = await running.post(ONE)
    assert (reply.status, json.loads(reply.body)) == (200, {"accepted": 1, "new": 1})
    message = running.floor.messages[0]
    assert (message.session, message.source, message.external_id, message.author) == ("talk", "other", "m1", "u1")
    assert (message.author_name, message.text, message.at) == ("Ann", "为什么？", 1_799_999_990.5)
    assert message.address is None
    assert not message.explicit


async def test_a_list_is_taken_and_a_replay_counts_nothing(running: Running) -> None:
    """Lists come in one transaction; the same body again is accepted and adds nothing."""
    body = [ONE, {"id": 2, "user": 7, "text": "second"}]
    assert json.loads((await running.post(body)).body) == {"accepted": 2, "new": 2}
    assert json.loads((await running.post(body)).body) == {"accepted": 2, "new": 0}
    assert (running.floor.messages[1].external_id, running.floor.messages[1].at) == ("2", NOW)
    assert json.loads((await running.post([])).body) == {"accepted": 0, "new": 0}


def flipped(headers: dict[str, str], key: str, at: int) -> dict[str, str]:
    value = headers[key]
    return headers | {key: value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]}


RAW = json.dumps(ONE).encode()
GOOD = signed(RAW)
FORGED: list[dict[str, str]] = [
    {},
    {"X-Floormic-Timestamp": GOOD["X-Floormic-Timestamp"]},
    {"X-Floormic-Signature": GOOD["X-Floormic-Signature"]},
    *[flipped(GOOD, "X-Floormic-Signature", at) for at in range(7, 71)],
    *[flipped(GOOD, "X-Floormic-Timestamp", at) for at in range(10)],
    signed(RAW, at=NOW - 301),
    signed(RAW, at=NOW + 301),
    signed(RAW, secret="another secret that is long"),
    signed(RAW + b" "),
    GOOD | {"X-Floormic-Signature": GOOD["X-Floormic-Signature"].removeprefix("sha256=")},
    GOOD | {"X-Floormic-Timestamp": "nan"},
    GOOD | {"X-Floormic-Timestamp": "١٢٣"},
    GOOD | {"X-Floormic-Timestamp": "9" * 5000},
    GOOD | {"X-Floormic-Signature": "sha256=é\udcff"},
]


async def test_every_forgery_gets_the_same_403_and_no_row(running: Running) -> None:
    """Flipped bits, other secrets, old and future timestamps, missing headers: one uniform 403."""
    replies = {await running.post(RAW, headers) for headers in FORGED}
    replies.add(await running.post(b"no json", signed(b"other")))
    assert [reply.status for reply in replies] == [403]
    assert running.floor.received == 0


async def test_header_names_have_no_case_and_the_window_is_five_minutes(running: Running) -> None:
    """Proxies may change the case of names; clocks may differ by 300 s either way."""
    assert (await running.post(RAW, {key.lower(): value for key, value in GOOD.items()})).status == 200
    for off in (-300, 300):
        assert (await running.post(RAW, signed(RAW, at=NOW + off))).status == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([ONE, {**ONE, "text": ""}], "1.text"),
        ([ONE, ONE, {"id": "x", "user": "u"}], "2.text"),
        ({**ONE, "id": ""}, "0.id"),
        ({**ONE, "id": "x" * 201}, "0.id"),
        ({**ONE, "user": None}, "0.user"),
        ({**ONE, "user": ["u"]}, "0.user"),
        ({**ONE, "at": 1_800_000_000_000}, "0.at"),
        ({**ONE, "at": -1}, "0.at"),
        ({**ONE, "at": "yesterday"}, "0.at"),
        ({**ONE, "name": ["n"]}, "0.name"),
        ({**ONE, "chat": ["c"]}, "0.chat"),
        ({**ONE, "chat": "x" * 201}, "0.chat"),
        ([ONE, "text"], "1"),
        (b'[{"id": "1", "user": "u", "text": "x", "at": 1e999}]', "0.at"),
        (b'[{"id": "1", "user": "u", "text": "x", "at": NaN}]', "0.at"),
        (b'{"id": "1", "user": "u", "text": "\\ud800"}', "body"),
        (b"", "body"),
        (b"7", "body"),
        (b"nonsense", "body"),
        (b"[" * 100_000, "body"),
        (b"\xff\xfe", "body"),
    ],
)
async def test_a_malformed_body_is_named_with_its_place_and_nothing_is_taken(
    running: Running, body: Any, place: str
) -> None:
    """All or nothing: one wrong item refuses the lot, and the answer says where it is."""
    reply = await running.post(body)
    assert reply.status == 400
    error = json.loads(reply.body)
    assert error["code"] == "bad_input"
    assert error["error"].startswith(f"{place}: ")
    assert running.floor.received == 0


async def test_many_mistakes_make_a_short_answer_without_the_text(running: Running) -> None:
    """The answer names the first mistakes and counts the others; it quotes nothing that was sent."""
    reply = await running.post([{"text": 5, "secret": "personal"}] * 50)
    assert "more" in json.loads(reply.body)["error"]
    assert b"personal" not in reply.body
    assert len(reply.body) < 2000


async def test_a_body_that_is_too_long_is_not_read(running: Running) -> None:
    """256 KiB pass, one byte more is refused with 413."""
    body = json.dumps({**ONE, "text": ""}).encode()
    fits = body.replace(b'"text": ""', b'"text": "' + b"x" * (LONGEST_BODY - len(body)) + b'"')
    assert len(fits) == 256 * 1024
    assert (await running.post(fits)).status == 200
    assert (await running.post(fits + b" ")).status == 413


async def test_a_store_that_cannot_write_asks_for_patience(running: Running) -> None:
    """A full disk makes a 503 with Retry-After, and the same body is taken later."""
    running.floor.fail_next = 1
    reply = await running.post(ONE)
    assert (reply.status, dict(reply.headers)) == (503, {"Retry-After": "5"})
    assert json.loads((await running.post(ONE)).body) == {"accepted": 1, "new": 1}


async def test_before_it_runs_it_asks_for_patience() -> None:
    """A call that comes before the start is to be repeated, not lost."""
    assert (await Intake("other", SECRET, "talk", lambda: NOW).hook(posted(GOOD, RAW))).status == 503


def test_a_short_secret_is_no_secret() -> None:
    """It does not start with a secret that could be guessed."""
    with pytest.raises(SettingsError, match="16"):
        Intake("other", "short", "talk", lambda: NOW)


items = st.dictionaries(
    st.sampled_from(["id", "user", "name", "text", "at", "more"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2),
)
bodies = st.binary(max_size=300) | (items | st.lists(items, max_size=4)).map(lambda value: json.dumps(value).encode())


@given(body=bodies, sign=st.booleans(), headers=st.dictionaries(st.text(max_size=30), st.text(max_size=90), max_size=3))
async def test_nothing_breaks_the_hook(body: bytes, sign: bool, headers: dict[str, str]) -> None:
    """Whatever comes is answered with 200, 400 or 403, and what was taken can be written as UTF-8."""
    running = Running()
    reply = await running.post(body, signed(body) if sign else headers)
    assert reply.status in ((200, 400) if sign else (403,))
    for message in running.floor.messages:
        (message.text + message.author + message.author_name + message.external_id).encode()
    json.loads(reply.body)


# Answers


@asynccontextmanager
async def answered(**line: Any) -> AsyncIterator[tuple[FakeChat, Running, Delivery]]:
    """The other program, an intake that answers to it, and an answer to a line that it posted."""
    async with FakeChat() as chat:
        running = Running(chat.url)
        await running.post({**ONE, **line})
        (message,) = running.floor.messages
        assert message.address
        yield chat, running, Delivery("answer:q1:other:user:u1", "talk", message.address, "因为瑞利散射。")
        await running.intake.close()


async def test_an_answer_is_posted_with_what_it_replies_to() -> None:
    """It names the message, the person and what kind it is, signed as the messages are, with a key of its own."""
    async with answered() as (chat, running, delivery):
        key = await running.intake.send(delivery)
    ((headers, body),) = chat.requests
    assert json.loads(body) == {
        "key": "answer:q1:other:user:u1",
        "kind": "answer",
        "id": "m1",
        "user": "u1",
        "chat": "",
        "text": "因为瑞利散射。",
    }
    assert headers["X-Floormic-Timestamp"] == str(int(NOW))
    assert headers["X-Floormic-Signature"] == signature(SECRET.encode(), str(int(NOW)), body)
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == key
    assert not chat.forged


async def test_a_line_of_a_group_is_answered_in_the_group() -> None:
    """`chat` names the group; without it only the user reads the answer. One id may be both, and stays two chats."""
    async with answered(chat="u1") as (chat, running, delivery):
        await running.intake.send(delivery)
        assert not delivery.address.private
        await running.post({**ONE, "id": "m2"})
        private = running.floor.messages[1].address
    assert private
    assert private.private
    assert private.chat != delivery.address.chat
    assert json.loads(chat.requests[0][1])["chat"] == "u1"


async def test_what_answers_no_message_still_says_whom_it_is_for() -> None:
    """A poll or a digest names the person of a private chat, and of a group the group alone."""
    async with answered() as (chat, running, delivery):
        for to in ("user:u1", "group:g1"):
            address = Address("other", to, private=to.startswith("user"))
            await running.intake.send(replace(delivery, key=f"poll:{to}", address=address))
    told = [json.loads(body) for _, body in chat.requests]
    assert [(one["kind"], one["id"], one["user"], one["chat"]) for one in told] == [
        ("poll", "", "u1", ""),
        ("poll", "", "", "g1"),
    ]


async def test_the_same_answer_again_has_the_same_key_and_a_corrected_one_another() -> None:
    """A repetition is recognised by the other program; new words are not taken for one."""
    async with answered() as (_, running, delivery):
        first = await running.intake.send(delivery)
        assert await running.intake.send(delivery) == first
        corrected = Delivery(delivery.key, "talk", delivery.address, "Because of Rayleigh.")
        assert await running.intake.send(corrected) != first


async def test_an_answer_that_is_posted_back_adds_nothing() -> None:
    """Whoever sends our own signed answer to us is given nothing new: its id is that of a known message."""
    async with answered() as (chat, running, delivery):
        await running.intake.send(delivery)
        headers, body = chat.requests[0]
        reply = await running.post(body, dict(headers))
    assert json.loads(reply.body) == {"accepted": 1, "new": 0}


@pytest.mark.parametrize(
    ("mood", "error", "text"),
    [
        (answering(403), Refused, "HTTP 403"),
        (answering(404), Refused, "HTTP 404"),
        (answering(410), Refused, "HTTP 410"),
        (answering(429, Retry_After="7"), TryLater, "7 s"),
        (answering(503, Retry_After="7"), TryLater, "7 s"),
        (answering(503, Retry_After="Fri, 15 Jan 2027 08:00:30 GMT"), TryLater, "30 s"),
        (answering(429), ConnectorError, "HTTP 429"),
        (answering(503, Retry_After="soon"), ConnectorError, "HTTP 503"),
        (answering(400), ConnectorError, "HTTP 400"),
        (answering(500), ConnectorError, "HTTP 500"),
        (answering(302, Location="/elsewhere"), ConnectorError, "redirects"),
        (answering(307, Location="/answers"), ConnectorError, "redirects"),
    ],
)
async def test_what_the_other_program_answers_decides(mood: Mood, error: type[Exception], text: str) -> None:
    """Never for 403, 404 and 410; later where it says when; again for all else. No redirect is followed."""
    async with answered() as (chat, running, delivery):
        chat.will(mood)
        with pytest.raises(error, match=text) as raised:
            await running.intake.send(delivery)
        assert type(raised.value) is error
        assert "127.0.0.1" not in str(raised.value)
        assert len(chat.requests) == 1
        assert await running.intake.send(delivery)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/token-in-the-path", "http://no.such.host.invalid/token-in-the-path"]
)
async def test_an_address_that_cannot_be_reached_is_worth_another_try(url: str) -> None:
    """The error says so in one line, without the address, which may hold a secret."""
    made = Intake("other", SECRET, "talk", lambda: NOW, url)
    with pytest.raises(ConnectorError, match="could not be reached") as raised:
        await made.send(Delivery("k", "talk", Address("other", "user:u"), "x"))
    await made.close()
    assert "token-in-the-path" not in str(raised.value)


async def test_an_answer_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes the request and says nothing costs seconds, not for ever."""
    monkeypatch.setattr(intake, "CALL_SECONDS", 0.1)
    async with answered() as (chat, running, delivery):
        chat.delay = 1.0
        with pytest.raises(ConnectorError, match="TimeoutError"):
            await running.intake.send(delivery)


@given(st.text(max_size=40) | st.integers(-5, 10**30).map(str))
def test_any_retry_after_is_a_wait_or_none(told: str) -> None:
    """Between a second and an hour, or 0 where nothing can be made of it."""
    seconds = wait_of(told, NOW)
    assert seconds == 0.0 or 1.0 <= seconds <= LONGEST_WAIT


async def test_trying_it_out_posts_a_test_answer() -> None:
    """`floormic connect` says whether the other program took it; without an address it says what posts where."""
    around = Surroundings(lambda: NOW, "https://floor.example.org", "en", lambda _: b"")
    async with FakeChat() as chat:
        options = IntakeOptions(name="lobby", secret=SECRET, reply_url=chat.url)
        assert "took a signed test answer" in await KIND.try_out(options, around)
        assert json.loads(chat.requests[0][1])["kind"] == "test"
        chat.will(answering(404))
        with pytest.raises(Refused):
            await KIND.try_out(options, around)
    text = await KIND.try_out(IntakeOptions(name="lobby", secret=SECRET), around)
    assert "https://floor.example.org/in/lobby" in text


async def test_without_an_address_for_answers_there_is_nobody_to_answer() -> None:
    """Lines have no address then, and sending is refused."""
    running = Running()
    await running.post(ONE)
    message: Message = running.floor.messages[0]
    assert message.address is None
    assert not running.intake.abilities.reply
    with pytest.raises(Refused):
        await running.intake.send(Delivery("k", "talk", Address("other", "user:u"), "x"))
