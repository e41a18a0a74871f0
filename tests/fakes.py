"""Stand-ins that are quick enough for every test."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from knowledge.calibration import Calibration, Scores, bundled_calibration
from knowledge.encoder import ANSWERS, HEADS, Encoder
from knowledge.text import normalise

NOBODY = -12.0
SURE, HALF = 12.0, 0.6
"""How surely a text that holds a question answers it, and which share of it is as likely as not."""


class HashEncoder:
    """A deterministic encoder without a model: character pieces of one to three letters, hashed.

    Texts that share pieces are near, equal texts have similarity 1, an empty text gets a vector of its own.
    """

    name = "hash"
    dimension = 64
    fingerprint = "hash"
    reading = "letters"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, 64), unit rows."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for piece in _pieces(normalise(text).lower()):
                slot, sign = _slot(piece)
                row[slot] += sign
            row /= np.linalg.norm(row)
        return rows

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Shape (n, HEADS): high where the second text holds most of the first, letter by letter; nobody replies."""
        rows = np.full((len(pairs), HEADS), NOBODY, dtype=np.float32)
        rows[:, ANSWERS] = [SURE * (_held(one, other) - HALF) for one, other in pairs]
        return rows


def _held(one: str, other: str) -> float:
    """Share of the pieces of one text that the other has."""
    these, those = (set(_pieces(normalise(text).lower())) for text in (one, other))
    return len(these & those) / len(these)


def _pieces(text: str) -> list[str]:
    padded = f" {text} "
    return [padded[i : i + n] for n in (1, 2, 3) for i in range(len(padded) - n + 1)]


def _slot(piece: str) -> tuple[int, float]:
    """Where a piece counts and with which sign: signs keep texts that share nothing near 0."""
    place, sign = hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=2).digest()
    return place % HashEncoder.dimension, 1.0 if sign % 2 else -1.0


def calibrated(encoder: Encoder) -> Calibration:
    """As if the shipped calibration had been made for this encoder; its cues alone say what asks."""
    made = bundled_calibration()
    asking = replace(made.asking, vector=())
    fitting = {"fingerprint": encoder.fingerprint, "reading": encoder.reading, "dimension": encoder.dimension}
    return replace(made, asking=asking, **fitting)


def nine_of_ten(encoder: Encoder) -> Calibration:
    """Calibrated on matches of which nine of ten were right, whatever their score: all is sent where half of it shall
    be right, and nothing where nearly all of it shall."""
    scores = Scores(((0.0,) * 180,), ((0.0,) * 20,))
    return replace(calibrated(encoder), entries=scores, passages=scores)


class TopicEncoder(HashEncoder):
    """Texts that hold the same one of `words` have one vector; all others are as far apart as chance lets them."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, 64), unit rows."""
        rows = [self._row(normalise(text).lower()) for text in texts]
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), self.dimension)

    def _row(self, text: str) -> NDArray[np.float64]:
        topic = next((word for word in self._words if word in text), text)
        seed = int.from_bytes(hashlib.blake2b(topic.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        row = np.random.default_rng(seed).normal(size=self.dimension)
        return row / np.linalg.norm(row)
