"""Passwords and one's own account."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from bot.accounts import Grant
from bot.storage.sqlite import SqliteStore
from bot.web.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from tests.bot.web.hall import Browser, Hall, open_hall
from tests.bot.web.test_signin import everything_in, may

ACCOUNT = "/api/v1/account"
PASSWORD = "correct horse battery"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the number of tries matters, none takes a quarter of a second of a processor."""
    monkeypatch.setattr("bot.web.passwords.PasswordHasher", partial(PasswordHasher, 1, 8, 1))


async def with_password(hall: Hall, name: str = "Zoe", password: str = PASSWORD) -> Browser:
    """Somebody who moderates and has a password."""
    browser = await hall.person(Grant("moderator"), name=name)
    answer = await browser.send("PUT", ACCOUNT + "/password", {"new": password})
    assert answer.status == 200, await answer.text()
    return browser


async def tries(browser: Browser, name: str, password: str) -> int:
    return (await browser.post("/api/v1/signin", {"name": name, "password": password})).status


async def test_a_name_and_a_password_sign_in(hall: Hall) -> None:
    """However the name is written; with a new login id, and the one before on this device ends."""
    await with_password(hall)
    browser = await hall.person(name="Somebody")
    old = {"Cookie": f"floormic-login={browser.cookie('floormic-login').value}"}
    assert await tries(browser, " ZOE ", PASSWORD) == 200
    assert await may(browser)
    assert (await hall.client().get(ACCOUNT, headers=old)).status == 403
    form = hall.client()
    answer = await form.client.post(
        "/signin",
        data={"name": "Zoe", "password": PASSWORD},
        headers={"Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert await may(form)


async def test_nobody_learns_who_exists(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password, a name that nobody has, one without a password, one that is too long: the same answer, after
    one verification each, so after the same time."""
    await with_password(hall)
    await hall.person(name="Nopass")
    verified: list[str] = []
    plain = hall.sign_in.passwords._verify
    monkeypatch.setattr(
        hall.sign_in.passwords, "_verify", lambda kept, given: bool(verified.append(kept)) or plain(kept, given)
    )
    said = []
    for name, password in (
        ("Zoe", "a wrong password"),
        ("Nobody", PASSWORD),
        ("Nopass", ""),
        ("Zoe", PASSWORD + "x" * 5000),
        ("", ""),
    ):
        answer = await hall.client().post("/api/v1/signin", {"name": name, "password": password}, headers=ENGLISH)
        problem = await answer.json()
        assert problem.pop("request")  # the number of this very request
        said.append((answer.status, str(problem)))
    assert len(set(said)) == 1
    assert said[0][0] == 400
    assert len(verified) == len(said)
    assert all(kept.startswith("$argon2id$") for kept in verified)


@pytest.mark.usefixtures("quick_hashes")
@pytest.mark.parametrize("name", ["Zoe", "Nobody"])
async def test_ten_wrong_passwords_slow_down(hall: Hall, name: str) -> None:
    """An address that guessed ten times waits, with the right password too, and the same for a name that nobody has;
    a right password costs nothing."""
    await with_password(hall)
    for _ in range(12):
        assert await tries(hall.client(), "Zoe", PASSWORD) == 200
    browser = hall.client()
    assert [await tries(browser, name, f"a wrong one {n}") for n in range(11)] == [400] * 10 + [429]
    assert await tries(hall.client(), "Zoe", PASSWORD) == 429
    hall.clock.time += 60
    assert await tries(hall.client(), "Zoe", PASSWORD) == 200


@pytest.mark.usefixtures("quick_hashes")
async def test_many_tries_at_once_are_no_way_round(hall: Hall) -> None:
    """Of fifty at the same time ten are looked at."""
    await with_password(hall)
    found = await asyncio.gather(*(tries(hall.client(), "Zoe", f"a wrong one {n}") for n in range(50)))
    assert (found.count(400), found.count(429)) == (10, 40)


@pytest.mark.usefixtures("quick_hashes")
@pytest.mark.parametrize("tail", ["", " " * 997 + "x", "\u3164" * 1100 + "x"], ids=["plain", "blanks", "fillers"])
async def test_one_name_is_not_guessed_from_many_addresses(store: SqliteStore, tail: str) -> None:
    """Ten wrong tries for one name slow that name down, wherever they come from and whatever is written far behind it,
    and no other."""

    async def tries(hall: Hall, address: str, name: str, password: str) -> int:
        body, headers = {"name": name, "password": password}, {"X-Forwarded-For": address}
        return (await hall.client().post("/api/v1/signin", body, headers=headers)).status

    async with open_hall(store, trusted=["127.0.0.0/8", "::1"]) as hall:
        await with_password(hall)
        await with_password(hall, "Yan")
        for n in range(10):
            assert await tries(hall, f"10.0.{n}.1", f"Zoe{tail}{n if tail else ''}", "a wrong password") == 400
        assert await tries(hall, "10.0.99.1", "Zoe", PASSWORD) == 429
        assert await tries(hall, "10.0.99.1", "Yan", PASSWORD) == 200
        hall.clock.time += 11
        assert await tries(hall, "10.0.99.1", "Zoe", PASSWORD) == 200


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("abc", f"at least {SHORTEST_PASSWORD} characters, yours has 3"),
        ("", f"at least {SHORTEST_PASSWORD}"),
        ("x" * 5000, f"at most {LONGEST_PASSWORD} characters, yours has 5,000"),
        ("zoe zoe zoe", "name cannot be your password"),
    ],
)
async def test_a_bad_password_is_refused_with_what_a_good_one_is(hall: Hall, password: str, said: str) -> None:
    """On the account and with an invitation, which is not used up by it, and whose form keeps the name."""
    browser = await hall.person(Grant("moderator"), name="zoe zoe zoe")
    answer = await browser.send("PUT", ACCOUNT + "/password", {"new": password}, headers=ENGLISH)
    assert answer.status == 400
    assert said in (await answer.json())["error"]
    if not password:
        return
    token, _ = await hall.sign_in.invite([Grant("expert")], "", 60, hall.root)
    new = hall.client()

    async def enters(password: str) -> Any:
        return await new.client.post(
            f"/signin/{token}",
            data={"name": "Zoe Zoe  zoe", "password": password},
            headers={"Sec-Fetch-Site": "same-origin", **ENGLISH},
            allow_redirects=False,
        )

    shown = await enters(password)
    text = await shown.text()
    assert (shown.status, said in text, 'value="Zoe Zoe zoe"' in text or 'value="Zoe Zoe  zoe"' in text) == (
        400,
        True,
        True,
    )
    assert password not in text or len(password) < 12
    assert (await enters(PASSWORD)).status == 303


async def test_changing_the_password_needs_the_old_one_and_ends_the_other_logins(hall: Hall) -> None:
    """The device that changes it stays signed in; the old one is worth nothing then."""
    browser, phone = await with_password(hall), hall.client()
    await tries(phone, "Zoe", PASSWORD)
    for old in ("", "a wrong password"):
        answer = await browser.send("PUT", ACCOUNT + "/password", {"old": old, "new": "another long password"})
        assert answer.status == 400
    assert await may(phone)
    answer = await browser.send("PUT", ACCOUNT + "/password", {"old": PASSWORD, "new": "another long password"})
    assert answer.status == 200
    assert [await may(browser), await may(phone)] == [True, False]
    assert await tries(phone, "Zoe", PASSWORD) == 400
    assert await tries(phone, "Zoe", "another long password") == 200


async def test_no_password_is_stored(hall: Hall, tmp_path: Path) -> None:
    """Only what Argon2id makes of it."""
    await with_password(hall)
    kept = everything_in(tmp_path)
    assert b"$argon2id$v=19$m=65536,t=3,p=4$" in kept
    assert PASSWORD.encode() not in kept


async def test_one_sees_and_ends_ones_own_logins(hall: Hall) -> None:
    """Device, since when and last used; one by one, all others, or everywhere; never somebody else's."""
    browser, other = await with_password(hall), await with_password(hall, "Yan")
    phones = [hall.client() for _ in range(3)]
    for phone in phones:
        answer = await phone.post(
            "/api/v1/signin",
            {"name": "Zoe", "password": PASSWORD},
            headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU) AppleWebKit Version/18 Safari/604 \u00e9<b>"},
        )
        assert answer.status == 200
    hall.clock.time += 120
    await browser.get(ACCOUNT)
    logins = (await browser.json(ACCOUNT))["logins"]
    assert [one["here"] for one in logins] == [True, False, False, False]
    assert (logins[0]["used_at"], logins[1]["used_at"]) == (hall.clock.time, hall.clock.time - 120)
    assert {one["device"] for one in logins[1:]} == {"Safari, iPhone"}
    theirs = (await other.json(ACCOUNT))["logins"][0]["id"]
    assert await (await browser.send("DELETE", f"{ACCOUNT}/logins/{theirs}")).json() == {"ended": 0}
    assert await (await browser.send("DELETE", f"{ACCOUNT}/logins/{logins[1]['id']}")).json() == {"ended": 1}
    assert [await may(phone) for phone in phones].count(True) == 2
    assert await (await browser.send("DELETE", f"{ACCOUNT}/logins")).json() == {"ended": 2}
    assert (await may(browser), [await may(phone) for phone in phones]) == (True, [False] * 3)
    assert (await browser.post("/signout/everywhere")).status == 303
    assert (await may(browser), await may(other)) == (False, True)


async def test_a_name_is_changed_unless_another_has_it(hall: Hall) -> None:
    """One's own, in both languages; the role and the login stay."""
    browser = await with_password(hall)
    await hall.person(name="Yan")
    for taken, why in (("YAN", "Somebody else here"), ("course", "uses such names"), ("Yan · telegram", "uses such")):
        answer = await browser.send("PUT", ACCOUNT + "/name", {"name": taken}, headers=ENGLISH)
        assert answer.status == 400
        assert why in (error := (await answer.json())["error"])
        assert "Choose another" in error
    answer = await browser.send("PUT", ACCOUNT + "/name", {"name": "  Zoe \n Lin "})
    assert (await answer.json())["name"] == "Zoe Lin"
    assert (await browser.send("PUT", ACCOUNT + "/name", {"name": "Zoe Lin"})).status == 200
    assert await may(browser)
    assert await tries(hall.client(), "zoe lin", PASSWORD) == 200


async def test_an_account_without_a_role_may_be_tidied_and_nothing_else(hall: Hall) -> None:
    """Name, password and devices; not the board."""
    browser = await hall.person(name="Pat")
    for path in ("/account", ACCOUNT):
        assert (await browser.get(path)).status == 200
        assert (await hall.client().get(path)).status == 403
    assert (await browser.get("/s/talk/board")).status == 403


@pytest.mark.parametrize("body", [b"name=\xff\xfe&password=%FF", b"\x00" * 100, b"name=a&name=b&password"])
async def test_a_form_of_bytes_is_refused_or_read_as_it_can_be(hall: Hall, body: bytes) -> None:
    """Never as a fault of the server."""
    for charset in ("utf-8", "no-such", "utf-16"):
        answer = await hall.client().client.post(
            "/signin",
            data=body,
            headers={
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": f"application/x-www-form-urlencoded; charset={charset}",
            },
        )
        assert answer.status == 400, await answer.text()
