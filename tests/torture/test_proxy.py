"""The misbehaving proxy does what scenarios believe of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.torture._hall import free_port
from tests.torture._proxy import Proxy


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def there_and_back(proxy: Proxy, data: bytes = b"x") -> float:
    """Seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    began = time.monotonic()
    writer.write(data)
    assert await reader.readexactly(len(data)) == data
    writer.close()
    return time.monotonic() - began


async def test_it_leads_to_the_first_that_listens_and_delays_and_throttles() -> None:
    """What is sent arrives, as late as the proxy is told to let it."""
    async with echo() as port, Proxy(lambda: [free_port(), port]) as proxy:
        assert await there_and_back(proxy) < 0.2
        proxy.delay = 0.2
        assert await there_and_back(proxy) >= 0.4
        proxy.delay, proxy.rate = 0.0, 1000.0
        assert await there_and_back(proxy, bytes(300)) >= 0.5


async def test_a_cut_resets_what_is_open_and_lets_in_what_comes_next() -> None:
    """Both ends hear of it at once; a new connection is led as before."""
    async with echo() as port, Proxy(lambda: [port]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await reader.readexactly(1)
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 1)
        writer.close()
        await there_and_back(proxy)


async def test_what_is_swallowed_is_heard_of_only_once_it_is_let_go() -> None:
    """Nothing is refused and nothing answers; afterwards everything arrives in order."""
    async with echo() as port, Proxy(lambda: [port]) as proxy:
        proxy.swallow()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one ")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.write(b"two")
        proxy.spit()
        assert await asyncio.wait_for(reader.readexactly(7), 1) == b"one two"
        writer.close()


async def test_nobody_listens_behind_it() -> None:
    """Then it ends the connection, as a host does that refuses it."""
    async with Proxy(lambda: [free_port()]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(1), 1) == b""
        writer.close()
