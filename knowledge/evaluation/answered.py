"""How well the course is used: what is sent, what is offered, and what a better threshold would give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from knowledge.evaluation import baselines as simple
from knowledge.evaluation.data import Dataset
from knowledge.evaluation.judging import Heard, Judged
from knowledge.evaluation.metrics import Array, Figure, Ranking, Sums, area_under_roc, found, ratio
from knowledge.evaluation.reliability import in_bins, reliability
from knowledge.evaluation.results import BY_ITSELF, FLOORMIC, Block, Column, Curve, Picture
from knowledge.evaluation.views import Chats, both_views, clear, flat, units

WANTED = 0.95
"""Precision at which coverage is compared."""

POINTS = 120
"""Of a curve in a picture."""


def answering_parts(
    data: Dataset, heard: Sequence[Heard], path: Sequence[Judged] | None, methods: Mapping[str, simple.Compare]
) -> tuple[Block, Picture, Curve]:
    """The table and the curves, for the program and the simpler means, and how reliable the program's scores are."""
    asked = clear([[row for row in one.rows if row.line.asks] for one in heard])
    columns = both_views([path], _sent) if path is not None else []
    columns.append(Column(BY_ITSELF if columns else FLOORMIC, _sent(asked) | _ranked(asked) | _reliable(asked)))
    mark = _sums([row for _, row in flat(asked)]).values()
    curves = [Curve(FLOORMIC, _curve(asked), (mark["sent: coverage"], mark["sent: precision"]))]
    for method, compare in methods.items():
        simpler = [_simpler(one, rows, compare) for one, rows in zip(heard, asked, strict=True)]
        columns.append(Column(method, _ranked(simpler)))
        curves.append(Curve(method, _curve(simpler)))
    rows = [row for _, row in flat(asked)]
    size = f"{len(rows)} askings, {sum(row.line.source is not None for row in rows)} of them answerable"
    picture = Picture("answers", data.name, tuple(_drawable(curve) for curve in curves))
    said = in_bins(*_said([row for _, row in _looked_up(asked)]))
    return Block(data.name, "answering", size, tuple(columns), data.note), picture, Curve("answering", said)


def _simpler(heard: Heard, rows: Sequence[Judged], compare: simple.Compare) -> list[Judged]:
    best = simple.best_entries(heard.chat, [row.line.text for row in rows], compare)
    return [
        replace(row, source=source, score=score, verdict="silent")
        for row, source, score in zip(rows, best.sources, best.scores, strict=True)
    ]


def _sent(chats: Chats) -> dict[str, Figure]:
    rows = flat(chats)
    count = sum(one.verdict == "answer" for _, row in rows for one in row.answers)
    return {
        "sent": Figure(count, unit="count"),
        **_sums([row for _, row in rows]).figures(units(rows)),
        **_to_the_word([(at, row) for at, row in rows if row.verdict == "answer" and row.right and row.line.holds]),
    }


def _to_the_word(sent: Sequence[tuple[int, Judged]]) -> dict[str, Figure]:
    """Whether the answer is in what was sent from the right part, where it is told to the word."""
    if not sent:
        return {}
    held = found([True] * len(sent), [any(words in row.said for words in row.line.holds) for _, row in sent])
    return {"sent from the right part: holds the answer": held.figures(units(sent))["recall"]}


def _sums(rows: Sequence[Judged]) -> Sums:
    """What was sent counts whoever it was sent to; what was offered, only where somebody asked."""
    can = _column([row.line.source is not None for row in rows])
    cannot = _column([row.line.asks and row.line.source is None for row in rows])
    sent = [[one for one in row.answers if one.verdict == "answer"] for row in rows]
    offered = [[one for one in row.answers if one.line.asks and one.verdict != "silent"] for row in rows]
    wrongly = cannot * _column([bool(ones) for ones in sent])
    return Sums(np.stack([can, cannot, wrongly, *_precise(sent), *_precise(offered)], axis=1), _of_sums)


def _precise(answers: Sequence[Sequence[Judged]]) -> tuple[Array, Array, Array]:
    """For each line how many answers there are, how many of them are right, and whether any is."""
    right = _column([sum(one.right for one in ones) for ones in answers])
    return _column([len(ones) for ones in answers]), right, np.minimum(right, 1)


def _column(values: Sequence[float]) -> Array:
    return np.asarray(values, dtype=np.float64)


def _of_sums(sums: Array) -> dict[str, Array]:
    can, cannot, wrongly, sent, sent_right, sent_any, offered, offered_right, offered_any = np.moveaxis(sums, -1, 0)
    return {
        "sent: precision": ratio(sent_right, sent),
        "sent: coverage": ratio(sent_any, can),
        "sent though not in the course": ratio(wrongly, cannot),
        "offered: precision": ratio(offered_right, offered),
        "offered: coverage": ratio(offered_any, can),
    }


def _ranked(chats: Chats) -> dict[str, Figure]:
    """What follows from the scores, whatever the thresholds are."""
    rows = flat(chats)
    threshold = _threshold([row for _, row in rows])
    sums = Sums(
        np.array([[row.line.source is not None, row.right, row.right and row.score >= threshold] for _, row in rows],
                 dtype=np.float64).reshape(-1, 3),
        lambda s: {
            "right part first": ratio(s[..., 1], s[..., 0]),
            f"coverage at precision {WANTED:.2f}, best threshold": ratio(s[..., 2], s[..., 0]),
        },
    )  # fmt: skip
    ranking = Ranking.of([row.line.source is not None for _, row in rows], [row.score for _, row in rows])
    return {**sums.figures(units(rows)), "area under ROC": area_under_roc(ranking, units(rows))}


def _reliable(chats: Chats) -> dict[str, Figure]:
    rows = _looked_up(chats)
    return reliability(*_said([row for _, row in rows]), units(rows))


def _looked_up(chats: Chats) -> list[tuple[int, Judged]]:
    """Without those whose course holds nothing."""
    return [(at, row) for at, row in flat(chats) if row.source is not None]


def _said(rows: Sequence[Judged]) -> tuple[list[bool], list[float]]:
    """Whether the best part answers each, and how probable that was held to be."""
    return [row.right for row in rows], [row.score for row in rows]


def _steps(rows: Sequence[Judged]) -> tuple[Array, Array, Array]:
    """Scores from the highest down, with how many are sent and how many of them are right if sent from there on."""
    scores = np.array([row.score for row in rows], dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    right = np.cumsum([rows[at].right for at in order], dtype=np.float64)
    return scores[order][ends], (ends + 1).astype(np.float64), np.asarray(right, dtype=np.float64)[ends]


def _threshold(rows: Sequence[Judged]) -> float:
    """The lowest score from which on what is sent has the wanted precision; infinite where there is none."""
    scores, sent, right = _steps(rows)
    good = np.flatnonzero(right >= WANTED * sent)
    return float(scores[good[-1]]) if len(good) else np.inf


def _curve(chats: Chats) -> tuple[tuple[float, float], ...]:
    """Coverage and precision from the highest score down."""
    rows = [row for _, row in flat(chats)]
    _, sent, right = _steps(rows)
    can = max(1, sum(row.line.source is not None for row in rows))
    chosen = np.unique(np.linspace(0, len(sent) - 1, POINTS).astype(int)) if len(sent) else np.zeros(0, dtype=int)
    return tuple((float(right[at] / can), float(right[at] / sent[at])) for at in chosen)


def _drawable(curve: Curve) -> Curve:
    """Without a mark where nothing was sent."""
    return replace(curve, mark=None) if curve.mark and np.isnan(curve.mark).any() else curve
