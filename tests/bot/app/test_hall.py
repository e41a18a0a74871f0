"""The whole program with a real store, real pages and a Bot API server that is ours."""

import asyncio
import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from bot.app import Hall, open_hall
from bot.connectors.intake import IntakeOptions
from bot.connectors.telegram import TelegramOptions
from bot.errors import SettingsError, StoreBusy
from bot.model import Mode, Preview
from bot.replies import UNDO_WITHIN
from bot.settings import EncoderSettings, SessionSettings, Settings, WebSettings
from knowledge.encoder import EncoderGone
from tests.fake_telegram import TOKEN, FakeTelegram
from tests.fakes import HashEncoder
from tests.waiting import until

SECRET = "a-shared-secret-of-the-hall-42"


class Clock:
    """A clock that can be put forward, so that no test waits for the time to undo."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += seconds


def settings(folder: Path, **more: Any) -> Settings:
    talk = SessionSettings(id="talk", title="A talk", language="en", **more.pop("session", {}))
    return Settings(data=folder / "data", web=more.pop("web", WebSettings(port=0)), session=(talk,), **more)


@asynccontextmanager
async def signed_in(hall: Hall) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser of a moderator."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(hall.url, cookie_jar=jar, headers={"Origin": hall.url}) as client:
        async with client.post(hall.link("moderator", "Ann")) as reply:
            assert reply.status == 200, await reply.text()
        yield client


def visitor(hall: Hall) -> aiohttp.ClientSession:
    """A browser of a viewer."""
    return aiohttp.ClientSession(hall.url, cookie_jar=aiohttp.CookieJar(unsafe=True))


async def test_from_chat_and_page_to_the_queue_and_back(tmp_path: Path) -> None:
    """One question asked in a group, in private and on the page is one of the queue; its answer reaches each asker."""
    clock = Clock()
    async with FakeTelegram() as telegram:
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=telegram.base_url.rsplit("/bot", 1)[0])
        async with (
            open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder(), now=clock) as hall,
            signed_in(hall) as moderator,
            visitor(hall) as viewer,
        ):
            await hall.loaded()
            telegram.says("/ask Is there a recording of this talk?")
            await until(lambda: _questions(viewer, people=1))
            await _post(viewer, "messages", hall.url, {"text": "is there a recording of this talk"})
            (question,) = await until(lambda: _questions(viewer, people=2))
            assert question["chats"] == {"telegram": 1, "web": 1}
            body = {"do": "answer", "questions": [question["id"]], "text": "Tomorrow at noon."}
            await _post(moderator, "actions", hall.url, body)
            clock.forward(UNDO_WITHIN)
            hall.desk._sending()
            await telegram.until(lambda: any("Tomorrow at noon." in call.text for call in telegram.said()))
            async with viewer.get("/api/v1/sessions/talk/mine") as reply:
                (mine,) = (await reply.json())["messages"]
            assert mine["question"]["answer"]["text"] == "Tomorrow at noon."
    said = [call.text for call in telegram.said() if "Tomorrow at noon." in call.text]
    assert len(said) == 1


async def _questions(client: aiohttp.ClientSession, people: int) -> list[dict[str, Any]]:
    async with client.get("/api/v1/sessions/talk/questions") as reply:
        questions = (await reply.json())["questions"]
    return questions if sum(q["people"] for q in questions) == people else []


async def _post(client: aiohttp.ClientSession, what: str, origin: str, body: dict[str, Any]) -> None:
    async with client.post(f"/api/v1/sessions/talk/{what}", json=body, headers={"Origin": origin}) as reply:
        assert reply.status < 300, await reply.text()


async def test_the_signed_intake_feeds_the_queue(tmp_path: Path) -> None:
    """A program that signs its messages fills the queue; the same post again changes nothing."""
    intake = IntakeOptions(name="lobby", session="talk", secret=SECRET)
    async with open_hall(settings(tmp_path, sources=(intake,)), encoder=HashEncoder()) as hall:
        await hall.loaded()
        body = json.dumps({"id": "1", "user": "u", "name": "", "text": "Is there a recording?", "at": time.time()})
        stamp = str(int(time.time()))
        digest = hmac.new(SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}
        async with aiohttp.ClientSession(hall.url) as client:
            for _ in range(2):
                async with client.post("/in/lobby", data=body, headers=headers) as reply:
                    assert reply.status == 200, await reply.text()
            async with client.post("/in/lobby", data=body + " ", headers=headers) as reply:
                assert reply.status == 403
            (question,) = await until(lambda: _questions(client, people=1))
    assert question["title"] == "Is there a recording?"


async def test_one_human_on_two_chats_links_them(tmp_path: Path) -> None:
    """Who says the page's code in a chat counts once, sees on the page what they asked there, and the code itself is no
    question."""
    intake = IntakeOptions(name="lobby", session="talk", secret=SECRET)
    async with open_hall(settings(tmp_path, sources=(intake,)), encoder=HashEncoder()) as hall:
        await hall.loaded()
        async with visitor(hall) as page:
            await _post(page, "messages", hall.url, {"text": "Is there a recording?"})
            await _signed(hall, {"id": "1", "user": "u", "text": "Is there a recording?"})
            await until(lambda: _questions(page, people=2))
            async with page.post("/api/v1/sessions/talk/me/link", headers={"Origin": hall.url}) as reply:
                assert reply.status == 201, await reply.text()
                offered = await reply.json()
            await _signed(hall, {"id": "2", "user": "u", "text": offered["say"]})
            (question,) = await until(lambda: _questions(page, people=1))
            async with page.get("/api/v1/sessions/talk/mine") as reply:
                mine = await reply.json()
    assert question["chats"] == {"lobby": 1, "web": 1}
    assert [message["source"] for message in mine["messages"]] == ["web", "lobby"]
    assert [one["source"] for one in mine["linked"]] == ["lobby"]


async def _signed(hall: Hall, line: dict[str, Any]) -> None:
    body, stamp = json.dumps(line), str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}
    async with aiohttp.ClientSession(hall.url) as client, client.post("/in/lobby", data=body, headers=headers) as reply:
        assert reply.status == 200, await reply.text()


async def test_what_comes_before_the_model_is_loaded_waits_in_the_inbox(tmp_path: Path) -> None:
    """The page takes questions at once; they are placed when the model is there."""
    slow = asyncio.Event()

    class Loading(HashEncoder):
        """A model that takes its time."""

    async with open_hall(settings(tmp_path), encoder=Loading()) as hall:
        hall._minds.load = _after(slow, hall._minds.load)  # type: ignore[method-assign]
        async with visitor(hall) as viewer:
            await _post(viewer, "messages", hall.url, {"text": "Is there a recording?"})
            assert not await _questions(viewer, people=1)
            slow.set()
            assert await until(lambda: _questions(viewer, people=1))


def _after(event: asyncio.Event, call: Callable[[], Awaitable[Any]]) -> Any:
    async def wait() -> Any:
        await event.wait()
        return await call()

    return wait


async def test_nothing_is_looked_up_while_the_encoder_is_away(tmp_path: Path) -> None:
    """Whoever types sees no similar question then, and no error either."""

    class Away(HashEncoder):
        away = False

        def encode(self, texts: Sequence[str]) -> Any:
            if self.away:
                raise EncoderGone("no encoder service")
            return super().encode(texts)

    encoder = Away()
    async with open_hall(settings(tmp_path), encoder=encoder) as hall, visitor(hall) as viewer:
        await _post(viewer, "messages", hall.url, {"text": "Is there a recording?"})
        await until(lambda: _questions(viewer, people=1))
        (session,) = await hall.store.sessions()
        assert (await hall.look_up(session.id, "Is there a recording?")).question
        encoder.away = True
        assert await hall.look_up(session.id, "Is there a recording?") == Preview()


async def test_a_second_program_on_the_same_database_is_refused(tmp_path: Path) -> None:
    """Two processes never share a database: the second says so and leaves the first alone."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        with pytest.raises(StoreBusy, match="another"):
            async with open_hall(settings(tmp_path), encoder=HashEncoder()):
                pass
        async with aiohttp.ClientSession(hall.url) as client, client.get("/healthz") as reply:
            assert reply.status == 200


