"""Looks into the database and the files beside it, and writes nothing there."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # documented: the driver it found best

from bot.app.doctor.holdings import Mode
from bot.app.keeping import Place, look_through
from bot.errors import FloormicError, StoreError
from bot.model import LastLook
from bot.settings.secret import weakness_of
from bot.storage.connection import Failure, SqliteDatabase, connect, explained
from bot.storage.copying import Inside, damage, still
from bot.storage.forgetting import last_look
from bot.storage.migrations import steps
from knowledge.calibration import FILE, bundled_calibration, read_calibration
from knowledge.encoder import OURS, SHARED
from knowledge.logistic import CalibrationError

MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says. `newest`: Unix time of the newest message; `largest`: messages of the largest evening;
    `encoder`: the fingerprint of what made its vectors ("": none yet); `size` in bytes; `looked`: when it was last seen
    to what is to be forgotten."""

    inside: Inside
    pending: tuple[str, ...]
    newest: float | None
    largest: int
    sessions: frozenset[str]
    encoder: str
    size: int
    looked: LastLook | None


@contextmanager
def opened(place: Place) -> Iterator[SqliteDatabase]:
    """The database, whoever has it open. Raises `StoreError` where it cannot be read without a trace."""
    log, index = (place.database.with_name(place.database.name + end) for end in ("-wal", "-shm"))
    if place.runner:
        db = connect(place.database, reading=True)
        try:
            yield db
        finally:
            db.conn.close()
    elif not log.exists() or not log.stat().st_size:
        with still(place.database) as db:
            yield db
    elif index.exists():  # the program was killed: its log is read, and its index is not mended
        uri = f"{place.database.absolute().as_uri()}?mode=ro&readonly_shm=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            yield SqliteDatabase(connection, execute_plugins=False)
        finally:
            connection.close()
    else:
        raise StoreError("the log of the database was left without its index; start the program once, then look again")


def stored(place: Place) -> Stored | None:
    """None where there is no database yet. Raises `StoreError`."""
    if not place.database.exists():
        return None
    try:
        with opened(place) as db:
            names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            newest, largest, sessions, encoder = None, 0, frozenset[str](), ""
            if {"messages", "sessions"} <= names:
                newest = db.execute("SELECT MAX(at) FROM messages").fetchone()[0]
                row = db.execute(
                    "SELECT COUNT(*) AS n FROM messages GROUP BY session ORDER BY n DESC LIMIT 1"
                ).fetchone()
                largest = int(row[0]) if row else 0
                sessions = frozenset(str(row[0]) for row in db.execute("SELECT id FROM sessions"))
            if "encoder" in names and (row := db.execute("SELECT fingerprint FROM encoder").fetchone()):
                encoder = str(row[0])
            looked = last_look(db) if {"messages", "forgetting"} <= names else None
            applied = tuple(step.name for step in steps.applied(db))
            pending = tuple(step.name for step in steps.pending(db))
            size = sum(path.stat().st_size for path in place.data.glob(f"{place.database.name}*"))
            return Stored(Inside(applied, {}), pending, newest, largest, sessions, encoder, size, looked)
    except Failure as error:
        raise explained(error) from error


def damage_of(place: Place) -> str | None:
    """The first thing that is wrong with the whole database; "" for nothing, None where there is none."""
    if not place.database.exists():
        return None
    running = place.runner
    try:
        with opened(place) as db:
            found = damage(db)
    except Failure as error:
        found = str(error)
    if found and place.runner != running:  # it began or ended while we looked, and what was still was not
        return damage_of(place)
    return found


def modes(root: Path) -> list[Mode]:
    """Of every file below a folder, as far as they can be seen."""
    found = []
    with suppress(OSError):
        for at, path in enumerate(root.rglob("*")):
            if at > MOST_FILES:
                break
            if (mode := mode_of(path)) is not None and not path.is_symlink():
                found.append(mode)
    return found


def mode_of(path: Path) -> Mode | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return Mode(path, stat.S_IMODE(about.st_mode), about.st_uid)


def weakness_of_secret(place: Place) -> str | None:
    """Why the secret of the installation is none; "" for a good one, None where there is none."""
    try:
        return weakness_of(place.secret.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def wrong_with(backup: Path) -> str:
    """Reads a whole backup; why it cannot be relied on."""
    try:
        look_through(backup)
    except (FloormicError, OSError) as error:
        return str(error)
    return ""


def broken_model(model: str) -> str:
    """What is wrong with the files of the model, without loading it; "" for nothing, and where it is to be fetched."""
    folder = Path(str(files("knowledge") / "models" / "encoder")) if model in OURS else Path(model)
    if not folder.is_dir():
        return ""
    weights = sorted(folder.glob("**/*.safetensors"))
    named: set[str] = set()
    with suppress(OSError, ValueError, KeyError, AttributeError):
        named = set(json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))["weight_map"].values())
    for name in sorted(named):
        if not (folder / name).is_file():
            return f"{folder / name} is missing"
    if not weights and not list(folder.glob("**/*.bin")):
        return f"{folder} has no weights"
    for name in ("config.json", "tokenizer.json") if model in OURS else ():
        if not (folder / name).is_file():
            return f"{folder / name} is missing"
    return next((f"{path} is not whole" for path in weights if not _is_whole(path)), "")


def _is_whole(weights: Path) -> bool:
    """A safetensors file says at its beginning how long it is."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError), weights.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > os.fstat(stream.fileno()).st_size:
            return False
        head = json.loads(stream.read(length))
        ends = [one["data_offsets"][1] for name, one in head.items() if name != "__metadata__"]
        return bool(os.fstat(stream.fileno()).st_size == 8 + length + max(ends, default=0))
    return False


def broken_calibration(data: Path) -> str:
    """The file of an installation's own calibration that cannot be used; "" where it can, or there is none."""
    own = data / FILE
    try:
        if own.exists():
            read_calibration(own)
    except CalibrationError:
        return str(own)
    return ""


def other_vectors(model: str, encoder: str) -> bool:
    """Whether the stored vectors, of the encoder of this fingerprint ("" for none), are not of the model, as far as
    that can be told without loading it: ours beside another one (but for a copy of ours), or others beside ours."""
    if not encoder or model.startswith(SHARED):  # another process may have any
        return False
    return (encoder == bundled_calibration().fingerprint) != (model in OURS)


def is_calibrated(model: str, data: Path, encoder: str) -> bool | None:
    """Whether a calibration fits the model, as far as that can be told without loading it, or asking who has it."""
    own = data / FILE
    try:
        fitting = read_calibration(own).fingerprint if own.exists() else ""
    except CalibrationError:
        return False
    if model in OURS:
        return True
    if model.startswith(SHARED):
        return True if encoder and encoder in (fitting, bundled_calibration().fingerprint) else None
    if not fitting:
        return False
    return fitting == encoder if encoder else None
