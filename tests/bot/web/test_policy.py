"""Who may use which address."""

import json
import re

import pytest
from aiohttp import web

from bot.accounts import ROLES, Grant, at_least
from bot.storage.sqlite import SqliteStore
from bot.web.acts import ACTS
from bot.web.routes import Route
from bot.web.server import POLICY
from tests.bot.web.hall import Browser, Hall, open_hall

BODIES = {
    "/api/v1/sessions/{session}/messages": {"text": "Is there a recording?"},
    "/api/v1/sessions/{session}/preview": {"text": "Is there"},
    "/api/v1/sessions/{session}/hands": {"page": "page-number-1"},
    "/api/v1/sessions/{session}/me": {"code": "0000-0000-0000"},
    "/api/v1/sessions/{session}/me/data": {"sure": True},
    "/api/v1/audience/data": {"source": "chat", "id": "nobody"},
    "/api/v1/sessions/{session}/actions": {"do": "answer", "questions": ["q1"], "text": "Yes."},
    "/api/v1/sessions/{session}/undo": {},
    "/api/v1/sessions/{session}/course/use": {"version": "x"},
    "/api/v1/sessions/{session}/stage": {},
    "/api/v1/signin": {"name": "Nobody", "password": "a wrong password"},
    "/api/v1/people/invitations": {"role": "organiser"},
    "/api/v1/people/{person}/roles": {"role": "organiser"},
    "/api/v1/sessions/{session}/polls": {"kind": "scale", "title": "How clear?"},
    "/api/v1/sessions/{session}/after/{duty}/actions": {"do": "send"},
    "/api/v1/sessions/{session}/me/told": {"on": True},
    "/api/v1/sessions/{session}/polls/copies": {"session": "talk"},
    "/api/v1/sessions/{session}/polls/{poll}": {"kind": "scale", "title": "How clear?"},
    "/api/v1/sessions/{session}/polls/{poll}/actions": {"do": "show"},
    "/api/v1/sessions/{session}/polls/{poll}/vote": {"choices": ["1"]},
    "/api/v1/sessions/{session}/survey": {"title": "How was it?", "items": [], "seen": ""},
    "/api/v1/sessions/{session}/survey/actions": {"do": "close"},
    "/api/v1/sessions/{session}/survey/copies": {"session": "talk"},
    "/api/v1/sessions/{session}/survey/answers/{item}": {"choices": ["1"]},
}
ENDS_THE_LOGIN = {"/signin/{token}", "/api/v1/signin/link", "/signout", "/signout/everywhere", "/api/v1/signout"}
EVERYBODYS = {
    "/", "/healthz", "/readyz", "/metrics",
    "/signin", "/signin/{token}", "/signout", "/api/v1/signin", "/api/v1/signin/link", "/api/v1/signout",
    "/in/{source}", "/static/{name}", "/favicon.ico",
    "/api/v1/openapi.json", "/api/v1/sessions", "/api/v1/sessions/{session}", "/api/v1/sessions/{session}/events",
    "/api/v1/sessions/{session}/me", "/api/v1/sessions/{session}/me/link", "/api/v1/sessions/{session}/me/told",
    "/api/v1/sessions/{session}/me/data", "/api/v1/sessions/{session}/messages",
    "/api/v1/sessions/{session}/mine", "/api/v1/sessions/{session}/preview",
    "/api/v1/sessions/{session}/questions", "/api/v1/sessions/{session}/questions/{question}/not-answered",
    "/api/v1/sessions/{session}/questions/{question}/vote", "/s/{session}", "/s/{session}/join", "/s/{session}/qr.svg",
    "/s/{session}/stage", "/s/{session}/overlay", "/api/v1/sessions/{session}/stage",
    "/api/v1/sessions/{session}/ledger", "/api/v1/sessions/{session}/polls",
    "/api/v1/sessions/{session}/polls/{poll}/vote", "/api/v1/sessions/{session}/pulse",
    "/s/{session}/app.webmanifest", "/worker.js",
    "/api/v1/sessions/{session}/survey", "/api/v1/sessions/{session}/survey/answers/{item}", "/s/{session}/feedback",
}  # fmt: skip


def address(path: str, session: str = "talk") -> str:
    values = {"session": session, "question": "q1", "token": "x", "version": "x", "source": "echo", "name": "base.css"}
    values |= {"person": "nobody", "invitation": "none", "login": "none"}
    values |= {"poll": "p1", "item": "s1", "series": "none", "duty": "digest"}
    return re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda m: values[m[1]], path)


async def test_every_address_is_declared(hall: Hall) -> None:
    """Each route of the running application has a declaration that names the least role."""
    app = hall.server.app
    undeclared = [
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource is None or app[POLICY].of(route.method, route.resource.canonical) is None
    ]
    assert undeclared == []
    assert len(app[POLICY].routes) > 25


