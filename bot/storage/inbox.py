"""What came in and what the pipeline decided about it, as SQL."""

import heapq
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from bot.errors import Conflict, ForgottenMeanwhile, NotAllowed, NotFound
from bot.model import (
    GONE,
    Cursor,
    Delivery,
    LookedUp,
    Message,
    Placed,
    Placement,
    PollVote,
    Pulse,
    QuestionState,
    Remembered,
    Status,
)
from bot.queueing import offered_now
from bot.replies import as_it_stands
from bot.storage import changes, polls, sessions, surveys
from bot.storage.database import Database
from bot.storage.deliveries import deliver, deliver_once
from bot.storage.rows import (
    PLACEMENT,
    TAKEN,
    blob,
    change_of,
    dumped,
    listed,
    match_of,
    message_of,
    message_row,
    placement_of,
    placement_row,
    reasons_of,
    vector_of,
)
from bot.surveying import is_item
from knowledge.reasons import Reasons, because


def receive(
    db: Database,
    messages: Sequence[Message],
    cursor: Cursor | None,
    deliveries: Sequence[Delivery],
    votes: Sequence[PollVote | Pulse],
) -> int:
    """Unique by (session, source, external_id), so that one recorded chat can be replayed into several sessions."""
    new, fresh, first = 0, False, 0
    voting = {(vote.person.source, vote.message): vote for vote in votes}
    for message in messages:
        # What was received in one piece must not gain a part when the rules of splitting have changed.
        if message.part == 1 or fresh:
            written = (
                db.execute(_RECEIVE, message_row(message))
                if message.part == 1
                else db.execute(_RECEIVE_PART, (*message_row(message), first + message.part - 1))
            )
            row = written.fetchall()
            fresh = bool(row)
            if not fresh:
                continue
            id = row[0]["id"]
            if message.part == 1:
                first, new = id, new + 1
            if vote := voting.get((message.source, message.external_id)):
                _vote(db, id, message.session, vote)
            elif message.aside:
                _set_aside(db, id)
    if cursor is not None:
        _move(db, cursor)
    deliver_once(db, deliveries)
    return new


def _set_aside(db: Database, message: int) -> None:
    """It is kept, and the pipeline does not see it."""
    db.execute(_PLACE, placement_row(Placement(message, False, 0.0, reasons=Reasons(because("flood", 0.0))), False))
    db.execute("UPDATE messages SET placed = 1 WHERE id = ?", (message,))


def _vote(db: Database, message: int, session: str, vote: PollVote | Pulse) -> None:
    """Count what a message votes; the pipeline does not see it then. Not where the poll was closed meanwhile."""
    try:
        _count(db, session, vote)
    except (NotAllowed, NotFound):
        return
    placement = Placement(message, False, 0.0, reasons=Reasons(because("vote", 0.0)))
    db.execute(_PLACE, placement_row(placement, False))
    what = "pulse" if isinstance(vote, Pulse) else vote.poll
    db.execute("UPDATE messages SET placed = 1, vote = ? WHERE id = ?", (what, message))


def _count(db: Database, session: str, vote: PollVote | Pulse) -> None:
    if isinstance(vote, Pulse):
        polls.feel(db, vote)
    elif is_item(vote.poll):
        surveys.answer(db, session, vote)
    else:
        polls.vote(db, vote, session)


_PLACE = """
    INSERT INTO placements (message, asking, probability, question, similarity, suggested, answer, founded, reasons,
        same, joins, acknowledges, memory)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_MESSAGE = "session, source, external_id, author, author_name, text, at, address, explicit, part"
_VALUES = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
_NEW = "NOT EXISTS (SELECT 1 FROM messages WHERE session = ?1 AND source = ?2 AND external_id = ?3)"

_RECEIVE = f"INSERT INTO messages ({_MESSAGE}) SELECT {_VALUES} WHERE {_NEW} RETURNING id"
"""Not `ON CONFLICT DO NOTHING`: that uses up an id for each redelivery, and ids name questions."""

_RECEIVE_PART = f"INSERT INTO messages ({_MESSAGE}, id) SELECT {_VALUES}, ?11 WHERE {_NEW} RETURNING id"
"""The ids of a message's parts follow its own, whatever else is received meanwhile."""


