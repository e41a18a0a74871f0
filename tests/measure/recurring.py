"""What one evening gives the next: `python -m tests.measure.recurring FOLDER`.

FOLDER holds a labelled series (`series.json` beside the folders of its talks, see docs/bench.md). Its talks are
evenings of one series, in the order of the file: each is replayed through the whole path with the bundled model, then
an expert answers every question of it, with the course's text where the label names one. What is counted, of every
later evening:

- recurring pairs of groups: our questions stand for the labelled group that most of their askings have;
- what becomes of the askings of recurring groups: the earlier answer said, offered, or neither; and the same of all
  other messages, where the earlier answer is wrong.

Figures without brackets leave out what the labels call ambiguous. Nothing is chosen by them.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.app.floor import Unwatched
from bot.app.minds import Minds
from bot.desk import Desk
from bot.model import EARLIER, Address, Message, Question, Session
from bot.ports import Store
from bot.recurring import Recurring
from bot.storage.sqlite import open_store
from knowledge.evaluation.data import Line
from knowledge.evaluation.talks import Series, Talk, read_series

Pair = frozenset[tuple[str, str]]


@dataclass
class Evening:
    """A talk that was replayed: its labels by message, and the labelled group that each of our questions stands for."""

    talk: Talk
    session: Session
    labels: Mapping[str, Line]
    groups: dict[str, str]

    @property
    def name(self) -> str:
        return self.talk.data.name


def heard(chat: Path, session: str, starts: float) -> list[Message]:
    """The recorded chat, as said on a chat that can answer each asker alone."""
    rows = [json.loads(line) for line in chat.read_text(encoding="utf-8").splitlines()]
    return [
        Message(
            session,
            "chat",
            one["id"],
            one["user"],
            one.get("name", ""),
            one["text"],
            starts + one["t"],
            Address("chat", f"{one['platform']}-{one['user']}", one["id"], one["user"]),
        )
        for one in rows
    ]


async def play(store: Store, minds: Minds, talk: Talk, session: Session) -> Evening:
    starts = session.starts_at or 0.0
    await store.save_session(session)
    pipeline = await minds.pipeline(session, store, replying=frozenset({"chat"}))
    floor = Unwatched(store, desk_at(store, starts), lambda _: None, lambda: None)
    await floor.receive(heard(talk.chat, session.id, starts))
    task = asyncio.ensure_future(pipeline.run())
    try:
        pipeline.wake()
        await pipeline.drained()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    encoder, judge = await minds.grouping()
    recurring = Recurring(store, encoder.dimension, judge, time.monotonic, minds.executor)
    await recurring.follow(session, minds.course(session.id))
    labels = {line.id: line for line in talk.lines}
    return Evening(talk, session, labels, await stands_for(store, session.id, labels))


async def stands_for(store: Store, session: str, labels: Mapping[str, Line]) -> dict[str, str]:
    """The labelled group that most askings of each of our questions have; without those that have none."""
    found = {}
    for question in await store.questions(session):
        counts = Counter(labels[one.message.external_id].group for one in await store.asked(question.id))
        group = counts.most_common(1)[0][0]
        if group:
            found[question.id] = group
    return found


def desk_at(store: Store, at: float) -> Desk:
    return Desk(store, lambda _: None, lambda: at)


async def answer_all(store: Store, evening: Evening) -> None:
    """An expert answers after the talk: in the course's words where the label names them."""
    course = {entry.id: entry.answer for entry in evening.talk.data.chats[0].course.entries}
    course |= {passage.id: passage.text for passage in evening.talk.data.chats[0].course.passages}
    sources = {line.group: line.source for line in evening.talk.lines if line.group and line.source}
    desk = desk_at(store, (evening.session.starts_at or 0.0) + 7200.0)
    for question, group in evening.groups.items():
        text = course.get(sources.get(group) or "", f"专家已回答（{group}）。")
        await desk.answer("Expert", question, text[:4000])


def share(part: int, of: int) -> str:
    return f"{part} of {of}" + (f" ({part / of:.2f})" if of else "")


