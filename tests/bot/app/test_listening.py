"""What a source delivers, shown and not kept."""

import asyncio
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import listening
from bot.app.hall import open_hall
from bot.app.listening import Ear, NotKept, listen
from bot.connectors.intake import IntakeOptions
from bot.connectors.telegram.kind import TelegramOptions
from bot.errors import BadInput, ConnectorError, NotFound, Refused, SettingsError, StoreBusy, TryLater
from bot.kinds import Kind, Surroundings
from bot.model import Address, Cursor, Delivery, Message, Person
from bot.options import SourceOptions
from bot.ports import Connector, Floor
from bot.settings import Settings, WebSettings
from bot.storage.sqlite import open_store
from tests.bot.chats import Chat
from tests.bot.connectors.listening import connector, running
from tests.fake_floor import FakeFloor
from tests.fake_telegram import GROUP, TOKEN, FakeTelegram
from tests.fakes import HashEncoder
from tests.waiting import until

SECRET = "k3Vq9zXw2LmN8pRt"


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake
    assert fake.faults == []


def settings(folder: Path, *sources: SourceOptions, port: int = 0) -> Settings:
    return Settings(data=folder / "data", web=WebSettings(port=port), sources=sources)


def bot(server: FakeTelegram) -> TelegramOptions:
    return TelegramOptions(token=TOKEN, session="talk", base_url=server.base_url.rsplit("/bot", 1)[0])


@asynccontextmanager
async def listens(config: Settings, name: str) -> AsyncIterator[list[str]]:
    """The lines that are shown."""
    lines: list[str] = []
    task = asyncio.create_task(listen(config, name, lines.append, wait=lambda _: 0.02, again=0.05))
    try:
        yield lines
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ear(lines: list[str]) -> Ear:
    return Ear(lines.append, lambda: 0.0)


def message(text: str = "hello", **more: Any) -> Message:
    values = {"session": "talk", "source": "chat", "external_id": "1", "author": "u1", "author_name": "Ann", "at": 0.0}
    return Message(text=text, **{**values, **more})


async def test_messages_are_shown_and_left_to_the_program(server: FakeTelegram, tmp_path: Path) -> None:
    """Each once, as it comes; Telegram is told of none, so that the program gets all of them afterwards."""
    server.says("/ask Is there a recording?")
    async with listens(settings(tmp_path, bot(server)), "telegram") as lines:
        await until(lambda: any("Is there a recording?" in line for line in lines))
        server.says("and the slides?", chat=GROUP)
        await until(lambda: any("slides" in line for line in lines))
        await asyncio.sleep(0.3)
    assert len([line for line in lines if "recording" in line]) == 1
    assert "Ann Lee [asked]: Is there a recording?" in lines[1]
    assert lines[0].endswith("● connected, also to what was said before")
    assert len([line for line in lines if "connected" in line]) == 1
    assert server.unconfirmed() == 2
    assert server.said() == []
    floor = FakeFloor()
    async with running(connector(server, every_message=True), floor):
        await server.until(lambda: len(floor.messages) == 2)


async def test_what_the_program_has_already_does_not_come_again(server: FakeTelegram, tmp_path: Path) -> None:
    """It begins where the program stopped reading."""
    config = settings(tmp_path, bot(server))
    server.says("/ask old")
    store = await open_store(config.database)
    await store.receive([], Cursor("telegram", f"502@{time.time():.0f}"))
    await store.close()
    server.says("/ask new")
    async with listens(config, "telegram") as lines:
        await until(lambda: any("new" in line for line in lines))
    assert not any(": old" in line for line in lines)


async def test_what_the_bot_would_answer_is_shown_and_not_said(server: FakeTelegram, tmp_path: Path) -> None:
    """A command's reply, once."""
    server.says("/start")
    async with listens(settings(tmp_path, bot(server)), "telegram") as lines:
        await until(lambda: any("would be answered:" in line for line in lines))
        await asyncio.sleep(0.3)
    assert len([line for line in lines if "would be answered:" in line]) == 1
    assert server.said() == []


