"""Labelled talks, with all that the judgements about their lines follow from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from knowledge.answering import FEATURES, READ, Answering, Evidence
from knowledge.asking import Detector
from knowledge.calibration import NEVER, AnsweringJudge, Fitting
from knowledge.context import Context, Line, Recent
from knowledge.cues import cues
from knowledge.encoder import Encoder, read_of
from knowledge.evaluation.data import Chat, DataError, json_lines, read_topics
from knowledge.evaluation.talks import id_of, read_talk
from knowledge.logistic import Logistic

T = TypeVar("T", bound=np.generic)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST = 3
"""Talks: with fewer there is little to leave out."""

AT_ONCE = 64
"""Texts an encoder is given between two signs of progress."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A chat with its labels and, for each line, who said it where and when; `said` is empty for lines without a chat
    around them."""

    chat: Chat
    said: tuple[Line, ...] = ()


def read_labelled(folder: Path) -> list[Labelled]:
    """The talks of a folder (each a folder with `chat.jsonl`), or else its topics (`*.json`, as training has them).

    Raises `DataError` for one that is not in form, and for a folder that holds none.
    """
    talks = sorted(path.parent for path in folder.glob("*/chat.jsonl"))
    if talks:
        return [_talk(path) for path in talks]
    try:
        topics = read_topics(folder).chats
    except DataError as error:
        raise DataError([f"{folder}: holds no labelled talks, and no topics either:", *error.problems]) from error
    return [Labelled(chat) for chat in topics]


def _talk(folder: Path) -> Labelled:
    talk = read_talk(folder)
    rows: dict[str | None, dict[str, Any]] = {}
    for _, row in json_lines(talk.chat, []):
        rows.setdefault(id_of(row), row)
    return Labelled(talk.data.chats[0], tuple(_said(line.id, rows[line.id]) for line in talk.lines))


def _said(id: str, row: dict[str, Any]) -> Line:
    """As a replay hears it: who is not named is another each time."""
    platform, chat, user = (
        str(row[key]) if isinstance(row.get(key), str | int | float) else "" for key in ("platform", "chat", "user")
    )
    return Line(f"{platform or 'replay'} {chat}", user or f"anonymous-{id}", float(row.get("t", 0.0)))


@dataclass(frozen=True)
class Heard:
    """A talk that was encoded and looked up in its course. Arrays have a row for each line.

    `source` and `kind` name the part of the course that fits a line best, `place` is its position, `evidence` says how
    well ("" and 0 without a course). `answering` is that course, None for an empty one.
    """

    talk: Labelled
    vectors: NDArray[np.float32]
    answering: Answering | None
    evidence: Floats
    source: tuple[str, ...]
    kind: tuple[str, ...]
    place: tuple[int, ...]

    def read(self, lines: Bools) -> Floats:
        """What the cross-encoder says of the marked lines and the part that fits each best; 0 of the others. What was
        read before is not read again: the old judgement and the new one ask for mostly the same."""
        if self.answering is not None:
            texts, new = self.talk.chat.lines, np.flatnonzero(lines & np.isnan(self._odds))
            looked_up = [(read_of(texts[at].text), self.vectors[at], self.place[at]) for at in new]
            self._odds[new] = self.answering.read(looked_up)
        return np.where(lines, np.nan_to_num(self._odds), 0.0)

    @cached_property
    def _odds(self) -> Floats:
        return np.full(len(self.vectors), np.nan)

    @cached_property
    def cues(self) -> Floats:
        return np.array([cues(line.text) for line in self.talk.chat.lines])

    def told(self, detector: NDArray[T]) -> NDArray[T]:
        """What a detector says of each line; of those that were sent as questions, that they are."""
        return np.where(self.explicit, self._on_purpose.astype(detector.dtype), detector)

    def contexts(self, asks: Sequence[bool] | Bools, probability: Floats) -> Floats:
        """What stood before each line, if this was decided about those before it: shape (lines, Context.SIZE)."""
        if not self.talk.said:
            return np.zeros((len(self.vectors), Context.SIZE))
        recent, found = Recent(), []
        for line, asked, chance in zip(self.talk.said, asks, probability, strict=True):
            found.append(recent.before(line).features())
            recent.add(line, bool(asked), float(chance))
        return np.array(found)

    def fits(self) -> list[Evidence | None]:
        """How well the course fits each line."""
        if self.answering is None:
            return [None] * len(self.vectors)
        return [Evidence(**dict(zip(FEATURES, row, strict=True))) for row in self.evidence.tolist()]

    @cached_property
    def clear(self) -> Bools:
        return np.array([not line.ambiguous for line in self.talk.chat.lines])

    @cached_property
    def explicit(self) -> Bools:
        return np.array([line.explicit for line in self.talk.chat.lines])

    @cached_property
    def _on_purpose(self) -> Bools:
        return np.array([line.explicit and Detector.on_purpose(line.text).asks for line in self.talk.chat.lines])

    @cached_property
    def detected(self) -> Bools:
        """The clear lines about which a detector is asked."""
        return self.clear & ~self.explicit

    @cached_property
    def asks(self) -> Bools:
        return np.array([line.asks for line in self.talk.chat.lines])

    @cached_property
    def answerable(self) -> Bools:
        return np.array([line.asks and line.source is not None for line in self.talk.chat.lines])

    @cached_property
    def right(self) -> Bools:
        """Whether the part that fits best is the one that answers the line."""
        lines = self.talk.chat.lines
        return np.array(
            [s != "" and line.asks and s == line.source for s, line in zip(self.source, lines, strict=True)]
        )

    @cached_property
    def groupable(self) -> list[int]:
        """The positions of the lines that are put into groups."""
        return [at for at, line in enumerate(self.talk.chat.lines) if line.group and not line.ambiguous]


def hear(talk: Labelled, encoder: Encoder, progress: Callable[[float], None] = lambda _: None) -> Heard:
    """Encode a talk and its course (the share that is done goes to `progress`), and look every line up there."""
    texts = [read_of(line.text) for line in talk.chat.lines]
    rows = [encoder.encode([])]
    for begin in range(0, len(texts), AT_ONCE):
        rows.append(encoder.encode(texts[begin : begin + AT_ONCE]))
        progress(begin / len(texts))
    vectors, course = np.concatenate(rows), talk.chat.course
    if not (course.entries or course.passages):
        nowhere = ("",) * len(texts)
        return Heard(talk, vectors, None, np.zeros((len(texts), len(FEATURES))), nowhere, nowhere, (0,) * len(texts))
    answering = Answering(course, encoder, AnsweringJudge(nothing_fits(), NEVER, NEVER, NEVER))
    found = [answering.evidence(text, vector) for text, vector in zip(texts, vectors, strict=True)]
    places = tuple(at for at, _ in found)
    sources, kinds = zip(*(answering.place(at, text) for at, text in zip(places, texts, strict=True)), strict=True)
    evidence = np.array([list(fits.features().values()) for _, fits in found])
    return Heard(talk, vectors, answering, evidence, sources, kinds, places)


def nothing_fits() -> Fitting:
    """For whoever needs the features before there is a judge of them."""
    cheap, full = (Logistic(0.0, dict.fromkeys(names, 0.0), {}) for names in (FEATURES, (*FEATURES, READ)))
    return Fitting(cheap, full, NEVER)
