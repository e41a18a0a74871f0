"""What is to be said, as SQL."""

import json
from collections.abc import Collection, Iterable, Sequence

from bot.model import Delivery
from bot.reach import CUT_OFF, SILENCE
from bot.storage.database import Database
from bot.storage.rows import delivery_of, delivery_row

_SILENCED = f"(substr(deliveries.error, 1, {len(SILENCE)}) = '{SILENCE}')"
"""Its chat wants silence."""

_HEARD = "(deliveries.heard = :words AND deliveries.attempts = 0 AND deliveries.state != 'sending')"
"""These words were the last that its chat heard, and no others were tried since."""


_NEVER = 1e15
"""The `not_before` of what is being sent and was given up meanwhile."""

_GIVEN_UP = f"(state = 'sending' AND not_before = {_NEVER})"

_GIVE_UP = f"""
    UPDATE deliveries SET not_before = CASE state WHEN 'sending' THEN {_NEVER} ELSE not_before END,
        state = CASE state WHEN 'sending' THEN state ELSE 'failed' END, error = ?
    WHERE state IN ('waiting', 'sending')
"""  # noqa: S608 (constants)


def deliver(db: Database, deliveries: Sequence[Delivery]) -> None:
    """Add, or by key reword: other words wait again from the first attempt and keep `sent_id`; same words change
    nothing, unless it was given up or taken back before.

    What is waiting keeps its earlier time, so that constant rewording cannot hold it back for ever; and what its chat
    wanted to wait with keeps that time.
    """
    db.executemany(
        f"""
        INSERT INTO deliveries (key, session, address, text, buttons, not_before, state, attempts, sent_id, error,
            poll, due_at)
        VALUES (:key, :session, :address, :text, :buttons, :not_before, :state, :attempts, :sent_id, :error, :poll,
            :not_before)
        ON CONFLICT (key) DO UPDATE SET address = excluded.address, text = excluded.text, buttons = excluded.buttons,
            poll = excluded.poll, due_at = excluded.due_at,
            not_before = CASE
                WHEN deliveries.state != 'waiting' OR (excluded.not_before < deliveries.not_before AND NOT {_SILENCED})
                THEN excluded.not_before ELSE deliveries.not_before END,
            error = CASE WHEN deliveries.state = 'waiting' AND {_SILENCED} AND NOT {_HEARD} THEN deliveries.error
                ELSE '' END,
            state = CASE WHEN {_HEARD} THEN 'sent' ELSE 'waiting' END, attempts = 0
        WHERE deliveries.text != excluded.text OR deliveries.buttons != excluded.buttons
            OR deliveries.state = 'failed'
        """,  # noqa: S608 (constants)
        [delivery_row(each) for each in deliveries],
    )
    db.executemany(
        f"""
        UPDATE deliveries SET not_before = :not_before, error = '' WHERE key = :key AND text = :text AND {_GIVEN_UP}
        """,  # noqa: S608 (a constant)
        [delivery_row(each) for each in deliveries],
    )


def deliver_once(db: Database, deliveries: Sequence[Delivery]) -> None:
    """Add those whose key is new. What came again was answered already, in the words of that time."""
    known = "SELECT 1 FROM deliveries WHERE key = ?"
    deliver(db, [each for each in deliveries if db.execute(known, (each.key,)).fetchone() is None])


def due(db: Database, now: float, limit: int, but: Collection[str]) -> list[Delivery]:
    """Nothing for a chat that wants silence: it does not know that the program died meanwhile."""
    rows = db.execute(
        f"""
        SELECT * FROM deliveries WHERE state = 'waiting' AND not_before <= :now AND ({_CHAT}) NOT IN (
            SELECT {_CHAT} FROM deliveries WHERE state = 'waiting' AND not_before > :now AND {_SILENCED}
        ) AND json_extract(address, '$.connector') NOT IN (SELECT value FROM json_each(:but)) ORDER BY id LIMIT :limit
        """,  # noqa: S608 (a constant)
        {"now": now, "limit": limit, "but": json.dumps(list(but))},
    )
    return [delivery_of(row) for row in rows]


_CHAT = "json_extract(address, '$.connector'), json_extract(address, '$.chat')"


