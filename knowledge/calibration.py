"""What the judgements weigh and from which probability on they act, for one encoder: values, and their file.

Made by `knowledge.calibrating`. What the features mean stands where they are computed: `cues`, `context`,
`likeness.Likeness`, `answering.Evidence`.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache as once
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from knowledge.encoder import Encoder
from knowledge.logistic import CalibrationError, Logistic

FILE = "calibration.json"

PRECISION = 0.95
"""Of answers that are sent, unless the settings say otherwise."""

OFFERED = 0.8
"""Precision of what is sent or suggested."""

ANOTHER_HAND = 4
"""Times as many answers from entries are wrong on talks that another hand wrote as on those that a calibration is made
of. On the development topics the 95 % interval of what is right lies above .95 from 3.5 on; 4 keeps there what they
had before (.987), while what asks nothing counted among what is wrong here (docs/trials.md). Passages of other hands
keep what is wanted without it."""

ENOUGH = 100
"""Matches of a kind (entries; passages and terms) from which on it has a threshold of its own."""

NINE_OF_TEN = 1.2816
"""Standard deviations below which nine of ten lie."""

ENTRIES, PASSAGES = ("entry",), ("passage", "term")
"""Kinds of parts of a course that are sent, with a threshold each."""

STEPS = tuple(step / 200 for step in range(199, 99, -1))
"""Precisions that are tried where the wanted one is out of reach, the highest first."""

NEVER = math.inf
"""A threshold that no probability reaches."""


@dataclass(frozen=True, slots=True)
class AskingJudge:
    """Two regressions: over the cues alone, for what needs no vector, and over everything. `vector` holds the weights
    over the encoder's numbers, empty where the encoder has none: then the cues decide alone.

    Below `surely_not` a message does not ask (by the cues), from `asks` on it does, from `sure` on it may be answered
    without a human.
    """

    cheap: Logistic
    full: Logistic
    vector: tuple[float, ...]
    surely_not: float
    asks: float
    sure: float


@dataclass(frozen=True, slots=True)
class Judge:
    """From `join` on a message joins a group, from `suggest` on a moderator is asked. `unrelated`: the greatest cosine
    that a message has to questions it does not ask (`Likeness.ahead`), of the encoder's vectors as they are compared.
    """

    logistic: Logistic
    unrelated: float
    join: float
    suggest: float


@dataclass(frozen=True, slots=True)
class GroupingJudge:
    """For talks without a course, and with one. `usual` and `spread`: mean and standard deviation of the cosines
    between two questions of a talk (`Likeness.above`).
    """

    words: Judge
    course: Judge
    usual: float
    spread: float


@dataclass(frozen=True, slots=True)
class Fitting:
    """How well a part of the course fits, as a probability that it answers: over what a search tells, and where that
    reaches `doubt` over what the cross-encoder says as well. To read costs time, and what lies below is hardly ever
    sent.
    """

    cheap: Logistic
    full: Logistic
    doubt: float


@dataclass(frozen=True, slots=True)
class AnsweringJudge:
    """From `entries` on an entry's answer is sent, from `passages` on a passage or term; from `suggest` on offered."""

    fitting: Fitting
    entries: float
    passages: float
    suggest: float

    def threshold(self, kind: str) -> float:
        """From which on a part of this kind is sent; `NEVER` for one that is only offered."""
        return self.entries if kind in ENTRIES else self.passages if kind in PASSAGES else NEVER


def may_be_wrong(precision: float) -> tuple[float, float]:
    """The share of what is sent from entries, and from passages, that may be wrong on the talks of a calibration."""
    return (1 - precision) / ANOTHER_HAND, 1 - precision


def fewest(precision: float) -> tuple[int, int]:
    """How many right answers from entries and from passages `Scores.threshold` needs there, with none as sure that is
    wrong, before it lets any be sent; below a precision of 1."""
    entries, passages = (math.ceil(1 / wrong - 1e-6) - 1 for wrong in may_be_wrong(precision))
    return entries, passages


