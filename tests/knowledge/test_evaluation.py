import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.evaluation import area_under_roc, average_precision, b_cubed, found, pairs, read_topics, run_bench, table
from tests.fakes import HashEncoder

TOPIC = {
    "faq": [{"id": "f1", "q": "回放在哪里看", "a": "主页。"}],
    "groups": [
        {"id": "g1", "faq": "f1", "asks": ["回放在哪里看", "回放在哪里看？"]},
        {"id": "g2", "faq": None, "asks": ["怎么开发票"]},
    ],
    "not_asking": ["666", "哈哈哈"],
}


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    (tmp_path / "one.json").write_text(json.dumps(TOPIC, ensure_ascii=False), encoding="utf-8")
    return tmp_path


@given(st.lists(st.integers(0, 3), min_size=1))
def test_the_truth_itself_scores_one(groups: list[int]) -> None:
    """Who groups as the labels do is perfect, under any names."""
    renamed = [f"q{g}" for g in groups]
    assert b_cubed(groups, renamed)["f1"] == pytest.approx(1)
    assert pairs(groups, renamed)["f1"] == (1 if len(set(groups)) < len(groups) else 0)


def test_known_values() -> None:
    """The metrics agree with what is worked out by hand."""
    assert found([True, True, False], [True, False, True]) == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert pairs("aab", "xyy") == {"precision": 0, "recall": 0, "f1": 0}
    assert b_cubed("aab", "xyy")["precision"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert average_precision([True, False, True], [0.9, 0.8, 0.7]) == pytest.approx((1 + 2 / 3) / 2)
    assert area_under_roc([True, False, True, False], [0.9, 0.8, 0.7, 0.1]) == pytest.approx(3 / 4)


def test_equal_scores_are_neither_luck_nor_loss() -> None:
    """A score that says nothing has the share of true items as precision and an area of one half."""
    true = [True, False, False, True]
    assert average_precision(true, [0.5] * 4) == pytest.approx(0.5)
    assert area_under_roc(true, [0.5] * 4) == pytest.approx(0.5)


def test_a_topic_is_read_in_one_order(topics: Path) -> None:
    """The order is shuffled, and the same each time for a seed."""
    assert read_topics(topics) == read_topics(topics)
    assert sorted(line.text for line in read_topics(topics, 1)[0].lines) == sorted(
        ["666", "哈哈哈", "怎么开发票", "回放在哪里看", "回放在哪里看？"]
    )


def test_the_bench_measures_every_judgement(topics: Path) -> None:
    """With topics all figures are there, and the progress ends with the number of messages."""
    done: list[int] = []
    figures = run_bench(done.append, HashEncoder(), topics)
    assert done[-1] == 5
    assert figures["asking"]["precision"] == 1
    assert figures["same question, pairs"]["precision"] == 1
    assert figures["answering"]["first of the answerable"] == 1
    assert figures["encoder"]["messages a second"] > 0
    assert "same question, B-cubed" in table(figures)


def test_a_folder_without_topics_is_told(tmp_path: Path) -> None:
    """A wrong folder is no silent zero; without one only the speed is measured."""
    with pytest.raises(FileNotFoundError, match="no topic"):
        run_bench(lambda _: None, HashEncoder(), tmp_path)
    assert set(run_bench(lambda _: None, HashEncoder())) == {"encoder"}
