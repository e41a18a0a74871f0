"""Both ways to hear a Kuaishou live: a room that is bound and pushed to us, or the web feed."""

import asyncio
import json
import logging
import time
from contextlib import aclosing

from bot.connectors.kuaishou.client import BOUND, UNBOUND, Client
from bot.connectors.kuaishou.codec import FEED, BadFrame, Frame
from bot.connectors.kuaishou.feed import BEAT, ENCRYPTED, Pass, entered
from bot.connectors.kuaishou.mapper import feed_messages, push_messages, read_push
from bot.connectors.kuaishou.signing import genuine
from bot.connectors.kuaishou.troubles import ENDED
from bot.connectors.staying import staying
from bot.connectors.unsaved import Unsaved
from bot.errors import BadInput, ConnectorError, Refused, StoreError
from bot.model import Abilities, Delivery, Message
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

ABILITIES = Abilities(reply=False)
LONGEST_BODY = 256 * 1024
WINDOW = 86400.0
"""Seconds that a push may be old. Kuaishou pushes again what was not taken; what was taken is known by its id."""

CHECK = 60.0
UNBIND_SECONDS = 5.0
NO_REPLIES = "Kuaishou takes no replies"
OK = HookReply(200, b'{"result": 1}')

CLOCK_AWAY = "Kuaishou's pushes are {seconds:.0f} s away from this computer's clock and are not taken. Set the clock."
OTHER_ROOM = "Kuaishou pushes the comments of another room. Is room_code still that of this live?"


class KuaishouPush:
    """The official push of one room's comments, for one session. Nobody can be replied to there.

    `check`: seconds between two looks at whether the room is still bound.
    """

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        app_secret: str,
        room_code: str,
        session: str,
        now: Now = time.time,
        check: float = CHECK,
    ) -> None:
        self.name = name
        self._client, self._secret, self._room = client, app_secret, room_code
        self._session, self._now, self._check = session, now, check
        self._floor: Floor | None = None
        self._bound = self._noticed = False
        self._letting_go = asyncio.Lock()

    async def run(self, floor: Floor) -> None:
        """Bind the room, and see to it that it stays bound and the token good. Raises `Refused` for a wrong key."""
        try:
            await self._listen(floor)
        except (asyncio.CancelledError, Refused):
            # Now, for as soon as this is over another process may bind it. The supervisor cancels twice.
            await asyncio.shield(self._let_go())
            raise

    async def _listen(self, floor: Floor) -> None:
        self._floor = floor
        self._bound = True  # a call that is broken off may have been heard
        try:
            await self._client.bind()
        except ConnectorError:
            self._bound = False
            raise
        floor.connected()
        told = False
        while True:
            status = await self._client.status()
            # The numbers are not documented for every route: one that never says "bound" is not believed to say the
            # opposite.
            told |= status == BOUND
            if told and status == UNBOUND:
                self._bound = False
                raise ConnectorError(ENDED)
            await asyncio.sleep(self._check)

    async def introduce(self) -> str:
        """What Kuaishou says to the keys. Nothing is bound or unbound. Raises as `run` does."""
        await self._client.token()
        bound = await self._client.status() == BOUND
        how = "is bound already, by a Floormic that runs" if bound else "will be bound when Floormic runs"
        return f"Kuaishou knows the app, and gave it a token. The room {how}."

    async def hook(self, request: HookRequest) -> HookReply:
        """One push: {"result": 1} once it is stored, or says nothing for us; anything else lets Kuaishou try again."""
        body = request.body
        if len(body) > LONGEST_BODY:
            return _not_taken(413, "too long")
        if request.method != "POST" or not genuine(request.headers.get("kwaisign", ""), body, self._secret):
            return _not_taken(403, "wrong signature")
        floor = self._floor
        if floor is None:
            return _not_taken(503, "not ready yet")
        try:
            push = read_push(body)
        except BadInput as error:
            return _not_taken(400, str(error))
        now = self._now()
        if push.at is not None and abs(push.at - now) > WINDOW:
            self._notice(floor, CLOCK_AWAY.format(seconds=abs(push.at - now)))
            return _not_taken(403, "too old")
        if push.room and push.room != self._room:
            self._notice(floor, OTHER_ROOM)
            return OK
        try:
            if messages := push_messages(push, self.name, self._session, now if push.at is None else push.at):
                await floor.receive(messages)
        except StoreError:
            return _not_taken(503, "cannot be stored now")
        if self._noticed:
            self._noticed = False
            floor.connected()
        return OK

    async def send(self, delivery: Delivery) -> str:
        raise Refused(NO_REPLIES)

    async def close(self) -> None:
        # Bound still where the program ends while a lost connection waits for its next run.
        await self._let_go()
        await self._client.close()

    async def _let_go(self) -> None:
        """Unbind the room, so that another program can have it."""
        async with self._letting_go:
            if not self._bound:
                return
            self._bound = False
            try:
                async with asyncio.timeout(UNBIND_SECONDS):
                    await self._client.unbind()
            except (ConnectorError, TimeoutError) as error:
                log.warning("%s: the room stays bound: %s", self.name, error or "no answer")

    def _notice(self, floor: Floor, text: str) -> None:
        self._noticed = True
        floor.notice(text)


class KuaishouFeed:
    """The feed that the live's web page shows, for one session. `beat` and `patience` as in `feed.entered`."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        given: Pass,
        session: str,
        *,
        now: Now = time.time,
        beat: float = BEAT,
        patience: float = 10.0,
    ) -> None:
        self.name = name
        self._given, self._session, self._now = given, session, now
        self._beat, self._patience = beat, patience
        self._unsaved = Unsaved()

    async def run(self, floor: Floor) -> None:
        try:
            await self._listen(floor)
        except asyncio.CancelledError:
            await self._unsaved.save(floor)
            raise

    async def _listen(self, floor: Floor) -> None:
        async with (
            staying() as http,
            entered(http, self._given, self._now, beat=self._beat, patience=self._patience) as feed,
        ):
            floor.connected()
            noticed = False
            async with aclosing(feed.frames()) as frames:
                async for frame in frames:
                    if await self._unsaved.save(floor, self._messages(frame) if frame.type == FEED else ()):
                        floor.connected()
                        noticed = False
                    if feed.encrypted and not noticed:
                        noticed = True
                        floor.notice(ENCRYPTED)

    async def introduce(self) -> str:
        """Whether the feed lets us in. Raises as `run` does."""
        async with (
            staying() as http,
            entered(http, self._given, self._now, beat=self._beat, patience=self._patience),
        ):
            return "Kuaishou's web feed lets us in. It may change or be closed at any time; the official push is safer."

    async def hook(self, request: HookRequest) -> HookReply:
        return _not_taken(403, "nothing is pushed to a web feed")

    async def send(self, delivery: Delivery) -> str:
        raise Refused(NO_REPLIES)

    async def close(self) -> None:
        """The connection ends with `run`."""

    def _messages(self, frame: Frame) -> list[Message]:
        try:
            return feed_messages(frame, self._given.stream, self.name, self._session, self._now(), WINDOW)
        except BadFrame as error:
            log.info("skipped a push of the web feed: %s", error)
            return []


def _not_taken(status: int, why: str) -> HookReply:
    return HookReply(status, json.dumps({"result": 0, "errorMsg": why}).encode())
