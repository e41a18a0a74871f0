"""How good judgements are on the talks that they are fitted on."""

from collections.abc import Sequence

import numpy as np

from knowledge.calibrating.answering import answered_by, sent
from knowledge.calibrating.asking import Asked, asked_by
from knowledge.calibrating.grouping import one_pass
from knowledge.calibrating.hearing import Floats, Heard
from knowledge.calibration import AnsweringJudge, Calibration
from knowledge.evaluation.metrics import Ranking, b_cubed, found, pairs

Figures = dict[str, float]
"""Shares in 0..1 by name; not a number where there was nothing to measure them on."""


def figures(
    heard: Sequence[Heard],
    asked: Sequence[Asked],
    chance: Sequence[Floats],
    judge: AnsweringJudge,
    groups: Sequence[Sequence[str]],
) -> Figures:
    """`chance`: that the best part of the course answers each line. `groups`: those of the groupable lines."""
    clear = np.concatenate([one.clear for one in heard])
    asks = np.concatenate([one.asks for one in heard])[clear]
    told = np.concatenate([one.told for one in asked])[clear]
    probability = np.concatenate([one.probability for one in asked])[clear]
    true = [(at, one.talk.chat.lines[line].group) for at, one in enumerate(heard) for line in one.groupable]
    made = [(at, group) for at, talk in enumerate(groups) for group in talk]
    said = np.concatenate([sent(*each, judge) for each in zip(heard, asked, chance, strict=True)])[clear]
    right = np.concatenate([one.right for one in heard])[clear]
    can = np.concatenate([one.answerable for one in heard])[clear]
    cannot = asks & ~can
    asking = found(asks.tolist(), told.tolist()).values()
    with np.errstate(invalid="ignore"):
        return {
            "asking: precision": asking["precision"],
            "asking: recall": asking["recall"],
            "asking: F1": asking["F1"],
            "asking: average precision": Ranking.of(asks, probability).average_precision(),
            "same question: pair F1": pairs(true, made).values()["F1"],
            "same question: B-cubed F1": b_cubed(true, made).values()["F1"],
            "answers: first of the answerable": float((right & can).sum() / np.float64(can.sum())),
            "answers: precision of what is sent": float((said & right).sum() / np.float64(said.sum())),
            "answers: coverage of the answerable": float((said & right).sum() / np.float64(can.sum())),
            "answers: sent though the course has none": float((said & cannot).sum() / np.float64(cannot.sum())),
        }


def figures_of(calibration: Calibration, heard: Sequence[Heard], precision: float) -> Figures:
    """Of a calibration that is there. Raises `CalibrationError` where it weighs other features than these."""
    asked, judge = asked_by(calibration.asking, heard), calibration.answers(precision)
    chance = [answered_by(calibration.answering, one, told) for one, told in zip(heard, asked, strict=True)]
    groups = [
        one_pass(one, sources(one, told, each, judge), calibration.grouping, True)
        for one, told, each in zip(heard, asked, chance, strict=True)
    ]
    return figures(heard, asked, chance, judge, groups)


def sources(one: Heard, told: Asked, chance: Floats, judge: AnsweringJudge) -> list[str | None]:
    """What of the course is offered to each line: sent, or suggested to a moderator."""
    offered = told.told & (chance >= judge.suggest)
    return [source if said else None for source, said in zip(one.source, offered, strict=True)]
