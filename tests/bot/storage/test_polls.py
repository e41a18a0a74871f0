"""Contract of `ports.Polls`: polls, one vote a human, results, and the pulse."""

import asyncio
from dataclasses import replace

import pytest

from bot.errors import Conflict, NotAllowed, NotFound
from bot.model import (
    Address,
    Change,
    Cursor,
    Delivery,
    Message,
    Mood,
    Person,
    PollKind,
    PollState,
    PollStatus,
    PollText,
    PollVote,
    Pulse,
    Results,
)
from bot.ports import Store

WEB = Person("web", "w1")
CHAT = Person("bilibili", "b1", "小李")


def poll(id: str = "p1", kind: PollKind = PollKind.SINGLE, **more: object) -> PollState:
    options = ("Redis", "Kafka") if kind in {PollKind.SINGLE, PollKind.MULTIPLE} else ()
    return PollState(id, "talk", kind, "Which?", options, status=PollStatus.OPEN, round=1, opened_at=5.0, **more)  # type: ignore[arg-type]


async def change(store: Store, before: PollState | None, after: PollState | None) -> None:
    await store.apply(Change("talk", 1.0, "Ann", "test", polls=((before, after),)))


async def opened(store: Store, state: PollState | None = None) -> PollState:
    state = state or poll()
    await change(store, None, state)
    return state


def said(text: str, person: Person = CHAT, id: str = "m1", **more: object) -> Message:
    return Message("talk", person.source, id, person.id, person.name, text, 10.0, **more)  # type: ignore[arg-type]


async def test_a_poll_is_kept_as_it_was_made(store: Store) -> None:
    """Every field, in the order of making; removed and brought back with its votes."""
    full = replace(
        poll("p2", PollKind.SCALE), low=0, high=10, ends=("坏", "好"), results=Results.STAFF, shown=True, muted=("x",)
    )
    first = await opened(store)
    await opened(store, full)
    assert [one.state for one in await store.polls("talk")] == [first, full]
    await store.vote_poll(PollVote("p1", WEB, ("1",)))
    await change(store, first, None)
    assert [one.state for one in await store.polls("talk")] == [full]
    with pytest.raises(NotFound):
        await store.poll("p1")
    with pytest.raises(NotFound):
        await store.vote_poll(PollVote("p1", WEB, ("1",)))
    await change(store, None, first)
    assert (await store.poll("p1")).people == 1


async def test_two_moderators_never_overwrite_each_other(store: Store) -> None:
    """A poll that is not as one knew it is not changed, and nothing of that act happens."""
    first = await opened(store)
    await change(store, first, replace(first, title="Which one?"))
    with pytest.raises(Conflict):
        await change(store, first, replace(first, title="Another"))
    with pytest.raises(Conflict):
        await change(store, None, first)
    assert (await store.poll("p1")).state.title == "Which one?"


async def test_the_last_vote_of_a_person_counts(store: Store) -> None:
    """However often they vote; taken back it is none."""
    await opened(store)
    for choice in ("1", "1", "2"):
        await store.vote_poll(PollVote("p1", WEB, (choice,)))
    found = await store.poll("p1")
    assert (found.people, found.counts) == (1, {2: 1})
    assert await store.poll_votes_of("talk", WEB) == {"p1": ("2",)}
    await store.unvote_poll("p1", WEB)
    assert (await store.poll("p1")).people == 0


async def test_a_human_on_two_chats_counts_once_with_the_last_vote(store: Store) -> None:
    """From the moment they link them, back until they unlink them."""
    await opened(store)
    await store.vote_poll(PollVote("p1", WEB, ("1",)))
    await store.vote_poll(PollVote("p1", CHAT, ("2",)))
    await store.vote_poll(PollVote("p1", Person("web", "other"), ("1",)))
    assert (await store.poll("p1")).counts == {1: 2, 2: 1}
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", CHAT, 50.0)
    found = await store.poll("p1")
    assert (found.people, found.counts) == (2, {1: 1, 2: 1})
    assert await store.poll_votes_of("talk", WEB) == {"p1": ("2",)}
    await store.vote_poll(PollVote("p1", WEB, ("1",)))
    assert (await store.poll("p1")).counts == {1: 2}
    await store.unlink(WEB, CHAT)
    assert (await store.poll("p1")).counts == {1: 2, 2: 1}


