import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.neighbours import Neighbours


def _rows(seed: int, count: int, dimension: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 50), st.data())
def test_nearest_is_what_comparing_all_finds(seed: int, count: int, k: int, data: st.DataObject) -> None:
    """Keys and order are those of an exhaustive comparison of what was not removed."""
    rows = _rows(seed, count, 8)
    index = Neighbours(8)
    for key, row in enumerate(rows):
        index.add(key * 7, row)
    gone = data.draw(st.sets(st.integers(0, count - 1)))
    for at in gone:
        index.remove(at * 7)
    query = _rows(seed + 1, 1, 8)
    keys, cosines = index.nearest(query, k)
    left = [at for at in range(count) if at not in gone]
    exact = sorted((-round(float(rows[at] @ query[0]), 4), at * 7) for at in left)[:k]
    assert len(index) == len(left)
    np.testing.assert_allclose(cosines[0], [-cosine for cosine, _ in exact], atol=2e-4)
    own = [float(rows[key // 7] @ query[0]) for key in keys[0].tolist()]
    np.testing.assert_allclose(own, cosines[0], atol=2e-4)
    assert len(set(keys[0].tolist())) == len(exact)
    assert set(keys[0].tolist()) <= {at * 7 for at in left}


def test_equal_vectors_come_in_the_order_of_their_keys() -> None:
    """Of two equally near the lower key is first, whichever came first."""
    index = Neighbours(4)
    row = _rows(1, 1, 4)[0]
    index.add(9, row)
    index.add(2, row)
    assert index.nearest(row[None], 5)[0].tolist() == [[2, 9]]


def test_an_empty_index_finds_nothing() -> None:
    """Searching before anything was added gives empty rows, and removing an unknown key is nothing."""
    index = Neighbours(4)
    index.remove(3)
    keys, cosines = index.nearest(_rows(1, 2, 4), 5)
    assert keys.shape == cosines.shape == (2, 0)


def test_a_vector_comes_back_by_its_key() -> None:
    """What is kept can be read; what is not raises KeyError."""
    index = Neighbours(4)
    row = _rows(5, 1, 4)[0]
    index.add(1, row)
    np.testing.assert_allclose(index.vector(1), row, rtol=1e-6)
    with pytest.raises(KeyError):
        index.vector(2)


def test_a_search_leaves_its_thread_as_many_processors_as_before() -> None:
    """The encoder, which comes next in the same thread, works on all of them."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        index = Neighbours(8)
        index.add_all(np.arange(5), _rows(0, 5, 8))
        index.nearest(_rows(1, 1, 8), 2)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
