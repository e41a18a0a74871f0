"""The program in a process of its own, for scenarios that load it: the real hall, the real store, real sockets.

`python -m tests.torture._serving FOLDER CONFIG`; it prints its address and runs until it is stopped.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.app.hall import open_hall, until_stopped
from bot.app.vitals import Vitals
from bot.connectors.intake import IntakeOptions
from bot.metrics import Metrics
from bot.settings import LimitsSettings, SessionSettings, Settings, WebSettings
from bot.web import server
from tests.bot.encoders import SameWords
from tests.torture._posting import SECRET

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running program, seen from outside. `database`: its file."""

    pid: int
    port: int
    database: Path
    organiser: str = field(repr=False)

    def cpu(self) -> float:
        """Seconds of processor it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """MB that are its own (PSS)."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:"))

    def resident(self) -> float:
        """MB in memory, shared ones too (RSS)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1048576

    def lag(self) -> float:
        """Milliseconds that its event loop was late by at most since this was asked last."""
        file = self.database.with_name("lag.txt")
        try:
            longest = float(file.read_text() or 0)
            file.unlink()
        except FileNotFoundError:
            return 0.0
        return longest

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@asynccontextmanager
async def serving(folder: Path, *, bundled: bool = False, **options: Any) -> AsyncIterator[Server]:
    """The program until the block ends. `bundled`: with the model that ships, else with a light encoder. `options`: of
    `settings`; `watched` False: see `look_away`."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.torture._serving", str(folder), json.dumps({"bundled": bundled, **options})]
    with (folder / "log.txt").open("w") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        if not line:
            raise RuntimeError(f"the program did not start: {(folder / 'log.txt').read_text()[-2000:]}")
        told = json.loads(line)
        yield Server(process.pid, told["port"], folder / "floormic.sqlite3", told["organiser"])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


def settings(
    folder: Path, *, lobbies: int = 1, proxies: tuple[str, ...] = (), session: str = "talk", people: int = 1000
) -> Settings:
    """One session with so many signed intakes (`lobby`, `lobby2`, …), and so many people that fit behind an address."""
    talk = SessionSettings(id=session, title="Under load")
    sources = tuple(
        IntakeOptions(name="lobby" if n == 1 else f"lobby{n}", session=session, secret=SECRET)
        for n in range(1, lobbies + 1)
    )
    pages = WebSettings(port=0, trusted_proxies=tuple(proxies))
    limits = LimitsSettings(people=people)
    return Settings(data=folder, web=pages, limits=limits, session=(talk,), sources=sources)


async def _lag(file: Path) -> None:
    """Writes the longest that the event loop was late by, in milliseconds, since the file was taken away."""
    loop, longest = asyncio.get_running_loop(), 0.0
    while True:
        due = loop.time() + 0.05
        await asyncio.sleep(0.05)
        if not file.exists():  # noqa: ASYNC240 (a small file, and it may take its time here)
            longest = 0.0
        if (late := 1000 * (loop.time() - due)) > longest:
            longest = late
            file.write_text(f"{late:.1f}")  # noqa: ASYNC240


def look_away() -> None:
    """Nothing is counted, named or looked after from now on: what watching costs is seen against this."""

    @web.middleware
    async def nothing(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    async def unwatched(*_: object) -> None:
        await asyncio.Event().wait()

    for name in ("received", "placed", "settled", "encoded", "committed", "answered", "streaming", "lagged"):
        setattr(Metrics, name, lambda *_: None)
    server.make_observing = lambda *_: nothing
    Vitals.run = unwatched  # type: ignore[assignment,method-assign]


async def main(folder: Path, bundled: bool, watched: bool = True, **options: Any) -> None:
    if not watched:
        look_away()
    encoder = None if bundled else SameWords()
    async with open_hall(settings(folder, **options), encoder=encoder) as hall:
        await hall.loaded()
        told = {"port": int(hall.url.rpartition(":")[2]), "organiser": hall.link("organiser")}
        print(json.dumps(told), flush=True)
        lag = asyncio.ensure_future(_lag(folder / "lag.txt"))
        await until_stopped(hall)
        lag.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), **json.loads(sys.argv[2])))
