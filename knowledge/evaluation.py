"""How well and how fast: the metrics, and the measuring runs behind `floormic bench`.

A topic is a JSON file of hand-written askings: {"faq": [{"id", "q", "a"}], "groups": [{"id", "faq": id or null,
"asks": [text]}], "not_asking": [text]}; one answer satisfies a group. Developers name the folder of such files.
"""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.answering import Answering, Match
from knowledge.asking import Detector
from knowledge.encoder import Encoder
from knowledge.grouping import Groups
from knowledge.material import Course, Entry

Figures = dict[str, dict[str, float]]
"""A section's name to its figures; counts are whole numbers, shares lie in 0..1."""

Progress = Callable[[int], None]
"""Told how many of the messages are done."""


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def found(true: Sequence[bool], told: Sequence[bool]) -> dict[str, float]:
    """Precision, recall and F1 of yes-or-no decisions."""
    both = sum(t and f for t, f in zip(true, told, strict=True))
    precision, recall = both / max(sum(told), 1), both / max(sum(true), 1)
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}


def pairs(true: Sequence[Hashable], told: Sequence[Hashable]) -> dict[str, float]:
    """Precision, recall and F1 over the pairs of items that are put together."""
    both = _pairs(Counter(zip(true, told, strict=True)))
    precision, recall = both / max(_pairs(Counter(told)), 1), both / max(_pairs(Counter(true)), 1)
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}


def _pairs(sizes: Counter[Any]) -> int:
    return sum(n * (n - 1) // 2 for n in sizes.values())


def b_cubed(true: Sequence[Hashable], told: Sequence[Hashable]) -> dict[str, float]:
    """Precision, recall and F1 as each item sees its own group (Bagga and Baldwin, 1998)."""
    both, in_true, in_told = Counter(zip(true, told, strict=True)), Counter(true), Counter(told)
    count = max(len(true), 1)
    precision = sum(n * n / in_told[t] for (_, t), n in both.items()) / count
    recall = sum(n * n / in_true[t] for (t, _), n in both.items()) / count
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}


def average_precision(true: Sequence[bool], scores: Sequence[float]) -> float:
    """Mean of the precision at each true item, highest score first; of equal scores all count at once."""
    order = sorted(zip(scores, true, strict=True), key=lambda pair: -pair[0])
    hits, seen, total = 0, 0, 0.0
    for _, run in _runs(order):
        seen += len(run)
        hits += sum(run)
        total += sum(run) * hits / seen
    return total / hits if hits else 0.0


def area_under_roc(true: Sequence[bool], scores: Sequence[float]) -> float:
    """The chance that a true item has a higher score than a false one; ties count half. 0.5 where a kind is missing."""
    order = sorted(zip(scores, true, strict=True), key=lambda pair: pair[0])
    below, won = 0, 0.0
    for _, run in _runs(order):
        right = sum(run)
        won += right * (below + (len(run) - right) / 2)
        below += len(run) - right
    right = len(order) - below
    return won / (right * below) if right and below else 0.5


def _runs(order: Iterable[tuple[float, bool]]) -> Iterator[tuple[float, list[bool]]]:
    same: dict[float, list[bool]] = defaultdict(list)
    for score, true in order:
        same[score].append(true)
    yield from same.items()


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a topic; `group` None asks nothing, `source` is the entry that answers it."""

    text: str
    group: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    course: Course
    lines: tuple[Line, ...]


def read_topics(folder: Path, seed: int = 0) -> list[Topic]:
    """Every topic of a folder, its lines in one shuffled order that depends on `seed` and nothing else."""
    return [_topic(path, seed) for path in sorted(folder.glob("*.json"))]


def _topic(path: Path, seed: int) -> Topic:
    data = json.loads(path.read_text(encoding="utf-8"))
    entries = tuple(Entry(row["id"], row["q"], (), row["a"], path.name) for row in data["faq"])
    lines = [Line(text, group["id"], group["faq"]) for group in data["groups"] for text in group["asks"]]
    lines += [Line(text, None, None) for text in data["not_asking"]]
    random.Random(f"{path.stem}-{seed}").shuffle(lines)  # noqa: S311 - an order, not a secret
    return Topic(path.stem, Course(entries, (), ()), tuple(lines))


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with everything that was decided about it as it came in."""

    line: Line
    asks: bool
    probability: float
    group: str
    similarity: float
    match: Match | None


def judge_topic(topic: Topic, encoder: Encoder) -> list[Judged]:
    """One pass in order, without a look ahead. Grouping and answering see every true asking, found or not, so that
    each judgement is measured by itself."""
    vectors = encoder.encode([line.text for line in topic.lines])
    answering, detector = Answering(topic.course, encoder), Detector(encoder.name)
    groups = Groups(encoder.dimension, answering.profile)
    return [
        _judge(key, line, vector, detector, answering, groups)
        for key, (line, vector) in enumerate(zip(topic.lines, vectors, strict=True))
    ]


