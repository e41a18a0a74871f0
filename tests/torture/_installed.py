"""An installation in a folder of its own, run as a process of its own and worked on with the real commands.

`python -m tests.torture._installed CONFIG` runs it as `floormic run` does, with an encoder that needs no loading, and
prints its sign-in link.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot import app
from bot.app.hall import open_hall, until_stopped
from tests.bot.encoders import SameWords

SECRET = "only-for-the-torture-of-backups"
LOBBIES = 4
"""Sources, so that none of them brings more a second than its door lets in."""
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


def configuration(port: int) -> str:
    lobbies = "".join(f'\n[[intake]]\nname = "lobby{n}"\nsecret_file = "data/lobby"\n' for n in range(LOBBIES))
    return f'[web]\nport = {port}\n\n[[session]]\nid = "talk"\ntitle = "Torture"\nlanguage = "en"\n{lobbies}'


@dataclass
class Installed:
    """A configuration in `folder`; whatever it names may be there already."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "data/floormic.sqlite3"

    def found(self) -> None:
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "data/lobby").write_text(SECRET)
        (self.folder / "floormic.toml").write_text(configuration(self.port))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """The program until the block ends, then it is killed with SIGKILL; gives the sign-in link."""
        with (self.folder / "log.txt").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.torture._installed", self.folder / "floormic.toml",
                stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        try:
            assert process.stdout
            link = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
            if not link:
                raise RuntimeError(f"the program did not start: {(self.folder / 'log.txt').read_text()[-2000:]}")
            yield link
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def floormic(self, *arguments: str | Path) -> str:
        """One of the commands, in this folder; what it printed. Raises `RuntimeError` where it failed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", *arguments,
            cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"floormic {' '.join(map(str, arguments))}: {process.returncode}\n{said.decode()}")
        return said.decode()


@dataclass
class Ledger:
    """What the client was told that it is kept: the hash of the words and when (Unix time), by id. `took` are seconds
    from when a line was due, by when that was (monotonic)."""

    kept: dict[str, tuple[str, float]] = field(default_factory=dict)
    took: list[tuple[float, float]] = field(default_factory=list)
    unanswered: int = 0

    async def until(self, lines: int) -> None:
        """Until so many are kept."""
        while len(self.kept) < lines:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def before(self, moment: float) -> dict[str, str]:
        return {id: digest for id, (digest, at) in self.kept.items() if at <= moment}

    def p99(self, since: float, until: float) -> float:
        """Milliseconds; of what was due in that time."""
        found = sorted(seconds for due, seconds in self.took if since <= due < until)
        return found[int(len(found) * 0.99)] * 1000 if found else float("nan")


async def post_until(over: asyncio.Event, url: str, rate: float, ledger: Ledger) -> None:
    """Lines at an even rate (a second), each when it is due, however long the one before takes; each is sent again
    under its id until it is kept."""
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(20)) as client:
        posts: set[asyncio.Task[None]] = set()
        began, number = time.monotonic(), 0
        while not over.is_set():
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(_post(client, url, number, due, ledger))
            posts.add(task)
            task.add_done_callback(posts.discard)
            number += 1
        await asyncio.gather(*posts)


async def _post(client: aiohttp.ClientSession, url: str, number: int, due: float, ledger: Ledger) -> None:
    id, text = f"line-{number}", f"good evening from seat {number}"
    body = json.dumps({"id": id, "user": f"seat{number % 500}", "text": text}).encode()
    for _ in range(5):
        stamp = str(int(time.time()))
        digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with client.post(f"{url}/in/lobby{number % LOBBIES}", data=body, headers=headers) as reply:
                if reply.status == 200:
                    now = time.monotonic()
                    ledger.kept[id] = (hashlib.sha256(text.encode()).hexdigest(), time.time())
                    ledger.took.append((due, now - due))
                    return
                await asyncio.sleep(float(reply.headers.get("Retry-After", 0.1)))
    ledger.unanswered += 1


async def main(config: Path) -> None:
    async with open_hall(app.load(config), encoder=SameWords()) as hall:
        await hall.loaded()
        print(hall.link(), flush=True)
        await until_stopped(hall)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
