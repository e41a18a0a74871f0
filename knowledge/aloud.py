"""Which questions a speaker answered aloud, and where: sentences of a transcript, questions and vectors in, scores out.

A speaker mostly says a question before answering it ("有同学问…", "the next one is …"), so what is looked for is where
that begins. A place counts by what it and the sentences behind it have in common with the question, in words and in
meaning, by how much less that is with any other question and at any other place, and by when the question was asked and
stood on the stage. Where the speaker puts a question off, that is no answer.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.captions import Spoken
from knowledge.neighbours import DIGITS
from knowledge.text import normalise
from knowledge.wording import pieces

SURE = 0.85
"""The score from which on a place is proposed; chosen on the Chinese development talk (`tests/measure/aloud`)."""

ALSO = 0.6
"""The score from which on another place is offered beside it."""

OTHERS = 2  # places beside the best one
MOST_WORDINGS = 12  # of one question; more say the same again

LONGEST = 60.0
"""Seconds of a passage."""

LEAD = 75.0
"""Seconds between the first word about a question and the place that is nearest to it."""

FOLLOWING = 35.0
"""Seconds behind a place in which an answer begins."""

EARLY = 15.0
"""Seconds by which the clocks of chat and transcript may differ: nothing is answered longer before it was asked."""

STAGED = 180.0
"""Seconds after a question came on stage in which its answer begins, where nothing took its place earlier."""

APART = 45.0
"""Seconds between two places that are not one."""

_CUE = re.compile(
    r"(?:有|这|那|哪|几|下)(?:个|位|条|些|几|一)?[^，。,.]{0,6}(?:问|想知道|想问|没听|说)|都在问|还有问|问(?:的是|到|我|能|行)"
    r"|下一个|第一个问|有一条|评论区|弹幕|提问"
    r"|\b(?:asks?|asked|asking|questions?|wonder\w*|wants? to know|somebody|someone|one who|people (?:with|who)"
    r"|in the chat|(?:here|there)(?:'s| is) (?:a|one)\b|next (?:one|question))|^(?:and |so |okay,? )?next\b",
    re.IGNORECASE,
)
"""How speakers say that they come to a question."""

_PUT_OFF = re.compile(
    r"待会|一会儿?再|(?:课|会|讲座|结束)后(?:再|统一|吧|我|发|群)|回头再?(?:说|讲|发|聊|看)|下(?:次|回|一?讲|周)(?:再|专门)"
    r"|第.{1,2}讲专门|不展开|先(?:不|放)|放一放|不点名|不重复|不(?:细)?讲了|就不念|前面(?:都)?(?:讲|说)过"
    r"|(?:真的?|也|确实)不(?:知道|清楚|了解)|文字(?:回复|回答)|私下|群里(?:发|说|回)|问(?:一下)?(?:厂家|他们)吧"
    r"|\b(?:(?:come|get|go) back to (?:that|this|it)|(?:let's|we'll|i'll|will) (?:\w+ ){0,4}(?:later|afterwards)"
    r"|(?:let's|we'll|i'll|will) (?:\w+ ){0,4}next \w+|office hours?|in writing|not (?:now|tonight|today)\b"
    r"|(?:won't|not going to|can't) (?:\w+ )?(?:get into|go into|answer)"
    r"|leave (?:that|this|it) for|(?:park|skip) (?:that|this|it)|offline\b[^.]{0,20}$|don't know (?:it|that|this)\b"
    r"|don't do \w+ names|another (?:evening|talk|day)|no time for)",
    re.IGNORECASE,
)
"""How they say that they answer it some other time, or not at all."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A question: `vectors` of shape (n, d), one row of unit length for each of its `texts`. `asked` is when it was
    first asked and `staged` from when until when it stood on the stage, in seconds of the transcript (None: not
    known)."""

    id: str
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    asked: float | None = None
    staged: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """What was said from `start` to `end` (seconds of the transcript); `score` is how surely it is about the question.
    `text` begins where the answer does, `start` where the speaker comes to the question. `asked` is the wording of the
    question that it is nearest to ("": not looked for)."""

    start: float
    end: float
    text: str
    score: float = 0.0
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, the passage that answers it, and up to `OTHERS` more that may, the surest first."""

    question: str
    passage: Passage
    others: tuple[Passage, ...] = ()


def views(sentences: Sequence[Spoken]) -> list[str]:
    """The texts that `Speech` needs the vectors of: every sentence, then every sentence with the next one."""
    return [one.text for one in sentences] + [
        f"{one.text} {after.text}".strip() for one, after in _with_next(sentences)
    ]