def settle(db: Database, delivery: Delivery) -> bool:
    """Write what becomes of what waits in these words, or what became of what is being sent; whether it was there to be
    written. A reworded row keeps waiting and learns `sent_id`, and one that was given up meanwhile is not begun, nor
    tried again. What is being sent is always in these words, but for what was forgotten of them since. What was sent is
    kept as heard either way."""
    row = delivery_row(delivery)
    written = db.execute(
        f"""
        UPDATE deliveries SET state = CASE WHEN :state = 'waiting' AND {_GIVEN_UP} THEN 'failed' ELSE :state END,
            error = CASE WHEN :state = 'waiting' AND {_GIVEN_UP} THEN error ELSE :error END,
            attempts = :attempts, not_before = :not_before, sent_id = :sent_id,
            heard = CASE :state WHEN 'sent' THEN :words WHEN 'sending' THEN '' ELSE heard END
        WHERE key = :key AND ((state = 'sending' AND (:state != 'sending' OR attempts = :attempts))
            OR (state = 'waiting' AND text = :text AND buttons = :buttons))
        """,  # noqa: S608 (constants)
        row,
    )
    if written.rowcount == 0:
        db.execute(
            """
            UPDATE deliveries SET sent_id = :sent_id, heard = CASE WHEN :state = 'sent' THEN :words ELSE heard END
            WHERE key = :key AND :sent_id != ''
            """,
            row,
        )
    return written.rowcount > 0


def withhold(db: Database, delivery: Delivery, why: str) -> None:
    """Give it up while it waits in these words. What is being sent is not tried again where that fails."""
    db.execute(f"{_GIVE_UP} AND key = ? AND text = ?", (why, delivery.key, delivery.text))


def drop(db: Database, session: str, begins: str, why: str) -> None:
    """The same of whatever stands under a key that begins so."""
    db.execute(f"{_GIVE_UP} AND session = ? AND instr(key, ?) = 1", (why, session, begins))


def drop_these(db: Database, keys: Iterable[str], why: str) -> None:
    """The same of what stands under one of these keys."""
    db.executemany(f"{_GIVE_UP} AND key = ?", [(why, key) for key in keys])


def take_up(db: Database, session: str, begins: str, why: str) -> None:
    """What was given up so waits again, and what is being sent is tried again as any other."""
    db.execute(
        """
        UPDATE deliveries SET error = '', not_before = CASE state WHEN 'sending' THEN 0 ELSE not_before END,
            attempts = CASE state WHEN 'sending' THEN attempts ELSE 0 END,
            state = CASE state WHEN 'sending' THEN state ELSE 'waiting' END
        WHERE session = ? AND state IN ('failed', 'sending') AND error = ? AND instr(key, ?) = 1
        """,
        (session, why, begins),
    )


def of_session(db: Database, session: str) -> list[Delivery]:
    rows = db.execute("SELECT * FROM deliveries WHERE session = ? ORDER BY id", (session,))
    return [delivery_of(row) for row in rows]


def answering(db: Database, session: str) -> list[Delivery]:
    """Of a session, what answers its questions."""
    rows = db.execute(
        """
        SELECT * FROM deliveries WHERE session = ? AND substr(key, 1, 7) IN ('answer:', 'course:') ORDER BY id
        """,
        (session,),
    )
    return [delivery_of(row) for row in rows]


_CUT_OFF = f"""
    UPDATE deliveries SET state = CASE WHEN {_GIVEN_UP} THEN 'failed' ELSE 'waiting' END,
        error = CASE WHEN {_GIVEN_UP} THEN error ELSE ? END,
        not_before = CASE WHEN {_GIVEN_UP} THEN due_at ELSE not_before END
    WHERE state = 'sending'
"""  # noqa: S608 (a constant)
"""What was being sent waits again, but for what was given up meanwhile."""

_SENDING = "state = 'sending' AND json_extract(address, '$.connector') = ?"


def being_sent(db: Database, connector: str) -> frozenset[str]:
    """The sessions of what is being sent there."""
    rows = db.execute(f"SELECT DISTINCT session FROM deliveries WHERE {_SENDING}", (connector,))  # noqa: S608
    return frozenset(row["session"] for row in rows.fetchall())


def send_again(db: Database, connector: str) -> None:
    """Once another process sends there, send again what was being sent at the end: said twice is better than never."""
    db.execute(f"{_CUT_OFF} AND json_extract(address, '$.connector') = ?", (CUT_OFF, connector))


def wait_again(db: Database) -> None:
    """The same for all of them, after a start of the one process that there is."""
    db.execute(_CUT_OFF, (CUT_OFF,))
