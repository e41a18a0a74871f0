"""Contract of `ports.Logins` and `ports.People`: who may do what, and what was done to whom."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.accounts import Account, Actor, Device, Entry, Grant, Invitation
from bot.errors import Conflict, LastOrganiser, NotFound, StoreError
from bot.ports import Store
from tests.bot.storage.conftest import Ground, Open

END = 1e6
ROOT = Actor("root", "Root")
ORGANISER = Grant("organiser")


def device(token: str = "d", ends: float = END) -> Device:
    return Device(token, "Firefox", ends)


def signed(name: str = "Ann", *grants: Grant, ends: float = END) -> Invitation:
    """What a link says that carries its promise."""
    return Invitation("", grants or (ORGANISER,), name, ends)


async def comes(store: Store, link: str, name: str = "Ann", *grants: Grant, password: str = "") -> Account:
    """Somebody comes in with a link that carries its promise."""
    login = await store.admit(Entry(link, name, password, device(f"d-{link}"), signed(name, *grants)), 1.0)
    assert login
    return await store.person(login.person, 1.0)


async def invited(store: Store, token: str, *grants: Grant, person: str = "", name: str = "") -> Invitation:
    made = Invitation(f"i-{token}", grants, name, 100.0, person, "Root", 1.0)
    await store.invite(token, made, ROOT, 1.0)
    return made


async def test_a_link_that_carries_its_promise_is_good_once(opening: Open) -> None:
    """Also after a restart; each makes a person and a login."""
    store = await opening()
    ann = await comes(store, "t")
    assert (ann.name, ann.logins, [(g.role, g.session) for g in ann.grants]) == ("Ann", 1, [("organiser", "")])
    await store.close()
    store = await opening()
    assert await store.admit(Entry("t", "Ann", "", device("again"), signed()), 2.0) is None
    assert await store.login("again", 2.0) is None
    await store.close()


async def test_a_login_ends_by_time_or_by_hand(store: Store) -> None:
    """It is known until its time is over or it is closed, and nobody else's is touched."""
    ann, bob = await comes(store, "a", "Ann"), await comes(store, "b", "Bob")
    login = await store.login("d-a", END - 1)
    assert login
    assert (login.person, login.name, login.device, login.grants) == (ann.id, "Ann", "Firefox", ann.grants)
    assert await store.login("d-a", END) is None
    await store.close_login("d-a")
    found = await store.login("d-b", 1.0)
    assert await store.login("d-a", 1.0) is None
    assert found
    assert found.person == bob.id


async def test_logins_of_a_person_end_one_by_one_or_all_but_one(store: Store) -> None:
    """By their ids, and never those of somebody else."""
    ann, bob = await comes(store, "a", "Ann"), await comes(store, "b", "Bob")
    opened = [await store.open_login(ann.id, device(f"x{n}"), 2.0 + n) for n in range(3)]
    ids = [one.id for one in opened if one]
    assert [one.id for one in await store.logins(ann.id, 3.0)][:3] == ids[::-1]
    (theirs,) = await store.logins(bob.id, 3.0)
    assert await store.close_logins(ann.id, only=theirs.id) == 0
    assert await store.close_logins(ann.id, only=ids[0]) == 1
    assert await store.close_logins(ann.id, but=ids[1]) == 2
    assert [one.id for one in await store.logins(ann.id, 3.0)] == [ids[1]]
    assert await store.login("d-b", 3.0)
    assert await store.open_login("nobody", device("y"), 3.0) is None


async def test_a_link_for_somebody_who_is_there_never_gives_more_than_it_says(store: Store) -> None:
    """The same name with just these roles is the same person; with others, or under a name that the one who opens it
    chose, it is somebody new with a number behind the name."""
    first = await comes(store, "a", "Ann")
    assert (await comes(store, "b", "Ann")).id == first.id
    other = await comes(store, "c", "Ann", Grant("expert", "talk"))
    assert (other.id != first.id, other.name) == (True, "Ann 2")
    assert [g.role for g in other.grants] == ["expert"]
    typed = await store.admit(Entry("d", "Ann", "", device("d"), signed("organiser")), 1.0)
    assert typed
    assert (typed.person not in {first.id, other.id}, typed.name) == (True, "Ann 3")


