"""Texts to unit vectors through sentence-transformers; by default the bundled multilingual-e5-small."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """What the rooms ask of an encoder. It normalises the texts itself."""

    name: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, dimension), unit rows, in the order of `texts`; (0, dimension) for none."""
        ...
