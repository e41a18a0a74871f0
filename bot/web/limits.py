"""How fast the web side may be used, and by which address somebody counts."""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from bot.limits import Rate
from bot.web.open_files import most_streams, most_streams_of_address

PART = 512 * 1024
"""Bytes of a file of staff that are waited for together."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast the web side may be used, and the patience of its streams (seconds).

    A hall shares one address, so what is counted by address is generous: 500 people behind one router must fit.
    """

    messages: Rate = Rate(10, 0.5)  # one participant
    votes: Rate = Rate(40, 2)  # one participant
    previews: Rate = Rate(10, 0.7)  # one participant, while they type
    writes: Rate = Rate(3000, 300)  # one address, everything unsafe
    networks: Rate = Rate(9000, 900)  # one network (/24, /48), everything unsafe
    newcomers: Rate = Rate(1000, 2)  # one address, people who type, ask or vote for the first time
    newcomers_of_network: Rate = Rate(3000, 6)  # one network
    newcomers_of_session: Rate = Rate(20_000, 100)  # one session, from wherever
    at_once: int = 2048  # requests that write, under way. More are refused, which costs half of what taking them does
    bodies: int = 512  # on their way in; each is 256 KiB at most
    bodies_of_address: int = 256
    body_within: float = 10.0  # a body that has not come in by then is given up
    hook_within: float = 20.0  # and a hook's: its senders wait as long themselves
    part_within: float = 60.0  # and each `PART` of a file of staff: on a slower line it is not worth the wait
    guesses: Rate = Rate(10, 1 / 30)  # one address, wrong codes and sign-in links
    viewer_pause: float = 0.2  # between two events of one viewer; staff are told at once
    account_guesses: Rate = Rate(10, 1 / 10)  # one name, wrong passwords; faster than one address may guess
    heartbeat: float = 15.0
    login_check: float = 2.0
    write_timeout: float = 10.0
    streams: int = field(default_factory=most_streams)  # of viewers; staff's are always let in
    streams_of_address: int = field(default_factory=most_streams_of_address)


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


class Arrivals:
    """The bodies that are on their way in: at most so many, in all and from each address. Where one more comes, the one
    that has been on its way for longest is given up: whoever stops in the middle keeps nobody out."""

    def __init__(self, most: int, most_of_address: int) -> None:
        self._most, self._most_of_address = most, most_of_address
        self._coming: dict[asyncio.Timeout, str] = {}  # the oldest first

    @asynccontextmanager
    async def one(self, address: str, within: float) -> AsyncIterator[None]:
        """A body comes in within this, in so many seconds. Raises `TimeoutError` where it does not, or was given up for
        another one."""
        async with asyncio.timeout(within) as patience:
            self._make_place(address)
            self._coming[patience] = address
            try:
                yield
            finally:
                self._coming.pop(patience, None)

    def _make_place(self, address: str) -> None:
        same = [patience for patience, one in self._coming.items() if one == address]
        if len(same) >= self._most_of_address or len(self._coming) >= self._most:
            oldest = same[0] if len(same) >= self._most_of_address else next(iter(self._coming))
            del self._coming[oldest]
            if not oldest.expired():  # else it goes by itself
                oldest.reschedule(asyncio.get_running_loop().time())


@lru_cache(4096)
def counted_by(address: str) -> tuple[str, str]:
    """What an address counts as, and its network. Of IPv6 everybody has a /64 to themselves, so that is one address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address, address
    near, wide = (32, 24) if ip.version == 4 else (64, 48)
    return tuple(str(ipaddress.ip_network((ip, length), strict=False)) for length in (near, wide))  # type: ignore[return-value]
