"""Surveys and who answered them, as SQL. An answer is kept and counted as a vote in a poll is."""

from typing import Any

from pydantic import TypeAdapter

from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.model import Address, Change, Delivery, Person, Poll, PollState, PollStatus, PollVote, SurveyState, Turnout
from bot.storage import polls
from bot.storage.database import Database, Row
from bot.storage.deliveries import deliver_once, drop, take_up
from bot.storage.rows import address_of, listed, named, private
from bot.surveying import asked, lost

TEXTS = 2000
"""Different texts of an item that are told at most, the most frequent ones."""

CLOSED = "the survey was closed before"
"""The `error` of a delivery that told of it too late."""

_items = TypeAdapter(tuple[PollState, ...])


def surveys(db: Database) -> list[SurveyState]:
    """Those that staff made, in the order in which they were."""
    return [_state(row) for row in db.execute("SELECT * FROM surveys WHERE removed = 0 ORDER BY at, rowid")]


def survey(db: Database, session: str) -> SurveyState | None:
    row = _row(db, session)
    return None if row is None or row["removed"] else _state(row)


def replace_survey(db: Database, change: Change, before: SurveyState | None, after: SurveyState | None) -> None:
    """Put `after` in the place of `before`. Raises `Conflict` where something else stands there, or where
    what people answered would be lost; only whoever removes a survey means that.

    A chat that was not told of it yet hears nothing of a survey that is closed, and hears it after all where undo opens
    it again.
    """
    session = change.session
    if any(state is not None and state.session != session for state in (before, after)):
        raise BadInput("a change names the survey of its own session, before and after")
    if survey(db, session) != before:
        raise Conflict("the survey was changed by somebody else meanwhile")
    if before is not None and (after is not None or change.undoes is not None):
        gone = lost(before, after)
        answered = polls.voted(db, [item.id for item in gone])
        if item := next((item for item in gone if item.id in answered), None):
            raise Conflict(f"people answered “{item.title}” already; it cannot be removed")
    was, now = (state is not None and state.status is PollStatus.OPEN for state in (before, after))
    if was and not now:
        drop(db, session, f"survey:{session}:", CLOSED)
    elif now and not was and change.undoes is not None:
        take_up(db, session, f"survey:{session}:", CLOSED)
    if after is None:
        db.execute("UPDATE surveys SET removed = 1 WHERE session = ?", (session,))
        return
    db.execute(
        """
        INSERT INTO surveys (session, title, items, days, reminders, status, opened_at, closes_at, at)
        VALUES (:session, :title, :items, :days, :reminders, :status, :opened_at, :closes_at, :at)
        ON CONFLICT (session) DO UPDATE SET title = excluded.title, items = excluded.items, days = excluded.days,
            reminders = excluded.reminders, status = excluded.status, opened_at = excluded.opened_at,
            closes_at = excluded.closes_at, removed = 0
        """,
        {
            "session": session,
            "title": after.title,
            "items": _items.dump_json(after.items).decode(),
            "days": after.days,
            "reminders": after.reminders,
            "status": after.status.value,
            "opened_at": after.opened_at,
            "closes_at": after.closes_at,
            "at": change.at,
        },
    )


def results(db: Database, session: str) -> list[Poll]:
    """What each item brought, in their order; none without a survey."""
    state = survey(db, session)
    return polls.results(db, asked(state), TEXTS) if state else []


def answer(db: Database, session: str, vote: PollVote) -> None:
    """The last one of a person counts. Raises `NotFound` for what is no item of the session's survey, `NotAllowed`
    where that is not open."""
    polls.put(db, _open_item(db, session, vote.poll), vote)


def unanswer(db: Database, session: str, item: str, person: Person) -> None:
    """Raises as `answer`."""
    polls.take_back(db, _open_item(db, session, item), person)


def _open_item(db: Database, session: str, id: str) -> PollState:
    state = survey(db, session)
    found = next((item for item in asked(state) if item.id == id), None) if state else None
    if state is None or found is None:
        raise NotFound(f"the survey has no item {id}; it may have been changed")
    if state.status is not PollStatus.OPEN:
        raise NotAllowed("this survey is closed" if state.opened_at else "this survey has not been opened yet")
    return found


def answers_of(db: Database, session: str, person: Person) -> dict[str, tuple[str, ...]]:
    """What a person answered last, on any chat they linked, by item."""
    return polls.said_by(db, _ids(db, session), person)


def _ids(db: Database, session: str) -> list[str]:
    row = _row(db, session)
    return [] if row is None else [item.id for item in _items.validate_json(row["items"])]


