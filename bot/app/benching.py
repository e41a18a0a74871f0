"""`floormic bench`: everything that can be measured on the data at hand, one set after the other.

What cannot be used is told, and the rest is measured all the same.
"""

import asyncio
import itertools
import json
import logging
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bot.app.judging import mind_of
from bot.app.measuring import ROUNDS, measure_replay
from bot.app.minds import Minds, minds_of
from bot.app.replaying import SESSION, by_line, replay
from bot.errors import BadInput
from bot.settings import Settings
from bot.storage.sqlite import open_store
from knowledge.encoder import Encoder, EncoderError, load_encoder
from knowledge.evaluation import (
    Bench,
    Block,
    Column,
    DataError,
    Dataset,
    Judged,
    Mind,
    Result,
    Talk,
    encoder_speed,
    from_replay,
    learning_curve,
    measure_series,
    memory,
    missing,
    read_public,
    read_series,
    read_talk,
    read_topics,
    start,
    together,
)
from knowledge.logistic import CalibrationError

log = logging.getLogger(__name__)

Bar = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""A sign of progress: what is done and how much of it there is; the callee is told how much is done so far."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure, and on what. `model`: None is the configured one."""

    model: str | None = None
    baselines: tuple[str, ...] = ()
    talks: tuple[Path, ...] = ()
    topics: Path | None = None
    public: Path | None = None
    series: Path | None = None
    chat: Path | None = None
    course: Path | None = None


@dataclass(slots=True)
class Measured:
    """What came of it. `failed` says for each part that was not measured why, and what to do."""

    result: Result = field(default_factory=Result)
    failed: list[str] = field(default_factory=list)


def bench(
    settings: Settings,
    wanted: Wanted,
    bar: Bar,
    tell: Callable[[str], None] = lambda _: None,
    *,
    encoder: Encoder | None = None,
) -> Measured:
    """Measure all of it; minutes, with a bar for each part. `tell` hears at once what goes wrong. Raises
    `SettingsError` where the encoder itself or its calibration cannot be used, `BadInput` for a course without a chat.
    """
    if wanted.course and not wanted.chat:
        raise BadInput("--course is that of --chat: name the chat as well")
    mind = mind_of(settings, wanted.model, tell, encoder=encoder)
    measured = Measured()
    for note in missing():
        tell(f"{note} (a note)")
    baselines = {}
    for name in wanted.baselines:
        short = Path(name).resolve().name
        try:
            baselines[name if short in baselines else short] = load_encoder(name)
        except EncoderError as error:
            _fail(measured, tell, str(error))
    results = []
    parts = _parts(settings, wanted, Bench(mind, baselines), bar, tell)
    if encoder is None:  # one that is given has no name by which another process would find it
        parts = itertools.chain([("start", partial(_start, wanted.model or settings.encoder.model, bar))], parts)
    for what, part in parts:
        try:
            results.append(part())
        except DataError as error:
            for problem in error.problems:
                _fail(measured, tell, problem)
        except (BadInput, CalibrationError, EncoderError) as error:
            _fail(measured, tell, str(error))
        except Exception as error:  # hours of measuring do not hang on what nobody foresaw in one part
            log.exception("measuring on %s broke", what)
            cause = f"{type(error).__name__}: {error}"
            _fail(measured, tell, f"{what}: was not measured, by a mistake of the program ({cause}): please report it")
    results.append(Result((Block("this machine", "speed", "", (Column("floormic", memory()),)),)))
    measured.result = together(results)
    return measured


def _fail(measured: Measured, tell: Callable[[str], None], problem: str) -> None:
    measured.failed.append(problem)
    tell(problem)


Part = tuple[str, Callable[[], Result]]
"""On what is measured, and what does it."""


def _parts(settings: Settings, wanted: Wanted, bench: Bench, bar: Bar, tell: Callable[[str], None]) -> Iterator[Part]:
    """Each reads its data when it is called, so that what cannot be read stops nothing else."""
    yield "encoder", partial(_speed, bench.mind.encoder, bar)
    for folder in wanted.talks:
        yield str(folder), partial(_talk, settings, folder, bench, bar, tell)
    if topics := wanted.topics:
        yield str(topics), partial(_judged, partial(read_topics, topics), bench, bar)
    if public := wanted.public:
        yield from _public(public, bench, bar)
    if series := wanted.series:
        yield str(series), partial(_series, series, bench.mind, bar, tell)
    chat, course = _to_replay(wanted)
    if chat:
        yield str(chat), partial(_replay_speed, settings, bench.mind.encoder, chat, course, bar)
    yield "learning curve", learning_curve


