"""The people of a hall whose program dies again and again: each asks until they are answered, as real clients do, and
all of them keep one ledger of what they were told was done."""

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.connectors.intake import signature
from tests.fake_telegram import TOKEN, FakeTelegram, private
from tests.torture._hall import TALK

SECRET = "only-for-the-crash-loops-0123"
API = f"/api/v1/sessions/{TALK}"
AGAIN = 0.2
"""Seconds until somebody who heard nothing tries again."""

TOPICS = [
    f"How does the {what} {does}?"
    for does in ("work", "grow", "fail", "sleep", "travel", "count", "cool down", "learn")
    for what in ("engine", "river", "comet", "market", "glacier", "beetle", "compiler", "bridge", "lung", "violin",
                 "desert", "planet", "yeast", "sail", "whale", "volcano", "battery", "antenna", "coral", "pendulum")
]  # fmt: skip


def intake_source() -> str:
    return f'[[intake]]\nname = "lobby"\nsession = "{TALK}"\nsecret = "{SECRET}"\n\n'


def telegram_source(telegram: FakeTelegram) -> str:
    base = telegram.base_url.removesuffix("/bot")
    return f'[[telegram]]\nname = "telegram"\nsession = "{TALK}"\ntoken = "{TOKEN}"\nbase_url = "{base}"\n\n'


