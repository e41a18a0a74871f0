"""A whole installation on this machine: PostgreSQL, an encoder and processes with roles, as docs/scale.md sets it up.

`python -m tests.installation SOCKET` is a stand-in for `floormic encoder`: the same service, with an encoder that costs
next to nothing and finds the same what has the same words.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from tests.torture._hall import free_port
from tests.torture._postgres import Postgres
from tests.torture._posting import SECRET

ROOT = Path(__file__).parents[1]
FLOORMIC = (sys.executable, "-c", "from bot.cli import main; main()")
STAND_IN = (sys.executable, "-m", "tests.installation")
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 120.0
"""Seconds until something is ready, on a machine that does much else."""


def cpu(pid: int) -> float:
    """Seconds of processor that a process and its children have used, those that ended too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:  # it ended just now; its parent counts it from here on
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(cpu(int(child)) for child in children)


def memory(pid: int) -> float:
    """Megabytes that are its own (PSS)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


@asynccontextmanager
async def postgres(connections: int = 200) -> AsyncIterator[Postgres]:
    """A server that keeps what it was given, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="floormic-postgres-"))
    made = Postgres(folder / "data", connections)
    try:
        await made.found()
        yield made
    finally:
        await made.end()
        shutil.rmtree(folder, ignore_errors=True)


def pid_of(server: Postgres) -> int:
    return int((server.folder / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])


def written(server: Postgres) -> tuple[int, int]:
    """Bytes of its log (WAL), and transactions that wrote to a session and notified of it, up to now. One that wrote to
    several counts for each."""
    ((wal, turns),) = server.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, (SELECT sum(number) FROM turns)")
    return int(wal), int(turns)


def connections(server: Postgres) -> int:
    """Those of programs, ours for asking left out."""
    return int(server.ask("SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'")[0][0])


