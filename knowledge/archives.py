"""What a ZIP file would do if it were unpacked, judged before and while that happens: bombs, links, locked parts.

Office files are ZIP files too, so both what somebody sends and what lies in it are judged here.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator, Sequence

MOST_PARTS = 5000
WORST_RATIO = 100
"""So many bytes may come out of one; texts and slides have 3 to 30."""

UNSUSPECTED = 10 * 1024 * 1024
"""Bytes that may come out in any case: a small file of blanks is no bomb."""

_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCKED = 0x1  # in the flags of a part
_CHUNK = 64 * 1024
_LONGEST_MARK = 64  # bytes


class NotTaken(Exception):
    """What was sent is not taken; the text says why and what to do."""


def check(parts: Sequence[zipfile.ZipInfo], size: int, largest: int) -> None:
    """Judge an archive of `size` bytes by its table of contents; `largest` bytes may come out of it.

    Raises `NotTaken`. What the table hides, `inflated` finds: no part gives more than the table says.
    """
    if len(parts) > MOST_PARTS:
        raise NotTaken(f"holds more than {MOST_PARTS:,} files: leave out what is not part of the course")
    if any(part.flag_bits & _LOCKED for part in parts):
        raise NotTaken("is locked with a password: make it anew without one")
    if any(part.compress_type not in _PACKED for part in parts):
        raise NotTaken("is packed in an unusual way: make it anew as an ordinary ZIP file")
    if odd := next((part for part in parts if _is_special(part)), None):
        raise NotTaken(f"holds a link or device ({odd.filename[:80]!r}): put the file itself into it")
    ends = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.header_offset < ends:
            raise NotTaken("holds files that overlap, as no honest program writes them: make it anew")
        ends = part.header_offset + part.compress_size
    if ends > size:
        raise NotTaken("is cut off or broken: make it anew and send it again")
    check_weight(sum(part.file_size for part in parts), size, largest)


def check_weight(unpacked: int, size: int, largest: int) -> None:
    """Raises `NotTaken` where too many bytes come out of `size` bytes."""
    if unpacked > largest:
        raise NotTaken(f"unpacks to more than {largest >> 20} MB: leave out its pictures and films")
    if unpacked > max(UNSUSPECTED, WORST_RATIO * size):
        raise NotTaken(f"unpacks to more than {WORST_RATIO} times its size: make it anew without what fills it up")


def inflated(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in pieces of 64 KiB at most. Raises what `zipfile` does for broken ones."""
    with archive.open(part) as opened:
        while piece := opened.read(_CHUNK):
            yield piece


def check_markup(archive: zipfile.ZipFile) -> None:
    """Raises `NotTaken` where an XML part of an Office file declares entities: Office never does, bombs do."""
    for part in archive.infolist():
        if part.filename.lower().endswith((".xml", ".rels", ".vml")):
            before = b""
            for piece in inflated(archive, part):
                # UTF-16 has a zero beside each letter of this
                seen = (before + piece).replace(b"\0", b"").upper()
                if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                    raise NotTaken("declares entities of its own, as Office never does: save it anew from Office")
                before = piece[-_LONGEST_MARK:]


def _is_special(part: zipfile.ZipInfo) -> bool:
    """Whether a program for Unix packed something there that is neither a file nor a folder."""
    kind = stat.S_IFMT(part.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)
