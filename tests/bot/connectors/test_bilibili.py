"""The Bilibili connector against our own Bilibili, also one that misbehaves."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from pydantic import ValidationError

from bot.connectors.bilibili import KIND, BilibiliOptions
from bot.connectors.bilibili.client import Timing
from bot.errors import ConnectorError, Refused, TryLater
from bot.kinds import Surroundings
from bot.model import Cursor
from tests.bot.connectors.contract import told
from tests.bot.connectors.listening import running
from tests.fake_bilibili import (
    APP_ID,
    BROTLI,
    CODE,
    FAST,
    JSON,
    KEY,
    SECRET,
    TOKEN,
    ZLIB,
    FakeBilibili,
    Mood,
    connector,
    event,
    framed,
    hang,
    html,
    packet,
    raw,
    refuse,
)
from tests.fake_floor import FakeFloor
from tests.waiting import until

BOTH = pytest.mark.parametrize("variant", ["open", "oauth"])
START = {"open": "/v2/app/start", "oauth": "/live/room/ws-start"}
BEAT = {"open": "/v2/app/heartbeat", "oauth": "/live/room/ws-heartbeat"}


@pytest.fixture
async def platform(caplog: pytest.LogCaptureFixture) -> AsyncIterator[FakeBilibili]:
    """Whatever a test is about, we do nothing against the documents and log no secret."""
    caplog.set_level(logging.DEBUG, "bot")
    async with FakeBilibili() as fake:
        yield fake
    assert fake.faults == []
    log = told(caplog.records)
    assert not [secret for secret in (SECRET, CODE, TOKEN) if secret in log]
    assert "private-words" not in log


async def trouble_of(platform: FakeBilibili, variant: str = "open", **options: object) -> ConnectorError:
    """What one run ends in."""
    made = connector(platform, variant=variant, **options)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(ConnectorError) as error:
                await made.run(FakeFloor())
    finally:
        await made.close()
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("Bilibili")
    assert not [secret for secret in (SECRET, CODE, TOKEN) if secret in str(error.value)]
    return error.value


# Hearing


@BOTH
async def test_a_comment_reaches_the_floor(platform: FakeBilibili, variant: str) -> None:
    """Who asked what and when; both platforms, in frames of every kind."""
    floor = FakeFloor()
    async with running(connector(platform, variant=variant), floor):
        for packing in (JSON, ZLIB, BROTLI):
            platform.packing = packing
            await platform.says(f"为什么 {packing}？", "小明", f"m{packing}")
        await until(lambda: len(floor.messages) == 3)
    first = floor.messages[0]
    assert (first.source, first.session, first.text) == ("bilibili", "talk", "为什么 0？")
    assert (first.author, first.author_name, first.external_id) == ("open-小明", "小明", "m0")
    assert abs(first.at - time.time()) < 5
    assert first.address is None
    assert not first.explicit


async def test_pictures_say_nothing_and_a_reply_names_whom_it_is_to(platform: FakeBilibili) -> None:
    """An emoji picture is skipped; a comment to another viewer begins with their name."""
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await platform.says("[dog]", dm_type=1)
        await platform.says("我也想知道", reply_uname="小红")
        await platform.says("为什么？", reply_uname="讲者")
        await until(lambda: len(floor.messages) == 2)
    assert floor.texts == ["@小红 我也想知道", "为什么？"]


@BOTH
async def test_the_session_and_the_socket_are_kept_alive(platform: FakeBilibili, variant: str) -> None:
    """Both beats come in time, so that neither the session nor the socket is dropped; at the end the session is ended
    where the platform has an end."""
    platform.expiry, platform.socket_limit = 0.4, 0.4
    floor = FakeFloor()
    async with running(connector(platform, variant=variant), floor):
        await until(lambda: len(platform.asked(BEAT[variant])) > 6)
        assert len(platform.greeted) == 1
        assert platform.beats > 4
    assert floor.heard == ["connected"]
    assert len(platform.asked("/v2/app/end")) == (variant == "open")
    if variant == "open":
        (ended,) = platform.asked("/v2/app/end")
        assert ended == {"app_id": APP_ID, "game_id": ended["game_id"]}
        assert not platform.open
        assert floor.cursors == {"bilibili": ""}


def test_the_times_that_the_documents_want() -> None:
    """A beat of the session every 20 s and of the socket every 30 s; auth within 5 s."""
    assert (Timing().beat, Timing().socket_beat, Timing().auth) == (20, 30, 5)


# What is lost and found again


async def test_a_broken_socket_costs_no_new_session(platform: FakeBilibili) -> None:
    """The session lives on, and the next address is asked first, as the one before has just failed."""
    platform.cooling = 60
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await platform.says("one")
        await until(lambda: floor.texts == ["one"])
        await platform.drop()
        await platform.says("two")
        await until(lambda: floor.texts == ["one", "two"])
    assert platform.greeted == ["a", "b"]
    assert len(platform.asked("/start")) == 1
    assert any("closed the connection" in line for line in floor.heard)


async def test_a_session_without_a_socket_is_ended_with_the_program(platform: FakeBilibili) -> None:
    """Where the program ends between two runs, Bilibili hears of it nevertheless."""
    made, floor = connector(platform), FakeFloor()
    platform.closed_links = {"a", "b", "c"}
    with pytest.raises(ConnectorError):
        await made.run(floor)
    assert len(platform.open) == 1
    await made.close()
    assert not platform.open


@BOTH
async def test_addresses_are_tried_one_after_another(platform: FakeBilibili, variant: str) -> None:
    """Those that are down are passed over within one connecting; only where none works it fails."""
    platform.closed_links = {"a", "b"}
    floor = FakeFloor()
    async with running(connector(platform, variant=variant), floor):
        await platform.says("heard")
        await until(lambda: floor.texts == ["heard"])
    assert platform.greeted == ["c"]
    assert floor.heard == ["connected"]
    platform.closed_links = {"a", "b", "c"}
    platform.open.clear()
    assert "message server cannot be reached" in str(await trouble_of(platform, variant))


async def test_addresses_that_are_none(platform: FakeBilibili) -> None:
    """Whatever stands in the list, it is a connection that cannot be had."""
    for links in (["file:///etc/passwd"], ["no address"], ["ws://127.0.0.1:1/"], ["http://[", "ws://"]):
        platform.links = links
        platform.open.clear()
        assert "cannot be reached" in str(await trouble_of(platform))
    platform.links, platform.closed_links = [platform.link("a")] * 100, {"a"}
    platform.open.clear()
    await trouble_of(platform)
    assert len(platform.knocked) == 10


@BOTH
async def test_a_session_that_expired_is_started_anew(platform: FakeBilibili, variant: str) -> None:
    """Code 7003 to a beat."""
    floor = FakeFloor()
    async with running(connector(platform, variant=variant), floor):
        await until(lambda: platform.sockets)
        platform.open.clear()
        await until(lambda: len(platform.asked(START[variant])) == 2)
        await until(lambda: floor.heard.count("connected") == 2)
        await platform.says("heard")
        await until(lambda: floor.texts == ["heard"])
    assert any("session has ended" in line for line in floor.heard)


async def test_a_session_that_bilibili_ends_is_started_anew(platform: FakeBilibili) -> None:
    """LIVE_OPEN_PLATFORM_INTERACTION_END; what was said in the same frame is kept."""
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await until(lambda: platform.sockets)
        (id,) = platform.open
        platform.open.clear()
        end = event("LIVE_OPEN_PLATFORM_INTERACTION_END", game_id=id)
        await platform.sends(framed(ZLIB, platform.comment("last words"), end))
        await until(lambda: floor.heard.count("connected") == 2)
        await platform.says("first words")
        await until(lambda: floor.texts == ["last words", "first words"])
    assert len(platform.asked("/start")) == 2


async def test_the_session_of_a_killed_run_is_ended(platform: FakeBilibili) -> None:
    """A run that could not say goodbye left a session that would block the next one: that one ends it and says so."""
    floor = FakeFloor()
    made = connector(platform)
    task = asyncio.create_task(made.run(floor))
    await until(lambda: platform.sockets)
    (left,) = platform.open
    assert floor.cursors == {"bilibili": left}
    platform.will("/end", html())  # the process is gone before the end arrives
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await made.close()
    assert list(platform.open) == [left]
    async with running(connector(platform), floor):
        await platform.says("heard")
        await until(lambda: floor.texts == ["heard"])
        assert platform.asked("/end") == [{"app_id": APP_ID, "game_id": left}]
    assert [line for line in floor.heard if "notice" in line and "still open" in line]


async def test_a_session_that_is_over_needs_no_word(platform: FakeBilibili) -> None:
    """Where the killed run's session has expired, or cannot be ended at all (OAuth), nobody is told of an ending."""
    for variant in ("open", "oauth"):
        floor = FakeFloor()
        floor.cursors["bilibili"] = "long gone"
        async with running(connector(platform, variant=variant), floor):
            await until(lambda floor=floor: "connected" in floor.heard)
        assert floor.heard == ["connected"]
    assert platform.asked("/end")[0]["game_id"] == "long gone"


