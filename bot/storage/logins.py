"""Who is signed in, as SQL. Tokens come hashed."""

import secrets
from dataclasses import replace

from bot.accounts import Actor, Device, Entry, Invitation, Login
from bot.storage import people
from bot.storage.database import Database, Row

_LOGINS = """
    SELECT l.id, l.person, p.name, l.device, l.since, l.used_at, l.expires_at
    FROM logins l JOIN people p ON p.id = l.person
"""


def admit(db: Database, entry: Entry, now: float) -> Login | None:
    promise = entry.promise or people.invitation(db, entry.token_hash, now)
    if promise is None or not _use_up(db, entry, promise, now):
        return None
    found = promise.person or (_known(db, entry, promise) if entry.promise else None)
    person = found or people.add(db, entry.name or promise.name, now)
    by = Actor(person, people.person(db, person, now).name)
    if found is None:
        for grant in promise.grants:
            people.put_role(db, person, replace(grant, since=now))
    people.note(db, by, "enter" if found else "join", by.name, () if found else promise.grants, now)
    if entry.password:
        people.set_password(db, person, entry.password, by, now)
    return open_login(db, person, entry.device, now)


def _use_up(db: Database, entry: Entry, promise: Invitation, now: float) -> bool:
    if entry.promise is None:
        done = db.execute("UPDATE invitations SET used_at = ? WHERE id = ? AND used_at IS NULL", (now, promise.id))
    else:
        done = db.execute("INSERT INTO redeemed VALUES (?, ?) ON CONFLICT DO NOTHING", (entry.token_hash, now))
    return done.rowcount == 1


def _known(db: Database, entry: Entry, promise: Invitation) -> str | None:
    """Who the link names, where that is somebody who has just what it promises: it must not give more than it says."""
    if entry.name not in {"", promise.name}:
        return None
    found = people.of_name(db, promise.name)
    held = people.grants_of(db, found) if found else ()
    same = sorted((g.role, g.session, g.until or 0.0) for g in held) == sorted(
        (g.role, g.session, g.until or 0.0) for g in promise.grants
    )
    return found if same else None


def open_login(db: Database, person: str, device: Device, now: float) -> Login | None:
    if db.execute("SELECT 1 FROM people WHERE id = ?", (person,)).fetchone() is None:
        return None
    db.execute(
        "INSERT INTO logins (token_hash, id, person, device, since, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (device.token_hash, secrets.token_hex(8), person, device.name, now, now, device.expires_at),
    )
    return login(db, device.token_hash, now)


def login(db: Database, token_hash: str, now: float) -> Login | None:
    """None where it is unknown or its time is over."""
    row = db.execute(f"{_LOGINS} WHERE l.token_hash = ? AND l.expires_at > ?", (token_hash, now)).fetchone()
    return None if row is None else replace(_login(row), grants=people.grants_of(db, row["person"]))


def used(db: Database, token_hash: str, now: float) -> None:
    db.execute("UPDATE logins SET used_at = ? WHERE token_hash = ?", (now, token_hash))


def of_person(db: Database, person: str, now: float) -> list[Login]:
    rows = db.execute(f"{_LOGINS} WHERE l.person = ? AND l.expires_at > ? ORDER BY l.used_at DESC, l.id", (person, now))
    return [_login(row) for row in rows]


def close_login(db: Database, token_hash: str) -> None:
    db.execute("DELETE FROM logins WHERE token_hash = ?", (token_hash,))


def close_logins(db: Database, person: str, only: str = "", but: str = "") -> int:
    done = db.execute(
        "DELETE FROM logins WHERE person = :person AND (:only = '' OR id = :only) AND id != :but",
        {"person": person, "only": only, "but": but},
    )
    if not only:
        people.drop_links(db, person)
    return int(done.rowcount)


def forget_expired(db: Database, now: float) -> None:
    db.execute("DELETE FROM logins WHERE expires_at <= ?", (now,))


def _login(row: Row) -> Login:
    return Login(**dict(row))