def look_up(db: Database, session: str, found: Sequence[LookedUp], cursor: Cursor) -> bool:
    _move(db, cursor)
    said = {one.message: one for one in found}
    rows = db.execute(
        """
        SELECT m.question, p.message, p.answer, p.memory, p.reasons
        FROM placements p JOIN messages m ON m.id = p.message
        WHERE m.session = ? AND p.message IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
        """,
        (session, listed(said)),
    ).fetchall()
    touched = set()
    for row in rows:
        before, one = match_of(row["answer"]), said[row["message"]]
        after = offered_now(before, one.answer)
        if before == after or row["question"] is None:
            continue
        reasons = reasons_of(row["reasons"])
        sent = after is not None and after.state == "sent"
        if row["memory"] is None and not sent:  # else they are those of the earlier answer, or of what was sent
            reasons = replace(reasons, answer=one.reasons)
        db.execute(
            "UPDATE placements SET answer = ?, reasons = ? WHERE message = ?",
            (dumped(after), dumped(reasons), row["message"]),
        )
        touched.add(row["question"])
    changes.touch(db, session, touched)
    return bool(touched)


def _move(db: Database, cursor: Cursor) -> None:
    db.execute(
        "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET value = excluded.value",
        (cursor.source, cursor.value),
    )


def cursor(db: Database, source: str) -> str | None:
    row = db.execute("SELECT value FROM cursors WHERE source = ?", (source,)).fetchone()
    return None if row is None else row["value"]


PATIENT = 500
"""Messages that wait for the model before sources take turns: some three seconds of its work."""


def pending(db: Database, session: str, limit: int) -> list[Message]:
    """In order of arrival, on which what is decided depends. Only where more than `PATIENT` wait do the sources take
    turns: the many lines of one do not hold up the few of another for long."""
    waits = "SELECT * FROM messages WHERE session = ? AND source = ? AND placed = 0 ORDER BY id LIMIT ?"
    rows = [
        (turn, row["id"], row)
        for source in db.execute(_WAITING, {"session": session})
        for turn, row in enumerate(db.execute(waits, (session, source["source"], limit)))
    ]
    (many,) = db.execute(
        "SELECT count(*) AS many FROM (SELECT 1 FROM messages WHERE session = ? AND placed = 0 LIMIT ?)",
        (session, PATIENT + 1),
    )
    first = heapq.nsmallest(limit, rows, key=itemgetter(0, 1) if many["many"] > PATIENT else itemgetter(1))
    return [message_of(row) for _, _, row in sorted(first, key=itemgetter(1))]


_WAITING = """
    WITH RECURSIVE waiting(source) AS (
        SELECT min(source) FROM messages WHERE session = :session AND placed = 0
        UNION ALL
        SELECT (SELECT min(source) FROM messages WHERE session = :session AND placed = 0 AND source > waiting.source)
        FROM waiting WHERE source IS NOT NULL
    )
    SELECT source FROM waiting WHERE source IS NOT NULL
"""
"""The sources of which something waits. One step of the index for each, where DISTINCT would read all that waits."""


def place(db: Database, session: str, placed: Sequence[Placed]) -> None:
    """Raises `NotFound` for an unknown message or question, `Conflict` for a founded id that another session has,
    `ForgottenMeanwhile` for what was understood of words that are gone."""
    touched: set[str] = set()
    new: list[Placed] = []
    for each in placed:
        row = db.execute(
            "SELECT * FROM messages WHERE id = ? AND session = ?", (each.placement.message, session)
        ).fetchone()
        if row is None:
            raise NotFound(f"there is no message {each.placement.message} in session {session}")
        if not row["placed"]:
            understood = each.placement.asking or each.vector is not None
            if understood and row["author"].startswith(GONE) and not row["text"]:
                raise ForgottenMeanwhile(f"message {each.placement.message} was forgotten since it was read")
            touched |= _place(db, session, each, message_of(row))
            new.append(each)
    # Once for each question: many may ask the same at once.
    for question in {each.placement.question or "" for each in new if each.reopens}:
        changes.reopen(db, question)
    for question in {each.placement.question or "" for each in new if each.closes}:
        changes.close(db, question)
    changes.touch(db, session, touched)


def _place(db: Database, session: str, placed: Placed, message: Message) -> set[str]:
    """Write one placement; the questions it touched."""
    placement = placed.placement
    touched: set[str] = set()
    if placed.founds is not None:
        touched |= _found(db, session, placed.founds, message.at)
    if placement.question is not None:
        touched |= _joined(db, session, placement.question)
    founded = placed.founds is not None and placed.founds.id == placement.question
    db.execute(_PLACE, placement_row(placement, founded))
    if placed.vector is not None:
        db.execute("INSERT INTO vectors VALUES (?, ?)", (placement.message, blob(placed.vector)))
    db.execute("UPDATE messages SET placed = 1, question = ? WHERE id = ?", (placement.question, placement.message))
    deliver(db, _says(db, session, placed, message))
    return touched


