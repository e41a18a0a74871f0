"""The queue as it is read: each question with the demand behind it, in a few statements however many there are.

A merged question keeps its own messages and votes, and its final group counts them too: every reading follows
`merged_into`, so a merge is taken back by writing the states alone, and a person counts once in the final group.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from bot.errors import AskedMeanwhile, NotFound
from bot.model import UNSURE, Asked, CourseMatch, Fingerprint, Likely, Person, Question, QuestionState, Status
from bot.queueing import OPEN, misses, suggested
from bot.storage.database import Database, Row
from bot.storage.recurring import earlier_of
from bot.storage.rows import PLACEMENT, listed, match_of, message_of, placement_of, state_of

_CONFIRMED = "EXISTS (SELECT 1 FROM json_each(q.confirmed) c WHERE CAST(c.value AS INTEGER) = m.id)"
"""Of a message `m` and its question `q`: a person said that it asks that."""

_MEMBERS = """
    WITH member (question, owner) AS (
        SELECT value, value FROM json_each(:ids)
        UNION ALL
        SELECT id, merged_into FROM questions WHERE merged_into != '' AND removed = 0
            AND merged_into IN (SELECT value FROM json_each(:ids))
    )
"""
"""For each asked-for question (`owner`) itself and the questions merged into it."""

_PERSONS = f"""
    {_MEMBERS},
    person (owner, source, id, messages, first_at, last_at, sureness, doubtful) AS (
        SELECT owner, source, person, COUNT(DISTINCT message), MIN(first_at), MAX(last_at), MIN(sureness),
            COUNT(DISTINCT CASE WHEN sureness < {UNSURE} THEN message END)
        FROM (
            SELECT owner, m.source, m.author AS person, m.id - m.part AS message, m.at AS first_at, m.at AS last_at,
                CASE WHEN p.founded = 0 AND p.question = owner AND q.id = owner
                    AND (q.confirmed = '[]' OR NOT {_CONFIRMED}) THEN p.similarity END AS sureness
            FROM member JOIN questions q ON q.id = member.question CROSS JOIN messages m
                JOIN placements p ON p.message = m.id
            WHERE m.question = member.question
            UNION ALL
            SELECT owner, v.source, v.person, NULL, NULL, NULL, NULL
            FROM member CROSS JOIN votes v WHERE v.question = member.question
        ) said
        GROUP BY owner, source, person
    )
"""  # noqa: S608 (constants)
"""Each person who asked or voted, once for each owner. A message that was moved, merged or confirmed by hand says
nothing of sureness. The parts of a message have ids that follow each other, so that id less part names it.

CROSS JOIN keeps SQLite from reading every vote there is before it looks at the few owners.
"""

_DEMAND = f"""
    {_PERSONS}
    SELECT owner, source, COUNT(*) AS people, COUNT(*) FILTER (WHERE messages > 0) AS askers, SUM(messages) AS messages,
        MIN(first_at) AS first_at, MAX(last_at) AS last_at, MIN(sureness) AS sureness, SUM(doubtful) AS doubtful
    FROM person
    GROUP BY owner, source
"""  # noqa: S608 (constants)
"""Summed for each chat."""

_TWICE = f"""
    {_PERSONS}
    SELECT owner, SUM(persons) - COUNT(*) AS people, SUM(asked) - COUNT(asked) AS askers
    FROM (
        SELECT p.owner, COUNT(*) AS persons, NULLIF(COUNT(*) FILTER (WHERE p.messages > 0), 0) AS asked
        FROM person p LEFT JOIN links l ON l.source = p.source AND l.person = p.id
        GROUP BY p.owner, COALESCE(l.owner_source, p.source), COALESCE(l.owner, p.id)
        HAVING COUNT(*) > 1
    ) human
    GROUP BY owner
"""  # noqa: S608 (constants)
"""How often a human was counted again on another chat that they linked."""

_HINTS = f"""
    {_MEMBERS}
    SELECT owner, p.answer, p.memory, s.id AS suggested, s.merged_into AS suggested_final, p.similarity
    FROM member CROSS JOIN messages m JOIN placements p ON p.message = m.id
        LEFT JOIN questions s ON s.id = p.suggested AND s.removed = 0
    WHERE m.question = member.question
        AND (p.answer IS NOT NULL OR p.memory IS NOT NULL OR p.suggested IS NOT NULL)
    ORDER BY m.id
"""  # noqa: S608 (constants)


_SAID = f"""
    {_MEMBERS}
    SELECT member.owner, COALESCE(l.owner_source, m.source) AS source, COALESCE(l.owner, m.author) AS person,
        p.answer, p.memory
    FROM member CROSS JOIN messages m JOIN placements p ON p.message = m.id
        LEFT JOIN links l ON l.source = m.source AND l.person = m.author
    WHERE m.question = member.question
    ORDER BY m.id
