"""Public sets of labelled questions, each read from the folder that its user put it in (docs/bench.md says what each
is).

Large ones are sampled, always the same way, so that a bench takes minutes. What is removed from a course to see whether
the program stays silent is chosen the same way each time. Of CMRC and DRCD the part that judges is told
(`judging_passages`), because the cross-encoder may have learnt from the rest. Of BANKING77 every second intent judges,
as when the others were learnt from: so figures can be compared.
"""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from knowledge.evaluation.data import (
    NO_COURSE,
    Chat,
    DataError,
    Dataset,
    Line,
    json_lines,
    read_json,
    read_text,
    shuffled,
)
from knowledge.material import Course, Entry, Passage

T = TypeVar("T")

ASKINGS = 1500
"""Messages of a set at most."""

PASSAGES = 200
"""Passages of a course at most: more than the notes of a lecture have."""

PHRASINGS = 20
"""Wordings of an entry at most: more than people write into a course."""

ORDERS = 10
"""Random orders of a set that has none: of one chat the pair F1 differs by .04 between them."""

HEADING = 20
"""Characters of a passage that stand for a heading where it has none."""


def read_public(folder: Path) -> list[tuple[str, Callable[[], Dataset]]]:
    """The sets whose folders are there, by name, ready to be read; reading raises `DataError`. So does a folder without
    any."""
    there = [(name, folder / name, reader) for name, reader in READERS.items() if (folder / name).is_dir()]
    if not there:
        raise DataError([f"{folder}: has none of the folders {', '.join(READERS)}: name the folder that holds them"])
    return [(name, _reading(path, reader)) for name, path, reader in there]


def _reading(path: Path, reader: Callable[[Path], Dataset]) -> Callable[[], Dataset]:
    def read() -> Dataset:
        try:
            return reader(path)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError([f"{path}: is not in the form of this set ({error!r}): see docs/bench.md"]) from error

    return read


def read_rows(path: Path) -> list[dict[str, Any]]:
    problems: list[str] = []
    rows = [row for _, row in json_lines(path, problems)]
    if problems:
        raise DataError(problems)
    return rows


def _sample(items: Sequence[T], most: int, seed: str) -> list[T]:
    """Up to `most` of them, in a shuffled order that stays the same."""
    return random.Random(seed).sample(items, min(most, len(items)))  # noqa: S311 - a sample, not a secret


def _half(items: Iterable[T], seed: str) -> list[T]:
    known = list(items)
    return _sample(known, len(known) // 2, seed)


def _stackfaq(folder: Path) -> Dataset:
    lines = [
        Line("", text, True, str(row["group"]))
        for row in read_rows(folder / "groups.jsonl")
        for text in (row["question"], *row["rephrasings"])
    ]
    chosen = shuffled(lines, "stackfaq")[:ASKINGS]
    chat, *again = (Chat("stackfaq", NO_COURSE, shuffled(chosen, f"stackfaq-{at}")) for at in range(ORDERS))
    note = f"{len(chosen)} of {len(lines)} askings, in {ORDERS} random orders"
    return Dataset("stackfaq", (chat,), ("same question",), note, tuple(again))


def _zoomcamp(folder: Path) -> Dataset:
    documents, askings = read_rows(folder / "documents.jsonl"), read_rows(folder / "ground_truth.jsonl")
    removed = set(_half((row["id"] for row in documents), "zoomcamp"))
    entries: dict[str, list[Entry]] = defaultdict(list)
    for row in documents:
        if row["id"] not in removed:
            entries[row["course"]].append(Entry(row["id"], row["question"], (), row["text"], "documents.jsonl"))
    lines: dict[str, list[Line]] = defaultdict(list)
    for row in _sample(askings, ASKINGS, "zoomcamp"):
        source = None if row["document"] in removed else row["document"]
        lines[row["course"]].append(Line("", row["question"], True, row["document"], source, explicit=True))
    chats = [Chat(name, Course(tuple(entries[name]), (), ()), tuple(lines[name])) for name in sorted(lines)]
    note = f"{sum(map(len, lines.values()))} of {len(askings)} askings (generated); half of the entries removed"
    return Dataset("zoomcamp", tuple(chats), ("answering",), note)


def _hint3(folder: Path) -> Dataset:
    train, test = _csv(folder / "curekart_train.csv"), _csv(folder / "curekart_test.csv")
    entries, known = _intents([(row["sentence"], row["label"]) for row in train])
    lines = [
        Line("", row["sentence"], True, row["label"] if label else None, label, explicit=True)
        for row in _sample(test, ASKINGS, "hint3")
        for label in (known.get(row["label"]),)
    ]
    chat = Chat("hint3", Course(entries, (), ()), tuple(lines))
    note = f"{len(lines)} of {len(test)} messages; entries have no answer text; {PHRASINGS} wordings an entry at most"
    return Dataset("hint3", (chat,), ("answering",), note)


def _csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_text(path))))


