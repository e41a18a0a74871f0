"""People who say marked lines over every way in, again until it is acknowledged, and keep a ledger of that."""

import asyncio
import itertools
import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from bot.connectors.intake import signature
from tests.fake_telegram import FakeTelegram
from tests.torture._hall import Program
from tests.torture._people import API, SECRET

INTAKES = 4
"""One source may bring six hundred messages at once and sixty a second; several bring more."""

MARK = re.compile(rb"mark-\d{6}")
AGAIN = 0.05
"""Seconds. Sooner than anybody is told to come again: so it is seen when accepting resumes."""

PAGES = ("/s/talk", f"{API}/questions", "/healthz")

READING = 0.02
"""Seconds between two looks at the pages."""

ASKED, PAGE = 8, 4
"""Every eighth line asks something, every fourth is said on the page."""


def intake_sources() -> str:
    """As the configuration names them: `hall0` and so on."""
    return "".join(f'[[intake]]\nname = "hall{n}"\nsecret = "{SECRET}"\n\n' for n in range(INTAKES))


def line(mark: str) -> str:
    return f"Will there be slides of part {mark}?" if int(mark[-6:]) % ASKED == 0 else f"{mark} it is"


def marks_in(texts: Iterable[str]) -> Counter[str]:
    return Counter(found.group().decode() for text in texts if (found := MARK.search(text.encode())))


@dataclass(frozen=True, slots=True)
class Refusal:
    """`told`: it said when to come again."""

    at: float
    status: int
    told: bool


@dataclass(slots=True)
class Audience:
    """`acknowledged`: when each mark was, by `time.monotonic`; `cut`: requests without an answer."""

    program: Program
    telegram: FakeTelegram | None = None
    acknowledged: dict[str, float] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    cut: int = 0
    _accepted: asyncio.Event = field(default_factory=asyncio.Event)
    _refused: asyncio.Event = field(default_factory=asyncio.Event)
    _marks: Iterator[str] = field(default_factory=lambda: (f"mark-{n:06d}" for n in itertools.count()))

    async def say(self, lines: int, together: int = 8) -> None:
        """So many lines over the intakes and the page, by so many people at a time; until each is acknowledged."""
        marks = [next(self._marks) for _ in range(lines)]
        await self._over(marks, together, until=None)

    async def insist(self, until: asyncio.Event, together: int = 8) -> None:
        """One line after the other, each until it is acknowledged or the time is over."""
        await self._over(self._marks, together, until)

    async def _over(self, marks: Iterable[str], together: int, until: asyncio.Event | None) -> None:
        waiting = iter(marks)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:

            async def one_after_the_other() -> None:
                for mark in waiting:
                    while not await self._said(client, mark):
                        if until is not None and until.is_set():
                            return
                        await asyncio.sleep(AGAIN)
                    if until is not None and until.is_set():
                        return

            await asyncio.gather(*(one_after_the_other() for _ in range(together)))

    async def _said(self, client: aiohttp.ClientSession, mark: str) -> bool:
        try:
            async with self._request(client, mark) as reply:
                await reply.read()
        except (aiohttp.ClientError, TimeoutError):
            self.cut += 1
            return False
        if 200 <= reply.status < 300:
            self.acknowledged[mark] = time.monotonic()
            self._accepted.set()
            return True
        self._refused.set()
        self.refusals.append(Refusal(time.monotonic(), reply.status, "Retry-After" in reply.headers))
        return False

    async def until_accepted(self, seconds: float) -> float:
        """Seconds until the next line is acknowledged; `seconds` where none is."""
        return await _until(self._accepted, seconds)

    async def until_refused(self, seconds: float) -> float:
        """The same for one that is refused."""
        return await _until(self._refused, seconds)

    async def read(self, seconds: float, paths: Sequence[str] = PAGES) -> list[float]:
        """These pages, over and over for so long: seconds that each took, infinite for one that was refused."""
        took, end = list[float](), time.monotonic() + seconds
        async with aiohttp.ClientSession(self.program.url) as client:
            while time.monotonic() < end:
                for path in paths:
                    began = time.monotonic()
                    async with client.get(path) as reply:
                        await reply.read()
                    took.append(time.monotonic() - began if reply.status == 200 else math.inf)
                await asyncio.sleep(READING)
        return took

    def _request(self, client: aiohttp.ClientSession, mark: str) -> "aiohttp.client._RequestContextManager":
        number = int(mark[-6:])
        if number % PAGE == 0:
            body, headers = {"text": line(mark), "id": mark}, {"Sec-Fetch-Site": "same-origin"}
            return client.post(f"{self.program.url}{API}/messages", json=body, headers=headers)
        raw = json.dumps({"id": mark, "user": f"u{number % 50}", "text": line(mark)}).encode()
        stamp = str(int(time.time()))
        signed = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(SECRET.encode(), stamp, raw)}
        return client.post(f"{self.program.url}/in/hall{number % INTAKES}", data=raw, headers=signed)

    async def until_understood(self, seconds: float) -> None:
        """Until the model is loaded, and what was asked stands in the queue. Raises `RuntimeError`."""
        end = time.monotonic() + seconds
        async with aiohttp.ClientSession(self.program.url) as client:
            while time.monotonic() < end:
                async with client.get(f"{API}/questions") as reply:
                    if (await reply.json())["questions"]:
                        return
                await asyncio.sleep(READING)
        raise RuntimeError(f"nothing was understood: {self.program.said()[-2000:]}")

    # Telegram: it is acknowledged by asking for what comes after it

    def chat(self, lines: int) -> list[str]:
        """So many lines in the Telegram group."""
        assert self.telegram is not None
        marks = [next(self._marks) for _ in range(lines)]
        for mark in marks:
            self.telegram.says(line(mark))
        return marks

    def updates(self) -> dict[int, str]:
        """The mark of every update by its id."""
        assert self.telegram is not None
        found = {one["update_id"]: MARK.search(json.dumps(one).encode()) for one in self.telegram.arrived}
        return {id: mark.group().decode() for id, mark in found.items() if mark}

    def confirmed(self) -> set[str]:
        """The marks that Telegram will not bring again."""
        assert self.telegram is not None
        confirmed = {one["update_id"] for one in self.telegram.confirmed()}
        return {mark for id, mark in self.updates().items() if id in confirmed}

    async def until_confirmed(self, marks: Iterable[str], seconds: float) -> float:
        """Seconds until Telegram's lines were fetched and confirmed; `seconds` where they were not."""
        began, wanted = time.monotonic(), set(marks)
        while not wanted <= self.confirmed():
            if time.monotonic() - began > seconds:
                return seconds
            await asyncio.sleep(0.02)
        return time.monotonic() - began


async def _until(event: asyncio.Event, seconds: float) -> float:
    """Seconds until it happens again, or `seconds`."""
    began = time.monotonic()
    event.clear()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return time.monotonic() - began
