import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.connectors.replay import AT_ONCE, Broken, Line, Replay, message, read_chat
from bot.errors import BadInput
from bot.model import Message

GOOD = {"id": "m1", "t": 2.5, "platform": "bilibili", "user": "u1", "name": "Li", "text": "有回放吗"}


def written(folder: Path, *lines: object) -> Path:
    path = folder / "chat.jsonl"
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(raw))
    return path


def test_a_line_becomes_a_message(tmp_path: Path) -> None:
    """Platform, person, text and time of a recorded line are those of the message."""
    (line,) = read_chat(written(tmp_path, GOOD))
    assert line == Line("m1", 2.5, "bilibili", "u1", "Li", "有回放吗")
    got = message(line, "talk", 1000.0)
    assert (got.source, got.external_id, got.author, got.at) == ("bilibili", "m1", "u1", 1002.5)


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"null",
        {"id": "x"},
        {"text": "no id"},
        {"id": None, "text": "x"},
        {"id": "x", "text": 5},
        {"id": "x", "text": "x", "t": "soon"},
        {"id": "x", "text": "x", "t": -1},
        {"id": "x", "text": "x", "explicit": "yes"},
        {**GOOD, "text": "回放保留多久"},
        b'{"id": "x", "text": "x", "t": NaN}',
        b"[" * 100_000,
        b'{"id": "x", "text": "' + b"a" * 1_100_000 + b'"}',
    ],
)
def test_a_broken_line_is_named_and_skipped(tmp_path: Path, bad: object) -> None:
    """What is no message is reported with its number, and the lines around it are read."""
    first, broken, last = read_chat(written(tmp_path, GOOD, bad, {**GOOD, "id": "m2"}))
    assert isinstance(broken, Broken)
    assert broken.line == 2
    assert broken.why
    assert [first.id, last.id] == ["m1", "m2"]


def test_what_is_there_twice_comes_twice(tmp_path: Path) -> None:
    """As a platform delivers again what it delivered before; another platform may have the same ids."""
    elsewhere = {**GOOD, "platform": "kuaishou", "text": "回放保留多久"}
    assert all(isinstance(line, Line) for line in read_chat(written(tmp_path, GOOD, GOOD, elsewhere)))


@settings(max_examples=200)
@given(raw=st.binary(max_size=200) | st.dictionaries(st.text(), st.text() | st.floats() | st.none()).map(json.dumps))
def test_no_line_stops_the_reading(tmp_path_factory: pytest.TempPathFactory, raw: bytes | str) -> None:
    """Whatever a file holds, each line is a message or a broken line."""
    path = tmp_path_factory.mktemp("chat") / "chat.jsonl"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    assert all(isinstance(line, Line | Broken) for line in read_chat(path))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_as_on_any_system(tmp_path: Path, end: bytes) -> None:
    """A file of Unix, Windows or an old Mac has the same messages and numbers; its last line needs no end."""
    good = json.dumps(GOOD).encode()
    path = written(tmp_path, end.join([good, b"", b"{", good]))
    assert [line.line if isinstance(line, Broken) else line.id for line in read_chat(path)] == ["m1", 3, "m1"]


def test_what_is_no_utf8_says_what_to_do(tmp_path: Path) -> None:
    """A chat in another encoding is told as that, not in the words of a codec."""
    (broken,) = read_chat(written(tmp_path, json.dumps(GOOD, ensure_ascii=False).encode("gb18030")))
    assert isinstance(broken, Broken)
    assert "save the file as UTF-8" in broken.why


def test_lone_surrogates_do_not_reach_the_store(tmp_path: Path) -> None:
    """JSON can carry half a character; the message holds a replacement that can be written."""
    (line,) = read_chat(written(tmp_path, b'{"id": "x", "text": "\\ud83d hi", "name": "\\udc00"}'))
    assert isinstance(line, Line)
    message(line, "talk", 0.0).text.encode()
    line.name.encode()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    """A chat that is not there is an error with its path."""
    with pytest.raises(BadInput, match=r"nothing\.jsonl"):
        list(read_chat(tmp_path / "nothing.jsonl"))


class Counting:
    """A floor that keeps what it receives."""

    def __init__(self) -> None:
        self.batches: list[list[Message]] = []

    def connected(self) -> None:
        """What it says of its connection is not looked at."""

    async def receive(self, messages: list[Message], *_: object) -> int:
        self.batches.append(list(messages))
        return len(messages)


async def played(path: Path, speed: float) -> Counting:
    floor, done = Counting(), asyncio.Event()
    player = Replay(path, "talk", now=lambda: 1000.0, speed=speed, done=done.set)
    task = asyncio.ensure_future(player.run(floor))  # type: ignore[arg-type]
    await asyncio.wait_for(done.wait(), 10)
    task.cancel()
    return floor


async def test_full_speed_hands_over_whole_batches(tmp_path: Path) -> None:
    """At speed 0 many messages share a commit, in the order of the file, and none is left behind."""
    path = written(tmp_path, *({**GOOD, "id": f"m{n}"} for n in range(AT_ONCE + 3)))
    floor = await played(path, 0.0)
    assert [len(batch) for batch in floor.batches] == [AT_ONCE, 3]
    assert [m.external_id for batch in floor.batches for m in batch] == [f"m{n}" for n in range(AT_ONCE + 3)]


async def test_speed_keeps_the_distances_between_messages(tmp_path: Path) -> None:
    """At ten times the speed two messages that were 2 s apart come 0.2 s apart."""
    path = written(tmp_path, {**GOOD, "t": 0}, {**GOOD, "id": "m2", "t": 2})
    began = asyncio.get_running_loop().time()
    floor = await played(path, 10.0)
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert len(floor.batches) == 2
    assert floor.batches[1][0].at - floor.batches[0][0].at == pytest.approx(0.2)
