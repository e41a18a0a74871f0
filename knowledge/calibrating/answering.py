"""The regression behind answers from the course, and the scores from which its thresholds follow."""

from collections.abc import Callable, Sequence

import numpy as np

from knowledge.answering import FEATURES, READ
from knowledge.calibrating.asking import Asked
from knowledge.calibrating.folds import left_out, probabilities
from knowledge.calibrating.hearing import Bools, Floats, Heard
from knowledge.calibration import ENTRIES, PASSAGES, AnsweringJudge, Fitting, Scores

LOST = 0.15
"""Share of the right parts that a search finds which lie below `Fitting.doubt` and are not read: those would not be
sent. To read more sends nothing more (coverage of the talks .42 with .15, .41 with .05)."""


def fit_answering(
    heard: Sequence[Heard], asked: Sequence[Asked], progress: Callable[[float], None] = lambda _: None
) -> tuple[Fitting, list[Floats]]:
    """The regressions over all talks, and for each talk the probabilities of the ones that did not see it. `progress`
    is told the share that is done.

    They learn from every asking, and from what asks nothing where the detector takes it for one.
    """
    may = [_may_be_read(one, told) for one, told in zip(heard, asked, strict=True)]
    use = [one.clear & lines for one, lines in zip(heard, may, strict=True)]
    true = [one.right[used] for one, used in zip(heard, use, strict=True)]
    cheap, folds = left_out(FEATURES, [one.evidence[used] for one, used in zip(heard, use, strict=True)], true)
    chance = [probabilities(fold, one.evidence) for fold, one in zip(folds, heard, strict=True)]
    right = np.sort(np.concatenate([c[used & one.right] for c, used, one in zip(chance, use, heard, strict=True)]))
    doubt = float(np.floor(right[int(LOST * len(right))] * 100) / 100) if len(right) else 0.0
    read = [lines & (c >= doubt) for lines, c in zip(may, chance, strict=True)]
    rows = list[Floats]()
    for one, lines in zip(heard, read, strict=True):
        rows.append(_with_reading(one, lines))
        progress(len(rows) / len(heard))
    learnt = [used & lines for used, lines in zip(use, read, strict=True)]
    full, folds = left_out(
        (*FEATURES, READ),
        [row[used] for row, used in zip(rows, learnt, strict=True)],
        [one.right[used] for one, used in zip(heard, learnt, strict=True)],
    )
    return Fitting(cheap, full, doubt), [
        np.where(lines, probabilities(fold, row), by_search)
        for fold, row, lines, by_search in zip(folds, rows, read, chance, strict=True)
    ]


def answered_by(fitting: Fitting, one: Heard, told: Asked) -> Floats:
    """The probabilities of regressions that are there. Raises `CalibrationError` where they weigh other features than
    these."""
    cheap, full = fitting.cheap.over(FEATURES, "answers"), fitting.full.over((*FEATURES, READ), "answers")
    by_search = probabilities(cheap, one.evidence)
    lines = _may_be_read(one, told) & (by_search >= fitting.doubt)
    return np.where(lines, probabilities(full, _with_reading(one, lines)), by_search)


def _may_be_read(one: Heard, told: Asked) -> Bools:
    return np.asarray((one.asks | told.told) & (one.answering is not None), dtype=np.bool_)


def _with_reading(one: Heard, lines: Bools) -> Floats:
    return np.column_stack([one.evidence, one.read(lines)])


def scores_of(
    heard: Sequence[Heard], asked: Sequence[Asked], probability: Sequence[Floats], *, entries: bool
) -> Scores:
    """Of what the detector is sure about, for nothing else is sent. What asks nothing counts as wrong."""
    right: list[tuple[float, ...]] = []
    wrong: list[tuple[float, ...]] = []
    for one, told, chance in zip(heard, asked, probability, strict=True):
        of_kind = np.array([kind in (ENTRIES if entries else PASSAGES) for kind in one.kind])
        counts = one.clear & told.sure & of_kind
        right.append(tuple(sorted(chance[counts & one.right].tolist())))
        wrong.append(tuple(sorted(chance[counts & ~one.right].tolist())))
    return Scores(tuple(right), tuple(wrong))


def sent(one: Heard, told: Asked, probability: Floats, judge: AnsweringJudge) -> Bools:
    """To which lines an answer is sent."""
    thresholds = np.array([judge.threshold(kind) for kind in one.kind])
    return np.asarray(told.sure & (probability >= thresholds), dtype=np.bool_)
