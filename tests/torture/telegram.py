"""A bad evening of Telegram: it refuses, hangs, cuts its answers and repeats itself, and the program dies under it."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from bot.connectors.telegram.client import CALL_SECONDS
from tests.fake_telegram import GROUP, Do, FakeTelegram, Mood, broken, cut_json, cut_off, drop, hang, private, refuse
from tests.torture._hall import Program, free_port, light
from tests.torture._people import TOPICS, digest, telegram_source
from tests.torture.scenario import Run, scenario

FETCHING = ("getUpdates",)
SAYING = ("sendMessage", "editMessageText")
PEOPLE = [{"id": 1000 + n, "is_bot": False, "first_name": f"Ann {n}"} for n in range(8)]
PATIENCE = 120.0
"""Seconds that something may take which must happen; the program waits longer after each failure."""


class Evening:
    """People ask in private and in a group, send commands and press buttons. `sent`: digests of what they asked."""

    def __init__(self, run: Run, program: Program, telegram: FakeTelegram) -> None:
        self.run, self.program, self.telegram = run, program, telegram
        self.sent: set[str] = set()
        self.between = self.in_silence = self.trouble = 0
        self.asked_too_early = 0
        self.started = 1.0
        self._topics = random.Random(run.dice.random()).sample(TOPICS, len(TOPICS))

    def speak(self, lines: int) -> None:
        """Each line another question; one in five in the group, and after one in three somebody sends a command."""
        for number in range(lines):
            user, topic = self.run.dice.choice(PEOPLE), self._topics.pop()
            chat = GROUP if number % 5 == 4 else private(user)
            self.sent.add(digest("telegram", user["id"], topic))
            self.telegram.says(f"/ask {topic}", user, chat)
            if number % 3 == 0:
                self.telegram.says("/questions", user, private(user))

    def press(self, times: int) -> None:
        shown = [message for message in self.telegram.messages.values() if "reply_markup" in message]
        for message in self.run.dice.sample(shown, min(times, len(shown))):
            data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
            self.telegram.presses(data, message, self.run.dice.choice(PEOPLE))

    def worsen(self) -> None:
        """The next calls meet all that can go wrong. None of it leaves open whether something was said."""
        for method in (*FETCHING, *SAYING):
            longest = 1.0 if self.run.short or method in FETCHING else CALL_SECONDS + 5
            moods = [broken(502), broken(500), cut_json(), cut_off(), drop(), hang(longest)]
            self.run.dice.shuffle(moods)
            if method in FETCHING:
                moods = [*moods[:2], self._told_to_wait(1)]  # each one that fails doubles the wait for the next
            else:
                moods = [*moods, self._flooded(1), self._flooded(2)]
            self.trouble += len(moods)
            self.telegram.will(method, *moods)

    def _flooded(self, seconds: float) -> Mood:
        """A 429 for whoever says something, and for their chat from then on."""

        async def mood(request: web.Request, do: Do) -> web.StreamResponse:
            self.telegram.flood(seconds)
            return await do()

        return mood

    def _told_to_wait(self, seconds: int) -> Mood:
        """A 429 for whoever asks for updates, and a note where they ask again too early."""
        refused = refuse(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

        async def mood(request: web.Request, do: Do) -> web.StreamResponse:
            until = time.monotonic() + seconds

            async def judged(request: web.Request, do: Do) -> web.StreamResponse:
                self.asked_too_early += time.monotonic() < until
                return await do()

            self.telegram.will("getUpdates", judged)
            return await refused(request, do)

        return mood

    async def calm(self) -> None:
        """Until every update is confirmed and everything is said."""
        await self._until(lambda: not self.telegram.unconfirmed())
        await self._until(lambda: not self.program.asked("SELECT count(*) FROM messages WHERE placed = 0"))
        await self._until(lambda: not self.program.asked(_UNSAID))

    async def die_between_fetch_and_commit(self) -> None:
        """The answer with the updates is written, and the program is killed before it can have committed them."""
        asked, calm = asyncio.Event(), asyncio.Event()
        delay = self.run.dice.uniform(0.0, 0.003) if self.between else 0.0

        async def mood(request: web.Request, do: Do) -> web.StreamResponse:
            asked.set()
            answer = await do()
            if calm.is_set():
                asyncio.get_running_loop().call_later(delay, self.program.kill)
            else:
                self.telegram.will("getUpdates", mood)
            return answer

        self.telegram.will("getUpdates", mood)
        self.speak(1)
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        await self.calm()
        calm.set()
        before = len(self.sent)
        self.speak(3)
        await self.program.dead()
        db = self.program.copy(self.run.folder / "copy")
        there = db.execute("SELECT count(*) FROM messages").fetchone()[0]
        db.close()
        self.between += there <= before
        await self._start()

    async def die_in_a_silence(self) -> None:
        """Told to wait with somebody's chat, the program dies and comes back while it still has to."""
        user, silence = self.run.dice.choice(PEOPLE), round(2 + 2 * self.started)
        self.telegram.flood(silence)
        calls = len(self.telegram.calls)
        self.telegram.says("/questions", user, private(user))
        self.telegram.says("/help", user, private(user))
        await self._until(lambda: any(call.method == "sendMessage" for call in self.telegram.calls[calls:]))
        await self._until(lambda: self.program.asked(_TOLD_TO_WAIT))
        until = time.monotonic() + silence
        await self.program.end()
        await self._start()
        self.telegram.says("/help", user, private(user))
        self.in_silence += time.monotonic() < until

    async def _start(self) -> None:
        await self.program.start()
        self.started = await self.program.ready()

    async def _until(self, condition: "object") -> None:
        assert callable(condition)
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.02)

    async def play(self, rounds: int) -> None:
        await self._start()
        self.speak(5)
        await self.calm()
        for number in range(rounds):
            self.telegram.messy = number % 2 == 0
            self.worsen()
            self.speak(6)
            self.press(3)
            await self.calm()
            self.telegram.clears_up()
            await self.die_between_fetch_and_commit()
            await self.calm()  # what is being said when the program dies is said again: Telegram knows no key
            await self.die_in_a_silence()
            await self.calm()
            self.run.say(f"{number + 1} rounds, {len(self.sent)} asked, {len(self.telegram.calls)} calls")
        await self.program.end(signal.SIGTERM)

    def report(self) -> None:
        db = self.program.copy(self.run.folder / "copy")
        there = Counter(digest(*row) for row in db.execute("SELECT source, author, text FROM messages"))
        said = db.execute("SELECT json_extract(address, '$.chat'), text, state FROM deliveries").fetchall()
        db.close()
        run, telegram = self.run, self.telegram
        run.figure("calls that met trouble", self.trouble, least=1)
        run.figure("deaths between fetch and commit", self.between, least=1)
        run.figure("deaths in a silence, back before its end", self.in_silence)
        run.figure("messages", len(self.sent), least=1)
        run.figure("messages lost", len(self.sent - there.keys()), most=0)
        run.figure("messages there twice", sum(there.values()) - len(there), most=0)
        run.figure("updates never confirmed", telegram.unconfirmed(), most=0)
        run.figure("replies and acknowledgements", len(said), least=1)
        heard = Counter((chat, text) for chat in _chats(said) for text in telegram.texts(int(chat)))
        wanted = Counter((chat, text) for chat, text, _ in said)
        run.figure("not heard", (wanted - heard).total(), most=0)
        run.figure("heard twice", (heard - wanted).total(), most=0)
        run.figure("given up", sum(state != "sent" for _, _, state in said), most=0)
        run.figure("sent inside a retry_after", len(telegram.violations), most=0)
        run.figure("asked for updates inside a retry_after", self.asked_too_early, most=0)
        run.figure("wrong requests", len(telegram.faults), most=0)
        run.figure("faults in the program's log", len(self.program.faults()), most=0)
        for chat, text in [*(wanted - heard), *(heard - wanted)][:5]:
            run.say(f"in {chat} {heard[chat, text]} instead of {wanted[chat, text]} times: {text!r}")
        for trouble in [*telegram.violations, *telegram.faults, *self.program.faults()][:5]:
            run.say(trouble)


_UNSAID = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending')"
_TOLD_TO_WAIT = "SELECT count(*) FROM deliveries WHERE state = 'waiting' AND error GLOB 'told to wait*'"


def _chats(said: Sequence[tuple[str, str, str]]) -> set[str]:
    return {chat for chat, _, _ in said}


@scenario("telegram", seconds=150, daily=False)
async def telegram(run: Run) -> None:
    """429, 5xx, hanging and cut answers, updates doubled and reordered, deaths between fetch and commit and in a
    silence: nothing is lost, nothing is said twice, and nothing is sent while Telegram wants silence."""
    async with FakeTelegram() as fake:
        source = telegram_source(fake)
        program = light(Path(run.folder / "hall"), free_port(), source)
        try:
            evening = Evening(run, program, fake)
            await evening.play(1 if run.short else 6)
            evening.report()
        finally:
            if not program.gone:
                await program.end()
