"""The detector's weights and thresholds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from knowledge.asking import COURSE, FEATURES, Asking, Detector, fitting
from knowledge.calibrating.folds import chances
from knowledge.calibrating.hearing import Bools, Floats, Heard
from knowledge.calibration import NEVER, AskingJudge, Scores
from knowledge.context import EMPTY, Context, Recent
from knowledge.cues import NAMES, SIZE, cues
from knowledge.encoder import Encoder
from knowledge.logistic import Logistic, fit
from knowledge.neighbours import DIGITS

REACH = 4.0
"""What a vector is multiplied with beside the cues, so that both are fined alike."""

FINE = 10.0

ASKING = 0.42
"""Share of the messages of a chat that ask something: that of the lines which are no talks is made the same."""

IN_CHATS = 3.0
"""What a line of a talk counts beside one that was written without a chat around it."""

LOST = 0.005
"""Share of the askings that the cues alone may lose, below the probability `DOUBT`."""

DOUBT = 0.25

CERTAIN = 0.975
"""Precision of what may be answered without a human, before the course is asked. With .95 viewers who told each other
that there would be a recording were most of what was sent wrongly, and held the thresholds of answers up."""

ASKS = tuple(round(0.2 + 0.02 * step, 2) for step in range(31))
"""Thresholds that are tried."""

Row = tuple[str, bool, float]
"""A line, whether it asks, and how much it counts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a detector makes of the lines of a talk: the probability that they ask, whether it takes them for askings,
    and whether it is sure."""

    probability: Floats
    told: Bools
    sure: Bools


def own_lines() -> list[Row]:
    """The lines that ship with the program, written by hand."""
    text = (files("knowledge") / "models" / "asking-lines.tsv").read_text(encoding="utf-8")
    return [(line, asks == "1", 6.0) for asks, line in (row.split("\t") for row in text.splitlines())]


def asked_by(judge: AskingJudge, heard: Sequence[Heard]) -> list[Asked]:
    """What a detector that is there makes of the talks."""
    detector, found = Detector(judge), []
    for one in heard:
        told = _one_pass(detector, one)
        found.append(
            Asked(
                np.array([asking.probability for asking in told]),
                np.array([asking.asks for asking in told]),
                np.array([asking.sure for asking in told]),
            )
        )
    return found


def _one_pass(detector: Detector, one: Heard) -> list[Asking]:
    recent, told = Recent(), list[Asking]()
    said = one.talk.said or (None,) * len(one.vectors)
    for line, vector, who, fits in zip(one.talk.chat.lines, one.vectors, said, one.fits(), strict=True):
        context = recent.before(who) if who else EMPTY
        told.append(
            detector.on_purpose(line.text)
            if line.explicit
            else detector.cheap(line.text) or detector.judge(line.text, vector, context, fits)
        )
        if who:
            recent.add(who, told[-1].asks, told[-1].probability)
    return told


def fit_asking(
    encoder: Encoder, heard: Sequence[Heard], more: Sequence[Row], progress: Callable[[float], None] = lambda _: None
) -> tuple[AskingJudge, list[Asked]]:
    """The detector over all talks and `more` lines, and what detectors that did not see a talk make of it. `progress`
    is told the share that is done.

    Twice, because the context of a line is what was decided before it: first without any, then with that of the first.
    Each line is learnt from once with its course and once as if there were none, for there may be none.
    """
    extra, counts = _extra(encoder, more)
    cheap, quick = _left_out([one.cues for one in heard], heard, extra[:, :SIZE], more, counts)
    rows = [
        np.hstack([one.cues, np.zeros((len(one.cues), Context.SIZE)), _fitting(one), REACH * one.vectors])
        for one in heard
    ]
    context, course = SIZE + Context.SIZE, SIZE + Context.SIZE + len(COURSE)
    spared = slice(context, course)
    _, alone = _left_out(rows, heard, extra, more, counts, spared, lambda share: progress(share / 2))
    for row, one, told in zip(rows, heard, alone, strict=True):
        row[:, SIZE:context] = one.contexts(one.told(told) >= 0.5, one.told(told))
    full, slow = _left_out(rows, heard, extra, more, counts, spared, lambda share: progress((1 + share) / 2))
    draft = AskingJudge(
        _named(cheap, NAMES, rows),
        _named(np.append(full[:course], full[-1]), FEATURES, rows),
        tuple(round(float(REACH * weight), DIGITS) for weight in full[course:-1]),
        surely_not=0.0,
        asks=0.5,
        sure=NEVER,
    )
    return _thresholds(draft, heard, quick, slow)


def _fitting(one: Heard) -> Floats:
    return np.array([fitting(fits) for fits in one.fits()])


def _extra(encoder: Encoder, more: Sequence[Row]) -> tuple[Floats, Floats]:
    """The features of lines without a chat, and counts by which askings have the share that they have in a chat."""
    if not more:
        return np.zeros((0, len(FEATURES) + encoder.dimension)), np.zeros(0)
    texts, asks, counts = zip(*more, strict=True)
    signs = np.array([cues(text) for text in texts])
    rows = np.hstack([signs, np.zeros((len(texts), Context.SIZE + len(COURSE))), REACH * encoder.encode(texts)])
    true, each = np.array(asks), np.array(counts, dtype=np.float64)
    sums = max(each[true].sum(), 1e-9), max(each[~true].sum(), 1e-9)
    return rows, each * np.where(true, ASKING / sums[0], (1 - ASKING) / sums[1]) * len(texts)


def _left_out(
    rows: Sequence[Floats],
    heard: Sequence[Heard],
    extra: Floats,
    more: Sequence[Row],
    counts: Floats,
    spared: slice | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Floats, list[Floats]]:
    """Weights over all talks, and for each talk what those over all the others say to its lines; always with the lines
    beside the talks. `rows` are the features of each talk, of which those `spared` are 0 half of the time."""
    asks = np.array([asks for _, asks, _ in more], dtype=np.float64)
    seen = [row[one.detected] for row, one in zip(rows, heard, strict=True)]
    versions = [seen, [_without(row, spared) for row in seen]] if spared else [seen]

    def over(without: int | None, start: Floats | None = None) -> Floats:
        others = [k for k in range(len(rows)) if k != without]
        learnt = [version[k] for version in versions for k in others]
        told = [heard[k].asks[heard[k].detected] for _ in versions for k in others]
        weight = np.concatenate([*(np.full(len(row), IN_CHATS / len(versions)) for row in learnt), counts])
        return fit(np.concatenate([*learnt, extra]), np.concatenate([*told, asks]) * 1.0, weight, FINE, start)

    whole, folds = over(None), list[Floats]()
    for k in range(len(rows)):
        folds.append(over(k, whole))
        progress(len(folds) / len(rows))
    return whole, [chances(row @ w[:-1] + w[-1]) for row, w in zip(rows, folds, strict=True)]


def _without(rows: Floats, columns: slice) -> Floats:
    rows = rows.copy()
    rows[:, columns] = 0.0
    return rows


def _named(weights: Floats, names: Sequence[str], rows: Sequence[Floats]) -> Logistic:
    typical = np.concatenate(rows)[:, : len(names)].mean(axis=0)
    return Logistic(
        round(float(weights[-1]), DIGITS),
        {name: round(float(weight), DIGITS) for name, weight in zip(names, weights, strict=False)},
        {name: round(float(mean), DIGITS) for name, mean in zip(names, typical, strict=True)},
    )


def _thresholds(
    draft: AskingJudge, heard: Sequence[Heard], quick: Sequence[Floats], slow: Sequence[Floats]
) -> tuple[AskingJudge, list[Asked]]:
    """`surely_not` loses `LOST` of the askings at most, `asks` gives the best F1, `sure` is right in `CERTAIN` in
    nine of ten further talks, or at least very high."""
    rules = Detector(draft)
    ruled = [np.array([rules.cheap(line.text) is not None for line in one.talk.chat.lines]) for one in heard]
    clear, asks, out, cheap, full = (
        np.concatenate(parts) for parts in ([h.detected for h in heard], [h.asks for h in heard], ruled, quick, slow)
    )
    askings = np.sort(cheap[clear & asks & ~out])
    surely_not = float(np.floor(askings[int(LOST * len(askings))] * 1000) / 1000) if len(askings) else 0.0
    surely_not = min(surely_not, DOUBT)
    passed = ~out & (cheap >= surely_not)
    best = max(ASKS, key=lambda at: (_f1(asks[clear], (passed & (full >= at))[clear]), -abs(at - 0.5)))
    let = [~ruled_out & (one >= surely_not) for ruled_out, one in zip(ruled, quick, strict=True)]
    told = [one & (chance >= best) for one, chance in zip(let, slow, strict=True)]
    right, wrong = (
        tuple(
            tuple(chance[h.detected & one & (h.asks == asked)].tolist())
            for h, one, chance in zip(heard, told, slow, strict=True)
        )
        for asked in (True, False)
    )
    sure = min(max(Scores(right, wrong).threshold(CERTAIN), best), 0.99)
    judge = AskingJudge(draft.cheap, draft.full, draft.vector, surely_not, best, round(sure, DIGITS))
    return judge, [
        Asked(h.told(np.where(may, chance, np.minimum(one, 0.05))), h.told(asked), h.told(asked & (chance >= sure)))
        for h, may, asked, one, chance in zip(heard, let, told, quick, slow, strict=True)
    ]


def _f1(true: Bools, told: Bools) -> float:
    return float(2 * (true & told).sum() / max(true.sum() + told.sum(), 1))
