"""Sessions over HTTP: how they are set, changed while live."""

import logging
from dataclasses import asdict, replace
from typing import Any, Literal

from aiohttp import web

from bot.errors import BadInput, NotAllowed, NotFound
from bot.live import Told
from bot.model import Session, SettingValue
from bot.options import SLUG
from bot.sessions import MODERATORS, SETTINGS, id_for, next_evening, session_of
from bot.web.api import reply
from bot.web.guards import role_in
from bot.web.reading import clean, read_body
from bot.web.rendering import page_response, session_now, session_out
from bot.web.routes import API, Handler, Route
from bot.web.schemas import AgainBody, FeedBody, NewSessionBody, SessionBody, SessionChanged, SessionOut, SourcesOut
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, Site
from bot.web.source_json import sources_out
from bot.web.texts import say
from bot.web.tryout import TOPIC as TRIED

log = logging.getLogger(__name__)

TOPIC = "session"
"""Tells how a session is set, whole, to everybody who watches it."""


def may_set(role: str) -> frozenset[str]:
    """The settings that a role may change."""
    if at_least(role, "organiser"):
        return SETTINGS
    return MODERATORS if at_least(role, "moderator") else frozenset()


def _page(path: str, least: Literal["moderator", "organiser"], handler: Handler, summary: str) -> Route:
    return Route("GET", path, least, handler, summary, kind="page")


class Sessions:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        return [
            Route(
                "PATCH",
                API + "/sessions/{session}",
                "moderator",
                self.change,
                "Set fields of the session; moderators its modes, slow mode, review and ledger, organisers everything",
                body=SessionBody,
                reply=SessionChanged,
            ),
            Route(
                "POST",
                API + "/sessions",
                "organiser",
                self.open,
                "A new session",
                body=NewSessionBody,
                reply=SessionOut,
                status=201,
            ),
            Route(
                "POST",
                API + "/sessions/{session}/duplicate",
                "organiser",
                self.again,
                "The next evening like this one: the same series, course and modes",
                body=AgainBody,
                reply=SessionOut,
                status=201,
            ),
            Route(
                "PUT",
                API + "/sources/{source}",
                "organiser",
                self.feed,
                "What this source brings goes to another session from now on",
                body=FeedBody,
                reply=SourcesOut,
            ),
            _page("/sessions/new", "organiser", self.new_page, "Make a session"),
            _page(
                "/s/{session}/settings", "moderator", self.settings_page, "Everything that an evening is prepared with"
            ),
        ]

    async def open(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, NewSessionBody)
        given = {name: value for name, value in (await self._wanted(body, caller)).items() if value is not None}
        return await self._opened(caller, session_of({"id": "", **self._site.defaults, **given}))

    async def again(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, AgainBody)
        if not at_least(role_in(self._site, caller, ""), "organiser"):  # a session of its own is not theirs to make
            raise NotAllowed(say(caller.lang, "not_allowed"))
        given = {name: value for name, value in (await self._wanted(body, caller)).items() if value is not None}
        like = next_evening(caller.here, self._site.now(), self._site.zone)
        return await self._opened(caller, session_of({**asdict(like), "id": "", **given}))

    async def _opened(self, caller: Caller, session: Session) -> web.Response:
        """Open it; one without an id gets a free one."""
        site = self._site
        taken = {one.id for one in await site.store.sessions()}
        if not session.id:
            session = replace(session, id=id_for(session.title, session.starts_at or site.now(), taken, site.zone))
        elif not SLUG.fullmatch(session.id):
            raise BadInput(say(caller.lang, "bad_id"), "id")
        if session.id in taken:
            raise BadInput(say(caller.lang, "id_taken", id=session.id), "id")
        await site.desk.open_session(caller.who, session)
        return reply(session_out(session, caller.role), status=201)

    async def feed(self, request: web.Request) -> web.Response:
        site, caller, body = self._site, request[CALLER], await read_body(request, FeedBody)
        source = request.match_info["source"]
        if source not in site.configured:
            raise NotFound(say(caller.lang, "no_source", source=source))
        session = await site.session(body.session, caller.lang)
        log.info("what %s brings goes to %s from now on", source, session.id)  # by whom is in the ledger
        before = site.configured[source].session
        await site.feed(source, session.id, caller.actor)
        for id in {before, session.id}:
            site.live.changed(id, TRIED)
        return reply(sources_out(await site.sources_now(), site.configured, site.now()))

    async def new_page(self, request: web.Request) -> web.Response:
        return page_response(self._site, request[CALLER], "new.html", {"now": self._site.now()})

    async def settings_page(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        named = caller.here.id in await site.store.configured_sessions()
        origin = "file" if caller.here.id in site.in_file else "gone" if named else "page"
        return page_response(site, caller, "settings.html", {"origin": origin})

    async def change(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        body = await read_body(request, SessionBody)
        wanted = await self._wanted(body, caller)
        if refused := wanted.keys() - may_set(caller.role):
            raise NotAllowed(say(caller.lang, "organisers_set", fields=", ".join(sorted(refused))))
        action = await site.desk.set_up(caller.who, caller.here.id, wanted)
        session = await site.session(caller.here.id, caller.lang)
        return reply(SessionChanged(session=session_out(session, caller.role), action=action.id if action else None))

    async def _wanted(self, body: SessionBody | NewSessionBody | AgainBody, caller: Caller) -> dict[str, SettingValue]:
        """What was given, by the names of `Session`."""
        given: dict[str, Any] = {
            name: getattr(body, name) for name in type(body).model_fields if name in body.model_fields_set
        }
        for name in ("title", "series", "speaker"):
            if given.get(name) is not None:
                given[name] = " ".join(clean(given[name]).split())
        if given.get("title") == "":
            raise BadInput(say(caller.lang, "no_title"), "title")
        if "ended" in given:
            given["ended_at"] = (caller.here.ended_at or self._site.now()) if given.pop("ended") else None
        if given.get("series"):
            await self._require_series(given["series"], caller)
        if "course_of" in given:
            given["course"] = await self._course(given.pop("course_of"), caller)
        return given

    async def _require_series(self, name: str, caller: Caller) -> None:
        """Raises `NotAllowed` for a series of others: its evenings give each other's answers."""
        evenings = [one for one in await self._site.store.sessions() if one.series == name]
        if evenings and not any(self._organises(caller, one) for one in evenings):
            raise NotAllowed(say(caller.lang, "not_organised", what=name))

    async def _course(self, id: str | None, caller: Caller) -> str:
        """The course of a session that the caller organises too, for a path never comes from a page."""
        if not id:
            return ""
        origin = await self._site.session(id, caller.lang)
        if not self._organises(caller, origin):
            raise NotAllowed(say(caller.lang, "not_organised", what=origin.title))
        return origin.course

    def _organises(self, caller: Caller, session: Session) -> bool:
        return at_least(role_in(self._site, caller, session.id), "organiser")

    async def _told(self, id: str) -> Told:
        session = next((s for s in await self._site.store.sessions() if s.id == id), Session(id, id))
        told = session_now(session).model_dump_json().encode()
        return Told(told, told)
