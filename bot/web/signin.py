"""Sign-in with one-use links; a login lives in the store and can be ended there.

Nothing that lets somebody in is stored: links and login tokens are kept as SHA-256 hashes (both carry at least 128
random bits, so a slow hash would add nothing).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from bot.errors import BadInput, NotAllowed
from bot.model import Login
from bot.ports import Logins, Now

DAY = 86_400.0
SHORTEST_SECRET = 16  # bytes
ROLES = ("viewer", "expert", "moderator", "organiser")
"""From the least to the most; whoever has a role has all before it."""


def at_least(role: str, least: str) -> bool:
    """Does `role` carry the rights of `least`? An unknown role carries none."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a sign-in link promises."""

    name: str
    role: str
    session: str
    expires_at: float


class SignIn:
    """Makes links, opens and ends logins. `secret`: at least 16 bytes, the same over restarts."""

    def __init__(self, secret: bytes, logins: Logins, now: Now, *, stays: float = 7 * DAY) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise BadInput(
                f"the web secret needs at least {SHORTEST_SECRET} bytes; make one with `openssl rand -hex 32`"
            )
        self._secret = secret
        self._logins = logins
        self._now = now
        self._stays = stays
        # URLSafeTimedSerializer asks the system's clock; with our own we sign the expiry ourselves.
        self._links = URLSafeSerializer(self.key("sign-in link"), salt="floormic sign-in link")

    def key(self, purpose: str) -> bytes:
        """A key derived from the secret, another one for each purpose."""
        return hmac.new(self._secret, purpose.encode(), hashlib.sha256).digest()

    def link(self, role: str, name: str, session: str = "", valid_seconds: float = DAY) -> str:
        """The token of a one-use link (`/signin/<token>`). `session` "": every session."""
        if role not in ROLES[1:]:
            raise BadInput(f"there is no role {role!r} to sign in with; there are {', '.join(ROLES[1:])}")
        once = secrets.token_urlsafe(16)
        return str(self._links.dumps([name, role, session, self._now() + valid_seconds, once]))

    def invitation(self, token: str) -> Invitation | None:
        """What the link promises; None where we did not make it or its time is over. Does not use it up."""
        try:
            name, role, session, expires_at, _ = self._links.loads(token)
            found = Invitation(str(name), str(role), str(session), float(expires_at))
        except (BadSignature, ValueError, TypeError):
            return None
        return found if found.expires_at > self._now() else None

    async def enter(self, token: str) -> str | None:
        """Use the link up and open a login; the new login token, None where the link is not good (any more).

        Raises `NotAllowed` where the link was used before.
        """
        found = self.invitation(token)
        if found is None:
            return None
        now = self._now()
        if not await self._logins.redeem(hashed(token), now):
            raise NotAllowed("this sign-in link was used already")
        fresh = secrets.token_urlsafe(32)
        await self._logins.open_login(hashed(fresh), Login(found.name, found.role, found.session, now + self._stays))
        return fresh

    async def login(self, token: str) -> Login | None:
        """The login behind a token, while it lasts."""
        return await self._logins.login(hashed(token), self._now())

    async def leave(self, token: str) -> None:
        await self._logins.close_login(hashed(token))


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
