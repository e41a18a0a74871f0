"""Token buckets: how fast one participant, one address or one guesser may go."""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from bot.ports import Now
from bot.web.open_files import most_streams, most_streams_of_address


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast the web side may be used, and the patience of its streams (seconds).

    A hall shares one address, so what is counted by address is generous: 500 people behind one router must fit.
    """

    messages: Rate = Rate(10, 0.5)  # one participant
    votes: Rate = Rate(40, 2)  # one participant
    previews: Rate = Rate(10, 0.7)  # one participant, while they type
    writes: Rate = Rate(1000, 100)  # one address, everything unsafe
    guesses: Rate = Rate(10, 1 / 30)  # one address, wrong codes and sign-in links
    viewer_pause: float = 0.2  # between two events of one viewer; staff are told at once
    account_guesses: Rate = Rate(10, 1 / 10)  # one name, wrong passwords; faster than one address may guess
    heartbeat: float = 15.0
    login_check: float = 2.0
    write_timeout: float = 10.0
    streams: int = field(default_factory=most_streams)  # of viewers; staff's are always let in
    streams_of_address: int = field(default_factory=most_streams_of_address)


class Buckets:
    """One bucket for each key. Holds at most `most` keys and forgets those not used for longest."""

    def __init__(self, rate: Rate, now: Now, most: int = 20_000) -> None:
        self._rate = rate
        self._now = now
        self._most = most
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (tokens, when)

    def wait(self, key: str) -> float:
        """Seconds until one more is granted; 0: now. Takes nothing."""
        return max(0.0, (1.0 - self._tokens(key)) / self._rate.per_second)

    def take(self, key: str) -> float:
        """Take one and return 0, or take none and return the seconds to wait."""
        tokens = self._tokens(key)
        if tokens < 1.0:
            return (1.0 - tokens) / self._rate.per_second
        self._filled[key] = (tokens - 1.0, self._now())
        self._filled.move_to_end(key)
        if len(self._filled) > self._most:
            self._filled.popitem(last=False)
        return 0.0

    def give(self, key: str) -> None:
        """Put one back that was taken."""
        self._filled[key] = (min(self._rate.burst, self._tokens(key) + 1.0), self._now())

    def _tokens(self, key: str) -> float:
        tokens, at = self._filled.get(key, (self._rate.burst, 0.0))
        return min(self._rate.burst, tokens + max(0.0, self._now() - at) * self._rate.per_second)


class Seats:
    """How many streams of viewers are open, in all and from each address: at most so many."""

    def __init__(self, most: int, most_of_address: int) -> None:
        self._most, self._most_of_address = most, most_of_address
        self._taken: Counter[str] = Counter()
        self._all = 0

    def take(self, address: str) -> bool:
        """Whether there is one left."""
        if self._all >= self._most or self._taken[address] >= self._most_of_address:
            return False
        self._all += 1
        self._taken[address] += 1
        return True

    def give(self, address: str) -> None:
        """One that was taken is free again."""
        self._all -= 1
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]
