"""Exact search of the nearest vectors by key, through faiss."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

DIGITS = 4
"""Similarities are rounded before anybody decides by them, so that the last bits of a float decide nothing."""


class Neighbours:
    """Unit vectors by key. Not for several threads at once."""

    def __init__(self, dimension: int) -> None:
        import faiss  # slow to import, and not needed before the first question

        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, key: int, vector: NDArray[np.float32]) -> None:
        """Keep `vector`, shape (dimension,), under a key that is not there yet."""
        self.add_all(np.array([key]), vector[None])

    def add_all(self, keys: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Keep the rows of `vectors`, shape (n, dimension), under keys that are not there yet."""
        self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(keys, dtype=np.int64))

    def nearest(self, vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Keys and cosines of the up to `k` nearest of each row, shape (n, min(k, len)), nearest first.

        Cosines are rounded; of equal ones the lower key comes first.
        """
        k = min(k, len(self))
        if k == 0:
            return np.zeros((len(vectors), 0), dtype=np.int64), np.zeros((len(vectors), 0), dtype=np.float32)
        import faiss

        # One query over some thousands: handing it to other threads costs more than the search, and waiting for them,
        # where the processors are busy, ten times as much. It holds for all that the calling thread does, and the
        # encoder, which needs every processor, may be next.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            similarities, keys = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), k)
        finally:
            faiss.omp_set_num_threads(threads)
        similarities = similarities.round(DIGITS)
        order = np.lexsort((keys, -similarities), axis=1)
        return np.take_along_axis(keys, order, 1), np.take_along_axis(similarities, order, 1)

    def vector(self, key: int) -> NDArray[np.float32]:
        """The vector kept under `key`. Raises `KeyError`."""
        try:
            return cast(NDArray[np.float32], self._index.reconstruct(int(key)))
        except RuntimeError:
            raise KeyError(key) from None

    def remove(self, key: int) -> None:
        """Forget `key`; nothing happens where it is not there."""
        self._index.remove_ids(np.array([key], dtype=np.int64))  # type: ignore[arg-type]  # faiss takes an array, too
