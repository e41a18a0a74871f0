"""A room of Tencent Cloud's classroom: polled for what was said, and told the answers.

`GetRoomMessage` gives the newest messages, and with a number those before it. So the newest page is asked for again and
again, and older ones until what is known is met: that also fetches what was said while we were away, up to seven days.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.connectors.commands import Texts, receive
from bot.connectors.common import clean
from bot.connectors.tencent_classroom.client import CLOCK_OFF, Answered, Lcic
from bot.connectors.tencent_classroom.mapper import Heard, heard, message
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Abilities, Cursor, Delivery, Unit
from bot.ports import Floor, HookReply, HookRequest, Now

log = logging.getLogger(__name__)

ABILITIES = Abilities(reply=True, once=True, length=11 * 1024, unit=Unit.BYTES, rate=10.0, together=True)
"""A message may take 12 KiB with what surrounds its text (document 269/9346). Whoever listens has to know which
notices are ours."""

MOST_PAGES = 500
MOST_HEARD = 20_000_000
"""Pages, and characters of what they hold: further back nobody looks, for it waits in memory until it can be handed
over in its order."""

EMPTY = 100
"""Characters that a message counts beside its text."""

AT_ONCE = 500
REMEMBERED = 2000
"""So many numbers before the newest are known one by one: a late message may come out of turn."""

WAIT = 2.0
"""Seconds after "too many requests"; the limit counts by the second."""

BAD_KEY = (
    "Tencent Cloud does not accept the key: copy SecretId and SecretKey anew from the console (CAM, API keys), and let "
    "their user use LCIC"
)
NO_ROOM = "Tencent Cloud knows no such room: check room and sdk_app_id"
TROUBLES = {
    "ResourceNotFound.Room": NO_ROOM,
    "InvalidParameter.ClassID": NO_ROOM,
    "InvalidParameter.SdkAppId": "Tencent Cloud knows no such application: copy sdk_app_id anew from the LCIC console",
    "ResourceNotFound.User": "Tencent Cloud knows no such account in this application: check account, or register it",
    "FailedOperation.ClassExpired": "the class has expired: its messages are kept for seven days",
    "FailedOperation.ClassEnded": "the class has ended; nothing can be said there any more",
}
"""What no waiting heals."""


def refusal(error: Answered) -> ConnectorError:
    """The platform's no in words that say what to do. A clock can be put right, and then it works again."""
    code = error.code
    if code.startswith("AuthFailure") and ("SignatureExpire" in code or abs(error.clock_off) > CLOCK_OFF):
        return ConnectorError(
            f"the clock of this machine is {_off(error.clock_off)}: let it be set automatically (NTP), then it connects"
        )
    if code.startswith(("AuthFailure", "UnauthorizedOperation")):
        return Refused(BAD_KEY)
    if code.startswith("RequestLimitExceeded"):
        return TryLater(WAIT, text="Tencent Cloud was asked too often; raise poll_seconds if that goes on")
    if code in TROUBLES:
        return Refused(f"{TROUBLES[code]} ({code})")
    if code.startswith(("InvalidParameter", "LimitExceeded")):
        return ConnectorError(
            f"Tencent Cloud does not accept what it was asked ({code}): check room, try a smaller page_size"
        )
    return ConnectorError(f"Tencent Cloud answered {code}; it is asked again")


def _off(seconds: float) -> str:
    if abs(seconds) <= CLOCK_OFF:
        return "more than five minutes off"
    return f"{abs(seconds) / 60:.0f} minutes {'ahead' if seconds > 0 else 'behind'}"


@dataclass(frozen=True, slots=True)
class Voice:
    """How the bot speaks: as a person of `account`, or as a notice of the room. `nickname` is shown beside it."""

    account: str
    nickname: str
    notices: bool = False