_WHO = """
    WITH part (source, person) AS (
        SELECT source, author FROM messages
        WHERE session = :session AND vote NOT IN (SELECT value FROM json_each(:items))
        UNION SELECT v.source, v.person FROM votes v JOIN questions q ON q.id = v.question WHERE q.session = :session
        UNION SELECT v.source, v.person FROM poll_votes v JOIN polls p ON p.id = v.poll WHERE p.session = :session
        UNION SELECT source, person FROM pulse WHERE session = :session
    ), said (source, person) AS (
        SELECT DISTINCT source, person FROM poll_votes WHERE poll IN (SELECT value FROM json_each(:items))
    ), took_part (source, person, human) AS (
        SELECT p.source, p.person, COALESCE(l.owner_source, p.source) || '\x1f' || COALESCE(l.owner, p.person)
        FROM part p LEFT JOIN links l ON l.source = p.source AND l.person = p.person
    ), answered (source, person, human) AS (
        SELECT s.source, s.person, COALESCE(l.owner_source, s.source) || '\x1f' || COALESCE(l.owner, s.person)
        FROM said s LEFT JOIN links l ON l.source = s.source AND l.person = s.person
    )
"""
"""Who took part in the talk and who answered its survey, each as a person of a chat and as a human on several. To
answer the survey is not to take part in the talk."""


def turnout(db: Database, session: str) -> tuple[int, list[Turnout]]:
    """How many people answered something, and how many of each chat's."""
    about = _about(db, session)
    (row,) = db.execute(f"{_WHO} SELECT COUNT(DISTINCT human) AS people FROM answered", about)  # noqa: S608 (a constant)
    found: dict[str, dict[str, int]] = {}
    for each in db.execute(
        f"""
        {_WHO}
        SELECT source, 'took_part' AS what, COUNT(*) AS n FROM took_part GROUP BY source
        UNION ALL
        SELECT source, 'answered', COUNT(*) FROM took_part WHERE human IN (SELECT human FROM answered) GROUP BY source
        UNION ALL
        SELECT source, 'others', COUNT(*) FROM answered WHERE human NOT IN (SELECT human FROM took_part)
        GROUP BY source
        """,  # noqa: S608 (a constant)
        about,
    ):
        found.setdefault(each["source"], {})[each["what"]] = each["n"]
    chats = [
        Turnout(source, n.get("took_part", 0), n.get("answered", 0), n.get("others", 0)) for source, n in found.items()
    ]
    return row["people"], chats


def silent(db: Database, session: str) -> list[Address]:
    """The private chats of those who took part, have not answered and want to hear of such things: of one human's
    several the one in which they said something last."""
    rows = db.execute(
        f"""
        {_WHO}
        SELECT m.address FROM messages m WHERE m.id IN (
            SELECT MAX(m.id) FROM messages m JOIN took_part t ON t.source = m.source AND t.person = m.author
            WHERE m.session = :session AND {private("m.address")} AND {named("m.author")}
            AND t.human NOT IN (SELECT human FROM answered)
            AND t.human NOT IN (
                SELECT COALESCE(l.owner_source, o.source) || '\x1f' || COALESCE(l.owner, o.person)
                FROM optouts o LEFT JOIN links l ON l.source = o.source AND l.person = o.person
            )
            GROUP BY t.human
        ) ORDER BY m.id
        """,  # noqa: S608 (a constant)
        _about(db, session),
    )
    return [_chat(row) for row in rows]


def private_chat(db: Database, session: str, person: Person) -> Address | None:
    """Where only this person reads, on the chat that they are a person of; None where there is no such place."""
    row = db.execute(
        f"""
        SELECT address FROM messages WHERE session = ? AND source = ? AND author = ?
            AND {private("address")} ORDER BY id DESC LIMIT 1
        """,  # noqa: S608 (a constant)
        (session, person.source, person.id),
    ).fetchone()
    return None if row is None else _chat(row)


def _chat(row: Row) -> Address:
    """Without a message to reply to."""
    address = address_of(row["address"])
    return Address(address.connector, address.chat, user=address.user, private=address.private)


def _about(db: Database, session: str) -> dict[str, Any]:
    return {"session": session, "items": listed(_ids(db, session))}


def reminded(db: Database, session: str) -> int:
    """How many reminders were said since it was opened last."""
    row = _row(db, session)
    return 0 if row is None or row["reminded_of"] != row["opened_at"] else row["reminded"]


def remind(db: Database, session: str, number: int, deliveries: list[Delivery]) -> None:
    """Say the reminder of that number. One that was said before is not said again, and none where it was closed."""
    state = survey(db, session)
    if state is not None and state.status is PollStatus.OPEN and reminded(db, session) < number:
        deliver_once(db, deliveries)
        db.execute("UPDATE surveys SET reminded = ?, reminded_of = opened_at WHERE session = ?", (number, session))


def _row(db: Database, session: str) -> Row | None:
    row: Row | None = db.execute("SELECT * FROM surveys WHERE session = ?", (session,)).fetchone()
    return row


def _state(row: Row) -> SurveyState:
    return SurveyState(
        session=row["session"],
        title=row["title"],
        items=_items.validate_json(row["items"]),
        days=row["days"],
        reminders=row["reminders"],
        status=PollStatus(row["status"]),
        opened_at=row["opened_at"],
        closes_at=row["closes_at"],
    )
