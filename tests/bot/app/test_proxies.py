"""The program behind the real nginx and the real Caddy, with the files of `config/` and a certificate of our own."""

import asyncio
import hashlib
import hmac
import json
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.courses import LARGEST
from bot.web.limits import Limits
from tests.bot.app.behind import ELSEWHERE, HERE, NAME, SECRET, Behind, behind, missing

pytestmark = [pytest.mark.asyncio(loop_scope="module")]

API = "/api/v1/sessions/talk"
GUESSES = int(Limits().guesses.burst)
PATIENCE = 30.0


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["nginx", "caddy"])
async def hidden(request: pytest.FixtureRequest) -> AsyncIterator[Behind]:
    if why := missing(request.param):
        pytest.skip(why)
    async with behind(request.param) as opened:
        yield opened


async def ask(client: aiohttp.ClientSession, text: str, **more: Any) -> int:
    async with client.post(f"{API}/messages", json={"text": text}, **more) as reply:
        await reply.read()
        return reply.status


async def event(stream: aiohttp.ClientResponse, about: str) -> tuple[str, float]:
    """The next event in which that stands, and when it came."""
    async with asyncio.timeout(PATIENCE):
        while about not in (block := (await stream.content.readuntil(b"\n\n")).decode()):
            pass
    return block, time.monotonic()


async def organiser(hidden: Behind) -> aiohttp.ClientSession:
    assert hidden.hall is not None
    client = hidden.client()
    async with client.post(hidden.hall.link("organiser", "Ann").removeprefix(hidden.url)) as entered:
        assert entered.status == 200, await entered.text()
    return client


