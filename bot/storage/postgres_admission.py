"""Who may use a PostgreSQL database: processes of one installation, with clocks that agree, and none while it is moved.

Nothing here is written but the mark of the installation that founds it.
"""

import hashlib
import logging
import time
from collections.abc import Callable

from bot.errors import StoreBusy, StoreError
from bot.storage.postgres_connection import PostgresDatabase

log = logging.getLogger(__name__)

SCHEMA = """
    CREATE TABLE installation (one boolean PRIMARY KEY DEFAULT true CHECK (one), mark text COLLATE "C" NOT NULL);
"""
"""The one row tells whose the database is: `mark`, see `mark_of`."""

OPEN = 0x6F70656E
"""Advisory lock: held shared by each process that has the store open, and alone by whoever moves the database."""

LEAVING = 1.0
"""Seconds that the server may need to notice that a connection was closed, our own one before this among them."""

ADVICE = "set both by the network's time (timedatectl set-ntp true)"

DOUBTFUL = 2.0
WRONG = 30.0
"""Seconds by which the clocks of a process and the database may differ before it is told, and before it is refused."""


def mark_of(secret: str) -> str:
    """What tells an installation: its processes sign cookies and links with one secret, so they have it in common
    whatever machine they run on. The secret does not follow from it."""
    return hashlib.sha256(b"floormic installation\0" + secret.encode()).hexdigest()[:32]


def belongs(db: PostgresDatabase, mark: str) -> bool | None:
    """Whether the database is of this installation; None where nobody founded it yet."""
    row = db.execute("SELECT mark FROM installation").fetchone()
    return None if row is None else bool(row["mark"] == mark)


def refuse_foreign(db: PostgresDatabase, mark: str) -> None:
    """Raises `StoreError` where the database is of another installation; it may be of any schema, or of none."""
    if "installation" in db.columns() and belongs(db, mark) is False:
        raise StoreError(foreign())


def enter(db: PostgresDatabase, mark: str) -> None:
    """Found the database for this installation, unless that was done. Raises `StoreError` where another one did."""
    db.execute("INSERT INTO installation (mark) VALUES (?) ON CONFLICT DO NOTHING", (mark,))
    refuse_foreign(db, mark)


def foreign() -> str:
    return (
        "this database belongs to another installation, whose `secret` is another one than in the data folder here; "
        "a second process of the same installation needs a copy of that file, another installation a database of its "
        "own (where the secret was made anew on purpose, stop all processes and run in the database: "
        "DELETE FROM installation)"
    )


def claim(db: PostgresDatabase) -> None:
    """Have the database alone, as long as this connection lasts. Raises `StoreBusy` where a process uses it (after
    `LEAVING` seconds), and while one that just went may still come back."""
    until = time.monotonic() + LEAVING
    while not db.execute("SELECT pg_try_advisory_lock(?) AS ours", (OPEN,)).fetchone()["ours"]:
        if time.monotonic() > until:
            raise StoreBusy(f"the database is open in another floormic (processes: {users(db)}); stop it first")
        time.sleep(0.05)
    if "leases" not in db.columns():
        return
    for row in db.execute("SELECT name FROM leases WHERE until > clock_timestamp() ORDER BY name LIMIT 1"):
        raise StoreBusy(f"another floormic has just held {row['name']}; stop it, and try again in ten seconds")


def users(db: PostgresDatabase) -> int:
    """How many processes use the database now; this one may be among them."""
    row = db.execute(
        """
        SELECT COUNT(*) AS n FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND objid = ?
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """,
        (OPEN,),
    ).fetchone()
    return int(row["n"])


def ahead(db: PostgresDatabase, clock: Callable[[], float] = time.time) -> float:
    """Seconds that our clock is ahead of the database's, as near as the way there allows: of a few tries the one that
    was answered soonest."""
    tries = []
    for _ in range(3):
        before = clock()
        theirs = db.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::double precision AS now").fetchone()["now"]
        after = clock()
        tries.append((after - before, (before + after) / 2 - theirs))
    return float(min(tries)[1])


def check_clock(difference: float) -> None:
    """Says in the log that the clocks differ. Raises `StoreError` where they do so by too much to go on."""
    way = "ahead of" if difference > 0 else "behind"
    told = f"the clock of this machine is {abs(difference):.1f} s {way} the database's; " + ADVICE
    if abs(difference) > WRONG:
        raise StoreError(f"{told} and start again")
    if abs(difference) > DOUBTFUL:
        log.warning("%s", told)
