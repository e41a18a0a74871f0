"""Judgements about the machine: disk, clock, memory, limits, versions. Pure: facts in, findings out."""

import re
from collections.abc import Iterable, Mapping

from bot.app.doctor.finding import Finding, fault, megabytes, ok, warning
from bot.app.forgetting import doubted
from bot.app.terminal import lasted
from bot.forgetting import next_look
from bot.model import LastLook
from bot.storage.connection import SOUND

MESSAGE = 2_800
"""Bytes that a message takes in the database, with its vector, its decision and indexes; measured with
`floormic replay` on the talks that ship with the program."""

EVENING = 20_000
"""Messages of a large evening, where the store has seen no larger one."""

NETWORKED = ("nfs", "cifs", "smb", "9p", "sshfs", "afs", "ceph", "gluster", "davfs", "ncp", "fuse.rclone", "lustre")
PASSING = ("tmpfs", "ramfs", "overlay", "aufs")

MODEL = 732e6
"""Bytes of the program with its model when the first question is placed (docs/measurements.md)."""
BUSY = 1.1e9
"""Bytes with thousands of watchers."""

DESCRIPTORS = 256
WATCHERS = 4096

CLOSE, FAR = 5.0, 60.0
"""Seconds of difference of the clocks that nobody minds, and beyond which signatures are refused."""


def judge_room(free: int, files: int | None, database: int, largest: int) -> Finding:
    """`free`: bytes on the file system of the data; `files`: how many more it takes (None: it does not say);
    `largest`: messages of the largest evening."""
    evening = MESSAGE * max(largest, EVENING)
    said = f"{megabytes(free)} free; the database has {megabytes(database)}, a large evening takes {megabytes(evening)}"
    if files == 0:
        return fault("disk room", "no more files can be made on the disk of the data", "remove files that nobody needs")
    if free < evening + 64e6:  # the log of the database
        return fault("disk room", said, "make room on the disk of the data before the evening begins")
    if free < 2 * database + evening:
        return warning("disk room", said, "make room: packing the database and a backup need twice its size")
    return ok("disk room", said)


def judge_system(kind: str, read_only: bool) -> Finding:
    """`kind`: of the file system that holds the data, as the kernel calls it ("": unknown)."""
    if read_only:
        return fault("file system", "the file system of the data is read-only", "mount it for writing")
    if kind.startswith(NETWORKED) or any(kind.startswith(f"fuse.{one}") for one in NETWORKED):
        return fault(
            "file system",
            f"the data lie on a network file system ({kind}), where SQLite's log loses or damages data",
            "move the data folder to a local disk",
        )
    if kind in PASSING:
        return warning(
            "file system",
            f"the data lie on {kind}, which may be gone after a restart of the machine or the container",
            "move the data folder to a disk or a volume",
        )
    return ok("file system", f"the data lie on {kind or 'a local file system'}")


def judge_clock(ahead: Mapping[str, float], synchronised: bool | None, newest: float | None, now: float) -> Finding:
    """`ahead`: seconds that our clock is before that of each server that told its time; `synchronised`: what the kernel
    says (None: nothing); `newest`: Unix time of the newest message."""
    if newest is not None and newest > now + FAR:
        return fault(
            "clock",
            f"the clock is {lasted(newest - now)} behind the newest message in the store",
            "set the clock (timedatectl set-ntp true)",
        )
    if ahead:
        host, seconds = min(ahead.items(), key=lambda one: abs(one[1]))
        said = f"the clock and that of {host} differ by {abs(seconds):.0f} s"
        if abs(seconds) > FAR:
            return fault("clock", said, "set the clock (timedatectl set-ntp true); chats refuse what is signed with it")
        if abs(seconds) > CLOSE:
            return warning("clock", said, "let the machine set its clock by itself (timedatectl set-ntp true)")
        return ok("clock", said)
    if synchronised is None:
        return ok("clock", "nobody tells whether the clock is right; it is not before the newest message")
    if not synchronised:
        return warning(
            "clock",
            "nothing sets the clock of this machine",
            "let the machine set its clock by itself (timedatectl set-ntp true)",
        )
    return ok("clock", "the clock is set by the network")


