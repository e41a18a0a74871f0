"""Inviting people, giving and taking roles, over HTTP."""

import asyncio
from typing import Any

import pytest

from bot.accounts import Actor, Grant
from bot.storage.sqlite import SqliteStore
from bot.web.limits import Limits
from tests.bot.web.hall import Browser, Hall, open_hall

PEOPLE = "/api/v1/people"
EVENTS = "/api/v1/sessions/talk/events"


async def invited(organiser: Browser, **body: Any) -> str:
    """The path of a new invitation."""
    answer = await organiser.post(PEOPLE + "/invitations", {"role": "moderator", **body})
    assert answer.status == 201, await answer.text()
    made = await answer.json()
    assert made["qr"].startswith("data:image/svg+xml")
    return "/signin/" + made["link"].rpartition("/")[2]


async def joined(hall: Hall, path: str, name: str = "Zoe", **fields: str) -> Browser:
    browser = hall.client()
    answer = await browser.client.post(
        path, data={"name": name, **fields}, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    )
    assert answer.status == 303, await answer.text()
    return browser


async def the(organiser: Browser, name: str) -> dict[str, Any]:
    return next(one for one in (await organiser.json(PEOPLE))["people"] if one["name"] == name)


async def may(browser: Browser, session: str = "talk") -> bool:
    return (await browser.get(f"/api/v1/sessions/{session}/actions")).status == 200


async def test_a_guest_moderates_for_one_evening(hall: Hall) -> None:
    """Invited into one session until a time: a moderator there and nowhere else, and after that time not there."""
    organiser = await hall.signed_in("organiser")
    end = hall.clock.time + 3600
    guest = await joined(hall, await invited(organiser, sessions=["talk"], until=end))
    assert (await may(guest), await may(guest, "other")) == (True, False)
    (role,) = (await the(organiser, "Zoe"))["roles"]
    assert (role["role"], role["session"], role["until"], role["holds"]) == ("moderator", "talk", end, True)
    hall.clock.time = end
    assert not await may(guest)
    assert not (await the(organiser, "Zoe"))["roles"][0]["holds"]


async def test_an_invitation_works_once_and_until_it_is_revoked(hall: Hall) -> None:
    """Opening it uses nothing up; used, revoked or over it lets nobody in; its token is shown once and kept nowhere."""
    organiser = await hall.signed_in("organiser")
    first, second, third = [await invited(organiser, name=name) for name in ("Zoe", "Yan", "")]
    for _ in range(2):
        assert (await hall.client().get(first)).status == 200
    await joined(hall, first)
    assert (await hall.client().post(first)).status == 403
    opened = (await organiser.json(PEOPLE))["invitations"]
    assert {one["name"] for one in opened} == {"Yan", ""}
    assert second.rpartition("/")[2] not in str(opened)
    yan = next(one for one in opened if one["name"] == "Yan")
    assert (await organiser.send("DELETE", f"{PEOPLE}/invitations/{yan['id']}")).status == 200
    assert (await hall.client().post(second)).status == 403
    assert (await organiser.send("DELETE", f"{PEOPLE}/invitations/{yan['id']}")).status == 404
    hall.clock.time += 86_401
    assert (await hall.client().get(third)).status == 403
    assert (await organiser.json(PEOPLE))["invitations"] == []


