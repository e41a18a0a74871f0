"""The static files: their addresses, what may be kept, and how small they are sent."""

import gzip
from pathlib import Path

import brotli
import pytest

from bot.web.assets import Assets
from bot.web.rendering import HERE
from tests.bot.web.hall import Hall

STATIC = HERE / "static"


def test_a_changed_file_changes_the_release(tmp_path: Path) -> None:
    """All addresses are new as soon as one file differs, so that no page mixes two releases."""
    (tmp_path / "a.js").write_text('import "./words/b.js";\n')
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "b.js").write_text('export { a } from "../a.js";\n')
    first = Assets(tmp_path)
    assert first.modules("a.js") == ["a.js", "words/b.js"]
    assert Assets(tmp_path).url("a.js") == first.url("a.js")
    (tmp_path / "words" / "b.js").write_text("export const a = 2;\n")
    assert Assets(tmp_path).url("a.js") != first.url("a.js")


async def test_only_what_is_named_by_its_release_is_kept_for_ever(hall: Hall) -> None:
    """The same file without a release, or under an earlier one, is asked for anew each time."""
    browser, assets = hall.client(), Assets(STATIC)
    for path, kept in (
        (assets.url("viewer.js"), True),
        ("/static/viewer.js", False),
        (f"/static/{'0' * 12}/viewer.js", False),
    ):
        answer = await browser.get(path)
        assert answer.status == 200
        assert ("immutable" in answer.headers["Cache-Control"]) is kept
        again = await browser.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
    assert (await browser.get(assets.url("none.js"))).status == 404


@pytest.mark.parametrize("path", ["/s/talk", "/static/viewer.js", "/api/v1/sessions/talk/questions"])
@pytest.mark.parametrize(("asked", "got"), [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, identity", None)])
async def test_what_is_large_is_sent_small(hall: Hall, path: str, asked: str, got: str | None) -> None:
    """Pages, files and views are compressed as the client takes it, and are the same unpacked."""
    for n in range(8):
        await hall.asks(f"Is there a recording of part {n}? " * 8, f"q{n}")
    answer = await hall.client().get(path, headers={"Accept-Encoding": asked})
    assert answer.headers.get("Content-Encoding") == got
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(await answer.read()) > 1000


def test_the_compressed_forms_are_the_file() -> None:
    """Nothing is lost, and brotli is the smaller one."""
    asset = Assets(STATIC).get("viewer.js")
    assert asset is not None
    assert brotli.decompress(asset.encoded("br")) == asset.body == gzip.decompress(asset.encoded("gzip"))
    assert len(asset.encoded("br")) < len(asset.encoded("gzip"))
