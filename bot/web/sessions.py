"""Sessions over HTTP: how they are set, changed while live."""

from typing import Any

from aiohttp import web

from bot.errors import BadInput, NotAllowed
from bot.live import Told
from bot.model import Session, SettingValue
from bot.sessions import MODERATORS, SETTINGS
from bot.web.api import reply
from bot.web.reading import clean, read_body
from bot.web.rendering import session_now, session_out
from bot.web.routes import API, Route
from bot.web.schemas import SessionBody, SessionChanged
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, Site
from bot.web.texts import say

TOPIC = "session"
"""Tells how a session is set, whole, to everybody who watches it."""


def may_set(role: str) -> frozenset[str]:
    """The settings that a role may change."""
    if at_least(role, "organiser"):
        return SETTINGS
    return MODERATORS if at_least(role, "moderator") else frozenset()


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
                "Set fields of the session; moderators its modes, review and ledger, organisers everything",
                body=SessionBody,
                reply=SessionChanged,
            ),
        ]

    async def change(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        body = await read_body(request, SessionBody)
        wanted = await self._wanted(body, caller)
        if refused := wanted.keys() - may_set(caller.role):
            raise NotAllowed(say(caller.lang, "organisers_set", fields=", ".join(sorted(refused))))
        action = await site.desk.set_up(caller.who, caller.here.id, wanted)
        session = await site.session(caller.here.id, caller.lang)
        return reply(SessionChanged(session=session_out(session, caller.role), action=action.id if action else None))

    async def _wanted(self, body: SessionBody, caller: Caller) -> dict[str, SettingValue]:
        """What was given, by the names of `Session`."""
        given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
        for name in ("title", "series", "speaker"):
            if name in given:
                given[name] = " ".join(clean(given[name]).split())
        if "title" in given and not given["title"]:
            raise BadInput(say(caller.lang, "no_title"))
        if "ended" in given:
            given["ended_at"] = (caller.here.ended_at or self._site.now()) if given.pop("ended") else None
        if "course_of" in given:
            given["course"] = await self._course(given.pop("course_of"), caller)
        return given

    async def _course(self, id: str | None, caller: Caller) -> str:
        """The course of another session, for a path never comes from a page."""
        return (await self._site.session(id, caller.lang)).course if id else ""

    async def _told(self, id: str) -> Told:
        session = next((s for s in await self._site.store.sessions() if s.id == id), Session(id, id))
        told = session_now(session).model_dump_json().encode()
        return Told(told, told)
