"""The words that tell a topic from the others: class-based TF-IDF (Grootendorst, BERTopic, 2022) over words and pairs
of neighbours; Chinese is segmented by jieba.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from knowledge.text import simplified

if TYPE_CHECKING:
    import rjieba

NAMED_BY = 3
"""Words at most."""

STILL_TELLING = 8
"""A name stays while its words are among so many."""

SHARE = 0.12
"""Of a topic's questions at least so many say each word of its name, and two."""

COVERED = 0.4
"""What a question still counts for a further word once one of the name's words is in it."""

_HAN = re.compile("[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")
_TOKEN = re.compile(r"[^\W_]+(?:[-+.#'’/][^\W_]+)*[+#]*")
_KNOWN = 100_000
"""How often words of ours are taken to occur: enough to be one word wherever they stand."""

_CONTENT = ("n", "v", "eng", "l", "i", "j", "b")
"""What jieba calls nouns, verbs, foreign words, idioms, abbreviations and distinguishing words."""

_LECTURE_ZH = ("回放", "课件", "签到", "补签", "弹幕", "连麦", "录播", "直播间", "进群", "扫码", "结业证书", "数字孪生")
"""Words of lectures that stand in no dictionary."""


@dataclass(frozen=True, slots=True)
class Words:
    """What one question says: each word and pair of neighbours once, by its key, as it was written."""

    language: str
    terms: Mapping[str, str] = field(default_factory=dict)


def words_of(text: str, glossary: Collection[str] = ()) -> Words:
    """`glossary`: terms that are one word wherever they stand. Lines in another language than most of it do not
    count."""
    language = language_of(text)
    text = "\n".join(line for line in text.splitlines() if language_of(line) == language)
    runs = _chinese(text, tuple(glossary)) if language == "zh" else _spaced(text)
    terms: dict[str, str] = {}
    for run in runs:
        for at, word in enumerate(run):
            terms.setdefault(_key(word), word)
            if at + 1 < len(run) and _key(word) != _key(run[at + 1]):
                both = _joined(word, run[at + 1])
                terms.setdefault(f"{_key(word)} {_key(run[at + 1])}", both)
    return Words(language, terms)


def language_of(text: str) -> str:
    """ "zh" where a fifth of the letters are Chinese characters, else "en", which stands for all spaced scripts."""
    han, letters = len(_HAN.findall(text)), len(_LETTER.findall(text))
    return "zh" if han and han * 5 >= letters else "en"


def telling(topic: Sequence[Words], held: Counter[str], count: int) -> list[str]:
    """The keys of the `STILL_TELLING` most telling terms of a topic, those for its name first: of `count` questions in
    all `held` say each. Only words of the language of most of the topic's questions count."""
    language = most_spoken(topic)
    spoken = [words.terms for words in topic if words.language == language]
    inside = Counter(key for terms in spoken for key in terms)
    least = max(2.0, SHARE * len(topic))
    keys = sorted(key for key, times in inside.items() if times >= least)
    weights = np.array([np.log1p(count / held[key]) for key in keys])
    said = np.array([[key in terms for terms in spoken] for key in keys], dtype=np.float64).reshape(
        len(keys), len(spoken)
    )
    chosen: list[str] = []
    left = np.ones(len(spoken))
    while len(chosen) < STILL_TELLING and weights.any():
        best = int(np.argmax((weights * (said @ left)).round(6)))  # of equals the first by letters
        chosen.append(keys[best])
        left[said[best] > 0] = COVERED
        weights[[_alike(key, keys[best]) for key in keys]] = 0.0
    return chosen


def most_spoken(topic: Sequence[Words]) -> str:
    counts = Counter(words.language for words in topic)
    return max(counts, key=lambda language: (counts[language], language)) if counts else "en"


def written(key: str, topic: Sequence[Words], language: str) -> str:
    """A term as it is mostly written in the questions of that language."""
    counts = Counter(words.terms[key] for words in topic if words.language == language and key in words.terms)
    return min(counts, key=lambda word: (-counts[word], word))


def _alike(one: str, other: str) -> bool:
    """Whether two terms share a word, or the beginning of one ("merge", "merging")."""
    return any(
        a == b or (min(len(a), len(b)) > 3 and a[:4] == b[:4]) or (_HAN.search(a) and (a in b or b in a))
        for a in one.split()
        for b in other.split()
    )


def _key(word: str) -> str:
    plain = word.casefold()
    if len(plain) > 3 and plain.endswith("s") and not plain.endswith(("ss", "us", "is")):
        return plain[:-3] + "y" if plain.endswith("ies") else plain[:-1]
    return plain


def _joined(one: str, other: str) -> str:
    return one + other if _HAN.search(one[-1]) and _HAN.search(other[0]) else f"{one} {other}"


def _spaced(text: str) -> list[list[str]]:
    """Runs of neighbouring words that say something."""
    runs: list[list[str]] = [[]]
    end = 0
    for found in _TOKEN.finditer(text.replace("’", "'")):
        word = found[0]
        if text[end : found.start()].strip():
            runs.append([])
        end = found.end()
        plain = word.casefold()
        if plain in _plain() or len(word) < 2 or not _LETTER.search(word) or "://" in word or len(word) > 30:
            runs.append([])
        else:
            runs[-1].append(word)
    return [run for run in runs if run]


def _chinese(text: str, glossary: tuple[str, ...]) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for word, kind in _segmenter(glossary).tag(simplified(text)):
        known = word in glossary or word in _LECTURE_ZH
        content = known or (kind.startswith(_CONTENT) and len(word) > 1)
        if content and word.casefold() not in _plain() and _LETTER.search(word):
            runs[-1].append(word)
        elif not word.isspace():
            runs.append([])
    return [run for run in runs if run]


@lru_cache(maxsize=8)
def _segmenter(glossary: tuple[str, ...]) -> "rjieba.Jieba":
    import rjieba  # reads its dictionary, which takes a while

    segmenter = rjieba.Jieba()
    for word in (*_LECTURE_ZH, *glossary):
        segmenter.add_word(word, _KNOWN, "n")
    return segmenter


@cache
def _plain() -> frozenset[str]:
    """Words that say nothing of what a question is about, in either language."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # type: ignore[import-untyped]  # slow to import

    own = (files("knowledge") / "models" / "plain-words.txt").read_text(encoding="utf-8").split()
    return frozenset(own) | frozenset(ENGLISH_STOP_WORDS)
