"""What was said aloud in a session, from the file to what whoever asked is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.desk import Desk
from bot.errors import BadInput, NotFound
from bot.model import COURSE, Answer, Change, Dated, Placed, Placement, Proposal, Proposed, Session, Status
from bot.storage.sqlite import SqliteStore, open_store
from bot.transcripts import Transcripts
from knowledge.captions import clock
from tests.bot.encoders import SameWords
from tests.bot.values import message, state

TALK = Session("talk", "A talk", speaker="Dr. Lin", language="en")
ASKED = ["Is there a recording?", "How long does it take?", "Which queue do you use?"]
SAID = ["Good evening.", ASKED[0], "Yes, on the page from Monday on.", "So.", ASKED[1], "Two days at least."]


def vtt(*texts: str) -> bytes:
    """One line every fifty seconds, each ten seconds long."""
    cues = (f"{clock(50 * n)}.000 --> {clock(50 * n + 10)}.000\n{text}\n" for n, text in enumerate(texts))
    return "\n".join(["WEBVTT\n", *cues]).encode()


@dataclass
class Room:
    """A session with three questions, each asked by somebody in a chat of their own."""

    store: SqliteStore
    desk: Desk
    transcripts: Transcripts
    changes: list[str] = field(default_factory=list)

    async def send(self, *texts: str, talk: Session = TALK, **more: object) -> None:
        await self.transcripts.take(talk, "a.vtt", vtt(*texts), "Ann", **more)  # type: ignore[arg-type]
        await self.transcripts.searched("talk")

    async def found(self) -> dict[str, tuple[float, Proposed]]:
        return {q.id: (one.passage.start, one.state) for one, q in await self.transcripts.proposals("talk")}

    async def told(self) -> dict[str, str]:
        """What waits to be said, by chat."""
        sent = await self.store.deliveries("talk")
        return {one.address.chat: one.text for one in sent if one.state == "waiting"}


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    store = await open_store(":memory:")
    await store.save_session(TALK)
    await store.receive([replace(message(n, text, f"u{n}"), id=0) for n, text in enumerate(ASKED, 1)])
    for one in await store.pending("talk", 10):
        vector = SameWords().encode([one.text])[0]
        founds = state(f"q{one.id}", title=one.text)
        await store.place("talk", [Placed(Placement(one.id, True, 0.9, founds.id), vector, founds)])
    changes: list[str] = []
    desk = Desk(store, lambda _: None, lambda: 1000.0)

    async def encode(texts: Sequence[str], told: Callable[[int, int], None]) -> NDArray[np.float32]:
        told(0, len(texts))
        await asyncio.sleep(0)
        return SameWords().encode(texts)

    transcripts = Transcripts(store, lambda: 1000.0, encode=encode, put=desk.aloud, changed=changes.append)
    yield Room(store, desk, transcripts, changes)
    await transcripts.close()
    await store.close()


async def test_each_question_that_was_answered_aloud_is_found_and_one_press_tells_its_askers(room: Room) -> None:
    """By the speaker's name, with the time and the passage; undo takes it back, and it waits again."""
    await room.send(*SAID, recording="https://v.example/a")
    assert await room.found() == {"q1": (50.0, Proposed.WAITING), "q2": (200.0, Proposed.WAITING)}
    action = await room.transcripts.confirm(TALK, "Ann", {"q1": None})
    answered = (await room.store.question("q1")).state
    assert answered.status is Status.ANSWERED
    assert answered.answer is not None
    assert answered.answer.by == "Dr. Lin"
    assert answered.answer.text.startswith("Answered aloud at 00:00:50: “")
    assert "Yes, on the page from Monday on." in answered.answer.text
    assert answered.answer.sources == ("https://v.example/a#t=50",)
    told = await room.told()
    assert set(told) == {"u1"}
    assert "00:00:50" in told["u1"]
    assert (await room.found())["q1"] == (50.0, Proposed.CONFIRMED)
    assert (action.change.who, action.change.what) == ("Ann", "aloud")
    await room.desk.undo("Ann", "talk", action.id)
    assert (await room.store.question("q1")).status is Status.NEW
    assert await room.told() == {}


