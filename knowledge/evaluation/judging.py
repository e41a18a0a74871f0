"""Every judgement about labelled messages, one by one as they came in.

Grouping and answering see every true asking, found or not, so that each judgement is measured by itself; the whole
path, where one mistake leads to the next, is measured by a replay.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.answering import Answering, Match, Verdict
from knowledge.asking import Asking, Detector
from knowledge.calibration import PRECISION, Calibration
from knowledge.encoder import Encoder, read_of
from knowledge.evaluation.data import Chat, Line
from knowledge.evaluation.talks import Series
from knowledge.grouping import Grouped, Groups
from knowledge.material import Course
from knowledge.reasons import Reasons

Progress = Callable[[int], None]
"""Told how many more messages are done."""

AT_ONCE = 256
"""Texts an encoder is given between two signs of progress."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with what was decided about it. `group` is the question it was put to, `similarity` that to the best group
    there was. `suggested`: where it founded its group, the one that a moderator is asked about. `source` and `score`
    are the best part of the course, whatever the `verdict`, and `said` is what would be sent of it. `also`: what else
    was said to it, where it asks several things.
    """

    line: Line
    asks: bool
    probability: float
    group: str
    similarity: float = 0.0
    suggested: str | None = None
    source: str | None = None
    score: float = 0.0
    verdict: Verdict = "silent"
    said: str = ""
    reasons: Reasons = Reasons()  # noqa: RUF009 (a constant)
    also: tuple["Judged", ...] = ()

    @property
    def offered(self) -> str | None:
        """As that of a `Match`."""
        return None if self.verdict == "silent" else self.source

    @property
    def right(self) -> bool:
        """The best part of the course is the one that answers it."""
        return self.source is not None and self.source == self.line.source

    @property
    def answers(self) -> tuple["Judged", ...]:
        """It with each of its answers."""
        return (self, *self.also)


@dataclass(frozen=True, slots=True)
class Heard:
    """A chat that was judged: a row and a vector for each line, and the course as it was searched."""

    chat: Chat
    rows: tuple[Judged, ...]
    vectors: NDArray[np.float32]
    answering: Answering


@dataclass(frozen=True, slots=True)
class Mind:
    """What judges: an encoder, the calibration that is used with it, and the wanted precision of answers."""

    encoder: Encoder
    calibration: Calibration
    precision: float = PRECISION

    def answering(self, course: Course) -> Answering:
        return Answering(course, self.encoder, self.calibration.answers(self.precision))

    def groups(self, answering: Answering) -> Groups:
        """Groups that the course anchors, if it holds anything."""
        anchor = answering if len(answering) else None
        return Groups(self.encoder.dimension, self.calibration.grouping, anchor)

    def joins(self, course: bool) -> float:
        """The probability from which on a message joins, with a course or without one."""
        return (self.calibration.grouping.course if course else self.calibration.grouping.words).join


def judge_chat(
    chat: Chat,
    mind: Mind,
    progress: Progress = lambda _: None,
    known: Mapping[str, NDArray[np.float32]] | None = None,
) -> Heard:
    """One pass in order, without a look ahead. `known`: vectors of all its texts, where they were encoded before."""
    texts = [read_of(line.text) for line in chat.lines]
    vectors = (
        encode(mind.encoder, texts, progress) if known is None else np.stack([known[line.text] for line in chat.lines])
    )
    answering, detector = mind.answering(chat.course), Detector(mind.calibration.asking)
    groups = mind.groups(answering)
    true = [at for at, line in enumerate(chat.lines) if line.asks]
    matches = answering.matches([texts[at] for at in true], [vectors[at] for at in true])
    found = dict(zip(true, matches, strict=True))
    fits = answering.fits(texts, list(vectors))
    asked = [
        detector.on_purpose(line.text)
        if line.explicit
        else detector.cheap(line.text) or detector.judge(line.text, vector, fits=fit)
        for line, vector, fit in zip(chat.lines, vectors, fits, strict=True)
    ]
    rows = [
        _judge(key, line, vector, asking, found.get(key), groups)
        for key, (line, vector, asking) in enumerate(zip(chat.lines, vectors, asked, strict=True))
    ]
    return Heard(chat, tuple(rows), vectors, answering)


def encode(encoder: Encoder, texts: Sequence[str], progress: Progress = lambda _: None) -> NDArray[np.float32]:
    """In portions, so that somebody who waits sees that it goes on."""
    rows = [encoder.encode([])]
    for begin in range(0, len(texts), AT_ONCE):
        rows.append(encoder.encode(texts[begin : begin + AT_ONCE]))
        progress(len(rows[-1]))
    return np.concatenate(rows)


def _judge(
    key: int, line: Line, vector: NDArray[np.float32], asking: Asking, match: Match | None, groups: Groups
) -> Judged:
    if not line.asks:
        return Judged(line, asking.asks, asking.probability, f"q{key}", reasons=Reasons(asking.reasons))
    offered = match.offered if match else None
    grouped = groups.decide(line.text, vector, offered)
    group = grouped.group or f"q{key}"
    verdict = match.verdict if match else "silent"
    groups.add(key, group, line.text, vector, offered)
    return Judged(
        line,
        asking.asks,
        asking.probability,
        group,
        grouped.similarity or 0.0,
        grouped.suggested,
        match.source if match else None,
        match.score if match else 0.0,
        "suggest" if verdict == "answer" and not asking.sure else verdict,
        match.text if match else "",
        Reasons(asking.reasons, grouped.reasons, match.reasons if match else ()),
    )


def group_by_threshold(heard: Heard, mind: Mind, threshold: float) -> list[str]:
    """The group of each true asking if the program joined from this similarity on, in a pass of its own. It knows only
    of groups that the program proposes, so that below the lowest of those nothing changes.
    """
    groups, told = mind.groups(heard.answering), []
    for key, (row, vector) in enumerate(zip(heard.rows, heard.vectors, strict=True)):
        if not row.line.asks:
            continue
        grouped = groups.decide(row.line.text, vector, row.offered)
        group = _proposed(grouped) if (grouped.similarity or 0.0) >= threshold else None
        told.append(group or f"q{key}")
        groups.add(key, told[-1], row.line.text, vector, row.offered)
    return told


def _proposed(grouped: Grouped) -> str | None:
    return grouped.group or grouped.suggested


def from_replay(
    lines: Sequence[Line], decided: Mapping[str, Mapping[str, Any]], reasons: Mapping[str, Reasons]
) -> tuple[Judged, ...]:
    """What the whole path decided: `decided` has the lines that `floormic replay` writes, `reasons` why, both by id.
    What was not found to be an asking stands alone, and what it kept silent about has no source.
    """
    return tuple(_replayed(line, decided.get(line.id, {}), reasons.get(line.id, Reasons())) for line in lines)


def _replayed(line: Line, row: Mapping[str, Any], reasons: Reasons) -> Judged:
    judged = Judged(
        line,
        bool(row.get("asking")),
        row.get("probability") or 0.0,
        row.get("question") or f"alone-{line.id}",
        row.get("similarity") or 0.0,
        row.get("suggested"),
        reasons=reasons,
    )
    also = tuple(_answered(judged, answer) for answer in row.get("also_answered", ()))
    return replace(_answered(judged, row["answer"]) if row.get("answer") else judged, also=also)


def _answered(judged: Judged, answer: Mapping[str, Any]) -> Judged:
    verdict: Verdict = "answer" if answer["state"] == "sent" else "suggest"
    return replace(judged, source=answer["source"], score=answer["score"], verdict=verdict)


Pairs = frozenset[frozenset[tuple[str, str]]]


def judge_series(series: Series, mind: Mind, progress: Progress = lambda _: None) -> Pairs:
    """Which groups of two evenings the program takes for the same question: the groups of each evening are as labelled,
    and a group of the later one goes where most of its clear askings would be joined, if those are at least half of
    them."""
    heard = [judge_chat(talk.data.chats[0], mind, progress) for talk in series.talks]
    told = set()
    for at, later in enumerate(heard):
        for earlier in heard[:at]:
            told |= {
                frozenset(((earlier.chat.name, one), (later.chat.name, other)))
                for other, one in _returning(earlier, later, mind).items()
            }
    return frozenset(told)


def _returning(earlier: Heard, later: Heard, mind: Mind) -> dict[str, str]:
    """Groups of the later evening to the group of the earlier one that asks the same."""
    groups = mind.groups(later.answering)
    for key, (row, vector) in enumerate(zip(earlier.rows, earlier.vectors, strict=True)):
        if row.line.group and not row.line.ambiguous:
            match = later.answering.match(read_of(row.line.text), vector)
            groups.add(key, row.line.group, row.line.text, vector, match.offered if match else None)
    joins: dict[str, Counter[str | None]] = {}
    for row, vector in zip(later.rows, later.vectors, strict=True):
        if row.line.group and not row.line.ambiguous:
            decided = groups.decide(row.line.text, vector, row.offered)
            joins.setdefault(row.line.group, Counter())[decided.group] += 1
    return {group: best for group, counts in joins.items() if (best := _most(counts.items(), counts.total()))}


def _most(counts: Iterable[tuple[str | None, int]], total: int) -> str | None:
    group, count = max(counts, key=lambda pair: (pair[0] is not None, pair[1]))
    return group if 2 * count >= total else None
