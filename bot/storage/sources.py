"""How the sources are and were, as SQL."""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from bot.accounts import Actor
from bot.model import Feed, Outage, SourceHealth, SourceReport, SourceState
from bot.storage.database import Database, Row, upsert
from bot.storage.people import note


def keep(db: Database, healths: Sequence[SourceHealth], outages: Sequence[Outage]) -> None:
    db.executemany(
        """
        INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (source) DO UPDATE SET state = excluded.state, since = excluded.since,
            alive_at = excluded.alive_at, connects = excluded.connects, trouble = excluded.trouble,
            chat_minute = excluded.chat_minute, chat_hour = excluded.chat_hour,
            minute_limit = excluded.minute_limit, hour_limit = excluded.hour_limit,
            watched_since = excluded.watched_since
        """,
        [
            (
                *(h.source, h.state, h.since, h.alive_at, h.connects, h.trouble, h.chat_minute, h.chat_hour),
                *(*h.chat_limits, h.watched_since),
            )
            for h in healths
        ],
    )
    db.executemany(
        """
        INSERT INTO outages VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (source, began) DO UPDATE SET ended = excluded.ended, why = excluded.why, filled = excluded.filled
        """,
        [(o.source, o.began, o.ended, o.why, o.filled) for o in outages],
    )


def keep_feed(db: Database, feed: Feed, by: Actor, now: float) -> None:
    upsert(db, "feeds", ("source",), asdict(feed))
    note(db, by, "feed", f"{feed.source} → {feed.session}", (), now)


def feeds(db: Database) -> list[Feed]:
    return [Feed(**dict(row)) for row in db.execute("SELECT * FROM feeds ORDER BY source")]


OPEN = 60.0
"""Seconds for which the newest messages are counted anew each time: of several processes one may commit an earlier id
later."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many messages each source brought up to the id `until`, and when its last one was said. None is ever deleted,
    so these need not be counted again. `newest` was the last id at the time `at`."""

    until: int = 0
    newest: int = 0
    at: float = 0.0
    heard: Mapping[str, tuple[int, float]] = field(default_factory=dict)


def count(db: Database, known: Counted, now: float) -> Counted:
    """All but the newest, see `OPEN`; `now` only grows."""
    if now - known.at < OPEN:
        return known
    newest = db.execute("SELECT COALESCE(MAX(id), 0) AS newest FROM messages").fetchone()["newest"]
    return Counted(known.newest, newest, now, _heard(db, known, known.newest))


def reports(db: Database, known: Counted) -> list[SourceReport]:
    """All that there are and were; of the messages up to `known.until` nothing is read."""
    heard = _heard(db, known)
    outages: dict[str, list[Outage]] = defaultdict(list)
    for row in db.execute("SELECT * FROM outages ORDER BY began"):
        one = Outage(row["source"], row["began"], row["ended"], row["why"], bool(row["filled"]))
        outages[one.source].append(one)
    found = []
    for row in db.execute("SELECT * FROM sources ORDER BY source"):
        messages, last_at = heard.get(row["source"], (0, None))
        found.append(SourceReport(_health(row), messages, last_at, tuple(outages[row["source"]])))
    return found


def _heard(db: Database, known: Counted, until: int = sys.maxsize) -> dict[str, tuple[int, float]]:
    found = dict(known.heard)
    rows = db.execute(
        """
        SELECT source, COUNT(*) AS messages, MAX(at) AS last_at FROM messages WHERE id > ? AND id <= ? AND part = 1
        GROUP BY source
        """,
        (known.until, until),
    )
    for row in rows:
        messages, last_at = found.get(row["source"], (0, row["last_at"]))
        found[row["source"]] = (messages + row["messages"], max(last_at, row["last_at"]))
    return found


def _health(row: Row) -> SourceHealth:
    return SourceHealth(
        source=row["source"],
        state=SourceState(row["state"]),
        since=row["since"],
        alive_at=row["alive_at"],
        connects=row["connects"],
        trouble=row["trouble"],
        chat_minute=row["chat_minute"],
        chat_hour=row["chat_hour"],
        chat_limits=(row["minute_limit"], row["hour_limit"]),
        watched_since=row["watched_since"],
    )