@dataclass
class Process:
    """One process of ours, which may be started again; what it says goes to `log`. `port`: where it answers, 0 where it
    does not. `pages`: whether people come to it."""

    name: str
    command: Sequence[str]
    folder: Path
    port: int = 0
    pages: bool = False
    running: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    async def start(self) -> None:
        """Returns at once; `ready` waits."""
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                *self.command, cwd=self.folder, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Returns when it has ended."""
        if self.running is None:
            return
        with suppress(ProcessLookupError):
            self.running.send_signal(how)
        try:
            await asyncio.wait_for(self.running.wait(), 30)
        except TimeoutError:
            self.running.kill()
            await self.running.wait()

    async def ready(self, path: str = "/readyz") -> float:
        """Seconds until it says that it is ready; one without pages is as soon as it runs."""
        began = time.monotonic()
        while self.port:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with aiohttp.ClientSession() as client, client.get(self.url + path) as reply:
                    if reply.status == 200:
                        break
            if self.running is None or self.running.returncode is not None or time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"{self.name} is not ready:\n{self.said()[-3000:]}")
            await asyncio.sleep(0.05)
        return time.monotonic() - began


def hall(number: int) -> str:
    """Its id."""
    return f"hall{number}"


@dataclass
class Installation:
    """Processes that share `folder` and `database` (an address of PostgreSQL; "": SQLite in the folder). `halls`: so
    many sessions `hall0`, `hall1`, …, each fed by a signed intake `lobby0`, …. `model`: as under `[encoder]`;
    `web`: more lines of `[web]`."""

    folder: Path
    halls: int = 1
    database: str = ""
    model: str = "bundled"
    course: Path | None = None
    language: str = "zh"
    web: str = ""
    processes: dict[str, Process] = field(default_factory=dict)

    def add(self, name: str, roles: str = "") -> Process:
        """A process with these roles ("web pipeline"; "": all of them)."""
        port = free_port()
        config = self.folder / f"{name}.toml"
        config.write_text(self._config(port), encoding="utf-8")
        named = [word for role in roles.split() for word in ("--role", role)]
        command = [*FLOORMIC, "run", "--config", str(config), *named]
        made = Process(name, command, self.folder, port, not roles or "web" in roles.split())
        self.processes[name] = made
        return made

    def _config(self, port: int) -> str:
        top = f'data = "{self.folder / "data"}"\n'
        if self.database:
            top += f'database = "{self.database}"\n'
        tables = [f'[web]\nport = {port}\n{self.web}\n[encoder]\nmodel = "{self.model}"\nthreads = 1\n']
        course = f'course = "{self.course}"\n' if self.course else ""
        for number in range(self.halls):
            tables.append(
                f'[[session]]\nid = "{hall(number)}"\ntitle = "Hall {number}"\nlanguage = "{self.language}"\n{course}'
            )
            tables.append(f'[[intake]]\nname = "lobby{number}"\nsession = "{hall(number)}"\nsecret = "{SECRET}"\n')
        return "\n".join([top, *tables])

    async def start(self) -> None:
        """All of them; returns when all are ready."""
        for process in self.processes.values():
            await process.start()
        for process in self.processes.values():
            await process.ready()

    async def stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self.processes.values()))

    @property
    def webs(self) -> list[Process]:
        return [process for process in self.processes.values() if process.pages]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Out of the database, beside the running program."""
        if self.database:
            with psycopg.connect(self.database, autocommit=True) as db:
                return db.execute(query).fetchall()  # type: ignore[arg-type]
        (file,) = self.folder.rglob("*.sqlite3")
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as lite:
            return lite.execute(query).fetchall()

    async def placed(self, count: int, patience: float = PATIENCE) -> float:
        """Seconds until so many messages are placed. Raises `TimeoutError`."""
        began = time.monotonic()
        query = "SELECT count(*) FROM messages WHERE placed = 1 AND part = 1"
        async with asyncio.timeout(patience):
            while (await asyncio.to_thread(self.rows, query))[0][0] < count:  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def shared_out(self, pipelines: int, connectors: int) -> float:
        """Seconds until so many processes have their shares of the sessions, and so many of the sources: who came first
        has all of them, and lets go of the rest bit by bit."""
        query = """
            SELECT count(*) FROM leases WHERE name LIKE '{}:%' AND until > now() GROUP BY owner
        """
        began = time.monotonic()
        async with asyncio.timeout(300):
            for kind, processes in (("pipeline", pipelines), ("connector", connectors)):
                while True:
                    counts = [count for (count,) in await asyncio.to_thread(self.rows, query.format(kind))]
                    if len(counts) >= processes and max(counts) - min(counts) <= 2:
                        break
                    await asyncio.sleep(1.0)
        return time.monotonic() - began

    async def link(self, role: str = "moderator") -> str:
        """One that signs somebody in, as a path."""
        config = self.folder / f"{next(iter(self.processes))}.toml"
        asked = await asyncio.create_subprocess_exec(
            *FLOORMIC, "link", "--role", role, "--config", str(config), cwd=self.folder, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        said, _ = await asked.communicate()
        return "/signin/" + said.decode().partition("/signin/")[2].split()[0]

    async def cookie(self, role: str = "moderator") -> str:
        """Of somebody who signed in; holds at every process."""
        web = self.webs[0]
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(web.url, cookie_jar=jar, headers={"Origin": web.url}) as client:
            async with client.post(await self.link(role)) as reply:
                reply.raise_for_status()
            return "; ".join(f"{cookie.key}={cookie.value}" for cookie in client.cookie_jar)


@asynccontextmanager
async def encoder(folder: Path, *, light: bool) -> AsyncIterator[Process]:
    """A service for all processes, at `encoder.sock` in the folder: `floormic encoder`, or its stand-in."""
    socket = folder / "encoder.sock"
    command = (*STAND_IN, str(socket)) if light else (*FLOORMIC, "encoder", "--socket", str(socket), "--threads", "1")
    made = Process("encoder", command, folder)
    await made.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while not socket.exists():
                if made.running is None or made.running.returncode is not None:
                    raise RuntimeError(f"the encoder did not start: {made.said()[-2000:]}")
                await asyncio.sleep(0.05)
        yield made
    finally:
        await made.stop()


def _stand_in(socket: Path) -> None:
    from knowledge.encoder_service import EncoderService
    from tests.bot.encoders import SameWords

    service = EncoderService(SameWords(), socket)
    stopped = {signal.SIGTERM, signal.SIGINT}
    signal.sigwait(stopped)
    service.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    _stand_in(Path(sys.argv[1]))