Talks = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities that matches got from a regression which had not seen their talk, by whether they were right; those
    of each talk by themselves, in the same order in both.
    """

    right: Talks
    wrong: Talks

    def __len__(self) -> int:
        return sum(map(len, (*self.right, *self.wrong)))

    def threshold(self, precision: float) -> float:
        """The lowest probability such that of what reaches it a share of at least `precision` is right, in nine of ten
        further talks; `NEVER` where there is none.

        Talks, not matches, are what comes again: what is wrong in one of them tends to be wrong throughout. So the
        bound is that of a ratio over clusters (Cochran, Sampling Techniques, 1977, 6.3). One more is counted as wrong
        than there was, as in conformal selection (Jin and Candès, JMLR 2023), so that a few cases prove nothing.
        """
        talks = len(self.right)
        sent, wrong = [0] * talks, [0] * talks
        all_sent = all_wrong = sent_sent = sent_wrong = wrong_wrong = 0  # sums over the talks, and of products
        best = NEVER
        for score, here in groupby(sorted(self._each(), reverse=True), key=lambda one: one[0]):
            for _, talk, is_wrong in here:
                all_sent, all_wrong = all_sent + 1, all_wrong + is_wrong
                sent_sent += 2 * sent[talk] + 1
                sent_wrong += wrong[talk] + is_wrong * (sent[talk] + 1)
                wrong_wrong += is_wrong * (2 * wrong[talk] + 1)
                sent[talk], wrong[talk] = sent[talk] + 1, wrong[talk] + is_wrong
            # The talks' squared distances from the share of all, times all_sent squared: whole numbers, so exact.
            apart = wrong_wrong * all_sent**2 - 2 * sent_wrong * all_wrong * all_sent + sent_sent * all_wrong**2
            spread = math.sqrt(apart * talks / max(1, talks - 1)) / all_sent**2
            bound = (all_wrong + 1) / (all_sent + 1) + NINE_OF_TEN * spread
            if bound <= 1 - precision + 1e-9:
                best = score
        return best

    def joined(self, other: "Scores") -> "Scores":
        """With the scores that other matches of the same talks got."""
        return Scores(_by_talk(self.right, other.right), _by_talk(self.wrong, other.wrong))

    def _each(self) -> Iterator[tuple[float, int, bool]]:
        for is_wrong, talks in ((False, self.right), (True, self.wrong)):
            for talk, scores in enumerate(talks):
                yield from ((score, talk, is_wrong) for score in scores)


def _by_talk(some: Talks, others: Talks) -> Talks:
    return tuple((*one, *other) for one, other in zip(some, others, strict=True))


@dataclass(frozen=True, slots=True)
class Calibration:
    """`fingerprint` and `reading` say for which encoder. `entries` and `passages` are what the thresholds of answers
    follow from for any wanted precision. `lent`: to an encoder for which it was not made.
    """

    fingerprint: str
    reading: str
    dimension: int
    asking: AskingJudge
    grouping: GroupingJudge
    answering: Fitting
    entries: Scores
    passages: Scores
    lent: bool = False

    def answers(self, precision: float = PRECISION) -> AnsweringJudge:
        """The judge of answers that sends what is right as often as wanted; nothing where it is `lent`."""
        suggest = self.entries.joined(self.passages).threshold(min(OFFERED, precision))
        return AnsweringJudge(self.answering, *self._sent(precision), suggest)

    def _sent(self, precision: float) -> tuple[float, float]:
        """The thresholds of entries and of passages."""
        both = self.entries.joined(self.passages)
        entries, passages = (
            NEVER if self.lent else (scores if len(scores) >= ENOUGH else both).threshold(1 - wrong)
            for scores, wrong in zip((self.entries, self.passages), may_be_wrong(precision), strict=True)
        )
        return entries, passages

    def reach(self, precision: float) -> tuple[float, float]:
        """The highest precisions, of those below this one, at which any entry and any passage is sent; 0 where none
        ever is."""
        lower = [one for one in STEPS if one < precision]
        entries, passages = (next((one for one in lower if self._sent(one)[kind] < NEVER), 0.0) for kind in (0, 1))
        return entries, passages

    def fits(self, encoder: Encoder) -> bool:
        """Whether it was made for this encoder."""
        return (self.fingerprint, self.reading) == (encoder.fingerprint, encoder.reading)

    def borrowed(self) -> "Calibration":
        """For an encoder that has none of its own: the cues alone say what asks, nothing is read, and nothing is sent
        by itself."""
        asking, answering = replace(self.asking, vector=()), replace(self.answering, doubt=NEVER)
        return replace(self, asking=asking, answering=answering, lent=True)


def calibration_of(encoder: Encoder, folder: Path | None = None) -> Calibration:
    """The calibration of an encoder: the one in `folder`, else the one that ships with the program, where it `fits`.
    Otherwise the shipped one, `borrowed`. Raises `CalibrationError`.
    """
    if folder is not None and (file := folder / FILE).exists() and (own := read_calibration(file)).fits(encoder):
        return own
    shipped = bundled_calibration()
    return shipped if shipped.fits(encoder) else shipped.borrowed()


def uncalibrated(encoder: Encoder, calibration: Calibration, folder: Path | None = None) -> str:
    """A warning for people where the calibration was made for another encoder, or where the one that they have in this
    folder was, so that it is not used; "" where all is well."""
    if not calibration.fits(encoder):
        return (
            f"the encoder {encoder.name!r} has no calibration: the thresholds are those of another encoder, and "
            "answers are only suggested, never sent; run `floormic calibrate`"
        )
    if folder is not None and (file := folder / FILE).exists() and not read_calibration(file).fits(encoder):
        return (
            f"{file} was made for another encoder than {encoder.name!r} and is not used, but the thresholds that come "
            "with the program; run `floormic calibrate`, or delete it"
        )
    return ""


def muted(calibration: Calibration, precision: float) -> str:
    """A warning for people where nothing of some kind reaches the precision they want, and up to which one something
    is sent; "" where all is well, and for a calibration that is `lent`, for which `uncalibrated` warns."""
    judge = calibration.answers(precision)
    if calibration.lent or NEVER not in (judge.entries, judge.passages):
        return ""
    reach = zip(("entries", "passages"), (judge.entries, judge.passages), calibration.reach(precision), strict=True)
    told = [
        f"no {kind} are sent by themselves ({f'up to {most:g} they are' if most else 'at none are they'})"
        for kind, at, most in reach
        if at == NEVER
    ]
    return (
        f"at a precision of {precision:g} {' and '.join(told)}, only suggested: on the talks of the calibration so "
        "many were right at no sureness"
    )


@once
def bundled_calibration() -> Calibration:
    return read_calibration(Path(str(files("knowledge") / "models" / FILE)))


def read_calibration(file: Path) -> Calibration:
    """Raises `CalibrationError` with the file's name where it cannot be used."""
    try:
        return _calibration(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f"{file}: is no calibration that this version can use ({error!r}); `floormic calibrate` makes one"
        ) from error


