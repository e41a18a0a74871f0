"""What was said aloud, and where questions are answered in it, as SQL."""

import json
from collections.abc import Sequence
from dataclasses import astuple, replace

from pydantic import TypeAdapter

from bot.model import Change, Dated, Proposal, Proposed, Transcript
from bot.storage.changes import apply
from bot.storage.database import Database, Row, upsert
from bot.storage.rows import dumped, listed
from knowledge.aloud import Passage
from knowledge.captions import Spoken

_passage = TypeAdapter(Passage)
_passages = TypeAdapter(tuple[Passage, ...])


def transcript(db: Database, session: str) -> Transcript | None:
    row = db.execute("SELECT * FROM transcripts WHERE session = ?", (session,)).fetchone()
    if row is None:
        return None
    return Transcript(
        session=session,
        name=row["name"],
        by=row["by"],
        at=row["at"],
        lines=tuple(Spoken(*line) for line in json.loads(row["lines"])),
        problems=tuple((number, what) for number, what in json.loads(row["problems"])),
        zero=row["zero"],
        dated=Dated(row["dated"]),
        recording=row["recording"],
        searched=row["searched"],
    )


def keep(db: Database, transcript: Transcript, proposals: Sequence[Proposal] | None, noted: Change | None) -> None:
    upsert(
        db,
        "transcripts",
        ("session",),
        {
            "session": transcript.session,
            "name": transcript.name,
            "by": transcript.by,
            "at": transcript.at,
            "lines": json.dumps([astuple(line) for line in transcript.lines], ensure_ascii=False),
            "problems": json.dumps(transcript.problems, ensure_ascii=False),
            "zero": transcript.zero,
            "dated": transcript.dated.value,
            "recording": transcript.recording,
            "searched": transcript.searched,
        },
    )
    if proposals is not None:
        db.execute("DELETE FROM aloud WHERE session = ?", (transcript.session,))
        _keep(db, transcript.session, proposals)
    if noted:
        apply(db, noted)


def drop(db: Database, session: str, noted: Change | None) -> None:
    db.execute("DELETE FROM transcripts WHERE session = ?", (session,))
    db.execute("DELETE FROM aloud WHERE session = ?", (session,))
    if noted:
        apply(db, noted)


def proposals(db: Database, session: str) -> list[Proposal]:
    rows = db.execute("SELECT * FROM aloud WHERE session = ?", (session,)).fetchall()
    return sorted(map(_proposal, rows), key=lambda one: (one.passage.start, one.question))


def keep_proposal(db: Database, session: str, one: Proposal) -> None:
    _keep(db, session, [one])


def _keep(db: Database, session: str, proposals: Sequence[Proposal]) -> None:
    """A wording that was forgotten since it was read, by a search or by whoever decides now, is not written again."""
    asked = {passage.asked for one in proposals for passage in (one.passage, *one.others)}
    values = {"session": session, "asked": listed(asked)}
    rows = db.execute(
        """
        SELECT text FROM messages WHERE session = :session AND text IN (SELECT value FROM json_each(:asked))
        UNION SELECT title FROM questions WHERE session = :session AND title IN (SELECT value FROM json_each(:asked))
        """,
        values,
    )
    known = {row["text"] for row in rows}

    def kept(passage: Passage) -> Passage:
        return passage if passage.asked in known else replace(passage, asked="")

    for one in proposals:
        row = {
            "session": session,
            "question": one.question,
            "passage": dumped(kept(one.passage)),
            "others": _passages.dump_json(tuple(map(kept, one.others))).decode(),
            "state": one.state.value,
        }
        upsert(db, "aloud", ("session", "question"), row)


def _proposal(row: Row) -> Proposal:
    return Proposal(
        row["question"],
        _passage.validate_json(row["passage"]),
        _passages.validate_json(row["others"]),
        Proposed(row["state"]),
    )
