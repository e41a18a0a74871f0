"""`floormic restore`: an installation from a backup, beside or instead of the one that is there.

Nothing is touched before the backup was read to its end, and the new data folder takes its name only when everything in
it is on the disk. What was there before is moved aside, never deleted.
"""

import asyncio
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from bot.app.keeping.archive import Told, look_through, make_folder, share, sync_folder, unpack
from bot.app.keeping.manifest import Manifest
from bot.app.keeping.place import Place, place_of
from bot.errors import BadInput, Conflict, SettingsError, StoreBusy, StoreError
from bot.storage.connection import claim
from bot.storage.copying import Inside, copy, fewer, inspect, rebase
from bot.storage.forgetting_again import forget_again
from bot.storage.said_since import take_over_said, waiting
from bot.storage.sqlite import open_store


@dataclass(frozen=True, slots=True)
class Beside:
    """What lay beside the data. `wrote` is the configuration where there was none, `other` the one of the backup where
    the one that stays says something else. `kept` are files that stay though the backup has others; `put_back` holds
    what lay elsewhere or is named by no configuration, to be put to its places by hand."""

    wrote: Path | None
    other: Path | None
    kept: tuple[Path, ...]
    put_back: Path | None


@dataclass(frozen=True, slots=True)
class Restored:
    """`aside` is where the former data folder is now. `forgotten` persons were in the backup and forgotten since; None:
    nobody can know. `waiting` is how much waits to be said and may have been said since."""

    manifest: Manifest
    data: Path
    aside: Path | None
    beside: Beside
    forgotten: int | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal took, in seconds, and found. `steps` bring the schema up to date, `fewer` are tables that have
    not as many rows as the backup says."""

    manifest: Manifest
    seconds: float
    steps: int
    fewer: tuple[str, ...]


def restore(file: Path, config: Path, *, replace: bool = False, now: float, told: Told = lambda *_: None) -> Restored:
    """Bring back what is in the backup `file`, for the configuration at `config`, which is written if it is not there.

    Raises `StoreBusy` where the program runs, `Conflict` where there are data already and they are not to be replaced,
    `BadInput` for a file that is no whole backup or from a newer program and where the database is PostgreSQL,
    `StoreError` where the disk does not do it. Then everything is as it was.
    """
    config = config.absolute()
    if not file.exists():
        raise BadInput(f"there is no file {file}")
    with _unpacked_config(file, config) as place:
        _require_stopped(place)
        _require_free(place, replace)
        manifest = _checked(file, told)
        try:
            return _restored(file, manifest, config, place, now, told)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise StoreError(f"the backup cannot be restored: {where}{error.strerror or error}") from error


def rehearse(file: Path, told: Told = lambda *_: None) -> Rehearsed:
    """Restore into a folder that is gone afterwards, and open it with this program. Raises as `restore`."""
    began = time.monotonic()
    manifest = _checked(file, told)
    with tempfile.TemporaryDirectory(prefix="floormic-rehearsal-") as folder:
        try:
            unpack(file, _below(Path(folder)), share(told, 1, 2))
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
        database = Path(folder, manifest.database)
        before = inspect(database)
        asyncio.run(_open(database))
        copied = database.with_name("after")
        copy(database, copied)
        after = inspect(copied)
    wrong = {*fewer(manifest.counts, before.counts), *fewer(manifest.counts, after.counts)}
    steps = len(after.schema) - len(before.schema)
    return Rehearsed(manifest, time.monotonic() - began, steps, tuple(sorted(wrong)))


async def _open(database: Path) -> None:
    """As `floormic run` opens it: the schema is brought up to date, and the store answers."""
    store = await open_store(database)
    try:
        for session in await store.sessions():
            await store.questions(session.id)
            await store.pending(session.id, 1)
    finally:
        await store.close()


def _checked(file: Path, told: Told) -> Manifest:
    manifest = look_through(file, share(told, 0, 2))
    if newer := Inside(manifest.schema_, {}).newer:
        raise BadInput(
            f"{file} was made by a newer floormic (it has {', '.join(newer)}); update floormic first, then restore"
        )
    return manifest


@contextmanager
def _unpacked_config(file: Path, config: Path) -> Iterator[Place]:
    """Where things are to be: as the configuration that is there says, else as the one of the backup will say."""
    if config.exists():
        yield place_of(config)
        return
    text = ""
    with tempfile.TemporaryDirectory(prefix="floormic-restore-") as folder:
        manifest = look_through(file)
        if manifest.config:
            target = Path(folder, "floormic.toml")
            unpack(file, {manifest.config: target}.get)
            text = target.read_text("utf-8-sig")
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{file}: the configuration in it is no TOML: {error}") from error
    here = Path(os.path.abspath(config.parent))
    try:
        wanted = [
            Path(os.path.abspath(here / Path(str(said.get(key, key))).expanduser())) for key in ("data", "backups")
        ]
        data, backups = (path.resolve() for path in wanted)
    except (OSError, RuntimeError, ValueError) as error:  # nobody's home, a loop of links, no path
        raise BadInput(f"{file}: its configuration names no folder that there can be: {error}") from error
    # Links that are there are the operator's, for a backup makes none.
    if not _is_open_below(wanted[0], here) and not _is_open_below(data, here.resolve()):
        raise BadInput(
            f"{file}: its configuration puts the data into {data}; a backup does not choose where it writes. Write "
            f"{config} with a line `data = …` for the folder that you want, then restore"
        )
    yield Place(config, config.parent, data, backups)


def _is_open_below(path: Path, folder: Path) -> bool:
    """In the folder, and nowhere where it is not seen: what programs start with lies in hidden ones."""
    return path.is_relative_to(folder) and not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _require_stopped(place: Place) -> None:
    if place.postgres:
        raise BadInput(
            "the database is PostgreSQL: a copy of it comes back with pg_restore, as docs/backup.md tells; a backup is "
            "a file of SQLite, so take `database` out of the configuration, restore it, and use `floormic move`"
        )
    if place.runner:
        raise StoreBusy(
            f"the program runs with {place.data} (process {place.runner}); stop it, then restore, or name another "
            "place with --config"
        )


def _require_free(place: Place, replace: bool) -> None:
    if not replace and not _is_empty(place.data):
        raise Conflict(
            f"there are data already in {place.data}; --replace moves that folder aside and puts the backup in its "
            "place"
        )


def _restored(file: Path, manifest: Manifest, config: Path, place: Place, now: float, told: Told) -> Restored:
    mark = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    empty = place.data.is_dir() and _is_empty(place.data)
    # An empty folder may be a mount point, which cannot be renamed: then it is filled from inside.
    stage = (place.data if empty else place.data.parent) / f".{place.data.name}.restoring-{os.getpid()}"
    make_folder(stage.parent)
    held = claim(place.database) if place.database.exists() else -1
    try:
        unpack(file, _below(stage), share(told, 1, 2))
        fresh = stage / "data"
        database = fresh / place.database.name
        rebase(database, _moves(manifest, place))
        forgotten = _forget_again(place, database, now)
        waits = _said_since(place, database)
        _set_apart(stage, place, manifest)
        _own(stage, place)
        aside, placed = _put(fresh, place.data, mark), list[Path]()
        try:
            beside = _put_beside(stage, place, config, manifest, mark, placed)
        except OSError:
            _take_back(fresh, place.data, aside, placed)
            raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if held >= 0:
            os.close(held)
    return Restored(manifest, place.data, aside, beside, forgotten, waits)


def _is_empty(folder: Path) -> bool:
    """A disk of its own comes with a folder for what was found."""
    return not folder.exists() or all(path.name == "lost+found" for path in folder.iterdir())


def _below(folder: Path) -> Callable[[str], Path | None]:
    return lambda name: folder / PurePosixPath(name)


def _moves(manifest: Manifest, place: Place) -> list[tuple[Path, Path]]:
    return [(Path(manifest.data), place.data), (Path(manifest.folder), place.folder)]


def _forget_again(place: Place, fresh: Path, now: float) -> int | None:
    """Who was forgotten since the backup was made is forgotten in what comes back, as far as the former database says
    so. None where there is none, or none that can be read."""
    if not place.database.exists():
        return None
    try:
        return forget_again(fresh, place.database, now)
    except StoreError:
        return None


def _said_since(place: Place, fresh: Path) -> int:
    """What was said since the backup was made is not said again, as far as the former database says so. How much waits
    of which it says nothing, or of which there is none that can be read."""
    with suppress(StoreError):
        if place.database.exists():
            return take_over_said(fresh, place.database)
    return waiting(fresh)


def _own(stage: Path, place: Place) -> None:
    """Restored by root, it still belongs to whoever the program runs as."""
    if os.geteuid() != 0:
        return
    like = place.data if place.data.exists() else place.folder if place.folder.exists() else stage.parent
    owner = like.stat()
    for path in (stage, *stage.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _put(fresh: Path, data: Path, mark: str) -> Path | None:
    """The new folder in the place of the old one; where the old one is now."""
    aside = None
    if fresh.is_relative_to(data):
        # The database last: without it a folder is no installation yet.
        for child in sorted(fresh.iterdir(), key=lambda path: path.suffix == ".sqlite3"):
            os.rename(child, data / child.name)
        sync_folder(data)
        return None
    if data.exists():
        aside = data.with_name(f"{data.name}.before-{mark}")
        try:
            os.rename(data, aside)
        except OSError as error:
            raise StoreError(
                f"{data} cannot be moved aside ({error.strerror}); where it is a mount point, move what is in it "
                "elsewhere by hand, then restore again"
            ) from error
    try:
        os.rename(fresh, data)
    except OSError:
        if aside is not None:
            with suppress(OSError):
                os.rename(aside, data)
        raise
    sync_folder(data.parent)
    return aside


def _set_apart(stage: Path, place: Place, manifest: Manifest) -> None:
    """What lies beside the configuration in the backup, and is no course or key that it or ours names, goes with what
    lay elsewhere: a backup must not say where it writes."""
    beside = stage / "config"
    named = [path.relative_to(place.folder) for path in _named(place) if path.is_relative_to(place.folder)]
    with suppress(SettingsError):  # then it names nothing
        theirs = _named(place_of(stage / manifest.config)) if manifest.config else ()
        folders = beside.resolve(), Path(manifest.folder)
        named += [path.relative_to(one) for path in theirs for one in folders if path.is_relative_to(one)]
    for path in sorted(path for path in beside.rglob("*") if path.is_file()):
        name = path.relative_to(beside)
        ours = _is_open_below(path, beside) and any(name.is_relative_to(one) for one in named)
        if not ours and f"config/{name.as_posix()}" != manifest.config:
            target = stage / "elsewhere/config" / name
            make_folder(target.parent)
            os.rename(path, target)


def _named(place: Place) -> tuple[Path, ...]:
    return (*place.courses, *place.secrets)


def _take_back(fresh: Path, data: Path, aside: Path | None, placed: Sequence[Path]) -> None:
    """As it was before `_put` and what was `placed` since. Raises `StoreError` where the former data stay aside."""
    try:
        for path in placed:
            with suppress(NotADirectoryError):  # a file stands where its folder was to be
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if fresh.is_relative_to(data):
            for child in [one for one in data.iterdir() if one != fresh.parent and one.name != "lost+found"]:
                os.rename(child, fresh / child.name)
            return
        os.rename(data, fresh)
        if aside is not None:
            os.rename(aside, data)
    except OSError as error:
        if aside is not None and aside.exists():
            raise StoreError(
                f"not all of the backup could be put to its places; what was there before is in {aside}, move it back "
                f"to {data}"
            ) from error


def _put_beside(stage: Path, place: Place, config: Path, manifest: Manifest, mark: str, placed: list[Path]) -> Beside:
    """The configuration and what lay beside it: only where nothing is. The rest is put into a folder of its own.
    `placed` gets what is written, before it is."""
    wrote = other = put_back = None
    kept: list[Path] = []
    for path in sorted(path for path in (stage / "config").rglob("*") if path.is_file()):
        name = path.relative_to(stage / "config").as_posix()
        target = config if f"config/{name}" == manifest.config else place.folder / name
        if target.exists() and target.read_bytes() == path.read_bytes():
            continue
        if target == config and target.exists():
            target = other = target.with_name(f"{target.name}.backup-{mark}")
        elif target == config:
            wrote = target
        elif target.exists():
            kept.append(target)
            continue
        placed.append(target)
        make_folder(target.parent)
        shutil.move(path, target)
    if (stage / "elsewhere").exists():
        placed.append(put_back := place.folder / f"elsewhere-{mark}")
        shutil.move(stage / "elsewhere", put_back)
    return Beside(wrote, other, tuple(kept), put_back)
