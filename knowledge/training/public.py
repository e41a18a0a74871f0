"""Public sets of strangers' questions as topics, from the folder that their user put them in; the card credits them.

No text of them is part of the project. What `floormic bench` judges is not read: of CMRC and DRCD only articles without
a passage that judges (`knowledge.evaluation.public`); stackfaq, zoomcamp, hint3, BANKING77, frag.jetzt and CPED not at
all. `python -m knowledge.training.public FOLDER` says which sets are there, before anything is trained.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from knowledge.evaluation.data import DataError
from knowledge.evaluation.public import judging_passages, passages, read_rows
from knowledge.training.topics import Group, Topic

LONGEST = 240
"""Characters of an answer: about what the encoder reads of one."""

AROUND = 60
"""Characters of a passage before and after what answers."""

ANSWER = 30
"""Characters of an answer at least: "Yes, see above" belongs to every question."""

ASKED = (8, 200)
"""Characters of a live question: shorter ones need what was said before them, longer ones tell a story."""

_END = re.compile(r"(?<=[。！？!?；;])|(?<=\.)\s")
_MARKUP = re.compile(r"https?://\S+|[`*_#]+|\(\d+:\d\d\)")


def read_public(folder: Path) -> list[Topic]:
    """A topic for each set whose folder is there. Raises `DataError` where there is none, or one is not in its form."""
    there = [(name, reader) for name, reader in READERS.items() if (folder / name).is_dir()]
    if not there:
        raise DataError([f"{folder}: has none of the folders {', '.join(READERS)}: name the folder that holds them"])
    found = []
    for name, reader in there:
        try:
            found.append(reader(folder / name))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"{folder / name}: is not in the form of this set ({error!r}): see knowledge/training/public.py"
            raise DataError([problem]) from error
        if not found[-1].groups:
            raise DataError([f"{folder / name}: there is nothing in it to learn from: mend or remove the folder"])
    return found


Row = tuple[Sequence[str], str]
"""Askings, and the text that answers them."""


def _topic(name: str, language: str, rows: Iterable[Row]) -> Topic:
    """Each asking once."""
    groups: list[Group] = []
    known: set[str] = set()
    for asks, source in rows:
        new = tuple(ask for ask in dict.fromkeys(asks) if ask not in known)
        known.update(new)
        if new:
            groups.append(Group(f"{name}-{len(groups)}", new, source))
    return Topic(name, language, tuple(groups), {}, (), ())


def _chatopera(folder: Path) -> Topic:
    rows = read_rows(folder / "faq.jsonl")
    return _topic(folder.name, "zh", (((r["post"], *r["similar"]), r["answer"][:LONGEST]) for r in rows))


def _tds(folder: Path) -> Topic:
    rows = read_rows(folder / "qa_2023_2024.jsonl")
    return _topic(folder.name, "en", _live((r["question"], r["answer"]) for r in rows))


def _coderefinery(folder: Path) -> Topic:
    rows = read_rows(folder / "qa_2021_2023.jsonl")
    return _topic(folder.name, "en", _live((r["question"], max(r["answers"], key=len, default="")) for r in rows))


def _live(rows: Iterable[tuple[str, str]]) -> Iterable[Row]:
    for question, answer in rows:
        asked, answered = _plain(question), _plain(answer)[:LONGEST]
        if ASKED[0] <= len(asked) <= ASKED[1] and len(answered) >= ANSWER:
            yield (asked,), answered


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", text).split())


def _squad(folder: Path) -> Topic:
    judging = judging_passages(folder)
    contexts, titles = {row["context"] for _, row in judging}, {title for title, _ in judging} - {""}
    rows = (
        ((asked["question"],), _piece(title, row["context"], asked["answers"]))
        for title, row in passages(folder)
        if title not in titles and row["context"] not in contexts
        for asked in row["qas"]
    )
    return _topic(folder.name, "zh", rows)


def _piece(title: str, text: str, answers: Sequence[dict[str, Any]]) -> str:
    """The sentences around the first answer, under the article's title, as the program cuts a course's passages."""
    at = min(answer["answer_start"] for answer in answers)
    first, last = max(0, at - AROUND), at + len(answers[0]["text"]) + AROUND
    found, begin = "", 0
    for sentence in _END.split(text):
        if begin < last and begin + len(sentence) > first:
            found += sentence
        begin += len(sentence)
    return f"{title} {found}".strip()[:LONGEST]


READERS: dict[str, Callable[[Path], Topic]] = {
    "chatopera_faq_zh": _chatopera,
    "tds_live": _tds,
    "coderefinery_live": _coderefinery,
    "cmrc2018_zh": _squad,
    "drcd_zhtw": _squad,
}


if __name__ == "__main__":
    try:
        print(f"public sets: {', '.join(topic.name for topic in read_public(Path(sys.argv[1])))}")
    except DataError as error:
        sys.exit(str(error))
