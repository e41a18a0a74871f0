"""Answers on their way into the FAQ, as SQL."""

from collections.abc import Collection
from dataclasses import asdict

from bot.errors import Conflict, ForgottenMeanwhile, NotFound
from bot.model import Promotion, PromotionStage
from bot.storage.database import Database, Row, upsert
from bot.storage.rows import listed


def promotions(db: Database, session: str) -> list[Promotion]:
    """In the order in which they were proposed."""
    return [
        _promotion(row)
        for row in db.execute("SELECT * FROM promotions WHERE session = ? ORDER BY at, question", (session,))
    ]


def keep(db: Database, before: Promotion | None, after: Promotion, of: Collection[int] = ()) -> None:
    """See `ports.Promotions.keep_promotion`."""
    gone = "SELECT 1 FROM messages WHERE text = '' AND id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) LIMIT 1"
    if db.execute(gone, (listed(of),)).fetchone():
        raise ForgottenMeanwhile("somebody was forgotten just now who asked this; nothing was done. Do it once more")
    row = db.execute("SELECT * FROM promotions WHERE question = ?", (after.question,)).fetchone()
    if (None if row is None else _promotion(row)) != before:
        raise Conflict("somebody decided this meanwhile; look at it again")
    if not db.execute(
        "SELECT 1 FROM questions WHERE id = ? AND session = ?", (after.question, after.session)
    ).fetchone():
        raise NotFound(f"there is no question {after.question}")
    upsert(db, "promotions", ("question",), {**asdict(after), "stage": after.stage.value})


def forget(db: Database, question: str) -> None:
    """It was proposed, and its answer is gone."""
    db.execute("DELETE FROM promotions WHERE question = ? AND stage = 'proposed' AND written = ''", (question,))


def _promotion(row: Row) -> Promotion:
    return Promotion(**{**dict(row), "stage": PromotionStage(row["stage"])})
