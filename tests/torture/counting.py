"""What it costs that the program counts, names and looks after itself."""

import asyncio
from statistics import median

import aiohttp

from tests.torture._posting import Load, post
from tests.torture._serving import Server, serving
from tests.torture.intake import CONNECTIONS, LOBBIES, placed, singles
from tests.torture.scenario import Run, scenario

COSTS = 3.0
"""Percent that watching may cost."""


async def _round(server: Server, count: int, what: str, *, read: bool) -> tuple[float, float]:
    """Messages accepted a second, and seconds of processor for all of them until the last one is placed. `read`: the
    metrics are, too, once; a round lasts a second, and Prometheus comes every fifteen."""
    cpu, before = server.cpu(), placed(server.database)
    result = await post(Load(server.port, singles(count, what), CONNECTIONS, until=60))
    if read:
        page = f"http://127.0.0.1:{server.port}/metrics"
        async with aiohttp.ClientSession() as prometheus, prometheus.get(page) as answer:
            answer.raise_for_status()
            await answer.read()
    async with asyncio.timeout(60):
        while placed(server.database) - before < len(result.accepted):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    if len(result.accepted) != count:
        raise RuntimeError(f"{count - len(result.accepted)} of {count} messages were not accepted")
    return count / result.seconds, server.cpu() - cpu


@scenario("being-counted", seconds=120, daily=False)
async def counted(run: Run) -> None:
    """Two programs take in the same messages by turns, one of them unwatched: the other takes in at least 97 % as many
    a second, for at most 3 % more of the processor."""
    rounds, count = (1, 200) if run.short else (8, 1_000)
    async with (
        serving(run.folder / "watched", lobbies=LOBBIES) as watched,
        serving(run.folder / "unwatched", watched=False, lobbies=LOBBIES) as unwatched,
    ):
        pairs = []
        for turn in range(rounds + 1):
            both = [
                await _round(server, count, f"{turn}", read=server is watched and turn == rounds)
                # Whoever comes second finds the disk busy with the first one's log.
                for server in ((watched, unwatched) if turn % 2 else (unwatched, watched))
            ]
            pairs.append(both if turn % 2 else both[::-1])
            run.say(f"{pairs[-1][0][0]:.0f} a second watched, {pairs[-1][1][0]:.0f} unwatched")
        pairs = pairs[1:]  # what the first requests cost once is no part of it
        rates = [100 * mine[0] / theirs[0] for mine, theirs in pairs]
        costs = [100 * (mine[1] / theirs[1] - 1) for mine, theirs in pairs]
        run.figure("accepted a second, unwatched", median(theirs[0] for _, theirs in pairs), "/s")
        run.figure("accepted a second, watched", median(mine[0] for mine, _ in pairs), "/s")
        run.figure("watched as part of unwatched (median of pairs)", median(rates), "%", least=100 - COSTS, timing=True)
        run.figure("more processor (median of pairs)", median(costs), "%", most=COSTS, timing=True)
        run.figure("rounds without a message that was refused or not placed", len(pairs), least=rounds)
