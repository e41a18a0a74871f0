"""Several processes of the program on one PostgreSQL, each with its roles, and somebody who asks and watches.

They have an encoder that is quick to load: run as `python -m tests.bot.app.many FOLDER URL ROLE…` each is the program
itself but for that.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.app import open_hall
from bot.connectors.intake import IntakeOptions
from bot.logs import set_up
from bot.settings import SessionSettings, Settings, WebSettings
from tests.bot.encoders import SameWords

PATIENCE = 60.0
SECRET = "a-shared-secret-of-many-processes-42"


def settings(folder: Path, url: str, sessions: int = 1) -> Settings:
    names = ["talk", *(f"talk{n}" for n in range(2, sessions + 1))]
    return Settings(
        data=folder / "data",
        database=SecretStr(url),
        web=WebSettings(port=0),
        session=tuple(SessionSettings(id=name, title="A talk", language="en") for name in names),
        sources=(IntakeOptions(name="lobby", session="talk", secret=SECRET),),
    )


@dataclass
class Process:
    """One process. `log` is what it wrote, line by line; `url` where it answers."""

    roles: tuple[str, ...]
    process: asyncio.subprocess.Process
    url: str = ""
    log: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """As asked to; waits until it is gone."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.terminate()
        await self.process.wait()

    async def ask(self, text: str, session: str = "talk") -> int:
        """Somebody new asks on its page; the status."""
        async with aiohttp.ClientSession() as somebody:
            path = f"{self.url}/api/v1/sessions/{session}/messages"
            headers = {"Sec-Fetch-Site": "same-origin"}
            async with somebody.post(path, json={"text": text}, headers=headers) as answer:
                return answer.status

    async def titles(self, session: str = "talk") -> list[str]:
        """The questions that its pages show."""
        async with (
            aiohttp.ClientSession() as somebody,
            somebody.get(f"{self.url}/api/v1/sessions/{session}/questions") as answer,
        ):
            return sorted(one["title"] for one in (await answer.json())["questions"])


@asynccontextmanager
async def process(folder: Path, url: str, *roles: str, sessions: int = 1) -> AsyncIterator[Process]:
    """A process with these roles, from when its model is loaded and until it stopped."""
    root = str(Path(__file__).parents[3])
    environ = {
        **os.environ,
        "PYTHONPATH": root + os.pathsep + os.environ.get("PYTHONPATH", ""),
        "SESSIONS": str(sessions),
    }
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bot.app.many", folder, url, *roles,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=root, env=environ,
    )  # fmt: skip
    one = Process(roles, made)
    ready = asyncio.Event()

    async def read() -> None:
        while made.stdout and (line := await made.stdout.readline()):
            one.log.append(line.decode().rstrip("\n"))
            if one.log[-1].startswith("READY "):
                one.url = one.log[-1].partition(" ")[2]
                ready.set()
        ready.set()

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        assert one.url, "\n".join(one.log)
        yield one
    finally:
        await one.stop()
        await reading


@dataclass
class Watcher:
    """An open event stream: the questions that it was told, by id, and how often each revision came."""

    titles: dict[str, str] = field(default_factory=dict)
    told: list[tuple[int, list[str]]] = field(default_factory=list)
    last: int = 0
    at: float = 0.0


@asynccontextmanager
async def watching(url: str, since: int | None = None, session: str = "talk") -> AsyncIterator[Watcher]:
    """A viewer's stream of a process; `since`: the Last-Event-ID to go on from."""
    watcher = Watcher()
    headers = {} if since is None else {"Last-Event-ID": str(since)}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as client:
        answer = await client.get(f"{url}/api/v1/sessions/{session}/events", headers=headers)
        reading = asyncio.create_task(_read(answer, watcher))
        try:
            yield watcher
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(answer: aiohttp.ClientResponse, watcher: Watcher) -> None:
    event = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("id: "):
            watcher.last = int(line.removeprefix("id: "))
        elif line.startswith("data: ") and event == "questions":
            told: list[dict[str, Any]] = json.loads(line.removeprefix("data: "))["questions"]
            watcher.told.append((watcher.last, [one["id"] for one in told]))
            watcher.titles |= {one["id"]: one["title"] for one in told}
            watcher.at = time.monotonic()


async def _serve(folder: str, url: str, roles: list[str]) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    made = settings(Path(folder), url, int(os.environ.get("SESSIONS", "1")))
    async with open_hall(made, encoder=SameWords(), roles=roles) as hall:
        await hall.loaded()
        print(f"READY {hall.url}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    set_up("info", "text")
    asyncio.run(_serve(sys.argv[1], sys.argv[2], sys.argv[3:]))
