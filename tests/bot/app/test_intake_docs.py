"""The programs of docs/intake.md, run as they stand there against the whole program."""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app import Hall, open_hall
from bot.connectors.intake import IntakeOptions, signature
from tests.bot.app.test_hall import _questions, settings, until, visitor
from tests.fakes import HashEncoder

PAGE = (Path(__file__).parents[3] / "docs/intake.md").read_text(encoding="utf-8")
CLIENT, RECEIVER = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(SHELL,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SECRET = "a-secret-of-both-programs"


@asynccontextmanager
async def lobby(folder: Path, reply_url: str = "") -> AsyncIterator[tuple[Hall, dict[str, str]]]:
    """A hall with the intake "lobby", and the environment that its clients need."""
    options = {"reply_url": reply_url} if reply_url else {}
    source = IntakeOptions(name="lobby", session="talk", secret=SECRET, **options)
    async with open_hall(settings(folder, sources=(source,)), encoder=HashEncoder()) as hall:
        await hall.loaded()
        yield hall, {**os.environ, "FLOORMIC_URL": f"{hall.url}/in/lobby", "FLOORMIC_SECRET": SECRET}


async def told(*command: str, given: str = "", environment: dict[str, str]) -> tuple[int, str]:
    """Exit status and what it printed."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(given.encode()), 60)
    return process.returncode or 0, output.decode()


async def test_the_client_in_python_posts_a_line(tmp_path: Path) -> None:
    """It is taken once however often it runs, and the queue has the question; a wrong secret is told."""
    async with lobby(tmp_path) as (hall, environment):
        post = (sys.executable, "-c", CLIENT, "m1", "ann", "Is there a recording?")
        assert await told(*post, environment=environment) == (0, "{'accepted': 1, 'new': 1}\n")
        assert await told(*post, environment=environment) == (0, "{'accepted': 1, 'new': 0}\n")
        status, output = await told(*post, environment={**environment, "FLOORMIC_SECRET": "another"})
        assert status == 1
        assert output.startswith("403 ")
        async with visitor(hall) as viewer:
            (question,) = await until(lambda: _questions(viewer, people=1))
    assert question["chats"] == {"lobby": 1}


@pytest.mark.peer
@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("openssl"), reason="needs curl and openssl")
async def test_the_client_of_curl_and_openssl_posts_a_line(tmp_path: Path) -> None:
    """The same request, signed by OpenSSL and sent by curl."""
    line = json.dumps({"id": 7, "user": "bob", "text": 'Is "this" recorded? 有录播吗？'}, ensure_ascii=False)
    async with lobby(tmp_path) as (_, environment):
        status, output = await told("sh", "-c", SHELL, given=f"{line}\n", environment=environment)
        assert (status, output) == (0, '{"accepted": 1, "new": 1}')
        status, output = await told("sh", "-c", SHELL, given='{"id": 8}', environment=environment)
    assert status == 22
    assert "0.user: Field required" in output


async def test_the_receiver_of_answers_says_each_once(tmp_path: Path) -> None:
    """What the bot says to a line that was posted comes out of the receiver of the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FLOORMIC_SECRET": SECRET}
    receiver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RECEIVER, str(port)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with lobby(tmp_path, f"http://127.0.0.1:{port}/answers") as (_, environment):
            command = (sys.executable, "-c", CLIENT, "m1", "ann", "Is there a recording?")
            await told(*command, environment=environment)
            assert receiver.stdout
            said = await asyncio.wait_for(receiver.stdout.readline(), 20)
    finally:
        receiver.kill()
        await receiver.wait()
    assert said.decode().strip() == "ann Got your question: Is there a recording?"


def test_the_signature_of_the_page_is_right() -> None:
    """The example by which somebody else checks their own program."""
    example = re.search(r"secret `(.+?)`, the timestamp `(.+?)` and the body `(.+?)` it is\s+`(.+?)`", PAGE)
    assert example
    secret, stamp, body, expected = example.groups()
    assert signature(secret.encode(), stamp, body.encode()) == expected


def test_the_programs_are_short() -> None:
    """About twenty lines, so that they can be read."""
    assert all(len(program.splitlines()) <= 26 for program in (CLIENT, RECEIVER, SHELL))
