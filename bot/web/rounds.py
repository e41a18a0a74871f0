"""What is told by itself after a talk, over HTTP: how each of it stands, what it says, and what people do with it."""

from collections.abc import Sequence
from typing import Literal

from aiohttp import web
from pydantic import Field

from bot.live import Told
from bot.model import Delivery
from bot.rounds import TOPIC, Look
from bot.web.api import reply
from bot.web.reading import clean, read_body
from bot.web.routes import API, Route
from bot.web.schemas import ActionOut, Body, Reply
from bot.web.site import CALLER, Site

Shown = Literal["off", "planned", "waiting", "sent", "cancelled", "dropped", "empty"]


class DutyOut(Reply):
    """Something that is due after the talk. `state`: "planned" (it comes by itself at `due`), "waiting" (for a person),
    "sent", "cancelled", "dropped" (it came too late), "empty" (nothing to say, or nobody to say it to) or "off". `who`
    did it (`at`; "": it was done by itself). `worded`: a person gave it other words, which `editable` ones can have.
    `sent`, `to_send` and `failed` count chats; `goes_at` is when the first of those goes that wait (null: none waits).
    """

    name: str
    state: Shown
    mode: Literal["off", "suggest", "auto"]
    due: float
    at: float
    who: str
    editable: bool
    worded: bool
    sent: int
    to_send: int
    failed: int
    goes_at: float | None


class AfterOut(Reply):
    """What is due after the talk; nothing while it is not over. `over`: it is."""

    over: bool
    duties: list[DutyOut]


class DutyTextOut(Reply):
    """What would be said now, as where there is room for all of it, and in how many chats. `worded`: in a person's
    words."""

    text: str
    chats: int
    worded: bool


class DutyBody(Body):
    """`word` puts `text` in the place of what is proposed ("": the proposed words again); `plan` takes a `cancel`
    back."""

    do: Literal["send", "cancel", "plan", "word"]
    text: str = Field(default="", max_length=20_000)


class RoundsRoutes:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        after = API + "/sessions/{session}/after"
        return [
            Route("GET", after, "moderator", self.after, "What is told by itself after the talk", reply=AfterOut),
            Route("GET", after + "/{duty}", "moderator", self.text, "What one of it would say now", reply=DutyTextOut),
            Route(
                "POST",
                after + "/{duty}/actions",
                "moderator",
                self.act,
                "Send it (once more: correct it), word it otherwise, cancel it, or plan it again",
                body=DutyBody,
                reply=ActionOut,
            ),
        ]

    async def after(self, request: web.Request) -> web.Response:
        return reply(await self._out(request[CALLER].here.id))

    async def text(self, request: web.Request) -> web.Response:
        here, name = request[CALLER].here.id, request.match_info["duty"]
        look, said = await self._site.rounds.preview(here, name)
        return reply(DutyTextOut(text=said.text, chats=len(said.deliveries), worded=bool(look.state.text)))

    async def act(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, DutyBody)
        rounds, to = self._site.rounds, (caller.who, caller.here.id, request.match_info["duty"])
        match body.do:
            case "send":
                action = await rounds.send(*to)
            case "cancel":
                action = await rounds.cancel(*to)
            case "plan":
                action = await rounds.plan(*to)
            case "word":
                action = await rounds.word(*to, clean(body.text))
        return reply(ActionOut(action=action.id, goes_at=goes_at(action.change.deliveries, self._site.now())))

    async def _told(self, session: str) -> Told:
        return Told(None, (await self._out(session)).model_dump_json().encode())

    async def _out(self, session: str) -> AfterOut:
        looks = await self._site.rounds.look(session)
        return AfterOut(over=looks is not None, duties=[_duty(look) for look in looks or ()])


def _duty(look: Look) -> DutyOut:
    states = [each.state for each in look.said]
    waiting = [each.not_before for each in look.said if each.state in {"waiting", "sending"}]
    return DutyOut(
        name=look.duty.name,
        state=look.shown,  # type: ignore[arg-type]  # checked by pydantic
        mode=look.duty.mode.value,
        due=look.due,
        at=look.state.at,
        who=look.state.who,
        editable=look.duty.editable,
        worded=bool(look.state.text),
        sent=states.count("sent"),
        to_send=len(waiting),
        failed=states.count("failed"),
        goes_at=min(waiting, default=None),
    )


LONGER = 60.0
"""Seconds from which on it is worth saying when something goes out."""


def goes_at(said: Sequence[Delivery], now: float) -> float | None:
    """When the last of it goes out, where that is not at once."""
    last = max((each.not_before for each in said), default=0.0)
    return last if last > now + LONGER else None
