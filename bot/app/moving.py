"""`floormic move`: a whole installation from SQLite to PostgreSQL, or back. The source is only read; the target counts
once every table was found there as it was here."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.keeping import Place
from bot.errors import BadInput, NotFound, StoreError
from bot.settings.secret import keep_secret
from bot.storage import connection as sqlite
from bot.storage import moving, postgres_migrations
from bot.storage import postgres_connection as postgres
from bot.storage.connection import SqliteDatabase
from bot.storage.copying import Inside, copy, damage
from bot.storage.migrations import migrate, steps
from bot.storage.moving import Moved, Side, Told, is_machinery, occupied
from bot.storage.postgres_address import is_postgres, parts, shown
from bot.storage.postgres_admission import claim, enter, mark_of, refuse_foreign

PATIENCE = 60.0
"""Seconds that one statement may take; a batch of rows is one."""

FORMS = "sqlite:PATH or postgresql://USER:PASSWORD@HOST/NAME"


@dataclass(frozen=True, slots=True)
class Done:
    source: Path | str
    target: Path | str
    moved: Moved


def move(place: Place, source: str, target: str, told: Told = lambda done, of: None) -> Done:
    """Copy all that `source` holds into `target`; each is `sqlite:PATH` or `postgresql://…`, and they are of two kinds.
    The configuration only tells whose installation it is.

    Raises `StoreBusy` where the program runs on one of them, `NotFound` where the source is none, `BadInput` for a
    target that holds anything and for addresses that are none, and `StoreError` for whatever else is in the way. Then
    the source is as it was and the target holds nothing.
    """
    here, there = _address(source), _address(target)
    if isinstance(here, Path) == isinstance(there, Path):
        raise BadInput(
            "one of the two is SQLite and the other one PostgreSQL; a file is moved by `floormic backup`, and from "
            "PostgreSQL to PostgreSQL by pg_dump"
        )
    mark = mark_of(keep_secret(place.secret))
    try:
        with _source(here, mark) as reading, _target(there, mark) as writing:
            moved = moving.transfer(reading, writing, told)
    except sqlite.Failure as error:
        raise sqlite.explained(error) from error
    except postgres.Failure as error:
        raise postgres.explained(error) from None
    return Done(here, there, moved)


def told_move(done: Done, place: Place) -> Iterator[str]:
    """The lines that say what was done, and what is to be done."""
    counts = {name: seen.rows for name, seen in done.moved.tables.items()}
    yield (
        f"moved: messages {counts['messages']}, questions {counts['questions']}, rows {done.moved.rows} in "
        f"{len(counts)} tables; numbers and checksums are the same on both sides"
    )
    if done.moved.mended:
        yield f"texts with a NUL, which PostgreSQL cannot hold; it is U+FFFD now: {done.moved.mended}"
    if isinstance(done.target, Path):
        yield "Take `database` out of the configuration, and the variable FLOORMIC_DATABASE away."
        if done.target != place.database:
            yield f"Put {done.target} in the place of {place.database}."
        yield f"{shown(str(done.source))} stays as it is; drop it when you miss nothing."
    else:
        yield f'Put into the configuration, before any table: database = "{shown(done.target)}"'
        if parts(done.target).get("password"):
            yield (
                'Its password belongs into it; better write database_env = "FLOORMIC_DATABASE" and put the whole '
                "address into that variable."
            )
        yield f"{done.source} stays as it is; delete it when you miss nothing."
    yield "Next: `floormic doctor`, then `floormic run`."


def _address(said: str) -> Path | str:
    if is_postgres(said):
        parts(said)
        return said
    kind, colon, path = said.partition(":")
    if colon and kind != "sqlite":
        raise BadInput(f"a database is named as {FORMS}")
    path = path.removeprefix("//") if colon else said
    if not path:
        raise BadInput(f"a database is named as {FORMS}")
    return Path(path).expanduser().absolute()


@contextmanager
def _source(address: Path | str, mark: str) -> Iterator[Side]:
    """The source, which nobody else has open, in one state and of the newest schema."""
    if isinstance(address, Path):
        if not address.is_file():
            raise NotFound(f"there is no database at {address}")
        with _held(address), _newest(address) as lite:
            lite.execute("BEGIN")
            yield lite
        return
    with closing(postgres.connect(address, patience=PATIENCE)) as post:
        done = set(postgres_migrations.applied(post))
        if not done:
            raise NotFound(f"{shown(address)} holds no installation")
        if done != set(postgres_migrations.STEPS):
            raise StoreError(
                f"{shown(address)} is of another version than this floormic; start the newer of the two on it once, "
                "then move it with that one"
            )
        refuse_foreign(post, mark)
        claim(post)
        post.script("SET idle_in_transaction_session_timeout = 0")  # it waits while the target is compared
        post.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield post


@contextmanager
def _newest(file: Path) -> Iterator[SqliteDatabase]:
    """A file that is only read; where an older program wrote it, a copy of it that is brought up to date."""
    with ExitStack() as stack:
        lite = stack.enter_context(_opened(file, reading=True))
        found = Inside(tuple(step.name for step in steps.applied(lite)), {})
        if not found.schema:
            raise NotFound(f"{file} holds no installation")
        if found.newer:
            raise StoreError(
                f"{file} was written by a newer floormic (it has {', '.join(found.newer)}); update floormic"
            )
        if wrong := damage(lite):
            raise StoreError(f"{file}: the database is damaged ({wrong}); restore a backup of it first")
        if steps.pending(lite):
            folder = stack.enter_context(TemporaryDirectory(prefix=".floormic-move-", dir=file.parent))
            copy(file, Path(folder, file.name))
            lite = stack.enter_context(_opened(Path(folder, file.name)))
            migrate(lite)
        yield lite


@contextmanager
def _target(address: Path | str, mark: str) -> Iterator[Side]:
    """An empty database of the newest schema, in a transaction that counts where nothing was raised."""
    if isinstance(address, Path):
        address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(address), _founded(address) as lite:
            lite.execute("BEGIN IMMEDIATE")
            yield lite
            lite.execute("COMMIT")
        return
    with closing(postgres.connect(address, patience=PATIENCE)) as post:
        refuse_foreign(post, mark)
        claim(post)
        _require_empty(post, shown(address), bool(postgres_migrations.applied(post)))
        postgres_migrations.migrate(post)
    with closing(postgres.connect(address, patience=PATIENCE)) as post:  # this one knows what the schema brought
        claim(post)
        post.script("SET idle_in_transaction_session_timeout = 0")
        post.script("BEGIN")
        yield post
        enter(post, mark)
        post.script("COMMIT")


@contextmanager
def _founded(file: Path) -> Iterator[SqliteDatabase]:
    """A file of the newest schema. One that was not there before is gone where something is raised."""
    there = file.exists() and file.stat().st_size > 0
    if there:
        with _opened(file, reading=True) as lite:
            _require_empty(lite, str(file), bool(steps.applied(lite)))
    try:
        with _opened(file) as lite:
            migrate(lite)
            yield lite
    except BaseException:
        for end in ("", "-wal", "-shm") if not there else ():
            file.with_name(file.name + end).unlink(missing_ok=True)
        raise


@contextmanager
def _opened(file: Path, *, reading: bool = False) -> Iterator[SqliteDatabase]:
    db = sqlite.connect(file, reading=reading)
    with closing(db.conn):
        yield db


@contextmanager
def _held(file: Path) -> Iterator[None]:
    held = sqlite.claim(file)
    try:
        yield
    finally:
        os.close(held)


def _require_empty(db: Side, name: str, ours: bool) -> None:
    tables = sorted(table for table in db.columns() if not is_machinery(table))
    if table := (tables[0] if tables and not ours else occupied(db)):
        raise BadInput(f"{name} holds something already (table {table}); name a database that is empty")
