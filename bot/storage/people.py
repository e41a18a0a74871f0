"""Persons, their roles, invitations and the ledger of what was done to them, as SQL.

Every function runs inside one transaction of the writer, so a check and what follows from it cannot be parted.
"""

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace

from bot.accounts import LONGEST_NAME, Account, Actor, Deed, Grant, Invitation, may_be_called, name_key
from bot.errors import Conflict, LastOrganiser, NotFound
from bot.storage.database import Database, Row, upsert

KEPT = 30 * 86_400.0
"""Seconds that an invitation stays after its end."""


def people(db: Database, now: float) -> list[Account]:
    rows = db.execute(f"{_ACCOUNTS} ORDER BY p.name_key", {"now": now}).fetchall()
    return [_account(db, row) for row in rows]


def person(db: Database, id: str, now: float) -> Account:
    row = db.execute(f"{_ACCOUNTS} WHERE p.id = :id", {"now": now, "id": id}).fetchone()
    if row is None:
        raise NotFound("there is no such person; they may have been removed")
    return _account(db, row)


def of_name(db: Database, name: str) -> str | None:
    row = db.execute("SELECT id FROM people WHERE name_key = ?", (name_key(name),)).fetchone()
    return None if row is None else str(row["id"])


def password_of(db: Database, key: str) -> tuple[str, str] | None:
    row = db.execute("SELECT id, password FROM people WHERE name_key = ?", (key,)).fetchone()
    return None if row is None else (row["id"], row["password"])


def add(db: Database, name: str, now: float) -> str:
    """Somebody new, under that name or the first free one like it; their id."""
    id, free = secrets.token_hex(8), _free(db, name)
    db.execute("INSERT INTO people VALUES (?, ?, ?, '', ?)", (id, free, name_key(free), now))
    return id


def _free(db: Database, name: str) -> str:
    tried, number = name, 1
    while not may_be_called(tried) or of_name(db, tried) is not None:
        number += 1
        tail = f" {number}"
        tried = name[: LONGEST_NAME - len(tail)] + tail
    return tried


def set_password(db: Database, id: str, password: str, by: Actor, now: float, but: str = "") -> None:
    _changed(db.execute("UPDATE people SET password = ? WHERE id = ?", (password, id)).rowcount)
    db.execute("DELETE FROM logins WHERE person = ? AND id != ?", (id, but))
    drop_links(db, id)
    note(db, by, "password", _name(db, id), (), now)


def rename(db: Database, id: str, name: str, by: Actor, now: float) -> None:
    before = _name(db, id)
    if name == before:
        return
    if not may_be_called(name) or of_name(db, name) not in {None, id}:
        raise Conflict("somebody else has that name; choose another one")
    db.execute("UPDATE people SET name = ?, name_key = ? WHERE id = ?", (name, name_key(name), id))
    note(db, by, "rename", f"{before} → {name}", (), now)


def grants_of(db: Database, id: str) -> tuple[Grant, ...]:
    rows = db.execute("SELECT role, session, until, since FROM roles WHERE person = ? ORDER BY session", (id,))
    return tuple(Grant(**dict(row)) for row in rows)


def put_role(db: Database, id: str, grant: Grant) -> None:
    upsert(db, "roles", ("person", "session"), {"person": id, **asdict(grant)})


def give_role(db: Database, id: str, grant: Grant, by: Actor, now: float) -> None:
    name, before = _name(db, id), _organisers(db, now)
    put_role(db, id, grant)
    _require_organiser(db, before, now)
    note(db, by, "give", name, (grant,), now)
    _end_made_by(db, id, by, now)


def take_role(db: Database, id: str, session: str, by: Actor, now: float) -> None:
    name, before = _name(db, id), _organisers(db, now)
    taken = tuple(grant for grant in grants_of(db, id) if grant.session == session)
    _changed(db.execute("DELETE FROM roles WHERE person = ? AND session = ?", (id, session)).rowcount)
    _require_organiser(db, before, now)
    note(db, by, "take", name, taken, now)
    _end_made_by(db, id, by, now)


def remove(db: Database, id: str, by: Actor, now: float) -> None:
    name, before = _name(db, id), _organisers(db, now)
    for table in ("logins", "roles", "invitations", "drafts", "declined"):
        db.execute(f"DELETE FROM {table} WHERE person = ?", (id,))  # noqa: S608 (names from the line above)
    db.execute("DELETE FROM people WHERE id = ?", (id,))
    _require_organiser(db, before, now)
    note(db, by, "remove", name, (), now)
    _end_made_by(db, id, by, now)


def sign_out(db: Database, id: str, by: Actor, now: float) -> int:
    name = _name(db, id)
    ended = db.execute("DELETE FROM logins WHERE person = ?", (id,)).rowcount
    drop_links(db, id)
    note(db, by, "sign_out", name, (), now)
    return int(ended)


def drop_links(db: Database, id: str) -> None:
    """A link for a further device of a person would let in whoever was just put out."""
    db.execute("DELETE FROM invitations WHERE person = ? AND used_at IS NULL", (id,))


