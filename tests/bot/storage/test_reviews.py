"""Contract of `ports.Reviews`: what experts do with questions until they are answered."""

from dataclasses import replace

import pytest

from bot.accounts import Actor, Grant
from bot.errors import Conflict, NotFound
from bot.model import Change, Declined, Draft, Reference, Status
from bot.ports import Store
from bot.web.signin import SignIn
from tests.bot.storage.acts import ask
from tests.bot.storage.conftest import Open
from tests.bot.web.hall import SECRET

ANN = Draft("q1", "ann", "About 16 GB", (Reference("https://example.org", "A table"),), 10.0)


async def person(store: Store, name: str) -> str:
    """Somebody with an account; its id."""
    sign_in = SignIn(SECRET, store, lambda: 1.0)
    token, _ = await sign_in.invite([Grant("expert", "talk")], name, 60.0, Actor("", "the test"))
    entered = await sign_in.enter(token)
    assert entered is not None
    login = await sign_in.login(entered)
    assert login is not None
    return login.person


async def test_a_draft_outlives_a_restart(opening: Open) -> None:
    """As it was typed, with its sources and its author's name; an empty one is forgotten."""
    store = await opening()
    await ask(store, "q1")
    ann = await person(store, "Ann")
    kept = await store.keep_draft(replace(ANN, person=ann), 0.0)
    await store.close()
    store = await opening()
    assert await store.drafts("talk") == [replace(ANN, person=ann, name="Ann")]
    assert await store.draft("q1", ann) == replace(ANN, person=ann, name="Ann")
    assert (await store.keep_draft(Draft("q1", ann, ""), kept.at)).at == 0.0
    assert await store.drafts("talk") == []
    await store.close()


async def test_no_device_overwrites_what_another_wrote(store: Store) -> None:
    """Who goes on from something older is refused and what stands stays; the same words again are no conflict."""
    await ask(store, "q1")
    first = await store.keep_draft(ANN, 0.0)
    second = await store.keep_draft(replace(ANN, text="About 8 GB"), first.at)
    assert second.at > first.at
    with pytest.raises(Conflict):
        await store.keep_draft(replace(ANN, text="About 24 GB"), first.at)
    with pytest.raises(Conflict):
        await store.keep_draft(Draft("q1", "ann", ""), first.at)
    assert await store.keep_draft(replace(ANN, text="About 8 GB"), first.at) == second
    assert await store.draft("q1", "ann") == second


async def test_each_expert_has_a_draft_of_their_own(store: Store) -> None:
    """Two persons write on one question, and one on two; the oldest is first, those of another session are not told."""
    for id, session in (("q1", "talk"), ("q2", "talk"), ("q3", "other")):
        await ask(store, id, session=session)
    for n, (id, who) in enumerate([("q1", "ann"), ("q1", "bo"), ("q2", "ann"), ("q3", "ann")]):
        await store.keep_draft(Draft(id, who, f"text {n}", at=float(10 + n)), 0.0)
    assert [(one.question, one.person, one.text) for one in await store.drafts("talk")] == [
        ("q1", "ann", "text 0"),
        ("q1", "bo", "text 1"),
        ("q2", "ann", "text 2"),
    ]


async def test_what_is_not_for_somebody_can_be_taken_back(store: Store) -> None:
    """Saying it twice is saying it once; it names who said it."""
    await ask(store, "q1")
    ann, bo = await person(store, "Ann"), await person(store, "Bo")
    await store.decline("q1", bo, True, 5.0)
    await store.decline("q1", ann, True, 6.0)
    await store.decline("q1", bo, True, 7.0)
    assert await store.declined("talk") == [Declined("q1", bo, "Bo"), Declined("q1", ann, "Ann")]
    await store.decline("q1", bo, False, 8.0)
    assert await store.declined("talk") == [Declined("q1", ann, "Ann")]


async def test_a_person_who_is_removed_leaves_nothing_behind(store: Store) -> None:
    """Neither drafts nor what they did not want."""
    await ask(store, "q1")
    ann = await person(store, "Ann")
    await store.keep_draft(replace(ANN, person=ann), 0.0)
    await store.decline("q1", ann, True, 5.0)
    await store.remove_person(ann, Actor("", "the test"), 9.0)
    assert await store.drafts("talk") == []
    assert await store.draft("q1", ann) is None
    assert await store.declined("talk") == []


async def test_only_a_question_that_is_there_is_written_on(store: Store) -> None:
    """Neither an unknown one nor one that undo removed."""
    with pytest.raises(NotFound):
        await store.keep_draft(ANN, 0.0)
    with pytest.raises(NotFound):
        await store.decline("q1", "ann", True, 1.0)


async def test_an_act_is_found_by_the_name_its_device_gave_it(store: Store) -> None:
    """In its own session, also after it was undone; acts without a name are not."""
    await ask(store, "q1")
    before = (await store.question("q1")).state
    after = replace(before, status=Status.QUEUED)
    done = await store.apply(Change("talk", 1.0, "ann", "answer", ((before, after),), once="ann:1"))
    assert await store.done("talk", "ann:1") == done
    assert await store.done("other", "ann:1") is None
    assert await store.done("talk", "ann:2") is None
    assert await store.done("talk", "") is None
    await store.apply(Change("talk", 2.0, "ann", "undo", ((after, before),), undoes=done.id))
    found = await store.done("talk", "ann:1")
    assert found is not None
    assert found.undone
