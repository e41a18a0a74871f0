"""The judges of "the same question", and their thresholds."""

from collections.abc import Callable, Sequence

import numpy as np

from knowledge.calibrating.folds import left_out
from knowledge.calibrating.hearing import Bools, Floats, Heard
from knowledge.calibration import GroupingJudge, Judge
from knowledge.evaluation.metrics import pairs
from knowledge.grouping import Groups
from knowledge.likeness import FEATURES
from knowledge.logistic import Logistic

JOINS = tuple(round(0.25 + 0.05 * step, 2) for step in range(10))
"""Thresholds of joining that are tried."""

SUGGESTED = 0.7
"""A moderator is asked from this share of the threshold of joining on."""

Sources = Sequence[str | None]
"""What of the course is sent to each line of a talk."""


def fit_grouping(
    heard: Sequence[Heard], sources: Sequence[Sources], progress: Callable[[float], None]
) -> tuple[GroupingJudge, list[list[str]]]:
    """Both judges, and for each talk the groups of its `groupable` lines that the ones which did not see it made in one
    pass with the course. `progress` is told the share that is done.
    """
    course, groups = _fit(heard, sources, True, lambda share: progress(share / 2))
    words, _ = _fit(heard, sources, False, lambda share: progress((1 + share) / 2))
    return GroupingJudge(words, course), groups


def _fit(
    heard: Sequence[Heard], sources: Sequence[Sources], anchored: bool, progress: Callable[[float], None]
) -> tuple[Judge, list[list[str]]]:
    taught = [_taught(one, said, anchored) for one, said in zip(heard, sources, strict=True)]
    whole, folds = left_out(FEATURES, [rows for rows, _ in taught], [true for _, true in taught])
    true = [(at, one.talk.chat.lines[line].group) for at, one in enumerate(heard) for line in one.groupable]
    best, kept = ((-1.0, 0.0), JOINS[0]), list[list[str]]()
    for step, join in enumerate(JOINS):
        groups = [
            one_pass(one, said, Judge(fold, join, join), anchored)
            for one, said, fold in zip(heard, sources, folds, strict=True)
        ]
        told = [(at, group) for at, talk in enumerate(groups) for group in talk]
        score = pairs(true, told).values()["F1"], -abs(join - 0.5)
        if score > best[0]:
            best, kept = (score, join), groups
        progress((step + 1) / len(JOINS))
    return Judge(whole, best[1], round(SUGGESTED * best[1], 3)), kept


def _taught(one: Heard, sources: Sources, anchored: bool) -> tuple[Floats, Bools]:
    """What each line has in common with the groups it may join, and which of them it belongs to, if everything before
    it was put where the labels say."""
    groups, rows, true = _groups(one, blank(), anchored), [np.zeros(len(FEATURES))][:0], list[bool]()
    for at in one.groupable:
        line = one.talk.chat.lines[at]
        for name, likeness in groups.likenesses(line.text, one.vectors[at], sources[at]):
            rows.append(np.array(list(likeness.features().values())))
            true.append(name == line.group)
        groups.add(at, str(line.group), line.text, one.vectors[at], sources[at])
    return np.array(rows).reshape(-1, len(FEATURES)), np.array(true, dtype=np.bool_)


def one_pass(one: Heard, sources: Sources, judge: Judge, anchored: bool) -> list[str]:
    """The groups of the groupable lines as they stood when each came in."""
    groups, found = _groups(one, judge, anchored), []
    for at in one.groupable:
        text, vector = one.talk.chat.lines[at].text, one.vectors[at]
        found.append(groups.decide(text, vector, sources[at]).group or f"q{at}")
        groups.add(at, found[-1], text, vector, sources[at])
    return found


def _groups(one: Heard, judge: Judge, anchored: bool) -> Groups:
    return Groups(one.vectors.shape[1], GroupingJudge(judge, judge), one.answering if anchored else None)


def blank() -> Judge:
    """For whoever needs the features before there is a judge of them."""
    zero = dict.fromkeys(FEATURES, 0.0)
    return Judge(Logistic(0.0, zero, zero), 1.0, 1.0)
