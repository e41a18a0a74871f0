"""Fits a calibration to an encoder from labelled talks: `floormic calibrate`.

The judgement of a talk comes from weights that were fitted on all the other talks; thresholds, of which there are few,
are chosen over all of them, and the figures are told with these. Lines whose label is doubtful are left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from knowledge.calibrating.answering import fit_answering, scores_of
from knowledge.calibrating.asking import Row, fit_asking, own_lines
from knowledge.calibrating.figures import Figures, figures, figures_of, sources
from knowledge.calibrating.grouping import blank, fit_grouping
from knowledge.calibrating.hearing import FEWEST, Heard, Labelled, hear, read_labelled
from knowledge.calibration import PRECISION, Calibration, GroupingJudge, calibration_of
from knowledge.encoder import Encoder
from knowledge.logistic import CalibrationError

__all__ = ["TALKS", "Figures", "Labelled", "Outcome", "Row", "calibrate", "own_lines", "read_labelled"]

TALKS = Path(__file__).parent.parent / "talks"
"""The talks that ship with the program, written by hand for this."""

Progress = Callable[[int], None]
"""Told how many per cent are done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`before` are the figures of what is used so far (none for a calibration of an earlier version), `after` those of
    what was found, both on the same talks."""

    calibration: Calibration
    before: Figures
    after: Figures


def calibrate(
    encoder: Encoder,
    talks: Sequence[Labelled],
    *,
    more: Sequence[Row] = (),
    folder: Path | None = None,
    precision: float = PRECISION,
    progress: Progress = lambda _: None,
) -> Outcome:
    """`more`: lines beside the talks that the detector learns from. `folder` is where the calibration in use may lie;
    `precision` is wanted of answers. Raises `ValueError` for too few talks.
    """
    if len(talks) < FEWEST:
        raise ValueError(f"{len(talks)} labelled talks; at least {FEWEST} are needed to judge each by the others")

    def told(begin: int, end: int) -> Callable[[float], None]:
        """Of what takes so much of the time."""
        return lambda share: progress(int(begin + (end - begin) * share))

    heard: list[Heard] = []
    hearing = told(0, 50)
    for talk in talks:
        heard.append(hear(talk, encoder, lambda share: hearing((len(heard) + share) / len(talks))))
    asking, asked = fit_asking(encoder, heard, more, told(50, 63))
    answering, chance = fit_answering(heard, asked, told(63, 85))
    draft = Calibration(
        encoder.fingerprint,
        encoder.reading,
        encoder.dimension,
        asking,
        GroupingJudge(blank(), blank(), 0.0, 1.0),
        answering,
        entries=scores_of(heard, asked, chance, entries=True),
        passages=scores_of(heard, asked, chance, entries=False),
    )
    judge = draft.answers(precision)
    sent = [sources(*each, judge) for each in zip(heard, asked, chance, strict=True)]
    grouping, groups = fit_grouping(heard, sent, told(85, 98))
    after = figures(heard, asked, chance, judge, groups)
    return Outcome(replace(draft, grouping=grouping), _before(encoder, folder, heard, precision), after)


def _before(encoder: Encoder, folder: Path | None, heard: Sequence[Heard], precision: float) -> Figures:
    """Nothing where the calibration cannot be read, or is one of an earlier version, which weighed other features."""
    try:
        return figures_of(calibration_of(encoder, folder), heard, precision)
    except CalibrationError:
        return {}
