"""What people do to the queue, as SQL: changes with their ledger, votes, and the revision numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.model import (
    Action,
    Address,
    Change,
    Delivery,
    Fingerprint,
    Move,
    Person,
    QuestionState,
    Status,
)
from bot.reach import TAKEN_BACK
from bot.replies import answer_key, by_course, reason_key
from bot.storage import polls, questions, rounds, stages, surveys
from bot.storage.database import Database
from bot.storage.deliveries import deliver, drop, drop_these, take_up, withhold
from bot.storage.rows import TAKEN, address_of, change_of, dumped, listed, state_of, state_row
from bot.storage.sessions import open_, settle


def standing(db: Database, id: str) -> QuestionState | None:
    """The state of a question now; None where there is none or undo removed it."""
    row = db.execute("SELECT * FROM questions WHERE id = ? AND removed = 0", (id,)).fetchone()
    return None if row is None else state_of(row)


def write(db: Database, state: QuestionState, at: float) -> None:
    """Found a question, or replace the state of one (which keeps its founding time)."""
    db.execute(
        """
        INSERT INTO questions (id, session, title, original, status, pinned, labels, merged_into, reason,
            reason_shown, assigned, answer, rejected, apart, again, confirmed, at)
        VALUES (:id, :session, :title, :original, :status, :pinned, :labels, :merged_into, :reason,
            :reason_shown, :assigned, :answer, :rejected, :apart, :again, :confirmed, :at)
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, original = excluded.original, status = excluded.status,
            pinned = excluded.pinned, labels = excluded.labels, merged_into = excluded.merged_into,
            reason = excluded.reason, reason_shown = excluded.reason_shown, assigned = excluded.assigned,
            answer = excluded.answer, rejected = excluded.rejected, apart = excluded.apart, again = excluded.again,
            confirmed = excluded.confirmed, removed = 0
        """,
        {**state_row(state), "at": at},
    )


def reopen(db: Database, id: str) -> None:
    """Where the course's answer still stands for the final group of this question, and nobody accepted it, make that
    group new again."""
    state = final(db, id)
    if state and state.answered_by_itself:
        write(db, replace(state, status=Status.NEW, answer=None), 0)


def close(db: Database, id: str) -> None:
    """Where the final group of this question is new, everybody there has an answer of the course, and nobody said that
    one misses, the course answered that group: with what the first of them was sent."""
    state = final(db, id)
    if state is None or state.status is not Status.NEW or questions.rejected(db, state.id):
        return
    if questions.question(db, state.id).waiting:
        return
    sent = ((one.placement.sent, one.message.at) for one in questions.asked(db, state.id))
    first = next((by_course(match, at) for match, at in sent if match), None)
    if first is not None:
        write(db, replace(state, status=Status.ANSWERED, answer=first), 0)


def final(db: Database, id: str) -> QuestionState | None:
    """The question as it stands, or the one it was merged into."""
    state = standing(db, id)
    return standing(db, state.merged_into) if state and state.merged_into else state


def touch(db: Database, session: str, ids: Iterable[str]) -> None:
    """Give these questions, and the groups they are merged into, the session's next revision. None: no revision."""
    touched = listed(set(ids))
    if touched == "[]":
        return
    (row,) = db.execute(
        """
        INSERT INTO revisions VALUES (?, 1) ON CONFLICT (session) DO UPDATE SET revision = revisions.revision + 1
        RETURNING revision
        """,
        (session,),
    ).fetchall()
    db.execute(
        """
        UPDATE questions SET revision = :revision
        WHERE session = :session AND (id IN (SELECT value FROM json_each(:ids))
            OR id IN (SELECT merged_into FROM questions WHERE id IN (SELECT value FROM json_each(:ids))))
        """,
        {"revision": row["revision"], "session": session, "ids": touched},
    )