async def test_several_options_and_words_are_counted_for_each(store: Store) -> None:
    """People and not votes; words by their normal form, shown as they were written first, the most frequent first."""
    await opened(store, poll("p1", PollKind.MULTIPLE, most=2))
    await opened(store, poll("p2", PollKind.WORDS, most=3))
    await store.vote_poll(PollVote("p1", WEB, ("1", "2")))
    await store.vote_poll(PollVote("p1", CHAT, ("2",)))
    found = await store.poll("p1")
    assert (found.people, found.counts) == (2, {1: 1, 2: 2})
    await store.vote_poll(PollVote("p2", WEB, ("快", "開源！")))
    await store.vote_poll(PollVote("p2", CHAT, ("开源",)))
    assert (await store.poll("p2")).texts == (PollText("开源", "開源！", 2), PollText("快", "快", 1))


async def test_a_poll_that_is_not_open_takes_no_vote(store: Store) -> None:
    """Neither a draft nor a closed one, and none can be taken back."""
    first = await opened(store, replace(poll(), status=PollStatus.DRAFT, round=0))
    with pytest.raises(NotAllowed, match="not been started"):
        await store.vote_poll(PollVote("p1", WEB, ("1",)))
    await change(store, first, replace(first, status=PollStatus.CLOSED, round=1))
    with pytest.raises(NotAllowed, match="closed"):
        await store.unvote_poll("p1", WEB)


async def test_a_poll_that_is_closed_asks_nobody_to_vote(store: Store) -> None:
    """What waits is given up, and waits again where that is undone; not what it brought, nor another poll's."""
    first = await opened(store)
    keys = ("poll:p1:1:open:telegram:c", "poll:p1:1:result:telegram:c", "poll:p2:1:open:telegram:c")
    asks, tells, other = (Delivery(key, "talk", Address("telegram", "c"), "Which?", poll=first) for key in keys)
    await store.deliver([asks, tells, other])
    closed = replace(first, status=PollStatus.CLOSED)
    action = await store.apply(Change("talk", 1.0, "Ann", "poll_close", polls=((first, closed),)))
    assert await store.due(9.0) == [tells, other]
    await store.apply(Change("talk", 2.0, "Ann", "undo", polls=((closed, first),), undoes=action.id))
    assert await store.due(9.0) == [asks, tells, other]


async def test_a_thousand_votes_at_once_are_a_thousand(store: Store) -> None:
    """And those that each person sends a second time change nothing but their choice."""
    await opened(store)
    persons = [Person("web", f"w{n}") for n in range(1000)]
    await asyncio.gather(*(store.vote_poll(PollVote("p1", one, ("1",))) for one in persons))
    assert (await store.poll("p1")).counts == {1: 1000}
    await asyncio.gather(*(store.vote_poll(PollVote("p1", one, (str(1 + n % 2),))) for n, one in enumerate(persons)))
    found = await store.poll("p1")
    assert (found.people, found.counts) == (1000, {1: 500, 2: 500})


async def test_a_typed_vote_is_written_with_its_message_once(store: Store) -> None:
    """The message is kept and waits for no pipeline; a redelivery does not vote again, also where another vote came
    between."""
    await opened(store)
    vote = PollVote("p1", CHAT, ("1",), "m1")
    assert await store.receive([said("1")], Cursor("bilibili", "7"), votes=[vote]) == 1
    assert await store.pending("talk", 10) == []
    ((message, placement),) = await store.placements("talk")
    assert message.text == "1"
    assert placement is not None
    assert not placement.asking
    assert [reason.code for reason in placement.reasons.asking] == ["vote"]
    await store.vote_poll(PollVote("p1", CHAT, ("2",)))
    assert await store.receive([said("1")], votes=[vote]) == 0
    assert (await store.poll("p1")).counts == {2: 1}


