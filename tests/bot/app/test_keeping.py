"""Backups of an installation, and the way back from them."""

import asyncio
import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from bot.app.keeping import Place, back_up, backups_in, look_through, place_of, rehearse, restore, told_restore
from bot.app.keeping.manifest import Manifest
from bot.courses import Courses
from bot.errors import BadInput, Conflict, NotFound, StoreBusy, StoreError
from bot.model import GONE, Address, Delivery, DutyState, DutyStatus, Person, Placed, Placement, Session
from bot.storage.connection import claim, connect
from bot.storage.migrations import steps
from bot.storage.sqlite import SqliteStore, open_store
from tests.bot.values import message, state

CONFIG = """
[[session]]
id = "talk"
title = "Talk"
course = "course"

[intake]
secret_file = "data/secrets/intake-secret"
"""
NOW = 1_700_000_000.0
T = TypeVar("T")


async def filled(place: Place, count: int) -> None:
    store = await open_store(place.database)
    await store.save_session(Session("talk", "Talk"))
    await store.receive([message(number, user=f"u{number % 3}") for number in range(count)])
    await store.close()


def installed(folder: Path, count: int = 20) -> Place:
    """An installation with so many messages, a course and secrets."""
    folder.mkdir()
    (folder / "floormic.toml").write_text(CONFIG)
    (folder / "course").mkdir()
    (folder / "course/faq.md").write_text("## Is there a recording?\n\nYes.\n")
    (folder / "data/secrets").mkdir(parents=True)
    (folder / "data/secret").write_text("0123456789abcdefghij-secret\n")
    (folder / "data/secrets/intake-secret").write_text("another-0123456789abcdef\n")
    place = place_of(folder / "floormic.toml")
    asyncio.run(filled(place, count))
    return place


def rows(database: Path) -> list[str]:
    db = sqlite3.connect(database)
    found = [str(row[0]) for row in db.execute("SELECT external_id FROM messages ORDER BY id")]
    db.close()
    return found


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return installed(tmp_path / "here")


def test_a_backup_has_everything_and_comes_back_elsewhere(place: Place, tmp_path: Path) -> None:
    """Database, secrets, configuration and course, byte for byte, in an empty folder."""
    done = back_up(place)
    assert done.file.parent == place.backups
    names = {one.name for one in done.manifest.files}
    assert {"data/floormic.sqlite3", "data/secret", "data/secrets/intake-secret", "config/floormic.toml"} <= names
    assert "config/course/faq.md" in names
    there = restore(done.file, tmp_path / "there/floormic.toml", now=NOW)
    assert there.data == tmp_path / "there/data"
    assert rows(there.data / "floormic.sqlite3") == rows(place.database)
    for name in ("floormic.toml", "course/faq.md", "data/secret", "data/secrets/intake-secret"):
        assert (tmp_path / "there" / name).read_bytes() == (place.folder / name).read_bytes()


def test_nobody_else_can_read_a_backup_or_what_comes_back(place: Place, tmp_path: Path) -> None:
    """The file has the mode 600, and so has every file that is restored."""
    done = back_up(place)
    assert stat.S_IMODE(done.file.stat().st_mode) == 0o600
    there = restore(done.file, tmp_path / "there/floormic.toml", now=NOW)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in [there.data, *there.data.rglob("*")])


def test_a_backup_is_taken_while_the_store_is_open_and_has_what_was_accepted_before(place: Place) -> None:
    """What was acknowledged before the command began is in it, though it is only in the log; the lock is no hindrance,
    and writing goes on while it is copied."""

    async def run() -> tuple[Manifest, int]:
        store = await open_store(place.database)
        await store.receive([message(number) for number in range(100, 1100)])
        backing_up = asyncio.create_task(asyncio.to_thread(back_up, place))
        later = 0
        while not backing_up.done():
            await store.receive([message(10_000 + later)])
            later += 1
        await store.close()
        return (await backing_up).manifest, later

    manifest, later = asyncio.run(run())
    assert later > 0
    assert 1020 <= manifest.counts["messages"] <= 1020 + later


def test_without_secrets_there_are_none(place: Place) -> None:
    """Neither the secret of the installation nor those of sources, and it says so."""
    done = back_up(place, with_secrets=False)
    data = done.file.read_bytes()
    assert b"0123456789abcdefghij-secret" not in data
    assert b"another-0123456789abcdef" not in data
    assert "config/floormic.toml" in {one.name for one in done.manifest.files}
    assert any("sign in again" in line for line in done.manifest.left_out)