def _judge(
    key: int, line: Line, vector: NDArray[np.float32], detector: Detector, answering: Answering, groups: Groups
) -> Judged:
    asking = detector.cheap(line.text) or detector.judge(line.text, vector)
    if line.group is None:
        return Judged(line, asking.asks, asking.probability, "", 0.0, None)
    match = answering.match(line.text, vector)
    source = match.source if match and match.verdict == "answer" else None
    grouped = groups.decide(line.text, vector, source)
    group = grouped.group or f"q{key}"
    groups.add(key, group, line.text, vector, source)
    return Judged(line, asking.asks, asking.probability, group, grouped.similarity or 0.0, match)


def score(judged: Sequence[Sequence[Judged]]) -> Figures:
    """All judgements over all topics; groups of different topics are different."""
    rows = [(at, row) for at, topic in enumerate(judged) for row in topic]
    asked = [(at, row) for at, row in rows if row.line.group is not None]
    true, told = [(at, row.line.group) for at, row in asked], [(at, row.group) for at, row in asked]
    asks = [row.line.group is not None for _, row in rows]
    return {
        "asking": {
            **found(asks, [row.asks for _, row in rows]),
            "average precision": average_precision(asks, [row.probability for _, row in rows]),
        },
        "same question, pairs": pairs(true, told),
        "same question, B-cubed": b_cubed(true, told),
        "answering": _answered([row for _, row in asked]),
    }


def _answered(rows: Sequence[Judged]) -> dict[str, float]:
    can = [row.line.source is not None for row in rows]
    right = [row.match is not None and row.match.source == row.line.source for row in rows]
    sent = [row.match is not None and row.match.verdict == "answer" for row in rows]
    offered = [row.match is not None and row.match.verdict != "silent" for row in rows]
    return {
        "first of the answerable": sum(right) / max(sum(can), 1),
        "sent": sum(sent),
        "sent: precision": _both(sent, right) / max(sum(sent), 1),
        "sent: coverage": _both(sent, right) / max(sum(can), 1),
        "sent though not in the course": _both(sent, [not c for c in can]) / max(len(can) - sum(can), 1),
        "offered: precision": _both(offered, right) / max(sum(offered), 1),
        "offered: coverage": _both(offered, right) / max(sum(can), 1),
        "area under ROC": area_under_roc(can, [row.match.score if row.match else 0.0 for row in rows]),
    }


def _both(one: Sequence[bool], other: Sequence[bool]) -> int:
    return sum(a and b for a, b in zip(one, other, strict=True))


SPOKEN = (
    "有回放吗",
    "老师课件在哪里下载",
    "接娃去了，后面的怎么补看，能保留多久",
    "where can I find the slides of today?",
    "网关要和变频器隔开多远，装的时候要停机吗",
    "我们厂里二十台老冲床，没有网口，只有继电器柜，想采开停机的状态，花不了太多钱，有什么办法吗",
    "請問發票怎麼開",
    "声音断断续续的",
)
"""Lines as long as people write them, for measuring speed where no data are at hand."""


def speed(encoder: Encoder, texts: Sequence[str]) -> dict[str, float]:
    """Messages a second of the encoder alone in batches, and seconds for one message by itself (median, p99)."""
    encoder.encode(texts[:8])
    begun = time.perf_counter()
    encoder.encode(texts)
    rate = len(texts) / (time.perf_counter() - begun)
    alone = []
    for text in texts[:50]:
        begun = time.perf_counter()
        encoder.encode([text])
        alone.append(time.perf_counter() - begun)
    return {
        "messages a second": rate,
        "one, median": float(np.median(alone)),
        "one, p99": float(np.quantile(alone, 0.99)),
    }


def run_bench(progress: Progress, encoder: Encoder, topics: Path | None = None) -> Figures:
    """Speed of the encoder, and with `topics` (a folder of such files) every judgement. Raises `OSError`, `ValueError`
    and `KeyError` for a folder or file that is not as it should be."""
    read = read_topics(topics) if topics else []
    if topics and not read:
        raise FileNotFoundError(f"there is no topic (*.json) in {topics}")
    lines = [line.text for topic in read for line in topic.lines][:512] or [
        f"{t} {i}" for i in range(32) for t in SPOKEN
    ]
    figures: Figures = {"encoder": speed(encoder, lines)}
    judged, done = [], 0
    for topic in read:
        judged.append(judge_topic(topic, encoder))
        done += len(topic.lines)
        progress(done)
    return figures | (score(judged) if judged else {})


def table(figures: Figures) -> str:
    """The figures as lines to read."""
    lines = []
    for section, values in figures.items():
        lines.append(section)
        lines += [
            f"  {name:32} {value:g}" if value == int(value) else f"  {name:32} {value:.3f}"
            for name, value in values.items()
        ]
    return "\n".join(lines)
