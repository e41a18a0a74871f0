"""Bodies that begin and do not end: what they cost, and who is still served beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bot.storage.sqlite import SqliteStore
from bot.web.limits import PART, Arrivals, Limits
from tests.bot.web.hall import Hall, open_hall

FORM = b"Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"
Half = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def begin(
    hall: Hall, path: str, *, method: bytes = b"POST", header: bytes = b"", sent: int = 255_000, length: int = 262_144
) -> Half:
    """A request of which so many bytes of the body came, and nothing more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hall.server.port)
    named = (method, path.encode(), length, header)
    head = b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n" % named
    writer.write(head + b"a" * sent)
    await writer.drain()
    return reader, writer


@asynccontextmanager
async def begun(hall: Hall, path: str, number: int) -> AsyncIterator[Sequence[Half]]:
    halves = [await begin(hall, path) for _ in range(number)]
    try:
        yield halves
    finally:
        for _, writer in halves:
            writer.close()


async def status(half: Half) -> int:
    return int((await half[0].readline()).split()[1])


async def test_a_call_for_nobody_is_refused_before_its_body(hall: Hall) -> None:
    """What no source of ours takes is 404 at once, and nothing of its body is kept."""
    async with asyncio.timeout(5), begun(hall, "/in/nobody", 3) as halves:
        assert {await status(half) for half in halves} == {404}


@pytest.mark.parametrize(
    ("method", "path", "header"),
    [
        (b"POST", "/signin", FORM),
        (b"POST", "/api/v1/sessions/talk/messages", FORM),
    ],
)
async def test_a_body_that_does_not_end_is_given_up(
    store: SqliteStore, method: bytes, path: str, header: bytes
) -> None:
    """Forms and the API wait for a body so long and no longer, and say so."""
    async with open_hall(store, limits=Limits(body_within=0.2)) as hall:
        async with asyncio.timeout(5):
            reader, writer = await begin(hall, path, method=method, header=header)
            assert await status((reader, writer)) == 408
        writer.close()


UPLOADS = pytest.mark.parametrize("what", ["course", "transcript"])


async def upload(hall: Hall, what: str) -> Half:
    """An organiser's file begins to come in."""
    login = (await hall.signed_in("organiser")).cookie("floormic-login")
    header = b"Cookie: floormic-login=%s\r\nSec-Fetch-Site: same-origin\r\n" % login.value.encode()
    return await begin(hall, f"/api/v1/sessions/talk/{what}", header=header, sent=1, length=3 * PART)


@UPLOADS
async def test_a_file_of_staff_that_trickles_is_given_up(store: SqliteStore, what: str) -> None:
    """However little comes each moment, the next part of a file must come in within its time."""
    async with open_hall(store, limits=Limits(part_within=0.4)) as hall:
        async with asyncio.timeout(5):
            half = await upload(hall, what)
            answered = asyncio.create_task(status(half))
            while not answered.done():
                half[1].write(b"a")
                await asyncio.sleep(0.05)
            assert await answered == 408
        half[1].close()


@UPLOADS
async def test_a_file_of_staff_on_a_slow_line_comes_in(store: SqliteStore, what: str) -> None:
    """A file may take longer than one part of it may."""
    async with open_hall(store, limits=Limits(part_within=0.6)) as hall:
        async with asyncio.timeout(10):
            half = await upload(hall, what)
            for sent in (PART, PART, PART - 1):
                await asyncio.sleep(0.3)
                half[1].write(b"a" * sent)
                await half[1].drain()
            assert await status(half) == 400  # all of it was read, and is neither
        half[1].close()


@pytest.mark.parametrize("method", [b"POST", b"GET"])
async def test_a_platform_whose_body_stops_is_told_to_send_it_again(store: SqliteStore, method: bytes) -> None:
    """A hook waits for a body longer than a page does, and then answers as where there is no room: with 503 and
    Retry-After, for to senders in the field everything from 400 to 499 is final."""
    async with open_hall(store, limits=Limits(body_within=0.1, hook_within=0.4)) as hall:
        async with asyncio.timeout(5):
            half = await begin(hall, "/in/echo", method=method)
            answered = asyncio.create_task(status(half))
            assert await asyncio.wait({answered}, timeout=0.25) == (set(), {answered})
            assert await answered == 503
            assert b"Retry-After: 2" in await half[0].readuntil(b"\r\n\r\n")
        half[1].close()


async def test_many_bodies_that_stop_cost_a_bounded_memory_and_keep_nobody_out(store: SqliteStore) -> None:
    """Of more than fit the oldest are given up, a moderator is answered meanwhile, and the rest end in time."""
    limits = Limits(bodies=20, bodies_of_address=10, hook_within=3)
    async with open_hall(store, limits=limits) as hall:
        await hall.asks()
        moderator = await hall.signed_in("moderator")
        async with asyncio.timeout(10), begun(hall, "/in/echo", 40) as halves:
            assert [await status(half) for half in halves[:30]] == [503] * 30
            with pytest.raises(TimeoutError):  # as many as fit are waited for
                await asyncio.wait_for(asyncio.shield(status(halves[30])), 0.2)
            assert (await moderator.act("approve", ["q1"])).status == 200
            assert (await moderator.act("edit", ["q1"], text="t" * 100_000)).status == 400  # came in, and was read
            assert {await status(half) for half in halves[31:]} == {503}


async def test_arrivals_are_bounded_in_all_and_by_address_and_leave_nothing_behind() -> None:
    """Each address gives up its own oldest, then all the oldest of all; who has come in is forgotten."""
    arrivals, ended = Arrivals(3, 2), list[str]()

    async def arrive(name: str, address: str, *, whole: bool = False) -> None:
        with contextlib.suppress(TimeoutError):
            async with arrivals.one(address, 60):
                await asyncio.sleep(0 if whole else 60)
                return
        ended.append(name)

    async with asyncio.TaskGroup() as group:
        tasks = []
        for name, address in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("b2", "b"), ("c1", "c")):
            tasks.append(group.create_task(arrive(name, address)))
            await asyncio.sleep(0.01)
        assert ended == ["a1", "a2", "b1"]
        await arrive("b3", "b", whole=True)
        await asyncio.sleep(0.01)
        assert ended == ["a1", "a2", "b1", "a3"]
        for task in tasks:
            task.cancel()
    assert not arrivals._coming


async def test_who_comes_while_the_oldest_is_just_given_up_gets_its_place() -> None:
    """A body whose time is over at this very moment, and which was not told yet, makes place as any other."""
    arrivals, gone = Arrivals(1, 1), asyncio.Event()

    async def slow() -> None:
        async with arrivals.one("a", 0.01):
            try:
                await asyncio.sleep(60)
            finally:
                gone.set()
                await asyncio.sleep(0)

    one = asyncio.create_task(slow())
    await gone.wait()
    async with arrivals.one("a", 60):
        pass
    with pytest.raises(TimeoutError):
        await one
