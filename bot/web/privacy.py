"""What is known of somebody in the audience, to be downloaded or erased: by themselves, or by an organiser."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from bot.accounts import Actor
from bot.errors import BadInput, NotFound
from bot.handover import to_html, to_json
from bot.model import Known, Person
from bot.web.api import reply
from bot.web.reading import read_body
from bot.web.routes import API, Parameter, Route
from bot.web.schemas import Body, Reply
from bot.web.site import CALLER, Site
from bot.web.texts import say

CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
FOUND = 50
FORMAT = Parameter("format", "the file's format", {"type": "string", "enum": ["json", "html"], "default": "json"})
NAME = Parameter("name", "part of a name, or a whole id", {"type": "string", "maxLength": 200})
SOURCE = Parameter("source", "the person's chat", {"type": "string", "maxLength": 200})
ID = Parameter("id", "the person's id there", {"type": "string", "maxLength": 500})


class AudienceOut(Reply):
    """Somebody of the audience; `at`: when they wrote last."""

    source: str
    id: str
    name: str
    messages: int
    at: float


class FoundOut(Reply):
    persons: list[AudienceOut]


class ForgottenOut(Reply):
    """How many persons (one human on several chats is several) and messages are counts alone now."""

    persons: int
    messages: int


class PersonBody(Body):
    source: str = Field(min_length=1, max_length=200)
    id: str = Field(min_length=1, max_length=500)


class ForgetMeBody(Body):
    """`sure` says that it is meant: it cannot be undone."""

    sure: Literal[True]


class Privacy:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        mine = API + "/sessions/{session}/me/data"
        return [
            Route(
                "GET",
                mine,
                "viewer",
                self.mine,
                "Everything that is kept of me, in every talk and on every chat I linked",
                reply="application/octet-stream",
                parameters=[FORMAT],
            ),
            Route(
                "DELETE",
                mine,
                "viewer",
                self.forget_me,
                "Forget me, in every talk and on every chat I linked: what I said stays as counts alone",
                body=ForgetMeBody,
                reply=ForgottenOut,
            ),
            Route(
                "GET",
                API + "/audience",
                "organiser",
                self.find,
                f"Persons of the audience by name or id, at most {FOUND}",
                reply=FoundOut,
                parameters=[NAME],
            ),
            Route(
                "GET",
                API + "/audience/data",
                "organiser",
                self.theirs,
                "Everything that is kept of a person of the audience",
                reply="application/octet-stream",
                parameters=[SOURCE, ID, FORMAT],
            ),
            Route(
                "DELETE",
                API + "/audience/data",
                "organiser",
                self.forget,
                "Forget a person of the audience: what they said stays as counts alone",
                body=PersonBody,
                reply=ForgottenOut,
            ),
        ]

    async def mine(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        person = site.take_as(caller, "votes").person
        return _file(await site.store.known(person), request)

    async def forget_me(self, request: web.Request) -> web.Response:
        """Afterwards this device is somebody new."""
        site, caller = self._site, request[CALLER]
        await read_body(request, ForgetMeBody)
        person = site.take_as(caller, "votes").person
        answer = await self._forget(person, None)
        site.greet(caller, site.participants.new())
        return answer

    async def find(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "").strip()[:200]
        found = await self._site.store.whoever(name, FOUND) if name else []
        return reply(
            FoundOut(
                persons=[
                    AudienceOut(source=one.source, id=one.id, name=one.name, messages=messages, at=at)
                    for one, messages, at in found
                ]
            )
        )

    async def theirs(self, request: web.Request) -> web.Response:
        person = Person(request.query.get("source", ""), request.query.get("id", ""))
        known = await self._site.store.known(person)
        if not known.anything:
            raise NotFound(say(request[CALLER].lang, "nobody_known"))
        return _file(known, request)

    async def forget(self, request: web.Request) -> web.Response:
        body = await read_body(request, PersonBody)
        person = Person(body.source, body.id)
        if not (await self._site.store.known(person)).anything:
            raise NotFound(say(request[CALLER].lang, "nobody_known"))
        return await self._forget(person, request[CALLER].actor)

    async def _forget(self, person: Person, by: Actor | None) -> web.Response:
        done = await self._site.store.forget(person, by, self._site.now())
        await self._site.forgotten()
        return reply(ForgottenOut(persons=done.persons, messages=done.messages))


def _file(known: Known, request: web.Request) -> web.Response:
    lang, kind = request[CALLER].lang, request.query.get("format", "json")
    if kind not in {"json", "html"}:
        raise BadInput(say(lang, "bad_format", formats="json, html"))
    body = to_json(known) if kind == "json" else to_html(known, lang)
    content_type = "application/json" if kind == "json" else "text/html"
    headers = {"Content-Security-Policy": CSP, "Content-Disposition": f'attachment; filename="floormic-data.{kind}"'}
    return web.Response(text=body, content_type=content_type, charset="utf-8", headers=headers)
