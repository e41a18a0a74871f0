"""Our fake Bilibili, our frames and our signatures against clients that others wrote: `bilibili-live-ws` (npm) and
`nonebot-adapter-bilibili-live` (PyPI)."""

import asyncio
import json
import shutil
import time
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import brotli
import nonebot
import pytest
import typing_extensions

from bot.connectors.bilibili.codec import Operation, Packet, Version, authorization, headers, pack, read_json, unpack
from tests.fake_bilibili import (
    APP_ID,
    BROTLI,
    CODE,
    JSON,
    KEY,
    SECRET,
    ZLIB,
    FakeBilibili,
    event,
    framed,
)

with pytest.MonkeyPatch.context() as patch:
    # The adapter takes it from where pydantic cannot read it before Python 3.12.
    patch.setattr(typing, "TypedDict", typing_extensions.TypedDict)
    from nonebot.adapters.bilibili_live import Adapter
    from nonebot.adapters.bilibili_live import bot as peer_bot
    from nonebot.adapters.bilibili_live.bot import OpenBot
    from nonebot.adapters.bilibili_live.config import OpenBotConf
    from nonebot.adapters.bilibili_live.packet import OpCode, ProtocolVersion
    from nonebot.adapters.bilibili_live.packet import Packet as PeerPacket

pytestmark = pytest.mark.peer
PEERS = Path(__file__).parents[2] / "peers"
Json = dict[str, Any]


@pytest.fixture
async def platform() -> AsyncIterator[FakeBilibili]:
    """A client that others wrote makes no mistake that our fake would call one."""
    async with FakeBilibili() as fake:
        yield fake
    assert fake.faults == []


# bilibili-live-ws


@asynccontextmanager
async def live_ws(address: str, auth_body: str) -> AsyncIterator[asyncio.StreamReader]:
    """What the peer prints."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (PEERS / "node_modules" / "bilibili-live-ws").is_dir():
        pytest.skip("bilibili-live-ws is not installed: run npm ci in tests/peers")
    script = str(PEERS / "bilibili_client.js")
    running = await asyncio.create_subprocess_exec(node, script, address, auth_body, stdout=asyncio.subprocess.PIPE)
    assert running.stdout
    try:
        yield running.stdout
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def heard(lines: asyncio.StreamReader) -> tuple[str, Any]:
    async with asyncio.timeout(20):
        line = json.loads(await lines.readline())
    return line["event"], line.get("data")


async def test_our_fake_speaks_the_stream(platform: FakeBilibili) -> None:
    """A client that others wrote is let in, has its beat answered and reads comments of every version."""
    platform.open["session"] = time.monotonic()
    async with live_ws(platform.link("a"), platform._websocket_info()["auth_body"]) as lines:
        assert (await heard(lines))[0] == "live"
        assert await heard(lines) == ("heartbeat", 2466)
        for packing in (JSON, ZLIB, BROTLI):
            bodies = [platform.comment(f"为什么 {n}？") for n in range(2)]
            await platform.sends(framed(packing, *bodies))
            assert [await heard(lines) for _ in bodies] == [("msg", json.loads(body)) for body in bodies]
        await platform.drop()
        assert (await heard(lines))[0] in ("error", "close")


async def test_our_fake_turns_a_wrong_session_away(platform: FakeBilibili) -> None:
    """A client that others wrote understands that it was not let in: the socket closes."""
    auth = json.dumps({"roomid": 1, "key": "of no session"})
    async with live_ws(platform.link("a"), auth) as lines:
        assert [(await heard(lines))[0] for _ in range(2)] == ["live", "close"]
    assert platform.greeted == []


# nonebot-adapter-bilibili-live: codec


@pytest.mark.parametrize("operation", [OpCode.Auth, OpCode.Heartbeat, OpCode.Command])
def test_their_packets_are_ours(operation: OpCode) -> None:
    """What they pack we unpack, and what we pack they unpack."""
    theirs = PeerPacket.new(operation, 7, {"a": "为什么"}, ProtocolVersion.Heartbeat)
    (found,) = unpack(theirs.to_bytes())
    assert found == Packet(operation, theirs.data, Version.CONTROL, 7)
    back = PeerPacket.from_bytes(pack(found))
    assert (back, back.decode_dict()) == (theirs, {"a": "为什么"})


def test_their_compressed_frames_are_ours() -> None:
    """Packets within a brotli body, packed by them and read by us, and the other way round."""
    inner = b"".join(PeerPacket.new(OpCode.Command, n, {"n": n}).to_bytes() for n in range(3))
    frame = PeerPacket.new_binary(OpCode.Command, 0, brotli.compress(inner), ProtocolVersion.Brotli).to_bytes()
    assert [read_json(p.body) for p in unpack(frame)] == [{"n": 0}, {"n": 1}, {"n": 2}]
    body = b"".join(pack(Packet(Operation.MESSAGE, event("X", n=n), Version.JSON)) for n in range(3))
    ours = pack(Packet(Operation.MESSAGE, brotli.compress(body), Version.BROTLI))
    read = PeerPacket.from_bytes(ours).decode_data()
    assert isinstance(read, list)
    assert [p.decode_dict()["data"]["n"] for p in read] == [0, 1, 2]


# nonebot-adapter-bilibili-live: signatures, and the whole way


def peer() -> OpenBot:
    made = OpenBot.__new__(OpenBot)
    made.access_key, made.access_secret, made.app_id = KEY, SECRET, APP_ID
    return made


async def test_their_signatures_are_ours(platform: FakeBilibili) -> None:
    """Their request carries what we would sign, and our fake takes it."""
    request = peer().make_request("v2/app/start", {"code": CODE, "app_id": APP_ID})
    theirs = {name.lower(): value for name, value in request.headers.items()}
    body = str(request.content).encode()
    nonce, timestamp = theirs["x-bili-signature-nonce"], int(theirs["x-bili-timestamp"])
    ours = headers(body, KEY, SECRET, version="1.0", nonce=nonce, timestamp=timestamp)
    assert {name: theirs[name.lower()] for name in ours} == ours
    signed = {name: value for name, value in theirs.items() if name.startswith("x-bili-")}
    assert authorization(signed, SECRET) == theirs["authorization"]
    async with (
        aiohttp.ClientSession() as http,
        http.post(platform.base_url + "/v2/app/start", data=body, headers=dict(request.headers)) as response,
    ):
        assert (await response.json())["code"] == 0


async def test_their_whole_client_hears_our_fake(platform: FakeBilibili, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start, auth, beats and comments: a client that others wrote goes through all of it, and its types fit."""
    monkeypatch.setattr(peer_bot, "PLATFORM_URL", platform.base_url)
    events: asyncio.Queue[Any] = asyncio.Queue()

    async def collect(self: OpenBot, event: Any) -> None:
        events.put_nowait(event)

    monkeypatch.setattr(OpenBot, "_handle_event", collect)
    nonebot.init(driver="~aiohttp")
    driver = nonebot.get_driver()
    adapter = Adapter(driver)
    async with driver._lifespan:
        await adapter._login_open(
            OpenBotConf(access_key=KEY, access_secret=SECRET, app_id=APP_ID, identify_codes=[CODE])
        )
        await platform.until(lambda: platform.sockets)
        for packing in (JSON, ZLIB, BROTLI):
            platform.packing = packing
            await platform.says(f"为什么 {packing}？", "小明")
            async with asyncio.timeout(10):
                while (heard := await events.get()).get_event_name() != "danmaku":
                    pass
            assert heard.content == f"为什么 {packing}？"
            assert heard.msg_id
        await adapter.shutdown()
