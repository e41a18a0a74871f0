"""Forgetting persons, as SQL.

A table that names somebody has the columns `source` and `person`; each such table is seen to, later ones too.
"""

import json
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from bot.accounts import Actor
from bot.forgetting import REMOVED, Scrubbing, gone_address, gone_key, next_look
from bot.model import GONE, Address, Forgotten, LastLook, Person, PromotionStage, title_of
from bot.polling import FREE
from bot.promoting import forms, reworded
from bot.reach import FORGOTTEN
from bot.storage.changes import touch
from bot.storage.connection import SqliteDatabase
from bot.storage.database import Database, Row
from bot.storage.knowing import humans
from bot.storage.people import note
from bot.storage.rows import address_of, dumped, listed, named

Named = tuple[str, str]
"""A person as a source and an id."""


def forget(db: Database, person: Person, by: Actor | None, now: float) -> Forgotten:
    """Forget a person and whoever linked themselves to them; `by` goes into the ledger of people."""
    persons = humans(db, person)
    messages = sum(_forget(db, one) for one in persons)
    if by is not None:
        note(db, by, "forget", "", (), now)
    return Forgotten(len(persons), messages)


def _forget(db: Database, person: Person) -> int:
    mine = {"source": person.source, "id": person.id}
    rows = db.execute(f"{_SAID} WHERE m.source = :source AND m.author = :id ORDER BY m.id", mine).fetchall()
    names = {row["author_name"] for row in rows} | {row["name"] for row in _named(db, mine)}
    scrubbing = Scrubbing(
        person,
        GONE + secrets.token_hex(8),
        _own_words(db, mine, rows),
        [name for name in names if name.strip()],
        _alone(rows),
    )
    votes = _free_votes(db, mine)
    scrubbing.keys, scrubbing.words = _alone_voted(db, votes, "choices"), _alone_voted(db, votes, "said")
    sessions = {row["session"] for row in rows} | _voted(db, mine)
    sessions |= _told(db, scrubbing)
    here = listed(sessions)
    said = db.execute(
        "SELECT * FROM deliveries WHERE session IN (SELECT value FROM json_each(?)) ORDER BY id", (here,)
    ).fetchall()
    scrubbing.worded = _worded(db, here)
    touched = _retitle(db, scrubbing, here)
    for row in rows:
        if row["question"] is not None:  # its wordings are others now
            touched[row["session"]].add(row["question"])
    _unsay(db, [(row, scrubbing.gone) for row in rows], texts=True)
    _unvote(db, scrubbing, votes)
    db.execute("DELETE FROM optouts WHERE source = :source AND person = :id", mine)
    _rename(db, mine, scrubbing.gone)
    for row in said:
        _redeliver(db, row, scrubbing)
    ledger = "SELECT id, who, change FROM actions WHERE session IN (SELECT value FROM json_each(?))"
    for row in db.execute(ledger, (here,)).fetchall():
        now = (scrubbing.who(row["who"]), scrubbing.change(row["change"]), row["id"])
        if now[:2] != (row["who"], row["change"]):
            db.execute("UPDATE actions SET who = ?, change = ? WHERE id = ?", now)
    _unquote(db, scrubbing, here)
    _unpromote(db, scrubbing, here)
    _unheard(db, scrubbing.wordings, here)
    for session, ids in touched.items():
        touch(db, session, ids)
    return len(rows)


_SAID = """
    SELECT m.*, m.question IS NOT NULL OR COALESCE(p.asking, 0) = 1 AS asked
    FROM messages m LEFT JOIN placements p ON p.message = m.id
"""
"""Messages, and whether they ask something or were taken for an asking: what they founded may bear their words."""


def _own_words(db: Database, mine: dict[str, str], rows: Iterable[Row]) -> list[str]:
    """What the person asked, and nobody else in the same words."""
    asked = dict.fromkeys(row["text"] for row in rows if row["asked"] and row["text"])
    others = db.execute(
        """
        SELECT DISTINCT text FROM messages
        WHERE text IN (SELECT value FROM json_each(:asked)) AND NOT (source = :source AND author = :id)
        """,
        {**mine, "asked": listed(asked)},
    )
    shared = {row["text"] for row in others}
    return [text for text in asked if text not in shared]


def _alone(rows: Iterable[Row]) -> set[tuple[str, str]]:
    """The chats in which these authors alone read."""
    addresses = [address_of(row["address"]) for row in rows if row["address"]]
    return {(one.connector, one.chat) for one in addresses if one.private and one.connector != "web"}


