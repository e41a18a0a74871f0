"""Signing in and out, and one's own account: name, password, the devices on which one is signed in."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from bot.accounts import Invitation, Login, at_least, role_of
from bot.errors import BadInput, Conflict, FloormicError, NotAllowed
from bot.web.account_schemas import (
    AccountOut,
    EndedOut,
    EnterBody,
    LoginOut,
    NameBody,
    PasswordBody,
    SignInBody,
)
from bot.web.api import reply
from bot.web.failures import failure_of
from bot.web.guards import drop_login_cookie, set_login_cookie
from bot.web.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from bot.web.people import grants_out
from bot.web.reading import clean, read_account_name, read_body, read_password
from bot.web.rendering import page_response
from bot.web.routes import API, Route
from bot.web.site import CALLER, Caller, Site
from bot.web.texts import say

LONGEST_DEVICE = 60
LONGEST_TYPED = 1000  # of a name that somebody signs in with


class Account:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        account = API + "/account"
        return [
            _page("GET", "/signin", self.sign_in_page, "Sign in with a name and a password"),
            _page("POST", "/signin", self.sign_in_form, "Sign in with a name and a password"),
            _page("GET", "/signin/{token}", self.offer, "A sign-in link; opening it does not use it up"),
            _page("POST", "/signin/{token}", self.enter_form, "Use the sign-in link"),
            _page("POST", "/signout", self.leave_form, "Sign out"),
            _page("POST", "/signout/everywhere", self.leave_everywhere, "Sign out on every device", signed_in=True),
            _page("GET", "/account", self.page, "Name, password and devices", signed_in=True),
            Route(
                "POST",
                API + "/signin",
                "viewer",
                self.sign_in,
                "Sign in with a name and a password; sets the cookie",
                body=SignInBody,
                reply=AccountOut,
            ),
            Route(
                "POST",
                API + "/signin/link",
                "viewer",
                self.enter,
                "Use a sign-in link up, by the part after /signin/; sets the cookie",
                body=EnterBody,
                reply=AccountOut,
            ),
            Route("POST", API + "/signout", "viewer", self.leave, "Sign out on this device", reply=EndedOut),
            Route("GET", account, "viewer", self.account, "Who I am", reply=AccountOut, signed_in=True),
            Route(
                "PUT",
                account + "/name",
                "viewer",
                self.rename,
                "Take another name",
                body=NameBody,
                reply=AccountOut,
                signed_in=True,
            ),
            Route(
                "PUT",
                account + "/password",
                "viewer",
                self.set_password,
                "Set or change my password; signs me out on every other device",
                body=PasswordBody,
                reply=AccountOut,
                signed_in=True,
            ),
            Route(
                "DELETE",
                account + "/logins",
                "viewer",
                self.leave_elsewhere,
                "Sign out on every other device",
                reply=EndedOut,
                signed_in=True,
            ),
            Route(
                "DELETE",
                account + "/logins/{login}",
                "viewer",
                self.end_login,
                "Sign out on one of my devices",
                reply=EndedOut,
                signed_in=True,
            ),
        ]

    # -- signing in ----------------------------------------------------------------------------------------------------

    async def sign_in_page(self, request: web.Request) -> web.Response:
        return self._signin_page(request[CALLER], {})

    async def sign_in_form(self, request: web.Request) -> web.Response:
        """Without a script: what was typed is shown again beside what is wrong with it."""
        caller, fields = request[CALLER], await _form(request)
        try:
            fresh = await self._with_password(request, fields.get("name", ""), fields.get("password", ""))
        except BadInput as error:
            return self._again(caller, error, {"name": clean(fields.get("name", ""))[:200]})
        return await self._in(request, fresh)

    async def sign_in(self, request: web.Request) -> web.Response:
        body = await read_body(request, SignInBody)
        return await self._in_by_api(request[CALLER], await self._with_password(request, body.name, body.password))

    async def offer(self, request: web.Request) -> web.Response:
        """One button: link previews and prefetching must not use the link up."""
        caller = request[CALLER]
        promise = await self._promised(caller, request.match_info["token"])
        return self._signin_page(caller, _link_page(promise, await self._titles()))

    async def enter_form(self, request: web.Request) -> web.Response:
        caller, fields = request[CALLER], await _form(request)
        token = request.match_info["token"]
        promise = await self._promised(caller, token)
        try:
            fresh = await self._with_link(
                request, token, promise, fields.get("name", promise.name), fields.get("password", "")
            )
        except BadInput as error:  # the link is still good
            typed = {"name": clean(fields.get("name", ""))[:200]} if not promise.person else {}
            return self._again(caller, error, {**_link_page(promise, await self._titles()), **typed})
        return await self._in(request, fresh)

    async def enter(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, EnterBody)
        promise = await self._promised(caller, body.token)
        fresh = await self._with_link(request, body.token, promise, body.name or promise.name, body.password)
        return await self._in_by_api(caller, fresh)

    async def _promised(self, caller: Caller, token: str) -> Invitation:
        """Raises `NotAllowed` for a link that is no good, which counts as a guess."""
        self._site.may_guess(caller)
        found = await self._site.sign_in.promised(token)
        if found is None:
            self._site.guessed_wrong(caller)
            raise NotAllowed(say(caller.lang, "bad_link"))
        return found

    async def _with_link(self, request: web.Request, token: str, promise: Invitation, name: str, password: str) -> str:
        """The new login's token. Raises `BadInput` while the link is still good, `NotAllowed` where it is not."""
        site, caller = self._site, request[CALLER]
        name = "" if promise.person else read_account_name(name, caller.lang, given=promise.name)
        if password:
            read_password(password, name or promise.name, caller.lang)
        try:
            fresh = await site.sign_in.enter(token, name=name, password=password, device=_device(request))
        except NotAllowed as error:
            site.guessed_wrong(caller)
            raise NotAllowed(say(caller.lang, "used_link")) from error
        if fresh is None:
            site.guessed_wrong(caller)
            raise NotAllowed(say(caller.lang, "bad_link"))
        return fresh

    async def _with_password(self, request: web.Request, name: str, password: str) -> str:
        """The new login's token. The answer is the same for a name that nobody has and for a wrong password."""
        site, caller = self._site, request[CALLER]
        name = name[:LONGEST_TYPED]  # before it is counted: what follows would make a bucket of its own each time
        tried = site.try_password(caller, name)
        fresh = await site.sign_in.enter_as(name, password, _device(request))
        if fresh is None:
            raise BadInput(say(caller.lang, "wrong_password"))
        tried.right()
        return fresh

    async def _in(self, request: web.Request, fresh: str) -> web.Response:
        login = await self._begun(request[CALLER], fresh)
        response = web.Response(status=303, headers={"Location": _home(login, self._site.now())})
        set_login_cookie(self._site, response, fresh)
        return response

    async def _in_by_api(self, caller: Caller, fresh: str) -> web.Response:
        caller.login, caller.login_token = await self._begun(caller, fresh), fresh
        response = await self._account(caller)
        set_login_cookie(self._site, response, fresh)
        return response

    async def _begun(self, caller: Caller, fresh: str) -> Login:
        if caller.login_token:  # what was signed in here before ends now
            await self._site.sign_in.leave(caller.login_token)
        login = await self._site.sign_in.login(fresh)
        if login is None:  # ended within the same moment
            raise NotAllowed(say(caller.lang, "signed_out"))
        return login

    async def _titles(self) -> dict[str, str]:
        return {session.id: session.title for session in await self._site.store.sessions()}

    def _signin_page(self, caller: Caller, page: dict[str, object]) -> web.Response:
        bounds = {"shortest_password": SHORTEST_PASSWORD, "longest_password": LONGEST_PASSWORD}
        return page_response(
            self._site, caller, "signin.html", {"link": None, "name": "", "error": "", **bounds, **page}
        )

    def _again(self, caller: Caller, error: FloormicError, page: dict[str, object]) -> web.Response:
        failure = failure_of(error, caller.lang)
        response = self._signin_page(caller, {**page, "error": failure.text})
        response.set_status(failure.status)
        response.headers.update(failure.headers)
        return response

    # -- signing out ---------------------------------------------------------------------------------------------------

    async def leave_form(self, request: web.Request) -> web.Response:
        await self._left(request[CALLER])
        return self._out()

    async def leave(self, request: web.Request) -> web.Response:
        response = reply(EndedOut(ended=await self._left(request[CALLER])))
        drop_login_cookie(self._site, response)
        return response

    async def leave_everywhere(self, request: web.Request) -> web.Response:
        await self._site.store.close_logins(request[CALLER].me.person)
        return self._out()

    async def leave_elsewhere(self, request: web.Request) -> web.Response:
        me = request[CALLER].me
        return reply(EndedOut(ended=await self._site.store.close_logins(me.person, but=me.id)))

    async def end_login(self, request: web.Request) -> web.Response:
        ended = await self._site.store.close_logins(request[CALLER].me.person, only=request.match_info["login"])
        return reply(EndedOut(ended=ended))

    async def _left(self, caller: Caller) -> int:
        if not caller.login_token:
            return 0
        await self._site.sign_in.leave(caller.login_token)
        return 1 if caller.login else 0

    def _out(self) -> web.Response:
        response = web.Response(status=303, headers={"Location": "/"})
        drop_login_cookie(self._site, response)
        return response

    # -- the account ---------------------------------------------------------------------------------------------------

    async def page(self, request: web.Request) -> web.Response:
        bounds = {"shortest_password": SHORTEST_PASSWORD, "longest_password": LONGEST_PASSWORD}
        return page_response(self._site, request[CALLER], "account.html", bounds)

    async def account(self, request: web.Request) -> web.Response:
        return await self._account(request[CALLER])

    async def rename(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        name = read_account_name((await read_body(request, NameBody)).name, caller.lang, given=caller.who)
        try:
            await site.store.rename(caller.me.person, name, caller.actor, site.now())
        except Conflict as error:
            raise BadInput(say(caller.lang, "name_taken")) from error
        return await self._account(caller)

    async def set_password(self, request: web.Request) -> web.Response:
        site, caller, body = self._site, request[CALLER], await read_body(request, PasswordBody)
        read_password(body.new, caller.who, caller.lang)
        tried = site.try_password(caller, caller.who)
        if not await site.sign_in.knows_password(caller.me, body.old):
            raise BadInput(say(caller.lang, "wrong_old_password"))
        tried.right()
        await site.sign_in.change_password(caller.me, body.new)
        return await self._account(caller)

    async def _account(self, caller: Caller) -> web.Response:
        store, now, me = self._site.store, self._site.now(), caller.me
        found = await store.person(me.person, now)
        logins = [
            LoginOut(
                id=one.id,
                device=one.device,
                since=one.since,
                used_at=one.used_at,
                expires_at=one.expires_at,
                here=one.id == me.id,
            )
            for one in await store.logins(me.person, now)
        ]
        roles = grants_out(found.grants, now)
        return reply(AccountOut(id=found.id, name=found.name, password=found.password, roles=roles, logins=logins))


def _page(method: str, path: str, handler: object, summary: str, *, signed_in: bool = False) -> Route:
    return Route(method, path, "viewer", handler, summary, kind="page", signed_in=signed_in)  # type: ignore[arg-type]


def _link_page(promise: Invitation, titles: Mapping[str, str]) -> dict[str, object]:
    """What the page of a link shows of it."""
    roles = [
        {"role": grant.role, "session": grant.session, "title": titles.get(grant.session, ""), "until": grant.until}
        for grant in promise.grants
    ]
    return {"link": {"roles": roles, "known": bool(promise.person)}, "name": promise.name}


def _home(login: Login, now: float) -> str:
    """Where somebody goes who has just signed in: to work in their session where there is one, else to the list.
    Experts answer what is open; the board is one tap from there."""
    sessions = {grant.session for grant in login.grants}
    one = sessions.pop() if len(sessions) == 1 else ""
    role = role_of(login.grants, one, now)
    page = "experts" if role == "expert" else "board" if at_least(role, "expert") else "remote"
    return f"/s/{quote(one, safe='')}/{page}" if one else "/"


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form; none where the body is no form. Raises `BadInput` where it cannot be read."""
    try:
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    except (ValueError, LookupError) as error:  # bytes that are no text, or an encoding that nobody knows
        raise BadInput(say(request[CALLER].lang, "bad_request")) from error


_PROGRAMS = (
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrom", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def _device(request: web.Request) -> str:
    """What a person knows a device by: "Firefox, Windows". It is only shown; nothing follows from it."""
    agent = request.headers.get("User-Agent", "")
    known = [next((name for sign, name in names if sign in agent), "") for names in (_PROGRAMS, _SYSTEMS)]
    said = ", ".join(filter(None, known)) or re.split(r"[/ (]", agent, maxsplit=1)[0]
    return clean(said)[:LONGEST_DEVICE]