@pytest.mark.parametrize("name", ["ANN", "Ａｎｎ", "A\u200bnn", " ann\u2060", "course", "Ann · ｔelegram"])
async def test_names_that_look_alike_are_told_apart(store: Store, name: str) -> None:
    """By a number; also one that would read as the course's own answers."""
    await comes(store, "a", "Ann")
    assert (await comes(store, "b", name, Grant("expert"))).name == f"{name} 2"


async def test_an_invitation_is_used_once_by_one_of_many_at_once(store: Store) -> None:
    """Of a hundred at the same time one gets in, with the roles it was for and the name they give."""
    await invited(store, "t", Grant("moderator", "talk", 500.0), Grant("moderator", "other", 500.0))
    found = await asyncio.gather(*(store.admit(Entry("t", f"Guest {n}", "", device(f"d{n}")), 2.0) for n in range(100)))
    (login,) = [one for one in found if one]
    assert [(g.role, g.session, g.until) for g in login.grants] == [
        ("moderator", "other", 500.0),
        ("moderator", "talk", 500.0),
    ]
    assert len(await store.people(2.0)) == 1
    assert await store.invitations(2.0) == []


async def test_an_invitation_ends_by_time_or_by_hand(store: Store) -> None:
    """After that it is neither shown nor good, and cannot be revoked again."""
    await invited(store, "late", Grant("expert"))
    made = await invited(store, "taken back", Grant("expert"), name="Zoe")
    assert {one.id for one in await store.invitations(99.0)} == {"i-late", "i-taken back"}
    await store.revoke(made.id, ROOT, 2.0)
    for token, at in (("late", 100.0), ("taken back", 3.0)):
        assert await store.invitation(token, at) is None
        assert await store.admit(Entry(token, "Zoe", "", device(token)), at) is None
    with pytest.raises(NotFound):
        await store.revoke(made.id, ROOT, 4.0)


async def test_a_link_for_a_further_device_signs_in_the_same_person(store: Store) -> None:
    """With a new password where one is given, which ends the logins before; and it dies with a sign-out everywhere."""
    ann = await comes(store, "a", "Ann")
    await invited(store, "t", person=ann.id)
    login = await store.admit(Entry("t", "Somebody else", "hash", device("new")), 2.0)
    assert login
    assert (login.person, login.name) == (ann.id, "Ann")
    assert await store.password_of("ann") == (ann.id, "hash")
    assert await store.login("d-a", 2.0) is None
    await invited(store, "u", person=ann.id)
    assert await store.sign_out(ann.id, ROOT, 3.0) == 1
    assert await store.admit(Entry("u", "", "", device("late")), 3.0) is None


async def test_a_role_is_one_for_each_session(store: Store) -> None:
    """A new one takes the place of the old, one that is taken away is gone, others stay."""
    ann = await comes(store, "a", "Ann", Grant("moderator"))
    await store.give_role(ann.id, Grant("expert", "talk", 50.0, 2.0), ROOT, 2.0)
    await store.give_role(ann.id, Grant("expert", "", None, 3.0), ROOT, 3.0)
    assert (await store.person(ann.id, 4.0)).grants == (
        Grant("expert", "", None, 3.0),
        Grant("expert", "talk", 50.0, 2.0),
    )
    await store.take_role(ann.id, "", ROOT, 4.0)
    assert (await store.person(ann.id, 4.0)).grants == (Grant("expert", "talk", 50.0, 2.0),)
    with pytest.raises(NotFound):
        await store.take_role(ann.id, "", ROOT, 5.0)
    with pytest.raises(NotFound):
        await store.give_role("nobody", Grant("expert"), ROOT, 5.0)


