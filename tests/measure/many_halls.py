"""Many halls at once on this machine, against what the model says: `python -m tests.measure.many_halls FIGURES`.

Real processes: two web processes, two pipelines, connectors, an outbox, one encoder with the bundled model, PostgreSQL.
Each hall has a board and some viewers and hears the sample chat at a reduced rate. What each part used of the processor
and when messages stood on the boards is set beside what `tests.measure.capacity` reckons from `FIGURES`.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.installation import Installation, connections, encoder, pid_of, postgres, written
from tests.measure.capacity import PARTS, Evening, busy, read
from tests.measure.loading import Loaded, meter, p, step

WEBS, PIPELINES = 2, 2


async def measure(
    halls: int, rate: float, viewers: int, seconds: float, light: bool
) -> tuple[Loaded, Mapping[str, float], float, int]:
    """What was seen, processors in use by part, notifying commits a second, connections."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(postgres())
        service = await stack.enter_async_context(encoder(folder, light=light))
        inst = Installation(folder, halls=halls, database=server.url(), model=f"unix:{folder / 'encoder.sock'}")
        names = [f"web{n}" for n in range(WEBS)] + [f"pipeline{n}" for n in range(PIPELINES)] + ["connectors", "outbox"]
        for name in names:
            inst.add(name, name.rstrip("0123456789"))
        stack.push_async_callback(inst.stop)
        await inst.start()
        counting = meter(inst, {"encoder": service.pid, "postgres": pid_of(server)})
        cookie = await inst.cookie()
        await step(inst, "warm", range(halls), 1.0 / 20, 20.0, counting, cookie=cookie)
        print(f"sessions shared out {await inst.shared_out(PIPELINES, 1):.0f} s later", flush=True)
        before = await asyncio.to_thread(written, server)
        took = await step(inst, "all", range(halls), rate, seconds, counting, viewers=viewers, cookie=cookie)
        after = await asyncio.to_thread(written, server)
        held = await asyncio.to_thread(connections, server)
    used = {part: sum(b for name, b in took.busy.items() if name.rstrip("0123456789") == part) for part in PARTS}
    return took, {part: b / took.seconds for part, b in used.items()}, (after[1] - before[1]) / took.seconds, held


def compared(units: Mapping[str, float], evening: Evening, took: Loaded, used: Mapping[str, float], cores: int) -> str:
    """Markdown: by part, reckoned and measured."""
    share = took.said / took.seconds  # the step begins before its first message and ends after its last
    reckoned = busy(units, Evening(evening.halls, evening.watchers, evening.rate * share), WEBS, WEBS + PIPELINES + 2)
    both = sum(reckoned.values()), sum(used.values())
    rows = [
        "| | reckoned | measured | off by |",
        "|---|---|---|---|",
        *(_line(name, reckoned[name], used[name], "cores") for name in PARTS),
        _line("all", *both, "cores"),
    ]
    p99 = units["p99.board"] / max(0.05, 1 - both[0] / cores)
    return "\n".join([*rows, _line("p99 to the board", p99, p(took.boards, 99), "ms")])


def _line(what: str, reckoned: float, measured: float, unit: str) -> str:
    off = f"{100 * (reckoned / measured - 1):+.0f} %" if measured else "–"
    return f"| {what} | {reckoned:.3g} {unit} | {measured:.3g} {unit} | {off} |"


async def main(figures: Path, halls: int, rate: float, viewers: int, seconds: float, light: bool) -> None:
    units = read(figures)
    took, used, commits, held = await measure(halls, rate, viewers, seconds, light)
    print(
        f"{halls} halls, {rate:g} messages a second each, {halls * viewers:,} viewers: {took.messages} messages, "
        f"{took.refused} refused, {took.shown} shown on boards, {took.lost} streams lost, last placed after "
        f"{took.late:.1f} s\nto the board: p50 {p(took.boards, 50):.0f} ms, p99 {p(took.boards, 99):.0f} ms; "
        f"{commits:.0f} commits that notify a second, {held} connections"
    )
    print(compared(units, Evening(halls, halls * viewers, rate), took, used, os.cpu_count() or 1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--halls", type=int, default=200)
    parser.add_argument("--rate", type=float, default=0.1, help="messages a second of each hall")
    parser.add_argument("--viewers", type=int, default=10, help="of each hall")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--light", action="store_true", help="a stand-in for the encoder")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.figures, chosen.halls, chosen.rate, chosen.viewers, chosen.seconds, chosen.light))