async def test_a_vote_is_no_context_and_none_of_my_questions(store: Store) -> None:
    """What the pipeline looks back on, and what askers see of themselves, is what was said."""
    await opened(store)
    await store.receive([said("1")], votes=[PollVote("p1", CHAT, ("1",), "m1")])
    assert await store.latest("talk", 10) == []
    assert await store.asked_by("talk", CHAT) == []


async def test_a_message_whose_poll_was_closed_meanwhile_is_a_message(store: Store) -> None:
    """It waits for the pipeline as any other."""
    first = await opened(store)
    await change(store, first, replace(first, status=PollStatus.CLOSED))
    votes = [PollVote("p1", CHAT, ("1",), "m1"), PollVote("nowhere", CHAT, ("1",), "m2")]
    assert await store.receive([said("1"), said("2", id="m2")], votes=votes) == 2
    assert [message.text for message in await store.pending("talk", 10)] == ["1", "2"]
    assert (await store.poll("p1")).people == 0


async def test_votes_survive_a_restart(store: Store, opening) -> None:  # type: ignore[no-untyped-def]
    """Message, vote and poll are one transaction on the disk."""
    await opened(store)
    await store.receive([said("1")], votes=[PollVote("p1", CHAT, ("1",), "m1")])
    await store.close()
    again = await opening()
    try:
        assert (await again.poll("p1")).counts == {1: 1}
        assert await again.pending("talk", 10) == []
    finally:
        await again.close()


async def test_the_chats_of_a_session_are_each_named_once(store: Store) -> None:
    """With no message to reply to; chats that cannot be written to are none."""
    group, private = Address("telegram", "-7", "1", "u1", private=False), Address("telegram", "8", "2", "u2")
    await store.receive(
        [
            said("a", id="1", address=group),
            said("b", id="2", address=replace(group, message="9", user="u3")),
            said("c", id="3", address=private),
            said("d", id="4"),
        ]
    )
    assert await store.chats("talk") == [Address("telegram", "-7", private=False), Address("telegram", "8")]


async def test_the_pulse_counts_one_a_human_and_minute(store: Store) -> None:
    """The last one of a minute; only where it is switched on, and undo switches it back."""
    fast, lost = Pulse("talk", WEB, Mood.FAST, 61.0), Pulse("talk", WEB, Mood.LOST, 119.0)
    with pytest.raises(NotAllowed):
        await store.feel(fast)
    assert not await store.pulse_on("talk")
    await store.apply(Change("talk", 1.0, "Ann", "pulse_on", pulse=True))
    assert await store.pulse_on("talk")
    await store.feel(fast)
    await store.feel(lost)
    await store.receive([said("太快了")], votes=[Pulse("talk", CHAT, Mood.FAST, 121.0, "m1")])
    assert await store.pulse("talk", 60.0) == [(1, "lost", 1), (2, "fast", 1)]
    assert await store.pulse("talk", 120.0) == [(2, "fast", 1)]
    assert await store.pending("talk", 10) == []
    await store.apply(Change("talk", 2.0, "Ann", "pulse_off", pulse=False))
    assert not await store.pulse_on("talk")


async def test_results_are_read_in_one_go(store: Store) -> None:
    """Also where a session has none."""
    assert await store.polls("talk") == []
    for n in range(3):
        await opened(store, poll(f"p{n}"))
        await store.vote_poll(PollVote(f"p{n}", WEB, ("1",)))
    assert [(one.people, one.counts) for one in await store.polls("talk")] == [(1, {1: 1})] * 3
