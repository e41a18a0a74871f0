"""The chat of a Tencent Meeting, fetched as the file that the platform makes of it once the meeting is over.

It is asked for now and then, and at once when the platform's webhook says that a meeting ended. Only the meetings that
were named are taken: the webhook tells of every meeting of the enterprise.
"""

import asyncio
import hmac
import json
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.connectors.hooks import BUSY, FORBIDDEN
from bot.connectors.tencent_classroom import signing
from bot.connectors.tencent_classroom.client import CLOCK_OFF, Answered, Export, Meeting
from bot.connectors.tencent_classroom.clock import day_of
from bot.connectors.tencent_classroom.exported import Guess, messages, read_export, said
from bot.connectors.tencent_classroom.mapper import Ended, Unreadable, ended, opened
from bot.errors import BadInput, ConnectorError, Refused, StoreError
from bot.model import Abilities, Cursor, Delivery
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

ABILITIES = Abilities(reply=False, stable_users=False)
EVERY = 300.0
"""Seconds between two looks whether there is a file."""

SOON, HURRY = 60.0, 3600.0
"""Seconds between two looks, and for how long, after a meeting has ended: its file takes a while."""

KEPT = 86400.0
"""Seconds after its end for which a meeting that only the webhook named is asked for."""

WINDOW = 300.0
"""Seconds that a webhook's signature is good for, both ways."""

LONGEST_BODY = 256 * 1024
AT_ONCE = 1000
MOST_FILES = 500
SURE = 0.4
"""A file whose columns are guessed with less is not taken: wrong columns would make questions of names."""

NUMBER = 12
"""A meeting's id has more digits than this, the number that people type has fewer."""

TAKEN = HookReply(200, b"successfully received callback", "text/plain")
"""The words that the platform asks for (document 1095/51608)."""

UNKNOWN, WRONG = "201003", "190004"
NO_MEETING = "1000000000000000001"
"""An id that no meeting has, to be asked for where none is known by its id."""

REFUSALS = {
    "190303": "Tencent Meeting knows no such application: check app_id, secret_id and, if you have one, sdk_id",
    "200003": "Tencent Meeting does not accept the signature: copy secret_key anew from the application's page",
    "190004": "Tencent Meeting does not accept app_id, operator_id or the meeting's id: check them",
    "190001": "Tencent Meeting knows no such user: operator_id is the userid of an administrator",
    "500133": "operator_id may not export chats: make it an administrator, and let the enterprise archive chats",
    "146000010": "operator_id belongs to another enterprise than app_id",
}
"""By error code (documents 1095/112924 and 1095/42700)."""


def refusal(error: Answered) -> ConnectorError:
    """The platform's no in words that say what to do."""
    if abs(error.clock_off) > CLOCK_OFF:
        return ConnectorError(
            f"the clock of this machine is {abs(error.clock_off) / 60:.0f} minutes off: let it be set automatically "
            "(NTP), then it works"
        )
    if error.code in REFUSALS:
        return Refused(f"{REFUSALS[error.code]} ({error.code})")
    return ConnectorError(f"Tencent Meeting answered {error.code}; it is asked again")


@dataclass(slots=True)
class Progress:
    """What is kept between two runs: `over` maps meetings that ended ("id" or "id/sub") to when that was told, `files`
    are those that were taken."""

    over: dict[str, float] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return json.dumps({"over": self.over, "files": self.files[-MOST_FILES:]})


def read_progress(text: str | None) -> Progress:
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        kept = json.loads(text or "")
        return Progress({str(k): float(v) for k, v in kept["over"].items()}, [str(f) for f in kept["files"]])
    return Progress()