def test_without_secrets_a_configuration_that_holds_one_is_left_out(place: Place) -> None:
    """A key that stands in the file is a secret like any other."""
    assert place.config
    place.config.write_text('[telegram]\ntoken = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"\n')
    done = back_up(place_of(place.config), with_secrets=False)
    assert b"AAHdqTcvCH1v" not in done.file.read_bytes()
    assert any("telegram.token" in line for line in done.manifest.left_out)


def test_variables_that_hold_secrets_are_named(place: Place) -> None:
    """Their values are nowhere to be found, so whoever moves has to know."""
    assert place.config
    place.config.write_text('[[intake]]\nsecret_env = "LOBBY_SECRET"\n[telegram]\n')
    assert back_up(place_of(place.config)).manifest.variables == ("FLOORMIC_TELEGRAM_TOKEN", "LOBBY_SECRET")


def test_nothing_is_overwritten(place: Place, tmp_path: Path) -> None:
    """A file that is there stays."""
    (tmp_path / "mine.tar").write_text("mine")
    with pytest.raises(BadInput, match="there already"):
        back_up(place, tmp_path / "mine.tar")
    assert (tmp_path / "mine.tar").read_text() == "mine"


def test_only_the_newest_are_kept_and_only_our_own_removed(place: Place) -> None:
    """--keep counts files of its own naming; others in the folder are not touched."""
    place.backups.mkdir()
    for day in (1, 2, 3):
        (place.backups / f"floormic-2026010{day}T000000Z.tar").write_text("old")
    (place.backups / "floormic-mine.tar").write_text("mine")
    (place.backups / "holiday.tar").write_text("mine")
    done = back_up(place, keep=2)
    assert [path.name for path, _ in backups_in(place.backups)] == [done.file.name, "floormic-20260103T000000Z.tar"]
    assert len(done.removed) == 2
    assert {path.name for path in place.backups.iterdir()} >= {"floormic-mine.tar", "holiday.tar"}


def test_keeping_some_needs_a_folder(place: Place, tmp_path: Path) -> None:
    """With a file's name there is nothing to count."""
    with pytest.raises(BadInput, match="name the folder"):
        back_up(place, tmp_path / "mine.tar", keep=3)


def test_what_a_killed_backup_left_goes_with_the_next(place: Place) -> None:
    """Half a backup never has the name of a whole one, and does not fill the disk."""
    place.backups.mkdir()
    left = place.backups / ".floormic-20260101T000000Z.tar.0123abcd.floormic-part"
    for path in (left, left.with_name(left.name + "-database")):
        path.write_text("half")
    back_up(place)
    assert [path.suffix for path in place.backups.iterdir()] == [".tar"]


