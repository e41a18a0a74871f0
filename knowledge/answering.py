"""What the course says to a message: word search and vector search together, or silence.

Nothing is written by a machine: what is said is the entry's answer or the passage itself, cut at a sentence.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder
from knowledge.material import Course
from knowledge.neighbours import DIGITS
from knowledge.text import normalise
from knowledge.wording import pieces

Verdict = Literal["answer", "suggest", "silent"]

LONGEST = 400
"""Characters of a passage that are said."""


@dataclass(frozen=True, slots=True)
class Match:
    """The part of the course that fits a message best. `score` is the probability (0..1) that it answers it; `text` is
    what would be said, `where` the place for a human ("faq.md:12").
    """

    source: str
    score: float
    heading: str
    text: str
    verdict: Verdict
    where: str


@dataclass(frozen=True, slots=True)
class _Part:
    source: str
    heading: str
    text: str
    where: str
    views: tuple[str, ...]  # what it is searched by: question, phrasings, question with answer


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the best part fits: the features of the calibration."""

    cosine: float  # to its nearest view
    margin: float  # of the cosine over the next part's
    words: float  # share of the message's rare pieces that the part holds
    words_margin: float  # over the best other part's
    passage: float  # 1 for a passage or term, 0 for an entry


class Answering:
    """The course, ready for search. `encoder` reads it once, when this is made."""

    def __init__(self, course: Course, encoder: Encoder) -> None:
        self._parts = _parts(course)
        self._passages = np.array([len(part.views) == 1 for part in self._parts], dtype=np.float64)
        views = [(at, view) for at, part in enumerate(self._parts) for view in part.views]
        self._owners = np.array([at for at, _ in views], dtype=np.int64)
        self._vectors = encoder.encode([view for _, view in views])
        self._words = _Words([" ".join((*part.views, part.text)) for part in self._parts])

    def match(self, text: str, vector: NDArray[np.float32]) -> Match | None:
        """The best part of the course, whatever its score; None only for an empty course."""
        if not self._parts:
            return None
        at, evidence = self.evidence(text, vector)
        part = self._parts[at]
        score = probability(evidence)
        verdict: Verdict = "answer" if score >= ANSWER else "suggest" if score >= SUGGEST else "silent"
        return Match(part.source, score, part.heading, part.text, verdict, part.where)

    def evidence(self, text: str, vector: NDArray[np.float32]) -> tuple[int, Evidence]:
        """The position of the best part and how well it fits."""
        cosines = self._cosines(vector)
        words = self._words.covered(text)
        best = int(np.argmax((cosines + WORDS * words).round(DIGITS)))
        others = np.arange(len(self._parts)) != best
        return best, Evidence(
            cosine=float(cosines[best]),
            margin=float(cosines[best] - cosines[others].max(initial=0.0)),
            words=float(words[best]),
            words_margin=float(words[best] - words[others].max(initial=0.0)),
            passage=float(self._passages[best]),
        )

    def _cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        best = np.full(len(self._parts), -1.0)
        np.maximum.at(best, self._owners, (self._vectors @ vector).astype(np.float64))
        return best.round(DIGITS)


class _Words:
    """Word search: which share of a message's pieces, weighted by rarity, each part holds."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._holders: dict[str, list[int]] = {}
        self._count = len(texts)
        for at, text in enumerate(texts):
            for piece in set(pieces(normalise(text))):
                self._holders.setdefault(piece, []).append(at)

    def covered(self, text: str) -> NDArray[np.float64]:
        scores, total = np.zeros(self._count), 0.0
        for piece, times in Counter(pieces(normalise(text))).items():
            holders = self._holders.get(piece, [])
            weight = times * math.log(1 + (self._count - len(holders) + 0.5) / (len(holders) + 0.5))
            total += weight
            scores[holders] += weight
        return scores / total if total else scores


def _parts(course: Course) -> list[_Part]:
    entries = [
        _Part(e.id, e.question, e.answer, e.source, (e.question, *e.phrasings, f"{e.question} {e.answer}"))
        for e in course.entries
    ]
    passages = [
        _Part(p.id, p.heading, cut(p.text, LONGEST), p.source, (f"{p.heading} {p.text}",)) for p in course.passages
    ]
    return entries + passages


def cut(text: str, longest: int) -> str:
    """The beginning of `text`, ended after a sentence where one ends in its second half."""
    if len(text) <= longest:
        return text
    ends = [m.end() for m in re.finditer(r"[。！？；\n]|[.!?;](?=\s)", text[:longest]) if m.end() > longest // 2]
    return text[: ends[-1]].rstrip() if ends else text[: longest - 1].rstrip() + "…"


def probability(evidence: Evidence) -> float:
    total = BIAS + sum(weight * getattr(evidence, name) for name, weight in WEIGHTS.items())
    return round(1 / (1 + math.exp(-total)), DIGITS)


WORDS = 0.1
BIAS = -30.0
WEIGHTS = {"cosine": 30.0, "margin": 30.0, "words": 2.0, "words_margin": 2.0, "passage": -1.0}
ANSWER = 0.95
SUGGEST = 0.6
