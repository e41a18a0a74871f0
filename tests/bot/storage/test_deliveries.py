"""Contract of `ports.Deliveries` and `ports.Logins`."""

from dataclasses import replace

import pytest

from bot.errors import TryLater
from bot.model import Address, Button, Delivery, Session
from bot.ports import Store
from bot.reach import CUT_OFF
from tests.bot.storage.acts import ask
from tests.bot.storage.conftest import Open

ONE = Delivery("ack:q1:web:c", "talk", Address("web", "c", private=False), "noted", (Button("vote", "q1", "+1"),))


async def test_waiting_deliveries_are_due_oldest_first(store: Store) -> None:
    """Not before their time, at most `limit`, and reading marks none."""
    later = replace(ONE, key="b", not_before=50.0)
    await store.deliver([ONE, later, replace(ONE, key="c")])
    assert [d.key for d in await store.due(10.0)] == [ONE.key, "c"]
    assert [d.key for d in await store.due(50.0)] == [ONE.key, "b", "c"]
    assert [d.key for d in await store.due(50.0, 1)] == [ONE.key]


async def test_the_same_words_change_nothing(store: Store) -> None:
    """What was sent is not sent again."""
    sent = replace(ONE, state="sent", sent_id="77", attempts=1)
    await store.deliver([ONE])
    await store.settle(sent)
    await store.deliver([replace(ONE, not_before=5.0)])
    assert await store.deliveries("talk") == [sent]
    assert await store.due(100.0) == []


async def test_other_words_wait_again_as_an_edit(store: Store) -> None:
    """A rewording keeps `sent_id` and starts its attempts anew, whatever became of the words before."""
    await store.deliver([ONE])
    for state in ("sent", "failed"):
        await store.settle(replace(ONE, state=state, sent_id="77", attempts=3, error="x"))
        words = replace(ONE, text=f"after {state}", not_before=9.0)
        await store.deliver([words])
        assert await store.due(9.0) == [replace(words, sent_id="77")]
        await store.deliver([ONE])


async def test_the_same_words_after_giving_up_wait_again(store: Store) -> None:
    """What was taken back or failed can be said anew."""
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="failed", attempts=3, error="x"))
    await store.deliver([ONE])
    assert await store.due(0.0) == [ONE]


async def test_words_that_may_be_on_their_way_are_not_forgotten(store: Store) -> None:
    """While a correction is being sent, it is taken back, made anew and taken back again: what lands then is not what
    the row says, so the first words are said again."""
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="sending", attempts=1))
    await store.settle(replace(ONE, state="sent", attempts=1, sent_id="7"))
    correction = replace(ONE, text="corrected")
    await store.deliver([correction])
    assert await store.settle(replace(correction, state="sending", attempts=1, sent_id="7"))
    for words in (ONE, replace(ONE, text="corrected again"), ONE):
        await store.deliver([words])
    await store.settle(replace(correction, state="sent", attempts=1, sent_id="7"))
    assert [one.text for one in await store.due(100.0)] == [ONE.text]


async def test_what_was_given_up_is_not_begun_nor_tried_again(store: Store) -> None:
    """Between the reading of what is due and its sending, and while it is being sent: a try that fails is the last.
    What was sent all the same was sent, and what is wanted again after all is tried as any other."""
    sending = replace(ONE, state="sending", attempts=1)
    failed = replace(ONE, state="waiting", attempts=1, not_before=9.0, error="no answer")
    await store.deliver([ONE])
    await store.withhold(ONE, "taken back")
    assert not await store.settle(sending)
    assert [one.state for one in await store.deliveries("talk")] == ["failed"]
    await store.deliver([ONE])
    assert await store.settle(sending)
    await store.withhold(ONE, "taken back")
    assert await store.settle(failed)
    (row,) = await store.deliveries("talk")
    assert (row.state, row.error) == ("failed", "taken back")
    assert await store.due(100.0) == []
    for outcome, stands in ((replace(ONE, state="sent", attempts=1, sent_id="7"), "sent"), (failed, "waiting")):
        other = replace(outcome, key=f"{ONE.key}:{stands}")
        await store.deliver([replace(ONE, key=other.key)])
        assert await store.settle(replace(sending, key=other.key))
        await store.withhold(other, "taken back")
        if stands == "waiting":
            await store.deliver([replace(ONE, key=other.key)])
        assert await store.settle(other)
        assert {one.key: one.state for one in await store.deliveries("talk")}[other.key] == stands


