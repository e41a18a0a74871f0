"""When a store is packed after something was deleted, and that nobody can have that done all the time."""

import asyncio
import time

import pytest

from bot.errors import StoreError
from bot.storage.packing import Packing


async def test_many_who_ask_at_once_have_it_done_twice_at_most() -> None:
    """The first waits for it; all who come while it is done, or right after, share one more, which closing does not
    wait long for."""
    begun = 0

    async def pack() -> None:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0.2)

    packing = Packing(pack)
    first = asyncio.create_task(packing.pack())
    await asyncio.sleep(0.05)
    await asyncio.gather(*(packing.pack() for _ in range(40)))
    assert (begun, first.done()) == (1, False)
    await asyncio.sleep(0.5)
    assert (begun, packing._wanted) == (1, True)
    began = time.monotonic()
    await packing.close()
    assert (begun, packing._wanted) == (2, False)
    assert time.monotonic() - began < 2.0
    await first


async def test_who_asks_alone_waits_until_it_is_done() -> None:
    """And hears where it cannot be done; the next one has it tried again."""
    done: list[str] = []

    async def pack() -> None:
        if not done:
            done.append("failed")
            raise StoreError("somebody reads it")
        done.append("packed")

    packing = Packing(pack)
    with pytest.raises(StoreError):
        await packing.pack()
    await asyncio.sleep(0.05)
    await packing.pack()
    assert done == ["failed", "packed"]
    await packing.close()
