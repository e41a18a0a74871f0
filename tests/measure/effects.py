"""How long it takes to say what each mode would have done: `python -m tests.measure.effects`.

A session of many messages, half of which the machine takes for an earlier question, with a ledger of what moderators
said about them. Each round changes something, so that nothing is remembered, and asks anew. Aim: 50 ms with 5,000
messages, of which the pages notice nothing.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot.desk import Desk
from bot.effects import JUDGING, LAST, effects
from bot.model import CourseMatch, Placed, Placement, Session
from bot.storage.sqlite import SqliteStore, open_store
from bot.web.effects import LEDGER_LENGTH
from tests.bot.values import message, state
from tests.bot.web.hall import open_hall

MATCH = CourseMatch("faq#1", 0.9, "suggested", "On the course page.", sure=True)
AIM = 0.05


async def fill(store: SqliteStore, count: int, judged: int) -> None:
    """`count` messages, every other one taken for the question before it; of these `judged` are kept apart."""
    await store.receive([replace(message(n, f"Question {n}?", f"u{n}"), id=0) for n in range(1, count + 1)])
    while waiting := await store.pending("talk", 500):
        placed = []
        for one in waiting:
            same = f"q{one.id - 1}" if one.id % 2 == 0 else None
            decided = Placement(one.id, True, 0.9, f"q{one.id}", 0.7, same, MATCH, same=same)
            decided = replace(decided, joins=same is not None, acknowledges=True)
            placed.append(Placed(decided, founds=state(f"q{one.id}", title=one.text)))
        await store.place("talk", placed)
    desk = Desk(store, lambda session: None, lambda: 100.0)
    for n in range(count, count - 2 * judged, -2):
        await desk.apart("Ann", [f"q{n}"], f"q{n - 1}")


async def measure(count: int, judged: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(Path(folder) / "floormic.db")
        await store.save_session(Session("talk", "Measured"))
        async with open_hall(store) as hall:
            await fill(store, count, judged)
            mo = await hall.signed_in("moderator")
            whole, reading, counting = [], [], []
            for n in range(rounds):
                await hall.desk.edit("Ann", "q1", f"Question 1, {n}?")
                view = await hall.live.view("talk")
                began = time.perf_counter()
                await mo.json("/api/v1/sessions/talk/effects")
                whole.append(time.perf_counter() - began)
                began = time.perf_counter()
                askings = await store.askings("talk", LAST)
                ledger = await store.actions("talk", limit=LEDGER_LENGTH, what=JUDGING)
                reading.append(time.perf_counter() - began)
                states = {question.id: question.state for question in view.questions.values()}
                began = time.perf_counter()
                await asyncio.to_thread(partial(effects, askings, states, ledger))
                counting.append(time.perf_counter() - began)
        await store.close()
    print(f"{count:,} messages, {len(states):,} questions, {judged} judgements, {rounds} rounds (median, worst)")
    for name, took in (("the whole request", whole), ("  reading", reading), ("  counting", counting)):
        print(f"{name:<20} {statistics.median(took) * 1000:6.1f} ms  {max(took) * 1000:6.1f} ms")
    median = statistics.median(whole)
    print(f"aim {AIM * 1000:.0f} ms: {'reached' if median <= AIM else 'NOT reached'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--judged", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    asyncio.run(measure(given.messages, given.judged, given.rounds))


if __name__ == "__main__":
    main()
