"""The regression behind answers from the course, and the scores from which its thresholds follow."""

from collections.abc import Sequence

import numpy as np

from knowledge.answering import FEATURES
from knowledge.calibrating.asking import Asked
from knowledge.calibrating.folds import left_out, probabilities
from knowledge.calibrating.hearing import Bools, Floats, Heard
from knowledge.calibration import AnsweringJudge, Scores
from knowledge.logistic import Logistic


def fit_answering(heard: Sequence[Heard], asked: Sequence[Asked]) -> tuple[Logistic, list[Floats]]:
    """The regression over all talks, and for each talk the probabilities of the one that did not see it.

    It learns from every asking, and from what asks nothing where the detector takes it for one.
    """
    use = [
        np.flatnonzero(one.clear & (one.asks | told.told) & (one.answering is not None))
        for one, told in zip(heard, asked, strict=True)
    ]
    rows = [one.evidence[at] for one, at in zip(heard, use, strict=True)]
    whole, folds = left_out(FEATURES, rows, [one.right[at] for one, at in zip(heard, use, strict=True)])
    return whole, [probabilities(fold, one.evidence) for fold, one in zip(folds, heard, strict=True)]


def scores_of(
    heard: Sequence[Heard], asked: Sequence[Asked], probability: Sequence[Floats], *, entries: bool
) -> Scores:
    """Of what the detector is sure about, for nothing else is sent. What asks nothing counts as wrong."""
    right: list[tuple[float, ...]] = []
    wrong: list[tuple[float, ...]] = []
    for one, told, chance in zip(heard, asked, probability, strict=True):
        of_kind = np.array([kind != "" and (kind == "entry") == entries for kind in one.kind])
        counts = one.clear & told.sure & of_kind
        right.append(tuple(sorted(chance[counts & one.right].tolist())))
        wrong.append(tuple(sorted(chance[counts & ~one.right].tolist())))
    return Scores(tuple(right), tuple(wrong))


def sent(one: Heard, told: Asked, probability: Floats, judge: AnsweringJudge) -> Bools:
    """To which lines an answer is sent."""
    limits = {"entry": judge.entries, "": np.inf}
    thresholds = np.array([limits.get(kind, judge.passages) for kind in one.kind])
    return np.asarray(told.sure & (probability >= thresholds), dtype=np.bool_)
