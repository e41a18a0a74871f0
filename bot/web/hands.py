"""Who is at the board and what their hands are on, for the others there; over when it is not said again."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.live import Told
from bot.web.acts import require_here
from bot.web.api import reply
from bot.web.reading import read_body
from bot.web.routes import API, Route
from bot.web.schemas import HandBody, HandOut, HandsOut
from bot.web.site import CALLER, Site

TOPIC = "hands"
LASTS = 15.0  # seconds
MOST = 200  # pages at one board


@dataclass(frozen=True, slots=True)
class _Hand:
    shown: HandOut
    until: float  # loop time


class Hands:
    """Handlers over a `Site`, and a topic of its `Live` that only staff are told."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._hands: defaultdict[str, dict[str, _Hand]] = defaultdict(dict)  # session -> login and page
        site.live.add_topic(TOPIC, self._told)
        site.hear(TOPIC, self._follow)

    def routes(self) -> list[Route]:
        return [
            Route(
                "POST",
                API + "/sessions/{session}/hands",
                "expert",
                self.beat,
                f"What you do at the board now, for the others there; over after {LASTS:.0f} s",
                body=HandBody,
                reply=HandsOut,
            )
        ]

    async def beat(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        body = await read_body(request, HandBody)
        if body.question is not None:
            await require_here(site, caller, [body.question])
        key = hashlib.sha256(f"{caller.login_token} {body.page}".encode()).hexdigest()[:16]
        shown = None
        if body.doing != "gone":
            shown = HandOut.model_validate({**body.model_dump(), "name": caller.who, "role": caller.role})
        self._put(caller.here.id, key, shown)
        site.say(TOPIC, {"session": caller.here.id, "key": key, "shown": shown and shown.model_dump(mode="json")})
        return reply(self._out(caller.here.id))

    def _follow(self, told: Mapping[str, Any]) -> None:
        """Somebody's hands at a page of another process."""
        shown = HandOut.model_validate(told["shown"]) if told["shown"] else None
        self._put(told["session"], told["key"], shown)

    def _put(self, session: str, key: str, shown: HandOut | None) -> None:
        hands = self._hands[session]
        before = hands.pop(key, None)
        if shown is not None:
            while len(hands) >= MOST:
                del hands[next(iter(hands))]
            loop = asyncio.get_running_loop()
            hands[key] = _Hand(shown, loop.time() + LASTS)
            loop.call_later(LASTS, self._forget, session)
        if (before and before.shown) != shown:
            self._site.live.changed(session, TOPIC)

    def _forget(self, session: str) -> None:
        """Those whose time is over."""
        hands, now = self._hands[session], asyncio.get_running_loop().time()
        gone = [key for key, hand in hands.items() if hand.until <= now]
        for key in gone:
            del hands[key]
        if gone:
            self._site.live.changed(session, TOPIC)

    def _out(self, session: str) -> HandsOut:
        shown = [hand.shown for hand in self._hands.get(session, {}).values()]
        return HandsOut(hands=sorted(shown, key=lambda hand: (hand.name, hand.page)))

    async def _told(self, session: str) -> Told:
        anybody = session in self._hands  # else there is nothing to tell, not even that they left
        return Told(None, self._out(session).model_dump_json().encode() if anybody else None)
