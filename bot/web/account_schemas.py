"""The JSON of accounts, roles and invitations. All times are Unix seconds (UTC)."""

from typing import Annotated, Literal

from pydantic import Field

from bot.web.schemas import Body, Reply

StaffRole = Literal["speaker", "expert", "moderator", "organiser"]
SessionOrAll = Annotated[str, Field(max_length=100, description='a session\'s id; "": every session')]
Until = Annotated[float | None, Field(description="when the role ends; null: never", allow_inf_nan=False)]
DeedName = Literal[
    "invite",
    "link",
    "revoke",
    "join",
    "enter",
    "give",
    "take",
    "remove",
    "sign_out",
    "rename",
    "password",
    "forget",
    "feed",
]


class GrantOut(Reply):
    """A role; `holds` is false where it has ended."""

    role: str
    session: str
    since: float
    until: float | None
    holds: bool


class PersonOut(Reply):
    """`password`: there is one. `logins`: on how many devices they are signed in; `seen_at`: when one was used last."""

    id: str
    name: str
    me: bool
    password: bool
    roles: list[GrantOut]
    logins: int
    seen_at: float | None


class InvitationOut(Reply):
    """A one-use link that nobody has used. `person`: it is for a further device of somebody who is there."""

    id: str
    name: str
    person: str
    roles: list[GrantOut]
    made_by: str
    made_at: float
    expires_at: float


class PeopleOut(Reply):
    people: list[PersonOut]
    invitations: list[InvitationOut]


class InviteBody(Body):
    """`sessions` [] is every session. The link can be used once, within `hours`."""

    role: StaffRole
    sessions: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50, default_factory=list)
    ]
    until: Until = None
    name: str = Field("", max_length=1000, description="who it is for; they can change it")
    hours: float = Field(24.0, gt=0, le=720, allow_inf_nan=False)


class LinkOut(Reply):
    """Shown once: only its hash is kept. `qr` is an SVG as a data address."""

    invitation: str
    link: str
    qr: str
    expires_at: float


class GrantBody(Body):
    role: StaffRole
    session: SessionOrAll = ""
    until: Until = None


class TakeBody(Body):
    session: SessionOrAll = ""


class DeedOut(Reply):
    """Names are as they were then."""

    id: int
    at: float
    who: str
    what: DeedName
    whom: str
    roles: list[GrantOut]


class LoginOut(Reply):
    """`here`: the device that asks."""

    id: str
    device: str
    since: float
    used_at: float
    expires_at: float
    here: bool


class AccountOut(Reply):
    id: str
    name: str
    password: bool
    roles: list[GrantOut]
    logins: list[LoginOut]


class SignInBody(Body):
    name: str
    password: str


class EnterBody(Body):
    """`name`: how you want to be called; `password`: one that you want to have, for other devices."""

    token: str
    name: str = ""
    password: str = ""


class NameBody(Body):
    name: str


class PasswordBody(Body):
    """`old` is "" where there is none yet."""

    old: str = ""
    new: str


class EndedOut(Reply):
    """How many logins were ended."""

    ended: int
