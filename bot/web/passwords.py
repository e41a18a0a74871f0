"""Passwords: what may be one, and whether one is right, at the same cost for names that nobody has.

Argon2id with the parameters of RFC 9106's second choice (64 MiB, 3 passes, 4 lanes), which are the library's own.
"""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 200  # characters; argon2 would take any, and so any time to read them
AT_ONCE = 2
"""Hashes that are computed at the same time: each takes 64 MiB, and the hall needs its processors."""


class Passwords:
    """Hashes and verifies beside the event loop. `nobody` is the hash of no password, for names that nobody has."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, normal(password))

    async def right(self, kept: str, password: str) -> bool:
        """Is it the one that was hashed? "" (nobody, or nobody with a password) is verified just as long, and wrong."""
        if not self._nobody:
            self._nobody = await self.hash("nobody has this password")
        given = normal(password)
        fits = len(given) <= LONGEST_PASSWORD
        async with self._room:
            verified = await asyncio.to_thread(self._verify, kept or self._nobody, given[:LONGEST_PASSWORD])
        return verified and fits and bool(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def normal(password: str) -> str:
    """One form however a keyboard composes it (NFKC, as RFC 8265 and NIST SP 800-63B have it)."""
    return unicodedata.normalize("NFKC", password)
