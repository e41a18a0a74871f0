"""A long series through the program: `python -m tests.measure.series coderefinery FILE --data DIR [--found OUT.json]`.

FILE is a set of questions that were asked live with the answers that people gave: `qa_2021_2023.jsonl` of
CodeRefinery's workshops (CC BY 4.0), `qa_2023_2024.jsonl` of the sessions of Tools in Data Science (MIT), or, as
`talks`, the folder of labelled talks with their `series.json`. Each day, session or talk is an evening: its questions
go through the real store and pipeline with the bundled model, then every question gets the answer that was given, as
an expert's, and the next evening begins. Written are the time it took, how many questions of later evenings an
earlier answer was sent or suggested to, and how long the trends take. `--data` keeps the store, so that `floormic
run` shows the pages; a second run with the same folder goes on. `--found` writes what was sent and suggested, for
judging; `judged FILE` counts judgements (`tests/measure/series_judged.tsv`).

Every text is encoded once: what is encoded again is read from a file beside the store.
"""

import argparse
import asyncio
import json
import pickle
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.app.minds import Minds
from bot.app.trends import SeriesTrends, gather
from bot.desk import Desk
from bot.model import EARLIER, Message, Session, Status
from bot.recurring import Recurring
from bot.storage.sqlite import SqliteStore, open_store
from bot.trends import Trends, find_trends, to_text
from knowledge.encoder import Around, Encoder, load_encoder

Json = dict[str, Any]


