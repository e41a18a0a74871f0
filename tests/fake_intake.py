"""The other program of the signed intake: it posts the lines of its chat and takes the answers, or misbehaves."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors.intake import LONGEST_BODY, Intake, signature
from bot.ports import HookReply
from tests.bot.connectors.contract import Line, Rig
from tests.bot.connectors.listening import posted

SECRET = "0123456789abcdef-secret"
Json = dict[str, Any]
Mood = Callable[[Json], Awaitable[web.Response]]


def answering(status: int, **headers: str) -> Mood:
    """The answer is not taken."""

    async def mood(answer: Json) -> web.Response:
        return web.Response(status=status, text="<html>", headers={k.replace("_", "-"): v for k, v in headers.items()})

    return mood


class FakeChat:
    """A server that takes answers at `url`, each one once by its idempotency key. `taken` are those, `requests` all
    that came, with their headers; `will(*moods)` makes the next calls misbehave."""

    def __init__(self) -> None:
        self.taken: dict[str, Json] = {}
        self.requests: list[tuple[Mapping[str, str], bytes]] = []
        self.forged = 0
        self.delay = 0.0
        self._moods: deque[Mood] = deque()

    async def __aenter__(self) -> "FakeChat":
        app = web.Application()
        app.router.add_post("/answers", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/answers"

    @property
    def texts(self) -> list[str]:
        return [answer["text"] for answer in self.taken.values()]

    def will(self, *moods: Mood) -> None:
        self._moods.extend(moods)

    def take(self, headers: Mapping[str, str], body: bytes) -> Json:
        answer: Json = json.loads(body)
        self.taken.setdefault(headers["Idempotency-Key"], answer)
        return answer

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(self.delay)
        self.requests.append((request.headers.copy(), body))
        stamp = request.headers.get("X-Floormic-Timestamp", "")
        if request.headers.get("X-Floormic-Signature") != signature(SECRET.encode(), stamp, body):
            self.forged += 1
            return web.Response(status=400)
        if self._moods:
            return await self._moods.popleft()(json.loads(body))
        self.take(request.headers, body)
        return web.Response(status=204)


class IntakeRig(Rig):
    """The other program repeats what was not taken, as docs/intake.md tells it to."""

    kind = "intake"
    cannot: ClassVar = {
        "disconnect": "there is no connection: the other program makes a request for each line",
        "echo_own": "a line does not say whether the bot wrote it; the other program leaves those out",
    }
    secrets = (SECRET,)
    hostile = (b'[{"id": "1", "user": "u", "text": ""}]', b'{"id": 1e400, "user": "u", "text": "x"}')

    def __init__(self) -> None:
        self.chat = FakeChat()
        self._ahead = self._delay = 0.0
        self._lines: dict[str, Json] = {}
        self._made: Intake | None = None

    async def __aenter__(self) -> "IntakeRig":
        await self.chat.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.chat.__aexit__(kind, error, trace)

    def connector(self) -> Intake:
        self._made = Intake("intake", SECRET, "talk", time.time, self.chat.url)
        return self._made

    async def say(self, line: Line) -> None:
        await self._until_taken(json.dumps(self._written(line)).encode())

    async def say_again(self, id: str) -> None:
        await self._until_taken(json.dumps(self._lines[id]).encode())

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        written = [self._written(line) for line in lines]
        await self._until_taken(json.dumps(written[::-1]).encode())

    async def cut(self, line: Line) -> None:
        body = json.dumps(self._written(line)).encode()
        await self._post(body[: len(body) // 2], headers=self._signed(body))
        await self._post(body[: len(body) // 2])
        await self._until_taken(body)

    async def oversized(self) -> None:
        assert (await self._post(b" " * (LONGEST_BODY + 1))).status == 413

    async def feed(self, payload: bytes) -> None:
        assert (await self._post(payload)).status in (200, 400)

    def slow(self, seconds: float) -> None:
        self._delay = self.chat.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self._ahead = seconds

    def refuse_send(self) -> None:
        self.chat.will(answering(410))

    def limit_send(self, seconds: float) -> None:
        self.chat.will(answering(429, Retry_After=f"{seconds:.0f}"))

    def time_out_after_send(self) -> None:
        async def mood(answer: Json) -> web.Response:
            headers, body = self.chat.requests[-1]
            self.chat.take(headers, body)
            await asyncio.sleep(5)
            return web.Response(status=504)

        self.chat.will(mood)

    def sent(self) -> list[str]:
        assert not self.chat.forged
        return self.chat.texts

    def _written(self, line: Line) -> Json:
        at = time.time() + self._ahead
        return self._lines.setdefault(line.id, {"id": line.id, "user": line.user, "text": line.text, "at": at})

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time() + self._ahead))
        return {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(SECRET.encode(), stamp, body)}

    async def _post(self, body: bytes, headers: dict[str, str] | None = None) -> HookReply:
        assert self._made
        await asyncio.sleep(self._delay)
        return await self._made.hook(posted(headers or self._signed(body), body))

    async def _until_taken(self, body: bytes) -> None:
        while (reply := await self._post(body)).status != 200:
            assert reply.status in (403, 503), reply
            await asyncio.sleep(0.02)


class SilentIntakeRig(IntakeRig):
    """An intake that is given no `reply_url`."""

    way = "one way"

    def connector(self) -> Intake:
        self._made = Intake("intake", SECRET, "talk", time.time)
        return self._made
