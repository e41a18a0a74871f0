"""What waits, and whether anything can be written at all, as SQL."""

from bot.model import Backlog
from bot.storage.database import Database


def probe(db: Database) -> None:
    """The same number once more: SQLite writes its page all the same, and the commit waits for the disk."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    db.execute(f"PRAGMA user_version = {version}")


def backlog(db: Database, now: float) -> Backlog:
    count, first = db.execute("SELECT count(*), min(id) FROM messages WHERE placed = 0").fetchone()
    since = db.execute("SELECT at FROM messages WHERE id = ?", (first,)).fetchone() if count else None
    outbox = db.execute(
        """
        SELECT json_extract(address, '$.connector') AS source, count(*) FILTER (WHERE not_before <= ?),
            count(*) FILTER (WHERE not_before > ?)
        FROM deliveries WHERE state = 'waiting' GROUP BY source
        """,
        (now, now),
    )
    return Backlog(count, since["at"] if since else None, {source: (due, later) for source, due, later in outbox})
