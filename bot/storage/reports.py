"""What reports are counted from, as SQL: plain columns, so that a series of a hundred evenings is read in seconds."""

from bot.model import Heard
from bot.storage.database import Database

_HEARD = """
    SELECT m.id - m.part AS line, m.source, m.author, m.author_name, m.at, m.placed, m.question IS NOT NULL AS asks,
        COALESCE(CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END, '') AS final,
        CASE WHEN q.id IS NULL THEN '' ELSE m.text END AS text,
        json_extract(m.address, '$.connector') AS connector, json_extract(m.address, '$.chat') AS chat,
        COALESCE(l.owner_source, m.source) AS human_source, COALESCE(l.owner, m.author) AS human
    FROM messages m LEFT JOIN questions q ON q.id = m.question
        LEFT JOIN links l ON l.source = m.source AND l.person = m.author
    WHERE m.session = ? ORDER BY m.id
"""


def heard(db: Database, session: str) -> list[Heard]:
    return [
        Heard(
            line=row["line"],
            source=row["source"],
            author=row["author"],
            human=(row["human_source"], row["human"]),
            at=row["at"],
            placed=bool(row["placed"]),
            asks=bool(row["asks"]),
            question=row["final"],
            name=row["author_name"],
            text=row["text"],
            chat=None if row["chat"] is None else (row["connector"], row["chat"]),
        )
        for row in db.execute(_HEARD, (session,))
    ]


def humans(db: Database, session: str) -> set[tuple[str, str]]:
    rows = db.execute(
        """
        SELECT DISTINCT COALESCE(l.owner_source, m.source) AS source, COALESCE(l.owner, m.author) AS id
        FROM messages m LEFT JOIN links l ON l.source = m.source AND l.person = m.author
        WHERE m.session = ?
        """,
        (session,),
    )
    return {(row["source"], row["id"]) for row in rows}


def names(db: Database, session: str) -> set[str]:
    rows = db.execute(
        """
        SELECT author_name AS name FROM messages WHERE session = :session
        UNION SELECT v.name FROM votes v JOIN questions q ON q.id = v.question WHERE q.session = :session
        UNION SELECT who FROM actions WHERE session = :session
        UNION SELECT assigned FROM questions WHERE session = :session
        UNION SELECT json_extract(answer, '$.by') FROM questions WHERE session = :session AND answer IS NOT NULL
        """,
        {"session": session},
    )
    return {row["name"] for row in rows if row["name"]}