async def test_what_is_withheld_is_not_said(store: Store) -> None:
    """As far as it waits in these words: what was sent or was reworded is not touched."""
    await store.deliver([ONE])
    await store.withhold(ONE, "taken back")
    assert await store.deliveries("talk") == [replace(ONE, state="failed", error="taken back")]
    await store.deliver([ONE])
    sent = replace(ONE, state="sent", sent_id="77", attempts=1)
    await store.settle(sent)
    await store.withhold(ONE, "taken back")
    assert await store.deliveries("talk") == [sent]
    reworded = replace(ONE, text="other words", sent_id="77")
    await store.deliver([reworded])
    await store.withhold(ONE, "taken back")
    assert await store.deliveries("talk") == [reworded]


async def test_words_that_the_chat_still_has_are_not_said_again(store: Store) -> None:
    """A correction that is taken back before it left leaves what was sent; where it was tried, the chat is told."""
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="sent", sent_id="77", attempts=1))
    other = replace(ONE, text="other words", sent_id="77")
    for taken_back in (True, False):
        await store.deliver([other])
        if taken_back:
            await store.withhold(other, "taken back")
        await store.deliver([ONE])
        assert await store.deliveries("talk") == [replace(ONE, state="sent", sent_id="77")]
    for state in ("waiting", "sending"):
        await store.deliver([other])
        await store.settle(replace(other, state=state, attempts=1, error="no answer"))
        await store.deliver([ONE])
        assert await store.due(0.0) == [replace(ONE, sent_id="77")]
    await store.deliver([other])
    await store.settle(replace(other, state="sent", attempts=1))
    await store.deliver([ONE])
    assert await store.due(0.0) == [replace(ONE, sent_id="77")]


async def test_what_was_sent_while_it_was_reworded_is_what_the_chat_heard(store: Store) -> None:
    """The words under way arrive after all: the ones before them are to be said again."""
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="sent", sent_id="77", attempts=1))
    other = replace(ONE, text="other words", sent_id="77")
    await store.deliver([other])
    await store.settle(replace(other, state="sending", attempts=1))
    await store.deliver([replace(ONE, text="third words")])
    await store.settle(replace(other, state="sent", attempts=1))
    await store.deliver([ONE])
    assert await store.due(0.0) == [replace(ONE, sent_id="77")]


async def test_since_when_it_is_due_outlasts_every_try(store: Store) -> None:
    """`not_before` moves on; other words are due anew."""
    await store.deliver([replace(ONE, not_before=5.0)])
    await store.settle(replace(ONE, not_before=30.0, attempts=1, error="timeout"))
    (tried,) = await store.due(30.0)
    assert (tried.not_before, tried.due_at) == (30.0, 5.0)
    await store.deliver([replace(ONE, text="other words", not_before=40.0)])
    (reworded,) = await store.due(30.0)
    assert (reworded.not_before, reworded.due_at) == (30.0, 40.0)


async def test_rewording_what_waits_does_not_put_it_off(store: Store) -> None:
    """A number that grows all the time is still said in time; an earlier time is taken."""
    times = []
    for n, not_before in enumerate((5.0, 9.0, 4.0)):
        await store.deliver([replace(ONE, text=f"with {n} others", not_before=not_before)])
        times.append((await store.deliveries("talk"))[0].not_before)
    assert times == [5.0, 5.0, 4.0]


async def test_a_chat_that_wants_silence_gets_it_also_after_a_restart(store: Store) -> None:
    """While one delivery waits because its chat said so, nothing else of that chat is due, whatever becomes of its
    words; other chats go on."""
    other, elsewhere = replace(ONE, key="b"), replace(ONE, key="c", address=Address("web", "another"))
    await store.deliver([ONE, other, elsewhere])
    await store.settle(replace(ONE, not_before=30.0, error=str(TryLater(30.0))))
    await store.deliver([replace(ONE, text="other words", not_before=1.0)])
    assert [d.key for d in await store.due(29.0)] == ["c"]
    assert [d.key for d in await store.due(30.0)] == [ONE.key, "b", "c"]


async def test_other_buttons_are_other_words(store: Store) -> None:
    """Taking the button away edits the message."""
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="sent", sent_id="77"))
    await store.deliver([replace(ONE, buttons=())])
    assert await store.due(0.0) == [replace(ONE, buttons=(), sent_id="77")]


async def test_settling_words_that_were_reworded_keeps_them_waiting(store: Store) -> None:
    """The outcome belongs to the old words; only the id of what was sent is learned, so that the new ones edit it."""
    await store.deliver([ONE])
    await store.deliver([replace(ONE, text="noted, with 2 others")])
    await store.settle(replace(ONE, state="failed", attempts=4, error="gone"))
    assert await store.due(0.0) == [replace(ONE, text="noted, with 2 others")]
    await store.settle(replace(ONE, state="sent", attempts=1, sent_id="77"))
    assert await store.due(0.0) == [replace(ONE, text="noted, with 2 others", sent_id="77")]