def apply(db: Database, change: Change, told: Mapping[str, Fingerprint] | None = None) -> Action:
    """The returned action, and the ledger, name in each move's `before` the very group the message lay in, also where
    that one is merged into the group the caller saw; so taking the move back restores it exactly."""
    overtaken = questions.asked_meanwhile(db, told or {})  # with the groups as they were
    said = () if change.undoes is None else _to_undo(db, change.session, change.undoes).deliveries
    if change.opens is not None:
        open_(db, change.opens)
    if change.settings:
        settle(db, change.session, change.settings)
    touched = {id for pair in change.questions for id in _replace(db, change, *pair)}
    if overtaken:
        raise overtaken
    moves = tuple(_move(db, change.session, move) for move in change.moves)
    for removed in [before.id for before, after in change.questions if before and not after]:
        _pass_votes_on(db, removed, moves)
    touched |= {id for move in moves for id in (move.before, move.after) if id}
    _check_groups(db, [state.id for pair in change.questions for state in pair if state is not None])
    touch(db, change.session, touched)
    for before, after in change.polls:
        polls.replace_poll(db, change, before, after)
    for survey, then in change.surveys:
        surveys.replace_survey(db, change, survey, then)
    for duty, done in change.duties:
        rounds.replace_duty(db, change.session, duty, done)
    if change.pulse is not None:
        polls.switch_pulse(db, change.session, change.pulse)
    if change.takes is not None:
        _take(db, change.session, change.takes)
    change = replace(change, moves=moves)
    (row,) = db.execute(
        "INSERT INTO actions (session, at, who, what, change, undoes) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (change.session, change.at, change.who, change.what, dumped(change), change.undoes),
    ).fetchall()
    _take_back(db, change, said)
    deliver(db, change.deliveries)
    return Action(row["id"], change)


def _take_back(db: Database, change: Change, said: Iterable[Delivery]) -> None:
    """Of what waits, nobody is told what the act that is undone `said`, nor an answer or a reason that is no more, or
    of a question which they left or which was merged. What the course answered is told after all where an undo brings
    it back; of what people answered the undo says that itself."""
    for delivery in said:
        withhold(db, delivery, TAKEN_BACK)
    for before, after in change.questions:
        if before and before.answer and not (after and after.answer):
            for kind in ("answer", "course"):
                drop(db, change.session, f"{kind}:{before.id}:", TAKEN_BACK)
        if change.undoes is not None and after and after.answered_by_itself and not (before and before.answer):
            take_up(db, change.session, f"course:{after.id}:", TAKEN_BACK)
        if before and before.answer and after and after.merged_into and not before.merged_into:
            drop(db, change.session, f"answer:{before.id}:", TAKEN_BACK)  # its askers hear that of the whole
        if before and before.reason and not (after and after.reason):
            drop(db, change.session, f"reason:{before.id}:", TAKEN_BACK)
        if before and not after:
            drop(db, change.session, f"ack:{before.id}:", TAKEN_BACK)
        if change.undoes is not None and after and not before:
            take_up(db, change.session, f"ack:{after.id}:", TAKEN_BACK)
    for question in dict.fromkeys(move.before for move in change.moves):
        _part(db, question, [move.message for move in change.moves if move.before == question])


def _part(db: Database, question: str, messages: Iterable[int]) -> None:
    """Who asks something else now, or nothing, hears neither the answer of the question that these messages left nor
    why it was dismissed: but for a chat in which somebody still asks that."""
    left = final(db, question)
    if left is None or not (left.answer or left.reason_shown):
        return
    stay = {key for one in questions.asked(db, left.id) for key in _heard_as(left.id, one.message.address)}
    rows = db.execute(
        "SELECT address FROM messages WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        (listed(messages),),
    )
    gone = {key for row in rows for key in _heard_as(left.id, address_of(row["address"]) if row["address"] else None)}
    drop_these(db, gone - stay, TAKEN_BACK)


def _heard_as(question: str, address: Address | None) -> tuple[str, ...]:
    """The keys under which somebody hears what people said to a question: those of their chat, and that of their
    message alone."""
    if address is None:
        return ()
    chat = answer_key(question, address)
    return chat, f"{chat}:{address.message}", reason_key(question, address)


def restart(db: Database, session: str, at: float) -> None:
    """See `stages.restart`."""
    touch(db, session, stages.restart(db, session, at))


