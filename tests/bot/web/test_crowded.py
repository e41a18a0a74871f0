"""More watchers than fit: who gets in, and what the others are told."""

import asyncio
import resource

import pytest
from aiohttp import ClientResponse

from bot.accounts import Grant
from bot.storage.sqlite import SqliteStore
from bot.web import open_files
from bot.web.limits import Limits, Seats
from tests.bot.web.hall import Browser, open_hall

PATH = "/api/v1/sessions/talk/events"


async def watch(browser: Browser, address: str = "") -> ClientResponse:
    return await browser.get(PATH, headers={"X-Forwarded-For": address} if address else {})


async def left(hall_watchers: object, number: int) -> None:
    async with asyncio.timeout(5):
        while hall_watchers() != number:  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_viewers_are_let_in_as_long_as_there_is_room_and_staff_always(store: SqliteStore) -> None:
    """One too many is told when to come again; everything else is served, and who leaves makes room."""
    async with open_hall(store, limits=Limits(streams=2, streams_of_address=2)) as hall:
        await hall.asks()
        first, second = await watch(hall.client()), await watch(hall.client())
        refused = await watch(hall.client())
        assert (first.status, second.status, refused.status) == (200, 200, 503)
        assert 5 <= int(refused.headers["Retry-After"]) <= 20
        assert (await refused.json())["code"] == "busy"
        assert (await hall.client().get("/s/talk")).status == 200
        assert (await hall.client().ask("May I still ask?")).status == 202
        moderator = await hall.signed_in("moderator")
        boards = [await watch(moderator) for _ in range(3)]
        assert {board.status for board in boards} == {200}
        first.close()
        await hall.asks("Something that is told", "q2")  # how it is found that somebody left
        await left(lambda: hall.live.watchers("talk"), 4)
        assert (await watch(hall.client())).status == 200


async def test_an_account_without_a_role_here_is_a_viewer(store: SqliteStore) -> None:
    """Whose role has ended, or is in another session, finds no seat where viewers find none; a speaker does."""
    async with open_hall(store, limits=Limits(streams=2, streams_of_address=2)) as hall:
        await hall.asks()
        ended = await hall.person(Grant("moderator", "talk", hall.clock.time + 10), Grant("moderator", "other"))
        speaker = await hall.person(Grant("speaker", "talk"), name="Sal")
        hall.clock.time += 20
        assert [(await watch(ended)).status for _ in range(3)] == [200, 200, 503]
        assert (await watch(speaker)).status == 200


async def test_no_address_takes_all_the_room(store: SqliteStore) -> None:
    """Behind a proxy that we trust the client's own address counts."""
    async with open_hall(store, trusted=["127.0.0.1"], limits=Limits(streams=3, streams_of_address=2)) as hall:
        statuses = [(await watch(hall.client(), address)).status for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1")]
        assert statuses == [200, 200, 503]
        assert (await watch(hall.client(), "192.0.2.2")).status == 200
        assert (await watch(hall.client(), "192.0.2.3")).status == 503


def test_seats_are_counted_and_forgotten() -> None:
    """Whoever comes and goes leaves nothing behind."""
    seats = Seats(2, 1)
    assert [seats.take("a"), seats.take("a"), seats.take("b"), seats.take("c")] == [True, False, True, False]
    seats.give("a")
    assert seats.take("c")
    seats.give("b")
    seats.give("c")
    assert not seats._taken


def test_as_many_files_may_be_open_as_the_system_lets_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """The soft limit becomes the hard one; watchers get a share of it, and one address a share of that."""
    limits = {"now": (256, 4000)}
    monkeypatch.setattr(resource, "getrlimit", lambda what: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda what, new: limits.update(now=new))
    assert open_files.open_files() == 4000
    assert limits["now"] == (4000, 4000)
    assert open_files.most_connections() == 3936
    assert (open_files.most_streams(), open_files.most_streams_of_address()) == (2952, 2214)


def test_a_system_that_does_not_let_us_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS tells no hard limit and refuses what is above one that it has."""

    def refuse(what: int, new: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda what: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert open_files.open_files() == 256
