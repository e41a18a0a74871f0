"""What simpler means do on the same messages: words only, any encoder with one fixed threshold, clustering after the
fact.

Every threshold here is the best one for the very messages that are judged, so these figures are upper bounds, in favour
of the simpler means; the program's own thresholds are frozen.
"""

import importlib
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder
from knowledge.evaluation.data import Chat
from knowledge.evaluation.judging import Progress, encode
from knowledge.evaluation.metrics import pairs
from knowledge.text import normalise
from knowledge.wording import pieces

Similarities = NDArray[np.float64]
Compare = Callable[[Sequence[str], Sequence[str]], Similarities]
"""Texts and documents to how like they are: shape (texts, documents)."""

TRIED = 40
"""Thresholds that are tried."""

K1, B = 1.2, 0.75
"""Of BM25, as its authors recommend."""


def tf_idf(texts: Sequence[str], documents: Sequence[str]) -> Similarities:
    """Cosines over runs of two and three characters, rare ones weighing more (sublinear term frequency)."""
    asked, held = _counted(texts, _characters), _counted(documents, _characters)
    holders = Counter(piece for counts in held for piece in counts)

    def weighed(counts: Counter[str]) -> dict[str, float]:
        weights = {
            piece: (1 + math.log(n)) * (1 + math.log((1 + len(held)) / (1 + holders[piece])))
            for piece, n in counts.items()
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {piece: weight / length for piece, weight in weights.items()}

    return _products([weighed(counts) for counts in asked], [weighed(counts) for counts in held])


def _characters(plain: str) -> Iterator[str]:
    padded = f" {plain} " if plain else ""
    for length in (2, 3):
        yield from (padded[at : at + length] for at in range(len(padded) - length + 1))


def bm25(texts: Sequence[str], documents: Sequence[str]) -> Similarities:
    """Robertson's BM25 over words and Chinese pairs, as a share of what a document of just that text would get."""
    asked, held = _counted(texts, pieces), _counted(documents, pieces)
    holders = Counter(piece for counts in held for piece in counts)
    mean = sum(counts.total() for counts in held) / max(len(held), 1)

    def frequency(n: float, length: float) -> float:
        return n * (K1 + 1) / (n + K1 * (1 - B + B * length / max(mean, 1e-9)))

    def rarity(piece: str) -> float:
        return math.log(1 + (len(held) - holders[piece] + 0.5) / (holders[piece] + 0.5))

    weights = [{piece: frequency(n, counts.total()) for piece, n in counts.items()} for counts in held]
    queries = [{piece: n * rarity(piece) for piece, n in counts.items()} for counts in asked]
    own = [sum(rare * frequency(counts[piece], mean) for piece, rare in query.items())
           for query, counts in zip(queries, asked, strict=True)]  # fmt: skip
    return np.asarray(_products(queries, weights) / np.maximum(own, 1e-9)[:, None], dtype=np.float64)


def _counted(texts: Sequence[str], cut: Callable[[str], Iterable[str]]) -> list[Counter[str]]:
    return [Counter(cut(normalise(text))) for text in texts]


def _products(rows: Sequence[dict[str, float]], columns: Sequence[dict[str, float]]) -> Similarities:
    """Sums of products of the weights that both have: shape (rows, columns)."""
    index: dict[str, list[tuple[int, float]]] = {}
    for at, weights in enumerate(columns):
        for piece, weight in weights.items():
            index.setdefault(piece, []).append((at, weight))
    holders = {piece: (np.array([a for a, _ in held]), np.array([w for _, w in held])) for piece, held in index.items()}
    products = np.zeros((len(rows), len(columns)))
    for row, weights in zip(products, rows, strict=True):
        for piece, weight in weights.items():
            if piece in holders:
                where, of_columns = holders[piece]
                row[where] += weight * of_columns
    return products


def by_vectors(encoder: Encoder, progress: Progress = lambda _: None) -> Compare:
    """Cosines of the encoder's vectors. A text is encoded once, however often it is compared."""
    known: dict[str, NDArray[np.float32]] = {}

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, encode(encoder, new, progress), strict=True))
        return np.array([known[text] for text in texts]).reshape(-1, encoder.dimension)

    def compare(texts: Sequence[str], documents: Sequence[str]) -> Similarities:
        return np.asarray(vectors(texts) @ vectors(documents).T, dtype=np.float64)

    return compare


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of all chats' askings after each other, at the threshold with the best pair F1."""

    threshold: float
    told: tuple[Hashable, ...]


Cut = Callable[[float], list[int]]
"""A threshold to the group of each item of one chat."""