"""  # noqa: S608 (constants)
"""What each human who asked was told, in order of time."""


_APART = f"""
    {_MEMBERS}
    SELECT owner, CASE t.merged_into WHEN '' THEN t.id ELSE t.merged_into END AS other
    FROM member JOIN questions q ON q.id = member.question CROSS JOIN json_each(q.apart) named
        JOIN questions t ON t.id = named.value AND t.removed = 0
    WHERE q.apart != '[]'
    UNION
    SELECT owner, CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END
    FROM questions q CROSS JOIN json_each(q.apart) named JOIN member ON member.question = named.value
    WHERE q.session = :session AND q.apart != '[]' AND q.removed = 0
"""  # noqa: S608 (constants)
"""The groups that a person keeps apart from each owner, whichever of the two names the other."""


_PARTS = f"""
    {_MEMBERS}
    SELECT owner, q.* FROM member JOIN questions q ON q.id = member.question
    WHERE q.rejected != '[]' OR q.apart != '[]'
"""  # noqa: S608 (constants)
"""Each owner, and what was merged into it, of which somebody said what is no answer to it."""


@dataclass(slots=True)
class _Demand:
    """The rows of one question, added up."""

    people: int = 0
    askers: int = 0
    messages: int = 0
    chats: dict[str, int] = field(default_factory=dict)
    first_at: float | None = None
    last_at: float | None = None
    sureness: float | None = None
    doubtful: int = 0

    def add(self, row: Row) -> None:
        """Take in one chat's row."""
        self.people += row["people"]
        self.askers += row["askers"]
        self.messages += row["messages"]
        if row["askers"]:
            self.chats[row["source"]] = row["askers"]
        self.first_at = _least(self.first_at, row["first_at"])
        self.last_at = row["last_at"] if self.last_at is None else max(self.last_at, row["last_at"] or self.last_at)
        self.sureness = _least(self.sureness, row["sureness"])
        self.doubtful += row["doubtful"]


@dataclass(frozen=True, slots=True)
class _Said:
    """What the course and an earlier evening's answer said to one message."""

    answer: CourseMatch | None
    memory: CourseMatch | None

    @classmethod
    def of(cls, row: Row) -> "_Said":
        return cls(match_of(row["answer"]), match_of(row["memory"]))

    def was_sent(self, state: QuestionState) -> bool:
        """Whether one was sent that nobody said is no answer to this question."""
        matches = (match for match in (self.answer, self.memory) if match is not None)
        return any(match.state == "sent" and not misses(state, match.source) for match in matches)


@dataclass(frozen=True, slots=True)
class _Hint:
    """What one message of an open question suggests: answers, and the group that it may belong to."""

    said: _Said
    merge: Likely | None

    @classmethod
    def of(cls, row: Row) -> "_Hint":
        other = row["suggested_final"] or row["suggested"]
        return cls(_Said.of(row), Likely(other, row["similarity"] or 0.0) if other else None)


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def questions(db: Database, session: str, since: int) -> list[Question]:
    """Those with a revision over `since`, in order of revision. A question that undo removed comes once more, as merged
    into nothing and without demand, to whoever knew it (`since` over 0)."""
    rows = db.execute(
        """
        SELECT * FROM questions WHERE session = :session AND revision > :since AND (removed = 0 OR :since > 0)
        ORDER BY revision, rowid
        """,
        {"session": session, "since": since},
    ).fetchall()
    return _with_demand(db, rows)


def question(db: Database, id: str) -> Question:
    """Raises `NotFound`."""
    rows = db.execute("SELECT * FROM questions WHERE id = ? AND removed = 0", (id,)).fetchall()
    if not rows:
        raise NotFound(f"there is no question {id}")
    return _with_demand(db, rows)[0]


def _with_demand(db: Database, rows: list[Row]) -> list[Question]:
    if not rows:
        return []
    states = {row["id"]: state_of(row) for row in rows}
    ids = {"ids": listed(row["id"] for row in rows if not row["removed"])}
    demand: Mapping[str, _Demand] = defaultdict(_Demand)
    for row in db.execute(_DEMAND, ids):
        demand[row["owner"]].add(row)
    if db.execute("SELECT 1 FROM links LIMIT 1").fetchone():
        for row in db.execute(_TWICE, ids):
            demand[row["owner"]].people -= row["people"]
            demand[row["owner"]].askers -= row["askers"] or 0
    judged = _judged(db, states, ids)
    open_ = {row["id"]: judged[row["id"]] for row in rows if not row["removed"] and states[row["id"]].status in OPEN}
    hints: Mapping[str, list[_Hint]] = defaultdict(list)
    for row in db.execute(_HINTS, {"ids": listed(open_)}):
        hints[row["owner"]].append(_Hint.of(row))
    apart: Mapping[str, set[str]] = defaultdict(set)
    for row in db.execute(_APART, {**ids, "session": rows[0]["session"]}):
        apart[row["owner"]].add(row["other"])
    told = _told(db, {id: state for id, state in open_.items() if any(hint.said.was_sent(state) for hint in hints[id])})
    found = [
        _question(row, judged[row["id"]], demand[row["id"]], hints[row["id"]], apart[row["id"]], told[row["id"]])
        for row in rows
    ]
    earlier = earlier_of(db, {one.id: judged[one.id] for one in found if one.status is not Status.MERGED})
    return [replace(one, earlier=earlier[one.id]) if one.id in earlier else one for one in found]