async def test_the_last_organiser_stays_one(store: Store) -> None:
    """No way leads to a hall that nobody organises; once there is another organiser without an end, each does."""
    ann = await comes(store, "a", "Ann")
    guest = await comes(store, "b", "Guest", replace(ORGANISER, until=500.0))
    for lost in (
        store.take_role(ann.id, "", ROOT, 2.0),
        store.give_role(ann.id, Grant("moderator"), ROOT, 2.0),
        store.give_role(ann.id, replace(ORGANISER, until=900.0), ROOT, 2.0),
        store.remove_person(ann.id, ROOT, 2.0),
    ):
        with pytest.raises(LastOrganiser):
            await lost
    assert (await store.person(ann.id, 2.0)).grants == ann.grants
    bob = await comes(store, "c", "Bob")
    both = await asyncio.gather(*(store.take_role(one.id, "", ROOT, 3.0) for one in (ann, bob)), return_exceptions=True)
    assert [type(one) for one in both].count(LastOrganiser) == 1
    await store.take_role(guest.id, "", ROOT, 4.0)


async def test_removing_somebody_takes_all_that_lets_them_in(store: Store) -> None:
    """Roles, logins, links; their name is free again, and the ledger keeps it."""
    await comes(store, "r", "Root")
    ann = await comes(store, "a", "Ann", Grant("expert"))
    await invited(store, "t", person=ann.id)
    await store.remove_person(ann.id, ROOT, 2.0)
    assert await store.login("d-a", 2.0) is None
    assert await store.invitation("t", 2.0) is None
    assert await store.password_of("ann") is None
    with pytest.raises(NotFound):
        await store.person(ann.id, 2.0)
    assert (await comes(store, "b", "Ann", Grant("expert"))).name == "Ann"
    assert ("remove", "Ann") in [(deed.what, deed.whom) for deed in await store.deeds()]


async def loses_by_taking(store: Store, id: str) -> None:
    await store.take_role(id, "", ROOT, 3.0)


async def loses_by_another_role(store: Store, id: str) -> None:
    await store.give_role(id, Grant("moderator"), ROOT, 3.0)


async def loses_by_an_end(store: Store, id: str) -> None:
    await store.give_role(id, replace(ORGANISER, until=3.0), ROOT, 3.0)


async def loses_by_removal(store: Store, id: str) -> None:
    await store.remove_person(id, ROOT, 3.0)


@pytest.mark.parametrize("loses", [loses_by_taking, loses_by_another_role, loses_by_an_end, loses_by_removal])
async def test_open_invitations_of_a_former_organiser_are_revoked(
    store: Store, loses: Callable[[Store, str], Awaitable[None]]
) -> None:
    """Under whatever name they made them, links for others' devices too, and each is in the ledger; those that
    somebody else made are good, and so are all while the role lasts."""
    root, ann = await comes(store, "r", "Root"), await comes(store, "a", "Ann")
    for by, token, grants, person in (
        (Actor(ann.id, "Ann"), "new", (ORGANISER,), ""),
        (Actor(ann.id, "Ann"), "device", (), root.id),
        (ROOT, "other", (ORGANISER,), ""),
    ):
        await store.invite(token, Invitation(f"i-{token}", grants, "Zoe", 100.0, person, by.name, 1.0), by, 1.0)
    await store.rename(ann.id, "Bea", Actor(ann.id, "Ann"), 1.5)
    await store.give_role(ann.id, Grant("moderator", "talk"), ROOT, 2.0)
    assert len(await store.invitations(2.0)) == 3
    await loses(store, ann.id)
    assert [one.id for one in await store.invitations(4.0)] == ["i-other"]
    assert await store.admit(Entry("new", "Ann", "", device("back")), 4.0) is None
    assert await store.admit(Entry("device", "", "", device("back")), 4.0) is None
    assert sorted(deed.whom for deed in await store.deeds() if deed.what == "revoke") == ["Root", "Zoe"]


