import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from knowledge.training.check import copies, lines_of, problems_of, texts_below
from knowledge.training.topics import DATA, read_topics

FILES = sorted(DATA.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_topic_is_in_form(path: Path) -> None:
    """Enough groups, look-alikes and lines that ask nothing; every reference is there, and no line stands twice."""
    assert problems_of(path) == []


def test_no_line_of_some_length_stands_in_two_topics() -> None:
    """Topics are independent: a split by topics does not leak."""
    counts = Counter(
        line
        for path in FILES
        for line in set(lines_of(json.loads(path.read_text(encoding="utf-8"))))
        if sum(letter.isalnum() for letter in line) > 6
    )
    assert [line for line, n in counts.items() if n > 1] == []


def test_there_is_as_much_as_the_card_says() -> None:
    """60 topics, 12,000 askings and as many lines that ask nothing."""
    topics = read_topics()
    assert len(topics) >= 60
    assert sum(len(group.asks) for topic in topics for group in topic.groups) >= 12_000
    assert sum(len(topic.not_asking) for topic in topics) >= 12_000


def raw() -> dict[str, Any]:
    return json.loads(FILES[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("break_it", "word"),
    [
        (lambda t: t.pop("near"), "keys"),
        (lambda t: t["groups"].clear(), "fewer"),
        (lambda t: t["lookalike"].append(["g01", "nope"]), "nope"),
        (lambda t: t["near"].append({"id": "nope", "ask": "x"}), "nope"),
        (lambda t: t["groups"][0].update(faq="nope"), "source"),
        (lambda t: t["not_asking"].append(t["not_asking"][0]), "twice"),
        (lambda t: t["groups"].append(t["groups"][0]), "stands twice"),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, break_it: Any, word: str) -> None:
    """The checker names each kind of mistake, so that its silence means something."""
    topic = raw()
    break_it(topic)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(topic), encoding="utf-8")
    assert any(word in problem for problem in problems_of(path))


def test_copies_are_found_but_for_a_few_letters(tmp_path: Path) -> None:
    """A line of evaluation data is found in other punctuation, width and script; another question is not."""
    (tmp_path / "chat.jsonl").write_text(json.dumps({"text": "请问老师，这个网关安装的时候要停产吗"}), encoding="utf-8")
    others = texts_below(tmp_path)
    lines = {"請問老師這個網關安裝的時候要停產嗎？": "a", "网关拆下来以后原来的线怎么接回去": "b"}
    assert [where for where, *_ in copies(lines, others)] == ["a"]
