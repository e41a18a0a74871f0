"""Polls and the pulse over the API, what watchers are told of them, and the page where staff makes them."""

from aiohttp import web

from bot.errors import BadInput, NoRole, NotAllowed, NotFound
from bot.live import Told
from bot.model import Mood, PollStatus
from bot.polls import POLLS, PULSE
from bot.web.api import reply
from bot.web.guards import role_in
from bot.web.poll_json import (
    PULSE_MINUTES,
    MyPollsOut,
    PollActBody,
    PollBody,
    PollCopyBody,
    PollEditBody,
    PollOut,
    PollVoteBody,
    PulseBody,
    PulseOut,
    PulseSwitchBody,
    poll_out,
    polls_out,
    pulse_out,
)
from bot.web.reading import read_body
from bot.web.rendering import page_response
from bot.web.routes import API, Route
from bot.web.schemas import ActionOut
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, Site
from bot.web.texts import say

NO_POLL = "there is no poll {}; it may have been removed"


class Polling:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(POLLS, self._tell_polls)
        site.live.add_topic(PULSE, self._tell_pulse)

    def routes(self) -> list[Route]:
        session = API + "/sessions/{session}"
        polls, poll, pulse = session + "/polls", session + "/polls/{poll}", session + "/pulse"
        return [
            Route("GET", polls, "viewer", self.polls, "The polls, and what I voted", reply=MyPollsOut),
            Route("POST", polls, "moderator", self.make, "Make a poll", body=PollBody, reply=PollOut, status=201),
            Route(
                "POST",
                polls + "/copies",
                "moderator",
                self.copy,
                "Copy polls of a session that I may see as staff, as drafts",
                body=PollCopyBody,
                reply=ActionOut,
            ),
            Route("PUT", poll, "moderator", self.edit, "Change what it asks", body=PollEditBody, reply=ActionOut),
            Route("DELETE", poll, "moderator", self.remove, "Remove it; undo brings it back", reply=ActionOut),
            Route(
                "POST",
                poll + "/actions",
                "speaker",
                self.act,
                "Close it, put it on the stage or take it off; moderators also start it (again) and mute a word",
                body=PollActBody,
                reply=ActionOut,
            ),
            Route(
                "PUT",
                poll + "/vote",
                "viewer",
                self.vote,
                "Vote; the last one counts",
                body=PollVoteBody,
                reply=PollOut,
            ),
            Route("DELETE", poll + "/vote", "viewer", self.unvote, "Take the vote back", reply=PollOut),
            Route(
                "GET", pulse, "viewer", self.pulse, "Whether the pulse is on; to staff also how it is", reply=PulseOut
            ),
            Route(
                "POST", pulse, "viewer", self.feel, "Say how the talk feels just now", body=PulseBody, reply=PulseOut
            ),
            Route(
                "PUT",
                pulse,
                "moderator",
                self.switch,
                "Switch the pulse on or off",
                body=PulseSwitchBody,
                reply=ActionOut,
            ),
            Route("GET", "/s/{session}/polls", "expert", self.page, "For making polls", kind="page"),
        ]

    # -- staff -----------------------------------------------------------------------------------------------------

    async def page(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        known = [
            one for one in await self._site.store.sessions() if at_least(role_in(self._site, caller, one.id), "expert")
        ]
        others = [{"id": one.id, "title": one.title} for one in known if one.id != caller.here.id]
        return page_response(self._site, caller, "polls.html", {"others": others})

    async def make(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, PollBody)
        made = await self._site.polls.make(caller.who, caller.here.id, body.wish())
        return reply(poll_out(made, staff=True), status=201)

    async def copy(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, PollCopyBody)
        origin = await self._site.session(body.session, caller.lang)
        if not at_least(role_in(self._site, caller, origin.id), "expert"):
            raise NotAllowed(say(caller.lang, "not_allowed"))
        action = await self._site.polls.copy(caller.who, caller.here.id, origin.id, body.polls)
        return reply(ActionOut(action=action.id))

    async def edit(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, PollEditBody)
        id, seen = request.match_info["poll"], body.seen.wish() if body.seen else None
        action = await self._site.polls.edit(caller.who, caller.here.id, id, body.wish(), seen)
        return reply(ActionOut(action=action.id))

    async def remove(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        action = await self._site.polls.remove(caller.who, caller.here.id, request.match_info["poll"])
        return reply(ActionOut(action=action.id))

    async def act(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, PollActBody)
        polls, to = self._site.polls, (caller.who, caller.here.id, request.match_info["poll"])
        self._site.in_time(caller, body.by)
        if not at_least(caller.role, "moderator"):
            await self._require_speakers(caller, body.do, to[2])
        if body.do in {"mute", "unmute"} and not body.key:
            raise BadInput(say(caller.lang, "bad_field", field="key", problem=f'"{body.do}" needs it'))
        match body.do:
            case "start":
                action = await polls.start(*to)
            case "close":
                action = await polls.close(*to)
            case "show" | "hide":
                action = await polls.show(*to, body.do == "show")
            case "mute" | "unmute":
                action = await polls.mute(*to, body.key, body.do == "mute")
        return reply(ActionOut(action=action.id))

    async def _require_speakers(self, caller: Caller, do: str, poll: str) -> None:
        """Raises `NoRole` for what speakers do not do, `NotFound` for a poll that they do not see."""
        if do not in {"close", "show", "hide"}:
            raise NoRole(say(caller.lang, "role_short"))
        if (await self._site.store.poll(poll)).state.status is PollStatus.DRAFT:
            raise NotFound(NO_POLL.format(poll))

    async def switch(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, PulseSwitchBody)
        action = await self._site.polls.switch_pulse(caller.who, caller.here.id, body.on)
        return reply(ActionOut(action=action.id))

    # -- viewers ---------------------------------------------------------------------------------------------------

    async def polls(self, request: web.Request) -> web.Response:
        caller, store = request[CALLER], self._site.store
        found = polls_out(await store.polls(caller.here.id), caller.staff)
        mine = await store.poll_votes_of(caller.here.id, self._site.participant(caller).person)
        seen = {poll.id for poll in found.polls}
        return reply(MyPollsOut(polls=found.polls, mine={id: list(said) for id, said in mine.items() if id in seen}))

    async def vote(self, request: web.Request) -> web.Response:
        return await self._vote(request, (await read_body(request, PollVoteBody)).choices)

    async def unvote(self, request: web.Request) -> web.Response:
        return await self._vote(request, [])

    async def _vote(self, request: web.Request, choices: list[str]) -> web.Response:
        site, caller, id = self._site, request[CALLER], request.match_info["poll"]
        person = site.take_as(caller, "votes").person
        if (await site.store.poll(id)).state.status is PollStatus.DRAFT and not caller.staff:
            raise NotFound(NO_POLL.format(id))
        return reply(poll_out(await site.polls.vote(caller.here.id, id, person, choices), caller.staff))

    async def pulse(self, request: web.Request) -> web.Response:
        return await self._pulse(request)

    async def feel(self, request: web.Request) -> web.Response:
        site, caller, body = self._site, request[CALLER], await read_body(request, PulseBody)
        person = site.take_as(caller, "votes").person
        await site.polls.feel(caller.here.id, person, Mood(body.mood))
        return await self._pulse(request)

    async def _pulse(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        found = await self._read_pulse(caller.here.id)
        return reply(found if caller.staff else PulseOut(on=found.on))

    # -- watchers --------------------------------------------------------------------------------------------------

    async def _tell_polls(self, session: str) -> Told:
        polls = await self._site.store.polls(session)
        everybody, staff = (polls_out(polls, staff=staff).model_dump_json() for staff in (False, True))
        return Told(everybody.encode(), staff.encode())

    async def _tell_pulse(self, session: str) -> Told:
        found = await self._read_pulse(session)
        return Told(PulseOut(on=found.on).model_dump_json().encode(), found.model_dump_json().encode())

    async def _read_pulse(self, session: str) -> PulseOut:
        store, since = self._site.store, self._site.now() - 60.0 * (PULSE_MINUTES - 1)
        return pulse_out(await store.pulse_on(session), await store.pulse(session, since))