def judge_forgetting(last: LastLook | None, days: int, now: float) -> list[Finding]:
    """Nothing where nothing is held. `last`: see `bot.forgetting.next_look`, None where there is nothing yet; `days`:
    after which evenings are forgotten."""
    look = next_look(last, now) if last and days else None
    if last is None or look is None or look.held is None:
        return []
    return [
        warning(
            "forgetting",
            doubted(last.at, look.held, days, now),
            "set the clock (timedatectl set-ntp true); if it is right, wait, or floormic forget --before DATE",
        )
    ]


def judge_zone(configured: str, offset: float, name: str) -> Finding:
    """`configured`: `[after] zone`; `offset` (seconds from UTC) and `name` of what holds now."""
    if not configured and offset == 0:
        return warning(
            "time zone",
            "times of the day are reckoned in UTC, for the machine is and `[after] zone` says nothing",
            'say under [after] zone = "Asia/Shanghai", or where you are',
        )
    return ok("time zone", f"times of the day are those of {configured or name}")


def judge_memory(available: float | None, running: bool) -> Finding:
    """`available`: bytes that a program may still take (None: unknown)."""
    if available is None:
        return ok("memory", "this system does not say how much memory is free")
    said = f"{megabytes(available)} of memory are free"
    if running:
        if available < 200e6:
            return warning("memory", said, "close other programs; a large evening needs some more")
        return ok("memory", f"{said} beside the running program")
    if available < MODEL:
        return fault(
            "memory", f"{said}; the model needs {megabytes(MODEL)}", "close other programs, or take more memory"
        )
    if available < BUSY:
        return warning("memory", f"{said}; a large evening takes {megabytes(BUSY)}", "close other programs")
    return ok("memory", said)


def judge_descriptors(limit: int) -> Finding:
    """`limit`: files that the program may have open; each page that somebody looks at is one."""
    said = f"{limit:,} files may be open at once; each open page of a viewer is one"
    mend = "raise it: LimitNOFILE=65536 in the service, or ulimit -n 65536 before the start"
    if limit < DESCRIPTORS:
        return fault("open files", said, mend)
    return warning("open files", said, mend) if limit < WATCHERS else ok("open files", said)


def judge_sqlite(version: tuple[int, ...], library: str) -> Finding:
    text = ".".join(map(str, version))
    if (3, 7, 0) <= version < SOUND:
        return warning(
            "sqlite",
            f"SQLite {text} ({library}) can lose committed rows in rare cases (WAL-reset bug)",
            "pip install pysqlite3, which brings a newer one",
        )
    return ok("sqlite", f"SQLite {text} ({library})")


def judge_packages(required: Iterable[str], installed: Mapping[str, str], python: tuple[int, ...]) -> Finding:
    """`required`: lines of the program's own metadata; `installed`: versions by name in small letters."""
    old, missing, count = [], [], 0
    for line in required:
        found = re.match(r"([\w.-]+)(?:\[[^\]]*\])?\s*>=\s*([\d.]+)", line)
        if found is None or "extra ==" in line:
            continue
        name, least = found[1].lower().replace("_", "-"), found[2]
        count += 1
        if name not in installed:
            missing += [] if ";" in line else [name]
        elif _numbers(installed[name]) < _numbers(least):
            old.append(f"{name} {installed[name]} (at least {least})")
    if python < (3, 11):
        old.append(f"Python {'.'.join(map(str, python))} (at least 3.11)")
    if missing:
        return fault(
            "packages", f"not installed: {', '.join(missing)}", "install Floormic again: pip install --upgrade ."
        )
    if old:
        return fault("packages", f"too old: {', '.join(old)}", "install Floormic again: pip install --upgrade .")
    return ok("packages", f"Python {'.'.join(map(str, python))} and {count} packages are new enough")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:4])


def judge_user(program: int, owner: int) -> Finding:
    """`program`: the user that runs the program, or would; `owner`: whose the data folder is."""
    if program == 0:
        return warning(
            "user", "the program runs as root", "run it as a user of its own (docs/running.md), and give it the data"
        )
    if owner != program:
        return warning(
            "user",
            f"the data folder belongs to another user ({owner}) than the one that looks at it ({program})",
            "run the program as that user, or chown -R the data folder to its own",
        )
    return ok("user", "the program has a user of its own, and the data belong to it")
