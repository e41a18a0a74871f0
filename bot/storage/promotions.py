"""Answers on their way into the FAQ, as SQL."""

from collections.abc import Mapping
from dataclasses import asdict

from bot.errors import Conflict, NotFound
from bot.model import Promotion, PromotionStage
from bot.storage.database import Database, Row, upsert
from bot.storage.questions import asked_meanwhile


def promotions(db: Database, session: str) -> list[Promotion]:
    """In the order in which they were proposed."""
    return [
        _promotion(row)
        for row in db.execute("SELECT * FROM promotions WHERE session = ? ORDER BY at, question", (session,))
    ]


def keep(db: Database, before: Promotion | None, after: Promotion, worded: Mapping[str, int] | None = None) -> None:
    """See `ports.Promotions.keep_promotion`."""
    if overtaken := asked_meanwhile(db, worded or {}):
        raise overtaken
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