def _told(db: Database, scrubbing: Scrubbing) -> set[str]:
    """The sessions in which something was for this person, or for a chat of theirs alone."""
    ids = [scrubbing.person.id, *(chat for _, chat in scrubbing.chats)]
    written = listed(json.dumps(id, ensure_ascii=False) for id in ids)
    rows = db.execute(
        """
        SELECT DISTINCT session, address FROM deliveries
        WHERE EXISTS (SELECT 1 FROM json_each(?) WHERE instr(address, value) > 0)
        """,
        (written,),
    )
    return {row["session"] for row in rows if scrubbing.addressed(json.loads(row["address"]))}


def _named(db: Database, mine: dict[str, str]) -> list[Row]:
    return db.execute(
        """
        SELECT name FROM votes WHERE source = :source AND person = :id
        UNION SELECT name FROM links WHERE source = :source AND person = :id
        """,
        mine,
    ).fetchall()


def _voted(db: Database, mine: dict[str, str]) -> set[str]:
    rows = db.execute(
        """
        SELECT q.session FROM votes v JOIN questions q ON q.id = v.question
        WHERE v.source = :source AND v.person = :id
        UNION SELECT p.session FROM poll_votes v JOIN polls p ON p.id = v.poll
        WHERE v.source = :source AND v.person = :id
        """,
        mine,
    )
    return {row["session"] for row in rows}


def _worded(db: Database, here: str) -> set[str]:
    """What staff wrote in the place of what is said after a talk, in these sessions."""
    rows = db.execute(
        "SELECT change FROM actions WHERE what = 'after_word' AND session IN (SELECT value FROM json_each(?))", (here,)
    )
    return {one["text"] for row in rows for pair in json.loads(row["change"])["duties"] for one in pair}


def _retitle(db: Database, scrubbing: Scrubbing, here: str) -> defaultdict[str, set[str]]:
    """Questions in the person's words get another asker's, or none; which did, by session."""
    person = scrubbing.person
    touched: defaultdict[str, set[str]] = defaultdict(set)
    rows = db.execute(
        "SELECT id, session, title, original FROM questions WHERE session IN (SELECT value FROM json_each(?))",
        (here,),
    ).fetchall()
    for row in rows:
        if scrubbing.wordings.isdisjoint((row["title"], row["original"])):
            continue
        other = db.execute(
            """
            SELECT text FROM messages WHERE text != '' AND NOT (source = :source AND author = :id)
                AND question IN (SELECT id FROM questions WHERE id = :question OR merged_into = :question)
            ORDER BY id LIMIT 1
            """,
            {"source": person.source, "id": person.id, "question": row["id"]},
        ).fetchone()
        text = REMOVED if other is None else str(other["text"])
        scrubbing.titles[row["id"]] = (title_of(text), text)
        title, original = (scrubbing.title(row["id"], row[name]) for name in ("title", "original"))
        db.execute("UPDATE questions SET title = ?, original = ? WHERE id = ?", (title, original, row["id"]))
        touched[row["session"]].add(row["id"])
    return touched


def _unsay(db: Database, said: Collection[tuple[Row, str]], *, texts: bool) -> None:
    """Messages, each with its author's new name, stay as counts; with `texts` nothing of what they said does, else what
    founded a question does."""
    of_them = "message IN (SELECT CAST(value AS INTEGER) FROM json_each(?))"
    ids = [row["id"] for row, _ in said]
    sql = f"SELECT message FROM placements WHERE founded = 1 AND {of_them}"  # noqa: S608 (a constant)
    founded = set() if texts else {row["message"] for row in db.execute(sql, (listed(ids),))}
    changed = []
    for row, gone in said:
        first = row["id"] - row["part"] + 1
        external_id = f"{gone}:{first}" + (f"\x1f{row['part']}" if row["part"] > 1 else "")
        address = gone_address(address_of(row["address"]) if row["address"] else None, gone)
        text = row["text"] if row["id"] in founded else ""
        changed.append((gone, external_id, dumped(address), text, row["id"]))
    db.executemany(
        "UPDATE messages SET author = ?, author_name = '', external_id = ?, address = ?, text = ? WHERE id = ?", changed
    )
    db.execute(f"DELETE FROM vectors WHERE {of_them}", (listed(id for id in ids if id not in founded),))  # noqa: S608


