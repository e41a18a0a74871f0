"""Labelled talks and series. A talk is a folder with `chat.jsonl` as `floormic replay` reads it, `labels.jsonl` with a
line a message {"id", "kind", "group", "answerable", "ambiguous"}, and a course folder `course`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.course import read_course
from knowledge.evaluation.data import NO_COURSE, Chat, DataError, Dataset, Line, json_lines, read_json, whole
from knowledge.material import Course

CHAT, LABELS, MATERIAL = "chat.jsonl", "labels.jsonl", "course"
DRAFT = "labels.draft.jsonl"
"""Labels that `floormic label` wrote and nobody has corrected: no figures are made of them."""
ASKS = ("question", "request")
LONGEST_TALK = 1e9
"""Seconds, as `floormic replay` takes them."""
KINDS = (*ASKS, "greeting", "chatter", "answer", "rhetorical", "spam", "other")


@dataclass(frozen=True, slots=True)
class Talk:
    """A labelled talk, and the files that the whole path is run on. `course` None: there is none."""

    data: Dataset
    chat: Path
    course: Path | None

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.data.chats[0].lines


def read_talk(folder: Path, name: str = "") -> Talk:
    """`name` is what it is called, by default as its folder. Raises `DataError` with every problem of the labels, since
    figures over half of them would mislead."""
    chat, labels, course = folder / CHAT, folder / LABELS, folder / MATERIAL
    missing = [path.name for path in (chat, labels) if not path.is_file()]
    if missing == [LABELS] and (folder / DRAFT).is_file():
        raise DataError([f"{folder}: {DRAFT} was written by the program: correct it and save it as {LABELS}"])
    if missing:
        raise DataError([f"{folder}: has no {' and no '.join(missing)}: name the folder of a labelled talk"])
    material = read_course(course) if course.is_dir() else NO_COURSE
    problems: list[str] = []
    said = _said(chat, problems)
    labelled = _labels(labels, problems)
    problems += _misfits(chat, labels, said, labelled, material)
    if problems:
        raise DataError(problems)
    lines = tuple(_line(id, row, labelled[id][1]) for id, (_, row) in said.items())
    if not lines:
        raise DataError([f"{chat}: has no message: name the folder of a labelled talk"])
    name = name or folder.resolve().name
    data = Dataset(name, (Chat(name, material, lines),), ("asking", "same question", "answering"))
    return Talk(data, chat, course if course.is_dir() else None)


def _said(chat: Path, problems: list[str]) -> dict[str, tuple[int, dict[str, Any]]]:
    said: dict[str, tuple[int, dict[str, Any]]] = {}
    platforms: dict[str, object] = {}
    for number, row in json_lines(chat, problems):
        id, text, t = id_of(row), row.get("text"), row.get("t", 0)
        if id is None or not isinstance(text, str):
            problems.append(f'{chat}:{number}: has no "id" or no "text": mend or delete the line')
        elif isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t < LONGEST_TALK:
            problems.append(f'{chat}:{number}: "t" is {t!r}: give the seconds from the start of the talk')
        elif not isinstance(row.get("explicit", False), bool):
            problems.append(f'{chat}:{number}: "explicit" is {row["explicit"]!r}: give true or false')
        elif platforms.setdefault(id, row.get("platform")) != row.get("platform"):
            first = f"line {said[id][0]} has one of another platform"
            problems.append(f"{chat}:{number}: message {id!r}: {first}: give each an id of its own")
        elif said.setdefault(id, (number, row))[1].get("text") != text:  # or else a redelivery, which the program drops
            first = f"line {said[id][0]} says something else"
            problems.append(f"{chat}:{number}: message {id!r}: {first}: give each an id of its own")
    return said


def id_of(row: dict[str, Any]) -> str | None:
    """Of a message or its label: a text, or a number that stands for one."""
    id = row.get("id")
    return whole(str(id)) if isinstance(id, str | int) and not isinstance(id, bool) else None


def _labels(path: Path, problems: list[str]) -> dict[str, tuple[int, dict[str, Any]]]:
    labels: dict[str, tuple[int, dict[str, Any]]] = {}
    for number, row in json_lines(path, problems):
        id = id_of(row)
        if id is None:
            problems.append(f'{path}:{number}: has no "id": name the message that is labelled')
        elif id in labels:
            problems.append(f"{path}:{number}: message {id!r} was labelled on line {labels[id][0]}: keep one of them")
        else:
            labels[id] = (number, row)
    return labels


def _misfits(
    chat: Path,
    labels: Path,
    said: dict[str, tuple[int, dict[str, Any]]],
    labelled: dict[str, tuple[int, dict[str, Any]]],
    course: Course,
) -> Iterator[str]:
    parts = {entry.id for entry in course.entries} | {passage.id for passage in course.passages}
    for id, (number, _) in said.items():
        if id not in labelled:
            yield f"{chat}:{number}: message {id!r} has no label: add a line for it to {labels.name}"
    for id, (number, row) in labelled.items():
        for problem in _mistakes(id, row, id in said, parts):
            yield f"{labels}:{number}: {problem}"


def _mistakes(id: str, row: dict[str, Any], known: bool, parts: set[str]) -> Iterator[str]:
    kind, group, source = row.get("kind"), row.get("group"), row.get("answerable")
    if not known:
        yield f"there is no message {id!r} in chat.jsonl: correct the id or delete the line"
    for key, value in (("group", group), ("answerable", source)):
        if value is not None and not isinstance(value, str):
            yield f'"{key}" of message {id!r} is {value!r}: give one name as a text, or null'
            return
    if row.get("ambiguous") not in (None, False, True):
        yield f'"ambiguous" of message {id!r} is {row["ambiguous"]!r}: give true or false'
    if kind not in KINDS:
        yield f"the kind {kind!r} is not known: use one of {', '.join(KINDS)}"
    elif kind in ASKS and not group:
        yield f"message {id!r} asks but has no group: give it one, its own if nobody else asks the same"
    elif kind not in ASKS and (group or source):
        yield f"message {id!r} is {kind!r} but has a group or an answer: delete them, or label it as an asking"
    if source and source not in parts:
        yield f"the course has no {source!r}: correct it to an id that `floormic course` shows, or to null"


def _line(id: str, said: dict[str, Any], row: dict[str, Any]) -> Line:
    return Line(
        id,
        whole(said["text"]),
        row["kind"] in ASKS,
        row.get("group") or None,
        row.get("answerable") or None,
        bool(row.get("ambiguous")),
        row["kind"],
        explicit=said.get("explicit", False),
    )


@dataclass(frozen=True, slots=True)
class Series:
    """Talks of one series in their order, and which groups of two of them ask the same: pairs of (talk, group), a talk
    called by its id; without groups of which every message is ambiguous. `absent`: ids of those that have no folder."""

    name: str
    talks: tuple[Talk, ...]
    recurring: frozenset[frozenset[tuple[str, str]]]
    absent: tuple[str, ...] = ()


def read_series(path: Path) -> Series:
    """`path` is {"sessions": [{"id"}], "recurring": [["TALK:GROUP", "TALK:GROUP", …]]}; the folders of the talks,
    which the ids name, lie beside it. Raises `DataError`.
    """
    data = read_json(path)
    try:
        names = [session["id"] for session in data["sessions"]]
        rows = [[tuple(one.split(":", 1)) for one in row] for row in data["recurring"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError([f'{path}: "sessions" or "recurring" is missing: see docs/bench.md for the form']) from error
    if wrong := [name for name in names if not (isinstance(name, str) and name)]:
        raise DataError([f"{path}: the id {wrong[0]!r} of a session is no name of a folder: give the talk's"])
    absent = tuple(name for name in names if not (path.parent / name).is_dir())
    talks = tuple(read_talk(path.parent / name, name) for name in names if name not in absent)
    if len(talks) < 2:
        raise DataError([f"{path}: fewer than two of its talks lie beside it: put their folders there"])
    asked = [(talk.data.name, line.group, line.ambiguous) for talk in talks for line in talk.lines if line.group]
    groups = {(name, group) for name, group, _ in asked}
    clear = {(name, group) for name, group, ambiguous in asked if not ambiguous}
    unknown = [one for row in rows for one in row if one not in groups and one[0] not in absent]
    if unknown:
        raise DataError([f"{path}: there is no group {':'.join(one)!r}: correct the name" for one in unknown])
    known = [[one for one in row if one in clear] for row in rows]
    recurring = {frozenset((a, b)) for row in known for a in row for b in row if a[0] != b[0]}
    return Series(path.parent.resolve().name, talks, frozenset(recurring), absent)
