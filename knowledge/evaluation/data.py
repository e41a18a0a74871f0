"""The form of labelled data that everything is measured on, and the reader of topics.

A topic is a JSON file of hand-written askings: {"faq": [{"id", "q", "a"}], "groups": [{"id", "faq": id or null,
"asks": [text]}], "not_asking": [text]}; one answer satisfies a group.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from knowledge.material import Course, Entry

Judgement = Literal["asking", "same question", "answering"]

SHOWN = 20
"""Problems of one file that are told; a file of the wrong kind has one on every line."""


class DataError(Exception):
    """Data that cannot be measured on; `problems` are sentences with file and line that say what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = [f"… and {len(problems) - SHOWN} more of that kind"] if len(problems) > SHOWN else []
        self.problems = [*problems[:SHOWN], *more]
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `group`: what it asks, the same for all that one answer satisfies (None: not told, or asks nothing).
    `source`: the part of the course that answers it. `ambiguous`: careful readers may label it otherwise. `kind`: what
    its writer does with it, where that is told (`talks.KINDS`). `holds`: where the answer is told to the word, words of
    which what is sent must hold one. `explicit`: sent through a way that is there for asking, so that no detector is
    asked."""

    id: str
    text: str
    asks: bool
    group: str | None = None
    source: str | None = None
    ambiguous: bool = False
    kind: str = ""
    holds: tuple[str, ...] = ()
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """Messages in order, and the course that is to answer them; every judgement begins anew with each."""

    name: str
    course: Course
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Chats whose figures are told together, for the judgements that they are labelled for. `note`: what was sampled,
    removed or is weak about the labels. `again`: the chats in other orders, where theirs is chance: what is put
    together depends on what came first."""

    name: str
    chats: tuple[Chat, ...]
    judgements: tuple[Judgement, ...]
    note: str = ""
    again: tuple[Chat, ...] = ()

    @property
    def size(self) -> int:
        return sum(len(chat.lines) for chat in self.chats)


NO_COURSE = Course((), (), ())


def read_text(path: Path) -> str:
    """Raises `DataError` where the file cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError([f"{path}: cannot be read ({error.strerror}): correct the path"]) from error
    except UnicodeDecodeError as error:
        raise DataError([f"{path}: is not UTF-8 text: save it as UTF-8"]) from error


def read_json(path: Path) -> Any:
    """One JSON document. Raises `DataError`."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        where = f"{path}:{getattr(error, 'lineno', 1)}"
        raise DataError([f"{where}: is no JSON ({_no_json(error)}): mend the file"]) from error


def _no_json(error: Exception) -> str:
    """Without the line, which stands before it and of a file of lines is always the first."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, column {error.colno}"
    return "lists in lists without end" if isinstance(error, RecursionError) else str(error)


def json_lines(path: Path, problems: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and objects; what is none goes to `problems`. Raises `DataError` for a file that cannot be read."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}:{number}: is no JSON ({_no_json(error)}): mend or delete the line")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            problems.append(f"{path}:{number}: is no JSON object: mend or delete the line")


def whole(text: str) -> str:
    """As a replay stores it: half a surrogate pair, which JSON can carry and no UTF-8 can hold, becomes the replacement
    character, and zeros go."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "")


def shuffled(lines: Sequence[Line], seed: str) -> tuple[Line, ...]:
    """In an order that depends on `seed` and nothing else."""
    return tuple(random.Random(seed).sample(lines, len(lines)))  # noqa: S311 - an order, not a secret


def read_topics(folder: Path, seed: int = 0) -> Dataset:
    """Every topic of a folder, each as a chat in a shuffled order that stays the same. Raises `DataError`."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataError([f"{folder}: there is no topic (*.json) in it: name the folder that holds them"])
    chats, problems = [], []
    for path in paths:
        try:
            chats.append(_topic(path, seed))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return Dataset(
        folder.resolve().name, tuple(chats), ("asking", "same question", "answering"), f"{len(chats)} topics"
    )


def _of(group: dict[str, Any]) -> tuple[str, str | None]:
    id, entry = group["id"], group["faq"]
    if not isinstance(id, str) or not isinstance(entry, str | None):
        raise DataError([f"the id or the entry of group {id!r} is no text"])
    return id, entry or None


def _entry(row: dict[str, Any], file: str) -> Entry:
    if wrong := [key for key in ("id", "q", "a") if not isinstance(row[key], str)]:
        raise DataError([f'"{wrong[0]}" of an entry is {row[wrong[0]]!r}, no text'])
    return Entry(row["id"], whole(row["q"]), (), whole(row["a"]), file)


def _texts(rows: object) -> list[str]:
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise DataError([f"{str(rows)[:40]!r} is no list of texts"])
    return [whole(row) for row in rows]


def _topic(path: Path, seed: int) -> Chat:
    data = read_json(path)
    try:
        entries = tuple(_entry(row, path.name) for row in data["faq"])
        lines = [Line("", text, True, *_of(group)) for group in data["groups"] for text in _texts(group["asks"])]
        lines += [Line("", text, False) for text in _texts(data["not_asking"])]
    except (KeyError, TypeError, DataError) as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else "a list or an object is missing"
        missing = str(error) if isinstance(error, DataError) else missing
        raise DataError([f"{path}: is no topic, {missing}: see docs/bench.md for the form"]) from error
    unknown = sorted({line.source for line in lines if line.source} - {entry.id for entry in entries})
    if unknown:
        raise DataError([f"{path}: a group names the entry {unknown[0]!r}, which is not in its faq: correct the id"])
    return Chat(path.stem, Course(entries, (), ()), shuffled(lines, f"{path.stem}-{seed}"))