def test_a_full_disk_leaves_nothing_behind(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is said before anything is written, with what is needed."""
    usage = shutil.disk_usage(place.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    with pytest.raises(StoreError, match=r"needs about \d+ MB .* and 1 MB are free"):
        back_up(place)
    assert list(place.backups.iterdir()) == []


def test_one_backup_a_folder_at_a_time(place: Place) -> None:
    """The second one is told so, and takes nothing away from the first."""
    inside: list[Exception] = []

    def told(done: int, of: int) -> None:
        if not inside:
            with pytest.raises(StoreBusy, match="another backup") as caught:
                back_up(place)
            inside.append(caught.value)

    back_up(place, told=told)
    assert inside


def test_a_damaged_database_is_no_backup(place: Place) -> None:
    """What cannot be relied on does not get a name that says otherwise."""
    with place.database.open("r+b") as stream:
        stream.seek(8192)
        stream.write(os.urandom(16384))
    with pytest.raises(StoreError):
        back_up(place)
    assert list(place.backups.iterdir()) == []


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    """A new installation, or a wrong --config, is told apart from a backup that is empty."""
    with pytest.raises(NotFound, match="no database yet"):
        back_up(place_of(None).__class__(None, tmp_path, tmp_path / "data", tmp_path / "backups"))


# -- restoring ---------------------------------------------------------------------------------------------------------


def test_data_that_are_there_are_not_touched(place: Place) -> None:
    """Without --replace nothing is changed, not even a time."""
    done = back_up(place)
    before = snapshot(place.folder)
    with pytest.raises(Conflict, match="--replace"):
        restore(done.file, place.folder / "floormic.toml", now=NOW)
    assert snapshot(place.folder) == before


def test_replaced_data_are_moved_aside(place: Place) -> None:
    """--replace deletes nothing: the former folder is whole beside the new one."""
    done = back_up(place)
    asyncio.run(filled(place, 30))
    now_in = rows(place.database)
    back = restore(done.file, place.folder / "floormic.toml", replace=True, now=NOW)
    assert back.aside
    assert rows(back.aside / "floormic.sqlite3") == now_in
    assert len(rows(place.database)) == 20


def test_a_running_program_is_left_alone(place: Place) -> None:
    """It is refused with the number of the process, with --replace too."""
    done = back_up(place)
    held = claim(place.database)
    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        restore(done.file, place.folder / "floormic.toml", replace=True, now=NOW)
    os.close(held)
    assert place_of(place.config).runner == 0


def test_an_empty_folder_is_filled_in_place(place: Place, tmp_path: Path) -> None:
    """A mount point cannot be renamed; it stays the same folder."""
    done = back_up(place)
    (tmp_path / "there/data").mkdir(parents=True)
    inode = (tmp_path / "there/data").stat().st_ino
    restore(done.file, tmp_path / "there/floormic.toml", now=NOW)
    assert (tmp_path / "there/data").stat().st_ino == inode
    assert len(rows(tmp_path / "there/data/floormic.sqlite3")) == 20
    assert not list((tmp_path / "there/data").glob(".*"))


def test_a_folder_that_cannot_be_moved_stays_as_it_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount point that holds something: it is said what to do, and nothing else was begun."""
    done, rename = back_up(place), os.rename

    def refusing(source: Path, target: Path) -> None:
        if source == place.data:
            raise OSError(errno.EBUSY, "Device or resource busy")
        rename(source, target)

    before = snapshot(place.folder)
    monkeypatch.setattr(os, "rename", refusing)
    with pytest.raises(StoreError, match="mount point"):
        restore(done.file, place.folder / "floormic.toml", replace=True, now=NOW)
    after = snapshot(place.folder)
    assert after.keys() == before.keys()
    held = ("-shm", ".lock")  # whoever looks leaves its number there
    assert [name for name in before if after[name] != before[name] and not name.endswith(held)] == []


@pytest.mark.parametrize("why", ["Permission denied", "Not a directory|File exists"])
@pytest.mark.parametrize("where", ["instead", "empty", "new"])
def test_where_the_rest_cannot_be_written_the_data_are_as_they_were(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, why: str
) -> None:
    """A folder of the configuration in which nothing may be written, or a file in the place of one: what was there is
    there again, in its place, and nothing that came with the backup is left."""
    done, move = back_up(place, tmp_path), shutil.move
    config = place.folder / "floormic.toml" if where == "instead" else tmp_path / "there/floormic.toml"
    if where == "empty":
        (config.parent / "data").mkdir(parents=True)

    def refusing(source: Path, target: Path) -> None:
        if "course" in str(target):
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
        move(source, target)

    if where == "instead":
        config.write_text("# another one\n" + CONFIG)
        shutil.rmtree(place.folder / "course")
        asyncio.run(filled(place, 30))
    if why == "Permission denied":
        monkeypatch.setattr(shutil, "move", refusing)
    else:
        config.parent.mkdir(exist_ok=True)
        (config.parent / "course").write_text("no folder")
    before = snapshot(tmp_path)
    with pytest.raises(StoreError, match=rf"cannot be restored.*({why})"):
        restore(done.file, config, replace=True, now=NOW)
    left = ("-shm", "-wal", ".lock")  # of whoever looks
    after = snapshot(tmp_path)
    assert {name: after.get(name) for name in {*before, *after} if not name.endswith(left)} == {
        name: data for name, data in before.items() if not name.endswith(left)
    }


def test_a_data_folder_that_is_the_configurations_own_comes_back(tmp_path: Path) -> None:
    """Also where everything lies in one folder, without a copy of the backups in the backups."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here/floormic.toml").write_text('data = "."\n')
    place = place_of(tmp_path / "here/floormic.toml")
    asyncio.run(filled(place, 3))
    back_up(place, place.folder)
    done = back_up(place)
    assert not [one.name for one in done.manifest.files if "backups" in one.name]
    restore(done.file, tmp_path / "there/floormic.toml", now=NOW)
    assert len(rows(tmp_path / "there/floormic.sqlite3")) == 3
    assert (tmp_path / "there/floormic.toml").read_text() == 'data = "."\n'


@pytest.mark.parametrize("folder", [".", "data"])
def test_nothing_is_missing_where_the_backups_lie_with_the_data(place: Place, folder: str) -> None:
    """Whatever folder is named for the backups, the same files are in each, and no earlier backup."""
    assert place.config
    usual = {one.name for one in back_up(place).manifest.files}
    place.config.write_text(f'backups = "{folder}"\n{CONFIG}')
    shared = place_of(place.config)
    (shared.backups / "floormic-20260101T000000Z.tar").write_text("earlier")
    assert {one.name for one in back_up(shared).manifest.files} == usual


def test_what_a_link_names_is_in_it_or_said_not_to_be(place: Place, tmp_path: Path) -> None:
    """A course may be put together of links to files; a folder behind a link is named."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/notes.md").write_text("# Notes")
    (place.folder / "course/notes.md").symlink_to(tmp_path / "shared/notes.md")
    (place.folder / "course/more").symlink_to(tmp_path / "shared")
    done = back_up(place)
    assert "config/course/notes.md" in {one.name for one in done.manifest.files}
    assert any("course/more" in line for line in done.manifest.left_out)