async def test_a_session_of_another_program_is_not_touched(platform: FakeBilibili) -> None:
    """Where another program listens, the line says so; nothing is ended."""
    platform.open["game-of-another"] = time.monotonic()
    error = await trouble_of(platform)
    assert "still open in this room" in str(error)
    assert not isinstance(error, Refused)
    assert list(platform.open) == ["game-of-another"]


async def test_the_cooling_time_is_waited_for(platform: FakeBilibili) -> None:
    """Code 7001 says ten seconds."""
    platform.will("/start", refuse(7001))
    error = await trouble_of(platform)
    assert isinstance(error, TryLater)
    assert error.seconds == 10
    assert "still being closed" in str(error)


async def test_a_start_that_was_done_but_not_answered_leaves_a_line(platform: FakeBilibili) -> None:
    """Nobody knows that session's id, so the next start says what blocks it until it has expired."""
    platform.will("/start", hang(1))
    assert "cannot be reached" in str(await trouble_of(platform, timing=replace(FAST, answer=0.2)))
    assert "still open" in str(await trouble_of(platform))


async def test_a_beat_that_fails_twice_is_borne(platform: FakeBilibili) -> None:
    """Bilibili allows a minute; only the third in a row ends the connection."""
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await until(lambda: platform.sockets)
        for n in (2, 4):
            platform.will("/heartbeat", html(502), refuse(5000))
            await until(lambda n=n: len(platform.asked("/heartbeat")) > n)
        assert floor.heard == ["connected"]
        platform.will("/heartbeat", html(502), html(502), html(502))
        await until(lambda: floor.heard.count("connected") == 2)
    assert len(platform.asked("/start")) == 1