@dataclass
class Evening:
    """`asked` are (time, source, author, text), `answers` what was said, by text; `explicit`: all of it asks."""

    session: Session
    asked: list[tuple[float, str, str, str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    explicit: bool = True

    def add(self, question: str, answer: str) -> None:
        n = len(self.asked)
        self.asked.append(((self.session.starts_at or 0.0) + 60.0 * n, "web", f"{self.session.id} {n}", question))
        if answer.strip():
            self.answers.setdefault(question, answer)


class Kept(Around):
    """An encoder that keeps what it made in a file."""

    def __init__(self, encoder: Encoder, file: Path) -> None:
        super().__init__(encoder)
        self._file = file
        self.known: dict[str, NDArray[np.float32]] = pickle.loads(file.read_bytes()) if file.exists() else {}
        self.seconds, self.made = 0.0, 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        began = time.perf_counter()
        self.known.update(zip(new, self._encoder.encode(new), strict=True))
        self.seconds += time.perf_counter() - began
        self.made += len(new)
        rows = [self.known[text] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dimension)

    def keep(self) -> None:
        self._file.write_bytes(pickle.dumps(self.known))


def rows(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def coderefinery(file: Path) -> list[Evening]:
    """A day of a workshop is an evening."""
    found: dict[str, Evening] = {}
    for row in rows(file):
        id = f"{row['workshop']}-day{row['day']}"
        day = datetime.fromisoformat(row["workshop"]).replace(tzinfo=UTC).timestamp() + 86_400 * (int(row["day"]) - 1)
        title = f"{row['workshop']} day {row['day']}"
        session = Session(id, title, series="CodeRefinery", starts_at=day + 9 * 3600, language="en")
        found.setdefault(id, Evening(session)).add(row["question"], "\n".join(row["answers"]))
    return sorted(found.values(), key=lambda evening: evening.session.starts_at or 0.0)


def tds(file: Path) -> list[Evening]:
    """A live session is an evening; of those of one day the order of the file counts."""
    found: dict[str, Evening] = {}
    for row in rows(file):
        id = row["session"]
        day = datetime.strptime(id[:8], "%Y%m%d").replace(tzinfo=UTC).timestamp() + 3600 * (12 + len(found) % 9)
        session = Session(id, row["title"], series="Tools in Data Science", starts_at=day, language="en")
        found.setdefault(id, Evening(session)).add(row["question"], row["answer"])
    return sorted(found.values(), key=lambda evening: evening.session.starts_at or 0.0)


def talks(folder: Path) -> list[Evening]:
    """The talks of a `series.json`, in its order; nobody answers, for their answers are those of the courses."""
    series = json.loads((folder / "series.json").read_text(encoding="utf-8"))
    found = []
    for one in series["sessions"]:
        start = datetime.fromisoformat(one["start"]).timestamp()
        course = str(folder / one["id"] / "course")
        session = Session(one["id"], one["title"], series=series["series"], starts_at=start, course=course)
        lines = rows(folder / one["id"] / "chat.jsonl")
        asked = [(start + line["t"], line["platform"], line["user"], line["text"]) for line in lines]
        found.append(Evening(session, asked, explicit=False))
    return found


READERS = {"coderefinery": coderefinery, "tds": tds, "talks": talks}


async def play(evening: Evening, store: SqliteStore, minds: Minds, recurring: Recurring) -> None:
    """The evening, what of it was asked before, and then everybody is answered."""
    id = evening.session.id
    await store.save_session(evening.session)
    pipeline = await minds.pipeline(evening.session, store)
    running = asyncio.ensure_future(pipeline.run())
    messages = [
        Message(id, source, f"{id} {n}", author, "", text, at, explicit=evening.explicit)
        for n, (at, source, author, text) in enumerate(evening.asked)
    ]
    await store.receive(messages)
    pipeline.wake()
    await pipeline.drained()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await recurring.follow(evening.session, minds.course(id))
    ended = (evening.session.starts_at or 0.0) + 3 * 3600.0
    desk = Desk(store, lambda session: None, lambda: ended)
    for question in await store.questions(id):
        if question.status in {Status.MERGED, Status.ANSWERED} and not question.state.answer:
            continue
        said = [one.message.text for one in await store.asked(question.id)]
        if answer := next((evening.answers[text] for text in said if text in evening.answers), ""):
            await desk.answer("Expert", question.id, answer[:4000])


async def served(evenings: Sequence[Evening], store: SqliteStore) -> list[Json]:
    """What an earlier answer was sent or suggested to."""
    found = []
    for evening in evenings:
        for message, placement in await store.placements(evening.session.id):
            if placement is not None and placement.memory is not None:
                of, _, question = placement.memory.source.removeprefix(EARLIER).partition("#")
                earlier = await store.question(question)
                found.append(
                    {
                        "session": evening.session.id,
                        "message": message.external_id,
                        "state": placement.memory.state,
                        "score": round(placement.memory.score, 3),
                        "earlier_session": of,
                        "earlier_question": question,
                        "asked": message.text,
                        "earlier": earlier.title,
                        "answer": placement.memory.text,
                    }
                )
    return found


async def measure(given: argparse.Namespace) -> None:
    evenings = READERS[given.set](given.file)
    given.data.mkdir(parents=True, exist_ok=True)
    encoder = Kept(load_encoder(), given.data / "vectors.pickle")
    minds = Minds(encoder=encoder)
    store = await open_store(given.data / "floormic.sqlite3")
    try:
        made, judge = await minds.grouping()
        recurring = Recurring(store, made.dimension, judge, time.monotonic, minds.executor)
        known = {session.id for session in await store.sessions()}
        began = time.perf_counter()
        for n, evening in enumerate(evenings, 1):
            if evening.session.id not in known:
                await play(evening, store, minds, recurring)
                encoder.keep()
                print(f"{n}/{len(evenings)} {evening.session.title}", file=sys.stderr)
        took = time.perf_counter() - began
        count = sum(len(evening.asked) for evening in evenings)
        print(f"{len(evenings)} evenings, {count} messages: {took:.0f} s", end="")
        print(f", of which {encoder.seconds:.0f} s for {encoder.made} texts in the model")
        tell_served(await served(evenings, store), evenings, given.found)
        began = time.perf_counter()
        trends = await SeriesTrends(store).of(evenings[0].session.series)
        print(f"trends: {time.perf_counter() - began:.1f} s, {len(trends.rows)} topics with", end=" ")
        print(f"{sum(point.topic is not None for point in trends.points)} of {len(trends.points)} questions")
        await tell_kept(trends, store)
        print(to_text(trends))
    finally:
        await store.close()
        minds.close()


async def tell_kept(trends: Trends, store: SqliteStore) -> None:
    """What the last evening changed of the topics before it."""
    before = find_trends(trends.series, *await gather(store, trends.evenings[:-1]))
    names = {row.topic.id: row.topic.name for row in trends.rows}
    kept = [row.topic for row in before.rows if row.topic.id in names]
    same = sum(names[topic.id] == topic.name for topic in kept)
    print(f"without the last evening: {len(before.rows)} topics, {len(kept)} stay, {same} with their names")


def tell_served(found: Sequence[Json], evenings: Sequence[Evening], out: Path | None) -> None:
    asked = Counter({evening.session.id[:4]: 0 for evening in evenings})
    for evening in evenings:
        asked[evening.session.id[:4]] += len(evening.asked)
    for year, count in sorted(asked.items()):
        states = Counter(one["state"] for one in found if one["session"].startswith(year))
        other = Counter(
            one["state"]
            for one in found
            if one["session"].startswith(year) and not one["earlier_session"].startswith(year)
        )
        print(f"{year}: {count} asked; an earlier evening's answer sent to {states['sent']}, suggested to", end=" ")
        print(f"{states['suggested']}; of an earlier year {other['sent']} and {other['suggested']}")
    if out:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")


def tell_judged(file: Path) -> None:
    """Counts of a table of judgements: does the earlier answer answer the question ("right", "partly", "wrong")?"""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    judged = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    for state in ("sent", "suggested"):
        counts = Counter(one["judge"] for one in judged if one["state"] == state)
        print(f"{state}: {counts.total()} judged, right {counts['right']}, partly {counts['partly']}", end="")
        print(f", wrong {counts['wrong']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=[*READERS, "judged"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--found", type=Path)
    given = parser.parse_args()
    if given.set == "judged":
        tell_judged(given.file)
    elif given.data is None:
        parser.error("--data names a folder for the store")
    else:
        asyncio.run(measure(given))


if __name__ == "__main__":
    main()
