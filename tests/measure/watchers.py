"""What it costs when a whole hall watches: `python -m tests.measure.watchers`.

The program runs in a process of its own, with the bundled model, on the sample chat: a sender posts it over and over,
from ever new people, to the signed intake at a steady rate. Beside it this process holds the event streams of many
viewer pages and some boards, as browsers do; one viewer in twenty never reads and one in twenty reads 1 KB a second. A
message counts as shown to a watcher when the bytes that brought its question to a number of messages that includes it
are there.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bot.app import Hall, open_hall
from tests.measure.board import send, settings
from tests.torture._streams import Watcher, connect_all

SLOW = 20  # one in so many never reads, the next one reads slowly


class FirstBoard(Watcher):
    """A board that keeps what the events said."""

    def __init__(self, host: str) -> None:
        super().__init__(host, kind="board")
        self.events: list[tuple[int, float, str, int]] = []
        self._rest = b""

    def _told(self, data: bytes) -> None:
        super()._told(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b'data: {"revision"'):
                told = json.loads(line[6:])
                for question in told["questions"]:
                    self.events.append((told["revision"], time.time(), question["id"], question.get("messages", 0)))


def serve(folder: str, pipe: Connection) -> None:
    asyncio.run(_serve(Path(folder), pipe))


async def _serve(folder: Path, pipe: Connection) -> None:
    async with open_hall(settings(folder)) as hall:
        await hall.loaded()
        pipe.send((hall.url, hall.link("moderator")))
        base = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.to_thread(pipe.recv)
        await hall.drained()
        now = resource.getrusage(resource.RUSAGE_SELF)
        seconds = now.ru_utime + now.ru_stime - base.ru_utime - base.ru_stime
        pipe.send((await _placed(hall), seconds, resident()))
        await asyncio.to_thread(pipe.recv)


async def _placed(hall: Hall) -> list[tuple[str, str]]:
    found = await hall.store.placements("talk")
    return [
        (message.external_id, placement.question) for message, placement in found if placement and placement.question
    ]


def resident() -> int:
    """Bytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def login(url: str, link: str) -> str:
    """A moderator's cookie."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.post(link, headers={"Origin": url}) as reply:
            reply.raise_for_status()
        return "; ".join(f"{cookie.key}={cookie.value}" for cookie in client.cookie_jar)


async def watch(url: str, cookie: str, viewers: int, boards: int, attentive: bool) -> list[Watcher]:
    """The boards first."""
    host, port = urlsplit(url).netloc, urlsplit(url).port or 80
    odd = {} if attentive else {0: "deaf", 1: "slow"}
    watchers: list[Watcher] = [FirstBoard(host), *(Watcher(host, kind="board") for _ in range(boards - 1))]
    for board in watchers:
        board.cookie = cookie
    watchers += [Watcher(host, kind=odd.get(n % SLOW, "viewer")) for n in range(viewers)]
    await connect_all(port, watchers)
    assert all(watcher.status == 200 for watcher in watchers)
    return watchers


def delays(watcher: Watcher, shown_at: dict[str, int], sent: dict[str, float]) -> list[float]:
    """Seconds from sending each message to the first bytes with its revision; `shown_at`: that, by message."""
    found, place, seen = [], 0, watcher.seen
    for message, revision in sorted(shown_at.items(), key=lambda one: one[1]):
        while place < len(seen) and seen[place][0] < revision:
            place += 1
        if place < len(seen):
            found.append(seen[place][1] - sent[message])
    return found


def told(name: str, took: list[float]) -> None:
    percentile = statistics.quantiles(sorted(took), n=100)
    print(
        f"{name:<10} median {percentile[49] * 1000:5.0f} ms, p99 {percentile[98] * 1000:5.0f} ms, "
        f"most {max(took) * 1000:5.0f} ms, {len(took):,} deliveries"
    )


async def measure(viewers: int, boards: int, rate: float, seconds: float, attentive: bool) -> None:
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, theirs))
        process.start()
        try:
            url, link = await asyncio.to_thread(ours.recv)
            began = time.time()
            watchers = await watch(url, await login(url, link), viewers, boards, attentive)
            print(f"watching   {viewers:,} viewers and {boards} boards after {time.time() - began:.1f} s")
            sent = await send(url, rate, seconds)
            ours.send("sent")
            placed, busy, memory = await asyncio.to_thread(ours.recv)
            await asyncio.sleep(1.0)
            ours.send("done")
        finally:
            process.join(20)
            process.kill()
    first: dict[tuple[str, int], int] = {}
    board = watchers[0]
    assert isinstance(board, FirstBoard)
    for revision, _, question, messages in board.events:
        for n in range(messages, 0, -1):
            if (question, n) in first:
                break
            first[question, n] = revision
    position: dict[str, int] = defaultdict(int)
    shown_at = {}
    for message, question in placed:
        position[question] += 1
        if revision := first.get((question, position[question])):
            shown_at[message] = revision
    print(
        f"messages   {len(sent)} at {rate:g} a second, {len(placed)} askings, {len(shown_at)} of them shown on boards"
    )
    print(f"program    {busy / seconds:.0%} of a core, {memory >> 20} MB")
    for kind, name in (("board", "boards"), ("viewer", "viewers")):
        some = [w for w in watchers if w.kind == kind]
        told(name, [seconds for w in some for seconds in delays(w, shown_at, sent)])
        print(f"{'':<10} {sum(w.lost_at > 0 for w in some)} lost")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2000)
    parser.add_argument("--boards", type=int, default=20)
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--attentive", action="store_true", help="every viewer reads")
    chosen = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    asyncio.run(measure(chosen.viewers, chosen.boards, chosen.rate, chosen.seconds, chosen.attentive))
