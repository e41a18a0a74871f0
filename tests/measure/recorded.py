"""Recorded frames and bodies of the platforms through our codecs: `python -m tests.measure.recorded FOLDER`.

The folder holds bilibili_frames.json, kuaishou_frames.json and channels_forward.json, as others recorded them; they are
no part of this project. Ends with an error at the first that is read otherwise than it says.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from bot.connectors.bilibili.codec import Operation, read_json, unpack
from bot.connectors.channels.codec import read
from bot.connectors.kuaishou.codec import read_comments, read_frame

Json = dict[str, Any]


def rows(file: Path) -> list[tuple[str, Json]]:
    return [(name, row) for name, row in json.loads(file.read_text(encoding="utf-8")).items() if isinstance(row, dict)]


def bilibili(row: Json) -> str:
    packets, expect = list(unpack(bytes.fromhex(row["hex"]))), row["expect"]
    first = packets[0]
    assert first.operation == expect["operation"], packets
    if "popularity" in expect:
        assert int.from_bytes(first.body[:4], "big") == expect["popularity"]
    if "body" in expect:
        assert read_json(first.body) == expect["body"]
    if "cmd" in expect:
        told = read_json(first.body)
        assert (told["cmd"], told["data"]["num"]) == (expect["cmd"], expect["num"])
    return f"{len(packets)} packet, operation {Operation(first.operation).name}"


def kuaishou(row: Json) -> str:
    frame, expect = read_frame(bytes.fromhex(row["hex"])), row["expect"]
    assert frame.type == expect["payloadType"]
    heard = [(c.name, c.text, c.show) for c in read_comments(frame.payload)] if "comments" in expect else []
    shown = [(name, text, show) for name, text, show in heard if show != 2]
    assert shown == [(c["user"], c["content"], c["showType"]) for c in expect.get("comments", [])], heard
    return f"type {frame.type}, {len(shown)} comments"


def channels(row: Json) -> str:
    comments = read(json.dumps(row).encode()).comments
    expected = [event["content"] for event in row["events"] if event["decoded_type"] == "comment"]
    assert [comment.text for comment in comments] == expected
    return f"{len(comments)} comments"


READERS = {"bilibili_frames": bilibili, "kuaishou_frames": kuaishou, "channels_forward": channels}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for file, reader in READERS.items():
        for name, row in rows(folder / f"{file}.json"):
            print(f"{file} {name}: {reader(row)}")
