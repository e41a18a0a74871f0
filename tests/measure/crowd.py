"""Boards and viewers of many halls in a process of their own, and when they were told what."""

import asyncio
import json
import multiprocessing
import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tests.torture._streams import Watcher, connect

AT_ONCE = 100
"""Watchers of one crowd that are on their way at a time."""


@dataclass(frozen=True, slots=True)
class Place:
    """So many pages of one kind of a hall, at the process with this port: boards have a `cookie`."""

    port: int
    session: str
    viewers: int = 0
    boards: int = 0
    cookie: str = ""


@dataclass(slots=True)
class Seen:
    """What a crowd saw. `questions`: by session, when (Unix time) which question had how many messages, and at which
    revision, on its first board; `revisions`: by session, for each viewer when it knew which revision. `came` bytes and
    `told` events, of viewers; `joined`: seconds until all were in; `lost` streams."""

    questions: Mapping[str, list[tuple[float, str, int, int]]] = field(default_factory=dict)
    revisions: Mapping[str, list[list[tuple[int, float]]]] = field(default_factory=dict)
    came: int = 0
    told: int = 0
    joined: float = 0.0
    lost: int = 0


class Viewer(Watcher):
    """Counts what comes."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"127.0.0.1:{place.port}", kind="viewer", session=place.session)
        self.port, self.came = place.port, 0

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        super().data_received(data)

    def forget(self) -> None:
        """What is seen from here on counts."""
        self.came = 0
        self.seen.clear()


class Board(Viewer):
    """Reads what the events say."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.cookie = place.cookie
        self.questions: list[tuple[float, str, int, int]] = []
        self._rest = b""

    def _told(self, data: bytes) -> None:
        super()._told(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b'data: {"revision"'):
                told, now = json.loads(line[6:]), time.time()
                for question in told["questions"]:
                    self.questions.append((now, question["id"], question.get("messages", 0), told["revision"]))


class Crowd:
    """A process with these pages. `join` first, then `seen` as often as wanted: each tells what was seen since."""

    def __init__(self, places: Sequence[Place]) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_work, args=(list(places), theirs), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    async def join(self) -> float:
        """Seconds until all were in. Raises `RuntimeError` where one was not let in."""
        told = await asyncio.to_thread(self._ours.recv)
        if told[0]:
            raise RuntimeError(told[0])
        return float(told[1])

    async def seen(self) -> Seen:
        self._ours.send("tell")
        told: Seen = await asyncio.to_thread(self._ours.recv)
        return told

    def leave(self) -> None:
        with suppress(OSError):
            self._ours.send("")
        self._process.join(10)
        self._process.kill()


def _work(places: Sequence[Place], pipe: Connection) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_watch(places, pipe))


async def _watch(places: Sequence[Place], pipe: Connection) -> None:
    boards = [Board(place) for place in places for _ in range(place.boards)]
    viewers = [Viewer(place) for place in places for _ in range(place.viewers)]
    began = time.monotonic()
    coming = iter([*boards, *viewers])

    async def some() -> None:
        for one in coming:
            await connect(one.port, one)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    out = [one.status for one in [*boards, *viewers] if one.status != 200]
    took = time.monotonic() - began
    pipe.send((f"{len(out)} watchers were not let in: {set(out)}" if out else "", took))
    while await asyncio.to_thread(pipe.recv):
        pipe.send(_seen(boards, viewers, took))
        for one in viewers:
            one.forget()
        for board in boards:
            board.questions.clear()


def _seen(boards: Sequence[Board], viewers: Sequence[Viewer], joined: float) -> Seen:
    questions: dict[str, list[tuple[float, str, int, int]]] = {}
    for board in boards:
        questions.setdefault(board.session, list(board.questions))
    revisions: dict[str, list[list[tuple[int, float]]]] = {}
    for viewer in viewers:
        revisions.setdefault(viewer.session, []).append(list(viewer.seen))
    return Seen(
        questions,
        revisions,
        sum(one.came for one in viewers),
        sum(len(one.seen) for one in viewers),
        joined,
        sum(one.lost_at > 0 for one in [*boards, *viewers]),
    )
