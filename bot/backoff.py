"""How long to wait after failures. Decides; sleeps not."""

import random


def backoff(failures: int, longest: float, first: float = 1.0) -> float:
    """Seconds to wait after so many failures in a row (from 1): doubling from `first`, at most `longest`.

    Half of it is left to chance: what failed together (one broken network, many chats) must not come back together,
    and a wait near zero, as with full jitter, would hammer a platform that is already in trouble.
    """
    # The exponent is held down because 2.0 ** 1024 overflows.
    whole = min(longest, first * 2.0 ** min(max(failures - 1, 0), 60))
    return whole * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, keeps no secret)