def _public(folder: Path, bench: Bench, bar: Bar) -> Iterator[Part]:
    try:
        sets = read_public(folder)
    except DataError as error:
        yield str(folder), partial(_unreadable, error)
        return
    for name, read in sets:
        yield str(folder / name), partial(_judged, read, bench, bar)


def _unreadable(error: DataError) -> Result:
    raise error


def _judged(read: Callable[[], Dataset], bench: Bench, bar: Bar) -> Result:
    data = read()
    with bar(data.name, bench.work(data)) as progress:
        return bench.measure(data, None, _counted(progress))


def _talk(settings: Settings, folder: Path, bench: Bench, bar: Bar, tell: Callable[[str], None]) -> Result:
    talk = read_talk(folder)
    for problem in talk.data.chats[0].course.problems:
        tell(f"{folder / 'course' / problem.place}: {problem.message} (a note)")
    with bar(talk.data.name, talk.data.size + bench.work(talk.data)) as progress:
        minds = minds_of(settings, bench.mind.encoder)
        try:
            path = asyncio.run(_whole_path(talk, minds, progress))
        finally:
            minds.close()
        return bench.measure(talk.data, path, _counted(progress, talk.data.size))


async def _whole_path(talk: Talk, minds: Minds, progress: Callable[[int], None]) -> tuple[Judged, ...]:
    with tempfile.TemporaryDirectory(prefix="floormic-") as folder:
        out, database = Path(folder) / "out.jsonl", Path(folder) / "replay.sqlite3"
        done = await replay(talk.chat, talk.course, out=out, database=database, minds=minds, progress=progress)
        if done.broken:  # what was never heard would count as missed
            raise DataError([f"{talk.chat}:{one.line}: {one.why}: mend or delete the line" for one in done.broken])
        store = await open_store(database)
        try:
            placements = await store.placements(SESSION)
        finally:
            await store.close()
        rows = [json.loads(row) for row in (await asyncio.to_thread(out.read_bytes)).splitlines()]
        reasons = {id: first.reasons for id, (first, *_) in by_line(placements) if first}
        return from_replay(talk.lines, {row["id"]: row for row in rows}, reasons)


def _counted(progress: Callable[[int], None], done: int = 0) -> Callable[[int], None]:
    """Told how many more, tells how many so far."""

    def more(count: int) -> None:
        nonlocal done
        done += count
        progress(done)

    return more


def _series(path: Path, mind: Mind, bar: Bar, tell: Callable[[str], None]) -> Result:
    series = read_series(path)
    for name in series.absent:
        tell(f"{path}: session {name!r} has no folder beside it and is left out (a note)")
    with bar(series.name, sum(talk.data.size for talk in series.talks)) as progress:
        return measure_series(series, mind, _counted(progress))


def _speed(encoder: Encoder, bar: Bar) -> Result:
    with bar("encoder", None):
        return Result((Block("encoder alone", "speed", "", (Column("floormic", encoder_speed(encoder)),)),))


def _start(model: str, bar: Bar) -> Result:
    with bar("start", None):
        return Result((Block("start", "speed", "", (Column("floormic", start(model)),)),))


def _to_replay(wanted: Wanted) -> tuple[Path | None, Path | None]:
    """The chat that was named, else the first talk."""
    if wanted.chat:
        return wanted.chat, wanted.course
    for folder in wanted.talks:
        if (folder / "chat.jsonl").is_file():
            course = folder / "course"
            return folder / "chat.jsonl", course if course.is_dir() else None
    return None, None


SIZE = f"the middle of {ROUNDS} rounds, the least and the most; a ratio is the model's time over the whole path's"


def _replay_speed(settings: Settings, encoder: Encoder, chat: Path, course: Path | None, bar: Bar) -> Result:
    if course and not course.is_dir():
        raise BadInput(f"{course}: there is no such course folder: correct the path")
    with bar("replaying", ROUNDS) as progress:
        figures = asyncio.run(measure_replay(settings, encoder, chat, course, progress))
    return Result((Block(chat.parent.name or chat.stem, "speed", SIZE, (Column("floormic", figures),)),))


def code_version() -> str:
    """The version, and the commit where the program runs from a checkout."""
    known = version("floormic")
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return known
    try:
        # Only fixed arguments, and git is looked up as any shell does.
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],  # noqa: S607
            cwd=root, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return known
    return f"{known}, commit {done.stdout.strip()}"