async def test_an_undeclared_address_is_refused(store: SqliteStore) -> None:
    """A handler that somebody adds without declaring it is not reached, by nobody."""

    async def forgotten(request: web.Request) -> web.Response:
        return web.Response(text="secret")

    def add(app: web.Application) -> None:
        app.router.add_get("/forgotten", forgotten)

    async with open_hall(store, prepare=add) as hall:
        for browser in (hall.client(), await hall.signed_in("organiser")):
            answer = await browser.get("/forgotten")
            assert answer.status == 404
            assert "secret" not in await answer.text()


async def test_what_everybody_may_use_is_known(hall: Hall) -> None:
    """No address is open to everybody without being on the list here."""
    routes = hall.server.app[POLICY].routes
    assert {route.pattern for route in routes if route.least == "viewer" and not route.signed_in} == EVERYBODYS


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reaches_what_it_may_and_nothing_else(hall: Hall, role: str) -> None:
    """Role by address: refused exactly below the least role, with a login for another session, and outside of any
    session with a login for one."""
    await hall.asks()
    everywhere, here, elsewhere = [
        hall.client() if role == "viewer" else await hall.signed_in(role, session) for session in ("", "talk", "other")
    ]
    for route in hall.server.app[POLICY].routes:
        if route.stream or route.path in ENDS_THE_LOGIN:
            continue
        inside = role if "{session}" in route.path else "viewer"
        for browser, rights in ((everywhere, role), (here, inside), (elsewhere, "viewer")):
            await _is_refused_rightly(browser, route, "talk", rights, signed_in=role != "viewer")


PAST, LATER = 1_600_000_000.0, 1_800_000_000.0
PERSONS: dict[str, tuple[list[Grant], str, str, str]] = {
    "no role": ([], "viewer", "viewer", "viewer"),
    "one of each": ([Grant("moderator", "talk"), Grant("expert", "other")], "moderator", "expert", "viewer"),
    "more in one": ([Grant("expert"), Grant("moderator", "talk")], "moderator", "expert", "expert"),
    "less in one": ([Grant("organiser"), Grant("expert", "talk")], "organiser", "organiser", "organiser"),
    "organiser of one": ([Grant("organiser", "talk")], "organiser", "viewer", "viewer"),
    "for an evening": ([Grant("moderator", "other", LATER)], "viewer", "moderator", "viewer"),
    "ended": ([Grant("organiser", "", PAST)], "viewer", "viewer", "viewer"),
    "ended here": ([Grant("organiser", "talk", PAST), Grant("expert")], "expert", "expert", "expert"),
    "speaker here": ([Grant("speaker", "talk", LATER)], "speaker", "viewer", "viewer"),
    "speaker of an evening that is over": ([Grant("speaker", "talk", PAST)], "viewer", "viewer", "viewer"),
    "expert who speaks": ([Grant("expert"), Grant("speaker", "talk")], "expert", "expert", "expert"),
    "unknown": ([Grant("admin"), Grant("expert", "other")], "viewer", "expert", "viewer"),
}
"""Roles of a person, and what they come to: in one session, in another, and outside of any."""


@pytest.mark.parametrize("person", PERSONS)
async def test_several_roles_come_to_the_greatest_that_counts_here_and_now(hall: Hall, person: str) -> None:
    """Person by kind of address by session: refused exactly where no role that holds reaches it; streams too."""
    grants, *rights = PERSONS[person]
    await hall.asks()
    browser = await hall.person(*grants)
    # Of all that ask for the same rights one: that each asks for those it should is tried with every role, above.
    kinds = {
        (route.least, route.also, route.kind, route.stream, route.signed_in, "{session}" in route.path): route
        for route in hall.server.app[POLICY].routes
        if route.path not in ENDS_THE_LOGIN
    }
    assert len(kinds) > len(ROLES)
    for route in kinds.values():
        for session, role in zip(("talk", "other"), rights, strict=False):
            held = role if "{session}" in route.path else rights[2]
            if route.stream:
                await _streams(browser, address(route.path, session), held)
            else:
                await _is_refused_rightly(browser, route, session, held, signed_in=True)


async def _is_refused_rightly(browser: Browser, route: Route, session: str, rights: str, *, signed_in: bool) -> None:
    body = BODIES.get(route.path)
    # Polls are copied from where one is staff.
    body = {**body, "session": session} if body and "session" in body else body
    if rights == "speaker" and route.path.endswith("/sessions/{session}/actions"):
        body = {"do": "stage", "questions": ["q1"]}
    answer = await browser.send(route.method, address(route.path, session), body)
    text = await answer.text()
    assert answer.status < 500, text
    # Other reasons to refuse than the role have other codes.
    refused = answer.status == 403 and (route.kind != "api" or json.loads(text)["code"] == "no_role")
    may = any(at_least(rights, least) for least in (route.least, route.also) if least)
    may = may and (signed_in or not route.signed_in)
    assert refused == (not may), (route.method, route.path, session, rights, text)