async def test_a_platform_that_calls_is_told_to_come_again(tmp_path: Path) -> None:
    """/in/NAME is served, and nothing else; what is posted there is shown and answered with 503."""
    port = free_port()
    config = settings(tmp_path, IntakeOptions(name="lobby", session="talk", secret=SECRET), port=port)
    body = json.dumps({"id": "1", "user": "u", "name": "Bo", "text": "Is there a recording?"})
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}
    async with (
        listens(config, "lobby") as lines,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        await until(lambda: any("connected" in line for line in lines))
        for _ in range(2):
            async with client.post("/in/lobby", data=body, headers=headers) as answer:
                assert answer.status == 503
        async with client.post("/in/lobby", data=body, headers={}) as answer:
            assert answer.status == 403
        for other in ("/", "/s/talk", "/in/other", "/api/v1/sessions"):
            async with client.get(other) as answer:
                assert answer.status == 404
    assert lines[0] == f"The platform may call http://127.0.0.1:{port}/in/lobby"
    assert len([line for line in lines if "Bo [no reply]: Is there a recording?" in line]) == 1
    assert [line.split("answered ")[1] for line in lines if "called by" in line] == ["503", "503", "403"]


async def test_a_port_that_is_taken_matters_only_where_the_platform_calls(server: FakeTelegram, tmp_path: Path) -> None:
    """Polling needs no port; a kind that is called does."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        lobby = IntakeOptions(name="lobby", session="talk", secret=SECRET)
        config = settings(tmp_path, bot(server), lobby, port=port)
        with pytest.raises(SettingsError, match="another program uses it"):
            await listen(config, "lobby", lambda _: None)
        async with listens(config, "telegram") as lines:
            await until(lambda: lines)


async def test_it_does_not_listen_beside_the_program(server: FakeTelegram, tmp_path: Path) -> None:
    """Two that listen to one chat throw each other out: whoever comes second is refused, either way round."""
    config = settings(tmp_path, bot(server))
    async with open_hall(config, encoder=HashEncoder()):
        with pytest.raises(StoreBusy, match="`floormic sources` shows how it is"):
            await listen(config, "telegram", lambda _: None)
    async with listens(config, "telegram") as lines:
        await until(lambda: lines)
        with pytest.raises(StoreBusy):
            await open_store(config.database)


async def test_nothing_is_stored(server: FakeTelegram, tmp_path: Path) -> None:
    """No database comes into being."""
    config = settings(tmp_path, bot(server))
    server.says("/ask Is there a recording?")
    async with listens(config, "telegram") as lines:
        await until(lambda: len(lines) > 1)
    assert not config.database.exists()


async def test_an_unknown_name_suggests_the_right_one(server: FakeTelegram, tmp_path: Path) -> None:
    """With all that there are, or how to get one."""
    with pytest.raises(BadInput, match='did you mean "telegram"'):
        await listen(settings(tmp_path, bot(server)), "telegarm", lambda _: None)
    with pytest.raises(BadInput, match="floormic connect --list"):
        await listen(settings(tmp_path), "telegram", lambda _: None)


async def test_a_wrong_key_ends_it(server: FakeTelegram, tmp_path: Path) -> None:
    """What waiting cannot heal is raised; the text is the platform's."""
    wrong = TelegramOptions(token="1:wrong", session="talk", base_url=server.base_url.rsplit("/bot", 1)[0])
    with pytest.raises(Refused):
        await asyncio.wait_for(listen(settings(tmp_path, wrong), "telegram", lambda _: None), 10)


class Moody(Chat):
    """A chat that loses its connection in every way."""

    def __init__(self) -> None:
        super().__init__("moody")
        self.troubles: list[Exception] = [ConnectorError("cut\x1b[0m"), TryLater(0.02), OSError("no route")]
        self.closed = False

    async def run(self, floor: Floor) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        floor.connected()
        floor.notice("the room is not live")
        await floor.receive([message("streamed", external_id="9")])
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True


async def test_changes_of_the_connection_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost, why and when it is tried again; connected; notices; and what a stream brings is taken as it comes."""
    moody = Moody()

    def make(options: SourceOptions, around: Surroundings) -> Connector:
        return moody

    async def try_out(options: SourceOptions, around: Surroundings) -> str:
        return ""

    intake = listening.KINDS["intake"]
    kind = Kind(intake.options, intake.titles, intake.guide, intake.abilities, make, try_out)
    monkeypatch.setitem(listening.KINDS, "intake", kind)
    config = settings(tmp_path, IntakeOptions(name="moody", session="talk", secret=SECRET))
    async with listens(config, "moody") as lines:
        await until(lambda: any("streamed" in line for line in lines))
    assert [line.split("  ", 1)[1] for line in lines] == [
        "○ not connected: cut[0m (again in 1 s)",
        "○ not connected: told to wait 0.02 s (again in 1 s)",
        "○ not connected: no route (again in 1 s)",
        "● connected",
        "! the room is not live",
        "Ann [no reply]: streamed",
    ]
    assert moody.closed


async def test_an_ear_says_how_each_message_may_be_answered() -> None:
    """Asked on purpose, in private, or not at all; nothing of a text steers the terminal."""
    lines: list[str] = []
    here = ear(lines)
    private, group = Address("chat", "1"), Address("chat", "2", private=False)
    await here.receive([message("one", external_id="1", address=private, explicit=True)])
    await here.receive([message("two", external_id="2", address=group)])
    await here.receive([message("\x1b]0;evil\x07th\u202eree\nlines", external_id="3", author_name="")])
    assert [line.split("  ", 1)[1] for line in lines] == [
        "Ann [asked, private]: one",
        "Ann: two",
        "u1 [no reply]: ]0;evilthree lines",
    ]


async def test_an_ear_confirms_nothing_that_has_a_cursor() -> None:
    """It is shown once and refused each time; answers are shown, votes count nowhere, and there is nothing to list."""
    lines: list[str] = []
    here, person = ear(lines), Person("chat", "u1", "Ann")
    for _ in range(2):
        with pytest.raises(NotKept):
            await here.receive(
                [message()], Cursor("chat", "1"), [Delivery("k", "talk", Address("chat", "1"), "An answer")]
            )
    assert len(lines) == 2
    assert lines[1].endswith("would be answered: An answer")
    for act in (here.vote, here.not_answered):
        with pytest.raises(NotFound):
            await act("talk", "q1", person)
    assert (await here.top("talk"), await here.mine("talk", person), await here.cursor("chat")) == ([], [], None)