def write_calibration(calibration: Calibration, file: Path) -> None:
    """All or nothing. Numbers are written in lines, so that a change can be read. Raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    written = {name: value for name, value in asdict(calibration).items() if name != "lent"}
    part.write_text(_lines(written) + "\n", encoding="utf-8")
    os.replace(part, file)


def _lines(value: Any, indent: str = "") -> str:
    """JSON with one key a line and each list in one line."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = indent + " "
    rows = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_lines(item, inner)}" for key, item in value.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def _calibration(raw: Any) -> Calibration:
    asking, grouping = raw["asking"], raw["grouping"]
    if asking["vector"] and len(asking["vector"]) != int(raw["dimension"]):
        raise ValueError(f"{len(asking['vector'])} weights for vectors of {raw['dimension']}")
    return Calibration(
        fingerprint=str(raw["fingerprint"]),
        reading=str(raw["reading"]),
        dimension=int(raw["dimension"]),
        asking=AskingJudge(
            cheap=_logistic(asking["cheap"]),
            full=_logistic(asking["full"]),
            vector=_numbers(asking["vector"]),
            **{name: float(asking[name]) for name in ("surely_not", "asks", "sure")},
        ),
        grouping=GroupingJudge(
            _judge(grouping["words"]), _judge(grouping["course"]), float(grouping["usual"]), float(grouping["spread"])
        ),
        answering=_fitting(raw["answering"]),
        entries=_scores(raw["entries"]),
        passages=_scores(raw["passages"]),
    )


def _logistic(raw: Any) -> Logistic:
    return Logistic(float(raw["bias"]), _by_name(raw["weights"]), _by_name(raw["typical"]))


def _fitting(raw: Any) -> Fitting:
    return Fitting(_logistic(raw["cheap"]), _logistic(raw["full"]), float(raw["doubt"]))


def _judge(raw: Any) -> Judge:
    return Judge(_logistic(raw["logistic"]), *(float(raw[name]) for name in ("unrelated", "join", "suggest")))


def _scores(raw: Any) -> Scores:
    right, wrong = (tuple(map(_numbers, raw[name])) for name in ("right", "wrong"))
    if len(right) != len(wrong):
        raise ValueError(f"right scores of {len(right)} talks, wrong ones of {len(wrong)}")
    return Scores(right, wrong)


def _by_name(raw: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in raw.items()}


def _numbers(raw: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in raw)
