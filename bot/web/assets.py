"""The static files, held in memory with their compressed form and their tag."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

SMALLEST_TO_COMPRESS = 512  # bytes
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True)
class Asset:
    """`compressed` is b"" where compression does not pay."""

    content_type: str
    body: bytes
    compressed: bytes
    tag: str


class Assets:
    """Every file under a folder, read once. Only what was there at the start is ever served."""

    def __init__(self, folder: Path) -> None:
        files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
        self._assets = {p.relative_to(folder).as_posix(): _read(p) for p in files}

    def get(self, name: str) -> Asset | None:
        return self._assets.get(name)

    def url(self, name: str) -> str:
        """The address of a file, with its tag, so that it may be cached for ever."""
        asset = self._assets.get(name)
        return f"/static/{name}?v={asset.tag}" if asset else f"/static/{name}"


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    content_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    pays = len(body) >= SMALLEST_TO_COMPRESS and content_type.startswith(COMPRESSIBLE)
    compressed = gzip.compress(body, mtime=0) if pays else b""
    return Asset(content_type, body, compressed, hashlib.sha256(body).hexdigest()[:16])
