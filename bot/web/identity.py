"""Who a viewer is: a random code that only they know, kept in a signed cookie.

The participant id is a keyed hash of the code, so an id in a report or a ledger does not let anybody take over the
identity, and the code works on any device without being stored here.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from bot.model import Person

SOURCE = "web"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: nothing that is easily misread
CODE_LENGTH = 12  # 60 bits
LOOKALIKES = str.maketrans("OIL", "011", "- \t\n")


@dataclass(frozen=True, slots=True)
class Participant:
    """One viewer. `code` is secret to them, `id` is what the rest of the program sees."""

    code: str
    id: str
    name: str = ""

    @property
    def person(self) -> Person:
        return Person(SOURCE, self.id, self.name)

    @property
    def shown_code(self) -> str:
        """In groups of four, for reading aloud."""
        return "-".join(self.code[i : i + 4] for i in range(0, CODE_LENGTH, 4))


class Participants:
    """Makes and recognises participants. `key` is secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cookies = URLSafeSerializer(key, salt="floormic participant")

    def new(self) -> Participant:
        return self.of("".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)))

    def of(self, code: str, name: str = "") -> Participant:
        digest = hmac.new(self._key, code.encode(), hashlib.sha256).hexdigest()
        return Participant(code, digest[:20], name)

    def read_code(self, typed: str) -> str | None:
        """The code in what a person typed; None where it cannot be one."""
        code = typed.upper().translate(LOOKALIKES)
        return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else None

    def cookie(self, participant: Participant) -> str:
        return str(self._cookies.dumps([participant.code, participant.name]))

    def from_cookie(self, value: str) -> Participant | None:
        """None for a cookie that we did not sign."""
        try:
            code, name = self._cookies.loads(value)
        except (BadSignature, ValueError, TypeError):
            return None
        return self.of(str(code), str(name))