class Classroom:
    """One room for one session. `every`: seconds between two looks; `page`: messages asked for at once."""

    abilities = ABILITIES

    def __init__(
        self,
        name: str,
        session: str,
        client: Lcic,
        room: int,
        voice: Voice,
        *,
        now: Now,
        every: float,
        page: int,
        language: str = "zh",
    ) -> None:
        self.name = name
        self._session, self._client, self._room, self._voice = session, client, room, voice
        self._now, self._every, self._page = now, every, page
        self._language, self._own = language, own(voice.nickname)
        self._known = 0
        self._seen: set[int] = set()
        self._doubtful: dict[str, int] = {}
        self._notices: dict[str, bool] = {}  # whether they came back
        self._notifier = voice.account

    async def run(self, floor: Floor) -> None:
        self._known, notifier = self._from(await floor.cursor(self.name))
        self._notifier, self._seen = notifier or self._notifier, set()
        floor.connected(complete=await self._look(floor))
        while True:
            await asyncio.sleep(self._every)
            if not await self._look(floor):
                floor.notice("more was said at once than can be fetched; some of it is missing")

    async def send(self, delivery: Delivery) -> str:
        """Raises `TryLater`, `Refused`, or `ConnectorError` (worth another try)."""
        if delivery.address.chat != str(self._room):
            raise Refused(f"{self.name} listens to another room now")
        before = self._known
        try:
            if await self._was_said(delivery):
                return ""
            return await self._say(delivery.text)
        except Answered as error:
            raise self._unsaid(error) from None
        except (ConnectorError, asyncio.CancelledError):
            # It may have been done though no answer came.
            self._doubtful.setdefault(delivery.key, before)
            _forget(self._doubtful)
            raise

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def close(self) -> None:
        await self._client.close()

    async def introduce(self) -> str:
        """Raises as `run` does."""
        count = len(await self._ask(None))
        return (
            f"Tencent Cloud lets us read room {self._room}: its newest page has {count} messages. "
            "Nothing was said there."
        )

    def _from(self, cursor: str | None) -> tuple[int, str]:
        """The newest number that was handed over, 0 where none was, or it was in another room; and the account that the
        room's notices come from, "" where that is not known."""
        room, _, rest = (cursor or "").partition(":")
        seq, _, notifier = rest.partition(":")
        return (int(seq), notifier) if room == str(self._room) and seq.isdecimal() else (0, "")

    def _cursor(self) -> Cursor:
        notifier = f":{self._notifier}" if self._voice.notices and self._notifier else ""
        return Cursor(self.name, f"{self._room}:{self._known}{notifier}")

    async def _ask(self, before: int | None) -> list[Heard]:
        try:
            page = await self._client.page(before, self._page)
        except Answered as error:
            raise refusal(error) from None
        found = list(heard(page, self._now()))
        if skipped := len(page) - len(found):
            log.warning("%s: skipped %d items of a page that are no messages", self.name, skipped)
        return found

    async def _look(self, floor: Floor) -> bool:
        """Hand over what is new, oldest first; whether nothing can be missing before it."""
        found, complete = await self._new()
        for begin in range(0, len(found), AT_ONCE):
            some = found[begin : begin + AT_ONCE]
            self._learn(one for one in some if one.seq > self._known)
            self._known = max(self._known, some[-1].seq)
            said = [one for one in some if one.text and not self._mine(one)]
            meant = [message(one, self.name, self._session, self._room, self._voice.nickname) for one in said]
            what = [one for one in meant if one]
            await receive(floor, what, self._cursor(), self._session, self._language, ABILITIES, self._own)
            self._seen.update(one.seq for one in some)
        if len(self._seen) > 2 * REMEMBERED:
            self._seen = set(sorted(self._seen)[-REMEMBERED:])
        return complete

    async def _new(self) -> tuple[list[Heard], bool]:
        """What was not seen yet, by number, and whether it reaches back to what is known."""
        page = await self._ask(None)
        found = {one.seq: one for one in page if one.seq not in self._seen}
        complete = True
        for _ in range(MOST_PAGES):
            if not found or not page:
                break
            lowest = min(one.seq for one in page)
            if lowest <= self._known + 1:
                break
            page = [one for one in await self._ask(lowest) if one.seq < lowest]
            found.update((one.seq, one) for one in page if one.seq not in self._seen)
            # Beyond the oldest page lies nothing at first, and what is gone after seven days later on.
            complete = bool(page) or not self._known
            if sum(EMPTY + len(one.text) for one in found.values()) > MOST_HEARD:
                complete = False
                break
        else:
            complete = False
        return [found[seq] for seq in sorted(found)], complete

    def _learn(self, new: Iterable[Heard]) -> None:
        """A notice comes back from an account that nothing tells us. It is that of whoever says its words first: later
        it may be somebody who says them again."""
        for one in new:
            if self._notices.get(one.text) is False:
                self._notices[one.text], self._notifier = True, one.account

    def _mine(self, one: Heard) -> bool:
        return one.account in (self._voice.account, self._notifier) or one.text in self._notices

    async def _say(self, text: str) -> str:
        if self._voice.notices:
            words = clean(text).strip()
            new = words not in self._notices  # what helps is said in the same words to everybody
            self._notices.setdefault(words, False)
            _forget(self._notices)
            try:
                return await self._client.notify(text)
            except Answered:
                if new:
                    self._notices.pop(words, None)  # it was not said, and may be what somebody says
                raise
        return await self._client.say(text, self._voice.account, self._voice.nickname)

    async def _was_said(self, delivery: Delivery) -> bool:
        """Whether an earlier try that got no answer was done after all: then it stands in the room. Of a try before a
        restart nothing else is known."""
        if delivery.key not in self._doubtful and delivery.attempts < 2:
            return False
        text = clean(delivery.text).strip()
        page = heard(await self._client.page(None, self._page), self._now())
        before = self._doubtful.pop(delivery.key, 0)
        return any(one.text == text and one.seq > before and self._mine(one) for one in page)

    def _unsaid(self, error: Answered) -> ConnectorError:
        """As `refusal`, but answers wait until somebody has put the key or the room's number right."""
        if error.code == "InvalidParameter.Content":
            return Refused("Tencent Cloud took the text for forbidden words and did not show it")
        reason = refusal(error)
        if isinstance(reason, Refused) and error.code.startswith(("AuthFailure", "Unauthorized")):
            return ConnectorError(str(reason))
        return reason


def own(nickname: str) -> Texts:
    """The classroom knows no mentions: the name is written out."""
    if not nickname:
        return {
            "zh": {"group": "请写：/ask 您的问题。", "how": ""},
            "en": {"group": "Please write: /ask your question.", "how": ""},
        }
    return {
        "zh": {
            "group": f"请写：@{nickname} 您的问题，或者 /ask 您的问题。",
            "how": f"这些词前要写 @{nickname}，带 / 的不用。",
        },
        "en": {
            "group": f"Please write: @{nickname} your question, or /ask your question.",
            "how": f"Write @{nickname} before these words; with the / there is no need.",
        },
    }


def _forget(kept: dict[str, Any]) -> None:
    """All but the last ones."""
    while len(kept) > REMEMBERED:
        del kept[next(iter(kept))]