def _says(db: Database, session: str, placed: Placed, message: Message) -> Sequence[Delivery]:
    """What its asker is told. A person may have answered the question since it was understood, corrected that or taken
    it back: what stands now counts, for whoever did that knew nothing of this message."""
    state = changes.final(db, placed.placement.question or "") if placed.replies else None
    decided = state is not None and state.status in (Status.ANSWERED, Status.DISMISSED)
    if state is None or not decided or (placed.reopens and state.answered_by_itself):
        return placed.deliveries
    said = as_it_stands(sessions.session(db, session), state, message)
    return (said,) if said else placed.deliveries


def _found(db: Database, session: str, state: QuestionState, at: float) -> set[str]:
    """An id that stands already is joined rather than refused: the message must not be lost for it."""
    row = db.execute("SELECT session, removed FROM questions WHERE id = ?", (state.id,)).fetchone()
    if state.session != session or (row is not None and row["session"] != session):
        raise Conflict(f"question {state.id} belongs to another session than {session}")
    if row is not None and not row["removed"]:
        return {state.id}
    changes.write(db, state, at)
    return {state.id} | changes.suggesting(db, state.id)


def _joined(db: Database, session: str, id: str) -> set[str]:
    """The question must exist. One that undo removed meanwhile stands up again, lest the message be lost."""
    row = db.execute("SELECT removed FROM questions WHERE id = ? AND session = ?", (id, session)).fetchone()
    if row is None:
        raise NotFound(f"there is no question {id} in session {session}")
    if not row["removed"]:
        return {id}
    db.execute("UPDATE questions SET removed = 0 WHERE id = ?", (id,))
    return {id} | changes.suggesting(db, id)


def told(db: Database, session: str) -> list[tuple[str, bool]]:
    """See `Inbox.told`. What a moderator took for a question waits to be placed anew at first."""
    rows = db.execute(
        """
        SELECT m.id, m.text, NOT (COALESCE(p.asking, 0) = 1 AND m.question IS NULL) AS asks
        FROM messages m LEFT JOIN placements p ON p.message = m.id
        WHERE m.session = ? AND m.text != '' AND (m.explicit = ? OR (p.asking = 1 AND m.question IS NULL))
        """,
        (session, TAKEN),
    ).fetchall()
    if not rows:
        return []
    acts = db.execute(
        "SELECT id, change FROM actions WHERE session = ? AND what IN ('take', 'not_asking') ORDER BY id", (session,)
    )
    last: dict[int | None, int] = {}
    for act in acts:
        change = change_of(act["change"])
        last |= dict.fromkeys([change.takes, *(move.message for move in change.moves)], act["id"])
    rows.sort(key=lambda row: last.get(row["id"], 0))
    return [(row["text"], bool(row["asks"])) for row in rows]


def remembered(db: Database, session: str) -> list[Remembered]:
    rows = db.execute(
        """
        SELECT m.*, v.vector, COALESCE(p.memory, p.answer) AS answer, p.question AS first,
            CASE WHEN p.joins = 1 THEN p.same ELSE p.question END AS joined
        FROM messages m JOIN placements p ON p.message = m.id JOIN vectors v ON v.message = m.id
            JOIN questions q ON q.id = m.question
        WHERE m.session = ? AND p.asking = 1 AND q.removed = 0 ORDER BY m.id
        """,
        (session,),
    )
    found = []
    for row in rows:
        answer = match_of(row["answer"])
        source = answer.source if answer is not None else None
        person = message_of(row).person
        vector = vector_of(row["vector"])
        found.append(
            Remembered(row["id"], row["question"], row["first"], row["text"], vector, source, person, row["joined"])
        )
    return found


def placements(db: Database, session: str) -> list[tuple[Message, Placement | None]]:
    rows = db.execute(
        f"SELECT m.*, {PLACEMENT} FROM messages m LEFT JOIN placements p ON p.message = m.id"  # noqa: S608 (a constant)
        " WHERE m.session = ? ORDER BY m.id",
        (session,),
    )
    return [(message_of(row), None if row["p_message"] is None else placement_of(row)) for row in rows]


def latest(db: Database, session: str, limit: int) -> list[tuple[Message, Placement]]:
    rows = db.execute(
        f"SELECT m.*, {PLACEMENT} FROM messages m JOIN placements p ON p.message = m.id"  # noqa: S608 (a constant)
        " WHERE m.session = ? AND m.vote = '' AND instr(p.reasons, '\"flood\"') = 0 ORDER BY m.id DESC LIMIT ?",
        (session, limit),
    ).fetchall()
    return [(message_of(row), placement_of(row)) for row in reversed(rows)]
