"""Looks at the machine. Reads only; where a system does not tell, the answer is None."""

import ctypes
import os
import resource
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
GROUP = Path("/sys/fs/cgroup")


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


def room(folder: Path) -> tuple[int, int | None]:
    """Bytes and files that the file system still takes; it may have no bound of files."""
    about = os.statvfs(nearest(folder))
    return about.f_bavail * about.f_frsize, about.f_favail if about.f_files else None


def is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(nearest(folder)).f_flag & os.ST_RDONLY)


def file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """Its kind, such as "ext4"; "" where the system does not say."""
    real, found, longest = nearest(folder).resolve(), "", -1
    with suppress(OSError):
        for line in mounts.read_text("utf-8", "replace").splitlines():
            before, _, after = line.partition(" - ")
            fields = before.split()
            point = Path(fields[4].encode().decode("unicode_escape")) if len(fields) > 4 else Path("/")
            # Of two mounts at one place the later one is seen.
            if real.is_relative_to(point) and len(point.parts) >= longest:
                found, longest = after.split()[0], len(point.parts)
    return found


class _Timex(ctypes.Structure):
    """What adjtimex(2) fills in, as far as it is read here; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def is_synchronised() -> bool | None:
    """Whether something keeps the clock right, as timedatectl reckons it: the error is bounded."""
    if sys.platform != "linux":
        return None
    try:
        asked = _Timex()
        if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked)) < 0:
            return None
        return bool(asked.maxerror < 16_000_000)
    except (OSError, AttributeError):
        return None


def zone(now: float) -> tuple[float, str]:
    """Seconds from UTC, and the name, of the machine's time zone."""
    local = time.localtime(now)
    return float(local.tm_gmtoff), local.tm_zone


def memory_available(group: Path = GROUP) -> float | None:
    """Bytes that one more program gets: what the machine has, within what the container may."""
    found: list[float] = []
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(1024.0 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]))
    with suppress(OSError, ValueError):
        found.append(float((group / "memory.max").read_text()) - float((group / "memory.current").read_text()))
    return min(found, default=None)


def descriptors(process: int) -> int:
    """Files that the process (0: this one) may have open."""
    if process:
        with suppress(OSError, ValueError, StopIteration):
            lines = Path(f"/proc/{process}/limits").read_text().splitlines()
            said = next(line for line in lines if line.startswith("Max open files")).split()[3]
            return sys.maxsize if said == "unlimited" else int(said)
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def user_of(process: int) -> int:
    """Whose the process (0: this one) is."""
    with suppress(OSError):
        if process:
            return Path(f"/proc/{process}").stat().st_uid
    return os.geteuid()


def packages() -> tuple[list[str], dict[str, str]]:
    """What the program requires, line by line, and what is installed."""
    try:
        required = requires("floormic") or []
    except PackageNotFoundError:
        required = []
    installed: dict[str, str] = {}
    for one in distributions():
        with suppress(Exception):  # a package whose metadata are broken is none
            installed.setdefault(one.metadata["Name"].lower().replace("_", "-"), one.version)
    return required, installed
