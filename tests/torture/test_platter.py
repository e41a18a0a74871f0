"""A disk that lost its power holds what was synced, and no more than that for sure."""

import random

from tests.torture._platter import PAGE, Platter
from tests.torture._traces import Call

FILE, NEW = "/data/hall.sqlite3-wal", "/data/new"
OLD = b"o" * (2 * PAGE)


def write(data: bytes, at: int = 0, file: str = FILE, failed: str = "") -> Call:
    return Call("pwrite64", 0, 0, file, data, at, failed)


def sync(file: str = FILE, failed: str = "") -> Call:
    return Call("fdatasync", 0, 0, file, failed=failed)


def found(*made: Call, file: str = FILE) -> set[bytes | None]:
    """What a file may hold after a power cut, over many throws of the dice."""
    platter, dice = Platter("/data", {FILE: OLD}), random.Random(1)
    for call in made:
        platter.do(call)
    return {platter.cut(dice).get(file) for _ in range(60)}


def test_what_was_synced_is_there() -> None:
    """All of it, at its place, and the file as long as it was made."""
    new = b"n" * PAGE
    assert found(write(new, PAGE), sync()) == {OLD[:PAGE] + new}
    assert found(write(b"n", 3 * PAGE), sync()) == {OLD.ljust(3 * PAGE, b"\0") + b"n"}
    assert found(Call("ftruncate", 0, 0, FILE, at=PAGE), sync()) == {OLD[:PAGE]}
    assert found(Call("ftruncate", 0, 0, FILE, at=0), write(b"n"), sync()) == {b"n"}


def test_what_was_not_synced_may_be_there_page_by_page() -> None:
    """None, the first, the second or both."""
    new = b"n" * (2 * PAGE)
    assert found(write(new)) == {OLD, new, new[:PAGE] + OLD[PAGE:], OLD[:PAGE] + new[PAGE:]}


def test_a_sync_that_failed_leaves_the_pages_out_for_good() -> None:
    """The next one does not bring them back; writing them again does. A write that failed wrote nothing."""
    new = b"n" * PAGE
    assert found(write(new), sync(failed="EIO"), sync()) == {OLD}
    assert found(write(new), sync(failed="EIO"), write(new), sync()) == {new + OLD[PAGE:]}
    assert found(write(new, failed="ENOSPC"), sync()) == {OLD}


def test_a_new_file_has_its_name_once_its_folder_was_synced() -> None:
    """Until then it is not found, whatever was synced of itself; one that was removed is gone."""
    assert found(write(b"n", file=NEW), sync(NEW), file=NEW) == {None}
    assert found(write(b"n", file=NEW), sync(NEW), sync("/data"), file=NEW) == {b"n"}
    assert found(Call("unlink", 0, 0, FILE)) == {None}
