"""What somebody sent as a course, a ZIP file or a single file, into a folder: only files that a course may hold, within
limits, and nowhere else.

Names come as people's programs write them: with a folder around all, in GB18030 without a word of it, with the litter
of macOS and Windows.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from binascii import crc32
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from knowledge.archives import NotTaken, check, check_weight, inflated
from knowledge.course import ENDINGS, LARGEST, NOT_READ, is_litter
from knowledge.material import Problem

LARGEST_UNPACKED = 300 * 1024 * 1024
"""Bytes of all files together."""

MOST_FILES = 500
"""That a course is read from."""

DEEPEST = 12
LONGEST_PART = 200
"""Folders in each other, and bytes of the name of one."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_UTF8 = 0x800  # in the flags of a part: its name is UTF-8
_UNICODE_PATH = 0x7075  # an extra field with the name in UTF-8
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def take_in(sent: Path, name: str, into: Path) -> list[Problem]:
    """Put what lies at `sent`, called `name` by its sender, into the folder `into`; what was left out and why.

    Raises `NotTaken` for what is no course or could do harm; then `into` may hold a part of it.
    """
    with sent.open("rb") as opened:
        is_zip = opened.read(4).startswith(_ZIP)
    ending = PurePosixPath(name.lower()).suffix
    if ending in ENDINGS:
        if sent.stat().st_size > LARGEST:
            raise NotTaken(f"is larger than {LARGEST >> 20} MB: split it or leave out its pictures")
        into.mkdir(parents=True, exist_ok=True)
        (into / _path(name.replace("\\", "/").rsplit("/", 1)[-1]).name).write_bytes(sent.read_bytes())
        return []
    if not is_zip:
        raise NotTaken(f"is no ZIP file: pack the course folder as ZIP, or send one file of {', '.join(ENDINGS)}")
    try:
        with zipfile.ZipFile(sent) as archive:
            return _unpack(archive, sent.stat().st_size, into)
    except NotTaken:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as error:
        raise NotTaken("is cut off or broken: make it anew and send it again") from error


def _unpack(archive: zipfile.ZipFile, size: int, into: Path) -> list[Problem]:
    check(archive.infolist(), size, LARGEST_UNPACKED)
    named = [(_path(name_of(part)), part) for part in archive.infolist() if not part.is_dir()]
    named = [(path, part) for path, part in named if not any(is_litter(step) for step in path.parts)]
    # A picture beside the folder is not kept, so that it may not decide what the ids of an entry begin with.
    chosen = _bared([(path, part) for path, part in named if path.suffix.lower() in ENDINGS])
    if not chosen:
        raise NotTaken(f"holds nothing that a course is read from: that is {', '.join(ENDINGS)}")
    if len(chosen) > MOST_FILES:
        raise NotTaken(f"holds more than {MOST_FILES} files that would be read: put several into one")
    problems = _left_out(path for path, _ in named if path.suffix.lower() not in ENDINGS)
    unpacked = 0
    for path, part in sorted(chosen.items()):
        if part.file_size > LARGEST:
            too_large = f"larger than {LARGEST >> 20} MB: split it or leave out its pictures"
            problems.append(Problem(str(path), None, too_large))
            continue
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for piece in inflated(archive, part):
                unpacked += len(piece)
                check_weight(unpacked, size, LARGEST_UNPACKED)
                file.write(piece)
    return problems


def name_of(part: zipfile.ZipInfo) -> str:
    """The name of a part as its sender reads it. Without a word of its encoding, as Chinese Windows and older macOS
    write it, it is UTF-8 where it can be, else GB18030, else what ZIP files were written in at first (CP437)."""
    if part.flag_bits & _UTF8:
        return part.orig_filename
    raw = part.orig_filename.encode("cp437")
    if (told := _unicode_path(part.extra, raw)) is not None:
        return told
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return part.orig_filename


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Info-ZIP's extra field: a version, the CRC-32 of the plain name, the name in UTF-8."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > 5 and struct.unpack("<L", field[1:5])[0] == crc32(raw):
            return field[5:].decode("utf-8", "replace")
    return None


def _path(name: str) -> PurePosixPath:
    """A name as a path inside the folder. Raises `NotTaken` for one that leads out of it or is no name."""
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    steps = [step for step in path.split("/") if step not in ("", ".")]
    if path.startswith("/") or _DRIVE.match(path) or ".." in steps:
        raise NotTaken(f"holds a file that would lie outside of the course ({name[:80]!r}): make it anew")
    too_long = len(steps) > DEEPEST or any(len(step.encode("utf-8", "replace")) > LONGEST_PART for step in steps)
    if not steps or too_long or _CONTROL.search(path):
        raise NotTaken(f"holds a file whose name cannot be used ({name[:80]!r}): give it a shorter, plain one")
    return PurePosixPath(*(step.encode("utf-8", "replace").decode() for step in steps))


def _bared(named: Sequence[tuple[PurePosixPath, zipfile.ZipInfo]]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files without the folders that are around all of them. Raises `NotTaken` for two of one name."""
    while named and all(len(path.parts) > 1 for path, _ in named) and len({path.parts[0] for path, _ in named}) == 1:
        named = [(PurePosixPath(*path.parts[1:]), part) for path, part in named]
    seen: set[str] = set()
    for path, _ in named:
        if (same := str(path).casefold()) in seen:
            raise NotTaken(f"holds two files of one name ({str(path)[:80]!r}): leave one out")
        seen.add(same)
    return dict(named)


def _left_out(paths: Iterable[PurePosixPath]) -> list[Problem]:
    """One problem for each ending: a course may have hundreds of pictures beside its texts."""
    groups: dict[str, list[PurePosixPath]] = {}
    for path in sorted(paths):
        groups.setdefault(path.suffix.lower(), []).append(path)
    return [
        Problem(f"{group[0]} (+{len(group) - 1})" if len(group) > 1 else str(group[0]), None, NOT_READ)
        for group in groups.values()
    ]
