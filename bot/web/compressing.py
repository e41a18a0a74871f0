"""Pages and views compressed on their way.

Only for bodies in which no secret stands beside what others wrote: the length of what is compressed tells of both.
"""

import gzip
from functools import lru_cache

import brotli  # type: ignore[import-untyped]
from aiohttp import web

SMALLEST = 1024  # bytes; below, one packet carries it anyway
QUALITY = 5  # of 11: a page takes about a millisecond
KEPT = 64  # shared bodies in one encoding: all that is asked of a queue in one state, and no queues of long ago


def accepted(request: web.Request) -> set[str]:
    """The encodings a client takes; one that it weighs with 0 is none."""
    parts = (part.strip().lower().partition(";") for part in request.headers.get("Accept-Encoding", "").split(","))
    return {name.strip() for name, _, weight in parts if weight.replace(" ", "") not in {"q=0", "q=0.0"}}


def compress(request: web.Request, response: web.Response, *, shared: bool = False) -> web.Response:
    """The response with its body compressed, where that pays and the client can read it. `shared`: many ask for this
    very body, so that the work is done once."""
    body = response.body
    response.headers["Vary"] = "Accept-Encoding"
    if not isinstance(body, bytes) or len(body) < SMALLEST:
        return response
    encoding = next((name for name in ("br", "gzip") if name in accepted(request)), None)
    if encoding:
        response.body = (_compressed_once if shared else _compressed)(encoding, body)
        response.headers["Content-Encoding"] = encoding
    return response


def _compressed(encoding: str, body: bytes) -> bytes:
    return brotli.compress(body, quality=QUALITY) if encoding == "br" else gzip.compress(body, mtime=0)


_compressed_once = lru_cache(maxsize=KEPT)(_compressed)
