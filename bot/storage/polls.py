"""Polls, what was voted in them, and the pulse, as SQL. What is counted is counted here."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.model import Address, Change, Person, Poll, PollKind, PollState, PollStatus, PollText, PollVote, Pulse
from bot.polling import asks_alike, key
from bot.storage.database import Database, Row, upsert
from bot.storage.deliveries import drop, take_up
from bot.storage.rows import address_of, listed, named, poll_of, poll_row

TEXTS = 200
"""Words or texts of a poll that are told at most, the most frequent ones."""

CLOSED = "the poll was closed before"
"""The `error` of a delivery that told of it too late."""

_LAST = """
    WITH newest (id) AS (
        SELECT MAX(v.id)
        FROM poll_votes v LEFT JOIN links l ON l.source = v.source AND l.person = v.person
        WHERE v.poll IN (SELECT value FROM json_each(:ids))
        GROUP BY v.poll, COALESCE(l.owner_source, v.source), COALESCE(l.owner, v.person)
    ), last (poll, id, choices, said) AS (
        SELECT v.poll, v.id, v.choices, v.said FROM newest JOIN poll_votes v ON v.id = newest.id
    )
"""
"""The vote of each human that counts."""

_PEOPLE = f"{_LAST} SELECT poll, COUNT(*) AS people FROM last GROUP BY poll"  # noqa: S608 (a constant)

_COUNTS = f"""
    {_LAST}
    , choice (poll, id, choice, said, place) AS (
        SELECT last.poll, last.id, c.value, s.value, last.id * 100 + c.key
        FROM last CROSS JOIN json_each(last.choices) c JOIN json_each(last.said) s ON s.key = c.key
    ), counted (poll, choice, people, first) AS (
        SELECT poll, choice, COUNT(DISTINCT id), MIN(place) FROM choice GROUP BY poll, choice
    )
    SELECT n.poll, n.choice, n.people, c.said
    FROM counted n JOIN choice c ON c.poll = n.poll AND c.choice = n.choice AND c.place = n.first
    ORDER BY n.people DESC, n.first