async def test_several_are_confirmed_as_one_act(room: Room) -> None:
    """One row of the ledger, one undo, and everybody is told once."""
    await room.send(*SAID)
    action = await room.transcripts.confirm(TALK, "Ann", {"q1": None, "q2": None})
    assert len(action.change.questions) == 2
    assert set(await room.told()) == {"u1", "u2"}
    await room.desk.undo("Ann", "talk", action.id)
    assert [q.status for q in await room.store.questions("talk")] == [Status.NEW] * 3


async def test_an_answer_in_words_is_not_overwritten(room: Room) -> None:
    """By whoever it is: the time is one of its sources from now on, and what the course answered is accepted."""
    for by in ("Bob", COURSE):
        before = (await room.store.question("q1")).state
        written = replace(before, status=Status.ANSWERED, answer=Answer("On the page.", by, 5.0, ("faq#1",)))
        await room.store.apply(Change("talk", 5.0, by, "answer", ((before, written),)))
        await room.send(*SAID)
        await room.transcripts.confirm(TALK, "Ann", {"q1": None})
        answer = (await room.store.question("q1")).state.answer
        assert answer == Answer("On the page.", by, 5.0, ("faq#1", "aloud, at 00:00:50"), by == COURSE)


async def test_another_time_may_be_said_also_where_nothing_was_found(room: Room) -> None:
    """The passage is what is said then; after the end there is none."""
    await room.send(*SAID)
    await room.transcripts.confirm(TALK, "Ann", {"q3": 150.0})
    assert (await room.found())["q3"] == (150.0, Proposed.CONFIRMED)
    answer = (await room.store.question("q3")).state.answer
    assert answer is not None
    assert answer.text.startswith("Answered aloud at 00:02:30: “So.")
    for wanted in ({"q3": 9000.0}, {"nobody": None}):
        with pytest.raises(NotFound):
            await room.transcripts.confirm(TALK, "Ann", wanted)  # type: ignore[arg-type]


async def test_what_is_refused_does_not_come_again_and_can_be_put_back(room: Room) -> None:
    """A search anew keeps it, and what was confirmed; so does another file."""
    await room.send(*SAID)
    await room.transcripts.refuse("talk", "Ann", "q1")
    await room.transcripts.confirm(TALK, "Ann", {"q2": None})
    room.transcripts.search(TALK)
    await room.transcripts.searched("talk")
    assert await room.found() == {"q1": (50.0, Proposed.REFUSED), "q2": (200.0, Proposed.CONFIRMED)}
    await room.transcripts.refuse("talk", "Ann", "q1", on=False)
    assert (await room.found())["q1"] == (50.0, Proposed.WAITING)
    await room.send("Hello.", SAID[1], SAID[2])
    assert await room.found() == {"q1": (50.0, Proposed.WAITING), "q2": (200.0, Proposed.CONFIRMED)}


async def test_a_question_that_was_merged_meanwhile_is_confirmed_with_its_group(room: Room) -> None:
    """Whoever asked either hears it once; what was dismissed is not looked for."""
    await room.send(*SAID)
    await room.desk.merge("Ann", ["q1"], "q3")
    await room.transcripts.confirm(TALK, "Ann", {"q1": None})
    assert (await room.store.question("q3")).status is Status.ANSWERED
    assert set(await room.told()) == {"u1", "u3"}
    await room.desk.dismiss("Ann", ["q2"])
    room.transcripts.search(TALK)
    await room.transcripts.searched("talk")
    assert set(await room.found()) == {"q3"}


