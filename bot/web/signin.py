"""Sign-in with one-use links or with a name and a password; a login lives in the store and can be ended there.

Nothing that lets somebody in is stored: links and login tokens are kept as SHA-256 hashes (both carry at least 128
random bits, so a slow hash would add nothing), passwords as Argon2id. A link is either signed by ourselves and carries
what it promises (`floormic link` needs no store), or is an invitation that the store knows and can revoke.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress

from itsdangerous import BadSignature, URLSafeSerializer

from bot.accounts import ROLES, STAFF, Actor, Device, Entry, Grant, Invitation, Login, at_least, name_key
from bot.errors import BadInput, NotAllowed, StoreError
from bot.ports import Accounts, Now
from bot.web.passwords import Passwords

__all__ = ["DAY", "ROLES", "SignIn", "at_least", "hashed"]

log = logging.getLogger(__name__)

DAY = 86_400.0
SHORTEST_SECRET = 16  # bytes
NOTED_EVERY = 60.0
"""Seconds after which it is written again that a login is used."""


class SignIn:
    """Makes links, opens and ends logins. `secret`: at least 16 bytes, the same over restarts."""

    def __init__(self, secret: bytes, accounts: Accounts, now: Now, *, stays: float = 7 * DAY) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise BadInput(
                f"the web secret needs at least {SHORTEST_SECRET} bytes; make one with `openssl rand -hex 32`"
            )
        self._secret = secret
        self._accounts = accounts
        self._now = now
        self._stays = stays
        self.passwords = Passwords()
        # URLSafeTimedSerializer asks the system's clock; with our own we sign the expiry ourselves.
        self._links = URLSafeSerializer(self.key("sign-in link"), salt="floormic sign-in link")

    def key(self, purpose: str) -> bytes:
        """A key derived from the secret, another one for each purpose."""
        return hmac.new(self._secret, purpose.encode(), hashlib.sha256).digest()

    # -- links ---------------------------------------------------------------------------------------------------------

    def link(self, role: str, name: str, session: str = "", valid_seconds: float = DAY) -> str:
        """The token of a one-use link (`/signin/<token>`). `session` "": every session."""
        if role not in STAFF:
            raise BadInput(f"there is no role {role!r} to sign in with; there are {', '.join(STAFF)}")
        once = secrets.token_urlsafe(16)
        return str(self._links.dumps([name, role, session, self._now() + valid_seconds, once]))

    def invitation(self, token: str) -> Invitation | None:
        """What a link that we signed promises; None where we did not sign it or its time is over."""
        try:
            name, role, session, expires_at, _ = self._links.loads(token)
            found = Invitation("", (Grant(str(role), str(session)),), str(name), float(expires_at))
        except (BadSignature, ValueError, TypeError):
            return None
        return found if found.expires_at > self._now() else None

    async def promised(self, token: str) -> Invitation | None:
        """What any link promises, as long as it is good; does not use it up."""
        return self.invitation(token) or await self._accounts.invitation(hashed(token), self._now())

    async def invite(
        self, grants: Sequence[Grant], name: str, valid_seconds: float, by: Actor, *, person: str = ""
    ) -> tuple[str, Invitation]:
        """A new invitation and its token, which is not kept. `person`: it signs this one in on a further device."""
        token, now = secrets.token_urlsafe(24), self._now()
        made = Invitation(secrets.token_hex(8), tuple(grants), name, now + valid_seconds, person, by.name, now)
        return token, await self._accounts.invite(hashed(token), made, by, now)

    async def enter(self, token: str, *, name: str = "", password: str = "", device: str = "") -> str | None:
        """Use the link up and open a login; the new login token, None where the link is not good (any more).

        `name` "": as the link names them; `password` is one that is to be set. Raises `NotAllowed` where a link that
        we signed was used before.
        """
        promise = self.invitation(token)
        if promise is None and await self._accounts.invitation(hashed(token), self._now()) is None:
            return None  # before the costly hash
        kept = await self.passwords.hash(password) if password else ""
        fresh = self._fresh(device)
        entry = Entry(hashed(token), name, kept, fresh[1], promise)
        if await self._accounts.admit(entry, self._now()) is None:
            if promise is not None:
                raise NotAllowed("this sign-in link was used already")
            return None
        return fresh[0]

    # -- passwords -----------------------------------------------------------------------------------------------------

    async def enter_as(self, name: str, password: str, device: str = "") -> str | None:
        """Open a login with a name and a password; None where they do not belong together, whatever the reason."""
        person, kept = await self._accounts.password_of(name_key(name)) or ("", "")
        if not await self.passwords.right(kept, password):
            return None
        token, opened = self._fresh(device)
        return token if await self._accounts.open_login(person, opened, self._now()) else None

    async def knows_password(self, login: Login, password: str) -> bool:
        """Is it this person's? Where they have none, the empty one is."""
        _, kept = await self._accounts.password_of(name_key(login.name)) or ("", "")
        return await self.passwords.right(kept, password) or not (kept or password)

    async def change_password(self, login: Login, password: str) -> None:
        """Sets it and ends the person's other logins."""
        kept = await self.passwords.hash(password)
        by = Actor(login.person, login.name)
        await self._accounts.set_password(login.person, kept, by, self._now(), but=login.id)

    # -- logins --------------------------------------------------------------------------------------------------------

    async def login(self, token: str, *, using: bool = True) -> Login | None:
        """The login behind a token, while it lasts; `using` notes that it was used."""
        now = self._now()
        found = await self._accounts.login(hashed(token), now)
        if found and using and now - found.used_at >= NOTED_EVERY:
            with suppress(StoreError):  # it can be read though the disk is full, and people must go on
                await self._accounts.used(hashed(token), now)
        return found

    async def leave(self, token: str) -> None:
        await self._accounts.close_login(hashed(token))

    def _fresh(self, device: str) -> tuple[str, Device]:
        token = secrets.token_urlsafe(32)
        return token, Device(hashed(token), device, self._now() + self._stays)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
