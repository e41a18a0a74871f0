"""Another site's page, opened by somebody who is signed in, changes nothing: each unsafe address, each way to send."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.limits import Rate
from bot.storage.connection import connect
from bot.storage.sqlite import SqliteStore
from bot.web import guards
from bot.web.limits import Limits
from bot.web.routes import Route
from bot.web.server import POLICY
from bot.web.site import Caller, Site
from tests.bot.web.hall import Browser, Hall, open_hall
from tests.bot.web.test_policy import BODIES, address

OURS = "https://floor.example"
FORGED: dict[str, dict[str, str]] = {
    "from another site": {"Sec-Fetch-Site": "cross-site"},
    "from a sibling host": {"Sec-Fetch-Site": "same-site"},
    "with a lie beside it": {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
    "with an empty word": {"Sec-Fetch-Site": "", "Origin": OURS},
    "in capitals": {"Sec-Fetch-Site": "Same-Origin"},
    "with two words": {"Sec-Fetch-Site": "cross-site, same-origin"},
    "from nowhere": {},
    "from a sandbox": {"Origin": "null"},
    "from a foreign origin": {"Origin": "https://evil.example"},
    "from a subdomain": {"Origin": "https://sub.floor.example"},
    "from a domain above": {"Origin": "https://example"},
    "from a longer name": {"Origin": "https://floor.example.evil.example"},
    "from another port": {"Origin": "https://floor.example:8443"},
    "without encryption": {"Origin": "http://floor.example"},
    "with a path behind it": {"Origin": "https://floor.example/evil"},
    "with a name before it": {"Origin": "https://floor.example@evil.example"},
    "with a referrer alone": {"Referer": "https://floor.example/s/talk/board"},
}
"""What a page of another site can make a browser send, and what only a program could."""

PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
FORMS: dict[str, tuple[str, bytes]] = {
    "application/json": ("application/json", b""),
    "a form": ("application/x-www-form-urlencoded", b"name=Mo&password=x"),
    "a form with files": ("multipart/form-data; boundary=b", PART),
    "plain text": ("text/plain", b'{"do": "dismiss", "questions": ["q1"]}'),
    "nothing": ("", b""),
}
"""How the body is sent. The first is the body that the address takes, the last is none."""


PATIENT = Limits(writes=Rate(10_000, 1), guesses=Rate(10_000, 1), account_guesses=Rate(10_000, 1))
"""No limit hides what the check lets through."""


class Rows:
    """The database as another program sees it: whether anything was written since one looked last."""

    def __init__(self, file: Path) -> None:
        self._db = connect(file, reading=True).conn

    @property
    def version(self) -> int:
        """Another number after each commit of somebody else."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])


async def send(browser: Browser, route: Route, headers: dict[str, str], form: tuple[str, bytes]) -> tuple[int, str]:
    kind, body = form
    more: dict[str, Any] = {"data": body} if body else {}
    if kind == "application/json":
        more = {"json": BODIES.get(route.path, {})}
    elif kind:
        headers = {**headers, "Content-Type": kind}
    answer = await browser.client.request(
        route.method, address(route.path), headers=headers, allow_redirects=False, **more
    )
    return answer.status, await answer.text()


def unsafe(hall: Hall) -> list[Route]:
    return [route for route in hall.server.app[POLICY].routes if route.unsafe and route.kind != "hook"]


async def breaches(hall: Hall, rows: Rows, headers: dict[str, str], forms: Iterable[str] = FORMS) -> list[str]:
    """The addresses, with the form, at which an organiser's browser is not refused or leaves something behind."""
    await hall.asks()
    found = []
    browser = await hall.signed_in("organiser")
    for what in forms:
        for route in unsafe(hall):
            before = rows.version
            status, text = await send(browser, route, headers, FORMS[what])
            if status != 403 or "site" not in text or rows.version != before:
                found.append(f"{route.method} {route.path} as {what}: {status}")
            if rows.version != before:
                browser = await hall.signed_in("organiser")
    return found


DAILY = {(way, "application/json") for way in FORGED} | {("from another site", form) for form in FORMS}


@pytest.mark.parametrize(
    ("way", "form"),
    [
        pytest.param(way, form, marks=() if (way, form) in DAILY else pytest.mark.thorough)
        for way in FORGED
        for form in FORMS
    ],
)
async def test_another_site_cannot_act_for_somebody_who_is_signed_in(
    store: SqliteStore, tmp_path: Path, way: str, form: str
) -> None:
    """Each unsafe address, with an organiser's cookie and each form of body: 403, and no row differs."""
    async with open_hall(store, limits=PATIENT) as hall:
        headers = {name: value.replace(OURS, _url(hall)) for name, value in FORGED[way].items()}
        assert await breaches(hall, Rows(tmp_path / "talk.sqlite3"), headers, [form]) == []
        assert len(unsafe(hall)) > 60


async def test_the_matrix_would_find_a_missing_check(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: without the check every address is reported, and rows differ."""

    def everybody(request: web.Request, caller: Caller, site: Site) -> None:
        pass

    monkeypatch.setattr(guards, "_require_same_site", everybody)
    rows = Rows(tmp_path / "talk.sqlite3")
    async with open_hall(store, limits=PATIENT) as hall:
        found = await breaches(hall, rows, FORGED["from another site"])
        assert len(found) == len(unsafe(hall)) * len(FORMS)
        assert await hall.store.polls("talk")  # one of them did what it was sent for


async def test_our_own_pages_may_act(store: SqliteStore) -> None:
    """What browsers send from our pages passes at every unsafe address, so that the matrix refuses what it should."""
    async with open_hall(store, limits=PATIENT) as hall:
        for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": _url(hall)}):
            for route in unsafe(hall):
                _, text = await send(hall.client(), route, headers, FORMS["application/json"])
                assert "site that is not ours" not in text, (route.method, route.path, text)


async def test_looking_changes_nothing(store: SqliteStore, tmp_path: Path) -> None:
    """No address that is only read changes a row: a picture's address or a link on another site does nothing."""
    rows = Rows(tmp_path / "talk.sqlite3")
    async with open_hall(store, limits=PATIENT) as hall:
        await hall.asks()
        browser = await hall.signed_in("organiser")
        await browser.get("/")
        before = rows.version
        for route in hall.server.app[POLICY].routes:
            if not route.unsafe and not route.stream and route.kind != "hook":
                answer = await browser.client.get(
                    address(route.path), headers={"Sec-Fetch-Site": "cross-site"}, allow_redirects=False
                )
                assert answer.status < 500
                assert rows.version == before, route.path


def _url(hall: Hall) -> str:
    return str(hall.client().client.make_url("/")).rstrip("/")
