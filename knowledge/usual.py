"""What the questions of a session have in common, so that two of them are compared by the rest of what they say.

Where a course anchors a session, the course says what is common (`Answering.centred`); this is for sessions without.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMMON = 0.75
"""Share of the mean of a session's questions, or of a course's, that is taken out of messages before they are compared
with each other: best average precision over pairs on the talks."""

KNOWN = 20
"""Questions that what is so in any session counts for, beside those of this one."""

Spread = tuple[float, float]
"""Mean and standard deviation of cosines."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message among the questions there are. `usual`: of its cosines to them."""

    vector: NDArray[np.float32]
    centre: NDArray[np.float32]
    usual: Spread

    def cosine(self, vector: NDArray[np.float32]) -> float:
        """To another message's vector, as the encoder gave it, shape (dimension,): both without what is common."""
        rest = vector - self.centre
        return float(self.vector @ rest) / max(math.sqrt(float(rest @ rest)), 1e-9)


class Usual:
    """The questions of a session, each by its first wording: one that everybody asks must not become what is common.

    `anywhere` is what is usual between the questions of any session.
    """

    def __init__(self, dimension: int, anywhere: Spread) -> None:
        self.anywhere = anywhere
        self._questions = np.zeros((KNOWN, dimension), dtype=np.float32)
        self._sum = np.zeros(dimension, dtype=np.float32)
        self._count = 0

    def add(self, vector: NDArray[np.float32]) -> None:
        """The first wording of a question, as the encoder gave it: shape (dimension,)."""
        if self._count == len(self._questions):
            self._questions = np.concatenate([self._questions, np.zeros_like(self._questions)])
        self._questions[self._count] = vector
        self._sum += vector
        self._count += 1

    def see(self, vector: NDArray[np.float32]) -> Seen:
        """A message, as the encoder gave it: shape (dimension,)."""
        centre = np.asarray(COMMON * self._sum / (self._count + KNOWN), dtype=np.float32)
        rest = vector - centre
        own = np.asarray(rest / max(float(np.linalg.norm(rest)), 1e-9), dtype=np.float32)
        questions = self._questions[: self._count]
        # Their lengths without the centre, for unit vectors; to take it out of each of them would take longer.
        lengths = np.sqrt(np.maximum(1 - 2 * (questions @ centre) + centre @ centre, 1e-9))
        return Seen(own, centre, self._among(np.asarray((questions @ own - centre @ own) / lengths)))

    def _among(self, cosines: NDArray[np.floating]) -> Spread:
        usual, spread = self.anywhere
        count = len(cosines) + KNOWN
        mean = (float(cosines.sum(dtype=np.float64)) + KNOWN * usual) / count
        off = float(np.square(cosines - mean).sum(dtype=np.float64)) + KNOWN * spread**2
        return mean, math.sqrt(off / count)
