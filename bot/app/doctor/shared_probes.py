"""Looks at a PostgreSQL database that several processes share, and writes nothing there."""

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass

from bot.app.keeping import Place
from bot.model import Backlog, LastLook
from bot.storage.backlogs import backlog
from bot.storage.forgetting import last_look
from bot.storage.postgres_address import shown
from bot.storage.postgres_admission import ahead, belongs, mark_of, users
from bot.storage.postgres_connection import Failure, PostgresDatabase, connect, explained
from bot.storage.postgres_migrations import STEPS, applied


@dataclass(frozen=True, slots=True)
class Shared:
    """What the database says. `place`: its address without the password; `vectors`: the version of pgvector there ("":
    it is not set up); `ahead`: seconds that our clock is before its clock; `ours`: whether it belongs to this
    installation (None: nobody founded it yet); `users`: processes that have it open; `leases`: who holds each that
    stands, as one process calls itself; `backlog` None in a schema that has none. The rest is as in `Stored`."""

    place: str
    version: str
    size: int
    vectors: str
    schema: tuple[str, ...]
    ahead: float
    ours: bool | None
    users: int
    leases: Mapping[str, str]
    backlog: Backlog | None
    newest: float | None
    largest: int
    sessions: frozenset[str]
    encoder: str
    looked: LastLook | None

    @property
    def newer(self) -> list[str]:
        return sorted(set(self.schema) - set(STEPS))

    @property
    def pending(self) -> list[str]:
        return [name for name in STEPS if name not in self.schema]


def shared(place: Place, now: float, patience: float) -> Shared:
    """`patience`: seconds for each question to it. Raises `StoreError` where it cannot be asked."""
    mark = ""
    with suppress(OSError, UnicodeDecodeError):
        mark = mark_of(place.secret.read_text("ascii").strip())
    try:
        with closing(connect(place.postgres, patience=patience)) as db:
            difference = ahead(db)
            db.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return _read(db, shown(place.postgres), mark, difference, now)
    except Failure as error:
        raise explained(error) from error


def _read(db: PostgresDatabase, place: str, mark: str, difference: float, now: float) -> Shared:
    tables = set(db.columns())
    about = db.execute(
        """
        SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size,
            COALESCE((SELECT extversion FROM pg_extension WHERE extname = 'vector'), '') AS vectors
        """
    ).fetchone()
    newest = largest = None
    sessions: frozenset[str] = frozenset()
    leases = encoder = None
    if "leases" in tables:
        rows = db.execute("SELECT name, owner FROM leases WHERE until > clock_timestamp() AND name NOT LIKE 'ready:%'")
        leases = {row["name"]: row["owner"] for row in rows}
    if "messages" in tables:
        newest = db.execute("SELECT MAX(at) FROM messages").fetchone()[0]
        largest = db.execute("SELECT COUNT(*) AS n FROM messages GROUP BY session ORDER BY n DESC LIMIT 1").fetchone()
        sessions = frozenset(row["id"] for row in db.execute("SELECT id FROM sessions"))
        encoder = db.execute("SELECT fingerprint FROM encoder").fetchone()
    return Shared(
        place=place,
        version=about["version"],
        size=about["size"],
        vectors=about["vectors"],
        schema=tuple(applied(db)),
        ahead=difference,
        ours=belongs(db, mark) if "installation" in tables and mark else None,
        users=users(db),
        leases=leases or {},
        backlog=backlog(db, now) if {"messages", "deliveries"} <= tables else None,
        newest=newest,
        largest=largest["n"] if largest else 0,
        sessions=sessions,
        encoder=encoder["fingerprint"] if encoder else "",
        looked=last_look(db) if "forgetting" in tables else None,
    )
