"""What staff and viewers do with polls, over a real store; and what is typed, over the real floor."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.app.floor import Unwatched
from bot.desk import Desk
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.model import (
    Address,
    Delivery,
    Message,
    Mood,
    Person,
    Poll,
    PollKind,
    PollState,
    PollStatus,
    Results,
    Session,
    Status,
)
from bot.polls import UNDO_WITHIN, Polls
from bot.storage.sqlite import SqliteStore, open_store
from tests.bot.storage.acts import ask

WEB = Person("web", "w1")
WISH = PollState("", "", PollKind.SINGLE, "Which queue?", ("Redis", "Kafka"))


@dataclass
class Room:
    """A floor with its desk and polls. `told`: the topics that changed; `time` moves by hand."""

    store: SqliteStore
    time: float = 1000.0
    told: list[str] = field(default_factory=list)
    said: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after a start: nothing is remembered."""
        now = lambda: self.time  # noqa: E731
        self.polls = Polls(self.store, lambda _, topic: self.told.append(topic), now, replying=lambda: {"telegram"})
        self.desk = Desk(self.store, lambda _: None, now, polls_changed=self.polls.changed)
        self.floor = Unwatched(self.store, self.desk, lambda _: None, lambda: None, polls=self.polls, now=now)

    async def open(self, wish: PollState = WISH) -> Poll:
        made = await self.polls.make("Ann", "talk", wish)
        await self.polls.start("Ann", "talk", made.state.id)
        return await self.store.poll(made.state.id)

    async def says(self, text: str, author: str = "u1", source: str = "telegram", **more: object) -> Message:
        """Somebody types this; returns what was received."""
        self.said += 1
        address = Address(source, "-7", str(self.said), author, private=False)
        one = Message("talk", source, f"m{self.said}", author, "", text, self.time, address, **more)  # type: ignore[arg-type]
        await self.floor.receive([one])
        return one

    async def waiting(self) -> list[str]:
        """The texts that the pipeline will look at."""
        return [message.text for message in await self.store.pending("talk", 100)]

    async def poll(self, id: str) -> Poll:
        return await self.store.poll(id)

    async def deliveries(self) -> list[Delivery]:
        return [one for one in await self.store.deliveries("talk") if one.key.startswith("poll:")]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = await open_store(tmp_path / "hall.db")
    await store.save_session(Session("talk", "A talk", language="en"))
    await store.save_session(Session("other", "Another", language="zh"))
    yield Room(store)
    await store.close()


async def test_from_draft_to_open_to_closed_and_open_again(room: Room) -> None:
    """Each at its time, each once; the votes stay."""
    made = await room.polls.make("Ann", "talk", WISH)
    id = made.state.id
    assert made.state.status is PollStatus.DRAFT
    with pytest.raises(NotAllowed):
        await room.polls.vote("talk", id, WEB, ["1"])
    with pytest.raises(Conflict):
        await room.polls.close("Ann", "talk", id)
    await room.polls.start("Ann", "talk", id)
    with pytest.raises(Conflict):
        await room.polls.start("Bob", "talk", id)
    assert (await room.polls.vote("talk", id, WEB, ["1"])).counts == {1: 1}
    with pytest.raises(NotAllowed):
        await room.polls.remove("Ann", "talk", id)
    await room.polls.close("Ann", "talk", id)
    with pytest.raises(NotAllowed):
        await room.polls.vote("talk", id, WEB, ["2"])
    await room.polls.start("Ann", "talk", id)
    found = await room.poll(id)
    assert (found.state.status, found.state.round, found.counts) == (PollStatus.OPEN, 2, {1: 1})
    whats = [action.change.what for action in await room.store.actions("talk")]
    assert whats == ["poll_reopen", "poll_close", "poll_start", "poll_make"]


async def test_every_act_can_be_taken_back(room: Room) -> None:
    """By the one undo, from the newest to the first."""
    made = await room.polls.make("Ann", "talk", WISH)
    id = made.state.id
    states = [made.state]
    for act in (
        lambda: room.polls.edit("Ann", "talk", id, PollState("", "", PollKind.SCALE, "How clear?")),
        lambda: room.polls.start("Ann", "talk", id),
        lambda: room.polls.mute("Ann", "talk", id, "bad"),
        lambda: room.polls.show("Ann", "talk", id, False),
        lambda: room.polls.close("Ann", "talk", id),
    ):
        await act()
        states.append((await room.poll(id)).state)
    assert len(set(states)) == len(states)
    await room.polls.remove("Ann", "talk", id)
    for state in reversed(states):
        await room.desk.undo("Ann", "talk")
        assert (await room.poll(id)).state == state
    await room.desk.undo("Ann", "talk")
    assert await room.store.polls("talk") == []


