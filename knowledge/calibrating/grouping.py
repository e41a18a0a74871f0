"""The judges of "the same question", and their thresholds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.calibrating.hearing import FEWEST, Bools, Floats, Heard
from knowledge.calibration import GroupingJudge, Judge
from knowledge.evaluation.metrics import pairs
from knowledge.grouping import Groups
from knowledge.likeness import FEATURES
from knowledge.logistic import Logistic, fit_choice
from knowledge.neighbours import DIGITS
from knowledge.usual import Spread, Usual

JOINS = tuple(round(0.3 + 0.05 * step, 2) for step in range(9))
"""Thresholds of joining that are tried. Lower ones are not: a wrong merge hides a question."""

NEARLY = 0.98
"""Of the best pair F1, which is flat around its best. With a course the lowest threshold that reaches it is taken: an
evening is longer than a talk that was written to calibrate on, and the longer, the more of what is asked was asked
before. Without a course it is the highest: nothing else keeps the many questions of a large hall apart, and a wrong
merge, which hides a question, costs more than one made by hand."""

DRAWS = 1000
SEED = 20261130
"""Of these draws."""

SOME = 10
"""Other questions from which on the greatest cosine to them hardly grows."""

SUGGESTED = 0.7
"""A moderator is asked from this share of the threshold of joining on."""

Sources = Sequence[str | None]
"""What of the course is offered to each line of a talk."""


def fit_grouping(
    heard: Sequence[Heard], sources: Sequence[Sources], progress: Callable[[float], None]
) -> tuple[GroupingJudge, list[list[str]]]:
    """Both judges, and for each talk the groups of its `groupable` lines that the ones which did not see it made in one
    pass, with the course where it has one. `progress` is told the share that is done.
    """
    usual = _usual(heard)
    nothing: list[Sources] = [[None] * len(said) for said in sources]
    words, groups = _fit(heard, nothing, usual, False, lambda share: progress(share / 2))
    held = [at for at, one in enumerate(heard) if one.answering is not None]
    if len(held) < FEWEST:  # too few to leave one out
        held = list(range(len(heard)))
    talks, said = [heard[at] for at in held], [sources[at] for at in held]
    course, anchored = _fit(talks, said, usual, True, lambda share: progress((1 + share) / 2))
    for at, made in zip(held, anchored, strict=True):
        groups[at] = made
    return GroupingJudge(words, course, *usual), groups


def _fit(
    heard: Sequence[Heard],
    sources: Sequence[Sources],
    usual: Spread,
    anchored: bool,
    progress: Callable[[float], None],
) -> tuple[Judge, list[list[str]]]:
    def taught_by(judge: Judge) -> list[_Taught]:
        empty = _both(judge, usual)
        return [_taught(one, said, empty, anchored) for one, said in zip(heard, sources, strict=True)]

    unrelated = _unrelated(taught_by(blank()))
    taught = taught_by(blank(unrelated))
    whole, *folds = (_over([one for at, one in enumerate(taught) if at != left]) for left in (None, *range(len(heard))))
    passes = len(JOINS) + 1

    def told(join: float, number: int) -> list[list[str]]:
        groups = [
            one_pass(one, said, _both(Judge(fold, unrelated, join, join), usual), anchored)
            for one, said, fold in zip(heard, sources, folds, strict=True)
        ]
        progress(number / passes)
        return groups

    true = [[one.talk.chat.lines[line].group for line in one.groupable] for one in heard]
    sums = [
        [pairs(labels, groups).parts.sum(axis=0) for labels, groups in zip(true, told(join, number), strict=True)]
        for number, join in enumerate(JOINS, 1)
    ]
    join = chosen(np.array(sums), anchored)
    return Judge(whole, unrelated, join, round(SUGGESTED * join, 3)), told(join, passes)


def chosen(sums: Floats, anchored: bool) -> float:
    """The threshold of joining. `sums`: for each of `JOINS` and each talk the pairs that are rightly joined, that are
    joined and that belong together, shape (thresholds, talks, 3).

    F1 is so flat that a hair decides which threshold still comes near enough to its best: so what is chosen is the mean
    over talks drawn with replacement (bagging: Breiman 1996).
    """
    talks = sums.shape[1]
    drawn = np.random.default_rng(SEED).multinomial(talks, np.full(talks, 1 / talks), size=DRAWS)
    right, joined, together = np.moveaxis(np.einsum("dt,jtc->djc", drawn, sums), -1, 0)
    scores = 2 * right / np.maximum(joined + together, 1)  # nobody asked what somebody had asked: nothing to divide by
    good = scores >= NEARLY * scores.max(axis=1, keepdims=True)
    at = good.argmax(axis=1) if anchored else len(JOINS) - 1 - good[:, ::-1].argmax(axis=1)
    return round(float(np.array(JOINS)[at].mean()), 2)


def _unrelated(taught: Sequence["_Taught"]) -> float:
    """The median over the lines of the greatest cosine to a question that a line does not ask; over those that have
    `SOME` questions before them, if there are such."""
    greatest = [pair for one in taught for pair in one.greatest()]
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


@dataclass(frozen=True, slots=True)
class _Taught:
    """What each line of a talk has in common with the groups it may join, and which of them it belongs to, if
    everything before it was put where the labels say. `of`: how many groups each line may join; none has 0."""

    rows: Floats
    true: Bools
    of: tuple[int, ...]

    def greatest(self) -> Iterator[tuple[int, float]]:
        """For each line, how many groups it does not belong to, and the greatest cosine to them."""
        cosines, at = self.rows[:, FEATURES.index("cosine")], 0
        for count in self.of:
            others = cosines[at : at + count][~self.true[at : at + count]]
            at += count
            if len(others):
                yield len(others), float(others.max())


def _taught(one: Heard, sources: Sources, judge: GroupingJudge, anchored: bool) -> _Taught:
    groups, rows, true, of = _groups(one, judge, anchored), list[list[float]](), list[bool](), list[int]()
    for at in one.groupable:
        line, vector = one.talk.chat.lines[at], one.vectors[at]
        may_join = groups.likenesses(line.text, vector, sources[at])
        rows += [list(likeness.features().values()) for _, likeness in may_join]
        true += [name == line.group for name, _ in may_join]
        of += [len(may_join)] if may_join else []
        groups.add(at, str(line.group), line.text, vector, sources[at])
    return _Taught(np.array(rows).reshape(-1, len(FEATURES)), np.array(true, dtype=np.bool_), tuple(of))


def _over(taught: Sequence[_Taught]) -> Logistic:
    rows, true = (np.concatenate([getattr(one, name) for one in taught]) for name in ("rows", "true"))
    return fit_choice(FEATURES, rows, true * 1.0, [count for one in taught for count in one.of])


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
