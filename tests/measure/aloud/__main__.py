"""How well it is found where a question was answered aloud: `python -m tests.measure.aloud`.

For two talks of `knowledge/talks` some twenty minutes of what the speaker says were written by hand: `NAME.vtt`. Beside
it `NAME.json` says when (seconds of the talk's chat) that begins, which questions came on stage when, and which are
answered or only mentioned where (seconds of the transcript); all others are not taken up. `together`: questions that
the speaker takes as one though each has an answer of its own. On `CHOSEN_ON`, the Chinese one, weights and threshold
were chosen; `JUDGED_BY`, the English one, judges them.

Last, the same through the whole program, which makes groups of its own and finds by itself when the transcript begins.
A question of the program counts for the group that most of its wordings belong to.

A proposal is right where the question is answered there, within `NEAR` seconds of where the speaker comes to it.
"""

import asyncio
import json
import math
import tempfile
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bot.app import open_hall
from bot.errors import FloormicError
from bot.model import Message
from bot.settings import SessionSettings, Settings, WebSettings
from knowledge.aloud import SURE, Answered, Sought, Speech, begins_at, views
from knowledge.captions import read_captions, sentences
from knowledge.encoder import Encoder, load_encoder

HERE = Path(__file__).parent
TALKS = HERE.parents[2] / "knowledge/talks"
CHOSEN_ON, JUDGED_BY = "cobot_zh", "edge_en"
NEAR = 30.0
BEGAN = 1_790_000_000.0


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
    answered: int

    @property
    def found(self) -> int:
        """Groups that were found; several questions of the program may be parts of one."""
        return self.answered - len(self.missed)

    def line(self) -> str:
        proposed, true = self.right + len(self.wrong), self.found + len(self.missed)
        errors = sorted(abs(error) for error in self.errors)
        return (
            f"precision {self.right}/{proposed} = {self.right / max(proposed, 1):.2f}  "
            f"recall {self.found}/{true} = {self.found / max(true, 1):.2f}  "
            f"time error median {median(errors or [0.0]):.0f} s, worst {max(errors, default=0.0):.0f} s  "
            f"wrong: {', '.join(self.wrong) or '-'}  missed: {', '.join(self.missed) or '-'}"
        )


def read_talk(name: str, encoder: Encoder, *, staged: bool = True) -> Talk:
    """`staged`: whether it is known what came on stage when."""
    labels = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    chat = _rows(TALKS / name / "chat.jsonl")
    asked = defaultdict(list)
    for id, group in _groups(name, labels).items():
        asked[group].append(chat[id])
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
    return Judged(len(right), wrong, missed, tuple(right.values()), len(talk.answered))


async def through_program(name: str, encoder: Encoder) -> tuple[Judged, float | None]:
    """And when the transcript begins, as the program found it, in seconds of the chat."""
    labels, chat = json.loads((HERE / f"{name}.json").read_text("utf-8")), _rows(TALKS / name / "chat.jsonl")
    groups = _groups(name, labels)
    clock = [BEGAN]
    with tempfile.TemporaryDirectory() as folder:
        talk = SessionSettings(id="talk", title=name, starts_at=datetime.fromtimestamp(BEGAN, UTC))
        settings = Settings(data=Path(folder), web=WebSettings(port=0), session=(talk,))
        async with open_hall(settings, now=lambda: clock[0], encoder=encoder) as hall:
            asked = [
                Message("talk", row["platform"], id, row["user"], row["name"], row["text"], BEGAN + row["t"])
                for id, row in chat.items()
            ]
            await hall.floor.receive(asked)
            await hall.drained()
            lies = {
                message.external_id: placed.question
                for message, placed in await hall.store.placements("talk")
                if placed
            }
            for group, at in sorted(labels["staged"].items(), key=lambda pair: pair[1]):
                clock[0] = BEGAN + at
                if question := next((lies[id] for id in chat if groups.get(id) == group and lies.get(id)), None):
                    with suppress(FloormicError):  # two groups that the program takes for one
                        await hall.desk.stage("Ann", question)
            (session,) = await hall.store.sessions()
            await hall.transcripts.take(session, f"{name}.vtt", (HERE / f"{name}.vtt").read_bytes(), "Ann")
            await hall.transcripts.searched("talk")
            kept = await hall.store.transcript("talk")
            found = []
            for one, about in await hall.transcripts.proposals("talk"):
                about_groups = Counter(groups.get(id) for id, question in lies.items() if question == about.id)
                found.append((about_groups.most_common(1)[0][0], one.passage.start))
    right = [(g, s) for g, s in found if abs(s - labels["answered"].get(g, math.inf)) <= NEAR]
    missed = tuple(group for group in labels["answered"] if group not in {g for g, _ in right})
    wrong = tuple(str(group) for group, start in found if (group, start) not in right)
    begins = None if kept is None or kept.zero is None else kept.zero - BEGAN
    errors = tuple(start - labels["answered"][group] for group, start in right)
    return Judged(len(right), wrong, missed, errors, len(labels["answered"])), begins


def _groups(name: str, labels: dict[str, Any]) -> dict[str, str]:
    """The question of each message that asks, by the message's id."""
    rows = _rows(TALKS / name / "labels.jsonl")
    return {id: labels["together"].get(row["group"], row["group"]) for id, row in rows.items() if row["group"]}


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
        whole, begins = asyncio.run(through_program(name, encoder))
        print(f"  through the program             {whole.line()}  begins: {begins}")


if __name__ == "__main__":
    main()
