"""One message and one request can be followed through the log, and the program knows how it is."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from bot.connectors.intake import IntakeOptions, signature
from bot.ports import HookRequest
from bot.storage.connection import connect
from tests.bot.app.test_hall import open_hall, settings, until
from tests.bot.connectors.listening import posted
from tests.fake_intake import SECRET, FakeChat
from tests.fakes import HashEncoder
from tests.logged import Log, logged

TEXT = "Is there a recording of this talk, asks zephyrine-quokkabottom?"


async def eventually(condition: Callable[[], object]) -> None:
    async def holds() -> object:
        return condition()

    await until(holds)


def a_line(id: str) -> HookRequest:
    """As the other program of the intake posts it."""
    stamp, body = str(int(time.time())), json.dumps({"id": id, "user": "quokkabottom", "text": TEXT}).encode()
    signed = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(SECRET.encode(), stamp, body)}
    return posted(signed, body)


def steps(log: Log, **marks: str) -> list[str]:
    return [event["message"] for event in log.events if marks.items() <= event.items()]


async def test_one_message_can_be_followed_from_the_chat_to_its_answer(tmp_path: Path) -> None:
    """At debug each step is a line with the id of the message; the request that brought it has it too. And even there
    none of our own lines says what was said, or by whom."""
    async with FakeChat() as chat:
        source = IntakeOptions(name="lobby", session="talk", secret=SECRET, reply_url=chat.url)
        with logged("debug") as log:
            async with open_hall(settings(tmp_path, sources=(source,)), encoder=HashEncoder()) as hall:
                await hall.loaded()
                asked = await hall.connectors["lobby"].hook(a_line("7"))
                assert asked.status == 200
                await eventually(lambda: "ack: sent" in steps(log))
                async with aiohttp.ClientSession(hall.url, headers={"Origin": hall.url}) as client:
                    path = "/api/v1/sessions/talk/messages"
                    async with client.post(path, json={"text": TEXT + " Again."}) as reply:
                        assert reply.status == 202
                        request = reply.headers["X-Request-ID"]
                await eventually(lambda: sum(step.startswith("placed") for step in steps(log)) == 2)
    (id,) = {event["message_id"] for event in log.events if event.get("source") == "lobby" and "message_id" in event}
    assert steps(log, message_id=id) == ["received", "placed: q1", "ack: sent"]
    (received,) = [event for event in log.events if event.get("request_id") == request]
    assert received["message"] == "received"
    placed = steps(log, message_id=received["message_id"])
    assert placed[0] == "received"
    assert placed[1].startswith("placed: ")
    assert "quokkabottom" not in log.text


async def test_a_store_that_cannot_be_written_is_known_without_a_restart(tmp_path: Path) -> None:
    """While another program holds the database, nobody writes anything and yet it is not ready; then it is again."""
    with logged() as log:
        async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
            await hall.loaded()
            async with aiohttp.ClientSession(hall.url) as client:

                async def ready() -> bool:
                    async with client.get("/readyz") as reply:
                        assert reply.status == (200 if (await reply.json())["ready"] else 503)
                        return reply.status == 200

                async def unready() -> bool:
                    return not await ready()

                assert await ready()
                other = connect(hall.settings.database)
                other.conn.execute("BEGIN EXCLUSIVE")
                await until(unready, 30)
                async with client.get("/metrics") as reply:
                    assert "floormic_store_writable 0.0" in await reply.text()
                other.conn.execute("ROLLBACK")
                other.conn.close()
                began = time.monotonic()
                await until(ready, 30)
                assert time.monotonic() - began < 10
                await asyncio.sleep(0)
    assert any("another program has the database locked" in event["message"] for event in log.events)
    assert any(event["message"] == "the store can be written again" for event in log.events)