def _free_votes(db: Database, mine: dict[str, str]) -> list[Row]:
    """What was voted in words of one's own in polls and surveys; numbers of options are nobody's words, and what looks
    like one may be a telephone's."""
    free = listed(kind.value for kind in FREE)
    return db.execute(
        """
        WITH item (id, kind) AS (
            SELECT json_extract(i.value, '$.id'), json_extract(i.value, '$.kind')
            FROM surveys s CROSS JOIN json_each(s.items) i
            UNION SELECT id, kind FROM polls
        )
        SELECT v.id, v.poll, v.choices, v.said FROM poll_votes v LEFT JOIN item ON item.id = v.poll
        WHERE v.source = :source AND v.person = :id
            AND (item.kind IS NULL OR item.kind IN (SELECT value FROM json_each(:free)))
        """,
        {**mine, "free": free},
    ).fetchall()


def _alone_voted(db: Database, votes: Iterable[Row], column: str) -> dict[str, set[str]]:
    """What of these votes nobody else voted as well, by poll."""
    alone: dict[str, set[str]] = {}
    for vote in votes:
        others = db.execute(f"SELECT {column} FROM poll_votes WHERE poll = ? AND id != ?", (vote["poll"], vote["id"]))  # noqa: S608
        said = {one for other in others for one in json.loads(other[column])}
        alone[vote["poll"]] = set(json.loads(vote[column])) - said
    return alone


def _unvote(db: Database, scrubbing: Scrubbing, votes: Iterable[Row]) -> None:
    """These votes count on without their words, and what staff hid of them stays hidden."""
    for vote in votes:
        now = (listed([scrubbing.gone]), listed([REMOVED]), vote["id"])
        db.execute("UPDATE poll_votes SET choices = ?, said = ? WHERE id = ?", now)
        poll = db.execute("SELECT id, muted FROM polls WHERE id = ?", (vote["poll"],)).fetchone()
        if poll is not None:
            state = {"id": poll["id"], "muted": json.loads(poll["muted"])}
            scrubbing.poll(state)
            db.execute("UPDATE polls SET muted = ? WHERE id = ?", (listed(state["muted"]), poll["id"]))


def _rename(db: Database, mine: dict[str, str], gone: str) -> None:
    """Every row that names the person names nobody."""
    values = {**mine, "gone": gone}
    for table, columns in db.columns().items():
        if {"source", "person"} <= columns:
            name = ", name = ''" if "name" in columns else ""
            db.execute(
                f'UPDATE "{table}" SET person = :gone{name} WHERE source = :source AND person = :id',  # noqa: S608
                values,
            )
    db.execute("UPDATE links SET owner = :gone WHERE owner_source = :source AND owner = :id", values)
    db.execute(
        """
        DELETE FROM link_codes WHERE (owner_source = :source AND owner = :id)
            OR (used_source = :source AND used_by = :id)
        """,
        values,
    )


def _unquote(db: Database, scrubbing: Scrubbing, here: str) -> None:
    """What was written of the askings after a talk."""
    among = "session IN (SELECT value FROM json_each(?))"
    for row in db.execute(f"SELECT session, name, text FROM duties WHERE {among}", (here,)).fetchall():  # noqa: S608
        if (now := scrubbing.text(row["text"])) != row["text"]:
            db.execute("UPDATE duties SET text = ? WHERE session = ? AND name = ?", (now, row["session"], row["name"]))


def _unpromote(db: Database, scrubbing: Scrubbing, here: str) -> None:
    """Entries for the course's FAQ. What nobody decided yet is of no answer, so that it is proposed anew from what
    others asked; what stands in a file cannot be found there by these words any more, and is the business of whoever
    keeps the file."""
    others = db.execute(
        """
        SELECT DISTINCT m.text FROM promotions p JOIN questions q ON p.question IN (q.id, q.merged_into)
        JOIN messages m ON m.question = q.id
        WHERE p.session IN (SELECT value FROM json_each(?)) AND m.text != ''
        """,
        (here,),
    )
    theirs = {form for row in others for form in forms(row["text"])}
    mine = {form for text in scrubbing.wordings for form in forms(text)} - theirs
    entries = replace(scrubbing, texts=sorted(mine))
    sql = "SELECT * FROM promotions WHERE session IN (SELECT value FROM json_each(?))"
    for row in db.execute(sql, (here,)).fetchall():
        entry, written = (reworded(row[name], entries.text) for name in ("entry", "written"))
        undecided = row["stage"] == PromotionStage.PROPOSED.value and row["decided_at"] is None
        answered_at = 0.0 if undecided and entry != row["entry"] else row["answered_at"]
        if (entry, written) != (row["entry"], row["written"]):
            db.execute(
                "UPDATE promotions SET entry = ?, written = ?, answered_at = ? WHERE question = ?",
                (entry, written, answered_at, row["question"]),
            )


