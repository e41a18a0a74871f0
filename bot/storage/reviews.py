"""What experts do with questions until they are answered, as SQL: drafts, and what is not for somebody."""

import json
from dataclasses import asdict, replace

from bot.errors import Conflict, NotFound
from bot.model import Declined, Draft, Reference
from bot.storage.database import Database, Row, upsert

LATER = 0.001
"""Seconds by which a draft is younger than the one before, however the clock stands: its time is its version."""


def keep(db: Database, draft: Draft, base: float) -> Draft:
    """See `ports.Reviews.keep_draft`. What stands in these words already was sent before, and its answer was lost."""
    _require(db, draft.question)
    standing = _read(db, draft.question, draft.person)
    before = standing or Draft(draft.question, draft.person, "")
    if (before.text, before.references) == (draft.text, draft.references):
        return before
    if before.at != base:
        raise Conflict("this answer was changed on another device meanwhile")
    mine = (draft.question, draft.person)
    if not draft.text and not draft.references:
        db.execute("DELETE FROM drafts WHERE question = ? AND person = ?", mine)
        return Draft(*mine, "")
    kept = replace(draft, at=max(draft.at, before.at + LATER), name=before.name)
    sources = json.dumps([asdict(one) for one in draft.references], ensure_ascii=False)
    values = {"question": draft.question, "person": draft.person, "text": draft.text, "sources": sources, "at": kept.at}
    upsert(db, "drafts", ("question", "person"), values)
    return kept


def draft(db: Database, question: str, person: str) -> Draft | None:
    return _read(db, question, person)


def drafts(db: Database, session: str) -> list[Draft]:
    rows = db.execute(f"{_DRAFTS} WHERE q.session = ? AND q.removed = 0 ORDER BY d.at", (session,))
    return [_draft(row) for row in rows]


def decline(db: Database, question: str, person: str, on: bool, at: float) -> None:
    """Saying it again changes nothing. Raises `NotFound`."""
    _require(db, question)
    if on:
        db.execute("INSERT INTO declined VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (question, person, at))
    else:
        db.execute("DELETE FROM declined WHERE question = ? AND person = ?", (question, person))


def declined(db: Database, session: str) -> list[Declined]:
    rows = db.execute(
        """
        SELECT d.question, d.person, p.name FROM declined d JOIN questions q ON q.id = d.question
            JOIN people p ON p.id = d.person
        WHERE q.session = ? AND q.removed = 0 ORDER BY d.at, d.question, p.name
        """,
        (session,),
    )
    return [Declined(row["question"], row["person"], row["name"]) for row in rows]


_DRAFTS = """
    SELECT d.question, d.person, d.text, d.sources, d.at, COALESCE(p.name, '') AS name
    FROM drafts d JOIN questions q ON q.id = d.question LEFT JOIN people p ON p.id = d.person
"""


def _read(db: Database, question: str, person: str) -> Draft | None:
    row = db.execute(f"{_DRAFTS} WHERE d.question = ? AND d.person = ?", (question, person)).fetchone()
    return None if row is None else _draft(row)


def _draft(row: Row) -> Draft:
    references = tuple(Reference(**one) for one in json.loads(row["sources"]))
    return Draft(row["question"], row["person"], row["text"], references, row["at"], row["name"])


def _require(db: Database, question: str) -> None:
    if db.execute("SELECT 1 FROM questions WHERE id = ? AND removed = 0", (question,)).fetchone() is None:
        raise NotFound(f"there is no question {question!r}")
