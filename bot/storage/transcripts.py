"""What was said aloud, and where questions are answered in it, as SQL."""

import json
from collections.abc import Sequence
from dataclasses import astuple

from pydantic import TypeAdapter

from bot.model import Change, Dated, Proposal, Proposed, Transcript
from bot.storage.changes import apply
from bot.storage.database import Database, Row, upsert
from bot.storage.rows import dumped
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
        for one in proposals:
            keep_proposal(db, transcript.session, one)
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
    others = _passages.dump_json(one.others).decode()
    values = {"passage": dumped(one.passage), "others": others, "state": one.state.value}
    upsert(db, "aloud", ("session", "question"), {"session": session, "question": one.question, **values})


def _proposal(row: Row) -> Proposal:
    return Proposal(
        row["question"],
        _passage.validate_json(row["passage"]),
        _passages.validate_json(row["others"]),
        Proposed(row["state"]),
    )
