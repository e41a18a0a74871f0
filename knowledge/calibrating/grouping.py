"""The judges of "the same question", and their thresholds."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from knowledge.calibrating.folds import left_out
from knowledge.calibrating.hearing import Bools, Floats, Heard
from knowledge.calibration import GroupingJudge, Judge
from knowledge.evaluation.metrics import pairs
from knowledge.grouping import Groups
from knowledge.likeness import FEATURES
from knowledge.logistic import Logistic
from knowledge.neighbours import DIGITS
from knowledge.usual import Spread, Usual

JOINS = tuple(round(0.25 + 0.05 * step, 2) for step in range(10))
"""Thresholds of joining that are tried."""

NEARLY = 0.95
"""Of the best pair F1. The score is flat around its best, and at an edge of that the next talk falls off: so the middle
one of the thresholds that reach it is taken. Without a course it is the highest of them: nothing else keeps the many
questions of a large hall apart, and a wrong merge, which hides a question, costs more than one made by hand."""

SOME = 10
"""Wordings of other questions from which on the greatest cosine to them hardly grows."""

SUGGESTED = 0.7
"""A moderator is asked from this share of the threshold of joining on."""

Sources = Sequence[str | None]
"""What of the course is offered to each line of a talk."""


def fit_grouping(
    heard: Sequence[Heard], sources: Sequence[Sources], progress: Callable[[float], None]
) -> tuple[GroupingJudge, list[list[str]]]:
    """Both judges, and for each talk the groups of its `groupable` lines that the ones which did not see it made in one
    pass with the course. `progress` is told the share that is done.
    """
    usual = _usual(heard)
    course, groups = _fit(heard, sources, usual, True, lambda share: progress(share / 2))
    nothing: list[Sources] = [[None] * len(said) for said in sources]
    words, _ = _fit(heard, nothing, usual, False, lambda share: progress((1 + share) / 2))
    return GroupingJudge(words, course, *usual), groups


def _fit(
    heard: Sequence[Heard],
    sources: Sequence[Sources],
    usual: Spread,
    anchored: bool,
    progress: Callable[[float], None],
) -> tuple[Judge, list[list[str]]]:
    unrelated = _unrelated(heard, anchored)
    empty = _both(blank(unrelated), usual)
    taught = [_taught(one, said, empty, anchored) for one, said in zip(heard, sources, strict=True)]
    whole, folds = left_out(FEATURES, [rows for rows, _ in taught], [true for _, true in taught])
    true = [(at, one.talk.chat.lines[line].group) for at, one in enumerate(heard) for line in one.groupable]
    found: list[tuple[float, float, list[list[str]]]] = []
    for step, join in enumerate(JOINS):
        groups = [
            one_pass(one, said, _both(Judge(fold, unrelated, join, join), usual), anchored)
            for one, said, fold in zip(heard, sources, folds, strict=True)
        ]
        told = [(at, group) for at, talk in enumerate(groups) for group in talk]
        score = pairs(true, told).values()["F1"]
        found.append((0.0 if math.isnan(score) else score, join, groups))  # nobody asked what somebody had asked
        progress((step + 1) / len(JOINS))
    best = max(score for score, _, _ in found)
    good = [one for one in found if one[0] >= NEARLY * best]
    _, join, kept = good[len(good) // 2] if anchored else good[-1]
    return Judge(whole, unrelated, join, round(SUGGESTED * join, 3)), kept


def _unrelated(heard: Sequence[Heard], anchored: bool) -> float:
    """The median over the lines of the talks; over those that have `SOME` questions before them, if there are such."""
    greatest = [pair for one in heard for pair in _greatest(one, anchored)]
    late = [cosine for others, cosine in greatest if others >= SOME]
    return round(float(np.median(late or [cosine for _, cosine in greatest] or [0.0])), DIGITS)


def _usual(heard: Sequence[Heard]) -> Spread:
    """Between two questions of a talk by their first wordings, once all are there: means over the talks."""
    found = []
    for one in heard:
        groups = [one.talk.chat.lines[at].group for at in one.groupable]
        vectors = one.vectors[[one.groupable[groups.index(group)] for group in dict.fromkeys(groups)]]
        asked = Usual(one.vectors.shape[1], (0.0, 1.0))
        for vector in vectors:
            asked.add(vector)
        seen = [asked.see(vector) for vector in vectors]
        cosines = [a.cosine(other) for at, a in enumerate(seen) for other in vectors[:at]]
        if cosines:
            found.append((float(np.mean(cosines)), float(np.std(cosines))))
    mean, spread = np.mean(found or [(0.0, 1.0)], axis=0)
    return round(float(mean), DIGITS), round(float(spread), DIGITS)


def _greatest(one: Heard, anchored: bool) -> list[tuple[int, float]]:
    """For each line that has any before it: how many wordings of other questions, and the greatest cosine to them."""
    groups = [one.talk.chat.lines[at].group for at in one.groupable]
    vectors, anchor, found = one.vectors[list(one.groupable)], one.answering if anchored else None, []
    asked = Usual(vectors.shape[1], (0.0, 1.0))
    if anchor:
        vectors = np.array([anchor.centred(vector) for vector in vectors])
    for at, (group, vector) in enumerate(zip(groups, vectors, strict=True)):
        others = [vectors[before] for before in range(at) if groups[before] != group]
        if others:
            seen = None if anchor else asked.see(vector)
            found.append((len(others), max(seen.cosine(v) if seen else float(vector @ v) for v in others)))
        if group not in groups[:at]:
            asked.add(vector)
    return found


def _taught(one: Heard, sources: Sources, judge: GroupingJudge, anchored: bool) -> tuple[Floats, Bools]:
    """What each line has in common with the groups it may join, and which of them it belongs to, if everything before
    it was put where the labels say."""
    groups, rows, true = _groups(one, judge, anchored), [np.zeros(len(FEATURES))][:0], list[bool]()
    for at in one.groupable:
        line = one.talk.chat.lines[at]
        for name, likeness in groups.likenesses(line.text, one.vectors[at], sources[at]):
            rows.append(np.array(list(likeness.features().values())))
            true.append(name == line.group)
        groups.add(at, str(line.group), line.text, one.vectors[at], sources[at])
    return np.array(rows).reshape(-1, len(FEATURES)), np.array(true, dtype=np.bool_)


def one_pass(one: Heard, sources: Sources, judge: GroupingJudge, anchored: bool) -> list[str]:
    """The groups of the groupable lines as they stood when each came in."""
    groups, found = _groups(one, judge, anchored), []
    for at in one.groupable:
        text, vector = one.talk.chat.lines[at].text, one.vectors[at]
        found.append(groups.decide(text, vector, sources[at]).group or f"q{at}")
        groups.add(at, found[-1], text, vector, sources[at])
    return found


def _groups(one: Heard, judge: GroupingJudge, anchored: bool) -> Groups:
    return Groups(one.vectors.shape[1], judge, one.answering if anchored else None)


def _both(judge: Judge, usual: Spread) -> GroupingJudge:
    return GroupingJudge(judge, judge, *usual)


def blank(unrelated: float = 0.0) -> Judge:
    """For whoever needs the features before there is a judge of them."""
    zero = dict.fromkeys(FEATURES, 0.0)
    return Judge(Logistic(0.0, zero, zero), unrelated, 1.0, 1.0)
