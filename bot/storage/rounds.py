"""What is due after a talk, who is there to be told, and who wants to hear nothing of it, as SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from pydantic import TypeAdapter

from bot.errors import BadInput, Conflict
from bot.model import Address, Asker, Delivery, DutyState, DutyStatus, Hearing, Person, Wording
from bot.storage.database import Database, Row, upsert
from bot.storage.deliveries import deliver
from bot.storage.rows import named, private

_address = TypeAdapter(Address)


def duties(db: Database, session: str) -> list[DutyState]:
    return [_duty(row) for row in db.execute("SELECT * FROM duties WHERE session = ? ORDER BY rowid", (session,))]


def keep_duty(db: Database, before: DutyState, after: DutyState, deliveries: Sequence[Delivery]) -> None:
    """Raises `Conflict`."""
    replace_duty(db, before.session, before, after)
    deliver(db, deliveries)


def replace_duty(db: Database, session: str, before: DutyState, after: DutyState) -> None:
    """Put `after` in the place of `before`; one that was never kept stands as a new one. Raises `Conflict` where
    something else stands there."""
    key = (session, before.name)
    if (before.session, before.name) != key or (after.session, after.name) != key:
        raise BadInput("a change names one duty of its own session, before and after")
    row = db.execute("SELECT * FROM duties WHERE session = ? AND name = ?", key).fetchone()
    if (DutyState(*key) if row is None else _duty(row)) != before:
        raise Conflict("this was done or changed by somebody else meanwhile")
    upsert(db, "duties", ("session", "name"), {**asdict(after), "status": after.status.value})


def _duty(row: Row) -> DutyState:
    return DutyState(row["session"], row["name"], DutyStatus(row["status"]), row["text"], row["at"], row["who"])


_OUT = """
    SELECT COALESCE(l.owner_source, o.source) AS source, COALESCE(l.owner, o.person) AS person
    FROM optouts o LEFT JOIN links l ON l.source = o.source AND l.person = o.person
"""
"""The humans who want to hear nothing: where one of linked persons said so, it holds for all of them."""

_HUMAN = """
    LEFT JOIN links l ON l.source = m.source AND l.person = m.author
    LEFT JOIN (SELECT DISTINCT source, person FROM out) x
        ON x.source = COALESCE(l.owner_source, m.source) AND x.person = COALESCE(l.owner, m.author)
"""


def opt_out(db: Database, person: Person, at: float) -> None:
    db.execute("INSERT INTO optouts VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (person.source, person.id, at))


def opt_in(db: Database, person: Person) -> bool:
    """Whether they were out. Whoever of linked persons comes in again brings all of them."""
    done = db.execute(
        """
        WITH human (source, person) AS (
            SELECT owner_source, owner FROM links WHERE source = :source AND person = :person
            UNION ALL SELECT :source, :person
            WHERE NOT EXISTS (SELECT 1 FROM links WHERE source = :source AND person = :person)
        )
        DELETE FROM optouts WHERE (source, person) IN (
            SELECT source, person FROM human
            UNION SELECT l.source, l.person FROM links l JOIN human h
                ON l.owner_source = h.source AND l.owner = h.person
            UNION SELECT :source, :person
        )
        """,
        {"source": person.source, "person": person.id},
    )
    return done.rowcount > 0


def is_out(db: Database, person: Person) -> bool:
    found = db.execute(
        f"""
        WITH out AS ({_OUT}), m (source, author) AS (SELECT ?, ?)
        SELECT 1 FROM m {_HUMAN} WHERE x.person IS NOT NULL
        """,  # noqa: S608 (constants)
        (person.source, person.id),
    )
    return found.fetchone() is not None


def hearings(db: Database, session: str) -> list[Hearing]:
    rows = db.execute(
        f"""
        WITH out AS ({_OUT}), chat (connector, chat, first, last, out) AS (
            SELECT json_extract(m.address, '$.connector'), json_extract(m.address, '$.chat'), MIN(m.id), MAX(m.id),
                COUNT(x.person)
            FROM messages m {_HUMAN} WHERE m.session = ? AND m.address IS NOT NULL GROUP BY 1, 2
        )
        SELECT c.connector, c.chat, c.out, m.address FROM chat c JOIN messages m ON m.id = c.last
        WHERE {named("c.chat")} ORDER BY c.first
        """,  # noqa: S608 (constants)
        (session,),
    )
    return [_hearing(row) for row in rows]


def _hearing(row: Row) -> Hearing:
    private = _address.validate_json(row["address"]).private
    return Hearing(Address(row["connector"], row["chat"], private=private), private and row["out"] > 0)


def brought(db: Database, session: str, sources: Sequence[str]) -> set[str]:
    one = "SELECT 1 FROM messages WHERE session = ? AND source = ? LIMIT 1"
    return {source for source in sources if db.execute(one, (session, source)).fetchone() is not None}


def askers(db: Database, session: str) -> list[Asker]:
    rows = db.execute(
        f"""
        WITH out AS ({_OUT})
        SELECT COALESCE(l.owner_source, m.source) AS source, COALESCE(l.owner, m.author) AS person,
            m.author_name AS name, m.text, m.address, m.question AS first,
            CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END AS question, x.person IS NOT NULL AS out
        FROM messages m JOIN questions q ON q.id = m.question AND q.removed = 0 {_HUMAN}
        WHERE m.session = ? ORDER BY 1, 2, m.id
        """,  # noqa: S608 (constants)
        (session,),
    ).fetchall()
    chats = _private_chats(db, session)
    return [
        _asker(Person(*human), list(group), chats.get(human))
        for human, group in groupby(rows, lambda row: (row["source"], row["person"]))
    ]


def _asker(person: Person, rows: Sequence[Row], chat: Address | None) -> Asker:
    asked = tuple(
        Wording(
            row["question"],
            row["first"],
            row["text"],
            None if row["address"] is None else _address.validate_json(row["address"]),
        )
        for row in rows
    )
    return Asker(Person(person.source, person.id, rows[0]["name"]), chat, asked, bool(rows[0]["out"]))


def _private_chats(db: Database, session: str) -> dict[tuple[str, str], Address]:
    """Where each human who asked something in this session was alone with us last, in whatever session; on
    the page nobody can be told anything."""
    rows = db.execute(
        f"""
        WITH asking (source, person) AS (
            SELECT DISTINCT COALESCE(l.owner_source, m.source), COALESCE(l.owner, m.author)
            FROM messages m LEFT JOIN links l ON l.source = m.source AND l.person = m.author
            WHERE m.session = ? AND m.question IS NOT NULL
        ), persons AS (
            SELECT source, person, source AS chat, person AS whom FROM asking
            UNION SELECT a.source, a.person, l.source, l.person
            FROM asking a JOIN links l ON l.owner_source = a.source AND l.owner = a.person
        ), last (source, person, id) AS (
            SELECT p.source, p.person, MAX(m.id)
            FROM persons p JOIN messages m ON m.source = p.chat AND m.author = p.whom
            WHERE {private("m.address")} AND p.chat != 'web' AND {named("m.author")} GROUP BY p.source, p.person
        )
        SELECT last.source, last.person, m.address FROM last JOIN messages m ON m.id = last.id
        """,  # noqa: S608 (constants)
        (session,),
    )
    return {(row["source"], row["person"]): _alone_with(row["address"]) for row in rows}


def _alone_with(stored: str) -> Address:
    address = _address.validate_json(stored)
    return Address(address.connector, address.chat, user=address.user)
