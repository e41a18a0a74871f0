"""How a person says in a chat that they are the one of the web page: with a code that the page shows, good once.

The code is not the one that opens their questions on another device: a chat is read by everybody.
"""

import hashlib
import re
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing that is easily misread."""

LENGTH = 8
GOOD_FOR = 900.0
"""Seconds."""

_SAID = re.compile(
    r"/?(?:link|bind|绑定|綁定|关联|關聯)\s*(?:[:：]\s*)?([0-9A-Za-z]{4})[-\s]?([0-9A-Za-z]{4})", re.IGNORECASE
)


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """In groups of four, for typing."""
    return f"{code[:4]}-{code[4:]}"


def said_code(text: str) -> str | None:
    """The code in a message that is there for nothing else ("link K7Q2-9MXT", "绑定 K7Q29MXT"); None for any other."""
    found = _SAID.fullmatch(text.strip())
    return (found[1] + found[2]).upper() if found else None


def hashed(code: str) -> str:
    return hashlib.sha256(f"link {code}".encode()).hexdigest()
