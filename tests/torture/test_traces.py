"""What strace wrote is read right, and judged right."""

import re
from collections.abc import Sequence

import pytest

from tests.torture._traces import Call, Verdict, acknowledgements, calls, judged

MARK = re.compile(rb"mark-\d{6}")
WAL = "/data/hall.sqlite3-wal"
LINES = """\
71 recvfrom(12<TCP:[127.0.0.1:8080->127.0.0.1:5001]>, "POST /in/hall mark-000001", 262144, 0, NULL, NULL) = 25
71 recvfrom(13<TCP:[127.0.0.1:8080->127.0.0.1:5002]>, "POST /in/hall ", 262144, 0, NULL, NULL) = 14
71 recvfrom(13<TCP:[127.0.0.1:8080->127.0.0.1:5002]>, "mark-000002", 262144, 0, NULL, NULL) = 11
71 recvfrom(14<TCP:[127.0.0.1:39001->127.0.0.1:9000]>, 0x7f1c, 65536, 0, NULL, NULL) = -1 EAGAIN (Temporarily)
75 pwrite64(15</data/hall.sqlite3-wal>, "{page in}", 24, 32) = 24
75 pwrite64(15</data/hall.sqlite3-wal>, "...mark-000001...mark-000009...", 31, 56 <unfinished ...>
71 sendto(5<UNIX-STREAM:[274071->274070]>, "!", 1, 0, NULL, 0 <unfinished ...>
75 <... pwrite64 resumed>)             = 31
71 <... sendto resumed>)               = 1
75 pwrite64(15</data/hall.sqlite3-wal>, "{commit}", 24, 4152) = 24
75 pwrite64(15</data/hall.sqlite3-wal>, "another page", 12, 4176) = 12
75 fsync(15</data/hall.sqlite3-wal> <unfinished ...>
71 sendto(12<TCP:[127.0.0.1:8080->127.0.0.1:5001]>, "HTTP/1.1 200 OK", 15, 0, NULL, 0) = 15
75 <... fsync resumed>)                = 0
71 sendto(13<TCP:[127.0.0.1:8080->127.0.0.1:5002]>, "HTTP/1.1 503 Busy", 17, 0, NULL, 0) = 17
71 sendto(14<TCP:[127.0.0.1:39001->127.0.0.1:9000]>, "getUpdates offset=502", 21, 0, NULL, 0) = 21
71 sendto(14<TCP:[127.0.0.1:39001->127.0.0.1:9000]>, "getUpdates offset=502", 21, 0, NULL, 0) = 21
71 +++ exited with 0 +++
"""
"""Of a real run, shortened. A reply leaves while the sync is under way: too early."""

IN, COMMIT = bytes(24), bytes(4) + b"\0\0\0\x09" + bytes(16)


def written(text: str) -> list[str]:
    """As strace writes it with -xx."""
    named = {"{page in}": IN, "{commit}": COMMIT}

    def hexed(found: re.Match[str]) -> str:
        data = named.get(found[1], found[1].encode())
        return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'

    return re.sub(r'"([^"]*)"', hexed, text).splitlines(keepends=True)


def verdict(text: str, updates: dict[int, str] | None = None) -> Verdict:
    made = list(calls(written(text)))
    return judged(made, list(acknowledgements(made, MARK, updates or {})), MARK, WAL)


def test_calls_are_read_whole_and_in_their_order() -> None:
    """Halves of a call are put together; names, data, offsets and errors are those of the trace."""
    made = list(calls(written(LINES)))
    assert made[5] == Call("pwrite64", 5, 7, WAL, b"...mark-000001...mark-000009...", 56)
    assert made[3].failed == "EAGAIN"
    assert made[10] == Call("fsync", 11, 13, WAL)
    paths = 'pwrite64(4<\\x2f\\x61>, "", 0, 7) = -1 EIO (Input/output error) (INJECTED)'
    assert list(calls([f"9 {paths}"])) == [Call("pwrite64", 0, 0, "/a", b"", 7, "EIO", injected=True)]


def test_an_acknowledgement_says_whom_it_is_for() -> None:
    """A reply acknowledges what came over its connection, in how many pieces ever; a refusal nothing; an offset all
    before it, once."""
    updates = {500: "mark-000007", 501: "mark-000009", 502: "mark-000010"}
    told = list(acknowledgements(calls(written(LINES)), MARK, updates))
    assert [(one.way, one.marks) for one in told] == [
        ("reply", ("mark-000001",)),
        ("offset", ("mark-000007", "mark-000009")),
    ]


def test_what_is_told_before_the_sync_ended_is_too_early() -> None:
    """Also where it had begun; and what was never written at all."""
    found = verdict(LINES, {500: "mark-000007", 501: "mark-000009"})
    assert found.too_early == ["mark-000001", "mark-000007"]
    assert (found.acknowledged, found.by) == (3, {"reply": 1, "offset": 2})


HEAD = 'recvfrom(12<TCP:[a->b]>, "mark-000001", 9, 0) = 11'
PAGE = 'pwrite64(15</data/hall.sqlite3-wal>, "{page in}", 24, 32) = 24'
LAST = 'pwrite64(15</data/hall.sqlite3-wal>, "{commit}", 24, 32) = 24'
TEXT = 'pwrite64(15</data/hall.sqlite3-wal>, "mark-000001", 4096, 56) = 11'
SYNC = "fdatasync(15</data/hall.sqlite3-wal>) = 0"
FAILS = "fdatasync(15</data/hall.sqlite3-wal>) = -1 EIO (Input/output error)"
OTHER = "fdatasync(16</data/hall.sqlite3>) = 0"
OK = 'sendto(12<TCP:[a->b]>, "HTTP/1.1 202 Accepted", 9, 0) = 21'


@pytest.mark.parametrize(
    ("lines", "right"),
    [
        pytest.param([HEAD, LAST, TEXT, SYNC, OK], True, id="synced"),
        pytest.param([HEAD, PAGE, TEXT, LAST, "", SYNC, OK], False, id="the commit's own page is missing"),
        pytest.param([HEAD, LAST, TEXT, OK, SYNC], False, id="not yet synced"),
        pytest.param([HEAD, LAST, TEXT, OTHER, OK], False, id="another file synced"),
        pytest.param([HEAD, PAGE, TEXT, SYNC, OK], False, id="synced before the commit"),
        pytest.param([HEAD, LAST, TEXT, FAILS, OK], False, id="the sync failed"),
        pytest.param([HEAD, LAST, TEXT, FAILS, SYNC, OK], False, id="synced again, but not written again"),
        pytest.param([HEAD, LAST, TEXT, FAILS, LAST, TEXT, SYNC, OK], True, id="written and synced again"),
    ],
)
def test_the_disk_has_a_message_once_its_commit_was_synced(lines: Sequence[str], right: bool) -> None:
    """Its page, its commit, and a sync of the log that began after them and went well."""
    found = verdict("".join(f"71 {line}\n" for line in lines))
    assert found.acknowledged == 1
    assert (found.too_early == []) is right
