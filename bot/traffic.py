"""How much comes in just now: accepting comes before understanding. Decides; calls nothing."""

import time
from collections.abc import Callable

CROWDED = 400.0
"""Messages a second beyond which understanding gives way: more than the model understands, and than anybody reads."""

SPAN = 0.5
"""Seconds over which is counted."""


class Traffic:
    """Counts what comes in."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since, self._count, self._rate = clock(), 0, 0.0

    def note(self, count: int) -> None:
        self._turn()
        self._count += count

    def crowded(self) -> bool:
        """Whether more comes in than can be understood meanwhile."""
        self._turn()
        return max(self._rate, self._count / SPAN) > CROWDED

    def _turn(self) -> None:
        now = self._clock()
        if (passed := now - self._since) >= SPAN:
            self._since, self._count, self._rate = now, 0, self._count / passed