def best_cut(cuts: Sequence[Cut], true: Sequence[Hashable], thresholds: Sequence[float]) -> Grouping:
    """One threshold for all chats. Groups of different chats are different; `true` goes over all of them."""
    tried = [
        Grouping(float(t), tuple((at, group) for at, cut in enumerate(cuts) for group in cut(float(t))))
        for t in thresholds
    ]
    return max(tried, key=lambda one: np.nan_to_num(pairs(true, one.told).values()["F1"]))


def steps(values: NDArray[np.float64]) -> list[float]:
    """Thresholds to try: quantiles of what was seen."""
    return [float(v) for v in np.unique(np.quantile(values, np.linspace(0, 1, TRIED)))] if len(values) else [0.0]


def nearest_earlier(similarities: Similarities) -> tuple[NDArray[np.float64], Cut]:
    """Each message joins the group of the nearest earlier one from a threshold on: one pass, no look ahead. Also the
    similarities to the nearest."""
    earlier = np.where(np.tri(len(similarities), k=-1, dtype=bool), similarities, -np.inf)
    nearest = earlier.argmax(axis=1) if len(earlier) else np.zeros(0, dtype=np.intp)
    near = earlier.max(axis=1, initial=-np.inf)

    def cut(threshold: float) -> list[int]:
        groups: list[int] = []
        for at, (one, similarity) in enumerate(zip(nearest, near, strict=True)):
            groups.append(groups[one] if at and similarity >= threshold else at)
        return groups

    return near[1:], cut


def agglomerative(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], Cut]:
    """Average linkage over cosines after everything was asked (scikit-learn); what cannot be read stands alone. Also
    the similarities of its steps."""
    there = np.flatnonzero(vectors.any(axis=1))
    if len(there) < 2:
        return np.zeros(0), lambda _: list(range(len(vectors)))
    clustering = importlib.import_module("sklearn.cluster").AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=0.0
    ).fit(vectors[there])  # fmt: skip
    similarities = 1 - clustering.distances_

    def cut(threshold: float) -> list[int]:
        groups = list(range(len(there) + len(similarities)))
        for at, ((one, other), similarity) in enumerate(zip(clustering.children_, similarities, strict=True)):
            if similarity >= threshold:
                groups[one] = groups[other] = len(there) + at
        for at in reversed(range(len(groups))):
            groups[at] = groups[groups[at]]
        found = list(range(len(vectors)))
        for at, group in zip(there.tolist(), groups, strict=False):
            found[at] = len(vectors) + group
        return found

    return similarities, cut


def semantic_hash(texts: Sequence[str], vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], Cut]:
    """What semhash keeps together as near-duplicates, after everything was asked. Also similarities to try."""
    if not texts:
        return np.zeros(0), lambda _: []
    hashed = importlib.import_module("semhash").SemHash.from_embeddings(
        vectors, list(texts), model=None, ann_backend="basic"
    )

    def cut(threshold: float) -> list[int]:
        kept = hashed.self_deduplicate(threshold=threshold).selected_with_duplicates
        group = {text: at for at, one in enumerate(kept) for text in (one.record, *(d[0] for d in one.duplicates))}
        return [group[text] for text in texts]

    return np.linspace(0.2, 0.98, TRIED), cut


OPTIONAL = {"sklearn": "scikit-learn", "semhash": "semhash"}
"""Modules that are used where they are there, and the packages that hold them."""


def installed(module: str) -> bool:
    """Whether it can be used: a package may be there while one that it needs is not."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def missing() -> list[str]:
    """A line for each optional package that is not there, with what to do."""
    return [
        f"{package} is not installed or not whole, so it is not set beside: pip install {package}"
        for module, package in OPTIONAL.items()
        if not installed(module)
    ]


@dataclass(frozen=True, slots=True)
class Answers:
    """The best part of the course for each asking, and how like it is."""

    sources: tuple[str | None, ...]
    scores: tuple[float, ...]


def best_entries(chat: Chat, texts: Sequence[str], compare: Compare) -> Answers:
    """By the greatest similarity to one of the `views` of the course."""
    parts = views(chat)
    if not parts or not texts:
        return Answers((None,) * len(texts), (0.0,) * len(texts))
    likeness = compare(texts, [view for _, view in parts])
    best = likeness.argmax(axis=1)
    return Answers(tuple(parts[at][0] for at in best), tuple(likeness.max(axis=1).tolist()))


def views(chat: Chat) -> list[tuple[str, str]]:
    """Ids and texts: an entry's wordings and the entry with its answer, a passage under its heading."""
    entries = [
        (entry.id, view)
        for entry in chat.course.entries
        for view in (entry.question, *entry.phrasings, f"{entry.question} {entry.answer}")
    ]
    return entries + [(passage.id, f"{passage.heading} {passage.text}") for passage in chat.course.passages]
