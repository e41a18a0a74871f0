"""The Telegram connector by webhook."""

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.connectors.telegram import Telegram
from tests.bot.connectors.listening import connector, listening, posted
from tests.fake_floor import FakeFloor, question
from tests.fake_telegram import BOB, FakeTelegram

SECRET = "a-secret_of-ours"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


@pytest.fixture
def floor() -> FakeFloor:
    return FakeFloor(question("q1"))


@pytest.fixture
async def hooked(server: FakeTelegram, floor: FakeFloor) -> AsyncIterator[Telegram]:
    options = {"mode": "webhook", "public_url": "https://talk.example.org/", "secret": SECRET}
    async with listening(server, floor, **options) as telegram:
        await server.until(lambda: server.webhook)
        yield telegram


def update(server: FakeTelegram, number: int = 1, text: str = "/ask Why?") -> bytes:
    return json.dumps({"update_id": number, "message": server.says(text)}).encode()


async def test_the_webhook_is_registered_with_its_secret(server: FakeTelegram, hooked: Telegram) -> None:
    """Telegram is told where to call, what to prove itself with, and what to send."""
    assert server.webhook is not None
    assert server.webhook["url"] == "https://talk.example.org/in/telegram"
    assert server.webhook["secret_token"] == SECRET
    assert server.webhook["allowed_updates"] == ["message", "callback_query"]


async def test_without_a_secret_one_is_derived(server: FakeTelegram) -> None:
    """The derived secret stays the same over restarts, depends on the token and does not contain it."""
    secrets = []
    for _ in range(2):
        async with listening(server, FakeFloor(), mode="webhook", public_url="https://example.org"):
            await server.until(lambda: server.webhook)
            assert server.webhook is not None
            secrets.append(server.webhook["secret_token"])
            server.webhook = None
    assert secrets[0] == secrets[1]
    assert len(secrets[0]) == 64


async def test_an_update_is_stored_before_the_200(server: FakeTelegram, hooked: Telegram, floor: FakeFloor) -> None:
    """A genuine call is answered 200 once its message is stored; header names are compared without case."""
    assert (await hooked.hook(posted({"x-telegram-bot-api-secret-token": SECRET}, update(server)))).status == 200
    assert floor.texts == ["Why?"]


async def test_a_redelivery_changes_nothing(server: FakeTelegram, hooked: Telegram, floor: FakeFloor) -> None:
    """The same update twice is one message, one answer to the command and one vote."""
    press = {"id": "1", "from": BOB, "chat_instance": "1", "data": "v:q1", "message": server.says("x")}
    bodies = [
        update(server),
        update(server, text="/mine"),
        json.dumps({"update_id": 3, "callback_query": press}).encode(),
    ]
    for body in bodies * 2:
        assert (await hooked.hook(posted(HEADERS, body))).status == 200
    assert (floor.texts, len(floor.deliveries), floor.votes) == (["Why?"], 1, {("q1", "12")})


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Telegram-Bot-Api-Secret-Token": ""}, {"X-Telegram-Bot-Api-Secret-Token": SECRET[:-1]},
     {"X-Telegram-Bot-Api-Secret-Token": SECRET + "x"}, {"X-Telegram-Bot-Api-Secret-Token": "sécret\udcff"}],
)  # fmt: skip
async def test_a_forged_call_is_refused_alike(
    server: FakeTelegram, hooked: Telegram, floor: FakeFloor, headers: dict[str, str]
) -> None:
    """Without the right secret the answer is always the same 403, whatever the body, and nothing is stored."""
    replies = {await hooked.hook(posted(headers, body)) for body in (update(server), b"", b"{", b"\xff")}
    assert [reply.status for reply in replies] == [403]
    assert floor.received == 0


async def test_a_polling_bot_takes_no_calls(server: FakeTelegram) -> None:
    """Where no webhook was asked for, the address answers with the same 403."""
    telegram = connector(server, secret=SECRET)
    assert (await telegram.hook(posted(HEADERS, update(server)))).status == 403
    await telegram.close()


async def test_what_cannot_be_stored_is_called_for_again(
    server: FakeTelegram, hooked: Telegram, floor: FakeFloor
) -> None:
    """A full disk makes a 503 with Retry-After, and the next call of the same update is stored."""
    body = update(server)
    floor.fail_next = 1
    reply = await hooked.hook(posted(HEADERS, body))
    assert (reply.status, dict(reply.headers)) == (503, {"Retry-After": "5"})
    assert (await hooked.hook(posted(HEADERS, body))).status == 200
    assert floor.texts == ["Why?"]


async def test_before_it_runs_it_asks_for_patience(server: FakeTelegram) -> None:
    """A call that comes before the start is to be repeated, not lost."""
    telegram = connector(server, mode="webhook", public_url="https://example.org", secret=SECRET)
    assert (await telegram.hook(posted(HEADERS, update(server)))).status == 503
    await telegram.close()


bodies = st.binary(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["update_id", "message", "callback_query", "from", "chat", "date", "id"]), inner, max_size=4
        )
    ),
).map(lambda value: json.dumps(value).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(body=bodies)
async def test_no_body_breaks_the_hook(hooked: Telegram, body: bytes) -> None:
    """Whatever a genuine call carries, it is answered, and never in a way that makes Telegram repeat it for ever
    where it is an update."""
    reply = await hooked.hook(posted(HEADERS, body))
    assert reply.status in (200, 400)


async def test_a_deeply_nested_body_is_refused(hooked: Telegram) -> None:
    """Nesting that would overflow the parser is a bad request."""
    assert (await hooked.hook(posted(HEADERS, b"[" * 200_000))).status == 400
