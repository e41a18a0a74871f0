"""The file of a backup: a plain tar with a manifest at its end. It is written once and never trusted when read."""

import hashlib
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO

from bot.app.keeping.manifest import FORMAT, NAME, Manifest, Member, unfit
from bot.errors import BadInput, StoreError

PIECE = 1 << 20
LONGEST_MANIFEST = 64 << 20  # bytes
MOST_FILES = 200_000

Told = Callable[[int, int], None]
"""How much is done, of how much (never 0)."""


def share(told: Told, number: int, of: int) -> Told:
    """Tells of one part, counted from 0, of so many."""
    return lambda done, total: told(100 * number + 100 * min(done, total) // max(total, 1), 100 * of)


class Writing:
    """An archive in the making. Its members are readable by their owner alone."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 (closed by `close`)
        self.members: list[Member] = []

    def add(self, name: str, path: Path, told: Callable[[int], None] = lambda size: None) -> None:
        """Raises `OSError`, also where the file gets shorter while it is read."""
        with path.open("rb") as stream:
            about = os.fstat(stream.fileno())
            read = _Hashing(stream, told)
            self._tar.addfile(_member(name, about.st_size, about.st_mtime), read)
        self.members.append(Member(name=name, size=about.st_size, sha256=read.digest))

    def close(self, manifest: Manifest) -> None:
        """Write the manifest and have all of it on the disk."""
        text = manifest.model_dump_json(indent=1, by_alias=True).encode()
        self._tar.addfile(_member(NAME, len(text), manifest.made_at), BytesIO(text))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        with suppress(OSError):  # so that what is verified is read from the disk, and others keep their cache
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class _Hashing:
    """A stream that knows the hash of what was read from it."""

    def __init__(self, stream: IO[bytes], told: Callable[[int], None]) -> None:
        self._stream, self._told, self._hash = stream, told, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._hash.update(piece)
        self._told(len(piece))
        return piece

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _member(name: str, size: int, at: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(at)
    return info


def look_through(file: Path, told: Told = lambda done, of: None) -> Manifest:
    """Read a whole backup and hold every file against the manifest.

    Raises `BadInput` for what is no backup, is cut off, has other files than it says or what must not be in one.
    """
    found: dict[str, tuple[int, str]] = {}
    with _opened(file) as tar:
        of, done = file.stat().st_size, 0
        for info in _members(file, tar):
            digest = hashlib.sha256()
            for piece in _pieces(tar, info):
                digest.update(piece)
                done += len(piece)
                told(done, of)
            found[info.name] = (info.size, digest.hexdigest())
        manifest = _manifest(file, tar, found)
    found.pop(NAME)
    said = {one.name: (one.size, one.sha256) for one in manifest.files}
    for name in sorted(found.keys() | said.keys()):
        if name not in found:
            raise BadInput(f"{file}: {name} is missing in it; use another backup")
        if name not in said:
            raise BadInput(f"{file}: {name} is in it and not in its manifest; use another backup")
        if found[name] != said[name]:
            raise BadInput(f"{file}: {name} is not as it was written (its checksum differs); use another backup")
    return manifest


def unpack(file: Path, names: Callable[[str], Path | None], told: Told = lambda done, of: None) -> None:
    """Write the members of a backup that was looked through to where `names` says (None: nowhere), on the disk when
    this returns. Raises `OSError` where a file is there already or cannot be written."""
    done, of = 0, file.stat().st_size
    with _opened(file) as tar:
        for info in _members(file, tar):
            target = names(info.name) if info.name != NAME else None
            if target is None:
                continue
            make_folder(target.parent)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                for piece in _pieces(tar, info):
                    stream.write(piece)
                    done += len(piece)
                    told(done, of)
                stream.flush()
                os.fsync(stream.fileno())
            os.utime(target, (time.time(), info.mtime))


def make_folder(folder: Path) -> None:
    """With all above it; what is made is open to its owner alone."""
    for one in [*reversed(folder.parents), folder]:
        if not one.exists():
            one.mkdir(mode=0o700, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """A name is on the disk once its folder is."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:") as tar:
            yield tar
    except tarfile.TarError as error:
        raise BadInput(f"{file} is no backup of Floormic, or it is cut off: {error}") from error
    except FileNotFoundError as error:
        if error.filename == str(file):
            raise BadInput(f"there is no file {file}") from error
        raise
    except IsADirectoryError as error:
        raise BadInput(f"{file} is a folder; name the file of a backup") from error
    except PermissionError as error:
        if error.filename == str(file):
            raise BadInput(f"{file} cannot be read: {error.strerror}") from error
        raise


def _members(file: Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Plain files with names that stay inside, each once; nothing else is ever read from one."""
    seen: set[str] = set()
    for info in tar:
        shown = info.name[:200]
        if info.type != tarfile.REGTYPE or info.issparse():
            raise BadInput(f"{file}: {shown!r} in it is no plain file; this is no backup of Floormic")
        if why := unfit(info.name):
            raise BadInput(f"{file}: {shown!r} in it {why}; this is no backup of Floormic")
        if info.name in seen or len(seen) >= MOST_FILES:
            raise BadInput(f"{file}: {shown!r} is in it twice, or it has far too many files")
        seen.add(info.name)
        yield info


def _pieces(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    stream = tar.extractfile(info)
    if stream is None:
        raise StoreError(f"{info.name} cannot be read")
    left = info.size
    while piece := stream.read(PIECE):
        left -= len(piece)
        yield piece
    if left:
        raise tarfile.ReadError(f"{info.name} ends too early")


def _manifest(file: Path, tar: tarfile.TarFile, found: dict[str, tuple[int, str]]) -> Manifest:
    if NAME not in found:
        raise BadInput(f"{file} is no backup of Floormic, or it is cut off: it has no {NAME}")
    if found[NAME][0] > LONGEST_MANIFEST:
        raise BadInput(f"{file}: its {NAME} is far too long")
    try:
        said = json.loads(b"".join(_pieces(tar, tar.getmember(NAME))))
        if said["format"] > FORMAT:
            raise BadInput(f"{file} was made by a newer floormic; update floormic first")
        return Manifest.model_validate(said)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file}: its {NAME} cannot be read; use another backup") from error
