"""What was asked on earlier evenings of a series, as SQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bot.given import lasting
from bot.model import CourseMatch, Earlier, Evening, QuestionState, Recurrence, Session
from bot.queueing import earlier, visible
from bot.replies import earlier_id, evening_line
from bot.storage import changes
from bot.storage.database import Database, Row
from bot.storage.rows import listed, state_of
from bot.storage.sessions import all_


def revisions(db: Database) -> dict[str, int]:
    return {row["session"]: row["revision"] for row in db.execute("SELECT session, revision FROM revisions")}


def recurrences(db: Database, sessions: Iterable[str]) -> list[Recurrence]:
    rows = db.execute(
        """
        SELECT r.* FROM recurrences r JOIN questions q ON q.id = r.question AND q.removed = 0
        WHERE r.session IN (SELECT value FROM json_each(?))
        """,
        (listed(sessions),),
    )
    return [_recurrence(row) for row in rows]


def keep(db: Database, session: str, found: Sequence[Recurrence]) -> bool:
    """Put these in the place of those of the session; whether that changes anything."""
    before = {row["question"]: _recurrence(row) for row in _of(db, session)}
    after = {one.question: one for one in found}
    changed = {id for id in before.keys() | after.keys() if before.get(id) != after.get(id)}
    if not changed:
        return False
    db.execute("DELETE FROM recurrences WHERE question IN (SELECT value FROM json_each(?))", (listed(changed),))
    db.executemany(
        "INSERT INTO recurrences VALUES (?, ?, ?, ?, ?, ?)",
        [
            (one.question, session, one.root, float(one.score), int(one.sure), int(one.told))
            for id in changed
            if (one := after.get(id))
        ],
    )
    changes.touch(db, session, changed)
    return True


def touch(db: Database, session: str, evening: str) -> bool:
    """Something was done on an earlier evening: show anew what recurs from there; whether anything does."""
    rows = db.execute(
        """
        SELECT r.question FROM recurrences r WHERE r.session = :session AND (
            EXISTS (SELECT 1 FROM questions q WHERE q.id = r.root AND q.session = :evening)
            OR EXISTS (SELECT 1 FROM recurrences o WHERE o.root = r.root AND o.session = :evening))
        """,
        {"session": session, "evening": evening},
    ).fetchall()
    changes.touch(db, session, [row["question"] for row in rows])
    return bool(rows)


def earlier_of(db: Database, states: Mapping[str, QuestionState]) -> dict[str, Earlier]:
    """Where each of these questions of one session was asked before, as far as it was; by question."""
    found = {row["question"]: _recurrence(row) for row in _of_questions(db, states)}
    if not found:
        return {}
    here = next(iter(states.values())).session
    sessions = all_(db)
    session = next((one for one in sessions if one.id == here), None)
    evenings = {one.id: one for one in earlier(session, sessions)} if session else {}
    threads = _threads(db, {one.root for one in found.values()}, evenings)
    known = {id: _earlier(states[id], one, threads[one.root], evenings) for id, one in found.items()}
    return {id: one for id, one in known.items() if one}


def _earlier(
    state: QuestionState, one: Recurrence, asked: Sequence[Row], evenings: Mapping[str, Session]
) -> Earlier | None:
    """None where a person said otherwise since it was looked for, or it was not before this evening."""
    thread = {one.root, *(row["id"] for row in asked)}
    told = bool(thread.intersection(state.again))
    if not asked or (thread.intersection(state.apart) and not told):
        return None
    rows = sorted(asked, key=lambda row: (evenings[row["session"]].starts_at or row["at"], row["at"]))
    there: dict[str, Evening] = {}
    answer = None
    for row in rows:
        evening, question = evenings[row["session"]], state_of(row)
        shown = question.title if visible(question, evening) else ""
        when = evening.starts_at or row["at"]
        there.setdefault(evening.id, Evening(evening.id, evening.title, when, question.id, shown))
        answer = _answer(question, evening, one.score) or answer
    if answer is not None and answer.source in state.rejected:
        answer = None
    return Earlier(tuple(there.values()), one.score, one.sure or told, told, answer)


def _answer(question: QuestionState, evening: Session, score: float) -> CourseMatch | None:
    given = lasting(question)
    if given is None:
        return None
    where = evening_line(evening, given.at)
    return CourseMatch(earlier_id(evening.id, question.id), score, "suggested", given.text, where=where)


def _threads(db: Database, roots: set[str], evenings: Mapping[str, Session]) -> Mapping[str, list[Row]]:
    """The questions of these evenings by the root that they have; what is merged is asked by its final question."""
    rows = db.execute(
        """
        WITH thread (root, question) AS (
            SELECT value, value FROM json_each(:roots)
            UNION SELECT root, question FROM recurrences
                WHERE sure = 1 AND root IN (SELECT value FROM json_each(:roots))
        )
        SELECT DISTINCT thread.root AS root, final.* FROM thread JOIN questions q ON q.id = thread.question
            JOIN questions final ON final.id = CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END
        WHERE final.removed = 0 AND final.session IN (SELECT value FROM json_each(:evenings))
        """,
        {"roots": listed(roots), "evenings": listed(evenings)},
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["root"]].append(row)
    return found


def _of(db: Database, session: str) -> Iterable[Row]:
    return db.execute("SELECT * FROM recurrences WHERE session = ?", (session,)).fetchall()


def _of_questions(db: Database, ids: Iterable[str]) -> Iterable[Row]:
    return db.execute("SELECT * FROM recurrences WHERE question IN (SELECT value FROM json_each(?))", (listed(ids),))


def _recurrence(row: Row) -> Recurrence:
    return Recurrence(row["question"], row["root"], row["score"], bool(row["sure"]), bool(row["told"]))
