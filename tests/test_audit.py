"""The audit of the packages says what is known, and never that all is well where nothing was asked."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.audit import main

FLAW = {
    "id": "PYSEC-2026-1",
    "summary": "It lets anybody in.",
    "affected": [
        {
            "package": {"name": "aiohttp", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
            "versions": [],
        }
    ],
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize("flawed", [True, False])
async def test_a_known_vulnerability_fails_and_none_does_not(flawed: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """The real pip-audit against a list of ours: which package, which version mends it."""

    async def query(request: web.Request) -> web.Response:
        asked = (await request.json())["package"]["name"]
        return web.json_response({"vulns": [FLAW]} if flawed and asked == "aiohttp" else {})

    app = web.Application()
    app.router.add_post("/{rest:.*}", query)
    async with TestServer(app) as server:
        status = await asyncio.to_thread(main, ["--osv-url", str(server.make_url("/v1/query"))])
    said = capfd.readouterr().out
    assert status == int(flawed), said
    assert ("PYSEC-2026-1, mended in 99.0" in said) is flawed
    assert f"{int(flawed)} known vulnerabilities; left out: none" in said


def test_without_a_network_nothing_is_claimed(capfd: pytest.CaptureFixture[str]) -> None:
    """It does not fail, and says that it was not asked."""
    assert main(["--osv-url", "http://127.0.0.1:9/"]) == 0
    assert "NOT AUDITED" in capfd.readouterr().out
