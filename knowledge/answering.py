"""What the course says to a message: word search and vector search together, or silence.

Nothing is written by a machine: what is said is the entry's answer or the passage itself, cut at a sentence.
"""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.calibration import AnsweringJudge
from knowledge.encoder import ANSWERS, Encoder
from knowledge.material import Course, Entry, Passage
from knowledge.neighbours import DIGITS
from knowledge.reasons import Reason, signs, strongest
from knowledge.text import normalise
from knowledge.usual import COMMON
from knowledge.wording import WHAT, kinds, pieces

Verdict = Literal["answer", "suggest", "silent"]

LONGEST = 400
"""Characters of a passage that are said at most."""

SHORT = 8
"""Characters that a sentence needs to stand alone."""
PIECE = 120
"""Characters of a passage that are searched together."""

_NUMBER = r"(?<!^\d)(?<!^\d\d)(?<![\s。！？；（(]\d)(?<![\s。！？；（(]\d\d)"
_END = re.compile(rf"[。！？；\n]|[!?;](?=\s|[^\x00-\x7f])|{_NUMBER}\.(?=\s)")
"""Where a sentence ends and a text may be cut: not within an address, nor behind the number of an item."""

_SENTENCE = re.compile(rf".+?(?:(?:{_END.pattern})+|$)", re.S)


_ONE = {**dict.fromkeys(("margin", "share", "words", "words_margin"), "margin"), "passage": "part", "term": "part"}
"""Signs of one thing, what the search says and what kind of part it is: what one of them adds another may take back
(rare words count in three of them), and people are told what is left."""


@dataclass(frozen=True, slots=True)
class Match:
    """The part of the course that fits a message best. `score` is the probability (0..1) that it answers it; `text` is
    what would be said, `where` the place for a human ("faq.md:12"), `reasons` the strongest signs for and against it.
    """

    source: str
    score: float
    heading: str
    text: str
    verdict: Verdict
    where: str
    reasons: tuple[Reason, ...] = ()

    @property
    def offered(self) -> str | None:
        """Its source, where it is sent or suggested."""
        return None if self.verdict == "silent" else self.source


