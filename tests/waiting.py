"""Waiting for what another part of the program, or another program, does."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0
"""Seconds. What happens mostly happens at once; this is for a machine that has much else to do."""


async def until(condition: Callable[[], Any], seconds: float = PATIENCE, why: Callable[[], object] = lambda: "") -> Any:
    """Look until it holds, awaited where it must be; what it was. Raises `AssertionError` with what `why` tells."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found := await found if inspect.isawaitable(found) else found:
            return found
        assert time.monotonic() < deadline, f"it did not happen within {seconds:g} s; {why()}"
        await asyncio.sleep(0.01)
