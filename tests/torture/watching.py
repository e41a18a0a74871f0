"""A whole hall that watches: how fast it comes in, how fast it is told, what those cost who do not read, and what is
left for staff and for messages where no more fit."""

import asyncio
import json
import time
from contextlib import suppress

import aiohttp

from bot.connectors.intake import signature
from tests.torture._hall import TALK
from tests.torture._people import API, SECRET
from tests.torture._streams import LONGEST, Watcher, connect
from tests.torture._watchers import Hall, as_many, delays, hall, join, p99, told, until
from tests.torture.scenario import Run, scenario

FILES = 256  # that a program may open which is to be filled
IDLE = 300  # connections that ask for nothing
SLOT = 0.1  # seconds: at most a tenth of those who lost their stream come back within the same


@scenario("join-storm", seconds=60, daily=False)
async def storm(run: Run) -> None:
    """10,000 people come at once, each with the page and then its event stream: 1,000 and more a second get in."""
    wanted = as_many(run, 300 if run.short else 10_000)
    async with hall(run) as opened:
        began, busy = time.time(), opened.busy
        watchers = await join(opened.port, [""] * wanted, page=True)
        took, worked = time.time() - began, opened.busy - busy
        run.figure("who did not get in", sum(watcher.status != 200 for watcher in watchers), most=0)
        run.figure("who lost their stream", sum(watcher.lost_at > 0 for watcher in watchers), most=0)
        people = len({watcher.cookie for watcher in watchers})
        run.figure("who got somebody else's cookie", wanted - people, most=0)
    run.figure("joins", wanted / took, "a second", least=1000, timing=True)
    run.figure("processor time of the program", worked / wanted * 1e6, "µs a join", timing=True)


@scenario("fan-out", seconds=60, daily=False)
async def fan_out(run: Run) -> None:
    """10,000 watch while five votes a second come in: each is on every page within 200 ms (p99), however many watch."""
    async with hall(run) as opened:
        watchers = await join(opened.port, [""] * as_many(run, 300 if run.short else 10_000))
        busy, began = opened.busy, time.time()
        votes = await opened.votes(5, 2 if run.short else 12)
        knowing = await told(watchers, max(revision for revision, _ in votes))
        run.figure("watchers that missed something", len(watchers) - knowing, most=0)
        load = (opened.busy - busy) / (time.time() - began)
        took = delays(watchers, votes)
        run.figure("from the vote to the bytes, p99", p99(took) * 1000, "ms", most=200, timing=True)
        run.figure("of a core used", load * 100, "%", timing=True)
        run.figure("memory", opened.memory / 2**20, "MB", timing=True)


@scenario("slow-watchers", seconds=60, daily=False)
async def slow(run: Run) -> None:
    """Of 2,000 watchers one in twenty never reads and one in twenty reads 1 KB a second: the others hear of each vote
    at most half as late again, and none of them is lost; nor does one who reads slowly lose their stream."""
    wanted, seconds = as_many(run, 300 if run.short else 2000), 2 if run.short else 10
    odd = wanted // 20
    async with hall(run, length=300) as opened:
        empty = opened.memory
        readers = await join(opened.port, [""] * (wanted - 2 * odd))
        base = delays(readers, await opened.votes(5, seconds))
        full = opened.memory
        others = await join(opened.port, ["deaf", "slow"] * odd)
        votes = await opened.votes(5, seconds)
        took = delays(readers, [vote for vote in votes if vote[0] > 0])
        more = (opened.memory - full) / len(others) - (full - empty) / len(readers)
        knowing = await told(readers, max(revision for revision, _ in votes))
        run.figure("readers that missed something", len(readers) - knowing, most=0)
        lost = sum(watcher.lost_at > 0 for watcher in others if watcher.kind == "slow")
        run.figure("slow ones that lost their stream", lost, most=0)
        run.figure("from the vote to the bytes, p99, all reading", p99(base) * 1000, "ms", timing=True)
        run.figure("the same beside those who do not read", p99(took) / p99(base), "times", most=1.5, timing=True)
        run.figure("memory of one that does not read, more than of one that does", more / 1024, "KB", most=64,
                   timing=run.short)  # fmt: skip