def _unheard(db: Database, wordings: Collection[str] | None, here: str) -> None:
    """Passages of transcripts are not said to be near to these wordings (None: to any) in these sessions."""
    sql = "SELECT session, question, passage, others FROM aloud WHERE session IN (SELECT value FROM json_each(?))"
    for row in db.execute(sql, (here,)).fetchall():
        passage, others = json.loads(row["passage"]), json.loads(row["others"])
        near = [
            one for one in (passage, *others) if one.get("asked") and (wordings is None or one["asked"] in wordings)
        ]
        for one in near:
            one["asked"] = ""
        if near:
            db.execute(
                "UPDATE aloud SET passage = ?, others = ? WHERE session = ? AND question = ?",
                (json.dumps(passage, ensure_ascii=False), listed(others), row["session"], row["question"]),
            )


def _redeliver(db: Database, row: Row, scrubbing: Scrubbing) -> None:
    address = address_of(row["address"])
    if not scrubbing.addressed(json.loads(row["address"])):
        kept = address.user.startswith(GONE) and _is_for_group(row, row["key"], address)
        if kept and not _others_wait(db, row["key"], address, address.user):
            _unaddress(db, row, row["key"], address.user)
            return
        poll = None if row["poll"] is None else json.loads(row["poll"])
        if poll is not None:
            scrubbing.poll(poll)
        now = (scrubbing.told(row["key"], row["text"]), None if poll is None else json.dumps(poll, ensure_ascii=False))
        if now != (row["text"], row["poll"]):
            db.execute("UPDATE deliveries SET text = ?, poll = ? WHERE id = ?", (*now, row["id"]))
        return
    key = gone_key(row["key"], address, scrubbing.gone, row["id"])
    if not (_is_for_group(row, key, address) and _others_wait(db, row["key"], address, scrubbing.gone)):
        _unaddress(db, row, key, scrubbing.gone)
        return
    scrubbing.kept[row["key"]] = key
    db.execute(
        "UPDATE deliveries SET key = ?, address = ?, text = ? WHERE id = ?",
        (key, dumped(gone_address(address, scrubbing.gone)), scrubbing.text(row["text"]), row["id"]),
    )


def _is_for_group(row: Row, key: str, address: Address) -> bool:
    """Whether it answers a group, and was not said yet. What is being sent under another `key` than it had could not be
    told what became of it."""
    waits = row["state"] == "waiting" or (row["state"] == "sending" and row["key"] == key)
    return key.startswith("answer:") and not address.private and waits


def _others_wait(db: Database, key: str, address: Address, gone: str) -> bool:
    """Whether somebody else in this group waits for what is said under this key to who is `gone`: who asked the same
    and is told nothing of their own. Where it came late, they asked later still, for others were told before."""
    question = key.split(":")[1]
    main = f"answer:{question}:{address.connector}:{address.chat}"
    others = db.execute(
        f"""
        WITH asked AS (
            SELECT m.id, m.author, json_extract(m.address, '$.message') AS message
            FROM messages m JOIN questions q ON q.id = m.question
            WHERE :question IN (q.id, q.merged_into)
                AND (json_extract(m.address, '$.connector'), json_extract(m.address, '$.chat')) = (:connector, :chat)
        )
        SELECT 1 FROM asked
        WHERE {named("author")} AND NOT EXISTS (SELECT 1 FROM deliveries WHERE key = :late || message)
            AND (:first = 1 OR id > (SELECT MAX(id) FROM asked WHERE author = :gone))
        LIMIT 1
        """,  # noqa: S608 (a constant)
        {
            "question": question,
            "connector": address.connector,
            "chat": address.chat,
            "late": f"{main}:",
            "first": int(key == main),
            "gone": gone,
        },
    )
    return others.fetchone() is not None


def _unaddress(db: Database, row: Row, key: str, gone: str) -> None:
    """It keeps its outcome and is for nobody; what still waits is not said."""
    waits = row["state"] in ("waiting", "sending")
    db.execute(
        """
        UPDATE deliveries SET key = ?, address = ?, text = '', buttons = '[]', sent_id = '', heard = '',
            poll = NULL, state = ?, error = ? WHERE id = ?
        """,
        (
            key,
            dumped(gone_address(address_of(row["address"]), gone)),
            "failed" if waits else row["state"],
            FORGOTTEN if waits else row["error"],
            row["id"],
        ),
    )


