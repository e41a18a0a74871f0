"""A recorded chat through the pipeline, and every decision written down."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bot.app.floor import Unwatched
from bot.app.minds import Minds
from bot.connectors.replay import Broken, Replay
from bot.desk import Desk
from bot.errors import BadInput
from bot.model import CourseMatch, Message, Placement, Session
from bot.ports import Store
from bot.storage.sqlite import open_store

SESSION = "replay"


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What became of a replayed chat. `seconds` counts from the first message to the last placement."""

    messages: int
    askings: int
    questions: int
    sent: int
    suggested: int
    broken: tuple[Broken, ...]
    seconds: float


async def replay(
    chat: Path,
    course: Path | None = None,
    speed: float = 0.0,
    out: Path | None = None,
    database: Path | None = None,
    language: str = "zh",
    progress: Callable[[int], None] = lambda _: None,
    *,
    minds: Minds,
) -> ReplaySummary:
    """Feed a chat through the pipeline that `minds` make and write one line a message to `out`.

    With `database` everything is kept there, and a replay that was interrupted goes on where it was. `progress` is told
    how many messages went in so far. Raises `BadInput` where the chat cannot be read, or has no message;
    then `out` stays as it is.
    """
    session = Session(SESSION, chat.stem, course=str(course) if course else "", language=language)
    broken: list[Broken] = []
    async with _kept(database) as store:
        await store.save_session(session)
        seconds = await _play(store, session, minds, chat, speed, broken, progress)
        placements = await store.placements(SESSION)
    if broken and not placements:
        raise BadInput(
            f"{chat}: none of its lines is a message ({broken[0].why}): it should hold one JSON object a line; a table "
            "is read by `floormic import`"
        )
    if out is not None:
        await asyncio.to_thread(_write, out, _lines(placements))
    return _summary(placements, broken, seconds)


@asynccontextmanager
async def _kept(database: Path | None) -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory(prefix="floormic-") as folder:
        store = await open_store(database or Path(folder) / "replay.sqlite3")
        try:
            yield store
        finally:
            await store.close()


async def _play(
    store: Store,
    session: Session,
    minds: Minds,
    chat: Path,
    speed: float,
    broken: list[Broken],
    progress: Callable[[int], None],
) -> float:
    pipeline = await minds.pipeline(session, store)
    played = asyncio.Event()
    desk = Desk(store, lambda _: None, time.time)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done)

    floor = Unwatched(store, desk, lambda _: pipeline.wake(), lambda: None)
    player = Replay(
        chat,
        session.id,
        now=time.time,
        speed=speed,
        started=0.0,
        drained=pipeline.drained,
        broken=broken.append,
        played=count,
        done=played.set,
    )
    began = time.perf_counter()
    tasks = [asyncio.ensure_future(pipeline.run()), asyncio.ensure_future(player.run(floor))]
    try:
        await _first(played.wait(), *tasks)
        pipeline.wake()
        await _first(pipeline.drained(), *tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return time.perf_counter() - began


async def _first(waiting: Coroutine[None, None, object], *tasks: "asyncio.Future[None]") -> None:
    """Wait for something, or for a task that broke."""
    wanted: asyncio.Future[object] = asyncio.ensure_future(waiting)
    running: set[asyncio.Future[Any]] = {wanted, *tasks}
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    if wanted not in done:
        wanted.cancel()
    for task in done:
        task.result()


def _summary(placed: list[tuple[Message, Placement | None]], broken: list[Broken], seconds: float) -> ReplaySummary:
    placements = [p for _, p in placed if p]
    states = [p.answer.state for p in placements if p.answer]
    return ReplaySummary(
        messages=sum(message.part == 1 for message, p in placed if p),
        askings=sum(p.asking for p in placements),
        questions=len({p.question for p in placements if p.question}),
        sent=states.count("sent"),
        suggested=states.count("suggested"),
        broken=tuple(broken),
        seconds=seconds,
    )


def by_line(placed: Sequence[tuple[Message, Placement | None]]) -> Iterator[tuple[str, list[Placement | None]]]:
    """For each line of a chat its id and what was decided about its parts: what asks comes first."""
    for (_, id), parts in groupby(placed, key=lambda one: (one[0].source, one[0].external_id)):
        yield id, sorted((placement for _, placement in parts), key=lambda one: not (one and one.asking))


def _lines(placed: Sequence[tuple[Message, Placement | None]]) -> list[dict[str, Any]]:
    """What else a line asked, and what was answered to that, stands beside what was decided about its first asking."""
    lines: list[dict[str, Any]] = []
    for id, (first, *others) in by_line(placed):
        lines.append(_line(id, first))
        if questions := [one.question for one in others if one and one.question]:
            lines[-1]["also"] = questions
        if answers := [_answer(one.answer) for one in others if one and one.answer]:
            lines[-1]["also_answered"] = answers
    return lines


def _line(id: str, placement: Placement | None) -> dict[str, Any]:
    return {
        "id": id,
        "asking": bool(placement and placement.asking),
        "probability": round(placement.probability, 4) if placement else None,
        "question": placement.question if placement else None,
        "similarity": placement.similarity if placement else None,
        "suggested": placement.suggested if placement else None,
        "answer": _answer(placement.answer) if placement and placement.answer else None,
        "reasons": asdict(placement.reasons) if placement else None,
    }


def _answer(match: CourseMatch) -> dict[str, Any]:
    return {"source": match.source, "score": round(match.score, 4), "state": match.state}


def _write(out: Path, lines: list[dict[str, Any]]) -> None:
    """All or nothing: a reader never sees half a file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    os.replace(part, out)
