"""The real program in a process of its own, as `floormic run` starts it, with signed intakes and a Telegram bot."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot.storage.connection import connect
from tests.fake_telegram import TOKEN

SECRET = "0123456789abcdef-secret"
INTAKES = 4
"""One source may bring six hundred messages at once and sixty a second; several bring more."""

PATIENCE = 60.0
"""Seconds until it must be ready: much is running beside it in the tests."""

START = "from tests.torture import _sabotage; _sabotage.{0}(); from bot.cli import main; main()"
"""What the child runs instead of the command where something protective is taken out of it."""

CONFIG = """
data = "{data}"
[web]
port = {port}
[[session]]
id = "talk"
title = "A talk"
language = "en"
"""
INTAKE = """
[[intake]]
name = "hall{number}"
secret_env = "FLOORMIC_TORTURE_SECRET"
"""
TELEGRAM = """
[telegram]
token_env = "FLOORMIC_TORTURE_TOKEN"
base_url = "{url}"
"""


@dataclass(slots=True)
class Program:
    """`data`: its folder. `telegram`: address of the Bot API, or ""."""

    folder: Path
    data: Path
    telegram: str = ""
    sabotage: str = ""
    port: int = 0
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def database(self) -> Path:
        return self.data / "floormic.sqlite3"

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    async def start(self) -> float:
        """Seconds until it answered; it is not waited for the model."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        config = CONFIG.format(data=self.data, port=self.port)
        config += "".join(INTAKE.format(number=number) for number in range(INTAKES))
        config += TELEGRAM.format(url=self.telegram) if self.telegram else ""
        (self.folder / "floormic.toml").write_text(config)
        start = START.format(self.sabotage) if self.sabotage else "from bot.cli import main; main()"
        began = time.monotonic()
        with (self.folder / "log.txt").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", start, "run", "--config", self.folder / "floormic.toml"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "FLOORMIC_TORTURE_SECRET": SECRET, "FLOORMIC_TORTURE_TOKEN": TOKEN},
            )
        async with aiohttp.ClientSession() as client:
            while not await _answers(client, f"{self.url}/healthz"):
                if not self.alive or time.monotonic() - began > PATIENCE:
                    raise RuntimeError(f"the program did not start: {self.log[-3000:]}")
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def kill(self) -> None:
        """As the kernel does it: nothing is finished."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            await self.process.wait()


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as reply:
            return reply.status == 200
    except aiohttp.ClientError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    """Started, and killed in the end however that comes."""
    try:
        await program.start()
        yield program
    finally:
        await program.kill()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a database holds. `texts` of all messages, as often as they are there; `sound`: SQLite finds no fault."""

    texts: list[str]
    sound: bool


def kept(database: Path) -> Kept:
    """Opened as the program opens it after a crash, so that its log is read too."""
    db = connect(database)
    try:
        texts = [row["text"] for row in db.execute("SELECT text FROM messages")]
        checked = [row[0] for row in db.execute("PRAGMA integrity_check")]
        return Kept(texts, checked == ["ok"] and not list(db.execute("PRAGMA foreign_key_check")))
    finally:
        db.conn.close()
