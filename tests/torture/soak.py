"""Hours at a low rate, by hand: `python -m tests.torture.soak --minutes 120`. Not among the scenarios.

Each minute it notes the program's memory (PSS and RSS), its descriptors and by how much its event loop was late, and in
the end how much each grew an hour after the first tenth. Signed messages come in, viewers come, ask, vote and go, and a
few watch all the time. What is known of an asking takes memory, on purpose, so few ask, and what others asked already:
an evening as it is, and not a flood.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import aiohttp

from tests.torture._posting import line, signed
from tests.torture._serving import Server, serving

TARGET = 1.0
"""Percent an hour."""

QUESTIONS = 60
"""Different questions that are asked over and over, so that what is known of them does not grow."""

WATCHING = 20

ASKING = 0.03
"""Share of the messages, and of the viewers, that ask."""


def growth(values: Sequence[tuple[float, float]]) -> float:
    """Percent an hour of (seconds, value): the median of the slopes between any two, which a few outliers do not move
    (Theil and Sen), against the median value."""
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(values, 2) if t > s]
    middle = statistics.median(value for _, value in values)
    return 100 * 3600 * statistics.median(slopes) / middle if slopes and middle else 0.0


async def _say(server: Server, rate: float, dice: random.Random) -> None:
    """Signed messages, over a connection each hundred."""
    number = 0
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in range(100):
            number += 1
            text = f"Is part {dice.randrange(QUESTIONS)} of the talk recorded?" if dice.random() < ASKING else "Thanks!"
            writer.write(signed(line(f"soak-{number}", f"u{dice.randrange(300)}", text)))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))
            await asyncio.sleep(dice.expovariate(rate))
        writer.close()


async def _come_and_go(server: Server, dice: random.Random) -> None:
    """A viewer that opens the page, reads the queue, votes, asks now and then, and leaves."""
    origin, same = f"http://127.0.0.1:{server.port}", {"Sec-Fetch-Site": "same-origin"}
    session = f"{origin}/api/v1/sessions/talk"
    while True:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers=same) as viewer:
            for path in ("/s/talk", "/api/v1/sessions/talk/mine", "/api/v1/sessions/talk/polls"):
                async with viewer.get(origin + path) as answer:
                    await answer.read()
            async with viewer.get(f"{session}/questions") as answer:
                shown = (await answer.json())["questions"]
            if shown:
                async with viewer.put(f"{session}/questions/{dice.choice(shown)['id']}/vote") as answer:
                    await answer.read()
            if dice.random() < ASKING:
                body = {"text": f"Is part {dice.randrange(QUESTIONS)} of the talk recorded?"}
                async with viewer.post(f"{session}/messages", json=body) as answer:
                    await answer.read()
        await asyncio.sleep(dice.expovariate(0.5))


async def _watch(server: Server, dice: random.Random) -> None:
    """An open event stream, which comes again after a while as phones do."""
    while True:
        timeout = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(timeout=timeout) as viewer,
            viewer.get(f"http://127.0.0.1:{server.port}/api/v1/sessions/talk/events") as stream,
        ):
            with suppress(TimeoutError):
                async with asyncio.timeout(dice.uniform(60, 600)):
                    async for _ in stream.content.iter_any():
                        pass


async def soak(minutes: float, rate: float) -> bool:
    dice = random.Random(20_261_126)
    notes: dict[str, list[tuple[float, float]]] = {"PSS": [], "RSS": [], "descriptors": []}
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as server:
            works = [
                _say(server, rate, dice),
                _come_and_go(server, dice),
                *(_watch(server, dice) for _ in range(WATCHING)),
            ]
            tasks = [asyncio.ensure_future(work) for work in works]
            began = time.monotonic()
            print("minute    PSS MB    RSS MB  descriptors  longest lag ms  database MB", flush=True)
            while (passed := time.monotonic() - began) < 60 * minutes:
                await asyncio.sleep(60)
                for task in tasks:
                    if task.done():
                        task.result()
                now = {"PSS": server.memory(), "RSS": server.resident(), "descriptors": float(server.descriptors())}
                for what, value in now.items():
                    notes[what].append((passed, value))
                size = server.database.stat().st_size / 1e6
                print(
                    f"{passed / 60 + 1:6.0f}{now['PSS']:10.1f}{now['RSS']:10.1f}{now['descriptors']:13.0f}"
                    f"{server.lag():16.1f}{size:13.1f}",
                    flush=True,
                )
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    warm = max(1, len(notes["PSS"]) // 10)
    grown = {what: growth(values[warm:]) for what, values in notes.items()}
    for what, percent in grown.items():
        verdict = "pass" if percent <= TARGET else "FAIL"
        print(f"{verdict} {what}: {percent:+.2f} % an hour (at most {TARGET:g}), over {minutes:g} minutes")
    return all(percent <= TARGET for percent in grown.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=1.0, help="signed messages a second")
    chosen = parser.parse_args()
    sys.exit(0 if asyncio.run(soak(chosen.minutes, chosen.rate)) else 1)