async def test_a_try_that_failed_waits_for_its_next_time(store: Store) -> None:
    """`settle` writes every field of the outcome."""
    await store.deliver([ONE])
    tried = replace(ONE, attempts=2, not_before=30.0, error="timeout")
    await store.settle(tried)
    assert await store.due(29.0) == []
    assert await store.due(30.0) == [tried]


async def test_settling_what_is_not_there_adds_nothing(store: Store) -> None:
    """An outcome alone is nothing to say."""
    await store.settle(ONE)
    assert await store.deliveries("talk") == []


@pytest.mark.parametrize("name", ["AI", "A", "好", "小白"])
async def test_a_name_that_is_a_word_is_forgotten_where_it_is_a_name(store: Store, name: str) -> None:
    """Among those who asked, in any language; no other message loses a word, in their sessions or another one."""
    await store.save_session(Session("talk", "A talk"))
    hers = await ask(store, "q1", "u1", author_name=name, text="And mine?", chat="-7", private=False)
    group = Address("telegram", "-7", "m1", private=False)
    rest = f"Bob asked: Is it, {name}, so?\nCarl问：{name}问什么\n\n{name}, it is.\n(answered by {name})"
    named = [f"{name}, Zoe asked: And mine?", f"Zoe、{name}、Li问：And mine?", f"{name}等 25 人也问了同样的问题"]
    told = Delivery("answer:q1:telegram:-7", "talk", group, "\n".join([*named, rest]))
    others = [
        Delivery("digest:talk:telegram:-7", "talk", group, f"1. What is {name}?\n   {name} is a word."),
        Delivery("answer:q9:telegram:-8", "other", replace(group, chat="-8"), f"{name} asked: why?\n\n{name}!"),
    ]
    await store.deliver([told, *others])
    await store.forget(hers.person, None, 1.0)
    found = [one for session in ("talk", "other") for one in await store.deliveries(session)]
    gone = ["[removed], Zoe asked: [removed]", "Zoe、[removed]、Li问：[removed]", "[removed]等 25 人也问了同样的问题"]
    assert found == [replace(told, text="\n".join([*gone, rest])), *others]


async def test_what_is_being_sent_while_somebody_is_forgotten_is_not_said_again(store: Store) -> None:
    """Its outcome is written down though their name is gone from it."""
    hers = await ask(store, "q1", "u1", author_name="Anneliese", text="And mine?", chat="-7", private=False)
    told = replace(ONE, address=Address("telegram", "-7", private=False), text="Anneliese asked: And mine?\n\nYes.")
    await store.deliver([told])
    await store.settle(replace(told, state="sending", attempts=1))
    await store.forget(hers.person, None, 1.0)
    await store.settle(replace(told, state="sent", attempts=1, sent_id="77"))
    assert await store.deliveries("talk") == [
        replace(told, state="sent", attempts=1, sent_id="77", text="[removed] asked: [removed]\n\nYes.")
    ]


async def test_what_was_being_sent_at_the_end_is_sent_again(opening: Open) -> None:
    """After a restart an unknown outcome waits again: said twice is better than never said."""
    store = await opening()
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="sending", attempts=1))
    assert await store.due(0.0) == []
    await store.close()
    store = await opening()
    assert await store.due(0.0) == [replace(ONE, attempts=1, error=CUT_OFF)]
    await store.close()


async def test_what_was_given_up_while_it_was_sent_is_not_sent_again_after_a_restart(opening: Open) -> None:
    """The program dies with a call under way that was taken back: it does not wait for ever, and the same words are
    said where somebody says them anew."""
    store = await opening()
    await store.deliver([ONE])
    await store.settle(replace(ONE, state="sending", attempts=1))
    await store.withhold(ONE, "taken back")
    await store.close()
    store = await opening()
    assert await store.deliveries("talk") == [replace(ONE, state="failed", attempts=1, error="taken back")]
    await store.deliver([ONE])
    assert await store.due(0.0) == [ONE]
    await store.settle(replace(ONE, state="sending", attempts=1))
    await store.withhold(ONE, "taken back")
    await store.send_again(ONE.address.connector)
    assert [one.state for one in await store.deliveries("talk")] == ["failed"]
    await store.close()


async def test_only_what_is_being_sent_by_one_connector_is_sent_again(store: Store) -> None:
    """Whoever takes over a chat sends again what was under way there, and nothing of another chat's."""
    other = replace(ONE, key="other", address=replace(ONE.address, connector="elsewhere"))
    await store.deliver([ONE, other])
    for delivery in (ONE, other):
        await store.settle(replace(delivery, state="sending", attempts=1))
    await store.send_again(ONE.address.connector)
    assert await store.due(0.0) == [replace(ONE, attempts=1, error=CUT_OFF)]
    await store.send_again("nobody")
    assert await store.due(0.0) == [replace(ONE, attempts=1, error=CUT_OFF)]
