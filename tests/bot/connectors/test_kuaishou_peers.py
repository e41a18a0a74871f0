"""The web feed's codec, and the fake feed, against protobufjs."""

import asyncio
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.connectors.kuaishou.codec import FeedComment, enter, heartbeat, read_comments, read_frame
from tests.fake_kuaishou import FEED_TOKEN, PAGE, STREAM, chunk, comment, feed_push, message, number

PEERS = Path(__file__).parents[2] / "peers"
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        not (NODE and (PEERS / "node_modules/protobufjs").exists()), reason="npm ci --prefix tests/peers was not run"
    ),
]
Json = dict[str, Any]


async def peer(feeds: list[Json], frames: list[bytes]) -> Json:
    asked = json.dumps({"feeds": feeds, "frames": [frame.hex() for frame in frames]})
    assert NODE
    process = await asyncio.create_subprocess_exec(
        NODE,
        str(PEERS / "kuaishou_codec.js"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(asked.encode())
    assert process.returncode == 0
    answer: Json = json.loads(out)
    return answer


async def test_what_protobufjs_writes_is_read() -> None:
    """Pushes of any texts, ids and times, plain and with gzip, come back as they were, between fields that we skip."""
    dice = random.Random(7)
    texts = ["为什么天是蓝的？", "", "😀 why?", "长" * 700, "x"]
    feeds, expected = [], []
    for n in range(60):
        rows = [
            FeedComment(
                dice.choice(["", f"id{n}"]),
                f"3x{dice.randrange(9)}",
                dice.choice(["安", "腔.调,"]),
                dice.choice(texts),
                dice.randrange(3),
                dice.randrange(2**53),
            )
            for _ in range(dice.randrange(9))
        ]
        items = [
            {
                "id": row.id,
                "user": {"principalId": row.user, "userName": row.name, "headUrl": "https://pictures.example/1"},
                "content": row.text,
                "deviceHash": "uSVknw==",
                "sortRank": dice.randrange(2**40),
                "showType": row.show,
                "time": str(row.time),
            }
            for row in rows
        ]
        push = {"displayWatchingCount": "2735", "pushInterval": 300, "commentFeeds": items, "commentCursor": "1"}
        feeds.append({"push": push, "at": str(1616134888680 + n), "gzip": n % 2 == 1})
        expected.append(rows)
    written = (await peer(feeds, []))["feeds"]
    for n, (hexed, rows) in enumerate(zip(written, expected, strict=True)):
        frame = read_frame(bytes.fromhex(hexed))
        assert (frame.type, frame.at) == (310, 1616134888680 + n)
        assert read_comments(frame.payload) == rows


async def test_what_we_write_is_read_by_protobufjs() -> None:
    """Entering and heartbeats are what the feed expects."""
    frames = (await peer([], [enter(FEED_TOKEN, STREAM, PAGE), heartbeat(1616134888.68)]))["frames"]
    entering = {"token": FEED_TOKEN, "liveStreamId": STREAM, "pageId": PAGE}
    assert frames == [
        {"type": 200, "at": "0", "payload": entering},
        {"type": 1, "at": "0", "payload": {"timestamp": "1616134888680"}},
    ]


async def test_the_fake_feed_speaks_protobuf() -> None:
    """What our fake sends is what protobufjs reads by the feed's own field numbers."""
    made = comment("why?", "3xann", "安", id="c1", show=1, at=1616134888001)
    sent = [
        feed_push(made, packed=True, at=1616134888680),
        message(300, number(1, 100) + number(3, 20000)),
        message(103, number(1, 601) + chunk(2, "token expired")),
    ]
    pushed, let_in, refused = (frame["payload"] for frame in (await peer([], sent))["frames"])
    user = {"principalId": "3xann", "userName": "安"}
    assert pushed["commentFeeds"] == [
        {"id": "c1", "user": user, "content": "why?", "deviceHash": "uSVknw==", "showType": 1, "time": "1616134888001"}
    ]
    assert (let_in["minReconnectMs"], let_in["heartbeatIntervalMs"]) == ("100", "20000")
    assert refused == {"code": 601, "msg": "token expired"}
