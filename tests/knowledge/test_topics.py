import numpy as np
from numpy.typing import NDArray

from knowledge.topics import Raised, find_topics


def _raised(name: str, vectors: NDArray[np.float32]) -> list[Raised]:
    return [Raised(f"{name}{at}", f"{name} {at}", vector, people=2) for at, vector in enumerate(vectors)]


def test_what_has_no_meaning_belongs_to_no_topic() -> None:
    """Questions with the vector zero, of which nothing could be read, are no topic of their own; the others are as they
    are without them."""
    dice = np.random.default_rng(0)
    middles = np.repeat(np.eye(16)[:4], 8, axis=0)
    near = middles + 0.1 * dice.normal(size=middles.shape)
    asked = _raised("gateway", np.asarray(near / np.linalg.norm(near, axis=1, keepdims=True), dtype=np.float32))
    unread = _raised("unread", np.zeros((9, 16), dtype=np.float32))
    topics = find_topics([asked])
    assert topics
    assert [set(topic.members) for topic in find_topics([[*asked, *unread]])] == [set(t.members) for t in topics]
