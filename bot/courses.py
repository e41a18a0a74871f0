"""The courses that organisers send from the pages: each a version in a folder of its own, the last few of them kept.

Below `root`, for each session: `VERSION/course` holds the files, `VERSION/read.jsonl` what was read in them (in a
process of its own, see `knowledge.confined`), `VERSION/about.json` who sent it. `Session.course` names the one that
counts; `elsewhere` remembers the folder that it named before, where that is none of these.
"""

import asyncio
import json
import os
import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import knowledge
from bot.errors import BadInput, Conflict, NotFound, StoreError
from bot.model import Session
from bot.ports import Now
from bot.promoting import faq_of
from knowledge.archives import NotTaken
from knowledge.confined import course_of, lines_of, read_sent
from knowledge.course import is_litter, read_course
from knowledge.material import Course, Entry, Passage, Problem

LARGEST = 100 * 1024 * 1024
"""Bytes that may be sent."""

KEPT = 5
"""Versions of a session's course."""

TOO_LARGE = f"larger than {LARGEST >> 20} MB: leave out pictures and films"

READ = "read.jsonl"

AT_ONCE = 2
"""Courses that are read at the same time."""

ELSEWHERE = "elsewhere"
"""Stands for the folder that is none of ours."""

NOTHING = Course((), (), ())

PROGRAM = Path(knowledge.__file__).resolve().parent
"""Where the sample course lies, which nothing changes."""


class TooLarge(BadInput):
    """More was sent than may be; the text says how much that is."""