async def test_a_port_in_use_says_what_to_do(tmp_path: Path) -> None:
    """Starting on a taken port is an error that names the port, and the database is free again."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        web = WebSettings(port=int(hall.url.rsplit(":", 1)[1]))
        for _ in range(2):
            with pytest.raises(SettingsError, match=f"port {web.port}"):
                async with open_hall(settings(tmp_path / "other", web=web), encoder=HashEncoder()):
                    pass


async def test_a_refused_token_stops_the_bot_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong Telegram token is one clear line in the log; the page goes on."""
    async with FakeTelegram() as telegram:
        bot = TelegramOptions(token="9:wrong", session="talk", base_url=telegram.base_url.rsplit("/bot", 1)[0])
        async with open_hall(settings(tmp_path, sources=(bot,)), encoder=HashEncoder()) as hall:

            async def refused() -> bool:
                return any(
                    record.getMessage().startswith("Telegram: the token was refused")
                    and record.getMessage().endswith("(not tried again)")
                    for record in caplog.records
                )

            await until(refused)
            async with visitor(hall) as viewer:
                await _post(viewer, "messages", hall.url, {"text": "Is there a recording?"})
                assert await until(lambda: _questions(viewer, people=1))


async def test_a_changed_course_is_used_without_a_restart(tmp_path: Path) -> None:
    """An entry written into faq.md while the program runs answers the next asker."""
    course = tmp_path / "course"
    course.mkdir()
    (course / "faq.md").write_text("# FAQ\n", encoding="utf-8")
    async with open_hall(settings(tmp_path, session={"course": course}), encoder=HashEncoder()) as hall:
        await hall.loaded()
        pipeline = hall.pipelines["talk"]

        def newest() -> Any:
            return pipeline._understanding._taught.course

        before = newest()
        (course / "faq.md").write_text("# FAQ\n\n## Is there a recording?\n\nTomorrow.\n", encoding="utf-8")

        async def taught() -> bool:
            return newest() is not before

        await until(taught)
        vector = HashEncoder().encode(["Is there a recording?"])[0]
        match = newest().match("Is there a recording?", vector)
        assert match
        assert match.text == "Tomorrow."


