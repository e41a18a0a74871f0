"""Which encoder made the vectors, and how they are all made anew, as SQL."""

from collections.abc import Sequence

from bot.model import Vector
from bot.storage.database import Database
from bot.storage.rows import blob


def encoder(db: Database) -> str | None:
    if db.execute("SELECT 1 FROM vectors LIMIT 1").fetchone() is None:
        return None
    row = db.execute("SELECT fingerprint FROM encoder").fetchone()
    return "" if row is None else str(row["fingerprint"])


def keep_encoder(db: Database, fingerprint: str) -> None:
    db.execute("DELETE FROM encoder")
    db.execute("INSERT INTO encoder VALUES (?)", (fingerprint,))


def encoded(db: Database) -> list[tuple[int, str]]:
    rows = db.execute("SELECT m.id, m.text FROM messages m JOIN vectors v ON v.message = m.id ORDER BY m.id")
    return [(row["id"], row["text"]) for row in rows]


def reencode(db: Database, fingerprint: str, fresh: Sequence[tuple[int, Vector]]) -> None:
    db.execute("DELETE FROM vectors")
    db.executemany("INSERT INTO vectors VALUES (?, ?)", [(id, blob(vector)) for id, vector in fresh])
    keep_encoder(db, fingerprint)
