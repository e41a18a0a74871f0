"""What was said after a backup was made waits in it, and must not be said again when it comes back.

The database that the backup takes the place of knows what it said; only what stands in both is taken over, for ids of
what came in since are given again to other things.
"""

from pathlib import Path

from bot.storage.copying import still
from bot.storage.forgetting_again import with_former


def take_over_said(restored: Path, former: Path) -> None:
    """In `restored`, what `former` said is said, in its words, and what it has done after talks is done. Nobody writes
    to either. Raises `StoreError` where one of them cannot be read."""
    with with_former(restored, former) as db, db.atomic():
        db.execute(
            """
            UPDATE deliveries SET text = f.text, buttons = f.buttons, poll = f.poll, not_before = f.not_before,
                state = f.state, attempts = f.attempts, sent_id = f.sent_id, error = f.error, heard = ''
            FROM former.deliveries f
            WHERE f.key = deliveries.key AND f.session = deliveries.session
                AND (f.state = 'sent' OR f.sent_id != '') AND deliveries.state != 'sent'
            """
        )
        db.execute(
            """
            INSERT INTO duties (session, name, status, text, at, who)
            SELECT session, name, status, text, at, who FROM former.duties
            WHERE status != 'open' AND session IN (SELECT id FROM main.sessions)
            ON CONFLICT (session, name) DO UPDATE SET status = excluded.status, text = excluded.text, at = excluded.at,
                who = excluded.who
            WHERE duties.status = 'open'
            """
        )


def waiting(file: Path) -> int:
    """How much waits to be said in a database that nobody writes to."""
    with still(file) as db:
        (count,) = db.execute("SELECT COUNT(*) FROM deliveries WHERE state IN ('waiting', 'sending')").fetchone()
        return int(count)