def _judged(db: Database, states: Mapping[str, QuestionState], ids: Mapping[str, str]) -> dict[str, QuestionState]:
    """The questions, with what is no answer to any part of them (`misses`)."""
    found = dict(states)
    for row in db.execute(_PARTS, ids):
        one, part = found[row["owner"]], state_of(row)
        if part.id != one.id:
            found[one.id] = replace(one, rejected=one.rejected + part.rejected, apart=one.apart + part.apart)
    return found


def rejected(db: Database, question: str) -> bool:
    """Whether anything was called no answer to it, or to what was merged into it."""
    return any(state_of(row).rejected for row in db.execute(_PARTS, {"ids": listed([question])}))


def _told(db: Database, states: Mapping[str, QuestionState]) -> Mapping[str, int]:
    """Of each question, how many humans were sent an answer to what they asked last that nobody said is none. `states`
    are those of whose askers somebody was sent one: few open questions have such."""
    last: dict[tuple[str, str, str], bool] = {}
    for row in db.execute(_SAID, {"ids": listed(states)}) if states else ():
        last[row["owner"], row["source"], row["person"]] = _Said.of(row).was_sent(states[row["owner"]])
    return Counter(owner for (owner, *_), heard in last.items() if heard)


def _question(
    row: Row, judged: QuestionState, demand: _Demand, hints: list[_Hint], apart: set[str], told: int
) -> Question:
    state = state_of(row)
    if row["removed"]:
        state = replace(state, status=Status.MERGED, merged_into="")
    return Question(
        state=state,
        people=demand.people,
        askers=demand.askers,
        votes=demand.people - demand.askers,
        messages=demand.messages,
        chats=demand.chats,
        first_at=row["at"] if demand.first_at is None else demand.first_at,
        last_at=row["at"] if demand.last_at is None else demand.last_at,
        revision=row["revision"],
        waiting=demand.people - told if state.status in OPEN else 0,
        sureness=demand.sureness,
        doubtful=demand.doubtful,
        suggested_answer=suggested(judged, demand.messages, [hint.said.answer for hint in hints]),
        suggested_merge=_merges(hints, {state.id, *apart}),
        staged_at=row["staged_at"],
        suggested_memory=suggested(judged, demand.messages, [hint.said.memory for hint in hints]),
    )


def _merges(hints: Iterable[_Hint], never: set[str]) -> tuple[Likely, ...]:
    """The groups it may belong to, the likeliest first, without itself and those that a person said it is not."""
    found: dict[str, float] = {}
    for one in (hint.merge for hint in hints if hint.merge):
        found[one.question] = max(one.likelihood, found.get(one.question, 0.0))
    likely = [Likely(id, likelihood) for id, likelihood in found.items() if id not in never]
    return tuple(sorted(likely, key=lambda one: -one.likelihood))


_ASKED = f"""
    SELECT m.*, {PLACEMENT}, COALESCE(CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END, '') AS final,
        q.confirmed IS NOT NULL AND q.confirmed != '[]' AND {_CONFIRMED} AS confirmed
    FROM messages m JOIN placements p ON p.message = m.id LEFT JOIN questions q ON q.id = m.question
"""  # noqa: S608 (constants)


def asked(db: Database, question: str) -> list[Asked]:
    """Of a merged question: what it brought along; `Asked.question` names its final group."""
    return _asked(db, _OF_WHOLE, {"id": question})


_OF_WHOLE = "m.question IN (SELECT id FROM questions WHERE id = :id OR (merged_into != '' AND merged_into = :id))"


def asked_meanwhile(db: Database, told: Mapping[str, Fingerprint]) -> AskedMeanwhile | None:
    """What is to be raised where others than these ask one of the questions."""
    counted = "SELECT count(*) AS many, coalesce(sum(m.id), 0) AS ids FROM messages m"
    sql = f"{counted} WHERE {_OF_WHOLE} AND m.text != ''"
    for question, known in told.items():
        (row,) = db.execute(sql, {"id": question})
        if (row["many"], row["ids"]) != known:
            return AskedMeanwhile("somebody asked this just now, or was forgotten; nothing was done. Do it once more")
    return None


