"""Makes of a talk as it is written by hand what is read of it: `python -m knowledge.training.talks FOLDER …`.

`talk.txt` has a line a message, `platform|name|kind|group|text`, with one letter for a platform and a kind, a "?" after
the kind where a reasonable reader might label it otherwise, and "-" for the group of what asks nothing; then a line for
each group that says what of the course answers it, `=group=source`, "-" for nothing. Of it come `chat.jsonl`, at the
pace of an evening, and `labels.jsonl`, as `knowledge.evaluation.talks` reads them.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from knowledge.evaluation.data import DataError
from knowledge.evaluation.talks import ASKS, read_talk

PLATFORMS = {
    "b": "bilibili",
    "c": "wecom",
    "e": "tencent_classroom",
    "k": "kuaishou",
    "t": "telegram",
    "v": "channels",
    "w": "web",
}
KINDS = {
    "a": "answer",
    "c": "chatter",
    "g": "greeting",
    "o": "other",
    "q": "question",
    "r": "request",
    "s": "spam",
    "x": "rhetorical",
}
PAUSE = 9.2
"""Mean seconds between two messages; a talk of five hundred takes an hour and a quarter."""
LEAST, MOST = 0.4, 75.0
"""Seconds of the shortest and of the longest pause."""
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Written:
    """A message of `talk.txt`; `group` "" for what asks nothing."""

    platform: str
    name: str
    kind: str
    group: str
    text: str
    ambiguous: bool


def read(path: Path) -> tuple[list[Written], dict[str, str | None]]:
    """The messages, and the source of each group. Raises `DataError` with every problem."""
    messages: list[Written] = []
    sources: dict[str, str | None] = {}
    problems: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            if line.startswith("="):
                group, source = _source(line)
                if group in sources:
                    raise ValueError(f"the source of {group} stands twice: keep one")
                sources[group] = source
            elif line.strip():
                messages.append(_message(line))
        except ValueError as error:
            problems.append(f"{path}:{number}: {error}")
    used = Counter(message.group for message in messages if message.group)
    problems += [f"{path}: nobody asks {group}: delete its line" for group in sources if group not in used]
    problems += [f"{path}: {group} has no source: add ={group}=…" for group in used if group not in sources]
    if problems:
        raise DataError(problems)
    return messages, sources


def _source(line: str) -> tuple[str, str | None]:
    parts = line.split("=")
    if len(parts) != 3:
        raise ValueError("write =group=source")
    return parts[1], parts[2] if parts[2] != NOTHING else None


def _message(line: str) -> Written:
    parts = [part.strip() for part in line.split("|", 4)]
    if len(parts) != 5 or not parts[4]:
        raise ValueError("write platform|name|kind|group|text")
    platform, name, kind, group, text = parts
    if platform not in PLATFORMS:
        raise ValueError(f"the platform {platform!r} is not known: use one of {', '.join(PLATFORMS)}")
    if kind.removesuffix("?") not in KINDS:
        raise ValueError(f"the kind {kind!r} is not known: use one of {', '.join(KINDS)}")
    label = KINDS[kind.removesuffix("?")]
    if (label in ASKS) != (group != NOTHING):
        raise ValueError("what asks has a group, and nothing else has one")
    return Written(PLATFORMS[platform], name, label, group.replace(NOTHING, ""), text, kind.endswith("?"))


def rows(name: str, messages: list[Written], sources: dict[str, str | None]) -> Iterator[tuple[dict[str, Any], ...]]:
    """For each message its row of the chat and that of the labels. The same talk has the same pauses each time."""
    dice = random.Random(name)  # noqa: S311 (a pace, not a secret)
    at = 0.0
    for number, message in enumerate(messages, 1):
        id = f"{name}-{number:03d}"
        at += min(MOST, max(LEAST, dice.expovariate(1 / PAUSE)))
        user = "u" + sha256(f"{name}|{message.platform}|{message.name}".encode()).hexdigest()[:8]
        yield (
            {
                "id": id,
                "t": round(at, 1),
                "platform": message.platform,
                "user": user,
                "name": message.name,
                "text": message.text,
            },
            {
                "id": id,
                "kind": message.kind,
                "group": message.group or None,
                "answerable": sources[message.group] if message.group else None,
                "ambiguous": message.ambiguous,
            },
        )


def make(folder: Path) -> int:
    """Write both files of a talk, and see whether they fit its course; how many messages it has. Raises `DataError`."""
    messages, sources = read(folder / "talk.txt")
    both = list(zip(*rows(folder.name, messages, sources), strict=True))
    for name, found in zip(("chat.jsonl", "labels.jsonl"), both, strict=True):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        (folder / name).write_text("".join(lines), encoding="utf-8")
    read_talk(folder)
    return len(messages)


def main(arguments: list[str]) -> int:
    wrong = 0
    for folder in map(Path, arguments):
        try:
            print(f"{folder.name}: {make(folder)} messages")
        except DataError as error:
            print(*error.problems, sep="\n")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
