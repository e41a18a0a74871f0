"""The sessions as SQL."""

import json
from collections.abc import Iterable
from dataclasses import fields

from bot.errors import Conflict, NotFound
from bot.model import Session, Setting
from bot.sessions import newest, session_of, with_settings
from bot.storage.database import Database, Row
from bot.storage.rows import dumped, session_row

_NAMES = [field.name for field in fields(Session)]

_SAVE = f"""
    INSERT INTO sessions ({", ".join(_NAMES)}) VALUES ({", ".join(f":{name}" for name in _NAMES)})
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "id")}
"""  # noqa: S608 (names of ours)
"""Each field has a column of its name."""


def save(db: Database, session: Session) -> None:
    db.execute(_SAVE, session_row(session))


def configure(db: Database, says: Session) -> Session:
    """Take over what the configuration says now, see `bot.sessions.newest`; the session as it stands then."""
    row = _row(db, says.id)
    said = session_of(json.loads(row["configured"])) if row is not None and row["configured"] else None
    session = says if row is None else newest(session_of(dict(row)), said, says)
    save(db, session)
    db.execute("UPDATE sessions SET configured = ? WHERE id = ?", (dumped(says), says.id))
    return session


def open_(db: Database, session: Session) -> None:
    """A new one. Raises `Conflict` where there is one of that id."""
    if _row(db, session.id) is not None:
        raise Conflict(f"there is a session {session.id!r} already")
    save(db, session)


def settle(db: Database, id: str, settings: Iterable[Setting]) -> None:
    """Raises `NotFound`, and `Conflict` where a `before` is no longer what stands."""
    save(db, with_settings(session(db, id), settings))


def session(db: Database, id: str) -> Session:
    """Raises `NotFound`."""
    row = _row(db, id)
    if row is None:
        raise NotFound(f"there is no session {id!r}")
    return session_of(dict(row))


def all_(db: Database) -> list[Session]:
    """In the order in which they were first saved."""
    return [session_of(dict(row)) for row in db.execute("SELECT * FROM sessions ORDER BY rowid")]


def configured(db: Database) -> list[str]:
    """Ids of those that a configuration named at some time."""
    return [row["id"] for row in db.execute("SELECT id FROM sessions WHERE configured != '' ORDER BY rowid")]


def _row(db: Database, id: str) -> Row | None:
    row: Row | None = db.execute("SELECT * FROM sessions WHERE id = ?", (id,)).fetchone()
    return row
