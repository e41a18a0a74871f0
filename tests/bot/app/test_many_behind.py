"""Two web processes behind the real Caddy with `config/Caddyfile-many`, and the compose file that starts them all."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from bot.cli import floormic
from bot.web.events import RETRY, SPREAD
from tests.bot.app.behind import CONFIG, HERE, Behind, caddy, free_ports, make_certificate, missing, proxying
from tests.waiting import until

API = "/api/v1/sessions/talk"
PATIENCE = 30.0

needs_caddy = pytest.mark.skipif(bool(missing("caddy")), reason=missing("caddy"))


@asynccontextmanager
async def in_front(folder: Path, to: list[int]) -> AsyncIterator[Behind]:
    """Caddy before processes at these ports, and how somebody comes through it. Nothing listens there yet."""
    port, plain = free_ports(2)
    files = make_certificate(folder)
    command = caddy(folder, "Caddyfile-many", to, port, plain, files)
    async with proxying(command, folder, port):
        yield Behind("caddy", folder, port, plain, to[0], files[0])


@dataclass
class Stub:
    """Answers with its name, on whatever is asked; /readyz with `ready`."""

    name: str
    port: int
    ready: int = 200
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/readyz", self._readyz)
        app.router.add_route("*", "/{any:.*}", self._named)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, HERE, self.port).start()

    async def stop(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None

    async def _readyz(self, request: web.Request) -> web.Response:
        return web.Response(status=self.ready)

    async def _named(self, request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text=self.name)


@asynccontextmanager
async def stubs(folder: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, list[Stub]]]:
    both = [Stub(name, port) for name, port in zip("ab", free_ports(2), strict=True)]
    for one in both:
        await one.start()
    try:
        async with in_front(folder, [one.port for one in both]) as front, front.client() as client:
            yield client, both
    finally:
        for one in both:
            await one.stop()


async def who(client: aiohttp.ClientSession, times: int, method: str = "GET") -> Counter[str]:
    """Which of them answered how often; an error is its status."""
    found: Counter[str] = Counter()
    for _ in range(times):
        async with client.request(method, "/s/talk", data=b"body" if method == "POST" else None) as reply:
            found[await reply.text() if reply.status == 200 else str(reply.status)] += 1
    return found


@needs_caddy
async def test_one_that_is_not_ready_gets_nothing_until_it_is(tmp_path: Path) -> None:
    """A process whose /readyz says 503 is left alone within seconds while the other one serves, and is back after."""
    async with stubs(tmp_path) as (client, (a, _)):
        await until(lambda: _both(client))
        a.ready = 503
        await until(lambda: _only(client, "b"), PATIENCE)
        assert await who(client, 20) == {"b": 20}
        a.ready = 200
        await until(lambda: _both(client))


@needs_caddy
async def test_nobody_is_turned_away_by_one_that_says_so_before_it_goes(tmp_path: Path) -> None:
    """A process that is not ready for two seconds and then stops costs no request its answer, posts neither."""
    async with stubs(tmp_path) as (client, (a, _)):
        await until(lambda: _both(client))
        a.ready = 503
        found: Counter[str] = Counter()
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            found += await who(client, 5, "POST")
        assert await who(client, 20, "POST") == {"b": 20}
        await a.stop()
        found += await who(client, 50, "POST") + await who(client, 50)
        assert set(found) == {"a", "b"}


@needs_caddy
async def test_who_looks_while_one_has_died_is_served_by_the_other(tmp_path: Path) -> None:
    """A process that ends without a word costs nobody a page: whoever meets that waits a moment for the other one. A
    post that meets it may fail, and is taken when it is sent again."""
    async with stubs(tmp_path) as (client, (a, _)):
        await until(lambda: _both(client))
        await a.stop()
        assert await who(client, 50) == {"b": 50}
        assert await who(client, 50, "POST") == {"b": 50}
        await a.start()
        await until(lambda: _both(client))


async def _both(client: aiohttp.ClientSession) -> bool:
    return set(await who(client, 8)) == {"a", "b"}


async def _only(client: aiohttp.ClientSession, name: str) -> bool:
    """Eight would all come to one of two by chance once in 128 looks."""
    return set(await who(client, 20)) == {name}


@needs_caddy
async def test_a_page_that_lost_its_process_finds_the_other_one(tmp_path: Path) -> None:
    """Streams are spread over both processes and hear at once what is asked; those of a process that is stopped end in
    order, and come in again at once."""
    ports = free_ports(2)
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(in_front(tmp_path, ports))
        halls = [replace(front, folder=_folder(tmp_path, port), to=port) for port in ports]
        for one in halls:
            stack.push_async_callback(one.stop)
            await one.start()
        await asyncio.sleep(2.0)  # both are looked at
        client = await stack.enter_async_context(front.client())
        streams = [await stack.enter_async_context(client.get(f"{API}/events")) for _ in range(6)]
        assert all(stream.status == 200 for stream in streams)
        for n, hall in enumerate(halls):
            inside = await stack.enter_async_context(aiohttp.ClientSession(hall.inside, headers={"Origin": front.url}))
            async with inside.post(f"{API}/messages", json={"text": f"Is number {n} recorded?"}) as reply:
                assert reply.status == 202
        heard = await asyncio.gather(*(_hears(stream, b"recorded") for stream in streams))
        told = Counter(re.findall(rb"number (\d)", block)[0] for block in heard)
        assert told == {b"0": 3, b"1": 3}
        await halls[0].stop()
        lost = [stream for stream, block in zip(streams, heard, strict=True) if b"number 0" in block]
        await asyncio.gather(*(stream.content.read() for stream in lost))  # raises where a stream breaks off
        began = time.monotonic()
        again = await stack.enter_async_context(client.get(f"{API}/events"))
        assert b"number 1" in await _hears(again, b"recorded")
        assert time.monotonic() - began < 1.0


def test_a_page_is_back_within_five_seconds() -> None:
    """The longest time after which a page is told to come again leaves half a second to come in."""
    assert RETRY + max(SPREAD) <= 4500


def _folder(folder: Path, port: int) -> Path:
    made = folder / str(port)
    made.mkdir()
    return made


async def _hears(stream: aiohttp.ClientResponse, about: bytes) -> bytes:
    """The next event in which that stands."""
    async with asyncio.timeout(PATIENCE):
        while about not in (block := await stream.content.readuntil(b"\n\n")):
            pass
    return block


# The compose file


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((CONFIG / "compose-many.yaml").read_text(encoding="utf-8"))
    return dict(made["services"])


def roles(services: dict[str, Any]) -> dict[str, str]:
    """The role of each service that has one."""
    return {
        name: one["command"][one["command"].index("--role") + 1]
        for name, one in services.items()
        if "--role" in one.get("command", ())
    }


def test_what_may_run_twice_does_and_every_role_is_there(services: dict[str, Any]) -> None:
    """Two web processes and two pipelines, connectors and an outbox, one encoder, one database, one Caddy."""
    found = Counter(roles(services).values())
    assert found == {"web": 2, "pipeline": 2, "connectors": 1, "outbox": 1}
    assert set(services) - set(roles(services)) == {"postgres", "encoder", "caddy"}


def test_every_process_is_started_as_the_program_can_be(services: dict[str, Any]) -> None:
    """Each command of a service is one of ours, with options that it knows."""
    for name in (*roles(services), "encoder"):
        command, *words = services[name]["command"]
        options = {one for parameter in floormic.commands[command].params for one in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, name


def test_caddy_leads_to_every_web_process_and_nothing_else_is_open(services: dict[str, Any]) -> None:
    """Caddy's upstreams are the services with the role web; no other service has a port outside."""
    webs = {f"{name}:8080" for name, role in roles(services).items() if role == "web"}
    assert set(services["caddy"]["environment"]["FLOORMIC"].split()) == webs
    assert [name for name, one in services.items() if one.get("ports")] == ["caddy"]
    assert services["caddy"]["volumes"][0].startswith("./Caddyfile-many:")


