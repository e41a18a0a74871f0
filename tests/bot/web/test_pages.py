"""The pages, the QR code, the report and the static files."""

import gzip
import json
import re
from pathlib import Path

import pytest

from bot.model import Session
from bot.storage.sqlite import SqliteStore
from bot.web.assets import Assets
from tests.bot.web.hall import Hall, open_hall

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


async def test_every_page_is_served_and_carries_its_data(hall: Hall) -> None:
    """Each page is HTML whose scripts have this response's nonce, with the facts its scripts need as JSON."""
    organiser = await hall.signed_in("organiser")
    for path in ("/", "/s/talk", "/s/talk/board", "/s/talk/stage", "/s/talk/join", "/signin"):
        answer = await organiser.get(path)
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html"), path
        nonce = re.search(r"script-src 'self' 'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
        assert nonce is not None
        assert set(re.findall(r"<script[^>]*", text)) == set(re.findall(rf'<script[^>]*nonce="{nonce[1]}"', text)), path
        data = re.search(r'id="page-data"[^>]*>(.*?)</script>', text, re.S)
        assert data is not None
        page = json.loads(data[1])
        assert page["role"] == "organiser"
        assert page["sources"] == {"chat": {"zh": "聊天", "en": "The chat"}}
        assert (page["session"] or {"id": "talk"})["id"] == "talk"


async def test_names_and_titles_cannot_become_markup(hall: Hall) -> None:
    """A session's title with markup stays text in every page."""
    await hall.store.save_session(Session("talk", NASTY, speaker=NASTY, language="en"))
    moderator = await hall.signed_in("moderator")
    for path in ("/s/talk", "/s/talk/board", "/s/talk/stage", "/s/talk/join"):
        text = await (await moderator.get(path)).text()
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


async def test_one_session_is_gone_to_straight(store: SqliteStore, hall: Hall) -> None:
    """With several sessions the start page lists them; with one it leads there."""
    assert (await hall.client().get("/")).status == 200

    async def only() -> list[Session]:
        return [Session("a talk/1", "A talk")]

    store.sessions = only  # type: ignore[method-assign]
    answer = await hall.client().get("/")
    assert (answer.status, answer.headers["Location"]) == (302, "/s/a%20talk%2F1")


async def test_a_viewer_keeps_the_same_identity(hall: Hall) -> None:
    """The first page gives an identity, every later one keeps it, another browser gets another."""

    def code(text: str) -> str:
        found = re.search(r'"code": "([0-9A-Z-]{14})"', text)
        assert found is not None
        return found[1]

    browser = hall.client()
    first, second = [code(await (await browser.get("/s/talk")).text()) for _ in range(2)]
    other = code(await (await hall.client().get("/s/talk")).text())
    assert first == second != other


async def test_a_page_that_is_not_there_is_a_page(hall: Hall) -> None:
    """Unknown sessions and addresses get a 404 page in HTML without a traceback."""
    for path in ("/s/none", "/nothing", "/s/none/board"):
        answer = await hall.client().get(path)
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert "Traceback" not in await answer.text()


async def test_the_qr_code_leads_to_the_viewer_page(store: SqliteStore) -> None:
    """The picture is an SVG that differs by session and by public address."""
    pictures = set()
    for url in ("https://floor.example", "https://floor.example/"):
        async with open_hall(store, public_url=url) as hall:
            for session in ("talk", "other"):
                answer = await hall.client().get(f"/s/{session}/qr.svg")
                assert answer.content_type == "image/svg+xml"
                pictures.add(await answer.text())
    assert len(pictures) == 2
    assert all(picture.lstrip().startswith(("<?xml", "<svg")) and "<path" in picture for picture in pictures)


@pytest.mark.parametrize("kind", ["html", "md", "csv", "json"])
async def test_the_report_comes_in_every_format(hall: Hall, kind: str) -> None:
    """Staff get the report, HTML to look at and the others to keep; nothing in it can run."""
    moderator = await hall.signed_in("moderator", "talk")
    answer = await moderator.get(f"/s/talk/report?format={kind}")
    assert await answer.text() == f"report of talk as {kind}"
    assert ("attachment" in answer.headers.get("Content-Disposition", "")) == (kind != "html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]


async def test_an_unknown_report_format_is_refused(hall: Hall) -> None:
    """Another format is 400 and says which there are."""
    answer = await (await hall.signed_in("moderator")).get("/s/talk/report?format=exe")
    assert answer.status == 400


async def test_static_files_are_cached_by_their_content(hall: Hall) -> None:
    """A file has a tag; asked again with it 304 comes back, and under its tagged address it may stay for ever."""
    browser = hall.client()
    first = await browser.get("/static/base.css", headers={"Accept-Encoding": "gzip"})
    tag = first.headers["ETag"]
    assert (first.status, first.content_type, first.headers["Content-Encoding"]) == (200, "text/css", "gzip")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await browser.get("/static/base.css", headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")
    fixed = await browser.get(f"/static/base.css?v={tag.strip(chr(34))}")
    assert "immutable" in fixed.headers["Cache-Control"]
    plain = await browser.get("/static/base.css", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await plain.text() == await first.text()
    assert (await browser.get("/static/api.js")).content_type == "text/javascript"


def test_assets_hold_what_a_folder_holds(tmp_path: Path) -> None:
    """Names are relative paths, large texts are kept compressed, small ones and pictures are not."""
    (tmp_path / "icons").mkdir()
    (tmp_path / "icons" / "a.svg").write_text("<svg/>")
    (tmp_path / "long.js").write_text("let a;\n" * 500)
    (tmp_path / "b.woff2").write_bytes(bytes(5000))
    assets = Assets(tmp_path)
    small, long, font = assets.get("icons/a.svg"), assets.get("long.js"), assets.get("b.woff2")
    assert small is not None
    assert long is not None
    assert font is not None
    assert (small.content_type, small.compressed, font.compressed) == ("image/svg+xml", b"", b"")
    assert gzip.decompress(long.compressed) == long.body
    assert assets.url("long.js") == f"/static/long.js?v={long.tag}"
    assert assets.get("../b.woff2") is None