# -- retention ---------------------------------------------------------------------------------------------------------


def look(db: Database, now: float) -> LastLook:
    """See `ports.Forgetting.look_to_forget`. Before the first look the newest message says when the program ran."""
    after = next_look(last_look(db) or LastLook(now), now)
    db.execute("DELETE FROM forgetting")
    db.execute("INSERT INTO forgetting VALUES (?, ?)", (after.at, after.held))
    return after


def last_look(db: Database) -> LastLook | None:
    """None where nothing was ever said."""
    if row := db.execute("SELECT at, held FROM forgetting").fetchone():
        return LastLook(row["at"], row["held"])
    newest = db.execute("SELECT MAX(at) AS at FROM messages").fetchone()["at"]
    return None if newest is None else LastLook(newest)


class _Renamed(dict[Named, str]):
    """The new names of who was there on one evening, made where they are asked for. `before`: those of other evenings
    that are forgotten with it, where the same person has the same name."""

    def __init__(self, before: dict[Named, str]) -> None:
        super().__init__()
        self._before = before

    def __missing__(self, one: Named) -> str:
        self[one] = name = self._before.setdefault(one, GONE + secrets.token_hex(8))
        return name


_DUE = f"GROUP BY session HAVING MAX(at) < ? AND COUNT(*) FILTER (WHERE {named('author')}) > 0"


def due(db: Database, before: float) -> list[str]:
    """The sessions with somebody to forget in which nothing was said since, the oldest first."""
    rows = db.execute(f"SELECT session FROM messages {_DUE} ORDER BY MAX(at), session", (before,))  # noqa: S608
    return [row["session"] for row in rows]


def forget_evening(db: Database, session: str, before: float, forgotten: dict[Named, str]) -> int:
    """Forget everybody in a session, where it is still `due`; how many messages that were. What founded a question
    keeps its words, for that is what was asked; nobody is named beside it. The whole session, so that its figures stay
    as they are; whoever came to an evening that stays counts as somebody new there. `forgotten`: who was forgotten
    together with it already, and under which names; completed."""
    if db.execute(f"SELECT session FROM messages WHERE session = ? {_DUE}", (session, before)).fetchone() is None:  # noqa: S608
        return 0
    names = _Renamed(forgotten)
    here = listed([session])
    alone: dict[tuple[str, str], str] = {}
    rows = db.execute(f"{_SAID} WHERE m.session = ?", (session,)).fetchall()
    called, worded = _called(db, session), _worded(db, here)
    said = [(row, names[row["source"], row["author"]]) for row in rows if not row["author"].startswith(GONE)]
    for row, gone in said:
        alone |= dict.fromkeys(_alone([row]), gone)
    _unsay(db, said, texts=False)
    scrubbing = Scrubbing(Person("", ""), "", _unsaid(db, session, rows), called, worded=worded)
    polls = [row["id"] for row in db.execute("SELECT id FROM polls WHERE session = ?", (session,))]
    for row in db.execute("SELECT items FROM surveys WHERE session = ?", (session,)):
        polls += [item["id"] for item in json.loads(row["items"])]
    for table, column, among in (
        ("votes", "question", "SELECT id FROM questions WHERE session = :session"),
        ("poll_votes", "poll", "SELECT value FROM json_each(:polls)"),
        ("pulse", "session", "SELECT :session"),
    ):
        name = ", name = ''" if table == "votes" else ""
        values = {"session": session, "polls": listed(polls)}
        found = db.execute(f"SELECT DISTINCT source, person FROM {table} WHERE {column} IN ({among})", values)  # noqa: S608
        for row in found.fetchall():
            if not row["person"].startswith(GONE):
                db.execute(
                    f"""
                    UPDATE {table} SET person = :gone{name}
                    WHERE source = :source AND person = :id AND {column} IN ({among})
                    """,  # noqa: S608 (constants)
                    {
                        **values,
                        "gone": names[row["source"], row["person"]],
                        "source": row["source"],
                        "id": row["person"],
                    },
                )
    _unheard(db, None, here)
    for row in db.execute("SELECT * FROM deliveries WHERE session = ?", (session,)).fetchall():
        address = address_of(row["address"])
        gone = alone.get((address.connector, address.chat), "")
        whose = address.user or (address.chat if address.private else "")
        if not gone and whose and not whose.startswith(GONE):  # also of who wrote on another evening, or only "stop"
            gone = names[address.connector, whose]
        if gone:
            _unaddress(db, row, gone_key(row["key"], address, gone, row["id"]), gone)
        elif address.user.startswith(GONE):  # it may have waited for others in a group, who are forgotten now
            _unaddress(db, row, row["key"], address.user)
        else:  # to a group as a whole, or to the staff
            waits = row["state"] == "waiting"
            now = (scrubbing.text(row["text"]), row["poll"]) if waits else ("", None)
            db.execute("UPDATE deliveries SET text = ?, poll = ? WHERE id = ?", (*now, row["id"]))
    _links_before(db, names)
    for row in db.execute("SELECT id, what, who, change FROM actions WHERE session = ?", (session,)).fetchall():
        change = {**json.loads(row["change"]), "deliveries": []}
        if row["what"] == "not_answered":  # the one act of the audience
            change["who"] = f"{row['who'].partition(':')[0]}:{REMOVED}"
        for one in (one for pair in change.get("duties", ()) for one in pair):
            one["text"] = scrubbing.text(one["text"])
        db.execute(
            "UPDATE actions SET who = ?, change = ? WHERE id = ?",
            (change["who"], json.dumps(change, ensure_ascii=False), row["id"]),
        )
    _unquote(db, scrubbing, here)
    _unpromote(db, scrubbing, here)
    touch(db, session, (row["question"] for row, _ in said if row["question"] is not None))
    return len(said)