def test_a_configuration_that_is_there_stays(place: Place, tmp_path: Path) -> None:
    """That of the backup is put beside it, and the data go where the one that is there says."""
    done = back_up(place)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/my.toml").write_text('data = "elsewhere"\n')
    back = restore(done.file, tmp_path / "there/my.toml", now=NOW)
    assert back.data == tmp_path / "there/elsewhere"
    assert back.beside.other
    assert back.beside.other.read_text() == CONFIG
    assert (tmp_path / "there/my.toml").read_text() == 'data = "elsewhere"\n'


def test_a_course_that_was_sent_is_found_where_it_is_now(place: Place, tmp_path: Path) -> None:
    """The database names its folder by its whole path, which is another one on another machine."""

    async def sent() -> None:
        store = await open_store(place.database)

        async def put(who: str, session: Session, folder: str) -> None:
            await store.save_session(Session("talk", "Talk", course=folder))

        async def body() -> object:
            yield b"## A question?\n\nAn answer.\n"

        courses = Courses(place.data / "courses", store.sessions, time.time, put=put)
        version, _ = await courses.take("talk", "faq.md", body(), "Li")
        await courses.use(Session("talk", "Talk"), version.id, "Li")
        await store.close()

    async def course_now(database: Path) -> Path:
        store = await open_store(database)
        [session] = await store.sessions()
        await store.close()
        return Path(session.course)

    asyncio.run(sent())
    back = restore(back_up(place).file, tmp_path / "there/floormic.toml", now=NOW)
    course = asyncio.run(course_now(back.data / "floormic.sqlite3"))
    assert course.is_relative_to(back.data)
    assert [path.name for path in course.iterdir()] == ["faq.md"]


def test_files_outside_of_both_folders_are_put_aside(place: Place, tmp_path: Path) -> None:
    """A backup does not say where it writes: a key from elsewhere is put into a folder of its own."""
    assert place.config
    (tmp_path / "key").write_text("another-0123456789abcdef")
    place.config.write_text(f'[intake]\nsecret_file = "{tmp_path}/key"\n')
    done = back_up(place_of(place.config))
    (tmp_path / "key").unlink()
    back = restore(done.file, tmp_path / "there/floormic.toml", now=NOW)
    assert not (tmp_path / "key").exists()
    assert back.beside.put_back
    assert [path.read_text() for path in back.beside.put_back.rglob("key")] == ["another-0123456789abcdef"]