async def test_a_role_that_is_lost_ends_the_stream_and_the_cookies_power(store: SqliteStore) -> None:
    """Taken away, changed, run out, signed out or removed: the open stream ends, the next act is refused in the
    language of the page, and asked to go on as a moderator it does not become a viewer's."""
    async with open_hall(store, limits=Limits(login_check=0.05)) as hall:
        await hall.asks()
        organiser = await hall.signed_in("organiser", name="Ann")

        async def run_out(person: str) -> None:
            hall.clock.time += 100

        for n, lose in enumerate(
            (
                lambda person: organiser.send("DELETE", f"{PEOPLE}/{person}/roles", {"session": "talk"}),
                lambda person: organiser.send("PUT", f"{PEOPLE}/{person}/roles", {"role": "expert", "session": "talk"}),
                lambda person: organiser.send("DELETE", f"{PEOPLE}/{person}/logins"),
                lambda person: organiser.send("DELETE", f"{PEOPLE}/{person}"),
                run_out,
            )
        ):
            guest = await hall.person(Grant("moderator", "talk", hall.clock.time + 99), name=f"Guest {n}")
            stream = await guest.get(EVENTS + "?as=moderator")
            await stream.content.readuntil(b"\n\n")
            answer: Any = await lose((await the(organiser, f"Guest {n}"))["id"])
            assert answer is None or answer.status == 200
            await asyncio.wait_for(stream.content.read(), 3)
            for language, words in (("zh", "您写的内容没有丢失"), ("en", "What you typed is kept")):
                refused = await guest.post(
                    "/api/v1/sessions/talk/actions",
                    {"do": "pin", "questions": ["q1"]},
                    headers={"Accept-Language": language},
                )
                said = await refused.json()
                assert (refused.status, said["code"], words in said["error"]) == (403, "no_role", True), (n, said)
            assert (await guest.get(EVENTS + "?as=moderator")).status == 403
            again = await guest.get(EVENTS)
            assert again.status == 200
            again.close()


async def test_a_role_lost_while_a_slow_body_comes_in_counts(hall: Hall) -> None:
    """An act that began with a role and ends without it is refused."""
    await hall.asks()
    organiser, guest = await hall.signed_in("organiser"), await hall.person(Grant("moderator", "talk"), name="Zoe")
    lost = asyncio.Event()

    async def slowly() -> Any:
        yield b'{"do": "pin", '
        await lost.wait()
        yield b'"questions": ["q1"]}'

    acting = asyncio.create_task(
        guest.client.post(
            "/api/v1/sessions/talk/actions",
            data=slowly(),
            headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"},
        )
    )
    await asyncio.sleep(0.05)
    person = (await the(organiser, "Zoe"))["id"]
    await organiser.send("DELETE", f"{PEOPLE}/{person}/roles", {"session": "talk"})
    lost.set()
    assert (await acting).status == 403
    assert not (await store_question(hall)).state.pinned


async def test_a_role_lost_while_a_course_comes_in_counts(hall: Hall) -> None:
    """A file that began to come in with a role and ends without it is refused, and nothing of it is kept."""
    organiser, guest = await hall.signed_in("organiser"), await hall.person(Grant("organiser", "talk"), name="Zoe")
    came, lost = asyncio.Event(), asyncio.Event()

    async def slowly() -> Any:
        yield b"# Slides\n"
        came.set()
        await lost.wait()
        yield b"\nThey are on the course page.\n"

    sending = asyncio.create_task(
        guest.client.post(
            "/api/v1/sessions/talk/course?name=a.md", data=slowly(), headers={"Sec-Fetch-Site": "same-origin"}
        )
    )
    await came.wait()
    while hall.courses.reading("talk") is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    person = (await the(organiser, "Zoe"))["id"]
    await organiser.send("DELETE", f"{PEOPLE}/{person}/roles", {"session": "talk"})
    lost.set()
    assert (await sending).status == 403
    assert await hall.courses.versions("talk") == []


async def store_question(hall: Hall) -> Any:
    return await hall.store.question("q1")


async def test_the_last_organiser_stays(hall: Hall) -> None:
    """Their own role cannot be taken away, changed or ended by themselves; the text says what to do first."""
    organiser = await hall.signed_in("organiser", name="Ann")
    me = (await the(organiser, "Ann"))["id"]
    for method, path, body in (
        ("DELETE", "/roles", {"session": ""}),
        ("PUT", "/roles", {"role": "moderator"}),
        ("DELETE", "", None),
    ):
        answer = await organiser.send(method, f"{PEOPLE}/{me}{path}", body, headers={"Accept-Language": "en"})
        assert answer.status == 403
        assert "Make somebody else organiser" in (await answer.json())["error"]
    await joined(hall, await invited(organiser, role="organiser"), "Bob")
    assert (await organiser.send("DELETE", f"{PEOPLE}/{me}/roles", {"session": ""})).status == 200
    assert (await organiser.get(PEOPLE)).status == 403