def _replace(db: Database, change: Change, before: QuestionState | None, after: QuestionState | None) -> set[str]:
    """Put `after` in the place of `before`; the questions whose view that changes."""
    ids = {state.id for state in (before, after) if state is not None}
    if len(ids) != 1 or any(state is not None and state.session != change.session for state in (before, after)):
        raise BadInput("a change names one question of its own session, before and after")
    (id,) = ids
    if standing(db, id) != before:
        raise Conflict(f"question {id} was changed by somebody else meanwhile")
    if after is None:
        db.execute("UPDATE questions SET removed = 1 WHERE id = ?", (id,))
    else:
        write(db, after, change.at)
        stages.entered(db, change, before, after)
    groups = {state.merged_into for state in (before, after) if state is not None}
    moved = before is None or after is None or before.merged_into != after.merged_into
    parted = {other for state in (before, after) if state is not None for other in state.apart}
    return {id, *groups, *parted} - {""} | (suggesting(db, id) | _parting(db, change.session, id) if moved else set())


def suggesting(db: Database, id: str) -> set[str]:
    """The questions that suggest a merge with this one: where it goes, their suggestion goes."""
    rows = db.execute(
        """
        SELECT DISTINCT m.question FROM placements p JOIN messages m ON m.id = p.message
        WHERE p.suggested = ? AND m.question IS NOT NULL
        """,
        (id,),
    )
    return {row["question"] for row in rows}


def _parting(db: Database, session: str, id: str) -> set[str]:
    """The questions that name this one as another one: where it goes, they are kept apart from that group."""
    rows = db.execute(
        """
        SELECT q.id FROM questions q, json_each(q.apart) other
        WHERE q.session = ? AND q.apart != '[]' AND other.value = ?
        """,
        (session, id),
    )
    return {row["id"] for row in rows}