def _intents_en(folder: Path) -> Dataset:
    bank = folder / "BANKING77-OOS"
    rows = intents(bank / "train")
    judging = set(sorted({label for _, label in rows})[1::2])
    entries, known = _intents([row for row in rows if row[1] in judging])
    asked = _sample([row for row in intents(bank / "test") if row[1] in judging], ASKINGS // 3, "test")
    near = _sample(intents(bank / "id-oos" / "test", "label_original"), ASKINGS // 3, "near")
    far = _sample(_lines(bank / "ood-oos" / "test" / "seq.in"), ASKINGS // 3, "far")
    lines = [Line("", text, True, label, known.get(label), explicit=True) for text, label in asked]
    lines += [Line("", text, True, f"near {label}", explicit=True) for text, label in near]
    lines += [Line("", text, True, explicit=True) for text in far]
    chat = Chat("BANKING77-OOS", Course(entries, (), ()), shuffled(lines, "intents_en"))
    note = (
        f"{len(asked)} askings with an entry, {len(near)} near ones, {len(far)} far ones; every second intent; "
        f"entries have no answer text; {PHRASINGS} wordings an entry at most"
    )
    return Dataset("intents_en", (chat,), ("answering",), note)


def intents(folder: Path, labels: str = "label") -> list[tuple[str, str]]:
    """Askings with the names of their intents."""
    return list(zip(_lines(folder / "seq.in"), _lines(folder / labels), strict=False))


def _lines(path: Path) -> list[str]:
    return read_text(path).splitlines()


def _intents(rows: Sequence[tuple[str, str]]) -> tuple[tuple[Entry, ...], dict[str, str]]:
    """An entry for each label, and the labels that have one."""
    wordings: dict[str, list[str]] = defaultdict(list)
    for text, label in rows:
        wordings[label].append(text)
    chosen = {label: _sample(texts, PHRASINGS, label) for label, texts in sorted(wordings.items())}
    entries = tuple(Entry(label, texts[0], tuple(texts[1:]), "", "train") for label, texts in chosen.items())
    return entries, {label: label for label in chosen}


def _squad(folder: Path) -> Dataset:
    """Reading comprehension: whose passage answers a question is known, because it was written for that passage."""
    known = passages(folder)
    total = sum(len(row["qas"]) for _, row in known)
    chosen = {f"p{at}": row for at, row in enumerate(judging_passages(folder))}
    removed = set(_half(chosen, folder.name))
    course = tuple(
        Passage(id, title or row["context"][:HEADING], row["context"], folder.name)
        for id, (title, row) in chosen.items()
        if id not in removed
    )
    lines = [
        Line("", asked["question"], True, id, None if id in removed else id, holds=_told(asked), explicit=True)
        for id, (_, row) in chosen.items()
        for asked in row["qas"]
    ]
    chat = Chat(folder.name, Course((), course, ()), shuffled(lines, folder.name)[:ASKINGS])
    note = (
        f"{len(chat.lines)} of {total} askings, {len(chosen)} of {len(known)} passages, half of them removed; "
        "who asked had read the passage"
    )
    return Dataset(folder.name, (chat,), ("answering",), note)


def _told(asked: dict[str, Any]) -> tuple[str, ...]:
    """The answers as they stand in the passage."""
    return tuple(dict.fromkeys(one["text"] for one in asked.get("answers", ())))


def passages(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Those with questions (SQuAD's form), each with the title of its article."""
    path = next(iter(sorted(folder.glob("*.json"))), None)
    if path is None:
        raise DataError([f"{folder}: has no *.json: put the set there"])
    articles = read_json(path)["data"]
    return [(article.get("title", ""), row) for article in articles for row in article["paragraphs"] if row["qas"]]


def judging_passages(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return _sample(passages(folder), PASSAGES, folder.name)


def _cped(folder: Path) -> Dataset:
    rows = read_rows(folder / "valid.jsonl")
    lines = [Line("", row["text"], row["is_question"]) for row in _sample(rows, ASKINGS, "cped")]
    note = f"{len(lines)} of {len(rows)} lines of television dialogue; asks: the dialogue act is a question"
    return Dataset("cped", (Chat("cped", NO_COURSE, tuple(lines)),), ("asking",), note)


def _fragjetzt(folder: Path) -> Dataset:
    rows = read_rows(folder / "posts_de.jsonl")
    lines = [Line("", row["text"].replace("?", ""), row["has_qmark"]) for row in _sample(rows, ASKINGS, "fragjetzt")]
    note = f"{len(lines)} of {len(rows)} posts, German; asks: had a question mark, which was taken away (a weak label)"
    return Dataset("fragjetzt", (Chat("fragjetzt", NO_COURSE, tuple(lines)),), ("asking",), note)


READERS: dict[str, Callable[[Path], Dataset]] = {
    "stackfaq": _stackfaq,
    "zoomcamp": _zoomcamp,
    "hint3": _hint3,
    "intents_en": _intents_en,
    "drcd_zhtw": _squad,
    "cmrc2018_zh": _squad,
    "cped": _cped,
    "fragjetzt": _fragjetzt,
}
