"""What reports are counted from."""

from dataclasses import replace

from bot.model import Answer, Change, Heard, Person, Status
from bot.ports import Store
from tests.bot.storage.acts import arrive, ask, merge


async def test_every_message_is_heard_with_what_became_of_it(store: Store) -> None:
    """In order of arrival, under the final group; the words only of what belongs to a question."""
    one = await ask(store, "q1")
    two = await ask(store, "q2", user="u2", source="web", text="Recorded?")
    three = await arrive(store, user="u3", text="hello", address=None)
    await merge(store, "q2", "q1")
    assert await store.heard("talk") == [
        Heard(
            one.id - 1, "telegram", "u1", ("telegram", "u1"), 101.0, True, True, "q1", "U1", "Is there a recording?",
            ("telegram", "u1"),
        ),
        Heard(two.id - 1, "web", "u2", ("web", "u2"), 102.0, True, True, "q1", "U2", "Recorded?", ("web", "u2")),
        Heard(three.id - 1, "telegram", "u3", ("telegram", "u3"), 103.0, False, False, "", "U3", ""),
    ]  # fmt: skip


async def test_parts_of_one_line_are_known_as_such(store: Store) -> None:
    """Both name the same line."""
    await store.receive([replace(await arrive(store), external_id="x", part=part) for part in (1, 2)])
    before, *parts = [one.line for one in await store.heard("talk")][-3:]
    assert parts[0] == parts[1] != before


async def test_linked_chats_are_one_human(store: Store) -> None:
    """Whoever linked two chats is one human in both."""
    await ask(store, "q1")
    await ask(store, "q1", user="w", source="web")
    await store.offer_link("code", Person("web", "w"), 1000.0)
    assert await store.link("code", Person("telegram", "u1"), 10.0)
    assert {one.human for one in await store.heard("talk")} == {("web", "w")}
    assert await store.humans("talk") == {("web", "w")}
    assert await store.humans("other") == set()


async def test_all_names_of_a_session_are_known(store: Store) -> None:
    """Of whoever said, voted, did or answered something there, and nobody else's."""
    asked = await ask(store, "q1")
    await ask(store, "q9", user="u9", session="other")
    await store.vote("q1", Person("web", "v", "Vera"), True, 1.0)
    before = (await store.question("q1")).state
    after = replace(before, status=Status.ANSWERED, answer=Answer("Yes.", "Dr. Lin", 2.0), assigned="Eva")
    await store.apply(Change("talk", 2.0, "Ann", "answer", ((before, after),)))
    assert await store.names("talk") == {asked.author_name, "Vera", "Dr. Lin", "Eva", "Ann"}