_SAME_HUMAN = """
    SELECT :source, :person UNION
    SELECT source, person FROM links WHERE owner_source = :source AND owner = :person
"""
"""A person and everybody who linked themselves to them. Not the other way round: a code that a stranger read in a chat
and used must not show them anything."""


def asked_by(db: Database, session: str, person: Person) -> list[Asked]:
    """Everything placed of this person but votes; `Asked.question` is "" for what asks nothing."""
    where = f"m.session = :session AND m.vote = '' AND (m.source, m.author) IN ({_SAME_HUMAN})"
    return _asked(db, where, {"session": session, "source": person.source, "person": person.id})


def _asked(db: Database, where: str, parameters: dict[str, Any]) -> list[Asked]:
    rows = db.execute(f"{_ASKED} WHERE {where} ORDER BY m.id", parameters)
    return [_wording(row) for row in rows]


def _wording(row: Row) -> Asked:
    return Asked(message_of(row), placement_of(row), row["final"], bool(row["confirmed"]))


def answered(db: Database, session: str) -> list[tuple[QuestionState, list[Asked]]]:
    """The answered questions with every wording."""
    rows = db.execute(
        "SELECT * FROM questions WHERE session = ? AND status = 'answered' AND removed = 0 ORDER BY at, id", (session,)
    )
    states = [state_of(row) for row in rows]
    where = """
        m.question IN (
            SELECT value FROM json_each(:ids) UNION ALL
            SELECT id FROM questions WHERE merged_into IN (SELECT value FROM json_each(:ids))
        )
    """
    groups: Mapping[str, list[Asked]] = defaultdict(list)
    for one in _asked(db, where, {"ids": listed(state.id for state in states)}):
        groups[one.question].append(one)
    return [(state, groups[state.id]) for state in states]


def askings(db: Database, session: str, limit: int) -> list[Asked]:
    """See `Queue.askings`."""
    # Not by the index of the session: from the newest message backwards, instead of all of the session to be sorted.
    rows = db.execute(
        f"{_ASKED} WHERE m.session || '' = ? AND p.asking = 1 ORDER BY m.id DESC LIMIT ?", (session, limit)
    )
    return [_wording(row) for row in rows.fetchall()[::-1]]


_LIKELIEST = "p.asking, p.probability DESC, m.id DESC"
"""Of what asks nothing; what only a person says asks nothing was taken for an asking, and comes last."""


def unasked(db: Database, session: str, limit: int, words: str) -> list[Asked]:
    """See `Queue.unasked`."""
    wanted = _folded(words)
    rows = db.execute(
        f"""
        SELECT m.id, m.text FROM messages m JOIN placements p ON p.message = m.id
        WHERE m.session = ? AND m.question IS NULL AND m.vote = '' AND m.text != ''
        ORDER BY {_LIKELIEST} LIMIT ?
        """,  # noqa: S608 (a constant)
        (session, 1 << 40 if wanted else limit),
    )
    # Compared here: a database knows the small letters of English alone.
    ids = list(islice((row["id"] for row in rows if wanted in _folded(row["text"])), limit))
    found = db.execute(
        f"""
        {_ASKED} WHERE m.id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
        ORDER BY {_LIKELIEST}
        """,  # noqa: S608 (constants)
        (listed(ids),),
    )
    return [_wording(row) for row in found]


def texts(db: Database, session: str, messages: Iterable[int]) -> dict[int, str]:
    """See `Queue.texts`."""
    rows = db.execute(
        """
        SELECT id, text FROM messages
        WHERE session = ? AND text != '' AND id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))
        """,
        (session, listed(messages)),
    )
    return {row["id"]: row["text"] for row in rows}


def asked_with(db: Database, session: str, words: str) -> set[str]:
    """See `Queue.asked_with`."""
    wanted = _folded(words).split()
    rows = db.execute(
        """
        SELECT m.author_name, m.text, CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END AS final
        FROM messages m JOIN questions q ON q.id = m.question WHERE m.session = ?
        """,
        (session,),
    )
    texts = ((row["final"], _folded(f"{row['author_name']}\n{row['text']}")) for row in rows)
    return {final for final, text in texts if all(word in text for word in wanted)}


def _folded(text: str) -> str:
    """Equal for texts that differ in width and capitals alone."""
    return unicodedata.normalize("NFKC", text).casefold()


def votes_of(db: Database, session: str, person: Person) -> set[str]:
    rows = db.execute(
        f"""
        SELECT DISTINCT CASE q.merged_into WHEN '' THEN q.id ELSE q.merged_into END AS final
        FROM votes v JOIN questions q ON q.id = v.question
        WHERE (v.source, v.person) IN ({_SAME_HUMAN}) AND q.session = :session AND q.removed = 0
        """,  # noqa: S608 (a constant)
        {"session": session, "source": person.source, "person": person.id},
    )
    return {row["final"] for row in rows}