@dataclass(frozen=True, slots=True)
class _Part:
    """`asked` and `said` are what it is searched by: its question in every phrasing, and with its answer; `texts` are
    what is sent where that one of `said` is the nearest; `sentences` are what tells questions apart. `kind` is "entry",
    "passage" or "term".
    """

    kind: str
    source: str
    heading: str
    where: str
    asked: tuple[str, ...]
    said: tuple[str, ...]
    texts: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the best part fits: the features of the calibration."""

    margin: float  # of its cosine over the next part's, or over `UNRELATED`
    said: float  # its cosine with the part's question and answer together, or with what the passage says
    words: float  # share (0..1) of the message's rare words that the part holds
    words_margin: float  # over the best other part's
    share: float  # of all the parts' nearness: high where one part stands out
    passage: float  # 1 where it is a passage of notes, slides or a transcript
    term: float  # 1 where it is a term of a glossary

    def features(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in FEATURES}


FEATURES = tuple(field.name for field in fields(Evidence))

READ = "read"
"""What the cross-encoder says of the message and the part, read together: log odds, beside `FEATURES`."""


class Answering:
    """The course, ready for search. `encoder` reads it once, when this is made; `judge` is the calibration for it.

    What may be sent by its `Evidence` is read beside the message before that is done. Raises `CalibrationError` where
    the judge weighs other features.
    """

    def __init__(self, course: Course, encoder: Encoder, judge: AnsweringJudge) -> None:
        self._judge, self._encoder = judge, encoder
        self._cheap = judge.fitting.cheap.over(FEATURES, "answers")
        self._full = judge.fitting.full.over((*FEATURES, READ), "answers")
        self._parts = _parts(course)
        self._sentences, self._asked, self._said = (
            _Views([view(part) for part in self._parts], encoder) for view in _VIEWS
        )
        self._words = _Words([(*part.asked, *part.said) for part in self._parts])

    def match(self, text: str, vector: NDArray[np.float32]) -> Match | None:
        """The best part of the course, whatever its score; None only for an empty course."""
        return self.matches([text], [vector])[0]

    def matches(self, texts: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> list[Match | None]:
        """The best part for each of several texts; to read them at once takes less time."""
        if not self._parts:
            return [None] * len(texts)
        found = [self.evidence(text, vector) for text, vector in zip(texts, vectors, strict=True)]
        scores = [self._cheap.probability(evidence.features()) for _, evidence in found]
        doubtful = [at for at, score in enumerate(scores) if score >= self._judge.fitting.doubt]
        read = dict(zip(doubtful, self.read([(texts[at], vectors[at], found[at][0]) for at in doubtful]), strict=True))
        said = [self._parts[part].texts[self._said.nearest(part, vectors[at])] for at, (part, _) in enumerate(found)]
        return [
            self._match(texts[at], part, said[at], evidence.features(), scores[at], read.get(at))
            for at, (part, evidence) in enumerate(found)
        ]

    def _match(
        self, text: str, at: int, said: str, features: dict[str, float], score: float, read: float | None
    ) -> Match:
        """`score` is that of the search alone, `read` is None where nothing was read."""
        part, logistic = self._parts[at], self._cheap
        if read is not None:
            logistic, features = self._full, features | {READ: read}
            score = logistic.probability(features)
        send = self._judge.threshold(self.place(at, text)[1])
        verdict: Verdict = "answer" if score >= send else "suggest" if score >= self._judge.suggest else "silent"
        reasons = strongest(together(signs(logistic, features, about={READ: ""})))
        return Match(part.source, score, part.heading, said, verdict, part.where, reasons)

    def fits(self, texts: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> list[Evidence | None]:
        """How well the best part fits each of several texts; None for an empty course."""
        if not self._parts:
            return [None] * len(texts)
        return [self.evidence(text, vector)[1] for text, vector in zip(texts, vectors, strict=True)]

    def read(self, looked_up: Sequence[tuple[str, NDArray[np.float32], int]]) -> list[float]:
        """For texts with their vectors and the position of a part: the log odds that what is said there answers them,
        read beside the text."""
        pairs = [(text, self._parts[at].said[self._said.nearest(at, vector)]) for text, vector, at in looked_up]
        return [round(float(odds), DIGITS) for odds in self._encoder.read(pairs)[:, ANSWERS]] if pairs else []

    def evidence(self, text: str, vector: NDArray[np.float32]) -> tuple[int, Evidence]:
        """The position of the best part and how well it fits."""
        fits, said, words = self._fits(text, vector)
        best = int(np.argmax(fits))
        others = np.arange(len(self._parts)) != best
        return best, Evidence(
            margin=float(fits[best] - fits[others].max(initial=UNRELATED)),
            said=float(said[best]),
            words=float(words[best]),
            words_margin=float(words[best] - words[others].max(initial=0.0)),
            share=float(_shares(fits, SHARPNESS)[best]),
            passage=float(self._parts[best].kind == "passage"),
            term=float(self._parts[best].kind == "term"),
        )

    def place(self, at: int, text: str) -> tuple[str, str]:
        """Source and kind of the part at a position; its kind is "beyond" where it tells what a term means, and the
        message asks something else: where, how, how much. Then it may be suggested, and is never sent."""
        part, asked = self._parts[at], kinds(text)
        return part.source, "beyond" if part.kind == "term" and asked and WHAT not in asked else part.kind

    def alike(self) -> list[tuple[str, str]]:
        """Pairs of entries, by their ids, that may ask the same: some wording of one is nearly some wording of the
        other, or each seems to answer what the other asks, as two that contradict each other do. Whichever of the two
        answers, it is hardly ahead of the other, so that hardly either is sent."""
        entries = [at for at, part in enumerate(self._parts) if part.kind == "entry"]
        asked = {at: np.stack([self.centred(vector) for vector in self._asked.of(at)]) for at in entries}
        answered = self._answered(entries) if self._encoder.reading else {}
        return [
            (self._parts[one].source, self._parts[other].source)
            for one, other in itertools.combinations(entries, 2)
            if float((asked[one] @ asked[other].T).max()) >= ALIKE
            or answered.get((one, other), -math.inf) + answered.get((other, one), -math.inf) >= EACH_OTHER
        ]

    def _answered(self, entries: Sequence[int]) -> dict[tuple[int, int], float]:
        """Of pairs of entries, the log odds that the second answers what the first asks; of those that fit it best."""
        pairs = []
        for one in entries:
            fits, _, _ = self._fits(self._parts[one].asked[0], self._asked.of(one)[0])
            others = sorted((other for other in entries if other != one), key=lambda other: -fits[other])
            pairs += [(one, other) for other in others[:READ_BESIDE]]
        odds = self.read([(self._parts[one].asked[0], self._asked.of(one)[0], other) for one, other in pairs])
        return dict(zip(pairs, odds, strict=True))

    def __len__(self) -> int:
        """How many entries and passages it can answer from."""
        return len(self._parts)

    def profile(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """How well each sentence fits, sharpened: shape (sentences,); (1,) and zero for an empty course. An entry often
        says where, how long and what it costs, and who asks the one does not ask the other.

        Of unit length where the message surely belongs to the course, shorter where it may belong to nothing there.
        """
        if not self._parts:
            return np.zeros(1, dtype=np.float32)
        part = self._sentences.owners
        asked, words = self._asked.cosines(vector)[part], self._words.covered(text)[part]
        shares = _shares(_fit(asked, self._sentences.each(vector), words), SOFT)
        unrelated = 1 - shares.sum()
        return np.asarray(shares / math.sqrt(shares @ shares + unrelated**2), dtype=np.float32)

    def centred(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Without most of what the course's questions have in common: between two messages of one talk that says
        nothing. Of unit length; the vector itself for an empty course."""
        rest = vector - COMMON * self._asked.centre
        return np.ascontiguousarray(rest / max(float(np.linalg.norm(rest)), 1e-9), dtype=np.float32)

    def _fits(
        self, text: str, vector: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """How well each part fits, its cosine to what is said there, and the share of the message's words it holds."""
        asked, said, words = self._asked.cosines(vector), self._said.cosines(vector), self._words.covered(text)
        return _fit(asked, said, words), said, words


def _fit(asked: NDArray[np.float64], said: NDArray[np.float64], words: NDArray[np.float64]) -> NDArray[np.float64]:
    nearness = (np.maximum(asked, said) + ASKED * asked + (1 - ASKED) * said) / 2
    return np.asarray((nearness + WORDS * words).round(DIGITS), dtype=np.float64)


def _shares(fits: NDArray[np.float64], sharpness: float) -> NDArray[np.float64]:
    """Of all that fits there is, that of what the course does not hold included: a course of one entry, which anything
    is nearest to, must not take all."""
    missing = max(1, FIELD - len(fits))
    weights = np.exp((fits - 1) / sharpness)
    return np.asarray(weights / (weights.sum() + missing * math.exp((UNRELATED - 1) / sharpness)), dtype=np.float64)


class _Views:
    """Several texts a part; a part is as near as its nearest. `owners`: the position of the part of each text."""

    def __init__(self, views: Sequence[tuple[str, ...]], encoder: Encoder) -> None:
        self.owners = np.repeat(np.arange(len(views)), [len(texts) for texts in views])
        self._starts = np.cumsum([0, *(len(texts) for texts in views)])[:-1]
        self._vectors = encoder.encode([text for texts in views for text in texts])
        # Of a few questions the mean is mostly themselves.
        self.centre = self._vectors.sum(axis=0, dtype=np.float32) / max(len(self._vectors), FIELD)

    def each(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        return (self._vectors @ vector).astype(np.float64)

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(np.maximum.reduceat(self.each(vector), self._starts).round(DIGITS), dtype=np.float64)

    def of(self, at: int) -> NDArray[np.float32]:
        """The vectors of a part: shape (texts, dimension)."""
        end = self._starts[at + 1] if at + 1 < len(self._starts) else len(self._vectors)
        return self._vectors[self._starts[at] : end]

    def nearest(self, at: int, vector: NDArray[np.float32]) -> int:
        """Which text of a part is nearest."""
        return int(np.argmax((self.of(at) @ vector).round(DIGITS)))


class _Words:
    """Word search: which share of a message's pieces, weighted by rarity, each part holds."""

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self._holders: dict[str, list[int]] = {}
        self._count = len(parts)
        for at, texts in enumerate(parts):
            for piece in {piece for text in texts for piece in pieces(normalise(text))}:
                self._holders.setdefault(piece, []).append(at)

    def covered(self, text: str) -> NDArray[np.float64]:
        scores, total = np.zeros(self._count), 0.0
        for piece, times in Counter(pieces(normalise(text))).items():
            holders = self._holders.get(piece, [])
            weight = times * math.log(1 + (self._count - len(holders) + 0.5) / (len(holders) + 0.5))
            total += weight
            scores[holders] += weight
        return scores / total if total else scores


def searched_by(course: Course) -> list[str]:
    """Every text of a course that `Answering` has encoded, in its order, those of about one length side by side: for
    whoever has an encoder that remembers go through them in pieces before."""
    parts = _parts(course)
    views = ([text for part in parts for text in view(part)] for view in _VIEWS)
    return [text for texts in views for text in sorted(dict.fromkeys(texts), key=len)]


_VIEWS = attrgetter("sentences"), attrgetter("asked"), attrgetter("said")
"""What is read beside messages comes last: of what the encoder has gone through it keeps the latest."""


def _parts(course: Course) -> list[_Part]:
    return [*map(_entry, course.entries), *map(_passage, course.passages)]


def _entry(entry: Entry) -> _Part:
    return _Part(
        "entry",
        entry.id,
        entry.question,
        entry.source,
        (entry.question, *entry.phrasings),
        (f"{entry.question} {entry.answer}",),
        (entry.answer,),
        _sentences_of(entry.question, entry.answer),
    )


def _passage(passage: Passage) -> _Part:
    pieces = _pieces_of(passage.text)
    return _Part(
        _kind(passage),
        passage.id,
        passage.heading,
        passage.source,
        (passage.heading,),
        tuple(f"{passage.heading} {passage.text[begin:end].strip()}" for begin, end in pieces),
        tuple(_around(passage.text, begin, LONGEST) for begin, _ in pieces),
        _sentences_of(passage.heading, passage.text),
    )


def _kind(passage: Passage) -> str:
    return "term" if passage.is_term else "passage"


def _pieces_of(text: str) -> list[tuple[int, int]]:
    """Where pieces of a few sentences begin and end: a long text's vector means nothing in particular."""
    found, begin, end = [], 0, 0
    for sentence in _SENTENCE.finditer(text):
        if end > begin and sentence.end() - begin > PIECE:
            found.append((begin, end))
            begin = end
        end = sentence.end()
    return [*found, (begin, end)]


def _around(text: str, at: int, longest: int) -> str:
    """Whole sentences of `text`: a few of those before the one that begins at `at`, and as many behind it as fit."""
    if len(text) <= longest:
        return text
    earliest = min(at - longest // 4, len(text) - longest + 1)
    ends = (0, *(one.end() for one in _END.finditer(text)))
    begin = next((end for end in ends if earliest <= end <= at), at)
    return cut(text, longest) if begin == 0 else "…" + cut(text[begin:].lstrip(), longest - 1)


def _sentences_of(heading: str, text: str) -> tuple[str, ...]:
    """Each under its heading; what is too short to say something goes with the next."""
    found, piece = [], ""
    for sentence in _SENTENCE.findall(text):
        piece += sentence
        if len(piece) >= SHORT:
            found.append(piece)
            piece = ""
    return tuple(f"{heading} {part.strip()}" for part in [*found, piece] if part.strip() or not found)


def cut(text: str, longest: int) -> str:
    """The beginning of `text`, ended after a sentence where one ends in its second half."""
    if len(text) <= longest:
        return text
    ends = [m.end() for m in _END.finditer(text, 0, longest) if m.end() > longest // 2]
    return text[: ends[-1]].rstrip() if ends else text[: longest - 1].rstrip() + "…"


ASKED = 0.3
"""How well a part fits is its cosine, half of the greater of those to its question and to its question with its answer,
half of the two weighed: the question alone counts so much, the answer with it the rest. Questions sound alike whose
answers tell which was meant."""

WORDS = 0.5
"""What a full match of words is worth in cosine. Both are chosen on the talks (right part first .888 with the greater
cosine and .25 for words, .898 so) and on topics of another hand (.829, .847)."""

UNRELATED = 0.3
"""The cosine that a part has to a message of the same field which it does not answer."""

FIELD = 16
"""Parts of a course that holds what people ask, as those of the calibration; what is missing counts as unrelated."""

ALIKE = 0.65
"""Cosine between two wordings from which on an organiser is told that their entries may ask the same."""

EACH_OTHER = 0.0
"""Log odds of two entries, together, that each answers what the other asks, from which on the same is told. In the
courses of the 40 talks, whose entries are all different, that is 13 pairs, and with those that are `ALIKE` 20 (8 by
the cosine alone, 19 where that begins at .6). Of the wordings of one entry, each taken for an entry with its answer,
.52 are found beside another one (.26 by the cosine, .35 from .6 on). With -1 it is 31 pairs and .59, with 1 13 and .44.
"""

READ_BESIDE = 3
"""Entries that are read beside what one asks: those that fit it best."""

SHARPNESS = 0.07
"""How well parts fit is divided by it before it becomes shares."""

SOFT = 0.1
"""The same for sentences, of which several may say what is asked for. Chosen on the talks: average precision of joining
.708, with .07, .13 and .17 it is .706, .703, .691."""


def together(found: Sequence[Reason]) -> list[Reason]:
    """Signs of one thing as one."""
    weights, values = defaultdict[str, float](float), {reason.code: reason.value for reason in found}
    for reason in found:
        if reason.code in _ONE:
            weights[_ONE[reason.code]] += reason.weight
    others = [reason for reason in found if reason.code not in _ONE]
    kind = next((name for name in ("passage", "term") if values.get(name)), "entry")
    return [
        *others,
        *(
            Reason(code, round(weight, 4), values.get(code), kind if code == "part" else "")
            for code, weight in weights.items()
        ),
    ]
