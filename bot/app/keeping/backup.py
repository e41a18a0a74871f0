"""`floormic backup`: everything of an installation as one file, taken beside the program that runs.

The database comes first, as it stood when the command began; the files that it names were there then, and are never
changed afterwards. The file has its name only once it was read back from the disk and found whole.
"""

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # documented: the driver it found best

from bot.app.keeping.archive import Told, Writing, look_through, make_folder, share, sync_folder
from bot.app.keeping.manifest import FORMAT, Manifest
from bot.app.keeping.place import Place
from bot.errors import BadInput, NotFound, StoreBusy, StoreError
from bot.storage.copying import Inside, copy, inspect

NAMES = re.compile(r"floormic-(\d{8}T\d{6}Z)\.tar")
PART = ".floormic-part"
SPARE = 16 << 20
"""Bytes that must be left on the disk beside a backup."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """`removed`: older ones that `keep` was too small for."""

    file: Path
    size: int
    manifest: Manifest
    removed: tuple[Path, ...]


def back_up(
    place: Place, target: Path | None = None, *, with_secrets: bool = True, keep: int = 0, told: Told = lambda *_: None
) -> BackedUp:
    """`target`: a folder, in which the file gets its name by the time, or a file that is not there yet; None is the
    configured folder. `keep`: how many of its naming stay in the folder, 0 all.

    Raises `NotFound` where there is no database, `BadInput` for a target that cannot be used and for PostgreSQL,
    `StoreBusy` while another backup is made there, and `StoreError` where the disk does not do it; then nothing of it
    is left.
    """
    if place.postgres:
        raise BadInput(
            "the database is PostgreSQL: keep copies of it with pg_dump --format=custom, and of the folder "
            f"{place.data} beside it, as docs/backup.md tells"
        )
    if not place.database.exists():
        raise NotFound(f"there is no database yet at {place.database}")
    began = time.time()
    folder, file = _target(place, target, began)
    if keep and not NAMES.fullmatch(file.name):
        raise BadInput("--keep removes older files of a folder; name the folder and not a file")
    with _alone(folder):
        if file.exists():
            raise BadInput(f"{file} is there already and is not overwritten; name another file")
        _require_room(place, folder)
        part = folder / f".{file.name}.{secrets.token_hex(4)}{PART}"
        try:
            manifest = _write(place, part, began, with_secrets, told)
            if look_through(part, share(told, 2, 3)) != manifest:
                raise StoreError(f"{part} does not read as it was written; look at the disk")
            os.rename(part, file)
            sync_folder(folder)
        except OSError as error:
            raise StoreError(f"the backup cannot be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)
            _database_of(part).unlink(missing_ok=True)
        removed = _prune(folder, keep)
    return BackedUp(file, file.stat().st_size, manifest, removed)


def backups_in(folder: Path) -> list[tuple[Path, float]]:
    """Those of our naming with the Unix time that they are of, the newest first."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if (named := NAMES.fullmatch(path.name)) and path.is_file():
                at = datetime.strptime(named[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                found.append((path, at.timestamp()))
    return sorted(found, key=lambda one: one[1], reverse=True)


def _target(place: Place, target: Path | None, began: float) -> tuple[Path, Path]:
    """The folder, which is made where it is only the configured one, and the file in it."""
    named = f"floormic-{datetime.fromtimestamp(began, UTC):%Y%m%dT%H%M%SZ}.tar"
    if target is None:
        try:
            make_folder(place.backups)
        except OSError as error:
            raise StoreError(f"the folder {place.backups} cannot be made: {error.strerror}") from error
        target = place.backups
    target = target.absolute()
    if target.is_dir():
        return target, target / named
    if not target.parent.is_dir():
        raise BadInput(f"there is no folder {target.parent}")
    return target.parent, target


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup a folder at a time; what an earlier one that was killed left there goes."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in folder.iterdir():
            if _is_part(path):
                path.unlink(missing_ok=True)
        yield
    except BlockingIOError as error:
        raise StoreBusy(f"another backup is being made in {folder}; wait until it is done") from error
    finally:
        os.close(held)


def _require_room(place: Place, folder: Path) -> None:
    """The database lies there twice for a moment: as a copy and in the archive."""
    log = place.database.with_name(place.database.name + "-wal")
    database = place.database.stat().st_size + (log.stat().st_size if log.exists() else 0)
    needed = 2 * database + sum(path.stat().st_size for _, path in _files(place, True)) + SPARE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"a backup needs about {needed >> 20} MB in {folder}, and {free >> 20} MB are free; make room or name "
            "another folder"
        )


def _write(place: Place, part: Path, began: float, with_secrets: bool, told: Told) -> Manifest:
    copied = _database_of(part)
    os.close(os.open(copied, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    copy(place.database, copied, share(told, 0, 3))
    found: Inside = inspect(copied)
    of = copied.stat().st_size
    done = 0

    def read(size: int) -> None:
        nonlocal done
        done += size
        share(told, 1, 3)(done, of)

    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as stream:
        archive = Writing(stream)
        database = f"data/{place.database.name}"
        archive.add(database, copied, read)
        copied.unlink()
        config = f"config/{place.config.name}" if place.config else ""
        for name, path in _files(place, with_secrets):
            with suppress(FileNotFoundError):  # an old course that went meanwhile
                archive.add(name, path)
        if config not in {one.name for one in archive.members}:
            config = ""
        manifest = Manifest(
            format=FORMAT,
            program=_program(),
            made_at=began,
            sqlite=sqlite3.sqlite_version,
            schema=found.schema,
            counts=dict(found.counts),
            folder=str(place.folder),
            data=str(place.data),
            config=config,
            database=database,
            secrets=with_secrets,
            variables=place.variables,
            left_out=tuple(_left_out(place, with_secrets)),
            files=tuple(archive.members),
        )
        archive.close(manifest)
    return manifest


def _files(place: Place, with_secrets: bool) -> Iterator[tuple[str, Path]]:
    """Every file but the database, with its name in the archive; the first name of a file counts."""
    seen: set[Path] = set()
    hidden = {place.secret, *place.secrets}
    for root in _roots(place):
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path in seen or not path.is_file() or not _belongs(place, root, path):
                continue
            seen.add(path)
            is_secret = path in hidden or path.is_relative_to(place.data / "secrets")
            if with_secrets or not (is_secret or (path == place.config and place.plain)):
                yield _named(place, path), path


def _roots(place: Place) -> list[Path]:
    config = [place.config] if place.config and place.config.exists() else []
    return [one for one in (*config, place.data, *place.courses, *place.secrets) if one.exists()]


def _belongs(place: Place, root: Path, path: Path) -> bool:
    if path.name.startswith(place.database.name) or path.suffix == ".part":
        return False
    if NAMES.fullmatch(path.name) or _is_part(path):
        return False
    # What else lies among the backups is somebody's own, unless a folder of ours is that of the backups or lies in it.
    if path.is_relative_to(place.backups) and not root.is_relative_to(place.backups):
        return False
    if (courses := place.data / "courses") in path.parents:
        parts = path.relative_to(courses).parts
        # A course that is just coming in has no about.json yet, and nothing names it.
        return len(parts) < 3 or (courses / parts[0] / parts[1] / "about.json").exists()
    return True


def _named(place: Place, path: Path) -> str:
    if path == place.config:
        return f"config/{path.name}"
    for root, folder in (("data", place.data), ("config", place.folder)):
        if path.is_relative_to(folder):
            return f"{root}/{path.relative_to(folder).as_posix()}"
    return f"elsewhere{path.as_posix()}"


def _left_out(place: Place, with_secrets: bool) -> Iterator[str]:
    if not with_secrets:
        yield "the secrets, as you wished: people have to sign in again, and sources need their keys anew"
        if place.plain:
            yield f"the configuration, for it holds secrets ({', '.join(place.plain)})"
    for root in _roots(place):
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.is_symlink() and path.is_dir():
                yield f"the folder behind the link {path}"
    if place.variables:
        yield f"what is in the variables {', '.join(place.variables)}"


def _is_part(path: Path) -> bool:
    return path.name.startswith(".") and path.name.removesuffix("-database").endswith(PART)


def _database_of(part: Path) -> Path:
    return part.with_name(part.name + "-database")


def _prune(folder: Path, keep: int) -> tuple[Path, ...]:
    old = [path for path, _ in backups_in(folder)[keep:]] if keep else []
    for path in old:
        path.unlink(missing_ok=True)
    return tuple(old)


def _program() -> str:
    try:
        return version("floormic")
    except PackageNotFoundError:
        return "0"
