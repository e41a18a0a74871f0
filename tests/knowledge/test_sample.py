"""The sample talks hold together: chat, labels and course belong to each other."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import knowledge
from knowledge.course import read_course

SAMPLE = Path(knowledge.__file__).parent / "sample"
KINDS = {"question", "request", "greeting", "chatter", "answer", "rhetorical", "spam", "other"}
PLATFORMS = {"telegram", "web", "bilibili", "wecom", "channels", "kuaishou", "tencent_classroom"}

both = pytest.mark.parametrize("language", ["zh", "en"])


def rows(language: str, name: str) -> list[dict[str, Any]]:
    lines = (SAMPLE / language / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@both
def test_the_course_has_no_problems(language: str) -> None:
    """A sample that is told off would teach the wrong form."""
    course = read_course(SAMPLE / language / "course")
    assert course.problems == ()
    assert len(course.entries) >= 10
    assert len(course.passages) >= 14


@both
def test_the_chat_is_in_order_and_complete(language: str) -> None:
    """Ids are unique, times rise, every message has somebody and a text, and nobody is on two platforms."""
    chat = rows(language, "chat")
    assert all(list(row) == ["id", "t", "platform", "user", "name", "text"] for row in chat)
    assert len({row["id"] for row in chat}) == len(chat)
    assert [row["t"] for row in chat] == sorted(row["t"] for row in chat)
    assert all(row["text"].strip() and row["name"] for row in chat)
    assert {row["platform"] for row in chat} <= PLATFORMS
    assert len({(row["user"], row["platform"], row["name"]) for row in chat}) == len({row["user"] for row in chat})


@both
def test_labels_match_chat_and_course(language: str) -> None:
    """One label a message; a group means an asking and has one source, which the course holds."""
    course = read_course(SAMPLE / language / "course")
    ids = {item.id for item in (*course.entries, *course.passages)}
    labels = rows(language, "labels")
    assert [row["id"] for row in labels] == [row["id"] for row in rows(language, "chat")]
    sources = defaultdict(set)
    for row in labels:
        assert list(row) == ["id", "kind", "group", "answerable", "ambiguous"]
        assert row["kind"] in KINDS
        assert (row["group"] is not None) == (row["kind"] in ("question", "request")), row
        assert row["answerable"] is None or row["answerable"] in ids, row
        sources[row["group"]].add(row["answerable"])
    assert [group for group, found in sources.items() if len(found) > 1] == []


@both
def test_the_session_is_described(language: str) -> None:
    """The session names itself, its series, its speaker and its language."""
    session = json.loads((SAMPLE / language / "session.json").read_text(encoding="utf-8"))
    assert list(session) == ["id", "title", "series", "speaker", "language"]
    assert session["language"] == language
    assert all(session.values())


def test_the_chinese_talk_shows_what_the_product_is_for() -> None:
    """A hall on seven platforms, questions that many ask in their own words, and some that the course cannot answer."""
    chat, labels = rows("zh", "chat"), rows("zh", "labels")
    asked = defaultdict(list)
    for message, label in zip(chat, labels, strict=True):
        if label["group"]:
            asked[label["group"]].append(message)
    people = {group: len({m["user"] for m in messages}) for group, messages in asked.items()}
    wide = [g for g, messages in asked.items() if people[g] >= 8 and len({m["platform"] for m in messages}) >= 4]
    answerable = Counter(label["answerable"] is not None for label in labels if label["group"])
    assert {message["platform"] for message in chat} == PLATFORMS
    assert len(chat) >= 150
    assert len({message["user"] for message in chat}) >= 70
    assert len(wide) >= 2
    assert answerable[False] >= 30
    assert answerable[True] >= 30
    assert chat[-1]["t"] > 2100
