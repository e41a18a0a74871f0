"""Contract of `ports.Links`: one human on several chats."""

import pytest

from bot.model import CourseMatch, Person
from bot.ports import Store
from tests.bot.storage.acts import ask
from tests.bot.storage.conftest import Ground

WEB = Person("web", "w1")
CHAT = Person("bilibili", "b1", "小李")


async def two_chats(store: Store) -> str:
    """A question that one human asked on two chats and a stranger voted for; its id."""
    await ask(store, "q1", "w1", source="web")
    await ask(store, "q1", "b1", source="bilibili")
    await store.vote("q1", Person("web", "stranger"), True, 9.0)
    return "q1"


async def test_a_linked_person_counts_once(store: Store) -> None:
    """Two chats are two people until one says a code of the other's; each chat still has its asker, and the queue is
    told."""
    id = await two_chats(store)
    before = await store.question(id)
    assert (before.people, before.askers, before.votes) == (3, 2, 1)
    await store.offer_link("hash", WEB, 100.0)
    assert await store.link("hash", CHAT, 50.0)
    after = await store.question(id)
    assert (after.people, after.askers, after.votes) == (2, 1, 1)
    assert after.chats == {"web": 1, "bilibili": 1}
    assert after.revision > before.revision
    await store.unlink(WEB, CHAT)
    assert (await store.question(id)).people == 3


async def test_a_vote_and_an_asking_of_one_human_count_once(store: Store) -> None:
    """Who voted on one chat for what they asked on another asks, and does not vote as well."""
    await ask(store, "q1", "b1", source="bilibili")
    await store.vote("q1", WEB, True, 9.0)
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", CHAT, 50.0)
    question = await store.question("q1")
    assert (question.people, question.askers, question.votes) == (1, 1, 0)


async def test_a_human_who_was_answered_on_one_chat_does_not_wait_on_the_other(store: Store) -> None:
    """Asked on two chats, and what was asked last was answered: one human, who waits no more."""
    await ask(store, "q1", "w1", source="web")
    await ask(store, "q1", "b1", source="bilibili", answer=CourseMatch("faq#1", 0.9, "sent", "x"))
    await ask(store, "q1", "b2", source="bilibili")
    assert ((one := await store.question("q1")).people, one.waiting) == (3, 2)
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", CHAT, 50.0)
    assert ((one := await store.question("q1")).people, one.waiting) == (2, 1)


async def test_the_page_shows_what_was_asked_in_the_chat_and_not_the_other_way_round(store: Store) -> None:
    """A code that a stranger caught in a chat shows them nothing."""
    await two_chats(store)
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", CHAT, 50.0)
    assert [one.message.source for one in await store.asked_by("talk", WEB)] == ["web", "bilibili"]
    assert [one.message.source for one in await store.asked_by("talk", CHAT)] == ["bilibili"]
    assert await store.linked(WEB) == [CHAT]


@pytest.mark.parametrize(("code", "person", "now"), [("other", CHAT, 50.0), ("hash", CHAT, 100.0)])
async def test_a_wrong_or_old_code_links_nobody(store: Store, code: str, person: Person, now: float) -> None:
    """Only the code that was offered, and only while it is good."""
    await store.offer_link("hash", WEB, 100.0)
    assert not await store.link(code, person, now)
    assert await store.linked(WEB) == []


async def test_a_code_that_is_not_good_is_no_write(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may type any number of codes, and what links people stops all that is written meanwhile."""
    await store.offer_link("hash", WEB, 100.0)
    writes: list[object] = []
    write = store._write  # type: ignore[attr-defined]

    async def noted(*arguments: object) -> object:
        writes.append(arguments)
        return await write(*arguments)

    monkeypatch.setattr(store, "_write", noted)
    for code, person in (("other", CHAT), ("hash", WEB)):
        assert not await store.link(code, person, 50.0)
    assert writes == []
    for _ in range(2):
        assert await store.link("hash", CHAT, 50.0)
    assert len(writes) == 1


async def test_a_code_is_good_for_one_person(store: Store) -> None:
    """The same person may say it again (a redelivery), somebody else may not."""
    await store.offer_link("hash", WEB, 100.0)
    assert await store.link("hash", CHAT, 50.0)
    assert await store.link("hash", CHAT, 5_000.0)
    assert not await store.link("hash", Person("kuaishou", "k1"), 50.0)
    assert await store.linked(WEB) == [CHAT]


async def test_nobody_takes_away_what_is_not_theirs(store: Store) -> None:
    """Unlinking a person that somebody else linked changes nothing."""
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", CHAT, 50.0)
    await store.unlink(Person("web", "stranger"), CHAT)
    assert await store.linked(WEB) == [CHAT]


async def test_nobody_is_linked_to_themselves(store: Store) -> None:
    """The page's own code said on the page."""
    await store.offer_link("hash", WEB, 100.0)
    assert not await store.link("hash", WEB, 50.0)
    assert await store.linked(WEB) == []


async def test_codes_that_nobody_uses_do_not_pile_up(ground: Ground) -> None:
    """Anybody may ask for codes, with a new name each time: of those that are over only the used ones are kept, for a
    day, in which a chat may deliver again what was said."""
    store = await ground.open()
    await store.offer_link("used", WEB, 900.0)
    assert await store.link("used", CHAT, 10.0)
    for n in range(200):
        await store.offer_link(f"hash {n}", Person("web", f"w{n}"), 900.0 + 60.0 * n)
    assert await store.link("used", CHAT, 12_000.0)
    await store.offer_link("last", WEB, 200_000.0)
    await store.close()
    assert ground.foreign("SELECT code_hash FROM link_codes") == ["last"]


async def test_at_most_an_hour_of_codes_is_kept(ground: Ground) -> None:
    """Also while they are asked for without a pause."""
    store = await ground.open()
    for n in range(200):
        await store.offer_link(f"hash {n}", Person("web", f"w{n}"), 900.0 + 60.0 * n)
    await store.close()
    assert ground.foreign("SELECT COUNT(*) FROM link_codes")[0] <= 61
