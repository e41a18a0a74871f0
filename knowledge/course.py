"""A course folder, read into entries and passages with stable ids.

`read_course` decides what each file is and never raises for what it finds there: whatever is wrong comes back as
a `Problem` with the file, the line and what to do. Ids stay the same as long as the heading (or the id comment) does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from watchfiles import Change, awatch

from knowledge.documents import OLD_OFFICE, READERS, read_captions
from knowledge.markdown import read_faq, read_glossary, read_notes
from knowledge.material import Course, Entry, Found, Passage, Problem
from knowledge.plaintext import decode
from knowledge.text import normalise, simplified

__all__ = ["ENDINGS", "Course", "Entry", "Passage", "Problem", "is_litter", "read_course", "watch_course"]

_log = logging.getLogger(__name__)

MISSING = "there is no such course folder: create it, or correct its path"

LARGEST = 50 * 1024 * 1024  # bytes a file
LONGEST_PAUSE = 60.0
"""Seconds between two tries to take a course over."""
_MARKDOWN = (".md", ".markdown")
_CAPTIONS = (".vtt", ".srt")
ENDINGS = (*_MARKDOWN, *READERS, *_CAPTIONS)
"""Of the files that a course is read from."""

NOT_READ = f"not read, since only {', '.join(ENDINGS)} are: save it as one of these or move it out of the folder"

_BEGINS: Mapping[str, bytes] = {".pdf": b"%PDF-", ".pptx": b"PK", ".docx": b"PK"}
_BEGINS_WITHIN = 1024  # bytes; PDF readers allow something before it
_LEFT_BY_PROGRAMS = re.compile(r"\.|~\$|__macosx$|thumbs\.db$|desktop\.ini$|.*~$", re.IGNORECASE)


def is_litter(name: str) -> bool:
    """Whether programs leave files or folders of this name wherever they go."""
    return _LEFT_BY_PROGRAMS.match(name) is not None


def read_course(folder: Path, told: Callable[[str, int, int], None] = lambda file, at, of: None) -> Course:
    """Read every file below `folder`, in the order of their names; blocking, seconds for large PDFs.

    A missing folder is one problem, an empty one is an empty course without problems. `told` hears of each file before
    it is read, which one it is and of how many.
    """
    try:
        root = folder.resolve(strict=True)
        if not root.is_dir():
            raise NotADirectoryError
    except (OSError, RuntimeError):
        return Course((), (), (Problem(_shown(folder), None, MISSING),), there=False)
    paths = list(_files(root))
    found = []
    for at, path in enumerate(paths, 1):
        told(_shown(path.relative_to(root)), at, len(paths))
        found.append(_read_file(root, path))
    return _joined(found)


async def watch_course(
    folder: Path,
    changed: Callable[[Course], Awaitable[None]],
    *,
    known: Course | None = None,
    settle_ms: int = 800,
    missing_s: float = 2.0,
) -> None:
    """Call `changed` with the newly read course whenever its content has changed; runs until it is cancelled.

    `known` is what the caller read before: what changed between that and the start of the watch is noticed too.
    Changes within `settle_ms` are one change, since editors and copying write in many steps. A folder that is
    missing is looked for every `missing_s` seconds. After an error of `changed`, which is logged, it is called
    again, at first after so many seconds.
    """
    last = await asyncio.to_thread(read_course, folder) if known is None else known
    while True:
        begun = False
        # No filter: the usual one passes over whole trees such as site-packages, where the sample course may live.
        # RuntimeError is what watchfiles makes of a folder that vanishes while it is being looked through.
        with contextlib.suppress(FileNotFoundError, RuntimeError):
            # the first round may be empty: it says that the watch has begun, and what came before is looked at once
            async for changes in awatch(
                folder,
                watch_filter=None,
                debounce=settle_ms,
                step=settle_ms // 4,
                rust_timeout=settle_ms,
                yield_on_timeout=True,
            ):
                # A folder that was made anew under the same name is not the one that is watched.
                gone = (Change.deleted, str(folder)) in changes or not await asyncio.to_thread(folder.is_dir)
                if changes or not begun:
                    begun = True
                    last = await _reread(folder, last, changed, missing_s)
                if gone or not last.there:
                    break
        await asyncio.sleep(missing_s)
        last = await _reread(folder, last, changed, missing_s)


async def _reread(folder: Path, last: Course, changed: Callable[[Course], Awaitable[None]], pause: float) -> Course:
    """What counts now: as the folder is once that could be taken over, which is tried again after longer and longer."""
    while (course := await asyncio.to_thread(read_course, folder)) != last:
        try:
            await changed(course)
        except Exception:  # the listener's trouble, such as a store that is full
            _log.exception("the course changed, but taking it over failed; it is tried again in %.0f s", pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return course
    return last


def _files(root: Path) -> Iterator[Path]:
    """Every file below `root`, and of the folders those that are links (never entered) or cannot be opened."""
    closed: list[OSError] = []
    for here, folders, files in os.walk(root, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        linked = [name for name in folders if (Path(here) / name).is_symlink()]
        for name in sorted([*files, *linked]):
            if not is_litter(name):
                yield Path(here) / name
    yield from (Path(error.filename) for error in closed)


def _read_file(root: Path, path: Path) -> Found:
    found = Found(_shown(path.relative_to(root)))
    try:
        data = _content(root, path, found)
        if data is not None:
            _read_content(found, path, data)
    except MemoryError:
        found.problem("takes more memory to read than any honest file: save it anew, or split it")
    except OSError as error:
        found.problem(f"could not be opened ({error.strerror}): see that it exists and that this program may read it")
    except Exception as error:  # a parser met something it was not written for; the other files must still be read
        found.problem(f"could not be read ({type(error).__name__}: {error}): open it, save it anew, or remove it")
    return found


def _content(root: Path, path: Path, found: Found) -> bytes | None:
    """The bytes of a file that may be read, or None with a problem."""
    target = path.resolve(strict=True)
    if not target.is_relative_to(root):
        found.problem("a link that leads out of the course folder: copy the file into the folder instead")
        return None
    status = target.stat()
    if stat.S_ISDIR(status.st_mode) and path.is_symlink():
        return None  # a linked folder inside the course: its files are read where they are
    if not stat.S_ISREG(status.st_mode):
        found.problem("not an ordinary file or a folder that may not be opened: remove it or allow reading it")
    elif status.st_size > LARGEST:
        found.problem(f"larger than {LARGEST >> 20} MB: split it or leave out its pictures")
    else:
        return target.read_bytes()
    return None


def _read_content(found: Found, path: Path, data: bytes) -> None:
    ending = path.suffix.lower()
    if ending in _MARKDOWN:
        _read_markdown(found, path.stem.lower(), data)
    elif ending in _CAPTIONS:
        text = decode(found, data)
        if text is not None:
            read_captions(found, text)
    elif ending not in READERS:
        found.problem(NOT_READ)
    elif _BEGINS[ending] in data[:_BEGINS_WITHIN] or data.startswith(OLD_OFFICE):
        READERS[ending](found, data)
    else:
        found.problem(f"its name ends in {ending}, but it is no such file: save it anew or correct its name")


def _read_markdown(found: Found, name: str, data: bytes) -> None:
    if name == "readme":
        return
    text = decode(found, data)
    if text is None:
        return
    stem = found.file[: found.file.rindex(".")]
    if name.startswith("faq"):
        read_faq(found, stem, text)
    elif name.startswith("glossary"):
        read_glossary(found, stem, text)
    else:
        read_notes(found, stem, text)


def _joined(files: list[Found]) -> Course:
    """All files together. Of two things with the same id the first stays, since ids are what answers point at, and so
    it is with two entries that are asked in the same words: those words lead to the first."""
    problems = [problem for found in files for problem in found.problems]
    owners: dict[str, str] = {}
    asked: dict[str, Entry] = {}
    entries, passages = [], []
    for found in files:
        for entry in found.entries:
            left = _unasked(entry, found, asked, problems)
            if left is not None and _first(left, found, owners, problems):
                entries.append(left)
                asked |= {same: left for wording in _wordings(left) if (same := _same(wording))}
        passages += [passage for passage in found.passages if _first(passage, found, owners, problems)]
    return Course(tuple(entries), tuple(passages), tuple(problems))


def _unasked(entry: Entry, found: Found, asked: dict[str, Entry], problems: list[Problem]) -> Entry | None:
    """The entry without the wordings that an earlier one has, each such one told; None where no wording is left."""
    left: list[str] = []
    doubled: dict[str, list[str]] = {}
    earlier = {}
    for wording in _wordings(entry):
        if other := asked.get(_same(wording)):
            earlier[other.id] = other
            doubled.setdefault(other.id, []).append(f"“{wording}”")
        else:
            left.append(wording)
    for id, wordings in doubled.items():
        problems.append(Problem(found.file, _line(entry, found), _doubled(entry, earlier[id], ", ".join(wordings))))
    return replace(entry, question=left[0], phrasings=tuple(left[1:])) if left else None


def _doubled(entry: Entry, earlier: Entry, asked: str) -> str:
    if simplified(" ".join(entry.answer.split())) == simplified(" ".join(earlier.answer.split())):
        return f"{asked} says the same as {earlier.source}, which counts: delete one, keep its other wordings"
    return (
        f"{asked} contradicts {earlier.source}, where the same is asked and whose answer counts: "
        "delete or mend one of the two, or say in both questions what tells them apart"
    )


def _wordings(entry: Entry) -> tuple[str, ...]:
    return entry.question, *entry.phrasings


def _same(wording: str) -> str:
    """Equal for what reads the same: without marks around it, in one script and case; "" for marks alone."""
    return normalise(wording).strip(" ?!.,:;~…。、，")


def _first(item: Entry | Passage, found: Found, owners: dict[str, str], problems: list[Problem]) -> bool:
    owner = owners.get(item.id)
    if owner is None:
        owners[item.id] = item.source
        return True
    message = f"the id “{item.id}” is already taken by {owner}, so this one is left out: give it another id or heading"
    problems.append(Problem(found.file, _line(item, found), message))
    return False


def _line(item: Entry | Passage, found: Found) -> int | None:
    line = item.source.removeprefix(f"{found.file}:")  # what is left of "faq.md:12"; other sources stay whole
    return int(line) if line.isdigit() else None


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace").replace(os.sep, "/")
