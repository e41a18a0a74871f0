"""How many files this process may have open, and what of them may be watchers.

Every connection is one. Without any left nothing can be accepted, neither a message nor a moderator, so that what comes
in any number, the streams of viewers, gets a share and not all.
"""

import resource
from contextlib import suppress

WANTED = 65_536  # where the system sets no bound
MOST_STREAMS = 20_000  # of viewers; each holds some 50 KB of memory
SHARE = 3 / 4  # of the connections for viewers' streams, and of these for one address
KEPT_BACK = 64  # files for the store, its log and all else that is no connection


def open_files() -> int:
    """How many may be open, after that was made as many as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a bound that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return soft


def most_connections() -> int:
    """How many may be open at the same time."""
    files = open_files()
    return max(files - KEPT_BACK, files // 2)


def most_streams() -> int:
    """How many of them may be viewers' streams."""
    return min(MOST_STREAMS, int(most_connections() * SHARE))


def most_streams_of_address() -> int:
    """How many of them may come from one address: a whole hall may share one, and still nobody takes them all."""
    return max(1, int(most_streams() * SHARE))