def _called(db: Database, session: str) -> list[str]:
    """What the audience of a session is called."""
    rows = db.execute(
        """
        SELECT author_name AS name FROM messages WHERE session = :session
        UNION SELECT v.name FROM votes v JOIN questions q ON q.id = v.question WHERE q.session = :session
        """,
        {"session": session},
    )
    return [row["name"] for row in rows if row["name"].strip()]


def _unsaid(db: Database, session: str, before: Iterable[Row]) -> list[str]:
    """What was asked in a session and stands nowhere in it any more. `before`: its messages as they were."""
    rows = db.execute(
        """
        SELECT text FROM messages WHERE session = :session
        UNION SELECT title FROM questions WHERE session = :session
        UNION SELECT original FROM questions WHERE session = :session
        """,
        {"session": session},
    )
    stays = {row["text"] for row in rows}
    asked = dict.fromkeys(row["text"] for row in before if row["asked"])
    return [text for text in asked if stays.isdisjoint((text, title_of(text)))]


def _links_before(db: Database, names: dict[Named, str]) -> None:
    """Who was one human on this evening stays one, under the new names; whoever nothing else is known of is not linked
    any more, and so is two afterwards where the two chats had never met on one evening."""
    for row in db.execute("SELECT * FROM links").fetchall():
        person, owner = (row["source"], row["person"]), (row["owner_source"], row["owner"])
        if person in names and owner in names:
            db.execute(
                "INSERT INTO links VALUES (?, ?, '', ?, ?) ON CONFLICT DO NOTHING",
                (person[0], names[person], owner[0], names[owner]),
            )
        for one in (person, owner):
            if one in names and not _still_there(db, *one):
                db.execute(
                    "DELETE FROM links WHERE (source, person) = (?, ?) OR (owner_source, owner) = (?, ?)", (*one, *one)
                )
                db.execute("DELETE FROM link_codes WHERE (owner_source, owner) = (?, ?)", one)
    for one in names:
        if not _still_there(db, *one):
            db.execute("DELETE FROM optouts WHERE source = ? AND person = ?", one)


def _still_there(db: Database, source: str, id: str) -> bool:
    asked = "SELECT 1 FROM messages WHERE source = ?1 AND author = ?2"
    voted = "SELECT 1 FROM votes WHERE source = ?1 AND person = ?2"
    return db.execute(f"{asked} UNION ALL {voted} LIMIT 1", (source, id)).fetchone() is not None


def wipe(db: SqliteDatabase) -> bool:
    """Leave no byte of what was deleted in the file or its log. Outside of any transaction.

    False where somebody still reads what was there before, as a backup does: until they are done the log holds it, and
    it is to be cut (`cut_log`) again.
    """
    cut_log(db)
    db.conn.execute("VACUUM")
    return cut_log(db)


def cut_log(db: SqliteDatabase) -> bool:
    """Whether the log could be cut. It hardly waits for readers, for all writing would wait with it."""
    patience = db.conn.execute("PRAGMA busy_timeout").fetchone()[0]
    db.conn.execute("PRAGMA busy_timeout = 100")  # milliseconds
    try:
        return not db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.conn.execute(f"PRAGMA busy_timeout = {int(patience)}")
