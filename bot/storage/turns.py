"""Which sessions a write belongs to: where several processes write, those of one session follow each other."""

from bot.storage.database import Database

EVERYWHERE = None
"""What may touch any session; nothing else is written meanwhile."""

HOUSE = ""
"""In the place of a session: what belongs to none, as accounts and sources do."""

Turn = str | frozenset[str] | None
"""The session of a write, or several; `EVERYWHERE`."""

RowOf = tuple[str, str]
"""A table of which the row of this id knows the session: "questions" or "polls"."""


def of(db: Database, turn: Turn | RowOf) -> frozenset[str] | None:
    """The sessions, looked up where only a row names its own; `HOUSE` for one that is not there."""
    if isinstance(turn, tuple):
        table, id = turn
        row = db.execute(f"SELECT session FROM {table} WHERE id = ?", (id,)).fetchone()  # noqa: S608 (one of ours)
        return frozenset({HOUSE if row is None else row["session"]})
    if turn is None:
        return None
    return frozenset({turn}) if isinstance(turn, str) else turn or frozenset({HOUSE})