async def test_a_restart_shows_the_same_queue(tmp_path: Path) -> None:
    """After a stop and a start the questions and their people are there, and a repeat joins its group."""
    for people in (1, 2):
        async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall, visitor(hall) as viewer:
            await _post(viewer, "messages", hall.url, {"text": "Is there a recording?"})
            (question,) = await until(lambda people=people: _questions(viewer, people=people))
    assert question["messages"] == 2


async def test_what_a_session_may_do_counts_at_once_while_another_takes_a_course(tmp_path: Path) -> None:
    """Whoever switches its answers off, or those of the very session that takes one, does not wait for the course."""
    may_read = threading.Event()

    class Sluggish(HashEncoder):
        """Reads this course when it may."""

        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if any("sluggish" in text for text in texts):
                may_read.wait(30)
            return super().encode(texts)

    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "faq.md").write_text("## What is sluggish?\n\nThis is.\n")
    talks = tuple(SessionSettings(id=id, title=id, language="en") for id in ("talk", "other"))
    both = Settings(data=tmp_path / "data", web=WebSettings(port=0), session=talks)
    async with open_hall(both, encoder=Sluggish()) as hall:
        try:
            await hall.loaded()
            await hall.desk.set_up("Ann", "other", {"course": str(tmp_path / "course")})
            await until(lambda: hall.following._setting["other"].locked())
            for id in ("talk", "other"):
                await hall.desk.set_up("Ann", id, {"answers": Mode.OFF})
                await until(lambda id=id: hall.pipelines[id]._newest.answers is Mode.OFF, 10)
            assert hall.following._setting["other"].locked()
        finally:
            may_read.set()


async def test_the_words_of_whoever_is_forgotten_leave_the_memory(tmp_path: Path) -> None:
    """At once, where nobody says anything after that either."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall, visitor(hall) as viewer:
        await _post(viewer, "messages", hall.url, {"text": "Who ate my zucchini?"})
        (question,) = await until(lambda: _questions(viewer, people=1))
        (asked,) = await hall.store.asked(question["id"])

        def remembered() -> list[str]:
            filed = hall.pipelines["talk"]._understanding._groups._filing.filed
            return [one.member.text for one in filed.values()]

        assert remembered() == ["who ate my zucchini?"]
        await hall.store.forget(asked.message.person, None, time.time())
        await hall._forgotten()
        await until(lambda: not any("zucchini" in text for text in remembered()))


async def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    """A wrong model name stops the program with a word about that setting, and the port is free again."""
    wrong = settings(tmp_path, encoder=EncoderSettings(model=str(tmp_path / "no-such-model")))
    with pytest.raises(SettingsError, match="no-such-model"):
        async with open_hall(wrong) as hall:
            await hall.loaded()


async def test_a_question_is_seen_by_its_asker_before_it_is_placed(tmp_path: Path) -> None:
    """Right after sending, one's own questions list what was sent as received."""
    placing = threading.Event()

    class Waiting(HashEncoder):
        """A model that takes its time."""

        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            placing.wait(30)
            return super().encode(texts)

    async with open_hall(settings(tmp_path), encoder=Waiting()) as hall, visitor(hall) as viewer:
        try:
            await _post(viewer, "messages", hall.url, {"text": "Is there a recording?"})
            async with viewer.get("/api/v1/sessions/talk/mine") as reply:
                (mine,) = (await reply.json())["messages"]
        finally:
            placing.set()
    assert (mine["text"], mine["state"]) == ("Is there a recording?", "received")