def test_each_process_is_confined_and_shares_what_belongs_to_all(services: dict[str, Any]) -> None:
    """Read-only, without capabilities, and every role with the same data, encoder and database; the encoder alone has
    neither data nor password."""
    for name in (*roles(services), "encoder"):
        one = services[name]
        assert (one["read_only"], one["cap_drop"], one["image"]) == (True, ["ALL"], "floormic"), name
        assert one["security_opt"] == ["no-new-privileges:true"]
    shared = {(str(services[name]["volumes"]), str(services[name]["environment"])) for name in roles(services)}
    assert len(shared) == 1
    (socket,) = (word for word in services["encoder"]["command"] if word.endswith(".sock"))
    assert services["encoder"]["volumes"] == [f"encoder:{Path(socket).parent}"]
    assert "environment" not in services["encoder"]
    dockerfile = (CONFIG / "Dockerfile").read_text(encoding="utf-8")
    assert f"-o 10001 -g floormic -m 750 {Path(socket).parent}" in dockerfile  # else the volume belongs to root


def test_the_comments_name_every_service(services: dict[str, Any]) -> None:
    """The rolling restart in the file's head names all of ours, the web processes last."""
    head = (CONFIG / "compose-many.yaml").read_text(encoding="utf-8").partition("\nname:")[0]
    (names,) = re.findall(r"for one in (.+); do", head)
    assert set(names.split()) == {*roles(services), "encoder"}
