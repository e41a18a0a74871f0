"""What orchestrators, proxies and Prometheus ask, and who gets what."""

from typing import Any

import pytest

from bot.model import SourceHealth, SourceState
from bot.storage.sqlite import SqliteStore
from bot.web.observing import Observer
from bot.web.vitals import Condition, ModelState
from tests.bot.web.hall import Browser, Hall, open_hall
from tests.logged import logged

TOKEN = "t0ken-of-the-tests-Xy"
DOWN = SourceHealth("telegram", SourceState.LOST, 90.0, 100.0, trouble="Telegram: chat of Zoe")


async def read(accept: str) -> tuple[bytes, str]:
    return b"counted 1\n", "text/plain"


async def ready(browser: Browser, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await browser.get("/readyz", headers={"X-Forwarded-For": "192.0.2.1", **headers})
    return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("condition", "status", "reasons"),
    [
        (Condition(), 200, []),
        (Condition(model=ModelState("loading")), 200, []),
        (Condition(sources=(DOWN,)), 200, []),
        (Condition(disk_free=0), 200, []),
        (Condition(store="the disk is full"), 503, ["store"]),
        (Condition(alive=False), 503, ["store"]),
        (Condition(model=ModelState("failed", "no such model")), 503, ["model"]),
    ],
)
async def test_traffic_may_come_while_what_comes_can_be_kept(
    store: SqliteStore, condition: Condition, status: int, reasons: list[str]
) -> None:
    """Not ready is what cannot write or never will understand; a chat that is down and a model that loads are told."""
    async with open_hall(store, condition=lambda: condition) as hall:
        assert await ready(hall.client()) == (status, {"ready": status == 200, "reasons": reasons})
        alive = await hall.client().get("/healthz")
        assert alive.status == (200 if condition.alive else 503)


async def test_details_are_for_staff_and_for_this_machine(store: SqliteStore) -> None:
    """Which chats there are and what errors say is told to nobody else; a moderator and this machine read it."""
    condition = Condition(store="/home/zoe/data is full", sources=(DOWN,), disk_free=1)
    async with open_hall(store, condition=lambda: condition) as hall:
        for browser in (hall.client(), await hall.signed_in("moderator", "talk")):  # nobody of all sessions
            status, told = await ready(browser)
            assert (status, set(told)) == (503, {"ready", "reasons"})
        _, told = await ready(await hall.signed_in("moderator"))
        details = (await (await hall.client().get("/readyz")).json())["details"]
        assert told["details"] == details
        assert details["store"] == "/home/zoe/data is full"
        assert details["disk"] == "nearly full"
        assert details["sources"] == [
            {"name": "telegram", "connected": False, "state": "lost", "since": 90.0, "trouble": DOWN.trouble}
        ]


