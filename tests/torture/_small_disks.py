"""A disk that can be full: a small one of its own, or, where nothing may be mounted, a limit to the size of files."""

import ctypes
import os
import resource
import subprocess
from pathlib import Path
from typing import Protocol

from tests.torture._hall import Program

SIZE = 16 * 2**20
"""Bytes of the disk."""

LEFT = 300_000
"""Bytes that are left at first when it is filled: some messages still fit."""

CLONE_NEWNS = 0x00020000


class SmallDisk(Protocol):
    what: str

    def fill(self, program: Program) -> None:
        """From now on next to nothing fits."""
        ...

    def make_room(self, program: Program) -> None: ...


class Mounted:
    """A file system in memory; it goes away with this process, whose mounts nobody else sees."""

    what = f"a file system of {SIZE // 2**20} MB"

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, program: Program) -> None:
        room = os.statvfs(program.database.parent)
        with self._ballast.open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, room.f_bavail * room.f_frsize - LEFT)

    def make_room(self, program: Program) -> None:
        self._ballast.unlink()


class Limited:
    """No file of the program may grow (RLIMIT_FSIZE)."""

    what = "no file system may be mounted here, so the size of the program's files is limited instead"

    def fill(self, program: Program) -> None:
        largest = max(path.stat().st_size for path in program.database.parent.iterdir() if path.is_file())
        self._limit(program, largest + LEFT)

    def make_room(self, program: Program) -> None:
        self._limit(program, None)

    def _limit(self, program: Program, size: int | None) -> None:
        assert program.process is not None
        pid = program.process.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))


def small_disk(folder: Path) -> SmallDisk:
    """At this folder, which is made, for this process and those it starts."""
    folder.mkdir(parents=True)
    apart = ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) == 0
    commands = (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "floormic-torture", str(folder)],
    )
    if apart and all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands):
        return Mounted(folder)
    return Limited()
