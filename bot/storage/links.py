"""Which persons are the same human, as they said themselves, as SQL. Codes come hashed."""

from bot.model import Person
from bot.storage.changes import touch
from bot.storage.database import Database, upsert

UNUSED, USED = 3600.0, 86400.0
"""Seconds that a code stays after its end: one that somebody used so long that a chat may say it again."""


def offer(db: Database, code_hash: str, owner: Person, expires_at: float) -> None:
    """Also forgets codes that are over, for anybody may ask for any number of them."""
    db.execute(
        "DELETE FROM link_codes WHERE expires_at < ? AND (used_by IS NULL OR expires_at < ?)",
        (expires_at - UNUSED, expires_at - USED),
    )
    offered = {"code_hash": code_hash, "owner_source": owner.source, "owner": owner.id, "expires_at": expires_at}
    upsert(db, "link_codes", ("code_hash",), {**offered, "used_source": None, "used_by": None})


def standing(db: Database, code_hash: str, person: Person, now: float) -> bool | None:
    """What is to be said to this person without changing anything: False for a code that is unknown, too old, one's
    own, or used by somebody else; True for one that they used. None: it is theirs to use."""
    row = db.execute("SELECT * FROM link_codes WHERE code_hash = ?", (code_hash,)).fetchone()
    if row is None or (row["used_source"], row["used_by"]) not in ((None, None), (person.source, person.id)):
        return False
    if row["used_by"] is not None:
        return True
    owned = (row["owner_source"], row["owner"]) == (person.source, person.id)
    return False if owned or row["expires_at"] <= now else None


def link(db: Database, code_hash: str, person: Person, now: float) -> bool:
    """Whether both are one now, see `standing`. The same again changes nothing."""
    if (known := standing(db, code_hash, person, now)) is not None:
        return known
    row = db.execute("SELECT * FROM link_codes WHERE code_hash = ?", (code_hash,)).fetchone()
    db.execute(
        "UPDATE link_codes SET used_source = ?, used_by = ? WHERE code_hash = ?", (person.source, person.id, code_hash)
    )
    db.execute(
        """
        INSERT INTO links VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (source, person) DO UPDATE SET name = excluded.name, owner_source = excluded.owner_source,
            owner = excluded.owner
        """,
        (person.source, person.id, person.name, row["owner_source"], row["owner"]),
    )
    _count_again(db, person)
    return True


def unlink(db: Database, owner: Person, person: Person) -> None:
    done = db.execute(
        "DELETE FROM links WHERE source = ? AND person = ? AND owner_source = ? AND owner = ?",
        (person.source, person.id, owner.source, owner.id),
    )
    if done.rowcount:
        _count_again(db, person)


def linked(db: Database, owner: Person) -> list[Person]:
    rows = db.execute(
        "SELECT source, person, name FROM links WHERE owner_source = ? AND owner = ? ORDER BY source, person",
        (owner.source, owner.id),
    )
    return [Person(row["source"], row["person"], row["name"]) for row in rows]


def _count_again(db: Database, person: Person) -> None:
    """The questions that this person wants answered have another number of people now; polls are counted at each
    reading."""
    rows = db.execute(
        """
        SELECT q.session, q.id FROM questions q JOIN messages m ON m.question = q.id
        WHERE m.source = :source AND m.author = :person
        UNION
        SELECT q.session, q.id FROM questions q JOIN votes v ON v.question = q.id
        WHERE v.source = :source AND v.person = :person
        """,
        {"source": person.source, "person": person.id},
    ).fetchall()
    for session in sorted({row["session"] for row in rows}):
        touch(db, session, {row["id"] for row in rows if row["session"] == session})
