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
    muted,
    uncalibrated,
    write_calibration,
)
from knowledge.encoder import OURS, EncoderError, load_encoder
from knowledge.evaluation import DataError
from knowledge.logistic import CalibrationError


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was found, on how many talks, and where it was written. `silent` says what is never sent by itself; "" where
    everything may be."""

    outcome: Outcome
    talks: int
    file: Path
    silent: str


SILENT = (
    "No {kinds} of a course will be sent by itself, only suggested: on these talks no sureness keeps the wanted "
    "precision. For .95 there must be 34 right answers from entries and 19 from passages at least, with none as sure "
    "that is wrong: label more talks, or lower `precision` under [answers]"
)


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
    silent = SILENT.format(kinds=" and no ".join(never)) if never else ""
    return Calibrated(outcome, len(labelled), file, silent)


def check_encoder(settings: Settings) -> tuple[list[str], list[str]]:
    """What is wrong with the configured encoder and its calibration, and what is only worth a word.

    The bundled model is calibrated when it is made: it is loaded only where there is a calibration in its place.
    """
    file, precision = settings.data / FILE, settings.answers.precision
    try:
        if settings.encoder.model in OURS and not file.exists():
            return [], _warnings("", muted(bundled_calibration(), precision))
        encoder = load_encoder(settings.encoder.model, settings.encoder.threads or None)
        calibration = calibration_of(encoder, settings.data)
        return [], _warnings(uncalibrated(encoder, calibration, settings.data), muted(calibration, precision))
    except CalibrationError as error:
        return [str(error)], []
    except EncoderError as error:
        return [f"[encoder] model: {error}"], []


def _warnings(of_the_model: str, of_the_precision: str) -> list[str]:
    told = (("[encoder] model", of_the_model), ("[answers]", of_the_precision))
    return [f"{where}: {what}" for where, what in told if what]
