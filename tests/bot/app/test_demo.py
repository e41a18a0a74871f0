import asyncio
import os
import re
import sys

import aiohttp
import pytest

PROGRAM = "from bot.cli import main; main()"


async def started(*options: str) -> asyncio.subprocess.Process:
    """As in `floormic demo | tee log`: a pipe is written to in blocks, unless somebody sees to it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "demo", *options, stdout=asyncio.subprocess.PIPE, env=environment
    )


async def test_addresses_come_at_once_wherever_they_are_written_to() -> None:
    """Long before it ends, also into a file or a pipe; and each of them is a page."""
    process = await started("--port", "0")
    assert process.stdout
    try:
        said = (await asyncio.wait_for(process.stdout.readuntil(b"Stop with"), 60)).decode()
        pages = re.findall(r"http://\S+/s/\S+", said)
        assert len(pages) == 10
        async with aiohttp.ClientSession() as viewer, viewer.get(pages[0]) as page:
            assert page.status == 200
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.model
async def test_once_it_plays_everything_and_ends() -> None:
    """Every message of the samples is understood, and some are answered from the course; then it stops by itself."""
    process = await started("--once")
    said = (await asyncio.wait_for(process.communicate(), 240))[0].decode()
    assert process.returncode == 0
    counts = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)", said, re.M)}
    assert counts["messages"] > counts["questions"] > counts["groups"] > counts["answers"] > 0
