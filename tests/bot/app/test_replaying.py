import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import replay
from bot.app.minds import Minds
from bot.app.replaying import _lines
from bot.errors import BadInput
from bot.model import CourseMatch, Placement
from tests.bot.values import message
from tests.fakes import HashEncoder, TopicEncoder

QUESTIONS = ["Is there a recording?", "What does a gateway cost?", "Which protocols are read?", "Will there be slides?"]

CHILD = """
import asyncio, sys
from pathlib import Path
from bot.app import replay
from bot.app.minds import Minds
from tests.fakes import HashEncoder

chat, database, out, speed = sys.argv[1:]
asyncio.run(replay(Path(chat), None, float(speed), Path(out), Path(database), "en",
                   lambda done: print(done, flush=True), minds=Minds(encoder=HashEncoder())))
"""


@pytest.fixture
def minds() -> Iterator[Minds]:
    quick = Minds(encoder=HashEncoder())
    yield quick
    quick.close()


def recorded(path: Path, count: int = 300) -> Path:
    """A chat in which four questions come back among numbered ones and chatter."""
    choose = random.Random(7)
    lines = []
    for n in range(count):
        text = choose.choice([*QUESTIONS, "666", f"And what about machine {n}?"])
        line = {"id": f"m{n}", "t": n / 10, "platform": choose.choice(["web", "bilibili"]), "user": f"u{n % 40}"}
        lines.append(json.dumps({**line, "name": "", "text": text}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_every_message_gets_one_line_with_its_decision(tmp_path: Path, minds: Minds) -> None:
    """The output has a line for each message in the order of the chat, with the agreed keys; repeats share a key."""
    chat, out = recorded(tmp_path / "chat.jsonl"), tmp_path / "deep" / "out.jsonl"
    summary = await replay(chat, None, 0.0, out, minds=minds)
    lines = read(out)
    assert [line["id"] for line in lines] == [f"m{n}" for n in range(300)]
    assert all({"id", "asking", "question", "similarity", "answer"} <= line.keys() for line in lines)
    texts = [json.loads(line)["text"] for line in chat.read_text().splitlines()]
    for question in QUESTIONS:
        assert len({line["question"] for line, text in zip(lines, texts, strict=True) if text == question}) == 1
    assert (summary.messages, summary.askings) == (300, sum(bool(line["asking"]) for line in lines))


async def test_a_file_that_is_no_chat_is_refused(tmp_path: Path, minds: Minds) -> None:
    """A table, say: what there is of an earlier replay stays, and it is said how a table is read."""
    chat, out = tmp_path / "chat.csv", tmp_path / "out.jsonl"
    chat.write_text("name,text\nAnn,Is there a recording?\n", "utf-8")
    out.write_text("kept\n")
    with pytest.raises(BadInput, match=r"none of its lines is a message \(no JSON from its character 1 on\).*import"):
        await replay(chat, None, 0.0, out, minds=minds)
    assert out.read_text() == "kept\n"


async def test_what_else_a_message_asks_is_named_in_its_line(tmp_path: Path) -> None:
    """A message with two questions has one line, with the decision on the first; `also` names the second's group."""
    chat, out = tmp_path / "chat.jsonl", tmp_path / "out.jsonl"
    texts = [
        "What does a gateway cost?",
        "Is there a recording? Also, what does a gateway cost?",
        "Will there be slides?",
    ]
    rows = [{"id": f"m{n}", "t": n, "user": f"u{n}", "text": text} for n, text in enumerate(texts)]
    chat.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with closing(Minds(encoder=TopicEncoder("gateway", "recording", "slides"))) as minds:
        summary = await replay(chat, None, 0.0, out, minds=minds)
    price, both, slides = read(out)
    assert (summary.messages, summary.askings, summary.questions) == (3, 4, 3)
    assert [line["id"] for line in (price, both, slides)] == ["m0", "m1", "m2"]
    assert both["also"] == [price["question"]]
    assert len({line["question"] for line in (price, both, slides)}) == 3
    assert "also" not in slides


def test_a_line_is_what_its_first_asking_part_is() -> None:
    """Where only the second part of a message asks, the line asks, with its question, answer and reasons; and whatever
    was answered to any part is in the file."""
    greeting = Placement(1, False, 0.2)
    price = Placement(2, True, 0.9, "q1", answer=CourseMatch("a", 0.97, "sent", "It costs nothing."))
    slides = Placement(3, True, 0.8, "q2", answer=CourseMatch("b", 0.96, "sent", "On the page."))
    parts = [message(n, external_id="m", part=n) for n in (1, 2, 3)]
    line, alone = _lines([*zip(parts, (greeting, price, slides), strict=True), (message(4), Placement(4, False, 0.1))])
    assert (line["id"], line["asking"], line["probability"], line["question"]) == ("m", True, 0.9, "q1")
    assert line["answer"] == {"source": "a", "score": 0.97, "state": "sent"}
    assert line["also"] == ["q2"]
    assert line["also_answered"] == [{"source": "b", "score": 0.96, "state": "sent"}]
    assert (alone["id"], alone["asking"]) == ("m4", False)
    assert not {"also", "also_answered"} & alone.keys()


async def test_decisions_do_not_look_ahead(tmp_path: Path, minds: Minds) -> None:
    """A chat that is cut in the middle gives the same lines up to the cut."""
    chat = recorded(tmp_path / "chat.jsonl")
    cut = tmp_path / "cut.jsonl"
    cut.write_text("\n".join(chat.read_text().splitlines()[:150]), encoding="utf-8")
    await replay(chat, None, 0.0, tmp_path / "whole", minds=minds)
    await replay(cut, None, 0.0, tmp_path / "part", minds=minds)
    assert read(tmp_path / "part") == read(tmp_path / "whole")[:150]


async def test_broken_lines_are_reported_and_skipped(tmp_path: Path, minds: Minds) -> None:
    """The summary names each broken line by its number, and the rest is replayed."""
    chat = recorded(tmp_path / "chat.jsonl", 3)
    chat.write_text("{oops\n" + chat.read_text() + '\n{"id": 5}\n', encoding="utf-8")
    summary = await replay(chat, None, 0.0, tmp_path / "out", minds=minds)
    assert [broken.line for broken in summary.broken] == [1, 5]
    assert summary.messages == 3


async def test_an_empty_course_and_an_empty_chat_are_fine(tmp_path: Path, minds: Minds) -> None:
    """Nothing in, nothing out, no error."""
    (tmp_path / "course").mkdir()
    (tmp_path / "chat.jsonl").write_text("\n\n")
    summary = await replay(tmp_path / "chat.jsonl", tmp_path / "course", 0.0, tmp_path / "out", minds=minds)
    assert summary.messages == 0
    assert (tmp_path / "out").read_text() == ""


async def test_a_chat_that_is_not_there_is_named(tmp_path: Path, minds: Minds) -> None:
    """A wrong path is an error with the path in it, not an empty result."""
    with pytest.raises(BadInput, match="no-such-chat"):
        await replay(tmp_path / "no-such-chat.jsonl", None, 0.0, tmp_path / "out", minds=minds)


def test_a_killed_replay_goes_on_to_the_same_queue(tmp_path: Path) -> None:
    """kill -9 in the middle, several times, then a new start: the decisions are those of an undisturbed replay."""
    chat = recorded(tmp_path / "chat.jsonl")
    assert child(chat, tmp_path / "plain.db", tmp_path / "plain").wait() == 0
    for after in (1, 60, 170):
        running = child(chat, tmp_path / "killed.db", tmp_path / "killed", speed=100.0)
        assert running.stdout
        while int(running.stdout.readline() or after) < after:
            pass
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert not (tmp_path / "killed").exists()
    assert child(chat, tmp_path / "killed.db", tmp_path / "killed").wait() == 0
    assert read(tmp_path / "killed") == read(tmp_path / "plain")


def child(chat: Path, database: Path, out: Path, speed: float = 0.0) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", CHILD, str(chat), str(database), str(out), str(speed)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


async def test_speed_is_kept(tmp_path: Path, minds: Minds) -> None:
    """Ten recorded seconds at twenty times the speed take half a second at least."""
    began = time.perf_counter()
    summary = await replay(recorded(tmp_path / "chat.jsonl", 101), None, 20.0, tmp_path / "out", minds=minds)
    assert time.perf_counter() - began >= 0.5
    assert summary.messages == 101