@pytest.mark.parametrize("data", ["~/.config/autostart", ".ssh", "../beside", "{}/beside"])
def test_a_backup_does_not_choose_where_its_data_go(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    """Where no configuration is, only below its folder and in none that is hidden; it is said what to do, nothing is
    written, and once a configuration says so the data go there."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    assert place.config
    done = back_up(place)
    forged = rewritten(
        done.file, exchanged("config/floormic.toml", f'data = "{data.format(tmp_path)}"\n{CONFIG}'.encode())
    )
    config = tmp_path / "home/floormic.toml"
    with pytest.raises(BadInput, match="does not choose where it writes"):
        restore(forged, config, now=NOW)
    assert snapshot(tmp_path / "home") == {}
    config.write_text('data = "../beside"\n')
    assert restore(forged, config, now=NOW).data == tmp_path / "beside"


@pytest.mark.parametrize("folder", ["data", "more/data"])
def test_a_link_that_is_there_may_lead_the_data_elsewhere(place: Place, tmp_path: Path, folder: str) -> None:
    """It is the operator's own, to a larger disk: a backup makes none."""
    assert place.config
    place.config.write_text(f'data = "{folder}"\n{CONFIG}')
    place.data.rename(place.folder / "moved")
    (place.folder / folder).parent.mkdir(exist_ok=True)
    (place.folder / "moved").rename(place.folder / folder)
    done = back_up(place_of(place.config))
    link = tmp_path / "there" / folder.partition("/")[0]
    (tmp_path / "big").mkdir()
    link.parent.mkdir()
    link.symlink_to(tmp_path / "big")
    restore(done.file, tmp_path / "there/floormic.toml", now=NOW)
    assert link.is_symlink()
    assert len(rows(tmp_path / "there" / folder / "floormic.sqlite3")) == 20


@pytest.mark.parametrize("data", ["~nobody-of-that-name/x", "a\\u0000b"])
def test_a_folder_that_there_cannot_be_is_said(place: Place, tmp_path: Path, data: str) -> None:
    """A home of nobody, or what is no path at all."""
    forged = rewritten(back_up(place).file, exchanged("config/floormic.toml", f'data = "{data}"\n{CONFIG}'.encode()))
    with pytest.raises(BadInput, match="no folder that there can be"):
        restore(forged, tmp_path / "there/floormic.toml", now=NOW)


def test_what_a_backup_puts_beside_the_configuration_is_named_by_it(place: Place, tmp_path: Path) -> None:
    """Courses and keys that it names come to their places; anything else, and whatever is hidden, goes where nothing
    looks for it."""
    done = back_up(place)
    forged = done.file
    named = b'[intake]\nsecret_file = ".profile"\n[[session]]\nid = "talk"\ntitle = "T"\ncourse = "course"\n'
    for name, data in (("config/floormic.toml", named), ("config/.profile", b"evil")):
        forged = rewritten(forged, exchanged(name, data))
    forged = rewritten(
        rewritten(forged, exchanged("config/.ssh/authorized_keys", b"evil")), exchanged("config/x", b"evil")
    )
    for config in ("there/floormic.toml", "other/floormic.toml"):
        target = tmp_path / config
        target.parent.mkdir()
        if config.startswith("other"):
            target.write_text('data = "data"\n')
        back = restore(forged, target, now=NOW)
        put_back = back.beside.put_back
        assert put_back
        assert [str(path.relative_to(put_back)) for path in sorted(put_back.rglob("*")) if path.is_file()] == [
            "config/.profile",
            "config/.ssh/authorized_keys",
            "config/x",
        ]
        assert (target.parent / "course/faq.md").exists()
        evil = [path for path in target.parent.rglob("*") if path.is_file() and path.read_bytes() == b"evil"]
        assert all(path.is_relative_to(put_back) for path in evil)


# -- files that are no backup ------------------------------------------------------------------------------------------


def rewritten(file: Path, change: Callable[[tarfile.TarFile, tarfile.TarInfo, bytes], None]) -> Path:
    """The same archive with each member written by `change`."""
    target = file.with_name("changed.tar")
    with tarfile.open(file) as old, tarfile.open(target.with_suffix(".new"), "w") as new:
        for info in old:
            stream = old.extractfile(info)
            assert stream
            change(new, info, stream.read())
    return target.with_suffix(".new").rename(target)


def add(tar: tarfile.TarFile, info: tarfile.TarInfo, data: bytes) -> None:
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def extra(name: str, **kind: object) -> Callable[[tarfile.TarFile, tarfile.TarInfo, bytes], None]:
    """Adds a member of this name before the manifest."""

    def change(tar: tarfile.TarFile, info: tarfile.TarInfo, data: bytes) -> None:
        if info.name == "manifest.json":
            more = tarfile.TarInfo(name)
            for key, value in kind.items():
                setattr(more, key, value)
            add(tar, more, b"" if kind else b"evil")
        add(tar, info, data)

    return change


def with_manifest(**fields: object) -> Callable[[tarfile.TarFile, tarfile.TarInfo, bytes], None]:
    def change(tar: tarfile.TarFile, info: tarfile.TarInfo, data: bytes) -> None:
        if info.name == "manifest.json":
            data = json.dumps({**json.loads(data), **fields}).encode()
        add(tar, info, data)

    return change


def exchanged(name: str, data: bytes) -> Callable[[tarfile.TarFile, tarfile.TarInfo, bytes], None]:
    """The member of this name holds this, and the manifest says so; it is added where there was none."""

    def change(tar: tarfile.TarFile, info: tarfile.TarInfo, old: bytes) -> None:
        if info.name == "manifest.json":
            said = json.loads(old)
            member = {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            said["files"] = [one for one in said["files"] if one["name"] != name] + [member]
            add(tar, tarfile.TarInfo(name), data)
            add(tar, info, json.dumps(said).encode())
        elif info.name != name:
            add(tar, info, old)

    return change


def flipped(tar: tarfile.TarFile, info: tarfile.TarInfo, data: bytes) -> None:
    if info.name == "data/floormic.sqlite3":
        data = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
    add(tar, info, data)


def dropped(tar: tarfile.TarFile, info: tarfile.TarInfo, data: bytes) -> None:
    if info.name != "data/secret":
        add(tar, info, data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(flipped, "checksum differs", id="a flipped bit"),
        pytest.param(dropped, "is missing", id="a file is missing"),
        pytest.param(extra("data/more"), "not in its manifest", id="a file too many"),
        pytest.param(extra("data/../../evil"), "leads out", id="dots"),
        pytest.param(extra("/etc/cron.d/evil"), "leads out", id="an absolute path"),
        pytest.param(extra("else/evil"), "no part of a backup", id="another folder"),
        pytest.param(extra("data/x", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "no plain file", id="a link"),
        pytest.param(extra("data/x", type=tarfile.LNKTYPE, linkname="data/secret"), "no plain file", id="a hard link"),
        pytest.param(extra("data/x", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "no plain file", id="a device"),
        pytest.param(extra("data/x", type=tarfile.FIFOTYPE), "no plain file", id="a pipe"),
        pytest.param(extra("data/secret"), "twice", id="a file twice"),
        pytest.param(with_manifest(format=9), "newer floormic", id="a newer format"),
        pytest.param(with_manifest(schema=["9999_future"]), "newer floormic", id="a newer schema"),
        pytest.param(with_manifest(files=7), "cannot be read", id="a broken manifest"),
    ],
)
def test_what_is_no_whole_backup_is_refused(
    place: Place,
    tmp_path: Path,
    change: Callable[[tarfile.TarFile, tarfile.TarInfo, bytes], None],
    said: str,
) -> None:
    """A clear word, and nothing is touched: neither the data that are there nor anything outside."""
    changed = rewritten(back_up(place).file, change)
    before = snapshot(place.folder)
    with pytest.raises(BadInput, match=said):
        restore(changed, place.folder / "floormic.toml", replace=True, now=NOW)
    with pytest.raises(BadInput, match=said):
        rehearse(changed)
    assert snapshot(place.folder) == before
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_a_file_that_is_cut_off_is_refused(place: Place, share: float) -> None:
    """However much of it arrived."""
    file = back_up(place).file
    data = file.read_bytes().rstrip(b"\0")
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInput, match="cut off"):
        look_through(file)


def test_a_rehearsal_opens_it_and_leaves_nothing(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are compared after this program opened it, and the folder is gone."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    done = rehearse(back_up(place).file)
    assert done.fewer == ()
    assert done.steps == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_rehearsal_finds_rows_that_are_missing(place: Place) -> None:
    """A manifest that promises more than there is does not pass."""
    file = back_up(place).file
    counts = {**look_through(file).counts, "messages": 21}
    assert rehearse(rewritten(file, with_manifest(counts=counts))).fewer == ("messages",)


def test_an_older_schema_is_brought_up_to_date_by_a_rehearsal(place: Place) -> None:
    """A backup of an older version can be relied on, too."""
    place.database.unlink()
    db = connect(place.database)
    steps.apply(db, stop_before=list(steps._migrations)[-1].name)
    db.conn.close()
    done = rehearse(back_up(place).file)
    assert (done.steps, done.fewer) == (1, ())


# -- forgotten persons -------------------------------------------------------------------------------------------------


def test_evenings_that_were_forgotten_since_the_backup_stay_forgotten(place: Place) -> None:
    """As `forget --before` did it: what founded a question keeps its words, and nobody is named."""

    async def forget() -> list[str]:
        store = await open_store(place.database)
        founds = [
            Placed(Placement(one.id, True, 0.9, "q1"), founds=state("q1")) for one in await store.pending("talk", 1)
        ]
        await store.place("talk", founds)
        back_up(place, place.folder / "before.tar")
        await store.forget_before(NOW)
        await store.close()
        return await texts()

    async def texts() -> list[str]:
        store = await open_store(place.database)
        found = await store.placements("talk")
        await store.close()
        assert all(one.author.startswith(GONE) for one, _ in found)
        return [one.text for one, _ in found]

    forgotten = asyncio.run(forget())
    assert forgotten.count("") == 19
    back = restore(place.folder / "before.tar", place.folder / "floormic.toml", replace=True, now=NOW)
    assert back.forgotten == 3
    assert asyncio.run(texts()) == forgotten


def test_who_was_forgotten_since_the_backup_stays_forgotten(place: Place) -> None:
    """The database that is replaced tells who is gone, and they are forgotten in the backup too; others come back."""

    async def forget() -> str:
        store = await open_store(place.database)
        [first, *_] = [m for m, _ in await store.placements("talk")]
        await store.forget(Person(first.source, first.author), None, NOW)
        await store.close()
        return first.author

    async def after() -> tuple[set[str], int]:
        store = await open_store(place.database)
        authors = [m.author for m, _ in await store.placements("talk")]
        await store.close()
        return {one for one in authors if not one.startswith(GONE)}, len(authors)

    done = back_up(place)
    author = asyncio.run(forget())
    back = restore(done.file, place.folder / "floormic.toml", replace=True, now=NOW)
    assert back.forgotten == 1
    assert asyncio.run(after()) == ({"u0", "u1", "u2"} - {author}, 20)


async def test_who_is_forgotten_while_a_backup_is_taken_is_in_no_file_afterwards(tmp_path: Path) -> None:
    """The backup reads what was there before, so the log is cut when it is done and not before; writing goes on."""
    database = tmp_path / "talk.sqlite3"
    store = await open_store(database, patience=0.1)
    await store.save_session(Session("talk", "Talk"))
    await store.receive([message(n, text="a secret of mine", user="u7", author_name="Wang Wu") for n in range(50)])
    backup = connect(database, reading=True)
    backup.conn.execute("BEGIN")
    backup.conn.execute("SELECT COUNT(*) FROM messages").fetchone()
    forgetting = asyncio.create_task(store.forget(Person("telegram", "u7"), None, NOW))
    await asyncio.wait({forgetting}, timeout=1.5)
    assert not forgetting.done()
    await store.receive([message(100)])
    backup.conn.close()
    assert (await forgetting).persons == 1
    left = b"".join(data for _, data in snapshot(tmp_path).values())
    await store.close()
    assert b"Wang Wu" not in left
    assert b"a secret of mine" not in left


def test_elsewhere_it_is_said_that_the_forgotten_come_back(place: Place, tmp_path: Path) -> None:
    """Without the database that was replaced nobody can know who they are."""
    back = restore(back_up(place).file, tmp_path / "there/floormic.toml", now=NOW)
    assert back.forgotten is None
    assert any("forget them again" in line for line in told_restore(back))


# -- what was said since -----------------------------------------------------------------------------------------------


MORNING = 50_000.0
ANSWER = Delivery("answer:q1:telegram:c1", "talk", Address("telegram", "c1"), "Yes.", not_before=MORNING)
COUNT = replace(ANSWER, key="ack:q1:telegram:c1", text="3 ask this")
UNSAID = replace(ANSWER, key="answer:q2:telegram:c1", text="No.")


async def founded(store: SqliteStore) -> None:
    """What the first two messages ask are the questions q1 and q2."""
    pending = await store.pending("talk", 2)
    await store.place(
        "talk",
        [
            Placed(Placement(one.id, True, 0.9, f"q{n}"), founds=state(f"q{n}", title=one.text))
            for n, one in enumerate(pending, 1)
        ],
    )


async def in_store(place: Place, act: Callable[[SqliteStore], Awaitable[T]]) -> T:
    store = await open_store(place.database)
    try:
        return await act(store)
    finally:
        await store.close()


def test_what_was_said_since_the_backup_is_not_said_again(place: Place) -> None:
    """What waited for the morning and was sent by then is sent; what is reworded later edits what was sent; what is
    done after a talk is done. What the former database has not said is said."""

    async def late(store: SqliteStore) -> None:
        await founded(store)
        await store.deliver([ANSWER, COUNT, UNSAID])
        await store.keep_duty(DutyState("talk", "report"), DutyState("talk", "report", text="In short:"), [])

    async def at_eight(store: SqliteStore) -> None:
        await store.settle(replace(ANSWER, state="sent", sent_id="71"))
        await store.settle(replace(COUNT, state="sent", sent_id="72"))
        await store.deliver([replace(COUNT, text="5 ask this")])
        before = DutyState("talk", "report", text="In short:")
        await store.keep_duty(before, replace(before, status=DutyStatus.SENT, at=MORNING), [])
        digest = DutyState("talk", "digest")
        await store.keep_duty(digest, replace(digest, status=DutyStatus.EMPTY, at=MORNING), [])
        await store.deliver(
            [replace(ANSWER, key="answer:q3:telegram:c1", state="sent")]
        )  # of what is not in the backup

    async def at_ten(store: SqliteStore) -> tuple[list[tuple[str, str, str]], list[tuple[str, DutyStatus]], set[str]]:
        due = [(one.key, one.text, one.sent_id) for one in await store.due(2 * MORNING, 10)]
        duties = [(one.name, one.status) for one in await store.duties("talk")]
        return due, duties, {one.key for one in await store.deliveries("talk")}

    asyncio.run(in_store(place, late))
    done = back_up(place)
    asyncio.run(in_store(place, at_eight))
    back = restore(done.file, place.folder / "floormic.toml", replace=True, now=NOW)
    assert back.waiting == 0
    due, duties, keys = asyncio.run(in_store(place, at_ten))
    assert due == [(COUNT.key, "5 ask this", "72"), (UNSAID.key, "No.", "")]
    assert duties == [("report", DutyStatus.SENT), ("digest", DutyStatus.EMPTY)]
    assert keys == {ANSWER.key, COUNT.key, UNSAID.key}


def test_what_began_anew_has_said_nothing_of_what_comes_back(place: Place) -> None:
    """The disk was lost, people asked in an empty installation, and then the backup was found: the same ids are other
    questions there, so that nothing of it counts as sent or done. It is said how much waits."""
    digest = replace(ANSWER, key="digest:talk:telegram:c1", text="Thank you.")

    async def late(store: SqliteStore) -> None:
        await founded(store)
        await store.deliver([ANSWER, COUNT, digest])

    async def anew(store: SqliteStore) -> None:
        await store.save_session(Session("talk", "Talk"))
        await store.receive([message(1000 + number) for number in range(5)])
        await founded(store)
        others = [replace(one, text="Of another question.") for one in (ANSWER, COUNT, digest)]
        await store.deliver(others)
        for n, one in enumerate(others):
            await store.settle(replace(one, state="sent", sent_id=str(n)))
        report = DutyState("talk", "report")
        await store.keep_duty(report, replace(report, status=DutyStatus.SENT, at=MORNING), [])

    async def now(store: SqliteStore) -> tuple[list[Delivery], list[DutyState]]:
        return await store.due(2 * MORNING, 10), await store.duties("talk")

    asyncio.run(in_store(place, late))
    done = back_up(place)
    place.database.unlink()
    asyncio.run(in_store(place, anew))
    back = restore(done.file, place.folder / "floormic.toml", replace=True, now=NOW)
    assert asyncio.run(in_store(place, now)) == ([ANSWER, COUNT, digest], [])
    assert back.waiting == 3


def test_elsewhere_it_is_said_how_much_waits(place: Place, tmp_path: Path) -> None:
    """Without the former database nobody can know what was said of it since."""

    async def late(store: SqliteStore) -> None:
        await store.deliver([ANSWER, UNSAID])

    asyncio.run(in_store(place, late))
    back = restore(back_up(place).file, tmp_path / "there/floormic.toml", now=NOW)
    assert back.waiting == 2
    assert any("waited" in line and line.endswith(": 2") for line in told_restore(back))
