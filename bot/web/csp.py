"""The content security policy: scripts and styles from this server, and in the pages themselves none but our own.

Those are named by their hashes. With a nonce no two pages would be the same, and each would have to be made and
compressed anew.
"""

import base64
import hashlib
import re
from collections.abc import Iterable

from bot.web.assets import Assets

POLICY = (
    "default-src 'self'; script-src {script}; style-src {style}; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
INLINED = re.compile(r"<(script|style)[^>]*>{{ inline\(([^)]*)\) }}</\1>")
NAME = re.compile(r'"([^"]+)"')


def inlined(assets: Assets, *names: str) -> str:
    """Files of ours as the whole text of one element."""
    return "".join(assets.text(name) for name in names)


def content_security_policy(assets: Assets, templates: Iterable[str]) -> str:
    """The policy for pages of these templates (their sources), with a place for {ancestors}."""
    known: dict[str, list[str]] = {"script": ["'self'"], "style": ["'self'"]}
    found = sorted({found.groups() for template in templates for found in INLINED.finditer(template)})
    for element, names in found:
        digest = hashlib.sha256(inlined(assets, *NAME.findall(names)).encode()).digest()
        known[element].append(f"'sha256-{base64.b64encode(digest).decode()}'")
    return POLICY.format(script=" ".join(known["script"]), style=" ".join(known["style"]), ancestors="{ancestors}")
