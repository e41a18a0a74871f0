"""How much of the encoder's speed is left when everything around it works too."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.app.judging import mind_of
from bot.app.minds import Minds, minds_of
from bot.app.replaying import replay
from bot.settings import Settings
from knowledge.course import read_course
from knowledge.encoder import Around, Encoder

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class ReplaySpeed:
    """A chat at full speed beside the encoder alone on the texts it was asked to encode; medians of several rounds.

    `ratio` is the encoder's seconds over the replay's: 1 would mean that all the rest costs nothing. `with_reading`
    takes the pairs that were read together as a part of the encoder's work.
    """

    messages: int
    encoded: int
    replay_seconds: float
    encoder_seconds: float
    reading_seconds: float
    ratio: float
    with_reading: float


class Listening(Around):
    """An encoder that remembers what it was asked."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self.heard: list[str] = []
        self.pairs: list[tuple[str, str]] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.heard += texts
        return super().encode(texts)

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        self.pairs += pairs
        return super().read(pairs)


async def measure_replay(
    settings: Settings,
    encoder: Encoder,
    chat: Path,
    course: Path | None,
    progress: Callable[[int], None] = lambda _: None,
) -> ReplaySpeed:
    """Replay, then encode the same texts in one call, several times. Raises `BadInput` for a chat that is none."""
    rounds = []
    for round in range(ROUNDS):
        rounds.append(await _round(settings, encoder, chat, course))
        progress(round + 1)
    return ReplaySpeed(
        rounds[0].messages,
        rounds[0].encoded,
        statistics.median(r.replay_seconds for r in rounds),
        statistics.median(r.encoder_seconds for r in rounds),
        statistics.median(r.reading_seconds for r in rounds),
        statistics.median(r.ratio for r in rounds),
        statistics.median(r.with_reading for r in rounds),
    )


async def _round(settings: Settings, encoder: Encoder, chat: Path, course: Path | None) -> ReplaySpeed:
    listening = Listening(encoder)
    if course:
        mind_of(settings, encoder=listening).answering(read_course(course))
    of_course = len(listening.heard)  # the replay reads the course once more before its clock runs
    listening.heard.clear()
    minds = minds_of(settings, listening)
    try:
        done = await replay(chat, course, minds=minds)
        texts = listening.heard[of_course:]
        # In the thread that understands: the model is a fifth slower in a thread where another one has worked too.
        alone = await _seconds(minds, lambda: encoder.encode(texts))
        reading = await _seconds(minds, lambda: encoder.read(listening.pairs))
    finally:
        minds.close()
    return ReplaySpeed(
        done.messages,
        len(texts),
        done.seconds,
        alone,
        reading,
        alone / done.seconds,
        (alone + reading) / done.seconds,
    )


async def _seconds(minds: Minds, work: Callable[[], object]) -> float:
    def timed() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return await asyncio.get_running_loop().run_in_executor(minds.executor, timed)
