"""Makes `models/calibration.json` anew for the shipped encoder: `python -m knowledge.training.asking [PUBLIC]`, PUBLIC
being the folder of the public sets.

What `floormic calibrate` does, but that the detector learns from more: from the topics and lines written for this
project (`data/`, `models/asking-lines.tsv`) and from public sets whose licences allow it; the card `models/README.md`
names them.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.calibrating import TALKS, Row, calibrate, own_lines, read_labelled
from knowledge.calibration import FILE, write_calibration
from knowledge.encoder import load_encoder
from knowledge.training.topics import read_topics

MODELS = Path(__file__).parent.parent / "models"


def rows(public: Path | None) -> Iterator[Row]:
    yield from _topics()
    yield from own_lines()
    if public is None:
        return
    yield from _cped(public / "cped" / "valid.jsonl")
    yield from _coderefinery(public / "coderefinery_live" / "items_2021_2023.jsonl")
    yield from _fragjetzt(public / "fragjetzt" / "posts_de.jsonl")


def _topics() -> Iterator[Row]:
    for topic in read_topics():
        yield from ((ask, True, 1.0) for group in topic.groups for ask in group.asks)
        yield from ((ask, True, 1.0) for _, ask in topic.near)
        yield from ((line, False, 1.0) for line in topic.not_asking)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _cped(path: Path) -> Iterator[Row]:
    """Lines of television plays: every second question and every fourth of the others; orders are neither."""
    seen = [0, 0]
    for row in _read(path):
        asks = bool(row["is_question"])
        seen[asks] += 1
        if row["da"] != "command" and seen[asks] % (2 if asks else 4) == 0:
            yield row["text"], asks, 0.3 if asks else 0.12


def _coderefinery(path: Path) -> Iterator[Row]:
    """Bullets of shared question documents: with a question mark, or nobody answered; every third."""
    for at, row in enumerate(_read(path)):
        text, asks = row["question"], bool(row["has_qmark"])
        if at % 3 or len(text) < 3 or not (asks or row["n_answers"] == 0):
            continue
        if asks or "cebreak" not in row["section"]:
            yield text, asks, 0.3 if asks else 0.18
        if asks and text.endswith("?"):
            yield text.rstrip("?"), True, 0.15


def _fragjetzt(path: Path) -> Iterator[Row]:
    """Posts of German lecture audiences; a polite request counts as asking, with and without its mark."""
    for row in _read(path):
        text, marked = row["text"], bool(row["has_qmark"])
        yield text, marked or bool(re.match(r"bitte|könn|kann|was|wie|wo|wann|warum", text.lower())), 0.5
        if marked:
            yield text.rstrip("? "), True, 0.25


def main(public: Path | None) -> None:
    """Fits and writes, with the figures on talks that were left out."""
    encoder, began = load_encoder(), time.perf_counter()
    found = calibrate(encoder, read_labelled(TALKS), more=list(rows(public)), progress=_tell)
    write_calibration(found.calibration, MODELS / FILE)
    for name, after in found.after.items():
        print(f"{name:42}  {found.before[name]:6.3f} {after:6.3f}")
    print(f"{(time.perf_counter() - began) / 60:.1f} minutes")


def _tell(done: int) -> None:
    print(f"\r{done} %", end="" if done < 97 else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
