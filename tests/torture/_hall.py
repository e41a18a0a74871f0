"""The whole program in a process of its own, on a real database, to be killed and started again.

`python -m tests.torture._hall [--light] [--early] [--role ROLE]… [--called NAME] [--careless] [--unfenced] FILE` runs
it as `floormic run` does. `--light`: with an encoder that needs no loading. `--called`: how it calls itself where it
holds a lease. What takes a protection away is in `_sabotage`: `--early`, `--careless`, `--unfenced`.
"""

import argparse
import asyncio
import itertools
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

FLOORMIC = Path(sys.executable).with_name("floormic")
TALK = "talk"
LOOKS = 0.005
"""Seconds between two looks whether the program is there."""

LATE = 0.1
"""Seconds until `--early` writes what it acknowledged; the negative control of the crash loops."""


def free_port() -> int:
    """One below those that the system hands out, so that nobody gets it while the program is dead; by chance, so that
    two scenarios may run at once."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)):
                return port


@dataclass
class Program:
    """One installation in `folder`, configured by `sources` (TOML); `command` starts it. Its output goes to `log`.
    `settings`: lines of TOML for the whole program, `pages`: lines of `[web]`."""

    folder: Path
    port: int
    sources: str
    command: list[str | Path]
    settings: str = ""
    pages: str = ""
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    config: Path = field(init=False)
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config, self.log = self.folder / "floormic.toml", self.folder / "log.txt"
        session = f'[[session]]\nid = "{TALK}"\ntitle = "Torture"\nlanguage = "en"\n'
        web = f"[web]\nport = {self.port}\n{self.pages}"
        self.config.write_text(f"{self.settings}\n{web}\n{session}\n{self.sources}", encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return next(self.folder.rglob("*.sqlite3"))

    async def start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, self.config, cwd=self.folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def ready(self, longest: float = 60.0) -> float:
        """Seconds from now until a page answers."""
        began = time.monotonic()
        async with aiohttp.ClientSession(self.url) as browser:
            while True:
                try:
                    async with browser.get(f"/s/{TALK}") as page:
                        page.raise_for_status()
                        return time.monotonic() - began
                except (aiohttp.ClientError, OSError) as error:
                    if time.monotonic() - began > longest or self.gone:
                        raise RuntimeError(f"the program does not answer:\n{self.said()[-3000:]}") from error
                await asyncio.sleep(LOOKS)

    async def link(self) -> str:
        """One that signs an organiser in."""
        link = [FLOORMIC, "link", "--role", "organiser", "--config", self.config]
        asked = await asyncio.create_subprocess_exec(*link, cwd=self.folder, stdout=asyncio.subprocess.PIPE)
        said, _ = await asked.communicate()
        return re.findall(r"http\S+", said.decode())[0]

    @property
    def gone(self) -> bool:
        return self.process is None or self.process.returncode is not None

    def kill(self) -> None:
        if self.process and not self.gone:
            self.process.kill()

    async def dead(self) -> None:
        assert self.process
        await self.process.wait()

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Returns when it is dead. Raises `RuntimeError` where it died by itself before."""
        assert self.process
        if self.gone:
            raise RuntimeError(f"the program ended by itself:\n{self.said()[-3000:]}")
        self.process.send_signal(how)
        await self.process.wait()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def faults(self) -> list[str]:
        """What its log shows that should not happen, however often it is killed; of a traceback its end."""
        lines = self.said().splitlines()
        return [
            f"{line} {' '.join(_end_of_traceback(lines[number + 1 :]))}" if "Traceback" in line else line
            for number, line in enumerate(lines)
            if "Traceback" in line or " broke" in line
        ]

    def asked(self, count: str) -> int:
        """A number out of the database, beside the running program."""
        db = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        try:
            return int(db.execute(count).fetchone()[0])
        finally:
            db.close()

    def copy(self, folder: Path) -> sqlite3.Connection:
        """The database as the dead program left it, opened elsewhere: whoever opens it mends it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in self.database.parent.glob(f"{self.database.name}*"):
            shutil.copy(file, folder)
        return sqlite3.connect(folder / self.database.name)


def _end_of_traceback(lines: Sequence[str]) -> list[str]:
    """The innermost places, and what was raised there."""
    frames = list(itertools.takewhile(lambda line: line.startswith(" "), lines))
    return [line.strip() for line in [*frames[-3:], *lines[len(frames) : len(frames) + 1]]]


def as_users_start_it(folder: Path, port: int, sources: str) -> Program:
    return Program(folder, port, sources, [FLOORMIC, "run", "--config"])


def light(folder: Path, port: int, sources: str, *how: str, settings: str = "", pages: str = "") -> Program:
    command: list[str | Path] = [sys.executable, "-m", "tests.torture._hall", "--light", *how]
    return Program(folder, port, sources, command, settings, pages)


def _acknowledge_early() -> None:
    from bot.storage.sqlite import SqliteStore

    durable, late = SqliteStore.receive, set()

    async def receive(self: SqliteStore, messages: Any, *more: Any) -> int:
        async def write() -> None:
            await asyncio.sleep(LATE)
            await durable(self, messages, *more)

        task = asyncio.create_task(write())
        late.add(task)
        task.add_done_callback(late.discard)
        return len(messages)

    SqliteStore.receive = receive  # type: ignore[method-assign]


def _call_itself(name: str) -> None:
    """By this name and its process id, where it holds a lease: so it is known which process has it."""
    from bot.storage.postgres_leases import PostgresLeases

    make = PostgresLeases.__init__

    def named(self: PostgresLeases, *arguments: Any, **more: Any) -> None:
        make(self, *arguments, **more)
        self.owner = f"{name}-{os.getpid()}"

    PostgresLeases.__init__ = named  # type: ignore[method-assign]


async def _run(config: Path, is_light: bool, roles: Sequence[str]) -> None:
    from bot.app import ROLES, load, open_hall
    from bot.app.hall import until_stopped
    from tests.bot.encoders import SameWords

    encoder = SameWords() if is_light else None
    async with open_hall(load(config), encoder=encoder, roles=roles or ROLES) as hall:
        print(f"Sign in as organiser (works once): {hall.link()}", flush=True)
        await until_stopped(hall)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture._hall")
    parser.add_argument("config", type=Path)
    parser.add_argument("--role", action="append", default=[])
    parser.add_argument("--called", default="")
    for switch in ("--light", "--early", "--careless", "--unfenced"):
        parser.add_argument(switch, action="store_true")
    chosen = parser.parse_args()
    if chosen.early:
        _acknowledge_early()
    if chosen.called:
        from bot.logs import set_up

        set_up("info", "text")
        _call_itself(chosen.called)
    if chosen.careless or chosen.unfenced:
        from tests.torture import _sabotage

        for name in ("careless", "unfenced"):
            if getattr(chosen, name):
                getattr(_sabotage, name)()
    asyncio.run(_run(chosen.config, chosen.light, chosen.role))


if __name__ == "__main__":
    _main()
