"""The static files, held in memory with their compressed forms and their tags."""

import gzip
import hashlib
import mimetypes
import posixpath
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import brotli  # type: ignore[import-untyped]

SMALLEST_TO_COMPRESS = 512  # bytes
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
IMPORTED = re.compile(r'(?:\bfrom|\bimport) "(\.{1,2}/[^"]+)"')
RELEASE = re.compile(r"([0-9a-f]{12})/(.+)")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file. `encodings` are the names in Accept-Encoding of the compressed forms that it has, the best first; none
    where compression does not pay."""

    content_type: str
    body: bytes
    tag: str
    encodings: tuple[str, ...] = ()

    def encoded(self, encoding: str) -> bytes:
        """The body in one of its `encodings`, as small as can be: the first time takes a while (tens of ms)."""
        return ENCODERS[encoding](self.body)


class Assets:
    """Every file under a folder, read once. Only what was there at the start is ever served.

    `release` is the tag of all of them together. It is part of their addresses, so that modules find each other by
    relative names and all of a page is of one release.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
        self._assets = {p.relative_to(folder).as_posix(): _read(p) for p in files}
        together = "".join(f"{name} {asset.tag}\n" for name, asset in self._assets.items())
        self.release = hashlib.sha256(together.encode()).hexdigest()[:12]

    def compress(self, over: threading.Event) -> None:
        """All of them, so that nobody waits for it later (about a second), unless it is `over` before."""
        for asset in self._assets.values():
            for encoding in asset.encodings:
                if not over.is_set():
                    asset.encoded(encoding)

    def get(self, name: str) -> Asset | None:
        return self._assets.get(name)

    def find(self, path: str) -> tuple[Asset | None, bool]:
        """The file at a path below /static/, and whether the path names this release: then it may be kept for ever.
        A path of an earlier release leads to the file as it is now."""
        dated = RELEASE.fullmatch(path)
        release, name = (dated[1], dated[2]) if dated else ("", path)
        return self._assets.get(name), release == self.release

    def url(self, name: str) -> str:
        """The address of a file in this release."""
        return f"/static/{self.release}/{name}"

    def text(self, name: str) -> str:
        return self._assets[name].body.decode()

    def modules(self, name: str) -> list[str]:
        """A module and all that it imports, each once, itself first: what a browser would find out step by step."""
        found = [name]
        for one in found:
            for other in IMPORTED.findall(self.text(one)):
                path = posixpath.normpath(posixpath.join(posixpath.dirname(one), other))
                if path not in found:
                    found.append(path)
        return found


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    content_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    pays = len(body) >= SMALLEST_TO_COMPRESS and content_type.startswith(COMPRESSIBLE)
    return Asset(content_type, body, hashlib.sha256(body).hexdigest()[:16], tuple(ENCODERS) if pays else ())


@lru_cache(maxsize=512)
def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=11))


@lru_cache(maxsize=512)
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {"br": _brotli, "gzip": _gzip}
"""The best first."""