async def test_undo_opens_a_poll_for_those_who_type(room: Room) -> None:
    """A closing that was taken back hears what is typed again."""
    one = await room.open()
    await room.polls.close("Ann", "talk", one.state.id)
    await room.says("1")
    assert await room.waiting() == ["1"]
    await room.desk.undo("Ann", "talk")
    await room.says("2", "u2")
    assert (await room.poll(one.state.id)).counts == {2: 1}


async def test_votes_are_typed_in_any_chat(room: Room) -> None:
    """By number, letter and words; the last one of a person counts; none of them is asked to anybody."""
    one = await room.open()
    await room.says("1")
    await room.says("选B", "u2")
    await room.says("kafka", "u3", source="bilibili")
    await room.says("2")
    found = await room.poll(one.state.id)
    assert (found.people, found.counts) == (3, {2: 3})
    assert await room.waiting() == []
    assert len(await room.store.placements("talk")) == 4


async def test_questions_are_never_swallowed(room: Room) -> None:
    """While a poll is open, and whether or not they begin like a vote."""
    one = await room.open()
    asked = ["A 方案怎么部署?", "Is Redis faster than Kafka? And what about memory?", "Kafka 怎么扩容"]
    for text in asked:
        await room.says(text)
    assert (await room.poll(one.state.id)).people == 0
    assert "".join(await room.waiting()).replace(" ", "") == "".join(asked).replace(" ", "")


async def test_a_number_without_a_poll_is_chatter(room: Room) -> None:
    """Before one is opened and after it was closed; also where it was said before and is only brought later."""
    await room.says("1")
    one = await room.open()
    late = Message("talk", "telegram", "late", "u9", "", "2", room.time - 600.0)
    await room.floor.receive([late])
    await room.polls.close("Ann", "talk", one.state.id)
    await room.says("1", "u2")
    assert await room.waiting() == ["1", "2", "1"]
    assert (await room.poll(one.state.id)).people == 0


async def test_a_redelivery_and_a_restart_change_nothing(room: Room) -> None:
    """A vote that is brought again does not take the place of a later one."""
    one = await room.open()
    first = await room.says("1")
    await room.says("2")
    room.restart()
    assert await room.floor.receive([first]) == 0
    assert (await room.poll(one.state.id)).counts == {2: 1}
    await room.says("1")
    assert (await room.poll(one.state.id)).counts == {1: 1}


async def test_a_text_of_two_questions_is_one_answer(room: Room) -> None:
    """What is said behind the sign is not taken apart."""
    one = await room.open(PollState("", "", PollKind.OPEN, "What is unclear?"))
    await room.says("answer: Why Redis? How do I back it up?")
    assert [text.text for text in (await room.poll(one.state.id)).texts] == ["Why Redis? How do I back it up?"]
    assert await room.waiting() == []


async def test_every_chat_that_can_be_written_to_is_told(room: Room) -> None:
    """Once for each chat and round, with the options and how to vote; the result when it closes, unless it is for
    staff alone; what was not told of a round until then is not told any more; others are told nothing."""
    await room.says("hello")
    await room.says("hello", "u2")
    await room.says("hello", "u3", source="bilibili")
    one = await room.open()
    (opened,) = await room.deliveries()
    assert opened.address == Address("telegram", "-7", private=False)
    assert opened.text.splitlines()[:3] == ["Poll: Which queue?", "1. Redis", "2. Kafka"]
    assert opened.poll == one.state
    await room.says("1")
    await room.polls.close("Ann", "talk", one.state.id)
    closed = (await room.deliveries())[1]
    assert "Redis: 1 (100%)" in closed.text
    assert closed.not_before == room.time + UNDO_WITHIN
    await room.desk.undo("Ann", "talk")
    assert (await room.deliveries())[1].state == "failed"
    await room.polls.edit("Ann", "talk", one.state.id, PollState(**{**_fields(one.state), "results": Results.STAFF}))
    await room.polls.close("Ann", "talk", one.state.id)
    assert [d for d in await room.deliveries() if d.state == "waiting"] == []
    await room.polls.start("Ann", "talk", one.state.id)
    assert len(await room.deliveries()) == 3


def _fields(state: PollState) -> dict[str, object]:
    return {name: getattr(state, name) for name in PollState.__slots__}


async def test_one_poll_or_one_question_is_on_the_stage(room: Room) -> None:
    """What was put there last."""
    one = await room.open()
    two = await room.open(PollState("", "", PollKind.SCALE, "How clear?"))
    assert not (await room.poll(one.state.id)).state.shown
    assert (await room.poll(two.state.id)).state.shown
    await ask(room.store, "q1", "u1")
    await room.desk.stage("Ann", "q1")
    assert not (await room.poll(two.state.id)).state.shown
    await room.desk.undo("Ann", "talk")
    assert (await room.poll(two.state.id)).state.shown
    assert (await room.store.question("q1")).status is not Status.ON_STAGE


