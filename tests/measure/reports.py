"""How long the report of a long series takes: `python -m tests.measure.reports [EVENINGS] [MESSAGES] [QUESTIONS]`.

Makes a series in a store of its own (100 evenings of 3,000 messages and 300 questions each, unless told otherwise),
then writes its report in each format, and that of the last evening, and says the seconds and the memory.
"""

import asyncio
import random
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bot.app.reporting import FORMATS, Reporting
from bot.model import Answer, Change, Message, Placed, Placement, QuestionState, Session, Status
from bot.storage.sqlite import SqliteStore, open_store
from bot.web.site import ReportWish

WEEK = 7 * 86_400.0


async def evening(store: SqliteStore, n: int, messages: int, titles: list[str], chance: random.Random) -> None:
    """One evening: two messages in five ask one of `titles`; a third of the questions is answered."""
    session, start = f"e{n:03}", 1.79e9 + n * WEEK
    await store.save_session(Session(session, f"Evening {n}", "Course", starts_at=start, language="en"))
    said = []
    for i in range(messages):
        text = chance.choice(titles) if chance.random() < 0.4 else "hello"
        person = chance.randrange(500 + 5 * n)
        said.append(Message(session, "telegram", f"{session}-{i}", f"u{person}", f"Person {person}", text, start + i))
    await store.receive(said)
    states: dict[str, QuestionState] = {}
    placed = []
    for one in await store.pending(session, messages):
        id = f"{session}-{one.text}"
        founds = QuestionState(id, session, one.text, one.text) if one.text in titles and id not in states else None
        if founds:
            states[id] = founds
        placed.append(Placed(Placement(one.id, id in states, 0.9, id if id in states else None), founds=founds))
    await store.place(session, placed)
    after = {id: Answer("Yes.", "Ann", start + chance.randrange(messages, 9999)) for id in list(states)[::3]}
    pairs = tuple((states[id], replace(states[id], status=Status.ANSWERED, answer=one)) for id, one in after.items())
    await store.apply(Change(session, start, "Ann", "answer", pairs))


async def main(evenings: int = 100, messages: int = 3000, questions: int = 300) -> None:
    chance = random.Random(5)
    pool = [f"Question {n} about matter {n * 7 % questions}?" for n in range(questions * 20)]
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(Path(folder, "series.sqlite3"))
        for n in range(evenings):
            await evening(store, n, messages, chance.sample(pool, questions), chance)
        reporting = Reporting(store, {}, time.time)
        for format in FORMATS:
            began = time.perf_counter()
            body, _ = await reporting.series("Course", ReportWish(format))
            print(f"series  {format:5} {time.perf_counter() - began:6.1f} s {len(body) / 1024:8.0f} KB")
        began = time.perf_counter()
        body, _ = await reporting.session(f"e{evenings - 1:03}", ReportWish())
        print(f"session html  {time.perf_counter() - began:6.1f} s {len(body) / 1024:8.0f} KB")
        await store.close()
    print(f"memory  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
