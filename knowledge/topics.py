"""What a series of evenings was about: its questions' vectors to topics.

Evenings are folded in one after the other, and nothing that an evening decided is decided again: a question stays in
its topic, and a topic keeps the words of its name while they still tell it from the others. So the same evenings give
the same topics, and one evening more only adds to them. What found no topic waits: once enough of it belongs together,
it founds one.

A question belongs to a topic where its cosine to the topic's questions is `NEAR` in the mean (average linkage, both for
founding and for joining). Most of what all questions of the series have in common is taken out before.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from knowledge.telling import NAMED_BY, Words, most_spoken, telling, words_of, written
from knowledge.usual import COMMON

NEAR = 0.25
"""Of the questions of a topic, in the mean over all pairs of them."""

QUESTIONS, PEOPLE = 3, 5
"""A topic is at least so many questions by so many people; less is chance."""

MOST, KEPT = 0.5, 0.4
"""Share of a topic's questions that match one heading of the course, so that it is called so, and stays called so."""

WAITING = 1000
"""Questions without a topic that are remembered, the newest: comparing each with each costs by the square."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One question of one evening. `text` is its title and wordings, `vector` of unit length; `people` asked or voted;
    `heading` is the part of the course that it matches ("": none)."""

    id: str
    text: str
    vector: NDArray[np.float32]
    people: int = 1
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """What a topic is called in `language` ("zh" or "en"): a heading of the course ("": most of it belongs to none), or
    its most telling words, the first ones of most weight; none where no two of its questions share one."""

    language: str
    heading: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """`id` is that of its first question; `members` are ids of questions, those nearest to its middle first."""

    id: str
    name: Name
    members: tuple[str, ...]


@dataclass(slots=True)
class _Growing:
    at: list[int]
    heading: str = ""
    keys: tuple[str, ...] = ()
    named: int = 0  # questions that were in it when it was named


@dataclass(slots=True)
class _Fold:
    """All questions so far; topics in order of founding, as positions; those that wait."""

    vectors: NDArray[np.float32]
    raised: list[Raised] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    topics: list[_Growing] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)


def find_topics(evenings: Sequence[Sequence[Raised]], glossary: Sequence[str] = ()) -> list[Topic]:
    """Topics in order of founding. `glossary`: terms of the course, which are words though they have spaces or stand in
    no dictionary. No topics where there are few questions."""
    everything = [one for evening in evenings for one in evening]
    if not everything:
        return []
    fold = _Fold(np.stack([one.vector for one in everything]).astype(np.float32))
    for evening in evenings:
        fresh = list(range(len(fold.raised), len(fold.raised) + len(evening)))
        told = [at for at in fresh if fold.vectors[at].any()]  # what has no meaning has none in common with anything
        fold.raised.extend(evening)
        fold.words.extend(words_of(one.text, glossary) for one in evening)
        fold.held.update(key for at in fresh for key in fold.words[at].terms)
        centred = _centred(fold.vectors[: len(fold.raised)])
        fold.waiting.extend(_join(fold, centred, told))
        _found(fold, centred)
        _name(fold)
    return _finished(fold, centred)


def _centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    # Of a few questions the mean is mostly themselves.
    common = vectors.sum(axis=0) / max(len(vectors), 16)
    rest = vectors - COMMON * common
    return np.asarray(rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _join(fold: _Fold, centred: NDArray[np.float32], fresh: list[int]) -> list[int]:
    """Each new question into the topic it is nearest to, if near enough; those that are left."""
    if not fold.topics or not fresh:
        return fresh
    middles = np.stack([centred[topic.at].mean(axis=0) for topic in fold.topics])
    nearness = (centred[fresh] @ middles.T).round(4)
    left = []
    for at, row in zip(fresh, nearness, strict=True):
        best = int(np.argmax(row))
        if row[best] >= NEAR:
            fold.topics[best].at.append(at)
        else:
            left.append(at)
    return left


def _found(fold: _Fold, centred: NDArray[np.float32]) -> None:
    """Topics of what waits, where enough of it belongs together."""
    fold.waiting = fold.waiting[-WAITING:]
    if len(fold.waiting) < QUESTIONS:
        return
    from sklearn.cluster import AgglomerativeClustering  # type: ignore[import-untyped]  # a second at the start

    clustering = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=1 - NEAR)
    labels = clustering.fit_predict(centred[fold.waiting])
    found: dict[int, list[int]] = {}
    for at, label in zip(fold.waiting, labels, strict=True):
        found.setdefault(int(label), []).append(at)
    for members in found.values():
        if len(members) >= QUESTIONS and sum(fold.raised[at].people for at in members) >= PEOPLE:
            fold.topics.append(_Growing(members))
    taken = {at for topic in fold.topics for at in topic.at}
    fold.waiting = [at for at in fold.waiting if at not in taken]


def _name(fold: _Fold) -> None:
    """What each topic is called after this evening: as before, as long as that still tells it from the others."""
    for topic in fold.topics:
        if topic.named == len(topic.at):
            continue  # nothing new in it
        topic.named = len(topic.at)
        keys = telling([fold.words[at] for at in topic.at], fold.held, len(fold.words))
        headings = Counter(heading for at in topic.at if (heading := fold.raised[at].heading))
        heading, times = min(headings.items(), key=lambda pair: (-pair[1], pair[0]), default=("", 0))
        if headings[topic.heading] < KEPT * len(topic.at):
            topic.heading = heading if times >= MOST * len(topic.at) else ""
        kept = [key for key in topic.keys if key in keys]
        # What is lost is made up for, so that a name is known again.
        room = len(topic.keys) - len(kept) if kept else NAMED_BY
        topic.keys = (*kept, *[key for key in keys if key not in kept][:room])


def _finished(fold: _Fold, centred: NDArray[np.float32]) -> list[Topic]:
    found = []
    for topic in fold.topics:
        middle = centred[topic.at].mean(axis=0)
        middle /= max(float(np.linalg.norm(middle)), 1e-9)
        nearness = (centred[topic.at] @ middle).round(4)
        words = [fold.words[at] for at in topic.at]
        spoken = most_spoken(words)
        name = Name(spoken, topic.heading, tuple(written(key, words, spoken) for key in topic.keys))
        members = [topic.at[n] for n in sorted(range(len(topic.at)), key=lambda n: (-nearness[n], topic.at[n]))]
        ids = tuple(fold.raised[at].id for at in members)
        found.append(Topic(fold.raised[min(topic.at)].id, name, ids))
    return found
