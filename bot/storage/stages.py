"""The stage of a session, as SQL: since when the question on it stands there, and how it is shown."""

from bot.errors import Conflict
from bot.model import Change, QuestionState, Stage, Status
from bot.storage.database import Database, upsert


def entered(db: Database, change: Change, before: QuestionState | None, after: QuestionState) -> None:
    """Keep when a question comes on stage. What is undone never was: a question that undo puts back on stage stands
    there since it came first, and one that undo takes off never came. Raises `Conflict` where another one is there."""
    was, now = before is not None and before.status is Status.ON_STAGE, after.status is Status.ON_STAGE
    if was == now:
        return
    if now and _another(db, after):
        raise Conflict("another question is on stage meanwhile")
    if change.undoes is None and now:
        db.execute("UPDATE questions SET staged_at = ? WHERE id = ?", (change.at, after.id))
    elif change.undoes is not None:
        kept = "COALESCE(staged_at, :at)" if now else "NULL"
        db.execute(f"UPDATE questions SET staged_at = {kept} WHERE id = :id", {"at": change.at, "id": after.id})  # noqa: S608 (constants)


def _another(db: Database, state: QuestionState) -> bool:
    found = db.execute(
        "SELECT 1 FROM questions WHERE session = ? AND status = 'on_stage' AND removed = 0 AND id != ?",
        (state.session, state.id),
    )
    return found.fetchone() is not None


def stage(db: Database, session: str) -> Stage:
    row = db.execute("SELECT seconds, blank FROM stages WHERE session = ?", (session,)).fetchone()
    return Stage() if row is None else Stage(row["seconds"], bool(row["blank"]))


def keep(db: Database, session: str, stage: Stage) -> None:
    upsert(db, "stages", ("session",), {"session": session, "seconds": stage.limit, "blank": int(stage.blank)})


def restart(db: Database, session: str, at: float) -> list[str]:
    """From now on the question on stage counts as having come at `at`; the ids of those whose view that changes."""
    rows = db.execute(
        """
        UPDATE questions SET staged_at = :at WHERE session = :session AND status = 'on_stage' AND removed = 0
        RETURNING id
        """,
        {"at": at, "session": session},
    ).fetchall()
    return [row["id"] for row in rows]
