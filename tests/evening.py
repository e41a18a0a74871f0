"""One evening on all platforms at once: a recorded talk said on the fake platform of each line's chat, with the whole
program listening to all of them."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import aiohttp

from bot.app import Hall, open_hall
from bot.model import Message, Question
from bot.settings import SessionSettings, Settings, WebSettings
from knowledge.encoder import Encoder
from tests.bot.connectors.contract import Line, Rig
from tests.fake_bilibili import BilibiliRig
from tests.fake_channels import ChannelsRig
from tests.fake_kuaishou import KuaishouRig
from tests.fake_telegram import TelegramRig
from tests.fake_tencent import LcicRig
from tests.fake_wecom import WeComRig

PATIENCE = 30.0
RIGS: Mapping[str, type[Rig]] = {
    "telegram": TelegramRig,
    "bilibili": BilibiliRig,
    "wecom": WeComRig,
    "channels": ChannelsRig,
    "tencent_classroom": LcicRig,
    "kuaishou": KuaishouRig,
}
"""The fake platform of each chat; the web page is the program's own."""


@dataclass
class Clock:
    """Put forward to the end of the time to undo."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True)
class Said:
    """A line of the recorded chat."""

    platform: str
    line: Line


def recorded(chat: Path) -> Iterator[Said]:
    for row in map(json.loads, chat.read_text(encoding="utf-8").splitlines()):
        yield Said(row["platform"], Line(row["user"], row["text"], str(row["id"])))


class Page:
    """The people on the web page, each with a browser of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._people: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> "Page":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for browser in self._people.values():
            await browser.close()

    async def say(self, line: Line) -> None:
        browser = self._people.get(line.user)
        if browser is None:
            jar = aiohttp.CookieJar(unsafe=True)
            browser = aiohttp.ClientSession(self._url, cookie_jar=jar, headers={"Origin": self._url})
            self._people[line.user] = browser
        body = {"text": line.text, "id": line.id}
        while True:
            async with browser.post("/api/v1/sessions/talk/messages", json=body) as reply:
                if reply.status == 202:
                    return
                assert reply.status == 429, await reply.text()
                await asyncio.sleep(float(reply.headers["Retry-After"]))


@dataclass
class Evening:
    """The running program and its platforms. `lost`: sources that were cut off on the way."""

    hall: Hall
    rigs: Mapping[str, Rig]
    page: Page
    clock: Clock
    said: int = 0
    lost: list[str] = field(default_factory=list)

    async def say(self, one: Said) -> None:
        """It is said on its platform, and in the inbox when this returns: so all platforms keep their common order."""
        chat = self.page if one.platform == "web" else self.rigs[one.platform]
        await chat.say(one.line)
        self.said += 1
        await self.until(self.said)

    async def until(self, messages: int) -> None:
        end = time.monotonic() + PATIENCE
        while (heard := await self._heard()) < messages:
            assert time.monotonic() < end, f"{heard} of {messages} arrived; {await self.hall.supervisor.reports()}"
            await asyncio.sleep(0.005)
        assert heard == messages, "a message came twice"

    async def _heard(self) -> int:
        return sum(message.part == 1 for message, _ in await self.hall.store.placements("talk"))

    async def cut(self, source: str, state: str) -> None:
        """The platform throws the connector out; returns when it listens again."""
        before = await self._connects(source)
        self.lost.append(source)
        await self.rigs[source].disconnect(state)
        end = time.monotonic() + PATIENCE
        while await self._connects(source) == before:
            assert time.monotonic() < end, f"{source} did not come back"
            await asyncio.sleep(0.05)

    async def one_for_each_chat_that_can_be_answered(self) -> Sequence[str]:
        """Ids of questions, so that each such chat asked one of them; the most wanted first."""
        left = {name for name, connector in self.hall.connectors.items() if connector.abilities.reply}
        found = []
        for question in sorted(await self.hall.store.questions("talk"), key=lambda q: (-q.people, q.id)):
            if question.state.merged_into == "" and left & question.chats.keys():
                left -= question.chats.keys()
                found.append(question.id)
        assert not left, f"nobody asked on {left}"
        return found

    async def answered(self, question: str, text: str) -> None:
        """Until every chat that asked it and can be replied to shows the answer."""
        asked = {one.message.source for one in await self.hall.store.asked(question)}
        sources = [name for name in asked & self.rigs.keys() if self.hall.connectors[name].abilities.reply]
        assert sources, f"{asked}: none of them can be replied to"
        end = time.monotonic() + PATIENCE
        for name in sources:
            while not any(text in said for said in self.rigs[name].sent()):
                assert time.monotonic() < end, f"{name}: {self.rigs[name].sent()}"
                await asyncio.sleep(0.05)

    async def _connects(self, source: str) -> int:
        return {r.health.source: r.health.connects for r in await self.hall.supervisor.reports()}[source]

    async def messages(self) -> list[Message]:
        return [message for message, _ in await self.hall.store.placements("talk")]

    async def queue(self) -> Mapping[str, object]:
        return await queue_of(self.hall)


async def queue_of(hall: Hall) -> Mapping[str, object]:
    """Each question by its title: who asks it in which words on which chat, how it stands, what was answered."""
    questions: Sequence[Question] = await hall.store.questions("talk")
    return {
        f"{q.title} {q.first_at}": (
            q.status,
            q.people,
            q.chats,
            q.sureness,
            q.suggested_answer,
            q.state.answer and (q.state.answer.text, q.state.answer.sources),
            sorted((one.message.source, one.message.external_id) for one in await hall.store.asked(q.id)),
        )
        for q in questions
    }


def settings(folder: Path, course: Path | None) -> Settings:
    talk = SessionSettings(id="talk", title="An evening talk", course=course)
    return Settings(data=folder, web=WebSettings(port=0), session=(talk,))


@asynccontextmanager
async def evening(folder: Path, course: Path | None, encoder: Encoder | None = None) -> AsyncIterator[Evening]:
    async with AsyncExitStack() as stack:
        rigs = {name: await stack.enter_async_context(make()) for name, make in RIGS.items()}
        clock = Clock()
        hall = await stack.enter_async_context(
            open_hall(
                settings(folder, course),
                now=clock,
                encoder=encoder,
                extra=lambda _: [rig.connector() for rig in rigs.values()],
            )
        )
        await hall.loaded()
        page = await stack.enter_async_context(Page(hall.url))
        yield Evening(hall, rigs, page, clock)


async def replayed(messages: Sequence[Message], lines: Sequence[Said], course: Path | None) -> Mapping[str, object]:
    """The queue that a plain replay of these messages, which came from these lines, makes."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_hall(settings(Path(folder), course)) as hall:
            await hall.loaded()
            await feed(hall, messages, lines)
            return await queue_of(hall)


async def feed(hall: Hall, messages: Sequence[Message], lines: Sequence[Said]) -> None:
    """What arrived at another hall, in parts where it asks several things, arrives here whole."""
    for message, one in zip((m for m in messages if m.part == 1), lines, strict=True):
        await hall.floor.receive([replace(message, id=0, text=one.line.text)])
    await hall.drained()