async def test_the_ledger_names_who_did_what_to_whom(hall: Hall) -> None:
    """Also what was refused is not in it."""
    organiser = await hall.signed_in("organiser", name="Ann")
    await joined(hall, await invited(organiser, sessions=["talk"], name="Zoe"))
    zoe = (await the(organiser, "Zoe"))["id"]
    await organiser.send("PUT", f"{PEOPLE}/{zoe}/roles", {"role": "expert", "session": "other"})
    assert (await organiser.send("PUT", f"{PEOPLE}/{zoe}/roles", {"role": "expert", "session": "none"})).status == 404
    rows = [(row["who"], row["what"], row["whom"]) for row in await organiser.json(PEOPLE + "/ledger")]
    assert rows == [
        ("Ann", "give", "Zoe"),
        ("Zoe", "join", "Zoe"),
        ("Ann", "invite", "Zoe"),
        ("Ann", "join", "Ann"),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"role": "viewer"}, "role"),
        ({"sessions": ["none"]}, "none"),
        ({"until": 1.0}, "over already"),
        ({"until": 9e12}, "ten years"),
        ({"until": "tonight"}, "until"),
        ({"hours": 0}, "hours"),
        ({"name": "x" * 61}, "at most 60"),
        ({"name": "\u200b\u3164"}, "can be seen"),
        ({"sessions": ["talk"] * 51}, "sessions"),
    ],
)
async def test_an_invitation_that_makes_no_sense_is_refused(hall: Hall, body: dict[str, Any], said: str) -> None:
    """With what is wrong; nothing is made."""
    organiser = await hall.signed_in("organiser")
    answer = await organiser.post(
        PEOPLE + "/invitations", {"role": "moderator", **body}, headers={"Accept-Language": "en"}
    )
    assert answer.status in {400, 404}
    assert said in (await answer.json())["error"]
    assert (await organiser.json(PEOPLE))["invitations"] == []


async def test_a_new_link_for_somebody_signs_in_the_same_person(hall: Hall) -> None:
    """On a further device, with the same roles; signing them out everywhere ends every device and the link."""
    organiser = await hall.signed_in("organiser")
    zoe = await hall.person(Grant("moderator", "talk"), name="Zoe")
    id = (await the(organiser, "Zoe"))["id"]
    paths = [
        "/signin/" + (await (await organiser.post(f"{PEOPLE}/{id}/link")).json())["link"].rpartition("/")[2]
        for _ in range(2)
    ]
    phone = await joined(hall, paths[0], "Somebody else")
    assert await may(phone)
    assert (await the(organiser, "Zoe"))["logins"] == 2
    assert await (await organiser.send("DELETE", f"{PEOPLE}/{id}/logins")).json() == {"ended": 2}
    assert [await may(zoe), await may(phone)] == [False, False]
    assert (await hall.client().post(paths[1])).status == 403
    assert (await organiser.post(f"{PEOPLE}/nobody/link")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/signout/everywhere", None),
        ("DELETE", "/api/v1/account/logins", None),
        ("PUT", "/api/v1/account/password", {"new": "correct horse battery"}),
    ],
)
async def test_signing_out_elsewhere_ends_the_links_for_further_devices(
    hall: Hall, method: str, path: str, body: dict[str, str] | None
) -> None:
    """By one's own hand as by an organiser's; a link for somebody else stays good, and one that ends one other login
    alone ends no link."""
    organiser, zoe = await hall.signed_in("organiser"), await hall.person(Grant("moderator"), name="Zoe")
    paths = []
    for name in ("Zoe", "Mo"):
        made = await organiser.post(f"{PEOPLE}/{(await the(organiser, name))['id']}/link")
        paths.append("/signin/" + (await made.json())["link"].rpartition("/")[2])
    assert (await zoe.send("DELETE", "/api/v1/account/logins/another")).status == 200
    assert (await hall.client().get(paths[0])).status == 200
    assert (await zoe.send(method, path, body)).status in {200, 303}
    assert (await hall.client().post(paths[0])).status == 403
    assert (await hall.client().post(paths[1])).status == 303


