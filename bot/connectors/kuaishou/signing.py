"""Both signatures of Kuaishou's open platform (弹幕玩法). MD5 is the platform's choice."""

import hashlib
import hmac
from collections.abc import Mapping


def sign(parameters: Mapping[str, str | int], app_secret: str) -> str:
    """Of a request: the parameters that are not empty (app_id among them), sorted, as `k=v` joined by `&`, and the
    secret; lower-case hex."""
    pairs = (f"{key}={value}" for key, value in sorted(parameters.items()) if value != "" and key != "sign")
    return _md5("&".join(pairs).encode() + app_secret.encode())


def genuine(given: str, body: bytes, app_secret: str) -> bool:
    """Whether `given`, the header kwaisign of a callback, is the one of this raw body."""
    expected = _md5(body + app_secret.encode())
    return hmac.compare_digest(given.strip().lower().encode("utf-8", "surrogatepass"), expected.encode())


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
