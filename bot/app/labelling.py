"""An evening as a labelled talk, which a person corrects: `floormic bench` measures on it, `floormic calibrate` learns
from it, and `floormic replay` plays it.

What stands in the labels is what became of each message in the end, with all that moderators moved, joined and split.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from bot.apart import rejected
from bot.app.stores import open_configured
from bot.connectors.replay import Line
from bot.courses import course_at
from bot.errors import BadInput, NotFound
from bot.model import COURSE, Asked, Message, Placement, QuestionState, Session
from bot.ports import Store
from bot.settings import Settings
from knowledge.evaluation.talks import CHAT, DRAFT, LABELS, MATERIAL
from knowledge.material import Course

T = TypeVar("T")

EVERYTHING = 10**9
LONGEST_NAME = 30
"""Characters of a question in the name of its group."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was written: how many `messages`, of these `askings`, their `groups`, and how many of those the course is
    thought to answer; whether there was a `course`."""

    messages: int
    askings: int
    groups: int
    answerable: int
    course: bool


async def label(settings: Settings, session: str, folder: Path, *, names: bool = False) -> Labelled:
    """Write the chat of a session, the course and a draft of the labels into `folder`. People are numbered; with
    `names` they keep what they are called. Raises `NotFound`, `BadInput` and, while the program runs, `StoreBusy`.
    """
    there = [name for name in (CHAT, LABELS, DRAFT, MATERIAL) if (folder / name).exists()]
    if there:
        raise BadInput(f"{folder} has {there[0]} already: name a new folder, so that no correction is lost")
    store = await open_configured(settings)
    try:
        held = {one.id: one for one in await store.sessions()}
        if session not in held:
            raise NotFound(f"there is no session {session!r}; there are: {', '.join(sorted(held))}")
        return await _label(store, held[session], folder, names)
    finally:
        await store.close()


async def _label(store: Store, session: Session, folder: Path, names: bool) -> Labelled:
    questions = {one.state.id: one.state for one in await store.questions(session.id)}
    asked = {one.message.id: one for one in await store.askings(session.id, EVERYTHING)}
    placements = await store.placements(session.id)
    if placements and not any(placement for _, placement in placements):
        raise BadInput(
            f"nothing of the session {session.id!r} was understood yet: start `floormic run`, and label it once its "
            "questions are on the board"
        )
    placed = [(message, _codes(placement)) for message, placement in placements]
    # Nobody read a flood, and nothing is left of whoever was forgotten.
    said = [message for message, codes in placed if "flood" not in codes and message.text]
    votes = {message.id for message, codes in placed if "vote" in codes}
    if not said:
        raise BadInput(f"nobody said anything in the session {session.id!r}")
    return await asyncio.to_thread(_write, folder, session, said, votes, asked, questions, names)


def _write(
    folder: Path,
    session: Session,
    said: Sequence[Message],
    votes: set[int],
    asked: dict[int, Asked],
    questions: dict[str, QuestionState],
    names: bool,
) -> Labelled:
    if session.course and folder.resolve().is_relative_to(Path(session.course).resolve()):
        raise BadInput(f"{folder} lies in the course itself: name a folder elsewhere")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        has_course = bool(session.course) and Path(session.course).is_dir()
        if has_course:
            shutil.copytree(session.course, folder / MATERIAL)
        course = course_at(Path(session.course)) if has_course else Course((), (), ())
        parts = {entry.id for entry in course.entries} | {passage.id for passage in course.passages}
        answers = _answers(asked.values(), questions, parts)
        people, chats, groups = _Numbers[tuple[str, str]](), _Numbers[tuple[str, str]](), _Numbers[str]()
        chat: list[dict[str, Any]] = []
        labels: list[dict[str, Any]] = []
        for number, messages in enumerate(_lines(said), 1):
            first, id = messages[0], str(number)
            text = " ".join(one.text for one in messages)
            found = list(dict.fromkeys(asked[one.id].question for one in messages if one.id in asked))
            found = [question for question in found if question in questions]
            t, user = round(max(0.0, first.at - said[0].at), 1), f"u{people[first.source, first.author]}"
            place = f"c{chats[first.source, first.address.chat]}" if first.address else ""
            on_purpose = first.explicit and not first.taken
            name = first.author_name if names else ""
            chat.append(asdict(Line(id, t, first.source, user, name, text, place, on_purpose)))
            if found:
                title = " ".join(questions[found[0]].title.split())[:LONGEST_NAME]
                named = (f"{groups[found[0]]} {title}".strip(), answers.get(found[0]), len(found) > 1)
                labels.append(_labelled(id, text, "question", *named))
            else:
                labels.append(_labelled(id, text, "other" if first.id in votes else "chatter"))
        _lines_to(folder / CHAT, chat)
        _lines_to(folder / DRAFT, labels)
    except shutil.Error as error:  # of several files at once
        raise BadInput(f"{folder}: the course cannot be copied: {error.args[0][0][2]}") from error
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror}") from error
    askings = [row for row in labels if row["group"]]
    held = {row["group"]: row["answerable"] for row in askings}
    return Labelled(len(chat), len(askings), len(held), sum(map(bool, held.values())), has_course)


def _lines(messages: Iterable[Message]) -> Iterable[list[Message]]:
    """The parts of a line that asks several things are one line again."""
    for _, parts in groupby(messages, key=lambda one: (one.source, one.external_id)):
        yield list(parts)


def _codes(placement: Placement | None) -> set[str]:
    """Why it was taken for asking or not."""
    return {reason.code for reason in placement.reasons.asking} if placement else set()


def _labelled(
    id: str, text: str, kind: str, group: str | None = None, answerable: str | None = None, ambiguous: bool = False
) -> dict[str, Any]:
    """The text stands in it for whoever corrects it."""
    return {"id": id, "kind": kind, "group": group, "answerable": answerable, "ambiguous": ambiguous, "text": text}


def _answers(asked: Iterable[Asked], questions: dict[str, QuestionState], parts: set[str]) -> dict[str, str]:
    """What of the course answers each question: what people accepted or what was sent, and nobody called none."""
    sent: dict[str, Counter[str]] = {}
    for one in asked:
        if (match := one.placement.answer) and match.state == "sent":
            sent.setdefault(one.question, Counter())[match.source] += 1
    found = {}
    for id, question in questions.items():
        said = question.answer.sources[:1] if question.answer and question.answer.by == COURSE else ()
        most = [source for source, _ in sent.get(id, Counter()).most_common()]
        none = rejected(question, questions.values())
        if fit := [one for one in (*said, *most) if one in parts and one not in none]:
            found[id] = fit[0]
    return found


class _Numbers(dict[T, int]):
    """Each thing by its number, counted from 1 in the order in which they are asked for."""

    def __missing__(self, thing: T) -> int:
        self[thing] = len(self) + 1
        return self[thing]


def _lines_to(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