async def test_a_socket_that_gives_nothing_is_left(platform: FakeBilibili) -> None:
    """Every beat is answered, so that silence means a dead connection."""
    floor = FakeFloor()
    async with running(connector(platform, timing=replace(FAST, answer=0.3)), floor):
        await until(lambda: platform.beats)
        platform.mute = True
        await until(lambda: any("went silent" in line for line in floor.heard))


async def test_a_socket_that_does_not_answer_the_auth(platform: FakeBilibili) -> None:
    """Each of its addresses gets its time and is left, then the line says what happened."""
    platform.mute = True
    made = connector(platform, timing=replace(FAST, auth=0.1))
    with pytest.raises(ConnectorError, match="did not answer in time"):
        await made.run(FakeFloor())
    assert platform.knocked == ["a", "b", "c"]
    await until(lambda: not platform._transports)
    await made.close()


async def test_a_socket_that_does_not_take_the_session(platform: FakeBilibili) -> None:
    """Code -101 in the reply: the session is ended, and the next run starts another one."""
    platform.auth_code = -101
    error = await trouble_of(platform)
    assert "does not take the session (code -101)" in str(error)
    assert not isinstance(error, Refused)
    assert not platform.open
    assert platform.knocked == ["a"]


async def test_frames_that_cannot_be_read_are_skipped(platform: FakeBilibili) -> None:
    """A hostile frame costs itself only, and its words are not logged."""
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await until(lambda: platform.sockets)
        hostile = event("LIVE_OPEN_PLATFORM_DM", msg="private-words", open_id=None, msg_id="1")
        await platform.sends(framed(JSON, b"private-words", hostile, platform.comment("good")) + b"private-words")
        await platform.sends(packet(5, b"private-words", ZLIB))
        await platform.sends(b"")
        for socket in platform.sockets:
            await socket.send_str("<html>private-words</html>")
        await platform.says("after")
        await until(lambda: floor.texts == ["good", "after"])
    assert platform.greeted == ["a"]


async def test_a_frame_that_is_too_large_closes_the_socket(platform: FakeBilibili) -> None:
    """It is not read to its end; the connection is made anew."""
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await until(lambda: platform.sockets)
        await platform.sends(packet(5, bytes(2 * 1024 * 1024)))
        await until(lambda: any("more at once than is allowed" in line for line in floor.heard))
        await until(lambda: floor.heard.count("connected") == 2)


# What cannot be stored


async def test_what_cannot_be_stored_now_is_stored_later(platform: FakeBilibili) -> None:
    """Bilibili gives nothing twice, so it waits in memory; the connection stands, and people are told."""
    floor = FakeFloor()
    async with running(connector(platform), floor):
        await until(lambda: platform.sockets)
        floor.fail_next = 3
        for text in ("one", "two", "three"):
            await platform.says(text)
        await until(lambda: floor.texts == ["one", "two", "three"])
    assert platform.greeted == ["a"]
    assert any("cannot be stored now" in line for line in floor.heard)
    assert floor.heard[-1] == "connected"


