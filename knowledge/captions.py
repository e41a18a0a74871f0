"""A transcript (WebVTT or SRT) as timed lines, whatever wrote it; what is wrong with it is said, and no word is lost.

Times are seconds from the transcript's own zero. Every timing is first written in one form, since programs write them
in many; the rest (notes, styles, marks, names of voices) is left to `webvtt`.
"""

import html
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import webvtt

from knowledge.archives import NotTaken
from knowledge.material import Found
from knowledge.plaintext import decode

LARGEST = 4 * 1024 * 1024
"""Bytes of a transcript: some forty hours of speech."""

LATEST = 48 * 3600.0
"""Seconds: a later time is a mistake of whatever wrote it."""

PAUSE = 2.0
"""Seconds of silence after which somebody begins anew, whatever the punctuation says."""

LONGEST_SENTENCE = 15.0
"""Seconds. Recognisers that write no full stops make one sentence of an evening."""

LONGEST_TIMING = 80  # characters of a line in which the times stand

SHOWN = 40  # characters of a line that is complained about

# A time on one side at least, and nothing like a sentence on the other: arrows in what is said are none.
_TIMING = re.compile(r"^\s*(?:[\d:., ]*\d[\d:., ]*-{1,2}>|\S{0,16}\s*-{1,2}>\s*\d{1,3}\s*:)")
_CLOCK = re.compile(r"\s*(?:(\d{1,3})\s*:\s*)?(\d{1,3})\s*:\s*(\d{1,2})(?:\s*[.,:]\s*(\d{1,6}))?(?!\d)")
_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_ENDS = re.compile(r"[。！？!?…]+[”’」』）)]*|\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said from `start` to `end`, in seconds: a line of the transcript, or a sentence."""

    start: float
    end: float
    text: str


Problems = list[tuple[int | None, str]]
"""What is wrong with a file, for people, each with its line where it has one."""


@dataclass(frozen=True, slots=True)
class Captions:
    """The lines of a transcript in order of time, and what is wrong with it."""

    lines: tuple[Spoken, ...]
    problems: tuple[tuple[int | None, str], ...] = ()


def read_captions(data: bytes) -> Captions:
    """The bytes of a VTT or SRT file, in UTF-8, UTF-16 or GB18030. Raises `NotTaken` where there is no transcript in
    it."""
    if len(data) > LARGEST:
        raise NotTaken(f"larger than {LARGEST >> 20} MB, as no transcript is: split it")
    found = Found("")
    text = decode(found, data)
    if text is None:
        raise NotTaken(found.problems[0].message)
    if not text.strip():
        raise NotTaken("it is empty: export the transcript anew")
    problems: Problems = [(problem.line, problem.message) for problem in found.problems]
    lines = captions_of(text, problems)
    if not lines:
        raise NotTaken("no captions in it: export the transcript anew as WebVTT or SRT")
    return Captions(lines, tuple(problems))


def captions_of(text: str, problems: Problems) -> tuple[Spoken, ...]:
    """The timed lines of a text, in order of time; tells `problems` what is wrong with it."""
    read = webvtt.from_buffer(io.StringIO(_in_one_form(text, problems)), format="vtt").captions
    lines = [*_spoken(read)]
    if backwards := sum(after.start < before.start for before, after in pairwise(lines)):
        problems.append((None, f"{backwards} lines begin before the one above them: they were put in order of time"))
    return tuple(sorted(lines, key=lambda line: line.start))


def sentences(lines: Sequence[Spoken]) -> tuple[Spoken, ...]:
    """What is said, sentence by sentence: lines are joined until one ends, or the speaker rests, or it gets long.

    Of a line that holds several, each takes its share of the time by its length. Lines that overlap (two voices, or
    captions that repeat what stands above them) are kept in order of their beginning; what is said twice, once.
    """
    found: list[Spoken] = []
    for part in _unrepeated(_parts(lines)):
        last = found[-1] if found else None
        joins = (
            last is not None
            and not _ENDS.search(last.text[-3:])
            and part.start - last.end < PAUSE
            and part.end - last.start <= LONGEST_SENTENCE
        )
        if last is not None and joins:
            between = "" if _wide(last.text[-1]) or _wide(part.text[0]) else " "
            found[-1] = Spoken(last.start, max(last.end, part.end), last.text + between + part.text)
        else:
            found.append(part)
    return tuple(found)


def clock(seconds: float) -> str:
    """Seconds of a recording as people read them: "01:12:40"."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def _parts(lines: Sequence[Spoken]) -> Iterator[Spoken]:
    for line in lines:
        begin = 0
        ends = [match.end() for match in _ENDS.finditer(line.text)]
        for end in dict.fromkeys((*ends, len(line.text))):
            if text := line.text[begin:end].strip():
                length = (line.end - line.start) / len(line.text)
                yield Spoken(line.start + begin * length, line.start + end * length, text)
            begin = end


def _unrepeated(parts: Iterator[Spoken]) -> Iterator[Spoken]:
    """Captions that roll (each line once more above the next one) say everything twice or three times."""
    before: list[str] = []
    for part in parts:
        if part.text not in before:
            yield part
        before = [*before[-2:], part.text]


def _wide(letter: str) -> bool:
    return letter > "\u2e80"


def _spoken(captions: Iterable[webvtt.Caption]) -> Iterator[Spoken]:
    """What each says that did not stand in the one before: captions that roll show a row once more above the next."""
    before: list[str] = []
    for caption in captions:
        rows = [row for one in caption.text.split("\n") if (row := " ".join(_unescaped(one).split()))]
        again = next(n for n in range(len(rows), -1, -1) if rows[:n] == before[len(before) - n :])
        before = rows
        if again < len(rows):
            start, end = _seconds(caption.start), _seconds(caption.end)
            yield Spoken(start, max(start, end), " ".join(rows[again:]))


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # "&#", thousands of digits and ";" are no sign
        return text


def _seconds(written: str) -> float:
    hours, minutes, seconds = written.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _in_one_form(text: str, problems: Problems) -> str:
    """The same as WebVTT in which every timing reads "00:00:00.000", and no empty line cuts off what is said.

    A timing that cannot be read takes the end of the one before, so that its words stay where they were said.
    """
    lines = [line.strip("\ufeff") for line in text.split("\n")]
    following = _full_lines(lines)
    timings = _timings(lines, problems)
    written, seen = ["WEBVTT", ""], False
    for at, line in enumerate(lines):
        if at in timings:
            written.append(timings[at])
            seen = True
        elif at + 1 in timings and _names(lines, at, seen):
            written.append("")
        elif not seen and line.startswith("WEBVTT"):
            continue
        elif line.strip() or not seen or _blank_ends(lines, following[at], timings):
            written.append(line.replace("-->", "→"))
    return "\n".join(written) + "\n"


def _names(lines: Sequence[str], at: int, seen: bool) -> bool:
    """Whether a line above a timing is empty, or the number or name of a caption, which nobody says: that stands first
    or below an empty line, else it is what is said last."""
    return not seen or not lines[at].strip() or lines[at].strip().isdecimal() or not lines[at - 1].strip()


def _full_lines(lines: Sequence[str]) -> list[int | None]:
    """For each line the first one from there on that is not empty."""
    found: list[int | None] = [None] * len(lines)
    for at in reversed(range(len(lines))):
        found[at] = at if lines[at].strip() else found[at + 1] if at + 1 < len(lines) else None
    return found


def _blank_ends(lines: Sequence[str], following: int | None, timings: dict[int, str]) -> bool:
    """Whether an empty line before that one ends a caption: some programs leave them between two lines of one."""
    return following is None or following in timings or following + 1 in timings or _note(lines[following])


def _note(line: str) -> bool:
    return _BLOCK.match(line) is not None


def _timings(lines: Sequence[str], problems: Problems) -> dict[int, str]:
    """The timings, by the line on which they stand."""
    found: dict[int, str] = {}
    last, odd, late = 0.0, 0, 0
    for at, line in enumerate(lines):
        if not _TIMING.match(line[:LONGEST_TIMING]):
            continue
        start, end = (_clock_in(part) for part in line.replace("->", "\n", 1).split("\n"))
        if start is None:
            problems.append(
                (at + 1, f"no time can be read in “{line.strip()[:SHOWN]}”: that of the line before counts")
            )
            start = end = last
        elif start > LATEST:
            late += 1
            start = end = last
        elif end is None or not start <= end <= LATEST:
            odd += 1
            end = start
        found[at] = f"{_written(start)} --> {_written(end)}"
        last = end
    if odd:
        problems.append((None, f"{odd} lines end before they begin: only when they begin counts"))
    if late:
        problems.append(
            (None, f"{late} times are later than {LATEST / 3600:.0f} hours: that of the line before counts")
        )
    return found


def _clock_in(text: str) -> float | None:
    match = _CLOCK.match(text)
    if match is None:
        return None
    hours, minutes, seconds, rest = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{rest}")


def _written(seconds: float) -> str:
    return f"{clock(seconds)}.{int(seconds % 1 * 1000):03}"
