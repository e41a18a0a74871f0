"""The newest view of a session."""

import asyncio
from dataclasses import replace

import pytest

from bot.errors import StoreError
from bot.live import Live, Told
from bot.model import Question, QuestionState
from tests.waiting import until


def question(id: str, revision: int) -> Question:
    state = QuestionState(id, "s", f"title of {id}", f"title of {id}")
    return Question(state, 1, 1, 0, 1, {"web": 1}, 0.0, 0.0, revision)


class Shelf:
    """A store that reads back what was put, and counts the reads."""

    def __init__(self) -> None:
        self.kept: dict[str, Question] = {}
        self.revision = 0
        self.reads = 0
        self.failing = False
        self.breaking = False
        self.takes = 0.0

    def put(self, id: str) -> int:
        self.revision += 1
        self.kept[id] = question(id, self.revision)
        return self.revision

    async def questions(self, session: str, since: int = 0) -> list[Question]:
        self.reads += 1
        found = sorted((q for q in self.kept.values() if q.revision > since), key=lambda q: q.revision)
        await asyncio.sleep(self.takes)
        if self.failing:
            raise StoreError("the disk is full")
        if self.breaking:
            raise ValueError("a fault of ours")
        return found


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def ids(questions: list[Question]) -> list[str]:
    return [q.id for q in questions]


async def test_a_watcher_gets_what_changed_since_the_revision_it_knows(shelf: Shelf) -> None:
    """A watcher names a revision and gets every later question once, as it stands now."""
    shelf.put("a")
    live = Live(shelf)
    async with live.watch("s") as feed:
        assert ids(await feed.next(0)) == ["a"]
        shelf.put("b")
        shelf.put("a")
        live.changed("s")
        assert [(q.id, q.revision) for q in await feed.next(1)] == [("b", 2), ("a", 3)]


async def test_it_waits_until_something_changes(shelf: Shelf) -> None:
    """`next` returns only when there is something newer, and then at once."""
    live = Live(shelf)
    async with live.watch("s") as feed:
        waiting = asyncio.create_task(feed.next(0))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        shelf.put("a")
        live.changed("s")
        assert ids(await asyncio.wait_for(waiting, 1)) == ["a"]


async def test_many_changes_are_read_together(shelf: Shelf) -> None:
    """A hundred changes in a row cost a few reads, however many watch, and the last one is seen."""
    live = Live(shelf, pause=0.05)
    async with live.watch("s"), live.watch("s") as feed:
        before = shelf.reads
        for n in range(100):
            shelf.put(f"q{n}")
            live.changed("s")
            await asyncio.sleep(0.001)
        async with asyncio.timeout(2):
            while feed.view.revision < 100:
                await feed.next(feed.view.revision)
        assert shelf.reads - before <= 12
        assert len(feed.view.questions) == 100


async def test_the_first_change_is_read_at_once(shelf: Shelf) -> None:
    """After a pause a change does not wait for the next interval."""
    live = Live(shelf, pause=0.2)
    async with live.watch("s") as feed:
        await asyncio.sleep(0.25)
        shelf.put("a")
        live.changed("s")
        await asyncio.wait_for(feed.next(0), 0.1)


async def test_a_slow_watcher_skips_to_the_newest(shelf: Shelf) -> None:
    """Who was away while one question changed ten times gets it once, in its newest form."""
    live = Live(shelf, pause=0)
    async with live.watch("s") as feed:
        for _ in range(10):
            shelf.put("a")
            live.changed("s")
            await asyncio.sleep(0.002)
        assert [q.revision for q in await feed.next(0)] == [10]


async def test_a_view_shows_what_was_committed_before(shelf: Shelf) -> None:
    """Reading after a commit sees it, also while an older read is still on its way."""
    live = Live(shelf, pause=0.0)
    shelf.takes = 0.05
    for n in range(1, 20):
        shelf.put(f"q{n}")
        live.changed("s")
        before = shelf.reads
        slow = asyncio.create_task(live.view("s"))
        await until(lambda before=before: shelf.reads > before)
        shelf.put(f"r{n}")
        live.changed("s")
        assert f"r{n}" in (await live.view("s")).questions
        await slow


async def test_nobody_watching_costs_no_reads(shelf: Shelf) -> None:
    """Changes of a session that nobody looks at are not read until somebody does."""
    live = Live(shelf, pause=0.0)
    async with live.watch("s"):
        pass
    before = shelf.reads
    for _ in range(5):
        shelf.put("a")
        live.changed("s")
        live.changed("another")
    await asyncio.sleep(0.02)
    assert shelf.reads == before
    assert (await live.view("s")).revision == 5


async def test_a_watcher_that_breaks_leaves_nothing_behind(shelf: Shelf) -> None:
    """A watcher that ends with an exception, or is cancelled, is no longer counted, and the others go on."""

    async def forever() -> None:
        async with live.watch("s") as feed:
            await feed.next(10**9)

    live = Live(shelf)
    with pytest.raises(RuntimeError):
        async with live.watch("s"):
            raise RuntimeError("the client went away")
    task = asyncio.create_task(forever())
    await asyncio.sleep(0.01)
    assert live.watchers("s") == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert live.watchers("s") == 0
    async with live.watch("s") as feed:
        shelf.put("a")
        live.changed("s")
        assert ids(await feed.next(0)) == ["a"]


