"""Satori with what others wrote: the connector at `satori-python-server`, and our fake with `satori-python-client`."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bot.connectors.satori import Satori
from bot.errors import Refused
from bot.model import Delivery
from tests.bot.connectors.listening import running
from tests.fake_floor import FakeFloor
from tests.fake_satori import TOKEN, FakeSatori
from tests.waiting import until

pytestmark = pytest.mark.peer
PEERS = Path(__file__).parents[2] / "peers"


@asynccontextmanager
async def peer(script: str, *arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PEERS / script),
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"NO_COLOR": "1"},
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def happens(server: Process, content: str, id: str, user: str = "ann") -> None:
    assert server.stdin
    server.stdin.write(json.dumps({"content": content, "id": id, "user": user}).encode() + b"\n")
    await server.stdin.drain()


async def asked(server: Process) -> dict[str, dict[str, str]]:
    """What the server was asked next; its log lines are passed over."""
    assert server.stdout
    async with asyncio.timeout(20):
        while True:
            line = await server.stdout.readline()
            if line.startswith(b"{"):
                return dict(json.loads(line))


async def test_the_connector_and_an_independent_server_understand_each_other() -> None:
    """A question comes in, the answer and its edit go out, a wrong token is refused, and a lost line is resumed."""
    port, floor = free_port(), FakeFloor()
    async with peer("satori_server.py", str(port), TOKEN) as server:
        satori = Satori("satori", f"http://127.0.0.1:{port}", TOKEN, "talk", edit=True)
        async with running(satori, floor):
            await until(lambda: "connected" in floor.heard)
            await happens(server, '<at id="bot-1"/> 1 &lt; 2?', "m1")
            await happens(server, "my own", "m2", user="bot-1")
            await until(lambda: floor.messages)
            (message,) = floor.messages
            assert (message.text, message.explicit, message.external_id) == ("1 < 2?", True, "peer:c1:m1")
            assert message.address
            said = Delivery("k", "talk", message.address, "yes & no")
            assert await satori.send(said) == "s1"
            create = {"channel_id": "c1", "content": '<quote id="m1"/>yes &amp; no'}
            assert await asked(server) == {"create": create}
            assert await satori.send(Delivery("k", "talk", message.address, "no", sent_id="s1")) == "s1"
            assert await asked(server) == {"update": {"channel_id": "c1", "content": "no", "message_id": "s1"}}
        await happens(server, "while we were away", "m3")
        await asyncio.sleep(0.2)
        async with running(Satori("satori", f"http://127.0.0.1:{port}", TOKEN, "talk"), floor):
            await until(lambda: "while we were away" in floor.texts)
        assert floor.heard[-1] == "connected, complete"
        wrong = Satori("satori", f"http://127.0.0.1:{port}", "wrong", "talk")
        with pytest.raises(Refused, match="token"):
            await wrong.run(floor)
        await wrong.close()


async def test_an_independent_client_understands_our_fake() -> None:
    """What the fake sends and takes is the protocol as others read it."""
    async with FakeSatori() as fake, peer("satori_client.py", str(fake.port), "satori", TOKEN):
        async with asyncio.timeout(20):
            await fake.connected.wait()
        await fake.says("hello &amp; bye")
        await until(lambda: "edited" in fake.messages.values())
    assert [method for method, _, _ in fake.calls] == ["message.create", "message.update"]
    assert fake.calls[0][1]["content"] == "Ann@g/1: hello &amp;amp; bye"
