"""What was said after a backup was made waits in it, and must not be said again when it comes back.

The database that the backup takes the place of knows what it said; only what stands in both is taken over, for ids are
given again to other things: of what came in since, and of everything where the former database began anew.
"""

from pathlib import Path

from bot.forgetting import COUNTED
from bot.storage.copying import still
from bot.storage.forgetting_again import SAME, with_former

_WAITS = "deliveries.state IN ('waiting', 'sending')"

_SHARED = f"(SELECT m.session FROM main.messages m JOIN {SAME})"  # noqa: S608 (a constant)
"""The sessions that are the same in both, for a message of theirs is."""

_REST = "substr(deliveries.key, instr(deliveries.key, ':') + 1)"

_KNOWN = f"""
    CASE WHEN substr(deliveries.key, 1, instr(deliveries.key, ':') - 1) IN {COUNTED}
    THEN substr({_REST}, 1, instr({_REST}, ':') - 1) IN (
        SELECT q.id FROM main.questions q
        JOIN former.questions o ON o.id = q.id AND o.session = q.session AND o.at = q.at
    ) ELSE deliveries.session IN {_SHARED} END
"""  # noqa: S608 (constants)
"""What a key names is the same in both."""


def take_over_said(restored: Path, former: Path) -> int:
    """In `restored`, what `former` said is said, in its words, and what it has done after talks is done. How much waits
    of which `former` knows nothing. Nobody writes to either. Raises `StoreError` where one of them cannot be read."""
    with with_former(restored, former) as db, db.atomic():
        db.execute(
            f"""
            UPDATE deliveries SET text = f.text, buttons = f.buttons, poll = f.poll, not_before = f.not_before,
                state = f.state, attempts = f.attempts, sent_id = f.sent_id, error = f.error, heard = ''
            FROM former.deliveries f
            WHERE f.key = deliveries.key AND f.session = deliveries.session
                AND (f.state = 'sent' OR f.sent_id != '') AND deliveries.state != 'sent' AND ({_KNOWN})
            """  # noqa: S608 (constants)
        )
        db.execute(
            f"""
            INSERT INTO duties (session, name, status, text, at, who)
            SELECT session, name, status, text, at, who FROM former.duties
            WHERE status != 'open' AND session IN {_SHARED}
            ON CONFLICT (session, name) DO UPDATE SET status = excluded.status, text = excluded.text, at = excluded.at,
                who = excluded.who
            WHERE duties.status = 'open'
            """  # noqa: S608 (constants)
        )
        (count,) = db.execute(f"SELECT COUNT(*) FROM deliveries WHERE {_WAITS} AND NOT ({_KNOWN})").fetchone()  # noqa: S608
        return int(count)


def waiting(file: Path) -> int:
    """How much waits to be said in a database that nobody writes to."""
    with still(file) as db:
        (count,) = db.execute(f"SELECT COUNT(*) FROM deliveries WHERE {_WAITS}").fetchone()  # noqa: S608 (a constant)
        return int(count)
