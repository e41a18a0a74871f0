"""What the processes agree by that share a store."""

from bot.ports import Leases, Notices
from bot.storage.postgres import PostgresStore
from bot.storage.postgres_leases import PostgresLeases
from bot.storage.postgres_notices import PostgresNotices


def agreed(store: PostgresStore) -> tuple[Leases, Notices]:
    """Who does what, and what others wrote. From now on what is written under a lease must hold it."""
    leases = PostgresLeases(store.url)
    store.tokens = leases.tokens
    notices = PostgresNotices(store.url, ours=lambda: store.backends)
    notices.subscribe(lambda session, kinds: store.written_elsewhere())
    return leases, notices