"""  # noqa: S608 (constants)
"""`said` as it was written first."""


def polls(db: Database, session: str) -> list[Poll]:
    rows = db.execute("SELECT * FROM polls WHERE session = ? AND removed = 0 ORDER BY at, rowid", (session,))
    return results(db, [poll_of(row) for row in rows])


def poll(db: Database, id: str) -> Poll:
    """Raises `NotFound`."""
    return results(db, [poll_of(_row(db, id))])[0]


def _row(db: Database, id: str) -> Row:
    row: Row | None = db.execute("SELECT * FROM polls WHERE id = ? AND removed = 0", (id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no poll {id}; it may have been removed")
    return row


def results(db: Database, states: Sequence[PollState], texts: int = TEXTS) -> list[Poll]:
    """Each with what was voted in it, and at most so many of its words or texts."""
    ids = {"ids": listed(state.id for state in states)}
    people = {row["poll"]: row["people"] for row in db.execute(_PEOPLE, ids)}
    counted: dict[str, list[Row]] = defaultdict(list)
    for row in db.execute(_COUNTS, ids):
        counted[row["poll"]].append(row)
    return [_poll(state, people.get(state.id, 0), counted[state.id], texts) for state in states]


def _poll(state: PollState, people: int, counted: list[Row], texts: int) -> Poll:
    if state.kind in {PollKind.WORDS, PollKind.OPEN}:
        told = tuple(PollText(row["choice"], row["said"], row["people"]) for row in counted[:texts])
        return Poll(state, people, texts=told)
    return Poll(state, people, counts={int(row["choice"]): row["people"] for row in counted})


def replace_poll(db: Database, change: Change, before: PollState | None, after: PollState | None) -> None:
    """Put `after` in the place of `before`. Raises `Conflict` where something else stands there, a second poll would be
    on the stage, or what was voted would mean something else.

    A chat that was not told of it yet is not asked to vote in a poll that is closed, and is after all where undo opens
    it again.
    """
    session = change.session
    states = [state for state in (before, after) if state is not None]
    if len({state.id for state in states}) != 1 or any(state.session != session for state in states):
        raise BadInput("a change names one poll of its own session, before and after")
    id = states[0].id
    row = db.execute("SELECT * FROM polls WHERE id = ?", (id,)).fetchone()
    standing = None if row is None or row["removed"] else poll_of(row)
    if standing != before or (row is not None and row["session"] != session):
        raise Conflict(f"poll {id} was changed by somebody else meanwhile")
    if before and after and not asks_alike(before, after) and voted(db, [id]):
        raise Conflict("people voted in this poll already; copy it to ask something else")
    was, now = (state is not None and state.status is PollStatus.OPEN for state in (before, after))
    if before is not None and was and not now:
        drop(db, session, f"poll:{id}:{before.round}:open:", CLOSED)
    elif after is not None and now and not was and change.undoes is not None:
        take_up(db, session, f"poll:{id}:{after.round}:open:", CLOSED)
    if after is None:
        db.execute("UPDATE polls SET removed = 1 WHERE id = ?", (id,))
        return
    if after.shown and not (before is not None and before.shown) and _another_shown(db, session, id):
        raise Conflict("another poll is on the stage meanwhile")
    db.execute(
        """
        INSERT INTO polls (id, session, kind, title, options, most, low, high, ends, results, status, shown, round,
            opened_at, muted, at)
        VALUES (:id, :session, :kind, :title, :options, :most, :low, :high, :ends, :results, :status, :shown, :round,
            :opened_at, :muted, :at)
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, title = excluded.title, options = excluded.options,
            most = excluded.most, low = excluded.low, high = excluded.high, ends = excluded.ends,
            results = excluded.results, status = excluded.status, shown = excluded.shown, round = excluded.round,
            opened_at = excluded.opened_at, muted = excluded.muted, removed = 0
        """,
        {**poll_row(after), "at": change.at},
    )


def voted(db: Database, ids: Iterable[str]) -> set[str]:
    """In which of these polls, or items of surveys, somebody voted."""
    rows = db.execute(
        "SELECT DISTINCT poll FROM poll_votes WHERE poll IN (SELECT value FROM json_each(:ids))", {"ids": listed(ids)}
    )
    return {row["poll"] for row in rows}


def _another_shown(db: Database, session: str, id: str) -> bool:
    found = db.execute("SELECT 1 FROM polls WHERE session = ? AND shown = 1 AND removed = 0 AND id != ?", (session, id))
    return found.fetchone() is not None


def vote(db: Database, vote: PollVote, session: str = "") -> None:
    """Raises `NotFound` (also for a poll of another session, where one is named), `NotAllowed` for one not open."""
    state = _open(db, vote.poll)
    if session and state.session != session:
        raise NotFound(f"there is no poll {vote.poll} in session {session}")
    put(db, state, vote)


def put(db: Database, state: PollState, vote: PollVote) -> None:
    """Keep what somebody votes in a poll that is open."""
    free = state.kind in {PollKind.WORDS, PollKind.OPEN}
    keys = [key(text) if free else text for text in vote.choices]
    who = (state.id, vote.person.source, vote.person.id)
    db.execute("DELETE FROM poll_votes WHERE poll = ? AND source = ? AND person = ?", who)
    db.execute(
        "INSERT INTO poll_votes (poll, source, person, choices, said) VALUES (?, ?, ?, ?, ?)",
        (*who, listed(keys), listed(vote.choices)),
    )


def unvote(db: Database, poll: str, person: Person) -> None:
    """Raises as `vote`."""
    take_back(db, _open(db, poll), person)


def take_back(db: Database, state: PollState, person: Person) -> None:
    """Forget what this human voted in a poll that is open."""
    db.execute(
        f"DELETE FROM poll_votes WHERE poll = :poll AND (source, person) IN ({_SAME_HUMAN})",  # noqa: S608 (a constant)
        {"poll": state.id, "source": person.source, "person": person.id},
    )


def _open(db: Database, id: str) -> PollState:
    state = poll_of(_row(db, id))
    if state.status is not PollStatus.OPEN:
        raise NotAllowed("this poll is closed" if state.round else "this poll has not been started yet")
    return state


_SAME_HUMAN = """
    SELECT :source, :person UNION
    SELECT source, person FROM links WHERE owner_source = :source AND owner = :person
