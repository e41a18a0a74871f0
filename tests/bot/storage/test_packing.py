"""When a store is packed after something was deleted, and that nobody can have that done all the time."""

import asyncio
import time

import pytest

from bot.errors import StoreError
from bot.storage import packing
from bot.storage.packing import Packing


async def test_many_who_ask_at_once_have_it_done_twice_at_most() -> None:
    """The first waits for it; all who come while it is done, or right after, share one more, which closing does not
    wait long for."""
    begun = 0

    async def pack() -> None:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0.2)

    one = Packing(pack)
    first = asyncio.create_task(one.pack())
    await asyncio.sleep(0.05)
    await asyncio.gather(*(one.pack() for _ in range(40)))
    assert (begun, first.done()) == (1, False)
    await asyncio.sleep(0.5)
    assert (begun, one._wanted) == (1, True)
    began = time.monotonic()
    await one.close()
    assert (begun, one._wanted) == (2, False)
    assert time.monotonic() - began < 2.0
    await first


async def test_what_could_not_be_done_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits hears of it; a while later, and when the store is closed, it is tried once more by itself."""
    monkeypatch.setattr(packing, "LONGEST_REST", 0.2)
    tries = 0

    async def pack() -> None:
        nonlocal tries
        tries += 1
        if tries in (1, 3):
            raise StoreError("somebody reads it")

    one = Packing(pack)
    with pytest.raises(StoreError):
        await one.pack()
    await asyncio.sleep(0.5)
    assert (tries, one._wanted) == (2, False)
    with pytest.raises(StoreError):
        await one.pack()
    assert one._wanted
    await one.close()
    assert (tries, one._wanted) == (4, False)
