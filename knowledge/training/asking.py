"""Makes the weights of `asking` anew: `python -m knowledge.training.asking PUBLIC` with the folder of the public sets.

Two logistic regressions, over the cues alone and over cues and vector. Learnt from the topics and lines written for
this project (`data/`, `models/asking-lines.tsv`) and from public sets whose licences allow it; the card
`models/README.md` names them.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.cues import cues
from knowledge.encoder import load_encoder
from knowledge.training.topics import read_topics

MODELS = Path(__file__).parent.parent / "models"
REACH = 4.0
"""What a vector is multiplied with beside the cues, so that both are fined alike."""

FINE = 10.0
"""Strength of the ridge (the inverse of scikit-learn's C)."""

ASKING = 0.42
"""Share of the messages of a chat that ask something."""

Row = tuple[str, bool, float]
"""A line, whether it asks, and how much it counts."""


def rows(public: Path) -> Iterator[Row]:
    yield from _topics()
    yield from _own(MODELS / "asking-lines.tsv")
    yield from _cped(public / "cped" / "valid.jsonl")
    yield from _coderefinery(public / "coderefinery_live" / "items_2021_2023.jsonl")
    yield from _fragjetzt(public / "fragjetzt" / "posts_de.jsonl")


def _topics() -> Iterator[Row]:
    for topic in read_topics():
        yield from ((ask, True, 1.0) for group in topic.groups for ask in group.asks)
        yield from ((ask, True, 1.0) for _, ask in topic.near)
        yield from ((line, False, 1.0) for line in topic.not_asking)


def _own(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        asks, text = line.split("\t")
        yield text, asks == "1", 6.0


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


def fit(features: NDArray[np.float64], asks: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic regression by Newton's method: shape (features + 1,), the constant last, which is not fined."""
    design = np.column_stack([features, np.ones(len(features))])
    fine = np.full(design.shape[1], FINE)
    fine[-1] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        told = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (counts * (told - asks)) + fine * weights
        bend = (design.T * (counts * told * (1 - told))) @ design + np.diag(fine)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def learn(lines: Iterable[Row]) -> dict[str, NDArray[np.float32]]:
    texts, asks, counts = zip(*lines, strict=True)
    signs = np.array([cues(text) for text in texts])
    vectors = load_encoder().encode(texts).astype(np.float64)
    target = np.array(asks, dtype=np.float64)
    weight = _as_in_a_chat(target, np.array(counts))
    return {
        "cues": fit(signs, target, weight).astype(np.float32),
        "cues_and_vector": _unscaled(fit(np.hstack([signs, REACH * vectors]), target, weight), signs.shape[1]),
    }


def _as_in_a_chat(asks: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts by which askings have the share that they have in a chat."""
    share = np.where(asks > 0, ASKING / counts[asks > 0].sum(), (1 - ASKING) / counts[asks == 0].sum())
    return np.asarray(counts * share * len(counts), dtype=np.float64)


def _unscaled(weights: NDArray[np.float64], signs: int) -> NDArray[np.float32]:
    weights[signs:-1] *= REACH
    return weights.astype(np.float32)


def main(public: Path) -> None:
    np.savez(MODELS / "asking.npz", allow_pickle=False, **learn(rows(public)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
