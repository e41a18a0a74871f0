"""The real program in a process of its own, with its configuration, its log and its pages."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 90.0
"""Seconds until the model must be loaded, on a machine that does much else."""


class Running:
    """`log` holds what it wrote to standard error, line by line; `url` where its pages are."""

    def __init__(self, process: asyncio.subprocess.Process, client: aiohttp.ClientSession) -> None:
        self.process, self.client = process, client
        self.url = ""
        self.log: list[str] = []
        self.said: list[str] = []

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log, one JSON object a line."""
        return [json.loads(line) for line in self.log]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.client.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def ask(self, text: str, **more: Any) -> tuple[int, dict[str, Any], str]:
        """Somebody new asks on the page; status, answer, and the id of the request."""
        async with aiohttp.ClientSession() as somebody:
            path = f"{self.url}/api/v1/sessions/talk/messages"
            headers = {"Sec-Fetch-Site": "same-origin"}
            async with somebody.post(path, json={"text": text, **more}, headers=headers) as answer:
                return answer.status, await answer.json(), answer.headers["X-Request-ID"]


@asynccontextmanager
async def running(folder: Path, config: str, *options: str) -> AsyncIterator[Running]:
    """`floormic run` with this configuration, until it was asked to stop and did."""
    file = folder / "floormic.toml"
    file.write_text(config, encoding="utf-8")
    program = "from bot.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "run", "--config", file, *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=folder,
    )  # fmt: skip
    async with aiohttp.ClientSession() as client:
        made = Running(process, client)

        async def read(stream: asyncio.StreamReader | None, into: list[str]) -> None:
            while stream and (line := await stream.readline()):
                into.append(line.decode().rstrip("\n"))
                if into is made.said and "listening at " in into[-1]:
                    made.url = into[-1].rpartition(" ")[2]

        readers = [
            asyncio.create_task(read(process.stderr, made.log)),
            asyncio.create_task(read(process.stdout, made.said)),
        ]
        try:
            async with asyncio.timeout(PATIENCE):
                while not made.url:
                    assert process.returncode is None, "\n".join(made.log)
                    await asyncio.sleep(0.05)
            yield made
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await asyncio.gather(*readers)