async def test_an_event_is_there_at_once_and_a_stream_goes_on_where_it_was(hidden: Behind) -> None:
    """What is asked stands in the stream through the proxy less than a second after it stands in the program's own,
    while both stay open; and whoever comes again with Last-Event-ID is told only what they missed."""
    inside = aiohttp.ClientSession(hidden.inside)
    async with hidden.client() as client, inside, client.get(f"{API}/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        await event(stream, "event: questions")
        async with inside.get(f"{API}/events") as direct:
            await event(direct, "event: questions")
            assert await ask(client, "Is there a recording of this evening?") == 202
            (seen, at), (_, first) = await asyncio.gather(event(stream, "recording"), event(direct, "recording"))
            assert at - first < 1.0
        (last,) = re.findall(r"^id: (\d+)$", seen, re.MULTILINE)
        assert await ask(client, "Is there homework for beginners?") == 202
        await event(stream, "beginners")
    async with hidden.client() as again, again.get(f"{API}/events", headers={"Last-Event-ID": last}) as stream:
        missed, _ = await event(stream, "event: questions")
        assert "beginners" in missed
        assert "recording" not in missed


async def test_it_offers_http_2_and_cookies_stay_with_this_host(hidden: Behind) -> None:
    """Many pages of one browser share a connection; the cookie's name and flags are those of https."""
    context = hidden.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(HERE, hidden.port, ssl=context, server_hostname=NAME)
    tls = writer.get_extra_info("ssl_object")
    assert isinstance(tls, ssl.SSLObject)
    assert tls.selected_alpn_protocol() == "h2"
    writer.close()
    async with hidden.client() as client, client.post(f"{API}/messages", json={"text": "Are there slides?"}) as reply:
        (cookie,) = reply.headers.getall("Set-Cookie")
    assert cookie.startswith("__Host-floormic-viewer=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


async def test_what_the_program_says_of_its_pages_arrives_as_it_says_it(hidden: Behind) -> None:
    """Each security header once, pages compressed once, static files to be kept for ever: as without a proxy."""
    async with hidden.client() as client, aiohttp.ClientSession(hidden.inside) as inside:
        async with client.get("/s/talk") as page, inside.get("/s/talk") as direct:
            text = await page.text()
            for name in set(direct.headers) - {"Date", "Server", "Connection", "Content-Length"}:
                assert len(page.headers.getall(name, [])) == 1, name
            assert page.headers["Strict-Transport-Security"] == direct.headers["Strict-Transport-Security"]
            assert page.headers["Content-Encoding"] == direct.headers["Content-Encoding"]
        (file, *_) = re.findall(r'"(/static/[0-9a-f]{12}/[^"]+\.js)"', text)
        async with client.get(file) as static, inside.get(file) as direct:
            assert static.headers["Cache-Control"] == direct.headers["Cache-Control"]
            assert "immutable" in static.headers["Cache-Control"]
            assert await static.read() == await direct.read()


async def test_limits_count_the_client_whatever_it_says_of_itself(hidden: Behind) -> None:
    """Whoever guesses codes and forges another address each time is stopped as one; who comes from elsewhere is not."""
    statuses = []
    async with hidden.client(ELSEWHERE) as guesser, hidden.client(HERE) as other:
        for n in range(GUESSES + 1):
            forged = {
                "X-Forwarded-For": f"198.51.100.{n}",
                "X-Real-IP": f"198.51.100.{n}",
                "Forwarded": f"for=198.51.100.{n}",
            }
            async with guesser.post("/signin/wrong", headers=forged) as reply:
                statuses.append(reply.status)
        async with other.post("/signin/wrong") as reply:
            assert reply.status != 429
    assert 429 not in statuses[:-1]
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
        {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
    ],
    ids=["origin", "fetch metadata", "forged host", "forged scheme"],
)
async def test_a_post_of_another_site_is_refused(hidden: Behind, headers: dict[str, str]) -> None:
    """Nobody else's page asks in the name of a viewer, not with a forged host either; our own does."""
    async with hidden.client() as client:
        assert await ask(client, "Is this from another site?", headers=headers) == 403
        assert await ask(client, "Is this from our own site?") == 202


async def test_a_signed_body_passes_byte_for_byte(hidden: Behind) -> None:
    """A webhook's signature over the raw bytes holds, with odd spaces and in pieces; one byte more and it does not."""
    body = ' [ {"id":"1","user":"u","text":"Wird das  aufgezeichnet? 会录像吗？\\n"}\t] \n'.encode()
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    async with hidden.client() as client:
        for data, status in ((body, 200), (pieces(), 200), (body + b" ", 403)):
            async with client.post("/in/lobby", data=data, headers=headers) as reply:
                assert reply.status == status, await reply.text()


@pytest.mark.parametrize(
    ("size", "status", "says"),
    [
        pytest.param(LARGEST, 400, "course.zip", id="as large as may be: it arrives, and is no ZIP"),
        pytest.param(LARGEST + 1, 413, "larger than 100 MB", id="a byte more: the program says what may be"),
        pytest.param(2 * LARGEST, 413, "", id="twice as much: the proxy lets none of it in"),
    ],
)
async def test_an_upload_is_taken_up_to_the_limit(hidden: Behind, size: int, status: int, says: str) -> None:
    """A course up to the program's own limit comes through; what is larger is 413, in words unless it is nonsense."""
    piece = b"no zip. " * 8192

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, size, len(piece)):
            yield piece[: min(len(piece), size - at)]

    async with await organiser(hidden) as client:
        headers = {"Content-Type": "application/zip", "Content-Length": str(size)}
        path = f"{API}/course?name=course.zip"
        async with client.post(path, data=pieces(), headers=headers) as reply:
            said = await reply.text()
            assert (reply.status, says in said) == (status, True), said
            if says:
                assert says in json.loads(said)["error"]


async def test_a_program_that_is_away_is_502_and_comes_back(hidden: Behind) -> None:
    """While it is restarted the proxy says so and streams end in order; afterwards everything is as it was."""
    async with hidden.client() as client, client.get(f"{API}/events") as stream:
        await event(stream, "event: questions")
        await hidden.stop()
        await stream.content.read()  # raises where the stream breaks off
        async with client.get("/healthz") as reply:
            assert reply.status in {502, 503}
        await hidden.start()
        async with client.get("/healthz") as reply:
            assert (reply.status, (await reply.json())["status"]) == (200, "ok")
        async with client.get(f"{API}/events") as stream:
            await event(stream, "event: questions")


async def test_plain_http_leads_to_https(hidden: Behind) -> None:
    """Whoever types the address without https comes to the same page with it."""
    if hidden.proxy == "caddy":
        pytest.skip("Caddy does this by itself, which needs port 80")
    reader, writer = await asyncio.open_connection(HERE, hidden.plain, family=socket.AF_INET)
    writer.write(f"GET /s/talk HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    assert answer.startswith(b"HTTP/1.1 301 ")
    assert f"Location: https://{NAME}/s/talk\r\n".encode() in answer
    writer.close()