"""
"""As in `questions`: a person and everybody who linked themselves to them."""


def votes_of(db: Database, session: str, person: Person) -> dict[str, tuple[str, ...]]:
    rows = db.execute("SELECT id FROM polls WHERE session = ? AND removed = 0", (session,))
    return said_by(db, [row["id"] for row in rows], person)


def said_by(db: Database, ids: Iterable[str], person: Person) -> dict[str, tuple[str, ...]]:
    """What a human voted last in these polls, on whichever chat."""
    rows = db.execute(
        f"""
        SELECT v.poll, v.said FROM poll_votes v
        WHERE v.poll IN (SELECT value FROM json_each(:ids)) AND (v.source, v.person) IN ({_SAME_HUMAN}) ORDER BY v.id
        """,  # noqa: S608 (a constant)
        {"ids": listed(ids), "source": person.source, "person": person.id},
    )
    return {row["poll"]: tuple(json.loads(row["said"])) for row in rows}


def chats(db: Database, session: str) -> list[Address]:
    rows = db.execute(
        f"""
        WITH chat (connector, chat, first, last) AS (
            SELECT json_extract(address, '$.connector'), json_extract(address, '$.chat'), MIN(id), MAX(id)
            FROM messages WHERE session = ? AND address IS NOT NULL GROUP BY 1, 2
        )
        SELECT c.connector, c.chat, m.address FROM chat c JOIN messages m ON m.id = c.last
        WHERE {named("c.chat")} ORDER BY c.first
        """,  # noqa: S608 (a constant)
        (session,),
    )
    return [Address(row["connector"], row["chat"], private=address_of(row["address"]).private) for row in rows]


def switch_pulse(db: Database, session: str, on: bool) -> None:
    if on:
        db.execute("INSERT INTO pulse_sessions VALUES (?) ON CONFLICT DO NOTHING", (session,))
    else:
        db.execute("DELETE FROM pulse_sessions WHERE session = ?", (session,))


def pulse_on(db: Database, session: str) -> bool:
    return db.execute("SELECT 1 FROM pulse_sessions WHERE session = ?", (session,)).fetchone() is not None


def feel(db: Database, pulse: Pulse) -> None:
    """Raises `NotAllowed` where the pulse is off."""
    if not pulse_on(db, pulse.session):
        raise NotAllowed("the pulse is switched off")
    values: dict[str, Any] = {"session": pulse.session, "minute": int(pulse.at // 60), "mood": pulse.mood.value}
    who = {"source": pulse.person.source, "person": pulse.person.id}
    upsert(db, "pulse", ("session", "minute", "source", "person"), {**values, **who})


def pulse(db: Database, session: str, since: float) -> list[tuple[int, str, int]]:
    """A human who taps on one chat and types on another within a minute counts once a mood."""
    rows = db.execute(
        """
        SELECT minute, mood, COUNT(DISTINCT COALESCE(l.owner_source, p.source) || '\x1f'
            || COALESCE(l.owner, p.person)) AS people
        FROM pulse p LEFT JOIN links l ON l.source = p.source AND l.person = p.person
        WHERE p.session = ? AND p.minute >= ? GROUP BY minute, mood ORDER BY minute, mood
        """,
        (session, int(since // 60)),
    )
    return [(row["minute"], row["mood"], row["people"]) for row in rows]
