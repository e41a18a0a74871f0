"""What organisers do with people: who is here with which role, inviting, changing and ending roles, the ledger."""

import segno
from aiohttp import web
from pydantic import TypeAdapter

from bot.accounts import Account, Deed, Grant, Invitation
from bot.errors import BadInput
from bot.web.account_schemas import (
    DeedOut,
    EndedOut,
    GrantBody,
    GrantOut,
    InvitationOut,
    InviteBody,
    LinkOut,
    PeopleOut,
    PersonOut,
    TakeBody,
)
from bot.web.api import reply
from bot.web.reading import read_account_name, read_body
from bot.web.rendering import page_response, public_url
from bot.web.routes import API, Route
from bot.web.site import CALLER, Caller, Site
from bot.web.texts import say

LEDGER_LENGTH = 500
FURTHEST = 10 * 366 * 86_400.0
"""Seconds until the latest end of a role."""
HOURS = 24.0
"""How long a link for a further device is good."""
DEEDS = TypeAdapter(list[DeedOut])


class People:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        people, person = API + "/people", API + "/people/{person}"
        return [
            Route("GET", "/people", "organiser", self.page, "People, roles and invitations", kind="page"),
            Route("GET", people, "organiser", self.people, "Everybody, and the open invitations", reply=PeopleOut),
            Route(
                "GET",
                people + "/ledger",
                "organiser",
                self.ledger,
                f"Who did what to whom, the newest first, at most {LEDGER_LENGTH}",
                reply=list[DeedOut],
            ),
            Route(
                "POST",
                people + "/invitations",
                "organiser",
                self.invite,
                "A one-use link for a role; shown once",
                body=InviteBody,
                reply=LinkOut,
                status=201,
            ),
            Route(
                "DELETE",
                people + "/invitations/{invitation}",
                "organiser",
                self.revoke,
                "The link is good no more",
                reply=PeopleOut,
            ),
            Route(
                "POST",
                person + "/link",
                "organiser",
                self.link,
                "A one-use link with which this person signs in on a further device, or sets a new password",
                reply=LinkOut,
                status=201,
            ),
            Route(
                "PUT",
                person + "/roles",
                "organiser",
                self.give,
                "Give a role, in the place of what the person had in that session",
                body=GrantBody,
                reply=PeopleOut,
            ),
            Route(
                "DELETE", person + "/roles", "organiser", self.take, "Take a role away", body=TakeBody, reply=PeopleOut
            ),
            Route("DELETE", person + "/logins", "organiser", self.sign_out, "Sign out on every device", reply=EndedOut),
            Route("DELETE", person, "organiser", self.remove, "Remove, with roles and logins", reply=PeopleOut),
        ]

    async def page(self, request: web.Request) -> web.Response:
        return page_response(self._site, request[CALLER], "people.html", {})

    async def people(self, request: web.Request) -> web.Response:
        return await self._now(request[CALLER])

    async def ledger(self, request: web.Request) -> web.Response:
        now = self._site.now()
        rows = [_deed(deed, now) for deed in await self._site.store.deeds(LEDGER_LENGTH)]
        return web.json_response(body=DEEDS.dump_json(rows))

    async def invite(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, InviteBody)
        name = read_account_name(body.name, caller.lang) if body.name.strip() else ""
        sessions = list(dict.fromkeys(body.sessions)) or [""]
        grants = [await self._grant(caller, body.role, session, body.until) for session in sessions]
        token, made = await self._site.sign_in.invite(grants, name, body.hours * 3600, caller.actor)
        return self._link(caller, token, made)

    async def link(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        person = await self._site.store.person(request.match_info["person"], self._site.now())
        token, made = await self._site.sign_in.invite([], "", HOURS * 3600, caller.actor, person=person.id)
        return self._link(caller, token, made)

    async def revoke(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        await self._site.store.revoke(request.match_info["invitation"], caller.actor, self._site.now())
        return await self._now(caller)

    async def give(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, GrantBody)
        grant = await self._grant(caller, body.role, body.session, body.until)
        await self._site.store.give_role(request.match_info["person"], grant, caller.actor, grant.since)
        return await self._now(caller)

    async def take(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, TakeBody)
        person = request.match_info["person"]
        await self._site.store.take_role(person, body.session, caller.actor, self._site.now())
        return await self._now(caller)

    async def sign_out(self, request: web.Request) -> web.Response:
        person = request.match_info["person"]
        ended = await self._site.store.sign_out(person, request[CALLER].actor, self._site.now())
        return reply(EndedOut(ended=ended))

    async def remove(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        await self._site.store.remove_person(request.match_info["person"], caller.actor, self._site.now())
        return await self._now(caller)

    async def _grant(self, caller: Caller, role: str, session: str, until: float | None) -> Grant:
        """Raises `NotFound` for a session that is not there, `BadInput` for an end that makes no sense."""
        now = self._site.now()
        if session:
            await self._site.session(session, caller.lang)
        if until is not None and not now < until < now + FURTHEST:
            raise BadInput(say(caller.lang, "until_past" if until <= now else "until_far"))
        return Grant(role, session, until, now)

    async def _now(self, caller: Caller) -> web.Response:
        """Everybody, as it is after an act: also after one with which the caller lost what it takes to see it."""
        store, now = self._site.store, self._site.now()
        people = [_person(account, caller, now) for account in await store.people(now)]
        opened = [_invitation(one, now) for one in await store.invitations(now)]
        return reply(PeopleOut(people=people, invitations=opened))

    def _link(self, caller: Caller, token: str, made: Invitation) -> web.Response:
        link = f"{public_url(self._site, caller)}/signin/{token}"
        qr = segno.make(link, micro=False).svg_data_uri(border=2, light="#fff", omitsize=True)
        return reply(LinkOut(invitation=made.id, link=link, qr=qr, expires_at=made.expires_at), status=201)


def grants_out(grants: tuple[Grant, ...], now: float) -> list[GrantOut]:
    return [
        GrantOut(
            role=grant.role,
            session=grant.session,
            since=grant.since,
            until=grant.until,
            holds=grant.holds(grant.session, now),
        )
        for grant in grants
    ]


def _person(account: Account, caller: Caller, now: float) -> PersonOut:
    return PersonOut(
        id=account.id,
        name=account.name,
        me=account.id == caller.me.person,
        password=account.password,
        roles=grants_out(account.grants, now),
        logins=account.logins,
        seen_at=account.seen_at,
    )


def _invitation(one: Invitation, now: float) -> InvitationOut:
    return InvitationOut(
        id=one.id,
        name=one.name,
        person=one.person,
        roles=grants_out(one.grants, now),
        made_by=one.made_by,
        made_at=one.made_at,
        expires_at=one.expires_at,
    )


def _deed(deed: Deed, now: float) -> DeedOut:
    return DeedOut(
        id=deed.id,
        at=deed.at,
        who=deed.who,
        what=deed.what,  # type: ignore[arg-type]  # checked by pydantic
        whom=deed.whom,
        roles=grants_out(deed.grants, now),
    )