class Meetings:
    """The chats of the meetings `wanted` (ids or the numbers that people type) for one session.

    `token` is that of the webhook, "" for none.
    """

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        session: str,
        client: Meeting,
        wanted: Sequence[str],
        token: str,
        *,
        now: Now,
        every: float = EVERY,
        soon: float = SOON,
    ) -> None:
        self.name = name
        self._session, self._client, self._token, self._now = session, client, token, now
        self._wanted = tuple(re.sub(r"[\s-]", "", one) for one in wanted)
        self._every, self._soon = every, soon
        self._floor: Floor | None = None
        self._progress = Progress()
        self._unusable: set[str] = set()
        self._woken = asyncio.Event()

    async def run(self, floor: Floor) -> None:
        self._progress = read_progress(await floor.cursor(self.name))
        self._floor = floor
        await self._prove()
        ids = all(_is_id(one) for one in self._wanted)
        floor.connected(complete=ids)  # of a meeting whose id is known no end can be missed
        while True:
            self._woken.clear()
            for meeting in self._due():
                await self._fetch(floor, meeting)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()

    async def send(self, delivery: Delivery) -> str:
        raise Refused(f"{self.name} cannot be replied to: the meeting is over")

    async def hook(self, request: HookRequest) -> HookReply:
        """GET proves that we know the token, POST tells an event: 200 once it is stored."""
        data = self._proven(request)
        if data is None:
            return FORBIDDEN
        try:
            if request.method == "GET":
                return HookReply(200, opened(data), "text/plain")
            over = [one for one in ended(data) if {one.id, one.number} & set(self._wanted)]
        except Unreadable:
            if self._floor:
                self._floor.notice(
                    "the webhook sends what cannot be read: leave its EncodingAESKey empty, so that it does not encrypt"
                )
            return TAKEN  # an error would make the platform send the same again and again
        return await self._note(over) if over else TAKEN

    async def close(self) -> None:
        await self._client.close()

    async def introduce(self) -> str:
        """Raises as `run` does."""
        await self._prove()
        listed = [len(await self._exports(one)) for one in self._wanted if _is_id(one)]
        return f"Tencent Meeting accepts the key. Files there are of the chats named by id: {sum(listed)}."

    async def _note(self, over: Sequence[Ended]) -> HookReply:
        if self._floor is None:
            return BUSY
        for one in over:
            key = f"{one.id}/{one.sub}" if one.sub else one.id
            self._progress.over[key] = self._now()
            # What was fetched of it before it ended may have been a part only.
            self._progress.files = [file for file in self._progress.files if not file.startswith(f"{key}|")]
        try:
            await self._floor.receive([], Cursor(self.name, self._progress.text))
        except StoreError:
            return BUSY
        self._woken.set()
        return TAKEN

    def _proven(self, request: HookRequest) -> str | None:
        """What was sent, where the signature is that of the token; else None."""
        if not self._token or request.method not in ("GET", "POST") or len(request.body) > LONGEST_BODY:
            return None
        # A plus sign in an address reads as a blank.
        data = request.query.get("check_str", "").replace(" ", "+") if request.method == "GET" else _data(request.body)
        stamp, nonce = request.headers.get("timestamp", ""), request.headers.get("nonce", "")
        if not data or not re.fullmatch(r"[0-9]{10}(?:[0-9]{3})?", stamp):
            return None
        at = int(stamp) / (1000 if len(stamp) == 13 else 1)
        given = request.headers.get("signature", "").encode("utf-8", "surrogateescape")
        genuine = hmac.compare_digest(given, signing.hook(self._token, stamp, nonce, data).encode())
        return data if genuine and abs(self._now() - at) <= WINDOW else None

    async def _prove(self) -> None:
        """That the platform answers proves the keys, also where it says that there is no such meeting."""
        await self._exports(next(filter(_is_id, self._wanted), NO_MEETING))

    def _pause(self) -> float:
        fresh = any(self._now() - at < HURRY for at in self._progress.over.values())
        return self._soon if fresh else self._every

    def _due(self) -> list[str]:
        since = self._now() - KEPT
        self._progress.over = {meeting: at for meeting, at in self._progress.over.items() if at > since}
        return list(dict.fromkeys([*(one for one in self._wanted if _is_id(one)), *self._progress.over]))

    async def _exports(self, meeting: str) -> list[Export]:
        id, _, sub = meeting.partition("/")
        try:
            return await self._client.exports(id, sub)
        except Answered as error:
            if error.code == UNKNOWN or (id == NO_MEETING and error.code == WRONG):
                return []
            raise refusal(error) from None

    async def _fetch(self, floor: Floor, meeting: str) -> None:
        """Take every file of a meeting that was not taken yet."""
        for export in await self._exports(meeting):
            key = f"{meeting}|{export.begins}|{export.ends}"
            if key in self._progress.files or key in self._unusable:
                continue
            try:
                guess = await self._read(export)
            except (BadInput, Refused) as error:
                self._unusable.add(key)
                floor.notice(f"a chat file could not be taken: {error}")
            else:
                await self._take(floor, key, export, guess)

    async def _read(self, export: Export) -> Guess:
        data, name = await self._client.download(export.url)
        guess = await asyncio.to_thread(read_export, data, name)
        if guess.confidence < SURE or "text" not in guess.columns:
            raise BadInput("its columns cannot be told apart; download it and use `floormic import`")
        return guess

    async def _take(self, floor: Floor, key: str, export: Export, guess: Guess) -> None:
        begins = float(export.begins) if re.fullmatch(r"[0-9]{9,10}", export.begins) else self._now()
        day = day_of(begins)
        lines, problems = await asyncio.to_thread(said, guess, guess.columns, day)
        if problems:
            log.warning("%s: skipped %d rows of a chat file", self.name, len(problems))
        # A line is known by its content, and by the evening: the same may be said at the same time of the next one.
        evening = f"{key.partition('|')[0].partition('/')[0]}:{day.isoformat()}"
        lines = [replace(line, id=f"{evening}:{line.id}") for line in lines]
        found = messages(lines, self.name, self._session, begins)
        for start in range(0, len(found), AT_ONCE):
            await floor.receive(found[start : start + AT_ONCE])
        # Only now, for the webhook may have written the progress in between.
        self._progress.files = [*self._progress.files, key][-MOST_FILES:]
        await floor.receive([], Cursor(self.name, self._progress.text))


def _is_id(meeting: str) -> bool:
    return len(meeting) > NUMBER


def _data(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    data = found.get("data") if isinstance(found, Mapping) else None
    return data if isinstance(data, str) else ""