async def _streams(browser: Browser, path: str, rights: str) -> None:
    """Every stream is open as the role one has, and as no greater one."""
    for wanted in ROLES:
        answer = await browser.get(f"{path}?as={wanted}")
        assert (answer.status == 200) == at_least(rights, wanted), (path, rights, wanted, answer.status)
        if answer.status == 200:
            first = await answer.content.readuntil(b"\n\n")
            assert (b'"original"' in first) == (at_least(rights, "expert") and b'"questions":[]' not in first)
        answer.close()


RIGHTS: dict[str, set[str]] = {
    "viewer": set(),
    "speaker": {"stage", "unstage", "next"},
    "expert": {"answer"},
    "moderator": set(ACTS),
    "organiser": set(ACTS),
}
NEEDED = {
    "answer": {"text": "Yes."},
    "edit": {"title": "Slides?"},
    "assign": {"name": "Mo"},
    "label": {"labels": ["a"]},
}


@pytest.mark.parametrize("role", ROLES)
async def test_each_act_is_refused_to_whoever_may_not_do_it(hall: Hall, role: str) -> None:
    """Role by act: an expert answers, a speaker works the stage, and neither does anything else."""
    await hall.asks()
    browser = hall.client() if role == "viewer" else await hall.signed_in(role, "talk")
    for do in ACTS:
        answer = await browser.act(do, ["q1"], **{"into": "q1", "messages": [1], **NEEDED.get(do, {})})
        refused = answer.status == 403 and (await answer.json())["code"] == "no_role"
        assert refused == (do not in RIGHTS[role]), (do, await answer.text())


SENT = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Origin": "OURS"}, True),
    ({"Origin": "https://floor.example"}, True),
    ({}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "https://floor.example.evil.example"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "OURS"}, False),
    ({"Sec-Fetch-Site": "", "Origin": "OURS"}, False),
]


@pytest.mark.parametrize(("headers", "taken"), SENT)
async def test_other_sites_cannot_act(store: SqliteStore, headers: dict[str, str], taken: bool) -> None:
    """Every unsafe address refuses what another site's page could send, and takes what our own pages send."""
    async with open_hall(store, public_url="https://floor.example") as hall:
        await hall.asks()
        client = hall.client().client
        ours = str(client.make_url("/")).rstrip("/")
        sent = {name: value.replace("OURS", ours) for name, value in headers.items()}
        for route in hall.server.app[POLICY].routes:
            if not route.unsafe or route.kind == "hook":
                continue
            answer = await client.request(
                route.method, address(route.path), json={}, headers=sent, allow_redirects=False
            )
            refused = answer.status == 403 and "site" in await answer.text()
            if (route.least == "viewer" and not route.signed_in) or not taken:
                assert refused == (not taken), (route.method, route.path, answer.status)


async def test_a_forged_forwarding_header_changes_nothing(store: SqliteStore) -> None:
    """X-Forwarded-For counts only from a trusted proxy, and then only the hop that the proxy itself saw."""
    body, path = {"code": "hello-hello-00"}, "/api/v1/sessions/talk/me"

    async def tries(hall: Hall, forwarded: str) -> list[int]:
        browser = hall.client()
        return [
            (await browser.post(path, body, headers={"X-Forwarded-For": forwarded.format(n=n)})).status
            for n in range(12)
        ]

    async with open_hall(store) as hall:
        assert (await tries(hall, "10.0.0.{n}"))[-2:] == [429, 429]
    async with open_hall(store, trusted=["127.0.0.0/8", "::1"]) as hall:
        assert (await tries(hall, "10.0.0.{n}, 192.0.2.1"))[-2:] == [429, 429]
        assert (await tries(hall, "192.0.2.1, 10.0.0.{n}, 127.0.0.9"))[-2:] == [404, 404]


async def test_every_response_carries_the_security_headers(hall: Hall) -> None:
    """Pages, JSON, files, errors and streams: no sniffing, no framing (but the stage), scripts from here only."""
    await hall.asks()
    browser = hall.client()
    for path in (
        "/s/talk",
        "/api/v1/sessions",
        "/healthz",
        "/nothing",
        "/static/none.js",
        "/api/v1/sessions/talk/events",
    ):
        answer = await browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["X-Frame-Options"] == "DENY", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert answer.headers["Server"] == "floormic", path
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        answer.close()
    stage = await browser.get("/s/talk/stage")
    assert "frame-ancestors *" in stage.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in stage.headers
