"""What is due after a talk, who can be told, and who does not want to be."""

import pytest

from bot.errors import BadInput, Conflict
from bot.model import Address, Change, Delivery, DutyState, DutyStatus, Person, Session
from bot.ports import Store
from tests.bot.storage.acts import arrive, ask, merge

OPEN = DutyState("talk", "digest")
SENT = DutyState("talk", "digest", DutyStatus.SENT, at=5.0)
SAID = Delivery("digest:talk:telegram:-7", "talk", Address("telegram", "-7", private=False), "Thanks")


async def test_a_duty_is_done_with_what_it_says_or_not_at_all(store: Store) -> None:
    """A second one who does it finds it done, and nothing is said twice or by halves."""
    await store.keep_duty(OPEN, SENT, [SAID])
    with pytest.raises(Conflict):
        await store.keep_duty(OPEN, SENT, [Delivery("digest:talk:telegram:-8", "talk", SAID.address, "Thanks")])
    assert await store.duties("talk") == [SENT]
    assert [one.key for one in await store.deliveries("talk")] == [SAID.key]


async def test_what_people_do_with_a_duty_is_in_the_ledger(store: Store) -> None:
    """As a change, which a stale one does not undo."""
    change = Change("talk", 9.0, "Ann", "after_send", deliveries=(SAID,), duties=((OPEN, SENT),))
    action = await store.apply(change)
    assert (await store.actions("talk"))[0].change.duties == ((OPEN, SENT),)
    with pytest.raises(Conflict):
        await store.apply(change)
    await store.apply(Change("talk", 9.0, "Ann", "undo", undoes=action.id, duties=((SENT, OPEN),)))
    assert await store.duties("talk") == [OPEN]
    with pytest.raises(BadInput):
        await store.apply(Change("other", 9.0, "Ann", "after_send", duties=((OPEN, SENT),)))


async def test_who_is_forgotten_is_named_in_no_digest_that_staff_worded(store: Store) -> None:
    """Nor in the ledger, however staff named or quoted them, for their evenings; and what staff did with it can still
    be taken back."""
    asked = {"text": "Does zucchini float?", "author_name": "Anneliese", "chat": "-7", "private": False}
    hers = await ask(store, "q1", "u1", **asked)
    said = "Thanks to Anneliese! Anneliese asked: Does zucchini float?"
    worded, sent = DutyState("talk", "digest", text=said), DutyState("talk", "digest", DutyStatus.SENT, said, 5.0)
    elsewhere = DutyState("other", "digest", text="Anneliese will speak.")
    wording = await store.apply(Change("talk", 8.0, "Mo", "after_word", duties=((OPEN, worded),)))
    told = (Delivery(SAID.key, "talk", SAID.address, said),)
    sending = await store.apply(Change("talk", 9.0, "Mo", "after_send", deliveries=told, duties=((worded, sent),)))
    await store.apply(Change("other", 9.0, "Mo", "after_word", duties=((DutyState("other", "digest"), elsewhere),)))
    await store.forget(hers.person, None, 10.0)
    kept = [await store.actions("talk"), await store.duties("talk"), await store.deliveries("talk")]
    assert not [name for name in ("Anneliese", "zucchini") if name in str(kept)]
    assert "Thanks to [removed]! [removed] asked: [removed]" in str(kept)
    assert await store.duties("other") == [elsewhere]
    for action in (sending, wording):
        found = next(one.change for one in await store.actions("talk") if one.id == action.id)
        back = tuple((after, before) for before, after in found.duties)
        await store.apply(Change("talk", 11.0, "Mo", "undo", undoes=action.id, duties=back))
    assert await store.duties("talk") == [OPEN]


async def test_who_is_forgotten_is_in_the_ledger_of_no_evening_that_wrote_to_them(store: Store) -> None:
    """Also of one at which they asked only on the page that their chat is linked to."""
    await ask(store, "q1", "w1", source="web", chat="talk", author_name="")
    await ask(store, "q8", "u1", session="last", chat="u1")
    address = Address("telegram", "u1", user="u1")
    told = Delivery("personal:talk:telegram:u1", "talk", address, "Your questions: Is there a recording?")
    bobs = Delivery("personal:talk:telegram:u2", "talk", Address("telegram", "u2", user="u2"), "Your questions: none")
    duty = DutyState("talk", "personal"), DutyState("talk", "personal", DutyStatus.SENT, at=5.0)
    await store.apply(Change("talk", 9.0, "Mo", "after_send", deliveries=(told, bobs), duties=(duty,)))
    await store.forget(Person("telegram", "u1"), None, 10.0)
    assert [action.change.deliveries for action in await store.actions("talk")] == [(bobs,)]


