import numpy as np

from bot.metrics import Measured, Metrics
from tests.fakes import HashEncoder


async def test_what_the_model_does_is_counted_by_its_kind() -> None:
    """Texts that are encoded and questions that are read beside an answer, each with their calls and their time; what
    the model says of them, and who it is, stay the same."""
    encoder, metrics = HashEncoder(), Metrics("1", "3")
    measured, texts, pairs = Measured(encoder, metrics), ["one", "two", "three"], [("one", "the one"), ("two", "three")]
    assert (measured.name, measured.fingerprint, measured.reading) == ("hash", "hash", "letters")
    assert np.array_equal(measured.encode(texts), encoder.encode(texts))
    assert np.array_equal(measured.read(pairs), encoder.read(pairs))
    page = (await metrics.read(""))[0].decode().splitlines()
    for line in (
        "floormic_encoder_batch_texts_sum 3.0",
        "floormic_encoder_batch_seconds_count 1.0",
        "floormic_reading_batch_pairs_sum 2.0",
        "floormic_reading_batch_seconds_count 1.0",
    ):
        assert line in page
