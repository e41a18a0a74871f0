"""Who may do what: persons with accounts, their roles, invitations and logins, as values."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

ROLES = ("viewer", "speaker", "expert", "moderator", "organiser")
"""From the least to the most; where several are held the last one counts."""

_CARRIED = {
    "viewer": {"viewer"},
    "speaker": {"viewer", "speaker"},
    "expert": {"viewer", "expert"},
    "moderator": {"viewer", "speaker", "expert", "moderator"},
    "organiser": set(ROLES),
}
"""Whose rights a role has. Speakers work the stage and see what viewers see; experts see the queue, not the remote."""

STAFF = ROLES[1:]
"""The roles that one is given."""

LONGEST_NAME = 60

# Fillers and blanks that are letters to Unicode and nothing to the eye.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
_INVISIBLE = re.compile(f"[{_BLANK}]")
_TAKEN = {"course"}
"""Names that mean something beside an answer and are nobody's."""
_FROM_CHAT = re.compile(r" [·•‧∙⋅・] [a-z0-9][a-z0-9_-]*$")
"""How the names end under which people act from a chat (`from_chat`), and what looks like it. A source's name is in
small letters; people have their institute's there."""


def at_least(role: str, least: str) -> bool:
    """Does `role` carry the rights of `least`? An unknown role carries none."""
    return least in _CARRIED.get(role, ())


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in one session, or ("") in every one; `until` (Unix seconds) it ends, None: never."""

    role: str
    session: str = ""
    until: float | None = None
    since: float = 0.0

    def holds(self, session: str, now: float) -> bool:
        """Does it count in `session` ("": outside of any) now?"""
        return self.session in {"", session} and (self.until is None or now < self.until)


def role_of(grants: Iterable[Grant], session: str, now: float) -> str:
    """The greatest role that counts in `session` ("": outside of any, where only those for all sessions do)."""
    held = [grant.role for grant in grants if grant.role in ROLES and grant.holds(session, now)]
    return max(held, key=ROLES.index, default="viewer")


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in. `logins` counts the devices that are signed in, `seen_at` is when one was used last."""

    id: str
    name: str
    password: bool
    at: float
    grants: tuple[Grant, ...] = ()
    logins: int = 0
    seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """One device on which a person is signed in; `grants` are all that the person has, ended ones too."""

    id: str
    person: str
    name: str
    device: str
    since: float
    used_at: float
    expires_at: float
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """A login that is to be opened. `token_hash` is what its cookie is known by."""

    token_hash: str
    name: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a one-use link promises. `person`: it signs in somebody who is there; "": it makes somebody new.

    `name`: who it is meant for, as far as that was said. `id` is "" where the link itself carries the promise.
    """

    id: str
    grants: tuple[Grant, ...]
    name: str
    expires_at: float
    person: str = ""
    made_by: str = ""
    made_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody comes in with a link. `promise` is what the link says where it is not kept in the store.

    `name` "": as the link names them. `password` is the hash of a new one, "" for none.
    """

    token_hash: str
    name: str
    password: str
    device: Device
    promise: Invitation | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something to persons: the account and its name now."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Deed:
    """One row of the ledger about persons: who did what to whom. Names are as they were then."""

    id: int
    at: float
    who: str
    what: str
    whom: str
    grants: tuple[Grant, ...] = ()


def name_key(name: str) -> str:
    """What two names that look the same have in common; "" where there is nothing to see."""
    key = _seen(unicodedata.normalize("NFKC", name).casefold())
    return key if any(unicodedata.category(c)[0] in "LNSP" for c in key) else ""


def may_be_called(name: str) -> bool:
    """Is this a name that means nobody and nothing yet by itself?"""
    return name_key(name) not in _TAKEN and not _FROM_CHAT.search(_seen(name))


def _seen(text: str) -> str:
    """As it is seen: of each sign its plain form, nothing that cannot be seen."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    seen = (c for c in plain if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return " ".join("".join(seen).split())


def from_chat(name: str, source: str) -> str:
    """What somebody is called who acts from a chat, under the name that they have there: no account's, and not the
    course's."""
    return f"{name} · {source}"
