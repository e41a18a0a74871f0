"""What the processes agree by that share a store."""

from collections.abc import Awaitable, Callable, Iterable

from bot.ports import Chore, Leases, Looked, Notices
from bot.storage.postgres import PostgresStore
from bot.storage.postgres_leases import PostgresLeases
from bot.storage.postgres_notices import PostgresNotices

Work = Callable[[], Awaitable[None]]
Share = Callable[[Iterable[Chore], Looked], Work]
"""Makes work that takes this process's share of chores."""


def agreed(store: PostgresStore) -> tuple[Leases, Notices]:
    """Who does what, and what others wrote. From now on what is written under a lease must hold it."""
    leases = PostgresLeases(store.url)
    store.tokens = leases.tokens
    notices = PostgresNotices(store.url, ours=lambda: store.backends)
    notices.subscribe(lambda session, kinds: store.written_elsewhere())
    return leases, notices


def sharing(store: PostgresStore) -> Share:
    """Chores of all processes that share this store."""

    def share(chores: Iterable[Chore], looked: Looked) -> Work:
        from bot.storage.postgres_deferred import Deferred  # only who has chores waits for its library to be loaded

        return Deferred(store.url, chores, looked).run

    return share
