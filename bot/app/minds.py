"""Builds what understands: the encoder once, and for each session a pipeline that knows its course."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.app.reencoding import keep_apart
from bot.app.series import beside, earlier_answers
from bot.courses import course_at, is_sent
from bot.errors import SettingsError
from bot.model import Session
from bot.pipeline import Pipeline, PlacedThem
from bot.ports import Changed, Store
from bot.settings import Settings
from knowledge.answering import Answering, searched_by
from knowledge.asking import Detector
from knowledge.calibration import PRECISION, Calibration, GroupingJudge, calibration_of, muted, uncalibrated
from knowledge.course import Course, watch_course
from knowledge.encoder import Encoder, EncoderError, Remembering, load_encoder
from knowledge.grouping import gathered
from knowledge.logistic import CalibrationError
from knowledge.material import Entry
from knowledge.wording import forget

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Texts that are encoded before somebody else gets a turn."""
KEPT = 30
"""Lists of texts whose groups are kept: staff looks at the same results again and again."""


class Minds:
    """The understanding of all sessions, on one worker thread: the encoder is the scarce thing, so its calls queue."""

    def __init__(
        self,
        model: str = "bundled",
        threads: int | None = None,
        *,
        precision: float = PRECISION,
        calibrations: Path | None = None,
        encoder: Encoder | None = None,
        measured: Callable[[Encoder], Encoder] = lambda encoder: encoder,
    ) -> None:
        """`calibrations` is the folder where this installation keeps one of its own; `precision` is that of answers;
        `measured` is put around the encoder."""
        self._model = model
        self._threads = threads
        self._precision = precision
        self._calibrations = calibrations
        self._encoder = encoder
        self._measured = measured
        self._loaded: tuple[Encoder, Calibration, Remembering] | None = None
        self._courses: dict[str, Course | None] = {}
        self._gathered: dict[tuple[str, ...], list[int]] = {}
        self._alone: dict[str, Answering | None] = {}
        self._evenings: dict[str, list[tuple[Entry, ...]]] = {}
        self._loading = asyncio.Lock()
        self._teaching: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="understanding")

    async def load(self) -> Encoder:
        """Load the model (seconds) without stopping the event loop. Raises `SettingsError` where it cannot be."""
        return (await self._load())[0]

    async def _load(self) -> tuple[Encoder, Calibration, Remembering]:
        """The encoder of messages, its calibration, and the encoder of courses."""
        async with self._loading:  # several ask for it at the start
            if self._loaded is None:
                loop = asyncio.get_running_loop()
                try:
                    self._loaded = await loop.run_in_executor(self.executor, self._read)
                except (EncoderError, CalibrationError) as error:
                    raise SettingsError([f"[encoder] {error}"]) from error
            return self._loaded

    def _read(self) -> tuple[Encoder, Calibration, Remembering]:
        encoder = self._measured(self._encoder or load_encoder(self._model, threads=self._threads))
        calibration = calibration_of(encoder, self._calibrations)
        # Here, off the loop: how far the wanted precision may go takes up to a second.
        told = uncalibrated(encoder, calibration, self._calibrations), muted(calibration, self._precision)
        for warning in filter(None, told):
            log.warning(warning)
        return encoder, calibration, Remembering(encoder)

    async def pipeline(
        self,
        session: Session,
        store: Store,
        *,
        replying: frozenset[str] = frozenset(),
        changed: Changed = lambda _: None,
        sending: Callable[[], None] = lambda: None,
        placed: PlacedThem = lambda *_: None,
        crowded: Callable[[], bool] = lambda: False,
    ) -> Pipeline:
        """The pipeline of a session, knowing its course and the earlier answers of its series as they are now. It is
        not running yet.

        Raises `SettingsError` where the model cannot be used, or the store's vectors come from another one.
        """
        encoder, calibration, _ = await self._load()
        await keep_apart(store, encoder)
        pipeline = Pipeline(
            session,
            store,
            encoder,
            Detector(calibration.asking),
            calibration.grouping,
            executor=self.executor,
            replying=replying,
            changed=changed,
            sending=sending,
            placed=placed,
            crowded=crowded,
        )
        await self.learn(pipeline, session, store)
        return pipeline

    async def learn(self, pipeline: Pipeline, session: Session, store: Store) -> None:
        """Let a pipeline know the session's course and the earlier answers of its series as they are now."""
        course = await asyncio.to_thread(course_at, Path(session.course)) if session.course else None
        await self.teach(pipeline, session, store, course)

    async def teach(self, pipeline: Pipeline, session: Session, store: Store, course: Course | None) -> None:
        """Let a pipeline answer from this course, and from what people answered on earlier evenings of the series."""
        async with self._teaching[session.id]:
            await self._teach(pipeline, session, course, await earlier_answers(session, store))

    async def recall(self, pipeline: Pipeline, session: Session, store: Store) -> bool:
        """Let a pipeline know what people answered on earlier evenings meanwhile; whether that is anything else."""
        async with self._teaching[session.id]:
            evenings = await earlier_answers(session, store)
            if evenings == self._evenings.get(session.id):
                return False
            await self._teach(pipeline, session, self._courses.get(session.id), evenings)
            return True

    async def _teach(
        self, pipeline: Pipeline, session: Session, taken: Course | None, evenings: list[tuple[Entry, ...]]
    ) -> None:
        """Whether there is a course is what was `taken`, not what `session` says, which may be older."""
        course = taken or Course((), (), ())
        _, calibration, encoder = await self._load()
        judge = calibration.answers(self._precision)
        for problem in course.problems:
            # Not what is wrong: it may quote what people asked and answered. `floormic check` says it.
            log.warning("course of %s: something is wrong in %s", session.id, problem.place)
            log.debug("course of %s: %s", session.id, problem.message)
        # In pieces, before it is looked at as a whole: what is asked in other sessions comes in between.
        everything = replace(course, entries=(*chain.from_iterable(evenings), *course.entries))
        await self._encode(encoder, searched_by(everything))
        loop = asyncio.get_running_loop()
        alone = series = None
        if taken is not None:
            alone = await loop.run_in_executor(self.executor, Answering, course, encoder, judge)
        if evenings:
            series = await loop.run_in_executor(
                self.executor, lambda: Answering(beside(course, evenings, encoder, judge), encoder, judge)
            )
        pipeline.teach(alone, series, says=course.says if course.there else None)
        self._courses[session.id], self._alone[session.id], self._evenings[session.id] = taken, alone, evenings
        of = (len(alone) if alone else 0, sum(map(len, evenings)))
        log.info("session %s: %d entries and passages, %d earlier answers", session.id, *of)

    def course(self, session: str) -> Answering | None:
        """The course of a session that was taught, by itself."""
        return self._alone.get(session)

    def let_go(self, session: str) -> None:
        """Nobody asks there any more."""
        for known in (self._courses, self._alone, self._evenings):
            known.pop(session, None)

    def forget(self) -> None:
        """Somebody of the audience was forgotten: no text stays but those of the courses that are known."""
        self._gathered = {}
        forget()
        if self._loaded is not None:
            self._loaded[2].forget()

    async def grouping(self) -> tuple[Encoder, GroupingJudge]:
        """The encoder, and the judge of what asks the same. Raises `SettingsError` where they cannot be had."""
        encoder, calibration, _ = await self._load()
        return encoder, calibration.grouping

    async def follow_course(self, pipeline: Pipeline, session: Session, store: Store) -> None:
        """Teach the course anew whenever a file of it changes, until cancelled; one that was sent never does."""
        if is_sent(Path(session.course)):
            return
        await watch_course(
            Path(session.course),
            lambda course: self.teach(pipeline, session, store, course),
            known=self._courses.get(session.id),
        )

    async def gather(self, texts: Sequence[str]) -> list[int]:
        """The number of the group of each text, as questions are grouped, without any course; see
        `knowledge.grouping.gathered`. What is asked meanwhile waits for a few texts at most."""
        if (known := self._gathered.get(tuple(texts))) is not None:
            return known
        if not texts:
            return []
        _, calibration, encoder = await self._load()
        vectors = await self._encode(encoder, texts)
        found = await asyncio.to_thread(gathered, texts, vectors, calibration.grouping)
        self._gathered = {**dict(list(self._gathered.items())[-KEPT:]), tuple(texts): found}
        return found

    async def encode(self, texts: Sequence[str], told: Callable[[int, int], None]) -> NDArray[np.float32]:
        """The vectors of these texts, in pieces: what is asked meanwhile comes in between."""
        return await self._encode(await self.load(), texts, told)

    async def _encode(
        self, encoder: Encoder, texts: Sequence[str], told: Callable[[int, int], None] = lambda done, of: None
    ) -> NDArray[np.float32]:
        loop, rows = asyncio.get_running_loop(), [np.zeros((0, encoder.dimension), dtype=np.float32)]
        for at in range(0, len(texts), AT_ONCE):
            told(at, len(texts))
            rows.append(await loop.run_in_executor(self.executor, encoder.encode, texts[at : at + AT_ONCE]))
        return np.concatenate(rows)

    def close(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)


def minds_of(settings: Settings, encoder: Encoder | None = None) -> Minds:
    """Those of the configuration, for work while no pages are served: it may take every processor."""
    return Minds(
        settings.encoder.model,
        settings.encoder.threads or None,
        precision=settings.answers.precision,
        calibrations=settings.data,
        encoder=encoder,
    )