def digest(*parts: object) -> str:
    """Of what was sent. What the database holds is compared by it, so that no store can please us by a count."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


@dataclass
class Ledger:
    """What was sent and what was acknowledged: messages by their digest, votes as (question, source, person), acts as
    (number, what)."""

    sent: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    votes: set[tuple[str, str, str]] = field(default_factory=set)
    acts: set[tuple[int, str]] = field(default_factory=set)

    @property
    def acknowledged(self) -> int:
        return len(self.messages) + len(self.votes) + len(self.acts)


class Crowd:
    """Senders of the signed intake, viewers and moderators on the page, and people on the fake Telegram. `run` until
    `close`, which lets everybody end what they began. An update of Telegram counts as acknowledged when it is
    confirmed (`confirm`). `pause`: seconds at least and at most between two things that one of them does;
    `moderating`: moderators do not rest."""

    moderating = True

    def __init__(
        self, url: str, telegram: FakeTelegram, dice: random.Random, pause: tuple[float, float] = (0.01, 0.05)
    ) -> None:
        self.ledger = Ledger()
        self._url, self._telegram, self._dice, self._pause = url, telegram, dice, pause
        self._stack = AsyncExitStack()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._questions: list[dict[str, Any]] = []
        self._taken: set[str] = set()
        self._spoken: dict[str, set[str]] = {}
        self._staff = self._browser()

    def _browser(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self._url,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Origin": self._url},
            timeout=aiohttp.ClientTimeout(total=10),
        )

    async def __aenter__(self) -> "Crowd":
        await self._stack.enter_async_context(self._staff)
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def sign_in(self, link: str) -> None:
        async with self._staff.post(link) as reply:
            reply.raise_for_status()

    async def run(self, senders: int = 4, viewers: int = 12, moderators: int = 2) -> None:
        for number in range(viewers):
            viewer = await self._stack.enter_async_context(self._browser())
            self._begin(lambda number=number, viewer=viewer: self._view(f"viewer {number}", viewer))
        for number in range(senders):
            self._begin(lambda number=number: self._send(f"s{number}"))
        for number in range(moderators):
            self._begin(lambda number=number: self._moderate(number, moderators))
        self._begin(self._chat)
        self._begin(self._look)

    async def close(self) -> None:
        self._closing = True
        await asyncio.gather(*self._tasks)
        async with asyncio.timeout(60):
            while self._telegram.unconfirmed():  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.02)
        self.confirm()

    def confirm(self) -> None:
        """What Telegram was told that it arrived."""
        for update in self._telegram.confirmed():
            if said := update.get("message"):
                text = said["text"].removeprefix("/ask ")
                self.ledger.messages.add(digest("telegram", said["from"]["id"], text))
            elif pressed := update.get("callback_query"):
                question = pressed["data"].removeprefix("v:")
                self.ledger.votes.add((question, "telegram", str(pressed["from"]["id"])))

    async def accepted(self) -> None:
        """Until the intake takes a message, tried as often as can be."""
        await self._say(f"probe-{time.monotonic_ns()}", "May I speak?", 0.005)

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        async def loop() -> None:
            while not self._closing:
                await work()
                await asyncio.sleep(self._dice.uniform(*self._pause))

        self._tasks.append(asyncio.create_task(loop()))

    async def _insist(
        self, ask: Callable[[], Any], again: float = AGAIN, known: Callable[[], Awaitable[bool]] | None = None
    ) -> tuple[int, Any]:
        """Ask until there is an answer that is no "not now". `known`: after an answer that did not come, whether it was
        done all the same; then (0, None)."""
        while True:
            try:
                async with ask() as reply:
                    answer = await reply.json(content_type=None)
                    if reply.status not in (429, 500, 503):
                        return reply.status, answer
            except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError):
                if known and await known():
                    return 0, None
            await asyncio.sleep(again)

    def _topic(self, person: str) -> str:
        """Something that this one has not said yet."""
        spoken = self._spoken.setdefault(person, set())
        text = self._dice.choice([topic for topic in TOPICS if topic not in spoken])
        spoken.add(text)
        return text

    # The signed intake

    async def _send(self, name: str) -> None:
        await self._say(f"{name}-{time.monotonic_ns()}", self._dice.choice(TOPICS))

    async def _say(self, user: str, text: str, again: float = AGAIN) -> None:
        body = json.dumps({"id": user, "user": user, "text": text}).encode()

        def post() -> Any:
            stamp = str(int(time.time()))
            headers = {
                "X-Floormic-Timestamp": stamp,
                "X-Floormic-Signature": signature(SECRET.encode(), stamp, body),
            }
            return self._staff.post("/in/lobby", data=body, headers=headers)

        sent = digest("lobby", user, text)
        self.ledger.sent.add(sent)
        status, _ = await self._insist(post, again)
        assert status == 200, status
        self.ledger.messages.add(sent)

    # The page

    async def _view(self, name: str, browser: aiohttp.ClientSession) -> None:
        asks = self._dice.random() < 0.5 and len(self._spoken.get(name, ())) < len(TOPICS)
        if asks or not self._questions:
            await self._ask(name, browser)
        else:
            await self._vote(name, browser)

    async def _ask(self, name: str, browser: aiohttp.ClientSession) -> None:
        body = {"text": self._topic(name), "id": digest(name, len(self._spoken[name]))[:20], "name": name}
        status, answer = await self._insist(lambda: browser.post(f"{API}/messages", json=body))
        assert status == 202, answer
        person = answer["message"].partition(":")[0]
        self.ledger.sent.add(digest("web", person, body["text"]))
        self.ledger.messages.add(digest("web", person, body["text"]))
        self._spoken.setdefault(f"id of {name}", {person})

    async def _vote(self, name: str, browser: aiohttp.ClientSession) -> None:
        if not (person := self._spoken.get(f"id of {name}")):
            return
        question = self._dice.choice(self._questions)["id"]
        status, answer = await self._insist(lambda: browser.put(f"{API}/questions/{question}/vote"))
        if status == 200:
            self.ledger.votes.add((answer["id"], "web", next(iter(person))))

    # Moderators

    async def _look(self) -> None:
        status, answer = await self._insist(lambda: self._staff.get(f"{API}/questions"))
        assert status == 200, answer
        self._questions = [one for one in answer["questions"] if one["status"] != "merged"]
        await asyncio.sleep(0.2)

    async def _moderate(self, number: int, of: int) -> None:
        """One does something to a question that nobody did anything to: approve, dismiss, answer or merge."""
        mine = [
            one["id"]
            for one in self._questions
            if one["status"] == "new" and one["id"] not in self._taken and int(digest(one["id"]), 16) % of == number
        ]
        if len(mine) < 2 or not self.moderating:
            return
        one, other = self._dice.sample(mine, 2)
        do = self._dice.choices(["answer", "approve", "merge", "dismiss"], [5, 2, 1, 1])[0]
        self._taken |= {one, other} if do == "merge" else {one}
        body: dict[str, Any] = {"do": do, "questions": [one]}
        if do == "answer":
            body["text"] = f"The answer to {one}."
        if do == "merge":
            body["into"] = other
        status, answer = await self._insist(
            lambda: self._staff.post(f"{API}/actions", json=body), known=lambda: self._is_done(one)
        )
        assert status in (0, 200), answer
        if status == 200:
            self.ledger.acts.add((answer["action"], do))

    async def _is_done(self, question: str) -> bool:
        status, answer = await self._insist(lambda: self._staff.get(f"{API}/questions/{question}"))
        assert status == 200, answer
        return bool(answer["status"] != "new")

    # Telegram

    async def _chat(self) -> None:
        """Somebody asks in private, or presses the button under what they were told."""
        await asyncio.sleep(0.1)
        if self._telegram.unconfirmed() > 20:
            return
        person = {"id": self._dice.randrange(1000, 1040), "is_bot": False, "first_name": "Ann"}
        told = [m for (chat, _), m in self._telegram.messages.items() if chat == person["id"] and "reply_markup" in m]
        if told and self._dice.random() < 0.3:
            message = self._dice.choice(told)
            self._telegram.presses(message["reply_markup"]["inline_keyboard"][0][0]["callback_data"], message, person)
            return
        text = self._topic(str(person["id"]))
        self.ledger.sent.add(digest("telegram", person["id"], text))
        self._telegram.says(f"/ask {text}", person, private(person))