async def test_the_next_question_takes_a_poll_off_the_stage(room: Room) -> None:
    """ "Answered, next" goes on with the questions; undo brings the poll back."""
    await ask(room.store, "q1", "u1")
    await room.desk.stage("Ann", "q1")
    one = await room.open()
    await room.desk.next("Ann", "q1", "Answered aloud.")
    assert not (await room.poll(one.state.id)).state.shown
    await room.desk.undo("Ann", "talk")
    assert (await room.poll(one.state.id)).state.shown


async def test_two_moderators_start_two_polls_at_once(room: Room) -> None:
    """Both are open; one of them is on the stage, and each can be taken back."""
    ids = [(await room.polls.make(who, "talk", WISH)).state.id for who in ("Ann", "Bo")]
    await asyncio.gather(*(room.polls.start(who, "talk", id) for who, id in zip(("Ann", "Bo"), ids, strict=True)))
    states = [(await room.poll(id)).state for id in ids]
    assert [state.status for state in states] == [PollStatus.OPEN, PollStatus.OPEN]
    assert sum(state.shown for state in states) == 1
    for start in [one for one in await room.store.actions("talk") if one.change.what == "poll_start"]:
        await room.desk.undo("Ann", "talk", start.id)
    assert {(await room.poll(id)).state.status for id in ids} == {PollStatus.DRAFT}


async def test_two_moderators_start_the_same_poll_at_once(room: Room) -> None:
    """One of them does; the other is told, and the chats hear of it once."""
    id = (await room.polls.make("Ann", "talk", WISH)).state.id
    await room.says("hello")
    both = await asyncio.gather(*(room.polls.start(who, "talk", id) for who in ("Ann", "Bo")), return_exceptions=True)
    assert [type(one) for one in both if isinstance(one, Exception)] == [Conflict]
    assert (await room.poll(id)).state.round == 1
    assert len(await room.deliveries()) == 1


async def test_what_was_voted_in_is_not_changed_under_the_votes(room: Room) -> None:
    """Its title and who sees the result may be; its options may until it is started: chats were told those, and a
    button there names its option by number."""
    id = (await room.polls.make("Ann", "talk", WISH)).state.id
    more = PollState("", "", PollKind.SINGLE, "Which queue?", ("Redis", "Kafka", "RabbitMQ"))
    await room.polls.edit("Ann", "talk", id, more)
    await room.polls.start("Ann", "talk", id)
    for act in (None, room.polls.close):
        if act:
            await act("Ann", "talk", id)
        with pytest.raises(NotAllowed, match="copy the poll"):
            await room.polls.edit("Ann", "talk", id, WISH)
    renamed = PollState("", "", PollKind.SINGLE, "Which one?", more.options, results=Results.CLOSED)
    await room.polls.edit("Ann", "talk", id, renamed)
    assert (await room.poll(id)).state.title == "Which one?"


async def test_undo_changes_no_poll_under_its_votes(room: Room) -> None:
    """Changed, started, voted in, and the start taken back: the change stays, for the votes are of what it asks."""
    id = (await room.polls.make("Ann", "talk", WISH)).state.id
    swapped = PollState("", "", PollKind.SINGLE, "Which queue?", ("Kafka", "Redis"))
    edited = await room.polls.edit("Ann", "talk", id, swapped)
    started = await room.polls.start("Ann", "talk", id)
    await room.polls.vote("talk", id, WEB, ["1"])
    await room.desk.undo("Bo", "talk", started.id)
    with pytest.raises(Conflict, match="people voted"):
        await room.desk.undo("Bo", "talk", edited.id)
    assert (await room.poll(id)).state.options == ("Kafka", "Redis")


async def test_who_changes_a_poll_has_seen_what_it_asks(room: Room) -> None:
    """Two moderators at the same draft: the later one is told and overwrites nothing."""
    made = (await room.polls.make("Ann", "talk", WISH)).state
    more = PollState("", "", PollKind.SINGLE, "Which queue?", ("Redis", "Kafka", "RabbitMQ"))
    await room.polls.edit("Bo", "talk", made.id, more, seen=WISH)
    with pytest.raises(Conflict, match="just now"):
        await room.polls.edit("Ann", "talk", made.id, WISH, seen=WISH)
    assert (await room.poll(made.id)).state.options == more.options


async def test_polls_are_copied_from_another_session_as_drafts(room: Room) -> None:
    """Those named or all, without their votes; unknown ones are refused."""
    one = await room.open()
    await room.polls.vote("talk", one.state.id, WEB, ["1"])
    await room.polls.copy("Ann", "other", "talk")
    await room.polls.copy("Ann", "other", "talk", [one.state.id])
    copies = await room.store.polls("other")
    assert [(c.state.title, c.state.status, c.state.round, c.people) for c in copies] == [
        ("Which queue?", PollStatus.DRAFT, 0, 0)
    ] * 2
    with pytest.raises(NotFound):
        await room.polls.copy("Ann", "other", "talk", ["nowhere"])


