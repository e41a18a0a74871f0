"""One who floods, and everybody else: from one address, from a network, through a chat as one and as many authors."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from tests.torture._posting import Load, Result, asked, line, post, signed
from tests.torture._serving import Server, serving
from tests.torture.scenario import Run, scenario

RATE = 1_000
"""Messages a second of the attacker."""

HONEST = 100
SCHOOL = 500


def _from(address: str) -> str:
    return f"X-Forwarded-For: {address}\r\n"


def _asks(text: str, address: str) -> bytes:
    return asked("talk", text, _from(address))


def _one_address(n: int) -> str:
    return "203.0.113.5"


def _one_network(n: int) -> str:
    return f"203.0.113.{n % 250 + 1}"


def _one_ipv6(n: int) -> str:
    return f"2001:db8:5:5:{n % 65_000:x}::{n % 60_000 + 1:x}"


@scenario("flooding-page", seconds=40, daily=False)
async def page(run: Run) -> None:
    """A thousand questions a second on the page, without cookies, from one address, one /24 and one /64 in turn: at
    least 99 % of what others ask is accepted, and so is everything of a school behind one address."""
    seconds, people = (1.0, SCHOOL) if run.short else (5.0, 1_000)
    async with serving(run.folder, proxies=("127.0.0.1",), people=people) as server:
        for number, (what, address, most) in enumerate(
            [
                ("one address", _one_address, people),
                ("one /24", _one_network, 3 * people),
                ("one /64", _one_ipv6, people),
            ]
        ):
            attack, honest = await _both(server, seconds, address, f"10.{number}.{{}}.1")
            _tell(run, what, attack, honest, most)
        await _school(run, server, seconds)


async def _both(server: Server, seconds: float, attacker: Callable[[int], str], users: str) -> tuple[Result, Result]:
    count = int(RATE * seconds)
    attack = [_asks(f"Buy number {n} at once?", attacker(n)) for n in range(count)]
    honest = [_asks(f"Is part {n} recorded?", users.format(n)) for n in range(HONEST)]
    return await asyncio.gather(
        post(Load(server.port, attack, 64, _evenly(count, seconds), until=4 * seconds + 10)),
        post(Load(server.port, honest, 16, _evenly(HONEST, seconds), until=4 * seconds + 10)),
    )


def _evenly(count: int, seconds: float) -> list[float]:
    return [n * seconds / count for n in range(count)]


def _tell(run: Run, what: str, attack: Result, honest: Result, most: float) -> None:
    # Beyond that a few a second more, while it lasts.
    share = 100 * len(honest.accepted) / HONEST
    run.figure(f"{what}: honest questions accepted", share, "%", least=99)
    run.figure(
        f"{what}: the attacker's accepted, of {len(attack.status):,}",
        len(attack.accepted),
        most=most + 7 * attack.seconds,
    )
    run.figure(f"{what}: p99 of an honest one", honest.p(99), "ms")


async def _school(run: Run, server: Server, seconds: float) -> None:
    """Each with an own browser, all from one address; they ask within the same seconds."""
    requests = [_asks(f"Is chapter {n} in the test?", "198.51.100.9") for n in range(SCHOOL)]
    result = await post(Load(server.port, requests, 64, _evenly(SCHOOL, seconds), until=30))
    run.figure("500 behind one address: refused", SCHOOL - len(result.accepted), most=0)


@scenario("flooding-chat", seconds=45, daily=False)
async def chat(run: Run) -> None:
    """A thousand lines a second in a chat, of one author and then of as many authors: nothing is refused, at least 99 %
    of what others ask becomes a question, and one author founds few."""
    seconds = 1.0 if run.short else 5.0
    async with serving(run.folder, lobbies=2) as server:
        loud, honest = await _lines(server, seconds, "one", lambda n: "loud", "lobby")
        await _placed(server, "honest-one", seconds)
        founded = _founded(server.database, "flood-one")
        _accepted(run, "one author", loud, honest)
        run.figure(
            "one author: honest ones that became a question", _share(server.database, "honest-one"), "%", least=99
        )
        run.figure(f"one author: questions of {len(loud.status) * 10:,} lines", founded, most=40)
        loud, honest = await _lines(server, seconds, "many", lambda n: f"loud{n}", "lobby2")
        _accepted(run, "many authors", loud, honest)
        waited = await _placed(server, "honest-many", seconds)
        run.figure(
            "many authors: honest ones of another chat that became a question",
            _share(server.database, "honest-many"),
            "%",
            least=99,
        )
        run.figure("many authors: seconds until the last of these did", waited, "s")


async def _lines(
    server: Server, seconds: float, what: str, author: Callable[[int], str], honestly: str
) -> tuple[Result, Result]:
    """The attacker's lines come to `lobby` in tens, the others' one by one to `honestly`."""
    count = int(RATE * seconds / 10)
    attack = [_ten(what, n, author) for n in range(count)]
    honest = [
        signed(line(f"honest-{what}-{n}", f"{what}{n}", f"Is part {n} of {what} recorded?"), honestly)
        for n in range(HONEST)
    ]
    return await asyncio.gather(
        post(Load(server.port, attack, 16, _evenly(count, seconds), until=4 * seconds + 10)),
        post(Load(server.port, honest, 16, _evenly(HONEST, seconds), until=4 * seconds + 10)),
    )


def _ten(what: str, n: int, author: Callable[[int], str]) -> bytes:
    lines = [
        json.loads(line(f"flood-{what}-{k}", author(k), f"Why buy number {k}?")) for k in range(10 * n, 10 * n + 10)
    ]
    return signed(json.dumps(lines).encode())


def _accepted(run: Run, what: str, loud: Result, honest: Result) -> None:
    run.figure(f"{what}: honest lines accepted", 100 * len(honest.accepted) / HONEST, "%", least=99)
    run.figure(f"{what}: the flood's lines refused", 10 * (len(loud.status) - len(loud.accepted)), most=0)


def _ask(database: Path, sql: str, values: Sequence[object] = ()) -> float:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return float(db.execute(sql, values).fetchone()[0] or 0)


def _share(database: Path, like: str) -> float:
    """Percent of these messages that are in a question."""
    return (
        100
        / HONEST
        * _ask(
            database, "SELECT count(*) FROM messages WHERE external_id LIKE ? AND question IS NOT NULL", (f"{like}-%",)
        )
    )


def _founded(database: Path, like: str) -> float:
    return _ask(
        database,
        "SELECT count(*) FROM placements JOIN messages m ON m.id = message WHERE m.external_id LIKE ? AND founded",
        (f"{like}-%",),
    )


async def _placed(server: Server, like: str, seconds: float) -> float:
    """Until all of these are placed; the seconds that took."""
    loop, sql = asyncio.get_running_loop(), "SELECT count(*) FROM messages WHERE external_id LIKE ? AND placed = 0"
    began = loop.time()
    while (  # noqa: ASYNC110 (the database is looked at from outside)
        _ask(server.database, sql, (f"{like}-%",)) and loop.time() - began < 20 + seconds
    ):
        await asyncio.sleep(0.05)
    return loop.time() - began