async def test_invitations_of_an_organiser_for_some_time_end_with_it(store: Store) -> None:
    """Those that they make then, and those that they made before the role was given an end: by them they came back."""
    await comes(store, "r", "Root")
    ann = await comes(store, "a", "Ann")
    by = Actor(ann.id, "Ann")

    async def invites(token: str, ends: float) -> float:
        made = Invitation(f"i-{token}", (ORGANISER,), "Zoe", ends, "", by.name, 1.0)
        return (await store.invite(token, made, by, 1.0)).expires_at

    assert [await invites("before", 100.0), await invites("short", 5.0)] == [100.0, 5.0]
    await store.give_role(ann.id, replace(ORGANISER, until=50.0), ROOT, 3.0)
    assert [await invites("after", 100.0), await invites("brief", 5.0)] == [50.0, 5.0]
    ends = {one.id: one.expires_at for one in await store.invitations(4.0)}
    assert ends == {"i-before": 50.0, "i-short": 5.0, "i-after": 50.0, "i-brief": 5.0}
    for token in ("before", "after"):
        assert await store.admit(Entry(token, "Ann", "", device(f"d-{token}")), 50.0) is None


async def test_a_name_that_another_has_is_not_taken(store: Store) -> None:
    """One's own in another writing is."""
    ann, bob = await comes(store, "a", "Ann"), await comes(store, "b", "Bob")
    for taken in ("ann", "A\u200bNN", "Course", "Ann · telegram", "Ann ・ telegram"):
        with pytest.raises(Conflict):
            await store.rename(bob.id, taken, ROOT, 2.0)
    await store.rename(bob.id, "BOB", ROOT, 2.0)
    await store.rename(ann.id, "Ann Lee", ROOT, 2.0)
    assert [one.name for one in await store.people(3.0)] == ["Ann Lee", "BOB"]


@pytest.mark.parametrize("name", ["李明 · 清华", "Dr. Lin · NTU", "Ann · Telegram Team", "Ann·telegram"])
async def test_a_name_with_a_dot_in_it_is_a_name_as_any(store: Store, name: str) -> None:
    """What stands behind the dot is taken for a source only where it could be the name of one: such a name is joined
    under, found again by a link, and chosen."""
    ann = await comes(store, "a", name)
    assert ann.name == name
    assert (await comes(store, "b", name)).id == ann.id
    bob = await comes(store, "c", "Bob")
    await store.rename(bob.id, f"Bob {name}", ROOT, 2.0)


async def test_who_has_a_name_that_nobody_may_choose_keeps_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was chosen when it was free to choose: saved unchanged it stays, and nothing is noted."""
    with monkeypatch.context() as earlier:
        earlier.setattr("bot.storage.people.may_be_called", lambda _: True)
        ann = await comes(store, "a", "Ann · telegram")
    await store.rename(ann.id, "Ann · telegram", ROOT, 2.0)
    assert "rename" not in [deed.what for deed in await store.deeds()]


async def test_every_act_is_in_the_ledger_which_nobody_changes(ground: Ground) -> None:
    """Who did what to whom when, with the roles; the database itself refuses to change or drop a row."""
    store = await ground.open()
    ann = await comes(store, "a", "Ann", password="hash")
    made = await invited(store, "t", Grant("expert", "talk"), name="Zoe")
    await store.revoke(made.id, ROOT, 2.0)
    await store.give_role(ann.id, Grant("expert", "talk", None, 3.0), ROOT, 3.0)
    await store.take_role(ann.id, "talk", ROOT, 4.0)
    await store.rename(ann.id, "Ann Lee", Actor(ann.id, "Ann"), 5.0)
    await store.sign_out(ann.id, ROOT, 6.0)
    await store.close()
    for change in ("UPDATE deeds SET who = 'x'", "DELETE FROM deeds"):
        with pytest.raises(StoreError, match="append-only"):
            ground.foreign(change)
    store = await ground.open()
    deeds = [(deed.at, deed.who, deed.what, deed.whom) for deed in reversed(await store.deeds())]
    given = next(deed for deed in await store.deeds() if deed.what == "give")
    await store.close()
    assert given.grants == (Grant("expert", "talk", None, 3.0),)
    assert deeds == [
        (1.0, "Ann", "join", "Ann"),
        (1.0, "Ann", "password", "Ann"),
        (1.0, "Root", "invite", "Zoe"),
        (2.0, "Root", "revoke", "Zoe"),
        (3.0, "Root", "give", "Ann"),
        (4.0, "Root", "take", "Ann"),
        (5.0, "Ann", "rename", "Ann → Ann Lee"),
        (6.0, "Root", "sign_out", "Ann Lee"),
    ]
