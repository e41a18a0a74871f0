"""Public sets as training topics; small files in their forms stand for them."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from knowledge.evaluation.data import DataError
from knowledge.evaluation.public import PASSAGES
from knowledge.evaluation.public import read_public as judged
from knowledge.training.public import LONGEST, READERS, read_public
from knowledge.training.topics import Topic


def rows(path: Path, *found: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in found), encoding="utf-8")


def only(folder: Path) -> Topic:
    (topic,) = read_public(folder)
    return topic


def test_each_set_has_its_credit_in_the_card() -> None:
    """A row with its licence and who made it."""
    card = (files("knowledge") / "models" / "README.md").read_text(encoding="utf-8")
    rows_of = [line.split("|") for line in card.partition("### Public sets")[2].partition("## cross/")[0].splitlines()]
    credits = {name: row[3] for row in rows_of if len(row) == 5 for name in READERS if name in row[1]}
    assert credits.keys() == READERS.keys()
    assert all("Apache" in credit or "MIT" in credit or "CC BY" in credit for credit in credits.values())


def test_entries_with_their_phrasings(tmp_path: Path) -> None:
    """An entry's question and phrasings are one group that its answer answers; a phrasing stands once."""
    rows(
        tmp_path / "chatopera_faq_zh" / "faq.jsonl",
        {"domain": "酒水", "post": "一箱几瓶", "similar": ["一箱多少瓶", "一箱几瓶"], "answer": "六瓶。"},
        {"domain": "酒水", "post": "怎么买", "similar": [], "answer": "打电话。"},
        {"domain": "房产", "post": "一箱几瓶", "similar": [], "answer": "不卖酒。"},
    )
    topic = only(tmp_path)
    assert [(group.asks, group.source) for group in topic.groups] == [
        (("一箱几瓶", "一箱多少瓶"), "六瓶。"),
        (("怎么买",), "打电话。"),
    ]


def test_what_was_asked_live(tmp_path: Path) -> None:
    """Questions with a real answer, without links and marks."""
    rows(
        tmp_path / "tds_live" / "qa_2023_2024.jsonl",
        {"session": "s", "question": "Will `x` be graded (40:40)?", "answer": "Yes, all of it is graded in week four."},
        {"session": "s", "question": "Is it due on Friday?", "answer": "Yes"},
        {"session": "s", "question": "Where are the slides?", "answer": "On the site: see https://example.org " * 20},
    )
    rows(
        tmp_path / "coderefinery_live" / "qa_2021_2023.jsonl",
        {
            "workshop": "w",
            "day": "1",
            "question": "How do I leave?",
            "answers": ["ok", "There is a button on the right."],
        },
    )
    tds, workshops = read_public(tmp_path)
    assert [group.asks for group in tds.groups] == [("Will x be graded ?",), ("Where are the slides?",)]
    assert all("http" not in group.source and len(group.source) <= LONGEST for group in tds.groups)
    assert [group.source for group in workshops.groups] == ["There is a button on the right."]


def test_articles_with_a_passage_that_judges_are_not_read(tmp_path: Path) -> None:
    """What is learnt from is of other articles than what judges, and a question's text is what stands around its
    answer."""
    before, after = "早期的事情。" * 30, "後來的事情。" * 30

    def passage(article: int, n: int) -> dict[str, Any]:
        context = f"{before}第{article}站的第{n}個名字是{article}號。{after}"
        answers = [{"text": f"{article}號", "answer_start": context.index("號。") - len(str(article))}]
        return {"context": context, "qas": [{"question": f"第{article}站的第{n}個名字?", "answers": answers}]}

    articles = [{"title": f"第{at}站", "paragraphs": [passage(at, 0), passage(at, 1)]} for at in range(PASSAGES)]
    folder = tmp_path / "drcd_zhtw"
    folder.mkdir()
    (folder / "dev.json").write_text(json.dumps({"data": articles}), encoding="utf-8")
    learnt = {group.asks[0].split("的")[0]: group.source for group in only(tmp_path).groups}
    ((_, read),) = judged(tmp_path)
    judging = {line.text.split("的")[0] for line in read().chats[0].lines}
    assert learnt
    assert not set(learnt) & judging
    for title, source in learnt.items():
        assert source.startswith(title)
        assert title.strip("第站") + "號" in source
        assert len(source) < 200


def test_a_wrong_folder_is_told(tmp_path: Path) -> None:
    """A folder without any set, and a set in another form, are refused with what to do."""
    with pytest.raises(DataError, match="has none of the folders"):
        read_public(tmp_path)
    rows(tmp_path / "tds_live" / "qa_2023_2024.jsonl", {"asked": "what?"})
    with pytest.raises(DataError, match="not in the form of this set"):
        read_public(tmp_path)


@pytest.mark.parametrize("rows_there", [[], [{"session": "s", "question": "Is it due?", "answer": "Yes"}]])
def test_a_set_with_nothing_to_learn_from_is_told(tmp_path: Path, rows_there: list[dict[str, Any]]) -> None:
    """A training would look for its next question without end."""
    rows(tmp_path / "tds_live" / "qa_2023_2024.jsonl", *rows_there)
    with pytest.raises(DataError, match="nothing in it to learn from"):
        read_public(tmp_path)