async def test_a_session_reaches_no_poll_of_another(room: Room) -> None:
    """Neither its staff nor its viewers."""
    one = await room.open()
    for act in (
        room.polls.close("Ann", "other", one.state.id),
        room.polls.remove("Ann", "other", one.state.id),
        room.polls.vote("other", one.state.id, WEB, ["1"]),
        room.polls.vote("other", one.state.id, WEB, []),
    ):
        with pytest.raises(NotFound):
            await act


async def test_too_many_polls_are_refused(room: Room) -> None:
    """With what to do."""
    for _ in range(100):
        await room.polls.make("Ann", "talk", WISH)
    with pytest.raises(NotAllowed, match="remove one"):
        await room.polls.make("Ann", "talk", WISH)
    with pytest.raises(NotAllowed, match="remove some"):
        await room.polls.copy("Ann", "talk", "talk")
    with pytest.raises(BadInput):
        await room.polls.make("Ann", "other", PollState("", "", PollKind.SINGLE, "?"))


async def test_a_connector_votes_for_whom_pressed(room: Room) -> None:
    """By the floor's own way; nothing chosen takes it back."""
    one = await room.open()
    person = Person("telegram", "u1")
    assert (await room.floor.vote_poll("talk", one.state.id, person, ["2"])).counts == {2: 1}
    await room.says("1")
    assert (await room.poll(one.state.id)).counts == {1: 1}
    assert (await room.floor.vote_poll("talk", one.state.id, person, [])).people == 0


async def test_the_pulse_is_heard_where_it_is_switched_on(room: Room) -> None:
    """Typed and tapped; before and after it is chatter; the switch is in the ledger and can be taken back."""
    await room.says("太快了")
    await room.polls.switch_pulse("Ann", "talk", True)
    await room.says("太快了")
    await room.says("太快了吧，第三步是什么？")
    await room.polls.feel("talk", WEB, Mood.LOST)
    minute = int(room.time // 60)
    assert await room.store.pulse("talk", 0.0) == [(minute, "fast", 1), (minute, "lost", 1)]
    assert "太快了" in await room.waiting()
    assert (await room.waiting()).count("太快了") == 1
    await room.desk.undo("Ann", "talk")
    await room.says("太快了", "u2")
    assert (await room.waiting()).count("太快了") == 2
    with pytest.raises(NotAllowed):
        await room.polls.feel("talk", WEB, Mood.LOST)


async def test_who_watches_is_told(room: Room) -> None:
    """After every act and every vote, also a typed one; not after what is no vote."""
    one = await room.open()
    for act in (lambda: room.says("1"), lambda: room.polls.vote("talk", one.state.id, WEB, ["1"])):
        room.told.clear()
        await act()
        assert "polls" in room.told
    room.told.clear()
    await room.says("Is there a recording?")
    assert room.told == []


async def test_a_pressed_choice_counts_however_often_it_is_told(room: Room) -> None:
    """Another choice takes the place of the first; where several are asked for they add up, and one may begin anew."""
    one = await room.open()
    for choice in ("1", "1", "2", "2"):
        poll, chosen = await room.floor.press_poll("talk", one.state.id, WEB, choice)
    assert (poll.counts, chosen) == ({2: 1}, ("2",))
    several = await room.open(replace(WISH, kind=PollKind.MULTIPLE, options=("a", "b", "c"), most=2))
    for choice in ("3", "1", "3"):
        poll, chosen = await room.floor.press_poll("talk", several.state.id, WEB, choice)
    assert (poll.counts, chosen) == ({1: 1, 3: 1}, ("1", "3"))
    with pytest.raises(BadInput):
        await room.floor.press_poll("talk", several.state.id, WEB, "2")
    poll, chosen = await room.floor.press_poll("talk", several.state.id, WEB, "")
    assert (poll.people, chosen) == (0, ())


async def test_two_presses_at_once_both_count(room: Room) -> None:
    """A chat that calls us for each press may bring several of one person at the same moment."""
    several = await room.open(replace(WISH, kind=PollKind.MULTIPLE, options=("a", "b", "c"), most=3))
    await asyncio.gather(*(room.floor.press_poll("talk", several.state.id, WEB, choice) for choice in "123"))
    assert (await room.store.poll(several.state.id)).counts == {1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize("choice", ["0", "3", "x", "1>1", "-1"])
async def test_a_forged_choice_is_none(room: Room, choice: str) -> None:
    """What no button of ours can say is refused and counts nothing."""
    one = await room.open()
    with pytest.raises(BadInput):
        await room.floor.press_poll("talk", one.state.id, WEB, choice)
    assert (await room.store.poll(one.state.id)).people == 0
