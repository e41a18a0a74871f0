"""What is known of the people of the audience, as SQL: what one's own page hands over, and what there is to forget."""

from typing import Any

from bot.accounts import name_key
from bot.model import Known, Person
from bot.storage.database import Database
from bot.storage.rows import listed, named


def whoever(db: Database, text: str, limit: int) -> list[tuple[Person, int, float]]:
    """Persons of the audience whose name or id holds this text, with their messages and when they wrote last; the
    newest first."""
    # Compared here: a database knows the small letters of English alone.
    wanted = name_key(text)
    known = db.execute("SELECT DISTINCT author_name AS name FROM messages").fetchall() if wanted else []
    names = [row["name"] for row in known if wanted in name_key(row["name"])]
    rows = db.execute(
        f"""
        SELECT source, author, MAX(author_name) AS name, COUNT(*) AS messages, MAX(at) AS last FROM messages
        WHERE {named("author")} AND (author_name IN (SELECT value FROM json_each(:names)) OR author = :whole)
        GROUP BY source, author ORDER BY last DESC LIMIT :limit
        """,  # noqa: S608 (a constant)
        {"names": listed(names), "whole": text, "limit": limit},
    )
    return [(Person(row["source"], row["author"], row["name"]), row["messages"], row["last"]) for row in rows]


def humans(db: Database, person: Person) -> list[Person]:
    """The person and whoever linked themselves to them."""
    rows = db.execute(
        "SELECT source, person, name FROM links WHERE owner_source = ? AND owner = ? ORDER BY source, person",
        (person.source, person.id),
    )
    return [person, *(Person(row["source"], row["person"], row["name"]) for row in rows)]


def known(db: Database, person: Person) -> Known:
    """Everything of a person and whoever linked themselves to them."""
    persons = humans(db, person)
    mine = {"mine": listed([one.source, one.id] for one in persons)}
    whose = "({0}, {1}) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:mine))"
    of_author, of_person = whose.format("m.source", "m.author"), whose.format("source", "person")
    address = ("json_extract(address, '$.connector')", "json_extract(address, '$.user')")
    final = "CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END"

    def rows(sql: str) -> tuple[dict[str, Any], ...]:
        return tuple(dict(row) for row in db.execute(sql, mine))

    return Known(
        persons=tuple(persons),
        messages=rows(
            f"""
            SELECT m.session, m.source, m.author_name AS name, m.at, m.text, COALESCE(f.title, '') AS question,
                COALESCE(json_extract(f.answer, '$.text'), '') AS answer
            FROM messages m LEFT JOIN questions q ON q.id = m.question LEFT JOIN questions f ON f.id = {final}
            WHERE {of_author} ORDER BY m.id
            """  # noqa: S608 (constants)
        ),
        votes=rows(
            f"""
            SELECT q.session, v.source, v.at, q.title AS question FROM votes v JOIN questions q ON q.id = v.question
            WHERE {whose.format("v.source", "v.person")} ORDER BY v.at
            """  # noqa: S608 (constants)
        ),
        poll_votes=rows(
            f"""
            SELECT COALESCE(p.session, '') AS session, v.source, COALESCE(p.title, v.poll) AS poll, v.said AS choices
            FROM poll_votes v LEFT JOIN polls p ON p.id = v.poll
            WHERE {whose.format("v.source", "v.person")} ORDER BY v.id
            """  # noqa: S608 (constants)
        ),
        pulse=rows(
            f"SELECT session, source, minute * 60 AS at, mood FROM pulse WHERE {of_person} ORDER BY minute"  # noqa: S608
        ),
        told=rows(
            f"SELECT session, text, state FROM deliveries WHERE {whose.format(*address)} ORDER BY id"  # noqa: S608
        ),
        opted_out=bool(rows(f"SELECT 1 FROM optouts WHERE {of_person}")),  # noqa: S608 (constants)
        linked=bool(rows(f"SELECT 1 FROM links WHERE {of_person}")),  # noqa: S608 (constants)
    )


def traces(db: Database, person: Person) -> bool:
    """Is anything kept of somebody who has just a page, or of whoever linked themselves to them?"""
    mine = listed([one.source, one.id] for one in humans(db, person))
    kept = (
        ("messages", "source", "author"),
        ("votes", "source", "person"),
        ("poll_votes", "source", "person"),
        ("pulse", "source", "person"),
        ("optouts", "source", "person"),
        ("links", "owner_source", "owner"),
        ("link_codes", "owner_source", "owner"),
    )
    whose = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:mine)"
    sql = " UNION ALL ".join(
        f"SELECT 1 AS found FROM {table} WHERE ({source}, {person}) IN ({whose})"  # noqa: S608 (constants)
        for table, source, person in kept
    )
    return db.execute(f"{sql} LIMIT 1", {"mine": mine}).fetchone() is not None
