"""A map of questions: near each other is what is alike (t-SNE, van der Maaten and Hinton, 2008). The same questions
have the same map."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST = 6
"""Questions from which on there is a map."""

PULL = 0.5
"""How far a question is drawn to the middle of its topic, so that a topic is seen as one."""

NEIGHBOURS = 20
"""How many each question keeps near (the perplexity)."""


def lay_out(vectors: NDArray[np.float32], topics: Sequence[int | None]) -> list[tuple[float, float]]:
    """A place (0..1, 0..1) for each vector, shape (n, d); none where there are fewer than `LEAST`. `topics`: the number
    of each one's topic."""
    if len(vectors) < LEAST:
        return []
    from sklearn.manifold import TSNE  # type: ignore[import-untyped]  # slow to import

    drawn = vectors.astype(np.float64) - vectors.mean(axis=0)
    of = np.array([-1 if topic is None else topic for topic in topics])
    for topic in set(of.tolist()) - {-1}:
        drawn[of == topic] += PULL * drawn[of == topic].mean(axis=0)
    drawn /= np.maximum(np.linalg.norm(drawn, axis=1, keepdims=True), 1e-9)
    perplexity = min(NEIGHBOURS, (len(drawn) - 1) / 3)
    placed = TSNE(2, init="pca", perplexity=perplexity, random_state=0, n_jobs=1).fit_transform(drawn)
    low, high = placed.min(axis=0), placed.max(axis=0)
    scaled = (placed - low) / np.maximum(high - low, 1e-9)
    return [(round(float(x), 4), round(float(y), 4)) for x, y in scaled]