def passage_at(sentences: Sequence[Spoken], start: float, longest: float = LONGEST) -> Passage | None:
    """What is said from the sentence on that is spoken at `start`, or next after it; None after the last one."""
    said = [one for one in sentences if one.end > start]
    kept = [one for one in said if one.start < said[0].start + longest]
    return Passage(min(start, kept[0].end), kept[-1].end, _joined(kept)) if kept else None


class Speech:
    """A transcript, ready for search. `vectors` are those of `views(sentences)`."""

    def __init__(self, sentences: Sequence[Spoken], vectors: NDArray[np.float32]) -> None:
        self._said = tuple(sentences)
        self._alone, self._paired = np.split(vectors, 2)
        self._starts = np.array([one.start for one in sentences])
        self._cues = np.array([_CUE.search(one.text) is not None for one in sentences], dtype=bool)
        self._words = _Words([f"{one.text} {after.text}" for one, after in _with_next(self._said)])

    def answered(self, sought: Sequence[Sought], sure: float = SURE) -> list[Answered]:
        """The questions that were surely answered, in the order of `sought`."""
        return [one for one in self.nearest(sought) if one.passage.score >= sure]

    def nearest(self, sought: Sequence[Sought]) -> list[Answered]:
        """For each question the best place whatever its score; left out are those that were asked after the end."""
        if not self._said or not sought:
            return []
        nearness = np.array([np.maximum(*(self._near(v, one) for v in (self._alone, self._paired))) for one in sought])
        words = np.array([self._words.covered(one.texts[:MOST_WORDINGS]) for one in sought])
        total = nearness + WORDS * words
        rivals = _best_of_others(total)
        scores = total + MARGIN * np.clip(total - rivals, -0.2, 0.2)
        scores += CUE * np.maximum(self._cues, 0.7 * np.concatenate(([False], self._cues[:-1])))
        scores += FOLLOWED * np.clip(self._followed(nearness), 0.0, 0.6)
        found = []
        for at, one in enumerate(sought):
            row = np.where(self._possible(one), scores[at] + ON_STAGE * self._on_stage(one), -np.inf).round(DIGITS)
            alone = self._near(self._alone, one)
            ours = (alone >= OURS * alone.max()) & (total[at] >= rivals[at])
            theirs = self._cues & ~ours & (rivals[at] >= THEIRS)
            if answered := self._best(one.id, row, ours, theirs):
                asked = self._asked(one, answered.passage)
                found.append(replace(answered, passage=replace(answered.passage, asked=asked)))
        return found

    def _best(
        self, id: str, row: NDArray[np.float64], ours: NDArray[np.bool_], theirs: NDArray[np.bool_]
    ) -> Answered | None:
        places: list[Passage] = []
        left = row.copy()
        while len(places) <= OTHERS and np.isfinite(left).any():
            at = int(left.argmax())
            far = np.abs(self._starts - self._starts[at]) > APART
            rest = row[far].max(initial=0.0)
            score = float(row[at] + ALONE * min(max(row[at] - rest, 0.0), 0.3))
            place = self._passage(at, score, ours, theirs)
            if places and place.score < ALSO:
                break
            places.append(place)
            left[~far] = -np.inf
        places.sort(key=lambda place: -place.score)
        return Answered(id, places[0], tuple(places[1:])) if places else None

    def _passage(self, at: int, score: float, ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> Passage:
        """From where the speaker comes to the question until the next one, or until it is long enough."""
        first = at
        for before in range(at - 1, -1, -1):
            if self._starts[at] - self._starts[before] > LEAD or theirs[before]:
                break
            if self._cues[before] and ours[before]:
                first = before
        end = first + 1
        latest = self._starts[first] + LONGEST
        # what follows the first sentence belongs to it, however long it is
        while end < len(self._said) and (self._said[end].start if end == first + 1 else self._said[end].end) <= latest:
            if end > at and theirs[end]:
                break
            end += 1
        said = self._said[first:end]
        if _PUT_OFF.search(_joined(said[: max(2, at - first + 2)])):
            score -= PUT_OFF
        read = self._cues[first] and len(said) > 1
        return Passage(said[0].start, said[-1].end, _joined(said[1:] if read else said), score)

    def _asked(self, one: Sought, place: Passage) -> str:
        """The wording that what is said there is nearest to."""
        there = (self._starts >= place.start) & (self._starts < place.end)
        vectors = np.concatenate((self._alone[there], self._paired[there]))
        return one.texts[int((vectors @ one.vectors[:MOST_WORDINGS].T).max(axis=0).argmax())]

    def _near(self, vectors: NDArray[np.float32], one: Sought) -> NDArray[np.float64]:
        """Each vector's cosine with the nearest wording; shape (sentences,)."""
        cosines = vectors @ one.vectors[:MOST_WORDINGS].T
        return np.asarray(cosines.max(axis=1, initial=0.0), dtype=np.float64)

    def _followed(self, nearness: NDArray[np.float64]) -> NDArray[np.float64]:
        """How near the nearest of the next sentences is."""
        best = np.zeros_like(nearness)
        for step in range(1, min(7, len(self._said))):
            soon = self._starts[step:] - self._starts[:-step] < FOLLOWING
            best[:, :-step] = np.maximum(best[:, :-step], np.where(soon, nearness[:, step:], 0.0))
        return best

    def _possible(self, one: Sought) -> NDArray[np.bool_]:
        ends = np.array([said.end for said in self._said])
        return np.full(len(ends), True) if one.asked is None else ends > one.asked - EARLY

    def _on_stage(self, one: Sought) -> NDArray[np.float64]:
        """1 while it stood there, -1/4 while it did not; 0 where nobody knows."""
        if one.staged is None:
            return np.zeros(len(self._said))
        begin, end = one.staged[0] - EARLY, max(one.staged[0] + EARLY, min(one.staged[1], one.staged[0] + STAGED))
        there = (self._starts >= begin) & (self._starts <= end)
        return np.asarray(np.where(there, 1.0, -0.25), dtype=np.float64)


def begins_at(found: Sequence[Answered], staged: dict[str, float], sure: float = SURE) -> float | None:
    """When (Unix seconds) a transcript began, from when questions came on stage and where they are answered in it; None
    where fewer than `AGREEING` agree."""
    guesses = sorted(
        staged[one.question] - one.passage.start
        for one in found
        if one.question in staged and one.passage.score >= sure
    )
    best: list[float] = []
    for at, first in enumerate(guesses):
        agreeing = [guess for guess in guesses[at:] if guess - first <= AGREE]
        if len(agreeing) > len(best):
            best = agreeing
    return best[len(best) // 2] if len(best) >= AGREEING else None


class _Words:
    """Which share of a question's words, weighted by rarity, each place holds."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._count = len(texts)
        self._holders: dict[str, list[int]] = {}
        for at, text in enumerate(texts):
            for piece in set(pieces(normalise(text))):
                self._holders.setdefault(piece, []).append(at)

    def covered(self, wordings: Sequence[str]) -> NDArray[np.float64]:
        """Of the wording that is covered best. One word alone says nothing of what is asked."""
        best = np.zeros(self._count)
        for wording in wordings:
            counted = Counter(pieces(normalise(wording)))
            if len(counted) > 1:
                best = np.maximum(best, self._share(counted))
        return best

    def _share(self, counted: Counter[str]) -> NDArray[np.float64]:
        scores, whole = np.zeros(self._count), 0.0
        for piece, times in counted.items():
            holders = self._holders.get(piece, [])
            weight = times * math.log(1 + (self._count - len(holders) + 0.5) / (len(holders) + 0.5))
            whole += weight
            scores[holders] += weight
        return scores / max(whole, 1e-9)


def _best_of_others(total: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each question and place, the best of the other questions there; shape as `total`."""
    if len(total) == 1:
        return np.zeros_like(total)
    first, second = np.sort(total, axis=0)[-1], np.sort(total, axis=0)[-2]
    return np.asarray(np.where(total >= first, second, first), dtype=np.float64)


def _with_next(said: Sequence[Spoken]) -> list[tuple[Spoken, Spoken]]:
    return list(zip(said, [*said[1:], Spoken(0.0, 0.0, "")], strict=False))


def _joined(said: Sequence[Spoken]) -> str:
    text = ""
    for one in said:
        spaced = text and text[-1] < "\u2e80" and one.text[0] < "\u2e80"
        text += (" " if spaced else "") + one.text
    return text


WORDS = 0.25
"""What a full match of words is worth in cosine; as in `answering`."""

MARGIN = 0.2
"""Of the lead over the other questions at the same place."""

CUE = 0.08
"""Of a sentence, or the one before it, that comes to a question."""

FOLLOWED = 0.15
"""Of the nearness of what follows."""

ON_STAGE = 0.12
"""Of the question's time on the stage."""

ALONE = 0.3
"""Of the lead over every other place."""

OURS = 0.5
"""Of the greatest cosine, where the speaker comes to a question rather than to another one."""

THEIRS = 0.55
"""Of what a place has in common with another question, where it comes to that one."""

PUT_OFF = 1.0
"""Of a question that is put off."""

AGREE, AGREEING = 60.0, 3
"""Seconds within which so many questions have to say the same about when the transcript began."""
