"""A recorded chat, fed through the same inbox as a live one.

A line is `{"id", "t", "platform", "user", "name", "text"}`, `t` in seconds from the start of the talk; `chat` where a
platform has several, and `explicit` true where it was sent as a question. What is no such line is reported with its
number and skipped.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.connectors.common import clean
from bot.errors import BadInput
from bot.model import Abilities, Address, Delivery, Message
from bot.ports import Floor, HookReply, HookRequest, Now

LONGEST_LINE = 1_000_000
AT_ONCE = 1024
"""Messages handed over in one commit at full speed."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no message: its number (from 1) and what is wrong with it."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """A recorded message. `t` is seconds from the start, `chat` one of the platform's, `explicit` as of a `Message`."""

    id: str
    t: float
    platform: str
    user: str
    name: str
    text: str
    chat: str = ""
    explicit: bool = False


def read_chat(path: Path) -> Iterator[Line | Broken]:
    """The lines of a recorded chat in the order of the file, whichever system ended them. What is there twice comes
    twice, as from a platform. Raises `BadInput` where the file cannot be read."""
    known: dict[tuple[str, str], tuple[int, int]] = {}
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate((raw for line in stream for raw in line.splitlines()), 1):
                if raw.strip():
                    yield _of_its_own(number, _line(number, raw), known)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def _of_its_own(number: int, line: Line | Broken, known: dict[tuple[str, str], tuple[int, int]]) -> Line | Broken:
    """A message, unless its id is that of another one, for which it would be taken and dropped. `known`: of each id the
    line, and a hash of what is said there."""
    if isinstance(line, Broken):
        return line
    first, said = known.setdefault((line.platform, line.id), (number, hash((line.user, line.text))))
    if said == hash((line.user, line.text)):
        return line
    return Broken(number, f"its id is that of line {first}, which says something else: give each an id of its own")


def _line(number: int, raw: bytes) -> Line | Broken:
    if len(raw) > LONGEST_LINE:
        return Broken(number, f"longer than {LONGEST_LINE:,} bytes")
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Broken(number, "no UTF-8: save the file as UTF-8")
    except json.JSONDecodeError as error:
        return Broken(number, f"no JSON from its character {error.pos + 1:,} on")
    except (ValueError, RecursionError) as error:
        return Broken(number, f"no JSON: {error}")
    if not isinstance(row, dict):
        return Broken(number, "no JSON object")
    if (
        not isinstance(row.get("id"), str | int)
        or isinstance(row.get("id"), bool)
        or not isinstance(row.get("text"), str)
    ):
        return Broken(number, 'needs an "id" and a "text"')
    t = row.get("t", 0)
    if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t < 1e9:
        return Broken(number, '"t" must be seconds from the start')
    if not isinstance(row.get("explicit", False), bool):
        return Broken(number, '"explicit" must be true or false')
    id, platform, user = _text(row, "id"), _text(row, "platform") or "replay", _text(row, "user")
    user, chat, explicit = user or f"anonymous-{id}", _text(row, "chat"), row.get("explicit") is True
    return Line(id, float(t), platform, user, _text(row, "name"), _text(row, "text"), chat, explicit)


def _text(row: dict[str, object], key: str) -> str:
    value = row.get(key)
    return clean(str(value)) if isinstance(value, str | int | float) else ""


def message(line: Line, session: str, started: float, speed: float = 1.0) -> Message:
    """The message of a line in a talk that started at `started`; `speed` shortens the time between messages."""
    at = started + line.t / (speed or 1.0)
    address = Address("replay", line.chat or line.platform, line.id, line.user, private=False)
    return Message(session, line.platform, line.id, line.user, line.name, line.text, at, address, line.explicit)


class Replay:
    """Plays a chat at `speed` times its own (0: as fast as `drained` lets it), then calls `done`.

    It starts when `drained` returns for the first time: when the program is ready to place messages.
    """

    name = "replay"
    abilities = Abilities()

    def __init__(
        self,
        chat: Path,
        session: str,
        *,
        now: Now,
        speed: float = 1.0,
        started: float | None = None,
        drained: Callable[[], Awaitable[None]] | None = None,
        broken: Callable[[Broken], None] = lambda _: None,
        played: Callable[[int], None] = lambda _: None,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._chat = chat
        self._session = session
        self._now = now
        self._speed = speed
        self._started = started
        self._drained = drained
        self._broken = broken
        self._played = played
        self._done = done

    async def run(self, floor: Floor) -> None:
        if self._drained:
            await self._drained()
        floor.connected()
        started = self._now() if self._started is None else self._started
        begin = asyncio.get_running_loop().time()
        batch: list[Message] = []
        for line in read_chat(self._chat):
            if isinstance(line, Broken):
                self._broken(line)
                continue
            if self._speed:
                await self._until(begin + line.t / self._speed)
            batch.append(message(line, self._session, started, self._speed))
            if self._speed or len(batch) >= AT_ONCE:
                await self._hand_over(floor, batch)
                batch = []
        await self._hand_over(floor, batch)
        self._done()
        await asyncio.Event().wait()

    async def _hand_over(self, floor: Floor, batch: list[Message]) -> None:
        if batch:
            await floor.receive(batch)
            self._played(len(batch))
        if self._drained and not self._speed:
            await self._drained()

    async def _until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - asyncio.get_running_loop().time()))

    async def send(self, delivery: Delivery) -> str:
        raise BadInput("a recorded chat cannot be replied to")

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(404)

    async def close(self) -> None:
        """Nothing is held."""
