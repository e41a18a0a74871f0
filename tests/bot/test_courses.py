"""Courses that organisers send: kept as versions, read before they are used."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import courses as rooms
from bot.courses import ELSEWHERE, KEPT, Courses, TooLarge, changes, course_at
from bot.errors import BadInput, Conflict, NotFound
from bot.model import Session

FAQ = "## Is there a recording?\n\nYes, {when}.\n"


def zipped(when: str = "tomorrow", **more: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("course/faq.md", FAQ.format(when=when))
        for name, text in more.items():
            archive.writestr(f"course/{name}.md", text)
    return made.getvalue()


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Hall:
    """Sessions that remember their course."""

    def __init__(self, folder: Path) -> None:
        self.time = 1_700_000_000.0
        self.sessions = {"talk": Session("talk", "Talk")}
        self.courses = Courses(folder, self.all, lambda: self.time, put=self.put)

    async def all(self) -> list[Session]:
        return list(self.sessions.values())

    async def put(self, who: str, session: Session, folder: str) -> int:
        self.sessions[session.id] = replace(session, course=folder)
        return 7

    async def send(self, data: bytes, name: str = "course.zip") -> str:
        self.time += 60
        return (await self.courses.take("talk", name, pieces(data), "Ann"))[0].id

    async def use(self, version: str) -> None:
        assert await self.courses.use(self.sessions["talk"], version, "Ann") == 7


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


async def test_a_course_is_read_first_and_used_then(hall: Hall) -> None:
    """Sending changes nothing for the audience; using does, and the one before can be used again."""
    first = await hall.send(zipped("tomorrow"))
    assert hall.sessions["talk"].course == ""
    await hall.use(first)
    assert "tomorrow" in course_at(Path(hall.sessions["talk"].course)).entries[0].answer
    await hall.use(await hall.send(zipped("on Friday")))
    assert "Friday" in course_at(Path(hall.sessions["talk"].course)).entries[0].answer
    await hall.use(first)
    assert "tomorrow" in (await hall.courses.present(hall.sessions["talk"])).entries[0].answer


async def test_the_folder_of_the_configuration_is_not_lost(hall: Hall, tmp_path: Path) -> None:
    """What the session named before is among the versions and can be used again; it is no file of ours."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "faq.md").write_text(FAQ.format(when="never"))
    hall.sessions["talk"] = Session("talk", "Talk", course=str(folder))
    await hall.use(await hall.send(zipped()))
    assert [version.id for version in await hall.courses.versions("talk")][-1] == ELSEWHERE
    await hall.use(ELSEWHERE)
    assert hall.sessions["talk"].course == str(folder)


async def test_the_last_few_are_kept_and_so_is_what_a_session_names(hall: Hall) -> None:
    """The oldest go, but never one that is used, by another session either."""
    first = await hall.send(zipped("0"))
    await hall.use(first)
    hall.sessions["again"] = replace(hall.sessions["talk"], id="again")
    for n in range(1, KEPT + 3):
        await hall.use(await hall.send(zipped(str(n))))
    kept = [version.id for version in await hall.courses.versions("talk")]
    assert len(kept) == KEPT + 1
    assert kept[-1] == first


async def test_what_another_version_replaced_stays(hall: Hall) -> None:
    """However many were sent since, the one that was used before is there to come back to."""
    first = await hall.send(zipped("0"))
    await hall.use(first)
    before = hall.sessions["talk"].course
    for n in range(1, KEPT + 1):
        last = await hall.send(zipped(str(n)))
    await hall.use(last)
    assert first in [version.id for version in await hall.courses.versions("talk")]
    assert "0" in course_at(Path(before)).entries[0].answer


async def test_what_was_sent_and_never_used_goes_too(hall: Hall, tmp_path: Path) -> None:
    """Only the last few stay on the disk, and what has just come is one of them though the clock was set back."""
    sent = [await hall.send(zipped(str(n))) for n in range(KEPT + 2)]
    kept = [version.id for version in await hall.courses.versions("talk")]
    assert kept == sent[::-1][:KEPT]
    assert {path.parent.name for path in files(tmp_path) if path.name == "about.json"} == set(kept)
    hall.time -= 86_400
    assert await hall.send(zipped("late")) in [version.id for version in await hall.courses.versions("talk")]


async def test_what_cannot_be_taken_leaves_nothing(hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused file, one that is too large and one whose sender went away: no version, and no byte on the disk."""

    async def broken_off() -> AsyncIterator[bytes]:
        yield b"PK"
        raise ConnectionResetError

    with pytest.raises(BadInput, match="is no ZIP file"):
        await hall.send(b"nothing of the kind")
    with pytest.raises(ConnectionResetError):
        await hall.courses.take("talk", "course.zip", broken_off(), "Ann")
    monkeypatch.setattr(rooms, "LARGEST", 2000)
    with pytest.raises(TooLarge):
        await hall.send(b"PK" + b"x" * 3000)
    assert files(tmp_path) == []
    assert hall.courses.reading("talk") is None


async def test_two_at_once_do_not_mix(hall: Hall) -> None:
    """While one comes in for a session, another is told to wait."""

    async def meanwhile() -> AsyncIterator[bytes]:
        with pytest.raises(Conflict):
            await hall.send(zipped())
        yield zipped()

    await hall.courses.take("talk", "course.zip", meanwhile(), "Ann")
    assert len(await hall.courses.versions("talk")) == 1


async def test_a_version_is_named_by_its_id_and_by_nothing_else(hall: Hall) -> None:
    """No path gets anywhere."""
    await hall.send(zipped())
    for id in ("..", "../talk", "", "x"):
        with pytest.raises(NotFound):
            await hall.courses.read("talk", id)


async def test_what_a_course_changes(hall: Hall) -> None:
    """New, gone and changed entries and passages, each under the words that people know it by."""
    old = (await hall.courses.read("talk", await hall.send(zipped("tomorrow", notes="# A\n\na", same="# S\n\ns"))))[1]
    new = (await hall.courses.read("talk", await hall.send(zipped("Friday", more="# B\n\nb", same="# S\n\ns"))))[1]
    found = changes(old, new)
    assert [piece.title for piece in found.new] == ["B"]
    assert [piece.title for piece in found.gone] == ["A"]
    assert [(piece.title, piece.source) for piece in found.changed] == [("Is there a recording?", "faq.md:1")]
    assert changes(old, old) == rooms.Changes((), (), ())
