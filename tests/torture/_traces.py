"""What strace wrote, read: the calls in their order, which message each acknowledgement is for, and what of it was on
the disk by then. Pure; `recorded` holds the calls of one run.

The order of the lines is the order in which the kernel stopped the threads: a call that begins on a later line than
another one ended began after it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

CALLS = "pwrite64,fdatasync,fsync,ftruncate,unlink,recvfrom,sendto,sendmsg"
LONGEST = 70_000
"""Bytes of each buffer that are written down: a page of the database, or what is read of a socket at once."""

SYNCS = ("fdatasync", "fsync")
SENDS = ("sendto", "sendmsg")


@dataclass(frozen=True, slots=True)
class Call:
    """`began` and `ended`: numbers of lines. `file`: a path, or a socket as strace names it. `at`: offset, or length of
    a truncation. `failed`: the error's name, or ""."""

    name: str
    began: int
    ended: int
    file: str
    data: bytes = b""
    at: int = 0
    failed: str = ""
    injected: bool = False

    @property
    def is_socket(self) -> bool:
        return self.file.startswith("TCP")


_LINE = re.compile(r"(?P<pid>\d+) +(?:\d+\.\d+ )?(?P<rest>.*)", re.DOTALL)
_BEGUN = re.compile(r"(?P<begun>\w+)\((?P<args>.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<args>.*)$", re.DOTALL)
_WHOLE = re.compile(r"(?P<name>\w+)\((?P<args>.*)\)\s+= (?P<result>-?\d+|\?)(?P<more>.*)$", re.DOTALL)
_FILE = re.compile(r"^\d+<(?P<file>(?:->|[^<>])*)>")
_STRINGS = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_LAST = re.compile(r"(-?\d+)$")
_ERROR = re.compile(r" (E[A-Z]+)")


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Of a trace made with `-f -xx -yy`; what is no call (signals, ends) is passed over."""
    begun: dict[str, tuple[int, str]] = {}
    for number, raw in enumerate(lines):
        line = _LINE.match(raw.rstrip("\n"))
        if line is None:
            continue
        pid, rest, first = line["pid"], line["rest"], number
        if unfinished := _BEGUN.match(rest):
            begun[pid] = number, f"{unfinished['begun']}({unfinished['args']}"
            continue
        if resumed := _RESUMED.match(rest):
            if pid not in begun:
                continue
            first, start = begun.pop(pid)
            rest = start + resumed["args"]
        if whole := _WHOLE.match(rest):
            yield _call(whole, first, number)


def _call(whole: re.Match[str], began: int, ended: int) -> Call:
    name, args, more = whole["name"], whole["args"], whole["more"]
    data = b"".join(_bytes(part) for part in _STRINGS.findall(args))
    found = _FILE.match(args)
    file, at = _unescaped(found["file"]) if found else "", 0
    if name == "unlink":
        file, data = data.decode(errors="replace"), b""
    elif name in ("pwrite64", "ftruncate") and (last := _LAST.search(args)):
        at = int(last[1])
    failed = whole["result"].startswith("-")
    error = _ERROR.match(more)
    return Call(
        name,
        began,
        ended,
        file,
        data if not failed else b"",
        at,
        (error[1] if error else "?") if failed else "",
        "(INJECTED)" in more,
    )


def _bytes(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


def _unescaped(file: str) -> str:
    return _bytes(file).decode(errors="replace") if file.startswith("\\x") else file


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """On line `began` somebody is told that these marks are kept, and that went out on line `ended`. `way`: "reply" or
    "offset"."""

    began: int
    ended: int
    marks: tuple[str, ...]
    way: str


def acknowledgements(
    made: Iterable[Call], mark: re.Pattern[bytes], updates: Mapping[int, str]
) -> Iterator[Acknowledgement]:
    """Every 2xx of a request that carries marks, and every question for Telegram's `updates` (id to mark) that confirms
    further ones."""
    asked: dict[str, bytearray] = defaultdict(bytearray)
    waiting = dict(updates)
    for call in made:
        if not call.is_socket or call.failed:
            continue
        if call.name == "recvfrom":
            asked[call.file] += call.data
        elif call.name in SENDS:
            if call.data.startswith(b"HTTP/1.1 "):
                marks = dict.fromkeys(found.decode() for found in mark.findall(bytes(asked.pop(call.file, b""))))
                if call.data.startswith(b"HTTP/1.1 2") and marks:
                    yield Acknowledgement(call.began, call.ended, tuple(marks), "reply")
            elif offset := re.search(rb"\boffset=(\d+)", call.data):
                done = [id for id in waiting if id < int(offset[1])]
                if done:
                    yield Acknowledgement(call.began, call.ended, tuple(waiting.pop(id) for id in done), "offset")


HEADER, PAGE_HEADER = 32, 24
"""Bytes at the beginning of SQLite's log, and before each page in it."""


@dataclass(slots=True)
class Log:
    """SQLite's write-ahead log as the disk has it: a mark is kept once a commit that carries it was synced.

    A failed sync counts as if all that was written since the last good one were gone (Linux calls those pages clean
    afterwards): they have to be written again.
    """

    mark: re.Pattern[bytes]
    kept: dict[str, int] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _committed: list[tuple[int, set[str]]] = field(default_factory=list)
    _commits: bool = False

    def write(self, call: Call) -> None:
        if call.failed:
            return
        if len(call.data) == PAGE_HEADER:
            self._commits = call.data[4:8] != bytes(4)  # pages of the database after a commit; 0 within one
            return
        self._open |= {found.decode() for found in self.mark.findall(call.data)}
        if self._commits:
            self._committed.append((call.ended, self._open))
            self._open, self._commits = set(), False

    def sync(self, call: Call) -> None:
        """What was written before it began is kept when it ended."""
        done = [(ended, marks) for ended, marks in self._committed if ended < call.began]
        self._committed = [one for one in self._committed if one not in done]
        if call.failed:
            return
        for _, marks in done:
            for mark in marks:
                self.kept.setdefault(mark, call.ended)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`too_early`: acknowledged marks of which the disk had no synced commit."""

    acknowledged: int
    by: Mapping[str, int]
    too_early: Sequence[str]


def judged(made: Sequence[Call], told: Sequence[Acknowledgement], mark: re.Pattern[bytes], log_file: str) -> Verdict:
    """Whether each acknowledgement began after the sync that kept what it acknowledges had ended."""
    log = Log(mark)
    for call in made:
        if call.file == log_file:
            if call.name == "pwrite64":
                log.write(call)
            elif call.name in SYNCS:
                log.sync(call)
    early = [one for each in told for one in each.marks if log.kept.get(one, each.began) >= each.began]
    by: dict[str, int] = defaultdict(int)
    for each in told:
        by[each.way] += len(each.marks)
    return Verdict(sum(len(each.marks) for each in told), dict(by), early)