@scenario("full-house", seconds=60, daily=False)
async def full(run: Run) -> None:
    """More watch than files may be open, and hundreds of connections ask for nothing: watchers that find no place are
    told when to come again, the intake takes every message, and a moderator's board opens and is told what is new."""
    async with hall(run, files=FILES) as opened:
        watchers = await join(opened.port, [""] * FILES)
        seated = [watcher for watcher in watchers if watcher.status == 200]
        refused = [watcher for watcher in watchers if watcher.status == 503]
        run.figure("watchers that found a place", len(seated), f"of {len(watchers)}", least=50)
        run.figure("watchers that were left without an answer", len(watchers) - len(seated) - len(refused), most=0)
        elsewhere = await join(opened.port, [""] * 10, host="127.0.0.2")
        run.figure("of ten from elsewhere, who found none", sum(one.status != 200 for one in elsewhere), most=0)
        idle = [await _silent(opened) for _ in range(IDLE)]
        began = time.time()
        accepted, longest = await _messages(opened, 50)
        run.figure("messages that the intake took, of 50", accepted, least=50)
        run.figure("the longest that one of them tried", longest, "s", most=5, timing=True)
        board = await _board(opened)
        run.figure("a moderator's board", board.status, "", least=200, most=200)
        run.figure("until it was open", time.time() - began, "s", timing=True)
        votes = await opened.votes(5, 2)
        last = max(revision for revision, _ in votes)
        run.figure("boards that missed something", 1 - await told([board], last), most=0)
        run.figure("watchers that lost their place", len(seated) - await told(seated, last), most=0)
        for writer in idle:
            writer.close()


async def _silent(opened: Hall) -> asyncio.StreamWriter:
    """A connection on which nothing is asked."""
    _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
    return writer


async def _messages(opened: Hall, number: int) -> tuple[int, float]:
    """Sends so many to the signed intake, each on a connection of its own, tried until it is taken; how many were, and
    how long the longest took (seconds)."""
    longest, accepted = 0.0, 0
    for n in range(number):
        body = json.dumps({"id": f"m{n}", "user": f"u{n}", "text": f"What about {n}?"}).encode()
        began = time.time()
        while time.time() - began < LONGEST / 4:
            stamp = str(int(time.time()))
            headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(SECRET.encode(), stamp, body)}
            try:
                async with (
                    aiohttp.ClientSession(opened.program.url) as client,
                    client.post("/in/lobby", data=body, headers=headers) as reply,
                ):
                    if reply.status == 200:
                        accepted += 1
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
        longest = max(longest, time.time() - began)
    return accepted, longest


async def _board(opened: Hall) -> Watcher:
    """Somebody signs in, opens the board, and listens as it does."""
    async with (
        aiohttp.ClientSession(
            opened.program.url,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Origin": opened.program.url, "Connection": "close"},
        ) as browser,
        asyncio.timeout(LONGEST),
    ):
        for what, address in (
            (browser.post, opened.link),
            (browser.get, f"/s/{TALK}/board"),
            (browser.get, f"{API}/questions?as=expert"),
        ):
            while True:
                try:
                    async with what(address) as reply:
                        if reply.status < 400:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        cookie = "; ".join(f"{one.key}={one.value}" for one in browser.cookie_jar)
    watcher = Watcher(f"127.0.0.1:{opened.port}")
    watcher.cookie = cookie
    await connect(opened.port, watcher)
    return watcher


@scenario("reconnect-storm", seconds=60, daily=False)
async def reconnect(run: Run) -> None:
    """The program is killed and started again while 2,000 watch: they come back over some seconds and not all at once,
    are told what is new and nothing twice, and miss no vote."""
    wanted = as_many(run, 200 if run.short else 2000)
    async with hall(run) as opened:
        program = opened.program
        watchers = await join(opened.port, [""] * wanted)
        whole = watchers[0].first
        await told(watchers, max(revision for revision, _ in await opened.votes(5, 1)))
        program.kill()
        await program.dead()
        await until(lambda: all(watcher.lost_at for watcher in watchers))
        due = sorted(watcher.lost_at + watcher.retry / 1000 for watcher in watchers)
        most = max(sum(at <= other < at + SLOT for other in due) for at in due[:: max(1, wanted // 200)])
        coming = [asyncio.ensure_future(_come_back(opened, watcher)) for watcher in watchers]
        await program.start()
        await program.ready()
        ready = time.time()
        back = await asyncio.gather(*coming)
        took = time.time() - ready
        votes = await opened.votes(5, 1)
        knowing = await told(back, max(revision for revision, _ in votes))
        run.figure("who did not come back", sum(watcher.status != 200 for watcher in back), most=0)
        run.figure("who missed something", wanted - knowing, most=0)
        run.figure("who were sent all anew", sum(watcher.first > whole / 2 for watcher in back), most=0)
        run.figure(f"who were told to come in the same {SLOT * 1000:.0f} ms", most / wanted * 100, "%", most=10)
        run.figure("all back after the program was", took, "s", most=15, timing=True)


async def _come_back(opened: Hall, lost: Watcher) -> Watcher:
    """As a browser does it: after the time it was told, with what it knows, again and again."""
    await asyncio.sleep(lost.lost_at + lost.retry / 1000 - time.time())
    while True:
        watcher = Watcher(lost.host, last=lost.last)
        with suppress(OSError):  # nobody listens yet
            await connect(opened.port, watcher)
        if watcher.status:
            return watcher
        await asyncio.sleep(lost.retry / 1000)
