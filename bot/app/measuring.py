"""How much of the encoder's speed is left when everything around it works too."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.app.judging import mind_of
from bot.app.minds import Minds, minds_of
from bot.app.replaying import replay
from bot.connectors.replay import Line, read_chat
from bot.settings import Settings
from knowledge.course import read_course
from knowledge.encoder import Around, Encoder, Remembering, read_of
from knowledge.evaluation import Figure, middle

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of a chat at full speed (`whole`), and of the model alone on the texts it was asked to encode, on the
    pairs it was asked to read, and on every message of the chat: also on those that the cheap test spares it."""

    messages: int
    encoded: int
    whole: float
    encoding: float
    reading: float
    every: float

    def figures(self) -> dict[str, Figure]:
        """A ratio is the model's seconds alone over the replay's: 1 would mean that all the rest costs nothing."""
        return {
            "messages": Figure(self.messages, unit="count"),
            "of them encoded": Figure(self.encoded, unit="count"),
            "messages a second": Figure(self.messages / self.whole, unit="count"),
            "whole path, seconds": Figure(self.whole, unit="s"),
            "encoder alone, seconds": Figure(self.encoding, unit="s"),
            "reading pairs alone, seconds": Figure(self.reading, unit="s"),
            "encoder alone on every message, seconds": Figure(self.every, unit="s"),
            "ratio": Figure(self.encoding / self.whole),
            "ratio, reading included": Figure((self.encoding + self.reading) / self.whole),
            "ratio, every message": Figure(self.every / self.whole),
        }


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
) -> dict[str, Figure]:
    """Replay, then encode the same texts in one call, several times: the middle of the rounds, the least and the most.
    Raises `BadInput` for a chat that is none."""
    rounds = []
    for round in range(ROUNDS):
        rounds.append((await _round(settings, encoder, chat, course)).figures())
        progress(round + 1)
    return {name: middle([one[name] for one in rounds]) for name in rounds[0]}


async def _round(settings: Settings, encoder: Encoder, chat: Path, course: Path | None) -> Round:
    listening = Listening(encoder)
    if course:
        mind_of(settings, encoder=Remembering(listening)).answering(read_course(course))
    every = [read_of(line.text) for line in read_chat(chat) if isinstance(line, Line)]
    of_course = len(listening.heard)  # the replay reads the course once more before its clock runs
    listening.heard.clear()
    minds = minds_of(settings, listening)
    try:
        done = await replay(chat, course, minds=minds)
        texts = listening.heard[of_course:]
        # In the thread that understands: the model is a fifth slower in a thread where another one has worked too.
        alone = await _seconds(minds, lambda: encoder.encode(texts))
        reading = await _seconds(minds, lambda: encoder.read(listening.pairs))
        all_alone = await _seconds(minds, lambda: encoder.encode(every))
    finally:
        minds.close()
    return Round(done.messages, len(texts), done.seconds, alone, reading, all_alone)


async def _seconds(minds: Minds, work: Callable[[], object]) -> float:
    def timed() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return await asyncio.get_running_loop().run_in_executor(minds.executor, timed)
