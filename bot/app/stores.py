"""The store of a configuration."""

import time

from bot.ports import Now
from bot.settings import Settings, keep_secret
from bot.storage.opening import open_store_at
from bot.storage.postgres import PostgresStore
from bot.storage.postgres_admission import mark_of
from bot.storage.sqlite import SqliteStore
from bot.storage.writer import Committed


async def open_configured(
    settings: Settings, *, now: Now = time.time, committed: Committed = lambda *_: None, alone: bool = False
) -> SqliteStore | PostgresStore:
    """Open it as `open_store_at` does. On PostgreSQL the secret tells whose the database is."""
    mark = mark_of(keep_secret(settings.secret_file)) if settings.postgres else ""
    return await open_store_at(settings.store, mark=mark, now=now, committed=committed, alone=alone)
