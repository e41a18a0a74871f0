"""`floormic calibrate`: the thresholds of the configured encoder, from labelled talks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BadInput, SettingsError
from bot.settings import Settings
from knowledge.calibrating import TALKS, Outcome, calibrate, own_lines, read_labelled
from knowledge.calibration import (
    FILE,
    NEVER,
    bundled_calibration,
    calibration_of,
    fewest,
    muted,
    uncalibrated,
    write_calibration,
)
from knowledge.encoder import OURS, EncoderError, load_encoder
from knowledge.evaluation import DataError
from knowledge.logistic import CalibrationError


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was found, on how many talks, and where it was written. `silent` says what is not sent by itself; "" where
    everything may be. `worse`: what was better before on these talks, which the calibration before had not seen."""

    outcome: Outcome
    talks: int
    file: Path
    silent: str
    worse: tuple[str, ...]


SILENT = (
    "No {kinds} of a course will be sent by itself, only suggested: on these talks no sureness keeps the wanted "
    "precision. For {precision:g} there must be {entries} right answers from entries and {passages} from passages at "
    "least, with none as sure that is wrong: label more talks, or lower `precision` under [answers]"
)

HEADLINES = "asking: F1", "same question: B-cubed F1", "answers: coverage of the answerable"
HAIR = 0.02
"""Less than this says nothing."""

SOON = 2.0
"""Seconds in which another process that has the encoder must answer whoever only asks whether all is well."""


def calibrate_model(
    settings: Settings,
    model: str | None = None,
    talks: Path | None = None,
    out: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Calibrated:
    """`model` defaults to the configured one, `talks` to those that ship with the program, `out` to where the program
    looks for it.

    Raises `SettingsError` where the model cannot be loaded, `BadInput` for talks that cannot be used.
    """
    file = out or settings.data / FILE
    try:
        labelled = read_labelled(talks or TALKS)
        encoder = load_encoder(model or settings.encoder.model, settings.encoder.threads or None)
        outcome = calibrate(
            encoder,
            labelled,
            more=own_lines(),
            folder=settings.data,
            precision=settings.answers.precision,
            progress=progress,
        )
        write_calibration(outcome.calibration, file)
    except EncoderError as error:
        raise SettingsError([f"{'' if model else '[encoder] model: '}{error}"]) from error
    except DataError as error:
        raise BadInput(str(error)) from error
    except (CalibrationError, ValueError) as error:
        raise BadInput(f"{talks or TALKS}: {error}") from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror or error}") from error
    judge = outcome.calibration.answers(settings.answers.precision)
    thresholds = {"entry": judge.entries, "passage": judge.passages}
    never = [kind for kind, threshold in thresholds.items() if threshold == NEVER]
    wanted = settings.answers.precision
    entries, passages = fewest(wanted)
    kinds = " and no ".join(never)
    silent = SILENT.format(kinds=kinds, precision=wanted, entries=entries, passages=passages) if never else ""
    fell = [name for name in HEADLINES if outcome.after[name] < outcome.before.get(name, 0.0) - HAIR]
    return Calibrated(outcome, len(labelled), file, silent, tuple(fell) if talks else ())


def check_encoder(settings: Settings) -> tuple[list[str], list[str]]:
    """What is wrong with the configured encoder and its calibration, and what is only worth a word.

    The bundled model is calibrated when it is made: it is loaded only where there is a calibration in its place.
    """
    file, precision = settings.data / FILE, settings.answers.precision
    try:
        if settings.encoder.model in OURS and not file.exists():
            return [], _warnings("", muted(bundled_calibration(), precision))
        encoder = load_encoder(settings.encoder.model, settings.encoder.threads or None, SOON)
        calibration = calibration_of(encoder, settings.data)
        return [], _warnings(uncalibrated(encoder, calibration, settings.data), muted(calibration, precision))
    except CalibrationError as error:
        return [str(error)], []
    except EncoderError as error:
        return [f"[encoder] model: {error}"], []


def _warnings(of_the_model: str, of_the_precision: str) -> list[str]:
    told = (("[encoder] model", of_the_model), ("[answers]", of_the_precision))
    return [f"{where}: {what}" for where, what in told if what]
