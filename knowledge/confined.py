"""Course files that somebody sent, unpacked and read in a process of its own that has little memory and little time.

What parsers of PDF and Office files make of a file that was made to harm them, happens there: the program itself gets
lines of JSON, so many bytes at most.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from knowledge.archives import NotTaken
from knowledge.course import read_course
from knowledge.material import Course, Entry, Passage, Problem
from knowledge.unpacking import LARGEST_UNPACKED, take_in

Told = Callable[[str, int, int], None]
"""Hears which file is read, the how manieth it is, and of how many."""

MOST_TEXT = 8 * 1024 * 1024
"""Bytes of JSON that a course may be: some thousand pages. It is all held in memory, and every piece gets a vector."""

_BOOT = "import sys; sys.path[:0] = sys.argv[1:2]; from knowledge.confined import _child; _child(sys.argv[2])"
_HOME = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading may take: bytes of memory (address space), and seconds of the processor, with some more for each
    megabyte that was sent: large PDFs take long, bombs are small. On a machine that has other things to do it may take
    `patience` times as long by the clock."""

    memory: int = 512 * 1024 * 1024
    seconds: float = 8.0
    seconds_a_megabyte: float = 1.0
    patience: float = 3.0

    def time(self, size: int) -> float:
        """Seconds of the processor for a file of so many bytes."""
        return self.seconds + self.seconds_a_megabyte * (size // 1024**2)


USUAL = Limits()


async def read_sent(
    sent: Path, name: str, into: Path, told: Told = lambda file, at, of: None, limits: Limits = USUAL
) -> Course:
    """Unpack what lies at `sent`, called `name` by its sender, into the new folder `into`, and read it as a course.

    Raises `NotTaken` for what is no course, could do harm, or takes too much; `into` may hold a part of it then.
    """
    size = await asyncio.to_thread(lambda: sent.stat().st_size)
    seconds = limits.time(size)
    job = {
        "sent": str(sent),
        "name": name,
        "into": str(into),
        "memory": limits.memory,
        "seconds": max(1, round(seconds)),
    }
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-s", "-c", _BOOT, _HOME, json.dumps(job)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=MOST_TEXT,
        # none of the secrets that our own environment may hold
        env={"PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        start_new_session=True,
    )
    hearing = _Hearing(told)
    late = False
    try:
        async with asyncio.timeout(seconds * limits.patience):
            await hearing.all_of(child)
    except TimeoutError:
        late = True
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    if late or child.returncode == -signal.SIGXCPU:
        raise NotTaken(f"takes more than {seconds:.0f} s to read{hearing.where}: split it, or save it anew")
    return hearing.course(child.returncode)


class _Hearing:
    """What the child says."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._file = ""
        self._said: dict[str, list[Any]] = {"entry": [], "passage": [], "problem": []}
        self._ended = False

    @property
    def where(self) -> str:
        return f" ({self._file})" if self._file else ""

    async def all_of(self, child: asyncio.subprocess.Process) -> None:
        """Until the child ends. Raises `NotTaken` where it refuses or says too much."""
        if child.stdout is None:
            raise ValueError("the child's output is not piped")
        heard = 0
        while True:
            try:
                line = await child.stdout.readline()
            except ValueError:  # longer than the stream's limit
                raise NotTaken(_TOO_MUCH) from None
            heard += len(line)
            if heard > MOST_TEXT:
                raise NotTaken(_TOO_MUCH)
            if not line:
                break
            self._take(*json.loads(line))
        await child.wait()

    def _take(self, what: str, value: Any) -> None:
        match what:
            case "file":
                self._file = str(value[0])
                self._told(self._file, int(value[1]), int(value[2]))
            case "entry":
                self._said[what].append(Entry(**{**value, "phrasings": tuple(value["phrasings"])}))
            case "passage":
                self._said[what].append(Passage(**value))
            case "problem":
                self._said[what].append(Problem(**value))
            case "refused":
                raise NotTaken(str(value))
            case "end":
                self._ended = True

    def course(self, code: int | None) -> Course:
        if not self._ended or code != 0:
            raise NotTaken(f"cannot be read{self.where}: open it, save it anew, or leave it out")
        return Course(tuple(self._said["entry"]), tuple(self._said["passage"]), tuple(self._said["problem"]))


_TOO_MUCH = f"holds more text than {MOST_TEXT >> 20} MB: leave out what is not part of the course"


def lines_of(course: Course) -> Iterator[str]:
    """A course as lines of JSON, for `course_of`."""
    for what, items in (("entry", course.entries), ("passage", course.passages), ("problem", course.problems)):
        for item in items:
            yield json.dumps([what, asdict(item)], ensure_ascii=False) + "\n"
    yield '["end", null]\n'


def course_of(text: str) -> Course:
    """What `lines_of` wrote. Raises `NotTaken` where it is not all there."""
    hearing = _Hearing(lambda file, at, of: None)
    try:
        for line in filter(None, text.split("\n")):
            hearing._take(*json.loads(line))
    except (ValueError, TypeError, KeyError) as error:
        raise NotTaken("broken lines") from error
    return hearing.course(0)


# -- in the child ------------------------------------------------------------------------------------------------------


def _child(job: str) -> None:
    """Do it, and say it on what was the standard output: what libraries print must not mix with it."""
    import docx  # noqa: F401 (before there are limits)
    import pptx  # noqa: F401
    import pypdf  # noqa: F401

    work = json.loads(job)
    with os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace") as out:
        os.dup2(2, 1)
        _confine(work["memory"], work["seconds"])

        def say(what: str, value: object) -> None:
            out.write(json.dumps([what, value]) + "\n")
            out.flush()

        try:
            left_out = take_in(Path(work["sent"]), work["name"], Path(work["into"]))
            course = read_course(Path(work["into"]), lambda *file: say("file", file))
            for line in lines_of(Course(course.entries, course.passages, (*left_out, *course.problems))):
                out.write(line)
        except NotTaken as error:
            say("refused", str(error))
        except MemoryError:
            say("refused", "takes more memory to read than any honest file: save it anew, or split it")
        except OSError as error:
            say("refused", f"cannot be unpacked ({error.strerror}): is there room on the disk?")


def _confine(memory: int, seconds: int) -> None:
    for what, most, ever in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, seconds, seconds + 1),  # the first one ends it with a signal that says why
        (resource.RLIMIT_FSIZE, LARGEST_UNPACKED, LARGEST_UNPACKED),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with suppress(ValueError, OSError):  # not every system knows each of them
            resource.setrlimit(what, (most, ever))