async def test_when_it_begins_is_set_by_hand_and_it_is_searched_anew(room: Room) -> None:
    """What was said before it was asked is no answer; without an offset it is worked out again."""
    talk = replace(TALK, starts_at=100.0)
    await room.send(*SAID, talk=talk, offset=0.0)
    kept = await room.store.transcript("talk")
    assert kept is not None
    assert (kept.zero, kept.dated) == (100.0, Dated.HAND)
    assert set(await room.found()) == {"q1", "q2"}
    await room.transcripts.set(talk, "Ann", -200.0, "https://v.example")
    await room.transcripts.searched("talk")
    assert set(await room.found()) == {"q2"}
    await room.transcripts.set(talk, "Ann", None, "")
    await room.transcripts.searched("talk")
    kept = await room.store.transcript("talk")
    assert kept is not None
    assert (kept.zero, kept.dated, kept.recording) == (100.0, Dated.START, "")


async def test_a_file_that_is_none_changes_nothing(room: Room) -> None:
    """What was there stays, with a word for what is wrong with the new one."""
    await room.send(*SAID)
    for data, more in (
        (b"", {}),
        (b"%PDF-", {}),
        (vtt("a"), {"recording": "javascript:x"}),
        (vtt("a"), {"offset": 1e9}),
    ):
        with pytest.raises(BadInput):
            await room.transcripts.take(TALK, "b.vtt", data, "Ann", **more)  # type: ignore[arg-type]
    kept = await room.store.transcript("talk")
    assert kept is not None
    assert kept.name == "a.vtt"
    assert set(await room.found()) == {"q1", "q2"}


async def test_a_search_writes_nothing_under_another_file(room: Room) -> None:
    """Which took the place of the one that is searched, without the search being told: another process took it."""
    going, goes = asyncio.Event(), asyncio.Event()
    working = room.transcripts._encode

    async def slow(texts: Sequence[str], told: Callable[[int, int], None]) -> NDArray[np.float32]:
        going.set()
        await goes.wait()
        return await working(texts, told)

    room.transcripts._encode = slow
    await room.transcripts.take(TALK, "a.vtt", vtt(*SAID), "Ann")
    await going.wait()
    kept = await room.store.transcript("talk")
    assert kept is not None
    await room.store.keep_transcript(replace(kept, name="b.vtt", lines=kept.lines[:1]), [])
    goes.set()
    await room.transcripts.searched("talk")
    now = await room.store.transcript("talk")
    assert now is not None
    assert (now.name, now.searched) == ("b.vtt", None)
    assert await room.found() == {}


async def test_what_is_confirmed_while_a_file_is_sent_stays(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at what is confirmed and the writing of the new file."""
    await room.send(*SAID)
    read, confirming = room.store.proposals, list[asyncio.Task[object]]()

    async def proposals(session: str) -> list[Proposal]:
        found = await read(session)
        if not confirming:
            confirming.append(asyncio.create_task(room.transcripts.confirm(TALK, "Ann", {"q1": None})))
            await asyncio.wait(confirming, timeout=0.3)
        return found

    monkeypatch.setattr(room.store, "proposals", proposals)
    await room.send(*SAID, "One more line.")
    await confirming[0]
    await room.transcripts.searched("talk")
    assert (await room.found())["q1"][1] is Proposed.CONFIRMED


async def test_a_search_that_breaks_says_so_and_harms_nothing(room: Room) -> None:
    """The transcript is kept, and the next search finds what is in it."""

    async def broken(texts: Sequence[str], told: Callable[[int, int], None]) -> NDArray[np.float32]:
        raise BadInput("the model is away")

    working, room.transcripts._encode = room.transcripts._encode, broken
    await room.send(*SAID)
    assert room.transcripts.failed("talk") == "the model is away"
    room.transcripts._encode = working
    room.transcripts.search(TALK)
    await room.transcripts.searched("talk")
    assert room.transcripts.failed("talk") == ""
    assert set(await room.found()) == {"q1", "q2"}
    await room.transcripts.drop("talk", "Ann")
    assert await room.found() == {}
    with pytest.raises(NotFound):
        await room.transcripts.said_at("talk", 1.0)