async def test_everybody_who_asked_is_found_once_with_the_chat_where_only_they_read(store: Store) -> None:
    """A human on two linked chats is one, what was merged counts where it went, and the last private chat is theirs."""
    await store.save_session(Session("talk", "T"))
    await ask(store, "q1", "u1", chat="-7", private=False)
    await ask(store, "q2", "u1", chat="u1")
    await ask(store, "q3", "w1", source="web", chat="talk")
    await ask(store, "q1", "u2", chat="-7", private=False)
    await merge(store, "q2", "q1")
    await store.offer_link("h", Person("web", "w1"), 900.0)
    assert await store.link("h", Person("telegram", "u1"), 100.0)
    one, other = sorted(await store.askers("talk"), key=lambda asker: asker.person.source)
    assert (one.person.id, one.chat, [w.question for w in one.asked]) == ("u2", None, ["q1"])
    assert other.person.id == "w1"
    assert other.chat is not None
    assert (other.chat.connector, other.chat.chat, other.chat.private) == ("telegram", "u1", True)
    assert [(w.first, w.question) for w in other.asked] == [("q1", "q1"), ("q2", "q1"), ("q3", "q3")]


async def test_a_private_chat_of_an_earlier_evening_is_known(store: Store) -> None:
    """Who asks in the group tonight and wrote in private last week can be told in private."""
    await arrive(store, session="last", user="u1", chat="u1")
    await ask(store, "q1", "u1", chat="-7", private=False)
    (asker,) = await store.askers("talk")
    assert asker.chat is not None
    assert asker.chat.chat == "u1"


async def test_chats_are_found_with_who_reads_there(store: Store) -> None:
    """A group is told though one of its members wants to hear nothing; where only they read nothing is."""
    for user, chat in (("u1", "-7"), ("u2", "-7")):
        await arrive(store, user=user, chat=chat, private=False)
    for user in ("u1", "u2"):
        await arrive(store, user=user, chat=user)
    await store.opt_out(Person("telegram", "u1"), 5.0)
    assert [(one.address.chat, one.address.private, one.out) for one in await store.hearings("talk")] == [
        ("-7", False, False),
        ("u1", True, True),
        ("u2", True, False),
    ]


async def test_it_is_known_which_sources_brought_a_talk(store: Store) -> None:
    """Of those that are asked about, and of this talk alone."""
    await arrive(store, user="u1", chat="-7", private=False)
    await arrive(store, session="last", source="bilibili", user="u1", chat="5")
    assert await store.brought("talk", ["bilibili", "telegram", "wecom"]) == {"telegram"}
    assert await store.brought("talk", []) == set()


@pytest.mark.parametrize("says", [Person("web", "w1"), Person("telegram", "u1"), Person("wecom", "x1")])
@pytest.mark.parametrize("again", [Person("web", "w1"), Person("telegram", "u1")])
async def test_of_linked_persons_one_says_it_for_all(store: Store, says: Person, again: Person) -> None:
    """Whichever of them, and so the way back."""
    owner, everybody = Person("web", "w1"), [Person("web", "w1"), Person("telegram", "u1"), Person("wecom", "x1")]
    for number, person in enumerate(everybody[1:]):
        await store.offer_link(f"h{number}", owner, 900.0)
        assert await store.link(f"h{number}", person, 100.0)
    await store.opt_out(says, 5.0)
    await store.opt_out(says, 6.0)
    assert [await store.is_out(person) for person in everybody] == [True, True, True]
    assert not await store.is_out(Person("telegram", "u2"))
    assert await store.opt_in(again)
    assert [await store.is_out(person) for person in everybody] == [False, False, False]
    assert not await store.opt_in(again)