async def pairs(store: Store, series: Series, before: list[Evening], now: Evening, sure: bool) -> None:
    """Recall and precision of the recurring pairs that end on this evening."""
    wanted = {pair for pair in series.recurring if any(name == now.name for name, _ in pair)}
    wanted = {pair for pair in wanted if all(name in {now.name, *(e.name for e in before)} for name, _ in pair)}
    by_session = {one.session.id: one for one in before}
    told: set[Pair] = set()
    for question in await store.questions(now.session.id):
        if question.earlier is None or question.id not in now.groups or (sure and not question.earlier.sure):
            continue
        for evening in question.earlier.evenings:
            other = by_session[evening.session]
            if group := other.groups.get(evening.question):
                told.add(frozenset(((now.name, now.groups[question.id]), (other.name, group))))
    right = len(told & wanted)
    kind = "taken for sure" if sure else "sure or proposed"
    print(f"  recurring pairs, {kind}: recall {share(right, len(wanted))}, precision {share(right, len(told))}")


async def answered(store: Store, series: Series, before: list[Evening], now: Evening, clear: bool) -> None:
    """What became of the messages of this evening."""
    groups = {(one.session.id, question): (one.name, group) for one in before for question, group in one.groups.items()}
    recurring = {group: pair for pair in series.recurring for name, group in pair if name == now.name}
    standing = {question.id: question for question in await store.questions(now.session.id)}
    asked = course = said = offered = linked = 0
    wrongly_said = wrongly_offered = 0
    for message, placement in await store.placements(now.session.id):
        line = now.labels[message.external_id]
        if (clear and line.ambiguous) or message.part > 1:
            continue
        group = (now.name, line.group or "")
        recurs = line.group in recurring
        asked += recurs
        match = placement.memory if placement else None
        right = match is not None and frozenset((group, groups.get(source(match.source), ("", "")))) in series.recurring
        sent = match is not None and match.state == "sent"
        by_course = placement is not None and placement.answer is not None and placement.answer.state == "sent"
        course += recurs and by_course
        said += recurs and sent and right
        offered += recurs and match is not None and not sent and not by_course and right
        wrongly_said += sent and not right
        wrongly_offered += match is not None and not sent and not by_course and not right
        shown = standing.get(placement.question or "") if placement else None
        linked += recurs and not by_course and not sent and at_board(shown, group, groups, series)
    print(f"  askings of recurring groups, {'clear labels' if clear else 'all labels'}: {asked}")
    print(f"    the course answered by itself: {share(course, asked)}")
    print(f"    the earlier answer was said by itself: {share(said, asked)}; wrongly, of all messages: {wrongly_said}")
    print(f"    it was offered for the message: {share(offered, asked)}; wrongly, of all messages: {wrongly_offered}")
    print(f"    it stands at the question on the board, one click away: {share(linked, asked)}")


def at_board(
    question: Question | None, group: tuple[str, str], groups: Mapping[tuple[str, str], tuple[str, str]], series: Series
) -> bool:
    matches: Iterable[str] = ()
    if question is not None:
        earlier = question.earlier.answer if question.earlier else None
        matches = [match.source for match in (earlier, question.suggested_memory) if match]
    return any(frozenset((group, groups.get(source(one), ("", "")))) in series.recurring for one in matches)


def source(id: str) -> tuple[str, str]:
    session, _, question = id.removeprefix(EARLIER).partition("#")
    return session, question


async def measure(folder: Path) -> None:
    series = read_series(folder / "series.json")
    about = json.loads((folder / "series.json").read_text(encoding="utf-8"))["sessions"]
    starts = {one["id"]: datetime.fromisoformat(one["start"]).timestamp() for one in about}
    minds = Minds()
    evenings: list[Evening] = []
    with tempfile.TemporaryDirectory(prefix="floormic-") as kept:
        store = await open_store(Path(kept) / "series.db")
        try:
            for talk in series.talks:
                name = talk.data.name
                course = str(talk.course) if talk.course else ""
                session = Session(name, name, "series", starts_at=starts[name], course=course)
                now = await play(store, minds, talk, session)
                questions = await store.questions(name)
                print(f"{name}: {len(now.labels)} messages, {len(questions)} questions")
                if evenings:
                    for sure in (True, False):
                        await pairs(store, series, evenings, now, sure)
                    for clear in (True, False):
                        await answered(store, series, evenings, now, clear)
                await answer_all(store, now)
                evenings.append(now)
        finally:
            await store.close()
            minds.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asyncio.run(measure(parser.parse_args().folder))


if __name__ == "__main__":
    main()
