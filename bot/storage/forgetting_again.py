"""Who was forgotten after a backup was made is in it, and must not come back with it.

Nobody keeps a list of the forgotten: it would be what they wanted gone. But a message keeps its number when its author
is forgotten, so the database that the backup takes the place of tells whose they were in the backup.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.model import GONE, Person
from bot.storage import forgetting
from bot.storage.connection import Failure, SqliteDatabase, connect, explained
from bot.storage.migrations import migrate

SAME = "former.messages f ON f.id = m.id AND f.session = m.session AND f.at = m.at"
"""A message `m` is the one that the former database has under its number; one that began anew gave it again."""


def forget_again(restored: Path, former: Path, now: float) -> int:
    """Forget in `restored` whoever is forgotten in `former`; how many persons that were. Nobody writes to either.

    Raises `StoreError` where one of them cannot be read.
    """
    with with_former(restored, former) as db:
        count = 0
        with db.atomic():
            if (evenings := _evenings(db)) is not None:
                names: dict[forgetting.Named, str] = {}
                for session in forgetting.due(db, evenings):
                    forgetting.forget_evening(db, session, evenings, names)
                count += len(names)
            for person in _persons(db):
                count += forgetting.forget(db, person, None, now).persons
        if count:
            db.execute("DETACH former")
            forgetting.wipe(db)
        return count


@contextmanager
def with_former(restored: Path, former: Path) -> Iterator[SqliteDatabase]:
    """What comes back, of the newest schema, with the database that it takes the place of beside it as `former`, which
    is only read. Raises `StoreError` where one of them cannot be read."""
    try:
        db = connect(restored)
        try:
            migrate(db)
            db.execute("ATTACH ? AS former", (f"{former.absolute().as_uri()}?mode=ro",))
            yield db
        finally:
            db.conn.close()
    except Failure as error:
        raise explained(error) from error


def _evenings(db: SqliteDatabase) -> float | None:
    """Evenings are forgotten with all older ones, and what founded a question keeps its words. The time before which
    that was done; None where it was not."""
    rows = db.execute(
        f"""
        SELECT MAX(f.at) AS last, MIN(f.author GLOB '{GONE}*') AS gone,
            MAX(f.text = '' AND COALESCE(p.founded, 0)) AS unsaid
        FROM former.messages f LEFT JOIN former.placements p ON p.message = f.id
        GROUP BY f.session ORDER BY last
        """  # noqa: S608 (a constant)
    ).fetchall()
    before = None
    for row in rows:
        if not row["gone"] or row["unsaid"]:
            break
        before = math.nextafter(row["last"], math.inf)
    return before


def _persons(db: SqliteDatabase) -> list[Person]:
    rows = db.execute(
        f"""
        SELECT DISTINCT m.source, m.author FROM messages m JOIN {SAME}
        WHERE f.author GLOB '{GONE}*' AND m.author NOT GLOB '{GONE}*'
            AND NOT EXISTS (SELECT 1 FROM former.messages o WHERE o.source = m.source AND o.author = m.author)
        """  # noqa: S608 (constants)
    ).fetchall()
    return [Person(row["source"], row["author"]) for row in rows]