def invite(db: Database, token_hash: str, made: Invitation, by: Actor, now: float) -> Invitation:
    made = replace(made, expires_at=min(made.expires_at, _organises_until(db, by.id, now) or made.expires_at))
    whom = _name(db, made.person) if made.person else made.name
    db.execute("DELETE FROM invitations WHERE expires_at < ?", (now - KEPT,))
    grants = json.dumps([asdict(grant) for grant in made.grants])
    db.execute(
        "INSERT INTO invitations (id, token_hash, person, name, grants, made_by, made_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (made.id, token_hash, made.person, made.name, grants, by.name, now, made.expires_at),
    )
    note(db, by, "link" if made.person else "invite", whom, made.grants, now)
    return made


def invitation(db: Database, token_hash: str, now: float) -> Invitation | None:
    row = db.execute(f"{_INVITATIONS} AND i.token_hash = :hash", {"now": now, "hash": token_hash}).fetchone()
    return None if row is None else _invitation(row)


def invitations(db: Database, now: float) -> list[Invitation]:
    rows = db.execute(f"{_INVITATIONS} ORDER BY i.made_at DESC, i.id", {"now": now})
    return [_invitation(row) for row in rows]


def revoke(db: Database, id: str, by: Actor, now: float) -> None:
    row = db.execute(f"{_INVITATIONS} AND i.id = :id", {"now": now, "id": id}).fetchone()
    if row is None:
        raise NotFound("this invitation is not open any more: it was used, revoked, or its time is over")
    _revoke(db, _invitation(row), by, now)


def _revoke(db: Database, one: Invitation, by: Actor, now: float) -> None:
    db.execute("UPDATE invitations SET revoked_at = ? WHERE id = ?", (now, one.id))
    note(db, by, "revoke", one.name, one.grants, now)


def _end_made_by(db: Database, id: str, by: Actor, now: float) -> None:
    """What somebody invited ends when they organise all sessions no more, and now where they do not: by such a link
    they would come back. The ledger knows who made it, under whatever name."""
    until = _organises_until(db, id, now)
    made = "SELECT 1 FROM deeds d WHERE d.what IN ('invite', 'link') AND d.who_id = :id AND d.at = i.made_at"
    rows = db.execute(f"{_INVITATIONS} AND EXISTS ({made} AND d.who = i.made_by)", {"now": now, "id": id}).fetchall()
    for row in rows:
        if until is None:
            _revoke(db, _invitation(row), by, now)
        elif row["expires_at"] > until:
            db.execute("UPDATE invitations SET expires_at = ? WHERE id = ?", (until, row["id"]))


def _organises_until(db: Database, id: str, now: float) -> float | None:
    """When somebody organises all sessions no more; infinity: never, None: they do not."""
    ends = [one.until or math.inf for one in grants_of(db, id) if one.role == "organiser" and one.holds("", now)]
    return max(ends, default=None)


def deeds(db: Database, limit: int) -> list[Deed]:
    rows = db.execute("SELECT id, at, who, what, whom, grants FROM deeds ORDER BY id DESC LIMIT ?", (limit,))
    return [Deed(**{**dict(row), "grants": _grants(row["grants"])}) for row in rows]


def note(db: Database, by: Actor, what: str, whom: str, grants: Sequence[Grant], now: float) -> None:
    """One row of the ledger."""
    db.execute(
        "INSERT INTO deeds (at, who, who_id, what, whom, grants) VALUES (?, ?, ?, ?, ?, ?)",
        (now, by.name, by.id, what, whom, json.dumps([asdict(grant) for grant in grants])),
    )


_ACCOUNTS = """
    SELECT p.id, p.name, p.password != '' AS password, p.at,
        (SELECT COUNT(*) FROM logins l WHERE l.person = p.id AND l.expires_at > :now) AS logins,
        (SELECT MAX(l.used_at) FROM logins l WHERE l.person = p.id) AS seen_at
    FROM people p
"""
_INVITATIONS = """
    SELECT i.id, i.person, COALESCE(p.name, i.name) AS name, i.grants, i.made_by, i.made_at, i.expires_at
    FROM invitations i LEFT JOIN people p ON p.id = i.person
    WHERE i.used_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > :now
"""


def _organisers(db: Database, now: float) -> int:
    """2: somebody organises every session without an end, 1: somebody does so for now, 0: nobody."""
    (rank,) = db.execute(
        "SELECT COALESCE(MAX(CASE WHEN until IS NULL THEN 2 WHEN until > ? THEN 1 ELSE 0 END), 0) FROM roles "
        "WHERE role = 'organiser' AND session = ''",
        (now,),
    ).fetchone()
    return int(rank)


def _require_organiser(db: Database, before: int, now: float) -> None:
    if _organisers(db, now) < before:
        raise LastOrganiser("nobody else organises every session without an end; make somebody organiser first")


def _name(db: Database, id: str) -> str:
    return person(db, id, 0.0).name


def _changed(rows: int) -> None:
    if not rows:
        raise NotFound("there is no such person or role; somebody may have changed it just now")


def _account(db: Database, row: Row) -> Account:
    return Account(**{**dict(row), "password": bool(row["password"])}, grants=grants_of(db, row["id"]))


def _invitation(row: Row) -> Invitation:
    return Invitation(**{**dict(row), "grants": _grants(row["grants"])})


def _grants(text: str) -> tuple[Grant, ...]:
    return tuple(Grant(**grant) for grant in json.loads(text))
