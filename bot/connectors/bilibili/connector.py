"""The Bilibili connector: a session of the platform, a socket of that session, and what comes through it."""

import asyncio
import logging
from contextlib import suppress

from bot.connectors.bilibili.client import Client, Platform, Session, Socket, Timing
from bot.connectors.bilibili.codec import FrameError, Operation, read_json, unpack
from bot.connectors.bilibili.mapper import Happening, Reader, Unreadable
from bot.connectors.bilibili.troubles import SessionOver
from bot.connectors.common import until_one_ends
from bot.connectors.unsaved import Unsaved
from bot.errors import ConnectorError, Refused, StoreError
from bot.model import Abilities, Cursor, Delivery, Message
from bot.ports import Floor, HookReply, HookRequest

log = logging.getLogger(__name__)

ABILITIES = Abilities(reply=False)
MISSED_BEATS = 3
"""So many beats of a session in a row may fail; Bilibili ends it after a minute without one."""

NOT_LIVE = "Bilibili: the room is not live (未开播). What is said is heard as soon as the stream starts."
ENDED_LATE = "Bilibili: the session of an earlier run was still open; it was ended."


class Bilibili:
    """Hears the comments of one live room for one session. It cannot reply: the answers stand on the page.

    The platform's session outlives a broken socket, so that a new socket costs a second and not the cooling time after
    a new session. Its id is kept as the source's cursor, so that a run after a crash can end it.
    """

    abilities = ABILITIES

    def __init__(
        self, name: str, session: str, client: Client, platform: Platform, timing: Timing | None = None
    ) -> None:
        self.name = name
        self._session, self._client, self._platform = session, client, platform
        self._timing = timing or Timing()
        self._opened: Session | None = None
        self._live: bool | None = None
        self._link = 0
        self._unsaved = Unsaved()

    async def run(self, floor: Floor) -> None:
        """Listen until the connection is lost. Raises `Refused` for a wrong key, identity code or token."""
        try:
            await self._listen(floor)
        except (asyncio.CancelledError, Refused, SessionOver):
            await self._unsaved.save(floor)
            await self._end(floor)
            raise
        except ConnectorError:
            self._link += 1
            raise

    async def introduce(self) -> str:
        """Whether Bilibili takes the keys, and whose room it is. Raises as `run` does."""
        opened = await self._platform.start()
        try:
            await (await self._connect(opened)).close()
        finally:
            await self._platform.end(opened.id)
        room = opened.room
        whose = f" of {room.host}" if room.host else ""
        live = {None: "", True: " It is live.", False: " It is not live at the moment."}[room.live]
        return (
            f"Bilibili accepts the keys; the comments of room {room.number or '(without number)'}{whose} arrive.{live}"
        )

    async def send(self, delivery: Delivery) -> str:
        raise Refused(f"{self.name}: Bilibili has no official way to reply")

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def close(self) -> None:
        # Open still where the program ends while a lost connection waits for its next run.
        if self._opened:
            with suppress(ConnectorError):
                await self._platform.end(self._opened.id)
        await self._client.close()

    async def _listen(self, floor: Floor) -> None:
        opened = await self._begin(floor)
        socket = await self._connect(opened)
        reader = Reader(self.name, self._session, self._client.now, opened.id, opened.room.host, opened.room.host_id)
        try:
            self._tell(floor)
            await until_one_ends(self._beat(opened), self._beat_socket(socket), self._hear(floor, socket, reader))
        finally:
            await socket.close()

    async def _begin(self, floor: Floor) -> Session:
        """The session that is open, or a new one."""
        if self._opened:
            try:
                await self._platform.beat(self._opened.id)
                return self._opened
            except SessionOver:
                self._opened = None
        await self._end_stale(floor)
        self._opened = opened = await self._platform.start()
        self._live = opened.room.live
        await self._remember(floor, opened.id)
        return opened

    async def _end_stale(self, floor: Floor) -> None:
        """End what a run before us left open, for Bilibili would refuse us as long as it is."""
        if stale := await floor.cursor(self.name):
            try:
                if await self._platform.end(stale):
                    floor.notice(ENDED_LATE)
            except ConnectorError as error:
                log.info("%s: an earlier session could not be ended: %s", self.name, error)

    async def _end(self, floor: Floor) -> None:
        """Best effort; what stays open is ended by the next run."""
        if self._opened is None:
            return
        opened, self._opened = self._opened, None
        try:
            await self._platform.end(opened.id)
        except ConnectorError as error:
            log.info("%s: the session could not be ended: %s", self.name, error)
            return
        await self._remember(floor, "")

    async def _remember(self, floor: Floor, id: str) -> None:
        # Without it only the start after a crash is harder.
        with suppress(StoreError):
            await floor.receive([], Cursor(self.name, id))

    async def _connect(self, opened: Session) -> Socket:
        """The first of its addresses that lets us in, beginning with the one after that which failed last."""
        for attempt in range(len(opened.links)):
            link = opened.links[self._link % len(opened.links)]
            try:
                return await self._client.connect(link, opened.auth_body, self._timing.auth)
            except SessionOver:
                raise
            except ConnectorError as error:
                if attempt == len(opened.links) - 1:
                    raise
                self._link += 1
                log.info("%s: the next address is tried: %s", self.name, error)
        raise AssertionError("a session has at least one address")

    async def _beat(self, opened: Session) -> None:
        missed = 0
        while True:
            await asyncio.sleep(self._timing.beat)
            try:
                await self._platform.beat(opened.id)
                missed = 0
            except (SessionOver, Refused):
                raise
            except ConnectorError:
                missed += 1
                if missed == MISSED_BEATS:
                    raise

    async def _beat_socket(self, socket: Socket) -> None:
        while True:
            await socket.beat()
            await asyncio.sleep(self._timing.socket_beat)

    async def _hear(self, floor: Floor, socket: Socket, reader: Reader) -> None:
        # Each of our beats is answered, so that a living socket is never silent for long.
        silence = 2 * self._timing.socket_beat + self._timing.answer
        while True:
            frame = await socket.frame(silence)
            messages, happenings = self._read(frame, reader)
            if await self._unsaved.save(floor, messages):
                self._tell(floor)
            for happening in happenings:
                self._happened(floor, happening)

    def _read(self, frame: bytes, reader: Reader) -> tuple[list[Message], list[Happening]]:
        """What a frame means. What cannot be read is skipped: one bad event must not cost the others."""
        messages: list[Message] = []
        happenings: list[Happening] = []
        wrong: list[str] = []
        try:
            for packet in unpack(frame):
                if packet.operation != Operation.MESSAGE:
                    continue
                try:
                    found = reader.read(read_json(packet.body))
                except (FrameError, Unreadable) as error:
                    wrong.append(str(error))
                    continue
                if isinstance(found, Message):
                    messages.append(found)
                elif found:
                    happenings.append(found)
        except FrameError as error:
            wrong.append(str(error))
        if wrong:
            log.warning("%s: skipped %d parts of a frame that cannot be read (%s)", self.name, len(wrong), wrong[-1])
        return messages, happenings

    def _happened(self, floor: Floor, happening: Happening) -> None:
        if happening is Happening.OVER:
            raise SessionOver("Bilibili ended the session. Another one is started.")
        self._live = happening is Happening.LIVE
        self._tell(floor)

    def _tell(self, floor: Floor) -> None:
        floor.connected()
        if self._live is False:
            floor.notice(NOT_LIVE)
