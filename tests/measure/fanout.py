"""What it costs to tell everybody, without the model: `python -m tests.measure.fanout`.

The program runs in a process of its own with a queue of 100 questions. This process opens many event streams as viewer
pages do, each new person with the page first (join storm), then somebody votes several times a second and each stream
counts from the commit of the vote to the bytes that bring it (fan-out). With `--slow` one in twenty never reads and one
in twenty reads 1 KB a second.
"""

import argparse
import asyncio
import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from bot.app import Hall, open_hall
from bot.model import Message, Person
from tests.bot.web.browsing import SameWords
from tests.measure.board import settings
from tests.measure.watchers import Watcher, resident, told, watch

QUESTIONS = 100
VISITORS = 200  # pages that are fetched at the same time


def serve(folder: str, pipe: Connection, rate: float, seconds: float) -> None:
    asyncio.run(_serve(Path(folder), pipe, rate, seconds))


async def _serve(folder: Path, pipe: Connection, rate: float, seconds: float) -> None:
    async with open_hall(settings(folder), encoder=SameWords()) as hall:
        await hall.loaded()
        asked = [
            Message(
                "talk",
                "chat",
                f"m{n}",
                f"u{n}",
                f"Person {n}",
                f"Why is number {n} so large?",
                1000.0 + n,
                explicit=True,
            )
            for n in range(QUESTIONS)
        ]
        await hall.floor.receive(asked)
        await hall.drained()
        pipe.send(hall.url)
        await asyncio.to_thread(pipe.recv)
        pipe.send(await _votes(hall, rate, seconds))
        await asyncio.to_thread(pipe.recv)
        pipe.send(resident())


async def _votes(hall: Hall, rate: float, seconds: float) -> list[tuple[int, float]]:
    """Revision and time of each commit."""
    questions = await hall.store.questions("talk")
    began, committed = time.time(), []
    for n in range(round(rate * seconds)):
        await asyncio.sleep(began + n / rate - time.time())
        question = questions[n % len(questions)].id
        await hall.store.vote(question, Person("web", f"voter{n}", ""), True, time.time())
        at = time.time()
        hall.live.changed("talk")
        committed.append(((await hall.store.question(question)).revision, at))
    return committed


async def visit(url: str, people: int) -> float:
    """Seconds until so many new people have the page."""
    parts, began = urlsplit(url), time.time()
    turns = asyncio.Semaphore(VISITORS)

    async def one() -> None:
        async with turns:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(f"GET /s/talk HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()

    await asyncio.gather(*(one() for _ in range(people)))
    return time.time() - began


def delays(watcher: Watcher, committed: list[tuple[int, float]]) -> list[float]:
    found, place = [], 0
    for revision, at in committed:
        while place < len(watcher.seen) and watcher.seen[place][0] < revision:
            place += 1
        if place < len(watcher.seen):
            found.append(watcher.seen[place][1] - at)
    return found


async def measure(viewers: int, rate: float, seconds: float, slow: bool) -> None:
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (folder, theirs, rate, seconds)
        process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments)
        process.start()
        try:
            url = await asyncio.to_thread(ours.recv)
            paged = await visit(url, viewers)
            began = time.time()
            watchers = await watch(url, "", viewers, 0, attentive=not slow)
            joined = time.time() - began
            ours.send("vote")
            committed = await asyncio.to_thread(ours.recv)
            await asyncio.sleep(2.0)
            ours.send("done")
            memory = await asyncio.to_thread(ours.recv)
        finally:
            process.join(20)
            process.kill()
    both, pages, streams = (viewers / took for took in (paged + joined, paged, joined))
    print(f"join storm {both:,.0f} a second: pages {pages:,.0f}, streams {streams:,.0f}")
    reading = [w for w in watchers if w.kind == "viewer"]
    print(f"fan-out    {len(committed)} votes at {rate:g} a second to {len(watchers):,} streams; {memory >> 20} MB")
    told("viewers", [delay for w in reading for delay in delays(w, committed)])
    print(f"           {sum(w.lost for w in reading)} of those that read were lost")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=5.0, help="votes a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--slow", action="store_true", help="one in ten reads slowly or never")
    chosen = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(measure(chosen.viewers, chosen.rate, chosen.seconds, chosen.slow))
