"""How fast somebody may go: token buckets by key, and pauses between two acts. Decides; calls nothing."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

Now = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


class Buckets:
    """One bucket for each key. Holds at most `most` keys and forgets those not used for longest."""

    def __init__(self, rate: Rate, now: Now, most: int = 20_000) -> None:
        self._rate = rate
        self._now = now
        self._most = most
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (tokens, when)

    def wait(self, key: str) -> float:
        """Seconds until one more is granted; 0: now. Takes nothing."""
        return max(0.0, (1.0 - self._tokens(key, self._now())) / self._rate.per_second)

    def take(self, key: str, at: float | None = None) -> float:
        """Take one and return 0, or take none and return the seconds to wait. `at`: what time it is, where not now."""
        at = self._now() if at is None else at
        tokens = self._tokens(key, at)
        if tokens < 1.0:
            return (1.0 - tokens) / self._rate.per_second
        self._filled[key] = (tokens - 1.0, at)
        self._filled.move_to_end(key)
        if len(self._filled) > self._most:
            self._filled.popitem(last=False)
        return 0.0

    def give(self, key: str) -> None:
        """Put one back that was taken."""
        now = self._now()
        self._filled[key] = (min(self._rate.burst, self._tokens(key, now) + 1.0), now)

    def _tokens(self, key: str, now: float) -> float:
        tokens, at = self._filled.get(key, (self._rate.burst, now))
        return min(self._rate.burst, tokens + max(0.0, now - at) * self._rate.per_second)


class Pauses:
    """When each key did something last, and what. Holds at most `most` keys and forgets those that did nothing for
    longest."""

    def __init__(self, now: Now, most: int = 20_000) -> None:
        self._now, self._most = now, most
        self._last: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def wait(self, key: str, pause: float) -> float:
        """Seconds until `pause` has passed since; 0: now. A clock that was set back makes nobody wait longer."""
        if key not in self._last:
            return 0.0
        return min(pause, max(0.0, self._last[key][0] + pause - self._now()))

    def last(self, key: str) -> str:
        """What it did last; "" where that is not known."""
        return self._last.get(key, (0.0, ""))[1]

    def note(self, key: str, what: str = "") -> None:
        """It does something now."""
        self._last[key] = self._now(), what
        self._last.move_to_end(key)
        if len(self._last) > self._most:
            self._last.popitem(last=False)

    def forget(self, key: str) -> None:
        """It did nothing after all."""
        self._last.pop(key, None)

    def __contains__(self, key: str) -> bool:
        return key in self._last
