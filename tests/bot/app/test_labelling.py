"""An evening becomes a labelled talk that people correct."""

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.app import replay
from bot.app.minds import Minds
from bot.cli import floormic
from bot.desk import Desk
from bot.errors import BadInput, NotFound
from bot.model import CourseMatch, Placed, Placement, Session
from bot.settings import Settings
from bot.storage.sqlite import open_store
from knowledge.evaluation.data import DataError
from knowledge.evaluation.talks import CHAT, DRAFT, LABELS, MATERIAL, read_talk
from tests.bot.storage.acts import arrive, ask, merge
from tests.bot.values import message, state
from tests.fakes import HashEncoder

RECORDED = "faq#will-it-be-recorded"
FAQ = "# FAQ\n\n## Will it be recorded?\n\nYes.\n\n## What does it cost?\n\nNothing.\n"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installation that was used one evening: what two asked was joined, one asked two things."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "floormic.toml").write_text('data = "kept"\n', encoding="utf-8")
    (tmp_path / "kept").mkdir()
    (tmp_path / "course").mkdir()
    (tmp_path / "course/faq.md").write_text(FAQ, encoding="utf-8")
    store = await open_store(Settings.model_validate({"data": tmp_path / "kept"}).database)
    await store.save_session(Session("talk", "A talk", course=str(tmp_path / "course")))
    await store.save_session(Session("empty", "Nobody came"))
    answer = CourseMatch(RECORDED, 0.97, "sent", "Yes.")
    await ask(store, "q1", text="Is there a recording?", answer=answer)
    await arrive(store, user="u2", text="hello all")
    await ask(store, "q2", user="u3", text="replay?", source="web")
    await merge(store, "q2", "q1")
    await arrive(store, user="u4", text="said too much", aside=True)
    two = [("Where are the slides?\nAnd of all the films that were shown?", "q3"), ("Who is next?", "q4")]
    await store.receive([message(5, two[n][0], "u5", external_id="two", part=n + 1) for n in range(2)])
    for (one, _), (title, id) in zip((await store.placements("talk"))[-2:], two, strict=True):
        founded = Placed(Placement(one.id, True, 0.9, id), None, replace(state(id), title=title))
        await store.place("talk", [founded])
    await store.close()
    return tmp_path


def label(*arguments: str) -> Result:
    return CliRunner().invoke(floormic, ["label", *arguments], standalone_mode=False)


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_an_evening_is_written_as_it_stood_in_the_end(here: Path) -> None:
    """What moderators joined is one group, which the course answers for all; a line that asks two things is one line
    again, and doubtful; nobody is named."""
    done = label("talk", "evening")
    assert "4 messages, 3 askings in 2 groups, 1 of them answered by the course" in done.output
    assert [
        (row["id"], row["t"], row["platform"], row["user"], row["name"]) for row in rows(here / "evening" / CHAT)
    ] == [
        ("1", 0.0, "telegram", "u1", ""),
        ("2", 1.0, "telegram", "u2", ""),
        ("3", 2.0, "web", "u3", ""),
        ("4", 4.0, "telegram", "u4", ""),
    ]
    found = [
        tuple(row[key] for key in ("kind", "group", "answerable", "ambiguous"))
        for row in rows(here / "evening" / DRAFT)
    ]
    assert found == [
        ("question", "1 Is there a recording?", RECORDED, False),
        ("chatter", None, None, False),
        ("question", "1 Is there a recording?", RECORDED, False),
        ("question", "2 Where are the slides? And of a", None, True),
    ]


async def test_what_nobody_understood_yet_is_not_labelled(here: Path) -> None:
    """All of it would be chatter, and whoever corrected that would have every line to read."""
    store = await open_store(Settings.model_validate({"data": here / "kept"}).database)
    await store.receive([message(9, "Is there a recording?", session="empty")])
    await store.close()
    done = await asyncio.to_thread(label, "empty", "evening")
    assert "start `floormic run`" in str(done.exception)
    assert not (here / "evening").exists()


async def test_what_a_moderator_said_asks_nothing_is_chatter(here: Path) -> None:
    store = await open_store(Settings.model_validate({"data": here / "kept"}).database)
    desk = Desk(store, lambda _: None, lambda: 1.0)
    await desk.not_asking("Mo", "q1", [(await store.asked("q1"))[0].message.id])
    await store.close()
    await asyncio.to_thread(label, "talk", "evening")
    assert [row["kind"] for row in rows(here / "evening" / DRAFT)] == ["chatter", "chatter", "question", "question"]


async def test_what_was_sent_as_a_question_is_one_in_a_replay_too(here: Path) -> None:
    """Whatever the detector would say to its words: nobody asked it. What a moderator took for one is chat, and who
    speaks to the bot alone is in a chat of his own."""
    store = await open_store(Settings.model_validate({"data": here / "kept"}).database)
    await store.save_session(Session("asked", "By all ways"))
    words = "the old machine in our hall"
    await ask(store, "q8", session="asked", text=words, explicit=True, source="page")
    await ask(store, "q9", session="asked", text=words, explicit=True, taken=True, chat="hall")
    await arrive(store, session="asked", user="u2", text=words, chat="hall")
    await store.close()
    await asyncio.to_thread(label, "asked", "evening")
    chat = here / "evening" / CHAT
    assert [(row["chat"], row["explicit"]) for row in rows(chat)] == [("c1", True), ("c2", False), ("c2", False)]
    with closing(Minds(encoder=HashEncoder())) as minds:
        await replay(chat, None, 0.0, here / "out.jsonl", minds=minds)
    assert [row["asking"] for row in rows(here / "out.jsonl")] == [True, False, False]


def test_only_what_a_person_corrected_is_measured(here: Path) -> None:
    """The bench says what to do with a draft; saved as labels it is a talk in form, with its course."""
    label("talk", "evening")
    with pytest.raises(DataError, match="correct it and save it as"):
        read_talk(here / "evening")
    (here / "evening" / DRAFT).rename(here / "evening" / LABELS)
    talk = read_talk(here / "evening")
    assert [line.source for line in talk.lines] == [RECORDED, None, RECORDED, None]
    assert talk.course == here / "evening" / MATERIAL


def test_names_are_kept_where_they_are_wanted(here: Path) -> None:
    """Who is addressed tells something about a message."""
    label("talk", "evening", "--names")
    assert [row["name"] for row in rows(here / "evening" / CHAT)] == ["U1", "U2", "U3", "U5"]


def test_what_was_corrected_is_never_written_over(here: Path) -> None:
    """A second time into the same folder is refused, whatever of it is still there."""
    label("talk", "evening")
    (here / "evening" / DRAFT).rename(here / "evening" / LABELS)
    (here / "evening" / CHAT).unlink()
    refused = label("talk", "evening").exception
    assert isinstance(refused, BadInput)
    assert LABELS in str(refused)


def test_no_folder_in_the_course_is_taken(here: Path) -> None:
    """It would hold itself without end."""
    refused = label("talk", "course/evening").exception
    assert isinstance(refused, BadInput)
    assert "in the course itself" in str(refused)


def test_a_session_that_is_not_there_or_empty_is_told(here: Path) -> None:
    """With the names of those that are there; no folder is made."""
    unknown, empty = label("tlak", "evening").exception, label("empty", "evening").exception
    assert isinstance(unknown, NotFound)
    assert "empty, talk" in str(unknown)
    assert isinstance(empty, BadInput)
    assert "nobody said anything" in str(empty)
    assert not (here / "evening").exists()
