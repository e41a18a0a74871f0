"""The imaginary line chat of docs/connectors.md, and the connector that stands there, loaded from the page."""

import asyncio
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, ClassVar

from bot.kinds import Surroundings
from bot.ports import Connector
from tests.bot.connectors.contract import Line, Rig

PASSWORD = "open-sesame-of-the-room"
PAGE = (Path(__file__).parents[1] / "docs/connectors.md").read_text(encoding="utf-8")


def loaded() -> ModuleType:
    """The program of the page as a module."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    module = sys.modules["linechat"] = ModuleType("linechat")
    exec(compile(program, "docs/connectors.md", "exec"), module.__dict__)
    return module


LINECHAT = loaded()


class FakeLineChat:
    """A room. `said` are the lines that it keeps, as (id, user, text); the bot is called floormic there."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []
        self.here = asyncio.Event()
        self.delay = 0.0
        self.refuses, self.wait, self.mute = False, 0.0, False
        self.break_greeting = False
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "FakeLineChat":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        if self._writer:
            self._writer.close()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def says(self, user: str, text: str) -> str:
        id = str(len(self.said) + 1)
        self.said.append((id, user, text))
        if self.here.is_set():
            self.sends(id)
        return id

    def sends(self, id: str) -> None:
        _, user, text = self.said[int(id) - 1]
        self.raw(f"MSG {id} {user} {text}\n".encode())

    def raw(self, data: bytes) -> None:
        if self._writer and self.here.is_set():
            self._writer.write(data)

    def drop(self) -> None:
        self.here.clear()
        if self._writer:
            self._writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.break_greeting:
            self.break_greeting = False
            writer.close()
            return
        match (await reader.readline()).decode().split():
            case ["LOGIN", password, since] if password == PASSWORD:
                await asyncio.sleep(self.delay)
                writer.write(b"HELLO floormic\n")
            case _:
                writer.write(b"NO\n")
                writer.close()
                return
        self._writer = writer
        self.here.set()
        for id, *_ in self.said[int(since) :]:
            self.sends(id)
        while line := (await reader.readline()).decode():
            await asyncio.sleep(self.delay)
            _, number, text = line.rstrip("\n").split(" ", 2)
            writer.write(self._answer(number, text))
        if self._writer is writer:
            self.here.clear()
        writer.close()

    def _answer(self, number: str, text: str) -> bytes:
        if self.refuses:
            self.refuses = False
            return f"NEVER {number}\n".encode()
        if self.wait:
            seconds, self.wait = self.wait, 0.0
            return f"WAIT {number} {seconds:.0f}\n".encode()
        id = self.says("floormic", text)
        if self.mute:
            self.mute = False
            return b"PING\n"
        return f"SAID {number} {id}\n".encode()


class LineChatRig(Rig):
    """The room behind the contract's levers."""

    kind = "linechat"
    cannot: ClassVar = {"clock_off": "its lines carry no times; the time of arrival is taken"}
    secrets = (PASSWORD,)
    states = ("greeting", "listening")
    hostile = (b"MSG", b"MSG 1", b"SAID", b"SAID 1", b"WAIT 1 soon", b"MSG \xff \xff \xff", b"HELLO again")

    def __init__(self) -> None:
        self.room = FakeLineChat()
        self._ids: dict[str, str] = {}

    async def __aenter__(self) -> "LineChatRig":
        await self.room.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.room.__aexit__(*error)

    def connector(self) -> Connector:
        options = LINECHAT.LineChatOptions(password=PASSWORD, host="127.0.0.1", port=self.room.port, session="talk")
        made: Connector = LINECHAT.KIND.make(options, Surroundings(time.time, "", "en", lambda _: b""))
        return made

    async def say(self, line: Line) -> None:
        await asyncio.sleep(self.room.delay)
        self._ids[line.id] = self.room.says(line.user, line.text)

    async def say_again(self, id: str) -> None:
        await self.room.here.wait()
        self.room.sends(self._ids[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        await self.room.here.wait()
        first = len(self.room.said) + 1
        self.room.said += [(str(first + n), line.user, line.text) for n, line in enumerate(lines)]
        for n in reversed(range(len(lines))):
            self.room.sends(str(first + n))

    async def cut(self, line: Line) -> None:
        await self.room.here.wait()
        id = str(len(self.room.said) + 1)
        self.room.said.append((id, line.user, line.text))
        self.room.raw(f"MSG {id} {line.user} {line.text}"[:-5].encode())
        self.room.drop()

    async def oversized(self) -> None:
        await self.room.here.wait()
        self.room.raw(b"MSG 1 ann " + b"x" * 1_000_000 + b"\n")

    async def feed(self, payload: bytes) -> None:
        await self.room.here.wait()
        self.room.raw(payload + b"\n")

    async def disconnect(self, state: str) -> None:
        self.room.break_greeting = state == "greeting"
        self.room.drop()

    def slow(self, seconds: float) -> None:
        self.room.delay = seconds

    async def echo_own(self, text: str) -> None:
        self.room.says("floormic", text)

    def refuse_send(self) -> None:
        self.room.refuses = True

    def limit_send(self, seconds: float) -> None:
        self.room.wait = seconds

    def time_out_after_send(self) -> None:
        self.room.mute = True

    def sent(self) -> list[str]:
        return [text for _, user, text in self.room.said if user == "floormic"]