async def test_a_store_that_fails_is_asked_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store fails a view says so; watchers keep waiting and get the change once it answers."""
    monkeypatch.setattr("bot.live.AFTER_FAILURE", 0.01)
    live = Live(shelf, pause=0)
    async with live.watch("s") as feed:
        shelf.put("a")
        shelf.failing = True
        live.changed("s")
        with pytest.raises(StoreError):
            await live.view("s")
        shelf.failing = False
        assert ids(await asyncio.wait_for(feed.next(0), 1)) == ["a"]


async def test_a_view_never_changes_once_given(shelf: Shelf) -> None:
    """Whoever holds a view reads the same from it, whatever happens meanwhile."""
    shelf.put("a")
    live = Live(shelf, pause=0)
    view = await live.view("s")
    shelf.put("b")
    live.changed("s")
    await live.view("s")
    assert list(view.questions) == ["a"]
    with pytest.raises(TypeError):
        view.questions["x"] = replace(question("x", 9))  # type: ignore[index]


class Weather:
    """A topic that says what it was told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.now = 0
        self.reads = 0

    async def read(self, session: str) -> Told:
        self.reads += 1
        return Told(b"%d" % self.now, b"%d for staff" % self.now)


async def test_a_topic_is_told_whole_and_only_when_it_changed(shelf: Shelf) -> None:
    """A watcher gets what a topic says now, then only what is new; a change of the questions tells no topic again."""
    live, weather = Live(shelf, pause=0.0), Weather()
    live.add_topic("weather", weather.read)
    async with live.watch("s") as feed:
        assert feed.told(0, staff=False) == [("weather", b"0")]
        known = feed.number
        shelf.put("a")
        live.changed("s")
        await asyncio.wait_for(feed.turned(0, known), 1)
        assert (feed.view.revision, feed.told(known, staff=False)) == (1, [])
        weather.now = 1
        live.changed("s", "weather")
        await asyncio.wait_for(feed.turned(1, known), 1)
        assert feed.told(known, staff=True) == [("weather", b"1 for staff")]


async def test_a_topic_that_says_the_same_wakes_nobody(shelf: Shelf) -> None:
    """Who is told that something may have changed reads it, and keeps quiet where it did not."""
    live, weather = Live(shelf, pause=0.0), Weather()
    live.add_topic("weather", weather.read)
    async with live.watch("s") as feed:
        known, reads = feed.number, weather.reads
        live.changed("s", "weather")
        await live.view("s")
        assert weather.reads == reads + 1
        assert feed.number == known


async def test_staff_alone_may_be_told(shelf: Shelf) -> None:
    """What a topic has for staff only reaches no viewer."""

    async def read(session: str) -> Told:
        return Told(None, b"1")

    live = Live(shelf)
    live.add_topic("hands", read)
    async with live.watch("s") as feed:
        assert feed.told(0, staff=False) == []
        assert feed.told(0, staff=True) == [("hands", b"1")]


async def test_what_a_fault_kept_from_being_read_is_read_by_the_next_who_asks(shelf: Shelf) -> None:
    """A reading that broke has read nothing, whatever broke it."""
    live = Live(shelf)
    await live.view("s")
    shelf.put("a")
    live.changed("s")
    shelf.breaking = True
    with pytest.raises(ValueError, match="a fault of ours"):
        await live.view("s")
    shelf.breaking = False
    assert list((await live.view("s")).questions) == ["a"]


async def test_one_slow_read_holds_up_none_for_long(shelf: Shelf) -> None:
    """A read that waited seconds for a database that was away is followed by the next within about one."""
    live = Live(shelf)
    async with live.watch("s") as feed:
        shelf.put("a")
        shelf.takes = 2.0
        live.changed("s")
        assert ids(await feed.next(0)) == ["a"]
        shelf.takes = 0.0
        shelf.put("b")
        live.changed("s")
        assert ids(await asyncio.wait_for(feed.next(1), 2)) == ["b"]


async def test_a_room_that_was_let_go_counts_on(shelf: Shelf) -> None:
    """What is kept by the number of a change is never found again for a later one."""
    live = Live(shelf)
    said = "before"

    async def topic(session: str) -> Told:
        return Told(said.encode(), said.encode())

    live.add_topic("survey", topic)
    async with live.watch("s") as feed:
        number = feed.number
    live.rest()
    said = "after"
    async with live.watch("s") as feed:
        assert feed.number > number
        assert feed.told(number, staff=False) == [("survey", b"after")]


async def test_a_room_that_was_let_go_counts_on_beside_one_that_stays(shelf: Shelf) -> None:
    """Also where another session is watched all the time in which less changed."""
    live = Live(shelf)
    said = 0

    async def topic(session: str) -> Told:
        return Told(b"%d" % said, b"%d" % said)

    live.add_topic("survey", topic)
    async with live.watch("calm"):
        for _ in range(3):
            said += 1
            live.changed("s", "survey")
            await live.view("s")
        async with live.watch("s") as feed:
            number = feed.number
        live.rest()
        live.rest()
        said += 1
        async with live.watch("s") as feed:
            assert feed.number > number