@dataclass(frozen=True, slots=True)
class Version:
    """A course as it was sent: `name` is its file's name, `by` who sent it, `at` when. `folder` holds its files."""

    id: str
    name: str
    by: str
    at: float
    folder: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a course that comes in is: `done` of `files` are read; before, `files` is 0."""

    by: str
    name: str
    file: str = ""
    done: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry or passage as people know it."""

    id: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What another course would add, take away and say otherwise."""

    new: tuple[Piece, ...]
    gone: tuple[Piece, ...]
    changed: tuple[Piece, ...]


class Courses:
    """`put` sets a session's course (its name in the ledger, the session, the folder), so that the running session
    answers from it, and gives the number of that act, None where nothing changed. `changed` tells that something here
    changed."""

    def __init__(
        self,
        root: Path,
        sessions: Callable[[], Awaitable[list[Session]]],
        now: Now,
        *,
        put: Callable[[str, Session, str], Awaitable[int | None]],
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._root, self._sessions, self._now = root, sessions, now
        self._put, self._changed = put, changed
        self._readings: dict[str, Reading] = {}
        self._using = asyncio.Lock()
        self._turns = asyncio.Semaphore(AT_ONCE)

    def reading(self, session: str) -> Reading | None:
        """What comes in for this session just now."""
        return self._readings.get(session)

    async def take(self, session: str, name: str, data: AsyncIterator[bytes], by: str) -> tuple[Version, Course]:
        """Write what comes in to the disk and read it; it is not used yet. Of those before it the oldest go.

        Raises `TooLarge`, `BadInput` for what cannot be taken, `Conflict` while another one comes in, and `StoreError`
        where the disk does not take it. Then nothing of it is kept.
        """
        if session in self._readings:
            raise Conflict("another course is coming in for this session; wait until it is read")
        id = f"{datetime.fromtimestamp(self._now()):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        home = self._home(session) / id
        self._readings[session] = Reading(by, name)
        self._changed(session)
        try:
            taken = await self._take(Version(id, name, by, self._now(), str(home / "course")), session, data)
            async with self._using:
                await self._prune(session, {taken[0].folder})
            return taken
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, home, ignore_errors=True))
            if isinstance(error, NotTaken):
                raise BadInput(str(error)) from error
            if isinstance(error, OSError) and not isinstance(error, ConnectionError):  # that is who sends
                raise StoreError(f"the course cannot be written: {error.strerror}") from error
            raise
        finally:
            del self._readings[session]
            self._changed(session)

    async def versions(self, session: str) -> list[Version]:
        """Those that are kept, the newest first."""
        return await asyncio.to_thread(self._versions, session)

    async def read(self, session: str, version: str) -> tuple[Version, Course]:
        """Raises `NotFound`."""
        found = await self._version(session, version)
        return found, await asyncio.to_thread(course_at, Path(found.folder))

    async def present(self, session: Session) -> Course:
        """What the session answers from now."""
        return await asyncio.to_thread(course_at, Path(session.course)) if session.course else NOTHING

    async def use(self, session: Session, version: str, by: str) -> int | None:
        """From now on the session answers from this version; the number of that act. What was used before stays, so
        that it can be undone.

        Raises `NotFound`, `StoreError`.
        """
        async with self._using:
            folder = (await self._version(session.id, version)).folder
            await asyncio.to_thread(self._remember, session)
            before = {one.course for one in await self._sessions()}
            action = await self._put(by, session, folder)
            await self._prune(session.id, before)
        self._changed(session.id)
        return action

    async def faq(self, session: Session) -> tuple[str, str]:
        """The file of the FAQ that new entries go to, by its path in the course, and what it says ("": there is none).

        Raises `BadInput` where it is no text.
        """
        return await asyncio.to_thread(_faq, session.course)

    async def rewrite(self, session: Session, before: str, after: str, by: str) -> None:
        """The FAQ says `after` from now on, and the running session answers from it.

        A folder that the configuration names is written in place, in one step: it is the organisers' own, other
        evenings share it, and what they change there later must go on counting. Of a course that was sent, or without
        one, there is a new version. Raises `Conflict` where the FAQ is no longer `before`, `StoreError` where it cannot
        be written.
        """
        folder = Path(session.course) if session.course else None
        name, text = await self.faq(session)
        if text != before:
            raise Conflict("the FAQ was changed meanwhile; look at it again")
        if folder is not None and not is_sent(folder) and not folder.resolve().is_relative_to(PROGRAM):
            await asyncio.to_thread(_write_faq, folder / name, after)
            return
        home = await asyncio.to_thread(tempfile.mkdtemp, prefix="floormic-faq-")
        try:
            packed = Path(home) / "course.zip"
            await asyncio.to_thread(_packed, folder, name, after, packed)
            version, _ = await self.take(session.id, f"{name.rpartition('/')[2]}.zip", _pieces_of(packed), by)
            await self.use(session, version.id, by)
        finally:
            await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)

    # -- on the disk ---------------------------------------------------------------------------------------------------

    async def _take(self, version: Version, session: str, data: AsyncIterator[bytes]) -> tuple[Version, Course]:
        home = Path(version.folder).parent
        sent = home / "sent"
        await asyncio.to_thread(home.mkdir, parents=True)
        await _written(sent, data)

        def told(file: str, at: int, of: int) -> None:
            self._readings[session] = replace(self._readings[session], file=file, done=at - 1, files=of)
            self._changed(session)

        async with self._turns:
            course = await read_sent(sent, version.name, Path(version.folder), told)
        await asyncio.to_thread(_keep, home, version, course)
        await asyncio.to_thread(sent.unlink)
        return version, course

    def _home(self, session: str) -> Path:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", session):  # as the settings have them; others would be paths
            raise BadInput(f"{session!r} is no name for a folder")
        return self._root / session

    def _versions(self, session: str) -> list[Version]:
        found = []
        home = self._home(session)
        for about in sorted(home.glob("*/about.json"), reverse=True) if home.is_dir() else ():
            with suppress(OSError, ValueError, TypeError):
                # the folder is where it is now: the data folder may have been moved
                found.append(
                    Version(**{**json.loads(about.read_text("utf-8")), "folder": str(about.parent / "course")})
                )
        with suppress(OSError):
            found.append(Version(ELSEWHERE, "", "", 0.0, (home / ELSEWHERE).read_text("utf-8")))
        return sorted(found, key=lambda version: version.at, reverse=True)

    async def _version(self, session: str, id: str) -> Version:
        found = next((one for one in await self.versions(session) if one.id == id), None)
        if found is None:
            raise NotFound("this version of the course is not kept any more")
        return found

    def _remember(self, session: Session) -> None:
        """The folder that the configuration names, say, so that it can be used again."""
        home = self._home(session.id)
        if session.course and Path(session.course).parent.parent != home:
            try:
                _replace(home / ELSEWHERE, session.course)
            except OSError as error:
                raise StoreError(f"{home} cannot be written: {error.strerror}") from error

    async def _prune(self, session: str, needed: set[str]) -> None:
        """Forget the oldest. What a session names stays, for evenings that were duplicated share a course, and what is
        `needed` beside."""
        named = needed | {one.course for one in await self._sessions()}
        await asyncio.to_thread(self._forget_oldest, session, named)

    def _forget_oldest(self, session: str, named: set[str]) -> None:
        for version in self._versions(session)[KEPT:]:
            if version.id != ELSEWHERE and version.folder not in named:
                shutil.rmtree(Path(version.folder).parent, ignore_errors=True)


def is_sent(folder: Path) -> bool:
    """Whether it is the folder of a version: nothing changes in it, and it is not read in this process."""
    return folder.name == "course" and (folder.parent / READ).is_file()


def course_at(folder: Path) -> Course:
    """A course folder as it is now; of one that was sent, what was read in it when it came. Blocks."""
    if not is_sent(folder):
        return read_course(folder)
    try:
        return course_of((folder.parent / READ).read_text("utf-8"))
    except (OSError, NotTaken) as error:
        problem = Problem(folder.parent.name, None, f"was not kept whole ({error}): send it again")
        return Course((), (), (problem,), there=False)


def changes(before: Course, after: Course) -> Changes:
    """What `after` changes against `before`, each in the order of its course."""
    old, new = _pieces(before), _pieces(after)
    return Changes(
        new=tuple(piece for id, (piece, _) in new.items() if id not in old),
        gone=tuple(piece for id, (piece, _) in old.items() if id not in new),
        changed=tuple(piece for id, (piece, said) in new.items() if id in old and old[id][1] != said),
    )


def _pieces(course: Course) -> dict[str, tuple[Piece, object]]:
    """Entries and passages by id, with what they say."""
    entries: Sequence[tuple[str, str, str, object]] = [
        (one.id, one.question, one.source, (one.question, one.phrasings, one.answer)) for one in course.entries
    ]
    passages = [(one.id, one.heading, one.source, (one.heading, one.text)) for one in course.passages]
    return {id: (Piece(id, title, source), said) for id, title, source, said in (*entries, *passages)}


def file_of(piece: Entry | Passage) -> str:
    """The file that it is from, as sources name it ("faq.md:12", "slides.pdf, page 3")."""
    return re.split(r":\d+$|, ", piece.source)[0]


def _faq(course: str) -> tuple[str, str]:
    folder = Path(course) if course else None
    if folder is None or not folder.is_dir():
        return faq_of(()), ""
    inside = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    name = faq_of(path.as_posix() for path in inside if not any(is_litter(step) for step in path.parts))
    file = folder / name
    if not file.is_file():
        return name, ""
    if not file.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{name} is a link that leads out of the course folder: copy the file into the folder instead")
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            return name, file.read_bytes().decode(encoding).replace("\r\n", "\n")
    raise BadInput(f"{name} is no text: save it as a UTF-8 text file or remove it")


def _write_faq(file: Path, text: str) -> None:
    """In one step, with the line ends and the rights that it has."""
    try:
        lines = "\r\n" if file.exists() and b"\r\n" in file.read_bytes() else "\n"
        part = file.with_name(f".{file.name}.part")
        part.write_text(text, "utf-8", newline=lines)
        if file.exists():
            shutil.copymode(file, part)
        os.replace(part, file)
    except OSError as error:
        raise StoreError(f"the course cannot be written: {error.strerror}") from error


def _packed(folder: Path | None, name: str, text: str, into: Path) -> None:
    """A course as ZIP, with another FAQ."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")) if folder else ():
            inside = path.relative_to(folder).as_posix() if folder else ""
            if path.is_file() and not path.is_symlink() and inside != name:
                packed.write(path, inside)
        packed.writestr(name, text)


async def _pieces_of(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as opened:
        while piece := await asyncio.to_thread(opened.read, 1 << 20):
            yield piece


async def _written(file: Path, data: AsyncIterator[bytes]) -> None:
    size = 0
    with await asyncio.to_thread(file.open, "xb") as opened:
        async for piece in data:
            size += len(piece)
            if size > LARGEST:
                raise TooLarge(TOO_LARGE)
            await asyncio.to_thread(opened.write, piece)


def _keep(home: Path, version: Version, course: Course) -> None:
    with (home / READ).open("w", encoding="utf-8", errors="replace") as kept:
        kept.writelines(lines_of(course))
    _replace(home / "about.json", json.dumps(asdict(version), ensure_ascii=False))


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, "utf-8", errors="replace")
    os.replace(part, file)
