"""Replays public chats: `python -m tests.measure.chats PUBLIC`, PUBLIC being a folder that holds some of

- `ubuntu_irc/*.txt`: days of an IRC channel (Kummerfeld et al. 2019, CC BY 4.0), one stream after the other,
- `coderefinery_live/items*.jsonl`: shared question documents of workshops (CC BY 4.0),
- `fragjetzt/posts*.jsonl`: anonymous posts of lecture audiences (MIT).

Each is made a chat file and goes through the program's own replay; a fault would stop it.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bot.app import replay
from bot.app.minds import Minds

IRC = re.compile(r"\[(\d\d):(\d\d)\] (?:<([^>]*)> )?(.*)")


def irc(folder: Path) -> Iterator[tuple[str, str]]:
    """(user, text) of every line that somebody said or did; who came and went is left out."""
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if found := IRC.match(line):
                yield found[3] or "channel", found[4]


def rows(folder: Path, pattern: str, key: str) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob(pattern)):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            yield f"u{number}", json.loads(line)[key]


def write(chat: Path, lines: Iterator[tuple[str, str]]) -> int:
    count = 0
    with chat.open("w", encoding="utf-8") as file:
        for count, (user, text) in enumerate(lines, 1):
            line = {"id": str(count), "t": count, "platform": "irc", "user": user, "name": user, "text": text}
            file.write(json.dumps(line) + "\n")
    return count


async def measure(public: Path) -> None:
    minds = Minds()
    chats = {
        "ubuntu_irc": irc(public / "ubuntu_irc"),
        "coderefinery_live": rows(public / "coderefinery_live", "items*.jsonl", "question"),
        "fragjetzt": rows(public / "fragjetzt", "posts*.jsonl", "text"),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in chats.items():
            chat = Path(folder) / f"{name}.jsonl"
            written = write(chat, lines)
            done = await replay(chat, None, 0.0, Path(folder) / "out", language="en", minds=minds)
            print(
                f"{name:18} {written} lines, {done.messages} placed, {done.askings} askings, {done.questions} groups, "
                f"{len(done.broken)} broken, {done.seconds:.0f} s, {done.messages / done.seconds:.0f} a second",
                flush=True,
            )
    minds.close()


if __name__ == "__main__":
    asyncio.run(measure(Path(sys.argv[1])))