async def test_a_full_disk_at_the_start_only_delays(platform: FakeBilibili) -> None:
    """That the session's id cannot be kept does not keep us from listening."""
    floor = FakeFloor()
    floor.fail_next = 1
    async with running(connector(platform), floor):
        await platform.says("heard")
        await until(lambda: floor.texts == ["heard"])
    assert floor.heard == ["connected"]


async def test_what_the_store_breaks_on_is_not_tried_for_ever(platform: FakeBilibili) -> None:
    """A fault that is no `StoreError` is raised, and what it came from does not come again."""

    class Broken(FakeFloor):
        async def receive(self, messages, cursor=None, deliveries=()):  # type: ignore[no-untyped-def]
            if any(message.text == "poison" for message in messages):
                raise RuntimeError("a fault")
            return await super().receive(messages, cursor, deliveries)

    floor, made = Broken(), connector(platform)
    task = asyncio.create_task(made.run(floor))
    await platform.says("poison")
    with pytest.raises(RuntimeError):
        await task
    async with running(made, floor):
        await platform.says("heard")
        await until(lambda: floor.texts == ["heard"])
    assert len(platform.asked("/start")) == 1


async def test_what_is_being_stored_when_the_program_ends_is_stored(platform: FakeBilibili) -> None:
    """The last comments are written before the session is ended."""

    class Slow(FakeFloor):
        async def receive(self, messages, cursor=None, deliveries=()):  # type: ignore[no-untyped-def]
            if messages and not self.deliveries:
                self.deliveries["entered"] = None  # type: ignore[assignment]
                await asyncio.sleep(60)
            return await super().receive(messages, cursor, deliveries)

    floor = Slow()
    async with running(connector(platform), floor):
        await platform.says("last words")
        await until(lambda: floor.deliveries)
    assert floor.texts == ["last words"]
    assert not platform.open


# Whether the room is live


async def test_a_room_that_is_not_live_is_said(platform: FakeBilibili) -> None:
    """OAuth apps can ask; from then on both platforms tell of the start and the end of a stream."""
    platform.live = False
    floor = FakeFloor()
    async with running(connector(platform, variant="oauth"), floor):
        await until(lambda: any("not live" in line for line in floor.heard))
        await platform.sends(framed(JSON, event("OPEN_LIVEROOM_LIVE_START", room_id=1)))
        await until(lambda: floor.heard[-1] == "connected")
        await platform.sends(framed(JSON, event("LIVE_OPEN_PLATFORM_LIVE_END", room_id=1)))
        await until(lambda: "not live" in floor.heard[-1])
    assert not [line for line in floor.heard if line.startswith("lost")]


async def test_an_app_that_may_not_ask_for_the_room_listens(platform: FakeBilibili) -> None:
    """Nothing depends on whose room it is."""
    platform.will("/room/info", html())
    floor = FakeFloor()
    async with running(connector(platform, variant="oauth"), floor):
        await platform.says("heard")
        await until(lambda: floor.texts == ["heard"])
    assert floor.heard == ["connected"]


# Refusals


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"access_key_id": "another"}, "access_key_id"),
        ({"access_key_secret": "another"}, "access_key_secret"),
        ({"code": "another"}, "身份码"),
        ({"app_id": 7}, "app_id"),
    ],
)
async def test_what_is_wrong_in_the_settings_is_named(
    platform: FakeBilibili, options: dict[str, object], words: str
) -> None:
    """A wrong key, secret, identity code or app id is refused for good, with a line of its own."""
    error = await trouble_of(platform, **options)
    assert isinstance(error, Refused)
    assert words in str(error)


async def test_a_token_that_expired(platform: FakeBilibili) -> None:
    """The broadcaster has to authorise again, at the start and in the middle."""
    error = await trouble_of(platform, "oauth", access_token="old")
    assert isinstance(error, Refused)
    assert "access token has expired" in str(error)
    platform.will(BEAT["oauth"], refuse(-101, "账号未登录"))
    assert isinstance(await trouble_of(platform, "oauth"), Refused)


@pytest.mark.parametrize("seconds", [-3600, 3600])
async def test_a_clock_that_is_off(platform: FakeBilibili, seconds: float) -> None:
    """The signature's time is refused; the line says that it is the clock."""
    platform.ahead = seconds
    error = await trouble_of(platform)
    assert "clock is" in str(error)
    assert not isinstance(error, Refused)


