"""The store at whatever a configuration names: a file of SQLite's, or the address of a PostgreSQL database."""

import time
from pathlib import Path

from bot.ports import Now
from bot.storage.postgres import PostgresStore, open_postgres
from bot.storage.sqlite import SqliteStore, open_store
from bot.storage.writer import Committed


async def open_store_at(
    database: Path | str,
    *,
    mark: str = "",
    now: Now = time.time,
    patience: float = 5.0,
    committed: Committed = lambda *_: None,
    alone: bool = False,
) -> SqliteStore | PostgresStore:
    """Open it, founding it where there is none. `database`: a path, or postgresql://…; the rest as for `open_store`
    and `open_postgres`, and so are the errors. `alone`: no other process may have it open, as is always so of a
    file."""
    if isinstance(database, str):
        return await open_postgres(database, mark=mark, now=now, patience=patience, committed=committed, alone=alone)
    return await open_store(database, now=now, patience=patience, committed=committed)