def _move(db: Database, session: str, move: Move) -> Move:
    """Move a message; the move as it was, see `apply`. "" as a question stands for none."""
    row = db.execute(
        """
        SELECT m.placed, COALESCE(m.question, '') AS question, COALESCE(q.merged_into, '') AS merged_into
        FROM messages m LEFT JOIN questions q ON q.id = m.question WHERE m.id = ? AND m.session = ?
        """,
        (move.message, session),
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no message {move.message} in session {session}")
    if not row["placed"] or move.before not in {row["question"], row["merged_into"] or row["question"]}:
        raise Conflict(f"message {move.message} was moved by somebody else meanwhile")
    if move.after and _session(db, move.after) != session:
        raise NotFound(f"there is no question {move.after} in session {session}")
    db.execute("UPDATE messages SET question = ? WHERE id = ?", (move.after or None, move.message))
    return replace(move, before=row["question"])


def _take(db: Database, session: str, message: int) -> None:
    """Let a message that asks nothing so far be placed anew, as one that asks."""
    row = db.execute(
        """
        SELECT text, placed, vote, question IS NOT NULL AS asks FROM messages WHERE id = ? AND session = ?
        """,
        (message, session),
    ).fetchone()
    if row is None or not row["text"]:
        raise NotFound(f"there is no message {message} in session {session}; it may have been forgotten")
    if row["asks"] or not row["placed"]:
        raise Conflict(f"message {message} is taken for a question already")
    if row["vote"]:
        raise NotAllowed(f"message {message} counts as a vote")
    for table in ("vectors", "placements"):
        db.execute(f"DELETE FROM {table} WHERE message = ?", (message,))  # noqa: S608 (constants)
    db.execute("UPDATE messages SET placed = 0, explicit = ? WHERE id = ?", (TAKEN, message))


def _pass_votes_on(db: Database, removed: str, moves: Iterable[Move]) -> None:
    """Whoever voted for a question that is removed votes for the one to which its messages go."""
    to = next((move.after for move in moves if move.before == removed), "")
    if to:
        db.execute(
            """
            INSERT INTO votes SELECT ?, source, person, name, at FROM votes WHERE question = ? ON CONFLICT DO NOTHING
            """,
            (to, removed),
        )
        db.execute("DELETE FROM votes WHERE question = ?", (removed,))


def _check_groups(db: Database, ids: list[str]) -> None:
    """After a change: a merged question names a final one, and a removed question has nothing left in it."""
    chain = db.execute(
        """
        SELECT q.id FROM questions q LEFT JOIN questions t ON t.id = q.merged_into
        WHERE q.merged_into != '' AND q.removed = 0
            AND (q.id IN (SELECT value FROM json_each(:ids)) OR q.merged_into IN (SELECT value FROM json_each(:ids)))
            AND (t.id IS NULL OR t.removed = 1 OR t.merged_into != '' OR t.session != q.session)
        """,
        {"ids": listed(ids)},
    ).fetchone()
    if chain is not None:
        raise Conflict(f"question {chain['id']} would be merged into one that is itself merged or not there any more")
    left = db.execute(
        """
        SELECT question FROM messages WHERE question IN
            (SELECT id FROM questions WHERE removed = 1 AND id IN (SELECT value FROM json_each(?)))
        """,
        (listed(ids),),
    ).fetchone()
    if left is not None:
        raise Conflict(f"question {left['question']} has messages; it cannot be removed")


def _to_undo(db: Database, session: str, action: int) -> Change:
    row = db.execute(
        """
        SELECT change, EXISTS (SELECT 1 FROM actions WHERE undoes = a.id) AS undone FROM actions a
        WHERE id = ? AND session = ?
        """,
        (action, session),
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no action {action} in session {session}")
    if row["undone"]:
        raise Conflict(f"action {action} was undone already")
    return change_of(row["change"])


def actions(db: Database, session: str, limit: int, since: int, what: Sequence[str]) -> list[Action]:
    rows = db.execute(
        """
        SELECT id, change, EXISTS (SELECT 1 FROM actions WHERE undoes = a.id) AS undone FROM actions a
        WHERE session = ?1 AND id > ?2 AND (?4 = '[]' OR what IN (SELECT value FROM json_each(?4)))
        ORDER BY id DESC LIMIT ?3
        """,
        (session, since, limit, listed(what)),
    )
    return [Action(row["id"], change_of(row["change"]), bool(row["undone"])) for row in rows]


def done(db: Database, session: str, once: str) -> Action | None:
    """The act of that name in this session; None where there is none. "" names none."""
    row = db.execute(
        """
        SELECT id, change, EXISTS (SELECT 1 FROM actions WHERE undoes = a.id) AS undone FROM actions a
        WHERE session = ?1 AND ?2 != '' AND json_extract(change, '$.once') = ?2
        """,
        (session, once),
    ).fetchone()
    return None if row is None else Action(row["id"], change_of(row["change"]), bool(row["undone"]))


def vote(db: Database, question: str, person: Person, on: bool, at: float) -> None:
    """A vote lies on the group that was voted for. Taking it back takes it from every group merged with that one, for
    the voter sees them as one. Raises `NotFound`."""
    session = _session(db, question)
    if session is None:
        raise NotFound(f"there is no question {question}")
    mine = {**asdict(person), "question": question, "group": listed(_group(db, question)), "at": at}
    held = db.execute(f"SELECT question FROM votes WHERE {_MINE}", mine).fetchall()  # noqa: S608 (a constant)
    if on == bool(held):
        return
    if on:
        db.execute("INSERT INTO votes VALUES (:question, :source, :id, :name, :at)", mine)
    else:
        db.execute(f"DELETE FROM votes WHERE {_MINE}", mine)  # noqa: S608 (a constant)
    touch(db, session, {question, *(row["question"] for row in held)})


_MINE = "source = :source AND person = :id AND question IN (SELECT value FROM json_each(:group))"


def _group(db: Database, question: str) -> list[str]:
    """All questions that are one with this one: its final group and whatever is merged into that."""
    rows = db.execute(
        """
        WITH final (id) AS (SELECT CASE merged_into WHEN '' THEN id ELSE merged_into END FROM questions WHERE id = ?)
        SELECT id FROM final UNION SELECT q.id FROM questions q JOIN final ON q.merged_into = final.id
            WHERE q.merged_into != ''
        """,
        (question,),
    )
    return [row["id"] for row in rows]


def _session(db: Database, question: str) -> str | None:
    row = db.execute("SELECT session FROM questions WHERE id = ? AND removed = 0", (question,)).fetchone()
    return None if row is None else row["session"]
