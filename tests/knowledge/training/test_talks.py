"""Of a talk that is written by hand come the files that it is read from."""

import json
from pathlib import Path

import pytest

from knowledge.calibrating import TALKS, read_labelled
from knowledge.evaluation.data import DataError
from knowledge.training.talks import main, make, read, rows

TALK = """
k|焊工老李|g|-|晚上好
b|夜班选手|q|g01|有回放不
k|焊工老李|x?|-|还有人手抄吗
t|Kev|q?|g02|mes or erp, I can't tell | them apart
=g01=replay
=g02=-
"""


def write(folder: Path, talk: str = TALK) -> Path:
    (folder / "course").mkdir(parents=True)
    (folder / "course" / "faq.md").write_text("# A\n\n## 回放在哪\n<!-- id: replay -->\n主页。\n", encoding="utf-8")
    (folder / "talk.txt").write_text(talk, encoding="utf-8")
    return folder


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """A line becomes a message with its label, who asks twice is one person, and nobody goes back in time."""
    folder = write(tmp_path / "hand")
    assert make(folder) == 4
    (talk,) = read_labelled(tmp_path)
    assert [(line.text, line.asks, line.group, line.source, line.ambiguous) for line in talk.chat.lines] == [
        ("晚上好", False, None, None, False),
        ("有回放不", True, "g01", "replay", False),
        ("还有人手抄吗", False, None, None, True),
        ("mes or erp, I can't tell | them apart", True, "g02", None, True),
    ]
    who = [line.author for line in talk.said]
    assert who[0] == who[2]
    assert len(set(who)) == 3
    assert [line.at for line in talk.said] == sorted(line.at for line in talk.said)
    before = (folder / "chat.jsonl").read_bytes()
    make(folder)
    assert (folder / "chat.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("k|焊工老李|g|晚上好", "talk.txt:8: write platform|name|kind|group|text"),
        ("z|焊工老李|g|-|晚上好", "the platform 'z' is not known"),
        ("k|焊工老李|y|-|晚上好", "the kind 'y' is not known"),
        ("k|焊工老李|g|g01|晚上好", "what asks has a group, and nothing else has one"),
        ("k|焊工老李|q|-|有回放不", "what asks has a group, and nothing else has one"),
        ("k|焊工老李|q|g03|几点开始", "g03 has no source"),
        ("=g03=replay", "nobody asks g03"),
        ("=g01=replay", "the source of g01 stands twice"),
        ("=g03", "write =group=source"),
    ],
)
def test_a_mistake_of_whoever_wrote_it_is_told(
    tmp_path: Path, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that is not in form is named with its number and what to write instead, and nothing is made."""
    folder = write(tmp_path / "hand", TALK + line + "\n")
    assert main([str(folder)]) == 1
    assert told in capsys.readouterr().out
    assert not (folder / "chat.jsonl").exists()


def test_a_source_that_the_course_does_not_have_is_told(tmp_path: Path) -> None:
    """What is said to answer a group must stand in the course."""
    with pytest.raises(DataError, match="the course has no 'slides'"):
        make(write(tmp_path / "hand", TALK.replace("=g01=replay", "=g01=slides")))


@pytest.mark.parametrize("folder", sorted(TALKS.iterdir()), ids=lambda folder: str(folder.name))
def test_the_talks_that_ship_are_those_that_were_written(folder: Path) -> None:
    """Who mends a line or a label mends `talk.txt`, and both other files follow."""
    messages, sources = read(folder / "talk.txt")
    made = list(rows(folder.name, messages, sources))
    chat, labels = (
        [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        for name in ("chat.jsonl", "labels.jsonl")
    )
    kept = ("id", "platform", "name", "text")  # the pace of the first ones was another one
    assert [[row[key] for key in kept] for row in chat] == [[row[key] for key in kept] for row, _ in made]
    assert labels == [label for _, label in made]