READERS: list[tuple[dict[str, Any], dict[str, str], int]] = [
    ({}, {}, 200),
    ({}, {"X-Forwarded-For": "192.0.2.1"}, 403),
    ({}, {"X-Forwarded-For": "127.0.0.1"}, 403),
    ({}, {"X-Real-IP": "127.0.0.1"}, 403),
    ({}, {"Forwarded": "for=127.0.0.1"}, 403),
    ({}, {"Via": "1.1 proxy"}, 403),
    ({"trusted": ["127.0.0.1"]}, {"X-Forwarded-For": "192.0.2.1"}, 403),
    ({"trusted": ["127.0.0.1"]}, {"X-Forwarded-For": "192.0.2.1, 127.0.0.1"}, 403),
    ({"trusted": ["127.0.0.1"]}, {"X-Forwarded-For": "127.0.0.1"}, 403),
    ({"trusted": ["127.0.0.1"], "metrics_readers": ["192.0.2.0/24"]}, {"X-Forwarded-For": "192.0.2.1"}, 200),
    ({"trusted": ["127.0.0.1"], "metrics_readers": ["192.0.2.0/24"]}, {"X-Forwarded-For": "198.51.100.1"}, 403),
    ({"metrics_readers": ["192.0.2.0/24"]}, {"X-Forwarded-For": "192.0.2.1"}, 403),
    ({"metrics_readers": []}, {}, 403),
    ({"metrics_readers": [], "metrics_token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}, 200),
    ({"metrics_token": TOKEN}, {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"}, 200),
    ({"metrics_token": TOKEN}, {"Authorization": "Bearer wrong"}, 403),
    ({"metrics_readers": []}, {"Authorization": "Bearer "}, 403),
    ({"metrics_readers": []}, {"Authorization": f"Bearer {TOKEN}"}, 403),
]


@pytest.mark.parametrize(("settings", "headers", "status"), READERS)
async def test_who_may_read_the_metrics(
    store: SqliteStore, settings: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    """This machine, listed networks, and whoever has the token; a forwarded request is never from this machine."""
    async with open_hall(store, metrics=read, **settings) as hall:
        answer = await hall.client().get("/metrics", headers=headers)
        assert answer.status == status
        assert (await answer.text() == "counted 1\n") == (status == 200)


async def test_a_token_that_is_no_text_is_a_wrong_one(store: SqliteStore) -> None:
    """Bytes that are no UTF-8 read no metrics, and see as much of how the program is as anybody."""
    async with open_hall(store, metrics=read, metrics_token=TOKEN) as hall:
        assert await hall.raw("/metrics", b"Authorization: Bearer \xff") == 403
        assert await hall.raw("/readyz", b"Authorization: Bearer \xff") == 200


class Counting(Observer):
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int, bool]] = []
        self.streams: list[tuple[bool, int]] = []

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        self.requests.append((method, route, status, seconds is not None))

    def streaming(self, staff: bool, by: int) -> None:
        self.streams.append((staff, by))


async def test_requests_are_counted_by_pattern(store: SqliteStore) -> None:
    """Never by what somebody wrote into an address; a stream is counted once it is over, without its time."""
    seen = Counting()
    async with open_hall(store, observer=seen) as hall:
        browser = hall.client()
        await browser.get("/signin/zoes-own-token")
        await browser.get("/s/no-such-session")
        await browser.get("/nowhere/zoe")
        await browser.ask("Is there a recording?")
        stream = await browser.get("/api/v1/sessions/talk/events")
        assert seen.streams == [(False, 1)]
        stream.close()
        hall.live.changed("talk")
    assert seen.streams == [(False, 1), (False, -1)]
    assert seen.requests == [
        ("GET", "/signin/{token}", 403, True),
        ("GET", "/s/{session}", 404, True),
        ("any", "(no such address)", 404, True),
        ("POST", "/api/v1/sessions/{session}/messages", 202, True),
        ("GET", "/api/v1/sessions/{session}/events", 200, False),
    ]


async def test_every_answer_names_its_request(hall: Hall) -> None:
    """Pages, JSON, errors and streams carry an id of their own; a failure carries it where a person can read it."""
    browser, seen = hall.client(), set()
    for path in ("/s/talk", "/healthz", "/nothing", "/api/v1/sessions/none", "/api/v1/sessions/talk/events"):
        answer = await browser.get(path)
        seen.add(id := answer.headers["X-Request-ID"])
        if path == "/nothing":
            assert f"<code>{id}</code>" in await answer.text()
        if path == "/api/v1/sessions/none":
            assert (await answer.json())["request"] == id
        answer.close()
    assert len(seen) == 5


async def test_a_store_that_fails_is_logged_by_request_and_without_what_was_asked(hall: Hall) -> None:
    """The line names the address by its pattern and the request by its id, which the answer has too."""
    hall.full = True
    with logged() as log:
        answer = await hall.client().ask("private-words of zoe@example.org", name="Zoe Quokkabottom")
    told = await answer.json()
    assert (answer.status, told["code"]) == (503, "busy")
    (event,) = log.events
    assert event["request_id"] == told["request"] == answer.headers["X-Request-ID"]
    assert "/sessions/{session}/messages" in event["message"]
    assert not [word for word in ("private-words", "zoe@", "Quokka") if word in log.text]


async def test_a_fault_can_be_quoted(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads the number under which it stands in the log, which says where it broke and not on what."""

    async def breaks() -> None:
        raise ValueError("Zoe Quokkabottom")

    monkeypatch.setattr(hall.store, "polls", lambda *_: breaks())
    with logged() as log:
        answer = await hall.client().get("/api/v1/sessions/talk/polls")
    told = await answer.json()
    assert answer.status == 500
    assert told["request"] in told["error"]
    assert log.events[-1]["request_id"] == told["request"]
    assert log.events[-1]["error"] == "ValueError"
    assert any("test_vitals.py" in place for place in log.events[-1]["trace"][0])
    assert "Quokkabottom" not in log.text


@pytest.mark.parametrize(
    ("trusted", "given", "taken"),
    [
        (["127.0.0.1"], "3f2a9c-1.x_Y", True),
        ([], "3f2a9c-1.x_Y", False),
        (["127.0.0.1"], "short", False),
        (["127.0.0.1"], "x" * 65, False),
        (["127.0.0.1"], "a b c d e f g h", False),
        (["127.0.0.1"], "<script>alert</script>", False),
    ],
)
async def test_a_proxy_may_name_the_request(store: SqliteStore, trusted: list[str], given: str, taken: bool) -> None:
    """Its id is taken where the proxy is trusted and the id looks like one; nobody else writes into the log."""
    async with open_hall(store, trusted=trusted) as hall:
        answer = await hall.client().get("/healthz", headers={"X-Request-ID": given})
        assert (answer.headers["X-Request-ID"] == given) == taken
