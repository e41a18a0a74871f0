"""Broken bytes and bombs through everything that reads what a platform or a person sent."""

import gzip
import json
import random
import re
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import brotli
from telegram import User

from bot.connectors.bilibili.codec import FrameError, read_json, unpack
from bot.connectors.channels import codec as channels
from bot.connectors.intake import read_lines
from bot.connectors.kuaishou import codec as kuaishou
from bot.connectors.kuaishou.mapper import feed_messages, push_messages, read_push
from bot.connectors.satori.elements import read as read_elements
from bot.connectors.telegram.client import read_update
from bot.connectors.telegram.mapper import Reader
from bot.connectors.tencent_classroom.exported import messages, read_export, said
from bot.connectors.wecom.crypto import BadSeal, Seal
from bot.connectors.wecom.frames import BadFrame, read_frame
from bot.errors import BadInput
from tests.bot.connectors.test_channels import COMMENT, forwarded, item, new_answer, raw
from tests.bot.connectors.test_intake import ONE
from tests.bot.connectors.test_kuaishou_codec import FEED
from tests.bot.connectors.test_tencent_exported import SHEET
from tests.bot.connectors.test_wecom_callback import AES_KEY, TOKEN
from tests.fake_bilibili import BROTLI, JSON, ZLIB, event, framed, packet
from tests.fake_kuaishou import comment, feed_push, message
from tests.fake_telegram import ME, FakeTelegram
from tests.torture.scenario import Run, scenario

NOW = 1_790_000_000.0
BLANK = 1 << 28
"""Zeros of a bomb, which every packer makes small."""

DEEP = b"[" * 200_000


@dataclass(frozen=True, slots=True)
class Codec:
    """`read` may raise one of `expected` and nothing else. `seeds` are genuine bytes, `bombs` small ones that grow."""

    name: str
    read: Callable[[bytes], object]
    expected: tuple[type[Exception], ...]
    seeds: list[bytes]
    bombs: list[bytes]


def _bilibili(data: bytes) -> None:
    for one in unpack(data):
        read_json(one.body)


def _feed(data: bytes) -> None:
    feed_messages(kuaishou.read_frame(data), "s", "kuaishou", "talk", NOW, 86400.0)


def _push(data: bytes) -> None:
    push_messages(read_push(data), "kuaishou", "talk", NOW)


def _telegram(data: bytes) -> None:
    given = json.loads(data)
    update = read_update(given) if isinstance(given, dict) else None
    if update is not None:
        Reader("telegram", "talk", User.de_json(ME)).read([update])


def _table(name: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        guess = read_export(data, name)
        messages(said(guess, guess.columns, date(2026, 11, 1))[0], "s", "talk", 1.0)

    return read


def _elements(data: bytes) -> None:
    read_elements(data.decode("utf-8", "replace"), "me")


def codecs() -> list[Codec]:
    danmaku = event("LIVE_OPEN_PLATFORM_DM", msg="有回放吗？", msg_id="m1", open_id="o1", uname="小明", timestamp=NOW)
    seal = Seal(TOKEN, AES_KEY)
    update = {"update_id": 1, "message": FakeTelegram().message(text="/ask Is there a recording?")}
    push = {"push_type": "liveComment", "unique_message_id": "u", "room_code": "r", "payload": [{"content": "？"}]}
    told = {"cmd": "aibot_msg_callback", "headers": {"req_id": "r"}, "body": {"text": {"content": "？"}}}
    blank = bytes(BLANK)
    packed = gzip.compress(blank)
    return [
        Codec(
            "Bilibili's frames",
            _bilibili,
            (FrameError,),
            [framed(version, danmaku, danmaku) for version in (JSON, ZLIB, BROTLI)],
            [
                packet(5, zlib.compress(blank), ZLIB),
                packet(5, brotli.compress(blank, quality=1), BROTLI),
                packet(5, DEEP),
            ],
        ),
        Codec(
            "Kuaishou's feed",
            _feed,
            (kuaishou.BadFrame,),
            [FEED, feed_push(comment("为什么？"), comment("b"), packed=True)],
            [message(310, packed, 2), message(310, gzip.compress(packed), 2), message(310, DEEP)],
        ),
        Codec("Kuaishou's pushes", _push, (BadInput,), [json.dumps(push).encode()], [DEEP]),
        Codec("WeCom's frames", read_frame, (BadFrame,), [json.dumps(told).encode()], [DEEP]),
        Codec(
            "WeCom's seals",
            lambda data: seal.open(data.decode("latin-1")),
            (BadSeal,),
            [seal.close(json.dumps(told).encode()).encode()],
            [b"A" * 10_000_000],
        ),
        Codec(
            "WeChat Channels' answers",
            channels.read,
            (BadInput,),
            [raw(forwarded(COMMENT)), gzip.compress(raw(new_answer(item("有吗", 3)))), raw(new_answer(item("a", 4)))],
            [packed, DEEP, gzip.compress(DEEP)],
        ),
        Codec("the intake's JSON", read_lines, (ValueError,), [json.dumps([ONE, ONE]).encode()], [DEEP]),
        Codec("Telegram's updates", _telegram, (ValueError, RecursionError), [json.dumps(update).encode()], [DEEP]),
        Codec(
            "Satori's elements",
            _elements,
            (),
            ['<at id="me"/> 有<b>回放</b>吗 <img src="x"/>'.encode()],
            [b"<a>" * 99_999],
        ),
        Codec("exported workbooks", _table("a.xlsx"), (BadInput,), [SHEET], []),
        Codec(
            "exported tables", _table("a.csv"), (BadInput,), ["时间,内容\n19:30:05,有吗\n".encode()], [b'"' * 999_999]
        ),
    ]


def broken(seed: bytes, dice: random.Random) -> bytes:
    """With a few bytes changed, left out, doubled, or put in from elsewhere."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        at, many = dice.randint(0, len(data)), dice.choice([1, 1, 1, 2, 4, 16])
        other = dice.choice([dice.randbytes(many), bytes(many), b"\xff" * many, bytes(data[at : at + many]) * 2])
        data[at : at + dice.choice([0, many])] = other
    return bytes(data)


def _inputs(one: Codec, many: int, dice: random.Random) -> Iterator[bytes]:
    yield from one.bombs
    for at in range(many):
        yield broken(one.seeds[at % len(one.seeds)], dice)


@scenario("broken bytes", seconds=60, daily=False)
async def play_codecs(run: Run) -> None:
    """Genuine frames, bodies and files with a few bytes changed, and bombs, go through every codec: it reads them or
    says what is wrong with them, in bounded memory."""
    tried, crashed, slowest, known = 0, list[str](), 0.0, codecs()
    before = _settled()
    for one in known:
        for data in _inputs(one, 150 if run.short else 4000, run.dice):
            began, tried = time.perf_counter(), tried + 1
            try:
                with suppress(*one.expected):
                    one.read(data)
            except Exception as error:
                crashed.append(f"{one.name}: {error!r} for {data[:60].hex()}")
            slowest = max(slowest, time.perf_counter() - began)
        run.say(f"{one.name}: {_peak() - before:.0f} MB more than before")
    for crash in crashed[:5]:
        run.say(crash)
    run.figure("inputs", tried, least=1000)
    run.figure("unexpected errors", len(crashed), most=0)
    run.figure("memory that reading took at most", _peak() - before, "MB", most=512)
    run.figure("slowest reading", slowest, "s", most=1.0, timing=True)


def _settled() -> float:
    """MB of memory now; the peak that packing the bombs was is forgotten (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    """MB of memory at most, since it was last forgotten (Linux)."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024