async def test_an_organiser_who_is_removed_does_not_come_back_by_a_link(hall: Hall) -> None:
    """Neither by an invitation that they made before nor by a link for the device of another organiser."""
    organiser = await hall.signed_in("organiser")
    other = await hall.signed_in("organiser", name="Xu")
    paths = [await invited(other, role="organiser")]
    mo = (await the(organiser, "Mo"))["id"]
    paths.append("/signin/" + (await (await other.post(f"{PEOPLE}/{mo}/link")).json())["link"].rpartition("/")[2])
    assert [(await hall.client().get(path)).status for path in paths] == [200, 200]
    removed = await organiser.send("DELETE", f"{PEOPLE}/{(await the(organiser, 'Xu'))['id']}")
    assert (removed.status, (await removed.json())["invitations"]) == (200, [])
    assert [(await hall.client().post(path)).status for path in paths] == [403, 403]


async def test_people_who_are_not_organisers_of_all_see_nobody(hall: Hall) -> None:
    """Neither names nor links nor the ledger, whatever they are in one session."""
    await hall.person(Grant("expert"), name="Somebody unseen")
    for grants in ([Grant("organiser", "talk")], [Grant("moderator")], []):
        browser = await hall.person(*grants, name="Pat")
        for path in ("/people", PEOPLE, PEOPLE + "/ledger"):
            answer = await browser.get(path)
            assert answer.status == 403
            assert "unseen" not in await answer.text()


async def test_names_of_all_kinds_are_kept_and_told_apart(hall: Hall) -> None:
    """Right-to-left, emoji, markup: as they are, but nothing in them steers its surroundings; two of one name get a
    number."""
    organiser = await hall.signed_in("organiser", name="Ann")
    made = {}
    for name in ("ليلى", "小李", "<b>Bo</b>", "Zoe", "zoe", "\u202eevil\u2066", "👩\u200d🏫 Lin", "A\u200b\u00adB"):
        await joined(hall, await invited(organiser), name)
        made[name] = [one["name"] for one in (await organiser.json(PEOPLE))["people"]]
    names = set(made["A\u200b\u00adB"])
    assert names == {"Ann", "ليلى", "小李", "<b>Bo</b>", "Zoe", "zoe 2", "evil", "👩\u200d🏫 Lin", "AB"}
    page = await (await organiser.get("/people")).text()
    assert "<b>Bo</b>" not in page


async def test_who_invited_by_a_link_of_the_command_line_is_in_the_ledger(hall: Hall) -> None:
    """It carries its promise; nobody is named as the one who invited."""
    token, _ = await hall.sign_in.invite([Grant("organiser")], "", 60, Actor("", ""))
    organiser = await joined(hall, f"/signin/{token}", "Ann")
    (join, invite) = await organiser.json(PEOPLE + "/ledger")
    assert (join["what"], join["roles"][0]["role"], invite["who"]) == ("join", "organiser", "")


async def test_who_has_lost_everything_comes_back_by_the_server(hall: Hall) -> None:
    """No password, no login, no link: a link made where the secret lies signs the same organiser in again, who lets the
    others back in; one for a name that has other roles makes somebody new."""
    organiser = await hall.signed_in("organiser", name="Ann")
    await joined(hall, await invited(organiser, role="expert"), "Bob")
    ann, bob = await the(organiser, "Ann"), await the(organiser, "Bob")
    for one in (ann, bob):
        await hall.store.sign_out(one["id"], hall.root, hall.clock())
    assert (await organiser.get(PEOPLE)).status == 403
    again = await hall.signed_in("organiser", name="Ann")
    assert (await the(again, "Ann"))["id"] == ann["id"]
    made = await (await again.post(f"{PEOPLE}/{bob['id']}/link")).json()
    back = hall.client()
    assert (await back.post("/signin/" + made["link"].rpartition("/")[2])).status == 303
    assert (await back.json("/api/v1/account"))["id"] == bob["id"]
    other = await hall.signed_in("organiser", name="Bob")
    assert (await other.json("/api/v1/account"))["name"] == "Bob 2"
