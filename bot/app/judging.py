"""What is judged outside of a session, as it would be in one: by the configured encoder, with the calibration that this
installation keeps and the precision that it wants.
"""

from collections.abc import Callable

from bot.errors import SettingsError
from bot.settings import Settings
from knowledge.answering import Match
from knowledge.calibration import calibration_of, muted, uncalibrated
from knowledge.course import Course
from knowledge.encoder import Encoder, EncoderError, load_encoder
from knowledge.evaluation import Mind
from knowledge.logistic import CalibrationError
from knowledge.material import Entry


def mind_of(
    settings: Settings,
    model: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
    *,
    encoder: Encoder | None = None,
) -> Mind:
    """`model` defaults to the configured one. `tell` hears it where there is no calibration for it, or
    what the calibration never sends at the configured precision. Raises
    `SettingsError` where the model or the calibration cannot be used.
    """
    try:
        encoder = encoder or load_encoder(model or settings.encoder.model, settings.encoder.threads or None)
        calibration = calibration_of(encoder, settings.data)
    except (EncoderError, CalibrationError) as error:
        named = "" if model or isinstance(error, CalibrationError) else "[encoder] model: "
        raise SettingsError([f"{named}{error}"]) from error
    precision = settings.answers.precision
    for warning in filter(None, (uncalibrated(encoder, calibration, settings.data), muted(calibration, precision))):
        tell(f"{warning} (a warning)")
    return Mind(encoder, calibration, precision)


def alike(settings: Settings, course: Course, tell: Callable[[str], None]) -> list[tuple[Entry, Entry]]:
    """Entries of a course that may ask the same. As `mind_of` else."""
    entries = {entry.id: entry for entry in course.entries}
    return [(entries[one], entries[other]) for one, other in mind_of(settings, tell=tell).answering(course).alike()]


def ask(settings: Settings, course: Course, question: str, tell: Callable[[str], None]) -> Match | None:
    """What a question would be answered from a course; None where that is empty. As `mind_of` else."""
    mind = mind_of(settings, tell=tell)
    return mind.answering(course).match(question, mind.encoder.encode([question])[0])