@BOTH
@pytest.mark.parametrize(
    ("mood", "words"),
    [
        (html(200), "a web page and not data (HTTP 200)"),
        (html(502), "a web page and not data (HTTP 502)"),
        (raw(b"", 302, Location="/elsewhere"), "a web page and not data (HTTP 302)"),
        (raw(b"{}", 429), "asked too often"),
        (raw(b"{"), "a web page"),
        (raw(b"[]"), "a web page"),
        (raw(b'{"code": "0"}'), "a web page"),
        (raw(b"[" * 100_000), "a web page"),
        (raw(b" " * 300_000), "far too long"),
        (raw(b'{"code": 0}'), "did not say where its messages are"),
        (raw(b'{"code": 0, "data": []}'), "did not say where its messages are"),
        (raw(b'{"code": 0, "data": {"conn_id": 1, "websocket_info": {"wss_link": "x"}}}'), "did not say where"),
        (refuse(-412), "asked too often"),
        (refuse(123456, "private-words"), "code 123456"),
    ],
)
async def test_an_answer_that_is_none(platform: FakeBilibili, variant: str, mood: Mood, words: str) -> None:
    """A web page, half an answer or an unknown code: one line that says what came, and it is tried again."""
    platform.will(START[variant], mood)
    error = await trouble_of(platform, variant)
    assert words in str(error)
    assert "private-words" not in str(error)
    assert not isinstance(error, Refused)


async def test_nobody_there() -> None:
    """An address where nothing listens."""
    async with FakeBilibili() as gone:
        pass
    assert "cannot be reached" in str(await trouble_of(gone))


# The kind


def options(**given: object) -> BilibiliOptions:
    whole = {"access_key_id": KEY, "access_key_secret": SECRET, "app_id": APP_ID, "code": CODE}
    return BilibiliOptions(**whole | given)  # type: ignore[arg-type]


def test_what_is_missing_is_named() -> None:
    """Each variant asks for what it needs, and for nothing else."""
    assert options().problems("") == []
    assert options(variant="oauth", access_token=TOKEN, app_id=0, code="").problems("") == []
    assert [field for field, _ in BilibiliOptions().problems("")] == ["access_key_id", "app_id", "code"]
    assert [field for field, _ in options(variant="oauth").problems("")] == ["access_token"]
    for wrong in ({"app_id": -1}, {"base_url": "ftp://x"}, {"variant": "web"}, {"surprise": 1}):
        with pytest.raises(ValidationError):
            options(**wrong)


def around() -> Surroundings:
    return Surroundings(time.time, "", "zh", lambda _: b"")


async def test_the_keys_can_be_tried(platform: FakeBilibili) -> None:
    """The room is named, and nothing is left open; a wrong code is refused as in a run."""
    found = await KIND.try_out(options(base_url=platform.base_url), around())
    assert "accepts the keys" in found
    assert "460695 of 讲者" in found
    assert not platform.open
    platform.live = False
    oauth = options(base_url=platform.base_url, variant="oauth", access_token=TOKEN)
    assert "It is not live at the moment." in await KIND.try_out(oauth, around())
    with pytest.raises(Refused, match="身份码"):
        await KIND.try_out(options(base_url=platform.base_url, code="another"), around())
    platform.open.clear()
    platform.auth_code = -101
    with pytest.raises(ConnectorError, match="does not take the session"):
        await KIND.try_out(options(base_url=platform.base_url), around())
    assert not platform.open


def test_how_to_get_the_keys_is_said_in_both_languages() -> None:
    """The steps are numbered and name every option that a person has to fill in."""
    for language in ("zh", "en"):
        steps = KIND.guide[language].splitlines()
        assert [step.split(".")[0] for step in steps] == [str(n + 1) for n in range(len(steps))]
        for option in ("access_key_id", "access_key_secret", "app_id", "code", "access_token", "variant"):
            assert option in KIND.guide[language]


async def test_the_official_addresses() -> None:
    """Without `base_url` each variant speaks to its own platform."""
    for variant, address in (("open", "https://live-open.biliapi.com"), ("oauth", "https://member.bilibili.com")):
        made = KIND.make(options(variant=variant), around())
        assert made._client._base_url == address  # type: ignore[attr-defined]
        await made.close()


async def test_a_session_cursor_of_nothing_is_no_session(platform: FakeBilibili) -> None:
    """After an orderly end there is nothing to be ended at the next start."""
    floor = FakeFloor()
    await floor.receive([], Cursor("bilibili", ""))
    async with running(connector(platform), floor):
        await until(lambda: platform.sockets)
        assert platform.asked("/end") == []
