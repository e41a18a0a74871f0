"""How well it is found where a question was answered aloud: `python -m tests.measure.aloud`.

For two talks of `knowledge/talks` some twenty minutes of what the speaker says were written by hand: `NAME.vtt`. Beside
it `NAME.json` says when (seconds of the talk's chat) that begins, which questions came on stage when, and which are
answered or only mentioned where (seconds of the transcript); all others are not taken up. On `CHOSEN_ON`, the Chinese
one, weights and threshold were chosen; `JUDGED_BY`, the English one, judges them.

A proposal is right where the question is answered there, within `NEAR` seconds of where the speaker comes to it.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from knowledge.aloud import SURE, Answered, Sought, Speech, begins_at, views
from knowledge.captions import read_captions, sentences
from knowledge.encoder import Encoder, load_encoder

HERE = Path(__file__).parent
TALKS = HERE.parents[2] / "knowledge/talks"
CHOSEN_ON, JUDGED_BY = "cobot_zh", "edge_en"
NEAR = 30.0


@dataclass(frozen=True)
class Talk:
    """A transcript with its questions, and what is true of it."""

    speech: Speech
    sought: tuple[Sought, ...]
    answered: dict[str, float]
    mentioned: dict[str, float]
    staged: dict[str, float]
    begins: float


@dataclass(frozen=True)
class Judged:
    """`errors` in seconds, of the right proposals; negative where it begins too early."""

    right: int
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    errors: tuple[float, ...]

    def line(self) -> str:
        proposed, true = self.right + len(self.wrong), self.right + len(self.missed)
        errors = sorted(abs(error) for error in self.errors)
        return (
            f"precision {self.right}/{proposed} = {self.right / max(proposed, 1):.2f}  "
            f"recall {self.right}/{true} = {self.right / max(true, 1):.2f}  "
            f"time error median {median(errors or [0.0]):.0f} s, worst {max(errors, default=0.0):.0f} s  "
            f"wrong: {', '.join(self.wrong) or '-'}  missed: {', '.join(self.missed) or '-'}"
        )


def read_talk(name: str, encoder: Encoder, *, staged: bool = True) -> Talk:
    """`staged`: whether it is known what came on stage when."""
    labels = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    chat = _rows(TALKS / name / "chat.jsonl")
    asked = defaultdict(list)
    for row in _rows(TALKS / name / "labels.jsonl").values():
        if row["group"]:
            asked[row["group"]].append(chat[row["id"]])
    on_stage = labels["staged"] if staged else {}
    said = sentences(read_captions((HERE / f"{name}.vtt").read_bytes()).lines)
    vectors = encoder.encode(views(said))
    sought = []
    for group, messages in sorted(asked.items()):
        texts = tuple(dict.fromkeys(message["text"] for message in messages))
        first = min(message["t"] for message in messages) - labels["begins"]
        at = on_stage.get(group)
        until = min((other for other in on_stage.values() if at is not None and other > at), default=1e9)
        stood = None if at is None else (at - labels["begins"], until - labels["begins"])
        sought.append(Sought(group, texts, encoder.encode(texts), first, stood))
    return Talk(
        Speech(said, vectors),
        tuple(sought),
        labels["answered"],
        labels["mentioned"],
        labels["staged"],
        labels["begins"],
    )


def judged(talk: Talk, found: list[Answered], sure: float = SURE) -> Judged:
    proposed = {one.question: one.passage.start for one in found if one.passage.score >= sure}
    off = {id: start - talk.answered[id] for id, start in proposed.items() if id in talk.answered}
    right = {id: error for id, error in off.items() if abs(error) <= NEAR}
    wrong = tuple(id for id in proposed if id not in right)
    missed = tuple(id for id in talk.answered if id not in right)
    return Judged(len(right), wrong, missed, tuple(right.values()))


def _rows(file: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in map(json.loads, file.read_text("utf-8").splitlines())}


def without_times(talk: Talk) -> list[Answered]:
    """As where nobody knows when the transcript began."""
    return talk.speech.nearest([Sought(one.id, one.texts, one.vectors) for one in talk.sought])


def main() -> None:
    encoder = load_encoder()
    for name in (CHOSEN_ON, JUDGED_BY):
        talk, unstaged = (read_talk(name, encoder, staged=staged) for staged in (True, False))
        found, blind = talk.speech.nearest(talk.sought), without_times(talk)
        print(
            f"{name}: {len(talk.answered)} answered aloud, {len(talk.mentioned)} mentioned, {len(talk.sought)} in all"
        )
        print(f"  it is known what came on stage  {judged(talk, found).line()}")
        print(f"  only when each was asked        {judged(talk, unstaged.speech.nearest(unstaged.sought)).line()}")
        print(f"  no times at all                 {judged(talk, blind).line()}")
        print(f"  begins at {talk.begins:.0f} s of the chat; guessed from the stage: {begins_at(blind, talk.staged)}")
        for sure in (0.75, 0.8, 0.85, 0.9, 0.95, 1.0):
            print(f"    from {sure:.2f} on: {judged(talk, found, sure).line()}")


if __name__ == "__main__":
    main()
