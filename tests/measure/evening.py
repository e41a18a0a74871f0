"""A labelled talk said on seven fake platforms at once, two of which fail on the way, beside a plain replay of what
arrived: `python -m tests.measure.evening TALK…`. Prints the scores of both, what was missed and how long it took."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.app import Hall, open_hall
from bot.model import Message, Placement
from knowledge.evaluation.metrics import b_cubed, found, pairs
from knowledge.evaluation.talks import Talk, read_talk
from tests.evening import Evening, evening, feed, queue_of, recorded, settings

Decided = Sequence[tuple[Message, Placement | None]]


async def measure(folder: Path) -> None:
    lines, course = list(recorded(folder / "chat.jsonl")), folder / "course"
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as other:
        began = time.monotonic()
        async with evening(Path(data), course) as live:
            for at, one in enumerate(lines):
                for source, when in (("bilibili", len(lines) // 3), ("telegram", len(lines) // 2)):
                    if at == when:
                        await live.cut(source, "listening")
                await live.say(one)
            await live.hall.drained()
            seconds = time.monotonic() - began
            decided, queue = await live.hall.store.placements("talk"), await live.queue()
            missed = await misses(live)
        async with open_hall(settings(Path(other), course)) as plain:
            await plain.loaded()
            await feed(plain, [message for message, _ in decided], lines)
            same, replayed = queue == await queue_of(plain), await placements(plain)
    talk = read_talk(folder)
    print(f"{folder.name}: {len(lines)} lines on 7 platforms in {seconds:.0f} s, {len(decided)} messages and parts")
    print(f"  the queue is that of the plain replay: {'yes' if same else 'NO'}")
    for name, rows in (("evening", decided), ("plain replay", replayed)):
        print(f"  {name:13}" + "  ".join(f"{what} {value:.3f}" for what, value in scores(talk, rows).items()))
    print("  seconds missed: " + ", ".join(f"{source} {seconds:.1f}" for source, seconds in missed.items() if seconds))


async def placements(hall: Hall) -> Decided:
    return await hall.store.placements("talk")


async def misses(live: Evening) -> Mapping[str, float]:
    reports = await live.hall.supervisor.reports()
    return {report.health.source: report.missed(live.clock()) for report in reports}


def scores(talk: Talk, decided: Decided) -> Mapping[str, float]:
    """On clear labels. The page gives messages ids of its own, so lines are found by who said what."""
    told: dict[str, Placement | None] = {message.text: placement for message, placement in decided}
    clear = [line for line in talk.data.chats[0].lines if not line.ambiguous]
    rows = [(line, told.get(line.text)) for line in clear]
    asks = found([line.asks for line, _ in rows], [bool(row and row.asking) for _, row in rows]).values()
    grouped = [(line.group, row.question if row and row.question else f"alone {line.id}")
               for line, row in rows if line.asks and line.group]  # fmt: skip
    true, made = [group for group, _ in grouped], [group for _, group in grouped]
    return {
        "asking F1": asks["F1"],
        "pair F1": pairs(true, made).values()["F1"],
        "B-cubed F1": b_cubed(true, made).values()["F1"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("talk", type=Path, nargs="+")
    for folder in parser.parse_args().talk:
        asyncio.run(measure(folder))
